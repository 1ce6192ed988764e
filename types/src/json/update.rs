//! Changing the value that a path leads to.

use super::Json;
use super::path::{Index, Leg, Path};

/// What `JSON_SET` and its kin do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Replaces what is there, adds what is not.
    Set,
    Insert,
    Replace,
}

fn seek<'a>(mut json: &'a mut Json, legs: &[Leg]) -> Option<&'a mut Json> {
    for leg in legs {
        json = match (leg, json) {
            (Leg::Member(key), Json::Object(object)) => object.get_mut(key)?,
            (Leg::Cell(index), Json::Array(list)) => {
                let at = index.resolve(list.len())?;
                list.get_mut(at)?
            }
            (Leg::Cell(index), scalar) if index.resolve(1) == Some(0) => scalar,
            _ => return None,
        };
    }
    Some(json)
}

impl Json {
    /// The value at a path without wildcards.
    pub fn at_path_mut(&mut self, path: &Path) -> Option<&mut Json> {
        seek(self, path.legs())
    }

    /// `JSON_SET`, `JSON_INSERT`, `JSON_REPLACE` of one value. Paths whose parent does not exist change nothing.
    pub fn change(&mut self, path: &Path, value: Json, change: Change) {
        if let Some(old) = self.at_path_mut(path) {
            if change != Change::Insert {
                *old = value;
            }
            return;
        }
        if change == Change::Replace {
            return;
        }
        let Some((last, parents)) = path.legs().split_last() else { return };
        let Some(parent) = seek(self, parents) else { return };
        match (last, parent) {
            (Leg::Member(key), Json::Object(object)) => object.insert(key.clone(), value),
            // Beyond either end of an array: at that end.
            (Leg::Cell(Index::FromStart(_)), Json::Array(list)) => list.push(value),
            (Leg::Cell(Index::FromEnd(_)), Json::Array(list)) => list.insert(0, value),
            (Leg::Cell(index), single) => {
                let old = std::mem::replace(single, Json::Null);
                *single = Json::Array(match index {
                    Index::FromStart(_) => vec![old, value],
                    Index::FromEnd(_) => vec![value, old],
                });
            }
            _ => {}
        }
    }

    /// `JSON_REMOVE` of one path that is not `$`.
    pub fn remove_path(&mut self, path: &Path) {
        let Some((last, parents)) = path.legs().split_last() else { return };
        match (last, seek(self, parents)) {
            (Leg::Member(key), Some(Json::Object(object))) => {
                object.remove(key);
            }
            (Leg::Cell(index), Some(Json::Array(list))) => {
                if let Some(at) = index.resolve(list.len()).filter(|at| *at < list.len()) {
                    list.remove(at);
                }
            }
            _ => {}
        }
    }

    /// `JSON_ARRAY_APPEND` of one value.
    pub fn append_at(&mut self, path: &Path, value: Json) {
        match self.at_path_mut(path) {
            Some(Json::Array(list)) => list.push(value),
            Some(single) => {
                let old = std::mem::replace(single, Json::Null);
                *single = Json::Array(vec![old, value]);
            }
            None => {}
        }
    }

    /// `JSON_ARRAY_INSERT` of one value; `false` when the path does not end in an array cell.
    pub fn insert_cell(&mut self, path: &Path, value: Json) -> bool {
        let Some((Leg::Cell(index), parents)) = path.legs().split_last() else { return false };
        if let Some(Json::Array(list)) = seek(self, parents) {
            let at = index.resolve(list.len()).unwrap_or(0).min(list.len());
            list.insert(at, value);
        }
        true
    }
}
