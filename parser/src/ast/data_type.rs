//! Types as declared.

use super::literal::StringLiteral;
use aurora_types::Text;

/// The type word. Synonyms are folded (INTEGER is `Int`, NUMERIC is `Decimal`, BOOL is `TinyInt` with length 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeName {
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    /// `SERIAL`: BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE.
    Serial,
    /// `FLOAT`; `FLOAT(p)` keeps p in `length` and has no decimals.
    Float,
    Double,
    /// `REAL`: DOUBLE, or FLOAT under REAL_AS_FLOAT.
    Real,
    Decimal,
    Bit,
    Year,
    Date,
    Time,
    DateTime,
    Timestamp,
    Char,
    VarChar,
    Binary,
    VarBinary,
    TinyText,
    Text,
    MediumText,
    LongText,
    TinyBlob,
    Blob,
    MediumBlob,
    LongBlob,
    Enum,
    Set,
    Json,
    Vector,
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
    /// `SIGNED` of CAST.
    Signed,
    /// `UNSIGNED` of CAST.
    Unsigned,
}

/// A column's type, or the target of CAST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataType {
    pub name: TypeName,
    /// `(n)`: characters, bytes, digits, bits, display width or fractional seconds, as the type has it.
    pub length: Option<u64>,
    /// `(.., n)` of DECIMAL, FLOAT and DOUBLE.
    pub decimals: Option<u32>,
    /// Written as BOOL or BOOLEAN.
    pub boolean: bool,
    pub unsigned: bool,
    pub zerofill: bool,
    /// `CHARACTER SET x`, lower case; ASCII is `latin1`, UNICODE is `ucs2`, BYTE is `binary`,
    /// NCHAR and its like are `utf8mb3`.
    pub charset: Option<Text>,
    /// `BINARY` as a modifier: the character set's `_bin` collation.
    pub binary: bool,
    /// `COLLATE x` written with the type.
    pub collation: Option<Text>,
    /// ENUM and SET.
    pub members: Vec<StringLiteral>,
}

impl DataType {
    pub fn new(name: TypeName) -> DataType {
        DataType {
            name,
            length: None,
            decimals: None,
            boolean: false,
            unsigned: false,
            zerofill: false,
            charset: None,
            binary: false,
            collation: None,
            members: Vec::new(),
        }
    }
}
