//! The command phase: one packet in, one answer out, until the client leaves.

use crate::channel::Channel;
use crate::connection::{Broken, Connection};
use crate::login::{LoggedIn, LoginError, Proof, authenticate, decode_name, known_collation};
use crate::pace::Pace;
use crate::password_key::PasswordKey;
use crate::registry::{ConnectionEntry, Connections};
use crate::server::Options;
use crate::service::{ChangeUserInit, ClientSession, Peer, Service, Ticket};
use crate::sink::WireSink;
use crate::statements::Statements;
use aurora_types::error::{
    ER_CLIENT_INTERACTION_TIMEOUT, ER_MALFORMED_PACKET, ER_NOT_SUPPORTED_YET, ER_PS_MANY_PARAM,
    ER_SERVER_SHUTDOWN, ER_UNKNOWN_COM_ERROR, ER_UNKNOWN_ERROR,
};
use aurora_types::{RowSink, SqlError, SqlResult, StatementStatus};
use aurora_wire::compress::Method;
use aurora_wire::constants::Capabilities;
use aurora_wire::params::execute_flag;
use aurora_wire::{
    ChangeUser, ClientView, Command, CursorBudget, Nonce, OutBuffer, PacketAt, ResultWriter, RowFormat,
    column, command, reply,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::timeout;

/// What comes after a command.
pub(crate) enum Next {
    Continue,
    /// The connection ends once the buffer is written.
    Close,
}

/// A connection in its command phase.
pub struct CommandPhase<'a, S: Service> {
    pub conn: &'a mut Connection,
    pub service: &'a S,
    pub entry: &'a ConnectionEntry,
    pub connections: &'a Connections,
    pub password_key: Option<&'a PasswordKey>,
    session: Box<S::Session>,
    peer: Peer,
    nonce: Nonce,
    compression: Option<Method>,
    statements: Statements,
    pace: Pace,
    cursors: CursorBudget,
    runtime: Handle,
}

impl<'a, S: Service> CommandPhase<'a, S> {
    pub fn new(
        conn: &'a mut Connection,
        service: &'a S,
        entry: &'a ConnectionEntry,
        client: LoggedIn<S::Session>,
        options: &'a Options,
    ) -> CommandPhase<'a, S> {
        let LoggedIn { session, peer, nonce, compression } = client;
        CommandPhase {
            conn,
            service,
            entry,
            connections: &options.connections,
            password_key: options.password_key.as_deref(),
            session,
            peer,
            nonce,
            compression,
            statements: Statements::default(),
            pace: Pace::new(options.inline_statements),
            cursors: options.cursors.for_connection(),
            runtime: Handle::current(),
        }
    }

    /// Whether its end takes no time.
    pub fn ends_at_once(&self) -> bool {
        self.session.ends_at_once()
    }

    /// Serves commands until the end, and says what to tell the client then.
    pub async fn run(&mut self) -> Option<SqlError> {
        let done = StatementStatus { status_flags: self.session.status_flags(), ..Default::default() };
        self.conn.write_ok(&done);
        loop {
            if let Err(broken) = self.conn.flush().await {
                return broken.farewell();
            }
            // The login's OK was the last packet to go out plain.
            if let Some(method) = self.compression.take() {
                self.conn.channel.compress(method, &mut self.conn.frames);
            }
            self.entry.command_ends();
            if self.entry.is_killed() {
                return None;
            }
            self.conn.read_timeout = self.session.net_read_timeout();
            self.conn.write_timeout = self.session.net_write_timeout();
            self.conn.frames.set_limit(self.session.max_allowed_packet());
            self.conn.frames.start_command();
            self.conn.channel.start_command();
            self.pace.command_ended().await;
            let at = match self.next_command().await {
                Ok(at) => at,
                Err(farewell) => return farewell,
            };
            let now = Instant::now();
            self.entry.command_begins(self.connections.millis_at(now));
            self.entry.kill.clear_query();
            self.pace.command_begins(now);
            if let Next::Close = self.dispatch(at).await {
                // The client may be gone already.
                let _ = self.conn.flush().await;
                return None;
            }
        }
    }

    /// Waits for the client, a kill, or the end of patience.
    async fn next_command(&mut self) -> Result<PacketAt, Option<SqlError>> {
        let began = Instant::now();
        loop {
            match self.conn.frames.next_packet() {
                Ok(Some(at)) => {
                    self.conn.out.set_sequence(self.conn.frames.sequence());
                    return Ok(at);
                }
                Ok(None) => {}
                Err(error) => return Err(Broken::from(error).farewell()),
            }
            if self.connections.is_closing() {
                return Err(Some(SqlError::new(ER_SERVER_SHUTDOWN, &[])));
            }
            // A busy client's next command is there already: no timer for it.
            match self.conn.fill_at_once() {
                Some(Ok(())) => continue,
                Some(Err(broken)) => return Err(broken.farewell()),
                None => {}
            }
            let idle = self.conn.frames.pending_bytes() == 0;
            if idle {
                self.conn.frames.shrink();
                self.conn.out.shrink();
            }
            let patience = if idle { self.session.wait_timeout() } else { self.conn.read_timeout };
            let rests = idle && self.entry.rests();
            let patience = if rests { patience.saturating_sub(began.elapsed()) } else { patience };
            let read = async {
                if rests {
                    self.conn.rest().await?;
                }
                self.conn.fill().await
            };
            let read = tokio::select! {
                biased;
                read = self.pace.waits(timeout(patience, read)) => read,
                () = self.entry.wake.notified() => {
                    if self.entry.is_killed() {
                        return Err(None);
                    }
                    continue;
                }
            };
            match read {
                Ok(Ok(())) => {}
                Ok(Err(broken)) => return Err(broken.farewell()),
                Err(_) if idle => return Err(Some(SqlError::new(ER_CLIENT_INTERACTION_TIMEOUT, &[]))),
                Err(_) => return Err(Broken::Timeout.farewell()),
            }
        }
    }

    async fn dispatch(&mut self, at: PacketAt) -> Next {
        let Connection { channel, frames, out, common, read_timeout, write_timeout } = &mut *self.conn;
        let charset = self.session.client_collation().charset();
        let command = match command::decode(frames.payload(at), *common, charset) {
            // Rare, and larger than all other commands.
            Ok(Command::ChangeUser(change)) => return Box::pin(self.change_user(change)).await,
            Ok(command) => command,
            Err(_) => {
                reply::write_err(out, &SqlError::new(ER_MALFORMED_PACKET, &[]));
                return Next::Continue;
            }
        };
        let mut client = Client {
            channel,
            out,
            common: *common,
            session: &mut *self.session,
            statements: &mut self.statements,
            pace: &mut self.pace,
            cursors: &self.cursors,
            entry: self.entry,
            runtime: &self.runtime,
            read_timeout: *read_timeout,
            write_timeout: *write_timeout,
        };
        client.command(command).await
    }

    /// A refused user ends the connection: it must not go on as somebody whom the client believes gone.
    async fn change_user(&mut self, change: ChangeUser) -> Next {
        match self.try_change_user(change).await {
            Ok(()) => {
                self.statements.clear();
                let done =
                    StatementStatus { status_flags: self.session.status_flags(), ..Default::default() };
                self.conn.write_ok(&done);
                Next::Continue
            }
            Err(error) => {
                if let Some(error) = error.farewell() {
                    self.conn.write_err(&error);
                }
                Next::Close
            }
        }
    }

    async fn try_change_user(&mut self, change: ChangeUser) -> Result<(), LoginError> {
        let collation = change.collation.and_then(known_collation);
        let names = collation.unwrap_or_else(|| self.session.client_collation());
        let user = decode_name(&change.user, names);
        let mut authenticator = self.service.authenticator(&user, &self.peer)?;
        let proof = Proof {
            nonce: self.nonce,
            plugin: change.plugin.as_deref(),
            response: &change.auth_response,
            key: self.password_key,
        };
        let account = authenticate(self.conn, authenticator.as_mut(), &user, &self.peer, proof).await?;
        let init = ChangeUserInit {
            user,
            account,
            database: change.database.map(|name| decode_name(&name, names)),
            collation,
            attributes: change.attributes,
        };
        Ok(block_in_place(|| self.session.change_user(init))?)
    }
}

impl<S: Service> Drop for CommandPhase<'_, S> {
    fn drop(&mut self) {
        // Whatever the session still does stops here.
        self.entry.kill.kill(aurora_env::KillLevel::Connection);
    }
}

/// What the commands but COM_CHANGE_USER work with; the packet stays borrowed from the frame reader meanwhile.
pub(crate) struct Client<'a, S> {
    pub channel: &'a mut Channel,
    pub out: &'a mut OutBuffer,
    common: Capabilities,
    pub session: &'a mut S,
    pub statements: &'a mut Statements,
    pub pace: &'a mut Pace,
    pub cursors: &'a CursorBudget,
    pub entry: &'a ConnectionEntry,
    runtime: &'a Handle,
    read_timeout: Duration,
    pub write_timeout: Duration,
}

impl<S: ClientSession> Client<'_, S> {
    async fn command(&mut self, command: Command<'_>) -> Next {
        match command {
            Command::Query { sql, attributes } => {
                if !attributes.is_empty() {
                    self.session.set_query_attributes(attributes);
                }
                self.statement(RowFormat::Text, |session, sink| session.execute(sql, sink)).await
            }
            Command::StmtExecute { id, flags, body } => {
                let charset = self.session.client_collation().charset();
                let bound = match self.statements.bind(id, flags, body, self.common, charset) {
                    Ok(bound) => bound,
                    Err(error) => return self.error(&error),
                };
                if !bound.attributes.is_empty() {
                    self.session.set_query_attributes(bound.attributes);
                }
                let values = bound.values;
                if flags & execute_flag::CURSOR_READ_ONLY != 0 {
                    return self.open_cursor(id, values).await;
                }
                self.statement(RowFormat::Binary, |session, sink| session.execute_prepared(id, values, sink))
                    .await
            }
            Command::StmtPrepare(sql) => self.prepare(sql),
            Command::StmtSendLongData { id, param, data } => {
                let limit = self.session.max_allowed_packet();
                self.statements.add_long_data(id, param, data, limit);
                Next::Continue
            }
            Command::StmtClose(id) => {
                if self.statements.remove(id) {
                    self.quiet(|session| session.close_prepared(id));
                }
                Next::Continue
            }
            Command::StmtReset(id) => match self.statements.reset(id) {
                Ok(()) => self.simple(|session| session.reset_prepared(id)),
                Err(error) => self.error(&error),
            },
            Command::StmtFetch { id, rows } => self.fetch(id, rows).await,
            Command::InitDb(name) => {
                match guarded(self.session, self.pace, |session| session.use_database(name)) {
                    Ok(Ok(done)) => self.ok(&done),
                    Ok(Err(error)) => self.error(&error),
                    Err(Panicked) => self.panicked(),
                }
            }
            Command::FieldList { table, wildcard } => self.field_list(table, wildcard),
            Command::ResetConnection => {
                self.statements.clear();
                self.simple(|session| session.reset())
            }
            Command::SetMultiStatements(allowed) => {
                self.session.set_multi_statements(allowed);
                let done = self.status();
                reply::write_result_end(self.out, self.common, &done);
                Next::Continue
            }
            Command::Statistics => match guarded(self.session, self.pace, |session| session.statistics()) {
                Ok(text) => {
                    self.out.begin_packet();
                    self.out.raw(text.as_bytes());
                    self.out.end_packet();
                    Next::Continue
                }
                Err(Panicked) => self.panicked(),
            },
            Command::Ping => {
                let done = self.status();
                self.ok(&done)
            }
            Command::Quit => Next::Close,
            // Privileges of both are the statement's.
            Command::ProcessInfo => {
                self.statement(RowFormat::Text, |session, sink| session.execute(b"SHOW PROCESSLIST", sink))
                    .await
            }
            Command::ProcessKill(id) => {
                let sql = format!("KILL {id}");
                self.statement(RowFormat::Text, |session, sink| session.execute(sql.as_bytes(), sink)).await
            }
            Command::Debug => self.error(&SqlError::new(ER_NOT_SUPPORTED_YET, &[&"COM_DEBUG"])),
            Command::Unsupported(name) => self.error(&SqlError::new(ER_NOT_SUPPORTED_YET, &[&name])),
            Command::Unknown(_) | Command::ChangeUser(_) => {
                self.error(&SqlError::new(ER_UNKNOWN_COM_ERROR, &[]))
            }
        }
    }

    /// Runs what sends results, waits for its commit, and closes the answer.
    async fn statement(
        &mut self,
        format: RowFormat,
        run: impl FnOnce(&mut S, &mut dyn RowSink) -> SqlResult<Option<Ticket>>,
    ) -> Next {
        let view = self.view();
        let mut sink = WireSink {
            writer: ResultWriter::new(view, format),
            out: self.out,
            channel: self.channel,
            runtime: self.runtime,
            kill: &self.entry.kill,
            read_timeout: self.read_timeout,
            write_timeout: self.write_timeout,
            local_files: self.common.has(Capabilities::LOCAL_FILES),
            broken: false,
        };
        let outcome = guarded(self.session, self.pace, |session| run(session, &mut sink));
        let WireSink { mut writer, broken, .. } = sink;
        if broken {
            return Next::Close;
        }
        match outcome {
            Ok(Ok(ticket)) => {
                let committed = match ticket {
                    Some(ticket) => self.pace.committed(ticket).await,
                    None => Ok(()),
                };
                match committed {
                    Ok(()) if writer.has_ended() => {}
                    Ok(()) => {
                        let done = self.status();
                        writer.end(self.out, &done);
                    }
                    Err(error) => writer.fail_last(self.out, &error),
                }
                Next::Continue
            }
            Ok(Err(error)) => {
                writer.fail(self.out, &error);
                Next::Continue
            }
            Err(Panicked) => {
                writer.fail(self.out, &internal_error());
                Next::Close
            }
        }
    }

    fn prepare(&mut self, sql: &[u8]) -> Next {
        let prepared = match guarded(self.session, self.pace, |session| session.prepare(sql)) {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(error)) => return self.error(&error),
            Err(Panicked) => return self.panicked(),
        };
        let limit = usize::from(u16::MAX);
        if prepared.params.len() > limit || prepared.columns.len() > limit {
            self.quiet(|session| session.close_prepared(prepared.id));
            return self.error(&SqlError::new(ER_PS_MANY_PARAM, &[]));
        }
        self.statements.insert(prepared.id, prepared.params.len());
        let view = self.view();
        let (id, warnings) = (prepared.id, prepared.warnings);
        column::write_prepared(self.out, id, &prepared.params, &prepared.columns, warnings, view);
        Next::Continue
    }

    fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> Next {
        match guarded(self.session, self.pace, |session| session.field_list(table, wildcard)) {
            Ok(Ok(columns)) => {
                let (view, done) = (self.view(), self.status());
                column::write_field_list(self.out, &columns, view, &done);
                Next::Continue
            }
            Ok(Err(error)) => self.error(&error),
            Err(Panicked) => self.panicked(),
        }
    }

    /// A command that is answered by OK or an error.
    fn simple(&mut self, run: impl FnOnce(&mut S) -> SqlResult<()>) -> Next {
        match guarded(self.session, self.pace, run) {
            Ok(Ok(())) => {
                let done = self.status();
                self.ok(&done)
            }
            Ok(Err(error)) => self.error(&error),
            Err(Panicked) => self.panicked(),
        }
    }

    /// A call that is not answered.
    fn quiet(&mut self, run: impl FnOnce(&mut S)) {
        if guarded(self.session, self.pace, run).is_err() {
            self.entry.kill.kill(aurora_env::KillLevel::Connection);
        }
    }

    pub(crate) fn view(&self) -> ClientView {
        ClientView {
            common: self.common,
            results: self.session.results_collation(),
            status_flags: self.session.status_flags(),
        }
    }

    fn status(&self) -> StatementStatus {
        StatementStatus { status_flags: self.session.status_flags(), ..Default::default() }
    }

    fn ok(&mut self, done: &StatementStatus) -> Next {
        reply::write_ok(self.out, self.common, done);
        Next::Continue
    }

    pub(crate) fn error(&mut self, error: &SqlError) -> Next {
        reply::write_err(self.out, error);
        Next::Continue
    }

    fn panicked(&mut self) -> Next {
        self.error(&internal_error());
        Next::Close
    }
}

/// The session's code panicked: its state is unknown, so that it serves no more commands.
pub(crate) struct Panicked;

/// Calls into the session. A panic ends this connection, not the server.
pub(crate) fn guarded<S, T>(
    session: &mut S,
    pace: &mut Pace,
    run: impl FnOnce(&mut S) -> T,
) -> Result<T, Panicked> {
    pace.run(|| catch_unwind(AssertUnwindSafe(|| run(session)))).map_err(|_| {
        tracing::error!("a statement panicked; its connection ends");
        Panicked
    })
}

pub(crate) fn internal_error() -> SqlError {
    let mut error = SqlError::new(ER_UNKNOWN_ERROR, &[]);
    error.message = "Internal error; the connection ends".into();
    error
}
