//! The file that holds wrapped data keys: `keys/registry`. Byte table: docs/formats/keys.md.
//!
//! Each record is sealed by itself under the key-encryption key with a random nonce, bound to the head of the file and
//! to its place in it. The file is small, so a new key writes it whole beside the old one and renames it: an append
//! that a crash has torn could not be told from damage to a key that is needed.

use crate::error::{KeyError, KeyResult};
use aurora_env::{Entropy, File};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) type SecretKey = Zeroizing<[u8; KEY_BYTES]>;

const MAGIC: [u8; 8] = *b"AURKEYS1";
pub(crate) const HEAD_BYTES: usize = 64;
const TAG_BYTES: usize = 16;
/// Key id u32, time u64, key.
const PLAIN_BYTES: usize = 4 + 8 + KEY_BYTES;
pub(crate) const RECORD_BYTES: usize = NONCE_LEN + PLAIN_BYTES + TAG_BYTES;

/// One data key.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub id: u32,
    /// Seconds since 1970.
    pub created_s: u64,
    pub key: SecretKey,
}

/// The clear head: whose registry it is, and a value by which a wrong key-encryption key is told from damage.
pub(crate) fn head(kek: &SecretKey, instance_id: [u8; 16], records: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..24].copy_from_slice(&instance_id);
    head[24..56].copy_from_slice(&check_value(kek, &instance_id));
    head[56..].copy_from_slice(&records.to_le_bytes());
    head
}

fn check_value(kek: &SecretKey, instance_id: &[u8; 16]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &**kek);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"aurora kek check v1");
    context.update(instance_id);
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Whether `kek` is the one that the registry at `bytes` was written under.
pub(crate) fn opens(kek: &SecretKey, instance_id: [u8; 16], bytes: &[u8]) -> KeyResult<bool> {
    let found = bytes.get(..HEAD_BYTES).ok_or(KeyError::Damaged("it is shorter than its head"))?;
    if found[..8] != MAGIC {
        return Err(KeyError::Damaged("wrong magic"));
    }
    if found[8..24] != instance_id {
        return Err(KeyError::OtherInstance);
    }
    Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&found[24..56], &check_value(kek, &instance_id))
        .is_ok())
}

fn cipher(kek: &SecretKey) -> KeyResult<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &**kek).map(LessSafeKey::new).map_err(|_| KeyError::Crypto)
}

fn associated(head: &[u8; HEAD_BYTES], place: u64) -> [u8; HEAD_BYTES + 8] {
    let mut aad = [0; HEAD_BYTES + 8];
    aad[..HEAD_BYTES].copy_from_slice(head);
    aad[HEAD_BYTES..].copy_from_slice(&place.to_le_bytes());
    aad
}

/// The record of `key` as number `place` of its file.
pub(crate) fn seal(
    kek: &SecretKey,
    head: &[u8; HEAD_BYTES],
    place: u64,
    key: &DataKey,
    entropy: &dyn Entropy,
) -> KeyResult<[u8; RECORD_BYTES]> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut record = [0; RECORD_BYTES];
    record[..NONCE_LEN].copy_from_slice(&nonce);
    let (plain, tag) = record[NONCE_LEN..].split_at_mut(PLAIN_BYTES);
    plain[..4].copy_from_slice(&key.id.to_le_bytes());
    plain[4..12].copy_from_slice(&key.created_s.to_le_bytes());
    plain[12..].copy_from_slice(&*key.key);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed = cipher(kek)?
        .seal_in_place_separate_tag(nonce, Aad::from(associated(head, place)), plain)
        .map_err(|_| KeyError::Crypto)?;
    tag.copy_from_slice(sealed.as_ref());
    Ok(record)
}

/// All keys of a registry that `kek` opens.
pub(crate) fn open_all(kek: &SecretKey, bytes: &[u8]) -> KeyResult<Vec<DataKey>> {
    let (head, records) =
        bytes.split_first_chunk::<HEAD_BYTES>().ok_or(KeyError::Damaged("it is shorter than its head"))?;
    let mut count = [0; 8];
    count.copy_from_slice(&head[56..]);
    if u64::from_le_bytes(count).checked_mul(RECORD_BYTES as u64) != Some(records.len() as u64) {
        return Err(KeyError::Damaged("its length is not what its head says"));
    }
    let cipher = cipher(kek)?;
    let mut keys = Vec::new();
    for (place, record) in records.chunks_exact(RECORD_BYTES).enumerate() {
        let (nonce, sealed) = record.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError::Crypto)?;
        let mut plain = Zeroizing::new([0; PLAIN_BYTES + TAG_BYTES]);
        plain.copy_from_slice(sealed);
        let aad = Aad::from(associated(head, place as u64));
        cipher.open_in_place(nonce, aad, &mut *plain).map_err(|_| KeyError::DamagedRecord(place))?;
        let mut id = [0; 4];
        id.copy_from_slice(&plain[..4]);
        let mut created = [0; 8];
        created.copy_from_slice(&plain[4..12]);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(&plain[12..PLAIN_BYTES]);
        keys.push(DataKey { id: u32::from_le_bytes(id), created_s: u64::from_le_bytes(created), key });
    }
    Ok(keys)
}

/// All bytes of a small file.
pub(crate) fn read_all(file: &dyn File) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Far above any registry: a damaged length does not ask for memory.
    let len = file.len()?.min(64 << 20);
    let mut bytes = Zeroizing::new(vec![0; len as usize]);
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
