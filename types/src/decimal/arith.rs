//! Arithmetic, rounding and comparison.

use super::wide::Wide;
use super::{Decimal, DecimalOverflow, MAX_SCALE, POW10};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

impl Decimal {
    /// `self + other`, scale the larger of both.
    ///
    /// # Errors
    /// When the sum has more than 65 digits before the point.
    pub fn add(&self, other: &Decimal) -> Result<Decimal, DecimalOverflow> {
        let scale = self.scale().max(other.scale());
        if let (Some(a), Some(b)) = (self.scaled_i128(scale), other.scaled_i128(scale))
            && let Some(sum) = a.checked_add(b)
        {
            return Decimal::from_parts(sum, scale);
        }
        let (a, b) = (self.scaled_wide(scale), other.scaled_wide(scale));
        if self.is_negative() == other.is_negative() {
            Decimal::pack_wide(self.is_negative(), a.add(&b), scale)
        } else if a >= b {
            Decimal::pack_wide(self.is_negative(), a.sub(&b), scale)
        } else {
            Decimal::pack_wide(other.is_negative(), b.sub(&a), scale)
        }
    }

    /// `self - other`, scale the larger of both.
    ///
    /// # Errors
    /// When the difference has more than 65 digits before the point.
    pub fn sub(&self, other: &Decimal) -> Result<Decimal, DecimalOverflow> {
        self.add(&other.neg())
    }

    /// `self * other`; scale the sum of both scales, rounded to 30.
    ///
    /// # Errors
    /// When the product has more than 65 digits before the point.
    pub fn mul(&self, other: &Decimal) -> Result<Decimal, DecimalOverflow> {
        let scale = self.scale() + other.scale();
        if scale <= MAX_SCALE
            && let (Some(a), Some(b)) = (self.unscaled_i128(), other.unscaled_i128())
            && let Some(product) = a.checked_mul(b)
        {
            return Decimal::from_parts(product, scale);
        }
        let mut product = self.wide().mul(&other.wide());
        if scale > MAX_SCALE {
            product = product.div_pow10_half_up(u32::from(scale - MAX_SCALE));
        }
        Decimal::pack_wide(self.is_negative() != other.is_negative(), product, scale.min(MAX_SCALE))
    }

    /// `self / other` with `scale_increment` (MySQL's `div_precision_increment`) more digits behind the point
    /// than `self` has, ties away from zero; `None` when `other` is zero.
    ///
    /// # Errors
    /// When the quotient has more than 65 digits before the point.
    pub fn div(&self, other: &Decimal, scale_increment: u8) -> Result<Option<Decimal>, DecimalOverflow> {
        if other.is_zero() {
            return Ok(None);
        }
        let scale = self.scale().saturating_add(scale_increment).min(MAX_SCALE);
        let shift = u32::from(scale - self.scale()) + u32::from(other.scale());
        let negative = self.is_negative() != other.is_negative();
        if let (Some(a), Some(b)) = (self.small(), other.small())
            && let Some(a) = POW10.get(shift as usize).and_then(|p| a.checked_mul(*p))
        {
            let (mut quotient, rest) = (a / b, a % b);
            if rest >= b - rest {
                quotient += 1;
            }
            if quotient >> 127 == 0 {
                return Ok(Some(Decimal::pack_small(negative, quotient, scale)));
            }
        }
        let divisor = other.wide();
        let (mut quotient, rest) = self.wide().mul_pow10(shift).div_rem(&divisor);
        if rest >= divisor.sub(&rest) {
            quotient = quotient.add(&Wide::from_u128(1));
        }
        Decimal::pack_wide(negative, quotient, scale).map(Some)
    }

    /// The integer part of `self / other`; `None` when `other` is zero.
    ///
    /// # Errors
    /// When the quotient has more than 65 digits.
    pub fn int_div(&self, other: &Decimal) -> Result<Option<Decimal>, DecimalOverflow> {
        if other.is_zero() {
            return Ok(None);
        }
        let scale = self.scale().max(other.scale());
        let (quotient, _) = self.scaled_wide(scale).div_rem(&other.scaled_wide(scale));
        Decimal::pack_wide(self.is_negative() != other.is_negative(), quotient, 0).map(Some)
    }

    /// The remainder with the sign of `self`; `None` when `other` is zero.
    pub fn rem(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let scale = self.scale().max(other.scale());
        if let (Some(a), Some(b)) = (self.scaled_i128(scale), other.scaled_i128(scale)) {
            return Decimal::from_parts(a.checked_rem(b)?, scale).ok();
        }
        let (_, rest) = self.scaled_wide(scale).div_rem(&other.scaled_wide(scale));
        Decimal::pack_wide(self.is_negative(), rest, scale).ok()
    }

    pub fn neg(&self) -> Decimal {
        let mut out = *self;
        if !self.is_zero() {
            out.words[6] ^= super::SIGN_BIT;
        }
        out
    }

    pub fn abs(&self) -> Decimal {
        let mut out = *self;
        out.words[6] &= !super::SIGN_BIT;
        out
    }

    /// Rounds to `digits` behind the point, ties away from zero; negative `digits` round before the point. Never
    /// adds digits. Saturates at the largest decimal.
    pub fn round(&self, digits: i32) -> Decimal {
        self.cut(digits, true)
    }

    /// Drops all digits after `digits` behind the point; negative `digits` zero digits before the point.
    pub fn truncate(&self, digits: i32) -> Decimal {
        self.cut(digits, false)
    }

    fn cut(&self, digits: i32, half_up: bool) -> Decimal {
        let scale = i32::from(self.scale());
        if digits >= scale {
            return *self;
        }
        // At most 96 digits can be dropped from anything that is stored.
        let drop = scale.saturating_sub(digits).min(100) as u32;
        let restore = if digits < 0 { digits.saturating_neg().min(100) as u32 } else { 0 };
        let scale = digits.max(0) as u8;
        if let Some(m) = self.small() {
            let kept = match POW10.get(drop as usize) {
                Some(unit) => {
                    let (kept, rest) = (m / unit, m % unit);
                    if half_up && rest >= unit - rest { kept + 1 } else { kept }
                }
                None => 0,
            };
            if let Some(m) = POW10.get(restore as usize).and_then(|unit| kept.checked_mul(*unit))
                && m >> 127 == 0
            {
                return Decimal::pack_small(self.is_negative(), m, scale);
            }
            if kept == 0 {
                return Decimal::ZERO;
            }
        }
        let kept = if half_up { self.wide().div_pow10_half_up(drop) } else { self.wide().div_pow10(drop) };
        if kept.is_zero() {
            return Decimal::pack_small(false, 0, scale);
        }
        Decimal::pack_wide(self.is_negative(), kept.mul_pow10(restore), scale)
            .unwrap_or_else(|_| Decimal::largest(super::MAX_PRECISION, 0, self.is_negative()))
    }

    /// Exactly `scale` digits behind the point: rounds half up or appends zeros.
    ///
    /// # Errors
    /// When the zeros do not fit any more.
    pub fn rescale(&self, scale: u8) -> Result<Decimal, DecimalOverflow> {
        match scale.cmp(&self.scale()) {
            Ordering::Equal => Ok(*self),
            Ordering::Less => Ok(self.round(i32::from(scale))),
            Ordering::Greater if scale > MAX_SCALE => Err(DecimalOverflow),
            Ordering::Greater => {
                if let Some(v) = self.scaled_i128(scale) {
                    return Decimal::from_parts(v, scale);
                }
                let out = Decimal::pack_wide(self.is_negative(), self.scaled_wide(scale), scale)?;
                if out.scale() == scale { Ok(out) } else { Err(DecimalOverflow) }
            }
        }
    }

    /// The smallest integer not below `self`.
    pub fn ceil(&self) -> Decimal {
        let whole = self.truncate(0);
        if self.is_negative() || whole == *self { whole } else { whole.add(&Decimal::ONE).unwrap_or(whole) }
    }

    /// The largest integer not above `self`.
    pub fn floor(&self) -> Decimal {
        let whole = self.truncate(0);
        if !self.is_negative() || whole == *self { whole } else { whole.sub(&Decimal::ONE).unwrap_or(whole) }
    }

    /// Zeros at the end of the fraction dropped: one form per number.
    pub fn normalized(&self) -> Decimal {
        if self.scale() == 0 {
            return *self;
        }
        if self.is_zero() {
            return Decimal::ZERO;
        }
        if let Some(mut m) = self.small() {
            let mut scale = self.scale();
            while scale > 0 && m % 10 == 0 {
                m /= 10;
                scale -= 1;
            }
            return Decimal::pack_small(self.is_negative(), m, scale);
        }
        let (mut m, mut scale) = (self.wide(), self.scale());
        while scale > 0 {
            let (tenth, digit) = m.div_small(10);
            if digit != 0 {
                break;
            }
            m = tenth;
            scale -= 1;
        }
        Decimal::pack_wide(self.is_negative(), m, scale).unwrap_or(*self)
    }

    #[inline]
    fn scaled_i128(&self, scale: u8) -> Option<i128> {
        let unscaled = self.unscaled_i128()?;
        match scale - self.scale() {
            0 => Some(unscaled),
            up => unscaled.checked_mul(*POW10.get(usize::from(up))? as i128),
        }
    }

    fn scaled_wide(&self, scale: u8) -> Wide {
        self.wide().mul_pow10(u32::from(scale - self.scale()))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.words == other.words || self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Decimal) -> Ordering {
        if self.scale() == other.scale()
            && let (Some(a), Some(b)) = (self.unscaled_i128(), other.unscaled_i128())
        {
            return a.cmp(&b);
        }
        self.cmp_scaled(other)
    }
}

impl Decimal {
    fn cmp_scaled(&self, other: &Decimal) -> Ordering {
        let scale = self.scale().max(other.scale());
        if let (Some(a), Some(b)) = (self.scaled_i128(scale), other.scaled_i128(scale)) {
            return a.cmp(&b);
        }
        match (self.is_negative(), other.is_negative()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (negative, _) => {
                let order = self.scaled_wide(scale).cmp(&other.scaled_wide(scale));
                if negative { order.reverse() } else { order }
            }
        }
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normalized().words.hash(state);
    }
}
