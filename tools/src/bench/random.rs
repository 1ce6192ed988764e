//! Seeded randomness, the same for all sides.

/// SplitMix64: small, seeded, good enough to pick rows.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low) + 1;
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// From 0 up to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 1 to `max`.
    pub fn id(&mut self, max: u32) -> u32 {
        (self.next() % u64::from(max.max(1))) as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut random = Random(1);
        assert!((0..1000).map(|_| random.id(7)).all(|id| (1..=7).contains(&id)));
        assert!((0..1000).map(|_| random.between(-2, 2)).all(|id| (-2..=2).contains(&id)));
        assert!((0..1000).map(|_| random.unit()).all(|unit| (0.0..1.0).contains(&unit)));
        assert_eq!(Random(5).next(), Random(5).next());
    }
}
