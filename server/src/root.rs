//! The first password of root: random, printed once, kept in a file until it is changed.

use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::settings::Settings;
use aurora_env::Entropy;
use aurora_security::{AccountName, Accounts};
use aurora_types::SqlError;
use base64::Engine;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Random bytes of a password: 24 letters.
const RANDOM_BYTES: usize = 18;

/// What the first start decided.
#[derive(Debug)]
pub enum FirstRoot {
    /// There were accounts.
    Existing,
    Random(Zeroizing<String>),
    Given,
    Empty,
}

pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("root-password")
}

/// Makes root on a store without accounts.
///
/// # Errors
/// Storage, and the file of the password.
pub fn bootstrap(
    accounts: &Accounts,
    settings: &Settings,
    entropy: &dyn Entropy,
) -> Result<FirstRoot, Failure> {
    if accounts.snapshot().accounts().next().is_some() {
        return Ok(FirstRoot::Existing);
    }
    let told = |error: SqlError| Failure::runtime(format!("cannot make the account root: {}", error.message));
    if settings.insecure {
        accounts.bootstrap_root(None).map_err(told)?;
        return Ok(FirstRoot::Empty);
    }
    if let Some(password) = &settings.root_password {
        accounts.bootstrap_root(Some(password.as_bytes())).map_err(told)?;
        return Ok(FirstRoot::Given);
    }
    // The file comes first: a crash after it leaves a password that is known, and the next start takes it.
    let path = path_in(&settings.data_dir);
    let password = match read(&path)? {
        Some(password) => password,
        None => {
            let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
            entropy.fill(&mut *bytes);
            let alphabet = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let password = Zeroizing::new(alphabet.encode(*bytes));
            files::write(&path, format!("{}\n", *password).as_bytes(), Mode::Owner)?;
            password
        }
    };
    accounts.bootstrap_root(Some(password.as_bytes())).map_err(told)?;
    Ok(FirstRoot::Random(password))
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            Ok(Some(Zeroizing::new(text.trim().to_owned())).filter(|password| !password.is_empty()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

/// Removes the file once root has another password or is gone; `true` while it is still right. Costs one hash.
pub fn forget_when_changed(accounts: &Accounts, data_dir: &Path) -> bool {
    let path = path_in(data_dir);
    let Ok(Some(password)) = read(&path) else { return false };
    let snapshot = accounts.snapshot();
    let root = snapshot.account(&AccountName::new("root", "localhost"));
    let is_right = root
        .and_then(|root| root.verifier.as_ref())
        .is_some_and(|verifier| verifier.verify(password.as_bytes()));
    if !is_right {
        match std::fs::remove_file(&path) {
            Ok(()) => tracing::info!("root's password was changed: {} is removed", path.display()),
            Err(error) => tracing::warn!(%error, "cannot remove {}", path.display()),
        }
    }
    is_right
}
