//! Comparing two values the way binding chose.

use crate::context::EvalCtx;
use crate::eval::convert::text_operand;
use crate::typing::Comparison;
use aurora_types::{Date, SqlResult, SqlType, Time, ValueRef};
use std::cmp::Ordering;

impl Comparison {
    /// Order of two values; `None` when one is NULL.
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
            Comparison::Time => {
                let [a, b] = [ctx.to_time(a, a_ty)?, ctx.to_time(b, b_ty)?];
                Some(a.unwrap_or(Time::ZERO).cmp(&b.unwrap_or(Time::ZERO)))
            }
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
    // What is no date compares as the zero date.
    let zero = Date::ZERO.at_midnight();
    let [a, b] = [ctx.to_datetime_fuzzy(a, a_ty)?, ctx.to_datetime_fuzzy(b, b_ty)?];
    Ok(Some(a.unwrap_or(zero).cmp(&b.unwrap_or(zero))))
}
