//! The data folder: whose it is, which format, and that nobody else has it open.
//!
//! `AURORA` is text, so that a person can read it: a line `AuroraDB data folder`, then `format = N` and
//! `instance = 32 hex digits`. Whoever needs the instance id for its keys opens the folder first and hands it on.

use crate::error::{LsmError, Result};
use aurora_env::{DirLock, Env};
use std::path::{Path, PathBuf};

/// Format of the folder as a whole; a change that older versions cannot read raises it.
pub const DATA_FORMAT: u32 = 1;
const TITLE: &str = "AuroraDB data folder";

/// An open data folder. Holds the lock until it is dropped (a read-only one too: no writer may run beside it).
pub struct DataDir {
    path: PathBuf,
    instance_id: [u8; 16],
    fresh: bool,
    _lock: Box<dyn DirLock>,
}

impl DataDir {
    /// Opens the folder and creates it if there is none.
    ///
    /// # Errors
    /// [`LsmError::InUse`], [`LsmError::NotOurs`], [`LsmError::NewerFormat`], [`LsmError::Damaged`], and I/O.
    pub fn open(path: &Path, env: &Env) -> Result<DataDir> {
        let fs = &env.fs;
        fs.create_dir_all(path).map_err(|e| LsmError::io("create", path, e))?;
        let aurora = path.join("AURORA");
        let mut entries = fs.list(path).map_err(|e| LsmError::io("list", path, e))?;
        entries.retain(|name| !matches!(name.as_str(), "LOCK" | "AURORA.tmp" | "lost+found" | "tmp"));
        let exists = entries.iter().any(|name| name == "AURORA");
        // Keys, certificates and the first password may lie there before storage is opened for the first time.
        entries.retain(|name| {
            !matches!(name.as_str(), "keys" | "tls" | "audit" | "root-password" | "AURORA" | "aurora.toml")
        });
        if !exists && !entries.is_empty() {
            return Err(LsmError::NotOurs(path.to_owned()));
        }
        let lock = Self::lock(path, env)?;
        let instance_id = if exists {
            Self::read(&aurora, env)?
        } else {
            let mut id = [0u8; 16];
            env.entropy.fill(&mut id);
            Self::write(path, &id, env)?;
            id
        };
        for sub in ["wal", "sst", "tmp"] {
            let dir = path.join(sub);
            fs.create_dir_all(&dir).map_err(|e| LsmError::io("create", &dir, e))?;
        }
        fs.sync_dir(path).map_err(|e| LsmError::io("sync", path, e))?;
        Ok(DataDir { path: path.to_owned(), instance_id, fresh: !exists, _lock: lock })
    }

    /// Opens a folder that must exist, and writes nothing but the lock.
    pub fn open_existing(path: &Path, env: &Env) -> Result<DataDir> {
        let aurora = path.join("AURORA");
        if !env.fs.exists(&aurora).map_err(|e| LsmError::io("find", &aurora, e))? {
            return Err(LsmError::NotOurs(path.to_owned()));
        }
        let lock = Self::lock(path, env)?;
        let instance_id = Self::read(&aurora, env)?;
        Ok(DataDir { path: path.to_owned(), instance_id, fresh: false, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The random id of the instance that this folder belongs to.
    pub fn instance_id(&self) -> [u8; 16] {
        self.instance_id
    }

    /// Whether this call created it.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    fn lock(path: &Path, env: &Env) -> Result<Box<dyn DirLock>> {
        let file = path.join("LOCK");
        env.fs.lock(&file).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => LsmError::InUse(path.to_owned()),
            _ => LsmError::io("lock", &file, e),
        })
    }

    fn write(dir: &Path, id: &[u8; 16], env: &Env) -> Result<()> {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("{TITLE}\nformat = {DATA_FORMAT}\ninstance = {hex}\n");
        write_atomically(dir, "AURORA", text.as_bytes(), env)
    }

    fn read(path: &Path, env: &Env) -> Result<[u8; 16]> {
        let bytes = read_small(path, 4096, env)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| LsmError::damaged(path, "it is not text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(LsmError::damaged(path, "its first line is not ours"));
        }
        let (mut format, mut instance) = (None, None);
        for line in lines {
            match line.split_once(" = ") {
                Some(("format", value)) => format = value.parse::<u32>().ok(),
                Some(("instance", value)) => instance = parse_hex16(value),
                _ => {}
            }
        }
        let found = format.ok_or_else(|| LsmError::damaged(path, "it names no format"))?;
        if found > DATA_FORMAT {
            return Err(LsmError::NewerFormat { path: path.to_owned(), found, newest: DATA_FORMAT });
        }
        instance.ok_or_else(|| LsmError::damaged(path, "it names no instance"))
    }
}

fn parse_hex16(text: &str) -> Option<[u8; 16]> {
    let mut id = [0u8; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(id)
}

/// Reads a whole small file; damage where it is larger than `max_bytes`.
pub(crate) fn read_small(path: &Path, max_bytes: u64, env: &Env) -> Result<Vec<u8>> {
    let file = env.fs.open(path).map_err(|e| LsmError::io("open", path, e))?;
    let len = file.len().map_err(|e| LsmError::io("read", path, e))?;
    if len > max_bytes {
        return Err(LsmError::damaged(path, "it is too long"));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(|e| LsmError::io("read", path, e))?;
    Ok(bytes)
}

/// Writes `name` by way of `name.tmp`, so that a crash leaves the old or the new contents.
pub(crate) fn write_atomically(dir: &Path, name: &str, bytes: &[u8], env: &Env) -> Result<()> {
    let (temp, target) = (dir.join(format!("{name}.tmp")), dir.join(name));
    let fs = &env.fs;
    if fs.exists(&temp).map_err(|e| LsmError::io("find", &temp, e))? {
        fs.remove(&temp).map_err(|e| LsmError::io("remove", &temp, e))?;
    }
    let file = fs.create(&temp).map_err(|e| LsmError::io("create", &temp, e))?;
    file.write_all_at(bytes, 0).map_err(|e| LsmError::io("write", &temp, e))?;
    file.sync_data().map_err(|e| LsmError::io("sync", &temp, e))?;
    fs.rename(&temp, &target).map_err(|e| LsmError::io("rename", &temp, e))?;
    fs.sync_dir(dir).map_err(|e| LsmError::io("sync", dir, e))
}
