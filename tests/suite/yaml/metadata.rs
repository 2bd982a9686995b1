//! Chart.yaml and its locks have the types that Helm has for them, and the metadata that comes of it is Helm's.

use oci::limits::Budget;
use serde_json::Value;

use super::documents::{self, Chance};
use super::{as_floats, helm, is_a_limit, package, refusal, report};
use crate::common::tool;

/// The fields of Chart.yaml: strings, lists of strings, and others.
const STRINGS: &[&str] = &[
    "home",
    "description",
    "icon",
    "condition",
    "tags",
    "appVersion",
    "kubeVersion",
    "type",
    "name",
    "version",
];
const LISTS: &[&str] = &["sources", "keywords"];
const OTHERS: &[&str] = &["maintainers", "deprecated", "annotations", "dependencies"];

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "generated", "a", "A_b.C", "a b", "1", "1.10", "\"\"", "~", "\u{e9}", "\"a\\tb\"", "true", "[a]", "x-1",
    "'a\u{200b}b'", "..", ".", "a/b", "/a", "a/", "-", "a..b", "..a", "\"a\\x00b\"",
];

#[rustfmt::skip]
const VERSIONS: &[&str] = &[
    "1.0.0", "1", "1.0", "1.10", "v1.2.3", "01.0.0", "1.0.0-alpha.1", "1.0.0+a.b", "1.0.0+a_b", "1.0.0-01",
    "'1.0.0 '", "''", "~", "x", "1.2.3.4", "1e5", "\"1.0.0\"", "1.0.0-", "1.0.0+",
    "99999999999999999999.0.0", "1.0.x", ">=1.0.0", "2001-01-01", "1_0",
];

/// A value for a field of type string.
fn string(chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => "~".to_owned(),
        1 => documents::scalar(chance),
        2 => format!("{} {}", documents::tag(chance), documents::scalar(chance)),
        3 => chance
            .pick(&["[a]", "{a: b}", "[]", "{}", ".inf", "-.inf", ".nan", "\"a\\x01b\\u200bc\\u00a0d\""])
            .to_owned(),
        _ => chance
            .pick(&[
                "text",
                "1.10",
                "yes",
                "'quoted'",
                "1e3",
                "0x10",
                "7e89012",
                "\"<b>&\"",
                "\u{e9}\u{2028}x",
                "a  b",
            ])
            .to_owned(),
    }
}

fn strings(chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => "~".to_owned(),
        1 => string(chance),
        _ => {
            let entries: Vec<_> = (0..chance.below(4)).map(|_| string(chance)).collect();
            format!("[{}]", entries.join(", "))
        }
    }
}

fn map(chance: &mut Chance, keys: &[&str]) -> String {
    let mut entries = Vec::new();
    for _ in 0..chance.below(4) {
        let key = cased(chance, keys);
        let value = if chance.percent(85) { string(chance) } else { strings(chance) };
        entries.push(format!("{key}: {value}"));
    }
    format!("{{{}}}", entries.join(", "))
}

/// One of the keys, in another case now and then.
fn cased(chance: &mut Chance, keys: &[&str]) -> String {
    let key = chance.pick(keys);
    match chance.below(20) {
        0 => key.to_ascii_uppercase(),
        1 => key.replace('s', "\u{17f}"),
        2 => key.replace('k', "\u{212a}"),
        _ => key.to_owned(),
    }
}

fn maps(chance: &mut Chance, keys: &[&str]) -> String {
    match chance.below(14) {
        0 => "~".to_owned(),
        1 => strings(chance),
        2 => map(chance, keys),
        _ => {
            let entries: Vec<_> = (0..chance.below(3)).map(|_| map(chance, keys)).collect();
            format!("[{}]", entries.join(", "))
        }
    }
}

fn field(chance: &mut Chance, text: &mut String) {
    const DEPENDENCY: &[&str] =
        &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
    let (key, value) = match chance.below(10) {
        0..5 => (cased(chance, STRINGS), string(chance)),
        5 | 6 => (cased(chance, LISTS), strings(chance)),
        7 => (
            chance.pick(&["unknown", "x", "engine"]).to_owned(),
            if chance.percent(50) { string(chance) } else { strings(chance) },
        ),
        _ => match chance.pick(OTHERS) {
            "maintainers" => {
                (cased(chance, &["maintainers"]), maps(chance, &["name", "email", "url", "other"]))
            }
            "deprecated" => {
                ("deprecated".to_owned(), if chance.percent(60) { "yes".to_owned() } else { string(chance) })
            }
            "annotations" => {
                (cased(chance, &["annotations"]), map(chance, &["a", "b", "1", "true", "c.d/e", "1.5"]))
            }
            // Where all are well-formed, names are what is looked at.
            _ if chance.percent(60) => (
                cased(chance, &["dependencies"]),
                format!(
                    "[{{name: {}, alias: {}}}, {{name: {}, tags: [a], import-values: [{{child: 1.0, parent: [x]}}]}}]",
                    chance.pick(&["x", "y", "1"]),
                    chance.pick(&["~", "z", "a.b", "y", "''"]),
                    chance.pick(&["x", "y", "z"]),
                ),
            ),
            _ => (cased(chance, &["dependencies"]), maps(chance, DEPENDENCY)),
        },
    };
    *text += &format!("{key}: {value}\n");
}

/// Fields that any chart may have, as they have to be.
pub fn fields(chance: &mut Chance) -> String {
    const FIELDS: &[&str] = &[
        "description: \"a <b> & c\"\n",
        "appVersion: 1.10\n",
        "appVersion: 7e89012\n",
        "keywords: [1.0, ~, yes]\n",
        "annotations: {a: 1e3, b: ~, c: \"x\\ny\"}\n",
        "maintainers: [{name: M, email: e@x.y}]\n",
        "home: https://x.y/z?a=b&c\n",
        "x: [1.0, 8125e58, -0.0, 18446744073709551615]\n",
        "y: {a: {b: ~}}\n",
        "deprecated: yes\n",
        "icon: \"\\u2028\\x01\"\n",
    ];
    (0..chance.below(4)).map(|_| chance.pick(FIELDS)).collect()
}

/// The files of a chart, but for what does not matter.
type Files = Vec<(&'static str, Vec<u8>)>;

/// A Chart.yaml, or something like it.
fn chart_yaml(chance: &mut Chance) -> Files {
    let mut text = String::new();
    let mut usual = |chance: &mut Chance, key: &str, usual: &str, others: &[&str]| {
        let value = if chance.percent(93) { usual } else { chance.pick(others) };
        text += &format!("{key}: {value}\n");
    };
    let api = *chance.pick(&[&"v1", &"v2"]);
    usual(chance, "apiVersion", api, &["''", "~", "v3", "1", "[v1]", "V2"]);
    usual(chance, "name", "generated", NAMES);
    usual(chance, "version", "1.0.0", VERSIONS);
    for _ in 0..chance.below(6) {
        field(chance, &mut text);
    }
    vec![("Chart.yaml", text.into_bytes())]
}

/// A Chart.yaml and a requirements.yaml, which Helm puts over it.
fn requirements(chance: &mut Chance) -> Files {
    let mut files = chart_yaml(chance);
    let mut text = String::new();
    for _ in 0..chance.below(3) {
        field(chance, &mut text);
    }
    if chance.percent(70) {
        let keys = &["name", "version", "alias", "enabled"];
        text += &format!("dependencies: {}\n", maps(chance, keys));
    }
    files.push(("requirements.yaml", text.into_bytes()));
    files
}

/// A Chart.lock or requirements.lock, or something like it.
fn lock(chance: &mut Chance) -> Files {
    #[rustfmt::skip]
    const TIMES: &[&str] = &[
        "2024-01-01T00:00:00Z", "\"2024-01-01T00:00:00.123456789Z\"", "2024-01-01T00:00:00+02:00",
        "2024-01-01", "2024-01-01 00:00:00", "2024-01-01t00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-02-29T23:59:59.9-11:30", "2023-02-29T00:00:00Z", "2024-1-1T0:0:0Z", "~", "1", "''", "[a]",
        "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00z", "24-01-01T00:00:00Z", "2024-01-01T00:00:00Zx", "!!timestamp 2024-01-01",
        "yes",
    ];
    let mut text = String::new();
    for _ in 0..1 + chance.below(3) {
        match chance.below(4) {
            0 => text += &format!("{}: {}\n", cased(chance, &["generated"]), chance.pick(TIMES)),
            1 => text += &format!("{}: {}\n", cased(chance, &["digest"]), string(chance)),
            2 => {
                let keys = &["name", "version", "repository", "enabled", "tags"];
                text += &format!("{}: {}\n", cased(chance, &["dependencies"]), maps(chance, keys));
            }
            _ => {
                text += chance.pick(&[
                    "x: y\n",
                    "[]",
                    "~",
                    "a",
                    "x: .inf\n",
                    "~: x\n",
                    "{}",
                    "",
                    "dependencies: {}\n",
                ]);
            }
        }
    }
    let api = chance.pick(&["v1", "v2"]);
    let chart_yaml = format!("apiVersion: {api}\nname: generated\nversion: 1.0.0\n");
    vec![
        ("Chart.yaml", chart_yaml.into_bytes()),
        (chance.pick(&["Chart.lock", "requirements.lock"]), text.into_bytes()),
    ]
}

/// The config that we make of a package.
fn ours(packed: &[u8]) -> Option<Value> {
    let metadata = oci::chart::inspect(packed, &Budget::default()).ok()?;
    serde_json::from_slice(&metadata.to_config().unwrap()).ok()
}

/// Compares what Helm 4 and we make of packages, and Helm 3.10 of a sample of them.
fn compare(what: &str, seed: u64, count: usize, sample: usize, make: fn(&mut Chance) -> Files) {
    let (Some(third), Some(fourth)) = (tool("helm"), tool("helm4")) else { return };
    let mut chance = Chance::new(seed);
    let charts: Vec<_> = (0..count).map(|_| make(&mut chance)).collect();
    let packed = |files: &Files| {
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, content)| (*path, content.as_slice())).collect();
        package(&files)
    };
    let packages: Vec<_> = charts.iter().map(packed).collect();
    let every = (count / sample).max(1);
    let chosen: Vec<&[u8]> = packages.iter().step_by(every).map(Vec::as_slice).collect();
    let fourth = helm::metadata(&fourth, &packages).into_iter().enumerate();
    let third = helm::charts(&third, &chosen)
        .into_iter()
        .enumerate()
        .map(|(number, answer)| (number * every, answer));
    let answers = fourth.map(|answer| ("Helm 4", answer)).chain(third.map(|answer| ("Helm 3.10", answer)));
    let (mut differences, mut taken, mut asked) = (Vec::new(), 0, 0);
    for (helm, (number, answer)) in answers {
        let said = refusal(&packages[number]).unwrap_or_default();
        asked += 1;
        taken += usize::from(said.is_empty());
        if is_known(helm, &said) {
            continue;
        }
        match (&answer, ours(&packages[number])) {
            (Ok(theirs), Some(ours)) if as_floats(theirs) == as_floats(&ours) => {}
            (Err(_), None) => {}
            (answer, ours) => {
                let text = charts[number].iter().map(|(_, content)| String::from_utf8_lossy(content));
                let text: Vec<_> = text.collect();
                differences.push(format!("{text:?}\n  {helm} {answer:?}\n  we     {ours:?} {said}"));
            }
        }
    }
    report(&format!("{what}: {asked} asked of Helm, {taken} taken, {} differ", differences.len()));
    let shown: Vec<&str> = differences.iter().take(10).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} of {count} {what} differ:\n{}", differences.len(), shown.join("\n"));
    assert!(taken * 5 > asked, "{what}: only {taken} of {asked} were taken");
}

/// What the README names: limits, and the rules that Helm has had since, and not in 3.10.
fn is_known(helm: &str, said: &str) -> bool {
    let since = ["two dependencies have the name or alias", "it must be usable as the name of one directory"];
    is_a_limit(said) || (helm == "Helm 3.10" && since.iter().any(|rule| said.contains(rule)))
}

#[test]
fn metadata_is_helms() {
    compare("Chart.yaml", 5, 1_000, 20, chart_yaml);
}

#[test]
fn requirements_are_put_over_metadata_as_helm_does() {
    compare("requirements.yaml", 6, 600, 20, requirements);
}

#[test]
fn locks_have_helms_types() {
    compare("locks", 7, 600, 20, lock);
}

pub fn many(seed: u64, count: usize) {
    compare("Chart.yaml", seed, count, count / 5, chart_yaml);
    compare("requirements.yaml", seed, count, count / 5, requirements);
    compare("locks", seed, count, count / 5, lock);
}
