//! SIGNAL, RESIGNAL, GET DIAGNOSTICS.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

/// The items of a condition that SIGNAL may set.
const SIGNAL_ITEMS: &[Kw] = &[
    Kw::CLASS_ORIGIN,
    Kw::SUBCLASS_ORIGIN,
    Kw::CONSTRAINT_CATALOG,
    Kw::CONSTRAINT_SCHEMA,
    Kw::CONSTRAINT_NAME,
    Kw::CATALOG_NAME,
    Kw::SCHEMA_NAME,
    Kw::TABLE_NAME,
    Kw::COLUMN_NAME,
    Kw::CURSOR_NAME,
    Kw::MESSAGE_TEXT,
    Kw::MYSQL_ERRNO,
];

impl Parser<'_> {
    /// What stands behind SIGNAL or RESIGNAL.
    pub(crate) fn signal(&mut self, resignal: bool) -> PResult<Statement> {
        let condition = if self.eat_kw(Kw::SQLSTATE) {
            self.eat_kw(Kw::VALUE);
            Some(SignalCondition::SqlState(self.string()?))
        } else if self.at_name() {
            Some(SignalCondition::Name(self.ident()?))
        } else if resignal {
            None
        } else {
            return self.unexpected();
        };
        let items = if self.eat_kw(Kw::SET) {
            self.list(|parser| {
                let Some(name) = parser.eat_any_kw(SIGNAL_ITEMS) else { return parser.unexpected() };
                parser.expect(Tok::Eq)?;
                Ok(SignalItem { name: name.name(), value: parser.signal_value()? })
            })?
        } else {
            Vec::new()
        };
        Ok(Statement::Signal(Signal { resignal, condition, items }))
    }

    /// A literal, a variable or a name.
    fn signal_value(&mut self) -> PResult<ExprId> {
        if self.at_name() && self.peek() != Tok::Introducer {
            let start = self.here();
            let name = self.column_name()?;
            let span = self.span_from(start);
            return Ok(self.leaf(Expr::Column(name), span));
        }
        if self.peek() == Tok::At && self.peek_at(1) != Tok::At {
            let start = self.here();
            let name = self.user_variable_name()?;
            let span = self.span_from(start);
            return Ok(self.leaf(Expr::UserVariable(name), span));
        }
        if self.peek() == Tok::At { self.expression() } else { self.literal() }
    }

    /// What stands behind GET.
    pub(crate) fn get_diagnostics(&mut self) -> PResult<Statement> {
        let stacked = self.eat_any_kw(&[Kw::CURRENT, Kw::STACKED]) == Some(Kw::STACKED);
        self.expect_kw(Kw::DIAGNOSTICS)?;
        let condition = if self.eat_kw(Kw::CONDITION) { Some(self.expression()?) } else { None };
        let items = self.list(|parser| {
            let target = if parser.peek() == Tok::At {
                IntoTarget::UserVariable(parser.user_variable_name()?)
            } else {
                IntoTarget::Local(parser.ident()?)
            };
            parser.expect(Tok::Eq)?;
            let name = match condition {
                None => parser.eat_any_kw(&[Kw::NUMBER, Kw::ROW_COUNT]),
                Some(_) => {
                    parser.eat_any_kw(SIGNAL_ITEMS).or_else(|| parser.eat_any_kw(&[Kw::RETURNED_SQLSTATE]))
                }
            };
            match name {
                Some(name) => Ok((target, name.name())),
                None => parser.unexpected(),
            }
        })?;
        Ok(Statement::GetDiagnostics(GetDiagnostics { stacked, condition, items }))
    }
}
