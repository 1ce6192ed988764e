use super::*;

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
