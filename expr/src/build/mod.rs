//! Builders: resolved operands in, typed expression out.
//!
//! The planner resolves names and calls these; they do MySQL's typing, aggregate collations (1267), count
//! arguments (1582) and insert conversions. Operands that are rows go through [`comparison`] and [`in_list`] only.

mod literal;
mod operator;
mod own_scale;
mod predicate;

pub use literal::{hex_literal, literal, null, truth_literal, typed_literal};
pub use operator::{
    arithmetic, assign, bit, bit_not, case, case_operands, cast, cast_to, coerce, collate, negate,
};
pub use own_scale::{has_own_text, own_number, own_text};
pub use predicate::{
    and, between, case_comparison, check_compared_dates, check_folded_dates, comparison, in_list, is_test,
    like, not, or, row, subquery, truth, xor,
};

use crate::expr::{Expr, ExprKind};
use crate::function::{self, FunctionDef};
use aurora_types::error::{ER_NOT_SUPPORTED_YET, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT};
use aurora_types::{CollationId, SqlError, SqlMode, SqlResult, SqlType};

/// What typing depends on.
#[derive(Clone, Debug)]
pub struct BuildContext {
    pub sql_mode: SqlMode,
    /// `collation_connection`: of literals and of functions that make text.
    pub collation: CollationId,
    /// `div_precision_increment`.
    pub div_precision_increment: u8,
    /// `group_concat_max_len` in bytes.
    pub group_concat_max_len: u64,
}

impl Default for BuildContext {
    fn default() -> BuildContext {
        BuildContext {
            sql_mode: SqlMode::DEFAULT,
            collation: CollationId::UTF8MB4_0900_AI_CI,
            div_precision_increment: 4,
            group_concat_max_len: 1024,
        }
    }
}

/// A column of the input row.
pub fn column(position: usize, ty: SqlType) -> Expr {
    Expr::new(ExprKind::Column(position), ty, crate::Coercibility::IMPLICIT)
}

/// A correlation slot.
pub fn slot(number: usize, ty: SqlType) -> Expr {
    Expr::new(ExprKind::Slot(number), ty, crate::Coercibility::IMPLICIT)
}

/// A parameter: holds its collation as a literal does.
pub fn param(number: usize, ty: SqlType) -> Expr {
    let coercibility = function::Typed::from(ty.clone()).coercibility;
    Expr::new(ExprKind::Param(number), ty, coercibility)
}

/// A call of a registered function. `name` in lower case; 1305 is the caller's when [`crate::lookup`] finds none.
///
/// # Errors
/// 1582 for a wrong number of arguments, and what the function's typing says.
pub fn call(name: &str, args: Vec<Expr>, ctx: &BuildContext) -> SqlResult<Expr> {
    match crate::lookup(name) {
        Some(function) => call_function(function, args, ctx),
        None => {
            Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&format_args!("function {}", name.to_uppercase())]))
        }
    }
}

/// As [`call`] for a function in hand.
pub fn call_function(
    function: &'static FunctionDef,
    mut args: Vec<Expr>,
    ctx: &BuildContext,
) -> SqlResult<Expr> {
    let count = args.len();
    let arity = function.arity;
    if count < usize::from(arity.min) || (arity.max != u8::MAX && count > usize::from(arity.max)) {
        return Err(SqlError::new(ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&function.name]));
    }
    if let Some(rows) = args.iter().find(|arg| matches!(arg.kind, ExprKind::Row(_))) {
        let _ = rows;
        return Err(SqlError::new(aurora_types::error::ER_OPERAND_COLUMNS, &[&1]));
    }
    let typed = (function.result_type)(&mut args, ctx)?;
    let mut ty = typed.ty;
    read_decimals(function, &mut args, ctx);
    if function.nulls == function::NullRule::Propagate && args.iter().any(|arg| arg.ty.nullable) {
        ty.nullable = true;
    }
    Ok(Expr::new(ExprKind::Call { function, args }, ty, typed.coercibility))
}

/// `DATE_ADD(date, INTERVAL amount unit)` and `DATE_SUB`: the unit travels as a literal in the third argument
/// (`DAY`, `YEAR_MONTH`, …), as it does in the first of EXTRACT, TIMESTAMPADD and TIMESTAMPDIFF.
pub fn interval(date: Expr, amount: Expr, unit: &str, subtract: bool, ctx: &BuildContext) -> SqlResult<Expr> {
    let unit = literal(aurora_types::Value::Text(unit.into()), ctx);
    call(if subtract { "date_sub" } else { "date_add" }, vec![date, amount, unit], ctx)
}

/// Functions whose first arguments, so many of them, are read as text whatever their type.
const TEXT_READERS: &[(&str, usize)] = &[
    ("bit_length", 1),
    ("char_length", 1),
    ("concat", usize::MAX),
    ("concat_ws", usize::MAX),
    ("find_in_set", 2),
    ("instr", 2),
    ("left", 1),
    ("length", 1),
    ("locate", 2),
    ("lower", 1),
    ("lpad", 1),
    ("ltrim", 1),
    ("quote", 1),
    ("regexp_like", 1),
    ("repeat", 1),
    ("replace", 3),
    ("reverse", 1),
    ("right", 1),
    ("rpad", 1),
    ("rtrim", 1),
    ("strcmp", 2),
    ("substring", 1),
    ("trim", 1),
    ("upper", 1),
];

/// Functions that put numbers into documents.
const DOCUMENT_WRITERS: &[&str] = &[
    "json_array",
    "json_array_append",
    "json_array_insert",
    "json_insert",
    "json_object",
    "json_replace",
    "json_set",
];

/// Decimals of IF and CASE have the branch's digits in texts and documents.
fn read_decimals(function: &FunctionDef, args: &mut [Expr], ctx: &BuildContext) {
    if let Some((_, count)) = TEXT_READERS.iter().find(|(name, _)| *name == function.name) {
        for arg in args.iter_mut().take(*count).filter(|arg| has_own_text(arg)) {
            let taken = std::mem::replace(arg, null());
            *arg = own_text(taken, ctx.collation);
        }
    } else if DOCUMENT_WRITERS.contains(&function.name) {
        args.iter_mut().for_each(own_number);
    }
}
