//! Bytes to tokens, as MySQL's own lexer cuts them under an sql_mode and a character set.
//!
//! On the path of every statement that is not cached: one pass, no allocation but the token list.

use crate::charset;
use crate::context::ParseContext;
use crate::keyword::{self, Kw};
use crate::token::{Tok, Token};

pub(crate) const WORD: u8 = 1;
pub(crate) const DIGIT: u8 = 2;
pub(crate) const SPACE: u8 = 4;

/// Per byte: may stand in a word, is a digit, is white space.
static CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' || b == b'$' || b >= 0x80 {
            class[byte] |= WORD;
        }
        if b.is_ascii_digit() {
            class[byte] |= WORD | DIGIT;
        }
        if matches!(b, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r') {
            class[byte] |= SPACE;
        }
        byte += 1;
    }
    class
};

pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// Before the dot of a qualified name.
    Dot,
    /// Behind the dot of a qualified name: the next word is never a keyword.
    Name,
    /// Behind `@`.
    Variable,
    /// Behind `@@`.
    SystemVariable,
    /// Behind a verb that can carry hints.
    Verb,
}

/// Hands out tokens one by one; after the end it repeats [`Tok::Eof`].
pub(crate) struct Lexer<'a> {
    sql: &'a [u8],
    context: &'a ParseContext,
    at: usize,
    state: State,
    /// Inside `/*!NNNNN` whose content counts.
    in_versioned: bool,
    /// Whether there was a versioned comment that runs.
    pub(crate) saw_versioned: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(sql: &'a [u8], context: &'a ParseContext) -> Lexer<'a> {
        Lexer { sql, context, at: 0, state: State::Start, in_versioned: false, saw_versioned: false }
    }

    /// The byte at `at`, 0 behind the end.
    fn byte(&self, at: usize) -> u8 {
        self.sql.get(at).copied().unwrap_or(0)
    }

    fn token(&mut self, tok: Tok, start: usize, end: usize) -> Token {
        self.at = end;
        Token { tok, start: start as u32, end: end as u32 }
    }

    pub(crate) fn next_token(&mut self) -> Token {
        let state = std::mem::replace(&mut self.state, State::Start);
        match state {
            State::Variable => return self.behind_at(),
            State::SystemVariable if self.byte(self.at) != b'`' => return self.system_variable_word(),
            State::Dot => {
                self.state = State::Name;
                let start = self.at;
                return self.token(Tok::Dot, start, start + 1);
            }
            State::Name => {
                let start = self.at;
                return self.plain_word(start, start);
            }
            State::Verb => {
                if let Some(token) = self.hint() {
                    return token;
                }
            }
            State::Start | State::SystemVariable => {}
        }
        if let Some(invalid) = self.skip_space() {
            return invalid;
        }
        let start = self.at;
        let Some(&byte) = self.sql.get(start) else {
            let tok = if std::mem::take(&mut self.in_versioned) { Tok::Invalid } else { Tok::Eof };
            return self.token(tok, start, start);
        };
        match byte {
            b'0'..=b'9' => self.number(start),
            b'x' | b'X' if self.byte(start + 1) == b'\'' => self.digits_string(Tok::HexStr, start),
            b'b' | b'B' if self.byte(start + 1) == b'\'' => self.digits_string(Tok::BitStr, start),
            b'n' | b'N' if self.byte(start + 1) == b'\'' => self.quoted(Tok::NStr, start, start + 1),
            _ if is(byte, WORD) => self.word(start),
            b'\'' => self.quoted(Tok::Str, start, start),
            b'"' if !self.context.sql_mode.ansi_quotes => self.quoted(Tok::Str, start, start),
            b'"' | b'`' => self.quoted_name(start),
            b'.' if is(self.byte(start + 1), DIGIT) => self.fraction(start, start),
            b'.' => {
                if is(self.byte(start + 1), WORD) {
                    self.state = State::Name;
                }
                self.token(Tok::Dot, start, start + 1)
            }
            b'@' => {
                self.state = State::Variable;
                self.token(Tok::At, start, start + 1)
            }
            b'?' if self.context.parameters && !is(self.byte(start + 1), WORD) => {
                self.token(Tok::Param, start, start + 1)
            }
            _ => self.operator(start, byte),
        }
    }

    fn operator(&mut self, start: usize, byte: u8) -> Token {
        let next = self.byte(start + 1);
        let third = self.byte(start + 2);
        let (tok, length) = match (byte, next) {
            (b'(', _) => (Tok::LParen, 1),
            (b')', _) => (Tok::RParen, 1),
            (b',', _) => (Tok::Comma, 1),
            (b';', _) => (Tok::Semicolon, 1),
            // Characters of comparisons go together even where they make no operator.
            (b'=', b'=' | b'<' | b'>' | b'!') | (b'>', b'<' | b'!') | (b'<', b'!') => (Tok::Invalid, 2),
            (b'<', b'=' | b'<' | b'>') if matches!(third, b'=' | b'!') || (third == b'>' && next != b'=') => {
                (Tok::Invalid, 3)
            }
            (b'!', b'!' | b'<' | b'>') => (Tok::Bang, 2),
            (b'=', _) => (Tok::Eq, 1),
            (b'*', _) => (Tok::Star, 1),
            (b'+', _) => (Tok::Plus, 1),
            (b'-', b'>') if third == b'>' => (Tok::ArrowText, 3),
            (b'-', b'>') => (Tok::Arrow, 2),
            (b'-', _) => (Tok::Minus, 1),
            (b'/', _) => (Tok::Slash, 1),
            (b'%', _) => (Tok::Percent, 1),
            (b'<', b'=') if third == b'>' => (Tok::NullSafeEq, 3),
            (b'<', b'=') => (Tok::Le, 2),
            (b'<', b'>') => (Tok::Ne, 2),
            (b'<', b'<') => (Tok::ShiftLeft, 2),
            (b'<', _) => (Tok::Lt, 1),
            (b'>', b'=') => (Tok::Ge, 2),
            (b'>', b'>') => (Tok::ShiftRight, 2),
            (b'>', _) => (Tok::Gt, 1),
            (b'!', b'=') => (Tok::Ne, 2),
            (b'!', _) => (Tok::Bang, 1),
            (b'&', b'&') => (Tok::AmpAmp, 2),
            (b'&', _) => (Tok::Amp, 1),
            (b'|', b'|') => (Tok::PipePipe, 2),
            (b'|', _) => (Tok::Pipe, 1),
            (b'^', _) => (Tok::Caret, 1),
            (b'~', _) => (Tok::Tilde, 1),
            (b':', b'=') => (Tok::Assign, 2),
            (b':', _) => (Tok::Colon, 1),
            (b'{', _) => (Tok::LBrace, 1),
            (b'}', _) => (Tok::RBrace, 1),
            _ => (Tok::Invalid, 1),
        };
        self.token(tok, start, start + length)
    }

    /// Skips white space and comments. A comment without end is an invalid token.
    fn skip_space(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            match self.byte(start) {
                byte if is(byte, SPACE) => self.at += 1,
                b'#' => self.skip_line(),
                b'-' if self.byte(start + 1) == b'-' && self.dashes_start_comment(start + 2) => {
                    self.skip_line();
                }
                b'/' if self.byte(start + 1) == b'*' => {
                    if let Some(invalid) = self.block_comment(start) {
                        return Some(invalid);
                    }
                }
                b'*' if self.in_versioned && self.byte(start + 1) == b'/' => {
                    self.in_versioned = false;
                    self.at += 2;
                }
                _ => return None,
            }
        }
    }

    fn dashes_start_comment(&self, at: usize) -> bool {
        self.sql.get(at).is_none_or(|&byte| is(byte, SPACE) || byte.is_ascii_control())
    }

    fn skip_line(&mut self) {
        let rest = &self.sql[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn block_comment(&mut self, start: usize) -> Option<Token> {
        let mut body = start + 2;
        if self.byte(body) == b'!' {
            body += 1;
            let digits = self.sql[body..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let version_digits = match digits {
                0..=4 => 0,
                6 if is(self.byte(body + 6), SPACE) => 6,
                _ => 5,
            };
            let version = self.sql[body..body + version_digits]
                .iter()
                .fold(0u32, |version, digit| version * 10 + u32::from(digit - b'0'));
            if version <= self.context.version {
                self.in_versioned = true;
                self.saw_versioned = true;
                self.at = body + version_digits;
                return None;
            }
            return self.skip_nested(start, body + version_digits, true);
        }
        self.skip_nested(start, body, false)
    }

    /// To behind the `*/`; comments inside count when `nested`.
    fn skip_nested(&mut self, start: usize, mut at: usize, nested: bool) -> Option<Token> {
        let mut depth = 1;
        while let Some(found) = memchr::memchr(b'*', &self.sql[at..]) {
            let star = at + found;
            if self.byte(star + 1) == b'/' {
                depth -= 1;
                at = star + 2;
                if depth == 0 {
                    self.at = at;
                    return None;
                }
            } else {
                if nested && depth == 1 && star > at && self.byte(star - 1) == b'/' {
                    depth = 2;
                }
                at = star + 1;
            }
        }
        let end = self.sql.len();
        Some(self.token(Tok::Invalid, start, end))
    }

    /// `/*+ .. */` right behind a verb.
    fn hint(&mut self) -> Option<Token> {
        let mut at = self.at;
        while is(self.byte(at), SPACE) {
            at += 1;
        }
        if self.byte(at) != b'/' || self.byte(at + 1) != b'*' || self.byte(at + 2) != b'+' {
            return None;
        }
        let body = at + 3;
        let length = memchr::memmem::find(&self.sql[body..], b"*/")?;
        Some(self.token(Tok::Hint, at, body + length + 2))
    }

    /// A word that cannot be a keyword, whose characters from `at` on are still to be read.
    fn plain_word(&mut self, start: usize, at: usize) -> Token {
        let end = self.word_end(at);
        if self.dot_follows(end) {
            self.state = State::Dot;
        }
        self.token(Tok::Ident, start, end)
    }

    fn word_end(&self, mut at: usize) -> usize {
        if charset::has_ascii_trail(self.context.client_charset) {
            while is(self.byte(at), WORD) {
                at += charset::char_length(self.context.client_charset, &self.sql[at..]);
            }
            return at.min(self.sql.len());
        }
        while is(self.byte(at), WORD) {
            at += 1;
        }
        at
    }

    /// `word.word` makes both words names.
    fn dot_follows(&self, end: usize) -> bool {
        self.byte(end) == b'.' && is(self.byte(end + 1), WORD)
    }

    fn word(&mut self, start: usize) -> Token {
        let end = self.word_end(start);
        let text = &self.sql[start..end];
        if self.dot_follows(end) {
            self.state = State::Dot;
            return self.token(Tok::Ident, start, end);
        }
        let mut paren = end;
        if self.context.sql_mode.ignore_space {
            while is(self.byte(paren), SPACE) {
                paren += 1;
            }
        }
        if let Some(keyword) = keyword::lookup(text, self.byte(paren) == b'(') {
            if matches!(keyword, Kw::SELECT | Kw::INSERT | Kw::REPLACE | Kw::UPDATE | Kw::DELETE) {
                self.state = State::Verb;
            }
            return self.token(Tok::Kw(keyword), start, end);
        }
        let tok =
            if text[0] == b'_' && charset::is_charset(&text[1..]) { Tok::Introducer } else { Tok::Ident };
        self.token(tok, start, end)
    }

    fn system_variable_word(&mut self) -> Token {
        let start = self.at;
        let end = self.word_end(start);
        if start == end {
            return self.token(Tok::Invalid, start, end);
        }
        if let Some(keyword) = keyword::lookup(&self.sql[start..end], false) {
            return self.token(Tok::Kw(keyword), start, end);
        }
        if self.dot_follows(end) {
            self.state = State::Dot;
        }
        self.token(Tok::Ident, start, end)
    }

    fn behind_at(&mut self) -> Token {
        let start = self.at;
        match self.byte(start) {
            b'@' => {
                self.state = State::SystemVariable;
                self.token(Tok::At, start, start + 1)
            }
            b'\'' | b'"' => self.quoted(
                if self.byte(start) == b'"' && self.context.sql_mode.ansi_quotes {
                    Tok::Quoted
                } else {
                    Tok::Str
                },
                start,
                start,
            ),
            b'`' => self.quoted_name(start),
            _ => {
                let mut end = start;
                while is(self.byte(end), WORD) || self.byte(end) == b'.' {
                    end += 1;
                }
                self.token(Tok::Hostname, start, end)
            }
        }
    }

    fn number(&mut self, start: usize) -> Token {
        if self.byte(start) == b'0' {
            let digits = start + 2;
            let (tok, valid): (Tok, fn(u8) -> bool) = match self.byte(start + 1) {
                b'x' => (Tok::HexNum, |byte| byte.is_ascii_hexdigit()),
                b'b' => (Tok::BitNum, |byte| matches!(byte, b'0' | b'1')),
                _ => (Tok::Int, |_| false),
            };
            let mut end = digits;
            while valid(self.byte(end)) {
                end += 1;
            }
            if tok != Tok::Int && end > digits && !is(self.byte(end), WORD) {
                return self.token(tok, start, end);
            }
        }
        let mut end = start;
        while is(self.byte(end), DIGIT) {
            end += 1;
        }
        match self.byte(end) {
            b'.' => self.fraction(start, end),
            b'e' | b'E' => match self.exponent(end) {
                Some(end) => self.token(Tok::Float, start, end),
                None => self.plain_word(start, end),
            },
            byte if is(byte, WORD) => self.plain_word(start, end),
            _ => self.token(Tok::Int, start, end),
        }
    }

    /// The end of `e[+-]digits` at `at`.
    fn exponent(&self, at: usize) -> Option<usize> {
        let mut end = at + 1;
        if matches!(self.byte(end), b'+' | b'-') {
            end += 1;
        }
        if !is(self.byte(end), DIGIT) {
            return None;
        }
        while is(self.byte(end), DIGIT) {
            end += 1;
        }
        Some(end)
    }

    /// From the dot at `dot` on.
    fn fraction(&mut self, start: usize, dot: usize) -> Token {
        let mut end = dot + 1;
        while is(self.byte(end), DIGIT) {
            end += 1;
        }
        if matches!(self.byte(end), b'e' | b'E') {
            return match self.exponent(end) {
                Some(end) => self.token(Tok::Float, start, end),
                None => self.token(Tok::Invalid, start, end + 1),
            };
        }
        self.token(Tok::Decimal, start, end)
    }

    fn digits_string(&mut self, tok: Tok, start: usize) -> Token {
        let body = start + 2;
        let valid = |byte: u8| match tok {
            Tok::HexStr => byte.is_ascii_hexdigit(),
            _ => matches!(byte, b'0' | b'1'),
        };
        let mut end = body;
        while valid(self.byte(end)) {
            end += 1;
        }
        let whole = self.byte(end) == b'\'' && (tok == Tok::BitStr || (end - body).is_multiple_of(2));
        if whole {
            return self.token(tok, start, end + 1);
        }
        self.token(Tok::Invalid, start, end.min(self.sql.len()))
    }

    /// A string whose opening quote is at `quote_at`.
    fn quoted(&mut self, tok: Tok, start: usize, quote_at: usize) -> Token {
        match self.string_end(quote_at) {
            Some(end) => self.token(tok, start, end),
            None => {
                let end = self.sql.len();
                self.token(Tok::Invalid, start, end)
            }
        }
    }

    fn string_end(&self, quote_at: usize) -> Option<usize> {
        let quote = self.byte(quote_at);
        let escapes = !self.context.sql_mode.no_backslash_escapes;
        let mut at = quote_at + 1;
        if charset::has_ascii_trail(self.context.client_charset) {
            loop {
                let byte = *self.sql.get(at)?;
                let length = charset::char_length(self.context.client_charset, &self.sql[at..]);
                if length > 1 {
                    at += length;
                } else if byte == b'\\' && escapes {
                    at += 2;
                } else if byte != quote {
                    at += 1;
                } else if self.byte(at + 1) == quote {
                    at += 2;
                } else {
                    return Some(at + 1);
                }
            }
        }
        loop {
            let rest = self.sql.get(at..)?;
            let found =
                if escapes { memchr::memchr2(quote, b'\\', rest)? } else { memchr::memchr(quote, rest)? };
            at += found;
            if self.byte(at) != quote || self.byte(at + 1) == quote {
                at += 2;
            } else {
                return Some(at + 1);
            }
        }
    }

    fn quoted_name(&mut self, start: usize) -> Token {
        let quote = self.byte(start);
        let mut at = start + 1;
        loop {
            let Some(&byte) = self.sql.get(at) else {
                let end = self.sql.len();
                return self.token(Tok::Invalid, start, end);
            };
            let length = charset::char_length(self.context.client_charset, &self.sql[at..]);
            if length > 1 || byte != quote {
                at += length;
            } else if self.byte(at + 1) == quote {
                at += 2;
            } else {
                return self.token(Tok::Quoted, start, at + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(sql: &str) -> Vec<(Tok, &str)> {
        let context = ParseContext::default();
        let mut lexer = Lexer::new(sql.as_bytes(), &context);
        let mut found = Vec::new();
        loop {
            let token = lexer.next_token();
            if token.tok == Tok::Eof {
                return found;
            }
            found.push((token.tok, &sql[token.start as usize..token.end as usize]));
            assert!(found.len() <= sql.len() + 1, "no progress");
        }
    }

    #[test]
    fn words_next_to_dots_are_names() {
        use Tok::*;
        let kinds: Vec<Tok> =
            tokens("select select.from, `t`.where, t.1a").into_iter().map(|t| t.0).collect();
        assert_eq!(
            kinds,
            [
                Kw(crate::keyword::Kw::SELECT),
                Ident,
                Dot,
                Ident,
                Comma,
                Quoted,
                Dot,
                Ident,
                Comma,
                Ident,
                Dot,
                Ident
            ]
        );
    }

    #[test]
    fn numbers_are_cut_as_mysql_cuts_them() {
        use Tok::*;
        let all = "1 1. .5 1e1 1.5e-3 1ea 0x1F 0xZZ 0b01 0b2 0X41 x'41' b'01' x'4'";
        let kinds: Vec<Tok> = tokens(all).into_iter().map(|t| t.0).take(13).collect();
        assert_eq!(
            kinds,
            [Int, Decimal, Decimal, Float, Float, Ident, HexNum, Ident, BitNum, Ident, Ident, HexStr, BitStr]
        );
        assert_eq!(tokens("x'4'")[0].0, Invalid);
        assert_eq!(tokens("1.5e, 1")[0].0, Invalid);
    }

    #[test]
    fn versioned_comments_run_up_to_the_version() {
        let text = |sql| tokens(sql).into_iter().map(|t| t.1).collect::<Vec<_>>().join(" ");
        assert_eq!(
            text("1 /*!80000 +2*/ /*!99999 +3 /* x */ +4 */ /*! +5*/ /*!080000 +6*/"),
            "1 + 2 + 5 + 6"
        );
        assert_eq!(text("1 /*!800001+0*/"), "1 1 + 0");
        assert_eq!(tokens("1 /*!80000 +2").last().map(|t| t.0), Some(Tok::Invalid));
        assert_eq!(tokens("/* x")[0].0, Tok::Invalid);
    }

    #[test]
    fn variables_and_hints() {
        use Tok::*;
        let kinds: Vec<Tok> =
            tokens("select /*+ BKA(t) */ @a.b$c @'x' @`y z` @@x").into_iter().map(|t| t.0).collect();
        assert_eq!(
            kinds,
            [Kw(crate::keyword::Kw::SELECT), Hint, At, Hostname, At, Str, At, Quoted, At, At, Ident]
        );
    }
}
