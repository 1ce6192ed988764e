//! Where a level's files end, laid out for a search.

use super::SstFile;
use std::sync::Arc;

/// The largest keys of a level's sorted files side by side: a search touches a few cache lines, where one over the files
/// themselves would follow three pointers at each step.
#[derive(Clone, Default)]
pub(super) struct Fences {
    keys: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
    /// Whether a file has range tombstones.
    pub(super) has_ranges: bool,
}

impl Fences {
    pub(super) fn new(files: &[Arc<SstFile>]) -> Fences {
        let largest = files.iter().map(|file| file.meta().largest.as_slice());
        let has_ranges = files.iter().any(|file| !file.cover().is_empty());
        Fences { has_ranges, ..Fences::of(largest) }
    }

    fn of<'a>(largest: impl Iterator<Item = &'a [u8]>) -> Fences {
        let mut fences = Fences::default();
        for key in largest {
            fences.keys.extend_from_slice(key);
            fences.ends.push(fences.keys.len());
        }
        fences
    }

    fn key(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[at]]
    }

    /// Number of files that end before `key`.
    #[inline]
    pub(super) fn before(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_agrees_with_a_count() {
        let keys: [&[u8]; 5] = [b"", b"b", b"bb", b"d", b"d"];
        for count in 0..=keys.len() {
            let fences = Fences::of(keys[..count].iter().copied());
            for key in [b"".as_slice(), b"a", b"b", b"ba", b"bb", b"c", b"d", b"da"] {
                let expected = keys[..count].iter().filter(|largest| **largest < key).count();
                assert_eq!(fences.before(key), expected, "{key:?} in {count}");
            }
        }
    }
}
