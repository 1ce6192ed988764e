//! Values, MySQL's types and their rules. See README.md for the map of this crate.

pub mod charset;
pub mod codec;
pub mod collation;
pub mod column;
pub mod decimal;
pub mod default;
pub mod diagnostics;
pub mod display;
mod enum_def;
pub mod error;
pub mod json;
pub mod like;
pub mod number;
pub mod sink;
pub mod sql_mode;
pub mod sql_type;
pub mod store;
pub mod temporal;
pub mod text;
pub mod value;

pub use charset::Charset;
pub use collation::CollationId;
pub use column::{ColumnFlags, ColumnMeta};
pub use decimal::Decimal;
pub use default::implicit_default;
pub use diagnostics::{Diagnostics, Level, Warning};
pub use error::{ErrorKind, SqlError, SqlResult};
pub use json::Json;
pub use sink::{RowSink, SessionChange, StatementStatus};
pub use sql_mode::SqlMode;
pub use sql_type::{BaseType, EnumDef, SqlType};
pub use store::{StoreContext, store};
pub use temporal::{Date, DateTime, Interval, Time, TimeZone};
pub use text::Text;
pub use value::{Value, ValueRef};
