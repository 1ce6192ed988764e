//! Rows of TABLES and PARTITIONS.

use super::rows::{Rows, number, shown, text};
use aurora_catalog::TableDef;
use aurora_types::{SqlResult, Value};

impl Rows<'_> {
    pub(super) fn tables(&self) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for schema in ["information_schema", "performance_schema"] {
            for table in super::tables_of(schema) {
                rows.push(vec![
                    text("def"),
                    text(schema),
                    text(&table.name),
                    text(if schema == "information_schema" { "SYSTEM VIEW" } else { "BASE TABLE" }),
                    Value::Null,
                    number(10u64),
                    Value::Null,
                    number(0u64),
                ]);
            }
        }
        for table in self.each_table() {
            let size = self.session.table_size(&table)?;
            let options = {
                let mut list: Vec<String> =
                    table.options.kept.iter().map(|kept| kept.to_lowercase()).collect();
                if let Some(format) = &table.options.row_format {
                    list.insert(0, format!("row_format={format}"));
                }
                if table.options.partition_clause.is_some() {
                    list.push("partitioned".into());
                }
                list.join(" ")
            };
            let next = self
                .session
                .auto_increment_next(&table)?
                .filter(|next| *next > 1 || table.options.auto_increment.is_some());
            rows.push(vec![
                text("def"),
                text(&table.schema),
                text(&table.name),
                text("BASE TABLE"),
                text(&table.options.engine),
                number(10u64),
                text(row_format(&table)),
                number(size.rows),
                number(size.row_bytes()),
                number(size.data_bytes),
                number(0u64),
                number(size.index_bytes),
                number(0u64),
                next.map_or(Value::Null, Value::UInt),
                self.local(table.options.create_time_s),
                Value::Null,
                Value::Null,
                text(table.options.collation.name()),
                Value::Null,
                text(options),
                text(&table.options.comment),
            ]);
        }
        for view in self.catalog.schemas().flat_map(|schema| self.catalog.views(&schema.name)) {
            if self.session.may_see_table(&view.schema, &view.name) {
                let mut row = vec![text("def"), text(&view.schema), text(&view.name), text("VIEW")];
                row.resize(20, Value::Null);
                let broken = self.session.view_columns(&view.schema, &view.name).err();
                row.push(broken.map_or_else(|| text("VIEW"), |error| text(&error.message)));
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| (shown(&row[1]), shown(&row[2])));
        Ok(rows)
    }

    pub(super) fn partitions(&self, table: &TableDef) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for known in self.each_table() {
            let size = self.session.table_size(&known)?;
            let mut row = vec![Value::Null; table.columns.len()];
            for (at, column) in table.columns.iter().enumerate() {
                row[at] = match column.name.as_str() {
                    "TABLE_CATALOG" => text("def"),
                    "TABLE_SCHEMA" => text(&known.schema),
                    "TABLE_NAME" => text(&known.name),
                    "TABLE_ROWS" => number(size.rows),
                    "AVG_ROW_LENGTH" => number(size.row_bytes()),
                    "DATA_LENGTH" => number(size.data_bytes),
                    "INDEX_LENGTH" => number(size.index_bytes),
                    "DATA_FREE" | "MAX_DATA_LENGTH" => number(0u64),
                    "CREATE_TIME" => self.local(known.options.create_time_s),
                    "PARTITION_COMMENT" | "NODEGROUP" => text(""),
                    _ => Value::Null,
                };
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

pub(crate) fn row_format(table: &TableDef) -> String {
    match table.options.row_format.as_deref() {
        None => "Dynamic".into(),
        Some(word) => {
            let lower = word.to_lowercase();
            let mut chars = lower.chars();
            chars
                .next()
                .map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
        }
    }
}
