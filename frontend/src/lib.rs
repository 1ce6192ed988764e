//! The door of the server: sockets, TLS, timeouts, admission. Drives the protocol of `aurora-wire` and hands
//! statements to a [`Service`]. See README.md.

mod channel;
mod commands;
mod connection;
mod cursors;
mod login;
mod net;
mod pace;
mod password_key;
mod registry;
mod server;
pub mod service;
mod sink;
mod statements;
mod stream;

pub use net::Doors;
pub use password_key::{NoKey, PasswordKey};
pub use registry::{ConnectionEntry, Connections};
pub use server::{Options, ServerHandle, serve};
pub use service::{
    Account, Authenticator, BoxFuture, ChangeUserInit, ClientSession, FastAnswer, Peer, Prepared, Service,
    SessionInit, Ticket, TlsInfo,
};
