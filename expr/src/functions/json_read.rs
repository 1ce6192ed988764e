//! JSON functions that look into documents.

use super::json_support::{json_text, json_type, operands, result};
use super::support::{ascii_value, chars_of, def, exceeds_packet, may_be_null, truth_value};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{ER_INCORRECT_TYPE, ER_INVALID_JSON_TEXT_IN_PARAM, ER_WRONG_ARGUMENTS};
use aurora_types::json::{write_location, write_string};
use aurora_types::like::{DEFAULT_ESCAPE, LikePattern};
use aurora_types::{CollationId, Json, SqlError, SqlResult, Text, Value, ValueRef};

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "json_extract",
        Arity::at_least(2),
        |_, _| Ok(json_type()),
        extract,
        "JSON_EXTRACT(doc, path, …), doc->path: what the paths lead to; an array of several.",
    ),
    def(
        "json_unquote",
        Arity::exactly(1),
        unquote_type,
        unquote,
        "JSON_UNQUOTE(value): a JSON string without quotes and escapes.",
    ),
    def("json_quote", Arity::exactly(1), quote_type, quote, "JSON_QUOTE(s): s as a JSON string."),
    def("json_valid", Arity::exactly(1), boolean_type, valid, "JSON_VALID(value): 1 when it is JSON."),
    def(
        "json_type",
        Arity::exactly(1),
        |_, _| Ok(json_text(17)),
        |_, args| Ok(ascii_value(args.document(0, "json_type")?.type_name().into())),
        "JSON_TYPE(doc): OBJECT, ARRAY, STRING, ….",
    ),
    def(
        "json_length",
        Arity::between(1, 2),
        int_type,
        length,
        "JSON_LENGTH(doc[, path]): the number of elements; 1 for a scalar.",
    ),
    def(
        "json_depth",
        Arity::exactly(1),
        int_type,
        |_, args| Ok(Value::Int(args.document(0, "json_depth")?.depth() as i64)),
        "JSON_DEPTH(doc): how deep it nests; 1 for a scalar.",
    ),
    def(
        "json_keys",
        Arity::between(1, 2),
        |_, _| Ok(json_type()),
        keys,
        "JSON_KEYS(doc[, path]): the keys of an object.",
    ),
    def(
        "json_contains",
        Arity::between(2, 3),
        boolean_type,
        contains,
        "JSON_CONTAINS(doc, candidate[, path]): 1 when the candidate is in the document.",
    ),
    def(
        "json_contains_path",
        Arity::at_least(3),
        boolean_type,
        contains_path,
        "JSON_CONTAINS_PATH(doc, 'one' | 'all', path, …): 1 when one or all paths lead somewhere.",
    )
    .sees_nulls(),
    def(
        "json_search",
        Arity::at_least(3),
        |_, _| Ok(json_type()),
        search,
        "JSON_SEARCH(doc, 'one' | 'all', pattern[, escape[, path, …]]): paths of strings LIKE it.",
    )
    .sees_nulls(),
    def(
        "json_overlaps",
        Arity::exactly(2),
        member_type,
        overlaps,
        "JSON_OVERLAPS(a, b): 1 when they have an element or member in common.",
    ),
    // value MEMBER OF (array)
    def(
        "member of",
        Arity::exactly(2),
        |args, ctx| {
            operands(args, |i| i == 0);
            member_type(args, ctx)
        },
        member_of,
        "value MEMBER OF (array): 1 when the array has an element like it.",
    ),
    def(
        "json_storage_size",
        Arity::exactly(1),
        int_type,
        |_, args| Ok(Value::Int(args.document(0, "json_storage_size")?.storage_size() as i64)),
        "JSON_STORAGE_SIZE(doc): bytes of MySQL's binary form.",
    ),
    def(
        "json_storage_free",
        Arity::exactly(1),
        int_type,
        |_, args| args.document(0, "json_storage_free").map(|_| Value::Int(0)),
        "JSON_STORAGE_FREE(doc): 0, nothing is updated in place.",
    ),
    def(
        "json_pretty",
        Arity::exactly(1),
        |_, _| Ok(json_text(67_108_864)),
        pretty,
        "JSON_PRETTY(doc): one element a line.",
    ),
];

fn int_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(typing::bigint(21).into()))
}

fn boolean_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(typing::bigint(21).into()))
}

fn member_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(typing::boolean(true).into())
}

fn overlaps(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (a, b) = (args.document(0, "json_overlaps")?, args.document(1, "json_overlaps")?);
    Ok(truth_value(a.overlaps(&b)))
}

fn extract(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let document = args.document(0, "json_extract")?;
    let mut several = args.len() > 2;
    let mut found = Vec::new();
    for i in 1..args.len() {
        let path = args.path(i, ctx)?;
        several |= path.is_multiple();
        found.extend(path.find(&document));
    }
    match found.as_slice() {
        [] => Ok(Value::Null),
        [single] if !several => result(ctx, single, "json_extract"),
        list => {
            let all = Json::Array(list.iter().map(|json| (*json).clone()).collect());
            result(ctx, &all, "json_extract")
        }
    }
}

/// 3064 for an argument that is neither text nor JSON.
fn check_text(args: &[Expr], function: &str, json: bool) -> SqlResult<()> {
    match typing::domain(&args[0].ty) {
        Domain::Text | Domain::Null => Ok(()),
        Domain::Json if json => Ok(()),
        _ => Err(SqlError::new(ER_INCORRECT_TYPE, &[&1, &function])),
    }
}

fn unquote_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    check_text(args, "json_unquote", true)?;
    Ok(json_text(chars_of(&args[0])))
}

fn unquote(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = match args.get(0) {
        ValueRef::Json(text) => {
            if text.first() != Some(&b'"') {
                return Ok(Value::Text(Text::from(text)));
            }
            text
        }
        ValueRef::Text(text) if text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\"") => text,
        _ => return Ok(args.whole(0)),
    };
    match Json::parse(text) {
        Ok(Json::String(inner)) => {
            if exceeds_packet(ctx, inner.len() as u64, "json_unquote")? {
                return Ok(Value::Null);
            }
            Ok(Value::Text(Text::from(inner)))
        }
        Ok(_) => Ok(args.whole(0)),
        Err(error) => Err(SqlError::new(
            ER_INVALID_JSON_TEXT_IN_PARAM,
            &[&1, &"json_unquote", &error.problem.message(), &error.position],
        )),
    }
}

fn quote_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    check_text(args, "json_quote", false)?;
    if typing::is_string(&args[0].ty) && args[0].ty.collation.is_binary() {
        return Err(SqlError::new(aurora_types::error::ER_INVALID_JSON_CHARSET, &[&"binary"]));
    }
    // A character becomes six at most.
    Ok(json_text(chars_of(&args[0]).saturating_mul(6).saturating_add(2)))
}

fn quote(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut out = Vec::new();
    write_string(&args.text(0), &mut out);
    if exceeds_packet(ctx, out.len() as u64, "json_quote")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(out)))
}

fn valid(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(truth_value(match args.get(0) {
        ValueRef::Json(_) => true,
        ValueRef::Text(text) if typing::is_character(args.ty(0)) => Json::parse(text).is_ok(),
        _ => false,
    }))
}

fn length(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let document = args.document(0, "json_length")?;
    if args.len() < 2 {
        return Ok(Value::Int(document.length() as i64));
    }
    let path = args.path(1, ctx)?;
    let found = path.find(&document);
    Ok(match found.as_slice() {
        [] => Value::Null,
        [single] if !path.is_multiple() => Value::Int(single.length() as i64),
        list => Value::Int(list.len() as i64),
    })
}

fn keys(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let document = args.document(0, "json_keys")?;
    let found = if args.len() > 1 {
        let path = args.single_path(1, ctx)?;
        path.find(&document).first().copied()
    } else {
        Some(&document)
    };
    match found {
        Some(Json::Object(object)) => {
            let keys = object.iter().map(|(key, _)| Json::String(key.to_vec())).collect();
            result(ctx, &Json::Array(keys), "json_keys")
        }
        _ => Ok(Value::Null),
    }
}

fn contains(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let document = args.document(0, "json_contains")?;
    let candidate = args.document(1, "json_contains")?;
    if args.len() < 3 {
        return Ok(truth_value(document.contains(&candidate)));
    }
    let path = args.single_path(2, ctx)?;
    Ok(match path.find(&document).first() {
        Some(target) => truth_value(target.contains(&candidate)),
        None => Value::Null,
    })
}

fn contains_path(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) || args.is_null(1) {
        return Ok(Value::Null);
    }
    let document = args.document(0, "json_contains_path")?;
    let one = args.wants_one(1, "json_contains_path")?;
    for i in 2..args.len() {
        if args.is_null(i) {
            return Ok(Value::Null);
        }
        let found = !args.path(i, ctx)?.find(&document).is_empty();
        if found == one {
            return Ok(truth_value(one));
        }
    }
    Ok(truth_value(!one))
}

fn search(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if (0..args.len()).any(|i| i != 3 && args.is_null(i)) {
        return Ok(Value::Null);
    }
    let document = args.document(0, "json_search")?;
    let one = args.wants_one(1, "json_search")?;
    let escape = match args.len() > 3 && !args.is_null(3) {
        true => {
            let text = args.text(3);
            let text = String::from_utf8_lossy(&text);
            let mut chars = text.chars();
            let first = chars.next();
            if chars.next().is_some() {
                return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"ESCAPE"]));
            }
            first.or(DEFAULT_ESCAPE)
        }
        false => DEFAULT_ESCAPE,
    };
    let pattern = LikePattern::new(&args.text(2), escape, CollationId::UTF8MB4_BIN);
    let mut places: Vec<Json> = Vec::new();
    for i in 4..args.len().max(5) {
        let path = match i < args.len() {
            true => args.path(i, ctx)?,
            false => std::rc::Rc::default(),
        };
        path.visit(&document, &mut |value, location| {
            let mut steps = location.to_vec();
            matching(value, &mut steps, &pattern, &mut places, one);
        });
        if one && !places.is_empty() {
            break;
        }
    }
    match places.len() {
        0 => Ok(Value::Null),
        1 => result(ctx, &places[0], "json_search"),
        _ => result(ctx, &Json::Array(places), "json_search"),
    }
}

/// Adds the places of matching strings in `json`, each once.
fn matching<'a>(
    json: &'a Json,
    steps: &mut Vec<aurora_types::json::Step<'a>>,
    pattern: &LikePattern,
    places: &mut Vec<Json>,
    one: bool,
) {
    use aurora_types::json::Step;
    if one && !places.is_empty() {
        return;
    }
    let mut inner = |value: &'a Json, step: Step<'a>| {
        steps.push(step);
        matching(value, steps, pattern, places, one);
        steps.pop();
    };
    match json {
        Json::Array(list) => list.iter().enumerate().for_each(|(i, value)| inner(value, Step::At(i))),
        Json::Object(object) => object.iter().for_each(|(key, value)| inner(value, Step::Key(key))),
        Json::String(text) if pattern.matches(text) => {
            let mut place = Vec::new();
            write_location(steps, &mut place);
            let place = Json::String(place);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        _ => {}
    }
}

fn member_of(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let value = args.json_value(0);
    Ok(truth_value(match args.document(1, "member of")? {
        Json::Array(list) => list.contains(&value),
        single => single == value,
    }))
}

fn pretty(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut out = Vec::new();
    args.document(0, "json_pretty")?.write_pretty(&mut out);
    if exceeds_packet(ctx, out.len() as u64, "json_pretty")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(out)))
}
