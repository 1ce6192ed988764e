//! Blocks as they lie in the file: kind u8 ‖ codec u8 ‖ sealed contents ‖ tag.
//!
//! Kind and codec stand in the clear, and the seal binds them together with place and length.

use super::compress::{CODEC_NONE, Compressor, decompress};
use crate::codec::Reader;
use crate::codec::put_varint;
use crate::error::{LsmError, Result};
use aurora_env::{File, FileCipher, SealError};
use std::cell::RefCell;
use std::path::Path;

/// What a block holds. Numbers are on disk; those from 16 on are kept for further kinds of data blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum BlockKind {
    Rows = 1,
    Index = 2,
    TopIndex = 3,
    Filter = 4,
    Properties = 5,
    RangeTombstones = 6,
    Footer = 7,
    Dictionary = 8,
}

impl BlockKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            BlockKind::Rows => "data block",
            BlockKind::Index => "index block",
            BlockKind::TopIndex => "top index",
            BlockKind::Filter => "filter",
            BlockKind::Properties => "properties",
            BlockKind::RangeTombstones => "range tombstones",
            BlockKind::Footer => "footer",
            BlockKind::Dictionary => "dictionary",
        }
    }
}

/// Stored bytes of blocks up to this size are read into memory that a thread keeps.
const SCRATCH_BYTES_MAX: usize = 256 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Kind and codec.
pub(super) const CLEAR_BYTES: usize = 2;

/// Plain contents stay far below what 32 bits can address.
pub(super) const CONTENTS_BYTES_MAX: usize = 1 << 31;

/// Where a block lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) offset: u64,
    /// All of its bytes, tag included; 0: there is no such block.
    pub(super) len: u32,
    /// Its number under the file's cipher.
    pub(super) number: u32,
}

impl Handle {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, u64::from(self.len));
        put_varint(out, u64::from(self.number));
    }

    #[inline]
    pub(super) fn decode(bytes: &[u8]) -> Option<Handle> {
        let mut reader = Reader::new(bytes);
        let offset = reader.varint()?;
        let len = u32::try_from(reader.varint()?).ok()?;
        let number = u32::try_from(reader.varint()?).ok()?;
        reader.is_empty().then_some(Handle { offset, len, number })
    }

    pub(super) fn exists(&self) -> bool {
        self.len != 0
    }

    /// kind ‖ codec ‖ offset u64 ‖ length u32.
    fn associated_data(&self, kind: u8, codec: u8) -> [u8; 14] {
        let mut data = [0; 14];
        data[0] = kind;
        data[1] = codec;
        data[2..10].copy_from_slice(&self.offset.to_le_bytes());
        data[10..].copy_from_slice(&self.len.to_le_bytes());
        data
    }
}

/// Appends the stored form of a block to `out`. `handle` has its place and number; its length is set here.
pub(super) fn put_block(
    out: &mut Vec<u8>,
    cipher: &dyn FileCipher,
    handle: &mut Handle,
    kind: BlockKind,
    contents: &[u8],
    compressor: Option<&mut Compressor>,
) -> Result<()> {
    let (codec, body) = match compressor.and_then(|compressor| compressor.compress(contents)) {
        Some((codec, compressed)) => (codec, compressed),
        None => (CODEC_NONE, contents),
    };
    seal_block(out, cipher, handle, (kind as u8, codec), body)
}

fn seal_block(
    out: &mut Vec<u8>,
    cipher: &dyn FileCipher,
    handle: &mut Handle,
    (kind, codec): (u8, u8),
    body: &[u8],
) -> Result<()> {
    let len = CLEAR_BYTES + body.len() + cipher.overhead_bytes();
    handle.len = u32::try_from(len).map_err(|_| LsmError::NotSupported("blocks of 4 GiB"))?;
    out.reserve(len);
    out.extend_from_slice(&[kind, codec]);
    let from = out.len();
    out.extend_from_slice(body);
    cipher.seal(u64::from(handle.number), &handle.associated_data(kind, codec), out, from);
    Ok(())
}

fn damaged(path: &Path, kind: BlockKind, offset: u64, what: &str) -> LsmError {
    LsmError::damaged(path, format!("{} at offset {offset}: {what}", kind.name()))
}

/// One table's blocks on disk.
pub(super) struct BlockFile<'a> {
    pub(super) file: &'a dyn File,
    pub(super) path: &'a Path,
    pub(super) cipher: &'a dyn FileCipher,
    pub(super) file_bytes: u64,
    /// Empty where the table has none.
    pub(super) dictionary: &'a [u8],
}

impl BlockFile<'_> {
    /// What to say of a block whose plain contents make no sense.
    pub(super) fn damaged(&self, kind: BlockKind, handle: Handle, what: &str) -> LsmError {
        damaged(self.path, kind, handle.offset, what)
    }

    /// Reads `buf` at `offset`; an early end is damage.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buf, offset).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                LsmError::damaged(self.path, format!("ends within {} bytes at offset {offset}", buf.len()))
            }
            _ => LsmError::io("read", self.path, source),
        })
    }

    /// Checks a handle before memory is taken for it.
    pub(super) fn check(&self, kind: BlockKind, handle: Handle) -> Result<()> {
        match handle.offset.checked_add(u64::from(handle.len)) {
            Some(end) if end <= self.file_bytes => Ok(()),
            _ => Err(self.damaged(kind, handle, "reaches beyond the end of the file")),
        }
    }

    /// Reads and opens a block; gives its contents.
    pub(super) fn load(&self, kind: BlockKind, handle: Handle) -> Result<Vec<u8>> {
        self.check(kind, handle)?;
        let len = handle.len as usize;
        if len > SCRATCH_BYTES_MAX {
            let mut stored = vec![0; len];
            self.read(&mut stored, handle.offset)?;
            return self.open(kind, handle, &mut stored);
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => {
                if scratch.len() < len {
                    scratch.resize(len.next_power_of_two(), 0);
                }
                let stored = scratch.get_mut(..len).unwrap_or_default();
                self.read(stored, handle.offset)?;
                self.open(kind, handle, stored)
            }
            // A file that reads blocks in order to be read.
            Err(_) => {
                let mut stored = vec![0; len];
                self.read(&mut stored, handle.offset)?;
                self.open(kind, handle, &mut stored)
            }
        })
    }

    /// Opens a block that was read already, in place; gives its contents.
    pub(super) fn open(&self, kind: BlockKind, handle: Handle, stored: &mut [u8]) -> Result<Vec<u8>> {
        let Some((&mut [found_kind, codec], sealed)) = stored.split_first_chunk_mut::<CLEAR_BYTES>() else {
            return Err(self.damaged(kind, handle, "too short"));
        };
        let data = handle.associated_data(found_kind, codec);
        let plain_bytes =
            self.cipher.open(u64::from(handle.number), &data, sealed).map_err(|error| match error {
                SealError::BadTag { .. } => self.damaged(kind, handle, "its tag does not match"),
                other => LsmError::Seal(format!("{}: {other}", self.path.display()).into()),
            })?;
        if found_kind != kind as u8 {
            // The seal holds, so a writer meant it.
            return Err(self.damaged(kind, handle, &format!("is of kind {found_kind}")));
        }
        let plain = sealed.get(..plain_bytes).unwrap_or_default();
        match decompress(codec, plain, self.dictionary) {
            Some(contents) => contents.ok_or_else(|| self.damaged(kind, handle, "does not decompress")),
            None => Err(self.damaged(kind, handle, &format!("has codec {codec}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Compression;
    use aurora_env::sim::{SimEntropy, SimFs};
    use aurora_env::{FileKind, FileSystem, PlainSealing, Sealing};
    use std::sync::Arc;

    #[test]
    fn handles_round_trip() {
        let handle = Handle { offset: u64::MAX, len: 16_000, number: u32::MAX };
        let mut bytes = Vec::new();
        handle.encode(&mut bytes);
        assert_eq!(Handle::decode(&bytes), Some(handle));
        bytes.push(0);
        assert_eq!(Handle::decode(&bytes), None);
    }

    /// What a faulty writer sealed is damage with the place named, not a panic.
    #[test]
    fn a_sealed_block_that_does_not_decompress_is_damage() {
        let sealing = PlainSealing::new([3; 16], Arc::new(SimEntropy::new(5)));
        let (_, cipher) = sealing.new_file(FileKind::Sst, 3).unwrap();
        let fs = SimFs::new(1);
        fs.create_dir_all(Path::new("/d")).unwrap();
        let path = Path::new("/d/1.sst");
        let file = fs.create(path).unwrap();
        let blocks =
            BlockFile { file: &*file, path, cipher: &*cipher, file_bytes: 1 << 20, dictionary: b"one row" };
        let mut compressor = Compressor::new(Compression::Zstd).unwrap();
        let rows: Vec<u8> = (0..300u32).flat_map(|n| (n * n % 1000).to_be_bytes()).collect();
        let (codec, frame) = compressor.compress(&rows).unwrap();
        let open = |codec: u8, body: &[u8]| {
            let mut handle = Handle { offset: 64, len: 0, number: 1 };
            let mut stored = Vec::new();
            seal_block(&mut stored, &*cipher, &mut handle, (BlockKind::Rows as u8, codec), body).unwrap();
            blocks.open(BlockKind::Rows, handle, &mut stored)
        };
        assert_eq!(open(codec, frame).unwrap(), rows);
        for cut in 0..frame.len() {
            for codec in 1..=5 {
                let error = open(codec, &frame[..cut]).unwrap_err();
                let text = error.to_string();
                assert!(error.is_damage() && text.contains("offset 64"), "{cut} {codec}: {text}");
            }
        }
        for at in 0..frame.len() {
            let mut bad = frame.to_vec();
            bad[at] ^= 0x55;
            if let Err(error) = open(codec, &bad) {
                assert!(error.is_damage(), "{error}");
            }
        }
    }
}
