//! Selects the charts of a repository to copy.

use std::collections::HashSet;

use super::copying::{CopyTask, Copying};
use super::error::CopyError;
use crate::graph::attached_by;
use crate::reference::Tag;
use crate::version::{Constraint, Version};

/// Which tags of a repository to copy if none is named.
#[derive(Clone, Debug)]
pub enum CopySelection {
    /// All tags except those that are made of a digest.
    All,
    /// All tags that are versions which this constraint allows.
    Range(Constraint),
}

impl Copying<'_> {
    /// Makes a task without a tag into one task for each selected tag; a task with a tag or a digest is left as it is.
    /// With `new_only`, tags that the destination has are left out, even if they stand for something else there: both sides
    /// are asked for their tags, and for nothing else.
    pub fn select(
        &self,
        task: &CopyTask,
        selection: Option<&CopySelection>,
        new_only: bool,
    ) -> Result<Vec<CopyTask>, CopyError> {
        let mut tasks = match selection {
            Some(selection) if task.from.target().is_none() => {
                let tags = self.source(task)?.tags()?.into_iter().filter(|tag| selection.has(tag));
                let of_tag =
                    |tag: Tag| CopyTask { from: task.from.with_tag(tag.clone()), to: task.to.with_tag(tag) };
                tags.map(of_tag).collect()
            }
            _ => vec![task.clone()],
        };
        if tasks.is_empty() {
            return Err(CopyError::NoneSelected);
        }
        if new_only {
            let there: HashSet<_> = self.destinations.at(&task.to)?.tags()?.into_iter().collect();
            tasks.retain(|task| task.to.tag.as_ref().is_none_or(|tag| !there.contains(tag)));
        }
        Ok(tasks)
    }
}

impl CopySelection {
    fn has(&self, tag: &Tag) -> bool {
        match self {
            Self::All => !is_made_of_a_digest(tag),
            Self::Range(range) => {
                Version::parse_strict(&tag.to_version()).is_ok_and(|version| range.matches(&version))
            }
        }
    }
}

/// Whether this is one of cosign's tags, or one of the referrers tag schema, which has only half of a SHA-512.
fn is_made_of_a_digest(tag: &Tag) -> bool {
    let is_half = |hex: &str| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    attached_by(tag).is_some() || tag.as_str().strip_prefix("sha512-").is_some_and(is_half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_and_all_leave_out_what_is_no_version() {
        let hex = "a".repeat(64);
        let tags =
            ["1.0.0", "1.1.0_x", "2.0.0", "latest", &format!("sha256-{hex}.sig"), &format!("sha512-{hex}")];
        let of = |selection: &CopySelection| {
            let tags = tags.iter().filter(|tag| selection.has(&tag.parse().unwrap()));
            tags.copied().collect::<Vec<_>>()
        };
        assert_eq!(of(&CopySelection::All), ["1.0.0", "1.1.0_x", "2.0.0", "latest"]);
        let range = CopySelection::Range(Constraint::parse("^1").unwrap());
        assert_eq!(of(&range), ["1.0.0", "1.1.0_x"]);
    }
}
