//! Columns that hold numbers.

use super::{Target, json_inner};
use crate::decimal::{Fit, ParseStatus};
use crate::error::{ER_DATA_TOO_LONG, ER_INVALID_JSON_VALUE_FOR_CAST, ER_WARN_DATA_OUT_OF_RANGE};
use crate::number::{self, round_double};
use crate::sql_type::NOT_FIXED_DECIMALS;
use crate::{BaseType, Decimal, SqlError, SqlResult, SqlType, Text, Value, ValueRef};

/// Least and largest of an integer type.
pub(crate) fn integer_range(ty: &SqlType) -> (i128, i128) {
    let bits = match ty.base {
        BaseType::TinyInt => 8,
        BaseType::SmallInt => 16,
        BaseType::MediumInt => 24,
        BaseType::Int => 32,
        _ => 64,
    };
    if ty.unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) }
}

/// A text read as a number: the number, and whether all of it was one.
struct Read<T> {
    value: T,
    found: bool,
    complete: bool,
}

fn read_decimal(text: &[u8]) -> (Read<Decimal>, ParseStatus) {
    let parsed = Decimal::parse(text);
    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
    let found = parsed.consumed > 0;
    (Read { value: parsed.value, found, complete: found && number::only_space(rest) }, parsed.status)
}

impl Target<'_, '_> {
    pub(super) fn integer(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let (low, high) = integer_range(self.to);
        let (wide, read) = self.read_integer(value, from, low)?;
        let cut = wide.clamp(low, high);
        if cut != wide {
            self.out_of_range()?;
        } else if let (Some(read), ValueRef::Text(text)) = (read, value) {
            self.integer_text(&read, text)?;
        }
        Ok(if self.to.unsigned { Value::UInt(cut as u64) } else { Value::Int(cut as i64) })
    }

    fn integer_text(&mut self, read: &Read<Decimal>, text: &[u8]) -> SqlResult<()> {
        if !read.found {
            self.incorrect("integer", text)
        } else if !read.complete {
            self.truncated()
        } else {
            Ok(())
        }
    }

    /// The value rounded to an integer as its own type rounds; what was read when it is text.
    fn read_integer(
        &mut self,
        value: ValueRef<'_>,
        from: &SqlType,
        low: i128,
    ) -> SqlResult<(i128, Option<Read<Decimal>>)> {
        let exact = |v: Decimal| {
            v.round(0).unscaled_i128().unwrap_or(if v.is_negative() { i128::MIN } else { i128::MAX })
        };
        Ok(match value {
            ValueRef::Null => (0, None),
            ValueRef::Int(v) => (i128::from(v), None),
            ValueRef::UInt(v) => (i128::from(v), None),
            // Beyond 2^63 doubles have no fraction, and the cast saturates.
            ValueRef::Double(v) => (v.round_ties_even() as i128, None),
            // A negative fraction is out of an unsigned column's range although it rounds to zero.
            ValueRef::Decimal(v) if low == 0 && v.is_negative() => (exact(v).min(-1), None),
            ValueRef::Decimal(v) => (exact(v), None),
            ValueRef::Date(v) => (i128::from(v.to_number()), None),
            ValueRef::Time(v) => (i128::from(v.round(0, false).to_number()), None),
            ValueRef::DateTime(v) => (i128::from(v.round(0, false).unwrap_or(v).to_number()), None),
            ValueRef::Json(json) => ((self.json_number(json, "INTEGER")?).round_ties_even() as i128, None),
            ValueRef::Text(text) => match from.member_number(text) {
                Some(number) => (i128::from(number), None),
                None => {
                    let (read, status) = read_decimal(text);
                    let overflow = status == ParseStatus::Overflow;
                    let wide = match (overflow, read.value.is_negative()) {
                        (true, false) => i128::MAX,
                        (true, true) => i128::MIN,
                        _ => exact(read.value),
                    };
                    (wide, Some(read))
                }
            },
        })
    }

    fn json_number(&self, json: &[u8], kind: &str) -> SqlResult<f64> {
        match json {
            b"true" => return Ok(1.0),
            b"false" => return Ok(0.0),
            _ => {}
        }
        let inner = json_inner(json);
        let parsed = number::parse_double(inner);
        if parsed.consumed == 0 || parsed.consumed < inner.len() {
            return Err(SqlError::new(ER_INVALID_JSON_VALUE_FOR_CAST, &[&kind, &self.column, &self.row]));
        }
        Ok(parsed.value)
    }

    pub(super) fn year(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let (number, read) = match value {
            ValueRef::Date(v) => (i128::from(v.year()), None),
            ValueRef::DateTime(v) => (i128::from(v.year()), None),
            ValueRef::Time(_) => (i128::from(self.ctx.now.year()), None),
            ValueRef::Double(v) => (v as i128, None),
            other => self.read_integer(other, from, 0)?,
        };
        let year = match number {
            // `'0'` is the year 2000, the number 0 and `'0000'` are the zero year.
            0 => match (&read, value) {
                (Some(read), ValueRef::Text(text)) if read.found && text.len() != 4 => 2000,
                _ => 0,
            },
            1..=69 => number as u64 + 2000,
            70..=99 => number as u64 + 1900,
            1901..=2155 => number as u64,
            _ => {
                self.out_of_range()?;
                return Ok(Value::UInt(0));
            }
        };
        if let (Some(read), ValueRef::Text(text)) = (read, value) {
            self.integer_text(&read, text)?;
        }
        Ok(Value::UInt(year))
    }

    pub(super) fn bit(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let bits = self.to.length.clamp(1, 64);
        let number = match value {
            ValueRef::Text(text) if !matches!(from.base, BaseType::Enum(_) | BaseType::Set(_)) => {
                let first = text.iter().position(|byte| *byte != 0).unwrap_or(text.len());
                let digits = &text[first..];
                (digits.len() <= 8).then(|| digits.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte)))
            }
            ValueRef::Double(v) if v < 0.0 => Some(v as i64 as u64),
            ValueRef::Double(v) => Some(v as u64),
            ValueRef::Decimal(v) if v.is_negative() => {
                self.out_of_range()?;
                Some(0)
            }
            other => {
                let (wide, _) = self.read_integer(other, from, i128::MIN)?;
                u64::try_from(wide).or_else(|_| i64::try_from(wide).map(|v| v as u64)).ok()
            }
        };
        let most = u64::MAX >> (64 - bits);
        let stored = match number {
            Some(number) if number <= most => number,
            _ => {
                self.problem(if self.ctx.sql_mode.is_strict() {
                    ER_DATA_TOO_LONG
                } else {
                    ER_WARN_DATA_OUT_OF_RANGE
                })?;
                most
            }
        };
        let bytes = stored.to_be_bytes();
        Ok(Value::Text(Text::from(&bytes[8 - bits.div_ceil(8) as usize..])))
    }

    pub(super) fn double(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let single = self.to.base == BaseType::Float;
        let kind = if single { "FLOAT" } else { "DOUBLE" };
        let exact = match value {
            ValueRef::Double(v) => v,
            ValueRef::Json(json) => self.json_number(json, kind)?,
            ValueRef::Text(text) => match from.member_number(text) {
                Some(number) => number as f64,
                None => {
                    let parsed = number::parse_double(text);
                    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
                    if parsed.consumed == 0 || !number::only_space(rest) {
                        self.incorrect(kind, text)?;
                    } else if parsed.overflow {
                        self.out_of_range()?;
                    }
                    parsed.value
                }
            },
            other => self.to_decimal(other, from).to_f64(),
        };
        let mut most = if single { f64::from(f32::MAX) } else { f64::MAX };
        let mut stored = exact;
        if stored.is_nan() || (self.to.unsigned && stored < 0.0) {
            self.out_of_range()?;
            stored = 0.0;
        }
        if self.to.decimals < NOT_FIXED_DECIMALS {
            let scale = i32::from(self.to.decimals);
            let step = 10f64.powi(self.to.length.min(255) as i32 - scale);
            most = most.min(step - 10f64.powi(-scale));
            stored = round_double(stored, i64::from(scale), false);
        }
        if stored.abs() > most {
            self.out_of_range()?;
            stored = most.copysign(stored);
        }
        // Minus zero is not kept: it equals zero, but the bytes of its key would not.
        Ok(Value::Double(if single { f64::from(stored as f32) } else { stored } + 0.0))
    }

    /// Numbers and temporal values, exactly; text and JSON have their own ways.
    fn to_decimal(&self, value: ValueRef<'_>, from: &SqlType) -> Decimal {
        match value {
            ValueRef::Int(v) => Decimal::from_i64(v),
            ValueRef::UInt(v) => Decimal::from_u64(v),
            ValueRef::Double(v) => Decimal::from_f64(v).0,
            ValueRef::Decimal(v) => v,
            ValueRef::Date(v) => Decimal::from_u64(v.to_number()),
            ValueRef::Time(v) => v.to_decimal(from.decimals),
            ValueRef::DateTime(v) => v.to_decimal(from.decimals),
            ValueRef::Text(text) | ValueRef::Json(text) => Decimal::parse(text).value,
            ValueRef::Null => Decimal::ZERO,
        }
    }

    pub(super) fn decimal(&mut self, value: ValueRef<'_>, from: &SqlType) -> SqlResult<Value> {
        let mut rounded = false;
        let mut overflow = false;
        let exact = match value {
            ValueRef::Double(v) => {
                let (exact, status) = Decimal::from_f64(v);
                overflow = status == ParseStatus::Overflow;
                exact
            }
            ValueRef::Json(json) => Decimal::from_f64(self.json_number(json, "DECIMAL")?).0,
            ValueRef::Text(text) => match from.member_number(text) {
                Some(number) => Decimal::from_u64(number),
                None => {
                    let (read, status) = read_decimal(text);
                    overflow = status == ParseStatus::Overflow;
                    rounded = !read.complete || status == ParseStatus::Rounded;
                    if !read.found || (self.is_strict() && (overflow || !read.complete)) {
                        self.incorrect("decimal", text)?;
                        rounded = false;
                    }
                    read.value
                }
            },
            other => self.to_decimal(other, from),
        };
        let (precision, scale) = (self.to.length.min(65) as u8, self.to.decimals);
        if self.to.unsigned && exact.is_negative() {
            self.out_of_range()?;
            return Ok(Value::Decimal(Decimal::ZERO));
        }
        let (fitted, fit) = exact.fit(precision, scale);
        if overflow || fit == Fit::Overflow {
            self.out_of_range()?;
        } else if rounded || fit == Fit::Rounded {
            self.note_truncated();
        }
        Ok(Value::Decimal(fitted))
    }
}

/// Text of a double for a column of `width` characters: rounded where that makes it fit; too long where nothing
/// does.
pub(super) fn double_text_within(v: f64, width: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(24);
    number::write_double_within(v, width.min(number::DOUBLE_TEXT_WIDTH), &mut text);
    if text.len() <= width {
        return text;
    }
    let sign = usize::from(v < 0.0);
    let plain = format!("{v:.0}");
    let whole = plain.len();
    let shortened = if whole <= width && v.abs() >= 1.0 {
        trim_zeros(&format!("{v:.*}", width.saturating_sub(whole + 1)))
    } else {
        // One digit, the point, and the exponent that the shortest form has.
        let exponent = format!("{v:e}").split_once('e').map_or(0, |(_, digits)| digits.len()) + 1;
        let digits = width.saturating_sub(sign + 2 + exponent);
        let text = format!("{v:.digits$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{exponent}", trim_zeros(mantissa))
    };
    if shortened.len() <= width { shortened.into_bytes() } else { text }
}

fn trim_zeros(number: &str) -> String {
    if !number.contains('.') {
        return number.to_owned();
    }
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}
