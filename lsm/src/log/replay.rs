//! Recovery: the records behind the last flush, and where the log ends (STORAGE 4).

use super::chunk::{BadPlace, Chunk, ChunkReader, SECTOR};
use super::record::{self, Next};
use super::segments::{SEGMENT, path_of};
use crate::batch::BatchEntries;
use crate::error::{LsmError, Result};
use crate::types::{Lsn, Seq};
use aurora_env::{Env, Sealing};
use std::path::Path;

/// A record to be applied.
pub(crate) struct Replayed<'a> {
    pub(crate) seq: Seq,
    pub(crate) end_lsn: Lsn,
    pub(crate) bytes: usize,
    pub(crate) count: usize,
    pub(crate) entries: BatchEntries<'a>,
}

/// Hands every whole record from `from` on to `apply`, in order, and says where the log ends. `numbers` are those of
/// the segments, ascending.
///
/// # Errors
/// Damage only where a later chunk proves that the bad place had been synced; otherwise the log is cut there.
pub(crate) fn replay(
    env: &Env,
    sealing: &dyn Sealing,
    dir: &Path,
    numbers: &[u64],
    (from, last_seq): (Lsn, Seq),
    mut apply: impl FnMut(Replayed<'_>) -> Result<()>,
) -> Result<Lsn> {
    let mut stream = Stream { from: from.0, at: from.0, last_seq, rest: Vec::new() };
    // Where the next chunk begins; unknown before the first one, for a segment may begin before `from`.
    let mut expected: Option<u64> = None;
    let mut bad: Option<BadPlace> = None;
    for &number in numbers {
        let path = path_of(dir, number);
        let Some(reader) = ChunkReader::open(env, &path, sealing, SEGMENT)? else {
            bad.get_or_insert(BadPlace { path, offset: 0 });
            continue;
        };
        let mut at = SECTOR;
        while let Some(chunk) = reader.read(at)? {
            let fits = match expected {
                Some(expected) => chunk.number == expected,
                None => chunk.number <= from.0,
            };
            if !fits {
                break;
            }
            // What seemed bad was the unused rest of the segment before.
            bad = None;
            at = chunk.next;
            expected = Some(chunk.number + chunk.contents.len() as u64);
            stream.push(&chunk, reader.path(), &mut apply)?;
        }
        let place = bad.get_or_insert(BadPlace { path, offset: at });
        reader.refuse_if_proven(at, expected.unwrap_or(from.0).max(from.0), place)?;
    }
    if !stream.rest.is_empty() {
        tracing::warn!(
            lsn = stream.at,
            bytes = stream.rest.len(),
            "the log ends within a record: it was cut there"
        );
    }
    Ok(Lsn(stream.at))
}

/// Puts records together from the contents of chunks.
struct Stream {
    from: u64,
    /// Behind the last whole record.
    at: u64,
    last_seq: Seq,
    /// The bytes behind `at` that have been read.
    rest: Vec<u8>,
}

impl Stream {
    fn push(
        &mut self,
        chunk: &Chunk,
        path: &Path,
        apply: &mut impl FnMut(Replayed<'_>) -> Result<()>,
    ) -> Result<()> {
        let skipped = usize::try_from(self.from.saturating_sub(chunk.number)).unwrap_or(usize::MAX);
        let Some(fresh) = chunk.contents.get(skipped..) else { return Ok(()) };
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(fresh);
        let mut used = 0;
        loop {
            match record::decode(&bytes[used..]) {
                Next::Cut => break,
                Next::Malformed => {
                    return Err(LsmError::damaged(
                        path,
                        format!("the record at LSN {} is malformed", self.at),
                    ));
                }
                Next::Record(record) => {
                    if record.seq.0 != self.last_seq.0 + 1 {
                        let what = format!(
                            "the record at LSN {} has seq {}, after {}",
                            self.at, record.seq, self.last_seq
                        );
                        return Err(LsmError::damaged(path, what));
                    }
                    self.last_seq = record.seq;
                    self.at += record.len as u64;
                    used += record.len;
                    apply(Replayed {
                        seq: record.seq,
                        end_lsn: Lsn(self.at),
                        bytes: record.entry_bytes,
                        count: record.entry_count,
                        entries: record.entries,
                    })?;
                }
            }
        }
        bytes.drain(..used);
        self.rest = bytes;
        Ok(())
    }
}
