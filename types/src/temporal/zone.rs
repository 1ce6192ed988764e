//! Time zones: `SYSTEM`, offsets such as `+02:00`, and named zones from the tz database (bundled).

use super::calendar::UNIX_EPOCH_DAYS;
use super::{DateTime, MICROS_PER_DAY, MICROS_PER_SECOND};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{self, AmbiguousOffset};

/// Unix microseconds of the largest TIMESTAMP, 2038-01-19 03:14:07.999999 UTC.
pub const MAX_TIMESTAMP_MICROS: i64 = ((1 << 31) - 1) * MICROS_PER_SECOND + 999_999;
/// Unix microseconds of the smallest TIMESTAMP, 1970-01-01 00:00:01 UTC.
pub const MIN_TIMESTAMP_MICROS: i64 = MICROS_PER_SECOND;

/// A session's time zone. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeZone {
    name: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Seconds east of UTC.
    Fixed(i32),
    Named(tz::TimeZone),
}

/// Where a local time lies on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    Unix(i64),
    /// The clock skipped this time; the instant of the jump.
    Gap(i64),
}

impl TimeZone {
    /// UTC under the name `+00:00`.
    pub fn utc() -> TimeZone {
        TimeZone { name: "+00:00".into(), rule: Rule::Fixed(0) }
    }

    /// The zone of the machine under the name `SYSTEM`.
    pub fn system() -> TimeZone {
        TimeZone::from_tz("SYSTEM".into(), tz::TimeZone::system())
    }

    fn from_tz(name: String, zone: tz::TimeZone) -> TimeZone {
        let rule = match zone.to_fixed_offset() {
            Ok(offset) => Rule::Fixed(offset.seconds()),
            Err(_) => Rule::Named(zone),
        };
        TimeZone { name, rule }
    }

    /// `SYSTEM`, `[+-]H[H]:MM` from -13:59 to +14:00, or a name of the tz database in any case; `None` for
    /// anything else (MySQL: 1298).
    pub fn parse(text: &str) -> Option<TimeZone> {
        if text.eq_ignore_ascii_case("SYSTEM") {
            return Some(TimeZone::system());
        }
        if let Some(seconds) = parse_offset(text) {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            let name = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            return Some(TimeZone { name, rule: Rule::Fixed(seconds) });
        }
        if text.is_empty() || text.starts_with(['+', '-']) {
            return None;
        }
        let zone = tz::TimeZone::get(text).ok()?;
        // Printed as it was given, as MySQL does.
        Some(TimeZone::from_tz(text.into(), zone))
    }

    /// The name that `@@time_zone` shows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, unix_micros: i64) -> i32 {
        match &self.rule {
            Rule::Fixed(seconds) => *seconds,
            Rule::Named(zone) => {
                Timestamp::from_microsecond(unix_micros).map_or(0, |t| zone.to_offset(t).seconds())
            }
        }
    }

    /// The local time of an instant; `None` outside of years 0 to 9999.
    pub fn local(&self, unix_micros: i64) -> Option<DateTime> {
        let offset = i64::from(self.offset_at(unix_micros)) * MICROS_PER_SECOND;
        from_unix(unix_micros.checked_add(offset)?)
    }

    /// The instant of a local time of the calendar: the earlier one where the clock ran twice.
    pub fn unix_micros(&self, local: DateTime) -> Option<Local> {
        if !local.date().is_real() {
            return None;
        }
        let as_utc = to_unix(local);
        let zone = match &self.rule {
            Rule::Fixed(seconds) => {
                return Some(Local::Unix(as_utc - i64::from(*seconds) * MICROS_PER_SECOND));
            }
            Rule::Named(zone) => zone,
        };
        let civil = civil::DateTime::new(
            i16::try_from(local.year()).ok()?,
            i8::try_from(local.month()).ok()?,
            i8::try_from(local.day()).ok()?,
            i8::try_from(local.hour()).ok()?,
            i8::try_from(local.minute()).ok()?,
            i8::try_from(local.second()).ok()?,
            0,
        )
        .ok()?;
        let at = |offset: tz::Offset| as_utc - i64::from(offset.seconds()) * MICROS_PER_SECOND;
        Some(match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => Local::Unix(at(offset)),
            AmbiguousOffset::Fold { before, .. } => Local::Unix(at(before)),
            AmbiguousOffset::Gap { before, .. } => {
                let inside = at(before);
                let jump = Timestamp::from_microsecond(inside.saturating_add(1))
                    .ok()
                    .and_then(|t| zone.preceding(t).next())
                    .map_or(inside, |transition| transition.timestamp().as_microsecond());
                Local::Gap(jump)
            }
        })
    }

    /// A TIMESTAMP as stored (UTC) seen in this zone. The zero value stays.
    pub fn datetime_from_utc(&self, utc: DateTime) -> DateTime {
        if utc.is_zero() || self.rule == Rule::Fixed(0) {
            return utc;
        }
        self.local(to_unix(utc)).unwrap_or(utc)
    }

    /// A TIMESTAMP of this zone as stored (UTC); a time in a gap becomes the instant of the jump. The zero value
    /// stays, and `None` is a time out of TIMESTAMP's range.
    pub fn datetime_to_utc(&self, local: DateTime) -> Option<DateTime> {
        if local.is_zero() {
            return Some(local);
        }
        let (Local::Unix(unix) | Local::Gap(unix)) = self.unix_micros(local)?;
        if !(MIN_TIMESTAMP_MICROS..=MAX_TIMESTAMP_MICROS).contains(&unix) {
            return None;
        }
        from_unix(unix)
    }
}

/// Unix microseconds of a date and time read as UTC.
pub fn to_unix(utc: DateTime) -> i64 {
    utc.to_linear_micros() - UNIX_EPOCH_DAYS * MICROS_PER_DAY
}

/// UTC of an instant; `None` outside of years 0 to 9999.
pub fn from_unix(unix_micros: i64) -> Option<DateTime> {
    DateTime::from_linear_micros(unix_micros.checked_add(UNIX_EPOCH_DAYS * MICROS_PER_DAY)?)
}

/// Seconds of `[+-]H[H]:MM`, -13:59 to +14:00.
pub fn parse_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |part: &str| {
        ((1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i32>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = sign * (hours * 3600 + minutes * 60);
    (minutes < 60 && (-(13 * 3600 + 59 * 60)..=14 * 3600).contains(&seconds)).then_some(seconds)
}
