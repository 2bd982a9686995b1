//! No secret is ever where it does not belong: every command is run with canaries, told to tell everything, and then all
//! that it has said, written and started is searched for them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{EmbeddedRegistry, Home, Keyring, Output, write_chart};

/// The user `me` with the first canary.
const PASSWORD: &str = "canary-aesh7Aeg";
const TOKEN: &str = "canary-ieM9ohph";
/// What all of them have in common, also in base64 at any offset of a `user:password`, and in reverse.
const NEEDLES: &[&str] = &["canary-", "aesh7Aeg", "ieM9ohph", "Y2FuYXJ5", "jYW5hcnkt", "NhbmFyeS"];

fn search(what: &str, bytes: &[u8], hits: &mut Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    for needle in NEEDLES {
        if text.contains(needle) {
            hits.push(format!("{what}: {needle}"));
        }
    }
}

fn search_files(directory: &Path, hits: &mut Vec<String>, files: &mut usize) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            search_files(&path, hits, files);
        } else {
            *files += 1;
            search(&path.display().to_string(), &fs::read(&path).unwrap(), hits);
        }
    }
}

/// A helper that tells what anybody may see of it and of those above it, up to us, and then answers.
fn spy() -> String {
    let us = std::process::id();
    format!(
        "pid=$$\nwhile [ \"$pid\" -gt 1 ] && [ \"$pid\" != {us} ]; do\n  tr '\\0' '\\n' </proc/$pid/cmdline >>\"$HOME/seen\"\n  \
         [ \"$pid\" = $$ ] && tr '\\0' '\\n' </proc/$pid/environ >>\"$HOME/seen\"\n  \
         pid=$(sed -n 's/^PPid:[^0-9]*//p' /proc/$pid/status)\ndone\necho spied >>\"$HOME/spied\"\n\
         case $1 in\n  get) read -r server; printf '{{\"ServerURL\":\"%s\",\"Username\":\"me\",\"Secret\":\"%s%s%s\"}}' \"$server\" \
         canary -aesh 7Aeg ;;\n  list) echo '{{\"spied.example.com\":\"me\"}}' ;;\n  *) cat >/dev/null ;;\nesac"
    )
}

#[test]
fn no_secret_is_anywhere() {
    let mut home = Home::new();
    let keyring = Keyring::start(&mut home, &[]);
    home.set("HELM_DEBUG", "true");
    home.set("RUST_LOG", "trace");
    home.write("htpasswd", format!("me:{}\n", bcrypt::hash(PASSWORD, 4).unwrap()));
    let registry =
        EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd", "--debug"]);
    let host = registry.address();
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n")],
    );
    let reference = format!("{host}/group/mychart:1.0.0");
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    home.script("docker-credential-spy", &spy());

    let mut outputs: Vec<Output> = Vec::new();
    let mut run = |name: &str, args: &[&str], stdin: &str, env: &[(&str, &str)]| {
        let command = home.command(name).args(args).stdin(stdin);
        outputs.push(env.iter().fold(command, |command, (name, value)| command.env(name, value)).run());
    };
    let (login, given) =
        (["-u", "me", "--password-stdin"], [("HELM_OCI_USERNAME", "me"), ("HELM_OCI_PASSWORD", PASSWORD)]);
    let with = |args: &[&'static str], host: &'static str| [args, &[host]].concat();
    let host: &'static str = Box::leak(host.to_owned().into_boxed_str());
    let reference: &'static str = Box::leak(reference.into_boxed_str());

    // Given with the command, right and wrong.
    for (stdin, verb) in
        [(PASSWORD, "helm-chart-push"), (PASSWORD, "helm-chart-pull"), (TOKEN, "helm-chart-push")]
    {
        run(verb, &with(&login, reference), stdin, &[]);
    }
    run("helm-chart-push", &with(&["-u", "<token>", "--password-stdin"], reference), TOKEN, &[]);
    run("helm-chart-pull", &[reference], "", &given);
    run("helm-oci", &["pull", reference], "", &given);
    run("helm-registry-status", &["--test"], "", &given);
    // Kept by a helper, which sees what children see.
    home.write(".docker/config.json", r#"{"credsStore":"spy"}"#);
    run("helm-chart-push", &[reference], "", &[]);
    run("helm-chart-pull", &[reference, "-o", "json"], "", &[("HELM_OCI_USERNAME", "")]);
    run("helm-registry-status", &["--test", "-o", "yaml"], "", &given);
    run("helm-registry-logout", &[host], "", &given);
    home.write(".config/helm/registry/config.json", r#"{"credsStore":"spy"}"#);
    run(
        "helm-registry-login",
        &with(&["--store=file", "-u", "me", "--password-stdin"], host),
        PASSWORD,
        &given,
    );
    run("helm-registry-logout", &[host], "", &given);
    fs::remove_file(home.path().join(".config/helm/registry/config.json")).unwrap();
    fs::remove_file(home.path().join(".docker/config.json")).unwrap();
    // Kept by the keyring.
    for (stdin, user) in [(PASSWORD, "me"), (TOKEN, "me"), (TOKEN, "<token>")] {
        run("helm-registry-login", &with(&["-u", user, "--password-stdin"], host), stdin, &[]);
    }
    run(
        "helm-registry-login",
        &with(&["-u", "me", "--password-stdin", "--trust-realm", "sso.example.net"], host),
        PASSWORD,
        &[],
    );
    run("helm-chart-push", &[reference, reference], "", &[]);
    run("helm-registry-status", &["--test", "-o", "json"], "", &[]);
    run("docker-credential-helm-oci", &["store"], &format!(r#"{{"ServerURL":"x","Secret":"{TOKEN}"}}"#), &[]);
    run("docker-credential-helm-oci", &["store"], &format!(r#"{{"ServerURL":"x","Username":"{TOKEN}"#), &[]);
    run("docker-credential-helm-oci", &["list"], "", &[]);
    run("helm-registry-logout", &[host], "", &[]);
    // Where somebody has put it by mistake.
    run(
        "helm-registry-login",
        &with(&["-u", "me", "--password-stdin"], "me:x@registry.example.com"),
        PASSWORD,
        &[],
    );
    home.write(".docker/config.json", format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{PASSWORD}\"}}}}}}"));
    run("helm-chart-pull", &[reference], "", &[]);
    run("helm-registry-status", &[], "", &[]);
    home.write(".docker/config.json", format!("{{\"auths\":{PASSWORD}"));
    run("helm-chart-pull", &[reference], "", &[]);
    fs::remove_file(home.path().join(".docker/config.json")).unwrap();
    // In a variable of docker's, right, wrong and broken; a helper is run beside it.
    let pair = |secret: &str| STANDARD.encode(format!("me:{secret}"));
    let auths = |entry: &str| format!(r#"{{"auths":{{"{host}":{entry}}}}}"#);
    for text in [
        auths(&format!(r#"{{"auth":"{}"}}"#, pair(PASSWORD))),
        auths(&format!(r#"{{"auth":"{}"}}"#, pair(TOKEN))),
        auths(&format!(r#"{{"auth":"{PASSWORD}"}}"#)),
        auths(&format!(r#"{{"registrytoken":"{TOKEN}"}}"#)),
        auths(&format!(r#"{{"registrytoken":"{TOKEN}\n"}}"#)),
        format!(r#"{{"credsStore":"spy","x":"{PASSWORD}"}}"#),
        PASSWORD.to_owned(),
        format!(r#"{{"auths":{{"https://me:{PASSWORD}@{host}/":7}}}}"#),
        format!(r#"{{"auths":{{"https://me:{PASSWORD}@{host}/":{{"auth":"{}"}}}}}}"#, pair(PASSWORD)),
    ] {
        let env = [("DOCKER_AUTH_CONFIG", text.as_str())];
        run("helm-chart-push", &[reference], "", &env);
        run("helm-chart-pull", &[reference], "", &env);
        run("helm-registry-status", &["--test", "-o", "json"], "", &env);
        run("helm-registry-logout", &[host], "", &env);
    }
    // With podman, and in docker's file as a token for the registry.
    for (file, entry) in [
        ("podman.json", format!(r#"{{"auth":"{}"}}"#, pair(TOKEN))),
        ("podman.json", format!(r#"{{"auth":"{}"}}"#, pair(PASSWORD))),
        (".docker/config.json", format!(r#"{{"registrytoken":"{TOKEN}"}}"#)),
        (".docker/config.json", format!(r#"{{"registrytoken":"{TOKEN}\u0000"}}"#)),
    ] {
        home.write(file, auths(&entry));
        let podman = home.path().join("podman.json");
        let env = [("REGISTRY_AUTH_FILE", podman.to_str().unwrap())];
        for (name, args) in [
            ("helm-chart-push", &[reference][..]),
            ("helm-chart-pull", &[reference]),
            ("helm-registry-status", &["--test"]),
            ("helm-registry-status", &["--adopt", host]),
        ] {
            run(name, args, "", &env);
        }
        fs::remove_file(home.path().join(file)).unwrap();
        run("helm-registry-logout", &[host], "", &[]);
    }
    // Kept for Helm, too.
    run("helm-registry-login", &with(&["--for-helm", "-u", "me", "--password-stdin"], host), PASSWORD, &[]);
    run("helm-chart-pull", &[reference], "", &[]);
    run("helm-registry-logout", &[host], "", &[]);
    // An extension sees nothing of it either.
    home.script(
        "helm-oci-spy",
        "tr '\\0' '\\n' </proc/$$/environ >>\"$HOME/seen\"; echo spied >>\"$HOME/extended\"",
    );
    let both = [given[0], given[1], ("DOCKER_AUTH_CONFIG", PASSWORD)];
    run("helm-oci", &["spy"], "", &both);

    let (mut hits, mut files) = (Vec::new(), 0);
    for output in &outputs {
        search("stdout", &output.bytes, &mut hits);
        search("stderr", output.stderr.as_bytes(), &mut hits);
    }
    search("the registry's log", registry.log().as_bytes(), &mut hits);
    search_files(home.path(), &mut hits, &mut files);
    // The searched is what we think it is: what should work has worked, so that secrets were where they belong.
    let worked = outputs.iter().filter(|output| output.to_string().contains("ended with Some(0)")).count();
    assert!(worked >= 40, "{worked} of {} commands have worked", outputs.len());
    let spied = fs::read_to_string(home.path().join("spied")).unwrap();
    assert!(home.path().join("extended").is_file());
    assert!(spied.lines().count() >= 8, "the spy was asked {} times", spied.lines().count());
    let seen = fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(seen.contains("HELM_DEBUG=true") && seen.contains("helm-chart-pull"), "{seen}");
    crate::common::note(&format!(
        "{} commands, {files} files, {} helpers spied on, keyring: {}: {} hits",
        outputs.len(),
        spied.lines().count(),
        keyring.is_some(),
        hits.len()
    ));
    assert_eq!(hits, Vec::<String>::new());
}

#[test]
fn a_canary_that_is_there_is_found() {
    let mut hits = Vec::new();
    search("x", b"GET /v2/?token=canary-ieM9ohph", &mut hits);
    search("x", b"Authorization: Basic bWU6Y2FuYXJ5LWFlc2g3QWVn", &mut hits);
    assert_eq!(hits, ["x: canary-", "x: ieM9ohph", "x: Y2FuYXJ5"]);
}
