use super::*;
use crate::sql_type::EnumDef;
use crate::{CollationId, Decimal};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::sync::Arc;

fn column(base: BaseType, length: u32) -> KeyColumn {
    KeyColumn { ty: SqlType::new(base, length), desc: false, prefix: None }
}

fn encode(value: &Value, column: &KeyColumn) -> Vec<u8> {
    let mut out = Vec::new();
    encode_column(value.as_ref(), column, &mut out).unwrap();
    out
}

fn check_order(a: Value, b: Value, order: Ordering, mut column: KeyColumn) {
    assert_eq!(encode(&a, &column).cmp(&encode(&b, &column)), order, "{a:?} {b:?}");
    let decoded = |v: &Value, column: &KeyColumn| {
        let mut bytes = encode(v, column);
        bytes.extend_from_slice(b"rest");
        let mut input = bytes.as_slice();
        let decoded = decode_column(&mut input, column).unwrap();
        assert_eq!(input, b"rest");
        decoded
    };
    for _ in 0..2 {
        for v in [&a, &b] {
            if let DecodedColumn::Value(back) = decoded(v, &column) {
                assert_eq!(format!("{back:?}"), format!("{v:?}"));
            }
        }
        column.desc = true;
        assert_eq!(encode(&a, &column).cmp(&encode(&b, &column)), order.reverse(), "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn integers_keep_their_order(a: i64, b: i64) {
        check_order(Value::Int(a), Value::Int(b), a.cmp(&b), column(BaseType::BigInt, 20));
        let (a, b) = (a as u64, b as u64);
        let mut unsigned = column(BaseType::BigInt, 20);
        unsigned.ty.unsigned = true;
        check_order(Value::UInt(a), Value::UInt(b), a.cmp(&b), unsigned);
    }

    #[test]
    fn small_integers_keep_their_order(a in -8_388_608i64..8_388_608, b in -8_388_608i64..8_388_608) {
        check_order(Value::Int(a), Value::Int(b), a.cmp(&b), column(BaseType::MediumInt, 9));
    }

    #[test]
    fn doubles_keep_their_order(a in -1e300f64..1e300, b in prop_oneof![-1e300f64..1e300, Just(0.0), Just(-0.0)]) {
        prop_assert_eq!(ordered_bits(a).cmp(&ordered_bits(b)), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(from_ordered_bits(ordered_bits(a)), a);
    }

    #[test]
    fn decimals_keep_their_order(a in -10_000_000_000i64..10_000_000_000, b in -10_000_000_000i64..10_000_000_000) {
        let mut ty = column(BaseType::Decimal, 12);
        ty.ty.decimals = 2;
        let d = |v: i64| Value::Decimal(Decimal::from_parts(v.into(), 2).unwrap());
        check_order(d(a), d(b), a.cmp(&b), ty);
    }

    #[test]
    fn times_keep_their_order(a in -3_020_399_999_999i64..3_020_399_999_999, b in -3_020_399_999_999i64..3_020_399_999_999) {
        let t = |v| Value::Time(Time::from_micros(v).unwrap());
        check_order(t(a), t(b), a.cmp(&b), column(BaseType::Time, 10));
    }

    #[test]
    fn binary_strings_keep_their_order(a in proptest::collection::vec(0u8..3, 0..8), b in proptest::collection::vec(0u8..3, 0..8)) {
        let t = |v: &Vec<u8>| Value::Text(Text::from(v.clone()));
        check_order(t(&a), t(&b), a.cmp(&b), column(BaseType::VarChar, 10));
    }

    #[test]
    fn character_strings_keep_their_collation_order(a in "[a-cA-Cä ]{0,5}", b in "[a-cA-Cä ]{0,5}") {
        for collation in [CollationId::UTF8MB4_0900_AI_CI, CollationId::UTF8MB4_GENERAL_CI, CollationId::UTF8MB4_BIN] {
            let mut ty = column(BaseType::VarChar, 10);
            ty.ty.collation = collation;
            let order = collation.compare(a.as_bytes(), b.as_bytes());
            check_order(Value::Text(a.as_str().into()), Value::Text(b.as_str().into()), order, ty);
        }
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..40), desc: bool) {
        for mut column in all_kinds() {
            column.desc = desc;
            let mut input = bytes.as_slice();
            let _ = decode_column(&mut input, &column);
        }
    }
}

fn all_kinds() -> Vec<KeyColumn> {
    let def = Arc::new(EnumDef { members: vec!["a".into(), "b".into()] });
    let mut columns: Vec<KeyColumn> = [
        BaseType::TinyInt,
        BaseType::BigInt,
        BaseType::Double,
        BaseType::Decimal,
        BaseType::Bit,
        BaseType::Year,
        BaseType::Date,
        BaseType::Time,
        BaseType::DateTime,
        BaseType::VarChar,
        BaseType::Json,
        BaseType::Enum(Arc::clone(&def)),
        BaseType::Set(def),
    ]
    .into_iter()
    .map(|base| column(base, 10))
    .collect();
    let mut text = column(BaseType::VarChar, 10);
    text.ty.collation = CollationId::UTF8MB4_0900_AI_CI;
    columns.push(text);
    columns
}

#[test]
fn null_sorts_first_and_last_when_descending() {
    let mut c = column(BaseType::Int, 11);
    assert!(encode(&Value::Null, &c) < encode(&Value::Int(i32::MIN.into()), &c));
    c.desc = true;
    assert!(encode(&Value::Null, &c) > encode(&Value::Int(i32::MIN.into()), &c));
    let mut bytes = encode(&Value::Null, &c);
    bytes.push(7);
    let mut input = bytes.as_slice();
    assert!(matches!(decode_column(&mut input, &c), Ok(DecodedColumn::Value(Value::Null))));
}

#[test]
fn members_sort_by_number_and_prefixes_cut() {
    let def = Arc::new(EnumDef { members: vec!["z".into(), "a".into(), "m".into()] });
    let e = column(BaseType::Enum(Arc::clone(&def)), 1);
    check_order(Value::Text("z".into()), Value::Text("a".into()), Ordering::Less, e);
    let s = column(BaseType::Set(def), 5);
    check_order(Value::Text("z,a".into()), Value::Text("m".into()), Ordering::Less, s);
    let mut p = column(BaseType::VarChar, 10);
    p.ty.collation = CollationId::UTF8MB4_BIN;
    p.prefix = Some(2);
    assert_eq!(encode(&Value::Text("äöü".into()), &p), encode(&Value::Text("äöx".into()), &p));
    assert_eq!(char_prefix("äöü".as_bytes(), Some(2)), "äö".as_bytes());
    assert_eq!(char_prefix(b"ab", Some(2)), b"ab");
}

#[test]
fn the_wrong_kind_is_an_error() {
    let mut out = Vec::new();
    assert!(encode_column(ValueRef::Int(300), &column(BaseType::TinyInt, 4), &mut out).is_err());
    assert!(encode_column(ValueRef::Text(b"x"), &column(BaseType::Int, 4), &mut out).is_err());
    assert_eq!(prefix_end(&[1, 0xFF]), Some(vec![2]));
    assert_eq!(prefix_end(&[0xFF]), None);
}

#[test]
fn keys_of_texts_that_match_a_pattern_begin_as_its_text_does() {
    use crate::like::{DEFAULT_ESCAPE, LikePattern};
    let pieces = ["", "a", "Ä", "a\u{308}", "ß", "ss", "ch", " ", "\0", "-", "中"];
    let pairs: Vec<String> =
        pieces.iter().flat_map(|a| pieces.iter().map(move |b| format!("{a}{b}"))).collect();
    let mut met = 0;
    // Each character set's own, and a few of each family.
    for info in crate::collation::all().iter().filter(|info| info.is_default || info.id.0 % 16 == 14) {
        let encoded = |prefix, desc| {
            let mut column = column(BaseType::VarChar, 10);
            (column.ty.collation, column.prefix, column.desc) = (info.id, prefix, desc);
            let keys: Vec<Vec<u8>> =
                pairs.iter().map(|text| encode(&Value::Text(text.as_str().into()), &column)).collect();
            (column, keys)
        };
        let kinds = [encoded(None, false), encoded(Some(1), false), encoded(Some(2), true)];
        for shown in &pairs {
            let pattern = LikePattern::new(format!("{shown}%").as_bytes(), DEFAULT_ESCAPE, info.id);
            let matching: Vec<usize> =
                (0..pairs.len()).filter(|at| pattern.matches(pairs[*at].as_bytes())).collect();
            met += matching.len();
            for (column, keys) in &kinds {
                let mut beginning = Vec::new();
                put_text_beginning(pattern.prefix(), column, &mut beginning);
                for at in &matching {
                    assert!(
                        keys[*at].starts_with(&beginning),
                        "{:?} LIKE '{shown}%', {}, {:?}",
                        pairs[*at],
                        info.name,
                        column.prefix
                    );
                }
            }
        }
    }
    assert!(met > 20_000, "{met}");
}

#[test]
fn what_reads_back_is_told() {
    let def = Arc::new(EnumDef { members: vec!["a".into(), "b".into()] });
    for base in [
        BaseType::Char,
        BaseType::VarChar,
        BaseType::TinyText,
        BaseType::Text,
        BaseType::MediumText,
        BaseType::LongText,
        BaseType::Bit,
        BaseType::Enum(Arc::clone(&def)),
        BaseType::Set(def),
    ] {
        for collation in [CollationId::BINARY, CollationId::UTF8MB4_BIN, CollationId::UTF8MB4_0900_AI_CI] {
            let mut column = column(base.clone(), 10);
            column.ty.collation = collation;
            let key = encode(&Value::Text("a".into()), &column);
            let decoded = decode_column(&mut key.as_slice(), &column).unwrap();
            assert_eq!(matches!(decoded, DecodedColumn::Value(_)), reads_back(&column.ty), "{:?}", column.ty);
        }
    }
}
