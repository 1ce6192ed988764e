//! A client below all drivers.

use super::Running;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A client that speaks in raw packets.
pub struct Raw(pub TcpStream);

impl Raw {
    pub fn connect(server: &Running) -> Raw {
        let tcp = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Raw(tcp)
    }

    /// Logged in as the user without a password.
    pub fn log_in(server: &Running) -> Raw {
        let mut raw = Raw::connect(server);
        let greeting = raw.packet().unwrap();
        assert_eq!(greeting.1[0], 10);
        raw.send(1, &login(b"open"));
        let ok = raw.packet().unwrap();
        assert_eq!((ok.0, ok.1[0]), (2, 0), "{ok:?}");
        raw
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        // The server may have hung up already, which is what some tests are about.
        let _ = self.0.write_all(bytes);
    }

    pub fn send(&mut self, sequence: u8, payload: &[u8]) {
        let mut packet = (payload.len() as u32).to_le_bytes()[..3].to_vec();
        packet.push(sequence);
        packet.extend(payload);
        self.bytes(&packet);
    }

    /// Sequence and payload; `None` once the server has hung up.
    pub fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 4];
        self.0.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[3], payload))
    }

    pub fn error(&mut self) -> Option<u16> {
        let (_, payload) = self.packet()?;
        assert_eq!(payload[0], 0xFF, "{payload:?}");
        Some(u16::from_le_bytes([payload[1], payload[2]]))
    }

    pub fn command(&mut self, payload: &[u8]) -> (u8, Vec<u8>) {
        self.send(0, payload);
        self.packet().unwrap()
    }

    pub fn command_error(&mut self, payload: &[u8]) -> u16 {
        self.send(0, payload);
        self.error().unwrap()
    }
}

pub fn login(user: &[u8]) -> Vec<u8> {
    // Protocol 4.1, secure connection, plugins, attributes of queries, no EOF packets.
    let flags = 0x0000_0200u32 | 0x8000 | 0x0008_0000 | 0x0800_0000 | 0x0100_0000;
    let mut packet = flags.to_le_bytes().to_vec();
    packet.extend([0, 0, 0, 1, 255]);
    packet.extend([0; 23]);
    packet.extend(user);
    packet.extend(b"\0\0caching_sha2_password\0");
    packet
}
