//! DELETE.

use super::row::RowWriter;
use super::{Changes, ignored};
use crate::ops::{self, Row};
use crate::point::{FOR_WRITE, find};
use crate::runtime::Runtime;
use aurora_expr::EvalCtx;
use aurora_planner::{DeletePlan, Operator, PointDelete};
use aurora_txn::ValueBytes;
use aurora_types::{SqlResult, Value};
use std::collections::HashSet;

/// Runs a DELETE from any number of tables.
pub(crate) fn delete(rt: &Runtime<'_>, plan: &DeletePlan, ctx: &mut EvalCtx<'_>) -> SqlResult<Changes> {
    ctx.strict_dml = ctx.sql_mode.is_strict() && !plan.ignore;
    let mut changes = Changes::default();
    let mut writers = Vec::with_capacity(plan.targets.len());
    for target in &plan.targets {
        writers.push(RowWriter::new(rt, rt.host.table_info(&target.table)?));
    }
    let simple = plan.targets.len() == 1 && matches!(plan.source.operator, Operator::Scan(_));
    let mut seen: Vec<HashSet<Vec<u8>>> = vec![HashSet::new(); plan.targets.len()];
    let rows = if simple && !plan.buffered { None } else { Some(ops::collect(&plan.source, rt, ctx)?) };
    let mut handle_row = |row: &Row, changes: &mut Changes, ctx: &mut EvalCtx<'_>| -> SqlResult<()> {
        for (number, target) in plan.targets.iter().enumerate() {
            let Some(Value::Text(handle)) = row.get(target.handle) else { continue };
            if !simple && !seen[number].insert(handle.as_bytes().to_vec()) {
                continue;
            }
            let writer = &mut writers[number];
            // Newest, own writes included: a cascade may have taken it already.
            let Some(bytes) = rt.txn.get_current(handle.as_bytes())? else { continue };
            match remove(writer, handle.as_bytes(), &bytes, ctx) {
                Ok(()) => {
                    changes.found += 1;
                    changes.affected += 1;
                }
                Err(error) => ignored(error, plan.ignore, ctx.diagnostics)?,
            }
        }
        Ok(())
    };
    match rows {
        Some(rows) => {
            for row in &rows {
                handle_row(row, &mut changes, ctx)?;
            }
        }
        None => {
            let mut op = ops::build(&plan.source, rt)?;
            op.open(rt, ctx)?;
            let mut row = Row::new();
            while op.next(rt, ctx, &mut row)? {
                handle_row(&row, &mut changes, ctx)?;
            }
        }
    }
    Ok(changes)
}

fn remove(
    writer: &mut RowWriter<'_, '_>,
    row_key: &[u8],
    bytes: &ValueBytes,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    let old = writer.info.read_row(bytes, ctx.session.time_zone())?;
    writer.delete(row_key, &old, 0, ctx)
}

/// Runs a DELETE of one row by its key.
pub(crate) fn point_delete(
    rt: &Runtime<'_>,
    plan: &PointDelete,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Changes> {
    ctx.strict_dml = ctx.sql_mode.is_strict() && !plan.ignore;
    let info = rt.host.table_info(&plan.table)?;
    let mut changes = Changes::default();
    let mut row_key = Vec::with_capacity(32);
    let found = find(rt, &info, plan.index, &plan.key, Some(&FOR_WRITE), ctx, &mut row_key)?;
    let Some((bytes, newly)) = found else { return Ok(changes) };
    if let Some(filter) = &plan.filter {
        let row = info.read_row(&bytes, ctx.session.time_zone())?;
        if !filter.eval_predicate(&row, ctx)? {
            if newly {
                rt.txn.unlock_row(&row_key);
            }
            return Ok(changes);
        }
    }
    let mut writer = RowWriter::new(rt, info);
    match remove(&mut writer, &row_key, &bytes, ctx) {
        Ok(()) => {
            changes.found = 1;
            changes.affected = 1;
        }
        Err(error) => ignored(error, plan.ignore, ctx.diagnostics)?,
    }
    Ok(changes)
}
