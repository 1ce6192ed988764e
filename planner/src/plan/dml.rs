//! INSERT, REPLACE, UPDATE, DELETE.
//!
//! The executor does what every write needs and no plan repeats: conversion to the column's type by sql_mode,
//! NOT NULL and CHECK constraints, generated columns, `ON UPDATE CURRENT_TIMESTAMP`, AUTO_INCREMENT, foreign
//! keys, index entries. [`crate::TableExpressions`] gives it the resolved expressions of a table.

use super::node::Node;
use aurora_catalog::TableDef;
use aurora_expr::Expr;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct InsertPlan {
    pub table: Arc<TableDef>,
    /// Positions in [`TableDef::columns`] that a source row gives, in order. Other columns get their default.
    pub columns: Vec<usize>,
    pub source: InsertSource,
    pub duplicate: DuplicateAction,
    /// `IGNORE`.
    pub ignore: bool,
    /// WITH CHECK OPTION of the views that it goes through, over the new row of the table.
    pub checks: Vec<ViewCheck>,
}

#[derive(Clone, Debug)]
pub enum InsertSource {
    /// One expression per column and row. Expressions may read columns that were assigned before them in the
    /// same row (`INSERT INTO t (a, b) VALUES (1, a + 1)`): `Column(i)` is table column `i`, holding its
    /// default until assigned. `None` is DEFAULT.
    Values(Vec<Vec<Option<Expr>>>),
    Query(Box<Node>),
}

#[derive(Clone, Debug)]
pub enum DuplicateAction {
    /// Error 1062 (a warning with IGNORE).
    Error,
    /// REPLACE: rows in the way are deleted first.
    Replace,
    /// ON DUPLICATE KEY UPDATE. Expressions read the stored row (its columns in table order), then the row that
    /// was to be inserted (the same number of columns: `VALUES(c)`, or the row alias's columns), then, for
    /// INSERT … SELECT, the columns of the source row.
    Update(Vec<Assignment>),
}

/// `column = value`, done in order: a later value sees what an earlier one assigned.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Position in [`TableDef::columns`].
    pub column: usize,
    /// `None` is DEFAULT.
    pub value: Option<Expr>,
}

/// A condition that a view demands of the row (error 1369 when it is false or NULL).
#[derive(Clone, Debug)]
pub struct ViewCheck {
    /// `schema.view`.
    pub view: String,
    pub condition: Expr,
}

#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// Finds, locks and orders the rows.
    pub source: Box<Node>,
    pub targets: Vec<UpdateTarget>,
    /// In the order written. Values read the source row; after an assignment the executor writes the new value
    /// into the source row's copy of that column, so that later ones see it.
    pub assignments: Vec<AssignTarget>,
    pub ignore: bool,
    /// ORDER BY or LIMIT was given or rows may move under the scan: read all source rows before writing.
    pub buffered: bool,
}

#[derive(Clone, Debug)]
pub struct UpdateTarget {
    pub table: Arc<TableDef>,
    /// Where in the source row the table's columns begin: all of them, in table order, and then the row handle.
    /// A NULL handle (outer join) is no row. A row that comes twice is changed once.
    pub offset: usize,
    pub checks: Vec<ViewCheck>,
}

impl UpdateTarget {
    /// Position of the row handle in the source row.
    pub fn handle(&self) -> usize {
        self.offset + self.table.columns.len()
    }
}

#[derive(Clone, Debug)]
pub struct AssignTarget {
    /// Position in [`UpdatePlan::targets`].
    pub target: usize,
    pub assignment: Assignment,
}

#[derive(Clone, Debug)]
pub struct DeletePlan {
    pub source: Box<Node>,
    pub targets: Vec<DeleteTarget>,
    pub ignore: bool,
    /// Read all source rows before deleting.
    pub buffered: bool,
}

#[derive(Clone, Debug)]
pub struct DeleteTarget {
    pub table: Arc<TableDef>,
    /// Position of the row handle in the source row.
    pub handle: usize,
}
