//! Packets out: one buffer per connection, encoded in place.

use crate::constants::{FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD};

/// A buffer above this size is given back once it is written: room for a flush's worth and a large row.
const KEPT_BYTES: usize = 1024 * 1024;
/// What an idle connection keeps.
const IDLE_BYTES: usize = 64 * 1024;

/// Packets waiting to be written, whole frames one behind the other.
#[derive(Debug, Default)]
pub struct OutBuffer {
    buf: Vec<u8>,
    /// Where the header of the open packet is.
    packet_start: usize,
    sequence: u8,
}

/// A state of an [`OutBuffer`] to go back to, until it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    len: usize,
    sequence: u8,
}

impl OutBuffer {
    pub fn new() -> OutBuffer {
        OutBuffer::default()
    }

    /// Number of the next packet.
    pub fn sequence(&self) -> u8 {
        self.sequence
    }

    pub fn set_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Opens a packet: reserves its header.
    pub fn begin_packet(&mut self) {
        self.packet_start = self.buf.len();
        self.buf.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    }

    /// Closes the open packet: patches the header and splits payloads of 16 MiB and more, with an empty last frame
    /// behind a payload that is a whole multiple.
    pub fn end_packet(&mut self) {
        let start = self.packet_start;
        let payload = self.buf.len() - start - FRAME_HEADER_BYTES;
        if payload < MAX_FRAME_PAYLOAD {
            self.write_header(start, payload);
            return;
        }
        let full = payload / MAX_FRAME_PAYLOAD;
        let payload_start = start + FRAME_HEADER_BYTES;
        let old_end = self.buf.len();
        self.buf.resize(old_end + full * FRAME_HEADER_BYTES, 0);
        // From the last piece to the first, so that nothing is overwritten before it has moved.
        for piece in (1..=full).rev() {
            let from = payload_start + piece * MAX_FRAME_PAYLOAD;
            let to = (from + MAX_FRAME_PAYLOAD).min(old_end);
            self.buf.copy_within(from..to, from + piece * FRAME_HEADER_BYTES);
        }
        for piece in 0..full {
            self.write_header(start + piece * (MAX_FRAME_PAYLOAD + FRAME_HEADER_BYTES), MAX_FRAME_PAYLOAD);
        }
        self.write_header(
            start + full * (MAX_FRAME_PAYLOAD + FRAME_HEADER_BYTES),
            payload - full * MAX_FRAME_PAYLOAD,
        );
    }

    pub fn mark(&self) -> Mark {
        Mark { len: self.buf.len(), sequence: self.sequence }
    }

    /// Forgets all packets written since `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.buf.truncate(mark.len);
        self.sequence = mark.sequence;
    }

    fn write_header(&mut self, at: usize, len: usize) {
        let [a, b, c, _] = (len as u32).to_le_bytes();
        self.buf[at..at + FRAME_HEADER_BYTES].copy_from_slice(&[a, b, c, self.sequence]);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// All closed packets, as bytes to write.
    pub fn bytes(&self) -> &[u8] {
        &self.buf
    }

    pub fn len(&self) -> usize {
        self.buf.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// What [`OutBuffer::bytes`] showed is written.
    pub fn clear(&mut self) {
        self.packet_start = 0;
        self.buf.clear();
        if self.buf.capacity() > KEPT_BYTES {
            self.buf = Vec::new();
        }
    }

    /// Gives all memory back that holds nothing.
    pub fn give_back(&mut self) {
        if self.buf.is_empty() {
            self.buf = Vec::new();
        }
    }

    /// Gives memory back between commands.
    pub fn shrink(&mut self) {
        if self.buf.is_empty() && self.buf.capacity() > IDLE_BYTES {
            self.buf = Vec::new();
        }
    }

    /// Ors `bits` into the two bytes at `at`: MORE_RESULTS of a terminator that turned out not to be the last.
    pub(crate) fn or_u16(&mut self, at: usize, bits: u16) {
        if let Some(field) = self.buf.get_mut(at..at + 2) {
            let [low, high] = bits.to_le_bytes();
            field[0] |= low;
            field[1] |= high;
        }
    }

    pub fn u8(&mut self, v: u8) {
        self.buf.push(v);
    }

    pub fn u16(&mut self, v: u16) {
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    pub fn u32(&mut self, v: u32) {
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    pub fn u64(&mut self, v: u64) {
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    pub fn nul_str(&mut self, text: &str) {
        self.buf.extend_from_slice(text.as_bytes());
        self.buf.push(0);
    }

    pub fn lenenc_int(&mut self, v: u64) {
        match v {
            0..=0xFA => self.buf.push(v as u8),
            0xFB..=0xFFFF => {
                self.buf.push(0xFC);
                self.buf.extend_from_slice(&(v as u16).to_le_bytes());
            }
            0x1_0000..=0xFF_FFFF => {
                self.buf.push(0xFD);
                self.buf.extend_from_slice(&(v as u32).to_le_bytes()[..3]);
            }
            _ => {
                self.buf.push(0xFE);
                self.buf.extend_from_slice(&v.to_le_bytes());
            }
        }
    }

    pub fn lenenc_bytes(&mut self, bytes: &[u8]) {
        self.lenenc_int(bytes.len() as u64);
        self.buf.extend_from_slice(bytes);
    }

    /// A length-encoded string whose length is known only once it is written. Short texts (numbers, dates) cost
    /// nothing extra; those above 250 bytes are moved once.
    pub fn lenenc_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.buf.len();
        self.buf.push(0);
        write(&mut self.buf);
        let len = self.buf.len() - at - 1;
        if len <= 0xFA {
            self.buf[at] = len as u8;
            return;
        }
        let (code, width) = match len {
            0..=0xFFFF => (0xFC, 2),
            0x1_0000..=0xFF_FFFF => (0xFD, 3),
            _ => (0xFE, 8),
        };
        let end = self.buf.len();
        self.buf.resize(end + width, 0);
        self.buf.copy_within(at + 1..end, at + 1 + width);
        self.buf[at] = code;
        self.buf[at + 1..at + 1 + width].copy_from_slice(&(len as u64).to_le_bytes()[..width]);
    }

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buf
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameReader;
    use crate::read::Reader;

    #[test]
    fn payloads_around_16_mib_come_back_whole() {
        for len in [0, 1, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 2 * 0xFF_FFFF + 3] {
            let period: Vec<u8> = (0..251).collect();
            let mut payload = period.repeat(len / period.len() + 1);
            payload.truncate(len);
            let mut out = OutBuffer::new();
            out.begin_packet();
            out.raw(b"first");
            out.end_packet();
            out.begin_packet();
            out.raw(&payload);
            out.end_packet();
            let mut reader = FrameReader::new(usize::MAX / 2);
            reader.feed(out.bytes());
            let first = reader.next_packet().unwrap().unwrap();
            assert_eq!(reader.payload(first), b"first");
            let second = reader.next_packet().unwrap().unwrap();
            assert!(reader.payload(second) == payload, "length {len}");
            assert_eq!(reader.pending_bytes(), 0);
            assert_eq!(reader.sequence(), out.sequence());
        }
    }

    #[test]
    fn lengths_are_encoded_as_short_as_they_can_be() {
        for len in [0usize, 250, 251, 0xFFFF, 0x1_0000, 0xFF_FFFF, 0x100_0000] {
            let bytes = vec![b'x'; len];
            let (mut known, mut late) = (OutBuffer::new(), OutBuffer::new());
            known.lenenc_bytes(&bytes);
            late.lenenc_with(|buf| buf.extend_from_slice(&bytes));
            assert!(known.bytes() == late.bytes(), "length {len}");
            assert_eq!(Reader::new(known.bytes()).lenenc_bytes().map(<[u8]>::len), Ok(len));
        }
    }
}
