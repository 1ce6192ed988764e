//! The iterator that callers see.

use crate::error::Result;
use crate::merge::{Files, MergeIter, Source};
use crate::ranges::RangeCover;
use crate::sst::same_user;
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use crate::version::LEVELS;
use crate::view::View;
use std::ops::Bound;
use std::sync::Arc;

/// After so many entries of one key that are not wanted, the rest is skipped by a seek.
const HIDDEN_MAX: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Fresh,
    /// Before the first visible entry.
    Start,
    /// Behind the last visible entry.
    End,
    /// On `key`; the merge stands on the visible version.
    Forward,
    /// On `key`; the merge stands before all of its versions, and `value` is kept.
    Backward,
}

/// Walks visible entries in key order, forward and backward. Owned: it borrows nothing and pins what it reads.
/// A fresh one stands before the first and behind the last entry: `next` goes to the first, `prev` to the last.
pub struct LsmIter {
    merge: MergeIter,
    cover: RangeCover,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    at: Seq,
    place: Place,
    key: Vec<u8>,
    seq: Seq,
    value: Option<PinnedValue>,
    max_seq_met: Seq,
    /// Memtables and files stay while this does.
    _view: Arc<View>,
}

fn owned(bound: Bound<&[u8]>) -> Bound<Vec<u8>> {
    bound.map(<[u8]>::to_vec)
}

impl LsmIter {
    pub(crate) fn new(view: Arc<View>, lower: Bound<&[u8]>, upper: Bound<&[u8]>, at: Seq) -> LsmIter {
        let from: &[u8] = match lower {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        let to = match upper {
            Bound::Included(key) | Bound::Excluded(key) => Some(key),
            Bound::Unbounded => None,
        };
        let mut sources =
            Vec::with_capacity(1 + view.immutables.len() + view.version.levels[0].len() + LEVELS);
        let mut mem_ranges = Vec::new();
        let mut covers = Vec::new();
        for mem in std::iter::once(&view.mem).chain(&view.immutables) {
            sources.push(Source::Memtable(mem.cursor()));
            mem_ranges.push(mem.ranges());
        }
        covers.extend(mem_ranges.iter().map(|ranges| &**ranges));
        let meets = |smallest: &[u8], largest: &[u8]| from <= largest && to.is_none_or(|to| smallest <= to);
        for file in &view.version.levels[0] {
            let meta = file.meta();
            if meets(&meta.smallest, &meta.largest) && meta.min_seq <= at {
                sources.push(Source::table(file, false));
                covers.push(file.cover());
            }
        }
        for level in 1..LEVELS {
            let within = view.version.within(level, from, to);
            let files = &view.version.levels[level][within.clone()];
            if view.version.has_ranges(level) {
                covers.extend(files.iter().map(|file| file.cover()));
            }
            match files {
                [] => {}
                [file] => sources.push(Source::table(file, false)),
                _ => {
                    let files = Files::OfLevel { version: view.version.clone(), level, within };
                    sources.push(Source::level(files, false));
                }
            }
        }
        let tombstones = covers.into_iter().filter(|cover| !cover.is_empty()).flat_map(|cover| {
            let pieces = cover.within(from, to);
            pieces.flat_map(|(start, end, seqs)| seqs.iter().map(move |&seq| (start, end, seq)))
        });
        let cover = RangeCover::new(tombstones.filter(|&(_, _, seq)| seq <= at));
        LsmIter {
            merge: MergeIter::new(sources),
            cover,
            lower: owned(lower),
            upper: owned(upper),
            at,
            place: Place::Fresh,
            key: Vec::new(),
            seq: Seq::ZERO,
            value: None,
            max_seq_met: Seq::ZERO,
            _view: view,
        }
    }

    /// To the next visible key; `false` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<bool> {
        match self.place {
            Place::End => Ok(false),
            Place::Fresh | Place::Start => {
                self.place_at_lower()?;
                self.find_next(false)
            }
            Place::Forward => {
                self.place = Place::End;
                self.merge.step()?;
                self.find_next(true)
            }
            Place::Backward => {
                self.place = Place::End;
                self.merge.seek(&self.key, Seq::ZERO)?;
                self.find_next(true)
            }
        }
    }

    /// To the previous visible key; `false` at the start.
    pub fn prev(&mut self) -> Result<bool> {
        match self.place {
            Place::Start => return Ok(false),
            Place::Fresh | Place::End => self.place_at_upper()?,
            Place::Forward => self.merge.seek_before(&self.key, Seq::MAX)?,
            Place::Backward => {}
        }
        self.find_prev()
    }

    /// To the first visible key ≥ `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<bool> {
        let below = match &self.lower {
            Bound::Included(lower) => key < lower.as_slice(),
            Bound::Excluded(lower) => key <= lower.as_slice(),
            Bound::Unbounded => false,
        };
        self.place = Place::End;
        if below {
            self.place_at_lower()?;
        } else {
            self.merge.seek(key, Seq::MAX)?;
        }
        self.find_next(false)
    }

    /// To the last visible key ≤ `key`.
    pub fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        let above = match &self.upper {
            Bound::Included(upper) => key > upper.as_slice(),
            Bound::Excluded(upper) => key >= upper.as_slice(),
            Bound::Unbounded => false,
        };
        self.place = Place::Start;
        if above {
            self.place_at_upper()?;
        } else {
            self.merge.seek_before(key, Seq::ZERO)?;
        }
        self.find_prev()
    }

    pub fn valid(&self) -> bool {
        matches!(self.place, Place::Forward | Place::Backward)
    }

    /// The current key; empty where not valid.
    pub fn key(&self) -> &[u8] {
        if self.valid() { &self.key } else { &[] }
    }

    pub fn value(&self) -> &[u8] {
        match self.place {
            Place::Forward => self.merge.value(),
            Place::Backward => self.value.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    pub fn seq(&self) -> Seq {
        if self.valid() { self.seq } else { Seq::ZERO }
    }

    /// The largest seq met so far, hidden versions and tombstones included (floors, STORAGE 1).
    pub fn max_seq_met(&self) -> Seq {
        self.max_seq_met
    }

    fn place_at_lower(&mut self) -> Result<()> {
        match &self.lower {
            Bound::Included(key) => self.merge.seek(key, Seq::MAX),
            // No version has seq 0: this is behind all versions of the key.
            Bound::Excluded(key) => self.merge.seek(key, Seq::ZERO),
            Bound::Unbounded => self.merge.first(),
        }
    }

    fn place_at_upper(&mut self) -> Result<()> {
        match &self.upper {
            Bound::Included(key) => self.merge.seek_before(key, Seq::ZERO),
            Bound::Excluded(key) => self.merge.seek_before(key, Seq::MAX),
            Bound::Unbounded => self.merge.last(),
        }
    }

    /// Whether a range tombstone hides the version.
    #[inline]
    fn is_covered(&mut self, seq: Seq) -> bool {
        if self.cover.is_empty() {
            return false;
        }
        match self.cover.covering(&self.key).first() {
            Some(&cover) if cover > seq => {
                self.max_seq_met = self.max_seq_met.max(cover);
                true
            }
            _ => false,
        }
    }

    /// To the first visible entry from where the merge stands; `skip`: not one of `key`.
    fn find_next(&mut self, mut skip: bool) -> Result<bool> {
        self.place = Place::End;
        self.value = None;
        let mut hidden = 0;
        while self.merge.valid() {
            let key = self.merge.key();
            if skip && same_user(key, &self.key) {
                hidden += 1;
                if hidden > HIDDEN_MAX {
                    hidden = 0;
                    self.merge.seek(&self.key, Seq::ZERO)?;
                } else {
                    self.merge.step()?;
                }
                continue;
            }
            let beyond = match &self.upper {
                Bound::Included(upper) => key > upper.as_slice(),
                Bound::Excluded(upper) => key >= upper.as_slice(),
                Bound::Unbounded => false,
            };
            if beyond {
                break;
            }
            let seq = self.merge.seq();
            self.max_seq_met = self.max_seq_met.max(seq);
            if seq > self.at {
                hidden += 1;
                if hidden > HIDDEN_MAX {
                    hidden = 0;
                    self.key.clear();
                    self.key.extend_from_slice(key);
                    skip = false;
                    self.merge.seek(&self.key, self.at)?;
                } else {
                    self.merge.step()?;
                }
                continue;
            }
            self.key.clear();
            self.key.extend_from_slice(key);
            hidden = 0;
            skip = true;
            if self.merge.kind() == EntryKind::Put && !self.is_covered(seq) {
                self.seq = seq;
                self.place = Place::Forward;
                return Ok(true);
            }
            self.merge.step()?;
        }
        Ok(false)
    }

    /// To the last visible entry before where the merge stands, which travels backward.
    fn find_prev(&mut self) -> Result<bool> {
        self.place = Place::Start;
        self.value = None;
        while self.merge.valid() {
            let key = self.merge.key();
            let beyond = match &self.lower {
                Bound::Included(lower) => key < lower.as_slice(),
                Bound::Excluded(lower) => key <= lower.as_slice(),
                Bound::Unbounded => false,
            };
            if beyond {
                break;
            }
            self.key.clear();
            self.key.extend_from_slice(key);
            let best = self.newest_of_key()?;
            if let Some((seq, EntryKind::Put, value)) = best
                && !self.is_covered(seq)
            {
                self.seq = seq;
                self.value = value;
                self.place = Place::Backward;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The visible version of `key`, on whose oldest version the merge stands; leaves the merge before the key.
    #[allow(clippy::type_complexity)]
    fn newest_of_key(&mut self) -> Result<Option<(Seq, EntryKind, Option<PinnedValue>)>> {
        let mut best = None;
        let mut steps = 0;
        while self.merge.valid() && self.merge.key() == self.key.as_slice() {
            steps += 1;
            if steps > HIDDEN_MAX {
                self.merge.seek(&self.key, Seq::MAX)?;
                self.max_seq_met = self.max_seq_met.max(self.merge.seq());
                self.merge.seek(&self.key, self.at)?;
                if self.merge.valid() && self.merge.key() == self.key.as_slice() {
                    best = Some((self.merge.seq(), self.merge.kind(), self.merge.pinned_value()));
                }
                self.merge.seek_before(&self.key, Seq::MAX)?;
                break;
            }
            let seq = self.merge.seq();
            self.max_seq_met = self.max_seq_met.max(seq);
            if seq <= self.at {
                best = Some((seq, self.merge.kind(), self.merge.pinned_value()));
            }
            self.merge.step()?;
        }
        Ok(best)
    }
}
