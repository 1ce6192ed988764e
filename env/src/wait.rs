//! How a thread waits: signals, the trait that parks a thread, and the flag that interrupts it.
//!
//! Lock waits, write stalls and waits for durability go through [`Waiter`], so that the server can tell its
//! runtime that a worker is about to block, and a simulator can own the schedule (STORAGE 25).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Fires once; whoever waits sees it, also when it fired before the wait began.
#[derive(Debug, Default)]
pub struct Signal {
    fired: Mutex<bool>,
    condition: Condvar,
}

impl Signal {
    pub fn new() -> Signal {
        Signal::default()
    }

    /// Wakes all that wait, now and later. Idempotent.
    pub fn fire(&self) {
        *self.fired.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.condition.notify_all();
    }

    pub fn has_fired(&self) -> bool {
        *self.fired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks the calling thread until the signal fires (`true`) or `timeout` has passed (`false`).
    /// Code that runs under a server calls [`Waiter::wait`] instead.
    pub fn park(&self, timeout: Option<Duration>) -> bool {
        // A timeout beyond what the clock can add means no timeout.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut fired = self.fired.lock().unwrap_or_else(PoisonError::into_inner);
        while !*fired {
            match deadline {
                None => fired = self.condition.wait(fired).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    fired =
                        self.condition.wait_timeout(fired, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        true
    }
}

/// Blocks the calling thread. The server's implementation wraps [`Signal::park`] in
/// `tokio::task::block_in_place`, so that waiting threads are replaced and never starve runners.
pub trait Waiter: Send + Sync {
    /// Waits until `signal` fires (`true`) or `timeout` has passed (`false`).
    fn wait(&self, signal: &Signal, timeout: Option<Duration>) -> bool;

    /// Runs `call`, which may compute for long: a thread that others count on is replaced first.
    fn compute(&self, call: &mut dyn FnMut()) {
        call();
    }

    /// In the middle of a computation that has become long, now and then: lets the thread be replaced, if it can.
    fn make_way(&self) {}
}

/// Parks the thread itself: for embedded use, tools and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadWaiter;

impl Waiter for ThreadWaiter {
    fn wait(&self, signal: &Signal, timeout: Option<Duration>) -> bool {
        signal.park(timeout)
    }
}

/// What KILL asked of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum KillLevel {
    None = 0,
    /// KILL QUERY, or a statement's time limit: the running statement ends with 1317.
    Query = 1,
    /// KILL CONNECTION: the session ends.
    Connection = 2,
}

/// One session's kill flag. Executors poll [`KillFlag::is_set`] (one relaxed load); a kill also wakes the wait
/// that the session is in.
#[derive(Debug, Default)]
pub struct KillFlag {
    level: AtomicU8,
    waiting_on: Mutex<Option<Arc<Signal>>>,
}

impl KillFlag {
    pub fn new() -> KillFlag {
        KillFlag::default()
    }

    /// Raises the level (it never falls by this) and wakes a waiting session.
    pub fn kill(&self, level: KillLevel) {
        self.level.fetch_max(level as u8, Ordering::SeqCst);
        let waiting = self.waiting_on.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = waiting.as_ref() {
            signal.fire();
        }
    }

    pub fn level(&self) -> KillLevel {
        match self.level.load(Ordering::Relaxed) {
            0 => KillLevel::None,
            1 => KillLevel::Query,
            _ => KillLevel::Connection,
        }
    }

    pub fn is_set(&self) -> bool {
        self.level.load(Ordering::Relaxed) != 0
    }

    /// Forgets a KILL QUERY, at the start of a statement; a KILL CONNECTION stays.
    pub fn clear_query(&self) {
        let _ = self.level.compare_exchange(
            KillLevel::Query as u8,
            KillLevel::None as u8,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
    }

    /// Names the signal that a kill is to fire; a flag that is already set fires it at once.
    pub fn watch(&self, signal: &Arc<Signal>) {
        *self.waiting_on.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal.clone());
        if self.level.load(Ordering::SeqCst) != 0 {
            signal.fire();
        }
    }

    /// The end of [`KillFlag::watch`].
    pub fn unwatch(&self) {
        *self.waiting_on.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_fired_before_the_wait_is_seen() {
        let signal = Signal::new();
        assert!(!ThreadWaiter.wait(&signal, Some(Duration::from_millis(1))));
        signal.fire();
        assert!(ThreadWaiter.wait(&signal, None));
    }

    #[test]
    fn a_kill_wakes_the_wait_it_finds_or_the_one_that_begins_later() {
        let flag = KillFlag::new();
        let signal = Arc::new(Signal::new());
        flag.watch(&signal);
        flag.kill(KillLevel::Query);
        assert!(signal.has_fired());
        flag.unwatch();
        let later = Arc::new(Signal::new());
        flag.watch(&later);
        assert!(later.has_fired());
        flag.clear_query();
        assert_eq!(flag.level(), KillLevel::None);
    }
}
