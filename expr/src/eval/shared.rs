//! Exact arithmetic that the arguments of several calls have in common: every column is decoded once per row, and every
//! operation on the same operands is done once, in 64 bits.
//!
//! What does not fit in 64 bits, would be rounded, or is no exact number is not answered: [`Expr::eval`] is asked then.

use super::quick::{Columns, leaf};
use crate::context::EvalCtx;
use crate::expr::{ArithmeticOp, Expr, ExprKind};
use crate::typing::{self, Domain};
use aurora_types::{Value, ValueRef};

/// A result of [`SharedSums::run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    Null,
    /// `unscaled / 10^scale`.
    Number(i64, u8),
    /// Ask [`Expr::eval`].
    Unknown,
}

/// Deeper expressions are left to [`Expr::eval`].
const DEPTH_MAX: u32 = 8;
/// More distinct steps would cost more to look for than they save.
const STEPS_MAX: usize = 256;

const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// BIGINT.
    Signed,
    /// BIGINT UNSIGNED.
    Unsigned,
    /// DECIMAL with so many digits behind the point.
    Scale(u8),
}

enum Step<'a> {
    Column(usize),
    /// Literal, parameter or slot.
    Given(&'a Expr),
    Compute {
        op: ArithmeticOp,
        left: usize,
        right: usize,
        limit: Limit,
    },
}

/// Expressions made of the same steps.
#[derive(Default)]
pub struct SharedSums<'a> {
    steps: Vec<Step<'a>>,
    results: Vec<Exact>,
}

impl<'a> SharedSums<'a> {
    /// The number under which [`SharedSums::result`] gives this expression; `None` where it is no sum, difference or
    /// product of columns and constants.
    pub fn add(&mut self, expr: &'a Expr) -> Option<usize> {
        let length = self.steps.len();
        let at = self.step(expr, DEPTH_MAX);
        if at.is_none() {
            self.steps.truncate(length);
        }
        self.results.resize(self.steps.len(), Exact::Unknown);
        at
    }

    fn step(&mut self, expr: &'a Expr, depth: u32) -> Option<usize> {
        if depth == 0 || self.steps.len() >= STEPS_MAX {
            return None;
        }
        let step = match &expr.kind {
            ExprKind::Column(at) => Step::Column(*at),
            ExprKind::Literal(Value::Int(_) | Value::UInt(_) | Value::Decimal(_) | Value::Null)
            | ExprKind::Param(_)
            | ExprKind::Slot(_) => Step::Given(expr),
            ExprKind::Arithmetic { op, left, right } => {
                if !matches!(op, ArithmeticOp::Add | ArithmeticOp::Sub | ArithmeticOp::Mul) {
                    return None;
                }
                let limit = match typing::domain(&expr.ty) {
                    Domain::Int if expr.ty.unsigned => Limit::Unsigned,
                    Domain::Int => Limit::Signed,
                    Domain::Decimal => Limit::Scale(expr.ty.decimals),
                    _ => return None,
                };
                let left = self.step(left, depth - 1)?;
                let right = self.step(right, depth - 1)?;
                Step::Compute { op: *op, left, right, limit }
            }
            _ => return None,
        };
        let known = self.steps.iter().position(|other| match (other, &step) {
            (Step::Column(a), Step::Column(b)) => a == b,
            (Step::Given(a), Step::Given(b)) => is_same(a, b),
            (
                Step::Compute { op: a, left: a_left, right: a_right, limit: a_limit },
                Step::Compute { op: b, left: b_left, right: b_right, limit: b_limit },
            ) => a == b && a_left == b_left && a_right == b_right && a_limit == b_limit,
            _ => false,
        });
        Some(known.unwrap_or_else(|| {
            self.steps.push(step);
            self.steps.len() - 1
        }))
    }

    /// Computes all steps for a row; whether all are known.
    #[inline]
    pub fn run<C: Columns + ?Sized>(&mut self, columns: &C, ctx: &EvalCtx<'_>) -> bool {
        let mut all_known = true;
        for (at, step) in self.steps.iter().enumerate() {
            let result = match step {
                Step::Column(column) => columns.exact(*column),
                Step::Given(expr) => leaf(expr, columns, ctx).map_or(Exact::Unknown, Exact::of),
                Step::Compute { op, left, right, limit } => {
                    match (self.results[*left], self.results[*right]) {
                        (Exact::Number(a, a_scale), Exact::Number(b, b_scale)) => {
                            compute(*op, (a, a_scale), (b, b_scale), *limit).unwrap_or(Exact::Unknown)
                        }
                        (Exact::Unknown, _) | (_, Exact::Unknown) => Exact::Unknown,
                        _ => Exact::Null,
                    }
                }
            };
            all_known &= result != Exact::Unknown;
            self.results[at] = result;
        }
        all_known
    }

    /// What the last run gave for an expression.
    #[inline]
    pub fn result(&self, number: usize) -> Exact {
        self.results.get(number).copied().unwrap_or(Exact::Unknown)
    }
}

fn is_same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Param(a), ExprKind::Param(b)) | (ExprKind::Slot(a), ExprKind::Slot(b)) => a == b,
        (ExprKind::Literal(Value::Int(a)), ExprKind::Literal(Value::Int(b))) => a == b,
        _ => false,
    }
}

impl Exact {
    /// A value as an exact number of 64 bits.
    #[inline]
    pub fn of(value: ValueRef<'_>) -> Exact {
        match value {
            ValueRef::Null => Exact::Null,
            ValueRef::Int(v) => Exact::Number(v, 0),
            ValueRef::UInt(v) => i64::try_from(v).map_or(Exact::Unknown, |v| Exact::Number(v, 0)),
            ValueRef::Decimal(v) => match v.unscaled_i128().map(i64::try_from) {
                Some(Ok(unscaled)) => Exact::Number(unscaled, v.scale()),
                _ => Exact::Unknown,
            },
            _ => Exact::Unknown,
        }
    }
}

#[inline]
fn compute(
    op: ArithmeticOp,
    (a, a_scale): (i64, u8),
    (b, b_scale): (i64, u8),
    limit: Limit,
) -> Option<Exact> {
    let (result, scale) = match op {
        ArithmeticOp::Mul => (a.checked_mul(b)?, a_scale + b_scale),
        ArithmeticOp::Add | ArithmeticOp::Sub => {
            let scale = a_scale.max(b_scale);
            let raised = |v: i64, by: u8| match by {
                0 => Some(v),
                _ => v.checked_mul(*POWERS.get(usize::from(by))?),
            };
            let (a, b) = (raised(a, scale - a_scale)?, raised(b, scale - b_scale)?);
            (if op == ArithmeticOp::Add { a.checked_add(b)? } else { a.checked_sub(b)? }, scale)
        }
        _ => return None,
    };
    let fits = match limit {
        Limit::Signed => scale == 0,
        Limit::Unsigned => scale == 0 && result >= 0,
        Limit::Scale(decimals) => scale <= decimals,
    };
    fits.then_some(Exact::Number(result, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::Decimal;

    #[test]
    fn only_what_is_exact_is_known() {
        let (mul, add, sub) = (ArithmeticOp::Mul, ArithmeticOp::Add, ArithmeticOp::Sub);
        assert_eq!(compute(mul, (150, 2), (-3, 1), Limit::Scale(3)), Some(Exact::Number(-450, 3)));
        assert_eq!(compute(mul, (150, 2), (-3, 1), Limit::Scale(2)), None);
        assert_eq!(compute(sub, (1, 0), (5, 2), Limit::Scale(2)), Some(Exact::Number(95, 2)));
        assert_eq!(compute(add, (i64::MAX, 0), (1, 0), Limit::Signed), None);
        assert_eq!(compute(sub, (1, 0), (2, 0), Limit::Unsigned), None);
        assert_eq!(compute(add, (1, 0), (1, 19), Limit::Scale(30)), None);
    }

    #[test]
    fn values_are_numbers_of_64_bits() {
        let wide = Decimal::parse(b"12345678901234567890.5").value;
        assert_eq!(Exact::of(ValueRef::Decimal(Decimal::parse(b"-1.50").value)), Exact::Number(-150, 2));
        assert_eq!(Exact::of(ValueRef::Decimal(wide)), Exact::Unknown);
        assert_eq!(Exact::of(ValueRef::UInt(u64::MAX)), Exact::Unknown);
        assert_eq!(Exact::of(ValueRef::Text(b"1")), Exact::Unknown);
        assert_eq!(Exact::of(ValueRef::Null), Exact::Null);
    }
}
