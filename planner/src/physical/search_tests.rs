use super::*;

struct Indexed(Vec<Option<f64>>);

impl Lookups for Indexed {
    fn lookup(&mut self, unit: usize, _: Units) -> Option<f64> {
        self.0[unit]
    }
}

fn table(rows: f64) -> Vertex {
    let (join, factor) = (JoinType::Inner, 1.0);
    Vertex { rows, cost: rows, join, needs: 0, lateral: false, factor, hashable: false }
}

fn equal(a: usize, b: usize, distinct: f64) -> Edge {
    let sides = Some((bit(a), bit(b)));
    Edge { units: bit(a) | bit(b), selectivity: 1.0 / distinct, sides, cost: 0.0 }
}

fn text(tree: &Tree) -> String {
    match tree {
        Tree::Unit(unit) => unit.to_string(),
        Tree::Join { left, right, method, .. } => {
            let sign = if *method == Method::Lookup { '>' } else { '#' };
            format!("({}{sign}{})", text(left), text(right))
        }
    }
}

fn best(graph: &Graph, lookups: Vec<Option<f64>>) -> String {
    Search::new(graph, Indexed(lookups)).best().map_or_else(String::new, |tree| text(&tree))
}

#[test]
fn small_sides_are_the_hash_tables() {
    let graph = Graph {
        vertices: vec![table(10.0), table(10_000.0)],
        edges: vec![equal(0, 1, 10.0)],
        ..Graph::default()
    };
    assert_eq!(best(&graph, vec![None; 2]), "(1#0)");
}

#[test]
fn few_rows_are_looked_up() {
    let graph = Graph {
        vertices: vec![table(10.0), table(10_000.0)],
        edges: vec![equal(0, 1, 10_000.0)],
        ..Graph::default()
    };
    assert_eq!(best(&graph, vec![None, Some(2.0)]), "(0>1)");
}

#[test]
fn many_rows_are_not_looked_up_one_by_one() {
    // A fifth of the table is asked for: reading all of it costs less.
    let graph = Graph {
        vertices: vec![table(30_000.0), table(150_000.0)],
        edges: vec![equal(0, 1, 150_000.0)],
        ..Graph::default()
    };
    assert_eq!(best(&graph, vec![None, Some(2.0)]), "(1#0)");
}

#[test]
fn trees_may_be_bushy() {
    // Two large tables, each with a small one that leaves few of its rows.
    let vertices = vec![table(10.0), table(100_000.0), table(100_000.0), table(10.0)];
    let edges = vec![equal(0, 1, 10_000.0), equal(1, 2, 100.0), equal(2, 3, 10_000.0)];
    let graph = Graph { vertices, edges, ..Graph::default() };
    assert_eq!(best(&graph, vec![None; 4]), "((1#0)#(2#3))");
}

#[test]
fn right_sides_of_outer_joins_wait() {
    let mut outer = table(5.0);
    (outer.join, outer.needs, outer.hashable) = (JoinType::Left, bit(0), true);
    let vertices = vec![table(100_000.0), outer, table(1.0)];
    let graph = Graph { vertices, edges: vec![equal(0, 2, 1000.0)], ..Graph::default() };
    assert_eq!(best(&graph, vec![None; 3]), "((0#2)#1)");
}

#[test]
fn products_only_where_nothing_connects() {
    let graph = Graph { vertices: vec![table(3.0), table(4.0), table(5.0)], ..Graph::default() };
    assert_eq!(best(&graph, vec![None; 3]).matches('#').count(), 2);
    let edges = vec![equal(0, 1, 100.0), equal(1, 2, 100.0)];
    let graph = Graph { vertices: vec![table(1.0), table(100_000.0), table(1.0)], edges, ..Graph::default() };
    assert!(!best(&graph, vec![None; 3]).contains("0#2"));
}

#[test]
fn many_tables_are_joined_too() {
    let vertices: Vec<Vertex> = (0..20).map(|at| table(f64::from(at + 1) * 100.0)).collect();
    let edges = (1..20).map(|at| equal(at - 1, at, 1000.0)).collect();
    let graph = Graph { vertices, edges, ..Graph::default() };
    assert_eq!(best(&graph, vec![None; 20]).matches('#').count(), 19);
    let tree = Search::new(&graph, Indexed(vec![None; 20])).in_order().unwrap();
    assert!(text(&tree).ends_with("#19)"));
}
