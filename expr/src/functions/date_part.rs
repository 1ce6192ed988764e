//! Parts of dates and times: YEAR to MICROSECOND, names of days and months, weeks, EXTRACT.

use super::date_support::{DAYS, MICROS, MONTHS, Unit, Zeros, day_part, int_type, looks_like_date};
use super::support::{connection_text, def, may_be_null};
use crate::build::BuildContext;
use crate::context::{EvalCtx, VariableScope};
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing;
use aurora_types::temporal::calendar::WeekMode;
use aurora_types::{BaseType, DateTime, SqlResult, SqlType, Time, Value, ValueRef};

pub const FUNCTIONS: &[FunctionDef] = &[
    def("year", Arity::exactly(1), year_type, year, "YEAR(date): the year."),
    def(
        "quarter",
        Arity::exactly(1),
        int_type::<2>,
        |ctx, args| fuzzy_part(ctx, args, |v| v.month().div_ceil(3)),
        "QUARTER(date): 1 to 4.",
    ),
    def(
        "month",
        Arity::exactly(1),
        int_type::<3>,
        |ctx, args| fuzzy_part(ctx, args, DateTime::month),
        "MONTH(date): 1 to 12.",
    ),
    def(
        "dayofmonth",
        Arity::exactly(1),
        int_type::<3>,
        |ctx, args| fuzzy_part(ctx, args, DateTime::day),
        "DAYOFMONTH(date): 1 to 31.",
    )
    .aliases(&["day"]),
    def("monthname", Arity::exactly(1), name_type, monthname, "MONTHNAME(date): January to December."),
    def("dayname", Arity::exactly(1), name_type, dayname, "DAYNAME(date): Monday to Sunday."),
    def(
        "dayofweek",
        Arity::exactly(1),
        int_type::<2>,
        |ctx, args| day_part(ctx, args, |v| i64::from((v.weekday() + 1) % 7 + 1)),
        "DAYOFWEEK(date): 1 for Sunday to 7 for Saturday.",
    ),
    def(
        "weekday",
        Arity::exactly(1),
        int_type::<2>,
        |ctx, args| day_part(ctx, args, |v| i64::from(v.weekday())),
        "WEEKDAY(date): 0 for Monday to 6 for Sunday.",
    ),
    def(
        "dayofyear",
        Arity::exactly(1),
        int_type::<4>,
        |ctx, args| day_part(ctx, args, |v| i64::from(v.day_of_year())),
        "DAYOFYEAR(date): 1 to 366.",
    ),
    def("week", Arity::between(1, 2), int_type::<3>, week, "WEEK(date[, mode]): the week of the year.")
        .sees_nulls(),
    def(
        "weekofyear",
        Arity::exactly(1),
        int_type::<3>,
        |ctx, args| day_part(ctx, args, |v| i64::from(v.week(WeekMode::from_number(3)).1)),
        "WEEKOFYEAR(date): the week of the year by ISO 8601, 1 to 53.",
    ),
    def(
        "yearweek",
        Arity::between(1, 2),
        int_type::<7>,
        yearweek,
        "YEARWEEK(date[, mode]): year and week as YYYYWW.",
    )
    .sees_nulls(),
    def(
        "hour",
        Arity::exactly(1),
        int_type::<4>,
        |ctx, args| time_part(ctx, args, Time::hours),
        "HOUR(time): the hours, up to 838.",
    ),
    def(
        "minute",
        Arity::exactly(1),
        int_type::<3>,
        |ctx, args| time_part(ctx, args, Time::minutes),
        "MINUTE(time): 0 to 59.",
    ),
    def(
        "second",
        Arity::exactly(1),
        int_type::<3>,
        |ctx, args| time_part(ctx, args, Time::seconds),
        "SECOND(time): 0 to 59.",
    ),
    def(
        "microsecond",
        Arity::exactly(1),
        int_type::<21>,
        |ctx, args| time_part(ctx, args, Time::subsec_micros),
        "MICROSECOND(time): 0 to 999999.",
    ),
    def(
        "extract",
        Arity::exactly(2),
        extract_type,
        extract,
        "EXTRACT(unit FROM date): a part, or parts as digits.",
    ),
];

fn name_type(_: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(connection_text(9, ctx)))
}

fn year_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(SqlType { unsigned: true, ..SqlType::new(BaseType::Year, 4) }.into())
}

fn year(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let read = args.partial_date(ctx)?;
    Ok(read.map_or(Value::Null, |v| Value::UInt(u64::from(v.year()))))
}

fn fuzzy_part(ctx: &mut EvalCtx<'_>, args: &Args<'_>, part: fn(DateTime) -> u32) -> SqlResult<Value> {
    let read = args.partial_date(ctx)?;
    Ok(read.map_or(Value::Null, |v| Value::Int(i64::from(part(v)))))
}

fn time_part(ctx: &mut EvalCtx<'_>, args: &Args<'_>, part: fn(Time) -> u32) -> SqlResult<Value> {
    Ok(args.time(0, ctx)?.map_or(Value::Null, |v| Value::Int(i64::from(part(v)))))
}

fn monthname(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let read = args.day(0, Zeros::Taken, ctx)?;
    let month = read.and_then(|v| MONTHS.get((v.month() as usize).wrapping_sub(1)));
    Ok(month.map_or(Value::Null, |name| Value::Text((*name).into())))
}

fn dayname(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let read = args.day(0, Zeros::Refused, ctx)?;
    let day = read.and_then(|v| DAYS.get(v.date().weekday() as usize));
    Ok(day.map_or(Value::Null, |name| Value::Text((*name).into())))
}

/// The week mode of argument 1; NULL and negative ones are mode 0, and none is `default_week_format`.
fn week_mode(ctx: &mut EvalCtx<'_>, args: &Args<'_>, default: bool) -> SqlResult<i64> {
    if args.len() > 1 {
        return Ok(args.int(1, ctx)?.max(0));
    }
    if !default {
        return Ok(0);
    }
    Ok(match ctx.session.system_variable("default_week_format", VariableScope::Default) {
        Ok(Value::Int(mode)) => mode,
        Ok(Value::UInt(mode)) => mode as i64,
        _ => 0,
    })
}

fn week(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(read) = args.day(0, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let mode = WeekMode::from_number(week_mode(ctx, args, true)?);
    Ok(Value::Int(i64::from(read.date().week(mode).1)))
}

fn yearweek(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(read) = args.day(0, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let mode = WeekMode { week_year: true, ..WeekMode::from_number(week_mode(ctx, args, false)?) };
    let (year, week) = read.date().week(mode);
    Ok(Value::Int(i64::from(year * 100 + week)))
}

/// Digits of EXTRACT's ranges with a sign, by their first and last part.
const RANGE_LENGTHS: [[u32; 5]; 5] =
    [[3, 9, 11, 13, 20], [3, 4, 6, 8, 14], [3, 3, 3, 5, 11], [3, 3, 3, 3, 9], [7; 5]];

fn extract_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let length = match Unit::of(&args[0])? {
        Unit::Quarter => 2,
        Unit::Second | Unit::Minute | Unit::Day | Unit::Week | Unit::Month => 3,
        Unit::Hour => 4,
        Unit::Year => 5,
        Unit::Microsecond | Unit::YearMonth => 7,
        Unit::Range(first, last) => RANGE_LENGTHS[usize::from(first).min(4)][usize::from(last).min(4)],
    };
    Ok(may_be_null(typing::bigint(length).into()))
}

fn extract(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let unit = Unit::of(&args.exprs[0])?;
    if unit.is_date() {
        let Some(v) = args.datetime(1, Zeros::Taken, ctx)? else { return Ok(Value::Null) };
        let part = match unit {
            Unit::Year => v.year(),
            Unit::Quarter => v.month().div_ceil(3),
            Unit::Month => v.month(),
            Unit::YearMonth => v.year() * 100 + v.month(),
            Unit::Week => {
                let mode = WeekMode::from_number(week_mode(ctx, &Args { values: &[], ..*args }, true)?);
                v.date().week(mode).1
            }
            _ => v.day(),
        };
        return Ok(Value::Int(i64::from(part)));
    }
    let dated = match args.get(1) {
        ValueRef::Text(text) => looks_like_date(text),
        ValueRef::Time(_) => false,
        _ => true,
    };
    let (day, time) = if dated {
        match args.datetime(1, Zeros::Taken, ctx)? {
            Some(v) => (v.day(), v.time()),
            None => return Ok(Value::Null),
        }
    } else {
        match args.time(1, ctx)? {
            Some(time) => (0, time),
            None => return Ok(Value::Null),
        }
    };
    let (first, last) = match unit {
        Unit::Hour => (1, 1),
        Unit::Minute => (2, 2),
        Unit::Second => (3, 3),
        Unit::Microsecond => (4, 4),
        Unit::Range(first, last) => (first, last),
        _ => (0, 0),
    };
    let parts = [day, time.hours(), time.minutes(), time.seconds(), time.subsec_micros()];
    let digits = parts.iter().enumerate().fold(0i64, |number, (place, part)| {
        if (usize::from(first)..=usize::from(last)).contains(&place) {
            number * if place == 4 { MICROS } else { 100 } + i64::from(*part)
        } else {
            number
        }
    });
    Ok(Value::Int(if time.is_negative() { -digits } else { digits }))
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn parts_are_mysqls() {
        check(include_str!("testdata/date_part.txt"));
    }
}
