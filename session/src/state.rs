//! One client's state, and how expressions see it.

use crate::shared::SessionShared;
use crate::variables::{self, Scope, SessionVariables, VariableDef, VariableId};
use aurora_env::KillFlag;
use aurora_executor::Settings;
use aurora_expr::{SessionInfo, VariableScope};
use aurora_types::error::{
    ER_INCORRECT_GLOBAL_LOCAL_VAR, ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT, ER_UNKNOWN_SYSTEM_VARIABLE,
};
use aurora_types::{CollationId, Diagnostics, SqlError, SqlMode, SqlResult, SqlType, Text, TimeZone, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// What the front end knows when a client has been let in.
pub struct SessionInit {
    pub connection_id: u64,
    /// As the client gave it.
    pub user: String,
    /// Host or address of the client.
    pub client_host: String,
    /// The account that matched.
    pub account: (String, String),
    pub collation: CollationId,
    pub database: Option<String>,
    /// CLIENT_FOUND_ROWS.
    pub found_rows: bool,
    pub multi_statements: bool,
    pub local_infile: bool,
    pub interactive: bool,
    /// Version and cipher of an encrypted connection.
    pub tls: Option<(String, String)>,
    /// Nothing but a change of password is allowed.
    pub password_expired: bool,
    pub kill: Arc<KillFlag>,
}

/// A statement lets others have its thread after this time, and again after twice as long …
const MAKE_WAY_MICROS: i64 = 1000;
/// … so many times: one is enough nearly always.
const MAKE_WAY_TIMES: u32 = 5;

pub struct SessionState {
    pub shared: Arc<SessionShared>,
    pub id: u64,
    pub user: String,
    pub client_host: String,
    /// Name and host of the account.
    pub account: (String, String),
    pub roles: Vec<(String, String)>,
    pub tls: Option<(String, String)>,
    pub password_expired: bool,
    pub kill: Arc<KillFlag>,
    pub found_rows_flag: bool,
    pub multi_statements: bool,
    pub local_infile: bool,
    pub database: Option<String>,
    pub variables: SessionVariables,
    pub zone: TimeZone,
    pub sql_mode: SqlMode,
    pub client_collation: CollationId,
    pub connection_collation: CollationId,
    /// `None`: `character_set_results` is NULL.
    pub results_collation: Option<CollationId>,
    pub autocommit: bool,
    /// The executor's view of the variables.
    pub settings: Settings,
    pub user_variables: RefCell<HashMap<String, (Value, SqlType)>>,
    /// Unix microseconds of the running statement's start.
    pub started: Cell<i64>,
    /// When the running SELECT has to end: `max_execution_time`. `i64::MAX`: never.
    deadline: Cell<i64>,
    /// How often the statement has let others have its thread.
    made_way: Cell<u32>,
    /// `SET timestamp`.
    pub fixed_now: Cell<Option<i64>>,
    pub last_insert_id: Cell<u64>,
    pub insert_id: Cell<Option<u64>>,
    pub row_count: Cell<i64>,
    pub found_rows: Cell<u64>,
    /// Of the last statement that could raise some: SHOW WARNINGS.
    pub diagnostics: Diagnostics,
    random: Cell<u64>,
    holds_named_locks: Cell<bool>,
}

impl SessionState {
    pub fn new(shared: Arc<SessionShared>, init: SessionInit) -> SessionState {
        let variables = SessionVariables::new(&shared.globals);
        let mut seed = [0u8; 8];
        shared.entropy.fill(&mut seed);
        let mut state = SessionState {
            id: init.connection_id,
            user: init.user,
            client_host: init.client_host,
            account: init.account,
            roles: Vec::new(),
            tls: init.tls,
            password_expired: init.password_expired,
            kill: init.kill,
            found_rows_flag: init.found_rows,
            multi_statements: init.multi_statements,
            local_infile: init.local_infile,
            database: init.database,
            variables,
            zone: TimeZone::system(),
            sql_mode: SqlMode::DEFAULT,
            client_collation: init.collation,
            connection_collation: init.collation,
            results_collation: Some(init.collation),
            autocommit: true,
            settings: Settings::default(),
            user_variables: RefCell::default(),
            started: Cell::new(shared.now_micros()),
            deadline: Cell::new(i64::MAX),
            made_way: Cell::new(0),
            fixed_now: Cell::new(None),
            last_insert_id: Cell::new(0),
            insert_id: Cell::new(None),
            row_count: Cell::new(-1),
            found_rows: Cell::new(0),
            diagnostics: Diagnostics::default(),
            random: Cell::new(u64::from_le_bytes(seed) | 1),
            holds_named_locks: Cell::new(false),
            shared,
        };
        let name = |collation: CollationId| Value::Text(Text::from(collation.charset().name()));
        for variable in ["character_set_client", "character_set_connection", "character_set_results"] {
            state.variables.set_by_name(variable, name(init.collation));
        }
        state.variables.set_by_name("collation_connection", Value::Text(Text::from(init.collation.name())));
        if init.interactive {
            let timeout = state.variables.by_name("interactive_timeout").clone();
            state.variables.set_by_name("wait_timeout", timeout);
        }
        state.refresh();
        state
    }

    /// Brings the cached forms of variables up to date.
    pub fn refresh(&mut self) {
        let vars = &self.variables;
        if let Some(mode) = parse_mode(vars.by_name("sql_mode")) {
            self.sql_mode = mode;
        }
        if let Some(zone) = TimeZone::parse(&vars.text("time_zone")) {
            self.zone = zone;
        }
        self.autocommit = vars.is_on("autocommit");
        self.diagnostics.max_kept = vars.integer("max_error_count") as usize;
        self.settings = Settings {
            foreign_key_checks: vars.is_on("foreign_key_checks"),
            unique_checks: vars.is_on("unique_checks"),
            auto_increment_increment: vars.integer("auto_increment_increment"),
            auto_increment_offset: vars.integer("auto_increment_offset"),
            insert_id: self.insert_id.get(),
            cte_max_recursion_depth: vars.integer("cte_max_recursion_depth"),
            group_concat_max_len: vars.integer("group_concat_max_len") as usize,
            memory_bytes: 1 << 30,
            found_rows: self.found_rows_flag,
            select_limit: vars.integer("sql_select_limit"),
        };
    }

    pub fn begin_statement(&self) {
        self.started.set(self.shared.now_micros());
        self.made_way.set(0);
        self.deadline.set(i64::MAX);
    }

    /// Ends the running statement this long after its start; 0: lets it run.
    pub fn end_within(&self, millis: u64) {
        let micros = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000);
        self.deadline.set(if millis == 0 { i64::MAX } else { self.started.get().saturating_add(micros) });
    }

    /// A system variable's value as `@@name` gives it.
    ///
    /// # Errors
    /// 1193, 1238.
    pub fn read_variable(&self, name: &str, scope: VariableScope) -> SqlResult<Value> {
        let (id, definition) =
            variables::lookup(name).ok_or_else(|| SqlError::new(ER_UNKNOWN_SYSTEM_VARIABLE, &[&name]))?;
        let wrong_scope = |kind: &str| Err(SqlError::new(ER_INCORRECT_GLOBAL_LOCAL_VAR, &[&name, &kind]));
        match (scope, definition.scope) {
            (VariableScope::Global, Scope::SessionOnly) => return wrong_scope("SESSION"),
            (VariableScope::Session, Scope::Global) => return wrong_scope("GLOBAL"),
            _ => {}
        }
        if scope == VariableScope::Global || definition.scope == Scope::Global {
            return Ok(self.global_value(id, definition));
        }
        Ok(self.session_value(id, definition))
    }

    /// A value of this session, computed ones included.
    pub fn session_value(&self, id: VariableId, definition: &VariableDef) -> Value {
        match definition.name {
            "last_insert_id" | "identity" => Value::UInt(self.last_insert_id.get()),
            "insert_id" => Value::UInt(self.insert_id.get().unwrap_or(0)),
            "timestamp" => {
                let micros = self.fixed_now.get().unwrap_or(self.started.get());
                Value::Double(micros as f64 / 1e6)
            }
            "warning_count" => Value::UInt(self.diagnostics.count),
            "error_count" => Value::UInt(
                self.diagnostics.list.iter().filter(|w| w.level == aurora_types::Level::Error).count() as u64,
            ),
            "pseudo_thread_id" => Value::UInt(self.id),
            "proxy_user" | "external_user" => Value::Null,
            _ if definition.scope == Scope::Global => self.global_value(id, definition),
            _ => self.variables.get(id).clone(),
        }
    }

    pub fn global_value(&self, id: VariableId, definition: &VariableDef) -> Value {
        let facts = &self.shared.facts;
        let text = |text: &str| Value::Text(Text::from(text));
        match definition.name {
            "version" => text(&facts.version),
            "version_comment" => text("AuroraDB"),
            "hostname" => text(&facts.hostname),
            "port" => Value::UInt(facts.port.into()),
            "datadir" => text(&facts.data_dir),
            "server_uuid" => text(&facts.server_uuid),
            _ => self.shared.globals.get(id),
        }
    }

    /// `name@host` of the account.
    pub fn account_text(&self) -> String {
        format!("{}@{}", self.account.0, self.account.1)
    }
}

/// `sql_mode` as text or number.
pub fn parse_mode(value: &Value) -> Option<SqlMode> {
    match value {
        Value::Text(text) => SqlMode::parse(&text.to_str_lossy()).ok(),
        Value::Int(bits) => Some(SqlMode(*bits as u64)),
        Value::UInt(bits) => Some(SqlMode(*bits)),
        _ => None,
    }
}

impl SessionInfo for SessionState {
    fn statement_micros(&self) -> i64 {
        self.fixed_now.get().unwrap_or(self.started.get())
    }

    fn clock_micros(&self) -> i64 {
        self.shared.now_micros()
    }

    fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    fn sql_mode(&self) -> SqlMode {
        self.sql_mode
    }

    fn user(&self) -> String {
        format!("{}@{}", self.user, self.client_host)
    }

    fn current_user(&self) -> String {
        self.account_text()
    }

    fn current_role(&self) -> String {
        if self.roles.is_empty() {
            return "NONE".into();
        }
        self.roles.iter().map(|(user, host)| format!("`{user}`@`{host}`")).collect::<Vec<_>>().join(",")
    }

    fn database(&self) -> Option<String> {
        self.database.clone()
    }

    fn connection_id(&self) -> u64 {
        self.id
    }

    fn version(&self) -> String {
        self.shared.facts.version.clone()
    }

    fn last_insert_id(&self) -> u64 {
        self.last_insert_id.get()
    }

    fn set_last_insert_id(&self, id: u64) {
        self.last_insert_id.set(id);
    }

    fn row_count(&self) -> i64 {
        self.row_count.get()
    }

    fn found_rows(&self) -> u64 {
        self.found_rows.get()
    }

    fn system_variable(&self, name: &str, scope: VariableScope) -> SqlResult<Value> {
        self.read_variable(name, scope)
    }

    fn user_variable(&self, name: &str) -> Option<(Value, SqlType)> {
        self.user_variables.borrow().get(name).cloned()
    }

    fn set_user_variable(&self, name: &str, value: Value, ty: &SqlType) {
        let mut ty = ty.clone();
        ty.nullable = true;
        self.user_variables.borrow_mut().insert(name.to_lowercase(), (value, ty));
    }

    fn random(&self) -> f64 {
        // xorshift64* (Vigna 2016): 53 bits of it.
        let mut x = self.random.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn random_bytes(&self, out: &mut [u8]) {
        self.shared.entropy.fill(out);
    }

    fn sleep(&self, seconds: f64) -> SqlResult<bool> {
        let signal = Arc::new(aurora_env::Signal::new());
        let asked = std::time::Duration::try_from_secs_f64(seconds).unwrap_or(std::time::Duration::MAX);
        let allowed = self.deadline.get().saturating_sub(self.shared.now_micros()).max(0).unsigned_abs();
        let left = asked.min(std::time::Duration::from_micros(allowed));
        self.kill.watch(&signal);
        self.shared.waiter.wait(&signal, Some(left));
        self.kill.unwatch();
        Ok(self.kill.is_set() || left < asked)
    }

    fn get_lock(&self, name: &[u8], timeout_s: f64) -> SqlResult<Option<bool>> {
        let timeout =
            if timeout_s < 0.0 { None } else { std::time::Duration::try_from_secs_f64(timeout_s).ok() };
        self.holds_named_locks.set(true);
        let got = self.shared.named_locks.get(name, self.id, timeout, &*self.shared.waiter, &self.kill)?;
        Ok(Some(got))
    }

    fn release_lock(&self, name: &[u8]) -> SqlResult<Option<bool>> {
        Ok(self.shared.named_locks.release(name, self.id))
    }

    fn release_all_locks(&self) -> SqlResult<u64> {
        Ok(self.shared.named_locks.release_all(self.id))
    }

    fn lock_holder(&self, name: &[u8]) -> SqlResult<Option<u64>> {
        Ok(self.shared.named_locks.holder(name))
    }

    fn check_killed(&self) -> SqlResult<()> {
        if self.kill.is_set() {
            return Err(SqlError::new(ER_QUERY_INTERRUPTED, &[]));
        }
        let now = self.shared.now_micros();
        if now > self.deadline.get() {
            return Err(SqlError::new(ER_QUERY_TIMEOUT, &[]));
        }
        // A plan that was taken for short and is not.
        let times = self.made_way.get();
        if times < MAKE_WAY_TIMES && now - self.started.get() > MAKE_WAY_MICROS << times {
            self.made_way.set(times + 1);
            self.shared.waiter.make_way();
        }
        Ok(())
    }
}

impl Drop for SessionState {
    fn drop(&mut self) {
        if self.holds_named_locks.get() {
            self.shared.named_locks.release_all(self.id);
        }
        self.shared.connections.lock().remove(&self.id);
    }
}
