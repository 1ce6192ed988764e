//! JSON functions that make documents and change them.

use super::json_support::{json_type, operands, result};
use super::support::def;
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use aurora_types::error::{
    ER_INVALID_JSON_PATH_ARRAY_CELL, ER_JSON_DOCUMENT_NULL_KEY, ER_JSON_VACUOUS_PATH,
    ER_WARN_DEPRECATED_SYNTAX, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT,
};
use aurora_types::json::{Change, Object};
use aurora_types::{Json, SqlError, SqlResult, Value};

pub const FUNCTIONS: &[FunctionDef] = &[
    def("json_array", Arity::at_least(0), array_type, array, "JSON_ARRAY(a, b, …): an array of the values.")
        .sees_nulls(),
    def(
        "json_object",
        Arity::at_least(0),
        object_type,
        object,
        "JSON_OBJECT(key, value, …): an object of the pairs.",
    )
    .sees_nulls(),
    def(
        "json_set",
        Arity::at_least(3),
        |args, _| change_type(args, "json_set"),
        |ctx, args| change(ctx, args, Change::Set, "json_set"),
        "JSON_SET(doc, path, value, …): sets what the paths lead to.",
    )
    .sees_nulls(),
    def(
        "json_insert",
        Arity::at_least(3),
        |args, _| change_type(args, "json_insert"),
        |ctx, args| change(ctx, args, Change::Insert, "json_insert"),
        "JSON_INSERT(doc, path, value, …): adds values where the paths lead to none.",
    )
    .sees_nulls(),
    def(
        "json_replace",
        Arity::at_least(3),
        |args, _| change_type(args, "json_replace"),
        |ctx, args| change(ctx, args, Change::Replace, "json_replace"),
        "JSON_REPLACE(doc, path, value, …): replaces what the paths lead to.",
    )
    .sees_nulls(),
    def(
        "json_remove",
        Arity::at_least(2),
        |_, _| Ok(json_type()),
        remove,
        "JSON_REMOVE(doc, path, …): removes what the paths lead to.",
    ),
    def(
        "json_array_append",
        Arity::at_least(3),
        |args, _| change_type(args, "json_array_append"),
        array_append,
        "JSON_ARRAY_APPEND(doc, path, value, …): adds values to the ends of arrays.",
    )
    .sees_nulls(),
    def(
        "json_array_insert",
        Arity::at_least(3),
        |args, _| change_type(args, "json_array_insert"),
        array_insert,
        "JSON_ARRAY_INSERT(doc, path, value, …): puts values before cells of arrays.",
    )
    .sees_nulls(),
    def(
        "json_merge_patch",
        Arity::at_least(2),
        |_, _| Ok(json_type()),
        merge_patch,
        "JSON_MERGE_PATCH(a, b, …): members of the later ones win, nulls remove.",
    )
    .sees_nulls(),
    def(
        "json_merge_preserve",
        Arity::at_least(2),
        |_, _| Ok(json_type()),
        |ctx, args| merge_preserve(ctx, args, "json_merge_preserve"),
        "JSON_MERGE_PRESERVE(a, b, …): all values of the documents in one.",
    ),
    def(
        "json_merge",
        Arity::at_least(2),
        |_, _| Ok(json_type()),
        merge,
        "JSON_MERGE(a, b, …): the old name of JSON_MERGE_PRESERVE.",
    ),
];

fn array_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    operands(args, |_| true);
    Ok(json_type())
}

fn array(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let list = (0..args.len()).map(|i| args.json_value(i)).collect();
    result(ctx, &Json::Array(list), "json_array")
}

fn wrong_count<T>(function: &str) -> SqlResult<T> {
    Err(SqlError::new(ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&function]))
}

fn object_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    if !args.len().is_multiple_of(2) {
        return wrong_count("json_object");
    }
    operands(args, |i| i % 2 == 1);
    Ok(json_type())
}

fn object(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut members = Vec::with_capacity(args.len() / 2);
    for i in (0..args.len()).step_by(2) {
        if args.is_null(i) {
            return Err(SqlError::new(ER_JSON_DOCUMENT_NULL_KEY, &[]));
        }
        members.push((args.text(i).into_owned(), args.json_value(i + 1)));
    }
    result(ctx, &Json::Object(Object::from_members(members)), "json_object")
}

/// A document, then pairs of a path and a value.
fn change_type(args: &mut Vec<Expr>, function: &str) -> SqlResult<Typed> {
    if args.len().is_multiple_of(2) {
        return wrong_count(function);
    }
    operands(args, |i| i > 0 && i % 2 == 0);
    Ok(json_type())
}

/// Whether the document or one of the paths is NULL: then so is the result.
fn null_path(args: &Args<'_>) -> bool {
    args.is_null(0) || (1..args.len()).step_by(2).any(|i| args.is_null(i))
}

fn change(ctx: &mut EvalCtx<'_>, args: &Args<'_>, how: Change, function: &str) -> SqlResult<Value> {
    if null_path(args) {
        return Ok(Value::Null);
    }
    let mut document = args.document(0, function)?;
    for i in (1..args.len()).step_by(2) {
        let path = args.single_path(i, ctx)?;
        document.change(&path, args.json_value(i + 1), how);
    }
    result(ctx, &document, function)
}

fn remove(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut document = args.document(0, "json_remove")?;
    for i in 1..args.len() {
        let path = args.single_path(i, ctx)?;
        if path.is_root() {
            return Err(SqlError::new(ER_JSON_VACUOUS_PATH, &[]));
        }
        document.remove_path(&path);
    }
    result(ctx, &document, "json_remove")
}

fn array_append(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if null_path(args) {
        return Ok(Value::Null);
    }
    let mut document = args.document(0, "json_array_append")?;
    for i in (1..args.len()).step_by(2) {
        let path = args.single_path(i, ctx)?;
        document.append_at(&path, args.json_value(i + 1));
    }
    result(ctx, &document, "json_array_append")
}

fn array_insert(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if null_path(args) {
        return Ok(Value::Null);
    }
    let mut document = args.document(0, "json_array_insert")?;
    for i in (1..args.len()).step_by(2) {
        let path = args.single_path(i, ctx)?;
        if !document.insert_cell(&path, args.json_value(i + 1)) {
            return Err(SqlError::new(ER_INVALID_JSON_PATH_ARRAY_CELL, &[]));
        }
    }
    result(ctx, &document, "json_array_insert")
}

/// A NULL makes NULL of what is before it, and a later document that is no object starts anew.
fn merge_patch(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut merged: Option<Json> = None;
    for i in 0..args.len() {
        if args.is_null(i) {
            merged = None;
            continue;
        }
        let document = args.document(i, "json_merge_patch")?;
        merged = match (merged, document) {
            (None, Json::Object(_)) if i > 0 => None,
            (None, document) => Some(document),
            (Some(before), document) => Some(before.merge_patch(document)),
        };
    }
    match merged {
        Some(json) => result(ctx, &json, "json_merge_patch"),
        None => Ok(Value::Null),
    }
}

fn merge_preserve(ctx: &mut EvalCtx<'_>, args: &Args<'_>, function: &str) -> SqlResult<Value> {
    let mut merged = args.document(0, function)?;
    for i in 1..args.len() {
        merged = merged.merge_preserve(args.document(i, function)?);
    }
    result(ctx, &merged, function)
}

fn merge(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    ctx.diagnostics
        .warn(ER_WARN_DEPRECATED_SYNTAX, &[&"JSON_MERGE", &"JSON_MERGE_PRESERVE/JSON_MERGE_PATCH"]);
    merge_preserve(ctx, args, "json_merge")
}
