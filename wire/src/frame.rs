//! Frames in: bytes from the socket become packets.
//!
//! One buffer per connection. A packet of one frame is borrowed from it without a copy; chained frames of 16 MiB are
//! joined with one copy. Nothing is allocated on the word of a header: memory grows with the bytes that arrive.

use crate::constants::{FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD};

/// Why a byte stream is no longer readable; the connection ends after the ERR packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// MySQL: 1153.
    #[error("packet is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    /// MySQL: 1156.
    #[error("packet has sequence number {got}, expected {expected}")]
    OutOfOrder { expected: u8, got: u8 },
    /// A compressed frame does not hold what it says (MySQL: 1157).
    #[error("compressed packet cannot be read")]
    BadCompression,
}

const READ_CHUNK_BYTES: usize = 4 * 1024;
const READ_CHUNK_LARGE_BYTES: usize = 256 * 1024;
/// A buffer above this size is given back once it is empty.
const KEPT_BYTES: usize = 32 * 1024;

/// Splits a byte stream into packets.
#[derive(Debug)]
pub struct FrameReader {
    buf: Vec<u8>,
    /// Bytes of `buf` before this are consumed.
    start: usize,
    /// Bytes of `buf` that hold data; behind them is room to read into.
    filled: usize,
    /// Payload of full 16 MiB frames seen so far of a chained packet.
    joined: Vec<u8>,
    joining: bool,
    limit_bytes: usize,
    expected: u8,
    /// Compressed connections number their outer frames; the inner numbers follow no rule there.
    check_sequence: bool,
}

/// Where the packet returned by [`FrameReader::next_packet`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketAt {
    Buffer { from: usize, to: usize },
    Joined,
}

impl FrameReader {
    /// `limit_bytes`: largest payload accepted (chained frames together).
    pub fn new(limit_bytes: usize) -> FrameReader {
        FrameReader {
            buf: Vec::new(),
            start: 0,
            filled: 0,
            joined: Vec::new(),
            joining: false,
            limit_bytes,
            expected: 0,
            check_sequence: true,
        }
    }

    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    pub fn set_check_sequence(&mut self, check: bool) {
        self.check_sequence = check;
    }

    /// A command starts: its first packet has number 0.
    pub fn start_command(&mut self) {
        self.expected = 0;
    }

    /// Number of the next packet of the exchange, whichever side sends it.
    pub fn sequence(&self) -> u8 {
        self.expected
    }

    /// The other side has sent packets; the next one in has this number.
    pub fn set_sequence(&mut self, expected: u8) {
        self.expected = expected;
    }

    /// Room to read into; never empty. Call [`FrameReader::filled`] with what was read.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.start == self.filled {
            self.start = 0;
            self.filled = 0;
        }
        let wanted =
            if self.pending_bytes() > READ_CHUNK_BYTES { READ_CHUNK_LARGE_BYTES } else { READ_CHUNK_BYTES };
        if self.buf.len() - self.filled < READ_CHUNK_BYTES {
            if self.start > 0 {
                self.buf.copy_within(self.start..self.filled, 0);
                self.filled -= self.start;
                self.start = 0;
            }
            if self.buf.len() - self.filled < wanted {
                self.buf.resize((self.filled + wanted).max(self.buf.len()), 0);
            }
        }
        &mut self.buf[self.filled..]
    }

    /// `n` bytes were read into the slice that [`FrameReader::spare`] gave.
    pub fn filled(&mut self, n: usize) {
        debug_assert!(self.filled + n <= self.buf.len());
        self.filled = (self.filled + n).min(self.buf.len());
    }

    /// Appends bytes that came another way (decompression, tests).
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.spare();
            let n = room.len().min(bytes.len());
            room[..n].copy_from_slice(&bytes[..n]);
            self.filled(n);
            bytes = &bytes[n..];
        }
    }

    /// Bytes read that belong to no packet yet.
    pub fn pending_bytes(&self) -> usize {
        self.filled - self.start
    }

    /// Takes the bytes behind the last packet out of the reader: after an SSLRequest they belong to TLS.
    pub fn take_pending(&mut self) -> Vec<u8> {
        let bytes = self.buf[self.start..self.filled].to_vec();
        self.start = 0;
        self.filled = 0;
        bytes
    }

    /// The next whole packet, or `None` when more bytes are needed. The packet stays valid until the next call of
    /// any `&mut` method but [`FrameReader::payload`].
    ///
    /// # Errors
    /// 1153 above the limit, 1156 out of order; the stream is unusable afterwards.
    pub fn next_packet(&mut self) -> Result<Option<PacketAt>, FrameError> {
        if !self.joining && self.joined.capacity() > 0 {
            self.joined = Vec::new();
        }
        loop {
            let data = &self.buf[self.start..self.filled];
            let Some((&[a, b, c, sequence], body)) = data.split_first_chunk::<FRAME_HEADER_BYTES>() else {
                return Ok(None);
            };
            let len = u32::from_le_bytes([a, b, c, 0]) as usize;
            if self.check_sequence && sequence != self.expected {
                return Err(FrameError::OutOfOrder { expected: self.expected, got: sequence });
            }
            if len + self.joined.len() > self.limit_bytes {
                // The answer that says so follows this packet's number.
                self.expected = sequence.wrapping_add(1);
                return Err(FrameError::TooLarge { limit_bytes: self.limit_bytes });
            }
            if len < MAX_FRAME_PAYLOAD && !self.joining {
                if body.len() < len {
                    return Ok(None);
                }
                let from = self.start + FRAME_HEADER_BYTES;
                self.start = from + len;
                self.expected = sequence.wrapping_add(1);
                return Ok(Some(PacketAt::Buffer { from, to: from + len }));
            }
            if body.len() < len {
                return Ok(None);
            }
            self.joined.extend_from_slice(&body[..len]);
            self.start += FRAME_HEADER_BYTES + len;
            self.expected = sequence.wrapping_add(1);
            self.joining = len == MAX_FRAME_PAYLOAD;
            if !self.joining {
                return Ok(Some(PacketAt::Joined));
            }
        }
    }

    /// The bytes of a packet that [`FrameReader::next_packet`] returned last.
    pub fn payload(&self, at: PacketAt) -> &[u8] {
        match at {
            PacketAt::Buffer { from, to } => self.buf.get(from..to).unwrap_or(&[]),
            PacketAt::Joined => &self.joined,
        }
    }

    /// Gives all memory back that holds nothing.
    pub fn give_back(&mut self) {
        self.shrink();
        if self.filled == 0 {
            self.buf = Vec::new();
        }
    }

    /// Gives memory back between commands.
    pub fn shrink(&mut self) {
        if !self.joining {
            self.joined = Vec::new();
        }
        if self.start == self.filled {
            self.start = 0;
            self.filled = 0;
            if self.buf.len() > KEPT_BYTES {
                self.buf = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8], sequence: u8) -> Vec<u8> {
        let mut out = (payload.len() as u32).to_le_bytes()[..3].to_vec();
        out.push(sequence);
        out.extend_from_slice(payload);
        out
    }

    fn next(reader: &mut FrameReader) -> Option<Vec<u8>> {
        let at = reader.next_packet().unwrap()?;
        Some(reader.payload(at).to_vec())
    }

    #[test]
    fn packets_arrive_one_byte_at_a_time_and_all_at_once() {
        let mut bytes = frame(b"hello", 0);
        bytes.extend(frame(b"", 1));
        bytes.extend(frame(b"pipelined", 2));
        let expected = [b"hello".to_vec(), Vec::new(), b"pipelined".to_vec()];
        let mut reader = FrameReader::new(100);
        let mut got = Vec::new();
        for byte in &bytes {
            reader.feed(&[*byte]);
            got.extend(next(&mut reader));
        }
        assert_eq!(got, expected);
        let mut reader = FrameReader::new(100);
        reader.feed(&bytes);
        let got: Vec<_> = std::iter::from_fn(|| next(&mut reader)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn chained_frames_are_joined_and_a_full_frame_waits_for_its_empty_trailer() {
        for extra in [0usize, 1, 5] {
            let mut payload = vec![7u8; MAX_FRAME_PAYLOAD];
            let tail = vec![9u8; extra];
            let mut reader = FrameReader::new(1 << 25);
            reader.feed(&frame(&payload, 0));
            assert_eq!(reader.next_packet(), Ok(None));
            reader.feed(&frame(&tail, 1));
            payload.extend(&tail);
            assert_eq!(next(&mut reader).as_deref(), Some(payload.as_slice()));
            assert_eq!(reader.sequence(), 2);
            reader.start_command();
            reader.feed(&frame(b"x", 0));
            assert_eq!(next(&mut reader).as_deref(), Some(b"x".as_slice()));
        }
    }

    #[test]
    fn one_byte_below_a_full_frame_is_a_packet_of_its_own() {
        let mut reader = FrameReader::new(1 << 25);
        reader.feed(&frame(&vec![1u8; MAX_FRAME_PAYLOAD - 1], 0));
        assert_eq!(next(&mut reader).map(|packet| packet.len()), Some(MAX_FRAME_PAYLOAD - 1));
    }

    #[test]
    fn a_header_above_the_limit_is_refused_before_its_payload_arrives() {
        let mut reader = FrameReader::new(64 * 1024);
        reader.feed(&[0xFF, 0xFF, 0xFF, 0]);
        assert_eq!(reader.next_packet(), Err(FrameError::TooLarge { limit_bytes: 64 * 1024 }));
        assert!(reader.buf.capacity() < 64 * 1024);
    }

    #[test]
    fn the_sequence_is_checked_within_a_chain_and_wraps_at_255() {
        let mut reader = FrameReader::new(1 << 26);
        reader.set_sequence(255);
        reader.feed(&frame(b"a", 255));
        assert_eq!(next(&mut reader).as_deref(), Some(b"a".as_slice()));
        assert_eq!(reader.sequence(), 0);
        reader.feed(&frame(b"b", 7));
        assert_eq!(reader.next_packet(), Err(FrameError::OutOfOrder { expected: 0, got: 7 }));

        let mut reader = FrameReader::new(1 << 26);
        reader.feed(&frame(&vec![0; MAX_FRAME_PAYLOAD], 0));
        reader.feed(&frame(b"", 9));
        assert_eq!(reader.next_packet(), Err(FrameError::OutOfOrder { expected: 1, got: 9 }));
    }

    #[test]
    fn idle_buffers_shrink() {
        let mut reader = FrameReader::new(1 << 25);
        reader.feed(&frame(&vec![1u8; 1 << 20], 0));
        assert!(next(&mut reader).is_some());
        reader.shrink();
        assert_eq!(reader.buf.capacity(), 0);
    }
}
