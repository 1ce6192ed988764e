//! Snapshot slots: which versions somebody still reads (STORAGE 7). No mutex anywhere.

use crate::types::Seq;
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};

const SLOTS_PER_CHUNK: usize = 256;
const CHUNKS: usize = 256;
const FREE: u64 = u64::MAX;

type Chunk = Box<[CachePadded<AtomicU64>]>;

/// All slots, and the two numbers that snapshots and garbage collection agree by.
pub(crate) struct SnapshotRegistry {
    chunks: [OnceLock<Chunk>; CHUNKS],
    published: CachePadded<AtomicU64>,
    /// Versions that only a snapshot below this needed may be gone. Never falls.
    gc_floor: CachePadded<AtomicU64>,
    /// Versions above this are all kept (AS OF); `u64::MAX`: no retention.
    retain_from: AtomicU64,
    hint: AtomicUsize,
    live: AtomicUsize,
}

impl SnapshotRegistry {
    pub(crate) fn new(published: Seq) -> Arc<SnapshotRegistry> {
        Arc::new(SnapshotRegistry {
            chunks: [const { OnceLock::new() }; CHUNKS],
            published: CachePadded::new(AtomicU64::new(published.0)),
            gc_floor: CachePadded::new(AtomicU64::new(0)),
            retain_from: AtomicU64::new(u64::MAX),
            hint: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        })
    }

    #[inline]
    pub(crate) fn published(&self) -> Seq {
        Seq(self.published.load(Ordering::Acquire))
    }

    /// Only the publisher calls it, in seq order.
    pub(crate) fn publish(&self, seq: Seq) {
        debug_assert!(self.published.load(Ordering::Relaxed) <= seq.0);
        self.published.store(seq.0, Ordering::SeqCst);
    }

    pub(crate) fn gc_floor(&self) -> Seq {
        Seq(self.gc_floor.load(Ordering::SeqCst))
    }

    pub(crate) fn set_retain_from(&self, seq: Seq) {
        self.retain_from.store(seq.0, Ordering::SeqCst);
    }

    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// A snapshot of `published`. A slot is one padded word; 65,536 of them, after that the call spins for a free
    /// one.
    pub(crate) fn take(self: &Arc<Self>) -> Snapshot {
        let (chunk, slot) = self.claim();
        self.live.fetch_add(1, Ordering::Relaxed);
        let word = &self.chunks[chunk].get_or_init(new_chunk)[slot];
        let mut seq = self.published();
        loop {
            word.store(seq.0, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if self.gc_floor.load(Ordering::SeqCst) <= seq.0 {
                return Snapshot { registry: self.clone(), chunk, slot, seq };
            }
            seq = self.published();
        }
    }

    /// A snapshot of an older moment, if its versions are still there.
    pub(crate) fn take_at(self: &Arc<Self>, seq: Seq) -> Option<Snapshot> {
        let (chunk, slot) = self.claim();
        self.live.fetch_add(1, Ordering::Relaxed);
        self.chunks[chunk].get_or_init(new_chunk)[slot].store(seq.0, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let snapshot = Snapshot { registry: self.clone(), chunk, slot, seq };
        (self.gc_floor.load(Ordering::SeqCst) <= seq.0 && seq <= self.published()).then_some(snapshot)
    }

    fn claim(&self) -> (usize, usize) {
        let start = self.hint.fetch_add(1, Ordering::Relaxed);
        loop {
            for chunk in 0..CHUNKS {
                let words = self.chunks[chunk].get_or_init(new_chunk);
                for step in 0..SLOTS_PER_CHUNK {
                    let slot = start.wrapping_add(step) % SLOTS_PER_CHUNK;
                    let word = &words[slot];
                    // A claimed slot reads as 0, the most careful snapshot, until its seq is stored.
                    if word.load(Ordering::Relaxed) == FREE
                        && word.compare_exchange(FREE, 0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
                    {
                        return (chunk, slot);
                    }
                }
            }
            std::thread::yield_now();
        }
    }

    /// What garbage collection must keep, as of now: raises the floor first, then reads the slots.
    pub(crate) fn collect(&self) -> GcBounds {
        let published = self.published.load(Ordering::SeqCst);
        let newest_droppable = published.min(self.retain_from.load(Ordering::SeqCst));
        self.gc_floor.fetch_max(newest_droppable, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let mut needed = Vec::new();
        for chunk in &self.chunks {
            let Some(words) = chunk.get() else { break };
            needed.extend(words.iter().map(|word| word.load(Ordering::SeqCst)).filter(|&seq| seq != FREE));
        }
        needed.retain(|&seq| seq < newest_droppable);
        needed.push(newest_droppable);
        needed.sort_unstable();
        needed.dedup();
        GcBounds { needed }
    }
}

fn new_chunk() -> Chunk {
    (0..SLOTS_PER_CHUNK).map(|_| CachePadded::new(AtomicU64::new(FREE))).collect()
}

/// The snapshots that exist, ascending; the last is `published` (or the retention floor): everything above it is
/// kept.
#[derive(Clone, Debug)]
pub(crate) struct GcBounds {
    needed: Vec<u64>,
}

impl GcBounds {
    /// The oldest snapshot that sees a version of this seq; `None`: it lies above them all, and is kept.
    /// Of all versions of a key with the same stripe only the newest is needed.
    #[inline]
    pub(crate) fn stripe(&self, seq: Seq) -> Option<usize> {
        let at = self.needed.partition_point(|&needed| needed < seq.0);
        (at < self.needed.len()).then_some(at)
    }

    /// Whether every snapshot sees `seq`.
    pub(crate) fn below_all(&self, seq: Seq) -> bool {
        self.stripe(seq) == Some(0)
    }
}

/// Keeps the versions as of its seq; dropped to let them go. Cost: about 20 ns.
pub struct Snapshot {
    registry: Arc<SnapshotRegistry>,
    chunk: usize,
    slot: usize,
    seq: Seq,
}

impl Snapshot {
    #[inline]
    pub fn seq(&self) -> Seq {
        self.seq
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.registry.live.fetch_sub(1, Ordering::Relaxed);
        if let Some(words) = self.registry.chunks[self.chunk].get() {
            words[self.slot].store(FREE, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_between_live_snapshots_share_a_stripe() {
        let registry = SnapshotRegistry::new(Seq(10));
        let ten = registry.take();
        registry.publish(Seq(20));
        let twenty = registry.take();
        registry.publish(Seq(30));
        let bounds = registry.collect();
        assert_eq!(bounds.stripe(Seq(11)), bounds.stripe(Seq(20)));
        assert_ne!(bounds.stripe(Seq(10)), bounds.stripe(Seq(11)));
        assert!(bounds.below_all(Seq(10)) && !bounds.below_all(Seq(11)));
        assert_eq!(bounds.stripe(Seq(31)), None);
        assert!(registry.take_at(Seq(20)).is_none(), "the floor has passed it");
        drop((ten, twenty));
        assert!(registry.collect().below_all(Seq(30)));
        assert_eq!(registry.live(), 0);
    }

    #[test]
    fn the_floor_never_falls_and_a_snapshot_is_never_below_it() {
        let registry = SnapshotRegistry::new(Seq(1));
        std::thread::scope(|scope| {
            scope.spawn(|| (2..20_000).for_each(|seq| registry.publish(Seq(seq))));
            scope.spawn(|| {
                let mut last = Seq::ZERO;
                for _ in 0..2_000 {
                    registry.collect();
                    assert!(registry.gc_floor() >= last);
                    last = registry.gc_floor();
                }
            });
            for _ in 0..2_000 {
                let snapshot = registry.take();
                // A collection that began before the slot was stored saw a floor at or below it.
                assert!(registry.collect().needed.binary_search(&snapshot.seq().0).is_ok());
            }
        });
    }
}
