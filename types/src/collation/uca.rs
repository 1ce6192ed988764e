//! Collation elements of the Unicode Collation Algorithm, from compact tables.
//!
//! A table is little-endian: the number of pages (u32); for each of 0x1100 blocks of 256 code points its page or
//! FFFF (u16); pages of 256 entries (u32); a pool of elements (u32). An entry is 0 (not in the table), an element
//! with bit 31 set, or with bit 30 set `offset << 4 | count` into the pool. An element is
//! `primary << 14 | secondary << 5 | tertiary`; all zero means ignorable.

use smallvec::SmallVec;
use std::sync::LazyLock;

/// Elements of one character.
pub(super) type Elements = SmallVec<[u32; 8]>;

const BLOCKS: usize = 0x1100;

pub(super) struct Table {
    blob: &'static [u8],
    pages_at: usize,
    pool_at: usize,
    pub version: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V400,
    V520,
    V900,
}

pub(super) static UCA900: LazyLock<Table> =
    LazyLock::new(|| Table::new(include_bytes!("uca900.bin"), Version::V900));
pub(super) static UCA520: LazyLock<Table> =
    LazyLock::new(|| Table::new(include_bytes!("uca520.bin"), Version::V520));
pub(super) static UCA400: LazyLock<Table> =
    LazyLock::new(|| Table::new(include_bytes!("uca400.bin"), Version::V400));

pub(super) fn primary(element: u32) -> u16 {
    (element >> 14) as u16
}

/// The weight of an element at a level from 1 to 3.
pub(super) fn weight(element: u32, level: u8) -> u16 {
    match level {
        1 => primary(element),
        2 => (element >> 5 & 0x1FF) as u16,
        _ => (element & 0x1F) as u16,
    }
}

const fn element(primary: u32, secondary: u32, tertiary: u32) -> u32 {
    primary << 14 | secondary << 5 | tertiary
}

impl Table {
    fn new(blob: &'static [u8], version: Version) -> Table {
        let pages = u32::from_le_bytes([blob[0], blob[1], blob[2], blob[3]]) as usize;
        let pages_at = 4 + BLOCKS * 2;
        Table { blob, pages_at, pool_at: pages_at + pages * 1024, version }
    }

    fn word(&self, at: usize) -> u32 {
        match self.blob.get(at..at + 4) {
            Some(word) => u32::from_le_bytes([word[0], word[1], word[2], word[3]]),
            None => 0,
        }
    }

    /// Appends the elements of a code point.
    #[inline]
    pub(super) fn elements(&self, code_point: u32, out: &mut Elements) {
        if self.version == Version::V400 && code_point > 0xFFFF {
            out.push(element(0xFFFD, 0, 0));
            return;
        }
        let block = (code_point >> 8) as usize;
        let page = match self.blob.get(4 + block * 2..6 + block * 2) {
            Some(page) => u16::from_le_bytes([page[0], page[1]]),
            None => u16::MAX,
        };
        let entry = if page == u16::MAX {
            0
        } else {
            self.word(self.pages_at + usize::from(page) * 1024 + (code_point as usize & 0xFF) * 4)
        };
        if entry & 0x8000_0000 != 0 {
            out.push(entry & 0x3FFF_FFFF);
        } else if entry == 0 {
            self.implicit(code_point, out);
        } else {
            let from = (entry & 0x3FFF_FFFF) >> 4;
            out.extend((from..from + (entry & 0xF)).map(|at| self.word(self.pool_at + at as usize * 4)));
        }
    }

    fn implicit(&self, code_point: u32, out: &mut Elements) {
        if self.version == Version::V900 && (0xAC00..0xD7B0).contains(&code_point) {
            return self.hangul(code_point, out);
        }
        let base = match code_point {
            0x17000..0x18B00 if self.version == Version::V900 => {
                out.push(element(0xFB00, 0x20, 2));
                out.push(element((code_point - 0x17000) | 0x8000, 0, 0));
                return;
            }
            0x3400..0x4DB6 => 0xFB80,
            0x4E00..0x9FA6 => 0xFB40,
            0x9FA6..0x9FD6 if self.version == Version::V900 => 0xFB40,
            0x20000..0x2A6D7 | 0x2A700..0x2B735 | 0x2B740..0x2B81E | 0x2B820..0x2CEA2
                if self.version == Version::V900 =>
            {
                0xFB80
            }
            _ => 0xFBC0,
        };
        let (secondary, tertiary) = if self.version == Version::V900 { (0x20, 2) } else { (0, 0) };
        out.push(element(base + (code_point >> 15), secondary, tertiary));
        out.push(element((code_point & 0x7FFF) | 0x8000, 0, 0));
    }

    /// A Hangul syllable is the elements of its letters; MySQL gives those from U+D700 on another tertiary weight.
    fn hangul(&self, code_point: u32, out: &mut Elements) {
        let from = out.len();
        let index = code_point - 0xAC00;
        let trailing = index % 28;
        self.elements(0x1100 + index / (21 * 28), out);
        self.elements(0x1161 + index % (21 * 28) / 28, out);
        if trailing != 0 {
            self.elements(0x11A7 + trailing, out);
        }
        if code_point >= 0xD700 {
            for element in &mut out[from..] {
                *element = (*element & !0x1F) | 3;
            }
        }
    }
}
