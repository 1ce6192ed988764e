//! A table definition in the making: CREATE TABLE fills an empty one, ALTER TABLE changes an existing one.

use super::default::literal_default;
use super::types::{declared, resolve_collation};
use aurora_catalog::{
    CheckDef, ColumnDef, ColumnDefault, ColumnId, ForeignKeyDef, Generated, IndexDef, IndexId, IndexKind,
    IndexPart, IndexState, KeyPart, ReferentialAction, SchemaVersion, StorageId, TableDef, TableId,
    TableOptions, names_equal,
};
use aurora_parser::{
    Ast, CheckDefinition, ColumnAttribute, ColumnDefinition, Expr, ForeignKeyDefinition, IndexAlgorithm,
    KeyDefinition, KeyKind, ReferenceAction, References, Span, TableOption, TypeName,
};
use aurora_types::error as er;
use aurora_types::{BaseType, CollationId, Diagnostics, SqlError, SqlMode, SqlResult, Text, TimeZone};

/// Storage that is still to be numbered.
pub const NO_STORAGE: StorageId = StorageId(0);

/// Longest key in bytes, as InnoDB's DYNAMIC rows.
const MAX_KEY_BYTES: u64 = 3072;

/// What building depends on beside the statement.
pub struct BuildWith<'a> {
    pub ast: &'a Ast,
    pub sql: &'a [u8],
    pub sql_mode: SqlMode,
    pub zone: &'a TimeZone,
    pub client: CollationId,
    pub now: aurora_types::DateTime,
    pub now_s: u64,
}

impl BuildWith<'_> {
    pub fn source(&self, span: Span) -> String {
        String::from_utf8_lossy(span.of(self.sql)).trim().to_owned()
    }
}

pub struct TableBuilder<'a> {
    pub table: TableDef,
    pub with: &'a BuildWith<'a>,
    pub diagnostics: &'a mut Diagnostics,
    /// Names of indexes that foreign keys made for themselves: an equal explicit key replaces them.
    generated_keys: Vec<String>,
}

/// An empty table of a database.
pub fn empty_table(schema: &str, name: &str, collation: CollationId, now_s: u64) -> TableDef {
    TableDef {
        id: TableId(0),
        schema: schema.to_owned(),
        name: name.to_owned(),
        version: SchemaVersion(1),
        columns: Vec::new(),
        storage: NO_STORAGE,
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        options: TableOptions {
            engine: "InnoDB".into(),
            collation,
            comment: String::new(),
            auto_increment: None,
            row_format: None,
            kept: Vec::new(),
            create_time_s: now_s,
            partition_clause: None,
        },
        next_column_id: 0,
        next_index_id: 1,
        temporary: false,
    }
}

/// MySQL's limit for names of columns, tables, keys.
pub fn check_name(name: &str) -> SqlResult<()> {
    if name.chars().count() > 64 {
        return Err(SqlError::new(er::ER_TOO_LONG_IDENT, &[&name]));
    }
    Ok(())
}

impl<'a> TableBuilder<'a> {
    pub fn new(
        table: TableDef,
        with: &'a BuildWith<'a>,
        diagnostics: &'a mut Diagnostics,
    ) -> TableBuilder<'a> {
        TableBuilder { table, with, diagnostics, generated_keys: Vec::new() }
    }

    pub fn position(&self, name: &str) -> SqlResult<usize> {
        self.table
            .position_by_name(name)
            .ok_or_else(|| SqlError::new(er::ER_KEY_COLUMN_DOES_NOT_EXITS, &[&name]))
    }

    /// A column as declared; keys that its attributes ask for are added by [`TableBuilder::column_keys`].
    pub fn column(&mut self, definition: &ColumnDefinition, id: ColumnId) -> SqlResult<ColumnDef> {
        let name = definition.name.as_str().to_owned();
        check_name(&name)?;
        if name.is_empty() || name.ends_with(' ') {
            return Err(SqlError::new(er::ER_WRONG_COLUMN_NAME, &[&name]));
        }
        let with = self.with;
        let attributes = &definition.attributes;
        let collate = attributes.iter().rev().find_map(|attribute| match attribute {
            ColumnAttribute::Collate(name) => Some(name),
            _ => None,
        });
        let declared = declared(
            &definition.ty,
            &name,
            collate,
            self.table.options.collation,
            with.sql_mode.contains(SqlMode::REAL_AS_FLOAT),
            self.diagnostics,
        )?;
        let mut column = ColumnDef {
            id,
            name,
            ty: declared.ty,
            default: ColumnDefault::None,
            on_update_now: false,
            auto_increment: definition.ty.name == TypeName::Serial,
            generated: None,
            comment: String::new(),
            invisible: false,
            srid: None,
            explicit_charset: declared.explicit_charset,
            explicit_collation: declared.explicit_collation,
            added_value: None,
        };
        let mut default = None;
        for attribute in attributes {
            match attribute {
                ColumnAttribute::Null => column.ty.nullable = true,
                ColumnAttribute::NotNull => column.ty.nullable = false,
                ColumnAttribute::Default(expr) => default = Some(*expr),
                ColumnAttribute::DefaultExpr { source, .. } => {
                    column.default = ColumnDefault::Expression(with.source(*source));
                }
                ColumnAttribute::OnUpdateNow { fsp } => {
                    let is_time = matches!(column.ty.base, BaseType::DateTime | BaseType::Timestamp);
                    if !is_time || fsp.unwrap_or(0) != u64::from(column.ty.decimals) {
                        return Err(SqlError::new(er::ER_INVALID_ON_UPDATE, &[&column.name]));
                    }
                    column.on_update_now = true;
                }
                ColumnAttribute::AutoIncrement => column.auto_increment = true,
                ColumnAttribute::PrimaryKey => column.ty.nullable = false,
                ColumnAttribute::Comment(text) => column.comment = text.to_str_lossy().into_owned(),
                ColumnAttribute::Generated { source, stored, .. } => {
                    column.generated = Some(Generated { expression: with.source(*source), stored: *stored });
                }
                ColumnAttribute::Visible => column.invisible = false,
                ColumnAttribute::Invisible => column.invisible = true,
                ColumnAttribute::Srid(srid) => column.srid = u32::try_from(*srid).ok(),
                _ => {}
            }
        }
        if column.auto_increment {
            let numeric = matches!(
                column.ty.base,
                BaseType::TinyInt
                    | BaseType::SmallInt
                    | BaseType::MediumInt
                    | BaseType::Int
                    | BaseType::BigInt
                    | BaseType::Float
                    | BaseType::Double
            );
            if !numeric || column.generated.is_some() {
                return Err(SqlError::new(er::ER_WRONG_FIELD_SPEC, &[&column.name]));
            }
            column.ty.nullable = false;
            if default.is_some() {
                return Err(SqlError::new(er::ER_INVALID_DEFAULT, &[&column.name]));
            }
        }
        if let Some(expr) = default {
            column.default = self.default_value(&column, expr)?;
        }
        Ok(column)
    }

    /// The value of a DEFAULT clause.
    pub fn default_value(
        &mut self,
        column: &ColumnDef,
        expr: aurora_parser::ExprId,
    ) -> SqlResult<ColumnDefault> {
        let invalid = || SqlError::new(er::ER_INVALID_DEFAULT, &[&column.name]);
        if let Expr::Call(_) = self.with.ast.expr(expr) {
            // The grammar lets CURRENT_TIMESTAMP through here and nothing else.
            let is_time = matches!(column.ty.base, BaseType::DateTime | BaseType::Timestamp);
            let fsp = super::default::now_digits(self.with.ast, expr);
            if !is_time || fsp != Some(column.ty.decimals) {
                return Err(invalid());
            }
            return Ok(ColumnDefault::CurrentTimestamp);
        }
        let long = matches!(
            column.ty.base,
            BaseType::TinyText
                | BaseType::Text
                | BaseType::MediumText
                | BaseType::LongText
                | BaseType::Json
                | BaseType::Geometry(_)
        );
        let value = literal_default(self.with, column, expr)?;
        if value.is_null() {
            return if column.ty.nullable { Ok(ColumnDefault::Null) } else { Err(invalid()) };
        }
        if long {
            return Err(SqlError::new(er::ER_BLOB_CANT_HAVE_DEFAULT, &[&column.name]));
        }
        Ok(ColumnDefault::Value(value))
    }

    /// Appends a column with the keys and checks of its attributes.
    pub fn add_column(&mut self, definition: &ColumnDefinition, at: usize) -> SqlResult<()> {
        if self.table.position_by_name(definition.name.as_str()).is_some() {
            return Err(SqlError::new(er::ER_DUP_FIELDNAME, &[&definition.name.as_str()]));
        }
        let id = ColumnId(self.table.next_column_id);
        self.table.next_column_id += 1;
        let column = self.column(definition, id)?;
        self.table.columns.insert(at, column);
        Ok(())
    }

    /// Keys, foreign keys and checks that a column's attributes ask for.
    pub fn column_keys(&mut self, definition: &ColumnDefinition) -> SqlResult<()> {
        let name = &definition.name;
        let part = || aurora_parser::KeyPart::Column {
            name: name.clone(),
            prefix_length: None,
            descending: false,
            explicit_order: false,
        };
        let key = |kind| KeyDefinition {
            kind,
            constraint: None,
            name: None,
            parts: vec![part()],
            options: aurora_parser::KeyOptions::default(),
        };
        if definition.ty.name == TypeName::Serial {
            self.add_key(&key(KeyKind::Unique))?;
        }
        for attribute in &definition.attributes {
            match attribute {
                ColumnAttribute::PrimaryKey => self.add_key(&key(KeyKind::Primary))?,
                ColumnAttribute::Unique => self.add_key(&key(KeyKind::Unique))?,
                ColumnAttribute::Check(check) => self.add_check(check)?,
                ColumnAttribute::References(references) => {
                    self.add_foreign_key(&ForeignKeyDefinition {
                        constraint: None,
                        index_name: None,
                        columns: vec![name.clone()],
                        references: references.clone(),
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn free_key_name(&self, base: &str) -> String {
        let taken = |name: &str| {
            name.eq_ignore_ascii_case("PRIMARY")
                || self.table.indexes.iter().any(|i| names_equal(&i.name, name))
        };
        if !taken(base) {
            return base.to_owned();
        }
        (2..).map(|n| format!("{base}_{n}")).find(|name| !taken(name)).unwrap_or_default()
    }

    fn key_parts(&self, key: &KeyDefinition) -> SqlResult<Vec<IndexPart>> {
        let mut parts: Vec<IndexPart> = Vec::with_capacity(key.parts.len());
        let mut bytes = 0u64;
        if key.parts.len() > 16 {
            return Err(SqlError::new(er::ER_TOO_MANY_KEY_PARTS, &[&16]));
        }
        for part in &key.parts {
            match part {
                aurora_parser::KeyPart::Column { name, prefix_length, descending, .. } => {
                    let column = &self.table.columns[self.position(name.as_str())?];
                    if parts.iter().any(|p| p.part == KeyPart::Column(column.id)) {
                        return Err(SqlError::new(er::ER_DUP_FIELDNAME, &[&name.as_str()]));
                    }
                    let (prefix, size) = self.part_size(key.kind, column, *prefix_length)?;
                    bytes += size;
                    parts.push(IndexPart {
                        part: KeyPart::Column(column.id),
                        prefix_length: prefix,
                        descending: *descending,
                    });
                }
                aurora_parser::KeyPart::Expr { source, descending, .. } => {
                    if key.kind == KeyKind::Primary {
                        return Err(SqlError::new(er::ER_FUNCTIONAL_INDEX_PRIMARY_KEY, &[]));
                    }
                    parts.push(IndexPart {
                        part: KeyPart::Expression(self.with.source(*source)),
                        prefix_length: None,
                        descending: *descending,
                    });
                }
            }
        }
        if bytes > MAX_KEY_BYTES && !matches!(key.kind, KeyKind::FullText | KeyKind::Spatial) {
            return Err(SqlError::new(er::ER_TOO_LONG_KEY, &[&MAX_KEY_BYTES]));
        }
        Ok(parts)
    }

    /// The prefix length that is kept, and the bytes that MySQL counts.
    fn part_size(
        &self,
        kind: KeyKind,
        column: &ColumnDef,
        prefix: Option<u64>,
    ) -> SqlResult<(Option<u32>, u64)> {
        use BaseType as B;
        let ty = &column.ty;
        if matches!(kind, KeyKind::FullText | KeyKind::Spatial) {
            return Ok((None, 0));
        }
        let char_bytes =
            if ty.collation.is_binary() { 1 } else { u64::from(ty.collation.charset().max_bytes()) };
        let is_text = matches!(ty.base, B::TinyText | B::Text | B::MediumText | B::LongText);
        let is_string = is_text || matches!(ty.base, B::Char | B::VarChar);
        if matches!(ty.base, B::Json) {
            return Err(SqlError::new(er::ER_JSON_USED_AS_KEY, &[&column.name]));
        }
        match prefix {
            None if is_text || matches!(ty.base, B::Geometry(_)) => {
                Err(SqlError::new(er::ER_BLOB_KEY_WITHOUT_LENGTH, &[&column.name]))
            }
            None => {
                let size = match &ty.base {
                    B::Char | B::VarChar => u64::from(ty.length) * char_bytes,
                    B::Decimal => 32,
                    _ => 8,
                };
                Ok((None, size))
            }
            Some(0) => Err(SqlError::new(er::ER_KEY_PART_0, &[&column.name])),
            Some(n) => {
                if !is_string || (!is_text && n > u64::from(ty.length)) {
                    return Err(SqlError::new(er::ER_WRONG_SUB_KEY, &[]));
                }
                if n.saturating_mul(char_bytes) > MAX_KEY_BYTES {
                    return Err(SqlError::new(er::ER_TOO_LONG_KEY, &[&MAX_KEY_BYTES]));
                }
                let whole = !is_text && n == u64::from(ty.length);
                Ok((if whole { None } else { u32::try_from(n).ok() }, n * char_bytes))
            }
        }
    }

    pub fn add_key(&mut self, key: &KeyDefinition) -> SqlResult<()> {
        let parts = self.key_parts(key)?;
        let kind = match key.kind {
            KeyKind::Primary => IndexKind::Primary,
            KeyKind::Unique => IndexKind::Unique,
            KeyKind::Index => IndexKind::Secondary,
            KeyKind::FullText => IndexKind::FullText,
            KeyKind::Spatial => IndexKind::Spatial,
        };
        let name = if kind == IndexKind::Primary {
            if self.table.primary_key().is_some() {
                return Err(SqlError::new(er::ER_MULTIPLE_PRI_KEY, &[]));
            }
            for part in &parts {
                if let KeyPart::Column(id) = part.part
                    && let Some(column) = self.table.columns.iter_mut().find(|column| column.id == id)
                {
                    if matches!(column.default, ColumnDefault::Null) {
                        return Err(SqlError::new(er::ER_PRIMARY_CANT_HAVE_NULL, &[]));
                    }
                    column.ty.nullable = false;
                }
            }
            "PRIMARY".to_owned()
        } else {
            match key.name.as_ref().or(key.constraint.as_ref()) {
                Some(name) => {
                    let name = name.as_str().to_owned();
                    check_name(&name)?;
                    if name.eq_ignore_ascii_case("PRIMARY") || name.is_empty() {
                        return Err(SqlError::new(er::ER_WRONG_NAME_FOR_INDEX, &[&name]));
                    }
                    if let Some(at) = self.table.indexes.iter().position(|i| names_equal(&i.name, &name)) {
                        if !self.generated_keys.iter().any(|known| names_equal(known, &name)) {
                            return Err(SqlError::new(er::ER_DUP_KEYNAME, &[&name]));
                        }
                        self.table.indexes.remove(at);
                    }
                    name
                }
                None => {
                    let base = match &parts.first().map(|p| &p.part) {
                        Some(KeyPart::Column(id)) => {
                            self.table.column(*id).map(|c| c.name.clone()).unwrap_or_default()
                        }
                        _ => "functional_index".into(),
                    };
                    self.free_key_name(&base)
                }
            }
        };
        let state = match kind {
            IndexKind::FullText | IndexKind::Spatial => {
                self.diagnostics.push(
                    aurora_types::Level::Warning,
                    er::ER_NOT_SUPPORTED_YET.code,
                    format!(
                        "{} key '{name}' is kept in the schema; it is not built, and no query uses it",
                        if kind == IndexKind::FullText { "FULLTEXT" } else { "SPATIAL" }
                    ),
                );
                IndexState::SchemaOnly
            }
            _ => IndexState::Public,
        };
        let id = IndexId(self.table.next_index_id);
        self.table.next_index_id += 1;
        self.table.indexes.push(IndexDef {
            id,
            name,
            kind,
            parts,
            storage: NO_STORAGE,
            state,
            invisible: key.options.visible == Some(false),
            comment: key.options.comment.as_ref().map(|c| c.to_str_lossy().into_owned()).unwrap_or_default(),
            using: key.options.using.and_then(|using| match using {
                IndexAlgorithm::BTree => Some("BTREE".to_owned()),
                IndexAlgorithm::Hash => Some("HASH".to_owned()),
                IndexAlgorithm::RTree => None,
            }),
            parser: key.options.parser.as_ref().map(|p| p.as_str().to_owned()),
        });
        Ok(())
    }

    pub fn add_check(&mut self, check: &CheckDefinition) -> SqlResult<()> {
        let name = match &check.name {
            Some(name) => name.as_str().to_owned(),
            None => {
                let taken = |name: &str| self.table.checks.iter().any(|c| names_equal(&c.name, name));
                let mut n = 1;
                loop {
                    let name = format!("{}_chk_{n}", self.table.name);
                    if !taken(&name) {
                        break name;
                    }
                    n += 1;
                }
            }
        };
        if self.table.checks.iter().any(|known| names_equal(&known.name, &name)) {
            return Err(SqlError::new(er::ER_CHECK_CONSTRAINT_DUP_NAME, &[&name]));
        }
        let expression = self.with.source(check.source);
        self.table.checks.push(CheckDef { name, expression, enforced: check.enforced });
        Ok(())
    }

    /// A foreign key, and an index for it where none begins with its columns.
    pub fn add_foreign_key(&mut self, key: &ForeignKeyDefinition) -> SqlResult<()> {
        let References { table: parent, columns: parents, on_delete, on_update, .. } = &key.references;
        let mut columns = Vec::with_capacity(key.columns.len());
        for column in &key.columns {
            columns.push(self.table.columns[self.position(column.as_str())?].id);
        }
        let name = match &key.constraint {
            Some(name) => name.as_str().to_owned(),
            None => {
                let prefix = format!("{}_ibfk_", self.table.name);
                let highest = self
                    .table
                    .foreign_keys
                    .iter()
                    .filter_map(|known| known.name.strip_prefix(&prefix)?.parse::<u32>().ok())
                    .max();
                format!("{prefix}{}", highest.unwrap_or(0) + 1)
            }
        };
        check_name(&name)?;
        if self.table.foreign_keys.iter().any(|known| names_equal(&known.name, &name)) {
            return Err(SqlError::new(er::ER_FK_DUP_NAME, &[&name]));
        }
        let parent_columns: Vec<String> = parents.iter().map(|p| p.as_str().to_owned()).collect();
        if !parent_columns.is_empty() && parent_columns.len() != columns.len() {
            let args: [&dyn std::fmt::Display; 2] = [&name, &"Key reference and table reference don't match"];
            return Err(SqlError::new(er::ER_WRONG_FK_DEF, &args));
        }
        let action = |action: &Option<ReferenceAction>| match action {
            None | Some(ReferenceAction::NoAction) => ReferentialAction::NoAction,
            Some(ReferenceAction::Restrict) => ReferentialAction::Restrict,
            Some(ReferenceAction::Cascade) => ReferentialAction::Cascade,
            Some(ReferenceAction::SetNull) => ReferentialAction::SetNull,
            Some(ReferenceAction::SetDefault) => ReferentialAction::SetDefault,
        };
        let (on_delete, on_update) = (action(on_delete), action(on_update));
        let sets_null = on_delete == ReferentialAction::SetNull || on_update == ReferentialAction::SetNull;
        if sets_null {
            for id in &columns {
                if let Some(column) = self.table.column(*id)
                    && !column.ty.nullable
                {
                    let args: [&dyn std::fmt::Display; 2] = [&column.name, &name];
                    return Err(SqlError::new(er::ER_FK_COLUMN_NOT_NULL, &args));
                }
            }
        }
        if !self.has_index_on(&columns) {
            let index_name = match key.constraint.as_ref().or(key.index_name.as_ref()) {
                Some(name) => self.free_key_name(name.as_str()),
                None => self.free_key_name(key.columns.first().map_or("", |c| c.as_str())),
            };
            let id = IndexId(self.table.next_index_id);
            self.table.next_index_id += 1;
            let parts = columns
                .iter()
                .map(|id| IndexPart { part: KeyPart::Column(*id), prefix_length: None, descending: false })
                .collect();
            self.generated_keys.push(index_name.clone());
            self.table.indexes.push(IndexDef {
                id,
                name: index_name,
                kind: IndexKind::Secondary,
                parts,
                storage: NO_STORAGE,
                state: IndexState::Public,
                invisible: false,
                comment: String::new(),
                using: None,
                parser: None,
            });
        }
        self.table.foreign_keys.push(ForeignKeyDef {
            name,
            columns,
            parent_schema: parent
                .schema
                .as_ref()
                .map_or_else(|| self.table.schema.clone(), |schema| schema.as_str().to_owned()),
            parent_table: parent.name.as_str().to_owned(),
            parent_columns,
            on_delete,
            on_update,
        });
        Ok(())
    }

    /// Whether an index begins with these columns, in any order.
    pub fn has_index_on(&self, columns: &[ColumnId]) -> bool {
        self.table.indexes.iter().any(|index| {
            !matches!(index.kind, IndexKind::FullText | IndexKind::Spatial)
                && index.parts.len() >= columns.len()
                && index.parts[..columns.len()].iter().all(|part| {
                    part.prefix_length.is_none()
                        && matches!(part.part, KeyPart::Column(id) if columns.contains(&id))
                })
        })
    }

    pub fn option(&mut self, option: &TableOption) -> SqlResult<()> {
        let options = &mut self.table.options;
        match option {
            TableOption::Engine(name) => {
                let name = name.to_str_lossy();
                let known =
                    ["InnoDB", "MyISAM", "MEMORY", "ARCHIVE", "CSV", "BLACKHOLE", "MRG_MYISAM", "Aurora"];
                match known.iter().find(|k| k.eq_ignore_ascii_case(&name)) {
                    Some(_) => options.engine = "InnoDB".into(),
                    None => return Err(SqlError::new(er::ER_UNKNOWN_STORAGE_ENGINE, &[&name])),
                }
            }
            TableOption::AutoIncrement(n) => options.auto_increment = Some(*n),
            TableOption::Comment(text) => options.comment = text.to_str_lossy().into_owned(),
            TableOption::RowFormat(word) => {
                let word = word.as_str().to_ascii_uppercase();
                options.row_format = (word != "DEFAULT").then_some(word);
            }
            // Read together by the caller, for columns depend on them.
            TableOption::Charset(_) | TableOption::Collate(_) => {}
            TableOption::AvgRowLength(n) => keep(options, "AVG_ROW_LENGTH", n),
            TableOption::Checksum(n) | TableOption::TableChecksum(n) => keep(options, "CHECKSUM", n),
            TableOption::DelayKeyWrite(n) => keep(options, "DELAY_KEY_WRITE", n),
            TableOption::MaxRows(n) => keep(options, "MAX_ROWS", n),
            TableOption::MinRows(n) => keep(options, "MIN_ROWS", n),
            TableOption::PackKeys(Some(n)) => keep(options, "PACK_KEYS", n),
            TableOption::StatsPersistent(Some(n)) => keep(options, "STATS_PERSISTENT", n),
            TableOption::StatsAutoRecalc(Some(n)) => keep(options, "STATS_AUTO_RECALC", n),
            TableOption::StatsSamplePages(Some(n)) => keep(options, "STATS_SAMPLE_PAGES", n),
            TableOption::KeyBlockSize(n) => keep(options, "KEY_BLOCK_SIZE", n),
            TableOption::Compression(text) => {
                keep(options, "COMPRESSION", &format!("'{}'", text.to_str_lossy()));
            }
            TableOption::DataDirectory(_)
            | TableOption::IndexDirectory(_)
            | TableOption::Union(_)
            | TableOption::Connection(_) => {
                return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"this table option"]));
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks the whole, orders the keys as MySQL shows them.
    pub fn finish(mut self) -> SqlResult<TableDef> {
        let table = &mut self.table;
        if table.columns.is_empty() {
            return Err(SqlError::new(er::ER_TABLE_MUST_HAVE_COLUMNS, &[]));
        }
        let mut autos = table.columns.iter().filter(|column| column.auto_increment);
        if let Some(auto) = autos.next() {
            let is_key = table
                .indexes
                .iter()
                .any(|i| matches!(i.parts.first(), Some(p) if p.part == KeyPart::Column(auto.id)));
            if !is_key || autos.next().is_some() {
                return Err(SqlError::new(er::ER_WRONG_AUTO_KEY, &[]));
            }
        }
        if table.columns.iter().all(|column| column.invisible) {
            return Err(SqlError::new(er::ER_TABLE_MUST_HAVE_A_VISIBLE_COLUMN, &[]));
        }
        let nullable: Vec<ColumnId> = table.columns.iter().filter(|c| c.ty.nullable).map(|c| c.id).collect();
        table.indexes.sort_by_key(|index| match index.kind {
            IndexKind::Primary => 0,
            IndexKind::Unique => {
                let has_null = index
                    .parts
                    .iter()
                    .any(|p| matches!(p.part, KeyPart::Column(id) if nullable.contains(&id)));
                if has_null { 2 } else { 1 }
            }
            IndexKind::Secondary => 3,
            IndexKind::Spatial => 4,
            IndexKind::FullText => 5,
        });
        Ok(self.table)
    }
}

fn keep(options: &mut TableOptions, name: &str, value: &dyn std::fmt::Display) {
    options.kept.retain(|kept| !kept.starts_with(&format!("{name}=")));
    options.kept.push(format!("{name}={value}"));
}

/// The collation that table options ask for.
///
/// # Errors
/// 1115, 1273, 1253.
pub fn table_collation(options: &[&TableOption], default: CollationId) -> SqlResult<CollationId> {
    let (mut charset, mut collation): (Option<&Text>, Option<&Text>) = (None, None);
    for option in options {
        match option {
            TableOption::Charset(name) => charset = Some(name),
            TableOption::Collate(name) => collation = Some(name),
            _ => {}
        }
    }
    resolve_collation(charset, collation, default)
}
