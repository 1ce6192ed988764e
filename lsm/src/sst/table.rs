//! An open table.

use super::cache::BlockCache;
use super::iter::TableIter;
use super::writer::{RangeTombstone, TableMeta};
use crate::error::{LsmError, Result};
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use aurora_env::{FileSystem, Sealing};
use std::path::Path;
use std::sync::Arc;

/// The version that a point read found; a delete's value is empty.
pub(crate) type Found = (Seq, EntryKind, PinnedValue);

/// An immutable sorted file, open for reading by all threads. Filter and top index stay in memory.
pub(crate) struct Table {
    meta: TableMeta,
    range_tombstones: Vec<RangeTombstone>,
}

impl Table {
    /// Opens and checks header, footer, properties, filter and top index. `file_number` names the file's blocks in
    /// the cache: never reuse one within a cache.
    pub(crate) fn open(
        _fs: &dyn FileSystem,
        _path: &Path,
        _sealing: &dyn Sealing,
        _file_number: u64,
        _cache: Arc<BlockCache>,
    ) -> Result<Arc<Table>> {
        Err(LsmError::NotSupported("tables"))
    }

    /// The newest version of a key with seq ≤ `at`; range tombstones are not looked at.
    pub(crate) fn get(&self, _user_key: &[u8], _at: Seq) -> Result<Option<Found>> {
        Err(LsmError::NotSupported("tables"))
    }

    /// Sorted by start, then newest first.
    pub(crate) fn range_tombstones(&self) -> &[RangeTombstone] {
        &self.range_tombstones
    }

    /// What the writer counted.
    pub(crate) fn meta(&self) -> &TableMeta {
        &self.meta
    }

    /// An iterator that stands nowhere yet.
    pub(crate) fn iter(self: &Arc<Self>) -> TableIter {
        TableIter::new(self.clone(), true)
    }

    /// As [`Table::iter`], for reads of whole files: blocks that it loads do not displace others from the cache.
    pub(crate) fn scan(self: &Arc<Self>) -> TableIter {
        TableIter::new(self.clone(), false)
    }
}
