//! SET.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::ER_ILLEGAL_USER_VAR;

/// Characters that the name of a user variable may have.
const USER_VARIABLE_LENGTH: usize = 64;

impl Parser<'_> {
    /// What stands behind SET.
    pub(crate) fn set(&mut self) -> PResult<Statement> {
        let next = self.peek_at(1);
        match self.peek() {
            Tok::Kw(Kw::PASSWORD) if !matches!(next, Tok::Dot) => {
                self.bump();
                return self.set_password();
            }
            Tok::Kw(Kw::ROLE) if !is_equal(next) => {
                self.bump();
                return self.set_role();
            }
            Tok::Kw(Kw::DEFAULT) if next == Tok::Kw(Kw::ROLE) => {
                self.bump();
                self.bump();
                return self.set_default_role();
            }
            Tok::Kw(Kw::RESOURCE) if next == Tok::Kw(Kw::GROUP) => {
                return Ok(self.unsupported("SET RESOURCE GROUP"));
            }
            Tok::Kw(Kw::TRANSACTION) if !is_equal(next) => {
                self.bump();
                return self.set_transaction(VariableScope::Implicit);
            }
            Tok::Kw(Kw::GLOBAL | Kw::SESSION | Kw::LOCAL | Kw::PERSIST | Kw::PERSIST_ONLY)
                if next == Tok::Kw(Kw::TRANSACTION) && !is_equal(self.peek_at(2)) =>
            {
                let scope = match self.bump().tok {
                    Tok::Kw(Kw::GLOBAL) => VariableScope::Global,
                    Tok::Kw(Kw::PERSIST) => VariableScope::Persist,
                    Tok::Kw(Kw::PERSIST_ONLY) => VariableScope::PersistOnly,
                    _ => VariableScope::Session,
                };
                self.bump();
                return self.set_transaction(scope);
            }
            _ => {}
        }
        self.list(Parser::set_item).map(Statement::Set)
    }

    fn set_transaction(&mut self, scope: VariableScope) -> PResult<Statement> {
        let mut set = SetTransaction { scope, isolation: None, read_only: None };
        loop {
            if set.isolation.is_none() && self.eat_kw(Kw::ISOLATION) {
                self.expect_kw(Kw::LEVEL)?;
                set.isolation = Some(self.isolation_level()?);
            } else if set.read_only.is_none() && self.eat_kw(Kw::READ) {
                set.read_only = match self.eat_any_kw(&[Kw::ONLY, Kw::WRITE]) {
                    Some(word) => Some(word == Kw::ONLY),
                    None => return self.unexpected(),
                };
            } else {
                return self.unexpected();
            }
            let full = set.isolation.is_some() && set.read_only.is_some();
            if full || !self.eat(Tok::Comma) {
                return Ok(Statement::SetTransaction(set));
            }
        }
    }

    fn isolation_level(&mut self) -> PResult<IsolationLevel> {
        match self.eat_any_kw(&[Kw::READ, Kw::REPEATABLE, Kw::SERIALIZABLE]) {
            Some(Kw::READ) => match self.eat_any_kw(&[Kw::UNCOMMITTED, Kw::COMMITTED]) {
                Some(Kw::UNCOMMITTED) => Ok(IsolationLevel::ReadUncommitted),
                Some(_) => Ok(IsolationLevel::ReadCommitted),
                None => self.unexpected(),
            },
            Some(Kw::REPEATABLE) => {
                self.expect_kw(Kw::READ)?;
                Ok(IsolationLevel::RepeatableRead)
            }
            Some(_) => Ok(IsolationLevel::Serializable),
            None => self.unexpected(),
        }
    }

    fn set_item(&mut self) -> PResult<SetItem> {
        match self.peek() {
            Tok::At if self.peek_at(1) == Tok::At => {
                self.bump();
                self.bump();
                let scope = match self.peek() {
                    Tok::Kw(word) => scope_word(word),
                    _ => None,
                };
                if scope.is_some() {
                    self.bump();
                    self.expect(Tok::Dot)?;
                }
                self.set_variable(scope.unwrap_or(VariableScope::Session))
            }
            Tok::At => {
                let name = self.user_variable_name()?;
                self.set_equal()?;
                let length = name.to_str_lossy().chars().count();
                if length == 0 || length > USER_VARIABLE_LENGTH {
                    let args = vec![name.to_str_lossy().into_owned()];
                    return Err(ParseError::other(ER_ILLEGAL_USER_VAR, args));
                }
                Ok(SetItem::UserVariable { name, value: self.expression()? })
            }
            Tok::Kw(Kw::NAMES) => {
                self.bump();
                if self.eat_kw(Kw::DEFAULT) {
                    return Ok(SetItem::Names { charset: SetCharset::Default, collation: None });
                }
                let charset = SetCharset::Named(self.charset_name()?);
                let collation = if self.eat_kw(Kw::COLLATE) { Some(self.collation_name()?) } else { None };
                Ok(SetItem::Names { charset, collation })
            }
            Tok::Kw(Kw::CHARSET) if is_equal(self.peek_at(1)) => self.set_variable(VariableScope::Implicit),
            _ if self.at_charset_words() => {
                self.charset_words()?;
                if self.eat_kw(Kw::DEFAULT) {
                    return Ok(SetItem::CharacterSet(SetCharset::Default));
                }
                Ok(SetItem::CharacterSet(SetCharset::Named(self.charset_name()?)))
            }
            Tok::Kw(word) if scope_word(word).is_some() => {
                self.bump();
                self.set_variable(scope_word(word).unwrap_or(VariableScope::Session))
            }
            _ => self.set_variable(VariableScope::Implicit),
        }
    }

    /// `[component.]name = value`
    fn set_variable(&mut self, scope: VariableScope) -> PResult<SetItem> {
        if matches!(self.peek(), Tok::Kw(word) if scope_word(word).is_some()) {
            return self.unexpected();
        }
        let at = self.position();
        let default = self.at_kw(Kw::DEFAULT);
        let first = if default { self.one_of(&[Kw::DEFAULT])? } else { self.ident()? };
        if default && self.peek() != Tok::Dot {
            return self.unexpected();
        }
        let (component, name) = if self.eat(Tok::Dot) { (Some(first), self.ident()?) } else { (None, first) };
        let scope_like =
            |component: &Ident| ["global", "local", "session"].iter().any(|word| component.is(word));
        if component.as_ref().is_some_and(scope_like) {
            return self.unexpected_at(at);
        }
        self.set_equal()?;
        Ok(SetItem::SystemVariable { scope, component, name, value: self.set_value()? })
    }

    fn set_equal(&mut self) -> PResult<()> {
        if self.eat(Tok::Eq) { Ok(()) } else { self.expect(Tok::Assign) }
    }

    fn set_value(&mut self) -> PResult<SetValue> {
        let next = self.peek_at(1);
        match self.peek() {
            Tok::Kw(Kw::DEFAULT) if next != Tok::LParen => {
                self.bump();
                Ok(SetValue::Default)
            }
            // Reserved words that SET takes as names.
            Tok::Kw(Kw::ON | Kw::ALL | Kw::SYSTEM) => self.set_word(),
            Tok::Kw(Kw::ROW) if next != Tok::LParen => self.set_word(),
            Tok::Kw(Kw::BINARY) if matches!(next, Tok::Comma | Tok::Semicolon | Tok::Eof) => self.set_word(),
            _ => self.expression().map(SetValue::Expr),
        }
    }

    /// A reserved word as a name.
    fn set_word(&mut self) -> PResult<SetValue> {
        let token = self.bump();
        let name = self.ident_of(token)?;
        Ok(SetValue::Expr(self.leaf(Expr::Column(ColumnName::bare(name)), token.span())))
    }

    /// `@name`: the name, as written.
    pub(crate) fn user_variable_name(&mut self) -> PResult<Text> {
        self.expect(Tok::At)?;
        match self.peek() {
            Tok::Hostname => {
                let token = self.bump();
                Ok(self.ident_of(token)?.text)
            }
            Tok::Str | Tok::Quoted => Ok(self.ident_or_text()?.text),
            _ => self.unexpected(),
        }
    }
}

fn is_equal(tok: Tok) -> bool {
    matches!(tok, Tok::Eq | Tok::Assign)
}

fn scope_word(word: Kw) -> Option<VariableScope> {
    match word {
        Kw::GLOBAL => Some(VariableScope::Global),
        Kw::SESSION | Kw::LOCAL => Some(VariableScope::Session),
        Kw::PERSIST => Some(VariableScope::Persist),
        Kw::PERSIST_ONLY => Some(VariableScope::PersistOnly),
        _ => None,
    }
}
