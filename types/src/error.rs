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
        $(pub const $symbol: &ErrorKind = &ErrorKind {
            code: $code, sqlstate: $sqlstate, symbol: stringify!($symbol), text: $text,
        };)*
        /// Every error of the catalogue, in no order.
        pub const ALL: &[&ErrorKind] = &[$($symbol),*];
    };
}

catalogue! {
    ER_DUP_ENTRY 1062 "23000" "Duplicate entry '{}' for key '{}'";
    ER_PARSE_ERROR 1064 "42000" "{} near '{}' at line {}";
    ER_BAD_FIELD_ERROR 1054 "42S22" "Unknown column '{}' in '{}'";
    ER_NO_SUCH_TABLE 1146 "42S02" "Table '{}.{}' doesn't exist";
    ER_BAD_DB_ERROR 1049 "42000" "Unknown database '{}'";
    ER_NO_DB_ERROR 1046 "3D000" "No database selected";
    ER_NOT_SUPPORTED_YET 1235 "42000" "This version of AuroraDB doesn't yet support '{}'";
    ER_UNKNOWN_ERROR 1105 "HY000" "{}";
    ER_LOCK_WAIT_TIMEOUT 1205 "HY000" "Lock wait timeout exceeded; try restarting transaction";
    ER_LOCK_DEADLOCK 1213 "40001" "Deadlock found when trying to get lock; try restarting transaction";
    ER_LOCK_NOWAIT 3572 "HY000" "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.";
    ER_QUERY_INTERRUPTED 1317 "70100" "Query execution was interrupted";
}
