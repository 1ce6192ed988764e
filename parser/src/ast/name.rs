//! Positions and names.

use aurora_types::Text;

/// A range of bytes in the text that was given to the parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The bytes of `sql` that the span covers; empty when it lies outside.
    pub fn of(self, sql: &[u8]) -> &[u8] {
        sql.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// From the start of `self` to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// One identifier, quotes removed, always UTF-8.
#[derive(Clone, Debug)]
pub struct Ident {
    pub text: Text,
    pub span: Span,
    /// Written in backticks (or in double quotes under ANSI_QUOTES).
    pub quoted: bool,
}

impl Ident {
    /// A name that stands nowhere in the source.
    pub fn synthetic(name: &str) -> Ident {
        Ident { text: Text::from(name), span: Span::default(), quoted: false }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.text.as_bytes()).unwrap_or_default()
    }

    /// Compares as MySQL compares keywords and function names: ASCII letters without case.
    pub fn is(&self, name: &str) -> bool {
        self.text.as_bytes().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl PartialEq for Ident {
    /// Same bytes, wherever written.
    fn eq(&self, other: &Ident) -> bool {
        self.text == other.text
    }
}

impl Eq for Ident {}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `[schema.]name` of a table, view, routine, trigger or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    pub schema: Option<Ident>,
    pub name: Ident,
}

impl ObjectName {
    pub fn span(&self) -> Span {
        self.schema.as_ref().map_or(self.name.span, |schema| schema.span.to(self.name.span))
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        self.name.fmt(f)
    }
}

/// `[[schema.]table.]column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnName {
    pub schema: Option<Ident>,
    pub table: Option<Ident>,
    pub column: Ident,
}

impl ColumnName {
    /// A column without a table.
    pub fn bare(column: Ident) -> ColumnName {
        ColumnName { schema: None, table: None, column }
    }
}

impl std::fmt::Display for ColumnName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.schema, &self.table].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        self.column.fmt(f)
    }
}

/// `'user'@'host'`, or `CURRENT_USER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserName {
    Current,
    /// `host` is `%` when none was written.
    Named {
        user: Text,
        host: Text,
        host_given: bool,
    },
}
