//! Several charts, and lists of them.

use crate::attached::carried::{TAG, pushed, source};
use crate::attached::world::There;
use crate::common::{EmbeddedRegistry, Home};

#[test]
fn many_go_below_a_prefix() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (owner, chart) = pushed(&there);
    let address = registry.address();
    let other = format!("{address}/more/mychart:{TAG}");
    owner.command("helm-chart-save").args(["-q", "mychart", &other]).run().succeeds();
    owner.command("helm-chart-push").args(["-q", &other]).run().succeeds();
    let home = Home::new();
    let list = format!("{address}/src/mychart:{TAG}\n  # nothing\n{other} # with its name\n");
    let prefix = format!("oci://{address}/mirror");
    let run = home.command("helm-chart-copy").args(["--file", "-", "--to", &prefix, "-q"]).stdin(list).run();
    assert_eq!(run.succeeds().stdout.lines().count(), 2, "{run}");
    for name in ["mirror/src/mychart", "mirror/more/mychart"] {
        assert_eq!(There::new(address, name).get(TAG).as_ref(), Some(&chart), "{name}");
    }
    // By its digest alone it keeps that.
    let digest = oci::digest::Digest::of(&chart);
    let by_digest = format!("{address}/src/mychart@{digest}");
    let target = format!("{address}/pinned/mychart");
    let run = home.command("helm-chart-copy").args(["-q", &by_digest, &target]).run();
    run.succeeds().stdout_is(&format!("{target}@{digest}\n"));
    assert_eq!(There::new(address, "pinned/mychart").get(&digest.to_string()), Some(chart));
}

#[test]
fn what_cannot_be_understood_is_told_before_anything_is_copied() {
    let home = Home::new();
    for (list, expected) in [
        ("localhost:1/a:1\n", "Error: list, line 1: `localhost:1/a:1`: where to?\n"),
        ("\nlocalhost:1/a:1 b c d\n", "Error: list, line 2: `c` stands behind source and destination\n"),
        (
            "localhost:1/a localhost:1/b\n",
            "Error: list, line 1: `localhost:1/a` has neither a tag nor a digest\n",
        ),
        ("# nothing\n", "Error: list names no chart\n"),
    ] {
        home.write("list", list);
        let run = home.command("helm-chart-copy").args(["--file", "list"]).run();
        run.fails(2);
        assert!(run.stderr.starts_with(expected), "{run}");
    }
    let run = home.command("helm-chart-copy").args(["--file", "missing"]).run();
    run.fails(3);
    let run = home.command("helm-chart-copy").args(["localhost:1/a:1", "oci://localhost:2"]).run();
    run.fails(2);
    assert!(run.stderr.contains("hint: --to oci://localhost:2 keeps"), "{run}");
    let args = ["-f", "-", "--from-password-stdin", "--from-username", "a"];
    home.command("helm-chart-copy").args(args).run().fails(2);
}
