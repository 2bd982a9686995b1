//! Who calls the dispatcher: `helm oci`, `helm chart` or kubectl.

use super::words::CommandWord;
use crate::environment;

/// How the dispatcher was called, and so what it calls itself.
pub(super) struct Caller {
    /// `helm oci`
    pub(super) name: &'static str,
    /// The one group that its words are of: the plugin `chart` is `helm oci chart`.
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

    /// A command of any group: of another than the caller's it is one of `helm oci`.
    pub(super) fn spell_in_full(&self, entry: &CommandWord) -> String {
        match self.group {
            Some(group) if group != entry.group => format!("helm oci {} {}", entry.group, entry.word),
            _ => self.spell(entry),
        }
    }

    /// A command as it is called here.
    pub(super) fn spell(&self, entry: &CommandWord) -> String {
        match self.group {
            Some(_) => format!("{} {}", self.name, entry.word),
            None => format!("{} {} {}", self.name, entry.group, entry.word),
        }
    }
}
