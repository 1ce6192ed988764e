//! What the operating system knows of a process and its children.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Clock ticks a second in /proc, on every architecture that Linux has a 64-bit kernel for.
const TICKS_PER_SECOND: f64 = 100.0;
/// `st_blocks` counts in these.
const BLOCK_BYTES: u64 = 512;

/// What a process and its children have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system, with all threads, and children that have ended.
    pub cpu_seconds: f64,
    /// Sent to the device. Children that have ended are missing here.
    pub written_bytes: u64,
}

struct Stat {
    parent: u32,
    cpu_seconds: f64,
}

fn stat(pid: &str) -> Result<Stat, String> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    parse(&text).ok_or_else(|| format!("{path} is not as expected"))
}

fn parse(stat: &str) -> Option<Stat> {
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let all = ticks(11)? + ticks(12)? + ticks(13)? + ticks(14)?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, cpu_seconds: all as f64 / TICKS_PER_SECOND })
}

/// CPU seconds of this process.
pub fn own_cpu_seconds() -> Result<f64, String> {
    stat("self").map(|stat| stat.cpu_seconds)
}

/// `pid` and everything below it.
pub fn tree(pid: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok())
            && let Ok(stat) = stat(&child.to_string())
        {
            parents.push((child, stat.parent));
        }
    }
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        at += 1;
    }
    all
}

fn written_bytes(pid: u32) -> Result<u64, String> {
    let path = format!("/proc/{pid}/io");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|bytes| bytes.trim().parse().ok()).ok_or_else(|| format!("{path} is not as expected"))
}

/// Bytes that the disk below the folder has written since the machine started; `None` where it does not tell. A process's
/// own count is no measure of it: Linux counts the whole of a large folio for a few bytes written into it.
pub fn device_written_bytes(folder: &Path) -> Option<u64> {
    const SECTOR: u64 = 512;
    let device = fs::metadata(folder).ok()?.dev();
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & !0xfff);
    let minor = (device & 0xff) | ((device >> 12) & !0xff);
    let text = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    text.split_ascii_whitespace().nth(6)?.parse::<u64>().ok()?.checked_mul(SECTOR)
}

/// Of a server: PostgreSQL has a process for each connection, so the whole tree counts.
pub fn usage(pid: u32) -> Result<Usage, String> {
    let mut usage =
        Usage { cpu_seconds: stat(&pid.to_string())?.cpu_seconds, written_bytes: written_bytes(pid)? };
    for child in tree(pid).into_iter().skip(1) {
        // A child may end while it is looked at.
        usage.cpu_seconds += stat(&child.to_string()).map_or(0.0, |stat| stat.cpu_seconds);
        usage.written_bytes += written_bytes(child).unwrap_or(0);
    }
    Ok(usage)
}

fn kib(path: &str, name: &str) -> Result<f64, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    kib.ok_or_else(|| format!("{path} has no {name}"))
}

/// Resident memory in MiB; of several processes each page once.
pub fn resident_mib(pid: u32) -> Result<f64, String> {
    let all = tree(pid);
    if all.len() == 1 {
        return kib(&format!("/proc/{pid}/status"), "VmRSS:").map(|kib| kib / 1024.0);
    }
    let share = |pid: &u32| kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:").unwrap_or(0.0);
    Ok(all.iter().map(share).sum::<f64>() / 1024.0)
}

/// Bytes that a folder takes on the disk.
pub fn disk_bytes(dir: &Path) -> Result<u64, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut total = 0;
    for entry in entries.flatten() {
        // A file may go while it is looked at.
        let Ok(about) = entry.metadata() else { continue };
        total += about.blocks() * BLOCK_BYTES;
        if about.is_dir() {
            total += disk_bytes(&entry.path()).unwrap_or(0);
        }
    }
    Ok(total)
}

/// The machine in a few words: processors, their name, memory.
pub fn machine() -> String {
    let first = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches([':', ' ', '\t']).trim().to_string())
    };
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let model = first("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let memory = kib("/proc/meminfo", "MemTotal:").map_or(0.0, |kib| kib / 1_048_576.0);
    format!("{processors} × {model}, {memory:.0} GiB")
}

/// Name of the file system that `dir` lies on.
pub fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let under = mounts.filter(|(place, _)| dir.starts_with(place));
    under.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_past_any_name() {
        let stat = parse("7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 30 20 20 0 1 0 5").unwrap();
        assert_eq!((stat.parent, stat.cpu_seconds), (1, 3.5));
        assert!(parse("7 (x").is_none());
        assert!(own_cpu_seconds().is_ok() && resident_mib(std::process::id()).unwrap() > 1.0);
    }

    #[test]
    fn children_and_files_are_counted() {
        let mut child = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        assert!(tree(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/file"), [7; 10_000]).unwrap();
        assert!(disk_bytes(dir.path()).unwrap() >= 10_000);
    }
}
