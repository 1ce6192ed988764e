//! Columns that hold character and binary strings.

use super::number::double_text_within;
use super::{Target, text_of};
use crate::error::{ER_DATA_TOO_LONG, WARN_DATA_TRUNCATED};
use crate::{BaseType, Charset, SqlResult, SqlType, Text, Value};
use std::borrow::Cow;

/// Bytes of a bad string that a message shows.
const SHOWN_BAD_BYTES: usize = 6;

/// Most bytes of a TEXT or BLOB type; `None` for types that count characters.
fn byte_limit(base: &BaseType) -> Option<usize> {
    match base {
        BaseType::TinyText => Some(255),
        BaseType::Text => Some(65_535),
        BaseType::MediumText => Some(16_777_215),
        BaseType::LongText => Some(u32::MAX as usize),
        _ => None,
    }
}

fn is_character_string(ty: &SqlType) -> bool {
    matches!(
        ty.base,
        BaseType::Char
            | BaseType::VarChar
            | BaseType::TinyText
            | BaseType::Text
            | BaseType::MediumText
            | BaseType::LongText
            | BaseType::Enum(_)
            | BaseType::Set(_)
    ) && !ty.collation.is_binary()
}

impl Target<'_, '_> {
    pub(super) fn string(&mut self, value: &Value, from: &SqlType) -> SqlResult<Value> {
        let collation = self.to.collation;
        let charset = collation.charset();
        if let Value::Text(text) = value
            && self.fits_as_it_is(text, from)
        {
            return Ok(value.clone());
        }
        let text = match value {
            Value::Double(v) => {
                let width = byte_limit(&self.to.base).map_or(self.to.length as usize, |_| usize::MAX);
                Cow::Owned(double_text_within(*v, width))
            }
            // The zero year has no four digits here.
            Value::UInt(0) if from.base == BaseType::Year => Cow::Borrowed(&b"0"[..]),
            other => text_of(other.as_ref(), from),
        };
        let text = if collation.is_binary() {
            if is_character_string(from) && !from.collation.charset().is_utf8_or_binary() {
                Cow::Owned(from.collation.charset().encode_lossy(&text).into_owned())
            } else {
                text
            }
        } else if is_character_string(from) || !matches!(value, Value::Text(_)) {
            self.in_charset(text, charset, from)?
        } else {
            self.characters(text, charset)?
        };
        let kept = self.cut(&text, charset)?;
        let mut stored = text.get(..kept).unwrap_or(&text);
        if self.to.base != BaseType::Char {
            return Ok(Value::Text(Text::from(stored)));
        }
        if collation.is_binary() {
            let mut padded = stored.to_vec();
            padded.resize(self.to.length as usize, 0);
            return Ok(Value::Text(Text::from(padded)));
        }
        while let [rest @ .., b' '] = stored {
            stored = rest;
        }
        Ok(Value::Text(Text::from(stored)))
    }

    /// The common case: UTF-8 or bytes that are short enough and need no padding or stripping.
    fn fits_as_it_is(&self, text: &Text, from: &SqlType) -> bool {
        let bytes = text.as_bytes();
        let same_kind = match (self.to.collation.is_binary(), is_character_string(from)) {
            (true, false) => true,
            (true, true) => from.collation.charset().is_utf8_or_binary(),
            (false, true) => {
                let charset = self.to.collation.charset();
                charset == Charset::Utf8mb4 || charset == from.collation.charset() || bytes.is_ascii()
            }
            (false, false) => false,
        };
        let fixed = self.to.base == BaseType::Char;
        let tidy = !fixed || (!self.to.collation.is_binary() && bytes.last() != Some(&b' '));
        let charset_bytes = match self.to.collation.charset() {
            charset if charset.min_bytes() > 1 => 4,
            _ => 1,
        };
        // A text has at most as many characters as bytes.
        let limit = byte_limit(&self.to.base).unwrap_or(self.to.length as usize);
        same_kind && tidy && bytes.len() * charset_bytes <= limit
    }

    /// Binary bytes read as text of the column's character set; 1366 where they are none.
    fn characters<'a>(&mut self, bytes: Cow<'a, [u8]>, charset: Charset) -> SqlResult<Cow<'a, [u8]>> {
        match charset.decode(&bytes) {
            Ok(Cow::Borrowed(_)) => Ok(bytes),
            Ok(Cow::Owned(text)) => Ok(Cow::Owned(text)),
            Err(bad) => {
                self.incorrect("string", printable(bytes.get(bad.at..).unwrap_or(&[])).as_bytes())?;
                let good = bytes.get(..bad.at).unwrap_or(&[]);
                Ok(Cow::Owned(charset.decode(good).map(Cow::into_owned).unwrap_or_default()))
            }
        }
    }

    /// Text whose characters the column's set must have; others become `?`.
    fn in_charset<'a>(
        &mut self,
        text: Cow<'a, [u8]>,
        charset: Charset,
        from: &SqlType,
    ) -> SqlResult<Cow<'a, [u8]>> {
        let Err(bad) = charset.encode(&text) else { return Ok(text) };
        let rest = text.get(bad.at..).unwrap_or(&[]);
        let source = from.collation.charset();
        let shown = if is_character_string(from) { source.encode_lossy(rest) } else { Cow::Borrowed(rest) };
        self.incorrect("string", printable(&shown).as_bytes())?;
        let replaced = charset.encode_lossy(&text).into_owned();
        Ok(Cow::Owned(charset.decode_lossy(&replaced).into_owned()))
    }

    /// How many bytes of `text` the column takes: 1406 in strict mode when more than spaces is lost, else 1265.
    fn cut(&mut self, text: &[u8], charset: Charset) -> SqlResult<usize> {
        let collation = self.to.collation;
        let kept = match byte_limit(&self.to.base) {
            None => collation.prefix(text, self.to.length as usize).len(),
            Some(limit) => prefix_of_bytes(text, charset, limit),
        };
        if kept == text.len() {
            return Ok(kept);
        }
        let only_spaces = !collation.is_binary() && text[kept..].iter().all(|byte| *byte == b' ');
        if !only_spaces {
            let strict = self.is_strict();
            self.problem(if strict { ER_DATA_TOO_LONG } else { WARN_DATA_TRUNCATED })?;
        } else if self.to.base != BaseType::Char {
            self.note_truncated();
        }
        Ok(kept)
    }
}

/// The longest prefix of whole characters that takes at most `limit` bytes in its character set.
fn prefix_of_bytes(text: &[u8], charset: Charset, limit: usize) -> usize {
    if charset.is_utf8_or_binary() {
        if text.len() <= limit {
            return text.len();
        }
        let mut end = limit;
        if charset != Charset::Binary {
            while end > 0 && text[end] & 0xC0 == 0x80 {
                end -= 1;
            }
        }
        return end;
    }
    if charset.encoded_len(text) <= limit {
        return text.len();
    }
    let bin = charset.bin_collation();
    let (mut at, mut used) = (0, 0);
    while at < text.len() {
        let char_len = bin.prefix(&text[at..], 1).len().max(1);
        used += charset.encoded_len(&text[at..at + char_len]);
        if used > limit {
            break;
        }
        at += char_len;
    }
    at
}

/// Bytes for a message: printable ASCII as it is, others as `\xHH`, the rest as `...`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(SHOWN_BAD_BYTES) {
        if (b' '..0x7F).contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("\\x{byte:02X}"));
        }
    }
    if bytes.len() > SHOWN_BAD_BYTES {
        out.push_str("...");
    }
    out
}
