//! Rows about indexes and constraints.

use super::rows::{Rows, number, text, yes_no};
use aurora_catalog::{IndexDef, IndexKind, KeyPart, ReferentialAction, TableDef};
use aurora_types::{SqlResult, Value};

/// The names that MySQL gives to an index's columns in order.
fn part_name(table: &TableDef, part: &KeyPart) -> Option<String> {
    match part {
        KeyPart::Column(id) => table.column(*id).map(|column| column.name.clone()),
        KeyPart::Expression(_) => None,
    }
}

impl Rows<'_> {
    pub(super) fn statistics(&self) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            for index in &table.indexes {
                let counts = self.session.cardinality(&table, index, self.catalog)?;
                for (at, part) in index.parts.iter().enumerate() {
                    let column = match &part.part {
                        KeyPart::Column(id) => table.column(*id),
                        KeyPart::Expression(_) => None,
                    };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        Value::Int(i64::from(!index.is_unique())),
                        text(&table.schema),
                        text(&index.name),
                        number(at + 1),
                        part_name(&table, &part.part).map_or(Value::Null, text),
                        match index.kind {
                            IndexKind::FullText => Value::Null,
                            _ if part.descending => text("D"),
                            _ => text("A"),
                        },
                        counts
                            .get(at)
                            .map_or(Value::Null, |&n| Value::Int(i64::try_from(n).unwrap_or(i64::MAX))),
                        part.prefix_length.map_or(Value::Null, |n| Value::Int(i64::from(n))),
                        Value::Null,
                        text(if column.is_some_and(|c| c.ty.nullable) { "YES" } else { "" }),
                        text(index_type(index)),
                        text(""),
                        text(&index.comment),
                        yes_no(!index.invisible),
                        match &part.part {
                            KeyPart::Expression(expression) => text(expression),
                            KeyPart::Column(_) => Value::Null,
                        },
                    ]);
                }
            }
        }
        Ok(rows)
    }

    pub(super) fn key_column_usage(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            for index in table.indexes.iter().filter(|index| index.is_unique()) {
                for (at, part) in index.parts.iter().enumerate() {
                    let Some(column) = part_name(&table, &part.part) else { continue };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&index.name),
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        text(column),
                        number(at + 1),
                    ]);
                }
            }
            for key in &table.foreign_keys {
                for (at, id) in key.columns.iter().enumerate() {
                    let Some(column) = table.column(*id) else { continue };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&key.name),
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        text(&column.name),
                        number(at + 1),
                        number(at + 1),
                        text(&key.parent_schema),
                        text(&key.parent_table),
                        key.parent_columns.get(at).map_or(Value::Null, text),
                    ]);
                }
            }
        }
        rows
    }

    pub(super) fn table_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            let mut push = |name: &str, kind: &str, enforced: bool| {
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(name),
                    text(&table.schema),
                    text(&table.name),
                    text(kind),
                    yes_no(enforced),
                ]);
            };
            for index in table.indexes.iter().filter(|index| index.is_unique()) {
                push(
                    &index.name,
                    if index.kind == IndexKind::Primary { "PRIMARY KEY" } else { "UNIQUE" },
                    true,
                );
            }
            for key in &table.foreign_keys {
                push(&key.name, "FOREIGN KEY", true);
            }
            for check in &table.checks {
                push(&check.name, "CHECK", check.enforced);
            }
        }
        rows
    }

    pub(super) fn referential_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        let rule = |action: ReferentialAction| match action {
            ReferentialAction::NoAction => "NO ACTION",
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        for table in self.each_table() {
            for key in &table.foreign_keys {
                let unique = self.catalog.table(&key.parent_schema, &key.parent_table).and_then(|parent| {
                    parent.indexes.iter().find(|index| {
                        index.is_unique()
                            && index.parts.len() == key.parent_columns.len()
                            && index.parts.iter().zip(&key.parent_columns).all(|(part, name)| {
                                part_name(parent, &part.part)
                                    .is_some_and(|part| aurora_catalog::names_equal(&part, name))
                            })
                    })
                });
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(&key.name),
                    text("def"),
                    text(&key.parent_schema),
                    unique.map_or(Value::Null, |index| text(&index.name)),
                    text("NONE"),
                    text(rule(key.on_update)),
                    text(rule(key.on_delete)),
                    text(&table.name),
                    text(&key.parent_table),
                ]);
            }
        }
        rows
    }

    pub(super) fn check_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            for check in &table.checks {
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(&check.name),
                    text(format!("({})", check.expression)),
                ]);
            }
        }
        rows
    }
}

pub(crate) fn index_type(index: &IndexDef) -> &'static str {
    match index.kind {
        IndexKind::FullText => "FULLTEXT",
        IndexKind::Spatial => "SPATIAL",
        _ => "BTREE",
    }
}
