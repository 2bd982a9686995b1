//! Reads environment variables; no other module does. An empty variable counts as unset, as with Helm and git.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::{disk, process};

fn text(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    // A value that is not UTF-8 cannot be a proxy, a flag or a number; paths are read by `path`.
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

/// Helm's home directory: `$HELM_HOME`, or by default `~/.helm`, as in the Helm version that had a chart cache.
pub fn helm_home() -> Result<PathBuf, NoHome> {
    match path("HELM_HOME") {
        Some(home) => Ok(home),
        // As in Go's os.UserHomeDir, there is no home without HOME: the password database is not used. A pipeline that
        // has lost its environment should get an error, instead of filling a home directory.
        None if cfg!(unix) && path("HOME").is_none() => Err(NoHome),
        None => Ok(home::home_dir().ok_or(NoHome)?.join(".helm")),
    }
}

/// Whether HELM_DEBUG asks for debug messages. Helm removes `--debug` from a plugin's arguments and sets this variable.
pub fn debug() -> bool {
    text("HELM_DEBUG")
        .is_some_and(|value| matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

/// Makes another program of ours print debug messages if this one does, even if that is because of `--debug`.
pub fn hand_on_debug(command: &mut Command, debug: bool) -> &mut Command {
    command.env("HELM_DEBUG", debug.to_string())
}

/// The keyring that the user has chosen by HELM_OCI_KEYRING, for systems with several.
pub fn keyring() -> Option<String> {
    text("HELM_OCI_KEYRING")
}

/// The size that the cache may have, by HELM_OCI_CACHE_MAX_SIZE. Above it, the least recently used entries are removed.
pub fn cache_max_size() -> Option<String> {
    text("HELM_OCI_CACHE_MAX_SIZE")
}

/// Whether this runs unattended: continuous integration sets `CI`.
pub fn is_ci() -> bool {
    text("CI").is_some_and(|value| value != "false" && value != "0")
}

/// The error for a `SOURCE_DATE_EPOCH` that is not a number of seconds since 1970.
#[derive(Debug, thiserror::Error)]
#[error("SOURCE_DATE_EPOCH is `{0}`: expected whole seconds since 1970")]
pub struct BadEpoch(String);

/// `SOURCE_DATE_EPOCH` in seconds: the time that a reproducible build uses for everything
/// (reproducible-builds.org/specs/source-date-epoch).
pub fn source_date_epoch() -> Result<Option<u64>, BadEpoch> {
    // The limit of a ustar header: eleven octal digits.
    let seconds = |value: &String| value.parse().ok().filter(|seconds| *seconds < 1 << 33);
    text("SOURCE_DATE_EPOCH").map(|value| seconds(&value).ok_or(BadEpoch(value))).transpose()
}

/// The directories in PATH.
pub fn search_path() -> Vec<PathBuf> {
    path("PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default()
}

/// The value of any variable, by its name.
pub fn variable(name: &str) -> Option<String> {
    text(name)
}

/// How long ago a time was; zero for a time in the future.
pub fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

/// The name that this program was called by: the last part of its path. If it was called by a link, that is the link's
/// name.
pub fn own_name() -> Option<String> {
    let path = PathBuf::from(std::env::args_os().next()?);
    Some(path.file_stem()?.to_string_lossy().into_owned())
}

/// How the dispatcher was called if it runs this program, such as `helm oci push`.
pub fn called_as() -> Option<String> {
    text(CALLED_AS)
}

/// The variable in which the dispatcher passes that on.
pub const CALLED_AS: &str = "HELM_OCI_CALLED_AS";

/// The name of the plugin as which Helm runs this program.
pub fn plugin_name() -> Option<String> {
    text("HELM_PLUGIN_NAME")
}

/// The process id of the Helm that runs this program as one of our plugins, if Helm is its parent process.
pub fn helm_process() -> Option<u32> {
    let is_ours = plugin_name().is_some_and(|name| ["oci", "chart"].contains(&name.as_str()));
    (is_ours && called_as().is_some()).then(process::parent)
}

/// The path of a program: next to this executable, or else on the PATH.
pub fn executable(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // A link like `kubectl-oci` may be anywhere, so the executable that it points to decides.
    let own = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
    let beside = own.and_then(|own| Some(own.parent()?.join(file)));
    beside.filter(|path| path.is_file()).or_else(|| on_search_path(name))
}

/// The path of a program on the PATH. Relative directories in PATH are skipped: the current directory may belong to
/// somebody else, and these programs see credentials (as in Go's os/exec, ErrDot).
pub fn on_search_path(name: &str) -> Option<PathBuf> {
    // On Windows the name may already have its suffix, as in `docker-credential-desktop.exe`.
    let suffix = std::env::consts::EXE_SUFFIX;
    let file = format!("{}{suffix}", name.strip_suffix(suffix).unwrap_or(name));
    search_path()
        .into_iter()
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|path| can_run(path))
}

/// Whether this is an executable file. Anything else does not hide a program further down the PATH (Go's os/exec,
/// lp_unix.go).
fn can_run(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| there.is_file() && disk::may_run(&there))
}

/// The variables with user and password for pipelines. They are only for us: no child process may inherit them.
pub const LOGIN: [&str; 2] = ["HELM_OCI_USERNAME", "HELM_OCI_PASSWORD"];

/// The variables with user and password for the source of a copy. No child process may inherit them.
pub const FROM_LOGIN: [&str; 2] = ["HELM_OCI_FROM_USERNAME", "HELM_OCI_FROM_PASSWORD"];

/// User and password of the chart repository for which Helm runs a downloader (`--username`, or those given to `helm
/// repo add`), from Helm 3.14 on. `None` unless both are set.
pub fn repository_login() -> Option<(String, String)> {
    let [user, password] = REPOSITORY_LOGIN;
    text(user).zip(text(password))
}

/// The variables of [`repository_login`]. No child process may inherit them.
const REPOSITORY_LOGIN: [&str; 2] = ["HELM_PLUGIN_USERNAME", "HELM_PLUGIN_PASSWORD"];

/// Removes the variables with credentials from the environment of a child process.
pub fn withhold_logins(command: &mut Command) -> &mut Command {
    for name in LOGIN.into_iter().chain(FROM_LOGIN).chain(REPOSITORY_LOGIN).chain([DOCKER_AUTH_CONFIG]) {
        command.env_remove(name);
    }
    command
}

/// One of Helm's directories: `HELM_<KIND>_HOME`, or else `XDG_<KIND>_HOME/helm`, or else the system's default
/// (pkg/helmpath/lazypath_*.go at v3.21.4).
fn helm_directory(kind: &str, own: fn() -> Option<PathBuf>) -> Option<PathBuf> {
    let xdg = || path(&format!("XDG_{kind}_HOME")).map(|directory| directory.join("helm"));
    path(&format!("HELM_{kind}_HOME")).or_else(xdg).or_else(own)
}

fn in_home(directory: &str) -> Option<PathBuf> {
    Some(path("HOME")?.join(directory))
}

/// Helm's configuration directory.
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

/// The file with the chart repositories that `helm repo add` has configured.
pub fn helm_repository_config() -> Option<PathBuf> {
    path("HELM_REPOSITORY_CONFIG").or_else(|| Some(helm_config()?.join("repositories.yaml")))
}

/// The file with the token services that the user has allowed.
pub fn trusted_realms() -> Option<PathBuf> {
    Some(helm_config()?.join("oci").join("trusted-realms.json"))
}

/// The file that `docker login` writes.
pub fn docker_config() -> Option<PathBuf> {
    let home = || path(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let directory = path("DOCKER_CONFIG").or_else(|| Some(home()?.join(".docker")))?;
    Some(directory.join("config.json"))
}

/// Credentials in docker's format, as pipelines provide them for docker and other tools.
pub fn docker_auth_config() -> Option<Zeroizing<String>> {
    text(DOCKER_AUTH_CONFIG).map(Zeroizing::new)
}

/// The variable of [`docker_auth_config`]. No child process needs it: the ones that we run provide credentials, or have
/// nothing to do with them.
const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// The files that `podman login` and `skopeo login` write, in the order in which they are read
/// (containers-auth.json(5); containers/image, pkg/docker/config/config.go, getAuthFilePaths, and common,
/// pkg/auth/auth.go, GetDefaultAuthFile). If a variable names a file, that is the only one; otherwise the session's
/// file comes before the permanent one.
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
    // Without session directories podman writes to this file, even if XDG_CONFIG_HOME is set.
    let home = in_home(".config").map(below).filter(|_| !cfg!(target_os = "linux"));
    let mut files = Vec::new();
    for file in [session.filter(|_| cfg!(target_os = "linux")), home, lasting].into_iter().flatten() {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// The session's directory for podman if XDG_RUNTIME_DIR is not set.
#[cfg(target_os = "linux")]
fn session_directory() -> Option<PathBuf> {
    Some(PathBuf::from(format!("/run/containers/{}", process::user())))
}

#[cfg(not(target_os = "linux"))]
fn session_directory() -> Option<PathBuf> {
    None
}

/// The file with what is known about registries, which contains no secrets. It is outside the chart cache, where it
/// could be mistaken for a chart.
pub fn registry_hints() -> Option<PathBuf> {
    Some(helm_cache()?.join("oci").join("registries.json"))
}

/// Helm's cache directory: `HELM_CACHE_HOME`, or else that of XDG or of the system. Its contents can be fetched again.
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
