//! INSERT and REPLACE.

use super::row::{Placed, RowWriter};
use super::store::{self, Strictness};
use super::{Changes, ignored};
use crate::ops::{self, Row};
use crate::point::CHECK_WAIT;
use crate::ranges::int_range;
use crate::runtime::{Runtime, same_values};
use aurora_catalog::ColumnDefault;
use aurora_expr::EvalCtx;
use aurora_planner::{Assignment, DuplicateAction, InsertPlan, InsertSource};
use aurora_txn::{CounterKind, LockMode, Locked};
use aurora_types::error::{ER_AUTOINC_READ_FAILED, ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN};
use aurora_types::{BaseType, SqlError, SqlMode, SqlResult, SqlType, Value};

/// Runs an INSERT or REPLACE.
pub(crate) fn insert(rt: &Runtime<'_>, plan: &InsertPlan, ctx: &mut EvalCtx<'_>) -> SqlResult<Changes> {
    let rows = match &plan.source {
        InsertSource::Values(rows) => rows.len(),
        InsertSource::Query(_) => usize::MAX,
    };
    let strict = ctx.sql_mode.is_strict() && !plan.ignore;
    let how = Strictness { ignore: plan.ignore, strict, null_is_error: rows == 1 };
    ctx.strict_dml = strict;
    let mut inserter = Inserter::new(rt, plan, how, rows)?;
    match &plan.source {
        InsertSource::Values(rows) => {
            for exprs in rows {
                ctx.row_number = inserter.changes.found + 1;
                inserter.changes.found += 1;
                let mut row = inserter.defaults(ctx)?;
                let assigned = inserter.assign_values(exprs, &mut row, ctx);
                let done = assigned.and_then(|()| inserter.place(row, &[], ctx));
                if let Err(error) = done {
                    ignored(error, plan.ignore, ctx.diagnostics)?;
                }
            }
        }
        InsertSource::Query(node) => {
            let mut op = ops::build(node, rt)?;
            op.open(rt, ctx)?;
            let mut source = Row::new();
            while op.next(rt, ctx, &mut source)? {
                ctx.row_number = inserter.changes.found + 1;
                inserter.changes.found += 1;
                let mut row = inserter.defaults(ctx)?;
                let assigned = inserter.assign_row(&source, &node.types, &mut row, ctx);
                let done = assigned.and_then(|()| inserter.place(row, &source, ctx));
                if let Err(error) = done {
                    ignored(error, plan.ignore, ctx.diagnostics)?;
                }
            }
        }
    }
    Ok(inserter.changes)
}

/// Generated values that are reserved together: those of one INSERT … VALUES are consecutive.
#[derive(Default)]
struct Reserved {
    next: u64,
    step: u64,
    left: u64,
}

pub(super) struct Inserter<'r, 'a> {
    rt: &'r Runtime<'a>,
    plan: &'r InsertPlan,
    how: Strictness,
    pub(super) writer: RowWriter<'r, 'a>,
    pub(super) auto: Option<usize>,
    reserved: Reserved,
    /// Rows of VALUES; `usize::MAX` when unknown.
    expected: usize,
    pub(super) changes: Changes,
    /// By position: the statement gives the column.
    given: Vec<bool>,
    /// How many keys a row may meet another by.
    unique_keys: usize,
    /// Defaults of the columns that are not given; kept when none of them changes from row to row.
    template: Row,
}

impl<'r, 'a> Inserter<'r, 'a> {
    pub(super) fn new(
        rt: &'r Runtime<'a>,
        plan: &'r InsertPlan,
        how: Strictness,
        expected: usize,
    ) -> SqlResult<Inserter<'r, 'a>> {
        let info = rt.host.table_info(&plan.table)?;
        let mut given = vec![false; info.table.columns.len()];
        for at in &plan.columns {
            given[*at] = true;
        }
        let clustered = usize::from(!info.clustered.parts.is_empty());
        let unique_keys = clustered + info.indexes.iter().filter(|index| index.unique).count();
        Ok(Inserter {
            rt,
            plan,
            how,
            auto: info.table.auto_increment_column(),
            writer: RowWriter::new(rt, info),
            reserved: Reserved::default(),
            expected,
            changes: Changes { shows_records: expected > 1, ..Changes::default() },
            given,
            unique_keys,
            template: Vec::new(),
        })
    }

    /// A row of defaults. Columns that are given stay NULL unless an expression could read them before.
    pub(super) fn defaults(&mut self, ctx: &mut EvalCtx<'_>) -> SqlResult<Row> {
        if !self.template.is_empty() {
            return Ok(self.template.clone());
        }
        let info = self.writer.info.clone();
        let mut row = Row::with_capacity(info.table.columns.len());
        for (at, given) in self.given.iter().enumerate() {
            if *given {
                // What an expression of the same row sees before the assignment.
                row.push(match &info.table.columns[at].default {
                    ColumnDefault::Value(value) => value.clone(),
                    ColumnDefault::None if !info.table.columns[at].ty.nullable => {
                        aurora_types::default::implicit_default(&info.table.columns[at].ty)
                    }
                    _ => Value::Null,
                });
                continue;
            }
            row.push(store::default_of(&info, at, self.how, ctx)?.unwrap_or(Value::Null));
        }
        self.template = row.clone();
        Ok(row)
    }

    /// `DEFAULT` written out.
    pub(super) fn written_default(
        &self,
        at: usize,
        row: &[Value],
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Value> {
        let info = &self.writer.info;
        if let Some(value) = store::default_of(info, at, self.how, ctx)? {
            return Ok(value);
        }
        match info.expressions.defaults.get(at) {
            Some(Some(expr)) => {
                let value = expr.eval(row, ctx)?;
                store::convert(info, at, &value, &expr.ty, self.how, ctx)
            }
            _ => Ok(Value::Null),
        }
    }

    fn assign_values(
        &mut self,
        exprs: &[Option<aurora_expr::Expr>],
        row: &mut Row,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let plan = self.plan;
        for (at, expr) in plan.columns.iter().zip(exprs) {
            let value = match expr {
                Some(expr) => {
                    self.refuse_generated(*at)?;
                    let value = expr.eval(row, ctx)?;
                    store::convert(&self.writer.info, *at, &value, &expr.ty, self.how, ctx)?
                }
                None => self.written_default(*at, row, ctx)?,
            };
            self.set(*at, value, row, ctx)?;
        }
        Ok(())
    }

    fn assign_row(
        &mut self,
        source: &[Value],
        types: &[SqlType],
        row: &mut Row,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let plan = self.plan;
        for (i, at) in plan.columns.iter().enumerate() {
            self.refuse_generated(*at)?;
            let (Some(value), Some(ty)) = (source.get(i), types.get(i)) else { continue };
            let value = store::convert(&self.writer.info, *at, value, ty, self.how, ctx)?;
            self.set(*at, value, row, ctx)?;
        }
        Ok(())
    }

    fn refuse_generated(&self, at: usize) -> SqlResult<()> {
        let table = &self.writer.info.table;
        let column = &table.columns[at];
        if column.generated.is_some() {
            let args: [&dyn std::fmt::Display; 2] = [&column.name, &table.name];
            return Err(SqlError::new(ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, &args));
        }
        Ok(())
    }

    pub(super) fn set(
        &mut self,
        at: usize,
        mut value: Value,
        row: &mut Row,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        if self.auto != Some(at) {
            store::not_null(&self.writer.info, at, &mut value, self.how, ctx)?;
        }
        row[at] = value;
        Ok(())
    }

    /// Everything that follows from the values, then the row itself.
    pub(super) fn place(&mut self, mut row: Row, source: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        let info = self.writer.info.clone();
        for (at, expr) in info.expressions.defaults.iter().enumerate() {
            if let Some(expr) = expr
                && !self.given[at]
            {
                let value = expr.eval(&row, ctx)?;
                row[at] = store::convert(&info, at, &value, &expr.ty, self.how, ctx)?;
            }
        }
        let explicit_id = self.number_row(&mut row, ctx)?;
        store::generate(&info, &mut row, self.how, ctx)?;
        for (at, value) in row.iter_mut().enumerate() {
            if !self.given[at] && value.is_null() {
                store::not_null(&info, at, value, self.how, ctx)?;
            }
        }
        store::check(&info, &row, &self.plan.checks, ctx)?;
        loop {
            match self.writer.insert(&row, ctx)? {
                Placed::Done => {
                    self.changes.affected += 1;
                    break;
                }
                Placed::Duplicate { error, row_key, .. } => match &self.plan.duplicate {
                    DuplicateAction::Error => {
                        self.changes.duplicates += 1;
                        return Err(*error);
                    }
                    DuplicateAction::Replace => {
                        self.changes.duplicates += 1;
                        if let Some(old) = self.stored(&row_key, ctx)? {
                            // Where the row is in nobody else's way, one that is the same stays.
                            let alone = self.unique_keys == 1 && self.writer.children.is_empty();
                            if alone && same_values(&old, &row) {
                                self.changes.affected += 1;
                                break;
                            }
                            self.writer.delete(&row_key, &old, 0, ctx)?;
                            self.changes.affected += 1;
                        }
                    }
                    DuplicateAction::Update(assignments) => {
                        self.changes.duplicates += 1;
                        let Some(old) = self.stored(&row_key, ctx)? else { continue };
                        return self.update_duplicate(&row_key, old, row, source, assignments, ctx);
                    }
                },
            }
        }
        if let Some(id) = explicit_id {
            self.rt.manager.counters().at_least(CounterKind::AutoIncrement, info.table.storage.0, id)?;
            if self.changes.generated_id.is_none() {
                self.changes.packet_id = id;
            }
        }
        Ok(())
    }

    fn stored(&self, row_key: &[u8], ctx: &EvalCtx<'_>) -> SqlResult<Option<Row>> {
        let info = &self.writer.info;
        match self.rt.txn.lock_get(info.lock_table(), row_key, LockMode::Exclusive, CHECK_WAIT)? {
            Locked::Row { value: Some(bytes), .. } => {
                Ok(Some(info.read_row(&bytes, ctx.session.time_zone())?))
            }
            _ => Ok(None),
        }
    }

    fn update_duplicate(
        &mut self,
        row_key: &[u8],
        old: Row,
        proposed: Row,
        source: &[Value],
        assignments: &[Assignment],
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let info = self.writer.info.clone();
        let width = old.len();
        let mut seen = old.clone();
        seen.extend(proposed);
        seen.extend_from_slice(source);
        let how = Strictness { null_is_error: true, ..self.how };
        for assignment in assignments {
            let at = assignment.column;
            let mut value = match &assignment.value {
                Some(expr) => {
                    self.refuse_generated(at)?;
                    let value = expr.eval(&seen, ctx)?;
                    store::convert(&info, at, &value, &expr.ty, how, ctx)?
                }
                None => self.written_default(at, &seen[..width], ctx)?,
            };
            store::not_null(&info, at, &mut value, how, ctx)?;
            seen[at] = value;
        }
        let mut new: Row = seen[..width].to_vec();
        let assigned: Vec<usize> = assignments.iter().map(|a| a.column).collect();
        super::update::touch(&info, &old, &mut new, &assigned, how, ctx)?;
        let auto_value = self.auto.and_then(|at| number_of(&new[at]));
        if same_values(&old, &new) {
            self.changes.affected += u64::from(self.rt.settings.found_rows);
        } else {
            store::check(&info, &new, &self.plan.checks, ctx)?;
            if let Placed::Duplicate { error, .. } = self.writer.update(row_key, &old, &new, 0, ctx)? {
                return Err(*error);
            }
            self.changes.affected += 2;
            self.changes.changed += 1;
        }
        if let Some(id) = auto_value
            && self.changes.generated_id.is_none()
        {
            self.changes.packet_id = id;
        }
        Ok(())
    }

    /// Gives the AUTO_INCREMENT column its value; tells an explicit one.
    fn number_row(&mut self, row: &mut Row, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<u64>> {
        let Some(at) = self.auto else { return Ok(None) };
        let is_zero = match &row[at] {
            Value::Int(0) | Value::UInt(0) => true,
            Value::Double(v) => *v == 0.0,
            _ => false,
        };
        let generate =
            row[at].is_null() || (is_zero && !ctx.sql_mode.contains(SqlMode::NO_AUTO_VALUE_ON_ZERO));
        if !generate {
            return Ok(number_of(&row[at]));
        }
        let ty = &self.writer.info.table.columns[at].ty;
        let storage = self.writer.info.table.storage.0;
        let max = match ty.base {
            BaseType::Float => 1 << 24,
            BaseType::Double => 1 << 53,
            _ => u64::try_from(int_range(ty).1).unwrap_or(u64::MAX),
        };
        if self.reserved.left == 0 {
            let settings = self.rt.settings;
            if let Some(id) = settings.insert_id
                && self.changes.generated_id.is_none()
            {
                self.rt.manager.counters().at_least(
                    CounterKind::AutoIncrement,
                    storage,
                    id.saturating_sub(1),
                )?;
            }
            let remaining = match self.expected {
                usize::MAX => 1,
                expected => (expected as u64).saturating_sub(self.changes.found - 1).max(1),
            };
            let reserve = |count: u64| {
                self.rt.manager.counters().reserve(
                    CounterKind::AutoIncrement,
                    storage,
                    count,
                    settings.auto_increment_increment,
                    settings.auto_increment_offset,
                    max,
                )
            };
            // At the end of the type there may be fewer than the whole statement would like.
            let got = reserve(remaining)
                .or_else(|_| reserve(1))
                .map_err(|_| SqlError::new(ER_AUTOINC_READ_FAILED, &[]))?;
            self.reserved = Reserved { next: got.first, step: got.step, left: got.count };
        }
        let id = self.reserved.next;
        self.reserved.next = self.reserved.next.saturating_add(self.reserved.step);
        self.reserved.left -= 1;
        row[at] = match ty.base {
            BaseType::Float | BaseType::Double => Value::Double(id as f64),
            _ if ty.unsigned => Value::UInt(id),
            _ => Value::Int(id as i64),
        };
        if self.changes.generated_id.is_none() {
            self.changes.generated_id = Some(id);
            self.changes.packet_id = id;
        }
        Ok(None)
    }
}

fn number_of(value: &Value) -> Option<u64> {
    match value {
        Value::Int(v) => u64::try_from(*v).ok(),
        Value::UInt(v) => Some(*v),
        Value::Double(v) if *v > 0.0 && *v < 9e15 => Some(*v as u64),
        _ => None,
    }
}
