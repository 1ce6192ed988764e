//! SHOW and DESCRIBE.

pub(crate) mod columns;
pub mod create;
mod expression;

pub(crate) use columns::{column, made, metas};

use crate::info_schema::{self, Rows};
use crate::session::Session;
use crate::variables;
use aurora_catalog::{ColumnDef, KeyPart};
use aurora_expr::typing;
use aurora_parser::{
    Describe, DescribeColumn, Expr, Ident, Literal, ObjectName, Parsed, Show, ShowCreate, ShowFilter,
    ShowKind,
};
use aurora_types::error as er;
use aurora_types::like::LikePattern;
use aurora_types::{BaseType, CollationId, ColumnMeta, RowSink, SqlError, SqlResult, Text, Value, ValueRef};

/// A small result in the making.
pub(crate) struct Listing {
    pub columns: Vec<ColumnMeta>,
    pub rows: Vec<Vec<Value>>,
}

pub(crate) fn text(text: impl AsRef<str>) -> Value {
    Value::Text(Text::from(text.as_ref()))
}

impl Session {
    pub(crate) fn show(
        &mut self,
        show: &Show,
        parsed: &Parsed,
        sql: &[u8],
        sink: &mut dyn RowSink,
    ) -> SqlResult<u64> {
        let pattern = match &show.filter {
            Some(ShowFilter::Like(pattern)) => Some(pattern.bytes.to_str_lossy()),
            _ => None,
        };
        let mut listing = self.listing(&show.kind, pattern.as_deref())?;
        if let ShowKind::Warnings { limit: Some(limit), .. } | ShowKind::Errors { limit: Some(limit), .. } =
            &show.kind
        {
            let rows = |id| match parsed.ast.expr(id) {
                Expr::Literal(Literal::Int(n)) => Ok(usize::try_from(*n).unwrap_or(usize::MAX)),
                _ => Err(SqlError::new(
                    er::ER_NOT_SUPPORTED_YET,
                    &[&"LIMIT of SHOW WARNINGS other than a number"],
                )),
            };
            let skipped = limit.offset.map_or(Ok(0), rows)?.min(listing.rows.len());
            listing.rows.drain(..skipped);
            listing.rows.truncate(rows(limit.count)?);
        }
        match &show.filter {
            None => {}
            Some(ShowFilter::Like(pattern)) => {
                let at = match &show.kind {
                    ShowKind::Warnings { .. } | ShowKind::Errors { .. } => 2,
                    _ => 0,
                };
                let pattern =
                    LikePattern::new(pattern.bytes.as_bytes(), Some('\\'), CollationId::UTF8MB4_0900_AI_CI);
                listing.rows.retain(|row| match row.get(at) {
                    Some(Value::Text(text)) => pattern.matches(text.as_bytes()),
                    _ => false,
                });
            }
            Some(ShowFilter::Where(condition)) => {
                let filter = self.bind_over(parsed, sql, *condition, &listing.columns)?;
                let mut diagnostics = aurora_types::Diagnostics::default();
                let mut ctx =
                    aurora_expr::EvalCtx::new(&self.state, &aurora_expr::NoSubqueries, &[], &mut diagnostics);
                let mut kept = Vec::new();
                for row in std::mem::take(&mut listing.rows) {
                    if filter.eval_predicate(&row, &mut ctx)? {
                        kept.push(row);
                    }
                }
                listing.rows = kept;
            }
        }
        give(&listing, sink)
    }

    fn schema_or_default(&self, schema: &Option<Ident>) -> SqlResult<String> {
        let name = match schema {
            Some(schema) => schema.as_str().to_owned(),
            None => self.state.database.clone().ok_or_else(|| SqlError::new(er::ER_NO_DB_ERROR, &[]))?,
        };
        if info_schema::has_schema(&name) {
            return Ok(name.to_lowercase());
        }
        self.check_database(&name)?;
        if self.state.shared.catalog.snapshot().schema(&name).is_none() {
            return Err(SqlError::new(er::ER_BAD_DB_ERROR, &[&name]));
        }
        Ok(name)
    }

    fn listing(&mut self, kind: &ShowKind, pattern: Option<&str>) -> SqlResult<Listing> {
        let not_yet = |what: &str| Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&what]));
        let given = |columns: Vec<ColumnMeta>| Ok(Listing { columns, rows: Vec::new() });
        match kind {
            ShowKind::Databases => {
                let snapshot = self.state.shared.catalog.snapshot();
                let mut names: Vec<String> = vec!["information_schema".into(), "performance_schema".into()];
                names.extend(
                    snapshot.schemas().map(|s| s.name.clone()).filter(|name| self.may_see_schema(name)),
                );
                names.sort();
                Ok(Listing {
                    columns: metas([columns::names("Database", pattern)]),
                    rows: names.into_iter().map(|name| vec![text(name)]).collect(),
                })
            }
            ShowKind::Tables { full, schema, .. } => {
                let schema = self.schema_or_default(schema)?;
                let mut names = self.table_names(&schema);
                names.sort();
                let title = format!("Tables_in_{schema}");
                let first = columns::names(&title, pattern);
                let columns = if *full { metas([first, columns::table_type()]) } else { metas([first]) };
                let rows = names
                    .into_iter()
                    .map(|(name, kind)| if *full { vec![text(name), text(kind)] } else { vec![text(name)] })
                    .collect();
                Ok(Listing { columns, rows })
            }
            ShowKind::TableStatus { schema } => {
                let schema = self.schema_or_default(schema)?;
                self.table_status(&schema)
            }
            ShowKind::OpenTables { schema } => {
                self.schema_or_default(schema)?;
                given(columns::open_tables())
            }
            ShowKind::Columns { full, table, .. } => self.columns_listing(table, *full),
            ShowKind::Index { table, .. } => self.index_listing(table),
            ShowKind::Create { kind, name } => self.show_create(*kind, name),
            ShowKind::CreateDatabase { if_not_exists, name } => {
                let name = name.as_str();
                self.check_database(name)?;
                let snapshot = self.state.shared.catalog.snapshot();
                let schema =
                    snapshot.schema(name).ok_or_else(|| SqlError::new(er::ER_BAD_DB_ERROR, &[&name]))?;
                Ok(Listing {
                    columns: columns::create("Database", "Create Database"),
                    rows: vec![vec![text(name), text(create::schema_text(schema, *if_not_exists))]],
                })
            }
            ShowKind::Variables { global } => {
                Ok(Listing { columns: columns::variables(), rows: self.variable_rows(*global) })
            }
            ShowKind::Status { .. } => {
                Ok(Listing { columns: columns::variables(), rows: self.status_rows() })
            }
            ShowKind::CharacterSet => {
                let rows = info_schema_rows(self, "CHARACTER_SETS")?
                    .into_iter()
                    .map(|mut row| {
                        row.swap(1, 2);
                        row
                    })
                    .collect();
                Ok(Listing { columns: columns::character_sets(), rows })
            }
            ShowKind::Collation => {
                Ok(Listing { columns: columns::collations(), rows: info_schema_rows(self, "COLLATIONS")? })
            }
            ShowKind::Engines => {
                Ok(Listing { columns: columns::engines(), rows: info_schema_rows(self, "ENGINES")? })
            }
            ShowKind::Engine { what, .. } => not_yet(&format!("SHOW ENGINE … {what}")),
            ShowKind::Plugins => given(columns::plugins()),
            ShowKind::Privileges => given(columns::privileges()),
            ShowKind::ProcessList { full } => {
                let rows = info_schema_rows(self, "PROCESSLIST")?
                    .into_iter()
                    .map(|mut row| {
                        row.truncate(8);
                        if !full && let Some(Value::Text(query)) = row.get(7) {
                            let cut = CollationId::UTF8MB4_BIN.prefix(query.as_bytes(), 100);
                            row[7] = Value::Text(Text::from(cut));
                        }
                        row
                    })
                    .collect();
                Ok(Listing { columns: columns::process_list(*full), rows })
            }
            ShowKind::Warnings { count, .. } => Ok(self.warnings_listing(*count, false)),
            ShowKind::Errors { count, .. } => Ok(self.warnings_listing(*count, true)),
            ShowKind::Grants { user, using } => self.grants_listing(user.as_ref(), using),
            ShowKind::CreateUser(user) => self.create_user_listing(user),
            ShowKind::Triggers { schema, .. } => {
                self.schema_or_default(schema)?;
                given(columns::triggers())
            }
            ShowKind::Events { schema } => {
                self.schema_or_default(schema)?;
                given(columns::events())
            }
            ShowKind::ProcedureStatus | ShowKind::FunctionStatus | ShowKind::LibraryStatus => {
                given(columns::routines())
            }
            ShowKind::BinaryLogs => Err(SqlError::new(er::ER_NO_BINARY_LOGGING, &[])),
            ShowKind::BinaryLogStatus => given(columns::binary_log_status()),
            ShowKind::Replicas => given(columns::replicas()),
            ShowKind::ReplicaStatus { .. } => given(metas([made("Replica_IO_State", 14)])),
            ShowKind::BinlogEvents { .. } => not_yet("SHOW BINLOG EVENTS"),
            ShowKind::Profiles | ShowKind::Profile { .. } => not_yet("SHOW PROFILE"),
            ShowKind::ProcedureCode(_) | ShowKind::FunctionCode(_) => not_yet("SHOW PROCEDURE CODE"),
            ShowKind::ParseTree => not_yet("SHOW PARSE_TREE"),
        }
    }

    fn table_names(&self, schema: &str) -> Vec<(String, &'static str)> {
        if info_schema::has_schema(schema) {
            let kind = if schema == "information_schema" { "SYSTEM VIEW" } else { "BASE TABLE" };
            return info_schema::tables_of(schema).iter().map(|table| (table.name.clone(), kind)).collect();
        }
        let snapshot = self.state.shared.catalog.snapshot();
        let tables = snapshot.tables(schema).map(|table| (table.name.clone(), "BASE TABLE"));
        let views = snapshot.views(schema).map(|view| (view.name.clone(), "VIEW"));
        tables.chain(views).filter(|(name, _)| self.may_see_table(schema, name)).collect()
    }

    fn table_status(&self, schema: &str) -> SqlResult<Listing> {
        let columns = columns::table_status();
        let snapshot = self.state.shared.catalog.snapshot();
        let rows = Rows { session: self, catalog: &snapshot };
        let Some(tables) = info_schema::table("information_schema", "TABLES") else {
            return Ok(Listing { columns, rows: Vec::new() });
        };
        let rows = rows
            .of(&tables)?
            .into_iter()
            .filter(|row| matches!(&row[1], Value::Text(name) if name.as_bytes() == schema.as_bytes()))
            .map(|mut row| {
                row.drain(3..4);
                row.drain(0..2);
                row
            })
            .collect();
        Ok(Listing { columns, rows })
    }

    fn columns_of(&self, name: &ObjectName) -> SqlResult<Vec<(ColumnDef, &'static str)>> {
        let (schema, table) = self.qualify(name)?;
        if let Some(table) = info_schema::table(&schema, &table) {
            return Ok(table.columns.iter().map(|column| (column.clone(), "")).collect());
        }
        let snapshot = self.state.shared.catalog.snapshot();
        self.require_visible(&schema, &table)?;
        if snapshot.view(&schema, &table).is_some() {
            return Ok(self.view_columns(&schema, &table)?.into_iter().map(|column| (column, "")).collect());
        }
        let table = self.table_for_ddl(&schema, &table)?;
        Ok(table.columns.iter().map(|column| (column.clone(), info_schema::key_of(&table, column))).collect())
    }

    fn columns_listing(&self, name: &ObjectName, full: bool) -> SqlResult<Listing> {
        let columns = columns::columns(full);
        let mut rows = Vec::new();
        for (column, key) in self.columns_of(name)? {
            let ty = &column.ty;
            let is_character =
                typing::is_character(ty) && !ty.collation.is_binary() && ty.base != BaseType::Json;
            let field = text(&column.name);
            let type_shown = text(create::type_text(ty));
            let null = text(if ty.nullable { "YES" } else { "NO" });
            let default = info_schema::default_shown(&column);
            let extra = text(info_schema::extra_of(&column));
            rows.push(if full {
                let collation = if is_character { text(ty.collation.name()) } else { Value::Null };
                vec![
                    field,
                    type_shown,
                    collation,
                    null,
                    text(key),
                    default,
                    extra,
                    text("select,insert,update,references"),
                    text(&column.comment),
                ]
            } else {
                vec![field, type_shown, null, text(key), default, extra]
            });
        }
        Ok(Listing { columns, rows })
    }

    pub(crate) fn describe(&mut self, describe: &Describe, sink: &mut dyn RowSink) -> SqlResult<u64> {
        let mut listing = self.columns_listing(&describe.table, false)?;
        match &describe.column {
            None => {}
            Some(DescribeColumn::Name(name)) => listing
                .rows
                .retain(|row| matches!(&row[0], Value::Text(t) if aurora_catalog::names_equal(&t.to_str_lossy(), name.as_str()))),
            Some(DescribeColumn::Pattern(pattern)) => {
                let pattern = LikePattern::new(
                    pattern.bytes.as_bytes(),
                    Some('\\'),
                    CollationId::UTF8MB4_0900_AI_CI,
                );
                listing.rows.retain(|row| matches!(&row[0], Value::Text(t) if pattern.matches(t.as_bytes())));
            }
        }
        give(&listing, sink)
    }

    fn index_listing(&self, name: &ObjectName) -> SqlResult<Listing> {
        let (schema, table) = self.qualify(name)?;
        self.require_visible(&schema, &table)?;
        let snapshot = self.state.shared.catalog.snapshot();
        let columns = columns::index();
        let mut rows = Vec::new();
        if snapshot.view(&schema, &table).is_some() {
            return Ok(Listing { columns, rows });
        }
        let table = self.table_for_ddl(&schema, &table)?;
        for index in &table.indexes {
            let counts = self.cardinality(&table, index, &snapshot)?;
            for (at, part) in index.parts.iter().enumerate() {
                let (name, nullable, expression) = match &part.part {
                    KeyPart::Column(id) => {
                        let column = table.column(*id);
                        (
                            column.map_or(Value::Null, |column| text(&column.name)),
                            column.is_some_and(|column| column.ty.nullable),
                            Value::Null,
                        )
                    }
                    KeyPart::Expression(expression) => (Value::Null, true, text(expression)),
                };
                rows.push(vec![
                    text(&table.name),
                    Value::Int(i64::from(!index.is_unique())),
                    text(&index.name),
                    Value::Int(at as i64 + 1),
                    name,
                    match index.kind {
                        aurora_catalog::IndexKind::FullText => Value::Null,
                        _ => text(if part.descending { "D" } else { "A" }),
                    },
                    counts.get(at).map_or(Value::Null, |&n| Value::UInt(n)),
                    part.prefix_length.map_or(Value::Null, |n| Value::Int(n.into())),
                    Value::Null,
                    text(if nullable { "YES" } else { "" }),
                    text(info_schema::index_type(index)),
                    text(""),
                    text(&index.comment),
                    text(if index.invisible { "NO" } else { "YES" }),
                    expression,
                ]);
            }
        }
        Ok(Listing { columns, rows })
    }

    fn show_create(&mut self, kind: ShowCreate, name: &ObjectName) -> SqlResult<Listing> {
        let (schema, object) = self.qualify(name)?;
        let snapshot = self.state.shared.catalog.snapshot();
        match kind {
            ShowCreate::Table | ShowCreate::View => {
                self.require_visible(&schema, &object)?;
                if let Some(view) = snapshot.view(&schema, &object) {
                    if self.view_columns(&schema, &object).is_err() {
                        self.state.diagnostics.warn(er::ER_VIEW_INVALID, &[&schema, &object]);
                    }
                    return Ok(Listing {
                        columns: columns::create_view(),
                        rows: vec![vec![
                            text(&view.name),
                            text(create::view_text(view)),
                            text(&view.charset_client),
                            text(view.collation_connection.name()),
                        ]],
                    });
                }
                let table = self.table_for_ddl(&schema, &object)?;
                if kind == ShowCreate::View {
                    return Err(SqlError::new(er::ER_WRONG_OBJECT, &[&schema, &object, &"VIEW"]));
                }
                let next = self.auto_increment_next(&table)?;
                Ok(Listing {
                    columns: columns::create("Table", "Create Table"),
                    rows: vec![vec![text(&table.name), text(create::table_text(&table, next))]],
                })
            }
            ShowCreate::Procedure => Err(SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"PROCEDURE", &object])),
            ShowCreate::Function => Err(SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"FUNCTION", &object])),
            ShowCreate::Trigger => Err(SqlError::new(er::ER_TRG_DOES_NOT_EXIST, &[])),
            ShowCreate::Event => Err(SqlError::new(er::ER_EVENT_DOES_NOT_EXIST, &[&object])),
        }
    }

    fn warnings_listing(&self, count: bool, errors_only: bool) -> Listing {
        use aurora_types::Level;
        let chosen: Vec<_> = self
            .state
            .diagnostics
            .list
            .iter()
            .filter(|warning| !errors_only || warning.level == Level::Error)
            .collect();
        if count {
            let name = if errors_only { "@@session.error_count" } else { "@@session.warning_count" };
            let n = if errors_only { chosen.len() as u64 } else { self.state.diagnostics.count };
            return Listing { columns: columns::count(name), rows: vec![vec![Value::UInt(n)]] };
        }
        let rows = chosen
            .into_iter()
            .map(|warning| {
                let level = match warning.level {
                    Level::Note => "Note",
                    Level::Warning => "Warning",
                    Level::Error => "Error",
                };
                vec![text(level), Value::UInt(warning.code.into()), text(&warning.message)]
            })
            .collect();
        Listing { columns: columns::warnings(), rows }
    }

    /// SHOW VARIABLES.
    pub(crate) fn variable_rows(&self, global: bool) -> Vec<Vec<Value>> {
        variables::definitions()
            .iter()
            .filter(|definition| !(global && definition.scope == variables::Scope::SessionOnly))
            .filter_map(|definition| {
                let (id, _) = variables::lookup(definition.name)?;
                let value = if global {
                    self.state.global_value(id, definition)
                } else {
                    self.state.session_value(id, definition)
                };
                Some(vec![text(definition.name), Value::Text(Text::from(definition.shown(&value)))])
            })
            .collect()
    }

    /// SHOW STATUS.
    pub(crate) fn status_rows(&self) -> Vec<Vec<Value>> {
        use std::sync::atomic::Ordering::Relaxed;
        let shared = &self.state.shared;
        let counters = &shared.counters;
        let up = (shared.now_micros() - shared.facts.started_micros) / 1_000_000;
        let (connected, running) = {
            let all = shared.connections.lock();
            (all.len(), all.values().filter(|connection| connection.doing.lock().command != "Sleep").count())
        };
        let (version, cipher) = self.state.tls.clone().unwrap_or_default();
        let mut rows: Vec<(&str, String)> = vec![
            ("Aborted_connects", counters.aborted_connects.load(Relaxed).to_string()),
            ("Aurora_plan_cache_hits", counters.plan_cache_hits.load(Relaxed).to_string()),
            ("Aurora_plan_cache_misses", counters.plan_cache_misses.load(Relaxed).to_string()),
            ("Com_delete", counters.deletes.load(Relaxed).to_string()),
            ("Com_insert", counters.inserts.load(Relaxed).to_string()),
            ("Com_select", counters.selects.load(Relaxed).to_string()),
            ("Com_update", counters.updates.load(Relaxed).to_string()),
            ("Connections", counters.connections.load(Relaxed).to_string()),
            ("Handler_commit", counters.commits.load(Relaxed).to_string()),
            ("Handler_rollback", counters.rollbacks.load(Relaxed).to_string()),
            ("Prepared_stmt_count", self.prepared.len().to_string()),
            ("Queries", counters.questions.load(Relaxed).to_string()),
            ("Questions", counters.questions.load(Relaxed).to_string()),
            ("Slow_queries", counters.slow_queries.load(Relaxed).to_string()),
            ("Ssl_cipher", cipher.clone()),
            ("Ssl_version", version.clone()),
            ("Threads_connected", connected.to_string()),
            ("Threads_running", running.to_string()),
            ("Uptime", up.to_string()),
            ("Uptime_since_flush_status", up.to_string()),
        ];
        rows.sort();
        rows.into_iter().map(|(name, value)| vec![text(name), text(value)]).collect()
    }
}

fn info_schema_rows(session: &Session, name: &str) -> SqlResult<Vec<Vec<Value>>> {
    let snapshot = session.state.shared.catalog.snapshot();
    let rows = Rows { session, catalog: &snapshot };
    match info_schema::table("information_schema", name) {
        Some(table) => rows.of(&table),
        None => Ok(Vec::new()),
    }
}

/// Sends a listing; `end` is the caller's.
pub(crate) fn give(listing: &Listing, sink: &mut dyn RowSink) -> SqlResult<u64> {
    sink.begin(&listing.columns)?;
    for row in &listing.rows {
        let cells: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
        sink.row(&cells)?;
    }
    Ok(listing.rows.len() as u64)
}
