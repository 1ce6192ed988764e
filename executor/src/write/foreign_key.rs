//! Foreign keys: a child's parents must be there, a parent's children follow or forbid.

use super::row::{Placed, RowWriter};
use crate::point::CHECK_WAIT;
use crate::ranges::{ByteRange, Fit, fit};
use crate::runtime::{Runtime, same_values};
use crate::shape::{IndexShape, PartSource, TableInfo, put_part};
use aurora_catalog::{ForeignKeyDef, ReferentialAction, TableDef, names_equal};
use aurora_expr::EvalCtx;
use aurora_txn::{Direction, LockMode, Locked, View};
use aurora_types::error::{ER_FK_DEPTH_EXCEEDED, ER_NO_REFERENCED_ROW_2, ER_ROW_IS_REFERENCED_2};
use aurora_types::{SqlError, SqlResult, Value};
use std::sync::Arc;

/// Cascades below this depth are an error, as in InnoDB.
const MAX_DEPTH: u32 = 15;

/// A foreign key of another table (or this one) that points at the table in hand.
pub(crate) struct Child {
    table: Arc<TableDef>,
    key: usize,
}

pub(crate) fn children_of(rt: &Runtime<'_>, info: &TableInfo) -> Vec<Child> {
    let table = &info.table;
    if table.temporary {
        return Vec::new();
    }
    rt.host
        .catalog()
        .children(&table.schema, &table.name)
        .into_iter()
        .map(|(table, key)| Child { table, key })
        .collect()
}

/// ` (`db`.`t`, CONSTRAINT … FOREIGN KEY (…) REFERENCES … (…) …)`, as both errors show it.
fn describe(child: &TableDef, key: &ForeignKeyDef) -> String {
    let names = |list: &mut dyn Iterator<Item = &str>| {
        list.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let columns =
        names(&mut key.columns.iter().filter_map(|id| child.column(*id)).map(|column| column.name.as_str()));
    let parents = names(&mut key.parent_columns.iter().map(String::as_str));
    let parent = if key.parent_schema == child.schema {
        format!("`{}`", key.parent_table)
    } else {
        format!("`{}`.`{}`", key.parent_schema, key.parent_table)
    };
    let action = |clause: &str, action: ReferentialAction| match action {
        ReferentialAction::NoAction => String::new(),
        ReferentialAction::Restrict => format!(" {clause} RESTRICT"),
        ReferentialAction::Cascade => format!(" {clause} CASCADE"),
        ReferentialAction::SetNull => format!(" {clause} SET NULL"),
        ReferentialAction::SetDefault => format!(" {clause} SET DEFAULT"),
    };
    format!(
        " (`{}`.`{}`, CONSTRAINT `{}` FOREIGN KEY ({columns}) REFERENCES {parent} ({parents}){}{})",
        child.schema,
        child.name,
        key.name,
        action("ON DELETE", key.on_delete),
        action("ON UPDATE", key.on_update),
    )
}

/// An index of `info` that begins with these columns in some order; gives for each part the number of the column.
fn index_with<'i>(info: &'i TableInfo, columns: &[usize]) -> Option<(&'i IndexShape, Vec<usize>)> {
    let fits = |index: &'i IndexShape| {
        let mut order = Vec::with_capacity(columns.len());
        for part in index.parts.get(..columns.len())? {
            let PartSource::Column(at) = part.source else { return None };
            if part.column.prefix.is_some() {
                return None;
            }
            order.push(columns.iter().position(|column| *column == at)?);
        }
        Some((index, order))
    };
    std::iter::once(&info.clustered).chain(&info.indexes).filter(|index| index.readable).find_map(fits)
}

/// The key prefix of `values` (by column) in `index`; `None` when nothing there can be equal.
fn prefix_of(
    index: &IndexShape,
    order: &[usize],
    values: &[Value],
    ctx: &EvalCtx<'_>,
) -> SqlResult<Option<Vec<u8>>> {
    let mut prefix = index.prefix.clone();
    for (part, number) in index.parts.iter().zip(order) {
        match fit(&values[*number], &part.column, ctx) {
            Fit::Exact(value) => put_part(&value, &part.column, ctx.session.time_zone(), &mut prefix)?,
            _ => return Ok(None),
        }
    }
    Ok(Some(prefix))
}

/// Locked rows of `info` whose `columns` equal `values`, at most `wanted`.
fn rows_with(
    rt: &Runtime<'_>,
    info: &TableInfo,
    columns: &[usize],
    values: &[Value],
    mode: LockMode,
    wanted: usize,
    ctx: &EvalCtx<'_>,
) -> SqlResult<Vec<(Vec<u8>, Vec<Value>)>> {
    let zone = ctx.session.time_zone();
    let mut found = Vec::new();
    let mut take = |key: &[u8]| -> SqlResult<bool> {
        if let Locked::Row { value: Some(bytes), .. } =
            rt.txn.lock_get(info.lock_table(), key, mode, CHECK_WAIT)?
        {
            let row = info.read_row(&bytes, zone)?;
            if columns.iter().zip(values).all(|(at, value)| equal(&row[*at], value, info, *at)) {
                found.push((key.to_vec(), row));
            }
        }
        Ok(found.len() < wanted)
    };
    match index_with(info, columns) {
        Some((index, order)) => {
            let Some(prefix) = prefix_of(index, &order, values, ctx)? else { return Ok(found) };
            let is_clustered = index.id == info.clustered.id;
            if is_clustered && order.len() == index.parts.len() {
                take(&prefix)?;
                return Ok(found);
            }
            let range = ByteRange::prefix(&prefix);
            let mut cursor =
                rt.txn.scan_all_own(range.lower(), range.upper(), Direction::Forward, View::Current)?;
            let mut key = Vec::new();
            while cursor.advance()? {
                rt.tick()?;
                if is_clustered {
                    key.clear();
                    key.extend_from_slice(cursor.key());
                } else {
                    info.row_of_entry(cursor.key(), cursor.value(), &mut key)?;
                }
                if !take(&key)? {
                    break;
                }
            }
        }
        None => {
            let range = ByteRange::prefix(&info.clustered.prefix);
            let mut cursor =
                rt.txn.scan_all_own(range.lower(), range.upper(), Direction::Forward, View::Current)?;
            while cursor.advance()? {
                rt.tick()?;
                let row = info.read_row(cursor.value(), zone)?;
                let is_match =
                    columns.iter().zip(values).all(|(at, value)| equal(&row[*at], value, info, *at));
                if is_match && !take(cursor.key())? {
                    break;
                }
            }
        }
    }
    Ok(found)
}

/// Equality under the column's collation.
fn equal(a: &Value, b: &Value, info: &TableInfo, at: usize) -> bool {
    let ty = &info.table.columns[at].ty;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    crate::normal::put(a.as_ref(), ty, false, &mut left);
    crate::normal::put(b.as_ref(), ty, false, &mut right);
    left == right
}

/// Every foreign key of the row (only those with changed columns, if told) must find its parent.
pub(crate) fn check_parents(
    rt: &Runtime<'_>,
    info: &TableInfo,
    changed: Option<&[bool]>,
    row: &[Value],
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    let table = &info.table;
    for key in &table.foreign_keys {
        let columns: Vec<usize> = key.columns.iter().filter_map(|id| table.position(*id)).collect();
        if changed.is_some_and(|changed| !columns.iter().any(|at| changed[*at])) {
            continue;
        }
        let values: Vec<Value> = columns.iter().map(|at| row[*at].clone()).collect();
        if values.iter().any(Value::is_null) {
            continue;
        }
        let missing = || SqlError::new(ER_NO_REFERENCED_ROW_2, &[&describe(table, key)]);
        let parent = rt.host.catalog().table(&key.parent_schema, &key.parent_table).ok_or_else(missing)?;
        let parent_columns: Vec<usize> = key
            .parent_columns
            .iter()
            .filter_map(|name| parent.columns.iter().position(|column| names_equal(&column.name, name)))
            .collect();
        if parent_columns.len() != values.len() {
            return Err(missing());
        }
        // A row may be its own parent.
        if parent.id == table.id
            && parent_columns.iter().zip(&values).all(|(at, value)| equal(&row[*at], value, info, *at))
        {
            continue;
        }
        let parent_info = rt.host.table_info(parent)?;
        let found = rows_with(rt, &parent_info, &parent_columns, &values, LockMode::Shared, 1, ctx)?;
        if found.is_empty() {
            return Err(missing());
        }
    }
    Ok(())
}

impl Child {
    fn definition(&self) -> &ForeignKeyDef {
        &self.table.foreign_keys[self.key]
    }

    /// Positions of the key's columns in the child and in the parent.
    fn columns(&self, parent: &TableInfo) -> (Vec<usize>, Vec<usize>) {
        let key = self.definition();
        let child = key.columns.iter().filter_map(|id| self.table.position(*id)).collect();
        let parent =
            key.parent_columns.iter().filter_map(|name| parent.table.position_by_name(name)).collect();
        (child, parent)
    }

    pub fn parent_deleted(
        &self,
        rt: &Runtime<'_>,
        parent: &TableInfo,
        old: &[Value],
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        self.follow(rt, parent, old, None, self.definition().on_delete, depth, ctx)
    }

    #[allow(clippy::too_many_arguments, reason = "one call, from one place")]
    pub fn parent_updated(
        &self,
        rt: &Runtime<'_>,
        parent: &TableInfo,
        old: &[Value],
        new: &[Value],
        changed: &[bool],
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let (_, columns) = self.columns(parent);
        if !columns.iter().any(|at| changed[*at]) {
            return Ok(());
        }
        if columns.iter().all(|at| equal(&old[*at], &new[*at], parent, *at))
            && self.definition().on_update != ReferentialAction::Cascade
        {
            return Ok(());
        }
        self.follow(rt, parent, old, Some(new), self.definition().on_update, depth, ctx)
    }

    #[allow(clippy::too_many_arguments, reason = "private, one row's whole circumstances")]
    fn follow(
        &self,
        rt: &Runtime<'_>,
        parent: &TableInfo,
        old: &[Value],
        new: Option<&[Value]>,
        action: ReferentialAction,
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let (child_columns, parent_columns) = self.columns(parent);
        let values: Vec<Value> = parent_columns.iter().map(|at| old[*at].clone()).collect();
        if values.iter().any(Value::is_null) || child_columns.len() != values.len() {
            return Ok(());
        }
        let info = rt.host.table_info(&self.table)?;
        let forbids = matches!(
            action,
            ReferentialAction::NoAction | ReferentialAction::Restrict | ReferentialAction::SetDefault
        );
        if forbids {
            let found = rows_with(rt, &info, &child_columns, &values, LockMode::Shared, 1, ctx)?;
            if !found.is_empty() {
                let text = describe(&self.table, self.definition());
                return Err(SqlError::new(ER_ROW_IS_REFERENCED_2, &[&text]));
            }
            return Ok(());
        }
        let rows = rows_with(rt, &info, &child_columns, &values, LockMode::Exclusive, usize::MAX, ctx)?;
        if rows.is_empty() {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(SqlError::new(ER_FK_DEPTH_EXCEEDED, &[&MAX_DEPTH]));
        }
        let mut writer = RowWriter::new(rt, info);
        for (row_key, row) in rows {
            // The row in hand may have gone by another cascade.
            if rt.txn.get_current(&row_key)?.is_none() {
                continue;
            }
            match (action, new) {
                (ReferentialAction::Cascade, None) => writer.delete(&row_key, &row, depth + 1, ctx)?,
                (ReferentialAction::SetNull, _) | (ReferentialAction::Cascade, Some(_)) => {
                    let mut changed = row.clone();
                    for (number, at) in child_columns.iter().enumerate() {
                        changed[*at] = match (action, new) {
                            (ReferentialAction::Cascade, Some(new)) => new[parent_columns[number]].clone(),
                            _ => Value::Null,
                        };
                    }
                    if same_values(&row, &changed) {
                        continue;
                    }
                    let how = super::store::Strictness { ignore: false, strict: true, null_is_error: true };
                    super::store::generate(&writer.info, &mut changed, how, ctx)?;
                    // The parent of the new value is being written: it need not be looked for.
                    if let Placed::Duplicate { error, .. } =
                        writer.update_as_cascade(&row_key, &row, &changed, depth + 1, ctx)?
                    {
                        return Err(*error);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl RowWriter<'_, '_> {
    fn update_as_cascade(
        &mut self,
        row_key: &[u8],
        old: &[Value],
        new: &[Value],
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Placed> {
        let parents = std::mem::replace(&mut self.skip_parents, true);
        let placed = self.update(row_key, old, new, depth, ctx);
        self.skip_parents = parents;
        placed
    }
}
