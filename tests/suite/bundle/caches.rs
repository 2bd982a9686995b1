//! From one cache into another.

use std::fs;

use oci::digest::Digest;
use serde_json::Value;

use super::{bundle, listed, load, saved};
use crate::common::archives::gzip;
use crate::common::{Home, files};

#[test]
fn the_same_charts_make_the_same_file_and_are_the_same_where_they_are_loaded() {
    let home = Home::new();
    let (web, api) = (saved(&home, "web", "1.0.0", "a: 1\n"), saved(&home, "api", "2.0.0", "b: 2\n"));
    let run = bundle(&home, ["--offline", &web, &api, "-o", "charts.tar"]);
    let file = fs::read(home.path().join("charts.tar")).unwrap();
    run.prints(&format!(
        "charts.tar: 2 charts, signatures not looked for, 6 blobs, 11.5 KiB\nDigest: {}\n",
        Digest::of(&file)
    ));
    // In another order, one of them twice, from a cache elsewhere, and through a pipe.
    let other = Home::new();
    for reference in [&api, &web] {
        let (name, version) = reference.rsplit_once('/').unwrap().1.split_once(':').unwrap();
        saved(&other, name, version, if name == "web" { "a: 1\n" } else { "b: 2\n" });
    }
    let piped = bundle(&other, ["--offline", &api, &web, &api, "-o", "-"]);
    assert!(piped.succeeds().bytes == file, "{}", piped.stderr);
    assert!(
        piped.stderr.starts_with("standard output: 2 charts, signatures not looked for, "),
        "{}",
        piped.stderr
    );
    let names: Vec<_> = tar::Archive::new(&file[..])
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names[..2], ["oci-layout", "index.json"]);
    assert_eq!(names.len(), 8);

    home.directory("unpacked");
    tar::Archive::new(&file[..]).unpack(home.path().join("unpacked")).unwrap();
    home.write("charts.tgz", gzip(&file));
    let ways: [(&[&str], Option<&[u8]>); 5] = [
        (&["charts.tar"], None),
        (&["charts.tgz"], None),
        (&["unpacked"], None),
        (&["-"], Some(&file)),
        (&["-"], Some(&gzip(&file))),
    ];
    for (args, stdin) in ways {
        let inside = Home::new();
        for name in ["charts.tar", "charts.tgz"] {
            fs::copy(home.path().join(name), inside.path().join(name)).unwrap();
        }
        crate::common::copy_directory(&home.path().join("unpacked"), &inside.path().join("unpacked"));
        let run = || inside.command("helm-chart-load").args(args).stdin(stdin.unwrap_or_default()).run();
        run().prints(
            "2.0.0: loaded as localhost:1/team/api\n1.0.0: loaded as localhost:1/team/web\n2 loaded, 0 up to date\n",
        );
        run().prints(
            "2.0.0: up to date in localhost:1/team/api\n1.0.0: up to date in localhost:1/team/web\n0 loaded, 2 up to date\n",
        );
        inside.command("helm-chart-fsck").run().succeeds().stderr_is("");
        // And it is bundled again as the very same file.
        let again = bundle(&inside, ["--offline", &web, &api, "-o", "-"]);
        assert!(again.succeeds().bytes == file, "{args:?}");
        assert!(!files(&inside.cache().join("tmp")).keys().any(|name| name.contains("spool")));
    }
}

#[test]
fn documents_tell_what_became_of_it() {
    let home = Home::new();
    let web = saved(&home, "web", "1.0.0", "a: 1\n");
    let run = bundle(&home, ["--offline", &web, "-o", "charts.tar", "--format", "json"]);
    let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    let file = fs::read(home.path().join("charts.tar")).unwrap();
    assert_eq!(document["sha256"], Digest::of(&file).hex());
    assert_eq!(document["bytes"], file.len());
    assert_eq!((&document["blobs"], &document["omitted"]), (&3.into(), &0.into()));
    let chart = &document["charts"][0];
    assert_eq!(chart["ref"], web);
    assert_eq!((&chart["attached"], &chart["attachedKnown"]), (&0.into(), &false.into()));
    let quiet = bundle(&home, ["--offline", "-q", &web, "-o", "charts.tar"]);
    quiet.prints(&format!("{web}@{}\n", chart["digest"].as_str().unwrap()));
    let inside = Home::new();
    let path = home.path().join("charts.tar");
    let path = path.to_str().unwrap();
    let run = load(&inside, [path, "-o", "jsonl"]);
    let row: Value = serde_json::from_str(run.succeeds().stdout.trim_end()).unwrap();
    assert_eq!((&row["ref"], &row["status"]), (&web.clone().into(), &"loaded".into()));
    let run = load(&inside, [path, "-o", "yaml"]);
    assert!(run.succeeds().stdout.contains("status: current"), "{run}");
    load(&inside, [path, "-q"]).prints(&quiet.stdout);
    bundle(&home, ["--offline", &web, "-o", "-", "--format", "json"]).fails(2).stdout_is("");
    bundle(&home, ["--offline", &web]).fails(2).stdout_is("");
}

#[test]
fn what_is_not_there_makes_no_file_and_what_is_another_chart_stays() {
    let home = Home::new();
    let web = saved(&home, "web", "1.0.0", "a: 1\n");
    let absent = "localhost:1/team/none:1";
    let run = bundle(&home, ["--offline", &web, absent, "-o", "charts.tar"]);
    run.fails(3).stdout_is("");
    assert!(run.stderr.contains(&format!("cannot bundle {absent}: not in the cache")), "{run}");
    assert!(!home.path().join("charts.tar").exists());
    // Nobody ships an unsigned chart by accident: where nobody answers there is no bundle.
    let run = bundle(&home, ["--timeout", "1s", &web, "-o", "charts.tar"]);
    run.fails(6);
    assert!(
        run.stderr.contains("cannot ask what is attached to it") && run.stderr.contains("--offline"),
        "{run}"
    );
    assert!(!home.path().join("charts.tar").exists());

    bundle(&home, ["--offline", &web, "-o", "charts.tar"]).succeeds();
    let inside = Home::new();
    saved(&inside, "web", "1.0.0", "a: other\n");
    let before = listed(&inside);
    let path = home.path().join("charts.tar");
    let path = path.to_str().unwrap();
    let run = load(&inside, [path]);
    run.fails(5);
    assert_eq!(listed(&inside), before);
    load(&inside, ["--force", path]).succeeds();
    assert_ne!(listed(&inside), before);
    inside.command("helm-chart-fsck").run().succeeds();
    // Under another name there is room for it, and what was only saved before is the same chart.
    load(&inside, [path, "--as", "localhost:1/else/web:2"])
        .prints("2: loaded as localhost:1/else/web\n1 loaded, 0 up to date\n");
    let same = Home::new();
    saved(&same, "web", "1.0.0", "a: 1\n");
    load(&same, [path]).succeeds();
}

#[test]
fn a_file_that_is_there_stays_until_the_new_one_is_whole() {
    let home = Home::new();
    let web = saved(&home, "web", "1.0.0", "a: 1\n");
    home.write("charts.tar", "an older one");
    let content = files(&home.cache().join("blobs/sha256"));
    let largest = content.iter().max_by_key(|(_, content)| content.len()).unwrap().0.clone();
    let blob = home.cache().join("blobs/sha256").join(largest);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::set_permissions(&blob, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&blob, bytes).unwrap();
    bundle(&home, ["--offline", &web, "-o", "charts.tar"]).fails(7);
    assert_eq!(fs::read(home.path().join("charts.tar")).unwrap(), b"an older one");
    // Nor is anything left beside it.
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".helm-oci-")), "{left:?}");
    // What is no file is written into.
    let web = saved(&home, "web", "1.0.1", "a: 1\n");
    bundle(&home, ["--offline", &web, "-o", "/dev/null"]).succeeds();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

/// A cache of Helm 3.0 to 3.6 with one chart: its directory, its reference and its manifest.
fn helm3(home: &Home) -> (std::path::PathBuf, String, Vec<u8>) {
    let web = saved(home, "web", "1.0.0", "a: 1\n");
    home.command("helm-chart-export").args(["--package", "-d", ".", &web]).run().succeeds();
    let package = fs::read(home.path().join("web-1.0.0.tgz")).unwrap();
    let config = br#"{ "name": "web", "version": "1.0.0", "apiVersion": "v2" }"#.to_vec();
    let descriptor = |kind: &str, bytes: &[u8]| serde_json::json!({ "mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len() });
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": descriptor("application/vnd.cncf.helm.config.v1+json", &config),
        "layers": [descriptor("application/tar+gzip", &package)],
    });
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap();
    let mut entry = descriptor(oci::media_type::MANIFEST, &manifest);
    entry["annotations"] =
        serde_json::json!({ "org.opencontainers.image.ref.name": "localhost:1/old/web:1.0.0+x" });
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] });
    home.write("helm3/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    home.write("helm3/index.json", index.to_string());
    for blob in [&package, &config, &manifest] {
        home.write(format!("helm3/blobs/sha256/{}", Digest::of(blob).hex()), blob);
    }
    (home.path().join("helm3"), "localhost:1/old/web:1.0.0_x".to_owned(), manifest)
}

#[test]
fn manifests_of_helm_3_0_keep_their_bytes() {
    let home = Home::new();
    let (layout, reference, manifest) = helm3(&home);
    let inside = Home::new();
    load(&inside, [layout.to_str().unwrap(), "-q"])
        .prints(&format!("{reference}@{}\n", Digest::of(&manifest)));
    inside.command("helm-chart-fsck").run().succeeds();
    let blob = inside.cache().join("blobs/sha256").join(Digest::of(&manifest).hex());
    assert!(fs::read(blob).unwrap() == manifest);
    load(&inside, [layout.to_str().unwrap()]).succeeds();
    // The cache does not keep its config, without which it is none of that manifest.
    bundle(&inside, ["--offline", &reference, "-o", "-"]).fails(7).stdout_is("");
    // Into a registry, from there into a file, and into another registry.
    let registry = crate::common::EmbeddedRegistry::start(&home, []);
    let prefix = format!("oci://{}/one", registry.address());
    load(&home, [layout.to_str().unwrap(), "--to", &prefix]).succeeds();
    let there = |name: &str| crate::attached::world::There::new(registry.address(), name);
    assert!(there("one/old/web").get("1.0.0_x").as_ref() == Some(&manifest));
    let from = format!("{}/one/old/web:1.0.0_x", registry.address());
    bundle(&home, [&*from, "-o", "charts.tar"]).succeeds();
    let map = format!("{}/one={}/two", registry.address(), registry.address());
    load(&home, ["charts.tar", "--map", &map]).succeeds();
    assert!(there("two/old/web").get("1.0.0_x").as_ref() == Some(&manifest));
    there("two/old/web").is_whole(&manifest);
}
