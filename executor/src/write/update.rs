//! UPDATE.

use super::row::{Placed, RowWriter};
use super::store::{self, Strictness};
use super::{Changes, ignored};
use crate::ops::{self, Row};
use crate::point::{FOR_WRITE, find};
use crate::runtime::{Runtime, same_values};
use crate::shape::TableInfo;
use aurora_expr::EvalCtx;
use aurora_planner::{Assignment, PointUpdate, UpdatePlan, ViewCheck};
use aurora_types::error::ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN;
use aurora_types::{SqlError, SqlResult, Value};
use std::collections::HashSet;

fn strictness(ignore: bool, ctx: &mut EvalCtx<'_>) -> Strictness {
    let strict = ctx.sql_mode.is_strict() && !ignore;
    ctx.strict_dml = strict;
    Strictness { ignore, strict, null_is_error: false }
}

/// The new value of one assignment.
fn value_of(
    info: &TableInfo,
    assignment: &Assignment,
    row: &[Value],
    own: &[Value],
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    let at = assignment.column;
    let mut value = match &assignment.value {
        Some(expr) => {
            let column = &info.table.columns[at];
            if column.generated.is_some() {
                let args: [&dyn std::fmt::Display; 2] = [&column.name, &info.table.name];
                return Err(SqlError::new(ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, &args));
            }
            let value = expr.eval(row, ctx)?;
            store::convert(info, at, &value, &expr.ty, how, ctx)?
        }
        None => match store::default_of(info, at, how, ctx)? {
            Some(value) => value,
            None => match info.expressions.defaults.get(at) {
                Some(Some(expr)) => {
                    let value = expr.eval(own, ctx)?;
                    store::convert(info, at, &value, &expr.ty, how, ctx)?
                }
                _ => Value::Null,
            },
        },
    };
    store::not_null(info, at, &mut value, how, ctx)?;
    Ok(value)
}

/// What follows from the assigned columns: generated ones, and ON UPDATE CURRENT_TIMESTAMP where anything changed.
pub(super) fn touch(
    info: &TableInfo,
    old: &[Value],
    new: &mut [Value],
    assigned: &[usize],
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    store::generate(info, new, how, ctx)?;
    if same_values(old, new) {
        return Ok(());
    }
    let mut touched = false;
    for (at, column) in info.table.columns.iter().enumerate() {
        if column.on_update_now && !assigned.contains(&at) {
            new[at] = store::now(&column.ty, ctx);
            touched = true;
        }
    }
    if touched { store::generate(info, new, how, ctx) } else { Ok(()) }
}

/// Writes a changed row; tells whether it differs.
fn change(
    writer: &mut RowWriter<'_, '_>,
    row_key: &[u8],
    old: &[Value],
    new: &[Value],
    checks: &[ViewCheck],
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<bool> {
    if same_values(old, new) {
        return Ok(false);
    }
    store::check(&writer.info, new, checks, ctx)?;
    match writer.update(row_key, old, new, 0, ctx)? {
        Placed::Done => Ok(true),
        Placed::Duplicate { error, .. } => Err(*error),
    }
}

/// Runs an UPDATE of any number of tables.
pub(crate) fn update(rt: &Runtime<'_>, plan: &UpdatePlan, ctx: &mut EvalCtx<'_>) -> SqlResult<Changes> {
    let how = strictness(plan.ignore, ctx);
    let mut changes = Changes::default();
    let mut writers = Vec::with_capacity(plan.targets.len());
    for target in &plan.targets {
        writers.push(RowWriter::new(rt, rt.host.table_info(&target.table)?));
    }
    let assigned: Vec<Vec<usize>> = (0..plan.targets.len())
        .map(|number| {
            plan.assignments.iter().filter(|a| a.target == number).map(|a| a.assignment.column).collect()
        })
        .collect();
    let several =
        plan.targets.len() > 1 || !matches!(plan.source.operator, aurora_planner::Operator::Scan(_));
    let mut seen: Vec<HashSet<Vec<u8>>> = vec![HashSet::new(); plan.targets.len()];
    let mut buffered =
        if plan.buffered || several { Some(ops::collect(&plan.source, rt, ctx)?.into_iter()) } else { None };
    let mut op = match &buffered {
        Some(_) => None,
        None => {
            let mut op = ops::build(&plan.source, rt)?;
            op.open(rt, ctx)?;
            Some(op)
        }
    };
    let mut row = Row::new();
    loop {
        match (&mut buffered, &mut op) {
            (Some(rows), _) => match rows.next() {
                Some(next) => row = next,
                None => break,
            },
            (None, Some(op)) => {
                if !op.next(rt, ctx, &mut row)? {
                    break;
                }
            }
            (None, None) => break,
        }
        ctx.row_number = changes.found + 1;
        // Which targets have a row here that was not changed before.
        let mut takes = Vec::with_capacity(plan.targets.len());
        for (number, target) in plan.targets.iter().enumerate() {
            takes.push(match row.get(target.handle()) {
                Some(Value::Text(handle)) => !several || seen[number].insert(handle.as_bytes().to_vec()),
                _ => false,
            });
        }
        if !takes.contains(&true) {
            continue;
        }
        let before = row.clone();
        let mut failed = None;
        for assign in &plan.assignments {
            if !takes[assign.target] {
                continue;
            }
            let target = &plan.targets[assign.target];
            let info = &writers[assign.target].info;
            let own = &row[target.offset..target.offset + info.table.columns.len()];
            match value_of(info, &assign.assignment, &row, own, how, ctx) {
                Ok(value) => row[target.offset + assign.assignment.column] = value,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            changes.found += 1;
            ignored(error, plan.ignore, ctx.diagnostics)?;
            continue;
        }
        for (number, target) in plan.targets.iter().enumerate() {
            if !takes[number] {
                continue;
            }
            changes.found += 1;
            let writer = &mut writers[number];
            let end = target.offset + writer.info.table.columns.len();
            let old = &before[target.offset..end];
            let mut new = row[target.offset..end].to_vec();
            let Some(Value::Text(handle)) = before.get(target.handle()) else { continue };
            let info = writer.info.clone();
            let done = touch(&info, old, &mut new, &assigned[number], how, ctx)
                .and_then(|()| change(writer, handle.as_bytes(), old, &new, &target.checks, ctx));
            match done {
                Ok(true) => changes.changed += 1,
                Ok(false) => {}
                Err(error) => ignored(error, plan.ignore, ctx.diagnostics)?,
            }
        }
    }
    changes.affected = if rt.settings.found_rows { changes.found } else { changes.changed };
    Ok(changes)
}

/// Runs an UPDATE of one row by its key.
pub(crate) fn point_update(
    rt: &Runtime<'_>,
    plan: &PointUpdate,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Changes> {
    let how = strictness(plan.ignore, ctx);
    let info = rt.host.table_info(&plan.table)?;
    let mut changes = Changes::default();
    let mut row_key = Vec::with_capacity(32);
    let found = find(rt, &info, plan.index, &plan.key, Some(&FOR_WRITE), ctx, &mut row_key)?;
    let Some((bytes, newly)) = found else { return Ok(changes) };
    let old = info.read_row(&bytes, ctx.session.time_zone())?;
    if let Some(filter) = &plan.filter
        && !filter.eval_predicate(&old, ctx)?
    {
        if newly {
            rt.txn.unlock_row(&row_key);
        }
        return Ok(changes);
    }
    changes.found = 1;
    let mut new = old.clone();
    let mut writer = RowWriter::new(rt, info.clone());
    let done = (|| {
        for assignment in &plan.assignments {
            new[assignment.column] = value_of(&info, assignment, &new, &new, how, ctx)?;
        }
        let assigned: Vec<usize> = plan.assignments.iter().map(|a| a.column).collect();
        touch(&info, &old, &mut new, &assigned, how, ctx)?;
        change(&mut writer, &row_key, &old, &new, &plan.checks, ctx)
    })();
    match done {
        Ok(changed) => changes.changed = u64::from(changed),
        Err(error) => ignored(error, plan.ignore, ctx.diagnostics)?,
    }
    changes.affected = if rt.settings.found_rows { changes.found } else { changes.changed };
    Ok(changes)
}
