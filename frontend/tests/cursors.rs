//! Cursors of prepared statements, packet by packet; the bytes are those of MySQL 9.7.

mod support;

use aurora_wire::CursorBudget;
use support::raw::Raw;
use support::start;

/// Prepares `many ?`, which takes the number of rows that it gives back.
fn prepare(raw: &mut Raw) -> u32 {
    let (_, ok) = raw.command(b"\x16many ?");
    assert_eq!(ok[0], 0);
    // A parameter and a column.
    raw.packet().unwrap();
    raw.packet().unwrap();
    u32::from_le_bytes(ok[1..5].try_into().unwrap())
}

fn execute(raw: &mut Raw, id: u32, flags: u8, rows: i64) {
    let mut packet = vec![0x17];
    packet.extend(id.to_le_bytes());
    packet.push(flags);
    // One execution; one parameter, no NULL, types and names follow: BIGINT without a name.
    packet.extend([1, 0, 0, 0, 1, 0, 1, 8, 0, 0]);
    packet.extend(rows.to_le_bytes());
    raw.send(0, &packet);
}

/// The definitions of two columns and what comes behind them.
fn opened(raw: &mut Raw) -> Vec<u8> {
    assert_eq!(raw.packet().unwrap().1, [2]);
    for _ in 0..2 {
        assert!(raw.packet().unwrap().1.starts_with(b"\x03def"));
    }
    raw.packet().unwrap().1
}

/// Numbers of the rows, and the last packet.
fn fetch(raw: &mut Raw, id: u32, rows: u32) -> (Vec<u8>, Vec<u8>) {
    let packet = [&[0x1C], &id.to_le_bytes()[..], &rows.to_le_bytes()].concat();
    raw.send(0, &packet);
    let mut numbers = Vec::new();
    loop {
        let (_, packet) = raw.packet().unwrap();
        match packet[0] {
            0 => numbers.push(packet[2]),
            _ => return (numbers, packet),
        }
    }
}

const EXISTS: [u8; 7] = [0xFE, 0, 0, 0x42, 0, 0, 0];
const LAST_SENT: [u8; 7] = [0xFE, 0, 0, 0x82, 0, 0, 0];
const NO_CURSOR: &[u8] = b"\xFF\x8D\x05#HY000The statement (1) has no open cursor.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_sent_when_they_are_asked_for() {
    let server = start(false, |_| ()).await;
    tokio::task::block_in_place(|| {
        let mut raw = Raw::log_in(&server);
        let id = prepare(&mut raw);
        assert_eq!(fetch(&mut raw, id, 1).1, NO_CURSOR);
        execute(&mut raw, id, 1, 5);
        assert_eq!(opened(&mut raw), EXISTS);
        assert_eq!(fetch(&mut raw, id, 0), (vec![], EXISTS.to_vec()));
        assert_eq!(fetch(&mut raw, id, 2), (vec![0, 1], EXISTS.to_vec()));
        // Another command in between changes nothing.
        assert_eq!(raw.command(b"\x0E").1[0], 0);
        assert_eq!(fetch(&mut raw, id, 3), (vec![2, 3, 4], EXISTS.to_vec()));
        assert_eq!(fetch(&mut raw, id, 3), (vec![], LAST_SENT.to_vec()));
        assert_eq!(fetch(&mut raw, id, 3).1, NO_CURSOR);

        execute(&mut raw, id, 1, 3);
        opened(&mut raw);
        assert_eq!(fetch(&mut raw, id, u32::MAX), (vec![0, 1, 2], LAST_SENT.to_vec()));

        execute(&mut raw, id, 1, 3);
        opened(&mut raw);
        assert_eq!(raw.command(&[&[0x1A], &id.to_le_bytes()[..]].concat()).1[0], 0);
        assert_eq!(fetch(&mut raw, id, 1).1, NO_CURSOR, "COM_STMT_RESET closes it");

        execute(&mut raw, id, 1, 3);
        opened(&mut raw);
        execute(&mut raw, id, 0, 1);
        opened(&mut raw);
        assert_eq!(raw.packet().unwrap().1[..4], [0xFE, 0, 0, 2]);
        assert_eq!(fetch(&mut raw, id, 1).1, NO_CURSOR, "so does an execution without one");
        assert_eq!(fetch(&mut raw, 9, 1).1[..3], [0xFF, 0xDB, 0x04]);

        execute(&mut raw, id, 1, 50_000);
        opened(&mut raw);
        let (numbers, end) = fetch(&mut raw, id, 49_999);
        assert_eq!((numbers.len(), end), (49_999, EXISTS.to_vec()));
        assert_eq!(fetch(&mut raw, id, 2), (vec![(49_999 % 256) as u8], LAST_SENT.to_vec()));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_need_too_much_memory_are_an_error() {
    let server = start(false, |options| options.cursors = CursorBudget::new(1 << 20, 1 << 20)).await;
    tokio::task::block_in_place(|| {
        let mut raw = Raw::log_in(&server);
        let id = prepare(&mut raw);
        execute(&mut raw, id, 1, 20_000);
        assert_eq!(raw.error(), Some(3170));
        assert_eq!(fetch(&mut raw, id, 1).1, NO_CURSOR);
        // What an open cursor keeps is not there for others, until it is closed.
        execute(&mut raw, id, 1, 5000);
        assert_eq!(opened(&mut raw), EXISTS);
        let mut other = Raw::log_in(&server);
        let other_id = prepare(&mut other);
        execute(&mut other, other_id, 1, 5000);
        assert_eq!(other.error(), Some(3170));
        raw.send(0, &[&[0x19], &id.to_le_bytes()[..]].concat());
        assert_eq!(raw.command(b"\x0E").1[0], 0);
        execute(&mut other, other_id, 1, 5000);
        assert_eq!(opened(&mut other), EXISTS);
    });
}
