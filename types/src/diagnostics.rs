//! The warnings of one statement.

use crate::SqlError;
use crate::error::ErrorKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Note,
    Warning,
    Error,
}

#[derive(Clone, Debug)]
pub struct Warning {
    pub level: Level,
    pub code: u16,
    pub message: String,
}

/// Collects warnings up to `max_error_count`; counts them all.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    pub list: Vec<Warning>,
    /// All that were raised, kept or not.
    pub count: u64,
    /// How many are kept (`max_error_count`, 1024 by default).
    pub max_kept: usize,
}

impl Default for Diagnostics {
    fn default() -> Diagnostics {
        Diagnostics { list: Vec::new(), count: 0, max_kept: 1024 }
    }
}

impl Diagnostics {
    pub fn clear(&mut self) {
        self.list.clear();
        self.count = 0;
    }

    pub fn push(&mut self, level: Level, code: u16, message: String) {
        self.count += 1;
        if self.list.len() < self.max_kept {
            self.list.push(Warning { level, code, message });
        }
    }

    pub fn warn(&mut self, kind: &'static ErrorKind, args: &[&dyn std::fmt::Display]) {
        let error = SqlError::new(kind, args);
        self.push(Level::Warning, error.code, error.message);
    }

    pub fn note(&mut self, kind: &'static ErrorKind, args: &[&dyn std::fmt::Display]) {
        let error = SqlError::new(kind, args);
        self.push(Level::Note, error.code, error.message);
    }
}
