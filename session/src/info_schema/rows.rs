//! What the tables hold.

use crate::show;
use crate::state::SessionState;
use aurora_catalog::{
    CatalogSnapshot, ColumnDef, ColumnDefault, IndexDef, IndexKind, KeyPart, ReferentialAction, TableDef,
    ViewCheckOption, ViewSecurity,
};
use aurora_expr::typing;
use aurora_types::{BaseType, DateTime, SqlResult, SqlType, Text, Value, display};
use std::sync::Arc;

/// Makes the rows of the server's tables as one session may see them.
pub(crate) struct Rows<'a> {
    pub session: &'a crate::session::Session,
    pub catalog: &'a CatalogSnapshot,
}

fn text(text: impl AsRef<str>) -> Value {
    Value::Text(Text::from(text.as_ref()))
}

fn number(n: impl TryInto<u64>) -> Value {
    Value::UInt(n.try_into().unwrap_or(0))
}

fn yes_no(yes: bool) -> Value {
    text(if yes { "YES" } else { "NO" })
}

/// The names that MySQL gives to an index's columns in order.
fn part_name(table: &TableDef, part: &KeyPart) -> Option<String> {
    match part {
        KeyPart::Column(id) => table.column(*id).map(|column| column.name.clone()),
        KeyPart::Expression(_) => None,
    }
}

/// How many distinct keys an index has, as far as anybody knows.
pub(crate) fn cardinality(index: &IndexDef, rows: u64) -> u64 {
    if index.is_unique() { rows } else { (rows / 2).max(u64::from(rows > 0)) }
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

    fn state(&self) -> &SessionState {
        &self.session.state
    }

    fn each_table(&self) -> impl Iterator<Item = Arc<TableDef>> + '_ {
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

    fn local(&self, seconds: u64) -> Value {
        let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
        Value::DateTime(self.state().zone.local(micros).unwrap_or(DateTime::ZERO))
    }

    fn tables(&self) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for schema in ["information_schema", "performance_schema"] {
            for table in super::tables_of(schema) {
                rows.push(vec![
                    text("def"),
                    text(schema),
                    text(&table.name),
                    text(if schema == "information_schema" { "SYSTEM VIEW" } else { "BASE TABLE" }),
                    Value::Null,
                    number(10u64),
                    Value::Null,
                    number(0u64),
                ]);
            }
        }
        for table in self.each_table() {
            let stats = self.session.table_rows(&table)?;
            let options = {
                let mut list: Vec<String> =
                    table.options.kept.iter().map(|kept| kept.to_lowercase()).collect();
                if let Some(format) = &table.options.row_format {
                    list.insert(0, format!("row_format={format}"));
                }
                if table.options.partition_clause.is_some() {
                    list.push("partitioned".into());
                }
                list.join(" ")
            };
            let next = self
                .session
                .auto_increment_next(&table)?
                .filter(|next| *next > 1 || table.options.auto_increment.is_some());
            rows.push(vec![
                text("def"),
                text(&table.schema),
                text(&table.name),
                text("BASE TABLE"),
                text(&table.options.engine),
                number(10u64),
                text(row_format(&table)),
                number(stats),
                number(if stats > 0 { 16_384 / stats.max(1) } else { 0 }),
                number(16_384u64),
                number(0u64),
                number(16_384u64 * table.indexes.len().saturating_sub(1) as u64),
                number(0u64),
                next.map_or(Value::Null, Value::UInt),
                self.local(table.options.create_time_s),
                Value::Null,
                Value::Null,
                text(table.options.collation.name()),
                Value::Null,
                text(options),
                text(&table.options.comment),
            ]);
        }
        for view in self.catalog.schemas().flat_map(|schema| self.catalog.views(&schema.name)) {
            if self.session.may_see_table(&view.schema, &view.name) {
                let mut row = vec![text("def"), text(&view.schema), text(&view.name), text("VIEW")];
                row.resize(20, Value::Null);
                row.push(text("VIEW"));
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| (shown(&row[1]), shown(&row[2])));
        Ok(rows)
    }

    fn columns(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for schema in ["information_schema", "performance_schema"] {
            for table in super::tables_of(schema) {
                for (at, column) in table.columns.iter().enumerate() {
                    rows.push(self.column_row(&table.schema, &table.name, at, column, ""));
                }
            }
        }
        for table in self.each_table() {
            for (at, column) in table.columns.iter().enumerate() {
                rows.push(self.column_row(&table.schema, &table.name, at, column, key_of(&table, column)));
            }
        }
        for view in self.catalog.schemas().flat_map(|schema| self.catalog.views(&schema.name)) {
            if !self.session.may_see_table(&view.schema, &view.name) {
                continue;
            }
            for (at, column) in self.session.view_columns(&view.schema, &view.name).into_iter().enumerate() {
                rows.push(self.column_row(&view.schema, &view.name, at, &column, ""));
            }
        }
        rows.sort_by_key(|row| (shown(&row[1]), shown(&row[2])));
        rows
    }

    fn column_row(&self, schema: &str, table: &str, at: usize, column: &ColumnDef, key: &str) -> Vec<Value> {
        let ty = &column.ty;
        let is_character = typing::is_character(ty) && !ty.collation.is_binary() && ty.base != BaseType::Json;
        let is_string = typing::is_string(ty) && ty.base != BaseType::Json;
        let octets = u64::from(ty.length)
            * if is_character && !is_sized_in_bytes(ty) {
                u64::from(ty.collation.charset().max_bytes())
            } else {
                1
            };
        vec![
            text("def"),
            text(schema),
            text(table),
            text(&column.name),
            number(at + 1),
            default_shown(column),
            yes_no(ty.nullable),
            text(data_type(ty)),
            if is_string { Value::Int(i64::from(ty.length)) } else { Value::Null },
            if is_string { Value::Int(octets as i64) } else { Value::Null },
            numeric_precision(ty).map_or(Value::Null, Value::UInt),
            numeric_scale(ty).map_or(Value::Null, Value::UInt),
            if matches!(ty.base, BaseType::Time | BaseType::DateTime | BaseType::Timestamp) {
                number(ty.decimals)
            } else {
                Value::Null
            },
            if is_character { text(ty.collation.charset().name()) } else { Value::Null },
            if is_character { text(ty.collation.name()) } else { Value::Null },
            text(show::create::type_text(ty)),
            text(key),
            text(extra_of(column)),
            text("select,insert,update,references"),
            text(&column.comment),
            text(column.generated.as_ref().map_or("", |g| &g.expression)),
            column.srid.map_or(Value::Null, number),
        ]
    }

    fn statistics(&self) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            let count = self.session.table_rows(&table)?;
            for index in &table.indexes {
                for (at, part) in index.parts.iter().enumerate() {
                    let column = match &part.part {
                        KeyPart::Column(id) => table.column(*id),
                        KeyPart::Expression(_) => None,
                    };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        Value::Int(i64::from(!index.is_unique())),
                        text(&table.schema),
                        text(&index.name),
                        number(at + 1),
                        part_name(&table, &part.part).map_or(Value::Null, text),
                        match index.kind {
                            IndexKind::FullText => Value::Null,
                            _ if part.descending => text("D"),
                            _ => text("A"),
                        },
                        Value::Int(cardinality(index, count) as i64),
                        part.prefix_length.map_or(Value::Null, |n| Value::Int(i64::from(n))),
                        Value::Null,
                        text(if column.is_some_and(|c| c.ty.nullable) { "YES" } else { "" }),
                        text(index_type(index)),
                        text(""),
                        text(&index.comment),
                        yes_no(!index.invisible),
                        match &part.part {
                            KeyPart::Expression(expression) => text(expression),
                            KeyPart::Column(_) => Value::Null,
                        },
                    ]);
                }
            }
        }
        Ok(rows)
    }

    fn key_column_usage(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            for index in table.indexes.iter().filter(|index| index.is_unique()) {
                for (at, part) in index.parts.iter().enumerate() {
                    let Some(column) = part_name(&table, &part.part) else { continue };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&index.name),
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        text(column),
                        number(at + 1),
                    ]);
                }
            }
            for key in &table.foreign_keys {
                for (at, id) in key.columns.iter().enumerate() {
                    let Some(column) = table.column(*id) else { continue };
                    rows.push(vec![
                        text("def"),
                        text(&table.schema),
                        text(&key.name),
                        text("def"),
                        text(&table.schema),
                        text(&table.name),
                        text(&column.name),
                        number(at + 1),
                        number(at + 1),
                        text(&key.parent_schema),
                        text(&key.parent_table),
                        key.parent_columns.get(at).map_or(Value::Null, text),
                    ]);
                }
            }
        }
        rows
    }

    fn table_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            let mut push = |name: &str, kind: &str, enforced: bool| {
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(name),
                    text(&table.schema),
                    text(&table.name),
                    text(kind),
                    yes_no(enforced),
                ]);
            };
            for index in table.indexes.iter().filter(|index| index.is_unique()) {
                push(
                    &index.name,
                    if index.kind == IndexKind::Primary { "PRIMARY KEY" } else { "UNIQUE" },
                    true,
                );
            }
            for key in &table.foreign_keys {
                push(&key.name, "FOREIGN KEY", true);
            }
            for check in &table.checks {
                push(&check.name, "CHECK", check.enforced);
            }
        }
        rows
    }

    fn referential_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        let rule = |action: ReferentialAction| match action {
            ReferentialAction::NoAction => "NO ACTION",
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        for table in self.each_table() {
            for key in &table.foreign_keys {
                let unique = self.catalog.table(&key.parent_schema, &key.parent_table).and_then(|parent| {
                    parent.indexes.iter().find(|index| {
                        index.is_unique()
                            && index.parts.len() == key.parent_columns.len()
                            && index.parts.iter().zip(&key.parent_columns).all(|(part, name)| {
                                part_name(parent, &part.part)
                                    .is_some_and(|part| aurora_catalog::names_equal(&part, name))
                            })
                    })
                });
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(&key.name),
                    text("def"),
                    text(&key.parent_schema),
                    unique.map_or(Value::Null, |index| text(&index.name)),
                    text("NONE"),
                    text(rule(key.on_update)),
                    text(rule(key.on_delete)),
                    text(&table.name),
                    text(&key.parent_table),
                ]);
            }
        }
        rows
    }

    fn check_constraints(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in self.each_table() {
            for check in &table.checks {
                rows.push(vec![
                    text("def"),
                    text(&table.schema),
                    text(&check.name),
                    text(format!("({})", check.expression)),
                ]);
            }
        }
        rows
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

    fn partitions(&self, table: &TableDef) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for known in self.each_table() {
            let mut row = vec![Value::Null; table.columns.len()];
            for (at, column) in table.columns.iter().enumerate() {
                row[at] = match column.name.as_str() {
                    "TABLE_CATALOG" => text("def"),
                    "TABLE_SCHEMA" => text(&known.schema),
                    "TABLE_NAME" => text(&known.name),
                    "TABLE_ROWS" => number(self.session.table_rows(&known)?),
                    "AVG_ROW_LENGTH" | "INDEX_LENGTH" | "DATA_FREE" | "MAX_DATA_LENGTH" => number(0u64),
                    "DATA_LENGTH" => number(16_384u64),
                    "CREATE_TIME" => self.local(known.options.create_time_s),
                    "PARTITION_COMMENT" | "NODEGROUP" => text(""),
                    _ => Value::Null,
                };
            }
            rows.push(row);
        }
        Ok(rows)
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

fn shown(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

pub(crate) fn row_format(table: &TableDef) -> String {
    match table.options.row_format.as_deref() {
        None => "Dynamic".into(),
        Some(word) => {
            let lower = word.to_lowercase();
            let mut chars = lower.chars();
            chars
                .next()
                .map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
        }
    }
}

/// PRI, UNI, MUL or nothing.
pub(crate) fn key_of(table: &TableDef, column: &ColumnDef) -> &'static str {
    let leads =
        |index: &IndexDef| index.parts.first().is_some_and(|part| part.part == KeyPart::Column(column.id));
    let in_primary = table
        .primary_key()
        .is_some_and(|key| key.parts.iter().any(|part| part.part == KeyPart::Column(column.id)));
    if in_primary {
        return "PRI";
    }
    let promoted = table.primary_key().is_none()
        && table
            .indexes
            .iter()
            .find(|index| {
                index.kind == IndexKind::Unique
                    && index.parts.iter().all(|part| match part.part {
                        KeyPart::Column(id) => table.column(id).is_some_and(|c| !c.ty.nullable),
                        KeyPart::Expression(_) => false,
                    })
            })
            .is_some_and(|index| index.parts.iter().any(|part| part.part == KeyPart::Column(column.id)));
    if promoted {
        return "PRI";
    }
    if table
        .indexes
        .iter()
        .any(|index| index.kind == IndexKind::Unique && index.parts.len() == 1 && leads(index))
    {
        return "UNI";
    }
    if table.indexes.iter().any(leads) { "MUL" } else { "" }
}

pub(crate) fn extra_of(column: &ColumnDef) -> String {
    let mut extra = Vec::new();
    if column.auto_increment {
        extra.push("auto_increment".to_owned());
    }
    let fsp = if column.ty.decimals > 0 { format!("({})", column.ty.decimals) } else { String::new() };
    if matches!(column.default, ColumnDefault::CurrentTimestamp | ColumnDefault::Expression(_)) {
        extra.push("DEFAULT_GENERATED".into());
    }
    if column.on_update_now {
        extra.push(format!("on update CURRENT_TIMESTAMP{fsp}"));
    }
    if let Some(generated) = &column.generated {
        extra.push(if generated.stored { "STORED GENERATED".into() } else { "VIRTUAL GENERATED".into() });
    }
    if column.invisible {
        extra.push("INVISIBLE".into());
    }
    extra.join(" ")
}

/// COLUMN_DEFAULT.
pub(crate) fn default_shown(column: &ColumnDef) -> Value {
    match &column.default {
        ColumnDefault::None | ColumnDefault::Null => Value::Null,
        ColumnDefault::CurrentTimestamp if column.ty.decimals > 0 => {
            text(format!("CURRENT_TIMESTAMP({})", column.ty.decimals))
        }
        ColumnDefault::CurrentTimestamp => text("CURRENT_TIMESTAMP"),
        ColumnDefault::Expression(expression) => text(expression),
        ColumnDefault::Value(value) => {
            if column.ty.base == BaseType::Bit {
                return text(show::create::default_text(column, value));
            }
            let mut out = Vec::new();
            display::write_text(value.as_ref(), &column.ty, &mut out);
            Value::Text(Text::from(out))
        }
    }
}

/// DATA_TYPE: the first word of the type.
fn data_type(ty: &SqlType) -> String {
    let text = show::create::type_text(ty);
    text.split(['(', ' ']).next().unwrap_or("").to_owned()
}

fn is_sized_in_bytes(ty: &SqlType) -> bool {
    matches!(ty.base, BaseType::TinyText | BaseType::Text | BaseType::MediumText | BaseType::LongText)
}

fn numeric_precision(ty: &SqlType) -> Option<u64> {
    Some(match ty.base {
        BaseType::TinyInt => 3,
        BaseType::SmallInt => 5,
        BaseType::MediumInt => 7,
        BaseType::Int => 10,
        BaseType::BigInt if ty.unsigned => 20,
        BaseType::BigInt => 19,
        BaseType::Float => {
            if ty.decimals < 31 {
                u64::from(ty.length)
            } else {
                12
            }
        }
        BaseType::Double => {
            if ty.decimals < 31 {
                u64::from(ty.length)
            } else {
                22
            }
        }
        BaseType::Decimal | BaseType::Bit => u64::from(ty.length),
        _ => return None,
    })
}

fn numeric_scale(ty: &SqlType) -> Option<u64> {
    match ty.base {
        BaseType::TinyInt | BaseType::SmallInt | BaseType::MediumInt | BaseType::Int | BaseType::BigInt => {
            Some(0)
        }
        BaseType::Decimal => Some(ty.decimals.into()),
        BaseType::Float | BaseType::Double if ty.decimals < 31 => Some(ty.decimals.into()),
        _ => None,
    }
}

pub(crate) fn index_type(index: &IndexDef) -> &'static str {
    match index.kind {
        IndexKind::FullText => "FULLTEXT",
        IndexKind::Spatial => "SPATIAL",
        _ => "BTREE",
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
