//! Definitions as bytes. Byte table: docs/formats/catalog.md.
//!
//! Every struct is its length (u32) and its fields in order, so that a later version may append fields: a reader of an
//! older record takes their defaults, a reader of a newer one skips them. Integers are little-endian, strings and
//! lists are preceded by a u32 count.

use aurora_types::{Date, DateTime, Decimal, Text, Time, Value};

/// Stored definitions that do not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("a stored definition is cut")]
    Truncated,
    #[error("a stored definition holds {found} as {what}")]
    Unknown { what: &'static str, found: u8 },
    #[error("a stored definition holds text that is not UTF-8 or a value that does not parse")]
    BadText,
}

pub(crate) type DecodeResult<T> = Result<T, DecodeError>;

/// What goes into a definition's bytes.
pub(crate) trait Stored: Sized {
    fn store(&self, out: &mut Vec<u8>);
    fn load(input: &mut &[u8]) -> DecodeResult<Self>;
}

pub(crate) fn take<'a>(input: &mut &'a [u8], len: usize) -> DecodeResult<&'a [u8]> {
    let (head, tail) = input.split_at_checked(len).ok_or(DecodeError::Truncated)?;
    *input = tail;
    Ok(head)
}

macro_rules! stored_integers {
    ($($ty:ty),*) => {$(
        impl Stored for $ty {
            fn store(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn load(input: &mut &[u8]) -> DecodeResult<$ty> {
                let bytes = take(input, size_of::<$ty>())?;
                bytes.try_into().map(<$ty>::from_le_bytes).map_err(|_| DecodeError::Truncated)
            }
        }
    )*};
}
stored_integers!(u8, u16, u32, u64, i64, f64);

impl Stored for bool {
    fn store(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn load(input: &mut &[u8]) -> DecodeResult<bool> {
        Ok(u8::load(input)? != 0)
    }
}

fn store_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u32).store(out);
    out.extend_from_slice(bytes);
}

fn load_bytes<'a>(input: &mut &'a [u8]) -> DecodeResult<&'a [u8]> {
    let len = u32::load(input)? as usize;
    take(input, len)
}

impl Stored for String {
    fn store(&self, out: &mut Vec<u8>) {
        store_bytes(self.as_bytes(), out);
    }

    fn load(input: &mut &[u8]) -> DecodeResult<String> {
        String::from_utf8(load_bytes(input)?.to_vec()).map_err(|_| DecodeError::BadText)
    }
}

impl Stored for Text {
    fn store(&self, out: &mut Vec<u8>) {
        store_bytes(self.as_bytes(), out);
    }

    fn load(input: &mut &[u8]) -> DecodeResult<Text> {
        Ok(Text::from(load_bytes(input)?))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(&self, out: &mut Vec<u8>) {
        self.is_some().store(out);
        if let Some(value) = self {
            value.store(out);
        }
    }

    fn load(input: &mut &[u8]) -> DecodeResult<Option<T>> {
        if bool::load(input)? { T::load(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn store(&self, out: &mut Vec<u8>) {
        (self.len() as u32).store(out);
        self.iter().for_each(|value| value.store(out));
    }

    fn load(input: &mut &[u8]) -> DecodeResult<Vec<T>> {
        let count = u32::load(input)? as usize;
        // Every element has at least one byte: a damaged count does not ask for memory.
        let mut values = Vec::with_capacity(count.min(input.len()));
        for _ in 0..count {
            values.push(T::load(input)?);
        }
        Ok(values)
    }
}

impl Stored for Value {
    fn store(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(0),
            Value::Int(value) => tagged(1, value, out),
            Value::UInt(value) => tagged(2, value, out),
            Value::Double(value) => tagged(3, value, out),
            Value::Decimal(value) => tagged(4, &value.to_string(), out),
            Value::Text(value) => tagged(5, value, out),
            Value::Date(value) => tagged(6, &value.packed(), out),
            Value::Time(value) => tagged(7, &value.micros(), out),
            Value::DateTime(value) => tagged(8, &value.packed(), out),
            Value::Json(value) => tagged(9, value, out),
        }
    }

    fn load(input: &mut &[u8]) -> DecodeResult<Value> {
        Ok(match u8::load(input)? {
            0 => Value::Null,
            1 => Value::Int(i64::load(input)?),
            2 => Value::UInt(u64::load(input)?),
            3 => Value::Double(f64::load(input)?),
            4 => Value::Decimal(parse_decimal(&String::load(input)?)?),
            5 => Value::Text(Text::load(input)?),
            6 => Value::Date(Date::from_packed(u32::load(input)?).ok_or(DecodeError::BadText)?),
            7 => Value::Time(Time::from_micros(i64::load(input)?).ok_or(DecodeError::BadText)?),
            8 => Value::DateTime(DateTime::from_packed(u64::load(input)?).ok_or(DecodeError::BadText)?),
            9 => Value::Json(Text::load(input)?),
            found => return Err(DecodeError::Unknown { what: "a kind of value", found }),
        })
    }
}

fn tagged<T: Stored>(tag: u8, value: &T, out: &mut Vec<u8>) {
    out.push(tag);
    value.store(out);
}

/// Writes a struct: its length, then what `fields` writes.
pub(crate) fn store_struct(out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    0u32.store(out);
    fields(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

/// The fields of a struct; what a newer version has appended is skipped.
pub(crate) fn load_struct<'a>(input: &mut &'a [u8]) -> DecodeResult<&'a [u8]> {
    load_bytes(input)
}

/// A struct whose fields are stored in the order given.
macro_rules! stored_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Stored for $name {
            fn store(&self, out: &mut Vec<u8>) {
                $crate::codec::store_struct(out, |out| { $(self.$field.store(out);)* });
            }
            fn load(input: &mut &[u8]) -> $crate::codec::DecodeResult<$name> {
                let mut fields = $crate::codec::load_struct(input)?;
                let fields = &mut fields;
                Ok($name { $($field: $crate::codec::Stored::load(fields)?),* })
            }
        }
    };
}

/// A newtype around an integer.
macro_rules! stored_newtype {
    ($($name:ident),*) => {$(
        impl $crate::codec::Stored for $name {
            fn store(&self, out: &mut Vec<u8>) {
                self.0.store(out);
            }
            fn load(input: &mut &[u8]) -> $crate::codec::DecodeResult<$name> {
                $crate::codec::Stored::load(input).map($name)
            }
        }
    )*};
}

/// An enum without fields. Numbers are on disk.
macro_rules! stored_enum {
    ($name:ident $what:literal { $($variant:ident = $number:literal),* $(,)? }) => {
        impl $crate::codec::Stored for $name {
            fn store(&self, out: &mut Vec<u8>) {
                out.push(match self { $($name::$variant => $number),* });
            }
            fn load(input: &mut &[u8]) -> $crate::codec::DecodeResult<$name> {
                Ok(match u8::load(input)? {
                    $($number => $name::$variant,)*
                    found => return Err($crate::codec::DecodeError::Unknown { what: $what, found }),
                })
            }
        }
    };
}

pub(crate) use {stored_enum, stored_newtype, stored_struct};

fn parse_decimal(text: &str) -> DecodeResult<Decimal> {
    let parsed = Decimal::parse(text.as_bytes());
    if parsed.consumed == text.len() { Ok(parsed.value) } else { Err(DecodeError::BadText) }
}
