//! Queries.

use crate::ast::*;
use crate::error::PResult;
use crate::parser::Parser;

impl Parser<'_> {
    /// SELECT, WITH, VALUES, TABLE or a parenthesised one of these, without INTO.
    pub(crate) fn query_expression(&mut self) -> PResult<QueryId> {
        self.unexpected()
    }
    pub(crate) fn query_statement(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn with_statement(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn insert(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn replace(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn update(&mut self, _with: Option<With>) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn delete(&mut self, _with: Option<With>) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn load(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn call(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn do_statement(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn handler(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
    pub(crate) fn explain(&mut self) -> PResult<Statement> {
        self.unexpected()
    }
}
