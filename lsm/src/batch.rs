//! A commit's writes, kept in the form in which the log stores them.

use crate::codec::{Reader, put_varint};
use crate::types::EntryKind;

/// A commit's writes. Keys are unique within a batch (whoever fills it resolves overlaps, STORAGE 6); sorted keys
/// insert faster. A range delete hides what lies below this commit only, never the batch's own puts.
///
/// Form: per entry kind u8 ‖ key length varint ‖ key, then for puts and range deletes value length varint ‖ value
/// (the end key, exclusive).
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    pub(crate) encoded: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) range_deletes: u32,
    pub(crate) puts: u32,
}

impl WriteBatch {
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Room for `bytes` more bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.encoded.reserve(bytes);
    }

    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.push(EntryKind::Put, key);
        self.puts += 1;
        put_varint(&mut self.encoded, value.len() as u64);
        self.encoded.extend_from_slice(value);
    }

    pub fn delete(&mut self, key: &[u8]) {
        self.push(EntryKind::Delete, key);
    }

    /// Deletes `start` (included) up to `end` (excluded), in O(1). Nothing happens unless start < end.
    pub fn delete_range(&mut self, start: &[u8], end: &[u8]) {
        if start >= end {
            return;
        }
        self.push(EntryKind::DeleteRange, start);
        self.range_deletes += 1;
        put_varint(&mut self.encoded, end.len() as u64);
        self.encoded.extend_from_slice(end);
    }

    fn push(&mut self, kind: EntryKind, key: &[u8]) {
        self.encoded.push(kind as u8);
        put_varint(&mut self.encoded, key.len() as u64);
        self.encoded.extend_from_slice(key);
        self.count += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn size_bytes(&self) -> usize {
        self.encoded.len()
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.encoded.clear();
        self.count = 0;
        self.range_deletes = 0;
        self.puts = 0;
    }

    /// The entries in order: kind, key, value (empty for deletes, the end key for range deletes).
    pub fn entries(&self) -> BatchEntries<'_> {
        BatchEntries::new(&self.encoded)
    }
}

/// Walks encoded entries; ends early where they are malformed, see [`BatchEntries::is_whole`].
pub struct BatchEntries<'a> {
    reader: Reader<'a>,
    failed: bool,
}

impl<'a> BatchEntries<'a> {
    pub(crate) fn new(encoded: &'a [u8]) -> BatchEntries<'a> {
        BatchEntries { reader: Reader::new(encoded), failed: false }
    }

    /// After the last entry: whether every byte was understood.
    pub fn is_whole(&self) -> bool {
        !self.failed
    }

    fn read(&mut self) -> Option<(EntryKind, &'a [u8], &'a [u8])> {
        let kind = EntryKind::from_tag(self.reader.u8()?)?;
        let key = self.reader.prefixed()?;
        let value = match kind {
            EntryKind::Delete => &[],
            EntryKind::Put | EntryKind::DeleteRange => self.reader.prefixed()?,
        };
        Some((kind, key, value))
    }
}

impl<'a> Iterator for BatchEntries<'a> {
    type Item = (EntryKind, &'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.is_empty() {
            return None;
        }
        let entry = self.read();
        self.failed = entry.is_none();
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_a_cut_batch_says_so() {
        let mut batch = WriteBatch::new();
        batch.put(b"a", b"1");
        batch.delete(b"b");
        batch.delete_range(b"c", b"d");
        batch.delete_range(b"d", b"c");
        let got: Vec<_> = batch.entries().collect();
        assert_eq!(
            got,
            [
                (EntryKind::Put, b"a".as_slice(), b"1".as_slice()),
                (EntryKind::Delete, b"b", b""),
                (EntryKind::DeleteRange, b"c", b"d")
            ]
        );
        let mut cut = BatchEntries::new(&batch.encoded[..batch.encoded.len() - 1]);
        assert_eq!(cut.by_ref().count(), 2);
        assert!(!cut.is_whole());
    }
}
