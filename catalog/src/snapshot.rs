//! All definitions at one moment.

use crate::schema::SchemaDef;
use crate::table::TableDef;
use crate::view::ViewDef;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An immutable picture of the catalog. Cloning copies the maps, not the definitions: only DDL does that.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Rises with every change: plans and caches compare it.
    pub epoch: u64,
    schemas: BTreeMap<String, Arc<SchemaDef>>,
    tables: HashMap<String, BTreeMap<String, Arc<TableDef>>>,
    views: HashMap<String, BTreeMap<String, Arc<ViewDef>>>,
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
        self.tables.get(schema).into_iter().flat_map(BTreeMap::values)
    }

    pub fn views(&self, schema: &str) -> impl Iterator<Item = &Arc<ViewDef>> {
        self.views.get(schema).into_iter().flat_map(BTreeMap::values)
    }

    pub fn put_schema(&mut self, schema: Arc<SchemaDef>) {
        self.schemas.insert(schema.name.clone(), schema);
    }

    pub fn remove_schema(&mut self, name: &str) {
        self.schemas.remove(name);
        self.tables.remove(name);
        self.views.remove(name);
    }

    pub fn put_table(&mut self, table: Arc<TableDef>) {
        self.tables.entry(table.schema.clone()).or_default().insert(table.name.clone(), table);
    }

    pub fn remove_table(&mut self, schema: &str, name: &str) {
        if let Some(tables) = self.tables.get_mut(schema) {
            tables.remove(name);
        }
    }

    pub fn put_view(&mut self, view: Arc<ViewDef>) {
        self.views.entry(view.schema.clone()).or_default().insert(view.name.clone(), view);
    }

    pub fn remove_view(&mut self, schema: &str, name: &str) {
        if let Some(views) = self.views.get_mut(schema) {
            views.remove(name);
        }
    }

    /// Foreign keys that point at `schema.table`: the child table and the position of the key in it.
    pub fn children(&self, schema: &str, table: &str) -> Vec<(Arc<TableDef>, usize)> {
        let mut found = Vec::new();
        for child in self.tables.values().flat_map(BTreeMap::values) {
            for (at, key) in child.foreign_keys.iter().enumerate() {
                if key.parent_schema == schema && key.parent_table == table {
                    found.push((child.clone(), at));
                }
            }
        }
        found
    }
}
