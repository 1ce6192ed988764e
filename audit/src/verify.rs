//! Verification: every record is there, in order, unchanged, and the checkpoints are signed.

use crate::AuditError;
use crate::checkpoint::{PUBLIC_KEY_FILE, from_hex, is_signed};
use crate::event::{Class, Record};
use crate::segment::{GENESIS, Hash, Tail, chain, io_error, read_segment, segments};
use aurora_env::{Env, Sealing};
use std::path::Path;

/// What verification found. `problems` empty: the log is whole.
#[derive(Debug, Default)]
pub struct Report {
    pub segments: usize,
    pub records: u64,
    pub checkpoints: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    /// Records behind the last checkpoint: chained, but not yet signed.
    pub unsigned_tail: u64,
    /// One sentence each, naming segment and number.
    pub problems: Vec<String>,
    /// Not damage: what a crash left behind the last whole block.
    pub notes: Vec<String>,
}

impl Report {
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks the folder `dir`. `public_key` (32 bytes) is the one that the auditor kept; without it the folder's own is used.
/// `at_least` is a number that must be there (a commit record or an earlier export names it): finds a cut tail.
pub fn verify(
    env: &Env,
    sealing: &dyn Sealing,
    dir: &Path,
    public_key: Option<&[u8]>,
    at_least: Option<u64>,
) -> Result<Report, AuditError> {
    let key = match public_key {
        Some(key) => key.to_vec(),
        None => {
            let path = dir.join(PUBLIC_KEY_FILE);
            let file = env.fs.open(&path).map_err(io_error("opening", &path))?;
            let mut text = vec![0; file.len().map_err(io_error("reading", &path))?.min(256) as usize];
            file.read_exact_at(&mut text, 0).map_err(io_error("reading", &path))?;
            from_hex(String::from_utf8_lossy(&text).trim())
                .ok_or_else(|| AuditError::Key("the public key is not hex".into()))?
        }
    };
    let mut report = Report::default();
    let mut head: Hash = GENESIS;
    let mut expected = 1;
    for path in segments(env, dir)? {
        report.segments += 1;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (stored, tail) = match read_segment(env, sealing, &path) {
            Ok(read) => read,
            Err(error) => {
                report.problems.push(error.to_string());
                continue;
            }
        };
        for stored in stored {
            let record: Record = match serde_json::from_slice(&stored.json) {
                Ok(record) => record,
                Err(error) => {
                    report
                        .problems
                        .push(format!("{name}: behind record {}: not JSON: {error}", expected - 1));
                    continue;
                }
            };
            if record.seq != expected {
                report.problems.push(format!("{name}: record {expected} is missing, {} follows", record.seq));
            }
            if chain(&head, &stored.json) != stored.hash {
                report
                    .problems
                    .push(format!("{name}: record {} does not chain to the one before it", record.seq));
            }
            if record.event.class == Class::Checkpoint {
                report.checkpoints += 1;
                report.unsigned_tail = 0;
                let signed =
                    record.signature.as_deref().is_some_and(|s| is_signed(&key, record.seq, &head, s));
                if !signed {
                    report
                        .problems
                        .push(format!("{name}: checkpoint {} is not signed by this instance", record.seq));
                }
            } else {
                report.unsigned_tail += 1;
            }
            head = stored.hash;
            if report.records == 0 {
                report.first_seq = record.seq;
            }
            report.records += 1;
            report.last_seq = record.seq;
            expected = record.seq + 1;
        }
        if let Tail::Torn { offset } = tail {
            report
                .notes
                .push(format!("{name}: bytes from {offset} on were being written when the server stopped"));
        }
    }
    if let Some(seq) = at_least.filter(|seq| report.last_seq < *seq) {
        report
            .problems
            .push(format!("the log ends at record {}, but record {seq} was written once", report.last_seq));
    }
    Ok(report)
}
