//! Between the frontend's protocol and sessions: logins, statements, and what the audit log hears of connections.

use crate::waiter::blocking;
use aurora_audit::{Class, Event};
use aurora_frontend::{
    Account, Authenticator, BoxFuture, ChangeUserInit, ClientSession, FastAnswer, Peer, Prepared, Service,
    SessionInit, Ticket,
};
use aurora_security::{
    AccountName, Attempt, AuthenticatedAccount, ClientHost, FastResult, TlsFacts, Usage, certificate_names,
};
use aurora_session::variables::{GlobalVariables, lookup};
use aurora_session::{Counters, Reply, Session, SessionShared};
use aurora_txn::TxnError;
use aurora_types::error::{ER_INTERNAL_ERROR, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_SECURE_TRANSPORT_REQUIRED};
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlError, SqlResult, StatementStatus, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroizing;

/// Opens sessions on what the server shares.
pub struct SqlService {
    shared: Arc<SessionShared>,
}

impl SqlService {
    pub fn new(shared: Arc<SessionShared>) -> SqlService {
        SqlService { shared }
    }
}

impl Service for SqlService {
    type Session = SqlSession;

    fn authenticator(&self, user: &str, peer: &Peer) -> SqlResult<Box<dyn Authenticator>> {
        let globals = &self.shared.globals;
        if !peer.is_secure() && global_is_on(globals, "require_secure_transport") {
            let error = SqlError::new(ER_SECURE_TRANSPORT_REQUIRED, &[]);
            Counters::add(&self.shared.counters.aborted_connects);
            record(&self.shared, Who::new(user, peer).event("connect", 0, Some(&error)));
            return Err(error);
        }
        let tls = TlsFacts {
            cipher: peer.tls.as_ref().map(|tls| tls.cipher.clone()),
            // TLS has verified it: a client with another one gets no connection.
            certificate: peer.tls.as_ref().and_then(|tls| certificate_names(tls.certificates.first()?)),
        };
        let attempt = self.shared.accounts.begin(user, &client_host(peer), tls);
        let who = Who::new(user, peer);
        Ok(Box::new(Login { shared: self.shared.clone(), attempt: Arc::new(attempt), who }))
    }

    fn open(&self, init: SessionInit) -> SqlResult<SqlSession> {
        let who = Who::new(&init.user, &init.peer);
        let account = account_text(&init.account);
        let usage = connect(&self.shared, &init.account);
        let (id, database) = (u64::from(init.connection_id), init.database.clone().unwrap_or_default());
        let opened = usage.and_then(|usage| Ok((self.open_session(init)?, usage)));
        let event =
            Event { database, account: account.clone(), ..who.event("connect", id, opened.as_ref().err()) };
        record(&self.shared, event);
        if opened.is_err() {
            self.shared.connections.lock().remove(&id);
            Counters::add(&self.shared.counters.aborted_connects);
        }
        let (session, usage) = opened?;
        Ok(SqlSession { session, shared: self.shared.clone(), id, account, who, usage: Some(usage) })
    }
}

/// Counts the connection, where it is within the account's limits.
fn connect(shared: &SessionShared, account: &Account) -> SqlResult<Usage> {
    let name = AccountName::new(&account.user, &account.host);
    let limit = match lookup("max_user_connections").map(|(id, _)| shared.globals.get(id)) {
        Some(Value::UInt(limit)) => u32::try_from(limit).unwrap_or(u32::MAX),
        _ => 0,
    };
    shared.accounts.connect(&name, limit)
}

impl SqlService {
    fn open_session(&self, init: SessionInit) -> SqlResult<Session> {
        let expired = init.account.password_expired;
        if expired && !init.handles_expired_passwords {
            return Err(SqlError::new(ER_MUST_CHANGE_PASSWORD_LOGIN, &[]));
        }
        let init = aurora_session::SessionInit {
            connection_id: init.connection_id.into(),
            user: init.user,
            client_host: init.peer.host,
            account: (init.account.user, init.account.host),
            collation: init.collation,
            database: init.database,
            found_rows: init.found_rows,
            multi_statements: init.multi_statements,
            local_infile: init.local_infile,
            interactive: init.interactive,
            tls: init.peer.tls.map(|tls| (tls.version, tls.cipher)),
            password_expired: expired,
            kill: init.kill,
        };
        Session::new(self.shared.clone(), init)
    }
}

/// Where a client is; through the Unix socket it has no address.
fn client_host(peer: &Peer) -> ClientHost {
    peer.address.map_or_else(ClientHost::local, |address| ClientHost::at(address.ip()))
}

fn global_is_on(globals: &GlobalVariables, name: &str) -> bool {
    lookup(name).is_some_and(|(id, _)| matches!(globals.get(id), Value::Int(1) | Value::UInt(1)))
}

/// Whom an event is about.
#[derive(Clone)]
struct Who {
    user: String,
    ip: String,
    tls: bool,
}

impl Who {
    fn new(user: &str, peer: &Peer) -> Who {
        Who {
            user: user.to_owned(),
            ip: client_host(peer).ip.map(|ip| ip.to_string()).unwrap_or_default(),
            tls: peer.tls.is_some(),
        }
    }

    fn event(&self, name: &str, connection_id: u64, error: Option<&SqlError>) -> Event {
        Event {
            user: self.user.clone(),
            ip: self.ip.clone(),
            tls: self.tls,
            status: error.map_or(0, |error| error.code),
            sqlstate: error.map(|error| error.sqlstate.to_owned()).unwrap_or_default(),
            ..Event::new(Class::Connection, name, connection_id)
        }
    }
}

/// An audit log that fails keeps nobody out: an administrator must be able to log in and mend it.
fn record(shared: &SessionShared, event: Event) {
    let Some(audit) = &shared.audit else { return };
    // Mostly this thread may write it at once, which is less than telling the runtime that it blocks.
    let recorded = audit.begin(event).and_then(|told| match audit.try_finish(told)? {
        true => Ok(()),
        false => blocking(|| audit.finish(told)),
    });
    if let Err(error) = recorded {
        tracing::error!(%error, "a connection could not be recorded in the audit log");
    }
}

fn account_text(account: &Account) -> String {
    format!("{}@{}", account.user, account.host)
}

struct Login {
    shared: Arc<SessionShared>,
    attempt: Arc<Attempt>,
    who: Who,
}

fn welcomed(account: &AuthenticatedAccount) -> Account {
    let name = &account.account.name;
    Account { user: name.user.clone(), host: name.host.clone(), password_expired: account.password_expired }
}

impl Login {
    /// Checks a proof that takes microseconds, unless its outcome is stored.
    fn quickly<T>(&self, check: impl FnOnce(&Attempt) -> T) -> T {
        match self.attempt.stores_nothing() {
            true => check(&self.attempt),
            false => blocking(|| check(&self.attempt)),
        }
    }

    fn refused(&self, error: SqlError) -> SqlError {
        Counters::add(&self.shared.counters.aborted_connects);
        record(&self.shared, self.who.event("connect", 0, Some(&error)));
        error
    }
}

impl Authenticator for Login {
    fn without_password(&mut self) -> SqlResult<Account> {
        self.quickly(Attempt::empty).map(|account| welcomed(&account)).map_err(|error| self.refused(error))
    }

    fn fast(&mut self, nonce: &[u8; 20], proof: &[u8; 32]) -> FastAnswer {
        match self.quickly(|attempt| attempt.fast(proof, nonce)) {
            Ok(FastResult::Ok(account)) => FastAnswer::Accepted(welcomed(&account)),
            Ok(FastResult::NeedFull) => FastAnswer::Unknown,
            Err(error) => FastAnswer::Refused(self.refused(error)),
        }
    }

    fn full(&mut self, password: Zeroizing<Vec<u8>>) -> BoxFuture<'_, SqlResult<Account>> {
        Box::pin(async move {
            let attempt = self.attempt.clone();
            // Argon2 takes tens of milliseconds of a core, and waits for its turn before.
            let checked = tokio::task::spawn_blocking(move || attempt.full(&password)).await;
            let answer = checked.unwrap_or_else(|_| {
                Err(SqlError::new(ER_INTERNAL_ERROR, &[&"checking the password did not finish"]))
            });
            answer.map(|account| welcomed(&account)).map_err(|error| self.refused(error))
        })
    }
}

/// One client's session.
pub struct SqlSession {
    session: Session,
    shared: Arc<SessionShared>,
    id: u64,
    account: String,
    who: Who,
    /// `None` while the user changes.
    usage: Option<Usage>,
}

impl Drop for SqlSession {
    fn drop(&mut self) {
        self.shared.named_locks.release_all(self.id);
        self.shared.connections.lock().remove(&self.id);
        record(
            &self.shared,
            Event { account: self.account.clone(), ..self.who.event("disconnect", self.id, None) },
        );
    }
}

fn utf8(bytes: &[u8], collation: CollationId) -> String {
    String::from_utf8_lossy(&collation.charset().decode_lossy(bytes)).into_owned()
}

/// Ends the last result; what is left is its way to the disk.
fn answered(reply: Reply, sink: &mut dyn RowSink) -> SqlResult<Option<Ticket>> {
    sink.end(&reply.status)?;
    Ok(reply.ticket.map(|ticket| -> Ticket {
        Box::pin(async move {
            ticket.await.map_err(|error| SqlError::from(TxnError::from(error)))?;
            Ok(())
        })
    }))
}

impl SqlSession {
    /// As [`ClientSession::execute`], statement by statement, each of which the account's limits must allow.
    fn execute_counted(&mut self, sql: &[u8], sink: &mut dyn RowSink) -> SqlResult<Option<Ticket>> {
        let mut rest = sql;
        loop {
            // What cannot be read is not counted: its execution says why.
            let counted = self.session.counted(rest);
            if let (Some(counted), Some(usage)) = (counted, &self.usage) {
                usage.statement(counted.changes_data)?;
            }
            let Some(counted) = counted.filter(|counted| !counted.is_last) else {
                let reply = self.session.execute(rest, sink)?;
                return answered(reply, sink);
            };
            let (own, others) = rest.split_at(counted.bytes);
            let reply = self.session.execute(own, sink)?;
            if let Some(ticket) = reply.ticket {
                ticket.wait(&*self.shared.waiter).map_err(|error| SqlError::from(TxnError::from(error)))?;
            }
            sink.end(&reply.status)?;
            rest = others;
        }
    }
}

impl ClientSession for SqlSession {
    fn execute(&mut self, sql: &[u8], sink: &mut dyn RowSink) -> SqlResult<Option<Ticket>> {
        if self.usage.as_ref().is_some_and(Usage::counts_statements) {
            return self.execute_counted(sql, sink);
        }
        let reply = self.session.execute(sql, sink)?;
        answered(reply, sink)
    }

    fn prepare(&mut self, sql: &[u8]) -> SqlResult<Prepared> {
        let prepared = self.session.prepare(sql)?;
        let aurora_session::Prepared { id, params, columns, warnings } = prepared;
        Ok(Prepared { id, params, columns, warnings })
    }

    fn execute_prepared(
        &mut self,
        id: u32,
        params: Vec<Value>,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Option<Ticket>> {
        if let Some(usage) = self.usage.as_ref().filter(|usage| usage.counts_statements()) {
            usage.statement(self.session.prepared_changes_data(id))?;
        }
        let reply = self.session.execute_prepared(id, params, sink)?;
        answered(reply, sink)
    }

    fn check_cursor(&self, id: u32) -> SqlResult<()> {
        self.session.check_cursor(id)
    }

    fn close_prepared(&mut self, id: u32) {
        self.session.close_prepared(id);
    }

    fn use_database(&mut self, name: &[u8]) -> SqlResult<StatementStatus> {
        let name = utf8(name, self.session.state.client_collation);
        self.session.use_database(&name)?;
        Ok(self.session.plain_status())
    }

    fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> SqlResult<Vec<(ColumnMeta, Option<Vec<u8>>)>> {
        let collation = self.session.state.client_collation;
        self.session.field_list(&utf8(table, collation), &utf8(wildcard, collation))
    }

    fn reset(&mut self) -> SqlResult<()> {
        self.session.reset();
        Ok(())
    }

    fn change_user(&mut self, init: ChangeUserInit) -> SqlResult<()> {
        let host = self.session.state.client_host.clone();
        self.account = account_text(&init.account);
        self.who.user.clone_from(&init.user);
        // The connection leaves one account and joins another, which may be the same one.
        self.usage = None;
        let usage = connect(&self.shared, &init.account);
        if usage.is_err() {
            let event = self.who.event("change_user", self.id, usage.as_ref().err());
            record(&self.shared, Event { account: self.account.clone(), ..event });
        }
        self.usage = Some(usage?);
        let expired = init.account.password_expired;
        let account = (init.account.user, init.account.host);
        let changed =
            self.session.change_user(&init.user, &host, account, init.database.as_deref(), init.collation);
        self.session.state.password_expired = expired;
        let event = self.who.event("change_user", self.id, changed.as_ref().err());
        let database = init.database.unwrap_or_default();
        record(&self.shared, Event { account: self.account.clone(), database, ..event });
        changed
    }

    fn set_multi_statements(&mut self, allowed: bool) {
        self.session.state.multi_statements = allowed;
    }

    fn statistics(&mut self) -> String {
        let counters = &self.shared.counters;
        let uptime_s = ((self.shared.now_micros() - self.shared.facts.started_micros) / 1_000_000).max(0);
        let questions = counters.questions.load(Ordering::Relaxed);
        let slow = counters.slow_queries.load(Ordering::Relaxed);
        let threads = self.shared.connections.lock().len();
        let average = questions as f64 / uptime_s.max(1) as f64;
        format!(
            "Uptime: {uptime_s}  Threads: {threads}  Questions: {questions}  Slow queries: {slow}  Opens: 0  \
             Flush tables: 0  Open tables: 0  Queries per second avg: {average:.3}"
        )
    }

    fn ends_at_once(&self) -> bool {
        self.session.holds_nothing()
    }

    fn status_flags(&self) -> u16 {
        self.session.status_flags()
    }

    fn client_collation(&self) -> CollationId {
        self.session.state.client_collation
    }

    fn results_collation(&self) -> Option<CollationId> {
        self.session.results_collation()
    }

    fn max_allowed_packet(&self) -> usize {
        usize::try_from(self.session.max_allowed_packet()).unwrap_or(usize::MAX)
    }

    fn wait_timeout(&self) -> Duration {
        Duration::from_secs(self.session.wait_timeout_s())
    }

    fn net_read_timeout(&self) -> Duration {
        Duration::from_secs(self.session.net_read_timeout_s())
    }

    fn net_write_timeout(&self) -> Duration {
        Duration::from_secs(self.session.net_write_timeout_s())
    }
}
