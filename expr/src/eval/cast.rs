//! CAST and CONVERT.

use crate::context::EvalCtx;
use crate::eval::convert::text_operand;
use crate::expr::CastTarget;
use crate::typing::{self, Domain};
use aurora_types::decimal::Fit;
use aurora_types::error::ER_WARN_DATA_OUT_OF_RANGE;
use aurora_types::{BaseType, SqlMode, SqlResult, SqlType, Text, Value, ValueRef};

/// The value (not NULL) as `ty`.
pub(super) fn cast(
    value: ValueRef<'_>,
    from: &SqlType,
    target: CastTarget,
    ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    match target {
        CastTarget::Signed => Ok(match value {
            ValueRef::UInt(v) => Value::Int(v as i64),
            ValueRef::Decimal(v) => {
                let (whole, cut) = v.to_i64();
                if cut {
                    ctx.truncated("DECIMAL", v.to_string().as_bytes())?;
                }
                Value::Int(whole)
            }
            ValueRef::Text(text) if is_plain(from) => Value::Int(text_to_integer(text, false, ctx)? as i64),
            ValueRef::Double(v) => Value::Int(v.round_ties_even() as i64),
            other => {
                let wide = ctx.to_i128(other, from)?;
                Value::Int(if wide > i128::from(i64::MAX) { wide as u64 as i64 } else { wide as i64 })
            }
        }),
        CastTarget::Unsigned => Ok(match value {
            ValueRef::Decimal(v) => {
                let (whole, cut) = if v.is_negative() {
                    let (whole, cut) = v.to_i64();
                    (whole as u64, cut)
                } else {
                    v.to_u64()
                };
                if cut || v.is_negative() {
                    ctx.truncated("DECIMAL", v.to_string().as_bytes())?;
                    if v.is_negative() {
                        return Ok(Value::UInt(0));
                    }
                }
                Value::UInt(whole)
            }
            ValueRef::Text(text) if is_plain(from) => Value::UInt(text_to_integer(text, true, ctx)? as u64),
            ValueRef::Double(v) if v < 0.0 => Value::UInt(v.round_ties_even() as i64 as u64),
            ValueRef::Double(v) => Value::UInt(v.round_ties_even() as u64),
            other => Value::UInt(ctx.to_u64(other, from)?),
        }),
        CastTarget::Decimal | CastTarget::Scale => {
            let exact = ctx.to_decimal(value, from)?;
            let (fitted, fit) = exact.fit(ty.length.min(65) as u8, ty.decimals);
            if fit == Fit::Overflow {
                ctx.diagnostics.warn(ER_WARN_DATA_OUT_OF_RANGE, &[&"", &ctx_row(ctx.row_number)]);
            }
            Ok(Value::Decimal(fitted))
        }
        CastTarget::Double => Ok(Value::Double(ctx.to_f64(value, from)?)),
        CastTarget::Float => Ok(Value::Double(f64::from(ctx.to_f64(value, from)? as f32))),
        CastTarget::Year => year(value, from, ctx),
        CastTarget::Date => Ok(ctx.to_date(value, from)?.map_or(Value::Null, Value::Date)),
        CastTarget::Time => {
            let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
            Ok(ctx
                .to_time(value, from)?
                .map_or(Value::Null, |v| Value::Time(v.round(ty.decimals.min(6), truncate))))
        }
        CastTarget::DateTime => {
            let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
            let read = ctx.to_datetime(value, from)?;
            Ok(read.and_then(|v| v.round(ty.decimals.min(6), truncate)).map_or(Value::Null, Value::DateTime))
        }
        CastTarget::Char { limited } => {
            let text = match value {
                // Bytes become characters of the target's set.
                ValueRef::Text(bytes) if from.collation.is_binary() && typing::is_string(from) => {
                    match ty.collation.charset().decode(bytes) {
                        Ok(text) => text,
                        Err(_) => {
                            let shown: String = bytes.iter().take(6).map(|b| format!("\\x{b:02X}")).collect();
                            return Err(aurora_types::SqlError::new(
                                aurora_types::error::ER_CANNOT_CONVERT_STRING,
                                &[&shown, &"binary", &ty.collation.charset().name()],
                            ));
                        }
                    }
                }
                other => text_operand(other, from),
            };
            if !limited {
                return Ok(Value::Text(Text::from(&*text)));
            }
            let cut = ty.collation.prefix(&text, ty.length as usize);
            if cut.len() < text.len() {
                ctx.truncated(&format!("CHAR({})", ty.length), &text)?;
            }
            Ok(Value::Text(Text::from(cut)))
        }
        CastTarget::Binary { limited } => {
            let text = text_operand(value, from);
            // Characters become the bytes of their own character set.
            let bytes = if typing::is_character(from) {
                from.collation.charset().encode_lossy(&text).into_owned()
            } else {
                text.into_owned()
            };
            if !limited {
                return Ok(Value::Text(Text::from(bytes)));
            }
            let length = ty.length as usize;
            let mut bytes = bytes;
            if bytes.len() > length {
                ctx.truncated(&format!("BINARY({length})"), &bytes)?;
            }
            bytes.resize(length, 0);
            Ok(Value::Text(Text::from(bytes)))
        }
        CastTarget::Json => crate::functions::to_json(value, from, ctx),
    }
}

fn ctx_row(row: u64) -> u64 {
    row
}

fn is_plain(ty: &SqlType) -> bool {
    !matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_) | BaseType::Bit)
}

fn text_to_integer(text: &[u8], unsigned: bool, ctx: &mut EvalCtx<'_>) -> SqlResult<i128> {
    let parsed = aurora_types::number::parse_integer(text);
    let rest = text.get(parsed.consumed..).unwrap_or(&[]);
    let (low, high) = (i128::from(i64::MIN), i128::from(u64::MAX));
    let clipped = parsed.value.clamp(low, high);
    let mut warn = parsed.consumed == 0 || !aurora_types::number::only_space(rest) || clipped != parsed.value;
    if !unsigned && clipped > i128::from(i64::MAX) {
        warn = true;
    }
    if warn {
        ctx.truncated("INTEGER", text)?;
    }
    Ok(clipped)
}

fn year(value: ValueRef<'_>, from: &SqlType, ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    let number = match value {
        ValueRef::Date(v) => i128::from(v.year()),
        ValueRef::DateTime(v) => i128::from(v.year()),
        ValueRef::Time(_) => i128::from(ctx.now().year()),
        other => ctx.to_i128(other, from)?,
    };
    let text_zero = matches!(value, ValueRef::Text(_)) && number == 0;
    Ok(match number {
        0 if text_zero => Value::UInt(2000),
        0 => Value::UInt(0),
        1..=69 => Value::UInt(number as u64 + 2000),
        70..=99 => Value::UInt(number as u64 + 1900),
        1901..=2155 => Value::UInt(number as u64),
        _ => {
            ctx.truncated("YEAR", &text_operand(value, from))?;
            Value::Null
        }
    })
}

/// Brings a value into the form that values of type `to` have, without cutting text.
pub(crate) fn to_type(
    value: ValueRef<'_>,
    from: &SqlType,
    to: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let target = match typing::domain(to) {
        Domain::Null => return Ok(value.to_owned()),
        Domain::Int if to.unsigned => CastTarget::Unsigned,
        Domain::Int => CastTarget::Signed,
        Domain::Decimal => CastTarget::Decimal,
        Domain::Double => CastTarget::Double,
        Domain::Date => CastTarget::Date,
        Domain::Time => CastTarget::Time,
        Domain::DateTime => CastTarget::DateTime,
        Domain::Json => CastTarget::Json,
        Domain::Text | Domain::Geometry if typing::domain(from) == Domain::Text => {
            return Ok(value.to_owned());
        }
        Domain::Text | Domain::Geometry => CastTarget::Char { limited: false },
    };
    cast(value, from, target, to, ctx)
}
