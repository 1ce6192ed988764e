//! The table for people.

use super::{Row, number};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

fn verdict(row: &Row) -> String {
    let mut parts = Vec::new();
    match (row.met, &row.error) {
        (_, Some(error)) if row.has_failed() => parts.push(format!("FAILED: {error}")),
        (_, Some(error)) => parts.push(error.clone()),
        (Some(true), None) => parts.push("met".into()),
        (Some(false), None) => parts.push("not met".into()),
        (None, None) => {}
    }
    if row.partial {
        parts.push("PARTIAL".into());
    }
    if row.ours_rounds.is_empty() || !row.detail {
        parts.extend(row.note.clone());
    }
    parts.join("; ")
}

/// All rows, or without the details.
pub fn table(rows: &[Row], details: bool) -> String {
    let mut table = Table::new();
    // Markdown, so that it can be kept as it is.
    table.load_preset(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["work", "peer", "unit", "ours", "theirs", "ratio", "goal", ""]);
    let mut works_failed = Vec::new();
    for row in rows {
        // One row is enough for what failed in all figures alike.
        let failure = (row.work.split(": ").next(), &row.peer, &row.error);
        let again = row.error.is_some() && works_failed.contains(&failure);
        if row.error.is_some() {
            works_failed.push(failure);
        }
        if again || (row.detail && !details) {
            continue;
        }
        let figure = |value: Option<f64>, spread: Option<f64>| {
            let spread = spread.map_or(String::new(), |spread| format!(" ±{:.0}%", spread * 100.0));
            value.map_or("–".to_string(), |value| format!("{}{spread}", number(value)))
        };
        table.add_row([
            row.work.clone(),
            row.peer.clone(),
            row.unit.clone(),
            figure(row.ours, row.spread_ours),
            figure(row.theirs, row.spread_theirs),
            row.ratio.map_or("–".into(), |ratio| format!("{}×", number(ratio))),
            row.goal.clone().unwrap_or_default(),
            verdict(row),
        ]);
    }
    for column in 3..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

/// How much of the machine the client itself took, and where it may have been the limit.
pub fn client_share(rows: &[Row]) -> String {
    let processors = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
    let busy = rows.iter().filter_map(|row| {
        let (ours, theirs) = (row.client_cpus_ours?, row.client_cpus_theirs.unwrap_or(0.0));
        Some((ours.max(theirs), row))
    });
    let Some((most, row)) = busy.max_by(|a, b| a.0.total_cmp(&b.0)) else { return String::new() };
    let work = row.work.split(": ").next().unwrap_or_default();
    let limit = if most > processors / 2.0 {
        " A LIMIT BY THE CLIENT: throughput there says less than server CPU does."
    } else {
        ""
    };
    format!(
        "The client itself used up to {most:.2} of {processors} processors ({work}): throughput is shared with it, server \
         CPU is not.{limit}\n"
    )
}
