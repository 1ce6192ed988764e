//! Statements whose rows do not fit in memory give what they give when they do, in the same order.

use aurora_catalog::Catalog;
use aurora_env::{Env, KillFlag, PlainSealing, RealEnv, ThreadWaiter};
use aurora_security::{AccountSettings, Accounts, HashParams};
use aurora_session::{ServerFacts, Session, SessionInit, SessionShared};
use aurora_txn::{MemoryStore, TxnManager, TxnOptions};
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlResult, StatementStatus, ValueRef, display};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Default)]
struct Texts {
    types: Vec<ColumnMeta>,
    rows: Vec<String>,
}

impl RowSink for Texts {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.types = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        let mut row = Vec::new();
        for (cell, column) in cells.iter().zip(&self.types) {
            display::write_text(*cell, &column.ty, &mut row);
            row.push(b'|');
        }
        self.rows.push(String::from_utf8_lossy(&row).into_owned());
        Ok(false)
    }

    fn end(&mut self, _: &StatementStatus) -> SqlResult<()> {
        Ok(())
    }
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn session(budget: Option<(&Path, usize)>) -> Session {
    let env: Env = RealEnv::new();
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
    if let Some((dir, bytes)) = budget {
        let sealing = Arc::new(PlainSealing::new([7; 16], env.entropy.clone()));
        shared.spill_to(dir, bytes, &env, sealing).expect("a folder");
    }
    let init = SessionInit {
        connection_id: 1,
        user: "root".into(),
        client_host: "localhost".into(),
        account: ("root".into(), "localhost".into()),
        collation: CollationId::UTF8MB4_0900_AI_CI,
        database: None,
        found_rows: false,
        multi_statements: true,
        local_infile: false,
        interactive: false,
        tls: None,
        password_expired: false,
        kill: Arc::new(KillFlag::new()),
    };
    Session::new(Arc::new(shared), init).expect("a session")
}

fn run(session: &mut Session, sql: &str) -> Vec<String> {
    let mut sink = Texts::default();
    let reply = session.execute(sql.as_bytes(), &mut sink).unwrap_or_else(|error| panic!("{sql}: {error}"));
    if let Some(ticket) = reply.ticket {
        ticket.wait(&ThreadWaiter).expect("durable");
    }
    sink.rows
}

/// Two tables of random rows with few and many equal values, NULLs and long texts.
fn tables(seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut out = vec!["CREATE DATABASE d".to_owned(), "USE d".to_owned()];
    for table in ["a", "b"] {
        out.push(format!(
            "CREATE TABLE {table} (id INT PRIMARY KEY, few INT, many INT, s VARCHAR(200), d DECIMAL(12,3))"
        ));
        for chunk in 0..6 {
            let rows: Vec<String> = (0..100)
                .map(|i| {
                    let null = |text: String, r: u64| if r == 0 { "NULL".to_owned() } else { text };
                    let few = null(random(9).to_string(), random(12));
                    let many = null(random(250).to_string(), random(20));
                    let word = ["x", "X", "yy", "zeta"][random(4) as usize].repeat(random(30) as usize);
                    let text = null(format!("'{word}'"), random(15));
                    format!("({}, {few}, {many}, {text}, {}.{})", chunk * 100 + i, random(50), random(10))
                })
                .collect();
            out.push(format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
        }
    }
    out
}

const QUERIES: &[&str] = &[
    "SELECT * FROM a ORDER BY s, d DESC",
    "SELECT id, s FROM a ORDER BY few",
    "SELECT id, s FROM a ORDER BY many DESC LIMIT 70000 OFFSET 5",
    "SELECT id, s FROM a ORDER BY s DESC LIMIT 300 OFFSET 20",
    "SELECT DISTINCT few, s FROM a",
    "SELECT DISTINCT many FROM a ORDER BY many",
    "SELECT many, COUNT(*), SUM(d), MIN(s), GROUP_CONCAT(id) FROM a GROUP BY many",
    "SELECT s, COUNT(DISTINCT many), AVG(d) FROM a GROUP BY s",
    "SELECT few, many, GROUP_CONCAT(s ORDER BY id SEPARATOR '/') FROM a GROUP BY few, many",
    "SELECT COUNT(*), SUM(d), COUNT(DISTINCT s) FROM a",
    "SELECT a.id, b.id, a.s FROM a JOIN b ON a.many = b.many",
    "SELECT a.id, b.id FROM a LEFT JOIN b ON a.many = b.many AND a.d < b.d",
    "SELECT a.id, b.id FROM a LEFT JOIN b ON a.few <=> b.few AND b.id < 40",
    "SELECT a.id, b.id FROM a JOIN b ON a.s = b.s WHERE a.few = 3",
    "SELECT id FROM a WHERE many IN (SELECT many FROM b WHERE few > 4)",
    "SELECT id FROM a WHERE many NOT IN (SELECT many FROM b WHERE many IS NOT NULL AND few = 2)",
    "SELECT id FROM a WHERE many NOT IN (SELECT many FROM b)",
    "SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.many = a.many AND b.few = 1)",
    "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.s = a.s AND b.d > a.d)",
    "SELECT x.many, y.n FROM a x JOIN (SELECT many, COUNT(*) n FROM b GROUP BY many) y ON x.many = y.many ORDER BY y.n, x.id",
    "SELECT id, (SELECT COUNT(*) FROM b JOIN a z ON z.many = b.many WHERE b.few = a.few) n FROM a ORDER BY n, id LIMIT 50",
    "SELECT s FROM a UNION SELECT s FROM b",
    // Columns that only a filter, a key or a join's condition reads.
    "SELECT COUNT(*) FROM a JOIN b ON a.many = b.many",
    "SELECT a.few, COUNT(b.id) n FROM a LEFT JOIN b ON a.many = b.many AND b.s NOT LIKE '%x%' GROUP BY a.few",
    "SELECT a.id, b.d FROM a JOIN b ON a.many = b.many WHERE b.s > 'x' AND a.s <> b.s",
    "SELECT b.s, a.s FROM a JOIN b ON a.many + 1 = b.many AND a.few < b.few",
    "SELECT a.id FROM a LEFT JOIN b ON b.many = a.many AND b.few = 3 WHERE b.id IS NULL AND a.s LIKE 'y%'",
    "SELECT a.d FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.many = a.many AND b.few > a.few)",
    "SELECT x.id, z.d FROM a x JOIN b y ON x.many = y.many JOIN a z ON z.few = y.few WHERE y.id < 30 AND z.id < 90",
    "SELECT t.few FROM (SELECT a.*, b.d bd FROM a JOIN b ON a.many = b.many ORDER BY b.s, a.id, b.id LIMIT 200) t",
    "SELECT SUBSTRING(s, 2, 3) p, LEFT(s, 1) q, COUNT(*) FROM a WHERE SUBSTRING(s, 1, 2) IN ('xx', 'YY') GROUP BY p, q",
];

#[test]
fn what_does_not_fit_in_memory_gives_the_same() {
    for seed in 1..=3 {
        let folder = Folder(std::env::temp_dir().join(format!("aurora-spill-{}-{seed}", std::process::id())));
        std::fs::create_dir_all(&folder.0).expect("a folder");
        std::fs::write(folder.0.join("spill-9"), b"left by a crash").expect("a leftover");
        let mut roomy = session(None);
        // Some thousand bytes: partitions are divided again, and runs are many.
        let mut tight = session(Some((&folder.0, [700, 4_000, 20_000][seed as usize - 1])));
        let entries = || RealEnv::new().fs.list(&folder.0).expect("names").len();
        assert_eq!(entries(), 0, "a leftover stays");
        for sql in tables(seed) {
            run(&mut roomy, &sql);
            run(&mut tight, &sql);
        }
        for sql in QUERIES {
            let (expected, found) = (run(&mut roomy, sql), run(&mut tight, sql));
            assert!(!expected.is_empty() || sql.contains("NOT IN"), "{sql}");
            assert_eq!(expected.len(), found.len(), "rows of {sql} (seed {seed})");
            assert_eq!(expected, found, "{sql} (seed {seed})");
            assert_eq!(entries(), 0, "a file stays behind {sql}");
        }
        // That files are written is seen where none can be.
        std::fs::remove_dir_all(&folder.0).expect("the folder goes");
        for sql in QUERIES.iter().filter(|sql| {
            ["ORDER BY s", "SELECT DISTINCT", "GROUP BY many", "JOIN b ON a.many"]
                .iter()
                .any(|part| sql.contains(part))
        }) {
            let answer = tight.execute(sql.as_bytes(), &mut Texts::default());
            let error = answer.err().unwrap_or_else(|| panic!("{sql} writes no file"));
            assert_eq!(error.code, 1026, "{sql}: {error}");
        }
    }
}
