//! Sorting entries by their keys without looking at most keys more than once.

/// Bytes of a key that are compared as one number: those behind [`SKIPPED_BYTES`].
const HEAD_BYTES: usize = 16;
/// The first bytes of keys, which those of one tenant share as a rule.
const SKIPPED_BYTES: usize = 8;

/// Sorts ascending ordinals by key; those of one key stay in their order.
pub(super) fn sort<'k>(ids: &mut [u32], key: impl Fn(u32) -> &'k [u8]) {
    let [first, _, ..] = ids else { return };
    let start = key(*first).get(..SKIPPED_BYTES);
    let is_alike = start.is_some() && ids.iter().all(|&id| key(id).get(..SKIPPED_BYTES) == start);
    let mut headed: Vec<(u128, u32)> =
        ids.iter().map(|&id| (if is_alike { head(key(id)) } else { 0 }, id)).collect();
    headed.sort_unstable_by(|(a_head, a), (b_head, b)| {
        a_head.cmp(b_head).then_with(|| key(*a).cmp(key(*b))).then(a.cmp(b))
    });
    for (id, (_, sorted)) in ids.iter_mut().zip(headed) {
        *id = sorted;
    }
}

/// Bytes of the key as a number that is never greater for a smaller key: a shorter one ends in zeros.
fn head(key: &[u8]) -> u128 {
    let mut bytes = [0; HEAD_BYTES];
    let rest = key.get(SKIPPED_BYTES..).unwrap_or(&[]);
    let len = rest.len().min(HEAD_BYTES);
    bytes[..len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_lengths_come_in_order_and_equal_ones_by_ordinal() {
        for shared in [&b"tenant-1"[..], b""] {
            let keys: Vec<Vec<u8>> = (0..400u32)
                .map(|n| {
                    let x = n.wrapping_mul(2_654_435_761);
                    let tail = [(x >> 24) as u8 & 3, 0, (x >> 16) as u8 & 1].repeat((x >> 8) as usize % 9);
                    [shared, &tail].concat()
                })
                .collect();
            let mut ids: Vec<u32> = (0..400).collect();
            sort(&mut ids, |id| &keys[id as usize]);
            let mut expected: Vec<u32> = (0..400).collect();
            expected.sort_by_key(|&id| &keys[id as usize]);
            assert_eq!(ids, expected);
        }
    }
}
