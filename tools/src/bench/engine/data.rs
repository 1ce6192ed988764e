//! Keys, values and random numbers: the same for every engine, from fixed seeds.

pub const KEY_BYTES: usize = 16;
/// Half of a value does not compress, as in db_bench.
const POOL_BYTES: usize = 1 << 20;

/// splitmix64.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The key of a record: its number spread over the key space, then half of it again. `present` ones and absent ones
/// lie between each other, so that a miss is not told by a file's bounds.
pub fn key(record: u64, present: bool) -> [u8; KEY_BYTES] {
    let place = mix(record.wrapping_add(1)) & !1 | u64::from(!present);
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&place.to_be_bytes());
    key[8..].copy_from_slice(&record.to_be_bytes());
    key
}

/// Values of one size; each begins with its record's number, so that every read can be checked.
pub struct Values {
    pool: Vec<u8>,
    bytes: usize,
}

impl Values {
    /// `bytes`: at least 8.
    pub fn new(bytes: usize) -> Values {
        let mut random = Random::new(0x56A1);
        let mut pool = Vec::with_capacity(POOL_BYTES + bytes);
        // 50 random bytes, then the same again: half is compressible at any size from 100 bytes on.
        while pool.len() < POOL_BYTES + bytes {
            let half: Vec<u8> = (0..50).map(|_| random.next() as u8).collect();
            pool.extend_from_slice(&half);
            pool.extend_from_slice(&half);
        }
        Values { pool, bytes }
    }

    pub fn append(&self, record: u64, random: &mut Random, out: &mut Vec<u8>) {
        let rest = self.bytes - 8;
        let at = random.below(POOL_BYTES as u64) as usize;
        out.extend_from_slice(&record.to_le_bytes());
        out.extend_from_slice(&self.pool[at..at + rest]);
    }

    /// Whether this is a value of that record.
    pub fn fits(&self, record: u64, value: &[u8]) -> bool {
        value.len() == self.bytes && value[..8] == record.to_le_bytes()
    }

    pub fn record_bytes(&self) -> u64 {
        (KEY_BYTES + self.bytes) as u64
    }
}

/// 0..count in a random order.
pub fn shuffled(count: u64, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut order: Vec<u64> = (0..count).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at as u64 + 1) as usize);
    }
    order
}

/// Zipf's distribution with YCSB's exponent, by the method of Gray and others (SIGMOD 1994).
pub struct Zipf {
    count: u64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

const THETA: f64 = 0.99;

impl Zipf {
    pub fn new(count: u64) -> Zipf {
        let count = count.max(2);
        // The sum's tail by its integral: exact to nine digits, and instant for any count.
        let exact = count.min(100_000);
        let head: f64 = (1..=exact).map(|at| (at as f64).powf(-THETA)).sum();
        let power = 1.0 - THETA;
        let tail = ((count as f64 + 0.5).powf(power) - (exact as f64 + 0.5).powf(power)) / power;
        let zeta = head + if count > exact { tail } else { 0.0 };
        let zeta2 = 1.0 + 0.5f64.powf(THETA);
        let eta = (1.0 - (2.0 / count as f64).powf(power)) / (1.0 - zeta2 / zeta);
        Zipf { count, alpha: 1.0 / power, zeta, eta }
    }

    /// A rank, 0 the most frequent.
    pub fn rank(&self, random: &mut Random) -> u64 {
        let unit = random.unit();
        let scaled = unit * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5f64.powf(THETA) {
            return 1;
        }
        let rank = self.count as f64 * (self.eta * unit - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count - 1)
    }

    /// A record: ranks spread over all records.
    pub fn record(&self, random: &mut Random) -> u64 {
        mix(self.rank(random).wrapping_add(0x5EED)) % self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_absent_ones_lie_between() {
        let mut keys: Vec<_> = (0..1000).flat_map(|record| [key(record, true), key(record, false)]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2000);
    }

    #[test]
    fn orders_are_permutations_and_repeat() {
        let order = shuffled(1000, 7);
        assert_eq!(order, shuffled(1000, 7));
        assert_ne!(order, shuffled(1000, 8));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn values_are_checked() {
        let values = Values::new(100);
        let mut value = Vec::new();
        values.append(42, &mut Random::new(1), &mut value);
        assert!(values.fits(42, &value) && !values.fits(43, &value) && !values.fits(42, &value[1..]));
    }

    #[test]
    fn zipf_prefers_few() {
        let (zipf, mut random) = (Zipf::new(1_000_000), Random::new(3));
        let ranks: Vec<u64> = (0..20_000).map(|_| zipf.rank(&mut random)).collect();
        let first = ranks.iter().filter(|&&rank| rank == 0).count() as f64 / 20_000.0;
        // 1 / zeta(1,000,000) at 0.99 is 6.5 %.
        assert!((0.055..0.075).contains(&first), "{first}");
        assert!(ranks.iter().all(|&rank| rank < 1_000_000) && ranks.iter().any(|&rank| rank > 100_000));
    }
}
