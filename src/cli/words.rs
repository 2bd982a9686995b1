//! The words of `helm oci`, and the executable behind each.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) group: &'static str,
    pub(super) word: &'static str,
    pub(super) alias: &'static str,
    pub(super) executable: &'static str,
    pub(super) summary: &'static str,
}

const fn entry(
    group: &'static str,
    word: &'static str,
    executable: &'static str,
    summary: &'static str,
) -> Entry {
    Entry { group, word, alias: "", executable, summary }
}

const fn aliased(entry: Entry, alias: &'static str) -> Entry {
    Entry { alias, ..entry }
}

/// The summaries are how the executables' own descriptions begin; tests/plugin holds them so.
pub(super) const ENTRIES: [Entry; 12] = [
    entry(
        "chart",
        "save",
        "helm-chart-save",
        "Save a chart directory or a packaged chart in the local cache",
    ),
    aliased(entry("chart", "list", "helm-chart-list", "List the charts in the local cache"), "ls"),
    entry("chart", "export", "helm-chart-export", "Export a chart from the local cache to a directory"),
    entry("chart", "push", "helm-chart-push", "Push charts from the local cache to their registries"),
    entry("chart", "pull", "helm-chart-pull", "Pull charts from their registries into the local cache"),
    entry("chart", "tag", "helm-chart-tag", "Give a chart in the local cache another reference"),
    aliased(entry("chart", "remove", "helm-chart-remove", "Remove charts from the local cache"), "rm"),
    entry(
        "chart",
        "fsck",
        "helm-chart-fsck",
        "Check that the local cache is whole, every byte of it, and repair it",
    ),
    entry("registry", "login", "helm-registry-login", "Log in to a registry"),
    entry("registry", "logout", "helm-registry-logout", "Forget the credential for a registry"),
    entry("registry", "status", "helm-registry-status", "Tell which registries there are credentials for"),
    entry("registry", "serve", "helm-registry-serve", "Serve an OCI registry from a directory"),
];

/// Words that helm, docker, git, crane and oras have for what a command here does; each with ours, and more where that
/// alone would not help.
const FOREIGN: [(&[&str], &str, &str); 14] = [
    (&["add", "build", "cache", "commit", "import", "load", "package"], "save", ""),
    (&["delete", "del", "rmi", "uninstall", "untag", "unlink"], "remove", ""),
    (
        &["cp", "copy", "mv", "rename", "retag", "mirror", "sync"],
        "tag",
        ", then push: a chart keeps its digest",
    ),
    (&["download", "fetch", "get", "clone"], "pull", ""),
    (&["publish", "upload"], "push", ""),
    (&["extract", "unpack", "untar", "checkout"], "export", ""),
    (&["dir", "images", "inventory", "ps"], "list", ""),
    (&["describe", "digest", "manifest", "resolve"], "list", ", where -o json tells digests and sizes"),
    (
        &["check", "doctor", "gc", "prune", "repair", "validate"],
        "fsck",
        "; with --repair it clears away what is not needed",
    ),
    // The word for who made a chart, as in Helm and cosign, which is another matter than whether a cache is whole.
    (&["verify"], "fsck", "; who made a chart, helm verify tells"),
    (&["auth", "signin"], "login", ""),
    (&["signout"], "logout", ""),
    (&["whoami", "accounts", "credentials", "who"], "status", ""),
    (&["host", "run", "start", "up"], "serve", ""),
];

/// Words for what Helm itself does with a chart in a registry.
const HELMS: [&str; 9] =
    ["create", "dependency", "inspect", "install", "lint", "rollback", "show", "template", "upgrade"];

/// Words for parts of what `helm show` shows, by other names.
const SHOWN: [&str; 5] = ["cat", "config", "info", "readme", "values"];

/// Words for a look at what a registry has.
const LOOKS: [&str; 7] = ["catalog", "list-tags", "repo", "repos", "search", "tags", "versions"];

/// What somebody means by a word that is none of ours, as advice. `spell` gives a command as it is called here.
pub(super) fn foreign(word: &str, spell: impl Fn(&Entry) -> String) -> Option<String> {
    if word == "create" {
        return Some("Helm does that: helm create NAME".to_owned());
    }
    if HELMS.contains(&word) {
        return Some(format!("Helm does that: helm {word}, with oci://HOST/REPOSITORY for the chart"));
    }
    if SHOWN.contains(&word) {
        return Some("Helm does that: helm show chart|values|readme oci://HOST/REPOSITORY".to_owned());
    }
    if LOOKS.contains(&word) {
        let look = "helm repo add NAME chart-cache://HOST/PATH, then helm search repo NAME --versions";
        return Some(format!("Helm tells what a registry has: {look}"));
    }
    let (_, ours, more) = FOREIGN.iter().find(|(words, ..)| words.contains(&word))?;
    find(None, ours).map(|entry| format!("here it is {}{more}", spell(entry)))
}

/// The groups, each with what it is about.
pub(super) const GROUPS: [(&str, &str); 2] =
    [("chart", "Charts in the local cache"), ("registry", "Registries and credentials for them")];

/// What the dispatcher answers by itself.
pub(super) const OWN: [(&str, &str); 3] = [
    ("help", "Tell about a command"),
    ("version", "Print the version"),
    ("completion", "Print a script that completes words in a shell"),
];

/// What completion can be printed for: shells, and Helm's own file.
pub(super) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "helm"];

/// The group of that name.
pub(super) fn group(word: &str) -> Option<&'static str> {
    GROUPS.iter().map(|(group, _)| *group).find(|group| *group == word)
}

/// The command that a word stands for, in one group or in any.
pub(super) fn find(group: Option<&str>, word: &str) -> Option<&'static Entry> {
    let matches = |e: &&Entry| {
        (e.word == word || (!e.alias.is_empty() && e.alias == word))
            && group.is_none_or(|group| e.group == group)
    };
    ENTRIES.iter().find(matches)
}

/// The commands of one group, or all.
pub(super) fn of_group(group: Option<&str>) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| group.is_none_or(|group| entry.group == group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_word_leads_to_a_command_and_is_none() {
        let spell = |entry: &Entry| entry.word.to_owned();
        for (words, ours, _) in FOREIGN {
            assert!(find(None, ours).is_some(), "{ours}");
            for word in words {
                assert!(find(None, word).is_none() && group(word).is_none(), "{word}");
                assert!(foreign(word, spell).unwrap().contains(ours), "{word}");
            }
        }
        for word in HELMS.into_iter().chain(SHOWN).chain(LOOKS) {
            assert!(foreign(word, spell).unwrap().starts_with("Helm "), "{word}");
            assert!(find(None, word).is_none(), "{word}");
        }
        assert_eq!(foreign("psuh", spell), None);
    }
}
