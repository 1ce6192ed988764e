//! What was committed and is not in a table yet, sorted.

mod arena;
mod skiplist;

use crate::ranges::RangeCover;
use crate::types::{EntryKind, Lsn, ReadAt, Seq};
use crate::value::{Lookup, PinnedValue};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use skiplist::{HasList, ListCursor, SkipList};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A position among the entries of a memtable, which it keeps alive.
pub(crate) type MemCursor = ListCursor<Memtable>;

/// What an entry costs beside its bytes, about.
const ENTRY_BYTES: usize = 48;

/// Takes the versions of a run of consecutive seqs, from many threads at once; then it is sealed, flushed, dropped.
pub(crate) struct Memtable {
    list: SkipList,
    ranges: ArcSwap<RangeCover>,
    range_count: AtomicUsize,
    adding_ranges: Mutex<()>,
    data_bytes: AtomicUsize,
    /// Commits that have a seq in this memtable and are still inserting.
    writers: AtomicUsize,
    /// Where the log stood when it began, and behind its last record.
    start_lsn: Lsn,
    end_lsn: AtomicU64,
    last_seq: AtomicU64,
}

impl HasList for Memtable {
    fn list(&self) -> &SkipList {
        &self.list
    }
}

impl Memtable {
    pub(crate) fn new(start_lsn: Lsn) -> Arc<Memtable> {
        Arc::new(Memtable {
            list: SkipList::new(),
            ranges: ArcSwap::default(),
            range_count: AtomicUsize::new(0),
            adding_ranges: Mutex::new(()),
            data_bytes: AtomicUsize::new(0),
            writers: AtomicUsize::new(0),
            start_lsn,
            end_lsn: AtomicU64::new(start_lsn.0),
            last_seq: AtomicU64::new(0),
        })
    }

    /// Announces a commit; called in seq order under the log's lock. [`Memtable::leave`] ends it.
    pub(crate) fn enter(&self, seq: Seq, end_lsn: Lsn, bytes: usize, entries: usize) {
        self.writers.fetch_add(1, Ordering::AcqRel);
        self.end_lsn.store(end_lsn.0, Ordering::Release);
        self.last_seq.store(seq.0, Ordering::Release);
        self.data_bytes.fetch_add(bytes + entries * ENTRY_BYTES, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.writers.fetch_sub(1, Ordering::AcqRel);
    }

    /// Waits until every announced commit has left; only for a memtable that takes no new ones.
    pub(crate) fn settle(&self) {
        while self.writers.load(Ordering::Acquire) != 0 {
            std::thread::yield_now();
        }
    }

    pub(crate) fn insert(&self, key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) {
        if kind != EntryKind::DeleteRange {
            return self.list.insert(key, seq, kind, value);
        }
        let _adding = self.adding_ranges.lock();
        let ranges = self.ranges.load().with(key, value, seq);
        self.ranges.store(Arc::new(ranges));
        self.range_count.fetch_add(1, Ordering::Release);
    }

    /// Inserts a commit's entries; those in the order of their keys go in faster.
    pub(crate) fn insert_all<'a>(
        &self,
        seq: Seq,
        entries: impl Iterator<Item = (EntryKind, &'a [u8], &'a [u8])>,
    ) {
        let mut inserter = self.list.inserter();
        for (kind, key, value) in entries {
            match kind {
                EntryKind::DeleteRange => self.insert(key, seq, kind, value),
                EntryKind::Put | EntryKind::Delete => inserter.insert(key, seq, kind, value),
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last_seq.load(Ordering::Acquire) == 0
    }

    /// About how many entries lie in `low..high`; costs a few hundred steps at most.
    pub(crate) fn about_between(&self, low: &[u8], high: &[u8]) -> u64 {
        self.list.about_between(low, high)
    }

    pub(crate) fn data_bytes(&self) -> usize {
        self.data_bytes.load(Ordering::Relaxed)
    }

    /// Bytes taken from the system.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.list.allocated_bytes()
    }

    pub(crate) fn start_lsn(&self) -> Lsn {
        self.start_lsn
    }

    pub(crate) fn end_lsn(&self) -> Lsn {
        Lsn(self.end_lsn.load(Ordering::Acquire))
    }

    pub(crate) fn last_seq(&self) -> Seq {
        Seq(self.last_seq.load(Ordering::Acquire))
    }

    pub(crate) fn ranges(&self) -> Arc<RangeCover> {
        self.ranges.load_full()
    }

    pub(crate) fn cursor(self: &Arc<Self>) -> MemCursor {
        ListCursor::new(self.clone())
    }

    /// The newest version of a key at `at`, range tombstones applied.
    #[inline]
    pub(crate) fn lookup(self: &Arc<Self>, key: &[u8], at: Seq) -> Option<Lookup> {
        let cover = if self.range_count.load(Ordering::Acquire) == 0 {
            Seq::ZERO
        } else {
            self.ranges.load().newest(key, at)
        };
        if let Some(cursor) = ListCursor::find(self, key, at)
            && cursor.seq() >= cover
        {
            let seq = cursor.seq();
            let value = (cursor.kind() == EntryKind::Put).then(|| PinnedValue::in_memtable(cursor));
            return Some(Lookup { seq, value });
        }
        (cover > Seq::ZERO).then_some(Lookup { seq: cover, value: None })
    }
}

/// The seq that a read looks at; `published` is asked for only where it is needed, after the files were pinned.
#[inline]
pub(crate) fn read_seq(at: ReadAt, published: impl FnOnce() -> Seq) -> Seq {
    match at {
        ReadAt::Seq(seq) => seq,
        ReadAt::Published => published(),
        ReadAt::Newest => Seq::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_hides_older_points_only() {
        let mem = Memtable::new(Lsn(0));
        mem.insert(b"a", Seq(1), EntryKind::Put, b"old");
        mem.insert(b"a", Seq(2), EntryKind::DeleteRange, b"c");
        mem.insert(b"b", Seq(2), EntryKind::Put, b"own");
        let at = |key: &[u8], seq| mem.lookup(key, Seq(seq)).map(|f| (f.seq.0, f.value.map(|v| v.to_vec())));
        assert_eq!(at(b"a", 1), Some((1, Some(b"old".to_vec()))));
        assert_eq!(at(b"a", 2), Some((2, None)));
        assert_eq!(at(b"b", 9), Some((2, Some(b"own".to_vec()))));
        assert_eq!(at(b"c", 9), None);
        assert_eq!(at(b"b", 1), None);
    }
}
