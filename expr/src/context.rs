//! What evaluation needs from around it.

use crate::expr::Subquery;
use aurora_types::error::ER_NOT_SUPPORTED_YET;
use aurora_types::{DateTime, Diagnostics, SqlError, SqlMode, SqlResult, SqlType, TimeZone, Value, ValueRef};

/// Where a system variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// `@@name`: the session's value if there is one.
    Default,
    Session,
    Global,
}

/// Facts about the session and the statement, and the few things that expressions may change. Implementations use
/// interior mutability: one session is used by one thread at a time.
pub trait SessionInfo {
    /// Unix microseconds of the statement's start: what NOW() gives all through it (or `@@timestamp`).
    fn statement_micros(&self) -> i64;
    /// Unix microseconds of this moment (SYSDATE()).
    fn clock_micros(&self) -> i64 {
        self.statement_micros()
    }
    fn time_zone(&self) -> &TimeZone;
    fn sql_mode(&self) -> SqlMode;
    /// `name@host` as the client gave it.
    fn user(&self) -> String {
        String::new()
    }
    /// `name@host` of the account.
    fn current_user(&self) -> String {
        self.user()
    }
    fn current_role(&self) -> String {
        "NONE".into()
    }
    fn database(&self) -> Option<String> {
        None
    }
    fn connection_id(&self) -> u64 {
        0
    }
    fn version(&self) -> String {
        "9.7.0-AuroraDB".into()
    }
    fn last_insert_id(&self) -> u64 {
        0
    }
    /// `LAST_INSERT_ID(n)`.
    fn set_last_insert_id(&self, _id: u64) {}
    fn row_count(&self) -> i64 {
        -1
    }
    fn found_rows(&self) -> u64 {
        0
    }
    /// # Errors
    /// 1193 for a name that is none, 1238 for the wrong scope.
    fn system_variable(&self, name: &str, scope: VariableScope) -> SqlResult<Value>;
    /// Value and type; `None` when it was never set. `name` in lower case.
    fn user_variable(&self, name: &str) -> Option<(Value, SqlType)>;
    fn set_user_variable(&self, name: &str, value: Value, ty: &SqlType);
    /// A number in 0..1 for RAND().
    fn random(&self) -> f64 {
        0.5
    }
    /// Random bytes fit for keys (RANDOM_BYTES, UUID).
    fn random_bytes(&self, out: &mut [u8]) {
        for byte in out {
            *byte = (self.random() * 256.0) as u8;
        }
    }
    /// SLEEP: `true` when interrupted.
    fn sleep(&self, _seconds: f64) -> SqlResult<bool> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"SLEEP"]))
    }
    /// GET_LOCK: `None` on error.
    fn get_lock(&self, _name: &[u8], _timeout_s: f64) -> SqlResult<Option<bool>> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"GET_LOCK"]))
    }
    /// RELEASE_LOCK: `None` when there is no such lock, `false` when it is another session's.
    fn release_lock(&self, _name: &[u8]) -> SqlResult<Option<bool>> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"RELEASE_LOCK"]))
    }
    fn release_all_locks(&self) -> SqlResult<u64> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"RELEASE_ALL_LOCKS"]))
    }
    /// The connection that holds a named lock.
    fn lock_holder(&self, _name: &[u8]) -> SqlResult<Option<u64>> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"IS_USED_LOCK"]))
    }
    /// # Errors
    /// 1317 when the statement was killed.
    fn check_killed(&self) -> SqlResult<()> {
        Ok(())
    }
}

/// Runs the subqueries of expressions. Shared and re-entrant: a subquery's own expressions may call it again.
pub trait SubqueryRunner {
    /// The value of the call, its `operands` and `args` evaluated already. Sets the subplan's slots in `ctx`.
    fn run(
        &self,
        ctx: &mut EvalCtx<'_>,
        call: &Subquery,
        operands: &[Value],
        args: &[Value],
    ) -> SqlResult<Value>;

    /// The truth value of `operand [NOT] IN (subquery)` where the subquery's rows are at hand and need no comparing one by
    /// one; `None`: [`SubqueryRunner::run`] has to be asked.
    #[allow(clippy::option_option, reason = "three-valued logic, and not knowing")]
    fn known_in(&self, _call: &Subquery, _operand: ValueRef<'_>) -> Option<Option<bool>> {
        None
    }
}

/// Where no subquery can occur: constants, defaults, checks.
pub struct NoSubqueries;

impl SubqueryRunner for NoSubqueries {
    fn run(&self, _: &mut EvalCtx<'_>, _: &Subquery, _: &[Value], _: &[Value]) -> SqlResult<Value> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"a subquery in this place"]))
    }
}

/// One statement's evaluation state, handed through every call.
pub struct EvalCtx<'a> {
    pub session: &'a dyn SessionInfo,
    pub subqueries: &'a dyn SubqueryRunner,
    pub params: &'a [Value],
    pub diagnostics: &'a mut Diagnostics,
    /// Correlation slots.
    pub slots: Vec<Value>,
    /// Cached: read on every conversion.
    pub sql_mode: SqlMode,
    /// Number of the row in hand for warnings, from 1.
    pub row_number: u64,
    /// Statements that change data turn some warnings into errors (division by zero, bad values in strict mode).
    pub strict_dml: bool,
    /// What functions keep from row to row (compiled patterns, parsed paths, seeds).
    pub cache: crate::eval::EvalCache,
    /// NOW(), once it was asked for: one moment through the whole execution.
    now: std::cell::OnceCell<DateTime>,
}

impl<'a> EvalCtx<'a> {
    pub fn new(
        session: &'a dyn SessionInfo,
        subqueries: &'a dyn SubqueryRunner,
        params: &'a [Value],
        diagnostics: &'a mut Diagnostics,
    ) -> EvalCtx<'a> {
        EvalCtx {
            sql_mode: session.sql_mode(),
            session,
            subqueries,
            params,
            diagnostics,
            slots: Vec::new(),
            row_number: 1,
            strict_dml: false,
            cache: crate::eval::EvalCache::default(),
            now: std::cell::OnceCell::new(),
        }
    }

    /// NOW() with microseconds, in the session's time zone.
    pub fn now(&self) -> DateTime {
        let session = self.session;
        *self
            .now
            .get_or_init(|| session.time_zone().local(session.statement_micros()).unwrap_or(DateTime::ZERO))
    }
}
