//! Saved results as a page of tables: a figure a line, every peer beside the others.

use super::{Row, compare, number};
use crate::failure::Failure;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Print what races have saved as Markdown: one table for each file, all peers side by side.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  aurora bench race tpcc --against mysql,myrocks --save tpcc.json\n  \
    aurora bench tables tpcc.json tpch.json > figures.md\n\n\
    Exit codes: 0 printed; 1 a file is no result of a race; 2 usage.")]
pub struct TablesArgs {
    /// Files of `--save` or `--json`.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only the figures that have goals, throughput and CPU; otherwise every one.
    #[arg(long)]
    short: bool,
}

/// Runs the command; returns the exit code.
pub fn run(args: &TablesArgs) -> Result<i32, Failure> {
    let mut text = String::new();
    for path in &args.files {
        let rows = compare::read(path)?;
        let title = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(text, "## {title}\n");
        let mut settings: Vec<&str> = Vec::new();
        for row in &rows {
            if !settings.contains(&row.setting.as_str()) {
                settings.push(&row.setting);
            }
        }
        settings.iter().for_each(|setting| {
            let _ = writeln!(text, "{setting}\n");
        });
        text.push_str(&markdown(&rows, args.short));
        text.push('\n');
    }
    print!("{text}");
    Ok(0)
}

/// What stands in a cell of Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn figure(value: Option<f64>, spread: Option<f64>) -> String {
    let spread = spread.map_or(String::new(), |spread| format!(" ±{:.0}%", spread * 100.0));
    value.map_or("–".into(), |value| format!("{}{spread}", number(value)))
}

/// A side's own part of `ours: …; mysql: …`.
fn error_of(row: &Row, side: &str) -> Option<String> {
    let parts = row.error.as_deref()?.split("; ");
    parts.filter_map(|part| part.strip_prefix(side)?.strip_prefix(": ")).next().map(cell)
}

/// One table of all rows; the peers in the order in which they come.
fn markdown(rows: &[Row], short: bool) -> String {
    let mut peers: Vec<&str> = Vec::new();
    let mut lines: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        if !peers.contains(&row.peer.as_str()) {
            peers.push(&row.peer);
        }
        match lines.last_mut() {
            Some((work, same)) if *work == row.work => same.push(row),
            _ => lines.push((&row.work, vec![row])),
        }
    }
    let raced: Vec<&str> = peers.into_iter().filter(|peer| *peer != "–").collect();
    let mut text = String::from("| work | figure | unit | ours |");
    raced.iter().for_each(|peer| {
        let _ = write!(text, " {peer} | ratio |");
    });
    text.push_str(" goal |\n|---|---|---|--:|");
    text.push_str(&"--:|--:|".repeat(raced.len()));
    text.push_str("---|\n");
    let mut before = "";
    for (name, same) in lines {
        let (work, figure_name) = name.split_once(": ").unwrap_or((name, ""));
        let Some(first) = same.first() else { continue };
        let telling = first.goal.is_some() || ["throughput", "server CPU"].contains(&figure_name);
        if short && (first.detail || !telling) {
            continue;
        }
        let shown = if work == before { "" } else { work };
        before = work;
        let ours = error_of(first, "ours")
            .map_or(figure(first.ours, first.spread_ours), |why| format!("failed: {why}"));
        let _ = write!(text, "| {} | {} | {} | {ours} |", cell(shown), cell(figure_name), cell(&first.unit));
        for peer in &raced {
            let Some(row) = same.iter().find(|row| row.peer == *peer) else {
                text.push_str(" | |");
                continue;
            };
            let side = peer.split(' ').next().unwrap_or_default();
            let theirs = error_of(row, side).map_or(figure(row.theirs, row.spread_theirs), |why| {
                if why.starts_with("not raced") { why } else { format!("failed: {why}") }
            });
            let ratio = row.ratio.map_or("–".into(), |ratio| format!("{}×", number(ratio)));
            let _ = write!(text, " {theirs} | {ratio} |");
        }
        let mut goals: Vec<String> = Vec::new();
        for row in &same {
            let met = row.met.map_or("not measured", |met| if met { "met" } else { "not met" });
            if let Some(goal) = &row.goal {
                let goal = format!("{}{goal}: {met}", peer_word(&row.peer, raced.len()));
                if !goals.contains(&goal) {
                    goals.push(goal);
                }
            }
        }
        let partial = if same.iter().any(|row| row.partial) { " PARTIAL" } else { "" };
        let _ = writeln!(text, " {}{partial} |", cell(&goals.join("; ")));
    }
    text
}

/// Which peer a goal is against, where there are several.
fn peer_word(peer: &str, peers: usize) -> String {
    match peers {
        0 | 1 => String::new(),
        _ => format!("{} ", peer.split(' ').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(work: &str, peer: &str, theirs: Option<f64>, error: Option<&str>) -> Row {
        let text = format!(
            r#"{{"work":"{work}","peer":"{peer}","unit":"s","ours":2.0,"theirs":{},"ratio":{},"goal":"≥ 2×","met":true,
            "spread_ours":0.1,"spread_theirs":null,"ours_rounds":[2.0],"theirs_rounds":[],"higher_is_better":false,
            "client_cpus_ours":null,"client_cpus_theirs":null,"error":{},"partial":false,"note":null,"checked":null,
            "detail":false,"setting":"a|b"}}"#,
            theirs.map_or("null".into(), |value: f64| value.to_string()),
            theirs.map_or("null".into(), |value: f64| (value / 2.0).to_string()),
            error.map_or("null".into(), |error| format!("\"{error}\"")),
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn peers_stand_side_by_side_and_failures_in_their_place() {
        let rows = [
            row("load: sum", "mysql 9.7", Some(6.0), None),
            row("load: sum", "duckdb 2", None, Some("duckdb: no | room")),
        ];
        let text = markdown(&rows, false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| work | figure | unit | ours | mysql 9.7 | ratio | duckdb 2 | ratio | goal |");
        assert_eq!(
            lines[2],
            "| load | sum | s | 2.00 ±10% | 6.00 | 3.00× | failed: no \\| room | – | mysql ≥ 2×: met; duckdb ≥ 2×: met |"
        );
        assert_eq!(lines[1].matches('|').count(), lines[0].matches('|').count());
    }

    #[test]
    fn short_tables_leave_out_what_nobody_asked_for() {
        let mut other = row("load: p99", "mysql 9.7", Some(6.0), None);
        other.goal = None;
        let rows = [row("load: sum", "mysql 9.7", Some(6.0), None), other];
        assert_eq!((markdown(&rows, true).lines().count(), markdown(&rows, false).lines().count()), (3, 4));
    }
}
