//! Conditions of a scan on columns whose values order as 64-bit numbers: a comparison with a constant is a range of those
//! numbers, found once, and asked of the stored bytes.

use aurora_expr::typing::Comparison;
use aurora_expr::{CompareOp, EvalCtx, Expr, ExprKind};
use aurora_types::ValueRef;
use aurora_types::codec::row::{Ordinal, RowLayout, RowView};

/// One conjunct of a scan's filter.
pub(super) struct Condition<'a> {
    pub expr: &'a Expr,
    form: Form,
}

enum Form {
    /// Nobody looked yet.
    New,
    /// Within the bounds, which are included, or not, by physical column.
    Within {
        column: usize,
        low: i64,
        high: i64,
        inside: bool,
    },
    /// Two columns of one kind.
    Columns {
        left: usize,
        right: usize,
        op: CompareOp,
    },
    Other,
}

impl<'a> Condition<'a> {
    pub fn new(expr: &'a Expr) -> Condition<'a> {
        Condition { expr, form: Form::New }
    }

    /// Finds the range; literals and parameters are constants, slots are not. `physical`: by output column.
    pub fn prepare(
        &mut self,
        layout: &RowLayout,
        physical: impl Fn(usize) -> Option<usize>,
        ctx: &EvalCtx<'_>,
    ) {
        if matches!(self.form, Form::New) {
            self.form = form(self.expr, layout, &physical, ctx).unwrap_or(Form::Other);
        }
    }

    /// The truth value where the stored bytes give it; `Some(None)` is unknown.
    #[inline]
    #[allow(clippy::option_option, reason = "three-valued logic, and not knowing")]
    pub fn ask(&self, view: &RowView<'_>) -> Option<Option<bool>> {
        match &self.form {
            Form::Within { column, low, high, inside } => {
                let value = view.ordinal(*column)?;
                Some(value.map(|value| (*low <= value && value <= *high) == *inside))
            }
            Form::Columns { left, right, op } => {
                let (a, b) = (view.ordinal(*left)?, view.ordinal(*right)?);
                Some(a.zip(b).map(|(a, b)| op.holds(a.cmp(&b))))
            }
            Form::New | Form::Other => None,
        }
    }
}

fn form(
    expr: &Expr,
    layout: &RowLayout,
    physical: &impl Fn(usize) -> Option<usize>,
    ctx: &EvalCtx<'_>,
) -> Option<Form> {
    let column = |expr: &Expr, how: Comparison| {
        let ExprKind::Column(at) = expr.kind else { return None };
        let column = physical(at)?;
        let ordinal = layout.ordinal(column)?;
        let fits = match ordinal {
            Ordinal::Int => how == Comparison::Int,
            Ordinal::Decimal(_) => how == Comparison::Decimal,
            Ordinal::Date => how == Comparison::Date,
        };
        fits.then_some((column, ordinal))
    };
    match &expr.kind {
        ExprKind::Compare { op, left, right, how } => {
            let (left, right, op) = match left.kind {
                ExprKind::Column(_) => (left, right, *op),
                _ => (right, left, op.swapped()),
            };
            let (at, ordinal) = column(left, *how)?;
            if let Some((other, other_ordinal)) = column(right, *how) {
                let same = ordinal == other_ordinal && op != CompareOp::NullSafeEq;
                return same.then_some(Form::Columns { left: at, right: other, op });
            }
            let value = constant(right, ordinal, ctx)?;
            let (low, high, inside) = match op {
                CompareOp::Eq => (value, value, true),
                CompareOp::Ne => (value, value, false),
                CompareOp::Lt => (i64::MIN, value.checked_sub(1)?, true),
                CompareOp::Le => (i64::MIN, value, true),
                CompareOp::Gt => (value.checked_add(1)?, i64::MAX, true),
                CompareOp::Ge => (value, i64::MAX, true),
                CompareOp::NullSafeEq => return None,
            };
            Some(Form::Within { column: at, low, high, inside })
        }
        ExprKind::Between { expr, low, high, negated, how } => {
            let (at, ordinal) = column(expr, how[0])?;
            column(expr, how[1])?;
            let (low, high) = (constant(low, ordinal, ctx)?, constant(high, ordinal, ctx)?);
            Some(Form::Within { column: at, low, high, inside: !*negated })
        }
        _ => None,
    }
}

/// A constant as a column's numbers are.
fn constant(expr: &Expr, ordinal: Ordinal, ctx: &EvalCtx<'_>) -> Option<i64> {
    let value = match &expr.kind {
        ExprKind::Literal(value) => value,
        ExprKind::Param(at) => ctx.params.get(*at)?,
        _ => return None,
    };
    number(value.as_ref(), ordinal)
}

fn number(value: ValueRef<'_>, ordinal: Ordinal) -> Option<i64> {
    match (value, ordinal) {
        (ValueRef::Int(v), Ordinal::Int) => Some(v),
        (ValueRef::UInt(v), Ordinal::Int) => i64::try_from(v).ok(),
        (ValueRef::Int(v), Ordinal::Decimal(scale)) => v.checked_mul(10i64.checked_pow(u32::from(scale))?),
        (ValueRef::Decimal(v), Ordinal::Decimal(scale)) => {
            let by = scale.checked_sub(v.scale())?;
            let unscaled = i64::try_from(v.unscaled_i128()?).ok()?;
            unscaled.checked_mul(10i64.checked_pow(u32::from(by))?)
        }
        (ValueRef::Date(v), Ordinal::Date) => Some(i64::from(v.packed())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::{Date, Decimal, Value};

    #[test]
    fn constants_are_numbers_where_nothing_is_lost() {
        let decimal = |text: &str| Value::Decimal(Decimal::parse(text.as_bytes()).value);
        assert_eq!(number(decimal("-1.5").as_ref(), Ordinal::Decimal(2)), Some(-150));
        assert_eq!(number(decimal("1.555").as_ref(), Ordinal::Decimal(2)), None);
        assert_eq!(number(ValueRef::Int(24), Ordinal::Decimal(2)), Some(2400));
        assert_eq!(number(ValueRef::Int(i64::MAX), Ordinal::Decimal(1)), None);
        assert_eq!(number(ValueRef::UInt(u64::MAX), Ordinal::Int), None);
        assert_eq!(number(ValueRef::Text(b"1"), Ordinal::Int), None);
        let (earlier, later) = (Date::new(1994, 12, 31), Date::new(1995, 1, 1));
        let day = |date: Option<Date>| date.and_then(|date| number(ValueRef::Date(date), Ordinal::Date));
        assert!(day(earlier).is_some() && day(earlier) < day(later));
    }
}
