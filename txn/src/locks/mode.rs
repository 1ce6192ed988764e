//! Lock modes, and the two tables that say all about them: compatibility and conversion.

/// What a holder may do with what it locked, and with what lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LockMode {
    /// IS: shared locks below.
    IntentShared = 0,
    /// IX: exclusive locks below.
    IntentExclusive = 1,
    /// S: reads all of it.
    Shared = 2,
    /// SUX: reads all of it and means to write; admits readers, but no second SUX, so that two upgrades of S to X
    /// cannot wait for each other.
    SharedUpdate = 3,
    /// SIX: reads all of it, exclusive locks below.
    SharedIntentExclusive = 4,
    /// X: alone.
    Exclusive = 5,
}

use LockMode::{
    Exclusive as X, IntentExclusive as IX, IntentShared as IS, Shared as S, SharedIntentExclusive as SIX,
    SharedUpdate as SUX,
};

/// Whether two transactions may hold the modes at once. Symmetric.
#[rustfmt::skip]
const COMPATIBLE: [[bool; 6]; 6] = [
    //          IS     IX     S      SUX    SIX    X
    /* IS  */ [true,  true,  true,  true,  true,  false],
    /* IX  */ [true,  true,  false, false, false, false],
    /* S   */ [true,  false, true,  true,  false, false],
    /* SUX */ [true,  false, true,  false, false, false],
    /* SIX */ [true,  false, false, false, false, false],
    /* X   */ [false, false, false, false, false, false],
];

/// The weakest mode that grants what both grant: what a holder of one gets when it asks for the other.
#[rustfmt::skip]
const JOIN: [[LockMode; 6]; 6] = [
    //         IS   IX   S    SUX  SIX  X
    /* IS  */ [IS,  IX,  S,   SUX, SIX, X],
    /* IX  */ [IX,  IX,  SIX, SIX, SIX, X],
    /* S   */ [S,   SIX, S,   SUX, SIX, X],
    /* SUX */ [SUX, SIX, SUX, SUX, SIX, X],
    /* SIX */ [SIX, SIX, SIX, SIX, SIX, X],
    /* X   */ [X,   X,   X,   X,   X,   X],
];

impl LockMode {
    pub const ALL: [LockMode; 6] = [IS, IX, S, SUX, SIX, X];

    pub fn is_compatible_with(self, other: LockMode) -> bool {
        COMPATIBLE[self as usize][other as usize]
    }

    pub fn join(self, other: LockMode) -> LockMode {
        JOIN[self as usize][other as usize]
    }

    /// Whether a holder of `self` needs nothing more for `other`.
    pub fn covers(self, other: LockMode) -> bool {
        self.join(other) == self
    }

    /// The mode needed one level up.
    pub fn intent(self) -> LockMode {
        match self {
            IS | S => IS,
            IX | SUX | SIX | X => IX,
        }
    }

    /// As `performance_schema.data_locks` shows it.
    pub fn symbol(self) -> &'static str {
        match self {
            IS => "IS",
            IX => "IX",
            S => "S",
            SUX => "SUX",
            SIX => "SIX",
            X => "X",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_is_symmetric() {
        for a in LockMode::ALL {
            for b in LockMode::ALL {
                assert_eq!(a.is_compatible_with(b), b.is_compatible_with(a), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_join_is_the_weakest_mode_that_excludes_all_that_either_excludes() {
        for a in LockMode::ALL {
            for b in LockMode::ALL {
                let join = a.join(b);
                assert_eq!(join, b.join(a));
                assert!(join.covers(a) && join.covers(b));
                let excludes = |mode: LockMode| LockMode::ALL.map(|other| !mode.is_compatible_with(other));
                for (other, excluded) in excludes(join).into_iter().enumerate() {
                    assert_eq!(excluded, excludes(a)[other] || excludes(b)[other], "{a:?} {b:?}");
                }
            }
        }
    }
}
