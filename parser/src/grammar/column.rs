//! Columns of CREATE TABLE and ALTER TABLE: their types, attributes and checks.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::error::ER_WRONG_USAGE;

impl Parser<'_> {
    /// `name type attributes`
    pub(crate) fn column_definition(&mut self) -> PResult<ColumnDefinition> {
        let name = self.definition_name()?;
        self.column_definition_of(name)
    }

    /// The type and attributes of the column `name`.
    pub(crate) fn column_definition_of(&mut self, name: Ident) -> PResult<ColumnDefinition> {
        let mut ty = self.data_type()?;
        let mut attributes = Vec::new();
        let collate = self.position();
        if self.eat_kw(Kw::COLLATE) {
            ty.collation = Some(self.collation_name()?);
        }
        let generated = if self.commit_kws(&[Kw::GENERATED, Kw::ALWAYS])? {
            self.expect_kw(Kw::AS)?;
            true
        } else {
            self.eat_kw(Kw::AS)
        };
        if generated {
            let (expr, source) = self.parenthesised_expression()?;
            let stored = match self.eat_any_kw(&[Kw::VIRTUAL, Kw::STORED]) {
                Some(word) => word == Kw::STORED,
                None => false,
            };
            attributes.push(ColumnAttribute::Generated { expr, source, stored });
        } else if ty.collation.take().is_some() {
            self.rewind(collate);
        }
        while self.column_attribute(generated, &mut attributes)? {}
        if self.at_kw(Kw::REFERENCES) {
            attributes.push(ColumnAttribute::References(self.references()?));
        }
        Ok(ColumnDefinition { name, ty, attributes })
    }

    /// The name of a new column or key: a name, with table and schema before it allowed for columns.
    pub(crate) fn definition_name(&mut self) -> PResult<Ident> {
        self.ident()
    }

    /// One attribute, or `false`.
    fn column_attribute(&mut self, generated: bool, attributes: &mut Vec<ColumnAttribute>) -> PResult<bool> {
        let Tok::Kw(word) = self.peek() else { return Ok(false) };
        let attribute = match word {
            Kw::NULL => {
                self.bump();
                ColumnAttribute::Null
            }
            Kw::NOT => {
                let at = self.position();
                self.bump();
                match self.eat_any_kw(&[Kw::NULL, Kw::SECONDARY, Kw::ENFORCED]) {
                    Some(Kw::NULL) => ColumnAttribute::NotNull,
                    Some(Kw::SECONDARY) => ColumnAttribute::NotSecondary,
                    Some(_) => return self.enforcement(false, attributes, at),
                    None => return self.unexpected(),
                }
            }
            Kw::ENFORCED => {
                let at = self.position();
                self.bump();
                return self.enforcement(true, attributes, at);
            }
            Kw::DEFAULT => {
                self.bump();
                self.default_value()?
            }
            Kw::ON => {
                self.bump();
                self.expect_kw(Kw::UPDATE)?;
                ColumnAttribute::OnUpdateNow { fsp: self.now()? }
            }
            Kw::AUTO_INCREMENT => {
                self.bump();
                ColumnAttribute::AutoIncrement
            }
            Kw::SERIAL => {
                self.bump();
                self.expect_kws(&[Kw::DEFAULT, Kw::VALUE])?;
                ColumnAttribute::AutoIncrement
            }
            Kw::PRIMARY => {
                self.bump();
                self.expect_kw(Kw::KEY)?;
                ColumnAttribute::PrimaryKey
            }
            Kw::KEY => {
                self.bump();
                ColumnAttribute::PrimaryKey
            }
            Kw::UNIQUE => {
                self.bump();
                self.eat_kw(Kw::KEY);
                ColumnAttribute::Unique
            }
            Kw::COMMENT => {
                self.bump();
                ColumnAttribute::Comment(self.string()?)
            }
            Kw::COLLATE => {
                self.bump();
                ColumnAttribute::Collate(self.collation_name()?)
            }
            Kw::COLUMN_FORMAT => {
                self.bump();
                ColumnAttribute::ColumnFormat(self.one_of(&[Kw::DEFAULT, Kw::FIXED, Kw::DYNAMIC])?)
            }
            Kw::STORAGE => {
                self.bump();
                ColumnAttribute::Storage(self.one_of(&[Kw::DEFAULT, Kw::DISK, Kw::MEMORY])?)
            }
            Kw::SRID => {
                self.bump();
                ColumnAttribute::Srid(self.unsigned()?)
            }
            Kw::ENGINE_ATTRIBUTE => {
                self.bump();
                self.eat(Tok::Eq);
                ColumnAttribute::EngineAttribute(self.string()?)
            }
            Kw::SECONDARY_ENGINE_ATTRIBUTE => {
                self.bump();
                self.eat(Tok::Eq);
                ColumnAttribute::SecondaryEngineAttribute(self.string()?)
            }
            Kw::VISIBLE => {
                self.bump();
                ColumnAttribute::Visible
            }
            Kw::INVISIBLE => {
                self.bump();
                ColumnAttribute::Invisible
            }
            Kw::CONSTRAINT | Kw::CHECK => {
                let name = self.constraint_name()?.flatten();
                if !self.at_kw(Kw::CHECK) {
                    return self.unexpected();
                }
                // Its [NOT] ENFORCED is the next attribute.
                ColumnAttribute::Check(self.check(name, false)?)
            }
            _ => return Ok(false),
        };
        if generated && let Some(what) = not_of_generated(&attribute) {
            let serial = word == Kw::SERIAL;
            let what = if serial { "SERIAL DEFAULT VALUE" } else { what };
            let args = vec![what.to_string(), "generated column".to_string()];
            return Err(ParseError::other(ER_WRONG_USAGE, args));
        }
        if word == Kw::SERIAL {
            attributes.push(ColumnAttribute::NotNull);
            attributes.push(ColumnAttribute::Unique);
        }
        attributes.push(attribute);
        Ok(true)
    }

    /// [NOT] ENFORCED, which must stand right behind a CHECK.
    fn enforcement(
        &mut self,
        enforced: bool,
        attributes: &mut [ColumnAttribute],
        at: usize,
    ) -> PResult<bool> {
        match attributes.last_mut() {
            Some(ColumnAttribute::Check(check)) => {
                check.enforced = enforced;
                Ok(true)
            }
            _ => self.unexpected_at(at),
        }
    }

    /// What stands behind DEFAULT.
    fn default_value(&mut self) -> PResult<ColumnAttribute> {
        if self.peek() == Tok::LParen {
            let (expr, source) = self.parenthesised_expression()?;
            return Ok(ColumnAttribute::DefaultExpr { expr, source });
        }
        if self.at_now() {
            let token = self.token();
            let fsp = self.now()?;
            let args = fsp.map(|fsp| vec![self.leaf(Expr::Literal(Literal::Int(fsp)), token.span())]);
            let name = Ident { text: "now".into(), span: token.span(), quoted: false };
            let call = Expr::Call(Box::new(Call::new(name, args.unwrap_or_default())));
            let span = self.span_from(token.start);
            let id = self.push(call, span, 1)?;
            return Ok(ColumnAttribute::Default(id));
        }
        Ok(ColumnAttribute::Default(self.signed_literal()?))
    }

    /// A literal with an optional sign before a number.
    pub(crate) fn signed_literal(&mut self) -> PResult<ExprId> {
        let start = self.here();
        let op = match self.peek() {
            Tok::Minus => UnaryOp::Minus,
            Tok::Plus => UnaryOp::Plus,
            _ => return self.literal(),
        };
        self.bump();
        if !matches!(self.peek(), Tok::Int | Tok::Decimal | Tok::Float) {
            return self.unexpected();
        }
        let expr = self.literal()?;
        let span = self.span_from(start);
        self.push(Expr::Unary { op, expr }, span, 1)
    }

    /// Whether CURRENT_TIMESTAMP or a synonym comes next.
    fn at_now(&self) -> bool {
        matches!(self.peek(), Tok::Kw(Kw::NOW | Kw::CURRENT_TIMESTAMP | Kw::LOCALTIME | Kw::LOCALTIMESTAMP))
    }

    /// CURRENT_TIMESTAMP or a synonym, with its precision.
    fn now(&mut self) -> PResult<Option<u64>> {
        if !self.at_now() {
            return self.unexpected();
        }
        self.bump();
        if !self.eat(Tok::LParen) {
            return Ok(None);
        }
        let fsp = if self.peek() == Tok::Int { Some(self.unsigned()?) } else { None };
        self.expect(Tok::RParen)?;
        Ok(fsp)
    }

    /// `(expr)` and the text between the parentheses.
    pub(crate) fn parenthesised_expression(&mut self) -> PResult<(ExprId, Span)> {
        self.expect(Tok::LParen)?;
        let start = self.here();
        let expr = self.expression()?;
        let source = self.span_from(start);
        self.expect(Tok::RParen)?;
        Ok((expr, source))
    }

    /// `CHECK (expr)` with its [NOT] ENFORCED where `with_enforcement`.
    pub(crate) fn check(&mut self, name: Option<Ident>, with_enforcement: bool) -> PResult<CheckDefinition> {
        self.expect_kw(Kw::CHECK)?;
        let (expr, source) = self.parenthesised_expression()?;
        let mut enforced = true;
        if with_enforcement {
            if self.eat_kw(Kw::NOT) {
                self.expect_kw(Kw::ENFORCED)?;
                enforced = false;
            } else {
                self.eat_kw(Kw::ENFORCED);
            }
        }
        Ok(CheckDefinition { name, expr, source, enforced })
    }

    /// `CONSTRAINT [name]`: the outer `None` says that the word is not there.
    pub(crate) fn constraint_name(&mut self) -> PResult<Option<Option<Ident>>> {
        if !self.eat_kw(Kw::CONSTRAINT) {
            return Ok(None);
        }
        Ok(Some(if self.at_name() { Some(self.ident()?) } else { None }))
    }

    /// `REFERENCES t [(a, b)] [MATCH ..] [ON DELETE ..] [ON UPDATE ..]`
    pub(crate) fn references(&mut self) -> PResult<References> {
        self.expect_kw(Kw::REFERENCES)?;
        let mut references = References {
            table: self.object_name()?,
            columns: self.optional_ident_list()?,
            match_kind: None,
            on_delete: None,
            on_update: None,
        };
        if self.eat_kw(Kw::MATCH) {
            references.match_kind = match self.eat_any_kw(&[Kw::FULL, Kw::PARTIAL, Kw::SIMPLE]) {
                Some(Kw::FULL) => Some(MatchKind::Full),
                Some(Kw::PARTIAL) => Some(MatchKind::Partial),
                Some(_) => Some(MatchKind::Simple),
                None => return self.unexpected(),
            };
        }
        while self.eat_kw(Kw::ON) {
            if references.on_delete.is_none() && self.eat_kw(Kw::DELETE) {
                references.on_delete = Some(self.reference_action()?);
            } else if references.on_update.is_none() && self.eat_kw(Kw::UPDATE) {
                references.on_update = Some(self.reference_action()?);
            } else {
                return self.unexpected();
            }
        }
        Ok(references)
    }

    fn reference_action(&mut self) -> PResult<ReferenceAction> {
        match self.eat_any_kw(&[Kw::RESTRICT, Kw::CASCADE, Kw::SET, Kw::NO]) {
            Some(Kw::RESTRICT) => Ok(ReferenceAction::Restrict),
            Some(Kw::CASCADE) => Ok(ReferenceAction::Cascade),
            Some(Kw::NO) => {
                self.expect_kw(Kw::ACTION)?;
                Ok(ReferenceAction::NoAction)
            }
            Some(_) => match self.eat_any_kw(&[Kw::NULL, Kw::DEFAULT]) {
                Some(Kw::NULL) => Ok(ReferenceAction::SetNull),
                Some(_) => Ok(ReferenceAction::SetDefault),
                None => self.unexpected(),
            },
            None => self.unexpected(),
        }
    }

    /// One of `words`, as a name.
    pub(crate) fn one_of(&mut self, words: &[Kw]) -> PResult<Ident> {
        let token = self.token();
        match self.eat_any_kw(words) {
            Some(word) => Ok(Ident { text: word.name().into(), span: token.span(), quoted: false }),
            None => self.unexpected(),
        }
    }
}

/// What MySQL calls an attribute that a generated column cannot have.
fn not_of_generated(attribute: &ColumnAttribute) -> Option<&'static str> {
    match attribute {
        ColumnAttribute::Default(_) | ColumnAttribute::DefaultExpr { .. } => Some("DEFAULT"),
        ColumnAttribute::OnUpdateNow { .. } => Some("ON UPDATE"),
        ColumnAttribute::AutoIncrement => Some("AUTO_INCREMENT"),
        ColumnAttribute::ColumnFormat(_) => Some("COLUMN_FORMAT"),
        ColumnAttribute::Storage(_) => Some("STORAGE"),
        _ => None,
    }
}
