//! Decides the destinations of the charts in a layout.

use super::copies::{Mapping, mapped_name};
use super::failure::CommandFailure;
use crate::layout::EntryName;
use crate::reference::{Prefix, Reference, Tag};
use crate::verbs::LoadTask;

/// The arguments of `load` that name destinations.
#[derive(Clone, Copy, Debug)]
pub struct Loads<'a> {
    /// `--to`
    pub to: Option<&'a Prefix>,
    /// `--map`
    pub maps: &'a [Mapping],
    /// `--as`
    pub name: Option<&'a Reference>,
    /// Whether the layout has only one chart.
    pub is_one: bool,
}

impl Loads<'_> {
    /// The reference under which a chart is loaded. An error if the chart has no name and the arguments give it none.
    pub fn place(self, task: &LoadTask) -> Result<Reference, CommandFailure> {
        let own = match (&task.name, self.name) {
            (EntryName::Full(reference), None) => reference.clone(),
            (EntryName::Full(reference), Some(name)) if self.is_one => {
                named(name, reference.tag.as_ref(), task)
            }
            (EntryName::Full(reference), Some(_)) => reference.clone(),
            (EntryName::Tag(tag), _) => self.repository(&tag.to_string())?.map_or_else(
                |to| Ok::<_, CommandFailure>(to.with_tag(tag.clone())),
                |name| Ok(named(name, Some(tag), task)),
            )?,
            (EntryName::Odd(text), _) => {
                let tag = text.rsplit(':').next().and_then(|tag| tag.replace('+', "_").parse::<Tag>().ok());
                match self.name {
                    Some(name) => named(name, tag.as_ref(), task),
                    None => return Err(self.nameless(&format!("`{text}` is no reference"))),
                }
            }
            (EntryName::Nameless, Some(name)) => named(name, None, task),
            (EntryName::Nameless, None) => {
                return Err(self.nameless(&format!("{} has no name", task.manifest.digest)));
            }
        };
        if self.name.is_some_and(|name| name.tag.is_some()) && !self.is_one {
            return Err(CommandFailure::usage("--as with a tag is for one chart, and there are several")
                .hint("without a tag, each keeps its own"));
        }
        match (self.to, self.maps.is_empty(), &task.name) {
            (None, true, _) => Ok(own),
            // The repository already comes from the prefix.
            (Some(_), true, EntryName::Tag(_)) if self.name.is_none() => Ok(own),
            _ => mapped_name(&own, self.maps, self.to),
        }
    }

    /// The repository for a chart whose name is only a tag: that of `--as`, or else that of `--to`.
    fn repository(&self, tag: &str) -> Result<Result<&Reference, Reference>, CommandFailure> {
        if let Some(name) = self.name {
            return Ok(Ok(name));
        }
        match self.to {
            Some(Prefix { host, path: Some(path) }) => {
                Ok(Err(Reference { host: host.clone(), repository: path.clone(), tag: None, digest: None }))
            }
            _ => Err(self.nameless(&format!("`{tag}` is a tag without a repository"))),
        }
    }

    fn nameless(&self, what: &str) -> CommandFailure {
        CommandFailure::usage(what).hint("--as HOST/REPOSITORY says what it is called")
    }
}

/// The chart in the repository of `name`: with its tag, or else the chart's own, or else by digest.
fn named(name: &Reference, own: Option<&Tag>, task: &LoadTask) -> Reference {
    let tag = name.tag.as_ref().or(own).cloned();
    let digest = tag.is_none().then(|| task.manifest.digest.clone());
    Reference { tag, digest, ..name.clone() }
}
