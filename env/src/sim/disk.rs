//! What the simulated disk holds: for every file its durable bytes and those the operating system still has in
//! memory; for every folder its durable names and the changes since.

use super::SimRng;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) const SECTOR: usize = 512;

pub(super) type Inode = u64;

/// One file. `current` is what reads see; `durable` is what is left if nothing else reaches the disk.
#[derive(Clone, Default)]
pub(super) struct FileData {
    pub(super) current: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// Sectors that differ in memory and may or may not reach the disk.
    pub(super) dirty: BTreeSet<usize>,
}

impl FileData {
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.current.len() < end {
            self.mark(self.current.len(), end);
            self.current.resize(end, 0);
        }
        self.mark(offset, end);
        self.current[offset..end].copy_from_slice(bytes);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.mark(self.current.len().min(len), self.current.len().max(len));
        self.current.resize(len, 0);
    }

    fn mark(&mut self, from: usize, to: usize) {
        if from < to {
            self.dirty.extend(from / SECTOR..=(to - 1) / SECTOR);
        }
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.current.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            copy_sector(&self.current, &mut self.durable, sector);
        }
    }

    /// A failed sync marks pages clean that never reached the disk: a retry would lie.
    pub(super) fn fail_sync(&mut self, rng: &mut SimRng) {
        for sector in std::mem::take(&mut self.dirty) {
            if rng.chance(2) {
                grow_to(&mut self.durable, self.current.len().min((sector + 1) * SECTOR));
                copy_sector(&self.current, &mut self.durable, sector);
            }
        }
    }

    /// Each unsynced sector is old or new.
    fn crash(&mut self, rng: &mut SimRng) {
        let len = if rng.chance(2) || self.current.len() < self.durable.len() {
            self.current.len().max(self.durable.len())
        } else {
            let grown = self.current.len() - self.durable.len();
            self.durable.len() + rng.below(grown as u64 + 1) as usize
        };
        self.durable.resize(len, 0);
        for sector in std::mem::take(&mut self.dirty) {
            if rng.chance(2) {
                copy_sector(&self.current, &mut self.durable, sector);
            }
        }
        self.current = self.durable.clone();
    }
}

fn grow_to(bytes: &mut Vec<u8>, len: usize) {
    if bytes.len() < len {
        bytes.resize(len, 0);
    }
}

fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR;
    let end = (start + SECTOR).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

#[derive(Clone)]
enum NameChange {
    Link(String, Inode),
    Unlink(String),
    Rename(String, String),
}

/// One folder: a crash keeps a prefix of the changes since its last sync (a journal keeps their order).
#[derive(Clone, Default)]
pub(super) struct Folder {
    pub(super) current: BTreeMap<String, Inode>,
    durable: BTreeMap<String, Inode>,
    changes: Vec<NameChange>,
}

fn apply(names: &mut BTreeMap<String, Inode>, change: &NameChange) {
    match change {
        NameChange::Link(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Unlink(name) => {
            names.remove(name);
        }
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl Folder {
    fn change(&mut self, change: NameChange) {
        apply(&mut self.current, &change);
        self.changes.push(change);
    }

    pub(super) fn link(&mut self, name: &str, inode: Inode) {
        self.change(NameChange::Link(name.to_owned(), inode));
    }

    pub(super) fn unlink(&mut self, name: &str) {
        self.change(NameChange::Unlink(name.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.change(NameChange::Rename(from.to_owned(), to.to_owned()));
    }

    pub(super) fn sync(&mut self) {
        self.changes.clear();
        self.durable = self.current.clone();
    }

    fn crash(&mut self, rng: &mut SimRng) {
        let kept = rng.below(self.changes.len() as u64 + 1) as usize;
        for change in self.changes.drain(..).take(kept) {
            apply(&mut self.durable, &change);
        }
        self.current = self.durable.clone();
    }
}

/// Faults that a test has ordered.
#[derive(Clone, Debug, Default)]
pub struct SimFaults {
    /// The machine dies at this many more changing operations (write, sync, create, rename, remove).
    pub crash_after: Option<u64>,
    /// This many syncs from now, one fails.
    pub fail_sync_after: Option<u64>,
    /// Bytes that all files together may have.
    pub capacity_bytes: Option<u64>,
}

#[derive(Default)]
pub(super) struct Disk {
    pub(super) files: BTreeMap<Inode, FileData>,
    pub(super) folders: BTreeMap<PathBuf, Folder>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) faults: SimFaults,
    pub(super) dead: bool,
    /// Raised by every crash: handles of a former life are refused.
    pub(super) life: u64,
    pub(super) operations: u64,
    pub(super) next_inode: Inode,
    pub(super) used_bytes: u64,
}

impl Disk {
    pub(super) fn crash(&mut self, rng: &mut SimRng) {
        for folder in self.folders.values_mut() {
            folder.crash(rng);
        }
        for file in self.files.values_mut() {
            file.crash(rng);
        }
        let linked: BTreeSet<Inode> =
            self.folders.values().flat_map(|folder| folder.current.values().copied()).collect();
        self.files.retain(|inode, _| linked.contains(inode));
        self.used_bytes = self.files.values().map(|file| file.current.len() as u64).sum();
        self.locks.clear();
        self.dead = false;
        self.faults.crash_after = None;
        self.faults.fail_sync_after = None;
        self.life += 1;
    }

    pub(super) fn inode(&self, path: &Path) -> Option<Inode> {
        let folder = self.folders.get(path.parent()?)?;
        folder.current.get(path.file_name()?.to_str()?).copied()
    }

    pub(super) fn drop_if_unlinked(&mut self, inode: Inode) {
        // A removed file stays readable through open handles; a crash or the end of the test frees it.
        let linked = self.folders.values().any(|f| f.current.values().any(|&i| i == inode));
        if !linked && let Some(file) = self.files.get(&inode) {
            self.used_bytes = self.used_bytes.saturating_sub(file.current.len() as u64);
        }
    }
}
