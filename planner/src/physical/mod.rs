//! From bound blocks to operators: access paths, join order, sorts.

mod access;
mod estimate;
mod graph;
mod groups;
mod hash;
mod join;
mod point;
mod search;
mod units;

pub(crate) use join::{Request, relation};
pub(crate) use point::{is_plain, over_table, point_get, point_scan};

use crate::bind::{AGGREGATE_BASE, GROUP_BASE, ROLLUP_BITS, State, WINDOW_BASE, WindowUse};
use crate::plan::{AggregateCall, AggregateStrategy, FrameBound, Node, Operator, SortKey, WindowCall};
use aurora_expr::{Expr, ExprKind, typing};
use aurora_types::SqlType;

/// An operator together with what its columns are: `layout[i]` is the block position of column `i`.
#[derive(Clone, Debug)]
pub(crate) struct Rel {
    pub node: Node,
    pub layout: Vec<usize>,
    /// The order that was wished for holds.
    pub ordered: bool,
}

impl Rel {
    /// An expression over block positions as one over the rows of this operator.
    pub fn remapped(&self, expr: Expr) -> Expr {
        remap(expr, &self.layout)
    }
}

/// Block positions to positions of `layout`.
pub(crate) fn remap(mut expr: Expr, layout: &[usize]) -> Expr {
    expr.rewrite(&mut |e| {
        if let ExprKind::Column(position) = &mut e.kind
            && let Some(at) = layout.iter().position(|known| known == position)
        {
            *position = at;
        }
    });
    expr
}

/// How much of its input a condition keeps, by its form.
pub(crate) fn selectivity(condition: &Expr) -> f64 {
    use aurora_expr::CompareOp as C;
    match &condition.kind {
        ExprKind::And(list) => list.iter().map(selectivity).product(),
        ExprKind::Or(list) => list.iter().map(selectivity).sum::<f64>().min(1.0),
        ExprKind::Compare { op: C::Eq | C::NullSafeEq, .. } => 0.1,
        ExprKind::Compare { op: C::Ne, .. } => 0.9,
        ExprKind::InList { list, negated: false, .. } => (0.1 * list.len() as f64).min(0.5),
        ExprKind::Between { negated: false, .. } => 0.11,
        ExprKind::Is { negated: false, .. } => 0.1,
        ExprKind::Literal(_) => 1.0,
        _ => 0.33,
    }
}

/// `rel` without the rows that do not pass.
pub(crate) fn filter(state: &mut State<'_>, rel: Rel, condition: Expr) -> Rel {
    let rows = (rel.node.estimate.rows * selectivity(&condition)).max(1.0);
    let cost = rel.node.estimate.cost + rel.node.estimate.rows * 0.1;
    let condition = rel.remapped(condition);
    let types = rel.node.types.clone();
    let node = state.node(Operator::Filter { input: Box::new(rel.node), condition }, types, rows, cost);
    Rel { node, ..rel }
}

/// `rel` with its columns computed; the layout is the positions themselves.
pub(crate) fn project(state: &mut State<'_>, rel: Rel, exprs: Vec<Expr>) -> Rel {
    let expressions: Vec<Expr> = exprs.into_iter().map(|e| rel.remapped(e)).collect();
    let layout = (0..expressions.len()).collect();
    let same = expressions.len() == rel.node.types.len()
        && expressions.iter().enumerate().all(|(at, e)| matches!(e.kind, ExprKind::Column(c) if c == at));
    if same {
        return Rel { node: rel.node, layout, ordered: rel.ordered };
    }
    let types: Vec<SqlType> = expressions.iter().map(|e| e.ty.clone()).collect();
    let estimate = rel.node.estimate;
    let cost = estimate.cost + estimate.rows * 0.1;
    let node =
        state.node(Operator::Project { input: Box::new(rel.node), expressions }, types, estimate.rows, cost);
    Rel { node, layout, ordered: rel.ordered }
}

/// `keys` are over the rows of `rel`.
pub(crate) fn sort(state: &mut State<'_>, rel: Rel, keys: Vec<SortKey>, limit: Option<Expr>) -> Rel {
    let estimate = rel.node.estimate;
    let cost = estimate.cost + sort_cost(estimate.rows);
    let types = rel.node.types.clone();
    let node =
        state.node(Operator::Sort { input: Box::new(rel.node), keys, limit }, types, estimate.rows, cost);
    Rel { node, layout: rel.layout, ordered: true }
}

pub(crate) fn sort_cost(rows: f64) -> f64 {
    0.2 * rows * (rows + 2.0).log2()
}

/// Grouping; the layout is group expressions, aggregates, bits of ROLLUP.
pub(crate) fn aggregate(
    state: &mut State<'_>,
    rel: Rel,
    groups: &[Expr],
    calls: Vec<AggregateCall>,
    rollup: bool,
) -> Rel {
    let mut types = Vec::with_capacity(groups.len() + calls.len() + 1);
    let mut layout = Vec::with_capacity(groups.len() + calls.len() + 1);
    for (at, group) in groups.iter().enumerate() {
        types.push(typing::nullable(group.ty.clone(), group.ty.nullable || rollup));
        layout.push(GROUP_BASE + at);
    }
    for (at, call) in calls.iter().enumerate() {
        types.push(call.ty.clone());
        layout.push(AGGREGATE_BASE + at);
    }
    if rollup {
        types.push(typing::bigint(21));
        layout.push(ROLLUP_BITS);
    }
    let groups: Vec<Expr> = groups.iter().map(|group| rel.remapped(group.clone())).collect();
    let aggregates = calls
        .into_iter()
        .map(|call| AggregateCall {
            args: call.args.into_iter().map(|e| rel.remapped(e)).collect(),
            order_by: remap_keys(call.order_by, &rel.layout),
            ..call
        })
        .collect();
    let follows = groups::follow_key(&rel.node, &groups);
    let estimate = rel.node.estimate;
    let rows = if groups.is_empty() { 1.0 } else { (estimate.rows / 3.0).max(1.0) };
    let cost = estimate.cost + estimate.rows;
    let operator = Operator::Aggregate {
        input: Box::new(rel.node),
        groups,
        aggregates,
        rollup,
        strategy: if follows { AggregateStrategy::Sorted } else { AggregateStrategy::Hash },
    };
    if rollup {
        return sorted_rollup(state, operator, types, layout, rows, cost);
    }
    let node = state.node(operator, types, rows, cost);
    Rel { node, layout, ordered: false }
}

/// ROLLUP makes its sums from input that is sorted by the groups.
fn sorted_rollup(
    state: &mut State<'_>,
    operator: Operator,
    types: Vec<SqlType>,
    layout: Vec<usize>,
    rows: f64,
    cost: f64,
) -> Rel {
    let operator = match operator {
        Operator::Aggregate { input, groups, aggregates, rollup, .. } => {
            let keys =
                groups.iter().map(|group| SortKey { expr: group.clone(), descending: false }).collect();
            let columns = (0..input.types.len()).collect();
            let sorted = sort(state, Rel { node: *input, layout: columns, ordered: false }, keys, None);
            Operator::Aggregate {
                input: Box::new(sorted.node),
                groups,
                aggregates,
                rollup,
                strategy: AggregateStrategy::Sorted,
            }
        }
        other => other,
    };
    let node = state.node(operator, types, rows, cost);
    Rel { node, layout, ordered: false }
}

fn remap_keys(keys: Vec<SortKey>, layout: &[usize]) -> Vec<SortKey> {
    keys.into_iter().map(|key| SortKey { expr: remap(key.expr, layout), ..key }).collect()
}

/// One Window operator per specification, each behind the sort that it needs.
pub(crate) fn windows(state: &mut State<'_>, mut rel: Rel, windows: Vec<WindowUse>) -> Rel {
    let mut left: Vec<(usize, WindowUse)> = windows.into_iter().enumerate().collect();
    while let Some((_, first)) = left.first() {
        let window = first.window.clone();
        let (same, rest): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(_, other)| same_window(&window, &other.window));
        left = rest;
        let partition_by: Vec<Expr> = window.partition_by.iter().map(|e| rel.remapped(e.clone())).collect();
        let order_by = remap_keys(window.order_by.clone(), &rel.layout);
        let mut keys: Vec<SortKey> =
            partition_by.iter().map(|e| SortKey { expr: e.clone(), descending: false }).collect();
        keys.extend(order_by.iter().cloned());
        if !keys.is_empty() {
            rel = sort(state, rel, keys, None);
            rel.ordered = false;
        }
        let mut types = rel.node.types.clone();
        let mut layout = rel.layout.clone();
        let mut calls = Vec::with_capacity(same.len());
        for (number, used) in same {
            types.push(used.call.ty.clone());
            layout.push(WINDOW_BASE + number);
            calls.push(remap_call(used.call, &rel.layout));
        }
        let estimate = rel.node.estimate;
        let operator = Operator::Window { input: Box::new(rel.node), partition_by, order_by, calls };
        let node = state.node(operator, types, estimate.rows, estimate.cost + estimate.rows);
        rel = Rel { node, layout, ordered: false };
    }
    rel
}

fn remap_call(mut call: WindowCall, layout: &[usize]) -> WindowCall {
    call.args = call.args.into_iter().map(|e| remap(e, layout)).collect();
    if let Some(frame) = &mut call.frame {
        for bound in [&mut frame.start, &mut frame.end] {
            if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
                *e = remap(e.clone(), layout);
            }
        }
    }
    call
}

fn same_window(a: &crate::bind::BoundWindow, b: &crate::bind::BoundWindow) -> bool {
    let same = crate::same::same;
    a.partition_by.len() == b.partition_by.len()
        && a.order_by.len() == b.order_by.len()
        && a.partition_by.iter().zip(&b.partition_by).all(|(a, b)| same(a, b))
        && a.order_by
            .iter()
            .zip(&b.order_by)
            .all(|(a, b)| a.descending == b.descending && same(&a.expr, &b.expr))
}
