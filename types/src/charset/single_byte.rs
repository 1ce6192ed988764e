//! Single-byte character sets by table: 256 little-endian code points each, FFFF where a byte has none.

use super::BadText;
use std::borrow::Cow;
use std::sync::LazyLock;

static BLOB: &[u8] = include_bytes!("single_byte.bin");
const TABLE_BYTES: usize = 512;
const NONE: u16 = 0xFFFF;

/// Per table: (code point, byte) sorted by code point; the lowest byte wins where two bytes share one.
static REVERSE: LazyLock<Vec<Vec<(u16, u8)>>> = LazyLock::new(|| {
    (0..BLOB.len() / TABLE_BYTES)
        .map(|table| {
            let mut pairs: Vec<(u16, u8)> = (0..=255)
                .filter_map(|byte| match code_point(table as u8, byte) {
                    NONE => None,
                    code_point => Some((code_point, byte)),
                })
                .collect();
            pairs.sort_unstable();
            pairs.dedup_by_key(|pair| pair.0);
            pairs
        })
        .collect()
});

fn code_point(table: u8, byte: u8) -> u16 {
    let at = usize::from(table) * TABLE_BYTES + usize::from(byte) * 2;
    u16::from_le_bytes([BLOB[at], BLOB[at + 1]])
}

pub(super) fn code_point_or_byte(table: u8, byte: u8) -> u32 {
    match code_point(table, byte) {
        NONE => u32::from(byte),
        code_point => u32::from(code_point),
    }
}

pub(super) fn decode(table: u8, bytes: &[u8]) -> Result<Cow<'_, [u8]>, BadText> {
    let same =
        bytes.iter().take_while(|&&byte| byte < 128 && code_point(table, byte) == u16::from(byte)).count();
    if same == bytes.len() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len() * 2);
    out.extend_from_slice(&bytes[..same]);
    let mut utf8 = [0; 4];
    for (at, &byte) in bytes.iter().enumerate().skip(same) {
        match char::from_u32(u32::from(code_point(table, byte))) {
            Some(c) if c != '\u{FFFF}' => out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
            _ => return Err(BadText { at }),
        }
    }
    Ok(Cow::Owned(out))
}

pub(super) fn byte_of(table: u8, code_point: u32) -> Option<u8> {
    let wanted = u16::try_from(code_point).ok()?;
    let pairs = REVERSE.get(usize::from(table))?;
    pairs.binary_search_by_key(&wanted, |pair| pair.0).ok().map(|at| pairs[at].1)
}

pub(super) fn encode(table: u8, code_point: u32, out: &mut Vec<u8>) -> bool {
    match byte_of(table, code_point) {
        Some(byte) => {
            out.push(byte);
            true
        }
        None => false,
    }
}
