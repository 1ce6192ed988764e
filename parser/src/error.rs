//! What can go wrong while parsing, and how MySQL says it.

use crate::ast::Span;
use aurora_types::error::{
    ER_EMPTY_QUERY, ER_INVALID_CHARACTER_STRING, ER_PARSE_ERROR, ER_STACK_OVERRUN_NEED_MORE, ER_SYNTAX_ERROR,
};
use aurora_types::{ErrorKind, SqlError};

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("syntax error at byte {}", .0.start)]
    Syntax(Span),
    #[error("empty query")]
    Empty,
    #[error("too deeply nested")]
    TooDeep,
    #[error("invalid character string")]
    InvalidString(Vec<u8>),
    #[error("{}", .0.text)]
    Other(&'static ErrorKind, Vec<String>),
}

/// Boxed, so that results stay small.
pub(crate) type PResult<T> = Result<T, Box<ParseError>>;

/// MySQL quotes this many bytes of the text behind a syntax error.
const NEAR_LENGTH: usize = 80;

impl ParseError {
    pub(crate) fn other(kind: &'static ErrorKind, args: Vec<String>) -> Box<ParseError> {
        Box::new(ParseError::Other(kind, args))
    }

    /// As the client sees it. `statement_start` is where line 1 begins.
    pub(crate) fn into_sql_error(self, sql: &[u8], statement_start: usize) -> SqlError {
        match self {
            ParseError::Syntax(span) => {
                let end = sql
                    .iter()
                    .rposition(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b';' | 0))
                    .map_or(0, |at| at + 1);
                let start = (span.start as usize).min(end);
                let near = near_text(&sql[start..end.min(start + NEAR_LENGTH)]);
                let line_end = (span.end as usize).clamp(statement_start, sql.len());
                let line = 1 + memchr::memchr_iter(b'\n', &sql[statement_start..line_end]).count();
                SqlError::new(ER_PARSE_ERROR, &[&ER_SYNTAX_ERROR.text, &near, &line])
            }
            ParseError::Empty => SqlError::new(ER_EMPTY_QUERY, &[]),
            ParseError::TooDeep => SqlError::new(ER_STACK_OVERRUN_NEED_MORE, &[&0, &0, &0]),
            ParseError::InvalidString(bytes) => {
                let shown: String = bytes.iter().take(6).map(|byte| format!("\\x{byte:02X}")).collect();
                SqlError::new(ER_INVALID_CHARACTER_STRING, &[&"utf8mb4", &shown])
            }
            ParseError::Other(kind, args) => {
                let args: Vec<&dyn std::fmt::Display> =
                    args.iter().map(|arg| arg as &dyn std::fmt::Display).collect();
                SqlError::new(kind, &args)
            }
        }
    }
}

/// The quoted text. A character that the cut goes through shows each of its bytes as a character.
fn near_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            let (whole, cut) = bytes.split_at(error.valid_up_to());
            String::from_utf8_lossy(whole).chars().chain(cut.iter().map(|&byte| char::from(byte))).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
