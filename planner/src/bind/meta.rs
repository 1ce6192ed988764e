//! What clients are told about result columns.

use super::{Origin, scope::Item};
use aurora_catalog::{ColumnDefault, IndexKind, KeyPart, TableDef};
use aurora_expr::ExprKind;
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{BaseType, ColumnFlags, ColumnMeta, SqlType};

/// The column is a part of some key (MySQL's PART_KEY_FLAG).
const PART_KEY: u16 = 16384;

/// Where a column of a table comes from, with its flags of keys and defaults.
pub(crate) fn origin_of(table: &TableDef, at: usize) -> Origin {
    let column = &table.columns[at];
    let mut flags = 0;
    for index in &table.indexes {
        let first = index.parts.first().is_some_and(|part| part.part == KeyPart::Column(column.id));
        let any = index.parts.iter().any(|part| part.part == KeyPart::Column(column.id));
        if any {
            flags |= PART_KEY;
        }
        match index.kind {
            IndexKind::Primary if any => flags |= ColumnFlags::PRI_KEY,
            IndexKind::Unique if first && index.parts.len() == 1 => flags |= ColumnFlags::UNIQUE_KEY,
            IndexKind::Unique | IndexKind::Secondary if first => flags |= ColumnFlags::MULTIPLE_KEY,
            _ => {}
        }
    }
    if column.auto_increment {
        flags |= ColumnFlags::AUTO_INCREMENT;
    }
    if matches!(column.default, ColumnDefault::None)
        && !column.ty.nullable
        && !column.auto_increment
        && column.generated.is_none()
    {
        flags |= ColumnFlags::NO_DEFAULT_VALUE;
    }
    if column.on_update_now {
        flags |= ColumnFlags::ON_UPDATE_NOW;
    }
    if column.on_update_now || (column.ty.base == BaseType::Timestamp && !column.ty.nullable) {
        flags |= ColumnFlags::TIMESTAMP;
    }
    Origin {
        schema: table.schema.clone(),
        org_table: table.name.clone(),
        org_name: column.name.clone(),
        flags: ColumnFlags(flags | type_flags(&column.ty, true)),
    }
}

/// The origin of a column behind a derived table, which has no keys.
pub(crate) fn derived_origin(item: &Item) -> Option<Origin> {
    let origin = item.origin.clone()?;
    Some(Origin { flags: ColumnFlags(type_flags(&item.expr.ty, true)), ..origin })
}

fn type_flags(ty: &SqlType, is_column: bool) -> u16 {
    use BaseType as B;
    let mut flags = 0;
    if ty.unsigned {
        flags |= ColumnFlags::UNSIGNED;
    }
    if ty.zerofill && is_column {
        flags |= ColumnFlags::ZEROFILL;
    }
    match &ty.base {
        B::TinyInt
        | B::SmallInt
        | B::MediumInt
        | B::Int
        | B::BigInt
        | B::Float
        | B::Double
        | B::Decimal
        | B::Null => {
            flags |= ColumnFlags::NUM;
            if !is_column {
                flags |= ColumnFlags::BINARY;
            }
        }
        B::Year => {
            flags |= ColumnFlags::NUM | ColumnFlags::UNSIGNED;
            flags |= if is_column { ColumnFlags::ZEROFILL } else { ColumnFlags::BINARY };
        }
        B::Bit => flags |= ColumnFlags::UNSIGNED,
        B::Date | B::Time | B::DateTime | B::Timestamp => flags |= ColumnFlags::BINARY,
        B::Enum(_) => flags |= ColumnFlags::ENUM,
        B::Set(_) => flags |= ColumnFlags::SET,
        B::TinyText | B::Text | B::MediumText | B::LongText => flags |= ColumnFlags::BLOB,
        B::Json | B::Geometry(_) => flags |= ColumnFlags::BLOB | ColumnFlags::BINARY,
        B::Char | B::VarChar => {}
    }
    if is_text(ty) && ty.base != B::Json && ty.collation.is_bin() {
        flags |= ColumnFlags::BINARY;
    }
    flags
}

fn is_text(ty: &SqlType) -> bool {
    use BaseType as B;
    matches!(
        ty.base,
        B::Char
            | B::VarChar
            | B::TinyText
            | B::Text
            | B::MediumText
            | B::LongText
            | B::Enum(_)
            | B::Set(_)
            | B::Json
    )
}

/// The metadata of a select item. `computed`: its value is not read from a table, nor from a temporary one that the
/// statement makes, so that a string announces an unknown number of decimals.
pub(crate) fn column_meta(item: &Item, computed: bool) -> ColumnMeta {
    let mut ty = item.expr.ty.clone();
    if computed
        && !matches!(item.expr.kind, ExprKind::HexLiteral(_))
        && item.origin.is_none()
        && (item.table.is_empty() || !matches!(item.expr.kind, ExprKind::Column(_)))
        && is_text(&ty)
    {
        ty.decimals = NOT_FIXED_DECIMALS;
    }
    let null = if ty.nullable { 0 } else { ColumnFlags::NOT_NULL };
    match &item.origin {
        Some(origin) => ColumnMeta {
            schema: origin.schema.clone(),
            table: item.table.clone(),
            org_table: origin.org_table.clone(),
            name: item.name.clone(),
            org_name: origin.org_name.clone(),
            flags: ColumnFlags(origin.flags.0 | null),
            ty,
        },
        None => ColumnMeta {
            schema: String::new(),
            table: item.table.clone(),
            org_table: String::new(),
            name: item.name.clone(),
            org_name: if item.table.is_empty() { String::new() } else { item.name.clone() },
            flags: ColumnFlags(type_flags(&ty, !item.table.is_empty()) | null),
            ty,
        },
    }
}
