//! What `--debug` shows: each request in one line, where each credential came from, and nothing about what may be absent.

use std::fs;

use crate::common::mock::{Mock, on};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, write_chart};

const COMMANDS: [&str; 14] = [
    "helm-chart-export",
    "helm-chart-fsck",
    "helm-chart-get",
    "helm-chart-list",
    "helm-chart-pull",
    "helm-chart-push",
    "helm-chart-remove",
    "helm-chart-save",
    "helm-chart-tag",
    "helm-oci",
    "helm-registry-login",
    "helm-registry-logout",
    "helm-registry-serve",
    "helm-registry-status",
];

fn home() -> Home {
    let home = Home::new();
    write_chart(
        &home.path().join("web"),
        &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"), ("values.yaml", "a: 1\n")],
    );
    home
}

/// A line of the log: method, URL, status, bytes sent and received. That there is a time is looked at, and no more.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    request: String,
    status: String,
    sent: u64,
    received: u64,
}

/// The requests in what a command said on stderr.
fn requests(stderr: &str) -> Vec<Line> {
    let request = |line: &str| {
        let (request, rest) = line.strip_prefix("debug: ")?.rsplit_once(": ")?;
        let [status, sent, received, took] = rest.split(", ").collect::<Vec<_>>().try_into().ok()?;
        took.strip_suffix(" ms")?.parse::<u64>().ok()?;
        Some(Line {
            request: request.to_owned(),
            status: status.to_owned(),
            sent: sent.strip_suffix(" B sent")?.parse().ok()?,
            received: received.strip_suffix(" B received")?.parse().ok()?,
        })
    };
    stderr.lines().filter_map(request).collect()
}

#[test]
fn every_request_is_one_line_and_nothing_else_is() {
    let Some(registry) = DockerRegistry::start() else { return };
    let home = home();
    let host = registry.address();
    let reference = format!("{host}/charts/web:0.1.0");
    let mut before = 0;
    // What the registry's own log has, and what ours has, in the order of their names: some go at the same time.
    let mut compare = |command: &str, args: &[&str]| {
        let output = home.command(command).args(args).args(["--debug"]).run();
        output.succeeds();
        let ours = requests(&output.stderr);
        let shown = |line: &Line| line.request.replace(&format!("http://{host}"), "");
        let mut told: Vec<_> = ours.iter().map(shown).collect();
        let all = registry.requests();
        let without_query = |line: &String| line.split('?').next().unwrap().to_owned();
        let mut theirs: Vec<_> = all[before..].iter().map(without_query).collect();
        before = all.len();
        told.sort();
        theirs.sort();
        assert_eq!(told, theirs, "{output}");
        let others = output.stderr.lines().filter(|line| requests(line).is_empty());
        let cache = format!("debug: the cache is {}", home.cache().display());
        let cache = cache.replace(&*home.path().to_string_lossy(), "$HOME");
        assert_eq!(others.collect::<Vec<_>>(), [cache], "{output}");
        ours
    };
    let pushed = compare("helm-chart-push", &["web", &format!("oci://{host}/charts")]);
    let size = |name: &str| fs::metadata(home.blob(&reference, name)).unwrap().len();
    let puts: Vec<_> = pushed.iter().filter(|line| line.request.starts_with("PUT ")).collect();
    assert!(puts.iter().all(|line| line.status == "201" && line.received == 0), "{puts:?}");
    assert_eq!(puts.last().unwrap().sent, size("manifest"));
    assert!(puts[..2].iter().any(|line| line.sent == size("config")), "{puts:?}");
    home.command("helm-chart-remove").args([&reference]).run().succeeds();
    let pulled = compare("helm-chart-pull", &[&reference]);
    assert_eq!((pulled[0].status.as_str(), pulled[0].received), ("200", size("manifest")));
    assert!(pulled.iter().all(|line| line.sent == 0), "{pulled:?}");
    assert!(pulled[1..].iter().any(|line| line.received == size("config")), "{pulled:?}");
}

#[test]
fn no_query_and_nothing_that_drives_a_terminal_is_in_it() {
    let config = b"{\"name\":\"web\",\"version\":\"0.1.0\",\"apiVersion\":\"v2\"}";
    let path = "/keep/%E2%80%AEgpj%1B[31m?X-Amz-Signature=s3cret&Expires=1";
    let mock = Mock::serve(move |request| match request.line.as_str() {
        line if line.starts_with("GET /v2/a/manifests/") => {
            on(line).answer(307, &[("Location", path)], config)
        }
        line => on(line).answer(404, &[], b"\x1b[31mno\xc2\x9b31m"),
    });
    let home = Home::new();
    let reference = format!("{}/a:1", mock.host());
    let output = home.command("helm-chart-pull").args([&reference, "--debug"]).run();
    output.fails(3).stdout_is("");
    let found = requests(&output.stderr);
    assert_eq!(found.len(), 2, "{output}");
    let first = format!("GET http://{}/v2/a/manifests/1", mock.host());
    assert_eq!((found[0].request.as_str(), found[0].status.as_str()), (&*first, "307"));
    assert_eq!(found[0].received, config.len() as u64);
    assert!(found[1].request.starts_with(&format!("GET http://{}/keep/", mock.host())), "{output}");
    assert_eq!(found[1].status, "404");
    assert!(!output.stderr.contains("s3cret") && !output.stderr.contains("Signature"), "{output}");
    assert!(!output.stderr.contains(|c: char| c != '\n' && oci::terminal::drives(c)), "{output}");
}

#[test]
fn a_request_that_nobody_answers_and_one_that_breaks_off_are_lines_too() {
    let home = Home::new();
    let pull = |host: &str| {
        let reference = format!("{host}/a:1");
        home.command("helm-chart-pull").args([&reference, "--debug", "--timeout", "1s"]).run()
    };
    let output = pull("127.0.0.1:1");
    let found = requests(&output.fails(6).stderr);
    assert!(!found.is_empty(), "{output}");
    assert!(
        found.iter().all(|line| line.status == "no answer" && (line.sent, line.received) == (0, 0)),
        "{output}"
    );
    // How long it is waited for stands beside it.
    assert_eq!(output.stderr.matches("; trying again in ").count(), found.len() - 1, "{output}");
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it";
    let mock = Mock::raw(half);
    let output = pull(&mock.host());
    let found = requests(&output.fails(6).stderr);
    assert!(!found.is_empty() && found.iter().all(|line| (&*line.status, line.received) == ("200", 10)));
}

#[test]
fn a_credential_is_told_by_its_store_once_for_a_lookup() {
    const PASSWORD: &str = "canary-aesh7Aeg";
    let Some(registry) = DockerRegistry::start_with_password("me", PASSWORD) else { return };
    let mut home = home();
    let host = registry.address().to_owned();
    home.set("HELM_OCI_KEYRING", "none");
    home.script(
        "docker-credential-box",
        &format!(
            "read -r server; printf '{{\"ServerURL\":\"%s\",\"Username\":\"me\",\"Secret\":\"{PASSWORD}\"}}' \"$server\""
        ),
    );
    let auth = {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(format!("me:{PASSWORD}"))
    };
    let push = |env: &[(&str, &str)], flags: &[&str]| {
        let command = home.command("helm-chart-push");
        let args = ["web", &format!("oci://{host}/charts"), "--debug"];
        let command = command.args(args).args(flags).stdin(PASSWORD);
        let output = env.iter().fold(command, |command, (name, value)| command.env(name, value)).run();
        output.succeeds();
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(PASSWORD), "{output}");
        assert!(!output.stderr.contains(&auth), "{output}");
        let about = format!("debug: {host}/charts/web: ");
        let told: Vec<_> =
            output.stderr.lines().filter_map(|line| line.strip_prefix(&*about)).map(str::to_owned).collect();
        assert_eq!(told.len(), 1, "{output}");
        assert!(!requests(&output.stderr).is_empty(), "{output}");
        told[0].clone()
    };
    assert_eq!(push(&[], &["-u", "me", "--password-stdin"]), "the credential that was given");
    let environment = [("HELM_OCI_USERNAME", "me"), ("HELM_OCI_PASSWORD", PASSWORD)];
    assert_eq!(push(&environment, &[]), "the credential in HELM_OCI_USERNAME and HELM_OCI_PASSWORD");
    let document = format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}");
    assert_eq!(
        push(&[("DOCKER_AUTH_CONFIG", &document)], &[]),
        format!("the credential for {host} in DOCKER_AUTH_CONFIG")
    );
    home.write(".docker/config.json", format!("{{\"credHelpers\":{{\"{host}\":\"box\"}}}}"));
    assert_eq!(
        push(&[], &[]),
        format!("the credential for {host} that docker's file has with docker-credential-box")
    );
    home.write(".config/helm/registry/config.json", &document);
    assert_eq!(
        push(&[], &[]),
        format!("the credential for {host} in helm's file $HOME/.config/helm/registry/config.json")
    );
}

#[test]
fn every_executable_takes_the_flag_and_hands_it_on() {
    let home = home();
    for command in COMMANDS {
        // It does nothing to what else is asked, wherever it stands.
        let plain = home.command(command).args(["--version"]).run();
        for args in [["--debug", "--version"], ["--version", "--debug=true"]] {
            let output = home.command(command).args(args).run();
            // The dispatcher's own stands before the command.
            if command != "helm-oci" || args[0] == "--debug" {
                output.prints(&plain.stdout).stderr_is("");
            }
        }
        let help = home.command(command).args(["--help"]).run();
        assert!(help.succeeds().stdout.contains("--debug"), "{help}");
    }
    let told = "debug: the cache is $HOME/.helm/registry\n";
    for (command, args, said) in [
        ("helm-chart-list", &["--debug"][..], told),
        ("helm-chart-list", &["-q", "--debug=false"], ""),
        ("helm-oci", &["--debug", "list"], told),
        ("helm-oci", &["chart", "list", "--debug"], told),
        ("helm-oci", &["--debug", "ls", "--debug=false"], ""),
    ] {
        home.command(command).args(args).run().succeeds().stderr_is(said);
    }
    home.command("helm-chart-list").args(["--debug=false"]).env("HELM_DEBUG", "1").run().stderr_is("");
    home.command("helm-chart-list").args(["--debug=maybe"]).run().fails(2);
    // Behind the end of flags it is what it looks like: no reference.
    home.command("helm-chart-remove").args(["--", "--debug"]).run().fails(2);

    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--debug"]);
    let host = registry.address();
    home.command("helm-chart-push").args(["web", &format!("oci://{host}/charts")]).run().succeeds();
    let reference = format!("{host}/charts/web:0.1.0");
    home.command("helm-chart-remove").args([&reference]).run().succeeds();
    // An executable without network has another one do the requests.
    let exported = home.command("helm-chart-export").args([&reference, "-d", "out", "--debug"]).run();
    assert_eq!(requests(&exported.succeeds().stderr)[0].status, "200", "{exported}");
    // And the registry tells the same of them, from its side.
    let manifest = fs::metadata(home.blob(&reference, "manifest")).unwrap().len();
    let line = format!("GET /v2/charts/web/manifests/0.1.0: 200, 0 B received, {manifest} B sent, ");
    assert!(registry.log().contains(&line), "{}", registry.log());

    // Docker's protocol is spoken on standard output, with and without.
    let helper = |args: &[&str]| {
        home.command("docker-credential-helm-oci").args(args).env("HELM_OCI_KEYRING", "none").run()
    };
    assert_eq!(helper(&["--debug", "version"]).succeeds().stdout, helper(&["version"]).stdout);
    let listed = helper(&["list", "--debug"]);
    listed.fails(1).stdout_is("no OS keyring here: HELM_OCI_KEYRING is `none`\n");
    listed.stderr_is("debug: the keyring is none\n");
}
