use super::calendar::WeekMode;
use super::parse::{datetime_from_number, parse_datetime, parse_time, time_from_number};
use super::zone::{Local, to_unix};
use super::*;

fn dt(text: &str) -> DateTime {
    parse_datetime(text.as_bytes(), DateFlags::default()).value.unwrap_or_else(|| panic!("{text}"))
}

fn read(text: &str, fsp: u8) -> String {
    let parsed = parse_datetime(text.as_bytes(), DateFlags::STRICT);
    match parsed.rounded(fsp, false) {
        Some(v) => {
            let mut out = Vec::new();
            v.write(fsp, &mut out);
            String::from_utf8(out).unwrap() + if parsed.warnings.any() { " !" } else { "" }
        }
        None => "NULL".into(),
    }
}

fn read_time(text: &str, fsp: u8) -> String {
    let parsed = parse_time(text.as_bytes());
    match parsed.rounded(fsp, false) {
        Some(v) => {
            let mut out = Vec::new();
            v.write(fsp, &mut out);
            String::from_utf8(out).unwrap() + if parsed.warnings.any() { " !" } else { "" }
        }
        None => "NULL".into(),
    }
}

/// Answers of MySQL 9.7.4 to `CAST(… AS DATETIME)`.
#[test]
fn datetimes_read_as_mysql_reads_them() {
    for (text, fsp, expected) in [
        ("2020-1-1", 0, "2020-01-01 00:00:00"),
        ("20200101123000", 0, "2020-01-01 12:30:00"),
        ("2020-01-01T10:11:12.1234567", 6, "2020-01-01 10:11:12.123457"),
        ("2020.01.01 10+11+12", 0, "2020-01-01 10:11:12"),
        ("70-1-1", 0, "1970-01-01 00:00:00"),
        ("69-1-1", 0, "2069-01-01 00:00:00"),
        ("200101", 0, "2020-01-01 00:00:00"),
        ("20200101", 0, "2020-01-01 00:00:00"),
        ("2020-01-01 25:00:00", 0, "NULL"),
        ("2020-02-30", 0, "NULL"),
        ("2020-00-00", 0, "NULL"),
        ("0000-00-00", 0, "NULL"),
        ("2020-01-01 10", 0, "2020-01-01 10:00:00"),
        ("2020-01", 0, "NULL"),
        ("2020-01-01x", 0, "2020-01-01 00:00:00 !"),
        ("", 0, "NULL"),
        ("abc", 0, "NULL"),
        ("2020-01-01 10:11:12.9999999", 6, "2020-01-01 10:11:13.000000"),
        ("2020-12-31 23:59:59.9", 0, "2021-01-01 00:00:00"),
        ("9999-12-31 23:59:59.9", 0, "NULL"),
        ("2020-1-1 1:2:3.", 0, "2020-01-01 01:02:03"),
        ("  2020-01-01  ", 0, "2020-01-01 00:00:00"),
        ("2020-01-01  10:11:12", 0, "2020-01-01 10:11:12"),
        ("2020-01-01T10:11:12Z", 0, "2020-01-01 10:11:12 !"),
        ("10000-01-01", 0, "NULL"),
        ("2020-01-01 10:11:12 ", 0, "2020-01-01 10:11:12"),
        ("2020/01/01", 0, "2020-01-01 00:00:00"),
        ("2020-01-01-10-11-12", 0, "2020-01-01 10:11:12"),
        ("2020-001-01", 0, "2020-01-01 00:00:00"),
        ("20200101T101112", 0, "2020-01-01 10:11:12"),
        ("202001011011", 0, "NULL"),
        ("2020010110", 0, "NULL"),
        ("2020010", 0, "NULL"),
        ("20200", 0, "NULL"),
        ("2001", 0, "NULL"),
        ("20200101101112.5", 1, "2020-01-01 10:11:12.5"),
        ("200101101112", 0, "2020-01-01 10:11:12"),
    ] {
        assert_eq!(read(text, fsp), expected, "{text:?}");
    }
    let parsed = parse_datetime(b"2020-01-01 10:11:12+02:00", DateFlags::STRICT);
    assert_eq!(parsed.offset_seconds, Some(7200));
}

/// Answers of MySQL 9.7.4 to `CAST(… AS TIME)`.
#[test]
fn times_read_as_mysql_reads_them() {
    for (text, fsp, expected) in [
        ("10:11:12", 0, "10:11:12"),
        ("101112", 0, "10:11:12"),
        ("1112", 0, "00:11:12"),
        ("12", 0, "00:00:12"),
        ("1 10:11:12", 0, "34:11:12"),
        ("-1 10", 0, "-34:00:00"),
        ("839:00:00", 0, "838:59:59 !"),
        ("10:11", 0, "10:11:00"),
        ("10:61:00", 0, "NULL"),
        ("10:11:12.1234567", 6, "10:11:12.123457"),
        ("2020-01-01 10:11:12", 0, "10:11:12"),
        ("abc", 0, "NULL"),
        ("10:11:12abc", 0, "10:11:12 !"),
        ("", 0, "NULL"),
    ] {
        assert_eq!(read_time(text, fsp), expected, "{text:?}");
    }
}

#[test]
fn numbers_read_as_mysql_reads_them() {
    let date = |n| datetime_from_number(n, DateFlags::STRICT).map(|(v, _)| v.to_string());
    assert_eq!(date(20_200_101).unwrap(), "2020-01-01 00:00:00");
    assert_eq!(date(200_101).unwrap(), "2020-01-01 00:00:00");
    assert_eq!(date(101).unwrap(), "2000-01-01 00:00:00");
    assert_eq!(date(200_101_101_112).unwrap(), "2020-01-01 10:11:12");
    for bad in [20_201_301, 5, 0, -1, i64::MAX] {
        assert!(date(bad).is_err(), "{bad}");
    }
    let time = |n| time_from_number(n).map(|v| v.to_string());
    assert_eq!(time(-101_112).unwrap(), "-10:11:12");
    assert_eq!(time(20_200_101_101_112).unwrap(), "10:11:12");
    for bad in [8_400_000, 106_100, i64::MIN] {
        assert!(time(bad).is_err(), "{bad}");
    }
}

#[test]
fn every_day_counts_once() {
    let mut expected = Date::new(0, 1, 1).unwrap();
    for days in 1..=3_652_424 {
        let date = Date::from_days(days).unwrap();
        assert_eq!(date, expected);
        assert_eq!(date.to_days(), days);
        let (y, m, d) = (date.year(), date.month(), date.day());
        expected = Date::new(y, m, d + 1)
            .filter(|d| d.is_real())
            .or_else(|| Date::new(y, m + 1, 1))
            .or_else(|| Date::new(y + 1, 1, 1))
            .unwrap_or(Date::ZERO);
    }
    assert_eq!(Date::from_days(3_652_425), None);
    assert_eq!(Date::new(1970, 1, 1).unwrap().to_days(), calendar::UNIX_EPOCH_DAYS);
}

#[test]
fn weeks_follow_their_mode() {
    let week = |y, m, d, mode| Date::new(y, m, d).unwrap().week(WeekMode::from_number(mode));
    // The manual's examples: WEEK('2008-02-20') and YEARWEEK('1987-01-01').
    assert_eq!(week(2008, 2, 20, 0).1, 7);
    assert_eq!(week(2008, 2, 20, 1).1, 8);
    assert_eq!(week(2008, 12, 31, 1).1, 53);
    assert_eq!(week(1987, 1, 1, 2), (1986, 52));
    assert_eq!(week(2000, 1, 1, 0).1, 0);
    assert_eq!(week(2000, 1, 1, 2), (1999, 52));
}

#[test]
fn months_are_added_to_the_last_day() {
    let add = |text: &str, interval| dt(text).add(interval).map(|v| v.to_string());
    assert_eq!(add("2020-01-31", Interval::months(1)).unwrap(), "2020-02-29 00:00:00");
    assert_eq!(add("2020-03-31", Interval::months(-1)).unwrap(), "2020-02-29 00:00:00");
    assert_eq!(add("2020-12-31 23:59:59", Interval::micros(1_000_000)).unwrap(), "2021-01-01 00:00:00");
    assert_eq!(add("9999-12-31", Interval::days(1)), None);
    assert_eq!(add("2020-01-01", Interval::months(i64::MAX)), None);
    assert_eq!(dt("2003-05-01").months_since(dt("2003-02-01")), 3);
    assert_eq!(dt("2003-02-28").months_since(dt("2003-03-01")), 0);
}

#[test]
fn zones_know_offsets_names_and_jumps() {
    let berlin = TimeZone::parse("europe/berlin").unwrap();
    assert_eq!(
        berlin.unix_micros(dt("2020-07-01 12:00:00")),
        Some(Local::Unix(to_unix(dt("2020-07-01 10:00:00"))))
    );
    assert_eq!(
        berlin.unix_micros(dt("2020-03-29 02:30:00")),
        Some(Local::Gap(to_unix(dt("2020-03-29 01:00:00"))))
    );
    assert_eq!(
        berlin.unix_micros(dt("2020-10-25 02:30:00")),
        Some(Local::Unix(to_unix(dt("2020-10-25 00:30:00"))))
    );
    assert_eq!(berlin.datetime_from_utc(dt("2020-01-01 00:00:00")), dt("2020-01-01 01:00:00"));
    let offset = TimeZone::parse("+5:30").unwrap();
    assert_eq!(offset.name(), "+05:30");
    assert_eq!(offset.datetime_to_utc(dt("2020-01-01 00:00:00")), Some(dt("2019-12-31 18:30:00")));
    assert_eq!(TimeZone::utc().datetime_to_utc(dt("2038-01-19 03:14:08")), None);
    for bad in ["+15:00", "-14:00", "Nowhere/Town", "", "+1"] {
        assert!(TimeZone::parse(bad).is_none(), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in proptest::collection::vec(proptest::sample::select(b"0123456789-:. T+/aZe".to_vec()), 0..40)) {
        let _ = parse_datetime(&text, DateFlags::default()).rounded(6, false);
        let _ = parse_time(&text).rounded(0, false);
    }

    #[test]
    fn packed_order_is_time_order(a in 0i64..3_652_424 * 86_400, b in 0i64..3_652_424 * 86_400) {
        let make = |s: i64| DateTime::from_linear_micros((s + 86_400) * 1_000_000).unwrap();
        proptest::prop_assert_eq!(make(a).cmp(&make(b)), a.cmp(&b));
        proptest::prop_assert_eq!(DateTime::from_packed(make(a).packed()), Some(make(a)));
        proptest::prop_assert_eq!(dt(&make(a).to_string()), make(a));
    }
}
