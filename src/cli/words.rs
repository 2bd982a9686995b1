//! The commands of `helm oci`, and the executable for each.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandWord {
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
) -> CommandWord {
    CommandWord { group, word, alias: "", executable, summary }
}

const fn aliased(entry: CommandWord, alias: &'static str) -> CommandWord {
    CommandWord { alias, ..entry }
}

/// The summaries are how the executables' own descriptions begin; tests/plugin holds them so.
pub(super) const ENTRIES: [CommandWord; 24] = [
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
    entry(
        "chart",
        "prune",
        "helm-chart-prune",
        "Remove charts from the local cache that were not used for long, or are too many",
    ),
    entry("chart", "import", "helm-chart-import", "Import charts into the local cache"),
    entry(
        "chart",
        "copy",
        "helm-chart-copy",
        "Copy charts from one registry to another, with everything that is attached to them",
    ),
    entry(
        "chart",
        "migrate",
        "helm-chart-migrate",
        "Migrate a classic chart repository to a registry: all of it, and the next time what is new",
    ),
    entry(
        "chart",
        "bundle",
        "helm-chart-bundle",
        "Bundle charts into one file, with everything that is attached to them",
    ),
    entry(
        "chart",
        "load",
        "helm-chart-load",
        "Load the charts of a bundle, or of an OCI image layout, into the local cache or a registry",
    ),
    aliased(
        entry(
            "chart",
            "show",
            "helm-chart-show",
            "Show what is in a chart: its metadata, its values, its readme, its files, its dependencies",
        ),
        "inspect",
    ),
    entry(
        "chart",
        "versions",
        "helm-chart-versions",
        "List the versions of a chart that a registry has, and what each says about itself",
    ),
    entry(
        "chart",
        "diff",
        "helm-chart-diff",
        "Tell how two charts differ: metadata, dependencies, values, schema, CRDs, templates, images, what is attached",
    ),
    entry("chart", "images", "helm-chart-images", "List the container images that charts name, and where"),
    entry("chart", "search", "helm-chart-search", "Search a registry, or a part of it, for charts"),
    entry(
        "chart",
        "index",
        "helm-chart-index",
        "Make a classic chart repository of the charts of a registry, for clients that know no OCI",
    ),
    entry("registry", "login", "helm-registry-login", "Log in to a registry"),
    entry("registry", "logout", "helm-registry-logout", "Forget the credential for a registry"),
    entry("registry", "status", "helm-registry-status", "Tell which registries there are credentials for"),
    entry("registry", "serve", "helm-registry-serve", "Serve an OCI registry from a directory"),
];

/// The groups, with a summary of each.
pub(super) const GROUPS: [(&str, &str); 2] =
    [("chart", "Charts in the local cache"), ("registry", "Registries and credentials for them")];

/// The commands that the dispatcher handles itself.
pub(super) const OWN: [(&str, &str); 3] = [
    ("help", "Tell about a command"),
    ("version", "Print the version"),
    ("completion", "Print a script that completes words in a shell"),
];

/// The targets of completion files: shells, and Helm.
pub(super) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "helm"];

/// The group of this name.
pub(super) fn group(word: &str) -> Option<&'static str> {
    GROUPS.iter().map(|(group, _)| *group).find(|group| *group == word)
}

/// The command with this name or alias, in one group or in any.
pub(super) fn find(group: Option<&str>, word: &str) -> Option<&'static CommandWord> {
    let matches = |e: &&CommandWord| {
        (e.word == word || (!e.alias.is_empty() && e.alias == word))
            && group.is_none_or(|group| e.group == group)
    };
    ENTRIES.iter().find(matches)
}

/// The commands of one group, or of all.
pub(super) fn of_group(group: Option<&str>) -> impl Iterator<Item = &'static CommandWord> {
    ENTRIES.iter().filter(move |entry| group.is_none_or(|group| entry.group == group))
}
