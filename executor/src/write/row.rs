//! One row with all its index entries into the transaction's writes. Everything that may refuse it is asked first.

use super::foreign_key;
use crate::point::CHECK_WAIT;
use crate::runtime::Runtime;
use crate::shape::{IndexShape, PartSource, TableInfo};
use aurora_expr::EvalCtx;
use aurora_txn::{CounterKind, LockMode, Locked};
use aurora_types::error::ER_DUP_ENTRY;
use aurora_types::{SqlError, SqlResult, Value};
use std::sync::Arc;

/// Whether a new row found its place.
pub(crate) enum Placed {
    Done,
    /// Another row has this key; its clustered key.
    Duplicate {
        error: Box<SqlError>,
        row_key: Vec<u8>,
    },
}

/// Writes rows of one table.
pub(crate) struct RowWriter<'r, 'a> {
    pub rt: &'r Runtime<'a>,
    pub info: Arc<TableInfo>,
    /// Foreign keys that point here; found once per statement.
    pub children: Vec<foreign_key::Child>,
    /// A cascade: the parent is being written by the same statement.
    pub(super) skip_parents: bool,
    key: Vec<u8>,
    entry: Vec<u8>,
    value: Vec<u8>,
    bytes: Vec<u8>,
    /// Index entries of the row in hand; their memory serves row after row.
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<'r, 'a> RowWriter<'r, 'a> {
    pub fn new(rt: &'r Runtime<'a>, info: Arc<TableInfo>) -> RowWriter<'r, 'a> {
        let children =
            if rt.settings.foreign_key_checks { foreign_key::children_of(rt, &info) } else { Vec::new() };
        RowWriter {
            rt,
            info,
            children,
            skip_parents: false,
            key: Vec::new(),
            entry: Vec::new(),
            value: Vec::new(),
            bytes: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Puts a new row. Nothing is written when it meets a duplicate or an error.
    pub fn insert(&mut self, row: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<Placed> {
        let info = self.info.clone();
        let txn = self.rt.txn;
        let table = info.lock_table();
        if info.clustered.parts.is_empty() {
            let counters = self.rt.manager.counters();
            let id = counters.next(CounterKind::RowId, info.table.storage.0)?;
            info.hidden_key(id, &mut self.key);
            txn.lock_table(table, LockMode::IntentExclusive, CHECK_WAIT)?;
        } else {
            info.clustered_key(row, ctx.session.time_zone(), &mut self.key)?;
            let found = txn.lock_get(table, &self.key, LockMode::Exclusive, CHECK_WAIT)?;
            if let Locked::Row { value: Some(_), .. } = found {
                return Ok(self.duplicate(&info.clustered, row, self.key.clone(), ctx));
            }
        }
        self.entries.resize_with(info.indexes.len(), Default::default);
        for (at, index) in info.indexes.iter().enumerate() {
            let has_null = info.index_columns(index, row, ctx, &mut self.entry)?;
            if index.unique
                && !has_null
                && let Some(other) = self.holder_of(table)?
            {
                return Ok(self.duplicate(index, row, other, ctx));
            }
            info.finish_entry(index, has_null, &self.key, &mut self.entry, &mut self.value);
            let (entry, value) = &mut self.entries[at];
            std::mem::swap(entry, &mut self.entry);
            std::mem::swap(value, &mut self.value);
        }
        if self.rt.settings.foreign_key_checks {
            foreign_key::check_parents(self.rt, &info, None, row, ctx)?;
        }
        info.encode(row, ctx.session.time_zone(), &mut self.bytes)?;
        txn.put(&self.key, &self.bytes)?;
        for (entry, value) in &self.entries {
            txn.put(entry, value)?;
        }
        Ok(Placed::Done)
    }

    /// The clustered key of the row that holds the unique entry `self.entry`; locks the entry's name.
    fn holder_of(&mut self, table: u64) -> SqlResult<Option<Vec<u8>>> {
        let found = self.rt.txn.lock_get(table, &self.entry, LockMode::Exclusive, CHECK_WAIT)?;
        let Locked::Row { value: Some(value), .. } = found else { return Ok(None) };
        let mut other = Vec::new();
        self.info.row_of_entry(&self.entry, &value, &mut other)?;
        Ok(Some(other))
    }

    fn duplicate(
        &self,
        index: &IndexShape,
        row: &[Value],
        row_key: Vec<u8>,
        ctx: &mut EvalCtx<'_>,
    ) -> Placed {
        let error = duplicate_error(&self.info, index, row, ctx);
        Placed::Duplicate { error: Box::new(error), row_key }
    }

    /// Changes a row that is locked and lies at `row_key`.
    pub fn update(
        &mut self,
        row_key: &[u8],
        old: &[Value],
        new: &[Value],
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Placed> {
        let info = self.info.clone();
        let txn = self.rt.txn;
        let table = info.lock_table();
        let changed: Vec<bool> = old
            .iter()
            .zip(new)
            .map(|(old, new)| {
                !crate::runtime::same_values(std::slice::from_ref(old), std::slice::from_ref(new))
            })
            .collect();
        let mut new_key = row_key.to_vec();
        if touches(&info.clustered, &changed) {
            info.clustered_key(new, ctx.session.time_zone(), &mut new_key)?;
        }
        let moved = new_key != row_key;
        if moved {
            let found = txn.lock_get(table, &new_key, LockMode::Exclusive, CHECK_WAIT)?;
            if let Locked::Row { value: Some(_), .. } = found {
                return Ok(self.duplicate(&info.clustered, new, new_key, ctx));
            }
        }
        let mut entries = Vec::new();
        for index in &info.indexes {
            if !moved && !touches(index, &changed) {
                continue;
            }
            let (mut old_entry, mut old_value) = (Vec::new(), Vec::new());
            let old_null = info.index_columns(index, old, ctx, &mut old_entry)?;
            let has_null = info.index_columns(index, new, ctx, &mut self.entry)?;
            let same_columns = old_entry == self.entry;
            if index.unique
                && !has_null
                && !same_columns
                && let Some(other) = self.holder_of(table)?
            {
                return Ok(self.duplicate(index, new, other, ctx));
            }
            if index.unique && !old_null {
                txn.lock_row(table, &old_entry, LockMode::Exclusive, CHECK_WAIT)?;
            }
            info.finish_entry(index, old_null, row_key, &mut old_entry, &mut old_value);
            info.finish_entry(index, has_null, &new_key, &mut self.entry, &mut self.value);
            if old_entry != self.entry || old_value.get(5..) != self.value.get(5..) {
                entries.push((old_entry, self.entry.clone(), self.value.clone()));
            }
        }
        if self.rt.settings.foreign_key_checks {
            if !self.skip_parents {
                foreign_key::check_parents(self.rt, &info, Some(&changed), new, ctx)?;
            }
            for child in &self.children {
                child.parent_updated(self.rt, &info, old, new, &changed, depth, ctx)?;
            }
        }
        if moved {
            txn.delete(row_key)?;
        }
        info.encode(new, ctx.session.time_zone(), &mut self.bytes)?;
        txn.put(&new_key, &self.bytes)?;
        for (old_entry, entry, value) in &entries {
            if old_entry != entry {
                txn.delete(old_entry)?;
            }
            txn.put(entry, value)?;
        }
        Ok(Placed::Done)
    }

    /// Deletes a row that is locked and lies at `row_key`.
    pub fn delete(
        &mut self,
        row_key: &[u8],
        old: &[Value],
        depth: u32,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let info = self.info.clone();
        let txn = self.rt.txn;
        for child in &self.children {
            child.parent_deleted(self.rt, &info, old, depth, ctx)?;
        }
        for index in &info.indexes {
            let has_null = info.index_columns(index, old, ctx, &mut self.entry)?;
            if index.unique && !has_null {
                txn.lock_row(info.lock_table(), &self.entry, LockMode::Exclusive, CHECK_WAIT)?;
            }
            info.finish_entry(index, has_null, row_key, &mut self.entry, &mut self.value);
            txn.delete(&self.entry)?;
        }
        Ok(txn.delete(row_key)?)
    }
}

/// Whether an index reads one of the changed columns.
fn touches(index: &IndexShape, changed: &[bool]) -> bool {
    index.parts.iter().any(|part| match &part.source {
        PartSource::Column(at) => changed[*at],
        PartSource::Expression(expr) => {
            let mut columns = Vec::new();
            expr.collect_columns(&mut columns);
            columns.iter().any(|at| changed[*at])
        }
    })
}

/// 1062 with the key's values as MySQL joins them.
pub(crate) fn duplicate_error(
    info: &TableInfo,
    index: &IndexShape,
    row: &[Value],
    ctx: &mut EvalCtx<'_>,
) -> SqlError {
    let mut shown = Vec::new();
    for (i, part) in index.parts.iter().enumerate() {
        if i > 0 {
            shown.push(b'-');
        }
        let (value, ty) = match &part.source {
            PartSource::Column(at) => (row[*at].clone(), &info.table.columns[*at].ty),
            PartSource::Expression(expr) => (expr.eval(row, ctx).unwrap_or(Value::Null), &expr.ty),
        };
        match (&value, part.column.prefix) {
            (Value::Null, _) => shown.extend_from_slice(b"NULL"),
            (Value::Text(text), Some(_)) => {
                let kept = if ty.collation.is_binary() {
                    let end = (part.column.prefix.unwrap_or(0) as usize).min(text.len());
                    &text.as_bytes()[..end]
                } else {
                    aurora_types::codec::key::char_prefix(text.as_bytes(), part.column.prefix)
                };
                shown.extend_from_slice(kept);
            }
            _ => aurora_types::display::write_text(value.as_ref(), ty, &mut shown),
        }
    }
    let mut shown = String::from_utf8_lossy(&shown).into_owned();
    if shown.len() > 128 {
        let mut end = 128;
        while !shown.is_char_boundary(end) {
            end -= 1;
        }
        shown.truncate(end);
    }
    let key = format!("{}.{}", info.table.name, index.name);
    SqlError::new(ER_DUP_ENTRY, &[&shown, &key])
}
