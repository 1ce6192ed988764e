//! Definitions: CREATE, ALTER, DROP, RENAME, TRUNCATE.

mod alter;
mod alter_parts;
mod builder;
mod create;
mod database;
mod default;
mod drop;
mod foreign_key;
mod index;
mod keys;
mod types;
mod view;

pub(crate) use default::literal;
pub(crate) use types::{charset, collation};

use crate::session::Session;
use aurora_catalog::{Catalog, CatalogChange, CatalogError, ClosedTable, IndexState, TableDef};
use aurora_executor::TableInfo;
use aurora_parser::{ObjectName, Parsed};
use aurora_types::error::{ER_BAD_DB_ERROR, ER_INTERNAL_ERROR, ER_NO_DB_ERROR, ER_NO_SUCH_TABLE};
use aurora_types::{SqlError, SqlResult};
use builder::{BuildWith, NO_STORAGE};
use std::sync::Arc;

pub(crate) fn catalog_error(error: CatalogError) -> SqlError {
    match error {
        CatalogError::Txn(error) => error.into(),
        other => SqlError::new(ER_INTERNAL_ERROR, &[&other]),
    }
}

impl Session {
    /// Schema and name of an object, the default database filled in.
    ///
    /// # Errors
    /// 1046 without a default database.
    pub(crate) fn qualify(&self, name: &ObjectName) -> SqlResult<(String, String)> {
        let schema = match &name.schema {
            Some(schema) => schema.as_str().to_owned(),
            None => self.state.database.clone().ok_or_else(|| SqlError::new(ER_NO_DB_ERROR, &[]))?,
        };
        Ok((schema, name.name.as_str().to_owned()))
    }

    /// The schema must be there and belong to users.
    pub(crate) fn require_schema(&self, schema: &str) -> SqlResult<()> {
        if crate::info_schema::has_schema(schema) {
            return Err(self.denied_on_schema(schema));
        }
        if self.state.shared.catalog.snapshot().schema(schema).is_none() {
            return Err(SqlError::new(ER_BAD_DB_ERROR, &[&schema]));
        }
        Ok(())
    }

    pub(crate) fn build_with<'p>(&'p self, parsed: &'p Parsed, sql: &'p [u8]) -> BuildWith<'p> {
        BuildWith {
            ast: &parsed.ast,
            sql,
            sql_mode: self.state.sql_mode,
            zone: &self.state.zone,
            client: self.state.client_collation,
            now: self.state.zone.local(self.state.started.get()).unwrap_or(aurora_types::DateTime::ZERO),
            now_s: (self.state.started.get() / 1_000_000).max(0) as u64,
        }
    }

    /// A table for DDL.
    ///
    /// # Errors
    /// 1146.
    pub(crate) fn table_for_ddl(&self, schema: &str, name: &str) -> SqlResult<Arc<TableDef>> {
        let temporary = self.temporary.iter().find(|table| table.schema == schema && table.name == name);
        if let Some(table) = temporary {
            return Ok(table.clone());
        }
        let snapshot = self.state.shared.catalog.snapshot();
        snapshot
            .table(schema, name)
            .cloned()
            .ok_or_else(|| SqlError::new(ER_NO_SUCH_TABLE, &[&schema, &name]))
    }

    /// Waits until this session alone uses the table. Tables of LOCK TABLES … WRITE are its own already.
    pub(crate) fn close_table(&self, table: &TableDef) -> SqlResult<Option<ClosedTable>> {
        let held = self
            .locked
            .as_ref()
            .is_some_and(|locked| locked.tables.iter().any(|(id, _, write)| *id == table.id && *write));
        if held || table.temporary {
            return Ok(None);
        }
        let wait = self.waiting(self.lock_wait_timeout());
        Ok(Some(self.state.shared.catalog.close_table(table.id, 0, wait)?))
    }

    /// Gives every index that needs a key range one.
    pub(crate) fn number_storage(&self, table: &mut TableDef) -> SqlResult<()> {
        let catalog: &Catalog = &self.state.shared.catalog;
        if table.storage == NO_STORAGE {
            table.storage = catalog.new_storage_id()?;
        }
        let clustered = table.storage;
        for index in &mut table.indexes {
            if index.kind == aurora_catalog::IndexKind::Primary {
                index.storage = clustered;
            } else if index.storage == NO_STORAGE && index.state != IndexState::SchemaOnly {
                index.storage = catalog.new_storage_id()?;
            }
        }
        Ok(())
    }

    /// The shape of a definition that may not be in the catalog yet.
    pub(crate) fn new_table_info(
        &self,
        table: &Arc<TableDef>,
        definitions: &aurora_catalog::CatalogSnapshot,
    ) -> SqlResult<Arc<TableInfo>> {
        let expressions = self.resolve_table_expressions(table, definitions)?;
        Ok(Arc::new(TableInfo::new(table.clone(), expressions)?))
    }

    pub(crate) fn commit_change(&mut self, change: CatalogChange<'_>) -> SqlResult<()> {
        change.commit().map_err(catalog_error)?;
        Ok(())
    }
}
