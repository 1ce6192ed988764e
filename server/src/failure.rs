//! Why the server does not start or ends early: one line for a person, and the exit code for a script.

use aurora_audit::AuditError;
use aurora_catalog::CatalogError;
use aurora_encryption::KeyError;
use aurora_lsm::LsmError;
use aurora_txn::TxnError;
use std::path::Path;

/// What exit code a failure has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1: something outside is not as it must be.
    Runtime = 1,
    /// 2: the flags or the configuration.
    Usage = 2,
    /// 3: stored bytes are not what was written.
    Damaged = 3,
}

/// One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
}

impl Failure {
    pub fn runtime(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Runtime, message: message.into() }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Usage, message: message.into() }
    }

    pub fn damaged(message: impl std::fmt::Display) -> Failure {
        let message =
            format!("{message}; restore the data folder from a backup, `aurora check DIR` tells more");
        Failure { kind: Kind::Damaged, message }
    }

    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Failure {
        let hint = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "; give this user the right to it, or choose another --data-dir"
            }
            std::io::ErrorKind::StorageFull => "; free some space",
            _ => "",
        };
        Failure::runtime(format!("cannot {action} {}: {error}{hint}", path.display()))
    }
}

impl From<LsmError> for Failure {
    fn from(error: LsmError) -> Failure {
        match &error {
            LsmError::Damaged { .. } | LsmError::Seal(_) => Failure::damaged(error),
            LsmError::InUse(_) => {
                Failure::runtime(format!("{error}; stop the other server, or choose another --data-dir"))
            }
            LsmError::NotOurs(_) => {
                Failure::runtime(format!("{error}; name an empty or a new folder with --data-dir"))
            }
            LsmError::Io { action, path, source } => Failure::io(action, path, source),
            _ => Failure::runtime(error.to_string()),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        match &error {
            KeyError::Damaged(_) | KeyError::DamagedRecord(_) | KeyError::NotAMark(_) => {
                Failure::damaged(error)
            }
            KeyError::IsSealed => Failure::runtime(format!(
                "{error}; leave the option out, or name a new folder with --data-dir and load a dump there"
            )),
            KeyError::IsPlain => Failure::runtime(format!(
                "{error}; leave out encryption=ON and --key-file, or name a new folder with --data-dir and load a \
                 dump there"
            )),
            KeyError::RegistryMissing(_) => Failure {
                kind: Kind::Damaged,
                message: format!("{error}; restore the folder `keys` from a backup"),
            },
            KeyError::NotAKey(_) => {
                Failure::runtime(format!("{error}; `openssl rand -hex 32` makes one for a new data folder"))
            }
            KeyError::OtherInstance => Failure::runtime(format!(
                "{error}; put back the folder `keys` that belongs to this data folder"
            )),
            KeyError::Io { action, path, source } => Failure::runtime(format!(
                "cannot {action} the key {}: {source}; see --key-file",
                path.display()
            )),
            _ => Failure::runtime(error.to_string()),
        }
    }
}

impl From<TxnError> for Failure {
    fn from(error: TxnError) -> Failure {
        match error {
            TxnError::Store(error) => error.into(),
            error => Failure::runtime(error.to_string()),
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        match error {
            CatalogError::Txn(error) => error.into(),
            error @ CatalogError::Damaged(_) => Failure::damaged(error),
        }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Failure {
        match &error {
            AuditError::Damaged { .. } | AuditError::Seal { .. } => Failure::damaged(error),
            _ => Failure::runtime(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_exit_codes() {
        let damaged = LsmError::Damaged { path: "d".into(), what: "w".into() };
        assert_eq!(Failure::from(damaged).kind as u8, 3);
        assert_eq!(Failure::from(LsmError::InUse("d".into())).kind as u8, 1);
        assert_eq!(Failure::from(KeyError::WrongKek).kind as u8, 1);
        assert_eq!(Failure::usage("x").kind as u8, 2);
    }
}
