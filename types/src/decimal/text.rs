//! Decimals from and to text.

use super::wide::Wide;
use super::{Decimal, MAX_PRECISION, MAX_SCALE, POW10};

/// How a text was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseStatus {
    Exact,
    /// More than 30 digits behind the point: rounded.
    Rounded,
    /// More than 65 digits before the point: the largest decimal.
    Overflow,
    /// No number at the start of the text: zero.
    Invalid,
}

/// A decimal read from the start of a text.
#[derive(Clone, Copy, Debug)]
pub struct ParsedDecimal {
    pub value: Decimal,
    /// Bytes that belong to the number, leading space included; what follows is garbage or trailing space.
    pub consumed: usize,
    pub status: ParseStatus,
}

impl Decimal {
    /// Reads `[space] [+-] digits [. digits] [e [+-] digits]` from the start of `text`.
    pub fn parse(text: &[u8]) -> ParsedDecimal {
        let mut at = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let negative = match text.get(at) {
            Some(b'-') => {
                at += 1;
                true
            }
            Some(b'+') => {
                at += 1;
                false
            }
            _ => false,
        };
        let digits_at =
            |from: usize| text[from.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        let int_start = at;
        let int_len = digits_at(at);
        at += int_len;
        let (mut frac_start, mut frac_len) = (at, 0);
        if text.get(at) == Some(&b'.') {
            frac_start = at + 1;
            frac_len = digits_at(frac_start);
            if int_len + frac_len > 0 {
                at = frac_start + frac_len;
            }
        }
        if int_len + frac_len == 0 {
            return ParsedDecimal { value: Decimal::ZERO, consumed: 0, status: ParseStatus::Invalid };
        }
        let mut exponent = 0i64;
        if matches!(text.get(at), Some(b'e' | b'E')) {
            let sign_len = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
            let exp_len = digits_at(at + 1 + sign_len);
            if exp_len > 0 {
                let exp_digits = &text[at + 1 + sign_len..at + 1 + sign_len + exp_len];
                exponent = exp_digits.iter().fold(0i64, |e, d| (e * 10 + i64::from(d - b'0')).min(100_000));
                if text.get(at + 1) == Some(&b'-') {
                    exponent = -exponent;
                }
                at += 1 + sign_len + exp_len;
            }
        }
        let int = &text[int_start..int_start + int_len];
        let frac = &text[frac_start..frac_start + frac_len];
        let (value, status) = assemble(negative, int, frac, exponent);
        ParsedDecimal { value, consumed: at, status }
    }

    /// Appends the number with all digits of its scale: `-0.50`.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.is_negative() {
            out.push(b'-');
        }
        let scale = usize::from(self.scale());
        let mut buffer = itoa::Buffer::new();
        let mut long = [0u8; 80];
        let digits: &[u8] = match self.small() {
            Some(m) => match u64::try_from(m) {
                Ok(m) => buffer.format(m).as_bytes(),
                Err(_) => buffer.format(m).as_bytes(),
            },
            None => wide_digits(self.wide(), &mut long),
        };
        if digits.len() > scale {
            let (int, frac) = digits.split_at(digits.len() - scale);
            out.extend_from_slice(int);
            if scale > 0 {
                out.push(b'.');
                out.extend_from_slice(frac);
            }
        } else {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + scale - digits.len(), b'0');
            out.extend_from_slice(digits);
        }
    }
}

/// The digits of `value` at the end of `buffer`.
fn wide_digits(mut value: Wide, buffer: &mut [u8; 80]) -> &[u8] {
    let mut at = buffer.len();
    while !value.is_zero() && at >= 19 {
        let (rest, mut chunk) = value.div_small(POW10[19] as u64);
        value = rest;
        let stop = at - 19;
        while at > stop {
            at -= 1;
            buffer[at] = b'0' + (chunk % 10) as u8;
            chunk /= 10;
        }
    }
    let zeros = buffer[at..].iter().take_while(|b| **b == b'0').count();
    &buffer[(at + zeros).min(79)..]
}

fn assemble(negative: bool, int: &[u8], frac: &[u8], exponent: i64) -> (Decimal, ParseStatus) {
    let fold = |seed: u128, digits: &[u8]| digits.iter().fold(seed, |m, d| m * 10 + u128::from(d - b'0'));
    if exponent == 0 && int.len() + frac.len() <= 38 && frac.len() <= usize::from(MAX_SCALE) {
        return (
            Decimal::pack_small(negative, fold(fold(0, int), frac), frac.len() as u8),
            ParseStatus::Exact,
        );
    }
    // The digit string with the point moved by the exponent.
    let mut digits: Vec<u8> = Vec::with_capacity(int.len() + frac.len());
    digits.extend_from_slice(int);
    digits.extend_from_slice(frac);
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    let mut point = int.len() as i64 + exponent - zeros as i64;
    digits.drain(..zeros);
    if digits.is_empty() {
        let scale = (frac.len() as i64 - exponent).clamp(0, i64::from(MAX_SCALE)) as u8;
        return (Decimal::pack_small(false, 0, scale), ParseStatus::Exact);
    }
    if point > i64::from(MAX_PRECISION) {
        return (Decimal::largest(MAX_PRECISION, 0, negative), ParseStatus::Overflow);
    }
    let mut status = ParseStatus::Exact;
    let room = i64::from(MAX_SCALE).min(i64::from(MAX_PRECISION) - point.max(0));
    let keep = point + room;
    let mut round_up = false;
    if (digits.len() as i64) > keep {
        let cut = keep.max(0) as usize;
        round_up = keep >= 0 && digits.get(cut).is_some_and(|d| *d >= b'5');
        if digits[cut..].iter().any(|d| *d != b'0') {
            status = ParseStatus::Rounded;
        }
        digits.truncate(cut);
        if keep < 0 {
            point = 0;
        }
    }
    let mut scale = digits.len() as i64 - point;
    if keep < 0 || digits.is_empty() {
        scale = room;
    }
    let mut magnitude = Wide::ZERO;
    for chunk in digits.chunks(19) {
        magnitude = magnitude.mul_pow10(chunk.len() as u32).add(&Wide::from_u128(fold(0, chunk)));
    }
    if scale < 0 {
        magnitude = magnitude.mul_pow10(scale.unsigned_abs() as u32);
        scale = 0;
    }
    if round_up {
        magnitude = magnitude.add(&Wide::from_u128(1));
    }
    match Decimal::pack_wide(negative, magnitude, scale as u8) {
        Ok(value) => (value, status),
        Err(_) => (Decimal::largest(MAX_PRECISION, 0, negative), ParseStatus::Overflow),
    }
}
