//! A change from one version to the next, as the manifest stores it. `docs/formats/manifest.md` has the bytes.

use crate::codec::{Reader, put_prefixed, put_varint};
use crate::types::{Lsn, Seq};

/// A table that joins a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddedFile {
    pub(crate) level: usize,
    pub(crate) number: u64,
}

/// What changes. Fields that are `None` stay as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VersionEdit {
    /// No file has this number or a higher one.
    pub(crate) next_number: Option<u64>,
    /// Every record before this LSN is in tables; replay begins here, in this segment.
    pub(crate) flushed: Option<Flushed>,
    pub(crate) added: Vec<AddedFile>,
    /// Level and number.
    pub(crate) removed: Vec<(usize, u64)>,
}

/// Where replay begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flushed {
    pub(crate) lsn: Lsn,
    /// Of the last record before `lsn`.
    pub(crate) seq: Seq,
    pub(crate) first_segment: u64,
}

const NEXT_NUMBER: u64 = 1;
const FLUSHED: u64 = 2;
const ADDED: u64 = 3;
const REMOVED: u64 = 4;

impl VersionEdit {
    /// A list of varint tag ‖ varint length ‖ varints. An unknown tag is refused: to skip a change is damage.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |tag: u64, numbers: &[u64]| {
            let mut body = Vec::new();
            for &number in numbers {
                put_varint(&mut body, number);
            }
            put_varint(&mut out, tag);
            put_prefixed(&mut out, &body);
        };
        if let Some(number) = self.next_number {
            put(NEXT_NUMBER, &[number]);
        }
        if let Some(flushed) = self.flushed {
            put(FLUSHED, &[flushed.lsn.0, flushed.seq.0, flushed.first_segment]);
        }
        for &(level, number) in &self.removed {
            put(REMOVED, &[level as u64, number]);
        }
        for file in &self.added {
            put(ADDED, &[file.level as u64, file.number]);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<VersionEdit> {
        let mut edit = VersionEdit::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let tag = reader.varint()?;
            let mut body = Reader::new(reader.prefixed()?);
            match tag {
                NEXT_NUMBER => edit.next_number = Some(body.varint()?),
                FLUSHED => {
                    let (lsn, seq) = (Lsn(body.varint()?), Seq(body.varint()?));
                    edit.flushed = Some(Flushed { lsn, seq, first_segment: body.varint()? });
                }
                REMOVED => edit.removed.push((usize::try_from(body.varint()?).ok()?, body.varint()?)),
                ADDED => {
                    let level = usize::try_from(body.varint()?).ok()?;
                    edit.added.push(AddedFile { level, number: body.varint()? });
                }
                _ => return None,
            }
        }
        Some(edit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_round_trip_and_unknown_ones_are_refused() {
        let edit = VersionEdit {
            next_number: Some(9),
            flushed: Some(Flushed { lsn: Lsn(1 << 40), seq: Seq(7), first_segment: 3 }),
            added: vec![AddedFile { level: 1, number: 8 }],
            removed: vec![(0, 5), (1, 6)],
        };
        let mut bytes = edit.encode();
        assert_eq!(VersionEdit::decode(&bytes), Some(edit));
        bytes.extend_from_slice(&[99, 0]);
        assert_eq!(VersionEdit::decode(&bytes), None);
    }
}
