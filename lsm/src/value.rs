//! A value where it lies: in a memtable or in a cached block.

use crate::memtable::MemCursor;
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
    /// Of the entry that the cursor stands on.
    Memtable(MemCursor),
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

    /// The value of the entry that `cursor` stands on.
    pub(crate) fn in_memtable(cursor: MemCursor) -> PinnedValue {
        PinnedValue { place: Place::Memtable(cursor) }
    }
}

impl Deref for PinnedValue {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.place {
            Place::Whole(bytes) => bytes,
            Place::Block { block, range } => block.slice(range),
            Place::Memtable(cursor) => cursor.value(),
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
