//! A byte string that is cheap to clone and holds short strings inline.

use std::sync::Arc;

const INLINE_BYTES: usize = 22;

/// Immutable bytes (UTF-8 for character strings). 24 bytes; up to 22 bytes need no allocation, longer ones
/// share one.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    Inline(u8, [u8; INLINE_BYTES]),
    Shared(Arc<[u8]>),
}

impl Text {
    pub const EMPTY: Text = Text(Repr::Inline(0, [0; INLINE_BYTES]));

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(len, bytes) => &bytes[..usize::from(*len)],
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The text as UTF-8, bad sequences replaced: for messages and functions that need `str`.
    pub fn to_str_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Text {
        if bytes.len() <= INLINE_BYTES {
            let mut inline = [0; INLINE_BYTES];
            inline[..bytes.len()].copy_from_slice(bytes);
            Text(Repr::Inline(bytes.len() as u8, inline))
        } else {
            Text(Repr::Shared(bytes.into()))
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.as_bytes())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::from(text.into_bytes())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Text {
        if bytes.len() <= INLINE_BYTES {
            Text::from(bytes.as_slice())
        } else {
            Text(Repr::Shared(bytes.into()))
        }
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_str_lossy())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}
