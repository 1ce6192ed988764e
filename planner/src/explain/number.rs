//! Numbers as EXPLAIN shows them: three digits that count, exponents in steps of three.

/// `0.0257`, `1.67`, `3503`, `80e-6`, `1.2e+6`.
pub(super) fn readable(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    let digits = |value: f64| {
        let before = value.abs().log10().floor() as i32;
        let text = format!("{value:.*}", usize::try_from(2 - before).unwrap_or(0));
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    };
    if (1e-3..999_999.5).contains(&value.abs()) {
        return digits(value);
    }
    let mut exponent = (value.abs().log10() / 3.0).floor() as i32 * 3;
    let mut mantissa = digits(value / 10f64.powi(exponent));
    if mantissa.trim_start_matches('-') == "1000" {
        exponent += 3;
        mantissa = mantissa.replace("1000", "1");
    }
    format!("{mantissa}e{exponent:+}")
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (0.025_71, "0.0257"),
            (0.029, "0.029"),
            (5.0 / 3.0, "1.67"),
            (10.0, "10"),
            (3503.4, "3503"),
            (80e-6, "80e-6"),
            (1.234_5e6, "1.23e+6"),
            (999_999.9, "1e+6"),
            (123.4, "123"),
        ];
        for (value, text) in cases {
            assert_eq!(readable(value), text);
        }
    }
}
