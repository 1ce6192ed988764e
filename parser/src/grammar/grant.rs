//! GRANT and REVOKE.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::ER_PARSE_ERROR;

use super::account::privilege_name;

/// Privileges of several words, longest first where one begins another.
const LONG_PRIVILEGES: &[&[Kw]] = &[
    &[Kw::CREATE, Kw::TEMPORARY, Kw::TABLES],
    &[Kw::CREATE, Kw::VIEW],
    &[Kw::CREATE, Kw::ROUTINE],
    &[Kw::CREATE, Kw::USER],
    &[Kw::CREATE, Kw::TABLESPACE],
    &[Kw::CREATE, Kw::ROLE],
    &[Kw::DROP, Kw::ROLE],
    &[Kw::ALTER, Kw::ROUTINE],
    &[Kw::GRANT, Kw::OPTION],
    &[Kw::SHOW, Kw::DATABASES],
    &[Kw::SHOW, Kw::VIEW],
    &[Kw::LOCK, Kw::TABLES],
    &[Kw::REPLICATION, Kw::SLAVE],
    &[Kw::REPLICATION, Kw::CLIENT],
];

/// Privileges of one word that no role may be named after without quotes.
const SHORT_PRIVILEGES: &[Kw] = &[
    Kw::SELECT,
    Kw::INSERT,
    Kw::UPDATE,
    Kw::REFERENCES,
    Kw::DELETE,
    Kw::USAGE,
    Kw::INDEX,
    Kw::ALTER,
    Kw::CREATE,
    Kw::DROP,
    Kw::EXECUTE,
    Kw::RELOAD,
    Kw::SHUTDOWN,
    Kw::PROCESS,
    Kw::FILE,
    Kw::SUPER,
    Kw::EVENT,
    Kw::TRIGGER,
];

/// One thing of the list behind GRANT or REVOKE, before it is known what the list holds.
enum Granted {
    Privilege {
        privilege: Privilege,
        at: usize,
    },
    /// A role or a privilege of a plugin. `at` is where it stands, for the error when it is the wrong kind.
    Name {
        user: Text,
        host: Option<Text>,
        columns: Vec<Ident>,
        at: usize,
    },
}

impl Parser<'_> {
    /// What stands behind GRANT.
    pub(crate) fn grant(&mut self) -> PResult<Statement> {
        let mut grant =
            Grant { what: GrantWhat::All, on: None, to: Vec::new(), with_option: false, grantor: None };
        if self.eat_kw(Kw::PROXY) {
            self.expect_kw(Kw::ON)?;
            grant.what = GrantWhat::Proxy(self.user_name()?);
            self.expect_kw(Kw::TO)?;
            grant.to = self.list(Parser::user_name)?;
            grant.with_option = self.with_grant_option()?;
            return Ok(Statement::Grant(Box::new(grant)));
        }
        if !self.all_privileges() {
            let list = self.list(Parser::granted)?;
            if self.eat_kw(Kw::TO) {
                grant.to = self.list(Parser::user_name)?;
                grant.with_option = self.commit_kws(&[Kw::WITH, Kw::ADMIN, Kw::OPTION])?;
                grant.what = GrantWhat::Roles(self.roles_of(list)?);
                return Ok(Statement::Grant(Box::new(grant)));
            }
            self.grant_privileges(&mut grant)?;
            grant.what = GrantWhat::Privileges(self.privileges_of(list)?);
            return Ok(Statement::Grant(Box::new(grant)));
        }
        self.grant_privileges(&mut grant)?;
        Ok(Statement::Grant(Box::new(grant)))
    }

    /// From ON to the end.
    fn grant_privileges(&mut self, grant: &mut Grant) -> PResult<()> {
        self.expect_kw(Kw::ON)?;
        grant.on = Some(self.grant_object()?);
        self.expect_kw(Kw::TO)?;
        grant.to = self.list(Parser::user_name)?;
        grant.with_option = self.with_grant_option()?;
        if self.eat_kw(Kw::AS) {
            let user = self.user_name()?;
            let roles = if self.eat_kw(Kw::WITH) {
                self.expect_kw(Kw::ROLE)?;
                Some(self.grant_roles()?)
            } else {
                None
            };
            grant.grantor = Some((user, roles));
        }
        Ok(())
    }

    /// What stands behind REVOKE.
    pub(crate) fn revoke(&mut self) -> PResult<Statement> {
        let if_exists = self.if_exists()?;
        let mut list = None;
        let mut revoke = Revoke {
            if_exists,
            what: GrantWhat::All,
            on: None,
            from: Vec::new(),
            ignore_unknown_user: false,
        };
        if self.eat_kw(Kw::PROXY) {
            self.expect_kw(Kw::ON)?;
            revoke.what = GrantWhat::Proxy(self.user_name()?);
        } else if self.all_privileges() {
            if self.eat(Tok::Comma) {
                self.expect_kws(&[Kw::GRANT, Kw::OPTION])?;
            } else {
                self.expect_kw(Kw::ON)?;
                revoke.on = Some(self.grant_object()?);
            }
        } else {
            list = Some(self.list(Parser::granted)?);
            if !self.at_kw(Kw::FROM) {
                self.expect_kw(Kw::ON)?;
                revoke.on = Some(self.grant_object()?);
            }
        }
        self.expect_kw(Kw::FROM)?;
        revoke.from = self.list(Parser::user_name)?;
        if self.eat_kw(Kw::IGNORE) {
            self.expect_kws(&[Kw::UNKNOWN, Kw::USER])?;
            revoke.ignore_unknown_user = true;
        }
        if let Some(list) = list {
            revoke.what = match revoke.on {
                Some(_) => GrantWhat::Privileges(self.privileges_of(list)?),
                None => GrantWhat::Roles(self.roles_of(list)?),
            };
        }
        Ok(Statement::Revoke(Box::new(revoke)))
    }

    /// `ALL [PRIVILEGES]`, when it comes next.
    fn all_privileges(&mut self) -> bool {
        let found = self.eat_kw(Kw::ALL);
        if found {
            self.eat_kw(Kw::PRIVILEGES);
        }
        found
    }

    fn with_grant_option(&mut self) -> PResult<bool> {
        self.commit_kws(&[Kw::WITH, Kw::GRANT, Kw::OPTION])
    }

    fn granted(&mut self) -> PResult<Granted> {
        let at = self.position();
        let alone = [Kw::GRANT, Kw::SHOW, Kw::LOCK];
        for words in LONG_PRIVILEGES {
            if self.eat_kws(words) {
                let privilege = Privilege { name: privilege_name(words), columns: Vec::new() };
                return Ok(Granted::Privilege { privilege, at });
            }
        }
        if self.eat_any_kw(&alone).is_some() {
            return self.unexpected();
        }
        if let Some(word) = self.eat_any_kw(SHORT_PRIVILEGES) {
            let with_columns = matches!(word, Kw::SELECT | Kw::INSERT | Kw::UPDATE | Kw::REFERENCES);
            let columns = if with_columns { self.optional_ident_list()? } else { Vec::new() };
            let privilege = Privilege { name: privilege_name(&[word]), columns };
            return Ok(Granted::Privilege { privilege, at });
        }
        let UserName::Named { user, host, host_given } = self.role_name()? else { return self.unexpected() };
        let host = host_given.then_some(host);
        let columns = if host.is_none() { self.optional_ident_list()? } else { Vec::new() };
        Ok(Granted::Name { user, host, columns, at })
    }

    /// Error 1064 with a text of its own at the token `position`.
    fn illegal<T>(&mut self, what: &str, position: usize) -> PResult<T> {
        self.rewind(position);
        let start = self.here() as usize;
        let near = String::from_utf8_lossy(self.sql[start..].trim_ascii_end()).chars().take(80).collect();
        self.rewind(0);
        let first = self.here() as usize;
        let line = 1 + memchr::memchr_iter(b'\n', &self.sql[first.min(start)..start]).count();
        Err(ParseError::other(ER_PARSE_ERROR, vec![what.to_string(), near, line.to_string()]))
    }

    fn roles_of(&mut self, list: Vec<Granted>) -> PResult<Vec<UserName>> {
        list.into_iter()
            .map(|granted| match granted {
                Granted::Name { user, host, columns, .. } if columns.is_empty() => Ok(UserName::Named {
                    user,
                    host_given: host.is_some(),
                    host: host.unwrap_or_else(|| Text::from("%")),
                }),
                Granted::Name { at, .. } | Granted::Privilege { at, .. } => {
                    self.illegal("Illegal authorization identifier", at)
                }
            })
            .collect()
    }

    fn privileges_of(&mut self, list: Vec<Granted>) -> PResult<Vec<Privilege>> {
        list.into_iter()
            .map(|granted| match granted {
                Granted::Privilege { privilege, .. } => Ok(privilege),
                Granted::Name { user, host: None, columns, .. } => {
                    Ok(Privilege { name: Text::from(user.to_str_lossy().to_uppercase()), columns })
                }
                Granted::Name { at, .. } => self.illegal("Illegal privilege identifier", at),
            })
            .collect()
    }

    /// What stands behind ON.
    fn grant_object(&mut self) -> PResult<GrantOn> {
        let kind = match self.peek() {
            Tok::Kw(Kw::TABLE) => Some(GrantObject::Table),
            Tok::Kw(Kw::FUNCTION) => Some(GrantObject::Function),
            Tok::Kw(Kw::PROCEDURE) => Some(GrantObject::Procedure),
            Tok::Kw(Kw::LIBRARY) => Some(GrantObject::Library),
            _ => None,
        };
        if kind.is_some() {
            self.bump();
        }
        if self.eat(Tok::Star) {
            if self.eat(Tok::Dot) {
                self.expect(Tok::Star)?;
                return Ok(GrantOn::Global);
            }
            return Ok(GrantOn::DefaultSchema);
        }
        if self.at_name() && self.peek_at(1) == Tok::Dot && self.peek_at(2) == Tok::Star {
            let schema = self.ident()?;
            self.bump();
            self.bump();
            return Ok(GrantOn::Schema(schema));
        }
        Ok(GrantOn::Object { kind: kind.unwrap_or(GrantObject::Table), name: self.object_name()? })
    }

    fn grant_roles(&mut self) -> PResult<GrantRoles> {
        match self.eat_any_kw(&[Kw::DEFAULT, Kw::NONE, Kw::ALL]) {
            Some(Kw::DEFAULT) => Ok(GrantRoles::Default),
            Some(Kw::NONE) => Ok(GrantRoles::None),
            Some(_) => Ok(GrantRoles::All { except: self.except_roles()? }),
            None => Ok(GrantRoles::Roles(self.list(Parser::role_name)?)),
        }
    }
}
