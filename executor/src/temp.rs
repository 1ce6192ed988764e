//! Temporary files: what does not fit a statement's memory lies there, sealed, until the operator is dropped.

use aurora_env::{File, FileCipher, FileKind, FileSystem, Sealing};
use aurora_types::error::{ER_ERROR_ON_READ, ER_ERROR_ON_WRITE};
use aurora_types::{ErrorKind, SqlError, SqlResult};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Version of the blocks: no file outlives its process, but a header wants one.
const FORMAT: u16 = 1;
const PREFIX: &str = "spill-";

/// Makes temporary files. One for all sessions.
pub struct TempFiles {
    fs: Arc<dyn FileSystem>,
    sealing: Arc<dyn Sealing>,
    dir: PathBuf,
    budget_bytes: usize,
    next: AtomicU64,
}

impl TempFiles {
    /// What one sort, hash or DISTINCT holds in memory before it begins a file, at least.
    pub const DEFAULT_BUDGET_BYTES: usize = 32 << 20;
    /// And at most: a statement has several of them.
    const MAX_BUDGET_BYTES: usize = 256 << 20;

    /// The budget of a server whose blocks may take so much memory: what is small beside that need not be written.
    pub fn budget_beside(block_cache_bytes: u64) -> usize {
        usize::try_from(block_cache_bytes / 16)
            .unwrap_or(usize::MAX)
            .clamp(TempFiles::DEFAULT_BUDGET_BYTES, TempFiles::MAX_BUDGET_BYTES)
    }

    /// Files go to `dir`, which must be there; what a process before this one left is removed.
    ///
    /// # Errors
    /// When the folder cannot be read or a leftover not removed.
    pub fn open(
        fs: Arc<dyn FileSystem>,
        sealing: Arc<dyn Sealing>,
        dir: &Path,
        budget_bytes: usize,
    ) -> io::Result<TempFiles> {
        for name in fs.list(dir)? {
            if name.starts_with(PREFIX) {
                fs.remove(&dir.join(name))?;
            }
        }
        Ok(TempFiles { fs, sealing, dir: dir.to_owned(), budget_bytes, next: AtomicU64::new(0) })
    }

    pub(crate) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    pub(crate) fn create(&self) -> SqlResult<TempFile> {
        let path = self.dir.join(format!("{PREFIX}{}", self.next.fetch_add(1, Ordering::Relaxed)));
        let failed = |error: io::Error| io_error(ER_ERROR_ON_WRITE, &path, &error);
        let (header, cipher) = self
            .sealing
            .new_file(FileKind::Temp, FORMAT)
            .map_err(|error| crate::shape::internal(&format!("temporary file: {error}")))?;
        let file = self.fs.create(&path).map_err(failed)?;
        // From here on dropping it removes it.
        let head = header.encode();
        let temp = TempFile {
            fs: self.fs.clone(),
            file,
            cipher,
            path: path.clone(),
            end: head.len() as u64,
            blocks: 0,
        };
        temp.file.write_all_at(&head, 0).map_err(failed)?;
        Ok(temp)
    }
}

/// One file of sealed blocks; removed when dropped.
pub(crate) struct TempFile {
    fs: Arc<dyn FileSystem>,
    file: Arc<dyn File>,
    cipher: Arc<dyn FileCipher>,
    path: PathBuf,
    end: u64,
    blocks: u64,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    number: u64,
    offset: u64,
    sealed_bytes: u32,
}

impl TempFile {
    /// Seals what is in `bytes` (which is empty afterwards) and writes it behind the last block.
    pub fn append(&mut self, bytes: &mut Vec<u8>) -> SqlResult<Block> {
        let number = self.blocks;
        self.cipher.seal(number, &number.to_le_bytes(), bytes, 0);
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|error| io_error(ER_ERROR_ON_WRITE, &self.path, &error))?;
        let block = Block { number, offset: self.end, sealed_bytes: bytes.len() as u32 };
        self.blocks += 1;
        self.end += bytes.len() as u64;
        bytes.clear();
        Ok(block)
    }

    /// The plain bytes of a block, into `out`.
    pub fn read(&self, block: Block, out: &mut Vec<u8>) -> SqlResult<()> {
        out.clear();
        out.resize(block.sealed_bytes as usize, 0);
        self.file
            .read_exact_at(out, block.offset)
            .map_err(|error| io_error(ER_ERROR_ON_READ, &self.path, &error))?;
        let plain = self
            .cipher
            .open(block.number, &block.number.to_le_bytes(), out)
            .map_err(|error| crate::shape::internal(&format!("temporary file: {error}")))?;
        out.truncate(plain);
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // What stays in spite of this goes at the next start.
        let _ = self.fs.remove(&self.path);
    }
}

fn io_error(kind: &'static ErrorKind, path: &Path, error: &io::Error) -> SqlError {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    SqlError::new(kind, &[&name, &error.raw_os_error().unwrap_or(0), &error])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_grows_with_the_blocks_memory_within_bounds() {
        let mib = |mib: u64| TempFiles::budget_beside(mib << 20) >> 20;
        assert_eq!([0, 256, 1024, 4096, 1 << 20].map(mib), [32, 32, 64, 256, 256]);
    }
}
