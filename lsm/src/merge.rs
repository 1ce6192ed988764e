//! Several sorted sources as one.

use crate::error::Result;
use crate::memtable::MemCursor;
use crate::sst::{TableIter, compare};
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use crate::version::{SstFile, Version};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// Anything that walks entries in [`compare`]'s order. After an error it stands nowhere.
///
/// Boxed: a scan makes some, and the list of them is moved about.
pub(crate) enum Source {
    Memtable(MemCursor),
    /// The file stays pinned.
    Table(Box<TableIter>, #[allow(dead_code)] Arc<SstFile>),
    Level(Box<LevelIter>),
}

impl Source {
    pub(crate) fn table(file: &Arc<SstFile>, scan: bool) -> Source {
        let iter = if scan { file.table().scan() } else { file.table().iter() };
        Source::Table(Box::new(iter), file.clone())
    }

    /// Files that are sorted and do not overlap.
    pub(crate) fn level(files: Files, scan: bool) -> Source {
        Source::Level(Box::new(LevelIter::new(files, scan)))
    }

    /// To the first entry at or behind (key, seq).
    fn seek(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.seek(key, seq),
            Source::Table(iter, _) => drop(iter.seek(key, seq)?),
            Source::Level(level) => level.seek(key, seq)?,
        }
        Ok(())
    }

    /// To the last entry before (key, seq).
    fn seek_before(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.seek_before(key, seq),
            Source::Table(iter, _) => table_seek_before(iter, key, seq)?,
            Source::Level(level) => level.seek_before(key, seq)?,
        }
        Ok(())
    }

    fn first(&mut self) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.seek_first(),
            Source::Table(iter, _) => drop(iter.seek_to_first()?),
            Source::Level(level) => level.first()?,
        }
        Ok(())
    }

    fn last(&mut self) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.seek_last(),
            Source::Table(iter, _) => drop(iter.seek_to_last()?),
            Source::Level(level) => level.last()?,
        }
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.next(),
            Source::Table(iter, _) => drop(iter.next()?),
            Source::Level(level) => level.next()?,
        }
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        match self {
            Source::Memtable(cursor) => cursor.prev(),
            Source::Table(iter, _) => drop(iter.prev()?),
            Source::Level(level) => level.prev()?,
        }
        Ok(())
    }

    #[inline]
    fn valid(&self) -> bool {
        match self {
            Source::Memtable(cursor) => cursor.valid(),
            Source::Table(iter, _) => iter.valid(),
            Source::Level(level) => level.iter.as_ref().is_some_and(TableIter::valid),
        }
    }

    #[inline]
    fn key(&self) -> &[u8] {
        match self {
            Source::Memtable(cursor) => cursor.key(),
            Source::Table(iter, _) => iter.user_key(),
            Source::Level(level) => level.iter.as_ref().map(TableIter::user_key).unwrap_or_default(),
        }
    }

    #[inline]
    fn seq(&self) -> Seq {
        match self {
            Source::Memtable(cursor) => cursor.seq(),
            Source::Table(iter, _) => iter.seq(),
            Source::Level(level) => level.iter.as_ref().map(TableIter::seq).unwrap_or_default(),
        }
    }

    #[inline]
    fn kind(&self) -> EntryKind {
        match self {
            Source::Memtable(cursor) => cursor.kind(),
            Source::Table(iter, _) => iter.kind(),
            Source::Level(level) => level.iter.as_ref().map_or(EntryKind::Delete, TableIter::kind),
        }
    }

    #[inline]
    fn value(&self) -> &[u8] {
        match self {
            Source::Memtable(cursor) => cursor.value(),
            Source::Table(iter, _) => iter.value(),
            Source::Level(level) => level.iter.as_ref().map(TableIter::value).unwrap_or_default(),
        }
    }

    fn pinned_value(&self) -> Option<PinnedValue> {
        match self {
            Source::Memtable(cursor) => Some(PinnedValue::in_memtable(cursor.clone())),
            Source::Table(iter, _) => Some(iter.pinned_value()),
            Source::Level(level) => level.iter.as_ref().map(TableIter::pinned_value),
        }
    }
}

fn table_seek_before(iter: &mut TableIter, key: &[u8], seq: Seq) -> Result<()> {
    if iter.seek(key, seq)? {
        iter.prev()?;
    } else {
        iter.seek_to_last()?;
    }
    Ok(())
}

/// Files that are sorted and do not overlap. They stay pinned.
pub(crate) enum Files {
    Given(Vec<Arc<SstFile>>),
    /// Part of a level: costs the same whatever their number, for a scan may have many before it and read a few.
    OfLevel {
        version: Arc<Version>,
        level: usize,
        within: Range<usize>,
    },
}

impl Files {
    fn as_slice(&self) -> &[Arc<SstFile>] {
        match self {
            Files::Given(files) => files,
            Files::OfLevel { version, level, within } => {
                version.levels.get(*level).and_then(|files| files.get(within.clone())).unwrap_or_default()
            }
        }
    }

    /// Number of files that end before `key`.
    fn before(&self, key: &[u8]) -> usize {
        match self {
            Files::Given(files) => files.partition_point(|file| file.meta().largest.as_slice() < key),
            Files::OfLevel { version, level, within } => {
                version.files_before(*level, key).clamp(within.start, within.end) - within.start
            }
        }
    }
}

/// The files of one level, or any others that are sorted and do not overlap, one after the other.
pub(crate) struct LevelIter {
    files: Files,
    at: usize,
    iter: Option<TableIter>,
    scan: bool,
}

impl LevelIter {
    fn new(files: Files, scan: bool) -> LevelIter {
        LevelIter { files, at: usize::MAX, iter: None, scan }
    }

    fn enter(&mut self, at: usize) -> Option<&mut TableIter> {
        if self.at != at || self.iter.is_none() {
            let table = self.files.as_slice().get(at).map(|file| file.table());
            self.iter = table.map(|table| if self.scan { table.scan() } else { table.iter() });
            self.at = at;
        }
        self.iter.as_mut()
    }

    fn valid(&self) -> bool {
        self.iter.as_ref().is_some_and(TableIter::valid)
    }

    fn forward_from(&mut self, mut at: usize) -> Result<()> {
        while let Some(iter) = self.enter(at) {
            if iter.seek_to_first()? {
                break;
            }
            at += 1;
        }
        Ok(())
    }

    /// Into the last file before `end` that has an entry.
    fn backward_from(&mut self, mut end: usize) -> Result<()> {
        loop {
            let Some(at) = end.checked_sub(1) else {
                self.iter = None;
                return Ok(());
            };
            if let Some(iter) = self.enter(at)
                && iter.seek_to_last()?
            {
                return Ok(());
            }
            end = at;
        }
    }

    fn seek(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        self.seek_from(self.files.before(key), key, seq)
    }

    /// The key may begin the next file, where this one only ends with a range tombstone at it.
    fn seek_from(&mut self, mut at: usize, key: &[u8], seq: Seq) -> Result<()> {
        while let Some(iter) = self.enter(at) {
            if iter.seek(key, seq)? {
                break;
            }
            at += 1;
        }
        Ok(())
    }

    fn seek_before(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        self.seek(key, seq)?;
        if self.valid() { self.prev() } else { self.backward_from(self.files.as_slice().len()) }
    }

    fn first(&mut self) -> Result<()> {
        self.forward_from(0)
    }

    fn last(&mut self) -> Result<()> {
        self.backward_from(self.files.as_slice().len())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        match &mut self.iter {
            Some(iter) if iter.valid() => {
                if iter.next()? {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        self.forward_from(self.at + 1)
    }

    fn prev(&mut self) -> Result<()> {
        match &mut self.iter {
            Some(iter) if iter.valid() => {
                if iter.prev()? {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        self.backward_from(self.at)
    }
}

/// All entries of all sources in order, in both directions.
pub(crate) struct MergeIter {
    sources: Vec<Source>,
    /// The sources that stand on an entry, in the order of these. A step moves the first one back to where it belongs, which
    /// mostly is where it was, or not far.
    order: Vec<usize>,
    forward: bool,
}

impl MergeIter {
    pub(crate) fn new(sources: Vec<Source>) -> MergeIter {
        MergeIter { order: Vec::with_capacity(sources.len()), sources, forward: true }
    }

    pub(crate) fn seek(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        self.place(true, |source| source.seek(key, seq))
    }

    pub(crate) fn seek_before(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        self.place(false, |source| source.seek_before(key, seq))
    }

    pub(crate) fn first(&mut self) -> Result<()> {
        self.place(true, Source::first)
    }

    pub(crate) fn last(&mut self) -> Result<()> {
        self.place(false, Source::last)
    }

    /// Puts every source somewhere, and fixes the direction of [`MergeIter::step`].
    fn place(&mut self, forward: bool, mut put: impl FnMut(&mut Source) -> Result<()>) -> Result<()> {
        self.order.clear();
        self.forward = forward;
        for source in &mut self.sources {
            put(source)?;
        }
        for index in 0..self.sources.len() {
            if self.sources[index].valid() {
                let at = self.order.partition_point(|&other| !self.before(index, other));
                self.order.insert(at, index);
            }
        }
        Ok(())
    }

    /// Whether `a` comes before `b` in the direction of travel.
    #[inline]
    fn before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.sources[a], &self.sources[b]);
        let order = compare(a.key(), a.seq(), b.key(), b.seq());
        if self.forward { order == Ordering::Less } else { order == Ordering::Greater }
    }

    /// One entry on, in the direction of the last placement.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<()> {
        let Some(&current) = self.order.first() else { return Ok(()) };
        let source = &mut self.sources[current];
        let moved = if self.forward { source.next() } else { source.prev() };
        if let Err(error) = moved {
            self.order.clear();
            return Err(error);
        }
        if !source.valid() {
            self.order.remove(0);
        } else if let Some(&runner) = self.order.get(1)
            && self.before(runner, current)
        {
            let behind = self.order[2..].partition_point(|&other| self.before(other, current));
            self.order[..behind + 2].rotate_left(1);
        }
        Ok(())
    }

    #[inline]
    fn current(&self) -> Option<&Source> {
        self.order.first().and_then(|&current| self.sources.get(current))
    }

    #[inline]
    pub(crate) fn valid(&self) -> bool {
        !self.order.is_empty()
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        self.current().map(Source::key).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn seq(&self) -> Seq {
        self.current().map(Source::seq).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn kind(&self) -> EntryKind {
        self.current().map_or(EntryKind::Delete, Source::kind)
    }

    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        self.current().map(Source::value).unwrap_or_default()
    }

    pub(crate) fn pinned_value(&self) -> Option<PinnedValue> {
        self.current().and_then(Source::pinned_value)
    }
}
