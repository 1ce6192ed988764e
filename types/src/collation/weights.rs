//! The stream of weights of a text, level by level.

use super::uca::{self, Elements};
use super::{CollationInfo, Order, case, decode_char, general, single_byte};

/// Weights of one level, in the order of the text; ignorable characters give none.
pub(super) struct Weights<'a> {
    info: &'a CollationInfo,
    level: u8,
    rest: &'a [u8],
    queue: Elements,
    next: usize,
}

impl<'a> Weights<'a> {
    pub(super) fn new(info: &'a CollationInfo, text: &'a [u8], level: u8) -> Weights<'a> {
        Weights { info, level, rest: text, queue: Elements::new(), next: 0 }
    }

    /// Reads one character and queues its weights (elements, for UCA).
    fn fill(&mut self) -> Option<()> {
        self.queue.clear();
        self.next = 0;
        let &first = self.rest.first()?;
        let (code_point, len) = match self.info.order {
            Order::Bytes | Order::CodePoints => (u32::from(first), 1),
            _ => decode_char(self.rest),
        };
        let (character, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        match self.info.order {
            Order::Bytes | Order::CodePoints => self.queue.push(code_point),
            Order::EncodedBytes | Order::EncodedFolded => {
                let folded = self.info.order == Order::EncodedFolded;
                let bytes = self.info.charset.encode_lossy(character);
                match *bytes {
                    [byte] if folded => self.queue.push(u32::from(byte.to_ascii_uppercase())),
                    _ => self.queue.extend(bytes.iter().map(|&byte| u32::from(byte))),
                }
            }
            // The collations from before 5.1.24 keep the sharp s apart.
            Order::General if code_point == 0xDF && self.info.name.ends_with("_mysql500_ci") => {
                self.queue.push(0xDF)
            }
            Order::General => self.queue.push(u32::from(general::weight(code_point))),
            Order::ToLower => {
                self.queue.push(if code_point > 0xFFFF { 0xFFFD } else { case::lower_general(code_point) })
            }
            Order::Single(table) => {
                let byte = self.info.charset.single_byte_of(code_point).unwrap_or(b'?');
                let (weight, second) = single_byte::weights(table, byte);
                self.queue.push(u32::from(weight));
                if second != 0 {
                    self.queue.push(u32::from(second));
                }
            }
            Order::Uca400 => uca::UCA400.elements(code_point, &mut self.queue),
            Order::Uca520 => uca::UCA520.elements(code_point, &mut self.queue),
            Order::Uca900(_) => uca::UCA900.elements(code_point, &mut self.queue),
        }
        Some(())
    }
}

impl Iterator for Weights<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        loop {
            while let Some(&item) = self.queue.get(self.next) {
                self.next += 1;
                match self.info.order {
                    Order::Uca400 | Order::Uca520 | Order::Uca900(_) => match uca::weight(item, self.level) {
                        0 => {}
                        weight => return Some(weight),
                    },
                    _ => return Some(item as u16),
                }
            }
            self.fill()?;
        }
    }
}

/// How many levels a collation compares.
pub(super) fn levels(info: &CollationInfo) -> u8 {
    match info.order {
        Order::Uca900(levels) => levels.min(3),
        _ => 1,
    }
}

/// The weight of a space, which pads the shorter text under `PAD SPACE`.
pub(super) fn space_weight(info: &CollationInfo) -> u16 {
    Weights::new(info, b" ", 1).next().unwrap_or(0x20)
}

/// What MySQL's `WEIGHT_STRING` shows: two bytes a weight for Unicode collations, levels parted by 0000; three a
/// code point for `_bin` ones; one a byte for the rest.
pub(super) fn append_weight_string(info: &CollationInfo, text: &[u8], out: &mut Vec<u8>) {
    match info.order {
        Order::Bytes => out.extend_from_slice(text),
        Order::CodePoints => {
            let mut rest = text;
            while !rest.is_empty() {
                let (code_point, len) = decode_char(rest);
                let bytes = code_point.to_be_bytes();
                let short = matches!(info.charset, crate::charset::Charset::Ucs2);
                out.extend_from_slice(if short { &bytes[2..] } else { &bytes[1..] });
                rest = &rest[len.min(rest.len())..];
            }
        }
        Order::EncodedBytes | Order::EncodedFolded | Order::Single(_) => {
            out.extend(Weights::new(info, text, 1).map(|weight| weight as u8));
        }
        Order::General | Order::ToLower | Order::Uca400 | Order::Uca520 | Order::Uca900(_) => {
            for level in 1..=levels(info) {
                if level > 1 {
                    out.extend_from_slice(&[0, 0]);
                }
                out.extend(Weights::new(info, text, level).flat_map(u16::to_be_bytes));
            }
        }
    }
}
