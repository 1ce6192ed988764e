//! LOAD DATA: rows that come as texts, one after the other, from whoever reads the file.

use super::insert::Inserter;
use super::store::{self, Strictness};
use super::{Changes, ignored};
use crate::ops::Row;
use crate::runtime::Runtime;
use aurora_catalog::{ColumnDef, ColumnDefault};
use aurora_expr::{EvalCtx, Expr, typing};
use aurora_planner::{InsertPlan, InsertSource};
use aurora_types::default::implicit_default;
use aurora_types::error::{
    ER_DUP_ENTRY, ER_WARN_NULL_TO_NOTNULL, ER_WARN_TOO_FEW_RECORDS, ER_WARN_TOO_MANY_RECORDS, ErrorKind,
};
use aurora_types::{BaseType, Charset, CollationId, Level, SqlError, SqlResult, SqlType, Text, Value};
use std::fmt::Display;

/// Where a field of the file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadField {
    /// Position in the table.
    Column(usize),
    /// A user variable, by its name.
    Variable(String),
}

/// What LOAD DATA makes of the fields of a line. The statement's plan is that of an INSERT of one row of VALUES, whose
/// last columns are those of SET.
#[derive(Clone, Debug)]
pub struct LoadColumns {
    pub fields: Vec<LoadField>,
    /// How many columns of the plan, from its end, SET assigns.
    pub assigned: usize,
    /// What the file's bytes are in.
    pub charset: Charset,
    /// Fields have the widths of their columns: a column that is missing is never NULL.
    pub fixed: bool,
}

/// One line of the file.
#[derive(Clone, Copy, Debug)]
pub struct LoadRecord<'r> {
    /// `None` is NULL. Fields that the line does not have are missing at the end.
    pub fields: &'r [Option<&'r [u8]>],
    /// The line has more fields than anybody asked for.
    pub truncated: bool,
}

/// Counts of `Records: …`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub records: u64,
    pub copied: u64,
    pub changes: Changes,
}

/// Takes a line.
pub type TakeRecord<'t> = dyn FnMut(&LoadRecord<'_>) -> SqlResult<()> + 't;

/// Reads the file and gives every line to its argument.
pub type LoadFeed<'f> = dyn FnMut(&mut TakeRecord<'_>) -> SqlResult<()> + 'f;

/// Runs a LOAD DATA.
pub(crate) fn load(
    rt: &Runtime<'_>,
    plan: &InsertPlan,
    columns: &LoadColumns,
    feed: &mut LoadFeed<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Loaded> {
    let strict = ctx.sql_mode.is_strict() && !plan.ignore;
    ctx.strict_dml = strict;
    let how = Strictness { ignore: plan.ignore, strict, null_is_error: false };
    let values: &[Option<Expr>] = match &plan.source {
        InsertSource::Values(rows) => rows.first().map_or(&[], Vec::as_slice),
        InsertSource::Query(_) => &[],
    };
    let first = plan.columns.len().saturating_sub(columns.assigned);
    let assignments = plan.columns.iter().copied().zip(values).skip(first).collect();
    let collation = columns.charset.default_collation();
    let mut loader = Loader {
        rt,
        inserter: Inserter::new(rt, plan, how, usize::MAX)?,
        columns,
        assignments,
        how,
        ty: SqlType { collation, ..typing::text(u64::from(u32::MAX), collation) },
        loaded: Loaded::default(),
        row_number: 0,
    };
    feed(&mut |record| {
        rt.tick()?;
        loader.record(record, ctx)
    })?;
    loader.loaded.changes = loader.inserter.changes;
    Ok(loader.loaded)
}

struct Loader<'r, 'a> {
    rt: &'r Runtime<'a>,
    inserter: Inserter<'r, 'a>,
    columns: &'r LoadColumns,
    /// SET: position in the table, and `None` for DEFAULT.
    assignments: Vec<(usize, &'r Option<Expr>)>,
    how: Strictness,
    /// Type of a field.
    ty: SqlType,
    loaded: Loaded,
    row_number: u64,
}

impl Loader<'_, '_> {
    fn record(&mut self, record: &LoadRecord<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.row_number += 1;
        ctx.row_number = self.row_number;
        let row = self.row(record, ctx);
        match row.and_then(|row| self.inserter.place(row, &[], ctx)) {
            Ok(()) => {
                self.loaded.records += 1;
                self.loaded.copied += 1;
            }
            Err(error) => {
                let duplicate = error.is(ER_DUP_ENTRY);
                ignored(error, self.how.ignore, ctx.diagnostics)?;
                self.loaded.records += u64::from(duplicate);
            }
        }
        if record.truncated {
            self.complain(ER_WARN_TOO_MANY_RECORDS, &[&self.row_number], ctx)?;
        }
        Ok(())
    }

    /// A warning that strict mode makes an error.
    fn complain(
        &self,
        kind: &'static ErrorKind,
        args: &[&dyn Display],
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let error = SqlError::new(kind, args);
        if self.how.strict {
            return Err(error);
        }
        ctx.diagnostics.push(Level::Warning, error.code, error.message);
        Ok(())
    }

    fn row(&mut self, record: &LoadRecord<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Row> {
        let mut row = self.inserter.defaults(ctx)?;
        for (at, target) in self.columns.fields.iter().enumerate() {
            match (target, record.fields.get(at)) {
                (LoadField::Column(column), Some(Some(bytes))) => {
                    self.column(*column, bytes, &mut row, ctx)?;
                }
                (LoadField::Column(column), Some(None)) => self.null(*column, &mut row, ctx),
                (LoadField::Column(column), None) => {
                    self.complain(ER_WARN_TOO_FEW_RECORDS, &[&self.row_number], ctx)?;
                    self.missing(*column, &mut row, ctx);
                }
                (LoadField::Variable(name), field) => {
                    let (value, ty) = match field {
                        Some(Some(bytes)) => self.text(bytes),
                        _ => (Value::Null, self.ty.clone()),
                    };
                    self.rt.session.set_user_variable(name, value, &ty);
                }
            }
        }
        for at in 0..self.assignments.len() {
            let (column, expr) = self.assignments[at];
            if self.definition(column).generated.is_some() {
                continue;
            }
            let value = match expr {
                Some(expr) => {
                    let value = expr.eval(&row, ctx)?;
                    store::convert(&self.inserter.writer.info, column, &value, &expr.ty, self.how, ctx)?
                }
                None => self.inserter.written_default(column, &row, ctx)?,
            };
            self.inserter.set(column, value, &mut row, ctx)?;
        }
        // SET may still have given a value.
        for target in &self.columns.fields {
            if let LoadField::Column(column) = target
                && row[*column].is_null()
            {
                self.not_null(*column, &mut row, ctx)?;
            }
        }
        Ok(row)
    }

    fn definition(&self, column: usize) -> &ColumnDef {
        &self.inserter.writer.info.table.columns[column]
    }

    /// A field's text and its type. Bytes that are no text stay bytes: the column says so.
    fn text(&self, bytes: &[u8]) -> (Value, SqlType) {
        let charset = self.columns.charset;
        match charset.decode(bytes) {
            Ok(text) => (Value::Text(Text::from(&*text)), self.ty.clone()),
            Err(_) if charset.is_utf8_or_binary() => {
                let ty = SqlType { collation: CollationId::BINARY, ..self.ty.clone() };
                (Value::Text(Text::from(bytes)), ty)
            }
            Err(_) => (Value::Text(Text::from(&*charset.decode_lossy(bytes))), self.ty.clone()),
        }
    }

    /// A generated column computes its value whatever the file says.
    fn column(&mut self, column: usize, bytes: &[u8], row: &mut Row, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        if self.definition(column).generated.is_none() {
            let (value, ty) = self.text(bytes);
            let info = &self.inserter.writer.info;
            row[column] = store::convert(info, column, &value, &ty, self.how, ctx)?;
        }
        Ok(())
    }

    fn null(&self, column: usize, row: &mut Row, ctx: &EvalCtx<'_>) {
        let ty = &self.definition(column).ty;
        let is_now = ty.base == BaseType::Timestamp && !ty.nullable;
        row[column] = if is_now { store::now(ty, ctx) } else { Value::Null };
    }

    /// A NULL where none may be.
    fn not_null(&self, column: usize, row: &mut Row, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        let definition = self.definition(column);
        if definition.ty.nullable || definition.generated.is_some() || self.inserter.auto == Some(column) {
            return Ok(());
        }
        row[column] = zero_of(&definition.ty);
        self.complain(ER_WARN_NULL_TO_NOTNULL, &[&definition.name, &self.row_number], ctx)
    }

    /// The line ended before the column: it is NULL where its default is, else its type's zero, not its default.
    fn missing(&self, column: usize, row: &mut Row, ctx: &EvalCtx<'_>) {
        let definition = self.definition(column);
        let nothing = match definition.default {
            ColumnDefault::Value(_) => false,
            _ => definition.ty.nullable && !self.columns.fixed,
        };
        row[column] = if nothing || definition.generated.is_some() || self.inserter.auto == Some(column) {
            Value::Null
        } else if definition.ty.base == BaseType::Timestamp && !definition.ty.nullable {
            store::now(&definition.ty, ctx)
        } else {
            zero_of(&definition.ty)
        };
    }
}

/// What a column holds that was given nothing; of an ENUM the empty member, not the first.
fn zero_of(ty: &SqlType) -> Value {
    match ty.base {
        BaseType::Enum(_) => Value::Text(Text::from("")),
        _ => implicit_default(ty),
    }
}
