//! Compares two charts, section by section.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::attached::attached;
use super::change::{ChartChange, ChartSection};
use super::definitions::{Definitions, definitions};
use super::error::DiffError;
use super::files::files;
use super::leaves::differences;
use super::rendered::{RenderedObjects, rendered};
use super::values::{schema, values};
use crate::causes::chain;
use crate::chart::{ChartView, Metadata, read_values_file};
use crate::verbs::images::{ImageName, images_of};
use crate::verbs::look::{
    DependencyRow, LookedAtChart, Looker, Subject, dependencies, effective_values, memory, merge, render,
};

/// How charts are compared.
#[derive(Clone, Debug, Default)]
pub struct DiffOptions {
    /// Files with the user's own values; later files override earlier ones.
    pub values: Vec<PathBuf>,
    /// The sections to compare; all if it is empty.
    pub only: Vec<ChartSection>,
    /// The Helm executable for rendering both charts, whose objects are compared then; `None` to not render them.
    pub helm: Option<PathBuf>,
}

/// The differences between two charts.
#[derive(Debug)]
pub struct ChartDifference {
    /// The differences, section by section.
    pub changes: Vec<ChartChange>,
    /// Whether both charts have the same digest, so that nothing but what is attached to them was compared.
    pub same_digest: bool,
}

/// Compares two charts, of which `old` is the one to upgrade from.
pub fn diff(
    looker: &Looker<'_>,
    old: &Subject,
    new: &Subject,
    options: &DiffOptions,
) -> Result<ChartDifference, DiffError> {
    let wants = |section: ChartSection| options.only.is_empty() || options.only.contains(&section);
    let mut of_registries = Vec::new();
    if let (Subject::Reference(one), Subject::Reference(other)) = (old, new)
        && let (Some(was), Some(is)) = (looker.digest(old)?, looker.digest(new)?)
    {
        // If both tags stand for the same manifest, the charts need not be fetched. In one repository the same is
        // attached to them, too.
        let same_digest = was == is;
        let same_repository = one.host == other.host && one.repository == other.repository;
        if wants(ChartSection::Attached) && !(same_digest && same_repository) {
            let compared = attached(looker, [(one, &was), (other, &is)], &mut of_registries);
            if let Err(error) = compared {
                // The charts can be compared all the same, unless they are the same or this is what was asked for.
                if same_digest || options.only.contains(&ChartSection::Attached) {
                    return Err(error);
                }
                of_registries.clear();
                log::warn!("{}: it is not compared", chain(&error));
            }
        }
        let only_attached = !options.only.is_empty()
            && options.helm.is_none()
            && options.only.iter().all(|section| *section == ChartSection::Attached);
        if same_digest || only_attached {
            return Ok(ChartDifference { changes: of_registries, same_digest });
        }
    }
    let subjects = (old, new);
    let (old, new) = (looker.open(old)?, looker.open(new)?);
    let mut changes = Vec::new();
    if wants(ChartSection::Metadata) {
        metadata(old.view.metadata(), new.view.metadata(), &mut changes)?;
    }
    if wants(ChartSection::Dependencies) {
        needs(&old, &new, &mut changes);
    }
    if wants(ChartSection::Values) {
        default_values(&old.view, &new.view, options, &mut changes)?;
    }
    if wants(ChartSection::Schema) {
        let read = |view: &ChartView<'_>| view.schema().map_or(Ok(json!({})), |file| view.read_yaml(file));
        let (was, is) = (read(&old.view)?, read(&new.view)?);
        let _held = old.view.budget().hold(memory(&was) + memory(&is))?;
        schema(&was, &is, &mut changes);
    }
    if wants(ChartSection::Crds) {
        definitions(&Definitions::of(&old.view)?, &Definitions::of(&new.view)?, &mut changes);
    }
    files(
        &old.view,
        &new.view,
        |section| section == ChartSection::Templates && wants(section),
        &mut changes,
    )?;
    if wants(ChartSection::Images) {
        named_images(&old, &new, options, &mut changes)?;
    }
    files(&old.view, &new.view, |section| section == ChartSection::Files && wants(section), &mut changes)?;
    if let Some(helm) = &options.helm {
        let objects = |subject, looked| -> Result<_, DiffError> {
            let printed = render(helm, looker, (subject, looked), &options.values)?;
            RenderedObjects::read(&printed, looker.cache.budget())
        };
        rendered(&objects(subjects.0, &old)?, &objects(subjects.1, &new)?, &mut changes);
    }
    changes.extend(of_registries);
    Ok(ChartDifference { changes, same_digest: false })
}

fn metadata(old: &Metadata, new: &Metadata, changes: &mut Vec<ChartChange>) -> Result<(), DiffError> {
    let without_dependencies = |metadata: &Metadata| -> Result<Value, DiffError> {
        let mut value = metadata.to_json()?;
        if let Some(map) = value.as_object_mut() {
            map.remove("dependencies");
        }
        Ok(value)
    };
    for (path, was, is) in differences(&without_dependencies(old)?, &without_dependencies(new)?) {
        // A cluster that met the old `kubeVersion` may not meet the new one.
        let breaking = path == "kubeVersion" || path == "name" || path == "type";
        changes.push(ChartChange::between(ChartSection::Metadata, path, was, is).breaking(breaking));
    }
    Ok(())
}

/// Compares the dependencies that the charts declare, and the versions that they contain.
fn needs(old: &LookedAtChart<'_>, new: &LookedAtChart<'_>, changes: &mut Vec<ChartChange>) {
    let by_name = |looked: &LookedAtChart<'_>| -> BTreeMap<String, Value> {
        let shown = |DependencyRow { declared, bundled, .. }: DependencyRow| {
            let name = if declared.alias.is_empty() { declared.name.clone() } else { declared.alias.clone() };
            let mut value = serde_json::to_value(&declared).unwrap_or_default();
            if let (Some(map), Some(bundled)) = (value.as_object_mut(), bundled) {
                map.insert("bundled".to_owned(), bundled.into());
            }
            (name, value)
        };
        dependencies(looked).into_iter().map(shown).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let version = |value: &Value| value.get("version").cloned().unwrap_or_else(|| "".into());
        match (before.get(name), after.get(name)) {
            (Some(was), Some(is)) => {
                for (path, was, is) in differences(was, is) {
                    let path = format!("{name}.{path}");
                    changes.push(ChartChange::between(ChartSection::Dependencies, path, was, is));
                }
            }
            (was, is) => {
                let (was, is) = (was.map(version), is.map(version));
                changes.push(ChartChange::between(ChartSection::Dependencies, name.as_str(), was, is));
            }
        }
    }
}

fn default_values(
    old: &ChartView<'_>,
    new: &ChartView<'_>,
    options: &DiffOptions,
    changes: &mut Vec<ChartChange>,
) -> Result<(), DiffError> {
    let (was, is) = (effective_values(old, &[])?, effective_values(new, &[])?);
    let (was, is) = (was.whole(), is.whole());
    let _held = old.budget().hold(memory(&was) + memory(&is))?;
    let mut mine = None;
    for file in &options.values {
        let own = read_values_file(file, old.budget())?;
        match &mut mine {
            None => mine = Some(own),
            Some(mine) => merge(mine, &own),
        }
    }
    values(&was, &is, mine.as_ref(), changes);
    Ok(())
}

/// Compares the images that the charts use. The same image with another tag counts as changed.
fn named_images(
    old: &LookedAtChart<'_>,
    new: &LookedAtChart<'_>,
    options: &DiffOptions,
    changes: &mut Vec<ChartChange>,
) -> Result<(), DiffError> {
    let names = |looked: &LookedAtChart<'_>| -> Result<BTreeMap<String, Vec<String>>, DiffError> {
        let mut by_repository: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in images_of(&looked.view, &options.values).map_err(Box::new)?.keys() {
            let (repository, version) = parts(name);
            by_repository.entry(repository).or_default().push(version);
        }
        Ok(by_repository)
    };
    let (before, after) = (names(old)?, names(new)?);
    let mut repositories: Vec<_> = before.keys().chain(after.keys()).collect();
    repositories.sort();
    repositories.dedup();
    for repository in repositories {
        let none = Vec::new();
        let (was, is) = (before.get(repository).unwrap_or(&none), after.get(repository).unwrap_or(&none));
        let gone: Vec<_> = was.iter().filter(|version| !is.contains(version)).collect();
        let come: Vec<_> = is.iter().filter(|version| !was.contains(version)).collect();
        for number in 0..gone.len().max(come.len()) {
            let (was, is) = (gone.get(number), come.get(number));
            let whole = |version: &&&String| Value::from(format!("{repository}{version}"));
            let (was, is) = (was.as_ref().map(whole), is.as_ref().map(whole));
            changes.push(ChartChange::between(ChartSection::Images, repository.as_str(), was, is));
        }
    }
    Ok(())
}

/// The repository of an image, and its tag or digest with the separator.
fn parts(name: &ImageName) -> (String, String) {
    let text = name.as_str();
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    let at = text[last..].find([':', '@']).map_or(text.len(), |at| last + at);
    (text[..at].to_owned(), text[at..].to_owned())
}
