//! Memcomparable keys. On the point-read path: no allocation but the output's growth.

use super::{CodecError, TIME_OFFSET, weights, wrong_value};
use crate::{BaseType, Date, DateTime, SqlType, Text, Time, Value, ValueRef, decimal};

/// One column of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyColumn {
    pub ty: SqlType,
    pub desc: bool,
    /// Characters (bytes for binary strings) that the index keeps.
    pub prefix: Option<u32>,
}

/// A column taken off a key.
#[derive(Clone, Debug)]
pub enum DecodedColumn {
    /// NULL too.
    Value(Value),
    /// A character string: weights do not give the text back.
    Weights,
}

const NULL: u8 = 0;
const NOT_NULL: u8 = 1;

/// Appends what all keys of one index begin with.
pub fn key_prefix(tenant: u32, storage_id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&tenant.to_be_bytes());
    out.extend_from_slice(&storage_id.to_be_bytes());
}

/// Bytes of [`key_prefix`].
pub const KEY_PREFIX_LEN: usize = 12;

/// Appends one column of a key. The value is one that the column holds, as `store_convert` gives it.
///
/// # Errors
/// When the value is of another kind than the column.
pub fn encode_column(value: ValueRef<'_>, column: &KeyColumn, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    if value.is_null() {
        out.push(NULL);
    } else {
        out.push(NOT_NULL);
        encode_value(value, column, out).ok_or_else(|| wrong_value(0, value))?;
    }
    if column.desc {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
    Ok(())
}

/// Width of an integer type in keys and rows.
pub(super) fn int_width(base: &BaseType) -> Option<usize> {
    Some(match base {
        BaseType::TinyInt => 1,
        BaseType::SmallInt => 2,
        BaseType::MediumInt => 3,
        BaseType::Int => 4,
        BaseType::BigInt => 8,
        _ => return None,
    })
}

pub(super) fn bit_width(ty: &SqlType) -> usize {
    (ty.length.clamp(1, 64) as usize).div_ceil(8)
}

pub(super) fn precision(ty: &SqlType) -> u8 {
    u8::try_from(ty.length).unwrap_or(decimal::MAX_PRECISION).clamp(1, decimal::MAX_PRECISION)
}

/// The bits of a double whose unsigned order is number order.
pub(crate) fn ordered_bits(v: f64) -> u64 {
    let bits = if v == 0.0 { 0 } else { v.to_bits() };
    if bits >> 63 == 0 { bits ^ 1 << 63 } else { !bits }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits ^ 1 << 63 } else { !bits })
}

fn push_low_be(v: u64, width: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&v.to_be_bytes()[8 - width..]);
}

fn encode_value(value: ValueRef<'_>, column: &KeyColumn, out: &mut Vec<u8>) -> Option<()> {
    let ty = &column.ty;
    match (&ty.base, value) {
        (
            BaseType::TinyInt | BaseType::SmallInt | BaseType::MediumInt | BaseType::Int | BaseType::BigInt,
            v,
        ) => {
            let width = int_width(&ty.base)?;
            let number = match v {
                ValueRef::Int(v) => i128::from(v),
                ValueRef::UInt(v) => i128::from(v),
                _ => return None,
            };
            let bits = width as u32 * 8;
            if ty.unsigned {
                if number < 0 || number >> bits != 0 {
                    return None;
                }
                push_low_be(number as u64, width, out);
            } else {
                let half = 1i128 << (bits - 1);
                if !(-half..half).contains(&number) {
                    return None;
                }
                push_low_be((number + half) as u64, width, out);
            }
        }
        (BaseType::Year, ValueRef::UInt(v)) => out.extend_from_slice(&u16::try_from(v).ok()?.to_be_bytes()),
        (BaseType::Year, ValueRef::Int(v)) => out.extend_from_slice(&u16::try_from(v).ok()?.to_be_bytes()),
        (BaseType::Float | BaseType::Double, ValueRef::Double(v)) => {
            out.extend_from_slice(&ordered_bits(v).to_be_bytes());
        }
        (BaseType::Decimal, ValueRef::Decimal(v)) => {
            decimal::write_ordered(&v, precision(ty), ty.decimals, out)
        }
        (BaseType::Date, ValueRef::Date(v)) => push_low_be(v.packed().into(), 3, out),
        (BaseType::Time, ValueRef::Time(v)) => push_low_be((v.micros() + TIME_OFFSET) as u64, 6, out),
        (BaseType::DateTime | BaseType::Timestamp, ValueRef::DateTime(v)) => {
            out.extend_from_slice(&v.packed().to_be_bytes());
        }
        (BaseType::Enum(def), ValueRef::Text(name)) => {
            out.extend_from_slice(&(def.index_of(name)? as u16).to_be_bytes());
        }
        (BaseType::Set(def), ValueRef::Text(names)) => {
            out.extend_from_slice(&def.mask_of(names)?.to_be_bytes())
        }
        (BaseType::Bit, ValueRef::Text(bytes)) => {
            let width = bit_width(ty);
            if bytes.len() > width {
                return None;
            }
            out.resize(out.len() + width - bytes.len(), 0);
            out.extend_from_slice(bytes);
        }
        (_, ValueRef::Text(text)) => {
            if ty.collation.is_binary() {
                weights::write_bytes(binary_prefix(text, column.prefix), out);
            } else {
                weights::write_weights(ty.collation, char_prefix(text, column.prefix), out);
            }
        }
        (BaseType::Json, ValueRef::Json(text)) => weights::write_bytes(text, out),
        _ => return None,
    }
    Some(())
}

/// Appends what the keys of all texts that begin with `text` begin with in this column, which holds texts; NULL is
/// outside.
pub fn put_text_beginning(text: &[u8], column: &KeyColumn, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(NOT_NULL);
    let collation = column.ty.collation;
    if collation.is_binary() {
        weights::write_beginning(|out| out.extend_from_slice(binary_prefix(text, column.prefix)), out);
    } else {
        weights::write_beginning(|out| collation.key_prefix(char_prefix(text, column.prefix), out), out);
    }
    if column.desc {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
}

fn binary_prefix(text: &[u8], prefix: Option<u32>) -> &[u8] {
    match prefix {
        Some(n) => &text[..text.len().min(n as usize)],
        None => text,
    }
}

/// The first `prefix` characters of UTF-8.
pub fn char_prefix(text: &[u8], prefix: Option<u32>) -> &[u8] {
    let Some(chars) = prefix.map(|n| n as usize) else { return text };
    if text.len() <= chars {
        return text;
    }
    let starts = text.iter().enumerate().filter(|(_, b)| **b & 0xC0 != 0x80);
    match starts.map(|(at, _)| at).nth(chars) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// Whether [`decode_column`] gives the values of such a column back: of character strings a key has only the weights.
pub fn reads_back(ty: &SqlType) -> bool {
    match &ty.base {
        BaseType::Char
        | BaseType::VarChar
        | BaseType::TinyText
        | BaseType::Text
        | BaseType::MediumText
        | BaseType::LongText => ty.collation.is_binary(),
        _ => true,
    }
}

/// Takes one column off the front of a key.
///
/// # Errors
/// [`CodecError::DamagedKey`] when the bytes are none of that column.
pub fn decode_column(input: &mut &[u8], column: &KeyColumn) -> Result<DecodedColumn, CodecError> {
    decode(input, column).ok_or(CodecError::DamagedKey)
}

fn take<const N: usize>(input: &mut &[u8], mask: u8) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(head.map(|b| b ^ mask))
}

fn take_low_be(input: &mut &[u8], mask: u8, width: usize) -> Option<u64> {
    let (head, rest) = input.split_at_checked(width)?;
    *input = rest;
    Some(head.iter().fold(0, |v, b| v << 8 | u64::from(b ^ mask)))
}

fn decode(input: &mut &[u8], column: &KeyColumn) -> Option<DecodedColumn> {
    let mask = if column.desc { 0xFF } else { 0 };
    match take::<1>(input, mask)? {
        [NULL] => return Some(DecodedColumn::Value(Value::Null)),
        [NOT_NULL] => {}
        _ => return None,
    }
    let ty = &column.ty;
    Some(DecodedColumn::Value(match &ty.base {
        base @ (BaseType::TinyInt
        | BaseType::SmallInt
        | BaseType::MediumInt
        | BaseType::Int
        | BaseType::BigInt) => {
            let width = int_width(base)?;
            let raw = take_low_be(input, mask, width)?;
            if ty.unsigned {
                Value::UInt(raw)
            } else {
                Value::Int((i128::from(raw) - (1i128 << (width as u32 * 8 - 1))) as i64)
            }
        }
        BaseType::Year => Value::UInt(u16::from_be_bytes(take(input, mask)?).into()),
        BaseType::Float | BaseType::Double => {
            Value::Double(from_ordered_bits(u64::from_be_bytes(take(input, mask)?)))
        }
        BaseType::Decimal => {
            let len = decimal::ordered_len(precision(ty));
            let (head, rest) = input.split_at_checked(len)?;
            let mut bytes = [0u8; 32];
            for (to, from) in bytes.iter_mut().zip(head) {
                *to = from ^ mask;
            }
            *input = rest;
            Value::Decimal(decimal::read_ordered(&bytes[..len], precision(ty), ty.decimals)?)
        }
        BaseType::Date => Value::Date(Date::from_packed(take_low_be(input, mask, 3)? as u32)?),
        BaseType::Time => Value::Time(Time::from_micros(take_low_be(input, mask, 6)? as i64 - TIME_OFFSET)?),
        BaseType::DateTime | BaseType::Timestamp => {
            Value::DateTime(DateTime::from_packed(u64::from_be_bytes(take(input, mask)?))?)
        }
        BaseType::Enum(def) => Value::Text(def.name_of(u16::from_be_bytes(take(input, mask)?).into())?),
        BaseType::Set(def) => Value::Text(def.names_of(u64::from_be_bytes(take(input, mask)?))),
        BaseType::Bit => {
            let (head, rest) = input.split_at_checked(bit_width(ty))?;
            *input = rest;
            Value::Text(Text::from(head.iter().map(|b| b ^ mask).collect::<Vec<u8>>()))
        }
        base => {
            let mut bytes = Vec::new();
            weights::read_bytes(input, mask, |b| bytes.push(b))?;
            if *base == BaseType::Json {
                Value::Json(Text::from(bytes))
            } else if ty.collation.is_binary() {
                Value::Text(Text::from(bytes))
            } else {
                return Some(DecodedColumn::Weights);
            }
        }
    }))
}

/// The smallest key above all keys that begin with `prefix`; `None` when there is none (all bytes `0xFF`).
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != 0xFF)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests;
