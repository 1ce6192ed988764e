//! The life of a statement.

use crate::session::{Reply, Session};
use crate::shared::Counters;
use aurora_audit::{Class, Event};
use aurora_parser::{ClientCharset, ParseContext, Parsed, Statement};
use aurora_txn::CommitTicket;
use aurora_types::error as er;
use aurora_types::{Diagnostics, Level, RowSink, SqlError, SqlMode, SqlResult, StatementStatus};
use std::sync::Arc;

/// What one statement came to.
#[derive(Default)]
pub(crate) struct Done {
    pub affected: u64,
    pub packet_id: u64,
    pub info: String,
    pub ticket: Option<CommitTicket>,
    /// A result set was given: ROW_COUNT() is -1.
    pub has_rows: bool,
    /// Warnings of the last statement stay (SHOW WARNINGS).
    pub keeps_diagnostics: bool,
}

/// How much of a running statement others see.
pub(crate) const SHOWN_BYTES: usize = 4096;

impl Session {
    /// Runs the text of COM_QUERY, one statement after the other. Every statement but the last has ended in `sink`; the
    /// last one's `end` is the caller's, after it has awaited the ticket.
    ///
    /// # Errors
    /// What the first failing statement raises; those before it stand.
    pub fn execute(&mut self, sql: &[u8], sink: &mut dyn RowSink) -> SqlResult<Reply> {
        let mut at = 0;
        loop {
            let text = &sql[at..];
            self.begin(Arc::from(&text[..text.len().min(SHOWN_BYTES)]));
            let result = self.step(text, sink);
            let (reply, next) = self.conclude(text, result)?;
            match next {
                None => return Ok(reply),
                Some(next) => {
                    if let Some(ticket) = reply.ticket {
                        self.wait(ticket)?;
                    }
                    sink.end(&reply.status)?;
                    at += next;
                }
            }
        }
    }

    /// Begins a statement; `shown` is what others see of it.
    pub(crate) fn begin(&mut self, shown: Arc<[u8]>) {
        self.state.kill.clear_query();
        self.state.begin_statement();
        Counters::add(&self.state.shared.counters.questions);
        let mut doing = self.connection.doing.lock();
        doing.command = "Query";
        doing.since = self.state.started.get() / 1_000_000;
        doing.state = "executing";
        doing.query = Some(shown);
    }

    pub(crate) fn idle(&self) {
        let mut doing = self.connection.doing.lock();
        doing.command = "Sleep";
        doing.state = "";
        doing.query = None;
    }

    /// Parses and runs the first statement of `text`; where the next one begins.
    fn step(&mut self, text: &[u8], sink: &mut dyn RowSink) -> (SqlResult<Done>, Diagnostics, Option<usize>) {
        let mut diagnostics =
            Diagnostics { max_kept: self.state.diagnostics.max_kept, ..Diagnostics::default() };
        // A text that was planned before is not parsed again.
        if let Some((plan, values)) = self.cached_plan(text) {
            let done = self.run_plan(&plan, &values, &mut diagnostics, sink);
            match done {
                Err(error) if error.code == STALE => {
                    self.plans.clear();
                }
                done => return (done, diagnostics, None),
            }
        }
        let context = self.parse_context(false);
        let parsed = match aurora_parser::parse(text, &context) {
            Ok(parsed) => parsed,
            // Comments alone are a statement that does nothing; nothing at all is an error.
            Err(error)
                if error.is(er::ER_EMPTY_QUERY)
                    && text.iter().any(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b';' | 0)) =>
            {
                return (Ok(Done::default()), diagnostics, None);
            }
            Err(error) => return (Err(error), diagnostics, None),
        };
        let rest = &text[parsed.next.min(text.len())..];
        let more = !rest.iter().all(|b| b.is_ascii_whitespace() || *b == 0);
        if more && !self.state.multi_statements {
            let line = 1 + text[..parsed.next.min(text.len())].iter().filter(|b| **b == b'\n').count();
            return (Err(unexpected_rest(rest, line)), diagnostics, None);
        }
        let next = more.then_some(parsed.next);
        let own = &text[..parsed.next.min(text.len())];
        let done = self.run_parsed(&parsed, own, more, &mut diagnostics, sink);
        (done, diagnostics, next)
    }

    /// Settles a statement: diagnostics, counters, audit, transaction after an error.
    pub(crate) fn conclude(
        &mut self,
        text: &[u8],
        (result, mut diagnostics, next): (SqlResult<Done>, Diagnostics, Option<usize>),
    ) -> SqlResult<(Reply, Option<usize>)> {
        match result {
            Ok(done) => {
                // SHOW WARNINGS tells of others' warnings and has none itself.
                let warnings = if done.keeps_diagnostics { 0 } else { diagnostics.count };
                if !done.keeps_diagnostics {
                    self.state.diagnostics = diagnostics;
                }
                if next.is_none() {
                    self.idle();
                }
                self.state.row_count.set(if done.has_rows { -1 } else { done.affected as i64 });
                let status = StatementStatus {
                    affected_rows: done.affected,
                    last_insert_id: done.packet_id,
                    warnings: u16::try_from(warnings).unwrap_or(u16::MAX),
                    status_flags: self.status_flags(),
                    info: done.info,
                    changes: Vec::new(),
                };
                Ok((Reply { ticket: done.ticket, status }, next))
            }
            Err(error) => {
                Counters::add(&self.state.shared.counters.errors);
                diagnostics.push(Level::Error, error.code, error.message.clone());
                self.state.diagnostics = diagnostics;
                self.state.row_count.set(-1);
                // A deadlock's victim has lost its transaction.
                if self.open.as_ref().is_some_and(|open| open.txn.is_aborted()) {
                    self.rollback_open();
                }
                self.idle();
                self.audit_failure(text, &error);
                Err(error)
            }
        }
    }

    pub(crate) fn parse_context(&self, parameters: bool) -> ParseContext {
        let mode = self.state.sql_mode;
        let has = |bit: SqlMode| mode.contains(bit);
        ParseContext {
            sql_mode: aurora_parser::SqlMode {
                ansi_quotes: has(SqlMode::ANSI_QUOTES),
                pipes_as_concat: has(SqlMode::PIPES_AS_CONCAT),
                no_backslash_escapes: has(SqlMode::NO_BACKSLASH_ESCAPES),
                ignore_space: has(SqlMode::IGNORE_SPACE),
                high_not_precedence: has(SqlMode::HIGH_NOT_PRECEDENCE),
                real_as_float: has(SqlMode::REAL_AS_FLOAT),
                no_unsigned_subtraction: has(SqlMode::NO_UNSIGNED_SUBTRACTION),
            },
            client_charset: match self.state.client_collation.charset().name() {
                "utf8mb4" | "utf8mb3" => ClientCharset::Utf8,
                "latin1" => ClientCharset::Latin1,
                "gbk" => ClientCharset::Gbk,
                "gb18030" => ClientCharset::Gb18030,
                "sjis" | "cp932" => ClientCharset::Sjis,
                "big5" => ClientCharset::Big5,
                _ => ClientCharset::SingleByte,
            },
            parameters,
            ..ParseContext::default()
        }
    }

    pub(crate) fn run_parsed(
        &mut self,
        parsed: &Parsed,
        text: &[u8],
        more: bool,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        self.check_expired(&parsed.statement)?;
        let statement = &parsed.statement;
        match statement {
            Statement::Query(_) => self.run_rows(parsed, text, more, diagnostics, sink),
            Statement::Insert(_) | Statement::Delete(_) => {
                self.run_rows(parsed, text, more, diagnostics, sink)
            }
            Statement::Update(_) => {
                let done = self.run_rows(parsed, text, more, diagnostics, sink)?;
                Ok(done)
            }
            Statement::Do(_) => {
                let snapshot = self.state.shared.catalog.snapshot();
                let plan = self.plan_with(statement, parsed, &snapshot, &[])?;
                self.check_access(&plan.access)?;
                self.run_scalar(&plan, &snapshot, diagnostics)?;
                Ok(Done::default())
            }
            Statement::Use(name) => {
                self.use_database(name.as_str())?;
                Ok(Done::default())
            }
            Statement::Set(items) => {
                self.set(items, parsed, diagnostics, sink)?;
                Ok(Done::default())
            }
            Statement::SetTransaction(set) => {
                self.set_transaction(set)?;
                Ok(Done::default())
            }
            Statement::Show(show) => {
                use aurora_parser::ShowKind;
                let keeps = matches!(show.kind, ShowKind::Warnings { .. } | ShowKind::Errors { .. });
                let rows = self.show(show, parsed, text, sink)?;
                Ok(Done { affected: rows, has_rows: true, keeps_diagnostics: keeps, ..Done::default() })
            }
            Statement::Describe(describe) => {
                let rows = self.describe(describe, sink)?;
                Ok(Done { affected: rows, has_rows: true, ..Done::default() })
            }
            Statement::Explain(explain) => {
                let rows = self.explain(explain, parsed, diagnostics, sink)?;
                Ok(Done { affected: rows, has_rows: true, ..Done::default() })
            }
            Statement::Begin
            | Statement::StartTransaction(_)
            | Statement::Commit(_)
            | Statement::Rollback(_)
            | Statement::Savepoint(_)
            | Statement::RollbackTo(_)
            | Statement::ReleaseSavepoint(_) => self.transaction_statement(statement),
            Statement::Prepare { name, source } => {
                self.prepare_named(name.as_str(), source)?;
                Ok(Done { info: "Statement prepared".into(), ..Done::default() })
            }
            Statement::Execute { name, using } => self.execute_named(name.as_str(), using, diagnostics, sink),
            Statement::Deallocate(name) => {
                self.deallocate_named(name.as_str())?;
                Ok(Done::default())
            }
            Statement::LockTables(tables) => {
                self.commit_implicitly()?;
                self.lock_tables(tables)?;
                Ok(Done::default())
            }
            Statement::UnlockTables => {
                if self.locked.is_some() {
                    self.commit_implicitly()?;
                }
                self.unlock_tables();
                Ok(Done::default())
            }
            Statement::Kill(kill) => {
                self.kill_statement(kill, parsed, diagnostics)?;
                Ok(Done::default())
            }
            Statement::Flush(flush) => {
                self.flush(flush)?;
                Ok(Done::default())
            }
            Statement::TableAdmin(admin) => {
                let rows = self.table_admin(admin, sink)?;
                Ok(Done { affected: rows, has_rows: true, ..Done::default() })
            }
            Statement::LoadData(load) if !load.xml => self.load_data(load, parsed, text, diagnostics, sink),
            Statement::Unsupported { what } => Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[what])),
            _ => self.run_definition(parsed, text, diagnostics, sink),
        }
    }

    /// DDL and account management: commits before, is audited after.
    fn run_definition(
        &mut self,
        parsed: &Parsed,
        text: &[u8],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        let not_yet = |what: &str| Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&what]));
        let statement = &parsed.statement;
        if let Some(what) = not_built(statement) {
            return not_yet(what);
        }
        self.check_definition_access(statement)?;
        let implicit = !is_temporary_only(statement);
        if implicit {
            self.commit_implicitly()?;
        }
        let mut done = Done::default();
        match statement {
            Statement::CreateTable(create) => {
                let inserted = self.create_table(create, parsed, text, diagnostics, sink)?;
                done.affected = inserted;
                if matches!(&create.body, aurora_parser::CreateTableBody::Definition { query: Some(_), .. }) {
                    done.info =
                        format!("Records: {inserted}  Duplicates: 0  Warnings: {}", diagnostics.count);
                }
            }
            Statement::AlterTable(alter) => {
                done.affected = self.alter_table(alter, parsed, text, diagnostics)?;
                // A renaming by itself touches no rows and tells of none.
                let renames = |action: &_| matches!(action, aurora_parser::AlterAction::RenameTable(_));
                if !alter.actions.iter().all(renames) || alter.actions.is_empty() {
                    done.info =
                        format!("Records: {}  Duplicates: 0  Warnings: {}", done.affected, diagnostics.count);
                }
            }
            Statement::DropTable(drop) => self.drop_tables(drop, diagnostics)?,
            Statement::TruncateTable(name) => self.truncate_table(name)?,
            Statement::RenameTable(renames) => self.rename_tables(renames)?,
            Statement::CreateIndex(create) => {
                self.create_index(create, parsed, text, diagnostics)?;
                done.info = format!("Records: 0  Duplicates: 0  Warnings: {}", diagnostics.count);
            }
            Statement::DropIndex(drop) => {
                self.drop_index(drop, parsed, text, diagnostics)?;
                done.info = format!("Records: 0  Duplicates: 0  Warnings: {}", diagnostics.count);
            }
            Statement::CreateDatabase(create) => done.affected = self.create_database(create, diagnostics)?,
            Statement::AlterDatabase(alter) => done.affected = self.alter_database(alter)?,
            Statement::DropDatabase { if_exists, name } => {
                done.affected = self.drop_database(name.as_str(), *if_exists, diagnostics)?;
            }
            Statement::CreateView(create) => self.create_view(create, parsed, text)?,
            Statement::DropView(drop) => self.drop_views(drop, diagnostics)?,
            Statement::DropRoutine(drop) => self.drop_routine(drop, diagnostics)?,
            other => self.account_statement(other, diagnostics)?,
        }
        self.plans.clear();
        self.audit_definition(statement, text);
        Ok(done)
    }

    fn audit_event(&self, class: Class, name: &str, text: &[u8]) -> Event {
        let mut event = Event::new(class, name, self.state.id);
        event.account = self.state.account_text();
        event.user = self.state.user.clone();
        event.ip = self.state.client_host.clone();
        event.database = self.state.database.clone().unwrap_or_default();
        event.query = crate::redact::redact(text);
        event.tls = self.state.tls.is_some();
        event
    }

    fn audit(&self, event: Event) {
        let Some(audit) = &self.state.shared.audit else { return };
        if let Err(error) = audit.tell(event) {
            tracing::error!(%error, "an audit event could not be recorded");
        }
    }

    fn audit_definition(&self, statement: &Statement, text: &[u8]) {
        let (class, name) = crate::redact::event_of(statement);
        self.audit(self.audit_event(class, name, text));
    }

    fn audit_failure(&self, text: &[u8], error: &SqlError) {
        let mut event = self.audit_event(Class::Failure, "status", text);
        event.status = error.code;
        event.sqlstate = error.sqlstate.to_string();
        self.audit(event);
    }
}

/// Code of the error that sends a statement back to the planner; no client sees it.
pub(crate) const STALE: u16 = u16::MAX;

/// 1064 at what follows a statement that must be the only one.
pub(crate) fn unexpected_rest(rest: &[u8], line: usize) -> SqlError {
    let near = String::from_utf8_lossy(rest).chars().take(80).collect::<String>();
    let args: [&dyn std::fmt::Display; 3] = [&er::ER_SYNTAX_ERROR.text, &near, &line];
    SqlError::new(er::ER_PARSE_ERROR, &args)
}

/// Statements on temporary tables alone do not end the transaction.
fn is_temporary_only(statement: &Statement) -> bool {
    match statement {
        Statement::CreateTable(create) => create.temporary,
        Statement::DropTable(drop) => drop.temporary,
        _ => false,
    }
}

/// Kinds of statements that are parsed and answer 1235, by name.
fn not_built(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::LoadData(load) if load.xml => "LOAD XML",
        Statement::Call(_) => "CALL: stored procedures",
        Statement::Handler(_) => "HANDLER",
        Statement::CreateTrigger(_) => "CREATE TRIGGER",
        Statement::CreateProcedure(_) => "CREATE PROCEDURE",
        Statement::CreateFunction(_) => "CREATE FUNCTION",
        Statement::CreateLoadableFunction(_) => "CREATE FUNCTION … SONAME",
        Statement::CreateEvent(_) => "CREATE EVENT",
        Statement::AlterRoutine(_) => "ALTER PROCEDURE or FUNCTION",
        Statement::Xa(_) => "XA",
        Statement::LockInstance | Statement::UnlockInstance => "LOCK INSTANCE FOR BACKUP",
        Statement::Signal(_) => "SIGNAL",
        Statement::GetDiagnostics(_) => "GET DIAGNOSTICS",
        Statement::Help(_) => "HELP",
        Statement::Shutdown => "SHUTDOWN: stop the server with SIGTERM",
        Statement::Restart => "RESTART",
        Statement::InstallPlugin { .. } | Statement::UninstallPlugin(_) => "plugins",
        Statement::InstallComponent(_) | Statement::UninstallComponent(_) => "components",
        _ => return None,
    })
}
