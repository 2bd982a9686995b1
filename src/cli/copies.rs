//! The arguments of `copy`: charts and their destinations, or a list of both.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::str::FromStr;

use super::failure::CommandFailure;
use super::transfer::references;
use crate::disk::PathError;
use crate::reference::{Prefix, Reference, ReferenceError};
use crate::verbs::CopyTask;

/// The largest list that is read, in bytes: a hundred thousand charts take about ten million.
const LARGEST_LIST: u64 = 16 << 20;

/// The arguments of `copy` that name sources and destinations.
#[derive(Clone, Copy, Debug)]
pub struct Copies<'a> {
    /// The references, in their order.
    pub arguments: &'a [String],
    /// `--to`
    pub to: Option<&'a Prefix>,
    /// `--map`
    pub maps: &'a [Mapping],
    /// `--file`
    pub list: Option<&'a Path>,
    /// Whether references without a tag stand for several charts, because of `--all` or `--version`.
    pub selects: bool,
}

/// `OLD=NEW`: everything below the prefix OLD goes below the prefix NEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    old: Prefix,
    new: Prefix,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (old, new) = text.split_once('=').ok_or_else(|| format!("`{text}`: expected OLD=NEW"))?;
        let prefix = |text: &str| text.parse::<Prefix>().map_err(|error| error.to_string());
        Ok(Self { old: prefix(old)?, new: prefix(new)? })
    }
}

impl Mapping {
    /// How much of a repository's name the old prefix covers, if the repository is below it. A longer prefix takes
    /// precedence.
    fn depth(&self, from: &Reference) -> Option<usize> {
        let path = self.old.path.as_ref().map_or("", |path| path.as_str());
        (self.old.host == from.host && rest(path, from.repository.as_str()).is_some()).then_some(path.len())
    }

    fn target(&self, from: &Reference) -> Result<Reference, ReferenceError> {
        let path = self.old.path.as_ref().map_or("", |path| path.as_str());
        let name = rest(path, from.repository.as_str()).unwrap_or_default();
        match (&self.new.path, name) {
            (Some(path), "") => Prefix { host: self.new.host.clone(), path: None }.with_name(path.as_str()),
            // A repository needs a name, so the last part is kept.
            (None, "") => self.new.with_name(from.repository.as_str()),
            (_, name) => self.new.with_name(name),
        }
    }
}

/// The part of a repository's name behind a path; `None` if the repository is not below it.
fn rest<'a>(path: &str, repository: &'a str) -> Option<&'a str> {
    match repository.strip_prefix(path)? {
        rest if path.is_empty() || rest.is_empty() => Some(rest),
        rest => rest.strip_prefix('/'),
    }
}

impl Copies<'_> {
    /// The copies to make, in the order of the arguments. `name` is the name of the executable, for errors.
    pub fn tasks(self, name: &str) -> Result<Vec<CopyTask>, CommandFailure> {
        let tasks = match self.list {
            Some(list) if self.arguments.is_empty() => self.listed(list)?,
            Some(_) => {
                return Err(CommandFailure::usage("references stand in the list, and not beside it")
                    .hint("with --file FILE, where all of them go is --to oci://HOST[/PATH]"));
            }
            None => self.given(name)?,
        };
        without_repetition(tasks)
    }

    fn given(self, name: &str) -> Result<Vec<CopyTask>, CommandFailure> {
        if self.to.is_some() || !self.maps.is_empty() {
            let sources = references(name, self.arguments)?;
            return sources.into_iter().map(|from| self.mapped(from)).collect();
        }
        let (sources, target) = match self.arguments {
            [] => {
                return Err(references(name, &[])
                    .err()
                    .unwrap_or_else(|| CommandFailure::usage("no reference")));
            }
            [one] => {
                return Err(CommandFailure::usage(format!("`{one}`: where to?"))
                    .hint("add a reference or a repository, or --to oci://HOST[/PATH]"));
            }
            [sources @ .., target] => (sources, target),
        };
        let sources = references(name, sources)?;
        let target = destination(target)?;
        if sources.len() > 1 && target.tag.is_some() {
            return Err(CommandFailure::usage(format!(
                "{target} is one chart, and several are to be copied there"
            ))
            .hint(format!("without a tag, {} takes all of them, each under its own", target.name())));
        }
        sources.into_iter().map(|from| self.task(from, &target)).collect()
    }

    fn listed(self, path: &Path) -> Result<Vec<CopyTask>, CommandFailure> {
        let text = read(path)?;
        let shown =
            if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let mut tasks = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let at = |failure: CommandFailure| failure.at(&format!("{shown}, line {number}"));
            let words: Vec<_> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            let result = match words.as_slice() {
                [] => continue,
                [from] => super::given::reference(from).and_then(|from| {
                    match self.to.is_some() || !self.maps.is_empty() {
                        true => self.mapped(from),
                        false => Err(CommandFailure::usage(format!("`{from}`: where to?")).hint(
                            "a destination stands behind it, or is --to oci://HOST[/PATH] for all of them",
                        )),
                    }
                }),
                [from, to] => {
                    super::given::reference(from).and_then(|from| self.task(from, &destination(to)?))
                }
                [_, _, more, ..] => {
                    Err(CommandFailure::usage(format!("`{more}` stands behind source and destination")))
                }
            };
            tasks.push(result.map_err(at)?);
        }
        match tasks.is_empty() {
            true => Err(CommandFailure::usage(format!("{shown} names no chart"))),
            false => Ok(tasks),
        }
    }

    /// A copy of `from` to the repository of `target`, with the tag of `target`, or else that of `from`.
    fn task(self, from: Reference, target: &Reference) -> Result<CopyTask, CommandFailure> {
        if from.target().is_none() && !self.selects {
            return Err(CommandFailure::usage(format!("`{from}` has neither a tag nor a digest"))
                .hint(format!("add a tag: {}:TAG, or --all, or --version RANGE", from.name())));
        }
        if from.target().is_none() && target.tag.is_some() {
            return Err(CommandFailure::usage(format!(
                "{target} is one chart, and several are to be copied there"
            ))
            .hint(format!("without a tag, {} takes all of them, each under its own", target.name())));
        }
        if from.target().is_some() && self.selects {
            return Err(CommandFailure::usage(format!(
                "{from} is one version already, and others are asked for"
            ))
            .hint(format!("--all and --version are for repositories: {}", from.name())));
        }
        let tag = target.tag.clone().or_else(|| from.tag.clone());
        Ok(CopyTask { to: Reference { tag, ..target.clone() }, from })
    }

    /// A copy to where the longest matching `--map` says, or else to the same name below `--to`.
    fn mapped(self, from: Reference) -> Result<CopyTask, CommandFailure> {
        let target = target_of(&from, self.maps, self.to)?;
        self.task(from, &target)
    }
}

/// The destination for a repository: by the longest matching `--map`, or else below `--to`.
fn target_of(from: &Reference, maps: &[Mapping], to: Option<&Prefix>) -> Result<Reference, CommandFailure> {
    let maps = maps.iter().filter_map(|map| Some((map.depth(from)?, map)));
    let target = match (maps.max_by_key(|(depth, _)| *depth), to) {
        (Some((_, map)), _) => map.target(from),
        (None, Some(prefix)) => prefix.with_name(from.repository.as_str()),
        (None, None) => {
            return Err(CommandFailure::usage(format!(
                "{from} is below none of the prefixes that --map names"
            ))
            .hint("--to oci://HOST[/PATH] says where all others go"));
        }
    };
    target.map_err(|error| CommandFailure::called_wrongly(&error))
}

/// The reference that `--map` or `--to` makes of this one, with the same tag or digest.
pub(super) fn mapped_name(
    from: &Reference,
    maps: &[Mapping],
    to: Option<&Prefix>,
) -> Result<Reference, CommandFailure> {
    let target = target_of(from, maps, to)?;
    Ok(Reference { tag: from.tag.clone(), digest: from.digest.clone(), ..target })
}

fn read(path: &Path) -> Result<String, CommandFailure> {
    let mut text = String::new();
    let most = LARGEST_LIST + 1;
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(most).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)),
    };
    read.map_err(|source| CommandFailure::from(PathError { verb: "read", path: path.to_owned(), source }))?;
    if text.len() as u64 > LARGEST_LIST {
        return Err(CommandFailure::usage(format!("the list is larger than {} MiB", LARGEST_LIST >> 20)));
    }
    Ok(text)
}

fn destination(text: &str) -> Result<Reference, CommandFailure> {
    let target = super::given::reference(text).map_err(|failure| match text.parse::<Prefix>() {
        // The destination names only a registry.
        Ok(prefix) if prefix.path.is_none() => {
            failure.hint(format!("--to {prefix} keeps the names of the repositories"))
        }
        _ => failure,
    })?;
    match &target.digest {
        Some(_) => Err(CommandFailure::usage(format!(
            "`{target}` has a digest: what is copied keeps the one that it has"
        ))),
        None => Ok(target),
    }
}

/// The copies without repetitions. An error if two have the same destination and different sources.
fn without_repetition(tasks: Vec<CopyTask>) -> Result<Vec<CopyTask>, CommandFailure> {
    let mut sources = HashMap::with_capacity(tasks.len());
    let mut once = Vec::with_capacity(tasks.len());
    for task in tasks {
        let key = (task.to.clone(), task.to.tag.is_none().then(|| task.from.digest.clone()));
        match sources.insert(key, task.from.clone()) {
            Some(before) if before == task.from => {}
            Some(before) => {
                return Err(CommandFailure::exists(format!(
                    "{before} and {} would both be {}",
                    task.from, task.to
                ))
                .hint("nothing was copied; --to oci://HOST[/PATH] keeps the names of the repositories"));
            }
            None => once.push(task),
        }
    }
    Ok(once)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(words: &[&str], to: Option<&str>) -> Result<Vec<String>, String> {
        mapped(words, to, &[])
    }

    fn mapped(words: &[&str], to: Option<&str>, maps: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let to: Option<Prefix> = to.map(|to| to.parse().unwrap());
        let maps: Vec<_> = maps.iter().map(|map| map.parse().unwrap()).collect();
        let to = to.as_ref();
        let copies = Copies { arguments: &arguments, to, maps: &maps, list: None, selects: false };
        let tasks = copies.tasks("helm-chart-copy").map_err(|failure| failure.to_string())?;
        Ok(tasks.iter().map(|task| format!("{} {}", task.from, task.to)).collect())
    }

    #[test]
    fn each_chart_goes_somewhere() {
        for (words, to, expected) in [
            (&["a.b/x/web:1", "c.d/y"][..], None, &["a.b/x/web:1 c.d/y:1"][..]),
            (&["a.b/x/web:1", "oci://c.d/charts"], None, &["a.b/x/web:1 c.d/charts:1"]),
            (&["a.b/x/web:1", "c.d/y:2"], None, &["a.b/x/web:1 c.d/y:2"]),
            (&["a.b/web:1", "a.b/web:2", "c.d/y"], None, &["a.b/web:1 c.d/y:1", "a.b/web:2 c.d/y:2"]),
            (&["a.b/x/web:1"], Some("oci://c.d"), &["a.b/x/web:1 c.d/x/web:1"]),
            (&["a.b/x/web:1", "a.b/x/web:1"], Some("c.d/m"), &["a.b/x/web:1 c.d/m/x/web:1"]),
        ] {
            let expected: Vec<_> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(tasks(words, to), Ok(expected), "{words:?}");
        }
        for (words, to, expected) in [
            (&["a.b/web:1"][..], None, "where to?"),
            (&["a.b/web", "c.d/y"], None, "neither a tag nor a digest"),
            (&["a.b/web:1", "a.b/web:2", "c.d/y:1"], None, "several are to be copied"),
            (&["a.b/web:1", "b.c/web:1", "c.d/y"], None, "would both be"),
            (&["a.b/web:1", "b.c/web:1"], Some("c.d"), "would both be"),
            (&[], None, "none is given"),
        ] {
            let error = tasks(words, to).unwrap_err();
            assert!(error.contains(expected), "{words:?}: {error}");
        }
    }

    #[test]
    fn the_longest_prefix_says_where() {
        let maps = ["a.b=c.d/all", "a.b/x/web=c.d/site", "a.b/x=c.d"];
        for (from, expected) in [
            ("a.b/web:1", "c.d/all/web:1"),
            ("a.b/x/web:1", "c.d/site:1"),
            ("a.b/x/web/api:1", "c.d/site/api:1"),
            ("a.b/x/webs:1", "c.d/webs:1"),
            ("a.b/xy:1", "c.d/all/xy:1"),
            ("a.b/x:1", "c.d/x:1"),
            ("e.f/x:1", "g.h/x:1"),
        ] {
            assert_eq!(mapped(&[from], Some("g.h"), &maps), Ok(vec![format!("{from} {expected}")]));
        }
        assert!(mapped(&["e.f/x:1"], None, &maps).unwrap_err().contains("is below none"));
        for wrong in ["a.b", "a.b=c.d/x:1", "=c.d"] {
            assert!(wrong.parse::<Mapping>().is_err(), "{wrong}");
        }
    }
}
