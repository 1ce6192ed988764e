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
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    for (a_word, b_word) in a_words.iter().zip(b_words) {
        let (a_word, b_word) = (u64::from_be_bytes(*a_word), u64::from_be_bytes(*b_word));
        if a_word != b_word {
            return a_word.cmp(&b_word);
        }
    }
    match a_words.len().cmp(&b_words.len()) {
        Ordering::Equal if a_rest.len() == b_rest.len() && a_rest.is_empty() => Ordering::Equal,
        Ordering::Equal => a_rest.cmp(b_rest),
        // One goes on with whole words where the other has less than one left.
        _ => a.get(shorter / 8 * 8..).cmp(&b.get(shorter / 8 * 8..)),
    }
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
