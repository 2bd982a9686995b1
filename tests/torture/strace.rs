//! strace, which makes a system call fail or kills the process at it: the same call every time, which random kills are
//! not. Its counters are per thread: of a command with several, the first one that comes to its n-th call is hit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::common::{Home, Output, note, tool};

/// The calls by which a process changes what is on a disk, and those that it prepares that with. A `?` lets those be that
/// the machine does not have.
pub const CALLS: &str = "?openat,?openat2,?write,?pwrite64,?writev,?copy_file_range,?sendfile,?fsync,?fdatasync,?rename,?renameat,\
     ?renameat2,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir,?link,?linkat,?symlink,?symlinkat,?ftruncate,?fchmod,?chmod,\
     ?fchmodat,?flock";

/// One call of one run: the n-th of its kind in its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub call: String,
    pub number: usize,
}

pub struct Strace(PathBuf);

impl Strace {
    /// Finds it; `None` where there is none (see [`tool`]), or where nothing may be traced.
    pub fn find() -> Option<Self> {
        let strace = Self(tool("strace")?);
        let tried = Home::new().program(&strace.0).args(["-f", "-qq", "-o", "log", "true"]).run();
        if tried.to_string().contains("Some(0)") {
            return Some(strace);
        }
        note(&format!("nothing can be traced here: {tried}"));
        None
    }

    /// Runs one of our commands with something injected: `fsync:error=EIO:when=3`.
    pub fn run(&self, home: &Home, inject: &str, command: &[String], stdin: &str) -> Output {
        let calls = inject.split(':').next().unwrap();
        self.traced(
            home,
            &["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")],
            command,
            stdin,
        )
    }

    /// Kills one of our commands as it makes that call.
    pub fn kill(&self, home: &Home, point: &Point, command: &[String], stdin: &str) -> Output {
        let inject = format!("{}:signal=KILL:when={}", point.call, point.number);
        self.run(home, &inject, command, stdin)
    }

    /// The points of a run that nothing disturbs. What the loader does before the program begins is none of them.
    pub fn points(&self, home: &Home, command: &[String], stdin: &str) -> (Vec<Point>, Output) {
        let output = self.traced(home, &["-e", &format!("trace={CALLS}")], command, stdin);
        let log = std::fs::read_to_string(home.path().join("strace.log")).unwrap();
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut points: Vec<Point> = Vec::new();
        let mut loading = true;
        for line in log.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
            if call.contains(' ') {
                continue;
            }
            let number = counts.entry((thread, call)).or_default();
            *number += 1;
            let library = ["\"/etc/ld.so", "\"/lib", "\"/usr/lib", "\"/proc/self/maps"];
            loading &= library.iter().any(|path| arguments.contains(path));
            let point = Point { call: call.to_owned(), number: *number };
            if !loading && !points.contains(&point) {
                points.push(point);
            }
        }
        (points, output)
    }

    fn traced(&self, home: &Home, how: &[&str], command: &[String], stdin: &str) -> Output {
        let program = home.executable(&command[0]);
        let strace = home.program(&self.0).args(["-f", "-qq", "-o", "strace.log"]).args(how);
        strace.args(["--".into(), program.into_os_string()]).args(&command[1..]).stdin(stdin).run()
    }
}
