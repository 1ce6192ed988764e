//! Rows outside of memory: streams of (key, row) records in one temporary file, partitions, merging by key.

use crate::ops::Row;
use crate::packed::{put_row, take_row};
use crate::runtime::Runtime;
use crate::temp::{Block, TempFile};
use aurora_types::SqlResult;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;

/// A block is written when it holds this much.
const BLOCK_BYTES: usize = 32 << 10;
/// How many streams one partitioning writes.
pub(crate) const FAN_OUT: usize = 16;
/// Partitions of partitions of ...: behind this depth what does not fit counts against the statement's memory.
pub(crate) const MAX_LEVEL: u32 = 4;
/// Runs that are merged into one before there are more.
const FAN_IN: usize = 64;

/// The file of one operator.
#[derive(Clone)]
pub(crate) struct Spill {
    file: Rc<RefCell<TempFile>>,
    hasher: RandomState,
}

/// Records in the order in which they were put.
#[derive(Default)]
pub(crate) struct Stream {
    blocks: Vec<Block>,
    buffer: Vec<u8>,
}

impl Spill {
    /// `None` where the host has no place for files.
    pub fn begin(rt: &Runtime<'_>) -> SqlResult<Option<Spill>> {
        let Some(files) = rt.host.temp_files() else { return Ok(None) };
        Ok(Some(Spill { file: Rc::new(RefCell::new(files.create()?)), hasher: RandomState::new() }))
    }

    /// Appends a record.
    pub fn put(&self, stream: &mut Stream, key: &[u8], row: &[aurora_types::Value]) -> SqlResult<()> {
        stream.buffer.extend_from_slice(&(key.len() as u32).to_le_bytes());
        stream.buffer.extend_from_slice(key);
        put_row(row, &mut stream.buffer);
        if stream.buffer.len() >= BLOCK_BYTES { self.flush(stream) } else { Ok(()) }
    }

    fn flush(&self, stream: &mut Stream) -> SqlResult<()> {
        if !stream.buffer.is_empty() {
            let block = self.file.borrow_mut().append(&mut stream.buffer)?;
            stream.blocks.push(block);
        }
        Ok(())
    }

    /// Ends writing: from the first record on.
    pub fn read(&self, mut stream: Stream) -> SqlResult<Reader> {
        self.flush(&mut stream)?;
        stream.blocks.reverse();
        stream.buffer = Vec::new();
        Ok(Reader { spill: self.clone(), blocks: stream.blocks, bytes: Vec::new(), at: 0 })
    }

    /// Which of [`FAN_OUT`] partitions a key belongs to; every level deals anew.
    pub fn partition_of(&self, key: &[u8], level: u32) -> usize {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(level);
        hasher.write(key);
        hasher.finish() as usize % FAN_OUT
    }

    pub fn partitions() -> Vec<Stream> {
        std::iter::repeat_with(Stream::default).take(FAN_OUT).collect()
    }
}

impl Stream {
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.buffer.is_empty()
    }
}

/// Reads a stream.
pub(crate) struct Reader {
    spill: Spill,
    /// Last one first.
    blocks: Vec<Block>,
    bytes: Vec<u8>,
    at: usize,
}

impl Reader {
    /// The next record, into `key` and `row`; `false` at the end.
    pub fn next(&mut self, key: &mut Vec<u8>, row: &mut Row) -> SqlResult<bool> {
        if self.at >= self.bytes.len() {
            let Some(block) = self.blocks.pop() else { return Ok(false) };
            self.spill.file.borrow().read(block, &mut self.bytes)?;
            self.at = 0;
        }
        let damaged = || crate::shape::internal(&"a temporary file is damaged");
        let mut rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let (length, tail) = rest.split_first_chunk().ok_or_else(damaged)?;
        let (key_bytes, tail) =
            tail.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
        rest = tail;
        key.clear();
        key.extend_from_slice(key_bytes);
        take_row(&mut rest, row)?;
        self.at = self.bytes.len() - rest.len();
        Ok(true)
    }
}

/// Several sorted streams as one; of equal keys the earlier stream's comes first.
pub(crate) struct Merge {
    readers: Vec<Reader>,
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    rows: Vec<Row>,
}

impl Merge {
    pub fn new(mut readers: Vec<Reader>) -> SqlResult<Merge> {
        let mut heads = BinaryHeap::with_capacity(readers.len());
        let mut rows = Vec::with_capacity(readers.len());
        for (at, reader) in readers.iter_mut().enumerate() {
            let (mut key, mut row) = (Vec::new(), Row::new());
            if reader.next(&mut key, &mut row)? {
                heads.push(Reverse((key, at)));
            }
            rows.push(row);
        }
        Ok(Merge { readers, heads, rows })
    }

    /// The record with the smallest key; `false` at the end.
    pub fn next(&mut self, key: &mut Vec<u8>, row: &mut Row) -> SqlResult<bool> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(false) };
        let at = head.0.1;
        std::mem::swap(key, &mut head.0.0);
        std::mem::swap(row, &mut self.rows[at]);
        if self.readers[at].next(&mut head.0.0, &mut self.rows[at])? {
            // Dropping `head` puts it in its place.
            return Ok(true);
        }
        std::collections::binary_heap::PeekMut::pop(head);
        Ok(true)
    }
}

/// Sorted runs, oldest first, never many: [`FAN_IN`] of one size become one of the next.
pub(crate) struct Runs {
    spill: Spill,
    runs: Vec<(u32, Stream)>,
}

impl Runs {
    pub fn new(spill: Spill) -> Runs {
        Runs { spill, runs: Vec::new() }
    }

    pub fn spill(&self) -> &Spill {
        &self.spill
    }

    /// Adds a run whose records all arrived behind those of the runs before.
    pub fn push(&mut self, run: Stream) -> SqlResult<()> {
        self.runs.push((0, run));
        loop {
            let Some((level, _)) = self.runs.last() else { return Ok(()) };
            let level = *level;
            let equal = self.runs.iter().rev().take_while(|(l, _)| *l == level).count();
            if equal < FAN_IN {
                return Ok(());
            }
            let from = self.runs.len() - equal;
            let mut merge = Self::merge(&self.spill, self.runs.drain(from..).map(|(_, run)| run))?;
            let (mut key, mut row, mut merged) = (Vec::new(), Row::new(), Stream::default());
            while merge.next(&mut key, &mut row)? {
                self.spill.put(&mut merged, &key, &row)?;
            }
            self.spill.flush(&mut merged)?;
            self.runs.push((level + 1, merged));
        }
    }

    fn merge(spill: &Spill, runs: impl Iterator<Item = Stream>) -> SqlResult<Merge> {
        Merge::new(runs.map(|run| spill.read(run)).collect::<SqlResult<Vec<_>>>()?)
    }

    /// All of them as one.
    pub fn finish(self) -> SqlResult<Merge> {
        Self::merge(&self.spill, self.runs.into_iter().map(|(_, run)| run))
    }
}

/// A row's number among those that came, as a key: merging by it gives back the order of arrival.
pub(crate) fn arrival_key(arrival: u64) -> [u8; 8] {
    arrival.to_be_bytes()
}
