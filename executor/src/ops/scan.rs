//! Reading one table: the clustered range, ranges of an index, single keys; snapshot or locking reads.

use super::stored::{Stored, StoredColumns};
use super::wanted::Wanted;
use super::{Op, Row};
use crate::ranges::{ByteRange, byte_ranges, is_open_pattern};
use crate::runtime::Runtime;
use crate::shape::{IndexShape, TableInfo};
use aurora_expr::{EvalCtx, SessionInfo};
use aurora_planner::{Access, RowLock, Scan, WaitPolicy as PlanWait};
use aurora_txn::{Direction, Isolation, LockMode, Locked, TxnCursor, View, WaitPolicy};
use aurora_types::codec::key::{DecodedColumn, decode_column, reads_back};
use aurora_types::{BaseType, SqlError, SqlResult, Value};
use std::sync::Arc;

pub(crate) fn map_wait(wait: PlanWait) -> WaitPolicy {
    match wait {
        PlanWait::Wait => WaitPolicy::Wait,
        PlanWait::NoWait => WaitPolicy::NoWait,
        PlanWait::SkipLocked => WaitPolicy::SkipLocked,
    }
}

pub(super) struct TableScan<'a> {
    scan: &'a Scan,
    info: Arc<TableInfo>,
    columns: StoredColumns<'a>,
    /// Position among `info.indexes`; `None` is the clustered index.
    index: Option<usize>,
    /// What `index` is unless the values in hand make the whole table cheaper.
    planned: Option<usize>,
    /// The output comes out of the index entry alone: per output column, the key part that gives it.
    covering: Option<Vec<Covered>>,
    reverse: bool,
    ranges: Vec<ByteRange>,
    at: usize,
    /// The clustered key is given whole: a row or none.
    is_point: bool,
    cursor: Option<TxnCursor>,
    /// Key parts of the entry in hand.
    decoded: Vec<DecodedColumn>,
    row_key: Vec<u8>,
    entry_key: Vec<u8>,
    rows_read: u64,
}

#[derive(Clone, Copy)]
enum Covered {
    /// Part of the index key.
    Part(usize),
    /// Part of the clustered key that the entry ends with.
    Clustered(usize),
}

impl<'a> TableScan<'a> {
    /// `wanted`: the columns that are read above.
    pub fn new(scan: &'a Scan, wanted: Wanted, rt: &Runtime<'_>) -> SqlResult<TableScan<'a>> {
        let info = rt.host.table_info(&scan.table)?;
        let (index, reverse) = match &scan.access {
            Access::Full { reverse } => (None, *reverse),
            Access::Index(access) if access.index == info.clustered.id => (None, access.reverse),
            Access::Index(access) => {
                info.index(access.index)?;
                (info.indexes.iter().position(|index| index.id == access.index), access.reverse)
            }
        };
        // Where nobody reads a column, an entry says enough: the row is there.
        let is_unread = !scan.row_handle
            && scan.filter.is_none()
            && !(0..scan.columns.len()).any(|column| wanted.has(column));
        let covering = match (&scan.access, index) {
            (Access::Index(_), Some(_)) if is_unread && scan.lock.is_none() => Some(Vec::new()),
            (Access::Index(access), Some(at)) if access.covering && scan.lock.is_none() => {
                covered(scan, &info, &info.indexes[at])
            }
            _ => None,
        };
        let is_point = match &scan.access {
            Access::Index(access) => {
                access.unique_point
                    && access.ranges.len() == 1
                    && index.is_none()
                    && scan.lock.is_none()
                    && rt.txn.isolation() != Isolation::ReadUncommitted
            }
            Access::Full { .. } => false,
        };
        Ok(TableScan {
            is_point,
            scan,
            columns: StoredColumns::new(&info, &scan.columns, wanted, scan.filter.as_ref()),
            info,
            index,
            planned: index,
            covering,
            reverse,
            ranges: Vec::new(),
            at: 0,
            cursor: None,
            decoded: Vec::new(),
            row_key: Vec::new(),
            entry_key: Vec::new(),
            rows_read: 0,
        })
    }

    /// Whether [`TableScan::step`] gives all that [`Op::next`] gives.
    pub fn gives_stored(&self) -> bool {
        self.index.is_none() && !self.is_point && self.scan.lock.is_none() && !self.scan.row_handle
    }

    /// To the next stored row that passes the filter, where [`TableScan::gives_stored`]; `scratch` may be overwritten.
    pub fn step(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, scratch: &mut Row) -> SqlResult<bool> {
        while self.advance(rt)? {
            let Some(cursor) = &self.cursor else { break };
            if self.columns.take_all() || self.columns.passes(&self.info, cursor.value(), ctx, scratch)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The row that [`TableScan::step`] stands on.
    #[inline]
    pub fn stored<'v>(&'v self, session: &'v dyn SessionInfo) -> SqlResult<Stored<'v>> {
        self.columns.stored(&self.info, self.cursor.as_ref().map_or(&[], TxnCursor::value), session)
    }

    /// All columns that are read of the row that [`TableScan::step`] stands on.
    pub fn fill(&self, session: &dyn SessionInfo, row: &mut Row) -> SqlResult<()> {
        self.columns.fill(&self.info, &self.stored(session)?, row)
    }

    /// Some columns of the row that [`TableScan::step`] stands on.
    pub fn fill_some(&self, session: &dyn SessionInfo, columns: &[usize], row: &mut Row) -> SqlResult<()> {
        self.columns.fill_some(&self.info, &self.stored(session)?, columns, row)
    }

    fn shape(&self) -> &IndexShape {
        match self.index {
            Some(at) => &self.info.indexes[at],
            None => &self.info.clustered,
        }
    }

    /// Output columns of a stored row, and whether it passes the filter.
    fn give(&self, bytes: &[u8], ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        let handle = self.scan.row_handle.then_some(self.row_key.as_slice());
        self.columns.give(&self.info, bytes, handle, ctx, row)
    }

    /// The row that `row_key` names, read as the statement reads; `None` when it is not there, does not match, or is
    /// skipped. `entry`: the index entry that led here still has to be the row's.
    fn fetch(
        &self,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
        check_entry: bool,
        row: &mut Row,
    ) -> SqlResult<bool> {
        let Some(lock) = &self.scan.lock else {
            return match rt.txn.get(&self.row_key)? {
                Some(bytes) => self.give(&bytes, ctx, row),
                None => Ok(false),
            };
        };
        let (value, newly) = match lock_row(rt, &self.info, &self.row_key, lock)? {
            Locked::Row { value, newly } => (value, newly),
            Locked::Skipped => return Ok(false),
        };
        let matches = match &value {
            Some(bytes) => (!check_entry || self.is_entry_of(bytes, ctx)?) && self.give(bytes, ctx, row)?,
            None => false,
        };
        if !matches && newly {
            rt.txn.unlock_row(&self.row_key);
        }
        Ok(matches)
    }

    /// Whether the index entry in `entry_key` belongs to this version of the row (STORAGE 13).
    fn is_entry_of(&self, bytes: &[u8], ctx: &mut EvalCtx<'_>) -> SqlResult<bool> {
        let index = self.shape();
        let row = self.info.read_row(bytes, ctx.session.time_zone())?;
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let has_null = self.info.index_columns(index, &row, ctx, &mut key)?;
        self.info.finish_entry(index, has_null, &self.row_key, &mut key, &mut value);
        Ok(key == self.entry_key)
    }

    /// Fills `row` from the index entry that the cursor stands on; `false` where the entry does not hold the values.
    fn give_covered(&mut self, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        let (Some(columns), Some(cursor)) = (&self.covering, &self.cursor) else { return Ok(false) };
        if columns.is_empty() {
            row.clear();
            row.resize(self.scan.columns.len(), Value::Null);
            return Ok(true);
        }
        let index = match self.index {
            Some(at) => &self.info.indexes[at],
            None => &self.info.clustered,
        };
        let damaged = |_| crate::shape::internal(&format!("an entry of index `{}` is damaged", index.name));
        let decode = |mut key: &[u8], shape: &IndexShape, out: &mut Vec<DecodedColumn>| {
            for part in &shape.parts {
                out.push(decode_column(&mut key, &part.column).map_err(damaged)?);
            }
            Ok::<(), SqlError>(())
        };
        self.decoded.clear();
        decode(cursor.key().get(index.prefix.len()..).unwrap_or(&[]), index, &mut self.decoded)?;
        if columns.iter().any(|c| matches!(c, Covered::Clustered(_))) {
            self.info.row_of_entry(cursor.key(), cursor.value(), &mut self.row_key)?;
            let clustered = &self.info.clustered;
            let rest = self.row_key.get(clustered.prefix.len()..).unwrap_or(&[]);
            decode(rest, clustered, &mut self.decoded)?;
        }
        row.clear();
        for (column, position) in columns.iter().zip(&self.scan.columns) {
            let at = match column {
                Covered::Part(at) => *at,
                Covered::Clustered(at) => index.parts.len() + *at,
            };
            let Some(DecodedColumn::Value(value)) = self.decoded.get(at) else { return Ok(false) };
            row.push(match value {
                Value::DateTime(utc) if self.info.table.columns[*position].ty.base == BaseType::Timestamp => {
                    Value::DateTime(ctx.session.time_zone().datetime_from_utc(*utc))
                }
                other => other.clone(),
            });
        }
        Ok(true)
    }

    /// Brings the cursor to the next entry of the ranges; `false` behind the last one.
    #[inline]
    fn advance(&mut self, rt: &Runtime<'_>) -> SqlResult<bool> {
        loop {
            rt.tick()?;
            if let Some(cursor) = &mut self.cursor {
                if cursor.advance()? {
                    self.rows_read += 1;
                    return Ok(true);
                }
                self.cursor = None;
            }
            if !self.next_range(rt)? {
                return Ok(false);
            }
        }
    }

    /// The row of the clustered key that is given whole, once.
    fn next_point(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        rt.tick()?;
        let Some(range) = self.ranges.pop() else { return Ok(false) };
        self.row_key = range.start;
        let Some(bytes) = rt.txn.get_before_statement(&self.row_key)? else { return Ok(false) };
        self.rows_read += 1;
        self.give(&bytes, ctx, row)
    }

    /// Opens the cursor of the next range; `false` when there is none.
    fn next_range(&mut self, rt: &Runtime<'_>) -> SqlResult<bool> {
        let at = if self.reverse {
            match self.ranges.len().checked_sub(self.at + 1) {
                Some(at) => at,
                None => return Ok(false),
            }
        } else {
            self.at
        };
        let Some(range) = self.ranges.get(at) else { return Ok(false) };
        self.at += 1;
        let direction = if self.reverse { Direction::Reverse } else { Direction::Forward };
        let view = if self.scan.lock.is_some() { View::Current } else { View::Snapshot };
        if let Some(lock) = &self.scan.lock
            && rt.locks_ranges
            && rt.txn.isolation() >= Isolation::RepeatableRead
        {
            let mode = lock_mode(lock);
            rt.txn.lock_range(range.lower(), range.upper(), mode, map_wait(lock.wait))?;
        }
        self.cursor = Some(rt.txn.scan(range.lower(), range.upper(), direction, view)?);
        Ok(true)
    }
}

pub(crate) fn lock_mode(lock: &RowLock) -> LockMode {
    match lock.mode {
        aurora_planner::LockMode::Share => LockMode::Shared,
        aurora_planner::LockMode::Exclusive => LockMode::Exclusive,
    }
}

fn lock_row(rt: &Runtime<'_>, info: &TableInfo, key: &[u8], lock: &RowLock) -> SqlResult<Locked> {
    Ok(rt.txn.lock_get(info.lock_table(), key, lock_mode(lock), map_wait(lock.wait))?)
}

/// Which key parts give the output, when all of them can be read back from the key.
fn covered(scan: &Scan, info: &TableInfo, index: &IndexShape) -> Option<Vec<Covered>> {
    use crate::shape::PartSource;
    if scan.row_handle {
        return None;
    }
    let find = |shape: &IndexShape, position: usize| {
        shape.parts.iter().position(|part| {
            matches!(part.source, PartSource::Column(at) if at == position)
                && reads_back(&part.column.ty)
                && part.column.prefix.is_none()
        })
    };
    scan.columns
        .iter()
        .map(|position| {
            find(index, *position)
                .map(Covered::Part)
                .or_else(|| find(&info.clustered, *position).map(Covered::Clustered))
        })
        .collect()
}

impl Op for TableScan<'_> {
    fn open(&mut self, _: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.cursor = None;
        self.at = 0;
        let scan = self.scan;
        if !self.is_point {
            self.columns.prepare(&self.info, ctx);
        }
        self.ranges = match &scan.access {
            Access::Full { .. } => vec![ByteRange::prefix(&self.info.clustered.prefix)],
            Access::Index(access) => {
                self.index = self.planned;
                let ranges = byte_ranges(&access.ranges, self.shape(), ctx)?;
                let whole = self.index.is_some()
                    && self.covering.is_none()
                    && !access.ordered
                    && is_open_pattern(&access.ranges, &ranges, self.shape());
                if whole {
                    self.index = None;
                    vec![ByteRange::prefix(&self.info.clustered.prefix)]
                } else {
                    ranges
                }
            }
        };
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if self.is_point {
            return self.next_point(rt, ctx, row);
        }
        while self.advance(rt)? {
            let Some(cursor) = &self.cursor else { break };
            if self.index.is_none() {
                if self.scan.lock.is_some() || self.scan.row_handle {
                    self.row_key.clear();
                    self.row_key.extend_from_slice(cursor.key());
                }
                let found = match self.scan.lock {
                    Some(_) => self.fetch(rt, ctx, false, row)?,
                    None => self.give(cursor.value(), ctx, row)?,
                };
                if found {
                    return Ok(true);
                }
                continue;
            }
            if self.covering.is_some() && self.give_covered(ctx, row)? {
                match &self.scan.filter {
                    Some(filter) if !filter.eval_predicate(row, ctx)? => continue,
                    _ => return Ok(true),
                }
            }
            if let Some(cursor) = &self.cursor {
                self.entry_key.clear();
                self.entry_key.extend_from_slice(cursor.key());
                let mut row_key = std::mem::take(&mut self.row_key);
                self.info.row_of_entry(cursor.key(), cursor.value(), &mut row_key)?;
                self.row_key = row_key;
            }
            if self.fetch(rt, ctx, true, row)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rows_read(&self) -> u64 {
        self.rows_read
    }
}
