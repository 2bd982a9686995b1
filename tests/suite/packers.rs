//! Real charts, packed by whatever packs: Helm, GNU tar in each of its formats, Python, libarchive, busybox, 7-Zip, node-tar,
//! Perl and git. All of them are one chart to us.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci::chart;
use oci::limits::Budget;

use crate::common::{Home, corpus, files, note, tool};

const PYTHON: &str = "
import os, sys, tarfile
for number, name in enumerate(('ustar', 'gnu', 'pax')):
    path = sys.argv[1] + '/python-' + name + '.tgz'
    try:
        with tarfile.open(path, 'w:gz', format=number, dereference=True) as tar:
            tar.add(sys.argv[2])
    except ValueError:
        # A name that is too long for this format.
        os.remove(path)
";

/// node-tar comes with npm.
const NODE: &str = "
const tar = require(process.argv[1]);
const make = (name, options) => tar.c({ gzip: true, sync: true, follow: true,
    file: `${process.argv[2]}/node-${name}.tgz`, ...options }, [process.argv[3]]);
make('pax', {});
make('portable', { portable: true, noPax: true });
";

const PERL: &str = "
my $tar = Archive::Tar->new;
$tar->add_files(@ARGV);
$tar->write('packed/perl.tgz', COMPRESS_GZIP);
";

/// What packs, where it is.
struct Packers {
    programs: BTreeMap<&'static str, PathBuf>,
    node_tar: Option<PathBuf>,
}

impl Packers {
    fn find() -> Self {
        let names =
            ["helm", "helm36", "helm4", "tar", "python3", "bsdtar", "busybox", "7zz", "git", "node", "perl"];
        let programs: BTreeMap<_, _> =
            names.into_iter().filter_map(|name| tool(name).map(|path| (name, path))).collect();
        let npm = tool("npm").and_then(|npm| fs::canonicalize(npm).ok());
        let node_tar = npm.and_then(|npm| Some(npm.parent()?.parent()?.join("node_modules/tar")));
        Self { programs, node_tar: node_tar.filter(|path| path.is_dir()) }
    }

    /// Packs the chart at `name` below `home` in all ways. What a format cannot hold is not packed.
    fn pack(&self, home: &Path, name: &str) -> Vec<PathBuf> {
        let out = home.join("packed");
        fs::create_dir_all(&out).unwrap();
        let run = |program: &str, args: &[&str]| {
            let Some(path) = self.programs.get(program) else { return };
            let mut command = Command::new(path);
            command.args(args).current_dir(home).env("HOME", home).env("LC_ALL", "C.UTF-8");
            let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
            assert!(program != "python3" || output.status.success(), "{output:?}");
        };
        for helm in ["helm", "helm36", "helm4"] {
            fs::create_dir_all(out.join(helm)).unwrap();
            run(helm, &["package", name, "-d", &format!("packed/{helm}")]);
        }
        for format in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
            run("tar", &["-h", "--format", format, "-czf", &format!("packed/tar-{format}.tgz"), name]);
        }
        run("tar", &["-h", "-czf", "packed/tar-inside.tgz", "-C", name, "."]);
        for format in ["v7", "ustar", "gnutar", "pax"] {
            run("bsdtar", &["-L", "--format", format, "-czf", &format!("packed/bsdtar-{format}.tgz"), name]);
        }
        run("busybox", &["tar", "-h", "-czf", "packed/busybox.tgz", name]);
        for format in ["gnu", "posix"] {
            let tar = format!("packed/7z-{format}.tar");
            run("7zz", &["a", "-ttar", &format!("-mm={format}"), &tar, name]);
            run("7zz", &["a", "-tgzip", &format!("packed/7z-{format}.tgz"), &tar]);
        }
        run("python3", &["-c", PYTHON, "packed", name]);
        if let Some(node_tar) = &self.node_tar {
            run("node", &["-e", NODE, node_tar.to_str().unwrap(), "packed", name]);
        }
        let inside: Vec<_> =
            files(&home.join(name)).into_keys().map(|path| format!("{name}/{path}")).collect();
        let listed: Vec<_> =
            ["-MArchive::Tar", "-e", PERL].into_iter().chain(inside.iter().map(String::as_str)).collect();
        run("perl", &listed);
        run("git", &["init", "-q"]);
        run("git", &["add", "-f", name]);
        run("git", &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]);
        run("git", &["archive", "--format=tgz", "-o", "packed/git.tgz", "HEAD", name]);
        let mut packages: Vec<_> = files(&out).into_keys().filter(|path| path.ends_with(".tgz")).collect();
        packages.sort();
        packages.into_iter().map(|path| out.join(path)).collect()
    }
}

/// Whether a program failed to pack all of a chart: a path that is too long for its format, a link.
fn is_cut(ours: &BTreeMap<String, Vec<u8>>, all: &BTreeMap<String, Vec<u8>>) -> bool {
    ours.len() < all.len() && ours.iter().all(|(path, content)| all.get(path) == Some(content))
}

fn packs_alike(charts: &[PathBuf]) {
    let packers = Packers::find();
    let (mut packages, mut cut) = (0, Vec::new());
    for chart in charts {
        let home = Home::new();
        let name = chart.file_name().unwrap().to_str().unwrap();
        crate::common::copy_directory(chart, &home.path().join(name));
        let all = files(chart);
        for package in packers.pack(home.path(), name) {
            let shown = package.strip_prefix(home.path().join("packed")).unwrap().display().to_string();
            let what = format!("{name} packed as {shown}");
            let bytes = fs::read(&package).unwrap();
            let inspected = chart::inspect(bytes.as_slice(), &Budget::default());
            // What is wrong with a chart is not wrong with its package.
            if let Err(error) = &inspected {
                assert!(!matches!(error, chart::ChartError::Archive(_)), "{what}: {error}");
            }
            let directory = tempfile::tempdir_in(home.path()).unwrap();
            chart::unpack(bytes.as_slice(), directory.path(), &Budget::default())
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            let ours = files(directory.path());
            packages += 1;
            // Helm takes packed subcharts apart and leaves out what is ignored.
            if shown.starts_with("helm") {
                continue;
            }
            if is_cut(&ours, &all) {
                cut.push(what);
                continue;
            }
            assert!(ours == all, "{what}");
        }
    }
    assert!(packages >= charts.len() * 8, "{packages} packages of {} charts", charts.len());
    assert!(cut.len() * 50 <= packages, "{cut:?}");
    note(&format!(
        "{packages} packages of {} charts are read alike, {} of them not whole",
        charts.len(),
        cut.len()
    ));
}

/// A chart that is hard to pack: paths beyond each format's bounds, in other alphabets, and empty directories.
#[test]
fn every_packer_packs_one_chart() {
    let home = Home::new();
    let chart = home.path().join("hard");
    let (d, e, f) = ("d".repeat(90), "e".repeat(90), "f".repeat(120));
    for (path, text) in [
        ("Chart.yaml", "apiVersion: v2\nname: hard\nversion: 1.0.0\n"),
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a: 1\n"),
        ("charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 1.0.0\n"),
        ("files/höß 漢字.txt", "a\n"),
        (&format!("files/{d}/x"), "b\n"),
        (&format!("files/{d}/{e}/{f}"), "c\n"),
        // Cut to a hundred bytes it ends with a slash.
        (&format!("{}/x", "g".repeat(94)), "d\n"),
    ] {
        let path = chart.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(chart.join("empty")).unwrap();
    let packers = Packers::find();
    let all = files(&chart);
    let mut whole = Vec::new();
    for package in packers.pack(home.path(), "hard") {
        let what = package.display();
        let bytes = fs::read(&package).unwrap();
        let metadata =
            chart::inspect(bytes.as_slice(), &Budget::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(metadata.name, "hard");
        let directory = tempfile::tempdir_in(home.path()).unwrap();
        chart::unpack(bytes.as_slice(), directory.path(), &Budget::default()).unwrap();
        let ours = files(directory.path());
        if ours == all {
            whole.push(package.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    for name in [
        "tar-oldgnu",
        "tar-gnu",
        "tar-pax",
        "tar-inside",
        "python-gnu",
        "python-pax",
        "bsdtar-pax",
        "bsdtar-gnutar",
        "busybox",
        "7z-gnu",
        "7z-posix",
        "node-pax",
        "git",
        "hard-1.0.0",
    ] {
        assert!(whole.iter().any(|found| found == name), "{name} is not whole: {whole:?}");
    }
}

#[test]
fn a_slice_of_the_corpus_is_read_alike_from_every_packer() {
    let Some(charts) = corpus() else { return };
    packs_alike(&charts.into_iter().step_by(47).collect::<Vec<_>>());
}

/// For `scripts/differential`.
#[test]
#[ignore = "it takes minutes"]
fn the_corpus_is_read_alike_from_every_packer() {
    let Some(charts) = corpus() else { return };
    packs_alike(&charts);
}
