//! Argon2 under control: few at a time, a short queue, and the same cost for users that do not exist.

use crate::accounts::AccountSettings;
use crate::verifier::{HashParams, Verifier};
use aurora_types::error::ER_CON_COUNT_ERROR;
use aurora_types::{SqlError, SqlResult};
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Load {
    running: usize,
    waiting: usize,
}

/// Hashes passwords on the caller's thread.
pub(crate) struct Hasher {
    params: HashParams,
    at_once: usize,
    queue: usize,
    longest_wait: Duration,
    load: Mutex<Load>,
    freed: Condvar,
    runs: AtomicU64,
    /// The verifier of a password that nobody has.
    decoy: Verifier,
}

/// The right to hash one password at a time; its memory is accounted for.
pub(crate) struct Permit<'a>(&'a Hasher);

impl Hasher {
    pub fn new(settings: &AccountSettings) -> SqlResult<Hasher> {
        Ok(Hasher {
            params: settings.hashing,
            at_once: settings.hashes_at_once.max(1),
            queue: settings.hash_queue,
            longest_wait: settings.hash_wait,
            load: Mutex::default(),
            freed: Condvar::new(),
            runs: AtomicU64::new(0),
            decoy: Verifier::decoy(settings.hashing)?,
        })
    }

    pub fn count(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// 1040 when the queue is full or the wait is over.
    pub fn permit(&self) -> SqlResult<Permit<'_>> {
        let too_many = || SqlError::new(ER_CON_COUNT_ERROR, &[]);
        let mut load = self.load.lock();
        if load.running >= self.at_once {
            if load.waiting >= self.queue {
                return Err(too_many());
            }
            load.waiting += 1;
            let until = Instant::now() + self.longest_wait;
            while load.running >= self.at_once {
                if self.freed.wait_until(&mut load, until).timed_out() && load.running >= self.at_once {
                    load.waiting -= 1;
                    return Err(too_many());
                }
            }
            load.waiting -= 1;
        }
        load.running += 1;
        Ok(Permit(self))
    }
}

impl Permit<'_> {
    /// Checks a password; `None` is an account without one or no account. One Argon2 run in any case.
    pub fn verify(&self, verifier: Option<&Verifier>, password: &[u8]) -> bool {
        self.0.runs.fetch_add(1, Ordering::Relaxed);
        match verifier {
            Some(verifier @ Verifier::Argon2id(_)) => verifier.verify(password),
            // An imported hash is cheaper: the difference would tell that the account exists.
            Some(verifier) => {
                let right = verifier.verify(password);
                self.0.decoy.verify(password);
                right
            }
            None => {
                self.0.decoy.verify(password);
                false
            }
        }
    }

    /// A new verifier.
    pub fn create(&self, password: &[u8]) -> SqlResult<Verifier> {
        Verifier::create(password, self.0.params)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.load.lock().running -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(at_once: usize, queue: usize) -> Hasher {
        Hasher::new(&AccountSettings {
            hashing: HashParams::WEAK,
            hashes_at_once: at_once,
            hash_queue: queue,
            hash_wait: Duration::from_millis(20),
            ..AccountSettings::default()
        })
        .unwrap()
    }

    #[test]
    fn a_full_queue_and_a_long_wait_turn_logins_away() {
        let full = hasher(1, 0);
        let held = full.permit().unwrap();
        assert_eq!(full.permit().err().unwrap().code, 1040);
        drop(held);
        assert!(full.permit().is_ok());

        let slow = hasher(1, 1);
        let _held = slow.permit().unwrap();
        assert_eq!(slow.permit().err().unwrap().code, 1040);
    }

    #[test]
    fn a_freed_permit_goes_to_one_who_waits() {
        let hasher = Hasher { longest_wait: Duration::from_secs(60), ..hasher(1, 8) };
        let held = hasher.permit().unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| hasher.permit().is_ok());
            drop(held);
            assert!(waiter.join().unwrap());
        });
    }
}
