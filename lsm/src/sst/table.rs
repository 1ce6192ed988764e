//! An open table.

use super::block::{Block, Malformed};
use super::cache::BlockCache;
use super::filter::Filter;
use super::frame::{BlockFile, BlockKind, CLEAR_BYTES, Handle};
use super::hash::hash64;
use super::iter::TableIter;
use super::meta::{Footer, RangeTombstone, TableMeta, decode_properties, decode_range_tombstones};
use crate::error::{LsmError, Result};
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use aurora_env::{FILE_HEADER_BYTES, File, FileCipher, FileHeader, FileKind, FileSystem, SealError, Sealing};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version that a point read found; a delete's value is empty.
pub(crate) type Found = (Seq, EntryKind, PinnedValue);

/// An immutable sorted file, open for reading by all threads. Filter and top index stay in memory.
pub(crate) struct Table {
    file: Arc<dyn File>,
    path: PathBuf,
    cipher: Arc<dyn FileCipher>,
    file_number: u64,
    cache: Arc<BlockCache>,
    meta: TableMeta,
    top_index: Arc<Block>,
    top_index_handle: Handle,
    filter: Option<Filter>,
    range_tombstones: Vec<RangeTombstone>,
    /// What its blocks were compressed with; empty where it has none.
    dictionary: Vec<u8>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("path", &self.path).field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl Table {
    /// Opens and checks header, footer, properties, filter and top index. `file_number` names the file's blocks in
    /// the cache: never reuse one within a cache.
    pub(crate) fn open(
        fs: &dyn FileSystem,
        path: &Path,
        sealing: &dyn Sealing,
        file_number: u64,
        cache: Arc<BlockCache>,
    ) -> Result<Arc<Table>> {
        let file = fs.open(path).map_err(|source| LsmError::io("open", path, source))?;
        let file_bytes = file.len().map_err(|source| LsmError::io("read", path, source))?;
        let mut head = [0; FILE_HEADER_BYTES];
        if file_bytes < head.len() as u64 {
            return Err(LsmError::damaged(path, format!("has {file_bytes} bytes only")));
        }
        file.read_exact_at(&mut head, 0).map_err(|source| LsmError::io("read", path, source))?;
        let header = FileHeader::decode(&head)
            .map_err(|error| LsmError::damaged(path, format!("header at offset 0: {error}")))?;
        if header.kind != FileKind::Sst {
            return Err(LsmError::damaged(path, format!("is no table but of kind {:?}", header.kind)));
        }
        if header.format > super::FORMAT {
            let (found, newest) = (u32::from(header.format), u32::from(super::FORMAT));
            return Err(LsmError::NewerFormat { path: path.to_owned(), found, newest });
        }
        let cipher = sealing.open_file(&header).map_err(|error| match error {
            SealError::BadHeader(what) => LsmError::damaged(path, format!("header at offset 0: {what}")),
            other => LsmError::Seal(format!("{}: {other}", path.display()).into()),
        })?;

        let blocks = BlockFile { file: &*file, path, cipher: &*cipher, file_bytes, dictionary: &[] };
        let footer = read_footer(&blocks)?;
        let properties = blocks.load(BlockKind::Properties, footer.properties)?;
        let (meta, dictionary) = decode_properties(&properties, file_bytes)
            .ok_or_else(|| blocks.damaged(BlockKind::Properties, footer.properties, "malformed"))?;
        let dictionary = match dictionary.exists() {
            true => blocks.load(BlockKind::Dictionary, dictionary)?,
            false => Vec::new(),
        };
        let blocks = BlockFile { dictionary: &dictionary, ..blocks };
        let top_index = Block::new(blocks.load(BlockKind::TopIndex, footer.top_index)?)
            .ok_or_else(|| blocks.damaged(BlockKind::TopIndex, footer.top_index, "malformed"))?;
        let filter = read_optional(&blocks, BlockKind::Filter, footer.filter, Filter::decode)?;
        let range_tombstones = read_optional(
            &blocks,
            BlockKind::RangeTombstones,
            footer.range_tombstones,
            decode_range_tombstones,
        )?;
        Ok(Arc::new(Table {
            path: path.to_owned(),
            file_number,
            cache,
            meta,
            top_index: Arc::new(top_index),
            top_index_handle: footer.top_index,
            filter,
            range_tombstones: range_tombstones.unwrap_or_default(),
            dictionary,
            file,
            cipher,
        }))
    }

    /// The newest version of a key with seq ≤ `at`; range tombstones are not looked at.
    pub(crate) fn get(&self, user_key: &[u8], at: Seq) -> Result<Option<Found>> {
        self.get_hashed(user_key, hash64(user_key), at)
    }

    /// As [`Table::get`]; a read that asks several tables hashes its key once, with [`super::hash64`].
    pub(crate) fn get_hashed(&self, user_key: &[u8], hash: u64, at: Seq) -> Result<Option<Found>> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(hash)) {
            return Ok(None);
        }
        let top = self.top_index_handle;
        let Some((entry, _)) = self.find(&self.top_index, BlockKind::TopIndex, top, user_key, at)? else {
            return Ok(None);
        };
        let index_handle = self.handle(&self.top_index, &entry.value, BlockKind::TopIndex, top)?;
        let index = self.block(BlockKind::Index, index_handle)?;
        let Some((entry, _)) = self.find(&index, BlockKind::Index, index_handle, user_key, at)? else {
            // The top index has the last key of this block, and it is not below ours.
            return Err(self.malformed(BlockKind::Index, index_handle));
        };
        let rows_handle = self.handle(&index, &entry.value, BlockKind::Index, index_handle)?;
        let rows = self.block(BlockKind::Rows, rows_handle)?;
        // Where the block ends before the key: the next one begins behind a separator that is not below the key.
        let Some((entry, true)) = self.find(&rows, BlockKind::Rows, rows_handle, user_key, at)? else {
            return Ok(None);
        };
        Ok(Some((entry.seq, entry.kind, PinnedValue::in_block(rows, entry.value))))
    }

    /// Whether the filter, where there is one, lets a key with this hash through.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.may_contain(hash))
    }

    /// Sorted by start, then newest first.
    pub(crate) fn range_tombstones(&self) -> &[RangeTombstone] {
        &self.range_tombstones
    }

    /// What the writer counted.
    pub(crate) fn meta(&self) -> &TableMeta {
        &self.meta
    }

    #[cfg(test)]
    pub(super) fn has_dictionary(&self) -> bool {
        !self.dictionary.is_empty()
    }

    pub(crate) fn file_number(&self) -> u64 {
        self.file_number
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An iterator that stands nowhere yet.
    pub(crate) fn iter(self: &Arc<Self>) -> TableIter {
        TableIter::new(self.clone(), true)
    }

    /// As [`Table::iter`], for reads of whole files: blocks that it loads do not displace others from the cache.
    pub(crate) fn scan(self: &Arc<Self>) -> TableIter {
        TableIter::new(self.clone(), false)
    }

    pub(super) fn top_index(&self) -> (&Arc<Block>, Handle) {
        (&self.top_index, self.top_index_handle)
    }

    pub(super) fn blocks(&self) -> BlockFile<'_> {
        BlockFile {
            file: &*self.file,
            path: &self.path,
            cipher: &*self.cipher,
            file_bytes: self.meta.file_bytes,
            dictionary: &self.dictionary,
        }
    }

    #[cold]
    pub(super) fn malformed(&self, kind: BlockKind, handle: Handle) -> LsmError {
        self.blocks().damaged(kind, handle, "malformed")
    }

    #[inline]
    pub(super) fn find(
        &self,
        block: &Block,
        kind: BlockKind,
        handle: Handle,
        user_key: &[u8],
        at: Seq,
    ) -> Result<Option<(super::block::Entry, bool)>> {
        block.find(user_key, at).map_err(|Malformed| self.malformed(kind, handle))
    }

    /// The handle that an entry of an index block has as its value.
    #[inline]
    pub(super) fn handle(
        &self,
        block: &Block,
        value: &Range<u32>,
        kind: BlockKind,
        of: Handle,
    ) -> Result<Handle> {
        Handle::decode(block.slice(value)).ok_or_else(|| self.malformed(kind, of))
    }

    pub(super) fn cached(&self, handle: Handle) -> Option<Arc<Block>> {
        self.cache.get(self.file_number, handle.offset)
    }

    pub(super) fn keep(&self, handle: Handle, block: &Arc<Block>) {
        self.cache.insert(self.file_number, handle.offset, block.clone());
    }

    /// A block that was read already.
    pub(super) fn decode(&self, kind: BlockKind, handle: Handle, stored: &mut [u8]) -> Result<Arc<Block>> {
        let contents = self.blocks().open(kind, handle, stored)?;
        Block::new(contents).map(Arc::new).ok_or_else(|| self.malformed(kind, handle))
    }

    /// A data or index block, from the cache or the file.
    #[inline]
    pub(super) fn block(&self, kind: BlockKind, handle: Handle) -> Result<Arc<Block>> {
        if let Some(block) = self.cached(handle) {
            return Ok(block);
        }
        let block = self.load(kind, handle)?;
        self.keep(handle, &block);
        Ok(block)
    }

    /// A block from the file.
    pub(super) fn load(&self, kind: BlockKind, handle: Handle) -> Result<Arc<Block>> {
        let contents = self.blocks().load(kind, handle)?;
        Block::new(contents).map(Arc::new).ok_or_else(|| self.malformed(kind, handle))
    }
}

fn read_footer(blocks: &BlockFile<'_>) -> Result<Footer> {
    let len = CLEAR_BYTES + Footer::BYTES + blocks.cipher.overhead_bytes();
    let file_bytes = blocks.file_bytes;
    let offset = file_bytes
        .checked_sub(len as u64)
        .filter(|&offset| offset >= FILE_HEADER_BYTES as u64)
        .ok_or_else(|| LsmError::damaged(blocks.path, format!("has {file_bytes} bytes only")))?;
    let len =
        u32::try_from(len).map_err(|_| LsmError::damaged(blocks.path, "has a footer beyond its length"))?;
    let handle = Handle { offset, len, number: Footer::NUMBER };
    let contents = blocks.load(BlockKind::Footer, handle)?;
    Footer::decode(&contents).ok_or_else(|| blocks.damaged(BlockKind::Footer, handle, "malformed"))
}

fn read_optional<T>(
    blocks: &BlockFile<'_>,
    kind: BlockKind,
    handle: Handle,
    decode: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>> {
    if !handle.exists() {
        return Ok(None);
    }
    let contents = blocks.load(kind, handle)?;
    decode(&contents).map(Some).ok_or_else(|| blocks.damaged(kind, handle, "malformed"))
}
