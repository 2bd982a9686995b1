//! What arrives, and what does not.

use std::fs;

use oci::digest::Digest;
use serde_json::Value;

use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::world::There;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, files, write_chart};

fn copy(home: &Home, args: &[&str]) -> Output {
    home.command("helm-chart-copy").args(args).run()
}

/// Everything attached goes from one registry to another, and on to a third repository from there.
fn travels(from: &str, to: &str) {
    let there = source(from);
    let (_, chart) = pushed(&there);
    let object = attach_all(&there, &chart);
    let home = Home::new();
    let (first, second) = (format!("{to}/dst/mychart:{TAG}"), format!("{to}/on/mychart"));
    copy(&home, &[&format!("{from}/src/mychart:{TAG}"), &first]).succeeds();
    object.is_at(&There::new(to, "dst/mychart"), TAG);
    copy(&home, &[&first, &second]).succeeds();
    object.is_at(&There::new(to, "on/mychart"), TAG);
    // Alone, it brings nothing with it.
    let alone = copy(&home, &["--no-attached", &first, &format!("{to}/alone/mychart")]);
    alone.succeeds();
    assert!(There::new(to, "alone/mychart").found(&Digest::of(&chart)).is_empty());
    assert!(!home.cache().exists());
}

#[test]
fn everything_attached_arrives_between_all_registries() {
    let Some(docker) = DockerRegistry::start() else { return };
    for (from, to) in
        [("", ""), ("", "--no-referrers"), ("--no-referrers", ""), ("docker", ""), ("", "docker")]
    {
        let (home, other) = (Home::new(), Home::new());
        let start = |home: &Home, arg: &str| match arg {
            "--no-referrers" => Some(EmbeddedRegistry::start(home, ["--no-referrers"])),
            "" => Some(EmbeddedRegistry::start(home, [])),
            _ => None,
        };
        let (source, target) = (start(&home, from), start(&other, to));
        let address = |registry: &Option<EmbeddedRegistry>| match registry {
            Some(registry) => registry.address().to_owned(),
            None => docker.address().to_owned(),
        };
        travels(&address(&source), &address(&target));
    }
}

#[test]
fn what_was_added_later_is_added() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let home = Home::new();
    let (from, to) =
        (format!("{}/src/mychart:{TAG}", there.address), format!("{}/dst/mychart:{TAG}", there.address));
    copy(&home, &[&from, &to]).succeeds();
    let object = attach_all(&there, &chart);
    let run = copy(&home, &[&from, &to, "-o", "json"]);
    let rows: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    assert_eq!((rows[0]["status"].as_str(), rows.as_array().unwrap().len()), (Some("updated"), 1), "{run}");
    let attached = rows[0]["attached"].as_array().unwrap();
    assert_eq!(attached.len(), 6, "{run}");
    assert!(attached.iter().all(|one| one["status"] == "copied"), "{run}");
    object.is_at(&There::new(&there.address, "dst/mychart"), TAG);
    let run = copy(&home, &[&from, &to, "-o", "jsonl"]);
    let row: Value = serde_json::from_str(run.succeeds().stdout.trim_end()).unwrap();
    assert_eq!(row["status"], "current", "{run}");
    assert!(row["error"].is_null());
}

#[test]
fn what_is_something_else_stays() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    // Another chart under the same name.
    let home = Home::new();
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n"), ("values.yaml", "a: 2\n")],
    );
    let prefix = format!("oci://{}/dst", there.address);
    home.command("helm-chart-push").args(["mychart", &prefix]).run().succeeds();
    let other = There::new(&there.address, "dst/mychart");
    let before = other.get(TAG).unwrap();

    let home = Home::new();
    let (from, to) =
        (format!("{}/src/mychart:{TAG}", there.address), format!("{}/dst/mychart:{TAG}", there.address));
    let run = copy(&home, &[&from, &to]);
    let digest = Digest::of(&before);
    run.fails(5).stderr_is(&format!(
        "Error: cannot copy {from} to {to}: the tag stands for another manifest there: {digest}\n\
         hint: --force gives the tag to the copy; or copy it under another name\n"
    ));
    assert_eq!(other.get(TAG).as_ref(), Some(&before));
    // Of several, the worst counts, wherever it stands; and the others are done.
    let third = format!("{}/third/mychart:{TAG}", there.address);
    let list = home.write(
        "list",
        format!("# charts\n{from} {to}\nlocalhost:1/x:1 localhost:1/y # none\n\n{from} {third}\n"),
    );
    let run = copy(&home, &["--timeout", "1s", "-q", "-f", list.to_str().unwrap()]);
    run.fails(6).stdout_is(&format!("{third}@{}\n", Digest::of(&chart)));
    let run = copy(&home, &["--force", &from, &to]);
    assert!(run.succeeds().stdout.ends_with(&format!("\nReplaced: {digest}\n")), "{run}");
    assert_eq!(other.get(TAG).as_ref(), Some(&chart));
}

#[test]
fn names_that_helm_will_not_find_are_told() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (_, chart) = pushed(&there);
    let home = Home::new();
    let from = format!("{}/src/mychart:{TAG}", there.address);
    let run = copy(&home, &["-q", &from, &format!("oci://{}/charts", there.address)]);
    run.succeeds().stdout_is(&format!("{}/charts:{TAG}@{}\n", there.address, Digest::of(&chart)));
    run.stderr_is(&format!(
        "Warning: {}/charts:{TAG}: the repository is called `charts`, and the chart `mychart`: Helm will not find it as a \
         dependency\n",
        there.address
    ));
    assert_eq!(There::new(&there.address, "charts").get(TAG), Some(chart));
    copy(&home, &["-q", &from, &format!("{}/other/mychart", there.address)]).succeeds().stderr_is("");
}

#[test]
fn nothing_wrong_is_finished() {
    let Some(docker) = DockerRegistry::start() else { return };
    let there = source(docker.address());
    let home = Home::new();
    // Of several pieces, and of one.
    for (name, size) in [("large", 300_000_usize), ("small", 1000)] {
        let noise: String = (0..size).map(|n| char::from(b'a' + (n * n % 251 % 26) as u8)).collect();
        let yaml = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
        let random: Vec<_> = (0..size / 32).map(|n| Digest::of(&n.to_le_bytes()).to_string()).collect();
        let values = format!("a: {noise}\nb: {}\n", random.join(""));
        write_chart(&home.path().join(name), &[("Chart.yaml", &yaml), ("values.yaml", &values)]);
        let prefix = format!("oci://{}/src", there.address);
        home.command("helm-chart-push").args([name, &prefix]).run().succeeds();
    }
    for (path, mut content) in files(&docker.data().join("blobs")) {
        // The packages alone.
        if content.starts_with(&[0x1f, 0x8b]) {
            *content.last_mut().unwrap() ^= 1;
            fs::write(docker.data().join("blobs").join(path), content).unwrap();
        }
    }
    let other = Home::new();
    let to = EmbeddedRegistry::start(&other, ["--data", "registry"]);
    for name in ["large", "small"] {
        let from = format!("{}/src/{name}:1.0.0", there.address);
        let target = format!("{}/dst/{name}", to.address());
        let run = copy(&Home::new(), &[&from, &target]);
        run.fails(7);
        assert!(run.stderr.contains("found sha256:"), "{run}");
        assert_eq!(There::new(to.address(), &format!("dst/{name}")).get("1.0.0"), None);
    }
    // Not one of the packages is there, whole or in part.
    for (path, content) in files(&other.path().join("registry")) {
        assert!(!content.starts_with(&[0x1f, 0x8b]), "{path}");
    }
}
