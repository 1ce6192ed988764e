//! Output columns of stored rows: conditions are asked on the stored bytes, and only rows that pass are decoded.

use super::Row;
use super::conditions::Condition;
use super::wanted::Wanted;
use crate::shape::{TableInfo, internal};
use aurora_expr::{Columns, EvalCtx, Exact, Expr, ExprKind, SessionInfo};
use aurora_types::codec::row::{Ordinal, RowView};
use aurora_types::{BaseType, SqlResult, TimeZone, Value, ValueRef};

/// What a scan takes out of rows.
pub(super) struct StoredColumns<'a> {
    outputs: Vec<Output>,
    /// Outputs that are read above the scan.
    wanted: Wanted,
    /// The filter's conjuncts in order.
    conditions: Vec<Condition<'a>>,
    /// Outputs that conditions read which the stored bytes cannot answer; decoded before them.
    early: Vec<usize>,
    /// Conditions may see a row handle, so it is put first.
    width: usize,
}

#[derive(Clone, Copy)]
struct Output {
    physical: usize,
    is_timestamp: bool,
    ordinal: Option<Ordinal>,
}

/// One stored row as its scan numbers its columns.
pub(super) struct Stored<'v> {
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

    #[inline]
    fn exact(&self, at: usize) -> Exact {
        let Some(output) = self.outputs.get(at) else { return Exact::Unknown };
        let scale = match output.ordinal {
            Some(Ordinal::Int) => 0,
            Some(Ordinal::Decimal(scale)) => scale,
            _ => return self.column(at).map_or(Exact::Unknown, Exact::of),
        };
        match self.view.ordinal(output.physical) {
            Some(Some(number)) => Exact::Number(number, scale),
            Some(None) => Exact::Null,
            None => self.column(at).map_or(Exact::Unknown, Exact::of),
        }
    }
}

impl<'a> StoredColumns<'a> {
    /// `columns`: positions in the table; `filter` is over them in that order.
    pub fn new(
        info: &TableInfo,
        columns: &[usize],
        wanted: Wanted,
        filter: Option<&'a Expr>,
    ) -> StoredColumns<'a> {
        let outputs: Vec<Output> = columns
            .iter()
            .map(|position| Output {
                physical: info.physical[*position],
                is_timestamp: info.has_timestamps
                    && info.table.columns[*position].ty.base == BaseType::Timestamp,
                ordinal: info.layout.ordinal(info.physical[*position]),
            })
            .collect();
        let mut conditions = Vec::new();
        flatten(filter, &mut conditions);
        let mut early = Vec::new();
        for condition in &conditions {
            condition.expr.collect_columns(&mut early);
        }
        early.sort_unstable();
        early.dedup();
        early.retain(|at| *at < outputs.len());
        StoredColumns { width: outputs.len(), outputs, wanted, conditions, early }
    }

    /// Finds what conditions ask of the stored bytes. For scans of many rows: it costs more than a row or two.
    pub fn prepare(&mut self, info: &TableInfo, ctx: &EvalCtx<'_>) {
        let outputs = &self.outputs;
        for condition in &mut self.conditions {
            condition.prepare(&info.layout, |at| outputs.get(at).map(|output| output.physical), ctx);
        }
    }

    /// A stored row whose columns can be asked for.
    #[inline]
    pub fn stored<'v>(
        &'v self,
        info: &'v TableInfo,
        bytes: &'v [u8],
        session: &'v dyn SessionInfo,
    ) -> SqlResult<Stored<'v>> {
        Ok(Stored { view: info.view(bytes)?, outputs: &self.outputs, zone: session.time_zone() })
    }

    /// There is no filter: rows need not even be found in their blocks.
    #[inline]
    pub fn take_all(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether a stored row passes the filter; `scratch` may be overwritten.
    #[inline]
    pub fn passes(
        &self,
        info: &TableInfo,
        bytes: &[u8],
        ctx: &mut EvalCtx<'_>,
        scratch: &mut Row,
    ) -> SqlResult<bool> {
        let stored = self.stored(info, bytes, ctx.session)?;
        Ok(match self.ask(&stored, ctx) {
            None => false,
            Some((asked, passes)) if asked == self.conditions.len() => passes,
            Some((asked, passes)) => self.ask_rest(info, &stored, asked, None, ctx, scratch)? && passes,
        })
    }

    /// Asks the conditions in order: how many could be answered on the stored bytes, and whether none was unknown;
    /// `None` where one refuses the row.
    #[inline]
    fn ask(&self, stored: &Stored<'_>, ctx: &EvalCtx<'_>) -> Option<(usize, bool)> {
        let mut passes = true;
        for (asked, condition) in self.conditions.iter().enumerate() {
            let answer = condition.ask(&stored.view).or_else(|| condition.expr.quick_bool(stored, ctx));
            match answer {
                Some(Some(true)) => {}
                Some(Some(false)) => return None,
                // Unknown refuses the row, but what comes behind it may warn.
                Some(None) => passes = false,
                None => return Some((asked, passes)),
            }
        }
        Some((self.conditions.len(), passes))
    }

    /// Asks the conditions from `from` on by the columns that conditions read, which are put into `row`.
    fn ask_rest(
        &self,
        info: &TableInfo,
        stored: &Stored<'_>,
        from: usize,
        handle: Option<&[u8]>,
        ctx: &mut EvalCtx<'_>,
        row: &mut Row,
    ) -> SqlResult<bool> {
        row.clear();
        row.resize(self.width, Value::Null);
        row.extend(handle.map(|key| Value::Text(key.into())));
        for at in &self.early {
            row[*at] = self.owned(info, stored, *at)?;
        }
        let mut passes = true;
        for condition in &self.conditions[from..] {
            match condition.expr.eval_bool(row, ctx)? {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => passes = false,
            }
        }
        Ok(passes)
    }

    /// The columns of a stored row; those that nobody reads are NULL.
    #[inline]
    pub fn fill(&self, info: &TableInfo, stored: &Stored<'_>, row: &mut Row) -> SqlResult<()> {
        row.clear();
        for at in 0..self.outputs.len() {
            row.push(if self.wanted.has(at) { self.owned(info, stored, at)? } else { Value::Null });
        }
        Ok(())
    }

    /// Some columns of a stored row.
    #[inline]
    pub fn fill_some(
        &self,
        info: &TableInfo,
        stored: &Stored<'_>,
        columns: &[usize],
        row: &mut Row,
    ) -> SqlResult<()> {
        row.clear();
        for at in columns {
            row.push(self.owned(info, stored, *at)?);
        }
        Ok(())
    }

    /// Fills `row` from a stored row as [`StoredColumns::fill`] does (behind the columns comes `handle`); `false` where the
    /// filter refuses it.
    #[inline]
    pub fn give(
        &self,
        info: &TableInfo,
        bytes: &[u8],
        handle: Option<&[u8]>,
        ctx: &mut EvalCtx<'_>,
        row: &mut Row,
    ) -> SqlResult<bool> {
        let stored = self.stored(info, bytes, ctx.session)?;
        let Some((asked, mut passes)) = self.ask(&stored, ctx) else { return Ok(false) };
        if asked == self.conditions.len() {
            if passes {
                self.fill(info, &stored, row)?;
                row.extend(handle.map(|key| Value::Text(key.into())));
            }
            return Ok(passes);
        }
        passes &= self.ask_rest(info, &stored, asked, handle, ctx, row)?;
        if passes {
            let mut early = self.early.iter().copied().peekable();
            for (at, value) in row.iter_mut().enumerate().take(self.outputs.len()) {
                if early.next_if_eq(&at).is_none() && self.wanted.has(at) {
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
fn flatten<'a>(filter: Option<&'a Expr>, out: &mut Vec<Condition<'a>>) {
    let mut stack: Vec<&Expr> = filter.into_iter().collect();
    while let Some(expr) = stack.pop() {
        match &expr.kind {
            ExprKind::And(list) => stack.extend(list.iter().rev()),
            _ => out.push(Condition::new(expr)),
        }
    }
}
