//! Rows of COLUMNS, and how columns are shown elsewhere.

use super::rows::{Rows, number, shown, text, yes_no};
use crate::show;
use aurora_catalog::{ColumnDef, ColumnDefault, IndexDef, IndexKind, KeyPart, TableDef};
use aurora_expr::typing;
use aurora_types::{BaseType, SqlType, Text, Value, display};

impl Rows<'_> {
    pub(super) fn columns(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for schema in ["information_schema", "performance_schema"] {
            for table in super::tables_of(schema) {
                for (at, column) in table.columns.iter().enumerate() {
                    rows.push(self.column_row(&table.schema, &table.name, at, column, ""));
                }
            }
        }
        for table in self.each_table() {
            for (at, column) in table.columns.iter().enumerate() {
                rows.push(self.column_row(&table.schema, &table.name, at, column, key_of(&table, column)));
            }
        }
        for view in self.catalog.schemas().flat_map(|schema| self.catalog.views(&schema.name)) {
            if !self.session.may_see_table(&view.schema, &view.name) {
                continue;
            }
            // A view that no longer works has none.
            let columns = self.session.view_columns(&view.schema, &view.name).unwrap_or_default();
            for (at, column) in columns.into_iter().enumerate() {
                rows.push(self.column_row(&view.schema, &view.name, at, &column, ""));
            }
        }
        rows.sort_by_key(|row| (shown(&row[1]), shown(&row[2])));
        rows
    }

    fn column_row(&self, schema: &str, table: &str, at: usize, column: &ColumnDef, key: &str) -> Vec<Value> {
        let ty = &column.ty;
        let is_character = typing::is_character(ty) && !ty.collation.is_binary() && ty.base != BaseType::Json;
        let is_string = typing::is_string(ty) && ty.base != BaseType::Json;
        let octets = u64::from(ty.length)
            * if is_character && !is_sized_in_bytes(ty) {
                u64::from(ty.collation.charset().max_bytes())
            } else {
                1
            };
        vec![
            text("def"),
            text(schema),
            text(table),
            text(&column.name),
            number(at + 1),
            default_shown(column),
            yes_no(ty.nullable),
            text(data_type(ty)),
            if is_string { Value::Int(i64::from(ty.length)) } else { Value::Null },
            if is_string { Value::Int(octets as i64) } else { Value::Null },
            numeric_precision(ty).map_or(Value::Null, Value::UInt),
            numeric_scale(ty).map_or(Value::Null, Value::UInt),
            if matches!(ty.base, BaseType::Time | BaseType::DateTime | BaseType::Timestamp) {
                number(ty.decimals)
            } else {
                Value::Null
            },
            if is_character { text(ty.collation.charset().name()) } else { Value::Null },
            if is_character { text(ty.collation.name()) } else { Value::Null },
            text(show::create::type_text(ty)),
            text(key),
            text(extra_of(column)),
            text("select,insert,update,references"),
            text(&column.comment),
            text(column.generated.as_ref().map_or("", |g| &g.expression)),
            column.srid.map_or(Value::Null, number),
        ]
    }
}

/// PRI, UNI, MUL or nothing.
pub(crate) fn key_of(table: &TableDef, column: &ColumnDef) -> &'static str {
    let leads =
        |index: &IndexDef| index.parts.first().is_some_and(|part| part.part == KeyPart::Column(column.id));
    let in_primary = table
        .primary_key()
        .is_some_and(|key| key.parts.iter().any(|part| part.part == KeyPart::Column(column.id)));
    if in_primary {
        return "PRI";
    }
    let promoted = table.primary_key().is_none()
        && table
            .indexes
            .iter()
            .find(|index| {
                index.kind == IndexKind::Unique
                    && index.parts.iter().all(|part| match part.part {
                        KeyPart::Column(id) => table.column(id).is_some_and(|c| !c.ty.nullable),
                        KeyPart::Expression(_) => false,
                    })
            })
            .is_some_and(|index| index.parts.iter().any(|part| part.part == KeyPart::Column(column.id)));
    if promoted {
        return "PRI";
    }
    if table
        .indexes
        .iter()
        .any(|index| index.kind == IndexKind::Unique && index.parts.len() == 1 && leads(index))
    {
        return "UNI";
    }
    if table.indexes.iter().any(leads) { "MUL" } else { "" }
}

pub(crate) fn extra_of(column: &ColumnDef) -> String {
    let mut extra = Vec::new();
    if column.auto_increment {
        extra.push("auto_increment".to_owned());
    }
    let fsp = if column.ty.decimals > 0 { format!("({})", column.ty.decimals) } else { String::new() };
    if matches!(column.default, ColumnDefault::CurrentTimestamp | ColumnDefault::Expression(_)) {
        extra.push("DEFAULT_GENERATED".into());
    }
    if column.on_update_now {
        extra.push(format!("on update CURRENT_TIMESTAMP{fsp}"));
    }
    if let Some(generated) = &column.generated {
        extra.push(if generated.stored { "STORED GENERATED".into() } else { "VIRTUAL GENERATED".into() });
    }
    if column.invisible {
        extra.push("INVISIBLE".into());
    }
    extra.join(" ")
}

/// COLUMN_DEFAULT.
pub(crate) fn default_shown(column: &ColumnDef) -> Value {
    match &column.default {
        ColumnDefault::None | ColumnDefault::Null => Value::Null,
        ColumnDefault::CurrentTimestamp if column.ty.decimals > 0 => {
            text(format!("CURRENT_TIMESTAMP({})", column.ty.decimals))
        }
        ColumnDefault::CurrentTimestamp => text("CURRENT_TIMESTAMP"),
        ColumnDefault::Expression(expression) => text(expression),
        ColumnDefault::Value(value) => {
            if column.ty.base == BaseType::Bit {
                return text(show::create::default_text(column, value));
            }
            let mut out = Vec::new();
            display::write_text(value.as_ref(), &column.ty, &mut out);
            Value::Text(Text::from(out))
        }
    }
}

/// DATA_TYPE: the first word of the type.
fn data_type(ty: &SqlType) -> String {
    let text = show::create::type_text(ty);
    text.split(['(', ' ']).next().unwrap_or("").to_owned()
}

fn is_sized_in_bytes(ty: &SqlType) -> bool {
    matches!(ty.base, BaseType::TinyText | BaseType::Text | BaseType::MediumText | BaseType::LongText)
}

fn numeric_precision(ty: &SqlType) -> Option<u64> {
    Some(match ty.base {
        BaseType::TinyInt => 3,
        BaseType::SmallInt => 5,
        BaseType::MediumInt => 7,
        BaseType::Int => 10,
        BaseType::BigInt if ty.unsigned => 20,
        BaseType::BigInt => 19,
        BaseType::Float => {
            if ty.decimals < 31 {
                u64::from(ty.length)
            } else {
                12
            }
        }
        BaseType::Double => {
            if ty.decimals < 31 {
                u64::from(ty.length)
            } else {
                22
            }
        }
        BaseType::Decimal | BaseType::Bit => u64::from(ty.length),
        _ => return None,
    })
}

fn numeric_scale(ty: &SqlType) -> Option<u64> {
    match ty.base {
        BaseType::TinyInt | BaseType::SmallInt | BaseType::MediumInt | BaseType::Int | BaseType::BigInt => {
            Some(0)
        }
        BaseType::Decimal => Some(ty.decimals.into()),
        BaseType::Float | BaseType::Double if ty.decimals < 31 => Some(ty.decimals.into()),
        _ => None,
    }
}
