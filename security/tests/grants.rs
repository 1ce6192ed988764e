//! Accounts, roles and grants as statements change and show them. Texts and errors are MySQL 9.7's.

use aurora_env::ThreadWaiter;
use aurora_security::*;
use aurora_txn::{MemoryStore, TxnManager, TxnOptions};
use std::sync::Arc;

fn open(store: &MemoryStore) -> Arc<Accounts> {
    let manager =
        TxnManager::on_store(Arc::new(store.clone()), TxnOptions::default(), Arc::new(ThreadWaiter));
    let settings = AccountSettings { hashing: HashParams::WEAK, ..AccountSettings::default() };
    Accounts::open(&manager, settings).unwrap()
}

fn name(user: &str) -> AccountName {
    AccountName::any_host(user)
}

fn names(users: &[&str]) -> Vec<AccountName> {
    users.iter().map(|user| name(user)).collect()
}

fn schema(pattern: &str) -> GrantTarget {
    GrantTarget::Schema(pattern.into())
}

fn table(schema: &str, table: &str) -> GrantTarget {
    GrantTarget::Table { schema: schema.into(), table: table.into() }
}

fn routine(kind: RoutineKind, routine: &str) -> GrantTarget {
    GrantTarget::Routine { kind, schema: "s1db".into(), routine: routine.into() }
}

/// `select, insert(id)` on a target.
fn some(list: &str, target: GrantTarget) -> GrantWhat {
    let request = |text: &str| {
        let (name, columns) = text.trim().split_once('(').unwrap_or((text.trim(), ""));
        let columns = columns.trim_end_matches(')').split(' ').filter(|c| !c.is_empty());
        PrivilegeRequest { name: name.to_uppercase(), columns: columns.map(str::to_owned).collect() }
    };
    GrantWhat::Privileges(list.split(',').map(request).collect(), target)
}

fn with_users(users: &[&str]) -> (MemoryStore, Arc<Accounts>) {
    let store = MemoryStore::new();
    let accounts = open(&store);
    let users: Vec<UserRequest> = users.iter().map(|user| UserRequest::new(name(user))).collect();
    accounts.create_user(&users, &[], &[], false).unwrap();
    (store, accounts)
}

fn grant(accounts: &Accounts, what: GrantWhat, to: &str, option: bool) {
    accounts.grant(&what, &names(&[to]), option).unwrap();
}

fn revoke(accounts: &Accounts, what: GrantWhat, from: &str) -> Result<(), String> {
    let result = accounts.revoke(&what, &names(&[from]), Lenience::default());
    result.map(drop).map_err(|error| format!("{} {}", error.code, error.message))
}

fn shown(accounts: &Accounts, user: &str, using: &[&str]) -> Vec<String> {
    accounts.show_grants(&name(user), &names(using)).unwrap()
}

#[test]
fn grants_are_shown_as_mysql_shows_them_and_survive() {
    let (store, accounts) = with_users(&["s1t1"]);
    accounts.create_role(&names(&["s1r1", "s1r2"]), false).unwrap();
    for (what, option) in [
        (GrantWhat::Roles(names(&["s1r1"])), true),
        (GrantWhat::Roles(names(&["s1r2"])), false),
        (some("select", schema("s1db")), false),
        (some("select(b a), insert", table("s1db", "t1")), false),
        (some("select, insert(id), update", table("s1db", "id_t")), true),
        (some("select", schema("s1\\_x%")), true),
        (GrantWhat::All(schema("s1db2")), true),
        (some("insert, select, process", GrantTarget::Global), false),
        (some("role_admin, xa_recover_admin", GrantTarget::Global), false),
        (some("role_admin", GrantTarget::Global), true),
        (some("execute", routine(RoutineKind::Procedure, "p")), false),
        (some("execute, alter routine", routine(RoutineKind::Function, "f")), true),
        (GrantWhat::Proxy(AccountName::new("root", "localhost")), false),
    ] {
        grant(&accounts, what, "s1t1", option);
    }
    grant(&accounts, some("select", schema("s1db")), "s1r1", false);
    let on_t1 = "create view, show view, references, index, trigger, drop";
    grant(&accounts, some(on_t1, table("s1db", "t1")), "s1r1", false);

    let mut expected = vec![
        "GRANT SELECT, INSERT, PROCESS ON *.* TO `s1t1`@`%`",
        "GRANT XA_RECOVER_ADMIN ON *.* TO `s1t1`@`%`",
        "GRANT ROLE_ADMIN ON *.* TO `s1t1`@`%` WITH GRANT OPTION",
        "GRANT SELECT ON `s1db`.* TO `s1t1`@`%`",
        "GRANT ALL PRIVILEGES ON `s1db2`.* TO `s1t1`@`%` WITH GRANT OPTION",
        "GRANT SELECT ON `s1\\_x%`.* TO `s1t1`@`%` WITH GRANT OPTION",
        "GRANT SELECT, INSERT (`id`), UPDATE ON `s1db`.`id_t` TO `s1t1`@`%` WITH GRANT OPTION",
        "GRANT SELECT (`a`, `b`), INSERT ON `s1db`.`t1` TO `s1t1`@`%`",
        "GRANT EXECUTE ON PROCEDURE `s1db`.`p` TO `s1t1`@`%`",
        "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION `s1db`.`f` TO `s1t1`@`%` WITH GRANT OPTION",
        "GRANT PROXY ON `root`@`localhost` TO `s1t1`@`%`",
        "GRANT `s1r2`@`%` TO `s1t1`@`%`",
        "GRANT `s1r1`@`%` TO `s1t1`@`%` WITH ADMIN OPTION",
    ];
    let accounts = open(&store);
    assert_eq!(shown(&accounts, "s1t1", &[]), expected);
    expected[7] = "GRANT SELECT (`a`, `b`), INSERT, DROP, REFERENCES, INDEX, CREATE VIEW, SHOW VIEW, TRIGGER ON \
                   `s1db`.`t1` TO `s1t1`@`%`";
    assert_eq!(shown(&accounts, "s1t1", &["s1r1"]), expected);
}

#[test]
fn all_is_written_out_for_global_privileges() {
    let store = MemoryStore::new();
    let accounts = open(&store);
    accounts.bootstrap_root(None).unwrap();
    let root = AccountName::new("root", "localhost");
    let lines = accounts.show_grants(&root, &[]).unwrap();
    assert_eq!(
        lines[0],
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, SHUTDOWN, PROCESS, FILE, REFERENCES, INDEX, \
         ALTER, SHOW DATABASES, SUPER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, \
         REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, \
         CREATE TABLESPACE, CREATE ROLE, DROP ROLE ON *.* TO `root`@`localhost` WITH GRANT OPTION"
    );
    assert!(lines[1].starts_with("GRANT ALLOW_NONEXISTENT_DEFINER,APPLICATION_PASSWORD_ADMIN,"));
    assert_eq!(lines[2..], ["GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION"]);
}

#[test]
fn what_is_revoked_is_gone_and_what_was_not_granted_is_an_error() {
    let (_, accounts) = with_users(&["u"]);
    let no_grant = "1141 There is no such grant defined for user 'u' on host '%'";
    let on_t1 = "1147 There is no such grant defined for user 'u' on host '%' on table 't1'";
    assert_eq!(revoke(&accounts, some("select", schema("d")), "u").unwrap_err(), no_grant);
    assert_eq!(revoke(&accounts, some("select", table("d", "t1")), "u").unwrap_err(), on_t1);
    let on_p = "1403 There is no such grant defined for user 'u' on host '%' on routine 'p'";
    let target = routine(RoutineKind::Procedure, "p");
    assert_eq!(revoke(&accounts, some("execute", target), "u").unwrap_err(), on_p);

    grant(&accounts, some("select, insert", schema("d")), "u", true);
    assert_eq!(revoke(&accounts, some("delete", schema("d")), "u").unwrap_err(), no_grant);
    assert_eq!(
        revoke(&accounts, some("delete, insert", schema("d")), "u").unwrap_err(),
        no_grant,
        "all or none"
    );
    revoke(&accounts, some("insert, grant option", schema("d")), "u").unwrap();
    grant(&accounts, some("select(a), update(b)", table("d", "t1")), "u", false);
    revoke(&accounts, some("select", table("d", "t1")), "u").unwrap();
    assert_eq!(revoke(&accounts, some("update(a)", table("d", "t1")), "u").unwrap_err(), on_t1);
    let expected = [
        "GRANT USAGE ON *.* TO `u`@`%`",
        "GRANT SELECT ON `d`.* TO `u`@`%`",
        "GRANT UPDATE (`b`) ON `d`.`t1` TO `u`@`%`",
    ];
    assert_eq!(shown(&accounts, "u", &[]), expected);
    revoke(&accounts, GrantWhat::Everything, "u").unwrap();
    assert_eq!(shown(&accounts, "u", &[]), expected[..1]);
    assert!(revoke(&accounts, GrantWhat::Everything, "nobody").unwrap_err().starts_with("1269"));

    let lenient = Lenience { if_exists: true, ignore_unknown_user: true };
    let what = some("select", schema("nosuch"));
    let outcome = accounts.revoke(&what, &names(&["u", "nobody"]), lenient).unwrap();
    let codes: Vec<u16> = outcome.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [1141, 3162]);
}

#[test]
fn the_order_and_spelling_of_lines_is_mysqls() {
    let (_, accounts) = with_users(&["u"]);
    for pattern in ["s1d_", "s1\\_x", "s1%", "s1db", "S1DB"] {
        grant(&accounts, some("select", schema(pattern)), "u", false);
    }
    grant(&accounts, some("update(b a), update", table("d", "t")), "u", false);
    grant(&accounts, some("grant option", table("d", "v")), "u", false);
    grant(&accounts, some("role_admin", GrantTarget::Global), "u", false);
    grant(&accounts, some("usage", GrantTarget::Global), "u", true);
    let expected = [
        "GRANT USAGE ON *.* TO `u`@`%` WITH GRANT OPTION",
        "GRANT ROLE_ADMIN ON *.* TO `u`@`%`",
        "GRANT SELECT ON `S1DB`.* TO `u`@`%`",
        "GRANT SELECT ON `s1db`.* TO `u`@`%`",
        "GRANT SELECT ON `s1%`.* TO `u`@`%`",
        "GRANT SELECT ON `s1\\_x`.* TO `u`@`%`",
        "GRANT SELECT ON `s1d_`.* TO `u`@`%`",
        "GRANT UPDATE, UPDATE (`a`, `b`) ON `d`.`t` TO `u`@`%`",
        "GRANT USAGE ON `d`.`v` TO `u`@`%` WITH GRANT OPTION",
    ];
    assert_eq!(shown(&accounts, "u", &[]), expected);
}

#[test]
fn privileges_are_granted_at_their_levels_only() {
    let (_, accounts) = with_users(&["u"]);
    for (what, code) in [
        (some("nosuch", GrantTarget::Global), 1149),
        (some("role_admin", schema("d")), 3619),
        (some("file", schema("d")), 1221),
        (some("create user", table("d", "t")), 1144),
        (some("delete(a)", table("d", "t")), 1144),
        (some("select", routine(RoutineKind::Function, "f")), 1144),
    ] {
        assert_eq!(accounts.grant(&what, &names(&["u"]), false).unwrap_err().code, code, "{what:?}");
    }
    let what = some("select", GrantTarget::Global);
    assert_eq!(accounts.grant(&what, &names(&["u", "nobody"]), false).unwrap_err().code, 1410);
    assert_eq!(shown(&accounts, "u", &[]), ["GRANT USAGE ON *.* TO `u`@`%`"], "all or none");
}

#[test]
fn roles_give_their_privileges_while_active() {
    let (_, accounts) = with_users(&["u"]);
    accounts.create_role(&names(&["reader", "base"]), false).unwrap();
    grant(&accounts, some("select", schema("d")), "base", false);
    grant(&accounts, GrantWhat::Roles(names(&["base"])), "reader", false);
    grant(&accounts, GrantWhat::Roles(names(&["reader"])), "u", false);
    let can = |roles: &[&str]| {
        accounts.privileges(&name("u"), &names(roles)).check("d", None, Privilege::Select, &[])
    };
    assert!(!can(&[]) && can(&["reader"]));
    let looped = accounts.grant(&GrantWhat::Roles(names(&["reader"])), &names(&["base"]), false).unwrap_err();
    let text = "User account `base`@`%` is directly or indirectly granted to the role `reader`@`%`. The GRANT would \
                create a loop";
    assert_eq!((looped.code, &looped.message[..]), (4027, text));

    let choose = |choice: RoleChoice| accounts.choose_roles(&name("u"), &choice);
    assert_eq!(choose(RoleChoice::All).unwrap(), names(&["reader"]));
    let error = choose(RoleChoice::Roles(names(&["base"]))).unwrap_err();
    assert_eq!((error.code, &error.message[..]), (3530, "`base`@`%` is not granted to `u`@`%`"));
    assert_eq!(choose(RoleChoice::Default).unwrap(), []);
    accounts.set_default_role(&RoleChoice::All, &names(&["u"])).unwrap();
    assert_eq!(choose(RoleChoice::Default).unwrap(), names(&["reader"]));
    assert_eq!(
        accounts.set_default_role(&RoleChoice::Roles(names(&["base"])), &names(&["u"])).unwrap_err().code,
        3530
    );

    accounts.drop_role(&names(&["reader"]), false).unwrap();
    assert!(!can(&["reader"]));
    assert_eq!(shown(&accounts, "u", &[]), ["GRANT USAGE ON *.* TO `u`@`%`"]);
    assert_eq!(choose(RoleChoice::Default).unwrap(), []);
}

#[test]
fn everyone_has_mandatory_roles() {
    let (_, accounts) = with_users(&["u"]);
    accounts.create_role(&names(&["m"]), false).unwrap();
    accounts.set_mandatory_roles(names(&["m", "nosuch"]));
    assert_eq!(accounts.choose_roles(&name("u"), &RoleChoice::All).unwrap(), names(&["m"]));
    assert_eq!(shown(&accounts, "u", &["m"]), ["GRANT USAGE ON *.* TO `u`@`%`"]);
    accounts.set_default_role(&RoleChoice::Roles(names(&["m"])), &names(&["u"])).unwrap();
    assert!(
        revoke(&accounts, GrantWhat::Roles(names(&["m"])), "u")
            .unwrap_err()
            .starts_with("3628 The role `m`@`%` is")
    );
    assert_eq!(accounts.drop_role(&names(&["m"]), false).unwrap_err().code, 3628);
    accounts.set_mandatory_roles(Vec::new());
    assert_eq!(accounts.choose_roles(&name("u"), &RoleChoice::Default).unwrap(), []);
}

#[test]
fn statements_about_accounts_fail_as_a_whole() {
    let (_, accounts) = with_users(&["u"]);
    let requests = names(&["u", "v"]).into_iter().map(UserRequest::new).collect::<Vec<_>>();
    let error = accounts.create_user(&requests, &[], &[], false).unwrap_err();
    let text = "Operation CREATE USER failed for 'u'@'%' (User account already exists)";
    assert_eq!((error.code, &error.message[..]), (1396, text));
    assert!(accounts.snapshot().account(&name("v")).is_none());
    let outcome = accounts.create_user(&requests, &[], &[], true).unwrap();
    assert_eq!(outcome.warnings[0].message, "Authorization ID 'u'@'%' already exists.");
    assert!(accounts.snapshot().account(&name("v")).is_some());

    let error = accounts.drop_user(&names(&["u", "x", "y"]), false).unwrap_err();
    let text = "Operation DROP USER failed for 'x'@'%' (User account does not exist),'y'@'%' (User account does \
                not exist)";
    assert_eq!(error.message, text);
    assert_eq!(accounts.drop_user(&names(&["u", "x"]), true).unwrap().warnings[0].code, 3162);
    let error = accounts.rename_user(&[(name("nosuch"), name("z"))]).unwrap_err();
    assert_eq!(error.message, "Operation RENAME USER failed for 'nosuch'@'%'");
    grant(&accounts, some("select", schema("d")), "v", false);
    accounts.rename_user(&[(name("v"), AccountName::new("w", "LOCALHOST"))]).unwrap();
    let lines = accounts.show_grants(&AccountName::new("w", "localhost"), &[]).unwrap();
    assert_eq!(lines[1], "GRANT SELECT ON `d`.* TO `w`@`localhost`");
    assert_eq!(accounts.show_grants(&name("v"), &[]).unwrap_err().code, 1141);
}

#[test]
fn show_create_user_names_every_option() {
    let (_, accounts) = with_users(&["s1r1"]);
    let request = UserRequest::new(AccountName::new("s1t2", "10.0.%"));
    let options = [
        AccountOption::Tls(TlsRequirement::Ssl),
        AccountOption::QueriesPerHour(5),
        AccountOption::UserConnections(3),
        AccountOption::Expiry(Expiry::Days(30)),
        AccountOption::Lock(true),
        AccountOption::History(Some(3)),
        AccountOption::ReuseDays(Some(10)),
        AccountOption::RequireCurrent(Some(true)),
        AccountOption::FailedAttempts(3),
        AccountOption::LockTime(LockTime::Days(2)),
        AccountOption::Attribute(r#"{"b": {"c": [1,2]}, "a": 1, "gone": null}"#.into()),
        AccountOption::Comment("it's".into()),
    ];
    accounts.create_user(&[request], &options, &names(&["s1r1"]), false).unwrap();
    let text = accounts.show_create_user(&AccountName::new("s1t2", "10.0.%")).unwrap();
    assert_eq!(
        text,
        "CREATE USER `s1t2`@`10.0.%` IDENTIFIED WITH 'caching_sha2_password' DEFAULT ROLE `s1r1`@`%` REQUIRE SSL \
         WITH MAX_QUERIES_PER_HOUR 5 MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 30 DAY ACCOUNT LOCK PASSWORD \
         HISTORY 3 PASSWORD REUSE INTERVAL 10 DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3 \
         PASSWORD_LOCK_TIME 2 ATTRIBUTE '{\"a\": 1, \"b\": {\"c\": [1, 2]}, \"comment\": \"it\\'s\"}'"
    );
    let rows = accounts.user_rows();
    let row = rows.iter().find(|row| row.name.user == "s1t2").unwrap();
    assert!(row.locked && row.plugin == "caching_sha2_password");
    assert_eq!(
        row.attributes,
        "{\"metadata\": {\"a\": 1, \"b\": {\"c\": [1, 2]}, \"comment\": \"it's\"}, \"Password_locking\": \
         {\"failed_login_attempts\": 3, \"password_lock_time_days\": 2}}"
    );
    let unknown = accounts.show_create_user(&name("nosuch")).unwrap_err();
    assert_eq!(
        unknown.message,
        "Operation SHOW CREATE USER failed for 'nosuch'@'%' (User account does not exist)"
    );
}

#[test]
fn only_what_one_has_with_grant_option_can_be_granted() {
    let (_, accounts) = with_users(&["u", "admin"]);
    grant(&accounts, some("select, insert", schema("d")), "u", true);
    grant(&accounts, some("role_admin", GrantTarget::Global), "u", false);
    grant(&accounts, some("select", schema("e")), "u", false);
    let may = |what: GrantWhat| {
        let checked = accounts.privileges(&name("u"), &[]).check_grant(&what, "localhost");
        checked.map_err(|error| format!("{} {}", error.code, error.message))
    };
    assert_eq!(may(some("select", schema("d"))), Ok(()));
    assert_eq!(may(some("select, insert(a)", table("d", "t"))), Ok(()));
    assert_eq!(may(GrantWhat::Roles(names(&["r"]))), Ok(()), "by ROLE_ADMIN");
    let needed =
        "1227 Access denied; you need (at least one of) the GRANT OPTION privilege(s) for this operation";
    let on_t = "1142 DELETE, GRANT command denied to user 'u'@'localhost' for table 't'";
    let on_p = "1370 execute command denied to user 'u'@'%' for routine 's1db.p'";
    for (what, expected) in [
        (some("delete", schema("d")), "1044 Access denied for user 'u'@'%' to database 'd'"),
        (some("select, delete", table("e", "t")), on_t),
        (some("select", GrantTarget::Global), "1045 Access denied for user 'u'@'%' (using password: YES)"),
        (some("role_admin", GrantTarget::Global), needed),
        (some("execute", routine(RoutineKind::Procedure, "p")), on_p),
        (GrantWhat::Proxy(name("root")), "1698 Access denied for user 'u'@'localhost'"),
    ] {
        assert_eq!(may(what), Err(expected.to_owned()));
    }
    grant(&accounts, some("system_user", GrantTarget::Global), "admin", false);
    let privileges = |user: &str| accounts.privileges(&name(user), &[]);
    assert_eq!(privileges("u").check_may_change(&privileges("admin")).unwrap_err().code, 1227);
    assert!(privileges("admin").check_may_change(&privileges("u")).is_ok());
}
