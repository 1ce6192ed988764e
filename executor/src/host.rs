//! What the executor asks of whoever runs it.

use crate::shape::TableInfo;
use crate::temp::TempFiles;
use aurora_catalog::{CatalogSnapshot, TableDef};
use aurora_expr::Expr;
use aurora_types::{SqlResult, Value};
use std::sync::Arc;

/// The world around one statement: definitions, and tables that are not stored.
pub trait Host {
    /// The definitions that the plan was made from.
    fn catalog(&self) -> &CatalogSnapshot;

    /// Layout and resolved expressions of a table; the host keeps them per version.
    ///
    /// # Errors
    /// What resolving a default, a generated column or a check raises.
    fn table_info(&self, table: &Arc<TableDef>) -> SqlResult<Arc<TableInfo>>;

    /// Rows of a table that the server fills (`information_schema`), all columns in table order. `filter` is over
    /// the columns at `columns`; the provider may use it to do less, it is applied again anyway.
    ///
    /// # Errors
    /// Whatever the provider raises.
    fn virtual_rows(
        &self,
        table: &TableDef,
        columns: &[usize],
        filter: Option<&Expr>,
    ) -> SqlResult<Vec<Vec<Value>>>;

    /// Where rows go that do not fit in memory; without it they must.
    fn temp_files(&self) -> Option<&TempFiles> {
        None
    }
}

/// Variables that decide how statements run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub foreign_key_checks: bool,
    pub unique_checks: bool,
    pub auto_increment_increment: u64,
    pub auto_increment_offset: u64,
    /// `SET insert_id = n`: the next generated value.
    pub insert_id: Option<u64>,
    pub cte_max_recursion_depth: u64,
    pub group_concat_max_len: usize,
    /// Bytes that one statement may hold in sorts, hashes and temporary tables.
    pub memory_bytes: usize,
    /// `CLIENT_FOUND_ROWS`: affected rows of an UPDATE are those found.
    pub found_rows: bool,
    /// `sql_select_limit`.
    pub select_limit: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            foreign_key_checks: true,
            unique_checks: true,
            auto_increment_increment: 1,
            auto_increment_offset: 1,
            insert_id: None,
            cte_max_recursion_depth: 1000,
            group_concat_max_len: 1024,
            memory_bytes: 1 << 30,
            found_rows: false,
            select_limit: u64::MAX,
        }
    }
}
