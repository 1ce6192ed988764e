//! The works: what is done to a store, and how it is timed. Shapes of db_bench and YCSB.

use super::api::{Engine, Kind, Reader, Writes};
use super::data::{self, Random, Values, Zipf, key};
use crate::bench::{interrupted, process};
use hdrhistogram::Histogram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Records of one commit of a bulk work.
const BATCH: usize = 100;
/// Pairs of a db_bench scan.
const SCAN: usize = 100;
/// Longest YCSB scan.
const SCAN_YCSB_MAX: u64 = 100;
/// Records that `churn` keeps alive per thread.
const CHURN_ALIVE: u64 = 1000;
/// Where the records of `churn` begin: above all others.
const CHURN_FIRST: u64 = 1 << 40;

pub const THREADS_MAX: usize = 64;

/// One row's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Fill,
    Overwrite,
    ReadHit,
    ReadMiss,
    Scan,
    Update,
    Churn,
    YcsbA,
    YcsbB,
    YcsbD,
    YcsbE,
    YcsbF,
    Durable(usize),
}

impl Work {
    pub const ALL: [Work; 16] = [
        Work::Fill,
        Work::Overwrite,
        Work::ReadHit,
        Work::ReadMiss,
        Work::Scan,
        Work::Update,
        Work::Churn,
        Work::YcsbA,
        Work::YcsbB,
        Work::YcsbD,
        Work::YcsbE,
        Work::YcsbF,
        Work::Durable(1),
        Work::Durable(4),
        Work::Durable(16),
        Work::Durable(64),
    ];

    pub fn name(self) -> String {
        match self {
            Work::Fill => "fill".into(),
            Work::Overwrite => "overwrite".into(),
            Work::ReadHit => "read-hit".into(),
            Work::ReadMiss => "read-miss".into(),
            Work::Scan => "scan".into(),
            Work::Update => "update".into(),
            Work::Churn => "churn".into(),
            Work::YcsbA => "ycsb-a".into(),
            Work::YcsbB => "ycsb-b".into(),
            Work::YcsbD => "ycsb-d".into(),
            Work::YcsbE => "ycsb-e".into(),
            Work::YcsbF => "ycsb-f".into(),
            Work::Durable(threads) => format!("durable-{threads}"),
        }
    }

    pub fn what(self) -> &'static str {
        match self {
            Work::Fill => "new records in random order, 100 a commit, until settled",
            Work::Overwrite => "each record written again in random order, 100 a commit, until settled",
            Work::ReadHit => "random records that are there",
            Work::ReadMiss => "keys between them that are not there",
            Work::Scan => "a seek and 100 records",
            Work::Update => "random records written again, one a commit, until settled",
            Work::Churn => "a new record and the delete of an older one in a commit, until settled",
            Work::YcsbA => "half reads, half updates, zipfian",
            Work::YcsbB => "95 % reads, 5 % updates, zipfian",
            Work::YcsbD => "95 % reads of the latest, 5 % inserts",
            Work::YcsbE => "95 % scans of up to 100 records, 5 % inserts, zipfian",
            Work::YcsbF => "half reads, half read-modify-writes, zipfian",
            Work::Durable(_) => "random records written again, one a commit, on disk before it returns",
        }
    }

    pub fn parse(text: &str) -> Result<Work, String> {
        let found = Work::ALL.into_iter().find(|work| work.name() == text);
        found.ok_or_else(|| {
            let names = Work::ALL.map(Work::name);
            format!("unknown work; known: {}", names.join(", "))
        })
    }

    /// Part of filling a store anew.
    pub fn is_bulk(self) -> bool {
        matches!(self, Work::Fill | Work::Overwrite)
    }

    fn writes(self) -> bool {
        !matches!(self, Work::ReadHit | Work::ReadMiss | Work::Scan | Work::Durable(_))
    }
}

/// What is the same for all stores of one size.
pub struct Setting {
    pub records: u64,
    pub values: Values,
    pub zipf: Zipf,
    pub threads: usize,
    pub seconds: f64,
}

/// One engine's store.
pub struct Store {
    pub kind: Kind,
    pub dir: PathBuf,
    pub engine: Box<dyn Engine>,
    /// Number of the next new record.
    next: AtomicU64,
    /// By thread: a number not above that of the record that it inserts just now; `u64::MAX`: none.
    inserting: [AtomicU64; THREADS_MAX],
    churned: AtomicU64,
}

/// What a measured run gave.
pub struct Outcome {
    pub operations: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    /// Nanoseconds of each operation.
    pub latency: Histogram<u64>,
    pub user_bytes: u64,
    pub device_bytes: u64,
}

/// Up to a minute at three digits.
fn histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(|error| error.to_string())
}

/// One thread of a work.
struct Client<'a> {
    store: &'a Store,
    setting: &'a Setting,
    thread: usize,
    random: Random,
    writes: Writes,
    user_bytes: u64,
}

impl Store {
    pub fn new(kind: Kind, dir: PathBuf, engine: Box<dyn Engine>) -> Store {
        Store {
            kind,
            dir,
            engine,
            next: AtomicU64::new(0),
            inserting: [const { AtomicU64::new(u64::MAX) }; THREADS_MAX],
            churned: AtomicU64::new(0),
        }
    }

    /// Runs `work` once, for `seconds` where it has no end of its own. `seed` differs by round and is the same for
    /// all engines.
    pub fn run(&self, work: Work, setting: &Setting, seconds: f64, seed: u64) -> Result<Outcome, String> {
        let threads = match work {
            Work::Durable(threads) => threads,
            _ => setting.threads,
        };
        let order = if work.is_bulk() { data::shuffled(setting.records, seed) } else { Vec::new() };
        let share = order.len().div_ceil(threads).max(1);
        let before = self.usage()?;
        let start = Instant::now();
        let ends = start + Duration::from_secs_f64(seconds);
        let results: Vec<Result<(Histogram<u64>, u64), String>> = std::thread::scope(|scope| {
            let mut shares = order.chunks(share);
            let handles: Vec<_> = (0..threads)
                .map(|thread| {
                    let part = shares.next().unwrap_or_default();
                    scope.spawn(move || {
                        let mut client = self.client(setting, thread, seed);
                        let latency = match work.is_bulk() {
                            true => client.bulk(part)?,
                            false => client.timed(work, ends)?,
                        };
                        Ok((latency, client.user_bytes))
                    })
                })
                .collect();
            let ended = |handle: std::thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|_| Err("a client has panicked".to_string()))
            };
            handles.into_iter().map(ended).collect()
        });
        let worked = Instant::now();
        let (mut latency, mut user_bytes) = (histogram()?, 0);
        for result in results {
            let (part, bytes) = result?;
            latency.add(part).map_err(|error| error.to_string())?;
            user_bytes += bytes;
        }
        let settled = if work.writes() { self.engine.settle()? } else { worked };
        let after = self.usage()?;
        if work == Work::Fill {
            self.next.store(setting.records, Ordering::Relaxed);
        }
        Ok(Outcome {
            operations: if work.is_bulk() { setting.records } else { latency.len() },
            seconds: (settled - start).as_secs_f64(),
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            latency,
            user_bytes,
            device_bytes: after.written_bytes.saturating_sub(before.written_bytes),
        })
    }

    /// Of this process, and what the disk below the store has written: one store works at a time.
    fn usage(&self) -> Result<process::Usage, String> {
        let mut usage = process::usage(std::process::id())?;
        if let Some(bytes) = process::device_written_bytes(&self.dir) {
            usage.written_bytes = bytes;
        }
        Ok(usage)
    }

    fn client<'a>(&'a self, setting: &'a Setting, thread: usize, seed: u64) -> Client<'a> {
        let random = Random::new(seed.wrapping_mul(1009).wrapping_add(thread as u64));
        Client { store: self, setting, thread, random, writes: Writes::default(), user_bytes: 0 }
    }
}

impl Client<'_> {
    fn bulk(&mut self, order: &[u64]) -> Result<Histogram<u64>, String> {
        let mut latency = histogram()?;
        let mut last = Instant::now();
        for part in order.chunks(BATCH) {
            if interrupted() {
                return Err("interrupted".into());
            }
            self.writes.clear();
            part.iter().for_each(|&record| self.add(record));
            self.commit(false)?;
            record_since(&mut latency, &mut last);
        }
        Ok(latency)
    }

    /// Operations one after the other until the time is over. Each is timed from the end of the one before: a pause
    /// between them belongs to somebody.
    fn timed(&mut self, work: Work, ends: Instant) -> Result<Histogram<u64>, String> {
        let mut latency = histogram()?;
        let store = self.store;
        let mut reader = store.engine.reader()?;
        let mut last = Instant::now();
        // Once at least, however late the thread was let run.
        loop {
            self.operation(work, reader.as_mut())?;
            record_since(&mut latency, &mut last);
            if interrupted() {
                return Err("interrupted".into());
            }
            if last >= ends {
                return Ok(latency);
            }
        }
    }

    fn operation(&mut self, work: Work, reader: &mut dyn Reader) -> Result<(), String> {
        let records = self.setting.records;
        match work {
            Work::ReadHit => {
                let record = self.random.below(records);
                self.read(reader, record)
            }
            Work::ReadMiss => {
                let record = self.random.below(records);
                match reader.get(&key(record, false), &mut |_| {})? {
                    false => Ok(()),
                    true => Err(format!("a record was found that was never written ({record})")),
                }
            }
            Work::Scan => {
                let record = self.random.below(records);
                self.scan(reader, record, SCAN)
            }
            Work::Update => {
                let record = self.random.below(records);
                self.update(record, false)
            }
            Work::Durable(_) => {
                let record = self.random.below(records);
                self.update(record, true)
            }
            Work::Churn => self.churn(),
            Work::YcsbA => self.read_or_update(reader, 50),
            Work::YcsbB => self.read_or_update(reader, 95),
            Work::YcsbD => {
                if self.random.below(100) < 5 {
                    return self.insert();
                }
                let newest = self.committed();
                reader.refresh()?;
                let back = self.setting.zipf.rank(&mut self.random).min(newest - 1);
                self.read(reader, newest - 1 - back)
            }
            Work::YcsbE => {
                if self.random.below(100) < 5 {
                    return self.insert();
                }
                reader.refresh()?;
                let record = self.setting.zipf.record(&mut self.random);
                let limit = 1 + self.random.below(SCAN_YCSB_MAX);
                self.scan(reader, record, limit as usize)
            }
            Work::YcsbF => {
                reader.refresh()?;
                let record = self.setting.zipf.record(&mut self.random);
                self.read(reader, record)?;
                if self.random.below(2) == 0 { self.update(record, false) } else { Ok(()) }
            }
            Work::Fill | Work::Overwrite => Err("a bulk work has no single operations".into()),
        }
    }

    fn read_or_update(&mut self, reader: &mut dyn Reader, percent_reads: u64) -> Result<(), String> {
        let record = self.setting.zipf.record(&mut self.random);
        if self.random.below(100) < percent_reads {
            reader.refresh()?;
            self.read(reader, record)
        } else {
            self.update(record, false)
        }
    }

    /// Reads a record that must be there, and checks that it is what was written.
    fn read(&self, reader: &mut dyn Reader, record: u64) -> Result<(), String> {
        let mut fits = false;
        let found =
            reader.get(&key(record, true), &mut |value| fits = self.setting.values.fits(record, value))?;
        match (found, fits) {
            (true, true) => Ok(()),
            (true, false) => Err(format!("record {record} came back changed")),
            (false, _) => Err(format!("record {record} is lost")),
        }
    }

    fn scan(&self, reader: &mut dyn Reader, record: u64, limit: usize) -> Result<(), String> {
        let mut wrong = 0;
        let count = reader.scan(&key(record, true), limit, &mut |key, value| {
            let record = key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            wrong += usize::from(!record.is_some_and(|record| self.setting.values.fits(record, value)));
        })?;
        match (count, wrong) {
            (0, _) => Err(format!("a scan from record {record} found nothing")),
            (_, 0) => Ok(()),
            _ => Err(format!("a scan from record {record} found {wrong} changed records")),
        }
    }

    fn add(&mut self, record: u64) {
        let (values, random) = (&self.setting.values, &mut self.random);
        self.writes.put(key(record, true), |out| values.append(record, random, out));
    }

    fn commit(&mut self, durable: bool) -> Result<(), String> {
        self.user_bytes += self.writes.user_bytes();
        self.store.engine.write(&self.writes, durable)
    }

    fn update(&mut self, record: u64, durable: bool) -> Result<(), String> {
        self.writes.clear();
        self.add(record);
        self.commit(durable)
    }

    fn insert(&mut self) -> Result<(), String> {
        let store = self.store;
        let inserting = &store.inserting[self.thread % THREADS_MAX];
        inserting.store(store.next.load(Ordering::SeqCst), Ordering::SeqCst);
        let record = store.next.fetch_add(1, Ordering::SeqCst);
        self.update(record, false)?;
        inserting.store(u64::MAX, Ordering::SeqCst);
        Ok(())
    }

    /// Records below this are committed.
    fn committed(&self) -> u64 {
        let next = self.store.next.load(Ordering::SeqCst);
        let inserting = self.store.inserting.iter().map(|number| number.load(Ordering::SeqCst));
        inserting.fold(next, u64::min)
    }

    fn churn(&mut self) -> Result<(), String> {
        let number = self.store.churned.fetch_add(1, Ordering::Relaxed);
        let alive = CHURN_ALIVE * self.setting.threads as u64;
        self.writes.clear();
        self.add(CHURN_FIRST + number);
        if let Some(old) = number.checked_sub(alive) {
            self.writes.delete(key(CHURN_FIRST + old, true));
        }
        self.commit(false)
    }
}

fn record_since(latency: &mut Histogram<u64>, last: &mut Instant) {
    let now = Instant::now();
    let took = now.duration_since(*last).as_nanos();
    latency.saturating_record(u64::try_from(took).unwrap_or(u64::MAX).max(1));
    *last = now;
}

#[cfg(test)]
mod tests {
    use super::super::api::Memory;
    use super::super::peers;
    use super::*;

    /// Every engine that is compiled in, through every work, with all checks.
    #[test]
    fn every_work_runs_on_every_engine() {
        let values = Values::new(100);
        let setting = Setting { records: 3000, values, zipf: Zipf::new(3000), threads: 2, seconds: 0.02 };
        for kind in peers::all() {
            let temp = tempfile::tempdir().unwrap();
            let engine = (kind.open)(temp.path(), Memory { bytes: 16 << 20 }).unwrap();
            let store = Store::new(kind, temp.path().into(), engine);
            for work in Work::ALL {
                if matches!(work, Work::Durable(_)) && !kind.durable {
                    continue;
                }
                let outcome = store.run(work, &setting, setting.seconds, 5);
                let outcome =
                    outcome.unwrap_or_else(|error| panic!("{} {}: {error}", kind.name, work.name()));
                assert!(outcome.operations > 0 && outcome.seconds > 0.0, "{} {}", kind.name, work.name());
            }
        }
    }

    #[test]
    fn names_are_understood() {
        Work::ALL.iter().for_each(|work| assert_eq!(Work::parse(&work.name()), Ok(*work)));
        assert!(Work::parse("fll").is_err_and(|error| error.contains("durable-64")));
    }
}
