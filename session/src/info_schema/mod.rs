//! `information_schema` and `performance_schema`: tables that the server fills when they are read.
//!
//! Their columns are MySQL's own (`tables.tsv`). A table that has nothing to tell here (routines, triggers, events)
//! is empty because there are none, not because nobody looked.

mod columns;
mod definitions;
mod dives;
mod keys;
mod rows;
mod samples;
mod sizes;
mod tables;

pub(crate) use columns::{default_shown, extra_of, key_of};
pub(crate) use keys::index_type;
pub(crate) use rows::Rows;
pub(crate) use samples::{PlanStatistics, Samples};

use aurora_catalog::{
    ColumnDef, ColumnDefault, ColumnId, SchemaVersion, StorageId, TableDef, TableId, TableOptions,
};
use aurora_types::{BaseType, CollationId, SqlType};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// Whether the server itself owns the database.
pub fn has_schema(name: &str) -> bool {
    name.eq_ignore_ascii_case("information_schema") || name.eq_ignore_ascii_case("performance_schema")
}

static TABLES: &str = include_str!("tables.tsv");

type Known = HashMap<(String, String), Arc<TableDef>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut columns: BTreeMap<(String, String), Vec<ColumnDef>> = BTreeMap::new();
        for line in TABLES.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (Some(table), Some(name), Some(ty)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let nullable = fields.next() == Some("YES");
            let collation = fields.next().unwrap_or("");
            let Some((schema, table)) = table.split_once('.') else { continue };
            let list = columns.entry((schema.to_owned(), table.to_owned())).or_default();
            let mut ty = definitions::type_of(ty, collation);
            ty.nullable = nullable;
            list.push(column(list.len() as u32, name, ty));
        }
        let mut tables = Known::new();
        for (number, ((schema, name), columns)) in columns.into_iter().enumerate() {
            let id = u64::MAX - number as u64;
            let table = table_def(TableId(id), &schema, &name, columns);
            tables.insert((schema, name.to_uppercase()), Arc::new(table));
        }
        tables
    })
}

fn table_def(id: TableId, schema: &str, name: &str, columns: Vec<ColumnDef>) -> TableDef {
    TableDef {
        id,
        schema: schema.to_owned(),
        name: name.to_owned(),
        version: SchemaVersion(1),
        next_column_id: columns.len() as u32,
        columns,
        storage: StorageId(id.0),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        options: TableOptions {
            engine: String::new(),
            collation: CollationId::UTF8MB3_GENERAL_CI,
            comment: String::new(),
            auto_increment: None,
            row_format: None,
            kept: Vec::new(),
            create_time_s: 0,
            partition_clause: None,
        },
        next_index_id: 1,
        temporary: false,
    }
}

/// A column of a name and a type and nothing else.
pub fn column(id: u32, name: &str, ty: SqlType) -> ColumnDef {
    ColumnDef {
        id: ColumnId(id),
        name: name.to_owned(),
        ty,
        default: ColumnDefault::None,
        on_update_now: false,
        auto_increment: false,
        generated: None,
        comment: String::new(),
        invisible: false,
        srid: None,
        explicit_charset: false,
        explicit_collation: false,
        added_value: None,
    }
}

/// A table of the server's own databases; names in any letter case.
pub fn table(schema: &str, name: &str) -> Option<Arc<TableDef>> {
    known().get(&(schema.to_lowercase(), name.to_uppercase())).cloned()
}

/// All tables of one of the server's databases, by name.
pub fn tables_of(schema: &str) -> Vec<Arc<TableDef>> {
    let schema = schema.to_lowercase();
    let mut tables: Vec<_> =
        known().iter().filter(|((known, _), _)| *known == schema).map(|(_, table)| table.clone()).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables
}

/// The columns of a SHOW as a table, for its WHERE.
pub fn listing_table(columns: &[(&str, SqlType)]) -> Arc<TableDef> {
    let columns =
        columns.iter().enumerate().map(|(at, (name, ty))| column(at as u32, name, ty.clone())).collect();
    Arc::new(table_def(TableId(u64::MAX), "", "", columns))
}

/// For the planner.
pub struct ServerTables;

impl aurora_planner::VirtualTables for ServerTables {
    fn table(&self, schema: &str, name: &str) -> Option<Arc<TableDef>> {
        table(schema, name)
    }

    fn has_schema(&self, schema: &str) -> bool {
        has_schema(schema)
    }
}

/// A plain text type.
pub fn text_type(chars: u32) -> SqlType {
    let mut ty = SqlType::new(BaseType::VarChar, chars);
    ty.collation = CollationId::UTF8MB3_GENERAL_CI;
    ty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_becomes_a_column() {
        let columns: usize = known().values().map(|table| table.columns.len()).sum();
        assert_eq!(columns, TABLES.lines().filter(|line| !line.starts_with('#')).count());
        let tables = table("INFORMATION_SCHEMA", "tables").expect("known");
        assert_eq!(tables.columns[1].name, "TABLE_SCHEMA");
        assert!(table("information_schema", "nothing").is_none());
    }
}
