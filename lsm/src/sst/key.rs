//! The order of entries: user key ascending, then seq descending, so that the newest version of a key comes first.

use crate::types::Seq;
use std::cmp::Ordering;

/// Orders two entries. User keys are compared first and alone: a memcmp over key and seq together would be wrong
/// where one key is a prefix of another.
#[inline]
pub(crate) fn compare(a_user: &[u8], a_seq: Seq, b_user: &[u8], b_seq: Seq) -> Ordering {
    a_user.cmp(b_user).then_with(|| b_seq.cmp(&a_seq))
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
    fn newer_versions_come_first_and_prefixes_before_longer_keys() {
        let key = |user_key, seq| InternalKey { user_key, seq: Seq(seq) };
        let sorted = [key(b"", 1), key(b"a", 9), key(b"a", 2), key(b"a\0", 7), key(b"b", 1)];
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
