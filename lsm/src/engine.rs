//! The façade.

use crate::batch::WriteBatch;
use crate::data_dir::DataDir;
use crate::error::{LsmError, Result};
use crate::iter::LsmIter;
use crate::options::EngineOptions;
use crate::snapshot::Snapshot;
use crate::ticket::{CommitHooks, CommitTicket};
use crate::types::{CommitFields, Durability, Lsn, ReadAt, Seq};
use crate::value::{Lookup, PinnedValue};
use aurora_env::{Env, Sealing};
use std::ops::Bound;
use std::sync::Arc;

/// An ordered, versioned, crash-safe byte map.
pub struct Engine {
    _private: (),
}

impl Engine {
    pub fn open(
        _dir: DataDir,
        _options: EngineOptions,
        _env: Env,
        _sealing: Arc<dyn Sealing>,
    ) -> Result<Arc<Engine>> {
        Err(LsmError::NotSupported("opening"))
    }

    /// Every lower seq is inserted, and durable at its level. One load.
    pub fn published(&self) -> Seq {
        Seq::ZERO
    }

    /// The newest version at `at`, tombstones included; `None`: never written (or long collected).
    pub fn lookup(&self, _key: &[u8], _at: ReadAt) -> Result<Option<Lookup>> {
        Err(LsmError::NotSupported("lookup"))
    }

    pub fn get(&self, key: &[u8], at: ReadAt) -> Result<Option<PinnedValue>> {
        Ok(self.lookup(key, at)?.and_then(|found| found.value))
    }

    /// Many lookups; answers in the order of the keys.
    pub fn multi_get(&self, keys: &[&[u8]], at: ReadAt) -> Result<Vec<Option<Lookup>>> {
        keys.iter().map(|key| self.lookup(key, at)).collect()
    }

    /// An owned iterator over visible entries within the bounds.
    pub fn iter(&self, _lower: Bound<&[u8]>, _upper: Bound<&[u8]>, _at: ReadAt) -> Result<LsmIter> {
        Err(LsmError::NotSupported("iter"))
    }

    pub fn snapshot(&self) -> Snapshot {
        crate::snapshot::SnapshotRegistry::new(Seq::ZERO).take()
    }

    /// Resolves once `published` ≥ `seq`.
    pub fn when_published(&self, seq: Seq) -> CommitTicket {
        CommitTicket::ready(seq, Lsn(0))
    }

    /// Takes a seq and log space in one step, inserts, calls `hooks.inserted`, and returns; see [`CommitHooks`].
    ///
    /// # Errors
    /// Nothing was written: disk full, log failed, closed, batch too large.
    pub fn commit(
        &self,
        _batch: &WriteBatch,
        _fields: &CommitFields,
        _durability: Durability,
        _hooks: Arc<dyn CommitHooks>,
    ) -> Result<CommitTicket> {
        Err(LsmError::NotSupported("commit"))
    }
}
