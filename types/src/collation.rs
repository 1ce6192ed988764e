//! Collations and character sets by MySQL's numbers.

/// A collation by MySQL's id (`information_schema.collations.ID`); it names its character set too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CollationId(pub u16);

impl CollationId {
    pub const BINARY: CollationId = CollationId(63);
    pub const UTF8MB4_0900_AI_CI: CollationId = CollationId(255);
    pub const UTF8MB4_GENERAL_CI: CollationId = CollationId(45);
    pub const UTF8MB4_BIN: CollationId = CollationId(46);
    pub const UTF8MB3_GENERAL_CI: CollationId = CollationId(33);
    pub const LATIN1_SWEDISH_CI: CollationId = CollationId(8);

    pub fn is_binary(self) -> bool {
        self == CollationId::BINARY
    }
}
