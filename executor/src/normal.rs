//! Normalised keys: values as bytes whose order (and equality) is SQL's. Sorting, grouping, DISTINCT and hash joins
//! compare them with memcmp.

use aurora_types::codec::key::{KeyColumn, encode_column};
use aurora_types::{BaseType, SqlType, ValueRef};

/// Appends `value` so that bytes order as `ORDER BY` does (NULL first, or last when `descending`).
pub(crate) fn put(value: ValueRef<'_>, ty: &SqlType, descending: bool, out: &mut Vec<u8>) {
    let start = out.len();
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Int(v) => {
            out.push(1);
            put_wide(i128::from(v), out);
        }
        ValueRef::UInt(v) => {
            out.push(1);
            put_wide(i128::from(v), out);
        }
        ValueRef::Double(v) => {
            out.push(1);
            // -0 and 0 are equal.
            let bits = (if v == 0.0 { 0.0 } else { v }).to_bits();
            let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
            out.extend_from_slice(&ordered.to_be_bytes());
        }
        ValueRef::Decimal(v) => {
            out.push(1);
            aurora_types::decimal::write_ordered(&v, 65, ty.decimals.min(30), out);
        }
        ValueRef::Text(bytes) if !matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_) | BaseType::Bit) => {
            let column = KeyColumn { ty: text_type(ty), desc: false, prefix: None };
            if encode_column(value, &column, out).is_err() {
                out.truncate(start);
                out.push(1);
                out.extend_from_slice(bytes);
            }
        }
        ValueRef::Json(text) => {
            out.push(1);
            match aurora_types::Json::from_normal(text) {
                Ok(json) => json.sort_key(out),
                Err(_) => out.extend_from_slice(text),
            }
        }
        other => {
            let column = KeyColumn { ty: ty.clone(), desc: false, prefix: None };
            if encode_column(other, &column, out).is_err() {
                out.truncate(start);
                out.push(1);
                if let ValueRef::Text(bytes) = other {
                    out.extend_from_slice(bytes);
                } else {
                    out.extend_from_slice(format!("{other:?}").as_bytes());
                }
            }
        }
    }
    if descending {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
}

/// Appends `value` so that bytes are equal as SQL's values are, in less than [`put`] takes: for hashing. A key never
/// is the beginning of another one's.
#[inline]
pub(crate) fn put_equal(value: ValueRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    let fixed = |kind: u8, number: u64, out: &mut Vec<u8>| {
        let mut bytes = [kind; 9];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&bytes);
    };
    match value {
        ValueRef::Int(v) => fixed(if v < 0 { 2 } else { 1 }, v as u64, out),
        ValueRef::UInt(v) => fixed(1, v, out),
        ValueRef::Decimal(v) => {
            let scale = ty.decimals.min(30);
            let v = if v.scale() == scale { v } else { v.fit(65, scale).0 };
            match v.unscaled_i128().map(i64::try_from) {
                Some(Ok(small)) => fixed(3, small as u64, out),
                _ => put(ValueRef::Decimal(v), ty, false, out),
            }
        }
        ValueRef::Date(v) if ty.base == BaseType::Date => fixed(1, u64::from(v.packed()), out),
        ValueRef::DateTime(v) if matches!(ty.base, BaseType::DateTime | BaseType::Timestamp) => {
            fixed(1, v.packed(), out);
        }
        ValueRef::Text(text) if !matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_) | BaseType::Bit) => {
            out.extend_from_slice(&[4, 0, 0, 0, 0]);
            let start = out.len();
            ty.collation.equality(text, out);
            let length = (out.len() - start) as u32;
            out[start - 4..start].copy_from_slice(&length.to_le_bytes());
        }
        other => put(other, ty, false, out),
    }
}

fn put_wide(v: i128, out: &mut Vec<u8>) {
    out.push(u8::from(v >= 0));
    out.extend_from_slice(&(v as u64).to_be_bytes());
}

/// Expressions may call text what their base type does not; their collation stands.
fn text_type(ty: &SqlType) -> SqlType {
    let mut text = SqlType::new(BaseType::VarChar, ty.length);
    text.collation = ty.collation;
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::{CollationId, Decimal};

    fn key(value: ValueRef<'_>, ty: &SqlType) -> Vec<u8> {
        let mut out = Vec::new();
        put_equal(value, ty, &mut out);
        out
    }

    #[test]
    fn what_is_equal_has_one_key() {
        let int = SqlType::new(BaseType::BigInt, 20);
        assert_eq!(key(ValueRef::Int(7), &int), key(ValueRef::UInt(7), &int));
        assert_ne!(key(ValueRef::Int(-1), &int), key(ValueRef::UInt(u64::MAX), &int));
        assert_ne!(key(ValueRef::Null, &int), key(ValueRef::Int(0), &int));
        let mut decimal = SqlType::new(BaseType::Decimal, 12);
        decimal.decimals = 2;
        let number = |text: &str| ValueRef::Decimal(Decimal::parse(text.as_bytes()).value);
        assert_eq!(key(number("1.5"), &decimal), key(number("1.50"), &decimal));
        assert_ne!(key(number("1.5"), &decimal), key(number("-1.5"), &decimal));
        let mut text = SqlType::new(BaseType::VarChar, 10);
        text.collation = CollationId::UTF8MB4_0900_AI_CI;
        assert_eq!(key(ValueRef::Text(b"abc"), &text), key(ValueRef::Text("\u{c0}BC".as_bytes()), &text));
        assert_ne!(key(ValueRef::Text(b"abc"), &text), key(ValueRef::Text(b"abc "), &text));
        text.collation = CollationId::UTF8MB4_BIN;
        assert_eq!(key(ValueRef::Text(b"abc"), &text), key(ValueRef::Text(b"abc  "), &text));
        assert_ne!(key(ValueRef::Text(b"abc"), &text), key(ValueRef::Text(b"ABC"), &text));
    }
}
