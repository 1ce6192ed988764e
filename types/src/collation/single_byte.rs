//! Weights of single-byte collations: 256 × (first weight, second weight or 0) per collation, in the order of ids.

static BLOB: &[u8] = include_bytes!("single_byte.bin");

/// One or two weights (the second 0 if there is none) of a byte.
pub(super) fn weights(table: u8, byte: u8) -> (u8, u8) {
    let at = usize::from(table) * 512 + usize::from(byte) * 2;
    (BLOB[at], BLOB[at + 1])
}
