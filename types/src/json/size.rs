//! The size that a document takes in MySQL's binary form (`JSON_STORAGE_SIZE`).

use super::Json;

/// Offsets of small containers have two bytes.
const SMALL_LIMIT: usize = u16::MAX as usize;

impl Json {
    pub fn storage_size(&self) -> usize {
        1 + self.body()
    }

    fn body(&self) -> usize {
        match self {
            Json::Null | Json::Bool(_) => 1,
            Json::Int(v) if i16::try_from(*v).is_ok() || u16::try_from(*v).is_ok() => 2,
            Json::Int(v) if i32::try_from(*v).is_ok() || u32::try_from(*v).is_ok() => 4,
            Json::Int(_) | Json::UInt(_) | Json::Double(_) => 8,
            Json::Decimal(v) => {
                // A type, a length, precision and scale, and nine digits in each four bytes.
                let group = |digits: u8| usize::from(digits / 9) * 4 + usize::from(digits % 9).div_ceil(2);
                4 + group(v.integer_digits()) + group(v.scale())
            }
            Json::String(text) => text_size(text.len()),
            Json::Array(_) | Json::Object(_) => {
                let small = self.container(2);
                if small <= SMALL_LIMIT { small } else { self.container(4) }
            }
        }
    }

    fn container(&self, offset: usize) -> usize {
        let value = |json: &Json| 1 + offset + if json.is_inline(offset) { 0 } else { json.body() };
        2 * offset
            + match self {
                Json::Array(list) => list.iter().map(value).sum::<usize>(),
                Json::Object(object) => {
                    object.iter().map(|(key, json)| offset + 2 + key.len() + value(json)).sum()
                }
                _ => 0,
            }
    }

    /// Small values stand in the place of their offset.
    fn is_inline(&self, offset: usize) -> bool {
        match self {
            Json::Null | Json::Bool(_) => true,
            Json::Int(_) => self.body() <= offset,
            _ => false,
        }
    }
}

/// Text behind its length, seven bits in a byte.
fn text_size(len: usize) -> usize {
    let bits = usize::BITS as usize - len.leading_zeros() as usize;
    len + bits.div_ceil(7).max(1)
}
