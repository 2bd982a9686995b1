//! The table that `scripts/torture` prints: each test that repeats something many times adds its rows.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

/// The file of rows, where the whole is asked for (`HELM_OCI_TORTURE`, which scripts/torture sets).
fn file() -> Option<PathBuf> {
    std::env::var_os("HELM_OCI_TORTURE").map(PathBuf::from)
}

/// Whether the whole is to be done, and not the slice that every run of the tests does.
pub fn whole() -> bool {
    file().is_some()
}

/// As many of `all` as a run of the tests does, spread evenly and always the same; all of them for scripts/torture.
pub fn slice<T>(all: Vec<T>, most: usize) -> Vec<T> {
    if whole() || all.len() <= most {
        return all;
    }
    let length = all.len();
    let chosen = move |(index, _): &(usize, T)| index * most / length != (index + 1) * most / length;
    all.into_iter().enumerate().filter(chosen).map(|(_, item)| item).collect()
}

/// Adds a row: what was done, how often, and how often it went wrong; a word on it where that is needed.
pub fn row(what: &str, count: usize, unit: &str, failures: usize, remark: &str) {
    let Some(file) = file() else { return };
    let mut file = File::options().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{what}\t{count} {unit}\t{failures}\t{remark}\n").as_bytes()).unwrap();
}

/// Adds a row and fails if there are failures, which say themselves what was wrong.
#[track_caller]
pub fn settle(what: &str, count: usize, unit: &str, failures: &[String]) {
    row(what, count, unit, failures.len(), "");
    // What a person reads, of each.
    let shown: Vec<String> = failures.iter().take(5).map(|text| text.chars().take(4000).collect()).collect();
    assert!(
        failures.is_empty(),
        "{what}: {} of {count} {unit} failed:\n{}",
        failures.len(),
        shown.join("\n\n")
    );
    assert!(count > 0, "{what}: nothing was done");
}

/// What a check that panics has to say; nothing if it is content.
pub fn failure(check: impl FnOnce()) -> Option<String> {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
}
