//! A registry process of one's own, and a client that takes nothing for granted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use oci::digest::{Algorithm, Digest, Hasher};
use oci::media_type::MANIFEST;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::http::{HeaderMap, Request};

/// Nothing here takes long; what does is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `helm-registry-serve`. It is killed when it goes.
pub struct Server {
    child: Child,
    pub data: TempDir,
    pub url: String,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// The program, with its data in `data` below a directory that is the test's.
pub fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helm-registry-serve"));
    command.env_clear().arg("--data").arg(data.join("data"));
    if !args.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(args);
    command
}

impl Server {
    /// The directory that is served.
    pub fn root(&self) -> PathBuf {
        self.data.path().join("data")
    }

    pub fn start() -> Self {
        Self::with(TempDir::new().unwrap(), &[])
    }

    pub fn with(data: TempDir, args: &[&str]) -> Self {
        Self::run(command(data.path(), args), data)
    }

    /// The same in a shell, after some of its commands: limits, for example.
    pub fn after(commands: &str) -> Self {
        let data = TempDir::new().unwrap();
        let serve = command(data.path(), &[]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{commands}\nexec \"$0\" \"$@\"")]).arg(serve.get_program());
        shell.args(serve.get_args()).current_dir(data.path());
        Self::run(shell, data)
    }

    pub fn run(mut command: Command, data: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("Serving on ").expect(&line).to_owned();
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build();
        Self { child, data, url, agent: config.into() }
    }

    /// Stops it in the middle of everything, and starts another on the same data.
    pub fn kill_and_restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let data = std::mem::replace(&mut self.data, TempDir::new().unwrap());
        Self::with(data, &[])
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the registry does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let (parts, mut body) = response.unwrap_or_else(|e| panic!("{method} {path}: {e}")).into_parts();
        let body = body.with_config().limit(1 << 30).read_to_vec().unwrap();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    pub fn head(&self, path: &str) -> Reply {
        self.send("HEAD", path, &[], None)
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None)
    }

    pub fn post(&self, path: &str) -> Reply {
        self.send("POST", path, &[], Some(b""))
    }

    /// Opens an upload session and gives its location.
    pub fn open(&self, name: &str) -> String {
        self.post(&format!("/v2/{name}/blobs/uploads/")).is(202).header("location").to_owned()
    }

    pub fn patch(&self, location: &str, range: &str, chunk: &[u8]) -> Reply {
        self.send("PATCH", location, &[("Content-Range", range)], Some(chunk))
    }

    pub fn put_blob(&self, location: &str, digest: &Digest, content: &[u8]) -> Reply {
        let headers = [("Content-Type", "application/octet-stream")];
        self.send("PUT", &format!("{location}?digest={digest}"), &headers, Some(content))
    }

    /// Pushes a blob in the ordinary way.
    pub fn push(&self, name: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        self.put_blob(&self.open(name), &digest, content).is(201);
        digest
    }

    pub fn put_manifest(&self, name: &str, target: &str, media_type: &str, manifest: &[u8]) -> Reply {
        let path = format!("/v2/{name}/manifests/{target}");
        self.send("PUT", &path, &[("Content-Type", media_type)], Some(manifest))
    }

    /// Pushes a small manifest with its config, and gives what it is and what it is called.
    pub fn push_manifest(&self, name: &str, tag: &str) -> (Vec<u8>, Digest) {
        let manifest = manifest(self, name, tag, &json!({}));
        self.put_manifest(name, tag, MANIFEST, &manifest).is(201);
        let digest = Digest::of(&manifest);
        (manifest, digest)
    }

    /// A connection for what no proper client would send.
    pub fn raw(&self) -> TcpStream {
        let address = self.url.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The most memory that it has had at once, in bytes. The system counts that anew for each program.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// Where a path is for the server, if that sees other file systems than the test does.
    pub fn sees(&self, path: &Path) -> PathBuf {
        Path::new("/proc")
            .join(self.child.id().to_string())
            .join("root")
            .join(path.strip_prefix("/").unwrap())
    }

    /// Sends bytes as they are, and gives everything that comes back until the connection ends.
    pub fn raw_reply(&self, bytes: &[u8]) -> String {
        let mut stream = self.raw();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        // A reset after the answer is still an answer.
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// How many files there are below a directory of the data.
    pub fn files(&self, dir: &str) -> usize {
        fn count(dir: &Path) -> usize {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.root().join(dir))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    /// Insists on a status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, String::from_utf8_lossy(&self.body));
        self
    }

    /// Insists on a status, and on the code in the body.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        assert_eq!(reply.json()["errors"][0]["code"], code, "{}", reply.json());
        reply
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        assert!(self.header("content-type").contains("json"));
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A manifest whose config is in the repository, with more fields if wanted.
pub fn manifest(server: &Server, name: &str, content: &str, more: &Value) -> Vec<u8> {
    let config = server.push(name, content.as_bytes());
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": "application/vnd.example.config", "digest": config, "size": content.len() },
        "layers": [],
    });
    for (key, value) in more.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    manifest.to_string().into_bytes()
}

pub fn sha512(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(content);
    hasher.finish()
}

/// Content that does not repeat, and is the same every time.
pub fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut content: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next().to_le_bytes()).collect();
    content.truncate(length);
    content
}
