//! What all sessions of a server share.

use crate::locks::{NamedLocks, TableLocks};
use crate::variables::GlobalVariables;
use aurora_audit::AuditLog;
use aurora_catalog::{Catalog, SchemaVersion, StorageId, TableDef, TableId};
use aurora_env::{Clock, Entropy, KillFlag, Sealing, Waiter};
use aurora_executor::{TableInfo, TempFiles};
use aurora_security::Accounts;
use aurora_types::SqlResult;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Facts of the running server that variables and SHOW tell.
#[derive(Clone, Debug)]
pub struct ServerFacts {
    /// `9.7.0-AuroraDB`: what drivers parse.
    pub version: String,
    pub hostname: String,
    pub port: u16,
    pub data_dir: String,
    pub server_uuid: String,
    /// Unix microseconds.
    pub started_micros: i64,
}

/// Counters for SHOW STATUS and `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    pub questions: AtomicU64,
    pub connections: AtomicU64,
    pub aborted_connects: AtomicU64,
    pub slow_queries: AtomicU64,
    pub selects: AtomicU64,
    pub inserts: AtomicU64,
    pub updates: AtomicU64,
    pub deletes: AtomicU64,
    pub errors: AtomicU64,
    pub commits: AtomicU64,
    pub rollbacks: AtomicU64,
    pub ddl: AtomicU64,
    pub plan_cache_hits: AtomicU64,
    pub plan_cache_misses: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection as SHOW PROCESSLIST sees it.
pub struct Connection {
    pub id: u64,
    pub user: String,
    pub host: String,
    pub kill: Arc<KillFlag>,
    pub doing: Mutex<Doing>,
}

#[derive(Clone, Debug, Default)]
pub struct Doing {
    pub database: Option<String>,
    pub command: &'static str,
    /// Unix seconds since when.
    pub since: i64,
    pub state: &'static str,
    pub query: Option<Arc<[u8]>>,
}

pub struct SessionShared {
    pub catalog: Catalog,
    pub globals: GlobalVariables,
    pub accounts: Arc<Accounts>,
    /// `None`: switched off, or a test that does not look at it.
    pub audit: Option<Arc<AuditLog>>,
    pub waiter: Arc<dyn Waiter>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub facts: ServerFacts,
    pub counters: Counters,
    pub connections: Mutex<BTreeMap<u64, Arc<Connection>>>,
    /// Wakes an idle connection that KILL is to end; set by whoever owns the sockets.
    pub end_connection: std::sync::OnceLock<Box<dyn Fn(u64) + Send + Sync>>,
    /// Where rows of statements go that do not fit in memory; without it they must.
    pub(crate) temp_files: std::sync::OnceLock<TempFiles>,
    pub named_locks: NamedLocks,
    pub table_locks: TableLocks,
    /// How often tables were analysed: plans from before are made anew.
    pub(crate) analysed: std::sync::atomic::AtomicU64,
    tables: RwLock<HashMap<(TableId, SchemaVersion, StorageId), Arc<TableInfo>>>,
    /// What else plans are made from.
    pub(crate) samples: crate::info_schema::Samples,
    /// Rows by clustered storage, and when they were counted (Unix microseconds).
    pub(crate) row_counts: Mutex<HashMap<StorageId, (u64, i64)>>,
}

/// How many table shapes are kept before the map is emptied.
const TABLES_KEPT: usize = 10_000;

impl SessionShared {
    pub fn new(
        catalog: Catalog,
        accounts: Arc<Accounts>,
        audit: Option<Arc<AuditLog>>,
        waiter: Arc<dyn Waiter>,
        env: &aurora_env::Env,
        facts: ServerFacts,
    ) -> SessionShared {
        let globals = GlobalVariables::default();
        // There is no binary log: clients that ask (mysqldump) are told so.
        for name in ["log_bin", "log_replica_updates", "log_slave_updates"] {
            globals.set_by_name(name, aurora_types::Value::Int(0));
        }
        for name in ["gtid_mode", "enforce_gtid_consistency"] {
            globals.set_by_name(name, aurora_types::Value::Text("OFF".into()));
        }
        SessionShared {
            catalog,
            globals,
            accounts,
            audit,
            waiter,
            clock: env.clock.clone(),
            entropy: env.entropy.clone(),
            facts,
            counters: Counters::default(),
            connections: Mutex::default(),
            end_connection: std::sync::OnceLock::new(),
            temp_files: std::sync::OnceLock::new(),
            named_locks: NamedLocks::default(),
            table_locks: TableLocks::default(),
            analysed: std::sync::atomic::AtomicU64::new(0),
            tables: RwLock::default(),
            row_counts: Mutex::default(),
            samples: crate::info_schema::Samples::default(),
        }
    }

    /// The budget for [`SessionShared::spill_to`] of a server whose blocks may take so much memory.
    pub fn spill_budget_bytes(block_cache_bytes: u64) -> usize {
        TempFiles::budget_beside(block_cache_bytes)
    }

    /// Gives statements a folder for rows that do not fit in memory: what an operator holds beyond `budget_bytes`. What
    /// lies there from before is removed; only the first call counts.
    ///
    /// # Errors
    /// When the folder cannot be read or a leftover not removed.
    pub fn spill_to(
        &self,
        dir: &Path,
        budget_bytes: usize,
        env: &aurora_env::Env,
        sealing: Arc<dyn Sealing>,
    ) -> std::io::Result<()> {
        let files = TempFiles::open(env.fs.clone(), sealing, dir, budget_bytes)?;
        let _is_first = self.temp_files.set(files);
        Ok(())
    }

    /// Unix microseconds now.
    pub fn now_micros(&self) -> i64 {
        let since = self.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// The shape of a table version, made once.
    ///
    /// # Errors
    /// What `make` raises.
    pub fn table_info(
        &self,
        table: &Arc<TableDef>,
        make: impl FnOnce(&Arc<TableDef>) -> SqlResult<TableInfo>,
    ) -> SqlResult<Arc<TableInfo>> {
        let key = (table.id, table.version, table.storage);
        if let Some(info) = self.tables.read().get(&key) {
            return Ok(info.clone());
        }
        let info = Arc::new(make(table)?);
        let mut tables = self.tables.write();
        if tables.len() >= TABLES_KEPT {
            tables.clear();
        }
        tables.insert(key, info.clone());
        Ok(info)
    }
}
