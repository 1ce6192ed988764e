//! Keys: of CREATE TABLE, of ALTER TABLE, and of CREATE INDEX.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// Whether a key, a foreign key or a check comes next, and not a column.
    pub(crate) fn at_table_constraint(&self) -> bool {
        matches!(
            self.peek(),
            Tok::Kw(
                Kw::CONSTRAINT
                    | Kw::PRIMARY
                    | Kw::UNIQUE
                    | Kw::KEY
                    | Kw::INDEX
                    | Kw::FULLTEXT
                    | Kw::SPATIAL
                    | Kw::FOREIGN
                    | Kw::CHECK
            )
        )
    }

    /// A key, foreign key or check of a table.
    pub(crate) fn table_constraint(&mut self) -> PResult<TableElement> {
        let constraint = self.constraint_name()?;
        let named = constraint.is_some();
        let constraint = constraint.flatten();
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        match word {
            Kw::CHECK => return Ok(TableElement::Check(self.check(constraint, true)?)),
            Kw::FOREIGN => {
                self.bump();
                self.expect_kw(Kw::KEY)?;
                let index_name = if self.at_name() { Some(self.ident()?) } else { None };
                let columns = self.parenthesised(Parser::foreign_key_column)?;
                let references = self.references()?;
                return Ok(TableElement::ForeignKey(ForeignKeyDefinition {
                    constraint,
                    index_name,
                    columns,
                    references,
                }));
            }
            _ => {}
        }
        let kind = match word {
            Kw::PRIMARY => {
                self.bump();
                self.expect_kw(Kw::KEY)?;
                KeyKind::Primary
            }
            Kw::UNIQUE => {
                self.bump();
                self.eat_any_kw(&[Kw::KEY, Kw::INDEX]);
                KeyKind::Unique
            }
            Kw::KEY | Kw::INDEX if !named => {
                self.bump();
                KeyKind::Index
            }
            Kw::FULLTEXT if !named => {
                self.bump();
                self.eat_any_kw(&[Kw::KEY, Kw::INDEX]);
                KeyKind::FullText
            }
            Kw::SPATIAL if !named => {
                self.bump();
                self.eat_any_kw(&[Kw::KEY, Kw::INDEX]);
                KeyKind::Spatial
            }
            _ => return self.unexpected(),
        };
        let name = if self.at_name() { Some(self.ident()?) } else { None };
        let mut options = KeyOptions::default();
        if !matches!(kind, KeyKind::FullText | KeyKind::Spatial) {
            options.using = self.index_algorithm(name.is_some())?;
        }
        let parts = self.key_parts()?;
        self.key_options(kind, &mut options)?;
        Ok(TableElement::Key(KeyDefinition { kind, constraint, name, parts, options }))
    }

    /// A column of FOREIGN KEY. MySQL's grammar lets a length and an order follow, which mean nothing there.
    fn foreign_key_column(&mut self) -> PResult<Ident> {
        let name = self.ident()?;
        self.optional_length()?;
        self.eat_any_kw(&[Kw::ASC, Kw::DESC]);
        Ok(name)
    }

    /// USING or, where `type_word`, TYPE.
    pub(crate) fn index_algorithm(&mut self, type_word: bool) -> PResult<Option<IndexAlgorithm>> {
        let found = self.eat_kw(Kw::USING) || type_word && self.eat_kw(Kw::TYPE);
        if !found {
            return Ok(None);
        }
        match self.eat_any_kw(&[Kw::BTREE, Kw::RTREE, Kw::HASH]) {
            Some(Kw::BTREE) => Ok(Some(IndexAlgorithm::BTree)),
            Some(Kw::RTREE) => Ok(Some(IndexAlgorithm::RTree)),
            Some(_) => Ok(Some(IndexAlgorithm::Hash)),
            None => self.unexpected(),
        }
    }

    /// `(a(10) DESC, (expr), ..)`
    pub(crate) fn key_parts(&mut self) -> PResult<Vec<KeyPart>> {
        self.parenthesised(|parser| {
            if parser.peek() == Tok::LParen {
                let (expr, source) = parser.parenthesised_expression()?;
                let descending = parser.eat_any_kw(&[Kw::ASC, Kw::DESC]) == Some(Kw::DESC);
                return Ok(KeyPart::Expr { expr, source, descending });
            }
            let name = parser.ident()?;
            let prefix_length = if parser.eat(Tok::LParen) {
                if parser.peek() != Tok::Int {
                    return parser.unexpected();
                }
                let length = parser.unsigned()?;
                parser.expect(Tok::RParen)?;
                Some(length)
            } else {
                None
            };
            let order = parser.eat_any_kw(&[Kw::ASC, Kw::DESC]);
            Ok(KeyPart::Column {
                name,
                prefix_length,
                descending: order == Some(Kw::DESC),
                explicit_order: order.is_some(),
            })
        })
    }

    /// What stands behind the columns of a key.
    pub(crate) fn key_options(&mut self, kind: KeyKind, options: &mut KeyOptions) -> PResult<()> {
        let plain = !matches!(kind, KeyKind::FullText | KeyKind::Spatial);
        loop {
            let Tok::Kw(word) = self.peek() else { return Ok(()) };
            match word {
                Kw::KEY_BLOCK_SIZE => {
                    self.bump();
                    self.eat(Tok::Eq);
                    options.key_block_size = Some(self.unsigned()?);
                }
                Kw::COMMENT => {
                    self.bump();
                    options.comment = Some(self.string()?);
                }
                Kw::VISIBLE | Kw::INVISIBLE => {
                    self.bump();
                    options.visible = Some(word == Kw::VISIBLE);
                }
                Kw::ENGINE_ATTRIBUTE => {
                    self.bump();
                    self.eat(Tok::Eq);
                    options.engine_attribute = Some(self.string()?);
                }
                Kw::SECONDARY_ENGINE_ATTRIBUTE => {
                    self.bump();
                    self.eat(Tok::Eq);
                    options.secondary_engine_attribute = Some(self.string()?);
                }
                Kw::USING | Kw::TYPE if plain => options.using = self.index_algorithm(true)?,
                Kw::WITH if kind == KeyKind::FullText => {
                    self.bump();
                    self.expect_kw(Kw::PARSER)?;
                    options.parser = Some(self.ident()?);
                }
                _ => return Ok(()),
            }
        }
    }
}
