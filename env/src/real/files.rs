//! POSIX files behind [`FileSystem`].

use super::os;
use crate::{DirLock, File, FileSystem};
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// The file system of the machine.
pub struct RealFs;

struct RealFile(fs::File);

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write_all_at_durably(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let written = match os::write_at_durably(&self.0, buf, offset) {
            Ok(written) => written,
            Err(error) if os::is_unknown_call(&error) || error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        if written == buf.len() {
            return Ok(());
        }
        // The rest of a short write, or all of it on file systems without such a call.
        self.write_all_at(&buf[written..], offset + written as u64)?;
        self.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.0.set_len(len_bytes)
    }
}

/// `flock` on the lock file, released by the kernel also when the process dies.
struct RealLock(#[allow(dead_code)] fs::File);

impl DirLock for RealLock {}

impl FileSystem for RealFs {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        os::free_bytes(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock(file))),
            Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_goes() {
        let dir = std::env::temp_dir().join(format!("aurora-env-lock-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("LOCK");
        let first = RealFs.lock(&path).unwrap();
        assert_eq!(RealFs.lock(&path).err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(RealFs.lock(&path).is_ok());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn durable_writes_are_there_like_others() {
        let dir = std::env::temp_dir().join(format!("aurora-env-durable-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = RealFs.create(&dir.join("log")).unwrap();
        file.write_all_at(b"0123456789", 0).unwrap();
        file.write_all_at_durably(b"abc", 3).unwrap();
        file.write_all_at_durably(b"", 0).unwrap();
        file.write_all_at_durably(b"end", 10).unwrap();
        assert_eq!(fs::read(dir.join("log")).unwrap(), b"012abc6789end");
        let read_only = RealFile(fs::File::open(dir.join("log")).unwrap());
        assert!(read_only.write_all_at_durably(b"x", 0).is_err());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn free_space_and_random_numbers_are_there() {
        assert!(RealFs.free_bytes(&std::env::temp_dir()).unwrap() > 0);
        let (mut a, mut b) = ([0u8; 32], [0u8; 32]);
        os::random(&mut a);
        os::random(&mut b);
        assert_ne!(a, b);
    }
}
