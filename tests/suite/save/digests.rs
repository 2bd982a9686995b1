//! One chart has one digest, and what was compressed once is not compressed again.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use oci::digest::Digest;

use super::*;
use crate::common::{Home, files, tool, write_chart};

#[test]
fn the_digest_depends_on_the_files_alone() {
    let tree = [
        ("Chart.yaml", V2),
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a\n"),
        ("templates/b.yaml", "b\n"),
        ("crds/c.yaml", "c\n"),
    ];
    let one = home(&tree);
    let expected = content(&one, "mychart");

    // Made in another order, at another place, with other modes and times.
    let mut other = Home::new();
    let directory = other.directory("somewhere/else");
    let mut reversed = tree;
    reversed.reverse();
    write_chart(&directory.join("mychart"), &reversed);
    for (path, content) in files(&directory.join("mychart")) {
        let path = directory.join("mychart").join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(content.len() as u64 * 1_000_000_000);
        File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }
    other.set("LC_ALL", "tr_TR.UTF-8");
    other.set("TZ", "Pacific/Kiritimati");
    other.set("USER", "somebody");
    for path in ["somewhere/else/mychart", "somewhere/else/mychart/", "./somewhere//else/../else/mychart/."] {
        assert_eq!(content(&other, path), expected, "{path}");
    }
    let absolute = directory.join("mychart");
    assert_eq!(content(&other, absolute.to_str().unwrap()), expected);
    let here = other.command("helm-chart-save").args([".", REF]).dir("somewhere/else/mychart").run();
    here.succeeds().stderr_is("");
    assert_eq!(other.linked(REF, "content"), expected);
    for umask in ["000", "077"] {
        let args = ["-c", "umask $0; exec helm-chart-save somewhere/else/mychart $1", umask, REF];
        other.program("/bin/sh").args(args).run().succeeds();
        assert_eq!(other.linked(REF, "content"), expected, "{umask}");
        let mode = fs::metadata(other.blob(REF, "content")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444, "{umask}");
    }
}

/// The cache, registries and whoever pins a chart know it by these digests: no update of a compressor may move them.
#[test]
fn the_digest_of_a_chart_never_changes() {
    let long = "a: {{ .Values.a }}\n".repeat(60_000);
    let home = home(&[
        ("Chart.yaml", V2),
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a: {{ .Values.a }}\n"),
        // More than the compressor takes at once.
        ("files/long.txt", &long),
    ]);
    let saved = home.command("helm-chart-save").args(["mychart", REF, "-o", "json"]).run();
    let saved: serde_json::Value = serde_json::from_str(&saved.succeeds().stdout).unwrap();
    assert_eq!(
        [&saved[0]["content"]["digest"], &saved[0]["digest"]],
        [
            "sha256:0ca148b6b870f0f39f21f31f633497bc4014b806d833a846a95dee89077696a5",
            "sha256:63fa99b814434249659434dd2774d5139ccadcc76d367e1e765cf33bab627787",
        ]
    );
}

#[test]
fn source_date_epoch_is_the_time_of_all_files() {
    let mut home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let without = content(&home, "mychart");
    home.set("SOURCE_DATE_EPOCH", "1234567890");
    let with = content(&home, "mychart");
    assert_ne!(with, without);
    let blob = File::open(home.blob(REF, "content")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(blob));
    for entry in archive.entries().unwrap() {
        assert_eq!(entry.unwrap().header().mtime().unwrap(), 1_234_567_890);
    }
    home.set("SOURCE_DATE_EPOCH", "0");
    assert_eq!(content(&home, "mychart"), without);
    // An empty variable is none.
    home.set("SOURCE_DATE_EPOCH", "");
    assert_eq!(content(&home, "mychart"), without);
}

#[test]
fn a_bad_source_date_epoch_is_a_wrong_call() {
    for bad in ["yesterday", "-1", "1.5", " 1", "8589934592"] {
        let mut home = home(&[("Chart.yaml", V2)]);
        home.set("SOURCE_DATE_EPOCH", bad);
        let message = format!("Error: SOURCE_DATE_EPOCH is `{bad}`: expected whole seconds since 1970\n");
        refuses(&home, &["mychart", REF], 2, &message);
    }
}

#[test]
fn content_does_not_depend_on_how_the_bytes_arrive() {
    // Bytes that hardly compress, and sizes around those of buffers and tar blocks.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(200_000)
    .collect();
    let home = home(&[("Chart.yaml", V2)]);
    for size in [0, 1, 2, 3, 511, 512, 513, 8191, 8192, 8193, 65_535, 65_536, 65_537, 200_000] {
        home.write(format!("mychart/files/{size}"), &noise[..size]);
    }
    let expected = content(&home, "mychart");
    exported(&home);
    assert_eq!(content(&home, "exported/mychart"), expected);
    // As a subchart: read from files, and out of a package.
    let Some(helm) = tool("helm") else { return };
    home.write("outer/Chart.yaml", "apiVersion: v2\nname: outer\nversion: 1.0.0\n");
    home.directory("outer/charts");
    home.program(helm).args(["package", "mychart", "-d", "outer/charts"]).run().succeeds();
    home.write(
        "mychart/Chart.yaml",
        crate::common::read_tgz(&home.path().join("outer/charts/mychart-2.7.0.tgz"))["mychart/Chart.yaml"]
            .clone(),
    );
    let packed = content(&home, "outer");
    fs::remove_file(home.path().join("outer/charts/mychart-2.7.0.tgz")).unwrap();
    fs::rename(home.path().join("mychart"), home.path().join("outer/charts/mychart")).unwrap();
    assert_eq!(content(&home, "outer"), packed);
}

/// Saves it and returns the document about it.
fn document(home: &Home, reference: &str) -> serde_json::Value {
    let saved = home.command("helm-chart-save").args(["mychart", reference, "-o", "json"]).run();
    let mut saved: Vec<serde_json::Value> = serde_json::from_str(&saved.succeeds().stdout).unwrap();
    saved.remove(0)
}

#[test]
fn the_same_files_are_not_compressed_again() {
    let home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let other = "localhost:5000/myrepo/mychart:other";
    let saved = document(&home, REF);
    // Nobody would know the difference but by the time that it takes, were not the entry to say that these files became
    // the content of another chart.
    home.write("mychart/values.yaml", "a: 2\n");
    document(&home, other);
    let link = home.entry(REF).join("content");
    fs::remove_file(&link).unwrap();
    symlink(fs::read_link(home.entry(other).join("content")).unwrap(), &link).unwrap();
    home.write("mychart/values.yaml", "a: 1\n");
    let believed = document(&home, REF);
    assert_eq!(believed["content"]["digest"], home.linked(other, "content"));

    // It is found under other tags too, with another version.
    home.write("mychart/Chart.yaml", V2.replace("2.7.0", "2.8.0"));
    let next = document(&home, "localhost:5000/myrepo/mychart");
    assert_eq!(next["content"], believed["content"]);
    // Not in other repositories, not under another time, and not for other files.
    home.write("mychart/Chart.yaml", V2);
    assert_eq!(document(&home, "localhost:5000/else/mychart:1")["manifest"], saved["manifest"]);
    let mut dated = home;
    dated.set("SOURCE_DATE_EPOCH", "1");
    assert_ne!(document(&dated, REF)["content"], believed["content"]);
    dated.set("SOURCE_DATE_EPOCH", "0");
    dated.write("mychart/values.yaml", "a: 3\n");
    assert!(document(&dated, REF)["content"] != believed["content"]);
}

#[test]
fn saving_again_gives_the_same_with_a_source_and_without() {
    let home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let first = document(&home, REF);
    let source = home.entry(REF).join("source");
    let digest = fs::read_link(&source).unwrap();
    assert!(digest.to_str().unwrap().parse::<Digest>().is_ok(), "{}", digest.display());
    assert_eq!(document(&home, REF), first);
    // As an older version wrote it, or as nobody did.
    for text in [None, Some("nonsense"), Some("../../../../../../blobs/sha256/x")] {
        fs::remove_file(&source).unwrap();
        if let Some(text) = text {
            symlink(text, &source).unwrap();
        }
        assert_eq!(document(&home, REF), first, "{text:?}");
        assert_eq!(fs::read_link(&source).unwrap(), digest, "{text:?}");
    }
    // What is needed is not missing, even if the content is gone.
    fs::remove_file(home.blob(REF, "content")).unwrap();
    assert_eq!(document(&home, REF), first);
    assert_eq!(home.blobs().len(), 2);
}
