//! A service without a database behind it: statements are the names of what the frontend is to be shown.

#[allow(dead_code, reason = "each test file uses some of it")]
pub mod raw;

use aurora_env::{KillFlag, Signal};
use aurora_frontend::{
    Account, Authenticator, BoxFuture, ChangeUserInit, ClientSession, Doors, FastAnswer, Options,
    PasswordKey, Peer, Prepared, ServerHandle, Service, SessionInit, Ticket, serve,
};
use aurora_types::error::*;
use aurora_types::{
    BaseType, CollationId, ColumnFlags, ColumnMeta, RowSink, SqlError, SqlResult, SqlType, StatementStatus,
    Value, ValueRef,
};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

pub const PASSWORD: &str = "secret";

#[derive(Default)]
pub struct Fake {
    /// Users whose password has been checked once.
    cached: Arc<Mutex<HashSet<String>>>,
    pub full_checks: Arc<AtomicUsize>,
    pub open_sessions: Arc<AtomicUsize>,
}

struct FakeLogin {
    account: Account,
    cached: Arc<Mutex<HashSet<String>>>,
    full_checks: Arc<AtomicUsize>,
}

impl FakeLogin {
    fn denied(&self, using: &str) -> SqlError {
        SqlError::new(ER_ACCESS_DENIED_ERROR, &[&self.account.user, &self.account.host, &using])
    }
}

impl Authenticator for FakeLogin {
    fn without_password(&mut self) -> SqlResult<Account> {
        if self.account.user == "open" { Ok(self.account.clone()) } else { Err(self.denied("NO")) }
    }

    fn fast(&mut self, nonce: &[u8; 20], proof: &[u8; 32]) -> FastAnswer {
        let once = Sha256::digest(PASSWORD);
        let twice = Sha256::digest(once);
        let mask = Sha256::new().chain_update(twice).chain_update(nonce).finalize();
        let expected: Vec<u8> = once.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        let cached = self.cached.lock().unwrap().contains(&self.account.user);
        if cached && expected == proof {
            FastAnswer::Accepted(self.account.clone())
        } else {
            FastAnswer::Unknown
        }
    }

    fn full(&mut self, password: Zeroizing<Vec<u8>>) -> BoxFuture<'_, SqlResult<Account>> {
        Box::pin(async move {
            self.full_checks.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if password.as_slice() != PASSWORD.as_bytes() || self.account.user == "nobody" {
                return Err(self.denied("YES"));
            }
            self.cached.lock().unwrap().insert(self.account.user.clone());
            Ok(self.account.clone())
        })
    }
}

impl Service for Fake {
    type Session = FakeSession;

    fn authenticator(&self, user: &str, peer: &Peer) -> SqlResult<Box<dyn Authenticator>> {
        Ok(Box::new(FakeLogin {
            account: Account { user: user.into(), host: peer.host.clone(), password_expired: false },
            cached: self.cached.clone(),
            full_checks: self.full_checks.clone(),
        }))
    }

    fn open(&self, init: SessionInit) -> SqlResult<FakeSession> {
        if init.database.as_deref() == Some("missing") {
            return Err(SqlError::new(ER_BAD_DB_ERROR, &[&"missing"]));
        }
        self.open_sessions.fetch_add(1, Ordering::SeqCst);
        Ok(FakeSession {
            user: init.user,
            secure: init.peer.is_secure(),
            kill: init.kill,
            statements: Vec::new(),
            open_sessions: self.open_sessions.clone(),
        })
    }
}

pub struct FakeSession {
    user: String,
    secure: bool,
    kill: Arc<KillFlag>,
    statements: Vec<String>,
    open_sessions: Arc<AtomicUsize>,
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.open_sessions.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn column(name: &str, base: BaseType) -> ColumnMeta {
    let none = String::new;
    let text = matches!(base, BaseType::VarChar);
    let collation = if text { CollationId::UTF8MB4_0900_AI_CI } else { CollationId::BINARY };
    ColumnMeta {
        schema: none(),
        table: none(),
        org_table: none(),
        name: name.into(),
        org_name: none(),
        ty: SqlType { collation, ..SqlType::new(base, 20) },
        flags: ColumnFlags(0),
    }
}

impl FakeSession {
    fn done(&self) -> StatementStatus {
        StatementStatus { status_flags: self.status_flags(), ..Default::default() }
    }

    fn one_text(&self, sink: &mut dyn RowSink, text: &str) -> SqlResult<()> {
        sink.begin(&[column("text", BaseType::VarChar)])?;
        sink.row(&[ValueRef::Text(text.as_bytes())])?;
        sink.end(&self.done())
    }
}

impl ClientSession for FakeSession {
    fn execute(&mut self, sql: &[u8], sink: &mut dyn RowSink) -> SqlResult<Option<Ticket>> {
        let sql = String::from_utf8_lossy(sql).into_owned();
        let (word, rest) = sql.split_once(' ').unwrap_or((&sql, ""));
        match word {
            "rows" => {
                sink.begin(&[column("n", BaseType::BigInt), column("text", BaseType::VarChar)])?;
                let text = "x".repeat(100);
                for n in 0..rest.parse().unwrap_or(0) {
                    sink.row(&[ValueRef::Int(n), ValueRef::Text(text.as_bytes())])?;
                }
                sink.end(&self.done())?;
            }
            "who" => {
                let text = format!("{} {}", self.user, if self.secure { "tls" } else { "plain" });
                self.one_text(sink, &text)?;
            }
            "two" => {
                self.one_text(sink, "first")?;
                self.one_text(sink, "second")?;
            }
            "echo" => self.one_text(sink, rest)?,
            "wait" => {
                let signal = Arc::new(Signal::new());
                self.kill.watch(&signal);
                signal.park(Some(Duration::from_secs(20)));
                self.kill.unwatch();
                return Err(SqlError::new(ER_QUERY_INTERRUPTED, &[]));
            }
            "commit" => {
                sink.end(&StatementStatus { affected_rows: 3, ..self.done() })?;
                let fails = rest == "fails";
                return Ok(Some(Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    if fails { Err(SqlError::new(ER_LOCK_DEADLOCK, &[])) } else { Ok(()) }
                })));
            }
            "file" => {
                let mut bytes = 0;
                sink.local_infile(rest.as_bytes(), &mut |piece| {
                    bytes += piece.len() as u64;
                    Ok(())
                })?;
                sink.end(&StatementStatus { affected_rows: bytes, ..self.done() })?;
            }
            "panic" => panic!("asked to"),
            _ => return Err(SqlError::new(ER_PARSE_ERROR, &[&"You have an error", &sql, &1])),
        }
        Ok(None)
    }

    fn prepare(&mut self, sql: &[u8]) -> SqlResult<Prepared> {
        let sql = String::from_utf8_lossy(sql).into_owned();
        let params = sql.matches('?').map(|_| column("?", BaseType::VarChar)).collect::<Vec<_>>();
        let columns = params.iter().map(|_| column("text", BaseType::VarChar)).collect();
        self.statements.push(sql);
        Ok(Prepared { id: self.statements.len() as u32, params, columns, warnings: 0 })
    }

    /// Gives the parameters back; `many ?` so many rows of a hundred bytes.
    fn execute_prepared(
        &mut self,
        id: u32,
        params: Vec<Value>,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Option<Ticket>> {
        if self.statements.get(id as usize - 1).is_some_and(|sql| sql.starts_with("many")) {
            let rows = match params.first() {
                Some(Value::Int(rows)) => *rows,
                _ => 0,
            };
            sink.begin(&[column("n", BaseType::BigInt), column("text", BaseType::VarChar)])?;
            for n in 0..rows {
                sink.row(&[ValueRef::Int(n), ValueRef::Text(&[b'x'; 100])])?;
            }
            sink.end(&self.done())?;
            return Ok(None);
        }
        let columns: Vec<_> = params
            .iter()
            .map(|value| match value {
                Value::Int(_) | Value::UInt(_) => column("n", BaseType::BigInt),
                Value::Double(_) => column("d", BaseType::Double),
                _ => column("text", BaseType::VarChar),
            })
            .collect();
        sink.begin(&columns)?;
        let row: Vec<_> = params.iter().map(Value::as_ref).collect();
        sink.row(&row)?;
        sink.end(&self.done())?;
        Ok(None)
    }

    fn close_prepared(&mut self, _id: u32) {}

    fn use_database(&mut self, name: &[u8]) -> SqlResult<StatementStatus> {
        if name == b"missing" { Err(SqlError::new(ER_BAD_DB_ERROR, &[&"missing"])) } else { Ok(self.done()) }
    }

    fn field_list(&mut self, _table: &[u8], _wild: &[u8]) -> SqlResult<Vec<(ColumnMeta, Option<Vec<u8>>)>> {
        Ok(vec![(column("n", BaseType::BigInt), None), (column("t", BaseType::VarChar), Some(b"d".to_vec()))])
    }

    fn reset(&mut self) -> SqlResult<()> {
        self.statements.clear();
        Ok(())
    }

    fn change_user(&mut self, init: ChangeUserInit) -> SqlResult<()> {
        self.user = init.user;
        Ok(())
    }

    fn set_multi_statements(&mut self, _allowed: bool) {}

    fn statistics(&mut self) -> String {
        "Uptime: 1".into()
    }

    fn status_flags(&self) -> u16 {
        2
    }

    fn client_collation(&self) -> CollationId {
        CollationId::UTF8MB4_0900_AI_CI
    }

    fn results_collation(&self) -> Option<CollationId> {
        Some(CollationId::UTF8MB4_0900_AI_CI)
    }

    fn max_allowed_packet(&self) -> usize {
        20 * 1024 * 1024
    }

    fn wait_timeout(&self) -> Duration {
        if self.user == "impatient" { Duration::from_millis(50) } else { Duration::from_secs(60) }
    }
}

/// A certificate of its own authority.
pub fn tls_config() -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

#[allow(dead_code, reason = "each test file uses some of it")]
pub struct Running {
    pub handle: ServerHandle,
    pub full_checks: Arc<AtomicUsize>,
    pub open_sessions: Arc<AtomicUsize>,
}

impl Running {
    pub fn port(&self) -> u16 {
        self.handle.address().port()
    }
}

/// A server with TLS, and a password key if asked for.
pub async fn start(password_key: bool, edit: impl FnOnce(&mut Options)) -> Running {
    start_behind(None, password_key, edit).await
}

/// As [`start`], with a Unix socket as well.
pub async fn start_behind(
    unix: Option<tokio::net::UnixListener>,
    password_key: bool,
    edit: impl FnOnce(&mut Options),
) -> Running {
    let fake = Arc::new(Fake::default());
    let (full_checks, open_sessions) = (fake.full_checks.clone(), fake.open_sessions.clone());
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::default();
    if password_key {
        options.password_key = Some(Arc::new(PasswordKey::generate().unwrap().0));
    }
    edit(&mut options);
    let handle = serve(Doors { tcp, unix }, Some(tls_config()), fake, options).unwrap();
    Running { handle, full_checks, open_sessions }
}
