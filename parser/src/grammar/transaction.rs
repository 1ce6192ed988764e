//! Transactions, savepoints, XA, and table locks.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;

impl Parser<'_> {
    /// What stands behind BEGIN.
    pub(crate) fn begin(&mut self) -> PResult<Statement> {
        self.eat_kw(Kw::WORK);
        Ok(Statement::Begin)
    }

    /// What stands behind START.
    pub(crate) fn start(&mut self) -> PResult<Statement> {
        if self.at_kw(Kw::REPLICA) {
            return Ok(self.unsupported("START REPLICA"));
        }
        if self.at_kw(Kw::GROUP_REPLICATION) {
            return Ok(self.unsupported("START GROUP_REPLICATION"));
        }
        self.expect_kw(Kw::TRANSACTION)?;
        let mut start = StartTransaction::default();
        loop {
            if self.eat_kw(Kw::WITH) {
                self.expect_kws(&[Kw::CONSISTENT, Kw::SNAPSHOT])?;
                start.consistent_snapshot = true;
            } else if self.eat_kw(Kw::READ) {
                let read_only = match self.eat_any_kw(&[Kw::ONLY, Kw::WRITE]) {
                    Some(word) => word == Kw::ONLY,
                    None => return self.unexpected(),
                };
                if start.read_only.is_some_and(|before| before != read_only) {
                    return self.unexpected();
                }
                start.read_only = Some(read_only);
            } else if start == StartTransaction::default() {
                break;
            } else {
                return self.unexpected();
            }
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        Ok(Statement::StartTransaction(start))
    }

    /// What stands behind COMMIT.
    pub(crate) fn commit(&mut self) -> PResult<Statement> {
        self.eat_kw(Kw::WORK);
        self.completion().map(Statement::Commit)
    }

    /// What stands behind ROLLBACK.
    pub(crate) fn rollback(&mut self) -> PResult<Statement> {
        self.eat_kw(Kw::WORK);
        if self.eat_kw(Kw::TO) {
            self.eat_kw(Kw::SAVEPOINT);
            return self.ident().map(Statement::RollbackTo);
        }
        self.completion().map(Statement::Rollback)
    }

    /// `[AND [NO] CHAIN] [[NO] RELEASE]`
    fn completion(&mut self) -> PResult<Completion> {
        let mut completion = Completion::default();
        if self.eat_kw(Kw::AND) {
            completion.chain = Some(!self.eat_kw(Kw::NO));
            self.expect_kw(Kw::CHAIN)?;
        }
        if self.eat_kw(Kw::NO) {
            self.expect_kw(Kw::RELEASE)?;
            completion.release = Some(false);
        } else if completion.chain != Some(true) && self.eat_kw(Kw::RELEASE) {
            completion.release = Some(true);
        }
        Ok(completion)
    }

    /// What stands behind RELEASE.
    pub(crate) fn release(&mut self) -> PResult<Statement> {
        self.expect_kw(Kw::SAVEPOINT)?;
        self.ident().map(Statement::ReleaseSavepoint)
    }

    /// What stands behind LOCK.
    pub(crate) fn lock(&mut self) -> PResult<Statement> {
        if self.eat_kw(Kw::INSTANCE) {
            self.expect_kws(&[Kw::FOR, Kw::BACKUP])?;
            return Ok(Statement::LockInstance);
        }
        if self.eat_any_kw(&[Kw::TABLE, Kw::TABLES]).is_none() {
            return self.unexpected();
        }
        let tables = self.list(|parser| {
            let table = parser.object_name()?;
            let named = parser.eat_kw(Kw::AS);
            let alias = if named || parser.at_name() { Some(parser.ident()?) } else { None };
            let (write, local) = match parser.eat_any_kw(&[Kw::READ, Kw::WRITE]) {
                Some(Kw::READ) => (false, parser.eat_kw(Kw::LOCAL)),
                Some(_) => (true, false),
                None => return parser.unexpected(),
            };
            Ok(LockTable { table, alias, write, local })
        })?;
        Ok(Statement::LockTables(tables))
    }

    /// What stands behind UNLOCK.
    pub(crate) fn unlock(&mut self) -> PResult<Statement> {
        match self.eat_any_kw(&[Kw::TABLE, Kw::TABLES, Kw::INSTANCE]) {
            Some(Kw::INSTANCE) => Ok(Statement::UnlockInstance),
            Some(_) => Ok(Statement::UnlockTables),
            None => self.unexpected(),
        }
    }

    /// What stands behind XA.
    pub(crate) fn xa(&mut self) -> PResult<Statement> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        let xa = match word {
            Kw::START | Kw::BEGIN => {
                let xid = self.xid()?;
                let join = self.eat_any_kw(&[Kw::JOIN, Kw::RESUME]).map(|word| word == Kw::JOIN);
                Xa::Start { xid, join }
            }
            Kw::END => {
                let xid = self.xid()?;
                let suspend = self.eat_kw(Kw::SUSPEND);
                let for_migrate = suspend && self.commit_kws(&[Kw::FOR, Kw::MIGRATE])?;
                Xa::End { xid, suspend, for_migrate }
            }
            Kw::PREPARE => Xa::Prepare(self.xid()?),
            Kw::COMMIT => {
                let xid = self.xid()?;
                Xa::Commit { xid, one_phase: self.commit_kws(&[Kw::ONE, Kw::PHASE])? }
            }
            Kw::ROLLBACK => Xa::Rollback(self.xid()?),
            Kw::RECOVER => Xa::Recover { convert_xid: self.commit_kws(&[Kw::CONVERT, Kw::XID])? },
            _ => return self.unexpected_at(at),
        };
        Ok(Statement::Xa(xa))
    }

    /// `gtrid [, bqual [, format]]`
    fn xid(&mut self) -> PResult<Xid> {
        let gtrid = self.xid_part()?;
        let mut xid = Xid { gtrid, bqual: Text::from(""), format_id: 1 };
        if self.eat(Tok::Comma) {
            xid.bqual = self.xid_part()?;
            if self.eat(Tok::Comma) {
                xid.format_id = self.unsigned()?;
            }
        }
        Ok(xid)
    }

    /// A string, hexadecimal or binary, of at most 64 bytes.
    fn xid_part(&mut self) -> PResult<Text> {
        const LONGEST: usize = 64;
        let part = self.any_string()?.bytes;
        if part.as_bytes().len() > LONGEST {
            return self.unexpected();
        }
        Ok(part)
    }
}
