//! Dates and times, packed so that integer order is time order, zero dates included.

/// A calendar date, `0000-00-00` and zero months or days included. Packed: year·512 + month·32 + day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub(crate) u32);

/// A signed duration of at most 838:59:59.999999, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub(crate) i64);

/// A date with a time of day to the microsecond, zero dates included.
/// Packed: ((year·13 + month)·32 + day) << 37 | hour << 32 | minute << 26 | second << 20 | microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub(crate) u64);
