//! Commands: the packets that begin an exchange once a client is logged in.

use crate::constants::{Capabilities, com};
use crate::handshake::ChangeUser;
use crate::params::{Attribute, read_query_attributes};
use crate::read::{Malformed, Reader};
use aurora_types::Charset;

/// One command, its strings borrowed from the packet and in the client's character set.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    Quit,
    InitDb(&'a [u8]),
    Query {
        sql: &'a [u8],
        attributes: Vec<Attribute>,
    },
    FieldList {
        table: &'a [u8],
        wildcard: &'a [u8],
    },
    Statistics,
    Debug,
    Ping,
    ChangeUser(ChangeUser),
    StmtPrepare(&'a [u8]),
    StmtExecute {
        id: u32,
        flags: u8,
        /// Parameters: see [`crate::params::decode_execute`].
        body: &'a [u8],
    },
    /// No answer is sent.
    StmtSendLongData {
        id: u32,
        param: u16,
        data: &'a [u8],
    },
    /// No answer is sent.
    StmtClose(u32),
    StmtReset(u32),
    StmtFetch {
        id: u32,
        rows: u32,
    },
    /// `true`: several statements in one query are allowed from now on.
    SetMultiStatements(bool),
    ResetConnection,
    ProcessInfo,
    ProcessKill(u32),
    /// A command of MySQL that this server does not have, by its name.
    Unsupported(&'static str),
    /// MySQL: 1047.
    Unknown(u8),
}

/// Reads a command packet. `common` is what both sides have; `client` is the character set of attributes' values.
///
/// # Errors
/// Packets shorter than their command needs.
pub fn decode(packet: &[u8], common: Capabilities, client: Charset) -> Result<Command<'_>, Malformed> {
    let mut reader = Reader::new(packet);
    // MySQL takes an empty packet for a command that it does not know.
    let Ok(code) = reader.u8() else { return Ok(Command::Unknown(0)) };
    Ok(match code {
        com::QUIT => Command::Quit,
        com::INIT_DB => Command::InitDb(reader.take_rest()),
        com::QUERY => {
            let attributes = if common.has(Capabilities::QUERY_ATTRIBUTES) {
                read_query_attributes(&mut reader, client)?
            } else {
                Vec::new()
            };
            Command::Query { sql: reader.take_rest(), attributes }
        }
        com::FIELD_LIST => {
            let table = reader.nul_or_end_bytes();
            Command::FieldList { table, wildcard: reader.take_rest() }
        }
        com::STATISTICS => Command::Statistics,
        com::DEBUG => Command::Debug,
        com::PING => Command::Ping,
        com::CHANGE_USER => Command::ChangeUser(ChangeUser::parse(reader.rest(), common)?),
        com::STMT_PREPARE => Command::StmtPrepare(reader.take_rest()),
        com::STMT_EXECUTE => {
            let id = reader.u32()?;
            let flags = reader.u8()?;
            // Iteration count: always 1, checked by nobody.
            reader.u32()?;
            Command::StmtExecute { id, flags, body: reader.take_rest() }
        }
        com::STMT_SEND_LONG_DATA => {
            let id = reader.u32()?;
            let param = reader.u16()?;
            Command::StmtSendLongData { id, param, data: reader.take_rest() }
        }
        com::STMT_CLOSE => Command::StmtClose(reader.u32()?),
        com::STMT_RESET => Command::StmtReset(reader.u32()?),
        com::STMT_FETCH => Command::StmtFetch { id: reader.u32()?, rows: reader.u32()? },
        com::SET_OPTION => match reader.u16()? {
            0 => Command::SetMultiStatements(true),
            1 => Command::SetMultiStatements(false),
            _ => Command::Unknown(code),
        },
        com::RESET_CONNECTION => Command::ResetConnection,
        com::PROCESS_INFO => Command::ProcessInfo,
        com::PROCESS_KILL => Command::ProcessKill(reader.u32()?),
        com::BINLOG_DUMP | com::BINLOG_DUMP_GTID => Command::Unsupported("COM_BINLOG_DUMP"),
        com::REGISTER_SLAVE => Command::Unsupported("COM_REGISTER_SLAVE"),
        com::CLONE => Command::Unsupported("COM_CLONE"),
        com::SUBSCRIBE_GROUP_REPLICATION => Command::Unsupported("COM_SUBSCRIBE_GROUP_REPLICATION_STREAM"),
        _ => Command::Unknown(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::Value;

    fn plain(packet: &[u8]) -> Result<Command<'_>, Malformed> {
        decode(packet, Capabilities(Capabilities::PROTOCOL_41), Charset::Utf8mb4)
    }

    #[test]
    fn a_query_is_bytes_not_text() {
        let Ok(Command::Query { sql, .. }) = plain(b"\x03SELECT '\xFF\x00'") else { panic!() };
        assert_eq!(sql, b"SELECT '\xFF\x00'");
    }

    #[test]
    fn attributes_come_before_the_query() {
        let common = Capabilities(Capabilities::QUERY_ATTRIBUTES);
        let Ok(Command::Query { sql, attributes }) =
            decode(b"\x03\x00\x01SELECT 1", common, Charset::Utf8mb4)
        else {
            panic!()
        };
        assert_eq!((sql, attributes.len()), (b"SELECT 1".as_slice(), 0));
        let packet = b"\x03\x01\x01\x00\x01\xFE\x00\x01n\x02v1SELECT 1";
        let Ok(Command::Query { sql, attributes }) = decode(packet, common, Charset::Utf8mb4) else {
            panic!()
        };
        assert_eq!(sql, b"SELECT 1");
        assert_eq!(attributes[0].name, "n");
        assert!(matches!(&attributes[0].value, Value::Text(t) if t.as_bytes() == b"v1"));
    }

    #[test]
    fn an_attribute_count_reserves_no_memory() {
        let common = Capabilities(Capabilities::QUERY_ATTRIBUTES);
        let packet = b"\x03\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x01";
        assert_eq!(decode(packet, common, Charset::Utf8mb4).unwrap_err(), Malformed);
    }

    #[test]
    fn garbage_and_short_packets_are_told_apart() {
        assert!(matches!(plain(&[0xC8]), Ok(Command::Unknown(0xC8))));
        assert!(matches!(plain(&[0]), Ok(Command::Unknown(0))));
        assert!(matches!(plain(b""), Ok(Command::Unknown(0))));
        for packet in [&b"\x17\x01\0"[..], b"\x18\x01\0\0\0", b"\x19\x01", b"\x1B\x00", b"\x11root"] {
            assert_eq!(plain(packet).unwrap_err(), Malformed, "{packet:?}");
        }
    }
}
