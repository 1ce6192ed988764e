//! CREATE INDEX and DROP INDEX: ALTER TABLE in other words.

use crate::session::Session;
use aurora_parser::{AlterAction, AlterTable, CreateIndex, DropIndex, Parsed};
use aurora_types::{Diagnostics, SqlResult};

impl Session {
    pub(crate) fn create_index(
        &mut self,
        statement: &CreateIndex,
        parsed: &Parsed,
        sql: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let alter = AlterTable {
            name: statement.table.clone(),
            actions: vec![AlterAction::AddKey(statement.key.clone())],
            algorithm: statement.algorithm,
            lock: statement.lock,
            validation: None,
        };
        self.alter_table(&alter, parsed, sql, diagnostics)
    }

    pub(crate) fn drop_index(
        &mut self,
        statement: &DropIndex,
        parsed: &Parsed,
        sql: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<u64> {
        let alter = AlterTable {
            name: statement.table.clone(),
            actions: vec![AlterAction::DropKey { name: statement.name.clone() }],
            algorithm: statement.algorithm,
            lock: statement.lock,
            validation: None,
        };
        self.alter_table(&alter, parsed, sql, diagnostics)
    }
}
