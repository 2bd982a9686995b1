//! Rot: any file of a cache flipped, cut, emptied, or replaced. It is noticed before it is used, never served, found by
//! verify, and healed by a pull.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::common::{Home, copy_directory, files, snapshot, table};
use super::world::World;

type Damage = (&'static str, fn(&Path, &[u8]));

const DAMAGES: [Damage; 9] = [
    ("a flipped bit", |path, content| {
        let mut content = content.to_vec();
        let middle = content.len() / 2;
        content[middle] ^= 4;
        fs::write(path, content).unwrap();
    }),
    ("the last bit flipped", |path, content| {
        let mut content = content.to_vec();
        *content.last_mut().unwrap() ^= 1;
        fs::write(path, content).unwrap();
    }),
    ("nothing left", |path, _| fs::write(path, "").unwrap()),
    ("half left", |path, content| fs::write(path, &content[..content.len() / 2]).unwrap()),
    ("a byte missing", |path, content| fs::write(path, &content[1..]).unwrap()),
    ("zeros", |path, content| fs::write(path, vec![0; content.len()]).unwrap()),
    ("a directory", |path, _| fs::create_dir_all(path.join("in/it")).unwrap()),
    ("a link to nowhere", |path, _| symlink("nowhere", path).unwrap()),
    // Even one to the very same content: it might be anything tomorrow.
    ("a link to a copy", |path, content| {
        let copy = path.ancestors().find(|a| a.ends_with("registry")).unwrap().join("copy");
        fs::write(&copy, content).unwrap();
        symlink(copy, path).unwrap();
    }),
];

/// A cache with charts in every form, whose registry has them all: saved and pushed, and somebody's package with its
/// provenance file.
struct Rotting {
    world: World,
    home: Home,
    references: Vec<String>,
}

impl Rotting {
    fn new() -> Self {
        let world = World::new();
        let home = Home::new();
        for chart in ["old", "new"] {
            copy_directory(&world.root().join(chart), &home.path().join(chart));
        }
        let package = super::common::wire::tgz(&[
            ("pack/Chart.yaml", "apiVersion: v2\nname: pack\nversion: 0.1.0\n"),
            ("pack/values.yaml", "a: 1\n"),
        ]);
        home.write("pack-0.1.0.tgz", package);
        home.write("pack-0.1.0.tgz.prov", "-----BEGIN PGP SIGNED MESSAGE-----\n");
        let mut references = Vec::new();
        for (path, name) in [("old", "rot/a"), ("new", "rot/b"), ("pack-0.1.0.tgz", "rot/pack")] {
            let reference = format!("{}/{name}:1", world.host());
            home.command("helm-chart-save").args([path, &reference]).run().succeeds();
            home.command("helm-chart-push").args([&reference]).run().succeeds();
            references.push(reference);
        }
        Self { world, home, references }
    }

    /// The files of the cache that mean something.
    fn files(&self) -> Vec<PathBuf> {
        let all = files(&self.home.cache()).into_keys().map(PathBuf::from);
        all.filter(|path| path.components().count() > 1).collect()
    }

    fn exported(&self) -> Vec<Option<Vec<u8>>> {
        let export = |reference: &String| {
            let out = self.home.directory("exported");
            let run = self.home.command("helm-chart-export").args([reference, "-d", "exported"]).run();
            let bytes = match run.code {
                Some(0) => Some(format!("{:?}", snapshot(&out)).into_bytes()),
                _ => {
                    run.fails(7);
                    assert_eq!(snapshot(&out).len(), 0, "{run}");
                    None
                }
            };
            fs::remove_dir_all(&out).unwrap();
            bytes
        };
        self.references.iter().map(export).collect()
    }
}

#[test]
fn rot_is_found_never_served_and_healed() {
    let rotting = Rotting::new();
    let home = &rotting.home;
    let good = rotting.exported();
    let tidy = snapshot(&home.cache().join("blobs"));
    let (mut failures, mut number) = (Vec::new(), 0);
    let all: Vec<_> =
        rotting.files().into_iter().flat_map(|path| DAMAGES.map(|d| (path.clone(), d))).collect();
    assert!(all.len() >= 10 * DAMAGES.len(), "{all:?}");
    for (path, (name, damage)) in table::slice(all, 45) {
        number += 1;
        failures.extend(table::failure(|| {
            let what = format!("{name} in the place of {}", path.display());
            let at = home.cache().join(&path);
            let content = fs::read(&at).unwrap();
            fs::remove_file(&at).unwrap();
            damage(&at, &content);
            // A byte of a file of one byte cannot be halved away.
            let is_damaged = fs::symlink_metadata(&at).unwrap().file_type().is_symlink()
                || at.is_dir()
                || fs::read(&at).unwrap() != content;
            assert!(is_damaged, "{what}");
            let verified = home.command("helm-chart-fsck").run();
            verified.fails(7);
            home.command("helm-chart-list").args(["-q"]).run().succeeds();
            for (now, good) in rotting.exported().iter().zip(&good) {
                assert!(now.is_none() || now == good, "{what} was served");
            }
            // Pushed to where nothing is: the right chart, or none.
            for reference in &rotting.references {
                let target = reference.replace("/rot/", &format!("/rot{number}/"));
                let tagged = home.command("helm-chart-tag").args([reference, &target]).run();
                if tagged.code == Some(0) {
                    let pushed = home.command("helm-chart-push").args(["-q", &target]).run();
                    assert!(matches!(pushed.code, Some(0 | 7)), "{what}: {pushed}");
                    if pushed.code == Some(0) {
                        let original = home.command("helm-chart-push").args(["-q", reference]).run();
                        let digest = |text: &str| text.split('@').nth(1).map(ToOwned::to_owned);
                        assert_eq!(digest(&pushed.stdout), digest(&original.stdout), "{what}");
                    }
                    home.command("helm-chart-remove").args(["-q", &target]).run().succeeds();
                } else {
                    tagged.fails(7);
                }
            }
            let healed = home.command("helm-chart-pull").args(["-q"]).args(&rotting.references).run();
            healed.succeeds().warns_of_names_alone();
            let verified = home.command("helm-chart-fsck").run();
            assert!(verified.succeeds().stdout.ends_with(": all is well\n"), "{what}: {verified}");
            assert_eq!(snapshot(&home.cache().join("blobs")), tidy, "{what}");
            assert_eq!(rotting.exported(), good, "{what}");
        }));
    }
    table::settle("rot: found, never served, healed", number, "files", &failures);
    assert!(rotting.world.host().starts_with("127."));
}
