//! Days, weekdays and weeks. The calendar is Gregorian back to year 0, which MySQL counts as a common year.

use super::Date;

/// Day number of 1970-01-01.
pub const UNIX_EPOCH_DAYS: i64 = 719_528;

const DAYS_BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

pub fn is_leap_year(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || (year.is_multiple_of(400) && year != 0))
}

pub fn days_in_year(year: u32) -> u32 {
    if is_leap_year(year) { 366 } else { 365 }
}

/// 0 for a month that is not 1 to 12.
pub fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap_year(year)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// How weeks are counted: MySQL's mode argument of `WEEK()`, 0 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekMode {
    pub monday_first: bool,
    /// Weeks at the edges belong to the other year (1–53) rather than being week 0.
    pub week_year: bool,
    /// Week 1 is the first with at least four days in the year rather than the first that begins in it.
    pub four_days: bool,
}

impl WeekMode {
    pub fn from_number(mode: i64) -> WeekMode {
        let monday_first = mode & 1 != 0;
        WeekMode { monday_first, week_year: mode & 2 != 0, four_days: (mode & 4 != 0) != monday_first }
    }
}

impl Date {
    /// MySQL's `TO_DAYS`: 1 for 0000-01-01. Zero months and days count as the arithmetic gives them.
    pub fn to_days(self) -> i64 {
        let (year, month, day) = (self.year(), self.month(), self.day());
        if year == 0 && month == 0 {
            return 0;
        }
        let mut days = days_before_year(year) + i64::from(day);
        match month {
            // A zero month lies 31 days before January.
            0 => days -= 31,
            _ => {
                days += DAYS_BEFORE_MONTH[(month as usize - 1).min(11)];
                days += i64::from(month > 2 && is_leap_year(year));
            }
        }
        days
    }

    /// The date of a day number from 1 (0000-01-01) to 3652424 (9999-12-31).
    pub fn from_days(days: i64) -> Option<Date> {
        if !(1..=3_652_424).contains(&days) {
            return None;
        }
        let mut year = ((days - 1) / 366) as u32;
        while days_before_year(year + 1) < days {
            // The guess is at most 7 years low after 9999 years.
            year += 1;
        }
        let mut rest = (days - days_before_year(year)) as u32;
        let mut month = 1;
        while rest > days_in_month(year, month) {
            rest -= days_in_month(year, month);
            month += 1;
        }
        Date::new(year, month, rest)
    }

    /// 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> u32 {
        (self.to_days() + 5).rem_euclid(7) as u32
    }

    /// 1 for January 1st.
    pub fn day_of_year(self) -> u32 {
        (self.to_days() - days_before_year(self.year())) as u32
    }

    pub fn last_day_of_month(self) -> Option<Date> {
        Date::new(self.year(), self.month(), days_in_month(self.year(), self.month()))
    }

    /// Year and week number under a mode.
    pub fn week(self, mode: WeekMode) -> (u32, u32) {
        let (year, days) = (self.year(), self.to_days());
        let start = week_one(year, mode);
        let nth = |start: i64| ((days - start) / 7 + 1) as u32;
        if days < start {
            if mode.week_year && year > 0 { (year - 1, nth(week_one(year - 1, mode))) } else { (year, 0) }
        } else if mode.week_year && days >= week_one(year + 1, mode) {
            (year + 1, 1)
        } else {
            (year, nth(start))
        }
    }
}

/// Day number of the first day of week 1.
fn week_one(year: u32, mode: WeekMode) -> i64 {
    let first = days_before_year(year) + 1;
    // Days since the week's first day: Monday is weekday 0.
    let offset = (first + if mode.monday_first { 5 } else { 6 }).rem_euclid(7);
    if offset == 0 || (mode.four_days && offset <= 3) { first - offset } else { first + 7 - offset }
}

fn days_before_year(year: u32) -> i64 {
    let year = i64::from(year);
    let past = (year - 1).max(0);
    365 * year + past / 4 - past / 100 + past / 400
}
