//! Weights of the `general_ci` collations: the code point itself, except for the pairs of `general.bin`
//! (code point, weight; u16 little endian, sorted). Above the BMP every character weighs the same.

use std::sync::LazyLock;

static WEIGHTS: LazyLock<Box<[u16; 0x10000]>> = LazyLock::new(|| {
    let mut weights: Box<[u16; 0x10000]> =
        vec![0; 0x10000].try_into().unwrap_or_else(|_| Box::new([0; 0x10000]));
    for (at, weight) in weights.iter_mut().enumerate() {
        *weight = at as u16;
    }
    for pair in include_bytes!("general.bin").chunks_exact(4) {
        weights[usize::from(u16::from_le_bytes([pair[0], pair[1]]))] = u16::from_le_bytes([pair[2], pair[3]]);
    }
    weights
});

pub(super) fn weight(code_point: u32) -> u16 {
    match u16::try_from(code_point) {
        Ok(at) => WEIGHTS[usize::from(at)],
        Err(_) => 0xFFFD,
    }
}
