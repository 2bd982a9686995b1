//! The completion files for shells and for Helm.

use std::fmt::Write as _;

use super::answers::Sources;
use crate::cli::description::Flag;
use crate::cli::words::{self, CommandWord};

/// The completion script for a shell, or Helm's completion.yaml; `None` for an unknown shell.
pub(in crate::cli) fn file(
    shell: &str,
    group: Option<&'static str>,
    sources: &dyn Sources,
) -> Option<String> {
    let script = match shell {
        "bash" => include_str!("../../../scripts/completion/helm-oci.bash"),
        "zsh" => include_str!("../../../scripts/completion/helm-oci.zsh"),
        "fish" => include_str!("../../../scripts/completion/helm-oci.fish"),
        "helm" => return Some(completion_yaml(group, sources)),
        _ => return None,
    };
    let executables = words::ENTRIES.iter().map(|entry| entry.executable);
    let programs: Vec<_> = ["helm-oci", "kubectl-oci"].into_iter().chain(executables).collect();
    Some(script.replace("@PROGRAMS@", &programs.join(" ")))
}

/// Helm's completion.yaml, with the commands and flags that Helm completes by itself (cmd/helm/load_plugins.go). Helm
/// 3.6 never asks plugin.complete about a flag.
fn completion_yaml(group: Option<&'static str>, sources: &dyn Sources) -> String {
    let commands: Vec<_> = words::of_group(group)
        .map(|entry| (entry, sources.describe(entry.executable).unwrap_or_default().flags))
        .collect();
    let mut out = format!("name: {}\ncommands:\n", group.unwrap_or("oci"));
    write_commands(&mut out, "", &commands);
    if group.is_none() {
        for (name, _) in words::GROUPS {
            let _ = writeln!(out, "- name: {name}\n  commands:");
            let of_group: Vec<_> =
                commands.iter().filter(|(entry, _)| entry.group == name).cloned().collect();
            write_commands(&mut out, "  ", &of_group);
        }
        for (name, _) in words::OWN {
            let _ = writeln!(out, "- name: {name}");
        }
    }
    out
}

fn write_commands(out: &mut String, indent: &str, commands: &[(&CommandWord, Vec<Flag>)]) {
    for (entry, flags) in commands {
        for name in [entry.word, entry.alias].into_iter().filter(|name| !name.is_empty()) {
            let _ = writeln!(out, "{indent}- name: {name}\n{indent}  flags:");
            for flag in flags {
                let _ = writeln!(out, "{indent}  - {}", flag.long.trim_start_matches('-'));
                if let Some(short) = flag.short {
                    let _ = writeln!(out, "{indent}  - {short}");
                }
            }
        }
    }
}
