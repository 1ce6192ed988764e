//! The order of entries: user key ascending, then seq descending, so that the newest version of a key comes first.

use crate::types::Seq;
use std::cmp::Ordering;

/// Bytes up to which keys are compared word by word, without a call.
const SHORT_BYTES: usize = 40;

/// The order of two user keys, as memcmp has it: most keys are so short that the call would cost more than the work.
#[inline]
pub(crate) fn compare_user(a: &[u8], b: &[u8]) -> Ordering {
    let shorter = a.len().min(b.len());
    if shorter > SHORT_BYTES {
        return a.cmp(b);
    }
    let (mut a_rest, mut b_rest) = (a, b);
    while let (Some((a_word, a_tail)), Some((b_word, b_tail))) =
        (a_rest.split_first_chunk::<8>(), b_rest.split_first_chunk::<8>())
    {
        let (a_word, b_word) = (u64::from_be_bytes(*a_word), u64::from_be_bytes(*b_word));
        if a_word != b_word {
            return a_word.cmp(&b_word);
        }
        (a_rest, b_rest) = (a_tail, b_tail);
    }
    if a_rest.is_empty() || b_rest.is_empty() { a_rest.len().cmp(&b_rest.len()) } else { a_rest.cmp(b_rest) }
}

/// Whether two user keys are the same. Neighbours mostly differ at their ends, so that is looked at first.
#[inline]
pub(crate) fn same_user(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.last() == b.last() && compare_user(a, b) == Ordering::Equal
}

/// Orders two entries. User keys are compared first and alone: a memcmp over key and seq together would be wrong
/// where one key is a prefix of another.
#[inline]
pub(crate) fn compare(a_user: &[u8], a_seq: Seq, b_user: &[u8], b_seq: Seq) -> Ordering {
    compare_user(a_user, b_user).then_with(|| b_seq.cmp(&a_seq))
}

/// A place in a table's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InternalKey<'a> {
    pub(crate) user_key: &'a [u8],
    pub(crate) seq: Seq,
}

impl Ord for InternalKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.user_key, self.seq, other.user_key, other.seq)
    }
}

impl PartialOrd for InternalKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_keys_are_in_the_order_of_memcmp() {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for len in [0, 1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 39, 40, 41, 48, 64] {
            for at in 0..=len {
                for byte in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut key = vec![0x80; len];
                    key.iter_mut().skip(at).take(1).for_each(|changed| *changed = byte);
                    keys.push(key);
                }
            }
        }
        for a in &keys {
            for b in &keys {
                assert_eq!(compare_user(a, b), a.cmp(b), "{a:?} {b:?}");
                assert_eq!(same_user(a, b), a == b, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn newer_versions_come_first_and_prefixes_before_longer_keys() {
        let key = |user_key, seq| InternalKey { user_key, seq: Seq(seq) };
        let sorted = [key(b"", 1), key(b"a", 9), key(b"a", 2), key(b"a\0", 7), key(b"b", 1)];
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
