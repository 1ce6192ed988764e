//! `aurora audit`: the audit log for people, auditors and other systems.

use crate::failure::{DAMAGE, Failure};
use crate::folder::{Keys, open_keys};
use crate::only_these::OnlyThese;
use aurora_audit::{Class, ExportFilter, ExportFormat, Report};
use aurora_env::{Env, FILE_HEADER_BYTES, FileHeader, RealEnv};
use aurora_lsm::{DataDir, LsmError};
use clap::{Args, Subcommand, ValueEnum};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Export or verify the audit log.
#[derive(Args, Debug)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    Export(ExportArgs),
    Verify(VerifyArgs),
}

/// Where the log and its keys are.
#[derive(Args, Debug)]
struct Place {
    /// The file with the key-encryption key [default: DIR/keys/kek].
    #[arg(long, value_name = "PATH", env = "AURORA_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// The data folder whose keys sealed the log, when the log was copied elsewhere.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// With a header line (RFC 4180).
    Csv,
}

/// Write records as JSON Lines or CSV. The server may run.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora audit export ./aurora-data --format csv --from 2026-11-01 --class ddl -o ddl.csv\n  \
    aurora audit export ./aurora-data/audit/segment-*.audit --format jsonl | jq .query\n\n\
    Exit codes: 0 exported; 1 failed; 2 usage; 3 the log is damaged (what was readable before it is exported)."
)]
struct ExportArgs {
    /// The data folder, its audit folder, or segment files of one folder.
    #[arg(required = true, value_name = "DIR|FILES")]
    from_where: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Not before this time (UTC, such as 2026-11-25 or 2026-11-25T14:30).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time (UTC).
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only this class: audit, connection, account, ddl, failure or checkpoint.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Only this account: USER, as the client gave it, or USER@HOST, as it was matched.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Write to this file [default: standard output]; it appears when it is complete.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The summary as JSON: on standard output with -o, else on standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Prove that no record was changed, cut, reordered or removed.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  aurora audit verify ./aurora-data --public-key auditor-kept.hex --at-least 120034\n\n\
    A cut tail shows only against something kept elsewhere: the number of a record that was there once (--at-least).\n\n\
    Exit codes: 0 whole; 1 failed; 2 usage; 3 damaged."
)]
struct VerifyArgs {
    /// The data folder or its audit folder.
    dir: PathBuf,
    /// The public key that the auditor kept, 64 hexadecimal digits or a file with them [default: DIR/audit/public-key].
    #[arg(long, value_name = "HEX|FILE")]
    public_key: Option<String>,
    /// This record was there once.
    #[arg(long, value_name = "NUMBER")]
    at_least: Option<u64>,
    /// The report as JSON on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs the command; returns the exit code.
pub fn run(args: &AuditArgs) -> Result<i32, Failure> {
    match &args.command {
        AuditCommand::Export(args) => export(args),
        AuditCommand::Verify(args) => verify(args),
    }
}

/// An audit folder that was found, and what opens it.
pub struct Log {
    pub env: Env,
    pub keys: Keys,
    pub dir: PathBuf,
}

fn is_segment(name: &str) -> bool {
    name.starts_with("segment-") && name.ends_with(".audit")
}

fn names(dir: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(dir).map_err(|error| Failure::io("list", dir, &error))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// The data folder and the audit folder that `path` means.
fn folders(path: &Path, data: Option<&PathBuf>) -> Result<(PathBuf, PathBuf), Failure> {
    let audit = if path.join("AURORA").exists() { path.join("audit") } else { path.to_path_buf() };
    if !audit.is_dir() || !names(&audit)?.iter().any(|name| is_segment(name)) {
        return Err(Failure::runtime(format!("{} holds no audit log", path.display())));
    }
    let full = audit.canonicalize().map_err(|error| Failure::io("open", &audit, &error))?;
    let data = match data {
        Some(data) => data.clone(),
        None => full.parent().unwrap_or(&full).to_path_buf(),
    };
    Ok((data, audit))
}

/// The instance that wrote the log: by the data folder, or by a segment's head when a running server holds the folder
/// or the log lies alone.
fn instance_id(env: &Env, data: &Path, audit: &Path) -> Result<[u8; 16], Failure> {
    match DataDir::open_existing(data, env) {
        Ok(dir) => return Ok(dir.instance_id()),
        Err(error @ LsmError::Damaged { .. }) => return Err(error.into()),
        Err(_) => {}
    }
    let mut segments = names(audit)?;
    segments.retain(|name| is_segment(name));
    segments.sort();
    for name in segments {
        let mut head = [0; FILE_HEADER_BYTES];
        let read = env.fs.open(&audit.join(name)).and_then(|file| file.read_exact_at(&mut head, 0));
        if let (Ok(()), Ok(header)) = (read, FileHeader::decode(&head)) {
            return Ok(header.instance_id);
        }
    }
    Err(Failure::damage(format!("no segment in {} has a valid head", audit.display())))
}

impl Log {
    fn open(path: &Path, place: &Place) -> Result<Log, Failure> {
        let env = RealEnv::new();
        let (data, dir) = folders(path, place.data_dir.as_ref())?;
        let instance = instance_id(&env, &data, &dir)?;
        let keys = open_keys(&env, &data, instance, place.key_file.as_ref())?;
        Ok(Log { env, keys, dir })
    }

    /// As [`Log::open`]; files are segments of one folder, and the others in it are left out.
    fn open_any(paths: &[PathBuf], place: &Place) -> Result<Log, Failure> {
        match paths {
            [path] if path.is_dir() => return Log::open(path, place),
            _ => {}
        }
        let mut chosen = Vec::with_capacity(paths.len());
        let mut parent: Option<PathBuf> = None;
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let Some(name) = name.filter(|name| path.is_file() && is_segment(name)) else {
                return Err(Failure::usage(format!(
                    "{} is neither a data folder nor a segment-*.audit file",
                    path.display()
                )));
            };
            let folder = match path.parent() {
                Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
                Some(folder) => folder.to_path_buf(),
                None => PathBuf::from("."),
            };
            if parent.as_ref().is_some_and(|parent| *parent != folder) {
                return Err(Failure::usage("segment files must be of one folder"));
            }
            parent = Some(folder);
            chosen.push(name);
        }
        let mut log = Log::open(&parent.unwrap_or_default(), place)?;
        log.env.fs = Arc::new(OnlyThese::new(log.env.fs.clone(), chosen));
        Ok(log)
    }
}

/// A time as records have it, or a beginning of one.
fn time(flag: &str, text: &Option<String>) -> Result<Option<String>, Failure> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let Some(text) = text else { return Ok(None) };
    let text = text.replacen(' ', "T", 1);
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    let bare = text.strip_suffix('Z').unwrap_or(&text);
    if bare.len() < 4 || bare.len() > SHAPE.len() - 1 || !bare.bytes().zip(SHAPE).all(fits) {
        return Err(Failure::usage(format!(
            "--{flag} {text}: a time in UTC such as 2026-11-25T14:30:00 is expected"
        )));
    }
    Ok(Some(bare.to_string()))
}

fn filter(args: &ExportArgs) -> Result<ExportFilter, Failure> {
    if let Some(class) = &args.class
        && serde_json::from_value::<Class>(serde_json::Value::String(class.clone())).is_err()
    {
        return Err(Failure::usage(format!(
            "--class {class}: audit, connection, account, ddl, failure or checkpoint is expected"
        )));
    }
    let (user, account) = match &args.account {
        Some(account) if account.contains('@') => (None, Some(account.clone())),
        other => (other.clone(), None),
    };
    let class = args.class.clone();
    Ok(ExportFilter { from: time("from", &args.from)?, to: time("to", &args.to)?, user, account, class })
}

fn export(args: &ExportArgs) -> Result<i32, Failure> {
    let filter = filter(args)?;
    let log = Log::open_any(&args.from_where, &args.place)?;
    let format = match args.format {
        Format::Jsonl => ExportFormat::JsonLines,
        Format::Csv => ExportFormat::Csv,
    };
    let write = |out: &mut dyn Write| -> Result<u64, Failure> {
        let records = aurora_audit::export(&log.env, &*log.keys.sealing, &log.dir, &filter, format, out);
        // What was read before a damaged place is of use.
        let flushed = out.flush();
        let records = records?;
        flushed.map_err(|error| Failure::runtime(format!("writing the export: {error}")))?;
        Ok(records)
    };
    let records = match &args.output {
        None => match write(&mut BufWriter::new(std::io::stdout().lock())) {
            // Who reads has seen enough (`| head`).
            Err(failure) if failure.message.contains("Broken pipe") => return Ok(0),
            other => other?,
        },
        Some(path) => {
            let mut part = path.clone().into_os_string();
            part.push(".part");
            let part = PathBuf::from(part);
            let file = File::create(&part).map_err(|error| Failure::io("create", &part, &error))?;
            let mut out = BufWriter::new(file);
            let records = write(&mut out).map_err(|failure| Failure {
                message: format!("{} ({} holds what was read before)", failure.message, part.display()),
                ..failure
            })?;
            std::fs::rename(&part, path).map_err(|error| Failure::io("write", path, &error))?;
            records
        }
    };
    if args.json {
        let to = args.output.as_ref().map(|path| path.display().to_string());
        let summary = serde_json::json!({ "records": records, "output": to }).to_string();
        if to.is_some() { println!("{summary}") } else { eprintln!("{summary}") }
    } else {
        let to = args.output.as_ref().map_or(String::new(), |path| format!(" to {}", path.display()));
        eprintln!("{records} records exported{to}");
    }
    Ok(0)
}

fn public_key(given: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(given);
    let text = if path.is_file() {
        std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?
    } else {
        given.to_string()
    };
    let digits = text.trim().as_bytes();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        text.and_then(|text| u8::from_str_radix(text, 16).ok())
    };
    let key: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    key.filter(|key| digits.len() == 64 && key.len() == 32).ok_or_else(|| {
        Failure::usage(format!(
            "--public-key {given}: 64 hexadecimal digits or a file with them are expected"
        ))
    })
}

fn verify(args: &VerifyArgs) -> Result<i32, Failure> {
    let key = args.public_key.as_deref().map(public_key).transpose()?;
    let log = Log::open(&args.dir, &args.place)?;
    let report = aurora_audit::verify(&log.env, &*log.keys.sealing, &log.dir, key.as_deref(), args.at_least)?;
    if args.json {
        println!("{}", report_json(&report));
    } else {
        for problem in &report.problems {
            eprintln!("DAMAGE {problem}");
        }
        for note in &report.notes {
            eprintln!("note: {note}");
        }
        eprintln!("{}", report_line(&report));
        if key.is_none() {
            eprintln!(
                "note: checked with the folder's own public key; an auditor keeps a copy and gives --public-key"
            );
        }
    }
    Ok(if report.is_whole() { 0 } else { DAMAGE })
}

/// One line for people.
pub fn report_line(report: &Report) -> String {
    let end = if report.is_whole() {
        "the chain is whole".to_string()
    } else {
        format!("DAMAGED, {} problems", report.problems.len())
    };
    format!(
        "audit log: {} records ({} to {}) in {} segments, {} signed checkpoints, {} records behind the last: {end}",
        report.records,
        report.first_seq,
        report.last_seq,
        report.segments,
        report.checkpoints,
        report.unsigned_tail
    )
}

/// The report for machines.
pub fn report_json(report: &Report) -> serde_json::Value {
    serde_json::json!({
        "whole": report.is_whole(),
        "records": report.records,
        "first_seq": report.first_seq,
        "last_seq": report.last_seq,
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "unsigned_tail": report.unsigned_tail,
        "problems": report.problems,
        "notes": report.notes,
    })
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
