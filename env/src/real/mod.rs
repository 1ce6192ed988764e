//! The real world: POSIX files, the system's clock, the kernel's random numbers.

mod files;
mod os;

pub use files::RealFs;

use crate::{Clock, Entropy, Env};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The operating system's clocks.
pub struct RealClock {
    start: Instant,
}

impl Clock for RealClock {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The kernel's random numbers.
pub struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, buf: &mut [u8]) {
        os::random(buf);
    }
}

/// Builds the [`Env`] of a real machine.
pub struct RealEnv;

impl RealEnv {
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> Env {
        Env {
            fs: Arc::new(RealFs),
            clock: Arc::new(RealClock { start: Instant::now() }),
            entropy: Arc::new(RealEntropy),
        }
    }
}
