//! Distinct keys in one arena, numbered as they came: under hash joins, groups and DISTINCT. No allocation per key.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// See the module.
#[derive(Default)]
pub(crate) struct KeyTable {
    places: HashTable<u32>,
    /// By number: the key's hash, and where it ends in `bytes`.
    keys: Vec<(u64, usize)>,
    bytes: Vec<u8>,
    hasher: RandomState,
}

impl KeyTable {
    /// The number of a key that is there.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.places.find(hash, |at| self.is_at(*at as usize, hash, key)).map(|at| *at as usize)
    }

    /// The number of `key`, and whether it is new.
    #[inline]
    pub fn insert(&mut self, key: &[u8]) -> (usize, bool) {
        let hash = self.hasher.hash_one(key);
        let found = self.places.find(hash, |at| self.is_at(*at as usize, hash, key));
        if let Some(at) = found {
            return (*at as usize, false);
        }
        let at = self.keys.len();
        self.bytes.extend_from_slice(key);
        self.keys.push((hash, self.bytes.len()));
        let keys = &self.keys;
        self.places.insert_unique(hash, at as u32, |at| keys[*at as usize].0);
        (at, true)
    }

    #[inline]
    fn is_at(&self, at: usize, hash: u64, key: &[u8]) -> bool {
        self.keys[at].0 == hash && self.key(at) == key
    }

    /// The key of a number.
    #[inline]
    pub fn key(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.keys[at - 1].1 };
        &self.bytes[start..self.keys[at].1]
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// What it costs in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity() + self.keys.len() * 24
    }

    pub fn clear(&mut self) {
        self.places.clear();
        self.keys.clear();
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_as_they_come() {
        let mut table = KeyTable::default();
        for round in 0..2 {
            for i in 0..5000usize {
                let key = format!("{i:x}");
                assert_eq!(table.insert(key.as_bytes()), (i, round == 0));
                assert_eq!(table.key(i), key.as_bytes());
            }
        }
        assert_eq!(table.find(b"ff"), Some(255));
        assert_eq!(table.find(b""), None);
        assert_eq!(table.insert(b""), (5000, true));
        table.clear();
        assert_eq!((table.len(), table.find(b"ff")), (0, None));
        assert_eq!(table.insert(b"ff"), (0, true));
    }
}
