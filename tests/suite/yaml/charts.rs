//! The dependencies of a chart are where its format has them, in the config and in the package: what is saved is what is
//! pushed, what is pulled is what was saved, and the config is Helm's.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::documents::Chance;
use super::{as_floats, helm, report};
use crate::common::{EmbeddedRegistry, Home, tool};

const ENTRY: &str = "[{name: sub, version: 1.0.0, repository: \"\"}]";
const ALIAS: &str = "[{name: sub, version: 1.0.0, repository: \"\", alias: other, tags: [a, b]}]";

/// What may be said of dependencies in one file.
const SAID: &[Option<&str>] = &[None, Some("null"), Some("[]"), Some(ENTRY), Some(ALIAS)];

/// A chart, and one below it of which the same is said.
struct Chart {
    api: &'static str,
    in_chart: Option<&'static str>,
    /// None where there is no such file.
    in_requirements: Option<Option<&'static str>>,
    /// Other fields.
    more: String,
}

impl Chart {
    fn write(&self, directory: &Path) {
        let write = |path: &str, name: &str| {
            let directory = directory.join(path);
            fs::create_dir_all(&directory).unwrap();
            let said =
                |said: Option<&str>| said.map(|said| format!("dependencies: {said}\n")).unwrap_or_default();
            let Self { api, in_chart, more, .. } = self;
            let chart_yaml =
                format!("apiVersion: {api}\nname: {name}\nversion: 1.0.0\n{more}{}", said(*in_chart));
            fs::write(directory.join("Chart.yaml"), chart_yaml).unwrap();
            if let Some(in_requirements) = self.in_requirements {
                fs::write(directory.join("requirements.yaml"), said(in_requirements)).unwrap();
            }
        };
        write("", "mychart");
        write("charts/sub", "sub");
        // So that the one below has what it needs as well.
        let innermost = directory.join("charts/sub/charts/sub");
        fs::create_dir_all(&innermost).unwrap();
        fs::write(innermost.join("Chart.yaml"), "apiVersion: v1\nname: sub\nversion: 1.0.0\n").unwrap();
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, in_chart, in_requirements, more } = self;
        write!(f, "{api}: {in_chart:?} in Chart.yaml, {in_requirements:?} in requirements.yaml; {more:?}")
    }
}

fn compare(charts: &[Chart]) {
    let Some(third) = tool("helm") else { return };
    let (home, other) = (Home::new(), Home::new());
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let mut packages = Vec::new();
    let mut configs = Vec::new();
    for (number, what) in charts.iter().enumerate() {
        let directory = home.path().join("mychart");
        let _ = fs::remove_dir_all(&directory);
        what.write(&directory);
        let reference = format!("{}/charts/mychart:{number}", registry.address());
        let json = |home: &Home, command: &str, args: &[&str]| -> Value {
            let run = home.command(command).args(args).args(["-o", "json"]).run();
            assert!(run.code == Some(0), "{what}: {run}");
            serde_json::from_str::<Value>(&run.stdout).unwrap()[0].take()
        };
        let saved = json(&home, "helm-chart-save", &["mychart", &reference]);
        let pushed = json(&home, "helm-chart-push", &[&reference]);
        let pulled = json(&other, "helm-chart-pull", &[&reference]);
        for (after, before) in [(&pushed, &saved), (&pulled, &pushed)] {
            for part in ["meta", "content", "manifest"] {
                assert_eq!(after[part], before[part], "{what}: {part}\n{saved}\n{pushed}\n{pulled}");
            }
        }
        // Both have the whole of it, as they tell.
        let config = fs::read(other.entry(&reference).join("config")).unwrap();
        configs.push(serde_json::from_slice::<Value>(&config).unwrap());
        let scratch = tempfile::tempdir().unwrap();
        let packed =
            home.program(&third).args(["package", "mychart", "-d", scratch.path().to_str().unwrap()]).run();
        assert!(packed.code == Some(0), "{what}: {packed}");
        packages.push(fs::read(scratch.path().join("mychart-1.0.0.tgz")).unwrap());
    }
    for home in [&home, &other] {
        home.command("helm-chart-fsck").run().succeeds();
    }
    let packages: Vec<&[u8]> = packages.iter().map(Vec::as_slice).collect();
    for (number, answer) in helm::charts(&third, &packages).into_iter().enumerate() {
        assert_eq!(as_floats(&answer.unwrap()), as_floats(&configs[number]), "{}", charts[number]);
    }
    report(&format!("{} charts saved, pushed, pulled and verified, their configs Helm's", charts.len()));
}

/// Charts of either version, with dependencies in either file.
fn all() -> Vec<Chart> {
    let mut charts = Vec::new();
    for api in ["v1", "v2"] {
        for in_chart in SAID.iter().copied() {
            for in_requirements in std::iter::once(None).chain(SAID.iter().copied().map(Some)) {
                charts.push(Chart { api, in_chart, in_requirements, more: String::new() });
            }
        }
    }
    charts
}

#[test]
fn dependencies_are_where_helm_packs_them() {
    let mut chance = Chance::new(8);
    let charts: Vec<_> = all().into_iter().filter(|_| chance.percent(25)).collect();
    compare(&charts);
}

/// All of them, and as many with something by chance beside.
pub fn many(seed: u64, count: usize) {
    let mut chance = Chance::new(seed);
    let mut charts = all();
    for _ in 0..count {
        charts.push(Chart {
            api: ["v1", "v2"][chance.below(2)],
            in_chart: SAID[chance.below(SAID.len())],
            in_requirements: chance.percent(70).then(|| SAID[chance.below(SAID.len())]),
            more: super::metadata::fields(&mut chance),
        });
    }
    compare(&charts);
}
