//! YCSB's core works A to F: 1 kB rows of ten fields, zipfian keys, prepared statements.

use super::{Goal, Metric, Round, Workload};
use crate::bench::Setting;
use crate::bench::client::{Client, ClientError, Prepared, Value};
use crate::bench::drive::{self, Clients};
use crate::bench::kind::{Kind, Table};
use crate::bench::random::Random;
use crate::bench::side::Side;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const CLIENTS: usize = 16;
const FIELDS: usize = 10;
const FIELD_BYTES: usize = 100;
const SCAN_MAX: u32 = 100;
const THETA: f64 = 0.99;
const TABLE: &str = "usertable";

/// Shares in percent.
struct Mix {
    name: &'static str,
    about: &'static str,
    read: u32,
    update: u32,
    insert: u32,
    scan: u32,
    /// The rest: read, change, write back. New rows are read most where `latest`.
    latest: bool,
}

const fn mix(name: &'static str, about: &'static str, shares: [u32; 4], latest: bool) -> Mix {
    let [read, update, insert, scan] = shares;
    Mix { name, about, read, update, insert, scan, latest }
}

const MIXES: [Mix; 6] = [
    mix("ycsb-a", "half reads, half updates", [50, 50, 0, 0], false),
    mix("ycsb-b", "95% reads, 5% updates", [95, 5, 0, 0], false),
    mix("ycsb-c", "reads", [100, 0, 0, 0], false),
    mix("ycsb-f", "half reads, half read-modify-writes", [50, 0, 0, 0], false),
    mix("ycsb-d", "95% reads of the latest rows, 5% inserts", [95, 0, 5, 0], true),
    mix("ycsb-e", "95% scans of up to 100 rows, 5% inserts", [0, 0, 5, 95], false),
];

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    MIXES
        .into_iter()
        .map(|mix| Box::new(Ycsb { mix, inserted: Mutex::default() }) as Box<dyn Workload>)
        .collect()
}

struct Ycsb {
    mix: Mix,
    /// By side: the numbers given to new rows so far, and how many of them were acknowledged.
    inserted: Mutex<HashMap<String, (u64, u64)>>,
}

/// Draws numbers below `count`, small ones most (Gray and others, SIGMOD 1994).
#[derive(Clone, Copy)]
struct Zipf {
    count: f64,
    zeta: f64,
    eta: f64,
}

impl Zipf {
    fn new(count: u64) -> Zipf {
        let zeta = |count: u64| (1..=count).map(|at| (at as f64).powf(-THETA)).sum::<f64>();
        let total = zeta(count.max(2));
        let eta = (1.0 - (2.0 / count.max(2) as f64).powf(1.0 - THETA)) / (1.0 - zeta(2) / total);
        Zipf { count: count.max(2) as f64, zeta: total, eta }
    }

    fn draw(self, random: &mut Random) -> u64 {
        let unit = random.unit();
        let scaled = unit * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5f64.powf(THETA) {
            return 1;
        }
        let at = self.count * (self.eta * unit - self.eta + 1.0).powf(1.0 / (1.0 - THETA));
        (at as u64).min(self.count as u64 - 1)
    }
}

fn scrambled(number: u64) -> u64 {
    Random(number).next()
}

fn key(number: u64) -> String {
    format!("user{:020}", scrambled(number))
}

fn field(random: &mut Random) -> String {
    let mut text = String::with_capacity(FIELD_BYTES + 12);
    while text.len() < FIELD_BYTES {
        text.push_str(&format!("{:x}", random.next()));
    }
    text.truncate(FIELD_BYTES);
    text
}

fn load(side: &mut Side, setting: &Setting) -> Result<(), String> {
    let rows = u64::from(setting.rows);
    side.load_once(TABLE, |side| {
        let names: Vec<String> = (0..FIELDS).map(|at| format!("field{at}")).collect();
        let mut columns = vec![("ycsb_key", "VARCHAR(64) NOT NULL")];
        columns.extend(names.iter().map(|name| (name.as_str(), "VARCHAR(100)")));
        let table = Table { name: TABLE, columns: &columns, key: &["ycsb_key"], indexes: &[], foreign: &[] };
        let mut client = side.connect()?;
        side.make_table(&mut client, &table)?;
        let row = |number: u64| {
            let random = &mut Random(number);
            let fields: Vec<String> = (0..FIELDS).map(|_| format!("'{}'", field(random))).collect();
            format!("('{}',{})", key(number), fields.join(","))
        };
        client.insert(TABLE, (0..rows).map(row))?;
        if let Some(sql) = side.kind.analyze(TABLE) {
            client.query(&sql)?;
        }
        Ok(())
    })
}

struct State {
    client: Client,
    read: Prepared,
    updates: Vec<Prepared>,
    insert: Prepared,
    scan: Prepared,
    salt: u64,
}

impl State {
    fn open(mut client: Client, salt: u64) -> Result<State, String> {
        let marks = ["?"; FIELDS + 1].join(", ");
        let updates = (0..FIELDS)
            .map(|at| client.prepare(&format!("UPDATE {TABLE} SET field{at} = ? WHERE ycsb_key = ?")))
            .collect::<Result<Vec<_>, ClientError>>()?;
        Ok(State {
            read: client.prepare(&format!("SELECT * FROM {TABLE} WHERE ycsb_key = ?"))?,
            insert: client.prepare(&format!("INSERT INTO {TABLE} VALUES ({marks})"))?,
            scan: client
                .prepare(&format!("SELECT * FROM {TABLE} WHERE ycsb_key >= ? ORDER BY ycsb_key LIMIT ?"))?,
            updates,
            salt,
            client,
        })
    }

    /// A value that no other work has written: what an UPDATE does not change, MySQL does not count.
    fn fresh(&self, random: &mut Random) -> String {
        field(&mut Random(random.next() ^ self.salt))
    }

    fn read(&mut self, number: u64) -> Result<u64, ClientError> {
        self.client.count(&self.read, &[key(number).into()])
    }

    fn update(&mut self, random: &mut Random, number: u64) -> Result<(), ClientError> {
        let at = (random.next() % FIELDS as u64) as usize;
        let statement = self.updates.get(at).ok_or_else(|| ClientError::new("not prepared"))?;
        match self.client.execute(statement, &[self.fresh(random).into(), key(number).into()])? {
            1 => Ok(()),
            other => Err(ClientError::new(format!("WRONG: an UPDATE by key changed {other} rows"))),
        }
    }
}

impl Workload for Ycsb {
    fn name(&self) -> &str {
        self.mix.name
    }

    fn about(&self) -> String {
        format!("YCSB: {}; 1 kB rows, zipfian keys, {CLIENTS} clients", self.mix.about)
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = drive::metrics("operation");
        if let Some(throughput) = all.first_mut() {
            let goal = if self.mix.update > 0 { 3.0 } else { 1.6 };
            throughput.goals = vec![(Some(Kind::Mysql), Goal::Ratio(goal))];
        }
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "made for analytics, one writer at a time".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        load(side, setting)
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let rows = u64::from(setting.rows);
        let zipf = Zipf::new(rows);
        let salt = self.mix.name.bytes().fold(1, |salt, byte| scrambled(salt ^ u64::from(byte)));
        let (given, _) = {
            let inserted = self.inserted.lock().unwrap_or_else(PoisonError::into_inner);
            inserted.get(&side.name).copied().unwrap_or_default()
        };
        let (next, acknowledged) = (AtomicU64::new(rows + given), AtomicU64::new(0));
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(CLIENTS),
            |client, _| State::open(client, salt),
            |state, random, _| {
                let drawn = zipf.draw(random);
                let number = if self.mix.latest {
                    next.load(Ordering::Relaxed).saturating_sub(1 + drawn)
                } else {
                    scrambled(drawn) % rows
                };
                let mut at = random.id(100);
                for (share, what) in
                    [self.mix.read, self.mix.update, self.mix.insert, self.mix.scan].into_iter().zip(0..)
                {
                    if at > share {
                        at -= share;
                        continue;
                    }
                    match what {
                        0 => {
                            let found = state.read(number)?;
                            // A new row may still be on its way.
                            if found != 1 && number < rows {
                                return Err(ClientError::new(format!("WRONG: a row came {found} times")));
                            }
                        }
                        1 => state.update(random, number)?,
                        2 => {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let mut values = vec![Value::from(key(number))];
                            values.extend((0..FIELDS).map(|_| Value::from(field(random))));
                            state.client.execute(&state.insert, &values)?;
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => {
                            let count = random.id(SCAN_MAX);
                            state.client.count(&state.scan, &[key(number).into(), count.into()])?;
                        }
                    }
                    return Ok(0);
                }
                state.read(number)?;
                state.update(random, number)?;
                Ok(0)
            },
        )?;
        let mut inserted = self.inserted.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inserted.entry(side.name.clone()).or_default();
        *entry = (next.into_inner() - rows, entry.1 + acknowledged.into_inner());
        Ok(load.round())
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let inserted = self.inserted.lock().unwrap_or_else(PoisonError::into_inner);
        let more = inserted.get(&side.name).map_or(0, |(_, acknowledged)| *acknowledged);
        let expected = f64::from(setting.rows) + more as f64;
        let found = side.connect()?.number(&format!("SELECT COUNT(*) FROM {TABLE}"))?;
        if found != expected {
            return Err(format!("{found} rows were found, {expected} acknowledged"));
        }
        Ok(format!("{found} rows, as acknowledged"))
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        if self.mix.insert > 0 {
            side.forget(TABLE);
            self.inserted.lock().unwrap_or_else(PoisonError::into_inner).remove(&side.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_drawn_most() {
        let (zipf, random) = (Zipf::new(1_000), &mut Random(1));
        let draws: Vec<u64> = (0..20_000).map(|_| zipf.draw(random)).collect();
        assert!(draws.iter().all(|draw| *draw < 1_000));
        let share = draws.iter().filter(|draw| **draw == 0).count() as f64 / 20_000.0;
        assert!((0.10..0.17).contains(&share), "{share}");
    }

    #[test]
    fn rows_have_their_size() {
        assert_eq!((field(&mut Random(3)).len(), key(1).len()), (FIELD_BYTES, 24));
        for mix in MIXES {
            let sum = mix.read + mix.update + mix.insert + mix.scan;
            assert!(sum == 100 || (mix.name == "ycsb-f" && sum == 50), "{}", mix.name);
        }
    }
}
