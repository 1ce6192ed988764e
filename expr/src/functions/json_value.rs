//! JSON_VALUE with RETURNING, ON EMPTY and ON ERROR.

use super::support::{constant_int, def};
use crate::build::{self, BuildContext};
use crate::context::EvalCtx;
use crate::expr::{Coercibility, Expr, ExprKind};
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::decimal::Fit;
use aurora_types::error::{
    ER_DATA_OUT_OF_RANGE, ER_INVALID_JSON_TEXT_IN_PARAM, ER_INVALID_TYPE_FOR_JSON, ER_MISSING_JSON_VALUE,
    ER_MULTIPLE_JSON_VALUES,
};
use aurora_types::{
    BaseType, CollationId, Decimal, Json, Level, SqlError, SqlResult, SqlType, Text, Value, number,
};

pub const FUNCTIONS: &[FunctionDef] = &[def(
    "json_value",
    Arity::exactly(2),
    |args, _| {
        check_document(&args[0])?;
        Ok(Typed { ty: default_type(), coercibility: Coercibility::COERCIBLE })
    },
    json_value,
    "JSON_VALUE(doc, path [RETURNING type] [… ON EMPTY] [… ON ERROR]): the scalar that the path leads to.",
)
.sees_nulls()];

/// What ON EMPTY and ON ERROR say.
#[derive(Clone, Debug)]
pub enum Response {
    Null,
    Error,
    /// A constant.
    Default(Expr),
}

fn default_type() -> SqlType {
    SqlType { nullable: true, ..typing::text(512, CollationId::UTF8MB4_0900_BIN) }
}

fn check_document(document: &Expr) -> SqlResult<()> {
    match typing::domain(&document.ty) {
        Domain::Text | Domain::Json | Domain::Null => Ok(()),
        _ => Err(SqlError::new(ER_INVALID_TYPE_FOR_JSON, &[&1, &"json_value"])),
    }
}

/// A call of JSON_VALUE with all its clauses; `returning` is `None` where none was written.
///
/// # Errors
/// 3146 for a document of another type.
pub fn build(
    document: Expr,
    path: Expr,
    returning: Option<SqlType>,
    on_empty: Response,
    on_error: Response,
    ctx: &BuildContext,
) -> SqlResult<Expr> {
    check_document(&document)?;
    let ty = SqlType { nullable: true, ..returning.unwrap_or_else(default_type) };
    // Two arguments more for each clause: what to do, and its default.
    let mut args = vec![document, path];
    for response in [on_empty, on_error] {
        let (mode, default) = match response {
            Response::Null => (0, build::null()),
            Response::Error => (1, build::null()),
            Response::Default(value) => (2, build::cast_to(value, &ty)),
        };
        args.push(build::literal(Value::Int(mode), ctx));
        args.push(default);
    }
    let coercibility = Typed::from(ty.clone()).coercibility;
    Ok(Expr::new(ExprKind::Call { function: &FUNCTIONS[0], args }, ty, coercibility))
}

/// Does what the clause at argument `at` says.
fn respond(args: &Args<'_>, at: usize, error: impl FnOnce() -> SqlError) -> SqlResult<Value> {
    match args.exprs.get(at).and_then(constant_int) {
        Some(1) => Err(error()),
        Some(2) => Ok(args.values.get(at + 1).cloned().unwrap_or(Value::Null)),
        _ => Ok(Value::Null),
    }
}

const ON_EMPTY: usize = 2;
const ON_ERROR: usize = 4;

fn json_value(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) || args.is_null(1) {
        return Ok(Value::Null);
    }
    let path = args.path(1, ctx)?;
    let document = match args.document(0, "json_value") {
        Ok(document) => document,
        Err(error) if error.is(ER_INVALID_JSON_TEXT_IN_PARAM) => {
            let (code, message) = (error.code, error.message.clone());
            let value = respond(args, ON_ERROR, || error)?;
            ctx.diagnostics.push(Level::Warning, code, message);
            return Ok(value);
        }
        Err(error) => return Err(error),
    };
    let found = path.find(&document);
    match found.as_slice() {
        [] => respond(args, ON_EMPTY, || SqlError::new(ER_MISSING_JSON_VALUE, &[&"json_value"])),
        [Json::Null] => Ok(Value::Null),
        [json] => match convert(ctx, json, args.result)? {
            Some(value) => Ok(value),
            None => respond(args, ON_ERROR, || {
                SqlError::new(ER_DATA_OUT_OF_RANGE, &[&type_name(args.result), &"json_value"])
            }),
        },
        _ => respond(args, ON_ERROR, || SqlError::new(ER_MULTIPLE_JSON_VALUES, &[&"json_value"])),
    }
}

fn type_name(ty: &SqlType) -> &'static str {
    match typing::domain(ty) {
        Domain::Int if ty.base == BaseType::Year => "YEAR",
        Domain::Int if ty.unsigned => "UNSIGNED",
        Domain::Int => "SIGNED",
        Domain::Decimal => "DECIMAL",
        Domain::Double => "DOUBLE",
        Domain::Date => "DATE",
        Domain::Time => "TIME",
        Domain::DateTime => "DATETIME",
        _ => "CHAR",
    }
}

/// A number as one; a string when all of it is.
fn to_decimal(json: &Json) -> Option<Decimal> {
    match json {
        Json::Bool(truth) => Some(Decimal::from_i64(i64::from(*truth))),
        Json::Int(v) => Some(Decimal::from_i64(*v)),
        Json::UInt(v) => Some(Decimal::from_u64(*v)),
        Json::Double(v) => Some(Decimal::from_f64(*v).0),
        Json::Decimal(v) => Some(*v),
        Json::String(text) => {
            let parsed = Decimal::parse(text);
            let rest = text.get(parsed.consumed..).unwrap_or(&[]);
            (parsed.consumed > 0 && number::only_space(rest)).then_some(parsed.value)
        }
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The value as the type that RETURNING names; `None` when it does not convert.
fn convert(ctx: &mut EvalCtx<'_>, json: &Json, ty: &SqlType) -> SqlResult<Option<Value>> {
    Ok(match typing::domain(ty) {
        Domain::Json => Some(super::json_support::result(ctx, json, "json_value")?),
        Domain::Int => to_decimal(json).and_then(|exact| {
            let rounded = exact.round(0);
            if ty.unsigned || ty.base == BaseType::Year {
                let (v, cut) = rounded.to_u64();
                (!cut && !rounded.is_negative()).then_some(Value::UInt(v))
            } else {
                let (v, cut) = rounded.to_i64();
                (!cut).then_some(Value::Int(v))
            }
        }),
        Domain::Decimal => to_decimal(json).and_then(|exact| {
            let (fitted, fit) = exact.fit(ty.length.min(65) as u8, ty.decimals);
            (fit != Fit::Overflow).then_some(Value::Decimal(fitted))
        }),
        Domain::Double => match json {
            Json::Double(v) => Some(Value::Double(*v)),
            other => to_decimal(other).map(|exact| Value::Double(exact.to_f64())),
        },
        Domain::Date | Domain::Time | Domain::DateTime => match json {
            Json::String(text) => {
                let (count, kept) = (ctx.diagnostics.count, ctx.diagnostics.list.len());
                let plain = typing::text(0, CollationId::UTF8MB4_BIN);
                let value = ctx.to_domain(&Value::Text(Text::from(text.as_slice())), &plain, ty)?;
                let warned = ctx.diagnostics.count != count;
                ctx.diagnostics.list.truncate(kept);
                ctx.diagnostics.count = count;
                (!warned && !value.is_null()).then_some(value)
            }
            _ => None,
        },
        _ => {
            let text = match json {
                Json::String(text) => text.clone(),
                other => other.to_text(),
            };
            let fits = ty.collation.char_count(&text) as u64 <= u64::from(ty.length);
            fits.then(|| Value::Text(Text::from(text)))
        }
    })
}
