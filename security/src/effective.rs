//! What an account may do with its active roles: computed once, then looked up.

use crate::accounts::Accounts;
use crate::grants::{Grants, RoutineKind, SchemaGrant};
use crate::host::{Wild, wild_matches};
use crate::name::AccountName;
use crate::privilege::{Privilege, PrivilegeSet};
use aurora_types::SqlResult;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Sets that are kept; beyond that the cache begins anew.
const MOST_CACHED: usize = 10_000;

type Key = (AccountName, Vec<AccountName>);

/// Effective privileges of the newest snapshot.
#[derive(Default)]
pub(crate) struct EffectiveCache {
    known: Mutex<(u64, HashMap<Key, Arc<Effective>>)>,
}

#[derive(Default)]
struct TableAccess {
    table: PrivilegeSet,
    /// On any column: enough to know that the table is there.
    columns: PrivilegeSet,
    /// By name in lower case.
    by_column: HashMap<String, PrivilegeSet>,
}

/// The closed set of an account and its active roles. Immutable; stale once [`Accounts::snapshot`] has a newer version.
pub struct Effective {
    /// Whom errors name: the account, not its roles.
    pub account: AccountName,
    /// The active roles, without those that come with them.
    pub active_roles: Vec<AccountName>,
    /// Of the snapshot it was made from.
    pub version: u64,
    global: PrivilegeSet,
    dynamic: HashMap<String, bool>,
    /// For the account and for each role: its patterns, the most specific first. Of each only the first match counts.
    schemas: Vec<Vec<SchemaGrant>>,
    tables: HashMap<(String, String), TableAccess>,
    routines: HashMap<(RoutineKind, String, String), PrivilegeSet>,
    roles: HashMap<AccountName, bool>,
    /// Accounts that PROXY may be granted on; two empty names are all.
    proxies: Vec<AccountName>,
}

impl Accounts {
    /// The privileges of `account` with `active_roles`, from the newest snapshot; cached.
    pub fn privileges(&self, account: &AccountName, active_roles: &[AccountName]) -> Arc<Effective> {
        let snapshot = self.snapshot();
        let key = (account.clone(), active_roles.to_vec());
        let mut known = self.effective.known.lock();
        if known.0 < snapshot.version || known.1.len() >= MOST_CACHED {
            *known = (snapshot.version, HashMap::new());
        }
        let make = || Arc::new(Effective::new(&snapshot, account, active_roles));
        if known.0 > snapshot.version {
            // A change came between the load and the lock: what is older is not kept.
            return make();
        }
        known.1.entry(key).or_insert_with(make).clone()
    }
}

/// The more specific a pattern of schemas, the greater: by where its first wildcard stands, escapes counted.
fn pattern_rank(pattern: &str) -> usize {
    Wild::SCHEMA.first(pattern).map_or(128, |at| at.min(126) + 1)
}

impl Effective {
    fn new(
        snapshot: &crate::snapshot::AclSnapshot,
        account: &AccountName,
        active_roles: &[AccountName],
    ) -> Effective {
        let mut effective = Effective {
            account: account.clone(),
            active_roles: active_roles.to_vec(),
            version: snapshot.version,
            global: PrivilegeSet::NONE,
            dynamic: HashMap::new(),
            schemas: Vec::new(),
            tables: HashMap::new(),
            routines: HashMap::new(),
            roles: HashMap::new(),
            proxies: Vec::new(),
        };
        if snapshot.account(account).is_some() {
            let own = std::iter::once(account.clone());
            for name in own.chain(snapshot.closure(active_roles)) {
                if let Some(grants) = snapshot.grants(&name) {
                    effective.add(grants);
                }
            }
        }
        effective
    }

    fn add(&mut self, grants: &Grants) {
        self.global = self.global.union(grants.global);
        for (name, grantable) in &grants.dynamic {
            *self.dynamic.entry(name.clone()).or_default() |= grantable;
        }
        let mut schemas = grants.schemas.clone();
        schemas.sort_by(|a, b| {
            let rank = pattern_rank(&b.pattern).cmp(&pattern_rank(&a.pattern));
            // Wildcards at the same place: by bytes, as MySQL reads its rows.
            rank.then_with(|| a.pattern.cmp(&b.pattern))
        });
        self.schemas.push(schemas);
        for grant in &grants.tables {
            let access = self.tables.entry((grant.schema.clone(), grant.table.clone())).or_default();
            access.table = access.table.union(grant.privileges);
            for (column, privileges) in &grant.columns {
                access.columns = access.columns.union(*privileges);
                let slot = access.by_column.entry(column.to_lowercase()).or_default();
                *slot = slot.union(*privileges);
            }
        }
        for grant in &grants.routines {
            let key = (grant.kind, grant.schema.clone(), grant.routine.to_lowercase());
            let slot = self.routines.entry(key).or_default();
            *slot = slot.union(grant.privileges);
        }
        self.proxies
            .extend(grants.proxies.iter().filter(|grant| grant.grantable).map(|grant| grant.on.clone()));
        for grant in &grants.roles {
            *self.roles.entry(grant.role.clone()).or_default() |= grant.admin;
        }
    }

    pub fn global(&self) -> PrivilegeSet {
        self.global
    }

    pub fn has_global(&self, privilege: Privilege) -> bool {
        self.global.has(privilege)
    }

    /// Whether the dynamic privilege was granted; names in upper case. SUPER does not imply it.
    pub fn has_dynamic(&self, name: &str) -> bool {
        self.dynamic.contains_key(name)
    }

    /// Whether the dynamic privilege may be passed on.
    pub fn may_grant_dynamic(&self, name: &str) -> bool {
        self.dynamic.get(name).copied().unwrap_or(false)
    }

    /// Whether the role may be passed on.
    pub fn may_grant_role(&self, role: &AccountName) -> bool {
        self.has_dynamic("ROLE_ADMIN")
            || self.has_global(Privilege::Super)
            || self.roles.get(role).copied().unwrap_or(false)
    }

    pub(crate) fn may_grant_proxy(&self, on: &AccountName) -> bool {
        self.proxies.iter().any(|known| known == on || (known.user.is_empty() && known.host.is_empty()))
    }

    /// Accounts with SYSTEM_USER can be changed by such accounts only.
    ///
    /// # Errors
    /// 1227.
    pub fn check_may_change(&self, other: &Effective) -> SqlResult<()> {
        let shielded = other.has_dynamic("SYSTEM_USER") && !self.has_dynamic("SYSTEM_USER");
        if shielded { Err(crate::errors::privilege_needed("SYSTEM_USER")) } else { Ok(()) }
    }

    /// On the whole schema, global ones included.
    pub fn on_schema(&self, schema: &str) -> PrivilegeSet {
        let matching = self.schemas.iter().filter_map(|patterns| {
            patterns.iter().find(|grant| wild_matches(&grant.pattern, schema, Wild::SCHEMA))
        });
        matching.fold(self.global, |all, grant| all.union(grant.privileges))
    }

    /// On a whole table or view, those of its schema and global ones included.
    pub fn on_table(&self, schema: &str, table: &str) -> PrivilegeSet {
        let own = self.table(schema, table).map_or(PrivilegeSet::NONE, |access| access.table);
        self.on_schema(schema).union(own)
    }

    /// On one column, those of its table included.
    pub fn on_column(&self, schema: &str, table: &str, column: &str) -> PrivilegeSet {
        let access = self.table(schema, table);
        let own = access.and_then(|access| access.by_column.get(&column.to_lowercase()).copied());
        self.on_table(schema, table).union(own.unwrap_or_default())
    }

    /// On a routine, those of its schema and global ones included.
    pub fn on_routine(&self, kind: RoutineKind, schema: &str, routine: &str) -> PrivilegeSet {
        let key = (kind, schema.to_owned(), routine.to_lowercase());
        self.on_schema(schema).union(self.routines.get(&key).copied().unwrap_or_default())
    }

    fn table(&self, schema: &str, table: &str) -> Option<&TableAccess> {
        if self.tables.is_empty() {
            return None;
        }
        self.tables.get(&(schema.to_owned(), table.to_owned()))
    }

    /// Whether `privilege` is there on the schema, or with `object` on that table or view, or with `columns` at
    /// least on each of these. Reading `information_schema` needs none: it shows what one may know.
    pub fn check(&self, schema: &str, object: Option<&str>, privilege: Privilege, columns: &[&str]) -> bool {
        if self.global.has(privilege)
            || (privilege == Privilege::Select && schema.eq_ignore_ascii_case("information_schema"))
        {
            return true;
        }
        let Some(table) = object else { return self.on_schema(schema).has(privilege) };
        if self.on_table(schema, table).has(privilege) {
            return true;
        }
        let Some(access) = self.table(schema, table) else { return false };
        let granted = |column: &&str| {
            access.by_column.get(&column.to_lowercase()).is_some_and(|on_column| on_column.has(privilege))
        };
        !columns.is_empty() && columns.iter().all(granted)
    }

    /// Whether `privilege` is there on the table or on any of its columns: 1143 is for those who have it on some,
    /// 1142 for the others. It is also enough for statements that name no column, such as `SELECT COUNT(*)`.
    pub fn any_column(&self, schema: &str, table: &str, privilege: Privilege) -> bool {
        self.on_table(schema, table).has(privilege)
            || self.table(schema, table).is_some_and(|access| access.columns.has(privilege))
    }

    /// Whether the account may know that the schema exists: any privilege on it or on what is in it.
    pub fn any_on_schema(&self, schema: &str) -> bool {
        schema.eq_ignore_ascii_case("information_schema")
            || self.global.has(Privilege::ShowDatabases)
            || !self.on_schema(schema).intersection(PrivilegeSet::SCHEMA).is_empty()
            || self.tables.keys().any(|(known, _)| known == schema)
            || self.routines.keys().any(|(_, known, _)| known == schema)
    }

    /// Whether the account may know that the table exists: any privilege on it or on its columns.
    pub fn any_on_table(&self, schema: &str, table: &str) -> bool {
        schema.eq_ignore_ascii_case("information_schema")
            || !self.on_table(schema, table).intersection(PrivilegeSet::TABLE).is_empty()
            || self.table(schema, table).is_some()
    }

    /// Whether the account may know that the column exists.
    pub fn any_on_column(&self, schema: &str, table: &str, column: &str) -> bool {
        schema.eq_ignore_ascii_case("information_schema")
            || !self.on_column(schema, table, column).intersection(PrivilegeSet::COLUMN).is_empty()
    }

    /// Whether the account may know that the routine exists.
    pub fn any_on_routine(&self, kind: RoutineKind, schema: &str, routine: &str) -> bool {
        let of_routines = PrivilegeSet::ROUTINE.union(PrivilegeSet::of(&[Privilege::CreateRoutine]));
        self.has_dynamic("SHOW_ROUTINE")
            || self.has_global(Privilege::Select)
            || !self.on_routine(kind, schema, routine).intersection(of_routines).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::snapshot::AclSnapshot;

    fn set(privileges: &[Privilege]) -> PrivilegeSet {
        PrivilegeSet::of(privileges)
    }

    fn effective(fill: impl FnOnce(&mut Grants)) -> Effective {
        let name = AccountName::any_host("u");
        let mut snapshot = AclSnapshot::default();
        let mut grants = Grants::default();
        fill(&mut grants);
        snapshot.accounts.insert(name.clone(), Arc::new(Account::new(name.clone(), 0)));
        snapshot.grants.insert(name.clone(), Arc::new(grants));
        Effective::new(&snapshot, &name, &[])
    }

    #[test]
    fn of_several_patterns_only_the_most_specific_counts() {
        let effective = effective(|grants| {
            grants.schema_mut("m%").privileges = set(&[Privilege::Insert, Privilege::Select]);
            grants.schema_mut("my_db").privileges = set(&[Privilege::Select]);
            grants.schema_mut("my\\_db").privileges = set(&[Privilege::Update]);
        });
        assert_eq!(effective.on_schema("my_db"), set(&[Privilege::Update]));
        assert_eq!(effective.on_schema("myXdb"), set(&[Privilege::Select]));
        assert!(effective.check("mydb", None, Privilege::Insert, &[]));
        assert!(!effective.any_on_schema("other"));
    }

    #[test]
    fn columns_suffice_when_all_that_are_used_are_granted() {
        let effective = effective(|grants| {
            let table = grants.table_mut("d", "t");
            table.privileges = set(&[Privilege::Insert]);
            table.columns.insert("A".into(), set(&[Privilege::Select]));
            table.columns.insert("b".into(), set(&[Privilege::Select]));
        });
        let select = |columns: &[&str]| effective.check("d", Some("t"), Privilege::Select, columns);
        assert!(select(&["a", "B"]) && !select(&["a", "c"]) && !select(&[]));
        assert!(effective.any_column("d", "t", Privilege::Select));
        assert!(!effective.any_column("d", "t", Privilege::Delete));
        assert!(effective.any_on_table("d", "t") && !effective.any_on_table("d", "u"));
        assert!(effective.any_on_column("d", "t", "c"), "by INSERT on the table");
        assert!(effective.any_on_schema("d"));
        assert!(effective.check("information_schema", Some("TABLES"), Privilege::Select, &[]));
    }

    #[test]
    fn routines_are_found_without_case() {
        let effective = effective(|grants| {
            grants.routine_mut(RoutineKind::Procedure, "d", "Proc").privileges = PrivilegeSet::ROUTINE;
        });
        assert!(effective.on_routine(RoutineKind::Procedure, "d", "pROC").has(Privilege::Execute));
        assert!(!effective.any_on_routine(RoutineKind::Function, "d", "proc"));
    }
}
