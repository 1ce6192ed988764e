//! Control flow and comparison functions: IF, IFNULL, NULLIF, COALESCE, GREATEST, LEAST, ISNULL, INTERVAL.

use crate::build::{self, BuildContext};
use crate::context::EvalCtx;
use crate::expr::{Coercibility, Expr};
use crate::function::{Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed};
use crate::functions::date_support::{Zeros, datetime_digits};
use crate::typing::{self, Domain};
use aurora_types::temporal::parse::parse_datetime;
use aurora_types::{BaseType, SqlResult, SqlType, Text, Value, ValueRef};

pub const FUNCTIONS: &[FunctionDef] = &[
    FunctionDef {
        name: "if",
        aliases: &[],
        arity: Arity::exactly(3),
        result_type: if_type,
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Lazy(if_kernel),
        doc: "IF(condition, a, b): a when the condition is true, else b.",
    },
    FunctionDef {
        name: "ifnull",
        aliases: &[],
        arity: Arity::exactly(2),
        result_type: coalesce_type,
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Lazy(coalesce_kernel),
        doc: "IFNULL(a, b): a unless it is NULL, else b.",
    },
    FunctionDef {
        name: "coalesce",
        aliases: &[],
        arity: Arity::at_least(1),
        result_type: coalesce_type,
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Lazy(coalesce_kernel),
        doc: "COALESCE(a, b, …): the first argument that is not NULL.",
    },
    FunctionDef {
        name: "nullif",
        aliases: &[],
        arity: Arity::exactly(2),
        result_type: nullif_type,
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Lazy(nullif_kernel),
        doc: "NULLIF(a, b): NULL when a = b, else a.",
    },
    FunctionDef {
        name: "greatest",
        aliases: &[],
        arity: Arity::at_least(2),
        result_type: extreme_type,
        nulls: NullRule::Propagate,
        determinism: Determinism::Immutable,
        kernel: Kernel::Eager(|ctx, args| extreme(ctx, args, std::cmp::Ordering::Greater)),
        doc: "GREATEST(a, b, …): the largest argument; NULL when one is NULL.",
    },
    FunctionDef {
        name: "least",
        aliases: &[],
        arity: Arity::at_least(2),
        result_type: extreme_type,
        nulls: NullRule::Propagate,
        determinism: Determinism::Immutable,
        kernel: Kernel::Eager(|ctx, args| extreme(ctx, args, std::cmp::Ordering::Less)),
        doc: "LEAST(a, b, …): the smallest argument; NULL when one is NULL.",
    },
    FunctionDef {
        name: "isnull",
        aliases: &[],
        arity: Arity::exactly(1),
        result_type: |_, _| Ok(typing::boolean(false).into()),
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Eager(|_, args| Ok(Value::Int(i64::from(args.is_null(0))))),
        doc: "ISNULL(a): 1 when a is NULL, else 0.",
    },
    FunctionDef {
        name: "interval",
        aliases: &[],
        arity: Arity::at_least(2),
        result_type: |_, _| Ok(typing::bigint(2).into()),
        nulls: NullRule::Custom,
        determinism: Determinism::Immutable,
        kernel: Kernel::Eager(interval_kernel),
        doc: "INTERVAL(n, a, b, …): how many of the ascending a, b, … are at most n; -1 for NULL.",
    },
];

fn if_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let condition = build::truth(args.remove(0));
    let typed = typing::unify(&[&args[0], &args[1]], "if")?;
    coerce_all(args, &typed.ty);
    args.insert(0, condition);
    Ok(typed)
}

fn if_kernel(ctx: &mut EvalCtx<'_>, args: &[Expr], _: &SqlType, row: &[Value]) -> SqlResult<Value> {
    let chosen = if args[0].eval_bool(row, ctx)? == Some(true) { &args[1] } else { &args[2] };
    chosen.eval(row, ctx)
}

fn coerce_all(args: &mut Vec<Expr>, ty: &SqlType) {
    for arg in args.iter_mut() {
        let taken = std::mem::replace(arg, build::null());
        *arg = build::coerce(taken, ty);
    }
}

fn coalesce_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<&Expr> = args.iter().collect();
    let mut typed = typing::unify(&all, "coalesce")?;
    typed.ty.nullable = args.iter().all(|arg| arg.ty.nullable);
    coerce_all(args, &typed.ty);
    Ok(typed)
}

fn coalesce_kernel(ctx: &mut EvalCtx<'_>, args: &[Expr], _: &SqlType, row: &[Value]) -> SqlResult<Value> {
    for arg in args {
        let value = arg.eval(row, ctx)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

fn nullif_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    build::check_compared_dates(&args[0], &args[1], ctx)?;
    // Refuses collations that do not go together.
    typing::comparison(&args[0], &args[1], "nullif")?;
    let first = &args[0];
    let ty = match typing::domain(&first.ty) {
        typing::Domain::Int if matches!(first.ty.base, BaseType::Bit | BaseType::Year) => {
            SqlType { nullable: true, unsigned: first.ty.unsigned, ..typing::bigint(first.ty.length) }
        }
        _ => SqlType { nullable: true, zerofill: false, ..first.ty.clone() },
    };
    let typed = Typed { ty, coercibility: first.coercibility };
    if first.ty.base == BaseType::Bit {
        // BIT is bytes, the result a number.
        let bits = std::mem::replace(&mut args[0], build::null());
        args[0] = build::coerce(bits, &typing::bigint_unsigned(20));
    }
    Ok(typed)
}

fn nullif_kernel(ctx: &mut EvalCtx<'_>, args: &[Expr], _: &SqlType, row: &[Value]) -> SqlResult<Value> {
    let how = typing::comparison(&args[0], &args[1], "nullif")?;
    let value = args[0].eval(row, ctx)?;
    let other = args[1].eval(row, ctx)?;
    let order = how.compare(value.as_ref(), &args[0].ty, other.as_ref(), &args[1].ty, ctx)?;
    Ok(if order == Some(std::cmp::Ordering::Equal) { Value::Null } else { value })
}

fn extreme_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<&Expr> = args.iter().collect();
    let mut typed = typing::unify(&all, "greatest")?;
    if let Some(moment) = common_moment(args, &typed.ty) {
        typed.ty.length = typed.ty.length.max(moment.length);
        typed.ty.nullable = args.iter().any(|arg| arg.ty.nullable);
        return Ok(typed);
    }
    if typing::is_string(&typed.ty) && typed.coercibility == Coercibility::NONE {
        crate::collate::for_comparison(&all, "greatest")?;
    }
    typed.ty.nullable = args.iter().any(|arg| arg.ty.nullable);
    coerce_all(args, &typed.ty);
    Ok(typed)
}

/// The type as which a date beside texts and numbers is compared with them and written: the result is text, but that
/// of a date.
fn common_moment(args: &[Expr], result: &SqlType) -> Option<SqlType> {
    let some = |domain| args.iter().any(|arg| typing::domain(&arg.ty) == domain);
    if !typing::is_string(result) || some(Domain::Json) {
        return None;
    }
    if some(Domain::DateTime) {
        return Some(typing::datetime(args.iter().map(datetime_digits).max().unwrap_or(0)));
    }
    some(Domain::Date).then(typing::date)
}

/// The extreme of dates in any form. What is no date is passed over, with a warning.
fn extreme_moment(
    ctx: &mut EvalCtx<'_>,
    args: &Args<'_>,
    ty: &SqlType,
    wanted: std::cmp::Ordering,
) -> SqlResult<Value> {
    let kind = if ty.base == BaseType::Date { "date" } else { "datetime" };
    let mut best: Option<aurora_types::DateTime> = None;
    for i in 0..args.len() {
        let value = args.get(i);
        let flags = Zeros::ByMode.flags(ctx, value);
        let moment = match value {
            ValueRef::Text(text) if parse_datetime(text, flags).value.is_none() => {
                ctx.truncated(kind, text)?;
                None
            }
            ValueRef::Text(_) => ctx.datetime_with(value, args.ty(i), flags)?,
            ValueRef::Time(time) if ty.base == BaseType::Date => {
                ctx.day_of_time(time).map(aurora_types::Date::at_midnight)
            }
            _ => ctx.to_datetime_fuzzy(value, args.ty(i))?,
        };
        if let Some(moment) = moment
            && best.is_none_or(|best| moment.cmp(&best) == wanted)
        {
            best = Some(moment);
        }
    }
    let Some(best) = best else { return Ok(Value::Null) };
    let mut text = Vec::with_capacity(26);
    let best = best.round(ty.decimals, false).unwrap_or(best);
    aurora_types::display::write_text(ValueRef::DateTime(best), ty, &mut text);
    Ok(Value::Text(Text::from(text)))
}

fn extreme(ctx: &mut EvalCtx<'_>, args: &Args<'_>, wanted: std::cmp::Ordering) -> SqlResult<Value> {
    if let Some(moment) = common_moment(args.exprs, args.result) {
        return extreme_moment(ctx, args, &moment, wanted);
    }
    let how = typing::own_comparison(args.result);
    let mut best = 0;
    for i in 1..args.len() {
        let order = how.compare(args.get(i), args.ty(i), args.get(best), args.ty(best), ctx)?;
        if order == Some(wanted) {
            best = i;
        }
    }
    Ok(args.values[best].clone())
}

fn interval_kernel(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Int(-1));
    }
    let n = ctx.to_f64(args.get(0), args.ty(0))?;
    for i in 1..args.len() {
        if !args.is_null(i) && n < ctx.to_f64(args.get(i), args.ty(i))? {
            return Ok(Value::Int(i as i64 - 1));
        }
    }
    Ok(Value::Int(args.len() as i64 - 1))
}
