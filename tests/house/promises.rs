//! What the security page promises is held by the tests that it names.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "scripts/man/helm-oci-security.7.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The promises, each as one line.
fn promises(page: &str) -> Vec<String> {
    let list = page.split("\n## Promised\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let list = list.unwrap_or_else(|| panic!("{PAGE} has no list of promises"));
    list.split("\n- ").skip(1).map(|item| item.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The names of tests in a promise: code with a `::` in it.
fn named(promise: &str) -> Vec<&str> {
    promise.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect()
}

/// The sources of a module of tests: one file, or all in one directory.
fn sources(module: &str) -> Vec<PathBuf> {
    let path = module.replace("::", "/");
    let mut files = Vec::new();
    for binary in ["tests/suite", "tests/torture"] {
        let below = root().join(binary).join(&path);
        files.extend(Some(below.with_extension("rs")).filter(|file| file.is_file()));
        for entry in fs::read_dir(&below).into_iter().flatten() {
            files.extend(
                Some(entry.unwrap().path()).filter(|file| file.extension().is_some_and(|e| e == "rs")),
            );
        }
    }
    files
}

/// Whether there are such tests: one, or a module's.
fn holds(name: &str) -> bool {
    let (module, test) = name.rsplit_once("::").unwrap_or(("", name));
    let wanted = if test.is_empty() { "#[test]\n".to_owned() } else { format!("#[test]\nfn {test}() {{") };
    sources(module).iter().any(|file| fs::read_to_string(file).unwrap().contains(&wanted))
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let promises = promises(&page);
    assert!(promises.len() > 10, "{promises:?}");
    for promise in promises {
        let named = named(&promise);
        assert!(!named.is_empty(), "no test is named for: {promise}");
        for name in named {
            assert!(holds(name), "there is no test {name} for: {promise}");
        }
    }
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    assert!(holds("network::trust::") && !holds("network::nothing::") && !holds("bombs::nothing"));
    assert!(named("`ulimit -v` (`bombs::a`, `b::`)") == ["bombs::a", "b::"]);
}
