//! The same kind of tests on others, by `scripts/torture --peers`: Helm 3.6, the last with a chart cache, and what pulls
//! into an OCI layout. What goes wrong there is counted and fails nothing; what goes wrong with us does.

use std::fs;
use std::path::PathBuf;

use super::common::{EmbeddedRegistry, Home, Output, files, table, tool, write_chart};
use super::strace::Strace;

const AT_ONCE: usize = 8;
const ROUNDS: usize = 10;
/// Of Helm's saves: each takes seconds here, all of them would take hours.
const POINTS: usize = 120;

/// Helm 3.6 and we have the same words: save, list, export, push, pull, remove.
struct Cacher {
    name: &'static str,
    program: PathBuf,
    /// Where a blob lies, below the home.
    blobs: &'static str,
}

impl Cacher {
    fn all() -> Vec<Self> {
        let ours = Home::new().executable("helm-oci");
        let mut all = vec![Self { name: "helm-oci", program: ours, blobs: ".helm/registry/blobs/sha256" }];
        let helm = tool("helm36").map(|program| Self {
            name: "helm 3.6.2",
            program,
            blobs: ".cache/helm/registry/cache/blobs/sha256",
        });
        all.extend(helm);
        all
    }

    fn home(&self) -> Home {
        let mut home = Home::new();
        home.set("HELM_EXPERIMENTAL_OCI", "1");
        for number in 0..AT_ONCE {
            let values = format!("number: {number}\n");
            let yaml = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
            let chart = home.path().join(format!("chart{number}"));
            write_chart(&chart, &[("Chart.yaml", yaml), ("values.yaml", &values)]);
        }
        home
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        ["chart"].iter().chain(words).map(ToString::to_string).collect()
    }

    fn run(&self, home: &Home, words: &[&str]) -> Output {
        home.program(&self.program).args(self.words(words)).run()
    }

    fn row(&self, what: &str, count: usize, unit: &str, failures: usize, remark: &str) {
        table::row(&format!("{what}: {}", self.name), count, unit, failures, remark);
        assert!(
            failures == 0 || self.name != "helm-oci",
            "{what}: {failures} of {count} {unit} failed ({remark})"
        );
    }

    /// How many references of those that were saved at once are there afterwards, with their own content.
    fn parallel_saves(&self) {
        let (mut kept, mut refused) = (0, 0);
        for _ in 0..ROUNDS {
            let home = self.home();
            let reference = |number: usize| format!("localhost:5000/a/mychart:{number}");
            let saves: Vec<_> = std::thread::scope(|scope| {
                let one = |number: usize| {
                    let home = &home;
                    scope.spawn(move || {
                        self.run(home, &["save", &format!("chart{number}"), &reference(number)])
                    })
                };
                let threads: Vec<_> = (0..AT_ONCE).map(one).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            refused += saves.iter().filter(|save| save.code != Some(0)).count();
            for number in 0..AT_ONCE {
                let out = format!("out{number}");
                let exported = self.run(&home, &["export", &reference(number), "-d", &out]);
                let values = fs::read_to_string(home.path().join(out).join("mychart/values.yaml"));
                let right = values.is_ok_and(|values| values == format!("number: {number}\n"));
                kept += usize::from(exported.code == Some(0) && right);
            }
        }
        let all = ROUNDS * AT_ONCE;
        let remark = format!("{refused} refused, {} lost silently", (all - kept).saturating_sub(refused));
        self.row("8 saves at once", all, "saves", all - kept, &remark);
    }

    /// Which commands one flipped bit breaks, of those that have nothing to do with it or should cure it.
    fn one_bad_blob(&self, registry: &str) {
        let home = self.home();
        let (bad, good) = (
            format!("{registry}/{}/bad:1", self.blobs.len()),
            format!("{registry}/{}/good:1", self.blobs.len()),
        );
        for (chart, reference) in [("chart0", &bad), ("chart1", &good)] {
            self.run(&home, &["save", chart, reference]).succeeds();
            self.run(&home, &["push", reference]).succeeds();
        }
        // The largest blob is a chart's content: it may be that of either, so that one of the two exports must succeed.
        let blobs = home.path().join(self.blobs);
        let mut all: Vec<_> = files(&blobs).into_iter().collect();
        all.sort_by_key(|(_, content)| content.len());
        let (name, mut content) = all.pop().unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 4;
        let path = blobs.join(name);
        fs::remove_file(&path).unwrap();
        fs::write(&path, content).unwrap();
        let mut broken = Vec::new();
        let mut expect = |what: &'static str, fine: bool| {
            if !fine {
                broken.push(what);
            }
        };
        let lists = |home: &Home| {
            let listed = self.run(home, &["list"]);
            listed.code == Some(0) && listed.stdout.contains(&good)
        };
        expect("list", lists(&home));
        // What is exported must be right, too.
        let export = |home: &Home, reference: &str, number: usize, out: &str| {
            let run = self.run(home, &["export", reference, "-d", out]);
            let values = fs::read_to_string(home.path().join(out).join("mychart/values.yaml"));
            let right = values.is_ok_and(|values| values == format!("number: {number}\n"));
            (run.code == Some(0), right)
        };
        let before = [export(&home, &bad, 0, "o1"), export(&home, &good, 1, "o2")];
        expect("export of both", before.iter().any(|(succeeded, right)| *succeeded && *right));
        expect("export of what is wrong", before.iter().all(|(succeeded, right)| !succeeded || *right));
        for reference in [&bad, &good] {
            let pulled = self.run(&home, &["pull", reference]);
            expect("pull", pulled.code == Some(0));
        }
        let after = [export(&home, &bad, 0, "o3"), export(&home, &good, 1, "o4")];
        expect("export after pull", after == [(true, true); 2]);
        expect("list after pull", lists(&home));
        self.row("one bad blob", 7, "commands", broken.len(), &broken.join(", "));
    }

    /// Kills a save at its system calls.
    fn kills(&self, strace: &Strace) {
        let command = |home: &Home| {
            let program = self.program.to_string_lossy().into_owned();
            let mut words = vec![program];
            words.extend(self.words(&["save", "chart1", "localhost:5000/a/mychart:new"]));
            self.run(home, &["save", "chart0", "localhost:5000/a/mychart:old"]).succeeds();
            words
        };
        let home = self.home();
        let words = command(&home);
        let (points, _) = strace.points(&home, &words, "");
        let every = points.len().div_ceil(POINTS).max(1);
        let (mut killed, mut wrong) = (0, Vec::new());
        for point in points.iter().step_by(every) {
            let home = self.home();
            let words = command(&home);
            let run = strace.kill(&home, point, &words, "");
            killed += usize::from(run.code.is_none());
            let old = self.run(&home, &["export", "localhost:5000/a/mychart:old", "-d", "old"]);
            let listed = self.run(&home, &["list"]);
            let again = self.run(&home, &["save", "chart1", "localhost:5000/a/mychart:new"]);
            let new = self.run(&home, &["export", "localhost:5000/a/mychart:new", "-d", "new"]);
            if [&old, &listed, &again, &new].iter().any(|run| run.code != Some(0)) {
                wrong.push(format!("{} {}", point.call, point.number));
            }
        }
        self.row("save killed", killed, "points", wrong.len(), &wrong.join(", "));
    }
}

#[test]
#[ignore = "a measurement, for scripts/torture --peers"]
fn peers_with_a_cache() {
    let outside = Home::new();
    let registry = EmbeddedRegistry::start(&outside, ["--data", "registry"]);
    let strace = Strace::find();
    for peer in Cacher::all() {
        peer.parallel_saves();
        peer.one_bad_blob(registry.address());
        if let Some(strace) = &strace {
            peer.kills(strace);
        }
    }
}

/// Others have no cache of references, but layouts of several: as many pulls into one at once.
#[test]
#[ignore = "a measurement, for scripts/torture --peers"]
fn peers_with_a_layout() {
    let outside = Home::new();
    let registry = EmbeddedRegistry::start(&outside, ["--data", "registry"]);
    let reference = |number: usize| format!("{}/a/mychart:{number}", registry.address());
    for number in 0..AT_ONCE {
        let yaml = format!("apiVersion: v2\nname: mychart\nversion: 1.0.{number}\n");
        write_chart(&outside.path().join("mychart"), &[("Chart.yaml", &yaml)]);
        outside.command("helm-chart-save").args(["mychart", &reference(number)]).run().succeeds();
        outside.command("helm-chart-push").args([reference(number)]).run().succeeds();
    }
    type Words = fn(&str, usize) -> Vec<String>;
    let peers: [(&str, Words); 3] = [
        ("skopeo", |reference, number| {
            let (from, to) = (format!("docker://{reference}"), format!("oci:layout:{number}"));
            vec!["copy".into(), "--src-tls-verify=false".into(), from, to]
        }),
        ("oras", |reference, number| {
            ["copy", "--from-plain-http", "--to-oci-layout", reference, &format!("layout:{number}")]
                .map(ToOwned::to_owned)
                .to_vec()
        }),
        ("crane", |reference, _| {
            ["pull", "--insecure", "--format=oci", reference, "layout"].map(ToOwned::to_owned).to_vec()
        }),
    ];
    for (name, words) in peers {
        let Some(program) = tool(name) else {
            table::row(&format!("8 pulls at once: {name}"), 0, "pulls", 0, "not installed");
            continue;
        };
        let (mut kept, mut refused) = (0, 0);
        for _ in 0..ROUNDS {
            let home = Home::new();
            let runs: Vec<_> = std::thread::scope(|scope| {
                let one = |number: usize| {
                    let run = home.program(&program).args(words(&reference(number), number));
                    scope.spawn(move || run.run())
                };
                let threads: Vec<_> = (0..AT_ONCE).map(one).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            refused += runs.iter().filter(|run| run.code != Some(0)).count();
            let index = fs::read(home.path().join("layout/index.json")).unwrap_or_default();
            let index: serde_json::Value = serde_json::from_slice(&index).unwrap_or_default();
            kept += index["manifests"].as_array().map_or(0, Vec::len);
        }
        let all = ROUNDS * AT_ONCE;
        let remark = format!("{refused} refused, {} lost silently", (all - kept).saturating_sub(refused));
        table::row(&format!("8 pulls at once: {name}"), all, "pulls", all - kept, &remark);
    }
}
