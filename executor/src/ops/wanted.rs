//! Which columns of an operator's rows are read above it: the others need not be decoded, moved or kept.
//!
//! Columns that nobody reads are NULL in the rows, so that positions stay what the plan says.

use aurora_expr::{Expr, ExprKind};

/// A set of columns. From the 64th on all are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted(u64);

impl Wanted {
    pub const ALL: Wanted = Wanted(u64::MAX);
    pub const NONE: Wanted = Wanted(0);

    #[inline]
    pub fn has(self, at: usize) -> bool {
        at >= 64 || self.0 >> at & 1 == 1
    }

    pub fn with(self, at: usize) -> Wanted {
        if at < 64 { Wanted(self.0 | 1 << at) } else { self }
    }

    /// And what the expression reads.
    pub fn and(mut self, expr: &Expr) -> Wanted {
        if self != Wanted::ALL {
            expr.walk(&mut |expr| {
                if let ExprKind::Column(at) = expr.kind {
                    self = self.with(at);
                }
            });
        }
        self
    }

    pub fn and_all<'e>(self, exprs: impl IntoIterator<Item = &'e Expr>) -> Wanted {
        exprs.into_iter().fold(self, Wanted::and)
    }

    /// The columns from `width` on, numbered from there.
    pub fn behind(self, width: usize) -> Wanted {
        match width {
            0 => self,
            1..64 => Wanted(self.0 >> width | u64::MAX << (64 - width)),
            _ => Wanted::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_left_columns_is_numbered_anew() {
        let some = Wanted::NONE.with(0).with(3).with(63);
        assert_eq!((0..5).map(|at| some.has(at)).collect::<Vec<_>>(), [true, false, false, true, false]);
        let behind = some.behind(2);
        assert_eq!((0..3).map(|at| behind.has(at)).collect::<Vec<_>>(), [false, true, false]);
        assert!(behind.has(61) && behind.has(62), "what was beyond the 63rd is not known to be unread");
        assert_eq!(some.behind(0), some);
        assert_eq!((some.behind(64), Wanted::ALL.behind(7)), (Wanted::ALL, Wanted::ALL));
        assert!(some.has(64) && some.with(70) == some);
    }
}
