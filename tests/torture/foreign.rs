//! A cache that came from elsewhere: anything may stand in the place of any of its files and directories. Whatever that is,
//! nothing outside the cache is read, changed, locked or waited for, and what is in no need of the place works.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use oci::digest::Digest;

use super::common::{EmbeddedRegistry, Home, Output, table, write_chart};

/// What is put in the place of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    /// A link to a directory outside, which holds what was there and more.
    LinkToDirectory,
    /// A link to a file outside, which holds what was there.
    LinkToFile,
    DanglingLink,
    LinkLoop,
    Fifo,
    File,
    Directory,
}

use Planted::{DanglingLink, Directory, Fifo, LinkLoop, LinkToDirectory, LinkToFile};

const ALL: [Planted; 7] =
    [LinkToDirectory, LinkToFile, DanglingLink, LinkLoop, Fifo, Planted::File, Directory];

/// A cache with a chart that its registry has, and one that it has not.
struct World {
    home: Home,
    host: String,
    /// What the chart of the registry alone would be downloaded as.
    partial: String,
    _registry: EmbeddedRegistry,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
        let host = registry.address().to_owned();
        for (name, values) in [("mychart", "a: 1\n"), ("other", "a: 2\n")] {
            let yaml = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\ndescription: {name}\n");
            write_chart(&home.path().join(name), &[("Chart.yaml", &yaml), ("values.yaml", values)]);
        }
        let run = |command: &str| {
            let words: Vec<_> = command.split(' ').collect();
            home.command(words[0]).args(&words[1..]).run().succeeds().warns_of_names_alone();
        };
        run(&format!("helm-chart-save mychart {host}/a/mychart:1"));
        run(&format!("helm-chart-push {host}/a/mychart:1"));
        // Only the registry has this one. It makes the cache's gate, too.
        home.write("third/Chart.yaml", "apiVersion: v2\nname: third\nversion: 1.0.0\n");
        run(&format!("helm-chart-save third {host}/there/third:1"));
        let pushed =
            home.command("helm-chart-push").args([format!("{host}/there/third:1"), "-ojson".into()]).run();
        let pushed: serde_json::Value = serde_json::from_str(&pushed.succeeds().stdout).unwrap();
        run(&format!("helm-chart-remove {host}/there/third:1"));
        run(&format!("helm-chart-save other {host}/b/other:1"));
        let layer = pushed[0]["chart"]["digest"].as_str().unwrap().replace(':', "-");
        Self { home, host, partial: format!("tmp/{layer}.partial"), _registry: registry }
    }

    fn a(&self) -> String {
        format!("{}/a/mychart:1", self.host)
    }

    /// Every place of the cache, below its root, and some where there may be something.
    fn places(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(self.home.cache().join(&directory)).unwrap() {
                let entry = entry.unwrap();
                let path = directory.join(entry.file_name());
                if entry.file_type().unwrap().is_dir() {
                    pending.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        let more = [
            "tmp/blob-left",
            "tmp/notes",
            "blobs/x",
            "charts/x",
            "charts/x/versions",
            "refs/x",
            "refs/README",
        ];
        found.extend(more.into_iter().chain([self.partial.as_str()]).map(PathBuf::from));
        found
    }

    /// A home with the same cache and the same charts.
    fn copy(&self) -> Home {
        let home = Home::new();
        for part in [".helm", "mychart", "other"] {
            let (from, to) = (self.home.path().join(part), home.path().join(part));
            assert!(Command::new("/bin/cp").arg("-a").args([from, to]).status().unwrap().success());
        }
        home
    }

    fn commands(&self) -> Vec<String> {
        let host = &self.host;
        [
            "helm-chart-list -q",
            "helm-chart-list",
            "helm-chart-export -d out {host}/a/mychart:1",
            "helm-chart-export -d out {host}/b/other:1",
            "helm-chart-tag {host}/a/mychart:1 {host}/c/mychart:1",
            "helm-chart-tag {host}/b/other:1 {host}/c/other:1",
            "helm-chart-save mychart {host}/a/mychart:1",
            "helm-chart-save mychart {host}/n/mychart:1",
            "helm-chart-push {host}/a/mychart:1",
            "helm-chart-pull {host}/a/mychart:1",
            "helm-chart-pull {host}/there/third:1",
            "helm-chart-get '' '' '' chart-cache://{host}/a/mychart:1",
            "helm-chart-fsck",
            "helm-chart-fsck --repair",
            "helm-chart-remove {host}/a/mychart:1",
            "helm-chart-remove {host}/b/other:1",
        ]
        .map(|command| command.replace("{host}", host))
        .into()
    }
}

/// Everything outside, as exactly as a file system tells it; when it was last read, too.
type Outside = BTreeMap<PathBuf, (u64, u32, u64, SystemTime, SystemTime, String)>;

/// A directory with files that are nobody's business, all of an old time.
fn outside(home: &Home) -> PathBuf {
    home.directory("outside/directory/deeper");
    home.write("outside/file", "precious");
    home.write("outside/directory/precious", "precious");
    home.write("outside/directory/deeper/precious", "precious");
    home.path().join("outside")
}

/// So that reading shows: a file system that notes it at all does so for what was not read since it was written.
fn make_old(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    if metadata.is_symlink() {
        return;
    }
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| make_old(&entry.unwrap().path()));
    }
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let times = FileTimes::new().set_accessed(then).set_modified(then);
    File::open(path).unwrap().set_times(times).unwrap();
}

fn look(path: &Path, into: &mut Outside) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let children: Vec<_> = match metadata.is_dir() {
        true => fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect(),
        false => Vec::new(),
    };
    let content = match metadata.is_file() {
        true => Digest::of(&fs::read(path).unwrap()).to_string(),
        false => fs::read_link(path).map(|to| to.display().to_string()).unwrap_or_default(),
    };
    let times = (metadata.accessed().unwrap(), metadata.modified().unwrap());
    let what = (metadata.ino(), metadata.mode(), metadata.len(), times.0, times.1, content);
    into.insert(path.to_path_buf(), what);
    children.iter().for_each(|child| look(child, into));
}

/// What is outside, which is made old again for the next look.
fn watch(outside: &Path) -> Outside {
    let mut found = Outside::new();
    look(outside, &mut found);
    make_old(outside);
    found
}

/// Puts something in the place of what is at `at`; `None` where that is of this kind already.
fn plant(home: &Home, at: &Path, planted: Planted) -> Option<()> {
    let outside = outside(home);
    let found = fs::symlink_metadata(at).ok();
    let (was_directory, was_file) =
        (found.as_ref().is_some_and(fs::Metadata::is_dir), found.as_ref().is_some_and(fs::Metadata::is_file));
    // An empty one, or one of other bytes, is damage and nothing foreign.
    if (planted == Directory && was_directory) || (planted == Planted::File && was_file) {
        return None;
    }
    let aside = home.path().join("aside");
    if found.is_some() {
        fs::rename(at, &aside).unwrap();
    } else {
        fs::create_dir_all(at.parent().unwrap()).unwrap();
    }
    match planted {
        LinkToDirectory => {
            if was_directory {
                let copy = ["-a", "-T"].map(Into::into);
                let paths = [aside.clone(), outside.join("directory")];
                let args = copy.into_iter().chain(paths.map(PathBuf::into_os_string));
                assert!(Command::new("/bin/cp").args(args).status().unwrap().success());
            }
            symlink(outside.join("directory"), at).unwrap();
        }
        LinkToFile => {
            if was_file {
                fs::copy(&aside, outside.join("file")).unwrap();
            }
            symlink(outside.join("file"), at).unwrap();
        }
        DanglingLink => symlink(outside.join("nowhere"), at).unwrap(),
        LinkLoop => symlink(at.file_name().unwrap(), at).unwrap(),
        Fifo => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        Planted::File => fs::write(at, "precious").unwrap(),
        Directory => {
            fs::create_dir(at).unwrap();
            fs::write(at.join("precious"), "precious").unwrap();
        }
    }
    if aside.symlink_metadata().is_ok() {
        // Its times are not to be looked at, and what it holds is not to be found.
        assert!(Command::new("/bin/rm").arg("-rf").arg(&aside).status().unwrap().success());
    }
    Some(())
}

/// Runs a command that must come to an end.
fn run(home: &Home, command: &str) -> Output {
    let script = format!("exec timeout 20 {command}");
    home.program("/bin/sh").args(["-c", &script]).run()
}

/// Whether a command may fail because of what is at `place`: because what it is about goes through it, or is in it.
fn needs(world: &World, place: &Path, command: &str) -> bool {
    let host = world.host.replace(':', "_");
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let verb = verb.strip_prefix("helm-chart-").unwrap();
    let at = |path: &str| place == Path::new(path);
    let on_the_way = |path: &str| Path::new(path).starts_with(place);
    let in_entry = |repository: &str| place.starts_with(format!("refs/{host}/{repository}/tags"));
    let reads = |repository: &str, chart: &str| {
        on_the_way(&format!("refs/{host}/{repository}/tags"))
            || in_entry(repository)
            || on_the_way("blobs/sha256")
            || (place.starts_with("blobs/sha256") && !is_of_other(world, place, chart))
    };
    let writes = |repository: &str, chart: &str| {
        on_the_way(&format!("refs/{host}/{repository}/tags"))
            || on_the_way("blobs/sha256")
            || on_the_way(&format!("charts/{chart}/versions"))
            || at("lock")
            || at("tmp")
    };
    match verb {
        "list" => at("refs"),
        "fsck" => true,
        "export" if rest.contains("/a/") => reads("a/mychart", "mychart"),
        "export" => reads("b/other", "other"),
        "tag" if rest.contains("/a/") => reads("a/mychart", "mychart") || writes("c/mychart", "mychart"),
        "tag" => reads("b/other", "other") || writes("c/other", "other"),
        "save" if rest.contains("/a/") => writes("a/mychart", "mychart"),
        "save" => writes("n/mychart", "mychart"),
        // It is fetched again where the cache has it no more, and put where it was.
        "pull" if rest.contains("/a/") => writes("a/mychart", "mychart") || in_entry("a/mychart"),
        "pull" => writes("there/third", "third"),
        "push" | "get" => reads("a/mychart", "mychart") || writes("a/mychart", "mychart"),
        "remove" if rest.contains("/a/") => {
            at("lock") || at("gate") || on_the_way(&format!("refs/{host}/a/mychart/tags"))
        }
        "remove" => at("lock") || at("gate") || on_the_way(&format!("refs/{host}/b/other/tags")),
        _ => unreachable!("{command}"),
    }
}

/// Whether the entry of the other chart leads to the blob at `place`, and that of `chart` does not.
fn is_of_other(world: &World, place: &Path, chart: &str) -> bool {
    let blobs = |reference: String| -> Vec<PathBuf> {
        let entry = world.home.entry(&reference);
        let links = fs::read_dir(entry).unwrap().map(|link| fs::read_link(link.unwrap().path()).unwrap());
        links.filter_map(|link| Some(Path::new("blobs/sha256").join(link.file_name()?))).collect()
    };
    let reference = if chart == "mychart" { world.a() } else { format!("{}/b/other:1", world.host) };
    !blobs(reference).iter().any(|path| path == place)
}

/// Whether a message says which place is meant: by its path, by the digest that it is called by, or by the entry it is of.
fn names(message: &str, place: &Path) -> bool {
    let path = place.to_str().unwrap();
    let name = place.file_name().unwrap().to_str().unwrap();
    let entry = path.split_once("/tags/").map(|(repository, _)| repository.rsplit('/').next().unwrap());
    message.contains(path)
        || (place.starts_with("blobs/sha256") && message.contains(name))
        || entry.is_some_and(|repository| message.contains(repository))
}

fn case(world: &World, place: &Path, planted: Planted, command: &str) {
    let home = world.copy();
    let at = home.cache().join(place);
    if plant(&home, &at, planted).is_none() {
        return;
    }
    let outside = home.path().join("outside");
    watch(&outside);
    let before = watch(&outside);
    // Whoever locks it waits for ever.
    let locked = File::open(outside.join("file")).unwrap();
    locked.lock().unwrap();
    let found = fs::symlink_metadata(&at).unwrap().ino();
    let output = run(&home, command);
    let what = format!("{planted:?} at {}: {output}", place.display());
    assert_eq!(watch(&outside), before, "{what}");
    assert!(matches!(output.code, Some(0 | 1 | 3 | 7)), "{what}");
    assert!(!output.stderr.contains("panicked"), "{what}");
    if output.code != Some(0) {
        assert!(needs(world, place, command), "{what}");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(names(&said, place), "{what}");
    }
    // What is none of the cache's stays, but for what has a name that only the cache gives.
    let is_named_by_us = ["blobs/sha256/", "tmp/blob-", "tmp/sha256-"];
    let path = place.to_str().unwrap();
    if !path.contains("/tags/")
        && !path.contains("/versions/")
        && !is_named_by_us.iter().any(|p| path.starts_with(p))
    {
        assert_eq!(fs::symlink_metadata(&at).unwrap().ino(), found, "{what}");
    }
}

#[test]
fn nothing_outside_is_touched_through_a_cache_from_elsewhere() {
    let world = World::new();
    let mut cases = Vec::new();
    for place in world.places() {
        for planted in ALL {
            cases.extend(world.commands().into_iter().map(|command| (place.clone(), planted, command)));
        }
    }
    let cases = table::slice(cases, 167);
    // Most of a command is waiting for the disk.
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((place, planted, command)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failure = table::failure(|| case(&world, place, *planted, command));
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    table::settle("foreign: in every place", cases.len(), "commands", &failures);
}

/// The same for what has a second name outside: a tar holds such files, too.
#[test]
fn what_has_a_second_name_outside_stays_what_it_is() {
    let world = World::new();
    let (mut cases, mut failures) = (Vec::new(), Vec::new());
    let is_file =
        |place: &PathBuf| fs::symlink_metadata(world.home.cache().join(place)).is_ok_and(|m| m.is_file());
    let more = [world.partial.as_str(), "tmp/blob-left", "tmp/notes"].map(PathBuf::from);
    for place in world.places().into_iter().filter(is_file).chain(more) {
        for same in [true, false] {
            cases.extend(world.commands().into_iter().map(|command| (place.clone(), same, command)));
        }
    }
    let cases = table::slice(cases, 53);
    for (place, same, command) in &cases {
        failures.extend(table::failure(|| {
            let home = world.copy();
            let (at, outside) = (home.cache().join(place), outside(&home));
            let content = fs::read(&at).ok().filter(|_| *same).unwrap_or(b"precious".to_vec());
            fs::write(outside.join("file"), content).unwrap();
            let _ = fs::remove_file(&at);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::hard_link(outside.join("file"), &at).unwrap();
            watch(&outside);
            let before = watch(&outside);
            let output = run(&home, command);
            let what = format!("a second name of {}: {output}", place.display());
            let (mut after, mut before) = (watch(&outside), before);
            // It is read as what it is: a file of the cache.
            for seen in [&mut after, &mut before] {
                seen.values_mut().for_each(|what| what.3 = SystemTime::UNIX_EPOCH);
            }
            assert_eq!(after, before, "{what}");
            assert!(matches!(output.code, Some(0 | 1 | 3 | 7)), "{what}");
            if *same {
                assert_eq!(output.code, Some(0), "{what}");
            }
        }));
    }
    table::settle("foreign: a second name", cases.len(), "commands", &failures);
}
