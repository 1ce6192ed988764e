//! What a plan depends on and what it demands of its user.

use aurora_catalog::{SchemaVersion, TableId};

/// A definition that the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub schema: String,
    pub name: String,
    pub id: TableId,
    /// `None` for a view.
    pub version: Option<SchemaVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
    Lock,
    File,
    Create,
    Drop,
    Alter,
    Index,
    References,
    CreateView,
    ShowView,
    Execute,
    Trigger,
}

/// One demand: a privilege on an object, for all of it or for columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAccess {
    /// Empty for the server as a whole (FILE).
    pub schema: String,
    /// Table or view; empty for the whole database.
    pub object: String,
    pub privilege: Privilege,
    /// Columns that are touched: the privilege on each of them suffices when the table has none. Empty means
    /// any (`SELECT COUNT(*)`) for SELECT, and the whole object for the rest.
    pub columns: ColumnUse,
    /// `user@host` whose privileges count: the definer of a view; `None` is the session's user.
    pub definer: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnUse(pub Vec<String>);
