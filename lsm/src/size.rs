//! How much a range of keys takes, without reading it.

use crate::engine::Engine;
use crate::error::Result;
use crate::memtable::Memtable;
use crate::types::Seq;
use std::sync::Arc;

/// Entries of a memtable that are counted one by one; of a range that has more, the skip list's levels tell how many.
const COUNTED_ENTRIES: usize = 1_000;

impl Engine {
    /// Bytes that the keys of `lower..upper` take: on disk as stored, to the next data block, older versions included;
    /// in memory as they are. Reads index blocks only.
    ///
    /// # Errors
    /// When an index block cannot be read.
    pub fn approximate_bytes(&self, lower: &[u8], upper: &[u8]) -> Result<u64> {
        let view = self.core.views.load();
        let mut bytes = 0;
        for mem in std::iter::once(&view.mem).chain(&view.immutables) {
            bytes += in_memory(mem, lower, upper);
        }
        for file in view.version.levels.iter().flatten() {
            let meta = file.meta();
            if meta.largest.as_slice() < lower || upper <= meta.smallest.as_slice() {
                continue;
            }
            let inside = lower <= meta.smallest.as_slice() && meta.largest.as_slice() < upper;
            bytes += if inside {
                meta.file_bytes
            } else {
                let table = file.table();
                table.offset_of(upper)?.saturating_sub(table.offset_of(lower)?)
            };
        }
        Ok(bytes)
    }
}

fn in_memory(mem: &Arc<Memtable>, lower: &[u8], upper: &[u8]) -> u64 {
    let mut cursor = mem.cursor();
    cursor.seek(lower, Seq::MAX);
    let mut bytes = 0;
    for _ in 0..COUNTED_ENTRIES {
        if !cursor.valid() || cursor.key() >= upper {
            return bytes as u64;
        }
        bytes += cursor.key().len() + cursor.value().len();
        cursor.next();
    }
    let entries = mem.about_between(lower, upper).max(COUNTED_ENTRIES as u64);
    bytes as u64 * entries / COUNTED_ENTRIES as u64
}

#[cfg(test)]
mod tests {
    use crate::tests::{Machine, commit, small};
    use crate::{Durability, Engine, EngineOptions};

    fn fill(engine: &Engine, table: u8, rows: u32) {
        commit(engine, Durability::Buffered, |batch| {
            for row in 0..rows {
                let [a, b, c, d] = row.to_be_bytes();
                let value: Vec<u8> =
                    (0..95u32).map(|at| (row.wrapping_mul(2_654_435_761) >> (at % 24)) as u8).collect();
                batch.put(&[table, a, b, c, d], &value);
            }
        })
        .unwrap();
    }

    #[test]
    fn long_ranges_of_memory_are_told_by_levels() {
        let machine = Machine::new(12);
        let engine = machine
            .open(&EngineOptions { memtable_bytes: 64 << 20, wal_bytes_max: 64 << 20, ..small() })
            .unwrap();
        fill(&engine, 1, 50_000);
        fill(&engine, 2, 3_000);
        for (lower, upper, rows) in [
            (&[1][..], &[2][..], 50_000),
            (&[2], &[3], 3_000),
            (&[1, 0, 0, 100, 0], &[1, 0, 0, 110, 0], 2_560),
            (&[1, 0, 0, 100, 0], &[1, 0, 0, 103, 0], 768),
            (&[3], &[4], 0),
        ] {
            let bytes = engine.approximate_bytes(lower, upper).unwrap();
            assert!((rows * 75..=rows * 125).contains(&bytes), "{rows} rows: {bytes}");
        }
    }

    #[test]
    fn ranges_have_their_share_in_memory_and_in_files() {
        let machine = Machine::new(11);
        let engine = machine.open(&EngineOptions { memtable_bytes: 1 << 20, ..small() }).unwrap();
        fill(&engine, 1, 300);
        fill(&engine, 2, 100);
        let size = |lower: &[u8], upper: &[u8]| engine.approximate_bytes(lower, upper).unwrap();
        assert_eq!((size(&[1], &[2]), size(&[2], &[3])), (30_000, 10_000));
        for round in 0..3 {
            let (first, second) = (size(&[1], &[2]), size(&[2], &[3]));
            assert!((second * 2..second * 4).contains(&first), "round {round}: {first}, {second}");
            assert_eq!([size(&[3], &[4]), size(&[0], &[1])], [0; 2], "round {round}");
            let half = size(&[1, 0, 0, 0, 150], &[2]);
            assert!((first * 2 / 5..first * 3 / 5).contains(&half), "round {round}: {half} of {first}");
            match round {
                0 => engine.flush().unwrap(),
                _ => engine.compact().unwrap(),
            }
        }
    }
}
