//! Collations and character sets by MySQL's numbers: names, comparison, sort keys, letter case.
//!
//! All operations take UTF-8 (raw bytes for `binary`) whatever the collation's character set. Weights exist for
//! every code point of the root collations of UCA 9.0.0, 5.2.0 and 4.0.0, the `general` ones, all single-byte
//! sets and all `_bin`; language-specific UCA collations use the root's weights.

mod case;
mod chars;
mod compare;
mod general;
mod key_code;
mod lookup;
mod single_byte;
mod table;
mod uca;
mod weights;

use crate::charset::Charset;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

pub use chars::{char_count, char_offset, char_prefix, decode_char};
pub use lookup::{all, lookup};

/// A collation by MySQL's id (`information_schema.collations.ID`); it names its character set too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollationId(pub u16);

/// Whether trailing spaces count in comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pad {
    /// `PAD SPACE`: the shorter text is compared as if filled up with spaces.
    Space,
    /// `NO PAD`.
    None,
}

/// Facts of a collation.
#[derive(Clone, Copy, Debug)]
pub struct CollationInfo {
    pub id: CollationId,
    pub name: &'static str,
    pub charset: Charset,
    /// The default of its character set.
    pub is_default: bool,
    /// `information_schema.collations.SORTLEN`.
    pub sort_len: u8,
    pub pad: Pad,
    order: Order,
}

/// How a collation finds the weights of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The bytes themselves.
    Bytes,
    /// Code points, which is the order of UTF-8's bytes.
    CodePoints,
    /// Bytes of the text in its own character set.
    EncodedBytes,
    /// As `EncodedBytes`, ASCII letters folded.
    EncodedFolded,
    General,
    /// Code points of the lower-case text.
    ToLower,
    /// A single-byte set's table of weights.
    Single(u8),
    Uca400,
    Uca520,
    /// With this many levels compared.
    Uca900(u8),
}

impl CollationId {
    pub const BINARY: CollationId = CollationId(63);
    pub const UTF8MB4_0900_AI_CI: CollationId = CollationId(255);
    pub const UTF8MB4_0900_AS_CI: CollationId = CollationId(305);
    pub const UTF8MB4_0900_AS_CS: CollationId = CollationId(278);
    pub const UTF8MB4_0900_BIN: CollationId = CollationId(309);
    pub const UTF8MB4_GENERAL_CI: CollationId = CollationId(45);
    pub const UTF8MB4_UNICODE_CI: CollationId = CollationId(224);
    pub const UTF8MB4_BIN: CollationId = CollationId(46);
    pub const UTF8MB3_GENERAL_CI: CollationId = CollationId(33);
    pub const UTF8MB3_BIN: CollationId = CollationId(83);
    pub const LATIN1_SWEDISH_CI: CollationId = CollationId(8);
    pub const ASCII_GENERAL_CI: CollationId = CollationId(11);

    pub fn is_binary(self) -> bool {
        self == CollationId::BINARY
    }

    /// Facts of this collation; those of `binary` for an id that does not exist.
    pub fn info(self) -> &'static CollationInfo {
        lookup::info(self)
    }

    pub fn exists(self) -> bool {
        self.info().id == self
    }

    pub fn name(self) -> &'static str {
        self.info().name
    }

    pub fn charset(self) -> Charset {
        self.info().charset
    }

    /// Whether texts are equal only if their bytes are, apart from trailing spaces under `PAD SPACE`.
    pub fn is_bin(self) -> bool {
        matches!(self.info().order, Order::Bytes | Order::CodePoints | Order::EncodedBytes)
    }

    pub fn pads_with_spaces(self) -> bool {
        self.info().pad == Pad::Space
    }

    /// Order of two texts. Equal prefixes and ASCII cost about a nanosecond a byte or less.
    pub fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        compare::compare(self.info(), a, b)
    }

    pub fn eq(self, a: &[u8], b: &[u8]) -> bool {
        a == b || self.compare(a, b) == Ordering::Equal
    }

    /// Appends the sort key of `text`: memcmp on two keys orders as [`CollationId::compare`] does, and equal texts
    /// have equal keys. ASCII text takes about one byte a character. Bytes of any value occur, and no key of the
    /// same collation is a proper prefix problem: a shorter key that is a prefix of a longer one orders first.
    pub fn weights(self, text: &[u8], out: &mut Vec<u8>) {
        key_code::append_key(self.info(), text, out);
    }

    /// Appends bytes that are the same for two texts if and only if they are equal: for hashing. No order.
    pub fn equality(self, text: &[u8], out: &mut Vec<u8>) {
        let info = self.info();
        match (info.order, info.pad) {
            (Order::Bytes, _) | (Order::CodePoints, Pad::None) => out.extend_from_slice(text),
            (Order::CodePoints, Pad::Space) => {
                let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
                out.extend_from_slice(&text[..end]);
            }
            _ => key_code::append_key(info, text, out),
        }
    }

    /// Appends what the sort keys of all texts that begin with `text` have in common at their beginning: for the
    /// ranges of `LIKE 'abc%'`. Nothing is promised for texts that begin otherwise.
    pub fn key_prefix(self, text: &[u8], out: &mut Vec<u8>) {
        key_code::append_key_prefix(self.info(), text, out);
    }

    /// Whether two code points (bytes for `binary`) are equal as single characters.
    pub fn chars_eq(self, a: u32, b: u32) -> bool {
        compare::chars_eq(self.info(), a, b)
    }

    /// Appends what MySQL's `WEIGHT_STRING(text)` returns.
    pub fn weight_string(self, text: &[u8], out: &mut Vec<u8>) {
        weights::append_weight_string(self.info(), text, out);
    }

    /// Hashes so that equal texts of this collation hash alike.
    pub fn hash<H: Hasher>(self, text: &[u8], state: &mut H) {
        if matches!(self.info().order, Order::Bytes) {
            text.hash(state);
            return;
        }
        let mut key = Vec::with_capacity(text.len() + 8);
        self.weights(text, &mut key);
        key.hash(state);
    }

    /// Appends the upper-case text; `binary` leaves bytes alone.
    pub fn upper(self, text: &[u8], out: &mut Vec<u8>) {
        case::convert(self.info(), text, case::Direction::Upper, out);
    }

    /// Appends the lower-case text; `binary` leaves bytes alone.
    pub fn lower(self, text: &[u8], out: &mut Vec<u8>) {
        case::convert(self.info(), text, case::Direction::Lower, out);
    }

    /// How many characters (bytes for `binary`) `text` has.
    pub fn char_count(self, text: &[u8]) -> usize {
        if self.is_binary() { text.len() } else { char_count(text) }
    }

    /// The first `chars` characters (bytes for `binary`) of `text`.
    pub fn prefix(self, text: &[u8], chars: usize) -> &[u8] {
        if self.is_binary() { &text[..chars.min(text.len())] } else { char_prefix(text, chars) }
    }
}

#[cfg(test)]
mod tests;
