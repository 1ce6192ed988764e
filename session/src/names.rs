//! Table names of a query by their places in the text.

use aurora_parser::{Ast, QueryBody, QueryId, TableFactor, TableReference};

/// Where the trimmed `text` begins in `sql`.
pub fn query_span(sql: &[u8], text: &str) -> usize {
    sql.windows(text.len().max(1)).position(|window| window == text.as_bytes()).unwrap_or(0)
}

/// Offsets of table names without a database, common table expressions left out.
pub fn unqualified_tables(ast: &Ast, _root: QueryId) -> Vec<u32> {
    let mut ctes: Vec<String> = Vec::new();
    for id in 0..ast.query_count() {
        if let Some(with) = &ast.query(QueryId(id as u32)).with {
            ctes.extend(with.tables.iter().map(|table| table.name.as_str().to_lowercase()));
        }
    }
    let mut found = Vec::new();
    let mut take = |name: &aurora_parser::ObjectName| {
        if name.schema.is_none() && !ctes.contains(&name.name.as_str().to_lowercase()) {
            found.push(name.name.span.start);
        }
    };
    let mut visit = |references: &[TableReference]| {
        for reference in references {
            for factor in
                std::iter::once(&reference.first).chain(reference.joins.iter().map(|join| &join.right))
            {
                if let TableFactor::Table(table) = factor
                    && !(table.name.schema.is_none() && table.name.name.is("dual"))
                {
                    take(&table.name);
                }
            }
        }
    };
    for id in 0..ast.query_count() {
        match &ast.query(QueryId(id as u32)).body {
            QueryBody::Select(select) => visit(&select.from),
            QueryBody::Table(_) => {}
            _ => {}
        }
    }
    for id in 0..ast.from_count() {
        visit(ast.from(aurora_parser::FromId(id as u32)));
    }
    found
}
