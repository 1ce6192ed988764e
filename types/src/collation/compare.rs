//! Comparing two texts without building keys.

use super::weights::{Weights, levels, space_weight};
use super::{CollationInfo, Order, Pad, key_code};
use std::cmp::Ordering;

pub(super) fn compare(info: &CollationInfo, a: &[u8], b: &[u8]) -> Ordering {
    match (info.order, info.pad) {
        (Order::Bytes, _) => return a.cmp(b),
        (Order::CodePoints, Pad::Space) => return compare_padded_bytes(a, b),
        _ => {}
    }
    // A character's weights do not depend on its neighbours, so an equal beginning decides nothing.
    let same = equal_prefix(a, b);
    let (a, b) = (&a[same..], &b[same..]);
    if a.is_empty() && b.is_empty() {
        return Ordering::Equal;
    }
    match key_code::code_of(info).and_then(|code| code.compare_ascii(a, b, info.pad)) {
        Some(order) if order != Ordering::Equal || levels(info) == 1 => return order,
        _ => {}
    }
    let space = space_weight(info);
    (1..=levels(info)).fold(Ordering::Equal, |order, level| {
        order.then_with(|| {
            let (a, b) = (Weights::new(info, a, level), Weights::new(info, b, level));
            match info.pad {
                Pad::None => a.cmp(b),
                Pad::Space => compare_padded(a, b, space),
            }
        })
    })
}

/// Length of the longest common beginning that ends at a character's end in both texts.
fn equal_prefix(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let mut at = 0;
    while at + 8 <= len && a[at..at + 8] == b[at..at + 8] {
        at += 8;
    }
    while at < len && a[at] == b[at] {
        at += 1;
    }
    let inside = |text: &[u8], at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    while at > 0 && (inside(a, at) || inside(b, at)) {
        at -= 1;
    }
    at
}

fn compare_padded(mut a: Weights<'_>, mut b: Weights<'_>, space: u16) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => match x.unwrap_or(space).cmp(&y.unwrap_or(space)) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

fn compare_padded_bytes(a: &[u8], b: &[u8]) -> Ordering {
    let len = a.len().min(b.len());
    a[..len].cmp(&b[..len]).then_with(|| {
        let longer = |rest: &[u8]| match rest.iter().find(|&&byte| byte != b' ') {
            Some(byte) => byte.cmp(&b' '),
            None => Ordering::Equal,
        };
        match a.len().cmp(&b.len()) {
            Ordering::Equal => Ordering::Equal,
            Ordering::Greater => longer(&a[len..]),
            Ordering::Less => longer(&b[len..]).reverse(),
        }
    })
}

/// Whether two characters weigh the same at every level (`LIKE` compares character by character).
pub(super) fn chars_eq(info: &CollationInfo, a: u32, b: u32) -> bool {
    if a == b {
        return true;
    }
    if matches!(info.order, Order::Bytes | Order::CodePoints | Order::EncodedBytes) {
        return false;
    }
    let (mut buffer_a, mut buffer_b) = ([0; 4], [0; 4]);
    let (Some(a), Some(b)) = (char::from_u32(a), char::from_u32(b)) else { return false };
    let (a, b) = (a.encode_utf8(&mut buffer_a).as_bytes(), b.encode_utf8(&mut buffer_b).as_bytes());
    (1..=levels(info)).all(|level| Weights::new(info, a, level).eq(Weights::new(info, b, level)))
}
