//! What storage should hold for each table: by the catalog's definitions and the row and key codecs.

use aurora_catalog::{CatalogSnapshot, IndexDef, IndexKind, IndexState, KeyPart, TENANT, TableDef};
use aurora_types::Value;
use aurora_types::codec::key::key_prefix;
use aurora_types::codec::{ColumnLayout, KeyColumn, RowLayout, RowView, encode_column};
use std::sync::Arc;

/// Value of an index entry whose key ends with the row's clustered key: the tag, schema version u32, length of that
/// ending u32.
const ENTRY_KEY_TAIL: u8 = 1;
/// Value of an entry of a unique index without NULL: the tag, schema version u32, the row's clustered key.
pub const ENTRY_VALUE: u8 = 2;

/// One index, the clustered one included.
pub struct IndexShape {
    pub name: String,
    pub storage: u64,
    pub prefix: Vec<u8>,
    /// Physical column and form of each key part; `None`: a part is an expression, which only a server can evaluate.
    pub parts: Option<Vec<(usize, KeyColumn)>>,
    pub unique: bool,
    /// An index that is still being built has not all entries.
    pub complete: bool,
    /// Entries that were read (of the clustered index: rows).
    pub entries: u64,
}

/// One table.
pub struct TableShape {
    pub name: String,
    pub layout: RowLayout,
    /// Clustered by a hidden row id: its keys are not made of columns.
    pub hidden_key: bool,
    pub clustered: IndexShape,
    pub indexes: Vec<IndexShape>,
}

/// The key of an index entry, and the clustered key behind the prefix where the entry's value holds it.
pub struct Entry {
    pub key: Vec<u8>,
    pub in_value: bool,
}

fn prefix(storage: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(12);
    key_prefix(TENANT, storage, &mut out);
    out
}

fn index_shape(table: &TableDef, index: &IndexDef, storage: u64) -> IndexShape {
    let parts = index.parts.iter().map(|part| match &part.part {
        KeyPart::Expression(_) => None,
        KeyPart::Column(id) => table.column(*id).map(|column| {
            let form = KeyColumn { ty: column.ty.clone(), desc: part.descending, prefix: part.prefix_length };
            (id.0 as usize, form)
        }),
    });
    IndexShape {
        name: index.name.clone(),
        storage,
        prefix: prefix(storage),
        parts: parts.collect(),
        unique: index.is_unique(),
        complete: index.state == IndexState::Public,
        entries: 0,
    }
}

impl TableShape {
    /// `None`: the definition contradicts itself.
    pub fn new(table: &TableDef) -> Option<TableShape> {
        let mut layout: Vec<Option<ColumnLayout>> = vec![None; table.columns.len()];
        for column in &table.columns {
            let place = layout.get_mut(column.id.0 as usize).filter(|place| place.is_none())?;
            let default = column.added_value.clone().unwrap_or(Value::Null);
            *place = Some(ColumnLayout { ty: column.ty.clone(), default });
        }
        let clustered = match table.primary_key() {
            Some(index) => index_shape(table, index, table.storage.0),
            None => IndexShape {
                name: "the hidden row id".into(),
                storage: table.storage.0,
                prefix: prefix(table.storage.0),
                parts: Some(Vec::new()),
                unique: true,
                complete: true,
                entries: 0,
            },
        };
        let secondary =
            |index: &&IndexDef| index.kind != IndexKind::Primary && index.state != IndexState::SchemaOnly;
        Some(TableShape {
            name: format!("`{}`.`{}`", table.schema, table.name),
            layout: RowLayout::new(layout.into_iter().collect::<Option<_>>()?),
            hidden_key: table.primary_key().is_none(),
            clustered,
            indexes: table
                .indexes
                .iter()
                .filter(secondary)
                .map(|index| index_shape(table, index, index.storage.0))
                .collect(),
        })
    }

    /// Whether the key of a row is what its columns say.
    pub fn key_fits(&self, key: &[u8], row: &RowView<'_>) -> Result<bool, String> {
        if self.hidden_key {
            return Ok(key.len() == self.clustered.prefix.len() + 8);
        }
        Ok(match self.columns(&self.clustered, row)? {
            Some((expected, _)) => key == expected,
            None => true,
        })
    }

    /// An index's columns of a row behind the prefix, and whether one is NULL; `None` where expressions are needed.
    fn columns(&self, index: &IndexShape, row: &RowView<'_>) -> Result<Option<(Vec<u8>, bool)>, String> {
        let Some(parts) = &index.parts else { return Ok(None) };
        let mut key = index.prefix.clone();
        let mut has_null = false;
        for (column, form) in parts {
            let value = row.get(*column).map_err(|error| error.to_string())?;
            has_null |= value.is_null();
            encode_column(value, form, &mut key).map_err(|error| error.to_string())?;
        }
        Ok(Some((key, has_null)))
    }

    /// The entry that a row has in a secondary index; `None` where expressions are needed.
    pub fn entry(
        &self,
        index: &IndexShape,
        row_key: &[u8],
        row: &RowView<'_>,
    ) -> Result<Option<Entry>, String> {
        let Some((mut key, has_null)) = self.columns(index, row)? else { return Ok(None) };
        let in_value = index.unique && !has_null;
        if !in_value {
            key.extend_from_slice(self.tail(row_key));
        }
        Ok(Some(Entry { key, in_value }))
    }

    /// The part of a clustered key that index entries hold.
    pub fn tail<'k>(&self, row_key: &'k [u8]) -> &'k [u8] {
        row_key.get(self.clustered.prefix.len()..).unwrap_or_default()
    }

    /// The clustered key that an entry points at; `None`: the entry is malformed.
    pub fn row_of(&self, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let (tag, rest) = value.split_first()?;
        let tail = match *tag {
            ENTRY_VALUE => rest.get(4..)?,
            ENTRY_KEY_TAIL => {
                let len = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
                let start =
                    key.len().checked_sub(len).filter(|start| *start >= self.clustered.prefix.len())?;
                key.get(start..)?
            }
            _ => return None,
        };
        let mut row = self.clustered.prefix.clone();
        row.extend_from_slice(tail);
        Some(row)
    }
}

/// What a range of keys should hold.
#[derive(Clone, Copy)]
pub enum Role {
    System,
    /// Nothing: no definition names it.
    Nobody,
    Rows(usize),
    /// Table, and index of it.
    Entries(usize, usize),
}

/// All tables, and the whole key space in order: each range from its storage id up to the next one's.
pub struct Plan {
    pub tables: Vec<TableShape>,
    pub ranges: Vec<(u64, Role)>,
    /// Tables whose definition contradicts itself.
    pub refused: Vec<String>,
}

impl Plan {
    pub fn new(catalog: &Arc<CatalogSnapshot>) -> Plan {
        let mut plan = Plan { tables: Vec::new(), ranges: vec![(0, Role::System)], refused: Vec::new() };
        let mut storages = Vec::new();
        for schema in catalog.schemas() {
            for table in catalog.tables(&schema.name) {
                let Some(shape) = TableShape::new(table) else {
                    plan.refused.push(format!("`{}`.`{}`", table.schema, table.name));
                    continue;
                };
                let at = plan.tables.len();
                storages.push((shape.clustered.storage, Role::Rows(at)));
                let entries = shape.indexes.iter().enumerate();
                storages.extend(entries.map(|(index, shape)| (shape.storage, Role::Entries(at, index))));
                plan.tables.push(shape);
            }
        }
        storages.sort_by_key(|(storage, _)| *storage);
        let mut next = aurora_catalog::FIRST_USER_ID;
        for (storage, role) in storages {
            if storage > next {
                plan.ranges.push((next, Role::Nobody));
            }
            plan.ranges.push((storage, role));
            next = storage.saturating_add(1);
        }
        plan.ranges.push((next, Role::Nobody));
        plan
    }
}
