//! Sort keys: weights as a prefix-free byte code that keeps their order, one byte for the weights of ASCII.
//!
//! Lead bytes are given out in the order of weights: one for each weight of an ASCII character, one for each gap
//! between them (followed by the weight, big endian), and for a dense range of weights one for each 256 of them
//! (followed by the low byte). 00 and 01 are no lead bytes: 01 parts levels.
//!
//! `PAD SPACE`: trailing spaces are dropped, and a space has three lead bytes: followed (after more spaces) by
//! something less than a space, end of text, followed by something greater. With that, memcmp orders as if both
//! texts were padded for ever.
//!
//! Levels two and three (accents, case) are one byte a weight, and a tail of common weights is dropped at each
//! level: with equal levels above, both texts have the same number of common weights, so the order stays.

use super::weights::{Weights, levels};
use super::{CollationInfo, Order, Pad};
use std::cmp::Ordering;
use std::sync::LazyLock;

const LEVEL_SEPARATOR: u8 = 1;
const FIRST_LEAD: u8 = 2;
const COMMON_SECONDARY: u16 = 0x20;
const COMMON_TERTIARY: u16 = 0x02;

#[derive(Clone, Copy)]
enum Kind {
    One,
    /// Lead byte, then the weight.
    Gap,
    /// Lead byte plus the high byte of the distance to the start, then its low byte.
    Dense,
}

pub(super) struct KeyCode {
    /// The lead byte for ASCII characters; 0 for ignorable ones.
    ascii: [u8; 128],
    /// First weight, lead byte, kind; sorted by weight, starting at 0.
    segments: Vec<(u16, u8, Kind)>,
    space: u16,
    /// Lead byte of "space, then less"; the next two are "end of text" and "space, then greater".
    space_lead: u8,
}

impl KeyCode {
    fn new(info: &CollationInfo, more_singles: &[u16], dense: Option<(u16, u16)>) -> KeyCode {
        let weight_of = |byte: u8| Weights::new(info, &[byte], 1).next();
        let space = weight_of(b' ').unwrap_or(0x20);
        let mut singles: Vec<u16> =
            (0..128).filter_map(weight_of).chain(more_singles.iter().copied()).collect();
        singles.sort_unstable();
        singles.dedup();
        let mut code = KeyCode { ascii: [0; 128], segments: Vec::new(), space, space_lead: 0 };
        let mut lead = FIRST_LEAD;
        let mut next = 0u32;
        for single in singles.iter().map(|&single| u32::from(single)).chain([0x10000]) {
            let mut gap = |from: u32, to: u32, lead: &mut u8| {
                if from < to {
                    code.segments.push((from as u16, *lead, Kind::Gap));
                    *lead += 1;
                }
            };
            match dense.map(|(from, to)| (u32::from(from), u32::from(to))) {
                Some((from, to)) if next <= from && to <= single => {
                    gap(next, from, &mut lead);
                    code.segments.push((from as u16, lead, Kind::Dense));
                    lead += ((to - from).div_ceil(256)) as u8;
                    if let Some(more) = (to < single).then_some(to) {
                        code.segments.push((more as u16, lead, Kind::Gap));
                        lead += 1;
                    }
                }
                _ => gap(next, single, &mut lead),
            }
            if single < 0x10000 {
                code.segments.push((single as u16, lead, Kind::One));
                if single == u32::from(space) && info.pad == Pad::Space {
                    code.space_lead = lead;
                    lead += 2;
                }
                lead += 1;
            }
            next = single + 1;
        }
        for byte in 0..128 {
            if let Some(weight) = weight_of(byte) {
                code.ascii[usize::from(byte)] = code.segment(weight).1;
            }
        }
        code
    }

    /// The lead bytes in use, in order.
    #[cfg(test)]
    pub(super) fn leads(&self) -> Vec<u8> {
        self.segments.iter().map(|segment| segment.1).collect()
    }

    fn segment(&self, weight: u16) -> (u16, u8, Kind) {
        let at = self.segments.partition_point(|segment| segment.0 <= weight);
        self.segments.get(at.wrapping_sub(1)).copied().unwrap_or((0, FIRST_LEAD, Kind::Gap))
    }

    fn push(&self, weight: u16, out: &mut Vec<u8>) {
        let (start, lead, kind) = self.segment(weight);
        match kind {
            Kind::One => out.push(lead),
            Kind::Gap => {
                out.push(lead);
                out.extend_from_slice(&weight.to_be_bytes());
            }
            Kind::Dense => {
                let distance = (weight - start).to_be_bytes();
                out.push(lead + distance[0]);
                out.push(distance[1]);
            }
        }
    }

    /// First-level order of two texts, or `None` if one of them is not ASCII as far as it was read.
    pub(super) fn compare_ascii(&self, a: &[u8], b: &[u8], pad: Pad) -> Option<Ordering> {
        let end = if pad == Pad::Space { self.space_lead } else { 0 };
        let (mut a, mut b) = (a.iter(), b.iter());
        // The next lead byte; `end` with false at the text's end.
        let next = |text: &mut std::slice::Iter<'_, u8>| {
            loop {
                match text.next() {
                    None => return Some((end, false)),
                    Some(&byte) => match *self.ascii.get(usize::from(byte))? {
                        0 => {}
                        lead => return Some((lead, true)),
                    },
                }
            }
        };
        loop {
            let ((x, more_a), (y, more_b)) = (next(&mut a)?, next(&mut b)?);
            match x.cmp(&y) {
                Ordering::Equal if more_a || more_b => {}
                order => return Some(order),
            }
        }
    }

    /// A byte for each character at most: the room is made first, so that the loop has no more to ask.
    fn append_ascii(&self, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + text.len(), 0);
        let mut length = 0;
        if let Some(room) = out.get_mut(start..) {
            for &byte in text {
                let lead = self.ascii[usize::from(byte & 0x7F)];
                if let Some(place) = room.get_mut(length) {
                    *place = lead;
                }
                length += usize::from(lead != 0);
            }
        }
        out.truncate(start + length);
    }

    fn append_ascii_padded(&self, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + text.len(), 0);
        // Spaces are known for what they are when something follows them: those from `dense` to `length` are not yet.
        let (mut length, mut dense) = (0, 0);
        if let Some(room) = out.get_mut(start..) {
            for &byte in text {
                let lead = self.ascii[usize::from(byte & 0x7F)];
                if let Some(place) = room.get_mut(length) {
                    *place = lead;
                }
                length += usize::from(lead != 0);
                if lead != 0 && lead != self.space_lead {
                    if length - dense > 1
                        && lead > self.space_lead
                        && let Some(spaces) = room.get_mut(dense..length - 1)
                    {
                        spaces.fill(self.space_lead + 2);
                    }
                    dense = length;
                }
            }
        }
        // Trailing spaces go.
        out.truncate(start + dense);
    }

    fn append_padded(&self, weights: Weights<'_>, out: &mut Vec<u8>) {
        let mut spaces = 0;
        for weight in weights {
            if weight == self.space {
                spaces += 1;
                continue;
            }
            self.push_spaces(spaces, weight > self.space, out);
            spaces = 0;
            self.push(weight, out);
        }
    }

    fn push_spaces(&self, spaces: usize, greater_follows: bool, out: &mut Vec<u8>) {
        let lead = self.space_lead + if greater_follows { 2 } else { 0 };
        out.extend(std::iter::repeat_n(lead, spaces));
    }
}

#[cfg(test)]
pub(super) fn codes() -> [&'static KeyCode; 5] {
    [&UCA900, &UCA520, &UCA400, &GENERAL, &TO_LOWER]
}

fn info(name: &str) -> &'static CollationInfo {
    super::lookup(name).unwrap_or(super::CollationId::BINARY).info()
}

/// The two bases of implicit weights that nearly all Han characters have.
const HAN_BASES: [u16; 2] = [0xFB40, 0xFB41];

static UCA900: LazyLock<KeyCode> =
    LazyLock::new(|| KeyCode::new(info("utf8mb4_0900_ai_ci"), &HAN_BASES, Some((0x2000, 0x5500))));
static UCA520: LazyLock<KeyCode> =
    LazyLock::new(|| KeyCode::new(info("utf8mb4_unicode_520_ci"), &HAN_BASES, Some((0x1400, 0x4D00))));
static UCA400: LazyLock<KeyCode> =
    LazyLock::new(|| KeyCode::new(info("utf8mb4_unicode_ci"), &HAN_BASES, Some((0x1070, 0x3000))));
static GENERAL: LazyLock<KeyCode> =
    LazyLock::new(|| KeyCode::new(info("utf8mb4_general_ci"), &[], Some((0x0080, 0x7C80))));
static TO_LOWER: LazyLock<KeyCode> =
    LazyLock::new(|| KeyCode::new(info("utf8mb3_tolower_ci"), &[], Some((0x0080, 0x7C80))));

/// Weights below 256, for collations over bytes: themselves, shifted to make room for the space's three lead
/// bytes; the last few after FF.
fn push_byte(weight: u16, space: u16, out: &mut Vec<u8>) {
    let byte = weight as u8;
    match weight {
        _ if weight <= space => out.push(byte + FIRST_LEAD),
        0..0xFB => out.push(byte + FIRST_LEAD + 2),
        _ => out.extend_from_slice(&[0xFF, byte]),
    }
}

fn append_bytes_padded(weights: Weights<'_>, space: u16, out: &mut Vec<u8>) {
    let space_lead = space as u8 + FIRST_LEAD;
    let mut spaces = 0;
    for weight in weights {
        if weight == space {
            spaces += 1;
            continue;
        }
        let lead = if weight > space { space_lead + 2 } else { space_lead };
        out.extend(std::iter::repeat_n(lead, spaces));
        spaces = 0;
        push_byte(weight, space, out);
    }
}

/// The code of a Unicode collation with a table; none for those over bytes.
pub(super) fn code_of(info: &CollationInfo) -> Option<&'static KeyCode> {
    match info.order {
        Order::Bytes | Order::CodePoints | Order::EncodedBytes | Order::EncodedFolded | Order::Single(_) => {
            None
        }
        Order::General => Some(&GENERAL),
        Order::ToLower => Some(&TO_LOWER),
        Order::Uca400 => Some(&UCA400),
        Order::Uca520 => Some(&UCA520),
        Order::Uca900(_) => Some(&UCA900),
    }
}

pub(super) fn append_key(info: &CollationInfo, text: &[u8], out: &mut Vec<u8>) {
    append_first_level(info, text, true, out);
    let mut separators = 0;
    for level in 2..=levels(info) {
        let common = if level == 2 { COMMON_SECONDARY } else { COMMON_TERTIARY };
        separators += 1;
        let mut commons = 0;
        for weight in Weights::new(info, text, level) {
            if weight == common {
                commons += 1;
                continue;
            }
            out.extend(std::iter::repeat_n(LEVEL_SEPARATOR, separators));
            out.extend(std::iter::repeat_n(FIRST_LEAD, commons));
            // Secondary weights are 20 to 114, tertiary ones 2 to 1F: both fit a byte above the separator.
            out.push(weight.saturating_sub(common) as u8 + FIRST_LEAD);
            (separators, commons) = (0, 0);
        }
    }
}

/// The first level without what ends it; trailing spaces are left out, as their lead byte tells what follows.
pub(super) fn append_key_prefix(info: &CollationInfo, text: &[u8], out: &mut Vec<u8>) {
    append_first_level(info, text, false, out);
}

/// `ended`: whether to mark the end of the text, under `PAD SPACE`.
fn append_first_level(info: &CollationInfo, text: &[u8], ended: bool, out: &mut Vec<u8>) {
    if info.order == Order::Bytes {
        out.extend_from_slice(text);
        return;
    }
    match (code_of(info), info.pad) {
        (Some(code), Pad::None) if text.is_ascii() => code.append_ascii(text, out),
        (Some(code), Pad::None) => Weights::new(info, text, 1).for_each(|weight| code.push(weight, out)),
        (Some(code), Pad::Space) => {
            if text.is_ascii() {
                code.append_ascii_padded(text, out);
            } else {
                code.append_padded(Weights::new(info, text, 1), out);
            }
            if ended {
                out.push(code.space_lead + 1);
            }
        }
        (None, pad) => {
            let space = super::weights::space_weight(info);
            match pad {
                Pad::Space => append_bytes_padded(Weights::new(info, text, 1), space, out),
                Pad::None => Weights::new(info, text, 1).for_each(|weight| push_byte(weight, space, out)),
            }
            if ended && pad == Pad::Space {
                out.push(space as u8 + FIRST_LEAD + 1);
            }
        }
    }
}
