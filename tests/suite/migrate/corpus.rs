//! Real charts, as a repository that `helm repo index` makes and `python3 -m http.server` serves.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::site::{layers, migrate};
use crate::common::{DockerRegistry, Home, corpus, tool};

/// So many charts of the corpus, spread over it.
const CHARTS: usize = 40;

/// A web server. It ends with this value.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    pub fn at(directory: &Path) -> Option<Self> {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        let port = line.split("port ").nth(1)?.split(' ').next()?.to_owned();
        Some(Self { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn real_charts_arrive_as_they_are_and_helm_pulls_them() {
    let (Some(charts), Some(docker)) = (corpus(), DockerRegistry::start()) else { return };
    let (Some(helm), Some(helm4)) = (tool("helm"), tool("helm4")) else { return };
    let home = Home::new();
    let repository = home.directory("repository");
    for chart in charts.iter().step_by(charts.len() / CHARTS) {
        // What lacks its dependencies Helm does not package.
        let _ = home.program(&helm).args([Path::new("package"), chart, Path::new("-d"), &repository]).run();
    }
    home.program(&helm).args(["repo", "index", "repository"]).run().succeeds();
    let served = Served::at(&repository).expect("python3 serves a directory");
    let run = migrate(&home, &served.url, docker.address(), &["-o", "json"]);
    let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    let rows = document["charts"].as_array().unwrap();
    assert!(rows.len() >= 20 && rows.iter().all(|row| row["status"] == "copied"), "{run}");
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap();
        assert_eq!(row["chartDigest"], row["indexDigest"]);
        let found = layers(docker.address(), text("name"), &text("version").replace('+', "_"));
        assert_eq!(found.unwrap(), [text("indexDigest")]);
    }
    // Python knows Last-Modified.
    let again = migrate(&home, &served.url, docker.address(), &[]);
    assert!(again.succeeds().stdout.contains("; 1 request in 0 s"), "{again}");
    // Helm 3 and 4 pull them, and have the bytes of the repository.
    let (three, four) = (home.directory("three"), home.directory("four"));
    let mut by_four = String::new();
    for row in rows {
        let (name, version) = (row["name"].as_str().unwrap(), row["version"].as_str().unwrap());
        let reference = format!("oci://{}/charts/{name}", docker.address());
        let words = ["pull", &reference, "--version", version, "-d", "three"];
        home.program(&helm).args(words).run().succeeds();
        let words = ["pull", &reference, "--version", version, "-d", "four", "--plain-http"];
        by_four.push_str(&(serde_json::json!(words).to_string() + "\n"));
    }
    let output = home.program(&helm4).args(["many"]).stdin(by_four).run();
    for line in output.succeeds().stdout.lines() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["code"], 0, "{line}");
    }
    for row in rows {
        let file = format!("{}-{}.tgz", row["name"].as_str().unwrap(), row["version"].as_str().unwrap());
        let bytes = fs::read(repository.join(&file)).unwrap();
        assert!(fs::read(three.join(&file)).unwrap() == bytes, "{file}");
        assert!(fs::read(four.join(&file)).unwrap() == bytes, "{file}");
    }
}
