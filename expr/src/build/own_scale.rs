//! Decimals as a branch of IF or CASE wrote them.
//!
//! The type of `IF(c, 1, 2.50)` has two decimals, and that is what temporary tables and arithmetic see. The text of
//! the expression is the text of the branch, here `1`: MySQL asks the chosen branch for it. Documents and user
//! variables take the branch's number as it is, and so they do with COALESCE and its kin.

use super::{cast_to, null};
use crate::expr::{CastTarget, Expr, ExprKind};
use crate::typing::{self, Domain};
use aurora_types::{BaseType, CollationId, SqlType};

/// IF or CASE of decimals.
fn is_choice(expr: &Expr) -> bool {
    expr.ty.base == BaseType::Decimal
        && match &expr.kind {
            ExprKind::Case { .. } => true,
            ExprKind::Call { function, .. } => function.name == "if",
            _ => false,
        }
}

/// Whether its text has other decimals than its type.
pub fn has_own_text(expr: &Expr) -> bool {
    let branch =
        |e: &Expr| matches!(e.kind, ExprKind::Cast { target: CastTarget::Scale, .. }) || has_own_text(e);
    is_choice(expr) && branches(expr).into_iter().any(branch)
}

fn branches(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Case { branches, otherwise } => {
            branches.iter().map(|branch| &branch.then).chain(otherwise.as_deref()).collect()
        }
        ExprKind::Call { args, .. } => args.iter().skip(1).collect(),
        _ => Vec::new(),
    }
}

fn branches_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Case { branches, otherwise } => {
            branches.iter_mut().map(|branch| &mut branch.then).chain(otherwise.as_deref_mut()).collect()
        }
        ExprKind::Call { function, args } => {
            let skipped = usize::from(function.name == "if");
            args.iter_mut().skip(skipped).collect()
        }
        _ => Vec::new(),
    }
}

/// The text of an IF or CASE of decimals; other expressions as they are.
pub fn own_text(mut expr: Expr, collation: CollationId) -> Expr {
    if has_own_text(&expr) {
        let ty = typing::text(typing::text_length(&expr.ty), collation);
        text_of_branches(&mut expr, &ty);
    }
    expr
}

fn text_of_branches(expr: &mut Expr, ty: &SqlType) {
    let nullable = expr.ty.nullable;
    for branch in branches_mut(expr) {
        unscale(branch);
        if is_choice(branch) {
            text_of_branches(branch, ty);
        } else {
            *branch = cast_to(std::mem::replace(branch, null()), ty);
        }
    }
    expr.ty = SqlType { nullable, ..ty.clone() };
}

/// A decimal of its own scale, whatever the type says: for documents.
pub fn own_number(expr: &mut Expr) {
    let keeps = match &expr.kind {
        ExprKind::Call { function, .. } => {
            matches!(function.name, "coalesce" | "ifnull" | "greatest" | "least")
                && expr.ty.base == BaseType::Decimal
        }
        _ => false,
    };
    if !keeps && !is_choice(expr) {
        return;
    }
    for branch in branches_mut(expr) {
        let whole = match &branch.kind {
            ExprKind::Cast { expr: inner, target: CastTarget::Scale }
                if typing::domain(&inner.ty) == Domain::Int =>
            {
                Some(typing::decimal(typing::decimal_digits(&inner.ty).0, 0))
            }
            _ => None,
        };
        match whole {
            // A decimal without decimals: an integer is another kind of number.
            Some(ty) => branch.ty = SqlType { nullable: branch.ty.nullable, ..ty },
            None => unscale(branch),
        }
        own_number(branch);
    }
}

/// Takes off the conversion to the common scale.
fn unscale(branch: &mut Expr) {
    if let ExprKind::Cast { expr: inner, target: CastTarget::Scale } = &mut branch.kind {
        let inner = std::mem::replace(&mut **inner, null());
        *branch = inner;
    }
}

#[cfg(test)]
mod tests {
    use crate::build::{self, BuildContext};
    use crate::expr::{CastTarget, Expr};
    use crate::typing;
    use crate::{EvalCtx, NoSubqueries};
    use aurora_types::{Decimal, Diagnostics, Value};

    fn number(text: &str) -> Expr {
        let ctx = BuildContext::default();
        match text.parse() {
            Ok(whole) => build::literal(Value::Int(whole), &ctx),
            Err(_) => build::literal(Value::Decimal(Decimal::parse(text.as_bytes()).value), &ctx),
        }
    }

    fn choice(then: Expr, otherwise: Expr) -> Expr {
        build::call("if", vec![number("1"), then, otherwise], &BuildContext::default()).unwrap()
    }

    fn shown(expr: &Expr) -> String {
        let session = crate::functions::oracle::TestSession::default();
        let mut diagnostics = Diagnostics::default();
        let mut ctx = EvalCtx::new(&session, &NoSubqueries, &[], &mut diagnostics);
        let value = expr.eval(&[], &mut ctx).unwrap();
        ctx.to_text(value.as_ref(), &expr.ty).to_str_lossy().into_owned()
    }

    fn own(expr: Expr) -> String {
        shown(&build::own_text(expr, BuildContext::default().collation))
    }

    #[test]
    fn the_text_of_a_choice_has_the_branchs_decimals() {
        assert_eq!(own(choice(number("0"), number("1.25"))), "0");
        assert_eq!(own(choice(number("1.5"), number("1.25"))), "1.5");
        assert_eq!(own(choice(choice(number("1"), number("2.55")), number("0.123456"))), "1");
        // What is not a choice is written with the decimals of its type.
        let coalesce = build::call("coalesce", vec![number("1"), number("2.55")], &BuildContext::default());
        assert_eq!(own(coalesce.unwrap()), "1.00");
        // A conversion that was asked for stays.
        let cast = build::cast(number("1"), CastTarget::Decimal, typing::decimal(10, 2)).unwrap();
        assert_eq!(own(choice(cast, number("1.5"))), "1.00");
    }

    #[test]
    fn arithmetic_goes_by_the_type_of_a_choice() {
        let sum = build::arithmetic(
            crate::ArithmeticOp::Add,
            choice(number("0"), number("1.25")),
            number("1"),
            &BuildContext::default(),
        );
        assert_eq!(shown(&sum.unwrap()), "1.00");
    }

    #[test]
    fn texts_made_of_a_choice_take_its_own_text() {
        let ctx = BuildContext::default();
        let text = build::call("concat", vec![choice(number("1"), number("2.55"))], &ctx).unwrap();
        assert_eq!(shown(&text), "1");
        let array = |arg| build::call("json_array", vec![arg], &ctx).unwrap();
        assert_eq!(shown(&array(choice(number("1"), number("2.55")))), "[1]");
        let ifnull = build::call("ifnull", vec![number("1"), number("2.55")], &ctx).unwrap();
        assert_eq!(shown(&array(ifnull)), "[1]");
    }
}
