//! Words of other tools behind `helm oci`: each is told what it is here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common::Home;

/// The commands of tools that people come from, as their own help lists them.
const TOOLS: [(&str, &str); 7] = [
    (
        "helm",
        "completion create dependency env get help history install lint list package plugin pull push registry repo \
         rollback search show status template test uninstall upgrade verify version dep fetch inspect ls delete del",
    ),
    (
        "docker",
        "attach build commit cp create diff events export history images import info inspect load login logout logs \
         ps pull push rename restart rm rmi run save search start stats tag update version image system manifest",
    ),
    (
        "git",
        "add archive branch bundle checkout clean clone commit describe diff fetch fsck gc init log merge mv pull push \
         rebase reflog remote reset restore revert rm show stash status switch tag",
    ),
    (
        "crane",
        "append auth blob catalog config copy delete digest export flatten index list ls manifest mutate pull push \
         rebase registry serve tag validate version",
    ),
    (
        "oras",
        "attach backup blob copy cp discover login logout manifest pull push repo resolve restore tag version",
    ),
    (
        "cosign",
        "attach attest clean completion copy download env generate-key-pair initialize load login manifest save sign \
         tree upload verify version",
    ),
    ("skopeo", "copy delete inspect list-tags login logout sync"),
];

/// Words of Docker that are about what runs, of which there is nothing here.
const OF_WHAT_RUNS: [&str; 1] = ["restart"];

fn hint(home: &Home, words: &[&str]) -> String {
    let output = home.command("helm-oci").args(words).run();
    output.fails(2).stdout_is("");
    let (error, hint) = output.stderr.split_once("\nhint: ").unwrap_or_else(|| panic!("{output}"));
    assert!(error.starts_with("Error: `") || error.starts_with("Error: there is no help"), "{output}");
    hint.trim_end().to_owned()
}

#[test]
fn every_command_of_the_tools_that_people_know_is_told_what_it_is_here() {
    let home = Home::new();
    let help = home.command("helm-oci").args(["help"]).run();
    let commands: Vec<_> = help
        .succeeds()
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .flat_map(|line| line.split_whitespace().take(3).map(|word| word.trim_end_matches(',').to_owned()))
        .collect();
    let ours = |word: &str| commands.iter().any(|command| command == word);
    for (tool, words) in TOOLS {
        for word in words.split_whitespace().filter(|word| !ours(word)) {
            let hint = hint(&home, &[word]);
            let unanswered = hint == "helm oci help lists the commands" || hint.starts_with("the nearest is");
            assert_eq!(unanswered, OF_WHAT_RUNS.contains(&word), "{tool} {word}: {hint}");
            // What is named is there.
            for (at, _) in hint.match_indices("helm oci ") {
                let mut named = hint[at..].split([' ', ',', ';', ':']).skip(2);
                let first = named.next().unwrap();
                let known = first == "help" || ours(named.next().unwrap());
                assert!(known, "{tool} {word}: {hint}");
            }
        }
    }
}

#[test]
fn words_of_other_tools_name_ours() {
    let home = Home::new();
    for (words, expected) in [
        ("rmi x", "here it is helm oci chart remove"),
        ("chart delete", "here it is helm oci chart remove"),
        ("whoami", "here it is helm oci registry status"),
        ("verify", "here it is helm oci chart fsck; who made a chart, helm verify tells"),
        ("chart verify", "here it is helm oci chart fsck; who made a chart, helm verify tells"),
        ("cp a b", "here it is helm oci chart copy"),
        ("rename a b", "here it is helm oci chart tag, then push: a chart keeps its digest"),
        ("install x", "Helm does that: helm install NAME oci://HOST/REPOSITORY"),
        ("registry push x", "here it is helm oci chart push"),
        ("chart login", "here it is helm oci registry login"),
        ("registry whoami", "here it is helm oci registry status"),
        ("up", "here it is helm oci registry serve"),
        ("manifest x", "here it is helm oci chart list, where -o json tells digests and sizes"),
        ("create x", "Helm does that: helm create NAME"),
        ("lint x", "Helm does that: helm lint DIR"),
        ("values x", "here it is helm oci chart show"),
        ("tags x", "here it is helm oci chart versions"),
        ("repos", "here it is helm oci chart search"),
        // Where words are grouped, as docker has it.
        ("image ls", "here it is helm oci chart list"),
        ("image rm x", "here it is helm oci chart remove"),
        ("image save x", "here it is helm oci chart save"),
        ("system df", "here it is helm oci chart list: SIZE is how large each chart is"),
        ("auth login", "here it is helm oci registry login"),
        ("image", "here all is about charts: helm oci help lists the commands"),
        ("image xyzzy", "here all is about charts: helm oci help lists the commands"),
        // Behind `registry`, words are of registries.
        ("registry ls", "here it is helm oci registry status"),
        ("registry list", "here it is helm oci registry status"),
        ("registry add x", "here it is helm oci registry login"),
        ("registry rm x", "here it is helm oci registry logout"),
        ("registry remove x", "here it is helm oci registry logout"),
        ("registry delete x", "here it is helm oci registry logout"),
        ("registry start", "here it is helm oci registry serve"),
        // The manual has pages.
        ("cache", "a page of the manual is called so: helm oci help cache"),
        ("formats", "a page of the manual is called so: helm oci help formats"),
        ("networks", "a page of the manual is called so: helm oci help networks"),
        ("security", "a page of the manual is called so: helm oci help security"),
        ("docs", "here it is helm oci help"),
    ] {
        assert_eq!(hint(&home, &words.split(' ').collect::<Vec<_>>()), expected, "{words}");
    }
    let chart = |words: &[&str]| home.command("helm-oci").env("HELM_PLUGIN_NAME", "chart").args(words).run();
    let output = chart(&["signin"]);
    output
        .fails(2)
        .stdout_is("")
        .stderr_is("Error: `signin` is no command of helm chart\nhint: here it is helm oci registry login\n");
    chart(&["help", "cach"])
        .fails(2)
        .stderr_is("Error: there is no help about `cach`\nhint: the nearest is helm chart help cache\n");
}

#[test]
fn a_slip_names_the_nearest_and_another_word_does_not() {
    let home = Home::new();
    for (words, expected) in [
        ("pusj", "the nearest is helm oci chart push"),
        ("exprot x", "the nearest is helm oci chart export"),
        ("remvoe x", "the nearest is helm oci chart remove"),
        ("registry stauts", "the nearest is helm oci registry status"),
        ("help cach", "the nearest is helm oci help cache"),
        ("help credential", "the nearest is helm oci help credentials"),
        ("help psuh", "the nearest is helm oci help push"),
        ("help chart psuh", "the nearest is helm oci help push"),
        ("help rmi", "here it is helm oci chart remove"),
        ("help xyzzy", "helm oci help lists the commands and topics"),
    ] {
        assert_eq!(hint(&home, &words.split(' ').collect::<Vec<_>>()), expected, "{words}");
    }
    for word in ["xyzzy", "dist", "lost+found", "rem", "", "é"] {
        assert_eq!(hint(&home, &[word]), "helm oci help lists the commands", "{word}");
    }
    for word in ["remote", "merge", "plugin", "usage", "listen"] {
        let hint = hint(&home, &[word]);
        assert!(!hint.contains("nearest") && !hint.contains("chart remove"), "{word}: {hint}");
    }
}

#[test]
fn options_stand_behind_the_command() {
    let home = Home::new();
    for (words, error, hint) in [
        (
            "-q list",
            "`-q` stands before the command",
            "options stand behind the command: helm oci chart list -q",
        ),
        (
            "--plain-http registry login x",
            "`--plain-http` stands before the command",
            "options stand behind the command: helm oci registry login --plain-http",
        ),
        (
            "--password=hunter2 push x",
            "`--password` stands before the command",
            "options stand behind the command: helm oci chart push --password",
        ),
        ("-x", "`-x` stands before the command", "options stand behind the command: helm oci COMMAND -x"),
        ("-v", "`-v` is no option of helm oci", "here it is --version"),
    ] {
        let output = home.command("helm-oci").args(words.split(' ')).run();
        output.fails(2).stdout_is("").stderr_is(&format!("Error: {error}\nhint: {hint}\n"));
    }
}

#[test]
fn a_word_that_somebody_has_a_program_for_is_that_program() {
    let home = Home::new();
    let program = home.write("bin/helm-oci-image", "#!/bin/sh\necho \"mine: $*\"\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    home.command("helm-oci").args(["image", "ls"]).run().prints("mine: ls\n");
}
