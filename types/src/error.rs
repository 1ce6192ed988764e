//! MySQL's errors: number, SQLSTATE and text in one table.

/// One row of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorKind {
    /// MySQL's number, such as 1062.
    pub code: u16,
    /// Five characters, such as `23000`.
    pub sqlstate: &'static str,
    /// MySQL's symbol, such as `ER_DUP_ENTRY`.
    pub symbol: &'static str,
    /// MySQL's text with `{}` where an argument goes, in MySQL's order.
    pub text: &'static str,
}

/// An error as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ERROR {code} ({sqlstate}): {message}")]
pub struct SqlError {
    pub code: u16,
    pub sqlstate: &'static str,
    pub message: String,
}

pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    /// Fills the text of `kind` with `args`, in order.
    pub fn new(kind: &'static ErrorKind, args: &[&dyn std::fmt::Display]) -> SqlError {
        let mut message = String::with_capacity(kind.text.len() + 32);
        let mut rest = kind.text;
        for arg in args {
            let Some(at) = rest.find("{}") else { break };
            message.push_str(&rest[..at]);
            message.push_str(&arg.to_string());
            rest = &rest[at + 2..];
        }
        message.push_str(rest);
        SqlError { code: kind.code, sqlstate: kind.sqlstate, message }
    }

    pub fn is(&self, kind: &ErrorKind) -> bool {
        self.code == kind.code
    }
}

macro_rules! catalogue {
    ($($symbol:ident $code:literal $sqlstate:literal $text:literal;)*) => {
        $(pub const $symbol: &$crate::ErrorKind = &$crate::ErrorKind {
            code: $code, sqlstate: $sqlstate, symbol: stringify!($symbol), text: $text,
        };)*
        /// Every error of this part of the catalogue, by number.
        pub(crate) const PART: &[&$crate::ErrorKind] = &[$($symbol),*];
    };
}
pub(crate) use catalogue;

mod json_and_ddl;
mod modern;
mod routines;
mod server;
mod statements;

pub use json_and_ddl::*;
pub use modern::*;
pub use routines::*;
pub use server::*;
pub use statements::*;

const PARTS: [&[&ErrorKind]; 5] =
    [server::PART, routines::PART, statements::PART, json_and_ddl::PART, modern::PART];

/// Every error of the catalogue, by number.
pub fn all() -> impl Iterator<Item = &'static ErrorKind> {
    PARTS.into_iter().flatten().copied()
}

/// The error with MySQL's number `code`.
pub fn by_code(code: u16) -> Option<&'static ErrorKind> {
    PARTS.iter().find_map(|part| part.binary_search_by_key(&code, |kind| kind.code).ok().map(|at| part[at]))
}

/// The error with MySQL's symbol, such as `ER_DUP_ENTRY`.
pub fn by_symbol(symbol: &str) -> Option<&'static ErrorKind> {
    all().find(|kind| kind.symbol == symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_unique_and_well_formed() {
        let codes: Vec<u16> = all().map(|kind| kind.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(codes.len() > 900);
        assert!(all().all(|kind| kind.sqlstate.len() == 5 && !kind.text.contains('%')));
    }

    #[test]
    fn lookups_find_errors_in_every_part() {
        assert_eq!(by_code(1062), Some(ER_DUP_ENTRY));
        assert_eq!(by_code(3819).map(|kind| kind.symbol), Some("ER_CHECK_CONSTRAINT_VIOLATED"));
        assert_eq!(by_symbol("ER_LOCK_NOWAIT").map(|kind| kind.code), Some(3572));
        assert_eq!(by_code(9), None);
    }

    #[test]
    fn arguments_fill_the_text_in_order() {
        let error = SqlError::new(ER_DUP_ENTRY, &[&"1", &"t.PRIMARY"]);
        assert_eq!(error.message, "Duplicate entry '1' for key 't.PRIMARY'");
        assert_eq!(error.sqlstate, "23000");
    }
}
