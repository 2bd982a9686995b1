//! Pull when something comes between: an interruption, damage in the cache, another process.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::common::Home;
use crate::common::mock::{Action, Mock, answer, on};
use crate::common::wire::{Artifact, Shelf, snapshot};
use oci::digest::Digest;

/// A chart whose layer is so large that it is looked at while it comes.
fn large() -> Artifact {
    let noise = noise();
    let layer = crate::common::wire::tgz(&[
        ("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n"),
        ("mychart/noise", &noise),
    ]);
    Artifact::of(br#"{"name":"mychart","version":"1.0.0","apiVersion":"v2"}"#, &layer)
}

/// It does not compress to less than half.
fn noise() -> String {
    (0..16384_u32).map(|n| Digest::of(&n.to_le_bytes()).hex().to_owned()).collect()
}

#[test]
fn a_pull_that_was_killed_is_gone_on_with_by_the_next() {
    let chart = large();
    let (path, layer, answers) = (Artifact::path_of(chart.layer()), chart.layer().to_vec(), chart.answers());
    let (size, half) = (layer.len(), layer.len() / 2);
    let mock = Mock::serve(move |request| {
        let asked = request.line.split_once(' ').unwrap().1;
        if asked != path {
            return on(&request.line).then(Action::Send(answers[asked].clone()));
        }
        let Some(range) = request.header("range") else {
            let length = size.to_string();
            return on(&request.line)
                .then(Action::Send(answer(200, &[("Content-Length", &length)], &layer[..half], false)))
                .then(Action::Hang);
        };
        let start: usize = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
        let part = format!("bytes {start}-{}/{size}", size - 1);
        on(&request.line).answer(206, &[("Content-Range", &part)], &layer[start..])
    });
    let home = Home::new();
    let reference = format!("{}/a:1.0", mock.host());
    let mut first = home
        .command("helm-chart-pull")
        .args([&reference])
        .prepared()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let partial = home.cache().join(format!("tmp/sha256-{}.partial", Digest::of(chart.layer()).hex()));
    let begun = Instant::now();
    while fs::metadata(&partial).map_or(0, |m| m.len()) < half as u64 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:#?}", mock.lines());
        std::thread::sleep(Duration::from_millis(5));
    }
    // SIGKILL: nothing is tidied up.
    first.kill().unwrap();
    first.wait().unwrap();
    let before = mock.requests().len();
    home.command("helm-chart-pull").args([&reference]).run().succeeds();
    let requests = mock.requests().split_off(before);
    let ranges: Vec<_> = requests.iter().filter_map(|r| r.header("range")).collect();
    assert_eq!(ranges, [format!("bytes={half}-")]);
    assert!(!partial.exists());
    home.command("helm-chart-export").args([&reference]).run().succeeds();
}

#[test]
fn an_archive_that_came_before_the_registry_went_is_not_fetched_twice() {
    let chart = large();
    let shelf = Shelf::new(&chart);
    let home = Home::new();
    let pull = || home.command("helm-chart-pull").args([shelf.reference()]).run();
    shelf.set(&Artifact::path_of(chart.config()), answer(503, &[("Retry-After", "0")], b"", false));
    pull().fails(6);
    shelf.replace(&chart);
    let before = shelf.mock.requests().len();
    pull().succeeds();
    let layer = format!("GET {}", Artifact::path_of(chart.layer()));
    assert!(!shelf.mock.lines().split_off(before).contains(&layer));
    home.command("helm-chart-export").args([shelf.reference()]).run().succeeds();
}

#[test]
fn wrong_bytes_that_were_looked_at_on_their_way_count_for_nothing() {
    let chart = large();
    let (path, layer) = (Artifact::path_of(chart.layer()), chart.layer().to_vec());
    assert!(layer.len() > 300 << 10);
    // In the head of the gzip stream, in that of the archive, in a file, in the checksum.
    for at in [0, 40, layer.len() / 2, layer.len() - 8] {
        let (path, layer, answers, first) =
            (path.clone(), layer.clone(), chart.answers(), AtomicBool::new(true));
        let asked_for = path.clone();
        let mock = Mock::serve(move |request| {
            let asked = request.line.split_once(' ').unwrap().1;
            if asked != path || !first.swap(false, Ordering::SeqCst) {
                return on(&request.line).then(Action::Send(answers[asked].clone()));
            }
            let mut wrong = layer.clone();
            wrong[at] ^= 1;
            on(&request.line).answer(200, &[], &wrong)
        });
        let home = Home::new();
        let reference = format!("{}/a:1.0", mock.host());
        home.command("helm-chart-pull").args([&reference]).run().succeeds().stderr_is("");
        let asked = mock.lines().into_iter().filter(|line| line.ends_with(&asked_for)).count();
        assert_eq!(asked, 2, "{at}: {:#?}", mock.lines());
        home.command("helm-chart-export").args([&reference]).run().succeeds();
        let left = snapshot(&home.cache());
        assert!(left.keys().all(|path| !path.starts_with("tmp")), "{at}: {:#?}", left.keys());
    }
}

#[test]
fn what_came_as_it_was_named_and_is_no_chart_leaves_nothing() {
    let noise = noise();
    let no_chart = crate::common::wire::tgz(&[("mychart/noise", &noise)]);
    let mut torn = large().layer().to_vec();
    torn.truncate(torn.len() / 2);
    for layer in [no_chart, torn] {
        let shelf = Shelf::new(&Artifact::of(large().config(), &layer));
        let home = Home::new();
        let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
        assert!(pulled.fails(1).stderr.contains("the chart in the registry is refused"), "{pulled}");
        assert!(snapshot(&home.cache()).is_empty(), "{:#?}", snapshot(&home.cache()).keys());
    }
}

#[test]
fn what_is_damaged_in_the_cache_is_fetched_again() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let shelf = Shelf::new(&chart);
    let home = Home::new();
    let pull = || home.command("helm-chart-pull").args([shelf.reference()]).run();
    pull().succeeds();
    let whole = snapshot(&home.cache().join("blobs"));
    assert_eq!(whole.len(), 4, "{:#?}", whole.keys());
    let status = format!("\nStatus: Downloaded newer chart for {}\n", shelf.reference());
    for name in whole.keys() {
        let path = home.cache().join("blobs").join(name);
        fs::remove_file(&path).unwrap();
        let healed = pull();
        assert!(healed.succeeds().stdout.contains(&status), "{}: {healed}", name.display());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "damaged").unwrap();
        let healed = pull();
        assert!(healed.succeeds().stdout.contains(&status), "{}: {healed}", name.display());
        assert_eq!(snapshot(&home.cache().join("blobs")), whole, "{}", name.display());
    }
    assert!(pull().succeeds().stdout.contains("\nStatus: Chart is up to date for "));
}

#[test]
fn pulling_and_removing_at_once_fails_nobody() {
    let (outside, home) = (Home::new(), Home::new());
    let registry = crate::common::EmbeddedRegistry::start(&outside, []);
    for tag in ["1.0.0", "1.0.1"] {
        Artifact::chart("mychart", tag).put(registry.address(), "a/mychart", tag);
    }
    let done = Arc::new(AtomicBool::new(false));
    let reference = |tag: &str| format!("{}/a/mychart:{tag}", registry.address());
    std::thread::scope(|scope| {
        let pullers: Vec<_> = ["1.0.0", "1.0.1", "1.0.0"]
            .into_iter()
            .map(|tag| {
                let (home, reference) = (&home, reference(tag));
                scope.spawn(move || {
                    for _ in 0..40 {
                        home.command("helm-chart-pull").args([&reference]).run().succeeds().stderr_is("");
                    }
                })
            })
            .collect();
        let remover = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for tag in ["1.0.0", "1.0.1"] {
                    let removed = home.command("helm-chart-remove").args([reference(tag)]).run();
                    let absent = removed.stderr.contains("not in the cache");
                    assert!(removed.stderr.is_empty() || absent, "{removed}");
                }
            }
        });
        let results: Vec<_> = pullers.into_iter().map(|puller| puller.join()).collect();
        done.store(true, Ordering::Relaxed);
        remover.join().unwrap();
        assert!(results.iter().all(Result::is_ok));
    });
    // What is left is whole.
    let pulled = home.command("helm-chart-pull").args([reference("1.0.0"), reference("1.0.1")]).run();
    pulled.succeeds();
    let listed = home.command("helm-chart-list").run();
    assert_eq!(listed.succeeds().stdout.lines().count(), 3, "{listed}");
    home.command("helm-chart-remove").args([reference("1.0.0"), reference("1.0.1")]).run().succeeds();
    assert!(snapshot(&home.cache()).is_empty(), "{:#?}", snapshot(&home.cache()).keys());
}

#[test]
fn what_an_earlier_download_left_is_trusted_only_as_far_as_it_is_right() {
    let chart = large();
    let name = format!("tmp/sha256-{}.partial", Digest::of(chart.layer()).hex());
    let size = chart.layer().len();
    // The first byte alone, too: it is looked at before there are more.
    let first = chart.layer()[..1].to_vec();
    for left in [first, vec![0; 10], vec![0; size], vec![0; size + 10], chart.layer().to_vec(), Vec::new()] {
        let shelf = Shelf::new(&chart);
        let home = Home::new();
        let partial = home.write(format!(".helm/registry/{name}"), &left);
        home.command("helm-chart-pull").args([shelf.reference()]).run().succeeds().stderr_is("");
        assert!(!partial.exists());
        home.command("helm-chart-export").args([shelf.reference()]).run().succeeds();
    }
}

#[test]
fn many_processes_pull_one_chart_into_an_empty_cache() {
    let chart = large();
    let shelf = Shelf::new(&chart);
    let home = Home::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
                pulled.succeeds().stderr_is("");
            });
        }
    });
    let left = snapshot(&home.cache());
    assert!(left.keys().all(|path| !path.starts_with("tmp")), "{:#?}", left.keys());
    home.command("helm-chart-export").args([shelf.reference()]).run().succeeds();
}

#[test]
fn a_removal_while_the_registry_thinks_is_no_error() {
    let home = Arc::new(Home::new());
    let chart = Artifact::chart("mychart", "1.0.0");
    let answers = chart.answers();
    let inside = Arc::clone(&home);
    let mock = Mock::serve(move |request| {
        let asked = request.line.split_once(' ').unwrap().1;
        if request.header("if-none-match").is_none() {
            return on(&request.line).then(Action::Send(answers[asked].clone()));
        }
        let reference = format!("{}/a:1.0", request.header("host").unwrap());
        inside.command("helm-chart-remove").args([reference]).run().succeeds();
        on(&request.line).answer(304, &[], b"")
    });
    let reference = format!("{}/a:1.0", mock.host());
    let pull = || home.command("helm-chart-pull").args([&reference]).run();
    pull().succeeds();
    let pulled = pull();
    assert!(pulled.succeeds().stdout.contains("\nStatus: Chart is up to date for "), "{pulled}");
    // The removal came last.
    assert!(snapshot(&home.cache()).is_empty());
    assert!(pull().succeeds().stdout.contains("\nStatus: Downloaded newer chart for "));
}

#[test]
fn a_removal_while_a_push_is_under_way_is_no_error() {
    let home = Arc::new(Home::new());
    let inside = Arc::clone(&home);
    let mock = Mock::serve(move |request| match request.line.split(' ').next().unwrap() {
        "HEAD" => {
            let reference = format!("{}/a:1.0", request.header("host").unwrap());
            inside.command("helm-chart-remove").args([reference]).run().succeeds();
            on(&request.line).answer(404, &[], b"")
        }
        "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
        _ => on(&request.line).answer(201, &[], b""),
    });
    crate::common::write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n"), ("values.yaml", "a: 1\n")],
    );
    let reference = format!("{}/a:1.0", mock.host());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    home.command("helm-chart-push").args([&reference]).run().succeeds().warns_of_names_alone();
    assert_eq!(mock.requests().len(), 6);
    // The push does not bring back what was removed meanwhile.
    assert!(snapshot(&home.cache()).is_empty(), "{:#?}", snapshot(&home.cache()).keys());
}

#[test]
fn what_killed_commands_left_behind_goes_with_the_next_one() {
    let home = Home::new();
    let minutes_ago = |name: &str, minutes: u64| {
        let path = home.write(format!(".helm/registry/tmp/{name}"), "left");
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes)).unwrap();
        (path, file)
    };
    // A lock dies with its process: without one, a file is nobody's however young it is.
    let (abandoned, _) = minutes_ago("blob-abandoned", 0);
    let (stale, _) = minutes_ago("sha256-stale.partial", 25 * 60);
    let (used, lock) = minutes_ago("blob-used", 48 * 60);
    lock.lock().unwrap();
    let (resumed, resuming) = minutes_ago("sha256-resumed.partial", 25 * 60);
    resuming.lock().unwrap();
    // Somebody may go on with it.
    let (partial, _) = minutes_ago("sha256-new.partial", 60);
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    home.command("helm-chart-save").args(["mychart", "localhost:5000/mychart:1"]).run().succeeds();
    assert_eq!([&abandoned, &stale].map(|path| path.exists()), [false; 2]);
    assert_eq!([&used, &resumed, &partial].map(|path| path.exists()), [true; 3]);
}

#[test]
fn a_download_that_the_disk_refuses_leaves_nothing() {
    let shelf = Shelf::new(&large());
    let home = Home::new();
    let reference = shelf.reference();
    // No file larger than 64 KiB: as good as a full disk.
    let script = "trap '' XFSZ; ulimit -f 128; exec helm-chart-pull \"$1\"";
    let pulled = home.program("/bin/sh").args(["-c", script, "sh", &reference]).run();
    pulled.fails(1).stdout_is("");
    assert!(pulled.stderr.contains("cannot write the content of sha256:"), "{pulled}");
    assert!(snapshot(&home.cache()).is_empty(), "{:#?}", snapshot(&home.cache()).keys());
}
