//! Numbers: rounding, powers and logarithms, trigonometry, RAND, BIT_COUNT.

use super::support::{def, numeric_args};
use crate::build::{self, BuildContext};
use crate::context::EvalCtx;
use crate::eval::describe;
use crate::expr::{ArithmeticOp, Expr};
use crate::function::{Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{ER_DATA_OUT_OF_RANGE, ER_INVALID_ARGUMENT_FOR_LOGARITHM};
use aurora_types::number::round_double;
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{Decimal, SqlError, SqlResult, SqlType, Value, ValueRef};

/// Digits before the point from which a DECIMAL's integer part is kept as a DECIMAL.
const DECIMAL_DIGITS: u64 = 20;
/// ROUND changes nothing beyond these many digits.
const MAX_ROUND_DIGITS: i128 = 4096;

pub const FUNCTIONS: &[FunctionDef] = &[
    def("abs", Arity::exactly(1), same_number, abs, "ABS(x): x without its sign."),
    def("sign", Arity::exactly(1), sign_type, sign, "SIGN(x): -1, 0 or 1."),
    def("ceiling", Arity::exactly(1), whole_type, ceiling, "CEILING(x): the smallest integer not below x.")
        .aliases(&["ceil"]),
    def("floor", Arity::exactly(1), whole_type, floor, "FLOOR(x): the largest integer not above x."),
    def(
        "round",
        Arity::between(1, 2),
        |args, _| round_type(args, false),
        |ctx, args| round(ctx, args, false),
        "ROUND(x[, d]): x rounded to d digits behind the point, or before it when d is negative.",
    ),
    def(
        "truncate",
        Arity::exactly(2),
        |args, _| round_type(args, true),
        |ctx, args| round(ctx, args, true),
        "TRUNCATE(x, d): x without the digits after the first d behind the point.",
    ),
    FunctionDef {
        name: "mod",
        aliases: &[],
        arity: Arity::exactly(2),
        result_type: mod_type,
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Lazy(|ctx, args, _, row| args[0].eval(row, ctx)),
        doc: "MOD(a, b): the remainder of a divided by b, with the sign of a.",
    },
    def(
        "pow",
        Arity::exactly(2),
        double_or_null,
        |ctx, args| {
            let (x, y) = (real(ctx, args, 0)?, real(ctx, args, 1)?);
            finite(x.powf(y), "pow", args)
        },
        "POW(x, y): x to the power of y.",
    )
    .aliases(&["power"]),
    def(
        "sqrt",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| {
            let x = real(ctx, args, 0)?;
            Ok(if x < 0.0 { Value::Null } else { Value::Double(x.sqrt()) })
        },
        "SQRT(x): the square root of x, NULL when x is negative.",
    ),
    def(
        "exp",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| finite(real(ctx, args, 0)?.exp(), "exp", args),
        "EXP(x): e to the power of x.",
    ),
    def(
        "ln",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| log(ctx, args, f64::ln),
        "LN(x): the natural logarithm.",
    ),
    def(
        "log2",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| log(ctx, args, log2),
        "LOG2(x): the logarithm to base 2.",
    ),
    def(
        "log10",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| log(ctx, args, f64::log10),
        "LOG10(x): the logarithm to base 10.",
    ),
    def(
        "log",
        Arity::between(1, 2),
        double_or_null,
        log_of_base,
        "LOG([base, ]x): the natural logarithm, or that to a base.",
    ),
    def(
        "sin",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| plain(ctx, args, f64::sin),
        "SIN(x): the sine of x radians.",
    ),
    def(
        "cos",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| plain(ctx, args, f64::cos),
        "COS(x): the cosine of x radians.",
    ),
    def(
        "tan",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| finite(real(ctx, args, 0)?.tan(), "tan", args),
        "TAN(x): the tangent of x radians.",
    ),
    def(
        "cot",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| finite(1.0 / real(ctx, args, 0)?.tan(), "cot", args),
        "COT(x): the cotangent of x radians.",
    ),
    def(
        "asin",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| within_one(ctx, args, f64::asin),
        "ASIN(x): the arc sine, NULL outside of -1 to 1.",
    ),
    def(
        "acos",
        Arity::exactly(1),
        double_or_null,
        |ctx, args| within_one(ctx, args, f64::acos),
        "ACOS(x): the arc cosine, NULL outside of -1 to 1.",
    ),
    def(
        "atan",
        Arity::between(1, 2),
        double_or_null,
        |ctx, args| {
            let y = real(ctx, args, 0)?;
            Ok(Value::Double(if args.len() == 2 { y.atan2(real(ctx, args, 1)?) } else { y.atan() }))
        },
        "ATAN(x), ATAN(y, x): the arc tangent of x, or of y / x by the signs of both.",
    )
    .aliases(&["atan2"]),
    def(
        "pi",
        Arity::exactly(0),
        |_, _| Ok(SqlType { decimals: 6, length: 8, ..typing::double() }.into()),
        |_, _| Ok(Value::Double(std::f64::consts::PI)),
        "PI(): the number π.",
    ),
    def(
        "degrees",
        Arity::exactly(1),
        double_type,
        |ctx, args| finite(real(ctx, args, 0)? * (180.0 / std::f64::consts::PI), "degrees", args),
        "DEGREES(x): x radians in degrees.",
    ),
    def(
        "radians",
        Arity::exactly(1),
        double_type,
        |ctx, args| plain(ctx, args, |x| x * (std::f64::consts::PI / 180.0)),
        "RADIANS(x): x degrees in radians.",
    ),
    def(
        "rand",
        Arity::between(0, 1),
        double_type,
        rand,
        "RAND([seed]): a number from 0 up to 1; a seed repeats its sequence.",
    )
    .sees_nulls()
    .determinism(Determinism::Volatile),
    def(
        "bit_count",
        Arity::exactly(1),
        bit_count_type,
        bit_count,
        "BIT_COUNT(x): how many bits of x are set.",
    ),
];

fn real(ctx: &mut EvalCtx<'_>, args: &Args<'_>, i: usize) -> SqlResult<f64> {
    ctx.to_f64(args.get(i), args.ty(i))
}

fn all_numeric(args: &mut [Expr]) {
    let all: Vec<usize> = (0..args.len()).collect();
    numeric_args(args, &all);
}

fn double_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    Ok(typing::double().into())
}

/// NULL outside of the function's domain.
fn double_or_null(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    Ok(typing::nullable(typing::double(), true).into())
}

fn sign_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    Ok(typing::bigint(21).into())
}

/// 1690 with the call as MySQL writes it.
fn out_of_range(kind: &str, name: &str, args: &Args<'_>) -> SqlError {
    let shown: Vec<String> = args.exprs.iter().map(describe).collect();
    SqlError::new(ER_DATA_OUT_OF_RANGE, &[&kind, &format_args!("{name}({})", shown.join(","))])
}

fn finite(value: f64, name: &str, args: &Args<'_>) -> SqlResult<Value> {
    if value.is_finite() { Ok(Value::Double(value)) } else { Err(out_of_range("DOUBLE", name, args)) }
}

fn plain(ctx: &mut EvalCtx<'_>, args: &Args<'_>, f: fn(f64) -> f64) -> SqlResult<Value> {
    let value = f(real(ctx, args, 0)?);
    Ok(if value.is_finite() { Value::Double(value) } else { Value::Null })
}

fn within_one(ctx: &mut EvalCtx<'_>, args: &Args<'_>, f: fn(f64) -> f64) -> SqlResult<Value> {
    let x = real(ctx, args, 0)?;
    Ok(if (-1.0..=1.0).contains(&x) { Value::Double(f(x)) } else { Value::Null })
}

fn log2(x: f64) -> f64 {
    x.ln() / std::f64::consts::LN_2
}

fn no_logarithm(ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    if ctx.strict_dml && ctx.sql_mode.is_strict() {
        return Err(SqlError::new(ER_INVALID_ARGUMENT_FOR_LOGARITHM, &[]));
    }
    ctx.diagnostics.warn(ER_INVALID_ARGUMENT_FOR_LOGARITHM, &[]);
    Ok(Value::Null)
}

fn log(ctx: &mut EvalCtx<'_>, args: &Args<'_>, f: fn(f64) -> f64) -> SqlResult<Value> {
    let x = real(ctx, args, 0)?;
    if x <= 0.0 { no_logarithm(ctx) } else { Ok(Value::Double(f(x))) }
}

fn log_of_base(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.len() == 1 {
        return log(ctx, args, f64::ln);
    }
    let (base, x) = (real(ctx, args, 0)?, real(ctx, args, 1)?);
    if base <= 0.0 || x <= 0.0 || base == 1.0 {
        return no_logarithm(ctx);
    }
    Ok(Value::Double(x.ln() / base.ln()))
}

/// The type of a number as it is computed with.
fn same_number(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    let ty = &args[0].ty;
    Ok(match typing::numeric_domain(ty) {
        Domain::Int => SqlType { unsigned: ty.unsigned, ..typing::bigint(typing::text_length(ty) as u32) },
        Domain::Decimal => {
            let (whole, scale) = typing::decimal_digits(ty);
            SqlType { unsigned: ty.unsigned, ..typing::decimal(whole + scale, scale) }
        }
        _ if typing::domain(ty) == Domain::Double => {
            let length = if ty.decimals < NOT_FIXED_DECIMALS { 22 } else { 23 };
            SqlType { decimals: ty.decimals, length, ..typing::double() }
        }
        _ => typing::double(),
    }
    .into())
}

fn abs(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (value, ty) = (args.get(0), args.ty(0));
    Ok(match typing::domain(args.result) {
        Domain::Int => {
            let magnitude = ctx.to_i128(value, ty)?.unsigned_abs();
            if args.result.unsigned {
                Value::UInt(magnitude as u64)
            } else {
                let signed = i64::try_from(magnitude).map_err(|_| out_of_range("BIGINT", "abs", args))?;
                Value::Int(signed)
            }
        }
        Domain::Decimal => Value::Decimal(ctx.to_decimal(value, ty)?.abs()),
        _ => Value::Double(ctx.to_f64(value, ty)?.abs()),
    })
}

fn sign(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (value, ty) = (args.get(0), args.ty(0));
    let order = match typing::numeric_domain(ty) {
        Domain::Int => ctx.to_i128(value, ty)?.cmp(&0),
        Domain::Decimal => ctx.to_decimal(value, ty)?.cmp(&Decimal::ZERO),
        _ => ctx.to_f64(value, ty)?.partial_cmp(&0.0).unwrap_or(std::cmp::Ordering::Equal),
    };
    Ok(Value::Int(order as i64))
}

/// CEILING and FLOOR: integers and short decimals give BIGINT.
fn whole_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    let ty = &args[0].ty;
    let length = typing::text_length(ty);
    let digits = typing::decimal_digits(ty).0;
    Ok(match typing::numeric_domain(ty) {
        Domain::Int => SqlType { unsigned: ty.unsigned, ..typing::bigint(21) },
        Domain::Decimal if length.saturating_sub(u64::from(ty.decimals)) < DECIMAL_DIGITS => {
            SqlType { unsigned: ty.unsigned, ..typing::bigint(21) }
        }
        Domain::Decimal => SqlType { unsigned: ty.unsigned, ..typing::decimal(digits + 1, 0) },
        _ => typing::double(),
    }
    .into())
}

fn ceiling(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    whole(ctx, args, "ceiling", |v| v.ceil(), f64::ceil)
}

fn floor(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    whole(ctx, args, "floor", |v| v.floor(), f64::floor)
}

fn whole(
    ctx: &mut EvalCtx<'_>,
    args: &Args<'_>,
    name: &str,
    exact: fn(&Decimal) -> Decimal,
    approximate: fn(f64) -> f64,
) -> SqlResult<Value> {
    let (value, ty) = (args.get(0), args.ty(0));
    match (typing::domain(args.result), typing::numeric_domain(ty)) {
        (Domain::Int, Domain::Int) => integer(ctx.to_i128(value, ty)?, args, name),
        (Domain::Int, _) => {
            let rounded = exact(&ctx.to_decimal(value, ty)?);
            integer(rounded.unscaled_i128().unwrap_or(i128::MAX), args, name)
        }
        (Domain::Decimal, _) => Ok(Value::Decimal(exact(&ctx.to_decimal(value, ty)?))),
        _ => Ok(Value::Double(approximate(ctx.to_f64(value, ty)?))),
    }
}

/// An integer in the result's sign.
fn integer(value: i128, args: &Args<'_>, name: &str) -> SqlResult<Value> {
    if args.result.unsigned {
        u64::try_from(value).map(Value::UInt).map_err(|_| out_of_range("BIGINT UNSIGNED", name, args))
    } else {
        i64::try_from(value).map(Value::Int).map_err(|_| out_of_range("BIGINT", name, args))
    }
}

fn round_type(args: &mut [Expr], truncate: bool) -> SqlResult<Typed> {
    all_numeric(args);
    let ty = &args[0].ty;
    let digits = match args.get(1) {
        None => Some(0),
        Some(digits) => match digits.as_literal() {
            Some(Value::Int(v)) => Some(*v),
            Some(Value::UInt(_)) => Some(i64::MAX),
            Some(Value::Null) => Some(0),
            _ => None,
        },
    };
    Ok(match typing::numeric_domain(ty) {
        Domain::Int => SqlType { unsigned: ty.unsigned, ..typing::bigint(21) },
        Domain::Decimal => {
            let (whole, scale) = typing::decimal_digits(ty);
            let kept = digits.map_or(scale, |digits| digits.clamp(0, i64::from(scale)) as u32);
            let more = u32::from(!truncate && kept < scale);
            SqlType { unsigned: ty.unsigned, ..typing::decimal(whole + more + kept, kept) }
        }
        _ => typing::double(),
    }
    .into())
}

fn round(ctx: &mut EvalCtx<'_>, args: &Args<'_>, truncate: bool) -> SqlResult<Value> {
    let (value, ty) = (args.get(0), args.ty(0));
    let digits = if args.len() == 2 {
        ctx.to_i128(args.get(1), args.ty(1))?.clamp(-MAX_ROUND_DIGITS, MAX_ROUND_DIGITS) as i32
    } else {
        0
    };
    match typing::domain(args.result) {
        Domain::Int => {
            let exact = ctx.to_i128(value, ty)?;
            integer(round_integer(exact, digits, truncate), args, if truncate { "truncate" } else { "round" })
        }
        Domain::Decimal => {
            let exact = ctx.to_decimal(value, ty)?;
            let scale = args.result.decimals;
            let kept = digits.min(i32::from(scale));
            let rounded = if truncate { exact.truncate(kept) } else { exact.round(kept) };
            Ok(Value::Decimal(rounded.rescale(scale).unwrap_or(rounded)))
        }
        _ => Ok(Value::Double(round_double(ctx.to_f64(value, ty)?, i64::from(digits), truncate))),
    }
}

fn round_integer(value: i128, digits: i32, truncate: bool) -> i128 {
    if digits >= 0 {
        return value;
    }
    let Some(unit) = 10i128.checked_pow(digits.unsigned_abs()).filter(|_| digits > -30) else { return 0 };
    let half = if truncate { 0 } else { unit / 2 * value.signum() };
    (value + half) / unit * unit
}

/// The call holds the operator's node.
fn mod_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let right = args.pop().unwrap_or_else(build::null);
    let left = args.pop().unwrap_or_else(build::null);
    let node = build::arithmetic(ArithmeticOp::Mod, left, right, ctx)?;
    let typed = Typed { ty: node.ty.clone(), coercibility: node.coercibility };
    args.push(node);
    Ok(typed)
}

/// MySQL's generator of RAND(n).
#[derive(Default)]
struct Sequence {
    seed1: u64,
    seed2: u64,
}

impl Sequence {
    const MODULUS: u64 = 0x3FFF_FFFF;

    fn new(seed: u32) -> Sequence {
        let seed = u64::from(seed);
        let first = (seed * 0x10001 + 55_555_555) as u32;
        let second = (seed * 0x1000_0001) as u32;
        Sequence { seed1: u64::from(first) % Sequence::MODULUS, seed2: u64::from(second) % Sequence::MODULUS }
    }

    fn next(&mut self) -> f64 {
        self.seed1 = (self.seed1 * 3 + self.seed2) % Sequence::MODULUS;
        self.seed2 = (self.seed1 + self.seed2 + 33) % Sequence::MODULUS;
        self.seed1 as f64 / Sequence::MODULUS as f64
    }
}

fn rand(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_empty() {
        return Ok(Value::Double(ctx.session.random()));
    }
    let seed = ctx.to_i128(args.get(0), args.ty(0))? as u32;
    if !args.exprs[0].is_constant_for_execution() {
        // A seed that changes from row to row starts anew in each.
        return Ok(Value::Double(Sequence::new(seed).next()));
    }
    let sequence = ctx.cache.get_or_insert_with(args.cache_key(), || Sequence::new(seed));
    Ok(Value::Double(sequence.next()))
}

fn bit_count_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    all_numeric(args);
    Ok(typing::bigint(21).into())
}

fn bit_count(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let ty = args.ty(0);
    let count: u32 = match args.get(0) {
        ValueRef::Text(bytes) if typing::is_string(ty) && !typing::is_character(ty) => {
            bytes.iter().map(|byte| byte.count_ones()).sum()
        }
        value => crate::eval::bits(value, ty, ctx)?.count_ones(),
    };
    Ok(Value::Int(i64::from(count)))
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn numbers_are_mysqls() {
        check(include_str!("testdata/numeric.txt"));
    }
}
