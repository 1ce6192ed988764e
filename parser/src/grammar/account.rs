//! Accounts: CREATE USER, ALTER USER, and SET of passwords and roles.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::{ER_DUP_ARGUMENT, ER_WRONG_VALUE};

impl Parser<'_> {
    /// What stands behind CREATE USER.
    pub(crate) fn create_user(&mut self) -> PResult<Statement> {
        let if_clause = self.if_not_exists()?;
        let users = self.list(|parser| {
            let user = parser.user_name()?;
            let mut spec = plain_spec(user);
            parser.identified(&mut spec, false)?;
            Ok(spec)
        })?;
        let mut create = CreateUser {
            alter: false,
            if_clause,
            users,
            default_roles: None,
            tls: None,
            limits: Vec::new(),
            options: Vec::new(),
            comment: None,
            attribute: None,
        };
        if self.commit_kws(&[Kw::DEFAULT, Kw::ROLE])? {
            create.default_roles = Some(DefaultRoles::Roles(self.list(Parser::role_name)?));
        }
        self.user_options(&mut create)?;
        Ok(Statement::CreateUser(Box::new(create)))
    }

    /// What stands behind ALTER USER.
    pub(crate) fn alter_user(&mut self) -> PResult<Statement> {
        let if_clause = self.if_exists()?;
        let mut create = CreateUser {
            alter: true,
            if_clause,
            users: Vec::new(),
            default_roles: None,
            tls: None,
            limits: Vec::new(),
            options: Vec::new(),
            comment: None,
            attribute: None,
        };
        create.users = self.list(Parser::altered_user)?;
        if create.users.len() == 1 && self.commit_kws(&[Kw::DEFAULT, Kw::ROLE])? {
            create.default_roles = Some(if self.eat_kw(Kw::ALL) {
                DefaultRoles::All
            } else if self.eat_kw(Kw::NONE) {
                DefaultRoles::None
            } else {
                DefaultRoles::Roles(self.list(Parser::role_name)?)
            });
            return Ok(Statement::CreateUser(Box::new(create)));
        }
        self.user_options(&mut create)?;
        Ok(Statement::CreateUser(Box::new(create)))
    }

    /// A user of ALTER USER with what changes about its authentication.
    fn altered_user(&mut self) -> PResult<UserSpec> {
        let user = if self.at_kw(Kw::USER) && self.peek_at(1) == Tok::LParen {
            self.bump();
            self.bump();
            self.expect(Tok::RParen)?;
            UserName::Current
        } else {
            self.user_name()?
        };
        let mut spec = plain_spec(user);
        if self.commit_kws(&[Kw::DISCARD, Kw::OLD, Kw::PASSWORD])? {
            spec.discard_old = true;
        } else if self.at_kw(Kw::IDENTIFIED) {
            self.identified(&mut spec, true)?;
        } else if matches!(self.peek(), Tok::Kw(Kw::ADD | Kw::MODIFY | Kw::DROP) | Tok::Int) {
            let start = self.here();
            self.factor_change(&mut spec)?;
            let words = self.span_from(start);
            spec.factor_change = Some(self.source_text(words));
        }
        Ok(spec)
    }

    /// ADD, MODIFY and DROP of factors, and their registration.
    fn factor_change(&mut self, spec: &mut UserSpec) -> PResult<()> {
        if self.peek() == Tok::Int {
            self.factor_number()?;
            if self.eat_kw(Kw::UNREGISTER) {
                return Ok(());
            }
            let word = self.eat_any_kw(&[Kw::INITIATE, Kw::FINISH]);
            if word.is_none() {
                return self.unexpected();
            }
            self.expect_kw(Kw::REGISTRATION)?;
            if word == Some(Kw::FINISH) {
                self.expect_kws(&[Kw::SET, Kw::CHALLENGE_RESPONSE, Kw::AS])?;
                self.string()?;
            }
            return Ok(());
        }
        let Some(verb) = self.eat_any_kw(&[Kw::ADD, Kw::MODIFY, Kw::DROP]) else { return self.unexpected() };
        loop {
            self.factor_number()?;
            if verb != Kw::DROP {
                let factor = self.identification(false)?;
                spec.factors.push(factor);
            }
            if !self.eat_kw(verb) {
                return Ok(());
            }
        }
    }

    /// `n FACTOR`
    fn factor_number(&mut self) -> PResult<()> {
        if self.peek() != Tok::Int {
            return self.unexpected();
        }
        let number = self.unsigned()?;
        if !matches!(number, 2 | 3) {
            let args = vec!["nth factor".to_string(), number.to_string()];
            return Err(ParseError::other(ER_WRONG_VALUE, args));
        }
        self.expect_kw(Kw::FACTOR)
    }

    /// `IDENTIFIED .. [AND IDENTIFIED ..]`, when it comes next.
    fn identified(&mut self, spec: &mut UserSpec, alter: bool) -> PResult<()> {
        if !self.at_kw(Kw::IDENTIFIED) {
            return Ok(());
        }
        let mut first = self.identification(alter)?;
        if !alter && self.commit_kws(&[Kw::INITIAL, Kw::AUTHENTICATION])? {
            first.initial = Some(Box::new(self.identification(false)?));
        }
        spec.factors.push(first);
        while !alter && spec.factors.len() < 3 && self.eat_kw(Kw::AND) {
            let factor = self.identification(false)?;
            spec.factors.push(factor);
        }
        Ok(())
    }

    /// `IDENTIFIED [WITH plugin] [BY ..| AS ..]`
    fn identification(&mut self, alter: bool) -> PResult<Authentication> {
        let mut authentication = Authentication::default();
        self.expect_kw(Kw::IDENTIFIED)?;
        if self.eat_kw(Kw::WITH) {
            authentication.plugin = Some(self.ident_or_text()?.text);
        }
        if self.eat_kw(Kw::BY) {
            authentication.secret = Some(if self.eat_kw(Kw::RANDOM) {
                self.expect_kw(Kw::PASSWORD)?;
                Secret::Random
            } else {
                Secret::Password(self.string()?)
            });
        } else if authentication.plugin.is_none() {
            return self.unexpected();
        } else if self.eat_kw(Kw::AS) {
            authentication.secret = Some(Secret::Hash(self.hash_string()?));
        }
        if !alter {
            return Ok(authentication);
        }
        let by = matches!(authentication.secret, Some(Secret::Password(_) | Secret::Random));
        if by && self.eat_kw(Kw::REPLACE) {
            authentication.replace = Some(self.string()?);
        }
        if authentication.secret.is_some() {
            authentication.retain_current = self.commit_kws(&[Kw::RETAIN, Kw::CURRENT, Kw::PASSWORD])?;
        }
        Ok(authentication)
    }

    /// What stands behind AS: a string or hexadecimal digits.
    fn hash_string(&mut self) -> PResult<StringLiteral> {
        if matches!(self.peek(), Tok::HexNum | Tok::HexStr) { self.binary_string() } else { self.string() }
    }

    /// REQUIRE, WITH, the options of passwords and locks, COMMENT and ATTRIBUTE.
    fn user_options(&mut self, create: &mut CreateUser) -> PResult<()> {
        if self.eat_kw(Kw::REQUIRE) {
            create.tls = Some(self.tls_requirement()?);
        }
        if self.eat_kw(Kw::WITH) {
            loop {
                let limit = match self.peek() {
                    Tok::Kw(Kw::MAX_QUERIES_PER_HOUR) => ResourceLimit::QueriesPerHour,
                    Tok::Kw(Kw::MAX_UPDATES_PER_HOUR) => ResourceLimit::UpdatesPerHour,
                    Tok::Kw(Kw::MAX_CONNECTIONS_PER_HOUR) => ResourceLimit::ConnectionsPerHour,
                    Tok::Kw(Kw::MAX_USER_CONNECTIONS) => ResourceLimit::UserConnections,
                    _ if create.limits.is_empty() => return self.unexpected(),
                    _ => break,
                };
                self.bump();
                create.limits.push((limit, self.unsigned()?));
            }
        }
        while let Some(option) = self.account_option()? {
            create.options.push(option);
        }
        if self.eat_kw(Kw::COMMENT) {
            create.comment = Some(self.string()?);
        } else if self.eat_kw(Kw::ATTRIBUTE) {
            create.attribute = Some(self.string()?);
        }
        Ok(())
    }

    fn tls_requirement(&mut self) -> PResult<TlsRequirement> {
        match self.eat_any_kw(&[Kw::NONE, Kw::SSL, Kw::X509]) {
            Some(Kw::NONE) => return Ok(TlsRequirement::None),
            Some(Kw::SSL) => return Ok(TlsRequirement::Ssl),
            Some(_) => return Ok(TlsRequirement::X509),
            None => {}
        }
        let (mut subject, mut issuer, mut cipher) = (None, None, None);
        loop {
            let (name, slot) = match self.peek() {
                Tok::Kw(Kw::SUBJECT) => ("SUBJECT", &mut subject),
                Tok::Kw(Kw::ISSUER) => ("ISSUER", &mut issuer),
                Tok::Kw(Kw::CIPHER) => ("CIPHER", &mut cipher),
                _ => return self.unexpected(),
            };
            if slot.is_some() {
                return Err(ParseError::other(ER_DUP_ARGUMENT, vec![name.to_string()]));
            }
            self.bump();
            *slot = Some(self.string()?);
            let more = self.eat_kw(Kw::AND);
            if !more && !matches!(self.peek(), Tok::Kw(Kw::SUBJECT | Kw::ISSUER | Kw::CIPHER)) {
                return Ok(TlsRequirement::Specified { subject, issuer, cipher });
            }
        }
    }

    /// An option of locks or passwords, when one comes next.
    fn account_option(&mut self) -> PResult<Option<AccountOption>> {
        let option = match self.eat_any_kw(&[
            Kw::ACCOUNT,
            Kw::PASSWORD,
            Kw::FAILED_LOGIN_ATTEMPTS,
            Kw::PASSWORD_LOCK_TIME,
        ]) {
            None => return Ok(None),
            Some(Kw::ACCOUNT) => match self.eat_any_kw(&[Kw::LOCK, Kw::UNLOCK]) {
                Some(Kw::LOCK) => AccountOption::AccountLock,
                Some(_) => AccountOption::AccountUnlock,
                None => return self.unexpected(),
            },
            Some(Kw::FAILED_LOGIN_ATTEMPTS) => AccountOption::FailedLoginAttempts(self.unsigned()?),
            Some(Kw::PASSWORD_LOCK_TIME) if self.eat_kw(Kw::UNBOUNDED) => {
                AccountOption::PasswordLockTime(None)
            }
            Some(Kw::PASSWORD_LOCK_TIME) => AccountOption::PasswordLockTime(Some(self.unsigned()?)),
            Some(_) => self.password_option()?,
        };
        Ok(Some(option))
    }

    /// What stands behind PASSWORD.
    fn password_option(&mut self) -> PResult<AccountOption> {
        match self.eat_any_kw(&[Kw::EXPIRE, Kw::HISTORY, Kw::REUSE, Kw::REQUIRE]) {
            Some(Kw::EXPIRE) => match self.eat_any_kw(&[Kw::DEFAULT, Kw::NEVER, Kw::INTERVAL]) {
                Some(Kw::DEFAULT) => Ok(AccountOption::PasswordExpireDefault),
                Some(Kw::NEVER) => Ok(AccountOption::PasswordExpireNever),
                Some(_) => {
                    let days = self.unsigned()?;
                    self.expect_kw(Kw::DAY)?;
                    Ok(AccountOption::PasswordExpireInterval(days))
                }
                None => Ok(AccountOption::PasswordExpire),
            },
            Some(Kw::HISTORY) => Ok(AccountOption::PasswordHistory(self.number_or_default()?)),
            Some(Kw::REUSE) => {
                self.expect_kw(Kw::INTERVAL)?;
                let days = self.number_or_default()?;
                if days.is_some() {
                    self.expect_kw(Kw::DAY)?;
                }
                Ok(AccountOption::PasswordReuseInterval(days))
            }
            Some(_) => {
                self.expect_kw(Kw::CURRENT)?;
                Ok(AccountOption::PasswordRequireCurrent(
                    match self.eat_any_kw(&[Kw::DEFAULT, Kw::OPTIONAL]) {
                        Some(Kw::DEFAULT) => None,
                        Some(_) => Some(false),
                        None => Some(true),
                    },
                ))
            }
            None => self.unexpected(),
        }
    }

    /// What stands behind SET PASSWORD.
    pub(crate) fn set_password(&mut self) -> PResult<Statement> {
        let user = if self.eat_kw(Kw::FOR) { Some(self.user_name()?) } else { None };
        let password = if self.eat_kw(Kw::TO) {
            self.expect_kw(Kw::RANDOM)?;
            None
        } else {
            if !self.eat(Tok::Eq) {
                self.expect(Tok::Assign)?;
            }
            Some(self.string()?)
        };
        let replace = if self.eat_kw(Kw::REPLACE) { Some(self.string()?) } else { None };
        let retain_current = self.commit_kws(&[Kw::RETAIN, Kw::CURRENT, Kw::PASSWORD])?;
        Ok(Statement::SetPassword(SetPassword { user, password, replace, retain_current }))
    }

    /// What stands behind SET ROLE.
    pub(crate) fn set_role(&mut self) -> PResult<Statement> {
        let role = match self.eat_any_kw(&[Kw::DEFAULT, Kw::NONE, Kw::ALL]) {
            Some(Kw::DEFAULT) => SetRole::Default,
            Some(Kw::NONE) => SetRole::None,
            Some(_) => SetRole::All { except: self.except_roles()? },
            None => SetRole::Roles(self.list(Parser::role_name)?),
        };
        Ok(Statement::SetRole(role))
    }

    /// `EXCEPT r, ..` behind ALL, when it comes next.
    pub(crate) fn except_roles(&mut self) -> PResult<Vec<UserName>> {
        if self.eat_kw(Kw::EXCEPT) { self.list(Parser::role_name) } else { Ok(Vec::new()) }
    }

    /// What stands behind SET DEFAULT ROLE.
    pub(crate) fn set_default_role(&mut self) -> PResult<Statement> {
        let roles = match self.eat_any_kw(&[Kw::NONE, Kw::ALL]) {
            Some(Kw::NONE) => DefaultRoles::None,
            Some(_) => DefaultRoles::All,
            None => DefaultRoles::Roles(self.list(Parser::role_name)?),
        };
        self.expect_kw(Kw::TO)?;
        let users = self.list(Parser::role_name)?;
        Ok(Statement::SetDefaultRole(SetDefaultRole { roles, users }))
    }
}

fn plain_spec(user: UserName) -> UserSpec {
    UserSpec { user, factors: Vec::new(), discard_old: false, factor_change: None }
}

/// The words of a privilege as one name: upper case, single spaces.
pub(crate) fn privilege_name(words: &[Kw]) -> Text {
    let names: Vec<&str> = words.iter().map(|word| word.name()).collect();
    Text::from(names.join(" "))
}
