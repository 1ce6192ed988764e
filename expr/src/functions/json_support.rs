//! What the JSON functions share: operands as documents and paths, results, comparison, `CAST(… AS JSON)`.

use super::support::exceeds_packet;
use crate::context::EvalCtx;
use crate::expr::{Coercibility, Expr, ExprKind};
use crate::function::{Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{
    ER_INVALID_JSON_CHARSET, ER_INVALID_JSON_PATH, ER_INVALID_JSON_PATH_WILDCARD,
    ER_INVALID_JSON_TEXT_IN_PARAM, ER_INVALID_TYPE_FOR_JSON, ER_JSON_BAD_ONE_OR_ALL_ARG,
    ER_JSON_DOCUMENT_TOO_DEEP,
};
use aurora_types::json::{JsonError, JsonProblem, MAX_DEPTH, Path};
use aurora_types::{BaseType, CollationId, Json, SqlError, SqlResult, SqlType, Text, Value, ValueRef};
use base64::Engine;
use std::cmp::Ordering;
use std::rc::Rc;

/// Turns 0 and 1 of a truth value into false and true: stands around operands that are conditions.
static TRUTH: FunctionDef = FunctionDef {
    name: "json truth",
    aliases: &[],
    arity: Arity::exactly(1),
    result_type: |_, _| Ok(json_type()),
    nulls: NullRule::Propagate,
    determinism: Determinism::Immutable,
    kernel: Kernel::Eager(|ctx, args| {
        let truth = ctx.to_f64(args.get(0), args.ty(0))? != 0.0;
        Ok(Value::Json(Text::from(if truth { "true" } else { "false" })))
    }),
    doc: "",
};

/// Functions whose results are truth values.
const CONDITIONS: [&str; 12] = [
    "isnull",
    "json_valid",
    "json_contains",
    "json_contains_path",
    "json_overlaps",
    "member of",
    "regexp_like",
    "is_ipv4",
    "is_ipv6",
    "is_ipv4_compat",
    "is_ipv4_mapped",
    "is_uuid",
];

/// A condition: MySQL knows of these that they are true or false, not numbers.
fn is_condition(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Xor(..)
        | ExprKind::Not(_)
        | ExprKind::Compare { .. }
        | ExprKind::CompareRows { .. }
        | ExprKind::Is { .. }
        | ExprKind::InList { .. }
        | ExprKind::Between { .. }
        | ExprKind::Like { .. } => true,
        // TRUE, FALSE and conditions that were computed already.
        ExprKind::Literal(Value::Int(_)) => expr.ty.base == BaseType::BigInt && expr.ty.length == 1,
        ExprKind::Subquery(call) => !matches!(call.kind, crate::SubqueryKind::Scalar),
        ExprKind::Call { function, .. } => CONDITIONS.contains(&function.name),
        _ => false,
    }
}

/// The operand as one that becomes JSON: conditions become `true` and `false`.
pub(crate) fn operand(expr: Expr) -> Expr {
    if !is_condition(&expr) {
        return expr;
    }
    let ty = SqlType { nullable: expr.ty.nullable, ..typing::json() };
    Expr::new(ExprKind::Call { function: &TRUTH, args: vec![expr] }, ty, Coercibility::IMPLICIT)
}

/// [`operand`] of the arguments at `which`.
pub(super) fn operands(args: &mut [Expr], which: impl Fn(usize) -> bool) {
    for (_, arg) in args.iter_mut().enumerate().filter(|(i, _)| which(*i)) {
        let taken = std::mem::replace(arg, crate::build::null());
        *arg = operand(taken);
    }
}

pub(super) fn json_type() -> Typed {
    Typed { ty: SqlType { nullable: true, ..typing::json() }, coercibility: Coercibility::IMPLICIT }
}

/// Text that JSON functions return.
pub(super) fn json_text(chars: u64) -> Typed {
    let ty = SqlType { nullable: true, ..typing::text(chars, CollationId::UTF8MB4_BIN) };
    Typed { ty, coercibility: Coercibility::COERCIBLE }
}

/// MySQL's number of a string type, which marks bytes inside of documents.
fn field_type(ty: &SqlType) -> u8 {
    match ty.base {
        BaseType::Char => 254,
        BaseType::TinyText => 249,
        BaseType::MediumText => 250,
        BaseType::LongText => 251,
        BaseType::Text => 252,
        BaseType::Bit => 16,
        BaseType::Geometry(_) => 255,
        _ => 15,
    }
}

/// A scalar as SQL has it; text is a string, not a document.
pub(crate) fn from_value(value: ValueRef<'_>, ty: &SqlType) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Int(v) => Json::Int(v),
        ValueRef::UInt(v) => Json::from_u64(v),
        ValueRef::Double(v) => Json::Double(v),
        ValueRef::Decimal(v) => Json::Decimal(v),
        ValueRef::Json(text) => Json::from_normal(text).unwrap_or_else(|_| Json::String(text.to_vec())),
        ValueRef::Text(text) if typing::is_character(ty) => Json::String(text.to_vec()),
        ValueRef::Text(text) => {
            let mut out = format!("base64:type{}:", field_type(ty));
            base64::engine::general_purpose::STANDARD.encode_string(text, &mut out);
            Json::String(out.into_bytes())
        }
        ValueRef::Date(_) => Json::String(crate::eval::text_of(value, ty).into_owned()),
        ValueRef::Time(v) => {
            let mut out = Vec::new();
            v.write(6, &mut out);
            Json::String(out)
        }
        ValueRef::DateTime(v) => {
            let mut out = Vec::new();
            v.write(6, &mut out);
            Json::String(out)
        }
    }
}

fn text_error(error: JsonError, argument: usize, function: &str) -> SqlError {
    if error.problem == JsonProblem::TooDeep {
        return SqlError::new(ER_JSON_DOCUMENT_TOO_DEEP, &[]);
    }
    SqlError::new(
        ER_INVALID_JSON_TEXT_IN_PARAM,
        &[&argument, &function, &error.problem.message(), &error.position],
    )
}

/// `CAST(value AS JSON)`.
pub(crate) fn to_json(value: ValueRef<'_>, ty: &SqlType, ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Json(text) => Ok(Value::Json(text.into())),
        ValueRef::Text(text)
            if typing::is_character(ty) && !matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_)) =>
        {
            let json = Json::parse(text).map_err(|error| text_error(error, 1, "cast_as_json"))?;
            result(ctx, &json, "cast_as_json")
        }
        _ => result(ctx, &from_value(value, ty), "cast_as_json"),
    }
}

/// Order of two values of which at least one is JSON.
pub(crate) fn compare(a: ValueRef<'_>, a_ty: &SqlType, b: ValueRef<'_>, b_ty: &SqlType) -> Option<Ordering> {
    if let (ValueRef::Json(a), ValueRef::Json(b)) = (a, b)
        && a == b
    {
        return Some(Ordering::Equal);
    }
    Some(from_value(a, a_ty).cmp(&from_value(b, b_ty)))
}

/// A document as the result; NULL when it is too large.
///
/// # Errors
/// 3157 when it is too deep.
pub(super) fn result(ctx: &mut EvalCtx<'_>, json: &Json, function: &str) -> SqlResult<Value> {
    if json.depth() > MAX_DEPTH {
        return Err(SqlError::new(ER_JSON_DOCUMENT_TOO_DEEP, &[]));
    }
    let text = json.to_text();
    if exceeds_packet(ctx, text.len() as u64, function)? {
        return Ok(Value::Null);
    }
    Ok(Value::Json(Text::from(text)))
}

/// The parsed paths of a call, by argument.
#[derive(Default)]
struct Paths(Vec<Option<(Vec<u8>, Rc<Path>)>>);

impl Args<'_> {
    /// Argument `i` (not NULL) as a document.
    ///
    /// # Errors
    /// 3141 for text that is no JSON, 3144 for bytes, 3146 for other types.
    pub(super) fn document(&self, i: usize, function: &str) -> SqlResult<Json> {
        let ty = self.ty(i);
        match self.get(i) {
            ValueRef::Json(text) => {
                Json::from_normal(text).map_err(|error| text_error(error, i + 1, function))
            }
            ValueRef::Text(text) if typing::is_character(ty) => {
                Json::parse(text).map_err(|error| text_error(error, i + 1, function))
            }
            ValueRef::Text(_) if typing::domain(ty) == Domain::Text => {
                Err(SqlError::new(ER_INVALID_JSON_CHARSET, &[&"binary"]))
            }
            _ => Err(SqlError::new(ER_INVALID_TYPE_FOR_JSON, &[&(i + 1), &function])),
        }
    }

    /// Argument `i` as a value to put into a document.
    pub(super) fn json_value(&self, i: usize) -> Json {
        match self.get(i) {
            ValueRef::Null => Json::Null,
            value => from_value(value, self.ty(i)),
        }
    }

    /// Argument `i` (not NULL) as a path.
    ///
    /// # Errors
    /// 3143 for what is no path.
    pub(super) fn path(&self, i: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Rc<Path>> {
        let text = self.text(i);
        let cache = ctx.cache.get_or_insert_with(self.cache_key(), Paths::default);
        if cache.0.len() <= i {
            cache.0.resize(i + 1, None);
        }
        if let Some((known, path)) = &cache.0[i]
            && **known == *text
        {
            return Ok(path.clone());
        }
        let path = Path::parse(&text).map_err(|at| SqlError::new(ER_INVALID_JSON_PATH, &[&at, &""]))?;
        let path = Rc::new(path);
        cache.0[i] = Some((text.into_owned(), path.clone()));
        Ok(path)
    }

    /// As [`Args::path`] where wildcards have no place.
    ///
    /// # Errors
    /// And 3149 for a path with wildcards.
    pub(super) fn single_path(&self, i: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Rc<Path>> {
        let path = self.path(i, ctx)?;
        if path.is_multiple() {
            return Err(SqlError::new(ER_INVALID_JSON_PATH_WILDCARD, &[]));
        }
        Ok(path)
    }

    /// Argument `i` as `'one'` (true) or `'all'`.
    pub(super) fn wants_one(&self, i: usize, function: &str) -> SqlResult<bool> {
        let word = self.text(i);
        if word.eq_ignore_ascii_case(b"one") {
            Ok(true)
        } else if word.eq_ignore_ascii_case(b"all") {
            Ok(false)
        } else {
            Err(SqlError::new(ER_JSON_BAD_ONE_OR_ALL_ARG, &[&function]))
        }
    }
}
