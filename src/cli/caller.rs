//! How the dispatcher was called: as `helm oci`, as `helm chart`, or by kubectl.

use super::words::CommandWord;
use crate::environment;

/// How the dispatcher was called, and therefore how its messages spell commands.
pub(super) struct Caller {
    /// The beginning of its commands, such as `helm oci`.
    pub(super) name: &'static str,
    /// The group of its commands, if there is only one: the plugin `chart` has the commands of `helm oci chart`.
    pub(super) group: Option<&'static str>,
}

impl Caller {
    pub(super) fn find() -> Self {
        let own = environment::own_name().unwrap_or_default();
        if own.starts_with("kubectl-") {
            return Self { name: "kubectl oci", group: None };
        }
        match environment::plugin_name().as_deref() {
            Some("chart") => Self { name: "helm chart", group: Some("chart") },
            _ => Self { name: "helm oci", group: None },
        }
    }

    /// Spells a command of any group. If the caller has another group, the command is spelled with `helm oci`.
    pub(super) fn spell_in_full(&self, entry: &CommandWord) -> String {
        match self.group {
            Some(group) if group != entry.group => format!("helm oci {} {}", entry.group, entry.word),
            _ => self.spell(entry),
        }
    }

    /// Spells a command of the caller's own group.
    pub(super) fn spell(&self, entry: &CommandWord) -> String {
        match self.group {
            Some(_) => format!("{} {}", self.name, entry.word),
            None => format!("{} {} {}", self.name, entry.group, entry.word),
        }
    }
}
