//! What a text means depends on: sql_mode and the client's character set.

use crate::ast::{Ast, Span, Statement};

/// The bits of sql_mode that change what a text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SqlMode {
    /// `"a"` is an identifier.
    pub ansi_quotes: bool,
    /// `||` is CONCAT.
    pub pipes_as_concat: bool,
    /// `\` in strings is an ordinary character.
    pub no_backslash_escapes: bool,
    /// `count (*)` is a call.
    pub ignore_space: bool,
    /// `NOT a BETWEEN b AND c` is `(NOT a) BETWEEN b AND c`.
    pub high_not_precedence: bool,
    /// REAL is FLOAT.
    pub real_as_float: bool,
    /// `-` between unsigned integers is signed: not the parser's business, but part of a plan's key.
    pub no_unsigned_subtraction: bool,
}

/// How the bytes of a statement make characters. Matters for where a quoted string ends: in gbk and its like
/// the second byte of a character can be a backslash or backtick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientCharset {
    /// utf8mb4 and utf8mb3: literals and identifiers are checked (error 1300).
    #[default]
    Utf8,
    /// latin1: identifiers are converted to UTF-8.
    Latin1,
    /// Other single-byte sets and `binary`.
    SingleByte,
    /// gbk.
    Gbk,
    /// gb18030.
    Gb18030,
    /// sjis and cp932.
    Sjis,
    /// big5.
    Big5,
}

/// What parsing depends on beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseContext {
    pub sql_mode: SqlMode,
    pub client_charset: ClientCharset,
    /// `/*!NNNNN .. */` runs when NNNNN is not above this.
    pub version: u32,
    /// `?` is a parameter; false for plain text statements, where it is a syntax error.
    pub parameters: bool,
    /// How high an expression and how deep queries and parentheses may nest before error 1436.
    pub max_depth: u32,
}

impl Default for ParseContext {
    fn default() -> ParseContext {
        ParseContext {
            sql_mode: SqlMode::default(),
            client_charset: ClientCharset::Utf8,
            version: 90_704,
            parameters: true,
            max_depth: 2_000,
        }
    }
}

/// One parsed statement.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub statement: Statement,
    pub ast: Ast,
    /// The statement in the source, without the `;` and without space around it.
    pub span: Span,
    /// Offset of what comes behind the `;`; the length of the source when nothing follows.
    pub next: usize,
    /// How many `?` there are.
    pub parameters: u32,
}
