//! Statements through a session without a socket, on the store that the transaction model uses.

use aurora_catalog::Catalog;
use aurora_env::{KillFlag, RealEnv, ThreadWaiter};
use aurora_security::{AccountSettings, Accounts, HashParams};
use aurora_session::{ServerFacts, Session, SessionInit, SessionShared};
use aurora_txn::{MemoryStore, TxnManager, TxnOptions};
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlResult, StatementStatus, ValueRef, display};
use std::sync::Arc;

/// Collects results as text.
#[derive(Default)]
struct Texts {
    types: Vec<ColumnMeta>,
    names: Vec<String>,
    rows: Vec<String>,
}

impl RowSink for Texts {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.types = columns.to_vec();
        self.names = columns.iter().map(|column| column.name.clone()).collect();
        self.rows.clear();
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        let mut row = Vec::new();
        for (cell, column) in cells.iter().zip(&self.types) {
            if cell.is_null() {
                row.push("NULL".to_owned());
                continue;
            }
            let mut out = Vec::new();
            display::write_text(*cell, &column.ty, &mut out);
            row.push(String::from_utf8_lossy(&out).into_owned());
        }
        self.rows.push(row.join("|"));
        Ok(false)
    }

    fn end(&mut self, _: &StatementStatus) -> SqlResult<()> {
        Ok(())
    }
}

struct Server {
    shared: Arc<SessionShared>,
    next: u64,
}

impl Server {
    fn new() -> Server {
        let env = RealEnv::new();
        let manager =
            TxnManager::on_store(Arc::new(MemoryStore::new()), TxnOptions::default(), Arc::new(ThreadWaiter));
        let catalog = Catalog::open(manager.clone()).expect("an empty catalog");
        let settings = AccountSettings { hashing: HashParams::WEAK, ..AccountSettings::default() };
        let accounts = Accounts::open(&manager, settings).expect("no accounts");
        accounts.bootstrap_root(Some(b"secret")).expect("root");
        let facts = ServerFacts {
            version: "9.7.0-AuroraDB".into(),
            hostname: "test".into(),
            port: 0,
            data_dir: String::new(),
            server_uuid: "00000000-0000-0000-0000-000000000000".into(),
            started_micros: 0,
        };
        let shared = SessionShared::new(catalog, accounts, None, Arc::new(ThreadWaiter), &env, facts);
        Server { shared: Arc::new(shared), next: 1 }
    }

    fn connect(&mut self, database: Option<&str>) -> Client {
        let id = self.next;
        self.next += 1;
        let init = SessionInit {
            connection_id: id,
            user: "root".into(),
            client_host: "localhost".into(),
            account: ("root".into(), "localhost".into()),
            collation: CollationId::UTF8MB4_0900_AI_CI,
            database: database.map(str::to_owned),
            found_rows: false,
            multi_statements: true,
            local_infile: false,
            interactive: false,
            tls: None,
            password_expired: false,
            kill: Arc::new(KillFlag::new()),
        };
        Client { session: Session::new(self.shared.clone(), init).expect("a session") }
    }
}

struct Client {
    session: Session,
}

impl Client {
    /// Rows as text, or the affected rows, or the error.
    fn run(&mut self, sql: &str) -> String {
        let mut sink = Texts::default();
        match self.session.execute(sql.as_bytes(), &mut sink) {
            Ok(reply) => {
                if let Some(ticket) = reply.ticket {
                    ticket.wait(&ThreadWaiter).expect("durable");
                }
                if sink.names.is_empty() {
                    format!("ok {}", reply.status.affected_rows)
                } else {
                    sink.rows.join("\n")
                }
            }
            Err(error) => format!("error {} ({}) {}", error.code, error.sqlstate, error.message),
        }
    }

    /// Runs statements that must go well.
    fn must(&mut self, sql: &str) {
        let answer = self.run(sql);
        assert!(!answer.starts_with("error"), "{sql}: {answer}");
    }
}

fn fresh() -> (Server, Client) {
    let mut server = Server::new();
    let mut client = server.connect(None);
    client.must("CREATE DATABASE d");
    client.must("USE d");
    (server, client)
}

#[test]
fn rows_come_and_go_with_honest_counts() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20) NOT NULL, n INT, KEY (n))");
    assert_eq!(c.run("INSERT INTO t (name, n) VALUES ('a', 1), ('b', 2), ('c', NULL)"), "ok 3");
    assert_eq!(c.run("SELECT * FROM t ORDER BY id"), "1|a|1\n2|b|2\n3|c|NULL");
    assert_eq!(c.run("SELECT name FROM t WHERE id = 2"), "b");
    assert_eq!(c.run("SELECT name FROM t WHERE n > 0 ORDER BY n DESC"), "b\na");
    assert_eq!(c.run("UPDATE t SET n = n + 10 WHERE n IS NOT NULL"), "ok 2");
    assert_eq!(c.run("UPDATE t SET n = 11 WHERE id = 1"), "ok 0");
    assert_eq!(c.run("SELECT n FROM t WHERE n = 12"), "12");
    assert_eq!(c.run("DELETE FROM t WHERE name = 'b'"), "ok 1");
    assert_eq!(c.run("SELECT COUNT(*), SUM(n) FROM t"), "2|11");
    assert!(
        c.run("INSERT INTO t (id, name) VALUES (1, 'x')")
            .starts_with("error 1062 (23000) Duplicate entry '1' for key 't.PRIMARY'")
    );
    assert!(c.run("INSERT INTO t (name) VALUES (NULL)").starts_with("error 1048"));
    assert_eq!(c.run("SELECT LAST_INSERT_ID()"), "1");
}

#[test]
fn a_transaction_is_private_until_it_commits() {
    let (mut server, mut a) = fresh();
    a.must("CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    a.must("INSERT INTO t VALUES (1, 1)");
    let mut b = server.connect(Some("d"));
    a.must("BEGIN");
    a.must("UPDATE t SET n = 2 WHERE id = 1");
    assert_eq!(a.run("SELECT n FROM t"), "2");
    assert_eq!(b.run("SELECT n FROM t"), "1");
    a.must("SAVEPOINT s");
    a.must("INSERT INTO t VALUES (2, 2)");
    a.must("ROLLBACK TO s");
    a.must("COMMIT");
    assert_eq!(b.run("SELECT * FROM t"), "1|2");
    a.must("BEGIN");
    a.must("DELETE FROM t");
    a.must("ROLLBACK");
    assert_eq!(b.run("SELECT COUNT(*) FROM t"), "1");
}

#[test]
fn foreign_keys_hold() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE p (id INT PRIMARY KEY)");
    c.must("CREATE TABLE k (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)");
    c.must("CREATE TABLE r (id INT PRIMARY KEY, p INT, CONSTRAINT rp FOREIGN KEY (p) REFERENCES p (id))");
    c.must("INSERT INTO p VALUES (1), (2), (3)");
    c.must("INSERT INTO k VALUES (1, 1), (2, 1), (3, 2)");
    assert!(c.run("INSERT INTO k VALUES (9, 9)").starts_with("error 1452 (23000)"));
    c.must("INSERT INTO r VALUES (1, 2)");
    assert!(c.run("DELETE FROM p WHERE id = 2").starts_with("error 1451 (23000)"));
    assert_eq!(c.run("DELETE FROM p WHERE id = 1"), "ok 1");
    assert_eq!(c.run("SELECT id FROM k"), "3");
    assert!(c.run("DROP TABLE p").starts_with("error 3730"));
}

#[test]
fn queries_of_growing_difficulty() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE e (id INT PRIMARY KEY, dept INT, pay DECIMAL(10,2), boss INT)");
    c.must("CREATE TABLE dept (id INT PRIMARY KEY, name VARCHAR(10))");
    c.must("INSERT INTO dept VALUES (1, 'one'), (2, 'two'), (3, 'three')");
    c.must("INSERT INTO e VALUES (1,1,10,NULL),(2,1,20,1),(3,2,30,1),(4,2,40,3),(5,NULL,50,3)");
    assert_eq!(
        c.run("SELECT dept.name, COUNT(*), SUM(pay) FROM e JOIN dept ON dept.id = e.dept GROUP BY dept.name HAVING COUNT(*) > 1 ORDER BY 1"),
        "one|2|30.00\ntwo|2|70.00"
    );
    assert_eq!(
        c.run("SELECT dept.name, e.id FROM dept LEFT JOIN e ON e.dept = dept.id AND e.pay > 15 ORDER BY dept.id, e.id"),
        "one|2\ntwo|3\ntwo|4\nthree|NULL"
    );
    assert_eq!(
        c.run("SELECT id FROM e WHERE pay > (SELECT AVG(x.pay) FROM e x WHERE x.dept = e.dept) ORDER BY id"),
        "2\n4"
    );
    assert_eq!(
        c.run("SELECT id, RANK() OVER (PARTITION BY dept ORDER BY pay DESC) r FROM e WHERE dept IS NOT NULL ORDER BY id"),
        "1|2\n2|1\n3|2\n4|1"
    );
    assert_eq!(
        c.run("WITH RECURSIVE up AS (SELECT id, boss FROM e WHERE id = 4 UNION ALL SELECT e.id, e.boss FROM e JOIN up ON e.id = up.boss) SELECT id FROM up"),
        "4\n3\n1"
    );
    assert_eq!(
        c.run("SELECT id FROM e WHERE dept IN (SELECT id FROM dept WHERE name LIKE 't%') ORDER BY id"),
        "3\n4"
    );
    assert_eq!(c.run("SELECT id FROM dept d WHERE NOT EXISTS (SELECT 1 FROM e WHERE e.dept = d.id)"), "3");
    assert_eq!(c.run("SELECT 1 UNION SELECT 1 UNION ALL SELECT 2"), "1\n2");
    c.must("CREATE VIEW v AS SELECT dept, SUM(pay) total FROM e GROUP BY dept");
    assert_eq!(c.run("SELECT total FROM v WHERE dept = 2"), "70.00");
}

#[test]
fn definitions_change_under_rows() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5))");
    c.must("INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    c.must("ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 7 AFTER a");
    assert_eq!(c.run("SELECT * FROM t"), "1|7|x\n2|7|y");
    c.must("ALTER TABLE t MODIFY b VARCHAR(40), ADD UNIQUE KEY ub (b)");
    assert!(c.run("INSERT INTO t (a, b) VALUES (3, 'X')").starts_with("error 1062"));
    c.must("ALTER TABLE t DROP COLUMN c, RENAME COLUMN b TO bb");
    assert_eq!(c.run("SELECT bb FROM t WHERE a = 2"), "y");
    c.must("TRUNCATE TABLE t");
    assert_eq!(c.run("SELECT COUNT(*) FROM t"), "0");
    c.must("RENAME TABLE t TO u");
    assert!(c.run("SELECT * FROM t").starts_with("error 1146 (42S02) Table 'd.t' doesn't exist"));
    assert_eq!(
        c.run("SHOW CREATE TABLE u"),
        "u|CREATE TABLE `u` (\n  `a` int NOT NULL,\n  `bb` varchar(40) DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `ub` (`bb`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"
    );
}

#[test]
fn what_is_not_built_says_so() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE t (a INT)");
    assert!(
        c.run("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1")
            .starts_with("error 1235 (42000)")
    );
    assert!(c.run("SELEC 1").starts_with("error 1064 (42000)"));
    assert!(
        c.run("SELECT nothing FROM t")
            .starts_with("error 1054 (42S22) Unknown column 'nothing' in 'field list'")
    );
    assert!(c.run("").starts_with("error 1065"));
}

/// Times and estimates as `N`; rows and loops stay.
fn masked(tree: &str) -> String {
    let mut out = String::new();
    let mut rest = tree;
    while let Some(at) = ["cost=", "time="].iter().filter_map(|word| rest.find(word)).min() {
        let (head, tail) = rest.split_at(at + 5);
        let end = tail.find([' ', ')']).unwrap_or(tail.len());
        out.push_str(head);
        out.push('N');
        rest = &tail[end..];
        if let Some(estimate) = rest.strip_prefix(" rows=").filter(|_| head.ends_with("cost=")) {
            out.push_str(" rows=N");
            rest = &estimate[estimate.find(')').unwrap_or(0)..];
        }
    }
    out.push_str(rest);
    out
}

#[test]
fn explain_analyze_tells_what_was_done() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE a (id INT PRIMARY KEY, n INT, s VARCHAR(20), KEY (n))");
    c.must("INSERT INTO a VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, NULL, 'd')");
    c.must("CREATE TABLE b LIKE a");
    // As MySQL 9.7 has it.
    assert_eq!(
        masked(&c.run("EXPLAIN ANALYZE SELECT * FROM a WHERE s < 'c'")),
        "-> Filter: (a.s < 'c')  (cost=N rows=N) (actual time=N rows=2 loops=1)\n    \
         -> Table scan on a  (cost=N rows=N) (actual time=N rows=4 loops=1)\n"
    );
    let tree = masked(
        &c.run("EXPLAIN ANALYZE FORMAT=TREE SELECT a.id, (SELECT MAX(x.s) FROM a x WHERE x.n = a.n) FROM a"),
    );
    // Three values of n: the fourth answer was known.
    assert!(tree.contains("loops=3)"), "{tree}");
    let tree = masked(&c.run("EXPLAIN ANALYZE SELECT (SELECT MAX(s) FROM b) FROM a WHERE n = 99"));
    assert!(tree.contains("(never executed)"), "{tree}");
    assert!(
        masked(&c.run("EXPLAIN ANALYZE SELECT * FROM a WHERE id = 2"))
            .contains("(actual time=N rows=1 loops=1)")
    );
    assert!(c.run("EXPLAIN ANALYZE FORMAT=TRADITIONAL SELECT * FROM a").starts_with("error 1235"));
    assert!(c.run("EXPLAIN ANALYZE DELETE FROM a").starts_with("error 1235"));
    assert_eq!(c.run("SELECT COUNT(*) FROM a"), "4");
}

#[test]
fn subqueries_that_are_not_stable_run_for_every_row() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE a (id INT PRIMARY KEY, n INT)");
    c.must("INSERT INTO a VALUES (1, 1), (2, 1), (3, 1), (4, 1)");
    assert_eq!(c.run("SELECT COUNT(DISTINCT r) FROM (SELECT (SELECT RAND()) r FROM a) x"), "4");
    assert_eq!(c.run("SELECT COUNT(DISTINCT r) FROM (SELECT (SELECT RAND() + x.n FROM a x WHERE x.id = a.n) r FROM a) y"), "4");
    c.must("SET @v = 0");
    assert_eq!(c.run("SELECT (SELECT @v := @v + x.n FROM a x WHERE x.id = a.n) FROM a"), "1\n2\n3\n4");
    assert_eq!(
        c.run("SELECT SUM((SELECT SUM(x.id) FROM a x WHERE x.n = a.n AND x.id <> a.id)) FROM a"),
        "30"
    );
}

/// How often plans were found and not found so far.
fn plan_cache(server: &Server) -> (u64, u64) {
    use std::sync::atomic::Ordering::Relaxed;
    let counters = &server.shared.counters;
    (counters.plan_cache_hits.load(Relaxed), counters.plan_cache_misses.load(Relaxed))
}

#[test]
fn analysed_tables_make_kept_plans_old() {
    let (mut server, mut c) = fresh();
    c.must("CREATE TABLE t (id INT PRIMARY KEY)");
    c.must("INSERT INTO t VALUES (1), (2)");
    let (mut other, query) = (server.connect(Some("d")), "SELECT id FROM t WHERE id = 1");
    let finds = |c: &mut Client, server: &Server| {
        let (before, _) = plan_cache(server);
        assert_eq!(c.run(query), "1");
        plan_cache(server).0 > before
    };
    let prepared = c.session.prepare(b"SELECT id FROM t WHERE id = 2").expect("prepared").id;
    for analyse in [0, 1, 2] {
        assert!(!finds(&mut c, &server), "it was not planned since ANALYZE {analyse}");
        assert!(finds(&mut c, &server));
        let mut sink = Texts::default();
        c.session.execute_prepared(prepared, Vec::new(), &mut sink).expect("runs");
        assert_eq!(sink.rows, ["2"]);
        // Whoever analyses.
        let analysed = if analyse == 0 { c.run("ANALYZE TABLE t") } else { other.run("ANALYZE TABLE t") };
        assert_eq!(analysed, "d.t|analyze|status|OK");
    }
}

#[test]
fn kept_plans_warn_of_characters_that_the_client_does_not_have() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9))");
    c.must("SET NAMES utf8mb3");
    let warned = |c: &mut Client, sql: &str| {
        c.run(sql);
        c.run("SHOW WARNINGS")
    };
    let fresh = warned(&mut c, "SELECT id FROM t WHERE a = 'x😀'");
    assert!(fresh.starts_with("Warning|1300|Invalid utf8mb3 character string: "), "{fresh}");
    assert_eq!(warned(&mut c, "SELECT id FROM t WHERE a = 'x'"), "");
    for _ in 0..2 {
        assert_eq!(warned(&mut c, "SELECT id FROM t WHERE a = 'x😀'"), fresh);
        assert_eq!(warned(&mut c, "SELECT id FROM t WHERE a = 'xä'"), "");
    }
    c.must("SET NAMES utf8mb4");
    assert_eq!(warned(&mut c, "SELECT id FROM t WHERE a = 'x😀'"), "");
}

#[test]
fn stored_rows_are_filtered_and_added_up_as_rows_are() {
    let (_server, mut c) = fresh();
    c.must("SET sql_mode = ''");
    c.must(
        "CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, i BIGINT, u BIGINT UNSIGNED, n DECIMAL(12,2), w DECIMAL(30,4), \
         d DATE, e DATE, s VARCHAR(20), PRIMARY KEY (a, b))",
    );
    c.must(
        "INSERT INTO t VALUES (1, 1, 5, 7, 1.50, 12345678901234567890.5, '2024-01-01', '2024-01-02', 'x'), \
         (1, 2, NULL, 18446744073709551615, -2.25, NULL, NULL, '2024-03-01', 'X'), \
         (2, 1, -9223372036854775808, 0, NULL, -1.25, '0000-00-00', NULL, NULL), \
         (2, 2, 9223372036854775807, 3, 9999999999.99, 1, '1999-12-31', '1999-12-31', 'y'), \
         (3, 7, 0, 1, 0, 99999999999999999999999999.9999, '2024-01-01', '2023-12-31', '')",
    );
    c.must("ALTER TABLE t ADD COLUMN late DECIMAL(9,3) NOT NULL DEFAULT 1.125");
    let sums = "COUNT(*), COUNT(i), COUNT(s), SUM(i), AVG(i), SUM(u), SUM(n), AVG(n), SUM(w), SUM(n * (1 - late)), \
         SUM(n * (1 - late) * (1 + late)), SUM(late), SUM(b + 1), SUM(b * 2 + a), MIN(s), MAX(d), COUNT(DISTINCT s)";
    let filters = [
        "TRUE",
        "a = 1",
        "a <> 2",
        "i < 5",
        "i >= -9223372036854775808",
        "u > 3",
        "n <= 1.5",
        "n > 1.499",
        "n = 0",
        "n BETWEEN -2.25 AND 1.5",
        "n NOT BETWEEN 0 AND 2",
        "d < '2024-01-01'",
        "d = DATE'2024-01-01'",
        "d < e",
        "e <= d",
        "d <> e",
        "5 >= i",
        "late = 1.125",
        "late > a",
        "i IS NULL OR n > 0",
        "s = 'x' AND n > 0",
        "w > 1 AND i > 0",
    ];
    for filter in filters {
        for groups in ["a", "a, b", "b, a", "b", "s", "d", "a + b", "1"] {
            let sql = |from: &str| {
                format!(
                    "SELECT {groups}, {sums} FROM {from} WHERE {filter} GROUP BY {groups} ORDER BY {groups}"
                )
            };
            let sql = |from: &str| {
                if groups == "1" { format!("SELECT {sums} FROM {from} WHERE {filter}") } else { sql(from) }
            };
            assert_eq!(c.run(&sql("t")), c.run(&sql("(SELECT * FROM t LIMIT 1000) t")), "{filter}, {groups}");
        }
    }
    let overflow = c.run("SELECT SUM(i + 1) FROM t");
    assert!(overflow.contains("1690"), "{overflow}");
}

#[test]
fn hash_joins_of_stored_rows_give_what_loops_over_rows_give() {
    let (_server, mut c) = fresh();
    for (table, rows) in [
        (
            "l",
            "(1, 1, 'xa', 1.50, '2024-01-01', 'a long text that is on the heap'), (2, 1, 'XA', NULL, NULL, NULL), \
             (3, NULL, NULL, -2, '2024-01-02', ''), (4, 7, 'xß', 1.5, '2024-01-01', 'another long text of that kind'), \
             (5, 3, '', 0, '1999-12-31', 'é'), (6, 9, 'y', 3.25, NULL, 'no partner has this row in any way')",
        ),
        (
            "r",
            "(1, 1, 'Xa', 1.50, NULL, 'the same key, again and again: a'), (2, 1, NULL, 1.51, '2024-01-01', 'b'), \
             (3, NULL, 'y ', -2.00, '2024-01-02', 'zaza'), (4, 3, 'xss', 0.00, '1999-12-31', NULL), \
             (5, 1, 'xa', 1.5, '2024-01-01', 'the same key, again and again: c'), (6, 7, '', NULL, NULL, 'aé')",
        ),
    ] {
        c.must(&format!(
            "CREATE TABLE {table} (id INT PRIMARY KEY, k BIGINT, s VARCHAR(20), n DECIMAL(8,2), d DATE, t VARCHAR(90))"
        ));
        c.must(&format!("INSERT INTO {table} VALUES {rows}"));
    }
    c.must("ALTER TABLE r ADD COLUMN late INT NOT NULL DEFAULT 7");
    let queries = [
        "SELECT COUNT(*), COUNT(r.s), SUM(l.id * 100 + r.id) FROM {l} JOIN {r} ON {on}",
        "SELECT r.t, r.late FROM {l} JOIN {r} ON {on} ORDER BY 1, 2",
        "SELECT l.id, r.t FROM {l} LEFT JOIN {r} ON {on} ORDER BY 1, 2",
        "SELECT l.t, r.id FROM {l} LEFT JOIN {r} ON {on} AND r.t LIKE '%a%' AND l.id < r.late ORDER BY 1, 2",
        "SELECT l.id FROM {l} LEFT JOIN {r} ON {on} WHERE r.id IS NULL ORDER BY 1",
        "SELECT l.id, l.t FROM {l} WHERE EXISTS (SELECT 1 FROM {r} WHERE {on}) ORDER BY 1",
        "SELECT l.id FROM {l} WHERE EXISTS (SELECT 1 FROM {r} WHERE {on} AND r.id > l.id) ORDER BY 1",
        "SELECT l.id, l.t FROM {l} WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE {on}) ORDER BY 1",
        "SELECT l.id FROM {l} WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE {on} AND r.t > l.t) ORDER BY 1",
        "SELECT l.id, SUBSTRING(r.t, 2, 3) FROM {l} JOIN {r} ON {on} WHERE LEFT(l.s, 1) = 'X' ORDER BY 1, 2",
        "SELECT a.id FROM {l} JOIN {r} ON {on} JOIN l a ON a.n = r.n AND a.t <> l.t ORDER BY 1",
    ];
    let conditions = [
        ("l.k = r.k", "l.k <= r.k AND l.k >= r.k"),
        ("l.s = r.s", "l.s <= r.s AND l.s >= r.s"),
        ("l.n = r.n", "l.n <= r.n AND l.n >= r.n"),
        ("l.d = r.d AND l.k = r.k", "l.d <= r.d AND l.d >= r.d AND l.k <= r.k AND l.k >= r.k"),
        ("l.k + 6 = r.late", "l.k + 6 <= r.late AND l.k + 6 >= r.late"),
        ("l.k <=> r.k", "(l.k <= r.k AND l.k >= r.k OR l.k IS NULL AND r.k IS NULL)"),
    ];
    for query in queries {
        let mut rows = 0;
        for (hashed, looped) in conditions {
            let sql =
                |l: &str, r: &str, on: &str| query.replace("{l}", l).replace("{r}", r).replace("{on}", on);
            let (l, r) = ("(SELECT * FROM l LIMIT 100) l", "(SELECT * FROM r LIMIT 100) r");
            let expected = c.run(&sql(l, r, looped));
            assert!(!expected.starts_with("error"), "{query}: {expected}");
            for (l, r) in [("l", "r"), (l, "r"), ("l", r), (l, r)] {
                assert_eq!(c.run(&sql(l, r, hashed)), expected, "{}", sql(l, r, hashed));
            }
            rows += expected.lines().count();
        }
        assert!(rows >= conditions.len(), "{query} gives rows");
    }
    for (at, on) in ["l.k = r.k", "l.k <= r.k AND l.k >= r.k"].into_iter().enumerate() {
        let tree = c.run(&format!("EXPLAIN FORMAT=TREE SELECT r.t FROM l JOIN r ON {on}"));
        assert_eq!(tree.contains("hash join"), at == 0, "{tree}");
    }
    // Entries of an index tell of rows that nobody reads, in subqueries that stay ones, too.
    c.must("ALTER TABLE r ADD INDEX by_k (k)");
    for (exists, rows) in [
        ("EXISTS (SELECT * FROM r WHERE r.k = l.k)", "1|2|4|5"),
        ("NOT EXISTS (SELECT * FROM r WHERE r.k = l.k)", "3|6"),
        ("EXISTS (SELECT * FROM r WHERE r.k = l.k AND r.t LIKE '%a%') OR l.id = 6", "1|2|4|6"),
        ("NOT EXISTS (SELECT * FROM r WHERE r.k = l.k) OR l.id = 1", "1|3|6"),
        ("EXISTS (SELECT t, MAX(id) FROM r WHERE r.k = l.k GROUP BY t) AND l.id > 1", "2|4|5"),
    ] {
        let sql = format!("SELECT GROUP_CONCAT(id ORDER BY id SEPARATOR '|') FROM l WHERE {exists}");
        assert_eq!(c.run(&sql).trim_end_matches('|'), rows, "{exists}");
    }
    // Subqueries whose rows are known, on stored rows and on others.
    for condition in [
        "l.k IN (SELECT k FROM r GROUP BY k HAVING COUNT(*) > 1)",
        "l.k NOT IN (SELECT k FROM r GROUP BY k HAVING COUNT(*) > 1)",
        "l.k NOT IN (SELECT k FROM r WHERE k IS NOT NULL GROUP BY k)",
        "(l.k IN (SELECT k FROM r GROUP BY k)) IS NULL",
        "l.k NOT IN (SELECT k FROM r WHERE id > 99 GROUP BY k)",
        "l.s IN (SELECT s FROM r GROUP BY s) AND SUBSTRING(l.s, 1, 1) IN ('x', 'y')",
        "SUBSTRING(l.s, 2) = 'SS' OR MID(l.t, 1, 4) = 'no p' OR LEFT(l.t, 0) = ''",
    ] {
        let sql = |from: &str| format!("SELECT id, t FROM {from} WHERE {condition} ORDER BY id");
        assert_eq!(c.run(&sql("l")), c.run(&sql("(SELECT * FROM l LIMIT 100) l")), "{condition}");
    }
}

#[test]
fn plans_know_how_many_keys_lie_in_a_range() {
    let (_server, mut c) = fresh();
    c.must("CREATE TABLE a (id INT PRIMARY KEY, kind INT, name VARCHAR(20), day DATE, KEY (kind), KEY (name), KEY (day))");
    c.must(
        "INSERT INTO a WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
         SELECT i, IF(i <= 3, 1, 2), CONCAT('n', i), '2020-01-01' + INTERVAL i DAY FROM n",
    );
    let mut rows = |condition: &str| {
        let tree = c.run(&format!("EXPLAIN FORMAT=TREE SELECT * FROM a WHERE {condition}"));
        let scan = tree.lines().find(|line| line.contains(" on a ")).unwrap_or_else(|| panic!("{tree}"));
        let found = scan.split(" rows=").nth(1).and_then(|rest| rest.split(')').next());
        let kind = if scan.contains("Table scan") { "table" } else { "index" };
        format!("{kind} {}", found.unwrap_or("?"))
    };
    assert_eq!(rows("id BETWEEN 3 AND 6"), "index 4");
    assert_eq!(rows("id > 895"), "index 5");
    assert_eq!(rows("id BETWEEN 5000 AND 6000"), "index 1");
    assert_eq!(rows("kind = 1"), "index 3");
    assert_eq!(rows("name LIKE 'n77%'"), "index 11");
    assert_eq!(rows("day BETWEEN '2020-01-05' AND '2020-01-11'"), "index 7");
    // Nearly all of the table: the index would fetch each row from elsewhere.
    for most in ["day > '2020-01-05'", "name LIKE 'n%'"] {
        assert!(rows(most).starts_with("table"), "{most}");
    }
    // Keys give numbers back, but of texts only their weights: the rows have to be read.
    assert!(c.run("EXPLAIN FORMAT=TREE SELECT kind FROM a").contains("Covering index scan on a using kind"));
    assert!(c.run("EXPLAIN FORMAT=TREE SELECT name FROM a").contains("Table scan on a"));
}
