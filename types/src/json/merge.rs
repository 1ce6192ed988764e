//! Putting documents together.

use super::Json;

impl Json {
    /// `JSON_MERGE_PATCH` (RFC 7396): members of the patch win, and its nulls remove.
    #[must_use]
    pub fn merge_patch(self, patch: Json) -> Json {
        let Json::Object(patch) = patch else { return patch };
        let mut result = match self {
            Json::Object(object) => object,
            _ => super::Object::default(),
        };
        for (key, value) in patch {
            match value {
                Json::Null => {
                    result.remove(&key);
                }
                value => {
                    let old = result.remove(&key).unwrap_or(Json::Null);
                    result.insert(key, old.merge_patch(value));
                }
            }
        }
        Json::Object(result)
    }

    /// `JSON_MERGE_PRESERVE`: arrays joined, objects united, all else wrapped into arrays.
    #[must_use]
    pub fn merge_preserve(self, other: Json) -> Json {
        match (self, other) {
            (Json::Object(mut a), Json::Object(b)) => {
                for (key, value) in b {
                    let merged = match a.remove(&key) {
                        Some(old) => old.merge_preserve(value),
                        None => value,
                    };
                    a.insert(key, merged);
                }
                Json::Object(a)
            }
            (a, b) => {
                let mut list = a.into_elements();
                list.extend(b.into_elements());
                Json::Array(list)
            }
        }
    }

    fn into_elements(self) -> Vec<Json> {
        match self {
            Json::Array(list) => list,
            single => vec![single],
        }
    }
}
