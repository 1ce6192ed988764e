//! Signed checkpoints: an Ed25519 key pair of the instance signs (seq, head of the chain).
//!
//! The private key lies sealed in `audit/signing-key`, the public one in the clear in `audit/public-key`, so that an
//! auditor can verify with the public key that was handed over earlier.

use crate::AuditError;
use crate::segment::{Hash, io_error, seal_error};
use aurora_env::{Env, FILE_HEADER_BYTES, FileHeader, FileKind, Sealing};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::path::Path;

const KEY_FILE: &str = "signing-key";
pub(crate) const PUBLIC_KEY_FILE: &str = "public-key";

pub(crate) struct Signer {
    pair: Ed25519KeyPair,
}

fn message(seq: u64, head: &Hash) -> Vec<u8> {
    let mut out = b"AuroraDB audit checkpoint\n".to_vec();
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(head);
    out
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

impl Signer {
    /// Opens the instance's key, or makes it.
    pub fn open_or_create(env: &Env, sealing: &dyn Sealing, dir: &Path) -> Result<Signer, AuditError> {
        let path = dir.join(KEY_FILE);
        if env.fs.exists(&path).map_err(io_error("looking for", &path))? {
            return Signer::open(env, sealing, &path);
        }
        let mut seed = [0u8; 32];
        env.entropy.fill(&mut seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|e| AuditError::Key(e.to_string()))?;
        let (header, cipher) = sealing.new_file(FileKind::Meta, 1).map_err(seal_error(&path))?;
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&seed);
        cipher.seal(0, b"audit signing key", &mut bytes, FILE_HEADER_BYTES);
        for (name, contents) in
            [(PUBLIC_KEY_FILE, to_hex(pair.public_key().as_ref()).into_bytes()), (KEY_FILE, bytes)]
        {
            let temporary = dir.join(format!("{name}.new"));
            if env.fs.exists(&temporary).map_err(io_error("looking for", &temporary))? {
                env.fs.remove(&temporary).map_err(io_error("removing", &temporary))?;
            }
            let file = env.fs.create(&temporary).map_err(io_error("creating", &temporary))?;
            file.write_all_at(&contents, 0).map_err(io_error("writing", &temporary))?;
            file.sync_data().map_err(io_error("syncing", &temporary))?;
            env.fs.rename(&temporary, &dir.join(name)).map_err(io_error("renaming", &temporary))?;
        }
        env.fs.sync_dir(dir).map_err(io_error("syncing", dir))?;
        Ok(Signer { pair })
    }

    fn open(env: &Env, sealing: &dyn Sealing, path: &Path) -> Result<Signer, AuditError> {
        let file = env.fs.open(path).map_err(io_error("opening", path))?;
        let len = file.len().map_err(io_error("reading", path))?.min(1024) as usize;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0).map_err(io_error("reading", path))?;
        let header = FileHeader::decode(&bytes).map_err(seal_error(path))?;
        let cipher = sealing.open_file(&header).map_err(seal_error(path))?;
        let mut sealed = bytes.split_off(FILE_HEADER_BYTES);
        let plain = cipher.open(0, b"audit signing key", &mut sealed).map_err(seal_error(path))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&sealed[..plain])
            .map_err(|e| AuditError::Key(e.to_string()))?;
        Ok(Signer { pair })
    }

    pub fn sign(&self, seq: u64, head: &Hash) -> String {
        to_hex(self.pair.sign(&message(seq, head)).as_ref())
    }
}

/// Whether `signature` (hex) is the instance's over (seq, head).
pub(crate) fn is_signed(public_key: &[u8], seq: u64, head: &Hash, signature: &str) -> bool {
    let Some(signature) = from_hex(signature) else { return false };
    UnparsedPublicKey::new(&ED25519, public_key).verify(&message(seq, head), &signature).is_ok()
}
