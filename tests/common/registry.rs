//! Registries that live as long as a test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::home::Home;
use super::tools::tool;

/// A server on a port of the loopback interface that the system chose. It is killed when it is dropped.
struct Server {
    process: Child,
    address: String,
    scratch: TempDir,
}

impl Server {
    /// Starts a server and waits until it has said, after `announcement`, where it listens.
    fn start(mut command: Command, scratch: TempDir, announcement: &str) -> Self {
        let log = log_of(&scratch);
        let output = File::create(&log).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let mut server = Self { process, address: String::new(), scratch };
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            // Up to what ends a number, so that half a line is not half a port.
            let found = text.split_once(announcement).and_then(|(_, rest)| {
                rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').map(|end| &rest[..end])
            });
            if let Some(address) = found {
                server.address = address.to_owned();
                return server;
            }
            let ended = server.process.try_wait().unwrap();
            let late = started.elapsed() > Duration::from_secs(20);
            assert!(ended.is_none() && !late, "{command:?} does not serve ({ended:?}):\n{text}");
            sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(log_of(&self.scratch)).unwrap_or_default()
    }
}

fn log_of(scratch: &TempDir) -> PathBuf {
    scratch.path().join("log")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn scratch() -> TempDir {
    TempDir::with_prefix_in("registry-", env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Debian's docker-registry, on disk and with deletion enabled.
pub struct DockerRegistry(Server);

impl DockerRegistry {
    /// Starts one that lets everybody in; `None` where there is no docker-registry (see [`tool`]).
    pub fn start() -> Option<Self> {
        Self::start_with(scratch(), "")
    }

    /// Starts one that asks for this user and password.
    pub fn start_with_password(user: &str, password: &str) -> Option<Self> {
        let scratch = scratch();
        let home = Home::new();
        let made = home.program(tool("htpasswd")?).args(["-B", "-b", "-n", user, password]).run();
        let file = scratch.path().join("htpasswd");
        fs::write(&file, &made.succeeds().bytes).unwrap();
        let auth = format!("auth:\n  htpasswd:\n    realm: charts\n    path: {}\n", file.display());
        Self::start_with(scratch, &auth)
    }

    /// Starts one with this `auth:` section in its configuration.
    pub fn start_with_auth(auth: &str) -> Option<Self> {
        Self::start_with(scratch(), auth)
    }

    /// Starts one that deletes nothing, as it is by default.
    pub fn start_without_deletion() -> Option<Self> {
        Self::start_with_deletion(scratch(), "", false)
    }

    fn start_with(scratch: TempDir, auth: &str) -> Option<Self> {
        Self::start_with_deletion(scratch, auth, true)
    }

    fn start_with_deletion(scratch: TempDir, auth: &str, deletion: bool) -> Option<Self> {
        let program = tool("docker-registry")?;
        let data = scratch.path().join("data");
        let config = scratch.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: info\nhttp:\n  addr: 127.0.0.1:0\nstorage:\n  filesystem:\n    \
             rootdirectory: {}\n  delete:\n    enabled: {deletion}\n{auth}",
            data.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(config).env_clear();
        Some(Self(Server::start(command, scratch, "listening on ")))
    }

    /// `127.0.0.1:35665`
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Where its blobs and links lie, for tests that damage them.
    pub fn data(&self) -> PathBuf {
        self.0.scratch.path().join("data/docker/registry/v2")
    }

    /// The requests so far, as `GET /v2/`: what a command costs.
    ///
    /// The registry writes its log when it has answered; ask once the command has ended.
    pub fn requests(&self) -> Vec<String> {
        // The access log, in Apache's format: 127.0.0.1 - - [time] "GET /v2/ HTTP/1.1" 200 2 "" "agent"
        let log = self.0.log();
        log.lines()
            .filter(|line| line.starts_with("127.0.0.1 - "))
            .filter_map(|line| Some(line.split_once("] \"")?.1.split_once(" HTTP/")?.0.to_owned()))
            .collect()
    }

    /// Everything that it said.
    pub fn log(&self) -> String {
        self.0.log()
    }
}

/// Our own, `helm-registry-serve`.
pub struct EmbeddedRegistry(Server);

impl EmbeddedRegistry {
    /// Starts one in this home, with further arguments.
    pub fn start<const N: usize>(home: &Home, args: [&str; N]) -> Self {
        let command =
            home.command("helm-registry-serve").args(["--listen", "127.0.0.1:0"]).args(args).prepared();
        Self(Server::start(command, scratch(), "Serving on http://"))
    }

    /// The same, with a certificate among the arguments.
    pub fn start_over_tls<const N: usize>(home: &Home, args: [&str; N]) -> Self {
        let command =
            home.command("helm-registry-serve").args(["--listen", "127.0.0.1:0"]).args(args).prepared();
        Self(Server::start(command, scratch(), "Serving on https://"))
    }

    /// `127.0.0.1:35665`
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Everything that it said.
    pub fn log(&self) -> String {
        self.0.log()
    }
}
