//! Which plans are short enough to run where others wait for their turn.

use super::{Access, InsertSource, Node, Operator, Plan, PlanBody, RangeKind};
use aurora_expr::{Expr, ExprKind};
use aurora_types::Value;

/// Cost below which a plan counts as short.
const SHORT_COST: f64 = 1000.0;
/// Rows of an INSERT that counts as short.
const SHORT_ROWS: usize = 64;
/// LIMIT of a short read.
const SHORT_LIMIT: u64 = 1000;

impl Plan {
    /// Whether it is expected to take well below a millisecond. A plan that turns out long nevertheless makes way for
    /// others while it runs.
    pub fn is_short(&self) -> bool {
        self.subplans.is_empty()
            && self.ctes.is_empty()
            && match &self.body {
                PlanBody::PointGet(_) | PlanBody::PointUpdate(_) | PlanBody::PointDelete(_) => true,
                PlanBody::Query(node) => is_short(node),
                PlanBody::Insert(insert) => match &insert.source {
                    InsertSource::Values(rows) => rows.len() <= SHORT_ROWS,
                    InsertSource::Query(node) => is_short(node),
                },
                PlanBody::Update(update) => is_short(&update.source),
                PlanBody::Delete(delete) => is_short(&delete.source),
            }
    }
}

fn is_short(node: &Node) -> bool {
    node.estimate.cost < SHORT_COST || is_bounded(node) || is_limited(node)
}

/// Whether it takes the first rows of a scan, and no more. A LIMIT that is a parameter mostly means few.
fn is_limited(node: &Node) -> bool {
    let few = |count: &Expr| match count.kind {
        ExprKind::Literal(Value::UInt(n)) => n <= SHORT_LIMIT,
        ExprKind::Literal(Value::Int(n)) => u64::try_from(n).is_ok_and(|n| n <= SHORT_LIMIT),
        ExprKind::Param(_) => true,
        _ => false,
    };
    match &node.operator {
        Operator::Limit { input, count: Some(count), offset } => {
            few(count) && offset.as_ref().is_none_or(few) && is_stream(input)
        }
        Operator::Project { input, .. } => is_limited(input),
        _ => false,
    }
}

fn is_stream(node: &Node) -> bool {
    match &node.operator {
        Operator::Scan(_) => true,
        Operator::Project { input, .. } | Operator::Filter { input, .. } => is_stream(input),
        _ => false,
    }
}

/// Whether it reads ranges with two ends of one index, and no more. How many rows lie between is not known when the
/// ends are parameters; those who write two ends mostly mean few.
fn is_bounded(node: &Node) -> bool {
    match &node.operator {
        Operator::Scan(scan) => match &scan.access {
            Access::Index(access) => {
                !access.ranges.is_empty()
                    && access.ranges.iter().all(|range| match range.kind {
                        RangeKind::Point => true,
                        RangeKind::Between => !range.low.values.is_empty() && !range.high.values.is_empty(),
                        // A pattern that is not known yet may begin with a wildcard.
                        RangeKind::Like { .. } => {
                            range.low.values.last().is_some_and(|pattern| pattern.as_literal().is_some())
                        }
                    })
            }
            Access::Full { .. } => false,
        },
        Operator::Filter { input, .. }
        | Operator::Project { input, .. }
        | Operator::Aggregate { input, .. }
        | Operator::Sort { input, .. }
        | Operator::Limit { input, .. }
        | Operator::Distinct { input, .. } => is_bounded(input),
        _ => false,
    }
}
