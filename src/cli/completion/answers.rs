//! Completes a command line for a shell.

use std::collections::BTreeSet;
use std::fmt;

use crate::cli::description::{Description, Flag};
use crate::cli::{topics, words};

/// The candidates for the last word.
#[derive(Debug, Default)]
pub(crate) struct CompletionAnswer {
    candidates: Vec<(String, String)>,
    paths: PathCompletion,
}

/// Which paths the shell should complete in addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PathCompletion {
    #[default]
    None,
    Any,
    Directories,
}

/// Where candidates are looked up.
pub(crate) trait Sources {
    /// The description of an executable, if it is installed.
    fn describe(&self, executable: &str) -> Option<Description>;
    /// The references in the cache.
    fn references(&self) -> Vec<String>;
    /// The tags of a repository in its registry; empty if it does not answer quickly.
    fn tags(&self, repository: &str) -> Vec<String>;
}

impl fmt::Display for CompletionAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (candidate, description) in &self.candidates {
            match description.is_empty() {
                true => writeln!(f, "{candidate}")?,
                false => writeln!(f, "{candidate}\t{description}")?,
            }
        }
        let directive = match self.paths {
            PathCompletion::None => 4,
            PathCompletion::Any => 0,
            PathCompletion::Directories => 16,
        };
        writeln!(f, ":{directive}")
    }
}

/// Completes the last of `words`, which may be empty. `program` is the command that they are for: an executable of
/// ours, or `helm`. `group` is set if the group is a Helm plugin by itself.
pub(crate) fn complete(
    program: &str,
    group: Option<&'static str>,
    words: &[&str],
    sources: &dyn Sources,
) -> CompletionAnswer {
    let Some((last, before)) = words.split_last() else { return CompletionAnswer::default() };
    let answer = match program {
        "helm" | "helm-oci" | "kubectl-oci" => command(group, before, last, program == "helm", sources),
        executable => arguments(executable, before, last, false, sources),
    };
    let candidates = answer.candidates.into_iter().filter(|(candidate, _)| candidate.starts_with(last));
    CompletionAnswer { candidates: candidates.collect(), ..answer }
}

/// Completes the words of the dispatcher that choose an executable.
fn command(
    group: Option<&'static str>,
    before: &[&str],
    last: &str,
    is_helm: bool,
    sources: &dyn Sources,
) -> CompletionAnswer {
    match (group, before) {
        (_, []) => {
            let mut answer = commands(group);
            let pairs = words::GROUPS.iter().chain(&words::OWN).filter(|_| group.is_none());
            answer.extend(pairs.map(|(word, summary)| (*word, *summary)));
            answer
        }
        (None, ["completion"]) => {
            let mut answer = CompletionAnswer::default();
            answer.extend(words::SHELLS.iter().map(|shell| (*shell, "")));
            answer
        }
        (_, ["help", rest @ ..]) if rest.len() < 2 => match (group, rest) {
            (_, []) => {
                let mut answer = commands(group);
                answer.extend(topics::names().map(|name| (name, "A page of the manual")));
                answer
            }
            (None, [word]) => {
                words::group(word).map_or_else(CompletionAnswer::default, |group| commands(Some(group)))
            }
            _ => CompletionAnswer::default(),
        },
        (None, [word, rest @ ..]) if words::group(word).is_some() => {
            command(words::group(word), rest, last, is_helm, sources)
        }
        (_, [word, rest @ ..]) => match words::find(group, word) {
            Some(entry) => arguments(entry.executable, rest, last, is_helm, sources),
            None => CompletionAnswer::default(),
        },
    }
}

pub(super) fn commands(group: Option<&str>) -> CompletionAnswer {
    let mut answer = CompletionAnswer::default();
    answer.extend(words::of_group(group).map(|entry| (entry.word, entry.summary)));
    answer
}

/// Completes the arguments of an executable.
fn arguments(
    executable: &str,
    before: &[&str],
    last: &str,
    is_helm: bool,
    sources: &dyn Sources,
) -> CompletionAnswer {
    let Some(description) = sources.describe(executable) else { return CompletionAnswer::default() };
    let takes_value =
        |word: &str| description.flags.iter().find(|flag| flag.is(word) && flag.value.is_some());
    let (mut given, mut waiting, mut only_positionals) = (Vec::new(), None, false);
    for word in before {
        if waiting.take().is_some() {
        } else if only_positionals || !word.starts_with('-') {
            given.push(*word);
        } else if *word == "--" {
            only_positionals = true;
        } else {
            waiting = takes_value(word);
        }
    }
    if let Some(flag) = waiting {
        return value(flag.value.as_deref().unwrap_or_default(), "", last, sources);
    }
    if last.starts_with('-') && !only_positionals {
        return match last.split_once('=').map(|(flag, _)| (flag, takes_value(flag))) {
            Some((flag, Some(found))) => {
                let value_name = found.value.as_deref().unwrap_or_default();
                value(value_name, &format!("{flag}="), last, sources)
            }
            // Helm completes flags from completion.yaml, and would show them twice.
            _ if is_helm => CompletionAnswer::default(),
            _ => flags(&description.flags),
        };
    }
    let last_one = description.positionals.last().filter(|positional| positional.repeats);
    let Some(positional) = description.positionals.get(given.len()).or(last_one) else {
        return CompletionAnswer::default();
    };
    let mut answer = value(&positional.name, "", last, sources);
    answer.candidates.retain(|(candidate, _)| !given.contains(&candidate.as_str()));
    answer
}

pub(super) fn flags(flags: &[Flag]) -> CompletionAnswer {
    let mut answer = CompletionAnswer::default();
    for flag in flags {
        answer.candidates.push((flag.long.clone(), flag.description.clone()));
        answer.candidates.extend(flag.short.map(|short| (format!("-{short}"), flag.description.clone())));
    }
    answer
}

/// Completes the value of a flag or an argument, by the placeholder that the help has for it.
fn value(name: &str, prefix: &str, last: &str, sources: &dyn Sources) -> CompletionAnswer {
    let mut answer = CompletionAnswer::default();
    let mut add = |text: &str| answer.candidates.push((format!("{prefix}{text}"), String::new()));
    match name {
        "format" => ["table", "json", "yaml"].into_iter().for_each(add),
        choices if choices.contains('|') => choices.split('|').for_each(add),
        "reference" | "source" | "target" => {
            // References are completed with `oci://` if the user has typed it.
            let scheme = if last.starts_with("oci://") { "oci://" } else { "" };
            for reference in sources.references() {
                let bare = reference.strip_prefix("oci://").unwrap_or(&reference);
                add(&if scheme.is_empty() { reference.clone() } else { format!("{scheme}{bare}") });
            }
            if let Some(repository) = begun_repository(last) {
                for tag in sources.tags(repository) {
                    let reference = format!("{repository}:{tag}");
                    if !answer.candidates.iter().any(|(known, _)| *known == reference) {
                        answer.candidates.push((reference, String::new()));
                    }
                }
            }
        }
        "repository" => {
            let references = sources.references();
            let repository = |reference: &String| {
                let (place, name) = reference.rsplit_once('/')?;
                Some(format!("{place}/{}", name.split([':', '@']).next()?))
            };
            let repositories: BTreeSet<_> = references.iter().filter_map(repository).collect();
            repositories.iter().for_each(|repository| add(repository));
        }
        "host" => {
            let references = sources.references();
            let host = |reference: &String| {
                let bare = reference.strip_prefix("oci://").unwrap_or(reference);
                bare.split('/').next().unwrap_or_default().to_owned()
            };
            let hosts: BTreeSet<_> = references.iter().map(host).collect();
            hosts.iter().for_each(|host| add(host));
        }
        // Behind `--flag=` the shell would not know where the path begins.
        "file" | "path" if prefix.is_empty() => answer.paths = PathCompletion::Any,
        "dir" if prefix.is_empty() => answer.paths = PathCompletion::Directories,
        _ => {}
    }
    answer
}

/// The repository in a reference, if its tag has been begun.
fn begun_repository(word: &str) -> Option<&str> {
    let bare = word.strip_prefix("oci://").unwrap_or(word);
    let (place, name) = bare.rsplit_once('/')?;
    let (_, tag) = name.split_once(':')?;
    let known = !place.is_empty() && !name.contains('@');
    known.then(|| &word[..word.len() - tag.len() - 1])
}

impl CompletionAnswer {
    fn extend<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        self.candidates.extend(pairs.map(|(word, summary)| (word.to_owned(), summary.to_owned())));
    }
}

impl Flag {
    fn is(&self, word: &str) -> bool {
        word == self.long
            || self.short.is_some_and(|short| word.strip_prefix('-') == Some(&short.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::description::Positional;
    use super::*;

    struct Push;

    impl Sources for Push {
        fn describe(&self, executable: &str) -> Option<Description> {
            let flag = |long: &str, short, value: Option<&str>| Flag {
                long: long.to_owned(),
                short,
                value: value.map(str::to_owned),
                description: "does".to_owned(),
            };
            let positional = |name: &str, repeats| Positional {
                name: name.to_owned(),
                description: String::new(),
                optional: false,
                repeats,
            };
            let positionals = match executable {
                "helm-chart-push" => vec![positional("reference", true)],
                "helm-chart-save" => vec![positional("path", false), positional("reference", false)],
                "helm-registry-login" => vec![positional("host", false)],
                _ => return None,
            };
            let flags = vec![
                flag("--output", Some('o'), Some("format")),
                flag("--quiet", Some('q'), None),
                flag("--store", None, Some("keyring|file")),
                flag("--ca-file", None, Some("file")),
                flag("--destination", Some('d'), Some("dir")),
            ];
            Some(Description { positionals, flags, ..Description::default() })
        }

        fn references(&self) -> Vec<String> {
            ["a.b/x:1", "a.b/x:2", "c.d:5/y:1", "oci://harbor/z:1"].map(str::to_owned).into()
        }

        fn tags(&self, repository: &str) -> Vec<String> {
            let tags: &[&str] = if repository.ends_with("a.b/x") { &["2", "3"] } else { &[] };
            tags.iter().map(|tag| (*tag).to_owned()).collect()
        }
    }

    #[test]
    fn what_may_follow() {
        for (program, group, words, expected) in [
            ("helm-oci", None, "p", "push pull prune :4"),
            ("helm-oci", None, "chart p", "push pull prune :4"),
            ("helm-oci", None, "registry l", "login logout :4"),
            ("helm-oci", None, "f", "fsck :4"),
            ("helm-oci", None, "help pu", "push pull :4"),
            ("helm-oci", None, "help chart pus", "push :4"),
            ("helm-oci", None, "help ca", "cache :4"),
            ("helm-oci", None, "help chart ca", ":4"),
            ("helm", Some("chart"), "help cred", "credentials :4"),
            ("helm-oci", None, "completion f", "fish :4"),
            ("kubectl-oci", None, "ver", "versions version :4"),
            ("helm", Some("chart"), "pu", "push pull :4"),
            ("helm", Some("chart"), "f", "fsck :4"),
            ("helm-oci", None, "nonsense ", ":4"),
            ("helm-oci", None, "push a", "a.b/x:1 a.b/x:2 :4"),
            ("helm", None, "chart push a", "a.b/x:1 a.b/x:2 :4"),
            ("helm-chart-push", None, "a", "a.b/x:1 a.b/x:2 :4"),
            ("helm-oci", None, "push a.b/x:1 a", "a.b/x:2 :4"),
            // The tags come from the registry.
            ("helm-oci", None, "push a.b/x:", "a.b/x:1 a.b/x:2 a.b/x:3 :4"),
            ("helm-oci", None, "push oci://a.b/x:3", "oci://a.b/x:3 :4"),
            ("helm-oci", None, "push a.b/y:", ":4"),
            (
                "helm-oci",
                None,
                "push oci://",
                "oci://a.b/x:1 oci://a.b/x:2 oci://c.d:5/y:1 oci://harbor/z:1 :4",
            ),
            ("helm-oci", None, "save ", ":0"),
            ("helm-oci", None, "save x c", "c.d:5/y:1 :4"),
            ("helm-oci", None, "save x c y", ":4"),
            ("helm-oci", None, "login ", "a.b c.d:5 harbor :4"),
            ("helm-oci", None, "push --", "--output --quiet --store --ca-file --destination :4"),
            ("helm", None, "push --", ":4"),
            ("helm-oci", None, "push -q", "-q :4"),
            ("helm-oci", None, "push -o ", "table json yaml :4"),
            ("helm", None, "push -o j", "json :4"),
            ("helm", None, "push --output=j", "--output=json :4"),
            ("helm-oci", None, "login --store f", "file :4"),
            ("helm-oci", None, "push --ca-file ", ":0"),
            ("helm-oci", None, "push -d ", ":16"),
            ("helm-oci", None, "push -o json c", "c.d:5/y:1 :4"),
            ("helm-oci", None, "push -q c", "c.d:5/y:1 :4"),
            ("helm-oci", None, "push -- -", ":4"),
        ] {
            let split: Vec<_> = words.split(' ').collect();
            let answer = complete(program, group, &split, &Push).to_string();
            let shown: Vec<_> = answer.lines().map(|line| line.split('\t').next().unwrap_or(line)).collect();
            assert_eq!(shown.join(" "), expected, "{program} {words}");
        }
    }
}
