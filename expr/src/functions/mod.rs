//! SQL functions by family. A family is a file with `pub const FUNCTIONS: &[FunctionDef]`; put it into
//! [`FAMILIES`]. See `control.rs` for how one is written.

// Typing rules share one signature: a rule may add and drop arguments, though most do not.
#![allow(clippy::ptr_arg)]

pub mod control;
pub mod date_arith;
pub mod date_format;
pub mod date_parse;
pub mod date_part;
mod date_support;
pub mod date_time;
pub mod crypto;
mod format_locale;
pub mod info;
pub mod misc;
pub mod numeric;
#[cfg(test)]
pub(crate) mod oracle;
pub mod regexp;
mod regexp_syntax;
pub mod string;
pub mod string_code;
pub mod string_search;
mod support;

use crate::context::EvalCtx;
use crate::function::FunctionDef;
use aurora_types::error::ER_NOT_SUPPORTED_YET;
use aurora_types::{SqlError, SqlResult, SqlType, Value, ValueRef};
use std::cmp::Ordering;

/// Every family. Sorted by file name.
pub(crate) static FAMILIES: &[&[FunctionDef]] = &[
    control::FUNCTIONS,
    date_arith::FUNCTIONS,
    date_format::FUNCTIONS,
    date_parse::FUNCTIONS,
    date_part::FUNCTIONS,
    date_time::FUNCTIONS,
    crypto::FUNCTIONS,
    info::FUNCTIONS,
    misc::FUNCTIONS,
    numeric::FUNCTIONS,
    regexp::FUNCTIONS,
    string::FUNCTIONS,
    string_code::FUNCTIONS,
    string_search::FUNCTIONS,
];

/// Order of two values of which at least one is JSON; `None` when they have none. The JSON family replaces it.
pub(crate) type JsonCompare = fn(ValueRef<'_>, &SqlType, ValueRef<'_>, &SqlType) -> Option<Ordering>;

pub(crate) const JSON_COMPARE: JsonCompare = |a, a_ty, b, b_ty| {
    let a = crate::eval::text_of(a, a_ty);
    let b = crate::eval::text_of(b, b_ty);
    Some(a.cmp(&b))
};

/// `CAST(value AS JSON)`. The JSON family replaces it.
pub(crate) fn to_json(value: ValueRef<'_>, _: &SqlType, _: &mut EvalCtx<'_>) -> SqlResult<Value> {
    match value {
        ValueRef::Json(text) => Ok(Value::Json(text.into())),
        _ => Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"CAST … AS JSON"])),
    }
}
