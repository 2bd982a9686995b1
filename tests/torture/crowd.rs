//! Many processes on one cache: what succeeds is kept, what is read is whole, and nobody is shown an error that a retry would
//! cure.

use std::collections::BTreeMap;
use std::sync::Barrier;

use super::common::{EmbeddedRegistry, Home, Output, files, table, write_chart};

const PROCESSES: usize = 32;
const ROUNDS: usize = 10;
const VARIANTS: usize = 4;

struct Crowd {
    home: Home,
    registry: EmbeddedRegistry,
    /// What an export of each variant of the shared chart looks like.
    variants: Vec<BTreeMap<String, Vec<u8>>>,
}

impl Crowd {
    fn new() -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
        let variant = |number: usize| {
            let chart = home.path().join(format!("variant{number}"));
            let values = format!("a: {number}\n");
            // The same metadata for two of them, the same content for two others.
            let yaml =
                format!("apiVersion: v2\nname: mychart\nversion: 1.0.0\ndescription: of {}\n", number / 2);
            write_chart(&chart, &[("Chart.yaml", &yaml), ("values.yaml", &values)]);
            files(&chart)
        };
        let variants = (0..VARIANTS).map(variant).collect();
        Self { home, registry, variants }
    }

    fn reference(&self, name: &str) -> String {
        format!("{}/{name}:1", self.registry.address())
    }

    fn run(&self, command: &str, args: &[&str]) -> Output {
        self.home.command(command).args(args).run()
    }

    /// A chart of the cache, or nothing if it is not there just now.
    fn export(&self, reference: &str, directory: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let exported = self.run("helm-chart-export", &["-q", "-d", directory, reference]);
        match exported.code {
            Some(3) => None,
            _ => {
                exported.succeeds().warns_of_names_alone();
                Some(files(&self.home.path().join(directory).join("mychart")))
            }
        }
    }

    /// What one of the many does, all at the same time.
    fn work(&self, round: usize, number: usize) {
        let id = format!("{round}-{number}");
        let variant = number % VARIANTS;
        let chart = format!("variant{variant}");
        let (own, second) = (self.reference(&format!("own/{id}")), self.reference(&format!("second/{id}")));
        let (shared, coming) = (self.reference("shared"), self.reference("coming"));
        let fine = |output: &Output| {
            output.succeeds().warns_of_names_alone();
        };
        fine(&self.run("helm-chart-save", &["-q", &chart, &own]));
        match number % 8 {
            0 => fine(&self.run("helm-chart-push", &["-q", &own])),
            1 => fine(&self.run("helm-chart-save", &["-q", &chart, &shared])),
            // What it was pulled as is kept, unless somebody removes that just now.
            2 => fine(&self.run("helm-chart-save", &["-q", "variant0", &coming])),
            3 => fine(&self.run("helm-chart-pull", &["-q", &coming])),
            4 => {
                let removed = self.run("helm-chart-remove", &["-q", &coming]);
                assert!(matches!(removed.code, Some(0 | 3)), "{removed}");
            }
            5 => {
                let third = self.reference(&format!("third/{id}"));
                let tagged = self.run("helm-chart-tag", &[&coming, &third]);
                if tagged.code == Some(0) {
                    let found = self.export(&third, &format!("out/{id}-third")).expect("nobody removes it");
                    assert_eq!(found, self.variants[0], "a tagged chart that is not whole");
                    fine(&self.run("helm-chart-remove", &["-q", &third]));
                } else {
                    tagged.fails(3);
                }
                if let Some(found) = self.export(&coming, &format!("out/{id}-coming")) {
                    assert_eq!(found, self.variants[0], "a pulled chart that is not whole");
                }
            }
            6 => {
                let verified = self.run("helm-chart-fsck", &[]);
                fine(&verified);
                let listed = self.run("helm-chart-list", &["-q"]);
                fine(&listed);
                assert!(listed.stdout.contains(&own), "{own} was saved and is not listed: {listed}");
            }
            _ => {
                let found = self.export(&shared, &format!("out/{id}-shared")).expect("nobody removes it");
                assert!(self.variants.contains(&found), "parts of two charts: {found:?}");
            }
        }
        fine(&self.run("helm-chart-tag", &[&own, &second]));
        fine(&self.run("helm-chart-remove", &["-q", &own]));
        let found = self.export(&second, &format!("out/{id}")).expect("nobody removes it");
        assert_eq!(found, self.variants[variant], "{second}");
    }
}

#[test]
fn a_crowd_on_one_cache_loses_nothing() {
    let crowd = Crowd::new();
    let (shared, coming) = (crowd.reference("shared"), crowd.reference("coming"));
    crowd.run("helm-chart-save", &["variant0", &coming]).succeeds();
    crowd.run("helm-chart-push", &[&coming]).succeeds();
    crowd.run("helm-chart-save", &["variant1", &shared]).succeeds();
    let rounds = if table::whole() { 50 } else { ROUNDS };
    let mut failures = Vec::new();
    for round in 0..rounds {
        let barrier = Barrier::new(PROCESSES);
        let (crowd, barrier) = (&crowd, &barrier);
        let failed: Vec<_> = std::thread::scope(|scope| {
            let one = |number| {
                scope.spawn(move || {
                    barrier.wait();
                    table::failure(|| crowd.work(round, number))
                })
            };
            let threads: Vec<_> = (0..PROCESSES).map(one).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        failures.extend(failed);
        failures.extend(table::failure(|| {
            let listed = crowd.run("helm-chart-list", &["-q"]);
            listed.succeeds().warns_of_names_alone();
            for number in 0..PROCESSES {
                let kept = crowd.reference(&format!("second/{round}-{number}"));
                let gone = crowd.reference(&format!("own/{round}-{number}"));
                assert!(listed.stdout.contains(&kept), "{kept} was lost: {listed}");
                assert!(!listed.stdout.contains(&gone), "{gone} came back: {listed}");
            }
            let seconds: Vec<_> =
                (0..PROCESSES).map(|number| crowd.reference(&format!("second/{round}-{number}"))).collect();
            crowd.home.command("helm-chart-fsck").run().succeeds().warns_of_names_alone();
            crowd.home.command("helm-chart-remove").args(["-q"]).args(&seconds).run().succeeds();
            assert_eq!(crowd.home.directory(".helm/registry/tmp").read_dir().unwrap().count(), 0);
        }));
    }
    table::settle("crowd: 32 processes at once", rounds, "rounds", &failures);
}
