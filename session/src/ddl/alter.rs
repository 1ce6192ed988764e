//! ALTER TABLE. What only touches the definition is done in place; new indexes are filled from the rows; everything
//! else copies the rows into a table of the new shape. The table is closed to others for the time.

use super::alter_parts::{
    change_column, drop_check, drop_column, drop_foreign_key, drop_key, key_mut, make_instant, place_of,
    position, refuse_used_in_expressions, rename_in_children, rename_in_own_keys, require,
};
use super::builder::{NO_STORAGE, TableBuilder, check_name, table_collation};
use crate::session::Session;
use aurora_catalog::{ColumnDefault, IndexKind, IndexState, SchemaVersion, TableDef, names_equal};
use aurora_executor::{build_index, copy_rows, validate_rows};
use aurora_parser::{AlterAction, AlterAlgorithm, AlterTable, Parsed, TableOption};
use aurora_txn::CounterKind;
use aurora_types::error as er;
use aurora_types::store::{StoreContext, store};
use aurora_types::{Diagnostics, Level, SqlError, SqlResult, Value};
use std::sync::Arc;

/// What an ALTER TABLE comes to.
struct Change {
    table: TableDef,
    /// For every column of the new table the position of the old column that it comes from.
    from: Vec<Option<usize>>,
    /// Rows are copied.
    rebuild: bool,
    /// Foreign keys or checks were added: rows are looked at.
    validate: bool,
    rename: Option<(String, String)>,
    /// Columns, by old and new name.
    renamed: Vec<(String, String)>,
}

impl Session {
    pub(crate) fn alter_table(
        &mut self,
        statement: &AlterTable,
        parsed: &Parsed,
        sql: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let (schema, name) = self.qualify(&statement.name)?;
        self.require_schema(&schema)?;
        let old = self.table_for_ddl(&schema, &name)?;
        if statement.actions.is_empty() {
            return Ok(0);
        }
        let closed = self.close_table(&old)?;
        // The definition may have changed while we waited.
        let old = self.table_for_ddl(&schema, &name)?;
        let change = self.plan_alter(&old, statement, parsed, sql, diagnostics)?;
        if statement.algorithm == Some(AlterAlgorithm::Instant) && change.rebuild {
            return Err(SqlError::new(
                er::ER_ALTER_OPERATION_NOT_SUPPORTED,
                &[&"ALGORITHM=INSTANT", &"ALGORITHM=COPY/INPLACE"],
            ));
        }
        let rows = self.apply_alter(&old, change, diagnostics)?;
        drop(closed);
        Ok(rows)
    }

    fn plan_alter(
        &self,
        old: &TableDef,
        statement: &AlterTable,
        parsed: &Parsed,
        sql: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<Change> {
        let with = self.build_with(parsed, sql);
        let snapshot = self.state.shared.catalog.snapshot();
        let mut from: Vec<Option<usize>> = (0..old.columns.len()).map(Some).collect();
        let (mut rebuild, mut validate, mut rename) = (false, false, None);
        let mut renamed = Vec::new();
        let mut start = old.clone();
        let options: Vec<&TableOption> = statement
            .actions
            .iter()
            .filter_map(|action| match action {
                AlterAction::Option(option) => Some(option),
                _ => None,
            })
            .collect();
        start.options.collation = table_collation(&options, start.options.collation)?;
        let mut builder = TableBuilder::new(start, &with, diagnostics);
        // Drops first, as MySQL does: a key may be dropped and added again in one statement.
        for action in &statement.actions {
            match action {
                AlterAction::DropColumn { name } => {
                    let at = position(&builder.table, name.as_str())
                        .ok_or_else(|| SqlError::new(er::ER_CANT_DROP_FIELD_OR_KEY, &[&name.as_str()]))?;
                    drop_column(&mut builder.table, at, &snapshot)?;
                    from.remove(at);
                    rebuild = true;
                }
                AlterAction::DropPrimaryKey => {
                    drop_key(
                        &mut builder.table,
                        "PRIMARY",
                        &snapshot,
                        self.state.settings.foreign_key_checks,
                    )?;
                    rebuild = true;
                }
                AlterAction::DropKey { name } => {
                    rebuild |= name.is("PRIMARY");
                    drop_key(
                        &mut builder.table,
                        name.as_str(),
                        &snapshot,
                        self.state.settings.foreign_key_checks,
                    )?;
                }
                AlterAction::DropForeignKey { name } => drop_foreign_key(&mut builder.table, name.as_str())?,
                AlterAction::DropCheck { name } => drop_check(&mut builder.table, name.as_str())?,
                AlterAction::DropConstraint { name } => {
                    let text = name.as_str();
                    let table = &builder.table;
                    if table.foreign_keys.iter().any(|key| names_equal(&key.name, text)) {
                        drop_foreign_key(&mut builder.table, text)?;
                    } else if table.checks.iter().any(|check| names_equal(&check.name, text)) {
                        drop_check(&mut builder.table, text)?;
                    } else if table.index_by_name(text).is_some_and(|index| index.is_unique()) {
                        rebuild |= name.is("PRIMARY");
                        drop_key(
                            &mut builder.table,
                            text,
                            &snapshot,
                            self.state.settings.foreign_key_checks,
                        )?;
                    } else {
                        return Err(SqlError::new(er::ER_CONSTRAINT_NOT_FOUND, &[&text]));
                    }
                }
                _ => {}
            }
        }
        for action in &statement.actions {
            match action {
                AlterAction::AddColumn { column, place } => {
                    let at = place_of(&builder.table, place, builder.table.columns.len())?;
                    builder.add_column(column, at)?;
                    from.insert(at, None);
                    rebuild |= !make_instant(&mut builder.table.columns[at]);
                    builder.column_keys(column)?;
                }
                AlterAction::ChangeColumn { old: name, column, place } => {
                    rebuild |= change_column(&mut builder, &mut from, name.as_str(), column, place)?;
                    rename_in_own_keys(&mut builder.table, name.as_str(), column.name.as_str());
                    renamed.push((name.as_str().to_owned(), column.name.as_str().to_owned()));
                }
                AlterAction::ModifyColumn { column, place } => {
                    rebuild |= change_column(&mut builder, &mut from, column.name.as_str(), column, place)?;
                }
                AlterAction::SetDefault { column, expr, source } => {
                    require(old, column.as_str())?;
                    let at = require(&builder.table, column.as_str())?;
                    let definition = builder.table.columns[at].clone();
                    let default = match source {
                        Some(source) => ColumnDefault::Expression(with.source(*source)),
                        None => builder.default_value(&definition, *expr)?,
                    };
                    builder.table.columns[at].default = default;
                }
                AlterAction::DropDefault { column } => {
                    require(old, column.as_str())?;
                    let at = require(&builder.table, column.as_str())?;
                    builder.table.columns[at].default = ColumnDefault::None;
                }
                AlterAction::SetColumnVisibility { column, visible } => {
                    let at = require(&builder.table, column.as_str())?;
                    builder.table.columns[at].invisible = !visible;
                }
                AlterAction::RenameColumn { old: name, new } => {
                    let at = require(&builder.table, name.as_str())?;
                    if position(&builder.table, new.as_str()).is_some_and(|other| other != at) {
                        return Err(SqlError::new(er::ER_DUP_FIELDNAME, &[&new.as_str()]));
                    }
                    check_name(new.as_str())?;
                    refuse_used_in_expressions(&builder.table, name.as_str())?;
                    builder.table.columns[at].name = new.as_str().to_owned();
                    rename_in_own_keys(&mut builder.table, name.as_str(), new.as_str());
                    renamed.push((name.as_str().to_owned(), new.as_str().to_owned()));
                }
                AlterAction::AddKey(key) => {
                    rebuild |= key.kind == aurora_parser::KeyKind::Primary;
                    builder.add_key(key)?;
                }
                AlterAction::AddForeignKey(key) => {
                    builder.add_foreign_key(key)?;
                    validate = true;
                }
                AlterAction::AddCheck(check) => {
                    builder.add_check(check)?;
                    validate = true;
                }
                AlterAction::AlterCheck { name, enforced } => {
                    let text = name.as_str();
                    let check = builder
                        .table
                        .checks
                        .iter_mut()
                        .find(|check| names_equal(&check.name, text))
                        .ok_or_else(|| SqlError::new(er::ER_CHECK_CONSTRAINT_NOT_FOUND, &[&text]))?;
                    check.enforced = *enforced;
                    validate |= *enforced;
                }
                AlterAction::AlterKeyVisibility { name, visible } => {
                    let key = key_mut(&mut builder.table, name.as_str())?;
                    key.invisible = !visible;
                }
                AlterAction::RenameKey { old: name, new } => {
                    if builder.table.index_by_name(new.as_str()).is_some() && !name.is(new.as_str()) {
                        return Err(SqlError::new(er::ER_DUP_KEYNAME, &[&new.as_str()]));
                    }
                    let key = key_mut(&mut builder.table, name.as_str())?;
                    if key.kind == IndexKind::Primary {
                        return Err(SqlError::new(er::ER_WRONG_NAME_FOR_INDEX, &[&name.as_str()]));
                    }
                    key.name = new.as_str().to_owned();
                }
                AlterAction::RenameTable(target) => rename = Some(self.qualify(target)?),
                AlterAction::ConvertCharset { charset, collation } => {
                    let default = snapshot
                        .schema(&old.schema)
                        .map_or(self.state.connection_collation, |schema| schema.collation);
                    let to = super::types::resolve_collation(charset.as_ref(), collation.as_ref(), default)?;
                    builder.table.options.collation = to;
                    for column in &mut builder.table.columns {
                        if aurora_expr::typing::is_character(&column.ty) && !column.ty.collation.is_binary() {
                            column.ty.collation = to;
                            column.explicit_charset = false;
                            column.explicit_collation = false;
                        }
                    }
                    rebuild = true;
                }
                AlterAction::Option(option) => builder.option(option)?,
                AlterAction::Force | AlterAction::OrderBy(_) => rebuild = true,
                // MyISAM's: MySQL's InnoDB says the same.
                AlterAction::DisableKeys | AlterAction::EnableKeys => {
                    let error = SqlError::new(er::ER_ILLEGAL_HA, &[&old.name]);
                    builder.diagnostics.push(Level::Note, error.code, error.message);
                }
                AlterAction::DropColumn { .. }
                | AlterAction::DropPrimaryKey
                | AlterAction::DropKey { .. }
                | AlterAction::DropForeignKey { .. }
                | AlterAction::DropCheck { .. }
                | AlterAction::DropConstraint { .. } => {}
                AlterAction::Partition(_) => {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"ALTER TABLE of partitions"]));
                }
                AlterAction::DiscardTablespace | AlterAction::ImportTablespace => {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"tablespaces of single tables"]));
                }
                AlterAction::SecondaryLoad | AlterAction::SecondaryUnload => {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"secondary engines"]));
                }
            }
        }
        let table = builder.finish()?;
        renamed.retain(|(old, new): &(String, String)| old != new);
        Ok(Change { table, from, rebuild, validate, rename, renamed })
    }

    fn apply_alter(
        &mut self,
        old: &Arc<TableDef>,
        change: Change,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let Change { mut table, from, rebuild, validate, rename, renamed } = change;
        let shared = self.state.shared.clone();
        table.version = SchemaVersion(old.version.0 + 1);
        if let Some((schema, name)) = &rename {
            self.require_schema(schema)?;
            let snapshot = shared.catalog.snapshot();
            let taken = (schema != &old.schema || name != &old.name)
                && (snapshot.table(schema, name).is_some() || snapshot.view(schema, name).is_some());
            if taken {
                return Err(SqlError::new(er::ER_TABLE_EXISTS_ERROR, &[name]));
            }
            table.schema = schema.clone();
            table.name = name.clone();
        }
        let old_ids: Vec<_> = old.indexes.iter().map(|index| index.storage).collect();
        if rebuild {
            table.storage = NO_STORAGE;
            for index in &mut table.indexes {
                index.storage = NO_STORAGE;
            }
            super::create::renumber_columns(&mut table);
        }
        self.number_storage(&mut table)?;
        if old.temporary {
            return self.alter_temporary(old, table, &from, diagnostics);
        }
        let mut catalog_change = shared.catalog.change();
        self.resolve_foreign_keys(&mut table, catalog_change.definitions())?;
        let new = Arc::new(table);
        let mut rows = 0;
        let old_info = self.new_table_info(old, catalog_change.definitions())?;
        let new_info = self.new_table_info(&new, catalog_change.definitions())?;
        let host = self.host_on(catalog_change.definitions());
        let settings = self.state.settings.clone();
        let manager = shared.catalog.manager();
        if rebuild {
            let mut make =
                |row: &[Value], ctx: &mut aurora_expr::EvalCtx<'_>| convert_row(row, &new_info, &from, ctx);
            rows = copy_rows(
                catalog_change.txn(),
                manager,
                &host,
                &self.state,
                &settings,
                &old_info,
                &new_info,
                &mut make,
                diagnostics,
            )?;
            if let Some(next) = self.auto_increment_next(old)? {
                manager.counters().at_least(CounterKind::AutoIncrement, new.storage.0, next - 1)?;
            }
        } else {
            for index in &new.indexes {
                let is_new = !old.indexes.iter().any(|known| known.id == index.id);
                if is_new && index.state == IndexState::Public {
                    build_index(catalog_change.txn(), &self.state, &new_info, &index.name, diagnostics)?;
                }
            }
        }
        if validate {
            validate_rows(
                catalog_change.txn(),
                manager,
                &host,
                &self.state,
                &settings,
                &new_info,
                diagnostics,
            )?;
        }
        self.set_auto_increment(&new)?;
        if rebuild {
            catalog_change.delete_storage(old.storage)?;
        }
        for (index, storage) in old.indexes.iter().zip(old_ids) {
            let kept = new.indexes.iter().any(|known| known.storage == storage);
            if !kept && index.kind != IndexKind::Primary && index.state != IndexState::SchemaOnly {
                catalog_change.delete_storage(storage)?;
            }
        }
        rename_in_children(&mut catalog_change, old, &renamed)?;
        if let Some((schema, name)) = &rename {
            super::drop::rename_parents(&mut catalog_change, &old.schema, &old.name, schema, name)?;
        }
        catalog_change.put_table(TableDef::clone(&new))?;
        self.commit_change(catalog_change)?;
        Ok(rows)
    }

    fn alter_temporary(
        &mut self,
        old: &Arc<TableDef>,
        table: TableDef,
        from: &[Option<usize>],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let shared = self.state.shared.clone();
        let mut table = table;
        // Always a copy: nobody else looks at it.
        table.storage = NO_STORAGE;
        for index in &mut table.indexes {
            index.storage = NO_STORAGE;
        }
        super::create::renumber_columns(&mut table);
        self.number_storage(&mut table)?;
        let new = Arc::new(table);
        let change = shared.catalog.change();
        let old_info = self.new_table_info(old, change.definitions())?;
        let new_info = self.new_table_info(&new, change.definitions())?;
        let settings = self.state.settings.clone();
        let host = self.host_on(change.definitions());
        let mut make =
            |row: &[Value], ctx: &mut aurora_expr::EvalCtx<'_>| convert_row(row, &new_info, from, ctx);
        let rows = copy_rows(
            change.txn(),
            shared.catalog.manager(),
            &host,
            &self.state,
            &settings,
            &old_info,
            &new_info,
            &mut make,
            diagnostics,
        )?;
        change.delete_storage(old.storage)?;
        for index in &old.indexes {
            change.delete_storage(index.storage)?;
        }
        self.commit_change(change)?;
        self.temporary.retain(|known| known.id != old.id);
        self.temporary.push(new);
        self.forget_plans();
        Ok(rows)
    }

    /// The next AUTO_INCREMENT value; `None` for a table without one.
    pub(crate) fn auto_increment_next(&self, table: &TableDef) -> SqlResult<Option<u64>> {
        if table.auto_increment_column().is_none() {
            return Ok(None);
        }
        let counters = self.state.shared.catalog.manager().counters();
        Ok(Some(counters.peek(CounterKind::AutoIncrement, table.storage.0)?.max(1)))
    }
}

/// A row of the new shape from one of the old.
fn convert_row(
    row: &[Value],
    info: &aurora_executor::TableInfo,
    from: &[Option<usize>],
    ctx: &mut aurora_expr::EvalCtx<'_>,
) -> SqlResult<Vec<Value>> {
    let table = &info.table;
    let mut new = Vec::with_capacity(table.columns.len());
    for (column, from) in table.columns.iter().zip(from) {
        let value = match from.and_then(|at| row.get(at)) {
            Some(value) => value.clone(),
            None => match &column.default {
                ColumnDefault::Value(value) => value.clone(),
                ColumnDefault::CurrentTimestamp => {
                    let now = ctx.now();
                    Value::DateTime(now.round(column.ty.decimals, true).unwrap_or(now))
                }
                _ if column.ty.nullable || column.auto_increment || column.generated.is_some() => Value::Null,
                _ => aurora_types::default::implicit_default(&column.ty),
            },
        };
        new.push(value);
    }
    for (at, column) in table.columns.iter().enumerate() {
        if new[at].is_null() {
            continue;
        }
        let store_ctx = strict_store(ctx, table);
        let source = type_of(&new[at], &column.ty);
        new[at] =
            store(&new[at], &source, &column.ty, &column.name, ctx.row_number, &store_ctx, ctx.diagnostics)?;
    }
    for (at, expr) in info.expressions.defaults.iter().enumerate() {
        if let Some(expr) = expr
            && from[at].is_none()
        {
            new[at] = expr.eval(&new, ctx)?;
        }
    }
    for (at, expr) in info.expressions.generated.iter().enumerate() {
        if let Some(expr) = expr {
            let value = expr.eval(&new, ctx)?;
            let store_ctx = strict_store(ctx, table);
            let column = &table.columns[at];
            new[at] = store(
                &value,
                &expr.ty,
                &column.ty,
                &column.name,
                ctx.row_number,
                &store_ctx,
                ctx.diagnostics,
            )?;
        }
    }
    for (at, column) in table.columns.iter().enumerate() {
        if new[at].is_null() && !column.ty.nullable {
            if column.auto_increment {
                // A new AUTO_INCREMENT column numbers the rows.
                new[at] = Value::Int(ctx.row_number as i64);
                if column.ty.unsigned {
                    new[at] = Value::UInt(ctx.row_number);
                }
                continue;
            }
            let args: [&dyn std::fmt::Display; 2] = [&column.name, &ctx.row_number];
            if ctx.sql_mode.is_strict() {
                return Err(SqlError::new(er::WARN_DATA_TRUNCATED, &args));
            }
            new[at] = aurora_types::default::implicit_default(&column.ty);
        }
    }
    Ok(new)
}

/// Rows that are copied are converted as strictly as inserted ones.
fn strict_store<'c>(ctx: &aurora_expr::EvalCtx<'c>, table: &'c TableDef) -> StoreContext<'c> {
    StoreContext {
        sql_mode: ctx.sql_mode,
        strict: true,
        time_zone: ctx.session.time_zone(),
        now: ctx.now(),
        table: &table.name,
    }
}

/// The type that a stored value has by itself, for the conversion into another column.
fn type_of(value: &Value, target: &aurora_types::SqlType) -> aurora_types::SqlType {
    use aurora_expr::typing;
    match value {
        Value::Null => aurora_types::SqlType::new(aurora_types::BaseType::Null, 0),
        Value::Int(_) => typing::bigint(20),
        Value::UInt(_) => typing::bigint_unsigned(20),
        Value::Double(_) => typing::double(),
        Value::Decimal(v) => typing::decimal(65, u32::from(v.scale())),
        Value::Text(text) => typing::text(text.len() as u64, target.collation),
        Value::Date(_) => typing::date(),
        Value::Time(_) => typing::time(6),
        Value::DateTime(_) => typing::datetime(6),
        Value::Json(_) => typing::json(),
    }
}
