//! Credentials that others have written are used, and ours are used by others.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::mock::{Action, Mock, Recorded, on};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Keyring, Output, note, tool, write_chart};

const HTPASSWD: &str = "me:$2y$05$sCbidvT1FMBoqapITpiZWu.8LRZj3ItqacrAXe/WC.QPt7P0kGWB6\n";
/// me:secret
const GOOD: &str = r#"{"auth":"bWU6c2VjcmV0"}"#;
/// me:wrong
const BAD: &str = r#"{"auth":"bWU6d3Jvbmc="}"#;

/// A home with a chart, and a registry that lets in `me` with `secret`.
fn home() -> (Home, EmbeddedRegistry) {
    let home = Home::new();
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    save(&home, registry.address());
    (home, registry)
}

fn save(home: &Home, host: &str) {
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n")],
    );
    home.command("helm-chart-save").args(["mychart", &reference(host)]).run().succeeds();
}

fn reference(host: &str) -> String {
    format!("{host}/group/sub/mychart:1.0.0")
}

fn push(home: &Home, host: &str) -> Output {
    home.command("helm-chart-push").args(["-q", &reference(host)]).run()
}

/// What a helper says to `get`, as a script that keeps what it was asked.
fn answering(username: &str, secret: &str) -> String {
    format!(
        "server=$(cat)\necho \"$1 $server\" >>\"$HOME/asked\"\n\
         printf '{{\"ServerURL\":\"%s\",\"Username\":\"{username}\",\"Secret\":\"{secret}\"}}' \"$server\""
    )
}

#[test]
fn every_file_of_others_is_read_in_its_turn() {
    let (mut home, registry) = home();
    let host = registry.address();
    home.set("XDG_RUNTIME_DIR", home.path().join("run"));
    let files = [".config/helm/registry/config.json", ".docker/config.json", "run/containers/auth.json"];
    push(&home, host).fails(4);
    // The last that is written is the first that is asked.
    for (file, entry, code) in [(2, GOOD, 0), (1, BAD, 4), (0, GOOD, 0), (0, BAD, 4), (0, "{}", 4)] {
        home.write(files[file], format!(r#"{{"auths":{{"{host}":{entry}}}}}"#));
        push(&home, host).fails(code);
    }
    home.write(files[1], "");
    push(&home, host).succeeds();
    let other = home.write("elsewhere.json", format!(r#"{{"auths":{{"{host}/group":{BAD}}}}}"#));
    let with = |name: &str, value: &Path| {
        home.command("helm-chart-push").args(["-q", &reference(host)]).env(name, value).run()
    };
    with("HELM_REGISTRY_CONFIG", &other).fails(4);
    with("REGISTRY_AUTH_FILE", &other).fails(4);
    home.write("docker/config.json", format!(r#"{{"auths":{{"http://{host}/v2/":{BAD}}}}}"#));
    with("DOCKER_CONFIG", &home.path().join("docker")).fails(4);
    home.write(files[0], "{ no JSON");
    let broken = push(&home, host);
    let expected = format!(
        "cannot get the credential for {host}: $HOME/.config/helm/registry/config.json is not JSON: "
    );
    assert!(broken.fails(1).stderr.contains(&expected), "{broken}");
}

/// The documents in docker's format, each before those that stand behind it.
#[test]
fn pipelines_and_podman_are_asked_in_their_turn() {
    let (mut home, registry) = home();
    let host = registry.address();
    let auths = |entry: &str| format!(r#"{{"auths":{{"{host}":{entry}}}}}"#);
    home.set("XDG_RUNTIME_DIR", home.path().join("run"));
    let lasting = ".config/containers/auth.json";
    // The last that is written is the first that is asked.
    push(&home, host).fails(4);
    for (file, entry, code) in
        [(lasting, GOOD, 0), ("run/containers/auth.json", BAD, 4), (".docker/config.json", GOOD, 0)]
    {
        home.write(file, auths(entry));
        push(&home, host).fails(code);
    }
    let with = |entry: &str| {
        let push = home.command("helm-chart-push").args(["-q", &reference(host)]);
        push.env("DOCKER_AUTH_CONFIG", entry).run()
    };
    with(&auths(BAD)).fails(4);
    with("").succeeds();
    home.write(".config/helm/registry/config.json", auths(GOOD));
    with(&auths(BAD)).succeeds();
    // What is wrong with it is told, and nothing of it.
    fs::remove_file(home.path().join(".config/helm/registry/config.json")).unwrap();
    for (text, why) in [
        ("hunter2", "DOCKER_AUTH_CONFIG is not JSON: expected value at line 1 column 1\n".to_owned()),
        (r#"["hunter2"]"#, "DOCKER_AUTH_CONFIG: `{` is not what docker's format has there\n".to_owned()),
        (
            &auths(r#"{"auth":"hunter2"}"#),
            format!("DOCKER_AUTH_CONFIG: `{host}` is not what docker's format has there\n"),
        ),
    ] {
        let output = with(text);
        let expected = format!("cannot get the credential for {host}: {why}");
        assert!(output.fails(1).stderr.contains(&expected), "{output}");
        assert!(!output.stderr.contains("hunter2"), "{output}");
    }
    // It is docker's document: helpers count, and so does a path.
    home.script("docker-credential-fake", &answering("me", "secret"));
    with(&format!(r#"{{"credHelpers":{{"{host}":"fake"}}}}"#)).succeeds();
    with(&format!(r#"{{"auths":{{"{host}":{BAD},"{host}/group":{GOOD}}}}}"#)).succeeds();
    let status = home.command("helm-registry-status").env("HELM_OCI_KEYRING", "none");
    let status = status.env("DOCKER_AUTH_CONFIG", auths(GOOD)).run();
    let rows: Vec<_> =
        status.succeeds().stdout.lines().skip(1).map(|l| l.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(rows[0], [host, "me", "DOCKER_AUTH_CONFIG", "yes"], "{status}");
    assert_eq!(rows.len(), 4, "{status}");
    let logout =
        home.command("helm-registry-logout").args([host]).env("DOCKER_AUTH_CONFIG", auths(GOOD)).run();
    let left = "there is still a credential for it in $HOME/.docker/config.json, $HOME/run/containers/auth.json, \
                $HOME/.config/containers/auth.json, DOCKER_AUTH_CONFIG: docker logout $HOST, podman logout --authfile \
                $HOME/run/containers/auth.json $HOST, podman logout --authfile $HOME/.config/containers/auth.json $HOST \
                forget it\n";
    assert!(logout.fails(3).stderr.replace(host, "$HOST").ends_with(left), "{logout}");
}

/// Where there is no XDG_RUNTIME_DIR, a session's file is below the user's number (containers-auth.json(5)). In a file
/// system of its own, so that it is nobody else's.
#[cfg(target_os = "linux")]
#[test]
fn podmans_file_of_a_session_is_found_by_the_users_number() {
    let (home, registry) = home();
    let host = registry.address();
    home.write("session.json", format!(r#"{{"auths":{{"{host}/group":{GOOD},"{host}":{BAD}}}}}"#));
    home.write(".config/containers/auth.json", format!(r#"{{"auths":{{"{host}":{BAD}}}}}"#));
    let inside = |more: &str| {
        let script = format!(
            "mount -t tmpfs none /run && mkdir -p /run/containers/$(id -u) && \
             cp session.json /run/containers/$(id -u)/auth.json && {more} helm-chart-push -q {}",
            reference(host)
        );
        home.program("/usr/bin/unshare")
            .args(["--mount", "--map-root-user", "--user", "sh", "-c", &script])
            .run()
    };
    if inside("true ||").code != Some(0) {
        return note("namespaces are not allowed here: podman's file of a session is not looked at");
    }
    inside("").succeeds();
    // Named ones come before it, and alone; one of a session before the one that stays.
    inside("REGISTRY_AUTH_FILE=.config/containers/auth.json").fails(4);
    inside("XDG_RUNTIME_DIR=$HOME/nowhere").fails(4);
    inside("XDG_CONFIG_HOME=$HOME/nowhere").succeeds();
    inside("XDG_RUNTIME_DIR=$HOME/nowhere XDG_CONFIG_HOME=$HOME/nowhere").fails(4);
}

#[test]
fn a_token_of_dockers_file_goes_to_the_registry_as_it_is() {
    let home = Home::new();
    let mock = Mock::serve(|request: &Recorded| match request.header("authorization") {
        Some("Bearer own-token") => on(&request.line).answer(404, &[], b""),
        _ => {
            let challenge = "Bearer realm=\"https://auth.example.com/token\"";
            on(&request.line).answer(401, &[("WWW-Authenticate", challenge)], b"")
        }
    });
    let host = mock.host();
    let entry = r#"{"registrytoken":"own-token","auth":"bWU6c2VjcmV0"}"#;
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{entry}}}}}"#));
    home.command("helm-chart-pull").args(["-q", &reference(&host)]).run().fails(3);
    let status =
        home.command("helm-registry-status").args(["-o", "json"]).env("HELM_OCI_KEYRING", "none").run();
    assert!(
        status.succeeds().stdout.contains("<registrytoken>") && !status.stdout.contains("own-token"),
        "{status}"
    );
    // Nothing but docker's file has a place for it.
    let adopt = home.command("helm-registry-status").args(["--adopt", &host]).run();
    let expected = format!(
        "Error: cannot move the credential for {host}: a token for the registry itself is kept by docker's file alone\n"
    );
    adopt.fails(1).stderr_is(&expected);
}

#[test]
fn a_helper_is_found_as_docker_finds_it() {
    let (home, registry) = home();
    let host = registry.address();
    // Docker Desktop's, in WSL; and what lies there and cannot be run is passed over.
    home.script("docker-credential-desktop.exe", &answering("me", "secret"));
    home.write("before/docker-credential-desktop.exe", "no program");
    home.directory("before/docker-credential-other.exe");
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        home.path().join("before").display(),
        home.path().join("bin").display()
    );
    for text in [
        r#"{"credsStore":"desktop.exe"}"#.to_owned(),
        format!(r#"{{"credHelpers":{{"{host}":"desktop.exe"}}}}"#),
        r#"{"CREDSSTORE":"desktop.exe"}"#.to_owned(),
    ] {
        home.write(".docker/config.json", text);
        home.command("helm-chart-push").args(["-q", &reference(host)]).env("PATH", &path).run().succeeds();
    }
    // What docker would run by its path is none for us.
    home.script("evil", &answering("me", "secret"));
    home.directory("bin/docker-credential-x");
    for name in ["x/../evil", "../../evil", "/bin/sh"] {
        home.write(".docker/config.json", format!(r#"{{"credsStore":"{name}"}}"#));
        let output = push(&home, host);
        assert!(
            output.fails(1).stderr.contains(&format!("`{name}` is no name of a credential helper")),
            "{output}"
        );
    }
    home.write(".docker/config.json", r#"{"credsStore":"other.exe"}"#);
    let output = home.command("helm-chart-push").args(["-q", &reference(host)]).env("PATH", &path).run();
    let expected = "the credential helper docker-credential-other.exe is not installed\n\
                    hint: put docker-credential-other.exe on the PATH, or take it out of $HOME/.docker/config.json\n";
    assert!(output.fails(1).stderr.ends_with(expected), "{output}");
}

/// A credential that has outlived its day, in each store: whose it is, and how it goes.
#[test]
fn a_refused_credential_is_told_by_its_store() {
    let (home, registry) = home();
    let host = registry.address();
    let wrong = "is wrong, has expired, or may not do this";
    let login = format!("helm oci registry login {host}");
    let auths = format!(r#"{{"auths":{{"{host}":{BAD}}}}}"#);
    home.script("docker-credential-fake", &answering("me", "wrong"));
    let helper = format!(r#"{{"credHelpers":{{"{host}":"fake"}}}}"#);
    let in_file =
        |owner: &str, file: &str| format!("the credential for {host} in {owner}'s file $HOME/{file} {wrong}");
    let (helm, docker, podman) =
        (".config/helm/registry/config.json", ".docker/config.json", ".config/containers/auth.json");
    for (file, text, expected) in [
        (
            helm,
            &auths,
            format!(
                "{}: {login} replaces it, helm oci registry logout {host} forgets it",
                in_file("helm", helm)
            ),
        ),
        (
            helm,
            &helper,
            format!(
                "the credential for {host} that helm's file has with docker-credential-fake {wrong}: {login} replaces \
                 it, helm oci registry logout {host} forgets it"
            ),
        ),
        (
            docker,
            &auths,
            format!(
                "{}: {login} comes before it, docker logout {host} forgets it",
                in_file("docker", docker)
            ),
        ),
        (
            docker,
            &helper,
            format!(
                "the credential for {host} that docker's file has with docker-credential-fake {wrong}: {login} comes \
                 before it, docker logout {host} forgets it"
            ),
        ),
        (
            podman,
            &auths,
            format!(
                "{}: {login} comes before it, podman logout --authfile $HOME/{podman} {host} forgets it",
                in_file("podman", podman)
            ),
        ),
    ] {
        home.write(file, text);
        // A pull is refused to guests, too, and tells the same.
        for verb in ["push", "pull"] {
            let output = home.command(&format!("helm-chart-{verb}")).args(["-q", &reference(host)]).run();
            assert!(output.fails(4).stderr.ends_with(&format!("\nhint: {expected}\n")), "{verb} {output}");
            assert_eq!(output.stderr.lines().count(), 2, "{output}");
        }
        fs::remove_file(home.path().join(file)).unwrap();
    }
    let run = |env: &[(&str, &str)]| {
        let push = home.command("helm-chart-push").args(["-q", &reference(host)]);
        env.iter().fold(push, |push, (name, value)| push.env(name, value)).run()
    };
    let output = run(&[("DOCKER_AUTH_CONFIG", &auths)]);
    let expected =
        format!("hint: the credential for {host} in DOCKER_AUTH_CONFIG {wrong}: {login} comes before it\n");
    assert!(output.fails(4).stderr.ends_with(&expected), "{output}");
    // Whoever has given one for this very command is not told to give one.
    let output = run(&[("HELM_OCI_USERNAME", "me"), ("HELM_OCI_PASSWORD", "wrong")]);
    let expected = format!(
        "hint: the credential in HELM_OCI_USERNAME and HELM_OCI_PASSWORD {wrong}; without it, what is stored is used\n"
    );
    assert!(output.fails(4).stderr.ends_with(&expected), "{output}");
    let given =
        home.command("helm-chart-push").args(["-q", "-u", "me", "--password-stdin", &reference(host)]);
    let output = given.stdin("wrong").run();
    let expected = format!("hint: the credential that was given {wrong}\n");
    assert!(output.fails(4).stderr.ends_with(&expected), "{output}");
}

#[test]
fn a_refusal_of_rights_is_another_than_one_of_the_password() {
    let home = Home::new();
    let mock = Mock::serve(|request: &Recorded| match request.header("authorization") {
        Some(_) => on(&request.line).answer(403, &[], b""),
        None => on(&request.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b""),
    });
    let host = mock.host();
    save(&home, &host);
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{GOOD}}}}}"#));
    let output = push(&home, &host);
    let expected = format!(
        "403\nhint: the credential for {host} in docker's file $HOME/.docker/config.json may not do this: helm oci \
         registry login {host} comes before it, docker logout {host} forgets it\n"
    );
    assert!(output.fails(4).stderr.ends_with(&expected), "{output}");
    let given =
        home.command("helm-chart-push").args(["-q", "-u", "me", "--password-stdin", &reference(&host)]);
    let output = given.stdin("secret").run();
    let expected = "403\nhint: the credential that was given may not do this\n";
    assert!(output.fails(4).stderr.ends_with(expected), "{output}");
    let login =
        home.command("helm-registry-login").args(["-u", "me", "--password-stdin", "--store=file", &host]);
    assert!(login.stdin("secret").run().fails(4).stderr.ends_with(expected));
}

#[test]
fn a_token_where_a_password_is_wanted_is_called_one() {
    let (home, registry) = home();
    let host = registry.address();
    let given =
        home.command("helm-chart-push").args(["-q", "-u", "<token>", "--password-stdin", &reference(host)]);
    let output = given.stdin("abc").run();
    let expected = "\nhint: it wants a user and a password, and the credential that was given is a token\n";
    assert!(output.fails(4).stderr.ends_with(expected), "{output}");
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{{"identitytoken":"abc"}}}}}}"#));
    let expected = format!(
        "\nhint: it wants a user and a password, and the credential for {host} in docker's file \
         $HOME/.docker/config.json is a token\n"
    );
    assert!(push(&home, host).fails(4).stderr.ends_with(&expected));
}

/// A token service inside a network may be the registry's own: who knows that says so. Where clouds tell machines who they
/// are there is none.
#[test]
fn a_private_token_service_is_named_with_what_lets_it_in() {
    let home = Home::new();
    for (realm, code, hint) in [
        (
            "http://10.0.0.7:8080/token",
            4,
            "hint: if that is where its passwords belong: --trust-realm 10.0.0.7:8080, which login remembers\n",
        ),
        (
            "http://[fd00::7]/token",
            4,
            "hint: if that is where its passwords belong: --trust-realm [fd00::7], which login remembers\n",
        ),
        ("http://169.254.169.254/token", 1, ""),
        ("http://100.100.100.200/token", 1, ""),
        ("ftp://127.0.0.1/token", 1, ""),
    ] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let mock = Mock::serve(move |request: &Recorded| {
            on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
        });
        let output = home.command("helm-chart-pull").args(["-q", &reference(&mock.host())]).run();
        output.fails(code);
        let rest = output.stderr.split_once('\n').unwrap_or_default().1;
        assert_eq!(rest, hint, "{output}");
    }
}

/// A registry that gives its charts to everybody, and refuses who shows a credential that it does not know: by 401, or by
/// 403, as some do with tokens that have run out.
#[test]
fn a_public_chart_is_pulled_whatever_is_stored() {
    for status in [401, 403] {
        let (mut home, open) = (Home::new(), Home::new());
        let registry = EmbeddedRegistry::start(&open, ["--data", "registry"]);
        save(&open, registry.address());
        push(&open, registry.address()).succeeds();
        let behind = registry.address().to_owned();
        let service = Mock::serve(move |request: &Recorded| match request.header("authorization") {
            Some(_) => {
                on(&request.line).answer(status, &[], br#"{"details":"incorrect username or password"}"#)
            }
            None => on(&request.line).answer(200, &[], br#"{"token":"guest"}"#),
        });
        let challenge = format!("Bearer realm=\"http://{}/token\",service=\"charts\"", service.host());
        let mock = Mock::serve(move |request: &Recorded| match request.header("authorization") {
            Some("Bearer guest") => on(&request.line).then(Action::Send(relayed(&behind, request))),
            _ => on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b""),
        });
        let host = mock.host();
        home.set("HELM_OCI_KEYRING", "none");
        home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{BAD}}}}}"#));
        let pull = |args: &[&str]| home.command("helm-chart-pull").args(args).args([&reference(&host)]);
        let output = pull(&["-q"]).run();
        output.succeeds().stderr_is(&format!(
            "Warning: {host} refuses the credential for {host} in docker's file $HOME/.docker/config.json: going on \
             without it; docker logout {host} forgets it\n"
        ));
        // Shown once, for however many blobs; and what is only looked for goes the same way.
        let shown =
            |mock: &Mock| mock.requests().iter().filter(|r| r.header("authorization").is_some()).count();
        assert_eq!(shown(&service), 1);
        let twice = format!("{host}/group/sub/mychart");
        home.command("helm-chart-remove").args([reference(&host)]).run().succeeds();
        let newest = home.command("helm-chart-pull").args(["-q", &twice]).run();
        assert_eq!(newest.succeeds().stderr.matches("going on without it").count(), 1, "{newest}");
        home.command("helm-chart-remove").args([reference(&host)]).run().succeeds();
        let get = home
            .command("helm-chart-get")
            .args(["", "", "", &format!("chart-cache://{}", reference(&host))])
            .run();
        assert!(get.code == Some(0) && get.stderr.contains("going on without it"), "{get}");
        // Not so what somebody says with the command, and not so a push.
        let given = pull(&["-q", "-u", "me", "--password-stdin"]).stdin("wrong").run();
        given.fails(4);
        pull(&["-q"]).env("HELM_OCI_USERNAME", "me").env("HELM_OCI_PASSWORD", "wrong").run().fails(4);
        let before = mock.requests().len();
        let pushed = push(&home, &host);
        assert!(pushed.fails(4).stderr.contains("docker logout"), "{pushed}");
        assert_eq!(mock.requests().len(), before + 1, "{:?}", mock.lines());
    }
}

/// What the registry at `address` answers to a request, head and body.
fn relayed(address: &str, request: &Recorded) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!("{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n", request.line);
    for name in ["accept", "range", "if-none-match"] {
        if let Some(value) = request.header(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // The connection behind ends; ours need not.
    let text = String::from_utf8_lossy(&answer).into_owned();
    match text.find("connection: close\r\n") {
        Some(at) => [&answer[..at], &answer[at + "connection: close\r\n".len()..]].concat(),
        None => answer,
    }
}

#[test]
fn the_longest_path_of_a_file_is_used() {
    let (home, registry) = home();
    let host = registry.address();
    for (keys, code) in [
        (&[("", BAD), ("/group", GOOD)][..], 0),
        (&[("", GOOD), ("/group/sub", BAD)], 4),
        (&[("/group", BAD), ("/group/sub/mychart", GOOD)], 0),
        (&[("", GOOD), ("/gro", BAD), ("/group/sub/mychart/x", BAD)], 0),
    ] {
        let entries: Vec<_> = keys.iter().map(|(path, entry)| format!(r#""{host}{path}":{entry}"#)).collect();
        home.write(".docker/config.json", format!(r#"{{"auths":{{{}}}}}"#, entries.join(",")));
        push(&home, host).fails(code);
    }
}

#[test]
fn a_helper_is_asked_once_for_a_host() {
    let (home, registry) = home();
    let host = registry.address();
    home.script("docker-credential-fake", &answering("me", "secret"));
    home.write(
        ".docker/config.json",
        format!(r#"{{"credHelpers":{{"{host}":"fake"}},"auths":{{"{host}":{BAD}}}}}"#),
    );
    let again = reference(host).replace("1.0.0", "2.0.0");
    home.command("helm-chart-save").args(["mychart", &again]).run().succeeds();
    home.command("helm-chart-push").args(["-q", &reference(host), &again]).run().succeeds();
    assert_eq!(fs::read_to_string(home.path().join("asked")).unwrap(), format!("get {host}\n"));
}

#[test]
fn a_helper_that_fails_is_an_error_in_its_own_words() {
    let (home, registry) = home();
    let host = registry.address();
    // The next file would have it.
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{GOOD}}}}}"#));
    let file = ".config/helm/registry/config.json";
    home.write(file, format!(r#"{{"credHelpers":{{"{host}":"fake"}}}}"#));
    let names = format!("cannot get the credential for {host}: $HOME/{file} names a credential helper: ");
    let program = "docker-credential-fake";
    for (script, words) in [
        ("echo 'the vault is sealed'; exit 1", format!("{program}: the vault is sealed\n")),
        ("exit 3", format!("{program}: exit status: 3\n")),
        ("kill -KILL $$", format!("{program}: signal: 9 (SIGKILL)\n")),
        ("kill -SEGV $$", format!("{program}: signal: 11 (SIGSEGV)\n")),
        ("echo hunter2", format!("{program} answered something that is no credential\n")),
        ("head -c 70000 /dev/zero", format!("{program} answered more than any credential is long\n")),
        ("cat /dev/zero", format!("{program} answered more than any credential is long\n")),
    ] {
        home.script(program, script);
        let output = push(&home, host);
        assert!(output.fails(1).stderr.contains(&format!("{names}{words}")), "{script}: {output}");
        assert!(!output.stderr.contains("hunter2"), "{output}");
    }
    home.script(program, "echo 'credentials not found in native keychain'; exit 1");
    push(&home, host).succeeds();
    fs::remove_file(home.path().join("bin").join(program)).unwrap();
    let output = push(&home, host);
    assert!(
        output.fails(1).stderr.contains(&format!("the credential helper {program} is not installed\n")),
        "{output}"
    );
    home.script(program, &answering("me", "secret"));
    home.write(file, r#"{"credHelpers":{"h\nevil":"fake"}}"#);
    let status = home.command("helm-registry-status").run();
    assert!(status.succeeds().stderr.contains("is no server to ask a credential helper for"), "{status}");
    assert!(!home.path().join("asked").exists());
    home.write(file, r#"{"credsStore":"../bin/sh"}"#);
    let output = push(&home, host);
    assert!(output.fails(1).stderr.contains("`../bin/sh` is no name of a credential helper"), "{output}");
}

#[test]
fn a_helper_is_not_taken_from_where_somebody_happens_to_be() {
    let (home, registry) = home();
    let script = home.script("docker-credential-fake", &answering("me", "secret"));
    fs::rename(script, home.path().join("docker-credential-fake")).unwrap();
    home.write(".docker/config.json", r#"{"credsStore":"fake"}"#);
    let push = home.command("helm-chart-push").args(["-q", &reference(registry.address())]);
    let output = push.env("PATH", ":.:/usr/bin:/bin").run();
    assert!(output.fails(1).stderr.contains("docker-credential-fake is not installed"), "{output}");
    assert!(!home.path().join("asked").exists());
}

/// How many of them are tried; `HELM_OCI_SEEDS` says how many more.
fn seeds() -> u64 {
    std::env::var("HELM_OCI_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

/// Answers that helpers may give, and what their readers have to make of: the same for each seed.
fn answer_of_a_helper(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pick = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let keys: [&str; 14] = [
        "ServerURL",
        "Username",
        "Username",
        "Secret",
        "Secret",
        "username",
        "secret",
        "USERNAME",
        "sEcReT",
        "\u{17f}ecret",
        "Extra",
        "",
        "Secret ",
        "User\\u006eame",
    ];
    let values: [&[u8]; 18] = [
        b"\"me\"",
        b"\"s3cret\"",
        b"\"you\"",
        b"\"\"",
        b"null",
        b"\"a\\u00e9\\n\"",
        b"\"\\ud83d\\ude00\"",
        b"\"\\ud800x\"",
        b"\"x\\udc00\"",
        b"\"\\\\ud800\"",
        b"\"\xff\xe2\x82y\"",
        b"\"\xed\xa0\x80\"",
        b"\"\\/\"",
        b"7",
        b"[\"x\"]",
        b"{}",
        b"\"tab\tinside\"",
        b"\"\\x\"",
    ];
    let mut text = Vec::new();
    for _ in 0..pick(3) {
        text.extend_from_slice([&b"\r\n"[..], b" ", b"\xef\xbb\xbf", b"null"][pick(12).min(3).min(pick(4))]);
    }
    // Most are whole, and have both.
    let mut fields = vec![("Username", &b"\"me\""[..]), ("Secret", b"\"s3cret\"")];
    for _ in 0..pick(4) {
        let value = if pick(3) == 0 { values[pick(values.len())] } else { values[pick(13)] };
        let value = if pick(2) == 0 { values[pick(5)] } else { value };
        fields.insert(pick(fields.len() + 1), (keys[pick(keys.len())], value));
    }
    if pick(6) == 0 {
        fields.remove(pick(fields.len()));
    }
    let fields: Vec<_> =
        fields.iter().map(|(key, value)| [b"\"", key.as_bytes(), b"\":", value].concat()).collect();
    text.extend([b"{".to_vec(), fields.join(&b","[..]), b"}".to_vec()].concat());
    text.extend_from_slice([&b""[..], b"\n", b" trailing", b"}", b"{\"Secret\":\"other\"}"][pick(5)]);
    if pick(12) == 0 {
        text.truncate(pick(text.len()));
    }
    text
}

/// Helm's Go reads the other half of the helpers that there are: whatever one says, both take it for the same.
#[test]
fn helpers_are_understood_as_helm_understands_them() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let mock = Mock::serve(|request: &Recorded| match request.header("authorization") {
        Some(_) => on(&request.line).answer(404, &[], b""),
        None => on(&request.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b""),
    });
    let host = mock.host();
    home.script("docker-credential-fake", "cat >/dev/null; cat \"$HOME/answer\"");
    home.write(".config/helm/registry/config.json", r#"{"credsStore":"fake"}"#);
    let shown = |before: usize| {
        let requests = mock.requests();
        requests[before..].iter().filter_map(|r| r.header("authorization").map(str::to_owned)).next_back()
    };
    let (mut both, mut neither) = (0, 0);
    for seed in 0..seeds() {
        let answer = answer_of_a_helper(seed);
        home.write("answer", &answer);
        let before = mock.requests().len();
        let chart = format!("oci://{host}/a/b");
        home.program(&helm).args(["show", "chart", &chart, "--version", "1.0.0"]).run().fails(1);
        let theirs = shown(before);
        let before = mock.requests().len();
        let ours = home.command("helm-chart-pull").args(["-q", &format!("{host}/a/b:1.0.0")]).run();
        // Helm does not show a user without a password, nor the other way about; we do, as docker does.
        let half = |shown: &String| {
            let pair = STANDARD.decode(shown.trim_start_matches("Basic ")).unwrap();
            pair.starts_with(b":") || pair.ends_with(b":")
        };
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(shown(before).filter(|shown| !half(shown)), theirs, "{seed}: {text}\n{ours}");
        *(if theirs.is_some() { &mut both } else { &mut neither }) += 1;
    }
    assert!(both > seeds() / 3 && neither > 0, "{both} {neither}");
}

/// Documents that people may have, of entries that may be for this host: the same for each seed.
fn document_of_a_file(seed: u64, host: &str) -> String {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pick = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let upper = host.replace("127.0.0.1", "LOCALHOST");
    let keys =
        [host, host, &format!("http://{host}"), &format!("https://{host}/v2/"), &upper, "other.example.com"];
    let entries = [
        GOOD,
        BAD,
        "{}",
        r#"{"AUTH":"bWU6c2VjcmV0"}"#,
        r#"{"auth":null,"Username":"you","PASSWORD":"yours"}"#,
        r#"{"username":"you","password":"yours","email":"a@b","unknown":[1]}"#,
        r#"{"auth":"bWU6c2VjcmV0","username":"you","password":"yours"}"#,
        r#"{"auth":"bWU6c2VjcmV0\n"}"#,
        r#"{"auth":"","username":"","password":null}"#,
    ];
    let mut fields = Vec::new();
    if pick(4) != 0 {
        // One key for this host: of several Go takes any. And one of these names: of several Go makes one.
        let mut listed = vec![format!(r#""{}":{}"#, keys[pick(keys.len())], entries[pick(entries.len())])];
        if pick(2) == 0 {
            listed.insert(pick(2), format!(r#""else.example.com":{}"#, entries[pick(entries.len())]));
        }
        let name = ["auths", "auths", "auths", "Auths", "AUTHS"][pick(5)];
        fields.push(format!(r#""{name}":{{{}}}"#, listed.join(",")));
    }
    if pick(3) == 0 {
        let name = ["credsStore", "credsstore"][pick(2)];
        fields.push(format!(r#""{name}":{}"#, [r#""fake""#, r#""""#, "null"][pick(3)]));
    }
    if pick(3) == 0 {
        let name = ["credHelpers", "CredHelpers"][pick(2)];
        let value = [r#""fake""#, r#""fake""#, r#""""#, "null"][pick(4)];
        fields.push(format!(r#""{name}":{{"{host}":{value}}}"#));
    }
    if pick(3) == 0 {
        fields.insert(pick(fields.len() + 1), r#""HttpHeaders":{"x":"y"},"unknown":[{}]"#.to_owned());
    }
    format!("{{{}}}", fields.join(","))
}

#[test]
fn files_are_understood_as_helm_understands_them() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let mock = Mock::serve(|request: &Recorded| match request.header("authorization") {
        Some(_) => on(&request.line).answer(404, &[], b""),
        None => on(&request.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b""),
    });
    let host = mock.host();
    home.script("docker-credential-fake", &answering("me", "of-the-helper"));
    let shown = |before: usize| {
        let requests = mock.requests();
        requests[before..].iter().filter_map(|r| r.header("authorization").map(str::to_owned)).next_back()
    };
    let mut shows = 0;
    for seed in 0..seeds() {
        let text = document_of_a_file(seed, &host);
        home.write(".config/helm/registry/config.json", &text);
        let before = mock.requests().len();
        let chart = format!("oci://{host}/a/b");
        home.program(&helm).args(["show", "chart", &chart, "--version", "1.0.0"]).run().fails(1);
        let theirs = shown(before);
        let before = mock.requests().len();
        let ours = home.command("helm-chart-pull").args(["-q", &format!("{host}/a/b:1.0.0")]).run();
        assert_eq!(shown(before), theirs, "{seed}: {text}\n{ours}");
        shows += u64::from(theirs.is_some());
    }
    assert!(shows > seeds() / 3, "{shows}");
}

#[test]
fn a_helper_that_hangs_is_not_waited_for() {
    let (home, registry) = home();
    home.script("docker-credential-fake", "echo \"$1\" >>\"$HOME/$ASKED\"\nexec sleep 100");
    home.write(".docker/config.json", r#"{"credsStore":"fake"}"#);
    home.write("several/config.json", r#"{"credHelpers":{"a":"fake","b":"fake","c":"fake"}}"#);
    let hangs = "docker-credential-fake did not answer within 30 seconds\n";
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let push = home.command("helm-chart-push").args(["-q", &reference(registry.address())]);
            let output = push.env("ASKED", "asked-one").run();
            assert!(output.fails(1).stderr.contains(hangs), "{output}");
        });
        scope.spawn(|| {
            // Nor is it asked for the next host.
            let status = home.command("helm-registry-status").env("HELM_OCI_KEYRING", "none");
            let several = home.path().join("several");
            let output = status.env("ASKED", "asked-several").env("DOCKER_CONFIG", several).run();
            assert_eq!(output.succeeds().stderr.matches(hangs).count(), 1, "{output}");
        });
    });
    for file in ["asked-one", "asked-several"] {
        assert_eq!(fs::read_to_string(home.path().join(file)).unwrap(), "get\n");
    }
}

#[test]
fn a_file_with_a_helper_gets_no_password() {
    let (home, registry) = home();
    let host = registry.address();
    home.script("docker-credential-fake", "cat >>\"$HOME/stored\"");
    let file = home.write(".config/helm/registry/config.json", r#"{"credsStore":"fake","other":[1]}"#);
    let login =
        home.command("helm-registry-login").args(["-u", "me", "--password-stdin", "--store=file", host]);
    login.stdin("secret\n").run().prints("Login succeeded\n");
    let stored = fs::read_to_string(home.path().join("stored")).unwrap();
    assert_eq!(stored, format!(r#"{{"ServerURL":"{host}","Username":"me","Secret":"secret"}}"#));
    let expected = format!(
        "{{\n\t\"auths\": {{\n\t\t\"{host}\": {{}}\n\t}},\n\t\"credsStore\": \"fake\",\n\t\"other\": [\n\t\t1\n\t]\n}}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), expected);
}

#[test]
fn what_helm_logs_in_to_is_pushed_to() {
    let (Some(helm), Some(helm4)) = (tool("helm"), tool("helm4")) else { return };
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let host = registry.address();
    for (helm, words) in [(&helm, &["registry", "login"][..]), (&helm4, &["login"])] {
        let home = Home::new();
        save(&home, host);
        push(&home, host).fails(4);
        let login = home.program(helm).args(words).args([host, "-u", "me", "--password-stdin"]);
        login.stdin("secret\n").run().succeeds();
        push(&home, host).succeeds();
    }
    // And what we write, they use.
    let home = Home::new();
    let login =
        home.command("helm-registry-login").args(["-u", "me", "--password-stdin", "--store=file", host]);
    login.stdin("secret").run().succeeds();
    for helm in [&helm, &helm4] {
        home.program(helm)
            .args(["show", "chart", &format!("oci://{host}/group/sub/mychart"), "--version", "1.0.0"])
            .run()
            .succeeds();
    }
}

#[test]
fn our_helper_serves_helm_and_skopeo() {
    let mut home = Home::new();
    let (Some(helm), Some(skopeo)) = (tool("helm"), tool("skopeo")) else { return };
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    let host = registry.address();
    save(&home, host);
    let chart = format!("oci://{host}/group/sub/mychart");
    let show = |home: &Home| home.program(&helm).args(["show", "chart", &chart, "--version", "1.0.0"]).run();
    let get = |home: &Home| home.command("docker-credential-helm-oci").args(["get"]).stdin(host).run();

    // Helm writes, through credsStore: we read.
    let config = home.write(".config/helm/registry/config.json", r#"{"credsStore":"helm-oci"}"#);
    let login = home.program(&helm).args(["registry", "login", host, "-u", "me", "--password-stdin"]);
    login.stdin("secret").run().succeeds();
    assert!(!fs::read_to_string(&config).unwrap().contains("bWU6"));
    push(&home, host).succeeds();
    show(&home).succeeds();
    home.program(&helm).args(["registry", "logout", host]).run().succeeds();
    get(&home).fails(1);

    // We write: Helm reads, through credHelpers.
    let login = home.command("helm-registry-login").args(["-u", "me", "--password-stdin", host]);
    login.stdin("secret").run().prints("Login succeeded\n");
    home.write(".config/helm/registry/config.json", format!(r#"{{"credHelpers":{{"{host}":"helm-oci"}}}}"#));
    show(&home).succeeds();
    get(&home).succeeds();
    home.write("auth.json", format!(r#"{{"credHelpers":{{"{host}":"helm-oci"}}}}"#));
    let image = format!("docker://{host}/group/sub/mychart:1.0.0");
    let inspect = ["inspect", "--raw", "--tls-verify=false", "--authfile", "auth.json", &image];
    let shown = home.program(&skopeo).args(inspect).run();
    assert!(shown.succeeds().stdout.contains("vnd.cncf.helm.config"), "{shown}");
    home.command("helm-registry-logout").args([host]).run().prints("Logout succeeded\n");
    push(&home, host).fails(4);
    home.program(&skopeo).args(inspect).run().fails(1);
}

#[test]
fn the_keyring_is_asked_for_the_longest_path_and_before_all_files() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let host = registry.address();
    save(&home, host);
    let keep = |account: &str, secret: &str| {
        let entry = serde_json::json!({ "ServerURL": account, "Username": "me", "Secret": secret });
        home.command("docker-credential-helm-oci").args(["store"]).stdin(entry.to_string()).run().succeeds();
    };
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}/group/sub/mychart":{BAD}}}}}"#));
    keep(host, "secret");
    push(&home, host).succeeds();
    keep(&format!("{host}/group"), "wrong");
    push(&home, host).fails(4);
    keep(&format!("{host}/group/sub"), "secret");
    push(&home, host).succeeds();
}

#[test]
fn a_locked_keyring_is_not_passed_over() {
    let (mut home, registry) = home();
    let host = registry.address();
    home.set("KEYRING_ACCOUNT", host);
    let Some(_keyring) = Keyring::start(&mut home, &["--locked"]) else { return };
    // The file is not asked in its place.
    home.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{GOOD}}}}}"#));
    let output = push(&home, host);
    let expected = format!(
        "cannot get the credential for {host}: docker-credential-helm-oci: the OS keyring is locked: SS error: prompt \
         dismissed\n"
    );
    assert!(output.fails(1).stderr.contains(&expected), "{output}");
    let status = home.command("helm-registry-status").run();
    assert!(status.succeeds().stderr.contains("the OS keyring is locked"), "{status}");
    // Whoever says who they are does not need it.
    let given =
        home.command("helm-chart-push").args(["-q", "-u", "me", "--password-stdin", &reference(host)]);
    given.stdin("secret").run().succeeds();
}

/// A helper is a program of somebody else's, and what it says goes through us to a terminal.
#[test]
fn a_helper_says_words_and_drives_no_terminal() {
    let (home, registry) = home();
    let host = registry.address();
    let noise = "printf 'Touch \\033[31myour key\\033[0m\\007\\r\\n\\033]0;owned\\007second\\n' >&2";
    home.script("docker-credential-noisy", &format!("{noise}\n{}", answering("me", "secret")));
    home.write(".docker/config.json", r#"{"credsStore":"noisy"}"#);
    let pushed = push(&home, host);
    pushed.succeeds().stderr_is(
        "Warning: docker-credential-noisy: Touch your key\nWarning: docker-credential-noisy: ]0;ownedsecond\n",
    );
    // Before the reason for which it failed, which is no better.
    let refusal = "printf 'I \\033[2Jwill\\n not'; exit 1";
    home.script("docker-credential-noisy", &format!("cat >/dev/null\n{noise}\n{refusal}"));
    let refused = push(&home, host);
    refused.fails(1);
    let words = "Warning: docker-credential-noisy: ]0;ownedsecond\nError: ";
    assert!(refused.stderr.contains(words), "{refused}");
    assert!(refused.stderr.contains("docker-credential-noisy: I will not"), "{refused}");
    assert!(!refused.stderr.contains(|c: char| c.is_control() && c != '\n'), "{refused}");
    // A flood is no reason to stand still, nor to be shown.
    let flood = "yes 'a line of many' | head -n 200000 >&2";
    home.script("docker-credential-noisy", &format!("{flood}\n{}", answering("me", "secret")));
    let pushed = push(&home, host);
    assert_eq!(pushed.succeeds().stderr.lines().count(), 41, "{pushed}");
    assert!(pushed.stderr.ends_with("docker-credential-noisy: and more, which is not shown\n"), "{pushed}");
    // A child that stays holds up nobody.
    let stays = "sleep 60 >&2 2>&2 </dev/null &";
    home.script("docker-credential-noisy", &format!("{stays}\n{}", answering("me", "secret")));
    push(&home, host).succeeds().stderr_is("");
}
