//! Dates and times as text by a format: DATE_FORMAT, TIME_FORMAT, GET_FORMAT.

use super::date_support::{DAYS, MONTHS, Zeros};
use super::support::{connection_text, def, may_be_null};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use aurora_types::temporal::calendar::WeekMode;
use aurora_types::{Date, DateTime, SqlResult, Text, Time, Value};
use std::io::Write;

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "date_format",
        Arity::exactly(2),
        format_type,
        date_format,
        "DATE_FORMAT(date, format): the date as text.",
    ),
    def(
        "time_format",
        Arity::exactly(2),
        format_type,
        time_format,
        "TIME_FORMAT(time, format): the time as text.",
    ),
    def(
        "get_format",
        Arity::exactly(2),
        |_, ctx| Ok(may_be_null(connection_text(17, ctx))),
        get_format,
        "GET_FORMAT(DATE | TIME | DATETIME, place): the format that is usual there.",
    ),
];

/// Characters of a format whose text is not known, for each of its own.
const UNKNOWN_FACTOR: u64 = 10;

/// Characters that a format's result takes at most.
pub(super) fn length_of(format: &Expr) -> u64 {
    let Some(Value::Text(text)) = format.as_literal() else {
        return crate::typing::text_length(&format.ty).min(255) * UNKNOWN_FACTOR;
    };
    let mut length = 0;
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        let Some(code) = (if *byte == b'%' { bytes.next() } else { None }) else {
            length += 1;
            continue;
        };
        length += match code {
            b'M' | b'W' => 64,
            b'D' | b'Y' | b'x' | b'X' => 4,
            b'a' | b'b' => 32,
            b'j' => 3,
            b'k' | b'H' => 7,
            b'r' => 11,
            b'T' => 8,
            b'f' => 6,
            b'u' | b'U' | b'v' | b'V' | b'y' | b'm' | b'd' | b'h' | b'i' | b'I' | b'l' | b'p' | b'S'
            | b's' | b'c' | b'e' => 2,
            _ => 1,
        };
    }
    length
}

fn format_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(connection_text(length_of(&args[1]), ctx)))
}

fn date_format(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(value) = args.datetime(0, Zeros::Taken, ctx)? else { return Ok(Value::Null) };
    Ok(format_datetime(&args.text(1), value).unwrap_or(Value::Null))
}

fn time_format(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let Some(value) = args.time(0, ctx)? else { return Ok(Value::Null) };
    Ok(format(&args.text(1), None, value).unwrap_or(Value::Null))
}

/// `None`: the format asks for what the date does not have.
pub(super) fn format_datetime(text: &[u8], value: DateTime) -> Option<Value> {
    format(text, Some(value.date()), value.time())
}

fn ordinal(day: u32) -> &'static str {
    match day {
        11..=13 => "th",
        _ => match day % 10 {
            1 => "st",
            2 => "nd",
            3 => "rd",
            _ => "th",
        },
    }
}

fn format(text: &[u8], date: Option<Date>, time: Time) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let mut out: Vec<u8> = Vec::with_capacity(text.len() * 2);
    if time.is_negative() {
        out.push(b'-');
    }
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match if *byte == b'%' { bytes.next() } else { None } {
            Some(code) => write_part(*code, date, time, &mut out)?,
            None => out.push(*byte),
        }
    }
    Some(Value::Text(Text::from(out)))
}

/// One `%` code; `None` where the date has no such part.
fn write_part(code: u8, date: Option<Date>, time: Time, out: &mut Vec<u8>) -> Option<()> {
    let (year, month, day) = date.map_or((0, 0, 0), |date| (date.year(), date.month(), date.day()));
    let (hour, minute, second) = (time.hours(), time.minutes(), time.seconds());
    let hour12 = (hour % 24 + 11) % 12 + 1;
    let half = if hour % 24 < 12 { "AM" } else { "PM" };
    let month_name = || MONTHS.get((month as usize).wrapping_sub(1));
    let day_name =
        || date.filter(|_| month > 0 || year > 0).and_then(|date| DAYS.get(date.weekday() as usize));
    // The mode numbers: weeks from Sunday or Monday, with or without a week 0.
    let week = |mode: i64| date.map(|date| date.week(WeekMode::from_number(mode)));
    // Writing into a vector does not fail.
    let _ = match code {
        b'M' => write!(out, "{}", month_name()?),
        b'b' => write!(out, "{}", &month_name()?[..3]),
        b'W' => write!(out, "{}", day_name()?),
        b'a' => write!(out, "{}", &day_name()?[..3]),
        b'D' => {
            date?;
            write!(out, "{day}{}", ordinal(day))
        }
        b'Y' => write!(out, "{year:04}"),
        b'y' => write!(out, "{:02}", year % 100),
        b'm' => write!(out, "{month:02}"),
        b'c' => write!(out, "{month}"),
        b'd' => write!(out, "{day:02}"),
        b'e' => write!(out, "{day}"),
        b'f' => write!(out, "{:06}", time.subsec_micros()),
        b'H' => write!(out, "{hour:02}"),
        b'k' => write!(out, "{hour}"),
        b'h' | b'I' => write!(out, "{hour12:02}"),
        b'l' => write!(out, "{hour12}"),
        b'i' => write!(out, "{minute:02}"),
        b's' | b'S' => write!(out, "{second:02}"),
        b'p' => write!(out, "{half}"),
        b'r' => write!(out, "{hour12:02}:{minute:02}:{second:02} {half}"),
        b'T' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
        b'j' => write!(out, "{:03}", date?.day_of_year()),
        b'U' => write!(out, "{:02}", week(0)?.1),
        b'u' => write!(out, "{:02}", week(1)?.1),
        b'V' => write!(out, "{:02}", week(2)?.1),
        b'v' => write!(out, "{:02}", week(3)?.1),
        b'X' => write!(out, "{:04}", week(2)?.0),
        b'x' => write!(out, "{:04}", week(3)?.0),
        b'w' => {
            let date = date.filter(|_| month > 0 || year > 0)?;
            write!(out, "{}", (date.weekday() + 1) % 7)
        }
        other => {
            out.push(other);
            Ok(())
        }
    };
    Some(())
}

/// The formats by place: of a date, a time, and both.
const PLACES: [(&str, [&str; 3]); 5] = [
    ("USA", ["%m.%d.%Y", "%h:%i:%s %p", "%Y-%m-%d %H.%i.%s"]),
    ("JIS", ["%Y-%m-%d", "%H:%i:%s", "%Y-%m-%d %H:%i:%s"]),
    ("ISO", ["%Y-%m-%d", "%H:%i:%s", "%Y-%m-%d %H:%i:%s"]),
    ("EUR", ["%d.%m.%Y", "%H.%i.%s", "%Y-%m-%d %H.%i.%s"]),
    ("INTERNAL", ["%Y%m%d", "%H%i%s", "%Y%m%d%H%i%s"]),
];

fn get_format(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let kind = match args.text(0).to_ascii_uppercase().as_slice() {
        b"DATE" => 0,
        b"TIME" => 1,
        _ => 2,
    };
    let place = args.text(1);
    let found = PLACES.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(&place));
    Ok(found.map_or(Value::Null, |(_, formats)| Value::Text(formats[kind].into())))
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn formats_are_mysqls() {
        check(include_str!("testdata/date_format.txt"));
    }
}
