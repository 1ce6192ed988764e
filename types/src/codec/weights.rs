//! Escaped, closed byte strings, and collation weights inside them.

use crate::CollationId;

const ESCAPE: u8 = 0;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0;

/// Appends the weights of a text, escaped and closed.
pub(super) fn write_weights(collation: CollationId, text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    append_weights(collation, text, out);
    close(start, out);
}

/// Appends bytes, escaped and closed.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(bytes);
    close(start, out);
}

fn append_weights(collation: CollationId, text: &[u8], out: &mut Vec<u8>) {
    if collation.is_binary() {
        out.extend_from_slice(text);
    } else {
        collation.weights(text, out);
    }
}

/// Appends what `write` does, escaped, open at its end.
pub(super) fn write_beginning(write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    let start = out.len();
    write(out);
    escape(start, out);
}

fn close(start: usize, out: &mut Vec<u8>) {
    escape(start, out);
    out.extend_from_slice(&[ESCAPE, END]);
}

fn escape(start: usize, out: &mut Vec<u8>) {
    if let Some(first) = memchr::memchr(ESCAPE, &out[start..]) {
        let tail = out.split_off(start + first);
        for byte in tail {
            out.push(byte);
            if byte == ESCAPE {
                out.push(ESCAPED_ZERO);
            }
        }
    }
}

/// Takes one closed byte string off `input`, unescaped; `mask` is `0xFF` in a DESC column.
pub(super) fn read_bytes(input: &mut &[u8], mask: u8, mut sink: impl FnMut(u8)) -> Option<()> {
    loop {
        match input {
            [a, b, rest @ ..] if a ^ mask == ESCAPE => {
                let b = b ^ mask;
                *input = rest;
                match b {
                    END => return Some(()),
                    ESCAPED_ZERO => sink(ESCAPE),
                    _ => return None,
                }
            }
            [a, rest @ ..] if a ^ mask != ESCAPE => {
                let byte = a ^ mask;
                *input = rest;
                sink(byte);
            }
            _ => return None,
        }
    }
}
