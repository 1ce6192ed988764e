//! Literals: bytes of the client to values.

use super::Binder;
use aurora_expr::{Expr, build, typing};
use aurora_parser::{Literal, StringLiteral};
use aurora_types::charset;
use aurora_types::error::{ER_INVALID_CHARACTER_STRING, ER_UNKNOWN_CHARACTER_SET, ER_WRONG_VALUE};
use aurora_types::temporal::DateFlags;
use aurora_types::temporal::parse::{parse_datetime, parse_time};
use aurora_types::{Charset, CollationId, Decimal, Level, SqlError, SqlResult, Text, Value, Warning};
use std::borrow::Cow;

impl Binder<'_, '_> {
    /// The character set of an introducer (1115 when there is none of the name).
    pub fn charset_named(&self, name: &Text) -> SqlResult<Charset> {
        let name = name.to_str_lossy();
        charset::lookup(&name).ok_or_else(|| SqlError::new(ER_UNKNOWN_CHARACTER_SET, &[&name]))
    }

    /// The text of a string literal in UTF-8 (or bytes for `_binary`).
    pub fn string_text(&self, literal: &StringLiteral) -> SqlResult<Text> {
        let set = match &literal.introducer {
            Some(name) => self.charset_named(name)?,
            None => self.state.ctx.client_charset,
        };
        if set == CollationId::BINARY.charset() {
            return Ok(literal.bytes.clone());
        }
        let bytes = literal.bytes.as_bytes();
        match set.decode(bytes) {
            // UTF-8 as it is: the literal's own bytes are shared.
            Ok(Cow::Borrowed(text)) if text.len() == bytes.len() => Ok(literal.bytes.clone()),
            Ok(text) => Ok(Text::from(&*text)),
            Err(bad) => {
                let rest: String =
                    bytes[bad.at.min(bytes.len())..].iter().take(6).map(|b| format!("\\x{b:02X}")).collect();
                Err(SqlError::new(ER_INVALID_CHARACTER_STRING, &[&set.name(), &rest]))
            }
        }
    }

    /// The text of a string that stands in the syntax, such as a path or separator.
    pub fn plain_text(&self, literal: &StringLiteral) -> SqlResult<String> {
        Ok(self.string_text(literal)?.to_str_lossy().into_owned())
    }

    fn introduced(&self, value: Text, introducer: &Text) -> SqlResult<Expr> {
        let set = self.charset_named(introducer)?;
        let collation = set.default_collation();
        let length = if collation.is_binary() { value.len() } else { collation.char_count(value.as_bytes()) };
        Ok(build::typed_literal(Value::Text(value), typing::text(length as u64, collation)))
    }

    pub fn literal(&mut self, literal: &Literal) -> SqlResult<Expr> {
        let ctx = &self.state.ctx.build;
        Ok(match literal {
            Literal::Null => build::null(),
            Literal::Bool(v) => build::truth_literal(*v),
            Literal::Int(v) => build::literal(Value::UInt(*v), ctx),
            Literal::Decimal(text) => {
                let parsed = Decimal::parse(text.as_bytes());
                build::literal(Value::Decimal(parsed.value), ctx)
            }
            Literal::Float(text) => {
                let parsed = aurora_types::number::parse_double(text.as_bytes());
                if !parsed.value.is_finite() {
                    return Err(SqlError::new(
                        aurora_types::error::ER_ILLEGAL_VALUE_FOR_TYPE,
                        &[&"double", &text.to_str_lossy()],
                    ));
                }
                let mut literal = build::literal(Value::Double(parsed.value), ctx);
                literal.ty.length = text.len() as u32;
                literal
            }
            Literal::String(text) => match (self.string_text(text), &text.introducer) {
                (value, Some(introducer)) => self.introduced(value?, introducer)?,
                (Ok(value), None) => build::literal(Value::Text(value), ctx),
                // Bytes that are no text of the client's: MySQL warns and takes them as they are.
                (Err(_), None) => {
                    let bytes = &text.bytes;
                    let shown: String = bytes.as_bytes().iter().take(6).map(|b| format!("{b:02X}")).collect();
                    let set = self.state.ctx.client_charset.name();
                    let error = SqlError::new(ER_INVALID_CHARACTER_STRING, &[&set, &shown]);
                    self.state.warnings.push(Warning {
                        level: Level::Warning,
                        code: error.code,
                        message: error.message,
                    });
                    let ty = typing::text(bytes.len() as u64, CollationId::BINARY);
                    build::typed_literal(Value::Text(bytes.clone()), ty)
                }
            },
            Literal::Hex { bytes, introducer: None } => {
                let mut literal = build::hex_literal(bytes.as_bytes());
                literal.ty.unsigned = true;
                literal
            }
            Literal::Hex { bytes, introducer } | Literal::Bit { bytes, introducer } => match introducer {
                Some(introducer) => {
                    let text = StringLiteral { bytes: bytes.clone(), introducer: Some(introducer.clone()) };
                    self.introduced(self.string_text(&text)?, introducer)?
                }
                None => build::hex_literal(bytes.as_bytes()),
            },
            Literal::Date(text) => {
                let parsed = parse_datetime(text.as_bytes(), self.date_flags());
                match parsed.value {
                    Some(value) => build::literal(Value::Date(value.date()), ctx),
                    None => return Err(self.bad_literal("DATE", text)),
                }
            }
            Literal::Time(text) => match parse_time(text.as_bytes()).value {
                Some(value) => {
                    let ty = typing::time(fraction_digits(text));
                    build::typed_literal(Value::Time(value), ty)
                }
                None => return Err(self.bad_literal("TIME", text)),
            },
            Literal::Timestamp(text) => match parse_datetime(text.as_bytes(), self.date_flags()).value {
                Some(value) => {
                    let ty = typing::datetime(fraction_digits(text));
                    build::typed_literal(Value::DateTime(value), ty)
                }
                None => return Err(self.bad_literal("DATETIME", text)),
            },
        })
    }

    /// 1525.
    fn bad_literal(&mut self, kind: &str, text: &Text) -> SqlError {
        self.state.bad_literal = true;
        SqlError::new(ER_WRONG_VALUE, &[&kind, &text.to_str_lossy()])
    }

    fn date_flags(&self) -> DateFlags {
        DateFlags::from_sql_mode(self.state.ctx.build.sql_mode)
    }
}

/// Digits written behind the point.
fn fraction_digits(text: &Text) -> u8 {
    let bytes = text.as_bytes();
    match bytes.iter().rposition(|b| *b == b'.') {
        Some(at) => bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count().min(6) as u8,
        None => 0,
    }
}
