//! Writes a table, front to back.

use super::block::{BlockBuilder, ENTRY_HEAD_BYTES, common_prefix};
use super::compress::Compressor;
use super::dictionary;
use super::filter::Filter;
use super::frame::{BlockKind, CONTENTS_BYTES_MAX, Handle, put_block};
use super::hash::hash64;
use super::key::compare;
use super::meta::{Footer, RangeTombstone, TableMeta, encode_properties, encode_range_tombstones};
use crate::error::{LsmError, Result};
use crate::options::{Compression, EngineOptions, FilterKind};
use crate::types::{EntryKind, Seq};
use aurora_env::{File, FileCipher, FileKind, FileSystem, Sealing};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How long a table is expected to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// There is older data below it, with which it soon is merged: written quickly.
    Short,
    /// It is the oldest of its keys: written small.
    Long,
}

/// How tables are built.
#[derive(Clone, Debug)]
pub(crate) struct TableOptions {
    /// Target size of a data block before compression.
    pub(crate) block_bytes: usize,
    /// Every so many entries the whole key is stored.
    pub(crate) restart_interval: usize,
    pub(crate) compression: Compression,
    /// After so many bytes of data blocks, a dictionary is chosen for the table; 0: it does without.
    pub(crate) sample_bytes: usize,
    /// Whether the table would be smaller if it were meant to stay.
    pub(crate) light: bool,
    pub(crate) filter: FilterKind,
    pub(crate) filter_bits_per_key: usize,
}

impl TableOptions {
    pub(crate) fn new(options: &EngineOptions, stay: Stay) -> TableOptions {
        let light = stay == Stay::Short && options.compression == Compression::Zstd;
        // What is held counts uncompressed: that must not decide where tables end.
        let sample_bytes = (options.table_bytes / 8).min(dictionary::SAMPLE_BYTES_MAX as u64) as usize;
        TableOptions {
            block_bytes: options.block_bytes,
            restart_interval: options.restart_interval,
            compression: if light { Compression::Lz4 } else { options.compression },
            sample_bytes: if light { 0 } else { sample_bytes },
            light,
            filter: options.filter,
            filter_bits_per_key: options.filter_bits_per_key,
        }
    }
}

/// Keys in index blocks are few and their values short: a denser interval than that of rows finds them faster.
const INDEX_RESTART_INTERVAL: usize = 8;

/// Finished bytes are handed to the file in pieces of at least this.
const WRITE_BYTES: usize = 256 << 10;

/// A target beyond this is taken for this: with the largest entry, a block stays within its limit.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// A finished data block that is not compressed yet, and its entry in the index.
struct HeldBlock {
    contents: Vec<u8>,
    key: Vec<u8>,
    seq: Seq,
}

/// A table in the making. Dropped without [`TableWriter::finish`], it leaves a file that no one can open.
pub(crate) struct TableWriter {
    file: Arc<dyn File>,
    path: PathBuf,
    cipher: Arc<dyn FileCipher>,
    options: TableOptions,
    /// Finished bytes that are not in the file yet; they belong at `flushed_bytes`.
    out: Vec<u8>,
    flushed_bytes: u64,
    next_number: u32,
    compressor: Option<Compressor>,
    data: BlockBuilder,
    /// The first data blocks, until there are enough to choose a dictionary from.
    held: Vec<HeldBlock>,
    held_bytes: usize,
    /// Whether data blocks are held at present.
    holds: bool,
    dictionary: Handle,
    /// The index block in the making, and the last key in it.
    index: BlockBuilder,
    index_last: (Vec<u8>, Seq),
    top_index: BlockBuilder,
    last_key: Vec<u8>,
    last_seq: Seq,
    /// Of each distinct user key.
    hashes: Vec<u64>,
    range_tombstones: Vec<RangeTombstone>,
    meta: TableMeta,
    /// After an error a block may be missing: nothing more is taken, and the file is never finished.
    failed: Option<LsmError>,
}

impl TableWriter {
    /// Creates the file; `path` must not exist.
    pub(crate) fn create(
        fs: &dyn FileSystem,
        path: &Path,
        sealing: &dyn Sealing,
        options: &TableOptions,
    ) -> Result<TableWriter> {
        let (header, cipher) = sealing.new_file(FileKind::Sst, super::FORMAT)?;
        let file = fs.create(path).map_err(|source| LsmError::io("create", path, source))?;
        Ok(TableWriter {
            file,
            path: path.to_owned(),
            cipher,
            options: TableOptions {
                block_bytes: options.block_bytes.min(BLOCK_BYTES_MAX),
                ..options.clone()
            },
            out: header.encode().to_vec(),
            flushed_bytes: 0,
            next_number: Footer::NUMBER + 1,
            compressor: Compressor::new(options.compression),
            data: BlockBuilder::new(options.restart_interval),
            held: Vec::new(),
            held_bytes: 0,
            holds: options.compression != Compression::None && options.sample_bytes > 0,
            dictionary: Handle::default(),
            index: BlockBuilder::new(INDEX_RESTART_INTERVAL),
            index_last: (Vec::new(), Seq::ZERO),
            top_index: BlockBuilder::new(INDEX_RESTART_INTERVAL),
            last_key: Vec::new(),
            last_seq: Seq::ZERO,
            hashes: Vec::new(),
            range_tombstones: Vec::new(),
            meta: TableMeta { min_seq: Seq::MAX, light: options.light, ..TableMeta::default() },
            failed: None,
        })
    }

    /// Adds an entry behind all others in [`super::compare`]'s order. Puts and deletes only.
    ///
    /// # Errors
    /// An entry out of order is refused: written, it could never be found. What read it has a damaged source. After
    /// an error the table can only be given up.
    pub(crate) fn add(&mut self, user_key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.try_add(user_key, seq, kind, value).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn try_add(&mut self, user_key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) -> Result<()> {
        if kind == EntryKind::DeleteRange {
            return Err(LsmError::NotSupported("range tombstones among entries"));
        }
        let entry_bytes = ENTRY_HEAD_BYTES.saturating_add(user_key.len()).saturating_add(value.len());
        if entry_bytes > CONTENTS_BYTES_MAX / 2 {
            return Err(LsmError::NotSupported("entries of 1 GiB"));
        }
        let first = self.meta.entries == 0;
        if !first && compare(&self.last_key, self.last_seq, user_key, seq) != Ordering::Less {
            return Err(LsmError::damaged(&self.path, "entries come out of order"));
        }
        if !self.data.is_empty() && self.data.len().saturating_add(entry_bytes) > self.options.block_bytes {
            self.end_data_block(Some(user_key))?;
        }
        if first || self.last_key != user_key {
            if self.options.filter != FilterKind::None {
                self.hashes.push(hash64(user_key));
            }
            if first {
                self.meta.smallest = user_key.to_vec();
            }
            self.last_key.clear();
            self.last_key.extend_from_slice(user_key);
        }
        self.last_seq = seq;
        self.data.add(user_key, seq, kind, value);
        self.meta.entries += 1;
        self.meta.tombstones += u64::from(kind == EntryKind::Delete);
        self.meta.min_seq = self.meta.min_seq.min(seq);
        self.meta.max_seq = self.meta.max_seq.max(seq);
        Ok(())
    }

    /// Adds a range tombstone, in any order, at any time. An empty range is left out.
    pub(crate) fn add_range_tombstone(&mut self, start: &[u8], end: &[u8], seq: Seq) -> Result<()> {
        if start < end {
            self.range_tombstones.push(RangeTombstone { start: start.to_vec(), end: end.to_vec(), seq });
            self.meta.min_seq = self.meta.min_seq.min(seq);
            self.meta.max_seq = self.meta.max_seq.max(seq);
        }
        Ok(())
    }

    /// Bytes that the file would have if it ended now, about: the block in the making counts uncompressed, and so do those
    /// that are held.
    pub(crate) fn written_bytes(&self) -> u64 {
        let pending =
            self.out.len() + self.held_bytes + self.data.len() + self.index.len() + self.top_index.len();
        let filter = self.hashes.len() * self.options.filter_bits_per_key / 8;
        self.flushed_bytes + (pending + filter) as u64
    }

    /// The user key that was added last.
    #[inline]
    pub(crate) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// Entries so far, range tombstones not counted.
    pub(crate) fn entries(&self) -> u64 {
        self.meta.entries
    }

    /// Writes what is left, syncs the file (not its folder) and says what it is.
    pub(crate) fn finish(mut self) -> Result<TableMeta> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.data.is_empty() {
            self.end_data_block(None)?;
        }
        self.let_go()?;
        if !self.index.is_empty() {
            self.end_index_block()?;
        }
        self.settle_meta();
        let filter = Filter::build(self.options.filter, &self.hashes, self.options.filter_bits_per_key)
            .map(|f| f.encode());
        let filter = match filter {
            Some(bytes) => self.put(BlockKind::Filter, &bytes, false)?,
            None => Handle::default(),
        };
        let range_tombstones = if self.range_tombstones.is_empty() {
            Handle::default()
        } else {
            let bytes = encode_range_tombstones(&self.range_tombstones);
            self.put(BlockKind::RangeTombstones, &bytes, true)?
        };
        let mut top_index = std::mem::replace(&mut self.top_index, BlockBuilder::new(1));
        let top_index = self.put(BlockKind::TopIndex, top_index.finish(), true)?;
        let properties = encode_properties(&self.meta, self.dictionary);
        let properties = self.put(BlockKind::Properties, &properties, false)?;
        let footer = Footer { top_index, properties, filter, range_tombstones };
        let mut handle = Handle { offset: self.position(), len: 0, number: Footer::NUMBER };
        put_block(&mut self.out, &*self.cipher, &mut handle, BlockKind::Footer, &footer.encode(), None)?;
        self.flush()?;
        self.file.sync_data().map_err(|source| LsmError::io("sync", &self.path, source))?;
        self.meta.file_bytes = self.flushed_bytes;
        Ok(self.meta)
    }

    /// Key range and counts, range tombstones included.
    fn settle_meta(&mut self) {
        self.range_tombstones.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| b.seq.cmp(&a.seq)));
        let meta = &mut self.meta;
        meta.largest = std::mem::take(&mut self.last_key);
        let mut empty = meta.entries == 0;
        for tombstone in &self.range_tombstones {
            if empty || tombstone.start < meta.smallest {
                meta.smallest.clone_from(&tombstone.start);
            }
            if empty || tombstone.end > meta.largest {
                meta.largest.clone_from(&tombstone.end);
            }
            empty = false;
        }
        meta.range_tombstones = self.range_tombstones.len() as u64;
        if empty {
            meta.min_seq = Seq::ZERO;
        }
    }

    /// Offset in the file of the next block.
    fn position(&self) -> u64 {
        self.flushed_bytes + self.out.len() as u64
    }

    fn put(&mut self, kind: BlockKind, contents: &[u8], compress: bool) -> Result<Handle> {
        if contents.len() > CONTENTS_BYTES_MAX {
            return Err(LsmError::NotSupported("blocks of more than 2 GiB"));
        }
        let mut handle = Handle { offset: self.position(), len: 0, number: self.next_number };
        // One number seals one block, also where an error comes in between.
        self.next_number =
            self.next_number.checked_add(1).ok_or(LsmError::NotSupported("tables of 2^32 blocks"))?;
        let compressor = self.compressor.as_mut().filter(|_| compress);
        put_block(&mut self.out, &*self.cipher, &mut handle, kind, contents, compressor)?;
        if self.out.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(handle)
    }

    fn flush(&mut self) -> Result<()> {
        self.file
            .write_all_at(&self.out, self.flushed_bytes)
            .map_err(|source| LsmError::io("write", &self.path, source))?;
        self.flushed_bytes += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    /// Writes the data block and its index entry. `next_key` is the user key that the next block begins with.
    fn end_data_block(&mut self, next_key: Option<&[u8]>) -> Result<()> {
        let mut key = std::mem::take(&mut self.index_last.0);
        let seq = match next_key {
            Some(next) if next != self.last_key => {
                separator(&self.last_key, next, &mut key);
                Seq::ZERO
            }
            _ => {
                key.clear();
                key.extend_from_slice(&self.last_key);
                self.last_seq
            }
        };
        let mut data = std::mem::replace(&mut self.data, BlockBuilder::new(1));
        if self.holds {
            let contents = data.finish().to_vec();
            self.held_bytes += contents.len();
            self.held.push(HeldBlock { contents, key, seq });
        } else {
            self.put_data_block(data.finish(), key, seq)?;
        }
        data.clear();
        self.data = data;
        if self.holds && self.held_bytes >= self.options.sample_bytes { self.let_go() } else { Ok(()) }
    }

    /// Chooses the dictionary and writes what was held.
    fn let_go(&mut self) -> Result<()> {
        let enough = self.holds && self.held_bytes >= self.options.sample_bytes;
        self.holds = false;
        self.held_bytes = 0;
        let held = std::mem::take(&mut self.held);
        let contents: Vec<&[u8]> = held.iter().map(|block| block.contents.as_slice()).collect();
        if enough
            && let Some(compressor) = &mut self.compressor
            && let Some(dictionary) = dictionary::choose(&contents, compressor)
        {
            self.dictionary = self.put(BlockKind::Dictionary, &dictionary, false)?;
            if let Some(compressor) = &mut self.compressor {
                compressor.set_dictionary(dictionary);
            }
        }
        for HeldBlock { contents, key, seq } in held {
            self.put_data_block(&contents, key, seq)?;
        }
        Ok(())
    }

    fn put_data_block(&mut self, contents: &[u8], key: Vec<u8>, seq: Seq) -> Result<()> {
        let handle = self.put(BlockKind::Rows, contents, true)?;
        let mut value = Vec::with_capacity(16);
        handle.encode(&mut value);
        self.index.add(&key, seq, EntryKind::Put, &value);
        self.index_last = (key, seq);
        if self.index.len() >= self.options.block_bytes {
            self.end_index_block()?;
        }
        Ok(())
    }

    fn end_index_block(&mut self) -> Result<()> {
        let mut index = std::mem::replace(&mut self.index, BlockBuilder::new(1));
        let handle = self.put(BlockKind::Index, index.finish(), true)?;
        index.clear();
        self.index = index;
        let mut value = Vec::with_capacity(16);
        handle.encode(&mut value);
        self.top_index.add(&self.index_last.0, self.index_last.1, EntryKind::Put, &value);
        Ok(())
    }
}

/// A short key `s` with `last` ≤ `s` < `next`, for `last` < `next`.
fn separator(last: &[u8], next: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let common = common_prefix(last, next);
    match (last.get(common), next.get(common)) {
        (Some(&low), Some(&high)) if low + 1 < high => {
            out.extend_from_slice(&last[..common]);
            out.push(low + 1);
        }
        // `next` goes on behind the byte that differs: up to there it lies between.
        (Some(_), Some(_)) if next.len() > common + 1 => out.extend_from_slice(&next[..=common]),
        _ => out.extend_from_slice(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_lie_between_and_are_short() {
        let mut out = Vec::new();
        for (last, next, want) in [
            (&b"abcdef"[..], &b"abzzz"[..], &b"abd"[..]),
            (b"abcdef", b"abd", b"abcdef"),
            (b"abcdef", b"abd0", b"abd"),
            (b"ab", b"abc", b"ab"),
            (b"", b"a", b""),
            (b"a\xff\xff", b"b", b"a\xff\xff"),
            (b"a\xfe", b"a\xff", b"a\xfe"),
        ] {
            separator(last, next, &mut out);
            assert_eq!(out, want);
            assert!(last <= &out[..] && &out[..] < next);
        }
    }
}
