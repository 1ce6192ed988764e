//! Operators: each gives rows one by one. `open` begins a run (again), `next` fills the caller's row.

mod aggregate;
mod aggregate_calls;
mod aggregate_input;
mod conditions;
mod hash_join;
mod json_table;
mod measure;
mod nested_loop;
mod scan;
mod set;
mod simple;
mod sort;
mod stored;
mod window;

pub(crate) use measure::Measures;
pub(crate) use scan::map_wait;

use crate::reads::reads_of;
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::{JoinType, Node, Operator};
use aurora_types::error::ER_WRONG_ARGUMENTS;
use aurora_types::{SqlError, SqlResult, Value};

pub(crate) type Row = Vec<Value>;

/// One operator. Plans are borrowed, so that building one costs an allocation per node.
pub(crate) trait Op {
    /// Starts a run. Called again for every run of an inner side; slots hold the outer row's values then.
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()>;
    /// The next row, into `row` (its former contents are dropped); `false` at the end.
    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool>;
    /// Rows so far that were read before a filter of the operator's own.
    fn rows_read(&self) -> u64 {
        0
    }
}

/// The operator of a node, with everything below.
pub(crate) fn build<'a>(node: &'a Node, rt: &Runtime<'_>) -> SqlResult<Box<dyn Op + 'a>> {
    let op = stacker::maybe_grow(64 << 10, 1 << 20, || build_here(node, rt))?;
    Ok(match &rt.measures {
        Some(measures) => measures.wrap(node.id, op),
        None => op,
    })
}

fn build_here<'a>(node: &'a Node, rt: &Runtime<'_>) -> SqlResult<Box<dyn Op + 'a>> {
    Ok(match &node.operator {
        Operator::Values(rows) => Box::new(simple::Values::new(rows)),
        Operator::Scan(scan) => Box::new(scan::TableScan::new(scan, rt)?),
        Operator::VirtualScan { table, columns, filter, .. } => {
            Box::new(simple::VirtualScan::new(table, columns, filter.as_ref()))
        }
        Operator::CteScan { cte, .. } => Box::new(simple::Kept::cte(*cte)),
        Operator::WorkTable { cte, .. } => Box::new(simple::Kept::work(*cte)),
        Operator::JsonTable { doc, path, columns, .. } => {
            Box::new(json_table::JsonTable::new(doc, path, columns))
        }
        Operator::Filter { input, condition } => Box::new(simple::Filter::new(build(input, rt)?, condition)),
        Operator::Project { input, expressions } => {
            Box::new(simple::Project { input: build(input, rt)?, expressions, row: Row::new() })
        }
        Operator::NestedLoop { join, left, right, slots, condition } => {
            Box::new(nested_loop::NestedLoop::new(
                *join,
                build(left, rt)?,
                build(right, rt)?,
                (left.types.len(), right.types.len()),
                slots,
                condition.as_ref(),
            ))
        }
        Operator::HashJoin { join, left, right, keys, condition, null_aware } => {
            Box::new(hash_join::HashJoin::new(
                *join,
                build(left, rt)?,
                build(right, rt)?,
                right,
                keys,
                condition.as_ref(),
                *null_aware,
            ))
        }
        Operator::Aggregate { input, groups, aggregates, rollup, strategy } => {
            let input = aggregate_input::Input::new(input, rt)?;
            Box::new(aggregate::Aggregate::new(input, groups, aggregates, *rollup, *strategy))
        }
        Operator::Sort { input, keys, limit } => {
            Box::new(sort::Sort::new(build(input, rt)?, keys, limit.as_ref()))
        }
        Operator::Limit { input, count, offset } => {
            Box::new(simple::Limit::new(build(input, rt)?, count.as_ref(), offset.as_ref()))
        }
        Operator::Distinct { input, columns } => {
            Box::new(set::Distinct::new(build(input, rt)?, &node.types, *columns))
        }
        Operator::Window { input, partition_by, order_by, calls } => {
            Box::new(window::Window::new(build(input, rt)?, input.types.len(), partition_by, order_by, calls))
        }
        Operator::SetOperation { operation, all, inputs } => {
            let inputs = inputs.iter().map(|input| build(input, rt)).collect::<SqlResult<Vec<_>>>()?;
            Box::new(set::SetOp::new(*operation, *all, inputs, &node.types))
        }
        Operator::Materialize { input } => {
            let slots = reads_of(input, rt.plan).slots;
            Box::new(simple::Materialize::new(build(input, rt)?, slots))
        }
    })
}

/// All rows of a node, in one run.
pub(crate) fn collect(node: &Node, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
    let mut op = build(node, rt)?;
    op.open(rt, ctx)?;
    let mut rows = Vec::new();
    let mut row = Row::new();
    while op.next(rt, ctx, &mut row)? {
        rt.hold(row_bytes(&row))?;
        rows.push(std::mem::take(&mut row));
    }
    Ok(rows)
}

/// A LIMIT or OFFSET.
///
/// # Errors
/// 1210 for what is no count.
pub(crate) fn count_of(expr: &Expr, ctx: &mut EvalCtx<'_>) -> SqlResult<u64> {
    match expr.eval(&[], ctx)? {
        Value::Int(v) if v >= 0 => Ok(v as u64),
        Value::UInt(v) => Ok(v),
        // Drivers send numbers as text, too.
        Value::Text(text) if !text.is_empty() && text.as_bytes().iter().all(u8::is_ascii_digit) => {
            text.to_str_lossy().parse().map_err(|_| SqlError::new(ER_WRONG_ARGUMENTS, &[&"LIMIT"]))
        }
        _ => Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"LIMIT"])),
    }
}

/// What a left row without a match gives by itself; `false` where that is nothing.
fn left_alone(join: JoinType, outer: &[Value], right_width: usize, row: &mut Row) -> bool {
    if !matches!(join, JoinType::Left | JoinType::Anti) {
        return false;
    }
    row.clear();
    row.extend_from_slice(outer);
    if join == JoinType::Left {
        row.resize(outer.len() + right_width, Value::Null);
    }
    true
}

/// What a row costs in memory, about.
pub(crate) fn row_bytes(row: &[Value]) -> usize {
    let heap: usize = row
        .iter()
        .map(|value| match value {
            Value::Text(text) | Value::Json(text) if text.len() > 22 => text.len() + 16,
            _ => 0,
        })
        .sum();
    24 + std::mem::size_of_val(row) + heap
}
