//! What accounts use of their limits: MAX_QUERIES_PER_HOUR and its kin, and `max_user_connections`.

use crate::account::ResourceLimits;
use crate::accounts::Accounts;
use crate::name::AccountName;
use aurora_types::error::{ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED};
use aurora_types::{SqlError, SqlResult};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Counts begin again when the first of them is this old.
const HOUR_S: u64 = 3600;

/// The counters of all accounts that have connected.
#[derive(Debug, Default)]
pub(crate) struct UsageTable {
    by_account: Mutex<HashMap<AccountName, Arc<Account>>>,
}

#[derive(Debug, Default)]
struct Account {
    /// Whether any statement has to be counted: most accounts have no limits, and pay nothing for them.
    counts_statements: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    limits: ResourceLimits,
    since_s: u64,
    queries: u32,
    updates: u32,
    connections: u32,
    open: u32,
}

impl Counts {
    fn begin_hour(&mut self, now_s: u64) {
        // A clock that was set back begins anew as well.
        if now_s.abs_diff(self.since_s) >= HOUR_S {
            self.forget(now_s);
        }
    }

    fn forget(&mut self, now_s: u64) {
        let Counts { limits, open, .. } = *self;
        *self = Counts { limits, open, since_s: now_s, ..Counts::default() };
    }
}

impl UsageTable {
    /// After a change of accounts: `limits` are new, or the account is gone. Open connections feel it at once.
    pub fn change(&self, name: &AccountName, limits: Option<ResourceLimits>, now_s: u64) {
        let mut all = self.by_account.lock();
        match limits {
            Some(limits) => {
                if let Some(account) = all.get(name) {
                    let mut counts = account.counts.lock();
                    account.set_limits(&mut counts, limits);
                    counts.forget(now_s);
                }
            }
            None => {
                all.remove(name);
            }
        }
    }
}

impl Account {
    fn set_limits(&self, counts: &mut Counts, limits: ResourceLimits) {
        counts.limits = limits;
        let counts_statements = limits.queries_per_hour > 0 || limits.updates_per_hour > 0;
        self.counts_statements.store(counts_statements, Ordering::Relaxed);
    }
}

/// One connection of an account, counted until this is dropped.
pub struct Usage {
    accounts: Arc<Accounts>,
    account: Arc<Account>,
    user: String,
}

impl Accounts {
    /// Counts a connection of an account that has proved itself. `max_user_connections` is the server's variable; the
    /// account's own limit goes before it.
    ///
    /// # Errors
    /// 1226 and 1203: the connection must not go on, and is not counted.
    pub fn connect(self: &Arc<Self>, name: &AccountName, max_user_connections: u32) -> SqlResult<Usage> {
        let limits = self.snapshot().account(name).map(|account| account.limits).unwrap_or_default();
        let account = self.usage.by_account.lock().entry(name.clone()).or_default().clone();
        {
            let mut now = account.counts.lock();
            account.set_limits(&mut now, limits);
            now.begin_hour(self.now_s());
            if limits.user_connections > 0 {
                check(&name.user, "max_user_connections", now.open, limits.user_connections)?;
            } else if max_user_connections > 0 && now.open >= max_user_connections {
                return Err(SqlError::new(ER_TOO_MANY_USER_CONNECTIONS, &[&name.user]));
            }
            check(&name.user, "max_connections_per_hour", now.connections, limits.connections_per_hour)?;
            now.connections = now.connections.saturating_add(1);
            now.open += 1;
        }
        Ok(Usage { accounts: self.clone(), account, user: name.user.clone() })
    }

    /// FLUSH USER_RESOURCES: all hours begin now. Open connections stay counted.
    pub fn forget_usage(&self) {
        let now_s = self.now_s();
        self.usage.by_account.lock().values().for_each(|account| account.counts.lock().forget(now_s));
    }
}

impl Usage {
    /// Whether statements have to be told at all.
    pub fn counts_statements(&self) -> bool {
        self.account.counts_statements.load(Ordering::Relaxed)
    }

    /// Counts a statement before it runs.
    ///
    /// # Errors
    /// 1226: it must not run.
    pub fn statement(&self, changes_data: bool) -> SqlResult<()> {
        let mut now = self.account.counts.lock();
        now.begin_hour(self.accounts.now_s());
        let limits = now.limits;
        check(&self.user, "max_questions", now.queries, limits.queries_per_hour)?;
        now.queries = now.queries.saturating_add(1);
        if changes_data {
            check(&self.user, "max_updates", now.updates, limits.updates_per_hour)?;
            now.updates = now.updates.saturating_add(1);
        }
        Ok(())
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.account.counts.lock().open -= 1;
    }
}

fn check(user: &str, resource: &str, used: u32, limit: u32) -> SqlResult<()> {
    if limit > 0 && used >= limit {
        return Err(SqlError::new(ER_USER_LIMIT_REACHED, &[&user, &resource, &limit]));
    }
    Ok(())
}
