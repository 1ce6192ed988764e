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
