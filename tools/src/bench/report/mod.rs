//! Rounds to rows, rows to a table, JSON or a page.

pub mod compare;
pub mod page;
mod row;
mod table;
pub mod tables;

pub use row::{Race, Rounds, Row, rows};
pub use table::{client_share, table};

/// The middle value.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// Largest distance of a round from the median, as a fraction of it; of one round there is none.
pub fn spread(rounds: &[f64]) -> Option<f64> {
    let middle = median(rounds).filter(|middle| *middle > 0.0 && rounds.len() > 1)?;
    Some(rounds.iter().map(|value| (value - middle).abs() / middle).fold(0.0, f64::max))
}

/// Three significant digits, no exponents.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => 6,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        assert_eq!(
            (median(&[]), median(&[3.0, 1.0]), median(&[5.0, 1.0, 2.0])),
            (None, Some(2.0), Some(2.0))
        );
        assert_eq!(
            [0.0, 0.0512, 0.621, 3.1511, 52.07, 1234.5].map(number).join(" "),
            "0 0.0512 0.621 3.15 52.1 1234"
        );
        assert_eq!((spread(&[2.0]), spread(&[1.0, 2.0, 4.0])), (None, Some(1.0)));
    }
}
