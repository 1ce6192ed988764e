//! OK, EOF and ERR packets.

use crate::constants::{Capabilities, status};
use crate::out::OutBuffer;
use aurora_types::{SessionChange, SqlError, StatementStatus};

/// Longest error message MySQL's clients keep (`MYSQL_ERRMSG_SIZE`).
const MAX_MESSAGE_BYTES: usize = 511;

const TRACK_SYSTEM_VARIABLE: u8 = 0;
const TRACK_SCHEMA: u8 = 1;
const TRACK_STATE: u8 = 2;
const TRACK_GTIDS: u8 = 3;
const TRACK_TRANSACTION_CHARACTERISTICS: u8 = 4;
const TRACK_TRANSACTION_STATE: u8 = 5;

/// Where a terminator has its status field, so that MORE_RESULTS can be added once it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusAt(usize);

/// An OK packet in answer to a command.
pub fn write_ok(out: &mut OutBuffer, common: Capabilities, done: &StatementStatus) -> StatusAt {
    write_ok_as(out, common, done, 0x00)
}

/// The packet behind the last row: an OK with header 0xFE, or an EOF for clients without DEPRECATE_EOF.
pub fn write_result_end(out: &mut OutBuffer, common: Capabilities, done: &StatementStatus) -> StatusAt {
    if common.has(Capabilities::DEPRECATE_EOF) {
        // A result set has neither affected rows nor an insert id.
        let done = StatementStatus { affected_rows: 0, last_insert_id: 0, ..done.clone() };
        return write_ok_as(out, common, &done, 0xFE);
    }
    write_eof(out, done.warnings, done.status_flags)
}

/// An EOF packet.
pub fn write_eof(out: &mut OutBuffer, warnings: u16, flags: u16) -> StatusAt {
    out.begin_packet();
    out.u8(0xFE);
    out.u16(warnings);
    let at = StatusAt(out.len());
    out.u16(flags);
    out.end_packet();
    at
}

fn write_ok_as(out: &mut OutBuffer, common: Capabilities, done: &StatementStatus, header: u8) -> StatusAt {
    let tracked = common.has(Capabilities::SESSION_TRACK) && !done.changes.is_empty();
    let mut flags = done.status_flags & !status::SESSION_STATE_CHANGED;
    if tracked {
        flags |= status::SESSION_STATE_CHANGED;
    }
    out.begin_packet();
    out.u8(header);
    out.lenenc_int(done.affected_rows);
    out.lenenc_int(done.last_insert_id);
    let at = StatusAt(out.len());
    out.u16(flags);
    out.u16(done.warnings);
    if tracked || !done.info.is_empty() {
        out.lenenc_bytes(done.info.as_bytes());
    }
    if tracked {
        out.lenenc_with(|buf| done.changes.iter().for_each(|change| write_change(buf, change)));
    }
    out.end_packet();
    at
}

/// Says in a written terminator that another result follows. Only before the buffer is flushed.
pub fn mark_more_results(out: &mut OutBuffer, at: StatusAt) {
    out.or_u16(at.0, status::MORE_RESULTS);
}

/// An ERR packet.
pub fn write_err(out: &mut OutBuffer, error: &SqlError) {
    out.begin_packet();
    out.u8(0xFF);
    out.u16(error.code);
    out.u8(b'#');
    out.raw(error.sqlstate.as_bytes());
    let mut len = error.message.len().min(MAX_MESSAGE_BYTES);
    while !error.message.is_char_boundary(len) {
        len -= 1;
    }
    out.raw(&error.message.as_bytes()[..len]);
    out.end_packet();
}

fn write_change(buf: &mut Vec<u8>, change: &SessionChange) {
    let mut body = Vec::new();
    let kind = match change {
        SessionChange::SystemVariable { name, value } => {
            push_text(&mut body, name);
            push_text(&mut body, value);
            TRACK_SYSTEM_VARIABLE
        }
        SessionChange::Schema(name) => {
            push_text(&mut body, name);
            TRACK_SCHEMA
        }
        SessionChange::State => {
            // A flag without a length of its own.
            body.push(b'1');
            TRACK_STATE
        }
        SessionChange::Gtids(set) => {
            // The only encoding there is: text.
            body.push(0);
            push_text(&mut body, set);
            TRACK_GTIDS
        }
        SessionChange::TransactionCharacteristics(text) => {
            push_text(&mut body, text);
            TRACK_TRANSACTION_CHARACTERISTICS
        }
        SessionChange::TransactionState(text) => {
            push_text(&mut body, text);
            TRACK_TRANSACTION_STATE
        }
    };
    buf.push(kind);
    push_len(buf, body.len());
    buf.extend_from_slice(&body);
}

fn push_text(buf: &mut Vec<u8>, text: &str) {
    push_len(buf, text.len());
    buf.extend_from_slice(text.as_bytes());
}

fn push_len(buf: &mut Vec<u8>, len: usize) {
    match len {
        0..=0xFA => buf.push(len as u8),
        0xFB..=0xFFFF => {
            buf.push(0xFC);
            buf.extend_from_slice(&(len as u16).to_le_bytes());
        }
        0x1_0000..=0xFF_FFFF => {
            buf.push(0xFD);
            buf.extend_from_slice(&(len as u32).to_le_bytes()[..3]);
        }
        _ => {
            buf.push(0xFE);
            buf.extend_from_slice(&(len as u64).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::error::ER_NO_SUCH_TABLE;

    fn body(write: impl FnOnce(&mut OutBuffer)) -> Vec<u8> {
        let mut out = OutBuffer::new();
        write(&mut out);
        out.bytes()[4..].to_vec()
    }

    #[test]
    fn ok_and_both_terminators_have_mysqls_bytes() {
        let done =
            StatementStatus { affected_rows: 300, last_insert_id: 1, warnings: 2, ..Default::default() };
        let common = Capabilities(Capabilities::DEPRECATE_EOF);
        let ok = body(|out| {
            write_ok(out, common, &done);
        });
        assert_eq!(ok, [0, 0xFC, 0x2C, 1, 1, 0, 0, 2, 0]);
        let end = body(|out| {
            write_result_end(out, common, &done);
        });
        assert_eq!(end, [0xFE, 0, 0, 0, 0, 2, 0]);
        let old = body(|out| {
            write_result_end(out, Capabilities(0), &done);
        });
        assert_eq!(old, [0xFE, 2, 0, 0, 0]);
    }

    #[test]
    fn more_results_is_added_to_every_kind_of_terminator() {
        for common in [Capabilities(0), Capabilities(Capabilities::DEPRECATE_EOF)] {
            let mut out = OutBuffer::new();
            let done = StatementStatus { status_flags: status::AUTOCOMMIT, ..Default::default() };
            let at = write_result_end(&mut out, common, &done);
            mark_more_results(&mut out, at);
            assert_eq!(out.bytes()[7..9], [10, 0]);
        }
    }

    #[test]
    fn changes_of_the_session_are_typed() {
        let done = StatementStatus {
            changes: vec![
                SessionChange::Schema("db".into()),
                SessionChange::SystemVariable { name: "autocommit".into(), value: "ON".into() },
                SessionChange::State,
            ],
            ..Default::default()
        };
        let ok = body(|out| {
            write_ok(out, Capabilities(Capabilities::SESSION_TRACK), &done);
        });
        assert_eq!(ok, b"\0\0\0\0\x40\0\0\0\x18\x01\x03\x02db\0\x0e\x0aautocommit\x02ON\x02\x011");
        let untracked = body(|out| {
            write_ok(out, Capabilities(0), &done);
        });
        assert_eq!(untracked, [0; 7]);
    }

    #[test]
    fn errors_carry_their_state_and_a_bounded_message() {
        let error = SqlError::new(ER_NO_SUCH_TABLE, &[&"d", &"t"]);
        let err = body(|out| write_err(out, &error));
        assert_eq!(err, b"\xFF\x7A\x04#42S02Table 'd.t' doesn't exist");
        let long = SqlError { message: "é".repeat(600), ..error };
        assert!(body(|out| write_err(out, &long)).len() <= 9 + MAX_MESSAGE_BYTES);
    }
}
