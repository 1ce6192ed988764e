//! MySQL's client/server protocol as bytes in, bytes out.
//!
//! Nothing here reads or writes a socket, knows a session or keeps a secret. See README.md.

pub mod auth;
pub mod column;
pub mod command;
pub mod compress;
pub mod constants;
pub mod cursor;
pub mod frame;
pub mod handshake;
pub mod out;
pub mod params;
pub mod read;
pub mod reply;
pub mod result;
pub mod rows;

pub use auth::{AuthAction, AuthExchange, AuthFailure};
pub use column::ClientView;
pub use command::Command;
pub use compress::Compression;
pub use constants::Capabilities;
pub use cursor::{Cursor, CursorBudget, CursorSink};
pub use frame::{FrameError, FrameReader, PacketAt};
pub use handshake::{ChangeUser, ClientHello, Greeting, HandshakeResponse, Nonce};
pub use out::OutBuffer;
pub use params::{Attribute, ExecuteParams, ParamError, ParamType};
pub use read::Malformed;
pub use result::{BufferSink, ResultWriter};
pub use rows::{RowEncoder, RowFormat};
