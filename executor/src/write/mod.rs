//! Writing rows: conversion, constraints, index entries, foreign keys. INSERT, UPDATE and DELETE drive it.

mod delete;
mod foreign_key;
mod insert;
mod load;
mod row;
mod store;
mod update;

pub(crate) use delete::{delete, point_delete};
pub(crate) use foreign_key::check_parents;
pub(crate) use insert::insert;
pub(crate) use load::load;
pub use load::{LoadColumns, LoadFeed, LoadField, LoadRecord, Loaded, TakeRecord};
pub(crate) use row::{Placed, RowWriter, duplicate_error};
pub(crate) use update::{point_update, update};

use aurora_types::error::{
    ER_BAD_NULL_ERROR, ER_CHECK_CONSTRAINT_VIOLATED, ER_DUP_ENTRY, ER_NO_DEFAULT_FOR_FIELD,
    ER_NO_REFERENCED_ROW_2, ER_ROW_IS_REFERENCED_2, ER_SUBQUERY_NO_1_ROW, ER_VIEW_CHECK_FAILED,
};
use aurora_types::{Diagnostics, Level, SqlError, SqlResult};

/// What a statement that changes data did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows given to INSERT; rows found by UPDATE and DELETE.
    pub found: u64,
    /// What the client hears as affected rows.
    pub affected: u64,
    /// Rows updated to something else.
    pub changed: u64,
    /// INSERT: rows that met a duplicate.
    pub duplicates: u64,
    /// The first AUTO_INCREMENT value that was generated: LAST_INSERT_ID().
    pub generated_id: Option<u64>,
    /// What the OK packet tells: the generated value, or the one that was written explicitly.
    pub packet_id: u64,
    /// Whether `Records: …` is shown.
    pub shows_records: bool,
}

/// With IGNORE some errors become warnings, and the row is left out.
fn ignored(error: SqlError, ignore: bool, diagnostics: &mut Diagnostics) -> SqlResult<()> {
    let may = [
        ER_DUP_ENTRY,
        ER_BAD_NULL_ERROR,
        ER_NO_DEFAULT_FOR_FIELD,
        ER_ROW_IS_REFERENCED_2,
        ER_NO_REFERENCED_ROW_2,
        ER_VIEW_CHECK_FAILED,
        ER_CHECK_CONSTRAINT_VIOLATED,
        ER_SUBQUERY_NO_1_ROW,
    ];
    if ignore && may.iter().any(|kind| error.is(kind)) {
        diagnostics.push(Level::Warning, error.code, error.message);
        return Ok(());
    }
    Err(error)
}

/// CHECK constraints of a stored row.
pub(crate) fn check_row(
    info: &crate::shape::TableInfo,
    row: &[aurora_types::Value],
    ctx: &mut aurora_expr::EvalCtx<'_>,
) -> SqlResult<()> {
    store::check(info, row, &[], ctx)
}
