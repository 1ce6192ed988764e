//! Numbers and names of ENUM and SET members.

use crate::sql_type::{BaseType, EnumDef, SqlType};
use crate::{CollationId, Text};

impl EnumDef {
    /// The 1-based number of the member with exactly this name; 0 for `''` (the error value) unless `''` is a
    /// member.
    pub fn index_of(&self, name: &[u8]) -> Option<usize> {
        match self.members.iter().position(|m| m.as_bytes() == name) {
            Some(at) => Some(at + 1),
            None => name.is_empty().then_some(0),
        }
    }

    /// The 1-based number of the member that equals `name` under a collation.
    pub fn find(&self, name: &[u8], collation: CollationId) -> Option<usize> {
        let exact = self.members.iter().position(|m| m.as_bytes() == name);
        let found = exact.or_else(|| self.members.iter().position(|m| collation.eq(m.as_bytes(), name)));
        found.map(|at| at + 1)
    }

    /// Name of a 1-based number; `''` for 0.
    pub fn name_bytes(&self, index: usize) -> Option<&[u8]> {
        match index {
            0 => Some(b""),
            _ => self.members.get(index - 1).map(Text::as_bytes),
        }
    }

    /// Name of a 1-based number; `''` for 0.
    pub fn name_of(&self, index: usize) -> Option<Text> {
        match index {
            0 => Some(Text::EMPTY),
            _ => self.members.get(index - 1).cloned(),
        }
    }

    /// The bits of a SET value with exactly these names; bit 0 is the first member.
    pub fn mask_of(&self, names: &[u8]) -> Option<u64> {
        if names.is_empty() {
            return Some(0);
        }
        names.split(|b| *b == b',').try_fold(0u64, |mask, name| {
            let at = self.members.iter().position(|m| m.as_bytes() == name)?;
            Some(mask | 1u64.checked_shl(u32::try_from(at).ok()?)?)
        })
    }

    /// The names of a SET's bits in declared order, joined by commas; bits without a member are left out.
    pub fn names_of(&self, mask: u64) -> Text {
        let mut names = Vec::new();
        for (at, member) in self.members.iter().take(64).enumerate() {
            if mask >> at & 1 == 1 {
                if !names.is_empty() {
                    names.push(b',');
                }
                names.extend_from_slice(member.as_bytes());
            }
        }
        Text::from(names)
    }

    /// All bits that have a member.
    pub fn full_mask(&self) -> u64 {
        match self.members.len() {
            0 => 0,
            n if n >= 64 => u64::MAX,
            n => (1 << n) - 1,
        }
    }
}

impl SqlType {
    /// The number that a value of an ENUM, SET or BIT type is in numeric context; `None` for other types.
    pub fn member_number(&self, text: &[u8]) -> Option<u64> {
        match &self.base {
            BaseType::Enum(def) => Some(def.index_of(text).unwrap_or(0) as u64),
            BaseType::Set(def) => Some(def.mask_of(text).unwrap_or(0)),
            BaseType::Bit => Some(text.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte))),
            _ => None,
        }
    }
}
