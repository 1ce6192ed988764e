//! Small files of the data folder that are secrets or lie beside some.

use crate::failure::Failure;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Owner = 0o600,
    Everybody = 0o644,
}

/// Writes a file whole or not at all, and durably.
///
/// # Errors
/// I/O, with the path.
pub fn write(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), Failure> {
    let temp = path.with_extension("tmp");
    let attempt = || -> std::io::Result<()> {
        // One of an earlier start may have other rights.
        match std::fs::remove_file(&temp) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode as u32).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temp, path)?;
        match path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    attempt().map_err(|error| Failure::io("write", path, &error))
}
