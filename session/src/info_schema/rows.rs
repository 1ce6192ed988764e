//! What the tables hold.

use crate::state::SessionState;
use aurora_catalog::{CatalogSnapshot, TableDef, ViewCheckOption, ViewSecurity};
use aurora_types::{DateTime, SqlResult, Text, Value};
use std::sync::Arc;

/// Makes the rows of the server's tables as one session may see them.
pub(crate) struct Rows<'a> {
    pub session: &'a crate::session::Session,
    pub catalog: &'a CatalogSnapshot,
}

pub(super) fn text(text: impl AsRef<str>) -> Value {
    Value::Text(Text::from(text.as_ref()))
}

pub(super) fn number(n: impl TryInto<u64>) -> Value {
    Value::UInt(n.try_into().unwrap_or(0))
}

pub(super) fn yes_no(yes: bool) -> Value {
    text(if yes { "YES" } else { "NO" })
}

impl Rows<'_> {
    /// All rows of a table, columns in table order.
    pub fn of(&self, table: &TableDef) -> SqlResult<Vec<Vec<Value>>> {
        let rows = match (table.schema.as_str(), table.name.to_uppercase().as_str()) {
            ("information_schema", "SCHEMATA") => self.schemata(),
            ("information_schema", "TABLES") => self.tables()?,
            ("information_schema", "COLUMNS") => self.columns(),
            ("information_schema", "STATISTICS") => self.statistics()?,
            ("information_schema", "KEY_COLUMN_USAGE") => self.key_column_usage(),
            ("information_schema", "TABLE_CONSTRAINTS") => self.table_constraints(),
            ("information_schema", "REFERENTIAL_CONSTRAINTS") => self.referential_constraints(),
            ("information_schema", "CHECK_CONSTRAINTS") => self.check_constraints(),
            ("information_schema", "VIEWS") => self.views(),
            ("information_schema", "CHARACTER_SETS") => charsets(),
            ("information_schema", "COLLATIONS") => collations(),
            ("information_schema", "COLLATION_CHARACTER_SET_APPLICABILITY") => aurora_types::collation::all()
                .iter()
                .map(|info| vec![text(info.name), text(info.charset.name())])
                .collect(),
            ("information_schema", "ENGINES") => engines(),
            ("information_schema", "PLUGINS") => Vec::new(),
            ("information_schema" | "performance_schema", "PROCESSLIST") => self.processlist(table),
            ("information_schema", "PARTITIONS") => self.partitions(table)?,
            ("information_schema", "USER_PRIVILEGES") => self.session.user_privileges(),
            ("information_schema", "SCHEMA_PRIVILEGES") => self.session.schema_privileges(),
            ("information_schema", "ENABLED_ROLES" | "APPLICABLE_ROLES") => Vec::new(),
            ("performance_schema", "SESSION_VARIABLES") => self.session.variable_rows(false),
            ("performance_schema", "GLOBAL_VARIABLES") => self.session.variable_rows(true),
            ("performance_schema", "SESSION_STATUS" | "GLOBAL_STATUS") => self.session.status_rows(),
            ("performance_schema", "DATA_LOCKS") => self.data_locks(table),
            ("information_schema", "TABLES_EXTENSIONS") => self
                .each_table()
                .map(|t| vec![text("def"), text(&t.schema), text(&t.name), Value::Null, Value::Null])
                .collect(),
            _ => Vec::new(),
        };
        let width = table.columns.len();
        Ok(rows
            .into_iter()
            .map(|mut row| {
                row.resize(width, Value::Null);
                row
            })
            .collect())
    }

    pub(super) fn state(&self) -> &SessionState {
        &self.session.state
    }

    pub(super) fn each_table(&self) -> impl Iterator<Item = Arc<TableDef>> + '_ {
        self.catalog
            .schemas()
            .flat_map(|schema| self.catalog.tables(&schema.name))
            .filter(|table| self.session.may_see_table(&table.schema, &table.name))
            .cloned()
    }

    fn schemata(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        let row = |name: &str, collation: aurora_types::CollationId| {
            vec![
                text("def"),
                text(name),
                text(collation.charset().name()),
                text(collation.name()),
                Value::Null,
                text("NO"),
            ]
        };
        let mut names: Vec<(String, aurora_types::CollationId)> = vec![
            ("information_schema".into(), aurora_types::CollationId::UTF8MB3_GENERAL_CI),
            ("performance_schema".into(), aurora_types::CollationId::UTF8MB4_0900_AI_CI),
        ];
        for schema in self.catalog.schemas() {
            if self.session.may_see_schema(&schema.name) {
                names.push((schema.name.clone(), schema.collation));
            }
        }
        names.sort();
        for (name, collation) in names {
            rows.push(row(&name, collation));
        }
        rows
    }

    pub(super) fn local(&self, seconds: u64) -> Value {
        let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
        Value::DateTime(self.state().zone.local(micros).unwrap_or(DateTime::ZERO))
    }

    fn views(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for view in self.catalog.schemas().flat_map(|schema| self.catalog.views(&schema.name)) {
            if !self.session.may_see_table(&view.schema, &view.name) {
                continue;
            }
            rows.push(vec![
                text("def"),
                text(&view.schema),
                text(&view.name),
                text(&view.query),
                text(match view.check_option {
                    ViewCheckOption::None => "NONE",
                    ViewCheckOption::Local => "LOCAL",
                    ViewCheckOption::Cascaded => "CASCADED",
                }),
                yes_no(false),
                text(&view.definer),
                text(if view.security == ViewSecurity::Definer { "DEFINER" } else { "INVOKER" }),
                text(&view.charset_client),
                text(view.collation_connection.name()),
            ]);
        }
        rows
    }

    fn processlist(&self, table: &TableDef) -> Vec<Vec<Value>> {
        let now = self.state().shared.now_micros() / 1_000_000;
        let all = self.session.sees_all_processes();
        let connections: Vec<_> = self.state().shared.connections.lock().values().cloned().collect();
        connections
            .into_iter()
            .filter(|connection| all || connection.user == self.state().user)
            .map(|connection| {
                let doing = connection.doing.lock().clone();
                let mut row = vec![
                    number(connection.id),
                    text(&connection.user),
                    text(&connection.host),
                    doing.database.as_ref().map_or(Value::Null, text),
                    text(doing.command),
                    Value::Int((now - doing.since).max(0)),
                    if doing.state.is_empty() { text("") } else { text(doing.state) },
                    doing.query.as_ref().map_or(Value::Null, |q| Value::Text(Text::from(&q[..]))),
                ];
                row.resize(table.columns.len(), Value::Null);
                row
            })
            .collect()
    }

    fn data_locks(&self, table: &TableDef) -> Vec<Vec<Value>> {
        let locks = self.state().shared.catalog.manager().data_locks();
        locks
            .into_iter()
            .map(|lock| {
                let mut row = vec![Value::Null; table.columns.len()];
                let described = format!("{:?}", lock.id);
                let mode = format!("{:?}", lock.mode);
                for (at, column) in table.columns.iter().enumerate() {
                    row[at] = match column.name.as_str() {
                        "ENGINE" => text("InnoDB"),
                        "LOCK_DATA" => text(&described),
                        "LOCK_MODE" => text(&mode),
                        "LOCK_STATUS" => text(if lock.granted { "GRANTED" } else { "WAITING" }),
                        "ENGINE_TRANSACTION_ID" => number(lock.transaction),
                        _ => Value::Null,
                    };
                }
                row
            })
            .collect()
    }
}

pub(super) fn shown(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

pub(crate) fn charsets() -> Vec<Vec<Value>> {
    aurora_types::charset::all()
        .iter()
        .map(|info| {
            vec![
                text(info.name),
                text(info.default_collation.name()),
                text(info.description),
                number(info.max_bytes),
            ]
        })
        .collect()
}

pub(crate) fn collations() -> Vec<Vec<Value>> {
    let mut all: Vec<_> = aurora_types::collation::all().iter().collect();
    all.sort_by_key(|info| info.name);
    all.into_iter()
        .map(|info| {
            vec![
                text(info.name),
                text(info.charset.name()),
                number(info.id.0),
                text(if info.is_default { "Yes" } else { "" }),
                text("Yes"),
                number(info.sort_len),
                text(if info.id.pads_with_spaces() { "PAD SPACE" } else { "NO PAD" }),
            ]
        })
        .collect()
}

pub(crate) fn engines() -> Vec<Vec<Value>> {
    vec![vec![
        text("InnoDB"),
        text("DEFAULT"),
        text("AuroraDB's log-structured merge tree: transactions, row-level locking, foreign keys"),
        text("YES"),
        text("NO"),
        text("YES"),
    ]]
}
