//! Loading many rows: by INSERTs, by a dump, and by each server's own statement for files.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::client::Client;
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};
use crate::migrate;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows of one INSERT.
const BATCH_ROWS: u32 = 500;
const TABLE: &str = "loaded";

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Insert,
    Dump,
    File,
}

/// What a load gives. The connection stays until the server's figures are read: PostgreSQL's process of it ends with it, and
/// takes what it has written along.
struct Loaded {
    seconds: f64,
    _client: Option<Client>,
}

struct Load {
    name: &'static str,
    how: How,
}

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    let all = [("bulk-insert", How::Insert), ("load-dump", How::Dump), ("load-data", How::File)];
    all.map(|(name, how)| Box::new(Load { name, how }) as Box<dyn Workload>).into()
}

/// The INSERTs of all rows, each with the number of its last row.
fn inserts(rows: u32) -> impl Iterator<Item = String> {
    (1..=rows).step_by(BATCH_ROWS as usize).map(move |first| {
        let mut text = format!("INSERT INTO {TABLE} VALUES ");
        for id in first..=(first + BATCH_ROWS - 1).min(rows) {
            let (k, c, pad) = sbtest::row(id, rows);
            let comma = if id == first { "" } else { "," };
            text.push_str(&format!("{comma}({id},{k},'{c}','{pad}')"));
        }
        text
    })
}

/// Writes a file once for all sides and rounds.
fn written(
    path: PathBuf,
    write: impl FnOnce(&mut BufWriter<std::fs::File>) -> std::io::Result<()>,
) -> Result<PathBuf, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if !path.exists() {
        let part = path.with_extension("part");
        let mut out = BufWriter::new(std::fs::File::create(&part).map_err(fail)?);
        write(&mut out).and_then(|()| out.flush()).map_err(fail)?;
        std::fs::rename(&part, &path).map_err(fail)?;
    }
    Ok(path)
}

fn tab_separated(setting: &Setting) -> Result<PathBuf, String> {
    written(setting.folder.join("aurora_bench.tsv"), |out| {
        for id in 1..=setting.rows {
            let (k, c, pad) = sbtest::row(id, setting.rows);
            writeln!(out, "{id}\t{k}\t{c}\t{pad}")?;
        }
        Ok(())
    })
}

fn dump(setting: &Setting, kind: Kind) -> Result<PathBuf, String> {
    // The same statements for all, less the name of the engine.
    written(setting.folder.join(format!("aurora_bench_{}.sql", kind.name())), |out| {
        writeln!(out, "DROP TABLE IF EXISTS {TABLE};")?;
        for statement in kind.create_table(&sbtest::table(TABLE)) {
            writeln!(out, "{statement};")?;
        }
        inserts(setting.rows).try_for_each(|statement| writeln!(out, "{statement};"))
    })
}

fn size(path: &Path) -> Result<f64, String> {
    std::fs::metadata(path)
        .map(|about| about.len() as f64)
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn insert(side: &Side, setting: &Setting) -> Result<Loaded, String> {
    let statements: Vec<String> = inserts(setting.rows).collect();
    let mut client = fresh(side)?;
    let begun = Instant::now();
    for statement in statements {
        if interrupted() {
            return Err("interrupted".into());
        }
        client.exec(&statement)?;
    }
    Ok(Loaded { seconds: begun.elapsed().as_secs_f64(), _client: Some(client) })
}

fn fresh(side: &Side) -> Result<Client, String> {
    let mut client = side.connect()?;
    side.make_table(&mut client, &sbtest::table(TABLE))?;
    Ok(client)
}

/// RocksDB's own way to load in the order of the key; what was gathered becomes the table's files when it ends.
fn rocks(client: &mut Client, on: u8) -> Result<(), String> {
    if on == 1 {
        client.exec("SET SESSION rocksdb_bulk_load_allow_sk=1")?;
    }
    client.exec(&format!("SET SESSION rocksdb_bulk_load={on}"))?;
    Ok(())
}

/// A dump's statements one after the other, as the mysql client sends them: `migrate` keeps its progress in a table, which
/// RocksDB's way of loading forbids.
fn play(side: &Side, dump: &Path) -> Result<f64, String> {
    let text = std::fs::read_to_string(dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    let mut client = side.connect()?;
    let begun = Instant::now();
    rocks(&mut client, 1)?;
    for statement in text.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        client.exec(statement)?;
    }
    rocks(&mut client, 0)?;
    Ok(begun.elapsed().as_secs_f64())
}

fn load_dump(side: &Side, setting: &Setting) -> Result<f64, String> {
    let path = dump(setting, side.kind)?;
    let args = migrate::MigrateArgs {
        source: path.display().to_string(),
        to: side.login.url(&side.database()),
        force: false,
        restart: true,
        batch_bytes: 4 << 20,
        mysqldump: "mysqldump".into(),
        json: true,
    };
    if side.kind == Kind::Myrocks {
        return play(side, &path);
    }
    let report = migrate::load_file(&args).map_err(|error| error.to_string())?;
    if !report.counts_match() {
        return Err("WRONG: row counts differ after the load".into());
    }
    Ok(report.seconds)
}

fn load_data(side: &Side, setting: &Setting) -> Result<Loaded, String> {
    let path = tab_separated(setting)?;
    let mut client = fresh(side)?;
    match side.kind {
        Kind::Myrocks => rocks(&mut client, 1)?,
        Kind::Mysql | Kind::Mariadb => {
            client.exec("SET unique_checks=0, foreign_key_checks=0")?;
        }
        _ => {}
    }
    let begun = Instant::now();
    client.load_file(TABLE, &path)?;
    if side.kind == Kind::Myrocks {
        rocks(&mut client, 0)?;
    }
    Ok(Loaded { seconds: begun.elapsed().as_secs_f64(), _client: Some(client) })
}

impl Workload for Load {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> String {
        match self.how {
            How::Insert => "INSERTs of 500 rows, one client, each its own transaction",
            How::Dump => "a mysqldump by `aurora migrate`",
            How::File => "LOAD DATA LOCAL, or COPY, of a file in the order of the key, with each server's best settings",
        }
        .into()
    }

    fn metrics(&self) -> Vec<Metric> {
        let goals = match self.how {
            How::Insert => vec![(Some(Kind::Mysql), Goal::Ratio(3.0))],
            _ => vec![(Some(Kind::Mysql), Goal::Ratio(4.0)), (Some(Kind::Myrocks), Goal::Ratio(1.3))],
        };
        let mut rows = Metric::new("rows", "rows/s", Better::More);
        rows.goals = goals;
        vec![
            rows,
            Metric::new("server CPU", "µs/row", Better::Less),
            Metric::new("written", "bytes/row", Better::Less).detail(),
        ]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        match self.how {
            How::Dump if !kind.is_mysql() => Some("a dump in MySQL's words".into()),
            How::Insert if kind == Kind::Duckdb => Some("made for analytics: rows come in by files".into()),
            _ => None,
        }
    }

    fn round(&self, side: &mut Side, setting: &Setting, _: u64) -> Result<Round, String> {
        let before = side.usage();
        let loaded = match self.how {
            How::Insert => insert(side, setting),
            How::Dump => load_dump(side, setting).map(|seconds| Loaded { seconds, _client: None }),
            How::File => load_data(side, setting),
        }?;
        let after = side.usage();
        let seconds = loaded.seconds;
        let rows = f64::from(setting.rows);
        let found = side.connect()?.number(&format!("SELECT COUNT(*) FROM {TABLE}"))?;
        if found != rows {
            return Err(format!("WRONG: {rows} rows were acknowledged, {found} arrived"));
        }
        let used = before.and_then(|before| after.map(|after| (before, after)));
        let per_row = |used: &dyn Fn() -> Result<f64, String>| used().map(|total| total / rows);
        let mut round = Round::of([rows / seconds.max(1e-9)]);
        round.values.push(per_row(&|| {
            used.clone().map(|(before, after)| (after.cpu_seconds - before.cpu_seconds) * 1e6)
        }));
        round.values.push(per_row(&|| {
            used.clone()
                .map(|(before, after)| after.written_bytes.saturating_sub(before.written_bytes) as f64)
        }));
        if self.how == How::Dump {
            let rate = size(&dump(setting, side.kind)?)? / 1e6 / seconds.max(1e-9);
            round.note = Some(format!("{rate:.1} MB/s of dump"));
        }
        Ok(round)
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let sum = side.connect()?.number(&format!("SELECT SUM(k) FROM {TABLE}"))?;
        let expected: f64 = (1..=setting.rows).map(|id| f64::from(sbtest::row(id, setting.rows).0)).sum();
        if sum != expected {
            return Err(format!("the sum of a column is {sum}, not {expected}"));
        }
        Ok("the number of rows and a column's sum are right".into())
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        side.connect()?.exec(&format!("DROP TABLE IF EXISTS {TABLE}"))?;
        Ok(())
    }
}
