//! Values on their way into columns: conversion, defaults, NOT NULL, generated columns, checks.

use crate::shape::TableInfo;
use aurora_catalog::ColumnDefault;
use aurora_expr::EvalCtx;
use aurora_planner::ViewCheck;
use aurora_types::default::implicit_default;
use aurora_types::error::{
    ER_BAD_NULL_ERROR, ER_CHECK_CONSTRAINT_VIOLATED, ER_NO_DEFAULT_FOR_FIELD, ER_VIEW_CHECK_FAILED,
};
use aurora_types::store::{StoreContext, store};
use aurora_types::{BaseType, SqlError, SqlResult, SqlType, Value};

/// How strict a statement is with bad values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strictness {
    pub ignore: bool,
    /// `STRICT_…_TABLES`, and no IGNORE.
    pub strict: bool,
    /// A NULL for a NOT NULL column is an error in any mode: INSERT of one row.
    pub null_is_error: bool,
}

/// Converts a value into a column's type and form.
pub(crate) fn convert(
    info: &TableInfo,
    at: usize,
    value: &Value,
    from: &SqlType,
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    let column = &info.table.columns[at];
    if value.is_null() {
        return Ok(Value::Null);
    }
    let store_ctx = StoreContext {
        sql_mode: ctx.sql_mode,
        strict: !how.ignore,
        time_zone: ctx.session.time_zone(),
        now: ctx.now(),
        table: &info.table.name,
    };
    store(value, from, &column.ty, &column.name, ctx.row_number, &store_ctx, ctx.diagnostics)
}

/// NOT NULL: an error, or the type's zero and a warning.
pub(crate) fn not_null(
    info: &TableInfo,
    at: usize,
    value: &mut Value,
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    let column = &info.table.columns[at];
    if !value.is_null() || column.ty.nullable {
        return Ok(());
    }
    let error = SqlError::new(ER_BAD_NULL_ERROR, &[&column.name]);
    if how.strict || (how.null_is_error && !how.ignore) {
        return Err(error);
    }
    ctx.diagnostics.push(aurora_types::Level::Warning, error.code, error.message);
    *value = implicit_default(&column.ty);
    Ok(())
}

/// The DEFAULT of a column that needs no row: `None` for `DEFAULT (expr)`, which is evaluated behind the others.
///
/// # Errors
/// 1364 where there is none.
pub(crate) fn default_of(
    info: &TableInfo,
    at: usize,
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<Value>> {
    let column = &info.table.columns[at];
    Ok(Some(match &column.default {
        ColumnDefault::Value(value) => value.clone(),
        ColumnDefault::Null => Value::Null,
        ColumnDefault::CurrentTimestamp => now(&column.ty, ctx),
        ColumnDefault::Expression(_) => return Ok(None),
        ColumnDefault::None if column.auto_increment || column.generated.is_some() || column.ty.nullable => {
            Value::Null
        }
        ColumnDefault::None => {
            if !matches!(column.ty.base, BaseType::Enum(_)) {
                let error = SqlError::new(ER_NO_DEFAULT_FOR_FIELD, &[&column.name]);
                if how.strict {
                    return Err(error);
                }
                ctx.diagnostics.push(aurora_types::Level::Warning, error.code, error.message);
            }
            implicit_default(&column.ty)
        }
    }))
}

/// CURRENT_TIMESTAMP with the column's digits.
pub(crate) fn now(ty: &SqlType, ctx: &EvalCtx<'_>) -> Value {
    let now = ctx.now();
    Value::DateTime(now.round(ty.decimals, true).unwrap_or(now))
}

/// Computes generated columns from the rest of the row.
pub(crate) fn generate(
    info: &TableInfo,
    row: &mut [Value],
    how: Strictness,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    if !info.has_generated {
        return Ok(());
    }
    for (at, expr) in info.expressions.generated.iter().enumerate() {
        if let Some(expr) = expr {
            let value = expr.eval(row, ctx)?;
            let mut value = convert(info, at, &value, &expr.ty, how, ctx)?;
            not_null(info, at, &mut value, how, ctx)?;
            row[at] = value;
        }
    }
    Ok(())
}

/// CHECK constraints and the WITH CHECK OPTION of views.
pub(crate) fn check(
    info: &TableInfo,
    row: &[Value],
    views: &[ViewCheck],
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    for view in views {
        if !view.condition.eval_predicate(row, ctx)? {
            let (schema, name) = view.view.split_once('.').unwrap_or(("", &view.view));
            return Err(SqlError::new(ER_VIEW_CHECK_FAILED, &[&schema, &name]));
        }
    }
    if !info.has_checks {
        return Ok(());
    }
    for (check, expr) in info.table.checks.iter().zip(&info.expressions.checks) {
        if let Some(expr) = expr
            && expr.eval_bool(row, ctx)? == Some(false)
        {
            return Err(SqlError::new(ER_CHECK_CONSTRAINT_VIOLATED, &[&check.name]));
        }
    }
    Ok(())
}
