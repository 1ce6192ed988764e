//! Which plans are short enough to run where others wait for their turn.

use super::{Access, InsertSource, Node, Operator, Plan, PlanBody};

/// Cost below which a plan counts as short.
const SHORT_COST: f64 = 1000.0;
/// Rows of an INSERT that counts as short.
const SHORT_ROWS: usize = 64;

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
    node.estimate.cost < SHORT_COST || is_bounded(node)
}

/// Whether it reads ranges with two ends of one index, and no more. How many rows lie between is not known when the
/// ends are parameters; those who write two ends mostly mean few.
fn is_bounded(node: &Node) -> bool {
    match &node.operator {
        Operator::Scan(scan) => match &scan.access {
            Access::Index(access) => {
                !access.ranges.is_empty()
                    && access.ranges.iter().all(|range| {
                        range.point || (!range.low.values.is_empty() && !range.high.values.is_empty())
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
