//! Views.

use crate::ids::TableId;
use aurora_types::CollationId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewAlgorithm {
    Undefined,
    Merge,
    TempTable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewCheckOption {
    None,
    Local,
    Cascaded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewSecurity {
    Definer,
    Invoker,
}

#[derive(Clone, Debug)]
pub struct ViewDef {
    pub id: TableId,
    pub schema: String,
    pub name: String,
    /// Column names of `CREATE VIEW v (a, b)`, or the query's own.
    pub columns: Vec<String>,
    /// The query in canonical form (qualified names), as SHOW CREATE VIEW prints it.
    pub query: String,
    pub algorithm: ViewAlgorithm,
    pub check_option: ViewCheckOption,
    pub security: ViewSecurity,
    /// `user@host`.
    pub definer: String,
    pub charset_client: String,
    pub collation_connection: CollationId,
    /// `sql_mode` bits in force at creation; the query is parsed under them.
    pub sql_mode: u64,
}
