use super::*;
use crate::{CollationId, Decimal, Text};
use proptest::prelude::*;

fn ty(base: BaseType, length: u32) -> SqlType {
    SqlType::new(base, length)
}

fn every_type() -> Vec<SqlType> {
    let def = Arc::new(EnumDef { members: vec!["red".into(), "green".into()] });
    let mut decimal = ty(BaseType::Decimal, 65);
    decimal.decimals = 30;
    let mut unsigned = ty(BaseType::BigInt, 20);
    unsigned.unsigned = true;
    let mut text = ty(BaseType::VarChar, 100);
    text.collation = CollationId::UTF8MB4_0900_AI_CI;
    vec![
        ty(BaseType::TinyInt, 4),
        ty(BaseType::MediumInt, 9),
        text,
        unsigned,
        ty(BaseType::Float, 12),
        ty(BaseType::Double, 22),
        decimal,
        ty(BaseType::Bit, 12),
        ty(BaseType::Year, 4),
        ty(BaseType::Date, 10),
        ty(BaseType::LongText, u32::MAX),
        ty(BaseType::Time, 10),
        ty(BaseType::DateTime, 19),
        ty(BaseType::Enum(Arc::clone(&def)), 5),
        ty(BaseType::Set(def), 9),
        ty(BaseType::Json, u32::MAX),
        ty(BaseType::VarChar, 10),
    ]
}

fn layout() -> RowLayout {
    RowLayout::new(every_type().into_iter().map(ColumnLayout::new).collect())
}

fn sample(long: usize) -> Vec<Value> {
    let date = Date::new(2024, 2, 29).unwrap();
    vec![
        Value::Int(-128),
        Value::Int(-8_388_608),
        Value::Text("grüße".into()),
        Value::UInt(u64::MAX),
        Value::Double(1.5),
        Value::Double(-0.1),
        Value::Decimal(
            Decimal::parse(b"-12345678901234567890123456789012345.123456789012345678901234567890").value,
        ),
        Value::Text(Text::from(&[0x0F, 0xFF][..])),
        Value::UInt(2155),
        Value::Date(date),
        Value::Text(Text::from(vec![b'x'; long])),
        Value::Time(Time::from_micros(-3_020_399_999_999).unwrap()),
        Value::DateTime(DateTime::new(date, 23, 59, 59, 999_999).unwrap()),
        Value::Text("green".into()),
        Value::Text("red,green".into()),
        Value::Json("{\"a\": 1}".into()),
        Value::Text("".into()),
    ]
}

fn shown(values: &[Value]) -> String {
    format!("{values:?}")
}

#[test]
fn every_type_round_trips_narrow_and_wide() {
    for long in [0, 10, 70_000] {
        let (layout, values, mut bytes) = (layout(), sample(long), Vec::new());
        encode_row(&layout, 7, &values, &mut bytes).unwrap();
        let row = RowView::new(&bytes, &layout).unwrap();
        assert_eq!(row.schema_version(), 7);
        assert_eq!(shown(&row.to_values().unwrap()), shown(&values));
    }
}

#[test]
fn nulls_take_the_bitmap_only() {
    let layout = layout();
    let values = vec![Value::Null; layout.len()];
    let mut bytes = Vec::new();
    encode_row(&layout, 1, &values, &mut bytes).unwrap();
    let row = RowView::new(&bytes, &layout).unwrap();
    assert!(row.to_values().unwrap().iter().all(Value::is_null));
    assert!((0..layout.len()).all(|i| row.is_null(i)));
}

#[test]
fn older_rows_give_the_defaults_of_added_columns() {
    let old = RowLayout::new(vec![
        ColumnLayout::new(ty(BaseType::Int, 11)),
        ColumnLayout::new(ty(BaseType::VarChar, 10)),
    ]);
    let mut bytes = Vec::new();
    encode_row(&old, 1, &[Value::Int(5), Value::Text("abc".into())], &mut bytes).unwrap();
    let mut columns = old.columns().to_vec();
    columns.push(ColumnLayout { ty: ty(BaseType::VarChar, 10), default: Value::Text("new".into()) });
    columns.push(ColumnLayout { ty: ty(BaseType::BigInt, 20), default: Value::Null });
    let new = RowLayout::new(columns);
    let row = RowView::new(&bytes, &new).unwrap();
    assert_eq!(row.stored_columns(), 2);
    assert_eq!(shown(&row.to_values().unwrap()), r#"[Int(5), Text("abc"), Text("new"), Null]"#);
    assert!(row.get(4).is_err());
    let mut more = Vec::new();
    let values = [Value::Int(1), Value::Null, Value::Text("x".into()), Value::Int(2)];
    encode_row(&new, 2, &values, &mut more).unwrap();
    assert_eq!(RowView::new(&more, &old).unwrap_err(), CodecError::TooManyColumns { have: 4, known: 2 });
}

#[test]
fn values_of_another_kind_are_refused() {
    let layout = RowLayout::new(vec![ColumnLayout::new(ty(BaseType::TinyInt, 4))]);
    let mut out = Vec::new();
    for bad in [Value::Int(128), Value::Int(-129), Value::Double(1.0), Value::Text("1".into())] {
        assert!(encode_row(&layout, 1, &[bad], &mut out).is_err());
    }
    assert!(encode_row(&layout, 1, &[], &mut out).is_err());
}

proptest! {
    #[test]
    fn any_bytes_give_a_value_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), valid_header: bool) {
        let layout = layout();
        if valid_header && bytes.len() > 7 {
            bytes[0] = 1 + bytes[0] % 2;
            bytes[5] %= 18;
            bytes[6] = 0;
        }
        if let Ok(row) = RowView::new(&bytes, &layout) {
            for i in 0..layout.len() + 1 {
                let _ = row.get(i);
                row.is_null(i);
            }
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(at in 0usize..300, bit in 0u8..8, cut in 0usize..300) {
        let (layout, mut bytes) = (layout(), Vec::new());
        encode_row(&layout, 7, &sample(10), &mut bytes).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        bytes.truncate(cut.max(1));
        if let Ok(row) = RowView::new(&bytes, &layout) {
            let _ = row.to_values();
        }
    }
}
