//! A table as storage sees it: where columns lie in rows, what its keys are made of.

use aurora_catalog::{IndexDef, IndexId, IndexKind, IndexState, KeyPart, StorageId, TENANT, TableDef};
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::TableExpressions;
use aurora_types::codec::key::{KeyColumn, encode_column, key_prefix};
use aurora_types::codec::row::{ColumnLayout, RowLayout, RowView, encode_row_refs};
use aurora_types::error::ER_INTERNAL_ERROR;
use aurora_types::{BaseType, SqlError, SqlResult, TimeZone, Value, ValueRef};
use std::sync::Arc;

/// Where a key part takes its value from.
#[derive(Clone, Debug)]
pub enum PartSource {
    /// Column at this position.
    Column(usize),
    /// A functional key part over the row.
    Expression(Box<Expr>),
}

#[derive(Clone, Debug)]
pub struct PartShape {
    pub source: PartSource,
    pub column: KeyColumn,
}

/// One index that storage holds.
#[derive(Clone, Debug)]
pub struct IndexShape {
    pub id: IndexId,
    pub storage: StorageId,
    /// What all its keys begin with.
    pub prefix: Vec<u8>,
    pub parts: Vec<PartShape>,
    pub unique: bool,
    pub name: String,
    /// Readers may use it.
    pub readable: bool,
}

/// Layout and expressions of one version of a table.
#[derive(Debug)]
pub struct TableInfo {
    pub table: Arc<TableDef>,
    pub layout: RowLayout,
    /// Physical number by position.
    pub physical: Vec<usize>,
    /// Position by physical number.
    pub positions: Vec<usize>,
    /// Has TIMESTAMP columns, whose values are UTC below and in the session's zone above.
    pub has_timestamps: bool,
    /// The clustered index. Without parts its keys are hidden row ids.
    pub clustered: IndexShape,
    /// Secondary indexes that are kept up.
    pub indexes: Vec<IndexShape>,
    pub expressions: TableExpressions,
    pub has_generated: bool,
    pub has_checks: bool,
}

/// Entry value of an index whose key ends with the row's clustered key.
const ENTRY_KEY_TAIL: u8 = 1;
/// Entry value that holds the row's clustered key (a unique entry without NULL).
const ENTRY_VALUE: u8 = 2;

/// What the codecs refuse is a bug above them or damage below.
pub(crate) fn internal(what: &dyn std::fmt::Display) -> SqlError {
    SqlError::new(ER_INTERNAL_ERROR, &[what])
}

impl TableInfo {
    /// # Errors
    /// A definition that contradicts itself.
    pub fn new(table: Arc<TableDef>, expressions: TableExpressions) -> SqlResult<TableInfo> {
        let count = table.columns.len();
        let mut positions = vec![usize::MAX; count];
        let mut physical = Vec::with_capacity(count);
        for (position, column) in table.columns.iter().enumerate() {
            let at = column.id.0 as usize;
            match positions.get_mut(at) {
                Some(slot) if *slot == usize::MAX => *slot = position,
                _ => return Err(internal(&format!("column ids of `{}` are not dense", table.name))),
            }
            physical.push(at);
        }
        let layout = positions
            .iter()
            .map(|position| {
                let column = &table.columns[*position];
                ColumnLayout {
                    ty: column.ty.clone(),
                    default: column.added_value.clone().unwrap_or(Value::Null),
                }
            })
            .collect();
        let clustered = match table.primary_key() {
            Some(index) => index_shape(&table, index, &expressions, table.storage)?,
            None => IndexShape {
                id: IndexId(u32::MAX),
                storage: table.storage,
                prefix: prefix_of(table.storage),
                parts: Vec::new(),
                unique: true,
                name: "GEN_CLUST_INDEX".into(),
                readable: true,
            },
        };
        let mut indexes = Vec::new();
        for index in &table.indexes {
            if index.kind != IndexKind::Primary && index.state != IndexState::SchemaOnly {
                indexes.push(index_shape(&table, index, &expressions, index.storage)?);
            }
        }
        Ok(TableInfo {
            layout: RowLayout::new(layout),
            physical,
            positions,
            has_timestamps: table.columns.iter().any(|c| c.ty.base == BaseType::Timestamp),
            clustered,
            indexes,
            has_generated: table.columns.iter().any(|c| c.generated.is_some()),
            has_checks: expressions.checks.iter().any(Option::is_some),
            expressions,
            table,
        })
    }

    pub fn index(&self, id: IndexId) -> SqlResult<&IndexShape> {
        if id == self.clustered.id {
            return Ok(&self.clustered);
        }
        self.indexes
            .iter()
            .find(|index| index.id == id)
            .ok_or_else(|| internal(&format!("index {id} of `{}` is not stored", self.table.name)))
    }

    /// The name that row locks go by.
    pub fn lock_table(&self) -> u64 {
        self.table.id.0
    }

    /// The clustered key of a row with a declared primary key.
    pub fn clustered_key(&self, row: &[Value], zone: &TimeZone, out: &mut Vec<u8>) -> SqlResult<()> {
        out.clear();
        out.extend_from_slice(&self.clustered.prefix);
        for part in &self.clustered.parts {
            match &part.source {
                PartSource::Column(at) => put_part(&row[*at], &part.column, zone, out)?,
                PartSource::Expression(_) => return Err(internal(&"a functional primary key")),
            }
        }
        Ok(())
    }

    /// The clustered key of a hidden row id.
    pub fn hidden_key(&self, row_id: u64, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.clustered.prefix);
        out.extend_from_slice(&row_id.to_be_bytes());
    }

    /// The columns of an index key; `true` when one of them is NULL.
    pub fn index_columns(
        &self,
        index: &IndexShape,
        row: &[Value],
        ctx: &mut EvalCtx<'_>,
        out: &mut Vec<u8>,
    ) -> SqlResult<bool> {
        out.clear();
        out.extend_from_slice(&index.prefix);
        let mut has_null = false;
        for part in &index.parts {
            match &part.source {
                PartSource::Column(at) => {
                    has_null |= row[*at].is_null();
                    put_part(&row[*at], &part.column, ctx.session.time_zone(), out)?;
                }
                PartSource::Expression(expr) => {
                    let value = expr.eval(row, ctx)?;
                    has_null |= value.is_null();
                    put_part(&value, &part.column, ctx.session.time_zone(), out)?;
                }
            }
        }
        Ok(has_null)
    }

    /// The whole entry: its key, and its value. `entry` holds the index columns already.
    pub fn finish_entry(
        &self,
        index: &IndexShape,
        has_null: bool,
        clustered_key: &[u8],
        entry: &mut Vec<u8>,
        value: &mut Vec<u8>,
    ) {
        let tail = &clustered_key[self.clustered.prefix.len()..];
        value.clear();
        value.push(if index.unique && !has_null { ENTRY_VALUE } else { ENTRY_KEY_TAIL });
        value.extend_from_slice(&self.table.version.0.to_le_bytes());
        if index.unique && !has_null {
            value.extend_from_slice(tail);
        } else {
            entry.extend_from_slice(tail);
            value.extend_from_slice(&(tail.len() as u32).to_le_bytes());
        }
    }

    /// The clustered key that an index entry points at.
    pub fn row_of_entry(&self, key: &[u8], value: &[u8], out: &mut Vec<u8>) -> SqlResult<()> {
        out.clear();
        out.extend_from_slice(&self.clustered.prefix);
        let damaged = || internal(&format!("an index entry of `{}` is damaged", self.table.name));
        match value.split_first() {
            Some((&ENTRY_VALUE, rest)) => out.extend_from_slice(rest.get(4..).ok_or_else(damaged)?),
            Some((&ENTRY_KEY_TAIL, rest)) => {
                let len = rest.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
                let len = len.ok_or_else(damaged)? as usize;
                let start = key.len().checked_sub(len).ok_or_else(damaged)?;
                out.extend_from_slice(&key[start..]);
            }
            _ => return Err(damaged()),
        }
        Ok(())
    }

    /// Encodes a row in table order.
    pub fn encode(&self, row: &[Value], zone: &TimeZone, out: &mut Vec<u8>) -> SqlResult<()> {
        out.clear();
        let mut refs = Vec::with_capacity(row.len());
        for position in &self.positions {
            let value = row[*position].as_ref();
            refs.push(match value {
                ValueRef::DateTime(local)
                    if self.has_timestamps
                        && self.table.columns[*position].ty.base == BaseType::Timestamp =>
                {
                    ValueRef::DateTime(zone.datetime_to_utc(local).unwrap_or(local))
                }
                other => other,
            });
        }
        encode_row_refs(&self.layout, self.table.version.0, &refs, out).map_err(|e| internal(&e))
    }

    /// A stored row, ready to be asked for columns.
    pub fn view<'v>(&'v self, bytes: &'v [u8]) -> SqlResult<RowView<'v>> {
        RowView::new(bytes, &self.layout)
            .map_err(|e| internal(&format!("a row of `{}`.`{}`: {e}", self.table.schema, self.table.name)))
    }

    /// One column of a stored row by position, without a copy.
    #[inline]
    pub fn column<'v>(&self, view: &RowView<'v>, at: usize, zone: &TimeZone) -> SqlResult<ValueRef<'v>> {
        let value = view
            .get(self.physical[at])
            .map_err(|e| internal(&format!("a row of `{}`.`{}`: {e}", self.table.schema, self.table.name)))?;
        Ok(match value {
            ValueRef::DateTime(utc)
                if self.has_timestamps && self.table.columns[at].ty.base == BaseType::Timestamp =>
            {
                ValueRef::DateTime(zone.datetime_from_utc(utc))
            }
            other => other,
        })
    }

    /// All columns of a stored row in table order.
    pub fn read_row(&self, bytes: &[u8], zone: &TimeZone) -> SqlResult<Vec<Value>> {
        let view = self.view(bytes)?;
        (0..self.table.columns.len()).map(|at| Ok(self.column(&view, at, zone)?.to_owned())).collect()
    }
}

fn prefix_of(storage: StorageId) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(12);
    key_prefix(TENANT, storage.0, &mut prefix);
    prefix
}

/// Appends one key part; TIMESTAMP goes in as UTC.
pub(crate) fn put_part(
    value: &Value,
    column: &KeyColumn,
    zone: &TimeZone,
    out: &mut Vec<u8>,
) -> SqlResult<()> {
    let value = match value.as_ref() {
        ValueRef::DateTime(local) if column.ty.base == BaseType::Timestamp => {
            ValueRef::DateTime(zone.datetime_to_utc(local).unwrap_or(local))
        }
        other => other,
    };
    encode_column(value, column, out).map_err(|e| internal(&e))
}

fn index_shape(
    table: &TableDef,
    index: &IndexDef,
    expressions: &TableExpressions,
    storage: StorageId,
) -> SqlResult<IndexShape> {
    let mut parts = Vec::with_capacity(index.parts.len());
    for (number, part) in index.parts.iter().enumerate() {
        let (source, ty) = match &part.part {
            KeyPart::Column(id) => {
                let at = table
                    .position(*id)
                    .ok_or_else(|| internal(&format!("index `{}` names a missing column", index.name)))?;
                (PartSource::Column(at), table.columns[at].ty.clone())
            }
            KeyPart::Expression(text) => {
                let expr = expressions
                    .key_parts
                    .iter()
                    .find(|(id, at, _)| *id == index.id && *at == number)
                    .map(|(_, _, expr)| expr.clone())
                    .ok_or_else(|| internal(&format!("key part ({text}) is not resolved")))?;
                let ty = expr.ty.clone();
                (PartSource::Expression(Box::new(expr)), ty)
            }
        };
        let column = KeyColumn { ty, desc: part.descending, prefix: part.prefix_length };
        parts.push(PartShape { source, column });
    }
    Ok(IndexShape {
        id: index.id,
        storage,
        prefix: prefix_of(storage),
        parts,
        unique: index.is_unique(),
        name: index.name.clone(),
        readable: index.state == IndexState::Public,
    })
}
