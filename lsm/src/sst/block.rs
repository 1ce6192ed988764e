//! Row blocks and index blocks: sorted entries, prefix-compressed, with restart points.
//!
//! entries ‖ restart offsets u32 each ‖ base seq u64 ‖ restart count u32. An entry is four varints — bytes shared with
//! the key before, further key bytes, value bytes, and zigzag(seq − base seq) × 4 + kind — then key bytes, then value.
//! The shared part is as long as it can be, except at a restart, where it is 0: [`Block::find`] relies on that.

use crate::codec::{get_varint, put_varint};
use crate::types::{EntryKind, Seq};
use std::cmp::Ordering;
use std::ops::Range;

const TRAILER_BYTES: usize = 12;

/// Four varints before key and value, at most.
pub(super) const ENTRY_HEAD_BYTES: usize = 25;

/// The bytes do not follow the format. Blocks are sealed, so that only a faulty writer gets one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

fn pack(base: Seq, seq: Seq, kind: EntryKind) -> u64 {
    let delta = seq.0.wrapping_sub(base.0) as i64;
    let zigzag = ((delta << 1) ^ (delta >> 63)) as u64;
    zigzag << 2 | kind as u64
}

#[inline]
fn unpack(base: Seq, packed: u64) -> Option<(Seq, EntryKind)> {
    let zigzag = packed >> 2;
    let delta = (zigzag >> 1) ^ (zigzag & 1).wrapping_neg();
    let seq = Seq(base.0.wrapping_add(delta));
    (seq <= Seq::MAX).then_some(())?;
    Some((seq, EntryKind::from_tag((packed & 3) as u8)?))
}

/// Builds one block after the other.
pub(super) struct BlockBuilder {
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    restart_interval: usize,
    since_restart: usize,
    last_key: Vec<u8>,
    base: Seq,
}

impl BlockBuilder {
    pub(super) fn new(restart_interval: usize) -> BlockBuilder {
        BlockBuilder {
            bytes: Vec::new(),
            restarts: Vec::new(),
            restart_interval: restart_interval.max(1),
            since_restart: 0,
            last_key: Vec::new(),
            base: Seq::ZERO,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Bytes of the block if it ended now.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.restarts.len() * 4 + TRAILER_BYTES
    }

    /// The caller keeps the order, and the block below 4 GiB.
    pub(super) fn add(&mut self, user_key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) {
        let mut shared = 0;
        if self.restarts.is_empty() {
            self.base = seq;
        }
        if self.restarts.is_empty() || self.since_restart == self.restart_interval {
            self.restarts.push(self.bytes.len() as u32);
            self.since_restart = 0;
        } else {
            shared = common_prefix(&self.last_key, user_key);
        }
        let suffix = &user_key[shared..];
        self.bytes.reserve(ENTRY_HEAD_BYTES + suffix.len() + value.len());
        if (shared | suffix.len() | value.len()) < 0x80 {
            // Three varints of one byte each: nearly all entries.
            self.bytes.extend_from_slice(&[shared as u8, suffix.len() as u8, value.len() as u8]);
        } else {
            put_varint(&mut self.bytes, shared as u64);
            put_varint(&mut self.bytes, suffix.len() as u64);
            put_varint(&mut self.bytes, value.len() as u64);
        }
        put_varint(&mut self.bytes, pack(self.base, seq, kind));
        self.bytes.extend_from_slice(suffix);
        self.bytes.extend_from_slice(value);
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(suffix);
        self.since_restart += 1;
    }

    /// The finished block; [`BlockBuilder::clear`] starts the next.
    pub(super) fn finish(&mut self) -> &[u8] {
        for restart in &self.restarts {
            self.bytes.extend_from_slice(&restart.to_le_bytes());
        }
        self.bytes.extend_from_slice(&self.base.0.to_le_bytes());
        self.bytes.extend_from_slice(&(self.restarts.len() as u32).to_le_bytes());
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.restarts.clear();
        self.since_restart = 0;
        self.last_key.clear();
    }
}

/// Bytes that both begin with.
#[inline]
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let (mut a_rest, mut b_rest) = (a, b);
    let mut at = 0;
    while let (Some((a_word, a_tail)), Some((b_word, b_tail))) =
        (a_rest.split_first_chunk::<8>(), b_rest.split_first_chunk::<8>())
    {
        let differ = u64::from_le_bytes(*a_word) ^ u64::from_le_bytes(*b_word);
        if differ != 0 {
            return at + (differ.trailing_zeros() / 8) as usize;
        }
        at += 8;
        (a_rest, b_rest) = (a_tail, b_tail);
    }
    at + a_rest.iter().zip(b_rest).take_while(|(a, b)| a == b).count()
}

/// One entry; positions are in the bytes of its block.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: u32,
    pub(super) next: u32,
    pub(super) shared: u32,
    pub(super) suffix: Range<u32>,
    pub(super) seq: Seq,
    pub(super) kind: EntryKind,
    pub(super) value: Range<u32>,
}

/// The plain bytes of one block.
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Where the entries end.
    end: u32,
    restart_count: u32,
    base: Seq,
}

impl Block {
    /// A block of these contents.
    pub(super) fn new(bytes: Vec<u8>) -> Option<Block> {
        u32::try_from(bytes.len()).ok()?;
        let (head, count) = bytes.split_last_chunk::<4>()?;
        let (head, base) = head.split_last_chunk::<8>()?;
        let restart_count = u32::from_le_bytes(*count);
        let entries_bytes = head.len().checked_sub((restart_count as usize).checked_mul(4)?)?;
        // The first restart is the first entry; no restart means no entry.
        if (restart_count == 0) != (entries_bytes == 0) {
            return None;
        }
        let end = u32::try_from(entries_bytes).ok()?;
        let base = Seq(u64::from_le_bytes(*base));
        Some(Block { end, restart_count, base, bytes })
    }

    #[inline]
    pub(crate) fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Bytes of memory behind it.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<Block>()
    }

    /// Behind the last entry.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// Position of restart point `index`; the end of the entries behind the last.
    #[inline]
    fn restart(&self, index: u32) -> Result<u32, Malformed> {
        if index >= self.restart_count {
            return Ok(self.end);
        }
        let at = self.end as usize + index as usize * 4;
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Malformed)?;
        Some(u32::from_le_bytes(*bytes)).filter(|&at| at < self.end).ok_or(Malformed)
    }

    /// The entry that begins at `at`, which lies before the end.
    #[inline]
    pub(super) fn entry(&self, at: u32) -> Result<Entry, Malformed> {
        self.parse(at).ok_or(Malformed)
    }

    #[inline]
    fn parse(&self, at: u32) -> Option<Entry> {
        let bytes = self.bytes.get(..self.end as usize)?;
        let mut pos = at as usize;
        let (shared, suffix_bytes, value_bytes);
        match bytes.get(pos..).and_then(|rest| rest.first_chunk::<3>()) {
            // Three varints of one byte each: nearly all entries.
            Some(&[a, b, c]) if (a | b | c) < 0x80 => {
                (shared, suffix_bytes, value_bytes) = (u32::from(a), u32::from(b), u32::from(c));
                pos += 3;
            }
            _ => {
                shared = u32::try_from(get_varint(bytes, &mut pos)?).ok()?;
                suffix_bytes = u32::try_from(get_varint(bytes, &mut pos)?).ok()?;
                value_bytes = u32::try_from(get_varint(bytes, &mut pos)?).ok()?;
            }
        }
        let (seq, kind) = unpack(self.base, get_varint(bytes, &mut pos)?)?;
        let suffix_at = pos as u32;
        let value_at = suffix_at.checked_add(suffix_bytes)?;
        let next = value_at.checked_add(value_bytes).filter(|&next| next <= self.end)?;
        Some(Entry { at, next, shared, suffix: suffix_at..value_at, seq, kind, value: value_at..next })
    }

    /// Number of the last restart point for which `before` holds, which must hold for a first few only; else 0.
    #[inline]
    fn last_restart(&self, mut before: impl FnMut(u32) -> Result<bool, Malformed>) -> Result<u32, Malformed> {
        let (mut low, mut high) = (0, self.restart_count);
        // Restart `low` is before (or 0), `high` is not.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if before(self.restart(middle)?)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Position of the last restart point before `at`.
    pub(super) fn restart_before(&self, at: u32) -> Result<u32, Malformed> {
        let index = self.last_restart(|restart| Ok(restart < at))?;
        self.restart(index)
    }

    /// The first entry ≥ (`user_key`, `seq`), and whether it is of that user key. Its own key is the first
    /// `shared` bytes of `user_key`, then its suffix. Allocates nothing and rebuilds no key on the way.
    #[inline]
    pub(super) fn find(&self, user_key: &[u8], seq: Seq) -> Result<Option<(Entry, bool)>, Malformed> {
        let restart = self.last_restart(|at| {
            let entry = self.entry(at)?;
            let order = self.slice(&entry.suffix).cmp(user_key).then_with(|| seq.cmp(&entry.seq));
            Ok(order == Ordering::Less)
        })?;
        let mut at = self.restart(restart)?;
        let mut next_restart_index = restart + 1;
        let mut next_restart = self.restart(next_restart_index)?;
        // Bytes that the key before this entry shares with `user_key`. That key is less, or equal but newer.
        let mut matched = 0;
        while at < self.end {
            if at == next_restart {
                matched = 0;
                next_restart_index += 1;
                next_restart = self.restart(next_restart_index)?;
            }
            let entry = self.entry(at)?;
            at = entry.next;
            let shared = entry.shared as usize;
            match shared.cmp(&matched) {
                // It differs from `user_key` where the key before did, and in the same direction.
                Ordering::Greater => continue,
                // It left the key before, upwards, where that one still agreed with `user_key`.
                Ordering::Less => return Ok(Some((entry, false))),
                Ordering::Equal => {}
            }
            let suffix = self.slice(&entry.suffix);
            let rest = user_key.get(matched..).ok_or(Malformed)?;
            let agree = common_prefix(suffix, rest);
            match (suffix.get(agree), rest.get(agree)) {
                (Some(theirs), Some(ours)) if theirs < ours => {}
                (None, Some(_)) => {}
                (None, None) if entry.seq > seq => {}
                (None, None) => return Ok(Some((entry, true))),
                _ => return Ok(Some((entry, false))),
            }
            matched += agree;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::compare;
    use super::*;

    fn build(entries: &[(Vec<u8>, u64)], restart_interval: usize) -> Block {
        let mut builder = BlockBuilder::new(restart_interval);
        for (key, seq) in entries {
            builder.add(key, Seq(*seq), EntryKind::Put, &seq.to_le_bytes());
        }
        assert_eq!(builder.len(), builder.finish().len());
        Block::new(builder.bytes.clone()).unwrap()
    }

    #[test]
    fn seqs_and_kinds_round_trip() {
        for base in [0, 1, 77, Seq::MAX.0] {
            for seq in [0, 1, 76, 78, 1 << 40, Seq::MAX.0] {
                for kind in [EntryKind::Put, EntryKind::Delete] {
                    assert_eq!(unpack(Seq(base), pack(Seq(base), Seq(seq), kind)), Some((Seq(seq), kind)));
                }
            }
        }
        assert_eq!(unpack(Seq(0), u64::MAX), None);
    }

    #[test]
    fn common_prefixes() {
        let long = b"0123456789abcdefghij";
        for len in 0..long.len() {
            let mut other = long.to_vec();
            other[len] ^= 1;
            assert_eq!(common_prefix(long, &other), len);
            assert_eq!(common_prefix(long, &long[..len]), len);
        }
    }

    #[test]
    fn find_agrees_with_a_linear_search() {
        // All keys of up to four letters out of two, some with several versions.
        let mut keys: Vec<Vec<u8>> = vec![vec![]];
        for len in 1..=4 {
            for bits in 0..1u32 << len {
                keys.push((0..len).map(|at| b'a' + 2 * (bits >> at & 1) as u8).collect());
            }
        }
        keys.sort();
        let mut entries = Vec::new();
        for (number, key) in keys.iter().enumerate().filter(|(number, _)| number % 3 != 1) {
            entries.extend((0..number % 4 + 1).rev().map(|version| (key.clone(), 10 + version as u64 * 10)));
        }
        for restart_interval in [1, 2, 3, 16] {
            let block = build(&entries, restart_interval);
            for target in keys.iter().flat_map(|key| [key.clone(), [key, &b"b"[..]].concat()]) {
                for seq in [0, 5, 10, 15, 20, 30, 40, 99] {
                    let want = entries
                        .iter()
                        .find(|(key, at)| compare(key, Seq(*at), &target, Seq(seq)) != Ordering::Less);
                    let got = block.find(&target, Seq(seq)).unwrap();
                    let got_key = got.as_ref().map(|(entry, same)| {
                        let key = [&target[..entry.shared as usize], block.slice(&entry.suffix)].concat();
                        assert_eq!(*same, key == target);
                        (key, entry.seq.0)
                    });
                    assert_eq!(got_key.as_ref(), want, "{target:?} at {seq}");
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let block = build(&[(b"aa".to_vec(), 3), (b"ab".to_vec(), 2), (b"b".to_vec(), 9)], 2);
        for at in 0..block.bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = block.bytes.clone();
                bytes[at] = value;
                let Some(bad) = Block::new(bytes) else { continue };
                for key in [&b""[..], b"aa", b"abc", b"zz"] {
                    let _ = bad.find(key, Seq(5));
                }
                let _ = bad.restart_before(bad.end());
            }
        }
        assert!(Block::new(vec![0; 11]).is_none());
        assert!(Block::new(vec![0; 12]).is_some());
    }
}
