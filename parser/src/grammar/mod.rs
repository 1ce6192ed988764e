//! The grammar: recursive descent over the cursor, straight into the syntax tree.
//!
//! Statements are told apart by their first words. A method named after a verb reads what stands behind it.

mod account;
mod admin;
mod alter;
mod column;
mod create_other;
mod create_table;
mod data_type;
mod dml;
mod drop;
mod expr;
mod function;
mod grant;
mod key;
mod literal;
mod load;
mod partition;
mod prepare;
mod primary;
mod query;
mod routine;
mod select;
mod set;
mod show;
mod signal;
mod statements;
mod table_option;
mod table_ref;
mod transaction;
mod window;

use crate::ast::*;
use crate::context::{ParseContext, Parsed};
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::SqlResult;

/// Parses the first statement of `sql`.
pub(crate) fn parse(sql: &[u8], context: &ParseContext) -> SqlResult<Parsed> {
    let mut parser = Parser::new(sql, context);
    let start = parser.here();
    match parser.whole_statement() {
        Ok(statement) => {
            let span = parser.span_from(start);
            let next = if parser.peek() == Tok::Semicolon { parser.token().end as usize } else { sql.len() };
            let rest = sql.get(next..).unwrap_or_default();
            let more = rest.iter().any(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b';' | 0));
            Ok(Parsed {
                statement,
                span,
                next: if more { next } else { sql.len() },
                parameters: parser.parameters,
                ast: parser.ast,
            })
        }
        Err(error) => Err(error.into_sql_error(sql, 0)),
    }
}

impl Parser<'_> {
    /// One statement and the `;` or the end behind it, which is not consumed.
    fn whole_statement(&mut self) -> PResult<Statement> {
        match self.peek() {
            Tok::Eof => return Err(Box::new(ParseError::Empty)),
            Tok::Semicolon => {
                let rest = self.sql.get(self.here() as usize..).unwrap_or_default();
                if rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b';') {
                    return Err(Box::new(ParseError::Empty));
                }
            }
            _ => {}
        }
        let statement = self.statement()?;
        if !self.at_end() {
            return self.unexpected();
        }
        self.settle()?;
        Ok(statement)
    }

    /// One statement, up to what does not belong to it.
    pub(crate) fn statement(&mut self) -> PResult<Statement> {
        let at = self.position();
        let Tok::Kw(verb) = self.peek() else {
            return if self.peek() == Tok::LParen { self.query_statement() } else { self.unexpected() };
        };
        if matches!(verb, Kw::SELECT | Kw::VALUES | Kw::TABLE) {
            return self.query_statement();
        }
        if verb == Kw::WITH {
            return self.with_statement();
        }
        self.bump();
        match verb {
            Kw::INSERT => self.insert(),
            Kw::REPLACE => self.replace(),
            Kw::UPDATE => self.update(None),
            Kw::DELETE => self.delete(None),
            Kw::LOAD => self.load(),
            Kw::CALL => self.call(),
            Kw::DO => self.do_statement(),
            Kw::HANDLER => self.handler(),
            Kw::EXPLAIN | Kw::DESCRIBE | Kw::DESC => self.explain(),
            Kw::CREATE => self.create(),
            Kw::ALTER => self.alter(),
            Kw::DROP => self.drop(),
            Kw::TRUNCATE => self.truncate(),
            Kw::RENAME => self.rename(),
            Kw::GRANT => self.grant(),
            Kw::REVOKE => self.revoke(),
            Kw::SHOW => self.show(),
            Kw::SET => self.set(),
            Kw::USE => Ok(Statement::Use(self.ident()?)),
            Kw::START => self.start(),
            Kw::BEGIN => self.begin(),
            Kw::COMMIT => self.commit(),
            Kw::ROLLBACK => self.rollback(),
            Kw::SAVEPOINT => Ok(Statement::Savepoint(self.ident()?)),
            Kw::RELEASE => self.release(),
            Kw::XA => self.xa(),
            Kw::PREPARE => self.prepare(),
            Kw::EXECUTE => self.execute(),
            Kw::DEALLOCATE => self.deallocate(),
            Kw::LOCK => self.lock(),
            Kw::UNLOCK => self.unlock(),
            Kw::SIGNAL => self.signal(false),
            Kw::RESIGNAL => self.signal(true),
            Kw::GET => self.get_diagnostics(),
            Kw::HELP => Ok(Statement::Help(self.ident_or_text()?.text)),
            Kw::ANALYZE => self.table_admin(TableAdminKind::Analyze),
            Kw::CHECK => self.table_admin(TableAdminKind::Check),
            Kw::CHECKSUM => self.table_admin(TableAdminKind::Checksum),
            Kw::OPTIMIZE => self.table_admin(TableAdminKind::Optimize),
            Kw::REPAIR => self.table_admin(TableAdminKind::Repair),
            Kw::FLUSH => self.flush(),
            Kw::KILL => self.kill(),
            Kw::SHUTDOWN => Ok(Statement::Shutdown),
            Kw::RESTART => Ok(Statement::Restart),
            Kw::INSTALL => self.install(),
            Kw::UNINSTALL => self.uninstall(),
            Kw::RESET => self.reset(),
            Kw::STOP | Kw::CHANGE | Kw::PURGE | Kw::BINLOG | Kw::CLONE | Kw::CACHE | Kw::IMPORT => {
                self.other_admin(verb)
            }
            _ => self.unexpected_at(at),
        }
    }
}
