//! What a table says of itself: footer, properties, range tombstones.

use super::frame::Handle;
use crate::codec::{Reader, put_prefixed, put_varint};
use crate::types::Seq;

/// Hides every entry of a key in `start..end` that is older than `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RangeTombstone {
    pub(crate) start: Vec<u8>,
    /// Exclusive.
    pub(crate) end: Vec<u8>,
    pub(crate) seq: Seq,
}

/// What a finished table is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableMeta {
    pub(crate) file_bytes: u64,
    /// Puts and deletes.
    pub(crate) entries: u64,
    /// Deletes.
    pub(crate) tombstones: u64,
    pub(crate) range_tombstones: u64,
    /// No key and no start of a range tombstone is below.
    pub(crate) smallest: Vec<u8>,
    /// No key and no end of a range tombstone is above. Inclusive, so one point too far where a range ends here.
    pub(crate) largest: Vec<u8>,
    /// Over entries and range tombstones.
    pub(crate) min_seq: Seq,
    pub(crate) max_seq: Seq,
    /// Written quickly, because it was to be merged soon: it would take less space if it were written to stay.
    pub(crate) light: bool,
}

const ENTRIES: u64 = 1;
const TOMBSTONES: u64 = 2;
const RANGE_TOMBSTONES: u64 = 3;
const SMALLEST: u64 = 4;
const LARGEST: u64 = 5;
const MIN_SEQ: u64 = 6;
const MAX_SEQ: u64 = 7;
const CREATOR: u64 = 8;
const DICTIONARY: u64 = 9;
const LIGHT: u64 = 10;

/// A list of varint tag ‖ varint length ‖ bytes. Readers skip tags that they do not know.
pub(super) fn encode_properties(meta: &TableMeta, dictionary: Handle) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = |tag: u64, bytes: &[u8]| {
        put_varint(&mut out, tag);
        put_prefixed(&mut out, bytes);
    };
    put(ENTRIES, &meta.entries.to_le_bytes());
    put(TOMBSTONES, &meta.tombstones.to_le_bytes());
    put(RANGE_TOMBSTONES, &meta.range_tombstones.to_le_bytes());
    put(SMALLEST, &meta.smallest);
    put(LARGEST, &meta.largest);
    put(MIN_SEQ, &meta.min_seq.0.to_le_bytes());
    put(MAX_SEQ, &meta.max_seq.0.to_le_bytes());
    put(CREATOR, env!("CARGO_PKG_VERSION").as_bytes());
    if dictionary.exists() {
        let mut handle = Vec::new();
        dictionary.encode(&mut handle);
        put(DICTIONARY, &handle);
    }
    if meta.light {
        put(LIGHT, &[]);
    }
    out
}

/// What a table is, and where its dictionary lies.
pub(super) fn decode_properties(bytes: &[u8], file_bytes: u64) -> Option<(TableMeta, Handle)> {
    let mut meta = TableMeta { file_bytes, ..TableMeta::default() };
    let mut dictionary = Handle::default();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let tag = reader.varint()?;
        let value = reader.prefixed()?;
        let number = || Some(u64::from_le_bytes(value.try_into().ok()?));
        match tag {
            ENTRIES => meta.entries = number()?,
            TOMBSTONES => meta.tombstones = number()?,
            RANGE_TOMBSTONES => meta.range_tombstones = number()?,
            SMALLEST => meta.smallest = value.to_vec(),
            LARGEST => meta.largest = value.to_vec(),
            MIN_SEQ => meta.min_seq = Seq(number()?),
            MAX_SEQ => meta.max_seq = Seq(number()?),
            DICTIONARY => dictionary = Handle::decode(value)?,
            LIGHT => meta.light = true,
            _ => {}
        }
    }
    Some((meta, dictionary))
}

/// Count, then start, end and seq of each.
pub(super) fn encode_range_tombstones(tombstones: &[RangeTombstone]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, tombstones.len() as u64);
    for tombstone in tombstones {
        put_prefixed(&mut out, &tombstone.start);
        put_prefixed(&mut out, &tombstone.end);
        put_varint(&mut out, tombstone.seq.0);
    }
    out
}

pub(super) fn decode_range_tombstones(bytes: &[u8]) -> Option<Vec<RangeTombstone>> {
    let mut reader = Reader::new(bytes);
    let count = reader.varint()?;
    let mut tombstones = Vec::new();
    for _ in 0..count {
        let start = reader.prefixed()?.to_vec();
        let end = reader.prefixed()?.to_vec();
        tombstones.push(RangeTombstone { start, end, seq: Seq(reader.varint()?) });
    }
    reader.is_empty().then_some(tombstones)
}

/// The last block: where the others are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) top_index: Handle,
    pub(super) properties: Handle,
    pub(super) filter: Handle,
    pub(super) range_tombstones: Handle,
}

impl Footer {
    /// Four handles of offset u64, length u32, number u32.
    pub(super) const BYTES: usize = 64;
    /// The footer is sealed under this number: a reader knows it before anything else.
    pub(super) const NUMBER: u32 = 0;

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Footer::BYTES);
        for handle in [self.top_index, self.properties, self.filter, self.range_tombstones] {
            out.extend_from_slice(&handle.offset.to_le_bytes());
            out.extend_from_slice(&handle.len.to_le_bytes());
            out.extend_from_slice(&handle.number.to_le_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Footer> {
        let mut reader = Reader::new(bytes);
        let mut handle = || Some(Handle { offset: reader.u64()?, len: reader.u32()?, number: reader.u32()? });
        let footer = Footer {
            top_index: handle()?,
            properties: handle()?,
            filter: handle()?,
            range_tombstones: handle()?,
        };
        reader.is_empty().then_some(footer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_round_trip_and_unknown_ones_are_skipped() {
        let meta = TableMeta {
            file_bytes: 9,
            entries: 1 << 40,
            tombstones: 2,
            range_tombstones: 3,
            smallest: b"a".to_vec(),
            largest: vec![0xff; 300],
            min_seq: Seq(4),
            max_seq: Seq::MAX,
            light: true,
        };
        let dictionary = Handle { offset: 64, len: 8192, number: 1 };
        assert_eq!(
            decode_properties(&encode_properties(&meta, Handle::default()), 9),
            Some((meta.clone(), Handle::default()))
        );
        let mut bytes = encode_properties(&meta, dictionary);
        put_varint(&mut bytes, 900);
        put_prefixed(&mut bytes, b"later");
        assert_eq!(decode_properties(&bytes, 9), Some((meta, dictionary)));
        bytes.pop();
        assert_eq!(decode_properties(&bytes, 9), None);
    }

    #[test]
    fn footers_have_their_size() {
        let footer = Footer {
            top_index: Handle { offset: 1, len: 2, number: 3 },
            filter: Handle { offset: u64::MAX, len: u32::MAX, number: 4 },
            ..Footer::default()
        };
        let bytes = footer.encode();
        assert_eq!(bytes.len(), Footer::BYTES);
        assert_eq!(Footer::decode(&bytes), Some(footer));
        assert_eq!(Footer::decode(&bytes[1..]), None);
    }
}
