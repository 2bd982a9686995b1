//! The common parts of commands that read charts: where charts are looked for, and how their files are printed.

use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use super::failure::{CommandFailure, Failures};
use super::given;
use super::limit::keep_within_limit;
use super::progress::Meter;
use super::transfer;
use crate::cache::Cache;
use crate::connect::{self, ConnectFlags};
use crate::credentials::Side;
use crate::reference::{Host, Reference, ReferenceError, Tag};
use crate::registry::Client;
use crate::terminal;
use crate::verbs::{Looker, Subject, is_path};
use crate::version::DEVEL;

/// The flags about where charts are looked for.
#[derive(Debug)]
pub struct Looking {
    /// The flags for the connection to registries, and for credentials.
    pub connection: ConnectFlags,
    /// `--version`
    pub version: Option<String>,
    /// `--devel`
    pub devel: bool,
    /// `--offline`
    pub offline: bool,
    /// `--no-cache`
    pub no_cache: bool,
}

impl Looking {
    /// Calls `work` with a looker for these charts. It has a client only if one of them may be in a registry.
    pub fn look<T>(
        &self,
        subjects: &[Subject],
        work: impl FnOnce(&Looker<'_>) -> Result<T, Failures>,
    ) -> Result<T, Failures> {
        if self.offline && self.no_cache {
            return Err(CommandFailure::usage(
                "--offline looks into the cache alone, and --no-cache past it",
            )
            .into());
        }
        let references: Vec<Reference> = subjects.iter().filter_map(reference_of).cloned().collect();
        let constraint = self.version.as_deref().or(self.devel.then_some(DEVEL));
        if let Some(version) = &self.version {
            check_version(version, subjects)?;
        }
        let client = match references.is_empty() || self.offline {
            true => None,
            false => Some(connect::connect(&self.connection, &references).map_err(CommandFailure::from)?),
        };
        let aside = match self.no_cache && client.is_some() {
            true => Some(tempfile::tempdir()?),
            false => None,
        };
        let cache = match (&aside, references.is_empty()) {
            (Some(aside), _) => Cache::new(aside.path().to_path_buf()),
            // Reading a chart from the disk needs no home directory.
            (None, true) => Cache::new(PathBuf::new()),
            (None, false) => given::cache()?,
        };
        let meter = Meter::new("Pulling", false);
        let progress = |step| meter.step(step);
        let looker = Looker { cache: &cache, client: client.as_ref(), constraint, progress: &progress };
        let done = work(&looker);
        if client.is_some() && aside.is_none() {
            keep_within_limit(&cache, &references);
        }
        done
    }
}

/// The clients for references that a chart names, such as its images.
#[derive(Debug)]
pub struct NamingClients {
    /// The registry that the chart comes from, if it comes from one.
    host: Option<Host>,
    own: Client,
    others: Client,
}

impl NamingClients {
    /// The client for a reference. Credentials and flags for the chart's registry are not used for any other: the
    /// chart's author may have named any registry.
    pub fn of(&self, reference: &Reference) -> &Client {
        if self.host.as_ref() == Some(&reference.host) { &self.own } else { &self.others }
    }
}

impl Looking {
    /// The clients for references that this chart names.
    pub fn naming(&self, subject: &Subject) -> Result<NamingClients, CommandFailure> {
        let reference = reference_of(subject);
        let own = connect::connect(&self.connection, reference.map_or(&[], std::slice::from_ref))?;
        let elsewhere = ConnectFlags {
            plain_http: false,
            insecure: false,
            cert_file: None,
            key_file: None,
            trusted_realms: Vec::new(),
            allowed_hosts: Vec::new(),
            credential: None,
            side: Side::Elsewhere,
            ..self.connection.clone()
        };
        let others = connect::connect(&elsewhere, &[])?;
        Ok(NamingClients { host: reference.map(|reference| reference.host.clone()), own, others })
    }
}

fn reference_of(subject: &Subject) -> Option<&Reference> {
    match subject {
        Subject::Reference(reference) => Some(reference),
        Subject::Path(_) => None,
    }
}

/// A usage error if a version was given for a chart that already has one.
fn check_version(version: &str, subjects: &[Subject]) -> Result<(), CommandFailure> {
    let asked = Tag::of_version(version).ok();
    let pinned = subjects.iter().find(|subject| match subject {
        Subject::Path(_) => true,
        Subject::Reference(one) => one.target().is_some() && (one.tag.is_none() || one.tag != asked),
    });
    match pinned {
        Some(subject) if subjects.len() == 1 => Err(CommandFailure::usage(format!(
            "{subject} is one version already, and --version asks for another"
        ))),
        _ => Ok(()),
    }
}

/// Parses a chart on the command line of the executable called `name`.
pub fn subject(name: &str, word: &str) -> Result<Subject, CommandFailure> {
    if is_path(word) {
        return Ok(Subject::Path(word.into()));
    }
    // A word without a host is more likely a mistyped path than an incomplete reference.
    if !word.contains("://") && matches!(word.parse::<Reference>(), Err(ReferenceError::NoHost(_))) {
        let begins = format!("a chart in a registry begins with its host: HOST/{}", word.trim_matches('/'));
        return Err(CommandFailure::not_found(format!("there is no file or directory `{word}`")).hint(begins));
    }
    match transfer::references(name, &[word.to_owned()])?.pop() {
        Some(reference) => Ok(Subject::Reference(reference)),
        None => Ok(Subject::Path(word.into())),
    }
}

/// Writes the bytes of a file in a chart. On a terminal, characters that would control it are escaped.
pub fn write_file(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return out.write_all(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let tame = terminal::tame(&text, &['\n', '\t'], |c| format!("\\u{:04x}", u32::from(c)));
    out.write_all(tame.as_bytes())
}
