//! Many processes on one cache, and a cache that is not what it should be.

use std::fs;
use std::path::Path;

use super::*;

#[test]
fn sixteen_at_once_all_succeed() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    let references: Vec<_> = (0..16).map(|i| format!("localhost:5000/mychart:{i}")).collect();
    let all: Vec<_> = references.iter().cloned().chain(std::iter::repeat_n(REF.to_owned(), 16)).collect();
    std::thread::scope(|scope| {
        for reference in &all {
            let home = &home;
            scope.spawn(move || {
                let saved = home.command("helm-chart-save").args(["mychart", reference]).run();
                saved.succeeds().warns_of_names_alone();
            });
        }
    });
    let mut expected = references;
    expected.push(REF.to_owned());
    expected.sort();
    home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&(expected.join("\n") + "\n"));
    assert_eq!(home.blobs().len(), 2);
    assert_eq!(fs::read_dir(home.cache().join("tmp")).unwrap().count(), 0);
    // One directory of links and the link to it.
    assert_eq!(fs::read_dir(home.entry(REF).parent().unwrap()).unwrap().count(), 2);
    for reference in &expected {
        home.command("helm-chart-export").args([reference, "-d", "out", "-f"]).run().succeeds();
    }
}

#[test]
fn save_remove_and_list_do_not_disturb_each_other() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    let stays = "localhost:5000/stays:1";
    home.command("helm-chart-save").args(["mychart", stays]).run().succeeds();
    std::thread::scope(|scope| {
        let home = &home;
        let (comes, goes) = ("localhost:5000/comes:1", "localhost:5000/comes:1");
        scope.spawn(move || {
            for _ in 0..20 {
                home.command("helm-chart-save")
                    .args(["mychart", comes])
                    .run()
                    .succeeds()
                    .warns_of_names_alone();
            }
        });
        scope.spawn(move || {
            for _ in 0..20 {
                let removed = home.command("helm-chart-remove").args([goes]).run();
                if removed.stdout.is_empty() {
                    removed.fails(3);
                } else {
                    removed.prints("1: removed\n").stderr_is("");
                }
            }
        });
        scope.spawn(move || {
            for _ in 0..40 {
                let listed = home.command("helm-chart-list").args(["-q"]).run();
                listed.succeeds().stderr_is("");
                let both = format!("{comes}\n{stays}\n");
                assert!(listed.stdout == both || listed.stdout == format!("{stays}\n"), "{listed}");
            }
        });
    });
    home.command("helm-chart-export").args([stays, "-d", "out"]).run().succeeds();
}

/// Whether a path in the cache's blobs is what its name says.
#[test]
fn a_damaged_blob_of_the_same_content_is_healed() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    save(&home, "mychart").succeeds();
    for name in ["content", "meta"] {
        let blob = home.blob(REF, name);
        home.damage(&blob);
        home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().fails(7);
        save(&home, "mychart").succeeds().stderr_is("");
        home.command("helm-chart-export").args([REF, "-q", "-f", "-d", "out"]).run().prints("out/mychart\n");
        fs::remove_dir_all(home.path().join("out")).unwrap();
        fs::remove_file(&blob).unwrap();
        save(&home, "mychart").succeeds().stderr_is("");
        assert_eq!(home.blobs().len(), 2);
    }
}

#[test]
fn the_error_of_a_directory_that_cannot_be_the_cache_names_it() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    home.write(".helm", "a file");
    save(&home, "mychart")
        .fails(1)
        .stdout_is("")
        .stderr_is("Error: cannot save mychart: cannot read $HOME/.helm/registry: Not a directory\n");
    assert!(Path::new(&home.path().join(".helm")).is_file());
}
