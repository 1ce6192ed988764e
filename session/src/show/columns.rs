//! The columns that SHOW statements give, with MySQL's own types.

use crate::info_schema::text_type;
use aurora_expr::typing;
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{BaseType, ColumnFlags, ColumnMeta, EnumDef, SqlType};
use std::sync::Arc;

/// A column of a listing.
pub(crate) fn column(name: &str, ty: SqlType) -> ColumnMeta {
    let flags = if ty.nullable { 0 } else { ColumnFlags::NOT_NULL };
    ColumnMeta {
        schema: String::new(),
        table: String::new(),
        org_table: String::new(),
        name: name.to_owned(),
        org_name: name.to_owned(),
        ty,
        flags: ColumnFlags(flags),
    }
}

/// A column in the making: not null until said otherwise.
#[derive(Clone)]
pub(crate) struct Shape {
    name: String,
    ty: SqlType,
    flags: u16,
    /// No column stands behind it.
    computed: bool,
}

impl Shape {
    fn new(name: &str, ty: SqlType) -> Shape {
        Shape { name: name.to_owned(), ty: typing::nullable(ty, false), flags: 0, computed: false }
    }

    pub(crate) fn null(mut self) -> Shape {
        self.ty.nullable = true;
        self
    }

    /// A key of the dictionary begins with the column.
    fn key(mut self, flag: u16) -> Shape {
        self.flags |= flag;
        self
    }

    fn meta(self) -> ColumnMeta {
        let mut meta = column(&self.name, self.ty);
        meta.flags.0 |= self.flags;
        if self.computed {
            meta.org_name.clear();
        }
        meta
    }
}

/// Text of a column of the dictionary.
pub(crate) fn varchar(name: &str, chars: u32) -> Shape {
    Shape::new(name, text_type(chars))
}

/// Text that the statement makes.
pub(crate) fn made(name: &str, chars: u32) -> Shape {
    Shape::new(name, SqlType { decimals: NOT_FIXED_DECIMALS, ..text_type(chars) })
}

/// Long text that the statement makes.
fn made_text(name: &str, base: BaseType, chars: u32) -> Shape {
    let mut shape = made(name, chars);
    shape.ty.base = base;
    shape.computed = true;
    shape
}

fn text_of(name: &str, base: BaseType) -> Shape {
    let chars = match base {
        BaseType::Text => 65_535,
        BaseType::MediumText => 16_777_215,
        _ => u32::MAX / 4,
    };
    Shape::new(name, SqlType { base, ..text_type(chars) })
}

/// An ENUM whose longest member has so many characters.
fn enumeration(name: &str, chars: u32) -> Shape {
    let base = BaseType::Enum(Arc::new(EnumDef { members: Vec::new() }));
    Shape::new(name, SqlType { base, ..text_type(chars) })
}

pub(crate) fn bigint(name: &str) -> Shape {
    Shape::new(name, typing::bigint(21))
}

fn unsigned(name: &str, base: BaseType, length: u32) -> Shape {
    Shape::new(name, SqlType { unsigned: true, ..SqlType::new(base, length) })
}

fn datetime(name: &str) -> Shape {
    Shape::new(name, typing::datetime(0)).null()
}

fn timestamp(name: &str, decimals: u8) -> Shape {
    Shape::new(name, SqlType { decimals, ..SqlType::new(BaseType::Timestamp, 19) })
}

pub(crate) fn metas(shapes: impl IntoIterator<Item = Shape>) -> Vec<ColumnMeta> {
    shapes.into_iter().map(Shape::meta).collect()
}

/// `SHOW DATABASES`, `SHOW TABLES`: a LIKE stands in the title.
pub(crate) fn names(title: &str, pattern: Option<&str>) -> Shape {
    match pattern {
        Some(pattern) => varchar(&format!("{title} ({pattern})"), 64),
        None => varchar(title, 64),
    }
}

pub(crate) fn table_type() -> Shape {
    enumeration("Table_type", 11)
}

pub(crate) fn create(title: &str, statement: &str) -> Vec<ColumnMeta> {
    metas([made(title, 64), made(statement, 1024)])
}

pub(crate) fn create_view() -> Vec<ColumnMeta> {
    metas([
        made("View", 64),
        made("Create View", 1024),
        made("character_set_client", 32),
        made("collation_connection", 32),
    ])
}

/// SHOW COLUMNS and DESCRIBE.
pub(crate) fn columns(full: bool) -> Vec<ColumnMeta> {
    let field = varchar("Field", 64).null();
    let kind = text_of("Type", BaseType::MediumText);
    let null = varchar("Null", 3);
    let key = enumeration("Key", 3);
    let default = text_of("Default", BaseType::Text).null();
    let extra = varchar("Extra", 256).null();
    if !full {
        return metas([field, kind, null, key, default, extra]);
    }
    let collation = varchar("Collation", 64).null();
    let privileges = varchar("Privileges", 154).null();
    let comment = Shape::new("Comment", SqlType { base: BaseType::Text, ..text_type(6144) });
    metas([field, kind, collation, null, key, default, extra, privileges, comment])
}

pub(crate) fn index() -> Vec<ColumnMeta> {
    metas([
        varchar("Table", 64),
        Shape::new("Non_unique", SqlType::new(BaseType::Int, 2)),
        varchar("Key_name", 64).null(),
        unsigned("Seq_in_index", BaseType::Int, 10),
        varchar("Column_name", 64).null(),
        varchar("Collation", 1).null(),
        bigint("Cardinality").null(),
        bigint("Sub_part").null(),
        Shape::new("Packed", SqlType::new(BaseType::Null, 0)).null(),
        varchar("Null", 3),
        varchar("Index_type", 11),
        varchar("Comment", 8),
        varchar("Index_comment", 2048),
        varchar("Visible", 3),
        text_of("Expression", BaseType::LongText).null(),
    ])
}

pub(crate) fn variables() -> Vec<ColumnMeta> {
    metas([varchar("Variable_name", 64), varchar("Value", 1024).null()])
}

pub(crate) fn engines() -> Vec<ColumnMeta> {
    metas([
        varchar("Engine", 64),
        varchar("Support", 8),
        varchar("Comment", 80),
        varchar("Transactions", 3).null(),
        varchar("XA", 3).null(),
        varchar("Savepoints", 3).null(),
    ])
}

pub(crate) fn warnings() -> Vec<ColumnMeta> {
    metas([made("Level", 7), unsigned("Code", BaseType::Int, 5), made("Message", 512)])
}

pub(crate) fn collations() -> Vec<ColumnMeta> {
    metas([
        varchar("Collation", 64),
        varchar("Charset", 64),
        unsigned("Id", BaseType::BigInt, 20),
        varchar("Default", 3),
        varchar("Compiled", 3),
        unsigned("Sortlen", BaseType::Int, 10),
        enumeration("Pad_attribute", 9),
    ])
}

pub(crate) fn character_sets() -> Vec<ColumnMeta> {
    metas([
        varchar("Charset", 64).key(ColumnFlags::UNIQUE_KEY),
        varchar("Description", 2048),
        varchar("Default collation", 64).key(ColumnFlags::UNIQUE_KEY),
        unsigned("Maxlen", BaseType::Int, 10),
    ])
}

pub(crate) fn process_list(full: bool) -> Vec<ColumnMeta> {
    let info = if full { made_text("Info", BaseType::LongText, 201_326_592) } else { made("Info", 100) };
    metas([
        Shape::new("Id", typing::bigint(22)),
        made("User", 32),
        made("Host", 255),
        made("db", 64).null(),
        made("Command", 16),
        Shape::new("Time", SqlType::new(BaseType::Int, 8)),
        made("State", 30).null(),
        info.null(),
    ])
}

pub(crate) fn open_tables() -> Vec<ColumnMeta> {
    metas([
        varchar("Database", 64),
        varchar("Table", 64),
        Shape::new("In_use", typing::bigint(2)),
        Shape::new("Name_locked", typing::bigint(5)),
    ])
}

pub(crate) fn plugins() -> Vec<ColumnMeta> {
    metas([
        varchar("Name", 64),
        varchar("Status", 10),
        varchar("Type", 80),
        varchar("Library", 64).null(),
        varchar("License", 80).null(),
    ])
}

pub(crate) fn privileges() -> Vec<ColumnMeta> {
    metas([made("Privilege", 10), made("Context", 15), made("Comment", 64)])
}

pub(crate) fn table_status() -> Vec<ColumnMeta> {
    let count = |name| unsigned(name, BaseType::BigInt, 21).null();
    metas([
        varchar("Name", 64),
        varchar("Engine", 64).null(),
        Shape::new("Version", SqlType::new(BaseType::Int, 3)).null(),
        enumeration("Row_format", 10).null(),
        count("Rows"),
        count("Avg_row_length"),
        count("Data_length"),
        count("Max_data_length"),
        count("Index_length"),
        count("Data_free"),
        count("Auto_increment"),
        timestamp("Create_time", 0),
        datetime("Update_time"),
        datetime("Check_time"),
        varchar("Collation", 64).null(),
        Shape::new("Checksum", typing::bigint(21)).null(),
        varchar("Create_options", 256).null(),
        Shape::new("Comment", SqlType { base: BaseType::Text, ..text_type(6144) }).null(),
    ])
}

/// SHOW COUNT(*) WARNINGS and ERRORS.
pub(crate) fn count(name: &str) -> Vec<ColumnMeta> {
    metas([unsigned(name, BaseType::BigInt, 21).null()])
}

/// CHECK TABLE, ANALYZE TABLE and their like.
pub(crate) fn table_admin() -> Vec<ColumnMeta> {
    metas([
        made("Table", 128).null(),
        made("Op", 10).null(),
        made("Msg_type", 10).null(),
        made_text("Msg_text", BaseType::MediumText, 393_216).null(),
    ])
}

pub(crate) fn binary_log_status() -> Vec<ColumnMeta> {
    metas([
        made("File", 512),
        unsigned("Position", BaseType::BigInt, 21),
        made("Binlog_Do_DB", 255),
        made("Binlog_Ignore_DB", 255),
        made("Executed_Gtid_Set", 44),
    ])
}

pub(crate) fn replicas() -> Vec<ColumnMeta> {
    metas([
        unsigned("Server_Id", BaseType::Int, 11),
        made("Host", 255),
        unsigned("Port", BaseType::Int, 8),
        unsigned("Source_Id", BaseType::Int, 11),
        made("Replica_UUID", 36),
    ])
}

/// SHOW PROCEDURE STATUS and SHOW FUNCTION STATUS.
pub(crate) fn routines() -> Vec<ColumnMeta> {
    metas([
        varchar("Db", 64),
        varchar("Name", 64),
        enumeration("Type", 9),
        varchar("Language", 64),
        varchar("Definer", 288),
        timestamp("Modified", 0),
        timestamp("Created", 0),
        enumeration("Security_type", 7),
        text_of("Comment", BaseType::Text),
        varchar("character_set_client", 64),
        varchar("collation_connection", 64),
        varchar("Database Collation", 64),
    ])
}

pub(crate) fn triggers() -> Vec<ColumnMeta> {
    let modes = BaseType::Set(Arc::new(EnumDef { members: Vec::new() }));
    metas([
        varchar("Trigger", 64),
        enumeration("Event", 6),
        varchar("Table", 64),
        text_of("Statement", BaseType::LongText),
        enumeration("Timing", 6),
        timestamp("Created", 2),
        Shape::new("sql_mode", SqlType { base: modes, ..text_type(546) }),
        varchar("Definer", 288),
        varchar("character_set_client", 64),
        varchar("collation_connection", 64),
        varchar("Database Collation", 64),
    ])
}

pub(crate) fn events() -> Vec<ColumnMeta> {
    metas([
        varchar("Db", 64),
        varchar("Name", 64),
        varchar("Definer", 288).key(ColumnFlags::MULTIPLE_KEY),
        varchar("Time zone", 64),
        made("Type", 9),
        datetime("Execute at"),
        made("Interval value", 256).null(),
        enumeration("Interval field", 18).null(),
        datetime("Starts"),
        datetime("Ends"),
        made("Status", 21),
        unsigned("Originator", BaseType::Int, 10),
        varchar("character_set_client", 64).key(ColumnFlags::UNIQUE_KEY),
        varchar("collation_connection", 64).key(ColumnFlags::UNIQUE_KEY),
        varchar("Database Collation", 64).key(ColumnFlags::UNIQUE_KEY),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_carry_their_types() {
        let columns = columns(true);
        assert_eq!(columns.len(), 9);
        assert!(columns[0].ty.nullable && !columns[1].ty.nullable);
        assert_eq!(names("Database", Some("te%")).name, "Database (te%)");
        assert_eq!(warnings()[0].ty.decimals, NOT_FIXED_DECIMALS);
        assert!(matches!(triggers()[6].ty.base, BaseType::Set(_)));
    }
}
