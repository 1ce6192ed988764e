//! Bloom filters over the user keys of a table.
//!
//! Both kinds take the 64-bit hash of a key, so that one hash serves all tables that a read asks.

use crate::codec::Reader;
use crate::options::FilterKind;
use bloomfilter::Bloom;

const BLOCKED: u8 = 1;
const CLASSIC: u8 = 2;
const HEAD_BYTES: usize = 8;

/// Probes that the bits of one 64-bit word pay for: 9 bits each.
const PROBES_MAX: u32 = 7;

/// Fixed, because a table must have the same bytes wherever it is built.
const CLASSIC_SEED: [u8; 32] = *b"auroradb classic bloom filter v1";

/// One cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u64; 8]);

/// Every key's probes lie in one cache line.
pub(super) struct Blocked {
    lines: Vec<Line>,
    probes: u32,
}

impl Blocked {
    fn build(hashes: &[u64], bits_per_key: usize) -> Blocked {
        let bits = hashes.len().saturating_mul(bits_per_key);
        let lines = bits.div_ceil(512).max(1);
        // ln 2 bits per probe are best in a plain filter; lines fill unevenly, which asks for slightly fewer.
        let probes = ((bits_per_key as f64 * 0.62).round() as u32).clamp(1, PROBES_MAX);
        let mut filter = Blocked { lines: vec![Line([0; 8]); lines], probes };
        for &hash in hashes {
            let at = filter.line_of(hash);
            let probes = filter.probes;
            if let Some(line) = filter.lines.get_mut(at) {
                for (word, bit) in probe_bits(hash, probes) {
                    line.0[word] |= bit;
                }
            }
        }
        filter
    }

    #[inline]
    fn line_of(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    #[inline]
    fn may_contain(&self, hash: u64) -> bool {
        match self.lines.get(self.line_of(hash)) {
            Some(line) => probe_bits(hash, self.probes).all(|(word, bit)| line.0[word & 7] & bit != 0),
            None => true,
        }
    }
}

/// The line is chosen by the high bits of `hash`; the bits within by a remix that depends on the low ones too.
#[inline]
fn probe_bits(hash: u64, probes: u32) -> impl Iterator<Item = (usize, u64)> {
    let mixed = (hash ^ (hash << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = mixed ^ (mixed >> 29);
    (0..probes).map(move |probe| {
        let nine = mixed >> (probe * 9);
        ((nine & 7) as usize, 1u64 << ((nine >> 3) & 63))
    })
}

/// A filter in memory.
pub(super) enum Filter {
    Blocked(Blocked),
    Classic(Box<Bloom<u64>>),
}

impl Filter {
    /// `None`: no filter was asked for, or there are no keys.
    pub(super) fn build(kind: FilterKind, hashes: &[u64], bits_per_key: usize) -> Option<Filter> {
        if hashes.is_empty() {
            return None;
        }
        let bits_per_key = bits_per_key.clamp(1, 64);
        match kind {
            FilterKind::None => None,
            FilterKind::Blocked => Some(Filter::Blocked(Blocked::build(hashes, bits_per_key))),
            FilterKind::Classic => {
                let bytes = hashes.len().saturating_mul(bits_per_key).div_ceil(8).max(8);
                let mut bloom = Bloom::new_with_seed(bytes, hashes.len(), &CLASSIC_SEED).ok()?;
                for hash in hashes {
                    bloom.set(&hash.to_le());
                }
                Some(Filter::Classic(Box::new(bloom)))
            }
        }
    }

    /// `false`: no key with this hash is in the table.
    #[inline]
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        match self {
            Filter::Blocked(filter) => filter.may_contain(hash),
            Filter::Classic(filter) => filter.check(&hash.to_le()),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Filter::Blocked(filter) => {
                let mut out = Vec::with_capacity(HEAD_BYTES + filter.lines.len() * 64);
                out.extend_from_slice(&[BLOCKED, filter.probes as u8, 0, 0, 0, 0, 0, 0]);
                for word in filter.lines.iter().flat_map(|line| line.0) {
                    out.extend_from_slice(&word.to_le_bytes());
                }
                out
            }
            Filter::Classic(filter) => {
                let mut out = vec![CLASSIC, 0, 0, 0, 0, 0, 0, 0];
                out.extend_from_slice(filter.as_slice());
                out
            }
        }
    }

    /// `None` where the bytes are no filter of a known kind.
    pub(super) fn decode(bytes: &[u8]) -> Option<Filter> {
        let mut reader = Reader::new(bytes);
        let head = reader.take(HEAD_BYTES)?;
        let body = bytes.get(HEAD_BYTES..)?;
        match head[0] {
            BLOCKED => {
                let probes = u32::from(head[1]);
                let (chunks, rest) = body.as_chunks::<64>();
                if chunks.is_empty() || !rest.is_empty() || !(1..=PROBES_MAX).contains(&probes) {
                    return None;
                }
                let lines = chunks.iter().map(|chunk| {
                    let mut line = Line([0; 8]);
                    for (word, bytes) in line.0.iter_mut().zip(chunk.as_chunks::<8>().0) {
                        *word = u64::from_le_bytes(*bytes);
                    }
                    line
                });
                Some(Filter::Blocked(Blocked { lines: lines.collect(), probes }))
            }
            CLASSIC => {
                let bloom = Bloom::from_slice(body).ok()?;
                // A position is taken modulo the number of bits.
                if bloom.len() < 8 {
                    return None;
                }
                Some(Filter::Classic(Box::new(bloom)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash64;
    use super::*;

    fn false_positives_per_million(kind: FilterKind, bits_per_key: usize) -> u64 {
        let hashes: Vec<u64> = (0..20_000u64).map(|n| hash64(&n.to_be_bytes())).collect();
        let built = Filter::build(kind, &hashes, bits_per_key).unwrap();
        let filter = Filter::decode(&built.encode()).unwrap();
        assert!(hashes.iter().all(|&hash| filter.may_contain(hash)));
        let asked = 100_000u64;
        let met = (0..asked).filter(|n| filter.may_contain(hash64(&(n + (1 << 40)).to_be_bytes()))).count();
        met as u64 * 1_000_000 / asked
    }

    #[test]
    fn few_false_positives_and_no_false_negatives() {
        for (kind, bits_per_key, limit) in [
            (FilterKind::Blocked, 10, 12_500),
            (FilterKind::Classic, 10, 10_500),
            (FilterKind::Blocked, 16, 2_500),
            (FilterKind::Classic, 16, 1_000),
            (FilterKind::Blocked, 5, 130_000),
        ] {
            let met = false_positives_per_million(kind, bits_per_key);
            assert!(met < limit, "{kind:?} with {bits_per_key} bits: {met} per million");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [&b""[..], &[1, 6, 0, 0, 0, 0, 0, 0], &[9; 72], &[2; 40], &[1; 71]] {
            assert!(Filter::decode(bytes).is_none(), "{bytes:?}");
        }
    }
}
