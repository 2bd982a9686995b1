//! `helm-chart-search`: finds charts in a registry.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Browsing, Command, CommandFailure, Failures, Output};
use oci::reference::{Prefix, Reference, ReferenceError};
use oci::verbs::{ChartVersion, RegistryPlace, VersionSelection};
use regex_lite::{Regex, RegexBuilder};

oci::registry_command! {
    /// Search a registry, or a part of it, for charts.
    #[argh(
        example = "helm-chart-search localhost:5000",
        example = "helm-chart-search mychart localhost:5000/myrepo",
        example = "helm-chart-search -l -o json mychart localhost:5000/myrepo",
        example = "helm-chart-search -r \"^team/(web|db)$\" localhost:5000",
        note = "A word is looked for in names, descriptions and keywords, whatever its case. The newest version of \
                each chart is shown, or with -l all of them.",
        note = "There is no standard way to list a registry. Tried are, in turn: the place itself, Google's lists, \
                the catalog, Harbor's projects, PLACE/charts-index:latest, and the cache. GHCR, Docker Hub and \
                GitLab list none."
    )]
    login struct Search {
        /// what to look for, then where: [WORD] HOST[:PORT][/PATH]; without a word all charts there are listed
        #[argh(positional, arg_name = "word-or-place")]
        words: Vec<String>,
        /// the word is a regular expression
        #[argh(switch, short = 'r')]
        regexp: bool,
        /// all versions of each chart
        #[argh(switch, short = 'l')]
        versions: bool,
        /// versions that this constraint allows
        #[argh(option, arg_name = "constraint")]
        version: Option<String>,
        /// take prereleases, too
        #[argh(switch)]
        devel: bool,
        /// ask no registry: tell what was seen before, and what is in the cache
        #[argh(switch)]
        offline: bool,
        /// how many requests at once (default 8)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(7)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
    } then {
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but references
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Search {
    const NAME: &'static str = "helm-chart-search";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let words = std::mem::take(&mut self.words);
        let (word, place) = match words.as_slice() {
            [place] => ("", place),
            [word, place] => (word.as_str(), place),
            [] => {
                return Err(CommandFailure::usage("where? no registry is given")
                    .hint("helm oci search HOST[/PATH]")
                    .into());
            }
            [_, _, more, ..] => {
                return Err(CommandFailure::usage(format!("`{more}` is one word too many")).into());
            }
        };
        let about = About::new(word, self.regexp)?;
        let asked = place.as_str();
        let Prefix { host, path } = place.parse().map_err(|error| match error {
            ReferenceError::NoHost(_) if word.is_empty() => {
                CommandFailure::usage(format!("where is `{asked}` to be looked for?"))
                    .hint(format!("helm oci search {asked} HOST[/PATH]"))
            }
            error => CommandFailure::called_wrongly(&error),
        })?;
        let reference = match &path {
            Some(path) => Reference { host: host.clone(), repository: path.clone(), tag: None, digest: None },
            None => {
                format!("oci://{host}/x").parse().map_err(|error| CommandFailure::called_wrongly(&error))?
            }
        };
        let place = RegistryPlace { host, prefix: path };
        let most = if self.versions { None } else { Some(1) };
        let selection =
            VersionSelection { constraint: self.version.take(), devel: self.devel, all_tags: false, most };
        let browsing = self.browsing()?;
        browsing.browse(&reference, |browser| {
            let listed = browser
                .charts(&place, &selection)
                .map_err(|error| CommandFailure::new(&format!("cannot search {asked}"), &error))?;
            log::debug!("the charts of {asked} are told by {}", listed.by);
            let versions = listed.charts.iter().flat_map(|chart| &chart.versions);
            let found: Vec<&ChartVersion> = versions.filter(|version| about.holds(version)).collect();
            if self.quiet {
                cli::print_references(out, found.iter().map(|version| &version.reference))?;
            } else if !found.is_empty() || self.output != Output::Table {
                cli::print_charts(out, &found, self.output)?;
            }
            if !matches!(listed.by, "the catalog" | "the repository") && !self.quiet {
                log::warn!(target: "oci", "there is no catalog: this is what {} tells", listed.by);
            }
            match found.is_empty() {
                true if word.is_empty() => {
                    Err(CommandFailure::not_found(format!("{asked} has no charts")).into())
                }
                true => {
                    Err(CommandFailure::not_found(format!("no chart of {asked} is about `{word}`")).into())
                }
                false => Ok(()),
            }
        })
    }
}

/// What charts are searched for, in any letter case.
enum About {
    /// A word, in lower case.
    Word(String),
    Expression(Regex),
}

impl About {
    fn new(word: &str, is_expression: bool) -> Result<Self, CommandFailure> {
        if !is_expression {
            return Ok(Self::Word(word.to_lowercase()));
        }
        let expression = RegexBuilder::new(word).case_insensitive(true).build();
        expression
            .map(Self::Expression)
            .map_err(|error| CommandFailure::usage(format!("`{word}` is no regular expression: {error}")))
    }

    /// Whether a chart matches, by its repository, name, description or keywords.
    fn holds(&self, version: &ChartVersion) -> bool {
        let metadata = &version.metadata;
        let texts = [version.reference.repository.as_str(), &metadata.name, &metadata.description];
        let mut texts = texts.into_iter().chain(metadata.keywords.iter().map(String::as_str));
        texts.any(|text| match self {
            Self::Word(word) => text.to_lowercase().contains(word),
            Self::Expression(expression) => expression.is_match(text),
        })
    }
}

impl Search {
    fn browsing(&mut self) -> Result<Browsing, CommandFailure> {
        let connection = self.login()?;
        Ok(Browsing { connection, offline: self.offline, at_once: self.concurrency.get() })
    }
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Search>()
}
