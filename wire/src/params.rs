//! Parameters of COM_STMT_EXECUTE and query attributes: binary values become [`Value`]s.

use crate::constants::{Capabilities, column_type};
use crate::read::{Malformed, Reader};
use aurora_types::{Charset, Date, DateTime, Decimal, Text, Time, Value};

/// Set in a parameter's type for unsigned integers.
const UNSIGNED: u8 = 0x80;
/// Parameters are numbered by 16 bits.
const MAX_PARAMS: usize = 0xFFFF;

/// Flags of COM_STMT_EXECUTE.
pub mod execute_flag {
    pub const CURSOR_READ_ONLY: u8 = 1;
    pub const CURSOR_FOR_UPDATE: u8 = 2;
    pub const CURSOR_SCROLLABLE: u8 = 4;
    /// The packet counts its parameters itself: those beyond the statement's are query attributes.
    pub const PARAMETER_COUNT_AVAILABLE: u8 = 8;
}

/// Type of a parameter as the client bound it; kept per statement, because clients send it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamType {
    pub code: u8,
    pub unsigned: bool,
}

/// A named value beside a statement (`mysql_query_attribute_string()` reads it).
#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: String,
    pub value: Value,
}

/// What COM_STMT_EXECUTE carries.
#[derive(Clone, Debug, Default)]
pub struct ExecuteParams {
    pub values: Vec<Value>,
    pub attributes: Vec<Attribute>,
}

/// Why parameters cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// MySQL: 1835.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// MySQL: 1210.
    #[error("no such type of parameter")]
    UnknownType,
    /// A date or time that does not exist (MySQL: 1690).
    #[error("{0} value is out of range")]
    OutOfRange(&'static str),
}

/// Decodes what follows the head of COM_STMT_EXECUTE.
///
/// `count` is the statement's number of parameters, `types` what was bound last (replaced when this packet binds
/// anew), `long_data` gives what COM_STMT_SEND_LONG_DATA has collected for a parameter. Strings are converted from
/// `client` to UTF-8.
pub fn decode_execute(
    body: &[u8],
    common: Capabilities,
    flags: u8,
    count: usize,
    types: &mut Vec<ParamType>,
    long_data: &dyn Fn(usize) -> Option<Vec<u8>>,
    client: Charset,
) -> Result<ExecuteParams, ParamError> {
    let mut reader = Reader::new(body);
    let with_attributes = common.has(Capabilities::QUERY_ATTRIBUTES);
    let counted = with_attributes && (count > 0 || flags & execute_flag::PARAMETER_COUNT_AVAILABLE != 0);
    if count == 0 && !counted {
        return Ok(ExecuteParams::default());
    }
    let sent = if counted { bounded(reader.lenenc_int()?)? } else { count };
    if sent < count {
        return Err(Malformed.into());
    }
    if sent == 0 {
        return Ok(ExecuteParams::default());
    }
    let nulls = reader.bytes(sent.div_ceil(8))?;
    let bound = reader.u8()?;
    let mut names = Vec::new();
    if bound != 0 {
        // Read into its own vector first: a packet that ends here must not unbind the statement.
        let (fresh, fresh_names) = read_types(&mut reader, sent, with_attributes)?;
        *types = fresh;
        names = fresh_names;
    }
    // The first execution must say the types.
    if types.len() < sent {
        return Err(Malformed.into());
    }
    let mut done = ExecuteParams { values: Vec::with_capacity(count), attributes: Vec::new() };
    for (at, &ty) in types.iter().enumerate().take(sent) {
        let long = if at < count { long_data(at) } else { None };
        let value = if let Some(bytes) = long {
            long_value(ty, &bytes, client)
        } else if is_null(nulls, at) {
            Value::Null
        } else {
            read_value(&mut reader, ty, client)?
        };
        if at < count {
            done.values.push(value);
        } else {
            let name = names.get(at).cloned().unwrap_or_default();
            done.attributes.push(Attribute { name, value });
        }
    }
    Ok(done)
}

/// Reads the attributes in front of the text of COM_QUERY.
pub(crate) fn read_query_attributes(
    reader: &mut Reader<'_>,
    client: Charset,
) -> Result<Vec<Attribute>, Malformed> {
    let count = bounded(reader.lenenc_int()?)?;
    let _sets = reader.lenenc_int()?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let nulls = reader.bytes(count.div_ceil(8))?;
    if reader.u8()? != 1 {
        return Err(Malformed);
    }
    let (types, names) = read_types(reader, count, true)?;
    let mut attributes = Vec::with_capacity(count);
    for (at, (ty, name)) in types.into_iter().zip(names).enumerate() {
        let value = if is_null(nulls, at) {
            Value::Null
        } else {
            read_value(reader, ty, client).map_err(|_| Malformed)?
        };
        attributes.push(Attribute { name, value });
    }
    Ok(attributes)
}

fn bounded(count: u64) -> Result<usize, Malformed> {
    usize::try_from(count).ok().filter(|count| *count <= MAX_PARAMS).ok_or(Malformed)
}

fn is_null(bitmap: &[u8], at: usize) -> bool {
    bitmap.get(at / 8).is_some_and(|byte| byte & (1 << (at % 8)) != 0)
}

fn read_types(
    reader: &mut Reader<'_>,
    count: usize,
    named: bool,
) -> Result<(Vec<ParamType>, Vec<String>), Malformed> {
    // Two bytes each at least, so that the count cannot reserve more than the packet holds.
    if reader.remaining() < 2 * count {
        return Err(Malformed);
    }
    let mut types = Vec::with_capacity(count);
    let mut names = Vec::new();
    for _ in 0..count {
        let code = reader.u8()?;
        let unsigned = reader.u8()? & UNSIGNED != 0;
        types.push(ParamType { code, unsigned });
        if named {
            names.push(String::from_utf8_lossy(reader.lenenc_bytes()?).into_owned());
        }
    }
    Ok((types, names))
}

/// Long data has no length prefix and is a string whatever it was bound as.
fn long_value(ty: ParamType, bytes: &[u8], client: Charset) -> Value {
    if is_binary_string(ty.code) { Value::Text(Text::from(bytes)) } else { text(bytes, client) }
}

fn is_binary_string(code: u8) -> bool {
    use column_type::*;
    matches!(code, TINY_BLOB | MEDIUM_BLOB | LONG_BLOB | BLOB | BIT | GEOMETRY | VECTOR)
}

fn text(bytes: &[u8], client: Charset) -> Value {
    match client {
        Charset::Utf8mb4 | Charset::Binary => Value::Text(Text::from(bytes)),
        _ => Value::Text(Text::from(client.decode_lossy(bytes).into_owned())),
    }
}

fn read_value(reader: &mut Reader<'_>, ty: ParamType, client: Charset) -> Result<Value, ParamError> {
    use column_type::*;
    let integer = |signed: i64, unsigned: u64| {
        if ty.unsigned { Value::UInt(unsigned) } else { Value::Int(signed) }
    };
    Ok(match ty.code {
        NULL => Value::Null,
        TINY | BOOL => {
            let v = reader.u8()?;
            integer(i64::from(v as i8), u64::from(v))
        }
        SHORT | YEAR => {
            let v = reader.u16()?;
            integer(i64::from(v as i16), u64::from(v))
        }
        LONG | INT24 => {
            let v = reader.u32()?;
            integer(i64::from(v as i32), u64::from(v))
        }
        LONGLONG => {
            let v = reader.u64()?;
            integer(v as i64, v)
        }
        FLOAT => Value::Double(f64::from(f32::from_le_bytes(reader.array()?))),
        DOUBLE => Value::Double(f64::from_le_bytes(reader.array()?)),
        DECIMAL | NEWDECIMAL => Value::Decimal(Decimal::parse(reader.lenenc_bytes()?).value),
        DATE => Value::Date(read_datetime(reader)?.date()),
        DATETIME | TIMESTAMP => Value::DateTime(read_datetime(reader)?),
        TIME => Value::Time(read_time(reader)?),
        VARCHAR | VAR_STRING | STRING | ENUM | SET | JSON => text(reader.lenenc_bytes()?, client),
        code if is_binary_string(code) => Value::Text(Text::from(reader.lenenc_bytes()?)),
        _ => return Err(ParamError::UnknownType),
    })
}

fn read_datetime(reader: &mut Reader<'_>) -> Result<DateTime, ParamError> {
    const IMPOSSIBLE: ParamError = ParamError::OutOfRange("DATETIME");
    let len = reader.u8()?;
    if !matches!(len, 0 | 4 | 7 | 11) {
        return Err(Malformed.into());
    }
    if len == 0 {
        return Ok(DateTime::ZERO);
    }
    let (year, month, day) = (reader.u16()?, reader.u8()?, reader.u8()?);
    let date = Date::new(year.into(), month.into(), day.into()).ok_or(IMPOSSIBLE)?;
    let (hour, minute, second) =
        if len >= 7 { (reader.u8()?, reader.u8()?, reader.u8()?) } else { (0, 0, 0) };
    let micros = if len == 11 { reader.u32()? } else { 0 };
    DateTime::new(date, hour.into(), minute.into(), second.into(), micros).ok_or(IMPOSSIBLE)
}

fn read_time(reader: &mut Reader<'_>) -> Result<Time, ParamError> {
    let len = reader.u8()?;
    if !matches!(len, 0 | 8 | 12) {
        return Err(Malformed.into());
    }
    if len == 0 {
        return Ok(Time::ZERO);
    }
    let negative = reader.u8()? != 0;
    let days = reader.u32()?;
    let (hours, minutes, seconds) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let micros = if len == 12 { reader.u32()? } else { 0 };
    if minutes > 59 || seconds > 59 || micros > 999_999 {
        return Err(ParamError::OutOfRange("TIME"));
    }
    // TIME ends at 838:59:59; more is cut to that, as a string would be. 2^32 days are 4e20 microseconds: seconds
    // fit, microseconds do not.
    let whole =
        (i64::from(days) * 24 + i64::from(hours)) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
    let micros = whole.saturating_mul(1_000_000).saturating_add(i64::from(micros));
    Ok(Time::saturating_from_micros(if negative { -micros } else { micros }).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::BaseType;

    const ATTRIBUTES: Capabilities = Capabilities(Capabilities::QUERY_ATTRIBUTES);
    const NONE: Capabilities = Capabilities(0);

    fn decode(body: &[u8], count: usize, types: &mut Vec<ParamType>) -> Result<ExecuteParams, ParamError> {
        decode_execute(body, NONE, 0, count, types, &|_| None, Charset::Utf8mb4)
    }

    #[test]
    fn types_are_kept_from_one_execution_to_the_next() {
        let mut types = Vec::new();
        let first = [0b10, 1, column_type::TINY, UNSIGNED, column_type::STRING, 0, 200];
        let got = decode(&first, 2, &mut types).unwrap().values;
        assert!(matches!(got[..], [Value::UInt(200), Value::Null]), "{got:?}");
        let second = [0, 0, 7, 2, b'h', b'i'];
        let got = decode(&second, 2, &mut types).unwrap().values;
        assert!(matches!(&got[..], [Value::UInt(7), Value::Text(t)] if t.as_bytes() == b"hi"), "{got:?}");
        assert_eq!(decode(&[0, 0, 7], 1, &mut Vec::new()).unwrap_err(), Malformed.into());
        assert_eq!(decode(&[0, 0, 7], 2, &mut types).unwrap_err(), Malformed.into());
        assert_eq!(types.len(), 2);
    }

    #[test]
    fn every_kind_of_value_is_read() {
        use column_type::*;
        let cases: [(u8, &[u8], &str); 9] = [
            (LONG, &[0xFF, 0xFF, 0xFF, 0xFF], "-1"),
            (FLOAT, &[0, 0, 0xC0, 0x3F], "1.5"),
            (NEWDECIMAL, b"\x041.50", "1.50"),
            (DATE, &[4, 0xE8, 7, 2, 29], "2024-02-29"),
            (DATETIME, &[11, 0xE8, 7, 2, 29, 1, 2, 3, 4, 0, 0, 0], "2024-02-29 01:02:03.000004"),
            (TIME, &[8, 1, 2, 0, 0, 0, 1, 59, 59], "-49:59:59.000000"),
            (TIME, &[8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 22, 59, 59], "838:59:59.000000"),
            (BLOB, b"\x02ab", "ab"),
            (JSON, b"\x02{}", "{}"),
        ];
        let ty = aurora_types::SqlType { decimals: 6, ..aurora_types::SqlType::new(BaseType::Null, 0) };
        for (code, bytes, expected) in cases {
            let mut body = vec![0, 1, code, 0];
            body.extend(bytes);
            let got = decode(&body, 1, &mut Vec::new()).unwrap();
            let mut text = Vec::new();
            aurora_types::display::write_text(got.values[0].as_ref(), &ty, &mut text);
            assert_eq!(String::from_utf8_lossy(&text), expected);
        }
    }

    #[test]
    fn long_data_replaces_the_value_and_null() {
        let mut types = Vec::new();
        let body = [1, 1, column_type::BLOB, 0];
        let long = |_| Some(b"long".to_vec());
        let got = decode_execute(&body, NONE, 0, 1, &mut types, &long, Charset::Utf8mb4).unwrap();
        assert!(matches!(&got.values[..], [Value::Text(t)] if t.as_bytes() == b"long"));
    }

    #[test]
    fn attributes_follow_the_parameters() {
        let body = b"\x02\x00\x01\x08\x00\x00\x08\x00\x01k\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0";
        let flags = execute_flag::PARAMETER_COUNT_AVAILABLE;
        let got =
            decode_execute(body, ATTRIBUTES, flags, 1, &mut Vec::new(), &|_| None, Charset::Utf8mb4).unwrap();
        assert!(matches!(got.values[..], [Value::Int(5)]));
        assert_eq!(got.attributes[0].name, "k");
        assert!(matches!(got.attributes[0].value, Value::Int(6)));
    }

    #[test]
    fn impossible_times_and_types_are_told_apart() {
        use column_type::*;
        let cases: [(&[u8], ParamError); 5] = [
            (&[0, 1, DATE, 0, 5, 0, 0, 0, 0, 0], Malformed.into()),
            (&[0, 1, DATE, 0, 4, 0, 0, 13, 1], ParamError::OutOfRange("DATETIME")),
            (&[0, 1, DATETIME, 0, 7, 0xE8, 7, 1, 1, 25, 0, 0], ParamError::OutOfRange("DATETIME")),
            (&[0, 1, 0x66, 0, 1], ParamError::UnknownType),
            (&[0, 1, TIME, 0, 8, 0, 0, 0, 0, 0, 1, 60, 0], ParamError::OutOfRange("TIME")),
        ];
        for (body, expected) in cases {
            assert_eq!(decode(body, 1, &mut Vec::new()).unwrap_err(), expected, "{body:?}");
        }
    }
}
