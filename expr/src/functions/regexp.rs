//! Regular expressions: REGEXP_LIKE (and the operators REGEXP and RLIKE), REGEXP_INSTR, REGEXP_SUBSTR,
//! REGEXP_REPLACE.

use super::regexp_syntax::{Flags, translate};
use super::support::{chars_of, def, exceeds_packet, may_be_null, numeric_args, text_like, truth_value};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::{collate, typing};
use aurora_types::error::{
    ER_CHARACTER_SET_MISMATCH, ER_REGEXP_ILLEGAL_ARGUMENT, ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR,
    ER_REGEXP_INVALID_CAPTURE_GROUP_NAME, ER_REGEXP_PATTERN_TOO_BIG, ER_REGEXP_TIME_OUT, ER_WRONG_ARGUMENTS,
    ER_WRONG_PARAMETERS_TO_NATIVE_FCT,
};
use aurora_types::{CollationId, SqlError, SqlResult, Text, Value};
use fancy_regex::{Captures, Regex, RegexBuilder};
use std::rc::Rc;

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "regexp_like",
        Arity::between(2, 3),
        like_type,
        like,
        "REGEXP_LIKE(s, pattern[, flags]): 1 when the pattern matches a part of s.",
    ),
    def(
        "regexp_instr",
        Arity::between(2, 6),
        instr_type,
        instr,
        "REGEXP_INSTR(s, pattern[, from[, nth[, end[, flags]]]]): where the match begins, or ends; 0 for none.",
    ),
    def(
        "regexp_substr",
        Arity::between(2, 5),
        substr_type,
        substr,
        "REGEXP_SUBSTR(s, pattern[, from[, nth[, flags]]]): the part that matches.",
    ),
    def(
        "regexp_replace",
        Arity::between(3, 6),
        replace_type,
        replace,
        "REGEXP_REPLACE(s, pattern, new[, from[, nth[, flags]]]): s with all matches or the nth replaced.",
    ),
];

/// 3995 where one is bytes and the other characters.
fn check_bytes(subject: &Expr, other: &Expr, function: &str) -> SqlResult<()> {
    let [a, b] = [&subject.ty, &other.ty];
    if typing::is_string(a) && typing::is_string(b) && a.collation.is_binary() != b.collation.is_binary() {
        let names = (a.collation.name(), b.collation.name());
        return Err(SqlError::new(ER_CHARACTER_SET_MISMATCH, &[&names.0, &names.1, &function]));
    }
    Ok(())
}

/// The collation of subject and pattern together.
fn check_operands(args: &[Expr], function: &str) -> SqlResult<CollationId> {
    let (subject, pattern) = (&args[0], &args[1]);
    check_bytes(subject, pattern, function)?;
    collate::for_comparison(&[subject, pattern], function)
}

fn like_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    check_operands(args, "regexp_like")?;
    Ok(typing::boolean(false).into())
}

fn instr_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    check_operands(args, "regexp_instr")?;
    numeric_args(args, &[2, 3, 4]);
    Ok(typing::bigint(21).into())
}

fn substr_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    check_operands(args, "regexp_substr")?;
    numeric_args(args, &[2, 3]);
    text_like(&[&args[0], &args[1]], chars_of(&args[0]), "regexp_substr", ctx).map(may_be_null)
}

fn replace_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    check_operands(args, "regexp_replace")?;
    check_bytes(&args[0], &args[2], "regexp_replace")?;
    numeric_args(args, &[3, 4]);
    text_like(&[&args[0], &args[1]], 16_777_216, "regexp_replace", ctx).map(may_be_null)
}

/// The pattern of a call, compiled at need: once for subjects that end with a line break, once for the others.
struct Compiled {
    pattern: String,
    flags: Flags,
    by_end: [Option<Rc<Regex>>; 2],
}

/// A call's subject and pattern, ready to match.
struct Matcher {
    regex: Rc<Regex>,
    subject: String,
    /// Bytes stand as the characters of the same numbers.
    binary: bool,
}

/// Longest program that a pattern may compile to.
const SIZE_LIMIT: usize = 8 << 20;
/// Steps of backtracking per match.
const STEP_LIMIT: usize = 8_000_000;

fn to_string(bytes: &[u8], binary: bool) -> String {
    if binary {
        bytes.iter().map(|b| char::from(*b)).collect()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Flags by the letters of the last argument; letter case by the collation otherwise.
fn flags(args: &Args<'_>, at: usize, collation: CollationId, function: &str) -> SqlResult<Flags> {
    let mut flags = Flags { ignore_case: collation.name().ends_with("_ci"), ..Flags::default() };
    for letter in args.values.get(at).map(|_| args.text(at)).unwrap_or_default().iter() {
        match letter {
            b'c' => flags.ignore_case = false,
            b'i' => flags.ignore_case = true,
            b'm' => flags.multi_line = true,
            b'n' => flags.dot_all = true,
            b'u' => flags.unix_lines = true,
            _ => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&function])),
        }
    }
    Ok(flags)
}

fn matcher(ctx: &mut EvalCtx<'_>, args: &Args<'_>, flags_at: usize, function: &str) -> SqlResult<Matcher> {
    let collation = check_operands(args.exprs, function)?;
    let binary = collation.is_binary();
    let flags = flags(args, flags_at, collation, function)?;
    let subject = to_string(&args.text(0), binary);
    let pattern = to_string(&args.text(1), binary);
    let break_at_end = subject.ends_with(['\n', '\r', '\x0B', '\x0C', '\u{85}', '\u{2028}', '\u{2029}']);
    let fresh = || Compiled { pattern: pattern.clone(), flags, by_end: [None, None] };
    let compiled = ctx.cache.get_or_insert_with(args.cache_key(), fresh);
    if compiled.pattern != pattern || compiled.flags != flags {
        *compiled = fresh();
    }
    let slot = &mut compiled.by_end[usize::from(break_at_end)];
    let regex = match slot {
        Some(regex) => regex.clone(),
        None => slot.insert(Rc::new(compile(&pattern, flags, break_at_end)?)).clone(),
    };
    Ok(Matcher { regex, subject, binary })
}

fn compile(pattern: &str, flags: Flags, break_at_end: bool) -> SqlResult<Regex> {
    let translated = translate(pattern, flags, break_at_end)?;
    RegexBuilder::new(&translated)
        .backtrack_limit(STEP_LIMIT)
        .delegate_size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| {
            let too_big = error.to_string().contains("size limit");
            SqlError::new(if too_big { ER_REGEXP_PATTERN_TOO_BIG } else { ER_REGEXP_ILLEGAL_ARGUMENT }, &[])
        })
}

impl Matcher {
    /// The match that begins first at or behind `from`.
    fn next(&self, from: usize) -> SqlResult<Option<Captures<'_>>> {
        if from > self.subject.len() {
            return Ok(None);
        }
        // Only running out of steps fails here.
        self.regex.captures_from_pos(&self.subject, from).map_err(|_| SqlError::new(ER_REGEXP_TIME_OUT, &[]))
    }

    /// Where to look for the match behind one that spans `start..end`.
    fn behind(&self, start: usize, end: usize) -> usize {
        if end > start {
            return end;
        }
        end + self.subject[end..].chars().next().map_or(1, char::len_utf8)
    }

    /// The span of match number `nth` (from 1).
    fn nth(&self, mut from: usize, nth: i64) -> SqlResult<Option<(usize, usize)>> {
        let mut left = nth.max(1);
        while let Some(captures) = self.next(from)? {
            let Some(whole) = captures.get(0) else { return Ok(None) };
            left -= 1;
            if left == 0 {
                return Ok(Some((whole.start(), whole.end())));
            }
            from = self.behind(whole.start(), whole.end());
        }
        Ok(None)
    }

    /// The byte offset of character `position`, from 1.
    fn offset(&self, position: i64) -> SqlResult<usize> {
        let out_of_bounds = || SqlError::new(ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR, &[]);
        let skip = position.checked_sub(1).and_then(|n| usize::try_from(n).ok()).ok_or_else(out_of_bounds)?;
        if skip == 0 {
            return Ok(0);
        }
        self.subject.char_indices().nth(skip).map(|(at, _)| at).ok_or_else(out_of_bounds)
    }

    fn value(&self, text: &str) -> Value {
        if self.binary {
            return Value::Text(Text::from(text.chars().map(|c| c as u32 as u8).collect::<Vec<u8>>()));
        }
        Value::Text(Text::from(text))
    }
}

fn optional_int(ctx: &mut EvalCtx<'_>, args: &Args<'_>, at: usize, default: i64) -> SqlResult<i64> {
    if at < args.len() { args.int(at, ctx) } else { Ok(default) }
}

fn like(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let matcher = matcher(ctx, args, 2, "regexp_like")?;
    let found = matcher.regex.is_match(&matcher.subject);
    found.map(truth_value).map_err(|_| SqlError::new(ER_REGEXP_TIME_OUT, &[]))
}

fn instr(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let position = optional_int(ctx, args, 2, 1)?;
    let nth = optional_int(ctx, args, 3, 1)?;
    let end = match optional_int(ctx, args, 4, 0)? {
        0 => false,
        1 => true,
        _ => {
            return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"regexp_instr: return_option must be 1 or 0."]));
        }
    };
    let matcher = matcher(ctx, args, 5, "regexp_instr")?;
    let from = matcher.offset(position)?;
    Ok(Value::Int(match matcher.nth(from, nth)? {
        Some((start, stop)) => matcher.subject[..if end { stop } else { start }].chars().count() as i64 + 1,
        None => 0,
    }))
}

fn substr(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let position = optional_int(ctx, args, 2, 1)?;
    let nth = optional_int(ctx, args, 3, 1)?;
    let matcher = matcher(ctx, args, 4, "regexp_substr")?;
    let from = matcher.offset(position)?;
    Ok(match matcher.nth(from, nth)? {
        Some((start, end)) => matcher.value(&matcher.subject[start..end]),
        None => Value::Null,
    })
}

fn replace(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let position = optional_int(ctx, args, 3, 1)?;
    let nth = optional_int(ctx, args, 4, 0)?;
    if position < 1 {
        return Err(SqlError::new(ER_WRONG_PARAMETERS_TO_NATIVE_FCT, &[&"regexp_replace"]));
    }
    let matcher = matcher(ctx, args, 5, "regexp_replace")?;
    let template = to_string(&args.text(2), matcher.binary);
    let mut from = matcher.offset(position)?;
    let mut out = String::new();
    let mut kept = 0;
    let mut number = 0;
    while let Some(captures) = matcher.next(from)? {
        let Some(whole) = captures.get(0) else { break };
        number += 1;
        if nth <= 0 || number == nth {
            out.push_str(&matcher.subject[kept..whole.start()]);
            expand(&template, &captures, &mut out)?;
            kept = whole.end();
            if exceeds_packet(ctx, (out.len() + matcher.subject.len() - kept) as u64, "regexp_replace")? {
                return Ok(Value::Null);
            }
            if number == nth {
                break;
            }
        }
        from = matcher.behind(whole.start(), whole.end());
    }
    out.push_str(&matcher.subject[kept..]);
    Ok(matcher.value(&out))
}

/// Appends the replacement of one match: `$1`, `${name}` and backslashes are special.
fn expand(template: &str, captures: &Captures<'_>, out: &mut String) -> SqlResult<()> {
    let mut rest = template;
    while let Some(at) = rest.find(['\\', '$']) {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes()[at] == b'\\';
        rest = &rest[at + 1..];
        if escape {
            if let Some(c) = rest.chars().next() {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
            continue;
        }
        if let Some(named) = rest.strip_prefix('{') {
            let bad_name = || SqlError::new(ER_REGEXP_INVALID_CAPTURE_GROUP_NAME, &[]);
            let (name, behind) = named.split_once('}').ok_or_else(bad_name)?;
            out.push_str(captures.name(name).map_or("", |m| m.as_str()));
            rest = behind;
            continue;
        }
        // As many digits as name a group that there is.
        let mut group: Option<usize> = None;
        while let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(10)) {
            let next = group.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize);
            if next >= captures.len() {
                break;
            }
            group = Some(next);
            rest = &rest[1..];
        }
        match group {
            Some(group) => out.push_str(captures.get(group).map_or("", |m| m.as_str())),
            None if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                return Err(SqlError::new(ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR, &[]));
            }
            None => return Err(SqlError::new(ER_REGEXP_INVALID_CAPTURE_GROUP_NAME, &[])),
        }
    }
    out.push_str(rest);
    Ok(())
}
