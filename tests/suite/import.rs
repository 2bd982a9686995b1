//! `helm-chart-import`: what Helm 3.0 to 3.6 and Helm 4 kept, and directories of packages.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use oci::digest::Digest;
use serde_json::Value;

use crate::common::{EmbeddedRegistry, Home, Output, files, snapshot, tool, write_chart};

const HELM3: &str = ".cache/helm/registry/cache";

/// A home whose cache of Helm 3.6.2 has a chart under each of these references. `mychart` is its directory.
fn with_helm3(references: &[&str]) -> Option<Home> {
    let helm = tool("helm36")?;
    let mut home = Home::new();
    home.set("HELM_EXPERIMENTAL_OCI", "1");
    for (number, reference) in references.iter().enumerate() {
        chart(&home, &format!("number: {number}\n"));
        home.program(&helm).args(["chart", "save", "mychart", reference]).run().succeeds();
    }
    Some(home)
}

fn chart(home: &Home, values: &str) {
    let yaml = "apiVersion: v2\nname: mychart\nversion: 1.0.0+b1\n";
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", yaml), ("values.yaml", values)]);
}

fn import(home: &Home, args: &[&str]) -> Output {
    home.command("helm-chart-import").args(args).run()
}

fn rows(output: &Output) -> Vec<Value> {
    serde_json::from_str(&output.stdout).unwrap()
}

/// How each row ended, by where it came from.
fn statuses(output: &Output) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    rows(output)
        .iter()
        .map(|row| format!("{} {} {}", text(row, "from"), text(row, "ref"), text(row, "status")))
        .collect()
}

/// The index of Helm's cache.
fn index(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.path().join(HELM3).join("index.json")).unwrap()).unwrap()
}

/// The blob of a digest in Helm's cache.
fn blob(home: &Home, digest: &Value) -> PathBuf {
    let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    home.path().join(HELM3).join("blobs/sha256").join(hex)
}

/// The manifest of the entry with this number.
fn manifest(home: &Home, number: usize) -> Value {
    let digest = &index(home)["manifests"][number]["digest"];
    serde_json::from_slice(&fs::read(blob(home, digest)).unwrap()).unwrap()
}

#[test]
fn the_cache_of_helm_3_is_taken_in_byte_by_byte() {
    let references = ["localhost:5000/a/mychart:1.0.0+b1", "localhost:5000/mychart:x", "myrepo:1/mychart"];
    let Some(home) = with_helm3(&references) else { return };
    let before = snapshot(&home.path().join(HELM3));
    let imported = import(&home, &["helm3", "-o", "json"]);
    imported.stderr_is("").succeeds();
    assert_eq!(
        statuses(&imported),
        [
            "localhost:5000/a/mychart:1.0.0+b1 localhost:5000/a/mychart:1.0.0_b1 imported",
            "localhost:5000/mychart:x localhost:5000/mychart:x imported",
            "myrepo:1/mychart:1.0.0+b1 myrepo:1/mychart:1.0.0_b1 imported",
        ]
    );
    assert_eq!(snapshot(&home.path().join(HELM3)), before);
    for (number, row) in rows(&imported).iter().enumerate() {
        assert_eq!(row["oldManifest"], index(&home)["manifests"][number]["digest"]);
        let reference = row["ref"].as_str().unwrap();
        let layer = &manifest(&home, number)["layers"][0]["digest"];
        assert_eq!(home.linked(reference, "content"), layer.as_str().unwrap());
        chart(&home, &format!("number: {number}\n"));
        home.command("helm-chart-export").args(["-f", "-d", "out", reference]).run().succeeds();
        assert_eq!(files(&home.path().join("out/mychart")), files(&home.path().join("mychart")));
    }
    home.command("helm-chart-fsck").run().succeeds();
    // Once more there is nothing to do.
    import(&home, &["helm3"]).stderr_is("").prints(
        "localhost:5000/a/mychart:1.0.0_b1: there already\nlocalhost:5000/mychart:x: there already\n\
         myrepo:1/mychart:1.0.0_b1: there already\n0 imported, 3 there already, 0 not usable\n",
    );
    // Another place, and what a push will make of it.
    fs::rename(home.path().join(HELM3), home.path().join("moved")).unwrap();
    let quiet = import(&home, &["helm3", "moved", "-q"]);
    let digest = rows(&imported)[0]["digest"].as_str().unwrap().to_owned();
    assert!(
        quiet.succeeds().stdout.starts_with(&format!("localhost:5000/a/mychart:1.0.0_b1@{digest}\n")),
        "{quiet}"
    );
    import(&home, &["helm3"]).fails(3);
}

#[test]
fn what_is_imported_is_pushed_as_helm_reads_it_today() {
    let Some(helm) = tool("helm") else { return };
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let reference = format!("{}/a/mychart:1.0.0+b1", registry.address());
    let Some(home) = with_helm3(&[&reference]) else { return };
    let ours = reference.replace('+', "_");
    let quiet = import(&home, &["helm3", "-q"]);
    let pushed = home.command("helm-chart-push").args(["-q", &ours]).run();
    assert_eq!(pushed.succeeds().stdout, quiet.succeeds().stdout);
    let (repository, _) = reference.rsplit_once(':').unwrap();
    home.program(helm)
        .args(["pull", &format!("oci://{repository}"), "--version", "1.0.0+b1"])
        .run()
        .succeeds();
    let package = fs::read(home.path().join("mychart-1.0.0+b1.tgz")).unwrap();
    assert_eq!(Digest::of(&package).to_string(), manifest(&home, 0)["layers"][0]["digest"].as_str().unwrap());
}

#[test]
fn odd_references_need_a_prefix() {
    let references =
        ["mychart:1.0.0", "UPPER/x:1.0", "myrepo/noport:two", "myrepo/x:1:1.0.0", "localhost:5000/fine:1"];
    let Some(home) = with_helm3(&references) else { return };
    let imported = import(&home, &["helm3"]);
    imported
        .fails(1)
        .stdout_is("localhost:5000/fine:1: imported\n1 imported, 0 there already, 4 not usable\n");
    let lines: Vec<_> = imported.stderr.lines().collect();
    assert_eq!(lines.len(), 8, "{imported}");
    for (line, reference) in lines.chunks(2).zip(references) {
        let start =
            format!("Error: cannot import {reference}: the reference `{reference}` has no registry host");
        assert!(line[0].starts_with(&start), "{imported}");
        assert_eq!(line[1], "hint: --as oci://HOST/PATH says where it goes: PREFIX/NAME:VERSION");
    }
    // They are four charts of one name and version.
    let imported = import(&home, &["helm3", "--as", "oci://localhost:5000/old", "-o", "json"]);
    assert_eq!(
        statuses(&imported),
        [
            "mychart:1.0.0 localhost:5000/old/mychart:1.0.0_b1 imported",
            "UPPER/x:1.0 localhost:5000/old/mychart:1.0.0_b1 differs",
            "myrepo/noport:two localhost:5000/old/mychart:1.0.0_b1 differs",
            "myrepo/x:1:1.0.0 localhost:5000/old/mychart:1.0.0_b1 differs",
            "localhost:5000/fine:1 localhost:5000/fine:1 unchanged",
        ]
    );
    imported.fails(5);
    let hint = "hint: --force replaces it, --as imports it under another name\n";
    let first = "Error: cannot import UPPER/x:1.0: the cache has another chart as localhost:5000/old/mychart:1.0.0_b1\n";
    assert!(imported.stderr.starts_with(&format!("{first}{hint}")), "{imported}");
    let kept = home.linked("localhost:5000/old/mychart:1.0.0_b1", "content");
    assert_eq!(kept, manifest(&home, 0)["layers"][0]["digest"].as_str().unwrap());
    import(&home, &["helm3", "--as", "oci://localhost:5000/old", "--force"]).succeeds();
    let now = home.linked("localhost:5000/old/mychart:1.0.0_b1", "content");
    assert_eq!(now, manifest(&home, 3)["layers"][0]["digest"].as_str().unwrap());
}

#[test]
fn a_bad_blob_costs_one_entry() {
    let names: Vec<_> = (0..8).map(|number| format!("localhost:5000/c{number}:1")).collect();
    let references: Vec<_> = names.iter().map(String::as_str).collect();
    let Some(home) = with_helm3(&references) else { return };
    let entries = index(&home)["manifests"].as_array().unwrap().clone();
    let parts: Vec<_> = (0..8)
        .map(|number| {
            (entries[number]["digest"].clone(), manifest(&home, number)["layers"][0]["digest"].clone())
        })
        .collect();
    let damage = |digest: &Value, change: &dyn Fn(&mut Vec<u8>)| {
        let path = blob(&home, digest);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    damage(&parts[0].0, &flip);
    damage(&parts[1].1, &flip);
    damage(&parts[2].1, &|bytes| bytes.truncate(10));
    fs::remove_file(blob(&home, &parts[3].0)).unwrap();
    fs::remove_file(blob(&home, &parts[4].1)).unwrap();
    // A link in the place of a blob leads nowhere, whatever it leads to.
    fs::rename(blob(&home, &parts[5].1), home.path().join("elsewhere")).unwrap();
    symlink(home.path().join("elsewhere"), blob(&home, &parts[5].1)).unwrap();
    // And an entry of the index that is none.
    let mut broken = index(&home);
    broken["manifests"][6] = serde_json::json!({"digest": "none", "annotations": 7});
    fs::write(home.path().join(HELM3).join("index.json"), broken.to_string()).unwrap();

    let imported = import(&home, &["helm3"]);
    imported.fails(7).stdout_is("localhost:5000/c7:1: imported\n1 imported, 0 there already, 7 not usable\n");
    let digest = |digest: &Value| digest.as_str().unwrap().to_owned();
    for message in [
        format!("c0:1: its blob {} is damaged\n", digest(&parts[0].0)),
        format!("c1:1: its blob {} is damaged\n", digest(&parts[1].1)),
        format!("c2:1: its blob {} is damaged\n", digest(&parts[2].1)),
        format!("c3:1: its blob {} is missing\n", digest(&parts[3].0)),
        format!("c4:1: its blob {} is missing\n", digest(&parts[4].1)),
        "c5:1: cannot use $HOME/.cache/helm/registry/cache/blobs/sha256/".to_owned(),
        "an entry of index.json: its entry in index.json has no digest, no size or no name\n".to_owned(),
    ] {
        assert!(imported.stderr.contains(&message), "{message}: {imported}");
    }
    assert_eq!(home.command("helm-chart-list").args(["-q"]).run().succeeds().stdout, "localhost:5000/c7:1\n");
    assert_eq!(home.blobs().len(), 2);
    // Damage in our own cache is mended.
    home.damage(&home.blob("localhost:5000/c7:1", "content"));
    import(&home, &["helm3"])
        .fails(7)
        .stdout_is("localhost:5000/c7:1: imported\n1 imported, 0 there already, 7 not usable\n");
    home.command("helm-chart-fsck").run().succeeds();
    for index in ["", "{\"manifests\": 7}", "[]"] {
        fs::write(home.path().join(HELM3).join("index.json"), index).unwrap();
        let refused = import(&home, &["helm3"]).fails(1).stderr.clone();
        assert!(refused.contains("its index.json cannot be read"), "{refused}");
    }
}

#[test]
fn a_directory_of_packages_goes_below_a_prefix() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    chart(&home, "a: 1\n");
    home.program(&helm).args(["package", "mychart", "-d", "tree/deep/er"]).run().succeeds();
    let package = home.path().join("tree/deep/er/mychart-1.0.0+b1.tgz");
    home.write("tree/deep/er/mychart-1.0.0+b1.tgz.prov", "signed\n");
    // Helm 4's cache: named by digests that nobody has looked at.
    let bytes = fs::read(&package).unwrap();
    let hex = Digest::of(&bytes).hex().to_owned();
    let wrong = "ab".repeat(32);
    home.write("other/Chart.yaml", "apiVersion: v2\nname: other\nversion: 2.0.0\n");
    home.program(&helm).args(["package", "other", "-d", "."]).run().succeeds();
    home.directory("tree/ab");
    fs::rename(home.path().join("other-2.0.0.tgz"), home.path().join(format!("tree/ab/{wrong}.chart")))
        .unwrap();
    home.write(format!("tree/ab/{wrong}.prov"), "signed, too\n");
    home.write(format!("tree/zz/{hex}.chart"), &bytes);
    home.write("tree/broken.tgz", "no chart");
    home.write("tree/index.yaml", "no package");
    symlink(&package, home.path().join("tree/link.tgz")).unwrap();
    symlink("/", home.path().join("tree/root")).unwrap();

    let imported = import(&home, &["tree", "--as", "localhost:5000/all", "-o", "json"]);
    assert_eq!(
        statuses(&imported),
        [
            format!("ab/{wrong}.chart localhost:5000/all/other:2.0.0 imported"),
            "broken.tgz - unusable".to_owned(),
            "deep/er/mychart-1.0.0+b1.tgz localhost:5000/all/mychart:1.0.0_b1 imported".to_owned(),
            "link.tgz - unusable".to_owned(),
            format!("zz/{hex}.chart localhost:5000/all/mychart:1.0.0_b1 unchanged"),
        ]
    );
    imported.fails(1);
    let told = format!("Warning: ab/{wrong}.chart: its file is called {wrong}, and its digest is sha256:");
    assert!(imported.stderr.starts_with(&told), "{imported}");
    assert!(imported.stderr.contains("Error: cannot import link.tgz: it is a symbolic link\n"), "{imported}");
    for (reference, text) in [("all/mychart:1.0.0_b1", "signed\n"), ("all/other:2.0.0", "signed, too\n")] {
        let reference = format!("localhost:5000/{reference}");
        assert_eq!(fs::read_to_string(home.blob(&reference, "provenance")).unwrap(), text);
    }
    assert_eq!(fs::read(home.blob("localhost:5000/all/mychart:1.0.0_b1", "content")).unwrap(), bytes);
    home.command("helm-chart-fsck").run().succeeds();
    // What is imported counts as never pushed.
    home.command("helm-chart-prune").args(["--all", "-f", "-q"]).run().prints("");
    assert_eq!(home.command("helm-chart-list").args(["-q"]).run().stdout.lines().count(), 2);
}

#[test]
fn a_package_of_ours_shares_its_content() {
    let home = Home::new();
    chart(&home, "a: 1\n");
    let reference = "localhost:5000/a/mychart:1.0.0_b1";
    let saved = home.command("helm-chart-save").args(["-q", "mychart", reference]).run();
    home.command("helm-chart-export").args(["--package", "-d", "tree", reference]).run().succeeds();
    let before = home.blobs();
    let imported = import(&home, &["tree", "--as", "localhost:5000/b", "-q"]);
    assert_eq!(imported.succeeds().stdout.replace("/b/", "/a/"), saved.succeeds().stdout);
    assert_eq!(home.blobs(), before);
    import(&home, &["tree", "--as", "localhost:5000/a"]).prints(
        "localhost:5000/a/mychart:1.0.0_b1: there already\n0 imported, 1 there already, 0 not usable\n",
    );
}

#[test]
fn wrong_calls_say_how_it_is_called() {
    let home = Home::new();
    home.directory("tree");
    for (args, message) in [
        (
            &["tree"][..],
            "packages bring no references\nhint: --as oci://HOST/PATH says where they go: PREFIX/NAME:VERSION\n",
        ),
        (&["tree", "more", "--as", "localhost:5000/a"], "one directory can be imported at a time\n"),
    ] {
        import(&home, args).fails(2).stdout_is("").stderr_is(&format!("Error: {message}"));
    }
    import(&home, &["tree", "--as", "localhost:5000/a:1"]).fails(2);
    import(&home, &["tree", "--as", "localhost:5000/a"])
        .prints("0 imported, 0 there already, 0 not usable\n");
    import(&home, &["nowhere", "--as", "localhost:5000/a"]).fails(3);
    assert!(!home.cache().exists());
}
