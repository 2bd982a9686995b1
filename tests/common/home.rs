//! A user's home directory, and commands that see nothing but it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::tools::target;

/// A directory that is the whole world of the commands run in it. It goes when it is dropped.
pub struct Home {
    root: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Home {
    /// Makes an empty one.
    pub fn new() -> Self {
        let root = TempDir::with_prefix_in("home-", env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut environment = BTreeMap::new();
        let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
        // Ours first: the commands of one plugin find each other on the PATH.
        set(
            "PATH",
            std::env::join_paths([
                executables().as_path(),
                &root.path().join("bin"),
                Path::new("/usr/bin"),
                Path::new("/bin"),
            ])
            .unwrap(),
        );
        set("HOME", root.path().into());
        set("HELM_HOME", root.path().join(".helm").into());
        for (name, directory) in
            [("CACHE", ".cache/helm"), ("CONFIG", ".config/helm"), ("DATA", ".local/share/helm")]
        {
            set(&format!("HELM_{name}_HOME"), root.path().join(directory).into());
        }
        set("DOCKER_CONFIG", root.path().join(".docker").into());
        // Without an address the bus of whoever runs the tests would be found, and their keyring on it.
        set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/no-bus", root.path().display()).into());
        set("LC_ALL", "C.UTF-8".into());
        set("TZ", "UTC".into());
        Self { root, environment }
    }

    /// The directory itself, in which commands start.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The chart cache, `$HELM_HOME/registry`.
    pub fn cache(&self) -> PathBuf {
        self.path().join(".helm/registry")
    }

    /// Sets a variable for every command to come.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.environment.insert(name.into(), value.as_ref().into());
    }

    /// Makes a directory, and those above it.
    pub fn directory(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Puts a program of these lines on the PATH, before all others but ours.
    pub fn script(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.write(Path::new("bin").join(name), format!("#!/bin/sh\n{lines}\n"));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Prepares one of our executables, by its name.
    pub fn command(&self, name: &str) -> Run<'_> {
        self.program(executables().join(name))
    }

    /// Where one of our executables is.
    pub fn executable(&self, name: &str) -> PathBuf {
        executables().join(name)
    }

    /// Prepares any program, by its path.
    pub fn program(&self, program: impl AsRef<Path>) -> Run<'_> {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(&self.environment).current_dir(self.path());
        Run { home: self, command, stdin: Vec::new() }
    }
}

/// Where cargo puts the executables: above the `deps` that this test lies in. HELM_OCI_EXECUTABLES names other ones, as
/// scripts/test does with those that are shipped.
pub fn executables() -> PathBuf {
    if let Some(directory) = std::env::var_os("HELM_OCI_EXECUTABLES") {
        return directory.into();
    }
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap_or(target()).to_owned()
}

/// A command that has not run yet.
#[must_use = "nothing runs before .run()"]
pub struct Run<'a> {
    home: &'a Home,
    command: Command,
    stdin: Vec<u8>,
}

impl Run<'_> {
    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Gives it something to read; without it standard input is empty.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Sets a variable for this command.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it in another directory, relative to the home.
    pub fn dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(self.home.path().join(directory));
        self
    }

    /// The command itself, for a program that is not to be waited for.
    pub fn prepared(self) -> Command {
        self.command
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Output {
        let shown = format!("{:?}", self.command);
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let text = self.stdin;
        // It may fill its output before it has read everything, or end without reading at all.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&text)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let home = self.home.path().to_string_lossy();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*home, "$HOME");
        Output {
            command: shown,
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            bytes: output.stdout,
        }
    }
}

/// What a command left. In its texts the home directory is called `$HOME`.
#[must_use = "look at what the command did"]
pub struct Output {
    command: String,
    /// What it ended with; none if it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Standard output as it came.
    pub bytes: Vec<u8>,
}

impl Output {
    /// It ended with 0.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// It ended with 0 and wrote just this to standard output.
    #[track_caller]
    pub fn prints(&self, stdout: &str) -> &Self {
        self.succeeds().stdout_is(stdout)
    }

    /// It ended with this code.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It wrote just this to standard output, however it ended.
    #[track_caller]
    pub fn stdout_is(&self, stdout: &str) -> &Self {
        assert_eq!(self.stdout, stdout, "{self}");
        self
    }

    /// It wrote just this to standard error.
    #[track_caller]
    pub fn stderr_is(&self, stderr: &str) -> &Self {
        assert_eq!(self.stderr, stderr, "{self}");
        self
    }

    /// It wrote nothing to standard error but what Helm will not find by this reference.
    #[track_caller]
    pub fn warns_of_names_alone(&self) -> &Self {
        assert_eq!(self.stderr_but_names(), "", "{self}");
        self
    }

    /// What it wrote to standard error, without what Helm will not find by a reference.
    pub fn stderr_but_names(&self) -> String {
        let of_names = |line: &str| line.starts_with("Warning: ") && line.contains(": Helm will not find ");
        let others = self.stderr.lines().filter(|line| !of_names(line));
        others.map(|line| format!("{line}\n")).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}\nended with {:?}", self.command, self.code)?;
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
    }
}
