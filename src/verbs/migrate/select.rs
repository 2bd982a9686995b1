//! Which versions of which charts are migrated, and what their repositories are called.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::chart_index::IndexEntry;
use crate::reference::Glob;
use crate::version::{Constraint, Version};

/// Which entries of an index are meant. Without anything all are, prereleases among them: a migration is whole.
#[derive(Clone, Debug, Default)]
pub struct MigrationSelection {
    /// Names of charts; none are all.
    pub charts: Vec<Glob>,
    /// Names of charts that are left out.
    pub skipped: Vec<Glob>,
    /// Versions.
    pub versions: Option<Constraint>,
    /// Whether prereleases count for `versions` and `latest`.
    pub prereleases: bool,
    /// So many of the newest of each chart.
    pub latest: Option<usize>,
    /// Entries that were made since then. For many that is when the index was made.
    pub since: Option<SystemTime>,
    /// Whether charts are left out that are no longer maintained.
    pub without_deprecated: bool,
}

/// What charts are called at the destination, where that is something else.
#[derive(Clone, Debug, Default)]
pub struct Renames(pub BTreeMap<String, String>);

impl Renames {
    /// What a chart is called there.
    pub(super) fn of<'a>(&'a self, chart: &'a str) -> &'a str {
        self.0.get(chart).map_or(chart, String::as_str)
    }
}

impl MigrationSelection {
    /// Whether an entry is meant, as far as it alone tells.
    pub(super) fn has(&self, entry: &IndexEntry) -> bool {
        let is = |globs: &[Glob]| globs.iter().any(|glob| glob.matches_name(&entry.chart));
        if entry.removed
            || is(&self.skipped)
            || !(self.charts.is_empty() || is(&self.charts))
            || (self.without_deprecated && entry.deprecated)
        {
            return false;
        }
        if let Some(since) = self.since
            && made(&entry.created).is_some_and(|made| made < since)
        {
            return false;
        }
        let Some(versions) = &self.versions else { return true };
        Version::parse_lenient(&entry.version).is_ok_and(|version| {
            let release = || Version::parse_lenient(&without_prerelease(&version));
            versions.matches(&version)
                || (self.prereleases && release().is_ok_and(|release| versions.matches(&release)))
        })
    }

    /// Of the versions of one chart, which places are kept.
    pub(super) fn newest(&self, versions: &[&str]) -> Vec<bool> {
        let Some(latest) = self.latest else { return vec![true; versions.len()] };
        let parsed = versions.iter().enumerate().filter_map(|(place, version)| {
            let version = Version::parse_lenient(version).ok()?;
            (self.prereleases || version.prerelease().is_empty()).then_some((version, place))
        });
        let mut parsed: Vec<_> = parsed.collect();
        parsed.sort_by(|(one, at), (other, after)| other.precedence(one).then(at.cmp(after)));
        let mut kept = vec![false; versions.len()];
        for (_, place) in parsed.into_iter().take(latest) {
            kept[place] = true;
        }
        kept
    }
}

fn without_prerelease(version: &Version) -> String {
    format!("{}.{}.{}", version.major(), version.minor(), version.patch())
}

/// When an entry was made, by Go's format of times. The zone is left out: who says "since" means days.
fn made(created: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(&format!("{}Z", created.get(..19)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(chart: &str, version: &str) -> IndexEntry {
        IndexEntry {
            chart: chart.to_owned(),
            name: chart.to_owned(),
            version: version.to_owned(),
            app_version: String::new(),
            digest: None,
            urls: vec!["x.tgz".to_owned()],
            created: "2024-03-01T23:30:00.123456789+02:00".to_owned(),
            deprecated: false,
            removed: false,
            line: 1,
        }
    }

    #[test]
    fn entries_are_meant_or_not() {
        let globs = |text: &str| vec![text.parse::<Glob>().unwrap()];
        let all = MigrationSelection::default();
        let time = |text: &str| humantime::parse_rfc3339_weak(text).ok();
        let range = |text: &str| Some(Constraint::parse(text).unwrap());
        assert!(all.has(&entry("web", "1.0.0-rc.1")) && all.has(&entry("web", "no version")));
        assert!(!all.has(&IndexEntry { removed: true, ..entry("web", "1.0.0") }));
        for (selection, version, is_meant) in [
            (MigrationSelection { charts: globs("w*"), ..all.clone() }, "1.0.0", true),
            (MigrationSelection { charts: globs("x"), ..all.clone() }, "1.0.0", false),
            (MigrationSelection { skipped: globs("web"), ..all.clone() }, "1.0.0", false),
            (MigrationSelection { versions: range("^1"), ..all.clone() }, "v1.2", true),
            (MigrationSelection { versions: range("^1"), ..all.clone() }, "1.2.0-rc.1", false),
            (
                MigrationSelection { versions: range("^1"), prereleases: true, ..all.clone() },
                "1.2.0-rc.1",
                true,
            ),
            (
                MigrationSelection { versions: range("^1"), prereleases: true, ..all.clone() },
                "2.0.0-rc.1",
                false,
            ),
            (MigrationSelection { since: time("2024-03-01 00:00:00"), ..all.clone() }, "1.0.0", true),
            (MigrationSelection { since: time("2024-03-02 00:00:00"), ..all.clone() }, "1.0.0", false),
        ] {
            assert_eq!(selection.has(&entry("web", version)), is_meant, "{selection:?} {version}");
        }
        let gone = MigrationSelection { without_deprecated: true, ..all };
        assert!(!gone.has(&IndexEntry { deprecated: true, ..entry("web", "1.0.0") }));
    }

    #[test]
    fn the_newest_are_by_version_and_not_by_place() {
        let versions = ["1.2.0", "1.10.0", "2.0.0-rc.1", "x", "1.9.0"];
        let newest = |latest, prereleases| {
            MigrationSelection { latest, prereleases, ..MigrationSelection::default() }.newest(&versions)
        };
        assert_eq!(newest(None, false), [true; 5]);
        assert_eq!(newest(Some(2), false), [false, true, false, false, true]);
        assert_eq!(newest(Some(2), true), [false, true, true, false, false]);
    }
}
