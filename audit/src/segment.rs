//! Segment files: `audit/segment-<first seq, 20 digits>.audit`; docs/formats/audit.md has the byte table.
//!
//! header 64 B (clear) ‖ blocks. Block = sealed length u32 LE ‖ sealed bytes (tag included). Plain block = records.
//! Record = JSON length u32 LE ‖ JSON ‖ chain hash 32 B. A segment is never appended to after it is reopened (STORAGE 18).

use crate::AuditError;
use crate::event::Record;
use aurora_env::{Env, FILE_HEADER_BYTES, File, FileCipher, FileHeader, FileKind, Sealing};
use aws_lc_rs::digest;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const FORMAT: u16 = 1;
/// A reader refuses longer blocks before it allocates.
const BLOCK_BYTES_MAX: u32 = 64 << 20;

pub(crate) type Hash = [u8; 32];

/// Head of the chain before the first record.
pub(crate) const GENESIS: Hash = [0; 32];

/// hash(n) = SHA-256(hash(n-1) ‖ JSON(n)).
pub(crate) fn chain(previous: &Hash, json: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(json);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

pub(crate) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> AuditError + 'a {
    move |source| AuditError::Io { action, path: path.display().to_string(), source }
}

pub(crate) fn seal_error(path: &Path) -> impl FnOnce(aurora_env::SealError) -> AuditError + '_ {
    move |source| AuditError::Seal { path: path.display().to_string(), source }
}

fn aad(offset: u64) -> [u8; 8] {
    offset.to_le_bytes()
}

/// Appends blocks to a new segment.
pub(crate) struct SegmentWriter {
    file: Arc<dyn File>,
    cipher: Arc<dyn FileCipher>,
    path: PathBuf,
    first_seq: u64,
    offset: u64,
    block: u64,
}

impl SegmentWriter {
    pub fn create(
        env: &Env,
        sealing: &dyn Sealing,
        dir: &Path,
        first_seq: u64,
    ) -> Result<SegmentWriter, AuditError> {
        let path = dir.join(format!("segment-{first_seq:020}.audit"));
        // A segment without a record may be left by a crash between its creation and its first block.
        if env.fs.exists(&path).map_err(io_error("looking for", &path))? {
            env.fs.remove(&path).map_err(io_error("removing the empty", &path))?;
        }
        let (header, cipher) = sealing.new_file(FileKind::Audit, FORMAT).map_err(seal_error(&path))?;
        let file = env.fs.create(&path).map_err(io_error("creating", &path))?;
        file.write_all_at(&header.encode(), 0).map_err(io_error("writing", &path))?;
        file.sync_data().map_err(io_error("syncing", &path))?;
        env.fs.sync_dir(dir).map_err(io_error("syncing", dir))?;
        Ok(SegmentWriter { file, cipher, path, first_seq, offset: FILE_HEADER_BYTES as u64, block: 0 })
    }

    pub fn len_bytes(&self) -> u64 {
        self.offset
    }

    /// Number of the segment's first record.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// A plain block with room for so many bytes; records are appended to it.
    pub fn new_block(&self, room_bytes: usize) -> Vec<u8> {
        let mut block = Vec::with_capacity(room_bytes + 64);
        block.extend_from_slice(&[0; 4]);
        block
    }

    /// Seals a block of [`SegmentWriter::new_block`] and writes it.
    pub fn append(&mut self, mut block: Vec<u8>) -> Result<(), AuditError> {
        self.cipher.seal(self.block, &aad(self.offset), &mut block, 4);
        let sealed_bytes = (block.len() - 4) as u32;
        block[..4].copy_from_slice(&sealed_bytes.to_le_bytes());
        self.file.write_all_at(&block, self.offset).map_err(io_error("writing", &self.path))?;
        self.offset += block.len() as u64;
        self.block += 1;
        Ok(())
    }

    pub fn sync(&self) -> Result<(), AuditError> {
        self.file.sync_data().map_err(io_error("syncing", &self.path))
    }
}

/// Encodes one record onto a plain block; returns the new head of the chain.
pub(crate) fn encode_record(
    record: &Record,
    previous: &Hash,
    block: &mut Vec<u8>,
) -> Result<Hash, AuditError> {
    let json = serde_json::to_vec(record).map_err(|e| AuditError::Stopped(e.to_string()))?;
    let hash = chain(previous, &json);
    block.extend_from_slice(&(json.len() as u32).to_le_bytes());
    block.extend_from_slice(&json);
    block.extend_from_slice(&hash);
    Ok(hash)
}

/// One stored record: its bytes as chained, and the hash stored behind it.
pub(crate) struct StoredRecord {
    pub json: Vec<u8>,
    pub hash: Hash,
    /// Offset of its block in the segment.
    pub offset: u64,
}

/// How a segment ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    Whole,
    /// Bytes behind the last whole block that a crash may have left.
    Torn {
        offset: u64,
    },
}

/// Reads a segment whole.
pub(crate) fn read_segment(
    env: &Env,
    sealing: &dyn Sealing,
    path: &Path,
) -> Result<(Vec<StoredRecord>, Tail), AuditError> {
    let file = env.fs.open(path).map_err(io_error("opening", path))?;
    let len = file.len().map_err(io_error("reading", path))?;
    let mut head = [0u8; FILE_HEADER_BYTES];
    if len < FILE_HEADER_BYTES as u64 {
        return Ok((Vec::new(), Tail::Torn { offset: 0 }));
    }
    file.read_exact_at(&mut head, 0).map_err(io_error("reading", path))?;
    let header = FileHeader::decode(&head).map_err(seal_error(path))?;
    if header.kind != FileKind::Audit || header.format != FORMAT {
        let what =
            format!("kind {:?}, format {}: not an audit segment of this version", header.kind, header.format);
        return Err(AuditError::Damaged { path: path.display().to_string(), offset: 0, what });
    }
    let cipher = sealing.open_file(&header).map_err(seal_error(path))?;
    let mut records = Vec::new();
    let mut offset = FILE_HEADER_BYTES as u64;
    let mut block = 0;
    while offset < len {
        let mut size = [0u8; 4];
        if offset + 4 > len {
            return Ok((records, Tail::Torn { offset }));
        }
        file.read_exact_at(&mut size, offset).map_err(io_error("reading", path))?;
        let sealed_bytes = u32::from_le_bytes(size);
        if sealed_bytes > BLOCK_BYTES_MAX || offset + 4 + u64::from(sealed_bytes) > len {
            return Ok((records, Tail::Torn { offset }));
        }
        let mut sealed = vec![0; sealed_bytes as usize];
        file.read_exact_at(&mut sealed, offset + 4).map_err(io_error("reading", path))?;
        let plain_bytes = match cipher.open(block, &aad(offset), &mut sealed) {
            Ok(plain_bytes) => plain_bytes,
            // Only the last block can be torn; a bad block before others was whole once.
            Err(_) if offset + 4 + u64::from(sealed_bytes) == len => {
                return Ok((records, Tail::Torn { offset }));
            }
            Err(source) => return Err(AuditError::Seal { path: path.display().to_string(), source }),
        };
        split_records(&sealed[..plain_bytes], offset, path, &mut records)?;
        offset += 4 + u64::from(sealed_bytes);
        block += 1;
    }
    Ok((records, Tail::Whole))
}

fn split_records(
    mut plain: &[u8],
    offset: u64,
    path: &Path,
    records: &mut Vec<StoredRecord>,
) -> Result<(), AuditError> {
    let damaged = || AuditError::Damaged {
        path: path.display().to_string(),
        offset,
        what: "a record does not fit its block".to_string(),
    };
    while !plain.is_empty() {
        let (size, rest) = plain.split_first_chunk::<4>().ok_or_else(damaged)?;
        let json_bytes = u32::from_le_bytes(*size) as usize;
        if rest.len() < json_bytes.saturating_add(32) {
            return Err(damaged());
        }
        let (json, rest) = rest.split_at(json_bytes);
        let (hash, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        records.push(StoredRecord { json: json.to_vec(), hash: *hash, offset });
        plain = rest;
    }
    Ok(())
}

/// Segments of the folder in order of their first number.
pub(crate) fn segments(env: &Env, dir: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let mut names: Vec<String> = env.fs.list(dir).map_err(io_error("listing", dir))?;
    names.retain(|name| name.starts_with("segment-") && name.ends_with(".audit"));
    names.sort();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}
