//! Blocks sealed with AES-256-GCM under a key per file.

use crate::key_ring::KeyRing;
use crate::registry::KEY_BYTES;
use aurora_env::{Entropy, FileCipher, FileHeader, FileKind, SealError, Sealing};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use std::sync::Arc;
use zeroize::Zeroizing;

const TAG_BYTES: usize = 16;
/// Instance id, file id, kind.
const PREFIX_BYTES: usize = 16 + 16 + 1;
/// Associated data up to this length is put together on the stack.
const SHORT_AAD_BYTES: usize = 128;

/// [`Sealing`] by a key ring. Files that are not encrypted are refused, or whoever can write to the disk could slip in
/// his own.
pub struct EncryptedSealing {
    keys: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
}

impl EncryptedSealing {
    pub fn new(keys: Arc<KeyRing>, entropy: Arc<dyn Entropy>) -> EncryptedSealing {
        EncryptedSealing { keys, entropy }
    }

    fn cipher(&self, header: &FileHeader) -> Result<Arc<dyn FileCipher>, SealError> {
        let data_key = self.keys.data_key(header.key_id).ok_or(SealError::UnknownKey(header.key_id))?;
        let kind = [header.kind as u8];
        let info: [&[u8]; 3] = [b"aurora file key v1", &header.file_id, &kind];
        let refused = |_| SealError::Registry("key derivation failed".to_owned());
        let mut file_key = Zeroizing::new([0; KEY_BYTES]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(&*data_key)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *file_key))
            .map_err(refused)?;
        let key = UnboundKey::new(&AES_256_GCM, &*file_key).map(LessSafeKey::new).map_err(refused)?;
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..16].copy_from_slice(&header.instance_id);
        prefix[16..32].copy_from_slice(&header.file_id);
        prefix[32] = header.kind as u8;
        Ok(Arc::new(BlockCipher { key, kind: header.kind, prefix }))
    }
}

impl Sealing for EncryptedSealing {
    fn new_file(&self, kind: FileKind, format: u16) -> Result<(FileHeader, Arc<dyn FileCipher>), SealError> {
        let mut file_id = [0; 16];
        self.entropy.fill(&mut file_id);
        let key_id = self.keys.current_id();
        let header = FileHeader { kind, format, key_id, file_id, instance_id: self.keys.instance_id() };
        let cipher = self.cipher(&header)?;
        Ok((header, cipher))
    }

    fn open_file(&self, header: &FileHeader) -> Result<Arc<dyn FileCipher>, SealError> {
        self.cipher(header)
    }
}

struct BlockCipher {
    key: LessSafeKey,
    kind: FileKind,
    prefix: [u8; PREFIX_BYTES],
}

impl BlockCipher {
    /// u32 kind ‖ u64 block: one block is sealed once under a file's key (STORAGE 18).
    fn nonce(&self, block: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&u32::from(self.kind as u8).to_be_bytes());
        nonce[4..].copy_from_slice(&block.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Runs `use_it` with prefix ‖ caller's associated data.
    fn with_aad<T>(&self, aad: &[u8], use_it: impl FnOnce(Aad<&[u8]>) -> T) -> T {
        let len = PREFIX_BYTES + aad.len();
        if len <= SHORT_AAD_BYTES {
            let mut whole = [0; SHORT_AAD_BYTES];
            whole[..PREFIX_BYTES].copy_from_slice(&self.prefix);
            whole[PREFIX_BYTES..len].copy_from_slice(aad);
            use_it(Aad::from(&whole[..len]))
        } else {
            let whole = [&self.prefix[..], aad].concat();
            use_it(Aad::from(&whole[..]))
        }
    }
}

impl FileCipher for BlockCipher {
    fn overhead_bytes(&self) -> usize {
        TAG_BYTES
    }

    fn seal(&self, block: u64, aad: &[u8], buf: &mut Vec<u8>, from: usize) {
        let from = from.min(buf.len());
        let sealed = self.with_aad(aad, |aad| {
            self.key.seal_in_place_separate_tag(self.nonce(block), aad, &mut buf[from..])
        });
        match sealed {
            Ok(tag) => buf.extend_from_slice(tag.as_ref()),
            // GCM seals up to 64 GiB at once; no block comes near it, and plain bytes must not leave.
            Err(_) => panic!("AES-GCM refused to seal {} bytes", buf.len() - from),
        }
    }

    fn open(&self, block: u64, aad: &[u8], sealed: &mut [u8]) -> Result<usize, SealError> {
        let opened = self.with_aad(aad, |aad| {
            self.key.open_in_place(self.nonce(block), aad, sealed).map(|plain| plain.len())
        });
        opened.map_err(|_| SealError::BadTag { block })
    }
}
