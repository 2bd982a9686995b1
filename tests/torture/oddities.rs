//! What is odd about a machine and no fault: signals, file systems without locks, caches that are links, that have spaces
//! in their paths, that cannot be written.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use oci::digest::Digest;

use super::common::{Home, note, snapshot, table};
use super::strace::Strace;
use super::world::{self, World, is_whole};

const ALL: [world::Scenario; 9] = [
    world::SAVE,
    world::PULL,
    world::PUSH,
    world::TAG,
    world::EXPORT,
    world::REMOVE,
    world::PRUNE,
    world::IMPORT,
    world::LOGIN,
];

#[test]
fn interrupted_calls_are_made_again() {
    let Some(strace) = Strace::find() else { return };
    let world = World::new();
    // Every second call, past those of the loader.
    let calls = ["flock:error=EINTR:when=1+2", "fsync:error=EINTR:when=1+2", "write:error=EINTR:when=1+2"];
    let calls = calls.into_iter().chain(["openat:error=EINTR:when=9+2", "read:error=EINTR:when=9+2"]);
    let cases: Vec<_> = ALL.iter().flat_map(|s| calls.clone().map(move |call| (s, call))).collect();
    let cases = table::slice(cases, 15);
    let mut failures = Vec::new();
    for (number, (scenario, inject)) in cases.iter().enumerate() {
        failures.extend(table::failure(|| {
            let (home, command) = world.begin(scenario, number + 1);
            strace.run(&home, inject, &command, scenario.stdin).succeeds().warns_of_names_alone();
            is_whole(&home);
        }));
    }
    table::settle("interrupted: EINTR", cases.len(), "faults", &failures);
}

#[test]
fn without_threads_everything_is_done_in_the_one_that_there_is() {
    let Some(strace) = Strace::find() else { return };
    let world = World::new();
    let several = world::Scenario {
        command: "helm-chart-pull {host}/there/mychart:1 {host}/other/mychart:1",
        ..world::PULL
    };
    // A limit on processes may leave none beside ours, or a few.
    let limits = ["?clone,?clone3:error=EAGAIN:when=1+", "?clone,?clone3:error=EAGAIN:when=2+"];
    let scenarios = ALL.iter().chain([&several]);
    let cases: Vec<_> = scenarios.flat_map(|s| limits.map(|limit| (s, limit))).collect();
    let mut failures = Vec::new();
    for (number, (scenario, inject)) in cases.iter().enumerate() {
        failures.extend(table::failure(|| {
            let (home, command) = world.begin(scenario, number + 1);
            strace.run(&home, inject, &command, scenario.stdin).succeeds().warns_of_names_alone();
            is_whole(&home);
        }));
    }
    // But a server needs some.
    let serve = ["helm-registry-serve", "--listen", "127.0.0.1:0", "--data", "data"].map(str::to_owned);
    let run = strace.run(&Home::new(), limits[0], &serve, "");
    run.fails(1).stderr_is("Error: cannot start: Resource temporarily unavailable\n");
    table::settle("no threads: EAGAIN", cases.len(), "faults", &failures);
}

#[test]
fn without_locks_everything_works_but_what_could_harm_others() {
    let Some(strace) = Strace::find() else { return };
    let world = World::new();
    let mut failures = Vec::new();
    for scenario in &ALL {
        failures.extend(table::failure(|| {
            let (home, command) = world.begin(scenario, 1);
            let before = world.visible(&home);
            let run = strace.run(&home, "flock:error=ENOLCK:when=1+", &command, scenario.stdin);
            if [world::REMOVE.name, world::PRUNE.name, world::LOGIN.name].contains(&scenario.name) {
                // Nobody could be kept out of what is collected, or of the file that is rewritten.
                run.fails(1).stdout_is("");
                assert!(run.stderr.contains(": No locks available\n"), "{run}");
                assert_eq!(world.visible(&home), before);
            } else {
                run.succeeds();
                assert!(
                    run.stderr_but_names().lines().all(|line| line.contains("cannot be locked: ")),
                    "{run}"
                );
            }
            is_whole(&home);
        }));
    }
    table::settle("no locks: ENOLCK", ALL.len(), "commands", &failures);
}

#[test]
fn directories_are_found_step_by_step_where_that_cannot_be_done_at_once() {
    let Some(strace) = Strace::find() else { return };
    let world = World::new();
    // An older system, and a container whose filter refuses what it does not know.
    let cases: Vec<_> =
        ALL.iter().flat_map(|scenario| ["ENOSYS", "EPERM"].map(|error| (scenario, error))).collect();
    let mut failures = Vec::new();
    for (number, (scenario, error)) in cases.iter().enumerate() {
        failures.extend(table::failure(|| {
            let (home, command) = world.begin(scenario, number + 1);
            let inject = format!("?openat2:error={error}:when=1+");
            strace.run(&home, &inject, &command, scenario.stdin).succeeds().warns_of_names_alone();
            is_whole(&home);
        }));
    }
    table::settle("no openat2", cases.len(), "commands", &failures);
}

/// Saves, lists, exports, verifies and removes.
fn lives(home: &Home) {
    let reference = "localhost:5000/a/mychart:1";
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let run = |command: &str, args: &[&str]| home.command(command).args(args).run();
    run("helm-chart-save", &["-q", "mychart", reference]).succeeds().warns_of_names_alone();
    run("helm-chart-list", &["-q"]).warns_of_names_alone().prints(&format!("{reference}\n"));
    run("helm-chart-export", &["-q", "-d", "out", reference]).warns_of_names_alone().prints("out/mychart\n");
    run("helm-chart-fsck", &[]).succeeds().warns_of_names_alone();
    run("helm-chart-remove", &[reference]).warns_of_names_alone().prints("1: removed\n");
    run("helm-chart-list", &["-q"]).warns_of_names_alone().prints("");
}

#[test]
fn the_cache_may_be_a_link() {
    let home = Home::new();
    home.directory("elsewhere");
    home.directory(".helm");
    symlink("../elsewhere", home.cache()).unwrap();
    lives(&home);
    assert!(fs::symlink_metadata(home.cache()).unwrap().is_symlink());
    assert!(home.path().join("elsewhere/blobs").is_dir());
}

#[test]
fn its_path_may_have_spaces_and_what_is_not_ascii() {
    let mut home = Home::new();
    let path = home.path().join("helm's \u{2388} home");
    home.set("HELM_HOME", &path);
    lives(&home);
    assert!(path.join("registry/blobs").is_dir());
}

#[test]
fn without_a_home_the_system_is_asked_for_it() {
    let mut home = Home::new();
    home.set("HELM_HOME", "");
    home.set("HOME", "");
    let listed = home.command("helm-chart-list").args(["-q"]).run();
    // Whoever runs the tests has one, or has none: a list or one line, and no panic.
    match listed.code {
        Some(0) => {}
        _ => {
            listed.fails(1);
            assert!(listed.stderr.contains("hint: set HELM_HOME to where the cache should be\n"), "{listed}");
        }
    }
}

#[test]
fn what_reads_a_cache_needs_not_to_write_it() {
    let world = World::new();
    let (home, _) = world.begin(&world::PUSH, 7);
    let before = snapshot(&home.cache());
    let reference = format!("{}/push7/mychart:1", world.host());
    // Root writes where it likes, but not into a file system that is mounted read-only.
    let script =
        "mount --bind \"$HELM_HOME\" \"$HELM_HOME\" && mount -o remount,bind,ro \"$HELM_HOME\" || exit 99
        touch \"$HELM_HOME/registry/x\" 2>/dev/null && exit 98
        helm-chart-list -q >/dev/null && helm-chart-export -f -q -d out $0 && helm-chart-fsck >/dev/null &&
        helm-chart-push -q $0";
    let unshare =
        Command::new("unshare").args(["-rm", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !unshare.is_ok_and(|status| status.success()) {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    let output = home.program("unshare").args(["-rm", "/bin/sh", "-c", script, &reference]).run();
    if output.code == Some(99) {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    let digest = "@sha256:";
    assert!(output.succeeds().stdout.starts_with(&format!("out/mychart\n{reference}{digest}")), "{output}");
    let said = format!("Warning: {reference} was pushed, but not noted as such: ");
    let told = output.stderr_but_names();
    assert!(told.starts_with(&said) && told.lines().count() == 1, "{output}");
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn a_disk_that_is_really_full_is_told() {
    let home = Home::new();
    // Noise, which does not compress.
    let noise: String = (0..4096_u32).map(|n| Digest::of(&n.to_le_bytes()).hex().to_owned()).collect();
    home.write("large/Chart.yaml", "apiVersion: v2\nname: large\nversion: 1.0.0\n");
    home.write("large/noise", noise);
    home.write("small/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n");
    home.directory(".helm");
    let script = "mount -t tmpfs -o size=128k tmpfs \"$HELM_HOME\" || exit 99
        helm-chart-save -q small localhost:5000/small:1 || exit 98
        helm-chart-save -q large localhost:5000/large:1
        helm-chart-list -q; helm-chart-fsck; ls \"$HELM_HOME/registry/tmp\"";
    let output = home.program("unshare").args(["-rm", "/bin/sh", "-c", script]).run();
    if matches!(output.code, Some(99 | 1)) {
        return note("nothing can be mounted here, so no disk is really full");
    }
    let said = &output.succeeds().stderr_but_names();
    assert!(
        said.starts_with("Error: cannot save large: cannot pack ") && said.lines().count() == 1,
        "{output}"
    );
    assert!(said.ends_with(": No space left on device\n"), "{output}");
    let (first, rest) = output.stdout.split_once('\n').unwrap();
    assert!(first.starts_with("localhost:5000/small:1@sha256:"), "{output}");
    assert!(rest.starts_with("localhost:5000/small:1\n1 reference, 2 blobs, "), "{output}");
    assert!(rest.ends_with(": all is well\n"), "{output}");
}
