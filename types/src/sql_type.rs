//! The static type of a column or expression.

use crate::CollationId;
use std::sync::Arc;

/// MySQL's type families as declared. Character and binary strings share a base: `BINARY` is `Char` with the
/// `binary` collation, `BLOB` is `Text` with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BaseType {
    /// The type of the literal NULL.
    Null,
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal,
    /// BIT(length).
    Bit,
    Year,
    Date,
    Time,
    DateTime,
    Timestamp,
    Char,
    VarChar,
    TinyText,
    Text,
    MediumText,
    LongText,
    Enum(Arc<EnumDef>),
    Set(Arc<EnumDef>),
    Json,
    /// Kept as MySQL's SRID + WKB bytes.
    Geometry(GeometryKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeometryKind {
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
}

/// Members of an ENUM or SET in declared order, UTF-8.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EnumDef {
    pub members: Vec<crate::Text>,
}

/// Type, length, scale, sign, collation and nullability of a column or expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SqlType {
    pub base: BaseType,
    pub unsigned: bool,
    pub zerofill: bool,
    pub nullable: bool,
    /// Characters for character strings, bytes for binary strings, digits (precision) for DECIMAL, bits for BIT,
    /// display width for the rest.
    pub length: u32,
    /// Digits behind the point; 31 (`NOT_FIXED_DECIMALS`) for FLOAT and DOUBLE without a declared scale;
    /// fractional seconds for temporal types.
    pub decimals: u8,
    /// `CollationId::BINARY` for everything that is not a character string.
    pub collation: CollationId,
}

/// `decimals` of a floating-point type without a declared scale.
pub const NOT_FIXED_DECIMALS: u8 = 31;

impl SqlType {
    pub fn new(base: BaseType, length: u32) -> SqlType {
        SqlType {
            base,
            unsigned: false,
            zerofill: false,
            nullable: true,
            length,
            decimals: 0,
            collation: CollationId::BINARY,
        }
    }
}
