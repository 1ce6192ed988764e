//! The world outside, behind traits: storage, clock, randomness and block sealing.
//!
//! Everything above reaches files, time and random numbers through these traits only, so that the
//! simulator can own them: lose un-synced writes, tear them, fill the disk, flip bits, fail a sync.

mod clock;
mod fs;
mod lent;
mod plain;
mod real;
mod seal;
pub mod sim;
mod wait;

pub use clock::{Clock, Entropy};
pub use fs::{DirLock, File, FileSystem};
pub use lent::{is_thread_lent, lend_thread};
pub use plain::PlainSealing;
pub use real::{RealClock, RealEntropy, RealEnv, RealFs};
pub use seal::{FILE_HEADER_BYTES, FileCipher, FileHeader, FileKind, SealError, Sealing};
pub use wait::{KillFlag, KillLevel, Signal, ThreadWaiter, Waiter};

use std::sync::Arc;

/// All traits of the outside world in one value, given to whoever opens a crate's façade.
#[derive(Clone)]
pub struct Env {
    pub fs: Arc<dyn FileSystem>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}
