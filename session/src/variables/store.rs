//! Where values live.

use super::definition::{VariableId, definitions, lookup};
use aurora_types::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// The global values, shared by all sessions. Readers take an immutable picture.
pub struct GlobalVariables {
    values: RwLock<Arc<Vec<Value>>>,
}

impl Default for GlobalVariables {
    fn default() -> GlobalVariables {
        let values = definitions().iter().map(|definition| definition.default.clone()).collect();
        GlobalVariables { values: RwLock::new(Arc::new(values)) }
    }
}

impl GlobalVariables {
    /// All values at this moment.
    pub fn picture(&self) -> Arc<Vec<Value>> {
        self.values.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub fn get(&self, id: VariableId) -> Value {
        self.picture().get(usize::from(id.0)).cloned().unwrap_or_default()
    }

    pub fn set(&self, id: VariableId, value: Value) {
        let mut guard = self.values.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(slot) = Arc::make_mut(&mut guard).get_mut(usize::from(id.0)) {
            *slot = value;
        }
    }

    /// Sets by name; for the server's own facts (data folder, port, version) at start.
    pub fn set_by_name(&self, name: &str, value: Value) -> bool {
        lookup(name).map(|(id, _)| self.set(id, value)).is_some()
    }
}

/// One session's values: the globals as they were at connect, and what it set since.
#[derive(Clone)]
pub struct SessionVariables {
    base: Arc<Vec<Value>>,
    changed: BTreeMap<VariableId, Value>,
}

impl SessionVariables {
    pub fn new(globals: &GlobalVariables) -> SessionVariables {
        SessionVariables { base: globals.picture(), changed: BTreeMap::new() }
    }

    pub fn get(&self, id: VariableId) -> &Value {
        const NULL: &Value = &Value::Null;
        self.changed.get(&id).or_else(|| self.base.get(usize::from(id.0))).unwrap_or(NULL)
    }

    /// By name; NULL when there is no such variable.
    pub fn by_name(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        lookup(name).map_or(NULL, |(id, _)| self.get(id))
    }

    pub fn set(&mut self, id: VariableId, value: Value) {
        self.changed.insert(id, value);
    }

    pub fn set_by_name(&mut self, name: &str, value: Value) {
        if let Some((id, _)) = lookup(name) {
            self.set(id, value);
        }
    }

    pub fn integer(&self, name: &str) -> u64 {
        as_integer(self.by_name(name))
    }

    pub fn integer_of(&self, id: VariableId) -> u64 {
        as_integer(self.get(id))
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.integer(name) != 0
    }

    pub fn text(&self, name: &str) -> String {
        match self.by_name(name) {
            Value::Text(text) => text.to_str_lossy().into_owned(),
            _ => String::new(),
        }
    }
}

fn as_integer(value: &Value) -> u64 {
    match value {
        Value::Int(number) => *number as u64,
        Value::UInt(number) => *number,
        _ => 0,
    }
}
