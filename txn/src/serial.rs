//! SERIALIZABLE by validation at the commit (STORAGE 15's promise, in its plainest form).
//!
//! A transaction reads its snapshot and remembers what it read: keys and key ranges, empty ones too. At its commit,
//! alone at the gate, it looks whether any commit above its snapshot wrote into that. If none did, its reads are as
//! true now as they were then, so the order of commits is a serial order; else it fails with 1213, and the client's
//! retry loop does what it always does. A transaction that wrote nothing stands at its snapshot in that order and needs
//! no check. Writers of every isolation level are looked at, and pay for it only while such a transaction is active.

use crate::store::{Seq, WriteBatch};
use aurora_lsm::EntryKind;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Above this many a read set keeps whole ranges instead.
const POINTS_MAX: usize = 4_096;
const RANGES_MAX: usize = 256;
/// Tenant and storage id: coarser ranges do not leave their index unless there are very many of them.
const PREFIX_BYTES: usize = 12;

type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What a transaction has read.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    points: HashSet<Box<[u8]>>,
    ranges: Vec<Range>,
}

impl ReadSet {
    pub fn add_point(&mut self, key: &[u8]) {
        if self.ranges.iter().any(|range| contains(range, key)) || !self.points.insert(key.into()) {
            return;
        }
        if self.points.len() > POINTS_MAX {
            for point in std::mem::take(&mut self.points) {
                self.ranges.push((Bound::Included(point.to_vec()), Bound::Included(point.into_vec())));
            }
            self.coarsen();
        }
    }

    pub fn add_range(&mut self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) {
        self.ranges.push((lower.map(<[u8]>::to_vec), upper.map(<[u8]>::to_vec)));
        if self.ranges.len() > RANGES_MAX {
            self.coarsen();
        }
    }

    /// One range per index; one in all if even that is too many.
    fn coarsen(&mut self) {
        for prefix_bytes in [PREFIX_BYTES, 0] {
            let mut merged: HashMap<Vec<u8>, Range> = HashMap::new();
            for (lower, upper) in std::mem::take(&mut self.ranges) {
                let key = match &lower {
                    Bound::Unbounded => &[][..],
                    Bound::Included(key) | Bound::Excluded(key) => &key[..key.len().min(prefix_bytes)],
                };
                match merged.get_mut(key) {
                    None => {
                        merged.insert(key.to_vec(), (lower, upper));
                    }
                    Some(range) => {
                        if starts_below(&lower, &range.0) {
                            range.0 = lower;
                        }
                        if ends_above(&upper, &range.1) {
                            range.1 = upper;
                        }
                    }
                }
            }
            self.ranges = merged.into_values().collect();
            if self.ranges.len() <= RANGES_MAX / 2 {
                return;
            }
        }
    }

    fn has_read(&self, key: &[u8]) -> bool {
        self.points.contains(key) || self.ranges.iter().any(|range| contains(range, key))
    }

    fn has_read_in(&self, start: &[u8], end: &[u8]) -> bool {
        let inside = |key: &[u8]| start <= key && key < end;
        self.points.iter().any(|key| inside(key))
            || self.ranges.iter().any(|(lower, upper)| {
                let starts_before = match lower {
                    Bound::Unbounded => true,
                    Bound::Included(key) | Bound::Excluded(key) => key.as_slice() < end,
                };
                starts_before
                    && match upper {
                        Bound::Unbounded => true,
                        Bound::Included(key) => key.as_slice() >= start,
                        Bound::Excluded(key) => key.as_slice() > start,
                    }
            })
    }
}

fn contains((lower, upper): &Range, key: &[u8]) -> bool {
    let above = match lower {
        Bound::Unbounded => true,
        Bound::Included(lower) => lower.as_slice() <= key,
        Bound::Excluded(lower) => lower.as_slice() < key,
    };
    above
        && match upper {
            Bound::Unbounded => true,
            Bound::Included(upper) => key <= upper.as_slice(),
            Bound::Excluded(upper) => key < upper.as_slice(),
        }
}

/// Ties between included and excluded go to the wider one.
fn starts_below(a: &Bound<Vec<u8>>, b: &Bound<Vec<u8>>) -> bool {
    match (a, b) {
        (_, Bound::Unbounded) => false,
        (Bound::Unbounded, _) => true,
        (Bound::Included(a), Bound::Excluded(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

fn ends_above(a: &Bound<Vec<u8>>, b: &Bound<Vec<u8>>) -> bool {
    match (a, b) {
        (_, Bound::Unbounded) => false,
        (Bound::Unbounded, _) => true,
        (Bound::Included(a), Bound::Excluded(b)) => a >= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a > b,
    }
}

type Key = Box<[u8]>;

/// Keys of one commit.
#[derive(Debug, Default)]
struct Written {
    keys: Vec<Key>,
    /// Start and exclusive end.
    ranges: Vec<(Key, Key)>,
}

#[derive(Debug, Default)]
struct State {
    /// Active serializable transactions and their snapshots; of one that is about to take it, a seq that it will not be
    /// below.
    active: HashMap<u64, Seq>,
    /// Keys of commits under way, by transaction.
    under_way: HashMap<u64, Written>,
    /// Commits that an active transaction may have to look at, by seq.
    commits: VecDeque<(Seq, Written)>,
}

/// Shared by all transactions of an instance.
#[derive(Debug, Default)]
pub(crate) struct Serial {
    /// Commits pass it side by side; validation and the seq that follows it are one step alone.
    gate: RwLock<()>,
    active: AtomicUsize,
    newest_inserted: AtomicU64,
    state: Mutex<State>,
}

impl Serial {
    /// A serializable transaction is about to take its snapshot. Every commit that does not tell of its keys has been
    /// inserted when this returns: the snapshot must not be below the seq given.
    pub fn enter(&self, id: u64) -> Seq {
        self.state.lock().active.insert(id, Seq::ZERO);
        self.active.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.write());
        let floor = Seq(self.newest_inserted.load(Ordering::SeqCst));
        self.state.lock().active.insert(id, floor);
        floor
    }

    pub fn took_snapshot(&self, id: u64, snapshot: Seq) {
        self.state.lock().active.insert(id, snapshot);
    }

    pub fn leave(&self, id: u64) {
        let mut state = self.state.lock();
        if state.active.remove(&id).is_none() {
            return;
        }
        self.active.fetch_sub(1, Ordering::SeqCst);
        match state.active.values().min().copied() {
            None => {
                state.commits.clear();
                state.under_way.clear();
            }
            // A snapshot that was taken but not told of yet counts by its floor: what lies between is still looked at.
            Some(oldest) => {
                while state.commits.front().is_some_and(|(seq, _)| *seq <= oldest) {
                    state.commits.pop_front();
                }
            }
        }
    }

    /// Held by every commit from here to its insertion.
    pub fn pass(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read()
    }

    /// Held by the commit of a serializable transaction: nobody else commits meanwhile.
    pub fn pass_alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// Tells what transaction `id` is about to write; within the gate.
    pub fn announce(&self, id: u64, batch: &WriteBatch) {
        if self.active.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut written = Written::default();
        for (kind, key, value) in batch.entries() {
            match kind {
                EntryKind::DeleteRange => written.ranges.push((key.into(), value.into())),
                EntryKind::Put | EntryKind::Delete => written.keys.push(key.into()),
            }
        }
        self.state.lock().under_way.insert(id, written);
    }

    /// The commit was not made.
    pub fn withdraw(&self, id: u64) {
        if self.active.load(Ordering::SeqCst) > 0 {
            self.state.lock().under_way.remove(&id);
        }
    }

    /// The commit of `id` has been inserted at `seq`; within the gate.
    pub fn inserted(&self, id: u64, seq: Seq) {
        self.newest_inserted.fetch_max(seq.0, Ordering::SeqCst);
        if self.active.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut state = self.state.lock();
        if let Some(written) = state.under_way.remove(&id) {
            // Commits side by side are inserted in any order.
            let at = state.commits.partition_point(|(known, _)| *known < seq);
            state.commits.insert(at, (seq, written));
        }
    }

    /// Whether a commit above `snapshot` wrote into what was read. The caller stands alone at the gate.
    pub fn is_overtaken(&self, snapshot: Seq, reads: &ReadSet) -> bool {
        let state = self.state.lock();
        let above = state.commits.partition_point(|(seq, _)| *seq <= snapshot);
        state.commits.range(above..).any(|(_, written)| {
            written.keys.iter().any(|key| reads.has_read(key))
                || written.ranges.iter().any(|(start, end)| reads.has_read_in(start, end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Vec<u8> {
        [&[0; PREFIX_BYTES][..], &n.to_be_bytes()].concat()
    }

    #[test]
    fn a_coarse_read_set_still_holds_all_that_was_read() {
        let mut reads = ReadSet::default();
        for n in 0..10_000 {
            reads.add_point(&key(2 * n));
        }
        for n in 0..1_000 {
            reads.add_range(Bound::Excluded(&key(30_000 + 3 * n)), Bound::Included(&key(30_001 + 3 * n)));
        }
        assert!(reads.points.len() <= POINTS_MAX && reads.ranges.len() <= RANGES_MAX);
        assert!((0..10_000).all(|n| reads.has_read(&key(2 * n))));
        assert!((0..1_000).all(|n| reads.has_read(&key(30_001 + 3 * n))));
        assert!(!reads.has_read(&[1; 16]), "other indexes are not touched");
    }

    #[test]
    fn commits_stay_for_whoever_has_a_snapshot_that_is_not_told_yet() {
        let serial = Serial::default();
        let mut batch = WriteBatch::new();
        batch.put(b"k", b"v");
        // Transaction 1 has entered, and takes its snapshot at 0; a commit at 1 comes before it says so.
        assert_eq!(serial.enter(1), Seq::ZERO);
        serial.announce(9, &batch);
        serial.inserted(9, Seq(1));
        serial.enter(2);
        serial.took_snapshot(2, Seq(1));
        serial.enter(3);
        serial.leave(3);
        serial.took_snapshot(1, Seq::ZERO);
        let mut reads = ReadSet::default();
        reads.add_point(b"k");
        assert!(serial.is_overtaken(Seq::ZERO, &reads));
        serial.leave(1);
        assert!(!serial.is_overtaken(Seq(1), &reads));
    }

    #[test]
    fn a_range_delete_meets_points_and_ranges() {
        let mut reads = ReadSet::default();
        reads.add_point(b"m");
        reads.add_range(Bound::Excluded(b"p"), Bound::Excluded(b"q"));
        assert!(reads.has_read_in(b"a", b"n") && reads.has_read_in(b"p", b"z"));
        assert!(!reads.has_read_in(b"n", b"p") && !reads.has_read_in(b"q", b"r"));
        assert!(!reads.has_read(b"p") && reads.has_read(b"pp") && !reads.has_read(b"q"));
    }
}
