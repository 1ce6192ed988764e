//! Unsealed instances and tests: every block carries a CRC32C instead of a tag.

use crate::{Entropy, FileCipher, FileHeader, FileKind, SealError, Sealing};
use std::sync::Arc;

/// Blocks in the clear behind a CRC32C over file id, block number, associated data and contents.
pub struct PlainSealing {
    instance_id: [u8; 16],
    entropy: Arc<dyn Entropy>,
}

impl PlainSealing {
    pub fn new(instance_id: [u8; 16], entropy: Arc<dyn Entropy>) -> PlainSealing {
        PlainSealing { instance_id, entropy }
    }
}

impl Sealing for PlainSealing {
    fn new_file(&self, kind: FileKind, format: u16) -> Result<(FileHeader, Arc<dyn FileCipher>), SealError> {
        let mut file_id = [0u8; 16];
        self.entropy.fill(&mut file_id);
        let header = FileHeader { kind, format, key_id: 0, file_id, instance_id: self.instance_id };
        Ok((header, Arc::new(PlainCipher { file_id })))
    }

    fn open_file(&self, header: &FileHeader) -> Result<Arc<dyn FileCipher>, SealError> {
        if header.key_id != 0 {
            return Err(SealError::UnknownKey(header.key_id));
        }
        Ok(Arc::new(PlainCipher { file_id: header.file_id }))
    }
}

struct PlainCipher {
    file_id: [u8; 16],
}

const CRC_BYTES: usize = 4;

impl PlainCipher {
    fn crc(&self, block: u64, aad: &[u8], bytes: &[u8]) -> [u8; CRC_BYTES] {
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
        digest.update(&self.file_id);
        digest.update(&block.to_le_bytes());
        digest.update(aad);
        digest.update(bytes);
        // A CRC32 fills 32 of the 64 bits.
        (digest.finalize() as u32).to_le_bytes()
    }
}

impl FileCipher for PlainCipher {
    fn overhead_bytes(&self) -> usize {
        CRC_BYTES
    }

    fn seal(&self, block: u64, aad: &[u8], buf: &mut Vec<u8>, from: usize) {
        let crc = self.crc(block, aad, buf.get(from..).unwrap_or_default());
        buf.extend_from_slice(&crc);
    }

    fn open(&self, block: u64, aad: &[u8], sealed: &mut [u8]) -> Result<usize, SealError> {
        let len = sealed.len().checked_sub(CRC_BYTES).ok_or(SealError::BadTag { block })?;
        let (bytes, crc) = sealed.split_at(len);
        if self.crc(block, aad, bytes) != *crc {
            return Err(SealError::BadTag { block });
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_block_number_or_context_is_refused() {
        let sealing = PlainSealing::new([1; 16], Arc::new(crate::sim::SimEntropy::new(1)));
        let (header, cipher) = sealing.new_file(FileKind::Sst, 1).unwrap();
        let mut sealed = b"headbody".to_vec();
        cipher.seal(7, b"aad", &mut sealed, 4);
        let sealed = sealed.split_off(4);
        let reader = sealing.open_file(&header).unwrap();
        assert_eq!(reader.open(7, b"aad", &mut sealed.clone()).unwrap(), 4);
        assert!(reader.open(8, b"aad", &mut sealed.clone()).is_err());
        assert!(reader.open(7, b"aaa", &mut sealed.clone()).is_err());
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(reader.open(7, b"aad", &mut bad).is_err());
        }
    }
}
