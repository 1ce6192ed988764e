//! The index over the segments, in sled: where a group of records begins, and which records name a user.
//!
//! `seq`: number of a group's first record → its segment, its block's offset, number of the group's last record.
//! `user`: HMAC of the name ‖ number of the group's first record → numbers of the user's records in the group. All are
//! u64 in big-endian order; entries of earlier versions, one a record, lack the last number, or all numbers.
//!
//! Derived and disposable: rebuilt from the segments whenever it lags behind them or does not open, because sled's flush
//! is not safe against power loss. It holds offsets and HMACs only, nothing readable (STORAGE 19).

use crate::AuditError;
use aws_lc_rs::hmac;
use std::collections::BTreeMap;
use std::path::Path;

/// A record as the index has it.
pub(crate) struct Entry {
    pub seq: u64,
    /// Number of its segment's first record.
    pub segment: u64,
    /// Offset of its block.
    pub offset: u64,
    pub user: String,
}

pub(crate) struct Index {
    db: sled::Db,
    by_seq: sled::Tree,
    by_user: sled::Tree,
    key: hmac::Key,
}

impl Index {
    /// Opens the index in `dir`, starting an empty one when it is damaged. `secret` keys the HMACs of user names.
    pub fn open(dir: &Path, secret: &[u8]) -> Result<Index, AuditError> {
        let config = || sled::Config::default().path(dir).cache_capacity(4 << 20).flush_every_ms(Some(1000));
        let db = match config().open() {
            Ok(db) => db,
            Err(error) => {
                tracing::warn!(%error, "the audit index does not open; it is rebuilt from the segments");
                if let Err(error) = std::fs::remove_dir_all(dir) {
                    tracing::warn!(%error, "removing the damaged audit index");
                }
                config().open()?
            }
        };
        let by_seq = db.open_tree("seq")?;
        let by_user = db.open_tree("user")?;
        Ok(Index { db, by_seq, by_user, key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    fn user_tag(&self, user: &str) -> Vec<u8> {
        hmac::sign(&self.key, user.as_bytes()).as_ref()[..16].to_vec()
    }

    /// The highest number indexed.
    pub fn last_seq(&self) -> Result<u64, AuditError> {
        Ok(self
            .by_seq
            .last()?
            .map_or(0, |(first, place)| place.get(16..24).map_or_else(|| number(&first), number)))
    }

    /// Indexes records that follow one another, all at once: an entry for the group and one for each user in it.
    pub fn add(&self, records: &[Entry]) -> Result<(), AuditError> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        let mut by_user: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for record in records.iter().filter(|record| !record.user.is_empty()) {
            by_user.entry(&record.user).or_default().extend_from_slice(&record.seq.to_be_bytes());
        }
        for (user, numbers) in by_user {
            let mut key = self.user_tag(user);
            key.extend_from_slice(&first.seq.to_be_bytes());
            self.by_user.insert(key, numbers)?;
        }
        // Last: what is not there after a crash is added again.
        let place = [first.segment, first.offset, last.seq].map(u64::to_be_bytes).concat();
        self.by_seq.insert(first.seq.to_be_bytes(), place)?;
        Ok(())
    }

    /// Numbers of the records that name `user`, rising.
    pub fn of_user(&self, user: &str) -> Result<Vec<u64>, AuditError> {
        let mut found = Vec::new();
        for entry in self.by_user.scan_prefix(self.user_tag(user)) {
            let (key, numbers) = entry?;
            match numbers.is_empty() {
                true => found.push(number(&key[16..])),
                false => found.extend(numbers.chunks_exact(8).map(number)),
            }
        }
        Ok(found)
    }

    pub fn flush(&self) -> Result<(), AuditError> {
        self.db.flush()?;
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
