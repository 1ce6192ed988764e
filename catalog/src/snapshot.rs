//! All definitions at one moment.

use crate::ids::TableId;
use crate::schema::SchemaDef;
use crate::table::TableDef;
use crate::view::ViewDef;
use rpds::RedBlackTreeMapSync as Map;
use std::sync::Arc;

/// Tables or views: by database, then by name.
type ByName<T> = Map<String, Map<String, Arc<T>>>;

/// An immutable picture of the catalog. Its maps share what they have in common with the pictures before them, so that a
/// change costs the logarithm of the number of tables.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Rises with every change: plans and caches compare it.
    pub epoch: u64,
    schemas: Map<String, Arc<SchemaDef>>,
    tables: ByName<TableDef>,
    tables_by_id: Map<TableId, Arc<TableDef>>,
    views: ByName<ViewDef>,
    views_by_id: Map<TableId, Arc<ViewDef>>,
    /// Tables with foreign keys, by what these point at: every change of a row asks for them.
    children: Map<String, Map<String, Vec<TableId>>>,
}

fn insert<T>(map: &mut Map<String, Map<String, T>>, schema: &str, name: &str, value: T) {
    let mut inner = map.get(schema).cloned().unwrap_or_default();
    inner.insert_mut(name.to_owned(), value);
    map.insert_mut(schema.to_owned(), inner);
}

fn remove<T>(map: &mut Map<String, Map<String, T>>, schema: &str, name: &str) {
    let Some(mut inner) = map.get(schema).cloned() else { return };
    if inner.remove_mut(name) {
        map.insert_mut(schema.to_owned(), inner);
    }
}

impl CatalogSnapshot {
    pub fn schema(&self, name: &str) -> Option<&Arc<SchemaDef>> {
        self.schemas.get(name)
    }

    pub fn schemas(&self) -> impl Iterator<Item = &Arc<SchemaDef>> {
        self.schemas.values()
    }

    pub fn table(&self, schema: &str, name: &str) -> Option<&Arc<TableDef>> {
        self.tables.get(schema)?.get(name)
    }

    pub fn view(&self, schema: &str, name: &str) -> Option<&Arc<ViewDef>> {
        self.views.get(schema)?.get(name)
    }

    /// Base tables of a database by name.
    pub fn tables(&self, schema: &str) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.get(schema).into_iter().flat_map(Map::values)
    }

    pub fn views(&self, schema: &str) -> impl Iterator<Item = &Arc<ViewDef>> {
        self.views.get(schema).into_iter().flat_map(Map::values)
    }

    pub fn put_schema(&mut self, schema: Arc<SchemaDef>) {
        self.schemas.insert_mut(schema.name.clone(), schema);
    }

    pub fn remove_schema(&mut self, name: &str) {
        let tables: Vec<_> = self.tables(name).cloned().collect();
        tables.iter().for_each(|table| self.unlink_table(table));
        let views: Vec<_> = self.views(name).map(|view| view.id).collect();
        views.iter().for_each(|id| {
            self.views_by_id.remove_mut(id);
        });
        self.schemas.remove_mut(name);
        self.tables.remove_mut(name);
        self.views.remove_mut(name);
    }

    /// Adds a table, in place of the one with its id, whatever that is named, and of the one with its name.
    pub fn put_table(&mut self, table: Arc<TableDef>) {
        if let Some(old) = self.tables_by_id.get(&table.id).cloned() {
            self.remove_table(&old.schema, &old.name);
        }
        self.remove_table(&table.schema, &table.name);
        for key in &table.foreign_keys {
            let siblings = self.children.get(&key.parent_schema).and_then(|of| of.get(&key.parent_table));
            let mut siblings = siblings.cloned().unwrap_or_default();
            if !siblings.contains(&table.id) {
                siblings.push(table.id);
                insert(&mut self.children, &key.parent_schema, &key.parent_table, siblings);
            }
        }
        self.tables_by_id.insert_mut(table.id, table.clone());
        let (schema, name) = (table.schema.clone(), table.name.clone());
        insert(&mut self.tables, &schema, &name, table);
    }

    pub fn remove_table(&mut self, schema: &str, name: &str) {
        if let Some(table) = self.table(schema, name).cloned() {
            self.unlink_table(&table);
            remove(&mut self.tables, schema, name);
        }
    }

    /// Takes a table out of what is kept beside its name.
    fn unlink_table(&mut self, table: &TableDef) {
        self.tables_by_id.remove_mut(&table.id);
        for key in &table.foreign_keys {
            let siblings = self.children.get(&key.parent_schema).and_then(|of| of.get(&key.parent_table));
            let Some(mut siblings) = siblings.cloned() else { continue };
            siblings.retain(|child| *child != table.id);
            if siblings.is_empty() {
                remove(&mut self.children, &key.parent_schema, &key.parent_table);
            } else {
                insert(&mut self.children, &key.parent_schema, &key.parent_table, siblings);
            }
        }
    }

    /// Adds a view, in place of the one with its id, whatever that is named.
    pub fn put_view(&mut self, view: Arc<ViewDef>) {
        if let Some(old) = self.views_by_id.get(&view.id).cloned() {
            self.remove_view(&old.schema, &old.name);
        }
        self.views_by_id.insert_mut(view.id, view.clone());
        let (schema, name) = (view.schema.clone(), view.name.clone());
        insert(&mut self.views, &schema, &name, view);
    }

    pub fn remove_view(&mut self, schema: &str, name: &str) {
        if let Some(id) = self.view(schema, name).map(|view| view.id) {
            self.views_by_id.remove_mut(&id);
            remove(&mut self.views, schema, name);
        }
    }

    /// Foreign keys that point at `schema.table`: the child table and the position of the key in it, by the children's names.
    pub fn children(&self, schema: &str, table: &str) -> Vec<(Arc<TableDef>, usize)> {
        let Some(ids) = self.children.get(schema).and_then(|of| of.get(table)) else { return Vec::new() };
        let mut found = Vec::new();
        for child in ids.iter().filter_map(|id| self.tables_by_id.get(id)) {
            for (at, key) in child.foreign_keys.iter().enumerate() {
                if key.parent_schema == schema && key.parent_table == table {
                    found.push((child.clone(), at));
                }
            }
        }
        found.sort_by(|(a, _), (b, _)| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        found
    }
}
