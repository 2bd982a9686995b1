//! A load into a registry that is killed, at every single request: what is there is whole, and the next run brings the rest.

use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::{bundle, load};
use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::world::There;
use crate::common::{EmbeddedRegistry, Home};
use crate::copy::killed::Gate;

#[test]
fn a_load_that_is_killed_anywhere_is_whole_after_the_next() {
    let (home, other) = (Home::new(), Home::new());
    let from = EmbeddedRegistry::start(&home, []);
    let to = EmbeddedRegistry::start(&other, ["--no-referrers"]);
    let there = source(from.address());
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    bundle(&home, [&*format!("{}/src/mychart:{TAG}", from.address()), "-o", "charts.tar"]).succeeds();
    let mut ended = false;
    for most in 0..200 {
        let gate = Gate::before(to.address(), most);
        let name = format!("dst{most}");
        let args = |host: &str| ["charts.tar".to_owned(), "--to".to_owned(), format!("oci://{host}/{name}")];
        let mut command = home.command("helm-chart-load").args(args(&gate.host)).prepared();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if gate.is_shut.load(Ordering::SeqCst) {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "behind request {most}");
            thread::sleep(Duration::from_millis(2));
        };
        let loaded = There::new(to.address(), &format!("{name}/src/mychart"));
        // Who sees the tag sees all of it.
        if loaded.get(TAG).is_some() {
            object.is_at(&loaded, TAG);
        }
        if let Some(status) = status {
            assert!(status.success(), "behind request {most}");
            assert!(most > 20);
            ended = true;
            break;
        }
        load(&home, args(to.address())).succeeds();
        object.is_at(&loaded, TAG);
    }
    assert!(ended, "it never ends");
}
