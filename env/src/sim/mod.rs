//! The simulated world: a seed decides what a crash leaves, what time it is and every random number.

mod disk;
mod files;
mod nonces;

pub use disk::SimFaults;
pub use files::SimFs;
pub use nonces::NonceWatch;

use crate::{Clock, Entropy, Env};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// SplitMix64: small, seeded, good enough for choices.
#[derive(Clone, Debug)]
pub struct SimRng(u64);

impl SimRng {
    pub fn new(seed: u64) -> SimRng {
        SimRng(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n`; 0 for n = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64().checked_rem(n).unwrap_or(0)
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// Seeded random bytes.
pub struct SimEntropy(Mutex<SimRng>);

impl SimEntropy {
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Mutex::new(SimRng::new(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, buf: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in buf.chunks_mut(8) {
            piece.copy_from_slice(&rng.next_u64().to_le_bytes()[..piece.len()]);
        }
    }
}

/// Time that moves when it is asked (1 µs per question) and when [`SimClock::advance`] says so.
#[derive(Default)]
pub struct SimClock(AtomicU64);

impl SimClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wall(&self) -> SystemTime {
        // 2026-01-01, so that dates look like dates.
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + self.monotonic()
    }
}

/// A simulated machine: its disk survives [`SimFs::crash`], its clock and random numbers go on.
pub struct SimEnv {
    pub fs: Arc<SimFs>,
    pub clock: Arc<SimClock>,
    pub entropy: Arc<SimEntropy>,
}

impl SimEnv {
    pub fn new(seed: u64) -> SimEnv {
        SimEnv {
            fs: SimFs::new(seed),
            clock: Arc::new(SimClock::default()),
            entropy: Arc::new(SimEntropy::new(seed ^ 0x5EED)),
        }
    }

    pub fn env(&self) -> Env {
        Env { fs: self.fs.clone(), clock: self.clock.clone(), entropy: self.entropy.clone() }
    }
}
