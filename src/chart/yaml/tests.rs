use super::check;
use super::decode::Decoded;
use super::document::*;
use super::input::Input;
use super::problem::YamlError;
use super::value::YamlValue;
use crate::limits::Budget;

fn parse(text: &str) -> Result<YamlValue, YamlError> {
    read(text.as_bytes(), &Budget::default()).map(|document| document.value)
}

fn json(text: &str) -> serde_json::Value {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).into_json().unwrap()
}

/// The value of the key `a` in a map.
fn a(text: &str) -> Result<YamlValue, YamlError> {
    match parse(&format!("a: {text}\n"))? {
        YamlValue::Map(mut map) => Ok(map.remove(0).1),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn scalars_become_the_strings_that_helm_makes_of_them() {
    // The results of `helm show chart` of Helm 3.10.1, with these values as annotations.
    for (text, expected) in [
        ("1.10", "1.1"),
        ("6.0", "6"),
        ("1e5", "100000"),
        ("16777217.5", "1.6777218e+07"),
        ("1.123456789", "1.1234568"),
        ("0777", "511"),
        ("08", "8"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("yes", "true"),
        ("y", "true"),
        ("N", "false"),
        ("0b11", "3"),
        ("0b-11", "-3"),
        ("0o17", "15"),
        ("+5", "5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1_0.5", "10.5"),
        (".5_0", "0.5"),
        (".5__0", ".5__0"),
        ("-0", "0"),
        ("18446744073709551615", "18446744073709551615"),
        ("+18446744073709551615", "1.8446744e+19"),
        ("18446744073709551616", "1.8446744e+19"),
        ("1:30", "1:30"),
        ("on", "true"),
        ("Off", "false"),
        ("true", "true"),
        ("\"yes\"", "yes"),
        ("'1.10'", "1.10"),
        ("\"0777\"", "0777"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("2019-01-01", "2019-01-01"),
        // Too large for a float, so Go's ParseFloat fails. It may be the hash of a commit.
        ("7e89012", "7e89012"),
        ("-1e400", "-1e400"),
        ("1e-400", "0"),
        (".inf", "+Inf"),
        ("-.inf", "-Inf"),
        (".nan", "NaN"),
        // An explicit tag decides the type.
        ("!!str 1.10", "1.10"),
        ("!!str", ""),
        ("! 1.10", "1.10"),
        ("!x 1.10", "1.10"),
        ("!<tag:yaml.org,2002:str> yes", "yes"),
        ("!!st%72 1.10", "1.10"),
        ("!!int \"3\"", "3"),
        ("!!float 1", "1"),
        ("!!bool \"yes\"", "true"),
        ("!!binary aGk=", "hi"),
        ("!!binary /w==", "\u{fffd}"),
        ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!!timestamp '2001-12-14 21:59:43.10'", "2001-12-14 21:59:43.10"),
        ("!!map x", "x"),
        ("<<", "<<"),
    ] {
        assert_eq!(a(text).unwrap().into_text().as_deref(), Ok(expected), "{text}");
    }
    for text in ["", "~", "null", "Null", "!!null ''", "!!null ~"] {
        assert_eq!(a(text).unwrap(), YamlValue::Null, "{text}");
    }
    for text in [
        "!!int 3.5",
        "!!int ''",
        "!!float x",
        "!!float 18446744073709551615",
        "!!bool 1",
        "!!null x",
        "!!binary aGk",
        "!!binary '!'",
        "!!timestamp 2001-13-01",
        "!!timestamp 1",
        "!! x",
        "!e!x y",
    ] {
        assert!(a(text).is_err(), "{text}");
    }
}

#[test]
fn reads_what_go_yaml_reads() {
    for (text, expected) in [
        ("", "null"),
        ("---\n", "null"),
        ("# nothing\n", "null"),
        ("\u{feff}a: b", r#"{"a":"b"}"#),
        // A byte order mark on a later line is a part of the text.
        ("a: b\n\u{feff}c: d", "{\"a\":\"b\",\"\u{feff}c\":\"d\"}"),
        ("a: b\n---\nc: d", r#"{"a":"b"}"#),
        // Nothing after the first document is read, not even after a flow collection.
        ("a: b\n...\n\"", r#"{"a":"b"}"#),
        ("{a: b} c", r#"{"a":"b"}"#),
        ("%YAML 1.1\n---\na: b", r#"{"a":"b"}"#),
        ("%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1", r#"{"a":"1"}"#),
        ("%TAG !! tag:example.com,2000:\n---\na: !!int x", r#"{"a":"x"}"#),
        ("a: b\na: c", r#"{"a":"c"}"#),
        ("1: a\ntrue: b\n1.5: c\n~x: d", r#"{"1":"a","1.5":"c","true":"b","~x":"d"}"#),
        (".inf: a", r#"{".inf":"a"}"#),
        ("a: &a {x: u}\nb: {<<: *a, z: w}", r#"{"a":{"x":"u"},"b":{"x":"u","z":"w"}}"#),
        // A merge happens at the place of the `<<`.
        ("a: &a {x: u, z: u}\nb: {x: 1, <<: *a, z: 2}", r#"{"a":{"x":"u","z":"u"},"b":{"x":"u","z":2}}"#),
        ("a: &a {x: 1}\nb: &b {x: 2, z: 2}\n<<: [*a, *b]", r#"{"a":{"x":1},"b":{"x":2,"z":2},"x":1,"z":2}"#),
        ("'<<': {x: 1}", r#"{"<<":{"x":1}}"#),
        ("! '<<': {x: 1}", r#"{"x":1}"#),
        ("a: [x: u, {z}, ? w]", r#"{"a":[{"x":"u"},{"z":null},{"w":null}]}"#),
        ("a: \"\\x41\\u00e9\\U0001F600\\\n  b\"", "{\"a\":\"A\u{e9}\u{1f600}b\"}"),
        ("a: |\n  b\n   c\n\nd: >-\n  e\n  f\n\n  g\n", r#"{"a":"b\n c\n","d":"e f\ng"}"#),
        ("a: |2+\n   b\n\n", r#"{"a":" b\n\n"}"#),
        ("a:\n- b\n-\n- c: d\n", r#"{"a":["b",null,{"c":"d"}]}"#),
        // Helm does not notice a bad value that a later one replaces.
        ("a: .nan\na: 1", r#"{"a":1}"#),
        ("a: {~: 1}\na: 1", r#"{"a":1}"#),
        ("a: &a 1\nb: &a 2\nc: *a", r#"{"a":1,"b":2,"c":2}"#),
        ("a: 1.0\nb: 1e20", r#"{"a":1,"b":100000000000000000000}"#),
    ] {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        // Compared as text: a large integer is a float on one side only.
        assert_eq!(json(text).to_string(), expected.to_string(), "{text}");
    }
    for text in [
        "a: b: c",
        "a: [",
        "[a]: b",
        "{a: b}: c",
        "\ta: b",
        "a:\n\tb: c",
        "a: \"\\/\"",
        "a: \"\\q\"",
        "a: \"",
        "a: '",
        "%YAML 1.2\n---\na: b",
        "%FOO\n---\na: b",
        "%TAG ! !\n%TAG ! !\n---\na: b",
        "a: *b",
        "a: &a [*a]",
        "<<: 1",
        "<<: [1]",
        "<<: ~",
        "a: %b",
        "a: @b",
        "a: `b`",
        "- a\nb: c",
        "a: b\n c: d",
        "a: 'b'c",
        "a: |0\n b",
        "a: |x\n b",
        "a\nb: c",
        "a: \u{1}",
        "a: \u{7f}",
        "a: \u{fffe}",
        "[a, , b]",
        "[a",
        "{a: http://x.y?z}",
        "a: [b?c]",
    ] {
        assert!(parse(text).is_err(), "{text:?}: {:?}", parse(text));
    }
    for text in [
        "a: .inf",
        "? &a .inf\n: 1\nb: *a",
        "a: &a ~\n*a : b",
        "a: [.nan]",
        "~: a",
        "a: {18446744073709551615: b}",
    ] {
        assert!(parse(text).unwrap().into_json().is_err(), "{text}");
        assert!(check_values(text.as_bytes(), &Budget::default()).is_err(), "{text}");
    }
}

#[test]
fn utf_16_is_read_behind_its_mark() {
    let budget = Budget::default();
    let little: Vec<u8> = "\u{feff}a: \u{e9}\u{1f600}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "\u{feff}a: \u{e9}\u{1f600}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [&little, &big] {
        let value = read(bytes, &budget).unwrap().value.into_json().unwrap();
        assert_eq!(value, serde_json::json!({"a": "\u{e9}\u{1f600}"}));
        assert_eq!(check_values(bytes, &budget).unwrap(), "a map");
        assert!(read(&bytes[..bytes.len() - 1], &budget).is_err());
        assert!(read(&bytes[..bytes.len() - 2], &budget).is_err());
    }
    assert!(read(b"a: \xff", &budget).is_err());
}

/// Helm decodes pieces of 512 bytes, and none after the first document.
#[test]
fn what_is_wrong_far_behind_the_document_is_not_seen() {
    let text = |filling: usize| format!("a: b\n---\n#{}\u{1}", "x".repeat(filling)).into_bytes();
    let budget = Budget::default();
    assert!(read(&text(512 - 11), &budget).is_err());
    assert!(read(&text(512 - 10), &budget).is_ok());
}

#[test]
fn values_are_nodes_and_not_characters() {
    let budget = Budget::default();
    let numbers = "- 1,2: [3] {4}\n";
    for text in [
        format!("a: |\n{}", format!("  {numbers}").repeat(20_000)),
        format!("a: '{}'\n", "[,:{".repeat(100_000)),
        format!("{}a: b\n", "# - a: [b, c]\n".repeat(16_000)),
        format!("a: [{}]", "x,".repeat(VALUES.values - 10)),
    ] {
        assert_eq!(check_values(text.as_bytes(), &budget).unwrap(), "a map");
    }
    let too_many = |result: Result<&'static str, YamlError>| matches!(result, Err(YamlError::Values(30_000)));
    for many in ["x,", "[],", "\"k\":x,", "k: x,"] {
        let text = format!("a: [{}]", many.repeat(VALUES.values));
        assert!(too_many(check_values(text.as_bytes(), &budget)), "{many}");
    }
    for many in ["- x\n", "-\n", "- - -\n", "k: x\n", "k:\n", "?\n", "? k\n: x\n"] {
        let text = many.repeat(VALUES.values);
        assert!(too_many(check_values(text.as_bytes(), &budget)), "{many}");
    }
}

#[test]
fn aliases_count_as_what_they_stand_for() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (letter, before) in ('b'..='i').zip('a'..) {
        bomb += &format!("{letter}: &{letter} [{}]\n", [format!("*{before}").as_str(); 9].join(","));
    }
    // go-yaml refuses this.
    let refused = parse(&bomb).unwrap_err().to_string();
    assert!(refused.contains("document contains excessive aliasing"), "{refused}");
    // Few values, each of them large.
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(500), "*a,".repeat(50));
    assert!(matches!(parse(&wide), Err(YamlError::Values(10_000))));
    let merges = format!("a: &a {{{}}}\nb: [{}]\n", "k: x,".repeat(500), "{<<: *a},".repeat(50));
    assert!(matches!(parse(&merges), Err(YamlError::Values(10_000))));
    // One long string.
    let long = format!("a: &a {}\n{}", "x".repeat(500_000), "b: *a\n".repeat(4));
    assert!(matches!(parse(&long), Err(YamlError::Size(0x10_0000))));
    let budget = Budget::default();
    assert!(matches!(check_values(long.as_bytes(), &budget), Err(YamlError::Size(0x20_0000))));
    // The prefixes of tags are never joined with the rest.
    let prefix = format!("%TAG !a! {}\n---\n{}", "x".repeat(900_000), "- !a!b c\n".repeat(4_000));
    assert!(parse(&prefix).is_ok());
}

/// Checks that no more memory is used than was taken from the budget before.
#[test]
fn what_is_built_is_taken_from_the_budget() {
    let budget = Budget::new(1 << 20);
    let small = read(b"a: [b, c]", &budget).unwrap();
    assert!(budget.left() < 1 << 20);
    drop(small);
    assert_eq!(budget.left(), 1 << 20);
    let large = format!("a: {}", "x".repeat(900_000));
    assert!(matches!(read(large.as_bytes(), &budget), Err(YamlError::Memory(_))));
    let many = format!("a: [{}]", "x,".repeat(9_000));
    assert!(matches!(read(many.as_bytes(), &budget), Err(YamlError::Memory(_))));
    let wide: Vec<u8> = "\u{feff}# "
        .chars()
        .chain(std::iter::repeat_n('x', 400_000))
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(matches!(read(&wide, &Budget::new(1 << 19)), Err(YamlError::Memory(_))));
    // Nothing is built if a document is only checked.
    assert!(check_values(many.as_bytes(), &Budget::new(0)).is_ok());
    assert_eq!(budget.left(), 1 << 20);
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
    let budget = Budget::default();
    assert!(parse(&nested(99)).is_ok());
    assert!(matches!(parse(&nested(100)), Err(YamlError::Depth(100))));
    assert!(check_values(nested(9_999).as_bytes(), &budget).is_ok());
    assert!(matches!(check_values(nested(10_000).as_bytes(), &budget), Err(YamlError::Depth(10_000))));
    assert!(check_values(nested(10_001).as_bytes(), &budget).is_err());
    let aliases: String =
        ('b'..='z').zip('a'..).map(|(name, inner)| format!("{name}: &{name} [[[[[*{inner}]]]]]\n")).collect();
    assert!(matches!(parse(&format!("a: &a []\n{aliases}")), Err(YamlError::Depth(100))));
}

/// Texts of the greatest length, each made so that a careless reader would look at some part of it again and again.
/// Steps are characters, tokens and events.
#[test]
fn steps_grow_with_the_characters() {
    let long = |part: &str| part.repeat(200_000 / part.len());
    let numbered = |part: fn(usize) -> String| (0..5_000).map(part).collect::<String>();
    for (name, text) in [
        ("open brackets", long("[")),
        ("open brackets on lines", long("[\n")),
        ("open braces", long("{a: ")),
        ("closed brackets", long("[]")),
        ("brackets as keys", format!("[{}", format!("{}{},", "[".repeat(250), "]:".repeat(250)).repeat(250))),
        ("dashes", long("- ")),
        ("question marks", long("? ")),
        ("indentation", (0..600).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("indentation that ends", long("a:\n b:\n  c:\n   d: e\n")),
        ("directives", numbered(|n| format!("%TAG !a{n}! tag:x,1:{n}\n"))),
        ("a long prefix", format!("%TAG !a! {}\n---\n{}", long("x"), "- !a!b c\n".repeat(5_000))),
        ("anchors", numbered(|n| format!("- &a{n} x\n"))),
        ("one anchor", long("- &a x\n")),
        ("aliases", format!("- &a x\n{}", long("- *a\n"))),
        ("a long alias", format!("- &{0} x\n- *{0}\n", long("a"))),
        ("long anchors", numbered(|n| format!("- &{}{n} x\n", "a".repeat(100)))),
        ("merges", format!("a: &a {{b: c}}\n{}", long("<<: *a\n"))),
        ("a list of merges", format!("a: &a {{b: c}}\n<<: [{}]", long("*a,"))),
        ("comments", long("# c\n")),
        ("one comment", format!("#{}", long("x"))),
        ("empty lines", long("\n")),
        ("blanks", long(" ")),
        ("tabs", format!("a:{}", long("\t"))),
        ("words", format!("a: {}", long("b "))),
        ("lines of words", format!("a: {}", long("b\n  "))),
        ("words that may be keys", long("a b c d\n")),
        ("keys that may be longer", long(&format!("{}: y\n", "x".repeat(1000)))),
        ("entries that may be keys", format!("[{}]", long("\"x\" ,"))),
        ("double quotes", format!("a: \"{}\"", long("b\\n \n\n "))),
        ("single quotes", format!("a: '{}'", long("''"))),
        ("a literal", format!("a: |\n{}", long("  x\n"))),
        ("a folded text", format!("a: >\n{}", long("  x\n \n"))),
        ("one key", long("a: b\n")),
        ("keys", numbered(|n| format!("key{n}: v\n"))),
        ("documents", long("---\n")),
        ("ends of documents", long("...\n")),
        ("other line breaks", long("\u{85}")),
        ("other characters", long("\u{e9}")),
    ] {
        let most = 3 * text.len() as u64 + 100;
        for limits in [&METADATA, &VALUES] {
            let budget = Budget::default();
            let decoded = Decoded::new(text.as_bytes(), &budget).unwrap();
            let steps = check::steps(Input::new(&decoded), limits);
            assert!(steps <= most, "{name}: {steps} steps for {} bytes", text.len());
        }
    }
}
