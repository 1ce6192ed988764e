//! The compressed protocol: frames of zlib or zstd around the stream of packets.
//!
//! Frames do not respect packets: a frame holds part of one, or many. They have numbers of their own.

use crate::constants::{Capabilities, MAX_FRAME_PAYLOAD};
use crate::frame::{FrameError, FrameReader};
use std::io::{self, Read, Write};

/// Length u24, sequence u8, length before compression u24 (0: stored as it is).
const HEADER_BYTES: usize = 7;
/// Shorter contents are stored: compressing them gains nothing.
const MIN_COMPRESSED_BYTES: usize = 50;
const READ_CHUNK_BYTES: usize = 16 * 1024;
/// Buffers above this size are given back once they are empty.
const KEPT_BYTES: usize = 64 * 1024;
/// zstd's levels above this cost more of the server than a client should ask for.
const MAX_ZSTD_LEVEL: i32 = 12;
const ZLIB_LEVEL: u32 = 6;

/// How the contents of frames are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Zlib,
    Zstd { level: i32 },
}

impl Method {
    /// What both sides agreed on; zlib goes first, as in MySQL.
    pub fn agreed(common: Capabilities, zstd_level: u8) -> Option<Method> {
        if common.has(Capabilities::COMPRESS) {
            Some(Method::Zlib)
        } else if common.has(Capabilities::ZSTD_COMPRESSION) {
            Some(Method::Zstd { level: i32::from(zstd_level).clamp(1, MAX_ZSTD_LEVEL) })
        } else {
            None
        }
    }

    /// Appends the compressed bytes.
    fn pack(self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Method::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(out, flate2::Compression::new(ZLIB_LEVEL));
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
            Method::Zstd { level } => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
        }
        Ok(())
    }

    /// Exactly `len` bytes or an error; memory grows with what comes out, not with what a header says.
    fn unpack(self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        let limit = len as u64 + 1;
        match self {
            Method::Zlib => flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut plain)?,
            Method::Zstd { .. } => {
                zstd::stream::read::Decoder::new(bytes)?.take(limit).read_to_end(&mut plain)?
            }
        };
        if plain.len() == len { Ok(plain) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Both directions of a compressed connection.
#[derive(Debug)]
pub struct Compression {
    method: Method,
    buf: Vec<u8>,
    filled: usize,
    packed: Vec<u8>,
    /// Number of the next frame, whichever side sends it.
    sequence: u8,
}

impl Compression {
    pub fn new(method: Method) -> Compression {
        Compression { method, buf: Vec::new(), filled: 0, packed: Vec::new(), sequence: 0 }
    }

    /// A command starts: its first frame has number 0. Frames already here keep theirs.
    pub fn start_command(&mut self) {
        self.sequence = 0;
    }

    /// Room to read into; never empty. Call [`Compression::filled`] with what was read.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.buf.len() - self.filled < READ_CHUNK_BYTES {
            self.buf.resize(self.filled + READ_CHUNK_BYTES.max(self.filled / 2), 0);
        }
        &mut self.buf[self.filled..]
    }

    /// `n` bytes were read: whole frames go to `frames`, decompressed.
    ///
    /// # Errors
    /// 1156 for frames out of order, 1157 for contents that are not what the header says.
    pub fn filled(&mut self, n: usize, frames: &mut FrameReader) -> Result<(), FrameError> {
        self.filled = (self.filled + n).min(self.buf.len());
        let mut start = 0;
        while let Some(frame) = self.buf[..self.filled].get(start..start + HEADER_BYTES) {
            let packed_len = u24(&frame[..3]);
            let plain_len = u24(&frame[4..]);
            let sequence = frame[3];
            let body_start = start + HEADER_BYTES;
            let Some(body) = self.buf[..self.filled].get(body_start..body_start + packed_len) else { break };
            // A client may send a command while the answer to the one before is on its way: its number is 0 then.
            if sequence != self.sequence && sequence != 0 {
                return Err(FrameError::OutOfOrder { expected: self.sequence, got: sequence });
            }
            self.sequence = sequence.wrapping_add(1);
            if plain_len == 0 {
                frames.feed(body);
            } else {
                frames.feed(&self.method.unpack(body, plain_len).map_err(|_| FrameError::BadCompression)?);
            }
            start = body_start + packed_len;
        }
        self.buf.copy_within(start..self.filled, 0);
        self.filled -= start;
        if self.filled == 0 && self.buf.len() > KEPT_BYTES {
            self.buf = Vec::new();
        }
        Ok(())
    }

    /// Wraps packets into frames, ready to be written.
    ///
    /// # Errors
    /// When the compressor fails, for want of memory.
    pub fn pack(&mut self, packets: &[u8]) -> io::Result<&[u8]> {
        if self.packed.capacity() > 4 * KEPT_BYTES {
            self.packed = Vec::new();
        }
        self.packed.clear();
        for chunk in packets.chunks(MAX_FRAME_PAYLOAD) {
            let start = self.packed.len();
            self.packed.extend_from_slice(&[0; HEADER_BYTES]);
            let body = start + HEADER_BYTES;
            let mut plain_len = 0;
            if chunk.len() >= MIN_COMPRESSED_BYTES {
                self.method.pack(chunk, &mut self.packed)?;
                plain_len = chunk.len();
            }
            if plain_len == 0 || self.packed.len() - body >= chunk.len() {
                self.packed.truncate(body);
                self.packed.extend_from_slice(chunk);
                plain_len = 0;
            }
            let packed_len = self.packed.len() - body;
            self.packed[start..start + 3].copy_from_slice(&(packed_len as u32).to_le_bytes()[..3]);
            self.packed[start + 3] = self.sequence;
            self.packed[start + 4..body].copy_from_slice(&(plain_len as u32).to_le_bytes()[..3]);
            self.sequence = self.sequence.wrapping_add(1);
        }
        Ok(&self.packed)
    }
}

fn u24(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 2] = [Method::Zlib, Method::Zstd { level: 3 }];

    /// Frames of one side, `step` bytes at a time into the other.
    fn pass(method: Method, bytes: &[u8], step: usize) -> Result<Vec<u8>, FrameError> {
        let mut receiver = Compression::new(method);
        let mut frames = FrameReader::new(usize::MAX / 2);
        for piece in bytes.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let room = receiver.spare();
                let n = room.len().min(rest.len());
                room[..n].copy_from_slice(&rest[..n]);
                receiver.filled(n, &mut frames)?;
                rest = &rest[n..];
            }
        }
        Ok(frames.take_pending())
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        for method in METHODS {
            // zlib is slow without optimization; how frames are split does not depend on the method.
            let last = if method == Method::Zlib { 300_000 } else { MAX_FRAME_PAYLOAD + 9 };
            for len in [1usize, 49, 50, 5000, last] {
                let mut plain = b"aaaabbbbbbbccccccccc".repeat(len / 20 + 1);
                plain.truncate(len);
                let mut sender = Compression::new(method);
                let packed = sender.pack(&plain).unwrap().to_vec();
                assert!(len < 5000 || packed.len() < len / 2);
                let step = if len > 5000 { 60_000 } else { 1 };
                assert!(pass(method, &packed, step).unwrap() == plain, "{method:?} {len}");
            }
        }
    }

    #[test]
    fn contents_that_do_not_shrink_are_stored() {
        let noise: Vec<u8> = (0..200u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut sender = Compression::new(Method::Zlib);
        assert_eq!(sender.pack(&noise).unwrap()[..7], [200, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sender.pack(b"short").unwrap()[..7], [5, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_bomb_ends_where_its_header_ends() {
        for method in METHODS {
            let mut body = Vec::new();
            method.pack(&vec![0; 1 << 20], &mut body).unwrap();
            for says in [0x10u32, 0xFF_FFFF] {
                let mut frame = (body.len() as u32).to_le_bytes()[..3].to_vec();
                frame.push(0);
                frame.extend(&says.to_le_bytes()[..3]);
                frame.extend(&body);
                assert_eq!(pass(method, &frame, frame.len()), Err(FrameError::BadCompression));
            }
        }
    }

    #[test]
    fn garbage_and_wrong_numbers_are_refused() {
        for method in METHODS {
            assert_eq!(pass(method, &[3, 0, 0, 0, 9, 0, 0, 1, 2, 3], 1), Err(FrameError::BadCompression));
            let out_of_order = FrameError::OutOfOrder { expected: 0, got: 5 };
            assert_eq!(pass(method, &[1, 0, 0, 5, 0, 0, 0, 1], 3), Err(out_of_order));
        }
    }

    #[test]
    fn zlib_is_preferred_and_levels_are_bounded() {
        let agreed = |flags, level| Method::agreed(Capabilities(flags), level);
        assert_eq!(agreed(0, 3), None);
        assert_eq!(agreed(Capabilities::COMPRESS | Capabilities::ZSTD_COMPRESSION, 3), Some(Method::Zlib));
        assert_eq!(agreed(Capabilities::ZSTD_COMPRESSION, 0), Some(Method::Zstd { level: 1 }));
        assert_eq!(agreed(Capabilities::ZSTD_COMPRESSION, 200), Some(Method::Zstd { level: MAX_ZSTD_LEVEL }));
    }
}
