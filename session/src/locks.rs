//! Locks by name: GET_LOCK, and LOCK TABLES.

use aurora_env::{KillFlag, Signal, Waiter};
use aurora_types::error::ER_QUERY_INTERRUPTED;
use aurora_types::{SqlError, SqlResult};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct NamedLocks {
    held: Mutex<HashMap<Vec<u8>, Held>>,
}

struct Held {
    owner: u64,
    count: u64,
    waiting: Vec<Arc<Signal>>,
}

impl NamedLocks {
    /// `true` when got, `false` when the time ran out.
    ///
    /// # Errors
    /// 1317 when killed.
    pub fn get(
        &self,
        name: &[u8],
        owner: u64,
        timeout: Option<Duration>,
        waiter: &dyn Waiter,
        kill: &KillFlag,
    ) -> SqlResult<bool> {
        let name = name.to_ascii_lowercase();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let signal = {
                let mut held = self.held.lock();
                match held.get_mut(&name) {
                    None => {
                        held.insert(name, Held { owner, count: 1, waiting: Vec::new() });
                        return Ok(true);
                    }
                    Some(lock) if lock.owner == owner => {
                        lock.count += 1;
                        return Ok(true);
                    }
                    Some(lock) => {
                        let signal = Arc::new(Signal::new());
                        lock.waiting.push(signal.clone());
                        signal
                    }
                }
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            kill.watch(&signal);
            let fired = waiter.wait(&signal, left);
            kill.unwatch();
            if kill.is_set() {
                return Err(SqlError::new(ER_QUERY_INTERRUPTED, &[]));
            }
            if !fired {
                return Ok(false);
            }
        }
    }

    /// `None`: there is no such lock; `false`: it is another session's.
    pub fn release(&self, name: &[u8], owner: u64) -> Option<bool> {
        let name = name.to_ascii_lowercase();
        let mut held = self.held.lock();
        let lock = held.get_mut(&name)?;
        if lock.owner != owner {
            return Some(false);
        }
        lock.count -= 1;
        if lock.count == 0
            && let Some(lock) = held.remove(&name)
        {
            for signal in lock.waiting {
                signal.fire();
            }
        }
        Some(true)
    }

    /// How many locks (counting repeats) were released.
    pub fn release_all(&self, owner: u64) -> u64 {
        let mut held = self.held.lock();
        let mut released = 0;
        held.retain(|_, lock| {
            if lock.owner != owner {
                return true;
            }
            released += lock.count;
            for signal in lock.waiting.drain(..) {
                signal.fire();
            }
            false
        });
        released
    }

    pub fn holder(&self, name: &[u8]) -> Option<u64> {
        self.held.lock().get(&name.to_ascii_lowercase()).map(|lock| lock.owner)
    }
}

/// How many sessions hold LOCK TABLES: statements look at it before they look further.
#[derive(Default)]
pub struct TableLocks {
    sessions: AtomicUsize,
}

impl TableLocks {
    pub fn enter(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub fn leave(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn any(&self) -> bool {
        self.sessions.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_env::ThreadWaiter;

    #[test]
    fn a_named_lock_is_counted_and_belongs_to_one() {
        let locks = NamedLocks::default();
        let kill = KillFlag::new();
        let get = |owner, name: &[u8]| {
            locks.get(name, owner, Some(Duration::from_millis(1)), &ThreadWaiter, &kill).expect("not killed")
        };
        assert!(get(1, b"a"));
        assert!(get(1, b"A"));
        assert!(!get(2, b"a"));
        assert_eq!(locks.release(b"a", 2), Some(false));
        assert_eq!(locks.release(b"a", 1), Some(true));
        assert!(!get(2, b"a"));
        assert_eq!(locks.release(b"a", 1), Some(true));
        assert!(get(2, b"a"));
        assert_eq!(locks.release_all(2), 1);
        assert_eq!(locks.release(b"a", 2), None);
    }
}
