//! Words of helm, docker, git, crane, oras and cosign, with the commands that correspond to them here.

use super::words::{self, CommandWord};

/// Words, and the hints for them: the first hint is used whose commands all exist. In a hint `{save}` stands for the
/// command `save` as it is called here, and `{}` for the user's word.
type ForeignWords = (&'static [&'static str], &'static [&'static str]);

/// Words by which other tools group their commands, as in `docker image ls`.
pub(super) const GROUPS: [&str; 8] =
    ["artifact", "auth", "blob", "container", "image", "manifest", "repository", "system"];

/// The meaning of words behind `registry`, where they concern registries and not charts.
const OF_REGISTRIES: &[ForeignWords] = &[
    (&["add", "connect", "new", "set", "update", "use"], &["here it is {login}"]),
    (&["del", "delete", "disconnect", "remove", "rm", "unset"], &["here it is {logout}"]),
    (&["config", "get", "info", "list", "ls", "show", "users"], &["here it is {status}"]),
    (&["create", "init"], &["here it is {serve}"]),
];

const ROWS: &[ForeignWords] = &[
    // Words for putting charts into the cache and taking them out.
    (&["add", "build", "commit", "pack", "package", "pkg"], &["here it is {save}"]),
    (&["delete", "del", "drop", "erase", "rmi", "unlink", "uninstall", "untag"], &["here it is {remove}"]),
    (
        &["copy", "cp", "mirror", "promote", "relocate", "sync"],
        &["here it is {copy}", "here it is {tag}, then push: a chart keeps its digest"],
    ),
    (&["alias", "mv", "rename", "retag"], &["here it is {tag}, then push: a chart keeps its digest"]),
    (&["clone", "download", "fetch", "get"], &["here it is {pull}"]),
    (&["latest"], &["here it is {pull}, which takes the newest version where no tag is given"]),
    (
        &["update"],
        &["{pull} takes the newest version of a chart; helm plugin update oci is for the plugin itself"],
    ),
    (
        &["restore"],
        &["here it is {load}; {pull} brings a chart again, and {fsck} --repair those that are damaged"],
    ),
    (&["deploy", "publish", "release", "send", "upload"], &["here it is {push}"]),
    (&["archive", "checkout", "extract", "switch", "unpack", "untar", "unzip"], &["here it is {export}"]),
    // Words for looking at charts.
    (&["dir", "dump", "images", "inventory", "ps"], &["here it is {list}"]),
    (
        &["attrs", "describe", "digest", "manifest", "metadata", "resolve", "stat"],
        &["here it is {list}, where -o json tells digests and sizes"],
    ),
    (&["df", "du", "size", "sizes", "stats"], &["here it is {list}: SIZE is how large each chart is"]),
    // Words for the cache as a whole.
    (
        &["check", "doctor", "fix", "repair", "scrub", "validate"],
        &["here it is {fsck}; with --repair it clears away what is not needed"],
    ),
    (
        &["clean", "cleanup", "clear", "gc", "prune", "purge", "trim", "vacuum"],
        &[
            "here it is {prune}",
            "{remove} takes out what is named, and {fsck} --repair what nothing needs any more",
        ],
    ),
    (
        &["reset", "revert", "undo"],
        &[
            "there is no way back: {remove} takes out what is named, and {pull} brings it as it is in its registry",
        ],
    ),
    (
        &["config", "configure", "init", "initialize", "setup"],
        &["nothing has to be set up: {save} and {pull} make the cache, and {login} logs in"],
    ),
    (
        &["backup"],
        &[
            "here it is {bundle}",
            "there is none: the cache is one directory, which can be copied: {help} cache",
        ],
    ),
    // Words for credentials.
    (&["auth", "authenticate", "password", "signin"], &["here it is {login}"]),
    (&["deauth", "signout"], &["here it is {logout}"]),
    (
        &[
            "account",
            "accounts",
            "credential",
            "creds",
            "keychain",
            "keyring",
            "user",
            "users",
            "who",
            "whoami",
        ],
        &["here it is {status}"],
    ),
    (&["credentials"], &["here it is {status}; {help} credentials tells where they are kept"]),
    (
        &["registries", "remote", "remotes"],
        &[
            "there are none: each reference begins with its registry; {status} lists where somebody is logged in",
        ],
    ),
    (&["daemon", "host", "listen", "run", "server", "start", "up"], &["here it is {serve}"]),
    // Words for the manual.
    (&["doc", "docs", "man", "manual", "topic", "topics", "usage"], &["here it is {help}"]),
    (&["ver"], &["here it is --version"]),
    // Words for what Helm itself does.
    (&["apply", "install", "template", "upgrade"], &["Helm does that: helm {} NAME oci://HOST/REPOSITORY"]),
    (&["cat", "crds", "files", "info", "readme", "schema", "values"], &["here it is {show}"]),
    (&["create", "new"], &["Helm does that: helm create NAME"]),
    (&["lint"], &["Helm does that: helm lint DIR"]),
    (
        &["dep", "dependencies", "dependency", "deps", "vendor"],
        &[
            "{show} deps CHART lists them; helm dependency update DIR fetches them, with oci://HOST/PATH for a repository \
           in Chart.yaml",
        ],
    ),
    (&["rollback", "test"], &["Helm does that: helm {} RELEASE"]),
    (&["env"], &["Helm does that: helm env; {help} cache tells where the cache is"]),
    (
        &["plugin", "plugins"],
        &["Helm does that: helm plugin list; {help} plugin tells how this one is installed"],
    ),
    (&["list-tags", "tags"], &["here it is {versions}"]),
    (&["catalog", "find", "repo", "repos", "repositories"], &["here it is {search}"]),
    (&["index"], &["Helm does that for a directory of packages: helm repo index DIR; a registry needs none"]),
    // For Helm and cosign `verify` checks who made a chart, while fsck checks whether the cache is undamaged.
    (&["verify"], &["here it is {fsck}; who made a chart, helm verify tells"]),
    (
        &["attest", "generate-key-pair", "keygen", "sign"],
        &[
            "there is none: cosign sign HOST/REPOSITORY@DIGEST signs in the registry, helm package --sign a package",
        ],
    ),
    // Words for what other tools do.
    (
        &["attach", "discover", "referrers", "sbom", "tree"],
        &["there is none: oras attach and oras discover do that in the registry, for any digest"],
    ),
    (
        &["amend", "append", "edit", "flatten", "merge", "mutate", "rebase", "squash"],
        &["there is none: a chart in the cache is never altered; {export} it, change it and {save} it again"],
    ),
    (
        &["scan", "security-scan"],
        &["there is none: what {export} writes, scanners read as any directory (trivy config DIR)"],
    ),
    (&["compare"], &["here it is {diff}"]),
    (
        &["events", "history", "log", "logs", "reflog"],
        &["there is none: {list} tells what each tag is now, and --debug what a command does"],
    ),
    (
        &["blame", "branch", "stash"],
        &["there is none: the cache has tags alone; {tag} gives a chart another one"],
    ),
];

/// The hint for a word that is not one of our commands. `group` is the group in front of the word, if there is one.
/// `spell` spells a command as it is called here, and `name` is the beginning of all of them.
pub(super) fn advice(
    group: Option<&str>,
    word: &str,
    name: &str,
    spell: impl Fn(&CommandWord) -> String,
) -> Option<String> {
    let spelled = |command: &str| match command {
        "" => Some(word.to_owned()),
        "help" => Some(format!("{name} help")),
        command => words::find(None, command).map(&spell),
    };
    let own = OF_REGISTRIES.iter().filter(|_| group == Some("registry"));
    let (_, texts) = own.chain(ROWS).find(|(words, _)| words.contains(&word))?;
    texts.iter().find_map(|text| filled(text, spelled))
}

/// Whether a word has another meaning behind `registry` than alone.
pub(super) fn is_of_registries(word: &str) -> bool {
    OF_REGISTRIES.iter().any(|(words, _)| words.contains(&word))
}

/// A hint with every `{command}` spelled out; `None` if one of them does not exist.
fn filled(text: &str, spelled: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, (command, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        out += before;
        out += &spelled(command)?;
        rest = after;
    }
    Some(out + rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_stands_once_and_has_an_answer_without_gaps() {
        let spell = |entry: &CommandWord| format!("<{}>", entry.word);
        for (group, rows) in [(None, ROWS), (Some("registry"), OF_REGISTRIES)] {
            let mut seen = BTreeSet::new();
            for (words, texts) in rows {
                // The last hint only names commands that exist.
                assert!(
                    filled(texts[texts.len() - 1], |command| {
                        let known = ["", "help"].contains(&command) || words::find(None, command).is_some();
                        known.then(String::new)
                    })
                    .is_some(),
                    "{texts:?}"
                );
                for word in *words {
                    assert!(seen.insert(word), "{word}");
                    let found = advice(group, word, "helm oci", spell).unwrap();
                    assert!(!found.contains(['{', '}']), "{word}: {found}");
                }
            }
        }
        assert_eq!(advice(None, "psuh", "helm oci", spell), None);
        assert_eq!(advice(None, "rm", "helm oci", spell), None);
        assert_eq!(advice(Some("registry"), "rm", "helm oci", spell).unwrap(), "here it is <logout>");
        assert_eq!(
            advice(None, "upgrade", "helm oci", spell).unwrap(),
            "Helm does that: helm upgrade NAME oci://HOST/REPOSITORY"
        );
    }

    #[test]
    fn the_first_text_whose_commands_are_there_is_taken() {
        let there = |command: &str| (command != "prune").then(|| command.to_uppercase());
        assert_eq!(filled("{prune} or {fsck}", there), None);
        assert_eq!(filled("{fsck}, {fsck}.", there).unwrap(), "FSCK, FSCK.");
        assert_eq!(filled("nothing", there).unwrap(), "nothing");
    }
}
