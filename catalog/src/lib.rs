//! Schemas as data: what a table, column, index, foreign key and view is.
//!
//! Definitions are immutable and shared: a statement works on one [`CatalogSnapshot`] from its first name
//! resolution to its end. Changes are rows in the system key range, written in the same commit as the change
//! of data that they describe.

mod catalog;
mod codec;
mod column;
mod constraint;
mod error;
mod ids;
mod index;
mod pins;
mod schema;
mod snapshot;
mod stored;
mod table;
mod view;

pub use catalog::{Catalog, CatalogChange, ClosedTable, FIRST_USER_ID, TENANT, storage_range};
pub use codec::DecodeError;
pub use column::{ColumnDef, ColumnDefault, Generated};
pub use constraint::{CheckDef, ForeignKeyDef, ReferentialAction};
pub use error::{CatalogError, CatalogResult};
pub use ids::{ColumnId, IndexId, SchemaId, SchemaVersion, StorageId, TableId};
pub use index::{IndexDef, IndexKind, IndexPart, IndexState, KeyPart};
pub use pins::{Pin, PinWait};
pub use schema::SchemaDef;
pub use snapshot::CatalogSnapshot;
pub use table::{TableDef, TableOptions, names_equal};
pub use view::{ViewAlgorithm, ViewCheckOption, ViewDef, ViewSecurity};
