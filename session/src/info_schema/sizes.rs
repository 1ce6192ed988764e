//! How large tables and their indexes are, about: what TABLES, STATISTICS and their SHOWs tell.

use crate::session::Session;
use crate::shared::SessionShared;
use aurora_catalog::{CatalogSnapshot, IndexDef, IndexState, StorageId, TableDef, storage_range};
use aurora_executor::{Host, IndexShape};
use aurora_txn::{Direction, Isolation, TxnMode, View};
use aurora_types::SqlResult;
use aurora_types::codec::key::decode_column;
use std::ops::Bound;
use std::sync::Arc;

/// Entries that are looked at one by one; what more there is, is told by its bytes.
const SAMPLED: u64 = 2_000;

/// About what a table takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableSize {
    pub rows: u64,
    /// The clustered index.
    pub data_bytes: u64,
    /// All others.
    pub index_bytes: u64,
}

impl TableSize {
    /// AVG_ROW_LENGTH.
    pub fn row_bytes(&self) -> u64 {
        self.data_bytes.checked_div(self.rows).unwrap_or(0)
    }
}

/// The beginning of an index.
struct Sample {
    /// All entries of the index were met.
    whole: bool,
    entries: u64,
    /// Distinct values of the first part, of the first two, and so on.
    distinct: Vec<u64>,
    last_key: Vec<u8>,
}

impl Session {
    /// What a table takes in storage, about.
    ///
    /// # Errors
    /// Failures of storage.
    pub(crate) fn table_size(&self, table: &TableDef) -> SqlResult<TableSize> {
        let catalog = &self.state.shared.catalog;
        let data_bytes = catalog.approximate_bytes(table.storage)?;
        let mut index_bytes = 0;
        for index in &table.indexes {
            if index.storage != table.storage && index.state != IndexState::SchemaOnly {
                index_bytes += catalog.approximate_bytes(index.storage)?;
            }
        }
        Ok(TableSize { rows: self.table_rows(table)?, data_bytes, index_bytes })
    }

    /// About how many rows a table has now.
    ///
    /// # Errors
    /// Failures of storage.
    pub(crate) fn table_rows(&self, table: &TableDef) -> SqlResult<u64> {
        self.state.shared.sampled_rows(table.storage)
    }

    /// How many distinct values the leading parts of an index have, one number a part: exact for small indexes, in
    /// proportion to its first entries for others. The table's rows for an index
    /// that storage does not hold.
    ///
    /// # Errors
    /// Failures of storage.
    pub(crate) fn cardinality(
        &self,
        table: &Arc<TableDef>,
        index: &IndexDef,
        catalog: &CatalogSnapshot,
    ) -> SqlResult<Vec<u64>> {
        let info = self.host_on(catalog).table_info(table)?;
        let mut shapes = std::iter::once(&info.clustered).chain(&info.indexes);
        let Some(shape) = shapes.find(|shape| shape.storage == index.storage) else {
            return Ok(vec![self.table_rows(table)?; index.parts.len()]);
        };
        let shared = &self.state.shared;
        let sample = shared.sample(index.storage, Some(shape))?;
        // An entry for each row: the table's size is the better guess, for its first rows are a larger part of it.
        let entries = if sample.whole { sample.entries } else { self.table_rows(table)?.max(sample.entries) };
        let parts = shape.parts.len();
        let counts = sample.distinct.iter().enumerate().map(|(at, &distinct)| {
            let unique = shape.unique && at + 1 == parts;
            match (sample.whole, unique) {
                (true, _) => distinct,
                (false, true) => entries,
                (false, false) => {
                    let scaled =
                        u128::from(distinct) * u128::from(entries) / u128::from(sample.entries.max(1));
                    u64::try_from(scaled).unwrap_or(entries).max(1)
                }
            }
        });
        Ok(counts.collect())
    }
}

impl SessionShared {
    /// About how many rows a table has: small ones are counted, of others the first rows and their share of the bytes
    /// tell.
    ///
    /// # Errors
    /// Failures of storage.
    pub(crate) fn sampled_rows(&self, storage: StorageId) -> SqlResult<u64> {
        let sample = self.sample(storage, None)?;
        self.entries(storage, &sample)
    }

    /// All entries of an index whose beginning is known.
    fn entries(&self, storage: StorageId, sample: &Sample) -> SqlResult<u64> {
        if sample.whole {
            return Ok(sample.entries);
        }
        let (start, end) = storage_range(storage);
        let store = self.catalog.manager().store();
        let bytes =
            |from: &[u8], to: &[u8]| store.approximate_bytes(from, to).map_err(aurora_txn::TxnError::from);
        let (met, all) = (bytes(&start, &sample.last_key)?, bytes(&start, &end)?);
        let scaled = u128::from(sample.entries) * u128::from(all) / u128::from(met.max(1));
        // Where what was met lies within one block, its share is unknown.
        let scaled = if met == 0 { sample.entries } else { u64::try_from(scaled).unwrap_or(u64::MAX) };
        Ok(scaled.max(sample.entries))
    }

    fn sample(&self, storage: StorageId, shape: Option<&IndexShape>) -> SqlResult<Sample> {
        let manager = self.catalog.manager();
        let txn = manager.begin(Isolation::ReadCommitted, TxnMode { read_only: true, ..TxnMode::default() });
        let (start, end) = storage_range(storage);
        let mut cursor =
            txn.scan(Bound::Included(&start), Bound::Excluded(&end), Direction::Forward, View::Snapshot)?;
        let parts = shape.map_or(&[][..], |shape| &shape.parts);
        let mut sample =
            Sample { whole: true, entries: 0, distinct: vec![0; parts.len()], last_key: Vec::new() };
        while cursor.advance()? {
            if sample.entries == SAMPLED {
                sample.whole = false;
                break;
            }
            sample.entries += 1;
            let key = cursor.key();
            let mut rest = key.get(start.len()..).unwrap_or_default();
            for (at, part) in parts.iter().enumerate() {
                if decode_column(&mut rest, &part.column).is_err() {
                    break;
                }
                let known = &key[..key.len() - rest.len()];
                if sample.entries == 1 || !sample.last_key.starts_with(known) {
                    sample.distinct[at] += 1;
                }
            }
            sample.last_key.clear();
            sample.last_key.extend_from_slice(key);
        }
        Ok(sample)
    }
}
