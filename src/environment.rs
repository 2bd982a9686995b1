//! The environment: the only place that reads it. An empty variable counts as unset, as Helm and git have it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

fn text(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    // What is not UTF-8 cannot be a proxy, a flag or a number; paths go through `path`.
    value.into_string().ok().filter(|value| !value.is_empty())
}

fn path(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name)?;
    if value.is_empty() { None } else { Some(value.into()) }
}

/// There is no home directory to put anything in.
#[derive(Debug, thiserror::Error)]
#[error("neither HELM_HOME nor HOME is set")]
pub struct NoHome;

/// Helm's home: `$HELM_HOME`, by default `~/.helm`, as it was when charts had a cache.
pub fn helm_home() -> Result<PathBuf, NoHome> {
    match path("HELM_HOME") {
        Some(home) => Ok(home),
        // As Go's os.UserHomeDir: without HOME there is none, and the password file is not asked. A pipeline that has
        // lost its environment should hear of it, not fill somebody's home.
        None if cfg!(unix) && path("HOME").is_none() => Err(NoHome),
        None => Ok(home::home_dir().ok_or(NoHome)?.join(".helm")),
    }
}

/// Whether to tell everything: Helm takes `--debug` away from plugins and sets this instead.
pub fn debug() -> bool {
    text("HELM_DEBUG")
        .is_some_and(|value| matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

/// Whether nobody watches: continuous integration sets `CI`.
pub fn is_ci() -> bool {
    text("CI").is_some_and(|value| value != "false" && value != "0")
}

/// `SOURCE_DATE_EPOCH` is set to something else than seconds since 1970.
#[derive(Debug, thiserror::Error)]
#[error("SOURCE_DATE_EPOCH is `{0}`: expected whole seconds since 1970")]
pub struct BadEpoch(String);

/// The one time that reproducible builds put on everything (reproducible-builds.org/specs/source-date-epoch).
pub fn source_date_epoch() -> Result<Option<u64>, BadEpoch> {
    // What a ustar header can hold: eleven octal digits.
    let seconds = |value: &String| value.parse().ok().filter(|seconds| *seconds < 1 << 33);
    text("SOURCE_DATE_EPOCH").map(|value| seconds(&value).ok_or(BadEpoch(value))).transpose()
}

/// The directory list that programs are looked up in.
pub fn search_path() -> Vec<PathBuf> {
    path("PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default()
}

/// Any variable, by its name.
pub fn variable(name: &str) -> Option<String> {
    text(name)
}

/// How long ago a time was; nothing for a time in the future.
pub fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}
