//! What is kept of a password: Argon2id, or a hash from elsewhere until its first login.

use crate::crypt5::{HASH_CHARS, sha256_crypt};
use argon2::password_hash::{Encoding, Output, ParamsString, PasswordHash, PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use aurora_types::error::{ER_INTERNAL_ERROR, ER_PASSWORD_FORMAT};
use aurora_types::{SqlError, SqlResult};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, pbkdf2, rand};
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

const SALT_BYTES: usize = 20;
const PBKDF2_BYTES: usize = 64;
/// Rounds of an imported hash above which it is refused: they are spent at each attempt to log in.
const MAX_ROUNDS: u32 = 0xFFF * 1000;

/// How hard Argon2id works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl HashParams {
    /// What servers use: 19 MiB, two passes.
    pub const SERVER: HashParams = HashParams { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// For tests only.
    pub const WEAK: HashParams = HashParams { memory_kib: 64, passes: 1, lanes: 1 };

    fn argon2(self) -> SqlResult<Argon2<'static>> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None)
            .map_err(|error| SqlError::new(ER_INTERNAL_ERROR, &[&error]))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// A stored password. Its `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Verifier {
    /// A PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    Argon2id(String),
    /// `$A$rrr$`, 20 bytes of salt, 43 characters of SHA-256 crypt; `rrr` is hexadecimal thousands of rounds.
    Sha256Crypt { thousands: u32, salt: [u8; SALT_BYTES], hash: [u8; HASH_CHARS] },
    /// `$B$rrr$`, 20 bytes of salt, base64 of PBKDF2-HMAC-SHA512.
    Pbkdf2 { thousands: u32, salt: [u8; SALT_BYTES], hash: [u8; PBKDF2_BYTES] },
    /// `*` and 40 hexadecimal digits: SHA1(SHA1(password)).
    Native([u8; 20]),
}

impl Verifier {
    /// A new Argon2id verifier.
    pub fn create(password: &[u8], params: HashParams) -> SqlResult<Verifier> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| SqlError::new(ER_INTERNAL_ERROR, &[&"no random numbers"]))?;
        let failed = |error: argon2::password_hash::Error| SqlError::new(ER_INTERNAL_ERROR, &[&error]);
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        let hash = params.argon2()?.hash_password(password, &salt).map_err(failed)?;
        Ok(Verifier::Argon2id(hash.to_string()))
    }

    /// Takes as long as others of these parameters and matches no password: its hash is not one but random bytes.
    pub fn decoy(params: HashParams) -> SqlResult<Verifier> {
        let failed = |error: argon2::password_hash::Error| SqlError::new(ER_INTERNAL_ERROR, &[&error]);
        let mut random = [0; 16 + Params::DEFAULT_OUTPUT_LEN];
        rand::fill(&mut random).map_err(|_| SqlError::new(ER_INTERNAL_ERROR, &[&"no random numbers"]))?;
        let salt = SaltString::encode_b64(&random[..16]).map_err(failed)?;
        let hash = PasswordHash {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params.argon2()?.params()).map_err(failed)?,
            salt: Some(salt.as_salt()),
            hash: Some(Output::new(&random[16..]).map_err(failed)?),
        };
        Ok(Verifier::Argon2id(hash.to_string()))
    }

    /// Reads a hash of `IDENTIFIED WITH … AS`: each of the four forms.
    ///
    /// # Errors
    /// 1827 for anything else.
    pub fn parse(text: &[u8]) -> SqlResult<Verifier> {
        read(text).ok_or_else(|| SqlError::new(ER_PASSWORD_FORMAT, &[]))
    }

    /// The text that [`Verifier::parse`] reads. Imported hashes hold raw bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let with_salt = |kind: char, thousands: &u32, salt: &[u8], hash: &[u8]| {
            [format!("${kind}${thousands:03X}$").as_bytes(), salt, hash].concat()
        };
        match self {
            Verifier::Argon2id(text) => text.clone().into_bytes(),
            Verifier::Sha256Crypt { thousands, salt, hash } => with_salt('A', thousands, salt, hash),
            Verifier::Pbkdf2 { thousands, salt, hash } => {
                let hash = base64::engine::general_purpose::STANDARD.encode(hash);
                with_salt('B', thousands, salt, hash.as_bytes())
            }
            Verifier::Native(hash) => {
                hash.iter().fold(String::from("*"), |text, byte| text + &format!("{byte:02X}")).into_bytes()
            }
        }
    }

    /// Whether `password` is the one. As slow as its parameters say.
    pub fn verify(&self, password: &[u8]) -> bool {
        match self {
            Verifier::Argon2id(text) => PasswordHash::new(text)
                .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok()),
            Verifier::Sha256Crypt { thousands, salt, hash } => {
                equal(&sha256_crypt(password, salt, thousands * 1000), hash)
            }
            Verifier::Pbkdf2 { thousands, salt, hash } => {
                NonZeroU32::new(thousands * 1000).is_some_and(|rounds| {
                    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, rounds, salt, password, hash).is_ok()
                })
            }
            Verifier::Native(hash) => {
                let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
                equal(sha1(sha1(password).as_ref()).as_ref(), hash)
            }
        }
    }

    /// Whether a login should replace it: an imported hash, or less work than `params` asks for.
    pub fn is_outdated(&self, params: HashParams) -> bool {
        let Verifier::Argon2id(text) = self else { return true };
        let stored = PasswordHash::new(text).ok().and_then(|hash| Params::try_from(&hash).ok());
        stored.is_none_or(|stored| {
            stored.m_cost() < params.memory_kib
                || stored.t_cost() < params.passes
                || stored.p_cost() < params.lanes
        })
    }
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

fn read(text: &[u8]) -> Option<Verifier> {
    match text {
        [b'*', digits @ ..] if digits.len() == 40 => Some(Verifier::Native(unhex(digits)?.try_into().ok()?)),
        [b'$', kind @ (b'A' | b'B'), b'$', rest @ ..] => {
            let (digits, rest) = rest.split_at_checked(3)?;
            let thousands = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            let rest = rest.strip_prefix(b"$")?;
            let (salt, hash) = rest.split_first_chunk::<SALT_BYTES>()?;
            if thousands == 0 || thousands * 1000 > MAX_ROUNDS {
                return None;
            }
            Some(if *kind == b'A' {
                Verifier::Sha256Crypt { thousands, salt: *salt, hash: hash.try_into().ok()? }
            } else {
                let hash = base64::engine::general_purpose::STANDARD.decode(hash).ok()?;
                Verifier::Pbkdf2 { thousands, salt: *salt, hash: hash.try_into().ok()? }
            })
        }
        _ => {
            let text = std::str::from_utf8(text).ok()?;
            let hash = PasswordHash::parse(text, Encoding::B64).ok()?;
            let known =
                hash.algorithm == argon2::ARGON2ID_IDENT && hash.hash.is_some() && hash.salt.is_some();
            let params = Params::try_from(&hash).ok()?;
            // An imported hash must not be able to ask for all memory at each attempt to log in.
            let bearable = params.m_cost() <= 1 << 20 && params.t_cost() <= 64 && params.p_cost() <= 64;
            (known && bearable).then(|| Verifier::Argon2id(text.to_owned()))
        }
    }
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.is_ascii() && text.len() % 2 == 0)?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// As stored: the text itself, or `0x` and its bytes in hexadecimal when it holds raw ones.
impl From<Verifier> for String {
    fn from(verifier: Verifier) -> String {
        match verifier {
            Verifier::Argon2id(text) => text,
            other => {
                other.to_bytes().iter().fold(String::from("0x"), |text, byte| text + &format!("{byte:02X}"))
            }
        }
    }
}

impl TryFrom<String> for Verifier {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Verifier, &'static str> {
        let bytes = match text.strip_prefix("0x") {
            Some(digits) => unhex(digits.as_bytes()),
            None => Some(text.into_bytes()),
        };
        bytes.as_deref().and_then(read).ok_or("a password verifier of an unknown form")
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verifier::Argon2id(_) => "Verifier::Argon2id",
            Verifier::Sha256Crypt { .. } => "Verifier::Sha256Crypt",
            Verifier::Pbkdf2 { .. } => "Verifier::Pbkdf2",
            Verifier::Native(_) => "Verifier::Native",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &[u8] = b"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

    fn crypt5(password: &[u8]) -> Vec<u8> {
        let salt = *b"\x01\x02'\\\"abcdefghijklmno";
        let hash = sha256_crypt(password, &salt, 5000);
        Verifier::Sha256Crypt { thousands: 5, salt, hash }.to_bytes()
    }

    #[test]
    fn each_form_takes_the_right_password_only_and_survives_storage() {
        let own = Verifier::create(b"password", HashParams::WEAK).unwrap();
        for text in [own.to_bytes(), crypt5(b"password"), NATIVE.to_vec()] {
            let verifier = Verifier::parse(&text).unwrap();
            assert!(verifier.verify(b"password"), "{verifier:?}");
            assert!(!verifier.verify(b"passwore") && !verifier.verify(b""), "{verifier:?}");
            assert_eq!(verifier.to_bytes(), text);
            let stored = serde_json::to_string(&verifier).unwrap();
            assert_eq!(serde_json::from_str::<Verifier>(&stored).unwrap(), verifier);
        }
    }

    #[test]
    fn a_hash_of_the_second_form_is_the_one_that_a_server_wrote() {
        let text = "0x244224303041241B1F34090B5728331A094B5E5E3C251050482C62645269507241356558564464537A7444\
                    423462726C63716271796133504B2F6A49574B687834735A57533355614A2F4C5538306A4C7447414F653435\
                    7778374D3974574C6E53446E6C685A6E576650555365614F70413D3D";
        let verifier = Verifier::try_from(text.to_owned()).unwrap();
        assert!(verifier.verify(b"Abc-123x") && !verifier.verify(b"Abc-123y"));
        assert_eq!(String::from(verifier), text);
    }

    #[test]
    fn other_forms_are_refused() {
        let mut long = crypt5(b"x");
        long.push(b'x');
        for text in [
            &b""[..],
            b"*12",
            b"$A$005$short",
            &long,
            b"plain",
            b"$argon2id$v=19$m=4294967295,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hpamtsbW5vcA",
        ] {
            assert_eq!(Verifier::parse(text).unwrap_err().code, 1827);
        }
    }

    #[test]
    fn a_decoy_is_checked_like_others_and_never_right() {
        let decoy = Verifier::decoy(HashParams::WEAK).unwrap();
        assert!(!decoy.is_outdated(HashParams::WEAK) && decoy.is_outdated(HashParams::SERVER));
        assert_eq!(Verifier::parse(&decoy.to_bytes()).unwrap(), decoy);
        assert_eq!(
            decoy.to_bytes().len(),
            Verifier::create(b"x", HashParams::WEAK).unwrap().to_bytes().len()
        );
        assert!(!decoy.verify(b"") && !decoy.verify(b"x"));
        assert!(decoy != Verifier::decoy(HashParams::WEAK).unwrap());
        let Verifier::Argon2id(text) = decoy else { panic!("another kind") };
        // Refused for what it is compared with, not for its form: so the password was hashed.
        let parsed = PasswordHash::new(&text).unwrap();
        let checked = Argon2::default().verify_password(b"x", &parsed);
        assert_eq!(checked, Err(argon2::password_hash::Error::Password));
    }

    #[test]
    fn imported_and_weak_hashes_are_outdated() {
        assert!(Verifier::parse(NATIVE).unwrap().is_outdated(HashParams::WEAK));
        let weak = Verifier::create(b"x", HashParams::WEAK).unwrap();
        assert!(!weak.is_outdated(HashParams::WEAK));
        assert!(weak.is_outdated(HashParams::SERVER));
        assert_eq!(format!("{weak:?}"), "Verifier::Argon2id");
    }
}
