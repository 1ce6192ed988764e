//! Files of sealed chunks: the log's segments and the manifest. `docs/formats/wal.md` has the bytes.
//!
//! A chunk starts at a multiple of 512 bytes and is written once, by one write. Its head is clear, so that every
//! multiple behind a bad place can be probed, and is authenticated together with the contents.

use crate::error::{LsmError, Result};
use aurora_env::{Env, FILE_HEADER_BYTES, File, FileCipher, FileHeader, FileKind, Sealing};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const SECTOR: u64 = 512;
const HEAD_BYTES: usize = 48;
const MAGIC: [u8; 4] = *b"AChk";
const PROBE_BYTES: usize = 1 << 20;
const ZEROS_BYTES: u64 = 1 << 20;

/// Writes chunks to a file of its own.
pub(crate) struct ChunkWriter {
    file: Arc<dyn File>,
    path: PathBuf,
    cipher: Arc<dyn FileCipher>,
    file_id: [u8; 16],
    position: u64,
    capacity: u64,
    out: Vec<u8>,
}

impl ChunkWriter {
    /// Creates and syncs the file (not its folder), with room for `capacity` bytes; `zeroed` writes them, so that
    /// later syncs have no space to allocate.
    pub(crate) fn create(
        env: &Env,
        path: &Path,
        sealing: &dyn Sealing,
        (kind, format): (FileKind, u16),
        capacity: u64,
        zeroed: bool,
    ) -> Result<ChunkWriter> {
        let (header, cipher) = sealing.new_file(kind, format)?;
        let file = env.fs.create(path).map_err(|e| LsmError::io("create", path, e))?;
        let capacity = capacity.max(SECTOR).next_multiple_of(SECTOR);
        let write =
            |bytes: &[u8], at: u64| file.write_all_at(bytes, at).map_err(|e| LsmError::io("write", path, e));
        let mut first = header.encode().to_vec();
        first.resize(SECTOR as usize, 0);
        write(&first, 0)?;
        if zeroed {
            let zeros = vec![0; ZEROS_BYTES.min(capacity - SECTOR) as usize];
            let mut at = SECTOR;
            while at < capacity {
                let len = ZEROS_BYTES.min(capacity - at) as usize;
                write(&zeros[..len], at)?;
                at += len as u64;
            }
        } else {
            file.set_len(capacity).map_err(|e| LsmError::io("extend", path, e))?;
        }
        file.sync_data().map_err(|e| LsmError::io("sync", path, e))?;
        Ok(ChunkWriter::new(file, path, cipher, header.file_id, capacity))
    }

    fn new(
        file: Arc<dyn File>,
        path: &Path,
        cipher: Arc<dyn FileCipher>,
        file_id: [u8; 16],
        capacity: u64,
    ) -> ChunkWriter {
        ChunkWriter {
            file,
            path: path.to_owned(),
            cipher,
            file_id,
            position: SECTOR,
            capacity,
            out: Vec::new(),
        }
    }

    /// Begins a new incarnation, with an id and a key of its own, in the file `old` that nobody needs any more: chunks
    /// of the one before carry another id, so that nobody takes them for its own. Named `path` and synced (not its
    /// folder) on return; under its new name the file never has its old header. `None`: it is too small.
    pub(crate) fn reuse(
        env: &Env,
        (old, path): (&Path, &Path),
        sealing: &dyn Sealing,
        (kind, format): (FileKind, u16),
        capacity: u64,
    ) -> Result<Option<ChunkWriter>> {
        let capacity = capacity.max(SECTOR).next_multiple_of(SECTOR);
        let file = env.fs.open(old).map_err(|e| LsmError::io("open", old, e))?;
        if file.len().map_err(|e| LsmError::io("read", old, e))? < capacity {
            return Ok(None);
        }
        let (header, cipher) = sealing.new_file(kind, format)?;
        let mut first = header.encode().to_vec();
        first.resize(SECTOR as usize, 0);
        file.write_all_at(&first, 0).map_err(|e| LsmError::io("write", old, e))?;
        file.sync_data().map_err(|e| LsmError::io("sync", old, e))?;
        env.fs.rename(old, path).map_err(|e| LsmError::io("rename", old, e))?;
        Ok(Some(ChunkWriter::new(file, path, cipher, header.file_id, capacity)))
    }

    /// Whether a chunk with so many bytes of contents fits into the room that was set aside.
    pub(crate) fn has_room(&self, contents: usize) -> bool {
        let len = HEAD_BYTES + contents + self.cipher.overhead_bytes();
        self.position + (len as u64).next_multiple_of(SECTOR) <= self.capacity
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.position == SECTOR
    }

    /// Appends a chunk, which is durable then if `sync` says so, though nothing before it need be. After an error the
    /// writer must not be used again: the place may hold other bytes.
    pub(crate) fn append(&mut self, number: u64, durable: u64, contents: &[u8], sync: bool) -> Result<()> {
        let len = u32::try_from(contents.len()).map_err(|_| LsmError::NotSupported("chunks of 4 GiB"))?;
        let mut head = [0u8; HEAD_BYTES];
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&len.to_le_bytes());
        head[8..24].copy_from_slice(&self.file_id);
        head[24..32].copy_from_slice(&number.to_le_bytes());
        head[32..40].copy_from_slice(&durable.to_le_bytes());
        self.out.clear();
        self.out.extend_from_slice(&head);
        self.out.extend_from_slice(contents);
        self.cipher.seal(self.position / SECTOR, &head, &mut self.out, HEAD_BYTES);
        self.out.resize(self.out.len().next_multiple_of(SECTOR as usize), 0);
        let outcome = match sync {
            true => self.file.write_all_at_durably(&self.out, self.position),
            false => self.file.write_all_at(&self.out, self.position),
        };
        outcome.map_err(|e| LsmError::io("write", &self.path, e))?;
        self.position += self.out.len() as u64;
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| LsmError::io("sync", &self.path, e))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A chunk as it was read.
pub(crate) struct Chunk {
    pub(crate) number: u64,
    pub(crate) durable: u64,
    pub(crate) contents: Vec<u8>,
    /// Where the next one would begin.
    pub(crate) next: u64,
}

/// Reads a file of chunks.
pub(crate) struct ChunkReader {
    file: Arc<dyn File>,
    path: PathBuf,
    cipher: Arc<dyn FileCipher>,
    file_id: [u8; 16],
    len: u64,
}

impl ChunkReader {
    /// `None`: there is no valid header, and no chunk either, so the file was not finished when power went.
    pub(crate) fn open(
        env: &Env,
        path: &Path,
        sealing: &dyn Sealing,
        (kind, format): (FileKind, u16),
    ) -> Result<Option<ChunkReader>> {
        let file = env.fs.open(path).map_err(|e| LsmError::io("open", path, e))?;
        let len = file.len().map_err(|e| LsmError::io("read", path, e))?;
        let mut head = [0; FILE_HEADER_BYTES];
        let readable = len >= head.len() as u64;
        if readable {
            file.read_exact_at(&mut head, 0).map_err(|e| LsmError::io("read", path, e))?;
        }
        let header = match FileHeader::decode(&head) {
            Ok(header) => header,
            Err(error) => {
                // The header is synced before the first chunk is written: a chunk proves that it was whole.
                let chunk = find_magic(&*file, path, len, SECTOR, |_| Ok(true))?;
                return match chunk {
                    Some(at) => {
                        Err(LsmError::damaged(path, format!("{error}, yet there is a chunk at {at}")))
                    }
                    None => Ok(None),
                };
            }
        };
        if header.kind != kind {
            return Err(LsmError::damaged(path, format!("is of kind {:?}, not {kind:?}", header.kind)));
        }
        if header.format > format {
            let (found, newest) = (u32::from(header.format), u32::from(format));
            return Err(LsmError::NewerFormat { path: path.to_owned(), found, newest });
        }
        let cipher = sealing.open_file(&header)?;
        Ok(Some(ChunkReader { file, path: path.to_owned(), cipher, file_id: header.file_id, len }))
    }

    /// The chunk at `at`, if a valid one begins there.
    pub(crate) fn read(&self, at: u64) -> Result<Option<Chunk>> {
        let overhead = self.cipher.overhead_bytes();
        if at.saturating_add((HEAD_BYTES + overhead) as u64) > self.len {
            return Ok(None);
        }
        let mut head = [0u8; HEAD_BYTES];
        self.read_exact(&mut head, at)?;
        if head[..4] != MAGIC || head[8..24] != self.file_id {
            return Ok(None);
        }
        let word = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&head[from..from + 8]);
            u64::from_le_bytes(bytes)
        };
        let plain = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let sealed = plain + overhead;
        let end = at + (HEAD_BYTES + sealed) as u64;
        if end > self.len {
            return Ok(None);
        }
        let mut contents = vec![0; sealed];
        self.read_exact(&mut contents, at + HEAD_BYTES as u64)?;
        if self.cipher.open(at / SECTOR, &head, &mut contents).is_err() {
            return Ok(None);
        }
        contents.truncate(plain);
        Ok(Some(Chunk { number: word(24), durable: word(32), contents, next: end.next_multiple_of(SECTOR) }))
    }

    /// Behind a bad place: refuses if a valid chunk at or after `from` says that `number` had been durable.
    pub(crate) fn refuse_if_proven(&self, from: u64, number: u64, bad: &BadPlace) -> Result<()> {
        let proof = find_magic(&*self.file, &self.path, self.len, from, |at| {
            Ok(self.read(at)?.is_some_and(|chunk| chunk.durable > number))
        })?;
        match proof {
            None => Ok(()),
            Some(at) => Err(LsmError::damaged(
                &bad.path,
                format!(
                    "no valid chunk at offset {}, though it had been synced: the chunk at offset {at} of {} says so",
                    bad.offset,
                    self.path.display()
                ),
            )),
        }
    }

    fn read_exact(&self, buf: &mut [u8], at: u64) -> Result<()> {
        self.file.read_exact_at(buf, at).map_err(|e| LsmError::io("read", &self.path, e))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Where reading stopped.
pub(crate) struct BadPlace {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
}

/// The first multiple of a sector from `from` on that begins like a chunk and that `accept` takes.
fn find_magic(
    file: &dyn File,
    path: &Path,
    len: u64,
    from: u64,
    mut accept: impl FnMut(u64) -> Result<bool>,
) -> Result<Option<u64>> {
    let mut at = from.next_multiple_of(SECTOR);
    let mut buf = vec![0; PROBE_BYTES.min(usize::try_from(len.saturating_sub(at)).unwrap_or(PROBE_BYTES))];
    while at < len {
        let n = usize::try_from(len - at).unwrap_or(usize::MAX).min(buf.len());
        let piece = &mut buf[..n];
        file.read_exact_at(piece, at).map_err(|e| LsmError::io("read", path, e))?;
        for (index, sector) in piece.chunks(SECTOR as usize).enumerate() {
            let place = at + index as u64 * SECTOR;
            if sector.starts_with(&MAGIC) && accept(place)? {
                return Ok(Some(place));
            }
        }
        at += n as u64;
    }
    Ok(None)
}
