//! One row by its key: from the stored bytes to the client, no operator in between.

use crate::ops::{count_of, map_wait};
use crate::ranges::{Fit, fit};
use crate::runtime::Runtime;
use crate::shape::{IndexShape, TableInfo, put_part};
use aurora_catalog::IndexId;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::{PointGet, Projection, RowLock};
use aurora_txn::{LockMode, Locked, ValueBytes, WaitPolicy};
use aurora_types::{RowSink, SqlResult, Value, ValueRef};

/// The storage key of `key` in `index`; `false` when nothing can be equal to it.
fn key_bytes(index: &IndexShape, key: &[Expr], ctx: &mut EvalCtx<'_>, out: &mut Vec<u8>) -> SqlResult<bool> {
    out.clear();
    out.extend_from_slice(&index.prefix);
    for (expr, part) in key.iter().zip(&index.parts) {
        let value = expr.eval(&[], ctx)?;
        match fit(&value, &part.column, ctx) {
            Fit::Exact(value) => put_part(&value, &part.column, ctx.session.time_zone(), out)?,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Finds a row by a unique key and leaves its clustered key in `row_key`. With `lock` the row is locked and read
/// newest, and so is the absence of one.
pub(crate) fn find(
    rt: &Runtime<'_>,
    info: &TableInfo,
    index: IndexId,
    key: &[Expr],
    lock: Option<&RowLock>,
    ctx: &mut EvalCtx<'_>,
    row_key: &mut Vec<u8>,
) -> SqlResult<Option<(ValueBytes, bool)>> {
    let index = info.index(index)?;
    if !key_bytes(index, key, ctx, row_key)? {
        return Ok(None);
    }
    let is_clustered = index.id == info.clustered.id;
    let Some(lock) = lock else {
        if is_clustered {
            return Ok(rt.txn.get_once(row_key)?.map(|bytes| (bytes, false)));
        }
        let Some(entry) = rt.txn.get(row_key)? else { return Ok(None) };
        let entry_key = std::mem::take(row_key);
        info.row_of_entry(&entry_key, &entry, row_key)?;
        return Ok(rt.txn.get(row_key)?.map(|bytes| (bytes, false)));
    };
    let mode = match lock.mode {
        aurora_planner::LockMode::Share => LockMode::Shared,
        aurora_planner::LockMode::Exclusive => LockMode::Exclusive,
    };
    let policy = map_wait(lock.wait);
    if !is_clustered {
        // The entry's name first, so that a row with this key cannot come or go.
        let Locked::Row { value, .. } = rt.txn.lock_get(info.lock_table(), row_key, mode, policy)? else {
            return Ok(None);
        };
        let Some(entry) = value else { return Ok(None) };
        let entry_key = std::mem::take(row_key);
        info.row_of_entry(&entry_key, &entry, row_key)?;
    }
    match rt.txn.lock_get(info.lock_table(), row_key, mode, policy)? {
        Locked::Row { value: Some(bytes), newly } => Ok(Some((bytes, newly))),
        _ => Ok(None),
    }
}

/// The lock that UPDATE and DELETE take.
pub(crate) const FOR_WRITE: RowLock =
    RowLock { mode: aurora_planner::LockMode::Exclusive, wait: aurora_planner::WaitPolicy::Wait };

/// Runs a point read into the sink; rows given.
pub(crate) fn get(
    rt: &Runtime<'_>,
    plan: &PointGet,
    ctx: &mut EvalCtx<'_>,
    give: &mut dyn FnMut(&[ValueRef<'_>]) -> SqlResult<()>,
) -> SqlResult<u64> {
    if let Some((count, offset)) = &plan.limit {
        let skipped = match offset {
            Some(offset) => count_of(offset, ctx)? > 0,
            None => false,
        };
        if skipped || count_of(count, ctx)? == 0 {
            return Ok(0);
        }
    }
    let info = rt.host.table_info(&plan.table)?;
    let mut row_key = Vec::with_capacity(32);
    let found = find(rt, &info, plan.index, &plan.key, plan.lock.as_ref(), ctx, &mut row_key)?;
    let Some((bytes, newly)) = found else { return Ok(0) };
    let needs_row = plan.filter.is_some() || matches!(plan.projection, Projection::Expressions(_));
    let row: Vec<Value> =
        if needs_row { info.read_row(&bytes, ctx.session.time_zone())? } else { Vec::new() };
    if let Some(filter) = &plan.filter
        && !filter.eval_predicate(&row, ctx)?
    {
        if newly {
            rt.txn.unlock_row(&row_key);
        }
        return Ok(0);
    }
    match &plan.projection {
        Projection::Columns(columns) => {
            let view = info.view(&bytes)?;
            let zone = ctx.session.time_zone();
            let mut cells = Vec::with_capacity(columns.len());
            for at in columns {
                cells.push(info.column(&view, *at, zone)?);
            }
            give(&cells)?;
        }
        Projection::Expressions(exprs) => {
            let mut values = Vec::with_capacity(exprs.len());
            for expr in exprs {
                values.push(expr.eval(&row, ctx)?);
            }
            let cells: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
            give(&cells)?;
        }
    }
    Ok(1)
}

/// How checks inside of writes wait for a lock.
pub(crate) const CHECK_WAIT: WaitPolicy = WaitPolicy::Wait;

/// A sink that forgets.
pub(crate) struct NoSink;

impl RowSink for NoSink {
    fn begin(&mut self, _: &[aurora_types::ColumnMeta]) -> SqlResult<()> {
        Ok(())
    }
    fn row(&mut self, _: &[ValueRef<'_>]) -> SqlResult<bool> {
        Ok(false)
    }
    fn end(&mut self, _: &aurora_types::StatementStatus) -> SqlResult<()> {
        Ok(())
    }
}
