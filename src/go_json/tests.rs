use std::collections::BTreeMap;

use serde::Serialize;

use super::*;

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(to_vec(value).unwrap()).unwrap()
}

#[test]
fn escapes_as_go_does() {
    let table = [
        ("plain", r#""plain""#),
        ("<a href=\"x\">&</a>", r#""\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e""#),
        ("a\u{2028}b\u{2029}c\u{2027}\u{202a}", "\"a\\u2028b\\u2029c\u{2027}\u{202a}\""),
        ("\n\r\t", r#""\n\r\t""#),
        ("\0\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}", "\"\\u0000\\u0001\\u0008\\u000b\\u000c\\u001f\u{7f}\""),
        ("\\ / '", r#""\\ / '""#),
        ("é☺😀\u{fffd}", "\"é☺😀\u{fffd}\""),
    ];
    for (text, expected) in table {
        assert_eq!(json(text), expected, "{text:?}");
    }
    let map = BTreeMap::from([("<k>", vec![1, 2])]);
    assert_eq!(json(&map), r#"{"\u003ck\u003e":[1,2]}"#);
}

#[test]
fn texts_are_read_as_go_reads_them() {
    // A json.Decoder of Go 1.24 into struct{ ServerURL, Username, Secret string }; `!` where it fails.
    for (json, expected) in [
        (r#"{"ServerURL":"h","Username":"me","Secret":"s"}"#, "h|me|s"),
        (r#"{"serverurl":"h","USERNAME":"me","sEcReT":"s"}"#, "h|me|s"),
        ("{\"\u{17f}ecret\":\"s\"}", "||s"),
        (r#"{"Secret":"s","Secret":"t"}"#, "||t"),
        (r#"{"Secret":"s","secret":"t"}"#, "||t"),
        (r#"{"secret":"t","Secret":"s"}"#, "||s"),
        (r#"{"Secret":"s","Secret":null}"#, "||s"),
        (r#"{"Secret":null,"Username":null}"#, "||"),
        (r#"{"Extra":{"Secret":["x",{}]},"Secret":"s","More":1e999}"#, "||s"),
        (r#"{"Secret":"s"} trailing"#, "||s"),
        ("\r\n {\"Secret\":\"s\"}\r\n", "||s"),
        ("null", "||"),
        ("{}", "||"),
        (r#"{"Secret":"\ud800"}"#, "||\u{fffd}"),
        (r#"{"Secret":"\ud83d\ude00\udc00x"}"#, "||\u{1f600}\u{fffd}x"),
        (r#"{"Secret":"\ud800\ud83d\ude00"}"#, "||\u{fffd}\u{1f600}"),
        (r#"{"Secret":"\\ud800"}"#, r"||\ud800"),
        (r#"{"Secret":"\\\ud800"}"#, "||\\\u{fffd}"),
        (r#"{"Secret":7}"#, "!"),
        (r#"{"Secret":["s"]}"#, "!"),
        (r#"{"Secret":true,"Username":"me"}"#, "!"),
        (r#"["Secret"]"#, "!"),
        (r#""Secret""#, "!"),
        (r#"{"Secret":"s""#, "!"),
        ("{\"Secret\":\"a\nb\"}", "!"),
        (r#"{"Secret":"\ud8"}"#, "!"),
        ("\u{feff}{}", "!"),
        ("", "!"),
    ] {
        let read = strings(json.as_bytes(), ["ServerURL", "Username", "Secret"]);
        let read = read.map(|values| values.map(|value| value.to_string()).join("|"));
        assert_eq!(read.unwrap_or("!".into()), expected, "{json}");
    }
    let read = strings(b"{\"a\":\"x\xff\xe2\x82y\"}", ["a"]).unwrap();
    assert_eq!(*read[0], "x\u{fffd}\u{fffd}\u{fffd}y");
    for (json, expected) in [
        (r#"{"a":"1","b":null,"a":"2","A":"3"}"#, Some("A3 a2 b")),
        ("null", Some("")),
        (r#"{"a":1}"#, None),
        ("[]", None),
        ("", None),
    ] {
        let read = string_map(json.as_bytes()).ok();
        let read = read.map(|map| map.iter().map(|(k, v)| format!("{k}{v}")).collect::<Vec<_>>().join(" "));
        assert_eq!(read.as_deref(), expected, "{json}");
    }
}

#[test]
fn writes_numbers_as_go_does() {
    // encoding/json.Marshal of Go 1.19.
    let table = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (1.10, "1.1"),
        (-12.5, "-12.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (0.000001, "0.000001"),
        (0.0000012, "0.0000012"),
        (0.00000015, "1.5e-7"),
        (1e-300, "1e-300"),
        (1234567.0, "1234567"),
        (f64::from_bits(0x42ef_cd92_df65_b774), "279742342966715.62"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::from_bits(1), "5e-324"),
    ];
    for (value, expected) in table {
        assert_eq!(json(&value), expected, "{value:e}");
    }
    assert_eq!(json(&0.1f32), "0.1");
    assert_eq!(json(&1e21f32), "1e+21");
    assert_eq!(json(&16_777_216f32), "16777216");
}

#[test]
fn turns_floats_into_text_as_helm_does() {
    // `helm show chart` of Helm 3.10.1 with this `appVersion`.
    let table = [
        (1.10, "1.1"),
        (6.0, "6"),
        (0.1, "0.1"),
        (1e5, "100000"),
        (12e3, "12000"),
        (100000.5, "100000.5"),
        (123456.7, "123456.7"),
        (999999.5, "999999.5"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (16777217.5, "1.6777218e+07"),
        (1.123456789, "1.1234568"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (360549.625, "360549.62"),
        (1377248.25, "1.3772482e+06"),
        (-0.0, "-0"),
        (1e-46, "0"),
        (1e39, "+Inf"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (value, expected) in table {
        assert_eq!(format_g32(value), expected, "{value:e}");
    }
}
