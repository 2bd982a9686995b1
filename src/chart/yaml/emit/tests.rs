use serde_json::{Value, json};

use super::block::emit;

/// The output of Helm 3.10.1 and of Helm 4 for the same annotations.
#[test]
fn scalars_are_written_as_helm_writes_them() {
    let value = json!({
        "b": "yes", "a": "1.0", "ml": "x\ny\n", "ml2": " x\ny", "t": "true", "em": "", "sp": " a",
        "d": "2019-01-01", "o": "0o14", "oo": "014", "e": "1e3", "tl": "~", "eq": "=", "m": "<<", "u": "1_000",
        "hx": "0x1f", "col": "12:30:45", "tab": "a\tb", "emoji": "\u{1f600}", "nbsp": "a\u{a0}b", "bell": "\u{7}",
        "q": "it's", "dq": "say \"x\"", "h": "a #b", "c": "a: b", "@x/y": "z",
        "long": "a very long line a very long line a very long line a very long line a very long line a very long line"
    });
    let expected = "'@x/y': z\na: \"1.0\"\nb: \"yes\"\nbell: \"\\a\"\nc: 'a: b'\ncol: \"12:30:45\"\nd: \"2019-01-01\"\n\
        dq: say \"x\"\ne: \"1e3\"\nem: \"\"\nemoji: \"\\U0001F600\"\neq: =\nh: 'a #b'\nhx: \"0x1f\"\n\
        long: a very long line a very long line a very long line a very long line a very long\n  line a very long line\n\
        m: <<\nml: |\n  x\n  y\nml2: |2-\n   x\n  y\nnbsp: a\u{a0}b\no: \"0o14\"\noo: \"014\"\nq: it's\nsp: ' a'\n\
        t: \"true\"\ntab: \"a\\tb\"\ntl: \"~\"\nu: \"1_000\"\n";
    assert_eq!(emit(&value), expected);
}

#[test]
fn maps_and_lists_stand_in_blocks() {
    let value = json!({
        "l": [{"b": 1, "a": [true, null]}, [1, [2]], "x", {}, []], "m": {"k": {"o": "p"}, "n": 1}, "e": {}, "f": []
    });
    let expected = "e: {}\nf: []\nl:\n- a:\n  - true\n  - null\n  b: 1\n- - 1\n  - - 2\n- x\n- {}\n- []\nm:\n  k:\n    o: p\n  \"n\": 1\n";
    assert_eq!(emit(&value), expected);
    assert_eq!(emit(&Value::Null), "null\n");
    let long = "k".repeat(129);
    assert_eq!(emit(&json!({long.as_str(): "v"})), format!("? {long}\n: v\n"));
}

/// The order of Helm 4. Helm 3.10.1 has another version of the rule, and puts `a1b` after `a1010`.
#[test]
fn keys_are_in_go_yamls_order() {
    let expected = [
        "-", "9", "10", "B", "a", "a-b/c", "a.b", "a_b", "a0", "a00", "a1b", "a01", "a9", "a10", "a100",
        "a1001", "a1010", "ab", "b", "é",
    ];
    let map = expected.iter().rev().map(|key| ((*key).to_owned(), json!(1))).collect();
    let text = emit(&Value::Object(map));
    let found: Vec<_> =
        text.lines().map(|line| line.trim_end_matches(": 1").trim_matches(['"', '\''])).collect();
    assert_eq!(found, expected);
}
