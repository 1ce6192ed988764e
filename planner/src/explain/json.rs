//! FORMAT=JSON: the tree's lines as nested objects.

use super::tree::{Line, Tree};
use crate::plan::Plan;

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Writes the line at `at` with those below it; gives the next line's number.
fn object(lines: &[Line], at: usize, indent: usize, out: &mut String) -> usize {
    let line = &lines[at];
    let pad = "  ".repeat(indent + 1);
    out.push_str("{\n");
    out.push_str(&format!("{pad}\"operation\": "));
    quoted(&line.text, out);
    if line.node.is_some() {
        out.push_str(&format!(
            ",\n{pad}\"estimated_rows\": {:.1},\n{pad}\"estimated_total_cost\": {:.2}",
            line.rows, line.cost
        ));
    }
    let mut next = at + 1;
    if lines.get(next).is_some_and(|below| below.depth > line.depth) {
        out.push_str(&format!(",\n{pad}\"inputs\": ["));
        let mut first = true;
        while lines.get(next).is_some_and(|below| below.depth > line.depth) {
            out.push_str(if first { "\n" } else { ",\n" });
            first = false;
            out.push_str(&"  ".repeat(indent + 2));
            next = object(lines, next, indent + 2, out);
        }
        out.push_str(&format!("\n{pad}]"));
    }
    out.push_str(&format!("\n{}}}", "  ".repeat(indent)));
    next
}

pub(super) fn explain_json(plan: &Plan) -> String {
    let lines = Tree::of(plan);
    let mut out = String::from("{\n  \"query_plan\": ");
    let mut at = 0;
    let mut more = false;
    while at < lines.len() {
        if at > 0 && !more {
            out.push_str(",\n  \"subqueries\": [\n    ");
            more = true;
        } else if more {
            out.push_str(",\n    ");
        }
        at = object(&lines, at, if more { 2 } else { 1 }, &mut out);
    }
    out.push_str(if more { "\n  ]\n}" } else { "\n}" });
    out
}
