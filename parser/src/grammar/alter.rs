//! ALTER: which thing, and the actions of ALTER TABLE.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::error::{ER_UNKNOWN_ALTER_ALGORITHM, ER_UNKNOWN_ALTER_LOCK};

/// ALGORITHM and LOCK as they come.
#[derive(Default)]
pub(crate) struct AlterModifiers {
    pub(crate) algorithm: Option<AlterAlgorithm>,
    pub(crate) lock: Option<AlterLock>,
    validation: Option<bool>,
}

impl Parser<'_> {
    /// What stands behind ALTER.
    pub(crate) fn alter(&mut self) -> PResult<Statement> {
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        match word {
            Kw::TABLE => {
                self.bump();
                self.alter_table()
            }
            Kw::DATABASE | Kw::SCHEMA => {
                self.bump();
                self.alter_database()
            }
            Kw::USER => {
                self.bump();
                self.alter_user()
            }
            Kw::PROCEDURE | Kw::FUNCTION => {
                self.bump();
                let kind = if word == Kw::PROCEDURE { RoutineKind::Procedure } else { RoutineKind::Function };
                let name = self.object_name()?;
                let options = self.routine_options(false)?;
                Ok(Statement::AlterRoutine(AlterRoutine { kind, name, options }))
            }
            Kw::ALGORITHM | Kw::VIEW | Kw::SQL => self.alter_view(None),
            Kw::DEFINER => {
                let definer = self.definer()?;
                if self.eat_kw(Kw::EVENT) { self.event(true, definer) } else { self.alter_view(definer) }
            }
            Kw::EVENT => {
                self.bump();
                self.event(true, None)
            }
            Kw::TABLESPACE => Ok(self.unsupported("ALTER TABLESPACE")),
            Kw::UNDO => self.unsupported_if(&[Kw::UNDO, Kw::TABLESPACE], "ALTER UNDO TABLESPACE"),
            Kw::LOGFILE => self.unsupported_if(&[Kw::LOGFILE, Kw::GROUP], "ALTER LOGFILE GROUP"),
            Kw::SERVER => Ok(self.unsupported("ALTER SERVER")),
            Kw::INSTANCE => {
                self.bump();
                match self.peek() {
                    Tok::Kw(Kw::ROTATE | Kw::RELOAD | Kw::ENABLE | Kw::DISABLE) => {
                        Ok(self.unsupported("ALTER INSTANCE"))
                    }
                    _ => self.unexpected(),
                }
            }
            Kw::LIBRARY => Ok(self.unsupported("ALTER LIBRARY")),
            Kw::RESOURCE => self.unsupported_if(&[Kw::RESOURCE, Kw::GROUP], "ALTER RESOURCE GROUP"),
            Kw::JSON => Ok(self.unsupported("ALTER JSON DUALITY VIEW")),
            Kw::MATERIALIZED => self.unsupported_if(&[Kw::MATERIALIZED, Kw::VIEW], "ALTER MATERIALIZED VIEW"),
            _ => self.unexpected(),
        }
    }

    fn alter_table(&mut self) -> PResult<Statement> {
        let name = self.object_name()?;
        let mut modifiers = AlterModifiers::default();
        let mut actions = Vec::new();
        if !self.at_end() && !self.at_partitioning() {
            self.alter_table_actions(&mut modifiers, &mut actions)?;
        }
        if self.at_kw(Kw::PARTITION) {
            let partitioning = self.partitioning()?;
            actions.push(AlterAction::Partition(AlterPartition::PartitionBy(partitioning)));
        } else if self.eat_kw(Kw::REMOVE) {
            self.expect_kw(Kw::PARTITIONING)?;
            actions.push(AlterAction::Partition(AlterPartition::Remove));
        }
        Ok(Statement::AlterTable(Box::new(AlterTable {
            name,
            actions,
            algorithm: modifiers.algorithm,
            lock: modifiers.lock,
            validation: modifiers.validation,
        })))
    }

    /// Whether PARTITION BY or REMOVE PARTITIONING comes next, which no comma precedes.
    fn at_partitioning(&self) -> bool {
        self.at_kw(Kw::PARTITION) || self.at_kw(Kw::REMOVE)
    }

    fn alter_table_actions(
        &mut self,
        modifiers: &mut AlterModifiers,
        actions: &mut Vec<AlterAction>,
    ) -> PResult<()> {
        loop {
            if !self.alter_modifier(modifiers)? {
                if actions.is_empty()
                    && let Some(action) = self.standalone_action()?
                {
                    actions.push(action);
                    return Ok(());
                }
                if self.at_table_option() {
                    while let Some(option) = self.table_option()? {
                        actions.push(AlterAction::Option(option));
                    }
                } else {
                    self.alter_action(actions)?;
                }
            }
            if !self.eat(Tok::Comma) {
                return Ok(());
            }
        }
    }

    /// Actions that no other may stand beside.
    fn standalone_action(&mut self) -> PResult<Option<AlterAction>> {
        if self.eat_kws(&[Kw::DISCARD, Kw::TABLESPACE]) {
            return Ok(Some(AlterAction::DiscardTablespace));
        }
        if self.eat_kws(&[Kw::IMPORT, Kw::TABLESPACE]) {
            return Ok(Some(AlterAction::ImportTablespace));
        }
        if self.at_kw(Kw::SECONDARY_LOAD) || self.at_kw(Kw::SECONDARY_UNLOAD) {
            let load = self.bump().tok == Tok::Kw(Kw::SECONDARY_LOAD);
            if self.eat_kw(Kw::PARTITION) {
                self.parenthesised(Parser::ident)?;
            }
            return Ok(Some(if load { AlterAction::SecondaryLoad } else { AlterAction::SecondaryUnload }));
        }
        Ok(self.alter_partition()?.map(AlterAction::Partition))
    }

    /// ALGORITHM, LOCK or VALIDATION, when one comes next.
    fn alter_modifier(&mut self, modifiers: &mut AlterModifiers) -> PResult<bool> {
        if let Some(validation) = self.validation()? {
            modifiers.validation = Some(validation);
            return Ok(true);
        }
        self.algorithm_or_lock(modifiers)
    }

    /// ALGORITHM or LOCK, when one comes next.
    pub(crate) fn algorithm_or_lock(&mut self, modifiers: &mut AlterModifiers) -> PResult<bool> {
        let Some(word) = self.eat_any_kw(&[Kw::ALGORITHM, Kw::LOCK]) else { return Ok(false) };
        self.eat(Tok::Eq);
        let name = if self.eat_kw(Kw::DEFAULT) { Ident::synthetic("DEFAULT") } else { self.ident()? };
        if word == Kw::ALGORITHM {
            modifiers.algorithm = Some(match name.as_str().to_ascii_uppercase().as_str() {
                "DEFAULT" => AlterAlgorithm::Default,
                "INSTANT" => AlterAlgorithm::Instant,
                "INPLACE" => AlterAlgorithm::InPlace,
                "COPY" => AlterAlgorithm::Copy,
                _ => return Err(ParseError::other(ER_UNKNOWN_ALTER_ALGORITHM, vec![name.to_string()])),
            });
        } else {
            modifiers.lock = Some(match name.as_str().to_ascii_uppercase().as_str() {
                "DEFAULT" => AlterLock::Default,
                "NONE" => AlterLock::None,
                "SHARED" => AlterLock::Shared,
                "EXCLUSIVE" => AlterLock::Exclusive,
                _ => return Err(ParseError::other(ER_UNKNOWN_ALTER_LOCK, vec![name.to_string()])),
            });
        }
        Ok(true)
    }

    fn alter_action(&mut self, actions: &mut Vec<AlterAction>) -> PResult<()> {
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        let at = self.position();
        self.bump();
        let action = match word {
            Kw::ADD => return self.alter_add(actions),
            Kw::CHANGE => {
                self.eat_kw(Kw::COLUMN);
                let old = self.ident()?;
                let column = self.column_definition()?;
                AlterAction::ChangeColumn { old, column, place: self.column_place()? }
            }
            Kw::MODIFY => {
                self.eat_kw(Kw::COLUMN);
                let column = self.column_definition()?;
                AlterAction::ModifyColumn { column, place: self.column_place()? }
            }
            Kw::DROP => self.alter_drop()?,
            Kw::ALTER => self.alter_alter()?,
            Kw::RENAME => self.alter_rename()?,
            Kw::DISABLE => {
                self.expect_kw(Kw::KEYS)?;
                AlterAction::DisableKeys
            }
            Kw::ENABLE => {
                self.expect_kw(Kw::KEYS)?;
                AlterAction::EnableKeys
            }
            Kw::CONVERT => {
                self.expect_kw(Kw::TO)?;
                if !self.at_charset_words() {
                    return self.unexpected();
                }
                self.charset_words()?;
                self.eat(Tok::Eq);
                let charset = if self.eat_kw(Kw::DEFAULT) { None } else { Some(self.charset_name()?) };
                let collation = if self.eat_kw(Kw::COLLATE) {
                    self.eat(Tok::Eq);
                    Some(self.collation_name()?)
                } else {
                    None
                };
                AlterAction::ConvertCharset { charset, collation }
            }
            Kw::FORCE => AlterAction::Force,
            Kw::ORDER => {
                self.expect_kw(Kw::BY)?;
                AlterAction::OrderBy(self.list(|parser| {
                    let start = parser.here();
                    let name = parser.column_name()?;
                    let span = parser.span_from(start);
                    let expr = parser.leaf(Expr::Column(name), span);
                    let descending = parser.eat_any_kw(&[Kw::ASC, Kw::DESC]) == Some(Kw::DESC);
                    Ok(OrderItem { expr, descending })
                })?)
            }
            _ => return self.unexpected_at(at),
        };
        actions.push(action);
        Ok(())
    }

    fn alter_add(&mut self, actions: &mut Vec<AlterAction>) -> PResult<()> {
        let column_word = self.eat_kw(Kw::COLUMN);
        if self.peek() == Tok::LParen {
            for element in self.parenthesised(Parser::table_element)? {
                actions.push(match element {
                    TableElement::Column(column) => {
                        AlterAction::AddColumn { column, place: ColumnPlace::Last }
                    }
                    other => add_constraint(other),
                });
            }
            return Ok(());
        }
        if !column_word && self.at_table_constraint() {
            let element = self.table_constraint()?;
            actions.push(add_constraint(element));
            return Ok(());
        }
        let column = self.column_definition()?;
        actions.push(AlterAction::AddColumn { column, place: self.column_place()? });
        Ok(())
    }

    fn column_place(&mut self) -> PResult<ColumnPlace> {
        if self.eat_kw(Kw::FIRST) {
            return Ok(ColumnPlace::First);
        }
        if self.eat_kw(Kw::AFTER) {
            return Ok(ColumnPlace::After(self.ident()?));
        }
        Ok(ColumnPlace::Last)
    }

    fn alter_drop(&mut self) -> PResult<AlterAction> {
        let Tok::Kw(word) = self.peek() else { return self.alter_drop_column() };
        match word {
            Kw::PRIMARY => {
                self.bump();
                self.expect_kw(Kw::KEY)?;
                Ok(AlterAction::DropPrimaryKey)
            }
            Kw::FOREIGN => {
                self.bump();
                self.expect_kw(Kw::KEY)?;
                Ok(AlterAction::DropForeignKey { name: self.ident()? })
            }
            Kw::KEY | Kw::INDEX => {
                self.bump();
                Ok(AlterAction::DropKey { name: self.ident()? })
            }
            Kw::CHECK => {
                self.bump();
                Ok(AlterAction::DropCheck { name: self.ident()? })
            }
            Kw::CONSTRAINT => {
                self.bump();
                Ok(AlterAction::DropConstraint { name: self.ident()? })
            }
            _ => self.alter_drop_column(),
        }
    }

    fn alter_drop_column(&mut self) -> PResult<AlterAction> {
        self.eat_kw(Kw::COLUMN);
        let name = self.ident()?;
        self.eat_any_kw(&[Kw::RESTRICT, Kw::CASCADE]);
        Ok(AlterAction::DropColumn { name })
    }

    /// ALTER COLUMN, ALTER INDEX, ALTER CHECK, ALTER CONSTRAINT.
    fn alter_alter(&mut self) -> PResult<AlterAction> {
        if self.eat_kw(Kw::INDEX) {
            let name = self.ident()?;
            return match self.eat_any_kw(&[Kw::VISIBLE, Kw::INVISIBLE]) {
                Some(word) => Ok(AlterAction::AlterKeyVisibility { name, visible: word == Kw::VISIBLE }),
                None => self.unexpected(),
            };
        }
        if self.eat_any_kw(&[Kw::CHECK, Kw::CONSTRAINT]).is_some() {
            let name = self.ident()?;
            let enforced = !self.eat_kw(Kw::NOT);
            self.expect_kw(Kw::ENFORCED)?;
            return Ok(AlterAction::AlterCheck { name, enforced });
        }
        self.eat_kw(Kw::COLUMN);
        let column = self.ident()?;
        if self.commit_kws(&[Kw::DROP, Kw::DEFAULT])? {
            return Ok(AlterAction::DropDefault { column });
        }
        self.expect_kw(Kw::SET)?;
        if let Some(word) = self.eat_any_kw(&[Kw::VISIBLE, Kw::INVISIBLE]) {
            return Ok(AlterAction::SetColumnVisibility { column, visible: word == Kw::VISIBLE });
        }
        self.expect_kw(Kw::DEFAULT)?;
        if self.peek() == Tok::LParen {
            let (expr, source) = self.parenthesised_expression()?;
            return Ok(AlterAction::SetDefault { column, expr, source: Some(source) });
        }
        let expr = self.signed_literal()?;
        Ok(AlterAction::SetDefault { column, expr, source: None })
    }

    fn alter_rename(&mut self) -> PResult<AlterAction> {
        if self.eat_any_kw(&[Kw::KEY, Kw::INDEX]).is_some() {
            let old = self.ident()?;
            self.expect_kw(Kw::TO)?;
            return Ok(AlterAction::RenameKey { old, new: self.ident()? });
        }
        if self.eat_kw(Kw::COLUMN) {
            let old = self.ident()?;
            self.expect_kw(Kw::TO)?;
            return Ok(AlterAction::RenameColumn { old, new: self.ident()? });
        }
        if self.eat_any_kw(&[Kw::TO, Kw::AS]).is_none() {
            self.eat(Tok::Eq);
        }
        Ok(AlterAction::RenameTable(self.object_name()?))
    }
}

/// ADD of what [`Parser::table_constraint`] gave.
fn add_constraint(element: TableElement) -> AlterAction {
    match element {
        TableElement::Column(column) => AlterAction::AddColumn { column, place: ColumnPlace::Last },
        TableElement::Key(key) => AlterAction::AddKey(key),
        TableElement::ForeignKey(key) => AlterAction::AddForeignKey(key),
        TableElement::Check(check) => AlterAction::AddCheck(check),
    }
}
