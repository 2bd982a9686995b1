//! The environment: the only place that reads it. An empty variable counts as unset, as Helm and git have it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::{disk, process};

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

/// Has a program of ours tell as much as this one does, which may have been asked by `--debug`.
pub fn hand_on_debug(command: &mut Command, debug: bool) -> &mut Command {
    command.env("HELM_DEBUG", debug.to_string())
}

/// Which keyring the user has chosen, where the system has several.
pub fn keyring() -> Option<String> {
    text("HELM_OCI_KEYRING")
}

/// How large the cache may get before what was least recently used is removed from it.
pub fn cache_max_size() -> Option<String> {
    text("HELM_OCI_CACHE_MAX_SIZE")
}

/// Whether this runs unattended: continuous integration sets `CI`.
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

/// What this program was called as: the last part of its path, where a link shows under its own name.
pub fn own_name() -> Option<String> {
    let path = PathBuf::from(std::env::args_os().next()?);
    Some(path.file_stem()?.to_string_lossy().into_owned())
}

/// What the dispatcher was called as, and with which words, if it has run this: `helm oci push`.
pub fn called_as() -> Option<String> {
    text(CALLED_AS)
}

/// Where the dispatcher says so.
pub const CALLED_AS: &str = "HELM_OCI_CALLED_AS";

/// The plugin that Helm runs this as.
pub fn plugin_name() -> Option<String> {
    text("HELM_PLUGIN_NAME")
}

/// The Helm that runs this as a plugin of ours, with no other process between them.
pub fn helm_process() -> Option<u32> {
    let is_ours = plugin_name().is_some_and(|name| ["oci", "chart"].contains(&name.as_str()));
    (is_ours && called_as().is_some()).then(process::parent)
}

/// A program of ours or of others: the one beside this executable, else one from the PATH.
pub fn executable(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // A link, like `kubectl-oci`, may lie anywhere: what it points to counts.
    let own = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
    let beside = own.and_then(|own| Some(own.parent()?.join(file)));
    beside.filter(|path| path.is_file()).or_else(|| on_search_path(name))
}

/// A program from the PATH. Relative directories in the PATH are skipped: the current directory may be a
/// stranger's, and these programs see credentials (as Go's os/exec has it, ErrDot).
pub fn on_search_path(name: &str) -> Option<PathBuf> {
    // On Windows a name may have its suffix already, as `docker-credential-desktop.exe` has.
    let suffix = std::env::consts::EXE_SUFFIX;
    let file = format!("{}{suffix}", name.strip_suffix(suffix).unwrap_or(name));
    search_path()
        .into_iter()
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|path| can_run(path))
}

/// Whether this is a file that somebody may run: what is none hides no program further down the PATH (Go's os/exec,
/// lp_unix.go).
fn can_run(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| there.is_file() && disk::may_run(&there))
}

/// User and password for pipelines. They are for us alone: no child may inherit them.
pub const LOGIN: [&str; 2] = ["HELM_OCI_USERNAME", "HELM_OCI_PASSWORD"];

/// The same for the registry that a copy comes from.
pub const FROM_LOGIN: [&str; 2] = ["HELM_OCI_FROM_USERNAME", "HELM_OCI_FROM_PASSWORD"];

/// User and password of the chart repository that Helm asks a downloader for (`--username`, or what `helm repo add` was
/// told), from 3.14 on. Both or nothing.
pub fn repository_login() -> Option<(String, String)> {
    let [user, password] = REPOSITORY_LOGIN;
    text(user).zip(text(password))
}

/// The variables of [`repository_login`]. No child may inherit them either.
const REPOSITORY_LOGIN: [&str; 2] = ["HELM_PLUGIN_USERNAME", "HELM_PLUGIN_PASSWORD"];

/// Keeps from a program of others what is for us alone.
pub fn withhold_logins(command: &mut Command) -> &mut Command {
    for name in LOGIN.into_iter().chain(FROM_LOGIN).chain(REPOSITORY_LOGIN).chain([DOCKER_AUTH_CONFIG]) {
        command.env_remove(name);
    }
    command
}

/// One of Helm's directories: `HELM_<KIND>_HOME`, else `XDG_<KIND>_HOME/helm`, else the system's own place
/// (pkg/helmpath/lazypath_*.go at v3.21.4).
fn helm_directory(kind: &str, own: fn() -> Option<PathBuf>) -> Option<PathBuf> {
    let xdg = || path(&format!("XDG_{kind}_HOME")).map(|directory| directory.join("helm"));
    path(&format!("HELM_{kind}_HOME")).or_else(xdg).or_else(own)
}

fn in_home(directory: &str) -> Option<PathBuf> {
    Some(path("HOME")?.join(directory))
}

/// Where Helm keeps what its user has decided.
fn helm_config() -> Option<PathBuf> {
    helm_directory("CONFIG", || {
        if cfg!(target_os = "macos") {
            in_home("Library/Preferences/helm")
        } else if cfg!(windows) {
            Some(path("APPDATA")?.join("helm"))
        } else {
            in_home(".config/helm")
        }
    })
}

/// The file that `helm registry login` writes.
pub fn helm_registry_config() -> Option<PathBuf> {
    path("HELM_REGISTRY_CONFIG").or_else(|| Some(helm_config()?.join("registry").join("config.json")))
}

/// Which chart repositories `helm repo add` knows.
pub fn helm_repository_config() -> Option<PathBuf> {
    path("HELM_REPOSITORY_CONFIG").or_else(|| Some(helm_config()?.join("repositories.yaml")))
}

/// Which token services the user has vouched for.
pub fn trusted_realms() -> Option<PathBuf> {
    Some(helm_config()?.join("oci").join("trusted-realms.json"))
}

/// The file that `docker login` writes.
pub fn docker_config() -> Option<PathBuf> {
    let home = || path(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let directory = path("DOCKER_CONFIG").or_else(|| Some(home()?.join(".docker")))?;
    Some(directory.join("config.json"))
}

/// Credentials in docker's format, as pipelines hand them to docker and to everything beside it.
pub fn docker_auth_config() -> Option<Zeroizing<String>> {
    text(DOCKER_AUTH_CONFIG).map(Zeroizing::new)
}

/// The variable of [`docker_auth_config`]. No child needs it: those that we run are asked for credentials, or have none of
/// ours to do with.
const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// The files that `podman login` and `skopeo login` write, in the order in which they are read (containers-auth.json(5);
/// containers/image, pkg/docker/config/config.go, getAuthFilePaths, and common, pkg/auth/auth.go, GetDefaultAuthFile):
/// the one that is named is the only one, otherwise the one of this session comes before the one that stays.
pub fn podman_auth() -> Vec<PathBuf> {
    let below = |directory: PathBuf| directory.join("containers").join("auth.json");
    if let Some(named) = path("REGISTRY_AUTH_FILE") {
        return vec![named];
    }
    let session = match path("XDG_RUNTIME_DIR") {
        Some(directory) => Some(below(directory)),
        None => session_directory().map(|directory| directory.join("auth.json")),
    };
    let lasting = path("XDG_CONFIG_HOME").or_else(|| in_home(".config")).map(below);
    // Where there are no session directories, podman writes here whatever XDG_CONFIG_HOME is.
    let home = in_home(".config").map(below).filter(|_| !cfg!(target_os = "linux"));
    let mut files = Vec::new();
    for file in [session.filter(|_| cfg!(target_os = "linux")), home, lasting].into_iter().flatten() {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// Where podman keeps what is this session's, if the session does not say.
#[cfg(target_os = "linux")]
fn session_directory() -> Option<PathBuf> {
    Some(PathBuf::from(format!("/run/containers/{}", process::user())))
}

#[cfg(not(target_os = "linux"))]
fn session_directory() -> Option<PathBuf> {
    None
}

/// What is known of registries and is no secret. Beside the chart cache's layout, where it could not be told from a
/// chart.
pub fn registry_hints() -> Option<PathBuf> {
    Some(helm_cache()?.join("oci").join("registries.json"))
}

/// Helm's cache directory: `HELM_CACHE_HOME`, else XDG's or the system's place. Helm can fetch again what is in it.
pub fn helm_cache() -> Option<PathBuf> {
    helm_directory("CACHE", || {
        if cfg!(target_os = "macos") {
            in_home("Library/Caches/helm")
        } else if cfg!(windows) {
            Some(path("TEMP")?.join("helm"))
        } else {
            in_home(".cache/helm")
        }
    })
}
