//! PREPARE, EXECUTE, DEALLOCATE.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// What stands behind PREPARE.
    pub(crate) fn prepare(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        self.expect_kw(Kw::FROM)?;
        let source = if self.peek() == Tok::At {
            PrepareSource::UserVariable(self.user_variable_name()?)
        } else {
            PrepareSource::Text(self.string()?)
        };
        Ok(Statement::Prepare { name, source })
    }

    /// What stands behind EXECUTE.
    pub(crate) fn execute(&mut self) -> PResult<Statement> {
        let name = self.ident()?;
        let using = if self.eat_kw(Kw::USING) { self.list(Parser::user_variable_name)? } else { Vec::new() };
        Ok(Statement::Execute { name, using })
    }

    /// What stands behind DEALLOCATE.
    pub(crate) fn deallocate(&mut self) -> PResult<Statement> {
        self.expect_kw(Kw::PREPARE)?;
        self.ident().map(Statement::Deallocate)
    }
}
