//! Building and cutting strings: CONCAT, SUBSTRING, TRIM, LPAD, REPEAT, letter case and lengths.

use super::support::{
    char_len, char_offset, char_range, chars_of, connection_text, constant_int, def, exceeds_packet,
    may_be_null, numeric_args, text_led, text_like, text_value,
};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing;
use aurora_types::{SqlResult, Text, Value};
use std::borrow::Cow;

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "concat",
        Arity::at_least(1),
        concat_type,
        concat,
        "CONCAT(a, b, …): the arguments one behind the other.",
    ),
    def(
        "concat_ws",
        Arity::at_least(2),
        concat_ws_type,
        concat_ws,
        "CONCAT_WS(separator, a, b, …): the arguments that are not NULL, the separator between them.",
    )
    .sees_nulls(),
    def("length", Arity::exactly(1), int_type, length, "LENGTH(s): bytes of s in its character set.")
        .aliases(&["octet_length"]),
    def("char_length", Arity::exactly(1), int_type, char_length, "CHAR_LENGTH(s): characters of s.")
        .aliases(&["character_length"]),
    def(
        "bit_length",
        Arity::exactly(1),
        |_, _| Ok(typing::bigint(11).into()),
        bit_length,
        "BIT_LENGTH(s): bits of s.",
    ),
    def("left", Arity::exactly(2), left_type, left, "LEFT(s, n): the first n characters."),
    def("right", Arity::exactly(2), left_type, right, "RIGHT(s, n): the last n characters."),
    def(
        "substring",
        Arity::between(2, 3),
        substring_type,
        substring,
        "SUBSTRING(s, position[, length]): from a position on; a negative one counts from the end.",
    )
    .aliases(&["substr", "mid"]),
    def("upper", Arity::exactly(1), same_type, upper, "UPPER(s): s in capitals.").aliases(&["ucase"]),
    def("lower", Arity::exactly(1), same_type, lower, "LOWER(s): s in small letters.").aliases(&["lcase"]),
    def(
        "trim",
        Arity::between(1, 2),
        trim_type,
        |_, args| trim(args, true, true),
        "TRIM([what FROM] s): s without spaces (or what) at both ends.",
    ),
    def(
        "ltrim",
        Arity::exactly(1),
        trim_type,
        |_, args| trim(args, true, false),
        "LTRIM(s): s without leading spaces.",
    ),
    def(
        "rtrim",
        Arity::exactly(1),
        trim_type,
        |_, args| trim(args, false, true),
        "RTRIM(s): s without trailing spaces.",
    ),
    // The forms TRIM(LEADING what FROM s) and TRIM(TRAILING what FROM s), arguments (s[, what]).
    def(
        "trim leading",
        Arity::between(1, 2),
        trim_type,
        |_, args| trim(args, true, false),
        "TRIM(LEADING [what] FROM s).",
    ),
    def(
        "trim trailing",
        Arity::between(1, 2),
        trim_type,
        |_, args| trim(args, false, true),
        "TRIM(TRAILING [what] FROM s).",
    ),
    def(
        "lpad",
        Arity::exactly(3),
        pad_type,
        |ctx, args| pad(ctx, args, true),
        "LPAD(s, n, fill): s filled up on the left to n characters, or cut to n.",
    ),
    def(
        "rpad",
        Arity::exactly(3),
        pad_type,
        |ctx, args| pad(ctx, args, false),
        "RPAD(s, n, fill): s filled up on the right to n characters, or cut to n.",
    ),
    def("repeat", Arity::exactly(2), repeat_type, repeat, "REPEAT(s, n): s n times."),
    def(
        "replace",
        Arity::exactly(3),
        replace_type,
        replace,
        "REPLACE(s, from, to): s with every from become to; letter case counts.",
    ),
    def(
        "reverse",
        Arity::exactly(1),
        same_type,
        reverse,
        "REVERSE(s): the characters from the last to the first.",
    ),
    def("space", Arity::exactly(1), space_type, space, "SPACE(n): n spaces."),
    def(
        "insert",
        Arity::exactly(4),
        insert_type,
        insert,
        "INSERT(s, position, length, new): s with length characters from position replaced by new.",
    ),
];

fn int_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(typing::bigint(11).into())
}

/// Text no longer than the first argument, in its collation.
fn same_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    text_like(&[&args[0]], chars_of(&args[0]), "", ctx).map(may_be_null)
}

fn concat_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<&Expr> = args.iter().collect();
    let chars = args.iter().map(chars_of).sum();
    text_like(&all, chars, "concat", ctx).map(may_be_null)
}

fn concat(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut out = Vec::new();
    for i in 0..args.len() {
        let part = args.part(i);
        if exceeds_packet(ctx, (out.len() + part.len()) as u64, "concat")? {
            return Ok(Value::Null);
        }
        out.extend_from_slice(&part);
    }
    Ok(Value::Text(Text::from(out)))
}

fn concat_ws_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<&Expr> = args.iter().collect();
    let separators = chars_of(&args[0]) * (args.len() as u64 - 2);
    let chars = args[1..].iter().map(chars_of).sum::<u64>() + separators;
    text_like(&all, chars, "concat_ws", ctx).map(may_be_null)
}

fn concat_ws(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Null);
    }
    let separator = args.part(0);
    let mut out = Vec::new();
    let mut first = true;
    for i in (1..args.len()).filter(|i| !args.is_null(*i)) {
        let part = args.part(i);
        if exceeds_packet(ctx, (out.len() + separator.len() + part.len()) as u64, "concat_ws")? {
            return Ok(Value::Null);
        }
        if !first {
            out.extend_from_slice(&separator);
        }
        first = false;
        out.extend_from_slice(&part);
    }
    Ok(Value::Text(Text::from(out)))
}

fn byte_count(args: &Args<'_>) -> i64 {
    let text = args.text(0);
    let ty = args.ty(0);
    if typing::is_character(ty) {
        return ty.collation.charset().encoded_len(&text) as i64;
    }
    text.len() as i64
}

fn length(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Int(byte_count(args)))
}

fn bit_length(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Int(byte_count(args).saturating_mul(8)))
}

fn char_length(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let ty = args.ty(0);
    let text = args.text(0);
    let binary = typing::is_string(ty) && ty.collation.is_binary();
    let count = if binary { text.len() } else { aurora_types::collation::char_count(&text) };
    Ok(Value::Int(count as i64))
}

fn left_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1]);
    let mut chars = chars_of(&args[0]);
    if let Some(n) = constant_int(&args[1]) {
        chars = chars.min(n.max(0) as u64);
    }
    text_like(&[&args[0]], chars, "left", ctx).map(may_be_null)
}

/// A count of characters: none when negative.
fn count_arg(ctx: &mut EvalCtx<'_>, args: &Args<'_>, i: usize) -> SqlResult<usize> {
    Ok(usize::try_from(args.int(i, ctx)?.max(0)).unwrap_or(usize::MAX))
}

fn left(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = count_arg(ctx, args, 1)?;
    let text = args.part(0);
    Ok(Value::Text(Text::from(args.result.collation.prefix(&text, n))))
}

fn right(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = count_arg(ctx, args, 1)?;
    let collation = args.result.collation;
    let text = args.part(0);
    let skip = collation.char_count(&text).saturating_sub(n);
    Ok(Value::Text(Text::from(&text[char_offset(collation, &text, skip)..])))
}

fn substring_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1, 2]);
    let mut chars = chars_of(&args[0]);
    match constant_int(&args[1]) {
        Some(position) if position > 0 => chars = chars.saturating_sub(position as u64 - 1),
        Some(position) if position < 0 && position.unsigned_abs() <= chars => chars = position.unsigned_abs(),
        Some(_) => chars = 0,
        None => {}
    }
    if let Some(length) = args.get(2).and_then(constant_int) {
        chars = chars.min(length.max(0) as u64);
    }
    text_like(&[&args[0]], chars, "substr", ctx).map(may_be_null)
}

fn substring(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let position = args.int(1, ctx)?;
    let length = if args.len() > 2 { count_arg(ctx, args, 2)? } else { usize::MAX };
    if position == 0 || length == 0 {
        return Ok(Value::Text(Text::EMPTY));
    }
    let collation = args.result.collation;
    let text = args.part(0);
    let start = if position > 0 {
        usize::try_from(position - 1).unwrap_or(usize::MAX)
    } else {
        let count = collation.char_count(&text);
        match count.checked_sub(usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX)) {
            Some(start) => start,
            None => return Ok(Value::Text(Text::EMPTY)),
        }
    };
    Ok(Value::Text(Text::from(char_range(collation, &text, start, start.saturating_add(length)))))
}

fn upper(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut out = Vec::new();
    args.result.collation.upper(&args.part(0), &mut out);
    Ok(Value::Text(Text::from(out)))
}

fn lower(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let mut out = Vec::new();
    args.result.collation.lower(&args.part(0), &mut out);
    Ok(Value::Text(Text::from(out)))
}

fn trim_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<&Expr> = args.iter().collect();
    text_led(&all, chars_of(&args[0]), "trim", ctx).map(may_be_null)
}

fn trim(args: &Args<'_>, leading: bool, trailing: bool) -> SqlResult<Value> {
    let text = args.part(0);
    let what = if args.len() > 1 { args.part(1) } else { Cow::Borrowed(b" ".as_slice()) };
    let mut rest: &[u8] = &text;
    if what.is_empty() {
        return Ok(args.whole(0));
    }
    if leading {
        while let Some(shorter) = rest.strip_prefix(&*what) {
            rest = shorter;
        }
    }
    if trailing {
        // UTF-8 cannot match from the middle of a character.
        while let Some(shorter) = rest.strip_suffix(&*what) {
            rest = shorter;
        }
    }
    Ok(if rest.len() == text.len() { args.whole(0) } else { Value::Text(Text::from(rest)) })
}

/// A length that is only known when the count is a constant.
fn counted(count: Option<i64>, chars_each: u64) -> u64 {
    match count {
        Some(n) => (n.max(0) as u64).saturating_mul(chars_each),
        None => u64::from(u32::MAX),
    }
}

fn pad_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1]);
    let chars = counted(constant_int(&args[1]), 1);
    text_led(&[&args[0], &args[2]], chars, "lpad", ctx).map(may_be_null)
}

fn pad(ctx: &mut EvalCtx<'_>, args: &Args<'_>, left: bool) -> SqlResult<Value> {
    let Ok(wanted) = usize::try_from(args.int(1, ctx)?) else { return Ok(Value::Null) };
    let collation = args.result.collation;
    let (text, fill) = (args.part(0), args.part(2));
    let have = collation.char_count(&text);
    if wanted <= have {
        return Ok(Value::Text(Text::from(collation.prefix(&text, wanted))));
    }
    if exceeds_packet(ctx, wanted as u64, if left { "lpad" } else { "rpad" })? {
        return Ok(Value::Null);
    }
    let per_fill = collation.char_count(&fill);
    if per_fill == 0 {
        return Ok(Value::Text(Text::from(&*text)));
    }
    let missing = wanted - have;
    let bytes = (missing / per_fill) * fill.len() + fill.len() + text.len();
    if exceeds_packet(ctx, (bytes - fill.len()) as u64, if left { "lpad" } else { "rpad" })? {
        return Ok(Value::Null);
    }
    let mut out = Vec::with_capacity(bytes);
    if !left {
        out.extend_from_slice(&text);
    }
    for _ in 0..missing / per_fill {
        out.extend_from_slice(&fill);
    }
    out.extend_from_slice(collation.prefix(&fill, missing % per_fill));
    if left {
        out.extend_from_slice(&text);
    }
    Ok(Value::Text(Text::from(out)))
}

fn repeat_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1]);
    let chars = counted(constant_int(&args[1]), chars_of(&args[0]));
    text_like(&[&args[0]], chars, "repeat", ctx).map(may_be_null)
}

fn repeat(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = count_arg(ctx, args, 1)?;
    let text = args.part(0);
    if text.is_empty() || n == 0 {
        return Ok(Value::Text(Text::EMPTY));
    }
    if exceeds_packet(ctx, (text.len() as u64).saturating_mul(n as u64), "repeat")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(text.repeat(n))))
}

fn replace_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let chars = chars_of(&args[0]);
    // Every character may be replaced once; MySQL reckons with half as much again as the replacement grows.
    let grows = chars_of(&args[2]).saturating_sub(chars_of(&args[1]));
    let chars = chars.saturating_add((chars / chars_of(&args[1]).max(1)).saturating_mul(grows));
    text_led(&[&args[0], &args[1], &args[2]], chars, "replace", ctx).map(may_be_null)
}

fn replace(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (text, from, to) = (args.part(0), args.part(1), args.part(2));
    if from.is_empty() {
        return Ok(args.whole(0));
    }
    let finder = memchr::memmem::Finder::new(&*from);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = finder.find(&text[at..]) {
        out.extend_from_slice(&text[at..at + found]);
        out.extend_from_slice(&to);
        at += found + from.len();
        if exceeds_packet(ctx, (out.len() + text.len() - at) as u64, "replace")? {
            return Ok(Value::Null);
        }
    }
    if at == 0 {
        return Ok(args.whole(0));
    }
    out.extend_from_slice(&text[at..]);
    Ok(Value::Text(Text::from(out)))
}

fn reverse(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.part(0);
    let collation = args.result.collation;
    let mut out = vec![0; text.len()];
    let (mut at, mut end) = (0, text.len());
    while at < text.len() {
        let len = char_len(collation, &text[at..]).min(text.len() - at);
        out[end - len..end].copy_from_slice(&text[at..at + len]);
        at += len;
        end -= len;
    }
    Ok(Value::Text(Text::from(out)))
}

fn space_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    Ok(may_be_null(connection_text(counted(constant_int(&args[0]), 1), ctx)))
}

fn space(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = count_arg(ctx, args, 0)?;
    if exceeds_packet(ctx, n as u64, "space")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(vec![b' '; n])))
}

fn insert_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1, 2]);
    let chars = chars_of(&args[0]).saturating_add(chars_of(&args[3]));
    text_led(&[&args[0], &args[3]], chars, "insert", ctx).map(may_be_null)
}

fn insert(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (position, length) = (args.int(1, ctx)?, args.int(2, ctx)?);
    let collation = args.result.collation;
    let text = args.part(0);
    let count = collation.char_count(&text);
    let start = match usize::try_from(position) {
        Ok(position) if (1..=count).contains(&position) => position - 1,
        _ => return Ok(args.whole(0)),
    };
    let left = count - start;
    let length = usize::try_from(length).map_or(left, |length| length.min(left));
    let new = args.part(3);
    let from = char_offset(collation, &text, start);
    let to = from + char_offset(collation, &text[from..], length);
    let total = text.len() - (to - from) + new.len();
    if exceeds_packet(ctx, total as u64, "insert")? {
        return Ok(Value::Null);
    }
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&text[..from]);
    out.extend_from_slice(&new);
    out.extend_from_slice(&text[to..]);
    Ok(text_value(Cow::Owned(out)))
}
