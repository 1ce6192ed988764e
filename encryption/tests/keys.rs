//! Damage, exchange and the wrong key are refused; rotation and crashes lose no key.

use aurora_encryption::{EncryptedSealing, KeyError, KeyRing, KeySource};
use aurora_env::sim::{SimEnv, SimFaults};
use aurora_env::{Env, FileKind, SealError, Sealing};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

const DIR: &str = "/data/keys";
const INSTANCE: [u8; 16] = [7; 16];

fn open(env: &Env) -> Result<Arc<KeyRing>, KeyError> {
    KeyRing::open_or_create(Path::new(DIR), env, INSTANCE, &KeySource::DataFolder).map(Arc::new)
}

fn sealing(env: &Env) -> EncryptedSealing {
    EncryptedSealing::new(open(env).unwrap(), env.entropy.clone())
}

#[test]
fn a_flipped_bit_anywhere_in_a_block_is_refused() {
    let sim = SimEnv::new(1);
    let sealing = sealing(&sim.env());
    let (header, cipher) = sealing.new_file(FileKind::Sst, 1).unwrap();
    let mut sealed = b"head".to_vec();
    sealed.extend_from_slice(b"some rows of a table");
    cipher.seal(3, b"aad", &mut sealed, 4);
    assert_eq!(&sealed[..4], b"head");
    let block = sealed.split_off(4);
    assert!(!block.windows(4).any(|piece| piece == b"rows"));
    let again = sealing.open_file(&header).unwrap();
    let mut good = block.clone();
    assert_eq!(again.open(3, b"aad", &mut good).unwrap(), 20);
    assert_eq!(&good[..20], b"some rows of a table");
    for bit in 0..block.len() * 8 {
        let mut bad = block.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(again.open(3, b"aad", &mut bad), Err(SealError::BadTag { block: 3 })), "bit {bit}");
    }
    assert!(again.open(4, b"aad", &mut block.clone()).is_err(), "another place in the file");
    assert!(again.open(3, b"axd", &mut block.clone()).is_err(), "other associated data");
    assert!(again.open(3, b"aad", &mut []).is_err());
}

#[test]
fn blocks_of_other_files_kinds_and_instances_are_refused() {
    let sim = SimEnv::new(2);
    let sealing = sealing(&sim.env());
    let (header, cipher) = sealing.new_file(FileKind::Sst, 1).unwrap();
    let (_, other) = sealing.new_file(FileKind::Sst, 1).unwrap();
    let mut block = b"contents".to_vec();
    cipher.seal(0, &[], &mut block, 0);
    assert!(other.open(0, &[], &mut block.clone()).is_err());
    for changed in [
        aurora_env::FileHeader { kind: FileKind::Wal, ..header },
        aurora_env::FileHeader { instance_id: [8; 16], ..header },
        aurora_env::FileHeader { file_id: [9; 16], ..header },
    ] {
        assert!(sealing.open_file(&changed).unwrap().open(0, &[], &mut block.clone()).is_err());
    }
    let unsealed = aurora_env::FileHeader { key_id: 0, ..header };
    assert!(
        matches!(sealing.open_file(&unsealed), Err(SealError::UnknownKey(0))),
        "no way round by a plain file"
    );
}

#[test]
fn long_associated_data_counts_to_its_last_byte() {
    let sim = SimEnv::new(3);
    let (_, cipher) = sealing(&sim.env()).new_file(FileKind::Audit, 1).unwrap();
    for len in [94, 95, 96, 97, 1000] {
        let mut aad = vec![1; len];
        let mut block = b"x".to_vec();
        cipher.seal(len as u64, &aad, &mut block, 0);
        assert!(cipher.open(len as u64, &aad, &mut block.clone()).is_ok());
        aad[len - 1] = 2;
        assert!(cipher.open(len as u64, &aad, &mut block).is_err());
    }
}

#[test]
fn a_wrong_or_missing_key_encryption_key_is_a_clear_error() {
    let sim = SimEnv::new(4);
    open(&sim.env()).unwrap();
    let other = KeySource::Bytes(Zeroizing::new([1; 32]));
    let wrong = KeyRing::open_or_create(Path::new(DIR), &sim.env(), INSTANCE, &other);
    assert!(matches!(wrong, Err(KeyError::WrongKek)));
    let instance = KeyRing::open_or_create(Path::new(DIR), &sim.env(), [6; 16], &KeySource::DataFolder);
    assert!(matches!(instance, Err(KeyError::OtherInstance)));
    let kek = Path::new(DIR).join("kek");
    let file = sim.env().fs.open(&kek).unwrap();
    file.set_len(10).unwrap();
    assert!(matches!(open(&sim.env()), Err(KeyError::NotAKey(_))));
    sim.env().fs.remove(&kek).unwrap();
    assert!(matches!(open(&sim.env()), Err(KeyError::KekMissing(_))), "no new key is made over old data");
}

#[test]
fn a_flipped_bit_anywhere_in_the_registry_is_refused() {
    let sim = SimEnv::new(5);
    open(&sim.env()).unwrap().rotate_data_key().unwrap();
    let path = Path::new(DIR).join("registry");
    let len = sim.fs.file_len(&path).unwrap();
    for offset in 0..len {
        let bit = (offset % 8) as u8;
        sim.fs.flip_bit(&path, offset, bit).unwrap();
        assert!(open(&sim.env()).is_err(), "byte {offset}");
        sim.fs.flip_bit(&path, offset, bit).unwrap();
    }
    assert_eq!(open(&sim.env()).unwrap().current_id(), 2);
}

#[test]
fn files_of_old_data_keys_open_after_every_kind_of_rotation() {
    let sim = SimEnv::new(6);
    let ring = open(&sim.env()).unwrap();
    let first = EncryptedSealing::new(ring.clone(), sim.env().entropy);
    let (header, cipher) = first.new_file(FileKind::Wal, 1).unwrap();
    let mut block = b"old".to_vec();
    cipher.seal(0, &[], &mut block, 0);
    assert_eq!(ring.rotate_data_key().unwrap(), 2);
    assert_eq!(first.new_file(FileKind::Wal, 1).unwrap().0.key_id, 2);
    ring.rotate_kek().unwrap();
    assert_eq!(ring.rotate_data_key().unwrap(), 3);
    drop((ring, first));
    let again = sealing(&sim.env());
    assert_eq!(again.new_file(FileKind::Wal, 1).unwrap().0.key_id, 3);
    assert_eq!(again.open_file(&header).unwrap().open(0, &[], &mut block).unwrap(), 3);
    let ring = open(&sim.env()).unwrap();
    ring.rewrap(Zeroizing::new([5; 32])).unwrap();
    assert!(matches!(open(&sim.env()), Err(KeyError::WrongKek)), "the old key no longer opens it");
    let source = KeySource::Bytes(Zeroizing::new([5; 32]));
    let moved = KeyRing::open_or_create(Path::new(DIR), &sim.env(), INSTANCE, &source).unwrap();
    assert_eq!(moved.data_keys().len(), 3);
}

#[test]
fn a_crash_at_any_operation_loses_no_acknowledged_key() {
    for crash_after in 1..120 {
        let sim = SimEnv::new(crash_after);
        let faults = SimFaults { crash_after: Some(crash_after), ..SimFaults::default() };
        sim.fs.set_faults(faults);
        let mut acknowledged = 0;
        let mut work = || -> Result<(), KeyError> {
            let ring = open(&sim.env())?;
            acknowledged = ring.current_id();
            acknowledged = ring.rotate_data_key()?;
            ring.rotate_kek()?;
            acknowledged = ring.rotate_data_key()?;
            ring.rotate_kek()
        };
        let finished = work().is_ok();
        sim.fs.crash();
        sim.fs.set_faults(SimFaults::default());
        let ring = open(&sim.env()).unwrap_or_else(|error| panic!("crash after {crash_after}: {error}"));
        assert!(ring.current_id() >= acknowledged, "crash after {crash_after}");
        assert!(ring.rotate_data_key().is_ok());
        if finished {
            return;
        }
    }
    panic!("the work never came to its end");
}
