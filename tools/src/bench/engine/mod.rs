//! `aurora bench lsm`: the storage engine alone against others, in one process, at equal memory and durability.

mod api;
mod data;
mod ours;
mod peers;
mod report;
mod work;

#[cfg(feature = "engines-rust")]
mod fjalls;
#[cfg(feature = "engines-rust")]
mod redbs;
#[cfg(feature = "engines")]
mod rocks;
#[cfg(feature = "engines-rust")]
mod sleds;

use super::{interrupted, process, watch_for_interrupts};
use crate::failure::Failure;
use api::{Kind, Memory};
use aurora_env::FileSystem;
use clap::Args;
use data::{Values, Zipf};
use indicatif::{ProgressBar, ProgressStyle};
use report::{Line, Rounds};
use std::path::{Path, PathBuf};
use work::{Setting, Store, THREADS_MAX, Work};

/// What stores may need of the disk, as a multiple of the data, while they compact.
const DISK_FACTOR: u64 = 4;
const FREE_SPARE_BYTES: u64 = 1 << 30;

/// Race the storage engine alone against rocksdb, fjall, sled and redb.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p aurora-tools --features engines -- bench lsm\n  \
    cargo run --release -p aurora-tools --features engines -- bench lsm read-hit scan --against rocksdb --data 5 --json > lsm.json\n\n\
    Data are 0.5 and 5 times the memory that each engine gets, or as --data says. Works that write are timed until no compaction is due.\n\
    Durable works run on the first size; there each commit is on disk before it returns, elsewhere it is only handed\n\
    over. Commits of redb that are not durable lie in memory until the next durable one: it has no log.\n\n\
    Exit codes: 0 all measured; 1 a row failed; 2 usage, or the peers are not compiled in.")]
pub struct LsmArgs {
    /// Works to run, such as fill, read-hit, ycsb-a, durable-16 [default: all].
    #[arg(value_parser = Work::parse)]
    works: Vec<Work>,
    /// Peers [default: all].
    #[arg(long, value_name = "ENGINE", value_delimiter = ',')]
    against: Vec<String>,
    /// MiB that each engine gets: a quarter for write buffers, the rest as cache; all of it as cache where there are no
    /// write buffers.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(16..=65_536))]
    memory: u64,
    /// Bytes of a value.
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(16..=100_000))]
    value: u32,
    /// Threads of every work but the durable ones.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=THREADS_MAX as i64))]
    threads: u8,
    /// Seconds of a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds of each work and engine.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Rounds of filling stores anew.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    fills: u32,
    /// Sizes of the data as multiples of the memory; durable works run on the first.
    #[arg(long, value_name = "FACTOR", value_delimiter = ',', default_values_t = [0.5, 5.0])]
    data: Vec<f64>,
    /// Where the temporary folder goes: a disk, not memory [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// One array of objects on standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the command; returns the exit code.
pub fn run(args: &LsmArgs) -> Result<i32, Failure> {
    if !peers::COMPILED {
        return Err(Failure::usage(
            "the peers are not compiled in: build with `cargo run --release -p aurora-tools --features engines -- bench lsm` \
             (rocksdb needs a C++ compiler and libclang; `--features engines-rust` leaves it out)",
        ));
    }
    if !args.seconds.is_finite() || !(0.05..=86_400.0).contains(&args.seconds) {
        return Err(Failure::usage("--seconds: a number from 0.05 to 86400 is expected"));
    }
    let kinds = chosen(&args.against)?;
    watch_for_interrupts();
    let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    if args.data.iter().any(|factor| !(0.01..=1000.0).contains(factor)) {
        return Err(Failure::usage("--data: numbers from 0.01 to 1000 are expected"));
    }
    let largest = (args.data.iter().copied().fold(0.0, f64::max) * (args.memory << 20) as f64) as u64;
    let needed = largest * DISK_FACTOR * kinds.len() as u64 + FREE_SPARE_BYTES;
    let free = aurora_env::RealFs.free_bytes(&parent).unwrap_or(u64::MAX);
    if free < needed {
        return Err(Failure::runtime(format!(
            "{} has {} MB free, the race needs {} MB: give another --dir or less --memory",
            parent.display(),
            free >> 20,
            needed >> 20
        )));
    }
    let temp = tempfile::Builder::new()
        .prefix("aurora-lsm-")
        .tempdir_in(&parent)
        .map_err(|error| Failure::io("make a folder in", &parent, &error))?;
    let mut race = Race::new(args, kinds, temp.path());
    for (at, factor) in args.data.iter().enumerate() {
        race.size(*factor, at == 0);
    }
    race.bar.finish_and_clear();
    let engines: Vec<&str> = race.kinds.iter().map(|kind| kind.name).collect();
    let setting = race.setting(temp.path());
    if args.json {
        let rows = report::rows(&engines, &race.lines, &setting);
        println!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
    } else {
        println!("{setting}\n");
        print!("{}", report::table(&engines, &race.lines));
        let mut told: Vec<String> = Vec::new();
        for line in &race.lines {
            let text =
                format!("{}: {}.", line.work.name().trim_end_matches(char::is_numeric), line.work.what());
            if !told.contains(&text) {
                told.push(text);
            }
        }
        println!("\n{}", told.join("\n"));
    }
    if interrupted() {
        return Err(Failure::runtime("interrupted: the figures above are partial"));
    }
    let failed = |line: &Line| {
        let mut rounds = race.kinds.iter().zip(&line.rounds);
        rounds.any(|(kind, rounds)| rounds.error.is_some() && !stands_out(*kind, line.work))
    };
    Ok(i32::from(race.lines.iter().any(failed)))
}

/// Engines that cannot do what a work asks have no figure in it, and that is no failure.
fn stands_out(kind: Kind, work: Work) -> bool {
    matches!(work, Work::Durable(_)) && !kind.durable
}

/// Ours in both forms, and the peers asked for.
fn chosen(against: &[String]) -> Result<Vec<Kind>, Failure> {
    let (ours, others): (Vec<Kind>, Vec<Kind>) =
        peers::all().into_iter().partition(|kind| [peers::OURS, peers::OURS_PLAIN].contains(&kind.name));
    let names = others.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = against.iter().find(|name| others.iter().all(|kind| kind.name != **name)) {
        return Err(Failure::usage(format!("--against: unknown engine {unknown}; known: {names}")));
    }
    let wanted = |kind: &Kind| against.is_empty() || against.iter().any(|name| name == kind.name);
    Ok(ours.into_iter().chain(others.into_iter().filter(wanted)).collect())
}

struct Race<'a> {
    args: &'a LsmArgs,
    kinds: Vec<Kind>,
    memory: Memory,
    dir: &'a Path,
    bar: ProgressBar,
    lines: Vec<Line>,
    levels: Vec<String>,
}

impl<'a> Race<'a> {
    fn new(args: &'a LsmArgs, kinds: Vec<Kind>, dir: &'a Path) -> Race<'a> {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} rounds {elapsed}  {msg}") {
            bar.set_style(style);
        }
        let memory = Memory { bytes: args.memory << 20 };
        Race { args, kinds, memory, dir, bar, lines: Vec::new(), levels: Vec::new() }
    }

    fn setting(&self, dir: &Path) -> String {
        let args = self.args;
        let disk = process::file_system(dir).map_or(String::new(), |kind| format!(", {kind}"));
        format!(
            "{} MiB for each engine; keys of {} and values of {} bytes, half compressible; {} threads; {} rounds of {} s and \
             {} fills, order alternating, medians; lz4 where there is compression; stores{disk}; levels with data: {}",
            args.memory,
            data::KEY_BYTES,
            args.value,
            args.threads,
            args.rounds,
            args.seconds,
            args.fills,
            self.levels.join(", ")
        )
    }

    /// The engines of a round: forward, then backward.
    fn order(&self, round: u32) -> Vec<usize> {
        let forward = 0..self.kinds.len();
        if round.is_multiple_of(2) { forward.collect() } else { forward.rev().collect() }
    }

    /// All works on data of `factor` times the memory.
    fn size(&mut self, factor: f64, is_first: bool) {
        let name = &format!("{factor}×");
        let values = Values::new(self.args.value as usize);
        let records = ((self.memory.bytes as f64 * factor) as u64 / values.record_bytes()).max(1000);
        let setting = Setting {
            records,
            values,
            zipf: Zipf::new(records),
            threads: usize::from(self.args.threads),
            seconds: self.args.seconds,
        };
        let asked = |work: &Work| self.args.works.is_empty() || self.args.works.contains(work);
        let singles: Vec<Work> = Work::ALL
            .into_iter()
            .filter(|work| !work.is_bulk() && asked(work))
            .filter(|work| is_first || !matches!(work, Work::Durable(_)))
            .collect();
        let bulk = [Work::Fill, Work::Overwrite].iter().any(asked);
        let fills = if bulk { self.args.fills } else { 1 };
        let rounds = u64::from(fills) * 2 + singles.len() as u64 * u64::from(self.args.rounds);
        self.bar.inc_length(rounds * self.kinds.len() as u64);
        let stores = self.fill(name, &setting, fills, bulk);
        for store in stores.iter().flatten() {
            if let Some(levels) = store.engine.levels() {
                self.levels.push(format!("{} {levels} at {name}", store.kind.name));
            }
        }
        for work in singles {
            if interrupted() {
                return;
            }
            let line = self.measure(name, work, &stores, &setting);
            self.lines.push(line);
        }
    }

    /// Fills stores anew in each round, and writes every record once more; the last ones stay open.
    fn fill(&mut self, name: &str, setting: &Setting, fills: u32, shown: bool) -> Vec<Option<Store>> {
        let mut stores: Vec<Option<Store>> = self.kinds.iter().map(|_| None).collect();
        let mut lines = [Work::Fill, Work::Overwrite].map(|work| self.line(name, work));
        for round in 0..fills {
            for at in self.order(round) {
                if let Some(old) = stores[at].take() {
                    let dir = old.dir.clone();
                    drop(old);
                    let _ = std::fs::remove_dir_all(dir);
                }
                let failed = lines.iter().find_map(|line| line.rounds[at].error.clone());
                let filled = match failed {
                    Some(error) => Err(error),
                    None => self.fill_one(at, round, setting, &mut lines),
                };
                match filled {
                    Ok(store) => stores[at] = Some(store),
                    // What earlier rounds gave stands.
                    Err(_) if interrupted() && round > 0 => {}
                    Err(error) => {
                        lines.iter_mut().for_each(|line| line.rounds[at].error = Some(error.clone()))
                    }
                }
            }
        }
        if shown || lines[0].rounds.iter().any(|rounds| rounds.error.is_some()) {
            self.lines.extend(lines);
        }
        stores
    }

    fn fill_one(
        &self,
        at: usize,
        round: u32,
        setting: &Setting,
        lines: &mut [Line; 2],
    ) -> Result<Store, String> {
        let kind = self.kinds[at];
        let dir = self.dir.join(format!("{at}-{}-{round}", setting.records));
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let engine = (kind.open)(&dir, self.memory)?;
        let store = Store::new(kind, dir, engine);
        for line in lines {
            self.bar.set_message(format!("{} {}, {}", line.work.name(), line.size, kind.name));
            let outcome = store.run(line.work, setting, setting.seconds, 100 + u64::from(round))?;
            let live = setting.records * setting.values.record_bytes();
            let space = process::disk_bytes(&store.dir)? as f64 / live as f64;
            line.rounds[at].add(report::figures(line.work, &outcome, space));
            self.bar.inc(1);
        }
        Ok(store)
    }

    fn line(&self, size: &str, work: Work) -> Line {
        let rounds = Rounds { values: vec![Vec::new(); report::metrics(work).len()], error: None };
        Line { size: size.into(), work, rounds: vec![rounds; self.kinds.len()] }
    }

    fn measure(&self, size: &str, work: Work, stores: &[Option<Store>], setting: &Setting) -> Line {
        let mut line = self.line(size, work);
        for round in 0..self.args.rounds {
            for at in self.order(round) {
                self.bar.set_message(format!("{} {size}, {}", work.name(), self.kinds[at].name));
                self.bar.inc(1);
                let rounds = &mut line.rounds[at];
                if rounds.error.is_some() {
                    continue;
                }
                if stands_out(self.kinds[at], work) {
                    rounds.error = Some("stands out: its commits cannot be made durable".into());
                    continue;
                }
                let Some(store) = &stores[at] else {
                    rounds.error = Some("could not be filled".into());
                    continue;
                };
                match self.round(store, work, setting, round) {
                    Ok(figures) => rounds.add(figures),
                    // What earlier rounds gave stands.
                    Err(_) if interrupted() && round > 0 => return line,
                    Err(error) => rounds.error = Some(error),
                }
            }
        }
        line
    }

    fn round(&self, store: &Store, work: Work, setting: &Setting, round: u32) -> Result<Vec<f64>, String> {
        if round == 0 {
            store.run(work, setting, setting.seconds / 2.0, 1)?;
        }
        let outcome = store.run(work, setting, setting.seconds, 1000 + u64::from(round))?;
        Ok(report::figures(work, &outcome, 0.0))
    }
}
