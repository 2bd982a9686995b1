//! The layers hold: which module may use which, and which file may use which crate. The picture is in src/lib.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every top module of src/ and the modules that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    // Values: no I/O.
    ("digest", &[]),
    ("media_type", &[]),
    ("go_json", &[]),
    ("version", &[]),
    ("yaml_text", &[]),
    ("terminal", &[]),
    ("causes", &[]),
    ("limits", &[]),
    ("reference", &["digest"]),
    ("credential", &["reference"]),
    ("manifest", &["digest", "limits", "media_type"]),
    ("graph", &["digest", "go_json", "limits", "manifest", "media_type", "reference"]),
    ("layout", &["digest", "go_json", "manifest", "media_type", "reference"]),
    ("threads", &[]),
    // One kind of I/O each.
    ("disk", &["digest", "threads"]),
    ("process", &[]),
    ("environment", &["disk", "process"]),
    ("chart", &["digest", "disk", "go_json", "limits", "terminal", "threads", "version", "yaml_text"]),
    ("chart_index", &["chart", "digest", "go_json", "limits"]),
    ("bundle", &["chart", "digest", "disk", "layout", "limits", "manifest"]),
    ("os_keyring", &["credential", "environment", "threads"]),
    ("credentials", &["credential", "disk", "environment", "go_json", "reference", "terminal", "threads"]),
    ("cache", &["causes", "digest", "disk", "limits", "reference", "threads"]),
    ("http", &["causes", "credential", "digest", "limits", "reference", "terminal", "threads"]),
    ("chart_repository", &["chart", "credential", "digest", "disk", "http", "limits", "terminal", "threads"]),
    (
        "registry",
        &[
            "credential",
            "digest",
            "go_json",
            "graph",
            "http",
            "limits",
            "manifest",
            "media_type",
            "reference",
            "terminal",
            "threads",
        ],
    ),
    ("known_registries", &["disk", "registry", "threads"]),
    ("kept_documents", &["digest", "disk", "reference"]),
    (
        "serve",
        &[
            "digest",
            "disk",
            "environment",
            "limits",
            "manifest",
            "media_type",
            "process",
            "reference",
            "terminal",
            "threads",
        ],
    ),
    // Verbs and wiring.
    (
        "verbs",
        &[
            "bundle",
            "cache",
            "causes",
            "chart",
            "chart_index",
            "chart_repository",
            "digest",
            "disk",
            "go_json",
            "graph",
            "http",
            "layout",
            "kept_documents",
            "limits",
            "manifest",
            "media_type",
            "reference",
            "registry",
            "terminal",
            "threads",
            "version",
            "yaml_text",
        ],
    ),
    (
        "connect",
        &["credential", "credentials", "environment", "http", "known_registries", "reference", "registry"],
    ),
    // What is fuzzed, for tests alone.
    (
        "fuzz",
        &[
            "bundle",
            "chart",
            "credentials",
            "digest",
            "go_json",
            "layout",
            "limits",
            "manifest",
            "media_type",
            "reference",
            "registry",
            "version",
        ],
    ),
    // The face.
    (
        "cli",
        &[
            "bundle",
            "cache",
            "causes",
            "chart",
            "chart_index",
            "chart_repository",
            "connect",
            "credential",
            "credentials",
            "digest",
            "disk",
            "environment",
            "graph",
            "http",
            "kept_documents",
            "layout",
            "limits",
            "process",
            "reference",
            "registry",
            "terminal",
            "threads",
            "verbs",
            "version",
            "yaml_text",
        ],
    ),
];

/// Crates, and the only places that may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("ureq_proto", &["src/http/"]),
    ("rustls", &["src/http/", "src/serve/"]),
    ("webpki", &["src/http/"]),
    ("webpki_roots", &["src/http/tls/"]),
    ("rustls_native_certs", &["src/http/tls/"]),
    ("rustls_platform_verifier", &["src/http/tls/"]),
    ("x509_cert", &["src/http/tls/"]),
    ("p256", &["src/http/tls/"]),
    ("p384", &["src/http/tls/"]),
    ("p521", &["src/http/tls/"]),
    ("url", &["src/http/", "src/serve/"]),
    ("psl2", &["src/registry/owner.rs"]),
    ("tokio", &["src/serve/"]),
    ("tokio_rustls", &["src/serve/"]),
    ("hyper", &["src/serve/"]),
    ("hyper_util", &["src/serve/"]),
    ("http_body_util", &["src/serve/"]),
    ("bcrypt", &["src/serve/"]),
    ("tar", &["src/bundle/", "src/chart/"]),
    ("flate2", &["src/bundle/", "src/chart/", "src/chart_repository/index.rs"]),
    ("sha2", &["src/digest.rs", "src/http/tls/", "src/serve/"]),
    ("home", &["src/environment.rs"]),
    ("rustix", &["src/disk/", "src/process.rs"]),
    ("std::os", &["src/disk/", "src/process.rs"]),
    ("unicode_width", &["src/cli/text.rs"]),
    ("terminal_size", &["src/cli/columns.rs"]),
    ("keyring", &["src/os_keyring/system.rs"]),
    ("keyring_core", &["src/os_keyring/system.rs"]),
    ("linux_keyutils", &["src/os_keyring/kernel.rs"]),
    ("rpassword", &["src/cli/password.rs"]),
    ("signal_hook", &["src/cli/password.rs", "src/process.rs"]),
    ("base64", &["src/chart/yaml/resolve.rs", "src/credentials/", "src/http/", "src/serve/"]),
];

pub(crate) fn sources(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("a source directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).to_string_lossy().into_owned()
}

/// The top module that a file belongs to.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split(['/', '.']).next().unwrap_or(below)
}

/// The code of a file, line by line, without comments and without the tests at its end.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

/// The words that follow `prefix` in a line: `digest` in `use crate::digest::Digest`; several in braces.
fn names_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let word =
        |text: &'a str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    line.split(prefix)
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').map(|item| word(item.trim())).collect(),
            None => vec![word(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn broken_arrows(files: &BTreeMap<String, Vec<(usize, String)>>) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, lines) in files.iter().filter(|(path, _)| path.as_str() != "src/lib.rs") {
        let from = module(path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
            broken.push(format!("{path}: the module {from} has no place in the layers"));
            continue;
        };
        for (number, line) in lines {
            for to in names_after(line, "crate::") {
                let known = ARROWS.iter().any(|(name, _)| *name == to);
                if known && to != from && !allowed.contains(&to) {
                    broken.push(format!("{path}:{number} uses {to}"));
                }
            }
        }
    }
    broken
}

fn library() -> BTreeMap<String, Vec<(usize, String)>> {
    sources("src").iter().map(|path| (shown(path), code(path))).collect()
}

#[test]
fn every_arrow_points_down() {
    assert_eq!(broken_arrows(&library()), Vec::<String>::new());
    // The list itself has no circle: everything that a module may use stands above it.
    for (index, (name, uses)) in ARROWS.iter().enumerate() {
        for used in *uses {
            assert!(ARROWS[..index].iter().any(|(above, _)| above == used), "{name} -> {used} turns round");
        }
    }
}

#[test]
fn an_arrow_that_turns_round_is_found() {
    let mut files = library();
    files.insert("src/cache/blobs.rs".into(), vec![(7, "use crate::registry::Client;".into())]);
    files.insert("src/digest.rs".into(), vec![(1, "    let x = crate::cli::main();".into())]);
    files.insert("src/verbs/new.rs".into(), vec![(2, "use crate::{cache, cli};".into())]);
    assert_eq!(
        broken_arrows(&files),
        ["src/cache/blobs.rs:7 uses registry", "src/digest.rs:1 uses cli", "src/verbs/new.rs:2 uses cli"]
    );
}

/// What a file is in the tree of modules: `registry`, `auth`, `token`.
fn place(path: &str) -> Vec<&str> {
    let mut place: Vec<_> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if place.last() == Some(&"mod") {
        place.pop();
    }
    place
}

/// The modules that a line names: by `crate::`, or by `super::` and `self::` as seen from the file at `path`.
fn named<'a>(path: &'a str, line: &'a str) -> Vec<Vec<&'a str>> {
    let own = place(path);
    // Who may see a thing is no use of that.
    let line = match line.trim_start().strip_prefix("pub(in ").and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest,
        None => line,
    };
    let mut found = Vec::new();
    for (prefix, base) in [("crate::", &[][..]), ("super::", &own[..own.len() - 1]), ("self::", &own[..])] {
        let parts: Vec<_> = line.split(prefix).collect();
        // A macro that says `$crate::` is used outside, and speaks as those do who use it.
        for rest in parts.windows(2).filter(|pair| !pair[0].ends_with('$')).map(|pair| pair[1]) {
            let mut names: Vec<_> = rest.split("::").collect();
            let last = names.pop().unwrap_or_default();
            let begun =
                base.iter().copied().chain(names.into_iter().take_while(|name| name.bytes().all(is_word)));
            let begun: Vec<_> = begun.collect();
            for name in
                last.split(|c: char| !c.is_ascii() || !is_word(c as u8)).filter(|name| !name.is_empty())
            {
                found.push([&begun[..], &[name]].concat());
            }
            found.push(begun);
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Circles of modules that stand side by side, each with what is below it. What is above is everybody's.
fn circles(files: &BTreeMap<String, Vec<(usize, String)>>) -> Vec<String> {
    let modules: BTreeSet<_> = files.keys().map(|path| place(path)).collect();
    let mut uses: BTreeMap<Vec<&str>, BTreeSet<Vec<&str>>> = BTreeMap::new();
    for (path, lines) in files.iter().filter(|(path, _)| path.as_str() != "src/lib.rs") {
        let from = place(path);
        for to in lines.iter().flat_map(|(_, line)| named(path, line)) {
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if common < from.len() && common < to.len() && modules.contains(&to[..=common]) {
                uses.entry(from[..=common].to_vec()).or_default().insert(to[..=common].to_vec());
            }
        }
    }
    let leads_back = |start: &Vec<&str>| {
        let (mut seen, mut pending) = (BTreeSet::new(), vec![start]);
        while let Some(module) = pending.pop() {
            for next in uses.get(module).into_iter().flatten() {
                if next == start {
                    return true;
                }
                if seen.insert(next) {
                    pending.push(next);
                }
            }
        }
        false
    };
    uses.keys().filter(|module| leads_back(module)).map(|module| module.join("/")).collect()
}

#[test]
fn no_two_modules_need_each_other() {
    let mut files = library();
    assert_eq!(circles(&files), Vec::<String>::new());
    files
        .entry("src/registry/request.rs".into())
        .or_default()
        .push((1, "use crate::registry::auth::X;".into()));
    assert_eq!(circles(&files), ["registry/auth", "registry/request"]);
}

/// The roof of a module is its `mod.rs`. It only declares and re-exports, and from inside nothing is reached through it, but
/// by the name of the file where it is. So there are no children that need their parents, which `circles` would not see.
///
/// What stands in the way of that: statements of a `mod.rs` that are something else, and ways through a roof.
fn used_roofs(files: &BTreeMap<String, Vec<(usize, String)>>) -> Vec<String> {
    let modules: BTreeSet<_> = files.keys().map(|path| place(path)).collect();
    let mut found = Vec::new();
    for (path, lines) in files {
        if path.ends_with("/mod.rs") {
            let code: Vec<_> =
                lines.iter().map(|(_, line)| line.trim()).filter(|l| !l.starts_with("#[")).collect();
            let code = code.join(" ");
            let statements = code.split(';').map(str::trim).filter(|statement| !statement.is_empty());
            found.extend(
                statements
                    .filter(|s| !is_declaration(s, &place(path), &modules))
                    .map(|s| format!("{path} holds `{s}`")),
            );
            continue;
        }
        let from = place(path);
        for (number, line) in lines {
            for to in named(path, line) {
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                let beside = (1..from.len().min(to.len())).contains(&common);
                if beside && !modules.contains(&to[..=common]) {
                    found.push(format!("{path}:{number} uses {}", to.join("::")));
                }
            }
        }
    }
    found
}

/// Whether a statement of this roof declares a module below it or re-exports something of one.
fn is_declaration(statement: &str, roof: &[&str], modules: &BTreeSet<Vec<&str>>) -> bool {
    let visible = ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|word| statement.strip_prefix(word));
    visible.unwrap_or(statement).starts_with("mod ")
        || visible.and_then(|rest| rest.strip_prefix("use ")).is_some_and(|path| {
            let child = path.trim_start_matches("self::").split("::").next().unwrap_or_default();
            modules.contains(&[roof, &[child]].concat())
        })
}

#[test]
fn roofs_hold_nothing_and_nothing_inside_goes_through_one() {
    let mut files = library();
    assert_eq!(used_roofs(&files), Vec::<String>::new());
    files.entry("src/http/mod.rs".into()).or_default().push((99, "pub struct Roof;".into()));
    let token = files.entry("src/registry/auth/token.rs".into()).or_default();
    token.extend([(1, "use crate::registry::Options;".into()), (2, "use super::AuthClient;".into())]);
    assert_eq!(
        used_roofs(&files),
        [
            "src/http/mod.rs holds `pub struct Roof`",
            "src/registry/auth/token.rs:1 uses registry::Options",
            "src/registry/auth/token.rs:2 uses registry::auth::AuthClient",
        ]
    );
}

#[test]
fn each_outside_thing_is_named_in_one_place() {
    let mut broken = Vec::new();
    for path in sources("src").iter().chain(&sources("bin")) {
        let shown = shown(path);
        for (number, line) in code(path) {
            for (name, places) in CRATES {
                let used = line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if used && !places.iter().any(|place| shown.starts_with(place)) {
                    broken.push(format!("{shown}:{number} uses {name}"));
                }
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_environment_is_read_in_one_file() {
    for path in sources("src").iter().chain(&sources("bin")) {
        let shown = shown(path);
        for (number, line) in code(path) {
            assert!(!line.contains("env::var") || shown == "src/environment.rs", "{shown}:{number}: {line}");
        }
    }
}
