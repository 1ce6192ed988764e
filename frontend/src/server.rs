//! Listening, admission, and the life of a connection's task.

use crate::commands::CommandPhase;
use crate::connection::{Broken, Connection};
use crate::login::{LoginContext, LoginError, login};
use crate::net::{Doors, Net};
use crate::password_key::PasswordKey;
use crate::registry::{ConnectionEntry, Connections};
use crate::service::{Peer, Service};
use crate::stream::Stream;
use aurora_types::SqlError;
use aurora_types::error::ER_CON_COUNT_ERROR;
use aurora_wire::handshake::SERVER_VERSION;
use aurora_wire::{Capabilities, CursorBudget};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// How a statement's client is looked after while it runs.
const VANISHED_CHECK: Duration = Duration::from_millis(500);
/// How long a shutdown waits for running statements.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// What the cursors of a connection may keep, and those of all.
const CURSOR_BYTES: usize = 256 << 20;
const ALL_CURSORS_BYTES: usize = 1 << 30;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Shared by all listeners; its limit is `max_connections`.
    pub connections: Arc<Connections>,
    /// From the accept to the OK.
    pub login_timeout: Duration,
    pub server_version: String,
    /// Lets clients without TLS send their password once; without it they are refused then.
    pub password_key: Option<Arc<PasswordKey>>,
    /// Flags of the compressions to offer: COMPRESS (zlib), ZSTD_COMPRESSION.
    pub compression: Capabilities,
    /// Short statements run on the worker that read them, at half the cost. Only for sessions whose waits all go
    /// through a waiter that tells the runtime: others would stop the workers, and with them whoever they wait for.
    pub inline_statements: bool,
    /// What rows of open cursors may need.
    pub cursors: CursorBudget,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections: Arc::new(Connections::new(1040)),
            login_timeout: Duration::from_secs(10),
            server_version: SERVER_VERSION.to_string(),
            password_key: None,
            compression: Capabilities(Capabilities::COMPRESS | Capabilities::ZSTD_COMPRESSION),
            inline_statements: false,
            cursors: CursorBudget::new(CURSOR_BYTES, ALL_CURSORS_BYTES),
        }
    }
}

/// A running listener. Dropping it without [`ServerHandle::shutdown`] leaves it running.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    connections: Arc<Connections>,
    stop: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl ServerHandle {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// Stops accepting, lets running statements end for ten seconds, then kills them, and returns when all
    /// connections are closed.
    pub async fn shutdown(self) {
        self.stop.notify_one();
        self.connections.close_all();
        // The task ends by itself; an error would be its panic.
        if self.accepting.await.is_err() {
            tracing::error!("the listener's task panicked");
        }
    }
}

/// Serves clients that come through `doors`, with TLS on request when `tls` is given. Needs a multi-thread runtime:
/// statements block their thread.
///
/// # Errors
/// When the runtime has one thread only, or the listener has no address.
pub fn serve<S: Service>(
    doors: impl Into<Doors>,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: Arc<S>,
    options: Options,
) -> io::Result<ServerHandle> {
    if Handle::try_current().map_err(io::Error::other)?.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the frontend needs a multi-thread runtime"));
    }
    let doors = doors.into();
    let address = doors.tcp.local_addr()?;
    let connections = options.connections.clone();
    let stop = Arc::new(Notify::new());
    let shared = Arc::new(Shared { service, tls: tls.map(TlsAcceptor::from), options });
    let accepting = tokio::spawn(accept_loop(doors, shared, stop.clone()));
    Ok(ServerHandle { address, connections, stop, accepting })
}

struct Shared<S> {
    service: Arc<S>,
    tls: Option<TlsAcceptor>,
    options: Options,
}

async fn accept_loop<S: Service>(doors: Doors, shared: Arc<Shared<S>>, stop: Arc<Notify>) {
    let connections = shared.options.connections.clone();
    let mut tasks = JoinSet::new();
    let mut check = interval(VANISHED_CHECK);
    loop {
        tokio::select! {
            () = stop.notified() => break,
            accepted = doors.accept() => match accepted {
                Ok((net, address)) => {
                    reap(&mut tasks);
                    admit(&mut tasks, &shared, net, address);
                }
                Err(error) => {
                    // Out of descriptors, most likely: give others the time to close some.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(50)).await;
                }
            },
            _ = check.tick() => {
                connections.kill_vanished(VANISHED_CHECK);
                connections.send_to_rest();
                reap(&mut tasks);
            }
        }
    }
    drop(doors);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if timeout(SHUTDOWN_GRACE, drained).await.is_err() {
        connections.kill_all();
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(Duration::from_secs(2), drained).await.is_err() {
            tasks.shutdown().await;
        }
    }
}

/// Forgets tasks that have ended. Not when they end: the next client is soon enough, and nobody has to be woken for it.
fn reap(tasks: &mut JoinSet<()>) {
    while tasks.try_join_next().is_some() {}
}

fn admit<S: Service>(
    tasks: &mut JoinSet<()>,
    shared: &Arc<Shared<S>>,
    net: Net,
    address: Option<SocketAddr>,
) {
    let net = Arc::new(net);
    match shared.options.connections.register(net.clone()) {
        Some(entry) => {
            let shared = shared.clone();
            tasks.spawn(async move {
                // Also when the task panics or is aborted.
                let registered = Registered { connections: shared.options.connections.clone(), entry };
                converse(&shared, net, address, &registered.entry).await;
            });
        }
        None => {
            tasks.spawn(async move {
                let conn = Connection::new(Stream::new(net));
                conn.end(Some(SqlError::new(ER_CON_COUNT_ERROR, &[]))).await;
            });
        }
    }
}

struct Registered {
    connections: Arc<Connections>,
    entry: Arc<ConnectionEntry>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.connections.remove(self.entry.id);
    }
}

/// One connection from its first byte to its last.
async fn converse<S: Service>(
    shared: &Shared<S>,
    net: Arc<Net>,
    address: Option<SocketAddr>,
    entry: &ConnectionEntry,
) {
    let options = &shared.options;
    let peer = Peer { address, host: host_name(address), tls: None };
    let mut conn = Connection::new(Stream::new(net));
    conn.read_timeout = options.login_timeout;
    let password_key = options.password_key.as_deref();
    let context = LoginContext {
        entry,
        tls: shared.tls.as_ref(),
        password_key,
        server_version: &options.server_version,
        compression: options.compression,
        inline: options.inline_statements,
    };
    let logged_in = {
        let login = login(&mut conn, shared.service.as_ref(), &context, peer);
        // TLS and passwords need much room, and only here: a connection that waits for commands does not keep it.
        let login = Box::pin(timeout(options.login_timeout, login));
        tokio::select! {
            biased;
            done = login => done,
            // A kill, or the end of the server.
            () = entry.wake.notified() => Ok(Err(LoginError::Broken(Broken::Closed))),
        }
    };
    let farewell = match logged_in {
        Ok(Ok(client)) => {
            let service = shared.service.as_ref();
            let mut phase = CommandPhase::new(&mut conn, service, entry, client, options);
            let farewell = phase.run().await;
            if options.inline_statements && phase.ends_at_once() {
                drop(phase);
            } else {
                // A session that rolls back may block.
                tokio::task::block_in_place(|| drop(phase));
            }
            farewell
        }
        Ok(Err(error)) => {
            tracing::debug!(connection = entry.id, %error, "login failed");
            error.farewell()
        }
        Err(_) => {
            // What was to be said next is not any more.
            conn.out.clear();
            Broken::Timeout.farewell()
        }
    };
    Box::pin(conn.end(farewell)).await;
}

/// The host part of an account that matches this address. Names are not looked up: an account is
/// `'user'@'localhost'` or has an address.
fn host_name(address: Option<SocketAddr>) -> String {
    match address.map(|address| address.ip().to_canonical()) {
        Some(address) if !address.is_loopback() => address.to_string(),
        _ => "localhost".to_string(),
    }
}
