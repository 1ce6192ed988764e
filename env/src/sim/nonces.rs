//! Asserts that no (key, nonce) seals twice with different contents (STORAGE 18).

use crate::{FileCipher, FileHeader, FileKind, SealError, Sealing};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

type Seen = Arc<Mutex<HashMap<([u8; 16], u64), u64>>>;

/// Wraps a [`Sealing`]; survives the crashes that a test stages, as the rule does.
#[derive(Clone)]
pub struct NonceWatch {
    inner: Arc<dyn Sealing>,
    seen: Seen,
}

impl NonceWatch {
    pub fn new(inner: Arc<dyn Sealing>) -> NonceWatch {
        NonceWatch { inner, seen: Seen::default() }
    }

    /// Blocks sealed so far.
    pub fn sealed(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn watch(&self, header: &FileHeader, inner: Arc<dyn FileCipher>) -> Arc<dyn FileCipher> {
        Arc::new(WatchedCipher { inner, file_id: header.file_id, seen: self.seen.clone() })
    }
}

impl Sealing for NonceWatch {
    fn new_file(&self, kind: FileKind, format: u16) -> Result<(FileHeader, Arc<dyn FileCipher>), SealError> {
        let (header, cipher) = self.inner.new_file(kind, format)?;
        Ok((header, self.watch(&header, cipher)))
    }

    fn open_file(&self, header: &FileHeader) -> Result<Arc<dyn FileCipher>, SealError> {
        let cipher = self.inner.open_file(header)?;
        Ok(self.watch(header, cipher))
    }
}

struct WatchedCipher {
    inner: Arc<dyn FileCipher>,
    file_id: [u8; 16],
    seen: Seen,
}

impl FileCipher for WatchedCipher {
    fn overhead_bytes(&self) -> usize {
        self.inner.overhead_bytes()
    }

    fn seal(&self, block: u64, aad: &[u8], buf: &mut Vec<u8>, from: usize) {
        let mut hasher = DefaultHasher::new();
        (aad, buf.get(from..)).hash(&mut hasher);
        let contents = hasher.finish();
        let before =
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert((self.file_id, block), contents);
        assert!(
            before.is_none_or(|before| before == contents),
            "block {block} of file {:02x?} is sealed a second time with other contents",
            self.file_id
        );
        self.inner.seal(block, aad, buf, from);
    }

    fn open(&self, block: u64, aad: &[u8], sealed: &mut [u8]) -> Result<usize, SealError> {
        self.inner.open(block, aad, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a second time")]
    fn a_repeated_nonce_is_caught() {
        let plain = crate::PlainSealing::new([0; 16], Arc::new(crate::sim::SimEntropy::new(1)));
        let watch = NonceWatch::new(Arc::new(plain));
        let (_, cipher) = watch.new_file(FileKind::Wal, 1).unwrap();
        cipher.seal(1, b"", &mut b"a".to_vec(), 0);
        cipher.seal(1, b"", &mut b"a".to_vec(), 0);
        cipher.seal(1, b"", &mut b"b".to_vec(), 0);
    }
}
