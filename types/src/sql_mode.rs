//! The set of SQL modes.

/// A set of modes, with MySQL's bit values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlMode(pub u64);

macro_rules! modes {
    ($($name:ident = $bit:literal;)*) => {
        impl SqlMode {
            $(pub const $name: SqlMode = SqlMode(1 << $bit);)*
        }
        const NAMES: &[(&str, SqlMode)] = &[$((stringify!($name), SqlMode::$name)),*];
    };
}

modes! {
    REAL_AS_FLOAT = 0;
    PIPES_AS_CONCAT = 1;
    ANSI_QUOTES = 2;
    IGNORE_SPACE = 3;
    NOT_USED = 4;
    ONLY_FULL_GROUP_BY = 5;
    NO_UNSIGNED_SUBTRACTION = 6;
    NO_DIR_IN_CREATE = 7;
    ANSI = 18;
    NO_AUTO_VALUE_ON_ZERO = 19;
    NO_BACKSLASH_ESCAPES = 20;
    STRICT_TRANS_TABLES = 21;
    STRICT_ALL_TABLES = 22;
    NO_ZERO_IN_DATE = 23;
    NO_ZERO_DATE = 24;
    ALLOW_INVALID_DATES = 25;
    ERROR_FOR_DIVISION_BY_ZERO = 26;
    TRADITIONAL = 27;
    HIGH_NOT_PRECEDENCE = 29;
    NO_ENGINE_SUBSTITUTION = 30;
    PAD_CHAR_TO_FULL_LENGTH = 31;
    TIME_TRUNCATE_FRACTIONAL = 32;
}

impl SqlMode {
    pub const NONE: SqlMode = SqlMode(0);

    /// MySQL 9.7's default.
    pub const DEFAULT: SqlMode = SqlMode(
        SqlMode::ONLY_FULL_GROUP_BY.0
            | SqlMode::STRICT_TRANS_TABLES.0
            | SqlMode::NO_ZERO_IN_DATE.0
            | SqlMode::NO_ZERO_DATE.0
            | SqlMode::ERROR_FOR_DIVISION_BY_ZERO.0
            | SqlMode::NO_ENGINE_SUBSTITUTION.0,
    );

    const ANSI_PARTS: u64 = SqlMode::REAL_AS_FLOAT.0
        | SqlMode::PIPES_AS_CONCAT.0
        | SqlMode::ANSI_QUOTES.0
        | SqlMode::IGNORE_SPACE.0
        | SqlMode::ONLY_FULL_GROUP_BY.0;

    const TRADITIONAL_PARTS: u64 = SqlMode::STRICT_TRANS_TABLES.0
        | SqlMode::STRICT_ALL_TABLES.0
        | SqlMode::NO_ZERO_IN_DATE.0
        | SqlMode::NO_ZERO_DATE.0
        | SqlMode::ERROR_FOR_DIVISION_BY_ZERO.0
        | SqlMode::NO_ENGINE_SUBSTITUTION.0;

    /// Whether any of `other`'s modes is set.
    pub fn contains(self, other: SqlMode) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub fn with(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 | other.0).expanded()
    }

    #[must_use]
    pub fn without(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 & !other.0)
    }

    /// Whether bad values are errors.
    pub fn is_strict(self) -> bool {
        self.contains(SqlMode(SqlMode::STRICT_TRANS_TABLES.0 | SqlMode::STRICT_ALL_TABLES.0))
    }

    /// Combination modes bring their parts.
    fn expanded(self) -> SqlMode {
        let mut bits = self.0;
        if self.contains(SqlMode::ANSI) {
            bits |= SqlMode::ANSI_PARTS;
        }
        if self.contains(SqlMode::TRADITIONAL) {
            bits |= SqlMode::TRADITIONAL_PARTS;
        }
        SqlMode(bits)
    }

    /// Reads a comma-separated list of names in any case, or a number.
    ///
    /// # Errors
    /// The name that is none (MySQL: 1231).
    pub fn parse(text: &str) -> Result<SqlMode, String> {
        let all = NAMES.iter().fold(0, |bits, (_, mode)| bits | mode.0);
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return match text.parse::<u64>() {
                Ok(bits) if bits & !all == 0 => Ok(SqlMode(bits).expanded()),
                _ => Err(text.to_owned()),
            };
        }
        let mut bits = 0;
        for name in text.split(',') {
            if name.is_empty() {
                continue;
            }
            match NAMES
                .iter()
                .find(|(known, mode)| known.eq_ignore_ascii_case(name) && *mode != SqlMode::NOT_USED)
            {
                Some((_, mode)) => bits |= mode.0,
                None => return Err(name.to_owned()),
            }
        }
        Ok(SqlMode(bits).expanded())
    }
}

impl Default for SqlMode {
    fn default() -> SqlMode {
        SqlMode::DEFAULT
    }
}

impl std::fmt::Display for SqlMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        for (name, mode) in NAMES {
            if self.contains(*mode) {
                if !first {
                    f.write_str(",")?;
                }
                first = false;
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SqlMode;

    #[test]
    fn the_default_prints_as_mysql_prints_it() {
        let text = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
        assert_eq!(SqlMode::DEFAULT.to_string(), text);
        assert_eq!(SqlMode::parse(text), Ok(SqlMode::DEFAULT));
        assert_eq!(SqlMode::parse(""), Ok(SqlMode::NONE));
        assert_eq!(SqlMode::parse("strict_all_tables,nonsense"), Err("nonsense".to_owned()));
    }

    #[test]
    fn combinations_bring_their_parts() {
        let traditional = SqlMode::parse("traditional").unwrap();
        assert_eq!(
            traditional.to_string(),
            "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_ENGINE_SUBSTITUTION"
        );
        assert_eq!(
            SqlMode::parse("ansi").unwrap().to_string(),
            "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI"
        );
    }
}
