//! Hints for options and arguments that a command does not have: the right name, or the nearest one.

use std::path::Path;

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

use super::unknown::nearest;
use crate::environment;
use crate::reference::Reference;

/// Options of other tools, with hints. The first hint is used whose condition holds: an option that the command has,
/// the command's own name, or nothing.
type MisusedOption = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const OPTIONS: &[MisusedOption] = &[
    // Options for the connection to the registry.
    (
        &[
            "-k",
            "--allow-insecure",
            "--dest-tls-verify",
            "--no-check-certificate",
            "--skip-tls",
            "--skip-tls-verify",
            "--src-tls-verify",
            "--tls-skip-verify",
            "--tls-verify",
        ],
        &[("--insecure", "here it is --insecure")],
    ),
    (&["--http", "--insecure-registry", "--no-tls"], &[("--plain-http", "here it is --plain-http")]),
    (
        &[
            "--ca",
            "--ca-cert",
            "--cacert",
            "--cert-authority",
            "--certificate-authority",
            "--tls-ca",
            "--tlscacert",
        ],
        &[("--ca-file", "here it is --ca-file")],
    ),
    (
        &["--cert", "--certificate", "--client-cert", "--tlscert"],
        &[("--cert-file", "here it is --cert-file"), ("--tls-cert", "here it is --tls-cert")],
    ),
    (
        &["--client-key", "--key", "--private-key", "--tlskey"],
        &[("--key-file", "here it is --key-file"), ("--tls-key", "here it is --tls-key")],
    ),
    (&["--login", "--user"], &[("--username", "here it is --username")]),
    (
        &["--creds", "--credentials", "--dest-creds", "--src-creds"],
        &[("--username", "here it is -u USER --password-stdin")],
    ),
    (&["--password-file"], &[("--password-stdin", "here it is --password-stdin, with < FILE behind it")]),
    (
        &["--access-token", "--bearer", "--identity-token", "--token"],
        &[("--username", "here it is -u '<token>' --password-stdin")],
    ),
    (
        &["--authfile", "--auth-file", "--config", "--registry-config"],
        &[("", "a variable names it: HELM_REGISTRY_CONFIG, DOCKER_CONFIG or REGISTRY_AUTH_FILE")],
    ),
    (
        &["-j", "--jobs", "--max-concurrent", "--parallel", "--threads", "--workers"],
        &[("--concurrency", "here it is --concurrency")],
    ),
    (&["--max-time", "--request-timeout", "--wait"], &[("--timeout", "here it is --timeout")]),
    (
        &["--retries", "--retry", "--retry-times"],
        &[(
            "--timeout",
            "what fails for the moment is tried again anyway; --timeout says how long an answer may take",
        )],
    ),
    // Options for the destination and the output.
    (
        &[
            "-C",
            "--chdir",
            "--dir",
            "--directory",
            "--out",
            "--out-dir",
            "--output-dir",
            "--output-file",
            "--path",
            "--target",
            "--to",
        ],
        &[("--destination", "here it is --destination"), ("--data", "here it is --data")],
    ),
    (&["-x", "--decompress", "--extract", "--unpack"], &[("--untar", "here it is --untar")]),
    (&["--archive", "--pack", "--tar", "--tgz"], &[("--package", "here it is --package")]),
    (&["-j", "--json"], &[("--output", "here it is -o json")]),
    (&["--yaml"], &[("--output", "here it is -o yaml")]),
    (&["--format"], &[("--output", "here it is --output: table, json or yaml")]),
    (
        &["--digest", "--digests", "--long", "--no-trunc", "--show-digests", "--wide"],
        &[("--output", "-q prints references with their digests, and -o json all that there is to tell")],
    ),
    (&["-s", "--no-progress", "--silent"], &[("--quiet", "here it is --quiet")]),
    (&["-D", "-v", "-vv", "--trace", "--verbose"], &[("", "here it is --debug")]),
    (&["-V"], &[("", "here it is --version, which stands alone")]),
    (&["-?", "-H", "--usage"], &[("", "here it is --help")]),
    // Options for what is done.
    (
        &["-f", "-i", "-y", "--assume-yes", "--clobber", "--force", "--overwrite", "--replace", "--yes"],
        &[
            ("--force", "here it is --force"),
            ("--strict", "it is not needed: what is under the tag is replaced"),
            ("", "it is not needed: no question is asked"),
        ],
    ),
    (&["--auto-fix", "--autofix", "--fix", "--full"], &[("--repair", "here it is --repair")]),
    (
        &["--check", "--dry-run", "--just-print", "--no-act", "--simulate"],
        &[("--dry-run", "here it is --dry-run"), ("", "there is no dry run of this")],
    ),
    (
        &["-a", "-A", "--all", "--all-tags"],
        &[
            ("--all", "here it is --all"),
            ("helm-chart-list", "it is not needed: all of the cache is listed"),
            ("", "references are given one by one: helm oci list -q has those of the cache"),
        ],
    ),
    (&["-r", "-R", "--recursive"], &[("", "it is not needed: what is named is taken whole")]),
    (&["-t", "--tag"], &[("", "a tag stands behind its repository: HOST/REPOSITORY:TAG")]),
    (&["--name"], &[("", "a chart is called as its Chart.yaml says, and found by its reference")]),
    (
        &["--registry", "--repo", "--repository"],
        &[("", "a reference begins with its registry: HOST/REPOSITORY:TAG")],
    ),
    (
        &["--filter", "--grep"],
        &[("helm-chart-list", "here it is an argument: helm oci list HOST/REPOSITORY")],
    ),
    (&["--pre", "--prerelease", "--prereleases"], &[("--devel", "here it is --devel")]),
    (&["--chart-version"], &[("--version", "here it is --version")]),
    (&["--appVersion"], &[("--app-version", "here it is --app-version")]),
    (&["--arch", "--os", "--platform"], &[("", "charts are the same for every platform")]),
    (&["--dependency-update"], &[("", "Helm does that before: helm dependency update DIR")]),
    (
        &["--keyring", "--sign", "--verify"],
        &[("", "Helm does that with packages: helm package --sign, helm verify")],
    ),
    // Options for where a registry listens.
    (
        &["--addr", "--address", "--bind", "--host", "--port"],
        &[("--listen", "here it is --listen HOST:PORT")],
    ),
    (&["--root", "--rootdir", "--storage"], &[("--data", "here it is --data")]),
    (&["--auth", "--users"], &[("--htpasswd", "here it is --htpasswd")]),
];

/// The hint for arguments that the parser has refused; `refusal` is its message. If nothing fits, the hint is to see
/// the help.
pub(super) fn advice(name: &str, info: &CommandInfoWithArgs, words: &[String], refusal: &str) -> String {
    let found = match refusal.strip_prefix("Unrecognized argument: ").map(str::trim_end) {
        Some(option) if option.starts_with('-') => self::option(name, info, option),
        Some(_) => surplus(name, info, words),
        None => not_a_format(info, refusal),
    };
    found.unwrap_or_else(|| help_hint(name))
}

/// The hint to see the help.
pub(super) fn help_hint(name: &str) -> String {
    format!("{} --help shows how it is called", environment::called_as().as_deref().unwrap_or(name))
}

/// The hint for an option.
fn option(name: &str, info: &CommandInfoWithArgs, given: &str) -> Option<String> {
    let has =
        |what: &str| what.is_empty() || what == name || info.flags.iter().any(|known| known.long == what);
    let rows = OPTIONS.iter().filter(|(names, _)| names.contains(&given));
    if let Some((_, text)) = rows.flat_map(|(_, texts)| *texts).find(|(what, _)| has(what)) {
        return Some((*text).to_owned());
    }
    let bare = given.strip_prefix("--")?;
    let flags = || info.flags.iter().map(|flag| flag.long).chain(["--debug"]);
    // A beginning of an option's name, as GNU programs allow.
    let begun = || flags().filter(|flag| bare.len() > 2 && flag.starts_with(given)).min_by_key(|f| f.len());
    let nearest = nearest(flags(), bare, |flag| flag.trim_start_matches('-')).or_else(begun);
    nearest.map(|flag| format!("the nearest is {flag}"))
}

/// The hint for more arguments than a command takes.
fn surplus(name: &str, info: &CommandInfoWithArgs, words: &[String]) -> Option<String> {
    let called = environment::called_as().unwrap_or_else(|| name.to_owned());
    let given = positionals(info, words);
    let is_reference = |word: &&str| word.parse::<Reference>().is_ok() && !Path::new(word).exists();
    match (name, given.as_slice()) {
        ("helm-chart-export", [first, second]) => {
            let (reference, others): (Vec<&str>, Vec<&str>) = given.iter().copied().partition(is_reference);
            Some(match (reference.as_slice(), others.as_slice()) {
                ([reference], [directory]) => {
                    format!("-d says where to: {called} {reference} -d {directory}")
                }
                _ => format!("one at a time: {called} {first}, then {second}"),
            })
        }
        ("helm-registry-login", [host, ..]) => Some(format!(
            "user and password are asked for, or given so: {called} {host} -u USER --password-stdin"
        )),
        ("helm-registry-serve", [address]) if address.contains(':') => {
            Some(format!("--listen says where: {called} --listen {address}"))
        }
        ("helm-registry-serve", [directory]) => {
            Some(format!("--data says where from: {called} --data {directory}"))
        }
        ("helm-chart-tag", [source, target, ..]) => {
            Some(format!("one at a time: {called} {source} {target}, then the next"))
        }
        ("helm-registry-logout" | "helm-registry-status" | "helm-chart-list", [first, ..]) => {
            Some(format!("one at a time: {called} {first}, then the next"))
        }
        ("helm-chart-save", [path, reference, ..]) => Some(format!(
            "one chart under one name at a time: {called} {path} {reference}; tag gives it others"
        )),
        _ => None,
    }
}

/// The arguments that are neither options nor their values.
fn positionals<'w>(info: &CommandInfoWithArgs, words: &'w [String]) -> Vec<&'w str> {
    let (mut found, mut words) = (Vec::new(), words.iter().map(String::as_str));
    while let Some(word) = words.next() {
        let is = |flag: &&FlagInfo<'_>| {
            flag.long == word
                || flag
                    .short
                    .is_some_and(|short| word.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])))
        };
        match info.flags.iter().find(is).map(|flag| &flag.kind) {
            Some(FlagInfoKind::Option { .. }) => drop(words.next()),
            Some(FlagInfoKind::Switch) => {}
            None if word == "--" => found.extend(words.by_ref()),
            None if word.starts_with('-') && word.len() > 1 => {}
            None => found.push(word),
        }
    }
    found
}

/// The hint for `-o` with a file, as many tools have it.
fn not_a_format(info: &CommandInfoWithArgs, refusal: &str) -> Option<String> {
    let is_output = ["'-o'", "'--output'"].iter().any(|flag| refusal.contains(flag));
    let has_destination = info.flags.iter().any(|flag| flag.long == "--destination");
    (is_output && has_destination).then(|| "--output is the format; -d DIR says where to".to_owned())
}

/// The hint for `--version V` with a command that has no such option, if the other words make sense of it.
pub(super) fn version(name: &str, info: &CommandInfoWithArgs, words: &[String]) -> Option<&'static str> {
    let first = positionals(info, words).into_iter().find(|word| *word != "--version")?;
    let takes_references = info
        .positionals
        .iter()
        .any(|positional| ["reference", "source"].contains(&positional.name) && name != "helm-chart-list");
    match takes_references {
        true if name == "helm-chart-push" && first.parse::<Reference>().is_err() => Some(
            "a chart gets another version where it is saved: helm oci save PATH REFERENCE --version V, then push REFERENCE",
        ),
        true => Some("the version of a chart is its tag: REPOSITORY:VERSION"),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo as _, FromArgs};

    use super::*;

    /// A command.
    #[derive(FromArgs, argh::ArgsInfo)]
    #[allow(dead_code)]
    struct Pull {
        /// what
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// where to
        #[argh(option, short = 'd')]
        destination: Option<String>,
        /// how
        #[argh(switch)]
        insecure_skip_tls_verify: bool,
        /// how
        #[argh(switch)]
        insecure: bool,
    }

    #[test]
    fn every_option_of_others_is_told_or_near() {
        let info = Pull::get_args_info();
        for (given, expected) in [
            ("--dest", Some("the nearest is --destination")),
            ("--desination", Some("the nearest is --destination")),
            ("--insecure-skip-tls-verfy", Some("the nearest is --insecure-skip-tls-verify")),
            ("--insecur", Some("the nearest is --insecure")),
            ("--dbug", Some("the nearest is --debug")),
            ("-k", Some("here it is --insecure")),
            ("--dir", Some("here it is --destination")),
            ("--xyzzy", None),
            ("-z", None),
            ("--", None),
            ("--fix", None),
        ] {
            assert_eq!(option("helm-chart-pull", &info, given).as_deref(), expected, "{given}");
        }
        for (names, texts) in OPTIONS {
            assert!(names.iter().all(|name| name.starts_with('-')) && !texts.is_empty(), "{names:?}");
        }
    }

    #[test]
    fn values_are_no_arguments() {
        let words: Vec<_> = ["a", "-d", "b", "--insecure", "c", "--", "-d"].map(str::to_owned).into();
        assert_eq!(positionals(&Pull::get_args_info(), &words), ["a", "c", "-d"]);
    }
}
