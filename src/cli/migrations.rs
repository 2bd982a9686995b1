//! The source of a migration by its argument, and what is kept of the last run.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::failure::CommandFailure;
use crate::chart_index::MAX_INDEX;
use crate::chart_repository::{
    ConfiguredRepository, IndexValidators, RepositoryAddress, configured_repository,
};
use crate::digest::Digest;
use crate::disk::{self, PathError};
use crate::environment;
use crate::limits::Budget;

/// The largest repositories.yaml that is read, in bytes.
const MAX_CONFIGURED: u64 = 1 << 20;
/// The largest record of the last run that is read, in bytes.
const MAX_LAST: u64 = 64 << 10;

/// The source of charts, by the command line.
#[derive(Debug)]
pub enum MigrationFrom {
    /// The repository at a URL.
    Repository(Box<RepositoryAddress>),
    /// A repository that `helm repo add` has configured under a name.
    Configured(Box<RepositoryAddress>, Box<ConfiguredRepository>),
    /// An index in a file or from standard input, with the base of its URLs.
    Index(fs::File, IndexBase),
    /// A directory of packages.
    Directory(PathBuf),
}

/// The base of the URLs in an index.
#[derive(Debug)]
pub enum IndexBase {
    /// A directory.
    Directory(PathBuf),
    /// A repository.
    Repository(Box<RepositoryAddress>),
}

impl MigrationFrom {
    /// Parses the argument: a URL, a path, `-`, or a name that `helm repo list` shows.
    pub fn of(argument: &str, base: Option<&str>) -> Result<Self, CommandFailure> {
        let base = base.map(address).transpose()?;
        if argument == "-" {
            let missing = || CommandFailure::usage("an index from standard input needs --base URL");
            return Ok(Self::Index(standard_input()?, IndexBase::Repository(base.ok_or_else(missing)?)));
        }
        if argument.starts_with("oci://") {
            let hint = "helm oci chart copy copies from one registry to another";
            return Err(CommandFailure::usage(format!(
                "{argument} is a registry, and no classic repository"
            ))
            .hint(hint));
        }
        let is_url = argument.contains("://");
        let path = Path::new(argument);
        if !is_url && let Ok(metadata) = fs::metadata(path) {
            return Self::path(path, metadata.is_dir(), base);
        }
        if base.is_some() {
            return Err(CommandFailure::usage("--base is for an index in a file, or from standard input"));
        }
        if is_url {
            return Ok(Self::Repository(address(argument)?));
        }
        match configured(argument)? {
            Some(configured) => Ok(Self::Configured(
                address(&configured.url).map_err(|failure| failure.at(argument))?,
                configured.into(),
            )),
            None => {
                let message = format!("there is neither a file nor a repository called {argument}");
                Err(CommandFailure::not_found(message)
                    .hint("helm repo list shows those that have a name; or give a URL"))
            }
        }
    }

    fn path(
        path: &Path,
        is_directory: bool,
        base: Option<Box<RepositoryAddress>>,
    ) -> Result<Self, CommandFailure> {
        let open = |path: &Path| {
            let failed = |source| PathError { verb: "read", path: path.to_owned(), source };
            fs::File::open(path).map_err(failed)
        };
        let index = if is_directory { path.join("index.yaml") } else { path.to_owned() };
        if is_directory && !index.is_file() {
            return match base {
                Some(_) => Err(CommandFailure::usage("--base is for an index, and the directory has none")),
                None => Ok(Self::Directory(path.to_owned())),
            };
        }
        let own = index.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let base = base.map_or_else(|| IndexBase::Directory(own.to_owned()), IndexBase::Repository);
        Ok(Self::Index(open(&index)?, base))
    }
}

fn address(text: &str) -> Result<Box<RepositoryAddress>, CommandFailure> {
    RepositoryAddress::parse(text).map(Box::new).map_err(|error| CommandFailure::called_wrongly(&error))
}

/// Copies standard input to an unnamed file, as an index may have to be read twice.
fn standard_input() -> Result<fs::File, CommandFailure> {
    let failed =
        |source| CommandFailure::from(PathError { verb: "read", path: "standard input".into(), source });
    let mut file = tempfile::tempfile().map_err(failed)?;
    io::copy(&mut io::stdin().lock().take(MAX_INDEX + 1), &mut file).map_err(failed)?;
    Ok(file)
}

fn configured(name: &str) -> Result<Option<ConfiguredRepository>, CommandFailure> {
    let Some(path) = environment::helm_repository_config() else { return Ok(None) };
    let failed = |source| PathError { verb: "read", path: path.clone(), source };
    let file = match fs::File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut text = Vec::new();
    file.take(MAX_CONFIGURED).read_to_end(&mut text).map_err(failed)?;
    let read = configured_repository(&text, name, &Budget::default());
    read.map_err(|error| CommandFailure::from(error).at(&path.display().to_string()))
}

/// `OLD=NEW`, for names of charts or beginnings of URLs.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The old text.
    pub old: String,
    /// The new text.
    pub new: String,
}

impl FromStr for Replacement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((old, new)) if !old.is_empty() && !new.is_empty() => {
                Ok(Self { old: old.to_owned(), new: new.to_owned() })
            }
            _ => Err(format!("`{text}` replaces nothing: expected OLD=NEW")),
        }
    }
}

/// A date, or a time before now: `2024-01-31`, `30d`.
#[derive(Clone, Debug)]
pub struct MadeSince {
    /// The time itself.
    pub time: SystemTime,
    /// The argument as it was given, which is the same in each run of a job even where the time is not.
    pub text: String,
}

impl FromStr for MadeSince {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago =
            || -> Option<SystemTime> { SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?) };
        let day = || humantime::parse_rfc3339_weak(&format!("{text}T00:00:00")).ok();
        let time = || humantime::parse_rfc3339_weak(text).ok();
        let found = day().or_else(time).or_else(ago);
        let since = |time| Self { time, text: text.to_owned() };
        found.map(since).ok_or_else(|| format!("`{text}` is no time: expected for example 2024-01-31 or 30d"))
    }
}

/// The default path of a job's journal: a file for each pair of source and destination in Helm's cache directory.
/// `None` if there is no such directory.
pub fn default_journal(source: &str, destination: &str) -> Option<PathBuf> {
    let name = Digest::of(format!("{source}\n{destination}").as_bytes());
    let name = format!("{}.jsonl", name.hex().get(..16)?);
    Some(environment::helm_cache()?.join("oci").join("migrate").join(name))
}

/// The record of the last run of a job, if it left nothing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastMigration {
    /// The validators of the index, such as its entity tag.
    pub index: IndexValidators,
    /// A digest of all arguments that decide what is migrated and where to.
    pub job: Digest,
    /// How many charts the index had.
    pub charts: usize,
    /// How many versions the index had.
    pub versions: usize,
    /// How many versions were selected.
    pub selected: usize,
}

impl LastMigration {
    /// The path of the record for a job with this journal.
    fn path(journal: &Path) -> PathBuf {
        let mut path = journal.as_os_str().to_owned();
        path.push(".index");
        PathBuf::from(path)
    }

    /// Reads the record of the last run of the same job. It only saves work, so `None` is returned if anything is wrong
    /// with it.
    pub fn read(journal: &Path, job: &Digest) -> Option<Self> {
        let mut text = Vec::new();
        fs::File::open(Self::path(journal)).ok()?.take(MAX_LAST).read_to_end(&mut text).ok()?;
        serde_json::from_slice::<Self>(&text).ok().filter(|last| last.job == *job)
    }

    /// Deletes the record of the last run as a new one begins; only a run that leaves nothing to do writes it again.
    pub fn forget(journal: &Path) {
        if let Err(error) = fs::remove_file(Self::path(journal))
            && error.kind() != io::ErrorKind::NotFound
        {
            log::debug!("{}: {error}", Self::path(journal).display());
        }
    }

    /// Writes the record for the next run.
    pub fn write(&self, journal: &Path) {
        let written = serde_json::to_vec(self).map_err(io::Error::other);
        let path = Self::path(journal);
        let written = written.and_then(|text| disk::put(&path, &*text).map_err(io::Error::other));
        if let Err(error) = written {
            log::debug!("{}: {error}", path.display());
        }
    }
}
