use super::*;
use crate::failure::RUNTIME;
use aurora_audit::{AuditLog, Durability, Event};
use aurora_encryption::{EncryptedSealing, KeyRing, KeySource};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditArgs,
}

fn call(words: &[&str]) -> Result<i32, Failure> {
    let line = Line::try_parse_from(std::iter::once("audit").chain(words.iter().copied())).unwrap();
    run(&line.audit)
}

/// A data folder with a closed log of two events by two users, next to start, stop and checkpoint.
fn folder() -> (tempfile::TempDir, String) {
    let temp = tempfile::tempdir().unwrap();
    let env = RealEnv::new();
    let data = DataDir::open(temp.path(), &env).unwrap();
    let keys = temp.path().join("keys");
    let ring = KeyRing::open_or_create(&keys, &env, data.instance_id(), &KeySource::DataFolder).unwrap();
    let sealing = Arc::new(EncryptedSealing::new(Arc::new(ring), env.entropy.clone()));
    let log = AuditLog::open(env, sealing, &temp.path().join("audit")).unwrap();
    for (class, user) in [(Class::Connection, "ann"), (Class::Ddl, "bob")] {
        let mut event = Event::new(class, "it", 7);
        event.user = user.into();
        event.account = format!("{user}@%");
        event.query = "CREATE TABLE \"t\", x".into();
        log.record(event, Durability::Durable).unwrap();
    }
    log.close().unwrap();
    let path = temp.path().display().to_string();
    (temp, path)
}

fn segment(dir: &str) -> PathBuf {
    let audit = Path::new(dir).join("audit");
    let mut all: Vec<String> = names(&audit).unwrap().into_iter().filter(|name| is_segment(name)).collect();
    all.sort();
    audit.join(&all[0])
}

#[test]
fn exports_what_is_asked_for() {
    let (_temp, dir) = folder();
    let out = format!("{dir}/out");
    let lines = |words: &[&str]| {
        let all = [&["export", dir.as_str(), "-o", out.as_str()], words].concat();
        assert_eq!(call(&all).unwrap(), 0);
        std::fs::read_to_string(&out).unwrap().lines().map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(lines(&[]).len(), 5);
    assert_eq!(lines(&["--account", "ann"]).len(), 1);
    assert_eq!(lines(&["--account", "bob@%", "--class", "ddl"]).len(), 1);
    assert_eq!(lines(&["--account", "bob@localhost"]).len(), 0);
    assert_eq!(lines(&["--from", "2020-01-01", "--to", "2020-02-01"]).len(), 0);
    let csv = lines(&["--format", "csv", "--account", "bob"]);
    assert!(csv[0].starts_with("seq,timestamp,") && csv[1].ends_with("\"CREATE TABLE \"\"t\"\", x\""));
    let file = segment(&dir).display().to_string();
    assert_eq!(call(&["export", &file, "-o", &out]).unwrap(), 0);
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 5);
}

#[test]
fn a_running_server_does_not_hinder() {
    let (temp, dir) = folder();
    let _held = DataDir::open_existing(temp.path(), &RealEnv::new()).unwrap();
    assert_eq!(call(&["verify", &dir]).unwrap(), 0);
}

#[test]
fn a_whole_log_passes_and_a_short_one_does_not() {
    let (_temp, dir) = folder();
    assert_eq!(call(&["verify", &dir, "--at-least", "5"]).unwrap(), 0);
    assert_eq!(call(&["verify", &dir, "--at-least", "6", "--json"]).unwrap(), DAMAGE);
    let own = format!("{dir}/audit/public-key");
    assert_eq!(call(&["verify", &dir, "--public-key", &own]).unwrap(), 0);
    assert_eq!(call(&["verify", &dir, "--public-key", &"0".repeat(64)]).unwrap(), DAMAGE);
}

#[test]
fn a_changed_byte_is_damage_to_both() {
    let (_temp, dir) = folder();
    let path = segment(&dir);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[FILE_HEADER_BYTES + 40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(call(&["verify", &dir]).unwrap(), DAMAGE);
    let out = format!("{dir}/out");
    assert_eq!(call(&["export", &dir, "-o", &out]).unwrap_err().code, DAMAGE);
    assert!(!Path::new(&out).exists());
}

#[test]
fn bad_input_has_its_own_codes() {
    let (_temp, dir) = folder();
    let code = |words: &[&str]| call(words).unwrap_err().code;
    assert_eq!(code(&["export", &dir, "--class", "nonsense"]), crate::failure::USAGE);
    assert_eq!(code(&["export", &dir, "--from", "yesterday"]), crate::failure::USAGE);
    assert_eq!(code(&["export", "/etc/hostname"]), crate::failure::USAGE);
    assert_eq!(code(&["verify", "/nowhere"]), RUNTIME);
    let wrong = format!("{dir}/wrong-kek");
    std::fs::write(&wrong, "ab".repeat(32)).unwrap();
    assert_eq!(code(&["verify", &dir, "--key-file", &wrong]), RUNTIME);
}
