//! Looking through expressions of the syntax tree.

use aurora_expr::{AggregateFunction, WindowFunction};
use aurora_parser::{Ast, Expr, ExprId};

/// Operands of an expression that are expressions of the same query.
pub(crate) fn children(ast: &Ast, id: ExprId) -> Vec<ExprId> {
    use Expr as E;
    match ast.expr(id) {
        E::Literal(_)
        | E::Param(_)
        | E::Column(_)
        | E::Wildcard
        | E::Default(_)
        | E::Values(_)
        | E::UserVariable(_)
        | E::SystemVariable(_)
        | E::Exists(_)
        | E::Subquery(_) => Vec::new(),
        E::Assign { value: e, .. }
        | E::Unary { expr: e, .. }
        | E::InSubquery { expr: e, .. }
        | E::Is { expr: e, .. }
        | E::Quantified { left: e, .. }
        | E::Cast { expr: e, .. }
        | E::ConvertUsing { expr: e, .. }
        | E::Collate { expr: e, .. }
        | E::Extract { expr: e, .. }
        | E::WeightString { expr: e, .. }
        | E::Match { against: e, .. }
        | E::JsonArrow { column: e, .. }
        | E::GetFormat { format: e, .. } => vec![*e],
        E::Binary { left, right, .. } => vec![*left, *right],
        E::And(list) | E::Or(list) | E::Row(list) | E::IntervalFunction(list) => list.clone(),
        E::Char { args, .. } => args.clone(),
        E::Between { expr, low, high, .. } => vec![*expr, *low, *high],
        E::In { expr, list, .. } => std::iter::once(*expr).chain(list.iter().copied()).collect(),
        E::Like { expr, pattern, escape, .. } => {
            [Some(*expr), Some(*pattern), *escape].into_iter().flatten().collect()
        }
        E::Regexp { expr, pattern, .. } => vec![*expr, *pattern],
        E::MemberOf { value, array } => vec![*value, *array],
        E::Case { operand, branches, otherwise } => operand
            .iter()
            .copied()
            .chain(branches.iter().flat_map(|b| [b.when, b.then]))
            .chain(*otherwise)
            .collect(),
        E::Call(call) => call.args.iter().copied().chain(call.order_by.iter().map(|o| o.expr)).collect(),
        E::DateArith { date, amount, .. } | E::TimestampAdd { date, amount, .. } => vec![*date, *amount],
        E::TimestampDiff { from, to, .. } => vec![*from, *to],
        E::Trim { what, expr, .. } => what.iter().copied().chain([*expr]).collect(),
        E::JsonValue(value) => vec![value.doc, value.path],
    }
}

/// Whether some expression from `id` down fulfils `test`. Does not look into subqueries.
pub(crate) fn any(ast: &Ast, id: ExprId, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    let mut stack = vec![id];
    while let Some(id) = stack.pop() {
        if test(ast.expr(id)) {
            return true;
        }
        stack.extend(children(ast, id));
    }
    false
}

/// No subquery, aggregate, window function, assignment: may be computed anywhere and more than once.
pub(crate) fn is_simple(ast: &Ast, id: ExprId) -> bool {
    !any(ast, id, &mut |expr| match expr {
        Expr::Exists(_)
        | Expr::Subquery(_)
        | Expr::InSubquery { .. }
        | Expr::Quantified { .. }
        | Expr::Assign { .. }
        | Expr::UserVariable(_) => true,
        Expr::Call(call) => {
            let name = call.name.name.as_str().to_lowercase();
            call.over.is_some()
                || AggregateFunction::lookup(&name).is_some()
                || WindowFunction::lookup(&name).is_some()
                || aurora_expr::lookup(&name)
                    .is_none_or(|f| f.determinism == aurora_expr::Determinism::Volatile)
        }
        _ => false,
    })
}
