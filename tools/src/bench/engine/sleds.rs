//! sled 0.34. Its flush does not reach the disk (sync_file_range only), so that it has no part in durable commits.

use super::api::{Engine, Memory, Reader, Writes};
use std::path::Path;
use std::time::Instant;

struct Sled {
    db: sled::Db,
}

fn text(error: sled::Error) -> String {
    error.to_string()
}

pub fn open(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    let db = sled::Config::new().path(dir).cache_capacity(memory.bytes).open().map_err(text)?;
    Ok(Box::new(Sled { db }))
}

impl Engine for Sled {
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String> {
        if durable {
            return Err("sled cannot make a commit durable".into());
        }
        if writes.len() == 1 {
            for (key, value) in writes.iter() {
                match value {
                    Some(value) => self.db.insert(key, value).map_err(text)?,
                    None => self.db.remove(key).map_err(text)?,
                };
            }
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for (key, value) in writes.iter() {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(text)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>, String> {
        Ok(Box::new(SledReader { db: &self.db }))
    }

    fn settle(&self) -> Result<Instant, String> {
        self.db.flush().map_err(text)?;
        Ok(Instant::now())
    }
}

struct SledReader<'a> {
    db: &'a sled::Db,
}

impl Reader for SledReader<'_> {
    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let found = self.db.get(key).map_err(text)?;
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
        for pair in self.db.range(from..).take(limit) {
            let (key, value) = pair.map_err(text)?;
            see(&key, &value);
            count += 1;
        }
        Ok(count)
    }
}
