//! Foreign keys meet their parents.

use crate::session::Session;
use aurora_catalog::{CatalogSnapshot, ColumnDef, IndexKind, KeyPart, TableDef, names_equal};
use aurora_types::error as er;
use aurora_types::{BaseType, SqlError, SqlResult};

impl Session {
    /// Fills in parent columns and checks that they fit, unless `foreign_key_checks` is off.
    pub(crate) fn resolve_foreign_keys(
        &self,
        table: &mut TableDef,
        definitions: &CatalogSnapshot,
    ) -> SqlResult<()> {
        let checks = self.state.settings.foreign_key_checks;
        let own = table.clone();
        for key in &mut table.foreign_keys {
            let is_self = key.parent_schema == own.schema && key.parent_table == own.name;
            let parent = if is_self {
                Some(&own)
            } else {
                definitions.table(&key.parent_schema, &key.parent_table).map(|parent| &**parent)
            };
            let Some(parent) = parent else {
                if checks {
                    return Err(SqlError::new(er::ER_FK_CANNOT_OPEN_PARENT, &[&key.parent_table]));
                }
                continue;
            };
            if key.parent_columns.is_empty() {
                // REFERENCES t: its primary key.
                let Some(primary) = parent.primary_key() else {
                    return Err(no_index(&key.name, &key.parent_table));
                };
                key.parent_columns = primary
                    .parts
                    .iter()
                    .filter_map(|part| match part.part {
                        KeyPart::Column(id) => parent.column(id).map(|column| column.name.clone()),
                        KeyPart::Expression(_) => None,
                    })
                    .collect();
            }
            let mut parents: Vec<&ColumnDef> = Vec::new();
            for name in &key.parent_columns {
                match parent.columns.iter().find(|column| names_equal(&column.name, name)) {
                    Some(column) => parents.push(column),
                    None => {
                        let args: [&dyn std::fmt::Display; 3] = [name, &key.name, &key.parent_table];
                        return Err(SqlError::new(er::ER_FK_NO_COLUMN_PARENT, &args));
                    }
                }
            }
            for (id, parent_column) in key.columns.iter().zip(&parents) {
                if let Some(column) = own.column(*id)
                    && !compatible(column, parent_column)
                    && checks
                {
                    let args: [&dyn std::fmt::Display; 3] = [&column.name, &parent_column.name, &key.name];
                    return Err(SqlError::new(er::ER_FK_INCOMPATIBLE_COLUMNS, &args));
                }
            }
            let ids: Vec<_> = parents.iter().map(|column| column.id).collect();
            let indexed = parent.indexes.iter().any(|index| {
                !matches!(index.kind, IndexKind::FullText | IndexKind::Spatial)
                    && index.parts.len() >= ids.len()
                    && index.parts[..ids.len()].iter().all(|part| {
                        part.prefix_length.is_none()
                            && matches!(part.part, KeyPart::Column(id) if ids.contains(&id))
                    })
            });
            if !indexed && checks {
                return Err(no_index(&key.name, &key.parent_table));
            }
        }
        Ok(())
    }
}

fn no_index(key: &str, parent: &str) -> SqlError {
    SqlError::new(er::ER_FK_NO_INDEX_PARENT, &[&key, &parent])
}

/// Same type and sign; strings of the same collation.
fn compatible(a: &ColumnDef, b: &ColumnDef) -> bool {
    let (a, b) = (&a.ty, &b.ty);
    let is_string = |base: &BaseType| matches!(base, BaseType::Char | BaseType::VarChar);
    if is_string(&a.base) && is_string(&b.base) {
        return a.collation == b.collation;
    }
    std::mem::discriminant(&a.base) == std::mem::discriminant(&b.base)
        && a.unsigned == b.unsigned
        && (a.base != BaseType::Decimal || (a.length == b.length && a.decimals == b.decimals))
}
