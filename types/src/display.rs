//! A value as the text protocol sends it. On the path of every row to the client: writes into the output, no
//! allocation of its own.

use crate::number::{write_double, write_fixed, write_float, write_i64, write_u64};
use crate::sql_type::NOT_FIXED_DECIMALS;
use crate::{BaseType, SqlType, ValueRef};

/// Appends `value` as its type prints. NULL has no text: nothing is appended, and the caller sends its mark.
pub fn write_text(value: ValueRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => {}
        ValueRef::Int(v) => {
            if ty.base == BaseType::Year && v == 0 {
                out.extend_from_slice(b"0000");
            } else {
                zero_fill(ty, out, |out| write_i64(v, out));
            }
        }
        ValueRef::UInt(v) => {
            if ty.base == BaseType::Year && v == 0 {
                out.extend_from_slice(b"0000");
            } else {
                zero_fill(ty, out, |out| write_u64(v, out));
            }
        }
        ValueRef::Double(v) => zero_fill(ty, out, |out| {
            let declared = matches!(ty.base, BaseType::Float | BaseType::Double);
            if declared && ty.decimals < NOT_FIXED_DECIMALS {
                write_fixed(v, ty.decimals, out);
            } else if ty.base == BaseType::Float {
                write_float(v, out);
            } else {
                write_double(v, out);
            }
        }),
        ValueRef::Decimal(v) => zero_fill(ty, out, |out| {
            let wanted = ty.decimals;
            if ty.base == BaseType::Decimal && v.scale() != wanted {
                v.rescale(wanted).unwrap_or(v).write(out);
            } else {
                v.write(out);
            }
        }),
        ValueRef::Text(bytes) | ValueRef::Json(bytes) => out.extend_from_slice(bytes),
        ValueRef::Date(v) => v.write(out),
        ValueRef::Time(v) => v.write(fractional_digits(ty), out),
        ValueRef::DateTime(v) => {
            if ty.base == BaseType::Date {
                v.date().write(out);
            } else {
                v.write(fractional_digits(ty), out);
            }
        }
    }
}

/// Appends the value's text by its own form where its type says another: a DOUBLE beside integers (a CASE of both)
/// prints as a DOUBLE does, a time keeps its fraction.
pub fn write_plain(value: ValueRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    match value {
        ValueRef::Double(v) if !matches!(ty.base, BaseType::Double | BaseType::Float) => write_double(v, out),
        ValueRef::DateTime(v)
            if !matches!(ty.base, BaseType::DateTime | BaseType::Timestamp | BaseType::Date) =>
        {
            v.write(if v.subsec_micros() == 0 { 0 } else { 6 }, out);
        }
        ValueRef::Time(v) if ty.base != BaseType::Time => {
            v.write(if v.subsec_micros() == 0 { 0 } else { 6 }, out);
        }
        _ => write_text(value, ty, out),
    }
}

/// Digits of the second that a temporal type shows.
pub fn fractional_digits(ty: &SqlType) -> u8 {
    ty.decimals.min(6)
}

fn zero_fill(ty: &SqlType, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if !ty.zerofill {
        return write(out);
    }
    let start = out.len();
    write(out);
    let have = out.len() - start;
    // DECIMAL's length counts digits only; its text has a point as well.
    let width = ty.length as usize + usize::from(ty.base == BaseType::Decimal && ty.decimals > 0);
    if have < width.min(255) {
        let missing = width.min(255) - have;
        out.splice(start..start, std::iter::repeat_n(b'0', missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Date, DateTime, Decimal, Time};

    fn show(value: ValueRef<'_>, edit: impl FnOnce(&mut SqlType), base: BaseType, length: u32) -> String {
        let mut ty = SqlType::new(base, length);
        edit(&mut ty);
        let mut out = Vec::new();
        write_text(value, &ty, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn types_decide_the_text() {
        let plain = |_: &mut SqlType| {};
        let zero = |ty: &mut SqlType| ty.zerofill = true;
        assert_eq!(show(ValueRef::UInt(42), zero, BaseType::Int, 5), "00042");
        assert_eq!(show(ValueRef::Int(-42), plain, BaseType::Int, 11), "-42");
        assert_eq!(show(ValueRef::UInt(0), plain, BaseType::Year, 4), "0000");
        assert_eq!(show(ValueRef::Double(1.5), |ty| ty.decimals = 2, BaseType::Double, 5), "1.50");
        assert_eq!(show(ValueRef::Double(1.5), |ty| ty.decimals = 31, BaseType::Double, 22), "1.5");
        assert_eq!(
            show(ValueRef::Double(16777216.0), |ty| ty.decimals = 31, BaseType::Float, 12),
            "16777200"
        );
        let third = Decimal::parse(b"0.333333333").value;
        assert_eq!(show(ValueRef::Decimal(third), |ty| ty.decimals = 4, BaseType::Decimal, 5), "0.3333");
        let time = Time::new(true, 100, 1, 2, 500_000).unwrap();
        assert_eq!(show(ValueRef::Time(time), |ty| ty.decimals = 3, BaseType::Time, 14), "-100:01:02.500");
        let when = DateTime::new(Date::new(2020, 1, 2).unwrap(), 3, 4, 5, 60).unwrap();
        assert_eq!(
            show(ValueRef::DateTime(when), |ty| ty.decimals = 6, BaseType::DateTime, 26),
            "2020-01-02 03:04:05.000060"
        );
        assert_eq!(show(ValueRef::DateTime(when), plain, BaseType::Timestamp, 19), "2020-01-02 03:04:05");
        assert_eq!(show(ValueRef::Date(when.date()), plain, BaseType::Date, 10), "2020-01-02");
    }
}
