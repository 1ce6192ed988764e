//! Range tombstones: which seqs cover a key.

use crate::types::Seq;
use std::sync::Arc;

/// Tombstones cut into pieces that do not overlap, so that a key finds all that cover it by one binary search,
/// however many tables were dropped.
#[derive(Clone, Default)]
pub(crate) struct RangeCover {
    /// Sorted.
    pieces: Vec<Piece>,
}

/// Shared, so that a cover with one tombstone more copies no bytes.
#[derive(Clone)]
struct Piece {
    start: Arc<[u8]>,
    end: Arc<[u8]>,
    /// Newest first.
    seqs: Arc<[Seq]>,
}

impl RangeCover {
    pub(crate) fn new<'a>(tombstones: impl Iterator<Item = (&'a [u8], &'a [u8], Seq)>) -> RangeCover {
        let mut tombstones: Vec<_> = tombstones.filter(|(start, end, _)| start < end).collect();
        tombstones.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let mut borders: Vec<&[u8]> = tombstones.iter().flat_map(|&(start, end, _)| [start, end]).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut pieces = Vec::new();
        let mut active: Vec<(&[u8], Seq)> = Vec::new();
        let mut coming = tombstones.into_iter().peekable();
        for pair in borders.windows(2) {
            active.retain(|&(end, _)| end > pair[0]);
            while let Some((_, end, seq)) = coming.next_if(|&(start, _, _)| start <= pair[0]) {
                active.push((end, seq));
            }
            if !active.is_empty() {
                let mut seqs: Vec<Seq> = active.iter().map(|&(_, seq)| seq).collect();
                seqs.sort_unstable_by(|a, b| b.cmp(a));
                seqs.dedup();
                pieces.push(Piece { start: pair[0].into(), end: pair[1].into(), seqs: seqs.into() });
            }
        }
        RangeCover { pieces }
    }

    /// This cover and one tombstone more.
    pub(crate) fn with(&self, start: &[u8], end: &[u8], seq: Seq) -> RangeCover {
        if start >= end {
            return self.clone();
        }
        let from = self.pieces.partition_point(|piece| *piece.end <= *start);
        let to = self.pieces.partition_point(|piece| *piece.start < *end);
        let touched = &self.pieces[from..to.max(from)];
        let borders = touched.iter().flat_map(|piece| {
            let whole = (&*piece.start, &*piece.end);
            piece.seqs.iter().map(move |&seq| (whole.0, whole.1, seq))
        });
        let fresh = RangeCover::new(borders.chain(std::iter::once((start, end, seq))));
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        pieces.extend_from_slice(&self.pieces[..from]);
        pieces.extend(fresh.pieces);
        pieces.extend_from_slice(&self.pieces[to.max(from)..]);
        RangeCover { pieces }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Seqs of the tombstones that cover `key`, newest first.
    #[inline]
    pub(crate) fn covering(&self, key: &[u8]) -> &[Seq] {
        if self.pieces.is_empty() {
            return &[];
        }
        let begun = self.pieces.partition_point(|piece| *piece.start <= *key);
        match begun.checked_sub(1).and_then(|at| self.pieces.get(at)) {
            Some(piece) if *key < *piece.end => &piece.seqs,
            _ => &[],
        }
    }

    /// The newest of the tombstones that cover `key` and are visible at `at`; `ZERO`: none.
    #[inline]
    pub(crate) fn newest(&self, key: &[u8], at: Seq) -> Seq {
        self.covering(key).iter().copied().find(|&seq| seq <= at).unwrap_or(Seq::ZERO)
    }

    /// Pieces that meet `from..=to`, with their seqs newest first.
    pub(crate) fn within<'a>(
        &'a self,
        from: &[u8],
        to: Option<&'a [u8]>,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8], &'a [Seq])> {
        let begin = self.pieces.partition_point(|piece| *piece.end <= *from);
        self.pieces[begin..]
            .iter()
            .take_while(move |piece| to.is_none_or(|to| *piece.start <= *to))
            .map(|piece| (&*piece.start, &*piece.end, &*piece.seqs))
    }

    /// All pieces.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&[u8], &[u8], &[Seq])> {
        self.within(&[], None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_knows_what_covers_it(
            ranges in prop::collection::vec((0u8..20, 0u8..20), 0..12),
        ) {
            let ranges: Vec<_> = ranges.iter().zip(1u64..).map(|(&(a, b), seq)| ([a], [b], Seq(seq))).collect();
            let at_once = RangeCover::new(ranges.iter().map(|(a, b, seq)| (&a[..], &b[..], *seq)));
            let grown = ranges.iter().fold(RangeCover::default(), |cover, (a, b, seq)| cover.with(a, b, *seq));
            for key in 0u8..22 {
                let covers = |&&(start, end, _): &&([u8; 1], [u8; 1], Seq)| start <= [key] && [key] < end;
                let want: Vec<Seq> = ranges.iter().rev().filter(covers).map(|range| range.2).collect();
                for cover in [&at_once, &grown] {
                    prop_assert_eq!(cover.covering(&[key]), &want[..]);
                    for at in 0..14 {
                        let newest = want.iter().copied().find(|seq| seq.0 <= at).unwrap_or_default();
                        prop_assert_eq!(cover.newest(&[key], Seq(at)), newest);
                    }
                }
            }
        }
    }
}
