//! The clock, parts of dates and times, and conversions between their types and numbers.

use super::date_support::{
    MAX_FSP, MICROS, Zeros, call_text, clipped, datetime_digits, day_part, int_type, out_of_range,
    time_digits,
};
use super::support::{connection_text, def, may_be_null, numeric_args};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, Determinism, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{ER_TOO_BIG_PRECISION, ER_WRONG_ARGUMENTS};
use aurora_types::temporal::parse::two_digit_year;
use aurora_types::temporal::zone::Local;
use aurora_types::{
    Date, DateTime, Decimal, Interval, SqlError, SqlResult, SqlType, Time, TimeZone, Value, ValueRef,
};

/// Seconds of 3001-01-18 23:59:59, the last moment of UNIX_TIMESTAMP and FROM_UNIXTIME.
const LAST_UNIX_SECOND: i64 = 32_536_771_199;

pub const FUNCTIONS: &[FunctionDef] = &[
    def("now", Arity::between(0, 1), now_type, now, "NOW([digits]): the moment when the statement began.")
        .aliases(&["current_timestamp", "localtime", "localtimestamp"])
        .determinism(Determinism::Statement),
    def("sysdate", Arity::between(0, 1), now_type, sysdate, "SYSDATE([digits]): this moment.")
        .determinism(Determinism::Volatile),
    def(
        "curdate",
        Arity::exactly(0),
        |_, _| Ok(typing::date().into()),
        curdate,
        "CURDATE(): the day of NOW().",
    )
    .aliases(&["current_date"])
    .determinism(Determinism::Statement),
    def("curtime", Arity::between(0, 1), curtime_type, curtime, "CURTIME([digits]): the time of NOW().")
        .aliases(&["current_time"])
        .determinism(Determinism::Statement),
    def(
        "utc_timestamp",
        Arity::between(0, 1),
        now_type,
        utc_timestamp,
        "UTC_TIMESTAMP([digits]): NOW() in UTC.",
    )
    .determinism(Determinism::Statement),
    def(
        "utc_date",
        Arity::exactly(0),
        |_, _| Ok(typing::date().into()),
        |ctx, _| Ok(Value::Date(utc_now(ctx).date())),
        "UTC_DATE(): the day of NOW() in UTC.",
    )
    .determinism(Determinism::Statement),
    def(
        "utc_time",
        Arity::between(0, 1),
        curtime_type,
        |ctx, args| Ok(Value::Time(utc_now(ctx).time().round(args.result.decimals, true))),
        "UTC_TIME([digits]): the time of NOW() in UTC.",
    )
    .determinism(Determinism::Statement),
    def(
        "unix_timestamp",
        Arity::between(0, 1),
        unix_timestamp_type,
        unix_timestamp,
        "UNIX_TIMESTAMP([date]): seconds since 1970-01-01 00:00:00 UTC, 0 outside of the range.",
    )
    .determinism(Determinism::Statement),
    def(
        "from_unixtime",
        Arity::between(1, 2),
        from_unixtime_type,
        from_unixtime,
        "FROM_UNIXTIME(seconds[, format]): a Unix time in the session's time zone.",
    )
    .determinism(Determinism::Statement),
    def("date", Arity::exactly(1), |_, _| Ok(nullable(typing::date())), date, "DATE(x): the date of x."),
    def("time", Arity::exactly(1), time_type, time, "TIME(x): the time of x."),
    def(
        "timestamp",
        Arity::between(1, 2),
        timestamp_type,
        timestamp,
        "TIMESTAMP(x[, time]): x as a date and time, a time added.",
    ),
    def(
        "to_days",
        Arity::exactly(1),
        int_type::<8>,
        |ctx, args| day_part(ctx, args, Date::to_days),
        "TO_DAYS(date): days since the year 0.",
    ),
    def(
        "from_days",
        Arity::exactly(1),
        |_, _| Ok(nullable(typing::date())),
        from_days,
        "FROM_DAYS(n): the date of a day number.",
    ),
    def(
        "to_seconds",
        Arity::exactly(1),
        int_type::<21>,
        to_seconds,
        "TO_SECONDS(date): seconds since the year 0.",
    ),
    def(
        "time_to_sec",
        Arity::exactly(1),
        int_type::<10>,
        time_to_sec,
        "TIME_TO_SEC(time): the time in seconds.",
    ),
    def(
        "sec_to_time",
        Arity::exactly(1),
        sec_to_time_type,
        sec_to_time,
        "SEC_TO_TIME(seconds): seconds as a time.",
    ),
    def(
        "makedate",
        Arity::exactly(2),
        |args, _| {
            numeric_args(args, &[0, 1]);
            Ok(nullable(typing::date()))
        },
        makedate,
        "MAKEDATE(year, day): the date of a day of a year.",
    ),
    def(
        "maketime",
        Arity::exactly(3),
        maketime_type,
        maketime,
        "MAKETIME(hour, minute, second): a time of its parts.",
    ),
    def(
        "last_day",
        Arity::exactly(1),
        |_, _| Ok(nullable(typing::date())),
        last_day,
        "LAST_DAY(date): the last day of the month.",
    ),
    def(
        "convert_tz",
        Arity::exactly(3),
        |args, _| Ok(nullable(typing::datetime(datetime_digits(&args[0])))),
        convert_tz,
        "CONVERT_TZ(date, from, to): the time of one zone in another.",
    ),
];

fn nullable(ty: SqlType) -> Typed {
    may_be_null(ty.into())
}

/// The digits that `NOW(digits)` asks for.
fn asked_digits(args: &[Expr], name: &str) -> SqlResult<u8> {
    match args.first().map(Expr::as_literal) {
        None => Ok(0),
        Some(Some(Value::Int(digits))) if (0..=i64::from(MAX_FSP)).contains(digits) => Ok(*digits as u8),
        Some(Some(Value::Int(digits))) => {
            Err(SqlError::new(ER_TOO_BIG_PRECISION, &[digits, &name, &MAX_FSP]))
        }
        Some(_) => Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&name])),
    }
}

fn now_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(typing::datetime(asked_digits(args, "now")?).into())
}

fn curtime_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(typing::time(asked_digits(args, "curtime")?).into())
}

fn cut(value: DateTime, args: &Args<'_>) -> Value {
    Value::DateTime(value.round(args.result.decimals, true).unwrap_or(value))
}

fn now(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(cut(ctx.now(), args))
}

fn sysdate(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let clock = ctx.session.time_zone().local(ctx.session.clock_micros()).unwrap_or(DateTime::ZERO);
    Ok(cut(clock, args))
}

fn curdate(ctx: &mut EvalCtx<'_>, _: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Date(ctx.now().date()))
}

fn curtime(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Time(ctx.now().time().round(args.result.decimals, true)))
}

fn utc_now(ctx: &EvalCtx<'_>) -> DateTime {
    TimeZone::utc().local(ctx.session.statement_micros()).unwrap_or(DateTime::ZERO)
}

fn utc_timestamp(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(cut(utc_now(ctx), args))
}

fn unix_timestamp_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let Some(date) = args.first() else { return Ok(typing::bigint(21).into()) };
    let ty = match u32::from(datetime_digits(date)) {
        0 => typing::bigint(21),
        digits => typing::decimal(11 + digits, digits),
    };
    Ok(SqlType { nullable: date.ty.nullable, ..ty }.into())
}

/// Unix microseconds of a local time; a time that the clock skipped is the moment of the jump.
fn unix_of(zone: &TimeZone, local: DateTime) -> Option<i64> {
    match zone.unix_micros(local)? {
        Local::Unix(micros) | Local::Gap(micros) => Some(micros),
    }
}

fn unix_timestamp(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_empty() {
        return Ok(Value::Int(ctx.session.statement_micros().div_euclid(MICROS)));
    }
    let zeros = if matches!(args.get(0), ValueRef::Text(_)) { Zeros::Refused } else { Zeros::Taken };
    let local = args.datetime(0, zeros, ctx)?.filter(|v| v.date().is_real());
    let micros = local
        .and_then(|local| unix_of(ctx.session.time_zone(), local))
        .filter(|micros| (0..(LAST_UNIX_SECOND + 1) * MICROS).contains(micros))
        .unwrap_or(0);
    Ok(match args.result.decimals {
        0 => Value::Int(micros / MICROS),
        digits => {
            let exact = Decimal::from_parts(i128::from(micros), MAX_FSP).unwrap_or(Decimal::ZERO);
            Value::Decimal(exact.truncate(i32::from(digits)).rescale(digits).unwrap_or(exact))
        }
    })
}

fn from_unixtime_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    match args.get(1) {
        Some(format) => Ok(may_be_null(connection_text(super::date_format::length_of(format), ctx))),
        None => Ok(nullable(typing::datetime(number_digits(&args[0].ty)))),
    }
}

/// Digits of the second of a number of seconds.
fn number_digits(ty: &SqlType) -> u8 {
    match typing::numeric_domain(ty) {
        Domain::Int => 0,
        Domain::Decimal => ty.decimals.min(MAX_FSP),
        _ => MAX_FSP,
    }
}

/// A number of seconds in microseconds, rounded; `None` beyond 64 bits.
fn micros_of(number: &Decimal) -> Option<i64> {
    let exact = number.round(i32::from(MAX_FSP)).rescale(MAX_FSP).ok()?;
    i64::try_from(exact.unscaled_i128()?).ok()
}

fn from_unixtime(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let seconds = ctx.to_decimal(args.get(0), args.ty(0))?;
    let local = micros_of(&seconds)
        .filter(|micros| (0..(LAST_UNIX_SECOND + 1) * MICROS).contains(micros))
        .and_then(|micros| ctx.session.time_zone().local(micros));
    let Some(local) = local else { return Ok(Value::Null) };
    if args.len() == 2 {
        return Ok(super::date_format::format_datetime(&args.text(1), local).unwrap_or(Value::Null));
    }
    Ok(local.round(args.result.decimals, false).map_or(Value::Null, Value::DateTime))
}

fn date(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(args.day(0, Zeros::ByMode, ctx)?.map_or(Value::Null, |v| Value::Date(v.date())))
}

fn time_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(nullable(typing::time(time_digits(&args[0]))))
}

fn time(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(args.time(0, ctx)?.map_or(Value::Null, Value::Time))
}

fn timestamp_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let digits = datetime_digits(&args[0]).max(args.get(1).map_or(0, time_digits));
    Ok(nullable(typing::datetime(digits)))
}

fn timestamp(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(start) = args.datetime(0, Zeros::ByMode, ctx)? else { return Ok(Value::Null) };
    if args.len() == 1 {
        return Ok(start.round(args.result.decimals, false).map_or(Value::Null, Value::DateTime));
    }
    let Some(time) = args.time(1, ctx)? else { return Ok(Value::Null) };
    match start.add(Interval::micros(time.micros())) {
        Some(sum) => Ok(Value::DateTime(sum)),
        None => {
            out_of_range(ctx, "DATETIME", &call_text("timestamp", args))?;
            Ok(Value::Null)
        }
    }
}

fn from_days(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let days = ctx.to_i64(args.get(0), args.ty(0))?;
    match Date::from_days(days) {
        Some(date) => Ok(Value::Date(date)),
        None => {
            out_of_range(ctx, "DATE", &call_text("from_days", args))?;
            Ok(Value::Null)
        }
    }
}

fn to_seconds(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let read = args.datetime(0, Zeros::Refused, ctx)?;
    Ok(read.map_or(Value::Null, |v| Value::Int(v.to_linear_micros().div_euclid(MICROS))))
}

fn time_to_sec(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(args.time(0, ctx)?.map_or(Value::Null, |v| Value::Int(v.micros() / MICROS)))
}

fn sec_to_time_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    Ok(nullable(typing::time(number_digits(&args[0].ty))))
}

fn sec_to_time(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let seconds = ctx.to_decimal(args.get(0), args.ty(0))?;
    let far = if seconds.is_negative() { i64::MIN } else { i64::MAX };
    let (time, cut) = Time::saturating_from_micros(micros_of(&seconds).unwrap_or(far));
    if cut {
        ctx.truncated("time", &args.text(0))?;
    }
    Ok(Value::Time(time.round(args.result.decimals, false)))
}

fn makedate(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (year, day) = (args.int(0, ctx)?, args.int(1, ctx)?);
    let Some(year) = u32::try_from(year).ok().filter(|year| *year <= 9999) else { return Ok(Value::Null) };
    let year = if year < 100 { two_digit_year(year) } else { year };
    let date = Date::new(year, 1, 1).filter(|_| day > 0).and_then(|first| first.add_days(day - 1));
    Ok(date.map_or(Value::Null, Value::Date))
}

fn maketime_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0, 1, 2]);
    Ok(nullable(typing::time(number_digits(&args[2].ty))))
}

fn maketime(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (hour, minute) = (args.int(0, ctx)?, args.int(1, ctx)?);
    let seconds = micros_of(&ctx.to_decimal(args.get(2), args.ty(2))?);
    // 59.9999999 rounds up to a minute; 60 is none.
    let whole = ctx.to_decimal(args.get(2), args.ty(2))?.truncate(0).to_i64().0;
    let Some(seconds) = seconds.filter(|s| *s >= 0 && whole < 60) else { return Ok(Value::Null) };
    if !(0..60).contains(&minute) {
        return Ok(Value::Null);
    }
    // A million hours is far beyond the range, and its microseconds are far from 64 bits.
    let hours = hour.clamp(-1_000_000, 1_000_000);
    let magnitude = hours.abs() * 3600 * MICROS + minute * 60 * MICROS + seconds;
    let time = clipped(ctx, if hour < 0 { -magnitude } else { magnitude })?;
    Ok(Value::Time(time.round(args.result.decimals, false)))
}

fn last_day(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(read) = args.partial_date(ctx)? else { return Ok(Value::Null) };
    match Some(read.date()).filter(|date| date.month() > 0).and_then(Date::last_day_of_month) {
        Some(date) => Ok(Value::Date(date)),
        None => {
            ctx.truncated("date", &args.text(0))?;
            Ok(Value::Null)
        }
    }
}

fn convert_tz(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(local) = args.datetime(0, Zeros::Refused, ctx)? else { return Ok(Value::Null) };
    let zone = |text: &[u8]| TimeZone::parse(&String::from_utf8_lossy(text));
    let (Some(from), Some(to)) = (zone(&args.text(1)), zone(&args.text(2))) else { return Ok(Value::Null) };
    // Beyond the range of Unix times nothing is converted.
    let converted = unix_of(&from, local)
        .filter(|micros| (MICROS..(LAST_UNIX_SECOND + 1) * MICROS).contains(micros))
        .and_then(|micros| to.local(micros));
    Ok(Value::DateTime(converted.unwrap_or(local)))
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn parts_and_conversions_are_mysqls() {
        check(include_str!("testdata/date_time.txt"));
    }
}
