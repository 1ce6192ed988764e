//! Our engine, as the server opens it.

use super::api::{Engine, Memory, Reader, Writes};
use aurora_encryption::{EncryptedSealing, KeyRing, KeySource};
use aurora_env::{PlainSealing, RealEnv, Sealing};
use aurora_lsm::{CommitFields, DataDir, Durability, EngineOptions, NoHooks, ReadAt, WriteBatch};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Ours {
    engine: Arc<aurora_lsm::Engine>,
    options: EngineOptions,
    fields: CommitFields,
}

pub fn open_encrypted(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    open(dir, memory, true)
}

pub fn open_plain(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    open(dir, memory, false)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn open(dir: &Path, memory: Memory, encrypted: bool) -> Result<Box<dyn Engine>, String> {
    let env = RealEnv::new();
    let data = DataDir::open(dir, &env).map_err(text)?;
    let instance = data.instance_id();
    let sealing: Arc<dyn Sealing> = if encrypted {
        let ring = KeyRing::open_or_create(&dir.join("keys"), &env, instance, &KeySource::DataFolder);
        Arc::new(EncryptedSealing::new(Arc::new(ring.map_err(text)?), env.entropy.clone()))
    } else {
        Arc::new(PlainSealing::new(instance, env.entropy.clone()))
    };
    let options = EngineOptions {
        memtable_bytes: memory.buffer_bytes() as usize,
        immutable_memtables_max: Memory::BUFFERS as usize - 1,
        block_cache_bytes: memory.cache_bytes(),
        table_bytes: memory.table_bytes(),
        level_base_bytes: memory.level_base_bytes(),
        level_ratio: Memory::LEVEL_RATIO,
        l0_compaction_files: Memory::LEVEL0_TABLES,
        ..EngineOptions::default()
    };
    let engine = aurora_lsm::Engine::open(data, options.clone(), env, sealing).map_err(text)?;
    Ok(Box::new(Ours { engine, options, fields: CommitFields::new() }))
}

impl Ours {
    /// No memtable waits, and no level is above its target.
    fn is_quiet(&self) -> bool {
        let stats = self.engine.stats();
        let mut target = self.options.level_base_bytes;
        let mut quiet = stats.immutable_memtables == 0;
        // The deepest level may hold anything.
        let above = stats.levels.len().saturating_sub(1);
        for (level, &(files, bytes)) in stats.levels.iter().enumerate().take(above) {
            if level == 0 {
                quiet &= files < self.options.l0_compaction_files;
                continue;
            }
            quiet &= bytes < target;
            target = target.saturating_mul(self.options.level_ratio);
        }
        quiet
    }
}

impl Engine for Ours {
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String> {
        let mut batch = WriteBatch::new();
        batch.reserve(writes.user_bytes() as usize + 8 * writes.len());
        for (key, value) in writes.iter() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        let durability = if durable { Durability::Synced } else { Durability::Written };
        // As the server does for a connection that is alone: this thread has nothing else to do.
        aurora_env::lend_thread(|| {
            let ticket = self.engine.commit(&batch, &self.fields, durability, Arc::new(NoHooks))?;
            ticket.wait_blocking()
        })
        .map_err(text)?;
        Ok(())
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>, String> {
        Ok(Box::new(OurReader { engine: &self.engine }))
    }

    fn settle(&self) -> Result<Instant, String> {
        self.engine.flush().map_err(text)?;
        while !self.is_quiet() {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(Instant::now())
    }

    fn levels(&self) -> Option<usize> {
        Some(self.engine.stats().levels.iter().filter(|(files, _)| *files > 0).count())
    }
}

struct OurReader<'a> {
    engine: &'a aurora_lsm::Engine,
}

impl Reader for OurReader<'_> {
    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let found = self.engine.get(key, ReadAt::Published).map_err(text)?;
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
        let bounds = (Bound::Included(from), Bound::Unbounded);
        let mut iter = self.engine.iter(bounds.0, bounds.1, ReadAt::Published).map_err(text)?;
        let mut count = 0;
        while count < limit && iter.next().map_err(text)? {
            see(iter.key(), iter.value());
            count += 1;
        }
        Ok(count)
    }
}
