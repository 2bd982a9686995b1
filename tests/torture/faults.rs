//! A disk that refuses: full, over quota, broken, read-only, not ours. The command says so in one line and ends with 1, what
//! was there is whole, nothing half stands at the destination, and once the disk is well again so is the command.

use super::common::{errno, table};
use super::strace::{Point, Strace};
use super::world::{self, Scenario, Visible, World, is_whole};

/// Of each command, in a run of the tests.
const FAULTS: usize = 8;

const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT"];

/// A full disk stays full; and there is more that is written than to a disk.
fn lasts(call: &str, error: &str) -> bool {
    matches!(error, "ENOSPC" | "EDQUOT" | "EROFS")
        && !["openat", "openat2", "write", "writev"].contains(&call)
}

fn refuse(
    world: &World,
    strace: &Strace,
    scenario: &Scenario,
    states: &[Visible; 2],
    point: &Point,
    error: &str,
    number: usize,
) {
    let (home, command) = world.begin(scenario, number);
    let more = if lasts(&point.call, error) { "+" } else { "" };
    let inject = format!("{}:error={error}:when={}{more}", point.call, point.number);
    let run = strace.run(&home, &inject, &command, scenario.stdin);
    let seen = world.visible(&home);
    let what = format!("{inject}: {run}");
    // A call is counted in each thread, so that the one may meet the disk and another one standard error.
    let log = std::fs::read_to_string(home.path().join("strace.log")).unwrap();
    let mute = log.lines().any(|line| line.contains("write(2, ") && line.contains("INJECTED"));
    match run.code {
        // It can do without: what it wanted was only to tidy up, or to see whether something is there.
        Some(0) => {
            // A push has its result in the registry; that the cache cannot note it is told.
            let noted = mute || run.stderr.contains("but not noted as such");
            assert!(seen == states[1] || (noted && seen == states[0]), "{what}\nleaves {seen:?}");
        }
        code => {
            assert_eq!(code, Some(1), "{what}");
            assert!(seen.lies_within(states), "{what}\nleaves {seen:?}");
            let errors = run.stderr.lines().filter(|line| line.starts_with("Error: ")).collect::<Vec<_>>();
            assert!(mute || (errors.len() == 1 && errors[0].ends_with(errno::said(error))), "{what}");
        }
    }
    // Neither is there anything else, unless it could not be taken away.
    let tidies = ["unlink", "unlinkat", "rmdir", "openat", "openat2"].contains(&point.call.as_str());
    let litter = world.inventory(&home).into_iter().filter(|path| path.starts_with("out/.helm-oci-"));
    assert!(tidies || litter.count() == 0, "{what}");
    is_whole(&home);
    let again = home.command(&command[0]).args(&command[1..]).stdin(scenario.stdin).run();
    assert!(again.code.is_some_and(|code| scenario.again.contains(&code)), "{inject}: {again}");
    assert_eq!(world.visible(&home), states[1], "{inject}: {again}");
}

fn faults(scenario: &Scenario) {
    let Some(strace) = Strace::find() else { return };
    let world = World::new();
    let (home, command) = world.begin(scenario, 1);
    let before = world.visible(&home);
    let (mut points, output) = strace.points(&home, &command, scenario.stdin);
    output.succeeds();
    let states = [before, world.visible(&home)];
    // Locks that are refused are looked at in a place of their own.
    points.retain(|point| point.call != "flock");
    let mut faults = Vec::new();
    for (index, point) in points.into_iter().enumerate() {
        match table::whole() {
            true => faults.extend(ERRORS.map(|error| (point.clone(), error))),
            false => faults.push((point, ERRORS[index % ERRORS.len()])),
        }
    }
    let faults = table::slice(faults, FAULTS);
    let mut failures = Vec::new();
    for (index, (point, error)) in faults.iter().enumerate() {
        failures.extend(table::failure(|| {
            refuse(&world, &strace, scenario, &states, point, error, index + 2);
        }));
    }
    table::settle(&format!("disk refuses: {}", scenario.name), faults.len(), "faults", &failures);
}

#[test]
fn save_on_a_faulty_disk() {
    faults(&world::SAVE);
}

#[test]
fn pull_on_a_faulty_disk() {
    faults(&world::PULL);
}

#[test]
fn push_on_a_faulty_disk() {
    faults(&world::PUSH);
}

#[test]
fn tag_on_a_faulty_disk() {
    faults(&world::TAG);
}

#[test]
fn export_on_a_faulty_disk() {
    faults(&world::EXPORT);
}

#[test]
fn remove_on_a_faulty_disk() {
    faults(&world::REMOVE);
}

#[test]
fn prune_on_a_faulty_disk() {
    faults(&world::PRUNE);
}

#[test]
fn import_on_a_faulty_disk() {
    faults(&world::IMPORT);
}

#[test]
fn login_on_a_faulty_disk() {
    faults(&world::LOGIN);
}
