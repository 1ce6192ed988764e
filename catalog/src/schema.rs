//! Databases.

use crate::ids::SchemaId;
use aurora_types::CollationId;

#[derive(Clone, Debug)]
pub struct SchemaDef {
    pub id: SchemaId,
    /// As written; compared with case, as MySQL on Linux does.
    pub name: String,
    pub collation: CollationId,
    /// `READ ONLY = 1`.
    pub read_only: bool,
}
