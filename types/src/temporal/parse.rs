//! What MySQL takes for a date or a time: strings with any punctuation, packed digits, numbers.

use super::{Date, DateTime, Time};
use crate::sql_mode::SqlMode;

/// Which unusual dates are let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateFlags {
    /// `0000-00-00` is refused.
    pub no_zero_date: bool,
    /// A zero month or day is refused.
    pub no_zero_in_date: bool,
    /// Days up to 31 are taken in every month.
    pub allow_invalid: bool,
}

impl DateFlags {
    pub fn from_sql_mode(mode: SqlMode) -> DateFlags {
        DateFlags {
            no_zero_date: mode.contains(SqlMode::NO_ZERO_DATE),
            no_zero_in_date: mode.contains(SqlMode::NO_ZERO_IN_DATE),
            allow_invalid: mode.contains(SqlMode::ALLOW_INVALID_DATES),
        }
    }

    /// Only dates of the calendar.
    pub const STRICT: DateFlags =
        DateFlags { no_zero_date: true, no_zero_in_date: true, allow_invalid: false };
}

/// What was noticed while reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeWarnings {
    /// Something behind the value was ignored, or the whole is not a value.
    pub truncated: bool,
    /// A part is out of its range.
    pub out_of_range: bool,
    /// A zero date, or one with a zero part, that the flags refuse.
    pub zero: bool,
}

impl TimeWarnings {
    pub const NONE: TimeWarnings = TimeWarnings { truncated: false, out_of_range: false, zero: false };
    const TRUNCATED: TimeWarnings = TimeWarnings { truncated: true, ..TimeWarnings::NONE };
    const OUT_OF_RANGE: TimeWarnings = TimeWarnings { out_of_range: true, ..TimeWarnings::NONE };
    const ZERO: TimeWarnings = TimeWarnings { zero: true, ..TimeWarnings::NONE };

    pub fn any(self) -> bool {
        self != TimeWarnings::NONE
    }
}

/// A delimiter that MySQL takes but deprecates (4095, 4096).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddDelimiter {
    pub byte: u8,
    pub position: usize,
    /// The one to prefer; `None` when this one is superfluous.
    pub prefer: Option<u8>,
}

/// A value read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    pub value: Option<T>,
    pub warnings: TimeWarnings,
    /// The digit behind the microseconds is 5 or more.
    pub round_up: bool,
    /// Digits of the second that were given, up to 6.
    pub fraction_digits: u8,
    /// Seconds east of UTC of a `+HH:MM` at the end: the value is local time there.
    pub offset_seconds: Option<i32>,
    /// No time of day was given.
    pub date_only: bool,
    /// A TIME was taken out of a full date and time.
    pub from_datetime: bool,
    pub odd_delimiter: Option<OddDelimiter>,
}

impl<T> Parsed<T> {
    fn new(value: Option<T>, warnings: TimeWarnings) -> Parsed<T> {
        Parsed {
            value,
            warnings,
            round_up: false,
            fraction_digits: 0,
            offset_seconds: None,
            date_only: false,
            from_datetime: false,
            odd_delimiter: None,
        }
    }
}

impl Parsed<DateTime> {
    /// Rounded to `fsp` digits; `None` also when rounding leaves year 9999.
    pub fn rounded(&self, fsp: u8, truncate: bool) -> Option<DateTime> {
        let value = self.value?;
        if fsp < 6 || !self.round_up || truncate {
            return value.round(fsp, truncate);
        }
        let micros = value.micros_of_day() + 1;
        if micros < super::MICROS_PER_DAY {
            return DateTime::from_date_and_micros(value.date(), micros);
        }
        value.add(super::Interval::micros(1))
    }
}

impl Parsed<Time> {
    /// Rounded to `fsp` digits.
    pub fn rounded(&self, fsp: u8, truncate: bool) -> Option<Time> {
        let value = self.value?;
        if fsp < 6 || !self.round_up || truncate {
            return Some(value.round(fsp, truncate));
        }
        let away = if value.is_negative() { value.micros() - 1 } else { value.micros() + 1 };
        Some(Time::from_micros(away).unwrap_or(value))
    }
}

impl Date {
    /// Whether the flags let this date through.
    ///
    /// # Errors
    /// The reason why not.
    pub fn check(self, flags: DateFlags) -> Result<(), TimeWarnings> {
        if self.is_zero() {
            return if flags.no_zero_date { Err(TimeWarnings::ZERO) } else { Ok(()) };
        }
        if self.month() == 0 || self.day() == 0 {
            if flags.no_zero_in_date {
                return Err(TimeWarnings::ZERO);
            }
        } else if !flags.allow_invalid && !self.is_real() {
            return Err(TimeWarnings::OUT_OF_RANGE);
        }
        Ok(())
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// Year of two digits: 70–99 are of the 20th century.
pub fn two_digit_year(year: u32) -> u32 {
    if year < 70 { year + 2000 } else { year + 1900 }
}

const YEAR: usize = 0;
const DAY: usize = 2;
const SECOND: usize = 5;
const FRACTION: usize = 6;

/// Reads a date with or without a time: `2020-1-1`, `20200101123000`, `2020.01.01T10+11+12.5`, an offset
/// `+HH:MM` behind the seconds.
pub fn parse_datetime(text: &[u8], flags: DateFlags) -> Parsed<DateTime> {
    let fail = Parsed::new(None, TimeWarnings::TRUNCATED);
    let mut at = text.iter().take_while(|b| is_space(**b)).count();
    let mut odd = (at > 0).then(|| OddDelimiter { byte: text[0], position: 0, prefer: None });
    let digit = |at: usize| text.get(at).copied().filter(u8::is_ascii_digit).map(|b| u32::from(b - b'0'));
    if digit(at).is_none() {
        return fail;
    }
    let run = text[at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'T').count();
    let packed = matches!(text.get(at + run), None | Some(b'.'));
    let mut year_len = if run == 4 || run == 8 || run >= 14 { 4 } else { 2 };
    let mut width = year_len;
    let mut parts = [0u32; 7];
    let mut fraction_digits = 0;
    let mut count = 0;
    let mut last_end = at;
    while count < 7 && digit(at).is_some() {
        let field = count;
        let start = at;
        let fixed = packed || field == FRACTION;
        let max = if field == FRACTION { 6 } else { width };
        while let Some(d) = digit(at) {
            if fixed && at - start >= max {
                break;
            }
            parts[field] = parts[field] * 10 + d;
            if parts[field] > 999_999 {
                return fail;
            }
            at += 1;
        }
        if field == YEAR && !packed {
            year_len = at - start;
        }
        if field == FRACTION {
            fraction_digits = at - start;
        }
        width = 2;
        count += 1;
        last_end = at;
        let Some(&next) = text.get(at) else { break };
        if field == FRACTION {
            break;
        }
        if field == DAY && next == b'T' {
            at += 1;
            continue;
        }
        if field == SECOND {
            if next != b'.' {
                break;
            }
            at += 1;
            last_end = at;
            continue;
        }
        let delimiters = at;
        while let Some(&b) = text.get(at) {
            if is_space(b) {
                if field != DAY {
                    return fail;
                }
            } else if !b.is_ascii_punctuation() {
                break;
            }
            at += 1;
        }
        if at > delimiters && at < text.len() && odd.is_none() {
            let wanted = if field < DAY {
                b'-'
            } else if field == DAY {
                b' '
            } else {
                b':'
            };
            if text[delimiters] != wanted {
                odd =
                    Some(OddDelimiter { byte: text[delimiters], position: delimiters, prefer: Some(wanted) });
            } else if at - delimiters > 1 {
                let position = delimiters + 1;
                odd = Some(OddDelimiter { byte: text[position], position, prefer: None });
            }
        }
        if field == DAY && at == text.len() {
            // Space behind a date alone.
            break;
        }
        last_end = at;
    }
    at = last_end;
    let mut any = parts.iter().any(|p| *p != 0);
    if fraction_digits < 6 {
        parts[FRACTION] *= 10u32.pow(6 - fraction_digits as u32);
    }
    if year_len == 2 && any {
        parts[YEAR] = if parts[YEAR] < 100 { two_digit_year(parts[YEAR]) } else { parts[YEAR] };
    }
    let value = Date::new(parts[0], parts[1], parts[2])
        .filter(|_| count >= 3)
        .and_then(|date| DateTime::new(date, parts[3], parts[4], parts[5], parts[6]));
    let Some(value) = value else {
        any |= text[at..].iter().any(|b| !is_space(*b));
        let warnings = if any { TimeWarnings::TRUNCATED } else { TimeWarnings::ZERO };
        return Parsed { date_only: count <= 3, ..Parsed::new(None, warnings) };
    };
    if let Err(warnings) = value.date().check(flags) {
        // A zero time of day on a zero date is no date at all.
        return Parsed { date_only: count <= 3, ..Parsed::new(None, warnings) };
    }
    let mut parsed = Parsed::new(Some(value), TimeWarnings::NONE);
    parsed.fraction_digits = fraction_digits as u8;
    parsed.date_only = count <= 3;
    if fraction_digits == 6 {
        parsed.round_up = digit(at).is_some_and(|d| d >= 5);
        at += text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    if count > 5 && matches!(text.get(at), Some(b'+' | b'-')) {
        let end = at + text[at..].iter().take_while(|b| !is_space(**b)).count();
        let offset = std::str::from_utf8(&text[at..end])
            .ok()
            .filter(|t| t.len() == 6 && *t != "-00:00")
            .and_then(super::zone::parse_offset);
        if offset.is_none() {
            return fail;
        }
        parsed.offset_seconds = offset;
        at = end;
    }
    if text[at..].iter().any(|b| !is_space(*b)) {
        parsed.warnings = TimeWarnings::TRUNCATED;
    } else if at < text.len() && odd.is_none() {
        odd = Some(OddDelimiter { byte: text[at], position: at, prefer: None });
    }
    parsed.odd_delimiter = odd;
    parsed
}

/// Reads a TIME: `[-][D ]HH[:MM[:SS[.f]]]`, `HHMMSS`, or a full date and time, of which the time is taken.
pub fn parse_time(text: &[u8]) -> Parsed<Time> {
    let fail = Parsed::new(None, TimeWarnings::TRUNCATED);
    let mut at = text.iter().take_while(|b| is_space(**b)).count();
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(negative);
    if at >= text.len() {
        return fail;
    }
    if text.len() - at >= 12
        && let Some(parsed) = time_of_datetime(&text[at..])
    {
        return parsed;
    }
    let start = at;
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let number = |at: &mut usize| {
        let mut value = 0u64;
        while let Some(b) = text.get(*at).filter(|b| b.is_ascii_digit()) {
            value = (value * 10 + u64::from(b - b'0')).min(1 << 40);
            *at += 1;
        }
        value
    };
    let value = number(&mut at);
    let digits_end = at;
    at += text[at..].iter().take_while(|b| is_space(**b)).count();
    // Days, hours, minutes, seconds.
    let mut parts = [0u64; 4];
    let mut field;
    let mut fields = true;
    if at != digits_end && is_digit(at) && text.len() - at > 1 {
        parts[0] = value;
        field = 1;
    } else if text.get(at) == Some(&b':') && is_digit(at + 1) {
        parts[1] = value;
        field = 2;
        at += 1;
    } else {
        at = digits_end;
        parts = [0, value / 10_000, value / 100 % 100, value % 100];
        field = 4;
        fields = false;
    }
    if fields {
        loop {
            parts[field] = number(&mut at);
            field += 1;
            if field == 4 || text.get(at) != Some(&b':') || !is_digit(at + 1) {
                break;
            }
            at += 1;
        }
    }
    let mut parsed = Parsed::new(None, TimeWarnings::NONE);
    let mut micros = 0;
    if text.get(at) == Some(&b'.') && (is_digit(at + 1) || at + 1 == text.len()) {
        at += 1;
        while let Some(b) = text.get(at).filter(|b| b.is_ascii_digit()) {
            if parsed.fraction_digits < 6 {
                micros = micros * 10 + u32::from(b - b'0');
                parsed.fraction_digits += 1;
                if parsed.fraction_digits == 6 {
                    parsed.round_up = text.get(at + 1).is_some_and(|b| (b'5'..=b'9').contains(b));
                }
            }
            at += 1;
        }
        micros *= 10u32.pow(6 - u32::from(parsed.fraction_digits));
    }
    if at == start {
        return fail;
    }
    let (minutes, seconds) = (parts[2], parts[3]);
    if minutes > 59 || seconds > 59 {
        return Parsed::new(None, TimeWarnings::OUT_OF_RANGE);
    }
    let hours = parts[0].saturating_mul(24).saturating_add(parts[1]).min(1 << 30);
    let total = (hours * 3600 + minutes * 60 + seconds) as i64 * 1_000_000 + i64::from(micros);
    let (time, cut) = match Time::from_micros(total) {
        Some(time) if hours < 839 => (time, false),
        _ => (Time::MAX, true),
    };
    parsed.value = Some(if negative { Time(-time.0) } else { time });
    parsed.warnings.out_of_range = cut;
    parsed.warnings.truncated = text[at..].iter().any(|b| !is_space(*b));
    parsed
}

/// The time of a text that is a full date and time: it has a space or `T` behind the date, or 12 and more digits.
fn time_of_datetime(text: &[u8]) -> Option<Parsed<Time>> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits >= 12 && matches!(text.get(digits), None | Some(b'.' | b' '));
    if !whole {
        // `-1 10:11:12` and `10:11:12.1234` are times: a date begins with two numbers joined by punctuation other
        // than a colon, or a colon-joined triple followed by space and digits.
        let gap = text.iter().position(|b| is_space(*b) || *b == b'T')?;
        let delimiters = text[..gap].iter().filter(|b| b.is_ascii_punctuation()).count();
        if delimiters < 2 && digits < 6 {
            return None;
        }
    }
    let parsed = parse_datetime(text, DateFlags::default());
    match parsed.value {
        Some(value) if !parsed.date_only => Some(Parsed {
            value: Some(value.time()),
            warnings: parsed.warnings,
            round_up: parsed.round_up,
            fraction_digits: parsed.fraction_digits,
            offset_seconds: parsed.offset_seconds,
            date_only: false,
            from_datetime: true,
            odd_delimiter: parsed.odd_delimiter,
        }),
        Some(_) => None,
        None => Some(Parsed::new(None, parsed.warnings)),
    }
}

/// Reads a number as MySQL does: `YYMMDD`, `YYYYMMDD`, `YYMMDDHHMMSS`, `YYYYMMDDHHMMSS`; the flag says whether it
/// is a date alone.
///
/// # Errors
/// Why it is none.
pub fn datetime_from_number(number: i64, flags: DateFlags) -> Result<(DateTime, bool), TimeWarnings> {
    const CENTURY_20: i64 = 19_000_000;
    const CENTURY_21: i64 = 20_000_000;
    const TIME: i64 = 1_000_000;
    let date_only = number != 0 && number < 101_000_000;
    let full = match number {
        0 => 0,
        10_000_101_000_000..=99_999_999_999_999 => number,
        101..=691_231 => (number + CENTURY_21) * TIME,
        700_101..=991_231 => (number + CENTURY_20) * TIME,
        10_000_101..=99_991_231 => number * TIME,
        101_000_000..=691_231_235_959 => number + CENTURY_21 * TIME,
        700_101_000_000..=991_231_235_959 => number + CENTURY_20 * TIME,
        100_000_000_000_000.. => return Err(TimeWarnings::OUT_OF_RANGE),
        _ => return Err(TimeWarnings::TRUNCATED),
    };
    let part = |unit: i64| (full / unit % 100) as u32;
    let year = (full / 10_000_000_000) as u32;
    let date = Date::new(year, part(100_000_000), part(1_000_000)).ok_or(TimeWarnings::TRUNCATED)?;
    let value = DateTime::new(date, part(10_000), part(100), part(1), 0).ok_or(TimeWarnings::TRUNCATED)?;
    date.check(flags)?;
    Ok((value, date_only))
}

/// Reads a number as `[-]HHMMSS`, or as a date and time when it is too large for that.
///
/// # Errors
/// Why it is none.
pub fn time_from_number(number: i64) -> Result<Time, TimeWarnings> {
    const MAX: u64 = 8_385_959;
    let magnitude = number.unsigned_abs();
    if magnitude > MAX {
        if number >= 10_000_000_000 {
            let (value, _) = datetime_from_number(number, DateFlags::default())?;
            return Ok(value.time());
        }
        return Err(TimeWarnings::OUT_OF_RANGE);
    }
    let part = |unit: u64| (magnitude / unit % 100) as u32;
    Time::new(number < 0, (magnitude / 10_000) as u32, part(100), part(1), 0)
        .ok_or(TimeWarnings::OUT_OF_RANGE)
}
