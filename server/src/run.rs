//! The life of the server: bind, open, serve, stop.

use crate::failure::Failure;
use crate::http::{self, Health, Source};
use crate::notify::notify;
use crate::password_key_file::Pair;
use crate::root::{self, FirstRoot};
use crate::service::SqlService;
use crate::settings::{Settings, resolve};
use crate::storage::{self, Opened};
use crate::unix_socket::{self, SocketFile};
use crate::{banner, open_files, tls};
use aurora_env::{KillLevel, RealEnv};
use aurora_frontend::{Connections, Doors, Options, PasswordKey, serve};
use aurora_session::SessionShared;
use aurora_types::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Clients that may wait for their accept.
const BACKLOG: u32 = 1024;
/// How often the server looks after what no event tells it.
const UPKEEP: Duration = Duration::from_millis(250);

/// Runs until a signal ends it.
///
/// # Errors
/// One line, and the exit code.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let file_limit = open_files::raise();
    // Addresses come first: a port that is taken leaves no folder behind.
    let listener = bind("--listen", settings.listen_address()?)?;
    let address = local_address(&listener)?;
    let (unix, socket_file) = bind_unix(&settings)?.unzip();
    let health = Arc::new(Health::default());
    let monitoring = match bind_http(&settings)? {
        Some(listener) => {
            let address = local_address(&listener)?;
            tracing::info!("monitoring at http://{address}/metrics, /health/live, /health/ready");
            Some(tokio::spawn(http::serve(listener, health.clone())))
        }
        None => None,
    };

    let settings = Arc::new(Settings {
        // As it is shown: the whole path.
        socket: socket_file.as_ref().map(|file: &SocketFile| file.path().to_owned()),
        ..settings
    });
    let prepared = tokio::task::spawn_blocking({
        let settings = settings.clone();
        move || prepare(&settings, address)
    });
    let (opened, config, key) = tokio::select! {
        prepared = prepared => prepared.map_err(|_| Failure::runtime("the start did not finish"))??,
        // Nothing is served yet, and a start that is cut short is a crash that the next one recovers from.
        () = signals.stop() => {
            drop(socket_file);
            std::process::exit(0)
        }
    };
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let shared = opened.shared.clone();
    let number = |name: &str, default: u64| settings.number(name).unwrap_or(default);
    let most = max_connections(&shared);
    if let Some(limit) = file_limit {
        shared.globals.set_by_name("open_files_limit", Value::UInt(limit));
        if let Some(warning) = open_files::too_low(limit, most) {
            tracing::warn!("{warning}");
        }
    }
    let connections = Arc::new(Connections::new(most));
    let options = Options {
        connections: connections.clone(),
        login_timeout: Duration::from_secs(number("connect_timeout", 10)),
        password_key: Some(Arc::new(key)),
        // Every wait of a statement goes through the runtime's waiter, or is for a thread of the engine's own.
        inline_statements: true,
        ..Options::default()
    };
    let ended = connections.clone();
    let end = move |id| {
        let _found = u32::try_from(id).is_ok_and(|id| ended.kill(id, KillLevel::Connection));
    };
    // The first and only setting.
    let _ = shared.end_connection.set(Box::new(end));
    let service = Arc::new(SqlService::new(shared.clone()));
    let serving = serve(Doors { tcp: listener, unix }, Some(config), service, options)
        .map_err(|error| Failure::runtime(format!("cannot serve clients: {error}")))?;
    let (stop_upkeep, upkeep_stops) = tokio::sync::watch::channel(());
    let upkeep = tokio::spawn(upkeep(shared.clone(), connections, settings.clone(), upkeep_stops));
    drop(shared);

    health.ready(Source { shared: Arc::downgrade(&opened.shared), engine: Arc::downgrade(&opened.engine) });
    banner::ready(&settings, &opened, address);
    notify("READY=1");

    signals.stop().await;
    notify("STOPPING=1");
    tracing::info!("stopping: running statements have 10 seconds");
    health.stopping();
    // From now on clients find nobody there, and the next server may begin with it.
    drop(socket_file);
    tokio::spawn(async move {
        signals.stop().await;
        tracing::warn!("stopped by a second signal; the next start recovers");
        std::process::exit(1);
    });
    serving.shutdown().await;
    drop(stop_upkeep);
    if upkeep.await.is_err() {
        tracing::error!("the upkeep task panicked");
    }
    if let Some(monitoring) = monitoring {
        monitoring.abort();
    }
    let closed = tokio::task::spawn_blocking(move || opened.close()).await;
    closed
        .map_err(|_| Failure::runtime("closing the data folder did not finish; the next start recovers"))??;
    tracing::info!("stopped");
    Ok(())
}

type Prepared = (Opened, Arc<rustls::ServerConfig>, PasswordKey);

/// What blocks: recovery, keys, certificates.
fn prepare(settings: &Settings, address: SocketAddr) -> Result<Prepared, Failure> {
    let hostname = hostname();
    let tls = settings.data_dir.join("tls");
    // RSA keys take some tenths of a second to find.
    let key = std::thread::spawn({
        let tls = tls.clone();
        move || Pair::find(&tls)
    });
    let opened = storage::open(settings, &RealEnv::new(), &hostname, address)?;
    let config = tls::server_config(&tls, &hostname, settings)?;
    if matches!(opened.first_root, FirstRoot::Existing) && root::path_in(&settings.data_dir).exists() {
        root::forget_when_changed(&opened.shared.accounts, &settings.data_dir);
    }
    let key = key.join().map_err(|_| Failure::runtime("making an RSA key did not finish"))?;
    Ok((opened, config, key?.keep(&tls)?))
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::runtime(format!("the listener has no address: {error}")))
}

fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    let attempt = || -> std::io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    attempt().map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there; stop it, or choose another port",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => return Failure::runtime(format!("cannot listen at {address}: {error}; see {flag}")),
        };
        Failure::runtime(format!("cannot listen at {address}: {what} with {flag}"))
    })
}

fn bind_unix(settings: &Settings) -> Result<Option<(UnixListener, SocketFile)>, Failure> {
    settings.socket.as_deref().map(|path| unix_socket::bind(path, BACKLOG)).transpose()
}

fn bind_http(settings: &Settings) -> Result<Option<TcpListener>, Failure> {
    let Some(text) = &settings.http else { return Ok(None) };
    match bind("--http", resolve("--http", text)?) {
        Ok(listener) => Ok(Some(listener)),
        Err(failure) if settings.http_is_default => {
            tracing::warn!("no monitoring: {failure}");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn max_connections(shared: &SessionShared) -> u32 {
    let value = aurora_session::variables::lookup("max_connections").map(|(id, _)| shared.globals.get(id));
    match value {
        Some(Value::UInt(number)) => u32::try_from(number).unwrap_or(u32::MAX),
        _ => 151,
    }
}

/// Brings SET GLOBAL max_connections to the door, KILL to idle connections, and removes root's first password
/// once it is changed. Ends when the other side of `stop` is dropped.
async fn upkeep(
    shared: Arc<SessionShared>,
    connections: Arc<Connections>,
    settings: Arc<Settings>,
    mut stop: tokio::sync::watch::Receiver<()>,
) {
    let mut accounts_version = shared.accounts.snapshot().version;
    let mut has_first_password = root::path_in(&settings.data_dir).exists();
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = tick.tick() => {}
        }
        connections.set_max(max_connections(&shared));
        let version = shared.accounts.snapshot().version;
        if has_first_password && version != accounts_version {
            accounts_version = version;
            let (accounts, settings) = (shared.accounts.clone(), settings.clone());
            let check = move || root::forget_when_changed(&accounts, &settings.data_dir);
            has_first_password = tokio::task::spawn_blocking(check).await.unwrap_or(true);
        }
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::runtime(format!("cannot listen for signals: {error}")))
        };
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
