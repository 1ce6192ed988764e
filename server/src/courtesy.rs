//! Workers that give way.
//!
//! A busy worker finds the next request ready whenever it looks, and so never sleeps. Clients on the same processor,
//! already answered, then wait until the kernel takes the processor away from it, which it does only every few
//! milliseconds. A worker that gives way once it has run out of tasks lets them run, and finds more requests at once
//! afterwards. It is the smaller half of what keeps the 99th percentile low; the larger is that a connection gives way to
//! others on its worker (`aurora_frontend`, `pace.rs`).

use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// A worker that has run this long without sleep gives way.
const RUN_MAX: Duration = Duration::from_micros(200);
/// Shorter waits for events are none: something was ready.
const SLEEP_MIN: Duration = Duration::from_micros(20);
/// Who came instead used the processor this long: not a client that was waiting for an answer, but one that computes.
const WAY_MAX: Duration = Duration::from_millis(1);
/// So long the worker gives way to nobody then, else it would get little beside such a thread.
const PAUSE: Duration = Duration::from_millis(20);

thread_local! {
    static RUNNING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    static PARKED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes the workers of a runtime give way.
pub fn give_way(builder: &mut Builder) -> &mut Builder {
    builder.on_thread_park(parks).on_thread_unpark(unparks)
}

/// The worker has no task left, and is about to look for events.
fn parks() {
    let mut now = Instant::now();
    let since = RUNNING_SINCE.get().unwrap_or(now);
    // Later than now while it gives way to nobody.
    if now.saturating_duration_since(since) >= RUN_MAX {
        std::thread::yield_now();
        let back = Instant::now();
        let pause = if back - now > WAY_MAX { PAUSE } else { Duration::ZERO };
        RUNNING_SINCE.set(Some(back + pause));
        now = back;
    }
    PARKED_AT.set(Some(now));
}

fn unparks() {
    let now = Instant::now();
    let slept = PARKED_AT.take().is_none_or(|at| now - at >= SLEEP_MIN);
    let since = RUNNING_SINCE.get();
    if since.is_none() || slept && since.is_some_and(|since| since < now) {
        RUNNING_SINCE.set(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_worker_without_sleep_gives_way() {
        let long_ago = Instant::now().checked_sub(2 * RUN_MAX).expect("a machine that runs longer");
        RUNNING_SINCE.set(Some(long_ago));
        PARKED_AT.set(Some(Instant::now()));
        unparks();
        assert_eq!(RUNNING_SINCE.get(), Some(long_ago), "there was something at once");
        parks();
        assert!(RUNNING_SINCE.get() > Some(long_ago), "it gave way");
        RUNNING_SINCE.set(Some(long_ago));
        PARKED_AT.set(Instant::now().checked_sub(2 * SLEEP_MIN));
        unparks();
        assert!(RUNNING_SINCE.get() > Some(long_ago), "it slept");
        let pause = Instant::now() + PAUSE;
        RUNNING_SINCE.set(Some(pause));
        parks();
        unparks();
        assert_eq!(RUNNING_SINCE.get(), Some(pause), "a pause lasts");
    }
}
