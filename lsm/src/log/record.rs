//! Commit records: the stream of bytes that the log's chunks carry. `docs/formats/wal.md` has the bytes.

use crate::batch::{BatchEntries, WriteBatch};
use crate::codec::Reader;
use crate::types::{CommitFields, Seq};

const FORMAT: u8 = 1;
/// length u32 ‖ format u8 ‖ seq u64 ‖ field count u16 ‖ field bytes u32 ‖ entry count u32.
pub(super) const HEAD_BYTES: usize = 23;

/// Appends a record. The wall clock joins the fields where the caller gave none.
pub(super) fn encode(
    out: &mut Vec<u8>,
    seq: Seq,
    fields: &CommitFields,
    wall_nanos: u64,
    batch: &WriteBatch,
) {
    let clocked = fields.count == u16::MAX || fields.iter().any(|(tag, _)| tag == CommitFields::WALL_CLOCK);
    let clock_bytes = if clocked { 0 } else { 6 + 8 };
    let field_bytes = fields.encoded.len() + clock_bytes;
    let len = HEAD_BYTES + field_bytes + batch.encoded.len();
    out.reserve(len);
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.push(FORMAT);
    out.extend_from_slice(&seq.0.to_le_bytes());
    out.extend_from_slice(&(fields.count + u16::from(!clocked)).to_le_bytes());
    out.extend_from_slice(&(field_bytes as u32).to_le_bytes());
    out.extend_from_slice(&batch.count.to_le_bytes());
    if !clocked {
        out.extend_from_slice(&CommitFields::WALL_CLOCK.to_le_bytes());
        out.extend_from_slice(&8u32.to_le_bytes());
        out.extend_from_slice(&wall_nanos.to_le_bytes());
    }
    out.extend_from_slice(&fields.encoded);
    out.extend_from_slice(&batch.encoded);
}

/// A record as it was read.
pub(super) struct Record<'a> {
    pub(super) seq: Seq,
    pub(super) entry_bytes: usize,
    pub(super) entry_count: usize,
    pub(super) entries: BatchEntries<'a>,
    pub(super) len: usize,
}

/// What stands at the start of the bytes.
pub(super) enum Next<'a> {
    Record(Record<'a>),
    /// The bytes end within a record.
    Cut,
    Malformed,
}

pub(super) fn decode(bytes: &[u8]) -> Next<'_> {
    let Some(len) = bytes.first_chunk::<4>() else { return Next::Cut };
    let len = u32::from_le_bytes(*len) as usize;
    if len < HEAD_BYTES {
        return Next::Malformed;
    }
    let Some(record) = bytes.get(..len) else { return Next::Cut };
    match decode_whole(record) {
        Some(record) => Next::Record(record),
        None => Next::Malformed,
    }
}

fn decode_whole(record: &[u8]) -> Option<Record<'_>> {
    let mut reader = Reader::new(record);
    let len = reader.u32()? as usize;
    if reader.u8()? != FORMAT {
        return None;
    }
    let seq = Seq(reader.u64()?);
    let _field_count = reader.u16()?;
    let field_bytes = reader.u32()? as usize;
    let entry_count = reader.u32()? as usize;
    reader.take(field_bytes)?;
    let body = record.get(HEAD_BYTES + field_bytes..)?;
    let mut check = BatchEntries::new(body);
    let whole = check.by_ref().count() == entry_count && check.is_whole();
    (whole && seq <= Seq::MAX && seq > Seq::ZERO).then(|| Record {
        seq,
        entry_bytes: body.len(),
        entry_count,
        entries: BatchEntries::new(body),
        len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_a_cut_one_is_known() {
        let mut batch = WriteBatch::new();
        batch.put(b"k", b"v");
        batch.delete_range(b"a", b"b");
        let mut fields = CommitFields::new();
        fields.push(CommitFields::GTID, b"g");
        let mut out = Vec::new();
        encode(&mut out, Seq(9), &fields, 5, &batch);
        for cut in 0..out.len() {
            assert!(matches!(decode(&out[..cut]), Next::Cut));
        }
        let Next::Record(record) = decode(&out) else { panic!("a record") };
        assert_eq!((record.seq, record.len, record.entry_count), (Seq(9), out.len(), 2));
        assert_eq!(record.entries.count(), 2);
        out[4] = 7;
        assert!(matches!(decode(&out), Next::Malformed));
    }
}
