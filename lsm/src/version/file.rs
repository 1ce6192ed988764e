//! A table as part of versions: it leaves the disk when no version pins it any longer.

use crate::error::{LsmError, Result};
use crate::log::remove;
use crate::ranges::RangeCover;
use crate::sst::{BlockCache, Table, TableMeta};
use aurora_env::{Env, Sealing};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) fn sst_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.sst"))
}

/// Files that the last reader has let go. Emptied by whoever has time, for readers have none.
#[derive(Default)]
pub(crate) struct Trash(Mutex<Vec<(PathBuf, u64)>>);

impl Trash {
    pub(crate) fn empty(&self, env: &Env, cache: &BlockCache) {
        let gone = std::mem::take(&mut *self.0.lock());
        let mut numbers: Vec<u64> = gone.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        cache.forget_files(&numbers);
        for (path, _) in gone {
            remove(env, &path);
        }
    }
}

/// An open table. Once [`SstFile::retire`]d, its file goes with the last reference.
pub(crate) struct SstFile {
    table: Arc<Table>,
    /// Its range tombstones.
    cover: RangeCover,
    trash: Arc<Trash>,
    retired: AtomicBool,
}

impl SstFile {
    pub(crate) fn open(
        env: &Env,
        sealing: &dyn Sealing,
        dir: &Path,
        number: u64,
        cache: &Arc<BlockCache>,
        trash: &Arc<Trash>,
    ) -> Result<Arc<SstFile>> {
        let path = sst_path(dir, number);
        let table =
            Table::open(&*env.fs, &path, sealing, number, cache.clone()).map_err(|error| match &error {
                LsmError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                    LsmError::damaged(&path, "the manifest names this table, and it is missing")
                }
                _ => error,
            })?;
        let tombstones = table.range_tombstones().iter();
        let cover = RangeCover::new(tombstones.map(|t| (t.start.as_slice(), t.end.as_slice(), t.seq)));
        Ok(Arc::new(SstFile { table, cover, trash: trash.clone(), retired: AtomicBool::new(false) }))
    }

    #[inline]
    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    #[inline]
    pub(crate) fn meta(&self) -> &TableMeta {
        self.table.meta()
    }

    #[inline]
    pub(crate) fn cover(&self) -> &RangeCover {
        &self.cover
    }

    pub(crate) fn number(&self) -> u64 {
        self.table.file_number()
    }

    /// The manifest no longer names it.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }
}

impl Drop for SstFile {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire) {
            self.trash.0.lock().push((self.table.path().to_owned(), self.number()));
        }
    }
}
