//! Push and pull through the executables: what they print, what they cost, and that what goes in comes out.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::mock::{Mock, on};
use crate::common::wire::{Artifact, get, snapshot};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, write_chart};
use oci::digest::Digest;

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 2.7.0\n"),
    ("values.yaml", "# kept as it is\nreplicas: 1\n"),
    ("templates/tests/a.yaml", "replicas: {{ .Values.replicas }}\n"),
];
const META: &str = "sha256:ca9588a9340fb83a62777cd177dae4ba5ab52061a1618ce2e21930b86c412d9e";

/// A home with the chart in it.
fn home() -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), CHART);
    home
}

/// Calls the test with the address of every kind of registry that there is, each empty.
fn with_each_registry(test: impl Fn(&str)) {
    if let Some(registry) = DockerRegistry::start() {
        test(registry.address());
    }
    let home = Home::new();
    let data = home.path().join("data");
    let registry = EmbeddedRegistry::start(&home, ["--data", data.to_str().unwrap()]);
    test(registry.address());
}

/// The line of `text` that starts so, without that.
fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("no `{start}` in {text}"))
}

fn save(home: &Home, reference: &str) -> String {
    let saved = home.command("helm-chart-save").args(["mychart", reference]).run();
    saved.succeeds();
    line(&saved.stdout, "Content: ").to_owned()
}

#[test]
fn transcripts_are_those_of_the_original_and_what_goes_in_comes_out() {
    with_each_registry(|registry| {
        let home = home();
        let reference = format!("{registry}/myrepo/mychart:2.7.0");
        let content = save(&home, &reference);
        let summary = format!("Name: mychart\nVersion: 2.7.0\nMeta: {META}\nContent: {content}\n");
        let size = fs::metadata(home.cache().join("blobs/sha256").join(&content[7..])).unwrap().len() + 19;

        let pushed = home.command("helm-chart-push").args([&reference]).run();
        let digest = line(&pushed.stdout, "Digest: ").to_owned();
        let transcript = format!(
            "The push refers to repository [{registry}/myrepo/mychart]\n{summary}\
             2.7.0: pushed to remote (2 layers, {size} B total)\nDigest: {digest}\n"
        );
        pushed.prints(&transcript).stderr_is("");
        let again = format!("{transcript}Status: Registry is up to date for {reference}\n");
        home.command("helm-chart-push").args([&reference]).run().prints(&again).stderr_is("");
        assert_eq!(Digest::of(&get(registry, "myrepo/mychart/manifests/2.7.0")).to_string(), digest);

        let other = Home::new();
        let pulled = |status: &str| {
            format!(
                "2.7.0: Pulling from {registry}/myrepo/mychart\n{summary}Status: {status} for {reference}\n\
                 Digest: {digest}\n"
            )
        };
        let pull = || other.command("helm-chart-pull").args([&reference]).run();
        pull().prints(&pulled("Downloaded newer chart")).stderr_is("");
        pull().prints(&pulled("Chart is up to date")).stderr_is("");
        other
            .command("helm-chart-export")
            .args([&reference])
            .run()
            .prints(&format!("{summary}Exported to mychart/\n"));
        for (path, text) in CHART {
            assert_eq!(fs::read_to_string(other.path().join("mychart").join(path)).unwrap(), *text, "{path}");
        }
        // Nothing is left beside what the entry needs: two halves, manifest, config, one byte, five links and their name.
        let left = snapshot(&other.cache());
        assert_eq!(left.len(), 4 + 1 + 6, "{:#?}", left.keys());
        // Both caches are the same but for the names of the entries' directories.
        let blobs = |home: &Home| snapshot(&home.cache().join("blobs"));
        assert_eq!(blobs(&home), blobs(&other));
    });
}

#[test]
fn a_push_costs_six_requests_and_one_when_there_is_nothing_to_do() {
    let Some(registry) = DockerRegistry::start() else { return };
    let home = home();
    let reference = format!("{}/myrepo/mychart:2.7.0", registry.address());
    save(&home, &reference);
    let cost = |command: &str, home: &Home, reference: &str| {
        let before = registry.requests().len();
        home.command(command).args([reference]).run().succeeds();
        let requests = registry.requests().split_off(before);
        (requests.len(), requests)
    };
    let (count, requests) = cost("helm-chart-push", &home, &reference);
    assert_eq!(count, 6, "{requests:#?}");
    let (_, requests) = cost("helm-chart-push", &home, &reference);
    assert_eq!(requests, ["HEAD /v2/myrepo/mychart/manifests/2.7.0"]);

    let other = Home::new();
    let (count, requests) = cost("helm-chart-pull", &other, &reference);
    assert_eq!(count, 3, "{requests:#?}");
    let (_, requests) = cost("helm-chart-pull", &other, &reference);
    assert_eq!(requests, ["GET /v2/myrepo/mychart/manifests/2.7.0"]);
    let digest = Digest::of(&get(registry.address(), "myrepo/mychart/manifests/2.7.0"));
    for pinned in [format!("{reference}@{digest}"), reference.replace(":2.7.0", &format!("@{digest}"))] {
        let (_, requests) = cost("helm-chart-pull", &other, &pinned);
        assert_eq!(requests, [""; 0], "{pinned}");
    }
}

#[test]
fn a_reference_uses_two_connections_at_most() {
    let home = home();
    let chart = Artifact::chart("mychart", "1.0.0");
    let shelf = crate::common::wire::Shelf::new(&chart);
    home.command("helm-chart-pull").args([shelf.reference()]).run().succeeds();
    assert!(shelf.mock.connections() <= 2, "{:#?}", shelf.mock.requests());

    let mock = Mock::serve(|request| match request.line.split(' ').next().unwrap() {
        "HEAD" => on(&request.line).answer(404, &[], b""),
        "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
        _ => on(&request.line).answer(201, &[], b""),
    });
    let reference = format!("{}/a:2.7.0", mock.host());
    save(&home, &reference);
    home.command("helm-chart-push").args([&reference]).run().succeeds();
    assert_eq!(mock.requests().len(), 6, "{:#?}", mock.lines());
    assert!(mock.connections() <= 2, "{}", mock.connections());
}

#[test]
fn saving_the_same_chart_elsewhere_gives_the_same_manifest() {
    with_each_registry(|registry| {
        let digest = |time: u64| {
            let home = home();
            let reference = format!("{registry}/again/mychart:{time}");
            let file = fs::File::options().write(true).open(home.path().join("mychart/values.yaml")).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(time)).unwrap();
            save(&home, &reference);
            let pushed = home.command("helm-chart-push").args(["-q", &reference]).run();
            let (name, digest) = pushed.succeeds().stdout.trim_end().split_once('@').unwrap();
            assert_eq!(name, reference);
            digest.to_owned()
        };
        assert_eq!(digest(1_000_000_000), digest(1_500_000_000));
    });
}

#[test]
fn results_for_programs_have_the_shape_of_helms() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let home = home();
    let reference = format!("{}/myrepo/mychart:2.7.0", registry.address());
    let content = save(&home, &reference);
    let push = |format: &str| home.command("helm-chart-push").args(["-o", format, &reference]).run();
    let first = push("json");
    let manifest = get(registry.address(), "myrepo/mychart/manifests/2.7.0");
    let described: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let part = |d: &serde_json::Value| serde_json::json!({"digest": d["digest"], "size": d["size"]});
    let chart = part(&described["layers"][0]);
    let document = |up_to_date: bool| {
        serde_json::json!({
            "name": "mychart",
            "version": "2.7.0",
            "digest": Digest::of(&manifest),
            "manifest": {"digest": Digest::of(&manifest), "size": manifest.len()},
            "config": part(&described["config"]),
            "chart": chart,
            "prov": null,
            "ref": reference,
            "meta": {"digest": META, "size": 19},
            "content": {
                "digest": content,
                "size": fs::metadata(home.cache().join("blobs/sha256").join(&content[7..])).unwrap().len(),
            },
            "upToDate": up_to_date,
        })
    };
    // Only a push replaces something; here there was nothing.
    let pushed = |up_to_date| {
        let mut document = document(up_to_date);
        document["replaced"] = serde_json::Value::Null;
        serde_json::json!([document])
    };
    let pulled = |up_to_date| serde_json::json!([document(up_to_date)]);
    let json = |output: &crate::common::Output| {
        output.stderr_is("");
        serde_json::from_str::<serde_json::Value>(&output.succeeds().stdout).unwrap()
    };
    assert_eq!(json(&first), pushed(false));
    assert_eq!(json(&push("json")), pushed(true));
    let yaml = |output: &crate::common::Output| {
        serde_yaml::from_str::<serde_json::Value>(&output.succeeds().stdout).unwrap()
    };
    assert_eq!(yaml(&push("yaml")), pushed(true));

    let other = Home::new();
    let pull = |format: &str| other.command("helm-chart-pull").args([&reference, "-o", format]).run();
    assert_eq!(json(&pull("json")), pulled(false));
    assert_eq!(yaml(&pull("yaml")), pulled(true));
    let quiet = other.command("helm-chart-pull").args([&reference, "-q"]).run();
    quiet.prints(&format!("{reference}@{}\n", Digest::of(&manifest)));
}

#[test]
fn a_push_by_digest_touches_no_tag() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let home = home();
    let host = registry.address();
    let reference = format!("{host}/a/mychart:other");
    save(&home, &reference);
    let pushed = home.command("helm-chart-push").args(["-q", &reference]).run();
    let digest = pushed.succeeds().stdout.trim_end().split_once('@').unwrap().1.to_owned();
    let pinned = format!("{host}/a/mychart@{digest}");
    let pushed = home.command("helm-chart-push").args([&pinned]).run();
    assert!(
        pushed.succeeds().stdout.contains(&format!("\n{digest}: pushed to remote (2 layers, ")),
        "{pushed}"
    );
    assert_eq!(get(host, "a/mychart/tags/list"), br#"{"name":"a/mychart","tags":["other"]}"#);
}

#[test]
fn what_is_not_in_the_cache_cannot_be_pushed() {
    let home = Home::new();
    home.command("helm-chart-push").args(["localhost:1/a:1"]).run().fails(3).stdout_is("").stderr_is(
        "Error: cannot push localhost:1/a:1: not in the cache\nhint: helm oci list shows what is there\n",
    );
    home.command("helm-chart-push").args(["localhost:1/a"]).run().fails(2).stdout_is("").stderr_is(
        "Error: cannot push localhost:1/a: the reference `localhost:1/a` has neither a tag nor a digest\n\
         hint: add a tag: host[:port]/repository:tag\n",
    );
    home.command("helm-chart-push").run().fails(2).stderr_is(
        "Error: which reference? none is given\nhint: helm-chart-push --help shows how it is called\n",
    );
    assert_eq!(snapshot(&home.cache()).len(), 0);
}

#[test]
fn a_path_is_told_from_a_reference() {
    let home = home();
    home.write("mychart-2.7.0.tgz", "");
    for path in ["./mychart", "mychart", "mychart/", "mychart-2.7.0.tgz"] {
        let output = home.command("helm-chart-push").args([path]).run();
        output
            .fails(2)
            .stdout_is("")
            .stderr_is(&format!("Error: `{path}`: where to?\nhint: add a prefix: {path} oci://HOST/PATH\n"));
    }
}

#[test]
fn a_damaged_blob_is_never_pushed() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let home = home();
    let reference = format!("{}/a/mychart:2.7.0", registry.address());
    let content = save(&home, &reference);
    let path = home.cache().join("blobs/sha256").join(&content[7..]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    home.command("helm-chart-push").args([&reference]).run().fails(7).stdout_is("").stderr_is(&format!(
        "Error: cannot push {reference}: blob {content} is damaged\n\
         hint: pull the reference again, or save it again\n"
    ));
    save(&home, &reference);
    home.command("helm-chart-push").args([&reference]).run().succeeds();
}

#[test]
fn blobs_that_a_registry_has_just_collected_are_sent_once_more() {
    for code in ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"] {
        let lacking = format!(r#"{{"errors":[{{"code":"{code}","message":"gone"}}]}}"#);
        for (failures, requests) in [(1, 11), (9, 11)] {
            let (seen, lacking) = (AtomicUsize::new(0), lacking.clone());
            let mock = Mock::serve(move |request| {
                let step = on(&request.line);
                match request.line.split(' ').next().unwrap() {
                    "HEAD" => step.answer(404, &[], b""),
                    "POST" => step.answer(202, &[("Location", "/u/1")], b""),
                    _ if request.line.contains("/manifests/")
                        && seen.fetch_add(1, Ordering::Relaxed) < failures =>
                    {
                        step.answer(404, &[], lacking.as_bytes())
                    }
                    _ => step.answer(201, &[], b""),
                }
            });
            let home = home();
            let reference = format!("{}/a:2.7.0", mock.host());
            save(&home, &reference);
            let pushed = home.command("helm-chart-push").args([&reference]).run();
            assert_eq!(mock.requests().len(), requests, "{:#?}", mock.lines());
            if failures == 1 {
                pushed.succeeds();
                continue;
            }
            pushed.fails(1).stdout_is("").stderr_is(&format!(
                "Error: cannot push {reference}: PUT http://{}/v2/a/manifests/2.7.0: the registry lacks blobs of this \
                 manifest: {code}: gone\n",
                mock.host()
            ));
        }
    }
}

#[test]
fn a_registry_that_wants_a_password_says_so() {
    let Some(registry) = DockerRegistry::start_with_password("me", "secret") else { return };
    let home = home();
    let reference = format!("{}/a/mychart:2.7.0", registry.address());
    save(&home, &reference);
    let before = snapshot(&home.cache());
    let at = format!("http://{}/v2/a/mychart/manifests/2.7.0", registry.address());
    home.command("helm-chart-push").args([&reference]).run().fails(4).stdout_is("").stderr_is(&format!(
        "Error: cannot push {reference}: HEAD {at}: 401\nhint: helm oci registry login {}\n",
        registry.address()
    ));
    home.command("helm-chart-pull").args([&reference]).run().fails(4).stdout_is("").stderr_is(&format!(
        "Error: cannot pull {reference}: GET {at}: 401: UNAUTHORIZED: authentication required\n\
         hint: helm oci registry login {}\n",
        registry.address()
    ));
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn a_registry_that_took_something_else_is_caught() {
    let other = Digest::of(b"other").to_string();
    let told = other.clone();
    let mock = Mock::serve(move |request| match request.line.split(' ').next().unwrap() {
        "HEAD" => on(&request.line).answer(404, &[], b""),
        "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
        _ if request.line.contains("/manifests/") => {
            on(&request.line).answer(201, &[("Docker-Content-Digest", &told)], b"")
        }
        _ => on(&request.line).answer(201, &[], b""),
    });
    let home = home();
    let reference = format!("{}/a:2.7.0", mock.host());
    save(&home, &reference);
    let before = snapshot(&home.cache());
    let pushed = home.command("helm-chart-push").args([&reference]).run();
    let said = format!("2.7.0: verification failed: expected content {other}, found sha256:");
    assert!(pushed.fails(7).stderr.contains(&said), "{pushed}");
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn what_the_cache_cannot_note_is_pushed_all_the_same() {
    with_each_registry(|registry| {
        let home = home();
        let reference = format!("{registry}/myrepo/mychart:2.7.0");
        save(&home, &reference);
        // Nothing can be written any more, not even by root.
        fs::remove_dir(home.cache().join("tmp")).unwrap();
        home.write(".helm/registry/tmp", "");
        let pushed = home.command("helm-chart-push").args([&reference]).run();
        pulled_elsewhere(&home, &reference);
        pushed.succeeds().stderr_is(&format!(
            "Warning: {reference} was pushed, but not noted as such: \
             cannot use $HOME/.helm/registry/tmp: it is a file, where a directory belongs\n"
        ));
        assert!(pushed.stdout.contains("2.7.0: pushed to remote (2 layers, "), "{pushed}");
    });
}

/// The entry that is there is added to. Another one in its place would do as well, but for what that costs.
#[test]
fn a_push_is_noted_in_the_entry_that_is_there() {
    with_each_registry(|registry| {
        let home = home();
        let reference = format!("{registry}/myrepo/mychart:2.7.0");
        save(&home, &reference);
        let before = snapshot(&home.cache());
        let pushed = home.command("helm-chart-push").args([&reference]).run();
        let manifest = line(&pushed.succeeds().stdout, "Digest: ").to_owned();
        assert_eq!(home.linked(&reference, "manifest"), manifest);
        let after = snapshot(&home.cache());
        assert!(before.iter().all(|(path, found)| after.get(path) == Some(found)), "{before:#?} {after:#?}");
        // Two links and what they lead to.
        assert_eq!(after.len(), before.len() + 4, "{after:#?}");
    });
}

#[test]
fn a_push_that_was_cut_off_while_it_was_noted_is_none() {
    with_each_registry(|registry| {
        let home = home();
        let reference = format!("{registry}/myrepo/mychart:2.7.0");
        save(&home, &reference);
        home.command("helm-chart-push").args([&reference]).run().succeeds();
        let whole = home.linked(&reference, "manifest");
        // The config is linked first.
        fs::remove_file(home.entry(&reference).join("manifest")).unwrap();
        home.command("helm-chart-fsck").run().succeeds().stderr_is("");
        let exported = home.command("helm-chart-export").args(["-q", "-d", "out", &reference]).run();
        exported.succeeds().stderr_is("");
        home.command("helm-chart-push").args(["-q", &reference]).run().succeeds().stderr_is("");
        assert_eq!(home.linked(&reference, "manifest"), whole);
        home.command("helm-chart-fsck").run().succeeds().stderr_is("");
    });
}

fn pulled_elsewhere(home: &Home, reference: &str) {
    home.command("helm-chart-pull")
        .args([reference])
        .env("HELM_HOME", home.path().join("elsewhere"))
        .run()
        .succeeds();
}
