//! What plans know of tables: rows, distinct values of indexes, some rows. Looked up when a plan first asks, believed
//! until the table has changed much or the knowledge is old; plans that touch single rows ask for none of it.

use crate::session::Session;
use aurora_catalog::{CatalogSnapshot, IndexDef, StorageId, TableDef, storage_range};
use aurora_executor::Host;
use aurora_expr::SessionInfo;
use aurora_planner::{KeyRange, Statistics, TableSample};
use aurora_txn::{Direction, Isolation, TxnMode, View};
use aurora_types::{BaseType, SqlResult, TimeZone, Value, ValueRef};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

/// How long it is believed about a table that stays about as large, in microseconds.
const AGE_MICROS: i64 = 600_000_000;
/// Places of a table that rows are taken from, and how many from each.
const PLACES: u64 = 64;
const ROWS_A_PLACE: usize = 12;
/// Longer values are not kept.
const VALUE_BYTES: usize = 512;
/// Samples are a few hundred kilobytes each: beyond this many the oldest knowledge goes.
const TABLES_KEPT: usize = 256;

#[derive(Clone)]
struct Known<T> {
    value: T,
    rows: f64,
    at: i64,
}

/// What was looked up, by the storage of the index or table.
#[derive(Default)]
pub(crate) struct Samples {
    distinct: Mutex<HashMap<StorageId, Known<Arc<[f64]>>>>,
    rows: Mutex<HashMap<StorageId, Known<Arc<TableSample>>>>,
}

impl Samples {
    /// The table is to be looked at anew.
    pub fn forget(&self, table: &TableDef) {
        self.rows.lock().remove(&table.storage);
        let mut distinct = self.distinct.lock();
        for index in &table.indexes {
            distinct.remove(&index.storage);
        }
    }
}

fn find<T: Clone>(
    known: &Mutex<HashMap<StorageId, Known<T>>>,
    of: StorageId,
    rows: f64,
    now: i64,
) -> Option<T> {
    let known = known.lock();
    let found = known.get(&of)?;
    let alike = rows <= found.rows * 2.0 + 100.0 && found.rows <= rows * 2.0 + 100.0;
    (alike && (0..AGE_MICROS).contains(&(now - found.at))).then(|| found.value.clone())
}

fn keep<T>(
    known: &Mutex<HashMap<StorageId, Known<T>>>,
    of: StorageId,
    value: T,
    rows: f64,
    at: i64,
    most: usize,
) {
    let mut known = known.lock();
    if known.len() >= most && !known.contains_key(&of) {
        let oldest = known.iter().min_by_key(|(_, found)| found.at).map(|(storage, _)| *storage);
        oldest.map(|storage| known.remove(&storage));
    }
    known.insert(of, Known { value, rows, at });
}

/// The planner's view of the session's tables.
pub(crate) struct PlanStatistics<'a> {
    pub session: &'a Session,
    pub catalog: &'a CatalogSnapshot,
}

impl Statistics for PlanStatistics<'_> {
    fn rows(&self, table: &TableDef) -> Option<f64> {
        self.session.state.shared.table_rows(table).ok().map(|rows| rows as f64)
    }

    fn distinct(&self, table: &Arc<TableDef>, index: &IndexDef) -> Option<Arc<[f64]>> {
        let shared = &self.session.state.shared;
        let (rows, now) = (self.rows(table)?, shared.now_micros());
        if let Some(known) = find(&shared.samples.distinct, index.storage, rows, now) {
            return Some(known);
        }
        let counts = self.session.cardinality(table, index, self.catalog).ok()?;
        let counts: Arc<[f64]> = counts.into_iter().map(|count| (count as f64).max(1.0)).collect();
        keep(&shared.samples.distinct, index.storage, counts.clone(), rows, now, TABLES_KEPT * 16);
        Some(counts)
    }

    fn keys_in(
        &self,
        table: &Arc<TableDef>,
        index: &IndexDef,
        ranges: &[KeyRange],
        params: &[Value],
    ) -> Option<f64> {
        self.entries_in(table, index, ranges, params).ok().flatten()
    }

    fn sample(&self, table: &Arc<TableDef>) -> Option<Arc<TableSample>> {
        let shared = &self.session.state.shared;
        let (rows, now) = (self.rows(table)?, shared.now_micros());
        if let Some(known) = find(&shared.samples.rows, table.storage, rows, now) {
            return Some(known);
        }
        let sample = Arc::new(self.read(table, rows).ok()?);
        keep(&shared.samples.rows, table.storage, sample.clone(), rows, now, TABLES_KEPT);
        Some(sample)
    }
}

impl PlanStatistics<'_> {
    /// Rows from places at equal distances between the first and the last key.
    fn read(&self, table: &Arc<TableDef>, total: f64) -> SqlResult<TableSample> {
        let session = self.session;
        let info = session.host_on(self.catalog).table_info(table)?;
        let zone: &TimeZone = session.state.time_zone();
        let kept: Vec<bool> = table.columns.iter().map(|column| is_short(&column.ty.base)).collect();
        let columns: Vec<usize> = (0..kept.len()).filter(|at| kept[*at]).collect();
        let manager = session.state.shared.catalog.manager();
        let txn = manager.begin(Isolation::ReadCommitted, TxnMode { read_only: true, ..TxnMode::default() });
        let (start, end) = storage_range(table.storage);
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut last: Vec<u8> = Vec::new();
        let whole = total <= (PLACES as usize * ROWS_A_PLACE) as f64;
        let places = if whole { vec![start.clone()] } else { places(&txn, &start, &end)? };
        let most = if whole { usize::MAX } else { ROWS_A_PLACE };
        for place in &places {
            let from = if place.as_slice() <= last.as_slice() {
                Bound::Excluded(last.as_slice())
            } else {
                Bound::Included(place.as_slice())
            };
            let mut cursor = txn.scan(from, Bound::Excluded(&end), Direction::Forward, View::Snapshot)?;
            let mut taken = 0;
            while taken < most && rows.len() < 4 * PLACES as usize * ROWS_A_PLACE && cursor.advance()? {
                let view = info.view(cursor.value())?;
                let mut row = vec![Value::Null; kept.len()];
                for at in &columns {
                    row[*at] = cut(info.column(&view, *at, zone)?);
                }
                rows.push(row);
                taken += 1;
                last.clear();
                last.extend_from_slice(cursor.key());
            }
        }
        Ok(TableSample::new(rows, kept, total))
    }
}

fn is_short(base: &BaseType) -> bool {
    !matches!(base, BaseType::Json | BaseType::Geometry(_))
}

/// Long values are left out: nobody guesses by them.
fn cut(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Text(bytes) | ValueRef::Json(bytes) if bytes.len() > VALUE_BYTES => Value::Null,
        other => other.to_owned(),
    }
}

/// Keys at equal distances: those between the first and the last one, read as numbers.
fn places(txn: &aurora_txn::Txn, start: &[u8], end: &[u8]) -> SqlResult<Vec<Vec<u8>>> {
    let edge = |direction| -> SqlResult<Option<Vec<u8>>> {
        let mut cursor = txn.scan(Bound::Included(start), Bound::Excluded(end), direction, View::Snapshot)?;
        Ok(if cursor.advance()? { Some(cursor.key().to_vec()) } else { None })
    };
    let (Some(first), Some(last)) = (edge(Direction::Forward)?, edge(Direction::Reverse)?) else {
        return Ok(Vec::new());
    };
    Ok(between(&first, &last))
}

fn between(first: &[u8], last: &[u8]) -> Vec<Vec<u8>> {
    let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(&key[common..]) {
            *to = *from;
        }
        u64::from_be_bytes(bytes)
    };
    let (low, high) = (number(first), number(last));
    let distance = u128::from(high.saturating_sub(low));
    let mut keys = vec![first.to_vec()];
    for place in 1..PLACES {
        let at = low + u64::try_from(distance * u128::from(place) / u128::from(PLACES)).unwrap_or(0);
        let mut key = first[..common].to_vec();
        key.extend_from_slice(&at.to_be_bytes());
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_between_the_edges() {
        let keys = between(&[7, 7, 0, 0, 0, 10], &[7, 7, 0, 1, 0, 10]);
        assert_eq!(keys.len(), PLACES as usize);
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
        assert!(keys.iter().all(|key| key.as_slice() < [7, 7, 0, 1, 0, 10].as_slice()));
        assert_eq!(between(&[1, 2], &[1, 2]).len(), PLACES as usize);
    }
}
