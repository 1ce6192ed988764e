//! Reading the log back.

use crate::AuditError;
use crate::event::Record;
use crate::segment::{read_segment, segments};
use aurora_env::{Env, Sealing};
use std::path::Path;

/// Records of all segments in order, one segment in memory at a time.
pub struct AuditReader<'a> {
    env: &'a Env,
    sealing: &'a dyn Sealing,
    segments: std::vec::IntoIter<std::path::PathBuf>,
    pending: std::vec::IntoIter<Record>,
}

impl<'a> AuditReader<'a> {
    /// Opens the folder `dir` (`DATA/audit`).
    pub fn open(env: &'a Env, sealing: &'a dyn Sealing, dir: &Path) -> Result<AuditReader<'a>, AuditError> {
        let segments = segments(env, dir)?.into_iter();
        Ok(AuditReader { env, sealing, segments, pending: Vec::new().into_iter() })
    }
}

impl Iterator for AuditReader<'_> {
    type Item = Result<Record, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.pending.next() {
                return Some(Ok(record));
            }
            let path = self.segments.next()?;
            let stored = match read_segment(self.env, self.sealing, &path) {
                Ok((stored, _)) => stored,
                Err(error) => return Some(Err(error)),
            };
            let mut records = Vec::with_capacity(stored.len());
            for record in stored {
                match serde_json::from_slice(&record.json) {
                    Ok(parsed) => records.push(parsed),
                    Err(error) => {
                        let what = format!("a record is not JSON: {error}");
                        let path = path.display().to_string();
                        return Some(Err(AuditError::Damaged { path, offset: record.offset, what }));
                    }
                }
            }
            self.pending = records.into_iter();
        }
    }
}

/// All records; for tests and small logs.
pub fn read_all(env: &Env, sealing: &dyn Sealing, dir: &Path) -> Result<Vec<Record>, AuditError> {
    AuditReader::open(env, sealing, dir)?.collect()
}
