//! The RSA pair that clients without TLS seal their password with, kept in the folder of the certificates: a client that
//! has its public half in a file (`--server-public-key-path`) can still log in after a restart.

use crate::failure::Failure;
use crate::files::{self, Mode};
use aurora_frontend::PasswordKey;
use std::path::Path;
use zeroize::Zeroizing;

/// Names of the pair's files, which are MySQL's.
const PRIVATE: &str = "private_key.pem";
const PUBLIC: &str = "public_key.pem";

/// A pair that may not be on disk yet: it is looked for while the data folder, which it goes to, is opened.
pub struct Pair {
    key: PasswordKey,
    /// The private half as PEM, of a pair that was made just now.
    new: Option<Zeroizing<String>>,
}

impl Pair {
    /// The pair in `dir`, or a new one when there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no RSA key.
    pub fn find(dir: &Path) -> Result<Pair, Failure> {
        let path = dir.join(PRIVATE);
        match std::fs::read(&path) {
            Ok(text) => Ok(Pair { key: read(&path, &Zeroizing::new(text))?, new: None }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = PasswordKey::generate().map_err(|error| Failure::runtime(error.to_string()));
                made.map(|(key, private)| Pair { key, new: Some(private) })
            }
            Err(error) => Err(Failure::io("read", &path, &error)),
        }
    }

    /// Writes what is new to `dir`; the public half first, as the private one says that all is there.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn keep(self, dir: &Path) -> Result<PasswordKey, Failure> {
        if let Some(private) = self.new {
            files::write(&dir.join(PUBLIC), self.key.public_pem().as_bytes(), Mode::Everybody)?;
            files::write(&dir.join(PRIVATE), private.as_bytes(), Mode::Owner)?;
        }
        Ok(self.key)
    }
}

fn read(path: &Path, text: &[u8]) -> Result<PasswordKey, Failure> {
    let unusable = |why: &str| {
        Failure::runtime(format!(
            "{} is not usable: {why}; put a PEM key of RSA there (PKCS #8), or remove it to get a new one",
            path.display()
        ))
    };
    let found = rustls_pemfile::pkcs8_private_keys(&mut &text[..]).next();
    let der = match found {
        Some(Ok(der)) => der,
        Some(Err(error)) => return Err(unusable(&error.to_string())),
        None => return Err(unusable("it holds no private key")),
    };
    PasswordKey::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| unusable(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Result<PasswordKey, Failure> {
        Pair::find(dir)?.keep(dir)
    }

    #[test]
    fn the_pair_is_the_same_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = open(dir).unwrap().public_pem().to_owned();
        assert_eq!(std::fs::read_to_string(dir.join(PUBLIC)).unwrap(), first);
        assert_eq!(open(dir).unwrap().public_pem(), first);
        std::fs::remove_file(dir.join(PRIVATE)).unwrap();
        assert_ne!(open(dir).unwrap().public_pem(), first);
    }

    #[test]
    fn what_is_no_key_is_told_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for text in ["", "nonsense", no_key] {
            std::fs::write(dir.path().join(PRIVATE), text).unwrap();
            let failure = open(dir.path()).unwrap_err();
            assert!(failure.message.contains("private_key.pem is not usable"), "{text:?}: {failure}");
        }
    }
}
