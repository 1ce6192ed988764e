//! The RSA key that clients without TLS seal their password with.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use zeroize::Zeroizing;

/// A key pair of `caching_sha2_password`. Made at each start: clients ask for its public half.
pub struct PasswordKey {
    key: OaepPrivateDecryptingKey,
    public_pem: String,
}

impl std::fmt::Debug for PasswordKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordKey(…)")
    }
}

/// The system gave no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot make an RSA key")]
pub struct NoKey;

impl PasswordKey {
    /// A fresh key of 2048 bits; takes some tenths of a second.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate() -> Result<PasswordKey, NoKey> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
        let der = private.public_key().as_der().map_err(|_| NoKey)?;
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let mut public_pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            public_pem.push_str(&String::from_utf8_lossy(line));
            public_pem.push('\n');
        }
        public_pem.push_str("-----END PUBLIC KEY-----\n");
        let key = OaepPrivateDecryptingKey::new(private).map_err(|_| NoKey)?;
        Ok(PasswordKey { key, public_pem })
    }

    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The sealed bytes; `None` for anything that this key did not seal, whatever is wrong with it.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let len = self.key.decrypt(&OAEP_SHA1_MGF1SHA1, sealed, &mut room, None).ok()?.len();
        room.truncate(len);
        Some(room)
    }
}
