//! CREATE TABLE.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// What stands behind CREATE [TEMPORARY | EXTERNAL] TABLE.
    pub(crate) fn create_table(&mut self, temporary: bool, external: bool) -> PResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let body = self.create_table_body()?;
        Ok(Statement::CreateTable(Box::new(CreateTable { temporary, external, if_not_exists, name, body })))
    }

    fn create_table_body(&mut self) -> PResult<CreateTableBody> {
        if self.eat_kw(Kw::LIKE) {
            return Ok(CreateTableBody::Like(self.object_name()?));
        }
        if self.peek() == Tok::LParen && self.peek_at(1) == Tok::Kw(Kw::LIKE) {
            self.bump();
            self.bump();
            let source = self.object_name()?;
            self.expect(Tok::RParen)?;
            return Ok(CreateTableBody::Like(source));
        }
        let elements = if self.peek() == Tok::LParen && !self.at_parenthesised_query() {
            self.parenthesised(Parser::table_element)?
        } else {
            Vec::new()
        };
        let options = self.table_options()?;
        let partitioning = if self.at_kw(Kw::PARTITION) { Some(self.partitioning()?) } else { None };
        let query = self.create_table_query()?;
        Ok(CreateTableBody::Definition { elements, options, partitioning, query })
    }

    /// `[IGNORE | REPLACE] [AS] query`, when it comes next.
    fn create_table_query(&mut self) -> PResult<Option<(LoadDuplicates, QueryId)>> {
        let duplicates = match self.eat_any_kw(&[Kw::IGNORE, Kw::REPLACE]) {
            Some(Kw::IGNORE) => Some(LoadDuplicates::Ignore),
            Some(_) => Some(LoadDuplicates::Replace),
            None => None,
        };
        let as_word = self.eat_kw(Kw::AS);
        let follows =
            matches!(self.peek(), Tok::LParen | Tok::Kw(Kw::SELECT | Kw::WITH | Kw::VALUES | Kw::TABLE));
        if !follows && !as_word && duplicates.is_none() {
            return Ok(None);
        }
        Ok(Some((duplicates.unwrap_or(LoadDuplicates::Error), self.query_expression()?)))
    }

    /// Whether `(` and a query come next, and not a list of columns.
    fn at_parenthesised_query(&self) -> bool {
        matches!(self.peek_at(1), Tok::LParen | Tok::Kw(Kw::SELECT | Kw::WITH | Kw::VALUES | Kw::TABLE))
    }

    /// A column, key, foreign key or check.
    pub(crate) fn table_element(&mut self) -> PResult<TableElement> {
        if self.at_table_constraint() {
            return self.table_constraint();
        }
        self.column_definition().map(TableElement::Column)
    }
}
