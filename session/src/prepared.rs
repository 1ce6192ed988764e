//! Prepared statements, of the protocol and of SQL.

use crate::plans::PlanEpoch;
use crate::run::{Done, SHOWN_BYTES, STALE, unexpected_rest};
use crate::session::{Reply, Session};
use aurora_expr::typing;
use aurora_parser::{ExplainTarget, Parsed, PrepareSource, Statement, TableAdminKind};
use aurora_planner::Plan;
use aurora_types::error as er;
use aurora_types::{
    BaseType, ColumnMeta, Diagnostics, RowSink, SqlError, SqlResult, SqlType, StatementStatus, Text, Value,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a client is told of a prepared statement.
pub struct Prepared {
    pub id: u32,
    pub params: Vec<ColumnMeta>,
    pub columns: Vec<ColumnMeta>,
    pub warnings: u16,
}

pub(crate) struct PreparedStatement {
    text: Arc<[u8]>,
    parsed: Arc<Parsed>,
    /// SELECT … INTO.
    has_into: bool,
    /// The newest plan: what it was made of, and the kinds of parameters.
    plan: Option<(PlanEpoch, Vec<ParamKind>, Arc<Plan>)>,
}

/// Parameters of one kind share a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ParamKind {
    Null,
    Int,
    UInt,
    Double,
    Decimal,
    Text,
    Date,
    Time,
    DateTime,
    Json,
}

/// What SHOW PROCESSLIST shows of a statement: its text itself where that is short enough.
fn shown(text: &Arc<[u8]>) -> Arc<[u8]> {
    if text.len() <= SHOWN_BYTES { text.clone() } else { Arc::from(&text[..SHOWN_BYTES]) }
}

fn kind_of(value: &Value) -> ParamKind {
    match value {
        Value::Null => ParamKind::Null,
        Value::Int(_) => ParamKind::Int,
        Value::UInt(_) => ParamKind::UInt,
        Value::Double(_) => ParamKind::Double,
        Value::Decimal(_) => ParamKind::Decimal,
        Value::Text(_) => ParamKind::Text,
        Value::Date(_) => ParamKind::Date,
        Value::Time(_) => ParamKind::Time,
        Value::DateTime(_) => ParamKind::DateTime,
        Value::Json(_) => ParamKind::Json,
    }
}

#[derive(Default)]
pub(crate) struct PreparedStatements {
    /// `None` while it runs.
    by_id: BTreeMap<u32, Option<Box<PreparedStatement>>>,
    by_name: HashMap<String, PreparedStatement>,
    next_id: u32,
}

impl PreparedStatements {
    fn get(&self, id: u32) -> Option<&PreparedStatement> {
        self.by_id.get(&id)?.as_deref()
    }

    pub fn len(&self) -> usize {
        self.by_id.len() + self.by_name.len()
    }

    /// Plans depend on sql_mode, collations and the default database.
    pub fn forget_plans(&mut self) {
        let by_id = self.by_id.values_mut().flatten().map(|statement| &mut **statement);
        for statement in by_id.chain(self.by_name.values_mut()) {
            statement.plan = None;
        }
    }
}

/// Statements with rows and columns that are planned; the rest runs from its tree.
fn is_planned(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)
    )
}

/// A statement as the limits of accounts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Where it ends in its text.
    pub bytes: usize,
    /// Whether nothing follows that this session would run.
    pub is_last: bool,
    pub changes_data: bool,
}

/// Whether MAX_UPDATES_PER_HOUR counts it.
fn changes_data(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => match &explain.target {
            ExplainTarget::Statement(inner) => changes_data(inner),
            _ => false,
        },
        Statement::TableAdmin(admin) => admin.kind == TableAdminKind::Optimize,
        Statement::Query(_)
        | Statement::Call(_)
        | Statement::Do(_)
        | Statement::Handler(_)
        | Statement::StartTransaction(_)
        | Statement::Begin
        | Statement::Commit(_)
        | Statement::Rollback(_)
        | Statement::Savepoint(_)
        | Statement::RollbackTo(_)
        | Statement::ReleaseSavepoint(_)
        | Statement::Xa(_)
        | Statement::Set(_)
        | Statement::SetTransaction(_)
        | Statement::SetRole(_)
        | Statement::Use(_)
        | Statement::Prepare { .. }
        | Statement::Execute { .. }
        | Statement::Deallocate(_)
        | Statement::LockTables(_)
        | Statement::UnlockTables
        | Statement::LockInstance
        | Statement::UnlockInstance
        | Statement::Signal(_)
        | Statement::GetDiagnostics(_)
        | Statement::Show(_)
        | Statement::Describe(_)
        | Statement::Help(_)
        | Statement::Flush(_)
        | Statement::Kill(_)
        | Statement::Shutdown
        | Statement::Restart
        | Statement::Unsupported { .. } => false,
        _ => true,
    }
}

impl Session {
    /// What the limits of an account count of the first statement of `text`; `None` when it cannot be read, and its
    /// execution will say why.
    pub fn counted(&self, text: &[u8]) -> Option<Counted> {
        let parsed = aurora_parser::parse(text, &self.parse_context(false)).ok()?;
        let bytes = parsed.next.min(text.len());
        let rest_is_blank = text[bytes..].iter().all(|b| b.is_ascii_whitespace() || *b == 0);
        let prepared = match &parsed.statement {
            Statement::Execute { name, .. } => self.prepared.by_name.get(&name.as_str().to_lowercase()),
            _ => None,
        };
        let statement = prepared.map_or(&parsed.statement, |prepared| &prepared.parsed.statement);
        Some(Counted {
            bytes,
            is_last: rest_is_blank || !self.state.multi_statements,
            changes_data: changes_data(statement),
        })
    }

    /// Whether MAX_UPDATES_PER_HOUR counts an execution of this prepared statement.
    pub fn prepared_changes_data(&self, id: u32) -> bool {
        self.prepared.get(id).is_some_and(|prepared| changes_data(&prepared.parsed.statement))
    }

    fn parse_one(&self, text: &[u8]) -> SqlResult<Parsed> {
        let parsed = aurora_parser::parse(text, &self.parse_context(true))?;
        let rest = &text[parsed.next.min(text.len())..];
        if !rest.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
            return Err(unexpected_rest(rest, 1));
        }
        let refused = matches!(
            parsed.statement,
            Statement::Prepare { .. }
                | Statement::Execute { .. }
                | Statement::Deallocate(_)
                | Statement::Use(_)
                | Statement::LoadData(_)
        );
        if refused {
            return Err(SqlError::new(er::ER_UNSUPPORTED_PS, &[]));
        }
        Ok(parsed)
    }

    fn max_prepared(&self) -> SqlResult<()> {
        let max = self.state.variables.integer("max_prepared_stmt_count");
        if self.prepared.len() as u64 >= max {
            return Err(SqlError::new(er::ER_MAX_PREPARED_STMT_COUNT_REACHED, &[&max]));
        }
        Ok(())
    }

    /// COM_STMT_PREPARE.
    ///
    /// # Errors
    /// What parsing and planning raise.
    pub fn prepare(&mut self, text: &[u8]) -> SqlResult<Prepared> {
        self.state.kill.clear_query();
        self.state.begin_statement();
        let result = self.prepare_here(text);
        if let Err(error) = &result {
            self.state.diagnostics.clear();
            self.state.diagnostics.push(aurora_types::Level::Error, error.code, error.message.clone());
        }
        result
    }

    fn prepare_here(&mut self, text: &[u8]) -> SqlResult<Prepared> {
        self.max_prepared()?;
        let parsed = Arc::new(self.parse_one(text)?);
        self.check_expired(&parsed.statement)?;
        let snapshot = self.state.shared.catalog.snapshot();
        let mut columns = Vec::new();
        let mut params = Vec::new();
        let mut has_into = false;
        if is_planned(&parsed.statement) {
            let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
            self.check_access(&plan.access)?;
            has_into = plan.into.is_some();
            if !has_into {
                columns = plan.columns.clone();
            }
            params = plan.parameters.clone();
        }
        params.resize_with(parsed.parameters as usize, || {
            typing::nullable(typing::text(0, self.state.connection_collation), true)
        });
        let params = params.into_iter().map(|ty| crate::show::column("?", ty)).collect();
        self.prepared.next_id += 1;
        let id = self.prepared.next_id;
        let statement = PreparedStatement { text: Arc::from(text), parsed, has_into, plan: None };
        self.prepared.by_id.insert(id, Some(Box::new(statement)));
        Ok(Prepared { id, params, columns, warnings: 0 })
    }

    /// COM_STMT_EXECUTE; as [`Session::execute`], `end` is the caller's.
    ///
    /// # Errors
    /// 1243 for an unknown statement, 1210 for the wrong number of parameters, and what the statement raises.
    pub fn execute_prepared(
        &mut self,
        id: u32,
        params: Vec<Value>,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Reply> {
        let mut statement = self.prepared.by_id.get_mut(&id).and_then(Option::take).ok_or_else(|| {
            let args: [&dyn std::fmt::Display; 2] = [&id, &"mysqld_stmt_execute"];
            SqlError::new(er::ER_UNKNOWN_STMT_HANDLER, &args)
        })?;
        let text = statement.text.clone();
        self.begin(shown(&text));
        let mut diagnostics =
            Diagnostics { max_kept: self.state.diagnostics.max_kept, ..Diagnostics::default() };
        let result = self.run_prepared(&mut statement, &params, &mut diagnostics, sink);
        if let Some(place) = self.prepared.by_id.get_mut(&id) {
            *place = Some(statement);
        }
        let (reply, _) = self.conclude(&text, (result, diagnostics, None))?;
        Ok(reply)
    }

    fn run_prepared(
        &mut self,
        statement: &mut PreparedStatement,
        params: &[Value],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        if params.len() != statement.parsed.parameters as usize {
            return Err(SqlError::new(er::ER_WRONG_ARGUMENTS, &[&"EXECUTE"]));
        }
        if !is_planned(&statement.parsed.statement) {
            let parsed = statement.parsed.clone();
            let text = statement.text.clone();
            return self.run_parsed(&parsed, &text, false, diagnostics, sink);
        }
        let kinds: Vec<ParamKind> = params.iter().map(kind_of).collect();
        for _ in 0..5 {
            let snapshot = self.state.shared.catalog.snapshot();
            let now = self.plan_epoch(&snapshot);
            let known = match &statement.plan {
                Some((epoch, planned, plan)) if *epoch == now && *planned == kinds => Some(plan.clone()),
                _ => None,
            };
            let plan = match known {
                Some(plan) => plan,
                None => {
                    let types: Vec<SqlType> = params.iter().map(|value| self.type_of_param(value)).collect();
                    let parsed = statement.parsed.clone();
                    let plan = Arc::new(self.plan_with(&parsed.statement, &parsed, &snapshot, &types)?);
                    statement.plan = plan.cacheable.then(|| (now, kinds.clone(), plan.clone()));
                    plan
                }
            };
            match self.run_plan(&plan, params, diagnostics, sink) {
                Err(error) if error.code == STALE => {
                    statement.plan = None;
                    diagnostics.clear();
                }
                done => return done,
            }
        }
        Err(SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]))
    }

    fn type_of_param(&self, value: &Value) -> SqlType {
        let ty = match value {
            Value::Null => SqlType::new(BaseType::Null, 0),
            Value::Int(_) => typing::bigint(20),
            Value::UInt(_) => typing::bigint_unsigned(20),
            Value::Double(_) => typing::double(),
            Value::Decimal(v) => typing::decimal(65, u32::from(v.scale())),
            Value::Text(_) => typing::text(16_383, self.state.connection_collation),
            Value::Date(_) => typing::date(),
            Value::Time(_) => typing::time(6),
            Value::DateTime(_) => typing::datetime(6),
            Value::Json(_) => typing::json(),
        };
        typing::nullable(ty, true)
    }

    /// Whether the statement may be executed with a cursor.
    ///
    /// # Errors
    /// 1323 for SELECT … INTO: it has no rows to fetch.
    pub fn check_cursor(&self, id: u32) -> SqlResult<()> {
        match self.prepared.get(id) {
            Some(statement) if statement.has_into => Err(SqlError::new(er::ER_SP_BAD_CURSOR_SELECT, &[])),
            _ => Ok(()),
        }
    }

    /// COM_STMT_CLOSE.
    pub fn close_prepared(&mut self, id: u32) {
        self.prepared.by_id.remove(&id);
    }

    pub fn has_prepared(&self, id: u32) -> bool {
        self.prepared.by_id.contains_key(&id)
    }

    pub(crate) fn prepare_named(&mut self, name: &str, source: &PrepareSource) -> SqlResult<()> {
        let text = match source {
            PrepareSource::Text(text) => text.bytes.as_bytes().to_vec(),
            PrepareSource::UserVariable(variable) => {
                let known =
                    self.state.user_variables.borrow().get(&variable.to_str_lossy().to_lowercase()).cloned();
                match known {
                    Some((Value::Text(text), _)) => text.as_bytes().to_vec(),
                    Some((value, ty)) if !value.is_null() => {
                        let mut out = Vec::new();
                        aurora_types::display::write_text(value.as_ref(), &ty, &mut out);
                        out
                    }
                    _ => b"NULL".to_vec(),
                }
            }
        };
        let key = name.to_lowercase();
        self.prepared.by_name.remove(&key);
        self.max_prepared()?;
        let parsed = Arc::new(self.parse_one(&text)?);
        if is_planned(&parsed.statement) {
            let snapshot = self.state.shared.catalog.snapshot();
            let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
            self.check_access(&plan.access)?;
        }
        self.prepared
            .by_name
            .insert(key, PreparedStatement { text: Arc::from(text), parsed, has_into: false, plan: None });
        Ok(())
    }

    pub(crate) fn execute_named(
        &mut self,
        name: &str,
        using: &[Text],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        let key = name.to_lowercase();
        let Some(mut statement) = self.prepared.by_name.remove(&key) else {
            let args: [&dyn std::fmt::Display; 2] = [&name, &"EXECUTE"];
            return Err(SqlError::new(er::ER_UNKNOWN_STMT_HANDLER, &args));
        };
        let params: Vec<Value> = using
            .iter()
            .map(|variable| {
                let variables = self.state.user_variables.borrow();
                variables
                    .get(&variable.to_str_lossy().to_lowercase())
                    .map_or(Value::Null, |(value, _)| value.clone())
            })
            .collect();
        let result = self.run_prepared(&mut statement, &params, diagnostics, sink);
        self.prepared.by_name.entry(key).or_insert(statement);
        result
    }

    pub(crate) fn deallocate_named(&mut self, name: &str) -> SqlResult<()> {
        match self.prepared.by_name.remove(&name.to_lowercase()) {
            Some(_) => Ok(()),
            None => {
                let args: [&dyn std::fmt::Display; 2] = [&name, &"DEALLOCATE PREPARE"];
                Err(SqlError::new(er::ER_UNKNOWN_STMT_HANDLER, &args))
            }
        }
    }

    /// A status for answers without a statement.
    pub fn plain_status(&self) -> StatementStatus {
        StatementStatus { status_flags: self.status_flags(), ..StatementStatus::default() }
    }
}
