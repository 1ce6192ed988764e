//! BEGIN, COMMIT, ROLLBACK, savepoints.

use crate::run::Done;
use crate::session::{OpenTxn, Session};
use aurora_parser::Statement;
use aurora_txn::TxnMode;
use aurora_types::error as er;
use aurora_types::{SqlError, SqlResult};

impl Session {
    pub(crate) fn transaction_statement(&mut self, statement: &Statement) -> SqlResult<Done> {
        let mut done = Done::default();
        match statement {
            Statement::Begin => {
                self.commit_implicitly()?;
                self.unlock_tables();
                self.open = Some(OpenTxn { txn: self.begin_txn(TxnMode::EXPLICIT), pins: Vec::new() });
            }
            Statement::StartTransaction(start) => {
                self.commit_implicitly()?;
                self.unlock_tables();
                if let Some(read_only) = start.read_only {
                    self.next_read_only = Some(read_only);
                }
                let mode = TxnMode { consistent_snapshot: start.consistent_snapshot, ..TxnMode::EXPLICIT };
                self.open = Some(OpenTxn { txn: self.begin_txn(mode), pins: Vec::new() });
            }
            Statement::Commit(completion) | Statement::Rollback(completion) => {
                if completion.release == Some(true) {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"RELEASE"]));
                }
                let isolation = self.open.as_ref().map(|open| (open.txn.isolation(), open.txn.mode()));
                if matches!(statement, Statement::Commit(_)) {
                    done.ticket = self.commit_open()?;
                } else {
                    self.rollback_open();
                }
                if completion.chain == Some(true) {
                    if let Some((isolation, mode)) = isolation {
                        self.next_isolation = Some(isolation);
                        self.next_read_only = Some(mode.read_only);
                    }
                    self.open = Some(OpenTxn { txn: self.begin_txn(TxnMode::EXPLICIT), pins: Vec::new() });
                }
            }
            Statement::Savepoint(name) => {
                if self.open.is_none() && !self.state.autocommit {
                    self.open = Some(OpenTxn { txn: self.begin_txn(TxnMode::EXPLICIT), pins: Vec::new() });
                }
                if let Some(open) = &self.open {
                    open.txn.savepoint(name.as_str());
                }
            }
            Statement::RollbackTo(name) => match &self.open {
                Some(open) => open.txn.rollback_to(name.as_str())?,
                None => return Err(no_savepoint(name.as_str())),
            },
            Statement::ReleaseSavepoint(name) => match &self.open {
                Some(open) => open.txn.release(name.as_str())?,
                None => return Err(no_savepoint(name.as_str())),
            },
            _ => {}
        }
        Ok(done)
    }
}

fn no_savepoint(name: &str) -> SqlError {
    SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"SAVEPOINT", &name])
}
