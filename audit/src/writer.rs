//! Records onto the chain, blocks into segments.

use crate::AuditError;
use crate::checkpoint::Signer;
use crate::event::{Class, Event, Record, rfc3339};
use crate::index::Entry;
use crate::log::Shared;
use crate::segment::{Hash, SegmentWriter, encode_record};
use aurora_env::{Env, Sealing};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

const SEGMENT_BYTES: u64 = 64 << 20;
/// About what a record of a login needs.
const RECORD_BYTES: usize = 384;

/// An event that has a number and is not written yet.
pub(crate) struct Waiting {
    pub event: Event,
    /// When it was told.
    pub at: SystemTime,
}

/// The end of the log. Whoever holds it takes the events that wait, and none can come between.
pub(crate) struct Writer {
    pub env: Env,
    pub sealing: Arc<dyn Sealing>,
    pub dir: PathBuf,
    pub signer: Signer,
    pub segment: SegmentWriter,
    pub head: Hash,
    pub seq: u64,
    /// Records behind the last checkpoint.
    pub unsigned: u64,
    /// Whether there is an index to write for.
    pub is_indexed: bool,
    pub unindexed: Vec<Entry>,
}

impl Writer {
    /// Writes all events that wait, as one block.
    pub fn write_waiting(&mut self, shared: &Shared) -> Result<(), AuditError> {
        let batch = std::mem::take(&mut shared.queue.lock().waiting);
        self.write(batch, shared)
    }

    fn write(&mut self, batch: Vec<Waiting>, shared: &Shared) -> Result<(), AuditError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.begin_block(shared)?;
        let (segment, offset) = (self.segment.first_seq(), self.segment.len_bytes());
        let mut block = self.segment.new_block(batch.len() * RECORD_BYTES);
        for Waiting { event, at } in batch {
            let record = Record { seq: self.seq + 1, timestamp: rfc3339(at), event, signature: None };
            self.head = encode_record(&record, &self.head, &mut block)?;
            self.seq += 1;
            self.unsigned += 1;
            if self.is_indexed {
                self.unindexed.push(Entry { seq: self.seq, segment, offset, user: record.event.user });
            }
        }
        self.append(block, shared)
    }

    /// Signs the head. The checkpoint takes a number of its own, given out under the queue's lock so that numbers stay
    /// without holes.
    pub fn checkpoint(&mut self, shared: &Shared) -> Result<(), AuditError> {
        let batch = {
            let mut queue = shared.queue.lock();
            queue.assigned += 1;
            std::mem::take(&mut queue.waiting)
        };
        // Events that came between the last group and the lock have lower numbers than the checkpoint.
        self.write(batch, shared)?;
        self.begin_block(shared)?;
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            timestamp: rfc3339(self.env.clock.wall()),
            event: Event::new(Class::Checkpoint, "checkpoint", 0),
            signature: Some(self.signer.sign(self.seq, &self.head)),
        };
        let mut block = self.segment.new_block(RECORD_BYTES);
        self.head = encode_record(&record, &self.head, &mut block)?;
        self.unsigned = 0;
        if self.is_indexed {
            let (segment, offset) = (self.segment.first_seq(), self.segment.len_bytes());
            self.unindexed.push(Entry { seq: self.seq, segment, offset, user: String::new() });
        }
        self.append(block, shared)?;
        self.sync(shared)
    }

    /// Begins a new segment where the present one is full.
    fn begin_block(&mut self, shared: &Shared) -> Result<(), AuditError> {
        if self.segment.len_bytes() > SEGMENT_BYTES {
            self.sync(shared)?;
            self.segment = SegmentWriter::create(&self.env, self.sealing.as_ref(), &self.dir, self.seq + 1)?;
        }
        Ok(())
    }

    fn append(&mut self, block: Vec<u8>, shared: &Shared) -> Result<(), AuditError> {
        self.segment.append(block)?;
        shared.written.store(self.seq, Ordering::Release);
        Ok(())
    }

    /// All that is written goes to the disk.
    pub fn sync(&mut self, shared: &Shared) -> Result<(), AuditError> {
        self.segment.sync()?;
        shared.durable.store(self.seq, Ordering::Release);
        Ok(())
    }
}
