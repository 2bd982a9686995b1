//! Packages that somebody else made: kept to the last byte, or refused.

use std::fs;
use std::process::Command;

use super::*;
use crate::common::archives::{TarEntry, gzip};
use crate::common::tool;

#[test]
fn a_package_keeps_its_bytes_and_its_provenance() {
    let Some(helm) = tool("helm") else { return };
    let home = home(&[
        ("Chart.yaml", V2),
        ("values.yaml", "# kept\na: 1\n"),
        ("charts/sub/Chart.yaml", "name: sub\nversion: 0.1.0\n"),
    ]);
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    let package = home.path().join("mychart-2.7.0.tgz");
    save(&home, "mychart-2.7.0.tgz").succeeds().stderr_is("");
    assert_eq!(fs::read(home.blob(REF, "content")).unwrap(), fs::read(&package).unwrap());
    assert!(!home.entry(REF).join("provenance").exists());
    let ours = exported(&home);
    let theirs = crate::common::read_tgz(&package);
    assert_eq!(ours.len(), theirs.len());
    for (path, content) in ours {
        assert_eq!(content, theirs[&format!("mychart/{path}")], "{path}");
    }

    // Nobody waits for what does not end.
    let beside = home.path().join("mychart-2.7.0.tgz.prov");
    assert!(Command::new("mkfifo").arg(&beside).status().unwrap().success());
    let refusal = "mychart-2.7.0.tgz.prov is neither a file nor a directory";
    refuses(
        &home,
        &["mychart-2.7.0.tgz", REF],
        1,
        &format!("Error: cannot save mychart-2.7.0.tgz: {refusal}\n"),
    );
    fs::remove_file(beside).unwrap();

    home.write("mychart-2.7.0.tgz.prov", "signed\n");
    let output = home.command("helm-chart-save").args(["mychart-2.7.0.tgz", REF, "-o", "json"]).run();
    assert_eq!(fs::read(home.blob(REF, "provenance")).unwrap(), b"signed\n");
    let document: serde_json::Value = serde_json::from_str(&output.succeeds().stdout).unwrap();
    assert_eq!(document[0]["prov"]["size"], 7);
    assert_eq!(document[0]["prov"]["digest"], home.linked(REF, "provenance"));
    assert_eq!(home.blobs().len(), 3);

    // A chart from its directory has the same metadata and is no package.
    let meta = home.linked(REF, "meta");
    save(&home, "mychart").succeeds();
    assert_eq!(home.linked(REF, "meta"), meta);
    assert!(!home.entry(REF).join("provenance").exists() && !home.entry(REF).join("package").exists());
}

/// One entry of a tar archive, as its header says and with what follows it.
fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    entry_of_size(kind, name, content.len() as u64, content)
}

/// The same with a size of its own.
fn entry_of_size(kind: u8, name: &str, size: u64, content: &[u8]) -> Vec<u8> {
    let link = if matches!(kind, b'1' | b'2') { "/etc/group" } else { "" };
    TarEntry { kind, name, link, size: Some(size), content, ..TarEntry::default() }.bytes()
}

/// A chart with further entries, without the end of the archive.
fn archive(more: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entry(b'0', "mychart/Chart.yaml", V2.as_bytes());
    more.iter().for_each(|entry| bytes.extend(entry));
    bytes
}

/// Saving this package fails with this; 256 MiB of memory have to be enough to find out.
#[track_caller]
fn refuses_package(package: &[u8], message: &str) {
    let home = home(&[]);
    home.write("mychart.tgz", package);
    let args = ["-c", "ulimit -v 262144; exec helm-chart-save mychart.tgz $0", REF];
    let output = home.program("/bin/sh").args(args).run();
    output.fails(1).stdout_is("").stderr_is(&format!("Error: cannot save mychart.tgz: {message}\n"));
    assert!(!home.cache().exists());
}

#[test]
fn hostile_packages_are_refused() {
    let end = [0; 1024];
    let ends = |more: &[Vec<u8>]| gzip(&[archive(more), end.to_vec()].concat());
    let with = |kind: u8, name: &str| ends(&[entry(kind, name, b"")]);
    for (name, reason) in [
        ("/etc/passwd", "it is absolute"),
        ("mychart/../../x", "it leaves the chart's directory"),
        ("../mychart/x", "it leaves the chart's directory"),
        ("mychart/a\\b", "it contains a backslash"),
        ("mychart/a\u{7}b", "it contains control characters"),
        ("c:/mychart/x", "it begins with a drive letter"),
        ("other/x", "it is in another directory than the chart"),
        ("x", "it is not inside the chart's directory"),
    ] {
        let shown = name.replace('\u{7}', "\\u{7}");
        refuses_package(&with(b'0', name), &format!("the path `{shown}` is refused: {reason}"));
    }
    for (kind, what) in [
        (b'1', "a hard link"),
        (b'2', "a symbolic link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a fifo"),
        (b'S', "a sparse file"),
        (b'Z', "something unknown"),
    ] {
        let message = format!("`mychart/x` is {what}: a chart has only files and directories");
        refuses_package(&with(kind, "mychart/x"), &message);
    }
    let twice = [entry(b'0', "mychart/x", b"1"), entry(b'0', "mychart/./x", b"2")];
    refuses_package(&ends(&twice), "`x` is in the archive twice");
    let deep = format!("mychart/{}x", "a/".repeat(40));
    let deeper = format!("mychart/{}x", "a/".repeat(64));
    let long = |name: &str| entry(b'L', "././@LongLink", format!("{name}\0").as_bytes());
    let file = entry(b'0', "mychart/short", b"");
    refuses_package(
        &ends(&[long(&deeper), file.clone()]),
        &format!("the path `{deeper}` is refused: it is nested too deeply"),
    );
    assert!(deep.len() < 100);
    let home = home(&[]);
    home.write("deep.tgz", ends(&[long(&deep), file.clone()]));
    save(&home, "deep.tgz").succeeds();
    let name = format!("mychart/{}", "a".repeat(2000));
    refuses_package(
        &ends(&[long(&name), file.clone()]),
        &format!("the path `{}` is refused: it is longer than 1024 bytes", &name[..1024]),
    );
    refuses_package(
        &ends(&[entry(b'L', "././@LongLink", &vec![b'a'; 65_537]), file.clone()]),
        "a header of the archive is larger than the limit of 64 KiB",
    );
    refuses_package(
        &ends(&[entry(b'x', "pax", b"12 size=512\n"), file.clone()]),
        "the archive is malformed: a PAX header gives a size of its own",
    );
    refuses_package(
        &ends(&[entry(b'x', "pax", b"22 GNU.sparse.major=1\n"), file.clone()]),
        "the archive is malformed: a PAX header describes a sparse file",
    );
    let escaping = [entry(b'x', "pax", b"19 path=../../evil\n"), file];
    refuses_package(&ends(&escaping), "the path `../../evil` is refused: it leaves the chart's directory");
    let many: Vec<_> = (0..10_000).map(|i| entry(b'0', &format!("mychart/{i}"), b"")).collect();
    refuses_package(&ends(&many), "the number of entries is larger than the limit of 10000");
    let home = self::home(&[]);
    home.write("many.tgz", ends(&many[1..]));
    save(&home, "many.tgz").succeeds();
}

/// Zeros behind the package, as tapes and stores of blocks leave them: Helm stops at the end of the tar archive, gzip and Python
/// pass over them. Where the archive has no end of its own, Helm looks at them, and refuses.
#[test]
fn zeros_behind_a_package_are_padding() {
    let chart = archive(&[]);
    let helm = home(&[]);
    for (blocks, behind, taken) in [
        (2, vec![0; 1], true),
        (2, vec![0; 70_000], true),
        (20, vec![0; 512], true),
        (1, vec![0; 512], false),
        (0, vec![0; 512], false),
        (2, [vec![0; 512], vec![1]].concat(), false),
        (2, [vec![0; 512], gzip(b"more")].concat(), false),
    ] {
        let package = [gzip(&[chart.clone(), vec![0; 512 * blocks]].concat()), behind].concat();
        if !taken {
            refuses_package(&package, "the archive cannot be read: invalid gzip header");
            continue;
        }
        let home = home(&[]);
        home.write("padded.tgz", &package);
        save(&home, "padded.tgz").succeeds();
        helm.write("padded.tgz", &package);
        for program in ["helm", "helm4"].into_iter().filter_map(tool) {
            helm.program(&program).args(["show", "chart", "padded.tgz"]).run().succeeds();
        }
    }
}

#[test]
fn broken_packages_are_refused() {
    let end = [0; 1024];
    let whole = gzip(&[archive(&[]), end.to_vec()].concat());
    refuses_package(b"", "it is no packaged chart, which would be a gzipped tar archive");
    refuses_package(b"PK\x03\x04", "it is no packaged chart, which would be a gzipped tar archive");
    refuses_package(&whole[..whole.len() / 2], "the archive cannot be read: incomplete deflate stream");
    refuses_package(&whole[..whole.len() - 1], "the archive cannot be read: unexpected end of file");
    let mut flipped = whole.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    refuses_package(
        &flipped,
        "the archive cannot be read: corrupt gzip stream does not have a matching checksum",
    );
    refuses_package(
        &[&whole[..], b"more than a header"].concat(),
        "the archive cannot be read: invalid gzip header",
    );
    refuses_package(
        &gzip(&[archive(&[]), end.to_vec(), b"more".to_vec()].concat()),
        "there is data after the end of the archive",
    );
    // A file that is cut short inside of a whole gzip stream.
    let short = entry_of_size(b'0', "mychart/x", 4096, b"only this");
    refuses_package(&gzip(&archive(&[short])), "the archive cannot be read: unexpected end of file");
    refuses_package(&gzip(&end), "the archive is malformed: there are no files in it");
    let other = [entry(b'0', "mychart/values.yaml", b"a: 1\n"), end.to_vec()].concat();
    refuses_package(
        &gzip(&other),
        "Chart.yaml file is missing\nhint: a chart is a directory with a Chart.yaml, or a .tgz of one; helm create NAME makes one",
    );
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![0; 5 << 20];
    let large = vec![0; (5 << 20) + 1];
    refuses_package(
        &gzip(&archive(&[entry(b'0', "mychart/x", &large)])),
        "`mychart/x` is larger than the limit of 5 MiB for one file",
    );
    let many: Vec<_> = (0..21).map(|i| entry(b'0', &format!("mychart/{i}"), &zeros)).collect();
    refuses_package(&gzip(&archive(&many)), "the chart is larger than the limit of 100 MiB");
    // Padding after the end that never ends, in members that are small.
    let member = gzip(&zeros);
    let padded = [gzip(&[archive(&[]), vec![0; 1024]].concat()), member.repeat(40)].concat();
    refuses_package(
        &padded,
        "the archive cannot be read: the decompressed archive is larger than the limit of 100 MiB",
    );
    // A package in a package.
    let inner = gzip(&archive(&many));
    refuses_package(
        &gzip(&[archive(&[entry(b'0', "mychart/charts/a.tgz", &inner)]), vec![0; 1024]].concat()),
        "cannot unpack charts/a.tgz: the chart is larger than the limit of 100 MiB",
    );
    // Several of them, each as large as a chart may be.
    let inner = gzip(&[archive(&many[..15]), vec![0; 1024]].concat());
    let inner: Vec<_> =
        ["a", "b"].map(|name| entry(b'0', &format!("mychart/charts/{name}.tgz"), &inner)).into();
    refuses_package(
        &gzip(&[archive(&inner), vec![0; 1024]].concat()),
        "cannot unpack charts/b.tgz: the chart is larger than the limit of 100 MiB",
    );
}
