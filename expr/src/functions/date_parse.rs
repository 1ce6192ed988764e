//! Text read by a format: STR_TO_DATE.

use super::date_support::{DAYS, MONTHS};
use super::support::{def, may_be_null};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::ER_WRONG_VALUE_FOR_TYPE;
use aurora_types::temporal::parse::{DateFlags, two_digit_year};
use aurora_types::{Date, DateTime, SqlResult, Time, Value};

pub const FUNCTIONS: &[FunctionDef] = &[def(
    "str_to_date",
    Arity::exactly(2),
    result_type,
    str_to_date,
    "STR_TO_DATE(text, format): the date, time or both that text is by the format.",
)];

const DATE_CODES: &[u8] = b"MVUXYWabcjmvuxyewdD";
const TIME_CODES: &[u8] = b"fHISThiklprs";

/// Date codes make a DATE, time codes a TIME, both a DATETIME; so does a format that is not known.
fn result_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let ty = match args[1].as_literal() {
        Some(Value::Text(format)) => {
            let codes: Vec<u8> =
                format.as_bytes().windows(2).filter(|pair| pair[0] == b'%').map(|pair| pair[1]).collect();
            let dated = codes.iter().any(|code| DATE_CODES.contains(code));
            let timed = codes.iter().any(|code| TIME_CODES.contains(code));
            let digits = if codes.contains(&b'f') { 6 } else { 0 };
            match (dated, timed) {
                (true, true) => typing::datetime(digits),
                (false, true) => typing::time(digits),
                _ => typing::date(),
            }
        }
        _ => typing::datetime(6),
    };
    Ok(may_be_null(ty.into()))
}

fn str_to_date(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.text(0);
    let mut fields = Fields::default();
    let domain = typing::domain(args.result);
    let read =
        fields.read(&text, &args.text(1), 0).and_then(|rest| fields.finish().map(|value| (rest, value)));
    let flags = DateFlags::from_sql_mode(ctx.sql_mode);
    match read {
        Some((rest, (date, time))) if domain == Domain::Time || date.check(flags).is_ok() => {
            if text.get(rest..).is_some_and(|rest| rest.iter().any(|byte| !byte.is_ascii_whitespace())) {
                let kind = match domain {
                    Domain::Time => "time",
                    Domain::Date => "date",
                    _ => "datetime",
                };
                ctx.truncated(kind, &text)?;
            }
            Ok(match domain {
                Domain::Time => Value::Time(time),
                Domain::Date => Value::Date(date),
                _ => DateTime::from_date_and_micros(date, time.micros()).map_or(Value::Null, Value::DateTime),
            })
        }
        _ => {
            let shown = String::from_utf8_lossy(&text);
            ctx.warn_or_fail(ER_WRONG_VALUE_FOR_TYPE, &[&"datetime", &shown, &"str_to_date"])?;
            Ok(Value::Null)
        }
    }
}

/// What a text says, as far as it has been read.
#[derive(Default)]
struct Fields {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    day_of_year: u32,
    /// 1 for Monday to 7 for Sunday.
    weekday: u32,
    week: Option<Week>,
    /// The year of `%X` (weeks from Sunday) or `%x`.
    week_year: Option<(u32, bool)>,
    twelve_hours: bool,
    afternoon: bool,
}

#[derive(Clone, Copy)]
struct Week {
    number: u32,
    from_sunday: bool,
    /// `%V` and `%v`: never 0, and counted in the year of `%X` and `%x`.
    strict: bool,
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// A number of at most `digits` digits at `at`, and where it ends.
fn number(text: &[u8], at: usize, digits: usize) -> Option<(u32, usize)> {
    let found = text[at..].iter().take(digits).take_while(|byte| byte.is_ascii_digit()).count();
    if found == 0 {
        return None;
    }
    let value = text[at..at + found].iter().fold(0u32, |n, byte| n * 10 + u32::from(byte - b'0'));
    Some((value, at + found))
}

/// The name of `names` that the letters at `at` begin, or their first three letters when `short`: its number from 1,
/// and where the letters end.
fn word(text: &[u8], at: usize, names: &[&str], short: bool) -> Option<(u32, usize)> {
    let letters = text[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let given = &text[at..at + letters];
    let begun = |name: &str| {
        let name = if short { &name.as_bytes()[..3] } else { name.as_bytes() };
        name.get(..letters).is_some_and(|start| start.eq_ignore_ascii_case(given))
    };
    let mut found = (1u32..).zip(names).filter(|(_, name)| begun(name));
    let (number, name) = found.next().filter(|_| letters > 0)?;
    // May is a whole name; Ma is none of March and May.
    let exact = name.len() == letters;
    (exact || found.next().is_none()).then_some((number, at + letters))
}

impl Fields {
    /// Reads from `at` on and returns where the format ended; `None` when the text is not of the format.
    fn read(&mut self, text: &[u8], format: &[u8], mut at: usize) -> Option<usize> {
        let mut codes = format.iter().peekable();
        while let Some(byte) = codes.next() {
            at += spaces(&text[at..]);
            if at >= text.len() {
                break;
            }
            match codes.peek() {
                Some(code) if *byte == b'%' => {
                    at = self.read_part(**code, text, at)?;
                    codes.next();
                }
                _ if byte.is_ascii_whitespace() => {}
                _ if text[at] == *byte => at += 1,
                _ => return None,
            }
        }
        Some(at)
    }

    fn read_part(&mut self, code: u8, text: &[u8], at: usize) -> Option<usize> {
        let mut end = at;
        let mut take = |digits| {
            let (value, next) = number(text, at, digits)?;
            end = next;
            Some(value)
        };
        match code {
            b'Y' => {
                self.year = take(4)?;
                if end - at <= 2 {
                    self.year = two_digit_year(self.year);
                }
            }
            b'y' => self.year = two_digit_year(take(2)?),
            b'm' | b'c' => self.month = take(2)?,
            b'd' | b'e' => self.day = take(2)?,
            b'D' => {
                self.day = take(2)?;
                // st, nd, rd, th.
                end = (end + 2).min(text.len());
            }
            b'M' | b'b' => (self.month, end) = word(text, at, &MONTHS, code == b'b')?,
            b'W' | b'a' => (self.weekday, end) = word(text, at, &DAYS, code == b'a')?,
            b'h' | b'I' | b'l' => {
                self.hour = take(2)?;
                self.twelve_hours = true;
            }
            b'k' | b'H' => self.hour = take(2)?,
            b'i' => self.minute = take(2)?,
            b's' | b'S' => self.second = take(2)?,
            b'f' => {
                let value = take(6)?;
                self.micros = value * 10u32.pow(6 - (end - at) as u32);
            }
            b'p' => {
                let half = text.get(at..at + 2)?;
                self.afternoon = half.eq_ignore_ascii_case(b"PM");
                if !self.twelve_hours || !(self.afternoon || half.eq_ignore_ascii_case(b"AM")) {
                    return None;
                }
                end = at + 2;
            }
            b'w' => {
                let day = take(1)?;
                if day > 6 {
                    return None;
                }
                self.weekday = if day == 0 { 7 } else { day };
            }
            b'j' => self.day_of_year = take(3)?,
            b'U' | b'u' | b'V' | b'v' => {
                let (from_sunday, strict) = (matches!(code, b'U' | b'V'), matches!(code, b'V' | b'v'));
                let number = take(2)?;
                if number > 53 || (strict && number == 0) {
                    return None;
                }
                self.week = Some(Week { number, from_sunday, strict });
            }
            b'X' | b'x' => self.week_year = Some((take(4)?, code == b'X')),
            b'r' => end = self.read(text, b"%I:%i:%S %p", at)?,
            b'T' => end = self.read(text, b"%H:%i:%S", at)?,
            b'.' => end += text[at..].iter().take_while(|byte| byte.is_ascii_punctuation()).count(),
            b'@' => end += text[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count(),
            b'#' => end += text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => return None,
        }
        Some(end)
    }

    /// The date and time of the fields; `None` when they are out of their ranges or contradict each other.
    fn finish(&self) -> Option<(Date, Time)> {
        let hour = if self.twelve_hours {
            if !(1..=12).contains(&self.hour) {
                return None;
            }
            self.hour % 12 + if self.afternoon { 12 } else { 0 }
        } else {
            self.hour
        };
        if hour > 23 {
            return None;
        }
        let mut date = Date::new(self.year, self.month, self.day)?;
        if self.day_of_year > 0 {
            date = Date::new(self.year, 1, 1)?.add_days(i64::from(self.day_of_year) - 1)?;
        }
        if let Some(week) = self.week
            && self.weekday > 0
        {
            date = self.date_of_week(week)?;
        }
        Some((date, Time::new(false, hour, self.minute, self.second, self.micros)?))
    }

    fn date_of_week(&self, week: Week) -> Option<Date> {
        let year = match (week.strict, self.week_year) {
            (true, Some((year, from_sunday))) if from_sunday == week.from_sunday => year,
            (false, None) => self.year,
            _ => return None,
        };
        let first = Date::new(year, 1, 1)?;
        let weeks = (i64::from(week.number) - 1) * 7;
        let monday_based = i64::from(first.weekday());
        let offset = if week.from_sunday {
            let start = (monday_based + 1) % 7;
            (if start == 0 { 0 } else { 7 }) - start + i64::from(self.weekday % 7)
        } else {
            (if monday_based <= 3 { 0 } else { 7 }) - monday_based + i64::from(self.weekday) - 1
        };
        Date::from_days(first.to_days() + offset + weeks)
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::oracle::check;

    #[test]
    fn texts_are_read_as_mysql_reads_them() {
        check(include_str!("testdata/date_parse.txt"));
    }
}
