//! The order of JSON values, equality, containment and overlap.

use super::Json;
use crate::Decimal;
use std::cmp::Ordering;

fn rank(json: &Json) -> u8 {
    match json {
        Json::Null => 0,
        Json::Int(_) | Json::UInt(_) | Json::Double(_) | Json::Decimal(_) => 1,
        Json::String(_) => 2,
        Json::Object(_) => 3,
        Json::Array(_) => 4,
        Json::Bool(_) => 5,
    }
}

fn numbers(a: &Json, b: &Json) -> Ordering {
    let whole = |json: &Json| match json {
        Json::Int(v) => Some(i128::from(*v)),
        Json::UInt(v) => Some(i128::from(*v)),
        _ => None,
    };
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return a.cmp(&b);
    }
    if let (Json::Double(a), Json::Double(b)) = (a, b) {
        return a.partial_cmp(b).unwrap_or(Ordering::Equal);
    }
    let exact = |json: &Json| match json {
        Json::Int(v) => Some(Decimal::from_i64(*v)),
        Json::UInt(v) => Some(Decimal::from_u64(*v)),
        Json::Decimal(v) => Some(*v),
        // Beyond this the digits of a double do not fit a decimal.
        Json::Double(v) if v.abs() < 1e30 && (*v == 0.0 || v.abs() > 1e-15) => Some(Decimal::from_f64(*v).0),
        _ => None,
    };
    match (exact(a), exact(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => double(a).partial_cmp(&double(b)).unwrap_or(Ordering::Equal),
    }
}

fn double(json: &Json) -> f64 {
    match json {
        Json::Int(v) => *v as f64,
        Json::UInt(v) => *v as f64,
        Json::Double(v) => *v,
        Json::Decimal(v) => v.to_f64(),
        _ => 0.0,
    }
}

/// No text's key is the beginning of another's.
fn text_key(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Json {}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Json) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Null, numbers, strings, objects, arrays, booleans; each among its kind.
impl Ord for Json {
    fn cmp(&self, other: &Json) -> Ordering {
        match (self, other) {
            (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
            (Json::String(a), Json::String(b)) => a.cmp(b),
            (Json::Array(a), Json::Array(b)) => a.cmp(b),
            (Json::Object(a), Json::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
                let members = a.iter().zip(b.iter());
                members
                    .map(|((ka, va), (kb, vb))| ka.cmp(kb).then_with(|| va.cmp(vb)))
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            }),
            (a, b) if rank(a) == 1 && rank(b) == 1 => numbers(a, b),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

impl Json {
    /// Bytes that are equal where the values are, and whose order is that of `ORDER BY`: as [`Ord`], but objects and
    /// arrays by their number of elements first.
    pub fn sort_key(&self, out: &mut Vec<u8>) {
        out.push(rank(self) + 1);
        match self {
            Json::Null => {}
            Json::Bool(v) => out.push(u8::from(*v)),
            Json::String(text) => text_key(text, out),
            Json::Array(list) => {
                out.extend_from_slice(&(list.len() as u32).to_be_bytes());
                list.iter().for_each(|element| element.sort_key(out));
            }
            Json::Object(object) => {
                out.extend_from_slice(&(object.len() as u32).to_be_bytes());
                for (key, value) in object.iter() {
                    text_key(key, out);
                    value.sort_key(out);
                }
            }
            Json::Int(_) | Json::UInt(_) | Json::Double(_) | Json::Decimal(_) => {
                let v = double(self) + 0.0;
                let bits = v.to_bits();
                let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
                out.extend_from_slice(&ordered.to_be_bytes());
                // What the double leaves out of a large integer.
                let rest = match self {
                    Json::Int(exact) => i128::from(*exact) - v as i128,
                    Json::UInt(exact) => i128::from(*exact) - v as i128,
                    _ => 0,
                };
                out.extend_from_slice(&((rest as i64) ^ i64::MIN).to_be_bytes());
            }
        }
    }

    /// `JSON_CONTAINS`.
    pub fn contains(&self, candidate: &Json) -> bool {
        match (self, candidate) {
            (Json::Array(list), Json::Array(wanted)) => {
                wanted.iter().all(|wanted| list.iter().any(|element| element.contains(wanted)))
            }
            (Json::Array(list), _) => list.iter().any(|element| element.contains(candidate)),
            (Json::Object(object), Json::Object(wanted)) => {
                wanted.iter().all(|(key, wanted)| object.get(key).is_some_and(|value| value.contains(wanted)))
            }
            _ => self == candidate,
        }
    }

    /// `JSON_OVERLAPS`.
    pub fn overlaps(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Array(a), Json::Array(b)) => {
                // Sorted once, so that long arrays do not cost their product.
                let mut sorted: Vec<&Json> = b.iter().collect();
                sorted.sort();
                a.iter().any(|element| sorted.binary_search(&element).is_ok())
            }
            (Json::Array(list), single) | (single, Json::Array(list)) => list.contains(single),
            (Json::Object(a), Json::Object(b)) => a.iter().any(|(key, value)| b.get(key) == Some(value)),
            _ => self == other,
        }
    }
}
