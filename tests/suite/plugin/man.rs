//! The man pages say what `--help` says.

use std::fs;

use serde_json::Value;

use super::world::{built, executables, home, man, names};

/// A page as a reader sees it, its blanks and its hyphens made one kind.
fn text(page: &str) -> String {
    let plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "");
    let plain = plain.replace("\\&", "").replace("\\*(Aq", "'").replace("\\\\", "\\");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn there_is_a_page_for_each_executable_with_all_that_its_help_has() {
    let home = home();
    let pages = home.path().join("man1");
    home.program(man()).args([built(), &pages]).run().prints("").stderr_is("");
    let expected: Vec<_> = executables().iter().map(|name| format!("{name}.1")).collect();
    assert_eq!(names(&pages), expected);
    for name in executables() {
        let page = text(&fs::read_to_string(pages.join(format!("{name}.1"))).unwrap());
        let output = home.program(built().join(&name)).args(["--describe"]).run();
        let described: Value = serde_json::from_slice(&output.succeeds().bytes).unwrap();
        let mut parts = Vec::new();
        strings(&described, &mut parts);
        for part in parts {
            let part = part.trim_end_matches('.').split_whitespace().collect::<Vec<_>>().join(" ");
            let found = page.contains(&part) || part.split([':', '.']).all(|half| page.contains(half.trim()));
            assert!(found, "{name}: `{part}` is not in\n{page}");
        }
        // And they are what the help is made of.
        let help = home.program(built().join(&name)).args(["--help"]).run();
        for flag in described["flags"].as_array().into_iter().flatten() {
            assert!(help.succeeds().stdout.contains(flag["long"].as_str().unwrap()), "{help}");
        }
    }
}

/// Every text in a document.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(map) => map.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}
