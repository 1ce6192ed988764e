//! The cursor over the tokens, and what every part of the grammar reads: words, names, numbers, strings.

use crate::ast::*;
use crate::charset;
use crate::context::{ClientCharset, ParseContext};
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::lexer::Lexer;
use crate::token::{Tok, Token};
use aurora_types::Text;

/// How deep parentheses and subqueries may nest, as a multiple of the height that expressions may have.
const NESTING_PER_HEIGHT: u32 = 10;
/// Stack that one level of the grammar may use, and what is added when it runs short.
const STACK_RED_ZONE_BYTES: usize = 256 << 10;
const STACK_GROWTH_BYTES: usize = 4 << 20;

pub(crate) struct Parser<'a> {
    pub(crate) sql: &'a [u8],
    pub(crate) context: &'a ParseContext,
    lexer: Lexer<'a>,
    tokens: Vec<Token>,
    position: usize,
    pub(crate) ast: Ast,
    pub(crate) parameters: u32,
    depth: u32,
    /// An operand that was read before it was known to be one, and where it starts: the next to be taken.
    pub(crate) pending: Option<(ExprId, u32)>,
    /// The first mistake that is none of syntax: it counts when no syntax error follows.
    deferred: Option<Box<ParseError>>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(sql: &'a [u8], context: &'a ParseContext) -> Parser<'a> {
        let mut parser = Parser {
            sql,
            context,
            lexer: Lexer::new(sql, context),
            tokens: Vec::with_capacity(32.min(sql.len() / 4 + 2)),
            position: 0,
            ast: Ast::default(),
            parameters: 0,
            depth: 0,
            pending: None,
            deferred: None,
        };
        parser.read_ahead();
        parser
    }

    /// Reads tokens to the next `;` or the end.
    fn read_ahead(&mut self) {
        loop {
            let token = self.lexer.next_token();
            self.tokens.push(token);
            if matches!(token.tok, Tok::Semicolon | Tok::Eof | Tok::Invalid) {
                return;
            }
        }
    }

    /// Steps over a `;` inside a routine's body.
    pub(crate) fn cross_semicolon(&mut self) -> PResult<()> {
        if self.peek() != Tok::Semicolon {
            return self.unexpected();
        }
        if self.position + 1 == self.tokens.len() {
            self.read_ahead();
        }
        self.position += 1;
        Ok(())
    }

    pub(crate) fn token(&self) -> Token {
        self.token_at(0)
    }

    pub(crate) fn token_at(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.position + ahead).min(last)]
    }

    pub(crate) fn peek(&self) -> Tok {
        self.token().tok
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Tok {
        self.token_at(ahead).tok
    }

    pub(crate) fn at_kw(&self, keyword: Kw) -> bool {
        self.peek() == Tok::Kw(keyword)
    }

    pub(crate) fn at_kw2(&self, first: Kw, second: Kw) -> bool {
        self.at_kw(first) && self.peek_at(1) == Tok::Kw(second)
    }

    /// The next token, consumed. The end is never passed.
    pub(crate) fn bump(&mut self) -> Token {
        let token = self.token();
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        token
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn rewind(&mut self, position: usize) {
        self.position = position;
    }

    pub(crate) fn eat(&mut self, tok: Tok) -> bool {
        let found = self.peek() == tok;
        if found {
            self.bump();
        }
        found
    }

    pub(crate) fn eat_kw(&mut self, keyword: Kw) -> bool {
        self.eat(Tok::Kw(keyword))
    }

    /// Consumes all of `keywords` or none.
    pub(crate) fn eat_kws(&mut self, keywords: &[Kw]) -> bool {
        let found = keywords.iter().enumerate().all(|(at, keyword)| self.peek_at(at) == Tok::Kw(*keyword));
        if found {
            self.position += keywords.len();
        }
        found
    }

    pub(crate) fn eat_any_kw(&mut self, keywords: &[Kw]) -> Option<Kw> {
        let Tok::Kw(keyword) = self.peek() else { return None };
        keywords.contains(&keyword).then(|| {
            self.bump();
            keyword
        })
    }

    pub(crate) fn expect(&mut self, tok: Tok) -> PResult<()> {
        if self.eat(tok) { Ok(()) } else { self.unexpected() }
    }

    pub(crate) fn expect_kw(&mut self, keyword: Kw) -> PResult<()> {
        self.expect(Tok::Kw(keyword))
    }

    pub(crate) fn expect_kws(&mut self, keywords: &[Kw]) -> PResult<()> {
        keywords.iter().try_for_each(|keyword| self.expect_kw(*keyword))
    }

    /// Keeps an error that MySQL finds only in statements whose syntax is right.
    pub(crate) fn defer(&mut self, kind: &'static aurora_types::ErrorKind, args: Vec<String>) {
        if self.deferred.is_none() {
            self.deferred = Some(ParseError::other(kind, args));
        }
    }

    /// The error that was deferred, when there is one.
    pub(crate) fn settle(&mut self) -> PResult<()> {
        self.deferred.take().map_or(Ok(()), Err)
    }

    /// Error 1064 at the next token.
    pub(crate) fn unexpected<T>(&self) -> PResult<T> {
        Err(Box::new(ParseError::Syntax(self.token().span())))
    }

    /// Error 1064 at the token `at` tokens from the start.
    pub(crate) fn unexpected_at<T>(&self, position: usize) -> PResult<T> {
        let token = self.tokens[position.min(self.tokens.len() - 1)];
        Err(Box::new(ParseError::Syntax(token.span())))
    }

    /// Where the next token starts.
    pub(crate) fn here(&self) -> u32 {
        self.token().start
    }

    /// Where the last consumed token ended.
    pub(crate) fn last_end(&self) -> u32 {
        if self.position == 0 { 0 } else { self.tokens[self.position - 1].end }
    }

    pub(crate) fn span_from(&self, start: u32) -> Span {
        Span { start, end: self.last_end().max(start) }
    }

    /// The token that starts at the byte `start`, or the next one when that is a `skipped`.
    pub(crate) fn token_from(&self, start: u32, skipped: Tok) -> Option<Token> {
        let at = self.tokens.binary_search_by_key(&start, |token| token.start).ok()?;
        let token = self.tokens.get(at).copied()?;
        if token.tok == skipped { self.tokens.get(at + 1).copied() } else { Some(token) }
    }

    pub(crate) fn bytes(&self, token: Token) -> &'a [u8] {
        token.span().of(self.sql)
    }

    /// Runs `inner` one level deeper, growing the stack where it must.
    pub(crate) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> PResult<T>) -> PResult<T> {
        if self.depth >= self.context.max_depth.saturating_mul(NESTING_PER_HEIGHT) {
            return Err(Box::new(ParseError::TooDeep));
        }
        self.depth += 1;
        let result = stacker::maybe_grow(STACK_RED_ZONE_BYTES, STACK_GROWTH_BYTES, || inner(self));
        self.depth -= 1;
        result
    }

    /// `item, item, ..`
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> PResult<T>) -> PResult<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Tok::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item, ..)`
    pub(crate) fn parenthesised<T>(&mut self, item: impl FnMut(&mut Self) -> PResult<T>) -> PResult<Vec<T>> {
        self.expect(Tok::LParen)?;
        let items = self.list(item)?;
        self.expect(Tok::RParen)?;
        Ok(items)
    }

    // ---- names ----

    /// Whether the token can be an identifier.
    pub(crate) fn is_name(tok: Tok) -> bool {
        match tok {
            Tok::Ident | Tok::Quoted => true,
            // These five are names even before a parenthesis.
            Tok::Kw(Kw::ADDDATE | Kw::SESSION_USER | Kw::ST_COLLECT | Kw::SUBDATE | Kw::SYSTEM_USER) => true,
            Tok::Kw(keyword) => !keyword.is_reserved() && !keyword.is_function_only(),
            _ => false,
        }
    }

    pub(crate) fn at_name(&self) -> bool {
        Parser::is_name(self.peek())
    }

    pub(crate) fn ident(&mut self) -> PResult<Ident> {
        if !self.at_name() {
            return self.unexpected();
        }
        let token = self.bump();
        self.ident_of(token)
    }

    /// A name or a string: aliases, charset names, plugin names.
    pub(crate) fn ident_or_text(&mut self) -> PResult<Ident> {
        if self.peek() == Tok::Str {
            let token = self.bump();
            let text = Text::from(&*self.string_bytes(token));
            return Ok(Ident { text, span: token.span(), quoted: true });
        }
        self.ident()
    }

    pub(crate) fn ident_of(&self, token: Token) -> PResult<Ident> {
        let bytes = self.bytes(token);
        let span = token.span();
        if token.tok != Tok::Quoted {
            return Ok(Ident { text: self.name_text(bytes)?, span, quoted: false });
        }
        let quote = bytes[0];
        let inner = &bytes[1..bytes.len() - 1];
        let text = if memchr::memchr(quote, inner).is_some() {
            let mut plain = Vec::with_capacity(inner.len());
            let mut at = 0;
            while at < inner.len() {
                let length = charset::char_length(self.context.client_charset, &inner[at..]);
                plain.extend_from_slice(&inner[at..at + length]);
                at += if length == 1 && inner[at] == quote { 2 } else { length };
            }
            self.name_text(&plain)?
        } else {
            self.name_text(inner)?
        };
        Ok(Ident { text, span, quoted: true })
    }

    /// `bytes` in the client's character set as UTF-8.
    fn name_text(&self, bytes: &[u8]) -> PResult<Text> {
        if bytes.is_ascii() {
            return Ok(Text::from(bytes));
        }
        match self.context.client_charset {
            ClientCharset::Utf8 if std::str::from_utf8(bytes).is_err() => {
                let bad = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
                Err(Box::new(ParseError::InvalidString(bytes[bad..].to_vec())))
            }
            ClientCharset::Utf8 => Ok(Text::from(bytes)),
            ClientCharset::Latin1 => {
                Ok(Text::from(bytes.iter().map(|&byte| char::from(byte)).collect::<String>()))
            }
            _ => Ok(Text::from(String::from_utf8_lossy(bytes).into_owned())),
        }
    }

    /// Whether the byte `at` stands in a versioned comment.
    fn inside_versioned(&self, at: usize) -> bool {
        if !self.lexer.saw_versioned {
            return false;
        }
        let before = self.sql.get(..at).unwrap_or_default();
        let Some(mark) = memchr::memmem::rfind(before, b"/*!") else { return false };
        memchr::memmem::find(&before[mark..], b"*/").is_none()
    }

    /// The source of `span` as UTF-8, marks of versioned comments cut, spaces at its start left out: how MySQL
    /// names a column without alias.
    pub(crate) fn source_text(&self, span: Span) -> Text {
        let bytes = span.of(self.sql);
        let open = self.inside_versioned(span.start as usize);
        let marked = open || memchr::memmem::find(bytes, b"/*!").is_some();
        let cleaned = marked.then(|| cut_marks(bytes, self.context.version, open));
        let bytes = cleaned.as_deref().unwrap_or(bytes);
        let bytes = bytes.trim_ascii_start();
        if self.context.client_charset == ClientCharset::Latin1 && !bytes.is_ascii() {
            return Text::from(bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Text::from(text),
            Err(_) => Text::from(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// `[schema.]name`
    pub(crate) fn object_name(&mut self) -> PResult<ObjectName> {
        let first = self.ident()?;
        if self.eat(Tok::Dot) {
            return Ok(ObjectName { schema: Some(first), name: self.ident()? });
        }
        Ok(ObjectName { schema: None, name: first })
    }

    /// `[[schema.]table.]column`
    pub(crate) fn column_name(&mut self) -> PResult<ColumnName> {
        let first = self.ident()?;
        if !self.eat(Tok::Dot) {
            return Ok(ColumnName::bare(first));
        }
        let second = self.ident()?;
        if !self.eat(Tok::Dot) {
            return Ok(ColumnName { schema: None, table: Some(first), column: second });
        }
        Ok(ColumnName { schema: Some(first), table: Some(second), column: self.ident()? })
    }

    /// `(a, b)` when a parenthesis follows.
    pub(crate) fn optional_ident_list(&mut self) -> PResult<Vec<Ident>> {
        if self.peek() == Tok::LParen { self.parenthesised(Parser::ident) } else { Ok(Vec::new()) }
    }

    pub(crate) fn if_exists(&mut self) -> PResult<bool> {
        if !self.eat_kw(Kw::IF) {
            return Ok(false);
        }
        self.expect_kw(Kw::EXISTS)?;
        Ok(true)
    }

    pub(crate) fn if_not_exists(&mut self) -> PResult<bool> {
        if !self.eat_kw(Kw::IF) {
            return Ok(false);
        }
        self.expect_kws(&[Kw::NOT, Kw::EXISTS])?;
        Ok(true)
    }

    // ---- numbers and strings ----

    /// An integer that fits 64 bits, decimal or hexadecimal.
    pub(crate) fn unsigned(&mut self) -> PResult<u64> {
        let token = self.token();
        let text = std::str::from_utf8(self.bytes(token)).unwrap_or_default();
        let value = match token.tok {
            Tok::Int => text.parse().ok(),
            Tok::HexNum => text.get(2..).and_then(|digits| u64::from_str_radix(digits, 16).ok()),
            Tok::Decimal | Tok::Float => text.parse::<f64>().ok().map(|value| value as u64),
            _ => None,
        };
        let Some(value) = value else { return self.unexpected() };
        self.bump();
        Ok(value)
    }

    /// A plain string, `TEXT_STRING` in MySQL's grammar: one piece, no introducer.
    pub(crate) fn string(&mut self) -> PResult<StringLiteral> {
        if self.peek() != Tok::Str {
            return self.unexpected();
        }
        let token = self.bump();
        Ok(StringLiteral { bytes: Text::from(&*self.string_bytes(token)), introducer: None })
    }

    /// The content of a quoted token, escapes resolved.
    pub(crate) fn string_bytes(&self, token: Token) -> std::borrow::Cow<'a, [u8]> {
        let bytes = self.bytes(token);
        let bytes = if token.tok == Tok::NStr { &bytes[1..] } else { bytes };
        unquote(bytes, self.context)
    }

    // ---- the tree ----

    /// Adds a node whose children have the heights `below`.
    pub(crate) fn push(&mut self, expr: Expr, span: Span, below: u32) -> PResult<ExprId> {
        let height = below + 1;
        if height > self.context.max_depth {
            return Err(Box::new(ParseError::TooDeep));
        }
        Ok(self.ast.add_expr(expr, span, height))
    }

    pub(crate) fn leaf(&mut self, expr: Expr, span: Span) -> ExprId {
        self.ast.add_expr(expr, span, 1)
    }

    /// Makes room for the expressions of the tokens that are left: about every other one is a value.
    pub(crate) fn expect_values(&mut self) {
        let left = self.tokens.len().saturating_sub(self.position);
        self.ast.reserve_exprs(left / 2);
    }

    pub(crate) fn highest(&self, ids: &[ExprId]) -> u32 {
        ids.iter().map(|id| self.ast.height(*id)).max().unwrap_or(0)
    }
}

/// The content of a quoted string, escapes resolved.
pub(crate) fn unquote<'a>(bytes: &'a [u8], context: &ParseContext) -> std::borrow::Cow<'a, [u8]> {
    let (Some(&quote), true) = (bytes.first(), bytes.len() >= 2) else { return (&[] as &[u8]).into() };
    let inner = &bytes[1..bytes.len() - 1];
    let escapes = !context.sql_mode.no_backslash_escapes;
    let plain = if escapes { memchr::memchr2(quote, b'\\', inner) } else { memchr::memchr(quote, inner) };
    if plain.is_none() {
        return inner.into();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut at = 0;
    while at < inner.len() {
        let length = charset::char_length(context.client_charset, &inner[at..]);
        if length > 1 {
            out.extend_from_slice(&inner[at..at + length]);
            at += length;
        } else if inner[at] == b'\\' && escapes && at + 1 < inner.len() {
            match inner[at + 1] {
                b'n' => out.push(b'\n'),
                b't' => out.push(b'\t'),
                b'r' => out.push(b'\r'),
                b'b' => out.push(8),
                b'0' => out.push(0),
                b'Z' => out.push(26),
                wildcard @ (b'%' | b'_') => out.extend_from_slice(&[b'\\', wildcard]),
                other => out.push(other),
            }
            at += 2;
        } else {
            out.push(inner[at]);
            at += if inner[at] == quote { 2 } else { 1 };
        }
    }
    out.into()
}

/// Cuts `/*!NNNNN` and its `*/`, and whole versioned comments that do not run; `open` when the text begins
/// inside one that runs. Quoted text is left alone.
fn cut_marks(bytes: &[u8], version: u32, mut open: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut quote = None;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if quote.is_none() && rest.starts_with(b"/*!") {
            let digits = rest[3..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let used = match digits {
                0..=4 => 0,
                6 if rest.get(9).is_some_and(u8::is_ascii_whitespace) => 6,
                _ => 5,
            };
            let wanted = rest[3..3 + used].iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            if wanted <= version {
                open = true;
                at += 3 + used;
            } else {
                at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
            }
            continue;
        }
        if quote.is_none() && open && rest.starts_with(b"*/") {
            open = false;
            at += 2;
            continue;
        }
        match quote {
            Some(open_quote) if open_quote == byte => quote = None,
            None if matches!(byte, b'\'' | b'"' | b'`') => quote = Some(byte),
            _ => {}
        }
        out.push(byte);
        at += 1;
    }
    out
}
