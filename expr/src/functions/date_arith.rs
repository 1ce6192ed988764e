//! Adding to dates and times and the distance between them: DATE_ADD, ADDTIME, DATEDIFF, TIMEDIFF, TIMESTAMPDIFF,
//! PERIOD_ADD and their relatives.

use super::date_support::{
    DAY_MICROS, MAX_FSP, MICROS, TimeOrDateTime, Unit, Zeros, call_text, clipped, datetime_digits,
    datetime_text, looks_like_date, out_of_range, overflow, time_digits, time_text,
};
use super::support::{connection_text, def, may_be_null, numeric_args};
use crate::build::{self, BuildContext};
use crate::context::EvalCtx;
use crate::eval::describe;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::ER_WRONG_ARGUMENTS;
use aurora_types::temporal::parse::two_digit_year;
use aurora_types::{DateTime, Interval, SqlError, SqlResult, SqlType, Time, Value, ValueRef};

/// Characters of the longest date and time as text.
const DATETIME_CHARS: u64 = 29;

pub const FUNCTIONS: &[FunctionDef] = &[
    // The unit is a literal: the third argument, the first of TIMESTAMPADD and TIMESTAMPDIFF.
    def(
        "date_add",
        Arity::exactly(3),
        interval_type,
        |ctx, args| add_interval(ctx, args, false),
        "DATE_ADD(date, INTERVAL n unit): a later date.",
    ),
    def(
        "date_sub",
        Arity::exactly(3),
        interval_type,
        |ctx, args| add_interval(ctx, args, true),
        "DATE_SUB(date, INTERVAL n unit): an earlier date.",
    ),
    def(
        "adddate",
        Arity::between(2, 3),
        days_type,
        |ctx, args| add_interval(ctx, args, false),
        "ADDDATE(date, days), ADDDATE(date, INTERVAL n unit): a later date.",
    ),
    def(
        "subdate",
        Arity::between(2, 3),
        days_type,
        |ctx, args| add_interval(ctx, args, true),
        "SUBDATE(date, days), SUBDATE(date, INTERVAL n unit): an earlier date.",
    ),
    def(
        "timestampadd",
        Arity::exactly(3),
        |args, ctx| {
            args.rotate_left(1);
            args.swap(0, 1);
            interval_type(args, ctx)
        },
        |ctx, args| add_interval(ctx, args, false),
        "TIMESTAMPADD(unit, n, date): a later date.",
    ),
    def(
        "timestampdiff",
        Arity::exactly(3),
        |args, _| {
            Unit::of(&args[0])?;
            Ok(may_be_null(typing::bigint(21).into()))
        },
        timestampdiff,
        "TIMESTAMPDIFF(unit, from, to): whole units from one date to another.",
    ),
    def(
        "datediff",
        Arity::exactly(2),
        |_, _| Ok(may_be_null(typing::bigint(9).into())),
        datediff,
        "DATEDIFF(a, b): days from b to a.",
    ),
    def("timediff", Arity::exactly(2), timediff_type, timediff, "TIMEDIFF(a, b): the time from b to a."),
    def(
        "addtime",
        Arity::exactly(2),
        addtime_type,
        |ctx, args| addtime(ctx, args, "addtime", false),
        "ADDTIME(x, time): x with a time added.",
    ),
    def(
        "subtime",
        Arity::exactly(2),
        addtime_type,
        |ctx, args| addtime(ctx, args, "subtime", true),
        "SUBTIME(x, time): x with a time taken off.",
    ),
    def(
        "period_add",
        Arity::exactly(2),
        period_type,
        period_add,
        "PERIOD_ADD(period, months): a month YYYYMM later.",
    ),
    def(
        "period_diff",
        Arity::exactly(2),
        period_type,
        period_diff,
        "PERIOD_DIFF(a, b): months from b to a, both YYYYMM.",
    ),
];

/// `(date, amount, unit)`: a DATE stays one when the unit has no time, a TIME when it has no days; text stays text.
fn interval_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let unit = Unit::of(&args[2])?;
    numeric_args(args, &[1]);
    let (date, amount) = (&args[0], &args[1]);
    let digits = if unit.has_micros() {
        MAX_FSP
    } else if unit == Unit::Second {
        match typing::numeric_domain(&amount.ty) {
            Domain::Int => 0,
            Domain::Decimal => amount.ty.decimals.min(MAX_FSP),
            _ => MAX_FSP,
        }
    } else {
        0
    };
    let own = datetime_digits(date);
    let ty = match typing::domain(&date.ty) {
        Domain::Date if unit.is_date() => typing::date(),
        Domain::Date => typing::datetime(digits),
        Domain::DateTime => typing::datetime(own.max(digits)),
        Domain::Time if unit.is_time() => typing::time(own.max(digits)),
        Domain::Time => typing::datetime(own.max(digits)),
        _ => return Ok(date_text(ctx)),
    };
    Ok(may_be_null(ty.into()))
}

/// The result for a date in text, which may be of any form.
fn date_text(ctx: &BuildContext) -> Typed {
    let mut typed = may_be_null(connection_text(DATETIME_CHARS, ctx));
    typed.ty.base = aurora_types::BaseType::Char;
    typed
}

fn days_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    if args.len() == 2 {
        args.push(build::literal(Value::Text("DAY".into()), ctx));
    }
    interval_type(args, ctx)
}

/// An amount as the calendar counts it.
enum Amount {
    Interval(Interval),
    /// More than any date can take.
    TooLarge,
    /// Text with too many parts.
    Unreadable,
}

fn read_amount(ctx: &mut EvalCtx<'_>, args: &Args<'_>, unit: Unit) -> SqlResult<Amount> {
    let micros_per = match unit {
        Unit::Microsecond => Some(1),
        Unit::Minute => Some(60 * MICROS),
        Unit::Hour => Some(3600 * MICROS),
        _ => None,
    };
    if unit == Unit::Second {
        let number = ctx.to_decimal(args.get(1), args.ty(1))?.truncate(i32::from(MAX_FSP));
        let micros = number.rescale(MAX_FSP).ok().and_then(|n| n.unscaled_i128());
        return Ok(match micros.and_then(|micros| i64::try_from(micros).ok()) {
            Some(micros) => Amount::Interval(Interval::micros(micros)),
            None => Amount::TooLarge,
        });
    }
    if matches!(unit, Unit::Range(..) | Unit::YearMonth) {
        return Ok(composite(&args.text(1), unit));
    }
    let number = args.int(1, ctx)?;
    let interval = match (micros_per, unit) {
        (Some(unit), _) => number.checked_mul(unit).map(Interval::micros),
        (_, Unit::Day) => Some(Interval::days(number)),
        (_, Unit::Week) => number.checked_mul(7).map(Interval::days),
        (_, Unit::Month) => Some(Interval::months(number)),
        (_, Unit::Quarter) => number.checked_mul(3).map(Interval::months),
        _ => number.checked_mul(12).map(Interval::months),
    };
    Ok(interval.map_or(Amount::TooLarge, Amount::Interval))
}

/// `'1 2:3'`: numbers with anything between them. Missing ones are missing from the left.
fn composite(text: &[u8], unit: Unit) -> Amount {
    let text = text.trim_ascii_start();
    let negative = text.first() == Some(&b'-');
    let count = match unit {
        Unit::Range(first, last) => usize::from(last - first) + 1,
        _ => 2,
    };
    let mut parts = [0i64; 5];
    let mut found = 0;
    let mut last_digits = 0;
    let mut at = text.iter().take_while(|byte| !byte.is_ascii_digit()).count();
    while found < count && (at < text.len() || found == 0) {
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = text[at..at + digits]
            .iter()
            .try_fold(0i64, |n, byte| n.checked_mul(10)?.checked_add(i64::from(byte - b'0')));
        let Some(value) = value else { return Amount::TooLarge };
        parts[found] = value;
        found += 1;
        last_digits = digits;
        at += digits;
        at += text[at..].iter().take_while(|byte| !byte.is_ascii_digit()).count();
    }
    if at < text.len() {
        return Amount::Unreadable;
    }
    parts.copy_within(0..found, count - found);
    parts[..count - found].fill(0);
    let interval = match unit {
        Unit::Range(first, last) => {
            if last == 4 && last_digits < 6 {
                parts[count - 1] *= 10i64.pow(6 - last_digits as u32);
            }
            let place = |n: u8| if n >= first && n <= last { parts[usize::from(n - first)] } else { 0 };
            let weights = [3600 * MICROS, 60 * MICROS, MICROS, 1];
            let micros = weights
                .iter()
                .zip(1..)
                .try_fold(0i64, |sum, (weight, n)| sum.checked_add(place(n).checked_mul(*weight)?));
            micros.map(|micros| Interval { days: place(0), micros, ..Interval::default() })
        }
        _ => parts[0].checked_mul(12).and_then(|months| months.checked_add(parts[1])).map(Interval::months),
    };
    let signed = if negative { interval.and_then(Interval::negated) } else { interval };
    signed.map_or(Amount::TooLarge, Amount::Interval)
}

fn shown_interval(args: &Args<'_>, subtract: bool) -> String {
    let unit = args.exprs[2].as_literal().map_or_else(String::new, |unit| match unit {
        Value::Text(name) => name.to_str_lossy().to_ascii_lowercase(),
        _ => String::new(),
    });
    let sign = if subtract { '-' } else { '+' };
    format!("({} {sign} interval {} {unit})", describe(&args.exprs[0]), describe(&args.exprs[1]))
}

fn add_interval(ctx: &mut EvalCtx<'_>, args: &Args<'_>, subtract: bool) -> SqlResult<Value> {
    let unit = Unit::of(&args.exprs[2])?;
    let result = typing::domain(args.result);
    if result == Domain::Time {
        return add_to_time(ctx, args, unit, subtract);
    }
    let Some(start) = args.moment(0, ctx)? else { return Ok(Value::Null) };
    let amount = match read_amount(ctx, args, unit)? {
        Amount::Interval(amount) if subtract => amount.negated(),
        Amount::Interval(amount) => Some(amount),
        Amount::TooLarge => None,
        Amount::Unreadable => {
            out_of_range(ctx, "DATETIME", &shown_interval(args, subtract))?;
            return Ok(Value::Null);
        }
    };
    let Some(sum) = amount.and_then(|amount| start.value.add(amount)) else { return overflow(ctx) };
    Ok(match result {
        Domain::Date => Value::Date(sum.date()),
        Domain::DateTime => Value::DateTime(sum),
        _ => datetime_text(sum, start.date_only && unit.is_date()),
    })
}

fn add_to_time(ctx: &mut EvalCtx<'_>, args: &Args<'_>, unit: Unit, subtract: bool) -> SqlResult<Value> {
    let Some(start) = args.time(0, ctx)? else { return Ok(Value::Null) };
    let micros = match read_amount(ctx, args, unit)? {
        Amount::Interval(amount) if subtract => amount.micros.checked_neg(),
        Amount::Interval(amount) => Some(amount.micros),
        _ => None,
    };
    let sum = micros.and_then(|micros| start.checked_add_micros(micros)).and_then(|sum| {
        let (time, cut) = Time::saturating_from_micros(sum);
        (!cut).then_some(time)
    });
    match sum {
        Some(time) => Ok(Value::Time(time)),
        None => {
            out_of_range(ctx, "TIME", &shown_interval(args, subtract))?;
            Ok(Value::Null)
        }
    }
}

fn timestampdiff(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let unit = Unit::of(&args.exprs[0])?;
    let Some(from) = args.datetime(1, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let Some(to) = args.datetime(2, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let micros = to.micros_since(from);
    Ok(Value::Int(match unit {
        Unit::Year => to.months_since(from) / 12,
        Unit::Quarter => to.months_since(from) / 3,
        Unit::Month => to.months_since(from),
        Unit::Week => micros / (7 * DAY_MICROS),
        Unit::Day => micros / DAY_MICROS,
        Unit::Hour => micros / (3600 * MICROS),
        Unit::Minute => micros / (60 * MICROS),
        Unit::Second => micros / MICROS,
        Unit::Microsecond => micros,
        Unit::YearMonth | Unit::Range(..) => {
            return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"timestampdiff"]));
        }
    }))
}

fn datediff(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(a) = args.day(0, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let Some(b) = args.day(1, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    Ok(Value::Int(a.date().to_days() - b.date().to_days()))
}

fn timediff_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let digits = time_digits(&args[0]).max(time_digits(&args[1]));
    Ok(may_be_null(typing::time(digits).into()))
}

fn timediff(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(a) = args.time_or_datetime(0, ctx)? else { return Ok(Value::Null) };
    let Some(b) = args.time_or_datetime(1, ctx)? else { return Ok(Value::Null) };
    let micros = match (a, b) {
        (TimeOrDateTime::Time(a), TimeOrDateTime::Time(b)) => a.micros() - b.micros(),
        (TimeOrDateTime::DateTime(a), TimeOrDateTime::DateTime(b)) => a.micros_since(b),
        _ => return Ok(Value::Null),
    };
    Ok(Value::Time(clipped(ctx, micros)?))
}

fn addtime_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let time = time_digits(&args[1]);
    let ty: SqlType = match typing::domain(&args[0].ty) {
        Domain::DateTime | Domain::Date => typing::datetime(datetime_digits(&args[0]).max(time)),
        Domain::Time => typing::time(time_digits(&args[0]).max(time)),
        _ => return Ok(date_text(ctx)),
    };
    Ok(may_be_null(ty.into()))
}

fn addtime(ctx: &mut EvalCtx<'_>, args: &Args<'_>, name: &str, subtract: bool) -> SqlResult<Value> {
    let Some(start) = args.time_or_datetime(0, ctx)? else { return Ok(Value::Null) };
    // Of a date and time, a typed one is no time to add; one in text gives its time of day.
    if matches!(args.get(1), ValueRef::DateTime(_) | ValueRef::Date(_)) {
        return Ok(Value::Null);
    }
    let time = match args.get(1) {
        ValueRef::Text(text) if looks_like_date(text) => {
            args.datetime(1, Zeros::ByMode, ctx)?.map(DateTime::time)
        }
        _ => args.time(1, ctx)?,
    };
    let Some(time) = time else { return Ok(Value::Null) };
    let micros = if subtract { -time.micros() } else { time.micros() };
    let text = !typing::is_temporal(args.result);
    match start {
        TimeOrDateTime::Time(start) => {
            let (sum, cut) = Time::saturating_from_micros(start.micros() + micros);
            if cut {
                out_of_range(ctx, "TIME", &call_text(name, args))?;
                if !text {
                    return Ok(Value::Null);
                }
            }
            Ok(if text { time_text(sum) } else { Value::Time(sum) })
        }
        TimeOrDateTime::DateTime(start) => match start.add(Interval::micros(micros)) {
            Some(sum) if text => Ok(datetime_text(sum, false)),
            Some(sum) => Ok(Value::DateTime(sum)),
            None => {
                out_of_range(ctx, "DATETIME", &call_text(name, args))?;
                Ok(Value::Null)
            }
        },
    }
}

fn period_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0, 1]);
    Ok(typing::bigint(21).into())
}

/// Months since the year 0 of a period `YYYYMM` or `YYMM`.
fn months_of(period: i64, name: &str) -> SqlResult<i64> {
    let (year, month) = (period / 100, period % 100);
    match u32::try_from(year) {
        Ok(year) if period > 0 && (1..=12).contains(&month) => {
            let year = if year < 100 { two_digit_year(year) } else { year };
            Ok(i64::from(year) * 12 + month - 1)
        }
        _ => Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&name])),
    }
}

fn period_add(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let start = months_of(args.int(0, ctx)?, "period_add")?;
    let months = start.wrapping_add(args.int(1, ctx)?);
    if months <= 0 {
        return Ok(Value::Int(0));
    }
    let year = months / 12;
    let year = if year < 100 { i64::from(two_digit_year(year as u32)) } else { year };
    Ok(Value::Int(year.wrapping_mul(100).wrapping_add(months % 12 + 1)))
}

fn period_diff(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let a = months_of(args.int(0, ctx)?, "period_diff")?;
    let b = months_of(args.int(1, ctx)?, "period_diff")?;
    Ok(Value::Int(a - b))
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn sums_and_distances_are_mysqls() {
        check(include_str!("testdata/date_arith.txt"));
    }
}
