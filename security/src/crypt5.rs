//! The hash within `$A$…`: SHA-256 crypt as MySQL uses it, with 20 bytes of salt and many rounds.
//!
//! Only to check hashes that were imported; new passwords never get one.

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of an encoded hash.
pub const HASH_CHARS: usize = 43;

fn repeat(digest: &[u8; 32], len: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(digest.iter().copied().cycle().take(len).collect())
}

fn digest_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-256 crypt of `password`, encoded in its 64 characters.
pub fn sha256_crypt(password: &[u8], salt: &[u8], rounds: u32) -> [u8; HASH_CHARS] {
    let mut both = digest_of(&[password, salt, password]);
    let mut hash = Sha256::new();
    hash.update(password);
    hash.update(salt);
    hash.update(&*repeat(&both, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            hash.update(both);
        } else {
            hash.update(password);
        }
        bits >>= 1;
    }
    let mut state: [u8; 32] = hash.finalize().into();
    both.zeroize();

    let mut hash = Sha256::new();
    (0..password.len()).for_each(|_| hash.update(password));
    let password_bytes = repeat(&hash.finalize().into(), password.len());
    let mut hash = Sha256::new();
    (0..16 + usize::from(state[0])).for_each(|_| hash.update(salt));
    let salt_bytes = repeat(&hash.finalize().into(), salt.len());

    for round in 0..rounds {
        let odd = round % 2 == 1;
        let mut hash = Sha256::new();
        hash.update(if odd { &password_bytes[..] } else { &state[..] });
        if round % 3 != 0 {
            hash.update(&*salt_bytes);
        }
        if round % 7 != 0 {
            hash.update(&*password_bytes);
        }
        hash.update(if odd { &state[..] } else { &password_bytes[..] });
        state = hash.finalize().into();
    }
    encode(&state)
}

/// Three bytes to four characters, in the order that crypt has made customary.
fn encode(state: &[u8; 32]) -> [u8; HASH_CHARS] {
    let mut out = [0; HASH_CHARS];
    let mut put = |at: usize, mut bits: u32, chars: usize| {
        for slot in &mut out[at..at + chars] {
            *slot = ALPHABET[(bits & 63) as usize];
            bits >>= 6;
        }
    };
    for group in 0..10 {
        // Each group rotates which of its three bytes comes first.
        let at = [group, group + 10, group + 20];
        let first = [0, 2, 1][group % 3];
        let pick = |n: usize| u32::from(state[at[(first + n) % 3]]);
        put(group * 4, pick(0) << 16 | pick(1) << 8 | pick(2), 4);
    }
    put(40, u32::from(state[31]) << 8 | u32::from(state[30]), 3);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_published_test_vectors() {
        let hash = sha256_crypt(b"Hello world!", b"saltstring", 5000);
        assert_eq!(&hash[..], b"5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
    }

    #[test]
    fn the_hash_is_the_one_that_a_server_wrote() {
        let salt = b"\x1A\x18t\x12vvcA\x0E24Q\x1D4Uf\x14z\x1C/";
        let hash = sha256_crypt(b"Abc-123x", salt, 10_000);
        assert_eq!(&hash[..], b"0Wd65DiqzuvfJ8WHmXXs9KySKFrin8fIoFFFx.JCjN9");
    }
}
