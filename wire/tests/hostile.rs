//! No bytes from outside make a decoder panic, and what is written reads back as it was.

use aurora_types::{Charset, CollationId, ColumnFlags, ColumnMeta, SqlType, Value};
use aurora_wire::constants::Capabilities;
use aurora_wire::handshake::NONCE_BYTES;
use aurora_wire::params::decode_execute;
use aurora_wire::{
    AuthExchange, ClientHello, FrameReader, Nonce, OutBuffer, ParamType, RowEncoder, RowFormat, command,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Packets that look like commands as often as not.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![1u8..=33, any::<u8>()];
    (code, vec(prop_oneof![Just(0u8), 0u8..8, 0xF0u8..=0xFF, any::<u8>()], 0..80)).prop_map(
        |(code, mut tail)| {
            tail.insert(0, code);
            tail
        },
    )
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    any::<u32>().prop_map(|bits| Capabilities(bits | Capabilities::PROTOCOL_41))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn commands(packet in packet(), common in capabilities()) {
        let _ = command::decode(&packet, common, Charset::Latin1);
    }

    #[test]
    fn hellos(flags in any::<u32>(), tail in vec(any::<u8>(), 0..120), offered in capabilities()) {
        let mut packet = (flags | Capabilities::PROTOCOL_41).to_le_bytes().to_vec();
        packet.extend([0; 28]);
        packet.extend(&tail);
        let _ = ClientHello::parse(&packet, offered);
        let _ = ClientHello::parse(&tail, offered);
    }

    #[test]
    fn executions(
        body in packet(),
        common in capabilities(),
        flags in any::<u8>(),
        count in 0usize..20,
        codes in vec((any::<u8>(), any::<bool>()), 0..20),
    ) {
        let mut types: Vec<_> = codes.into_iter().map(|(code, unsigned)| ParamType { code, unsigned }).collect();
        let long = |at| (at == 3).then(|| vec![0xFF; 5]);
        let got = decode_execute(&body, common, flags, count, &mut types, &long, Charset::Gbk);
        if let Ok(got) = got {
            prop_assert_eq!(got.values.len(), count);
        }
    }

    #[test]
    fn frames(chunks in vec(vec(any::<u8>(), 0..40), 0..20), limit in 0usize..200, check in any::<bool>()) {
        let mut reader = FrameReader::new(limit);
        reader.set_check_sequence(check);
        for chunk in chunks {
            reader.feed(&chunk);
            while let Ok(Some(at)) = reader.next_packet() {
                prop_assert!(reader.payload(at).len() <= limit);
            }
            reader.shrink();
        }
    }

    #[test]
    fn logins(packets in vec(vec(0u8..4, 0..300), 1..5), secure in any::<bool>(), key in any::<bool>()) {
        let mut out = OutBuffer::new();
        let nonce = Nonce::from_random([3; NONCE_BYTES]);
        let (mut exchange, _) = AuthExchange::start(nonce, secure, None, &[], &mut out);
        for packet in packets {
            exchange.on_packet(&packet, key.then_some("PEM"), &mut out);
            exchange.on_fast_miss(&mut out);
        }
    }

    /// Any value in a column of any type can be sent: types are the engine's promise, not the encoder's safety.
    #[test]
    fn rows_of_mismatched_types(
        base in 0usize..BASES.len(),
        decimals in 0u8..40,
        length in any::<u32>(),
        ints in any::<(i64, u64, f64)>(),
        bytes in vec(any::<u8>(), 0..30),
        binary in any::<bool>(),
    ) {
        let ty = SqlType { decimals, collation: CollationId::LATIN1_SWEDISH_CI, ..SqlType::new(base_type(base), length) };
        let name = String::new;
        let meta = ColumnMeta {
            schema: name(), table: name(), org_table: name(), name: name(), org_name: name(),
            ty, flags: ColumnFlags(0),
        };
        let text = aurora_types::Text::from(bytes.as_slice());
        let decimal = aurora_types::Decimal::from_i64(ints.0);
        let values = [
            Value::Null, Value::Int(ints.0), Value::UInt(ints.1), Value::Double(ints.2), Value::Text(text.clone()),
            Value::Json(text), Value::Decimal(decimal), Value::Time(aurora_types::Time::MAX),
            Value::DateTime(aurora_types::DateTime::ZERO), Value::Date(aurora_types::Date::ZERO),
        ];
        let format = if binary { RowFormat::Binary } else { RowFormat::Text };
        let encoder = RowEncoder::new(&[meta], format, Some(CollationId::LATIN1_SWEDISH_CI));
        for value in &values {
            let mut out = OutBuffer::new();
            encoder.write(&mut out, &[value.as_ref()]);
            let mut reader = FrameReader::new(1 << 24);
            reader.feed(out.bytes());
            prop_assert!(matches!(reader.next_packet(), Ok(Some(_))));
            prop_assert_eq!(reader.pending_bytes(), 0);
        }
    }
}

const BASES: [&str; 18] = [
    "null",
    "tiny",
    "small",
    "medium",
    "int",
    "big",
    "float",
    "double",
    "decimal",
    "bit",
    "year",
    "date",
    "time",
    "datetime",
    "timestamp",
    "char",
    "text",
    "json",
];

fn base_type(at: usize) -> aurora_types::BaseType {
    use aurora_types::BaseType as B;
    [
        B::Null,
        B::TinyInt,
        B::SmallInt,
        B::MediumInt,
        B::Int,
        B::BigInt,
        B::Float,
        B::Double,
        B::Decimal,
        B::Bit,
        B::Year,
        B::Date,
        B::Time,
        B::DateTime,
        B::Timestamp,
        B::Char,
        B::Text,
        B::Json,
    ][at]
        .clone()
}
