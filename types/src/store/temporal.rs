//! Columns that hold dates and times.

use super::{Target, json_inner, text_of};
use crate::error::{
    ER_DATETIME_FUNCTION_OVERFLOW, ER_TRUNCATED_WRONG_VALUE, ER_WARN_DATA_OUT_OF_RANGE,
    ER_WARN_INVALID_TIMESTAMP, ErrorKind, WARN_DATA_TRUNCATED,
};
use crate::temporal::parse::{self, DateFlags, TimeWarnings};
use crate::temporal::taken::{self, NumberParts};
use crate::temporal::zone::Local;
use crate::{
    BaseType, DateTime, Decimal, Interval, SqlError, SqlMode, SqlResult, SqlType, Time, Value, ValueRef,
};

impl Target<'_, '_> {
    fn temporal_kind(&self) -> &'static str {
        match self.to.base {
            BaseType::Date => "date",
            BaseType::Time => "time",
            _ => "datetime",
        }
    }

    fn truncates(&self) -> bool {
        self.ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL)
    }

    fn date_flags(&self) -> DateFlags {
        let flags = DateFlags::from_sql_mode(self.ctx.sql_mode);
        if self.to.base == BaseType::Timestamp {
            // There is no instant to keep for a date that the calendar does not have.
            return DateFlags { no_zero_in_date: true, allow_invalid: false, ..flags };
        }
        flags
    }

    /// 1292 with the value in strict mode, else a warning `kind` about the column.
    fn bad_time(&mut self, kind: &'static ErrorKind, value: ValueRef<'_>, from: &SqlType) -> SqlResult<()> {
        if self.is_strict() {
            return Err(self.wrong_time(value, from));
        }
        self.problem(kind)
    }

    fn wrong_time(&self, value: ValueRef<'_>, from: &SqlType) -> SqlError {
        let shown = text_of(value, from);
        let error = self.incorrect_error(self.temporal_kind(), &shown);
        SqlError { code: ER_TRUNCATED_WRONG_VALUE.code, sqlstate: ER_TRUNCATED_WRONG_VALUE.sqlstate, ..error }
    }

    fn report(&mut self, noticed: TimeWarnings, value: ValueRef<'_>, from: &SqlType) -> SqlResult<()> {
        let kind = if noticed.out_of_range || noticed.zero {
            ER_WARN_DATA_OUT_OF_RANGE
        } else if noticed.truncated {
            WARN_DATA_TRUNCATED
        } else {
            return Ok(());
        };
        self.bad_time(kind, value, from)
    }

    /// A part that the column has no place for was dropped.
    fn note_part_lost(&mut self, value: ValueRef<'_>, from: &SqlType) {
        if self.is_strict() {
            let error = self.wrong_time(value, from);
            self.diagnostics.push(crate::Level::Note, error.code, error.message);
        } else {
            self.note_truncated();
        }
    }

    /// The value as date and time rounded to `fsp` digits; `None` when it is none (reported already).
    fn read_datetime(&mut self, value: ValueRef<'_>, from: &SqlType, fsp: u8) -> SqlResult<Option<DateTime>> {
        let flags = self.date_flags();
        let truncate = self.truncates();
        let read = match value {
            ValueRef::Json(json) => {
                return self.read_datetime(ValueRef::Text(json_inner(json)), from, fsp);
            }
            ValueRef::Date(v) => v.check(flags).map(|()| v.at_midnight()),
            ValueRef::DateTime(v) => v.date().check(flags).map(|()| v),
            ValueRef::Time(v) => Ok(self
                .ctx
                .now
                .date()
                .at_midnight()
                .add(Interval::micros(v.micros()))
                .unwrap_or(self.ctx.now)),
            ValueRef::Text(text) if from.base != BaseType::Bit => {
                let parsed = parse::parse_datetime(text, flags);
                if parsed.value.is_none() {
                    self.report(parsed.warnings, value, from)?;
                    return Ok(None);
                }
                taken::warn_odd_delimiter(parsed.odd_delimiter, text, self.row, self.diagnostics);
                self.report(parsed.warnings, value, from)?;
                let Some(rounded) = parsed.rounded(fsp, truncate) else {
                    return self.overflow(value, from);
                };
                return Ok(Some(taken::at_offset(rounded, parsed.offset_seconds, self.ctx.time_zone)));
            }
            other => {
                let parts = number_parts(other, from);
                if parts.whole == 0 && parts.micros != 0 {
                    Err(TimeWarnings { truncated: true, ..TimeWarnings::NONE })
                } else {
                    parts.datetime(flags)
                }
            }
        };
        match read {
            Err(noticed) => {
                self.report(noticed, value, from)?;
                Ok(None)
            }
            Ok(exact) => match exact.round(fsp, truncate) {
                Some(rounded) => Ok(Some(rounded)),
                None => self.overflow(value, from),
            },
        }
    }

    /// Rounding went past the year 9999, or would have to advance a date that has no next.
    fn overflow(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Option<DateTime>> {
        self.refuse(SqlError::new(ER_DATETIME_FUNCTION_OVERFLOW, &[&"datetime"]))?;
        self.bad_time(ER_WARN_DATA_OUT_OF_RANGE, value, from)?;
        Ok(None)
    }

    pub(super) fn date(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let Some(read) = self.read_datetime(value, from, 0)? else {
            return Ok(Value::Date(crate::Date::ZERO));
        };
        let timeless = matches!(value, ValueRef::Date(_) | ValueRef::DateTime(_));
        if !timeless && read.time() != Time::ZERO {
            self.note_part_lost(value, from);
        }
        Ok(Value::Date(read.date()))
    }

    pub(super) fn datetime(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let fsp = self.to.decimals.min(6);
        let Some(read) = self.read_datetime(value, from, fsp)? else {
            return Ok(Value::DateTime(DateTime::ZERO));
        };
        if self.to.base == BaseType::DateTime || read.is_zero() {
            return Ok(Value::DateTime(read));
        }
        let local = match self.ctx.time_zone.unix_micros(read) {
            Some(Local::Gap(instant)) => {
                self.bad_time(ER_WARN_INVALID_TIMESTAMP, value, from)?;
                self.ctx.time_zone.local(instant).unwrap_or(read)
            }
            _ => read,
        };
        if self.ctx.time_zone.datetime_to_utc(local).is_none() {
            self.bad_time(ER_WARN_DATA_OUT_OF_RANGE, value, from)?;
            return Ok(Value::DateTime(DateTime::ZERO));
        }
        Ok(Value::DateTime(local))
    }

    pub(super) fn time(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let (fsp, truncate) = (self.to.decimals.min(6), self.truncates());
        let exact = match value {
            ValueRef::Json(json) => return self.time(ValueRef::Text(json_inner(json)), from),
            ValueRef::Time(v) => v,
            ValueRef::DateTime(v) => v.time(),
            ValueRef::Date(_) => Time::ZERO,
            // The empty text is midnight without a word.
            ValueRef::Text(b"") => Time::ZERO,
            ValueRef::Text(text) if from.base != BaseType::Bit => {
                let parsed = parse::parse_time(text);
                self.report(parsed.warnings, value, from)?;
                taken::warn_odd_delimiter(parsed.odd_delimiter, text, self.row, self.diagnostics);
                if parsed.from_datetime && parsed.value.is_some() && !parsed.warnings.any() {
                    self.note_part_lost(value, from);
                }
                let rounded = parsed.rounded(fsp, truncate).unwrap_or(Time::ZERO);
                if let Some(exact) = parsed.value
                    && !parsed.warnings.out_of_range
                {
                    self.check_rounding(exact, value, from)?;
                }
                return Ok(Value::Time(rounded));
            }
            other => {
                let parts = number_parts(other, from);
                match parts.time() {
                    Ok(Some(v)) => v,
                    Ok(None) => most(parts.whole),
                    Err(noticed) => {
                        self.report(noticed, value, from)?;
                        // Too many hours are cut, minutes beyond 59 are no time at all.
                        let far = parts.whole.unsigned_abs() > 8_385_959;
                        if far { most(parts.whole) } else { Time::ZERO }
                    }
                }
            }
        };
        self.check_rounding(exact, value, from)?;
        Ok(Value::Time(exact.round(fsp, truncate)))
    }

    /// Rounding that reaches the hour 839 is cut to the range.
    fn check_rounding(&mut self, exact: Time, value: ValueRef<'_>, from: &SqlType) -> SqlResult<()> {
        const LIMIT: u64 = 839 * 3600 * 1_000_000;
        let half = 10u64.pow(u32::from(6 - self.to.decimals.min(6))) / 2;
        if !self.truncates() && exact.micros().unsigned_abs() + half >= LIMIT {
            self.bad_time(ER_WARN_DATA_OUT_OF_RANGE, value, from)?;
        }
        Ok(())
    }
}

/// The end of the range of times on a number's side.
fn most(whole: i64) -> Time {
    Time::saturating_from_micros(if whole < 0 { i64::MIN } else { i64::MAX }).0
}

fn number_parts(value: ValueRef<'_>, from: &SqlType) -> NumberParts {
    NumberParts::of(match value {
        ValueRef::Int(v) => return NumberParts { whole: v, cut: false, micros: 0 },
        ValueRef::UInt(v) => Decimal::from_u64(v),
        ValueRef::Double(v) => Decimal::from_f64(v).0,
        ValueRef::Decimal(v) => v,
        ValueRef::Text(text) => Decimal::from_u64(from.member_number(text).unwrap_or(0)),
        _ => Decimal::ZERO,
    })
}
