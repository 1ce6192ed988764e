//! Literals, and strings that are not expressions.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::{Tok, Token};
use aurora_types::Text;

impl Parser<'_> {
    /// A literal without sign: string with its continuations, number, bytes, NULL, TRUE, FALSE, DATE '..'.
    pub(crate) fn literal(&mut self) -> PResult<ExprId> {
        let start = self.here();
        let literal = match self.peek() {
            Tok::Str | Tok::NStr => Literal::String(self.text_literal()?),
            Tok::Introducer => self.introduced()?,
            Tok::Int => {
                let token = self.bump();
                integer(self.bytes(token))
            }
            Tok::Decimal => {
                let token = self.bump();
                Literal::Decimal(Text::from(self.bytes(token)))
            }
            Tok::Float => {
                let token = self.bump();
                Literal::Float(Text::from(self.bytes(token)))
            }
            Tok::HexNum | Tok::HexStr | Tok::BitNum | Tok::BitStr => self.bytes_literal(None)?,
            Tok::Kw(Kw::NULL) => {
                self.bump();
                Literal::Null
            }
            Tok::Kw(word @ (Kw::TRUE | Kw::FALSE)) => {
                self.bump();
                Literal::Bool(word == Kw::TRUE)
            }
            Tok::Kw(word @ (Kw::DATE | Kw::TIME | Kw::TIMESTAMP)) if self.peek_at(1) == Tok::Str => {
                self.bump();
                self.temporal_literal(word)?
            }
            _ => return self.unexpected(),
        };
        let span = self.span_from(start);
        Ok(self.leaf(Expr::Literal(literal), span))
    }

    /// The string of a temporal literal whose word is consumed.
    pub(crate) fn temporal_literal(&mut self, word: Kw) -> PResult<Literal> {
        let text = self.string()?.bytes;
        Ok(match word {
            Kw::DATE => Literal::Date(text),
            Kw::TIME => Literal::Time(text),
            _ => Literal::Timestamp(text),
        })
    }

    /// A string and those that continue it.
    fn text_literal(&mut self) -> PResult<StringLiteral> {
        let token = self.bump();
        let introducer = (token.tok == Tok::NStr).then(|| Text::from("utf8mb3"));
        self.continued(token, introducer)
    }

    fn continued(&mut self, first: Token, introducer: Option<Text>) -> PResult<StringLiteral> {
        let bytes = self.string_bytes(first);
        let bytes = if self.peek() == Tok::Str {
            let mut whole = bytes.into_owned();
            while self.peek() == Tok::Str {
                let token = self.bump();
                whole.extend_from_slice(&self.string_bytes(token));
            }
            Text::from(whole)
        } else {
            Text::from(&*bytes)
        };
        Ok(StringLiteral { bytes, introducer })
    }

    /// `_charset` and the literal behind it.
    fn introduced(&mut self) -> PResult<Literal> {
        let word = self.bump();
        let charset = self.bytes(word).get(1..).unwrap_or_default().to_ascii_lowercase();
        let charset = if charset == b"utf8" { Text::from("utf8mb3") } else { Text::from(charset) };
        match self.peek() {
            Tok::Str => {
                let token = self.bump();
                Ok(Literal::String(self.continued(token, Some(charset))?))
            }
            Tok::HexNum | Tok::HexStr | Tok::BitNum | Tok::BitStr => self.bytes_literal(Some(charset)),
            _ => self.unexpected(),
        }
    }

    fn bytes_literal(&mut self, introducer: Option<Text>) -> PResult<Literal> {
        let token = self.bump();
        let bytes = literal_bytes(self.bytes(token), token.tok);
        Ok(match token.tok {
            Tok::HexNum | Tok::HexStr => Literal::Hex { bytes, introducer },
            _ => Literal::Bit { bytes, introducer },
        })
    }

    /// A string written in hexadecimal.
    pub(crate) fn binary_string(&mut self) -> PResult<StringLiteral> {
        if !matches!(self.peek(), Tok::HexNum | Tok::HexStr) {
            return self.unexpected();
        }
        let token = self.bump();
        let bytes = literal_bytes(self.bytes(token), token.tok);
        Ok(StringLiteral { bytes, introducer: Some(Text::from("binary")) })
    }

    /// A string, or one written in hexadecimal or binary: `text_string` in MySQL's grammar.
    pub(crate) fn any_string(&mut self) -> PResult<StringLiteral> {
        if !matches!(self.peek(), Tok::HexNum | Tok::HexStr | Tok::BitNum | Tok::BitStr) {
            return self.string();
        }
        let token = self.bump();
        let bytes = literal_bytes(self.bytes(token), token.tok);
        Ok(StringLiteral { bytes, introducer: Some(Text::from("binary")) })
    }
}

impl Parser<'_> {
    /// Whether the integer `token` fits 64 bits.
    pub(crate) fn fits(&self, token: Token) -> bool {
        matches!(integer(self.bytes(token)), Literal::Int(_))
    }
}

/// Integers that fit 64 bits; larger ones are decimals.
fn integer(digits: &[u8]) -> Literal {
    let significant = &digits[digits.iter().take_while(|digit| **digit == b'0').count()..];
    let value = significant.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    });
    match value {
        Some(value) => Literal::Int(value),
        None => Literal::Decimal(Text::from(digits)),
    }
}

/// The bytes that the digits of a hexadecimal or bit literal name, right aligned.
pub(crate) fn literal_bytes(source: &[u8], tok: Tok) -> Text {
    let digits: Vec<u8> = source
        .iter()
        .skip(1)
        .filter(|byte| byte.is_ascii_hexdigit() && !(tok == Tok::BitNum && **byte == b'b'))
        .map(|digit| char::from(*digit).to_digit(16).unwrap_or(0) as u8)
        .collect();
    let per_byte = if matches!(tok, Tok::HexNum | Tok::HexStr) { 2 } else { 8 };
    let bits = 8 / per_byte as u32;
    let first = digits.len() % per_byte;
    let mut bytes = Vec::with_capacity(digits.len() / per_byte + 1);
    let (head, tail) = digits.split_at(first);
    for chunk in std::iter::once(head).filter(|head| !head.is_empty()).chain(tail.chunks(per_byte)) {
        bytes.push(chunk.iter().fold(0u8, |byte, digit| byte.wrapping_shl(bits) | digit));
    }
    Text::from(bytes)
}
