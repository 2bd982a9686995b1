//! The programs of `scripts/tools`.

use std::env;
use std::path::{Path, PathBuf};

/// Where `cargo` builds: the directory above the one that it gives to tests.
pub fn target() -> &'static Path {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp)
}

/// Finds a program that `scripts/tools` has fetched, or else one on the PATH.
///
/// Without it the test has to do without. That is said aloud, and under CI, or where `HELM_OCI_REQUIRE_TOOLS` is set, it is
/// a failure: a test that was skipped unnoticed proves nothing.
pub fn tool(name: &str) -> Option<PathBuf> {
    let fetched = target().join("tools/bin").join(name);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = Some(fetched)
        .into_iter()
        .chain(env::split_paths(&path).map(|directory| directory.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        absent(&format!("there is no `{name}`: run scripts/tools"));
    }
    found
}

/// Says that something the tests want is not here, and fails where it has to be.
pub fn absent(what: &str) {
    let required = ["CI", "HELM_OCI_REQUIRE_TOOLS"].iter().any(|name| env::var_os(name).is_some());
    assert!(!required, "{what}");
    note(what);
}

/// Says that a test, or a part of it, did not run. Past the test harness, which shows what a test prints only if it fails.
pub fn note(what: &str) {
    use std::io::Write as _;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "note: {test}: {what}");
}
