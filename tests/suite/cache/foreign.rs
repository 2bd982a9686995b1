//! What a command says that finds something in the cache which the cache has not made. That it touches nothing is shown for
//! every place by the torture tests.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{Home, files, write_chart};

const REF: &str = "localhost:5000/a/mychart:1";

fn home() -> Home {
    let home = Home::new();
    let yaml = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", yaml)]);
    home.command("helm-chart-save").args(["mychart", REF]).run().succeeds().warns_of_names_alone();
    home.write("mine/blob-notes", "mine");
    home.write("mine/sha256/notes", "mine");
    home
}

#[test]
fn a_link_in_the_place_of_a_directory_is_named_and_left_alone() {
    for (place, commands) in [
        ("tmp", &["helm-chart-save mychart localhost:5000/n:1"][..]),
        (
            "blobs",
            &["helm-chart-save mychart localhost:5000/n:1", "helm-chart-export localhost:5000/a/mychart:1"],
        ),
        ("charts/mychart", &["helm-chart-tag localhost:5000/a/mychart:1 localhost:5000/n:1"]),
        ("charts/mychart/versions", &["helm-chart-save mychart localhost:5000/n:1"]),
        ("refs", &["helm-chart-list", "helm-chart-remove localhost:5000/a/mychart:1"]),
        ("refs/localhost_5000", &["helm-chart-save mychart localhost:5000/n:1"]),
        (
            "lock",
            &["helm-chart-save mychart localhost:5000/n:1", "helm-chart-remove localhost:5000/a/mychart:1"],
        ),
    ] {
        let home = home();
        let at = home.cache().join(place);
        match at.is_dir() {
            true => fs::remove_dir_all(&at).unwrap(),
            false => fs::remove_file(&at).unwrap(),
        }
        symlink(home.path().join("mine"), &at).unwrap();
        let belongs = if place == "lock" { "file" } else { "directory" };
        for command in commands {
            let words: Vec<_> = command.split(' ').collect();
            let run = home.command(words[0]).args(&words[1..]).run();
            run.fails(7).stdout_is("");
            let expected = format!(
                "cannot use $HOME/.helm/registry/{place}: it is a symbolic link, where a {belongs} belongs\n\
                 hint: the cache makes no such link, and has touched nothing behind it: look where it leads, then rm \
                 '$HOME/.helm/registry/{place}'\n"
            );
            assert!(run.stderr.starts_with("Error: ") && run.stderr.ends_with(&expected), "{run}");
            assert_eq!(files(&home.path().join("mine")).len(), 2, "{run}");
            assert!(fs::symlink_metadata(&at).unwrap().is_symlink(), "{run}");
        }
    }
}

#[test]
fn an_entry_that_leads_elsewhere_is_broken_and_can_be_saved_again() {
    let other = Home::new();
    for (what, said) in [
        ("the entry", "it is a link that the cache did not make"),
        ("its directory", "its directory `.1.1-2-3` is a symbolic link"),
        ("a link", "its link `content` does not lead into this cache"),
        ("no link", "its link `source` is a file"),
    ] {
        let home = home();
        // A copy that is whole, so that who follows finds everything.
        let copy = other.path().join(what);
        assert!(
            std::process::Command::new("cp")
                .arg("-a")
                .args([home.cache(), copy.clone()])
                .status()
                .unwrap()
                .success()
        );
        let entry = home.entry(REF);
        let directory = fs::canonicalize(&entry).unwrap();
        let elsewhere = copy.join(directory.strip_prefix(fs::canonicalize(home.cache()).unwrap()).unwrap());
        match what {
            "the entry" => {
                fs::remove_file(&entry).unwrap();
                symlink(&elsewhere, &entry).unwrap();
            }
            "its directory" => {
                fs::remove_file(&entry).unwrap();
                symlink(".1.1-2-3", &entry).unwrap();
                symlink(&elsewhere, entry.with_file_name(".1.1-2-3")).unwrap();
            }
            "a link" => {
                let content = fs::read_link(entry.join("content")).unwrap();
                fs::remove_file(entry.join("content")).unwrap();
                symlink(std::path::Path::new("..").join(content), entry.join("content")).unwrap();
            }
            _ => {
                fs::remove_file(entry.join("source")).unwrap();
                fs::write(entry.join("source"), "").unwrap();
            }
        }
        let path = "$HOME/.helm/registry/refs/localhost_5000/a/mychart/tags/1";
        home.command("helm-chart-export").args([REF]).run().fails(7).stdout_is("").stderr_is(&format!(
            "Error: cannot export {REF}: the cache entry {path} is broken: {said}\n\
             hint: pull the reference again, or save it again\n"
        ));
        let verified = home.command("helm-chart-fsck").run();
        assert!(verified.fails(7).stdout.contains(said), "{verified}");
        if what == "a link" {
            // What it means can be told, and is written down anew.
            home.command("helm-chart-fsck").args(["--repair"]).run().succeeds().warns_of_names_alone();
        } else {
            home.command("helm-chart-save").args(["mychart", REF]).run().succeeds().warns_of_names_alone();
        }
        home.command("helm-chart-export")
            .args(["-q", "-d", "out", REF])
            .run()
            .warns_of_names_alone()
            .prints("out/mychart\n");
        home.command("helm-chart-fsck").run().succeeds().warns_of_names_alone();
        assert!(elsewhere.join("content").symlink_metadata().is_ok(), "{what}");
    }
}

#[test]
fn what_lies_among_temporary_files_and_is_not_called_so_stays() {
    let home = home();
    let notes = home.write(".helm/registry/tmp/notes", "mine");
    let inside = home.write(".helm/registry/tmp/blob-directory/notes", "mine");
    symlink(home.path().join("mine/blob-notes"), home.cache().join("tmp/blob-link")).unwrap();
    home.command("helm-chart-save")
        .args(["mychart", "localhost:5000/n:1"])
        .run()
        .succeeds()
        .warns_of_names_alone();
    home.command("helm-chart-fsck").args(["--repair"]).run().succeeds().warns_of_names_alone();
    assert!(notes.exists() && inside.exists() && home.cache().join("tmp/blob-link").exists());
}
