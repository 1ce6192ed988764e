//! Recognising statements that touch one row by its key.

use super::join::is_point;
use super::remap;
use crate::plan::{Access, Node, Operator, PointGet, Projection, Scan};
use aurora_expr::{Expr, ExprKind};

/// A scan of one key of a unique index, without slots and subqueries: its key, and its filter over table columns.
pub(crate) fn point_scan(node: &Node) -> Option<(&Scan, Vec<Expr>, Option<Expr>)> {
    let Operator::Scan(scan) = &node.operator else { return None };
    let Access::Index(access) = &scan.access else { return None };
    let [range] = access.ranges.as_slice() else { return None };
    if !access.unique_point || !is_point(range) || !range.low.values.iter().all(is_plain) {
        return None;
    }
    let filter = scan.filter.clone().map(|filter| to_table(filter, &scan.columns));
    if filter.as_ref().is_some_and(|filter| !is_plain(filter)) {
        return None;
    }
    Some((scan, range.low.values.clone(), filter))
}

/// Positions of the scan's output as positions in the table.
pub(crate) fn to_table(mut expr: Expr, columns: &[usize]) -> Expr {
    expr.rewrite(&mut |e| {
        if let ExprKind::Column(at) = &mut e.kind
            && let Some(column) = columns.get(*at)
        {
            *at = *column;
        }
    });
    expr
}

pub(crate) fn is_plain(expr: &Expr) -> bool {
    !expr.any(&mut |e| matches!(e.kind, ExprKind::Subquery(_) | ExprKind::Slot(_)))
}

/// The query as a point lookup, if it is one.
pub(crate) fn point_get(node: &Node) -> Option<PointGet> {
    let (node, expressions) = match &node.operator {
        Operator::Project { input, expressions } => (&**input, Some(expressions)),
        _ => (node, None),
    };
    let (node, limit) = match &node.operator {
        Operator::Limit { input, count: Some(count), offset } => {
            (&**input, Some((count.clone(), offset.clone())))
        }
        _ => (node, None),
    };
    let (scan, key, filter) = point_scan(node)?;
    let Access::Index(access) = &scan.access else { return None };
    let projection = match expressions {
        None => Projection::Columns(scan.columns.clone()),
        Some(list) => {
            if !list.iter().all(is_plain) {
                return None;
            }
            let plain: Option<Vec<usize>> = list
                .iter()
                .map(|e| match e.kind {
                    ExprKind::Column(at) => scan.columns.get(at).copied(),
                    _ => None,
                })
                .collect();
            match plain {
                Some(columns) => Projection::Columns(columns),
                None => {
                    Projection::Expressions(list.iter().map(|e| to_table(e.clone(), &scan.columns)).collect())
                }
            }
        }
    };
    Some(PointGet {
        table: scan.table.clone(),
        alias: scan.alias.clone(),
        index: access.index,
        key,
        filter,
        projection,
        lock: scan.lock,
        limit,
    })
}

/// Expressions over a table's columns by block position to positions in the table.
pub(crate) fn over_table(expr: Expr, offset: usize, width: usize) -> Expr {
    let layout: Vec<usize> = (offset..offset + width).collect();
    remap(expr, &layout)
}
