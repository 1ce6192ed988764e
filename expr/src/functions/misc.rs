//! UUIDs and internet addresses.

use super::support::{ascii_value, bytes, connection_text, def, may_be_null, numeric_args, truth_value};
use crate::context::{EvalCtx, VariableScope};
use crate::expr::Coercibility;
use crate::function::{Args, Arity, Determinism, FunctionDef, Typed};
use crate::typing;
use aurora_types::error::ER_WRONG_VALUE_FOR_TYPE;
use aurora_types::{CollationId, SqlError, SqlResult, Text, Value};
use std::net::Ipv6Addr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "uuid",
        Arity::exactly(0),
        |_, _| {
            Ok(Typed {
                ty: typing::nullable(typing::text(36, CollationId::UTF8MB3_GENERAL_CI), true),
                coercibility: Coercibility::COERCIBLE,
            })
        },
        uuid,
        "UUID(): a new identifier made of the time and the place.",
    )
    .determinism(Determinism::Volatile),
    def(
        "uuid_short",
        Arity::exactly(0),
        |_, _| Ok(typing::bigint_unsigned(21).into()),
        uuid_short,
        "UUID_SHORT(): a new number that no server with another server_id gives.",
    )
    .determinism(Determinism::Volatile),
    def(
        "uuid_to_bin",
        Arity::between(1, 2),
        |args, _| {
            numeric_args(args, &[1]);
            Ok(may_be_null(bytes(16)))
        },
        uuid_to_bin,
        "UUID_TO_BIN(uuid[, swap]): its 16 bytes; with swap, the time in the order of its digits.",
    )
    .sees_nulls(),
    def(
        "bin_to_uuid",
        Arity::between(1, 2),
        |args, ctx| {
            numeric_args(args, &[1]);
            Ok(may_be_null(connection_text(36, ctx)))
        },
        bin_to_uuid,
        "BIN_TO_UUID(bytes[, swap]): the text of 16 bytes.",
    )
    .sees_nulls(),
    def(
        "is_uuid",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(typing::boolean(true).into())),
        |_, args| Ok(truth_value(parse_uuid(&args.text(0)).is_some())),
        "IS_UUID(s): 1 when s is the text of a UUID.",
    ),
    def(
        "inet_aton",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(typing::bigint_unsigned(21).into())),
        inet_aton,
        "INET_ATON(s): the number of an IPv4 address.",
    ),
    def(
        "inet_ntoa",
        Arity::exactly(1),
        |args, ctx| {
            numeric_args(args, &[0]);
            Ok(may_be_null(connection_text(31, ctx)))
        },
        inet_ntoa,
        "INET_NTOA(n): the IPv4 address of a number.",
    ),
    def(
        "inet6_aton",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(bytes(16))),
        inet6_aton,
        "INET6_ATON(s): the 4 or 16 bytes of an address.",
    ),
    def(
        "inet6_ntoa",
        Arity::exactly(1),
        |_, ctx| Ok(may_be_null(connection_text(39, ctx))),
        inet6_ntoa,
        "INET6_NTOA(bytes): the address of 4 or 16 bytes.",
    ),
    def(
        "is_ipv4",
        Arity::exactly(1),
        |_, _| Ok(typing::boolean(false).into()),
        |_, args| Ok(truth_value(parse_ipv4(&args.text(0)).is_some())),
        "IS_IPV4(s): 1 when s is an IPv4 address.",
    ),
    def(
        "is_ipv6",
        Arity::exactly(1),
        |_, _| Ok(typing::boolean(false).into()),
        |_, args| Ok(truth_value(parse_ipv6(&args.text(0)).is_some())),
        "IS_IPV6(s): 1 when s is an IPv6 address.",
    ),
    def(
        "is_ipv4_compat",
        Arity::exactly(1),
        |_, _| Ok(typing::boolean(false).into()),
        |_, args| Ok(truth_value(is_compat(&args.bytes(0)))),
        "IS_IPV4_COMPAT(bytes): 1 for an IPv6 address that holds an IPv4 one behind zeros.",
    ),
    def(
        "is_ipv4_mapped",
        Arity::exactly(1),
        |_, _| Ok(typing::boolean(false).into()),
        |_, args| Ok(truth_value(is_mapped(&args.bytes(0)))),
        "IS_IPV4_MAPPED(bytes): 1 for an IPv6 address ::ffff:a.b.c.d.",
    ),
];

/// From the start of the Gregorian calendar to 1970, in units of 100 ns.
const GREGORIAN_OFFSET: u64 = 0x01B2_1DD2_1381_4000;

/// Time of the last UUID in units of 100 ns: no two are alike.
static LAST_TIME: AtomicU64 = AtomicU64::new(0);
/// Clock sequence and node, drawn once for the process.
static PLACE: OnceLock<[u8; 8]> = OnceLock::new();

fn uuid(ctx: &mut EvalCtx<'_>, _: &Args<'_>) -> SqlResult<Value> {
    let now = (ctx.session.clock_micros().max(0) as u64).wrapping_mul(10).wrapping_add(GREGORIAN_OFFSET);
    let step = |last: u64| Some(now.max(last.wrapping_add(1)));
    let before = LAST_TIME.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(0);
    let time = now.max(before.wrapping_add(1));
    let place = PLACE.get_or_init(|| {
        let mut place = [0; 8];
        ctx.session.random_bytes(&mut place);
        // The variant of RFC 4122, and a node that is no network card's.
        place[0] = place[0] & 0x3F | 0x80;
        place[2] |= 1;
        place
    });
    let mut out = [0; 16];
    out[..4].copy_from_slice(&(time as u32).to_be_bytes());
    out[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
    out[6..8].copy_from_slice(&((time >> 48) as u16 & 0x0FFF | 0x1000).to_be_bytes());
    out[8..].copy_from_slice(place);
    Ok(ascii_value(uuid_text(&out)))
}

/// Number of the next UUID_SHORT; starts from the time of the first.
static NEXT_SHORT: OnceLock<AtomicU64> = OnceLock::new();

fn uuid_short(ctx: &mut EvalCtx<'_>, _: &Args<'_>) -> SqlResult<Value> {
    let server = match ctx.session.system_variable("server_id", VariableScope::Global) {
        Ok(Value::Int(id)) => id as u64,
        Ok(Value::UInt(id)) => id,
        _ => 1,
    };
    let next = NEXT_SHORT.get_or_init(|| {
        let seconds = (ctx.session.clock_micros() / 1_000_000).max(0) as u64;
        AtomicU64::new(seconds << 24)
    });
    let low = next.fetch_add(1, Ordering::Relaxed) & ((1 << 56) - 1);
    Ok(Value::UInt((server & 0xFF) << 56 | low))
}

fn uuid_text(id: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (i, byte) in id.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    out
}

/// The three forms: with dashes, without, and with dashes in braces.
fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let dashed = match text {
        [b'{', inner @ .., b'}'] if inner.len() == 36 => Some(inner),
        _ if text.len() == 36 => Some(text),
        _ if text.len() == 32 => None,
        _ => return None,
    };
    let digits: Vec<u8> = match dashed {
        Some(text) => {
            let dash = |i: usize| matches!(i, 8 | 13 | 18 | 23);
            if text.iter().enumerate().any(|(i, b)| dash(i) != (*b == b'-')) {
                return None;
            }
            text.iter().copied().filter(|b| *b != b'-').collect()
        }
        None => text.to_vec(),
    };
    super::string_code::parse_hex(&digits)?.try_into().ok()
}

fn wrong(value: &[u8], function: &str) -> SqlError {
    let shown = shown(value);
    SqlError::new(ER_WRONG_VALUE_FOR_TYPE, &[&"string", &format_args!("'{shown}'"), &function])
}

fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|b| format!("\\x{b:02X}")).collect(),
    }
}

/// Whether the second argument asks to swap the parts of the time.
fn swaps(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<bool> {
    Ok(args.len() > 1 && args.int(1, ctx)? != 0)
}

fn uuid_to_bin(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Null);
    }
    let text = args.text(0);
    let id = parse_uuid(&text).ok_or_else(|| wrong(&text, "uuid_to_bin"))?;
    let mut out = id;
    if swaps(ctx, args)? {
        out[..2].copy_from_slice(&id[6..8]);
        out[2..4].copy_from_slice(&id[4..6]);
        out[4..8].copy_from_slice(&id[..4]);
    }
    Ok(Value::Text(Text::from(out.as_slice())))
}

fn bin_to_uuid(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Null);
    }
    let raw = args.bytes(0);
    let stored: [u8; 16] = (*raw).try_into().map_err(|_| wrong(&raw, "bin_to_uuid"))?;
    let mut id = stored;
    if swaps(ctx, args)? {
        id[..4].copy_from_slice(&stored[4..8]);
        id[4..6].copy_from_slice(&stored[2..4]);
        id[6..8].copy_from_slice(&stored[..2]);
    }
    Ok(ascii_value(uuid_text(&id)))
}

/// NULL and warning 1411.
fn invalid(ctx: &mut EvalCtx<'_>, value: &[u8], function: &str) -> SqlResult<Value> {
    let shown = shown(&value[..value.len().min(128)]);
    ctx.diagnostics.warn(ER_WRONG_VALUE_FOR_TYPE, &[&"string", &format_args!("'{shown}'"), &function]);
    Ok(Value::Null)
}

fn inet_aton(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.text(0);
    let parts: Vec<&[u8]> = text.split(|b| *b == b'.').collect();
    let numbers: Option<Vec<u64>> = parts.iter().map(|part| octet(part, usize::MAX)).collect();
    match numbers.as_deref() {
        Some([]) | None => invalid(ctx, &text, "inet_aton"),
        Some(numbers) if numbers.len() > 4 => invalid(ctx, &text, "inet_aton"),
        // Fewer than four parts: the last one is the end of the address.
        Some([front @ .., last]) => {
            let high = front.iter().enumerate().map(|(i, n)| n << (24 - 8 * i)).sum::<u64>();
            Ok(Value::UInt(high | last))
        }
    }
}

/// A number of at most `digits` digits up to 255.
fn octet(text: &[u8], digits: usize) -> Option<u64> {
    if text.is_empty() || text.len() > digits {
        return None;
    }
    let mut n = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        n = n * 10 + u64::from(byte - b'0');
        if n > 255 {
            return None;
        }
    }
    Some(n)
}

fn inet_ntoa(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = ctx.to_i128(args.get(0), args.ty(0))?;
    match u32::try_from(n) {
        Ok(n) => {
            let [a, b, c, d] = n.to_be_bytes();
            Ok(ascii_value(format!("{a}.{b}.{c}.{d}")))
        }
        Err(_) => invalid(ctx, n.to_string().as_bytes(), "inet_ntoa"),
    }
}

fn parse_ipv4(text: &[u8]) -> Option<[u8; 4]> {
    let mut parts = text.split(|b| *b == b'.');
    let mut out = [0; 4];
    for byte in &mut out {
        *byte = octet(parts.next()?, 3)? as u8;
    }
    parts.next().is_none().then_some(out)
}

fn parse_ipv6(text: &[u8]) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<Ipv6Addr>().ok().map(|address| address.octets())
}

fn inet6_aton(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.text(0);
    if let Some(address) = parse_ipv4(&text) {
        return Ok(Value::Text(Text::from(address.as_slice())));
    }
    match parse_ipv6(&text) {
        Some(address) => Ok(Value::Text(Text::from(address.as_slice()))),
        None => invalid(ctx, &text, "inet6_aton"),
    }
}

fn inet6_ntoa(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let raw = args.bytes(0);
    let ty = args.ty(0);
    if !typing::is_string(ty) || !ty.collation.is_binary() {
        return invalid(ctx, &raw, "inet6_ntoa");
    }
    if let Ok([a, b, c, d]) = <[u8; 4]>::try_from(&*raw) {
        return Ok(ascii_value(format!("{a}.{b}.{c}.{d}")));
    }
    match <[u8; 16]>::try_from(&*raw) {
        Ok(address) => Ok(ascii_value(ipv6_text(&address))),
        Err(_) => invalid(ctx, &raw, "inet6_ntoa"),
    }
}

/// The first longest run of zero groups shrinks to `::`, even a run of one.
fn ipv6_text(address: &[u8; 16]) -> String {
    let groups = Ipv6Addr::from(*address).segments();
    let (mut gap, mut gap_len) = (0, 0);
    let mut at = 0;
    while at < 8 {
        let run = groups[at..].iter().take_while(|g| **g == 0).count();
        if run > gap_len {
            (gap, gap_len) = (at, run);
        }
        at += run.max(1);
    }
    let [.., a, b, c, d] = *address;
    if gap_len > 0 && gap == 0 && (gap_len == 6 || (gap_len == 5 && groups[5] == 0xFFFF)) {
        let prefix = if gap_len == 6 { "::" } else { "::ffff:" };
        return format!("{prefix}{a}.{b}.{c}.{d}");
    }
    let join = |groups: &[u16]| groups.iter().map(|g| format!("{g:x}")).collect::<Vec<_>>().join(":");
    if gap_len == 0 {
        return join(&groups);
    }
    format!("{}::{}", join(&groups[..gap]), join(&groups[gap + gap_len..]))
}

fn is_compat(raw: &[u8]) -> bool {
    // ::0 and ::1 are addresses of their own.
    raw.len() == 16 && raw[..12].iter().all(|b| *b == 0) && raw[12..] > [0, 0, 0, 1][..]
}

fn is_mapped(raw: &[u8]) -> bool {
    raw.len() == 16 && raw[..10].iter().all(|b| *b == 0) && raw[10..12] == [0xFF, 0xFF]
}
