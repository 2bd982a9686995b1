//! Archives and documents that are made to hurt: refused, within 32 MiB of memory, with nothing left behind; whether
//! they are saved, pulled, or lie in a cache that somebody has been at.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::OnceLock;

use crate::common::archives::{TarEntry, gzip};
use crate::common::mock::answer;
use crate::common::stopwatch::bounded;
use crate::common::wire::{Artifact, Shelf, descriptor, manifest, snapshot};
use crate::common::{EmbeddedRegistry, Home, Output, table};
use oci::chart::Metadata;
use oci::digest::Digest;
use oci::media_type;

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
const REFERENCE: &str = "localhost:5000/mychart:1.0.0";

/// One entry of a tar archive: what its header says, and what follows it.
fn entry(kind: u8, name: &str, link: &str, size: u64, content: &[u8]) -> Vec<u8> {
    TarEntry { kind, name, link, mode: 0o6777, size: Some(size), content }.bytes()
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(b'0', name, "", content.len() as u64, content)
}

/// A package of this Chart.yaml and these entries.
fn package(chart_yaml: &[u8], entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[&file("mychart/Chart.yaml", chart_yaml)[..], &entries.concat(), &[0; 1024]].concat())
}

fn with(entries: &[Vec<u8>]) -> Vec<u8> {
    package(CHART_YAML.as_bytes(), entries)
}

#[test]
fn the_limit_is_one() {
    let home = Home::new();
    let script = "ulimit -d 32768; x=$(head -c 67108864 /dev/zero | tr '\\0' x) && echo ${#x}";
    let output = home.program("/bin/sh").args(["-c", script]).run();
    assert!(!output.stdout.contains("67108864"), "no memory limit here: {output}");
}

type Hostile = (&'static str, Vec<u8>, &'static str);

/// Everything that is no chart, and what is said about it.
fn hostile() -> &'static [Hostile] {
    static MADE: OnceLock<Vec<Hostile>> = OnceLock::new();
    MADE.get_or_init(make_hostile)
}

fn make_hostile() -> Vec<Hostile> {
    let empty = |kind: u8, name: &str, link: &str| with(&[entry(kind, name, link, 0, b"")]);
    let values = |text: &str| with(&[file("mychart/values.yaml", text.as_bytes())]);
    let yaml = |text: &str| package(format!("{CHART_YAML}{text}").as_bytes(), &[]);
    let zeros = vec![0; 5 << 20];
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (letter, before) in ('b'..='i').zip('a'..) {
        bomb += &format!("{letter}: &{letter} [{}]\n", [format!("*{before}").as_str(); 9].join(","));
    }
    let mut endless = gzip(&file("mychart/Chart.yaml", CHART_YAML.as_bytes()));
    endless.extend(gzip(&[0; 1024]));
    endless.extend(gzip(&zeros).repeat(40));
    vec![
        // 16: places outside.
        ("absolute", empty(b'0', "/etc/passwd", ""), "it is absolute"),
        ("parent", empty(b'0', "mychart/../../x", ""), "it leaves the chart's directory"),
        ("parent at the end", empty(b'0', "mychart/..", ""), "it leaves the chart's directory"),
        ("drive", empty(b'0', "c:/mychart/x", ""), "drive letter"),
        ("backslash", empty(b'0', "mychart/..\\x", ""), "backslash"),
        ("directory outside", empty(b'5', "../x", ""), "it leaves the chart's directory"),
        ("nothing", empty(b'0', "./.", ""), "it has no name"),
        ("escape", empty(b'0', "mychart/\u{1b}[2J", ""), "control characters"),
        ("bidi", empty(b'0', "mychart/\u{202e}x", ""), "control characters"),
        (
            "long name outside",
            with(&[entry(b'L', "././@LongLink", "", 5, b"../x\0"), file("mychart/x", b"")]),
            "it leaves the chart's directory",
        ),
        (
            "pax outside",
            with(&[entry(b'x', "pax", "", 18, b"18 path=../../evi\n"), file("mychart/x", b"")]),
            "it leaves the chart's directory",
        ),
        // 17: what is no file.
        ("symlink", empty(b'2', "mychart/x", "/etc/passwd"), "a symbolic link"),
        (
            "symlink to a directory",
            with(&[entry(b'2', "mychart/d", "/tmp", 0, b""), file("mychart/d/x", b"")]),
            "a symbolic link",
        ),
        ("hard link", empty(b'1', "mychart/x", "mychart/Chart.yaml"), "a hard link"),
        ("device", empty(b'3', "mychart/x", ""), "a device"),
        ("fifo", empty(b'6', "mychart/x", ""), "a fifo"),
        // 19: bombs.
        ("a large file", with(&[file("mychart/x", &vec![0; (5 << 20) + 1])]), "5 MiB for one file"),
        (
            "large files",
            with(&(0..21).map(|n| file(&format!("mychart/{n}"), &zeros)).collect::<Vec<_>>()),
            "100 MiB",
        ),
        ("padding without end", endless, "100 MiB"),
        (
            "many entries",
            with(&(0..10_000).map(|n| file(&format!("mychart/{n}"), b"")).collect::<Vec<_>>()),
            "the number of entries",
        ),
        (
            "a bomb in a chart",
            with(&[file(
                "mychart/charts/a.tgz",
                &with(&(0..21).map(|n| file(&format!("mychart/{n}"), &zeros)).collect::<Vec<_>>()),
            )]),
            "100 MiB",
        ),
        // 20 to 23: readers that differ.
        ("sparse", entry_sparse(), "a sparse file"),
        ("sparse head", sparse_head(), "a sparse file"),
        (
            "pax sparse",
            with(&[entry(b'x', "pax", "", 22, b"22 GNU.sparse.major=1\n"), file("mychart/x", b"")]),
            "a sparse file",
        ),
        ("a huge name", with(&[entry(b'L', "././@LongLink", "", 1 << 30, b"x")]), "64 KiB"),
        ("a huge pax record", with(&[entry(b'x', "pax", "", 1 << 30, b"x")]), "64 KiB"),
        (
            "a file of 2^33 bytes",
            with(&[entry(b'0', "mychart/x", "", (1 << 33) - 1, b"x")]),
            "5 MiB for one file",
        ),
        (
            "cut short",
            gzip(
                &[
                    file("mychart/Chart.yaml", CHART_YAML.as_bytes()),
                    entry(b'0', "mychart/x", "", 4096, b"x"),
                ]
                .concat(),
            ),
            "unexpected end of file",
        ),
        ("a second chart behind it", [with(&[]), with(&[])].concat(), "there is data after the end"),
        ("no gzip behind it", [with(&[]), b"x".repeat(100)].concat(), "invalid gzip header"),
        ("twice", with(&[file("mychart/x", b"1"), file("mychart/./x", b"2")]), "in the archive twice"),
        (
            "a file in a file",
            with(&[file("mychart/x", b"1"), file("mychart/x/y", b"2")]),
            "it is a file and a directory",
        ),
        (
            "a directory as a file",
            with(&[file("mychart/x/y", b"1"), file("mychart/x", b"2")]),
            "it is a file and a directory",
        ),
        ("long names", with(&(0..3000).map(long_name).collect::<Vec<_>>()), "2 MiB"),
        (
            "a long name",
            with(&[
                file("mychart/y", b""),
                entry(b'L', "././@LongLink", "", 309, format!("mychart/{}\0", "x".repeat(300)).as_bytes()),
                file("mychart/s", b""),
            ]),
            "longer than 255 bytes",
        ),
        ("Chart.yaml twice", with(&[file("mychart/./Chart.yaml", b"x")]), "in the archive twice"),
        (
            "pax size",
            with(&[entry(b'x', "pax", "", 12, b"12 size=512\n"), file("mychart/x", b"")]),
            "a size of its own",
        ),
        // 13 to 15: documents.
        ("brackets", values(&format!("a: {}", "[".repeat(2_000_000))), "exceeded max depth of 10000"),
        ("nesting", values(&"- ".repeat(25_000)), "exceeded max depth of 10000"),
        ("many values", values(&format!("a: [{}]", "x,".repeat(1_000_000))), "more than 30000 values"),
        ("many lines", values(&"k:\n".repeat(600_000)), "more than 30000 values"),
        (
            "many brackets",
            values(&format!("a:\n{}", format!("- {}{}\n", "[".repeat(90), "]".repeat(90)).repeat(10_000))),
            "more than 30000 values",
        ),
        ("laughs", yaml(&bomb), "document contains excessive aliasing"),
        (
            "a long alias",
            yaml(&format!("annotations:\n  a: &a {}\n{}", "x".repeat(500), "  b: *a\n".repeat(4000))),
            "more than 1 MiB, with what its aliases stand for",
        ),
        (
            "a long alias in values",
            values(&format!("a: &a {}\nb: [{}]\n", "x".repeat(500), "*a,".repeat(8000))),
            "more than 2 MiB, with what its aliases stand for",
        ),
        (
            "many prefixes",
            values(&(0..50_000).map(|n| format!("%TAG !a{n}! tag:x,1:{n}\n")).collect::<String>()),
            "more than 1000 %TAG directives",
        ),
        (
            "a wide alias",
            yaml(&format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(1000), "*a,".repeat(8000))),
            "more than 10000 values",
        ),
        (
            "merges",
            yaml(&format!("a: &a {{{}}}\nb: [{}]\n", "k: x,".repeat(1000), "{<<: *a},".repeat(900))),
            "more than 10000 values",
        ),
        ("many maps", yaml(&format!("a: [{}]", "{a: 1},".repeat(100_000))), "more than 10000 values"),
        (
            "a large name",
            yaml(&format!(
                "description: \"{}\"\nname: \"{}\"\n",
                "x".repeat(1 << 19),
                "n".repeat((1 << 19) - 100)
            )),
            "the name `nnn",
        ),
    ]
}

/// An empty file with a path of a thousand bytes.
fn long_name(number: usize) -> Vec<u8> {
    let name = format!("mychart/{number}{}\0", format!("/{}", "x".repeat(99)).repeat(9));
    [entry(b'L', "././@LongLink", "", name.len() as u64, name.as_bytes()), file("mychart/s", b"")].concat()
}

/// 109 compressed bytes that GNU tar reads as gigabytes of zeros.
fn entry_sparse() -> Vec<u8> {
    with(&[entry(b'S', "mychart/x", "", 512, &[1; 512])])
}

/// The same where a layer of ours has its Chart.yaml: a member that is stored, not compressed.
fn sparse_head() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..18].copy_from_slice(b"mychart/Chart.yaml");
    gnu.typeflag = [b'S'];
    // 7000 MiB in octal.
    gnu.realsize[..11].copy_from_slice(b"66540000000");
    gnu.sparse[0].offset[..11].copy_from_slice(b"66540000000");
    gnu.sparse[0].numbytes[..11].copy_from_slice(b"00000000000");
    header.set_mode(0o644);
    header.set_size(0);
    header.set_cksum();
    let tar = [header.as_bytes(), &[0; 512][..]].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&tar);
    let length = u16::try_from(tar.len()).unwrap();
    let mut member = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    member.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    member.extend(tar);
    member.extend([crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat());
    member
}

#[test]
fn no_hostile_package_is_saved() {
    for (name, package, said) in hostile() {
        let home = Home::new();
        home.write("chart.tgz", package);
        let saved = bounded(&home, "helm-chart-save", &["chart.tgz", REFERENCE]);
        saved.fails(1).stdout_is("");
        assert!(saved.stderr.starts_with("Error: cannot save chart.tgz: "), "{name}: {saved}");
        assert!(saved.stderr.contains(said) && saved.stderr.lines().count() == 1, "{name}: {saved}");
        assert!(!home.cache().exists(), "{name}");
    }
}

#[test]
fn no_hostile_package_is_pulled() {
    let config = br#"{"name":"mychart","version":"1.0.0","apiVersion":"v2"}"#;
    let home = Home::new();
    let shelf = Shelf::new(&Artifact::chart("other", "1.0.0"));
    home.command("helm-chart-pull").args([shelf.reference()]).run().succeeds();
    let before = snapshot(&home.cache());
    for (name, package, said) in hostile() {
        shelf.replace(&Artifact::of(config, package));
        let pulled = bounded(&home, "helm-chart-pull", &[&shelf.reference()]);
        pulled.fails(1).stdout_is("");
        let start =
            format!("Error: cannot pull {}: the chart in the registry is refused: ", shelf.reference());
        assert!(pulled.stderr.starts_with(&start) && pulled.stderr.contains(said), "{name}: {pulled}");
        assert_eq!(snapshot(&home.cache()), before, "{name}");
    }
}

/// A chart that is only looked at is read as closely, and no more of it is held.
#[test]
fn no_hostile_package_is_shown() {
    let home = Home::new();
    for (name, package, said) in hostile() {
        home.write("chart.tgz", package);
        for (command, words, verb) in [
            ("helm-chart-show", &["all", "chart.tgz"][..], "show chart.tgz"),
            ("helm-chart-images", &["chart.tgz"], "list the images of chart.tgz"),
            ("helm-chart-diff", &["chart.tgz", "chart.tgz"], "compare chart.tgz with chart.tgz"),
        ] {
            let shown = bounded(&home, command, words);
            shown.fails(1).stdout_is("");
            let start = format!("Error: cannot {verb}: ");
            assert!(shown.stderr.starts_with(&start) && shown.stderr.contains(said), "{name}: {shown}");
        }
    }
    assert!(!home.cache().exists());
}

/// Charts that may be, with as many values and definitions as there may be: what is built of them stays within the limit, or
/// is refused.
#[test]
fn the_largest_values_and_definitions_stay_within_the_limit() {
    let maps: String = (0..4_900).map(|n| format!("k{n}: {{a: {{image: x{n}}}}}\n")).collect();
    let crds: Vec<_> = (0..200)
        .map(|n| {
            file(
                &format!("mychart/crds/{n}.yaml"),
                format!("metadata: {{name: d{n}}}\n{}", maps.get(..40_000).unwrap()).as_bytes(),
            )
        })
        .collect();
    let home = Home::new();
    home.write("values.tgz", with(&[file("mychart/values.yaml", maps.as_bytes())]));
    home.write("crds.tgz", with(&crds));
    home.write("none.tgz", with(&[]));
    for (command, words) in [
        ("helm-chart-images", &["-q", "values.tgz"][..]),
        ("helm-chart-diff", &["-q", "values.tgz", "none.tgz"]),
        ("helm-chart-diff", &["-q", "crds.tgz", "none.tgz"]),
        ("helm-chart-show", &["values", "-o", "json", "values.tgz"]),
        ("helm-chart-show", &["crds", "crds.tgz"]),
    ] {
        let output = bounded(&home, command, words);
        let is_told = output.stderr.contains("it takes more memory than a command may hold");
        assert!(matches!(output.code, Some(0 | 3 | 5)) || (output.code == Some(1) && is_told), "{output}");
    }
}

/// A cache that somebody has been at, with digests that are right: an export looks as closely as a pull.
#[test]
fn no_hostile_package_is_exported() {
    for (name, package, said) in hostile() {
        // The documents in an archive are no business of an export, and the limits take it thousands of files to reach.
        let others = [
            "values",
            "max depth",
            "aliasing",
            "%TAG",
            "the name",
            "EOF",
            "100 MiB",
            "entries",
            "2 MiB",
            "1 MiB, with",
        ];
        if others.iter().any(|of| said.contains(of)) {
            continue;
        }
        let home = Home::new();
        home.write("chart.tgz", with(&[file("mychart/values.yaml", b"a: 1\n")]));
        home.command("helm-chart-save").args(["chart.tgz", REFERENCE]).run().succeeds();
        let hex = Digest::of(package).hex().to_owned();
        home.write(format!(".helm/registry/blobs/sha256/{hex}"), package);
        for link in ["content", "package"] {
            let at = home.entry(REFERENCE).join(link);
            let to = fs::read_link(&at).unwrap();
            fs::remove_file(&at).unwrap();
            symlink(to.with_file_name(&hex), &at).unwrap();
        }
        home.directory("out");
        let outside = snapshot(home.path());
        let exported = bounded(&home, "helm-chart-export", &["-d", "out", REFERENCE]);
        exported.fails(1).stdout_is("");
        assert!(exported.stderr.contains(said), "{name}: {exported}");
        assert_eq!(snapshot(home.path()), outside, "{name}");
        assert_eq!(fs::read_dir(home.path().join("out")).unwrap().count(), 0, "{name}");
    }
}

/// A schema is looked at where it is packed, and Helm packs none that is not JSON.
#[test]
fn no_hostile_schema_is_packed() {
    for (name, text) in [
        ("deep JSON", "[".repeat(4 << 20)),
        ("deep JSON of maps", "{\"a\":".repeat(800_000)),
        ("wide JSON", format!("[{}", "0,".repeat(2 << 20))),
    ] {
        let home = Home::new();
        home.write("mychart/Chart.yaml", CHART_YAML);
        home.write("mychart/values.schema.json", text);
        let saved = bounded(&home, "helm-chart-save", &["mychart", REFERENCE]);
        assert!(saved.fails(1).stderr.contains("EOF while parsing"), "{name}: {saved}");
        assert!(!home.cache().exists(), "{name}");
    }
}

/// As large as a chart may be is not too large.
#[test]
fn the_largest_chart_needs_no_more_memory() {
    // It does not compress: what is packed is larger than the memory, too.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..5 << 20).map(|_| next()).collect();
    let mut entries: Vec<_> = (0..8).map(|n| file(&format!("mychart/{n}"), &noise)).collect();
    entries.push(file("mychart/values.yaml", format!("a: [{}]", "x,".repeat(28_000)).as_bytes()));
    let package = with(&entries);
    let home = Home::new();
    home.write("chart.tgz", &package);
    bounded(&home, "helm-chart-save", &["chart.tgz", REFERENCE]).succeeds();
    bounded(&home, "helm-chart-export", &["-d", "out", REFERENCE]).succeeds();
    let shelf = Shelf::new(&Artifact::of(b"{}", &package));
    bounded(&home, "helm-chart-pull", &[&shelf.reference()]).succeeds();
    bounded(&home, "helm-chart-export", &["-d", "pulled", &shelf.reference()]).succeeds();
    assert_eq!(snapshot(&home.path().join("out")), snapshot(&home.path().join("pulled")));
}

/// As many values as there may be, as long as they may be, beside a Chart.yaml of which the same is true.
#[test]
fn the_largest_values_need_no_more_memory() {
    let values = |size: usize| {
        let line = size / 14_500;
        (0..14_500)
            .map(|n| format!("{:<1$}\n", format!("k{n}: v"), line - 1).replace("  ", "xx"))
            .collect::<String>()
    };
    let keywords: String = (0..4_900).map(|n| format!("- {n:0>200}k\n")).collect();
    let chart_yaml = format!("{CHART_YAML}\nkeywords:\n{keywords}");
    let package =
        |values: &str| package(chart_yaml.as_bytes(), &[file("mychart/values.yaml", values.as_bytes())]);
    let home = Home::new();
    let shelf = Shelf::new(&Artifact::of(b"{}", &package(&values(2 << 20))));
    bounded(&home, "helm-chart-pull", &[&shelf.reference()]).succeeds();
    bounded(&home, "helm-chart-export", &["-d", "out", &shelf.reference()]).succeeds();
    bounded(&home, "helm-chart-save", &["out/mychart", REFERENCE]).succeeds();
    let larger = Shelf::new(&Artifact::of(b"{}", &package(&values(3 << 20))));
    let pulled = bounded(&home, "helm-chart-pull", &[&larger.reference()]);
    assert!(pulled.fails(1).stderr.contains("2 MiB for values.yaml"), "{pulled}");
}

/// A Chart.yaml in the form that is ours, as large as it may be, and as large as any other file.
#[test]
fn the_largest_head_needs_no_more_memory() {
    let of = |size: usize| Metadata {
        name: "mychart".to_owned(),
        version: "1.0.0".to_owned(),
        api_version: "v2".to_owned(),
        description: "x".repeat(size - 100),
        ..Metadata::default()
    };
    let rest = gzip(&[&file("mychart/values.yaml", b"a: 1\n")[..], &[0; 1024]].concat());
    let layer = |metadata: &Metadata| [oci::chart::head(metadata).unwrap(), rest.clone()].concat();
    let home = Home::new();
    let metadata = of(1 << 20);
    let shelf = Shelf::new(&Artifact::of(b"{}", &layer(&metadata)));
    bounded(&home, "helm-chart-pull", &[&shelf.reference()]).succeeds();
    bounded(&home, "helm-chart-export", &["-d", "out", &shelf.reference()]).succeeds();
    let written = fs::read_to_string(home.path().join("out/mychart/Chart.yaml")).unwrap();
    assert!(written.contains(&metadata.description));
    let content = Digest::of(&rest);
    assert!(
        home.cache().join(format!("blobs/sha256/{}", content.hex())).is_file(),
        "its head was not split off"
    );
    bounded(&home, "helm-chart-save", &["out/mychart", REFERENCE]).succeeds();
    for size in [2 << 20, 5 << 20] {
        let shelf = Shelf::new(&Artifact::of(b"{}", &layer(&of(size))));
        let pulled = bounded(&home, "helm-chart-pull", &[&shelf.reference()]);
        assert!(pulled.fails(1).stderr.contains("1 MiB for a chart's metadata"), "{size}: {pulled}");
        fs::write(
            home.path().join("out/mychart/Chart.yaml"),
            format!("description: {}", "x".repeat(size - 100)),
        )
        .unwrap();
        let saved = bounded(&home, "helm-chart-save", &["out/mychart", REFERENCE]);
        assert!(saved.fails(1).stderr.contains("1 MiB for a chart's metadata"), "{size}: {saved}");
    }
}

/// Documents of a registry, as large as they may be and made of as many pieces as that allows.
#[test]
fn no_document_of_a_registry_fills_the_memory() {
    let good = Artifact::chart("mychart", "1.0.0");
    let config = descriptor(media_type::CONFIG, good.config());
    let chart = descriptor(media_type::CHART, good.layer());
    let layers = |layer: &str, times: usize| manifest(&config, &vec![layer.to_owned(); times]);
    let annotated = |annotations: &str| {
        let text = String::from_utf8(manifest(&config, std::slice::from_ref(&chart))).unwrap();
        text.replacen('{', &format!("{{\"annotations\":{{{annotations}}},"), 1).into_bytes()
    };
    let many: Vec<_> = (0..400_000).map(|n| format!("\"{n:x}\":\"\"")).collect();
    let digest = good.digest();
    let index = |entries: usize| {
        let one = format!(r#"{{"mediaType":"x","digest":"{digest}","size":1}}"#);
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, vec![one; entries].join(",")).into_bytes()
    };
    for (name, bytes, content_type, code) in [
        ("layers", layers(&chart, 17_000), media_type::MANIFEST, 1),
        ("annotations", annotated(&many[..380_000].join(",")), media_type::MANIFEST, 1),
        ("manifests", index(35_000), media_type::INDEX, 1),
        ("nesting", b"[".repeat(4 << 20), media_type::MANIFEST, 1),
        ("a nested field", [b"{\"x\":".repeat(800_000), b"1".to_vec()].concat(), media_type::MANIFEST, 1),
        ("too much", vec![b' '; (4 << 20) + 1], media_type::MANIFEST, 1),
    ] {
        assert!(bytes.len() <= (4 << 20) + 1, "{name}: {}", bytes.len());
        let artifact = Artifact { content_type: content_type.to_owned(), ..Artifact::new(bytes, &[]) };
        let (home, shelf) = (Home::new(), Shelf::new(&artifact));
        let pulled = bounded(&home, "helm-chart-pull", &[&shelf.reference()]);
        assert!(pulled.fails(code).stderr.len() < 4096, "{name}: {pulled}");
        assert!(snapshot(&home.cache()).is_empty(), "{name}");
    }
    // A config that is JSON and nothing but pieces.
    for config in [
        "{\"a\":[".to_owned() + &"[],".repeat(300_000) + "0]}",
        "{\"a\":".repeat(100_000),
        many[..90_000].join(","),
    ] {
        let (home, shelf) = (Home::new(), Shelf::new(&Artifact::of(config.as_bytes(), good.layer())));
        let pulled = bounded(&home, "helm-chart-pull", &[&shelf.reference()]);
        assert!(pulled.stderr.len() < 4096 && !pulled.stderr.contains("memory"), "{pulled}");
    }
    // Errors and lists of tags.
    let (home, shelf) = (Home::new(), Shelf::new(&good));
    let errors = format!("{{\"errors\":[{}]}}", "{\"message\":\"x\"},".repeat(200_000));
    shelf.set("/v2/a/manifests/1.0", answer(400, &[], errors.as_bytes(), false));
    bounded(&home, "helm-chart-pull", &[&shelf.reference()]).fails(1);
    let tags = format!("{{\"tags\":[{}]}}", "\"\",".repeat(1_300_000) + "\"1.0\"");
    shelf.replace(&good);
    shelf.set("/v2/a/tags/list", answer(200, &[], tags.as_bytes(), false));
    let listed = bounded(&home, "helm-chart-pull", &["--version", "*", &format!("{}/a", shelf.mock.host())]);
    assert!(listed.stderr.len() < 4096 && !listed.stderr.contains("memory"), "{listed}");
}

/// Bodies that say nothing of their length, and never come to an end.
#[test]
fn a_body_without_end_is_left_where_it_is_too_long() {
    let good = Artifact::chart("mychart", "1.0.0");
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let endless = |status: u16, start: &[u8]| {
        let head = answer(status, &[("Transfer-Encoding", "chunked"), ("Retry-After", "0")], b"", false);
        let start = [format!("{:x}\r\n", start.len()).as_bytes(), start, b"\r\n"].concat();
        [head, start, chunk.repeat(700)].concat()
    };
    let manifest = "/v2/a/manifests/1.0";
    for (path, status, start, code) in [
        (manifest.to_owned(), 200, &good.manifest[..], 1),
        (manifest.to_owned(), 404, b"{\"errors\":[", 3),
        (manifest.to_owned(), 503, b"{\"errors\":[", 6),
        (Artifact::path_of(good.config()), 200, good.config(), 7),
        (Artifact::path_of(good.layer()), 200, good.layer(), 7),
    ] {
        let (home, shelf) = (Home::new(), Shelf::new(&good));
        shelf.set(&path, endless(status, start));
        bounded(&home, "helm-chart-pull", &[&shelf.reference()]).fails(code).stdout_is("");
        assert!(snapshot(&home.cache()).is_empty(), "{path} {status}");
    }
}

#[test]
fn an_export_goes_through_no_link() {
    let home = Home::new();
    home.write("chart.tgz", with(&[file("mychart/templates/x.yaml", b"x")]));
    home.command("helm-chart-save").args(["chart.tgz", REFERENCE]).run().succeeds();
    home.write("victim/templates/mine", "mine");
    let export = |args: &[&str]| home.command("helm-chart-export").args([args, &[REFERENCE]].concat()).run();
    // A link in the place of the chart, to a directory, to a file, to nowhere.
    for target in ["victim", "victim/templates/mine", "nowhere"] {
        symlink(target, home.path().join("mychart")).unwrap();
        export(&[]).fails(5);
        assert_eq!(fs::read_link(home.path().join("mychart")).unwrap().to_str(), Some(target));
        export(&["--force"]).succeeds();
        assert!(fs::symlink_metadata(home.path().join("mychart")).unwrap().is_dir());
        assert!(home.path().join("mychart/templates/x.yaml").is_file());
        fs::remove_dir_all(home.path().join("mychart")).unwrap();
        assert_eq!(fs::read(home.path().join("victim/templates/mine")).unwrap(), b"mine");
        assert!(!home.path().join("nowhere").exists());
        assert_eq!(snapshot(&home.path().join("victim")).len(), 1);
    }
    // A name that our own directories have, which would be cleared away some day.
    home.write("own/Chart.yaml", CHART_YAML.replace("mychart", ".helm-oci-mine"));
    home.command("helm-chart-save").args(["own", "localhost:5000/own:1"]).run().succeeds();
    let exported = home.command("helm-chart-export").args(["localhost:5000/own:1"]).run();
    assert!(exported.fails(1).stderr.contains("as directories of unfinished exports are"), "{exported}");
    // Modes are the umask's, whatever the archive says: it says 6777.
    export(&[]).succeeds();
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(home.path().join(path)).unwrap().permissions().mode() & 0o7111
    };
    assert_eq!(mode("mychart/templates/x.yaml"), 0);
    assert_eq!(mode("mychart/templates") & 0o7000, 0);
}

/// Packages that are as heavy as they may be, in each way that there is.
fn heavy() -> Vec<(&'static str, Vec<u8>)> {
    let chart = |text: &str, entries: &[Vec<u8>]| package(format!("{CHART_YAML}{text}").as_bytes(), entries);
    let values = |text: &[u8]| with(&[file("mychart/values.yaml", text)]);
    let utf16 = |text: &str| {
        let mark = [0xfeff].into_iter();
        mark.chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let annotations = |count: usize, size: usize| -> String {
        (0..count).map(|n| format!("  k{n}: {n:0>size$}x\n")).collect()
    };
    let subcharts = |count: usize, size: usize| -> Vec<Vec<u8>> {
        let chart = |n: usize| {
            let text = format!(
                "apiVersion: v1\nname: s{n}\nversion: 1.0.0\nannotations:\n{}",
                annotations(size / 20, 9)
            );
            [
                file(&format!("mychart/charts/s{n}/Chart.yaml"), text.as_bytes()),
                file(
                    &format!("mychart/charts/s{n}/values.yaml"),
                    format!("a:\n{}", annotations(20, 9)).as_bytes(),
                ),
            ]
        };
        (0..count).flat_map(chart).collect()
    };
    let old = "apiVersion: v1\nname: mychart\nversion: 1.0.0\n";
    vec![
        ("a long description", chart(&format!("description: {}\n", "x".repeat(1_040_000)), &[])),
        ("escapes", chart(&format!("description: {}\n", "<".repeat(170_000)), &[])),
        ("annotations", chart(&format!("annotations:\n{}", annotations(4_900, 190)), &[])),
        (
            "a long alias",
            chart(
                &format!(
                    "annotations:\n  a: &a {}\n{}",
                    "x".repeat(100_000),
                    (0..9).map(|n| format!("  b{n}: *a\n")).collect::<String>()
                ),
                &[],
            ),
        ),
        ("what Helm does not know", chart(&format!("x: [{}]\n", "[],".repeat(9_900)), &[])),
        ("maps that Helm does not know", chart(&format!("x: [{}]\n", "{a: b},".repeat(3_300)), &[])),
        (
            "many dependencies",
            chart(
                &format!(
                    "dependencies: [{}]\n",
                    (0..1_300).map(|n| format!("{{name: n{n}, version: 1}},")).collect::<String>()
                ),
                &[],
            ),
        ),
        (
            "requirements",
            package(
                format!("{old}annotations:\n{}", annotations(2_000, 400)).as_bytes(),
                &[file(
                    "mychart/requirements.yaml",
                    format!("annotations:\n{}", annotations(2_000, 450)).as_bytes(),
                )],
            ),
        ),
        (
            "a lock",
            chart("", &[file("mychart/Chart.lock", format!("x:\n{}", annotations(4_900, 190)).as_bytes())]),
        ),
        ("many values", values(format!("a: [{}]", "x,".repeat(29_990)).as_bytes())),
        ("one value", values(format!("a: {}", "b\n  ".repeat(500_000)).as_bytes())),
        ("one value in quotes", values(format!("a: \"{}\"", "\\x41 ".repeat(400_000)).as_bytes())),
        ("one value on lines", values(format!("a: >\n{}", "  b\n\n".repeat(400_000)).as_bytes())),
        ("nothing but comments", values("# a: [b]\n".repeat(230_000).as_bytes())),
        ("UTF-16", values(&utf16(&format!("a: {}", "\u{4e00}".repeat(680_000))))),
        ("deep values", values(format!("a: {}{}", "[".repeat(9_999), "]".repeat(9_999)).as_bytes())),
        (
            "anchors",
            values(
                (0..14_000)
                    .map(|n| format!("- &a{n} x\n"))
                    .collect::<String>()
                    .replacen("- ", "a:\n- ", 1)
                    .as_bytes(),
            ),
        ),
        (
            "a key that JSON has not, and another in its place",
            values(format!("a: {{~: [{}]}}\na: 1\n", "xyz,".repeat(29_000)).as_bytes()),
        ),
        ("500 subcharts", with(&subcharts(500, 10_000))),
    ]
}

/// Whatever is done with them stays within 32 MiB. Each of them with the executables that are shipped, which are faster: see
/// scripts/test.
#[test]
fn the_heaviest_packages_need_no_more_memory() {
    let registry = Home::new();
    let served = EmbeddedRegistry::start(&registry, ["--data", "registry"]);
    let packages = match std::env::var_os("HELM_OCI_EXECUTABLES") {
        Some(_) => heavy(),
        None => table::slice(heavy(), 4),
    };
    for (number, (name, package)) in packages.into_iter().enumerate() {
        let (home, other) = (Home::new(), Home::new());
        home.write("chart.tgz", &package);
        let reference = |what: &str| format!("{}/{what}/mychart:{number}", served.address());
        let done = |output: Output| assert!(output.code == Some(0), "{name}: {output}");
        for (home, command, args) in [
            (&home, "helm-chart-save", vec!["chart.tgz", &reference("a")]),
            (&home, "helm-chart-push", vec![&reference("a")]),
            (&other, "helm-chart-pull", vec![&reference("a")]),
            (&other, "helm-chart-export", vec!["-d", "out", &reference("a")]),
            (&other, "helm-chart-save", vec!["out/mychart", &reference("b")]),
            (&other, "helm-chart-push", vec![&reference("b")]),
            (&other, "helm-chart-fsck", vec![]),
            (&home, "helm-chart-pull", vec![&reference("b")]),
            (&home, "helm-chart-fsck", vec![]),
            (&home, "helm-chart-get", vec!["", "", "", &format!("chart-cache://{}", reference("b"))]),
        ] {
            done(bounded(home, command, &args));
        }
    }
}
