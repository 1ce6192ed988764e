//! Which tables the next compaction takes.

use crate::options::EngineOptions;
use crate::sst::Stay;
use crate::version::{AddedFile, LEVELS, SstFile, Version, VersionEdit};
use std::sync::Arc;

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

/// Level 0 and the first level go to the second one together where both have twice the first one's target, and the tables that
/// they meet there at most so many times their own bytes: rows that would be merged into the first level only to be moved on at
/// once are written once less.
const THROUGH_SHARE: u64 = 2;

/// What to do.
pub(crate) struct Job {
    pub(crate) level: usize,
    pub(crate) output: usize,
    pub(crate) inputs: Vec<Arc<SstFile>>,
    /// Of the level between, where the job goes through that.
    pub(crate) between: Vec<Arc<SstFile>>,
    /// Of the level that is written.
    pub(crate) below: Vec<Arc<SstFile>>,
}

fn target_bytes(options: &EngineOptions, level: usize) -> u64 {
    let mut target = options.level_base_bytes.max(1);
    for _ in 1..level {
        target = target.saturating_mul(options.level_ratio.max(2));
    }
    target
}

/// The level that is fullest against its target, where one is above it.
fn fullest(version: &Version, options: &EngineOptions) -> Option<usize> {
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
    best.map(|(level, _)| level)
}

/// Smallest and largest key of some files.
fn range_of(files: &[Arc<SstFile>]) -> (Vec<u8>, Vec<u8>) {
    let smallest = files.iter().map(|file| &file.meta().smallest).min().cloned().unwrap_or_default();
    let largest = files.iter().map(|file| &file.meta().largest).max().cloned().unwrap_or_default();
    (smallest, largest)
}

fn bytes_of(files: &[Arc<SstFile>]) -> u64 {
    files.iter().map(|file| file.meta().file_bytes).sum()
}

fn is_worth_a_merge(version: &Version) -> bool {
    let (smallest, largest) = range_of(&version.levels[0]);
    let below = version.overlapping(1, &smallest, &largest);
    let bytes = version.level_bytes(0);
    bytes > 0 && bytes >= bytes_of(&below) / QUIET_SHARE
}

impl Job {
    /// The level that is fullest against its target, else one that `push` asks for, from the top.
    pub(crate) fn pick(
        version: &Version,
        options: &EngineOptions,
        pointers: &mut Pointers,
        push: Push,
    ) -> Option<Job> {
        let deepest = version.levels.iter().rposition(|files| !files.is_empty())?;
        let level = match fullest(version, options) {
            Some(level) => level,
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
        pointers[level] = largest;
        let job = Job { level, output: level + 1, inputs, between: Vec::new(), below };
        Some(if level == 0 { job.through(version, options) } else { job })
    }

    /// Goes on to the second level where that is worth it.
    fn through(self, version: &Version, options: &EngineOptions) -> Job {
        let (target, first_bytes) = (target_bytes(options, 1), bytes_of(&self.below));
        // With fewer bytes, most would stay in the first level; and where that is nearly empty, it takes these for nothing.
        if bytes_of(&self.inputs) + first_bytes < 2 * target || first_bytes < target / 2 {
            return self;
        }
        let (smallest, largest) = range_of(&[self.inputs.as_slice(), &self.below].concat());
        let below = version.overlapping(2, &smallest, &largest);
        if bytes_of(&below) > THROUGH_SHARE * (bytes_of(&self.inputs) + first_bytes) {
            return self;
        }
        Job { output: 2, between: self.below, below, ..self }
    }

    /// All that it reads.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<SstFile>> {
        self.inputs.iter().chain(&self.between).chain(&self.below)
    }

    /// A key in the middle of its bytes: the first of a file that it merges with. `None`: there are too few of them.
    pub(crate) fn middle(&self) -> Option<Vec<u8>> {
        let all = bytes_of(&self.below);
        let mut before = 0;
        let borders = self.below.iter().zip(self.below.iter().skip(1)).map(|(left, right)| {
            before += left.meta().file_bytes;
            (before.abs_diff(all - before), right)
        });
        let (_, right) = borders.min_by_key(|&(uneven, _)| uneven)?;
        Some(right.meta().smallest.clone())
    }

    /// Nothing to merge with, and nothing that a rewrite could save at the bottom: no tombstone, and not light.
    pub(crate) fn is_trivial_move(&self, version: &Version) -> bool {
        let ([file], [], []) = (&*self.inputs, &*self.between, &*self.below) else { return false };
        let meta = file.meta();
        (meta.tombstones + meta.range_tombstones == 0 && !meta.light) || self.has_below(version)
    }

    fn has_below(&self, version: &Version) -> bool {
        let (smallest, largest) = range_of(&[self.inputs.as_slice(), &self.between].concat());
        version.has_below(self.output, &smallest, &largest)
    }

    /// How long its output is expected to stay: the first level below 0 is small, and written anew all the time.
    pub(crate) fn stay(&self, version: &Version) -> Stay {
        if self.output == 1 && self.has_below(version) { Stay::Short } else { Stay::Long }
    }

    pub(crate) fn edit(&self, added: Vec<AddedFile>) -> VersionEdit {
        let mut edit = VersionEdit { added, ..VersionEdit::default() };
        edit.removed.extend(self.inputs.iter().map(|file| (self.level, file.number())));
        edit.removed.extend(self.between.iter().map(|file| (self.level + 1, file.number())));
        edit.removed.extend(self.below.iter().map(|file| (self.output, file.number())));
        edit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Machine, all, commit, small};
    use crate::{Durability, Engine, ReadAt};
    use aurora_env::sim::SimRng;
    use std::collections::BTreeMap;

    /// Digits, of which zstd makes half and lz4 nothing.
    fn digits(rng: &mut SimRng) -> Vec<u8> {
        (0..5).map(|_| format!("{:020}", rng.next_u64())).collect::<String>().into_bytes()
    }

    fn lights(version: &Version) -> Vec<Vec<bool>> {
        let of = |files: &Vec<Arc<SstFile>>| files.iter().map(|file| file.meta().light).collect();
        version.levels.iter().map(of).collect()
    }

    #[test]
    fn tables_are_light_above_older_data_and_never_at_the_bottom() {
        let machine = Machine::new(31);
        let engine = machine.open(&small()).unwrap();
        let mut rng = SimRng::new(5);
        let mut light_seen = [0; LEVELS];
        for step in 0..900u32 {
            let key = (step * 7919 % 300).to_be_bytes();
            commit(&engine, Durability::Buffered, |batch| batch.put(&key, &digits(&mut rng))).unwrap();
            let version = engine.core.views.load().version.clone();
            let deepest = version.levels.iter().rposition(|files| !files.is_empty()).unwrap_or(0);
            for (level, lights) in lights(&version).iter().enumerate() {
                light_seen[level] += lights.iter().filter(|&&light| light).count();
                assert!(level < 1 || level < deepest || !lights.contains(&true), "{level} of {deepest}");
            }
        }
        assert!(light_seen[0] > 0 && light_seen[1] > 0, "{light_seen:?}");
        engine.compact().unwrap();
        assert!(!lights(&engine.core.views.load().version).concat().contains(&true));
    }

    #[test]
    fn tables_of_ascending_rows_are_written_once_and_moved_down() {
        let machine = Machine::new(32);
        let engine = machine.open(&small()).unwrap();
        let mut rng = SimRng::new(6);
        let mut numbers = std::collections::BTreeSet::new();
        for step in 0..900u32 {
            commit(&engine, Durability::Buffered, |batch| {
                batch.put(&step.to_be_bytes(), &digits(&mut rng));
            })
            .unwrap();
            let version = engine.core.views.load().version.clone();
            numbers.extend(version.levels.iter().flatten().map(|file| file.number()));
            assert!(!lights(&version).concat().contains(&true));
        }
        let version = engine.core.views.load().version.clone();
        let deep: usize = version.levels[1..].iter().map(Vec::len).sum();
        // Level 0 is merged into itself on its way down; below it nothing is written again.
        assert!(deep > 10 && numbers.len() < 3 * deep, "{} for {deep}", numbers.len());
    }

    #[test]
    fn a_job_is_split_between_tables_near_the_middle_of_what_it_merges_with() {
        let machine = Machine::new(33);
        let engine = machine.open(&small()).unwrap();
        let mut rng = SimRng::new(7);
        let (mut splits, mut pointers) = (0, Pointers::default());
        for step in 0..900u32 {
            let key = (step * 7919 % 700).to_be_bytes();
            commit(&engine, Durability::Buffered, |batch| batch.put(&key, &digits(&mut rng))).unwrap();
            let version = engine.core.views.load().version.clone();
            let Some(job) = Job::pick(&version, &small(), &mut pointers, Push::All) else { continue };
            let Some(middle) = job.middle() else {
                assert!(job.below.len() < 2);
                continue;
            };
            splits += 1;
            let at = job.below.iter().position(|file| file.meta().smallest == middle).unwrap();
            let (lower, upper) = job.below.split_at(at);
            let largest = job.below.iter().map(|file| file.meta().file_bytes).max().unwrap();
            assert!(!lower.is_empty() && bytes_of(lower).abs_diff(bytes_of(upper)) <= largest);
        }
        assert!(splits > 20, "{splits}");
    }

    #[test]
    fn level_0_goes_through_the_first_level_and_every_row_stays() {
        let machine = Machine::new(34);
        let mut rng = SimRng::new(8);
        let mut rows = BTreeMap::new();
        let mut write = |engine: &Engine, step: u32| {
            let key = (step * 7919 % 900).to_be_bytes().to_vec();
            commit(engine, Durability::Written, |batch| match step % 11 {
                3 => {
                    batch.delete(&key);
                    rows.remove(&key);
                }
                _ => {
                    let value = digits(&mut rng);
                    batch.put(&key, &value);
                    rows.insert(key, value);
                }
            })
            .unwrap();
            rows.clone().into_iter().collect::<Vec<_>>()
        };
        let mut engine = machine.open(&small()).unwrap();
        for step in 0..2000 {
            write(&engine, step);
        }
        let (mut pointers, mut outputs) = (Pointers::default(), [0; LEVELS]);
        for round in 0..10 {
            drop(engine);
            // Level 0 grows, and nobody compacts.
            engine = machine.open(&EngineOptions { l0_compaction_files: 1000, ..small() }).unwrap();
            for step in 0..50 + round * 50 {
                write(&engine, 2000 + round * 1000 + step);
            }
            let version = engine.core.views.load().version.clone();
            let job = Job::pick(&version, &small(), &mut pointers, Push::Due).filter(|job| job.level == 0);
            drop(engine);
            engine = machine.open(&small()).unwrap();
            let written = write(&engine, 2999 + round * 1000);
            assert_eq!(all(&engine, ReadAt::Newest), written);
            let Some(job) = job else { continue };
            let first = if job.output == 1 { &job.below } else { &job.between };
            let upper = [job.inputs.as_slice(), first].concat();
            let (smallest, largest) = range_of(&upper);
            let of = |level| version.overlapping(level, &smallest, &largest);
            // No row passes an older one of its key.
            assert_eq!(first.len(), of(1).len());
            if job.output == 2 {
                assert_eq!(job.below.len(), of(2).len());
                assert!(bytes_of(&job.below) <= THROUGH_SHARE * bytes_of(&upper));
            }
            assert_eq!(job.edit(Vec::new()).removed.len(), job.files().count());
            outputs[job.output] += 1;
        }
        assert!(outputs[1] > 0 && outputs[2] > 0, "{outputs:?}");
    }
}
