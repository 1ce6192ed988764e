//! What planning depends on beside the statement.

use crate::plan::KeyRange;
use crate::sample::TableSample;
use aurora_catalog::{CatalogSnapshot, IndexDef, TableDef};
use aurora_expr::{BuildContext, SessionInfo};
use aurora_types::{Charset, SqlType, Value};
use std::sync::Arc;

/// Tables that other parts of the server fill: information_schema, performance_schema.
pub trait VirtualTables {
    /// The table, its name compared as the provider likes (MySQL: without case).
    fn table(&self, schema: &str, name: &str) -> Option<Arc<TableDef>>;
    /// Whether the provider owns this database.
    fn has_schema(&self, schema: &str) -> bool;
}

/// A server without virtual tables.
pub struct NoVirtualTables;

impl VirtualTables for NoVirtualTables {
    fn table(&self, _: &str, _: &str) -> Option<Arc<TableDef>> {
        None
    }

    fn has_schema(&self, _: &str) -> bool {
        false
    }
}

/// What is known about the size of tables.
pub trait Statistics {
    /// About how many rows the table has; `None` when nobody counted.
    fn rows(&self, table: &TableDef) -> Option<f64>;

    /// About how many distinct values the first part of an index has, its first two, and so on.
    fn distinct(&self, _table: &Arc<TableDef>, _index: &IndexDef) -> Option<Arc<[f64]>> {
        None
    }

    /// About how many entries of an index lie in `ranges`, whose values are literals and `params`.
    fn keys_in(
        &self,
        _table: &Arc<TableDef>,
        _index: &IndexDef,
        _ranges: &[KeyRange],
        _params: &[Value],
    ) -> Option<f64> {
        None
    }

    /// Some of the table's rows. Asked for only by plans that will take long.
    fn sample(&self, _table: &Arc<TableDef>) -> Option<Arc<TableSample>> {
        None
    }
}

/// Nothing is known: every table counts as [`DEFAULT_ROWS`].
pub struct NoStatistics;

/// Rows of a table that nobody counted.
pub const DEFAULT_ROWS: f64 = 1000.0;

impl Statistics for NoStatistics {
    fn rows(&self, _: &TableDef) -> Option<f64> {
        None
    }
}

/// Everything that a plan is made from.
pub struct PlanContext<'a> {
    /// One snapshot for the whole statement.
    pub catalog: &'a CatalogSnapshot,
    /// `USE`d database.
    pub database: Option<&'a str>,
    /// sql_mode, connection collation and what else typing needs.
    pub build: BuildContext,
    /// `character_set_client`: what the bytes of string literals are in.
    pub client_charset: Charset,
    /// Values of variables and types of user variables.
    pub session: &'a dyn SessionInfo,
    /// Types of the parameters of a prepared statement, where they are known; the rest is derived.
    pub parameter_types: &'a [SqlType],
    pub virtual_tables: &'a dyn VirtualTables,
    pub statistics: &'a dyn Statistics,
    /// The session's temporary tables, which hide tables of the same name.
    pub temporary_tables: &'a [Arc<TableDef>],
    /// `sql_select_limit`; `u64::MAX` for none.
    pub select_limit: u64,
    /// Literals become parameters where that changes nothing but the plan's use: [`crate::Plan::lifted`].
    pub lift_literals: bool,
}

impl<'a> PlanContext<'a> {
    /// A context with nothing but definitions and a session.
    pub fn new(catalog: &'a CatalogSnapshot, session: &'a dyn SessionInfo) -> PlanContext<'a> {
        PlanContext {
            catalog,
            database: None,
            build: BuildContext { sql_mode: session.sql_mode(), ..BuildContext::default() },
            client_charset: aurora_types::CollationId::UTF8MB4_0900_AI_CI.charset(),
            session,
            parameter_types: &[],
            virtual_tables: &NoVirtualTables,
            statistics: &NoStatistics,
            temporary_tables: &[],
            select_limit: u64::MAX,
            lift_literals: false,
        }
    }

    /// The base or temporary table of a name.
    pub(crate) fn base_table(&self, schema: &str, name: &str) -> Option<&Arc<TableDef>> {
        self.temporary_tables
            .iter()
            .find(|table| table.schema == schema && table.name == name)
            .or_else(|| self.catalog.table(schema, name))
    }
}
