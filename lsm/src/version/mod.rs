//! Which tables make up the database: immutable versions, and the manifest that makes their changes durable.

mod edit;
mod fences;
mod file;
mod manifest;

pub(crate) use edit::{AddedFile, Flushed, VersionEdit};
pub(crate) use file::{SstFile, Trash, sst_path};
pub(crate) use manifest::{Recovered, VersionSet, manifest_number, recover};

use crate::error::{LsmError, Result};
use crate::types::{EntryKind, Seq};
use crate::value::Lookup;
use fences::Fences;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub(crate) const LEVELS: usize = 7;

/// A set of tables. Level 0: newest first, ranges overlap. Below: sorted by key, no overlap.
#[derive(Clone, Default)]
pub(crate) struct Version {
    pub(crate) levels: [Vec<Arc<SstFile>>; LEVELS],
    /// Of the levels below 0.
    fences: [Fences; LEVELS],
}

impl Version {
    pub(crate) fn is_empty(&self) -> bool {
        self.levels.iter().all(Vec::is_empty)
    }

    pub(crate) fn level_bytes(&self, level: usize) -> u64 {
        self.levels.get(level).map_or(0, |files| files.iter().map(|file| file.meta().file_bytes).sum())
    }

    #[inline]
    pub(crate) fn lookup(&self, key: &[u8], hash: u64, at: Seq) -> Result<Option<Lookup>> {
        let [level0, deeper @ ..] = &self.levels;
        for file in level0 {
            let meta = file.meta();
            if meta.min_seq <= at
                && meta.smallest.as_slice() <= key
                && key <= meta.largest.as_slice()
                && let Some(found) = look_into(file, key, hash, at)?
            {
                return Ok(Some(found));
            }
        }
        for (files, fences) in deeper.iter().zip(&self.fences[1..]) {
            let from = fences.before(key);
            // A range tombstone may end where the next file begins: then two files have the key in their range.
            for file in files[from..].iter().take_while(|file| file.meta().smallest.as_slice() <= key) {
                if let Some(found) = look_into(file, key, hash, at)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Number of files of a level below 0 that end before `key`.
    pub(crate) fn files_before(&self, level: usize, key: &[u8]) -> usize {
        self.fences[level].before(key)
    }

    /// Which files of a level below 0 have a key from `from` to `to` in their range.
    pub(crate) fn within(&self, level: usize, from: &[u8], to: Option<&[u8]>) -> Range<usize> {
        let begin = self.fences[level].before(from);
        let Some(to) = to else { return begin..self.levels[level].len() };
        let end = self.fences[level].before(to).max(begin);
        // The first that ends at or behind `to` may begin before it; so may one more, where a range tombstone ends.
        let touching = self.levels[level][end..].iter();
        begin..end + touching.take_while(|file| file.meta().smallest.as_slice() <= to).count()
    }

    /// Whether a file of a level below 0 has range tombstones.
    pub(crate) fn has_ranges(&self, level: usize) -> bool {
        self.fences[level].has_ranges
    }

    /// Files of a level whose range meets `smallest..=largest`.
    pub(crate) fn overlapping(&self, level: usize, smallest: &[u8], largest: &[u8]) -> Vec<Arc<SstFile>> {
        let files = self.levels.get(level).map(Vec::as_slice).unwrap_or_default();
        let meets = |file: &&Arc<SstFile>| {
            file.meta().smallest.as_slice() <= largest && smallest <= file.meta().largest.as_slice()
        };
        files.iter().filter(meets).cloned().collect()
    }

    /// Whether a level below `level` may have something in `smallest..=largest`.
    pub(crate) fn has_below(&self, level: usize, smallest: &[u8], largest: &[u8]) -> bool {
        self.levels.iter().skip(level + 1).any(|files| {
            let from = files.partition_point(|file| file.meta().largest.as_slice() < smallest);
            files.get(from).is_some_and(|file| file.meta().smallest.as_slice() <= largest)
        })
    }

    /// This version with the files of an edit: added ones are in `added`, open.
    pub(crate) fn apply(&self, edit: &VersionEdit, added: &[Arc<SstFile>], path: &Path) -> Result<Version> {
        let mut next = self.clone();
        for &(level, number) in &edit.removed {
            let files = next.levels.get_mut(level).ok_or_else(|| bad_level(path, level))?;
            let before = files.len();
            files.retain(|file| file.number() != number);
            if files.len() == before {
                return Err(LsmError::damaged(
                    path,
                    format!("level {level} has no table {number} to remove"),
                ));
            }
        }
        for added_file in &edit.added {
            let level = added_file.level;
            let file = added.iter().find(|file| file.number() == added_file.number);
            let file = file
                .ok_or_else(|| LsmError::damaged(path, format!("table {} is not open", added_file.number)))?;
            next.levels.get_mut(level).ok_or_else(|| bad_level(path, level))?.push(file.clone());
        }
        let [level0, deeper @ ..] = &mut next.levels;
        level0.sort_by(|a, b| b.meta().max_seq.cmp(&a.meta().max_seq).then(b.number().cmp(&a.number())));
        for files in deeper {
            files.sort_by(|a, b| a.meta().smallest.cmp(&b.meta().smallest));
        }
        next.check(path)?;
        for (fences, files) in next.fences.iter_mut().zip(&next.levels).skip(1) {
            *fences = Fences::new(files);
        }
        Ok(next)
    }

    /// STORAGE 23: order of levels and bounds of seqs.
    fn check(&self, path: &Path) -> Result<()> {
        let [level0, deeper @ ..] = &self.levels;
        for pair in level0.windows(2) {
            if pair[0].meta().min_seq <= pair[1].meta().max_seq {
                let (newer, older) = (pair[0].number(), pair[1].number());
                return Err(LsmError::damaged(path, format!("seqs of tables {newer} and {older} overlap")));
            }
        }
        for (index, files) in deeper.iter().enumerate() {
            for pair in files.windows(2) {
                let (left, right) = (pair[0].meta(), pair[1].meta());
                // Equal only where the left one ends with the (exclusive) end of a range tombstone.
                let touches = left.largest == right.smallest && left.range_tombstones > 0;
                if left.largest >= right.smallest && !touches {
                    let what = format!(
                        "tables {} and {} of level {} overlap",
                        pair[0].number(),
                        pair[1].number(),
                        index + 1
                    );
                    return Err(LsmError::damaged(path, what));
                }
            }
        }
        Ok(())
    }
}

fn bad_level(path: &Path, level: usize) -> LsmError {
    LsmError::damaged(path, format!("level {level} does not exist"))
}

#[inline]
fn look_into(file: &SstFile, key: &[u8], hash: u64, at: Seq) -> Result<Option<Lookup>> {
    let cover = file.cover().newest(key, at);
    if let Some((seq, kind, value)) = file.table().get_hashed(key, hash, at)?
        && seq >= cover
    {
        return Ok(Some(Lookup { seq, value: (kind == EntryKind::Put).then_some(value) }));
    }
    Ok((cover > Seq::ZERO).then_some(Lookup { seq: cover, value: None }))
}
