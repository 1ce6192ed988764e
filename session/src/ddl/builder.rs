//! A table definition in the making: CREATE TABLE fills an empty one, ALTER TABLE changes an existing one.

use super::default::literal_default;
use super::types::{declared, resolve_collation};
use aurora_catalog::{
    ColumnDef, ColumnDefault, ColumnId, Generated, IndexKind, KeyPart, SchemaVersion, StorageId, TableDef,
    TableId, TableOptions,
};
use aurora_parser::{Ast, ColumnAttribute, ColumnDefinition, Expr, Span, TableOption, TypeName};
use aurora_types::error as er;
use aurora_types::{BaseType, CollationId, Diagnostics, SqlError, SqlMode, SqlResult, Text, TimeZone};

/// Storage that is still to be numbered.
pub const NO_STORAGE: StorageId = StorageId(0);

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
    pub(super) generated_keys: Vec<String>,
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
            TableOption::Connection(text) => {
                keep(options, "CONNECTION", &crate::show::create::literal(&text.to_str_lossy()));
            }
            TableOption::DataDirectory(_) | TableOption::IndexDirectory(_) | TableOption::Union(_) => {
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
