//! Numbers from and to text, by MySQL's rules.

use std::io::Write;

/// A number read from the start of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParsedNumber<T> {
    pub value: T,
    /// Bytes read, leading space included; 0 when there is no number.
    pub consumed: usize,
    /// The number was too large and is cut to the range.
    pub overflow: bool,
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// Whether nothing but white space follows.
pub fn only_space(text: &[u8]) -> bool {
    text.iter().all(|b| is_space(*b))
}

/// Reads `[space] [+-] digits` into 128 bits, saturating; callers cut to their range.
pub fn parse_integer(text: &[u8]) -> ParsedNumber<i128> {
    let mut at = text.iter().take_while(|b| is_space(**b)).count();
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
    let start = at;
    let (mut value, mut overflow) = (0i128, false);
    while let Some(b) = text.get(at).filter(|b| b.is_ascii_digit()) {
        match value.checked_mul(10).and_then(|v| v.checked_add(i128::from(b - b'0'))) {
            Some(v) => value = v,
            None => overflow = true,
        }
        at += 1;
    }
    if overflow {
        value = i128::MAX;
    }
    ParsedNumber {
        value: if negative { -value } else { value },
        consumed: if at == start { 0 } else { at },
        overflow,
    }
}

/// Reads `[space] [+-] digits [. digits] [e [+-] digits]`; beyond the range it gives ±`f64::MAX`.
pub fn parse_double(text: &[u8]) -> ParsedNumber<f64> {
    let begin = text.iter().take_while(|b| is_space(**b)).count();
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = begin + usize::from(matches!(text.get(begin), Some(b'-' | b'+')));
    let int = digits(at);
    at += int;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        if int + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if int + fraction == 0 {
        return ParsedNumber { value: 0.0, consumed: 0, overflow: false };
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    let number =
        std::str::from_utf8(&text[begin..at]).ok().and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    let value = number.clamp(-f64::MAX, f64::MAX);
    ParsedNumber { value, consumed: at, overflow: number.is_infinite() }
}

/// Characters that a DOUBLE may take as a string (`CONCAT(1e-14)`); columns sent to clients have no limit.
pub const DOUBLE_TEXT_WIDTH: usize = 22;
/// Characters that a FLOAT may take as a string.
pub const FLOAT_TEXT_WIDTH: usize = 12;

/// Appends the shortest text that reads back as `v`: `0.1`, `100000000000000`, `1e15`, `1e-16`.
pub fn write_double(v: f64, out: &mut Vec<u8>) {
    write_double_within(v, usize::MAX, out);
}

/// [`write_double`] with an exponent also where the plain form exceeds `width` characters.
pub fn write_double_within(v: f64, width: usize, out: &mut Vec<u8>) {
    if !v.is_finite() {
        // MySQL has no such values; they come from nowhere but arithmetic that is checked.
        out.extend_from_slice(if v.is_nan() {
            b"nan"
        } else if v > 0.0 {
            b"inf"
        } else {
            b"-inf"
        });
        return;
    }
    if v.is_sign_negative() {
        out.push(b'-');
    }
    let mut buffer = ryu::Buffer::new();
    let mut digits = [0u8; 24];
    let (len, point) = split_digits(buffer.format_finite(v.abs()).as_bytes(), &mut digits);
    lay_out(&digits[..len], point, width.saturating_sub(usize::from(v.is_sign_negative())), out);
}

/// Appends a FLOAT with the six digits that MySQL shows.
pub fn write_float(v: f64, out: &mut Vec<u8>) {
    write_float_within(v, usize::MAX, out);
}

/// [`write_float`] with an exponent also where the plain form exceeds `width` characters.
pub fn write_float_within(v: f64, width: usize, out: &mut Vec<u8>) {
    if !v.is_finite() {
        return write_double(v, out);
    }
    if v.is_sign_negative() {
        out.push(b'-');
    }
    let mut text = [0u8; 32];
    let mut rest = &mut text[..];
    if write!(rest, "{:.5e}", v.abs()).is_err() {
        return;
    }
    let used = 32 - rest.len();
    let mut digits = [0u8; 24];
    let (len, point) = split_digits(&text[..used], &mut digits);
    lay_out(&digits[..len], point, width.saturating_sub(usize::from(v.is_sign_negative())), out);
}

/// Appends `v` with a fixed number of decimals, as columns with a declared scale print.
pub fn write_fixed(v: f64, decimals: u8, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = write!(out, "{v:.*}", usize::from(decimals));
}

/// Significant digits of `123.4`, `1.5e20` or `0.001`, without zeros at the ends, and where the point stands
/// before them: the value is 0.DIGITS · 10^point.
fn split_digits(text: &[u8], digits: &mut [u8; 24]) -> (usize, i32) {
    let (mantissa, exponent) = match memchr::memchr(b'e', text) {
        Some(at) => (&text[..at], parse_integer(&text[at + 1..]).value as i32),
        None => (text, 0),
    };
    let (mut len, mut point, mut seen_point) = (0, 0, false);
    for &b in mantissa {
        if b == b'.' {
            seen_point = true;
            continue;
        }
        if len == 0 && b == b'0' {
            point -= i32::from(seen_point);
            continue;
        }
        if len < digits.len() {
            digits[len] = b;
            len += 1;
        }
        point += i32::from(!seen_point);
    }
    while len > 0 && digits[len - 1] == b'0' {
        len -= 1;
    }
    if len == 0 {
        digits[0] = b'0';
        return (1, 1);
    }
    (len, point + exponent)
}

/// Digits before the point up to which, and zeros behind it until which, a number prints without exponent.
const PLAIN_DIGITS: i32 = 15;

fn lay_out(digits: &[u8], point: i32, width: usize, out: &mut Vec<u8>) {
    let len = digits.len() as i32;
    let plain_len = if point <= 0 {
        2 - point + len
    } else if point >= len {
        point
    } else {
        len + 1
    };
    if (1 - PLAIN_DIGITS..=PLAIN_DIGITS).contains(&point) && plain_len as usize <= width {
        if point <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + point.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        } else if point >= len {
            out.extend_from_slice(digits);
            out.resize(out.len() + (point - len) as usize, b'0');
        } else {
            let (int, fraction) = digits.split_at(point as usize);
            out.extend_from_slice(int);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
        return;
    }
    out.push(digits[0]);
    if len > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.push(b'e');
    write_i64(i64::from(point - 1), out);
}

pub fn write_i64(v: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

pub fn write_u64(v: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

/// Rounds to `digits` behind the point (before it when negative), ties to even; or cuts.
pub fn round_double(v: f64, digits: i64, truncate: bool) -> f64 {
    let unit = 10f64.powf(digits.unsigned_abs().min(400) as f64);
    let whole = |v: f64| if truncate { v.trunc() } else { v.round_ties_even() };
    if digits < 0 {
        return if unit.is_infinite() { 0.0 } else { whole(v / unit) * unit };
    }
    let scaled = v * unit;
    if unit.is_infinite() || !scaled.is_finite() { v } else { whole(scaled) / unit }
}

/// The nearest integer, ties to even, cut to the range.
pub fn double_to_i64(v: f64) -> i64 {
    // Casts saturate.
    v.round_ties_even() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(v: f64) -> String {
        let mut out = Vec::new();
        write_double(v, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn float(v: f64) -> String {
        let mut out = Vec::new();
        write_float(f64::from(v as f32), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Answers of MySQL 9.7.4.
    #[test]
    fn doubles_print_as_mysql_prints_them() {
        for (v, expected) in [
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (1e16, "1e16"),
            (1.2345678901234568e17, "1.2345678901234568e17"),
            (1e-4, "0.0001"),
            (1e-14, "0.00000000000001"),
            (1e-15, "0.000000000000001"),
            (1e-16, "1e-16"),
            (123e-15, "0.000000000000123"),
            (1.5e20, "1.5e20"),
            (-1e15, "-1e15"),
            (0.1, "0.1"),
            (0.0, "0"),
            (1.7976931348623157e308, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (123456789012345e0, "123456789012345"),
            (1234567890123456e0, "1.234567890123456e15"),
            (0.000123456789, "0.000123456789"),
            (100e0 / 3.0, "33.333333333333336"),
            (1.234567890123456e-14, "0.00000000000001234567890123456"),
            (1.2345678901234567e19, "1.2345678901234567e19"),
        ] {
            assert_eq!(double(v), expected);
        }
        let mut out = Vec::new();
        write_double_within(1.234567890123456e-14, DOUBLE_TEXT_WIDTH, &mut out);
        assert_eq!(out, b"1.234567890123456e-14");
    }

    /// Answers of MySQL 9.7.4 for a FLOAT column.
    #[test]
    fn floats_print_six_digits() {
        for (v, expected) in [
            (1.1, "1.1"),
            (16777216.0, "16777200"),
            (1234567.8, "1234570"),
            (1e10, "10000000000"),
            (3.4e38, "3.4e38"),
            (1.17549435e-38, "1.17549e-38"),
            (0.3333333333, "0.333333"),
            (123456.0, "123456"),
            (999999.5, "1000000"),
            (1e-5, "0.00001"),
            (1e15, "1e15"),
            (1.5e14, "150000000000000"),
        ] {
            assert_eq!(float(v), expected);
        }
    }

    #[test]
    fn fixed_decimals_round_to_nearest() {
        let mut out = Vec::new();
        write_fixed(16777.2166, 3, &mut out);
        assert_eq!(out, b"16777.217");
    }

    #[test]
    fn prefixes_are_read() {
        assert_eq!(parse_double(b" 12.5e1x"), ParsedNumber { value: 125.0, consumed: 7, overflow: false });
        assert_eq!(parse_double(b"1e500"), ParsedNumber { value: f64::MAX, consumed: 5, overflow: true });
        assert_eq!(parse_double(b".").consumed, 0);
        assert_eq!(parse_double(b"-.5e").value, -0.5);
        assert_eq!(parse_double(b"inf").consumed, 0);
        assert_eq!(parse_integer(b"-12abc"), ParsedNumber { value: -12, consumed: 3, overflow: false });
        assert!(parse_integer(&[b'9'; 60]).overflow);
    }

    proptest::proptest! {
        #[test]
        fn doubles_read_back(bits: u64) {
            let v = f64::from_bits(bits);
            proptest::prop_assume!(v.is_finite());
            proptest::prop_assert_eq!(parse_double(double(v).as_bytes()).value, v);
        }
    }
}
