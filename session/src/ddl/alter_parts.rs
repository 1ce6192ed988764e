//! The single steps of ALTER TABLE on a definition.

use super::builder::TableBuilder;
use aurora_catalog::{
    CatalogChange, CatalogSnapshot, ColumnDef, ColumnDefault, KeyPart, SchemaVersion, TableDef, names_equal,
};
use aurora_parser::{ColumnDefinition, ColumnPlace};
use aurora_types::error as er;
use aurora_types::{SqlError, SqlResult, Value};

pub(super) fn position(table: &TableDef, name: &str) -> Option<usize> {
    table.position_by_name(name)
}

pub(super) fn require(table: &TableDef, name: &str) -> SqlResult<usize> {
    position(table, name).ok_or_else(|| SqlError::new(er::ER_BAD_FIELD_ERROR, &[&name, &table.name]))
}

pub(super) fn key_mut<'t>(
    table: &'t mut TableDef,
    name: &str,
) -> SqlResult<&'t mut aurora_catalog::IndexDef> {
    let shown = table.name.clone();
    table
        .indexes
        .iter_mut()
        .find(|index| names_equal(&index.name, name))
        .ok_or_else(|| SqlError::new(er::ER_KEY_DOES_NOT_EXITS, &[&name, &shown]))
}

pub(super) fn place_of(table: &TableDef, place: &ColumnPlace, last: usize) -> SqlResult<usize> {
    Ok(match place {
        ColumnPlace::Last => last,
        ColumnPlace::First => 0,
        ColumnPlace::After(name) => require(table, name.as_str())? + 1,
    })
}

/// A column that rows need not be rewritten for: what they hold for it is kept in the definition.
pub(super) fn make_instant(column: &mut ColumnDef) -> bool {
    if column.generated.is_some() || column.auto_increment {
        return false;
    }
    column.added_value = match &column.default {
        ColumnDefault::Value(value) => Some(value.clone()),
        ColumnDefault::None | ColumnDefault::Null if column.ty.nullable => Some(Value::Null),
        ColumnDefault::None => Some(aurora_types::default::implicit_default(&column.ty)),
        _ => return false,
    };
    // TIMESTAMP is kept in UTC below and a default is local.
    column.ty.base != aurora_types::BaseType::Timestamp
        || column.added_value.as_ref().is_some_and(Value::is_null)
}

/// MODIFY and CHANGE; whether rows must be copied.
pub(super) fn change_column(
    builder: &mut TableBuilder<'_>,
    from: &mut Vec<Option<usize>>,
    name: &str,
    definition: &ColumnDefinition,
    place: &ColumnPlace,
) -> SqlResult<bool> {
    let at = require(&builder.table, name)?;
    let new_name = definition.name.as_str();
    if !names_equal(name, new_name) {
        if position(&builder.table, new_name).is_some() {
            return Err(SqlError::new(er::ER_DUP_FIELDNAME, &[&new_name]));
        }
        refuse_used_in_expressions(&builder.table, name)?;
    }
    let old = builder.table.columns[at].clone();
    let mut column = builder.column(definition, old.id)?;
    column.added_value = old.added_value.clone();
    let in_primary = builder
        .table
        .primary_key()
        .is_some_and(|key| key.parts.iter().any(|part| part.part == KeyPart::Column(old.id)));
    if in_primary {
        column.ty.nullable = false;
    }
    let widened = column.ty.base == old.ty.base
        && matches!(column.ty.base, aurora_types::BaseType::VarChar)
        && column.ty.length >= old.ty.length;
    let mut same = column.ty.clone();
    if widened {
        same.length = old.ty.length;
    }
    let generated_same = match (&column.generated, &old.generated) {
        (None, None) => true,
        (Some(a), Some(b)) => a.expression == b.expression,
        _ => false,
    };
    let rebuild = same != old.ty || !generated_same || column.auto_increment != old.auto_increment;
    builder.table.columns.remove(at);
    let source = from.remove(at);
    let target = match place {
        ColumnPlace::Last => at,
        _ => place_of(&builder.table, place, at)?,
    };
    builder.table.columns.insert(target, column);
    from.insert(target, source);
    builder.column_keys(definition)?;
    Ok(rebuild)
}

/// Expressions are kept as text: a column that one of them names keeps its name.
pub(super) fn refuse_used_in_expressions(table: &TableDef, name: &str) -> SqlResult<()> {
    let uses = |text: &str| {
        text.to_lowercase()
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .any(|word| word == name.to_lowercase())
    };
    if let Some(check) = table.checks.iter().find(|check| uses(&check.expression)) {
        let args: [&dyn std::fmt::Display; 2] = [&check.name, &name];
        return Err(SqlError::new(er::ER_DEPENDENT_BY_CHECK_CONSTRAINT, &args));
    }
    let generated = table.columns.iter().any(|c| c.generated.as_ref().is_some_and(|g| uses(&g.expression)));
    if generated {
        return Err(SqlError::new(er::ER_DEPENDENT_BY_GENERATED_COLUMN, &[&name]));
    }
    Ok(())
}

pub(super) fn drop_column(table: &mut TableDef, at: usize, snapshot: &CatalogSnapshot) -> SqlResult<()> {
    let column = table.columns[at].clone();
    if table.columns.len() == 1 {
        return Err(SqlError::new(er::ER_CANT_REMOVE_ALL_FIELDS, &[]));
    }
    for key in &table.foreign_keys {
        if key.columns.contains(&column.id) {
            let args: [&dyn std::fmt::Display; 2] = [&column.name, &key.name];
            return Err(SqlError::new(er::ER_FK_COLUMN_CANNOT_DROP, &args));
        }
    }
    for (child, number) in snapshot.children(&table.schema, &table.name) {
        let key = &child.foreign_keys[number];
        if key.parent_columns.iter().any(|name| names_equal(name, &column.name)) {
            let args: [&dyn std::fmt::Display; 3] = [&column.name, &key.name, &child.name];
            return Err(SqlError::new(er::ER_FK_COLUMN_CANNOT_DROP_CHILD, &args));
        }
    }
    refuse_used_in_expressions(table, &column.name)?;
    table.columns.remove(at);
    for index in &mut table.indexes {
        index.parts.retain(|part| part.part != KeyPart::Column(column.id));
    }
    table.indexes.retain(|index| !index.parts.is_empty());
    Ok(())
}

pub(super) fn drop_key(
    table: &mut TableDef,
    name: &str,
    snapshot: &CatalogSnapshot,
    checks: bool,
) -> SqlResult<()> {
    let at = table
        .indexes
        .iter()
        .position(|index| names_equal(&index.name, name))
        .ok_or_else(|| SqlError::new(er::ER_CANT_DROP_FIELD_OR_KEY, &[&name]))?;
    let index = table.indexes.remove(at);
    let serves = |table: &TableDef, columns: &[aurora_catalog::ColumnId]| {
        table.indexes.iter().any(|other| {
            other.parts.len() >= columns.len()
                && other.parts[..columns.len()]
                    .iter()
                    .all(|part| matches!(part.part, KeyPart::Column(id) if columns.contains(&id)))
        })
    };
    let mut needed = table.foreign_keys.iter().any(|key| !serves(table, &key.columns));
    if checks {
        for (child, number) in snapshot.children(&table.schema, &table.name) {
            let key = &child.foreign_keys[number];
            let columns: Vec<_> = key
                .parent_columns
                .iter()
                .filter_map(|name| table.position_by_name(name).map(|at| table.columns[at].id))
                .collect();
            needed |= !serves(table, &columns);
        }
    }
    if needed {
        return Err(SqlError::new(er::ER_DROP_INDEX_FK, &[&index.name]));
    }
    Ok(())
}

pub(super) fn drop_foreign_key(table: &mut TableDef, name: &str) -> SqlResult<()> {
    let at = table
        .foreign_keys
        .iter()
        .position(|key| names_equal(&key.name, name))
        .ok_or_else(|| SqlError::new(er::ER_CANT_DROP_FIELD_OR_KEY, &[&name]))?;
    table.foreign_keys.remove(at);
    Ok(())
}

pub(super) fn drop_check(table: &mut TableDef, name: &str) -> SqlResult<()> {
    let at = table
        .checks
        .iter()
        .position(|check| names_equal(&check.name, name))
        .ok_or_else(|| SqlError::new(er::ER_CHECK_CONSTRAINT_NOT_FOUND, &[&name]))?;
    table.checks.remove(at);
    Ok(())
}

/// A foreign key of the table on itself follows its column to the new name.
pub(super) fn rename_in_own_keys(table: &mut TableDef, old: &str, new: &str) {
    let own = (table.schema.clone(), table.name.clone());
    for key in table
        .foreign_keys
        .iter_mut()
        .filter(|key| (&key.parent_schema, &key.parent_table) == (&own.0, &own.1))
    {
        rename(&mut key.parent_columns, old, new);
    }
}

/// Foreign keys of other tables follow their parent's columns to their new names, given as old and new.
pub(super) fn rename_in_children(
    change: &mut CatalogChange<'_>,
    parent: &TableDef,
    renamed: &[(String, String)],
) -> SqlResult<()> {
    if renamed.is_empty() {
        return Ok(());
    }
    let children = change.definitions().children(&parent.schema, &parent.name);
    let mut done = Vec::new();
    for (child, _) in children {
        if child.id == parent.id || done.contains(&child.id) {
            continue;
        }
        done.push(child.id);
        let mut child = TableDef::clone(&child);
        for key in &mut child.foreign_keys {
            if key.parent_schema == parent.schema && key.parent_table == parent.name {
                for (old, new) in renamed {
                    rename(&mut key.parent_columns, old, new);
                }
            }
        }
        child.version = SchemaVersion(child.version.0 + 1);
        change.put_table(child)?;
    }
    Ok(())
}

fn rename(columns: &mut [String], old: &str, new: &str) {
    for name in columns.iter_mut().filter(|name| names_equal(name, old)) {
        new.clone_into(name);
    }
}
