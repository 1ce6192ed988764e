//! The static privileges as bits, and the names of the dynamic ones.

use serde::{Deserialize, Serialize};

macro_rules! privileges {
    ($($variant:ident = $bit:literal $name:literal;)*) => {
        /// A static privilege. The numbers are bits on disk; the order is that of SHOW GRANTS.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Privilege { $($variant = $bit),* }

        impl Privilege {
            /// All, in the order of SHOW GRANTS.
            pub const ALL: &[Privilege] = &[$(Privilege::$variant),*];

            /// As it is written in GRANT.
            pub fn name(self) -> &'static str {
                match self { $(Privilege::$variant => $name),* }
            }
        }
    };
}

privileges! {
    Select = 0 "SELECT";
    Insert = 1 "INSERT";
    Update = 2 "UPDATE";
    Delete = 3 "DELETE";
    Create = 4 "CREATE";
    Drop = 5 "DROP";
    Reload = 6 "RELOAD";
    Shutdown = 7 "SHUTDOWN";
    Process = 8 "PROCESS";
    File = 9 "FILE";
    GrantOption = 10 "GRANT OPTION";
    References = 11 "REFERENCES";
    Index = 12 "INDEX";
    Alter = 13 "ALTER";
    ShowDatabases = 14 "SHOW DATABASES";
    Super = 15 "SUPER";
    CreateTemporaryTables = 16 "CREATE TEMPORARY TABLES";
    LockTables = 17 "LOCK TABLES";
    Execute = 18 "EXECUTE";
    ReplicationSlave = 19 "REPLICATION SLAVE";
    ReplicationClient = 20 "REPLICATION CLIENT";
    CreateView = 21 "CREATE VIEW";
    ShowView = 22 "SHOW VIEW";
    CreateRoutine = 23 "CREATE ROUTINE";
    AlterRoutine = 24 "ALTER ROUTINE";
    CreateUser = 25 "CREATE USER";
    Event = 26 "EVENT";
    Trigger = 27 "TRIGGER";
    CreateTablespace = 28 "CREATE TABLESPACE";
    CreateRole = 29 "CREATE ROLE";
    DropRole = 30 "DROP ROLE";
}

impl Privilege {
    /// Finds a static privilege by its name, in upper case.
    pub fn by_name(name: &str) -> Option<Privilege> {
        Privilege::ALL.iter().copied().find(|privilege| privilege.name() == name)
    }
}

/// A set of static privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PrivilegeSet(u64);

impl PrivilegeSet {
    pub const NONE: PrivilegeSet = PrivilegeSet(0);
    /// What `ALL ON *.*` means, without GRANT OPTION.
    pub const GLOBAL: PrivilegeSet = PrivilegeSet(((1 << Privilege::ALL.len()) - 1) & !Self::OPTION.0);
    /// What `ALL ON db.*` means.
    pub const SCHEMA: PrivilegeSet = PrivilegeSet::of(&[
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Create,
        Privilege::Drop,
        Privilege::References,
        Privilege::Index,
        Privilege::Alter,
        Privilege::CreateTemporaryTables,
        Privilege::LockTables,
        Privilege::Execute,
        Privilege::CreateView,
        Privilege::ShowView,
        Privilege::CreateRoutine,
        Privilege::AlterRoutine,
        Privilege::Event,
        Privilege::Trigger,
    ]);
    /// What `ALL ON db.t` means.
    pub const TABLE: PrivilegeSet = PrivilegeSet::of(&[
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Create,
        Privilege::Drop,
        Privilege::References,
        Privilege::Index,
        Privilege::Alter,
        Privilege::CreateView,
        Privilege::ShowView,
        Privilege::Trigger,
    ]);
    /// What can be granted on columns.
    pub const COLUMN: PrivilegeSet =
        PrivilegeSet::of(&[Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::References]);
    /// What `ALL ON PROCEDURE db.p` means.
    pub const ROUTINE: PrivilegeSet = PrivilegeSet::of(&[Privilege::Execute, Privilege::AlterRoutine]);
    /// GRANT OPTION alone.
    pub const OPTION: PrivilegeSet = PrivilegeSet::of(&[Privilege::GrantOption]);

    pub const fn of(privileges: &[Privilege]) -> PrivilegeSet {
        let mut bits = 0;
        let mut at = 0;
        while at < privileges.len() {
            bits |= 1 << privileges[at] as u64;
            at += 1;
        }
        PrivilegeSet(bits)
    }

    pub fn has(self, privilege: Privilege) -> bool {
        self.0 >> (privilege as u64) & 1 == 1
    }

    /// Whether all of `other` is in it.
    pub fn contains(self, other: PrivilegeSet) -> bool {
        other.0 & !self.0 == 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn union(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 | other.0)
    }

    pub fn without(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 & !other.0)
    }

    pub fn intersection(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 & other.0)
    }

    /// Its privileges in the order of SHOW GRANTS.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL.iter().copied().filter(move |privilege| self.has(*privilege))
    }
}

/// The dynamic privileges of the server, sorted.
pub const DYNAMIC: &[&str] = &[
    "ALLOW_NONEXISTENT_DEFINER",
    "APPLICATION_PASSWORD_ADMIN",
    "AUDIT_ABORT_EXEMPT",
    "AUDIT_ADMIN",
    "AUTHENTICATION_POLICY_ADMIN",
    "BACKUP_ADMIN",
    "BINLOG_ADMIN",
    "BINLOG_ENCRYPTION_ADMIN",
    "CLONE_ADMIN",
    "CONNECTION_ADMIN",
    "CREATE_SPATIAL_REFERENCE_SYSTEM",
    "ENCRYPTION_KEY_ADMIN",
    "FIREWALL_EXEMPT",
    "FLUSH_OPTIMIZER_COSTS",
    "FLUSH_PRIVILEGES",
    "FLUSH_STATUS",
    "FLUSH_TABLES",
    "FLUSH_USER_RESOURCES",
    "GROUP_REPLICATION_ADMIN",
    "GROUP_REPLICATION_STREAM",
    "INNODB_REDO_LOG_ARCHIVE",
    "INNODB_REDO_LOG_ENABLE",
    "MANAGE_DATA_MASKING_POLICY",
    "OPTIMIZE_LOCAL_TABLE",
    "PASSWORDLESS_USER_ADMIN",
    "PERSIST_RO_VARIABLES_ADMIN",
    "REPLICATION_APPLIER",
    "REPLICATION_SLAVE_ADMIN",
    "RESOURCE_GROUP_ADMIN",
    "RESOURCE_GROUP_USER",
    "ROLE_ADMIN",
    "SENSITIVE_VARIABLES_OBSERVER",
    "SERVICE_CONNECTION_ADMIN",
    "SESSION_VARIABLES_ADMIN",
    "SET_ANY_DEFINER",
    "SHOW_ROUTINE",
    "SYSTEM_USER",
    "SYSTEM_VARIABLES_ADMIN",
    "TABLE_ENCRYPTION_ADMIN",
    "TELEMETRY_LOG_ADMIN",
    "TRANSACTION_GTID_TAG",
    "XA_RECOVER_ADMIN",
];

/// Whether the server has a dynamic privilege of this name, in upper case.
pub fn is_dynamic(name: &str) -> bool {
    DYNAMIC.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_show_privileges_lists() {
        // USAGE and PROXY are no bits.
        assert_eq!(Privilege::ALL.len() + 2 + DYNAMIC.len(), 75);
        assert!(DYNAMIC.is_sorted());
        assert_eq!(Privilege::by_name("CREATE VIEW"), Some(Privilege::CreateView));
        assert!(PrivilegeSet::GLOBAL.contains(PrivilegeSet::SCHEMA));
        assert!(!PrivilegeSet::GLOBAL.has(Privilege::GrantOption));
    }
}
