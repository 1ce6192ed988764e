//! Bytes of pending writes, in segments: what is written stays where it is however much follows.

/// Size of a segment; the first grows up to it, as most transactions are small.
const SEGMENT_BYTES: usize = 1 << 20;

/// Where bytes start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    segment: u32,
    at: u32,
}

#[derive(Debug, Default)]
pub(super) struct Arena {
    /// A write lies in one of them; one that is larger than a segment has its own.
    segments: Vec<Vec<u8>>,
    len: usize,
}

impl Arena {
    /// Bytes that it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends two pieces, one behind the other.
    pub fn push(&mut self, first: &[u8], second: &[u8]) -> Place {
        let bytes = first.len() + second.len();
        match self.segments.last() {
            Some(last) if last.len() + bytes <= SEGMENT_BYTES => {}
            None if bytes <= SEGMENT_BYTES => self.segments.push(Vec::with_capacity(bytes)),
            _ => self.segments.push(Vec::with_capacity(bytes.max(SEGMENT_BYTES))),
        }
        let index = self.segments.len().saturating_sub(1);
        let Some(segment) = self.segments.get_mut(index) else { return Place { segment: 0, at: 0 } };
        let at = segment.len();
        segment.extend_from_slice(first);
        segment.extend_from_slice(second);
        self.len += bytes;
        Place { segment: index as u32, at: at as u32 }
    }

    /// `len` bytes from `skip` bytes behind a place on.
    #[inline]
    pub fn bytes(&self, place: Place, skip: usize, len: usize) -> &[u8] {
        let start = place.at as usize + skip;
        &self.segments[place.segment as usize][start..start + len]
    }

    /// Forgets what begins at `place` and all that came later.
    pub fn truncate(&mut self, place: Place) {
        let keep = place.segment as usize + 1;
        self.len -= self.segments.iter().skip(keep).map(Vec::len).sum::<usize>();
        self.segments.truncate(keep);
        if let Some(segment) = self.segments.last_mut() {
            self.len -= segment.len().saturating_sub(place.at as usize);
            segment.truncate(place.at as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_all_sizes_stay_where_they_are_until_they_are_cut_off() {
        let mut arena = Arena::default();
        let piece = |n: usize| vec![n as u8; (n * 37_199) % 700_001 + usize::from(n == 5) * (3 << 20)];
        let places: Vec<_> = (0..20).map(|n| arena.push(b"key", &piece(n))).collect();
        let total: usize = (0..20).map(|n| piece(n).len() + 3).sum();
        assert_eq!(arena.len(), total);
        for (n, place) in places.iter().enumerate() {
            assert_eq!(arena.bytes(*place, 0, 3), b"key");
            assert_eq!(arena.bytes(*place, 3, piece(n).len()), piece(n));
        }
        arena.truncate(places[4]);
        assert_eq!(arena.len(), (0..4).map(|n| piece(n).len() + 3).sum::<usize>());
        let again = arena.push(b"x", b"y");
        assert_eq!((arena.bytes(again, 0, 2), arena.bytes(places[3], 0, 3)), (&b"xy"[..], &b"key"[..]));
    }
}
