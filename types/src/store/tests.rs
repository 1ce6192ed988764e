use super::*;
use crate::temporal::parse::{DateFlags, parse_datetime, parse_time};
use crate::{Charset, CollationId, Decimal, EnumDef, Text};
use std::sync::Arc;

/// `type | value | S(trict) or N(ot) | what the column holds, "-" for an error | conditions`, from MySQL 9.7.4.
const ANSWERS: &str = include_str!("answers.txt");

fn column_type(text: &str) -> SqlType {
    let (name, rest) = text.split_at(text.find(['(', ' ']).unwrap_or(text.len()));
    let inner = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or("", |(inner, _)| inner);
    let mut numbers = inner.split(',').filter_map(|n| n.parse::<u32>().ok());
    let members = || {
        Arc::new(EnumDef { members: inner.split(',').map(|m| Text::from(m.trim_matches('\''))).collect() })
    };
    let (base, length) = match name {
        "tinyint" => (BaseType::TinyInt, 4),
        "smallint" => (BaseType::SmallInt, 6),
        "int" => (BaseType::Int, 10),
        "bigint" => (BaseType::BigInt, 20),
        "decimal" => (BaseType::Decimal, 10),
        "float" => (BaseType::Float, 12),
        "double" => (BaseType::Double, 22),
        "bit" => (BaseType::Bit, 1),
        "year" => (BaseType::Year, 4),
        "date" => (BaseType::Date, 10),
        "datetime" => (BaseType::DateTime, 19),
        "timestamp" => (BaseType::Timestamp, 19),
        "time" => (BaseType::Time, 10),
        "char" | "binary" => (BaseType::Char, 1),
        "varchar" | "varbinary" => (BaseType::VarChar, 1),
        "text" => (BaseType::Text, 65_535),
        "enum" => (BaseType::Enum(members()), 0),
        "set" => (BaseType::Set(members()), 0),
        "json" => (BaseType::Json, 0),
        other => panic!("{other}"),
    };
    let mut ty = SqlType::new(base, length);
    ty.unsigned = rest.contains("unsigned") || rest.contains("zerofill");
    ty.zerofill = rest.contains("zerofill");
    match name {
        "datetime" | "time" => ty.decimals = numbers.next().unwrap_or(0) as u8,
        "float" | "double" if inner.is_empty() => ty.decimals = 31,
        _ => {
            ty.length = numbers.next().unwrap_or(ty.length);
            ty.decimals = numbers.next().unwrap_or(0) as u8;
        }
    }
    if matches!(name, "char" | "varchar" | "text" | "enum" | "set") {
        let charset = rest.split_once("charset ").and_then(|(_, name)| crate::charset::lookup(name));
        ty.collation = charset.unwrap_or(Charset::Utf8mb4).default_collation();
    }
    ty
}

/// The value of a literal, or of a column (`@type:literal`) that holds one.
fn source(text: &str) -> (Value, SqlType) {
    let Some(rest) = text.strip_prefix('@') else { return literal(text) };
    let (column, value) = rest.split_once(':').unwrap();
    let (ty, (value, from)) = (column_type(column), literal(value));
    let zone = TimeZone::utc();
    let ctx = StoreContext {
        sql_mode: SqlMode(0),
        strict: false,
        time_zone: &zone,
        now: DateTime::ZERO,
        table: "t",
    };
    (store(&value, &from, &ty, "c", 1, &ctx, &mut Diagnostics::default()).unwrap(), ty)
}

fn literal(text: &str) -> (Value, SqlType) {
    let quoted = text.split_once('\'').map(|(kind, rest)| (kind, rest.trim_end_matches('\'')));
    let number = text.as_bytes();
    match quoted {
        Some(("", inner)) => {
            let ty = SqlType {
                collation: CollationId::UTF8MB4_0900_AI_CI,
                ..SqlType::new(BaseType::VarChar, inner.len() as u32)
            };
            (Value::Text(Text::from(inner)), ty)
        }
        Some(("x", inner)) => {
            let bytes: Vec<u8> = (0..inner.len() / 2)
                .map(|i| u8::from_str_radix(&inner[i * 2..i * 2 + 2], 16).unwrap())
                .collect();
            (Value::Text(Text::from(bytes)), SqlType::new(BaseType::VarChar, 9))
        }
        Some(("date", inner)) => {
            let value = parse_datetime(inner.as_bytes(), DateFlags::default()).value.unwrap();
            (Value::Date(value.date()), SqlType::new(BaseType::Date, 10))
        }
        Some(("timestamp", inner)) => {
            let value = parse_datetime(inner.as_bytes(), DateFlags::default()).value.unwrap();
            (Value::DateTime(value), SqlType { decimals: 6, ..SqlType::new(BaseType::DateTime, 26) })
        }
        Some(("time", inner)) => {
            let value = parse_time(inner.as_bytes()).value.unwrap();
            (Value::Time(value), SqlType { decimals: 1, ..SqlType::new(BaseType::Time, 12) })
        }
        Some((kind, _)) => panic!("{kind}"),
        None if text.contains('e') => (
            Value::Double(text.parse().unwrap()),
            SqlType { decimals: 31, ..SqlType::new(BaseType::Double, 22) },
        ),
        None => match text.parse::<i64>() {
            Ok(v) => (Value::Int(v), SqlType::new(BaseType::BigInt, 20)),
            Err(_) => {
                let value = Decimal::parse(number).value;
                let ty = SqlType { decimals: value.scale(), ..SqlType::new(BaseType::Decimal, 65) };
                (Value::Decimal(value), ty)
            }
        },
    }
}

fn shown(value: &Value, ty: &SqlType) -> String {
    if ty.base == BaseType::Bit {
        let Value::Text(bytes) = value else { panic!("{value:?}") };
        return bytes.as_bytes().iter().fold("0x".into(), |out, byte| format!("{out}{byte:02X}"));
    }
    let mut out = Vec::new();
    display::write_text(value.as_ref(), ty, &mut out);
    String::from_utf8_lossy(&out).replace('\0', "\\0")
}

#[test]
fn columns_store_what_mysql_stores() {
    let zone = TimeZone::utc();
    let mut wrong = Vec::new();
    for line in ANSWERS.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_end_matches(" |")).collect();
        let (to, (value, from)) = (column_type(cells[0]), source(cells[1]));
        let strict = cells[2] == "S";
        let ctx = StoreContext {
            sql_mode: if strict { SqlMode::DEFAULT } else { SqlMode(0) },
            strict,
            time_zone: &zone,
            now: crate::Date::new(2026, 11, 25).unwrap().at_midnight(),
            table: "t",
        };
        let mut diagnostics = Diagnostics::default();
        let result = store(&value, &from, &to, "c", 1, &ctx, &mut diagnostics);
        let mut conditions: Vec<String> = diagnostics
            .list
            .iter()
            .map(|w| format!("{}{}", if w.level == Level::Note { "N" } else { "W" }, w.code))
            .collect();
        let stored = match result {
            Ok(value) => shown(&value, &to),
            Err(error) => {
                conditions.push(format!("E{}", error.code));
                "-".into()
            }
        };
        let answer =
            format!("{} | {} | {} | {stored} | {}", cells[0], cells[1], cells[2], conditions.join(" "));
        if answer.trim_end() != line {
            wrong.push(format!("want {line}\n got {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Answers under modes of their own: `mode | type | value | what the column holds`, with errors as `E…`.
#[test]
fn modes_decide_about_dates_and_fractions() {
    let cases = [
        (
            "TIME_TRUNCATE_FRACTIONAL,STRICT_TRANS_TABLES",
            "datetime(2)",
            "'2020-01-01 23:59:59.999'",
            "2020-01-01 23:59:59.99",
        ),
        ("TIME_TRUNCATE_FRACTIONAL,STRICT_TRANS_TABLES", "time(1)", "'10:11:12.99'", "10:11:12.9"),
        ("ALLOW_INVALID_DATES,STRICT_TRANS_TABLES", "date", "'2020-02-31'", "2020-02-31"),
        ("ALLOW_INVALID_DATES,STRICT_TRANS_TABLES", "timestamp", "'2020-02-31'", "E1292"),
        ("ALLOW_INVALID_DATES,STRICT_TRANS_TABLES", "date", "'2020-02-32'", "E1292"),
        ("STRICT_TRANS_TABLES", "date", "'2020-00-31'", "2020-00-31"),
        ("STRICT_TRANS_TABLES", "date", "'0000-00-00'", "0000-00-00"),
        ("STRICT_TRANS_TABLES", "timestamp", "'0000-00-00'", "0000-00-00 00:00:00"),
        ("STRICT_TRANS_TABLES", "timestamp", "'2020-00-01'", "E1292"),
        ("STRICT_TRANS_TABLES", "int", "'0x10'", "E1265"),
        ("STRICT_TRANS_TABLES", "time(1)", "'838:59:59.95'", "E1292"),
        ("STRICT_TRANS_TABLES", "varchar(3)", "'é日本x'", "E1406"),
        ("STRICT_TRANS_TABLES", "varchar(3)", "'é日本 '", "é日本"),
    ];
    let zone = TimeZone::utc();
    for (mode, column, value, wanted) in cases {
        let ctx = StoreContext {
            sql_mode: SqlMode::parse(mode).unwrap(),
            strict: true,
            time_zone: &zone,
            now: DateTime::ZERO,
            table: "t",
        };
        let (to, (value, from)) = (column_type(column), literal(value));
        let got = match store(&value, &from, &to, "c", 1, &ctx, &mut Diagnostics::default()) {
            Ok(stored) => shown(&stored, &to),
            Err(error) => format!("E{}", error.code),
        };
        assert_eq!(got, wanted, "{mode} {column} {value:?}");
    }
}

#[test]
fn a_timestamp_that_the_clock_skipped_is_the_moment_of_the_jump() {
    let Some(zone) = TimeZone::parse("Europe/Berlin") else { panic!("a zone of the tz database") };
    let (to, (value, from)) = (column_type("timestamp"), literal("'2020-03-29 02:30:00'"));
    let mut ctx = StoreContext {
        sql_mode: SqlMode(0),
        strict: true,
        time_zone: &zone,
        now: DateTime::ZERO,
        table: "t",
    };
    let mut diagnostics = Diagnostics::default();
    let stored = store(&value, &from, &to, "c", 1, &ctx, &mut diagnostics).unwrap();
    assert_eq!(shown(&stored, &to), "2020-03-29 03:00:00");
    assert_eq!(diagnostics.list[0].code, 1299);
    ctx.sql_mode = SqlMode::DEFAULT;
    let refused = store(&value, &from, &to, "c", 1, &ctx, &mut diagnostics).unwrap_err();
    assert_eq!(refused.code, 1292);
}
