//! A commit that finds the log idle is written and synced by whoever waits for it: two hops between threads less, which
//! cost about what a sync costs. Only on a thread that is lent for that ([`aurora_env::lend_thread`]); everybody else,
//! and whoever commits meanwhile, leaves it to the log's thread, so that groups form as before.

use super::{Log, State};
use crate::types::Durability;
use aurora_env::is_thread_lent;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where syncs take longer, a hop is nothing beside them, and a blocked thread may be missed.
const LEAD_SYNC_MAX: Duration = Duration::from_millis(5);

/// The duty to have one commit synced. Dropped, it goes to the log's thread.
pub(crate) struct Lead {
    log: Arc<Log>,
    lsn: u64,
    taken: AtomicBool,
}

impl Lead {
    pub(super) fn new(log: Arc<Log>, lsn: u64) -> Lead {
        Lead { log, lsn, taken: AtomicBool::new(false) }
    }

    /// Once: writes and syncs what has gathered, on the calling thread if it is lent.
    pub(crate) fn take(&self) {
        if self.taken.swap(true, Ordering::AcqRel) {
            return;
        }
        if is_thread_lent() {
            self.log.lead(self.lsn);
        } else {
            self.log.work.notify_one();
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !*self.taken.get_mut() {
            self.log.work.notify_one();
        }
    }
}

impl Log {
    /// Whether nobody needs to be told of the commit that is about to be appended, because its committer leads.
    pub(super) fn may_lead(&self, state: &State, durability: Durability) -> bool {
        self.setup.threads
            && durability == Durability::Synced
            && is_thread_lent()
            && state.pending.is_empty()
            && state.sync_wanted <= self.durable.load(Ordering::SeqCst)
            && self.sync_took_micros.load(Ordering::Relaxed) <= LEAD_SYNC_MAX.as_micros() as u64
    }

    fn lead(&self, lsn: u64) {
        let _guard = FailOnPanic(self);
        if self.durable.load(Ordering::SeqCst) < lsn {
            // An error reaches all who wait by their tickets.
            let _ = self.pump(true);
        }
    }
}

/// A hook that panics must not leave commits waiting for a thread that is gone.
pub(super) struct FailOnPanic<'a>(pub(super) &'a Log);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .fail(&crate::error::LsmError::LogFailed("a thread that wrote the log has panicked".into()));
        }
    }
}
