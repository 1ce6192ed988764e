//! Adding to dates and the distance between them.

use super::calendar::days_in_month;
use super::{Date, DateTime, MICROS_PER_DAY, Time};

/// An amount of time: calendar months, and days and smaller in microseconds. Years and quarters are months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub months: i64,
    pub days: i64,
    pub micros: i64,
}

impl Interval {
    pub fn months(months: i64) -> Interval {
        Interval { months, ..Interval::default() }
    }

    pub fn days(days: i64) -> Interval {
        Interval { days, ..Interval::default() }
    }

    pub fn micros(micros: i64) -> Interval {
        Interval { micros, ..Interval::default() }
    }

    /// `None` when a part cannot be negated.
    pub fn negated(self) -> Option<Interval> {
        Some(Interval {
            months: self.months.checked_neg()?,
            days: self.days.checked_neg()?,
            micros: self.micros.checked_neg()?,
        })
    }
}

impl Date {
    /// Adds months, cutting the day to the month's last; `None` outside of years 0 to 9999.
    pub fn add_months(self, months: i64) -> Option<Date> {
        if months == 0 {
            return Some(self);
        }
        let total = (i64::from(self.year()) * 12 + i64::from(self.month()) - 1).checked_add(months)?;
        let year = u32::try_from(total.div_euclid(12)).ok()?;
        let month = total.rem_euclid(12) as u32 + 1;
        Date::new(year, month, self.day().min(days_in_month(year, month)))
    }

    /// Adds days; `None` when the result is before day 1 or after 9999-12-31.
    pub fn add_days(self, days: i64) -> Option<Date> {
        if days == 0 { Some(self) } else { Date::from_days(self.to_days().checked_add(days)?) }
    }
}

impl DateTime {
    /// Months first, then the rest; `None` outside of years 0 to 9999.
    #[allow(clippy::should_implement_trait)] // It can fail.
    pub fn add(self, interval: Interval) -> Option<DateTime> {
        let date = self.date().add_months(interval.months)?;
        if interval.days == 0 && interval.micros == 0 {
            return DateTime::from_date_and_micros(date, self.micros_of_day());
        }
        let micros = self.micros_of_day().checked_add(interval.micros)?;
        let days =
            date.to_days().checked_add(interval.days)?.checked_add(micros.div_euclid(MICROS_PER_DAY))?;
        DateTime::from_date_and_micros(Date::from_days(days)?, micros.rem_euclid(MICROS_PER_DAY))
    }

    /// Whole months from `earlier` to `self`, towards zero, as `TIMESTAMPDIFF(MONTH, …)` counts them.
    pub fn months_since(self, earlier: DateTime) -> i64 {
        let (first, last, sign) = if earlier <= self { (earlier, self, 1) } else { (self, earlier, -1) };
        let index = |d: DateTime| i64::from(d.year()) * 12 + i64::from(d.month());
        let mut months = index(last) - index(first);
        if (last.day(), last.micros_of_day()) < (first.day(), first.micros_of_day()) {
            months -= 1;
        }
        sign * months
    }

    /// Microseconds from `earlier` to `self`.
    pub fn micros_since(self, earlier: DateTime) -> i64 {
        self.to_linear_micros() - earlier.to_linear_micros()
    }
}

impl Time {
    /// Adds; `None` on 64-bit overflow. The sum may lie beyond TIME's range: the caller saturates.
    pub fn checked_add_micros(self, micros: i64) -> Option<i64> {
        self.0.checked_add(micros)
    }
}
