//! `helm-chart-diff`: shows the differences between two charts.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, DiffOutput, Failures};
use oci::verbs::{self, ChartSection, DiffOptions, Subject};

oci::registry_command! {
    /// Tell how two charts differ: metadata, dependencies, values, schema, CRDs, templates, images, what is attached.
    #[argh(
        example = "helm-chart-diff localhost:5000/myrepo/mychart:2.7.0 localhost:5000/myrepo/mychart:2.8.0",
        example = "helm-chart-diff localhost:5000/myrepo/mychart:2.7.0 ./mychart --values mine.yaml",
        example = "helm-chart-diff --only values --only images -o github mychart-2.7.0.tgz mychart-2.8.0.tgz",
        note = "It ends with 5 if there is a difference in what was compared, with 0 if there is none.",
        note = "Breaking is what somebody who upgrades has to look at: values that are gone or of another type, with --values only those \
                that are set there; versions of custom resources that are no longer served; what has become required.",
        note = "Attached are signatures, SBOMs and the like; they are counted where both charts are in registries, and not with \
                --offline."
    )]
    looking struct Diff {
        /// the old chart, then the new one: directories, packages, or host[:port]/repository[:tag][@digest]
        #[argh(positional, arg_name = "reference")]
        charts: Vec<String>,
        /// your own values: told is which of them are gone, or have another default or type
        #[argh(option, short = 'f', arg_name = "file")]
        values: Vec<PathBuf>,
        /// compare this alone; may be given several times
        #[argh(
            option,
            arg_name = "metadata|dependencies|values|schema|crds|templates|images|files|rendered|attached"
        )]
        only: Vec<ChartSection>,
        /// have helm render both charts, with --values, and compare the objects that come of it, too
        #[argh(switch)]
        render: bool,
        /// print text, json, yaml, or github, which is Markdown
        #[argh(option, short = 'o', default = "DiffOutput::Text", arg_name = "text|json|yaml|github")]
        output: DiffOutput,
        /// print nothing: the exit code tells
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Diff {
    const NAME: &'static str = "helm-chart-diff";
    // Colours are escape sequences. Texts of a chart cannot contain any, as they are escaped before.
    const WRITES_BYTES: bool = true;

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        let [old, new] = self.charts.as_slice() else {
            let count = self.charts.len();
            return Err(CommandFailure::usage(format!("two charts are needed, and there are {count}"))
                .hint("the old one first: helm oci diff OLD NEW")
                .into());
        };
        let subjects = [cli::subject(Self::NAME, old)?, cli::subject(Self::NAME, new)?];
        self.can_compare(&subjects)?;
        let options = DiffOptions {
            values: std::mem::take(&mut self.values),
            only: std::mem::take(&mut self.only),
            helm: self.render.then(cli::helm),
        };
        let looking = self.looking()?;
        let [old, new] = &subjects;
        looking.look(&subjects, |looker| {
            let found = verbs::diff(looker, old, new, &options)
                .map_err(|error| CommandFailure::new(&format!("cannot compare {old} with {new}"), &error))?;
            if !self.quiet {
                cli::print_differences(out, &shown(old), &shown(new), &found, self.output)?;
            }
            if found.changes.is_empty() {
                if !self.quiet && self.output == DiffOutput::Text {
                    let mut sections = options.only.iter();
                    let only_attached = !options.only.is_empty()
                        && sections.all(|section| *section == ChartSection::Attached);
                    let why = match found.same_digest {
                        true => "they have one digest",
                        false if only_attached && !self.render => "nothing else is attached",
                        false => "their files say the same",
                    };
                    writeln!(out, "no differences: {why}")?;
                }
                return Ok(());
            }
            // The result has been printed already.
            Err(CommandFailure::told(cli::DIFFERS).into())
        })
    }
}

impl Diff {
    /// A usage error if a section is wanted that cannot be compared: equality would be claimed where nothing was seen.
    fn can_compare(&self, subjects: &[Subject]) -> Result<(), CommandFailure> {
        if self.only.contains(&ChartSection::Rendered) && !self.render {
            return Err(CommandFailure::usage("--only rendered needs --render, which runs helm"));
        }
        if self.only.contains(&ChartSection::Attached) {
            let path = subjects.iter().find(|subject| matches!(subject, Subject::Path(_)));
            if let Some(path) = path {
                return Err(CommandFailure::usage(format!(
                    "--only attached compares charts in registries, and {path} is in none"
                )));
            }
            if self.offline {
                return Err(CommandFailure::usage(
                    "--only attached asks registries, and --offline asks none",
                ));
            }
        }
        Ok(())
    }
}

fn shown(subject: &Subject) -> String {
    subject.to_string()
}

fn main() -> ExitCode {
    cli::main::<Diff>()
}
