//! Finding in strings and choosing among them: INSTR, FIELD, FIND_IN_SET, ELT, MAKE_SET, STRCMP.

use super::support::{
    char_len, char_offset, chars_of, def, exceeds_packet, may_be_null, numeric_args, text_led, text_like,
};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::{collate, typing};
use aurora_types::{CollationId, SqlResult, SqlType, Text, Value};
use std::borrow::Cow;

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "instr",
        Arity::exactly(2),
        instr_type,
        instr,
        "INSTR(s, part): where part begins in s, from 1; 0 when it does not occur.",
    ),
    def(
        "locate",
        Arity::between(2, 3),
        locate_type,
        locate,
        "LOCATE(part, s[, from]): where part begins in s at or behind from; 0 when it does not occur.",
    )
    .aliases(&["position"]),
    def(
        "substring_index",
        Arity::exactly(3),
        substring_index_type,
        substring_index,
        "SUBSTRING_INDEX(s, delimiter, n): what is before the nth delimiter, or behind the nth from the end.",
    ),
    def(
        "field",
        Arity::at_least(2),
        field_type,
        field,
        "FIELD(a, b, c, …): which of b, c, … equals a; 0 for none.",
    )
    .sees_nulls(),
    def(
        "find_in_set",
        Arity::exactly(2),
        find_in_set_type,
        find_in_set,
        "FIND_IN_SET(s, list): which element of a list with commas s is; 0 for none.",
    ),
    def(
        "elt",
        Arity::at_least(2),
        elt_type,
        elt,
        "ELT(n, a, b, …): the nth of a, b, …; NULL when there is none.",
    )
    .sees_nulls(),
    def(
        "make_set",
        Arity::at_least(2),
        make_set_type,
        make_set,
        "MAKE_SET(bits, a, b, …): those of a, b, … whose bit is set, commas between them.",
    )
    .sees_nulls(),
    def(
        "export_set",
        Arity::between(3, 5),
        export_set_type,
        export_set,
        "EXPORT_SET(bits, on, off[, separator[, n]]): one string for each of n bits, the lowest first.",
    ),
    def(
        "strcmp",
        Arity::exactly(2),
        strcmp_type,
        strcmp,
        "STRCMP(a, b): -1, 0 or 1 as a is before, equal to or behind b.",
    ),
];

/// The collation that two strings are compared by, found again from the arguments of a call.
fn comparing(args: &Args<'_>, which: &[usize]) -> CollationId {
    let exprs: Vec<&Expr> = which.iter().filter_map(|i| args.exprs.get(*i)).collect();
    match collate::aggregate(&exprs, "") {
        Ok((collation, _)) => collation,
        Err(_) => CollationId::BINARY,
    }
}

fn operand<'a>(args: &Args<'a>, i: usize, collation: CollationId) -> Cow<'a, [u8]> {
    if collation.is_binary() { args.bytes(i) } else { args.text(i) }
}

/// Byte offset of the first place where `part` occurs.
pub(super) fn find(collation: CollationId, text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    if collation.is_bin() {
        return memchr::memmem::find(text, part);
    }
    let chars = collation.char_count(part);
    // Only letters outside ASCII expand, contract or vanish.
    let simple = text.is_ascii() && part.is_ascii();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let same = char_offset(collation, rest, chars);
        if simple && same < part.len() {
            return None;
        }
        if matches_exactly(collation, &rest[..same], part) {
            return Some(at);
        }
        if !simple {
            let longest = chars.saturating_mul(2).saturating_add(1);
            for other in (1..=longest).filter(|n| *n != chars && n.abs_diff(chars) <= chars.min(8)) {
                let window = collation.prefix(rest, other);
                if matches_exactly(collation, window, part) {
                    return Some(at);
                }
                if window.len() == rest.len() {
                    break;
                }
            }
        }
        at += char_len(collation, rest);
    }
    None
}

/// Equal with trailing spaces counting.
fn matches_exactly(collation: CollationId, window: &[u8], part: &[u8]) -> bool {
    let spaces = |s: &[u8]| s.iter().rev().take_while(|b| **b == b' ').count();
    collation.eq(window, part) && (!collation.pads_with_spaces() || spaces(window) == spaces(part))
}

fn instr_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    collate::for_comparison(&[&args[0], &args[1]], "instr")?;
    Ok(typing::bigint(11).into())
}

fn instr(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let collation = comparing(args, &[0, 1]);
    let (text, part) = (operand(args, 0, collation), operand(args, 1, collation));
    Ok(Value::Int(match find(collation, &text, &part) {
        Some(at) => collation.char_count(&text[..at]) as i64 + 1,
        None => 0,
    }))
}

fn locate_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    collate::for_comparison(&[&args[0], &args[1]], "locate")?;
    numeric_args(args, &[2]);
    Ok(typing::bigint(11).into())
}

fn locate(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let collation = comparing(args, &[0, 1]);
    let (part, text) = (operand(args, 0, collation), operand(args, 1, collation));
    let skip = match args.len() {
        2 => 0,
        _ => match args.int(2, ctx)? {
            from @ 1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
            _ => return Ok(Value::Int(0)),
        },
    };
    if skip > collation.char_count(&text) {
        return Ok(Value::Int(0));
    }
    let start = char_offset(collation, &text, skip);
    Ok(Value::Int(match find(collation, &text[start..], &part) {
        Some(at) => (skip + collation.char_count(&text[start..start + at])) as i64 + 1,
        None => 0,
    }))
}

fn substring_index_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[2]);
    text_led(&[&args[0], &args[1]], chars_of(&args[0]), "substring_index", ctx).map(may_be_null)
}

fn substring_index(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = args.int(2, ctx)?;
    let (text, delimiter) = (args.part(0), args.part(1));
    if n == 0 || text.is_empty() || delimiter.is_empty() {
        return Ok(Value::Text(Text::EMPTY));
    }
    let wanted = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let found = if n > 0 {
        memchr::memmem::find_iter(&text, &*delimiter).nth(wanted - 1).map(|at| &text[..at])
    } else {
        // Occurrences are told apart from the left, whichever end they are counted from.
        let total = memchr::memmem::find_iter(&text, &*delimiter).count();
        let skip = total.checked_sub(wanted);
        skip.and_then(|skip| memchr::memmem::find_iter(&text, &*delimiter).nth(skip))
            .map(|at| &text[at + delimiter.len()..])
    };
    Ok(match found {
        Some(part) => Value::Text(Text::from(part)),
        None => args.whole(0),
    })
}

/// How FIELD compares: strings as strings, integers as integers, anything mixed as doubles.
fn field_domain(types: &[&SqlType]) -> typing::Domain {
    use typing::Domain as D;
    let known: Vec<D> = types.iter().map(|ty| typing::domain(ty)).filter(|d| *d != D::Null).collect();
    if known.iter().all(|d| *d == D::Text) {
        D::Text
    } else if known.iter().all(|d| *d == D::Int) {
        D::Int
    } else if known.iter().all(|d| matches!(d, D::Int | D::Decimal)) {
        D::Decimal
    } else {
        D::Double
    }
}

fn field_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let types: Vec<&SqlType> = args.iter().map(|e| &e.ty).collect();
    if field_domain(&types) == typing::Domain::Text {
        let all: Vec<&Expr> = args.iter().collect();
        collate::for_comparison(&all, "field")?;
    } else {
        let all: Vec<usize> = (0..args.len()).collect();
        numeric_args(args, &all);
    }
    Ok(typing::bigint(11).into())
}

fn field(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Int(0));
    }
    let types: Vec<&SqlType> = args.exprs.iter().map(|e| &e.ty).collect();
    let how = match field_domain(&types) {
        typing::Domain::Text => {
            let all: Vec<usize> = (0..args.len()).collect();
            typing::Comparison::Text(comparing(args, &all))
        }
        typing::Domain::Int => typing::Comparison::Int,
        typing::Domain::Decimal => typing::Comparison::Decimal,
        _ => typing::Comparison::Double,
    };
    for i in 1..args.len() {
        let order = how.compare(args.get(0), args.ty(0), args.get(i), args.ty(i), ctx)?;
        if order == Some(std::cmp::Ordering::Equal) {
            return Ok(Value::Int(i as i64));
        }
    }
    Ok(Value::Int(0))
}

fn find_in_set_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    collate::for_comparison(&[&args[0], &args[1]], "find_in_set")?;
    Ok(typing::bigint(11).into())
}

fn find_in_set(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let collation = comparing(args, &[0, 1]);
    let (wanted, list) = (operand(args, 0, collation), operand(args, 1, collation));
    if list.is_empty() {
        return Ok(Value::Int(0));
    }
    let at = list.split(|b| *b == b',').position(|element| collation.eq(element, &wanted));
    Ok(Value::Int(at.map_or(0, |at| at as i64 + 1)))
}

fn elt_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    let strings: Vec<&Expr> = args[1..].iter().collect();
    let chars = args[1..].iter().map(chars_of).max().unwrap_or(0);
    text_like(&strings, chars, "elt", ctx).map(may_be_null)
}

fn elt(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = args.int(0, ctx)?;
    match usize::try_from(n) {
        Ok(n) if n >= 1 && n < args.len() && !args.is_null(n) => Ok(args.whole(n)),
        _ => Ok(Value::Null),
    }
}

fn make_set_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    let strings: Vec<&Expr> = args[1..].iter().collect();
    let chars = args[1..].iter().map(chars_of).sum::<u64>() + args.len() as u64 - 2;
    let mut typed = text_like(&strings, chars, "make_set", ctx)?;
    typed.ty.nullable = args[0].ty.nullable;
    Ok(typed)
}

fn make_set(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Null);
    }
    let bits = args.int(0, ctx)? as u64;
    let mut out = Vec::new();
    let mut first = true;
    for i in (1..args.len().min(65)).filter(|i| bits >> (i - 1) & 1 == 1 && !args.is_null(*i)) {
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(&args.part(i));
    }
    Ok(Value::Text(Text::from(out)))
}

fn export_set_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0, 4]);
    let strings: Vec<&Expr> = args[1..args.len().min(4)].iter().collect();
    let separator = args.get(3).map_or(1, chars_of);
    let chars = chars_of(&args[1]).max(chars_of(&args[2])) * 64 + separator * 63;
    text_like(&strings, chars, "export_set", ctx).map(may_be_null)
}

fn export_set(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let bits = args.int(0, ctx)? as u64;
    let (on, off) = (args.part(1), args.part(2));
    let separator = if args.len() > 3 { args.part(3) } else { Cow::Borrowed(b",".as_slice()) };
    let n = match args.len() {
        5 => usize::try_from(args.int(4, ctx)?).map_or(64, |n| n.min(64)),
        _ => 64,
    };
    let bound = (on.len().max(off.len()) + separator.len()).saturating_mul(n);
    if exceeds_packet(ctx, bound as u64, "export_set")? {
        return Ok(Value::Null);
    }
    let mut out = Vec::with_capacity(bound);
    for i in 0..n {
        if i > 0 {
            out.extend_from_slice(&separator);
        }
        out.extend_from_slice(if bits >> i & 1 == 1 { &on } else { &off });
    }
    Ok(Value::Text(Text::from(out)))
}

fn strcmp_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    collate::for_comparison(&[&args[0], &args[1]], "strcmp")?;
    Ok(typing::bigint(2).into())
}

fn strcmp(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let collation = comparing(args, &[0, 1]);
    let (a, b) = (operand(args, 0, collation), operand(args, 1, collation));
    Ok(Value::Int(collation.compare(&a, &b) as i64))
}
