//! The arguments of `push`: references, or paths and a prefix as with `helm push`.

use std::path::{Path, PathBuf};

use super::failure::{CommandFailure, Failures};
use super::progress::Meter;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::reference::{Prefix, Reference};
use crate::verbs::{self, SaveAs, SaveOptions, is_path};

/// The arguments of `push`.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushes {
    /// Charts of the cache.
    References(Vec<Reference>),
    /// Charts in directories and packages, which are saved below the prefix and then pushed.
    Paths(Vec<PathBuf>, Prefix),
}

impl Pushes {
    /// Parses the arguments of the executable called `name`.
    pub fn of(name: &str, arguments: &[String]) -> Result<Self, CommandFailure> {
        let (Some(first), Some((last, paths))) = (arguments.first(), arguments.split_last()) else {
            return Ok(Self::References(super::transfer::references(name, arguments)?));
        };
        if paths.is_empty() {
            let failure = match super::transfer::references(name, arguments) {
                Ok(references) => return Ok(Self::References(references)),
                Err(failure) => failure,
            };
            return Err(match is_path(first) {
                true => CommandFailure::usage(format!("`{first}`: where to?"))
                    .hint(format!("add a prefix: {first} oci://HOST/PATH")),
                false => failure,
            });
        }
        if !is_path(first) {
            if is_path(last) && first.parse::<Prefix>().is_ok() {
                return Err(CommandFailure::usage(format!("`{first}` stands before the chart"))
                    .hint(format!("the chart comes first: {last} {first}")));
            }
            let references = match super::transfer::references(name, arguments) {
                Err(_) if is_remote(last) && first.parse::<Reference>().is_err() => {
                    return Err(absent(first));
                }
                references => references?,
            };
            // Checked before anything is pushed. A single one is looked up in the cache, whose error has better hints.
            return match references.iter().find(|one| one.tag.is_none() && one.digest.is_none()) {
                Some(bare) => {
                    let failure = CommandFailure::usage(format!("`{bare}` has neither a tag nor a digest"));
                    Err(failure.hint(format!(
                        "each chart goes where its own reference says; `helm oci tag {first} {bare}:TAG` gives it another"
                    )))
                }
                None => Ok(Self::References(references)),
            };
        }
        let prefix = last.parse().map_err(|error| CommandFailure::called_wrongly(&error))?;
        if let Some(reference) = paths.iter().find(|path| !is_path(path)) {
            if reference.parse::<Reference>().is_err() && !reference.starts_with("oci://") {
                return Err(absent(reference));
            }
            return Err(CommandFailure::usage(format!(
                "`{reference}` is no path: behind paths stands one prefix alone"
            )));
        }
        Ok(Self::Paths(paths.iter().map(PathBuf::from).collect(), prefix))
    }

    /// The references to push. Charts at paths are saved first; if one of them is not a chart, nothing is pushed.
    pub fn references(
        self,
        cache: &Cache,
        epoch: Option<u64>,
        strict: bool,
        quiet: bool,
    ) -> Result<Vec<Reference>, Failures> {
        let (paths, prefix) = match self {
            Self::References(references) => return Ok(references),
            Self::Paths(paths, prefix) => (paths, prefix),
        };
        let options = SaveOptions { epoch, strict, ..SaveOptions::default() };
        let mut references = Vec::new();
        let mut before: Vec<(Reference, Digest, PathBuf)> = Vec::new();
        for path in paths {
            let meter = Meter::new("Saving", quiet);
            let saved = verbs::save(cache, &path, SaveAs::Below(&prefix), &options, &|step| meter.step(step))
                .map_err(|error| CommandFailure::new(&format!("cannot save {}", path.display()), &error))?;
            drop(meter);
            super::warnings::warn_of_missing(&saved, &path);
            if let Some(twice) = verbs::named_twice(&prefix, &saved.summary.name) {
                log::warn!(target: "oci", "{twice}");
                if let Some((above, _)) = prefix.to_string().rsplit_once('/') {
                    log::warn!(target: "hint", "for {prefix} itself the prefix is {above}");
                }
            }
            // The cache now has only the later one, which would be pushed instead of both.
            let same = |(reference, digest, _): &&(Reference, Digest, PathBuf)| {
                *reference == saved.reference && *digest != saved.manifest.digest
            };
            if let Some((reference, _, other)) = before.iter().find(same) {
                let (path, other) = (path.display(), other.display());
                return Err(CommandFailure::exists(format!("{other} and {path} are both {reference}"))
                    .hint("nothing was pushed; a chart is pushed by its name and version, of which there is one")
                    .into());
            }
            before.push((saved.reference.clone(), saved.manifest.digest, path));
            references.push(saved.reference);
        }
        Ok(references)
    }
}

/// Whether a word can only be a prefix or a reference.
fn is_remote(word: &str) -> bool {
    word.starts_with("oci://") && word.parse::<Prefix>().is_ok()
}

/// The error for a path in front of a prefix that does not exist.
fn absent(path: &str) -> CommandFailure {
    CommandFailure::not_found(format!("{path}: there is no such directory or package"))
}

/// The error if `path` and `reference` are not what `save` takes: they are in the wrong order, or both are references.
pub fn swapped(path: &Path, reference: &str) -> Option<CommandFailure> {
    let first = path.to_str().filter(|text| text.parse::<Reference>().is_ok() && !path.exists())?;
    if is_path(reference) {
        return Some(
            CommandFailure::usage(format!("`{first}` stands before the chart"))
                .hint(format!("the chart comes first: {reference} {first}")),
        );
    }
    // The path does not exist, so only its form tells: a file named `a.b/c` may be meant.
    let is_remote =
        first.starts_with("oci://") || first.parse::<Reference>().is_ok_and(|r| r.target().is_some());
    (is_remote && reference.parse::<Reference>().is_ok()).then(|| {
        CommandFailure::usage(format!("`{first}` is no chart on this machine's disk"))
            .hint(format!("another name for a chart of the cache: helm oci tag {first} {reference}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_references_are_told_apart() {
        let of = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            Pushes::of("helm-chart-push", &words).map_err(|failure| failure.to_string())
        };
        let paths = |paths: &[&str], prefix: &str| {
            Ok(Pushes::Paths(paths.iter().map(PathBuf::from).collect(), prefix.parse().unwrap()))
        };
        let references =
            |texts: &[&str]| Ok(Pushes::References(texts.iter().map(|text| text.parse().unwrap()).collect()));
        for (words, expected) in [
            (
                &["web-0.1.0.tgz", "oci://localhost:5000/charts"][..],
                paths(&["web-0.1.0.tgz"], "localhost:5000/charts"),
            ),
            (&["./web", "localhost:5000"][..], paths(&["./web"], "oci://localhost:5000")),
            (&["src", "oci://localhost:5000/charts/"][..], paths(&["src"], "localhost:5000/charts")),
            (&["a.tgz", "/b", "oci://x/y"][..], paths(&["a.tgz", "/b"], "oci://x/y")),
            (
                &["localhost:5000/a:1", "localhost:5000/b:1"][..],
                references(&["localhost:5000/a:1", "localhost:5000/b:1"]),
            ),
            (&["example.com/a.tgz:1"][..], references(&["example.com/a.tgz:1"])),
            (&["web-0.1.0.tgz"][..], Err("`web-0.1.0.tgz`: where to?".to_owned())),
            (
                &["localhost:5000/a:1", "oci://localhost:5000/charts"][..],
                Err("`localhost:5000/charts` has neither a tag nor a digest".to_owned()),
            ),
            (
                &["oci://localhost:5000/charts", "web.tgz"][..],
                Err("`oci://localhost:5000/charts` stands before the chart".to_owned()),
            ),
            (
                &["web.tgz", "localhost:5000/a:1", "oci://x/y"][..],
                Err("`localhost:5000/a:1` is no path: behind paths stands one prefix alone".to_owned()),
            ),
        ] {
            assert_eq!(of(words), expected, "{words:?}");
        }
        assert!(of(&[]).is_err());
        assert!(of(&["web.tgz", "oci://localhost:5000/charts/web:1.0.0"]).unwrap_err().contains("a prefix"));
    }
}
