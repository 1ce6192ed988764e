//! What the frontend needs of the rest of the server. The session layer implements these traits.

use aurora_env::KillFlag;
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlError, SqlResult, StatementStatus, Value};
use aurora_wire::Attribute;
use aurora_wire::auth::PROOF_BYTES;
use aurora_wire::handshake::{ConnectAttribute, NONCE_BYTES};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A commit on its way to the disk: the client hears OK when it resolves.
pub type Ticket = BoxFuture<'static, SqlResult<()>>;

/// Where a client comes from.
#[derive(Clone, Debug)]
pub struct Peer {
    /// `None`: through a Unix socket.
    pub address: Option<SocketAddr>,
    /// The host part to match accounts with: `localhost` for loopback addresses and Unix sockets, else the address.
    pub host: String,
    pub tls: Option<TlsInfo>,
}

impl Peer {
    /// Whether nobody can listen to what is sent: TLS, or a socket that does not leave the machine.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.address.is_none()
    }
}

/// What was agreed for an encrypted connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// Such as `TLSv1.3`.
    pub version: String,
    pub cipher: String,
    /// The client's certificates in DER, its own first; empty without one.
    pub certificates: Vec<Vec<u8>>,
}

/// Opens sessions; one for the whole server.
pub trait Service: Send + Sync + 'static {
    type Session: ClientSession + 'static;

    /// Begins a login. Unknown users get an authenticator as well, which refuses in the end: names must not leak.
    ///
    /// # Errors
    /// What can be said before any proof, such as 3159 when the transport must be secure.
    fn authenticator(&self, user: &str, peer: &Peer) -> SqlResult<Box<dyn Authenticator>>;

    /// Opens the session of an account that has proved itself.
    ///
    /// # Errors
    /// 1049 or 1044 for the database, limits of the account.
    fn open(&self, init: SessionInit) -> SqlResult<Self::Session>;
}

/// Decides one login. Every refusal is the error that the client sees (1045 as a rule).
pub trait Authenticator: Send {
    /// The client says that the account has no password.
    fn without_password(&mut self) -> SqlResult<Account>;

    /// Compares `SHA256(pw) ⊕ SHA256(SHA256(SHA256(pw)) ‖ nonce)` with a cached digest.
    fn fast(&mut self, nonce: &[u8; NONCE_BYTES], proof: &[u8; PROOF_BYTES]) -> FastAnswer;

    /// Checks the password itself; may take long and may wait for its turn. Work that blocks belongs on a thread of
    /// its own (`spawn_blocking`): this is polled on a worker.
    fn full(&mut self, password: Zeroizing<Vec<u8>>) -> BoxFuture<'_, SqlResult<Account>>;
}

/// The answer to a proof.
#[derive(Debug)]
pub enum FastAnswer {
    Accepted(Account),
    /// Nothing cached, or no match: the password must be asked for.
    Unknown,
    /// Refused without asking for the password.
    Refused(SqlError),
}

/// Who a client has proved to be: the account, whose host may be a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    pub host: String,
    /// Nothing but a change of password is allowed.
    pub password_expired: bool,
}

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct SessionInit {
    pub connection_id: u32,
    /// As the client gave it.
    pub user: String,
    pub account: Account,
    pub peer: Peer,
    /// Of the client, its results and the connection.
    pub collation: CollationId,
    pub database: Option<String>,
    /// Affected rows count those found, not those changed.
    pub found_rows: bool,
    pub multi_statements: bool,
    pub local_infile: bool,
    /// `interactive_timeout` is the `wait_timeout` of this session.
    pub interactive: bool,
    /// `sql_mode` begins with IGNORE_SPACE.
    pub ignore_space: bool,
    pub handles_expired_passwords: bool,
    pub attributes: Vec<ConnectAttribute>,
    pub kill: Arc<KillFlag>,
}

/// What COM_CHANGE_USER changes; the rest of [`SessionInit`] stays.
#[derive(Clone, Debug)]
pub struct ChangeUserInit {
    pub user: String,
    pub account: Account,
    pub database: Option<String>,
    /// `None`: the connection's collation stays.
    pub collation: Option<CollationId>,
    pub attributes: Vec<ConnectAttribute>,
}

/// A prepared statement as its client sees it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub id: u32,
    pub params: Vec<ColumnMeta>,
    /// Empty for statements without a result set.
    pub columns: Vec<ColumnMeta>,
    pub warnings: u16,
}

/// One client's session. Calls are synchronous and may block (lock waits, reads): they run where blocking is
/// allowed, or inline when all waits go through a waiter that tells the runtime (`Options::inline_statements`). Dropping a session rolls back and frees what it holds.
pub trait ClientSession: Send {
    /// Runs one query string: one statement, or several when the client may send them. Every result ends with
    /// [`RowSink::end`], statements without rows included. The ticket is the last statement's commit; earlier ones
    /// have been waited for.
    ///
    /// # Errors
    /// Of the statement that failed; results before it stay.
    fn execute(&mut self, sql: &[u8], sink: &mut dyn RowSink) -> SqlResult<Option<Ticket>>;

    fn prepare(&mut self, sql: &[u8]) -> SqlResult<Prepared>;

    /// As [`ClientSession::execute`]; `params` are as many as were announced, in UTF-8.
    fn execute_prepared(
        &mut self,
        id: u32,
        params: Vec<Value>,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Option<Ticket>>;

    /// Whether dropping the session takes no time: nothing is to be rolled back or deleted.
    fn ends_at_once(&self) -> bool {
        false
    }

    /// Whether the statement may be executed with a cursor.
    ///
    /// # Errors
    /// 1323 for SELECT … INTO.
    fn check_cursor(&self, _id: u32) -> SqlResult<()> {
        Ok(())
    }

    fn close_prepared(&mut self, id: u32);

    /// Forgets what an execution left open; long data is not the session's business.
    fn reset_prepared(&mut self, _id: u32) -> SqlResult<()> {
        Ok(())
    }

    /// Attributes of the statement that comes next. Not called when there are none.
    fn set_query_attributes(&mut self, _attributes: Vec<Attribute>) {}

    fn use_database(&mut self, name: &[u8]) -> SqlResult<StatementStatus>;

    /// Columns of a table whose names match `wildcard` (empty: all), each with its default value as text.
    fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> SqlResult<Vec<(ColumnMeta, Option<Vec<u8>>)>>;

    /// COM_RESET_CONNECTION: as a new session of the same account. Prepared statements are gone afterwards.
    fn reset(&mut self) -> SqlResult<()>;

    /// COM_CHANGE_USER, after the new user has proved itself. Prepared statements are gone afterwards.
    fn change_user(&mut self, init: ChangeUserInit) -> SqlResult<()>;

    fn set_multi_statements(&mut self, allowed: bool);

    /// The line of COM_STATISTICS.
    fn statistics(&mut self) -> String;

    /// `server_status` bits.
    fn status_flags(&self) -> u16;

    /// `character_set_client` as a collation.
    fn client_collation(&self) -> CollationId;

    /// `character_set_results` as a collation; `None` sends text as stored.
    fn results_collation(&self) -> Option<CollationId>;

    fn max_allowed_packet(&self) -> usize;

    /// How long the client may stay silent.
    fn wait_timeout(&self) -> Duration;

    /// How long a half-sent packet may take.
    fn net_read_timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// How long the client may refuse to take what is sent.
    fn net_write_timeout(&self) -> Duration {
        Duration::from_secs(60)
    }
}
