//! What the lexer must know about the client's character set.

use crate::context::ClientCharset;

/// How many bytes the character at the start of `bytes` has; at least 1 for a non-empty slice.
pub(crate) fn char_length(charset: ClientCharset, bytes: &[u8]) -> usize {
    let (Some(&lead), Some(&trail)) = (bytes.first(), bytes.get(1)) else { return 1 };
    let pair = match charset {
        ClientCharset::Utf8 | ClientCharset::Latin1 | ClientCharset::SingleByte => false,
        ClientCharset::Gbk => matches!(lead, 0x81..=0xFE) && matches!(trail, 0x40..=0x7E | 0x80..=0xFE),
        ClientCharset::Gb18030 => {
            if matches!(lead, 0x81..=0xFE) && matches!(trail, 0x30..=0x39) && bytes.len() >= 4 {
                return 4;
            }
            matches!(lead, 0x81..=0xFE) && matches!(trail, 0x40..=0x7E | 0x80..=0xFE)
        }
        ClientCharset::Sjis => {
            matches!(lead, 0x81..=0x9F | 0xE0..=0xFC) && matches!(trail, 0x40..=0x7E | 0x80..=0xFC)
        }
        ClientCharset::Big5 => matches!(lead, 0xA1..=0xF9) && matches!(trail, 0x40..=0x7E | 0xA1..=0xFE),
    };
    if pair { 2 } else { 1 }
}

/// Whether a byte inside a character can look like a quote or a backslash.
pub(crate) fn has_ascii_trail(charset: ClientCharset) -> bool {
    !matches!(charset, ClientCharset::Utf8 | ClientCharset::Latin1 | ClientCharset::SingleByte)
}

/// The character sets that an introducer may name.
const CHARSETS: &[&str] = &[
    "big5", "dec8", "cp850", "hp8", "koi8r", "latin1", "latin2", "swe7", "ascii", "ujis", "sjis", "hebrew",
    "tis620", "euckr", "koi8u", "gb2312", "greek", "cp1250", "gbk", "latin5", "armscii8", "utf8", "utf8mb3",
    "ucs2", "cp866", "keybcs2", "macce", "macroman", "cp852", "latin7", "cp1251", "utf16", "utf16le",
    "cp1256", "cp1257", "utf32", "binary", "geostd8", "cp932", "eucjpms", "gb18030", "utf8mb4",
];

/// Whether `name` is one of MySQL's character sets.
pub(crate) fn is_charset(name: &[u8]) -> bool {
    CHARSETS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}
