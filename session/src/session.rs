//! A session: its state and its transaction.

use crate::plans::Plans;
use crate::prepared::PreparedStatements;
use crate::shared::{Connection, Counters, Doing, SessionShared};
use crate::state::{SessionInit, SessionState};
use crate::variables::{SessionVariables, known};
use aurora_catalog::{ClosedTable, Pin, PinWait, TableDef, TableId};
use aurora_executor::TableInfo;
use aurora_security::Effective;
use aurora_txn::{CommitTicket, Durability, Isolation, Txn, TxnMode};
use aurora_types::error::{ER_BAD_DB_ERROR, ER_NO_DB_ERROR};
use aurora_types::{CollationId, SqlError, SqlResult, StatementStatus};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// MySQL's `server_status` bits that a session knows.
pub mod status {
    pub const IN_TRANSACTION: u16 = 0x0001;
    pub const AUTOCOMMIT: u16 = 0x0002;
    pub const NO_BACKSLASH_ESCAPES: u16 = 0x0200;
    pub const IN_TRANSACTION_READ_ONLY: u16 = 0x2000;
}

/// A transaction that outlives its statement.
pub(crate) struct OpenTxn {
    pub txn: Txn,
    /// Versions of tables that it uses, to its end.
    pub pins: Vec<Pin>,
}

/// LOCK TABLES.
pub(crate) struct LockedTables {
    /// Table, name as locked (alias), for writing.
    pub tables: Vec<(TableId, String, bool)>,
    /// Tables locked WRITE: nobody else begins to use them.
    pub _closed: Vec<ClosedTable>,
    /// Holds shared table locks for the tables locked READ.
    pub _holder: Option<Txn>,
}

/// What a statement leaves to be said when it is durable.
pub struct Reply {
    /// To be awaited before `status` goes out. `None`: at once.
    pub ticket: Option<CommitTicket>,
    pub status: StatementStatus,
}

pub struct Session {
    pub state: SessionState,
    pub(crate) open: Option<OpenTxn>,
    /// `SET TRANSACTION` for the next one only.
    pub(crate) next_isolation: Option<Isolation>,
    pub(crate) next_read_only: Option<bool>,
    pub(crate) temporary: Vec<Arc<TableDef>>,
    pub(crate) locked: Option<LockedTables>,
    pub(crate) prepared: PreparedStatements,
    pub(crate) plans: Plans,
    pub(crate) connection: Arc<Connection>,
    /// What the account may do, as last looked up.
    pub(crate) known_privileges: Cell<Option<Arc<Effective>>>,
    /// The table of the last statement.
    pub(crate) last_table: Cell<Option<Arc<TableInfo>>>,
}

impl Session {
    /// Begins a session for a client that has been let in.
    ///
    /// # Errors
    /// 1049 for an unknown database, 1044 for one that the account may not use.
    pub fn new(shared: Arc<SessionShared>, init: SessionInit) -> SqlResult<Session> {
        let connection = Arc::new(Connection {
            id: init.connection_id,
            user: init.user.clone(),
            host: init.client_host.clone(),
            kill: init.kill.clone(),
            doing: parking_lot::Mutex::new(Doing {
                database: init.database.clone(),
                command: "Sleep",
                since: shared.now_micros() / 1_000_000,
                ..Doing::default()
            }),
        });
        shared.connections.lock().insert(init.connection_id, connection.clone());
        Counters::add(&shared.counters.connections);
        let database = init.database.clone();
        let init = SessionInit { database: None, ..init };
        let mut session = Session {
            state: SessionState::new(shared, init),
            open: None,
            next_isolation: None,
            next_read_only: None,
            temporary: Vec::new(),
            locked: None,
            prepared: PreparedStatements::default(),
            plans: Plans::default(),
            connection,
            known_privileges: Cell::new(None),
            last_table: Cell::new(None),
        };
        session.activate_default_roles();
        if let Some(database) = database.filter(|name| !name.is_empty()) {
            session.use_database(&database)?;
        }
        Ok(session)
    }

    /// Whether its end has nothing to roll back, delete or unlock.
    pub fn holds_nothing(&self) -> bool {
        self.open.is_none() && self.temporary.is_empty() && self.locked.is_none()
    }

    /// `server_status` as the OK packet tells it.
    pub fn status_flags(&self) -> u16 {
        let mut flags = 0;
        if self.state.autocommit {
            flags |= status::AUTOCOMMIT;
        }
        if let Some(open) = &self.open {
            flags |= status::IN_TRANSACTION;
            if open.txn.is_read_only() {
                flags |= status::IN_TRANSACTION_READ_ONLY;
            }
        }
        if self.state.sql_mode.contains(aurora_types::SqlMode::NO_BACKSLASH_ESCAPES) {
            flags |= status::NO_BACKSLASH_ESCAPES;
        }
        flags
    }

    pub fn max_allowed_packet(&self) -> u64 {
        self.state.variables.integer_of(known().max_allowed_packet)
    }

    pub fn wait_timeout_s(&self) -> u64 {
        self.state.variables.integer_of(known().wait_timeout)
    }

    pub fn net_read_timeout_s(&self) -> u64 {
        self.state.variables.integer_of(known().net_read_timeout)
    }

    pub fn net_write_timeout_s(&self) -> u64 {
        self.state.variables.integer_of(known().net_write_timeout)
    }

    pub fn results_collation(&self) -> Option<CollationId> {
        self.state.results_collation
    }

    /// COM_INIT_DB and USE.
    ///
    /// # Errors
    /// 1046, 1049, 1044.
    pub fn use_database(&mut self, name: &str) -> SqlResult<()> {
        if name.is_empty() {
            return Err(SqlError::new(ER_NO_DB_ERROR, &[]));
        }
        let is_virtual = crate::info_schema::has_schema(name);
        let known = is_virtual || self.state.shared.catalog.snapshot().schema(name).is_some();
        self.check_database(name)?;
        if !known {
            return Err(SqlError::new(ER_BAD_DB_ERROR, &[&name]));
        }
        let name = if is_virtual { name.to_lowercase() } else { name.to_owned() };
        self.connection.doing.lock().database = Some(name.clone());
        self.state.database = Some(name);
        self.forget_plans();
        Ok(())
    }

    /// Plans depend on sql_mode, collations, variables' types and the default database.
    pub(crate) fn forget_plans(&mut self) {
        self.plans.clear();
        self.prepared.forget_plans();
    }

    pub(crate) fn waiting(&self, timeout: Duration) -> PinWait<'_> {
        PinWait { waiter: &*self.state.shared.waiter, timeout, kill: &self.state.kill }
    }

    pub(crate) fn lock_wait_timeout(&self) -> Duration {
        Duration::from_secs(self.state.variables.integer_of(known().lock_wait_timeout))
    }

    pub(crate) fn isolation(&self) -> Isolation {
        match self.state.variables.get(known().transaction_isolation) {
            aurora_types::Value::Text(name) => isolation_of(&name.to_str_lossy()),
            _ => Isolation::RepeatableRead,
        }
    }

    pub(crate) fn durability(&self) -> Durability {
        let globals = &self.state.shared.globals;
        match globals.get(known().innodb_flush_log_at_trx_commit) {
            aurora_types::Value::UInt(0) | aurora_types::Value::Int(0) => Durability::Buffered,
            aurora_types::Value::UInt(2) | aurora_types::Value::Int(2) => Durability::Written,
            _ => Durability::Synced,
        }
    }

    /// A new transaction with the session's settings.
    pub(crate) fn begin_txn(&mut self, mode: TxnMode) -> Txn {
        let isolation = self.next_isolation.take().unwrap_or_else(|| self.isolation());
        let variables = &self.state.variables;
        let read_only = self.next_read_only.take();
        let read_only = read_only.unwrap_or_else(|| variables.integer_of(known().transaction_read_only) != 0);
        let mode = TxnMode { read_only: mode.read_only || read_only, ..mode };
        let txn =
            self.state.shared.catalog.manager().begin_killable(isolation, mode, self.state.kill.clone());
        let timeout = self.state.variables.integer_of(known().innodb_lock_wait_timeout);
        txn.set_lock_wait_timeout(Duration::from_secs(timeout));
        txn
    }

    /// Commits what is open; the ticket is to be awaited before the client hears of it.
    ///
    /// # Errors
    /// 1213 for a serializable transaction that was overtaken, and failures of storage: it is rolled back then.
    pub(crate) fn commit_open(&mut self) -> SqlResult<Option<CommitTicket>> {
        let Some(open) = self.open.take() else { return Ok(None) };
        Counters::add(&self.state.shared.counters.commits);
        let ticket = open.txn.commit(self.durability())?;
        drop(open.pins);
        Ok((!ticket.is_ready()).then_some(ticket))
    }

    pub(crate) fn rollback_open(&mut self) {
        if let Some(open) = self.open.take() {
            Counters::add(&self.state.shared.counters.rollbacks);
            open.txn.rollback();
        }
    }

    /// Statements such as DDL end the transaction before they begin, and wait for it.
    ///
    /// # Errors
    /// As [`Session::commit_open`].
    pub(crate) fn commit_implicitly(&mut self) -> SqlResult<()> {
        if let Some(ticket) = self.commit_open()? {
            self.wait(ticket)?;
        }
        Ok(())
    }

    pub(crate) fn wait(&self, ticket: CommitTicket) -> SqlResult<()> {
        ticket.wait(&*self.state.shared.waiter).map_err(aurora_txn::TxnError::from)?;
        Ok(())
    }

    /// COM_RESET_CONNECTION: as after a fresh login, the database stays.
    pub fn reset(&mut self) {
        self.rollback_open();
        self.drop_temporary();
        self.unlock_tables();
        self.prepared = PreparedStatements::default();
        self.plans.clear();
        self.next_isolation = None;
        self.next_read_only = None;
        self.state.shared.named_locks.release_all(self.state.id);
        self.state.user_variables.borrow_mut().clear();
        self.state.variables = SessionVariables::new(&self.state.shared.globals);
        let collation = self.state.client_collation;
        self.state.set_client_collation(collation);
        self.state.last_insert_id.set(0);
        self.state.insert_id.set(None);
        self.state.fixed_now.set(None);
        self.state.diagnostics.clear();
        self.state.refresh();
    }

    pub(crate) fn unlock_tables(&mut self) {
        if self.locked.take().is_some() {
            self.state.shared.table_locks.leave();
        }
    }

    /// Drops the session's temporary tables with their rows.
    pub(crate) fn drop_temporary(&mut self) {
        let tables = std::mem::take(&mut self.temporary);
        if tables.is_empty() {
            return;
        }
        let change = self.state.shared.catalog.change();
        for table in &tables {
            let _ = change.delete_storage(table.storage);
            for index in &table.indexes {
                let _ = change.delete_storage(index.storage);
            }
        }
        if let Err(error) = change.commit() {
            tracing::warn!(%error, "temporary tables' rows could not be deleted");
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.rollback_open();
        self.drop_temporary();
        self.unlock_tables();
    }
}

/// By the variable's spelling.
pub(crate) fn isolation_of(text: &str) -> Isolation {
    match text {
        "READ-UNCOMMITTED" => Isolation::ReadUncommitted,
        "READ-COMMITTED" => Isolation::ReadCommitted,
        "SERIALIZABLE" => Isolation::Serializable,
        _ => Isolation::RepeatableRead,
    }
}
