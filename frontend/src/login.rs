//! The connection phase: greeting, TLS, authentication, a session.

use crate::connection::{Broken, Connection};
use crate::password_key::PasswordKey;
use crate::registry::ConnectionEntry;
use crate::service::{Account, Authenticator, FastAnswer, Peer, Service, SessionInit};
use aurora_types::error::{ER_ACCESS_DENIED_ERROR, ER_HANDSHAKE_ERROR};
use aurora_types::{CollationId, SqlError};
use aurora_wire::compress::Method;
use aurora_wire::constants::{CACHING_SHA2_PASSWORD, Capabilities, status};
use aurora_wire::handshake::NONCE_BYTES;
use aurora_wire::{
    AuthAction, AuthExchange, AuthFailure, ClientHello, Greeting, HandshakeResponse, Malformed, Nonce,
};
use tokio_rustls::TlsAcceptor;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The client is told.
    #[error(transparent)]
    Refused(#[from] SqlError),
}

impl LoginError {
    pub fn farewell(self) -> Option<SqlError> {
        match self {
            LoginError::Broken(broken) => broken.farewell(),
            LoginError::Refused(error) => Some(error),
        }
    }
}

fn bad_handshake(_: Malformed) -> LoginError {
    LoginError::Refused(SqlError::new(ER_HANDSHAKE_ERROR, &[]))
}

/// What a login needs of the server.
pub struct LoginContext<'a> {
    pub entry: &'a ConnectionEntry,
    pub tls: Option<&'a TlsAcceptor>,
    pub password_key: Option<&'a PasswordKey>,
    pub server_version: &'a str,
    /// Flags of the compressions that are offered.
    pub compression: Capabilities,
    /// As `Options::inline_statements`.
    pub inline: bool,
}

/// A client that may send commands.
pub struct LoggedIn<S> {
    /// Too large to be moved around with the connection's task.
    pub session: Box<S>,
    pub peer: Peer,
    pub nonce: Nonce,
    /// Begins behind the OK.
    pub compression: Option<Method>,
}

/// Random bytes for one connection.
///
/// # Errors
/// When the system's source of randomness fails: no login is possible then.
fn fresh_nonce() -> Result<Nonce, LoginError> {
    let mut bytes = [0; NONCE_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SqlError::new(ER_HANDSHAKE_ERROR, &[]))?;
    Ok(Nonce::from_random(bytes))
}

/// Brings a new connection to its session. The OK is in the buffer, not yet sent.
pub async fn login<S: Service>(
    conn: &mut Connection,
    service: &S,
    context: &LoginContext<'_>,
    mut peer: Peer,
) -> Result<LoggedIn<S::Session>, LoginError> {
    let nonce = fresh_nonce()?;
    let mut offered = Capabilities::OFFERED.with(context.compression.0);
    if context.tls.is_some() {
        offered = offered.with(Capabilities::SSL);
    }
    Greeting {
        server_version: context.server_version,
        connection_id: context.entry.id,
        nonce: &nonce,
        capabilities: offered,
        collation: CollationId::UTF8MB4_0900_AI_CI.0 as u8,
        status: status::AUTOCOMMIT,
        plugin: CACHING_SHA2_PASSWORD,
    }
    .write(&mut conn.out);
    conn.flush().await?;

    let mut hello = read_hello(conn, offered).await?;
    if let ClientHello::SslRequest(_) = hello {
        let acceptor = context.tls.ok_or(Malformed).map_err(bad_handshake)?;
        start_tls(conn, acceptor).await?;
        peer.tls = conn.channel.stream.tls_info();
        hello = read_hello(conn, offered).await?;
    }
    let ClientHello::Response(hello) = hello else {
        return Err(bad_handshake(Malformed));
    };
    conn.common = hello.capabilities.common(offered);
    let collation = known_collation(u16::from(hello.collation)).unwrap_or(CollationId::UTF8MB4_0900_AI_CI);
    let user = decode_name(&hello.user, collation);
    let proof = Proof {
        nonce,
        plugin: hello.plugin.as_deref(),
        response: &hello.auth_response,
        key: context.password_key,
    };
    let mut authenticator = service.authenticator(&user, &peer)?;
    let account = authenticate(conn, authenticator.as_mut(), &user, &peer, proof).await?;
    let compression = Method::agreed(conn.common, hello.zstd_level);
    let init = session_init(context.entry, user, account, &peer, collation, hello, conn.common);
    let open = || service.open(init).map(Box::new);
    let session = if context.inline { open() } else { tokio::task::block_in_place(open) }?;
    Ok(LoggedIn { session, peer, nonce, compression })
}

async fn read_hello(conn: &mut Connection, offered: Capabilities) -> Result<ClientHello, LoginError> {
    let at = conn.read_packet().await?;
    ClientHello::parse(conn.frames.payload(at), offered).map_err(bad_handshake)
}

/// Everything behind the SSLRequest belongs to TLS; a byte of it read as a packet would be an injection.
async fn start_tls(conn: &mut Connection, acceptor: &TlsAcceptor) -> Result<(), LoginError> {
    let early = conn.frames.take_pending();
    let plain = conn.channel.stream.take();
    conn.channel.stream = plain.accept_tls(acceptor, early).await.map_err(Broken::Io)?;
    Ok(())
}

fn session_init(
    entry: &ConnectionEntry,
    user: String,
    account: Account,
    peer: &Peer,
    collation: CollationId,
    hello: HandshakeResponse,
    common: Capabilities,
) -> SessionInit {
    SessionInit {
        connection_id: entry.id,
        user,
        account,
        peer: peer.clone(),
        collation,
        database: hello.database.map(|name| decode_name(&name, collation)),
        found_rows: common.has(Capabilities::FOUND_ROWS),
        multi_statements: common.has(Capabilities::MULTI_STATEMENTS),
        local_infile: common.has(Capabilities::LOCAL_FILES),
        interactive: common.has(Capabilities::INTERACTIVE),
        ignore_space: common.has(Capabilities::IGNORE_SPACE),
        handles_expired_passwords: common.has(Capabilities::CAN_HANDLE_EXPIRED_PASSWORDS),
        attributes: hello.attributes,
        kill: entry.kill.clone(),
    }
}

/// A collation that a client may speak in.
pub fn known_collation(id: u16) -> Option<CollationId> {
    // Clients cannot use sets whose characters are wider than a byte at least: statements would not be ASCII.
    Some(CollationId(id)).filter(|id| id.exists() && id.charset().min_bytes() == 1)
}

/// A name that the client sent, in UTF-8.
pub fn decode_name(bytes: &[u8], collation: CollationId) -> String {
    String::from_utf8_lossy(&collation.charset().decode_lossy(bytes)).into_owned()
}

/// What a client brings to prove who it is.
pub struct Proof<'a> {
    pub nonce: Nonce,
    pub plugin: Option<&'a [u8]>,
    pub response: &'a [u8],
    pub key: Option<&'a PasswordKey>,
}

/// Runs one authentication, of the handshake or of COM_CHANGE_USER.
pub async fn authenticate(
    conn: &mut Connection,
    authenticator: &mut dyn Authenticator,
    user: &str,
    peer: &Peer,
    proof: Proof<'_>,
) -> Result<Account, LoginError> {
    let secure = peer.is_secure();
    let pem = proof.key.map(PasswordKey::public_pem);
    let (mut exchange, mut action) =
        AuthExchange::start(proof.nonce, secure, proof.plugin, proof.response, &mut conn.out);
    loop {
        action = match action {
            AuthAction::Read => {
                conn.flush().await?;
                let at = conn.read_packet().await?;
                exchange.on_packet(conn.frames.payload(at), pem, &mut conn.out)
            }
            AuthAction::CheckEmpty => return Ok(authenticator.without_password()?),
            AuthAction::CheckFast(digest) => match authenticator.fast(proof.nonce.bytes(), &digest) {
                FastAnswer::Accepted(account) => {
                    exchange.on_fast_hit(&mut conn.out);
                    return Ok(account);
                }
                FastAnswer::Unknown => exchange.on_fast_miss(&mut conn.out),
                FastAnswer::Refused(error) => return Err(error.into()),
            },
            AuthAction::CheckFull(password) => return Ok(authenticator.full(password).await?),
            AuthAction::Open(sealed) => match proof.key.and_then(|key| key.open(&sealed)) {
                Some(opened) => exchange.on_opened(opened),
                None => AuthAction::Fail(AuthFailure::Malformed),
            },
            AuthAction::Fail(failure) => return Err(denied(failure, user, peer).into()),
        };
    }
}

fn denied(failure: AuthFailure, user: &str, peer: &Peer) -> SqlError {
    let mut error = SqlError::new(ER_ACCESS_DENIED_ERROR, &[&user, &peer.host, &"YES"]);
    if failure == AuthFailure::NeedsTls {
        error.message = format!("Access denied for user '{user}'@'{}': {failure}", peer.host);
    }
    error
}
