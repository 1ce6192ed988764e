//! Why a command failed, and the exit code that says so.

use aurora_audit::AuditError;
use aurora_encryption::KeyError;
use aurora_env::SealError;
use aurora_lsm::LsmError;
use std::path::Path;

/// Exit codes that all commands share; `migrate` has one more of its own.
pub const RUNTIME: i32 = 1;
pub const USAGE: i32 = 2;
pub const DAMAGE: i32 = 3;

/// One line for the user, and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub code: i32,
    pub message: String,
}

impl Failure {
    pub fn runtime(message: impl Into<String>) -> Failure {
        Failure { code: RUNTIME, message: message.into() }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: USAGE, message: message.into() }
    }

    pub fn damage(message: impl Into<String>) -> Failure {
        Failure { code: DAMAGE, message: message.into() }
    }

    /// What happened to a file.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Failure {
        Failure::runtime(format!("cannot {action} {}: {error}", path.display()))
    }
}

impl From<LsmError> for Failure {
    fn from(error: LsmError) -> Failure {
        match &error {
            LsmError::Damaged { .. } => Failure::damage(error.to_string()),
            LsmError::InUse(_) => Failure::runtime(format!("{error}: stop the server first")),
            _ => Failure::runtime(error.to_string()),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        match &error {
            KeyError::Damaged(_) | KeyError::DamagedRecord(_) => Failure::damage(error.to_string()),
            _ => Failure::runtime(error.to_string()),
        }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Failure {
        match &error {
            AuditError::Damaged { .. }
            | AuditError::Seal { source: SealError::BadHeader(_) | SealError::BadTag { .. }, .. } => {
                Failure::damage(error.to_string())
            }
            _ => Failure::runtime(error.to_string()),
        }
    }
}
