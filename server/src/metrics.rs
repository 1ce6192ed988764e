//! The server's numbers in Prometheus' text format.

use aurora_lsm::EngineStats;
use aurora_session::SessionShared;
use std::fmt::{Display, Write};
use std::sync::atomic::Ordering;

/// All metrics.
pub fn text(shared: &SessionShared, engine: &EngineStats) -> String {
    let mut out = Exposition::default();
    let counters = &shared.counters;
    for (name, help, counter) in [
        ("questions", "Statements that clients sent.", &counters.questions),
        ("connections", "Sessions begun.", &counters.connections),
        ("aborted_connects", "Logins refused.", &counters.aborted_connects),
        ("slow_queries", "Statements slower than long_query_time.", &counters.slow_queries),
        ("errors", "Statements that failed.", &counters.errors),
        ("commits", "Transactions committed.", &counters.commits),
        ("rollbacks", "Transactions rolled back.", &counters.rollbacks),
        ("ddl", "Definitions changed.", &counters.ddl),
        ("plan_cache_hits", "Statements whose plan was kept.", &counters.plan_cache_hits),
        ("plan_cache_misses", "Statements that were planned.", &counters.plan_cache_misses),
    ] {
        out.metric(&format!("aurora_{name}_total"), "counter", help);
        out.value("", counter.load(Ordering::Relaxed));
    }
    out.metric("aurora_statements_total", "counter", "Statements run, by kind.");
    for (kind, counter) in [
        ("select", &counters.selects),
        ("insert", &counters.inserts),
        ("update", &counters.updates),
        ("delete", &counters.deletes),
    ] {
        out.value(&format!("{{kind=\"{kind}\"}}"), counter.load(Ordering::Relaxed));
    }
    let uptime_s = (shared.now_micros() - shared.facts.started_micros) as f64 / 1e6;
    let transactions = shared.catalog.manager().active().len();
    for (name, help, value) in [
        ("uptime_seconds", "Time since the start.", uptime_s),
        ("sessions", "Sessions open now.", shared.connections.lock().len() as f64),
        ("transactions_with_writes", "Transactions with pending writes.", transactions as f64),
        ("memtable_bytes", "Rows not yet in tables.", engine.memtable_bytes as f64),
        ("immutable_memtables", "Memtables waiting to be written.", engine.immutable_memtables as f64),
        ("block_cache_bytes", "Blocks in memory.", engine.block_cache_bytes as f64),
        ("snapshots", "Snapshots held.", engine.snapshots as f64),
    ] {
        out.metric(&format!("aurora_{name}"), "gauge", help);
        out.value("", value);
    }
    out.metric("aurora_level_tables", "gauge", "Sorted tables, by level.");
    for (level, (tables, _)) in engine.levels.iter().enumerate() {
        out.value(&format!("{{level=\"{level}\"}}"), tables);
    }
    out.metric("aurora_level_bytes", "gauge", "Bytes of sorted tables, by level.");
    for (level, (_, bytes)) in engine.levels.iter().enumerate() {
        out.value(&format!("{{level=\"{level}\"}}"), bytes);
    }
    out.text
}

#[derive(Default)]
struct Exposition {
    text: String,
    name: String,
}

impl Exposition {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.name);
        // Writing to a string does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, labels: &str, value: impl Display) {
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_lines_of_the_format() {
        let mut out = Exposition::default();
        out.metric("aurora_x", "gauge", "What.");
        out.value("{a=\"b\"}", 1.5);
        assert_eq!(out.text, "# HELP aurora_x What.\n# TYPE aurora_x gauge\naurora_x{a=\"b\"} 1.5\n");
    }
}
