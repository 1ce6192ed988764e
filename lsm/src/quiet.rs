//! What is put in order while nobody writes: the log and level 0 take more space than the rows in them would at the
//! bottom, and a start has less to replay.

use crate::core::Core;
use std::time::Duration;

/// Without a commit for so long, it is quiet: longer than the pauses of whoever commits large transactions.
const QUIET_AFTER: Duration = Duration::from_secs(1);
/// How often that is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(400);
/// A memtable is flushed early when it has this part of its size: what is less makes tables too small.
const MEMTABLE_SHARE: usize = 4;
/// Files of the log that are kept for reuse. The next one is made ahead of its need, with spares or without.
const SPARES: usize = 0;

/// One thread's looks at the log.
#[derive(Default)]
pub(crate) struct Quiet {
    end: u64,
    since: Duration,
}

impl Quiet {
    /// Whether no commit has come for [`QUIET_AFTER`].
    pub(crate) fn look(&mut self, core: &Core) -> bool {
        let Ok(writing) = core.writing() else { return false };
        let (end, now) = (writing.log.next_lsn().0, core.env.clock.monotonic());
        if end != self.end {
            (self.end, self.since) = (end, now);
        }
        now.saturating_sub(self.since) >= QUIET_AFTER && !writing.log.has_failed()
    }
}

impl Core {
    /// Seals the memtable if it is worth a table, and lets go of files that the log does not need now; whether there
    /// is something to flush.
    pub(crate) fn tidy_log(&self) -> bool {
        let Ok(writing) = self.writing() else { return false };
        let mem = self.views.load().mem.clone();
        if mem.data_bytes() >= self.options.memtable_bytes / MEMTABLE_SHARE {
            return writing.log.rotate_now();
        }
        writing.log.keep_spares(SPARES);
        false
    }
}
