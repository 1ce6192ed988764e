//! Operators: each gives rows one by one. `open` begins a run (again), `next` fills the caller's row.

mod aggregate;
mod aggregate_calls;
mod conditions;
mod hash_join;
mod input;
mod json_table;
mod measure;
mod nested_loop;
mod scan;
mod set;
mod simple;
mod sort;
mod stored;
mod wanted;
mod window;

pub(crate) use measure::Measures;
pub(crate) use scan::map_wait;

use crate::reads::reads_of;
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::{FrameBound, JoinType, Node, Operator};
use aurora_types::error::ER_WRONG_ARGUMENTS;
use aurora_types::{SqlError, SqlResult, Value};
use wanted::Wanted;

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
    build_for(node, Wanted::ALL, rt)
}

/// [`build`], where it only matters whether there are rows.
pub(crate) fn build_unread<'a>(node: &'a Node, rt: &Runtime<'_>) -> SqlResult<Box<dyn Op + 'a>> {
    build_for(node, Wanted::NONE, rt)
}

/// [`build`], where only some columns of the rows are read.
fn build_for<'a>(node: &'a Node, wanted: Wanted, rt: &Runtime<'_>) -> SqlResult<Box<dyn Op + 'a>> {
    let op = stacker::maybe_grow(64 << 10, 1 << 20, || build_here(node, wanted, rt))?;
    Ok(match &rt.measures {
        Some(measures) => measures.wrap(node.id, op),
        None => op,
    })
}

fn build_here<'a>(node: &'a Node, wanted: Wanted, rt: &Runtime<'_>) -> SqlResult<Box<dyn Op + 'a>> {
    Ok(match &node.operator {
        Operator::Values(rows) => Box::new(simple::Values::new(rows)),
        Operator::Scan(scan) => Box::new(scan::TableScan::new(scan, wanted, rt)?),
        Operator::VirtualScan { table, columns, filter, .. } => {
            Box::new(simple::VirtualScan::new(table, columns, filter.as_ref()))
        }
        Operator::CteScan { cte, .. } => Box::new(simple::Kept::cte(*cte)),
        Operator::WorkTable { cte, .. } => Box::new(simple::Kept::work(*cte)),
        Operator::JsonTable { doc, path, columns, .. } => {
            Box::new(json_table::JsonTable::new(doc, path, columns))
        }
        Operator::Filter { input, condition } => {
            Box::new(simple::Filter::new(build_for(input, wanted.and(condition), rt)?, condition))
        }
        Operator::Project { input, expressions } => {
            let input = build_for(input, Wanted::NONE.and_all(expressions), rt)?;
            Box::new(simple::Project { input, expressions, row: Row::new() })
        }
        Operator::NestedLoop { join, left, right, slots, condition } => {
            let [left_wanted, right_wanted] = wanted_of_sides(*join, left, wanted, condition.as_ref());
            let left_wanted = slots.iter().fold(left_wanted, |wanted, (_, column)| wanted.with(*column));
            Box::new(nested_loop::NestedLoop::new(
                *join,
                build_for(left, left_wanted, rt)?,
                build_for(right, right_wanted, rt)?,
                (left.types.len(), right.types.len()),
                slots,
                condition.as_ref(),
            ))
        }
        Operator::HashJoin { join, left, right, keys, condition, null_aware } => {
            let [left_wanted, right_wanted] = wanted_of_sides(*join, left, wanted, condition.as_ref());
            let left_wanted = left_wanted.and_all(keys.iter().map(|key| &key.left));
            let right_read = right_wanted.and_all(keys.iter().map(|key| &key.right));
            Box::new(hash_join::HashJoin::new(
                *join,
                input::Input::new(left, left_wanted, rt)?,
                input::Input::new(right, right_read, rt)?,
                (right, right_wanted),
                keys,
                condition.as_ref(),
                *null_aware,
            ))
        }
        Operator::Aggregate { input, groups, aggregates, rollup, strategy } => {
            let wanted = aggregates.iter().fold(Wanted::NONE.and_all(groups), |wanted, call| {
                wanted.and_all(&call.args).and_all(call.order_by.iter().map(|key| &key.expr))
            });
            let input = input::Input::new(input, wanted, rt)?;
            Box::new(aggregate::Aggregate::new(input, groups, aggregates, *rollup, *strategy))
        }
        Operator::Sort { input, keys, limit } => {
            let wanted = wanted.and_all(keys.iter().map(|key| &key.expr));
            Box::new(sort::Sort::new(build_for(input, wanted, rt)?, keys, limit.as_ref()))
        }
        Operator::Limit { input, count, offset } => {
            Box::new(simple::Limit::new(build_for(input, wanted, rt)?, count.as_ref(), offset.as_ref()))
        }
        Operator::Distinct { input, columns } => {
            let wanted = (0..*columns).fold(wanted, Wanted::with);
            Box::new(set::Distinct::new(build_for(input, wanted, rt)?, &node.types, *columns))
        }
        Operator::Window { input, partition_by, order_by, calls } => {
            let wanted = calls.iter().fold(wanted.and_all(partition_by), |wanted, call| {
                let bounds = call.frame.iter().flat_map(|frame| [&frame.start, &frame.end]);
                wanted.and_all(&call.args).and_all(bounds.filter_map(|bound| match bound {
                    FrameBound::Preceding(expr) | FrameBound::Following(expr) => Some(expr),
                    _ => None,
                }))
            });
            let wanted = wanted.and_all(order_by.iter().map(|key| &key.expr));
            let width = input.types.len();
            let input = build_for(input, wanted, rt)?;
            Box::new(window::Window::new(input, width, partition_by, order_by, calls))
        }
        Operator::SetOperation { operation, all, inputs } => {
            let inputs = inputs.iter().map(|input| build(input, rt)).collect::<SqlResult<Vec<_>>>()?;
            Box::new(set::SetOp::new(*operation, *all, inputs, &node.types))
        }
        Operator::Materialize { input } => {
            let slots = reads_of(input, rt.plan).slots;
            Box::new(simple::Materialize::new(build_for(input, wanted, rt)?, slots))
        }
    })
}

/// What a join reads of its sides for the columns that are wanted of it, keys and slots aside.
fn wanted_of_sides(join: JoinType, left: &Node, wanted: Wanted, condition: Option<&Expr>) -> [Wanted; 2] {
    let width = left.types.len();
    match join {
        JoinType::Inner | JoinType::Left => {
            let both = wanted.and_all(condition);
            [both, both.behind(width)]
        }
        // Left columns only come out.
        JoinType::Semi | JoinType::Anti => {
            [wanted.and_all(condition), Wanted::NONE.and_all(condition).behind(width)]
        }
    }
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

/// What a left row without a match gives by itself, taken out of `outer`; `false` where that is nothing.
fn left_alone(join: JoinType, outer: &mut Row, right_width: usize, row: &mut Row) -> bool {
    if !matches!(join, JoinType::Left | JoinType::Anti) {
        return false;
    }
    row.clear();
    row.append(outer);
    if join == JoinType::Left {
        row.resize(row.len() + right_width, Value::Null);
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
