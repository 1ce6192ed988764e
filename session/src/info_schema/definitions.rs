//! Types of `tables.tsv`, in MySQL's COLUMN_TYPE words.

use aurora_expr::typing;
use aurora_types::{BaseType, CollationId, EnumDef, SqlType, Text};
use std::sync::Arc;

pub(super) fn type_of(text: &str, collation: &str) -> SqlType {
    let collation = aurora_types::collation::lookup(collation).unwrap_or(CollationId::BINARY);
    let (word, rest) = text.split_once('(').unwrap_or((text, ""));
    let (argument, tail) = rest.split_once(')').unwrap_or((rest, ""));
    let number = argument.parse().unwrap_or(0);
    let base_word = word.split(' ').next().unwrap_or(word);
    let mut ty = match base_word {
        "bigint" => SqlType::new(BaseType::BigInt, 21),
        "int" if text.contains("unsigned") => SqlType::new(BaseType::Int, 10),
        "int" => SqlType::new(BaseType::Int, 11),
        "smallint" => SqlType::new(BaseType::SmallInt, 6),
        "tinyint" => SqlType::new(BaseType::TinyInt, 4),
        "varchar" => SqlType::new(BaseType::VarChar, number),
        "char" => SqlType::new(BaseType::Char, number),
        "varbinary" => SqlType::new(BaseType::VarChar, number),
        "text" => SqlType::new(BaseType::Text, 65_535),
        "mediumtext" | "mediumblob" => SqlType::new(BaseType::MediumText, 16_777_215),
        "longtext" | "longblob" => SqlType::new(BaseType::LongText, u32::MAX),
        "json" => typing::json(),
        "date" => typing::date(),
        "double" => typing::double(),
        "decimal" => typing::decimal(10, 2),
        "datetime" | "timestamp" => typing::datetime(number as u8),
        "enum" | "set" => {
            let members: Vec<Text> =
                argument.split(',').map(|member| Text::from(member.trim_matches('\''))).collect();
            let longest = members.iter().map(Text::len).max().unwrap_or(0) as u32;
            let def = Arc::new(EnumDef { members });
            let base = if base_word == "enum" { BaseType::Enum(def) } else { BaseType::Set(def) };
            SqlType::new(base, longest)
        }
        _ => SqlType::new(BaseType::VarChar, 64),
    };
    ty.unsigned = text.contains("unsigned") || tail.contains("unsigned");
    if typing::is_string(&ty) {
        ty.collation = collation;
    }
    ty
}
