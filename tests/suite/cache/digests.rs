//! What `save -q` prints is what `push -q` prints then, whatever the reference stood for before, and whatever the environment
//! of the push says.

use crate::common::wire::tgz;
use crate::common::{EmbeddedRegistry, Home, write_chart};

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";

/// What the reference stands for before the chart is saved.
#[derive(Clone, Copy, Debug)]
enum Before {
    New,
    SameContent,
    OtherContent,
    /// With the time that it was saved with.
    Pushed(Option<u32>),
    PulledAsPushed(Option<u32>),
    /// From somebody whose tool notes the time of the push.
    PulledFromOthers,
    RemovedAfterPush,
}

use Before::{New, OtherContent, PulledAsPushed, PulledFromOthers, Pushed, RemovedAfterPush, SameContent};

/// SOURCE_DATE_EPOCH when the chart is saved and when it is pushed.
const EPOCHS: [(Option<u32>, Option<u32>); 5] = [
    (Some(1_700_000_000), None),
    (None, Some(1_700_000_000)),
    (Some(7), Some(7)),
    (None, None),
    (Some(7), Some(8)),
];

struct World<'a> {
    registry: &'a str,
    home: Home,
    reference: String,
}

impl World<'_> {
    fn run(&self, home: &Home, epoch: Option<u32>, command: &str) -> String {
        let words: Vec<_> = command.split(' ').collect();
        let epoch = epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
        let run = home.command(words[0]).args(&words[1..]).env("SOURCE_DATE_EPOCH", epoch).run();
        run.succeeds().warns_of_names_alone().stdout.clone()
    }

    fn begin(&self, path: &str, before: Before) {
        let Self { registry, home, reference } = self;
        let save = format!("helm-chart-save {path} {reference}");
        let push = format!("helm-chart-push {reference}");
        match before {
            New => {}
            SameContent => drop(self.run(home, None, &save)),
            OtherContent => drop(self.run(home, None, &format!("helm-chart-save other {reference}"))),
            Pushed(epoch) => {
                self.run(home, epoch, &save);
                self.run(home, None, &push);
            }
            PulledAsPushed(epoch) => {
                let outside = chart_home();
                self.run(&outside, epoch, &save);
                self.run(&outside, None, &push);
                self.run(home, None, &format!("helm-chart-pull {reference}"));
            }
            PulledFromOthers => {
                // As Helm 3.12 and later push it.
                let outside = chart_home();
                let pushed = self.run(&outside, None, &save) + &self.run(&outside, None, &push);
                assert!(pushed.contains("pushed to remote"));
                let name = reference.strip_prefix(&format!("{registry}/")).unwrap();
                let (name, tag) = name.split_once(':').unwrap();
                let manifest = crate::common::wire::get(registry, &format!("{name}/manifests/{tag}"));
                let manifest = String::from_utf8(manifest).unwrap();
                let dated = manifest.replacen(
                    "\"annotations\":{",
                    "\"annotations\":{\"org.opencontainers.image.created\":\"2026-01-01T00:00:00Z\",",
                    1,
                );
                assert_ne!(dated, manifest);
                home.write("manifest", dated);
                let url = format!("http://{registry}/v2/{name}/manifests/{tag}");
                let kind = "Content-Type: application/vnd.oci.image.manifest.v1+json";
                let put = ["-sf", "-X", "PUT", "-H", kind, "--data-binary", "@manifest", &url];
                home.program("curl").args(put).run().succeeds();
                self.run(home, None, &format!("helm-chart-pull {reference}"));
            }
            RemovedAfterPush => {
                self.run(home, Some(9), &save);
                self.run(home, None, &push);
                self.run(home, None, &format!("helm-chart-remove {reference}"));
            }
        }
    }
}

/// A home with a chart, as a directory and as somebody's package, and another one.
fn chart_home() -> Home {
    let home = Home::new();
    let files = [("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")];
    write_chart(&home.path().join("mychart"), &files);
    write_chart(&home.path().join("other"), &[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 2\n")]);
    home.write("mychart.tgz", tgz(&[("mychart/Chart.yaml", CHART_YAML), ("mychart/values.yaml", "a: 1\n")]));
    home
}

#[test]
fn what_save_promises_push_gives() {
    let outside = Home::new();
    let registry = EmbeddedRegistry::start(&outside, []);
    let states = [
        New,
        SameContent,
        OtherContent,
        Pushed(None),
        Pushed(Some(7)),
        PulledAsPushed(None),
        PulledAsPushed(Some(5)),
        PulledFromOthers,
        RemovedAfterPush,
    ];
    let mut number = 0;
    for path in ["mychart", "mychart.tgz"] {
        for (saved_at, pushed_at) in EPOCHS {
            let mut digests = Vec::new();
            for before in states {
                number += 1;
                let reference = format!("{}/r{number}/mychart:1", registry.address());
                let world = World { registry: registry.address(), home: chart_home(), reference };
                world.begin(path, before);
                let (home, reference) = (&world.home, &world.reference);
                let saved = world.run(home, saved_at, &format!("helm-chart-save -q {path} {reference}"));
                let pushed = world.run(home, pushed_at, &format!("helm-chart-push -q {reference}"));
                let what = format!("{path}, {before:?}, saved at {saved_at:?}, pushed at {pushed_at:?}");
                assert_eq!(saved, pushed, "{what}");
                digests.push((pushed.rsplit_once('@').unwrap().1.to_owned(), what.clone()));
                // Nor does it change by being pushed again, or under another name.
                assert_eq!(
                    world.run(home, Some(11), &format!("helm-chart-push -q {reference}")),
                    pushed,
                    "{what}"
                );
                let (name, _) = pushed.split_once('@').unwrap();
                let other = reference.replace("/r", "/other/r");
                world.run(home, Some(12), &format!("helm-chart-tag {reference} {other}"));
                let elsewhere = world.run(home, Some(13), &format!("helm-chart-push -q {other}"));
                assert_eq!(elsewhere.replace(&other, name), pushed, "{what}");
                let repository = format!("r{number}/mychart");
                let manifest =
                    crate::common::wire::get(registry.address(), &format!("{repository}/manifests/1"));
                let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
                let created = manifest["annotations"]["org.opencontainers.image.created"].as_str();
                let expected = saved_at.map(|epoch| match epoch {
                    7 => "1970-01-01T00:00:07Z",
                    _ => "2023-11-14T22:13:20Z",
                });
                assert_eq!(created, expected, "{what}");
            }
            // The same chart has the same digest, whatever the cache has seen.
            assert!(digests.iter().all(|(digest, _)| *digest == digests[0].0), "{digests:#?}");
        }
    }
}

#[test]
fn the_time_of_a_chart_is_that_of_its_save() {
    let home = chart_home();
    let reference = "localhost:5000/mychart:1";
    let save = |epoch: &str| {
        home.command("helm-chart-save")
            .args(["mychart", reference])
            .env("SOURCE_DATE_EPOCH", epoch)
            .run()
            .succeeds();
        std::fs::read_link(home.entry(reference).join("epoch")).ok()
    };
    assert_eq!(save("1700000000"), Some("1700000000".into()));
    assert_eq!(save("0"), Some("0".into()));
    assert_eq!(save(""), None);
    // Push does not look at the environment, however wrong that is.
    let pushed =
        home.command("helm-chart-push").args(["localhost:1/a:1"]).env("SOURCE_DATE_EPOCH", "never").run();
    pushed.fails(3);
}
