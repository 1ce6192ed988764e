//! Dump files, packed or not.

use super::MigrateError;
use super::piped::Piped;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes that pass, for the progress bar.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// An open dump.
pub struct Source {
    /// The name that progress is kept under.
    pub name: String,
    /// For messages.
    pub place: String,
    /// The unpacked bytes.
    pub reader: Box<dyn BufRead>,
    /// Size of the file (0: unknown), and how much of it has been read.
    pub file_bytes: u64,
    pub read_bytes: Arc<AtomicU64>,
    /// Whether it has the same bytes next time, so that a load can go on in it.
    pub repeatable: bool,
}

/// Opens a dump; its packing is known by its first bytes, not by its name.
pub fn open(path: &Path) -> Result<Source, MigrateError> {
    let io = |source| MigrateError::Io { path: path.display().to_string(), source };
    let mut file = File::open(path).map_err(io)?;
    let file_bytes = file.metadata().map_err(io)?.len();
    let mut magic = [0u8; 6];
    let mut have = 0;
    while have < magic.len() {
        match file.read(&mut magic[have..]).map_err(io)? {
            0 => break,
            n => have += n,
        }
    }
    let file = File::open(path).map_err(io)?;
    let read_bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: file, bytes: read_bytes.clone() };
    let buffered =
        |inner: Box<dyn Read>| -> Box<dyn BufRead> { Box::new(BufReader::with_capacity(1 << 20, inner)) };
    let reader = match &magic[..have] {
        [0x1f, 0x8b, ..] => buffered(Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(counted)))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            buffered(Box::new(zstd::stream::read::Decoder::new(counted).map_err(io)?))
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let mut xz = Command::new("xz");
            xz.args(["--decompress", "--stdout"]);
            let place = counted.inner.try_clone().map_err(io)?;
            xz.stdin(counted.inner);
            buffered(Box::new(Piped::new(xz, Some((place, read_bytes.clone())))?))
        }
        _ => buffered(Box::new(counted)),
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let place = path.display().to_string();
    Ok(Source { name, place, reader, file_bytes, read_bytes, repeatable: true })
}
