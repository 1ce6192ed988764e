//! What every engine of the race does, and nothing that only one could do well.

use super::data::KEY_BYTES;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// Memory of one engine and what follows from it; all engines get the same.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub bytes: u64,
}

impl Memory {
    /// Block cache of an engine that has write buffers too.
    pub fn cache_bytes(self) -> u64 {
        self.bytes / 4 * 3
    }

    /// All write buffers together: [`Memory::BUFFERS`] of [`Memory::buffer_bytes`].
    pub fn buffers_bytes(self) -> u64 {
        self.bytes / 4
    }

    pub const BUFFERS: u64 = 4;

    pub fn buffer_bytes(self) -> u64 {
        self.buffers_bytes() / Memory::BUFFERS
    }

    /// Size of a table, so that a small race has many of them.
    pub fn table_bytes(self) -> u64 {
        self.buffer_bytes()
    }

    /// First level below 0; the next are [`Memory::LEVEL_RATIO`] times as large.
    pub fn level_base_bytes(self) -> u64 {
        self.buffers_bytes()
    }

    pub const LEVEL_RATIO: u64 = 8;
    /// Tables in level 0 at which they are compacted.
    pub const LEVEL0_TABLES: usize = 4;
}

/// One commit's writes.
#[derive(Default)]
pub struct Writes {
    values: Vec<u8>,
    entries: Vec<([u8; KEY_BYTES], Option<Range<usize>>)>,
}

impl Writes {
    pub fn clear(&mut self) {
        self.values.clear();
        self.entries.clear();
    }

    /// `fill` appends the value.
    pub fn put(&mut self, key: [u8; KEY_BYTES], fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.values.len();
        fill(&mut self.values);
        self.entries.push((key, Some(start..self.values.len())));
    }

    pub fn delete(&mut self, key: [u8; KEY_BYTES]) {
        self.entries.push((key, None));
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of keys and values.
    pub fn user_bytes(&self) -> u64 {
        (self.entries.len() * KEY_BYTES + self.values.len()) as u64
    }

    /// `None`: delete.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.entries
            .iter()
            .map(|(key, range)| (key.as_slice(), range.as_ref().map(|range| &self.values[range.clone()])))
    }
}

/// An open store.
pub trait Engine: Send + Sync {
    /// One atomic commit. `durable`: on disk on return; else handed over, as the engine does by default.
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String>;

    /// A thread's own reading side.
    fn reader(&self) -> Result<Box<dyn Reader + '_>, String>;

    /// Moves buffers to disk and waits until no compaction is due. Gives the moment at which that was so: whoever
    /// has to look twice to be sure does not pay for the second look.
    fn settle(&self) -> Result<Instant, String>;

    /// Levels that hold data, for engines that have levels.
    fn levels(&self) -> Option<usize> {
        None
    }
}

/// Reads of one thread.
pub trait Reader {
    /// Sees what has been committed until now. Engines whose reads always do have nothing to do.
    fn refresh(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Calls `see` with the value, if there is one.
    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String>;

    /// Calls `see` with up to `limit` pairs from `from` on, in order; gives their number.
    fn scan(&mut self, from: &[u8], limit: usize, see: &mut dyn FnMut(&[u8], &[u8]))
    -> Result<usize, String>;
}

/// Opens a store in an empty folder.
pub type Open = fn(&Path, Memory) -> Result<Box<dyn Engine>, String>;

/// A contestant.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// Whether a durable commit is on disk when it returns.
    pub durable: bool,
    pub open: Open,
}
