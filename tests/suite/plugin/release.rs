//! The tarball: what is in it, and that Helm takes it from a server.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::UNIX_EPOCH;

use flate2::read::GzDecoder;

use super::world::{World, built, executables, home, link_or_copy, man, root};
use crate::common::{Home, copy_directory};

/// What the tests run out of the tarball is the real thing, without what only a debugger reads.
const REAL: [&str; 4] = ["helm-oci", "helm-chart-save", "helm-chart-list", "helm-chart-get"];

/// A directory with all executables: those of the list, and in the place of the others scripts that call them, because
/// what cargo builds for tests is ten times as large as what is released.
fn executables_in(home: &Home, at: &str, real: &[&str]) -> PathBuf {
    let from = home.directory(at);
    for name in executables() {
        let (path, target) = (built().join(&name), from.join(&name));
        if real.contains(&name.as_str()) {
            let status = Command::new("strip").arg("-o").arg(&target).arg(&path).status();
            assert!(status.unwrap().success());
        } else {
            home.write(&target, format!("#!/bin/sh\nexec '{}' \"$@\"\n", path.display()));
            fs::set_permissions(&target, Permissions::from_mode(0o750)).unwrap();
        }
    }
    fs::create_dir(from.join("examples")).unwrap();
    link_or_copy(man(), &from.join("examples/man"));
    from
}

fn make(home: &Home, from: &Path, to: &Path) -> PathBuf {
    // What it is made of, cargo is asked: the one that runs this test, with the packages that it has.
    let cargo = Path::new(env!("CARGO")).parent().unwrap();
    let own = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo");
    let packages = std::env::var_os("CARGO_HOME").map_or_else(own, PathBuf::from);
    let output = home
        .program(root().join("scripts/release"))
        .env("PATH", format!("{}:{}", cargo.display(), std::env::var("PATH").unwrap()))
        .env("CARGO_HOME", packages)
        .args(["--from"])
        .args([from]);
    let output = output.args(["--to"]).args([to, Path::new("x86_64-unknown-linux-musl")]).run();
    let tarball = to.join(format!("oci-{}-linux-amd64.tgz", env!("CARGO_PKG_VERSION")));
    let shown = to.display().to_string().replace(&home.path().display().to_string(), "$HOME");
    let name = tarball.file_name().unwrap().to_str().unwrap();
    let (parts, local) = (name.replace(".tgz", ".cdx.json"), name.replace(".tgz", "-local.tgz"));
    output
        .prints(&format!("{shown}/{name}\n{shown}/{local}\n{shown}/{parts}\n{shown}/checksums.txt\n"))
        .stderr_is("");
    tarball
}

/// Serves one file, as any web server does, and says what was asked for.
fn serve(file: &Path, content_type: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url =
        format!("http://{}/{}", listener.local_addr().unwrap(), file.file_name().unwrap().to_str().unwrap());
    let content = fs::read(file).unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    count => request.extend(&buffer[..count]),
                }
            }
            let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
            let head = line.starts_with("HEAD ");
            seen.lock().unwrap().push(line);
            let header = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                content.len()
            );
            // Whoever has seen enough may go.
            let _ = stream.write_all(header.as_bytes());
            if !head {
                let _ = stream.write_all(&content);
            }
        }
    });
    (url, requests)
}

#[test]
fn the_tarball_is_what_helms_installers_want_and_works() {
    let made = home();
    let from = executables_in(&made, "executables", &REAL);
    let tarball = make(&made, &from, &made.path().join("dist"));
    holds_files_and_directories_alone(&tarball, "");
    // For Helm 4, from a file.
    let local = tarball.display().to_string().replace(".tgz", "-local.tgz");
    holds_files_and_directories_alone(Path::new(&local), "oci");
    has_a_checksum(&made, &tarball);
    for helm in ["helm", "helm36"] {
        let Some(world) = World::new(helm) else { continue };
        // What web servers make of .tgz; Helm 3 goes by it and by nothing else.
        let (url, requests) = serve(&tarball, "application/x-gzip");
        works(&world, &url);
        assert!(
            requests.lock().unwrap().iter().all(|line| line.contains("/oci-")),
            "nothing else was asked for"
        );
    }
}

fn works(world: &World, url: &str) {
    world.helm(["plugin", "install", url]).run().prints("Installed plugin: oci\n").stderr_is("");
    assert_eq!(world.installed(), ["chart", "chart-cache", "oci"]);
    world.helm(["oci", "version"]).run().prints(&format!("helm-oci {}\n", env!("CARGO_PKG_VERSION")));
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    world.helm(["oci", "save", "-q", "mychart", "localhost:1/mychart"]).run().succeeds();
    world.helm(["template", "chart-cache://localhost:1/mychart:2.7.0"]).run().succeeds();
    let completed = world.helm(["__complete", "oci", "push", ""]).run();
    assert!(completed.succeeds().stdout.starts_with("localhost:1/mychart:2.7.0\n:4\n"), "{completed}");
    let page = world.plugins().join("oci/man/man1/helm-chart-push.1");
    assert!(page.is_file());
    // No hook is needed for what is called oci.
    fs::remove_dir_all(world.plugins().join("chart")).unwrap();
    fs::remove_dir_all(world.plugins().join("chart-cache")).unwrap();
    world.helm(["oci", "chart", "list"]).run().succeeds();
    let uninstall = || {
        world.helm(["plugin", "uninstall", "oci"]).run().prints("Uninstalled plugin: oci\n");
        assert_eq!(world.installed(), Vec::<String>::new());
    };
    uninstall();
    // Helm stumbles over its own copy, as it does with every plugin that has directories. The manual tells.
    let again = world.helm(["plugin", "install", url]).run();
    assert!(again.fails(1).stderr.contains("libexec: file exists"), "{again}");
    let line = "rm -r \"$($0 env HELM_CACHE_HOME)/plugins/\"*-oci-*.tgz";
    assert!(
        fs::read_to_string(root().join("scripts/man/helm-oci-plugin.7.md"))
            .unwrap()
            .contains(&line.replace("$0", "helm"))
    );
    world.home.program("sh").args(["-c", line]).args([world.program()]).run().succeeds();
    world.helm(["plugin", "install", url]).run().prints("Installed plugin: oci\n");
    uninstall();
}

/// What Helm's installers want of a tarball with everything in one directory, or with everything at its root.
fn holds_files_and_directories_alone(tarball: &Path, root: &str) {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(tarball).unwrap()));
    let (mut seen, mut programs) = (Vec::new(), 0);
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        let path = entry.path().unwrap().into_owned();
        let kind = header.entry_type();
        assert!(kind.is_file() || kind.is_dir(), "{}", path.display());
        assert!(path.starts_with(root), "{}", path.display());
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        // Helm 3 makes one directory at a time, and the root is there.
        let above = path.parent().unwrap();
        assert!(above.as_os_str().is_empty() || seen.contains(&above.to_owned()), "{}", path.display());
        assert!(!path.starts_with(".") && path.as_os_str() != "", "{}", path.display());
        if path.starts_with(Path::new(root).join("libexec")) && kind.is_file() {
            assert_eq!(header.mode().unwrap() & 0o777, 0o755, "{}", path.display());
            programs += 1;
        }
        seen.push(path);
    }
    assert_eq!(programs, executables().len());
    for path in [
        "plugin.yaml",
        "plugin.complete",
        "completion.yaml",
        "README.md",
        "LICENSE",
        "man/man1/helm-oci.1",
        "man/man7/helm-oci-cache.7",
    ] {
        assert!(seen.contains(&Path::new(root).join(path)), "{path}");
    }
    assert!(!seen.contains(&Path::new(root).join("Cargo.toml")));
}

fn has_a_checksum(home: &Home, tarball: &Path) {
    let directory = tarball.parent().unwrap();
    let output =
        home.program("sha256sum").args(["--check", "--strict", "checksums.txt"]).dir(directory).run();
    let name = tarball.file_name().unwrap().to_str().unwrap();
    let (parts, local) = (name.replace(".tgz", ".cdx.json"), name.replace(".tgz", "-local.tgz"));
    output.prints(&format!("{local}: OK\n{name}: OK\n{parts}: OK\n"));
}

#[test]
fn the_same_executables_give_the_same_bytes() {
    let made = home();
    let first = make(&made, &executables_in(&made, "first", &[]), &made.path().join("dist"));
    let from = executables_in(&made, "second", &[]);
    for name in executables() {
        // Other times, other rights.
        File::options().append(true).open(from.join(&name)).unwrap().set_modified(UNIX_EPOCH).unwrap();
        fs::set_permissions(from.join(&name), Permissions::from_mode(0o777)).unwrap();
    }
    let second = make(&made, &from, &made.path().join("again"));
    assert!(fs::read(first).unwrap() == fs::read(second).unwrap(), "the bytes differ");
}
