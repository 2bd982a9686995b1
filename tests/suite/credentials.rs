//! Credentials that others have written are used, and ours are used by others.

use std::fs;
use std::path::Path;

use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Keyring, Output, tool, write_chart};

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

#[test]
fn a_helper_that_hangs_is_not_waited_for() {
    let (home, registry) = home();
    home.script("docker-credential-fake", "exec sleep 100");
    home.write(".docker/config.json", r#"{"credsStore":"fake"}"#);
    let output = push(&home, registry.address());
    let expected = "docker-credential-fake did not answer within 30 seconds\n";
    assert!(output.fails(1).stderr.contains(expected), "{output}");
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
