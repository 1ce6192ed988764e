//! Which versions a flush or a compaction keeps (STORAGE 7).

use crate::ranges::RangeCover;
use crate::snapshot::GcBounds;
use crate::types::{EntryKind, Seq};
use crate::version::Version;

/// Decides about entries that come in order. Of the versions of a key that the same snapshots see, the newest stays;
/// one that a range tombstone hides from all who would see it goes; a delete goes at the bottom.
pub(crate) struct Retain<'a> {
    gc: &'a GcBounds,
    cover: &'a RangeCover,
    /// For a compaction: the version, and the level that it writes.
    bottom: Option<(&'a Version, usize)>,
    key: Vec<u8>,
    /// Of the last version of `key` that had one.
    stripe: Option<usize>,
    started: bool,
    /// Entries that went.
    pub(crate) dropped: u64,
}

impl<'a> Retain<'a> {
    pub(crate) fn new(
        gc: &'a GcBounds,
        cover: &'a RangeCover,
        bottom: Option<(&'a Version, usize)>,
    ) -> Retain<'a> {
        Retain { gc, cover, bottom, key: Vec::new(), stripe: None, started: false, dropped: 0 }
    }

    #[inline]
    pub(crate) fn keeps(&mut self, key: &[u8], seq: Seq, kind: EntryKind) -> bool {
        if !self.started || self.key != key {
            self.started = true;
            self.key.clear();
            self.key.extend_from_slice(key);
            self.stripe = None;
        }
        let keeps = self.decide(key, seq, kind);
        self.dropped += u64::from(!keeps);
        keeps
    }

    fn decide(&mut self, key: &[u8], seq: Seq, kind: EntryKind) -> bool {
        let Some(stripe) = self.gc.stripe(seq) else { return true };
        if self.stripe.replace(stripe) == Some(stripe) {
            return false;
        }
        let hides = |&cover: &Seq| cover > seq && self.gc.stripe(cover) == Some(stripe);
        if self.cover.covering(key).iter().any(hides) {
            return false;
        }
        let last = kind == EntryKind::Delete
            && stripe == 0
            && self.bottom.is_some_and(|(version, level)| !version.has_below(level, key, key));
        !last
    }

    /// The seqs of range tombstones over one piece that are still needed.
    pub(crate) fn needed_ranges(&self, start: &[u8], end: &[u8], seqs: &[Seq]) -> Vec<Seq> {
        let mut last = None;
        let mut needed = Vec::new();
        for &seq in seqs {
            let stripe = self.gc.stripe(seq);
            if stripe.is_some() && stripe == last {
                continue;
            }
            last = stripe;
            let bottom = self.gc.below_all(seq)
                && self.bottom.is_some_and(|(version, level)| !version.has_below(level, start, end));
            if !bottom {
                needed.push(seq);
            }
        }
        needed
    }
}
