//! Leveled compaction: one job at a time moves data a level down and drops what nobody can see.

use crate::core::Core;
use crate::error::{LsmError, Result};
use crate::flush::TableFactory;
use crate::gc::Retain;
use crate::merge::{Files, MergeIter, Source};
use crate::options::EngineOptions;
use crate::ranges::RangeCover;
use crate::sst::{RangeTombstone, TableWriter};
use crate::version::{AddedFile, LEVELS, SstFile, Version, VersionEdit};
use std::sync::Arc;
use std::time::Duration;

/// Behind which key the next job of a level begins, so that all files get their turn.
pub(crate) type Pointers = [Vec<u8>; LEVELS];

/// How eagerly a job is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// A level is above its target.
    Due,
    /// Nobody writes: or level 0 has enough to be worth the rewrite.
    Quiet,
    /// Or anything lies above the deepest level.
    All,
}

/// While nobody writes, level 0 is merged once it has this part of the bytes that it is merged with: superseded versions go,
/// and each byte is rewritten no more often than on the way between two levels.
const QUIET_SHARE: u64 = 8;

/// What to do.
struct Job {
    level: usize,
    output: usize,
    inputs: Vec<Arc<SstFile>>,
    below: Vec<Arc<SstFile>>,
}

fn target_bytes(options: &EngineOptions, level: usize) -> u64 {
    let mut target = options.level_base_bytes.max(1);
    for _ in 1..level {
        target = target.saturating_mul(options.level_ratio.max(2));
    }
    target
}

/// Smallest and largest key of some files.
fn range_of(files: &[Arc<SstFile>]) -> (Vec<u8>, Vec<u8>) {
    let smallest = files.iter().map(|file| &file.meta().smallest).min().cloned().unwrap_or_default();
    let largest = files.iter().map(|file| &file.meta().largest).max().cloned().unwrap_or_default();
    (smallest, largest)
}

fn is_worth_a_merge(version: &Version) -> bool {
    let (smallest, largest) = range_of(&version.levels[0]);
    let below = version.overlapping(1, &smallest, &largest);
    let below_bytes: u64 = below.iter().map(|file| file.meta().file_bytes).sum();
    let bytes = version.level_bytes(0);
    bytes > 0 && bytes >= below_bytes / QUIET_SHARE
}

impl Job {
    /// The level that is fullest against its target, else one that `push` asks for, from the top.
    fn pick(version: &Version, options: &EngineOptions, pointers: &Pointers, push: Push) -> Option<Job> {
        let mut best: Option<(usize, f64)> = None;
        for level in 0..LEVELS - 1 {
            let score = if level == 0 {
                version.levels[0].len() as f64 / options.l0_compaction_files.max(1) as f64
            } else {
                version.level_bytes(level) as f64 / target_bytes(options, level) as f64
            };
            if score >= 1.0 && best.is_none_or(|(_, best)| score > best) {
                best = Some((level, score));
            }
        }
        let deepest = version.levels.iter().rposition(|files| !files.is_empty())?;
        let level = match best {
            Some((level, _)) => level,
            None if push == Push::Quiet && is_worth_a_merge(version) => 0,
            None if push == Push::All => {
                version.levels.iter().take(deepest.max(1)).position(|files| !files.is_empty())?
            }
            None => return None,
        };
        let inputs = if level == 0 {
            version.levels[0].clone()
        } else {
            let files = &version.levels[level];
            let next = files.iter().find(|file| file.meta().smallest > pointers[level]);
            vec![next.or_else(|| files.first())?.clone()]
        };
        let (smallest, largest) = range_of(&inputs);
        let below = version.overlapping(level + 1, &smallest, &largest);
        Some(Job { level, output: level + 1, inputs, below })
    }

    /// Nothing to merge with, and no tombstone that a rewrite could drop.
    fn is_trivial_move(&self, version: &Version) -> bool {
        let ([file], []) = (self.inputs.as_slice(), self.below.as_slice()) else { return false };
        let meta = file.meta();
        meta.tombstones + meta.range_tombstones == 0
            || version.has_below(self.output, &meta.smallest, &meta.largest)
    }

    fn edit(&self, added: Vec<AddedFile>) -> VersionEdit {
        let mut edit = VersionEdit { added, ..VersionEdit::default() };
        edit.removed.extend(self.inputs.iter().map(|file| (self.level, file.number())));
        edit.removed.extend(self.below.iter().map(|file| (self.output, file.number())));
        edit
    }
}

/// Cuts the output into tables at user keys, and range tombstones with them.
struct Output<'a> {
    factory: &'a TableFactory<'a>,
    core: &'a Core,
    ranges: Vec<RangeTombstone>,
    writer: Option<(u64, TableWriter)>,
    /// Where the range of the table at hand begins; `None`: at the first possible key.
    begins: Option<Vec<u8>>,
    last_key: Vec<u8>,
    finished: Vec<u64>,
    entries: u64,
}

impl Output<'_> {
    fn writer(&mut self) -> Result<&mut TableWriter> {
        if self.writer.is_none() {
            let number = self.core.next_number();
            self.writer = Some((number, self.factory.create(number)?));
        }
        match &mut self.writer {
            Some((_, writer)) => Ok(writer),
            None => Err(LsmError::Closed),
        }
    }

    fn add(&mut self, merge: &MergeIter) -> Result<()> {
        let key = merge.key();
        let full = self
            .writer
            .as_ref()
            .is_some_and(|(_, writer)| writer.written_bytes() >= self.core.options.table_bytes);
        if full && key != self.last_key.as_slice() {
            self.end(Some(key))?;
        }
        self.writer()?.add(key, merge.seq(), merge.kind(), merge.value())?;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
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
        if let Some((number, writer)) = self.writer.take() {
            self.finished.push(number);
            writer.finish()?;
        }
        self.begins = next.map(<[u8]>::to_vec);
        Ok(())
    }

    fn discard(&mut self) {
        let open = self.writer.take().map(|(number, _)| number);
        for number in self.finished.drain(..).chain(open) {
            self.factory.discard(number);
        }
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
        let Some(job) = Job::pick(&version, &self.options, &pointers, push) else { return Ok(false) };
        pointers[job.level] = range_of(&job.inputs).1;
        if job.is_trivial_move(&version) {
            let added =
                job.inputs.iter().map(|f| AddedFile { level: job.output, number: f.number() }).collect();
            writing.versions.change(job.edit(added), &job.inputs, &self.views, None)?;
            return Ok(true);
        }
        let dir = self.sst_dir();
        let factory = self.factory(&dir);
        let mut output = Output {
            factory: &factory,
            core: self,
            ranges: Vec::new(),
            writer: None,
            begins: None,
            last_key: Vec::new(),
            finished: Vec::new(),
            entries: 0,
        };
        let opened = self.rewrite(&job, &version, &mut output).and_then(|()| {
            factory.sync_dir()?;
            output.finished.iter().map(|&number| factory.open(number)).collect::<Result<Vec<_>>>()
        });
        let files = opened.inspect_err(|_| output.discard())?;
        let added = files.iter().map(|file| AddedFile { level: job.output, number: file.number() }).collect();
        writing.versions.change(job.edit(added), &files, &self.views, None)?;
        Ok(true)
    }

    fn rewrite(&self, job: &Job, version: &Version, output: &mut Output<'_>) -> Result<()> {
        let inputs = || job.inputs.iter().chain(&job.below);
        let gc = self.registry.collect();
        let tombstones = inputs().flat_map(|file| file.table().range_tombstones());
        let cover = RangeCover::new(
            tombstones.map(|range| (range.start.as_slice(), range.end.as_slice(), range.seq)),
        );
        let mut retain = Retain::new(&gc, &cover, Some((version, job.output)));
        for (start, end, seqs) in cover.pieces() {
            for seq in retain.needed_ranges(start, end, seqs) {
                output.ranges.push(RangeTombstone { start: start.to_vec(), end: end.to_vec(), seq });
            }
        }
        let mut sources: Vec<_> = job.inputs.iter().map(|file| Source::table(file, true)).collect();
        sources.push(Source::level(Files::Given(job.below.clone()), true));
        let mut merge = MergeIter::new(sources);
        merge.first()?;
        let mut read = 0u64;
        let mut pace = Pace::default();
        while merge.valid() {
            read += 1;
            if read.is_multiple_of(1024) && self.is_closing() {
                return Err(LsmError::Closed);
            }
            pace.step(self, merge.key().len() + merge.value().len());
            if retain.keeps(merge.key(), merge.seq(), merge.kind()) {
                output.add(&merge)?;
            }
            merge.step()?;
        }
        output.end(None)?;
        // STORAGE 23: what came in went out or was dropped.
        let expected: u64 = inputs().map(|file| file.meta().entries).sum();
        if read != expected || read != output.entries + retain.dropped {
            let what = format!(
                "a compaction of level {} read {read} of {expected} entries, wrote {} and dropped {}",
                job.level, output.entries, retain.dropped
            );
            return Err(LsmError::damaged(self.dir.path(), what));
        }
        Ok(())
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
