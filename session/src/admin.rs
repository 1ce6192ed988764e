//! KILL, FLUSH, LOCK TABLES, table maintenance, EXPLAIN, and rows of CREATE TABLE … SELECT.

use crate::run::Done;
use crate::session::{LockedTables, Session};
use crate::show::{Listing, columns, give, text};
use aurora_env::KillLevel;
use aurora_parser::{
    CreateTable, CreateTableBody, DropRoutine, Explain, ExplainFormat, ExplainTarget, Flush, Kill,
    LoadDuplicates, LockTable, Parsed, RoutineKind, Statement, TableAdmin, TableAdminKind,
};
use aurora_planner::{Plan, PlanBody, Privilege};
use aurora_txn::{Isolation, LockMode, TxnMode, WaitPolicy};
use aurora_types::error as er;
use aurora_types::{Diagnostics, Level, RowSink, SqlError, SqlResult, Value};
use std::sync::Arc;

impl Session {
    pub(crate) fn kill_statement(
        &mut self,
        kill: &Kill,
        parsed: &Parsed,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<()> {
        let parsed = crate::names::select_of(parsed, kill.id);
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
        let id = match self.run_scalar(&plan, &snapshot, diagnostics)? {
            Value::Int(id) => u64::try_from(id).unwrap_or(0),
            Value::UInt(id) => id,
            _ => 0,
        };
        self.kill(id, kill.query_only)
    }

    /// KILL and COM_PROCESS_KILL.
    ///
    /// # Errors
    /// 1094, 1095, and 1317 for the session itself.
    pub fn kill(&self, id: u64, query_only: bool) -> SqlResult<()> {
        let connection = self.state.shared.connections.lock().get(&id).cloned();
        let connection = connection.ok_or_else(|| SqlError::new(er::ER_NO_SUCH_THREAD, &[&id]))?;
        if connection.user != self.state.user && self.require_dynamic("CONNECTION_ADMIN").is_err() {
            return Err(SqlError::new(er::ER_KILL_DENIED_ERROR, &[&id]));
        }
        connection.kill.kill(if query_only { KillLevel::Query } else { KillLevel::Connection });
        if !query_only && let Some(end) = self.state.shared.end_connection.get() {
            end(id);
        }
        if id == self.state.id {
            return Err(SqlError::new(er::ER_QUERY_INTERRUPTED, &[]));
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self, flush: &Flush) -> SqlResult<()> {
        self.require_global(aurora_security::Privilege::Reload)?;
        match flush {
            // Tables are never open in MySQL's sense: there is nothing to close.
            Flush::Tables { read_lock: false, for_export: false, .. } => Ok(()),
            Flush::Tables { .. } => {
                Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"FLUSH TABLES WITH READ LOCK"]))
            }
            Flush::Options(options) => {
                for option in options {
                    match *option {
                        "PRIVILEGES" => self.state.shared.accounts.forget_digests(),
                        "USER_RESOURCES" => self.state.shared.accounts.forget_usage(),
                        "STATUS" | "LOGS" | "ENGINE LOGS" | "ERROR LOGS" | "GENERAL LOGS" | "SLOW LOGS"
                        | "BINARY LOGS" | "OPTIMIZER_COSTS" | "HOSTS" => {}
                        other => {
                            return Err(SqlError::new(
                                er::ER_NOT_SUPPORTED_YET,
                                &[&format!("FLUSH {other}")],
                            ));
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// ANALYZE, CHECK, OPTIMIZE, REPAIR, CHECKSUM.
    pub(crate) fn table_admin(&mut self, admin: &TableAdmin, sink: &mut dyn RowSink) -> SqlResult<u64> {
        self.commit_implicitly()?;
        if admin.histogram.is_some() {
            return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"ANALYZE TABLE … HISTOGRAM"]));
        }
        if admin.kind == TableAdminKind::Checksum {
            return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"CHECKSUM TABLE"]));
        }
        let op = match admin.kind {
            TableAdminKind::Analyze => "analyze",
            TableAdminKind::Check => "check",
            TableAdminKind::Optimize => "optimize",
            TableAdminKind::Repair => "repair",
            TableAdminKind::Checksum => "checksum",
        };
        let mut rows = Vec::new();
        for name in &admin.tables {
            let (schema, table) = self.qualify(name)?;
            let shown = format!("{schema}.{table}");
            let mut push = |kind: &str, message: &str| {
                rows.push(vec![text(&shown), text(op), text(kind), text(message)]);
            };
            let definition = match self.table_for_ddl(&schema, &table) {
                Ok(definition) => definition,
                Err(error) => {
                    push("Error", &error.message);
                    push("status", "Operation failed");
                    continue;
                }
            };
            match admin.kind {
                TableAdminKind::Analyze => {
                    self.state.shared.row_counts.lock().remove(&definition.storage);
                    self.state.shared.samples.forget(&definition);
                    self.table_rows(&definition)?;
                    self.state.shared.analysed.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                    push("status", "OK");
                }
                TableAdminKind::Check => match self.check_table(&definition) {
                    Ok(()) => push("status", "OK"),
                    Err(error) => push("error", &error.message),
                },
                TableAdminKind::Optimize => {
                    push("note", "Compaction does this in the background");
                    push("status", "OK");
                }
                _ => push("note", "The storage engine for the table doesn't support repair"),
            }
        }
        give(&Listing { columns: columns::table_admin(), rows }, sink)
    }

    /// Reads every row, and its constraints.
    fn check_table(&mut self, table: &std::sync::Arc<aurora_catalog::TableDef>) -> SqlResult<()> {
        let snapshot = self.state.shared.catalog.snapshot();
        let txn = self.begin_txn(TxnMode { read_only: true, ..TxnMode::default() });
        let host = self.host_on(&snapshot);
        let info = self.new_table_info(table, &snapshot)?;
        let settings = aurora_executor::Settings { foreign_key_checks: false, ..self.state.settings.clone() };
        let mut diagnostics = Diagnostics::default();
        let manager = self.state.shared.catalog.manager();
        aurora_executor::validate_rows(&txn, manager, &host, &self.state, &settings, &info, &mut diagnostics)
    }

    /// LOCK TABLES: tables locked WRITE are closed to others, those locked READ are locked shared.
    pub(crate) fn lock_tables(&mut self, tables: &[LockTable]) -> SqlResult<()> {
        self.unlock_tables();
        let snapshot = self.state.shared.catalog.snapshot();
        let mut wanted = Vec::new();
        for lock in tables {
            let (schema, name) = self.qualify(&lock.table)?;
            if self.temporary.iter().any(|t| t.schema == schema && t.name == name) {
                continue;
            }
            if snapshot.view(&schema, &name).is_some() {
                // What the view reads, for reading; a view that no longer works locks nothing.
                for table in self.tables_of_view(&schema, &name, &snapshot) {
                    let alias = table.name.clone();
                    wanted.push((table, alias, false));
                }
                continue;
            }
            let table = snapshot
                .table(&schema, &name)
                .cloned()
                .ok_or_else(|| SqlError::new(er::ER_NO_SUCH_TABLE, &[&schema, &name]))?;
            let alias = lock.alias.as_ref().map_or(name, |alias| alias.as_str().to_owned());
            wanted.push((table, alias, lock.write));
        }
        wanted.sort_by_key(|(table, _, write)| (table.id, !*write));
        let mut closed = Vec::new();
        let mut locked = Vec::new();
        let holder = self.state.shared.catalog.manager().begin_killable(
            Isolation::ReadCommitted,
            TxnMode::EXPLICIT,
            self.state.kill.clone(),
        );
        holder.set_lock_wait_timeout(self.lock_wait_timeout());
        let mut last = None;
        for (table, alias, write) in wanted {
            locked.push((table.id, alias, write));
            if last == Some(table.id) {
                continue;
            }
            last = Some(table.id);
            if write {
                let wait = self.waiting(self.lock_wait_timeout());
                closed.push(self.state.shared.catalog.close_table(table.id, 0, wait)?);
            } else {
                holder.lock_table(table.id.0, LockMode::Shared, WaitPolicy::Wait)?;
            }
        }
        self.state.shared.table_locks.enter();
        self.locked = Some(LockedTables { tables: locked, _closed: closed, _holder: Some(holder) });
        Ok(())
    }

    /// The base tables that a view reads.
    fn tables_of_view(
        &self,
        schema: &str,
        name: &str,
        snapshot: &aurora_catalog::CatalogSnapshot,
    ) -> Vec<std::sync::Arc<aurora_catalog::TableDef>> {
        let quoted = crate::show::create::quoted;
        let text = format!("SELECT * FROM {}.{}", quoted(schema), quoted(name));
        let context = aurora_parser::ParseContext::default();
        let Ok(parsed) = aurora_parser::parse(text.as_bytes(), &context) else { return Vec::new() };
        let Ok(plan) = self.plan_with(&parsed.statement, &parsed, snapshot, &[]) else { return Vec::new() };
        plan.dependencies
            .iter()
            .filter(|dependency| dependency.version.is_some())
            .filter_map(|dependency| snapshot.table(&dependency.schema, &dependency.name).cloned())
            .collect()
    }

    pub(crate) fn is_locked_for_write(&self, table: aurora_catalog::TableId) -> bool {
        self.locked
            .as_ref()
            .is_some_and(|locked| locked.tables.iter().any(|(id, _, write)| *id == table && *write))
    }

    /// Under LOCK TABLES only locked tables may be used, and only as they were locked.
    ///
    /// # Errors
    /// 1099, 1100.
    pub(crate) fn check_locked_tables(&self, plan: &Plan) -> SqlResult<()> {
        let Some(locked) = &self.locked else { return Ok(()) };
        for dependency in &plan.dependencies {
            if dependency.version.is_none()
                || crate::info_schema::has_schema(&dependency.schema)
                || self.temporary.iter().any(|table| table.id == dependency.id)
            {
                continue;
            }
            if !locked.tables.iter().any(|(id, _, _)| *id == dependency.id) {
                return Err(SqlError::new(er::ER_TABLE_NOT_LOCKED, &[&dependency.name]));
            }
            let writes = plan.access.iter().any(|access| {
                access.schema == dependency.schema
                    && access.object == dependency.name
                    && matches!(access.privilege, Privilege::Insert | Privilege::Update | Privilege::Delete)
            });
            if writes && !self.is_locked_for_write(dependency.id) {
                return Err(SqlError::new(er::ER_TABLE_NOT_LOCKED_FOR_WRITE, &[&dependency.name]));
            }
        }
        Ok(())
    }

    pub(crate) fn explain(
        &mut self,
        explain: &Explain,
        parsed: &Parsed,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<u64> {
        let not_yet = |what: &str| Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&what]));
        if explain.into.is_some() || explain.schema.is_some() {
            return not_yet("EXPLAIN INTO and FOR SCHEMA");
        }
        let ExplainTarget::Statement(statement) = &explain.target else {
            return not_yet("EXPLAIN FOR CONNECTION");
        };
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = self.plan_with(statement, parsed, &snapshot, &[])?;
        self.check_access(&plan.access)?;
        for warning in &plan.warnings {
            diagnostics.push(warning.level, warning.code, warning.message.clone());
        }
        let format = match explain.format {
            // Measures have a tree's form, whatever the variable says.
            ExplainFormat::Default if explain.analyze => ExplainFormat::Tree,
            ExplainFormat::Default => match self.state.variables.text("explain_format").as_str() {
                "JSON" => ExplainFormat::Json,
                "TRADITIONAL" | "TRADITIONAL_STRICT" => ExplainFormat::Traditional,
                _ => ExplainFormat::Tree,
            },
            other => other,
        };
        let explained = if explain.analyze {
            match format {
                ExplainFormat::Json => return not_yet("EXPLAIN ANALYZE with JSON format"),
                ExplainFormat::Traditional => return not_yet("EXPLAIN ANALYZE with TRADITIONAL format"),
                ExplainFormat::Tree | ExplainFormat::Default => {}
            }
            if !matches!(plan.body, PlanBody::Query(_) | PlanBody::PointGet(_)) {
                return not_yet("EXPLAIN ANALYZE of statements that change rows");
            }
            let plan = Arc::new(plan);
            let clock = self.state.shared.clock.clone();
            let mut actuals = std::collections::HashMap::new();
            self.run_as(&plan, &[], diagnostics, &mut |run, diagnostics| {
                let (outcome, measured) = run.analyze(&*clock, diagnostics)?;
                actuals = measured;
                Ok(outcome)
            })?;
            aurora_planner::explain(&plan, format, Some(&|id| actuals.get(&id).copied()))
        } else {
            aurora_planner::explain(&plan, format, None)
        };
        let listing = Listing { columns: explained.columns, rows: explained.rows };
        give(&listing, sink)
    }

    /// CREATE TABLE … SELECT: the rows.
    #[allow(clippy::too_many_arguments, reason = "a statement's whole circumstances")]
    pub(crate) fn fill_created_table(
        &mut self,
        statement: &CreateTable,
        parsed: &Parsed,
        _sql: &[u8],
        schema: &str,
        name: &str,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<u64> {
        let CreateTableBody::Definition { query: Some((duplicates, query)), .. } = &statement.body else {
            return Ok(0);
        };
        let columns = self.query_columns(parsed, &[], *query)?;
        let insert = aurora_parser::Insert {
            replace: *duplicates == LoadDuplicates::Replace,
            priority: aurora_parser::WritePriority::Normal,
            ignore: *duplicates == LoadDuplicates::Ignore,
            hints: None,
            table: aurora_parser::ObjectName {
                schema: Some(aurora_parser::Ident::synthetic(schema)),
                name: aurora_parser::Ident::synthetic(name),
            },
            partitions: Vec::new(),
            columns: Some(
                columns
                    .iter()
                    .map(|(name, _)| aurora_parser::ColumnName::bare(aurora_parser::Ident::synthetic(name)))
                    .collect(),
            ),
            source: aurora_parser::InsertSource::Query(*query),
            row_alias: None,
            on_duplicate: Vec::new(),
        };
        let insert = Statement::Insert(Box::new(insert));
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = std::sync::Arc::new(self.plan_with(&insert, parsed, &snapshot, &[])?);
        let filled: SqlResult<Done> = self.run_plan(&plan, &[], diagnostics, sink);
        match filled {
            Ok(done) => {
                if let Some(ticket) = done.ticket {
                    self.wait(ticket)?;
                }
                Ok(done.affected)
            }
            Err(error) => {
                // All or nothing.
                let drop = aurora_parser::DropTables {
                    temporary: false,
                    if_exists: true,
                    names: vec![aurora_parser::ObjectName {
                        schema: Some(aurora_parser::Ident::synthetic(schema)),
                        name: aurora_parser::Ident::synthetic(name),
                    }],
                };
                self.drop_tables(&drop, &mut Diagnostics::default())?;
                Err(error)
            }
        }
    }

    /// There are no routines, triggers or events: dropping one says so as MySQL does.
    pub(crate) fn drop_routine(&self, drop: &DropRoutine, diagnostics: &mut Diagnostics) -> SqlResult<()> {
        let (schema, name) = self.qualify(&drop.name)?;
        let error = match drop.kind {
            RoutineKind::Procedure => {
                SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"PROCEDURE", &format!("{schema}.{name}")])
            }
            RoutineKind::Function => {
                SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"FUNCTION", &format!("{schema}.{name}")])
            }
            RoutineKind::Trigger => SqlError::new(er::ER_TRG_DOES_NOT_EXIST, &[]),
            RoutineKind::Event => SqlError::new(er::ER_EVENT_DOES_NOT_EXIST, &[&name]),
        };
        if drop.if_exists {
            diagnostics.push(Level::Note, error.code, error.message);
            return Ok(());
        }
        Err(error)
    }

    /// COM_CHANGE_USER, after the new user has been let in.
    ///
    /// # Errors
    /// 1049, 1044 for the database.
    pub fn change_user(
        &mut self,
        user: &str,
        host: &str,
        account: (String, String),
        database: Option<&str>,
        collation: Option<aurora_types::CollationId>,
    ) -> SqlResult<()> {
        if let Some(collation) = collation {
            self.state.client_collation = collation;
        }
        self.state.user = user.to_owned();
        self.state.client_host = host.to_owned();
        self.state.account = account;
        self.state.roles.clear();
        self.reset();
        self.state.database = None;
        self.activate_default_roles();
        match database {
            Some(database) if !database.is_empty() => self.use_database(database),
            _ => Ok(()),
        }
    }

    /// COM_FIELD_LIST: columns whose names match, each with its default as text.
    ///
    /// # Errors
    /// 1046, 1146.
    pub fn field_list(
        &mut self,
        table: &str,
        wildcard: &str,
    ) -> SqlResult<Vec<(aurora_types::ColumnMeta, Option<Vec<u8>>)>> {
        let text = format!("SELECT * FROM {}", crate::show::create::quoted(table));
        let parsed = aurora_parser::parse(text.as_bytes(), &aurora_parser::ParseContext::default())?;
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
        self.check_access(&plan.access)?;
        let pattern = aurora_types::like::LikePattern::new(
            wildcard.as_bytes(),
            Some('\\'),
            aurora_types::CollationId::UTF8MB4_0900_AI_CI,
        );
        Ok(plan
            .columns
            .into_iter()
            .filter(|column| wildcard.is_empty() || pattern.matches(column.name.as_bytes()))
            .map(|column| (column, None))
            .collect())
    }
}
