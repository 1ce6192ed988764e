//! The packets of the connection phase: greeting, response, SSLRequest, authentication switch, COM_CHANGE_USER.

use crate::constants::Capabilities;
use crate::out::OutBuffer;
use crate::read::{Malformed, Reader};

/// What the server calls itself; drivers decide features by the number in front.
pub const SERVER_VERSION: &str = "9.7.0-AuroraDB";
/// Length of the random bytes that a password proof is bound to.
pub const NONCE_BYTES: usize = 20;
/// Bytes of an SSLRequest: the fixed head of a handshake response and nothing behind it.
const SSL_REQUEST_BYTES: usize = 32;
/// More attributes than this are dropped (MySQL: `performance_schema_session_connect_attrs_size`, 64 KiB at most).
const MAX_ATTRIBUTES: usize = 256;

/// Random bytes of one connection. None is 0 or `$`: clients of old copy them as a C string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; NONCE_BYTES]);

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(…)")
    }
}

impl Nonce {
    /// From random bytes: folded into 1..=127 without `$`.
    pub fn from_random(mut bytes: [u8; NONCE_BYTES]) -> Nonce {
        for byte in &mut bytes {
            *byte &= 0x7F;
            if *byte == 0 || *byte == b'$' {
                *byte += 1;
            }
        }
        Nonce(bytes)
    }

    pub fn bytes(&self) -> &[u8; NONCE_BYTES] {
        &self.0
    }
}

/// The first packet of a connection (HandshakeV10).
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a> {
    pub server_version: &'a str,
    pub connection_id: u32,
    pub nonce: &'a Nonce,
    pub capabilities: Capabilities,
    /// Low byte of the default collation's id.
    pub collation: u8,
    pub status: u16,
    pub plugin: &'a str,
}

impl Greeting<'_> {
    pub fn write(&self, out: &mut OutBuffer) {
        let (first, second) = self.nonce.bytes().split_at(8);
        out.begin_packet();
        out.u8(10);
        out.nul_str(self.server_version);
        out.u32(self.connection_id);
        out.raw(first);
        out.u8(0);
        out.u16(self.capabilities.0 as u16);
        out.u8(self.collation);
        out.u16(self.status);
        out.u16((self.capabilities.0 >> 16) as u16);
        out.u8(NONCE_BYTES as u8 + 1);
        out.raw(&[0; 10]);
        out.raw(second);
        out.u8(0);
        out.nul_str(self.plugin);
        out.end_packet();
    }
}

/// One name and value that a client says about itself.
pub type ConnectAttribute = (String, String);

/// What a client answers to the greeting.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeResponse {
    /// As the client sent them; mask with what was offered before use.
    pub capabilities: Capabilities,
    pub max_packet_bytes: u32,
    pub collation: u8,
    pub user: Vec<u8>,
    pub auth_response: Vec<u8>,
    pub database: Option<Vec<u8>>,
    pub plugin: Option<Vec<u8>>,
    pub attributes: Vec<ConnectAttribute>,
    pub zstd_level: u8,
}

impl std::fmt::Debug for HandshakeResponse {
    /// Without the proof of the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandshakeResponse")
            .field("capabilities", &self.capabilities)
            .field("user", &String::from_utf8_lossy(&self.user))
            .finish_non_exhaustive()
    }
}

/// What follows the greeting.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientHello {
    /// TLS starts now; the response comes again inside it.
    SslRequest(Capabilities),
    Response(HandshakeResponse),
}

impl ClientHello {
    /// Reads the client's first packet. `offered` is the greeting's mask: only what both sides have decides the
    /// format of a field.
    ///
    /// # Errors
    /// Packets that end early, and clients older than the 4.1 protocol.
    pub fn parse(packet: &[u8], offered: Capabilities) -> Result<ClientHello, Malformed> {
        let mut reader = Reader::new(packet);
        let capabilities = Capabilities(reader.u32()?);
        let common = capabilities.common(offered);
        if !common.has(Capabilities::PROTOCOL_41) {
            return Err(Malformed);
        }
        let max_packet_bytes = reader.u32()?;
        let collation = reader.u8()?;
        reader.bytes(23)?;
        if packet.len() == SSL_REQUEST_BYTES && capabilities.has(Capabilities::SSL) {
            return Ok(ClientHello::SslRequest(capabilities));
        }
        let user = reader.nul_bytes()?.to_vec();
        let auth_response = if common.has(Capabilities::PLUGIN_AUTH_LENENC_DATA) {
            reader.lenenc_bytes()?
        } else if common.has(Capabilities::SECURE_CONNECTION) {
            let len = reader.u8()?;
            reader.bytes(usize::from(len))?
        } else {
            reader.nul_or_end_bytes()
        }
        .to_vec();
        let database = (common.has(Capabilities::CONNECT_WITH_DB) && !reader.is_empty())
            .then(|| reader.nul_or_end_bytes().to_vec())
            .filter(|name| !name.is_empty());
        let plugin = (common.has(Capabilities::PLUGIN_AUTH) && !reader.is_empty())
            .then(|| reader.nul_or_end_bytes().to_vec());
        let attributes = read_attributes(&mut reader, common)?;
        let zstd_level =
            if common.has(Capabilities::ZSTD_COMPRESSION) && !reader.is_empty() { reader.u8()? } else { 0 };
        Ok(ClientHello::Response(HandshakeResponse {
            capabilities,
            max_packet_bytes,
            collation,
            user,
            auth_response,
            database,
            plugin,
            attributes,
            zstd_level,
        }))
    }
}

/// COM_CHANGE_USER: another login on the same connection.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeUser {
    pub user: Vec<u8>,
    pub auth_response: Vec<u8>,
    pub database: Option<Vec<u8>>,
    /// Absent in packets of old clients: the connection's stays.
    pub collation: Option<u16>,
    pub plugin: Option<Vec<u8>>,
    pub attributes: Vec<ConnectAttribute>,
}

impl std::fmt::Debug for ChangeUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeUser")
            .field("user", &String::from_utf8_lossy(&self.user))
            .finish_non_exhaustive()
    }
}

impl ChangeUser {
    /// Reads the packet behind its command byte; `common` is what both sides have.
    pub(crate) fn parse(body: &[u8], common: Capabilities) -> Result<ChangeUser, Malformed> {
        let mut reader = Reader::new(body);
        let user = reader.nul_bytes()?.to_vec();
        let auth_response = if common.has(Capabilities::SECURE_CONNECTION) {
            let len = reader.u8()?;
            reader.bytes(usize::from(len))?
        } else {
            reader.nul_bytes()?
        }
        .to_vec();
        let database = Some(reader.nul_or_end_bytes().to_vec()).filter(|name| !name.is_empty());
        let collation = if reader.is_empty() { None } else { Some(reader.u16()?) };
        let plugin = (common.has(Capabilities::PLUGIN_AUTH) && !reader.is_empty())
            .then(|| reader.nul_or_end_bytes().to_vec());
        let attributes = read_attributes(&mut reader, common)?;
        Ok(ChangeUser { user, auth_response, database, collation, plugin, attributes })
    }
}

fn read_attributes(
    reader: &mut Reader<'_>,
    common: Capabilities,
) -> Result<Vec<ConnectAttribute>, Malformed> {
    let mut attributes = Vec::new();
    if !common.has(Capabilities::CONNECT_ATTRS) || reader.is_empty() {
        return Ok(attributes);
    }
    let mut block = Reader::new(reader.lenenc_bytes()?);
    while !block.is_empty() {
        let name = String::from_utf8_lossy(block.lenenc_bytes()?).into_owned();
        let value = String::from_utf8_lossy(block.lenenc_bytes()?).into_owned();
        if attributes.len() < MAX_ATTRIBUTES {
            attributes.push((name, value));
        }
    }
    Ok(attributes)
}

/// Asks the client to authenticate again with `plugin`.
pub fn write_auth_switch(out: &mut OutBuffer, plugin: &str, nonce: &Nonce) {
    out.begin_packet();
    out.u8(0xFE);
    out.nul_str(plugin);
    out.raw(nonce.bytes());
    out.u8(0);
    out.end_packet();
}

/// Sends data of the running plugin to its other half.
pub fn write_auth_more_data(out: &mut OutBuffer, data: &[u8]) {
    out.begin_packet();
    out.u8(1);
    out.raw(data);
    out.end_packet();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::CACHING_SHA2_PASSWORD;

    fn response(capabilities: u32, tail: &[u8]) -> Vec<u8> {
        let mut packet = capabilities.to_le_bytes().to_vec();
        packet.extend(0x0100_0000u32.to_le_bytes());
        packet.push(255);
        packet.extend([0; 23]);
        packet.extend(tail);
        packet
    }

    const CLIENT: u32 = Capabilities::PROTOCOL_41
        | Capabilities::SECURE_CONNECTION
        | Capabilities::PLUGIN_AUTH
        | Capabilities::PLUGIN_AUTH_LENENC_DATA
        | Capabilities::CONNECT_WITH_DB
        | Capabilities::CONNECT_ATTRS;

    #[test]
    fn a_full_response_is_read() {
        let tail = b"root\0\x03abcshop\0caching_sha2_password\0\x08\x03_os\x03win";
        let Ok(ClientHello::Response(hello)) =
            ClientHello::parse(&response(CLIENT, tail), Capabilities::OFFERED)
        else {
            panic!("not a response")
        };
        assert_eq!(hello.user, b"root");
        assert_eq!(hello.auth_response, b"abc");
        assert_eq!(hello.database.as_deref(), Some(b"shop".as_slice()));
        assert_eq!(hello.plugin.as_deref(), Some(CACHING_SHA2_PASSWORD.as_bytes()));
        assert_eq!(hello.attributes, [("_os".to_string(), "win".to_string())]);
        assert_eq!(hello.collation, 255);
    }

    #[test]
    fn a_bare_head_with_the_ssl_flag_asks_for_tls() {
        let packet = response(CLIENT | Capabilities::SSL, b"");
        let offered = Capabilities::OFFERED.with(Capabilities::SSL);
        assert!(matches!(ClientHello::parse(&packet, offered), Ok(ClientHello::SslRequest(_))));
    }

    #[test]
    fn old_and_cut_packets_are_malformed() {
        let packet = response(Capabilities::LONG_PASSWORD, b"root\0\0");
        assert_eq!(ClientHello::parse(&packet, Capabilities::OFFERED), Err(Malformed));
        let whole = response(CLIENT, b"root\0\x03abc");
        for len in 0..whole.len() {
            assert_eq!(ClientHello::parse(&whole[..len], Capabilities::OFFERED), Err(Malformed), "{len}");
        }
    }

    #[test]
    fn a_nonce_has_neither_nul_nor_dollar() {
        for byte in 0..=255 {
            let nonce = Nonce::from_random([byte; NONCE_BYTES]);
            assert!(nonce.bytes().iter().all(|b| (1..=127).contains(b) && *b != b'$'));
        }
    }

    #[test]
    fn change_user_keeps_what_an_old_client_leaves_out() {
        let got = ChangeUser::parse(b"bob\0\x00db\0", Capabilities(CLIENT));
        let expected = ChangeUser {
            user: b"bob".to_vec(),
            auth_response: Vec::new(),
            database: Some(b"db".to_vec()),
            collation: None,
            plugin: None,
            attributes: Vec::new(),
        };
        assert_eq!(got, Ok(expected));
        let got =
            ChangeUser::parse(b"bob\0\x01x\0\x2d\0mysql_native_password\0", Capabilities(CLIENT)).unwrap();
        assert_eq!((got.collation, got.database), (Some(45), None));
    }
}
