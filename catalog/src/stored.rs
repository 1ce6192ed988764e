//! Which fields of a definition are stored, in which order. Append only; numbers of variants never change.

use crate::codec::{DecodeError, DecodeResult, Stored, stored_enum, stored_newtype, stored_struct};
use crate::column::{ColumnDef, ColumnDefault, Generated};
use crate::constraint::{CheckDef, ForeignKeyDef, ReferentialAction};
use crate::ids::{ColumnId, IndexId, SchemaId, SchemaVersion, StorageId, TableId};
use crate::index::{IndexDef, IndexKind, IndexPart, IndexState, KeyPart};
use crate::schema::SchemaDef;
use crate::table::{TableDef, TableOptions};
use crate::view::{ViewAlgorithm, ViewCheckOption, ViewDef, ViewSecurity};
use aurora_types::sql_type::GeometryKind;
use aurora_types::{BaseType, CollationId, EnumDef, SqlType, Value};
use std::sync::Arc;

stored_newtype!(SchemaId, TableId, StorageId, ColumnId, IndexId, SchemaVersion, CollationId);

stored_struct!(SchemaDef { id, name, collation, read_only });
stored_struct!(TableDef {
    id,
    schema,
    name,
    version,
    columns,
    storage,
    indexes,
    foreign_keys,
    checks,
    options,
    next_column_id,
    next_index_id,
    temporary,
});
stored_struct!(TableOptions {
    engine,
    collation,
    comment,
    auto_increment,
    row_format,
    kept,
    create_time_s,
    partition_clause,
});
stored_struct!(ColumnDef {
    id,
    name,
    ty,
    default,
    on_update_now,
    auto_increment,
    generated,
    comment,
    invisible,
    srid,
    explicit_charset,
    explicit_collation,
    added_value,
});
stored_struct!(Generated { expression, stored });
stored_struct!(IndexDef { id, name, kind, parts, storage, state, invisible, comment, using, parser });
stored_struct!(IndexPart { part, prefix_length, descending });
stored_struct!(ForeignKeyDef {
    name,
    columns,
    parent_schema,
    parent_table,
    parent_columns,
    on_delete,
    on_update,
});
stored_struct!(CheckDef { name, expression, enforced });
stored_struct!(ViewDef {
    id,
    schema,
    name,
    columns,
    query,
    algorithm,
    check_option,
    security,
    definer,
    charset_client,
    collation_connection,
    sql_mode,
});
stored_struct!(SqlType { base, unsigned, zerofill, nullable, length, decimals, collation });

stored_enum!(IndexKind "a kind of index" { Primary = 1, Unique = 2, Secondary = 3, FullText = 4, Spatial = 5 });
stored_enum!(IndexState "an index state" { Public = 1, WriteOnly = 2, SchemaOnly = 3 });
stored_enum!(ReferentialAction "a referential action" {
    NoAction = 1, Restrict = 2, Cascade = 3, SetNull = 4, SetDefault = 5,
});
stored_enum!(ViewAlgorithm "a view algorithm" { Undefined = 1, Merge = 2, TempTable = 3 });
stored_enum!(ViewCheckOption "a check option" { None = 1, Local = 2, Cascaded = 3 });
stored_enum!(ViewSecurity "a view's security" { Definer = 1, Invoker = 2 });
stored_enum!(GeometryKind "a kind of geometry" {
    Geometry = 1, Point = 2, LineString = 3, Polygon = 4, MultiPoint = 5, MultiLineString = 6, MultiPolygon = 7,
    GeometryCollection = 8,
});

impl Stored for KeyPart {
    fn store(&self, out: &mut Vec<u8>) {
        match self {
            KeyPart::Column(id) => {
                out.push(1);
                id.store(out);
            }
            KeyPart::Expression(text) => {
                out.push(2);
                text.store(out);
            }
        }
    }

    fn load(input: &mut &[u8]) -> DecodeResult<KeyPart> {
        Ok(match u8::load(input)? {
            1 => KeyPart::Column(ColumnId::load(input)?),
            2 => KeyPart::Expression(String::load(input)?),
            found => return Err(DecodeError::Unknown { what: "a key part", found }),
        })
    }
}

impl Stored for ColumnDefault {
    fn store(&self, out: &mut Vec<u8>) {
        match self {
            ColumnDefault::None => out.push(1),
            ColumnDefault::Null => out.push(2),
            ColumnDefault::Value(value) => {
                out.push(3);
                value.store(out);
            }
            ColumnDefault::CurrentTimestamp => out.push(4),
            ColumnDefault::Expression(text) => {
                out.push(5);
                text.store(out);
            }
        }
    }

    fn load(input: &mut &[u8]) -> DecodeResult<ColumnDefault> {
        Ok(match u8::load(input)? {
            1 => ColumnDefault::None,
            2 => ColumnDefault::Null,
            3 => ColumnDefault::Value(Value::load(input)?),
            4 => ColumnDefault::CurrentTimestamp,
            5 => ColumnDefault::Expression(String::load(input)?),
            found => return Err(DecodeError::Unknown { what: "a default", found }),
        })
    }
}

impl Stored for BaseType {
    fn store(&self, out: &mut Vec<u8>) {
        let number = match self {
            BaseType::Null => 0,
            BaseType::TinyInt => 1,
            BaseType::SmallInt => 2,
            BaseType::MediumInt => 3,
            BaseType::Int => 4,
            BaseType::BigInt => 5,
            BaseType::Float => 6,
            BaseType::Double => 7,
            BaseType::Decimal => 8,
            BaseType::Bit => 9,
            BaseType::Year => 10,
            BaseType::Date => 11,
            BaseType::Time => 12,
            BaseType::DateTime => 13,
            BaseType::Timestamp => 14,
            BaseType::Char => 15,
            BaseType::VarChar => 16,
            BaseType::TinyText => 17,
            BaseType::Text => 18,
            BaseType::MediumText => 19,
            BaseType::LongText => 20,
            BaseType::Enum(_) => 21,
            BaseType::Set(_) => 22,
            BaseType::Json => 23,
            BaseType::Geometry(_) => 24,
        };
        out.push(number);
        match self {
            BaseType::Enum(members) | BaseType::Set(members) => members.members.store(out),
            BaseType::Geometry(kind) => kind.store(out),
            _ => {}
        }
    }

    fn load(input: &mut &[u8]) -> DecodeResult<BaseType> {
        let members = |input: &mut &[u8]| Ok(Arc::new(EnumDef { members: Stored::load(input)? }));
        Ok(match u8::load(input)? {
            0 => BaseType::Null,
            1 => BaseType::TinyInt,
            2 => BaseType::SmallInt,
            3 => BaseType::MediumInt,
            4 => BaseType::Int,
            5 => BaseType::BigInt,
            6 => BaseType::Float,
            7 => BaseType::Double,
            8 => BaseType::Decimal,
            9 => BaseType::Bit,
            10 => BaseType::Year,
            11 => BaseType::Date,
            12 => BaseType::Time,
            13 => BaseType::DateTime,
            14 => BaseType::Timestamp,
            15 => BaseType::Char,
            16 => BaseType::VarChar,
            17 => BaseType::TinyText,
            18 => BaseType::Text,
            19 => BaseType::MediumText,
            20 => BaseType::LongText,
            21 => BaseType::Enum(members(input)?),
            22 => BaseType::Set(members(input)?),
            23 => BaseType::Json,
            24 => BaseType::Geometry(GeometryKind::load(input)?),
            found => return Err(DecodeError::Unknown { what: "a type", found }),
        })
    }
}
