//! `helm-registry-login`, `-logout` and `-status`, as a user sees them.

use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, write_chart};

/// The user `me` with the password `secret`, as `htpasswd -B` writes it.
const HTPASSWD: &str = "me:$2y$05$sCbidvT1FMBoqapITpiZWu.8LRZj3ItqacrAXe/WC.QPt7P0kGWB6\n";

const NO_KEYRING: &str = "no OS keyring here";

const CHOICES: &str = "hint: --store=file keeps it in Helm's file, in clear text unless that has a credsStore; \
     HELM_OCI_KEYRING=keyutils in the kernel's, until the next start; HELM_OCI_USERNAME and HELM_OCI_PASSWORD keep it nowhere\n";

/// A registry that lets in `me` with `secret`.
fn registry(home: &Home) -> EmbeddedRegistry {
    home.write("htpasswd", HTPASSWD);
    EmbeddedRegistry::start(home, ["--data", "registry", "--htpasswd", "htpasswd"])
}

fn config(home: &Home) -> PathBuf {
    home.path().join(".config/helm/registry/config.json")
}

fn login(home: &Home, host: &str, password: &str) -> Output {
    home.command("helm-registry-login")
        .args(["-u", "me", "--password-stdin", "--store=file", host])
        .stdin(password)
        .run()
}

#[test]
fn a_credential_is_proven_and_then_kept() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    let wrong = login(&home, host, "wrong\n");
    wrong.fails(4).stdout_is("");
    assert!(wrong.stderr.starts_with(&format!("Error: cannot log in to {host}: ")), "{wrong}");
    assert!(wrong.stderr.ends_with("\nhint: the user or the password is wrong\n"), "{wrong}");
    assert!(!config(&home).exists());
    login(&home, host, "secret\n").stderr_is("").prints("Login succeeded\n");
    assert_eq!(
        fs::read_to_string(config(&home)).unwrap(),
        format!(
            "{{\n\t\"auths\": {{\n\t\t\"{host}\": {{\n\t\t\t\"auth\": \"bWU6c2VjcmV0\"\n\t\t}}\n\t}}\n}}"
        )
    );
    // In the working directory, named without it.
    let plain = home.command("helm-registry-login").env("HELM_REGISTRY_CONFIG", "plain.json");
    let plain = plain.args(["-u", "me", "--password-stdin", "--store=file", host]).stdin("secret\n").run();
    plain.stderr_is("").prints("Login succeeded\n");
    assert_eq!(fs::read(home.path().join("plain.json")).unwrap(), fs::read(config(&home)).unwrap());
    // A wrong one does not take the place of a right one.
    login(&home, host, "wrong").fails(4);
    let path = config(&home);
    let status = format!("HOST  USER  STORE  CLEAR TEXT  WORKS\n{host}  me  {}  yes  yes\n", path.display());
    let shown = home.command("helm-registry-status").args(["--test"]).run();
    assert_eq!(squeezed(&shown.stdout), squeezed(&status).replace(&*home.path().to_string_lossy(), "$HOME"));
    home.command("helm-registry-logout").args([host]).run().stderr_is("").prints("Logout succeeded\n");
    home.command("helm-registry-logout").args([host]).run().fails(3).stderr_is(&format!(
        "Error: not logged in to {host}\nhint: helm oci registry status lists what there is\n"
    ));
    let shown = home.command("helm-registry-status").args([host]).run();
    assert!(shown.fails(3).stderr.contains(&format!("Error: not logged in to {host}\n")), "{shown}");
}

fn squeezed(text: &str) -> String {
    let line =
        |line: &str| line.split("  ").filter(|w| !w.is_empty()).map(str::trim).collect::<Vec<_>>().join("  ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn push_and_pull_use_what_login_kept_and_what_they_are_given() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    let reference = format!("{host}/group/mychart:1.0.0");
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n")],
    );
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    let push = || home.command("helm-chart-push").args(["-q", &reference]);
    let refused = push().run();
    refused.fails(4);
    assert!(refused.stderr.ends_with(&format!("\nhint: helm oci registry login {host}\n")), "{refused}");
    push().args(["-u", "me", "--password-stdin"]).stdin("secret\r\n").run().succeeds().stderr_is("");
    push().env("HELM_OCI_USERNAME", "me").env("HELM_OCI_PASSWORD", "secret").run().succeeds();
    push().env("HELM_OCI_USERNAME", "me").env("HELM_OCI_PASSWORD", "wrong").run().fails(4);
    let half = push().env("HELM_OCI_USERNAME", "me").run();
    assert!(half.fails(1).stderr.contains("HELM_OCI_USERNAME is set without HELM_OCI_PASSWORD"), "{half}");
    push().args(["-u", "me"]).run().fails(2).stderr_is("Error: --username needs --password-stdin\n");
    login(&home, &format!("oci://{host}/group/"), "secret").prints("Login succeeded\n");
    push().run().succeeds();
    home.command("helm-chart-pull").args(["-q", &reference]).run().succeeds();
    // What is given on the command line comes before what is kept.
    push().args(["-u", "me", "--password-stdin"]).stdin("wrong").run().fails(4);
}

#[test]
fn docker_registry_is_logged_in_to() {
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let home = Home::new();
    login(&home, registry.address(), "wrong").fails(4);
    login(&home, registry.address(), "secret").prints("Login succeeded\n");
}

#[test]
fn without_a_keyring_nothing_is_kept_and_the_choices_are_named() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    let run = home
        .command("helm-registry-login")
        .args(["-u", "me", "--password-stdin", host])
        .stdin("secret")
        .run();
    run.fails(1).stdout_is("");
    run.stderr_is(&format!("Error: cannot keep the credential for {host}: {NO_KEYRING}\n{CHOICES}"));
    assert!(!config(&home).exists());
    let none = home.command("helm-registry-login").env("HELM_OCI_KEYRING", "none");
    let none = none.args(["-u", "me", "--password-stdin", host]).stdin("secret").run();
    assert!(none.fails(1).stderr.ends_with(CHOICES), "{none}");
    // Moving one there has one choice alone.
    home.write(".docker/config.json", r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#);
    let adopt = home.command("helm-registry-status").args(["--adopt", "h.example.com"]).run();
    adopt.fails(1).stderr_is(&format!(
        "Error: cannot move the credential for h.example.com: {NO_KEYRING}\n\
         hint: HELM_OCI_KEYRING=keyutils is the kernel's, until the next start\n"
    ));
}

/// A helper of others keeps credentials for registries, and is asked for them by their hosts.
#[test]
fn a_part_of_a_registry_is_not_put_where_nobody_asks_for_it() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    home.script("docker-credential-fake", "cat >>\"$HOME/stored\"");
    for text in [r#"{"credsStore":"fake"}"#.to_owned(), format!(r#"{{"credHelpers":{{"{host}":"fake"}}}}"#)] {
        home.write(".config/helm/registry/config.json", &text);
        login(&home, &format!("{host}/group"), "secret").fails(2).stdout_is("").stderr_is(&format!(
            "Error: cannot keep the credential for {host}/group: $HOME/.config/helm/registry/config.json has \
             docker-credential-fake keep credentials, which knows registries as a whole and no part of one\n\
             hint: log in to the registry as a whole, or without --store=file: the keyring knows parts\n"
        ));
        assert!(!home.path().join("stored").exists());
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), text);
        // Before a password is asked for, which nobody could type here.
        let part = format!("{host}/group");
        let asked = home.command("helm-registry-login").args(["-u", "me", "--store=file", &part]).run();
        asked.fails(2).stdout_is("");
        assert!(asked.stderr.starts_with(&format!("Error: cannot log in to {part}: ")), "{asked}");
        assert!(asked.stderr.contains(" which knows registries as a whole and no part of one\n"), "{asked}");
    }
    login(&home, host, "secret").prints("Login succeeded\n");
    assert!(fs::read_to_string(home.path().join("stored")).unwrap().contains(host));
    // The file itself does, where it says so for this registry.
    home.write(
        ".config/helm/registry/config.json",
        format!(r#"{{"credsStore":"fake","credHelpers":{{"{host}":""}}}}"#),
    );
    login(&home, &format!("{host}/group"), "secret").prints("Login succeeded\n");
    assert!(fs::read_to_string(config(&home)).unwrap().contains("bWU6c2VjcmV0"));
}

#[test]
fn helm_is_told_by_a_login_into_the_keyring_alone() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    let login = |flags: &[&str], host: &str| {
        let login = home.command("helm-registry-login").args(["-u", "me", "--password-stdin", "--for-helm"]);
        login.args(flags).args([host]).stdin("secret").run()
    };
    login(&["--store=file"], host)
        .fails(2)
        .stderr_is("Error: --for-helm is for the keyring: its own file Helm reads anyway\n");
    login(&[], &format!("{host}/group")).fails(2).stderr_is(&format!(
        "Error: cannot log in to {host}/group: Helm has one credential for all of a registry\n\
         hint: log in to the registry as a whole, or without --for-helm\n"
    ));
    for (text, code, why) in [
        (
            format!(r#"{{"credHelpers":{{"{host}":"ecr-login"}}}}"#),
            5,
            "says already that `ecr-login` keeps the credential of this registry\n\
             hint: take that out there, or leave --for-helm away\n",
        ),
        (
            format!(r#"{{"credHelpers":{{"https://{host}/":""}}}}"#),
            5,
            "says already that `` keeps the credential of this registry\n\
             hint: take that out there, or leave --for-helm away\n",
        ),
        ("{ no JSON".to_owned(), 1, "is not JSON: key must be a string at line 1 column 3\n"),
    ] {
        home.write(".config/helm/registry/config.json", &text);
        let output = login(&[], host);
        output.fails(code).stdout_is("").stderr_is(&format!(
            "Error: cannot log in to {host}: $HOME/.config/helm/registry/config.json {why}"
        ));
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), text);
    }
}

/// docker's, Helm's and our own decision: a link in the place of a file leads to where somebody keeps it.
#[cfg(unix)]
#[test]
fn files_that_are_links_stay_so() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    let dotfiles = home.directory("dotfiles");
    home.directory(".config/helm/registry");
    home.directory(".config/helm/oci");
    for (link, file) in [
        (config(&home), "config.json"),
        (home.path().join(".config/helm/oci/trusted-realms.json"), "realms.json"),
    ] {
        std::os::unix::fs::symlink(dotfiles.join(file), link).unwrap();
    }
    fs::write(dotfiles.join("realms.json"), r#"{"http://other":["a"]}"#).unwrap();
    let login = || {
        let args = ["-u", "me", "--password-stdin", "--store=file", "--trust-realm", "sso.example.net", host];
        home.command("helm-registry-login").args(args).stdin("secret").run()
    };
    login().prints("Login succeeded\n").stderr_is("");
    let realms = fs::read_to_string(dotfiles.join("realms.json")).unwrap();
    assert!(realms.contains("sso.example.net") && realms.contains("http://other"), "{realms}");
    assert!(fs::read_to_string(dotfiles.join("config.json")).unwrap().contains("bWU6c2VjcmV0"));
    home.command("helm-registry-logout").args([host]).run().prints("Logout succeeded\n");
    assert_eq!(
        fs::read_to_string(dotfiles.join("realms.json")).unwrap(),
        "{\n  \"http://other\": [\n    \"a\"\n  ]\n}"
    );
    for link in [config(&home), home.path().join(".config/helm/oci/trusted-realms.json")] {
        assert!(link.is_symlink(), "{}", link.display());
    }
}

#[test]
fn wrong_calls_are_told_apart() {
    let home = Home::new();
    let long = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
    for (args, stderr) in [
        (
            &["-u", "me", "-p", "x", "--password-stdin", "h"][..],
            "Error: --password and --password-stdin exclude each other\n",
        ),
        (&["--password-stdin", "h"], "Error: --password-stdin needs --username\n"),
        (&["-u", "me", "--password-stdin", "h"], "Error: password required\n"),
        (&["-u", "me", "-p", "", "h"], &format!("{long}Error: password required\n")),
        (
            &["-u", "me:you", "-p", "x", "h"],
            &format!("{long}Error: a user name has no colon and no control characters in it\n"),
        ),
        (
            &["-u", "me\r\nX: y", "-p", "x", "h"],
            &format!("{long}Error: a user name has no colon and no control characters in it\n"),
        ),
        (
            &["-u", "me", "-p", &"x".repeat(33 << 10), "h"],
            &format!("{long}Error: the password is longer than 32 KiB\n"),
        ),
        (&["-p", "x", "h"], &format!("{long}Error: --password needs --username\n")),
        (
            &["-u", "me", "-p", "x", "a b"],
            "Error: invalid registry host `a b`: expected a name or an address, and a port between 1 and 65535 if any\n",
        ),
        (&["-u", "me", "-p", "x", "me:hunter2@h"], "Error: credentials do not belong before the host\n"),
        (
            &["-u", "me", "-p", "x", "ftp://h"],
            "Error: `ftp://h` is no registry: expected host[:port][/path]\n",
        ),
        (
            &["h", "--store=file"],
            "Error: there is no terminal to ask for the password\nhint: -u USER --password-stdin reads it from standard input\n",
        ),
    ] {
        home.command("helm-registry-login").args(args).run().fails(2).stdout_is("").stderr_is(stderr);
    }
}

#[test]
fn a_password_on_the_command_line_is_warned_of() {
    let home = Home::new();
    let registry = registry(&home);
    home.command("helm-oci")
        .args(["login", "-u", "me", "-psecret", "--store", "file", registry.address()])
        .run()
        .stderr_is("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
        .prints("Login succeeded\n");
}

#[test]
fn all_spellings_of_a_host_are_one_login() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address().replace("127.0.0.1", "localhost");
    for spelling in [&host, &format!("http://{host}/"), &format!("oci://{}", host.to_uppercase())] {
        login(&home, spelling, "secret").prints("Login succeeded\n");
    }
    let text = fs::read_to_string(config(&home)).unwrap();
    assert_eq!(text.matches("auth\"").count(), 1, "{text}");
    home.command("helm-registry-logout")
        .args([format!("https://{host}/")])
        .run()
        .prints("Logout succeeded\n");
}

#[test]
fn a_person_is_asked() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    // A terminal of its own, from util-linux. The typist waits for the prompts: what is typed before the echo is off is
    // thrown away.
    let talk = |typed: &str, flags: &str| {
        let exe = home.command("helm-registry-login").prepared().get_program().to_owned();
        let command = format!("{} --store=file {flags} {host}", exe.to_string_lossy());
        let lines =
            typed.split(' ').map(|word| format!("sleep 0.7; printf '{word}\\r'; ")).collect::<String>();
        let script = format!("({lines} sleep 0.3) | script -qec '{command}' /dev/null");
        home.program("/bin/sh").args(["-c", &script]).run()
    };
    let output = talk("me secret", "");
    let shown = output.succeeds().stdout.replace('\r', "");
    assert!(shown.contains("Username: ") && shown.contains("Password: "), "{output}");
    assert!(shown.ends_with("Login succeeded\n") && !shown.contains("secret"), "{output}");
    let output = talk("secret", "-u me");
    assert!(
        output.succeeds().stdout.contains("Password: ") && !output.stdout.contains("Username"),
        "{output}"
    );
    let output = talk(" ", "");
    assert!(output.stdout.contains("Token: ") && output.stdout.contains("token required"), "{output}");
    let output = talk(" token", "");
    let hint = "hint: it has no use for an identity token: give a user name with -u";
    assert!(output.fails(4).stdout.contains("401") && output.stdout.contains(hint), "{output}");
    // Ctrl-D at either prompt; what is typed behind it is for the shell.
    assert!(talk("\\004", "").fails(2).stdout.contains("no user name was given"));
    assert!(talk("\\004", "-u me").fails(2).stdout.contains("nothing was typed"));
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let home = Home::new();
    let registry = registry(&home);
    let exe = home.command("helm-registry-login").prepared().get_program().to_owned();
    // A shell that leaves the terminal alone, unlike interactive ones, which put it right themselves.
    let inner = format!(
        "trap : INT; {} --store=file -u me {}; echo ended with $?; stty -a",
        exe.to_string_lossy(),
        registry.address()
    );
    home.write("inner", inner);
    let outer = "(sleep 0.7; printf 'secr\\003'; sleep 0.5) | script -qec 'sh inner' /dev/null";
    let output = home.program("/bin/sh").args(["-c", outer]).run();
    let shown = &output.succeeds().stdout;
    assert!(shown.contains("Password: ") && shown.contains("ended with 130"), "{output}");
    assert!(shown.contains(" echo ") && shown.contains(" icanon ") && !shown.contains("secr"), "{output}");
}

#[test]
fn a_keyring_that_fails_keeps_nothing_in_clear_text() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    login(&home, host, "secret\n").succeeds();
    let logout = home.command("helm-registry-logout").args([host]).env("HELM_OCI_KEYRING", "bronze").run();
    logout.fails(1).stdout_is("").stderr_is(&format!(
        "Error: cannot log out of {host}: docker-credential-helm-oci: HELM_OCI_KEYRING is `bronze`, and this system has \
         no such keyring\n"
    ));
    assert_eq!(fs::read_to_string(config(&home)).unwrap(), "{\n\t\"auths\": {}\n}");
}

#[test]
fn logout_says_who_else_has_one() {
    let home = Home::new();
    let docker = home.write(".docker/config.json", r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#);
    let logout = || home.command("helm-registry-logout").args(["h.example.com"]).run();
    logout().fails(3).stderr_is(
        "Error: not logged in to h.example.com\nhint: there is still a credential for it in $HOME/.docker/config.json: docker logout \
         h.example.com forgets it\n",
    );
    home.write(
        ".config/helm/registry/config.json",
        r#"{"auths":{"https://h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#,
    );
    logout()
        .prints("Logout succeeded\n")
        .stderr_is("Warning: there is still a credential for it in $HOME/.docker/config.json: docker logout h.example.com forgets it\n");
    // What is broken there is none of ours.
    let text = r#"{"auths":{"h.example.com":{"auth":"bWU6c2VjcmV0"}}}"#;
    home.write(".config/helm/registry/config.json", text);
    home.write(".docker/config.json", "{ no JSON");
    logout().prints("Logout succeeded\n").stderr_is("");
    home.write(".docker/config.json", text);
    assert_eq!(fs::read_to_string(config(&home)).unwrap(), "{\n\t\"auths\": {}\n}");
    assert!(fs::read_to_string(docker).unwrap().contains("bWU6"));
}

#[test]
fn a_password_that_does_not_end_is_not_read_to_its_end() {
    let home = Home::new();
    let endless = home
        .program("/bin/sh")
        .args(["-c", "yes | tr -d '\\n' | helm-registry-login -u me --password-stdin h"])
        .run();
    endless.fails(2).stderr_is("Error: the password is longer than 32 KiB\n");
}

#[test]
fn eight_logins_at_once_are_all_in_the_file() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    thread::scope(|scope| {
        for n in 0..8 {
            let home = &home;
            // Half of them the same.
            scope.spawn(move || {
                login(home, &format!("{host}/group{}", n.min(4)), "secret").prints("Login succeeded\n");
            });
        }
    });
    let text = fs::read_to_string(config(&home)).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["auths"].as_object().unwrap().len(), 5, "{text}");
    thread::scope(|scope| {
        for n in 0..5 {
            let home = &home;
            scope.spawn(move || {
                home.command("helm-registry-logout").args([format!("{host}/group{n}")]).run().succeeds();
            });
        }
    });
    assert_eq!(fs::read_to_string(config(&home)).unwrap(), "{\n\t\"auths\": {}\n}");
}

#[test]
fn a_file_that_cannot_be_used_stays_as_it_is() {
    let home = Home::new();
    let registry = registry(&home);
    let host = registry.address();
    for (text, why) in [
        (
            "{ no JSON",
            "$HOME/.config/helm/registry/config.json is not JSON: key must be a string at line 1 column 3",
        ),
        ("[]", "$HOME/.config/helm/registry/config.json: `{` is not what docker's format has there"),
        (
            r#"{"auths":[]}"#,
            "$HOME/.config/helm/registry/config.json: `auths` is not what docker's format has there",
        ),
    ] {
        home.write(".config/helm/registry/config.json", text);
        let output = login(&home, host, "secret");
        output
            .fails(1)
            .stdout_is("")
            .stderr_is(&format!("Error: cannot keep the credential for {host}: {why}\n"));
        home.command("helm-registry-logout").args([host]).run().fails(1);
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), text);
    }
    fs::remove_dir_all(home.path().join(".config")).unwrap();
    home.write(".config", "");
    let output = login(&home, host, "secret");
    assert!(output.fails(1).stderr.contains("$HOME/.config"), "{output}");
    assert_eq!(fs::read_to_string(home.path().join(".config")).unwrap(), "");
}

#[test]
fn status_tells_what_a_test_has_shown() {
    let home = Home::new();
    let (asks, open) = (registry(&home), EmbeddedRegistry::start(&home, ["--data", "open"]));
    let gone = "127.0.0.1:1";
    let entry = |host: &str, auth: &str| format!("\"{host}\":{{\"auth\":\"{auth}\"}}");
    let (good, bad) = ("bWU6c2VjcmV0", "bWU6d3Jvbmc=");
    let entries = [
        entry(asks.address(), good),
        entry(&format!("{}/wrong", asks.address()), bad),
        entry(open.address(), good),
        entry(gone, good),
    ];
    home.write(".docker/config.json", format!("{{\"auths\":{{{}}}}}", entries.join(",")));
    let status =
        |args: &[&str]| home.command("helm-registry-status").args(args).env("HELM_OCI_KEYRING", "none").run();
    let shown = status(&["--test", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&shown.succeeds().stdout).unwrap();
    let mut works: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["host"].as_str().unwrap(), row["works"].clone()))
        .collect();
    works.sort_by_key(|(host, _)| host.to_string());
    let wrong = format!("{}/wrong", asks.address());
    let mut expected = [
        (asks.address(), true.into()),
        (&wrong, false.into()),
        (open.address(), serde_json::Value::Null),
        (gone, serde_json::Value::Null),
    ];
    expected.sort_by_key(|(host, _)| host.to_string());
    assert_eq!(works, expected);
    // A refusal and a registry that is not there are told, and told apart.
    assert!(
        shown.stderr.contains(&format!("Warning: {wrong}: GET ")) && shown.stderr.contains("401"),
        "{shown}"
    );
    assert!(shown.stderr.contains(&format!("Warning: {gone}: ")), "{shown}");
    assert!(!shown.stderr.contains("keyring"), "{shown}");
    for (host, words) in
        [(open.address(), "not asked"), (gone, "unknown"), (&wrong, "no"), (asks.address(), "yes")]
    {
        let table = status(&["--test", host]);
        let line =
            table.stdout.lines().find(|line| line.starts_with(&format!("{host} "))).unwrap_or_default();
        assert!(line.ends_with(&format!("  {words}")), "{table}");
    }
}

#[test]
fn a_store_that_fails_says_so_once() {
    let home = Home::new();
    let status =
        |args: &[&str]| home.command("helm-registry-status").args(args).env("HELM_OCI_KEYRING", "none").run();
    let hosts = ["a.example.com", "b.example.com", "c.example.com"];
    let helpers = hosts.map(|host| format!(r#""{host}":"fake""#)).join(",");
    // For each host that it is named for, and in another file again.
    for file in [".docker/config.json", ".config/helm/registry/config.json"] {
        home.write(file, format!(r#"{{"credHelpers":{{{helpers}}}}}"#));
    }
    let said = "Warning: $HOME/.config/helm/registry/config.json names a credential helper: docker-credential-fake: ";
    home.script("docker-credential-fake", "echo \"$1\" >>\"$HOME/asked\"; echo 'no such D-Bus'; exit 1");
    status(&[]).succeeds().stderr_is(&format!("{said}no such D-Bus\n"));
    // What differs is told.
    home.script("docker-credential-fake", "echo \"no $(cat)\"; exit 1");
    let output = status(&[]);
    assert_eq!(output.stderr.lines().count(), 3, "{output}");
    // For each credential that it has, and does not hand out.
    fs::remove_file(config(&home)).unwrap();
    home.write(".docker/config.json", r#"{"credsStore":"fake"}"#);
    let listed = hosts.map(|host| format!(r#""{host}":"me""#)).join(",");
    let script = format!("[ $1 = list ] && echo '{{{listed}}}' && exit; echo locked; exit 1");
    home.script("docker-credential-fake", &script);
    let output = status(&["--test"]);
    output.succeeds().stderr_is("Warning: docker-credential-fake: locked\n");
    assert_eq!(output.stdout.matches("unknown").count(), 3, "{output}");
}

#[test]
fn what_others_have_written_cannot_drive_the_terminal() {
    let home = Home::new();
    home.script(
        "docker-credential-fake",
        r#"printf '{"h\\u001b[2J\\t.example.com":"m\\u001b[31me\\n\\u202e"}'; echo 'and \033[2J on stderr' >&2"#,
    );
    home.write(".docker/config.json", r#"{"credsStore":"fake"}"#);
    let shown = home.command("helm-registry-status").env("HELM_OCI_KEYRING", "none").run();
    assert!(shown.succeeds().stdout.contains("m\\u{1b}[31me\\u{a}\\u{202e}"), "{shown}");
    assert!(!shown.stdout.contains('\u{1b}'), "{shown}");
}
