//! From memtables to level 0.

use crate::core::Core;
use crate::error::{LsmError, Result};
use crate::gc::Retain;
use crate::memtable::Memtable;
use crate::merge::{MergeIter, Source};
use crate::options::EngineOptions;
use crate::snapshot::GcBounds;
use crate::sst::{BlockCache, Stay, TableOptions, TableWriter};
use crate::version::{AddedFile, Flushed, SstFile, Trash, Version, VersionEdit, sst_path};
use aurora_env::{Env, Sealing};
use std::path::Path;
use std::sync::Arc;

/// What is needed to write a table, with or without an engine around it.
pub(crate) struct TableFactory<'a> {
    pub(crate) env: &'a Env,
    pub(crate) sealing: &'a dyn Sealing,
    pub(crate) dir: &'a Path,
    pub(crate) options: &'a EngineOptions,
    pub(crate) cache: &'a Arc<BlockCache>,
    pub(crate) trash: &'a Arc<Trash>,
}

impl TableFactory<'_> {
    pub(crate) fn create(&self, number: u64, stay: Stay) -> Result<TableWriter> {
        let options = TableOptions::new(self.options, stay);
        TableWriter::create(&*self.env.fs, &sst_path(self.dir, number), self.sealing, &options)
    }

    pub(crate) fn open(&self, number: u64) -> Result<Arc<SstFile>> {
        SstFile::open(self.env, self.sealing, self.dir, number, self.cache, self.trash)
    }

    pub(crate) fn sync_dir(&self) -> Result<()> {
        self.env.fs.sync_dir(self.dir).map_err(|e| LsmError::io("sync", self.dir, e))
    }

    /// Removes a file that did not get finished.
    pub(crate) fn discard(&self, number: u64) {
        let _ = self.env.fs.remove(&sst_path(self.dir, number));
    }

    /// Writes a memtable as one table of level 0 of this version; `None`: there was nothing in it. Its name is not durable
    /// yet.
    pub(crate) fn flush(
        &self,
        mem: &Arc<Memtable>,
        number: u64,
        gc: &GcBounds,
        version: &Version,
    ) -> Result<Option<Arc<SstFile>>> {
        let ranges = mem.ranges();
        let mut merge = MergeIter::new(vec![Source::Memtable(mem.cursor())]);
        merge.first()?;
        if !merge.valid() && ranges.is_empty() {
            return Ok(None);
        }
        let written = (|| {
            let mut writer = self.create(number, stay_of(mem, version))?;
            let mut retain = Retain::new(gc, &ranges, None);
            while merge.valid() {
                if retain.keeps(merge.key(), merge.seq(), merge.kind()) {
                    writer.add(merge.key(), merge.seq(), merge.kind(), merge.value())?;
                }
                merge.step()?;
            }
            for (start, end, seqs) in ranges.pieces() {
                for seq in retain.needed_ranges(start, end, seqs) {
                    writer.add_range_tombstone(start, end, seq)?;
                }
            }
            writer.finish()?;
            self.open(number)
        })();
        written.map(Some).inspect_err(|_| self.discard(number))
    }
}

/// A table among others is soon merged with them. Rows that come in the order of their keys lie beyond all others, and
/// their tables are only moved down: those are written as they are to stay.
fn stay_of(mem: &Arc<Memtable>, version: &Version) -> Stay {
    let (mut first, mut last) = (mem.cursor(), mem.cursor());
    first.seek_first();
    last.seek_last();
    let (smallest, largest) = (first.key(), last.key());
    let meets = |file: &Arc<SstFile>| {
        file.meta().smallest.as_slice() <= largest && smallest <= file.meta().largest.as_slice()
    };
    if version.levels[0].iter().any(meets) || version.has_below(0, smallest, largest) {
        Stay::Short
    } else {
        Stay::Long
    }
}

impl Core {
    pub(crate) fn factory<'a>(&'a self, dir: &'a Path) -> TableFactory<'a> {
        TableFactory {
            env: &self.env,
            sealing: &*self.sealing,
            dir,
            options: &self.options,
            cache: &self.cache,
            trash: &self.trash,
        }
    }

    /// Flushes the oldest sealed memtable; `false`: there is none.
    pub(crate) fn flush_one(&self) -> Result<bool> {
        let _one = self.flushing.lock();
        let writing = self.writing()?;
        let Some(mem) = self.views.load().immutables.last().cloned() else { return Ok(false) };
        mem.settle();
        // STORAGE 2, 3: no table holds a seq that is not durable.
        writing.log.sync_upto(mem.end_lsn())?;
        if let Some(failure) = writing.log.failure() {
            return Err(failure);
        }
        let dir = self.sst_dir();
        let factory = self.factory(&dir);
        let version = self.views.load().version.clone();
        let file = factory.flush(&mem, self.next_number(), &self.registry.collect(), &version)?;
        factory.sync_dir()?;
        let first_segment = writing.log.first_segment(mem.end_lsn());
        let edit = VersionEdit {
            flushed: Some(Flushed { lsn: mem.end_lsn(), seq: mem.last_seq(), first_segment }),
            added: file.iter().map(|file| AddedFile { level: 0, number: file.number() }).collect(),
            ..VersionEdit::default()
        };
        writing.versions.change(edit, file.as_slice(), &self.views, Some(&mem))?;
        writing.log.remove_before(first_segment);
        Ok(true)
    }
}
