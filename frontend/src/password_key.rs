//! The RSA key that clients without TLS seal their password with.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use zeroize::Zeroizing;

/// A key pair of `caching_sha2_password`. Clients ask for its public half, or have it in a file.
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
#[error("there is no RSA key to be had")]
pub struct NoKey;

impl PasswordKey {
    /// A fresh pair of 2048 bits, and its private half as PEM, of which [`PasswordKey::from_pkcs8`] takes the contents;
    /// takes some tenths of a second.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate() -> Result<(PasswordKey, Zeroizing<String>), NoKey> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&private).map_err(|_| NoKey)?;
        let private_pem = pem("PRIVATE KEY", der.as_ref());
        Ok((PasswordKey::of(private)?, private_pem))
    }

    /// The pair of a private key in PKCS #8.
    ///
    /// # Errors
    /// For anything but an RSA key of 2048 to 8192 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<PasswordKey, NoKey> {
        PasswordKey::of(PrivateDecryptingKey::from_pkcs8(der).map_err(|_| NoKey)?)
    }

    fn of(private: PrivateDecryptingKey) -> Result<PasswordKey, NoKey> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&private.public_key()).map_err(|_| NoKey)?;
        let public_pem = pem("PUBLIC KEY", der.as_ref()).to_string();
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

/// PEM of 64 characters a line (RFC 7468). What it is made of may be secret.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(der));
    // As large as it gets, so that no copy of it stays behind.
    let mut pem = Zeroizing::new(String::with_capacity(text.len() * 2 + 2 * label.len() + 64));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
