//! Encryption at rest and the audit log: what the options say, and what the start warns of.

use crate::failure::Failure;
use crate::settings::Settings;
use aurora_audit::{AuditError, AuditLog, Mode};
use aurora_encryption::{AtRest, KeySource, Wanted, open_sealing};
use aurora_env::{Env, Sealing};
use aurora_lsm::DataDir;
use std::path::Path;
use std::sync::Arc;

/// What `encryption` asks for; nothing when it was left out. A key file is of use to encrypted folders only.
fn wanted_at_rest(settings: &Settings) -> Result<Option<AtRest>, Failure> {
    match (settings.number("encryption"), &settings.key_file) {
        (Some(0), Some(_)) => {
            Err(Failure::usage("--key-file and encryption=OFF exclude each other; leave out one"))
        }
        (Some(0), None) => Ok(Some(AtRest::Plain)),
        (Some(_), _) | (None, Some(_)) => Ok(Some(AtRest::Sealed)),
        (None, None) => Ok(None),
    }
}

/// Opens the folder's keys, or makes what a new folder needs.
///
/// # Errors
/// Above all when the folder was made with the other setting.
pub fn open_keys(
    settings: &Settings,
    dir: &DataDir,
    env: &Env,
) -> Result<(Arc<dyn Sealing>, AtRest), Failure> {
    let at_rest = wanted_at_rest(settings)?;
    let source = match &settings.key_file {
        Some(path) => KeySource::File(path.clone()),
        None => KeySource::DataFolder,
    };
    let current = dir.path().join("CURRENT");
    let has_data = env.fs.exists(&current).map_err(|error| Failure::io("look for", &current, &error))?;
    let wanted = Wanted { at_rest, is_new: !has_data };
    let opened = open_sealing(&dir.path().join("keys"), env, dir.instance_id(), &source, wanted)?;
    if opened.1 == AtRest::Plain {
        tracing::warn!(
            "encryption=OFF: data, write-ahead log, audit log and its signing key lie readable in {}",
            dir.path().display()
        );
    }
    Ok(opened)
}

/// What `audit` asks for; `None`: off.
fn audit_mode(settings: &Settings) -> Option<Mode> {
    match settings.text("audit").as_deref() {
        Some("OFF") => None,
        Some("ASYNC") => Some(Mode::Async),
        Some("WRITTEN") => Some(Mode::Written),
        Some("DURABLE") => Some(Mode::Durable),
        _ => Some(Mode::ByClass),
    }
}

/// Opens the audit log in `dir`. Where it is off, that is the last that it tells.
///
/// # Errors
/// When it cannot be had though it is on.
pub fn open_audit(
    settings: &Settings,
    env: &Env,
    sealing: &Arc<dyn Sealing>,
    dir: &Path,
) -> Result<Option<Arc<AuditLog>>, Failure> {
    let open = |mode| AuditLog::open_as(mode, env.clone(), sealing.clone(), dir);
    let Some(mode) = audit_mode(settings) else {
        tracing::warn!("audit=OFF: nobody's logins, definitions and failed statements are recorded");
        let recorded: Result<(), AuditError> = open(Mode::ByClass).and_then(|log| log.switch_off());
        if let Err(error) = recorded {
            tracing::warn!(%error, "the audit log could not record that it is switched off");
        }
        return Ok(None);
    };
    if mode == Mode::Async {
        tracing::warn!("audit=ASYNC: a crash loses the last events, of up to ten seconds");
    }
    Ok(Some(Arc::new(open(mode)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::assignment;

    fn settings(set: &[(&str, &str)], key_file: bool) -> Settings {
        let variables = set.iter().map(|(name, value)| assignment(name, value).expect("accepted")).collect();
        let key_file = key_file.then(|| "/k".into());
        Settings { variables, key_file, ..Settings::default() }
    }

    #[test]
    fn the_last_word_counts() {
        assert_eq!(audit_mode(&settings(&[], false)), Some(Mode::ByClass));
        assert_eq!(
            audit_mode(&settings(&[("audit", "OFF"), ("audit", "durable")], false)),
            Some(Mode::Durable)
        );
        assert_eq!(audit_mode(&settings(&[("audit", "0")], false)), None);
    }

    #[test]
    fn a_key_file_means_encryption() {
        let wanted = |set: &[(&str, &str)], key_file| wanted_at_rest(&settings(set, key_file)).ok();
        assert_eq!(wanted(&[], false), Some(None));
        assert_eq!(wanted(&[], true), Some(Some(AtRest::Sealed)));
        assert_eq!(wanted(&[("encryption", "OFF")], false), Some(Some(AtRest::Plain)));
        assert_eq!(wanted(&[("encryption", "OFF")], true), None);
    }
}
