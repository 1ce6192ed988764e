//! `aurora bench fsync`: what a durable write costs on this machine's disk.

use super::{interrupted, process, watch_for_interrupts};
use crate::failure::Failure;
use aurora_env::FileSystem;
use clap::Args;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SIZES: [usize; 6] = [512, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
const THREADS: [usize; 5] = [1, 2, 4, 8, 16];
/// Bytes that each thread overwrites in a circle, and at which an appended file is begun anew.
const FILE_BYTES: u64 = 16 << 20;
const FREE_BYTES_MIN: u64 = 2 << 30;
/// A sync that is faster than any disk.
const TOO_FAST_MICROS: f64 = 15.0;

/// Measure what a durable write costs on this machine's disk.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora bench fsync\n  aurora bench fsync --dir /var/lib/auroradb --seconds 1 --json > fsync.json\n\n\
    Each thread writes to a file of its own and waits until the disk has it, again and again. `append` makes the file\n\
    longer; `overwrite` writes into a file that was written before, as a recycled log does.\n\n\
    Exit codes: 0 measured; 1 the disk refused; 2 usage."
)]
pub struct FsyncArgs {
    /// A folder on the disk in question [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Seconds of each line.
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// Sizes of a write in bytes [default: 512, 4096, 16384, 65536, 262144, 1048576].
    #[arg(long, value_name = "BYTES", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=(16 << 20)))]
    size: Vec<u32>,
    /// Numbers of threads [default: 1, 2, 4, 8, 16].
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Vec<u16>,
    /// One array of objects on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Append,
    Overwrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Fsync,
    Fdatasync,
    Dsync,
}

/// One way to make bytes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    bytes: usize,
    place: Place,
    method: Method,
    threads: usize,
}

/// What it cost.
#[derive(Clone, Debug, Serialize)]
struct Line {
    work: String,
    /// None: this is no race. The fields of one are kept, so that all benches print the same.
    peer: Option<String>,
    unit: &'static str,
    ours: f64,
    theirs: Option<f64>,
    ratio: Option<f64>,
    goal: Option<String>,
    met: Option<bool>,
    bytes: usize,
    threads: usize,
    bytes_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
    setting: String,
    #[serde(skip)]
    shape: Shape,
}

impl Shape {
    fn name(self) -> String {
        let place = match self.place {
            Place::Append => "append",
            Place::Overwrite => "overwrite",
        };
        format!("fsync {place} {} {} × {}", size_text(self.bytes), self.method.name(), self.threads)
    }
}

impl Method {
    const ALL: [Method; 3] = [Method::Fsync, Method::Fdatasync, Method::Dsync];

    fn name(self) -> &'static str {
        match self {
            Method::Fsync => "fsync",
            Method::Fdatasync => "fdatasync",
            Method::Dsync => "O_DSYNC",
        }
    }
}

fn size_text(bytes: usize) -> String {
    match bytes {
        mib if mib.is_multiple_of(1 << 20) => format!("{} MiB", mib >> 20),
        kib if kib.is_multiple_of(1 << 10) => format!("{} KiB", kib >> 10),
        odd => format!("{odd} B"),
    }
}

/// Runs the command; returns the exit code.
pub fn run(args: &FsyncArgs) -> Result<i32, Failure> {
    if !args.seconds.is_finite() || !(0.01..=86_400.0).contains(&args.seconds) {
        return Err(Failure::usage("--seconds: a number from 0.01 to 86400 is expected"));
    }
    watch_for_interrupts();
    let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let free = aurora_env::RealFs.free_bytes(&parent).unwrap_or(u64::MAX);
    if free < FREE_BYTES_MIN {
        return Err(Failure::runtime(format!(
            "{} has {} MB free, {} MB are needed: give another --dir",
            parent.display(),
            free >> 20,
            FREE_BYTES_MIN >> 20
        )));
    }
    let temp = tempfile::Builder::new()
        .prefix("aurora-fsync-")
        .tempdir_in(&parent)
        .map_err(|error| Failure::io("make a folder in", &parent, &error))?;
    let disk = process::file_system(temp.path()).unwrap_or_else(|| "an unknown file system".into());
    let setting = format!("{disk}; {} s a line; a file for each thread", args.seconds);
    let shapes = shapes(args);
    let bar = ProgressBar::new(shapes.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}  {msg}") {
        bar.set_style(style);
    }
    let mut lines = Vec::new();
    for shape in shapes {
        bar.set_message(shape.name());
        bar.inc(1);
        if interrupted() {
            break;
        }
        let latency = measure(shape, temp.path(), Duration::from_secs_f64(args.seconds))
            .map_err(|error| Failure::io("write to", temp.path(), &error))?;
        lines.push(line(shape, &latency, &setting));
    }
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines).unwrap_or_default());
    } else {
        println!("{setting}\n");
        print!("{}", table(&lines));
        println!("\n{}", verdict(&lines, &disk));
    }
    if interrupted() {
        return Err(Failure::runtime("interrupted: the figures above are partial"));
    }
    Ok(0)
}

fn shapes(args: &FsyncArgs) -> Vec<Shape> {
    let sizes = match args.size.as_slice() {
        [] => SIZES.to_vec(),
        given => given.iter().map(|&bytes| bytes as usize).collect(),
    };
    let threads = match args.threads.as_slice() {
        [] => THREADS.to_vec(),
        given => given.iter().map(|&threads| usize::from(threads)).collect(),
    };
    let mut shapes = Vec::new();
    for &bytes in &sizes {
        for place in [Place::Append, Place::Overwrite] {
            for method in Method::ALL {
                shapes.extend(threads.iter().map(|&threads| Shape { bytes, place, method, threads }));
            }
        }
    }
    shapes
}

/// What the threads measured, together.
struct Measured {
    latency: Histogram<u64>,
    seconds: f64,
}

fn measure(shape: Shape, dir: &Path, time: Duration) -> std::io::Result<Measured> {
    let files: Vec<(PathBuf, File)> =
        (0..shape.threads).map(|thread| open(shape, dir, thread)).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let parts: Vec<std::io::Result<Histogram<u64>>> = std::thread::scope(|scope| {
        let handles: Vec<_> =
            files.iter().map(|(_, file)| scope.spawn(move || write(shape, file, start + time))).collect();
        let ended = |handle: std::thread::ScopedJoinHandle<'_, _>| {
            handle.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread has panicked")))
        };
        handles.into_iter().map(ended).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let mut latency = histogram()?;
    for part in parts {
        latency.add(part?).map_err(std::io::Error::other)?;
    }
    if shape.place == Place::Append {
        for (path, _) in files {
            std::fs::remove_file(path)?;
        }
    }
    Ok(Measured { latency, seconds })
}

fn histogram() -> std::io::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(std::io::Error::other)
}

fn open(shape: Shape, dir: &Path, thread: usize) -> std::io::Result<(PathBuf, File)> {
    let name = match shape.place {
        Place::Append => "append",
        Place::Overwrite => "overwrite",
    };
    let path = dir.join(format!("{name}-{thread}"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Files to overwrite are written once, and serve all lines.
    if shape.place == Place::Overwrite && !path.exists() {
        let file = options.open(&path)?;
        let zeros = vec![0u8; 1 << 20];
        for at in 0..FILE_BYTES >> 20 {
            file.write_all_at(&zeros, at << 20)?;
        }
        file.sync_all()?;
    }
    options.truncate(shape.place == Place::Append);
    if shape.method == Method::Dsync {
        options.custom_flags(libc::O_DSYNC);
    }
    let file = options.open(&path)?;
    // The folder's entry is not what is measured.
    File::open(dir)?.sync_all()?;
    Ok((path, file))
}

/// Writes and waits until `ends`.
fn write(shape: Shape, file: &File, ends: Instant) -> std::io::Result<Histogram<u64>> {
    let mut latency = histogram()?;
    let mut bytes: Vec<u8> = (0..shape.bytes).map(|at| (at * 131 % 251) as u8).collect();
    let mut at = 0;
    let mut last = Instant::now();
    let mut number = 0u64;
    // Once at least, however late the thread was let run.
    while number == 0 || (last < ends && !interrupted()) {
        // No two writes are the same: a disk may leave out what it already has.
        number += 1;
        for (place, byte) in bytes.iter_mut().zip(number.to_le_bytes()) {
            *place = byte;
        }
        file.write_all_at(&bytes, at)?;
        match shape.method {
            Method::Fsync => file.sync_all()?,
            Method::Fdatasync => file.sync_data()?,
            Method::Dsync => {}
        }
        let now = Instant::now();
        let took = u64::try_from(now.duration_since(last).as_nanos()).unwrap_or(u64::MAX);
        latency.saturating_record(took.max(1));
        last = now;
        at += shape.bytes as u64;
        if at + shape.bytes as u64 > FILE_BYTES {
            at = 0;
            if shape.place == Place::Append {
                file.set_len(0)?;
                file.sync_all()?;
                last = Instant::now();
            }
        }
    }
    Ok(latency)
}

fn line(shape: Shape, measured: &Measured, setting: &str) -> Line {
    let latency = &measured.latency;
    let rate = latency.len() as f64 / measured.seconds;
    let micros = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1e3;
    Line {
        work: shape.name(),
        peer: None,
        unit: "durable writes/s",
        ours: rate,
        theirs: None,
        ratio: None,
        goal: None,
        met: None,
        bytes: shape.bytes,
        threads: shape.threads,
        bytes_per_second: rate * shape.bytes as f64,
        p50_us: micros(0.5),
        p99_us: micros(0.99),
        max_us: latency.max() as f64 / 1e3,
        setting: setting.into(),
        shape,
    }
}

fn table(lines: &[Line]) -> String {
    let mut out = format!(
        "{:>8}  {:<9}  {:<9}  {:>7}  {:>9}  {:>8}  {:>9}  {:>9}  {:>9}\n",
        "bytes", "place", "method", "threads", "writes/s", "MiB/s", "p50 µs", "p99 µs", "max µs"
    );
    for line in lines {
        let place = match line.shape.place {
            Place::Append => "append",
            Place::Overwrite => "overwrite",
        };
        out.push_str(&format!(
            "{:>8}  {place:<9}  {:<9}  {:>7}  {:>9.0}  {:>8.1}  {:>9.0}  {:>9.0}  {:>9.0}\n",
            line.bytes,
            line.shape.method.name(),
            line.threads,
            line.ours,
            line.bytes_per_second / (1 << 20) as f64,
            line.p50_us,
            line.p99_us,
            line.max_us
        ));
    }
    out
}

/// What the figures mean for a log, in a few sentences.
fn verdict(lines: &[Line], disk: &str) -> String {
    let find = |bytes: usize, place: Place, method: Method, threads: usize| {
        lines.iter().find(|line| line.shape == Shape { bytes, place, method, threads })
    };
    let small = 4 << 10;
    let mut out = Vec::new();
    if let Some(base) = find(small, Place::Append, Method::Fdatasync, 1) {
        out.push(format!(
            "A commit alone waits {:.0} µs (p99 {:.0} µs) for 4 KiB appended with fdatasync: at most {:.0} commits a second \
             unless they share a sync.",
            base.p50_us, base.p99_us, base.ours
        ));
        if let Some(over) = find(small, Place::Overwrite, Method::Fdatasync, 1) {
            out.push(against("Overwriting a file that was written before", base.p50_us / over.p50_us));
        }
        if let Some(sync) = find(small, Place::Append, Method::Fsync, 1) {
            out.push(against("fdatasync instead of fsync", sync.p50_us / base.p50_us));
        }
        if let Some(dsync) = find(small, Place::Append, Method::Dsync, 1) {
            out.push(against("O_DSYNC instead of fdatasync", base.p50_us / dsync.p50_us));
        }
        if let Some(group) = find(64 << 10, Place::Append, Method::Fdatasync, 1) {
            let times = group.p50_us / base.p50_us;
            let meaning = match times {
                cheap if cheap < 2.0 => ": up to there, commits that share a sync are nearly free",
                _ => "",
            };
            out.push(format!("A group of 64 KiB costs {times:.1} times a single 4 KiB{meaning}."));
        }
        if let Some(many) = find(small, Place::Append, Method::Fdatasync, 16) {
            out.push(format!(
                "16 files synced at once give {:.1} times the writes of one: more than one log would {}pay.",
                many.ours / base.ours,
                if many.ours > 3.0 * base.ours { "" } else { "not " }
            ));
        }
        if base.p50_us < TOO_FAST_MICROS || disk == "tmpfs" {
            out.push(
                "WARNING: no disk is that fast. Syncs do nothing here, and a power cut loses commits.".into(),
            );
        }
    }
    if out.is_empty() {
        return "No verdict: it is about 4096 bytes, appended, with one thread.".into();
    }
    out.join("\n")
}

/// `gain`: how many times faster.
fn against(what: &str, gain: f64) -> String {
    match gain {
        gain if gain > 1.1 => format!("{what} is {gain:.1} times faster."),
        gain if gain < 0.9 => format!("{what} is {:.1} times slower.", 1.0 / gain),
        _ => format!("{what} makes no difference."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_runs_and_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        for place in [Place::Append, Place::Overwrite] {
            for method in Method::ALL {
                let shape = Shape { bytes: 4096, place, method, threads: 2 };
                let measured = measure(shape, temp.path(), Duration::from_millis(5)).unwrap();
                assert!(measured.latency.len() >= 2);
                lines.push(line(Shape { threads: 1, ..shape }, &measured, "here"));
            }
        }
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 2, "those to overwrite");
        let text = verdict(&lines, "ext4");
        assert!(text.contains("A commit alone waits") && text.contains("O_DSYNC"), "{text}");
        assert!(verdict(&lines, "tmpfs").contains("WARNING"));
        assert!(verdict(&[], "ext4").starts_with("No verdict"));
        assert_eq!(table(&lines).lines().count(), 7);
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        assert_eq!([512, 4096, 1 << 20].map(size_text), ["512 B", "4 KiB", "1 MiB"]);
        assert!(against("x", 0.5).contains("2.0 times slower"));
    }
}
