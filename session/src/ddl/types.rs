//! Types as declared into types as stored.

use aurora_expr::typing;
use aurora_parser::{DataType, StringLiteral, TypeName};
use aurora_types::error::{
    ER_COLLATION_CHARSET_MISMATCH, ER_DUPLICATED_VALUE_IN_TYPE, ER_M_BIGGER_THAN_D, ER_NOT_SUPPORTED_YET,
    ER_TOO_BIG_DISPLAYWIDTH, ER_TOO_BIG_FIELDLENGTH, ER_TOO_BIG_PRECISION, ER_TOO_BIG_SCALE,
    ER_UNKNOWN_CHARACTER_SET, ER_UNKNOWN_COLLATION, ER_WARN_DEPRECATED_FLOAT_UNSIGNED,
    ER_WARN_DEPRECATED_INTEGER_DISPLAY_WIDTH, ER_WARN_DEPRECATED_ZEROFILL, ER_WRONG_FIELD_SPEC,
};
use aurora_types::sql_type::{GeometryKind, NOT_FIXED_DECIMALS};
use aurora_types::{BaseType, CollationId, Diagnostics, EnumDef, SqlError, SqlResult, SqlType, Text};
use std::sync::Arc;

/// A declared type, and what of its character set was written out.
pub struct Declared {
    pub ty: SqlType,
    pub explicit_charset: bool,
    pub explicit_collation: bool,
}

/// A character set by name.
///
/// # Errors
/// 1115.
pub fn charset(name: &Text) -> SqlResult<aurora_types::Charset> {
    let name = name.to_str_lossy();
    let known = if name.eq_ignore_ascii_case("utf8") { "utf8mb3" } else { &name };
    aurora_types::charset::lookup(known).ok_or_else(|| SqlError::new(ER_UNKNOWN_CHARACTER_SET, &[&name]))
}

/// A collation by name.
///
/// # Errors
/// 1273.
pub fn collation(name: &Text) -> SqlResult<CollationId> {
    let name = name.to_str_lossy();
    aurora_types::collation::lookup(&name).ok_or_else(|| SqlError::new(ER_UNKNOWN_COLLATION, &[&name]))
}

/// Charset and collation clauses together.
///
/// # Errors
/// 1115, 1273, 1253.
pub fn resolve_collation(
    charset_name: Option<&Text>,
    collation_name: Option<&Text>,
    default: CollationId,
) -> SqlResult<CollationId> {
    match (charset_name, collation_name) {
        (None, None) => Ok(default),
        (Some(name), None) => Ok(charset(name)?.default_collation()),
        (None, Some(name)) => collation(name),
        (Some(set), Some(name)) => {
            let (set, found) = (charset(set)?, collation(name)?);
            if found.charset().name() != set.name() {
                let args: [&dyn std::fmt::Display; 2] = [&found.name(), &set.name()];
                return Err(SqlError::new(ER_COLLATION_CHARSET_MISMATCH, &args));
            }
            Ok(found)
        }
    }
}

fn display_width(base: &BaseType, unsigned: bool) -> u32 {
    let sign = u32::from(!unsigned);
    match base {
        BaseType::TinyInt => 3 + sign,
        BaseType::SmallInt => 5 + sign,
        BaseType::MediumInt => 8 + u32::from(!unsigned),
        BaseType::Int => 10 + sign,
        _ => 20,
    }
}

fn temporal_length(base: &BaseType, fsp: u8) -> u32 {
    let fraction = if fsp > 0 { u32::from(fsp) + 1 } else { 0 };
    match base {
        BaseType::Time => 10 + fraction,
        _ => 19 + fraction,
    }
}

/// The stored type of a declaration. `default` is the table's (or database's) collation.
///
/// # Errors
/// 1074, 1425, 1426, 1427, 1439 and unknown character sets.
pub fn declared(
    data: &DataType,
    column: &str,
    column_collation: Option<&Text>,
    default: CollationId,
    real_as_float: bool,
    diagnostics: &mut Diagnostics,
) -> SqlResult<Declared> {
    use BaseType as B;
    use TypeName as T;
    let collation_name = column_collation.or(data.collation.as_ref());
    let plain = |base: BaseType, length: u32| SqlType::new(base, length);
    let too_long = |max: u64| {
        let args: [&dyn std::fmt::Display; 2] = [&column, &max];
        SqlError::new(ER_TOO_BIG_FIELDLENGTH, &args)
    };
    let text_collation = || -> SqlResult<CollationId> {
        let mut found = resolve_collation(data.charset.as_ref(), collation_name, default)?;
        if data.binary {
            found = found.charset().bin_collation();
        }
        Ok(found)
    };
    let integer = |base: BaseType, diagnostics: &mut Diagnostics| -> SqlResult<SqlType> {
        let unsigned = data.unsigned || data.zerofill;
        let mut length = display_width(&base, unsigned);
        if let Some(width) = data.length {
            if width > 255 {
                let args: [&dyn std::fmt::Display; 2] = [&column, &255];
                return Err(SqlError::new(ER_TOO_BIG_DISPLAYWIDTH, &args));
            }
            let is_bool = base == B::TinyInt && width == 1 && !unsigned;
            if !data.boolean {
                deprecated(diagnostics, ER_WARN_DEPRECATED_INTEGER_DISPLAY_WIDTH);
            }
            if is_bool || data.zerofill {
                length = width as u32;
            }
        }
        Ok(SqlType { unsigned, zerofill: data.zerofill, ..plain(base, length) })
    };
    let fsp = || -> SqlResult<u8> {
        match data.length.unwrap_or(0) {
            n @ 0..=6 => Ok(n as u8),
            n => {
                let args: [&dyn std::fmt::Display; 3] = [&n, &column, &6];
                Err(SqlError::new(ER_TOO_BIG_PRECISION, &args))
            }
        }
    };
    if data.zerofill {
        deprecated(diagnostics, ER_WARN_DEPRECATED_ZEROFILL);
    }
    if data.unsigned && matches!(data.name, T::Float | T::Double | T::Real | T::Decimal) {
        deprecated(diagnostics, ER_WARN_DEPRECATED_FLOAT_UNSIGNED);
    }
    let ty = match data.name {
        T::TinyInt => integer(B::TinyInt, diagnostics)?,
        T::SmallInt => integer(B::SmallInt, diagnostics)?,
        T::MediumInt => integer(B::MediumInt, diagnostics)?,
        T::Int => integer(B::Int, diagnostics)?,
        T::BigInt => integer(B::BigInt, diagnostics)?,
        T::Serial => SqlType { unsigned: true, nullable: false, ..plain(B::BigInt, 20) },
        T::Signed => plain(B::BigInt, 20),
        T::Unsigned => SqlType { unsigned: true, ..plain(B::BigInt, 20) },
        T::Float | T::Double | T::Real => {
            let (mut base, mut length, mut decimals) = match data.name {
                T::Float => (B::Float, 12, NOT_FIXED_DECIMALS),
                T::Real if real_as_float => (B::Float, 12, NOT_FIXED_DECIMALS),
                _ => (B::Double, 22, NOT_FIXED_DECIMALS),
            };
            match (data.length, data.decimals) {
                (Some(m), Some(d)) => {
                    if u64::from(d) > m {
                        return Err(SqlError::new(ER_M_BIGGER_THAN_D, &[&column]));
                    }
                    if d > 30 {
                        let args: [&dyn std::fmt::Display; 3] = [&d, &column, &30];
                        return Err(SqlError::new(ER_TOO_BIG_SCALE, &args));
                    }
                    length = u32::try_from(m).unwrap_or(255).min(255);
                    decimals = d as u8;
                }
                (Some(p), None) if data.name == T::Float => {
                    if p > 53 {
                        return Err(SqlError::new(ER_WRONG_FIELD_SPEC, &[&column]));
                    }
                    if p > 24 {
                        (base, length) = (B::Double, 22);
                    }
                }
                _ => {}
            }
            SqlType {
                unsigned: data.unsigned || data.zerofill,
                zerofill: data.zerofill,
                decimals,
                ..plain(base, length)
            }
        }
        T::Decimal => {
            let precision = data.length.unwrap_or(10);
            let scale = data.decimals.unwrap_or(0);
            let precision = if precision == 0 { 10 } else { precision };
            if scale > 30 {
                let args: [&dyn std::fmt::Display; 3] = [&scale, &column, &30];
                return Err(SqlError::new(ER_TOO_BIG_SCALE, &args));
            }
            if precision > 65 {
                let args: [&dyn std::fmt::Display; 3] = [&precision, &column, &65];
                return Err(SqlError::new(ER_TOO_BIG_PRECISION, &args));
            }
            if u64::from(scale) > precision {
                return Err(SqlError::new(ER_M_BIGGER_THAN_D, &[&column]));
            }
            SqlType {
                unsigned: data.unsigned || data.zerofill,
                zerofill: data.zerofill,
                decimals: scale as u8,
                ..plain(B::Decimal, precision as u32)
            }
        }
        T::Bit => match data.length.unwrap_or(1) {
            n @ 1..=64 => SqlType { unsigned: true, ..plain(B::Bit, n as u32) },
            0 => SqlType { unsigned: true, ..plain(B::Bit, 1) },
            _ => {
                let args: [&dyn std::fmt::Display; 2] = [&column, &64];
                return Err(SqlError::new(ER_TOO_BIG_DISPLAYWIDTH, &args));
            }
        },
        T::Year => SqlType { unsigned: true, zerofill: true, ..plain(B::Year, 4) },
        T::Date => plain(B::Date, 10),
        T::Time | T::DateTime | T::Timestamp => {
            let fsp = fsp()?;
            let base = match data.name {
                T::Time => B::Time,
                T::DateTime => B::DateTime,
                _ => B::Timestamp,
            };
            SqlType { decimals: fsp, ..plain(base.clone(), temporal_length(&base, fsp)) }
        }
        T::Char | T::VarChar => {
            let collation = text_collation()?;
            let max = if data.name == T::Char {
                255
            } else {
                65_535 / u64::from(collation.charset().max_bytes().max(1))
            };
            let length = data.length.unwrap_or(1);
            if length > max {
                return Err(too_long(max));
            }
            let base = if data.name == T::Char { B::Char } else { B::VarChar };
            SqlType { collation, ..plain(base, length as u32) }
        }
        T::Binary | T::VarBinary => {
            let max = if data.name == T::Binary { 255 } else { 65_535 };
            let length = data.length.unwrap_or(1);
            if length > max {
                return Err(too_long(max));
            }
            plain(if data.name == T::Binary { B::Char } else { B::VarChar }, length as u32)
        }
        T::TinyText => SqlType { collation: text_collation()?, ..plain(B::TinyText, 255) },
        T::Text => match data.length {
            // TEXT(n) takes the smallest type that holds n characters.
            Some(n) => {
                let collation = text_collation()?;
                let bytes = n.saturating_mul(u64::from(collation.charset().max_bytes().max(1)));
                SqlType { collation, ..sized_text(bytes) }
            }
            None => SqlType { collation: text_collation()?, ..plain(B::Text, 65_535) },
        },
        T::MediumText => SqlType { collation: text_collation()?, ..plain(B::MediumText, 16_777_215) },
        T::LongText => SqlType { collation: text_collation()?, ..plain(B::LongText, u32::MAX) },
        T::TinyBlob => plain(B::TinyText, 255),
        T::Blob => match data.length {
            Some(n) => sized_text(n),
            None => plain(B::Text, 65_535),
        },
        T::MediumBlob => plain(B::MediumText, 16_777_215),
        T::LongBlob => plain(B::LongText, u32::MAX),
        T::Enum | T::Set => {
            let collation = text_collation()?;
            let members = members(&data.members, collation, column, data.name == T::Enum)?;
            let lengths = members.iter().map(|m| collation.char_count(m.as_bytes()) as u32);
            let length = if data.name == T::Enum {
                lengths.max().unwrap_or(0)
            } else {
                lengths.sum::<u32>() + members.len().saturating_sub(1) as u32
            };
            let def = Arc::new(EnumDef { members });
            let base = if data.name == T::Enum { B::Enum(def) } else { B::Set(def) };
            SqlType { collation, ..plain(base, length) }
        }
        T::Json => SqlType { nullable: true, ..typing::json() },
        T::Vector => return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"VECTOR"])),
        T::Geometry => plain(B::Geometry(GeometryKind::Geometry), u32::MAX),
        T::Point => plain(B::Geometry(GeometryKind::Point), u32::MAX),
        T::LineString => plain(B::Geometry(GeometryKind::LineString), u32::MAX),
        T::Polygon => plain(B::Geometry(GeometryKind::Polygon), u32::MAX),
        T::MultiPoint => plain(B::Geometry(GeometryKind::MultiPoint), u32::MAX),
        T::MultiLineString => plain(B::Geometry(GeometryKind::MultiLineString), u32::MAX),
        T::MultiPolygon => plain(B::Geometry(GeometryKind::MultiPolygon), u32::MAX),
        T::GeometryCollection => plain(B::Geometry(GeometryKind::GeometryCollection), u32::MAX),
    };
    Ok(Declared {
        explicit_charset: data.charset.is_some() || data.binary,
        explicit_collation: collation_name.is_some() || data.binary,
        ty,
    })
}

fn sized_text(bytes: u64) -> SqlType {
    match bytes {
        0..=255 => SqlType::new(BaseType::TinyText, 255),
        256..=65_535 => SqlType::new(BaseType::Text, 65_535),
        65_536..=16_777_215 => SqlType::new(BaseType::MediumText, 16_777_215),
        _ => SqlType::new(BaseType::LongText, u32::MAX),
    }
}

fn members(
    list: &[StringLiteral],
    collation: CollationId,
    column: &str,
    is_enum: bool,
) -> SqlResult<Vec<Text>> {
    let mut members: Vec<Text> = Vec::with_capacity(list.len());
    for literal in list {
        let mut text = literal.bytes.as_bytes();
        while text.last() == Some(&b' ') && !collation.is_binary() {
            text = &text[..text.len() - 1];
        }
        if members.iter().any(|known| collation.eq(known.as_bytes(), text)) {
            let shown = String::from_utf8_lossy(text).into_owned();
            let kind = if is_enum { "ENUM" } else { "SET" };
            return Err(SqlError::new(ER_DUPLICATED_VALUE_IN_TYPE, &[&column, &shown, &kind]));
        }
        members.push(Text::from(text));
    }
    if !is_enum && members.len() > 64 {
        return Err(SqlError::new(aurora_types::error::ER_TOO_BIG_SET, &[&column]));
    }
    Ok(members)
}

/// CREATE TABLE … LIKE warns of the unsigned fractions that it copies.
pub fn warn_of_unsigned(table: &aurora_catalog::TableDef, diagnostics: &mut Diagnostics) {
    let fraction = |ty: &SqlType| matches!(ty.base, BaseType::Decimal | BaseType::Float | BaseType::Double);
    for _ in table.columns.iter().filter(|column| column.ty.unsigned && fraction(&column.ty)) {
        deprecated(diagnostics, ER_WARN_DEPRECATED_FLOAT_UNSIGNED);
    }
}

/// MySQL raises deprecations under 1681, whatever number their text has.
pub fn deprecated(diagnostics: &mut Diagnostics, kind: &'static aurora_types::error::ErrorKind) {
    let error = SqlError::new(kind, &[]);
    diagnostics.push(aurora_types::Level::Warning, 1681, error.message);
}
