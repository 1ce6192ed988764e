use super::*;
use proptest::prelude::*;

fn id(name: &str) -> CollationId {
    lookup(name).unwrap_or_else(|| panic!("no collation {name}"))
}

fn key(collation: CollationId, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    collation.weights(text.as_bytes(), &mut out);
    out
}

fn weight_string(name: &str, text: &str) -> String {
    let mut out = Vec::new();
    id(name).weight_string(text.as_bytes(), &mut out);
    out.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn names_lead_to_ids() {
    assert_eq!(id("UTF8MB4_0900_ai_ci"), CollationId::UTF8MB4_0900_AI_CI);
    assert_eq!(id("utf8_general_ci"), CollationId::UTF8MB3_GENERAL_CI);
    assert_eq!(id("utf8mb4_uca1400_ai_ci"), CollationId::UTF8MB4_0900_AI_CI);
    assert_eq!(id("uca1400_as_cs"), CollationId::UTF8MB4_0900_AS_CS);
    assert_eq!(id("utf8mb4_uca1400_swedish_nopad_ai_ci").name(), "utf8mb4_sv_0900_ai_ci");
    assert_eq!(id("utf8mb3_uca1400_ai_ci").name(), "utf8mb3_unicode_520_ci");
    assert_eq!(id("utf8mb4_general_nopad_ci"), CollationId::UTF8MB4_GENERAL_CI);
    assert_eq!(lookup("utf8mb4_klingon_ci"), None);
    assert_eq!(all().len(), 286);
    assert!(all().iter().all(|info| info.id.info().id == info.id));
    assert!(!CollationId(17).exists());
}

#[test]
fn weight_strings_are_mysqls() {
    let text = "aB ß€x ";
    assert_eq!(weight_string("utf8mb4_0900_ai_ci", text), "1C471C6002091E711E711C2A1EFF0209");
    assert_eq!(
        weight_string("utf8mb4_0900_as_cs", text),
        "1C471C6002091E711E711C2A1EFF020900000020002000200020011000200020002000200000000200080002000400040004000200020002"
    );
    assert_eq!(weight_string("utf8mb4_general_ci", text), "004100420020005320AC00580020");
    assert_eq!(weight_string("utf8mb4_unicode_ci", text), "0E330E4A02090FEA0FEA0E23105A0209");
    assert_eq!(weight_string("latin1_swedish_ci", text), "414220DF805820");
    assert_eq!(weight_string("latin1_german2_ci", text), "4142205353805820");
    assert_eq!(weight_string("utf8mb4_bin", text), "0000610000420000200000DF0020AC000078000020");
    assert_eq!(weight_string("utf8mb4_0900_ai_ci", "漢𠀀😀가"), "FB40EF22FB84800015FB3BF53C73");
    assert_eq!(weight_string("utf8mb4_unicode_520_ci", "漢𠀀😀가"), "FB40EF22FBC48000FBC3F600FBC1AC00");
}

#[test]
fn letters_accents_and_spaces_compare_as_in_mysql() {
    use Ordering::{Equal, Greater, Less};
    let order = |name: &str, a: &str, b: &str| id(name).compare(a.as_bytes(), b.as_bytes());
    assert_eq!(order("utf8mb4_0900_ai_ci", "résumé", "RESUME"), Equal);
    assert_eq!(order("utf8mb4_0900_as_ci", "résumé", "RÉSUMÉ"), Equal);
    assert_eq!(order("utf8mb4_0900_as_ci", "résumé", "resume"), Greater);
    assert_eq!(order("utf8mb4_0900_as_cs", "a", "A"), Less);
    assert_eq!(order("utf8mb4_0900_as_cs", "Ab", "ab"), Greater);
    assert_eq!(order("utf8mb4_0900_as_cs", "Aa", "ab"), Less);
    assert_eq!(order("utf8mb4_0900_ai_ci", "a", "a "), Less);
    assert_eq!(order("utf8mb4_general_ci", "a", "a  "), Equal);
    assert_eq!(order("utf8mb4_general_ci", "a\t", "a"), Less);
    assert_eq!(order("utf8mb4_unicode_ci", "a\t", "a"), Less);
    assert_eq!(order("utf8mb4_bin", "a", "a \u{1}"), Greater);
    assert_eq!(order("utf8mb4_0900_bin", "a", "a\u{1}"), Less);
    assert_eq!(order("latin1_bin", "€", "\u{A0}"), Less);
    assert_eq!(order("binary", "a", "B"), Greater);
    assert_eq!(order("utf8mb4_0900_ai_ci", "ß", "ss"), Equal);
    assert_eq!(order("utf8mb4_general_ci", "ß", "s"), Equal);
}

#[test]
fn keys_of_ascii_are_as_short_as_the_text() {
    assert_eq!(key(CollationId::UTF8MB4_0900_AI_CI, "Hello, World 42").len(), 15);
    assert_eq!(key(CollationId::UTF8MB4_0900_AS_CS, "hello").len(), 5);
    assert_eq!(key(CollationId::UTF8MB4_GENERAL_CI, "hello   ").len(), 6);
    assert_eq!(key(CollationId::UTF8MB4_0900_AI_CI, "漢字").len(), 8);
}

#[test]
fn lead_bytes_rise_and_leave_the_separators_free() {
    for code in key_code::codes() {
        let leads = code.leads();
        assert!(leads.windows(2).all(|pair| pair[0] < pair[1]), "{leads:?}");
        assert!(leads[0] >= 2);
    }
}

#[test]
fn case_changes_one_character_for_one() {
    let upper = |text: &str| {
        let mut out = Vec::new();
        CollationId::UTF8MB4_0900_AI_CI.upper(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    };
    assert_eq!(upper("straße éλ𐐨"), "STRAßE ÉΛ𐐀");
    let mut out = Vec::new();
    CollationId::BINARY.upper(b"abc", &mut out);
    assert_eq!(out, b"abc");
}

#[test]
fn prefixes_count_characters() {
    assert_eq!(char_prefix("añb".as_bytes(), 2), "añ".as_bytes());
    assert_eq!(char_prefix("añb".as_bytes(), 9), "añb".as_bytes());
    assert_eq!(CollationId::BINARY.prefix("añb".as_bytes(), 2), b"a\xC3");
    assert_eq!(char_offset("añb".as_bytes(), 3), Some(4));
    assert_eq!(char_offset("añb".as_bytes(), 4), None);
}

const SAMPLE: &[&str] = &[
    "utf8mb4_0900_ai_ci",
    "utf8mb4_0900_as_ci",
    "utf8mb4_0900_as_cs",
    "utf8mb4_0900_bin",
    "utf8mb4_bin",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_unicode_520_ci",
    "latin1_swedish_ci",
    "latin1_bin",
    "latin1_german2_ci",
    "cp1250_czech_cs",
    "hp8_english_ci",
    "gbk_chinese_ci",
    "utf8mb3_tolower_ci",
    "binary",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        " ",
        "  ",
        "a",
        "A",
        "b",
        "\t",
        "\u{1}",
        "z",
        "é",
        "e\u{301}",
        "ß",
        "漢",
        "😀",
        "가",
        "€",
        "\u{A0}",
        "0",
        "~",
        "ﷺ",
        "я",
        "\u{10FFFF}",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keys_order_as_comparison_does(a in texts(), b in texts()) {
        for name in SAMPLE {
            let collation = id(name);
            let order = collation.compare(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(key(collation, &a).cmp(&key(collation, &b)), order, "{} {:?} {:?}", name, &a, &b);
            prop_assert_eq!(collation.compare(b.as_bytes(), a.as_bytes()), order.reverse());
        }
    }

}

proptest! {
    #[test]
    fn keys_begin_with_the_key_of_a_prefix(a in texts(), b in texts()) {
        for name in SAMPLE {
            let mut prefix = Vec::new();
            id(name).key_prefix(a.as_bytes(), &mut prefix);
            prop_assert!(key(id(name), &format!("{a}{b}")).starts_with(&prefix), "{} {:?} {:?}", name, &a, &b);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_bytes_are_survived(a in prop::collection::vec(any::<u8>(), 0..20), b in prop::collection::vec(any::<u8>(), 0..20)) {
        for info in all() {
            let mut out = Vec::new();
            info.id.weights(&a, &mut out);
            info.id.weight_string(&a, &mut out);
            info.id.upper(&a, &mut out);
            info.id.lower(&b, &mut out);
            let _ = info.id.compare(&a, &b);
            let _ = info.charset.decode_lossy(&a);
            let _ = info.charset.encode_lossy(&b);
        }
    }
}
