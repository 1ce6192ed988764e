//! Dates and times, packed so that integer order is time order, zero dates included.
//!
//! [`calendar`] counts days and weeks, [`parse`] reads what MySQL takes for a date, [`interval`] adds and
//! subtracts, [`zone`] knows time zones, [`taken`] is about values that are taken for times, [`format`] writes.

pub mod calendar;
pub mod format;
pub mod interval;
pub mod parse;
pub mod taken;
pub mod zone;

pub use interval::Interval;
pub use parse::{DateFlags, Parsed, TimeWarnings};
pub use zone::TimeZone;

use crate::Decimal;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A calendar date, `0000-00-00` and zero months or days included. Packed: year·512 + month·32 + day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub(crate) u32);

/// A signed duration of at most 838:59:59.999999, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub(crate) i64);

/// A date with a time of day to the microsecond, zero dates included.
/// Packed: ((year·13 + month)·32 + day) << 37 | hour << 32 | minute << 26 | second << 20 | microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub(crate) u64);

impl Date {
    /// `0000-00-00`.
    pub const ZERO: Date = Date(0);

    /// `None` when a part is above 9999, 12 or 31. Whether the day exists in its month is another question:
    /// [`Date::is_real`], [`Date::check`].
    #[inline]
    pub fn new(year: u32, month: u32, day: u32) -> Option<Date> {
        (year <= 9999 && month <= 12 && day <= 31).then_some(Date(year << 9 | month << 5 | day))
    }

    pub fn year(self) -> u32 {
        self.0 >> 9
    }

    pub fn month(self) -> u32 {
        self.0 >> 5 & 15
    }

    pub fn day(self) -> u32 {
        self.0 & 31
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// A day of the calendar: month and day not zero and within the month.
    pub fn is_real(self) -> bool {
        self.month() != 0
            && self.day() != 0
            && self.day() <= calendar::days_in_month(self.year(), self.month())
    }

    /// The packed number: order is time order.
    pub fn packed(self) -> u32 {
        self.0
    }

    /// The date of a packed number, if it is one.
    #[inline]
    pub fn from_packed(packed: u32) -> Option<Date> {
        Date::new(packed >> 9, packed >> 5 & 15, packed & 31)
    }

    /// `YYYYMMDD`.
    pub fn to_number(self) -> u64 {
        u64::from(self.year() * 10_000 + self.month() * 100 + self.day())
    }

    pub fn at_midnight(self) -> DateTime {
        DateTime::pack(self, 0, 0, 0, 0)
    }
}

impl Time {
    pub const ZERO: Time = Time(0);
    /// `838:59:59.000000`, what MySQL saturates at.
    pub const MAX: Time = Time((838 * 3600 + 59 * 60 + 59) * MICROS_PER_SECOND);

    /// `None` beyond ±838:59:59.999999.
    pub fn from_micros(micros: i64) -> Option<Time> {
        (micros.unsigned_abs() < (Time::MAX.0 + MICROS_PER_SECOND) as u64).then_some(Time(micros))
    }

    /// `None` when minutes, seconds or microseconds are not below 60, 60 and 1,000,000 or the whole is beyond the
    /// range.
    pub fn new(negative: bool, hours: u32, minutes: u32, seconds: u32, micros: u32) -> Option<Time> {
        if minutes >= 60 || seconds >= 60 || micros >= 1_000_000 {
            return None;
        }
        let whole = (i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds))
            * MICROS_PER_SECOND
            + i64::from(micros);
        Time::from_micros(if negative { -whole } else { whole })
    }

    /// Cut to ±838:59:59; `true` when it had to be.
    pub fn saturating_from_micros(micros: i64) -> (Time, bool) {
        if micros > Time::MAX.0 {
            (Time::MAX, true)
        } else if micros < -Time::MAX.0 {
            (Time(-Time::MAX.0), true)
        } else {
            (Time(micros), false)
        }
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Hours of the absolute value, up to 838.
    pub fn hours(self) -> u32 {
        (self.0.unsigned_abs() / (3600 * MICROS_PER_SECOND as u64)) as u32
    }

    pub fn minutes(self) -> u32 {
        (self.0.unsigned_abs() / (60 * MICROS_PER_SECOND as u64) % 60) as u32
    }

    pub fn seconds(self) -> u32 {
        (self.0.unsigned_abs() / MICROS_PER_SECOND as u64 % 60) as u32
    }

    /// Microseconds of the second.
    pub fn subsec_micros(self) -> u32 {
        (self.0.unsigned_abs() % MICROS_PER_SECOND as u64) as u32
    }

    /// `HHMMSS` with its sign, the fraction cut.
    pub fn to_number(self) -> i64 {
        let n = i64::from(self.hours()) * 10_000 + i64::from(self.minutes() * 100 + self.seconds());
        if self.is_negative() { -n } else { n }
    }

    /// `HHMMSS.ffffff`, rounded to `fsp` digits of the fraction.
    pub fn to_decimal(self, fsp: u8) -> Decimal {
        let whole =
            i128::from(self.to_number().unsigned_abs()) * 1_000_000 + i128::from(self.subsec_micros());
        with_micros(if self.is_negative() { -whole } else { whole }, fsp)
    }

    /// Rounds to `fsp` digits of the second, half up by magnitude, or cuts; saturates at [`Time::MAX`].
    pub fn round(self, fsp: u8, truncate: bool) -> Time {
        let magnitude = round_micros(self.0.unsigned_abs(), fsp, truncate);
        let signed = if self.0 < 0 { -(magnitude as i64) } else { magnitude as i64 };
        Time::from_micros(signed).unwrap_or_else(|| Time::saturating_from_micros(signed).0)
    }
}

impl DateTime {
    /// `0000-00-00 00:00:00`.
    pub const ZERO: DateTime = DateTime(0);

    fn pack(date: Date, hour: u32, minute: u32, second: u32, micros: u32) -> DateTime {
        let days = u64::from((date.year() * 13 + date.month()) * 32 + date.day());
        DateTime(
            days << 37
                | u64::from(hour) << 32
                | u64::from(minute) << 26
                | u64::from(second) << 20
                | u64::from(micros),
        )
    }

    /// `None` when a part of the time is not below 24, 60, 60 and 1,000,000.
    pub fn new(date: Date, hour: u32, minute: u32, second: u32, micros: u32) -> Option<DateTime> {
        (hour < 24 && minute < 60 && second < 60 && micros < 1_000_000)
            .then(|| DateTime::pack(date, hour, minute, second, micros))
    }

    pub fn date(self) -> Date {
        let days = (self.0 >> 37) as u32;
        let months = days >> 5;
        Date((months / 13) << 9 | (months % 13) << 5 | days & 31)
    }

    pub fn year(self) -> u32 {
        (self.0 >> 42) as u32 / 13
    }

    pub fn month(self) -> u32 {
        (self.0 >> 42) as u32 % 13
    }

    pub fn day(self) -> u32 {
        (self.0 >> 37) as u32 & 31
    }

    pub fn hour(self) -> u32 {
        (self.0 >> 32) as u32 & 31
    }

    pub fn minute(self) -> u32 {
        (self.0 >> 26) as u32 & 63
    }

    pub fn second(self) -> u32 {
        (self.0 >> 20) as u32 & 63
    }

    /// Microseconds of the second.
    pub fn subsec_micros(self) -> u32 {
        self.0 as u32 & 0xF_FFFF
    }

    /// The time of day.
    pub fn time(self) -> Time {
        Time(self.micros_of_day())
    }

    pub(crate) fn micros_of_day(self) -> i64 {
        i64::from(self.hour() * 3600 + self.minute() * 60 + self.second()) * MICROS_PER_SECOND
            + i64::from(self.subsec_micros())
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The packed number: order is time order.
    pub fn packed(self) -> u64 {
        self.0
    }

    /// The date and time of a packed number, if it is one.
    pub fn from_packed(packed: u64) -> Option<DateTime> {
        let raw = DateTime(packed);
        let date = Date::new(raw.year(), raw.month(), raw.day())?;
        DateTime::new(date, raw.hour(), raw.minute(), raw.second(), raw.subsec_micros())
    }

    /// `YYYYMMDDHHMMSS`, the fraction cut.
    pub fn to_number(self) -> u64 {
        self.date().to_number() * 1_000_000
            + u64::from(self.hour() * 10_000 + self.minute() * 100 + self.second())
    }

    /// `YYYYMMDDHHMMSS.ffffff`, rounded to `fsp` digits of the fraction.
    pub fn to_decimal(self, fsp: u8) -> Decimal {
        with_micros(i128::from(self.to_number()) * 1_000_000 + i128::from(self.subsec_micros()), fsp)
    }

    /// Microseconds since day 0 of MySQL's `TO_DAYS`; only meaningful for real dates.
    pub fn to_linear_micros(self) -> i64 {
        self.date().to_days() * MICROS_PER_DAY + self.micros_of_day()
    }

    /// The inverse of [`DateTime::to_linear_micros`]; `None` outside of years 0 to 9999.
    pub fn from_linear_micros(micros: i64) -> Option<DateTime> {
        let date = Date::from_days(micros.div_euclid(MICROS_PER_DAY))?;
        DateTime::from_date_and_micros(date, micros.rem_euclid(MICROS_PER_DAY))
    }

    /// `micros` of the day are below 24 hours.
    pub fn from_date_and_micros(date: Date, micros: i64) -> Option<DateTime> {
        let (seconds, micros) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
        let part = |v: i64| u32::try_from(v).ok();
        DateTime::new(
            date,
            part(seconds / 3600)?,
            part(seconds / 60 % 60)?,
            part(seconds % 60)?,
            part(micros)?,
        )
    }

    /// Rounds to `fsp` digits of the second (half up) or cuts; `None` past the year 9999 or when a date that is
    /// not of the calendar would have to advance.
    pub fn round(self, fsp: u8, truncate: bool) -> Option<DateTime> {
        let micros = round_micros(self.micros_of_day() as u64, fsp, truncate) as i64;
        if micros < MICROS_PER_DAY {
            return DateTime::from_date_and_micros(self.date(), micros);
        }
        let next = if self.date().is_real() { Date::from_days(self.date().to_days() + 1) } else { None };
        Some(next?.at_midnight())
    }
}

fn with_micros(micros: i128, fsp: u8) -> Decimal {
    Decimal::from_parts(micros, 6).unwrap_or(Decimal::ZERO).round(i32::from(fsp.min(6)))
}

fn round_micros(micros: u64, fsp: u8, truncate: bool) -> u64 {
    let unit = match fsp {
        0 => 1_000_000,
        1 => 100_000,
        2 => 10_000,
        3 => 1_000,
        4 => 100,
        5 => 10,
        _ => return micros,
    };
    let up = if truncate { 0 } else { unit / 2 };
    (micros + up) / unit * unit
}

#[cfg(test)]
mod tests;
