//! Files and folders.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// An open file. Positioned reads and writes only: no shared cursor, so one handle serves all threads.
pub trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; 0 at or after the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at `offset`, extending the file if need be. Durable only after a sync.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`: contents and length are on disk on return. A failure is final (STORAGE 3).
    fn sync_data(&self) -> io::Result<()>;
    /// As [`File::write_all_at`], and what it wrote is durable then; what others wrote need not be. Where the system
    /// writes and syncs in one call, it costs less than both.
    fn write_all_at_durably(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(buf, offset)?;
        self.sync_data()
    }
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;

    /// Reads exactly `buf.len()` bytes, else `UnexpectedEof`.
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            let n = self.read_at(buf, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buf = &mut buf[n..];
            offset += n as u64;
        }
        Ok(())
    }
}

/// Held while this process owns a folder; dropped to release it.
pub trait DirLock: Send + Sync {}

/// A file system. Names become durable only after [`FileSystem::sync_dir`] of their folder.
pub trait FileSystem: Send + Sync {
    /// Creates a new file for reading and writing; `AlreadyExists` if there is one.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Renames, replacing the target atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Names (not paths) of the entries of a folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes that this process may still write on the file system of `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock file `path`; `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>>;
}
