//! Accounts, privileges and administration.

use super::ExprId;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, UserName};
use aurora_types::Text;

#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// WITH plugin.
    pub plugin: Option<Text>,
    pub secret: Option<Secret>,
    /// REPLACE 'current password'.
    pub replace: Option<StringLiteral>,
    pub retain_current: bool,
    pub discard_old: bool,
    /// INITIAL AUTHENTICATION of the same factor.
    pub initial: Option<Box<Authentication>>,
}

#[derive(Clone, Debug)]
pub enum Secret {
    /// BY 'password'.
    Password(StringLiteral),
    /// BY RANDOM PASSWORD.
    Random,
    /// AS 'hash'.
    Hash(StringLiteral),
}

/// A user of CREATE USER and ALTER USER with its authentication factors.
#[derive(Clone, Debug)]
pub struct UserSpec {
    pub user: UserName,
    /// `USER()` was written for the account.
    pub factors: Vec<Authentication>,
    /// ALTER USER: DISCARD OLD PASSWORD.
    pub discard_old: bool,
    /// ALTER USER: ADD / MODIFY / DROP n FACTOR, INITIATE / FINISH REGISTRATION, as words.
    pub factor_change: Option<Text>,
}

#[derive(Clone, Debug)]
pub enum TlsRequirement {
    None,
    Ssl,
    X509,
    /// Any of these, together.
    Specified {
        subject: Option<StringLiteral>,
        issuer: Option<StringLiteral>,
        cipher: Option<StringLiteral>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceLimit {
    QueriesPerHour,
    UpdatesPerHour,
    ConnectionsPerHour,
    UserConnections,
}

#[derive(Clone, Debug)]
pub enum AccountOption {
    PasswordExpire,
    PasswordExpireDefault,
    PasswordExpireNever,
    PasswordExpireInterval(u64),
    /// `None` is DEFAULT.
    PasswordHistory(Option<u64>),
    PasswordReuseInterval(Option<u64>),
    /// REQUIRE CURRENT; `None` is DEFAULT, `Some(false)` is OPTIONAL.
    PasswordRequireCurrent(Option<bool>),
    FailedLoginAttempts(u64),
    /// `None` is UNBOUNDED.
    PasswordLockTime(Option<u64>),
    AccountLock,
    AccountUnlock,
}

/// CREATE USER and ALTER USER.
#[derive(Clone, Debug)]
pub struct CreateUser {
    pub alter: bool,
    /// IF NOT EXISTS of CREATE, IF EXISTS of ALTER.
    pub if_clause: bool,
    pub users: Vec<UserSpec>,
    pub default_roles: Option<DefaultRoles>,
    pub tls: Option<TlsRequirement>,
    pub limits: Vec<(ResourceLimit, u64)>,
    pub options: Vec<AccountOption>,
    pub comment: Option<StringLiteral>,
    pub attribute: Option<StringLiteral>,
}

#[derive(Clone, Debug)]
pub enum DefaultRoles {
    None,
    All,
    Roles(Vec<UserName>),
}

/// SET DEFAULT ROLE.
#[derive(Clone, Debug)]
pub struct SetDefaultRole {
    pub roles: DefaultRoles,
    pub users: Vec<UserName>,
}

#[derive(Clone, Debug)]
pub struct Privilege {
    /// Upper case with single spaces: `SELECT`, `CREATE TEMPORARY TABLES`, `BACKUP_ADMIN`.
    pub name: Text,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug)]
pub enum GrantWhat {
    /// ALL [PRIVILEGES].
    All,
    Privileges(Vec<Privilege>),
    Roles(Vec<UserName>),
    /// PROXY ON user.
    Proxy(UserName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantObject {
    Table,
    Function,
    Procedure,
    Library,
}

#[derive(Clone, Debug)]
pub enum GrantOn {
    /// `*.*`
    Global,
    /// `*`: the default database.
    DefaultSchema,
    /// `db.*`
    Schema(Ident),
    Object {
        kind: GrantObject,
        name: ObjectName,
    },
}

#[derive(Clone, Debug)]
pub enum GrantRoles {
    Default,
    None,
    All { except: Vec<UserName> },
    Roles(Vec<UserName>),
}

#[derive(Clone, Debug)]
pub struct Grant {
    pub what: GrantWhat,
    pub on: Option<GrantOn>,
    pub to: Vec<UserName>,
    /// WITH GRANT OPTION, WITH ADMIN OPTION.
    pub with_option: bool,
    /// AS user [WITH ROLE ..].
    pub grantor: Option<(UserName, Option<GrantRoles>)>,
}

#[derive(Clone, Debug)]
pub struct Revoke {
    pub if_exists: bool,
    pub what: GrantWhat,
    /// `REVOKE ALL PRIVILEGES, GRANT OPTION FROM u`: `what` is `All`, no object.
    pub on: Option<GrantOn>,
    pub from: Vec<UserName>,
    pub ignore_unknown_user: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableAdminKind {
    Analyze,
    Check,
    Checksum,
    Optimize,
    Repair,
}

#[derive(Clone, Debug)]
pub struct TableAdmin {
    pub kind: TableAdminKind,
    pub tables: Vec<ObjectName>,
    /// NO_WRITE_TO_BINLOG and LOCAL.
    pub no_binlog: bool,
    /// QUICK, EXTENDED, FOR UPGRADE and the like, upper case.
    pub options: Vec<&'static str>,
    pub histogram: Option<Histogram>,
}

/// ANALYZE TABLE t UPDATE / DROP HISTOGRAM.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub drop: bool,
    pub columns: Vec<Ident>,
    pub buckets: Option<u64>,
    /// USING DATA.
    pub data: Option<StringLiteral>,
}

#[derive(Clone, Debug)]
pub enum Flush {
    /// `WITH READ LOCK` / `FOR EXPORT` apply to these tables; empty is all.
    Tables { tables: Vec<ObjectName>, read_lock: bool, for_export: bool },
    /// LOGS, PRIVILEGES, STATUS and the like, upper case.
    Options(Vec<&'static str>),
}

#[derive(Clone, Debug)]
pub struct Kill {
    /// KILL QUERY; else the connection.
    pub query_only: bool,
    pub id: ExprId,
}

#[derive(Clone, Debug)]
pub struct RenameUser {
    pub renames: Vec<(UserName, UserName)>,
}
