//! SHOW CREATE: definitions as statements, in MySQL's form.

use super::expression::canonical;
use aurora_catalog::{
    ColumnDef, ColumnDefault, IndexDef, IndexKind, KeyPart, ReferentialAction, SchemaDef, TableDef,
    ViewAlgorithm, ViewCheckOption, ViewDef, ViewSecurity,
};
use aurora_expr::typing;
use aurora_types::{BaseType, CollationId, SqlType, Value, display};
use std::fmt::Write;

/// A name in backticks.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string literal.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A type as DDL writes it: `varchar(20)`, `int unsigned`, `enum('a','b')`.
pub fn type_text(ty: &SqlType) -> String {
    use BaseType as B;
    let binary = ty.collation.is_binary();
    let fsp = |word: &str| if ty.decimals > 0 { format!("{word}({})", ty.decimals) } else { word.to_owned() };
    let members = |word: &str, def: &aurora_types::EnumDef| {
        let list: Vec<String> = def.members.iter().map(|m| literal(&m.to_str_lossy())).collect();
        format!("{word}({})", list.join(","))
    };
    let integer = |word: &str| {
        let is_bool = ty.base == B::TinyInt && ty.length == 1 && !ty.unsigned;
        if ty.zerofill || is_bool { format!("{word}({})", ty.length) } else { word.to_owned() }
    };
    let mut text = match &ty.base {
        B::Null => "null".into(),
        B::TinyInt => integer("tinyint"),
        B::SmallInt => integer("smallint"),
        B::MediumInt => integer("mediumint"),
        B::Int => integer("int"),
        B::BigInt => integer("bigint"),
        B::Float | B::Double => {
            let word = if ty.base == B::Float { "float" } else { "double" };
            if ty.decimals < 31 { format!("{word}({},{})", ty.length, ty.decimals) } else { word.into() }
        }
        B::Decimal => format!("decimal({},{})", ty.length, ty.decimals),
        B::Bit => format!("bit({})", ty.length),
        B::Year => "year".into(),
        B::Date => "date".into(),
        B::Time => fsp("time"),
        B::DateTime => fsp("datetime"),
        B::Timestamp => fsp("timestamp"),
        B::Char => format!("{}({})", if binary { "binary" } else { "char" }, ty.length),
        B::VarChar => format!("{}({})", if binary { "varbinary" } else { "varchar" }, ty.length),
        B::TinyText => (if binary { "tinyblob" } else { "tinytext" }).into(),
        B::Text => (if binary { "blob" } else { "text" }).into(),
        B::MediumText => (if binary { "mediumblob" } else { "mediumtext" }).into(),
        B::LongText => (if binary { "longblob" } else { "longtext" }).into(),
        B::Enum(def) => members("enum", def),
        B::Set(def) => members("set", def),
        B::Json => "json".into(),
        B::Geometry(kind) => geometry_text(*kind).into(),
    };
    let numeric = matches!(
        ty.base,
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt | B::Float | B::Double | B::Decimal
    );
    if numeric && ty.unsigned {
        text.push_str(" unsigned");
    }
    if numeric && ty.zerofill {
        text.push_str(" zerofill");
    }
    text
}

fn geometry_text(kind: aurora_types::sql_type::GeometryKind) -> &'static str {
    use aurora_types::sql_type::GeometryKind as G;
    match kind {
        G::Geometry => "geometry",
        G::Point => "point",
        G::LineString => "linestring",
        G::Polygon => "polygon",
        G::MultiPoint => "multipoint",
        G::MultiLineString => "multilinestring",
        G::MultiPolygon => "multipolygon",
        G::GeometryCollection => "geomcollection",
    }
}

/// DEFAULT as SHOW CREATE TABLE writes a value.
pub fn default_text(column: &ColumnDef, value: &Value) -> String {
    match &column.ty.base {
        BaseType::Bit => {
            let Value::Text(bytes) = value else { return "NULL".into() };
            let number = bytes.as_bytes().iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
            format!("b'{number:b}'")
        }
        _ if column.ty.collation.is_binary() && typing::is_string(&column.ty) => {
            let Value::Text(bytes) = value else { return "NULL".into() };
            match std::str::from_utf8(bytes.as_bytes()) {
                Ok(text) if !text.contains('\0') => literal(text),
                _ => {
                    let hex: String = bytes.as_bytes().iter().map(|b| format!("{b:02X}")).collect();
                    format!("0x{hex}")
                }
            }
        }
        _ => {
            let mut out = Vec::new();
            display::write_text(value.as_ref(), &column.ty, &mut out);
            literal(&String::from_utf8_lossy(&out))
        }
    }
}

fn column_line(column: &ColumnDef, table: &TableDef) -> String {
    let ty = &column.ty;
    let mut line = format!("  {} {}", quoted(&column.name), type_text(ty));
    let is_character = typing::is_character(ty) && !ty.collation.is_binary() && ty.base != BaseType::Json;
    if is_character {
        let default = table.options.collation;
        let differs = ty.collation != default;
        let set_differs = ty.collation.charset() != default.charset();
        if set_differs || column.explicit_charset || (differs && column.explicit_collation) {
            if set_differs || column.explicit_charset || column.explicit_collation {
                let _ = write!(line, " CHARACTER SET {}", ty.collation.charset().name());
            }
            let is_default = ty.collation == ty.collation.charset().default_collation();
            if set_differs || !is_default || (ty.collation.name() == "utf8mb4_0900_ai_ci") {
                let _ = write!(line, " COLLATE {}", ty.collation.name());
            }
        } else if differs {
            let _ = write!(line, " COLLATE {}", ty.collation.name());
        }
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        let _ = write!(line, " GENERATED ALWAYS AS ({}) {kind}", canonical(&generated.expression));
    }
    if !ty.nullable {
        line.push_str(" NOT NULL");
    } else if ty.base == BaseType::Timestamp {
        line.push_str(" NULL");
    }
    if let Some(srid) = column.srid {
        let _ = write!(line, " /*!80003 SRID {srid} */");
    }
    if column.generated.is_none() && !column.auto_increment {
        let fsp = if ty.decimals > 0 { format!("({})", ty.decimals) } else { String::new() };
        match &column.default {
            ColumnDefault::None | ColumnDefault::Null => {
                let long = matches!(
                    ty.base,
                    BaseType::TinyText
                        | BaseType::Text
                        | BaseType::MediumText
                        | BaseType::LongText
                        | BaseType::Json
                        | BaseType::Geometry(_)
                );
                if ty.nullable && !long {
                    line.push_str(" DEFAULT NULL");
                }
            }
            ColumnDefault::Value(value) => {
                let _ = write!(line, " DEFAULT {}", default_text(column, value));
            }
            ColumnDefault::CurrentTimestamp => {
                let _ = write!(line, " DEFAULT CURRENT_TIMESTAMP{fsp}");
            }
            ColumnDefault::Expression(text) => {
                let _ = write!(line, " DEFAULT ({})", canonical(text));
            }
        }
        if column.on_update_now {
            let _ = write!(line, " ON UPDATE CURRENT_TIMESTAMP{fsp}");
        }
    }
    if column.auto_increment {
        line.push_str(" AUTO_INCREMENT");
    }
    if column.invisible {
        line.push_str(" /*!80023 INVISIBLE */");
    }
    if !column.comment.is_empty() {
        let _ = write!(line, " COMMENT {}", literal(&column.comment));
    }
    line
}

fn key_line(index: &IndexDef, table: &TableDef) -> String {
    let parts: Vec<String> = index
        .parts
        .iter()
        .map(|part| {
            let mut text = match &part.part {
                KeyPart::Column(id) => quoted(table.column(*id).map_or("", |column| &column.name)),
                KeyPart::Expression(text) => format!("({text})"),
            };
            if let Some(length) = part.prefix_length {
                let _ = write!(text, "({length})");
            }
            if part.descending {
                text.push_str(" DESC");
            }
            text
        })
        .collect();
    let parts = parts.join(",");
    let name = quoted(&index.name);
    let mut line = match index.kind {
        IndexKind::Primary => format!("  PRIMARY KEY ({parts})"),
        IndexKind::Unique => format!("  UNIQUE KEY {name} ({parts})"),
        IndexKind::Secondary => format!("  KEY {name} ({parts})"),
        IndexKind::FullText => format!("  FULLTEXT KEY {name} ({parts})"),
        IndexKind::Spatial => format!("  SPATIAL KEY {name} ({parts})"),
    };
    if let Some(using) = &index.using {
        let _ = write!(line, " USING {using}");
    }
    if !index.comment.is_empty() {
        let _ = write!(line, " COMMENT {}", literal(&index.comment));
    }
    if let Some(parser) = &index.parser {
        let _ = write!(line, " /*!50100 WITH PARSER {} */ ", quoted(parser));
    }
    if index.invisible {
        line.push_str(" /*!80000 INVISIBLE */");
    }
    line
}

/// The statement that makes `table`. `auto_increment`: the next value where it is above 1.
pub fn table_text(table: &TableDef, auto_increment: Option<u64>) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(|column| column_line(column, table)).collect();
    lines.extend(table.indexes.iter().map(|index| key_line(index, table)));
    let mut keys: Vec<_> = table.foreign_keys.iter().collect();
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    for key in keys {
        let columns: Vec<String> =
            key.columns.iter().filter_map(|id| table.column(*id)).map(|c| quoted(&c.name)).collect();
        let parents: Vec<String> = key.parent_columns.iter().map(|name| quoted(name)).collect();
        let parent = if key.parent_schema == table.schema {
            quoted(&key.parent_table)
        } else {
            format!("{}.{}", quoted(&key.parent_schema), quoted(&key.parent_table))
        };
        let mut line = format!(
            "  CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {parent} ({})",
            quoted(&key.name),
            columns.join(", "),
            parents.join(", ")
        );
        for (clause, action) in [("ON DELETE", key.on_delete), ("ON UPDATE", key.on_update)] {
            let text = match action {
                ReferentialAction::NoAction => continue,
                ReferentialAction::Restrict => "RESTRICT",
                ReferentialAction::Cascade => "CASCADE",
                ReferentialAction::SetNull => "SET NULL",
                ReferentialAction::SetDefault => "SET DEFAULT",
            };
            let _ = write!(line, " {clause} {text}");
        }
        lines.push(line);
    }
    let mut checks: Vec<_> = table.checks.iter().collect();
    checks.sort_by(|a, b| a.name.cmp(&b.name));
    for check in checks {
        let mut line =
            format!("  CONSTRAINT {} CHECK ({})", quoted(&check.name), canonical(&check.expression));
        if !check.enforced {
            line.push_str(" /*!80016 NOT ENFORCED */");
        }
        lines.push(line);
    }
    let temporary = if table.temporary { "TEMPORARY " } else { "" };
    let mut text = format!(
        "CREATE {temporary}TABLE {} (\n{}\n) ENGINE={}",
        quoted(&table.name),
        lines.join(",\n"),
        table.options.engine
    );
    if let Some(next) = auto_increment.filter(|next| *next > 1) {
        let _ = write!(text, " AUTO_INCREMENT={next}");
    }
    text.push_str(&charset_clause(table.options.collation));
    let mut options: Vec<String> = table.options.kept.clone();
    options.extend(table.options.row_format.as_ref().map(|format| format!("ROW_FORMAT={format}")));
    if !table.options.comment.is_empty() {
        options.push(format!("COMMENT={}", literal(&table.options.comment)));
    }
    options.sort_by_key(|option| {
        let name = option.split('=').next().unwrap_or_default();
        OPTION_ORDER.iter().position(|known| *known == name).unwrap_or(OPTION_ORDER.len())
    });
    for option in options {
        let _ = write!(text, " {option}");
    }
    if let Some(clause) = &table.options.partition_clause {
        let _ = write!(text, "\n/*!50100 {clause} */");
    }
    text
}

/// As MySQL shows them, whatever the order in which they were given.
const OPTION_ORDER: [&str; 14] = [
    "MIN_ROWS",
    "MAX_ROWS",
    "AVG_ROW_LENGTH",
    "PACK_KEYS",
    "STATS_PERSISTENT",
    "STATS_AUTO_RECALC",
    "STATS_SAMPLE_PAGES",
    "CHECKSUM",
    "DELAY_KEY_WRITE",
    "ROW_FORMAT",
    "KEY_BLOCK_SIZE",
    "COMPRESSION",
    "COMMENT",
    "CONNECTION",
];

fn charset_clause(collation: CollationId) -> String {
    let set = collation.charset();
    let mut text = format!(" DEFAULT CHARSET={}", set.name());
    if collation != set.default_collation() || set.name() == "utf8mb4" {
        let _ = write!(text, " COLLATE={}", collation.name());
    }
    text
}

/// The statement that makes a database.
pub fn schema_text(schema: &SchemaDef, if_not_exists: bool) -> String {
    let set = schema.collation.charset();
    let clause = if if_not_exists { "/*!32312 IF NOT EXISTS*/ " } else { "" };
    let mut text = format!(
        "CREATE DATABASE {clause}{} /*!40100 DEFAULT CHARACTER SET {}",
        quoted(&schema.name),
        set.name()
    );
    if schema.collation != set.default_collation() || set.name() == "utf8mb4" {
        let _ = write!(text, " COLLATE {}", schema.collation.name());
    }
    text.push_str(" */ /*!80016 DEFAULT ENCRYPTION='N' */");
    text
}

/// The statement that makes a view.
pub fn view_text(view: &ViewDef) -> String {
    let algorithm = match view.algorithm {
        ViewAlgorithm::Undefined => "UNDEFINED",
        ViewAlgorithm::Merge => "MERGE",
        ViewAlgorithm::TempTable => "TEMPTABLE",
    };
    let (user, host) = view.definer.rsplit_once('@').unwrap_or((&view.definer, "%"));
    let security = match view.security {
        ViewSecurity::Definer => "DEFINER",
        ViewSecurity::Invoker => "INVOKER",
    };
    let columns: Vec<String> = view.columns.iter().map(|name| quoted(name)).collect();
    let check = match view.check_option {
        ViewCheckOption::None => "",
        ViewCheckOption::Local => " WITH LOCAL CHECK OPTION",
        ViewCheckOption::Cascaded => " WITH CASCADED CHECK OPTION",
    };
    format!(
        "CREATE ALGORITHM={algorithm} DEFINER={}@{} SQL SECURITY {security} VIEW {} ({}) AS {}{check}",
        quoted(user),
        quoted(host),
        quoted(&view.name),
        columns.join(","),
        view.query
    )
}
