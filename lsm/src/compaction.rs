//! Leveled compaction: one job at a time moves data a level down and drops what nobody can see.

use crate::core::Core;
use crate::error::{LsmError, Result};
use crate::flush::TableFactory;
use crate::gc::Retain;
use crate::job::{Job, Push};
use crate::merge::{Files, MergeIter, Source};
use crate::ranges::RangeCover;
use crate::sst::{RangeTombstone, Stay, TableWriter};
use crate::types::Seq;
use crate::version::{AddedFile, Version};
use std::time::Duration;

/// Cuts the output into tables at user keys, and range tombstones with them.
struct Output<'a> {
    factory: &'a TableFactory<'a>,
    core: &'a Core,
    stay: Stay,
    ranges: Vec<RangeTombstone>,
    writer: Option<TableWriter>,
    /// Where the range of the table at hand begins; `None`: at the first possible key.
    begins: Option<Vec<u8>>,
    /// Of all tables that were begun.
    numbers: Vec<u64>,
    entries: u64,
}

impl<'a> Output<'a> {
    fn new(compaction: &Compaction<'a>, from: Option<&[u8]>) -> Output<'a> {
        Output {
            factory: compaction.factory,
            core: compaction.core,
            stay: compaction.job.stay(compaction.version),
            ranges: Vec::new(),
            writer: None,
            begins: from.map(<[u8]>::to_vec),
            numbers: Vec::new(),
            entries: 0,
        }
    }

    fn writer(&mut self) -> Result<&mut TableWriter> {
        if self.writer.is_none() {
            let number = self.core.next_number();
            self.numbers.push(number);
            self.writer = Some(self.factory.create(number, self.stay)?);
        }
        self.writer.as_mut().ok_or(LsmError::Closed)
    }

    fn add(&mut self, merge: &MergeIter) -> Result<()> {
        let key = merge.key();
        let table_bytes = self.core.options.table_bytes;
        let full = |writer: &TableWriter| writer.written_bytes() >= table_bytes && writer.last_key() != key;
        if self.writer.as_ref().is_some_and(full) {
            self.end(Some(key))?;
        }
        self.writer()?.add(key, merge.seq(), merge.kind(), merge.value())?;
        self.entries += 1;
        Ok(())
    }

    /// Ends the table at hand; the next one begins at `next`.
    fn end(&mut self, next: Option<&[u8]>) -> Result<()> {
        let begins = self.begins.take();
        let mut clipped = Vec::new();
        for range in &self.ranges {
            let start = begins.as_deref().unwrap_or_default().max(&range.start);
            let end = next.map_or(range.end.as_slice(), |next| next.min(&range.end));
            if start < end {
                clipped.push(RangeTombstone { start: start.to_vec(), end: end.to_vec(), seq: range.seq });
            }
        }
        if self.writer.is_some() || !clipped.is_empty() {
            let writer = self.writer()?;
            for range in clipped {
                writer.add_range_tombstone(&range.start, &range.end, range.seq)?;
            }
        }
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        self.begins = next.map(<[u8]>::to_vec);
        Ok(())
    }
}

impl Core {
    /// Does one job, if there is one that `push` asks for.
    pub(crate) fn compact_one(&self, push: Push) -> Result<bool> {
        let mut pointers = self.compacting.lock();
        let writing = self.writing()?;
        if writing.log.has_failed() {
            return Ok(false);
        }
        let version = self.views.load_full().version.clone();
        let Some(job) = Job::pick(&version, &self.options, &mut pointers, push) else { return Ok(false) };
        if job.is_trivial_move(&version) {
            let added =
                job.inputs.iter().map(|f| AddedFile { level: job.output, number: f.number() }).collect();
            writing.versions.change(job.edit(added), &job.inputs, &self.views, None)?;
            return Ok(true);
        }
        let dir = self.sst_dir();
        let factory = self.factory(&dir);
        let compaction = Compaction { core: self, factory: &factory, job: &job, version: &version };
        let mut finished = Vec::new();
        let opened = compaction.run(&mut finished).and_then(|()| {
            factory.sync_dir()?;
            finished.iter().map(|&number| factory.open(number)).collect::<Result<Vec<_>>>()
        });
        let files = opened.inspect_err(|_| finished.iter().for_each(|&number| factory.discard(number)))?;
        let added = files.iter().map(|file| AddedFile { level: job.output, number: file.number() }).collect();
        writing.versions.change(job.edit(added), &files, &self.views, None)?;
        Ok(true)
    }

    /// Whether a writer waits, or is slowed down, for flushes and compactions.
    fn writers_suffer(&self) -> bool {
        let view = self.views.load();
        view.immutables.len() >= self.options.immutable_memtables_max
            || view.version.levels[0].len() >= self.options.l0_slowdown_files
    }
}

/// One job at work.
struct Compaction<'a> {
    core: &'a Core,
    factory: &'a TableFactory<'a>,
    job: &'a Job,
    version: &'a Version,
}

/// What came of a part of the keys.
#[derive(Default)]
struct Tally {
    read: u64,
    written: u64,
    dropped: u64,
}

impl Compaction<'_> {
    /// Puts the tables' numbers into `finished`, also those that were begun before an error.
    fn run(&self, finished: &mut Vec<u64>) -> Result<()> {
        let tally = match self.split() {
            None => self.rewrite(None, None, finished)?,
            Some(split) => {
                let mut upper_finished = Vec::new();
                let mut upper = || self.rewrite(Some(&split), None, &mut upper_finished);
                let (lower, upper) = if self.core.options.background_threads {
                    std::thread::scope(|scope| {
                        let upper = scope.spawn(upper);
                        let lower = self.rewrite(None, Some(&split), finished);
                        (lower, upper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    })
                } else {
                    (self.rewrite(None, Some(&split), finished), upper())
                };
                finished.append(&mut upper_finished);
                let (lower, upper) = (lower?, upper?);
                Tally {
                    read: lower.read + upper.read,
                    written: lower.written + upper.written,
                    dropped: lower.dropped + upper.dropped,
                }
            }
        };
        // STORAGE 23: what came in went out or was dropped.
        let job = self.job;
        let expected: u64 = job.files().map(|file| file.meta().entries).sum();
        if tally.read != expected || tally.read != tally.written + tally.dropped {
            let what = format!(
                "a compaction of level {} read {} of {expected} entries, wrote {} and dropped {}",
                job.level, tally.read, tally.written, tally.dropped
            );
            return Err(LsmError::damaged(self.core.dir.path(), what));
        }
        Ok(())
    }

    /// Where a second thread takes over: only while writers wait for this compaction (STORAGE 24). A simulation meets both
    /// halves always, one after the other.
    fn split(&self) -> Option<Vec<u8>> {
        let helps = !self.core.options.background_threads || self.core.writers_suffer();
        if helps { self.job.middle() } else { None }
    }

    /// Merges the keys from `from` on and below `to`.
    fn rewrite(&self, from: Option<&[u8]>, to: Option<&[u8]>, finished: &mut Vec<u64>) -> Result<Tally> {
        let mut output = Output::new(self, from);
        let merged = self.merge(from, to, &mut output);
        finished.append(&mut output.numbers);
        merged
    }

    fn merge(&self, from: Option<&[u8]>, to: Option<&[u8]>, output: &mut Output<'_>) -> Result<Tally> {
        let (core, job) = (self.core, self.job);
        let gc = core.registry.collect();
        let tombstones = job.files().flat_map(|file| file.table().range_tombstones());
        let cover = RangeCover::new(
            tombstones.map(|range| (range.start.as_slice(), range.end.as_slice(), range.seq)),
        );
        let mut retain = Retain::new(&gc, &cover, Some((self.version, job.output)));
        for (start, end, seqs) in cover.pieces() {
            for seq in retain.needed_ranges(start, end, seqs) {
                output.ranges.push(RangeTombstone { start: start.to_vec(), end: end.to_vec(), seq });
            }
        }
        let mut sources: Vec<_> = job.inputs.iter().map(|file| Source::table(file, true)).collect();
        for level in [&job.between, &job.below] {
            sources.push(Source::level(Files::Given(level.clone()), true));
        }
        let mut merge = MergeIter::new(sources);
        match from {
            Some(from) => merge.seek(from, Seq::MAX)?,
            None => merge.first()?,
        }
        let mut tally = Tally::default();
        let mut pace = Pace::default();
        while merge.valid() && to.is_none_or(|to| merge.key() < to) {
            tally.read += 1;
            if tally.read.is_multiple_of(1024) && core.is_closing() {
                return Err(LsmError::Closed);
            }
            pace.step(core, merge.key().len() + merge.value().len());
            if retain.keeps(merge.key(), merge.seq(), merge.kind()) {
                output.add(&merge)?;
            }
            merge.step()?;
        }
        output.end(to)?;
        tally.written = output.entries;
        tally.dropped = retain.dropped;
        Ok(tally)
    }
}

/// Slows a compaction down to the rate that the options allow, unless writers suffer.
#[derive(Default)]
struct Pace {
    bytes: u64,
}

impl Pace {
    #[inline]
    fn step(&mut self, core: &Core, bytes: usize) {
        self.bytes += bytes as u64;
        let rate = core.options.compaction_bytes_per_second;
        if rate == 0 || self.bytes < 1 << 20 || !core.options.background_threads {
            return;
        }
        let level0 = core.views.load().version.levels[0].len();
        if level0 < core.options.l0_slowdown_files {
            std::thread::sleep(Duration::from_secs_f64(self.bytes as f64 / rate as f64));
        }
        self.bytes = 0;
    }
}
