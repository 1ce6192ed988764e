//! SHOW.

use super::ExprId;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, UserName};
use super::query::Limit;
use super::session::ShowFilter;

#[derive(Clone, Debug)]
pub struct Show {
    pub kind: ShowKind,
    pub filter: Option<ShowFilter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShowCreate {
    Table,
    View,
    Procedure,
    Function,
    Trigger,
    Event,
}

#[derive(Clone, Debug)]
pub enum ShowKind {
    Databases,
    /// SHOW [EXTENDED] [FULL] TABLES.
    Tables {
        extended: bool,
        full: bool,
        schema: Option<Ident>,
    },
    TableStatus {
        schema: Option<Ident>,
    },
    OpenTables {
        schema: Option<Ident>,
    },
    Triggers {
        full: bool,
        schema: Option<Ident>,
    },
    Events {
        schema: Option<Ident>,
    },
    /// SHOW COLUMNS / FIELDS; `table` carries the schema of `FROM t FROM s`.
    Columns {
        extended: bool,
        full: bool,
        table: ObjectName,
    },
    /// SHOW INDEX / INDEXES / KEYS.
    Index {
        extended: bool,
        table: ObjectName,
    },
    Create {
        kind: ShowCreate,
        name: ObjectName,
    },
    CreateDatabase {
        if_not_exists: bool,
        name: Ident,
    },
    CreateUser(UserName),
    Variables {
        global: bool,
    },
    Status {
        global: bool,
    },
    CharacterSet,
    Collation,
    Engines,
    /// SHOW ENGINE e STATUS / MUTEX / LOGS; `None` is ALL.
    Engine {
        name: Option<Ident>,
        what: &'static str,
    },
    Plugins,
    Privileges,
    ProcessList {
        full: bool,
    },
    /// `COUNT(*)` counts only.
    Warnings {
        count: bool,
        limit: Option<Limit>,
    },
    Errors {
        count: bool,
        limit: Option<Limit>,
    },
    Grants {
        user: Option<UserName>,
        using: Vec<UserName>,
    },
    ProcedureStatus,
    FunctionStatus,
    ProcedureCode(ObjectName),
    FunctionCode(ObjectName),
    LibraryStatus,
    Profiles,
    Profile {
        types: Vec<&'static str>,
        query: Option<ExprId>,
        limit: Option<Limit>,
    },
    BinaryLogs,
    /// SHOW BINARY LOG STATUS, SHOW MASTER STATUS.
    BinaryLogStatus,
    BinlogEvents {
        relay: bool,
        file: Option<StringLiteral>,
        position: Option<u64>,
        limit: Option<Limit>,
    },
    Replicas,
    ReplicaStatus {
        channel: Option<StringLiteral>,
    },
    ParseTree,
}
