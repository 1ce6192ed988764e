//! Lock schedules as text: sessions in columns, what each step gives behind `--`.
//!
//! A line's indentation names its session (A, B, C at columns 0, 32, 64). `waits` means that the step is blocked; the
//! line that unblocks it says what it gave. `UPDATE=1` rewrites the files.

use aurora_env::{KillFlag, KillLevel, ThreadWaiter};
use aurora_txn::*;
use std::ops::Bound;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

const TABLE: u64 = 1;
const COLUMN: usize = 32;

struct Session {
    commands: Sender<String>,
    results: Receiver<String>,
    txn: Arc<Mutex<Option<Arc<Txn>>>>,
    kill: Arc<KillFlag>,
    busy: bool,
}

fn session(manager: TxnManager) -> Session {
    let (commands, inbox) = channel::<String>();
    let (outbox, results) = channel();
    let txn = Arc::new(Mutex::new(None));
    let kill = Arc::new(KillFlag::new());
    let (held, flag) = (txn.clone(), kill.clone());
    std::thread::spawn(move || {
        for command in inbox {
            flag.clear_query();
            let result = step(&manager, &held, &flag, &command).unwrap_or_else(|error| {
                let sql = aurora_types::SqlError::from(error);
                format!("error {}", sql.code)
            });
            if outbox.send(result).is_err() {
                return;
            }
        }
    });
    Session { commands, results, txn, kill, busy: false }
}

fn text(value: Option<&[u8]>) -> String {
    value.map_or("absent".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
}

fn policy(word: Option<&&str>) -> WaitPolicy {
    match word {
        Some(&"nowait") => WaitPolicy::NoWait,
        Some(&"skip") => WaitPolicy::SkipLocked,
        _ => WaitPolicy::Wait,
    }
}

fn mode(word: &str) -> LockMode {
    *LockMode::ALL.iter().find(|mode| mode.symbol() == word).unwrap_or_else(|| panic!("no mode {word}"))
}

fn step(
    manager: &TxnManager,
    held: &Mutex<Option<Arc<Txn>>>,
    kill: &Arc<KillFlag>,
    command: &str,
) -> TxnResult<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    if words[0] == "begin" {
        let isolation = match words.get(1) {
            Some(&"ru") => Isolation::ReadUncommitted,
            Some(&"rc") => Isolation::ReadCommitted,
            Some(&"ser") => Isolation::Serializable,
            _ => Isolation::RepeatableRead,
        };
        *held.lock().unwrap() =
            Some(Arc::new(manager.begin_killable(isolation, TxnMode::EXPLICIT, kill.clone())));
        return Ok("ok".into());
    }
    if matches!(command, "commit" | "rollback") {
        let txn = held.lock().unwrap().take().expect("no transaction");
        // The watcher may hold it for an instant.
        let mut txn = Some(txn);
        let txn = loop {
            match Arc::try_unwrap(txn.take().unwrap()) {
                Ok(txn) => break txn,
                Err(shared) => txn = Some(shared),
            }
            std::thread::yield_now();
        };
        if command == "commit" {
            txn.commit(Durability::Synced)?.wait(&ThreadWaiter)?;
        }
        return Ok("ok".into());
    }
    let txn = held.lock().unwrap().clone().expect("no transaction");
    if words[0] != "savepoint" && words[0] != "back" {
        let _ = txn.begin_statement();
    }
    let key = words.get(1).map_or(&b""[..], |word| word.as_bytes());
    let locked = |mode, policy| -> TxnResult<Option<Option<ValueBytes>>> {
        Ok(match txn.lock_get(TABLE, key, mode, policy)? {
            Locked::Row { value, .. } => Some(value),
            Locked::Skipped => None,
        })
    };
    let done = "ok".to_owned();
    Ok(match words[0] {
        "get" => text(txn.get(key)?.as_deref()),
        "lock" => match locked(mode(words[2]), policy(words.get(3)))? {
            Some(value) => text(value.as_deref()),
            None => "skipped".into(),
        },
        "put" => {
            locked(LockMode::Exclusive, WaitPolicy::Wait)?;
            txn.put(key, words[2].as_bytes())?;
            done
        }
        "insert" => match locked(LockMode::Exclusive, WaitPolicy::Wait)? {
            Some(Some(_)) => "duplicate".into(),
            _ => {
                txn.put(key, words[2].as_bytes())?;
                done
            }
        },
        "add" => {
            let old = locked(LockMode::Exclusive, WaitPolicy::Wait)?.flatten();
            let old: i64 = text(old.as_deref()).parse().unwrap_or(0);
            let new = old + words[2].parse::<i64>().unwrap();
            txn.put(key, new.to_string().as_bytes())?;
            new.to_string()
        }
        "delete" => {
            locked(LockMode::Exclusive, WaitPolicy::Wait)?;
            txn.delete(key)?;
            done
        }
        "unlock" => {
            txn.unlock_row(key);
            done
        }
        "table" => {
            txn.lock_table(TABLE, mode(words[1]), policy(words.get(2)))?;
            done
        }
        "range" => {
            let (lower, upper) = (Bound::Included(key), Bound::Excluded(words[2].as_bytes()));
            txn.lock_range(lower, upper, mode(words[3]), policy(words.get(4)))?;
            rows(&txn, key, words[2].as_bytes(), View::Current)?
        }
        "scan" => rows(&txn, key, words[2].as_bytes(), View::Snapshot)?,
        "savepoint" => {
            txn.savepoint(words[1]);
            done
        }
        "back" => {
            txn.rollback_to(words[1])?;
            done
        }
        other => panic!("unknown step {other}"),
    })
}

fn rows(txn: &Txn, lower: &[u8], upper: &[u8], view: View) -> TxnResult<String> {
    let mut cursor =
        txn.scan_all_own(Bound::Included(lower), Bound::Excluded(upper), Direction::Forward, view)?;
    let mut found = Vec::new();
    while cursor.advance()? {
        found.push(format!("{}={}", text(Some(cursor.key())), text(Some(cursor.value()))));
    }
    Ok(if found.is_empty() { "nothing".into() } else { found.join(" ") })
}

/// Waits until every session is idle or blocked; gives what became of those that were busy.
fn settle(sessions: &mut [Session]) -> Vec<(usize, String)> {
    let mut finished = Vec::new();
    for (at, session) in sessions.iter_mut().enumerate() {
        while session.busy {
            if let Ok(result) = session.results.try_recv() {
                session.busy = false;
                finished.push((at, result));
                break;
            }
            let blocked = session.txn.lock().unwrap().as_ref().is_some_and(|txn| txn.is_waiting());
            if blocked {
                break;
            }
            std::thread::yield_now();
        }
    }
    finished
}

fn run(schedule: &str) -> String {
    let options = TxnOptions { escalate_row_locks: 3, ..TxnOptions::default() };
    let manager = TxnManager::on_store(Arc::new(MemoryStore::new()), options, Arc::new(ThreadWaiter));
    let mut sessions: Vec<Session> = Vec::new();
    let mut out = String::new();
    for line in schedule.lines() {
        let written = line.split("--").next().unwrap_or("").trim_end();
        if written.is_empty() || written.starts_with('#') {
            out.push_str(if written.starts_with('#') { line } else { "" });
            out.push('\n');
            continue;
        }
        let indent = written.len() - written.trim_start().len();
        let who = indent / COLUMN;
        while sessions.len() <= who {
            sessions.push(session(manager.clone()));
        }
        let command = written.trim();
        let mut finished = Vec::new();
        if let Some(target) = command.strip_prefix("kill ") {
            let target = usize::from(target.as_bytes()[0] - b'A');
            sessions[target].kill.kill(KillLevel::Query);
            finished.push((target, sessions[target].results.recv().unwrap()));
            sessions[target].busy = false;
        } else {
            sessions[who].commands.send(command.to_owned()).unwrap();
            sessions[who].busy = true;
            // The step itself first, then those that it let go.
            let mut got = settle(&mut sessions[who..=who]);
            got.iter_mut().for_each(|(at, _)| *at = who);
            finished.append(&mut got);
        }
        loop {
            let mut more = settle(&mut sessions);
            if more.is_empty() {
                break;
            }
            finished.append(&mut more);
        }
        let mut results = Vec::new();
        if !command.starts_with("kill") && !finished.iter().any(|(at, _)| *at == who) {
            results.push("waits".to_owned());
        }
        // The step's own result first, then the others by name: threads finish in any order.
        finished.sort_by_key(|(at, _)| (*at != who, *at));
        for (at, result) in finished {
            let name = char::from(b'A' + at as u8);
            results.push(if at == who { result } else { format!("{name}: {result}") });
        }
        out.push_str(&format!("{written:<96}-- {}\n", results.join("; ")));
    }
    out
}

#[test]
fn schedules_give_what_is_written_beside_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedules");
    let mut paths: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let written = std::fs::read_to_string(&path).unwrap();
        // Schedules are separated by lines of `=`.
        let got: Vec<String> = written.split("====\n").map(run).collect();
        let got = got.join("====\n");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, got).unwrap();
        } else {
            assert_eq!(got, written, "{}", path.display());
        }
    }
}
