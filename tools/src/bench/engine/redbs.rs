//! redb: a copy-on-write B-tree in Rust. It has no log: a commit that is not durable lies in memory until one is.

use super::api::{Engine, Memory, Reader, Writes};
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};
use std::path::Path;
use std::time::Instant;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("race");

struct Redb {
    db: Database,
}

fn text(error: impl Into<redb::Error>) -> String {
    error.into().to_string()
}

pub fn open(dir: &Path, memory: Memory) -> Result<Box<dyn Engine>, String> {
    let mut builder = Database::builder();
    builder.set_cache_size(memory.bytes as usize);
    let db = builder.create(dir.join("redb")).map_err(text)?;
    let create = db.begin_write().map_err(text)?;
    create.open_table(TABLE).map_err(text)?;
    create.commit().map_err(text)?;
    Ok(Box::new(Redb { db }))
}

impl Engine for Redb {
    fn write(&self, writes: &Writes, durable: bool) -> Result<(), String> {
        let mut commit = self.db.begin_write().map_err(text)?;
        commit
            .set_durability(if durable { Durability::Immediate } else { Durability::None })
            .map_err(|error| error.to_string())?;
        {
            let mut table = commit.open_table(TABLE).map_err(text)?;
            for (key, value) in writes.iter() {
                match value {
                    Some(value) => drop(table.insert(key, value).map_err(text)?),
                    None => drop(table.remove(key).map_err(text)?),
                }
            }
        }
        commit.commit().map_err(text)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>, String> {
        Ok(Box::new(RedbReader { db: &self.db, table: open_reader(&self.db)? }))
    }

    fn settle(&self) -> Result<Instant, String> {
        let mut commit = self.db.begin_write().map_err(text)?;
        commit.set_durability(Durability::Immediate).map_err(|error| error.to_string())?;
        commit.commit().map_err(text)?;
        Ok(Instant::now())
    }
}

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

fn open_reader(db: &Database) -> Result<Table, String> {
    db.begin_read().map_err(text)?.open_table(TABLE).map_err(text)
}

struct RedbReader<'a> {
    db: &'a Database,
    table: Table,
}

impl Reader for RedbReader<'_> {
    fn refresh(&mut self) -> Result<(), String> {
        self.table = open_reader(self.db)?;
        Ok(())
    }

    fn get(&mut self, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let found = self.table.get(key).map_err(text)?;
        if let Some(value) = &found {
            see(value.value());
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
        for pair in self.table.range(from..).map_err(text)?.take(limit) {
            let (key, value) = pair.map_err(text)?;
            see(key.value(), value.value());
            count += 1;
        }
        Ok(count)
    }
}
