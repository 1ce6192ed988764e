//! Tokens: what kind, and where in the text.

use crate::ast::Span;
use crate::keyword::Kw;

/// What a token is. Its text stays in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tok {
    /// The end of the text.
    Eof,
    /// `;`
    Semicolon,
    /// Bytes that begin no token, or a string or comment without end.
    Invalid,
    /// An unquoted word that is not a keyword, or any word next to a dot.
    Ident,
    /// A name in backticks, or in double quotes under ANSI_QUOTES.
    Quoted,
    /// What stands behind `@` when it is not quoted; may be empty and may hold dots.
    Hostname,
    Kw(Kw),
    /// A string in single quotes, or in double quotes without ANSI_QUOTES.
    Str,
    /// `N'..'`
    NStr,
    /// `X'..'`
    HexStr,
    /// `0x..`
    HexNum,
    /// `B'..'`
    BitStr,
    /// `0b..`
    BitNum,
    Int,
    Decimal,
    Float,
    /// `_utf8mb4` before a literal.
    Introducer,
    /// `/*+ .. */` behind a verb.
    Hint,
    Param,
    At,
    LParen,
    RParen,
    LBrace,
    RBrace,
    Comma,
    Dot,
    Colon,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Amp,
    AmpAmp,
    Pipe,
    PipePipe,
    Tilde,
    Bang,
    Eq,
    NullSafeEq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    ShiftLeft,
    ShiftRight,
    /// `:=`
    Assign,
    /// `->`
    Arrow,
    /// `->>`
    ArrowText,
}

/// 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub tok: Tok,
    pub start: u32,
    pub end: u32,
}

impl Token {
    pub fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }
}
