//! SIGKILL under load: what was acknowledged is there after the restart, and nothing is there by half.
//!
//! Three kills in the suite; `AURORA_CRASH_KILLS=50 cargo nextest run --profile long -p aurora-tests crash` for a campaign.
//! `AURORA_CRASH_SEED` repeats the moments of another run.

use aurora_tests::AuroraServer;
use mysql::Conn;
use mysql::prelude::Queryable;
use std::collections::BTreeSet;
use std::time::Duration;

const WRITERS: usize = 4;

/// What one writer knows of its own rows.
#[derive(Default)]
struct Known {
    /// The number of the next row; every earlier one was sent.
    next: u64,
    single: BTreeSet<u64>,
    pairs: BTreeSet<u64>,
    /// Rows that were sent and never answered: they may be there or not.
    unsure: BTreeSet<u64>,
    /// The counter's value that was acknowledged, and the greatest one that was sent.
    counter: u64,
    counter_sent: u64,
}

impl Known {
    /// Writes until the server is gone.
    fn write(&mut self, writer: usize, conn: &mut Conn) {
        while self.step(writer, conn).is_ok() {}
    }

    fn step(&mut self, writer: usize, conn: &mut Conn) -> mysql::Result<()> {
        let n = self.next;
        self.next += 1;
        self.unsure.insert(n);
        match n % 3 {
            0 => {
                conn.exec_drop("INSERT INTO single VALUES (?, ?, REPEAT('x', ?))", (writer, n, n % 700))?;
                self.single.insert(n);
            }
            1 => {
                conn.query_drop("START TRANSACTION")?;
                conn.exec_drop("INSERT INTO left_half VALUES (?, ?)", (writer, n))?;
                conn.exec_drop("INSERT INTO right_half VALUES (?, ?)", (writer, n))?;
                conn.exec_drop("UPDATE balance SET amount = amount - 7 WHERE id = ?", (writer,))?;
                conn.exec_drop("UPDATE balance SET amount = amount + 7 WHERE id = ?", (writer + WRITERS,))?;
                conn.query_drop("COMMIT")?;
                self.pairs.insert(n);
            }
            _ => {
                self.counter_sent = n;
                conn.exec_drop("UPDATE counter SET n = ? WHERE writer = ?", (n, writer))?;
                assert_eq!(conn.affected_rows(), 1, "the counter of writer {writer}");
                self.counter = n;
            }
        }
        self.unsure.remove(&n);
        Ok(())
    }

    /// Compares with what the server has, and takes over what was unsure.
    fn check(&mut self, writer: usize, conn: &mut Conn) {
        let mut rows = |table: &str| -> BTreeSet<u64> {
            conn.query(format!("SELECT n FROM {table} WHERE writer = {writer}"))
                .expect("its rows")
                .into_iter()
                .collect()
        };
        let (single, left, right) = (rows("single"), rows("left_half"), rows("right_half"));
        for (what, acknowledged, there) in [("row", &self.single, &single), ("pair", &self.pairs, &left)] {
            let lost: Vec<&u64> = acknowledged.difference(there).collect();
            assert!(lost.is_empty(), "writer {writer}: acknowledged and lost, {what}: {lost:?}");
            let strange: Vec<&u64> =
                there.difference(acknowledged).filter(|n| !self.unsure.contains(n)).collect();
            assert!(strange.is_empty(), "writer {writer}: nobody wrote {what} {strange:?}");
        }
        assert_eq!(left, right, "writer {writer}: half of a transaction");
        let lengths: Vec<(u64, u64)> = conn
            .query(format!(
                "SELECT n, LENGTH(v) FROM single WHERE writer = {writer} AND LENGTH(v) <> n % 700"
            ))
            .expect("lengths");
        assert!(lengths.is_empty(), "writer {writer}: values cut: {lengths:?}");
        let sums: Vec<i64> = conn
            .query(format!("SELECT SUM(amount) FROM balance WHERE id IN ({writer}, {})", writer + WRITERS))
            .expect("the sum");
        assert_eq!(sums, [2000], "writer {writer}: money was made or lost");
        let moved: i64 = conn
            .query_first(format!("SELECT amount FROM balance WHERE id = {writer}"))
            .expect("a balance")
            .expect("its row");
        assert_eq!(moved, 1000 - 7 * left.len() as i64, "writer {writer}: balance and pairs differ");
        let counter: u64 = conn
            .query_first(format!("SELECT n FROM counter WHERE writer = {writer}"))
            .expect("a counter")
            .expect("its row");
        assert!(
            counter == self.counter || counter == self.counter_sent,
            "writer {writer}: the counter is {counter}, acknowledged {}, sent {}",
            self.counter,
            self.counter_sent
        );
        self.counter = counter;
        self.single = single;
        self.pairs = left;
        self.unsure.clear();
    }
}

/// Numbers for the moments of the kills; any generator will do.
struct Moments(u64);

impl Moments {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

#[test]
fn acknowledged_rows_survive_sigkill() {
    let kills = number_of("AURORA_CRASH_KILLS").unwrap_or(3);
    let seed = number_of("AURORA_CRASH_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |since| since.as_micros() as u64)
    });
    println!("{kills} kills, AURORA_CRASH_SEED={seed}");
    let mut moments = Moments(seed);
    let mut server = AuroraServer::start();
    let mut conn = server.connect();
    for sql in [
        "CREATE DATABASE crash",
        "USE crash",
        "CREATE TABLE single (writer INT, n BIGINT, v TEXT, PRIMARY KEY (writer, n))",
        "CREATE TABLE left_half (writer INT, n BIGINT, PRIMARY KEY (writer, n))",
        "CREATE TABLE right_half (writer INT, n BIGINT, PRIMARY KEY (writer, n), KEY (n))",
        "CREATE TABLE counter (writer INT PRIMARY KEY, n BIGINT NOT NULL)",
        "CREATE TABLE balance (id INT PRIMARY KEY, amount BIGINT NOT NULL)",
    ] {
        conn.query_drop(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for writer in 0..WRITERS {
        conn.exec_drop("INSERT INTO counter VALUES (?, 0)", (writer,)).expect("a counter");
        for id in [writer, writer + WRITERS] {
            conn.exec_drop("INSERT INTO balance VALUES (?, 1000)", (id,)).expect("a balance");
        }
    }
    drop(conn);
    let mut known: Vec<Known> = (0..WRITERS).map(|_| Known::default()).collect();
    for kill in 0..kills {
        std::thread::scope(|scope| {
            for (writer, known) in known.iter_mut().enumerate() {
                let mut conn = server.connect();
                conn.query_drop("USE crash").expect("the database");
                scope.spawn(move || known.write(writer, &mut conn));
            }
            std::thread::sleep(Duration::from_millis(50 + moments.below(900)));
            server.kill();
        });
        // Every other time the recovery is killed as well.
        if kill % 2 == 1 {
            server.restart_and_kill_after(Duration::from_millis(moments.below(150)));
        }
        server.restart();
        let mut conn = server.connect();
        conn.query_drop("USE crash").expect("the database");
        for (writer, known) in known.iter_mut().enumerate() {
            known.check(writer, &mut conn);
        }
        let rows: usize = known.iter().map(|known| known.single.len() + known.pairs.len()).sum();
        println!("kill {}: {rows} acknowledged rows and pairs are there", kill + 1);
        assert!(rows > 0, "the writers wrote nothing");
    }
    assert_eq!(server.stop(), 0, "a clean end");
}
