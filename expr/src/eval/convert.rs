//! Conversions that expressions need of a value: to a number, text or time, with MySQL's warnings.

use crate::context::EvalCtx;
use aurora_types::error::{ER_TRUNCATED_WRONG_VALUE, ER_WRONG_VALUE, ErrorKind};
use aurora_types::temporal::parse::{self, DateFlags};
use aurora_types::temporal::taken::{self, NumberParts};
use aurora_types::{
    BaseType, Date, DateTime, Decimal, Level, SqlError, SqlResult, SqlType, Text, Time, Value, ValueRef,
    display, number,
};
use std::borrow::Cow;

/// The value as text, borrowed when it is one.
pub(crate) fn text_operand<'a>(value: ValueRef<'a>, ty: &SqlType) -> Cow<'a, [u8]> {
    match value {
        ValueRef::Text(text) | ValueRef::Json(text) => Cow::Borrowed(text),
        other => {
            let mut out = Vec::with_capacity(24);
            display::write_plain(other, ty, &mut out);
            Cow::Owned(out)
        }
    }
}

impl EvalCtx<'_> {
    /// 1292 as a warning, or as an error in strict statements that change data.
    pub fn truncated(&mut self, kind: &str, text: &[u8]) -> SqlResult<()> {
        let shown = String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned();
        if self.strict_dml && self.sql_mode.is_strict() {
            return Err(SqlError::new(ER_TRUNCATED_WRONG_VALUE, &[&kind, &shown]));
        }
        self.diagnostics.warn(ER_TRUNCATED_WRONG_VALUE, &[&kind, &shown]);
        Ok(())
    }

    /// A text that is no date or time at all: 1292 as [`EvalCtx::truncated`] raises it, in other words for dates.
    fn incorrect(&mut self, kind: &str, text: &[u8]) -> SqlResult<()> {
        if kind == "time" {
            return self.truncated(kind, text);
        }
        let shown = String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned();
        let SqlError { message, .. } = SqlError::new(ER_WRONG_VALUE, &[&kind, &shown]);
        let code = ER_TRUNCATED_WRONG_VALUE.code;
        if self.strict_dml && self.sql_mode.is_strict() {
            return Err(SqlError { code, sqlstate: ER_TRUNCATED_WRONG_VALUE.sqlstate, message });
        }
        self.diagnostics.push(Level::Warning, code, message);
        Ok(())
    }

    /// A warning, or the error in strict statements that change data.
    pub(crate) fn warn_or_fail(
        &mut self,
        kind: &'static ErrorKind,
        args: &[&dyn std::fmt::Display],
    ) -> SqlResult<()> {
        if self.strict_dml && self.sql_mode.is_strict() {
            return Err(SqlError::new(kind, args));
        }
        self.diagnostics.warn(kind, args);
        Ok(())
    }

    /// The nearest integer of any sign within 65 bits.
    pub fn to_i128(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<i128> {
        Ok(match value {
            ValueRef::Int(v) => i128::from(v),
            ValueRef::UInt(v) => i128::from(v),
            ValueRef::Double(v) => v.round_ties_even().clamp(i64::MIN as f64, u64::MAX as f64) as i128,
            ValueRef::Decimal(v) if v.is_negative() => i128::from(v.to_i64().0),
            ValueRef::Decimal(v) => i128::from(v.to_u64().0),
            ValueRef::Text(text) => match ty.member_number(text) {
                Some(v) => i128::from(v),
                None => {
                    let parsed = number::parse_integer(text);
                    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
                    if !number::only_space(rest) || parsed.consumed == 0 {
                        self.truncated("INTEGER", text)?;
                    }
                    parsed.value.clamp(i128::from(i64::MIN), i128::from(u64::MAX))
                }
            },
            ValueRef::Json(text) => self.json_to_i128(text)?,
            ValueRef::Date(v) => i128::from(v.to_number()),
            ValueRef::Time(v) => i128::from(v.round(0, false).to_number()),
            ValueRef::DateTime(v) => i128::from(v.round(0, false).unwrap_or(v).to_number()),
            ValueRef::Null => 0,
        })
    }

    /// As BIGINT; beyond the range it saturates, unsigned values above it wrap as MySQL's do.
    pub fn to_i64(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<i64> {
        let wide = self.to_i128(value, ty)?;
        Ok(i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX }))
    }

    /// As BIGINT UNSIGNED: negative values wrap.
    pub fn to_u64(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<u64> {
        Ok(self.to_i128(value, ty)? as u64)
    }

    pub fn to_f64(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<f64> {
        Ok(match value {
            ValueRef::Int(v) => v as f64,
            ValueRef::UInt(v) => v as f64,
            ValueRef::Double(v) => v,
            ValueRef::Decimal(v) => v.to_f64(),
            ValueRef::Text(text) => match ty.member_number(text) {
                Some(v) => v as f64,
                None => {
                    let parsed = number::parse_double(text);
                    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
                    // Text without anything in it is 0 without a warning, here only.
                    if !number::only_space(rest) || parsed.overflow {
                        self.truncated("DOUBLE", text)?;
                    }
                    parsed.value
                }
            },
            ValueRef::Json(text) => self.json_to_f64(text)?,
            ValueRef::Date(v) => v.to_number() as f64,
            ValueRef::Time(v) => {
                let fraction = f64::from(v.subsec_micros()) / 1e6;
                v.to_number() as f64 + if v.is_negative() { -fraction } else { fraction }
            }
            ValueRef::DateTime(v) => v.to_number() as f64 + f64::from(v.subsec_micros()) / 1e6,
            ValueRef::Null => 0.0,
        })
    }

    pub fn to_decimal(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<Decimal> {
        Ok(match value {
            ValueRef::Int(v) => Decimal::from_i64(v),
            ValueRef::UInt(v) => Decimal::from_u64(v),
            ValueRef::Double(v) => Decimal::from_f64(v).0,
            ValueRef::Decimal(v) => v,
            ValueRef::Text(text) => match ty.member_number(text) {
                Some(v) => Decimal::from_u64(v),
                None => {
                    let parsed = Decimal::parse(text);
                    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
                    if !number::only_space(rest) || parsed.consumed == 0 {
                        self.truncated("DECIMAL", text)?;
                    }
                    parsed.value
                }
            },
            ValueRef::Json(text) => self.json_to_decimal(text)?,
            ValueRef::Date(v) => Decimal::from_u64(v.to_number()),
            ValueRef::Time(v) => v.to_decimal(ty.decimals),
            ValueRef::DateTime(v) => v.to_decimal(ty.decimals),
            ValueRef::Null => Decimal::ZERO,
        })
    }

    /// The value's text.
    pub fn to_text(&mut self, value: ValueRef<'_>, ty: &SqlType) -> Text {
        match value {
            ValueRef::Text(text) | ValueRef::Json(text) => Text::from(text),
            other => Text::from(&*text_operand(other, ty)),
        }
    }

    /// Appends the value's text.
    pub fn append_text(&mut self, value: ValueRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
        display::write_plain(value, ty, out);
    }

    /// As a date and time; `None` (with a warning) when it is none, or a zero date that the sql_mode refuses.
    pub fn to_datetime(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<Option<DateTime>> {
        let flags = DateFlags::from_sql_mode(self.sql_mode);
        self.datetime_with(value, ty, flags)
    }

    /// As [`EvalCtx::to_datetime`], zero dates and zero parts let through.
    pub fn to_datetime_fuzzy(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<Option<DateTime>> {
        let allow_invalid = self.sql_mode.contains(aurora_types::SqlMode::ALLOW_INVALID_DATES);
        self.datetime_with(value, ty, DateFlags { allow_invalid, ..DateFlags::default() })
    }

    /// As [`EvalCtx::to_datetime`], with other flags than the mode's.
    pub(crate) fn datetime_with(
        &mut self,
        value: ValueRef<'_>,
        ty: &SqlType,
        flags: DateFlags,
    ) -> SqlResult<Option<DateTime>> {
        let checked = |v: DateTime| v.date().check(flags).is_ok();
        match value {
            ValueRef::Null => Ok(None),
            ValueRef::DateTime(v) if checked(v) => Ok(Some(v)),
            ValueRef::Date(v) if v.check(flags).is_ok() => Ok(Some(v.at_midnight())),
            ValueRef::Time(v) => {
                let today = self.now().date().at_midnight();
                Ok(today.add(aurora_types::Interval::micros(v.micros())))
            }
            ValueRef::DateTime(_) | ValueRef::Date(_) => {
                let text = text_operand(value, ty).into_owned();
                let kind = if matches!(value, ValueRef::Date(_)) { "date" } else { "datetime" };
                self.truncated(kind, &text)?;
                Ok(None)
            }
            ValueRef::Text(text) if !matches!(ty.base, BaseType::Bit) => {
                let parsed = parse::parse_datetime(text, flags);
                let kind = if parsed.date_only { "date" } else { "datetime" };
                match parsed.rounded(6, false) {
                    Some(v) => {
                        if parsed.warnings.any() {
                            self.truncated(kind, text)?;
                        }
                        taken::warn_odd_delimiter(
                            parsed.odd_delimiter,
                            text,
                            self.row_number,
                            self.diagnostics,
                        );
                        Ok(Some(taken::at_offset(v, parsed.offset_seconds, self.session.time_zone())))
                    }
                    None => {
                        if parsed.warnings.zero {
                            self.truncated(kind, text)?;
                        } else {
                            self.incorrect("datetime", text)?;
                        }
                        Ok(None)
                    }
                }
            }
            ValueRef::Json(text) => {
                let inner = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
                self.datetime_with(ValueRef::Text(inner), &plain_text(), flags)
            }
            other => {
                let parts = NumberParts::of(self.to_decimal(other, ty)?);
                match parts.datetime(flags) {
                    Ok(v) => Ok(Some(v)),
                    Err(_) => {
                        let text = text_operand(other, ty).into_owned();
                        self.incorrect("datetime", &text)?;
                        Ok(None)
                    }
                }
            }
        }
    }

    pub fn to_date(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<Option<Date>> {
        match value {
            ValueRef::Date(v) => {
                let flags = DateFlags::from_sql_mode(self.sql_mode);
                if v.check(flags).is_ok() {
                    Ok(Some(v))
                } else {
                    Ok(self.to_datetime(value, ty)?.map(DateTime::date))
                }
            }
            ValueRef::Time(time) => Ok(self.day_of_time(time)),
            _ => Ok(self.to_datetime(value, ty)?.map(DateTime::date)),
        }
    }

    /// The date that a time alone stands for: today, or where it is not within a day, that of so much from now.
    pub(crate) fn day_of_time(&self, time: Time) -> Option<Date> {
        const DAY_MICROS: i64 = 86_400_000_000;
        let now = self.now().round(0, true)?;
        if (0..DAY_MICROS).contains(&time.micros()) {
            return Some(now.date());
        }
        now.add(aurora_types::Interval::micros(time.micros())).map(DateTime::date)
    }

    pub fn to_time(&mut self, value: ValueRef<'_>, ty: &SqlType) -> SqlResult<Option<Time>> {
        match value {
            ValueRef::Null => Ok(None),
            ValueRef::Time(v) => Ok(Some(v)),
            ValueRef::DateTime(v) => Ok(Some(v.time())),
            ValueRef::Date(_) => Ok(Some(Time::ZERO)),
            ValueRef::Text(text) if !matches!(ty.base, BaseType::Bit) => {
                let parsed = parse::parse_time(text);
                match parsed.rounded(6, false) {
                    Some(v) => {
                        if parsed.warnings.any() {
                            self.truncated("time", text)?;
                        }
                        Ok(Some(v))
                    }
                    None => {
                        self.incorrect("time", text)?;
                        Ok(None)
                    }
                }
            }
            ValueRef::Json(text) => {
                let inner = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
                self.to_time(ValueRef::Text(inner), &plain_text())
            }
            other => {
                let parts = NumberParts::of(self.to_decimal(other, ty)?);
                match parts.time() {
                    Ok(v) if !parts.cut => Ok(v),
                    _ => {
                        let text = text_operand(other, ty).into_owned();
                        self.incorrect("time", &text)?;
                        Ok(None)
                    }
                }
            }
        }
    }

    /// The value as one of a type's own form, for results that must be of their type (CASE branches).
    pub fn to_domain(&mut self, value: &Value, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
        crate::eval::cast::to_type(value.as_ref(), from, to, self)
    }
}

pub(crate) fn plain_text() -> SqlType {
    crate::typing::text(0, aurora_types::CollationId::UTF8MB4_BIN)
}
