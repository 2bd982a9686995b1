//! Nothing that a chart, a registry or a file says drives the terminal: not in any output of any command.

use crate::common::mock::{Mock, answer, on};
use crate::common::wire::{Artifact, Shelf, tgz};
use crate::common::{EmbeddedRegistry, Home, Output};
use oci::terminal;

/// Escape sequences with ESC and with C1, a title, a bell, a return, a backspace, and text that is turned round.
const HOSTILE: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\rback\u{8}\u{202e}dnuor\u{2066}\u{61c}\u{85}";
/// The same as JSON and YAML have it in double quotes.
const QUOTED: &str = r"\u001b[31mred\u001b]0;title\u0007\u009b2J\rback\b\u202ednuor\u2066\u061c\u0085";

/// Says what drives a terminal in what a command wrote, `\n` and nothing else excepted.
#[track_caller]
fn harmless(output: &Output) -> &Output {
    for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let found: Vec<_> = text.chars().filter(|c| *c != '\n' && terminal::drives(*c)).collect();
        assert!(found.is_empty(), "{found:?} in {name}: {:?}\n{:?}", output.stdout, output.stderr);
    }
    assert!(String::from_utf8(output.bytes.clone()).is_ok());
    output
}

/// A chart with such text wherever a chart may have text.
fn chart_yaml() -> String {
    format!(
        "apiVersion: \"v2{QUOTED}\"\nname: \"my{QUOTED}chart\"\nversion: 1.0.0\ndescription: \"{QUOTED}\"\n\
         home: \"{QUOTED}\"\nicon: \"{QUOTED}\"\nkeywords: [\"{QUOTED}\"]\nsources: [\"{QUOTED}\"]\n\
         appVersion: \"{QUOTED}\"\nkubeVersion: \"{QUOTED}\"\ncondition: \"{QUOTED}\"\ntags: \"{QUOTED}\"\n\
         maintainers: [{{name: \"{QUOTED}\", email: \"{QUOTED}\", url: \"{QUOTED}\"}}]\n\
         annotations: {{\"{QUOTED}\": \"{QUOTED}\"}}\n\"x{QUOTED}\": [\"{QUOTED}\", {{\"{QUOTED}\": 1}}]\n\
         dependencies: [{{name: \"d{QUOTED}\", version: \"{QUOTED}\", repository: \"{QUOTED}\", \
         import-values: [\"{QUOTED}\"], tags: [\"{QUOTED}\"]}}]\n"
    )
}

const FORMS: [&[&str]; 4] = [&[], &["-o", "json"], &["-o", "yaml"], &["-q"]];

#[test]
fn no_chart_drives_the_terminal() {
    let home = Home::new();
    home.write("dir/Chart.yaml", chart_yaml());
    home.write("dir/values.yaml", "a: 1\n");
    home.write("chart.tgz", tgz(&[("c/Chart.yaml", &chart_yaml()), ("c/values.yaml", "a: 1\n")]));
    let data = Home::new();
    let registry = EmbeddedRegistry::start(&data, []);
    for (source, repository) in [("dir", "a/dir"), ("chart.tgz", "a/tgz")] {
        let reference = format!("{}/{repository}:1.0.0", registry.address());
        let other = format!("{}/{repository}-again:1.0.0", registry.address());
        let run = |command: &str, args: &[&str]| {
            let output = home.command(command).args(args).env("HELM_DEBUG", "true").run();
            output.succeeds();
            harmless(&output);
            output.stdout
        };
        let say = |command: &str, args: &[&str]| drop(run(command, args));
        for form in FORMS.iter().filter(|form| **form != ["-q"]) {
            say("helm-chart-save", &[&[source, &reference], *form].concat());
        }
        say("helm-chart-tag", &[&reference, &other]);
        for form in FORMS {
            say("helm-chart-list", form);
            say("helm-chart-push", &[&[&*reference], form].concat());
            say("helm-chart-push", &[&[&*other], form].concat());
            say("helm-chart-remove", &[&reference]);
            say("helm-chart-pull", &[&[&*reference], form].concat());
            say("helm-chart-pull", &[&[&*reference], form].concat());
        }
        for form in FORMS.iter().filter(|form| **form != ["-q"]) {
            say("helm-chart-export", &[&["--force", &reference], *form].concat());
        }
        // Programs get the very text all the same.
        let json = run("helm-chart-pull", &["-o", "json", &reference]);
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(document[0]["ref"], reference);
    }
}

#[test]
fn no_refused_chart_drives_the_terminal() {
    let home = Home::new();
    let fields = [
        format!("name: \"{QUOTED}/..\"\nversion: 1.0.0\n"),
        format!("name: a\nversion: \"{QUOTED}\"\n"),
        format!("name: a\nversion: 1.0.0\ntype: \"{QUOTED}\"\n"),
        format!("name: a\nversion: 1.0.0\ndependencies: [{{name: x, alias: \"{QUOTED}\"}}]\n"),
        format!("name: a\nversion: 1.0.0\nannotations: {{\"{QUOTED}\": []}}\n"),
        format!("name: a\nversion: 1.0.0\n\"{QUOTED}\": *\"{QUOTED}\"\n"),
        // One line that a person can read, however much there was to say.
        format!("name: a\nversion: \"{}\"\n", "x".repeat(1 << 20)),
    ];
    for fields in fields {
        home.write("dir/Chart.yaml", format!("apiVersion: v2\n{fields}"));
        let saved = home.command("helm-chart-save").args(["dir", "localhost:5000/a:1"]).run();
        harmless(saved.fails(1));
        assert!(saved.stderr.lines().count() == 1 && saved.stderr.len() < 10_000, "{saved}");
    }
    home.write("dir/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n");
    // Names of files are text that others choose, too.
    home.write(format!("dir/templates/{}", HOSTILE.replace('/', "")), "x");
    let saved = home.command("helm-chart-save").args(["dir", "localhost:5000/a:1"]).run();
    harmless(saved.fails(1));
    home.write(format!("{HOSTILE}.tgz"), "no chart");
    let name = format!("{HOSTILE}.tgz");
    harmless(home.command("helm-chart-save").args([&name, "localhost:5000/a:1"]).run().fails(1));
    harmless(home.command("helm-chart-save").args([&name]).run().fails(2));
    harmless(home.command("helm-chart-pull").args([HOSTILE]).run().fails(2));
    harmless(home.command("helm-oci").args([HOSTILE]).run().fails(2));
}

#[test]
fn no_registry_drives_the_terminal() {
    // As bytes of a header: ESC and the like are no header text, C1 and the rest of UTF-8 may be.
    let header = "\u{9b}31m\u{202e}x\u{7}".replace('\u{7}', "");
    let errors = format!(
        "{{\"errors\":[{{\"code\":\"{QUOTED}\",\"message\":\"{QUOTED}\",\"detail\":\"{QUOTED}\"}}]}}"
    );
    let good = Artifact::chart("mychart", "1.0.0");
    let hostile = |status: u16, content_type: &'static str, body: &str| {
        let (body, header) = (body.to_owned(), header.clone());
        Mock::serve(move |request| {
            let warning = format!("299 - \"{header} \\\"{header}\\\"\"");
            let realm = format!("Bearer realm=\"https://evil.example/{header}\",service=\"{header}\"");
            let location = format!("http://evil.example/{header}");
            let headers = [
                ("Content-Type", content_type),
                ("Warning", warning.as_str()),
                ("Warning", "299 - \"a warning\""),
                ("WWW-Authenticate", &realm),
                ("Location", &location),
                ("Docker-Content-Digest", &header),
                ("Retry-After", "0"),
            ];
            on(&request.line).answer(status, &headers, body.as_bytes())
        })
    };
    let home = Home::new();
    home.write("dir/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    for status in [200, 201, 202, 302, 307, 400, 401, 403, 404, 405, 418, 429, 500, 503] {
        for (content_type, body) in [("application/json", errors.as_str()), ("text/plain", HOSTILE)] {
            let mock = hostile(status, content_type, body);
            let reference = format!("{}/a:1.0.0", mock.host());
            home.command("helm-chart-save").args(["dir", &reference]).run().succeeds();
            for (command, args) in [
                ("helm-chart-pull", &[&*reference][..]),
                ("helm-chart-push", &[&*reference]),
                ("helm-chart-pull", &["--version", "^1", reference.strip_suffix(":1.0.0").unwrap()]),
                ("helm-registry-login", &["-u", "me", "-p", "x", "--store=file", &mock.host()]),
            ] {
                let output = home.command(command).args(args).env("HELM_DEBUG", "true").run();
                harmless(&output);
            }
            home.command("helm-chart-remove").args([&reference]).run().succeeds();
        }
    }
    // In manifests, tags and configs that are otherwise right.
    let tags = format!("{{\"name\":\"a\",\"tags\":[\"{QUOTED}\",\"1.0.0{QUOTED}\",\"1.0.0\"]}}");
    for manifest in [
        format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{QUOTED}\",\"config\":{{\"mediaType\":\"{QUOTED}\",\"digest\":\"{}\",\"size\":1}},\"layers\":[]}}",
            good.digest()
        ),
        format!(
            "{{\"schemaVersion\":2,\"config\":{{\"mediaType\":\"x\",\"digest\":\"{QUOTED}\",\"size\":1}},\"layers\":[]}}"
        ),
        format!("{{\"{QUOTED}\":"),
    ] {
        let bytes = Artifact::new(manifest.into_bytes(), &[]);
        let shelf = Shelf::new(&bytes);
        shelf.set("/v2/a/tags/list", answer(200, &[], tags.as_bytes(), false));
        shelf.set("/v2/a/manifests/1.0.0", bytes.answers()["/v2/a/manifests/1.0"].clone());
        for args in [&[&*shelf.reference()][..], &["--version", "^1", &format!("{}/a", shelf.mock.host())]] {
            let output = home.command("helm-chart-pull").args(args).env("HELM_DEBUG", "true").run();
            harmless(output.fails(1));
        }
    }
    // What is no HTTP at all.
    let raw = Mock::raw(format!("HTTP/1.1 200 {HOSTILE}\r\n{HOSTILE}\r\n\r\n{HOSTILE}").as_bytes());
    let output = home.command("helm-chart-pull").args([format!("{}/a:1", raw.host())]).run();
    harmless(&output);
    assert!(!output.stderr.is_empty());
}

/// The text of credential files and what helpers answer is not ours either. What a helper writes to standard error itself
/// is between it and its user: it may be asking for something.
#[test]
fn no_credential_file_and_no_helper_drives_the_terminal() {
    let home = Home::new();
    let auth = "bWU6czNjcjN0";
    for file in [
        format!(
            "{{\"auths\":{{\"host{QUOTED}\":{{\"auth\":\"{auth}\"}},\"h.example\":{{\"username\":\"{QUOTED}\",\"password\":\"x\"}}}}}}"
        ),
        format!("{{\"auths\":{{\"host{QUOTED}\":1}}}}"),
        format!("{{\"credsStore\":\"{QUOTED}\"}}"),
        format!("{{\"credHelpers\":{{\"host{QUOTED}\":\"loud\"}}}}"),
        format!("{{\"{QUOTED}"),
        HOSTILE.to_owned(),
    ] {
        home.script("docker-credential-loud", "printf '\\033[31mno\\007\\302\\233\\n'; exit 1");
        home.write(".docker/config.json", &file);
        for form in FORMS.iter().filter(|form| **form != ["-q"]) {
            let output = home.command("helm-registry-status").args(*form).env("HELM_DEBUG", "true").run();
            harmless(&output);
        }
        harmless(&home.command("helm-registry-logout").args(["h.example"]).run());
    }
}
