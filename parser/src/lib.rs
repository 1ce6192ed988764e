//! Bytes of SQL in, MySQL's statements out: lexer, grammar, syntax tree, fingerprint. README.md has the map.

pub mod ast;
mod context;

pub use ast::*;
pub use context::{ClientCharset, ParseContext, Parsed, SqlMode};
