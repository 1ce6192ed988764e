//! Rows of a table that stand for all of them while a plan is made.

use aurora_types::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Some rows of a table, from all over it.
#[derive(Debug)]
pub struct TableSample {
    rows: Vec<Vec<Value>>,
    /// Columns whose values were kept: long ones are not.
    kept: Vec<bool>,
    /// Rows of the whole table, about.
    total: f64,
    distinct: Vec<OnceLock<f64>>,
}

impl TableSample {
    /// `rows` in table order; columns that are not `kept` may hold anything.
    pub fn new(rows: Vec<Vec<Value>>, kept: Vec<bool>, total: f64) -> TableSample {
        let distinct = kept.iter().map(|_| OnceLock::new()).collect();
        TableSample { rows, kept, total, distinct }
    }

    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    pub fn has(&self, column: usize) -> bool {
        self.kept.get(column).copied().unwrap_or(false)
    }

    /// About how many distinct values a column has in the whole table.
    pub fn distinct(&self, column: usize) -> Option<f64> {
        if !self.has(column) || self.rows.is_empty() {
            return None;
        }
        Some(*self.distinct.get(column)?.get_or_init(|| self.count(column)))
    }

    /// Values that the sample has once tell of those that it misses (the first estimator of Haas and Stokes).
    fn count(&self, column: usize) -> f64 {
        let mut times: HashMap<String, u32> = HashMap::with_capacity(self.rows.len());
        let mut met = 0.0;
        for value in self.rows.iter().filter_map(|row| row.get(column)).filter(|value| !value.is_null()) {
            *times.entry(format!("{value:?}")).or_default() += 1;
            met += 1.0;
        }
        if met == 0.0 {
            return 1.0;
        }
        let once = times.values().filter(|times| **times == 1).count() as f64;
        let seen = times.len() as f64;
        let share = (met / self.total.max(met)).min(1.0);
        (seen / (1.0 - (1.0 - share) * once / met).max(share)).clamp(seen, self.total.max(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: impl Iterator<Item = i64>, total: f64) -> TableSample {
        TableSample::new(values.map(|v| vec![Value::Int(v)]).collect(), vec![true], total)
    }

    #[test]
    fn distinct_values_are_told_from_a_part() {
        assert_eq!(sample((0..100).map(|v| v % 5), 10_000.0).distinct(0), Some(5.0));
        assert!((sample(0..100, 10_000.0).distinct(0).unwrap() - 10_000.0).abs() < 1.0);
        assert_eq!(sample(0..100, 100.0).distinct(0), Some(100.0));
        let between = sample((0..1000).map(|v| v * 7919 % 800), 10_000.0).distinct(0).unwrap();
        assert!((800.0..3000.0).contains(&between), "{between}");
        assert_eq!(sample(0..100, 100.0).distinct(1), None);
    }
}
