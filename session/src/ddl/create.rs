//! CREATE TABLE.

use super::builder::{TableBuilder, check_name, empty_table, table_collation};
use crate::session::Session;
use aurora_catalog::{IndexState, TableDef};
use aurora_parser::{CreateTable, CreateTableBody, Parsed, TableElement, TableOption};
use aurora_txn::CounterKind;
use aurora_types::error::{
    ER_NO_SUCH_TABLE, ER_NOT_SUPPORTED_YET, ER_TABLE_EXISTS_ERROR, ER_WRONG_TABLE_NAME,
};
use aurora_types::{Diagnostics, Level, RowSink, SqlError, SqlResult};
use std::sync::Arc;

impl Session {
    /// CREATE TABLE; rows inserted by `… SELECT`.
    pub(crate) fn create_table(
        &mut self,
        statement: &CreateTable,
        parsed: &Parsed,
        sql: &[u8],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<u64> {
        let (schema, name) = self.qualify(&statement.name)?;
        self.require_schema(&schema)?;
        check_name(&name)?;
        if name.is_empty() || name.ends_with(' ') {
            return Err(SqlError::new(ER_WRONG_TABLE_NAME, &[&name]));
        }
        if statement.external {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"CREATE EXTERNAL TABLE"]));
        }
        let snapshot = self.state.shared.catalog.snapshot();
        let exists = if statement.temporary {
            self.temporary.iter().any(|table| table.schema == schema && table.name == name)
        } else {
            snapshot.table(&schema, &name).is_some() || snapshot.view(&schema, &name).is_some()
        };
        if exists {
            let error = SqlError::new(ER_TABLE_EXISTS_ERROR, &[&name]);
            if statement.if_not_exists {
                diagnostics.push(Level::Note, error.code, error.message);
                return Ok(0);
            }
            return Err(error);
        }
        let mut query = None;
        let mut table = match &statement.body {
            CreateTableBody::Like(source) => {
                let (from_schema, from_name) = self.qualify(source)?;
                let table = self.table_like(&from_schema, &from_name, &schema, &name)?;
                super::types::warn_of_unsigned(&table, diagnostics);
                table
            }
            CreateTableBody::Definition { elements, options, partitioning, query: source } => {
                let default =
                    snapshot.schema(&schema).map_or(self.state.connection_collation, |s| s.collation);
                let refs: Vec<&TableOption> = options.iter().collect();
                let collation = table_collation(&refs, default)?;
                let with = self.build_with(parsed, sql);
                let mut empty = empty_table(&schema, &name, collation, with.now_s);
                if let Some(partitioning) = partitioning {
                    empty.options.partition_clause = Some(with.source(partitioning.source));
                    diagnostics.push(
                        Level::Warning,
                        ER_NOT_SUPPORTED_YET.code,
                        format!(
                            "Partitions of table '{name}' are kept in the schema; its rows lie in one piece"
                        ),
                    );
                }
                let mut builder = TableBuilder::new(empty, &with, diagnostics);
                for option in options {
                    builder.option(option)?;
                }
                for element in elements {
                    if let TableElement::Column(column) = element {
                        let at = builder.table.columns.len();
                        builder.add_column(column, at)?;
                    }
                }
                if let Some((_, source)) = source {
                    query = Some(*source);
                    let columns = self.query_metas(parsed, *source)?;
                    super::create::add_query_columns(&mut builder.table, columns, &snapshot);
                }
                for element in elements {
                    match element {
                        TableElement::Column(column) => builder.column_keys(column)?,
                        TableElement::Key(key) => builder.add_key(key)?,
                        TableElement::Check(check) => builder.add_check(check)?,
                        TableElement::ForeignKey(_) => {}
                    }
                }
                // Behind the explicit keys, which may serve them.
                for element in elements {
                    if let TableElement::ForeignKey(key) = element {
                        builder.add_foreign_key(key)?;
                    }
                }
                builder.finish()?
            }
        };
        table.temporary = statement.temporary;
        self.install_new_table(table)?;
        match query {
            Some(_) => self.fill_created_table(statement, parsed, sql, &schema, &name, diagnostics, sink),
            None => Ok(0),
        }
    }

    /// Checks, numbers and stores a new definition.
    pub(crate) fn install_new_table(&mut self, mut table: TableDef) -> SqlResult<()> {
        let shared = self.state.shared.clone();
        table.id = shared.catalog.new_table_id()?;
        self.number_storage(&mut table)?;
        if table.temporary {
            if !table.foreign_keys.is_empty() {
                table.foreign_keys.clear();
            }
            let snapshot = shared.catalog.snapshot();
            let table = Arc::new(table);
            self.new_table_info(&table, &snapshot)?;
            self.set_auto_increment(&table)?;
            self.temporary.push(table);
            self.forget_plans();
            return Ok(());
        }
        let mut change = shared.catalog.change();
        if change.definitions().schema(&table.schema).is_none() {
            return Err(SqlError::new(aurora_types::error::ER_BAD_DB_ERROR, &[&table.schema]));
        }
        if change.definitions().table(&table.schema, &table.name).is_some() {
            return Err(SqlError::new(ER_TABLE_EXISTS_ERROR, &[&table.name]));
        }
        self.resolve_foreign_keys(&mut table, change.definitions())?;
        self.set_auto_increment(&table)?;
        let probe = Arc::new(table.clone());
        self.new_table_info(&probe, change.definitions())?;
        change.put_table(table)?;
        self.commit_change(change)
    }

    /// `AUTO_INCREMENT = n`.
    pub(crate) fn set_auto_increment(&self, table: &TableDef) -> SqlResult<()> {
        if let Some(next) = table.options.auto_increment
            && next > 1
        {
            let counters = self.state.shared.catalog.manager().counters();
            counters.at_least(CounterKind::AutoIncrement, table.storage.0, next - 1)?;
        }
        Ok(())
    }

    fn table_like(
        &self,
        from_schema: &str,
        from_name: &str,
        schema: &str,
        name: &str,
    ) -> SqlResult<TableDef> {
        let source = self
            .table_for_ddl(from_schema, from_name)
            .map_err(|_| SqlError::new(ER_NO_SUCH_TABLE, &[&from_schema, &from_name]))?;
        let mut table = TableDef::clone(&source);
        table.schema = schema.to_owned();
        table.name = name.to_owned();
        table.storage = super::builder::NO_STORAGE;
        table.options.auto_increment = None;
        table.options.create_time_s = (self.state.started.get() / 1_000_000).max(0) as u64;
        for index in &mut table.indexes {
            index.storage = super::builder::NO_STORAGE;
            if index.state != IndexState::SchemaOnly {
                index.state = IndexState::Public;
            }
        }
        // As MySQL: foreign keys are not copied, checks get names of their own.
        table.foreign_keys.clear();
        for (n, check) in table.checks.iter_mut().enumerate() {
            check.name = format!("{name}_chk_{}", n + 1);
        }
        renumber_columns(&mut table);
        Ok(table)
    }
}

/// Gives columns ids in the order of their places, as a table without rows can.
pub(super) fn renumber_columns(table: &mut TableDef) {
    use aurora_catalog::{ColumnId, KeyPart};
    let old: Vec<ColumnId> = table.columns.iter().map(|column| column.id).collect();
    let new_id =
        |id: ColumnId| old.iter().position(|known| *known == id).map_or(id, |at| ColumnId(at as u32));
    for index in &mut table.indexes {
        for part in &mut index.parts {
            if let KeyPart::Column(id) = &mut part.part {
                *id = new_id(*id);
            }
        }
    }
    for key in &mut table.foreign_keys {
        for id in &mut key.columns {
            *id = new_id(*id);
        }
    }
    for (at, column) in table.columns.iter_mut().enumerate() {
        column.id = ColumnId(at as u32);
        column.added_value = None;
    }
    table.next_column_id = table.columns.len() as u32;
}

/// Columns of the query that the definition does not name already come behind those that it does.
/// Defaults and comments come along with columns of tables.
fn add_query_columns(
    table: &mut TableDef,
    columns: Vec<aurora_types::ColumnMeta>,
    snapshot: &aurora_catalog::CatalogSnapshot,
) {
    for aurora_types::ColumnMeta { name, ty, schema, org_table, org_name, flags, .. } in columns {
        let source = snapshot.table(&schema, &org_table);
        let source = source.as_ref().and_then(|source| {
            source.columns.iter().find(|known| known.name == org_name && known.ty.nullable == ty.nullable)
        });
        if table.position_by_name(&name).is_some() {
            continue;
        }
        let id = aurora_catalog::ColumnId(table.next_column_id);
        table.next_column_id += 1;
        let default = if ty.nullable {
            aurora_catalog::ColumnDefault::None
        } else if matches!(
            aurora_expr::typing::domain(&ty),
            aurora_expr::typing::Domain::Int
                | aurora_expr::typing::Domain::Decimal
                | aurora_expr::typing::Domain::Double
        ) || aurora_expr::typing::is_string(&ty)
            && matches!(ty.base, aurora_types::BaseType::Char | aurora_types::BaseType::VarChar)
        {
            aurora_catalog::ColumnDefault::Value(aurora_types::default::implicit_default(&ty))
        } else {
            aurora_catalog::ColumnDefault::None
        };
        let kept = match source.map(|source| &source.default) {
            Some(
                kept @ (aurora_catalog::ColumnDefault::Value(_)
                | aurora_catalog::ColumnDefault::CurrentTimestamp),
            ) => kept.clone(),
            // A column without default has none in the new table either.
            Some(aurora_catalog::ColumnDefault::None) if source.is_some_and(|c| !c.auto_increment) => {
                aurora_catalog::ColumnDefault::None
            }
            _ if flags.0 & aurora_types::ColumnFlags::NO_DEFAULT_VALUE != 0 => {
                aurora_catalog::ColumnDefault::None
            }
            _ => default,
        };
        let comment = source.map_or_else(String::new, |source| source.comment.clone());
        let explicit = aurora_expr::typing::is_character(&ty) && ty.collation != table.options.collation;
        table.columns.push(aurora_catalog::ColumnDef {
            id,
            name,
            ty,
            default: kept,
            on_update_now: false,
            auto_increment: false,
            generated: None,
            comment,
            invisible: false,
            srid: None,
            explicit_charset: explicit,
            explicit_collation: explicit,
            added_value: None,
        });
    }
}
