//! Databases.

use super::builder::check_name;
use super::types::resolve_collation;
use crate::session::Session;
use aurora_catalog::SchemaDef;
use aurora_parser::{AlterDatabase, CreateDatabase};
use aurora_types::error as er;
use aurora_types::{CollationId, Diagnostics, Level, SqlError, SqlResult};

impl Session {
    /// `collation_server`.
    fn server_collation(&self) -> CollationId {
        aurora_types::collation::lookup(&self.state.variables.text("collation_server"))
            .unwrap_or(CollationId::UTF8MB4_0900_AI_CI)
    }

    pub(crate) fn create_database(
        &mut self,
        statement: &CreateDatabase,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let name = statement.name.as_str();
        check_name(name)?;
        if name.is_empty() || name.ends_with(' ') {
            return Err(SqlError::new(er::ER_WRONG_DB_NAME, &[&name]));
        }
        if crate::info_schema::has_schema(name) {
            return Err(self.denied_on_schema(name));
        }
        let options = &statement.options;
        let collation =
            resolve_collation(options.charset.as_ref(), options.collation.as_ref(), self.server_collation())?;
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        if change.definitions().schema(name).is_some() {
            let error = SqlError::new(er::ER_DB_CREATE_EXISTS, &[&name]);
            if statement.if_not_exists {
                diagnostics.push(Level::Note, error.code, error.message);
                return Ok(1);
            }
            return Err(error);
        }
        let id = shared.catalog.new_schema_id()?;
        change.put_schema(SchemaDef { id, name: name.to_owned(), collation, read_only: false })?;
        self.commit_change(change)?;
        Ok(1)
    }

    pub(crate) fn alter_database(&mut self, statement: &AlterDatabase) -> SqlResult<u64> {
        let name = match &statement.name {
            Some(name) => name.as_str().to_owned(),
            None => self.state.database.clone().ok_or_else(|| SqlError::new(er::ER_NO_DB_ERROR, &[]))?,
        };
        self.require_schema(&name)?;
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        let Some(schema) = change.definitions().schema(&name) else {
            return Err(SqlError::new(er::ER_BAD_DB_ERROR, &[&name]));
        };
        let mut schema = SchemaDef::clone(schema);
        let options = &statement.options;
        schema.collation =
            resolve_collation(options.charset.as_ref(), options.collation.as_ref(), schema.collation)?;
        if let Some(read_only) = options.read_only {
            schema.read_only = read_only.unwrap_or(false);
        }
        change.put_schema(schema)?;
        self.commit_change(change)?;
        Ok(1)
    }

    /// Drops a database with its tables; how many there were.
    pub(crate) fn drop_database(
        &mut self,
        name: &str,
        if_exists: bool,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        if crate::info_schema::has_schema(name) {
            return Err(self.denied_on_schema(name));
        }
        let shared = self.state.shared.clone();
        let snapshot = shared.catalog.snapshot();
        if snapshot.schema(name).is_none() {
            let error = SqlError::new(er::ER_DB_DROP_EXISTS, &[&name]);
            if if_exists {
                diagnostics.push(Level::Note, error.code, error.message);
                return Ok(0);
            }
            return Err(error);
        }
        let mut tables: Vec<_> = snapshot.tables(name).cloned().collect();
        if self.state.settings.foreign_key_checks {
            for table in &tables {
                for (child, number) in snapshot.children(name, &table.name) {
                    if child.schema != name {
                        let key = &child.foreign_keys[number].name;
                        let args: [&dyn std::fmt::Display; 3] = [&table.name, key, &child.name];
                        return Err(SqlError::new(er::ER_FK_CANNOT_DROP_PARENT, &args));
                    }
                }
            }
        }
        tables.sort_by_key(|table| table.id);
        let mut closed = Vec::with_capacity(tables.len());
        for table in &tables {
            closed.push(self.close_table(table)?);
        }
        let mut change = shared.catalog.change();
        change.drop_schema(name)?;
        self.commit_change(change)?;
        drop(closed);
        if self.state.database.as_deref() == Some(name) {
            self.state.database = None;
            self.connection.doing.lock().database = None;
        }
        Ok(tables.len() as u64)
    }
}
