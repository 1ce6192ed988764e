//! Comparing two values the way binding chose.

use crate::context::EvalCtx;
use crate::eval::convert::text_operand;
use crate::typing::Comparison;
use aurora_types::{SqlResult, SqlType, ValueRef};
use std::cmp::Ordering;

impl Comparison {
    /// Order of two values; `None` when one is NULL (or cannot be read as a date where dates are compared).
    pub fn compare(
        self,
        a: ValueRef<'_>,
        a_ty: &SqlType,
        b: ValueRef<'_>,
        b_ty: &SqlType,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Option<Ordering>> {
        if a.is_null() || b.is_null() {
            return Ok(None);
        }
        Ok(match self {
            Comparison::Int => Some(match (a, b) {
                (ValueRef::Int(a), ValueRef::Int(b)) => a.cmp(&b),
                (ValueRef::UInt(a), ValueRef::UInt(b)) => a.cmp(&b),
                _ => ctx.to_i128(a, a_ty)?.cmp(&ctx.to_i128(b, b_ty)?),
            }),
            Comparison::Double => {
                let (a, b) = (ctx.to_f64(a, a_ty)?, ctx.to_f64(b, b_ty)?);
                a.partial_cmp(&b)
            }
            Comparison::Decimal => Some(match (a, b) {
                (ValueRef::Decimal(a), ValueRef::Decimal(b)) => a.cmp(&b),
                _ => ctx.to_decimal(a, a_ty)?.cmp(&ctx.to_decimal(b, b_ty)?),
            }),
            Comparison::Text(collation) => Some(match (a, b) {
                (ValueRef::Text(a), ValueRef::Text(b)) => collation.compare(a, b),
                _ => collation.compare(&text_operand(a, a_ty), &text_operand(b, b_ty)),
            }),
            Comparison::Date => match (a, b) {
                (ValueRef::Date(a), ValueRef::Date(b)) => Some(a.cmp(&b)),
                _ => return datetimes(a, a_ty, b, b_ty, ctx),
            },
            Comparison::DateTime => match (a, b) {
                (ValueRef::DateTime(a), ValueRef::DateTime(b)) => Some(a.cmp(&b)),
                _ => return datetimes(a, a_ty, b, b_ty, ctx),
            },
            Comparison::Time => match (ctx.to_time(a, a_ty)?, ctx.to_time(b, b_ty)?) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => None,
            },
            Comparison::Json => crate::functions::json_compare(a, a_ty, b, b_ty),
        })
    }
}

fn datetimes(
    a: ValueRef<'_>,
    a_ty: &SqlType,
    b: ValueRef<'_>,
    b_ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<Ordering>> {
    Ok(match (ctx.to_datetime_for_compare(a, a_ty)?, ctx.to_datetime_for_compare(b, b_ty)?) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => None,
    })
}
