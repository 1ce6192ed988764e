//! A decoded block.

use std::ops::Range;

/// The plain bytes of one block.
pub(crate) struct Block {
    bytes: Vec<u8>,
}

impl Block {
    #[inline]
    pub(crate) fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}
