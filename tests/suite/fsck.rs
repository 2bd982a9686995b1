//! `helm-chart-fsck`, as a user sees it.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{EmbeddedRegistry, Home, snapshot, write_chart};

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
const HINT: &str = "hint: --repair fetches them again; or pull or save them again, or remove them\n";
const REPAIRED_HINT: &str = "hint: pull or save them again, or remove them\n";

/// A home with a chart that its registry has, and one that nobody else has.
struct World {
    home: Home,
    pushed: String,
    saved: String,
    _registry: EmbeddedRegistry,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
        let pushed = format!("{}/a/mychart:1", registry.address());
        let saved = format!("{}/b/mychart:1", registry.address());
        let files = [("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")];
        write_chart(&home.path().join("mychart"), &files);
        home.command("helm-chart-save").args(["mychart", &pushed]).run().succeeds();
        home.command("helm-chart-push").args([&pushed]).run().succeeds();
        write_chart(&home.path().join("mychart"), &[("values.yaml", "a: 2\n")]);
        home.command("helm-chart-save").args(["mychart", &saved]).run().succeeds();
        Self { home, pushed, saved, _registry: registry }
    }

    fn fsck(&self, args: &[&str]) -> crate::common::Output {
        self.home.command("helm-chart-fsck").args(args).run()
    }

    /// What the registry has under the reference becomes another chart.
    fn move_tag(&self) {
        let other = Home::new();
        write_chart(&other.path().join("mychart"), &[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 3\n")]);
        other.command("helm-chart-save").args(["mychart", &self.pushed]).run().succeeds();
        other.command("helm-chart-push").args([&self.pushed]).run().succeeds();
    }
}

#[test]
fn what_fails_fails_though_nobody_reads_on() {
    let world = World::new();
    fs::remove_file(world.home.blob(&world.saved, "content")).unwrap();
    let pushed = &world.pushed;
    for (command, code) in [
        ("helm-chart-fsck".to_owned(), 7),
        ("helm-chart-fsck -o json".to_owned(), 7),
        (format!("helm-chart-pull --timeout 1s -q {pushed} localhost:1/gone:1"), 6),
        (format!("helm-chart-push --timeout 1s -o json localhost:1/gone:1 {pushed}"), 3),
        (format!("helm-chart-remove {pushed} localhost:1/gone:1"), 3),
    ] {
        let script = format!("{{ sleep 0.3; {command}; echo $? >code; }} | :");
        world.home.program("/bin/sh").args(["-c", &script]).run().succeeds();
        assert_eq!(
            fs::read_to_string(world.home.path().join("code")).unwrap().trim(),
            code.to_string(),
            "{command}"
        );
    }
}

#[test]
fn an_empty_cache_is_all_right_and_is_not_made() {
    let home = Home::new();
    let said = "0 references, 0 blobs, 0 B: all is well\n";
    home.command("helm-chart-fsck").run().stderr_is("").prints(said);
    home.command("helm-chart-fsck").args(["--repair"]).run().stderr_is("").prints(said);
    assert!(!home.cache().exists());
}

#[test]
fn what_is_damaged_is_named_and_fetched_again() {
    let world = World::new();
    let home = &world.home;
    let whole = snapshot(&home.cache().join("blobs"));
    let size: u64 = whole
        .keys()
        .filter_map(|p| fs::metadata(home.cache().join("blobs").join(p)).ok())
        .filter(|m| m.is_file())
        .map(|m| m.len())
        .sum();
    let well = format!("2 references, 5 blobs, {size} B: all is well\n");
    world.fsck(&[]).stderr_is("").prints(&well);
    let (content, manifest) = (home.linked(&world.pushed, "content"), home.linked(&world.pushed, "manifest"));
    home.damage(&home.blob(&world.pushed, "content"));
    fs::remove_file(home.blob(&world.pushed, "manifest")).unwrap();
    let mut lines = [
        (&content, format!("{}: blob {content} is damaged", world.pushed)),
        (&manifest, format!("{}: blob {manifest} is missing", world.pushed)),
    ];
    lines.sort();
    let found = world.fsck(&[]);
    let [one, two] = lines.map(|(_, line)| line);
    found.fails(7).stderr_is(&format!("Error: 1 of 2 references is damaged\n{HINT}"));
    assert!(found.stdout.starts_with(&format!("{one}\n{two}\n2 references, 4 blobs, ")), "{found}");
    assert!(found.stdout.ends_with(": not all is well\n"), "{found}");
    world.fsck(&["-q"]).fails(7).stdout_is(&format!("{}\n", world.pushed));
    // Only what is asked for.
    world.fsck(&[&world.saved]).succeeds().stderr_is("");
    world.fsck(&["-q", &world.pushed]).fails(7).stdout_is(&format!("{}\n", world.pushed));
    let document = world.fsck(&["-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document.fails(7).stdout).unwrap();
    assert_eq!(document["references"], 2);
    let problems = document["problems"].as_array().unwrap();
    let mut kinds: Vec<_> =
        problems.iter().map(|p| (p["kind"].as_str().unwrap(), p["digest"].as_str().unwrap())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("damaged-blob", content.as_str()), ("missing-blob", manifest.as_str())]);
    assert!(
        problems.iter().all(|p| p["refs"] == serde_json::json!([world.pushed]) && p["repaired"] == false)
    );

    let repaired = world.fsck(&["--repair"]);
    repaired.succeeds().stderr_is("");
    assert!(repaired.stdout.starts_with(&format!("{one} (repaired)\n{two} (repaired)\n")), "{repaired}");
    assert_eq!(snapshot(&home.cache().join("blobs")), whole);
    world.fsck(&[]).stderr_is("").prints(&well);
}

#[test]
fn nothing_else_takes_the_place_of_what_is_damaged() {
    let world = World::new();
    let home = &world.home;
    // The registry has the content still, under its digest; under the tag it has another.
    world.move_tag();
    let before = home.linked(&world.pushed, "content");
    home.damage(&home.blob(&world.pushed, "content"));
    world.fsck(&["--repair", "-q"]).stderr_is("").prints("");
    assert_eq!(home.linked(&world.pushed, "content"), before);
    // What no registry has cannot come back, and what it may have under the tag is something else.
    home.damage(&home.blob(&world.saved, "content"));
    let repaired = world.fsck(&["--repair", "-q"]);
    repaired.fails(7).stdout_is(&format!("{}\n", world.saved)).stderr_is(&format!(
        "Warning: cannot repair {}: it was never pushed or pulled, so it is nowhere to be had\n\
         Error: 1 of 2 references is damaged\n{REPAIRED_HINT}",
        world.saved
    ));
    assert!(home.entry(&world.saved).exists());
    home.command("helm-chart-save").args(["mychart", &world.saved]).run().succeeds();
    world.fsck(&[]).succeeds().stderr_is("");
}

#[test]
fn a_registry_that_is_gone_is_told_and_changes_nothing() {
    let world = World::new();
    let World { home, pushed, _registry: registry, .. } = world;
    drop(registry);
    home.damage(&home.blob(&pushed, "content"));
    home.command("helm-chart-fsck").run().fails(7);
    let before = snapshot(&home.cache());
    let run = home.command("helm-chart-fsck").args(["--repair", "-q", &pushed]).run();
    run.fails(7).stdout_is(&format!("{pushed}\n"));
    assert!(run.stderr.starts_with(&format!("Warning: cannot repair {pushed}: GET http://")), "{run}");
    assert!(
        run.stderr.ends_with(&format!("\nError: 1 of 1 references is damaged\n{REPAIRED_HINT}")),
        "{run}"
    );
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn litter_is_told_and_is_no_damage() {
    let world = World::new();
    let home = &world.home;
    let orphan = home.write(".helm/registry/blobs/sha256/orphan", "x");
    home.write(".helm/registry/charts/other/versions/1", "-");
    let left = home.write(".helm/registry/tmp/blob-left", "x");
    let tags = home.entry(&world.saved).parent().unwrap().to_owned();
    fs::create_dir(tags.join(".1.1-2-3")).unwrap();
    symlink(".1.1-2-3", tags.join(".1.1-2-3.link")).unwrap();
    let below = tags.strip_prefix(home.cache()).unwrap().display();
    let lines = [
        "blobs/sha256/orphan: no reference needs it".to_owned(),
        "charts/other/versions/1: no reference needs it".to_owned(),
        format!("{below}/.1.1-2-3.link: left behind by a command that was interrupted"),
        format!("{below}/.1.1-2-3: left behind by a command that was interrupted"),
        "tmp/blob-left: left behind by a command that was interrupted".to_owned(),
    ];
    let found = world.fsck(&[]);
    found.succeeds().stderr_is("");
    assert!(found.stdout.starts_with(&(lines.join("\n") + "\n2 references, ")), "{found}");
    assert!(orphan.exists() && left.exists());
    let cleared = world.fsck(&["--repair"]);
    cleared.succeeds().stderr_is("");
    assert!(cleared.stdout.starts_with(&(lines.join(" (removed)\n") + " (removed)\n")), "{cleared}");
    assert!(!orphan.exists() && !left.exists() && !home.cache().join("charts/other").exists());
    assert!(world.fsck(&[]).succeeds().stdout.starts_with("2 references, "));
}

#[test]
fn what_a_temporary_file_is_used_for_is_none_of_its_business() {
    let world = World::new();
    let used = world.home.write(".helm/registry/tmp/blob-used", "x");
    let lock = fs::File::open(&used).unwrap();
    lock.lock().unwrap();
    assert!(world.fsck(&["--repair"]).succeeds().stdout.starts_with("2 references, "));
    assert!(used.exists());
}

#[test]
fn a_damaged_blob_that_nobody_needs_is_the_disks_fault() {
    let world = World::new();
    let home = &world.home;
    let digest = oci::digest::Digest::of(b"other");
    let blob = home.write(format!(".helm/registry/blobs/sha256/{}", digest.hex()), "damaged");
    let found = world.fsck(&[]);
    found
        .fails(7)
        .stderr_is("Error: blobs that no reference needs are damaged: 1\nhint: --repair removes them\n");
    assert!(found.stdout.starts_with(&format!("blob {digest} is damaged\n2 references, ")), "{found}");
    world.fsck(&["--repair"]).succeeds().stderr_is("");
    assert!(!blob.exists());
}

#[test]
fn parts_of_two_charts_are_no_chart() {
    let world = World::new();
    let home = &world.home;
    // The content of the one in the entry of the other.
    let swap = |name: &str| {
        let link = home.entry(&world.pushed).join(name);
        let other = fs::read_link(home.entry(&world.saved).join(name)).unwrap();
        fs::remove_file(&link).unwrap();
        symlink(other, &link).unwrap();
    };
    swap("content");
    let said = format!("{}: its content is not what its manifest names\n", world.pushed);
    let found = world.fsck(&[]);
    assert!(found.fails(7).stdout.starts_with(&said), "{found}");
    // A pull does not take it for up to date.
    let pulled = home.command("helm-chart-pull").args([&world.pushed]).run();
    assert!(pulled.succeeds().stdout.contains("\nStatus: Downloaded newer chart for "), "{pulled}");
    world.fsck(&[]).succeeds().stderr_is("");
    swap("content");
    let repaired = world.fsck(&["--repair"]);
    assert!(repaired.succeeds().stdout.starts_with(&said.replace('\n', " (repaired)\n")), "{repaired}");
}

#[test]
fn a_chart_that_is_called_otherwise_is_found() {
    let world = World::new();
    let home = &world.home;
    let package =
        crate::common::wire::tgz(&[("pack/Chart.yaml", "apiVersion: v2\nname: pack\nversion: 0.1.0\n")]);
    home.write("pack.tgz", package);
    home.command("helm-chart-save").args(["pack.tgz", &world.saved]).run().succeeds();
    let link = home.entry(&world.saved).join("chart");
    fs::remove_file(&link).unwrap();
    symlink("../../../../../../charts/mychart/versions/1.0.0", &link).unwrap();
    let found = world.fsck(&[&world.saved]);
    let said = format!("{}: its content is the chart pack 0.1.0\n", world.saved);
    assert!(found.fails(7).stdout.starts_with(&said), "{found}");
}

#[test]
fn links_and_properties_are_written_anew_without_a_registry() {
    let world = World::new();
    let home = &world.home;
    fs::write(home.cache().join("charts/mychart/versions/1.0.0"), "").unwrap();
    let link = home.entry(&world.saved).join("content");
    let elsewhere = home.directory("elsewhere/blobs/sha256");
    let content = home.linked(&world.saved, "content");
    fs::remove_file(&link).unwrap();
    symlink(elsewhere.join(content.strip_prefix("sha256:").unwrap()), &link).unwrap();
    let found = world.fsck(&["-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&found.fails(7).stdout).unwrap();
    let kinds: Vec<_> = document["problems"].as_array().unwrap().iter().map(|p| p["kind"].clone()).collect();
    assert_eq!(kinds, ["damaged-properties", "wrong-link"]);
    world.fsck(&["--repair"]).succeeds().stderr_is("");
    assert!(home.blob(&world.saved, "content").starts_with(home.cache()));
    assert_eq!(fs::read(home.cache().join("charts/mychart/versions/1.0.0")).unwrap(), b"-");
}

#[test]
fn an_entry_that_cannot_be_read_is_found_and_kept() {
    let world = World::new();
    let home = &world.home;
    fs::remove_file(home.entry(&world.saved).join("meta")).unwrap();
    let said = format!("{}: the entry is broken: its link `meta` is missing\n", world.saved);
    let found = world.fsck(&[]);
    assert!(found.fails(7).stdout.starts_with(&said), "{found}");
    assert!(world.fsck(&["--repair"]).fails(7).stdout.starts_with(&said));
    assert!(home.entry(&world.saved).exists());
    // Of the other one the manifest is known still.
    fs::remove_file(home.entry(&world.pushed).join("meta")).unwrap();
    world.fsck(&["--repair", "-q", &world.pushed]).stderr_is("").prints("");
}

#[test]
fn what_is_not_there_is_not_found() {
    let world = World::new();
    let absent = world.pushed.replace("/a/", "/absent/");
    world.fsck(&[&absent]).fails(3).stdout_is("").stderr_is(&format!(
        "Error: cannot check {absent}: not in the cache\nhint: helm oci list shows what is there\n"
    ));
    world.fsck(&["localhost:5000/a"]).fails(2).stdout_is("");
    world.fsck(&["-oxml"]).fails(2).stdout_is("");
}

/// The executables are too slow for this: the moment between looking at all entries and reading one is short.
#[test]
fn a_reference_that_goes_and_comes_back_meanwhile_is_no_error() {
    let world = World::new();
    let cache = oci::cache::Cache::new(world.home.cache());
    let reference: oci::reference::Reference = world.saved.parse().unwrap();
    let entry = cache.find(&reference).unwrap().entry;
    // Its blobs stay, so that it can be put back at once.
    cache.tag(&reference, &world.saved.replace("/b/", "/c/").parse().unwrap()).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                cache.remove(std::slice::from_ref(&reference)).unwrap();
                cache.put(&reference, &entry, Vec::new(), oci::cache::PutAs::Whole).unwrap();
            }
        });
        let looked: Vec<_> = (0..300).map(|_| oci::verbs::fsck(&cache, &[])).collect();
        ended.store(true, Ordering::Relaxed);
        for verified in looked {
            verified.unwrap().verdict().unwrap();
        }
    });
}
