//! Range tombstones: which seq covers a key.

use crate::sst::RangeTombstone;
use crate::types::Seq;

/// The newest of the tombstones that cover `key` and are visible at `at`; `ZERO`: none. `ranges` is sorted by start.
pub(crate) fn newest_cover(ranges: &[RangeTombstone], key: &[u8], at: Seq) -> Seq {
    let begun = ranges.partition_point(|range| range.start.as_slice() <= key);
    let covering = ranges[..begun].iter().filter(|range| range.seq <= at && key < range.end.as_slice());
    covering.map(|range| range.seq).max().unwrap_or(Seq::ZERO)
}

/// Tombstones cut into pieces that do not overlap, so that a key finds all that cover it by one binary search.
#[derive(Default)]
pub(crate) struct RangeCover {
    pieces: Vec<Piece>,
}

struct Piece {
    start: Vec<u8>,
    end: Vec<u8>,
    /// Newest first.
    seqs: Vec<Seq>,
}

impl RangeCover {
    pub(crate) fn new<'a>(tombstones: impl Iterator<Item = &'a RangeTombstone>) -> RangeCover {
        let mut tombstones: Vec<_> = tombstones.collect();
        tombstones.sort_by(|a, b| a.start.cmp(&b.start));
        let mut borders: Vec<&[u8]> =
            tombstones.iter().flat_map(|range| [range.start.as_slice(), range.end.as_slice()]).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut pieces = Vec::new();
        let mut active: Vec<&RangeTombstone> = Vec::new();
        let mut coming = tombstones.into_iter().peekable();
        for pair in borders.windows(2) {
            active.retain(|range| range.end.as_slice() > pair[0]);
            while let Some(range) = coming.next_if(|range| range.start.as_slice() <= pair[0]) {
                active.push(range);
            }
            if !active.is_empty() {
                let mut seqs: Vec<Seq> = active.iter().map(|range| range.seq).collect();
                seqs.sort_unstable_by(|a, b| b.cmp(a));
                seqs.dedup();
                pieces.push(Piece { start: pair[0].to_vec(), end: pair[1].to_vec(), seqs });
            }
        }
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
        let begun = self.pieces.partition_point(|piece| piece.start.as_slice() <= key);
        match begun.checked_sub(1).and_then(|at| self.pieces.get(at)) {
            Some(piece) if key < piece.end.as_slice() => &piece.seqs,
            _ => &[],
        }
    }

    /// Each piece as tombstones of its own.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&[u8], &[u8], &[Seq])> {
        self.pieces.iter().map(|piece| (piece.start.as_slice(), piece.end.as_slice(), piece.seqs.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_all_that_cover_them() {
        let range = |start: &str, end: &str, seq| RangeTombstone {
            start: start.as_bytes().to_vec(),
            end: end.as_bytes().to_vec(),
            seq: Seq(seq),
        };
        let ranges = [range("a", "m", 5), range("c", "f", 9), range("x", "z", 2)];
        let cover = RangeCover::new(ranges.iter());
        assert_eq!(cover.covering(b"b"), [Seq(5)]);
        assert_eq!(cover.covering(b"c"), [Seq(9), Seq(5)]);
        assert_eq!(cover.covering(b"f"), [Seq(5)]);
        assert!(cover.covering(b"m").is_empty() && cover.covering(b"n").is_empty());
        assert_eq!(cover.covering(b"x"), [Seq(2)]);
        assert_eq!(newest_cover(&ranges, b"d", Seq(8)), Seq(5));
        assert_eq!(newest_cover(&ranges, b"d", Seq(9)), Seq(9));
    }
}
