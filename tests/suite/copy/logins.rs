//! Each side has its own login, and neither sees the other's.

use base64::Engine as _;

use crate::attached::carried::{TAG, pushed, source};
use crate::attached::world::There;
use crate::common::counter::Counter;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

#[test]
fn neither_side_sees_the_login_of_the_other() {
    let (Some(from), Some(to)) = (
        DockerRegistry::start_with_password("reader", "secret-of-the-source"),
        DockerRegistry::start_with_password("writer", "secret-of-the-target"),
    ) else {
        return;
    };
    let (left, right) = (Counter::start(from.address()), Counter::start(to.address()));
    let owner = Home::new();
    crate::common::write_chart(
        &owner.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n"), ("values.yaml", "a: 1\n")],
    );
    let prefix = format!("oci://{}/src", from.address());
    let push = ["mychart", &prefix, "-u", "reader", "--password-stdin"];
    owner.command("helm-chart-push").args(push).stdin("secret-of-the-source").run().succeeds();

    let basic = |login: &str| base64::engine::general_purpose::STANDARD.encode(login);
    let (reader, writer) = (basic("reader:secret-of-the-source"), basic("writer:secret-of-the-target"));
    let source = format!("{}/src/mychart:{TAG}", left.host());
    let mut count = 0;
    let mut copied = |run: crate::common::Run<'_>, name: &str| {
        let target = format!("{}/{name}/mychart", right.host());
        run.args([&source, &target]).run().succeeds();
        let (left, right) = (left.take_all(), right.take_all());
        assert!(left.contains(&reader) && !left.contains(&writer) && !left.contains("writer"), "{left}");
        assert!(right.contains(&writer) && !right.contains(&reader) && !right.contains("reader"), "{right}");
        count += 1;
    };
    let home = Home::new();
    let by_flags = home.command("helm-chart-copy").args(["-u", "writer", "--password-stdin"]);
    let by_flags = by_flags.stdin("secret-of-the-target\n");
    copied(
        by_flags
            .env("HELM_OCI_FROM_USERNAME", "reader")
            .env("HELM_OCI_FROM_PASSWORD", "secret-of-the-source"),
        "flags",
    );
    let by_variables = home.command("helm-chart-copy").args(["--from-username", "reader"]);
    let by_variables = by_variables.args(["--from-password-stdin"]).stdin("secret-of-the-source\n");
    copied(
        by_variables.env("HELM_OCI_USERNAME", "writer").env("HELM_OCI_PASSWORD", "secret-of-the-target"),
        "variables",
    );
    assert_eq!(count, 2);

    // The destination's alone is none for the source.
    let run = home.command("helm-chart-copy").args([&source, &format!("{}/x/mychart", right.host())]);
    let run = run.env("HELM_OCI_USERNAME", "writer").env("HELM_OCI_PASSWORD", "secret-of-the-target").run();
    run.fails(4);
    assert!(!left.take_all().contains(&writer));
    // Half of one is none.
    let run = home.command("helm-chart-copy").args([&source, &format!("{}/x/mychart", right.host())]);
    let run = run.env("HELM_OCI_USERNAME", "writer").env("HELM_OCI_PASSWORD", "secret-of-the-target");
    let run = run.env("HELM_OCI_FROM_USERNAME", "reader").run();
    run.fails(1);
    assert!(run.stderr.contains("HELM_OCI_FROM_USERNAME is set without HELM_OCI_FROM_PASSWORD"), "{run}");
    // Within one registry there is one login.
    let run = home.command("helm-chart-copy").args([&source, &format!("{}/x/mychart", left.host())]);
    let run = run.env("HELM_OCI_USERNAME", "reader").env("HELM_OCI_PASSWORD", "secret-of-the-source").run();
    run.succeeds();
}

#[test]
fn the_source_may_be_open_to_all() {
    let Some(to) = DockerRegistry::start_with_password("writer", "secret") else { return };
    let home = Home::new();
    let from = EmbeddedRegistry::start(&home, []);
    let (_, chart) = pushed(&source(from.address()));
    let home = Home::new();
    let target = format!("{}/dst/mychart", to.address());
    let run = home.command("helm-chart-copy").args([format!("{}/src/mychart:{TAG}", from.address()), target]);
    run.args(["-u", "writer", "--password-stdin"]).stdin("secret").run().succeeds();
    assert!(There::new(from.address(), "src/mychart").get(TAG) == Some(chart));
}
