//! Clients that send statements at once, for all works that measure a server under load.

use super::client::{Client, ClientError};
use super::process;
use super::random::Random;
use super::side::Side;
use super::work::{Better, Metric, Round};
use super::{Setting, interrupted};
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Largest latency that is told apart, in µs.
const HIGHEST_MICROS: u64 = 600_000_000;
const POLL: Duration = Duration::from_millis(20);
/// A statement that has not ended so long after the end has hung.
const HANGS_AFTER: Duration = Duration::from_secs(60);
/// The names and order of a load's figures; the last ones are of the side, not of one operation.
const PERCENTILES: [(&str, f64); 4] = [("p50", 50.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9)];

/// What clients did while they were measured.
pub struct Load {
    /// Operations that ended while measured, by class.
    pub done: Vec<u64>,
    /// Operations that the server acknowledged from the first to the last, warm-up included, by class: what a check of the
    /// data has to find.
    pub acknowledged: Vec<u64>,
    /// Transactions that were tried again after a deadlock or a lost race.
    pub retries: u64,
    pub seconds: f64,
    /// Of the server.
    pub cpu_seconds: Result<f64, String>,
    pub written_bytes: Result<u64, String>,
    pub resident_mib: Result<f64, String>,
    /// Processors that this client itself kept busy.
    pub client_cpus: Option<f64>,
    /// µs by class, corrected for coordinated omission.
    pub latencies: Vec<Histogram<u64>>,
}

fn histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(1, HIGHEST_MICROS, 3).map_err(|error| error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many clients, and in how many classes their operations are counted.
#[derive(Clone, Copy, Debug)]
pub struct Clients {
    pub count: usize,
    pub classes: usize,
}

impl Clients {
    pub fn new(count: usize) -> Clients {
        Clients { count, classes: 1 }
    }
}

/// What the threads share.
struct Shared<'a> {
    stop: AtomicBool,
    measuring: AtomicBool,
    begin: Barrier,
    done: Vec<AtomicU64>,
    acknowledged: Vec<AtomicU64>,
    retries: AtomicU64,
    alive: AtomicUsize,
    failure: Mutex<Option<String>>,
    latencies: Mutex<Vec<Histogram<u64>>>,
    setting: &'a Setting,
    clients: Clients,
}

/// Runs `clients.count` connections for the setting's seconds after a warm-up.
///
/// `open` makes one client's state (prepared statements, counters) out of its connection and number. `step` is one
/// operation: it returns its class (0 where there is one) and is tried again after an error that says so.
///
/// With `--rate` arrivals are fixed in time (an open loop): latency counts from when the operation was due. Without, each
/// client sends its next operation when the last has ended (a closed loop), and every latency above the client's mean stands
/// for the operations that would have been sent meanwhile (HdrHistogram's correction for coordinated omission).
pub fn clients<S: Send>(
    side: &Side,
    setting: &Setting,
    round: u64,
    clients: Clients,
    open: impl Fn(Client, usize) -> Result<S, String>,
    step: impl Fn(&mut S, &mut Random, u64) -> Result<usize, ClientError> + Sync,
) -> Result<Load, String> {
    let mut states = Vec::with_capacity(clients.count);
    for number in 0..clients.count {
        if interrupted() {
            return Err("interrupted".into());
        }
        states.push(open(side.connect()?, number)?);
    }
    let counters = || (0..clients.classes).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let latencies = (0..clients.classes).map(|_| histogram()).collect::<Result<Vec<_>, _>>()?;
    let shared = Shared {
        stop: AtomicBool::new(false),
        measuring: AtomicBool::new(false),
        begin: Barrier::new(clients.count + 1),
        done: counters(),
        acknowledged: counters(),
        retries: AtomicU64::new(0),
        alive: AtomicUsize::new(clients.count),
        failure: Mutex::default(),
        latencies: Mutex::new(latencies),
        setting,
        clients,
    };
    let read = |counters: &[AtomicU64]| -> Vec<u64> {
        counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
    };
    let measured = std::thread::scope(|scope| {
        for (number, state) in states.iter_mut().enumerate() {
            let (shared, step) = (&shared, &step);
            scope.spawn(move || {
                if let Err(error) = client(shared, state, step, round, number) {
                    lock(&shared.failure).get_or_insert(error);
                    shared.stop.store(true, Ordering::Relaxed);
                }
                shared.alive.fetch_sub(1, Ordering::Relaxed);
            });
        }
        shared.begin.wait();
        let warm = Instant::now() + setting.warm_up;
        while Instant::now() < warm && !shared.stop.load(Ordering::Relaxed) && !interrupted() {
            std::thread::sleep(POLL.min(warm.saturating_duration_since(Instant::now())));
        }
        let (server, own) = (side.usage(), process::own_cpu_seconds());
        shared.measuring.store(true, Ordering::Relaxed);
        let from = Instant::now();
        let until = from + Duration::from_secs_f64(setting.seconds);
        let begun = || shared.done.iter().any(|done| done.load(Ordering::Relaxed) > 0);
        let latest = until + HANGS_AFTER;
        // Where one operation takes longer than the round, the round takes longer.
        while (Instant::now() < until || (!begun() && Instant::now() < latest))
            && !shared.stop.load(Ordering::Relaxed)
            && !interrupted()
        {
            let left = until.saturating_duration_since(Instant::now());
            std::thread::sleep(if left.is_zero() { POLL } else { left.min(POLL) });
        }
        shared.measuring.store(false, Ordering::Relaxed);
        let seconds = from.elapsed().as_secs_f64();
        let (server_end, own_end) = (side.usage(), process::own_cpu_seconds());
        let resident = side.resident_mib();
        shared.stop.store(true, Ordering::Relaxed);
        let ended = Instant::now();
        while shared.alive.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(POLL);
            if ended.elapsed() > HANGS_AFTER {
                let error =
                    format!("a statement hung for {} s, so the server was ended", HANGS_AFTER.as_secs());
                lock(&shared.failure).get_or_insert(error);
                side.kill();
                break;
            }
        }
        let used = server.and_then(|from| {
            server_end.map(|to| {
                (to.cpu_seconds - from.cpu_seconds, to.written_bytes.saturating_sub(from.written_bytes))
            })
        });
        (seconds, used, own.and_then(|from| own_end.map(|to| to - from)).ok(), resident)
    });
    if let Some(error) = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    if interrupted() {
        return Err("interrupted".into());
    }
    let (seconds, used, own, resident_mib) = measured;
    let done = read(&shared.done);
    if done.iter().sum::<u64>() == 0 {
        return Err(format!("no operation ended within {seconds:.1} s"));
    }
    Ok(Load {
        done,
        acknowledged: read(&shared.acknowledged),
        retries: shared.retries.load(Ordering::Relaxed),
        seconds,
        cpu_seconds: used.clone().map(|used| used.0),
        written_bytes: used.map(|used| used.1),
        resident_mib,
        client_cpus: own.map(|cpu| cpu / seconds),
        latencies: shared.latencies.into_inner().unwrap_or_else(PoisonError::into_inner),
    })
}

/// One client's life.
fn client<S>(
    shared: &Shared<'_>,
    state: &mut S,
    step: &(impl Fn(&mut S, &mut Random, u64) -> Result<usize, ClientError> + Sync),
    round: u64,
    number: usize,
) -> Result<(), String> {
    let mut random = Random(round << 32 | number as u64);
    let mut own = (0..shared.clients.classes).map(|_| histogram()).collect::<Result<Vec<_>, _>>();
    shared.begin.wait();
    let own = own.as_mut().map_err(|error| error.clone())?;
    let born = Instant::now();
    // Between this client's arrivals in an open loop; the clients take turns.
    let gap = shared.setting.rate.map(|rate| shared.clients.count as f64 / rate);
    let turn = number as f64 / shared.clients.count as f64;
    let mut measured = Duration::ZERO;
    for at in 0u64.. {
        let due = gap.map(|gap| born + Duration::from_secs_f64(gap * (at as f64 + turn)));
        if let Some(due) = due {
            while Instant::now() < due && !shared.stop.load(Ordering::Relaxed) {
                std::thread::sleep(due.saturating_duration_since(Instant::now()).min(POLL));
            }
        }
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let sent = Instant::now();
        let was_measuring = shared.measuring.load(Ordering::Relaxed);
        let class = loop {
            match step(state, &mut random, at) {
                Ok(class) => break class,
                Err(error) if error.retry && !shared.stop.load(Ordering::Relaxed) => {
                    shared.retries.fetch_add(1, Ordering::Relaxed);
                }
                // The end came while it was tried again: it never happened.
                Err(error) if error.retry => return keep(shared, own, at, measured, gap.is_none()),
                Err(error) => return Err(error.message),
            }
        };
        let took = sent.elapsed();
        let class = class.min(shared.clients.classes - 1);
        shared.acknowledged[class].fetch_add(1, Ordering::Relaxed);
        if shared.measuring.load(Ordering::Relaxed) {
            shared.done[class].fetch_add(1, Ordering::Relaxed);
        }
        if was_measuring {
            measured += took;
            let latency = due.map_or(took, |due| due.elapsed());
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            own[class].saturating_record(micros.max(1));
        }
    }
    let count = own.iter().map(Histogram::len).sum();
    keep(shared, own, count, measured, gap.is_none())
}

/// Adds a client's latencies to those of all.
fn keep(
    shared: &Shared<'_>,
    own: &[Histogram<u64>],
    count: u64,
    measured: Duration,
    correct: bool,
) -> Result<(), String> {
    let mean = u64::try_from(measured.as_micros()).unwrap_or(u64::MAX) / count.max(1);
    let mut all = lock(&shared.latencies);
    for (all, own) in all.iter_mut().zip(own) {
        if correct {
            all.add_correct(own, mean).map_err(|error| error.to_string())?;
        } else {
            all.add(own).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The figures of a load whose operation is a `unit` (`commit`, `statement`), in the order of [`Load::round`].
pub fn metrics(unit: &str) -> Vec<Metric> {
    let mut all = vec![
        Metric::new("throughput", &format!("{unit}s/s"), Better::More),
        Metric::new("server CPU", &format!("µs/{unit}"), Better::Less),
        Metric::new("written", &format!("bytes/{unit}"), Better::Less).detail(),
        Metric::new("resident", "MiB", Better::Less).detail(),
    ];
    all.extend(PERCENTILES.map(|(name, percent)| {
        let metric = Metric::new(name, "µs", Better::Less);
        if percent == 99.0 { metric } else { metric.detail() }
    }));
    all
}

impl Load {
    /// Operations of all classes.
    pub fn total(&self) -> u64 {
        self.done.iter().sum()
    }

    /// All classes' latencies together.
    pub fn latency(&self, percent: f64) -> f64 {
        let Ok(mut all) = histogram() else { return 0.0 };
        for one in &self.latencies {
            // They have the same bounds.
            let _ = all.add(one);
        }
        all.value_at_percentile(percent) as f64
    }

    /// The figures of [`metrics`].
    pub fn round(&self) -> Round {
        let total = self.total() as f64;
        let mut values = vec![
            Ok(total / self.seconds),
            self.cpu_seconds.clone().map(|cpu| cpu * 1e6 / total),
            self.written_bytes.clone().map(|bytes| bytes as f64 / total),
            self.resident_mib.clone(),
        ];
        values.extend(PERCENTILES.map(|(_, percent)| Ok(self.latency(percent))));
        let note = (self.retries > 0).then(|| format!("{} transactions tried again", self.retries));
        Round { values, client_cpus: self.client_cpus, note }
    }
}
