//! What expressions and columns share when they take a value for a date or time. Each says in its own words what was
//! wrong with it.

use super::parse::{self, DateFlags, OddDelimiter, TimeWarnings};
use super::zone::{self, TimeZone};
use super::{DateTime, Interval, Time};
use crate::error::{ER_WARN_DEPRECATED_DATETIME_DELIMITER, ER_WARN_DEPRECATED_SUPERFLUOUS_DELIMITER};
use crate::{Decimal, Diagnostics};

/// 4095 or 4096 for a delimiter that is taken but deprecated.
pub fn warn_odd_delimiter(odd: Option<OddDelimiter>, text: &[u8], row: u64, diagnostics: &mut Diagnostics) {
    let Some(odd) = odd else { return };
    let shown = String::from_utf8_lossy(text);
    let (byte, at) = (char::from(odd.byte), odd.position);
    match odd.prefer {
        Some(better) => diagnostics
            .warn(ER_WARN_DEPRECATED_DATETIME_DELIMITER, &[&byte, &at, &shown, &row, &char::from(better)]),
        None => diagnostics.warn(ER_WARN_DEPRECATED_SUPERFLUOUS_DELIMITER, &[&byte, &at, &shown, &row]),
    }
}

/// A value with `+HH:MM` is local time there: seen in `zone`.
pub fn at_offset(value: DateTime, offset_seconds: Option<i32>, zone: &TimeZone) -> DateTime {
    let Some(offset) = offset_seconds else { return value };
    zone.local(zone::to_unix(value) - i64::from(offset) * 1_000_000).unwrap_or(value)
}

/// A number that is taken apart into the digits of a date or time, and a fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberParts {
    pub whole: i64,
    /// The whole part did not fit.
    pub cut: bool,
    /// With the number's sign.
    pub micros: i64,
}

impl NumberParts {
    pub fn of(number: Decimal) -> NumberParts {
        let whole = number.truncate(0);
        let micros = number.sub(&whole).map_or(0, |fraction| (fraction.to_f64() * 1e6).round() as i64);
        let (whole, cut) = whole.to_i64();
        NumberParts { whole, cut, micros }
    }

    /// `YYYYMMDD[hhmmss]` with two or four digits of a year.
    ///
    /// # Errors
    /// What is wrong with a number that is no date.
    pub fn datetime(self, flags: DateFlags) -> Result<DateTime, TimeWarnings> {
        if self.cut || self.whole < 0 {
            return Err(TimeWarnings { out_of_range: true, ..TimeWarnings::NONE });
        }
        let (read, _) = parse::datetime_from_number(self.whole, flags)?;
        Ok(read.add(Interval::micros(self.micros.abs())).unwrap_or(read))
    }

    /// `hhmmss`; `None`: the fraction leads beyond the range.
    ///
    /// # Errors
    /// What is wrong with a number that is no time.
    pub fn time(self) -> Result<Option<Time>, TimeWarnings> {
        let read = parse::time_from_number(self.whole)?;
        Ok(Time::from_micros(read.micros() + self.micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &[u8]) -> NumberParts {
        NumberParts::of(Decimal::parse(text).value)
    }

    #[test]
    fn numbers_are_taken_apart() {
        assert_eq!(parts(b"-1.25"), NumberParts { whole: -1, cut: false, micros: -250_000 });
        assert!(parts(b"99999999999999999999").cut);
        let noon = parts(b"20200102120000.5").datetime(DateFlags::default());
        let day = super::super::Date::new(2020, 1, 2).unwrap();
        assert_eq!(noon, Ok(DateTime::new(day, 12, 0, 0, 500_000).unwrap()));
        assert!(parts(b"-20200102").datetime(DateFlags::default()).unwrap_err().out_of_range);
        assert_eq!(parts(b"-10.5").time(), Ok(Time::from_micros(-10_500_000)));
    }
}
