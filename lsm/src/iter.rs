//! The iterator that callers see.

use crate::error::Result;
use crate::types::Seq;

/// Walks visible entries in key order, forward and backward. Owned: it borrows nothing and pins what it reads.
/// A fresh one stands before the first and behind the last entry: `next` goes to the first, `prev` to the last.
pub struct LsmIter {
    _private: (),
}

impl LsmIter {
    /// To the next visible key; `false` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<bool> {
        Ok(false)
    }

    pub fn prev(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// To the first visible key ≥ `key`.
    pub fn seek(&mut self, _key: &[u8]) -> Result<bool> {
        Ok(false)
    }

    /// To the last visible key ≤ `key`.
    pub fn seek_for_prev(&mut self, _key: &[u8]) -> Result<bool> {
        Ok(false)
    }

    pub fn valid(&self) -> bool {
        false
    }

    /// The current key; empty where not valid.
    pub fn key(&self) -> &[u8] {
        &[]
    }

    pub fn value(&self) -> &[u8] {
        &[]
    }

    pub fn seq(&self) -> Seq {
        Seq::ZERO
    }

    /// The largest seq met so far, hidden versions and tombstones included (floors, STORAGE 1).
    pub fn max_seq_met(&self) -> Seq {
        Seq::ZERO
    }
}
