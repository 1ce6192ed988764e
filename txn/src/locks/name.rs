//! What a lock is on.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Names of different kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockName<'a> {
    Database(u64),
    Table(u64),
    /// A granule of a key range, `page` counted by whoever fixed its borders (STORAGE 16).
    Page {
        storage: u64,
        page: u64,
    },
    /// A user key: the row's in the clustered index, or the columns of a unique entry (STORAGE 13).
    Row(&'a [u8]),
    /// The end of a transaction, for those who wait for its writes.
    Transaction(u64),
}

/// An owned name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockId {
    Database(u64),
    Table(u64),
    Page { storage: u64, page: u64 },
    Row(Arc<[u8]>),
    Transaction(u64),
}

impl LockName<'_> {
    pub(crate) fn to_id(self) -> LockId {
        match self {
            LockName::Database(id) => LockId::Database(id),
            LockName::Table(id) => LockId::Table(id),
            LockName::Page { storage, page } => LockId::Page { storage, page },
            LockName::Row(key) => LockId::Row(Arc::from(key)),
            LockName::Transaction(id) => LockId::Transaction(id),
        }
    }

    pub(crate) fn hash_with(self, state: &foldhash::fast::FixedState) -> u64 {
        let mut hasher = std::hash::BuildHasher::build_hasher(state);
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl LockId {
    pub fn name(&self) -> LockName<'_> {
        match self {
            LockId::Database(id) => LockName::Database(*id),
            LockId::Table(id) => LockName::Table(*id),
            LockId::Page { storage, page } => LockName::Page { storage: *storage, page: *page },
            LockId::Row(key) => LockName::Row(key),
            LockId::Transaction(id) => LockName::Transaction(*id),
        }
    }
}
