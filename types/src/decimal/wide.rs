//! A fixed 512-bit unsigned integer: room for the product of two magnitudes and for a dividend shifted by 60
//! digits. Only what decimals need.

use super::POW10;
use std::cmp::Ordering;

const LIMBS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide([u64; LIMBS]);

impl Wide {
    pub(super) const ZERO: Wide = Wide([0; LIMBS]);

    pub(super) fn from_limbs(limbs: [u64; LIMBS]) -> Wide {
        Wide(limbs)
    }

    pub(super) fn limbs(&self) -> &[u64; LIMBS] {
        &self.0
    }

    pub(super) fn from_u128(v: u128) -> Wide {
        let mut limbs = [0; LIMBS];
        limbs[0] = v as u64;
        limbs[1] = (v >> 64) as u64;
        Wide(limbs)
    }

    /// 10^n for n ≤ 150.
    pub(super) fn pow10(n: u32) -> Wide {
        let first = n.min(38);
        Wide::from_u128(POW10[first as usize]).mul_pow10(n - first)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0 == [0; LIMBS]
    }

    pub(super) fn bits(&self) -> u32 {
        for i in (0..LIMBS).rev() {
            if self.0[i] != 0 {
                return 64 * i as u32 + (64 - self.0[i].leading_zeros());
            }
        }
        0
    }

    /// Number of decimal digits; 1 for zero.
    pub(super) fn decimal_digits(&self) -> u32 {
        let bits = self.bits();
        if bits == 0 {
            return 1;
        }
        // floor((bits - 1) * log10(2)) is the count of digits or one less.
        let guess = (bits - 1) * 30103 / 100_000;
        if *self >= Wide::pow10(guess + 1) {
            guess + 2
        } else if guess > 0 && *self < Wide::pow10(guess) {
            guess
        } else {
            guess + 1
        }
    }

    pub(super) fn add(&self, other: &Wide) -> Wide {
        let mut out = [0; LIMBS];
        let mut carry = false;
        for (out, (a, b)) in out.iter_mut().zip(self.0.iter().zip(&other.0)) {
            let (sum, c1) = a.overflowing_add(*b);
            let (sum, c2) = sum.overflowing_add(u64::from(carry));
            *out = sum;
            carry = c1 | c2;
        }
        Wide(out)
    }

    /// `self - other`; the caller knows that `self >= other`.
    pub(super) fn sub(&self, other: &Wide) -> Wide {
        let mut out = [0; LIMBS];
        let mut borrow = false;
        for (out, (a, b)) in out.iter_mut().zip(self.0.iter().zip(&other.0)) {
            let (diff, b1) = a.overflowing_sub(*b);
            let (diff, b2) = diff.overflowing_sub(u64::from(borrow));
            *out = diff;
            borrow = b1 | b2;
        }
        Wide(out)
    }

    pub(super) fn minus_one(&self) -> Wide {
        self.sub(&Wide::from_u128(1))
    }

    pub(super) fn mul_small(&self, factor: u64) -> Wide {
        let mut out = [0; LIMBS];
        let mut carry = 0u128;
        for (out, limb) in out.iter_mut().zip(&self.0) {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *out = product as u64;
            carry = product >> 64;
        }
        Wide(out)
    }

    pub(super) fn mul(&self, other: &Wide) -> Wide {
        let mut out = [0u64; LIMBS];
        for i in 0..LIMBS {
            if self.0[i] == 0 {
                continue;
            }
            let mut carry = 0u128;
            for j in 0..LIMBS - i {
                let product = u128::from(self.0[i]) * u128::from(other.0[j]) + u128::from(out[i + j]) + carry;
                out[i + j] = product as u64;
                carry = product >> 64;
            }
        }
        Wide(out)
    }

    pub(super) fn mul_pow10(&self, mut n: u32) -> Wide {
        let mut out = *self;
        while n > 0 {
            let step = n.min(19);
            out = out.mul_small(POW10[step as usize] as u64);
            n -= step;
        }
        out
    }

    /// Quotient and remainder by a 64-bit number that is not zero.
    pub(super) fn div_small(&self, divisor: u64) -> (Wide, u64) {
        let mut out = [0; LIMBS];
        let mut rest = 0u128;
        for i in (0..LIMBS).rev() {
            let part = rest << 64 | u128::from(self.0[i]);
            out[i] = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        (Wide(out), rest as u64)
    }

    /// `self / 10^n`, the fraction cut.
    pub(super) fn div_pow10(&self, mut n: u32) -> Wide {
        let mut out = *self;
        while n > 0 {
            let step = n.min(19);
            out = out.div_small(POW10[step as usize] as u64).0;
            n -= step;
        }
        out
    }

    /// `self / 10^n`, ties away from zero.
    pub(super) fn div_pow10_half_up(&self, n: u32) -> Wide {
        if n == 0 {
            return *self;
        }
        // Only the first dropped digit decides.
        let (out, digit) = self.div_pow10(n - 1).div_small(10);
        if digit >= 5 { out.add(&Wide::from_u128(1)) } else { out }
    }

    fn shl1_or(&mut self, bit: u64) {
        let mut carry = bit;
        for limb in &mut self.0 {
            let next = *limb >> 63;
            *limb = *limb << 1 | carry;
            carry = next;
        }
    }

    /// Quotient and remainder; `divisor` is not zero.
    pub(super) fn div_rem(&self, divisor: &Wide) -> (Wide, Wide) {
        if divisor.bits() <= 64 {
            let (quotient, rest) = self.div_small(divisor.0[0]);
            return (quotient, Wide::from_u128(u128::from(rest)));
        }
        if self < divisor {
            return (Wide::ZERO, *self);
        }
        // Schoolbook by bits: rare (divisors above 64 bits), and at most 512 steps of eight limbs.
        let mut quotient = Wide::ZERO;
        let mut rest = Wide::ZERO;
        for i in (0..self.bits()).rev() {
            rest.shl1_or(self.0[(i / 64) as usize] >> (i % 64) & 1);
            let fits = rest >= *divisor;
            if fits {
                rest = rest.sub(divisor);
            }
            quotient.shl1_or(u64::from(fits));
        }
        (quotient, rest)
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Wide) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Wide) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}
