//! What the families of date and time functions share: operands as dates and times, interval units, digits of the
//! second.

use super::support::may_be_null;
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::eval::describe;
use crate::expr::{Expr, ExprKind};
use crate::function::{Args, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{
    ER_DATETIME_FUNCTION_OVERFLOW, ER_TEMPORAL_FUNCTION_OVERFLOW, ER_WRONG_ARGUMENTS, ErrorKind,
};
use aurora_types::temporal::parse::{self, DateFlags};
use aurora_types::{Date, DateTime, SqlError, SqlResult, SqlType, Text, Time, Value, ValueRef};
use std::fmt::Display;

pub(super) const MICROS: i64 = 1_000_000;
pub(super) const DAY_MICROS: i64 = 86_400 * MICROS;
/// Digits of the second where nothing says how many there are.
pub(super) const MAX_FSP: u8 = 6;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Monday.
pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Which unusual dates an operand may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zeros {
    /// Zero months and days are taken; text that is a zero date goes by the mode.
    Taken,
    /// Only real days.
    Refused,
    /// By NO_ZERO_DATE and NO_ZERO_IN_DATE.
    ByMode,
}

impl Zeros {
    pub(super) fn flags(self, ctx: &EvalCtx<'_>, value: ValueRef<'_>) -> DateFlags {
        let mode = DateFlags::from_sql_mode(ctx.sql_mode);
        let text = matches!(value, ValueRef::Text(_) | ValueRef::Json(_));
        match self {
            Zeros::Taken => DateFlags {
                no_zero_date: text && mode.no_zero_date,
                no_zero_in_date: false,
                allow_invalid: !text || mode.allow_invalid,
            },
            Zeros::Refused => DateFlags { no_zero_date: true, no_zero_in_date: true, ..mode },
            Zeros::ByMode => mode,
        }
    }
}

/// A date, or a date and time.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub value: DateTime,
    pub date_only: bool,
}

impl<'a> Args<'a> {
    /// Argument `i` as a date and time; `None` (with a warning) when it is none.
    pub(super) fn datetime(
        &self,
        i: usize,
        zeros: Zeros,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Option<DateTime>> {
        let value = self.get(i);
        let flags = zeros.flags(ctx, value);
        ctx.datetime_with(value, self.ty(i), flags)
    }

    /// As [`Args::datetime`] for functions of the day alone, to which a time is another day than to those that keep
    /// its hours ([`EvalCtx::day_of_time`]).
    pub(super) fn day(&self, i: usize, zeros: Zeros, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<DateTime>> {
        if let ValueRef::Time(time) = self.get(i) {
            return Ok(ctx.day_of_time(time).map(Date::at_midnight));
        }
        self.datetime(i, zeros, ctx)
    }

    /// Argument 0 for functions of parts of dates, where numbers below 101 are days and months of the year 2000.
    pub(super) fn partial_date(&self, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<DateTime>> {
        if let value @ (ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Double(_)) = self.get(0) {
            let number = ctx.to_decimal(value, self.ty(0))?.truncate(0).to_i64().0;
            if let Ok(number @ 0..=100) = u32::try_from(number)
                && let Some(date) = Date::new(2000, number / 100, number % 100)
            {
                return Ok(Some(date.at_midnight()));
            }
        }
        self.day(0, Zeros::Taken, ctx)
    }

    /// As [`Args::datetime`], and whether there was no time of day.
    pub(super) fn moment(&self, i: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<Moment>> {
        let Some(value) = self.datetime(i, Zeros::Refused, ctx)? else { return Ok(None) };
        let date_only = match self.get(i) {
            ValueRef::Date(_) => true,
            // The sum of a date in text and an interval is a date and time, though its text may show no time.
            ValueRef::Text(_) if is_sum(&self.exprs[i]) => false,
            ValueRef::Text(text) if self.ty(i).base != aurora_types::BaseType::Bit => {
                parse::parse_datetime(text, DateFlags::default()).date_only
            }
            ValueRef::Int(number) => {
                parse::datetime_from_number(number, DateFlags::default()).is_ok_and(|(_, date)| date)
            }
            _ => false,
        };
        Ok(Some(Moment { value, date_only }))
    }

    /// Argument `i` as a time; `None` (with a warning) when it is none.
    pub(super) fn time(&self, i: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<Time>> {
        ctx.to_time(self.get(i), self.ty(i))
    }

    /// Argument `i` as a duration or a point in time, by what it looks like.
    pub(super) fn time_or_datetime(
        &self,
        i: usize,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Option<TimeOrDateTime>> {
        let dated = match self.get(i) {
            ValueRef::Text(text) => looks_like_date(text) || parse::parse_time(text).value.is_none(),
            ValueRef::Date(_) | ValueRef::DateTime(_) => true,
            ValueRef::Int(number) => number >= 10_000_000_000,
            _ => false,
        };
        Ok(if dated {
            self.datetime(i, Zeros::ByMode, ctx)?.map(TimeOrDateTime::DateTime)
        } else {
            self.time(i, ctx)?.map(TimeOrDateTime::Time)
        })
    }
}

fn is_sum(expr: &Expr) -> bool {
    let ExprKind::Call { function, .. } = &expr.kind else { return false };
    matches!(function.name, "adddate" | "date_add" | "date_sub" | "subdate" | "timestampadd")
}

#[derive(Clone, Copy)]
pub(super) enum TimeOrDateTime {
    Time(Time),
    DateTime(DateTime),
}

/// A sign is no delimiter of a date; a later one is.
pub(super) fn looks_like_date(text: &[u8]) -> bool {
    let trimmed = text.trim_ascii_start();
    let digits = trimmed.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let date = digits > 0 && trimmed.get(digits) == Some(&b'-');
    date || parse::parse_time(text).from_datetime
}

/// Digits of the second that a value of this expression has when it becomes a date and time.
pub(super) fn datetime_digits(expr: &Expr) -> u8 {
    match (typing::domain(&expr.ty), &expr.kind) {
        (Domain::Text, ExprKind::Literal(Value::Text(text)) | ExprKind::HexLiteral(text)) => {
            let parsed = parse::parse_datetime(text.as_bytes(), DateFlags::default());
            if parsed.value.is_none() && parsed.warnings.truncated { MAX_FSP } else { parsed.fraction_digits }
        }
        _ => digits_of(&expr.ty),
    }
}

/// Digits of the second that a value of this expression has when it becomes a time.
pub(super) fn time_digits(expr: &Expr) -> u8 {
    match (typing::domain(&expr.ty), &expr.kind) {
        (Domain::Text, ExprKind::Literal(Value::Text(text)) | ExprKind::HexLiteral(text)) => {
            let parsed = parse::parse_time(text.as_bytes());
            if parsed.value.is_none() { MAX_FSP } else { parsed.fraction_digits }
        }
        _ => digits_of(&expr.ty),
    }
}

fn digits_of(ty: &SqlType) -> u8 {
    match typing::domain(ty) {
        Domain::Int | Domain::Date | Domain::Null => 0,
        Domain::Decimal | Domain::Time | Domain::DateTime => ty.decimals.min(MAX_FSP),
        _ => MAX_FSP,
    }
}

/// NULL, with a warning; an error in strict statements that change data.
pub(super) fn null_with_warning(
    ctx: &mut EvalCtx<'_>,
    kind: &'static ErrorKind,
    args: &[&dyn Display],
) -> SqlResult<Value> {
    ctx.warn_or_fail(kind, args)?;
    Ok(Value::Null)
}

/// 1441: the result is beyond the calendar.
pub(super) fn overflow(ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    null_with_warning(ctx, ER_DATETIME_FUNCTION_OVERFLOW, &[&"datetime"])
}

/// 6527 with the call as MySQL writes it.
pub(super) fn out_of_range(ctx: &mut EvalCtx<'_>, kind: &str, shown: &dyn Display) -> SqlResult<()> {
    ctx.warn_or_fail(ER_TEMPORAL_FUNCTION_OVERFLOW, &[&kind, shown])
}

pub(super) fn call_text(name: &str, args: &Args<'_>) -> String {
    let shown: Vec<String> = args.exprs.iter().map(describe).collect();
    format!("{name}({})", shown.join(","))
}

/// The unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    YearMonth,
    /// From the first to the last of day (0), hour, minute, second and microsecond (4).
    Range(u8, u8),
}

impl Unit {
    pub(super) fn parse(name: &str) -> Option<Unit> {
        let name = name.to_ascii_uppercase();
        let single = match name.as_str() {
            "MICROSECOND" => Unit::Microsecond,
            "SECOND" => Unit::Second,
            "MINUTE" => Unit::Minute,
            "HOUR" => Unit::Hour,
            "DAY" => Unit::Day,
            "WEEK" => Unit::Week,
            "MONTH" => Unit::Month,
            "QUARTER" => Unit::Quarter,
            "YEAR" => Unit::Year,
            "YEAR_MONTH" => Unit::YearMonth,
            range => {
                let (first, last) = range.split_once('_')?;
                let place = |part| {
                    ["DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"].iter().position(|name| *name == part)
                };
                let (first, last) = (place(first)?, place(last)?);
                return (first < last).then_some(Unit::Range(first as u8, last as u8));
            }
        };
        Some(single)
    }

    /// The unit that an argument names.
    ///
    /// # Errors
    /// 1210 when it names none: the parser lets no such call through.
    pub(super) fn of(expr: &Expr) -> SqlResult<Unit> {
        match expr.as_literal() {
            Some(Value::Text(name)) => Unit::parse(&name.to_str_lossy()),
            _ => None,
        }
        .ok_or_else(|| SqlError::new(ER_WRONG_ARGUMENTS, &[&"interval"]))
    }

    /// Only days and longer.
    pub(super) fn is_date(self) -> bool {
        matches!(self, Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year | Unit::YearMonth)
    }

    /// Only hours and shorter.
    pub(super) fn is_time(self) -> bool {
        match self {
            Unit::Microsecond | Unit::Second | Unit::Minute | Unit::Hour => true,
            Unit::Range(first, _) => first > 0,
            _ => false,
        }
    }

    pub(super) fn has_micros(self) -> bool {
        matches!(self, Unit::Microsecond | Unit::Range(_, 4))
    }
}

/// Text of a date and time whose type is not known: no fraction where it is zero.
pub(super) fn datetime_text(value: DateTime, date_only: bool) -> Value {
    let mut out = Vec::with_capacity(26);
    if date_only {
        value.date().write(&mut out);
    } else {
        value.write(if value.subsec_micros() == 0 { 0 } else { MAX_FSP }, &mut out);
    }
    Value::Text(Text::from(out))
}

pub(super) fn time_text(value: Time) -> Value {
    let mut out = Vec::with_capacity(17);
    value.write(if value.subsec_micros() == 0 { 0 } else { MAX_FSP }, &mut out);
    Value::Text(Text::from(out))
}

/// A time cut to the range, with the warning 1292 that shows it uncut.
pub(super) fn clipped(ctx: &mut EvalCtx<'_>, micros: i64) -> SqlResult<Time> {
    let (time, cut) = Time::saturating_from_micros(micros);
    if cut {
        let seconds = micros.unsigned_abs() / MICROS as u64;
        let sign = if micros < 0 { "-" } else { "" };
        let shown = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        ctx.truncated("time", shown.as_bytes())?;
    }
    Ok(time)
}

/// The type of a number of so many characters that may be NULL.
pub(super) fn int_type<const LENGTH: u32>(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(typing::bigint(LENGTH).into()))
}

/// A number of argument 0's day; NULL when it is none of the calendar.
pub(super) fn day_part(ctx: &mut EvalCtx<'_>, args: &Args<'_>, part: fn(Date) -> i64) -> SqlResult<Value> {
    let read = args.day(0, Zeros::Refused, ctx)?;
    Ok(read.map_or(Value::Null, |v| Value::Int(part(v.date()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;

    fn argument(name: &str, ctx: &BuildContext) -> Expr {
        let columns = [
            ("d", typing::double()),
            ("dd", SqlType { decimals: 3, ..typing::double() }),
            ("i", SqlType::new(aurora_types::BaseType::Int, 11)),
            ("k", SqlType::new(aurora_types::BaseType::Int, 11)),
            ("n", typing::decimal(10, 4)),
            ("s", typing::text(10, ctx.collation)),
        ];
        if let Some((_, ty)) = columns.iter().find(|(column, _)| *column == name) {
            return build::column(0, SqlType { nullable: true, ..ty.clone() });
        }
        match name {
            "now3" => build::call("now", vec![build::literal(Value::Int(3), ctx)], ctx).expect("a function"),
            "now0" => build::call("now", Vec::new(), ctx).expect("a function"),
            quoted if quoted.starts_with('\'') => {
                build::literal(Value::Text(quoted.trim_matches('\'').into()), ctx)
            }
            function => build::call(function, Vec::new(), ctx).expect("a function"),
        }
    }

    fn shown(ty: &SqlType) -> String {
        let name = match (typing::domain(ty), ty.decimals) {
            (Domain::Int, _) if ty.base == aurora_types::BaseType::Year => "year".to_owned(),
            (Domain::Int, _) => "bigint".to_owned(),
            (Domain::Decimal, scale) => format!("decimal({},{scale})", ty.length),
            (Domain::Double, 31) => "double".to_owned(),
            (Domain::Double, scale) => format!("double({},{scale})", ty.length),
            (Domain::Date, _) => "date".to_owned(),
            (Domain::Time, 0) => "time".to_owned(),
            (Domain::Time, digits) => format!("time({digits})"),
            (Domain::DateTime, 0) => "datetime".to_owned(),
            (Domain::DateTime, digits) => format!("datetime({digits})"),
            _ => format!("varchar({})", ty.length),
        };
        if ty.nullable { name } else { format!("{name} not null") }
    }

    /// The types that `CREATE TABLE … SELECT` gives columns in MySQL 9.7.4; its shorter integers count as BIGINT.
    #[test]
    fn results_have_mysqls_types() {
        let ctx = BuildContext::default();
        let mut wrong = Vec::new();
        for line in include_str!("testdata/number_date_types.txt").lines() {
            let (call, wanted) = line.split_once(" => ").expect("an arrow");
            let (name, args) = call.split_once(' ').expect("a name");
            let args = args.split(',').filter(|arg| !arg.is_empty()).map(|arg| argument(arg, &ctx)).collect();
            let got = shown(&build::call(name, args, &ctx).expect("a function").ty);
            if got != wanted {
                wrong.push(format!("{call}: MySQL {wanted}, here {got}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
