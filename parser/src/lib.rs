//! Bytes of SQL in, MySQL's statements out: lexer, grammar, syntax tree, fingerprint. README.md has the map.

pub mod ast;
mod charset;
mod context;
pub mod keyword;
mod lexer;
mod token;

pub use ast::*;
pub use context::{ClientCharset, ParseContext, Parsed, SqlMode};
pub use token::{Tok, Token};
