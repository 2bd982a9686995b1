//! `helm-chart-tag`: a second name for what is there.

use crate::common::{Home, snapshot, write_chart};

const REF: &str = "localhost:5000/myrepo/mychart:2.7.0";

fn home() -> Home {
    let home = Home::new();
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 2.7.0+1\n"), ("values.yaml", "a: 1\n")],
    );
    home.command("helm-chart-save").args(["mychart", REF]).run().succeeds();
    home
}

#[test]
fn a_second_reference_stands_for_the_same_blobs() {
    let home = home();
    let tag = |target: &str| home.command("helm-chart-tag").args([REF, target]).run();
    tag("example.com/a:b").prints("example.com/a:b: tagged\n").stderr_is("");
    tag("oci://example.com/a").prints("example.com/a:2.7.0_1: tagged\n");
    tag(REF).prints(&format!("{REF}: tagged\n"));
    let list = home.command("helm-chart-list").args(["-q"]).run();
    list.prints(&format!("example.com/a:2.7.0_1\nexample.com/a:b\n{REF}\n"));
    let blobs = std::fs::read_dir(home.cache().join("blobs/sha256")).expect("blobs").count();
    assert_eq!(blobs, 2);
    // Each stands by itself.
    home.command("helm-chart-remove").args([REF]).run().succeeds();
    home.command("helm-chart-export").args(["example.com/a:b", "-d", "out"]).run().succeeds();
    assert!(home.path().join("out/mychart/values.yaml").is_file());
}

#[test]
fn what_cannot_be_tagged_changes_nothing() {
    let home = home();
    let before = snapshot(&home.cache());
    let digest = format!("example.com/a@sha256:{}", "0".repeat(64));
    for (args, code, stderr) in [
        (
            vec!["localhost:5000/none:1", "example.com/a:1"],
            3,
            "Error: cannot tag localhost:5000/none:1: not in the cache\nhint: helm oci list shows what is there\n".to_owned(),
        ),
        (
            vec!["localhost:5000/myrepo/mychart", "example.com/a:1"],
            2,
            "Error: cannot tag localhost:5000/myrepo/mychart: the reference `localhost:5000/myrepo/mychart` has neither a \
             tag nor a digest\nhint: add a tag: host[:port]/repository:tag\n"
                .to_owned(),
        ),
        (vec![REF, &digest], 2, format!("Error: `{digest}` has a digest: a chart is named by a tag\n")),
        (
            vec![REF],
            2,
            "Error: no target is given\n\
             hint: helm-chart-tag --help shows how it is called\n"
                .to_owned(),
        ),
    ] {
        home.command("helm-chart-tag").args(&args).run().fails(code).stdout_is("").stderr_is(&stderr);
    }
    assert_eq!(snapshot(&home.cache()), before);
}
