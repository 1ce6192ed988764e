//! Storage as lsm gives it.

use super::{
    CommitHooks, CommitTicket, Durability, ReadAt, Seq, SnapshotGuard, Store, StoreError, StoreIter,
    ValueBytes, Version, WriteBatch,
};
use crate::options::Direction;
use aurora_lsm::{CommitFields, Engine, LsmIter};
use std::ops::Bound;
use std::sync::Arc;

/// An engine below transactions.
pub struct EngineStore {
    engine: Arc<Engine>,
}

impl EngineStore {
    pub fn new(engine: Arc<Engine>) -> EngineStore {
        EngineStore { engine }
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

struct Iter {
    inner: LsmIter,
    direction: Direction,
}

impl StoreIter for Iter {
    fn advance(&mut self) -> Result<bool, StoreError> {
        match self.direction {
            Direction::Forward => self.inner.next(),
            Direction::Reverse => self.inner.prev(),
        }
    }

    fn key(&self) -> &[u8] {
        self.inner.key()
    }

    fn value(&self) -> &[u8] {
        self.inner.value()
    }

    fn max_seq(&self) -> Seq {
        self.inner.max_seq_met()
    }
}

impl Store for EngineStore {
    fn published(&self) -> Seq {
        self.engine.published()
    }

    fn get(&self, key: &[u8], at: ReadAt) -> Result<Option<Version>, StoreError> {
        let found = self.engine.lookup(key, at)?;
        Ok(found.map(|found| Version { seq: found.seq, value: found.value.map(ValueBytes::Pinned) }))
    }

    fn iter(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        at: ReadAt,
    ) -> Result<Box<dyn StoreIter>, StoreError> {
        Ok(Box::new(Iter { inner: self.engine.iter(lower, upper, at)?, direction }))
    }

    fn snapshot(&self) -> SnapshotGuard {
        SnapshotGuard::Engine(self.engine.snapshot())
    }

    fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, StoreError> {
        self.engine.approximate_bytes(start, end)
    }

    fn when_published(&self, seq: Seq) -> CommitTicket {
        self.engine.when_published(seq).into()
    }

    fn commit(
        &self,
        batch: &WriteBatch,
        durability: Durability,
        hooks: Arc<dyn CommitHooks>,
    ) -> Result<CommitTicket, StoreError> {
        Ok(self.engine.commit(batch, &CommitFields::new(), durability, hooks)?.into())
    }
}
