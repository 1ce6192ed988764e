//! Walking UTF-8 that is trusted to be valid, but never relied upon to be.

/// The first character of a text that is not empty, and its length in bytes. A byte that starts no valid
/// character reads as U+FFFD of length 1. An empty text reads as U+0000 of length 1.
#[inline]
pub fn decode_char(text: &[u8]) -> (u32, usize) {
    const BAD: (u32, usize) = (0xFFFD, 1);
    let Some(&first) = text.first() else { return (0, 1) };
    let continuation = |at: usize| match text.get(at) {
        Some(&byte) if byte & 0xC0 == 0x80 => Some(u32::from(byte & 0x3F)),
        _ => None,
    };
    match first {
        0..0x80 => (u32::from(first), 1),
        0xC2..0xE0 => match continuation(1) {
            Some(b) => (u32::from(first & 0x1F) << 6 | b, 2),
            None => BAD,
        },
        0xE0..0xF0 => match (continuation(1), continuation(2)) {
            (Some(b), Some(c)) => {
                let code_point = u32::from(first & 0x0F) << 12 | b << 6 | c;
                if code_point < 0x800 || (0xD800..0xE000).contains(&code_point) {
                    BAD
                } else {
                    (code_point, 3)
                }
            }
            _ => BAD,
        },
        0xF0..0xF5 => match (continuation(1), continuation(2), continuation(3)) {
            (Some(b), Some(c), Some(d)) => {
                let code_point = u32::from(first & 0x07) << 18 | b << 12 | c << 6 | d;
                if (0x10000..0x110000).contains(&code_point) { (code_point, 4) } else { BAD }
            }
            _ => BAD,
        },
        _ => BAD,
    }
}

/// How many characters UTF-8 `text` has.
pub fn char_count(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// The byte offset of character number `chars` (from 0), or `None` if the text has fewer.
pub fn char_offset(text: &[u8], chars: usize) -> Option<usize> {
    if chars == 0 {
        return Some(0);
    }
    let mut seen = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte & 0xC0 != 0x80 {
            if seen == chars {
                return Some(at);
            }
            seen += 1;
        }
    }
    (seen == chars).then_some(text.len())
}

/// The first `chars` characters of `text`.
pub fn char_prefix(text: &[u8], chars: usize) -> &[u8] {
    if text.len() <= chars {
        return text;
    }
    &text[..char_offset(text, chars).unwrap_or(text.len())]
}
