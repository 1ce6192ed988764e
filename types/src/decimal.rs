//! Exact decimals up to DECIMAL(65,30).

/// An exact decimal: at most 65 digits, 30 of them behind the point. 24 bytes or fewer would keep `Value` small;
/// see `Value`'s size test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    unscaled: i64,
    scale: u8,
}
