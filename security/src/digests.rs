//! Digests of passwords that were right: they make the next login cheap.

use crate::account::Account;
use crate::name::AccountName;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// SHA256(SHA256(password)). A credential: never stored, zeroed when dropped.
pub(crate) type FastDigest = Zeroizing<[u8; 32]>;

pub(crate) fn fast_digest(password: &[u8]) -> FastDigest {
    let once: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(password).into());
    Zeroizing::new(Sha256::digest(*once).into())
}

/// Whether a client's 32 bytes were made from the password with this digest, over `nonce`.
pub(crate) fn proves(response: &[u8; 32], nonce: &[u8], digest: &[u8; 32]) -> bool {
    let mut hash = Sha256::new();
    hash.update(digest);
    hash.update(nonce);
    let mut once: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
    once.iter_mut().zip(response).for_each(|(byte, other)| *byte ^= other);
    let twice: FastDigest = Zeroizing::new(Sha256::digest(*once).into());
    verify_slices_are_equal(&*twice, digest).is_ok()
}

struct Known {
    /// Of the account whose password it was.
    epoch: u64,
    /// Of the current and the retained password, where both were used.
    digests: Vec<FastDigest>,
}

/// At most two digests for each account.
#[derive(Default)]
pub(crate) struct DigestCache {
    known: RwLock<HashMap<AccountName, Known>>,
}

impl DigestCache {
    /// Whether any digest of the account's present passwords satisfies `test`.
    pub fn any(&self, account: &Account, test: impl Fn(&[u8; 32]) -> bool) -> bool {
        let known = self.known.read();
        let known = known.get(&account.name).filter(|known| known.epoch == account.credential_epoch);
        // All are tried, whichever it is.
        known.is_some_and(|known| known.digests.iter().fold(false, |found, digest| found | test(digest)))
    }

    pub fn remember(&self, account: &Account, digest: FastDigest) {
        let mut known = self.known.write();
        let entry = known
            .entry(account.name.clone())
            .or_insert_with(|| Known { epoch: account.credential_epoch, digests: Vec::with_capacity(2) });
        if entry.epoch != account.credential_epoch {
            *entry = Known { epoch: account.credential_epoch, digests: Vec::with_capacity(2) };
        }
        if !entry.digests.contains(&digest) {
            entry.digests.truncate(1);
            entry.digests.insert(0, digest);
        }
    }

    pub fn forget(&self, name: &AccountName) {
        self.known.write().remove(name);
    }

    pub fn clear(&self) {
        self.known.write().clear();
    }
}

/// What a client answers to `nonce`: for tests and for our own clients.
pub fn scramble(password: &[u8], nonce: &[u8]) -> [u8; 32] {
    let once: [u8; 32] = Sha256::digest(password).into();
    let mut hash = Sha256::new();
    hash.update(*fast_digest(password));
    hash.update(nonce);
    let mut mask: [u8; 32] = hash.finalize().into();
    mask.iter_mut().zip(once).for_each(|(byte, other)| *byte ^= other);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_proves_its_own_password_and_nonce_only() {
        let response = scramble(b"secret", b"12345678901234567890");
        let digest = fast_digest(b"secret");
        assert!(proves(&response, b"12345678901234567890", &digest));
        assert!(!proves(&response, b"22345678901234567890", &digest));
        assert!(!proves(&response, b"12345678901234567890", &fast_digest(b"other")));
    }

    #[test]
    fn digests_are_of_one_epoch_and_at_most_two() {
        let cache = DigestCache::default();
        let mut account = Account::new(AccountName::any_host("u"), 0);
        let has = |account: &Account, pw: &[u8]| cache.any(account, |digest| *digest == *fast_digest(pw));
        for password in [&b"a"[..], b"b", b"c"] {
            cache.remember(&account, fast_digest(password));
        }
        assert!(!has(&account, b"a") && has(&account, b"b") && has(&account, b"c"));
        account.credential_epoch = 1;
        assert!(!has(&account, b"c"));
    }
}
