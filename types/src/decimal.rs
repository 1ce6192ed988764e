//! Exact decimals up to DECIMAL(65,30).
//!
//! A [`Decimal`] is a sign, a magnitude of up to 218 bits and a scale, packed into 28 bytes so that a
//! [`Value`](crate::Value) stays at 32. Values whose magnitude fits 127 bits (38 digits) take a path of plain
//! `i128` arithmetic; the rest goes through [`wide`], a fixed 512-bit integer.

mod arith;
mod binary;
mod text;
mod wide;

pub use binary::{ordered_len, read_ordered, read_ordered_i64, write_ordered};
pub use text::{ParseStatus, ParsedDecimal};

use wide::Wide;

/// Digits of the widest DECIMAL.
pub const MAX_PRECISION: u8 = 65;
/// Digits behind the point of the finest DECIMAL.
pub const MAX_SCALE: u8 = 30;

const WORDS: usize = 7;
const SIGN_BIT: u32 = 1 << 31;
const SCALE_SHIFT: u32 = 26;
const SCALE_MASK: u32 = 31 << SCALE_SHIFT;
const TOP_MAGNITUDE_MASK: u32 = (1 << SCALE_SHIFT) - 1;
/// Bits of magnitude that fit.
const MAGNITUDE_BITS: u32 = 32 * 6 + SCALE_SHIFT;

/// An exact decimal: at most 65 digits, 30 of them behind the point.
///
/// Equality, order and hash are those of the number: `1.0` equals `1.00`. There is no negative zero.
#[derive(Clone, Copy)]
pub struct Decimal {
    /// Little-endian magnitude; the top word holds sign (bit 31), scale (bits 26–30) and 26 bits of magnitude.
    words: [u32; WORDS],
}

/// A result that needs more than 65 digits before the point (MySQL: 1690 in an expression, 1264 in a column).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decimal result is out of range")]
pub struct DecimalOverflow;

/// What [`Decimal::fit`] had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Exact,
    /// Digits that are not zero were rounded away (MySQL: note 1265).
    Rounded,
    /// The number was too large and is now the largest of that type (MySQL: 1264).
    Overflow,
}

/// 10^0 … 10^38.
pub(crate) const POW10: [u128; 39] = {
    let mut table = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

impl Decimal {
    pub const ZERO: Decimal = Decimal { words: [0; WORDS] };
    pub const ONE: Decimal = Decimal { words: [1, 0, 0, 0, 0, 0, 0] };

    /// `unscaled / 10^scale`.
    ///
    /// # Errors
    /// When `scale` is above 30.
    #[inline]
    pub fn from_parts(unscaled: i128, scale: u8) -> Result<Decimal, DecimalOverflow> {
        if scale > MAX_SCALE {
            return Err(DecimalOverflow);
        }
        Ok(Decimal::pack_small(unscaled < 0, unscaled.unsigned_abs(), scale))
    }

    #[inline]
    fn pack_small(negative: bool, magnitude: u128, scale: u8) -> Decimal {
        let mut top = u32::from(scale) << SCALE_SHIFT;
        if negative && magnitude != 0 {
            top |= SIGN_BIT;
        }
        let w = |i: u32| (magnitude >> (32 * i)) as u32;
        Decimal { words: [w(0), w(1), w(2), w(3), 0, 0, top] }
    }

    /// Packs a wide magnitude; gives up fraction digits (rounding half up) when it does not fit, and fails when
    /// there are none left.
    fn pack_wide(negative: bool, mut magnitude: Wide, mut scale: u8) -> Result<Decimal, DecimalOverflow> {
        if magnitude.bits() > MAGNITUDE_BITS {
            let excess = magnitude.decimal_digits().saturating_sub(u32::from(MAX_PRECISION));
            let drop = excess.max(1);
            if drop > u32::from(scale) {
                return Err(DecimalOverflow);
            }
            magnitude = magnitude.div_pow10_half_up(drop);
            scale -= drop as u8;
            if magnitude.bits() > MAGNITUDE_BITS {
                return Err(DecimalOverflow);
            }
        }
        let limbs = magnitude.limbs();
        let mut top = ((limbs[3]) as u32 & TOP_MAGNITUDE_MASK) | (u32::from(scale) << SCALE_SHIFT);
        if negative && !magnitude.is_zero() {
            top |= SIGN_BIT;
        }
        Ok(Decimal {
            words: [
                limbs[0] as u32,
                (limbs[0] >> 32) as u32,
                limbs[1] as u32,
                (limbs[1] >> 32) as u32,
                limbs[2] as u32,
                (limbs[2] >> 32) as u32,
                top,
            ],
        })
    }

    /// The magnitude when it fits 127 bits.
    #[inline]
    fn small(&self) -> Option<u128> {
        let w = &self.words;
        if w[4] | w[5] | (w[6] & TOP_MAGNITUDE_MASK) | (w[3] & SIGN_BIT) != 0 {
            return None;
        }
        Some(u128::from(w[0]) | u128::from(w[1]) << 32 | u128::from(w[2]) << 64 | u128::from(w[3]) << 96)
    }

    /// The signed unscaled number when its magnitude fits 127 bits.
    #[inline]
    pub fn unscaled_i128(&self) -> Option<i128> {
        let magnitude = self.small()? as i128;
        Some(if self.is_negative() { -magnitude } else { magnitude })
    }

    fn wide(&self) -> Wide {
        let w = &self.words;
        let pair = |lo: u32, hi: u32| u64::from(lo) | u64::from(hi) << 32;
        Wide::from_limbs([
            pair(w[0], w[1]),
            pair(w[2], w[3]),
            pair(w[4], w[5]),
            u64::from(w[6] & TOP_MAGNITUDE_MASK),
            0,
            0,
            0,
            0,
        ])
    }

    /// Digits behind the point.
    #[inline]
    pub fn scale(&self) -> u8 {
        ((self.words[6] & SCALE_MASK) >> SCALE_SHIFT) as u8
    }

    #[inline]
    pub fn is_negative(&self) -> bool {
        self.words[6] & SIGN_BIT != 0
    }

    #[inline]
    pub fn is_zero(&self) -> bool {
        let w = &self.words;
        w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | (w[6] & TOP_MAGNITUDE_MASK) == 0
    }

    /// Significant digits, those of the fraction included: 3 for `1.20`, and at least `scale` and at least 1.
    pub fn precision(&self) -> u8 {
        let digits = match self.small() {
            Some(0) => 1,
            Some(m) => m.ilog10() + 1,
            None => self.wide().decimal_digits(),
        };
        (digits as u8).max(self.scale()).max(1)
    }

    /// Digits before the point, 0 for `0.12`.
    pub fn integer_digits(&self) -> u8 {
        if self.truncate(0).is_zero() { 0 } else { self.precision() - self.scale() }
    }

    pub fn from_i64(v: i64) -> Decimal {
        Decimal::pack_small(v < 0, u128::from(v.unsigned_abs()), 0)
    }

    pub fn from_u64(v: u64) -> Decimal {
        Decimal::pack_small(false, u128::from(v), 0)
    }

    /// The shortest decimal that reads back as `v`, rounded to 30 digits behind the point; saturates (with
    /// [`ParseStatus::Overflow`]) when `v` has more than 65 digits. NaN gives zero.
    pub fn from_f64(v: f64) -> (Decimal, ParseStatus) {
        if v.is_nan() {
            return (Decimal::ZERO, ParseStatus::Invalid);
        }
        if v.is_infinite() {
            return (Decimal::largest(MAX_PRECISION, 0, v < 0.0), ParseStatus::Overflow);
        }
        let mut buffer = ryu::Buffer::new();
        let parsed = Decimal::parse(buffer.format_finite(v).as_bytes());
        (parsed.value, parsed.status)
    }

    /// The largest (smallest) number of `DECIMAL(precision, scale)`.
    pub fn largest(precision: u8, scale: u8, negative: bool) -> Decimal {
        let scale = scale.min(MAX_SCALE);
        let nines = Wide::pow10(u32::from(precision.min(MAX_PRECISION))).minus_one();
        Decimal::pack_wide(negative, nines, scale).unwrap_or(Decimal::ZERO)
    }

    /// The nearest integer, ties away from zero; `true` when it had to be cut to the range.
    pub fn to_i64(&self) -> (i64, bool) {
        let rounded = self.round(0);
        match rounded.unscaled_i128() {
            Some(v) if v > i128::from(i64::MAX) => (i64::MAX, true),
            Some(v) if v < i128::from(i64::MIN) => (i64::MIN, true),
            Some(v) => (v as i64, false),
            None if self.is_negative() => (i64::MIN, true),
            None => (i64::MAX, true),
        }
    }

    /// The nearest integer, ties away from zero; `true` when it had to be cut to the range (negative gives 0).
    pub fn to_u64(&self) -> (u64, bool) {
        let rounded = self.round(0);
        match rounded.unscaled_i128() {
            Some(v) if v > i128::from(u64::MAX) => (u64::MAX, true),
            Some(v) if v < 0 => (0, true),
            Some(v) => (v as u64, false),
            None if self.is_negative() => (0, true),
            None => (u64::MAX, true),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        const EXACT: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
            1e18, 1e19, 1e20, 1e21, 1e22,
        ];
        let scale = usize::from(self.scale());
        if let (Some(m), Some(divisor)) = (self.small(), EXACT.get(scale))
            && m < 1 << 53
        {
            // Both are exact doubles, so one division rounds once.
            let v = m as f64 / divisor;
            return if self.is_negative() { -v } else { v };
        }
        let mut text = Vec::with_capacity(72);
        self.write(&mut text);
        std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok()).unwrap_or(0.0)
    }

    /// Rounds to `scale` digits behind the point and cuts to `precision` digits, as a column does.
    pub fn fit(&self, precision: u8, scale: u8) -> (Decimal, Fit) {
        let scale = scale.min(MAX_SCALE);
        let exact = self.scale() <= scale;
        let rounded = match self.rescale(scale) {
            Ok(v) => v,
            Err(DecimalOverflow) => {
                return (Decimal::largest(precision, scale, self.is_negative()), Fit::Overflow);
            }
        };
        if rounded.scale() < scale || rounded.exceeds_precision(precision) {
            return (Decimal::largest(precision, scale, self.is_negative()), Fit::Overflow);
        }
        let fit = if exact || rounded == *self { Fit::Exact } else { Fit::Rounded };
        (rounded, fit)
    }

    fn exceeds_precision(&self, precision: u8) -> bool {
        match (self.small(), POW10.get(usize::from(precision))) {
            (Some(m), Some(limit)) => m >= *limit,
            (Some(_), None) => false,
            (None, _) => self.wide() >= Wide::pow10(u32::from(precision)),
        }
    }
}

impl From<i64> for Decimal {
    fn from(v: i64) -> Decimal {
        Decimal::from_i64(v)
    }
}

impl From<u64> for Decimal {
    fn from(v: u64) -> Decimal {
        Decimal::from_u64(v)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(72);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl std::fmt::Debug for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
