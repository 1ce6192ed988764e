//! JSON_TABLE: rows out of a document.

use super::{Op, Row};
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr, typing};
use aurora_planner::{JsonColumn, JsonColumnSource, JsonDefault};
use aurora_types::error::{
    ER_INVALID_JSON_PATH, ER_INVALID_JSON_TEXT_IN_PARAM, ER_MISSING_JSON_TABLE_VALUE,
    ER_WRONG_JSON_TABLE_VALUE,
};
use aurora_types::json::{Json, Path};
use aurora_types::store::{StoreContext, store};
use aurora_types::{BaseType, Diagnostics, SqlError, SqlResult, SqlType, Text, Value};

pub(super) struct JsonTable<'a> {
    doc: &'a Expr,
    path: &'a str,
    columns: &'a [JsonColumn],
    rows: std::vec::IntoIter<Row>,
}

impl<'a> JsonTable<'a> {
    pub fn new(doc: &'a Expr, path: &'a str, columns: &'a [JsonColumn]) -> JsonTable<'a> {
        JsonTable { doc, path, columns, rows: Vec::new().into_iter() }
    }
}

fn parse_path(path: &str) -> SqlResult<Path> {
    Path::parse(path.as_bytes()).map_err(|at| SqlError::new(ER_INVALID_JSON_PATH, &[&at]))
}

/// Output columns of a list, nested ones in place.
fn width(columns: &[JsonColumn]) -> usize {
    columns
        .iter()
        .map(|column| match &column.source {
            JsonColumnSource::Nested { columns, .. } => width(columns),
            _ => 1,
        })
        .sum()
}

/// Rows of one match: its own columns, once for every row of its nested paths (siblings one after the other, the
/// others' columns NULL), at least one.
fn expand(columns: &[JsonColumn], item: &Json, ordinal: u64, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
    let mut base = Row::with_capacity(width(columns));
    let mut nested: Vec<(usize, Vec<Row>)> = Vec::new();
    for column in columns {
        match &column.source {
            JsonColumnSource::Ordinality => base.push(Value::UInt(ordinal)),
            JsonColumnSource::Exists { path } => {
                let found = !parse_path(path)?.find(item).is_empty();
                base.push(cell(&Json::from_u64(u64::from(found)), column, ctx)?);
            }
            JsonColumnSource::Path { path, on_empty, on_error } => {
                let path = parse_path(path)?;
                let found = path.find(item);
                let value = match found.as_slice() {
                    [] => {
                        or_default(on_empty, || SqlError::new(ER_MISSING_JSON_TABLE_VALUE, &[&column.name]))?
                    }
                    [one] if column.ty.base == BaseType::Json => Value::Json(Text::from(one.to_text())),
                    [Json::Array(_) | Json::Object(_)] => or_default(on_error, || wrong(column))?,
                    [one] => match cell(one, column, ctx) {
                        Ok(value) => value,
                        Err(_) => or_default(on_error, || wrong(column))?,
                    },
                    several if column.ty.base == BaseType::Json => {
                        let list: Vec<Json> = several.iter().map(|json| (*json).clone()).collect();
                        Value::Json(Text::from(Json::Array(list).to_text()))
                    }
                    _ => or_default(on_error, || wrong(column))?,
                };
                base.push(value);
            }
            JsonColumnSource::Nested { path, columns: inner } => {
                let path = parse_path(path)?;
                let mut rows = Vec::new();
                for (n, found) in path.find(item).into_iter().enumerate() {
                    rows.extend(expand(inner, found, n as u64 + 1, ctx)?);
                }
                nested.push((base.len(), rows));
                base.resize(base.len() + width(inner), Value::Null);
            }
        }
    }
    let mut out = Vec::new();
    for (at, rows) in nested {
        for inner in rows {
            let mut row = base.clone();
            for (slot, value) in row[at..].iter_mut().zip(inner) {
                *slot = value;
            }
            out.push(row);
        }
    }
    if out.is_empty() {
        out.push(base);
    }
    Ok(out)
}

fn wrong(column: &JsonColumn) -> SqlError {
    SqlError::new(ER_WRONG_JSON_TABLE_VALUE, &[&column.name])
}

fn or_default(default: &JsonDefault, error: impl FnOnce() -> SqlError) -> SqlResult<Value> {
    match default {
        JsonDefault::Null => Ok(Value::Null),
        JsonDefault::Error => Err(error()),
        JsonDefault::Value(value) => Ok(value.clone()),
    }
}

/// A scalar as the column's type.
fn cell(json: &Json, column: &JsonColumn, ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    let (value, from): (Value, SqlType) = match json {
        Json::Null => return Ok(Value::Null),
        Json::Bool(v) => (Value::Int(i64::from(*v)), typing::bigint(1)),
        Json::Int(v) => (Value::Int(*v), typing::bigint(20)),
        Json::UInt(v) => (Value::UInt(*v), typing::bigint_unsigned(20)),
        Json::Double(v) => (Value::Double(*v), typing::double()),
        Json::String(text) => {
            let ty = typing::text(text.len() as u64, aurora_types::CollationId::UTF8MB4_BIN);
            (Value::Text(Text::from(text.clone())), ty)
        }
        other => {
            let text = other.to_text();
            let ty = typing::text(text.len() as u64, aurora_types::CollationId::UTF8MB4_BIN);
            (Value::Text(Text::from(text)), ty)
        }
    };
    let store_ctx = StoreContext {
        sql_mode: ctx.sql_mode.with(aurora_types::SqlMode::STRICT_ALL_TABLES),
        strict: true,
        time_zone: ctx.session.time_zone(),
        now: ctx.now(),
        table: "",
    };
    let mut ignored = Diagnostics::default();
    store(&value, &from, &column.ty, &column.name, ctx.row_number, &store_ctx, &mut ignored)
}

impl Op for JsonTable<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.rows = Vec::new().into_iter();
        let text = match self.doc.eval(&[], ctx)? {
            Value::Null => return Ok(()),
            Value::Json(text) | Value::Text(text) => text,
            _ => return Ok(()),
        };
        let json = Json::parse(text.as_bytes()).map_err(|error| {
            let args: [&dyn std::fmt::Display; 4] =
                [&1, &"json_table", &error.problem.message(), &error.position];
            SqlError::new(ER_INVALID_JSON_TEXT_IN_PARAM, &args)
        })?;
        let path = parse_path(self.path)?;
        let mut rows = Vec::new();
        for (n, item) in path.find(&json).into_iter().enumerate() {
            let more = expand(self.columns, item, n as u64 + 1, ctx)?;
            rt.hold(more.iter().map(|row| super::row_bytes(row)).sum())?;
            rows.extend(more);
        }
        self.rows = rows.into_iter();
        Ok(())
    }

    fn next(&mut self, _: &Runtime<'_>, _: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        match self.rows.next() {
            Some(next) => {
                *row = next;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}
