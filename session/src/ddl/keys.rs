//! Keys, checks and foreign keys of a table in the making.

use super::builder::{NO_STORAGE, TableBuilder, check_name};
use aurora_catalog::{
    CheckDef, ColumnDef, ColumnDefault, ColumnId, ForeignKeyDef, IndexDef, IndexId, IndexKind, IndexPart,
    IndexState, KeyPart, ReferentialAction, names_equal,
};
use aurora_parser::{
    CheckDefinition, ColumnAttribute, ColumnDefinition, ForeignKeyDefinition, IndexAlgorithm, KeyDefinition,
    KeyKind, ReferenceAction, References, TypeName,
};
use aurora_types::error as er;
use aurora_types::{BaseType, SqlError, SqlResult};

/// Longest key in bytes, as InnoDB's DYNAMIC rows.
const MAX_KEY_BYTES: u64 = 3072;

impl TableBuilder<'_> {
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
}
