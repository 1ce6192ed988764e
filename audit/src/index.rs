//! The index over the segments, in sled: which block holds which record, and which records name a user.
//!
//! Derived and disposable: rebuilt from the segments whenever it lags behind them or does not open, because sled's flush
//! is not safe against power loss. It holds offsets and HMACs only, nothing readable (STORAGE 19).

use crate::AuditError;
use aws_lc_rs::hmac;
use std::path::Path;

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
        Ok(self.by_seq.last()?.map_or(0, |(key, _)| seq_of(&key)))
    }

    pub fn add(&self, seq: u64, segment: u64, offset: u64, user: &str) -> Result<(), AuditError> {
        let mut place = segment.to_be_bytes().to_vec();
        place.extend_from_slice(&offset.to_be_bytes());
        self.by_seq.insert(seq.to_be_bytes(), place)?;
        if !user.is_empty() {
            let mut key = self.user_tag(user);
            key.extend_from_slice(&seq.to_be_bytes());
            self.by_user.insert(key, &[])?;
        }
        Ok(())
    }

    /// Numbers of the records that name `user`, rising.
    pub fn of_user(&self, user: &str) -> Result<Vec<u64>, AuditError> {
        let mut found = Vec::new();
        for entry in self.by_user.scan_prefix(self.user_tag(user)) {
            let (key, _) = entry?;
            found.push(seq_of(&key[16..]));
        }
        Ok(found)
    }

    pub fn flush(&self) -> Result<(), AuditError> {
        self.db.flush()?;
        Ok(())
    }
}

fn seq_of(key: &[u8]) -> u64 {
    key.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
