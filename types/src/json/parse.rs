//! JSON text to a tree.

use super::{Json, MAX_DEPTH, Object, print};
use crate::Decimal;

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    Empty,
    Trailing,
    Value,
    MemberName,
    Colon,
    CommaOrBrace,
    CommaOrBracket,
    Hex,
    Surrogate,
    Escape,
    Quote,
    Encoding,
    NumberTooBig,
    Fraction,
    Exponent,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// A problem and its byte position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub problem: JsonProblem,
    pub position: usize,
}

impl JsonProblem {
    /// As MySQL words it.
    pub fn message(self) -> &'static str {
        match self {
            JsonProblem::Empty => "The document is empty.",
            JsonProblem::Trailing => "The document root must not be followed by other values.",
            JsonProblem::Value => "Invalid value.",
            JsonProblem::MemberName => "Missing a name for object member.",
            JsonProblem::Colon => "Missing a colon after a name of object member.",
            JsonProblem::CommaOrBrace => "Missing a comma or } after an object member.",
            JsonProblem::CommaOrBracket => "Missing a comma or ] after an array element.",
            JsonProblem::Hex => "Incorrect hex digit after \\u escape in string.",
            JsonProblem::Surrogate => "The surrogate pair in string is invalid.",
            JsonProblem::Escape => "Invalid escape character in string.",
            JsonProblem::Quote => "Missing a closing quotation mark in string.",
            JsonProblem::Encoding => "Invalid encoding in string.",
            JsonProblem::NumberTooBig => "Number too big to be stored in double.",
            JsonProblem::Fraction => "Miss fraction part in number.",
            JsonProblem::Exponent => "Miss exponent in number.",
            JsonProblem::TooDeep => "The JSON document exceeds the maximum depth.",
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    /// The text is normal form, in which decimals can be told from doubles.
    normal: bool,
}

type Parsed<T> = Result<T, JsonError>;

pub(super) fn parse(text: &[u8], normal: bool) -> Parsed<Json> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(JsonError { problem: JsonProblem::Encoding, position: error.valid_up_to() });
    }
    let mut parser = Parser { text, at: 0, depth: 0, normal };
    parser.spaces();
    if parser.at == text.len() {
        return parser.fail(JsonProblem::Empty);
    }
    let json = parser.value()?;
    parser.spaces();
    if parser.at < text.len() { parser.fail(JsonProblem::Trailing) } else { Ok(json) }
}

impl Parser<'_> {
    fn fail<T>(&self, problem: JsonProblem) -> Parsed<T> {
        Err(JsonError { problem, position: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Parsed<Json> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Json::String),
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fail(JsonProblem::Value),
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Parsed<Json>) -> Parsed<Json> {
        if self.depth == MAX_DEPTH {
            return self.fail(JsonProblem::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        let json = inner(self);
        self.depth -= 1;
        json
    }

    fn word(&mut self, word: &str, json: Json) -> Parsed<Json> {
        let same = self.text[self.at..].iter().zip(word.bytes()).take_while(|(a, b)| **a == *b).count();
        self.at += same;
        if same == word.len() { Ok(json) } else { self.fail(JsonProblem::Value) }
    }

    fn object(&mut self) -> Parsed<Json> {
        let mut members = Vec::new();
        self.spaces();
        if self.eat(b'}') {
            return Ok(Json::Object(Object::default()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail(JsonProblem::MemberName);
            }
            let key = self.string()?;
            self.spaces();
            if !self.eat(b':') {
                return self.fail(JsonProblem::Colon);
            }
            self.spaces();
            members.push((key, self.value()?));
            self.spaces();
            if self.eat(b'}') {
                return Ok(Json::Object(Object::from_members(members)));
            }
            if !self.eat(b',') {
                return self.fail(JsonProblem::CommaOrBrace);
            }
            self.spaces();
        }
    }

    fn array(&mut self) -> Parsed<Json> {
        let mut list = Vec::new();
        self.spaces();
        if self.eat(b']') {
            return Ok(Json::Array(list));
        }
        loop {
            list.push(self.value()?);
            self.spaces();
            if self.eat(b']') {
                return Ok(Json::Array(list));
            }
            if !self.eat(b',') {
                return self.fail(JsonProblem::CommaOrBracket);
            }
            self.spaces();
        }
    }

    fn string(&mut self) -> Parsed<Vec<u8>> {
        let open = self.at;
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count();
            out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(0) | None => {
                    self.at = open;
                    return self.fail(JsonProblem::Quote);
                }
                Some(_) => return self.fail(JsonProblem::Encoding),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let Some(&code) = self.text.get(self.at + 1) else { return self.fail(JsonProblem::Escape) };
        let byte = match code {
            b'"' | b'\\' | b'/' => code,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let c = self.code_point()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.fail(JsonProblem::Escape),
        };
        out.push(byte);
        self.at += 2;
        Ok(())
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = self.text.get(self.at + 2..self.at + 6).unwrap_or(&[]);
        let mut n = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(digit) => n = n << 4 | digit,
                None => return self.fail(JsonProblem::Hex),
            }
        }
        if digits.len() < 4 {
            return self.fail(JsonProblem::Hex);
        }
        self.at += 6;
        Ok(n)
    }

    fn code_point(&mut self) -> Parsed<char> {
        let high = self.hex()?;
        let code = if (0xD800..0xDC00).contains(&high) {
            if self.text.get(self.at..self.at + 2) != Some(b"\\u") {
                return self.fail(JsonProblem::Surrogate);
            }
            let low = self.hex()?;
            if !(0xDC00..0xE000).contains(&low) {
                return self.fail(JsonProblem::Surrogate);
            }
            0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00))
        } else {
            high
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => self.fail(JsonProblem::Surrogate),
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.text[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Parsed<Json> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') && self.digits() == 0 {
            return self.fail(JsonProblem::Value);
        }
        let mut whole = true;
        let mut exponent = false;
        if self.eat(b'.') {
            whole = false;
            if self.digits() == 0 {
                return self.fail(JsonProblem::Fraction);
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            (whole, exponent) = (false, true);
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            if self.digits() == 0 {
                return self.fail(JsonProblem::Exponent);
            }
        }
        let bytes = &self.text[start..self.at];
        // Digits, signs, a point and an exponent: all ASCII.
        let text = std::str::from_utf8(bytes).unwrap_or("0");
        if whole {
            if let Ok(v) = text.parse::<i64>() {
                return Ok(Json::Int(v));
            }
            if let Ok(v) = text.parse::<u64>() {
                return Ok(Json::UInt(v));
            }
        }
        let v: f64 = text.parse().unwrap_or(0.0);
        if !v.is_finite() {
            self.at = start;
            return self.fail(JsonProblem::NumberTooBig);
        }
        if self.normal && !exponent {
            let mut printed = Vec::new();
            print::write_double(v, &mut printed);
            if printed != bytes {
                let exact = Decimal::parse(bytes);
                if exact.consumed == bytes.len() {
                    return Ok(Json::Decimal(exact.value));
                }
            }
        }
        Ok(Json::Double(v))
    }
}
