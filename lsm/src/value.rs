//! A value where it lies: in a memtable or in a cached block.

use crate::sst::Block;
use crate::types::Seq;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that stay where they are while this lives. No copy is made. Cheap to clone.
#[derive(Clone)]
pub struct PinnedValue {
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// An allocation of its own.
    Whole(Arc<[u8]>),
    /// Part of a decoded block, which leaves memory when the cache and the last value let go of it.
    Block { block: Arc<Block>, range: Range<u32> },
    /// Part of whatever else owns bytes, such as a memtable's arena.
    Shared { owner: Arc<dyn AsRef<[u8]> + Send + Sync>, range: Range<usize> },
}

impl PinnedValue {
    /// The value is all of `bytes`.
    pub(crate) fn whole(bytes: Arc<[u8]>) -> PinnedValue {
        PinnedValue { place: Place::Whole(bytes) }
    }

    /// The value is `range` of the bytes of `block`; empty where the range lies outside.
    pub(crate) fn in_block(block: Arc<Block>, range: Range<u32>) -> PinnedValue {
        PinnedValue { place: Place::Block { block, range } }
    }

    /// The value is `range` of the bytes of `owner`; empty where the range lies outside.
    #[allow(dead_code)]
    pub(crate) fn shared(owner: Arc<dyn AsRef<[u8]> + Send + Sync>, range: Range<usize>) -> PinnedValue {
        PinnedValue { place: Place::Shared { owner, range } }
    }
}

impl Deref for PinnedValue {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.place {
            Place::Whole(bytes) => bytes,
            Place::Block { block, range } => block.slice(range),
            Place::Shared { owner, range } => (**owner).as_ref().get(range.clone()).unwrap_or_default(),
        }
    }
}

impl std::fmt::Debug for PinnedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PinnedValue").field(&&**self).finish()
    }
}

/// The version that a read met, tombstones included.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub seq: Seq,
    /// `None`: deleted at that seq.
    pub value: Option<PinnedValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_range_and_an_impossible_range_is_empty() {
        let owner: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(b"abcdef".to_vec());
        assert_eq!(&*PinnedValue::shared(owner.clone(), 1..3), b"bc");
        assert_eq!(&*PinnedValue::shared(owner, 4..9), b"");
        assert_eq!(&*PinnedValue::whole(Arc::from(&b"xy"[..])), b"xy");
    }
}
