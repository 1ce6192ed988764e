//! Templates for statements that touch one row by its key: no operator tree.

use super::dml::{Assignment, ViewCheck};
use super::scan::RowLock;
use aurora_catalog::{IndexId, TableDef};
use aurora_expr::Expr;
use std::sync::Arc;

/// `SELECT … FROM t WHERE key = …` with every column of a unique index bound.
///
/// All expressions read the table's row in the order of [`TableDef::columns`].
#[derive(Clone, Debug)]
pub struct PointGet {
    pub table: Arc<TableDef>,
    pub alias: String,
    pub index: IndexId,
    /// One value per index column; NULL, or a value that the column cannot hold, finds nothing.
    pub key: Vec<Expr>,
    /// What else must hold.
    pub filter: Option<Expr>,
    pub projection: Projection,
    pub lock: Option<RowLock>,
    /// LIMIT 0, or an OFFSET: evaluated at run time, the row is given only for count ≥ 1 and offset 0.
    pub limit: Option<(Expr, Option<Expr>)>,
}

#[derive(Clone, Debug)]
pub enum Projection {
    /// Columns as stored.
    Columns(Vec<usize>),
    Expressions(Vec<Expr>),
}

/// `UPDATE t SET … WHERE key = …`. Expressions as in [`PointGet`]; a key part is never assigned here.
#[derive(Clone, Debug)]
pub struct PointUpdate {
    pub table: Arc<TableDef>,
    pub index: IndexId,
    pub key: Vec<Expr>,
    pub filter: Option<Expr>,
    pub assignments: Vec<Assignment>,
    pub ignore: bool,
    pub checks: Vec<ViewCheck>,
}

#[derive(Clone, Debug)]
pub struct PointDelete {
    pub table: Arc<TableDef>,
    pub index: IndexId,
    pub key: Vec<Expr>,
    pub filter: Option<Expr>,
    pub ignore: bool,
}
