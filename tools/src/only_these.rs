//! A file system in which folders seem to hold chosen files only.

use aurora_env::{DirLock, File, FileSystem};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Shows only `names` when a folder is listed; all else is `inner`'s.
pub struct OnlyThese {
    inner: Arc<dyn FileSystem>,
    names: Vec<String>,
}

impl OnlyThese {
    pub fn new(inner: Arc<dyn FileSystem>, names: Vec<String>) -> OnlyThese {
        OnlyThese { inner, names }
    }
}

impl FileSystem for OnlyThese {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut all = self.inner.list(dir)?;
        all.retain(|name| self.names.contains(name));
        Ok(all)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.inner.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.inner.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.inner.free_bytes(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirLock>> {
        self.inner.lock(path)
    }
}
