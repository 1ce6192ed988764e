//! DROP, TRUNCATE and RENAME.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

use super::alter::AlterModifiers;

impl Parser<'_> {
    /// What stands behind DROP.
    pub(crate) fn drop(&mut self) -> PResult<Statement> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        match word {
            Kw::TEMPORARY => {
                if self.eat_any_kw(&[Kw::TABLE, Kw::TABLES]).is_none() {
                    return self.unexpected();
                }
                Ok(Statement::DropTable(self.drop_tables(true)?))
            }
            Kw::TABLE | Kw::TABLES => Ok(Statement::DropTable(self.drop_tables(false)?)),
            Kw::VIEW => Ok(Statement::DropView(self.drop_tables(false)?)),
            Kw::INDEX => {
                let name = self.ident()?;
                self.expect_kw(Kw::ON)?;
                let table = self.object_name()?;
                let mut modifiers = AlterModifiers::default();
                while self.algorithm_or_lock(&mut modifiers)? {}
                let AlterModifiers { algorithm, lock, .. } = modifiers;
                Ok(Statement::DropIndex(DropIndex { name, table, algorithm, lock }))
            }
            Kw::DATABASE | Kw::SCHEMA => {
                let if_exists = self.if_exists()?;
                Ok(Statement::DropDatabase { if_exists, name: self.ident()? })
            }
            Kw::PROCEDURE => self.drop_routine(RoutineKind::Procedure),
            Kw::FUNCTION => self.drop_routine(RoutineKind::Function),
            Kw::TRIGGER => self.drop_routine(RoutineKind::Trigger),
            Kw::EVENT => self.drop_routine(RoutineKind::Event),
            Kw::USER => {
                let if_exists = self.if_exists()?;
                Ok(Statement::DropUser { if_exists, users: self.list(Parser::user_name)? })
            }
            Kw::ROLE => {
                let if_exists = self.if_exists()?;
                Ok(Statement::DropRole { if_exists, roles: self.list(Parser::role_name)? })
            }
            Kw::PREPARE => Ok(Statement::Deallocate(self.ident()?)),
            Kw::TABLESPACE => self.drop_unsupported(&[], "DROP TABLESPACE"),
            Kw::UNDO => self.drop_unsupported(&[Kw::TABLESPACE], "DROP UNDO TABLESPACE"),
            Kw::LOGFILE => self.drop_unsupported(&[Kw::GROUP], "DROP LOGFILE GROUP"),
            Kw::SERVER => {
                self.if_exists()?;
                self.drop_unsupported(&[], "DROP SERVER")
            }
            Kw::SPATIAL => self.unsupported_if(&[Kw::REFERENCE, Kw::SYSTEM], "DROP SPATIAL REFERENCE SYSTEM"),
            Kw::RESOURCE => self.drop_unsupported(&[Kw::GROUP], "DROP RESOURCE GROUP"),
            Kw::LIBRARY => {
                self.if_exists()?;
                self.drop_unsupported(&[], "DROP LIBRARY")
            }
            _ => self.unexpected_at(at),
        }
    }

    /// Something that is not built: the rest of its kind, and its name.
    fn drop_unsupported(&mut self, words: &[Kw], what: &'static str) -> PResult<Statement> {
        self.expect_kws(words)?;
        self.ident_or_text()?;
        Ok(self.unsupported(what))
    }

    fn drop_tables(&mut self, temporary: bool) -> PResult<DropTables> {
        let if_exists = self.if_exists()?;
        let names = self.list(Parser::object_name)?;
        self.eat_any_kw(&[Kw::RESTRICT, Kw::CASCADE]);
        Ok(DropTables { temporary, if_exists, names })
    }

    fn drop_routine(&mut self, kind: RoutineKind) -> PResult<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.object_name()?;
        Ok(Statement::DropRoutine(DropRoutine { kind, if_exists, name }))
    }

    /// What stands behind TRUNCATE.
    pub(crate) fn truncate(&mut self) -> PResult<Statement> {
        self.eat_kw(Kw::TABLE);
        Ok(Statement::TruncateTable(self.object_name()?))
    }

    /// What stands behind RENAME.
    pub(crate) fn rename(&mut self) -> PResult<Statement> {
        if self.eat_kw(Kw::USER) {
            let renames = self.list(|parser| {
                let old = parser.user_name()?;
                parser.expect_kw(Kw::TO)?;
                Ok((old, parser.user_name()?))
            })?;
            return Ok(Statement::RenameUser(RenameUser { renames }));
        }
        if self.eat_any_kw(&[Kw::TABLE, Kw::TABLES]).is_none() {
            return self.unexpected();
        }
        let renames = self.list(|parser| {
            let old = parser.object_name()?;
            parser.expect_kw(Kw::TO)?;
            Ok((old, parser.object_name()?))
        })?;
        Ok(Statement::RenameTable(renames))
    }
}
