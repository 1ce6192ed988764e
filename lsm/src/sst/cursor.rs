//! Walks one block in both directions.

use super::block::{Block, Entry, Malformed};
use crate::types::{EntryKind, Seq};
use std::ops::Range;
use std::sync::Arc;

/// An entry before the current one, kept by a step backward so that the next is cheap.
struct Behind {
    at: u32,
    next: u32,
    /// Start of its key in `behind_keys`.
    key_at: usize,
    seq: Seq,
    kind: EntryKind,
    value: Range<u32>,
}

/// Stands on an entry of a block, or nowhere. Buffers live on from block to block.
pub(super) struct BlockCursor {
    block: Option<Arc<Block>>,
    valid: bool,
    /// Where the current entry begins and ends.
    at: u32,
    next: u32,
    key: Vec<u8>,
    seq: Seq,
    kind: EntryKind,
    value: Range<u32>,
    /// Entries of the same restart interval that end where the current one begins, in order.
    behind: Vec<Behind>,
    behind_keys: Vec<u8>,
}

impl BlockCursor {
    pub(super) fn new() -> BlockCursor {
        BlockCursor {
            block: None,
            valid: false,
            at: 0,
            next: 0,
            key: Vec::new(),
            seq: Seq::ZERO,
            kind: EntryKind::Delete,
            value: 0..0,
            behind: Vec::new(),
            behind_keys: Vec::new(),
        }
    }

    /// Enters a block; stands nowhere in it yet.
    pub(super) fn enter(&mut self, block: Arc<Block>) {
        self.leave();
        self.block = Some(block);
    }

    /// Stands nowhere, in no block.
    pub(super) fn leave(&mut self) {
        self.block = None;
        self.valid = false;
        self.forget_behind();
    }

    pub(super) fn block(&self) -> Option<&Arc<Block>> {
        self.block.as_ref()
    }

    #[inline]
    pub(super) fn valid(&self) -> bool {
        self.valid
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    #[inline]
    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    #[inline]
    pub(super) fn kind(&self) -> EntryKind {
        self.kind
    }

    #[inline]
    pub(super) fn value(&self) -> &[u8] {
        match &self.block {
            Some(block) => block.slice(&self.value),
            None => &[],
        }
    }

    /// Whether no entry follows the one it stands on, or stood on last.
    pub(super) fn at_end(&self) -> bool {
        self.block.as_ref().is_none_or(|block| self.next >= block.end())
    }

    pub(super) fn value_range(&self) -> Range<u32> {
        self.value.clone()
    }

    fn forget_behind(&mut self) {
        self.behind.clear();
        self.behind_keys.clear();
    }

    /// Stands on the entry; its key's shared part must already be in `key`.
    #[inline]
    fn stand_on(&mut self, block: &Block, entry: Entry) -> Result<bool, Malformed> {
        let shared = entry.shared as usize;
        if shared > self.key.len() {
            self.valid = false;
            return Err(Malformed);
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(block.slice(&entry.suffix));
        self.at = entry.at;
        self.next = entry.next;
        self.seq = entry.seq;
        self.kind = entry.kind;
        self.value = entry.value;
        self.valid = true;
        Ok(true)
    }

    /// To the first entry of the block.
    pub(super) fn first(&mut self) -> Result<bool, Malformed> {
        self.key.clear();
        self.next = 0;
        self.next()
    }

    /// To the last entry of the block.
    pub(super) fn last(&mut self) -> Result<bool, Malformed> {
        self.forget_behind();
        self.at = self.block.as_ref().map_or(0, |block| block.end());
        self.prev()
    }

    /// To the first entry ≥ (`user_key`, `seq`).
    pub(super) fn seek(&mut self, user_key: &[u8], seq: Seq) -> Result<bool, Malformed> {
        self.forget_behind();
        self.valid = false;
        let Some(block) = self.block.take() else { return Ok(false) };
        let found = block.find(user_key, seq);
        let stood = match found {
            Ok(Some((entry, _))) => {
                self.key.clear();
                self.key.extend_from_slice(user_key);
                self.stand_on(&block, entry)
            }
            Ok(None) => {
                self.next = block.end();
                Ok(false)
            }
            Err(malformed) => Err(malformed),
        };
        self.block = Some(block);
        stood
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<bool, Malformed> {
        if !self.behind.is_empty() {
            self.forget_behind();
        }
        let Some(block) = self.block.take() else { return Ok(false) };
        self.valid = false;
        let stood = if self.next >= block.end() {
            Ok(false)
        } else {
            block.entry(self.next).and_then(|entry| self.stand_on(&block, entry))
        };
        self.block = Some(block);
        stood
    }

    pub(super) fn prev(&mut self) -> Result<bool, Malformed> {
        self.valid = false;
        if self.behind.is_empty() {
            self.remember_behind()?;
        }
        let Some(entry) = self.behind.pop() else { return Ok(false) };
        self.key.clear();
        self.key.extend_from_slice(self.behind_keys.get(entry.key_at..).unwrap_or_default());
        self.behind_keys.truncate(entry.key_at);
        self.at = entry.at;
        self.next = entry.next;
        self.seq = entry.seq;
        self.kind = entry.kind;
        self.value = entry.value;
        self.valid = true;
        Ok(true)
    }

    /// Decodes the entries from the last restart point before the current entry up to it.
    fn remember_behind(&mut self) -> Result<(), Malformed> {
        self.forget_behind();
        let Some(block) = &self.block else { return Ok(()) };
        if self.at == 0 {
            return Ok(());
        }
        let mut at = block.restart_before(self.at)?;
        let mut last_key = 0..0;
        while at < self.at {
            let entry = block.entry(at)?;
            let shared = entry.shared as usize;
            if shared > last_key.len() || entry.next > self.at {
                return Err(Malformed);
            }
            let key_at = self.behind_keys.len();
            self.behind_keys.extend_from_within(last_key.start..last_key.start + shared);
            self.behind_keys.extend_from_slice(block.slice(&entry.suffix));
            last_key = key_at..self.behind_keys.len();
            at = entry.next;
            self.behind.push(Behind {
                at: entry.at,
                next: entry.next,
                key_at,
                seq: entry.seq,
                kind: entry.kind,
                value: entry.value,
            });
        }
        Ok(())
    }
}
