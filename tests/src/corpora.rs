//! Real dumps with their checks.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of `AURORA_CORPORA` (default `../shared/corpora`), or `None` with a word about it: then tests use our
/// own generated data only.
pub fn corpora_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("AURORA_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"), PathBuf::from);
    if dir.join("checks.tsv").is_file() {
        return Some(dir);
    }
    eprintln!("no corpora at {} (AURORA_CORPORA): the shop schema of our own stands in", dir.display());
    None
}

/// Contents of a gzip file, by the system's gzip.
pub fn read_gz_with_system_tool(path: &Path) -> Vec<u8> {
    let output = Command::new("gzip").arg("-dc").arg(path).output().expect("gzip");
    assert!(output.status.success(), "{} does not unpack", path.display());
    output.stdout
}
