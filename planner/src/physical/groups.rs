//! Groups that come one behind the other, because rows come in the order of a key that begins with their columns.

use crate::plan::{Access, Node, Operator, Scan};
use aurora_catalog::{IndexDef, KeyPart};
use aurora_expr::{Expr, ExprKind};
use aurora_types::BaseType;

/// Whether every group's rows stand together in what `input` gives.
pub(super) fn follow_key(input: &Node, groups: &[Expr]) -> bool {
    let Operator::Scan(scan) = &input.operator else { return false };
    let Some(index) = key_of(scan) else { return false };
    let mut wanted: Vec<usize> = Vec::with_capacity(groups.len());
    for group in groups {
        let ExprKind::Column(at) = group.kind else { return false };
        let Some(position) = scan.columns.get(at) else { return false };
        // Two instants may be one time of day where clocks go back.
        if group.ty.base == BaseType::Timestamp {
            return false;
        }
        if !wanted.contains(position) {
            wanted.push(*position);
        }
    }
    // The first parts, in whatever order the groups name them.
    !wanted.is_empty()
        && index.parts.len() >= wanted.len()
        && index.parts.iter().take(wanted.len()).all(|part| {
            part.prefix_length.is_none()
                && matches!(part.part, KeyPart::Column(id)
                    if scan.table.position(id).is_some_and(|position| wanted.contains(&position)))
        })
}

/// The index in whose order the rows come: over one range, or all of it.
fn key_of(scan: &Scan) -> Option<&IndexDef> {
    match &scan.access {
        Access::Full { .. } => scan.table.primary_key(),
        Access::Index(access) if access.ranges.len() <= 1 => {
            scan.table.indexes.iter().find(|index| index.id == access.index)
        }
        Access::Index(_) => None,
    }
}
