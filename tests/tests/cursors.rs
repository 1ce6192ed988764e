//! Cursors of prepared statements, as drivers open them to fetch large results in parts (JDBC: `useCursorFetch`). The
//! drivers of these tests know none, so a client of packets speaks here; the answers are those of MySQL 9.7.

use aurora_tests::AuroraServer;
use mysql::prelude::Queryable;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

struct Client(TcpStream);

impl Client {
    /// As a user without a password: nothing to encrypt.
    fn log_in(port: u16, user: &str) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let mut client = Client(stream);
        client.packet();
        // Protocol 4.1, transactions, secure connection, plugins, no EOF packets.
        let flags = 0x0200u32 | 0x2000 | 0x8000 | 0x0008_0000 | 0x0100_0000;
        let mut hello = [&flags.to_le_bytes()[..], &[0, 0, 0, 1, 255], &[0; 23]].concat();
        hello.extend(format!("{user}\0\0caching_sha2_password\0").bytes());
        client.send(1, &hello);
        assert_eq!(client.packet()[0], 0);
        client
    }

    fn send(&mut self, sequence: u8, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
        let packet = [&length[..3], &[sequence], payload].concat();
        self.0.write_all(&packet).expect("sent");
    }

    fn packet(&mut self) -> Vec<u8> {
        let mut head = [0; 4];
        self.0.read_exact(&mut head).expect("a packet");
        let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        self.0.read_exact(&mut payload).expect("a payload");
        payload
    }

    fn command(&mut self, payload: &[u8]) -> Vec<u8> {
        self.send(0, payload);
        self.packet()
    }

    fn query(&mut self, sql: &str) {
        let answer = self.command(&[b"\x03", sql.as_bytes()].concat());
        assert_eq!(answer[0], 0, "{sql}: {answer:?}");
    }

    /// The statement's id.
    fn prepare(&mut self, sql: &str, columns: usize) -> u32 {
        let answer = self.command(&[b"\x16", sql.as_bytes()].concat());
        assert_eq!(answer[0], 0, "{sql}: {answer:?}");
        for _ in 0..columns {
            self.packet();
        }
        u32::from_le_bytes(answer[1..5].try_into().expect("an id"))
    }

    /// Executes with a read-only cursor; the last packet of the answer.
    fn open(&mut self, id: u32) -> Vec<u8> {
        let answer = self.command(&[&[0x17], &id.to_le_bytes()[..], &[1, 1, 0, 0, 0]].concat());
        if matches!(answer[0], 0 | 0xFF) {
            return answer;
        }
        for _ in 0..answer[0] {
            self.packet();
        }
        self.packet()
    }

    /// First cells of the rows, and the last packet.
    fn fetch(&mut self, id: u32, rows: u32) -> (Vec<u8>, Vec<u8>) {
        self.send(0, &[&[0x1C], &id.to_le_bytes()[..], &rows.to_le_bytes()].concat());
        let mut cells = Vec::new();
        loop {
            let packet = self.packet();
            match packet[0] {
                0 => cells.push(packet[2]),
                _ => return (cells, packet),
            }
        }
    }
}

fn end(flags: u8) -> Vec<u8> {
    vec![0xFE, 0, 0, flags, 0, 0, 0]
}

#[test]
fn a_cursor_keeps_what_its_statement_saw() {
    let server = AuroraServer::start();
    let mut root = server.connect();
    for sql in
        ["CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1), (2), (3)"]
    {
        root.query_drop(sql).expect("done");
    }
    root.query_drop("CREATE USER raw@localhost").expect("made");
    root.query_drop("GRANT ALL ON d.* TO raw@localhost").expect("granted");
    let mut client = Client::log_in(server.port(), "raw");
    let id = client.prepare("SELECT a FROM d.t ORDER BY a", 1);
    assert_eq!(client.open(id), end(0x42));
    assert_eq!(client.fetch(id, 2), (vec![1, 2], end(0x42)));
    root.query_drop("DELETE FROM d.t WHERE a = 3").expect("deleted");
    assert_eq!(client.fetch(id, 2), (vec![3], end(0x82)));
    assert_eq!(client.fetch(id, 2).1[..3], [0xFF, 0x8D, 0x05], "1421: it is closed");

    // In a transaction, beyond its end.
    client.query("BEGIN");
    client.query("INSERT INTO d.t VALUES (9)");
    assert_eq!(client.open(id), end(0x43));
    assert_eq!(client.fetch(id, 1), (vec![1], end(0x43)));
    client.query("ROLLBACK");
    assert_eq!(client.fetch(id, 5), (vec![2, 9], end(0x82)));

    // Statements without rows open none; INTO is refused; an error in the middle leaves no cursor.
    let insert = client.prepare("INSERT INTO d.t VALUES (7)", 0);
    assert_eq!(client.open(insert)[..3], [0, 1, 0]);
    assert_eq!(client.fetch(insert, 1).1[..3], [0xFF, 0x8D, 0x05]);
    let into = client.prepare("SELECT 1 INTO @a", 0);
    assert_eq!(client.open(into)[..3], [0xFF, 0x2B, 0x05]);
    let fails = client.prepare("SELECT EXP(a * 1000) FROM d.t", 1);
    assert_eq!(client.open(fails)[..3], [0xFF, 0x9A, 0x06]);
    assert_eq!(client.fetch(fails, 1).1[..3], [0xFF, 0x8D, 0x05]);
    assert_eq!(client.open(id), end(0x42), "the connection goes on");
    assert_eq!(client.command(b"\x1F")[0], 0);
    assert_eq!(client.fetch(id, 1).1[..3], [0xFF, 0xDB, 0x04], "1243 after COM_RESET_CONNECTION");
}
