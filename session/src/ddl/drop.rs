//! DROP TABLE, TRUNCATE, RENAME TABLE.

use super::builder::{NO_STORAGE, check_name};
use crate::session::Session;
use aurora_catalog::{CatalogChange, IndexState, SchemaVersion, TableDef};
use aurora_parser::{DropTables, ObjectName};
use aurora_types::error as er;
use aurora_types::{Diagnostics, Level, SqlError, SqlResult};

impl Session {
    pub(crate) fn drop_tables(
        &mut self,
        statement: &DropTables,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<()> {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        let mut temporary = Vec::new();
        for name in &statement.names {
            let (schema, name) = self.qualify(name)?;
            if let Some(at) = self.temporary.iter().position(|t| t.schema == schema && t.name == name) {
                temporary.push(at);
                continue;
            }
            let snapshot = self.state.shared.catalog.snapshot();
            if crate::info_schema::has_schema(&schema) {
                return Err(self.denied_on_schema(&schema));
            }
            match snapshot.table(&schema, &name) {
                Some(table) if !statement.temporary => found.push(table.clone()),
                _ => missing.push(format!("{schema}.{name}")),
            }
        }
        if !missing.is_empty() {
            let error = SqlError::new(er::ER_BAD_TABLE_ERROR, &[&missing.join(",")]);
            if !statement.if_exists {
                return Err(error);
            }
            for name in &missing {
                let error = SqlError::new(er::ER_BAD_TABLE_ERROR, &[name]);
                diagnostics.push(Level::Note, error.code, error.message);
            }
        }
        if !temporary.is_empty() {
            let change = self.state.shared.catalog.change();
            for at in &temporary {
                let table = &self.temporary[*at];
                change.delete_storage(table.storage)?;
                for index in &table.indexes {
                    change.delete_storage(index.storage)?;
                }
            }
            change.commit().map_err(super::catalog_error)?;
            temporary.sort_unstable();
            for at in temporary.into_iter().rev() {
                self.temporary.remove(at);
            }
            self.forget_plans();
        }
        if found.is_empty() {
            return Ok(());
        }
        if self.state.settings.foreign_key_checks {
            let snapshot = self.state.shared.catalog.snapshot();
            for table in &found {
                for (child, number) in snapshot.children(&table.schema, &table.name) {
                    if !found.iter().any(|other| other.id == child.id) {
                        let key = &child.foreign_keys[number].name;
                        let args: [&dyn std::fmt::Display; 3] = [&table.name, key, &child.name];
                        return Err(SqlError::new(er::ER_FK_CANNOT_DROP_PARENT, &args));
                    }
                }
            }
        }
        found.sort_by_key(|table| table.id);
        let mut closed = Vec::with_capacity(found.len());
        for table in &found {
            closed.push(self.close_table(table)?);
        }
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        for table in &found {
            change.drop_table(&table.schema, &table.name)?;
        }
        self.commit_change(change)?;
        if let Some(locked) = &mut self.locked {
            locked.tables.retain(|(id, _, _)| !found.iter().any(|table| table.id == *id));
        }
        drop(closed);
        Ok(())
    }

    /// TRUNCATE: a new key range, the old one is dropped (STORAGE 6).
    pub(crate) fn truncate_table(&mut self, name: &ObjectName) -> SqlResult<()> {
        let (schema, name) = self.qualify(name)?;
        self.require_schema(&schema)?;
        let old = self.table_for_ddl(&schema, &name)?;
        let snapshot = self.state.shared.catalog.snapshot();
        if self.state.settings.foreign_key_checks && !old.temporary {
            let child = snapshot.children(&schema, &name).into_iter().find(|(child, _)| child.id != old.id);
            if let Some((child, number)) = child {
                let key = &child.foreign_keys[number];
                let columns: Vec<String> = key
                    .columns
                    .iter()
                    .filter_map(|id| child.column(*id))
                    .map(|column| format!("`{}`", column.name))
                    .collect();
                let parents: Vec<String> =
                    key.parent_columns.iter().map(|name| format!("`{name}`")).collect();
                let text = format!(
                    "`{}`.`{}`, CONSTRAINT `{}` FOREIGN KEY ({}) REFERENCES `{}`.`{}` ({})",
                    child.schema,
                    child.name,
                    key.name,
                    columns.join(", "),
                    key.parent_schema,
                    key.parent_table,
                    parents.join(", ")
                );
                return Err(SqlError::new(er::ER_TRUNCATE_ILLEGAL_FK, &[&text]));
            }
        }
        let closed = self.close_table(&old)?;
        let mut table = TableDef::clone(&old);
        table.version = SchemaVersion(old.version.0 + 1);
        table.storage = NO_STORAGE;
        table.options.auto_increment = None;
        for index in &mut table.indexes {
            index.storage = NO_STORAGE;
        }
        super::create::renumber_columns(&mut table);
        self.number_storage(&mut table)?;
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        change.delete_storage(old.storage)?;
        for index in &old.indexes {
            if index.storage != old.storage && index.state != IndexState::SchemaOnly {
                change.delete_storage(index.storage)?;
            }
        }
        if old.temporary {
            change.commit().map_err(super::catalog_error)?;
            self.temporary.retain(|known| known.id != old.id);
            self.temporary.push(std::sync::Arc::new(table));
            self.forget_plans();
            return Ok(());
        }
        change.put_table(table)?;
        self.commit_change(change)?;
        drop(closed);
        Ok(())
    }

    pub(crate) fn rename_tables(&mut self, renames: &[(ObjectName, ObjectName)]) -> SqlResult<()> {
        let mut pairs = Vec::new();
        for (from, to) in renames {
            pairs.push((self.qualify(from)?, self.qualify(to)?));
        }
        let mut closed = Vec::new();
        for ((schema, name), _) in &pairs {
            let snapshot = self.state.shared.catalog.snapshot();
            if let Some(table) = snapshot.table(schema, name) {
                closed.push(self.close_table(table)?);
            }
        }
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        for ((schema, name), (new_schema, new_name)) in &pairs {
            self.require_schema(new_schema)?;
            check_name(new_name)?;
            let definitions = change.definitions();
            if definitions.table(new_schema, new_name).is_some()
                || definitions.view(new_schema, new_name).is_some()
            {
                return Err(SqlError::new(er::ER_TABLE_EXISTS_ERROR, &[new_name]));
            }
            if let Some(table) = definitions.table(schema, name).cloned() {
                let mut table = TableDef::clone(&table);
                table.schema = new_schema.clone();
                table.name = new_name.clone();
                table.version = SchemaVersion(table.version.0 + 1);
                change.put_table(table)?;
                rename_parents(&mut change, schema, name, new_schema, new_name)?;
            } else if let Some(view) = definitions.view(schema, name).cloned() {
                let mut view = aurora_catalog::ViewDef::clone(&view);
                view.schema = new_schema.clone();
                view.name = new_name.clone();
                change.put_view(view)?;
            } else {
                return Err(SqlError::new(er::ER_NO_SUCH_TABLE, &[schema, name]));
            }
        }
        self.commit_change(change)?;
        drop(closed);
        Ok(())
    }
}

/// Foreign keys of other tables follow their parent to its new name.
pub(super) fn rename_parents(
    change: &mut CatalogChange<'_>,
    schema: &str,
    name: &str,
    new_schema: &str,
    new_name: &str,
) -> SqlResult<()> {
    for (child, _) in change.definitions().children(schema, name) {
        let mut child = TableDef::clone(&child);
        for key in &mut child.foreign_keys {
            if key.parent_schema == schema && key.parent_table == name {
                key.parent_schema = new_schema.to_owned();
                key.parent_table = new_name.to_owned();
            }
        }
        child.version = SchemaVersion(child.version.0 + 1);
        change.put_table(child)?;
    }
    Ok(())
}
