//! Facts about the session, the statement and its operands: USER(), VERSION(), LAST_INSERT_ID(), CHARSET(), and
//! the functions that wait or lock: SLEEP, BENCHMARK, GET_LOCK.

use super::support::{ascii_value, def, may_be_null, numeric_args, truth_value};
use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::{Coercibility, Expr};
use crate::function::{Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed};
use crate::typing::{self, Domain};
use aurora_types::error::{
    ER_USER_LOCK_OVERLONG_NAME, ER_USER_LOCK_WRONG_NAME, ER_WRONG_ARGUMENTS, ER_WRONG_VALUE_FOR_TYPE,
};
use aurora_types::{CollationId, SqlError, SqlResult, SqlType, Value};

pub const FUNCTIONS: &[FunctionDef] = &[
    fact("database", |_, _| Ok(system_text(64)), database, "DATABASE(): the current database.")
        .aliases(&["schema"]),
    fact(
        "user",
        |_, _| Ok(system_text(288)),
        |ctx, _| Ok(ascii_value(ctx.session.user())),
        "USER(): the client's name and host.",
    )
    .aliases(&["session_user", "system_user"]),
    fact(
        "current_user",
        |_, _| Ok(system_text(288)),
        |ctx, _| Ok(ascii_value(ctx.session.current_user())),
        "CURRENT_USER(): the account that the client is let in by.",
    ),
    fact(
        "current_role",
        |_, _| Ok(system_text(u64::from(u32::MAX))),
        |ctx, _| Ok(ascii_value(ctx.session.current_role())),
        "CURRENT_ROLE(): the roles in force.",
    ),
    fact(
        "version",
        version_type,
        |ctx, _| Ok(ascii_value(ctx.session.version())),
        "VERSION(): the server's version.",
    ),
    fact(
        "connection_id",
        |_, _| Ok(typing::bigint_unsigned(21).into()),
        |ctx, _| Ok(Value::UInt(ctx.session.connection_id())),
        "CONNECTION_ID(): the number of the connection.",
    ),
    fact(
        "row_count",
        |_, _| Ok(typing::bigint(21).into()),
        |ctx, _| Ok(Value::Int(ctx.session.row_count())),
        "ROW_COUNT(): the rows that the last statement changed.",
    ),
    fact(
        "found_rows",
        |_, _| Ok(typing::bigint(21).into()),
        |ctx, _| Ok(Value::Int(i64::try_from(ctx.session.found_rows()).unwrap_or(i64::MAX))),
        "FOUND_ROWS(): the rows of the last query without its LIMIT.",
    ),
    def(
        "last_insert_id",
        Arity::between(0, 1),
        last_insert_id_type,
        last_insert_id,
        "LAST_INSERT_ID([n]): the last AUTO_INCREMENT value; with n, sets it.",
    )
    .sees_nulls()
    .determinism(Determinism::Volatile),
    def("charset", Arity::exactly(1), |_, _| Ok(system_text(64)), charset, "CHARSET(s): its character set.")
        .sees_nulls(),
    def(
        "collation",
        Arity::exactly(1),
        |_, _| Ok(system_text(64)),
        collation,
        "COLLATION(s): its collation.",
    )
    .sees_nulls(),
    def(
        "coercibility",
        Arity::exactly(1),
        |_, _| Ok(typing::bigint(10).into()),
        |_, args| Ok(Value::Int(args.exprs.first().map_or(6, |e| i64::from(e.coercibility.0)))),
        "COERCIBILITY(s): how strongly it holds its collation; 0 most.",
    )
    .sees_nulls(),
    def(
        "sleep",
        Arity::exactly(1),
        |args, _| {
            numeric_args(args, &[0]);
            Ok(typing::bigint(21).into())
        },
        sleep,
        "SLEEP(seconds): waits; 1 when interrupted.",
    )
    .sees_nulls()
    .determinism(Determinism::Volatile),
    FunctionDef {
        name: "benchmark",
        aliases: &[],
        arity: Arity::exactly(2),
        result_type: |args, _| {
            numeric_args(args, &[0]);
            Ok(may_be_null(typing::bigint(1).into()))
        },
        nulls: NullRule::Custom,
        determinism: Determinism::Volatile,
        kernel: Kernel::Lazy(benchmark),
        doc: "BENCHMARK(n, expression): evaluates it n times; 0.",
    },
    lock(
        "get_lock",
        Arity::exactly(2),
        |_, _| Ok(may_be_null(typing::bigint(1).into())),
        get_lock,
        "GET_LOCK(name, timeout): takes a named lock; 0 when the time is over.",
    ),
    lock(
        "release_lock",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(typing::bigint(1).into())),
        release_lock,
        "RELEASE_LOCK(name): 1, 0 for another session's lock, NULL for none.",
    ),
    lock(
        "release_all_locks",
        Arity::exactly(0),
        |_, _| Ok(typing::bigint_unsigned(21).into()),
        |ctx, _| Ok(Value::UInt(ctx.session.release_all_locks()?)),
        "RELEASE_ALL_LOCKS(): how many were released.",
    ),
    lock(
        "is_free_lock",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(typing::bigint(1).into())),
        is_free_lock,
        "IS_FREE_LOCK(name): 1 when nobody holds it.",
    ),
    lock(
        "is_used_lock",
        Arity::exactly(1),
        |_, _| Ok(may_be_null(typing::bigint_unsigned(21).into())),
        is_used_lock,
        "IS_USED_LOCK(name): the connection that holds it.",
    ),
    def(
        "statement_digest",
        Arity::exactly(1),
        |_, _| Ok(system_text(64)),
        |_, _| not_supported("STATEMENT_DIGEST"),
        "STATEMENT_DIGEST(text): not supported.",
    ),
    def(
        "statement_digest_text",
        Arity::exactly(1),
        |_, _| Ok(system_text(1024)),
        |_, _| not_supported("STATEMENT_DIGEST_TEXT"),
        "STATEMENT_DIGEST_TEXT(text): not supported.",
    ),
];

/// A function without arguments that is fixed during a statement.
const fn fact(
    name: &'static str,
    result_type: super::support::TypeRule,
    kernel: super::support::EagerKernel,
    doc: &'static str,
) -> FunctionDef {
    def(name, Arity::exactly(0), result_type, kernel, doc).determinism(Determinism::Statement)
}

const fn lock(
    name: &'static str,
    arity: Arity,
    result_type: super::support::TypeRule,
    kernel: super::support::EagerKernel,
    doc: &'static str,
) -> FunctionDef {
    def(name, arity, result_type, kernel, doc).sees_nulls().determinism(Determinism::Volatile)
}

fn not_supported(what: &str) -> SqlResult<Value> {
    Err(SqlError::new(aurora_types::error::ER_NOT_SUPPORTED_YET, &[&what]))
}

/// Text that describes the system: utf8mb3 in MySQL.
fn system_text(chars: u64) -> Typed {
    let ty = SqlType { nullable: true, ..typing::text(chars, CollationId::UTF8MB3_GENERAL_CI) };
    Typed { ty, coercibility: Coercibility::SYSTEM }
}

fn version_type(_: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    let typed = system_text(60);
    Ok(Typed { ty: typing::nullable(typed.ty, false), ..typed })
}

fn database(ctx: &mut EvalCtx<'_>, _: &Args<'_>) -> SqlResult<Value> {
    Ok(ctx.session.database().map_or(Value::Null, ascii_value))
}

fn last_insert_id_type(args: &mut Vec<Expr>, _: &BuildContext) -> SqlResult<Typed> {
    numeric_args(args, &[0]);
    let nullable = args.first().is_some_and(|arg| arg.ty.nullable);
    Ok(SqlType { nullable, ..typing::bigint_unsigned(21) }.into())
}

fn last_insert_id(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    if args.is_empty() {
        return Ok(Value::UInt(ctx.session.last_insert_id()));
    }
    if args.is_null(0) {
        ctx.session.set_last_insert_id(0);
        return Ok(Value::Null);
    }
    let id = ctx.to_u64(args.get(0), args.ty(0))?;
    ctx.session.set_last_insert_id(id);
    Ok(Value::UInt(id))
}

/// The collation of an operand: numbers and times have `binary`.
fn collation_of(ty: &SqlType) -> CollationId {
    match typing::domain(ty) {
        Domain::Text => ty.collation,
        Domain::Json => CollationId::UTF8MB4_BIN,
        _ => CollationId::BINARY,
    }
}

fn charset(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(ascii_value(collation_of(args.ty(0)).charset().name().into()))
}

fn collation(_: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    Ok(ascii_value(collation_of(args.ty(0)).name().into()))
}

fn sleep(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let seconds = ctx.to_f64(args.get(0), args.ty(0))?;
    if args.is_null(0) || seconds < 0.0 {
        let problem = SqlError::new(ER_WRONG_ARGUMENTS, &[&"sleep."]);
        if ctx.sql_mode.is_strict() {
            return Err(problem);
        }
        ctx.diagnostics.warn(ER_WRONG_ARGUMENTS, &[&"sleep."]);
        return Ok(Value::Int(0));
    }
    Ok(truth_value(ctx.session.sleep(seconds)?))
}

/// How many evaluations of BENCHMARK go between two looks at whether the statement was killed.
const BENCHMARK_CHECK: u64 = 1024;

fn benchmark(ctx: &mut EvalCtx<'_>, args: &[Expr], _: &SqlType, row: &[Value]) -> SqlResult<Value> {
    let count = args[0].eval(row, ctx)?;
    let times = match count {
        Value::Null => return Ok(Value::Null),
        _ => ctx.to_i64(count.as_ref(), &args[0].ty)?,
    };
    if times < 0 {
        ctx.diagnostics.warn(ER_WRONG_VALUE_FOR_TYPE, &[&"count", &times, &"benchmark"]);
        return Ok(Value::Null);
    }
    for i in 0..times.unsigned_abs() {
        if i % BENCHMARK_CHECK == 0 {
            ctx.session.check_killed()?;
        }
        args[1].eval(row, ctx)?;
    }
    Ok(Value::Int(0))
}

const LONGEST_LOCK_NAME: usize = 64;

/// A lock's name in lower case.
fn lock_name(args: &Args<'_>) -> SqlResult<Vec<u8>> {
    let name = args.text(0);
    if args.is_null(0) || name.is_empty() {
        let shown = if args.is_null(0) { "NULL" } else { "" };
        return Err(SqlError::new(ER_USER_LOCK_WRONG_NAME, &[&shown]));
    }
    if aurora_types::collation::char_count(&name) > LONGEST_LOCK_NAME {
        let shown = String::from_utf8_lossy(&name).into_owned();
        return Err(SqlError::new(ER_USER_LOCK_OVERLONG_NAME, &[&shown, &LONGEST_LOCK_NAME]));
    }
    Ok(String::from_utf8_lossy(&name).to_lowercase().into_bytes())
}

fn get_lock(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let name = lock_name(args)?;
    if args.is_null(1) {
        return Ok(Value::Null);
    }
    let timeout = ctx.to_f64(args.get(1), args.ty(1))?;
    Ok(ctx.session.get_lock(&name, timeout)?.map_or(Value::Null, truth_value))
}

fn release_lock(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let name = lock_name(args)?;
    Ok(ctx.session.release_lock(&name)?.map_or(Value::Null, truth_value))
}

fn is_free_lock(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let name = lock_name(args)?;
    Ok(truth_value(ctx.session.lock_holder(&name)?.is_none()))
}

fn is_used_lock(ctx: &mut EvalCtx<'_>, args: &Args<'_>) -> SqlResult<Value> {
    let name = lock_name(args)?;
    Ok(ctx.session.lock_holder(&name)?.map_or(Value::Null, Value::UInt))
}
