//! fjall: a log-structured tree in Rust.

use super::api::{Engine, Memory, Reader, Writes};
use fjall::compaction::Leveled;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Its workers take up compactions a moment after a flush: only what stays quiet for so long is settled.
const QUIET: Duration = Duration::from_millis(60);

struct Fjall {
    db: Database,
    keys: Keyspace,
}

fn text(error: fjall::Error) -> String {
    error.to_string()
}

pub fn open(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    // Writers wait for flushes at four full buffers: its own rule.
    let db = Database::builder(dir).cache_size(memory.cache_bytes()).open().map_err(text)?;
    // Its first level below 0 holds as much as the tables that fill level 0.
    let levels = Leveled::default()
        .with_l0_threshold(Memory::LEVEL0_TABLES as u8)
        .with_table_target_size(memory.table_bytes())
        .with_level_ratio_policy(vec![Memory::LEVEL_RATIO as f32]);
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(memory.buffer_bytes())
            .compaction_strategy(Arc::new(levels))
    };
    let keys = db.keyspace("race", options).map_err(text)?;
    Ok(Box::new(Fjall { db, keys }))
}

impl Engine for Fjall {
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String> {
        let mode = if durable { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.db.batch().durability(Some(mode));
        for (key, value) in writes.iter() {
            match value {
                Some(value) => batch.insert(&self.keys, key, value),
                None => batch.remove(&self.keys, key),
            }
        }
        batch.commit().map_err(text)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>, String> {
        Ok(Box::new(FjallReader { keys: &self.keys }))
    }

    fn settle(&self) -> Result<Instant, String> {
        self.keys.rotate_memtable_and_wait().map_err(text)?;
        let mut quiet_since = Instant::now();
        let mut compactions = self.db.compactions_completed();
        while quiet_since.elapsed() < QUIET {
            std::thread::sleep(Duration::from_millis(2));
            let completed = self.db.compactions_completed();
            let busy = self.db.active_compactions() > 0
                || self.db.outstanding_flushes() > 0
                || self.keys.sealed_memtable_count() > 0;
            if busy || completed != compactions {
                quiet_since = Instant::now();
                compactions = completed;
            }
        }
        Ok(quiet_since)
    }
}

struct FjallReader<'a> {
    keys: &'a Keyspace,
}

impl Reader for FjallReader<'_> {
    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let found = self.keys.get(key).map_err(text)?;
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
        let mut count = 0;
        for pair in self.keys.range(from..).take(limit) {
            let (key, value) = pair.into_inner().map_err(text)?;
            see(&key, &value);
            count += 1;
        }
        Ok(count)
    }
}
