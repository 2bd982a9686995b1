//! `helm-chart-images`: lists the container images that charts use.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures, Looking, Output};
use oci::disk;
use oci::verbs::{self, ImageName, ImageOrigin, ImagesOptions, Looker, NamedImage, Subject};

oci::registry_command! {
    /// List the container images that charts name, and where.
    #[argh(
        example = "helm-chart-images localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-images -q ./mychart mydb-1.0.0.tgz | sort -u",
        example = "helm-chart-images --render --values production.yaml ./mychart",
        example = "helm-chart-images -q --lock ./mychart/Images.lock ./mychart",
        note = "An image is found in Images.lock, in annotations (artifacthub.io/images, helm.sh/images, images), in values and \
                in lines of templates. Without --render only text is read: what templates put together in a way of their own \
                is missed, and what is switched off is named.",
        note = "Names are docker's: without docker.io/ and library/, and with a tag."
    )]
    looking struct Images {
        /// directories, packages, or host[:port]/repository[:tag][@digest]; one or more
        #[argh(positional, arg_name = "reference")]
        charts: Vec<String>,
        /// values that take the place of the chart's
        #[argh(option, short = 'f', arg_name = "file")]
        values: Vec<PathBuf>,
        /// have helm render the chart, and read what comes of it, too
        #[argh(switch)]
        render: bool,
        /// write an Images.lock with the digests that registries have for the images, of one chart; - is standard output
        #[argh(option, arg_name = "file")]
        lock: Option<PathBuf>,
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but the images
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Images {
    const NAME: &'static str = "helm-chart-images";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        if self.charts.is_empty() {
            return Err(CommandFailure::usage("which chart? none is given").into());
        }
        let subjects: Result<Vec<_>, _> =
            self.charts.iter().map(|word| cli::subject(Self::NAME, word)).collect();
        let subjects = subjects?;
        if self.lock.is_some() && (subjects.len() > 1 || self.offline) {
            let what = if self.offline { "--lock asks registries" } else { "--lock is for one chart" };
            return Err(CommandFailure::usage(what).into());
        }
        let helm = self.render.then(cli::helm);
        let options = ImagesOptions { values: std::mem::take(&mut self.values), helm };
        let looking = self.looking()?;
        let mut failures = Vec::new();
        let mut all: BTreeMap<ImageName, NamedImage> = BTreeMap::new();
        looking.look(&subjects, |looker| {
            for subject in &subjects {
                match verbs::images(looker, subject, &options) {
                    Ok(found) => {
                        if let Some(file) = self.lock.as_deref().filter(|_| !found.is_empty()) {
                            lock(out, file, &looking, looker, (subject, &found))?;
                        }
                        add(&mut all, found);
                    }
                    Err(error) => {
                        failures.push(CommandFailure::new(
                            &format!("cannot list the images of {subject}"),
                            &error,
                        ));
                    }
                }
            }
            Ok(())
        })?;
        if self.lock.as_deref().is_none_or(|file| file.as_os_str() != "-") {
            cli::print_images(out, &all, self.output, self.quiet)?;
        }
        if all.is_empty() && failures.is_empty() {
            return Err(CommandFailure::not_found("no image is named").into());
        }
        let is_text = |image: &NamedImage| {
            image
                .origins
                .iter()
                .all(|origin| matches!(origin, ImageOrigin::Values(_) | ImageOrigin::Literal(_)))
        };
        if !self.quiet && !all.is_empty() && all.values().all(is_text) {
            log::warn!(target: "hint", "only text was read; --render has helm render it, with your --values");
        }
        Failures::of(failures)
    }
}

fn lock(
    out: &mut dyn Write,
    file: &Path,
    looking: &Looking,
    looker: &Looker<'_>,
    (subject, images): (&Subject, &BTreeMap<ImageName, NamedImage>),
) -> Result<(), Failures> {
    let clients = looking.naming(subject)?;
    let lock = verbs::images_lock(looker, subject, images, |reference| clients.of(reference));
    let lock =
        lock.map_err(|error| CommandFailure::new(&format!("cannot lock the images of {subject}"), &error))?;
    if file.as_os_str() == "-" {
        return Ok(cli::write_document(out, Output::Yaml, &lock)?);
    }
    let mut text = Vec::new();
    cli::write_document(&mut text, Output::Yaml, &lock)?;
    Ok(disk::put(file, &*text).map_err(CommandFailure::from)?)
}

fn add(all: &mut BTreeMap<ImageName, NamedImage>, found: BTreeMap<ImageName, NamedImage>) {
    for (name, image) in found {
        match all.entry(name) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(image);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.charts.extend(image.charts);
                known.charts.dedup();
                known.origins.extend(image.origins);
                known.origins.sort();
                known.origins.dedup();
            }
        }
    }
}

fn main() -> ExitCode {
    cli::main::<Images>()
}
