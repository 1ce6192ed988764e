//! Databases, indexes and views.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

use super::alter::AlterModifiers;

impl Parser<'_> {
    pub(crate) fn create_database(&mut self) -> PResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.ident()?;
        let mut options = DatabaseOptions::default();
        while self.database_option(&mut options, false)? {}
        Ok(Statement::CreateDatabase(CreateDatabase { if_not_exists, name, options }))
    }

    pub(crate) fn alter_database(&mut self) -> PResult<Statement> {
        let mut options = DatabaseOptions::default();
        // CHARSET and ENCRYPTION name a database here: the name may be left out before other words only.
        let name = if self.at_name() { Some(self.ident()?) } else { None };
        if !self.database_option(&mut options, true)? {
            return self.unexpected();
        }
        while self.database_option(&mut options, true)? {}
        Ok(Statement::AlterDatabase(AlterDatabase { name, options }))
    }

    /// One option, or `false`.
    fn database_option(&mut self, options: &mut DatabaseOptions, alter: bool) -> PResult<bool> {
        let default = self.eat_kw(Kw::DEFAULT);
        if self.at_charset_words() {
            self.charset_words()?;
            self.eat(Tok::Eq);
            options.charset = Some(self.charset_name()?);
        } else if self.eat_kw(Kw::COLLATE) {
            self.eat(Tok::Eq);
            options.collation = Some(self.collation_name()?);
        } else if self.eat_kw(Kw::ENCRYPTION) {
            self.eat(Tok::Eq);
            options.encryption = Some(self.string()?);
        } else if alter && !default && self.eat_kw(Kw::READ) {
            self.expect_kw(Kw::ONLY)?;
            self.eat(Tok::Eq);
            options.read_only = Some(match self.number_or_default()? {
                None => None,
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(_) => return self.unexpected_at(self.position() - 1),
            });
        } else if default {
            return self.unexpected();
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What stands behind INDEX.
    pub(crate) fn create_index(&mut self, kind: KeyKind) -> PResult<Statement> {
        let name = Some(self.ident()?);
        let mut options = KeyOptions::default();
        if !matches!(kind, KeyKind::FullText | KeyKind::Spatial) {
            options.using = self.index_algorithm(true)?;
        }
        self.expect_kw(Kw::ON)?;
        let table = self.object_name()?;
        let parts = self.key_parts()?;
        self.key_options(kind, &mut options)?;
        let mut modifiers = AlterModifiers::default();
        while self.algorithm_or_lock(&mut modifiers)? {}
        let key = KeyDefinition { kind, constraint: None, name, parts, options };
        let AlterModifiers { algorithm, lock, .. } = modifiers;
        Ok(Statement::CreateIndex(Box::new(CreateIndex { table, key, algorithm, lock })))
    }

    /// `ALGORITHM = ..` of a view, when it comes next.
    pub(crate) fn view_algorithm(&mut self) -> PResult<Option<ViewAlgorithm>> {
        if !self.eat_kw(Kw::ALGORITHM) {
            return Ok(None);
        }
        self.expect(Tok::Eq)?;
        match self.eat_any_kw(&[Kw::UNDEFINED, Kw::MERGE, Kw::TEMPTABLE]) {
            Some(Kw::UNDEFINED) => Ok(Some(ViewAlgorithm::Undefined)),
            Some(Kw::MERGE) => Ok(Some(ViewAlgorithm::Merge)),
            Some(_) => Ok(Some(ViewAlgorithm::TempTable)),
            None => self.unexpected(),
        }
    }

    /// What stands behind CREATE [OR REPLACE] [ALGORITHM = ..] [DEFINER = ..].
    pub(crate) fn create_view(
        &mut self,
        or_replace: bool,
        algorithm: Option<ViewAlgorithm>,
        definer: Option<UserName>,
    ) -> PResult<Statement> {
        let security = self.sql_security()?;
        self.expect_kw(Kw::VIEW)?;
        let at = self.position();
        let if_not_exists = self.if_not_exists()?;
        if or_replace && if_not_exists {
            return self.unexpected_at(at);
        }
        let mut view = self.view_tail()?;
        view.or_replace = or_replace;
        view.if_not_exists = if_not_exists;
        view.algorithm = algorithm;
        view.definer = definer;
        view.security = security;
        Ok(Statement::CreateView(Box::new(view)))
    }

    /// What stands behind ALTER [DEFINER = ..] of a view.
    pub(crate) fn alter_view(&mut self, definer: Option<UserName>) -> PResult<Statement> {
        let algorithm = if definer.is_some() { None } else { self.view_algorithm()? };
        let definer = if definer.is_some() { definer } else { self.definer()? };
        let security = self.sql_security()?;
        self.expect_kw(Kw::VIEW)?;
        let at = self.position();
        if self.if_not_exists()? {
            return self.unexpected_at(at);
        }
        let mut view = self.view_tail()?;
        view.alter = true;
        view.algorithm = algorithm;
        view.definer = definer;
        view.security = security;
        Ok(Statement::CreateView(Box::new(view)))
    }

    /// `SQL SECURITY ..`, when it comes next.
    pub(crate) fn sql_security(&mut self) -> PResult<Option<SqlSecurity>> {
        if !self.eat_kw(Kw::SQL) {
            return Ok(None);
        }
        self.expect_kw(Kw::SECURITY)?;
        match self.eat_any_kw(&[Kw::DEFINER, Kw::INVOKER]) {
            Some(Kw::DEFINER) => Ok(Some(SqlSecurity::Definer)),
            Some(_) => Ok(Some(SqlSecurity::Invoker)),
            None => self.unexpected(),
        }
    }

    /// The name, columns and query of a view.
    fn view_tail(&mut self) -> PResult<CreateView> {
        let name = self.object_name()?;
        let columns = self.optional_ident_list()?;
        self.expect_kw(Kw::AS)?;
        let start = self.here();
        let query = self.query_expression()?;
        let source = self.span_from(start);
        let check_option = if self.eat_kw(Kw::WITH) {
            let option = self.eat_any_kw(&[Kw::LOCAL, Kw::CASCADED]);
            self.expect_kws(&[Kw::CHECK, Kw::OPTION])?;
            Some(if option == Some(Kw::LOCAL) { CheckOption::Local } else { CheckOption::Cascaded })
        } else {
            None
        };
        Ok(CreateView {
            alter: false,
            or_replace: false,
            if_not_exists: false,
            algorithm: None,
            definer: None,
            security: None,
            name,
            columns,
            query,
            source,
            check_option,
        })
    }
}
