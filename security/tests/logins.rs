//! Logins: the steps of the protocol, what they cost, and what stops them.

use aurora_env::{Clock, RealEnv, ThreadWaiter};
use aurora_security::*;
use aurora_txn::{MemoryStore, TxnManager, TxnOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

const NONCE: &[u8; 20] = b"abcdefghij0123456789";
const NATIVE_OF_PASSWORD: &[u8] = b"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

/// A clock that stands until it is moved.
struct Days(AtomicU64);

impl Clock for Days {
    fn monotonic(&self) -> Duration {
        RealEnv::new().clock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed) * 86_400)
    }
}

fn open_at(store: &MemoryStore, clock: Arc<dyn Clock>) -> Arc<Accounts> {
    let manager =
        TxnManager::on_store(Arc::new(store.clone()), TxnOptions::default(), Arc::new(ThreadWaiter));
    let settings = AccountSettings { hashing: HashParams::WEAK, clock, ..AccountSettings::default() };
    Accounts::open(&manager, settings).unwrap()
}

fn open(store: &MemoryStore) -> Arc<Accounts> {
    open_at(store, RealEnv::new().clock)
}

fn name(user: &str) -> AccountName {
    AccountName::any_host(user)
}

fn begin(accounts: &Arc<Accounts>, user: &str) -> Attempt {
    accounts.begin(user, &ClientHost::local(), TlsFacts::default())
}

fn create(accounts: &Accounts, user: &str, password: &[u8], options: &[AccountOption]) {
    accounts.create_user(&[UserRequest::with_password(name(user), password)], options, &[], false).unwrap();
}

fn is_fast(accounts: &Arc<Accounts>, user: &str, password: &[u8]) -> bool {
    let result = begin(accounts, user).fast(&scramble(password, NONCE), NONCE).unwrap();
    matches!(result, FastResult::Ok(_))
}

#[test]
fn the_first_login_is_full_and_the_next_is_fast_until_the_password_changes() {
    let accounts = open(&MemoryStore::new());
    assert!(accounts.bootstrap_root(Some(b"secret")).unwrap());
    assert!(!accounts.bootstrap_root(Some(b"other")).unwrap());
    assert!(!is_fast(&accounts, "root", b"secret"));
    let root = begin(&accounts, "root").full(b"secret").unwrap();
    assert_eq!(root.account.name, AccountName::new("root", "localhost"));
    assert_eq!((&root.user[..], &root.host[..], root.password_expired), ("root", "localhost", false));
    assert!(is_fast(&accounts, "root", b"secret") && !is_fast(&accounts, "root", b"Secret"));

    let request = UserRequest::with_password(AccountName::new("root", "localhost"), b"new");
    accounts.set_password(&request).unwrap();
    assert!(!is_fast(&accounts, "root", b"secret"));
    assert_eq!(begin(&accounts, "root").full(b"secret").unwrap_err().code, 1045);
    assert!(begin(&accounts, "root").full(b"new").is_ok());
}

#[test]
fn accounts_survive_and_root_does_not_answer_from_afar() {
    let store = MemoryStore::new();
    open(&store).bootstrap_root(Some(b"secret")).unwrap();
    let accounts = open(&store);
    assert!(begin(&accounts, "root").full(b"secret").is_ok());
    let far = ClientHost::at("10.0.0.1".parse().unwrap());
    let error = accounts.begin("root", &far, TlsFacts::default()).full(b"secret").unwrap_err();
    assert_eq!(error.message, "Access denied for user 'root'@'10.0.0.1' (using password: YES)");
}

#[test]
fn unknown_users_cost_the_same_and_get_the_same_answers() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "known", b"secret", &[]);
    create(&accounts, "bare", b"", &[]);
    let imported = UserRequest {
        secret: Some(Secret::Hash(NATIVE_OF_PASSWORD.into())),
        ..UserRequest::new(name("old"))
    };
    accounts.create_user(&[imported], &[], &[], false).unwrap();
    for user in ["known", "bare", "old", "nobody"] {
        let attempt = begin(&accounts, user);
        assert_eq!(attempt.plugin(), "caching_sha2_password");
        assert!(!is_fast(&accounts, user, b"wrong"), "{user}");
        let before = accounts.hash_count();
        let error = attempt.full(b"wrong").unwrap_err();
        assert_eq!(accounts.hash_count() - before, 1, "{user}");
        let text = format!("Access denied for user '{user}'@'localhost' (using password: YES)");
        assert_eq!((error.code, error.message), (1045, text));
    }
}

#[test]
fn an_account_without_a_password_takes_none() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "bare", b"", &[]);
    create(&accounts, "known", b"secret", &[]);
    assert!(begin(&accounts, "bare").empty().is_ok());
    for user in ["known", "nobody"] {
        let error = begin(&accounts, user).empty().unwrap_err();
        assert_eq!(
            error.message,
            format!("Access denied for user '{user}'@'localhost' (using password: NO)")
        );
    }
}

#[test]
fn an_imported_hash_is_replaced_by_the_first_login() {
    let store = MemoryStore::new();
    let accounts = open(&store);
    let hash = Secret::Hash(NATIVE_OF_PASSWORD.into());
    let request = UserRequest {
        plugin: Some("mysql_native_password".into()),
        secret: Some(hash),
        ..UserRequest::new(name("old"))
    };
    accounts.create_user(&[request], &[], &[], false).unwrap();
    assert!(begin(&accounts, "old").full(b"password").unwrap().upgraded);
    let stored = open(&store);
    let account = stored.snapshot().account(&name("old")).cloned().unwrap();
    assert!(matches!(account.verifier, Some(Verifier::Argon2id(_))));
    assert!(!begin(&stored, "old").full(b"password").unwrap().upgraded);
    assert_eq!(begin(&stored, "old").full(b"passwort").unwrap_err().code, 1045);
}

#[test]
fn a_locked_account_is_told_after_the_right_password_only() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "locked", b"secret", &[AccountOption::Lock(true)]);
    assert_eq!(begin(&accounts, "locked").full(b"wrong").unwrap_err().code, 1045);
    let error = begin(&accounts, "locked").full(b"secret").unwrap_err();
    assert_eq!(
        (error.code, &error.message[..]),
        (3118, "Access denied for user 'locked'@'localhost'. Account is locked.")
    );
}

#[test]
fn failed_logins_block_for_days_also_after_a_restart() {
    let store = MemoryStore::new();
    let clock = Arc::new(Days(AtomicU64::new(100)));
    let accounts = open_at(&store, clock.clone());
    let options = [AccountOption::FailedAttempts(2), AccountOption::LockTime(LockTime::Days(1))];
    create(&accounts, "u", b"secret", &options);
    assert_eq!(begin(&accounts, "u").full(b"wrong").unwrap_err().code, 1045);
    assert!(begin(&accounts, "u").full(b"secret").is_ok(), "a success begins anew");
    assert_eq!(begin(&accounts, "u").full(b"wrong").unwrap_err().code, 1045);
    let text = "Access denied for user 'u'@'localhost'. Account is blocked for 1 day(s) (1 day(s) remaining) due \
                to 2 consecutive failed logins.";
    assert_eq!(begin(&accounts, "u").full(b"wrong").unwrap_err().message, text);

    let accounts = open_at(&store, clock.clone());
    assert_eq!(begin(&accounts, "u").full(b"secret").unwrap_err().code, 3955);
    clock.0.store(101, Ordering::Relaxed);
    assert!(begin(&accounts, "u").full(b"secret").is_ok());
}

#[test]
fn expired_passwords_let_in_with_a_flag() {
    let clock = Arc::new(Days(AtomicU64::new(100)));
    let accounts = open_at(&MemoryStore::new(), clock.clone());
    create(&accounts, "u", b"secret", &[AccountOption::Expiry(Expiry::Days(10))]);
    assert!(!begin(&accounts, "u").full(b"secret").unwrap().password_expired);
    clock.0.store(110, Ordering::Relaxed);
    assert!(begin(&accounts, "u").full(b"secret").unwrap().password_expired);
}

#[test]
fn a_retained_password_works_until_it_is_discarded() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "u", b"first", &[]);
    let change = UserRequest { retain_current: true, ..UserRequest::with_password(name("u"), b"second") };
    accounts.alter_user(&[change], &[], None, false).unwrap();
    for password in [&b"first"[..], b"second"] {
        assert!(begin(&accounts, "u").full(password).is_ok());
        assert!(is_fast(&accounts, "u", password));
    }
    let discard = UserRequest { discard_old: true, ..UserRequest::new(name("u")) };
    accounts.alter_user(&[discard], &[], None, false).unwrap();
    assert!(!is_fast(&accounts, "u", b"first"));
    assert_eq!(begin(&accounts, "u").full(b"first").unwrap_err().code, 1045);
    assert!(begin(&accounts, "u").full(b"second").is_ok());
}

#[test]
fn rules_for_new_passwords() {
    let accounts = open(&MemoryStore::new());
    let policy = PasswordPolicy { history: 2, require_current: true, ..PasswordPolicy::default() };
    accounts.set_policy(policy.clone());
    create(&accounts, "u", b"one", &[]);
    let set =
        |password: &[u8]| accounts.set_password(&UserRequest::with_password(name("u"), password)).map(drop);
    set(b"two").unwrap();
    assert_eq!(set(b"one").unwrap_err().code, 3638);
    assert_eq!(set(b"two").unwrap_err().code, 3638);
    set(b"three").unwrap();
    set(b"one").unwrap();

    let own = |replace: Option<&[u8]>| UserRequest {
        own: true,
        replace: replace.map(|password| Zeroizing::new(password.to_vec())),
        ..UserRequest::with_password(name("u"), b"next")
    };
    assert_eq!(accounts.set_password(&own(None)).unwrap_err().code, 3892);
    assert_eq!(accounts.set_password(&own(Some(b"x"))).unwrap_err().code, 3891);
    accounts.set_password(&own(Some(b"one"))).unwrap();

    accounts.set_policy(PasswordPolicy { strength: Some(Strength::default()), ..policy });
    assert_eq!(set(b"weak").unwrap_err().code, 1819);
    let random = UserRequest { secret: Some(Secret::Random), ..UserRequest::new(name("u")) };
    let outcome = accounts.set_password(&random).unwrap();
    assert!(begin(&accounts, "u").full(outcome.generated[0].1.as_bytes()).is_ok());
}

#[test]
fn the_most_specific_host_decides() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "u", b"any", &[]);
    let local = UserRequest::with_password(AccountName::new("u", "localhost"), b"local");
    let anonymous = UserRequest::with_password(AccountName::new("", "localhost"), b"nobody");
    accounts.create_user(&[local, anonymous], &[], &[], false).unwrap();
    assert!(begin(&accounts, "u").full(b"any").is_err());
    assert!(begin(&accounts, "u").full(b"local").is_ok());
    assert_eq!(begin(&accounts, "x").full(b"nobody").unwrap().account.name.user, "");
    let far = ClientHost::at("10.0.0.1".parse().unwrap());
    assert!(accounts.begin("u", &far, TlsFacts::default()).full(b"any").is_ok());
}

#[test]
fn tls_is_asked_for_without_saying_so() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "u", b"secret", &[AccountOption::Tls(TlsRequirement::Ssl)]);
    assert_eq!(begin(&accounts, "u").full(b"secret").unwrap_err().code, 1045);
    let tls = TlsFacts { cipher: Some("TLS_AES_128_GCM_SHA256".into()), certificate: None };
    assert!(accounts.begin("u", &ClientHost::local(), tls).full(b"secret").is_ok());
}

#[test]
fn an_account_has_its_limits_by_the_hour() {
    let clock = Arc::new(Days(AtomicU64::new(100)));
    let accounts = open_at(&MemoryStore::new(), clock.clone());
    let options = [
        AccountOption::QueriesPerHour(3),
        AccountOption::UpdatesPerHour(1),
        AccountOption::ConnectionsPerHour(3),
        AccountOption::UserConnections(2),
    ];
    create(&accounts, "u", b"secret", &options);
    let connect = || accounts.connect(&name("u"), 0);
    let told = |error: aurora_types::SqlError| (error.code, error.message);
    let exceeded = |resource: &str, limit: u32| {
        (1226, format!("User 'u' has exceeded the '{resource}' resource (current value: {limit})"))
    };
    let (one, two) = (connect().unwrap(), connect().unwrap());
    assert_eq!(told(connect().err().unwrap()), exceeded("max_user_connections", 2));
    drop(two);
    let two = connect().unwrap();
    drop(one);
    assert_eq!(told(connect().err().unwrap()), exceeded("max_connections_per_hour", 3));

    assert!(two.counts_statements());
    two.statement(true).unwrap();
    assert_eq!(told(two.statement(true).unwrap_err()), exceeded("max_updates", 1));
    two.statement(false).unwrap();
    assert_eq!(told(two.statement(false).unwrap_err()), exceeded("max_questions", 3));
    accounts.forget_usage();
    two.statement(true).unwrap();
    clock.0.store(101, Ordering::Relaxed);
    two.statement(true).unwrap();

    // New limits are for open connections as well, and a new account begins with nothing used.
    let unlimited = [AccountOption::QueriesPerHour(0), AccountOption::UpdatesPerHour(0)];
    accounts.alter_user(&[UserRequest::new(name("u"))], &unlimited, None, false).unwrap();
    assert!(!two.counts_statements());
    accounts.drop_user(&[name("u")], false).unwrap();
    create(&accounts, "u", b"secret", &[AccountOption::UserConnections(1)]);
    let fresh = connect().unwrap();
    assert_eq!(connect().err().unwrap().code, 1226);
    drop((two, fresh));
    connect().unwrap();
}

#[test]
fn the_servers_limit_is_for_accounts_without_their_own() {
    let accounts = open(&MemoryStore::new());
    create(&accounts, "u", b"secret", &[]);
    create(&accounts, "v", b"secret", &[AccountOption::UserConnections(2)]);
    let open: Vec<_> = ["u", "v", "v"].map(|user| accounts.connect(&name(user), 1).unwrap()).into();
    let error = accounts.connect(&name("u"), 1).err().unwrap();
    assert_eq!(error.message, "User u already has more than 'max_user_connections' active connections");
    assert_eq!(error.code, 1203);
    drop(open);
}
