//! Patterns of printable ASCII on ASCII text: a byte is a character, and equals itself or its other case.

use super::Item;
use crate::{Charset, CollationId};

/// A pattern cut at its `%`.
#[derive(Clone, Debug)]
pub(super) struct AsciiPattern {
    segments: Vec<Vec<One>>,
    /// It begins (ends) with `%`.
    open_start: bool,
    open_end: bool,
}

/// One character of a pattern.
#[derive(Clone, Copy, Debug)]
enum One {
    Any,
    Byte(u8),
    /// A letter in both cases.
    Either(u8, u8),
}

impl One {
    #[inline]
    fn is(self, byte: u8) -> bool {
        match self {
            One::Any => true,
            One::Byte(wanted) => byte == wanted,
            One::Either(a, b) => byte == a || byte == b,
        }
    }
}

impl AsciiPattern {
    /// `None` where characters of the pattern may equal more than that.
    pub(super) fn new(items: &[Item], collation: CollationId) -> Option<AsciiPattern> {
        if collation.charset() == Charset::Swe7 {
            return None;
        }
        let one = |item: &Item| match *item {
            Item::Char(code @ 0x20..0x7F) => {
                let (byte, other) = (code as u8, code as u8 ^ 0x20);
                let has_cases = byte.is_ascii_alphabetic() && collation.chars_eq(code, u32::from(other));
                Some(if has_cases { One::Either(byte, other) } else { One::Byte(byte) })
            }
            Item::Char(_) | Item::Many => None,
            Item::One => Some(One::Any),
        };
        let mut segments = items
            .split(|item| *item == Item::Many)
            .map(|piece| piece.iter().map(one).collect::<Option<Vec<One>>>())
            .collect::<Option<Vec<_>>>()?;
        let open_start = items.first() == Some(&Item::Many);
        let open_end = items.last() == Some(&Item::Many);
        // Pieces are empty beside a `%` at an end, and in the empty pattern.
        segments.retain(|segment| !segment.is_empty());
        Some(AsciiPattern { segments, open_start, open_end })
    }

    /// Whether ASCII text matches: the ends first, then what is between from the left.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (mut rest, mut segments) = (text, self.segments.as_slice());
        if !self.open_start {
            let Some((first, others)) = segments.split_first() else { return rest.is_empty() };
            let Some((head, tail)) = rest.split_at_checked(first.len()) else { return false };
            if !is_at(first, head) {
                return false;
            }
            (rest, segments) = (tail, others);
            if segments.is_empty() && !self.open_end {
                return rest.is_empty();
            }
        }
        if !self.open_end {
            let Some((last, others)) = segments.split_last() else { return rest.is_empty() };
            let Some(start) = rest.len().checked_sub(last.len()) else { return false };
            if !is_at(last, &rest[start..]) {
                return false;
            }
            (rest, segments) = (&rest[..start], others);
        }
        for segment in segments {
            let Some(end) = find(segment, rest) else { return false };
            rest = &rest[end..];
        }
        true
    }
}

#[inline]
fn is_at(segment: &[One], text: &[u8]) -> bool {
    segment.iter().zip(text).all(|(one, byte)| one.is(*byte))
}

/// Where the first match ends.
fn find(segment: &[One], text: &[u8]) -> Option<usize> {
    let last = text.len().checked_sub(segment.len())?;
    let mut at = 0;
    while at <= last {
        at += match segment.first()? {
            One::Any => 0,
            One::Byte(byte) => memchr::memchr(*byte, &text[at..=last.min(text.len() - 1)])?,
            One::Either(a, b) => memchr::memchr2(*a, *b, &text[at..=last.min(text.len() - 1)])?,
        };
        if is_at(segment, &text[at..at + segment.len()]) {
            return Some(at + segment.len());
        }
        at += 1;
    }
    None
}
