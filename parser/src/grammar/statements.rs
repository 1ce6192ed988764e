//! CREATE: which thing; statements that are known by their first words only; names of accounts.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::ER_WRONG_STRING_LENGTH;

/// Characters that a user's name and a host may have.
const USER_NAME_LENGTH: usize = 32;
const HOST_NAME_LENGTH: usize = 255;

impl Parser<'_> {
    /// What stands behind CREATE.
    pub(crate) fn create(&mut self) -> PResult<Statement> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        match word {
            Kw::TABLE => self.create_table(false, false),
            Kw::TEMPORARY => {
                self.expect_kw(Kw::TABLE)?;
                self.create_table(true, false)
            }
            Kw::EXTERNAL => {
                self.expect_kw(Kw::TABLE)?;
                self.create_table(false, true)
            }
            Kw::UNIQUE => {
                self.expect_kw(Kw::INDEX)?;
                self.create_index(KeyKind::Unique)
            }
            Kw::FULLTEXT => {
                self.expect_kw(Kw::INDEX)?;
                self.create_index(KeyKind::FullText)
            }
            Kw::SPATIAL if self.at_kw(Kw::REFERENCE) => {
                self.unsupported_if(&[Kw::REFERENCE, Kw::SYSTEM], "CREATE SPATIAL REFERENCE SYSTEM")
            }
            Kw::SPATIAL => {
                self.expect_kw(Kw::INDEX)?;
                self.create_index(KeyKind::Spatial)
            }
            Kw::INDEX => self.create_index(KeyKind::Index),
            Kw::DATABASE | Kw::SCHEMA => self.create_database(),
            Kw::USER => self.create_user(),
            Kw::ROLE => {
                let if_not_exists = self.if_not_exists()?;
                Ok(Statement::CreateRole { if_not_exists, roles: self.list(Parser::role_name)? })
            }
            Kw::OR => {
                self.expect_kw(Kw::REPLACE)?;
                if self.at_kw(Kw::SPATIAL) {
                    let words = &[Kw::SPATIAL, Kw::REFERENCE, Kw::SYSTEM];
                    return self.unsupported_if(words, "CREATE SPATIAL REFERENCE SYSTEM");
                }
                if self.at_kw(Kw::JSON) {
                    return self.json_duality_view();
                }
                let algorithm = self.view_algorithm()?;
                let definer = self.definer()?;
                self.create_view(true, algorithm, definer)
            }
            Kw::ALGORITHM => {
                self.rewind(at);
                let algorithm = self.view_algorithm()?;
                let definer = self.definer()?;
                self.create_view(false, algorithm, definer)
            }
            Kw::DEFINER => {
                self.rewind(at);
                let definer = self.definer()?;
                self.create_program(definer)
            }
            Kw::VIEW | Kw::SQL | Kw::TRIGGER | Kw::PROCEDURE | Kw::FUNCTION | Kw::EVENT => {
                self.rewind(at);
                self.create_program(None)
            }
            Kw::AGGREGATE => {
                self.expect_kw(Kw::FUNCTION)?;
                self.create_function(None, true)
            }
            Kw::JSON => {
                self.rewind(at);
                self.json_duality_view()
            }
            Kw::MATERIALIZED => self.unsupported_if(&[Kw::VIEW], "CREATE MATERIALIZED VIEW"),
            Kw::TABLESPACE => Ok(self.unsupported("CREATE TABLESPACE")),
            Kw::UNDO => self.unsupported_if(&[Kw::TABLESPACE], "CREATE UNDO TABLESPACE"),
            Kw::LOGFILE => self.unsupported_if(&[Kw::GROUP], "CREATE LOGFILE GROUP"),
            Kw::SERVER => Ok(self.unsupported("CREATE SERVER")),
            Kw::RESOURCE => self.unsupported_if(&[Kw::GROUP], "CREATE RESOURCE GROUP"),
            Kw::LIBRARY => Ok(self.unsupported("CREATE LIBRARY")),
            _ => self.unexpected_at(at),
        }
    }

    /// What may follow a DEFINER: a view, a trigger, a routine or an event.
    fn create_program(&mut self, definer: Option<UserName>) -> PResult<Statement> {
        match self.eat_any_kw(&[Kw::TRIGGER, Kw::PROCEDURE, Kw::FUNCTION, Kw::EVENT]) {
            Some(Kw::TRIGGER) => self.create_trigger(definer),
            Some(Kw::PROCEDURE) => self.create_procedure(definer),
            Some(Kw::FUNCTION) => self.create_function(definer, false),
            Some(_) => self.event(false, definer),
            None if matches!(self.peek(), Tok::Kw(Kw::VIEW | Kw::SQL)) => {
                self.create_view(false, None, definer)
            }
            None => self.unexpected(),
        }
    }

    fn json_duality_view(&mut self) -> PResult<Statement> {
        self.expect_kw(Kw::JSON)?;
        self.eat_kw(Kw::RELATIONAL);
        self.unsupported_if(&[Kw::DUALITY, Kw::VIEW], "CREATE JSON DUALITY VIEW")
    }

    /// Consumes all of `words` when the first comes next; the others must then follow.
    pub(crate) fn commit_kws(&mut self, words: &[Kw]) -> PResult<bool> {
        let Some((first, rest)) = words.split_first() else { return Ok(false) };
        if !self.eat_kw(*first) {
            return Ok(false);
        }
        self.expect_kws(rest)?;
        Ok(true)
    }

    /// Whether the statement is over.
    pub(crate) fn at_end(&self) -> bool {
        matches!(self.peek(), Tok::Semicolon | Tok::Eof)
    }

    /// A statement that is known by its first words only: steps to its end.
    pub(crate) fn unsupported(&mut self, what: &'static str) -> Statement {
        while !matches!(self.peek(), Tok::Semicolon | Tok::Eof | Tok::Invalid) {
            self.bump();
        }
        Statement::Unsupported { what }
    }

    /// [`Parser::unsupported`] behind the rest of its first words.
    pub(crate) fn unsupported_if(&mut self, words: &[Kw], what: &'static str) -> PResult<Statement> {
        self.expect_kws(words)?;
        Ok(self.unsupported(what))
    }

    /// `DEFINER = user`, when it comes next.
    pub(crate) fn definer(&mut self) -> PResult<Option<UserName>> {
        if !self.eat_kw(Kw::DEFINER) {
            return Ok(None);
        }
        self.expect(Tok::Eq)?;
        self.user_name().map(Some)
    }

    /// `'user'@'host'` or CURRENT_USER.
    pub(crate) fn user_name(&mut self) -> PResult<UserName> {
        if self.eat_kw(Kw::CURRENT_USER) {
            if self.eat(Tok::LParen) {
                self.expect(Tok::RParen)?;
            }
            return Ok(UserName::Current);
        }
        self.account_name()
    }

    /// `'role'@'host'`.
    pub(crate) fn role_name(&mut self) -> PResult<UserName> {
        const NOT_ROLES: &[Kw] = &[
            Kw::EVENT,
            Kw::EXECUTE,
            Kw::FILE,
            Kw::NONE,
            Kw::PROCESS,
            Kw::PROXY,
            Kw::RELOAD,
            Kw::REPLICATION,
            Kw::RESOURCE,
            Kw::RESTART,
            Kw::SHUTDOWN,
            Kw::SUPER,
        ];
        if matches!(self.peek(), Tok::Kw(word) if NOT_ROLES.contains(&word)) {
            return self.unexpected();
        }
        self.account_name()
    }

    fn account_name(&mut self) -> PResult<UserName> {
        let user = self.ident_or_text()?.text;
        let host_given = self.eat(Tok::At);
        let host = if !host_given {
            Text::from("%")
        } else if self.peek() == Tok::Hostname {
            let token = self.bump();
            Text::from(self.bytes(token).to_ascii_lowercase())
        } else {
            let name = self.ident_or_text()?;
            Text::from(name.text.as_bytes().to_ascii_lowercase())
        };
        check_length(&user, "user name", USER_NAME_LENGTH)?;
        check_length(&host, "host name", HOST_NAME_LENGTH)?;
        Ok(UserName::Named { user, host, host_given })
    }
}

fn check_length(text: &Text, what: &str, longest: usize) -> PResult<()> {
    let shown = text.to_str_lossy();
    if shown.chars().count() > longest {
        let args = vec![shown.into_owned(), what.to_string(), longest.to_string()];
        return Err(ParseError::other(ER_WRONG_STRING_LENGTH, args));
    }
    Ok(())
}
