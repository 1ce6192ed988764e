//! A transaction's pending writes: sorted by key, numbered by ordinal, cut by savepoints.
//!
//! Every write appends an entry; its place is its *ordinal*. Entries of one key are chained to their
//! predecessors, so that a scan can see the state before a statement's first ordinal, and a rollback to a savepoint
//! cuts the tail (STORAGE 10). Bytes lie in an arena of segments, which a large statement never moves again, and keys
//! in a sorted list of sorted chunks. A key that comes in order is put there at once; in a large write set one that
//! does not waits among the late ones of its index, which are sorted together when somebody asks for that index, or
//! at the commit: entries of a secondary index, which nobody asks for, cost one sort instead of a search each.

mod arena;
mod late;

use arena::{Arena, Place};
use std::cmp::Ordering;
use std::ops::Bound;

/// Position of a write in its transaction.
pub type Ordinal = u32;

/// Every ordinal: sees all own writes.
pub const ALL: Ordinal = Ordinal::MAX;

const NO_ENTRY: u32 = u32::MAX;
/// Places of last inserts that are kept: one index's ascending keys go beside those of others.
const HINTS: usize = 4;
/// Keys of one chunk: moving half of it costs about as much as the comparisons that find the place.
const CHUNK_KEYS: usize = 512;
/// Entries below which every key is put in its place at once: a search among so few costs less than a sort.
const SMALL: usize = 128;
/// Late keys of one index that are sorted without being asked for: the sort takes memory of its own.
const LATE_MAX: usize = 1 << 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Put,
    Delete,
    /// Key is the start, value the exclusive end.
    DeleteRange,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the key starts in the arena; the value follows it.
    at: Place,
    key_len: u32,
    value_len: u32,
    /// The entry of the same key that this one replaces.
    predecessor: u32,
    kind: Kind,
}

/// What the write set says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending<'a> {
    Put(&'a [u8]),
    Delete,
}

#[derive(Debug, Default)]
pub struct WriteSet {
    arena: Arena,
    /// In ordinal order.
    entries: Vec<Entry>,
    /// Newest entry of every key, by key; no chunk is empty. Without the late ones.
    chunks: Vec<Vec<u32>>,
    /// By index: entries whose keys are not in `chunks` yet, in ordinal order.
    late: [Vec<u32>; HINTS],
    /// Entries of kind `DeleteRange`, ascending.
    ranges: Vec<u32>,
    /// Where keys went in last, by index; what no longer holds is noticed by comparison.
    hints: [(u32, u32); HINTS],
}

impl WriteSet {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The ordinal that the next write gets.
    pub fn next_ordinal(&self) -> Ordinal {
        self.entries.len() as Ordinal
    }

    pub fn bytes(&self) -> usize {
        self.arena.len() + self.entries.len() * (size_of::<Entry>() + size_of::<u32>())
    }

    /// Keys written, each once.
    pub fn key_count(&mut self) -> usize {
        self.settle_all();
        self.chunks.iter().map(Vec::len).sum()
    }

    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.write(Kind::Put, key, value);
    }

    pub fn delete(&mut self, key: &[u8]) {
        self.write(Kind::Delete, key, &[]);
    }

    /// Hides everything in `start..end` that was written before, here and in storage.
    pub fn delete_range(&mut self, start: &[u8], end: &[u8]) {
        let id = self.append(Kind::DeleteRange, start, end);
        self.ranges.push(id);
    }

    fn append(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> u32 {
        let at = self.arena.push(key, value);
        let id = self.entries.len() as u32;
        self.entries.push(Entry {
            at,
            key_len: key.len() as u32,
            value_len: value.len() as u32,
            predecessor: NO_ENTRY,
            kind,
        });
        id
    }

    fn write(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        let id = self.append(kind, key, value);
        let slot = hint_of(key);
        if !self.late[slot].is_empty() {
            self.late[slot].push(id);
            if self.late[slot].len() >= LATE_MAX {
                self.settle(slot);
            }
        } else if self.entries.len() <= SMALL {
            let place = self.find(key);
            self.put_at(place, slot, id);
        } else if let Some(place) = self.find_in_order(key) {
            self.put_at(place, slot, id);
        } else {
            self.late[slot].push(id);
        }
    }

    /// Puts an entry where [`WriteSet::find`] says that its key is or goes.
    fn put_at(&mut self, place: Result<(usize, usize), (usize, usize)>, slot: usize, id: u32) {
        match place {
            Ok((chunk, at)) => {
                let head = &mut self.chunks[chunk][at];
                self.entries[id as usize].predecessor = *head;
                *head = id;
            }
            Err((chunk, at)) => {
                let (chunk, at) = self.insert_key(chunk, at, id);
                self.hints[slot] = (chunk as u32, at as u32);
            }
        }
    }

    /// Puts the late keys of one index in their places, in the order of their keys.
    fn settle(&mut self, slot: usize) {
        if self.late[slot].is_empty() {
            return;
        }
        let mut ids = std::mem::take(&mut self.late[slot]);
        late::sort(&mut ids, |id| self.key(id));
        for &id in &ids {
            let place = self.find(self.key(id));
            self.put_at(place, slot, id);
        }
        // Its memory serves the next ones.
        ids.clear();
        self.late[slot] = ids;
    }

    fn settle_all(&mut self) {
        for slot in 0..HINTS {
            self.settle(slot);
        }
    }

    /// Gives the place where it went in.
    fn insert_key(&mut self, chunk: usize, slot: usize, id: u32) -> (usize, usize) {
        let Some(target) = self.chunks.get_mut(chunk) else {
            self.chunks.push(vec![id]);
            return (chunk, 0);
        };
        if target.len() < CHUNK_KEYS {
            target.insert(slot, id);
            return (chunk, slot);
        }
        // Ascending inserts leave full chunks behind; others split in the middle.
        let middle = if slot == target.len() { slot } else { target.len() / 2 };
        let mut right = target.split_off(middle);
        let place = if slot >= middle {
            right.insert(slot - middle, id);
            (chunk + 1, slot - middle)
        } else {
            target.insert(slot, id);
            (chunk, slot)
        };
        self.chunks.insert(chunk + 1, right);
        place
    }

    fn key(&self, id: u32) -> &[u8] {
        let entry = &self.entries[id as usize];
        self.arena.bytes(entry.at, 0, entry.key_len as usize)
    }

    fn value(&self, id: u32) -> &[u8] {
        let entry = &self.entries[id as usize];
        self.arena.bytes(entry.at, entry.key_len as usize, entry.value_len as usize)
    }

    /// As [`WriteSet::find`], where it takes no search.
    fn find_in_order(&self, key: &[u8]) -> Option<Result<(usize, usize), (usize, usize)>> {
        self.find_behind_hint(key).or_else(|| {
            let heads = self.chunks.last()?;
            (self.key(*heads.last()?) < key).then(|| Err((self.chunks.len() - 1, heads.len())))
        })
    }

    /// Chunk and slot of `key`, or where it would go; its index is settled.
    fn find(&self, key: &[u8]) -> Result<(usize, usize), (usize, usize)> {
        if self.chunks.is_empty() {
            return Err((0, 0));
        }
        if let Some(place) = self.find_behind_hint(key) {
            return place;
        }
        // The last chunk whose first key is not above `key`.
        let chunk = self.chunks.partition_point(|chunk| self.key(chunk[0]) <= key).saturating_sub(1);
        let heads = &self.chunks[chunk];
        // Ascending inserts end here after one comparison.
        if let Some(&last) = heads.last()
            && self.key(last) < key
        {
            return Err((chunk, heads.len()));
        }
        match heads.binary_search_by(|&id| self.key(id).cmp(key)) {
            Ok(slot) => Ok((chunk, slot)),
            Err(slot) => Err((chunk, slot)),
        }
    }

    /// As [`WriteSet::find`], where the key is the one of the last insert into its index or belongs right behind it.
    fn find_behind_hint(&self, key: &[u8]) -> Option<Result<(usize, usize), (usize, usize)>> {
        let (chunk, slot) = self.hints[hint_of(key)];
        let (chunk, slot) = (chunk as usize, slot as usize);
        let heads = self.chunks.get(chunk)?;
        match self.key(*heads.get(slot)?).cmp(key) {
            Ordering::Less => {}
            Ordering::Equal => return Some(Ok((chunk, slot))),
            Ordering::Greater => return None,
        }
        let next = heads.get(slot + 1).or_else(|| self.chunks.get(chunk + 1).and_then(|heads| heads.first()));
        match next {
            Some(&next) if self.key(next) <= key => None,
            _ => Some(Err((chunk, slot + 1))),
        }
    }

    /// The newest entry of the chain at `head` below `limit`.
    fn below(&self, head: u32, limit: Ordinal) -> Option<u32> {
        let mut id = head;
        while id != NO_ENTRY && id >= limit {
            id = self.entries[id as usize].predecessor;
        }
        (id != NO_ENTRY).then_some(id)
    }

    /// The newest range delete below `limit` that covers `key`.
    fn range_over(&self, key: &[u8], limit: Ordinal) -> Option<u32> {
        self.ranges
            .iter()
            .rev()
            .copied()
            .find(|&id| id < limit && self.key(id) <= key && key < self.value(id))
    }

    /// What writes below `limit` say about `key`; `None`: nothing, storage decides.
    pub fn get(&mut self, key: &[u8], limit: Ordinal) -> Option<Pending<'_>> {
        self.settle(hint_of(key));
        let point = match self.find(key) {
            Ok((chunk, slot)) => self.below(self.chunks[chunk][slot], limit),
            Err(_) => None,
        };
        self.resolve(key, point, limit)
    }

    fn resolve(&self, key: &[u8], point: Option<u32>, limit: Ordinal) -> Option<Pending<'_>> {
        let range = if self.ranges.is_empty() { None } else { self.range_over(key, limit) };
        match (point, range) {
            (None, None) => None,
            (point, Some(range)) if point.is_none_or(|point| point < range) => Some(Pending::Delete),
            (None, Some(_)) => Some(Pending::Delete),
            (Some(point), _) => Some(match self.entries[point as usize].kind {
                Kind::Put => Pending::Put(self.value(point)),
                Kind::Delete | Kind::DeleteRange => Pending::Delete,
            }),
        }
    }

    /// Whether writes below `limit` hide `key` of storage by a range delete.
    pub fn hides(&self, key: &[u8], limit: Ordinal) -> bool {
        !self.ranges.is_empty() && self.range_over(key, limit).is_some()
    }

    /// The first written key within the bounds that has an entry below `limit`, and what it says.
    pub fn first_in(
        &mut self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        limit: Ordinal,
    ) -> Option<(&[u8], Pending<'_>)> {
        self.settle_all();
        let (mut chunk, mut slot) = match lower {
            Bound::Unbounded => (0, 0),
            Bound::Included(key) => self.find(key).unwrap_or_else(|place| place),
            Bound::Excluded(key) => match self.find(key) {
                Ok((chunk, slot)) => (chunk, slot + 1),
                Err(place) => place,
            },
        };
        while let Some(heads) = self.chunks.get(chunk) {
            while let Some(&head) = heads.get(slot) {
                let key = self.key(head);
                let inside = match upper {
                    Bound::Unbounded => true,
                    Bound::Included(end) => key <= end,
                    Bound::Excluded(end) => key < end,
                };
                if !inside {
                    return None;
                }
                if let Some(id) = self.below(head, limit)
                    && let Some(pending) = self.resolve(key, Some(id), limit)
                {
                    return Some((key, pending));
                }
                slot += 1;
            }
            chunk += 1;
            slot = 0;
        }
        None
    }

    /// As [`WriteSet::first_in`], from the other end.
    pub fn last_in(
        &mut self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        limit: Ordinal,
    ) -> Option<(&[u8], Pending<'_>)> {
        self.settle_all();
        // One behind the candidate.
        let (mut chunk, mut slot) = match upper {
            Bound::Unbounded => match self.chunks.last() {
                Some(heads) => (self.chunks.len() - 1, heads.len()),
                None => return None,
            },
            Bound::Excluded(key) => self.find(key).unwrap_or_else(|place| place),
            Bound::Included(key) => match self.find(key) {
                Ok((chunk, slot)) => (chunk, slot + 1),
                Err(place) => place,
            },
        };
        loop {
            let heads = self.chunks.get(chunk)?;
            while slot > 0 {
                slot -= 1;
                let head = heads[slot];
                let key = self.key(head);
                let inside = match lower {
                    Bound::Unbounded => true,
                    Bound::Included(start) => key.cmp(start) != Ordering::Less,
                    Bound::Excluded(start) => key.cmp(start) == Ordering::Greater,
                };
                if !inside {
                    return None;
                }
                if let Some(id) = self.below(head, limit)
                    && let Some(pending) = self.resolve(key, Some(id), limit)
                {
                    return Some((key, pending));
                }
            }
            chunk = chunk.checked_sub(1)?;
            slot = self.chunks[chunk].len();
        }
    }

    /// Forgets all writes from `ordinal` on.
    pub fn truncate(&mut self, ordinal: Ordinal) {
        while self.entries.len() > ordinal as usize {
            let id = self.entries.len() as u32 - 1;
            let entry = self.entries[id as usize];
            if entry.kind == Kind::DeleteRange {
                self.ranges.pop();
            } else if self.late[hint_of(self.key(id))].last() == Some(&id) {
                let slot = hint_of(self.key(id));
                self.late[slot].pop();
            } else if let Ok((chunk, slot)) = self.find(self.key(id)) {
                if entry.predecessor == NO_ENTRY {
                    self.chunks[chunk].remove(slot);
                    if self.chunks[chunk].is_empty() {
                        self.chunks.remove(chunk);
                    }
                } else {
                    self.chunks[chunk][slot] = entry.predecessor;
                }
            }
            self.arena.truncate(entry.at);
            self.entries.pop();
        }
    }

    /// What a commit writes: range deletes first, then every key's last word in key order. A point write that a later
    /// range delete covers is left out.
    pub fn fill(&mut self, batch: &mut aurora_lsm::WriteBatch) {
        self.settle_all();
        for &id in &self.ranges {
            batch.delete_range(self.key(id), self.value(id));
        }
        for &head in self.chunks.iter().flatten() {
            let key = self.key(head);
            if self.ranges.is_empty() || self.range_over(key, ALL).is_none_or(|range| range < head) {
                match self.entries[head as usize].kind {
                    Kind::Put => batch.put(key, self.value(head)),
                    Kind::Delete | Kind::DeleteRange => batch.delete(key),
                }
            }
        }
    }

    pub fn clear(&mut self) {
        *self = WriteSet::default();
    }
}

/// Keys begin with four bytes of tenant and eight of the index: the last of them tells indexes of one table apart.
fn hint_of(key: &[u8]) -> usize {
    key.get(11).map_or(0, |byte| usize::from(*byte) % HINTS)
}
