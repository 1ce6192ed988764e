//! Runs the tables of `testdata`: lines of `expression => value !warning,…` or `expression => ERROR code`, as
//! MySQL answers them.

use crate::build::{self, BuildContext};
use crate::context::{EvalCtx, NoSubqueries, SessionInfo, VariableScope};
use crate::expr::{CastTarget, Expr};
use crate::typing;
use aurora_types::{
    CollationId, Decimal, Diagnostics, SqlError, SqlMode, SqlResult, SqlType, Text, TimeZone, Value,
    collation,
};
use std::cell::Cell;

/// A session for tests.
pub(crate) struct TestSession {
    zone: TimeZone,
    pub last_insert_id: Cell<u64>,
}

impl Default for TestSession {
    fn default() -> TestSession {
        TestSession { zone: TimeZone::utc(), last_insert_id: Cell::new(0) }
    }
}

impl SessionInfo for TestSession {
    fn statement_micros(&self) -> i64 {
        1_700_000_000_000_000
    }
    fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
    fn sql_mode(&self) -> SqlMode {
        SqlMode::DEFAULT
    }
    fn user(&self) -> String {
        "root@localhost".into()
    }
    fn connection_id(&self) -> u64 {
        7
    }
    fn last_insert_id(&self) -> u64 {
        self.last_insert_id.get()
    }
    fn set_last_insert_id(&self, id: u64) {
        self.last_insert_id.set(id);
    }
    fn system_variable(&self, name: &str, _: VariableScope) -> SqlResult<Value> {
        match name {
            "max_allowed_packet" => Ok(Value::Int(64 << 20)),
            "block_encryption_mode" => Ok(Value::Text("aes-128-ecb".into())),
            _ => Err(SqlError::new(aurora_types::error::ER_UNKNOWN_SYSTEM_VARIABLE, &[&name])),
        }
    }
    fn user_variable(&self, _: &str) -> Option<(Value, SqlType)> {
        None
    }
    fn set_user_variable(&self, _: &str, _: Value, _: &SqlType) {}
}

/// Reads the small language of the tables: literals and calls.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    ctx: &'a BuildContext,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, word: &str) -> bool {
        self.spaces();
        let found = self.rest().get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn string(&mut self) -> Vec<u8> {
        assert!(self.eat("'"), "a string at {}", self.rest());
        let mut out = Vec::new();
        let bytes = self.text.as_bytes();
        loop {
            match (bytes[self.at], bytes.get(self.at + 1)) {
                (b'\'', Some(b'\'')) => {
                    out.push(b'\'');
                    self.at += 1;
                }
                (b'\'', _) => break,
                (b'\\', Some(next)) => {
                    out.push(match next {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'0' => 0,
                        b'b' => 8,
                        b'Z' => 26,
                        other => *other,
                    });
                    self.at += 1;
                }
                (byte, _) => out.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        out
    }

    fn literal(&self, value: Value) -> Expr {
        build::literal(value, self.ctx)
    }

    fn primary(&mut self) -> SqlResult<Expr> {
        self.spaces();
        let rest = self.rest();
        if rest.starts_with('\'') {
            let text = self.string();
            return Ok(self.literal(Value::Text(Text::from(text))));
        }
        if rest.get(..2).is_some_and(|w| w.eq_ignore_ascii_case("x'")) {
            self.at += 1;
            let digits = self.string();
            let bytes = super::string_code::parse_hex(&digits).unwrap_or_default();
            return Ok(build::hex_literal(&bytes));
        }
        if rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
            let len = rest
                .char_indices()
                .find(|(i, c)| {
                    let exponent_sign = *c == '-' && (*i == 0 || rest.as_bytes()[i - 1] == b'e');
                    !(c.is_ascii_digit() || *c == '.' || *c == 'e' || exponent_sign)
                })
                .map_or(rest.len(), |(i, _)| i);
            let number = &rest[..len];
            let value = if number.contains('e') {
                Value::Double(number.parse().unwrap())
            } else if number.contains('.') {
                Value::Decimal(Decimal::parse(number.as_bytes()).value)
            } else if let Ok(v) = number.parse() {
                Value::Int(v)
            } else if let Ok(v) = number.parse() {
                Value::UInt(v)
            } else {
                Value::Decimal(Decimal::parse(number.as_bytes()).value)
            };
            self.at += len;
            return Ok(self.literal(value));
        }
        let quoted = rest.starts_with('`');
        let end = if quoted {
            rest[1..].find('`').unwrap() + 2
        } else {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        };
        let word = rest[..end].trim_matches('`').to_ascii_lowercase();
        self.at += end;
        match word.as_str() {
            "null" => return Ok(build::null()),
            "true" | "false" => {
                return Ok(build::truth_literal(word == "true"));
            }
            "cast" => return self.cast(),
            "json_value" => return self.json_value(),
            "convert" => return self.convert(),
            "date" | "time" | "timestamp" if self.rest().starts_with('\'') => {
                let text = self.string();
                let text = self.literal(Value::Text(Text::from(text)));
                let ty = match word.as_str() {
                    "date" => typing::date(),
                    "time" => typing::time(0),
                    _ => typing::datetime(0),
                };
                return Ok(build::cast_to(text, &ty));
            }
            _ => {}
        }
        assert!(self.eat("("), "a call at {}", self.rest());
        let mut args = Vec::new();
        while !self.eat(")") {
            if !args.is_empty() {
                assert!(self.eat(","), "a comma at {}", self.rest());
            }
            args.push(self.expression()?);
        }
        build::call(&word, args, self.ctx)
    }

    /// `convert(expr using charset)`.
    fn convert(&mut self) -> SqlResult<Expr> {
        assert!(self.eat("("));
        let inner = self.expression()?;
        assert!(self.eat("using "));
        let end = self.rest().find(')').expect("an end");
        let charset = aurora_types::charset::lookup(&self.rest()[..end]).expect("a character set");
        self.at += end + 1;
        let ty = typing::text(64, charset.default_collation());
        build::cast(inner, CastTarget::Char { limited: false }, ty)
    }

    /// `json_value(doc, path [returning type] [response on empty] [response on error])`.
    fn json_value(&mut self) -> SqlResult<Expr> {
        use super::json_value::Response;
        assert!(self.eat("("));
        let document = self.expression()?;
        assert!(self.eat(","));
        let path = self.expression()?;
        let types = [
            ("signed", typing::bigint(21)),
            ("unsigned", typing::bigint_unsigned(21)),
            ("decimal(4,2)", typing::decimal(4, 2)),
            ("double", typing::double()),
            ("datetime", typing::datetime(0)),
            ("date", typing::date()),
            ("time", typing::time(0)),
            ("json", typing::json()),
            ("char(2)", typing::text(2, CollationId::UTF8MB4_0900_AI_CI)),
        ];
        let returning = self.eat("returning ").then(|| {
            let found = types.iter().find(|(name, _)| self.eat(name));
            found.expect("a type").1.clone()
        });
        let mut responses = [Response::Null, Response::Null];
        while !self.eat(")") {
            let response = if self.eat("error on") {
                Response::Error
            } else {
                assert!(self.eat("default"), "a response at {}", self.rest());
                let value = self.expression()?;
                assert!(self.eat("on"));
                Response::Default(value)
            };
            let at = usize::from(!self.eat("empty"));
            assert!(at == 0 || self.eat("error"));
            responses[at] = response;
        }
        let [on_empty, on_error] = responses;
        super::json_value::build(document, path, returning, on_empty, on_error, self.ctx)
    }

    fn cast(&mut self) -> SqlResult<Expr> {
        assert!(self.eat("("));
        let inner = self.expression()?;
        assert!(self.eat("as"));
        let expr = if self.eat("json") {
            build::cast(inner, CastTarget::Json, typing::json())?
        } else if self.eat("unsigned") {
            build::cast(inner, CastTarget::Unsigned, typing::bigint_unsigned(20))?
        } else if self.eat("signed") {
            build::cast(inner, CastTarget::Signed, typing::bigint(20))?
        } else {
            assert!(self.eat("binary"), "a type at {}", self.rest());
            build::cast(inner, CastTarget::Binary { limited: false }, typing::text(64, CollationId::BINARY))?
        };
        assert!(self.eat(")"));
        Ok(expr)
    }

    fn expression(&mut self) -> SqlResult<Expr> {
        let mut expr = self.primary()?;
        if self.eat("collate ") {
            let rest = self.rest();
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let id = collation::lookup(&rest[..end]).expect("a collation");
            self.at += end;
            expr = build::collate(expr, id, self.ctx)?;
        }
        if self.eat("<=>") {
            let right = self.expression()?;
            return build::comparison(crate::CompareOp::NullSafeEq, expr, right);
        }
        for (symbol, op) in
            [("=", crate::CompareOp::Eq), ("<", crate::CompareOp::Lt), (">", crate::CompareOp::Gt)]
        {
            if self.eat(symbol) {
                let right = self.expression()?;
                return build::comparison(op, expr, right);
            }
        }
        Ok(expr)
    }
}

/// The typed expression of a text.
pub(crate) fn parse(text: &str) -> SqlResult<Expr> {
    let ctx = BuildContext::default();
    let mut reader = Reader { text, at: 0, ctx: &ctx };
    let expr = reader.expression()?;
    assert_eq!(reader.rest().trim(), "", "all of {text} is read");
    Ok(expr)
}

/// What a text evaluates to, in the form of the tables.
pub(crate) fn answer(text: &str) -> String {
    let session = TestSession::default();
    let mut diagnostics = Diagnostics::default();
    let mut ctx = EvalCtx::new(&session, &NoSubqueries, &[], &mut diagnostics);
    let result = parse(text).and_then(|expr| {
        let value = expr.eval(&[], &mut ctx)?;
        Ok((value, expr.ty))
    });
    match result {
        Err(error) => format!("ERROR {}", error.code),
        Ok((value, ty)) => {
            let mut out = match value {
                Value::Null => "NULL".into(),
                _ => String::from_utf8_lossy(&crate::eval::text_of(value.as_ref(), &ty)).replace('\n', "\\n"),
            };
            if !diagnostics.list.is_empty() {
                let codes: Vec<String> = diagnostics.list.iter().map(|w| w.code.to_string()).collect();
                out.push_str(&format!(" !{}", codes.join(",")));
            }
            out
        }
    }
}

/// Checks all lines of a table and says which differ.
pub(crate) fn check(table: &str) {
    let mut failures = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (text, wanted) = line.split_once(" => ").expect("an arrow");
        let got = answer(text);
        if got != wanted.trim_end_matches('\r') {
            failures.push(format!("{text}\n    MySQL: {wanted}\n    here:  {got}"));
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn strings() {
    check(include_str!("testdata/string.txt"));
}

#[test]
fn session_facts_digests_and_addresses() {
    check(include_str!("testdata/misc.txt"));
}

#[test]
fn character_sets() {
    check(include_str!("testdata/charset.txt"));
}

#[test]
fn edges() {
    check(include_str!("testdata/edges.txt"));
}

#[test]
fn regular_expressions() {
    check(include_str!("testdata/regexp.txt"));
}

#[test]
fn json() {
    check(include_str!("testdata/json.txt"));
}

/// The type that a table made by `CREATE TABLE … AS SELECT` has for a column.
fn column_type(ty: &SqlType) -> String {
    use aurora_types::BaseType as B;
    let binary = ty.collation.is_binary();
    let mut out = match ty.base {
        B::BigInt if ty.length <= 11 => "int".into(),
        B::BigInt => "bigint".into(),
        B::VarChar if binary => format!("varbinary({})", ty.length),
        B::VarChar => format!("varchar({})", ty.length),
        B::MediumText => String::from(if binary { "mediumblob" } else { "mediumtext" }),
        B::LongText => String::from(if binary { "longblob" } else { "longtext" }),
        B::Json => "json".into(),
        _ => format!("{ty:?}"),
    };
    if ty.unsigned {
        out.push_str(" unsigned");
    }
    if !binary && ty.base != B::Json {
        out.push(' ');
        out.push_str(ty.collation.name());
    }
    if !ty.nullable {
        out.push_str(" not null");
    }
    out
}

#[test]
fn result_types() {
    let mut failures = Vec::new();
    for line in include_str!("testdata/types.txt").lines() {
        let (text, wanted) = line.split_once(" => ").expect("an arrow");
        let got = match parse(text) {
            Ok(expr) => column_type(&expr.ty),
            Err(error) => error.to_string(),
        };
        if got != wanted {
            failures.push(format!("{text}\n    MySQL: {wanted}\n    here:  {got}"));
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

/// Values that functions stumble over.
const EXTREMES: &[&str] = &[
    "null",
    "0",
    "-1",
    "1",
    "3",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "-1.5",
    "99999999999999999999999999999999999999.123456789",
    "1e308",
    "-1e-308",
    "''",
    "'a'",
    "'abc def'",
    "'-12abc'",
    "'é日本😀'",
    "'%_\\\\'",
    "'(a+)+$'",
    "'$.a[last-1]'",
    "'{\"a\":[1,{\"b\":null}]}'",
    "'one'",
    "'2024-02-29 23:59:59.999999'",
    "'utf8mb4'",
    "'DAY'",
    "'MICROSECOND'",
    "x'ff00fe'",
    "x'e29c'",
    "date'9999-12-31'",
    "time'-838:59:59'",
    "timestamp'1000-01-01 00:00:00'",
    "cast('[1,[2,\"x\"]]' as json)",
    "true",
    "'a' collate utf8mb4_bin",
];

/// Whatever the arguments are, functions answer or fail, but do not panic.
#[test]
fn no_arguments_make_a_panic() {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut panics = Vec::new();
    for def in crate::all_functions().filter(|def| def.name != "benchmark") {
        for _ in 0..150 {
            let most = usize::from(def.arity.max).min(usize::from(def.arity.min) + 4);
            let count = usize::from(def.arity.min) + next(most - usize::from(def.arity.min) + 1);
            let args: Vec<&str> = (0..count).map(|_| EXTREMES[next(EXTREMES.len())]).collect();
            let quoted = if def.name == "json_value" { def.name.into() } else { format!("`{}`", def.name) };
            let text = format!("{quoted}({})", args.join(", "));
            if std::panic::catch_unwind(|| answer(&text)).is_err() {
                panics.push(text);
                break;
            }
        }
    }
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}
