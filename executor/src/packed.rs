//! Rows as bytes and back, exactly: kind, scale and every byte of a value are kept. Not an order, not SQL's equality.

use crate::ops::Row;
use crate::shape::internal;
use aurora_types::{Date, DateTime, Decimal, SqlResult, Text, Time, Value};

const NULL: u8 = 0;
const INT: u8 = 1;
const UINT: u8 = 2;
const DOUBLE: u8 = 3;
const DECIMAL: u8 = 4;
const WIDE_DECIMAL: u8 = 5;
const TEXT: u8 = 6;
const DATE: u8 = 7;
const TIME: u8 = 8;
const DATETIME: u8 = 9;
const JSON: u8 = 10;

/// Appends one value.
pub(crate) fn put_value(value: &Value, out: &mut Vec<u8>) {
    let mut fixed = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => out.push(NULL),
        Value::Int(v) => fixed(INT, &v.to_le_bytes()),
        Value::UInt(v) => fixed(UINT, &v.to_le_bytes()),
        Value::Double(v) => fixed(DOUBLE, &v.to_bits().to_le_bytes()),
        Value::Decimal(v) => match v.unscaled_i128() {
            Some(unscaled) => {
                fixed(DECIMAL, &[v.scale()]);
                out.extend_from_slice(&unscaled.to_le_bytes());
            }
            None => {
                let mut text = Vec::with_capacity(68);
                v.write(&mut text);
                put_bytes(WIDE_DECIMAL, &text, out);
            }
        },
        Value::Text(text) => put_bytes(TEXT, text.as_bytes(), out),
        Value::Json(text) => put_bytes(JSON, text.as_bytes(), out),
        Value::Date(v) => fixed(DATE, &v.packed().to_le_bytes()),
        Value::Time(v) => fixed(TIME, &v.micros().to_le_bytes()),
        Value::DateTime(v) => fixed(DATETIME, &v.packed().to_le_bytes()),
    }
}

fn put_bytes(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a row: the number of its values, then the values.
pub(crate) fn put_row(row: &[Value], out: &mut Vec<u8>) {
    out.extend_from_slice(&(row.len() as u32).to_le_bytes());
    for value in row {
        put_value(value, out);
    }
}

/// Takes a row off the front of `input`, into `row` (former contents are dropped).
///
/// # Errors
/// When the bytes are not what [`put_row`] writes.
pub(crate) fn take_row(input: &mut &[u8], row: &mut Row) -> SqlResult<()> {
    row.clear();
    let count = u32::from_le_bytes(array(input)?);
    for _ in 0..count {
        row.push(take_value(input)?);
    }
    Ok(())
}

fn take_value(input: &mut &[u8]) -> SqlResult<Value> {
    let [kind] = array(input)?;
    Ok(match kind {
        NULL => Value::Null,
        INT => Value::Int(i64::from_le_bytes(array(input)?)),
        UINT => Value::UInt(u64::from_le_bytes(array(input)?)),
        DOUBLE => Value::Double(f64::from_bits(u64::from_le_bytes(array(input)?))),
        DECIMAL => {
            let [scale] = array(input)?;
            let unscaled = i128::from_le_bytes(array(input)?);
            Value::Decimal(Decimal::from_parts(unscaled, scale).map_err(|_| damaged())?)
        }
        WIDE_DECIMAL => Value::Decimal(Decimal::parse(take_bytes(input)?).value),
        TEXT => Value::Text(Text::from(take_bytes(input)?)),
        JSON => Value::Json(Text::from(take_bytes(input)?)),
        DATE => Value::Date(Date::from_packed(u32::from_le_bytes(array(input)?)).ok_or_else(damaged)?),
        TIME => Value::Time(Time::from_micros(i64::from_le_bytes(array(input)?)).ok_or_else(damaged)?),
        DATETIME => {
            Value::DateTime(DateTime::from_packed(u64::from_le_bytes(array(input)?)).ok_or_else(damaged)?)
        }
        _ => return Err(damaged()),
    })
}

/// Takes bytes that stand behind their length.
fn take_bytes<'b>(input: &mut &'b [u8]) -> SqlResult<&'b [u8]> {
    let length = u32::from_le_bytes(array(input)?) as usize;
    let (bytes, rest) = input.split_at_checked(length).ok_or_else(damaged)?;
    *input = rest;
    Ok(bytes)
}

fn array<const N: usize>(input: &mut &[u8]) -> SqlResult<[u8; N]> {
    let (bytes, rest) = input.split_first_chunk().ok_or_else(damaged)?;
    *input = rest;
    Ok(*bytes)
}

fn damaged() -> aurora_types::SqlError {
    internal(&"a row in a temporary file is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        let wide = Decimal::parse(b"12345678901234567890123456789012345678901234567890.25").value;
        let row: Row = vec![
            Value::Null,
            Value::Int(-5),
            Value::UInt(u64::MAX),
            Value::Double(-0.0),
            Value::Decimal(Decimal::parse(b"-1.50").value),
            Value::Decimal(wide),
            Value::Text(Text::from(&b"a longer text than fits inside of a value"[..])),
            Value::Date(Date::new(2024, 2, 29).expect("date")),
            Value::Time(Time::from_micros(-1).expect("time")),
            Value::DateTime(DateTime::new(Date::ZERO, 1, 2, 3, 4).expect("datetime")),
            Value::Json(Text::from(&b"{\"a\": 1}"[..])),
        ];
        let mut bytes = Vec::new();
        put_row(&row, &mut bytes);
        let (mut input, mut back) = (bytes.as_slice(), Row::new());
        take_row(&mut input, &mut back).expect("row");
        assert!(input.is_empty());
        assert_eq!(format!("{row:?}"), format!("{back:?}"));
        for cut in 0..bytes.len() {
            assert!(take_row(&mut &bytes[..cut], &mut back).is_err(), "cut at {cut}");
        }
    }
}
