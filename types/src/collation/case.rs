//! Upper and lower case, one character for one, as Unicode 9 has it (0900 collations) and as MySQL's older
//! collations have it. Tables: (code point, upper, lower), u32 little endian, sorted.

use super::{CollationInfo, Order, decode_char};
use std::sync::LazyLock;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Upper,
    Lower,
}

/// Single-byte sets have their own: 256 × (upper, lower) each.
static SINGLE_BYTE: &[u8] = include_bytes!("single_byte_case.bin");

/// (code point, upper, lower), sorted.
struct Cases(Vec<(u32, u32, u32)>);

static UNICODE: LazyLock<Cases> = LazyLock::new(|| Cases::new(include_bytes!("case_unicode.bin")));
static GENERAL: LazyLock<Cases> = LazyLock::new(|| Cases::new(include_bytes!("case_general.bin")));

impl Cases {
    fn new(blob: &[u8]) -> Cases {
        let word =
            |row: &[u8], at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
        Cases(blob.chunks_exact(12).map(|row| (word(row, 0), word(row, 4), word(row, 8))).collect())
    }

    fn convert(&self, code_point: u32, direction: Direction) -> u32 {
        match self.0.binary_search_by_key(&code_point, |row| row.0) {
            Ok(at) if direction == Direction::Upper => self.0[at].1,
            Ok(at) => self.0[at].2,
            Err(_) => code_point,
        }
    }
}

/// The lower-case code point as the older collations have it.
pub(super) fn lower_general(code_point: u32) -> u32 {
    GENERAL.convert(code_point, Direction::Lower)
}

pub(super) fn convert(info: &CollationInfo, text: &[u8], direction: Direction, out: &mut Vec<u8>) {
    if info.id.is_binary() {
        out.extend_from_slice(text);
        return;
    }
    let from = out.len();
    let ascii = text.iter().take_while(|byte| byte.is_ascii()).count();
    out.extend_from_slice(&text[..ascii]);
    match direction {
        Direction::Upper => out[from..].make_ascii_uppercase(),
        Direction::Lower => out[from..].make_ascii_lowercase(),
    }
    let single = info.charset.single_byte_table();
    let cases = if matches!(info.order, Order::Uca900(_)) || info.name == "utf8mb4_0900_bin" {
        &UNICODE
    } else {
        &GENERAL
    };
    let mut rest = &text[ascii..];
    while !rest.is_empty() {
        let (code_point, len) = decode_char(rest);
        let converted = match (single, info.charset.single_byte_of(code_point)) {
            (Some(table), Some(byte)) => {
                let at = usize::from(table) * 512
                    + usize::from(byte) * 2
                    + usize::from(direction == Direction::Lower);
                info.charset.code_point_of(SINGLE_BYTE[at])
            }
            (Some(_), None) => code_point,
            (None, _) => cases.convert(code_point, direction),
        };
        match char::from_u32(converted) {
            Some(c) if converted != code_point => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes())
            }
            _ => out.extend_from_slice(&rest[..len]),
        }
        rest = &rest[len..];
    }
}
