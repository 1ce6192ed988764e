//! A value where it lies: in a memtable or in a cached block.

use crate::types::Seq;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes that stay where they are while this lives. No copy is made. Cheap to clone.
#[derive(Clone)]
pub struct PinnedValue {
    pub(crate) bytes: Arc<[u8]>,
}

impl Deref for PinnedValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
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
