//! Schemas as data: what a table, column, index, foreign key and view is.
//!
//! Definitions are immutable and shared: a statement works on one [`CatalogSnapshot`] from its first name
//! resolution to its end. Changes are rows in the system key range, written in the same commit as the change
//! of data that they describe.

mod column;
mod constraint;
mod ids;
mod index;
mod schema;
mod snapshot;
mod table;
mod view;

pub use column::{ColumnDef, ColumnDefault, Generated};
pub use constraint::{CheckDef, ForeignKeyDef, ReferentialAction};
pub use ids::{ColumnId, IndexId, SchemaId, SchemaVersion, StorageId, TableId};
pub use index::{IndexDef, IndexKind, IndexPart, IndexState, KeyPart};
pub use schema::SchemaDef;
pub use snapshot::CatalogSnapshot;
pub use table::{TableDef, TableOptions};
pub use view::{ViewAlgorithm, ViewCheckOption, ViewDef, ViewSecurity};
