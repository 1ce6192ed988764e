//! Reads everything once, in key order, and looks each row's entries and each entry's row up.

use super::Problem;
use super::shape::{IndexShape, Plan, Role, TableShape};
use aurora_lsm::{Engine, LsmError, ReadAt};
use aurora_types::codec::RowView;
use aurora_types::codec::key::key_prefix;
use indicatif::ProgressBar;
use std::ops::Bound;

/// Findings beyond this many are counted, not kept.
const PROBLEMS_MAX: usize = 200;
/// Bytes of a key that a message shows.
const KEY_SHOWN: usize = 40;

/// What the walk met.
#[derive(Default)]
pub struct Walked {
    pub problems: Vec<Problem>,
    /// Problems in all, kept or not.
    pub problems_met: u64,
    pub keys: u64,
    pub bytes: u64,
    pub system_keys: u64,
    /// Keys that no definition names.
    pub unowned_keys: u64,
}

impl Walked {
    pub fn problem(&mut self, place: &str, what: impl Into<String>) {
        self.problems_met += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { place: place.to_string(), what: what.into() });
        }
    }
}

fn shown(key: &[u8]) -> String {
    let cut = &key[..key.len().min(KEY_SHOWN)];
    let mut hex: String = cut.iter().map(|byte| format!("{byte:02x}")).collect();
    if key.len() > KEY_SHOWN {
        hex.push('…');
    }
    hex
}

fn start_of(storage: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(12);
    if storage > 0 {
        key_prefix(aurora_catalog::TENANT, storage, &mut key);
    }
    key
}

/// Reads all of `engine` by `plan`; counts go into the plan's shapes.
///
/// # Errors
/// What is not damage: a disk that cannot be read, a key that is missing.
pub fn walk(engine: &Engine, plan: &mut Plan, bar: &ProgressBar) -> Result<Walked, LsmError> {
    let mut walked = Walked::default();
    bar.set_length(plan.ranges.len() as u64);
    for at in 0..plan.ranges.len() {
        let (storage, role) = plan.ranges[at];
        let from = start_of(storage);
        let to = plan.ranges.get(at + 1).map(|(next, _)| start_of(*next));
        let name = name_of(plan, role);
        bar.set_message(format!("{} keys, {name}", walked.keys));
        let upper = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut iter = engine.iter(Bound::Included(&from), upper, ReadAt::Published)?;
        let mut last: Vec<u8> = Vec::new();
        let mut entries = 0;
        loop {
            match iter.next() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.is_damage() => {
                    let behind = if last.is_empty() { "nothing" } else { "only what lies before" };
                    walked.problem(&name, format!("{error}; {behind} of it could be read"));
                    break;
                }
                Err(error) => return Err(error),
            }
            let (key, value) = (iter.key(), iter.value());
            if !last.is_empty() && key <= last.as_slice() {
                walked.problem(&name, format!("key {} stands behind key {}", shown(key), shown(&last)));
            }
            last.clear();
            last.extend_from_slice(key);
            entries += 1;
            walked.keys += 1;
            walked.bytes += (key.len() + value.len()) as u64;
            if walked.keys.is_multiple_of(10_000) {
                bar.set_message(format!("{} keys, {name}", walked.keys));
                bar.tick();
            }
            match role {
                Role::System => walked.system_keys += 1,
                Role::Nobody => walked.unowned_keys += 1,
                Role::Rows(table) => check_row(engine, &plan.tables[table], key, value, &mut walked)?,
                Role::Entries(table, index) => {
                    let table = &plan.tables[table];
                    check_entry(engine, table, &table.indexes[index], key, value, &mut walked)?;
                }
            }
        }
        match role {
            Role::Rows(table) => plan.tables[table].clustered.entries = entries,
            Role::Entries(table, index) => plan.tables[table].indexes[index].entries = entries,
            _ => {}
        }
        bar.inc(1);
    }
    Ok(walked)
}

fn name_of(plan: &Plan, role: Role) -> String {
    match role {
        Role::System => "the system's keys".into(),
        Role::Nobody => "keys of no table".into(),
        Role::Rows(table) => format!("table {}", plan.tables[table].name),
        Role::Entries(table, index) => {
            let table = &plan.tables[table];
            format!("index `{}` of {}", table.indexes[index].name, table.name)
        }
    }
}

/// A lookup in which damage is a finding, not the end.
fn look(
    engine: &Engine,
    key: &[u8],
    place: &str,
    walked: &mut Walked,
) -> Result<Option<Option<aurora_lsm::PinnedValue>>, LsmError> {
    match engine.get(key, ReadAt::Published) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_damage() => {
            walked.problem(place, error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn check_row(
    engine: &Engine,
    table: &TableShape,
    key: &[u8],
    value: &[u8],
    walked: &mut Walked,
) -> Result<(), LsmError> {
    let place = format!("table {}", table.name);
    let row = match RowView::new(value, &table.layout) {
        Ok(row) => row,
        Err(error) => {
            walked.problem(&place, format!("the row with key {}: {error}", shown(key)));
            return Ok(());
        }
    };
    for column in 0..table.layout.len() {
        if let Err(error) = row.get(column) {
            walked.problem(&place, format!("the row with key {}: {error}", shown(key)));
            return Ok(());
        }
    }
    match table.key_fits(key, &row) {
        Ok(true) => {}
        Ok(false) => walked.problem(&place, format!("the key {} is not that of its row", shown(key))),
        Err(error) => walked.problem(&place, format!("the row with key {}: {error}", shown(key))),
    }
    for index in table.indexes.iter().filter(|index| index.complete) {
        let place = format!("index `{}` of {}", index.name, table.name);
        let entry = match table.entry(index, key, &row) {
            Ok(Some(entry)) => entry,
            Ok(None) => continue,
            Err(error) => {
                walked.problem(&place, format!("the row with key {}: {error}", shown(key)));
                continue;
            }
        };
        match look(engine, &entry.key, &place, walked)? {
            None => {}
            Some(None) => walked.problem(&place, format!("the row with key {} has no entry", shown(key))),
            Some(Some(value)) => {
                let in_value = value.first() == Some(&super::shape::ENTRY_VALUE);
                if in_value != entry.in_value || table.row_of(&entry.key, &value).as_deref() != Some(key) {
                    walked.problem(
                        &place,
                        format!("the entry of the row with key {} points at another", shown(key)),
                    );
                }
            }
        }
    }
    Ok(())
}

fn check_entry(
    engine: &Engine,
    table: &TableShape,
    index: &IndexShape,
    key: &[u8],
    value: &[u8],
    walked: &mut Walked,
) -> Result<(), LsmError> {
    let place = format!("index `{}` of {}", index.name, table.name);
    let Some(row_key) = table.row_of(key, value) else {
        walked.problem(&place, format!("the entry with key {} is malformed", shown(key)));
        return Ok(());
    };
    let row = match look(engine, &row_key, &place, walked)? {
        None => return Ok(()),
        Some(None) => {
            let what = format!("the entry with key {} points at no row ({})", shown(key), shown(&row_key));
            walked.problem(&place, what);
            return Ok(());
        }
        Some(Some(row)) => row,
    };
    // A row that does not decode is a finding of its table.
    let Ok(row) = RowView::new(&row, &table.layout) else { return Ok(()) };
    if let Ok(Some(entry)) = table.entry(index, &row_key, &row)
        && entry.key != key
    {
        walked.problem(&place, format!("the entry with key {} is not what its row says", shown(key)));
    }
    Ok(())
}
