//! The stored form: big-endian two's complement with the sign bit flipped, at a fixed length per precision, so
//! that byte order is number order. Used by rows and keys alike.

use super::wide::Wide;
use super::{Decimal, Fit};

/// Bytes of a stored `DECIMAL(precision, …)`: the digits' bits and a sign, 5 for 10 digits, 28 for 65.
pub const fn ordered_len(precision: u8) -> usize {
    // 10^p needs at most p * 3.3220 bits, rounded up, and one for the sign.
    let bits = (precision as usize * 33220).div_ceil(10_000) + 1;
    bits.div_ceil(8)
}

/// Appends `value` as a `DECIMAL(precision, scale)`. What does not fit is rounded or cut to the largest, which a
/// column has already done when it stored the value.
pub fn write_ordered(value: &Decimal, precision: u8, scale: u8, out: &mut Vec<u8>) {
    let value = if value.scale() == scale { *value } else { value.fit(precision, scale).0 };
    let len = ordered_len(precision);
    let mut bytes = [0u8; 32];
    match value.unscaled_i128() {
        Some(v) => {
            bytes = [if v < 0 { 0xFF } else { 0 }; 32];
            bytes[16..].copy_from_slice(&v.to_be_bytes());
        }
        None => {
            let limbs = value.wide();
            let mut borrow = true;
            for (i, limb) in limbs.limbs().iter().take(4).enumerate() {
                let word = if value.is_negative() {
                    // Two's complement: invert and add one.
                    let (word, carry) = (!limb).overflowing_add(u64::from(borrow));
                    borrow = carry;
                    word
                } else {
                    *limb
                };
                bytes[24 - 8 * i..32 - 8 * i].copy_from_slice(&word.to_be_bytes());
            }
        }
    }
    let start = out.len();
    out.extend_from_slice(&bytes[32 - len.min(32)..]);
    if let Some(first) = out.get_mut(start) {
        *first ^= 0x80;
    }
}

/// Reads what [`write_ordered`] wrote: `bytes` has `ordered_len(precision)` bytes. `None` for bytes that hold no
/// number of that type.
#[inline]
pub fn read_ordered(bytes: &[u8], precision: u8, scale: u8) -> Option<Decimal> {
    if bytes.len() == ordered_len(precision)
        && let Some(value) = read_ordered_i64(bytes)
    {
        return Decimal::from_parts(i128::from(value), scale).ok();
    }
    read_any(bytes, precision, scale)
}

/// The unscaled number of 4 to 8 bytes that [`write_ordered`] wrote; `None` for other lengths.
#[inline]
pub fn read_ordered_i64(bytes: &[u8]) -> Option<i64> {
    let len = bytes.len();
    if !(4..=8).contains(&len) {
        return None;
    }
    // Two loads that overlap, the sign bit flipped back and spread.
    let spare = 64 - 8 * len as u32;
    let head = u64::from(u32::from_be_bytes(*bytes.first_chunk()?)) << 32;
    let raw = head | u64::from(u32::from_be_bytes(*bytes.last_chunk()?)) << spare;
    Some((raw ^ 1 << 63) as i64 >> spare)
}

fn read_any(bytes: &[u8], precision: u8, scale: u8) -> Option<Decimal> {
    if bytes.is_empty() || bytes.len() > 28 || bytes.len() != ordered_len(precision) {
        return None;
    }
    let negative = bytes[0] & 0x80 == 0;
    let fill = if negative { 0xFF } else { 0 };
    if bytes.len() <= 16 {
        let mut wide = [fill; 16];
        wide[16 - bytes.len()..].copy_from_slice(bytes);
        wide[16 - bytes.len()] ^= 0x80;
        return Decimal::from_parts(i128::from_be_bytes(wide), scale).ok();
    }
    let mut wide = [fill; 32];
    wide[32 - bytes.len()..].copy_from_slice(bytes);
    wide[32 - bytes.len()] ^= 0x80;
    let mut limbs = [0u64; 8];
    let mut carry = true;
    for (i, limb) in limbs.iter_mut().take(4).enumerate() {
        let mut word = [0u8; 8];
        word.copy_from_slice(&wide[24 - 8 * i..32 - 8 * i]);
        *limb = u64::from_be_bytes(word);
        if negative {
            let (inverted, c) = (!*limb).overflowing_add(u64::from(carry));
            *limb = inverted;
            carry = c;
        }
    }
    let value = Decimal::pack_wide(negative, Wide::from_limbs(limbs), scale).ok()?;
    match value.fit(precision, scale) {
        (value, Fit::Exact) => Some(value),
        _ => None,
    }
}
