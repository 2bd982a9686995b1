//! The commands that are tortured, each in a home of its own that begins like all the others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::attached;
use super::common::{EmbeddedRegistry, Home, snapshot, write_chart};

/// The user `me` with the password `secret`, as `htpasswd -B` writes it.
const HTPASSWD: &str = "me:$2y$05$sCbidvT1FMBoqapITpiZWu.8LRZj3ItqacrAXe/WC.QPt7P0kGWB6\n";

/// A command, and what it needs beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// `{host}` and `{locked}` are registries, `{n}` is another number each time, so that no registry has the chart yet.
    pub command: &'static str,
    pub stdin: &'static str,
    /// What a run may end with that repeats one which was killed after its work was done.
    pub again: &'static [i32],
}

const fn scenario(name: &'static str, command: &'static str) -> Scenario {
    Scenario { name, command, stdin: "", again: &[0] }
}

pub const SAVE: Scenario = scenario("save", "helm-chart-save new {host}/a/mychart:1");
pub const PULL: Scenario = scenario("pull", "helm-chart-pull {host}/there/mychart:1");
pub const PUSH: Scenario = scenario("push", "helm-chart-push {host}/push{n}/mychart:1");
/// With what is attached to the chart.
pub const PULL_ATTACHED: Scenario =
    scenario("pull, attached", "helm-chart-pull --attached {bare}/signed/mychart:1");
pub const PUSH_ATTACHED: Scenario = scenario("push, attached", "helm-chart-push {bare}/carry{n}/mychart:1");
pub const TAG: Scenario = scenario("tag", "helm-chart-tag {host}/a/mychart:1 {host}/b/mychart:1");
pub const EXPORT: Scenario = scenario("export", "helm-chart-export --force -d out {host}/a/mychart:1");
pub const REMOVE: Scenario = Scenario {
    again: &[0, 3],
    ..scenario("remove", "helm-chart-remove {host}/a/mychart:1 {host}/push0/mychart:1")
};
/// Everything, whoever else has it: the charts of a cache are what prune is about.
pub const PRUNE: Scenario = scenario("prune", "helm-chart-prune --all --unpushed -f");
pub const IMPORT: Scenario = scenario("import", "helm-chart-import packages --as {host}/imported");
pub const BUNDLE: Scenario = scenario(
    "bundle",
    "helm-chart-bundle --offline {host}/a/mychart:1 {host}/push0/mychart:1 -o out/charts.tar",
);
/// One chart at a time: with several, which thread makes which call differs so much that most points are not met.
pub const LOAD: Scenario = scenario("load", "helm-chart-load charts.tar --force --concurrency 1");
pub const LOGIN: Scenario = Scenario {
    stdin: "secret\n",
    ..scenario("login", "helm-registry-login -u me --password-stdin --store=file {locked}")
};

/// What a user can see of a home: entries, exported directories, the file of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    rows: BTreeMap<String, serde_json::Value>,
    out: BTreeMap<String, String>,
    config: Option<String>,
}

impl Visible {
    /// Whether each thing that is seen is as it was before, or as it is after.
    pub fn lies_within(&self, [before, after]: &[Self; 2]) -> bool {
        let references = [before, after, self].into_iter().flat_map(|visible| visible.rows.keys());
        let mut rows = references.map(|key| (self.rows.get(key), before.rows.get(key), after.rows.get(key)));
        rows.all(|(now, before, after)| now == before || now == after)
            && (self.out == before.out || self.out == after.out)
            && (self.config == before.config || self.config == after.config)
    }
}

pub struct World {
    home: Home,
    host: String,
    locked: String,
    /// One that lists no referrers; only where it is needed.
    bare: Option<EmbeddedRegistry>,
    _registries: [EmbeddedRegistry; 2],
}

impl World {
    pub fn new() -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
        home.write("htpasswd", HTPASSWD);
        let locked = EmbeddedRegistry::start(&home, ["--data", "locked", "--htpasswd", "htpasswd"]);
        let host = registry.address().to_owned();
        let chart = |name: &str, version: &str, values: &str| {
            let yaml = format!("apiVersion: v2\nname: mychart\nversion: {version}\n");
            let files =
                [("Chart.yaml", yaml.as_str()), ("values.yaml", values), ("templates/a.yaml", "a: 1\n")];
            write_chart(&home.path().join(name), &files);
        };
        chart("old", "1.0.0", "a: old\n");
        chart("new", "1.0.0", "a: new\n");
        chart("third", "1.0.1", "a: third\n");
        let run = |command: &str| {
            let words: Vec<_> = command.split(' ').collect();
            home.command(words[0]).args(&words[1..]).run().succeeds().warns_of_names_alone();
        };
        run(&format!("helm-chart-save third {host}/there/mychart:1"));
        run(&format!("helm-chart-push {host}/there/mychart:1"));
        run(&format!("helm-chart-export --package -d packages {host}/there/mychart:1"));
        run(&format!("helm-chart-remove {host}/there/mychart:1"));
        run(&format!("helm-chart-save third {host}/a/mychart:1"));
        run(&format!("helm-chart-save old {host}/bundled/mychart:1"));
        run(&format!(
            "helm-chart-bundle -q --offline {host}/a/mychart:1 {host}/bundled/mychart:1 -o charts.tar"
        ));
        run(&format!("helm-chart-remove {host}/a/mychart:1 {host}/bundled/mychart:1"));
        run(&format!("helm-chart-save old {host}/a/mychart:1"));
        run(&format!("helm-chart-save old {host}/other/mychart:1"));
        run(&format!("helm-chart-push {host}/other/mychart:1"));
        run(&format!("helm-chart-save new {host}/push0/mychart:1"));
        // What stood in the place that is exported to, and a login that somebody has already.
        chart("out/mychart", "0.9.0", "a: edited by hand\n");
        home.write(".config/helm/registry/config.json", r#"{"auths":{"example.com":{"auth":"YTpi"}}}"#);
        let locked_address = locked.address().to_owned();
        Self { home, host, locked: locked_address, bare: None, _registries: [registry, locked] }
    }

    /// The same, with what the scenario needs besides: a chart with all that can be attached, in a registry that lists no
    /// referrers, and in the cache.
    pub fn of(scenario: &Scenario) -> Self {
        let mut world = Self::new();
        if !scenario.command.contains("{bare}") {
            return world;
        }
        let registry = EmbeddedRegistry::start(&world.home, ["--data", "bare", "--no-referrers"]);
        let bare = registry.address().to_owned();
        let run = |command: &str| {
            let words: Vec<_> = command.split(' ').collect();
            world.home.command(words[0]).args(&words[1..]).run().succeeds().warns_of_names_alone();
        };
        let signed = format!("{bare}/signed/mychart:1");
        run(&format!("helm-chart-save third {signed}"));
        run(&format!("helm-chart-push {signed}"));
        attached::attach(&bare, "signed/mychart", "1");
        run(&format!("helm-chart-pull --attached {signed}"));
        run(&format!("helm-chart-tag {signed} {bare}/carry0/mychart:1"));
        run(&format!("helm-chart-remove {signed}"));
        world.bare = Some(registry);
        world
    }

    fn bare(&self) -> &str {
        self.bare.as_ref().map_or("", EmbeddedRegistry::address)
    }

    /// How many manifests are seen that are attached to what was pushed, if its tag is seen.
    pub fn carried(&self, number: usize) -> Option<usize> {
        attached::count(self.bare(), &format!("carry{number}/mychart"), "1")
    }

    /// A home like the first one, and the command in it.
    pub fn begin(&self, scenario: &Scenario, number: usize) -> (Home, Vec<String>) {
        let home = Home::new();
        for part in [".helm", ".config", "out", "old", "new", "third", "packages", "charts.tar"] {
            let from = self.home.path().join(part);
            let copied = home.program("/bin/cp").args(["-a".into(), from, home.path().join(part)]).run();
            copied.succeeds();
        }
        let refs = home.cache().join("refs").join(self.host.replace(':', "_"));
        if scenario.name == PUSH.name && number > 0 {
            fs::rename(refs.join("push0"), refs.join(format!("push{number}"))).unwrap();
        }
        if scenario.name == PUSH_ATTACHED.name && number > 0 {
            let refs = home.cache().join("refs").join(self.bare().replace(':', "_"));
            fs::rename(refs.join("carry0"), refs.join(format!("carry{number}"))).unwrap();
        }
        (home, self.command(scenario, number))
    }

    /// The command of a scenario, in words.
    pub fn command(&self, scenario: &Scenario, number: usize) -> Vec<String> {
        let fill = |word: &str| {
            let word = word.replace("{host}", &self.host).replace("{locked}", &self.locked);
            let word = word.replace("{bare}", self.bare());
            word.replace("{n}", &number.to_string())
        };
        scenario.command.split(' ').map(fill).collect()
    }

    /// What a user sees, and that nobody is shown anything broken.
    pub fn visible(&self, home: &Home) -> Visible {
        let listed = home.command("helm-chart-list").args(["-o", "json"]).run();
        let mut rows = BTreeMap::new();
        for mut row in serde_json::from_str::<Vec<serde_json::Value>>(&listed.succeeds().stdout).unwrap() {
            let row = row.as_object_mut().unwrap();
            assert!(row["broken"].is_null(), "{listed}");
            row.remove("created");
            let reference = self.normal(row["ref"].as_str().unwrap());
            row.remove("ref");
            rows.insert(reference, serde_json::Value::Object(row.clone()));
        }
        let mut out = snapshot(&home.path().join("out"));
        out.retain(|path, _| !path.starts_with(".helm-oci-"));
        let config = fs::read_to_string(home.path().join(".config/helm/registry/config.json")).ok();
        Visible { rows, out, config }
    }

    /// Another number each time.
    fn normal(&self, path: &str) -> String {
        for prefix in ["/push", "/carry"] {
            if let Some((before, after)) = path.split_once(prefix) {
                return format!("{before}{prefix}/{}", after.split_once('/').map_or("", |(_, a)| a));
            }
        }
        path.to_owned()
    }

    /// Everything that lies in a home, under the names that do not change from run to run.
    pub fn inventory(&self, home: &Home) -> Vec<String> {
        let mut found = Vec::new();
        for part in [".helm", ".config", ".cache", "out"] {
            for path in snapshot(&home.path().join(part)).into_keys() {
                let unique = path.split('/').map(|name| {
                    match name.strip_prefix('.').and_then(|n| n.rsplit_once('.')) {
                        Some((tag, unique)) if unique.contains('-') => format!(".{tag}.*"),
                        _ => name.to_owned(),
                    }
                });
                found.push(format!("{part}/{}", self.normal(&unique.collect::<Vec<_>>().join("/"))));
            }
        }
        found.sort();
        found
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn root(&self) -> &Path {
        self.home.path()
    }
}

/// All that is in the cache can be used; what was left over takes room and nothing else.
#[track_caller]
pub fn is_whole(home: &Home) {
    home.command("helm-chart-fsck").run().succeeds().warns_of_names_alone();
}
