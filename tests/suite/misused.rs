//! Options of other tools, slips in ours, and arguments where there is no room for them.

use crate::common::Home;

/// What is said of a call that is wrong: the error, and the hint.
fn refused(home: &Home, command: &str, args: &str) -> (String, String) {
    let output = home.command(command).args(args.split(' ')).run();
    output.fails(2).stdout_is("");
    let (error, hint) = output.stderr.split_once("\nhint: ").unwrap_or_else(|| panic!("{output}"));
    (error.strip_prefix("Error: ").unwrap().to_owned(), hint.trim_end().to_owned())
}

#[test]
fn options_of_other_tools_name_ours_and_slips_the_nearest() {
    let home = Home::new();
    for (command, option, expected) in [
        ("helm-chart-pull", "--insecure-skip-tls-verfy", "the nearest is --insecure-skip-tls-verify"),
        ("helm-chart-pull", "--dest=x", "the nearest is --destination"),
        ("helm-chart-pull", "--plainhttp", "the nearest is --plain-http"),
        ("helm-chart-pull", "--tls-verify=false", "here it is --insecure"),
        ("helm-chart-pull", "-k", "here it is --insecure"),
        ("helm-chart-pull", "--json", "here it is -o json"),
        ("helm-chart-pull", "-v", "here it is --debug"),
        ("helm-chart-pull", "--verbose", "here it is --debug"),
        ("helm-chart-pull", "-a", "references are given one by one: helm oci list -q has those of the cache"),
        ("helm-chart-pull", "--output-dir", "here it is --destination"),
        ("helm-chart-pull", "--creds", "here it is -u USER --password-stdin"),
        ("helm-chart-push", "--dry-run", "there is no dry run of this"),
        ("helm-chart-push", "--force", "it is not needed: what is under the tag is replaced"),
        ("helm-chart-remove", "-f", "it is not needed: no question is asked"),
        (
            "helm-chart-list",
            "--digests",
            "-q prints references with their digests, and -o json all that there is to tell",
        ),
        ("helm-chart-list", "-a", "it is not needed: all of the cache is listed"),
        ("helm-chart-list", "--ouptut", "the nearest is --output"),
        ("helm-chart-fsck", "--fix", "here it is --repair"),
        ("helm-registry-login", "--token", "here it is -u '<token>' --password-stdin"),
        ("helm-registry-serve", "--port", "here it is --listen HOST:PORT"),
        ("helm-registry-serve", "--cert", "here it is --tls-cert"),
        ("helm-chart-list", "--xyzzy", "helm-chart-list --help shows how it is called"),
        // An option of another command is none of this one.
        ("helm-chart-list", "--fix", "helm-chart-list --help shows how it is called"),
    ] {
        let (error, hint) = refused(&home, command, option);
        let shown = option.split('=').next().unwrap();
        assert_eq!(
            (error, hint.as_str()),
            (format!("unrecognized argument: {shown}"), expected),
            "{command}"
        );
    }
    // As Go's programs have it, with one dash: it would be `-d estination`.
    for (command, args, error, hint) in [
        (
            "helm-chart-pull",
            "localhost:1/a -destination x",
            "`-destination` has one dash",
            "here it is --destination",
        ),
        ("helm-chart-pull", "localhost:1/a -untar", "`-untar` has one dash", "here it is --untar"),
        (
            "helm-registry-login",
            "localhost:1 -password-stdin",
            "`-password-stdin` has one dash",
            "here it is --password-stdin",
        ),
    ] {
        assert_eq!(refused(&home, command, args), (error.to_owned(), hint.to_owned()));
    }
    assert!(!home.cache().exists());
}

#[test]
fn arguments_that_are_too_many_say_where_they_belong() {
    let home = Home::new();
    home.directory("out");
    for (command, args, expected) in [
        (
            "helm-chart-export",
            "localhost:1/a:1 out",
            "-d says where to: helm-chart-export localhost:1/a:1 -d out",
        ),
        (
            "helm-chart-export",
            ". localhost:1/a:1",
            "-d says where to: helm-chart-export localhost:1/a:1 -d .",
        ),
        (
            "helm-chart-export",
            "localhost:1/a:1 new --package -f",
            "-d says where to: helm-chart-export localhost:1/a:1 -d new",
        ),
        (
            "helm-chart-export",
            "localhost:1/a:1 localhost:1/b:1",
            "one at a time: helm-chart-export localhost:1/a:1, then localhost:1/b:1",
        ),
        ("helm-chart-export", "localhost:1/a:1 -o a.tgz", "--output is the format; -d DIR says where to"),
        ("helm-chart-pull", "localhost:1/a:1 -o a.tgz", "--output is the format; -d DIR says where to"),
        (
            "helm-chart-tag",
            "localhost:1/a:1 localhost:1/b localhost:1/c",
            "one at a time: helm-chart-tag localhost:1/a:1 localhost:1/b, then the next",
        ),
        (
            "helm-registry-login",
            "localhost:1 bob secret",
            "user and password are asked for, or given so: helm-registry-login localhost:1 -u USER --password-stdin",
        ),
        (
            "helm-registry-logout",
            "localhost:1 localhost:2",
            "one at a time: helm-registry-logout localhost:1, then the next",
        ),
        ("helm-registry-serve", "registry", "--data says where from: helm-registry-serve --data registry"),
        (
            "helm-registry-serve",
            "127.0.0.1:0",
            "--listen says where: helm-registry-serve --listen 127.0.0.1:0",
        ),
        ("helm-chart-list", "-o wide", "helm-chart-list --help shows how it is called"),
    ] {
        let (_, hint) = refused(&home, command, args);
        assert_eq!(hint, expected, "{command} {args}");
    }
    // By the name that it was called by.
    let called = home.command("helm-oci").args(["export", "localhost:1/a:1", "out"]).run();
    assert!(
        called.fails(2).stderr.ends_with("hint: -d says where to: helm oci export localhost:1/a:1 -d out\n"),
        "{called}"
    );
}
