//! The manifest: a log of version edits in chunks, and `CURRENT`, which names the newest one.
//!
//! Every start, and every failure to append, begins a new manifest with the whole state as its first edit; the old
//! one counts until `CURRENT` is replaced.

use super::edit::{AddedFile, Flushed};
use super::{LEVELS, SstFile, Trash, Version, VersionEdit};
use crate::data_dir::{read_small, write_atomically};
use crate::error::{LsmError, Result};
use crate::log::chunk::{BadPlace, ChunkReader, ChunkWriter, SECTOR};
use crate::log::remove;
use crate::memtable::Memtable;
use crate::sst::BlockCache;
use crate::view::Views;
use aurora_env::{Env, FileKind, Sealing};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MANIFEST: (FileKind, u16) = (FileKind::Manifest, 1);
const CURRENT: &str = "CURRENT";
/// A manifest is replaced by a fresh one when it has this many edits.
const EDITS_MAX: u64 = 4096;

fn name_of(number: u64) -> String {
    format!("MANIFEST-{number:06}")
}

/// The state that a manifest describes.
#[derive(Default)]
pub(crate) struct Recovered {
    /// Number → level.
    pub(crate) files: BTreeMap<u64, usize>,
    pub(crate) flushed: Flushed,
    pub(crate) next_number: u64,
}

impl Recovered {
    fn apply(&mut self, edit: VersionEdit, path: &Path) -> Result<()> {
        self.next_number = edit.next_number.unwrap_or(self.next_number).max(self.next_number);
        self.flushed = edit.flushed.unwrap_or(self.flushed);
        for (level, number) in edit.removed {
            if self.files.remove(&number) != Some(level) {
                return Err(LsmError::damaged(
                    path,
                    format!("level {level} has no table {number} to remove"),
                ));
            }
        }
        for file in edit.added {
            if file.level >= LEVELS || self.files.insert(file.number, file.level).is_some() {
                return Err(LsmError::damaged(path, format!("table {} cannot be added", file.number)));
            }
        }
        Ok(())
    }

    /// Opens all tables.
    pub(crate) fn open_tables(
        &self,
        env: &Env,
        sealing: &dyn Sealing,
        dir: &Path,
        cache: &Arc<BlockCache>,
        trash: &Arc<Trash>,
    ) -> Result<Version> {
        let mut edit = VersionEdit::default();
        let mut added = Vec::with_capacity(self.files.len());
        for (&number, &level) in &self.files {
            added.push(SstFile::open(env, sealing, &dir.join("sst"), number, cache, trash)?);
            edit.added.push(AddedFile { level, number });
        }
        Version::default().apply(&edit, &added, &dir.join(CURRENT))
    }
}

/// Reads the manifest that `CURRENT` names; `None`: the folder has never been used.
pub(crate) fn recover(env: &Env, sealing: &dyn Sealing, dir: &Path) -> Result<Option<Recovered>> {
    let current = dir.join(CURRENT);
    if !env.fs.exists(&current).map_err(|e| LsmError::io("find", &current, e))? {
        // Segments and tables are created only after the first CURRENT.
        for sub in ["wal", "sst"] {
            let sub = dir.join(sub);
            let names = env.fs.list(&sub).map_err(|e| LsmError::io("list", &sub, e))?;
            if names.iter().any(|name| name.ends_with(".wal") || name.ends_with(".sst")) {
                return Err(LsmError::damaged(&current, "it is missing, yet there are data files"));
            }
        }
        return Ok(None);
    }
    let text = read_small(&current, 256, env)?;
    let name = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n'));
    let name = name.filter(|name| name.starts_with("MANIFEST-") && !name.contains(['/', '\\']));
    let path = dir.join(name.ok_or_else(|| LsmError::damaged(&current, "it names no manifest"))?);
    let reader = ChunkReader::open(env, &path, sealing, MANIFEST)?
        .ok_or_else(|| LsmError::damaged(&path, "it has no valid header"))?;
    let mut state = Recovered::default();
    let (mut at, mut number) = (SECTOR, 0);
    while let Some(chunk) = reader.read(at)?.filter(|chunk| chunk.number == number) {
        let edit = VersionEdit::decode(&chunk.contents)
            .ok_or_else(|| LsmError::damaged(&path, format!("edit {number} is malformed")))?;
        state.apply(edit, &path)?;
        at = chunk.next;
        number += 1;
    }
    let bad = BadPlace { path: path.clone(), offset: at };
    if number == 0 {
        return Err(LsmError::damaged(&path, "its first edit is not valid"));
    }
    reader.refuse_if_proven(at, number, &bad)?;
    Ok(Some(state))
}

/// The open manifest.
pub(crate) struct Manifest {
    writer: ChunkWriter,
    edits: u64,
}

impl Manifest {
    fn create(
        env: &Env,
        sealing: &dyn Sealing,
        dir: &Path,
        number: u64,
        state: &VersionEdit,
    ) -> Result<Self> {
        let name = name_of(number);
        let mut writer = ChunkWriter::create(env, &dir.join(&name), sealing, MANIFEST, 0, false)?;
        writer.append(0, 0, &state.encode(), true)?;
        env.fs.sync_dir(dir).map_err(|e| LsmError::io("sync", dir, e))?;
        write_atomically(dir, CURRENT, format!("{name}\n").as_bytes(), env)?;
        Ok(Manifest { writer, edits: 1 })
    }

    fn append(&mut self, edit: &VersionEdit) -> Result<()> {
        self.writer.append(self.edits, self.edits, &edit.encode(), true)?;
        self.edits += 1;
        Ok(())
    }
}

/// The newest version and its manifest; changes go one after the other.
pub(crate) struct VersionSet {
    env: Env,
    sealing: Arc<dyn Sealing>,
    dir: PathBuf,
    numbers: Arc<AtomicU64>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None`: the last change failed, and the next one begins a new manifest.
    manifest: Option<Manifest>,
    flushed: Flushed,
}

impl VersionSet {
    /// Begins a new manifest with `version` and replaces `CURRENT`.
    pub(crate) fn create(
        env: &Env,
        sealing: &Arc<dyn Sealing>,
        dir: &Path,
        numbers: &Arc<AtomicU64>,
        version: &Version,
        flushed: Flushed,
    ) -> Result<VersionSet> {
        let set = VersionSet {
            env: env.clone(),
            sealing: sealing.clone(),
            dir: dir.to_owned(),
            numbers: numbers.clone(),
            inner: Mutex::new(Inner { manifest: None, flushed }),
        };
        set.inner.lock().manifest = Some(set.begin(version, flushed)?);
        Ok(set)
    }

    fn begin(&self, version: &Version, flushed: Flushed) -> Result<Manifest> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut state = VersionEdit {
            next_number: Some(self.numbers.load(Ordering::Relaxed)),
            flushed: Some(flushed),
            ..VersionEdit::default()
        };
        for (level, files) in version.levels.iter().enumerate() {
            state.added.extend(files.iter().map(|file| AddedFile { level, number: file.number() }));
        }
        Manifest::create(&self.env, &*self.sealing, &self.dir, number, &state)
    }

    /// Makes a change durable, then visible. After an error nothing has changed that a reader sees; whether a restart
    /// sees the change is open, so its new files must stay.
    pub(crate) fn change(
        &self,
        mut edit: VersionEdit,
        added: &[Arc<SstFile>],
        views: &Views,
        flushed_mem: Option<&Arc<Memtable>>,
    ) -> Result<()> {
        let mut inner = self.inner.lock();
        let before = views.load_full().version.clone();
        let next = Arc::new(before.apply(&edit, added, &self.dir.join(CURRENT))?);
        let flushed = edit.flushed.unwrap_or(inner.flushed);
        edit.next_number = Some(self.numbers.load(Ordering::Relaxed));
        let (manifest, old) = match inner.manifest.take() {
            Some(mut manifest) if manifest.edits < EDITS_MAX => {
                manifest.append(&edit)?;
                (manifest, None)
            }
            old => (self.begin(&next, flushed)?, old),
        };
        inner.manifest = Some(manifest);
        inner.flushed = flushed;
        if let Some(old) = old {
            remove(&self.env, old.writer.path());
        }
        for &(level, number) in &edit.removed {
            let moved = edit.added.iter().any(|file| file.number == number);
            let file = before.levels.get(level).and_then(|files| files.iter().find(|f| f.number() == number));
            if let Some(file) = file.filter(|_| !moved) {
                file.retire();
            }
        }
        views.install(&next, flushed_mem);
        Ok(())
    }
}

/// Number in the name of a manifest.
pub(crate) fn manifest_number(name: &str) -> Option<u64> {
    name.strip_prefix("MANIFEST-")?.parse().ok()
}
