//! The keyring itself: a real gnome-keyring on a bus of its own, in every state that it can be in.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Keyring, Output, note, tool, write_chart};

const HTPASSWD: &str = "me:$2y$05$sCbidvT1FMBoqapITpiZWu.8LRZj3ItqacrAXe/WC.QPt7P0kGWB6\n";
const NOTHING: &str = "credentials not found in native keychain\n";

fn helper(home: &Home, action: &str, input: &str) -> Output {
    home.command("docker-credential-helm-oci").args([action]).stdin(input).run()
}

fn store(home: &Home, server: &str, username: &str, secret: &str) -> Output {
    let entry = serde_json::json!({ "ServerURL": server, "Username": username, "Secret": secret });
    helper(home, "store", &entry.to_string())
}

#[test]
fn the_helper_speaks_dockers_protocol() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    helper(&home, "list", "unused").prints("{}\n");
    helper(&home, "get", "localhost:5000").fails(1).stdout_is(NOTHING).stderr_is("");
    helper(&home, "erase", "localhost:5000").fails(1).stdout_is(NOTHING);
    for (server, user) in [
        ("localhost:5000", "me"),
        ("https://registry.example.com/group", "<token>"),
        ("https://index.docker.io/v1/", "hub"),
        ("https://index.docker.io/v1/access-token", "docker"),
    ] {
        store(&home, server, user, &format!("{user}'s")).prints("").stderr_is("");
        let expected =
            format!("{{\"ServerURL\":\"{server}\",\"Username\":\"{user}\",\"Secret\":\"{user}'s\"}}\n");
        helper(&home, "get", &format!("{server}\n")).prints(&expected);
    }
    helper(&home, "list", "").prints(
        "{\"https://index.docker.io/v1/\":\"hub\",\"https://index.docker.io/v1/access-token\":\"docker\",\
         \"localhost:5000\":\"me\",\"registry.example.com/group\":\"<token>\"}\n",
    );
    // In place of the old one, and by another spelling.
    store(&home, "http://LOCALHOST:5000/", "you", "yours").prints("");
    assert!(helper(&home, "get", "localhost:5000").stdout.contains("yours"));
    helper(&home, "erase", "oci://localhost:5000").prints("");
    helper(&home, "get", "localhost:5000").fails(1).stdout_is(NOTHING);
    let large = "x".repeat(100 << 10);
    store(&home, "large", "me", &large).prints("");
    assert!(helper(&home, "get", "large").stdout.contains(&large));
    store(&home, "empty", "me", "").prints("");
    helper(&home, "get", "empty").prints("{\"ServerURL\":\"empty\",\"Username\":\"me\",\"Secret\":\"\"}\n");
}

#[test]
fn the_helper_refuses_as_dockers_do() {
    let home = Home::new();
    for (action, input, words) in [
        ("get", "", "no credentials server URL\n"),
        ("erase", "\n", "no credentials server URL\n"),
        ("store", r#"{"Username":"a","Secret":"b"}"#, "no credentials server URL\n"),
        ("store", r#"{"ServerURL":"a","Secret":"b"}"#, "no credentials username\n"),
        ("store", "hunter2", "not the JSON of a credential helper\n"),
        ("steal", "", "Unknown credential action `steal`\n"),
    ] {
        helper(&home, action, input).fails(1).stdout_is(words).stderr_is("");
    }
    home.command("docker-credential-helm-oci")
        .run()
        .fails(1)
        .stdout_is("Usage: docker-credential-helm-oci [--debug] <store|get|erase|list|version>\n");
    assert!(
        helper(&home, "version", "").succeeds().stdout.starts_with("docker-credential-helm-oci (helm-oci) ")
    );
}

#[test]
fn secret_tool_and_we_read_each_other() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    let Some(secret_tool) = tool("secret-tool") else { return };
    store(&home, "ours.example.com", "me", "mine").prints("");
    home.program(&secret_tool)
        .args(["lookup", "service", "helm-oci", "username", "ours.example.com"])
        .run()
        .prints("{\"username\":\"me\",\"secret\":\"mine\"}");
    let put = |extra: &[&str], secret: &str| {
        let args = ["store", "--label=x", "service", "helm-oci", "username", "theirs.example.com"];
        home.program(&secret_tool).args(args.iter().chain(extra)).stdin(secret).run().succeeds();
    };
    put(&[], r#"{"username":"you","secret":"yours"}"#);
    assert!(helper(&home, "get", "theirs.example.com").stdout.contains("yours"));
    // A second item for the same account, as older versions of the keyring crate leave them.
    put(&["application", "rust-keyring"], r#"{"username":"old","secret":"old"}"#);
    helper(&home, "get", "theirs.example.com").succeeds();
    store(&home, "theirs.example.com", "new", "new").prints("");
    assert!(helper(&home, "get", "theirs.example.com").stdout.contains(r#""Secret":"new""#));
    helper(&home, "list", "").prints("{\"ours.example.com\":\"me\",\"theirs.example.com\":\"new\"}\n");
    // What is not of our form is an error and no credential.
    put(&[], "just a password");
    let foreign = helper(&home, "get", "theirs.example.com");
    assert!(
        foreign.fails(1).stdout.contains("is not of the form") && !foreign.stdout.contains("just"),
        "{foreign}"
    );
}

#[test]
fn sixteen_logins_at_once_are_all_kept() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let host = registry.address();
    thread::scope(|scope| {
        for n in 0..16 {
            let home = &home;
            scope.spawn(move || {
                home.command("helm-registry-login")
                    .args(["-u", "me", "--password-stdin", &format!("{host}/group{n}")])
                    .stdin("secret\n")
                    .run()
                    .prints("Login succeeded\n")
                    .stderr_is("");
            });
        }
    });
    let list: serde_json::Value = serde_json::from_str(&helper(&home, "list", "").stdout).unwrap();
    assert_eq!(list.as_object().unwrap().len(), 16, "{list}");
    home.command("helm-registry-logout").args([format!("{host}/group3")]).run().prints("Logout succeeded\n");
    let list: serde_json::Value = serde_json::from_str(&helper(&home, "list", "").stdout).unwrap();
    assert_eq!(list.as_object().unwrap().len(), 15, "{list}");
    // Nothing of it is in a file.
    assert!(!home.path().join(".config").exists());
}

#[test]
fn a_clear_text_login_is_moved() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    let text = r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"},"g":{"auth":"bWU6c2VjcmV0"}},"other":1}"#;
    let docker = home.write(".docker/config.json", text);
    let adopt = || home.command("helm-registry-status").args(["--adopt", "https://h.example.com"]).run();
    adopt().prints("h.example.com: moved from $HOME/.docker/config.json into the keyring\n").stderr_is("");
    assert!(helper(&home, "get", "h.example.com").stdout.contains("secret"));
    let left: serde_json::Value = serde_json::from_slice(&fs::read(docker).unwrap()).unwrap();
    assert_eq!(left, serde_json::json!({"auths": {"g": {"auth": "bWU6c2VjcmV0"}}, "other": 1}));
    adopt().fails(3);
    home.command("helm-registry-status").args(["-o", "json", "h.example.com"]).run().prints(
        "[\n  {\n    \"host\": \"h.example.com\",\n    \"user\": \"me\",\n    \"store\": \"keyring\",\n    \
         \"clearText\": false,\n    \"trustedRealms\": []\n  }\n]\n",
    );
}

/// Whose it is decides: a credential of somebody else in the keyring is not lost to one that lay in a file.
#[test]
fn a_clear_text_login_takes_the_place_of_nobody_else() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    let text = r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#;
    let docker = home.write(".docker/config.json", text);
    let adopt = |flags: &[&str]| {
        home.command("helm-registry-status").args(flags).args(["--adopt", "h.example.com"]).run()
    };
    for (user, secret) in [("you", "yours"), ("<token>", "abc")] {
        store(&home, "h.example.com", user, secret).prints("");
        adopt(&[]).fails(5).stdout_is("").stderr_is(&format!(
            "Error: cannot move the credential for h.example.com: the keyring has one of `{user}` for it, and the file \
             one of `me`\nhint: --force replaces what the keyring has\n"
        ));
        assert!(helper(&home, "get", "h.example.com").stdout.contains(secret));
        assert_eq!(fs::read_to_string(&docker).unwrap(), text);
    }
    let moved = "h.example.com: moved from $HOME/.docker/config.json into the keyring\n";
    adopt(&["--force"]).prints(moved);
    assert!(helper(&home, "get", "h.example.com").stdout.contains("secret"));
    // The same user's own, and what is for another part of the registry, are in nobody's way.
    home.write(".docker/config.json", text);
    store(&home, "h.example.com", "me", "old").prints("");
    store(&home, "h.example.com/group", "you", "yours").prints("");
    adopt(&[]).prints(moved);
    assert!(helper(&home, "get", "h.example.com").stdout.contains("\"secret\""));
    // Only what can be moved is advised to be.
    let auths = r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#;
    let status = || home.command("helm-registry-status");
    status().env("DOCKER_AUTH_CONFIG", auths).run().succeeds().stderr_is("");
    home.write(".docker/config.json", r#"{"auths":{"h.example.com":{"registrytoken":"abc"}}}"#);
    status().run().succeeds().stderr_is("");
    home.write(".docker/config.json", auths);
    status()
        .run()
        .succeeds()
        .stderr_is("hint: --adopt h.example.com moves it from clear text into the keyring\n");
    home.command("helm-registry-status")
        .args(["--force"])
        .run()
        .fails(2)
        .stderr_is("Error: --force is for --adopt\n");
}

/// Helm asks the keyring where its own file says so.
#[test]
fn helm_is_logged_in_where_it_is_asked_for() {
    let mut home = Home::new();
    let (Some(helm), Some(helm4)) = (tool("helm"), tool("helm4")) else { return };
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    let host = registry.address();
    write_chart(&home.path().join("mychart"), CHART);
    let reference = format!("{host}/group/mychart:1.0.0");
    home.command("helm-chart-save").args(["-q", "mychart", &reference]).run().succeeds();
    let file = ".config/helm/registry/config.json";
    let login = |flags: &[&str]| {
        let login = home.command("helm-registry-login").args(["-u", "me", "--password-stdin", host]);
        login.args(flags).stdin("secret").run()
    };
    let pull = |helm: &PathBuf| {
        let chart = format!("oci://{host}/group/mychart");
        home.directory("pulled");
        home.program(helm).args(["pull", &chart, "--version", "1.0.0", "-d", "pulled"]).run()
    };
    let logout = || home.command("helm-registry-logout").args([host]).run();

    let hint =
        format!("hint: Helm itself is not logged in by this: helm oci registry login --for-helm {host}\n");
    login(&[]).prints("Login succeeded\n").stderr_is(&hint);
    home.command("helm-chart-push").args(["-q", &reference]).run().succeeds();
    pull(&helm).fails(1);
    assert!(!home.path().join(file).exists());

    let before = r#"{"auths":{"other":{"auth":"eDp5"}},"credHelpers":{"g":"ecr-login"},"more":[1]}"#;
    home.write(file, before);
    login(&["--for-helm"]).prints("Login succeeded\n").stderr_is("");
    let document = || {
        let text = fs::read_to_string(home.path().join(file)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let mut expected: serde_json::Value = serde_json::from_str(before).unwrap();
    expected["credHelpers"][host] = "helm-oci".into();
    assert_eq!(document(), expected);
    for helm in [&helm, &helm4] {
        pull(helm).succeeds();
        fs::remove_dir_all(home.path().join("pulled")).unwrap();
    }
    // Again, and without the flag: there is nothing more to do, and to say.
    login(&["--for-helm"]).prints("Login succeeded\n").stderr_is("");
    login(&[]).prints("Login succeeded\n").stderr_is("");
    assert_eq!(document(), expected);
    // It ends with the login, and with nothing else.
    logout().prints("Logout succeeded\n").stderr_is("");
    assert_eq!(document(), serde_json::from_str::<serde_json::Value>(before).unwrap());
    pull(&helm).fails(1);
    logout().fails(3);

    // What lies there alone is taken away, too.
    fs::remove_file(home.path().join(file)).unwrap();
    login(&["--for-helm"]).prints("Login succeeded\n");
    helper(&home, "erase", host).prints("");
    logout().prints("Logout succeeded\n");
    assert_eq!(document(), serde_json::json!({}));
    // Helm looks for the helper on the PATH, and is told of it where it is not there.
    let libexec = home.directory("libexec");
    for name in ["helm-registry-login", "docker-credential-helm-oci"] {
        fs::hard_link(home.executable(name), libexec.join(name)).unwrap();
    }
    let login = home.program(libexec.join("helm-registry-login")).env("PATH", "/usr/bin:/bin");
    let login = login.args(["-u", "me", "--password-stdin", "--for-helm", host]).stdin("secret").run();
    login.prints("Login succeeded\n").stderr_is(
        "hint: Helm finds the keyring with docker-credential-helm-oci on its PATH: export \
         PATH=\"$PATH:$HOME/libexec\"\n",
    );
    // In docker's file it serves Helm as well, and a keyring that is not there is passed over there as everywhere.
    home.write(".docker/config.json", r#"{"credsStore":"helm-oci"}"#);
    let push = || home.command("helm-chart-push").args(["-q", &reference]);
    push().run().succeeds();
    push().env("HELM_OCI_KEYRING", "none").run().fails(4).stdout_is("");
}

#[test]
fn a_login_in_clear_text_is_told_of_and_not_shadowed_in_silence() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let host = registry.address();
    let login = || {
        let args = ["-u", "me", "--password-stdin", "--store=file", host];
        home.command("helm-registry-login").args(args).stdin("secret").run()
    };
    login().prints("Login succeeded\n").stderr_is("");
    let status = home.command("helm-registry-status").run();
    let hint = format!("hint: --adopt {host} moves it from clear text into the keyring\n");
    status.succeeds().stderr_is(&hint);
    store(&home, host, "me", "old").prints("");
    login().prints("Login succeeded\n").stderr_is(&format!(
        "Warning: the OS keyring has another credential for {host}, which is used before this one\n"
    ));
    // A file that is broken keeps nothing in the keyring.
    let config = home.write(".config/helm/registry/config.json", "{ no JSON");
    let logout = home.command("helm-registry-logout").args([host]).run();
    assert!(logout.fails(1).stderr.contains("config.json is not JSON"), "{logout}");
    helper(&home, "get", host).fails(1).stdout_is(NOTHING);
    assert_eq!(fs::read_to_string(config).unwrap(), "{ no JSON");
}

#[test]
fn a_locked_keyring_is_an_error_for_what_it_has() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &["--locked"]) else { return };
    let locked = "the OS keyring is locked: SS error: prompt dismissed\n";
    helper(&home, "get", "locked.example.com").fails(1).stdout_is(locked);
    store(&home, "other.example.com", "me", "x").fails(1).stdout_is(locked);
    helper(&home, "list", "").fails(1).stdout_is(locked);
    // What it does not have is no secret.
    helper(&home, "get", "other.example.com").fails(1).stdout_is(NOTHING);
    // The file is not asked in its place.
    home.write(".docker/config.json", r#"{"auths":{"locked.example.com":{"auth":"bWU6c2VjcmV0"}}}"#);
    let logout = home.command("helm-registry-logout").args(["locked.example.com"]).run();
    let expected = "Error: cannot log out of locked.example.com: docker-credential-helm-oci: the OS keyring is locked: \
                    SS error: prompt dismissed\n";
    logout.fails(1).stderr_is(expected);
    // Who logs in, over SSH for one, is told what else there is before a password is typed, and afterwards.
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let login = |host: &str| {
        home.command("helm-registry-login").args(["-u", "me", "--password-stdin", host]).stdin("secret").run()
    };
    let output = login(registry.address());
    assert!(output.fails(1).stderr.contains("the OS keyring is locked"), "{output}");
    let hint = "\nhint: unlock it where it can ask for its password, which it cannot over SSH; or \
                --store=file keeps it in Helm's file, in clear text unless that has a credsStore; \
                HELM_OCI_KEYRING=keyutils in the kernel's, ";
    assert!(output.stderr.contains(hint) && output.stderr.contains("HELM_OCI_PASSWORD"), "{output}");
    let typed = home.command("helm-registry-login").args(["locked.example.com"]).run();
    assert!(typed.fails(1).stderr.contains(hint), "{typed}");
    let pull = home.command("helm-chart-pull").args(["-q", &format!("{}/a:1", registry.address())]).run();
    assert!(pull.fails(4).stderr.contains("hint: helm oci registry login"), "{pull}");
}

#[test]
fn a_bus_without_a_keyring_is_named() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &["--absent"]) else { return };
    let output = helper(&home, "get", "h");
    assert!(output.fails(1).stdout.starts_with("no OS keyring here: "), "{output}");
    assert!(output.stdout.contains("org.freedesktop.secrets was not provided"), "{output}");
}

#[test]
fn a_bus_that_never_answers_is_not_waited_for() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &["--hanging"]) else { return };
    // One command waits once, for however many charts and registries, says so, and goes on to the other stores.
    home.write("htpasswd", HTPASSWD);
    let registries =
        ["one", "two"].map(|data| EmbeddedRegistry::start(&home, ["--data", data, "--htpasswd", "htpasswd"]));
    let mut auths = serde_json::Map::new();
    let mut references = Vec::new();
    write_chart(&home.path().join("mychart"), CHART);
    for registry in &registries {
        auths.insert(registry.address().to_owned(), serde_json::json!({ "auth": "bWU6c2VjcmV0" }));
        for group in ["a", "b"] {
            let reference = format!("{}/{group}/mychart:1.0.0", registry.address());
            home.command("helm-chart-save").args(["-q", "mychart", &reference]).run().succeeds();
            references.push(reference);
        }
    }
    home.write(".docker/config.json", serde_json::json!({ "auths": auths }).to_string());
    let log = counted(&home);
    let push = |keyring: &str| {
        let push = home.program(home.path().join("libexec/helm-chart-push")).args(["-q"]).args(&references);
        let output = push.env("HELM_OCI_KEYRING", keyring).run();
        output.succeeds();
        (output.stderr, fs::read_to_string(&log).unwrap_or_default())
    };
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let silent = "no OS keyring here: it did not answer within 5 seconds\n";
            helper(&home, "get", "h").fails(1).stdout_is(silent);
        });
        scope.spawn(|| {
            // Whether there is something in it nobody knows: that is no logout.
            let logout = home.command("helm-registry-logout").args(["h"]).run();
            logout.fails(1).stderr_is(
                "Error: cannot log out of h: no OS keyring here: it did not answer within 5 seconds\n",
            );
        });
        let (stderr, runs) = push("");
        assert_eq!(
            stderr,
            "Warning: no OS keyring here: it did not answer within 5 seconds; going on without it, and \
             HELM_OCI_KEYRING=none does so without waiting\n"
        );
        assert_eq!(runs, "find\n");
    });
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // Whoever wants none does not wait at all: the helper does not even run.
    assert_eq!(push("none"), (String::new(), "find\n".to_owned()));
    let login = home.command("helm-registry-login").args(["-u", "me", "--password-stdin", "127.0.0.1:1"]);
    let login = login.env("HELM_OCI_KEYRING", "none").stdin("x").run();
    assert!(!login.fails(6).stderr.contains("keyring"), "{login}");
}

const CHART: &[(&str, &str)] = &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n")];

/// Puts push and pull beside a helper that keeps a list of what it is run for, and then is the real one.
fn counted(home: &Home) -> PathBuf {
    let log = home.path().join("runs");
    let real = home.command("docker-credential-helm-oci").prepared().get_program().to_owned();
    let real = Path::new(&real);
    home.directory("libexec");
    for name in ["helm-chart-push", "helm-chart-pull"] {
        fs::hard_link(real.with_file_name(name), home.path().join("libexec").join(name)).unwrap();
    }
    let script =
        home.script("helper", &format!("echo \"$1\" >>{}\nexec {} \"$@\"", log.display(), real.display()));
    fs::rename(script, home.path().join("libexec/docker-credential-helm-oci")).unwrap();
    log
}

#[test]
fn the_helper_runs_once_for_a_registry_and_a_command() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    let host = registry.address();
    store(&home, host, "me", "wrong").prints("");
    store(&home, &format!("{host}/group"), "me", "secret").prints("");
    store(&home, &format!("{host}/group/locked"), "me", "wrong").prints("");
    write_chart(&home.path().join("mychart"), CHART);
    let references =
        ["group/sub/mychart:1.0.0", "group/sub/mychart:2.0.0", "group/other/deep/er/mychart:1.0.0"]
            .map(|name| format!("{host}/{name}"));
    for reference in &references {
        home.command("helm-chart-save").args(["-q", "mychart", reference]).run().succeeds();
    }
    let log = counted(&home);
    let runs = || fs::read_to_string(&log).unwrap_or_default();
    let run = |name: &str, references: &[String]| {
        home.program(home.path().join("libexec").join(name)).args(["-q"]).args(references).run()
    };
    run("helm-chart-push", &references).succeeds();
    assert_eq!(runs(), "find\n");
    run("helm-chart-pull", &references[2..]).succeeds();
    assert_eq!(runs(), "find\nfind\n");
    // It also serves a file that names it.
    home.write(".docker/config.json", r#"{"credsStore":"helm-oci"}"#);
    run("helm-chart-pull", &references).succeeds();
    assert_eq!(runs(), "find\nfind\nfind\n");
    run("helm-chart-pull", &[format!("{host}/elsewhere/mychart:1.0.0")]).fails(4);
    let refused = run("helm-chart-pull", &[format!("{host}/group/locked/mychart:1.0.0")]);
    let part = format!("{host}/group/locked");
    let hint = format!(
        "\nhint: the credential for {part} in the keyring is wrong, has expired, or may not do this: helm oci registry \
         login {part} replaces it, helm oci registry logout {part} forgets it\n"
    );
    assert!(refused.fails(4).stderr.ends_with(&hint), "{refused}");
    run("helm-chart-pull", &[format!("{host}/group/lockedx/mychart:1.0.0")]).fails(3);
    // A registry that does not ask is no reason to.
    let before = runs();
    let open = EmbeddedRegistry::start(&home, ["--data", "open"]);
    let reference = format!("{}/group/mychart:1.0.0", open.address());
    home.command("helm-chart-save").args(["-q", "mychart", &reference]).run().succeeds();
    run("helm-chart-push", &[reference]).succeeds();
    assert_eq!(runs(), before);
}

/// The kernel keeps a few thousand bytes for each user but root, who may be anybody.
#[test]
fn a_kernels_keyring_that_is_full_says_so() {
    let Some(keyctl) = tool("keyctl") else { return };
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "open"]);
    let host = registry.address();
    let quota = fs::read_to_string("/proc/sys/kernel/keys/maxbytes").unwrap();
    let quota: usize = quota.trim().parse().unwrap();
    // A key has 32 KiB at most, and so has a password.
    if quota > 30_000 {
        return note("the kernel's quota for keys is larger than one key: its end is not reached");
    }
    let is_root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let login =
        format!("head -c {quota} /dev/zero | tr '\\0' x | helm-registry-login -u me --password-stdin {host}");
    let inside = ["session", "-", "sh", "-c", &login];
    let output = match is_root {
        true => {
            let nobody = ["--reuid", "65534", "--clear-groups"];
            home.program("/usr/bin/setpriv").args(nobody).args([&keyctl]).args(inside)
        }
        false => home.program(&keyctl).args(inside),
    };
    // The home is somebody else's; nothing is written there.
    let output = output.env("HELM_OCI_KEYRING", "keyutils").run();
    let expected = format!(
        "Error: cannot keep the credential for {host}: docker-credential-helm-oci: the OS keyring is full: the \
         kernel's quota for the keys of this user is used up\nhint: helm oci registry logout makes room, and sysctl \
         kernel.keys.maxbytes and kernel.keys.maxkeys raise it; --store=file keeps it in Helm's file, "
    );
    assert!(output.fails(1).stderr.contains(&expected), "{output}");
}

#[test]
fn our_own_action_answers_several_repositories_at_once() {
    let mut home = Home::new();
    let Some(_keyring) = Keyring::start(&mut home, &[]) else { return };
    helper(&home, "find", "h/a/b\n").prints("[]");
    for account in ["h", "h/a", "h/a/b/c", "g/x"] {
        store(&home, account, "me", &format!("{account}'s")).prints("");
    }
    let item =
        |account: &str| format!(r#"{{"ServerURL":"{account}","Username":"me","Secret":"{account}'s"}}"#);
    for (asked, found) in [
        ("h/a/b\n", &["h/a"][..]),
        ("h/a/b\nh/a\nh/ab\n", &["h", "h/a"]),
        ("h/a/b/c/d", &["h/a/b/c"]),
        ("g/y\nother", &[]),
        ("g/x/y", &["g/x"]),
        ("", &[]),
    ] {
        let found = found.iter().map(|account| item(account)).collect::<Vec<_>>().join(",");
        helper(&home, "find", asked).prints(&format!("[{found}]"));
    }
    // What others ask is answered as they know it: exactly.
    helper(&home, "get", "h/ab").fails(1).stdout_is(NOTHING);
}

/// A session keyring of its own, as a login has.
#[test]
fn the_kernels_keyring_serves_where_it_is_chosen() {
    let Some(keyctl) = tool("keyctl") else { return };
    let home = Home::new();
    home.write("htpasswd", HTPASSWD);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--htpasswd", "htpasswd"]);
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n"), ("values.yaml", "a: 1\n")],
    );
    let host = registry.address();
    let script = format!(
        "set -e; printf secret | helm-registry-login -u me --password-stdin {host}\n\
         helm-chart-save -q mychart {host}/mychart >/dev/null; helm-chart-push -q {host}/mychart:1.0.0 >/dev/null\n\
         helm-registry-logout {host}; helm-chart-pull -q {host}/mychart:1.0.1"
    );
    // In a session of a login, and in none: there the persistent keyring may be out of reach.
    let session = home.program(&keyctl).args(["session", "-", "sh", "-c", &script]);
    for shell in [session, home.program("/bin/sh").args(["-c", &script])] {
        let output = shell.env("HELM_OCI_KEYRING", "keyutils").run();
        output.fails(4).stdout_is("Login succeeded\nLogout succeeded\n");
    }
    let script = format!(
        "set -e; for path in '' /group /group/sub; do\n\
         printf secret | helm-registry-login -u me --password-stdin {host}$path >/dev/null; done\n\
         helm-registry-logout {host}/group; helm-registry-status {host}\n\
         helm-registry-logout {host}; helm-registry-logout {host}/group/sub"
    );
    // A user's persistent keyring is in all sessions (persistent-keyring(7)), so there may be other items.
    let session = home.program(&keyctl).args(["session", "-", "sh", "-c", &script]);
    let output = session.env("HELM_OCI_KEYRING", "keyutils").run();
    let wide = host.len() + "/group/sub".len();
    output.prints(&format!(
        "Logout succeeded\n{:wide$}  USER  STORE    CLEAR TEXT\n{host:wide$}  me    keyring  no\n\
         {host}/group/sub  me    keyring  no\nLogout succeeded\nLogout succeeded\n",
        "HOST"
    ));
    let elsewhere = helper(&home, "get", host);
    elsewhere.fails(1);
    let unknown = home.command("docker-credential-helm-oci").args(["get"]).stdin(host);
    unknown
        .env("HELM_OCI_KEYRING", "bronze")
        .run()
        .fails(1)
        .stdout_is("HELM_OCI_KEYRING is `bronze`, and this system has no such keyring\n");
}
