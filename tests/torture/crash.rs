//! Killed at any system call: what was there before is whole, the same command succeeds at the first try, and what is
//! left lying about does not grow.

use std::process::Stdio;
use std::time::Duration;

use super::attached;
use super::common::{snapshot, table};
use super::strace::{Point, Strace};
use super::world::{self, Scenario, Visible, World, is_whole};

/// Of each command, in a run of the tests.
const POINTS: usize = 9;
/// How often a point is gone for before it counts as one that is not met.
const TRIES: usize = 5;

struct Trial<'a> {
    world: &'a World,
    strace: &'a Strace,
    scenario: &'a Scenario,
    /// What a user may see: all as before, or all as after.
    states: [Visible; 2],
    /// What lies there in the end, when it has been tidied up.
    tidy: Vec<String>,
}

impl Trial<'_> {
    /// Kills it there so many times, each time after a run that succeeded; says how much lies there in the end, and
    /// whether the first one was really killed.
    fn kill(&self, point: &Point, times: usize, number: usize) -> (usize, bool) {
        let (home, command) = self.world.begin(self.scenario, number);
        let mut died = false;
        for _ in 0..times {
            let killed = self.strace.kill(&home, point, &command, self.scenario.stdin);
            died |= killed.code.is_none();
            let seen = self.world.visible(&home);
            assert!(
                seen.lies_within(&self.states),
                "{point:?}: {killed}\nleaves {seen:#?}\nnot {:#?}",
                self.states
            );
            is_whole(&home);
            if self.scenario.name == world::PUSH_ATTACHED.name {
                // Who sees the tag sees all that belongs to it.
                let carried = self.world.carried(number);
                assert!(
                    carried.is_none_or(|count| count == attached::COUNT),
                    "{point:?}: {killed}\n{carried:?}"
                );
            }
            let again = home.command(&command[0]).args(&command[1..]).stdin(self.scenario.stdin).run();
            assert!(again.code.is_some_and(|code| self.scenario.again.contains(&code)), "{point:?}: {again}");
            assert_eq!(self.world.visible(&home), self.states[1], "{point:?}: {again}");
            if self.scenario.name == world::PUSH_ATTACHED.name {
                assert_eq!(self.world.carried(number), Some(attached::COUNT), "{point:?}: {again}");
            }
        }
        let left = self.world.inventory(&home).len();
        home.command("helm-chart-fsck").args(["--repair"]).run().succeeds().warns_of_names_alone();
        assert_eq!(self.world.inventory(&home), self.tidy, "{point:?}");
        (left, died)
    }
}

fn crash(scenario: &Scenario) {
    let Some(strace) = Strace::find() else { return };
    let world = World::of(scenario);
    let (home, command) = world.begin(scenario, 1);
    let before = world.visible(&home);
    let (points, output) = strace.points(&home, &command, scenario.stdin);
    output.succeeds();
    let states = [before, world.visible(&home)];
    home.command("helm-chart-fsck").args(["--repair"]).run().succeeds();
    let trial = Trial { world: &world, strace: &strace, scenario, states, tidy: world.inventory(&home) };
    let points = table::slice(points, POINTS);
    let (mut failures, mut killed) = (Vec::new(), 0);
    for (index, point) in points.iter().enumerate() {
        failures.extend(table::failure(|| {
            // Which thread makes which call is not the same in every run: a point may take more than one to be met.
            let (mut once, mut died, mut tries) = (0, false, 0);
            while !died && tries < TRIES {
                (once, died) = trial.kill(point, 1, 10 * index + 2);
                tries += 1;
            }
            killed += usize::from(died);
            // Litter that grew with each kill would be seen by the third.
            if index % 5 == 2 {
                let (thrice, _) = trial.kill(point, 3, 10 * index + 3);
                assert!(thrice <= once, "{point:?}: {once} files after one kill, {thrice} after three");
            }
        }));
    }
    assert!(
        killed * 10 >= points.len() * 8,
        "{}: only {killed} of {} were killed",
        scenario.name,
        points.len()
    );
    table::settle(&format!("killed: {}", scenario.name), killed, "points", &failures);
}

/// At any time, of eight at once: what a fixed call in one process does not meet.
#[test]
fn several_may_be_killed_at_any_time() {
    const AT_ONCE: usize = 8;
    let world = World::new();
    let scenarios = [
        world::SAVE,
        world::PULL,
        world::TAG,
        world::EXPORT,
        world::REMOVE,
        world::PUSH,
        world::SAVE,
        world::PULL,
    ];
    let rounds = if table::whole() { 25 } else { 3 };
    let (mut failures, mut random) = (Vec::new(), 7_u64);
    for round in 0..rounds {
        let (home, _) = world.begin(&world::SAVE, 0);
        let children = scenarios.map(|scenario| {
            let command = world.command(&scenario, 0);
            let mut prepared = home.command(&command[0]).args(&command[1..]).prepared();
            let quiet = prepared.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // Up to as long as a command takes.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (quiet.spawn().unwrap(), Duration::from_micros((random >> 33) % 30_000))
        });
        std::thread::scope(|scope| {
            for (mut child, delay) in children {
                scope.spawn(move || {
                    std::thread::sleep(delay);
                    child.kill().unwrap();
                    child.wait().unwrap();
                });
            }
        });
        failures.extend(table::failure(|| {
            world.visible(&home);
            is_whole(&home);
            for scenario in [world::SAVE, world::PULL, world::TAG, world::EXPORT, world::REMOVE] {
                let command = world.command(&scenario, 0);
                let run = home.command(&command[0]).args(&command[1..]).run();
                let fine = run.code.is_some_and(|code| scenario.again.contains(&code));
                assert!(fine, "round {round}: {run}");
            }
            is_whole(&home);
            // An interrupted download is kept for a day: whoever pulls it goes on with it.
            let left = snapshot(&home.cache().join("tmp"));
            assert!(left.keys().all(|name| name.ends_with(".partial")), "round {round}: {:?}", left.keys());
        }));
    }
    table::settle("killed: 8 at once, at any time", rounds * AT_ONCE, "kills", &failures);
}

#[test]
fn save_may_be_killed() {
    crash(&world::SAVE);
}

#[test]
fn pull_may_be_killed() {
    crash(&world::PULL);
}

#[test]
fn push_may_be_killed() {
    crash(&world::PUSH);
}

#[test]
fn pull_may_be_killed_with_what_is_attached() {
    crash(&world::PULL_ATTACHED);
}

#[test]
fn push_may_be_killed_with_what_is_attached() {
    crash(&world::PUSH_ATTACHED);
}

#[test]
fn tag_may_be_killed() {
    crash(&world::TAG);
}

#[test]
fn export_may_be_killed() {
    crash(&world::EXPORT);
}

#[test]
fn remove_may_be_killed() {
    crash(&world::REMOVE);
}

#[test]
fn prune_may_be_killed() {
    crash(&world::PRUNE);
}

#[test]
fn import_may_be_killed() {
    crash(&world::IMPORT);
}

#[test]
fn bundle_may_be_killed() {
    crash(&world::BUNDLE);
}

#[test]
fn load_may_be_killed() {
    crash(&world::LOAD);
}

#[test]
fn login_may_be_killed() {
    crash(&world::LOGIN);
}
