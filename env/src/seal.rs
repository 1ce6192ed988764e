//! Sealing of blocks: what lsm and audit need of encryption, and no more.
//!
//! Every file starts with a [`FileHeader`] in the clear. Its random id and kind give the file its own
//! key; a block is sealed once under (kind, block number) and never again in that file (STORAGE 18, 19).

use std::sync::Arc;

/// What a file is; part of key derivation and of every nonce. Numbers are on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FileKind {
    Wal = 1,
    Sst = 2,
    Manifest = 3,
    Temp = 4,
    Audit = 5,
    Meta = 6,
}

/// Bytes that [`FileHeader::encode`] gives: the first block of every file, in the clear.
pub const FILE_HEADER_BYTES: usize = 64;

/// The clear head of a file: names its key without revealing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    pub kind: FileKind,
    /// Version of the format of the rest of the file; owned by whoever writes that kind.
    pub format: u16,
    /// Which data key wraps this file; 0: not encrypted, blocks carry CRC32C.
    pub key_id: u32,
    /// Random; the file's identity in associated data, whatever its name.
    pub file_id: [u8; 16],
    /// The instance that created the file.
    pub instance_id: [u8; 16],
}

const MAGIC: [u8; 8] = *b"AURORAF1";

impl FileHeader {
    /// magic 8 ‖ kind u8 ‖ 0 u8 ‖ format u16 ‖ key id u32 ‖ file id 16 ‖ instance id 16 ‖ zero 12 ‖ check u32;
    /// integers little-endian, check = CRC32C of the 60 bytes before it (`crc` is given by the caller's crate).
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut out = [0u8; FILE_HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8] = self.kind as u8;
        out[10..12].copy_from_slice(&self.format.to_le_bytes());
        out[12..16].copy_from_slice(&self.key_id.to_le_bytes());
        out[16..32].copy_from_slice(&self.file_id);
        out[32..48].copy_from_slice(&self.instance_id);
        let check = crate::seal::crc32c(&out[..60]);
        out[60..].copy_from_slice(&check.to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, or why there is none.
    pub fn decode(bytes: &[u8]) -> Result<FileHeader, SealError> {
        let Some(head) = bytes.get(..FILE_HEADER_BYTES) else {
            return Err(SealError::BadHeader("too short"));
        };
        if head[..8] != MAGIC {
            return Err(SealError::BadHeader("wrong magic"));
        }
        let (body, check) = head.split_at(60);
        if crc32c(body).to_le_bytes() != check {
            return Err(SealError::BadHeader("checksum does not match"));
        }
        let kind = match head[8] {
            1 => FileKind::Wal,
            2 => FileKind::Sst,
            3 => FileKind::Manifest,
            4 => FileKind::Temp,
            5 => FileKind::Audit,
            6 => FileKind::Meta,
            _ => return Err(SealError::BadHeader("unknown file kind")),
        };
        let array16 = |at: usize| {
            let mut id = [0u8; 16];
            id.copy_from_slice(&head[at..at + 16]);
            id
        };
        Ok(FileHeader {
            kind,
            format: u16::from_le_bytes([head[10], head[11]]),
            key_id: u32::from_le_bytes([head[12], head[13], head[14], head[15]]),
            file_id: array16(16),
            instance_id: array16(32),
        })
    }
}

/// Why a block or header was refused.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("file header refused: {0}")]
    BadHeader(&'static str),
    #[error("data key {0} is not in the key registry")]
    UnknownKey(u32),
    #[error("block {block} is damaged: its tag does not match")]
    BadTag { block: u64 },
    #[error("key registry: {0}")]
    Registry(String),
}

/// One file's cipher. Cheap to share; no lock on use.
pub trait FileCipher: Send + Sync {
    /// Bytes that sealing adds behind the block (the tag, or the CRC).
    fn overhead_bytes(&self) -> usize;
    /// Seals `buf[from..]` in place under `block` and appends the tag. `(block)` must never repeat in a file
    /// with other contents. `aad` binds kind, offset, length, codec as the caller defines them.
    fn seal(&self, block: u64, aad: &[u8], buf: &mut Vec<u8>, from: usize);
    /// Opens a sealed block in place; returns the length of the plain bytes at its start.
    fn open(&self, block: u64, aad: &[u8], sealed: &mut [u8]) -> Result<usize, SealError>;
}

/// Gives every file its key. `encryption` implements it; `PlainSealing` there serves unsealed instances.
pub trait Sealing: Send + Sync {
    /// A header with a fresh random id under the current data key, and its cipher.
    fn new_file(&self, kind: FileKind, format: u16) -> Result<(FileHeader, Arc<dyn FileCipher>), SealError>;
    /// The cipher of an existing file.
    fn open_file(&self, header: &FileHeader) -> Result<Arc<dyn FileCipher>, SealError>;
}

/// CRC32C (Castagnoli), software form: only headers use it here.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}
