//! All accounts, durable: loaded at the start, changed by one commit per statement.

use crate::account::{Account, FailedLogins};
use crate::digests::DigestCache;
use crate::grants::Grants;
use crate::hasher::Hasher;
use crate::name::AccountName;
use crate::snapshot::AclSnapshot;
use crate::usage::UsageTable;
use crate::verifier::{HashParams, Verifier};
use arc_swap::ArcSwap;
use aurora_catalog::{StorageId, TENANT, storage_range};
use aurora_env::{Clock, RealEnv};
use aurora_txn::{Direction, Durability, Isolation, Txn, TxnError, TxnManager, TxnMode, View};
use aurora_types::codec::key::key_prefix;
use aurora_types::error::ER_INTERNAL_ERROR;
use aurora_types::{SqlError, SqlResult};
use parking_lot::{Mutex, MutexGuard, RwLock};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Storage id of the accounts' rows (docs/formats/accounts.md).
const STORAGE: u64 = 3;
const ACCOUNT: u8 = 1;
const GRANTS: u8 = 2;
const FAILED: u8 = 3;
/// The first byte of every value.
const FORMAT: u8 = 1;

/// How passwords are checked, and by which clock.
#[derive(Clone)]
pub struct AccountSettings {
    pub hashing: HashParams,
    /// How many passwords are hashed at a time; each needs `hashing.memory_kib`.
    pub hashes_at_once: usize,
    /// How many more wait; beyond that logins are turned away (1040).
    pub hash_queue: usize,
    /// How long one waits at most.
    pub hash_wait: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for AccountSettings {
    fn default() -> AccountSettings {
        AccountSettings {
            hashing: HashParams::SERVER,
            hashes_at_once: 2,
            hash_queue: 64,
            hash_wait: Duration::from_secs(10),
            clock: RealEnv::new().clock,
        }
    }
}

/// The server's rules for passwords: its variables of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordPolicy {
    pub default_lifetime_days: u32,
    pub history: u32,
    pub reuse_days: u32,
    pub require_current: bool,
    /// `validate_password`; `None`: any password goes.
    pub strength: Option<crate::strength::Strength>,
}

/// All accounts, roles and grants. Readers take a snapshot: one load.
pub struct Accounts {
    manager: TxnManager,
    current: ArcSwap<AclSnapshot>,
    /// One change at a time: a change begins from what the one before it installed.
    changing: Mutex<()>,
    pub(crate) failed: Mutex<HashMap<AccountName, FailedLogins>>,
    pub(crate) settings: AccountSettings,
    pub(crate) hasher: Hasher,
    pub(crate) digests: DigestCache,
    pub(crate) policy: RwLock<PasswordPolicy>,
    pub(crate) usage: UsageTable,
    mandatory_roles: RwLock<Vec<AccountName>>,
    pub(crate) effective: crate::effective::EffectiveCache,
}

fn row_key(kind: u8, name: &AccountName) -> Vec<u8> {
    let mut key = Vec::with_capacity(14 + name.user.len() + name.host.len());
    key_prefix(TENANT, STORAGE, &mut key);
    key.push(kind);
    // A host never holds a NUL: the last one ends the user.
    key.extend_from_slice(name.user.as_bytes());
    key.push(0);
    key.extend_from_slice(name.host.as_bytes());
    key
}

fn row_name(key: &[u8]) -> SqlResult<AccountName> {
    let damaged = || damaged(&"a key without a name");
    let end = key.iter().rposition(|byte| *byte == 0).ok_or_else(damaged)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| damaged());
    Ok(AccountName { user: text(&key[..end])?, host: text(&key[end + 1..])? })
}

fn damaged(what: &dyn std::fmt::Display) -> SqlError {
    SqlError::new(ER_INTERNAL_ERROR, &[&format_args!("stored accounts: {what}")])
}

fn read_row<T: DeserializeOwned>(value: &[u8]) -> SqlResult<T> {
    match value {
        [FORMAT, json @ ..] => serde_json::from_slice(json).map_err(|error| damaged(&error)),
        _ => Err(damaged(&"a row of an unknown format")),
    }
}

fn write_row<T: serde::Serialize>(txn: &Txn, kind: u8, name: &AccountName, row: &T) -> SqlResult<()> {
    let mut value = vec![FORMAT];
    serde_json::to_writer(&mut value, row).map_err(|error| damaged(&error))?;
    Ok(txn.put(&row_key(kind, name), &value)?)
}

impl Accounts {
    /// Loads all accounts; an empty store has none, see [`Accounts::bootstrap_root`].
    pub fn open(manager: &TxnManager, settings: AccountSettings) -> SqlResult<Arc<Accounts>> {
        let mut snapshot = AclSnapshot::default();
        let mut failed = HashMap::new();
        let (start, end) = storage_range(StorageId(STORAGE));
        let txn = manager.begin(Isolation::ReadCommitted, TxnMode { read_only: true, ..TxnMode::default() });
        let (lower, upper) = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
        let mut rows = txn.scan(lower, upper, Direction::Forward, View::Snapshot)?;
        while rows.advance()? {
            let (kind, name) =
                rows.key()[start.len()..].split_first().ok_or_else(|| damaged(&"a key without a kind"))?;
            let name = row_name(name)?;
            match *kind {
                ACCOUNT => {
                    let account: Account = read_row(rows.value())?;
                    snapshot.accounts.insert(name, Arc::new(account));
                }
                GRANTS => {
                    let grants: Grants = read_row(rows.value())?;
                    snapshot.grants.insert(name, Arc::new(grants));
                }
                FAILED => {
                    failed.insert(name, read_row(rows.value())?);
                }
                kind => return Err(damaged(&format_args!("a row of kind {kind}"))),
            }
        }
        snapshot.version = 1;
        snapshot.sort();
        Ok(Arc::new(Accounts {
            manager: manager.clone(),
            current: ArcSwap::from_pointee(snapshot),
            changing: Mutex::new(()),
            failed: Mutex::new(failed),
            hasher: Hasher::new(&settings)?,
            digests: DigestCache::default(),
            policy: RwLock::default(),
            usage: UsageTable::default(),
            mandatory_roles: RwLock::default(),
            effective: crate::effective::EffectiveCache::default(),
            settings,
        }))
    }

    /// The newest accounts and grants.
    pub fn snapshot(&self) -> Arc<AclSnapshot> {
        self.current.load_full()
    }

    /// The number of the newest [`Accounts::snapshot`]; every change makes it greater.
    pub fn version(&self) -> u64 {
        self.current.load().version
    }

    /// Sets the server's rules for passwords.
    pub fn set_policy(&self, policy: PasswordPolicy) {
        *self.policy.write() = policy;
    }

    pub fn policy(&self) -> PasswordPolicy {
        self.policy.read().clone()
    }

    /// Sets the variable `mandatory_roles`: roles that everyone has.
    pub fn set_mandatory_roles(&self, roles: Vec<AccountName>) {
        *self.mandatory_roles.write() = roles;
    }

    /// Whether nobody can take the role away.
    pub(crate) fn is_mandatory(&self, role: &AccountName) -> bool {
        self.mandatory_roles.read().contains(role)
    }

    /// The roles that were granted to an account itself, and the mandatory ones that exist.
    pub(crate) fn roles_of(&self, snapshot: &AclSnapshot, account: &AccountName) -> Vec<AccountName> {
        let granted = snapshot.grants(account);
        let granted = granted.iter().flat_map(|grants| grants.roles.iter().map(|grant| grant.role.clone()));
        let mut roles: Vec<AccountName> = granted.collect();
        for role in self.mandatory_roles.read().iter() {
            if role != account && snapshot.account(role).is_some() && !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        roles
    }

    /// Argon2 runs so far: a login that fails costs one, whoever it names.
    pub fn hash_count(&self) -> u64 {
        self.hasher.count()
    }

    /// Makes `'root'@'localhost'` with all privileges on a store without accounts; `false`: there were some.
    pub fn bootstrap_root(&self, password: Option<&[u8]>) -> SqlResult<bool> {
        let mut change = self.change();
        if !change.next.accounts.is_empty() {
            return Ok(false);
        }
        let mut root = Account::new(AccountName::new("root", "localhost"), self.now_s());
        root.verifier = match password {
            None | Some([]) => None,
            Some(password) => Some(Verifier::create(password, self.settings.hashing)?),
        };
        change.put_grants(root.name.clone(), Grants::everything())?;
        change.put_account(root)?;
        change.commit()?;
        Ok(true)
    }

    pub(crate) fn now_s(&self) -> u64 {
        let since = self.settings.clock.wall().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// Begins a change. One at a time; passwords are hashed before.
    pub(crate) fn change(&self) -> AclChange<'_> {
        let guard = self.changing.lock();
        AclChange {
            next: AclSnapshot::clone(&self.current.load()),
            txn: self.manager.begin(Isolation::ReadCommitted, TxnMode::EXPLICIT),
            accounts: self,
            touched: Vec::new(),
            unblocked: Vec::new(),
            limited: Vec::new(),
            _guard: guard,
        }
    }

    /// Stores how often logins failed; `None` when one succeeded.
    pub(crate) fn store_failed(&self, name: &AccountName, failed: Option<FailedLogins>) -> SqlResult<()> {
        let txn = self.manager.begin(Isolation::ReadCommitted, TxnMode::AUTOCOMMIT);
        match &failed {
            Some(failed) => write_row(&txn, FAILED, name, failed)?,
            None => txn.delete(&row_key(FAILED, name))?,
        }
        self.wait(txn)
    }

    fn wait(&self, txn: Txn) -> SqlResult<()> {
        let ticket = txn.commit(Durability::Synced)?;
        ticket.wait(&**self.manager.waiter()).map_err(TxnError::from)?;
        Ok(())
    }
}

/// One statement's change of accounts and grants: all or nothing. Dropped: nothing.
pub(crate) struct AclChange<'a> {
    pub next: AclSnapshot,
    txn: Txn,
    accounts: &'a Accounts,
    /// Accounts whose cached digests are no longer to be believed.
    touched: Vec<AccountName>,
    /// Accounts whose failed logins are forgotten.
    unblocked: Vec<AccountName>,
    /// Accounts whose limits are others now.
    limited: Vec<AccountName>,
    _guard: MutexGuard<'a, ()>,
}

impl AclChange<'_> {
    pub fn put_account(&mut self, account: Account) -> SqlResult<()> {
        write_row(&self.txn, ACCOUNT, &account.name, &account)?;
        let name = account.name.clone();
        let limits = account.limits;
        let old = self.next.accounts.insert(name.clone(), Arc::new(account));
        let epoch = self.next.accounts[&name].credential_epoch;
        if old.as_ref().is_some_and(|old| old.limits != limits) {
            self.limited.push(name.clone());
        }
        if old.is_some_and(|old| old.credential_epoch != epoch) {
            self.touched.push(name);
        }
        Ok(())
    }

    pub fn put_grants(&mut self, name: AccountName, mut grants: Grants) -> SqlResult<()> {
        grants.tidy();
        if grants.is_empty() {
            self.txn.delete(&row_key(GRANTS, &name))?;
            self.next.grants.remove(&name);
        } else {
            write_row(&self.txn, GRANTS, &name, &grants)?;
            self.next.grants.insert(name, Arc::new(grants));
        }
        Ok(())
    }

    /// What an account was granted, to be changed and put back.
    pub fn grants_of(&self, name: &AccountName) -> Grants {
        self.next.grants.get(name).map(|grants| Grants::clone(grants)).unwrap_or_default()
    }

    /// Removes an account with its grants and its failed logins; what others were granted of it stays.
    pub fn remove(&mut self, name: &AccountName) -> SqlResult<()> {
        for kind in [ACCOUNT, GRANTS, FAILED] {
            self.txn.delete(&row_key(kind, name))?;
        }
        self.next.accounts.remove(name);
        self.next.grants.remove(name);
        self.touched.push(name.clone());
        self.unblocked.push(name.clone());
        self.limited.push(name.clone());
        Ok(())
    }

    /// Forgets failed logins (ACCOUNT UNLOCK).
    pub fn forget_failed(&mut self, name: &AccountName) -> SqlResult<()> {
        self.txn.delete(&row_key(FAILED, name))?;
        self.unblocked.push(name.clone());
        Ok(())
    }

    /// Commits durably, waits for it, and installs the snapshot.
    pub fn commit(self) -> SqlResult<()> {
        let AclChange { mut next, txn, accounts, touched, unblocked, limited, _guard } = self;
        accounts.wait(txn)?;
        next.version += 1;
        next.sort();
        let next = Arc::new(next);
        accounts.current.store(next.clone());
        for name in limited {
            let limits = next.account(&name).map(|account| account.limits);
            accounts.usage.change(&name, limits, accounts.now_s());
        }
        for name in touched {
            accounts.digests.forget(&name);
        }
        for name in unblocked {
            accounts.failed.lock().remove(&name);
        }
        Ok(())
    }
}
