//! Table names of a query by their places in the text; queries made of expressions.

use aurora_parser::{
    Ast, ExprId, Parsed, Query, QueryBody, QueryId, Select, SelectItem, SelectOptions, Span, Statement,
    TableFactor, TableReference,
};

/// `SELECT expr` in place of the statement that holds the expression.
pub fn select_of(parsed: &Parsed, expr: ExprId) -> Parsed {
    let mut ast = parsed.ast.clone();
    let span = ast.span(expr);
    let item = SelectItem::Expr { expr, alias: None, name: "value".into(), span };
    let select = Select {
        options: SelectOptions::default(),
        hints: None,
        items: vec![item],
        from: Vec::new(),
        from_dual: false,
        filter: None,
        group_by: None,
        having: None,
        windows: Vec::new(),
        qualify: None,
        span: Span::default(),
    };
    let query = ast.add_query(Query {
        with: None,
        body: QueryBody::Select(Box::new(select)),
        order_by: Vec::new(),
        limit: None,
        locking: Vec::new(),
        into: None,
        span,
    });
    Parsed {
        statement: Statement::Query(query),
        ast,
        span: parsed.span,
        next: parsed.next,
        parameters: parsed.parameters,
    }
}

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
