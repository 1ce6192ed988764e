//! Transactions, SET, prepared statements, locks: what changes the session.

use super::ExprId;
use super::expr::VariableScope;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, UserName};
use aurora_types::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StartTransaction {
    pub consistent_snapshot: bool,
    /// READ ONLY is `Some(true)`, READ WRITE `Some(false)`.
    pub read_only: Option<bool>,
}

/// AND [NO] CHAIN, [NO] RELEASE; `None` follows `completion_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Completion {
    pub chain: Option<bool>,
    pub release: Option<bool>,
}

#[derive(Clone, Debug)]
pub enum SetItem {
    UserVariable {
        name: Text,
        value: ExprId,
    },
    /// `scope` is `Implicit` for `SET name = ..` (the session's, or a routine's local variable).
    SystemVariable {
        scope: VariableScope,
        component: Option<Ident>,
        name: Ident,
        value: SetValue,
    },
    /// `SET NAMES`.
    Names {
        charset: SetCharset,
        collation: Option<Text>,
    },
    /// `SET CHARACTER SET`.
    CharacterSet(SetCharset),
}

#[derive(Clone, Debug)]
pub enum SetValue {
    Default,
    /// A bare word such as `utf8mb4` or `ON` comes as a column name, as the grammar has it.
    Expr(ExprId),
}

#[derive(Clone, Debug)]
pub enum SetCharset {
    Default,
    Named(Text),
}

/// `SET [SESSION | GLOBAL] TRANSACTION ..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTransaction {
    /// `Implicit` is the next transaction only.
    pub scope: VariableScope,
    pub isolation: Option<IsolationLevel>,
    pub read_only: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct SetPassword {
    /// `None` is the current user.
    pub user: Option<UserName>,
    /// `None` is TO RANDOM.
    pub password: Option<StringLiteral>,
    pub replace: Option<StringLiteral>,
    pub retain_current: bool,
}

#[derive(Clone, Debug)]
pub enum SetRole {
    Default,
    None,
    All { except: Vec<UserName> },
    Roles(Vec<UserName>),
}

#[derive(Clone, Debug)]
pub enum PrepareSource {
    Text(StringLiteral),
    UserVariable(Text),
}

#[derive(Clone, Debug)]
pub struct LockTable {
    pub table: ObjectName,
    pub alias: Option<Ident>,
    pub write: bool,
    /// READ LOCAL.
    pub local: bool,
}

#[derive(Clone, Debug)]
pub struct Xid {
    pub gtrid: Text,
    pub bqual: Text,
    pub format_id: u64,
}

#[derive(Clone, Debug)]
pub enum Xa {
    /// JOIN is `Some(true)`, RESUME `Some(false)`.
    Start {
        xid: Xid,
        join: Option<bool>,
    },
    End {
        xid: Xid,
        suspend: bool,
        for_migrate: bool,
    },
    Prepare(Xid),
    Commit {
        xid: Xid,
        one_phase: bool,
    },
    Rollback(Xid),
    Recover {
        convert_xid: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExplainFormat {
    /// None was written: `explain_format` decides.
    Default,
    Traditional,
    Json,
    Tree,
}

#[derive(Clone, Debug)]
pub struct Explain {
    pub analyze: bool,
    pub format: ExplainFormat,
    /// INTO @v.
    pub into: Option<Text>,
    /// FOR DATABASE / SCHEMA.
    pub schema: Option<Ident>,
    pub target: ExplainTarget,
}

#[derive(Clone, Debug)]
pub enum ExplainTarget {
    Statement(Box<super::Statement>),
    Connection(u64),
}

#[derive(Clone, Debug)]
pub struct Describe {
    pub table: ObjectName,
    pub column: Option<DescribeColumn>,
}

#[derive(Clone, Debug)]
pub enum DescribeColumn {
    Name(Ident),
    Pattern(StringLiteral),
}

#[derive(Clone, Debug)]
pub struct SignalItem {
    /// `MESSAGE_TEXT` and its like, upper case.
    pub name: &'static str,
    pub value: ExprId,
}

#[derive(Clone, Debug)]
pub enum SignalCondition {
    SqlState(StringLiteral),
    Name(Ident),
}

/// SIGNAL and RESIGNAL.
#[derive(Clone, Debug)]
pub struct Signal {
    pub resignal: bool,
    pub condition: Option<SignalCondition>,
    pub items: Vec<SignalItem>,
}

#[derive(Clone, Debug)]
pub struct GetDiagnostics {
    pub stacked: bool,
    /// CONDITION n.
    pub condition: Option<ExprId>,
    /// Target and item (`MYSQL_ERRNO`, upper case).
    pub items: Vec<(super::IntoTarget, &'static str)>,
}

/// One statement of LIKE / WHERE in SHOW.
#[derive(Clone, Debug)]
pub enum ShowFilter {
    Like(StringLiteral),
    Where(ExprId),
}
