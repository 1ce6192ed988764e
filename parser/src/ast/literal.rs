//! Literals as typed.

use aurora_types::Text;

/// A character string literal. Adjacent strings are already one, escapes already resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    /// Bytes in the client's character set, or in `introducer`'s when there is one. They need not be
    /// valid in it: MySQL warns (1300) and takes the bytes.
    pub bytes: Text,
    /// `latin1` of `_latin1'..'`, lower case, without the underscore. `N'..'` gives `utf8mb3`.
    pub introducer: Option<Text>,
}

impl StringLiteral {
    pub fn to_str_lossy(&self) -> std::borrow::Cow<'_, str> {
        self.bytes.to_str_lossy()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Null,
    Bool(bool),
    /// An integer without sign that fits 64 bits; larger ones are `Decimal`.
    Int(u64),
    /// Digits, with or without a point, as written.
    Decimal(Text),
    /// With an exponent, as written.
    Float(Text),
    String(StringLiteral),
    /// `0x..` and `X'..'`: the bytes that the digits name.
    Hex {
        bytes: Text,
        introducer: Option<Text>,
    },
    /// `0b..` and `B'..'`: the bytes, right aligned.
    Bit {
        bytes: Text,
        introducer: Option<Text>,
    },
    /// `DATE '..'`.
    Date(Text),
    /// `TIME '..'`.
    Time(Text),
    /// `TIMESTAMP '..'`.
    Timestamp(Text),
}
