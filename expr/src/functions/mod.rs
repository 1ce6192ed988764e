//! SQL functions by family. A family is a file with `pub const FUNCTIONS: &[FunctionDef]`; put it into
//! [`FAMILIES`]. See `control.rs` for how one is written.

// Typing rules share one signature: a rule may add and drop arguments, though most do not.
#![allow(clippy::ptr_arg)]

pub mod control;
pub mod crypto;
pub mod date_arith;
pub mod date_format;
pub mod date_parse;
pub mod date_part;
mod date_support;
pub mod date_time;
mod format_locale;
pub mod info;
pub mod json_read;
mod json_support;
pub mod json_value;
pub mod json_write;
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

use crate::function::FunctionDef;
pub(crate) use json_support::{
    compare as json_compare, from_value as json_from_value, operand as json_operand, to_json,
};

/// Whether the call's type depends on the digits of the second that constant texts among its arguments have: they
/// are to be literals when it is built.
pub fn counts_digits(name: &str) -> bool {
    matches!(
        name,
        "addtime"
            | "convert_tz"
            | "greatest"
            | "least"
            | "str_to_date"
            | "subtime"
            | "time"
            | "timediff"
            | "timestamp"
            | "unix_timestamp"
    )
}

/// Every family. Sorted by file name.
pub(crate) static FAMILIES: &[&[FunctionDef]] = &[
    control::FUNCTIONS,
    crypto::FUNCTIONS,
    date_arith::FUNCTIONS,
    date_format::FUNCTIONS,
    date_parse::FUNCTIONS,
    date_part::FUNCTIONS,
    date_time::FUNCTIONS,
    info::FUNCTIONS,
    json_read::FUNCTIONS,
    json_value::FUNCTIONS,
    json_write::FUNCTIONS,
    misc::FUNCTIONS,
    numeric::FUNCTIONS,
    regexp::FUNCTIONS,
    string::FUNCTIONS,
    string_code::FUNCTIONS,
    string_search::FUNCTIONS,
];
