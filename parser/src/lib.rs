//! Bytes of SQL in, MySQL's statements out: lexer, grammar, syntax tree, fingerprint. README.md has the map.

pub mod ast;
mod charset;
mod context;
mod error;
mod fingerprint;
mod grammar;
pub mod keyword;
mod lexer;
mod parser;
mod token;

pub use ast::*;
pub use context::{ClientCharset, ParseContext, Parsed, SqlMode};
pub use fingerprint::{Scanned, ScannedKind, fingerprint, same_shape};
pub use token::{Tok, Token};

use aurora_types::SqlResult;

/// Parses the first statement of `sql`; [`Parsed::next`] says where the next one begins.
pub fn parse(sql: &[u8], context: &ParseContext) -> SqlResult<Parsed> {
    grammar::parse(sql, context)
}
