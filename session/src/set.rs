//! SET.

use crate::session::Session;
use crate::state::parse_mode;
use crate::variables::{self, Scope, VariableDef, VariableId, convert_assignment};
use aurora_expr::typing;
use aurora_parser::{
    Expr, ExprId, Ident, IsolationLevel, Parsed, SetCharset, SetItem, SetTransaction, SetValue, VariableScope,
};
use aurora_txn::Isolation;
use aurora_types::error as er;
use aurora_types::{
    CollationId, Diagnostics, Level, RowSink, SqlError, SqlResult, SqlType, Text, TimeZone, Value,
};

/// Variables whose value only this server decides, or that would change results if they were taken: setting them to
/// something else is refused.
const FIXED: &[(&str, &str)] =
    &[("default_storage_engine", "InnoDB"), ("default_tmp_storage_engine", "InnoDB")];

impl Session {
    pub(crate) fn set(
        &mut self,
        items: &[SetItem],
        parsed: &Parsed,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<()> {
        // All values first, as MySQL: an error leaves everything as it was.
        let mut planned = Vec::with_capacity(items.len());
        for item in items {
            planned.push(self.prepare_item(item, parsed, diagnostics)?);
        }
        for assignment in planned {
            self.apply(assignment, diagnostics, sink)?;
        }
        self.state.refresh();
        Ok(())
    }

    fn constant(
        &mut self,
        parsed: &Parsed,
        expr: ExprId,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<(Value, SqlType)> {
        if let Some(literal) = crate::ddl::literal(&parsed.ast, expr, self.state.client_collation) {
            return Ok(literal);
        }
        let parsed = crate::names::select_of(parsed, expr);
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
        self.check_access(&plan.access)?;
        let ty = plan.columns.first().map(|column| column.ty.clone());
        let value = self.run_scalar(&plan, &snapshot, diagnostics)?;
        Ok((value, ty.unwrap_or_else(|| typing::text(0, self.state.connection_collation))))
    }

    fn prepare_item(
        &mut self,
        item: &SetItem,
        parsed: &Parsed,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<Assigned> {
        Ok(match item {
            SetItem::UserVariable { name, value } => {
                let (value, ty) = self.constant(parsed, *value, diagnostics)?;
                Assigned::User { name: name.to_str_lossy().to_lowercase(), value, ty }
            }
            SetItem::SystemVariable { scope, component, name, value } => {
                if component.is_some() {
                    return Err(SqlError::new(er::ER_UNKNOWN_SYSTEM_VARIABLE, &[&name.as_str()]));
                }
                let (id, definition) = self.settable(name, *scope)?;
                let value = match value {
                    SetValue::Default => None,
                    SetValue::Expr(expr) => Some(match parsed.ast.expr(*expr) {
                        // A bare word is the text itself.
                        Expr::Column(column) if column.table.is_none() => {
                            Value::Text(column.column.text.clone())
                        }
                        _ => self.constant(parsed, *expr, diagnostics)?.0,
                    }),
                };
                let global = matches!(
                    scope,
                    VariableScope::Global | VariableScope::Persist | VariableScope::PersistOnly
                );
                if matches!(scope, VariableScope::Persist | VariableScope::PersistOnly) {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"SET PERSIST"]));
                }
                if global {
                    self.require_dynamic("SYSTEM_VARIABLES_ADMIN")?;
                }
                Assigned::System { id, definition, value, global }
            }
            SetItem::Names { charset, collation } => {
                let charset = match charset {
                    SetCharset::Default => CollationId::UTF8MB4_0900_AI_CI.charset(),
                    SetCharset::Named(name) => crate::ddl::charset(name)?,
                };
                let collation = match collation {
                    Some(name) => {
                        let found = crate::ddl::collation(name)?;
                        if found.charset() != charset {
                            let args: [&dyn std::fmt::Display; 2] = [&found.name(), &charset.name()];
                            return Err(SqlError::new(er::ER_COLLATION_CHARSET_MISMATCH, &args));
                        }
                        found
                    }
                    None => charset.default_collation(),
                };
                Assigned::Names(collation)
            }
            SetItem::CharacterSet(charset) => {
                let charset = match charset {
                    SetCharset::Default => CollationId::UTF8MB4_0900_AI_CI.charset(),
                    SetCharset::Named(name) => crate::ddl::charset(name)?,
                };
                Assigned::CharacterSet(charset.default_collation())
            }
        })
    }

    fn settable(&self, name: &Ident, scope: VariableScope) -> SqlResult<(VariableId, &'static VariableDef)> {
        let shown = name.as_str();
        let (id, definition) = variables::lookup(shown)
            .ok_or_else(|| SqlError::new(er::ER_UNKNOWN_SYSTEM_VARIABLE, &[&shown]))?;
        if definition.read_only {
            let args: [&dyn std::fmt::Display; 2] = [&shown, &"read only"];
            return Err(SqlError::new(er::ER_INCORRECT_GLOBAL_LOCAL_VAR, &args));
        }
        let global =
            matches!(scope, VariableScope::Global | VariableScope::Persist | VariableScope::PersistOnly);
        match (global, definition.scope) {
            (true, Scope::SessionOnly) => {
                let args: [&dyn std::fmt::Display; 2] = [&shown, &"SESSION"];
                Err(SqlError::new(er::ER_INCORRECT_GLOBAL_LOCAL_VAR, &args))
            }
            (false, Scope::Global) => Err(SqlError::new(er::ER_GLOBAL_VARIABLE, &[&shown])),
            _ => Ok((id, definition)),
        }
    }

    fn apply(
        &mut self,
        assigned: Assigned,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<()> {
        match assigned {
            Assigned::User { name, value, ty } => {
                let mut ty = ty;
                ty.nullable = true;
                self.state.user_variables.borrow_mut().insert(name, (value, ty));
                Ok(())
            }
            Assigned::Names(collation) => {
                self.state.set_client_collation(collation);
                self.forget_plans();
                sink.results_collation(self.state.results_collation);
                Ok(())
            }
            Assigned::CharacterSet(collation) => {
                self.state.set_client_collation(collation);
                let database = self.database_collation();
                self.set_connection_collation(database);
                self.forget_plans();
                sink.results_collation(self.state.results_collation);
                Ok(())
            }
            Assigned::System { id, definition, value, global } => {
                self.set_system(id, definition, value, global, diagnostics)?;
                self.forget_plans();
                sink.results_collation(self.state.results_collation);
                Ok(())
            }
        }
    }

    fn database_collation(&self) -> CollationId {
        let snapshot = self.state.shared.catalog.snapshot();
        self.state
            .database
            .as_ref()
            .and_then(|name| snapshot.schema(name))
            .map_or(CollationId::UTF8MB4_0900_AI_CI, |schema| schema.collation)
    }

    fn set_connection_collation(&mut self, collation: CollationId) {
        self.state.connection_collation = collation;
        let vars = &mut self.state.variables;
        vars.set_by_name("character_set_connection", Value::Text(Text::from(collation.charset().name())));
        vars.set_by_name("collation_connection", Value::Text(Text::from(collation.name())));
    }

    fn set_system(
        &mut self,
        id: VariableId,
        definition: &'static VariableDef,
        value: Option<Value>,
        global: bool,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<()> {
        let name = definition.name;
        let is_default = value.is_none();
        let value = match value {
            Some(value) => value,
            None if global => definition.default.clone(),
            None => self.state.global_value(id, definition),
        };
        let wrong = |value: &Value| {
            let shown = match value {
                Value::Null => "NULL".to_owned(),
                other => String::from_utf8_lossy(&definition.shown(other)).into_owned(),
            };
            let args: [&dyn std::fmt::Display; 2] = [&name, &shown];
            SqlError::new(er::ER_WRONG_VALUE_FOR_VAR, &args)
        };
        let checked = match name {
            "sql_mode" => {
                let mode = parse_mode(&value).ok_or_else(|| wrong(&value))?;
                Value::Text(Text::from(mode.to_string()))
            }
            "time_zone" => {
                let Value::Text(text) = &value else { return Err(wrong(&value)) };
                let text = text.to_str_lossy();
                let zone = TimeZone::parse(&text)
                    .ok_or_else(|| SqlError::new(er::ER_UNKNOWN_TIME_ZONE, &[&text]))?;
                Value::Text(Text::from(zone.name()))
            }
            "timestamp" => {
                let seconds = match &value {
                    Value::Int(v) => *v as f64,
                    Value::UInt(v) => *v as f64,
                    Value::Double(v) => *v,
                    Value::Decimal(v) => v.to_f64(),
                    _ => return Err(SqlError::new(er::ER_WRONG_TYPE_FOR_VAR, &[&name])),
                };
                let fixed = !is_default && seconds != 0.0;
                self.state.fixed_now.set(fixed.then_some((seconds * 1e6) as i64));
                return Ok(());
            }
            "last_insert_id" | "identity" => {
                self.state.last_insert_id.set(integer(&value).ok_or_else(|| wrong(&value))?);
                return Ok(());
            }
            "insert_id" => {
                self.state.insert_id.set(integer(&value));
                return Ok(());
            }
            "rand_seed1" | "rand_seed2" | "pseudo_thread_id" => return Ok(()),
            "character_set_client"
            | "character_set_connection"
            | "character_set_results"
            | "character_set_server"
            | "character_set_database" => {
                if value.is_null() && name == "character_set_results" {
                    self.state.results_collation = None;
                    self.state.variables.set(id, Value::Null);
                    return Ok(());
                }
                let collation = charset_value(&value, &wrong)?;
                if !global {
                    match name {
                        "character_set_client" => self.state.client_collation = collation,
                        "character_set_connection" => self.set_connection_collation(collation),
                        "character_set_results" => self.state.results_collation = Some(collation),
                        _ => {}
                    }
                }
                Value::Text(Text::from(collation.charset().name()))
            }
            "collation_connection" | "collation_server" | "collation_database" => {
                let Value::Text(text) = &value else { return Err(wrong(&value)) };
                let collation = crate::ddl::collation(text)?;
                if name == "collation_connection" && !global {
                    self.set_connection_collation(collation);
                }
                Value::Text(Text::from(collation.name()))
            }
            "transaction_isolation" => {
                if self.open.is_some() && !global {
                    return Err(SqlError::new(er::ER_CANT_CHANGE_TX_CHARACTERISTICS, &[]));
                }
                convert_assignment(definition, &value)?.value
            }
            "autocommit" => {
                let on = convert_assignment(definition, &value)?.value;
                let turned_on = matches!(on, Value::Int(1));
                if turned_on && !global && !self.state.autocommit {
                    self.commit_implicitly()?;
                }
                on
            }
            _ => {
                if let Some((_, only)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
                    let is_it = matches!(&value, Value::Text(text) if text.as_bytes().eq_ignore_ascii_case(only.as_bytes()));
                    if !is_it {
                        let shown = String::from_utf8_lossy(&definition.shown(&value)).into_owned();
                        return Err(SqlError::new(er::ER_UNKNOWN_STORAGE_ENGINE, &[&shown]));
                    }
                }
                let assignment = convert_assignment(definition, &value)?;
                if assignment.truncated {
                    let shown = String::from_utf8_lossy(&definition.shown(&value)).into_owned();
                    let args: [&dyn std::fmt::Display; 2] = [&name, &shown];
                    let error = SqlError::new(er::ER_TRUNCATED_WRONG_VALUE, &[&args[0], &args[1]]);
                    let text = format!("Truncated incorrect {name} value: '{shown}'");
                    diagnostics.push(Level::Warning, error.code, text);
                }
                assignment.value
            }
        };
        if global {
            self.state.shared.globals.set(id, checked);
        } else {
            self.state.variables.set(id, checked);
        }
        Ok(())
    }

    pub(crate) fn set_transaction(&mut self, statement: &SetTransaction) -> SqlResult<()> {
        let isolation = statement.isolation.map(|level| match level {
            IsolationLevel::ReadUncommitted => (Isolation::ReadUncommitted, "READ-UNCOMMITTED"),
            IsolationLevel::ReadCommitted => (Isolation::ReadCommitted, "READ-COMMITTED"),
            IsolationLevel::RepeatableRead => (Isolation::RepeatableRead, "REPEATABLE-READ"),
            IsolationLevel::Serializable => (Isolation::Serializable, "SERIALIZABLE"),
        });
        match statement.scope {
            VariableScope::Implicit => {
                if self.open.is_some() {
                    return Err(SqlError::new(er::ER_CANT_CHANGE_TX_CHARACTERISTICS, &[]));
                }
                if let Some((isolation, _)) = isolation {
                    self.next_isolation = Some(isolation);
                }
                if let Some(read_only) = statement.read_only {
                    self.next_read_only = Some(read_only);
                }
            }
            VariableScope::Session => {
                if let Some((_, name)) = isolation {
                    self.state.variables.set_by_name("transaction_isolation", Value::Text(Text::from(name)));
                }
                if let Some(read_only) = statement.read_only {
                    self.state
                        .variables
                        .set_by_name("transaction_read_only", Value::Int(i64::from(read_only)));
                }
            }
            _ => {
                self.require_dynamic("SYSTEM_VARIABLES_ADMIN")?;
                let globals = &self.state.shared.globals;
                if let Some((_, name)) = isolation {
                    globals.set_by_name("transaction_isolation", Value::Text(Text::from(name)));
                }
                if let Some(read_only) = statement.read_only {
                    globals.set_by_name("transaction_read_only", Value::Int(i64::from(read_only)));
                }
            }
        }
        Ok(())
    }
}

impl crate::state::SessionState {
    /// SET NAMES: client, connection and results.
    pub fn set_client_collation(&mut self, collation: CollationId) {
        self.client_collation = collation;
        self.connection_collation = collation;
        self.results_collation = Some(collation);
        let charset = Value::Text(Text::from(collation.charset().name()));
        for name in ["character_set_client", "character_set_connection", "character_set_results"] {
            self.variables.set_by_name(name, charset.clone());
        }
        self.variables.set_by_name("collation_connection", Value::Text(Text::from(collation.name())));
    }
}

/// One SET item with its value.
enum Assigned {
    User { name: String, value: Value, ty: SqlType },
    System { id: VariableId, definition: &'static VariableDef, value: Option<Value>, global: bool },
    Names(CollationId),
    CharacterSet(CollationId),
}

fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Int(v) => u64::try_from(*v).ok(),
        Value::UInt(v) => Some(*v),
        _ => None,
    }
}

fn charset_value(value: &Value, wrong: &dyn Fn(&Value) -> SqlError) -> SqlResult<CollationId> {
    match value {
        Value::Text(text) => Ok(crate::ddl::charset(text)?.default_collation()),
        Value::Int(id) => {
            let found = u16::try_from(*id).ok().map(CollationId).filter(|id| id.exists());
            found.ok_or_else(|| wrong(value))
        }
        _ => Err(wrong(value)),
    }
}
