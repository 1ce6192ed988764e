//! What a part of a plan depends on: the slots that it reads, and whether two runs with the same slots give the same.

use aurora_expr::{Expr, ExprKind};
use aurora_planner::{Access, FrameBound, Node, Operator, Plan};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Slots that are read and not written inside, in ascending order.
    pub slots: Vec<usize>,
    /// Nothing below draws random numbers, touches user variables or reads a recursion's working table. Rows that are
    /// locked stay as they are.
    pub is_stable: bool,
}

/// What the subtree at `root` depends on, the subqueries of its expressions included.
pub(crate) fn reads_of(root: &Node, plan: &Plan) -> Reads {
    let mut read = Vec::new();
    let mut written = Vec::new();
    let mut is_stable = true;
    let mut seen = vec![false; plan.subplans.len()];
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        match &node.operator {
            Operator::WorkTable { .. } => is_stable = false,
            Operator::CteScan { cte, .. } => {
                read.extend(plan.ctes.get(*cte).iter().flat_map(|cte| cte.slots.iter().copied()));
            }
            Operator::NestedLoop { slots, .. } => written.extend(slots.iter().map(|(slot, _)| *slot)),
            _ => {}
        }
        for expr in expressions_of(&node.operator) {
            is_stable &= expr.is_deterministic();
            expr.walk(&mut |expr| match &expr.kind {
                ExprKind::Slot(slot) => read.push(*slot),
                ExprKind::Subquery(call) => {
                    if let (Some(sub), Some(seen)) = (plan.subplans.get(call.plan), seen.get_mut(call.plan))
                        && !std::mem::replace(seen, true)
                    {
                        // Its free slots are written from the call's arguments.
                        written.extend(sub.slots.iter().copied().filter(|slot| {
                            !call.args.iter().any(|arg| matches!(arg.kind, ExprKind::Slot(s) if s == *slot))
                        }));
                        stack.push(&sub.root);
                    }
                }
                _ => {}
            });
        }
        stack.extend(children_of(&node.operator));
    }
    read.sort_unstable();
    read.dedup();
    read.retain(|slot| !written.contains(slot));
    Reads { slots: read, is_stable }
}

/// The nodes right below.
pub(crate) fn children_of(operator: &Operator) -> Vec<&Node> {
    match operator {
        Operator::Filter { input, .. }
        | Operator::Project { input, .. }
        | Operator::Aggregate { input, .. }
        | Operator::Sort { input, .. }
        | Operator::Limit { input, .. }
        | Operator::Distinct { input, .. }
        | Operator::Window { input, .. }
        | Operator::Materialize { input } => vec![input],
        Operator::NestedLoop { left, right, .. } | Operator::HashJoin { left, right, .. } => {
            vec![left, right]
        }
        Operator::SetOperation { inputs, .. } => inputs.iter().collect(),
        Operator::Values(_)
        | Operator::Scan(_)
        | Operator::VirtualScan { .. }
        | Operator::CteScan { .. }
        | Operator::WorkTable { .. }
        | Operator::JsonTable { .. } => Vec::new(),
    }
}

/// The expressions of the node itself.
fn expressions_of(operator: &Operator) -> Vec<&Expr> {
    match operator {
        Operator::Values(rows) => rows.iter().flatten().collect(),
        Operator::Scan(scan) => {
            let mut out: Vec<&Expr> = scan.filter.iter().collect();
            if let Access::Index(access) = &scan.access {
                for range in &access.ranges {
                    out.extend(range.low.values.iter().chain(&range.high.values));
                }
            }
            out
        }
        Operator::VirtualScan { filter, .. } => filter.iter().collect(),
        Operator::JsonTable { doc, .. } => vec![doc],
        Operator::Filter { condition, .. } => vec![condition],
        Operator::Project { expressions, .. } => expressions.iter().collect(),
        Operator::NestedLoop { condition, .. } => condition.iter().collect(),
        Operator::HashJoin { keys, condition, .. } => {
            keys.iter().flat_map(|key| [&key.left, &key.right]).chain(condition).collect()
        }
        Operator::Aggregate { groups, aggregates, .. } => groups
            .iter()
            .chain(
                aggregates
                    .iter()
                    .flat_map(|call| call.args.iter().chain(call.order_by.iter().map(|k| &k.expr))),
            )
            .collect(),
        Operator::Sort { keys, limit, .. } => keys.iter().map(|key| &key.expr).chain(limit).collect(),
        Operator::Limit { count, offset, .. } => count.iter().chain(offset).collect(),
        Operator::Window { partition_by, order_by, calls, .. } => partition_by
            .iter()
            .chain(order_by.iter().map(|key| &key.expr))
            .chain(calls.iter().flat_map(|call| {
                let bounds = call.frame.iter().flat_map(|frame| [&frame.start, &frame.end]);
                call.args.iter().chain(bounds.filter_map(|bound| match bound {
                    FrameBound::Preceding(expr) | FrameBound::Following(expr) => Some(expr),
                    _ => None,
                }))
            }))
            .collect(),
        Operator::CteScan { .. }
        | Operator::WorkTable { .. }
        | Operator::Distinct { .. }
        | Operator::SetOperation { .. }
        | Operator::Materialize { .. } => Vec::new(),
    }
}
