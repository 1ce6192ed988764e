//! The order of joins: by dynamic programming over connected sets of tables (after Moerkotte and Neumann, «Analysis of
//! Two Existing and One New Dynamic Programming Algorithm …», 2006), bushy trees included; above ten, the pair that
//! gives the fewest rows first.
//!
//! Costs are in rows read in sequence. The right sides of outer, semi and anti joins come behind all that their ON
//! conditions read, and are never split.

use crate::plan::JoinType;

/// Sets of more than this many are not searched through.
const EXACT: usize = 10;

/// A left row that looks into an index, besides the look itself. Measured on cached blocks: 20 to 25, of which a guess of
/// too many left rows may take half.
const LOOP: f64 = 12.0;
/// A left row that looks into a hash table.
const PROBE: f64 = 0.6;
/// A right row that is put into one.
const BUILD: f64 = 1.0;
/// A pair that a loop without keys compares.
const PAIR: f64 = 0.1;
/// A row that comes out.
const OUTPUT: f64 = 0.2;

/// Rows from which it matters which side of a hash join is the table, where the order is told.
const SWAP_ROWS: f64 = 2000.0;

/// A set of units.
pub(super) type Units = u64;

/// A table or group of tables.
pub(super) struct Vertex {
    /// Rows that pass its own conditions, and the cost of reading them.
    pub rows: f64,
    pub cost: f64,
    pub join: JoinType,
    /// Must be there before: what ON or a LATERAL table reads.
    pub needs: Units,
    /// Runs anew for every left row.
    pub lateral: bool,
    /// By how much an outer, semi or anti join changes the number of left rows.
    pub factor: f64,
    /// Its ON condition has a key to hash by.
    pub hashable: bool,
}

/// A condition on several units.
pub(super) struct Edge {
    pub units: Units,
    pub selectivity: f64,
    /// Units of the two sides of an equality.
    pub sides: Option<(Units, Units)>,
    /// What deciding it for one row costs, when much: subqueries.
    pub cost: f64,
}

/// Columns that are all equal: their units, each with its number of distinct values.
pub(super) struct EqualColumns {
    pub units: Units,
    pub distinct: Vec<(usize, f64)>,
}

/// Where several keys to one unit together say less than each by itself: once it meets one of `others`.
pub(super) struct Correction {
    pub unit: usize,
    pub others: Units,
    pub factor: f64,
}

#[derive(Default)]
pub(super) struct Graph {
    pub vertices: Vec<Vertex>,
    pub edges: Vec<Edge>,
    pub classes: Vec<EqualColumns>,
    pub corrections: Vec<Correction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Every left row is looked up in an index of the right unit.
    Lookup,
    Hash,
    /// Every pair is looked at.
    Loop,
}

#[derive(Debug)]
pub(super) enum Tree {
    Unit(usize),
    Join { left: Box<Tree>, right: Box<Tree>, method: Method, rows: f64, cost: f64 },
}

#[derive(Clone, Copy)]
struct Entry {
    rows: f64,
    cost: f64,
    left: Units,
    method: Method,
}

const NONE: Entry = Entry { rows: 0.0, cost: f64::INFINITY, left: 0, method: Method::Hash };

/// Cost of one look into an index of a unit when these units are at hand; `None` where there is no such index.
pub(super) trait Lookups {
    fn lookup(&mut self, unit: usize, with: Units) -> Option<f64>;
}

pub(super) struct Search<'g, L> {
    pub graph: &'g Graph,
    pub lookups: L,
    /// Units without a condition between them may be joined.
    products: bool,
}

fn bit(unit: usize) -> Units {
    1 << unit
}

fn only(units: Units) -> Option<usize> {
    (units.count_ones() == 1).then(|| units.trailing_zeros() as usize)
}

impl<'g, L: Lookups> Search<'g, L> {
    pub fn new(graph: &'g Graph, lookups: L) -> Search<'g, L> {
        Search { graph, lookups, products: false }
    }

    /// The best tree of all units.
    pub fn best(&mut self) -> Option<Tree> {
        let count = self.graph.vertices.len();
        if count > EXACT {
            return self.greedy();
        }
        let mut table = vec![NONE; 1 << count];
        for products in [false, true] {
            self.products = products;
            self.fill(&mut table);
            if table.last().is_some_and(|entry| entry.cost.is_finite()) {
                return Some(self.tree(&table, (1 << count) - 1));
            }
        }
        None
    }

    /// The units one after the other as they stand, as far as they can.
    pub fn in_order(&mut self) -> Option<Tree> {
        self.products = true;
        let mut rest: Vec<usize> = (0..self.graph.vertices.len()).collect();
        let mut known: Option<(Units, Entry, Tree)> = None;
        while !rest.is_empty() {
            let have = known.as_ref().map_or(0, |(units, _, _)| *units);
            let at = rest.iter().position(|unit| self.is_ready(*unit, have))?;
            let unit = rest.remove(at);
            let (entry, tree) = (self.single(unit), Tree::Unit(unit));
            known = Some(match known {
                None => (bit(unit), entry, tree),
                Some((units, left, before)) => {
                    let put = self.put(units, left, before, bit(unit), entry, tree)?;
                    let inner = self.graph.vertices[unit].join == JoinType::Inner;
                    let swaps = inner && entry.rows > SWAP_ROWS && entry.rows > 2.0 * left.rows;
                    match put {
                        (units, whole, Tree::Join { left, right, method: Method::Hash, rows, cost })
                            if swaps =>
                        {
                            let (left, right) = (right, left);
                            (units, whole, Tree::Join { left, right, method: Method::Hash, rows, cost })
                        }
                        other => other,
                    }
                }
            });
        }
        known.map(|(_, _, tree)| tree)
    }

    fn put(
        &mut self,
        left: Units,
        l: Entry,
        left_tree: Tree,
        right: Units,
        r: Entry,
        right_tree: Tree,
    ) -> Option<(Units, Entry, Tree)> {
        let rows = self.rows(left | right);
        let (cost, method) = self.join(left, l, right, r, rows)?;
        let tree = Tree::Join { left: Box::new(left_tree), right: Box::new(right_tree), method, rows, cost };
        Some((left | right, Entry { rows, cost, left, method }, tree))
    }

    fn single(&self, unit: usize) -> Entry {
        let vertex = &self.graph.vertices[unit];
        Entry { rows: vertex.rows, cost: vertex.cost, left: 0, method: Method::Hash }
    }

    /// Whether the unit can be there next to `have`, or begin.
    fn is_ready(&self, unit: usize, have: Units) -> bool {
        let vertex = &self.graph.vertices[unit];
        (vertex.join == JoinType::Inner || have != 0) && vertex.needs & !have == 0
    }

    fn fill(&mut self, table: &mut [Entry]) {
        for unit in 0..self.graph.vertices.len() {
            if self.is_ready(unit, 0) {
                table[1 << unit] = self.single(unit);
            }
        }
        for set in 1..table.len() as Units {
            if set.count_ones() < 2 {
                continue;
            }
            let mut rows = None;
            // From the first units up: among equals the order of the text stays.
            let mut left = set & set.wrapping_neg();
            while left != set {
                let right = set ^ left;
                let l = table[left as usize];
                if l.cost.is_finite() && l.cost < table[set as usize].cost {
                    let r = match only(right) {
                        Some(unit) if self.is_ready(unit, left) => self.single(unit),
                        Some(_) => NONE,
                        None => table[right as usize],
                    };
                    if r.cost.is_finite() {
                        let rows = *rows.get_or_insert_with(|| self.rows(set));
                        if let Some((cost, method)) = self.join(left, l, right, r, rows)
                            && cost < table[set as usize].cost
                        {
                            table[set as usize] = Entry { rows, cost, left, method };
                        }
                    }
                }
                left = left.wrapping_sub(set) & set;
            }
        }
    }

    fn tree(&self, table: &[Entry], set: Units) -> Tree {
        if let Some(unit) = only(set) {
            return Tree::Unit(unit);
        }
        let Entry { rows, cost, left, method } = table[set as usize];
        let (l, r) = (self.tree(table, left), self.tree(table, set ^ left));
        Tree::Join { left: Box::new(l), right: Box::new(r), method, rows, cost }
    }

    fn greedy(&mut self) -> Option<Tree> {
        let units = 0..self.graph.vertices.len();
        let mut parts: Vec<(Units, Entry, Tree)> =
            units.map(|unit| (bit(unit), self.single(unit), Tree::Unit(unit))).collect();
        while parts.len() > 1 {
            let mut best: Option<(f64, f64, usize, usize)> = None;
            for products in [false, true] {
                self.products = products;
                for left in 0..parts.len() {
                    for right in 0..parts.len() {
                        let ((l_units, l, _), (r_units, r, _)) = (&parts[left], &parts[right]);
                        let begins = only(*l_units).is_none_or(|unit| self.is_ready(unit, 0));
                        let ready = only(*r_units).is_none_or(|unit| self.is_ready(unit, *l_units));
                        if left == right || !begins || !ready {
                            continue;
                        }
                        let (l_units, l, r_units, r) = (*l_units, *l, *r_units, *r);
                        let rows = self.rows(l_units | r_units);
                        if best.is_some_and(|(known, ..)| known < rows) {
                            continue;
                        }
                        let Some((cost, _)) = self.join(l_units, l, r_units, r, rows) else { continue };
                        if best.is_none_or(|(known, than, ..)| (rows, cost) < (known, than)) {
                            best = Some((rows, cost, left, right));
                        }
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            let (.., left, right) = best?;
            let (later, sooner) = (left.max(right), left.min(right));
            let second = parts.swap_remove(later);
            let first = parts.swap_remove(sooner);
            let (l, r) = if left < right { (first, second) } else { (second, first) };
            parts.push(self.put(l.0, l.1, l.2, r.0, r.1, r.2)?);
        }
        parts.pop().map(|(_, _, tree)| tree)
    }

    /// Rows of the join of these units, whatever the order.
    fn rows(&self, set: Units) -> f64 {
        let graph = self.graph;
        let mut rows = 1.0;
        let mut factor = 1.0;
        for (unit, vertex) in graph.vertices.iter().enumerate().filter(|(unit, _)| set & bit(*unit) != 0) {
            match vertex.join {
                JoinType::Inner => rows *= vertex.rows,
                _ => factor *= vertex.factor,
            }
            for correction in graph.corrections.iter().filter(|c| c.unit == unit && set & c.others != 0) {
                rows *= correction.factor;
            }
        }
        for class in graph.classes.iter().filter(|class| (class.units & set).count_ones() > 1) {
            let mut fewest = f64::INFINITY;
            for (_, distinct) in class.distinct.iter().filter(|(unit, _)| set & bit(*unit) != 0) {
                rows /= distinct;
                fewest = fewest.min(*distinct);
            }
            rows *= fewest;
        }
        for edge in graph.edges.iter().filter(|edge| edge.units & !set == 0) {
            rows *= edge.selectivity;
        }
        (rows * factor).max(0.1)
    }

    /// Cost and method of `left` joined with `right`; `None` where it is a product that need not be.
    fn join(&mut self, left: Units, l: Entry, right: Units, r: Entry, rows: f64) -> Option<(f64, Method)> {
        let graph = self.graph;
        let set = left | right;
        let mut extra = rows * OUTPUT;
        let (mut connected, mut hashable) = (false, false);
        for edge in
            graph.edges.iter().filter(|e| e.units & !set == 0 && e.units & left != 0 && e.units & right != 0)
        {
            connected = true;
            hashable |= edge.sides.is_some_and(|(a, b)| {
                (a & !left == 0 && b & !right == 0) || (a & !right == 0 && b & !left == 0)
            });
            extra += edge.cost * rows / edge.selectivity.max(1e-6);
        }
        if graph.classes.iter().any(|class| class.units & left != 0 && class.units & right != 0) {
            (connected, hashable) = (true, true);
        }
        let unit = only(right);
        let mut looked = None;
        if let Some(unit) = unit {
            let vertex = &graph.vertices[unit];
            if vertex.join != JoinType::Inner {
                (connected, hashable) = (true, vertex.hashable);
            }
            if vertex.lateral {
                return Some((l.cost + l.rows * (r.cost + 1.0) + extra, Method::Loop));
            }
            if connected {
                let share = match vertex.join {
                    // The first match ends the look.
                    JoinType::Semi | JoinType::Anti => 0.6,
                    _ => 1.0,
                };
                looked = self.lookups.lookup(unit, left).map(|cost| l.cost + l.rows * (LOOP + cost * share));
            }
        }
        if !connected && !self.products {
            return None;
        }
        let both = l.cost + r.cost;
        let other =
            if hashable { both + l.rows * PROBE + r.rows * BUILD } else { both + l.rows * r.rows * PAIR };
        Some(match looked {
            Some(cost) if cost < other => (cost + extra, Method::Lookup),
            _ => (other + extra, if hashable { Method::Hash } else { Method::Loop }),
        })
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
