//! Equality of expressions, as GROUP BY and ORDER BY need it.

use aurora_expr::{Expr, ExprKind};

/// Whether the two compute the same. Errs to no.
pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Column(x), ExprKind::Column(y)) => x == y,
        (ExprKind::Slot(x), ExprKind::Slot(y)) | (ExprKind::Param(x), ExprKind::Param(y)) => x == y,
        (ExprKind::Call { function: f, args: x }, ExprKind::Call { function: g, args: y }) => {
            f.name == g.name && all_same(x, y)
        }
        (
            ExprKind::Arithmetic { op: f, left: l, right: r },
            ExprKind::Arithmetic { op: g, left: m, right: s },
        ) => f == g && same(l, m) && same(r, s),
        // The rest is rare where this is asked.
        (x, y) if std::mem::discriminant(x) == std::mem::discriminant(y) => {
            a.ty == b.ty && format!("{x:?}") == format!("{y:?}")
        }
        _ => false,
    }
}

fn all_same(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
