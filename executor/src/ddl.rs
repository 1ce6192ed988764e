//! Data work of DDL: copying a table into a new shape, filling a new index.

use crate::host::{Host, Settings};
use crate::point::CHECK_WAIT;
use crate::ranges::ByteRange;
use crate::runtime::Runtime;
use crate::shape::TableInfo;
use crate::write::{Placed, RowWriter};
use aurora_expr::{EvalCtx, SessionInfo};
use aurora_planner::{Plan, PlanBody};
use aurora_txn::{Direction, LockMode, Locked, Txn, TxnManager, View};
use aurora_types::{Diagnostics, SqlResult, Value};
use std::sync::Arc;

/// How a value of the new table comes from the row of the old one, or from nothing.
pub type RowMaker<'m> = dyn FnMut(&[Value], &mut EvalCtx<'_>) -> SqlResult<Vec<Value>> + 'm;

fn no_plan() -> Plan {
    Plan {
        body: PlanBody::Query(Box::new(aurora_planner::Node {
            id: 0,
            operator: aurora_planner::Operator::Values(Vec::new()),
            types: Vec::new(),
            estimate: aurora_planner::Estimate::default(),
        })),
        columns: Vec::new(),
        parameters: Vec::new(),
        lifted: Vec::new(),
        subplans: Vec::new(),
        ctes: Vec::new(),
        slots: Vec::new(),
        into: None,
        calc_found_rows: false,
        access: Vec::new(),
        dependencies: Vec::new(),
        cacheable: false,
        warnings: Vec::new(),
    }
}

/// Copies every row of `from` through `make` into `to`, within `txn`. Rows copied.
///
/// # Errors
/// 1062 when the new keys do not hold, and what `make` raises.
#[allow(clippy::too_many_arguments, reason = "the circumstances of one job")]
pub fn copy_rows(
    txn: &Txn,
    manager: &TxnManager,
    host: &dyn Host,
    session: &dyn SessionInfo,
    settings: &Settings,
    from: &Arc<TableInfo>,
    to: &Arc<TableInfo>,
    make: &mut RowMaker<'_>,
    diagnostics: &mut Diagnostics,
) -> SqlResult<u64> {
    let plan = no_plan();
    // Rows of the old table keep their foreign keys: nothing is checked again.
    let settings = Settings { foreign_key_checks: false, ..settings.clone() };
    let rt = Runtime::new(&plan, txn, manager, host, session, &settings);
    let mut ctx = EvalCtx::new(session, &rt, &[], diagnostics);
    let mut writer = RowWriter::new(&rt, to.clone());
    let range = ByteRange::prefix(&from.clustered.prefix);
    let mut cursor = txn.scan(range.lower(), range.upper(), Direction::Forward, View::Current)?;
    let mut copied = 0;
    while cursor.advance()? {
        rt.tick()?;
        ctx.row_number = copied + 1;
        let row = from.read_row(cursor.value(), session.time_zone())?;
        let row = make(&row, &mut ctx)?;
        if let Placed::Duplicate { error, .. } = writer.insert(&row, &mut ctx)? {
            return Err(*error);
        }
        copied += 1;
    }
    Ok(copied)
}

/// Fills the index `name` of `info` from its rows, within `txn`.
///
/// # Errors
/// 1062 when a unique index meets equal rows.
pub fn build_index(
    txn: &Txn,
    session: &dyn SessionInfo,
    info: &Arc<TableInfo>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> SqlResult<u64> {
    let Some(index) = info.indexes.iter().find(|index| index.name == name) else { return Ok(0) };
    let mut ctx = EvalCtx::new(session, &aurora_expr::NoSubqueries, &[], diagnostics);
    let range = ByteRange::prefix(&info.clustered.prefix);
    let mut cursor = txn.scan(range.lower(), range.upper(), Direction::Forward, View::Current)?;
    let (mut entry, mut value) = (Vec::new(), Vec::new());
    let mut rows = 0u64;
    while cursor.advance()? {
        rows += 1;
        if rows.is_multiple_of(1024) {
            session.check_killed()?;
        }
        let row = info.read_row(cursor.value(), session.time_zone())?;
        let has_null = info.index_columns(index, &row, &mut ctx, &mut entry)?;
        if index.unique && !has_null {
            let found = txn.lock_get(info.lock_table(), &entry, LockMode::Exclusive, CHECK_WAIT)?;
            if let Locked::Row { value: Some(_), .. } = found {
                return Err(crate::write::duplicate_error(info, index, &row, &mut ctx));
            }
        }
        info.finish_entry(index, has_null, cursor.key(), &mut entry, &mut value);
        txn.put(&entry, &value)?;
    }
    Ok(rows)
}

/// Looks at every row of `info`: its foreign keys must find their parents (unless `foreign_key_checks` is off), its
/// checks must hold.
///
/// # Errors
/// 1452, 3819.
pub fn validate_rows(
    txn: &Txn,
    manager: &TxnManager,
    host: &dyn Host,
    session: &dyn SessionInfo,
    settings: &Settings,
    info: &Arc<TableInfo>,
    diagnostics: &mut Diagnostics,
) -> SqlResult<()> {
    let plan = no_plan();
    let rt = Runtime::new(&plan, txn, manager, host, session, settings);
    let mut ctx = EvalCtx::new(session, &rt, &[], diagnostics);
    let range = ByteRange::prefix(&info.clustered.prefix);
    let mut cursor = txn.scan_all_own(range.lower(), range.upper(), Direction::Forward, View::Current)?;
    while cursor.advance()? {
        rt.tick()?;
        let row = info.read_row(cursor.value(), session.time_zone())?;
        crate::write::check_row(info, &row, &mut ctx)?;
        if settings.foreign_key_checks {
            crate::write::check_parents(&rt, info, None, &row, &mut ctx)?;
        }
    }
    Ok(())
}
