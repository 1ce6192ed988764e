//! Walks a table in both directions.

use super::table::Table;
use crate::error::Result;
use crate::types::{EntryKind, Seq};
use crate::value::PinnedValue;
use std::sync::Arc;

/// All entries of a table, all versions, range tombstones not applied. Owns what it stands on. Every move says
/// whether it stands on an entry then; after an error it stands nowhere.
pub(crate) struct TableIter {
    _table: Arc<Table>,
}

impl TableIter {
    pub(super) fn new(table: Arc<Table>, _fill_cache: bool) -> TableIter {
        TableIter { _table: table }
    }

    /// To the first entry ≥ (`user_key`, `seq`): of this key, the newest version that is not newer than `seq`.
    pub(crate) fn seek(&mut self, _user_key: &[u8], _seq: Seq) -> Result<bool> {
        Ok(false)
    }

    /// To the last entry ≤ (`user_key`, `seq`): of this key, the oldest version that is not older than `seq`.
    pub(crate) fn seek_for_prev(&mut self, _user_key: &[u8], _seq: Seq) -> Result<bool> {
        Ok(false)
    }

    pub(crate) fn seek_to_first(&mut self) -> Result<bool> {
        Ok(false)
    }

    pub(crate) fn seek_to_last(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// To the next entry. Only where valid.
    #[allow(clippy::should_implement_trait)]
    pub(crate) fn next(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// To the entry before. Only where valid.
    pub(crate) fn prev(&mut self) -> Result<bool> {
        Ok(false)
    }

    pub(crate) fn valid(&self) -> bool {
        false
    }

    /// Empty where not valid; so are the others.
    pub(crate) fn user_key(&self) -> &[u8] {
        &[]
    }

    pub(crate) fn seq(&self) -> Seq {
        Seq::ZERO
    }

    pub(crate) fn kind(&self) -> EntryKind {
        EntryKind::Delete
    }

    pub(crate) fn value(&self) -> &[u8] {
        &[]
    }

    /// The value, still where it lies when the iterator has moved on.
    pub(crate) fn pinned_value(&self) -> PinnedValue {
        PinnedValue::whole(Arc::from(&[][..]))
    }
}
