//! Opens everything below sessions, in order, and closes it in reverse.

use crate::failure::Failure;
use crate::protection;
use crate::root::{self, FirstRoot};
use crate::settings::Settings;
use crate::waiter::RuntimeWaiter;
use aurora_audit::AuditLog;
use aurora_catalog::Catalog;
use aurora_encryption::AtRest;
use aurora_env::{Env, Waiter};
use aurora_lsm::{DataDir, Engine, EngineOptions};
use aurora_security::{AccountSettings, Accounts};
use aurora_session::{ServerFacts, SessionShared};
use aurora_txn::{TxnManager, TxnOptions};
use aurora_types::{SqlError, Value};
use aurora_wire::handshake::SERVER_VERSION;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the end waits for the last user of storage.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// The open data folder with all that lives in it.
pub struct Opened {
    pub shared: Arc<SessionShared>,
    pub engine: Arc<Engine>,
    /// `None`: switched off.
    pub audit: Option<Arc<AuditLog>>,
    pub at_rest: AtRest,
    pub first_root: FirstRoot,
    pub is_fresh: bool,
}

/// Opens the data folder, and makes it at the first start. May take as long as recovery takes.
///
/// # Errors
/// With the exit code that fits.
pub fn open(settings: &Settings, env: &Env, hostname: &str, address: SocketAddr) -> Result<Opened, Failure> {
    let dir = DataDir::open(&settings.data_dir, env)?;
    let (instance_id, is_fresh) = (dir.instance_id(), dir.is_fresh());
    let (sealing, at_rest) = protection::open_keys(settings, &dir, env)?;

    let waiter: Arc<dyn Waiter> = Arc::new(RuntimeWaiter);
    let mut options = EngineOptions { waiter: waiter.clone(), ..EngineOptions::default() };
    if let Some(bytes) = settings.number("innodb_buffer_pool_size") {
        options.block_cache_bytes = bytes;
    }
    let spill_bytes = SessionShared::spill_budget_bytes(options.block_cache_bytes);
    let engine = Engine::open(dir, options, env.clone(), sealing.clone())?;
    let manager = TxnManager::open(engine.clone(), TxnOptions::default(), waiter.clone());
    let catalog = Catalog::open(manager.clone())?;
    let account_settings = AccountSettings { clock: env.clock.clone(), ..AccountSettings::default() };
    let accounts = Accounts::open(&manager, account_settings).map_err(accounts_failure)?;
    let audit = protection::open_audit(settings, env, &sealing, &settings.data_dir.join("audit"))?;
    let first_root = root::bootstrap(&accounts, settings, env.entropy.as_ref())?;

    let since = env.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let facts = ServerFacts {
        version: SERVER_VERSION.to_owned(),
        hostname: hostname.to_owned(),
        port: address.port(),
        data_dir: absolute(settings),
        server_uuid: uuid(instance_id),
        started_micros: i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
    };
    let shared = SessionShared::new(catalog, accounts, audit.clone(), waiter, env, facts);
    shared
        .spill_to(&settings.data_dir.join("tmp"), spill_bytes, env, sealing)
        .map_err(|error| Failure::runtime(format!("cannot use the folder for temporary files: {error}")))?;
    if let Some(path) = &settings.socket {
        shared.globals.set_by_name("socket", Value::Text(path.to_string_lossy().as_ref().into()));
    }
    if settings.needs_secure_transport(address) {
        tracing::info!("require_secure_transport=ON, for other machines can connect; --set turns it off");
        shared.globals.set_by_name("require_secure_transport", Value::Int(1));
    }
    for (id, value) in &settings.variables {
        shared.globals.set(*id, value.clone());
    }
    shared.globals.set_by_name("encryption", Value::Int(i64::from(at_rest == AtRest::Sealed)));
    Ok(Opened { shared: Arc::new(shared), engine, audit, at_rest, first_root, is_fresh })
}

/// Stored accounts that cannot be read are damage: nothing else makes their loading fail with this number.
fn accounts_failure(error: SqlError) -> Failure {
    if error.code == aurora_types::error::ER_INTERNAL_ERROR.code {
        Failure::damaged(error.message)
    } else {
        Failure::runtime(error.message)
    }
}

/// With a slash at its end, as MySQL shows it.
fn absolute(settings: &Settings) -> String {
    let path = std::fs::canonicalize(&settings.data_dir).unwrap_or_else(|_| settings.data_dir.clone());
    format!("{}/", path.display())
}

fn uuid(id: [u8; 16]) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

impl Opened {
    /// Writes what is only in memory and ends the threads. Sessions are gone by now.
    ///
    /// # Errors
    /// What could not be written; nothing acknowledged is lost even then.
    pub fn close(self) -> Result<(), Failure> {
        let Opened { shared, engine, audit, .. } = self;
        let counters = shared.catalog.manager().close();
        let audited = audit.as_ref().map_or(Ok(()), |audit| audit.close());
        let synced = engine.sync();
        drop((shared, audit));
        // A password that is being checked for a client already gone holds storage until its hash is done.
        let begun = Instant::now();
        while Arc::strong_count(&engine) > 1 && begun.elapsed() < RELEASE_TIMEOUT {
            std::thread::sleep(Duration::from_millis(5));
        }
        match Arc::try_unwrap(engine) {
            // Dropped here: its threads end.
            Ok(engine) => drop(engine),
            Err(_) => {
                tracing::warn!("a session still holds storage; it was synced, and recovers at the next start")
            }
        }
        counters?;
        audited?;
        synced?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_shown_as_a_uuid() {
        assert_eq!(uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab");
    }
}
