//! RocksDB, tuned as its wiki advises for a store of this size.

use super::api::{Engine, Memory, Reader, Writes};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, Options, ReadOptions, WriteBatch, WriteOptions,
};
use std::path::Path;
use std::time::{Duration, Instant};

/// All 0: nothing is due.
const WORK_AHEAD: [&str; 4] = [
    "rocksdb.mem-table-flush-pending",
    "rocksdb.num-running-flushes",
    "rocksdb.compaction-pending",
    "rocksdb.num-running-compactions",
];

struct Rocks {
    db: DB,
}

fn text(error: rocksdb::Error) -> String {
    error.to_string()
}

pub fn open(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    let mut blocks = BlockBasedOptions::default();
    // Index and filters stay outside of the cache, as ours do.
    blocks.set_block_cache(&Cache::new_lru_cache(memory.cache_bytes() as usize));
    blocks.set_block_size(16 << 10);
    blocks.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(memory.buffer_bytes() as usize);
    options.set_max_write_buffer_number(Memory::BUFFERS as i32);
    options.set_target_file_size_base(memory.table_bytes());
    options.set_max_bytes_for_level_base(memory.level_base_bytes());
    options.set_max_bytes_for_level_multiplier(Memory::LEVEL_RATIO as f64);
    options.set_level_zero_file_num_compaction_trigger(Memory::LEVEL0_TABLES as i32);
    options.set_max_background_jobs(4);
    options.set_bytes_per_sync(1 << 20);
    let db = DB::open(&options, dir).map_err(text)?;
    Ok(Box::new(Rocks { db }))
}

impl Rocks {
    fn property(&self, name: &str) -> u64 {
        self.db.property_int_value(name).ok().flatten().unwrap_or(0)
    }
}

impl Engine for Rocks {
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String> {
        let mut batch = WriteBatch::default();
        for (key, value) in writes.iter() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        self.db.write_opt(batch, &options).map_err(text)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>, String> {
        Ok(Box::new(RocksReader { db: &self.db }))
    }

    fn settle(&self) -> Result<Instant, String> {
        self.db.flush().map_err(text)?;
        while WORK_AHEAD.iter().any(|name| self.property(name) > 0) {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(Instant::now())
    }

    fn levels(&self) -> Option<usize> {
        let files = |level: &usize| {
            let text = self.db.property_value(&format!("rocksdb.num-files-at-level{level}")).ok().flatten();
            text.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Some((0..7).filter(|level| files(level) > 0).count())
    }
}

struct RocksReader<'a> {
    db: &'a DB,
}

impl Reader for RocksReader<'_> {
    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let found = self.db.get_pinned(key).map_err(text)?;
        if let Some(value) = &found {
            see(value);
        }
        Ok(found.is_some())
    }

    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        see: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<usize, String> {
        let mut iter = self.db.raw_iterator_opt(ReadOptions::default());
        iter.seek(from);
        let mut count = 0;
        while count < limit
            && let Some((key, value)) = iter.item()
        {
            see(key, value);
            count += 1;
            iter.next();
        }
        iter.status().map_err(text)?;
        Ok(count)
    }
}
