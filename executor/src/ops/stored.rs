//! Output columns of stored rows: conditions are asked on the stored bytes, and only rows that pass are decoded.

use super::Row;
use crate::shape::{TableInfo, internal};
use aurora_expr::{Columns, EvalCtx, Expr, ExprKind};
use aurora_types::codec::row::RowView;
use aurora_types::{BaseType, SqlResult, TimeZone, Value, ValueRef};

/// What a scan takes out of rows.
pub(super) struct StoredColumns<'a> {
    outputs: Vec<Output>,
    /// The filter's conjuncts in order.
    conditions: Vec<&'a Expr>,
    /// Outputs that conditions read which the stored bytes cannot answer; decoded before them.
    early: Vec<usize>,
    /// Conditions may see a row handle, so it is put first.
    width: usize,
}

#[derive(Clone, Copy)]
struct Output {
    physical: usize,
    is_timestamp: bool,
}

/// One stored row as its scan numbers its columns.
struct Stored<'v> {
    view: RowView<'v>,
    outputs: &'v [Output],
    zone: &'v TimeZone,
}

impl Stored<'_> {
    #[inline]
    fn get(&self, at: usize) -> Result<ValueRef<'_>, aurora_types::codec::CodecError> {
        let output = self.outputs[at];
        let value = self.view.get(output.physical)?;
        Ok(match value {
            ValueRef::DateTime(utc) if output.is_timestamp => {
                ValueRef::DateTime(self.zone.datetime_from_utc(utc))
            }
            other => other,
        })
    }
}

impl Columns for Stored<'_> {
    #[inline]
    fn column(&self, at: usize) -> Option<ValueRef<'_>> {
        if at < self.outputs.len() { self.get(at).ok() } else { None }
    }
}

impl<'a> StoredColumns<'a> {
    /// `columns`: positions in the table; `filter` is over them in that order.
    pub fn new(info: &TableInfo, columns: &[usize], filter: Option<&'a Expr>) -> StoredColumns<'a> {
        let outputs: Vec<Output> = columns
            .iter()
            .map(|position| Output {
                physical: info.physical[*position],
                is_timestamp: info.has_timestamps
                    && info.table.columns[*position].ty.base == BaseType::Timestamp,
            })
            .collect();
        let mut conditions = Vec::new();
        flatten(filter, &mut conditions);
        let mut early = Vec::new();
        for condition in &conditions {
            condition.collect_columns(&mut early);
        }
        early.sort_unstable();
        early.dedup();
        early.retain(|at| *at < outputs.len());
        StoredColumns { width: outputs.len(), outputs, conditions, early }
    }

    /// Fills `row` from a stored row (behind the columns comes `handle`); `false` where the filter refuses it.
    #[inline]
    pub fn give(
        &self,
        info: &TableInfo,
        bytes: &[u8],
        handle: Option<&[u8]>,
        ctx: &mut EvalCtx<'_>,
        row: &mut Row,
    ) -> SqlResult<bool> {
        let session = ctx.session;
        let stored = Stored { view: info.view(bytes)?, outputs: &self.outputs, zone: session.time_zone() };
        let mut asked = 0;
        let mut passes = true;
        for condition in &self.conditions {
            match condition.quick_bool(&stored, ctx) {
                Some(Some(true)) => {}
                Some(Some(false)) => return Ok(false),
                // Unknown refuses the row, but what comes behind it may warn.
                Some(None) => passes = false,
                None => break,
            }
            asked += 1;
        }
        let rest = &self.conditions[asked..];
        if rest.is_empty() {
            if passes {
                row.clear();
                for at in 0..self.outputs.len() {
                    row.push(self.owned(info, &stored, at)?);
                }
                row.extend(handle.map(|key| Value::Text(key.into())));
            }
            return Ok(passes);
        }
        row.clear();
        row.resize(self.width, Value::Null);
        row.extend(handle.map(|key| Value::Text(key.into())));
        for at in &self.early {
            row[*at] = self.owned(info, &stored, *at)?;
        }
        for condition in rest {
            match condition.eval_bool(row, ctx)? {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => passes = false,
            }
        }
        if passes {
            let mut early = self.early.iter().copied().peekable();
            for (at, value) in row.iter_mut().enumerate().take(self.outputs.len()) {
                if early.next_if_eq(&at).is_none() {
                    *value = self.owned(info, &stored, at)?;
                }
            }
        }
        Ok(passes)
    }

    #[inline]
    fn owned(&self, info: &TableInfo, stored: &Stored<'_>, at: usize) -> SqlResult<Value> {
        match stored.get(at) {
            Ok(value) => Ok(value.to_owned()),
            Err(e) => Err(internal(&format!("a row of `{}`.`{}`: {e}", info.table.schema, info.table.name))),
        }
    }
}

/// The conjuncts, from the left.
fn flatten<'a>(filter: Option<&'a Expr>, out: &mut Vec<&'a Expr>) {
    let mut stack: Vec<&Expr> = filter.into_iter().collect();
    while let Some(expr) = stack.pop() {
        match &expr.kind {
            ExprKind::And(list) => stack.extend(list.iter().rev()),
            _ => out.push(expr),
        }
    }
}
