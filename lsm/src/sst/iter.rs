//! Walks a table in both directions.

use super::block::{Block, Malformed};
use super::cursor::BlockCursor;
use super::frame::{BlockKind, Handle};
use super::table::Table;
use crate::error::{LsmError, Result};
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use std::sync::Arc;

/// Read-ahead begins with the second block in a row that was not cached, and grows up to the larger window: a short scan
/// reads little that it does not need.
const FIRST_WINDOW_BYTES: usize = 8 << 10;
/// Blocks this far apart still follow each other: an index block may lie in between.
const GAP_BYTES_MAX: u64 = 16 << 10;
const WINDOW_BYTES_MAX: usize = 512 << 10;

/// All entries of a table, all versions, range tombstones not applied. Owns what it stands on. Every move says
/// whether it stands on an entry then; after an error it stands nowhere.
pub(crate) struct TableIter {
    table: Arc<Table>,
    fill_cache: bool,
    top: BlockCursor,
    index: BlockCursor,
    rows: BlockCursor,
    /// The blocks that `index` and `rows` are in.
    index_handle: Handle,
    rows_handle: Handle,
    ahead: ReadAhead,
}

/// Bytes of the file that were read in one piece because blocks are read one after the other.
#[derive(Default)]
struct ReadAhead {
    bytes: Vec<u8>,
    offset: u64,
    /// What lies before this in `bytes` is no longer what it was in the file.
    opened: usize,
    /// Size of the next read; 0: none yet.
    window_bytes: usize,
    /// Where the block ends that was read last.
    expected: u64,
}

impl ReadAhead {
    /// The stored bytes of a block, which is opened in place: once.
    fn held(&mut self, handle: Handle) -> Option<&mut [u8]> {
        let at = usize::try_from(handle.offset.checked_sub(self.offset)?).ok()?;
        if at < self.opened {
            return None;
        }
        let end = at.checked_add(handle.len as usize)?;
        let stored = self.bytes.get_mut(at..end)?;
        self.opened = end;
        Some(stored)
    }
}

/// No block is empty.
fn stands(moved: bool) -> std::result::Result<bool, Malformed> {
    if moved { Ok(true) } else { Err(Malformed) }
}

impl TableIter {
    pub(super) fn new(table: Arc<Table>, fill_cache: bool) -> TableIter {
        let mut top = BlockCursor::new();
        top.enter(table.top_index().0.clone());
        TableIter {
            table,
            fill_cache,
            top,
            index: BlockCursor::new(),
            rows: BlockCursor::new(),
            index_handle: Handle::default(),
            rows_handle: Handle::default(),
            ahead: ReadAhead::default(),
        }
    }

    /// To the first entry ≥ (`user_key`, `seq`): of this key, the newest version that is not newer than `seq`.
    pub(crate) fn seek(&mut self, user_key: &[u8], seq: Seq) -> Result<bool> {
        let moved = self.try_seek(user_key, seq);
        self.settle(moved)
    }

    /// To the last entry ≤ (`user_key`, `seq`): of this key, the oldest version that is not older than `seq`.
    pub(crate) fn seek_for_prev(&mut self, user_key: &[u8], seq: Seq) -> Result<bool> {
        if !self.seek(user_key, seq)? {
            return self.seek_to_last();
        }
        if self.seq() == seq && self.user_key() == user_key {
            return Ok(true);
        }
        self.prev()
    }

    pub(crate) fn seek_to_first(&mut self) -> Result<bool> {
        let moved = self.try_first();
        self.settle(moved)
    }

    pub(crate) fn seek_to_last(&mut self) -> Result<bool> {
        let moved = self.try_last();
        self.settle(moved)
    }

    /// To the next entry; stays nowhere where not valid.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub(crate) fn next(&mut self) -> Result<bool> {
        if !self.rows.valid() {
            return Ok(false);
        }
        if matches!(self.rows.next(), Ok(true)) {
            return Ok(true);
        }
        let moved = self.try_next_block();
        self.settle(moved)
    }

    /// To the entry before; stays nowhere where not valid.
    #[inline]
    pub(crate) fn prev(&mut self) -> Result<bool> {
        if !self.rows.valid() {
            return Ok(false);
        }
        let moved = self.try_prev();
        self.settle(moved)
    }

    #[inline]
    pub(crate) fn valid(&self) -> bool {
        self.rows.valid()
    }

    /// Empty where not valid; so are the others.
    #[inline]
    pub(crate) fn user_key(&self) -> &[u8] {
        if self.valid() { self.rows.key() } else { &[] }
    }

    #[inline]
    pub(crate) fn seq(&self) -> Seq {
        if self.valid() { self.rows.seq() } else { Seq::ZERO }
    }

    #[inline]
    pub(crate) fn kind(&self) -> EntryKind {
        if self.valid() { self.rows.kind() } else { EntryKind::Delete }
    }

    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        if self.valid() { self.rows.value() } else { &[] }
    }

    /// The value, still where it lies when the iterator has moved on.
    pub(crate) fn pinned_value(&self) -> PinnedValue {
        match self.rows.block() {
            Some(block) if self.valid() => PinnedValue::in_block(block.clone(), self.rows.value_range()),
            _ => PinnedValue::whole(Arc::from(&[][..])),
        }
    }

    /// Stands nowhere unless the move went well.
    fn settle(&mut self, moved: Result<bool>) -> Result<bool> {
        if !matches!(moved, Ok(true)) {
            self.index.leave();
            self.rows.leave();
            self.index_handle = Handle::default();
            self.rows_handle = Handle::default();
        }
        moved
    }

    fn try_seek(&mut self, user_key: &[u8], seq: Seq) -> Result<bool> {
        if !self.top.seek(user_key, seq).map_err(|error| self.bad_top(error))? {
            return Ok(false);
        }
        self.enter_index()?;
        if !self.index.seek(user_key, seq).map_err(|error| self.bad_index(error))? {
            // The top index has the last key of this block, and it is not below ours.
            return Err(self.bad_index(Malformed));
        }
        self.enter_rows(false)?;
        if self.rows.seek(user_key, seq).map_err(|error| self.bad_rows(error))? {
            return Ok(true);
        }
        self.try_next_block()
    }

    fn try_first(&mut self) -> Result<bool> {
        if !self.top.first().map_err(|error| self.bad_top(error))? {
            return Ok(false);
        }
        self.enter_index()?;
        self.index.first().map_err(|error| self.bad_index(error))?;
        self.enter_rows(false)?;
        self.rows.first().and_then(stands).map_err(|error| self.bad_rows(error))
    }

    fn try_last(&mut self) -> Result<bool> {
        if !self.top.last().map_err(|error| self.bad_top(error))? {
            return Ok(false);
        }
        self.enter_index()?;
        self.index.last().map_err(|error| self.bad_index(error))?;
        self.enter_rows(false)?;
        self.rows.last().and_then(stands).map_err(|error| self.bad_rows(error))
    }

    /// To the first entry behind the block at hand, once that has no next one, or is malformed.
    fn try_next_block(&mut self) -> Result<bool> {
        if !self.rows.at_end() {
            return Err(self.bad_rows(Malformed));
        }
        if !self.index.next().map_err(|error| self.bad_index(error))? {
            if !self.top.next().map_err(|error| self.bad_top(error))? {
                return Ok(false);
            }
            self.enter_index()?;
            self.index.first().map_err(|error| self.bad_index(error))?;
        }
        self.enter_rows(true)?;
        self.rows.first().and_then(stands).map_err(|error| self.bad_rows(error))
    }

    fn try_prev(&mut self) -> Result<bool> {
        if self.rows.prev().map_err(|error| self.bad_rows(error))? {
            return Ok(true);
        }
        if !self.index.prev().map_err(|error| self.bad_index(error))? {
            if !self.top.prev().map_err(|error| self.bad_top(error))? {
                return Ok(false);
            }
            self.enter_index()?;
            self.index.last().map_err(|error| self.bad_index(error))?;
        }
        self.enter_rows(false)?;
        self.rows.last().and_then(stands).map_err(|error| self.bad_rows(error))
    }

    /// Enters the index block that the top index stands on.
    fn enter_index(&mut self) -> Result<()> {
        let handle = Handle::decode(self.top.value()).ok_or_else(|| self.bad_top(Malformed))?;
        if handle != self.index_handle || self.index.block().is_none() {
            self.index_handle = handle;
            self.index.enter(self.table.block(BlockKind::Index, handle)?);
        }
        Ok(())
    }

    /// Enters the data block that the index stands on.
    fn enter_rows(&mut self, forward: bool) -> Result<()> {
        if !self.index.valid() {
            return Err(self.bad_index(Malformed));
        }
        let handle = Handle::decode(self.index.value()).ok_or_else(|| self.bad_index(Malformed))?;
        if handle != self.rows_handle || self.rows.block().is_none() {
            let block = self.load_rows(handle, forward)?;
            self.rows_handle = handle;
            self.rows.enter(block);
        }
        Ok(())
    }

    fn load_rows(&mut self, handle: Handle, forward: bool) -> Result<Arc<Block>> {
        if let Some(block) = self.table.cached(handle) {
            return Ok(block);
        }
        let block = self.read_rows(handle, forward)?;
        if self.fill_cache {
            self.table.keep(handle, &block);
        }
        Ok(block)
    }

    /// A block from the file, out of a larger read where blocks are read in sequence.
    fn read_rows(&mut self, handle: Handle, forward: bool) -> Result<Arc<Block>> {
        let (kind, table, ahead) = (BlockKind::Rows, &*self.table, &mut self.ahead);
        let in_sequence = forward && handle.offset.wrapping_sub(ahead.expected) <= GAP_BYTES_MAX;
        ahead.expected = handle.offset.saturating_add(u64::from(handle.len));
        if let Some(stored) = ahead.held(handle) {
            return table.decode(kind, handle, stored);
        }
        if !in_sequence {
            ahead.window_bytes = 0;
            return table.load(kind, handle);
        }
        let blocks = table.blocks();
        blocks.check(kind, handle)?;
        ahead.window_bytes = (ahead.window_bytes * 2).clamp(FIRST_WINDOW_BYTES, WINDOW_BYTES_MAX);
        let left = usize::try_from(blocks.file_bytes - handle.offset).unwrap_or(usize::MAX);
        let want = ahead.window_bytes.max(handle.len as usize).min(left);
        // Until the read is done, nothing is held.
        let mut bytes = std::mem::take(&mut ahead.bytes);
        bytes.resize(want, 0);
        blocks.read(&mut bytes, handle.offset)?;
        (ahead.bytes, ahead.offset, ahead.opened) = (bytes, handle.offset, 0);
        table.decode(kind, handle, ahead.held(handle).unwrap_or_default())
    }

    #[cold]
    fn bad_top(&self, _: Malformed) -> LsmError {
        self.table.malformed(BlockKind::TopIndex, self.table.top_index().1)
    }

    #[cold]
    fn bad_index(&self, _: Malformed) -> LsmError {
        self.table.malformed(BlockKind::Index, self.index_handle)
    }

    #[cold]
    fn bad_rows(&self, _: Malformed) -> LsmError {
        self.table.malformed(BlockKind::Rows, self.rows_handle)
    }
}
