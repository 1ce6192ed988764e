//! Power loss at any operation: nothing acknowledged is lost, nothing appears in parts.

use super::basic::{DIR, Machine, all, commit, small, tiny};
use crate::*;
use aurora_env::sim::{SimFaults, SimRng};
use aurora_env::{FILE_HEADER_BYTES, FileHeader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// States after each seq, the first at `base`.
struct History {
    states: Vec<Rows>,
    /// The newest seq that was acknowledged as synced.
    acknowledged: u64,
}

fn random_commit(rng: &mut SimRng, rows: &mut Rows) -> WriteBatch {
    let mut batch = WriteBatch::new();
    if rng.chance(25) {
        let low = (rng.below(200) as u32).to_be_bytes();
        let high = (rng.below(200) as u32).to_be_bytes();
        batch.delete_range(&low, &high);
        rows.retain(|key, _| !(key.as_slice() >= &low[..] && key.as_slice() < &high[..]));
        return batch;
    }
    let mut keys: Vec<u64> = (0..=rng.below(6)).map(|_| rng.below(200)).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let key = (key as u32).to_be_bytes();
        if rng.chance(4) {
            batch.delete(&key);
            rows.remove(&key[..]);
        } else {
            let value = vec![rng.next_u64() as u8; rng.below(300) as usize];
            batch.put(&key, &value);
            rows.insert(key.to_vec(), value);
        }
    }
    batch
}

/// Commits until the machine dies or `count` is reached.
fn live(engine: &Arc<Engine>, rng: &mut SimRng, history: &mut History, count: u64) {
    for _ in 0..count {
        let mut rows = history.states.last().cloned().unwrap_or_default();
        let batch = random_commit(rng, &mut rows);
        let durability = match rng.below(4) {
            0 => Durability::Buffered,
            1 => Durability::Written,
            _ => Durability::Synced,
        };
        let Ok(ticket) = engine.commit(&batch, &CommitFields::new(), durability, Arc::new(NoHooks)) else {
            return;
        };
        history.states.push(rows);
        assert_eq!(ticket.seq().0 + 1, history.states.len() as u64);
        match ticket.outcome() {
            Some(Ok(seq)) if durability == Durability::Synced => history.acknowledged = seq.0,
            Some(Ok(_)) => {}
            _ => return,
        }
    }
}

fn run(seed: u64) {
    // Some runs flush and compact all the time, some recover long logs.
    let options = [small(), tiny(), roomy()][(seed % 3) as usize].clone();
    let machine = Machine::new(seed);
    let mut rng = SimRng::new(seed ^ 0xC0FFEE);
    let mut history = History { states: vec![Rows::new()], acknowledged: 0 };
    for round in 0..6 {
        machine.sim.fs.set_faults(SimFaults { crash_after: Some(rng.below(400)), ..SimFaults::default() });
        if let Ok(engine) = machine.open(&options) {
            live(&engine, &mut rng, &mut history, 400);
        }
        if rng.chance(4) {
            machine.sim.fs.set_faults(SimFaults::default());
            machine.sim.fs.kill_process();
        } else {
            machine.sim.fs.crash();
        }
        machine.sim.fs.set_faults(SimFaults::default());
        let engine = machine.open(&options).unwrap_or_else(|e| panic!("seed {seed}, round {round}: {e}"));
        let found = engine.published().0;
        assert!(
            found >= history.acknowledged && found < history.states.len() as u64,
            "seed {seed}, round {round}: {found} after {} of {}",
            history.acknowledged,
            history.states.len()
        );
        let want: Vec<_> = history.states[found as usize].clone().into_iter().collect();
        assert_eq!(all(&engine, ReadAt::Published), want, "seed {seed}, round {round}");
        history.states.truncate(found as usize + 1);
        // What a restart has shown stays.
        history.acknowledged = found;
        let more = rng.below(60);
        live(&engine, &mut rng, &mut history, more);
        drop(engine);
        history.acknowledged = history.states.len() as u64 - 1;
    }
}

#[test]
fn no_crash_loses_what_was_acknowledged() {
    let seeds = std::env::var("AURORA_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    for seed in 0..seeds {
        run(seed);
    }
}

fn newest(machine: &Machine, dir: &str, suffix: &str) -> PathBuf {
    let dir = Path::new(DIR).join(dir);
    let mut names = machine.sim.env().fs.list(&dir).unwrap();
    names.retain(|name| name.ends_with(suffix));
    names.sort();
    dir.join(names.last().unwrap())
}

fn fill(engine: &Engine, commits: u32) {
    for i in 0..commits {
        commit(engine, Durability::Synced, |batch| batch.put(&i.to_be_bytes(), &[9; 40])).unwrap();
    }
}

fn roomy() -> EngineOptions {
    EngineOptions { memtable_bytes: 1 << 20, wal_segment_bytes: 1 << 20, ..small() }
}

#[test]
fn a_file_of_the_log_serves_again_and_what_it_held_counts_for_nothing() {
    let machine = Machine::new(8);
    let options = EngineOptions { wal_segment_bytes: 8 << 10, ..roomy() };
    let engine = machine.open(&options).unwrap();
    // Of a sector each: four segments.
    fill(&engine, 60);
    engine.flush().unwrap();
    commit(&engine, Durability::Synced, |batch| {
        batch.delete_range(&0u32.to_be_bytes(), &40u32.to_be_bytes())
    })
    .unwrap();
    fill(&engine, 20);
    let rows = all(&engine, ReadAt::Published);
    let wal = newest(&machine, "wal", ".wal");
    let file = machine.sim.env().fs.open(&wal).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    let id = FileHeader::decode(&bytes[..FILE_HEADER_BYTES]).unwrap().file_id;
    let chunks = bytes.chunks(512).filter(|sector| sector.starts_with(b"AChk"));
    let (own, left): (Vec<_>, Vec<_>) = chunks.partition(|head| head[8..24] == id);
    assert!(!own.is_empty() && !left.is_empty(), "{} chunks, {} of an earlier use", own.len(), left.len());
    drop(file);
    machine.sim.fs.kill_process();
    drop(engine);
    assert_eq!(all(&machine.open(&options).unwrap(), ReadAt::Published), rows);
    let files = machine.sim.env().fs.list(&Path::new(DIR).join("wal")).unwrap();
    assert_eq!(files.len(), 1, "a start keeps none: {files:?}");
}

#[test]
fn a_flipped_bit_in_the_last_chunk_is_a_torn_tail_and_any_other_is_damage() {
    let machine = Machine::new(3);
    let engine = machine.open(&roomy()).unwrap();
    fill(&engine, 20);
    let wal = newest(&machine, "wal", ".wal");
    machine.sim.fs.kill_process();
    drop(engine);
    // Each commit was one chunk of one sector.
    for sector in 1..20u64 {
        let offset = sector * 512 + 60;
        machine.sim.fs.flip_bit(&wal, offset, 3).unwrap();
        let error = machine.open(&roomy()).err().unwrap();
        assert!(error.is_damage(), "sector {sector}: {error}");
        machine.sim.fs.flip_bit(&wal, offset, 3).unwrap();
    }
    machine.sim.fs.flip_bit(&wal, 10, 3).unwrap();
    assert!(machine.open(&roomy()).err().unwrap().is_damage(), "the header");
    machine.sim.fs.flip_bit(&wal, 10, 3).unwrap();
    machine.sim.fs.flip_bit(&wal, 20 * 512 + 60, 3).unwrap();
    let engine = machine.open(&roomy()).unwrap();
    assert_eq!(engine.published(), Seq(19));
}

#[test]
fn a_missing_segment_or_table_is_damage() {
    let options = EngineOptions { memtable_bytes: 1 << 20, ..small() };
    let machine = Machine::new(4);
    let engine = machine.open(&options).unwrap();
    fill(&engine, 60);
    machine.sim.fs.kill_process();
    drop(engine);
    let fs = machine.sim.env().fs;
    let wal = Path::new(DIR).join("wal");
    let mut names = fs.list(&wal).unwrap();
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    let (victim, aside) = (wal.join(&names[1]), Path::new(DIR).join("tmp").join("aside"));
    fs.rename(&victim, &aside).unwrap();
    assert!(machine.open(&options).err().unwrap().is_damage());
    fs.rename(&aside, &victim).unwrap();
    let engine = machine.open(&options).unwrap();
    assert_eq!(engine.published(), Seq(60));
    drop(engine);
    let table = newest(&machine, "sst", ".sst");
    fs.remove(&table).unwrap();
    assert!(machine.open(&options).err().unwrap().is_damage());
}

#[test]
fn a_failed_sync_refuses_writes_and_locking_reads_until_a_restart() {
    let machine = Machine::new(5);
    let engine = machine.open(&roomy()).unwrap();
    fill(&engine, 5);
    machine.sim.fs.set_faults(SimFaults { fail_sync_after: Some(0), ..SimFaults::default() });
    let fate = commit(&engine, Durability::Synced, |batch| batch.put(b"lost?", b"1"));
    assert!(matches!(fate, Err(LsmError::LogFailed(_))));
    assert_eq!(engine.published(), Seq(5));
    assert!(matches!(
        commit(&engine, Durability::Synced, |b| b.put(b"x", b"1")),
        Err(LsmError::LogFailed(_))
    ));
    assert!(matches!(engine.lookup(b"x", ReadAt::Newest), Err(LsmError::LogFailed(_))));
    assert!(engine.get(&4u32.to_be_bytes(), ReadAt::Published).unwrap().is_some());
    assert!(engine.flush().is_err(), "nothing more is flushed");
    assert!(engine.when_published(Seq(6)).wait_blocking().is_err());
    drop(engine);
    machine.sim.fs.crash();
    let engine = machine.open(&roomy()).unwrap();
    assert!(engine.published() >= Seq(5) && engine.published() <= Seq(6));
    fill(&engine, 3);
}

#[test]
fn a_full_disk_refuses_growth_and_lets_deletes_go_on() {
    let machine = Machine::new(6);
    let options = EngineOptions { disk_reserve_bytes: 64 << 10, ..small() };
    let engine = machine.open(&options).unwrap();
    fill(&engine, 50);
    let used = machine.sim.fs.used_bytes();
    let full = SimFaults { capacity_bytes: Some(used + (32 << 10)), ..SimFaults::default() };
    machine.sim.fs.set_faults(full);
    assert!(matches!(commit(&engine, Durability::Synced, |b| b.put(b"x", b"1")), Err(LsmError::DiskFull)));
    commit(&engine, Durability::Synced, |batch| batch.delete(&7u32.to_be_bytes())).unwrap();
    machine.sim.fs.set_faults(SimFaults::default());
    commit(&engine, Durability::Synced, |batch| batch.put(b"x", b"1")).unwrap();
    assert_eq!(all(&engine, ReadAt::Published).len(), 50);
}

#[test]
fn reading_only_writes_nothing() {
    let machine = Machine::new(7);
    let engine = machine.open(&small()).unwrap();
    fill(&engine, 120);
    drop(engine);
    let before = machine.sim.fs.operations();
    let env = machine.sim.env();
    let dir = DataDir::open_existing(Path::new(DIR), &env).unwrap();
    let options = EngineOptions { read_only: true, ..small() };
    let engine = Engine::open(dir, options, env, machine.sealing.clone()).unwrap();
    assert_eq!(all(&engine, ReadAt::Published).len(), 120);
    assert!(commit(&engine, Durability::Synced, |b| b.put(b"x", b"1")).is_err());
    drop(engine);
    assert_eq!(machine.sim.fs.operations(), before);
}

#[test]
fn a_flush_without_space_is_tried_again() {
    let machine = Machine::new(10);
    let engine = machine.open(&roomy()).unwrap();
    fill(&engine, 200);
    let used = machine.sim.fs.used_bytes();
    machine.sim.fs.set_faults(SimFaults { capacity_bytes: Some(used), ..SimFaults::default() });
    assert!(engine.flush().err().unwrap().is_disk_full());
    // The log has its space already.
    commit(&engine, Durability::Synced, |batch| batch.put(b"x", b"1")).unwrap();
    assert_eq!(all(&engine, ReadAt::Published).len(), 201);
    machine.sim.fs.set_faults(SimFaults::default());
    engine.flush().unwrap();
    assert_eq!(all(&engine, ReadAt::Published).len(), 201);
    drop(engine);
    assert_eq!(all(&machine.open(&roomy()).unwrap(), ReadAt::Published).len(), 201);
}
