//! Strings as codes and numbers: ASCII, CHAR, HEX, CONV, base 64, QUOTE, SOUNDEX, FORMAT, WEIGHT_STRING.

use super::format_locale;
use super::support::{
    ascii_value, bytes, chars_of, connection_text, constant_int, def, exceeds_packet, may_be_null,
    numeric_args, text_like,
};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::{Expr, ExprKind};
use crate::function::{Args, Arity, FunctionDef, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{
    ER_INVALID_CHARACTER_STRING, ER_TRUNCATED_WRONG_VALUE, ER_UNKNOWN_CHARACTER_SET, ER_UNKNOWN_LOCALE,
    ER_WRONG_VALUE_FOR_TYPE,
};
use aurora_types::{SqlError, SqlResult, Text, Value, ValueRef, charset, collation, number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub const FUNCTIONS: &[FunctionDef] = &[
    def("ascii", Arity::exactly(1), |_, _| Ok(typing::bigint(4).into()), ascii, "ASCII(s): the first byte."),
    def(
        "ord",
        Arity::exactly(1),
        |_, _| Ok(typing::bigint(21).into()),
        ord,
        "ORD(s): the bytes of the first character as a number.",
    ),
    def("char", Arity::at_least(1), char_type, char_bytes, "CHAR(n, …): the bytes with these numbers.")
        .sees_nulls(),
    // CHAR(n, … USING charset): the name of the character set is the first argument.
    def(
        "char using",
        Arity::at_least(2),
        char_using_type,
        char_using,
        "CHAR(n, … USING charset): text from bytes.",
    )
    .sees_nulls(),
    def(
        "hex",
        Arity::exactly(1),
        hex_type,
        hex,
        "HEX(a): a number, or the bytes of a string, in hexadecimal.",
    ),
    def(
        "unhex",
        Arity::exactly(1),
        unhex_type,
        unhex,
        "UNHEX(s): the bytes that hexadecimal digits stand for.",
    ),
    def("bin", Arity::exactly(1), radix_type, |ctx, args| conv_to(ctx, args, 2), "BIN(n): n in binary."),
    def("oct", Arity::exactly(1), radix_type, |ctx, args| conv_to(ctx, args, 8), "OCT(n): n in octal."),
    def(
        "conv",
        Arity::exactly(3),
        conv_type,
        conv,
        "CONV(n, from, to): n of one number base in another, 2 to 36.",
    ),
    def("quote", Arity::exactly(1), quote_type, quote, "QUOTE(s): s as a string literal.").sees_nulls(),
    def(
        "soundex",
        Arity::exactly(1),
        soundex_type,
        soundex,
        "SOUNDEX(s): a code that words of like sound share.",
    ),
    def(
        "format",
        Arity::between(2, 3),
        format_type,
        format,
        "FORMAT(x, digits[, locale]): x rounded, its thousands apart.",
    ),
    def(
        "to_base64",
        Arity::exactly(1),
        to_base64_type,
        to_base64,
        "TO_BASE64(s): s in base 64, 76 characters a line.",
    ),
    def(
        "from_base64",
        Arity::exactly(1),
        from_base64_type,
        from_base64,
        "FROM_BASE64(s): what base 64 stands for.",
    ),
    def(
        "weight_string",
        Arity::between(1, 3),
        weight_string_type,
        weight_string,
        "WEIGHT_STRING(s [AS CHAR(n) | AS BINARY(n)]): the sort key of s.",
    ),
];

fn ascii(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Int(args.bytes(0).first().map_or(0, |b| i64::from(*b))))
}

fn ord(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.text(0);
    let ty = args.ty(0);
    let first: &[u8] = if typing::is_string(ty) && ty.collation.is_binary() {
        text.get(..1).unwrap_or(&[])
    } else {
        collation::char_prefix(&text, 1)
    };
    let encoded = super::support::encoded(first.into(), ty);
    Ok(Value::Int(encoded.iter().fold(0, |n, b| n << 8 | i64::from(*b))))
}

fn char_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let all: Vec<usize> = (0..args.len()).collect();
    numeric_args(args, &all);
    Ok(may_be_null(bytes(args.len() as u64 * 4)))
}

/// The bytes of the numbers, each filled up with zero bytes in front to a multiple of `unit`, which is 1, 2 or 4.
fn codes(ctx: &mut EvalCtx<'_>, args: &Args<'_>, from: usize, unit: usize) -> SqlResult<Vec<u8>> {
    let mut out = Vec::with_capacity(args.len() * unit);
    for i in (from..args.len()).filter(|i| !args.is_null(*i)) {
        let number = args.int(i, ctx)? as u32;
        let skip = (number.leading_zeros() as usize / 8).min(3) / unit * unit;
        out.extend_from_slice(&number.to_be_bytes()[skip..]);
    }
    Ok(out)
}

fn char_bytes(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(Value::Text(Text::from(codes(ctx, args, 0, 1)?)))
}

fn char_using_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let name = match &args[0].kind {
        ExprKind::Literal(Value::Text(name)) => name.to_str_lossy().into_owned(),
        _ => String::new(),
    };
    let charset = charset::lookup(&name).ok_or_else(|| SqlError::new(ER_UNKNOWN_CHARACTER_SET, &[&name]))?;
    let all: Vec<usize> = (1..args.len()).collect();
    numeric_args(args, &all);
    Ok(may_be_null(typing::text((args.len() as u64 - 1) * 4, charset.default_collation()).into()))
}

fn char_using(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let charset = args.result.collation.charset();
    let bytes = codes(ctx, args, 1, charset.min_bytes() as usize)?;
    match charset.decode(&bytes) {
        Ok(text) => Ok(Value::Text(Text::from(&*text))),
        Err(bad) => {
            let shown: String = bytes[bad.at..].iter().take(6).map(|b| format!("{b:02X}")).collect();
            ctx.diagnostics.warn(ER_INVALID_CHARACTER_STRING, &[&charset.name(), &shown]);
            Ok(Value::Null)
        }
    }
}

/// Bytes that the text of an expression takes at most.
fn bytes_of(expr: &Expr) -> u64 {
    let per_char = if typing::is_string(&expr.ty) { expr.ty.collation.charset().max_bytes() } else { 4 };
    chars_of(expr).saturating_mul(u64::from(per_char))
}

fn is_number(ty: &aurora_types::SqlType) -> bool {
    matches!(typing::domain(ty), Domain::Int | Domain::Decimal | Domain::Double)
}

fn hex_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let chars = if is_number(&args[0].ty) { 16 } else { bytes_of(&args[0]).saturating_mul(2) };
    Ok(may_be_null(connection_text(chars, ctx)))
}

const UPPER_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn hex(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let number = match args.get(0) {
        ValueRef::Int(v) => v as u64,
        ValueRef::UInt(v) => v,
        ValueRef::Double(v) => v.round_ties_even() as i64 as u64,
        value @ ValueRef::Decimal(_) => ctx.to_u64(value, args.ty(0))?,
        // BIT columns are numbers here.
        value if args.ty(0).base == aurora_types::BaseType::Bit => ctx.to_u64(value, args.ty(0))?,
        _ => {
            let bytes = args.bytes(0);
            if exceeds_packet(ctx, bytes.len() as u64 * 2, "hex")? {
                return Ok(Value::Null);
            }
            let mut out = Vec::with_capacity(bytes.len() * 2);
            for byte in &*bytes {
                out.push(UPPER_DIGITS[usize::from(byte >> 4)]);
                out.push(UPPER_DIGITS[usize::from(byte & 15)]);
            }
            return Ok(Value::Text(Text::from(out)));
        }
    };
    Ok(ascii_value(format!("{number:X}")))
}

fn unhex_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(bytes(bytes_of(&args[0]).div_ceil(2))))
}

/// The bytes of hexadecimal digits; an odd one at the front stands alone.
pub(super) fn parse_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len().div_ceil(2));
    let value = |digit: u8| char::from(digit).to_digit(16).map(|v| v as u8);
    let (odd, pairs) = digits.split_at(digits.len() % 2);
    if let [digit] = odd {
        out.push(value(*digit)?);
    }
    for pair in pairs.chunks_exact(2) {
        out.push(value(pair[0])? << 4 | value(pair[1])?);
    }
    Some(out)
}

/// 1411 as a warning: the result is NULL.
pub(super) fn wrong_value(ctx: &mut EvalCtx<'_>, value: &[u8], function: &str) {
    let shown = String::from_utf8_lossy(&value[..value.len().min(128)]).into_owned();
    ctx.diagnostics.warn(ER_WRONG_VALUE_FOR_TYPE, &[&"string", &format_args!("'{shown}'"), &function]);
}

fn unhex(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let digits = args.text(0);
    Ok(match parse_hex(&digits) {
        Some(bytes) => Value::Text(Text::from(bytes)),
        None => {
            wrong_value(ctx, &digits, "unhex");
            Value::Null
        }
    })
}

/// BIT is bytes; here it is a number.
fn bit_as_number(args: &mut [Expr]) {
    if args[0].ty.base == aurora_types::BaseType::Bit {
        let bits = std::mem::replace(&mut args[0], crate::build::null());
        args[0] = crate::build::cast_to(bits, &typing::bigint_unsigned(20));
    }
}

fn radix_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    bit_as_number(args);
    Ok(may_be_null(connection_text(65, ctx)))
}

fn conv_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    bit_as_number(args);
    numeric_args(args, &[1, 2]);
    Ok(may_be_null(connection_text(65, ctx)))
}

fn conv_to(ctx: &mut EvalCtx<'_>, args: &Args<'_>, to: u32) -> SqlResult<Value> {
    convert_base(ctx, args, 10, i64::from(to))
}

fn conv(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let (from, to) = (args.int(1, ctx)?, args.int(2, ctx)?);
    convert_base(ctx, args, from, to)
}

fn convert_base(ctx: &mut EvalCtx<'_>, args: &Args<'_>, from: i64, to: i64) -> SqlResult<Value> {
    let valid = |base: i64| (2..=36).contains(&base.unsigned_abs());
    let text = args.text(0);
    if !valid(from) || !valid(to) || text.is_empty() {
        return Ok(Value::Null);
    }
    let (value, overflow) = parse_radix(&text, from.unsigned_abs() as u32, from < 0);
    if overflow {
        let shown = String::from_utf8_lossy(&text).into_owned();
        ctx.diagnostics.warn(ER_TRUNCATED_WRONG_VALUE, &[&"DECIMAL", &shown]);
    }
    let negative = to < 0 && (value as i64) < 0;
    let mut rest = if negative { (value as i64).unsigned_abs() } else { value };
    let base = to.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((rest % base) as u32, base as u32).unwrap_or('0').to_ascii_uppercase());
        rest /= base;
        if rest == 0 {
            break;
        }
    }
    if negative {
        digits.push('-');
    }
    Ok(ascii_value(digits.iter().rev().collect()))
}

/// The number at the start of `text`, and whether there was none or one that did not fit 64 bits.
fn parse_radix(text: &[u8], base: u32, signed: bool) -> (u64, bool) {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut value: u64 = 0;
    if !digits.first().is_some_and(|b| char::from(*b).is_digit(base)) {
        return (0, true);
    }
    for digit in digits.iter().map_while(|b| char::from(*b).to_digit(base)) {
        match value.checked_mul(u64::from(base)).and_then(|v| v.checked_add(u64::from(digit))) {
            Some(v) => value = v,
            None if signed && negative => return (i64::MIN as u64, true),
            None if signed => return (i64::MAX as u64, true),
            None => return (u64::MAX, true),
        }
    }
    match (signed, negative) {
        (true, true) if value > 1 << 63 => (i64::MIN as u64, true),
        (true, false) if value > i64::MAX as u64 => (i64::MAX as u64, true),
        (_, true) => (value.wrapping_neg(), false),
        _ => (value, false),
    }
}

fn quote_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let chars = chars_of(&args[0]).saturating_mul(2).saturating_add(2);
    text_like(&[&args[0]], chars, "quote", ctx).map(may_be_null)
}

fn quote(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Text(Text::from("NULL")));
    }
    let text = args.part(0);
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'\'');
    for byte in &*text {
        match byte {
            0 => out.extend_from_slice(b"\\0"),
            0x1A => out.extend_from_slice(b"\\Z"),
            b'\'' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
    if exceeds_packet(ctx, out.len() as u64, "quote")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(out)))
}

fn soundex_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    text_like(&[&args[0]], chars_of(&args[0]).max(4), "soundex", ctx).map(may_be_null)
}

/// Code of a letter: vowels and letters outside ASCII are `0`.
fn sound(code_point: u32) -> Option<u8> {
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    match code_point {
        0x41..=0x5A => Some(CODES[(code_point - 0x41) as usize]),
        0x61..=0x7A => Some(CODES[(code_point - 0x61) as usize]),
        0xC0.. => Some(b'0'),
        _ => None,
    }
}

fn soundex(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.part(0);
    let mut out = Vec::new();
    let mut last = b'0';
    let mut letters = 0;
    let mut at = 0;
    while at < text.len() {
        let (code_point, len) = collation::decode_char(&text[at..]);
        if let Some(code) = sound(code_point) {
            if letters == 0 {
                out.extend(text[at..at + len].iter().map(u8::to_ascii_uppercase));
                letters = 1;
                last = code;
            } else if code != b'0' && code != last {
                out.push(code);
                letters += 1;
                last = code;
            }
        }
        at += len;
    }
    while (1..4).contains(&letters) {
        out.push(b'0');
        letters += 1;
    }
    Ok(Value::Text(Text::from(out)))
}

fn format_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0, 1]);
    let chars = chars_of(&args[0]);
    Ok(may_be_null(connection_text(chars + chars / 3 + 32, ctx)))
}

fn format(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let digits = match args.get(1) {
        // Beyond BIGINT it wraps to a negative number.
        ValueRef::UInt(v) if v > i64::MAX as u64 => 0,
        _ => args.int(1, ctx)?.clamp(0, 30) as u8,
    };
    let mut plain = Vec::new();
    match typing::domain(args.ty(0)) {
        Domain::Int | Domain::Decimal => {
            let exact = ctx.to_decimal(args.get(0), args.ty(0))?.round(i32::from(digits));
            let exact = exact.rescale(digits).unwrap_or(exact);
            plain.extend_from_slice(exact.to_string().as_bytes());
        }
        _ => {
            let value = ctx.to_f64(args.get(0), args.ty(0))?;
            let scale = 10f64.powi(i32::from(digits));
            let scaled = value * scale;
            let rounded = if scaled.is_finite() { scaled.round_ties_even() / scale } else { value };
            number::write_fixed(rounded, digits, &mut plain);
        }
    }
    let locale = if args.len() > 2 { args.text(2) } else { b"en_US".as_slice().into() };
    let style = match format_locale::style(&locale) {
        Some(style) => style,
        None => {
            ctx.diagnostics.warn(ER_UNKNOWN_LOCALE, &[&String::from_utf8_lossy(&locale)]);
            format_locale::ENGLISH
        }
    };
    Ok(Value::Text(Text::from(style.apply(&plain))))
}

const BASE64_LINE: usize = 76;

fn to_base64_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    let chars = bytes_of(&args[0]).div_ceil(3).saturating_mul(4);
    let breaks = chars.saturating_sub(1) / BASE64_LINE as u64;
    Ok(may_be_null(connection_text(chars.saturating_add(breaks), ctx)))
}

fn to_base64(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let bytes = args.bytes(0);
    let chars = bytes.len().div_ceil(3) * 4;
    if exceeds_packet(ctx, (chars + chars / BASE64_LINE) as u64, "to_base64")? {
        return Ok(Value::Null);
    }
    let mut out = String::with_capacity(chars + chars / BASE64_LINE);
    for (i, line) in bytes.chunks(BASE64_LINE / 4 * 3).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        STANDARD.encode_string(line, &mut out);
    }
    Ok(ascii_value(out))
}

fn from_base64_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    Ok(may_be_null(bytes(bytes_of(&args[0]).div_ceil(4).saturating_mul(3))))
}

fn from_base64(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.text(0);
    if exceeds_packet(ctx, text.len() as u64 / 4 * 3, "from_base64")? {
        return Ok(Value::Null);
    }
    let symbols: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != 0x0B).collect();
    Ok(STANDARD.decode(symbols).map_or(Value::Null, |bytes| Value::Text(Text::from(bytes))))
}

/// Arguments `(s)`, `(s, n)` for `AS CHAR(n)` and `(s, n, 1)` for `AS BINARY(n)`.
fn weight_string_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let chars = match args.get(1).and_then(constant_int) {
        Some(n) => n.max(0) as u64,
        None => chars_of(&args[0]),
    };
    Ok(may_be_null(bytes(chars.saturating_mul(64))))
}

fn weight_string(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let ty = args.ty(0);
    if let ValueRef::Int(_) | ValueRef::UInt(_) = args.get(0) {
        let sign = if ty.unsigned { 0 } else { 1 << 63 };
        let number = ctx.to_u64(args.get(0), ty)? ^ sign;
        return Ok(Value::Text(Text::from(number.to_be_bytes().as_slice())));
    }
    if !typing::is_string(ty) {
        return Ok(Value::Null);
    }
    let mut text = args.text(0).into_owned();
    let binary = args.len() > 2 && args.int(2, ctx)? != 0;
    let mut collation = ty.collation;
    if args.len() > 1 {
        let n = usize::try_from(args.int(1, ctx)?).unwrap_or(0);
        if exceeds_packet(ctx, n as u64, "weight_string")? {
            return Ok(Value::Null);
        }
        if binary {
            text = args.bytes(0).into_owned();
            text.resize(n, 0);
            collation = aurora_types::CollationId::BINARY;
        } else {
            let kept = collation.prefix(&text, n).len();
            text.truncate(kept);
            if collation.pads_with_spaces() {
                text.resize(kept + n.saturating_sub(collation.char_count(&text)), b' ');
            }
        }
    }
    let mut out = Vec::new();
    collation.weight_string(&text, &mut out);
    Ok(Value::Text(Text::from(out)))
}
