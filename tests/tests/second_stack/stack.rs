//! The second stack: sessions on a store in memory, served by opensrv-mysql on a free port of loopback.

use crate::shim::SessionShim;
use aurora_catalog::Catalog;
use aurora_env::{KillFlag, RealEnv, ThreadWaiter};
use aurora_security::{AccountSettings, Accounts, HashParams};
use aurora_session::{ServerFacts, Session, SessionInit, SessionShared};
use aurora_txn::{MemoryStore, TxnManager, TxnOptions};
use aurora_types::CollationId;
use mysql::{Conn, OptsBuilder};
use opensrv_mysql::{AsyncMysqlIntermediary, IntermediaryOptions};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// A running second server. Its threads end with their clients, the listening one with the test's process.
pub struct SecondStack {
    port: u16,
}

impl SecondStack {
    /// Starts it. It says of itself what the server on `port` with `data_dir` says, so that answers compare.
    pub fn start(port: u16, data_dir: &Path) -> SecondStack {
        let shared = database(port, data_dir);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of loopback");
        let port = listener.local_addr().expect("its address").port();
        std::thread::spawn(move || {
            for (id, stream) in (1..).zip(listener.incoming()) {
                let session = session(&shared, id);
                std::thread::spawn(move || serve(session, stream.expect("a client")));
            }
        });
        SecondStack { port }
    }

    pub fn connect(&self) -> Conn {
        let options = OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(self.port)
            .user(Some("root"))
            .prefer_socket(false);
        Conn::new(options).expect("root connects to the second stack")
    }
}

fn database(port: u16, data_dir: &Path) -> Arc<SessionShared> {
    let env = RealEnv::new();
    let manager =
        TxnManager::on_store(Arc::new(MemoryStore::new()), TxnOptions::default(), Arc::new(ThreadWaiter));
    let catalog = Catalog::open(manager.clone()).expect("an empty catalog");
    let settings = AccountSettings { hashing: HashParams::WEAK, ..AccountSettings::default() };
    let accounts = Accounts::open(&manager, settings).expect("no accounts");
    accounts.bootstrap_root(Some(b"not asked for")).expect("root");
    let facts = ServerFacts {
        version: aurora_wire::handshake::SERVER_VERSION.into(),
        hostname: "second".into(),
        port,
        data_dir: format!("{}/", data_dir.display()),
        server_uuid: "00000000-0000-0000-0000-000000000000".into(),
        started_micros: 0,
    };
    Arc::new(SessionShared::new(catalog, accounts, None, Arc::new(ThreadWaiter), &env, facts))
}

/// A session of root: who may connect is not what this stack is for.
fn session(shared: &Arc<SessionShared>, id: u64) -> Session {
    let init = SessionInit {
        connection_id: id,
        user: "root".into(),
        client_host: "localhost".into(),
        account: ("root".into(), "localhost".into()),
        // What the client says when it connects; opensrv keeps that from its shim.
        collation: CollationId::UTF8MB4_GENERAL_CI,
        database: None,
        found_rows: false,
        multi_statements: true,
        local_infile: false,
        interactive: false,
        tls: None,
        password_expired: false,
        kill: Arc::new(KillFlag::new()),
    };
    Session::new(shared.clone(), init).expect("a session of root")
}

/// One client on a thread of its own: its statements may block.
fn serve(session: Session, stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(async {
        // opensrv writes each packet by itself: waiting for the client's acknowledgements takes 40 ms an answer.
        stream.set_nodelay(true).expect("a socket without delay");
        stream.set_nonblocking(true).expect("a socket of the runtime");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket of the runtime");
        let (input, output) = stream.into_split();
        // USE is a statement like any other: the session answers it.
        let options = IntermediaryOptions { process_use_statement_on_query: true, ..Default::default() };
        let shim = SessionShim::new(session);
        if let Err(error) = AsyncMysqlIntermediary::run_with_options(shim, input, output, &options).await {
            eprintln!("the second stack lost a client: {error}");
        }
    });
}
