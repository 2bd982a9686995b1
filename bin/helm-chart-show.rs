//! `helm-chart-show`: shows the parts of a chart in any place.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use oci::cli::{self, ChartPart, Command, CommandFailure, Failures, Output, Showing};
use oci::verbs::{self, LookError, Subject};

oci::registry_command! {
    /// Show what is in a chart: its metadata, its values, its readme, its files, its dependencies.
    #[argh(
        example = "helm-chart-show values localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-show chart oci://localhost:5000/myrepo/mychart --version \"^2.0\"",
        example = "helm-chart-show file mychart-2.7.0.tgz templates/deployment.yaml",
        example = "helm-chart-show deps --strict ./mychart",
        note = "For all, chart, values, readme and crds it prints what helm show prints. Without a part it is all.",
        note = "A chart that a registry has is pulled into the cache; for chart and manifest no more is fetched than these. \
                Under a tag the registry is asked whether it is the same still, under a digest it is not.",
        note = "The files of packed subcharts stand below their package: charts/redis-1.0.0.tgz/values.yaml."
    )]
    looking struct Show {
        /// all, chart, values, readme, crds, schema, files, file, deps or manifest
        #[argh(positional, arg_name = "all|chart|values|readme|crds|schema|files|file|deps|manifest")]
        part: String,
        /// a directory, a package, or host[:port]/repository[:tag][@digest]; for file, then a path in the chart
        #[argh(positional, arg_name = "reference")]
        chart: Vec<String>,
        /// end with 3 if the chart has no such part
        #[argh(switch)]
        fail_if_missing: bool,
        /// end with 5 if a dependency is missing or wrong
        #[argh(switch)]
        strict: bool,
        /// print text, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but paths or names (files, deps)
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Show {
    const NAME: &'static str = "helm-chart-show";
    const WRITES_BYTES: bool = true;

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let mut words = std::mem::take(&mut self.chart).into_iter();
        let (part, word) = match (self.part.parse(), words.next()) {
            (Ok(part), Some(chart)) => (part, chart),
            (Ok(_), None) => {
                return Err(CommandFailure::usage("which chart? none is given")
                    .hint(format!("it stands behind the part: helm oci show {} CHART", self.part))
                    .into());
            }
            // The first word is the chart itself, as with other tools.
            (Err(_), None) => (ChartPart::All, self.part.clone()),
            (Err(why), Some(_)) => return Err(CommandFailure::usage(why).into()),
        };
        let path = if part == ChartPart::File { words.next() } else { None };
        if part == ChartPart::File && path.is_none() {
            let paths = format!("helm oci show files {word} lists them");
            return Err(CommandFailure::usage("which file? none is given").hint(paths).into());
        }
        if let Some(more) = words.next() {
            return Err(CommandFailure::usage(format!("`{more}` is one word too many")).into());
        }
        if self.quiet && !matches!(part, ChartPart::Files | ChartPart::Deps) {
            return Err(CommandFailure::usage("-q is for files and deps").into());
        }
        let subject = cli::subject(Self::NAME, &word)?;
        let looking = self.looking()?;
        let failed = |error: &LookError| CommandFailure::new(&format!("cannot show {subject}"), error);
        looking.look(std::slice::from_ref(&subject), |looker| match part {
            ChartPart::Chart => {
                let metadata = looker.metadata(&subject).map_err(|error| failed(&error))?;
                cli::show_metadata(out, &metadata, self.output)
            }
            ChartPart::Manifest => {
                let manifest = looker.manifest(&subject).map_err(|error| failed(&error))?;
                self.manifest(out, &manifest.bytes)
            }
            _ => {
                let looked = looker.open(&subject).map_err(|error| failed(&error))?;
                if let Some(path) = &path {
                    return self.file(out, path, &subject, &looked);
                }
                self.show(out, part, &subject, &looked)
            }
        })
    }
}

impl Show {
    /// Writes the manifest byte for byte, so that the output has its digest. Only a terminal gets a line end.
    fn manifest(&self, out: &mut dyn Write, bytes: &[u8]) -> Result<(), Failures> {
        if self.output == Output::Yaml {
            let value: serde_json::Value = serde_json::from_slice(bytes)?;
            return Ok(cli::write_document(out, self.output, &value)?);
        }
        cli::write_file(out, bytes)?;
        if io::stdout().is_terminal() {
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn show(
        &self,
        out: &mut dyn Write,
        part: ChartPart,
        subject: &Subject,
        looked: &verbs::LookedAtChart<'_>,
    ) -> Result<(), Failures> {
        let (view, showing) = (&looked.view, Showing { output: self.output, quiet: self.quiet });
        let there = match part {
            ChartPart::Files => {
                cli::show_paths(out, view, showing)?;
                true
            }
            ChartPart::Deps => {
                let rows = verbs::dependencies(looked);
                cli::show_dependencies(out, &rows, showing)?;
                if let Some(row) = rows.iter().find(|row| self.strict && !row.status.is_fine()) {
                    let name = &row.declared.name;
                    return Err(CommandFailure::exists(format!(
                        "{subject}: the dependency {name}: {}",
                        row.status
                    ))
                    .hint("helm dependency build fetches what a chart in a directory needs")
                    .into());
                }
                !rows.is_empty()
            }
            other => cli::show_files(out, view, other, self.output)?,
        };
        if !there && self.fail_if_missing {
            return Err(CommandFailure::not_found(format!("{subject} has no {}", self.part)).into());
        }
        Ok(())
    }

    fn file(
        &self,
        out: &mut dyn Write,
        path: &str,
        subject: &Subject,
        looked: &verbs::LookedAtChart<'_>,
    ) -> Result<(), Failures> {
        let Some((_, file)) = looked.view.find(path.strip_prefix("./").unwrap_or(path)) else {
            return Err(CommandFailure::not_found(format!("{subject} has no file {path}"))
                .hint(format!("helm oci show files {subject} lists them"))
                .into());
        };
        let content = looked.view.read(file)?;
        if self.output != Output::Table {
            let text = String::from_utf8_lossy(&content);
            let document = serde_json::json!({ "path": path, "size": file.size(), "content": text });
            return Ok(cli::write_document(out, self.output, &document)?);
        }
        Ok(cli::write_file(out, &content)?)
    }
}

fn main() -> ExitCode {
    cli::main::<Show>()
}
