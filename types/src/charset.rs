//! Character sets: names, and conversion between their bytes and UTF-8.
//!
//! Text inside the server is UTF-8; these conversions happen at the edges (client, introducers, `CONVERT … USING`,
//! functions that see bytes). Single-byte sets and Unicode encodings are exact; the East Asian sets follow the
//! WHATWG tables, which differ from MySQL's in a few dozen vendor characters.

mod multi_byte;
mod single_byte;
mod table;
mod unicode;

use crate::CollationId;
use std::borrow::Cow;

pub use table::Charset;

/// Facts of a character set.
#[derive(Clone, Copy, Debug)]
pub struct CharsetInfo {
    pub charset: Charset,
    pub name: &'static str,
    pub description: &'static str,
    pub default_collation: CollationId,
    /// The longest character, in bytes.
    pub max_bytes: u8,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Binary,
    Ucs2,
    Utf16Be,
    Utf16Le,
    Utf32,
    /// The table's number in `single_byte.bin`.
    Single(u8),
    Multi,
}

/// Where bytes stop being text of a character set, or text stops being expressible in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadText {
    /// Offset of the first bad byte of the input.
    pub at: usize,
}

/// All character sets in alphabetical order, as `SHOW CHARACTER SET` lists them.
pub fn all() -> &'static [CharsetInfo] {
    &table::CHARSETS
}

/// The character set of a name in any letter case; `utf8` is `utf8mb3`.
pub fn lookup(name: &str) -> Option<Charset> {
    let name = if name.eq_ignore_ascii_case("utf8") { "utf8mb3" } else { name };
    table::CHARSETS.iter().find(|info| info.name.eq_ignore_ascii_case(name)).map(|info| info.charset)
}

impl Charset {
    pub fn info(self) -> &'static CharsetInfo {
        &table::CHARSETS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.info().name
    }

    pub fn default_collation(self) -> CollationId {
        self.info().default_collation
    }

    /// The `_bin` collation of the set (`binary` for binary).
    pub fn bin_collation(self) -> CollationId {
        match self {
            Charset::Binary => CollationId::BINARY,
            Charset::Utf8mb4 => CollationId::UTF8MB4_BIN,
            _ => crate::collation::all()
                .iter()
                .find(|info| info.charset == self && info.name.ends_with("_bin"))
                .map_or(CollationId::BINARY, |info| info.id),
        }
    }

    pub fn max_bytes(self) -> u32 {
        u32::from(self.info().max_bytes)
    }

    /// The shortest character, in bytes.
    pub fn min_bytes(self) -> u32 {
        match self.info().encoding {
            Encoding::Ucs2 | Encoding::Utf16Be | Encoding::Utf16Le => 2,
            Encoding::Utf32 => 4,
            _ => 1,
        }
    }

    /// Whether text of this set is kept byte for byte as UTF-8 (or as raw bytes, for `binary`).
    pub fn is_utf8_or_binary(self) -> bool {
        matches!(self.info().encoding, Encoding::Utf8 | Encoding::Binary)
    }

    /// Whether every code point can be written in this set.
    pub fn is_unicode(self) -> bool {
        matches!(
            self.info().encoding,
            Encoding::Utf8 | Encoding::Ucs2 | Encoding::Utf16Be | Encoding::Utf16Le | Encoding::Utf32
        )
    }

    /// UTF-8 for the bytes of this character set; the bytes themselves where they are valid already.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, [u8]>, BadText> {
        match self.info().encoding {
            Encoding::Binary => Ok(Cow::Borrowed(bytes)),
            Encoding::Utf8 => {
                unicode::check_utf8(bytes, usize::from(self.info().max_bytes))?;
                Ok(Cow::Borrowed(bytes))
            }
            Encoding::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(at) => Err(BadText { at }),
                None => Ok(Cow::Borrowed(bytes)),
            },
            Encoding::Ucs2 => unicode::decode_utf16(bytes, u16::from_be_bytes, false).map(Cow::Owned),
            Encoding::Utf16Be => unicode::decode_utf16(bytes, u16::from_be_bytes, true).map(Cow::Owned),
            Encoding::Utf16Le => unicode::decode_utf16(bytes, u16::from_le_bytes, true).map(Cow::Owned),
            Encoding::Utf32 => unicode::decode_utf32(bytes).map(Cow::Owned),
            Encoding::Single(table) => single_byte::decode(table, bytes),
            Encoding::Multi => multi_byte::decode(self, bytes),
        }
    }

    /// As [`Charset::decode`], with `?` for what is no character.
    pub fn decode_lossy(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let mut rest = bytes;
        let mut out = Vec::new();
        loop {
            match self.decode(rest) {
                Ok(text) if out.is_empty() && rest.len() == bytes.len() => return text,
                Ok(text) => {
                    out.extend_from_slice(&text);
                    return Cow::Owned(out);
                }
                Err(bad) => {
                    if let Ok(good) = self.decode(&rest[..bad.at]) {
                        out.extend_from_slice(&good);
                    }
                    out.push(b'?');
                    let skip = (bad.at + self.min_bytes() as usize).min(rest.len());
                    rest = &rest[skip..];
                }
            }
        }
    }

    /// The bytes of UTF-8 `text` in this character set.
    pub fn encode(self, text: &[u8]) -> Result<Cow<'_, [u8]>, BadText> {
        let mut bad = None;
        let out = self.encode_with(text, |at| {
            bad.get_or_insert(BadText { at });
        });
        match bad {
            Some(bad) => Err(bad),
            None => Ok(out),
        }
    }

    /// As [`Charset::encode`], with `?` for what the set does not have.
    pub fn encode_lossy(self, text: &[u8]) -> Cow<'_, [u8]> {
        self.encode_with(text, |_| ())
    }

    fn encode_with(self, text: &[u8], mut missing: impl FnMut(usize)) -> Cow<'_, [u8]> {
        let encoding = self.info().encoding;
        match encoding {
            Encoding::Binary => return Cow::Borrowed(text),
            Encoding::Utf8 if self.info().max_bytes == 4 => return Cow::Borrowed(text),
            Encoding::Ucs2 | Encoding::Utf16Be | Encoding::Utf16Le | Encoding::Utf32 => {}
            // All other sets contain ASCII; swe7 alone replaces some of it.
            _ if text.is_ascii() && self != Charset::Swe7 => return Cow::Borrowed(text),
            Encoding::Multi => return Cow::Owned(multi_byte::encode(self, text, missing)),
            _ => {}
        }
        let mut out = Vec::with_capacity(text.len() * self.min_bytes() as usize);
        let mut at = 0;
        while at < text.len() {
            let (code_point, len) = crate::collation::decode_char(&text[at..]);
            let written = match encoding {
                Encoding::Single(table) => single_byte::encode(table, code_point, &mut out),
                Encoding::Ascii => match u8::try_from(code_point) {
                    Ok(byte) if byte.is_ascii() => {
                        out.push(byte);
                        true
                    }
                    _ => false,
                },
                Encoding::Utf8 => {
                    let fits = code_point < 0x10000;
                    if fits {
                        out.extend_from_slice(&text[at..at + len]);
                    }
                    fits
                }
                Encoding::Ucs2 => unicode::encode_utf16(code_point, u16::to_be_bytes, false, &mut out),
                Encoding::Utf16Be => unicode::encode_utf16(code_point, u16::to_be_bytes, true, &mut out),
                Encoding::Utf16Le => unicode::encode_utf16(code_point, u16::to_le_bytes, true, &mut out),
                Encoding::Utf32 => {
                    out.extend_from_slice(&code_point.to_be_bytes());
                    true
                }
                Encoding::Binary | Encoding::Multi => true,
            };
            if !written {
                missing(at);
                match encoding {
                    Encoding::Ucs2 | Encoding::Utf16Be => out.extend_from_slice(&[0, b'?']),
                    Encoding::Utf16Le => out.extend_from_slice(&[b'?', 0]),
                    _ => out.push(b'?'),
                }
            }
            at += len;
        }
        Cow::Owned(out)
    }

    /// How many bytes `text` takes in this character set (`LENGTH`).
    pub fn encoded_len(self, text: &[u8]) -> usize {
        match self.info().encoding {
            Encoding::Utf8 | Encoding::Binary => text.len(),
            Encoding::Ascii | Encoding::Single(_) => crate::collation::char_count(text),
            _ => self.encode_lossy(text).len(),
        }
    }

    /// The byte of a single-byte character set for a code point.
    pub(crate) fn single_byte_of(self, code_point: u32) -> Option<u8> {
        match self.info().encoding {
            Encoding::Single(table) => single_byte::byte_of(table, code_point),
            _ => u8::try_from(code_point).ok(),
        }
    }

    /// The number of a single-byte set's table.
    pub(crate) fn single_byte_table(self) -> Option<u8> {
        match self.info().encoding {
            Encoding::Single(table) => Some(table),
            _ => None,
        }
    }

    /// The code point of a byte of a single-byte set; the byte itself where it has none.
    pub(crate) fn code_point_of(self, byte: u8) -> u32 {
        match self.info().encoding {
            Encoding::Single(table) => single_byte::code_point_or_byte(table, byte),
            _ => u32::from(byte),
        }
    }
}

#[cfg(test)]
mod tests;
