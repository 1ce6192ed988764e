//! Writes a table, front to back.

use crate::error::{LsmError, Result};
use crate::options::{EngineOptions, FilterKind};
use crate::types::{EntryKind, Seq};
use aurora_env::{FileSystem, Sealing};
use std::path::Path;

/// How tables are built.
#[derive(Clone, Debug)]
pub(crate) struct TableOptions {
    /// Target size of a data block before compression.
    pub(crate) block_bytes: usize,
    /// Every so many entries the whole key is stored.
    pub(crate) restart_interval: usize,
    pub(crate) compress: bool,
    pub(crate) filter: FilterKind,
    pub(crate) filter_bits_per_key: usize,
}

impl From<&EngineOptions> for TableOptions {
    fn from(options: &EngineOptions) -> TableOptions {
        TableOptions {
            block_bytes: options.block_bytes,
            restart_interval: options.restart_interval,
            compress: options.compress,
            filter: options.filter,
            filter_bits_per_key: options.filter_bits_per_key,
        }
    }
}

/// Hides every entry of a key in `start..end` that is older than `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RangeTombstone {
    pub(crate) start: Vec<u8>,
    /// Exclusive.
    pub(crate) end: Vec<u8>,
    pub(crate) seq: Seq,
}

/// What a finished table is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableMeta {
    pub(crate) file_bytes: u64,
    /// Puts and deletes.
    pub(crate) entries: u64,
    /// Deletes.
    pub(crate) tombstones: u64,
    pub(crate) range_tombstones: u64,
    /// No key and no start of a range tombstone is below.
    pub(crate) smallest: Vec<u8>,
    /// No key and no end of a range tombstone is above. Inclusive, so one point too far where a range ends here.
    pub(crate) largest: Vec<u8>,
    /// Over entries and range tombstones.
    pub(crate) min_seq: Seq,
    pub(crate) max_seq: Seq,
}

/// A table in the making. Dropped without [`TableWriter::finish`], it leaves a file that no one can open.
pub(crate) struct TableWriter {
    _private: (),
}

impl TableWriter {
    /// Creates the file; `path` must not exist.
    pub(crate) fn create(
        _fs: &dyn FileSystem,
        _path: &Path,
        _sealing: &dyn Sealing,
        _options: &TableOptions,
    ) -> Result<TableWriter> {
        Err(LsmError::NotSupported("tables"))
    }

    /// Adds an entry behind all others in [`super::compare`]'s order. Puts and deletes only.
    pub(crate) fn add(&mut self, _user_key: &[u8], _seq: Seq, _kind: EntryKind, _value: &[u8]) -> Result<()> {
        Err(LsmError::NotSupported("tables"))
    }

    /// Adds a range tombstone, in any order, at any time.
    pub(crate) fn add_range_tombstone(&mut self, _start: &[u8], _end: &[u8], _seq: Seq) -> Result<()> {
        Err(LsmError::NotSupported("tables"))
    }

    /// Bytes that the file would have if it ended now, about.
    pub(crate) fn written_bytes(&self) -> u64 {
        0
    }

    /// Writes what is left, syncs the file (not its folder) and says what it is.
    pub(crate) fn finish(self) -> Result<TableMeta> {
        Err(LsmError::NotSupported("tables"))
    }
}
