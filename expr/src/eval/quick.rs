//! Conditions straight from stored columns: no row is built and nothing is copied for what a scan throws away.
//!
//! Only what cannot fail, warn or convert is answered: columns, literals, parameters and slots of matching kinds.
//! Everything else is left to [`Expr::eval_bool`] on a row.

use super::shared::Exact;
use crate::context::EvalCtx;
use crate::expr::{ArithmeticOp, CompareOp, Expr, ExprKind, IsTest, SubqueryKind};
use crate::typing::{self, Comparison};
use aurora_types::decimal::MAX_SCALE;
use aurora_types::{BaseType, Decimal, SqlType, Value, ValueRef};
use std::cmp::Ordering;

/// Where columns are read from.
pub trait Columns {
    /// The value of a column; `None` when it cannot be read.
    fn column(&self, at: usize) -> Option<ValueRef<'_>>;

    /// The value of a column as an exact number.
    #[inline]
    fn exact(&self, at: usize) -> Exact {
        self.column(at).map_or(Exact::Unknown, Exact::of)
    }
}

impl Columns for [Value] {
    #[inline]
    fn column(&self, at: usize) -> Option<ValueRef<'_>> {
        Some(self.get(at).map_or(ValueRef::Null, Value::as_ref))
    }
}

/// `None` is "ask [`Expr::eval_bool`]"; else the truth value, `Some(None)` being unknown.
#[allow(clippy::option_option, reason = "three-valued logic, and not knowing")]
pub(super) type Quick = Option<Option<bool>>;

/// A value that is at hand.
#[inline]
pub(super) fn leaf<'a, C: Columns + ?Sized>(
    expr: &'a Expr,
    columns: &'a C,
    ctx: &'a EvalCtx<'_>,
) -> Option<ValueRef<'a>> {
    match &expr.kind {
        ExprKind::Column(at) => columns.column(*at),
        ExprKind::Literal(value) => Some(value.as_ref()),
        ExprKind::Param(at) => Some(ctx.params.get(*at).map_or(ValueRef::Null, Value::as_ref)),
        ExprKind::Slot(at) => Some(ctx.slots.get(*at).map_or(ValueRef::Null, Value::as_ref)),
        ExprKind::Collate(inner) => leaf(inner, columns, ctx),
        ExprKind::Call { function, args } => part(expr, function.name, args, columns, ctx),
        _ => None,
    }
}

/// A part of a text that is at hand, from a position or from the beginning, by characters.
fn part<'a, C: Columns + ?Sized>(
    expr: &Expr,
    function: &str,
    args: &'a [Expr],
    columns: &'a C,
    ctx: &'a EvalCtx<'_>,
) -> Option<ValueRef<'a>> {
    let (text, position, length) = match (function, args) {
        ("left", [text, length]) => (text, None, Some(length)),
        ("substring", [text, position]) => (text, Some(position), None),
        ("substring", [text, position, length]) => (text, Some(position), Some(length)),
        _ => return None,
    };
    let is_text =
        |ty: &SqlType| typing::is_character(ty) && !matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_));
    if !is_text(&text.ty) || !is_text(&expr.ty) {
        return None;
    }
    // Counts from the end, and what has to be converted, are the function's.
    let count = |expr: Option<&'a Expr>, otherwise: usize| match expr.map(|expr| leaf(expr, columns, ctx)) {
        None => Some(otherwise),
        Some(Some(ValueRef::Int(count))) => usize::try_from(count).ok(),
        Some(_) => None,
    };
    let skipped = count(position, 1)?.checked_sub(1)?;
    let length = count(length, usize::MAX)?;
    match leaf(text, columns, ctx)? {
        ValueRef::Null => Some(ValueRef::Null),
        ValueRef::Text(bytes) => {
            let collation = expr.ty.collation;
            let rest = bytes.get(collation.prefix(bytes, skipped).len()..)?;
            Some(ValueRef::Text(collation.prefix(rest, length)))
        }
        _ => None,
    }
}

/// Order of two values where neither has to be converted; `None` where one has, `Some(None)` where one is NULL.
#[inline]
#[allow(clippy::option_option)]
pub(super) fn order(how: Comparison, a: ValueRef<'_>, b: ValueRef<'_>) -> Option<Option<Ordering>> {
    use ValueRef as V;
    if a.is_null() || b.is_null() {
        return Some(None);
    }
    Some(Some(match how {
        Comparison::Int => match (a, b) {
            (V::Int(a), V::Int(b)) => a.cmp(&b),
            (V::UInt(a), V::UInt(b)) => a.cmp(&b),
            (V::Int(a), V::UInt(b)) => i128::from(a).cmp(&i128::from(b)),
            (V::UInt(a), V::Int(b)) => i128::from(a).cmp(&i128::from(b)),
            _ => return None,
        },
        Comparison::Decimal => match (a, b) {
            (V::Decimal(a), V::Decimal(b)) => a.cmp(&b),
            (V::Decimal(a), V::Int(b)) => a.cmp(&Decimal::from_i64(b)),
            (V::Int(a), V::Decimal(b)) => Decimal::from_i64(a).cmp(&b),
            _ => return None,
        },
        Comparison::Double => return Some(number(a)?.partial_cmp(&number(b)?)),
        Comparison::Text(collation) => match (a, b) {
            (V::Text(a), V::Text(b)) => collation.compare(a, b),
            _ => return None,
        },
        Comparison::Date => match (a, b) {
            (V::Date(a), V::Date(b)) => a.cmp(&b),
            _ => return None,
        },
        Comparison::DateTime => match (a, b) {
            (V::DateTime(a), V::DateTime(b)) => a.cmp(&b),
            (V::Date(a), V::DateTime(b)) if a.is_real() && b.date().is_real() => a.at_midnight().cmp(&b),
            (V::DateTime(a), V::Date(b)) if a.date().is_real() && b.is_real() => a.cmp(&b.at_midnight()),
            (V::Date(a), V::Date(b)) if a.is_real() && b.is_real() => a.cmp(&b),
            _ => return None,
        },
        Comparison::Time => match (a, b) {
            (V::Time(a), V::Time(b)) => a.cmp(&b),
            _ => return None,
        },
        Comparison::Json => return None,
    }))
}

fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Int(v) => Some(v as f64),
        ValueRef::UInt(v) => Some(v as f64),
        ValueRef::Double(v) => Some(v),
        ValueRef::Decimal(v) => Some(v.to_f64()),
        _ => None,
    }
}

#[inline]
pub(super) fn compare<C: Columns + ?Sized>(
    op: CompareOp,
    (left, right): (&Expr, &Expr),
    how: Comparison,
    columns: &C,
    ctx: &EvalCtx<'_>,
) -> Quick {
    let (a, b) = (leaf(left, columns, ctx)?, leaf(right, columns, ctx)?);
    if op == CompareOp::NullSafeEq && (a.is_null() || b.is_null()) {
        return Some(Some(a.is_null() && b.is_null()));
    }
    if let (Comparison::Text(collation), ValueRef::Text(a), ValueRef::Text(b)) = (how, a, b) {
        // The same bytes are equal under every collation.
        match op {
            CompareOp::Eq | CompareOp::NullSafeEq => return Some(Some(collation.eq(a, b))),
            CompareOp::Ne => return Some(Some(!collation.eq(a, b))),
            _ => {}
        }
    }
    Some(order(how, a, b)?.map(|order| op.holds(order)))
}

impl Expr {
    /// The truth value by columns alone, where that takes no conversion; `None`: ask [`Expr::eval_bool`].
    #[allow(clippy::option_option)]
    pub fn quick_bool<C: Columns + ?Sized>(&self, columns: &C, ctx: &EvalCtx<'_>) -> Option<Option<bool>> {
        match &self.kind {
            ExprKind::Compare { op, left, right, how } => compare(*op, (left, right), *how, columns, ctx),
            ExprKind::And(list) => {
                let mut result = Some(true);
                for operand in list {
                    match operand.quick_bool(columns, ctx)? {
                        Some(false) => return Some(Some(false)),
                        None => result = None,
                        Some(true) => {}
                    }
                }
                Some(result)
            }
            ExprKind::Or(list) => {
                let mut result = Some(false);
                for operand in list {
                    match operand.quick_bool(columns, ctx)? {
                        Some(true) => return Some(Some(true)),
                        None => result = None,
                        Some(false) => {}
                    }
                }
                Some(result)
            }
            ExprKind::Not(inner) => Some(inner.quick_bool(columns, ctx)?.map(|truth| !truth)),
            ExprKind::Is { expr, test: IsTest::Null | IsTest::Unknown, negated } => {
                Some(Some(leaf(expr, columns, ctx)?.is_null() != *negated))
            }
            ExprKind::Between { expr, low, high, negated, how } => {
                let value = leaf(expr, columns, ctx)?;
                if value.is_null() {
                    return Some(None);
                }
                let above = order(how[0], value, leaf(low, columns, ctx)?)?.map(Ordering::is_ge);
                let below = order(how[1], value, leaf(high, columns, ctx)?)?.map(Ordering::is_le);
                let inside = match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                Some(inside.map(|inside| inside != *negated))
            }
            ExprKind::InList { expr, list, negated, how, set } => {
                let value = leaf(expr, columns, ctx)?;
                if value.is_null() {
                    return Some(None);
                }
                if let Some(answer) = set.as_deref().and_then(|set| set.find(value)) {
                    return Some(answer.map(|found| found != *negated));
                }
                let mut found = Some(false);
                for (element, how) in list.iter().zip(how) {
                    let other = leaf(element, columns, ctx)?;
                    let is_equal = match (how, value, other) {
                        (Comparison::Text(collation), ValueRef::Text(a), ValueRef::Text(b)) => {
                            Some((*collation).eq(a, b))
                        }
                        _ => order(*how, value, other)?.map(Ordering::is_eq),
                    };
                    match is_equal {
                        Some(true) => {
                            found = Some(true);
                            break;
                        }
                        None => found = None,
                        Some(false) => {}
                    }
                }
                Some(found.map(|found| found != *negated))
            }
            ExprKind::Subquery(call) => match (call.kind, call.operands.as_slice(), call.args.as_slice()) {
                (SubqueryKind::In { .. }, [operand], []) => {
                    ctx.subqueries.known_in(call, leaf(operand, columns, ctx)?)
                }
                _ => None,
            },
            ExprKind::Like { expr, negated, compiled: Some(pattern), .. } => {
                match leaf(expr, columns, ctx)? {
                    ValueRef::Null => Some(None),
                    ValueRef::Text(text) => Some(Some(pattern.matches(text) != *negated)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether [`Expr::quick_bool`] may answer this, by its form. Kinds of values decide in the end.
    pub fn is_quick(&self) -> bool {
        fn is_leaf(expr: &Expr) -> bool {
            match &expr.kind {
                ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Param(_) | ExprKind::Slot(_) => true,
                ExprKind::Collate(inner) => is_leaf(inner),
                ExprKind::Call { function, args } => {
                    matches!(function.name, "left" | "substring") && args.iter().all(is_leaf)
                }
                _ => false,
            }
        }
        match &self.kind {
            ExprKind::Compare { left, right, .. } => is_leaf(left) && is_leaf(right),
            ExprKind::And(list) | ExprKind::Or(list) => list.iter().all(Expr::is_quick),
            ExprKind::Not(inner) => inner.is_quick(),
            ExprKind::Is { expr, test: IsTest::Null | IsTest::Unknown, .. } => is_leaf(expr),
            ExprKind::Between { expr, low, high, .. } => is_leaf(expr) && is_leaf(low) && is_leaf(high),
            ExprKind::InList { expr, list, .. } => is_leaf(expr) && list.iter().all(is_leaf),
            ExprKind::Like { expr, compiled: Some(_), .. } => is_leaf(expr),
            _ => false,
        }
    }
}

/// How deep [`Expr::small_decimal`] looks: what is deeper is computed step by step.
const SMALL_DEPTH: u32 = 8;

impl Expr {
    /// A decimal as `unscaled / 10^scale`, where sums, differences and products of columns and constants stay within
    /// 127 bits and nothing is rounded; `None`: ask [`Expr::eval`].
    #[inline]
    pub fn small_decimal<C: Columns + ?Sized>(&self, columns: &C, ctx: &EvalCtx<'_>) -> Option<(i128, u8)> {
        match &self.kind {
            ExprKind::Arithmetic { .. } => self.small_at(columns, ctx, SMALL_DEPTH),
            _ => small_leaf(self, columns, ctx),
        }
    }

    fn small_at<C: Columns + ?Sized>(
        &self,
        columns: &C,
        ctx: &EvalCtx<'_>,
        depth: u32,
    ) -> Option<(i128, u8)> {
        let ExprKind::Arithmetic { op, left, right } = &self.kind else {
            return small_leaf(self, columns, ctx);
        };
        if depth == 0 || self.ty.base != BaseType::Decimal {
            return None;
        }
        let (a, a_scale) = left.small_at(columns, ctx, depth - 1)?;
        let (b, b_scale) = right.small_at(columns, ctx, depth - 1)?;
        let (result, scale) = match op {
            ArithmeticOp::Mul => {
                let product = match (i64::try_from(a), i64::try_from(b)) {
                    (Ok(a), Ok(b)) => i128::from(a) * i128::from(b),
                    _ => a.checked_mul(b)?,
                };
                (product, a_scale + b_scale)
            }
            ArithmeticOp::Add | ArithmeticOp::Sub => {
                let scale = a_scale.max(b_scale);
                let (a, b) = (raised(a, scale - a_scale)?, raised(b, scale - b_scale)?);
                (if *op == ArithmeticOp::Add { a.checked_add(b)? } else { a.checked_sub(b)? }, scale)
            }
            _ => return None,
        };
        (scale <= self.ty.decimals && scale <= MAX_SCALE).then_some((result, scale))
    }
}

fn small_leaf<C: Columns + ?Sized>(expr: &Expr, columns: &C, ctx: &EvalCtx<'_>) -> Option<(i128, u8)> {
    match leaf(expr, columns, ctx)? {
        ValueRef::Int(v) => Some((i128::from(v), 0)),
        ValueRef::UInt(v) => Some((i128::from(v), 0)),
        ValueRef::Decimal(v) => Some((v.unscaled_i128()?, v.scale())),
        _ => None,
    }
}

/// `v * 10^by`.
#[inline]
pub(crate) fn raised(v: i128, by: u8) -> Option<i128> {
    if by == 0 {
        return Some(v);
    }
    let factor = 10i64.checked_pow(u32::from(by))?;
    match i64::try_from(v) {
        Ok(v) => Some(i128::from(v) * i128::from(factor)),
        Err(_) => v.checked_mul(i128::from(factor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_kind_compare_without_conversion() {
        let decimal = |text: &str| ValueRef::Decimal(Decimal::parse(text.as_bytes()).value);
        let less = Some(Some(Ordering::Less));
        assert_eq!(order(Comparison::Decimal, decimal("1.10"), decimal("1.2")), less);
        assert_eq!(order(Comparison::Decimal, decimal("23.99"), ValueRef::Int(24)), less);
        assert_eq!(order(Comparison::Int, ValueRef::Int(-1), ValueRef::UInt(u64::MAX)), less);
        assert_eq!(order(Comparison::Int, ValueRef::Null, ValueRef::Int(1)), Some(None));
        // Text against a number warns, so it is none of ours.
        assert_eq!(order(Comparison::Double, ValueRef::Text(b"1"), ValueRef::Double(1.0)), None);
    }

    #[test]
    fn a_part_of_a_text_is_what_its_function_gives() {
        use crate::build::{self, BuildContext};
        use crate::context::NoSubqueries;
        use crate::functions::oracle::TestSession;
        use aurora_types::{CollationId, Diagnostics, Text};

        let ctx = BuildContext::default();
        let session = TestSession::default();
        let mut diagnostics = Diagnostics::default();
        let mut eval = EvalCtx::new(&session, &NoSubqueries, &[], &mut diagnostics);
        let (mut quick, mut left_to_the_function) = (0, 0);
        for collation in [CollationId::UTF8MB4_0900_AI_CI, CollationId::BINARY] {
            let mut ty = SqlType::new(BaseType::VarChar, 20);
            ty.collation = collation;
            let column = || build::column(0, ty.clone());
            let number = |count: i64| build::literal(Value::Int(count), &ctx);
            let mut calls = Vec::new();
            for a in [-2, -1, 0, 1, 2, 3, 9] {
                calls.push(build::call("left", vec![column(), number(a)], &ctx));
                calls.push(build::call("substr", vec![column(), number(a)], &ctx));
                for b in [-1, 0, 1, 2, 9] {
                    calls.push(build::call("mid", vec![column(), number(a), number(b)], &ctx));
                }
            }
            for call in calls {
                let call = call.expect("a call");
                for text in ["", "a", "\u{e9}t\u{e9}", "13-467", "\u{1f600}\u{4e2d}x"] {
                    let row = [Value::Text(Text::from(text))];
                    let Value::Text(whole) = call.eval(&row, &mut eval).expect("a text") else {
                        panic!("no text")
                    };
                    match leaf(&call, row.as_slice(), &eval) {
                        Some(ValueRef::Text(found)) => {
                            assert_eq!(found, whole.as_bytes(), "{call:?} of {text}");
                            quick += 1;
                        }
                        Some(other) => panic!("{other:?}"),
                        None => left_to_the_function += 1,
                    }
                }
                assert!(!matches!(leaf(&call, [Value::Null].as_slice(), &eval), Some(ValueRef::Text(_))));
            }
        }
        assert!(quick > 100 && left_to_the_function > 100, "{quick}, {left_to_the_function}");
    }

    #[test]
    fn raising_stops_at_the_range() {
        assert_eq!(raised(-12, 3), Some(-12_000));
        assert_eq!(raised(i128::MAX / 5, 1), None);
        assert_eq!(raised(1, 19), None);
    }
}
