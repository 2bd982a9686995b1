//! The README and the pages of the manual are right: their transcripts come out as they stand there, their recipes run, and
//! nothing that is installed is told nowhere.

use std::fs;
use std::path::Path;

use crate::common::{EmbeddedRegistry, Home, tool};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// The commands of the `console` blocks with what they print, in order.
fn transcripts(readme: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => found.push((command.to_owned(), String::new())),
                None => {
                    let (_, output) = found.last_mut().expect("a command before its output");
                    *output += line;
                    output.push('\n');
                }
            }
        }
    }
    found
}

/// Columns are as wide as the port is long, and time goes by.
fn normal(text: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<_> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        if words.len() == 6 && words[0].contains(':') {
            words[5] = "some time";
        }
        let indent = line.len() - line.trim_start().len();
        " ".repeat(indent) + &words.join("  ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_transcript_comes_out_as_it_stands_there() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address().replace("127.0.0.1", "localhost");
    crate::common::copy_directory(&root().join("tests/charts/mychart"), &home.path().join("mychart"));
    let mut count = 0;
    for (command, expected) in transcripts(&readme()) {
        if command.contains("registry serve") {
            assert_eq!(expected, "Serving on http://127.0.0.1:5000\n");
            continue;
        }
        let words =
            command.strip_prefix("helm oci ").expect("a command of ours").replace("localhost:5000", &host);
        let output = home.command("helm-oci").args(words.split_whitespace()).run();
        let shown = format!("{}{}", output.stdout, output.stderr).replace(&host, "localhost:5000");
        assert_eq!(normal(&shown), normal(&expected), "$ {command}\n{output}");
        count += 1;
    }
    assert!(count >= 9, "only {count} transcripts");
}

#[test]
fn charts_come_into_a_closed_network_with_their_digests() {
    let mut home = Home::new();
    let outside = EmbeddedRegistry::start(&home, ["--data", "outside"]);
    let inside = EmbeddedRegistry::start(&home, ["--data", "inside"]);
    let mut expected = Vec::new();
    for (name, version) in [("db", "2.0.1"), ("web", "1.4.0")] {
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        crate::common::write_chart(&home.path().join(name), &[("Chart.yaml", &chart)]);
        let reference = format!("{}/team/{name}:{version}", outside.address());
        home.command("helm-chart-save").args([name, &reference]).run().succeeds();
        let pushed = home.command("helm-chart-push").args(["-q", &reference]).run();
        expected.push(pushed.succeeds().stdout.trim_end().replace(outside.address(), inside.address()));
    }
    let readme = readme();
    let (_, recipe) = readme.split_once("one file is carried in:\n\n```sh\n").expect("a recipe");
    let recipe = recipe.split("```").next().unwrap_or_default().replace("helm oci ", "helm-oci ");
    let recipe = recipe.replace("registry.example.com", outside.address());
    let at = recipe.find("helm-oci load").expect("two sides");
    let (before, after) = recipe.split_at(at);
    let path = format!(
        "{}:/usr/bin:/bin",
        Path::new(env!("CARGO_BIN_EXE_helm-oci")).parent().expect("bin").display()
    );
    home.set("PATH", path);
    let run = |script: &str| home.program("/bin/sh").args(["-euc", script]).run();
    let told = run(before);
    assert!(told.succeeds().stdout.starts_with("charts.tar: 2 charts, 0 attached, "), "{told}");
    told.stderr_is("");
    drop(outside);
    fs::remove_dir_all(home.path().join(".helm")).expect("a cache");
    let told = run(&after.replace("registry.internal", inside.address()));
    assert!(told.succeeds().stdout.ends_with("\n2 copied, 0 up to date\n"), "{told}");
    for pinned in expected {
        let tagged = pinned.split_once('@').expect("a digest").0;
        home.command("helm-chart-pull").args(["-q", tagged]).run().prints(&format!("{pinned}\n"));
    }
}

#[test]
fn a_list_of_charts_is_mirrored_by_one_line() {
    let mut home = Home::new();
    let outside = EmbeddedRegistry::start(&home, ["--data", "outside"]);
    let inside = EmbeddedRegistry::start(&home, ["--data", "inside"]);
    let (mut list, mut expected) = (String::new(), String::new());
    for name in ["db", "web"] {
        let chart = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
        crate::common::write_chart(&home.path().join(name), &[("Chart.yaml", &chart)]);
        let prefix = format!("oci://{}/team", outside.address());
        let pushed = home.command("helm-chart-push").args(["-q", name, &prefix]).run();
        let pushed = pushed.succeeds().stdout.replace(outside.address(), inside.address());
        let (tagged, digest) = pushed.trim_end().split_once('@').expect("a digest");
        let name = format!("{}/team/{name}", inside.address());
        list += &format!("{}\n", tagged.replace(inside.address(), outside.address()));
        let sent = "2 blobs, ";
        expected += &format!("1.0.0: copied to {name} ({sent}…)\nDigest: {digest}\n");
    }
    home.write("charts.txt", list);
    let readme = readme();
    let (_, line) = readme.split_once("One line mirrors a list of charts").expect("the recipe");
    let (_, line) = line.split_once("```sh\n").expect("its line");
    let line = line.split("```").next().unwrap_or_default();
    assert_eq!(line.lines().count(), 1, "{line}");
    let line = line.replace("helm oci ", "helm-oci ").replace("registry.example.com", inside.address());
    let executables = Path::new(env!("CARGO_BIN_EXE_helm-oci")).parent().expect("bin").to_owned();
    home.set("PATH", format!("{}:/usr/bin:/bin", executables.display()));
    let run = home.program("/bin/sh").args(["-euc", &line]).run();
    // How large a package is differs by its name.
    let sizes = |text: &str| {
        let line = |line: &str| match line.split_once(" blobs, ") {
            Some((before, _)) => format!("{before} blobs, …)\n"),
            None => format!("{line}\n"),
        };
        text.lines().map(line).collect::<String>()
    };
    assert_eq!(sizes(&run.succeeds().stdout), expected, "{run}");
    run.stderr_is("");
}

#[test]
fn the_demo_takes_a_chart_there_and_back() {
    let home = Home::new();
    let executables = Path::new(env!("CARGO_BIN_EXE_helm-oci")).parent().expect("a directory");
    let output = home.program(root().join("scripts/demo")).args([executables]).run();
    assert!(output.succeeds().stdout.ends_with("\nThe chart came back as it went.\n"), "{output}");
    output.stderr_is("");
    for line in [
        "2.7.0: saved\n",
        "2.7.0: pushed to remote (2 layers, ",
        "2.7.0: removed\n",
        "Exported to exported/mychart/\n",
    ] {
        assert!(output.stdout.contains(line), "{line}: {output}");
    }
}

#[test]
fn ten_lines_lead_from_helm_create_to_a_chart_that_helm_takes() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address().replace("127.0.0.1", "localhost");
    let readme = readme();
    let (_, recipe) = readme.split_once("## From `helm create` to a chart in a cluster\n").expect("a recipe");
    let recipe = recipe.split_once("```sh\n").expect("its lines").1.split("```").next().unwrap_or_default();
    let lines: Vec<_> = recipe.lines().collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[0], "helm oci registry serve &");
    for line in &lines[1..] {
        let line = line.replace("localhost:5000", &host);
        let words: Vec<_> = line.split_whitespace().collect();
        let run = match words.as_slice() {
            ["helm", "oci", rest @ ..] => home.command("helm-oci").args(rest),
            // A cluster is not at hand: what it would be told is.
            ["helm", "install", rest @ ..] => home.program(&helm).args(["template"]).args(rest),
            ["helm", rest @ ..] => home.program(&helm).args(rest),
            _ => panic!("{line}"),
        };
        run.run().succeeds();
    }
}

#[test]
fn every_executable_is_told_of() {
    let home = Home::new();
    let help = home.command("helm-oci").args(["help"]).run().succeeds().stdout.clone();
    let pages = fs::read_dir(root().join("scripts/man")).expect("pages");
    let pages = pages
        .map(|page| page.expect("an entry").path())
        .filter(|page| page.extension().is_some_and(|e| e == "md"));
    let told: String =
        pages.map(|page| fs::read_to_string(page).expect("a page")).chain([readme()]).collect();
    for entry in fs::read_dir(root().join("bin")).expect("bin/") {
        let name = entry.expect("an entry").file_name().to_string_lossy().replace(".rs", "");
        let word = name.rsplit('-').next().unwrap_or_default();
        let in_help =
            help.lines().any(|line| line.split_whitespace().any(|found| found.trim_end_matches(',') == word));
        assert!(
            in_help || told.contains(&format!("`{name}`")) || name == "helm-oci",
            "{name} is told of nowhere"
        );
    }
}

#[test]
fn help_prints_each_page_of_the_manual() {
    let home = Home::new();
    for topic in ["cache", "credentials", "formats", "networks", "plugin", "security"] {
        let page = home.command("helm-oci").args(["help", topic]).run();
        let title = format!("HELM-OCI-{}(7): ", topic.to_uppercase());
        assert!(page.succeeds().stdout.starts_with(&title), "{page}");
        // Whole: the last words of the source are there.
        let source =
            fs::read_to_string(root().join(format!("scripts/man/helm-oci-{topic}.7.md"))).expect("a page");
        let words =
            |text: &str| text.replace('`', "").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&page.stdout).last(), words(&source).last(), "{topic}");
        let same = home.command("helm-oci").args(["help", &format!("helm-oci-{topic}")]).run();
        assert_eq!(same.succeeds().stdout, page.stdout);
    }
}

/// All keys in a document, however deep.
fn keys(document: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    match document {
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_a_document_is_in_the_manual() {
    let page = fs::read_to_string(root().join("scripts/man/helm-oci-formats.7.md")).expect("a page");
    let documents = page.split("## Documents").nth(1).expect("the documents");
    let told: Vec<&str> = documents.split('`').skip(1).step_by(2).collect();
    let is_told = |key: &str| {
        told.iter().any(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == key))
    };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    crate::common::copy_directory(&root().join("tests/charts/mychart"), &home.path().join("mychart"));
    crate::common::copy_directory(&root().join("tests/charts/mychart"), &home.path().join("other"));
    home.write("other/values.yaml", "replicas: two\nimage: registry.example.com/a/b:1\n");
    let (a, b) = (
        format!("{}/a/mychart:2.7.0", registry.address()),
        format!("{}/b/mychart:2.7.0", registry.address()),
    );
    let repository = b.strip_suffix(":2.7.0").expect("a tag");
    let migrated = format!("oci://{}/m", registry.address());
    let lines: [&[&str]; 26] = [
        &["save", "mychart", &a],
        &["list"],
        &["tag", &a, &b],
        &["push", &a, &b],
        &["pull", &a],
        &["pull", &a, "-d", "pulled"],
        &["export", &a, "-d", "exported"],
        &["copy", &a, &format!("{}/c/mychart", registry.address())],
        &["bundle", &a, "-o", "bundle.tar", "--format"],
        &["load", "bundle.tar"],
        &["versions", repository],
        &["search", registry.address()],
        &["show", "files", &a],
        &["show", "deps", &a],
        &["images", "other"],
        &["index", registry.address(), "--dir", "public"],
        &["diff", "mychart", "other"],
        &["fsck"],
        &["import", "pulled/mychart-2.7.0.tgz", "--as", &format!("oci://{}/i", registry.address())],
        &["migrate", "pulled", &migrated],
        &["prune", "--keep", "1", "--unpushed", "-f"],
        &["tag", "--remote", &b, &format!("{repository}:other")],
        &["remove", "--remote", "-f", &format!("{repository}:other")],
        &["remove", &a],
        &["status"],
        &["status", "--test"],
    ];
    for line in lines {
        let mut command = home.command("helm-oci").args(line);
        command =
            command.args(if line.last() == Some(&"--format") { &["json"][..] } else { &["-o", "json"] });
        let output = command.run();
        let document: serde_json::Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{line:?}: {output}"));
        let mut found = std::collections::BTreeSet::new();
        keys(&document, &mut found);
        let missing: Vec<_> = found.iter().filter(|key| !is_told(key)).collect();
        assert!(missing.is_empty(), "{line:?}: {missing:?}\n{output}");
    }
}
