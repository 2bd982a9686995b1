//! What `copy` is called with: charts and where they go, or a list of both.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::Path;

use super::{Failure, references};
use crate::disk::PathError;
use crate::reference::{Prefix, Reference};
use crate::verbs::CopyTask;

/// The largest list that is read, in bytes: a hundred thousand charts take some ten million.
const LARGEST_LIST: u64 = 16 << 20;

/// The arguments of `copy` that say what goes where.
#[derive(Clone, Copy, Debug)]
pub struct Copies<'a> {
    /// References, in their order.
    pub arguments: &'a [String],
    /// `--to`
    pub to: Option<&'a Prefix>,
    /// `--file`
    pub list: Option<&'a Path>,
}

impl Copies<'_> {
    /// What is to be copied, and where to, in the order in which it was given. `name` is that of the executable.
    pub fn tasks(self, name: &str) -> Result<Vec<CopyTask>, Failure> {
        let tasks = match self.list {
            Some(list) if self.arguments.is_empty() => self.listed(list)?,
            Some(_) => {
                return Err(Failure::usage("references stand in the list, and not beside it")
                    .hint("with --file FILE, where all of them go is --to oci://HOST[/PATH]"));
            }
            None => self.given(name)?,
        };
        without_repetition(tasks)
    }

    fn given(self, name: &str) -> Result<Vec<CopyTask>, Failure> {
        if let Some(prefix) = self.to {
            let sources = references(name, self.arguments)?;
            return sources.into_iter().map(|from| below(prefix, from)).collect();
        }
        let (sources, target) = match self.arguments {
            [] => return Err(references(name, &[]).err().unwrap_or_else(|| Failure::usage("no reference"))),
            [one] => {
                return Err(Failure::usage(format!("`{one}`: where to?"))
                    .hint("add a reference or a repository, or --to oci://HOST[/PATH]"));
            }
            [sources @ .., target] => (sources, target),
        };
        let sources = references(name, sources)?;
        let target = destination(target)?;
        if sources.len() > 1 && target.tag.is_some() {
            return Err(Failure::usage(format!("{target} is one chart, and several are to be copied there"))
                .hint(format!("without a tag, {} takes all of them, each under its own", target.name())));
        }
        sources.into_iter().map(|from| task(from, &target)).collect()
    }

    fn listed(self, path: &Path) -> Result<Vec<CopyTask>, Failure> {
        let text = read(path)?;
        let shown =
            if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let mut tasks = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let at = |failure: Failure| failure.at(&format!("{shown}, line {number}"));
            let words: Vec<_> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            let result = match words.as_slice() {
                [] => continue,
                [from] => super::reference(from).and_then(|from| match self.to {
                    Some(prefix) => below(prefix, from),
                    None => Err(Failure::usage(format!("`{from}`: where to?")).hint(
                        "a destination stands behind it, or is --to oci://HOST[/PATH] for all of them",
                    )),
                }),
                [from, to] => super::reference(from).and_then(|from| task(from, &destination(to)?)),
                [_, _, more, ..] => {
                    Err(Failure::usage(format!("`{more}` stands behind source and destination")))
                }
            };
            tasks.push(result.map_err(at)?);
        }
        match tasks.is_empty() {
            true => Err(Failure::usage(format!("{shown} names no chart"))),
            false => Ok(tasks),
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let most = LARGEST_LIST + 1;
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(most).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)),
    };
    read.map_err(|source| Failure::from(PathError { verb: "read", path: path.to_owned(), source }))?;
    if text.len() as u64 > LARGEST_LIST {
        return Err(Failure::usage(format!("the list is larger than {} MiB", LARGEST_LIST >> 20)));
    }
    Ok(text)
}

fn destination(text: &str) -> Result<Reference, Failure> {
    let target = super::reference(text).map_err(|failure| match text.parse::<Prefix>() {
        // A registry alone.
        Ok(prefix) if prefix.path.is_none() => {
            failure.hint(format!("--to {prefix} keeps the names of the repositories"))
        }
        _ => failure,
    })?;
    match &target.digest {
        Some(_) => {
            Err(Failure::usage(format!("`{target}` has a digest: what is copied keeps the one that it has")))
        }
        None => Ok(target),
    }
}

/// A copy into the repository of a reference, with its tag, else the one of the source.
fn task(from: Reference, target: &Reference) -> Result<CopyTask, Failure> {
    if from.target().is_none() {
        return Err(Failure::usage(format!("`{from}` has neither a tag nor a digest"))
            .hint(format!("add a tag: {}:TAG", from.name())));
    }
    let tag = target.tag.clone().or_else(|| from.tag.clone());
    Ok(CopyTask { to: Reference { tag, ..target.clone() }, from })
}

/// A copy into the repository of the same name below a prefix.
fn below(prefix: &Prefix, from: Reference) -> Result<CopyTask, Failure> {
    let target = prefix.with_name(from.repository.as_str());
    task(from, &target.map_err(|error| Failure::called_wrongly(&error))?)
}

/// The tasks, each once. Two that would be one at the destination are an error.
fn without_repetition(tasks: Vec<CopyTask>) -> Result<Vec<CopyTask>, Failure> {
    let mut sources = HashMap::with_capacity(tasks.len());
    let mut once = Vec::with_capacity(tasks.len());
    for task in tasks {
        let key = (task.to.clone(), task.to.tag.is_none().then(|| task.from.digest.clone()));
        match sources.insert(key, task.from.clone()) {
            Some(before) if before == task.from => {}
            Some(before) => {
                return Err(Failure::exists(format!("{before} and {} would both be {}", task.from, task.to))
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
        let arguments: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let to: Option<Prefix> = to.map(|to| to.parse().unwrap());
        let copies = Copies { arguments: &arguments, to: to.as_ref(), list: None };
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
}
