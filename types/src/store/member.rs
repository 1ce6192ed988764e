//! ENUM and SET columns.

use super::{Target, text_of};
use crate::{BaseType, EnumDef, SqlResult, SqlType, Text, Value, ValueRef};
use std::sync::Arc;

/// Digits of the longest text that is taken for a number: of an ENUM's 65535 members, of a SET's 64 bits.
const ENUM_DIGITS: usize = 5;
const SET_DIGITS: usize = 21;

fn without_trailing_spaces(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

fn digits(text: &[u8], most: usize) -> Option<u64> {
    if text.is_empty() || text.len() > most || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number cut to an integer; other values are stored by their text.
fn whole(value: ValueRef<'_>) -> Option<i128> {
    Some(match value {
        ValueRef::Int(v) => i128::from(v),
        ValueRef::UInt(v) => i128::from(v),
        ValueRef::Double(v) => v as i128,
        ValueRef::Decimal(v) => i128::from(v.truncate(0).to_i64().0),
        _ => return None,
    })
}

impl Target<'_, '_> {
    pub(super) fn enumeration(
        &mut self,
        value: ValueRef<'_>,
        from: &SqlType,
        def: &Arc<EnumDef>,
    ) -> SqlResult<Value> {
        if from.base == BaseType::Enum(Arc::clone(def)) {
            return Ok(value.to_owned());
        }
        let found = match whole(value) {
            Some(number) => usize::try_from(number).ok().filter(|n| *n > 0 && *n <= def.members.len()),
            None => {
                let text = text_of(value, from);
                let name = without_trailing_spaces(&text);
                def.find(name, self.to.collation).or_else(|| {
                    let number = digits(&text, ENUM_DIGITS)?;
                    usize::try_from(number).ok().filter(|n| *n <= def.members.len())
                })
            }
        };
        match found {
            Some(index) => Ok(Value::Text(def.name_of(index).unwrap_or(Text::EMPTY))),
            None => {
                self.truncated()?;
                Ok(Value::Text(Text::EMPTY))
            }
        }
    }

    pub(super) fn set(
        &mut self,
        value: ValueRef<'_>,
        from: &SqlType,
        def: &Arc<EnumDef>,
    ) -> SqlResult<Value> {
        let full = def.full_mask();
        let (mask, complete) = match whole(value) {
            Some(number) => {
                let bits = number as u64;
                (bits & full, bits & !full == 0)
            }
            None => {
                let text = text_of(value, from);
                let (mask, complete) = self.set_names(without_trailing_spaces(&text), def);
                if mask != 0 || text.is_empty() {
                    (mask, complete)
                } else {
                    match digits(&text, SET_DIGITS) {
                        Some(bits) if bits & !full == 0 => (bits, true),
                        _ => (0, complete),
                    }
                }
            }
        };
        if !complete {
            self.truncated()?;
        }
        Ok(Value::Text(def.names_of(mask)))
    }

    /// Bits of the names that are members, and whether all were.
    fn set_names(&self, names: &[u8], def: &EnumDef) -> (u64, bool) {
        if names.is_empty() {
            return (0, true);
        }
        let (mut mask, mut complete) = (0, true);
        for name in names.split(|byte| *byte == b',') {
            match def.find(name, self.to.collation) {
                Some(at @ 1..=64) => mask |= 1 << (at - 1),
                _ => complete = false,
            }
        }
        (mask, complete)
    }
}
