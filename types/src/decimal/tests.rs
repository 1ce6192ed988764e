use super::*;

fn d(text: &str) -> Decimal {
    let parsed = Decimal::parse(text.as_bytes());
    assert_eq!(parsed.consumed, text.len(), "{text}");
    parsed.value
}

fn s(value: Decimal) -> String {
    value.to_string()
}

const NINES_65: &str = "99999999999999999999999999999999999999999999999999999999999999999";

#[test]
fn value_stays_small() {
    assert_eq!(size_of::<Decimal>(), 28);
    assert!(size_of::<crate::Value>() <= 32);
}

#[test]
fn text_round_trips() {
    for text in
        ["0", "0.00", "-0.5", "123.4500", "-99999999999999999999.999999999999999999999999999999", NINES_65]
    {
        assert_eq!(s(d(text)), text);
    }
    assert_eq!(s(d("1e3")), "1000");
    assert_eq!(s(d("1.5e-3")), "0.0015");
    assert_eq!(s(d("123456789e-5")), "1234.56789");
    assert_eq!(s(d("-.5")), "-0.5");
    assert_eq!(s(d("-0")), "0");
    assert_eq!(s(d("1e-40")), "0.000000000000000000000000000000");
    assert_eq!(s(d("0.1234567890123456789012345678905")), "0.123456789012345678901234567891");
    assert_eq!(Decimal::parse(b"abc").status, ParseStatus::Invalid);
    assert_eq!(Decimal::parse(b"12abc").consumed, 2);
    assert_eq!(Decimal::parse(b"1e").consumed, 1);
    assert_eq!(Decimal::parse(b"1e70").status, ParseStatus::Overflow);
}

#[test]
fn arithmetic_as_mysql_does_it() {
    assert_eq!(s(d("1").div(&d("3"), 4).unwrap().unwrap()), "0.3333");
    assert_eq!(s(d("2").div(&d("3"), 4).unwrap().unwrap()), "0.6667");
    assert_eq!(s(d("1.0").div(&d("3.00"), 4).unwrap().unwrap()), "0.33333");
    let fine = d("1.00000000000000000000000000001");
    assert_eq!(s(fine.div(&d("3"), 4).unwrap().unwrap()), "0.333333333333333333333333333337");
    let x = d("0.123456789012345678901234567890");
    assert_eq!(s(x.mul(&x).unwrap()), "0.015241578753238836750495351563");
    assert!(d("1").div(&d("0.00"), 4).unwrap().is_none());
    assert_eq!(s(d("-7.5").rem(&d("2")).unwrap()), "-1.5");
    assert_eq!(s(d("0.1").add(&d("-0.10")).unwrap()), "0.00");
    assert!(d(NINES_65).mul(&d(NINES_65)).is_err());
    assert_eq!(s(d(NINES_65).sub(&d(NINES_65)).unwrap()), "0");
    assert_eq!(s(d("1e64").div(&d("3e30"), 4).unwrap().unwrap()), "3333333333333333333333333333333333.3333");
}

#[test]
fn rounding_is_half_away_from_zero() {
    assert_eq!(s(d("2.5").round(0)), "3");
    assert_eq!(s(d("-2.5").round(0)), "-3");
    assert_eq!(s(d("125.45").round(-1)), "130");
    assert_eq!(s(d("125.45").round(-3)), "0");
    assert_eq!(s(d("525.45").round(-3)), "1000");
    assert_eq!(s(d("-1.999").truncate(2)), "-1.99");
    assert_eq!(s(d("-1.2").ceil()), "-1");
    assert_eq!(s(d("1.2").ceil()), "2");
    assert_eq!(s(d("-1.2").floor()), "-2");
    assert_eq!(s(d(NINES_65).round(-64)).len(), 65 + usize::from(s(d(NINES_65).round(-64)).len() == 66));
}

#[test]
fn columns_cut_and_report() {
    assert_eq!(d("12.345").fit(4, 2), (d("12.35"), Fit::Rounded));
    assert_eq!(d("12.3").fit(4, 2), (d("12.30"), Fit::Exact));
    assert_eq!(d("123.4").fit(4, 2), (d("99.99"), Fit::Overflow));
    assert_eq!(d("-99.999").fit(4, 2), (d("-99.99"), Fit::Overflow));
    assert_eq!(d(NINES_65).fit(65, 30).1, Fit::Overflow);
}

#[test]
fn equal_numbers_hash_alike() {
    use std::hash::BuildHasher;
    let hasher = std::collections::hash_map::RandomState::new();
    for (a, b) in [
        ("1.0", "1.00"),
        ("0", "0.000"),
        ("-10", "-10.0"),
        ("1000000000000000000000000000000000000000", "1000000000000000000000000000000000000000.00"),
    ] {
        assert_eq!(d(a), d(b));
        assert_eq!(hasher.hash_one(d(a)), hasher.hash_one(d(b)));
    }
}

#[test]
fn conversions_to_machine_numbers() {
    assert_eq!(d("2.5").to_i64(), (3, false));
    assert_eq!(d("-9223372036854775809").to_i64(), (i64::MIN, true));
    assert_eq!(d("18446744073709551615").to_u64(), (u64::MAX, false));
    assert_eq!(d("-1").to_u64(), (0, true));
    assert_eq!(d("0.1").to_f64(), 0.1);
    assert_eq!(d("123456789012345678901234567890.5").to_f64(), 123456789012345678901234567890.5);
    assert_eq!(s(Decimal::from_f64(0.1).0), "0.1");
    assert_eq!(s(Decimal::from_f64(1e20).0), "100000000000000000000");
}

proptest::proptest! {
    #[test]
    fn agrees_with_i128(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000_000i64..1_000_000_000_000, sa in 0u8..8, sb in 0u8..8) {
        let x = Decimal::from_parts(a.into(), sa).unwrap();
        let y = Decimal::from_parts(b.into(), sb).unwrap();
        let scale = sa.max(sb);
        let (ia, ib) = (i128::from(a) * 10i128.pow((scale - sa).into()), i128::from(b) * 10i128.pow((scale - sb).into()));
        proptest::prop_assert_eq!(x.add(&y).unwrap(), Decimal::from_parts(ia + ib, scale).unwrap());
        proptest::prop_assert_eq!(x.cmp(&y), ia.cmp(&ib));
        proptest::prop_assert_eq!(x.mul(&y).unwrap(), Decimal::from_parts(i128::from(a) * i128::from(b), sa + sb).unwrap());
    }

    #[test]
    fn wide_path_agrees_with_small_path(a: i64, b: i64, big in 1u32..5) {
        // (a + K) - K == a through magnitudes above 127 bits.
        let k = d(NINES_65).truncate(-(big as i32) * 5);
        let (x, y) = (Decimal::from_i64(a / 2), Decimal::from_i64(b));
        let k = if a < 0 { k } else { k.neg() };
        proptest::prop_assert_eq!(x.add(&k).unwrap().sub(&k).unwrap(), x);
        if b != 0 {
            let product = x.mul(&y).unwrap().mul(&Decimal::from_parts(10i128.pow(25), 0).unwrap()).unwrap();
            let back = product.int_div(&y).unwrap().unwrap().int_div(&Decimal::from_parts(10i128.pow(25), 0).unwrap()).unwrap().unwrap();
            proptest::prop_assert_eq!(back, x);
        }
    }

    #[test]
    fn stored_form_keeps_order(a in proptest::array::uniform2(-(10i128.pow(37))..10i128.pow(37)), p in 38u8..=65) {
        let values = a.map(|v| Decimal::from_parts(v, 10).unwrap());
        let bytes = values.map(|v| { let mut out = Vec::new(); write_ordered(&v, p, 10, &mut out); out });
        proptest::prop_assert_eq!(bytes[0].cmp(&bytes[1]), values[0].cmp(&values[1]));
        for (v, b) in values.iter().zip(&bytes) {
            proptest::prop_assert_eq!(b.len(), ordered_len(p));
            proptest::prop_assert_eq!(read_ordered(b, p, 10).unwrap(), *v);
        }
    }

    #[test]
    fn any_stored_bytes_are_a_number_or_none(bytes in proptest::collection::vec(0u8.., 0..40), p in 1u8..=65, s in 0u8..=30) {
        if let Some(v) = read_ordered(&bytes, p, s) {
            let mut out = Vec::new();
            v.write(&mut out);
        }
    }

    #[test]
    fn text_of_any_digits_round_trips(int in "[1-9][0-9]{0,34}", frac in "[0-9]{1,30}", negative: bool) {
        let text = format!("{}{int}.{frac}", if negative { "-" } else { "" });
        proptest::prop_assert_eq!(s(d(&text)), text);
    }
}
