use super::*;
use proptest::prelude::*;

fn normal(text: &str) -> String {
    match Json::parse(text.as_bytes()) {
        Ok(json) => String::from_utf8_lossy(&json.to_text()).into_owned(),
        Err(error) => format!("{:?} at {}", error.problem, error.position),
    }
}

#[test]
fn text_is_printed_in_normal_form() {
    assert_eq!(normal(r#"{"bb":1,"a":2.0,"a":[1e3,-0,"\u00e9"]}"#), r#"{"a": [1000.0, 0, "é"], "bb": 1}"#);
    assert_eq!(normal("[18446744073709551615,1e15]"), "[18446744073709551615, 1e15]");
    assert_eq!(normal(r#""\u0001\/""#), r#""\u0001/""#);
}

#[test]
fn problems_say_where() {
    for (text, wanted) in [
        ("", "Empty at 0"),
        ("[1, 2", "CommaOrBracket at 5"),
        ("[1] x", "Trailing at 4"),
        ("{\"a\":1,}", "MemberName at 7"),
        ("1e999", "NumberTooBig at 0"),
        ("\"\\ud800x\"", "Surrogate at 7"),
    ] {
        assert_eq!(normal(text), wanted);
    }
    let deep = "[".repeat(MAX_DEPTH + 1);
    assert!(matches!(Json::parse(deep.as_bytes()), Err(JsonError { problem: JsonProblem::TooDeep, .. })));
}

#[test]
fn normal_form_keeps_decimals() {
    let text = b"[1.50, 1.5, 1.5e300]";
    let json = Json::from_normal(text).expect("valid");
    assert_eq!(json.to_text(), text);
    let Json::Array(list) = json else { panic!("an array") };
    assert_eq!(list[0].type_name(), "DECIMAL");
    assert_eq!(list[1].type_name(), "DOUBLE");
}

#[test]
fn paths_find_values_once() {
    let json = Json::parse(br#"[[1,2],{"a":{"a":3}}]"#).expect("valid");
    let find = |path: &str| {
        let found = Path::parse(path.as_bytes()).expect("a path").find(&json);
        found.iter().map(|v| String::from_utf8_lossy(&v.to_text()).into_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(find("$[0][last]"), "2");
    assert_eq!(find("$[0 to last][0]"), r#"1 {"a": {"a": 3}}"#);
    assert_eq!(find("$**.a"), r#"{"a": 3} 3"#);
    assert_eq!(find("$**[0]"), r#"[1, 2] 1 2 {"a": {"a": 3}} {"a": 3} 3"#);
    assert_eq!(find("$[0][-1]".replace("[-1]", "[7]").as_str()), "");
    for bad in ["a", "$.", "$[", "$**", "$.1a", "$[3 to 1]", "$[-1]", "$a"] {
        assert!(Path::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn kinds_have_an_order() {
    let sorted = ["null", "-1", "1.5", "2", "\"a\"", "\"b\"", "{}", "[]", "[0]", "false", "true"];
    for pair in sorted.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|text| Json::parse(text.as_bytes()).expect("valid"));
        assert!(a < b, "{} < {}", pair[0], pair[1]);
    }
    assert_eq!(Json::Int(1), Json::Double(1.0));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Int),
        any::<u64>().prop_map(Json::from_u64),
        (-1e300..1e300).prop_map(Json::Double),
        ".{0,8}".prop_map(|text| Json::String(text.into_bytes())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((".{0,4}".prop_map(String::into_bytes), inner), 0..6)
                .prop_map(|members| Json::Object(Object::from_members(members))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(json in any_json()) {
        let text = json.to_text();
        let again = Json::parse(&text).expect("printed text is valid");
        prop_assert_eq!(&again.to_text(), &text);
        prop_assert!(again == json);
        let mut pretty = Vec::new();
        json.write_pretty(&mut pretty);
        prop_assert_eq!(Json::parse(&pretty).expect("pretty text is valid").to_text(), text);
    }

    #[test]
    fn no_text_makes_a_panic(text in "[\\[\\]{}\",:0-9eE.+\\\\u$*a-z -]{0,40}") {
        let _ = Json::parse(text.as_bytes());
        let _ = Path::parse(text.as_bytes());
        let _ = Path::parse(format!("${text}").as_bytes());
    }

    #[test]
    fn order_is_total(a in any_json(), b in any_json(), c in any_json()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }
}

#[test]
fn sort_keys_order_as_values_do() {
    let texts = [
        "null",
        "-1.5",
        "0",
        "1",
        "9007199254740993",
        "\"\"",
        "\"a\"",
        "\"a\\u0000\"",
        "\"b\"",
        "{\"a\": 1}",
        "[]",
        "[1]",
        "[0, 1]",
        "false",
        "true",
    ];
    let key = |text: &str| {
        let mut out = Vec::new();
        Json::parse(text.as_bytes()).unwrap().sort_key(&mut out);
        out
    };
    assert!(texts.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
    assert_eq!(key("1.0"), key("1"));
    assert_eq!(key("-0.0"), key("0"));
    assert_ne!(key("9007199254740993"), key("9007199254740992"));
}
