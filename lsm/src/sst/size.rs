//! Where in a file a key would stand.

use super::frame::BlockKind;
use super::table::Table;
use crate::error::Result;
use crate::types::Seq;

impl Table {
    /// The offset of the data block that has `user_key` or what follows it; the end of the data when nothing does. Reads
    /// one index block at most.
    pub(crate) fn offset_of(&self, user_key: &[u8]) -> Result<u64> {
        let (top_index, top) = self.top_index();
        let Some((entry, _)) = self.find(top_index, BlockKind::TopIndex, top, user_key, Seq::MAX)? else {
            return Ok(self.meta().file_bytes);
        };
        let index_handle = self.handle(top_index, &entry.value, BlockKind::TopIndex, top)?;
        let index = self.block(BlockKind::Index, index_handle)?;
        let Some((entry, _)) = self.find(&index, BlockKind::Index, index_handle, user_key, Seq::MAX)? else {
            return Err(self.malformed(BlockKind::Index, index_handle));
        };
        Ok(self.handle(&index, &entry.value, BlockKind::Index, index_handle)?.offset)
    }
}
