//! Digests, compression and random bytes.

use super::support::{
    ascii_value, bytes, connection_text, constant_int, def, exceeds_packet, may_be_null, numeric_args,
};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::Expr;
use crate::function::{Args, Arity, Determinism, FunctionDef, Typed};
use crate::typing;
use aurora_types::error::{
    ER_DATA_OUT_OF_RANGE, ER_WRONG_PARAMETERS_TO_NATIVE_FCT, ER_ZLIB_Z_BUF_ERROR, ER_ZLIB_Z_DATA_ERROR,
};
use aurora_types::{SqlError, SqlResult, SqlType, Text, Value};
use sha2::Digest;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

pub const FUNCTIONS: &[FunctionDef] = &[
    def(
        "md5",
        Arity::exactly(1),
        |_, ctx| Ok(may_be_null(connection_text(32, ctx))),
        |_, args| Ok(hex(&md5::Md5::digest(args.bytes(0)))),
        "MD5(s): the digest in hexadecimal.",
    ),
    def(
        "sha1",
        Arity::exactly(1),
        |_, ctx| Ok(may_be_null(connection_text(40, ctx))),
        |_, args| Ok(hex(&sha1::Sha1::digest(args.bytes(0)))),
        "SHA1(s): the digest in hexadecimal.",
    )
    .aliases(&["sha"]),
    def(
        "sha2",
        Arity::exactly(2),
        sha2_type,
        sha2,
        "SHA2(s, bits): the digest of 224, 256 (or 0), 384 or 512 bits in hexadecimal.",
    )
    .sees_nulls(),
    def(
        "crc32",
        Arity::exactly(1),
        |_, _| Ok(typing::bigint_unsigned(10).into()),
        crc32,
        "CRC32(s): the checksum of s.",
    ),
    def(
        "compress",
        Arity::exactly(1),
        compress_type,
        compress,
        "COMPRESS(s): s packed by zlib behind its length.",
    ),
    def(
        "uncompress",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(bytes(u64::from(u32::MAX)))),
        uncompress,
        "UNCOMPRESS(s): what COMPRESS packed.",
    ),
    def(
        "uncompressed_length",
        Arity::exactly(1),
        |_, _| Ok(typing::bigint(10).into()),
        uncompressed_length,
        "UNCOMPRESSED_LENGTH(s): the length of what COMPRESS packed.",
    ),
    def(
        "random_bytes",
        Arity::exactly(1),
        random_bytes_type,
        random_bytes,
        "RANDOM_BYTES(n): n bytes fit for keys.",
    )
    .determinism(Determinism::Volatile),
];

fn hex(digest: &[u8]) -> Value {
    let mut out = String::with_capacity(digest.len() * 2);
    for byte in digest {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    ascii_value(out)
}

fn sha2_type(args: &mut Vec<Expr>, ctx: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[1]);
    let digits = match constant_int(&args[1]) {
        Some(0 | 256) => 64,
        Some(224) => 56,
        Some(384) => 96,
        _ => 128,
    };
    Ok(may_be_null(connection_text(digits, ctx)))
}

fn sha2(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_null(0) {
        return Ok(Value::Null);
    }
    let bits = if args.is_null(1) { -1 } else { args.int(1, ctx)? };
    let text = args.bytes(0);
    Ok(match bits {
        0 | 256 => hex(&sha2::Sha256::digest(text)),
        224 => hex(&sha2::Sha224::digest(text)),
        384 => hex(&sha2::Sha384::digest(text)),
        512 => hex(&sha2::Sha512::digest(text)),
        _ => {
            ctx.diagnostics.warn(ER_WRONG_PARAMETERS_TO_NATIVE_FCT, &[&"sha2"]);
            Value::Null
        }
    })
}

fn crc32(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &args.bytes(0));
    Ok(Value::UInt(sum))
}

fn compress_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let arg = &args[0];
    let per_char = if typing::is_character(&arg.ty) { arg.ty.collation.charset().max_bytes() } else { 1 };
    let length = super::support::chars_of(arg).saturating_mul(u64::from(per_char));
    // What zlib may need for text that cannot be packed, the length, and the mark at the end.
    let bound = length.saturating_add((length >> 12) + (length >> 14) + (length >> 25) + 13);
    Ok(may_be_null(bytes(bound.saturating_add(5))))
}

/// The length of what is packed takes this many bytes in front; its two upper bits are not part of it.
const LENGTH_BYTES: usize = 4;
const LENGTH_MASK: u32 = 0x3FFF_FFFF;

fn compress(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let text = args.bytes(0);
    if text.is_empty() {
        return Ok(Value::Text(Text::EMPTY));
    }
    let mut out = (text.len() as u32 & LENGTH_MASK).to_le_bytes().to_vec();
    let mut encoder = flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::default());
    let packed = encoder.write_all(&text).and_then(|()| encoder.finish().map(|_| ()));
    if packed.is_err() {
        ctx.diagnostics.warn(ER_ZLIB_Z_BUF_ERROR, &[]);
        return Ok(Value::Null);
    }
    // CHAR columns cut trailing spaces.
    if out.last() == Some(&b' ') {
        out.push(b'.');
    }
    if exceeds_packet(ctx, out.len() as u64, "compress")? {
        return Ok(Value::Null);
    }
    Ok(Value::Text(Text::from(out)))
}

/// The length that packed bytes claim; a warning when there is nothing behind it.
fn claimed_length(ctx: &mut EvalCtx<'_>, packed: &[u8]) -> Option<u32> {
    match packed.first_chunk::<LENGTH_BYTES>() {
        Some(length) if packed.len() > LENGTH_BYTES => Some(u32::from_le_bytes(*length) & LENGTH_MASK),
        _ => {
            ctx.diagnostics.warn(ER_ZLIB_Z_DATA_ERROR, &[]);
            None
        }
    }
}

fn uncompress(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let packed = args.bytes(0);
    if packed.is_empty() {
        return Ok(Value::Text(Text::EMPTY));
    }
    let Some(length) = claimed_length(ctx, &packed) else { return Ok(Value::Null) };
    if exceeds_packet(ctx, u64::from(length), "uncompress")? {
        return Ok(Value::Null);
    }
    let mut out = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(&packed[LENGTH_BYTES..]);
    match decoder.take(u64::from(length) + 1).read_to_end(&mut out) {
        Ok(read) if read == length as usize => Ok(Value::Text(Text::from(out))),
        Ok(read) if read > length as usize => {
            ctx.diagnostics.warn(ER_ZLIB_Z_BUF_ERROR, &[]);
            Ok(Value::Null)
        }
        _ => {
            ctx.diagnostics.warn(ER_ZLIB_Z_DATA_ERROR, &[]);
            Ok(Value::Null)
        }
    }
}

fn uncompressed_length(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let packed = args.bytes(0);
    if packed.is_empty() {
        return Ok(Value::Int(0));
    }
    Ok(Value::Int(claimed_length(ctx, &packed).map_or(0, i64::from)))
}

const MOST_RANDOM_BYTES: i64 = 1024;

fn random_bytes_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    let ty = SqlType {
        nullable: true,
        ..typing::text(MOST_RANDOM_BYTES as u64, aurora_types::CollationId::BINARY)
    };
    Ok(ty.into())
}

fn random_bytes(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let n = args.int(0, ctx)?;
    if !(1..=MOST_RANDOM_BYTES).contains(&n) {
        return Err(SqlError::new(ER_DATA_OUT_OF_RANGE, &[&"length", &"random_bytes"]));
    }
    let mut out = vec![0; n as usize];
    ctx.session.random_bytes(&mut out);
    Ok(Value::Text(Text::from(out)))
}
