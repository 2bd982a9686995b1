//! Completion: within Helm, and for the bare executables in bash.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::world::{World, built, executables, root};
use crate::common::{Home, copy_directory, note, tool};

const CACHED: [&str; 3] = ["localhost:5000/a/mychart:2.7.0", "localhost:5000/a/mychart:x", "r.example/b:1"];

fn fill(home: &Home) {
    copy_directory(&root().join("tests/charts/mychart"), &home.path().join("mychart"));
    for reference in CACHED {
        home.program(built().join("helm-chart-save")).args(["-q", "mychart", reference]).run().succeeds();
    }
}

/// What Helm's own completion answers, without Helm's own flags; a `|` stands for an empty word.
fn completed(world: &World, words: &str) -> Vec<String> {
    let words = words.split(' ').map(|word| if word == "|" { "" } else { word });
    let output = world.helm(["__complete"]).args(words).run();
    let helms = ["--kube", "--burst", "--debug", "--namespace", "--registry-", "--repository-", "-n\t"];
    let lines = output.succeeds().stdout.lines();
    lines
        .filter(|line| !helms.iter().any(|flag| line.starts_with(flag)))
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[test]
fn helm_completes_commands_flags_values_and_references() {
    for helm in ["helm", "helm36"] {
        let Some(world) = World::with_plugin(helm) else { continue };
        fill(&world.home);
        for (words, expected) in [
            ("oci pu", "push pull :4"),
            ("oci chart r", "remove rm :4"),
            ("oci registry l", "login logout :4"),
            ("oci help chart pus", "push :4"),
            ("oci help cach", "cache :4"),
            ("oci push |", "localhost:5000/a/mychart:2.7.0 localhost:5000/a/mychart:x r.example/b:1 :4"),
            ("oci chart push r", "r.example/b:1 :4"),
            ("oci rm -q localhost:5000/a/mychart:x loc", "localhost:5000/a/mychart:2.7.0 :4"),
            ("oci save |", ":0"),
            ("oci save mychart r", "r.example/b:1 :4"),
            ("oci login |", "localhost:5000 r.example :4"),
            ("oci push --plain", "--plain-http :4"),
            ("oci push --q", "--quiet :4"),
            ("oci list -o |", "table json yaml :4"),
            ("oci list --output=j", "--output=json :4"),
            ("oci login --store f", "file :4"),
            ("oci export -d |", ":16"),
        ] {
            let mut found = completed(&world, words);
            let mut expected: Vec<_> = expected.split(' ').map(str::to_owned).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{helm} {words}");
        }
        // Where the words are Helm's own, its answers are, too.
        let references = completed(&world, "chart push r");
        assert_eq!(
            references,
            if helm == "helm" { vec!["r.example/b:1", ":4"] } else { vec![":0"] },
            "{helm}"
        );
    }
}

/// Helm reads the file of every plugin when it completes, and tells of one that is not there.
#[test]
fn helm_misses_no_file_for_completion() {
    let Some(world) = World::with_plugin("helm") else { return };
    let output = world.helm(["--debug", "__complete", "oci", "pu"]).run();
    assert!(!output.succeeds().stderr.contains("completion.yaml"), "{output}");
}

#[test]
fn five_thousand_references_are_answered() {
    let Some(world) = World::with_plugin("helm") else { return };
    fill(&world.home);
    let tags = world.home.cache().join("refs/r.example/b/tags");
    let entry = fs::read_link(tags.join("1")).unwrap();
    for number in 0..5000 {
        std::os::unix::fs::symlink(&entry, tags.join(format!("1.0.{number}"))).unwrap();
    }
    assert_eq!(completed(&world, "oci push |").len(), 5000 + CACHED.len() + 1);
    assert_eq!(completed(&world, "oci push r.example/b:1.0.499").len(), 11 + 1);
}

/// The flags that an executable's help lists.
fn flags_of(home: &Home, executable: &str) -> BTreeSet<String> {
    let help = home.program(built().join(executable)).args(["--help"]).run();
    let options = help.succeeds().stdout.split_once("\nOptions:\n").map(|(_, rest)| rest.to_owned()).unwrap();
    let options = options.split("\n\n").next().unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let words = options.iter().filter(|line| line.starts_with("  -")).flat_map(|line| {
        line.split_whitespace()
            .take_while(|word| word.starts_with('-'))
            .map(|word| word.trim_end_matches(','))
    });
    words.map(|word| word.trim_start_matches('-').to_owned()).collect()
}

#[test]
fn what_helm_reads_is_what_the_executables_say() {
    let Some(world) = World::with_plugin("helm") else { return };
    let read = |path: &str| -> Value {
        let text = fs::read_to_string(world.plugins().join(path).join("completion.yaml")).unwrap();
        serde_yaml::from_str(&text).unwrap()
    };
    let named = |commands: &Value, name: &str| -> Value {
        let commands = commands.as_array().unwrap();
        commands.iter().find(|command| command["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let (oci, chart) = (read("öci"), read("chart"));
    let mut checked = 0;
    for name in executables() {
        let parts: Vec<_> = name.splitn(3, '-').collect();
        let ["helm", group @ ("chart" | "registry"), word] = parts[..] else { continue };
        // What others run: they are no words of the plugin.
        if ["get", "remote"].contains(&word) {
            continue;
        }
        // Helm hides a word's first letter behind `-`, and knows `-h` by itself.
        let mut expected = flags_of(&world.home, &name);
        expected.remove("h");
        let mut places =
            vec![named(&oci["commands"], word), named(&named(&oci["commands"], group)["commands"], word)];
        if group == "chart" {
            places.push(named(&chart["commands"], word));
        }
        for place in places {
            let flags = place["flags"].as_array().into_iter().flatten();
            let flags: BTreeSet<_> = flags.map(|flag| flag.as_str().unwrap().to_owned()).collect();
            assert_eq!(flags, expected, "{name}");
            checked += 1;
        }
    }
    assert_eq!(checked, 20 * 3 + 4 * 2);
}

#[test]
fn the_dispatchers_summaries_are_how_the_executables_begin() {
    let home = super::world::home();
    let describe = |name: &str| -> Value {
        let output = home.program(built().join(name)).args(["--describe"]).run();
        serde_json::from_slice(&output.succeeds().bytes).unwrap()
    };
    let commands = describe("helm-oci")["commands"].clone();
    for command in commands.as_array().unwrap() {
        let own = describe(command["executable"].as_str().unwrap());
        let (own, summary) = (own["description"].as_str().unwrap(), command["description"].as_str().unwrap());
        assert!(own.starts_with(summary), "`{own}` does not begin with `{summary}`");
    }
    assert_eq!(commands.as_array().unwrap().len(), 24);
}

#[test]
fn bash_completes_the_bare_executables() {
    let Some(bash) = tool("bash") else { return };
    let mut home = super::world::home();
    home.set("PATH", format!("{}:/usr/bin:/bin", built().display()));
    fill(&home);
    // As readline calls it. The answer is what stands behind the last `:` or `=`: there bash begins a word.
    let script = "source <(helm-oci completion bash)
        COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
        complete -p \"${1%% *}\" >/dev/null && _helm_oci 2>/dev/null && printf '%s\\n' \"${COMPREPLY[@]}\"";
    for (line, expected) in [
        ("helm-oci pu", "push pull"),
        ("helm-oci push loc", "localhost:5000/a/mychart:2.7.0 localhost:5000/a/mychart:x"),
        ("helm-oci push localhost:5000/a/mychart:", "2.7.0 x"),
        ("helm-chart-push r", "r.example/b:1"),
        ("helm-chart-push -o ", "table json yaml"),
        ("helm-chart-push --output=j", "json"),
        ("helm-chart-push --conc", "--concurrency"),
        ("kubectl-oci registry l", "login logout"),
        ("helm-oci help ca", "cache"),
        ("helm-oci help s", "save show search status serve security"),
        ("helm-oci nonsense ", ""),
    ] {
        let output = home.program(&bash).args(["--norc", "-c", script, "bash", line]).run();
        let found: Vec<_> = output.succeeds().stdout.split_whitespace().collect();
        assert_eq!(found.join(" "), expected, "{line}: {output}");
    }
}

/// A shell of the system; it has too many files for a tool of our own.
fn shell(name: &str) -> Option<String> {
    let found =
        ["/usr/bin", "/bin"].map(|d| format!("{d}/{name}")).into_iter().find(|p| fs::metadata(p).is_ok());
    if found.is_none() {
        note(&format!("there is no {name} here"));
    }
    found
}

#[test]
fn so_do_zsh_and_fish() {
    let mut home = super::world::home();
    home.set("PATH", format!("{}:/usr/bin:/bin", built().display()));
    fill(&home);
    // What zsh is told to show: words, in which a `:` is quoted, each with its description behind a `:`.
    let zsh = r#"compdef() { }; _files() { print files }
        _describe() { for word in ${(P)2}; do print -r -- ${${${word//\\:/@}%%:*}//@/:}; done }
        source <(helm-oci completion zsh); words=("${(@s: :)1}") CURRENT=$#words; _helm_oci"#;
    let fish = r#"helm-oci completion fish | source; complete -C "$argv[1]""#;
    for (name, arguments) in
        [("zsh", ["-f", "-c", zsh, "zsh"].as_slice()), ("fish", &["--no-config", "-c", fish])]
    {
        let Some(program) = shell(name) else { continue };
        for (line, expected) in [
            ("helm-oci pu", "pull push"),
            ("helm-oci registry l", "login logout"),
            ("helm-chart-push r", "r.example/b:1"),
            (
                "helm-oci push localhost:5000/a/mychart:",
                "localhost:5000/a/mychart:2.7.0 localhost:5000/a/mychart:x",
            ),
            ("helm-chart-push --output=j", "--output=json"),
            ("helm-chart-push --conc", "--concurrency"),
            ("kubectl-oci registry logi", "login"),
        ] {
            let output = home.program(&program).args(arguments).args([line]).run();
            let mut found: Vec<_> = output.succeeds().stdout.lines().collect();
            found.iter_mut().for_each(|line| *line = line.split('\t').next().unwrap());
            found.sort_unstable();
            assert_eq!(found.join(" "), expected, "{name}: {line}: {output}");
        }
    }
}

#[test]
fn each_shell_has_a_script_and_no_other_word_has() {
    let home = super::world::home();
    let completion = |shell: &str| home.program(built().join("helm-oci")).args(["completion", shell]).run();
    for shell_name in ["bash", "zsh", "fish"] {
        let script = completion(shell_name);
        assert!(script.succeeds().stdout.contains(" helm-chart-push "), "{script}");
        assert!(!script.stdout.contains("@PROGRAMS@"), "{script}");
        let Some(program) = shell(shell_name) else { continue };
        home.program(program).args(["-n"]).args([home.write("script", &script.stdout)]).run().succeeds();
    }
    completion("tcsh").fails(2).stderr_is(
        "Error: there is no completion for `tcsh`\nhint: helm oci completion is for bash, zsh, fish, helm\n",
    );
}
