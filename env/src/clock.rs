//! Time and randomness.

use std::time::{Duration, SystemTime};

/// Time, so that a simulator can own it.
pub trait Clock: Send + Sync {
    /// Monotonic time since an arbitrary start.
    fn monotonic(&self) -> Duration;
    /// Wall-clock time.
    fn wall(&self) -> SystemTime;
}

/// A cryptographically strong random source (the simulator's is seeded).
pub trait Entropy: Send + Sync {
    fn fill(&self, buf: &mut [u8]);
}
