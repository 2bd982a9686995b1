//! `remove --remote` and `tag --remote`: a tag goes alone or not at all, and one is given as it is.

use serde_json::{Value, json};

use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::wire::{descriptor, manifest};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, files, snapshot, tool, write_chart};
use oci::digest::Digest;
use oci::media_type;

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";

/// A home whose `mychart` is pushed to these repositories and tags of a registry.
fn home(address: &str, names: &[&str]) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    for name in names {
        let reference = format!("{address}/{name}");
        home.command("helm-chart-save").args(["-q", "mychart", &reference]).run().succeeds();
        home.command("helm-chart-push").args(["-q", &reference]).run().succeeds();
    }
    home
}

fn remove(home: &Home, args: &[&str]) -> Output {
    home.command("helm-chart-remove").args(["--remote", "-f"]).args(args).run()
}

fn tag(home: &Home, args: &[&str]) -> Output {
    home.command("helm-chart-tag").args(args).args(["--remote"]).run()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// Whether there is such a tag or digest, asked by another client.
fn is_there(address: &str, repository: &str, target: &str) -> bool {
    let url = format!("http://{address}/v2/{repository}/manifests/{target}");
    let accept = format!("{}, {}", media_type::MANIFEST, media_type::INDEX);
    let status = agent().head(&url).header("Accept", &accept).call().unwrap().status().as_u16();
    assert!(matches!(status, 200 | 404), "{status}");
    status == 200
}

fn put(address: &str, repository: &str, target: &str, content_type: &str, body: &[u8]) -> Digest {
    let url = format!("http://{address}/v2/{repository}/manifests/{target}");
    let status = agent().put(&url).header("Content-Type", content_type).send(body).unwrap().status();
    assert_eq!(status, 201, "{target}");
    Digest::of(body)
}

fn put_blob(address: &str, repository: &str, content: &[u8]) {
    let digest = Digest::of(content);
    let url = format!("http://{address}/v2/{repository}/blobs/uploads/");
    let begun = agent().post(&url).send_empty().unwrap();
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let location = if location.starts_with('/') { format!("http://{address}{location}") } else { location };
    let separator = if location.contains('?') { '&' } else { '?' };
    let put = agent()
        .put(format!("{location}{separator}digest={digest}"))
        .header("Content-Type", "application/octet-stream")
        .send(content)
        .unwrap();
    assert_eq!(put.status(), 201);
}

/// The digest that a tag stands for.
fn pinned(home: &Home, reference: &str) -> String {
    home.linked(reference, "manifest")
}

#[test]
fn a_tag_goes_alone_where_the_registry_can() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0", "a/mychart:stable"]);
    let before = snapshot(&home.cache());
    let reference = format!("{address}/a/mychart:1.0.0");
    let digest = pinned(&home, &reference);
    remove(&home, &[&reference])
        .stderr_is("")
        .prints(&format!("{reference}: removed from its registry ({digest})\n"));
    assert!(!is_there(address, "a/mychart", "1.0.0"));
    assert!(is_there(address, "a/mychart", "stable") && is_there(address, "a/mychart", &digest));
    // The cache is none of its business.
    assert_eq!(snapshot(&home.cache()), before);
    // What is not there is not found, or no failure.
    remove(&home, &[&reference])
        .fails(3)
        .stdout_is("")
        .stderr_is(&format!("Error: cannot remove {reference}: not in the registry\n"));
    remove(&home, &["--ignore-missing", &reference]).stderr_is("").prints("");
    let stable = format!("{address}/a/mychart:stable");
    let rows = remove(&home, &["--ignore-missing", "-o", "json", &reference, &stable]);
    let rows: Value = serde_json::from_str(&rows.succeeds().stdout).unwrap();
    assert_eq!(
        rows,
        json!([
            {"ref": reference, "removed": false, "digest": null, "tags": [], "attached": []},
            {"ref": stable, "removed": true, "digest": digest, "tags": [], "attached": []},
        ])
    );
    // A tag is no manifest: that stays, until it is named.
    assert!(is_there(address, "a/mychart", &digest));
    remove(&home, &["-q", &format!("{address}/a/mychart@{digest}")]).stderr_is("").prints("");
    assert!(!is_there(address, "a/mychart", &digest));
}

/// The loss that ours is about: `oras manifest delete` of one tag takes its sibling along, by the digest that both stand for.
#[test]
fn oras_loses_a_sibling() {
    let (Some(registry), Some(oras)) = (DockerRegistry::start(), tool("oras")) else { return };
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0", "a/mychart:stable"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    home.program(oras).args(["manifest", "delete", "--plain-http", "--force", &reference]).run().succeeds();
    assert!(!is_there(address, "a/mychart", "1.0.0") && !is_there(address, "a/mychart", "stable"));
}

/// docker's registry of 2.8 deletes by digest alone.
#[test]
fn no_sibling_is_lost_where_only_manifests_can_be_deleted() {
    let Some(registry) = DockerRegistry::start() else { return };
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0", "a/mychart:stable", "a/mychart:1.0", "a/other:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let digest = pinned(&home, &reference);
    let refused = remove(&home, &[&reference]);
    refused.fails(5).stdout_is("").stderr_is(&format!(
        "Error: cannot remove {reference}: this registry removes a manifest with all of its tags, and it has others: \
         1.0, stable\nhint: --all-tags removes all of them\n"
    ));
    for tag in ["1.0.0", "1.0", "stable"] {
        assert!(is_there(address, "a/mychart", tag), "{tag}");
    }
    // No manifest was pushed to have something to delete.
    let puts: Vec<_> = registry
        .requests()
        .into_iter()
        .filter(|request| request.starts_with("PUT") && request.contains("/manifests/"))
        .collect();
    assert_eq!(puts.len(), 4, "{puts:?}");
    // A manifest with one tag may go, whoever else has it under another name.
    let other = format!("{address}/a/other:1.0.0");
    remove(&home, &[&other])
        .stderr_is("")
        .prints(&format!("{other}: removed from its registry ({digest})\n"));
    assert!(!is_there(address, "a/other", "1.0.0") && is_there(address, "a/mychart", "1.0.0"));
    // All of them are named: none is a sibling of another. One that went with an earlier one is no failure.
    let names: Vec<_> = ["1.0.0", "stable", "1.0"].map(|tag| format!("{address}/a/mychart:{tag}")).into();
    let removed = remove(&home, &[names[0].as_str(), &names[1], &names[2]]);
    removed.stderr_is("").prints(&format!(
        "{}: removed from its registry ({digest})\n{address}/a/mychart:1.0: removed with it\n\
         {address}/a/mychart:stable: removed with it\n",
        names[0]
    ));
    for tag in ["1.0.0", "1.0", "stable"] {
        assert!(!is_there(address, "a/mychart", tag), "{tag}");
    }
}

#[test]
fn all_tags_go_when_that_is_said() {
    let Some(docker) = DockerRegistry::start() else { return };
    let registry_home = Home::new();
    let embedded = EmbeddedRegistry::start(&registry_home, []);
    for address in [docker.address(), embedded.address()] {
        let home = home(address, &["a/mychart:1.0.0", "a/mychart:stable"]);
        // Another chart keeps its tag.
        home.write("mychart/values.yaml", "a: 2\n");
        let other = format!("{address}/a/mychart:2.0.0");
        home.command("helm-chart-save").args(["-q", "mychart", &other]).run().succeeds();
        home.command("helm-chart-push").args(["-q", &other]).run().succeeds();
        let reference = format!("{address}/a/mychart:1.0.0");
        let digest = pinned(&home, &reference);
        remove(&home, &["--all-tags", &reference]).stderr_is("").prints(&format!(
            "{reference}: removed from its registry ({digest})\n{address}/a/mychart:stable: removed with it\n"
        ));
        assert!(!is_there(address, "a/mychart", "stable") && is_there(address, "a/mychart", "2.0.0"));
    }
}

#[test]
fn where_deletion_is_off_that_is_said() {
    let Some(registry) = DockerRegistry::start_without_deletion() else { return };
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let refused = remove(&home, &[&reference]);
    refused.fails(1).stdout_is("");
    let start = format!(
        "Error: cannot remove {reference}: this registry does not let clients delete: DELETE http://"
    );
    assert!(refused.stderr.starts_with(&start), "{refused}");
    let hint = "hint: its own interface does it; docker's registry deletes with REGISTRY_STORAGE_DELETE_ENABLED=true\n";
    assert!(refused.stderr.ends_with(hint), "{refused}");
    assert!(is_there(address, "a/mychart", "1.0.0"));
    // Nothing was put there that cannot be deleted either.
    let puts =
        registry.requests().into_iter().filter(|r| r.starts_with("PUT") && r.contains("/manifests/")).count();
    assert_eq!(puts, 1);
}

#[test]
fn the_digest_that_was_named_is_the_one_that_goes() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let (digest, other) = (pinned(&home, &reference), Digest::of(b"another"));
    remove(&home, &[&format!("{reference}@{other}")]).fails(5).stderr_is(&format!(
        "Error: cannot remove {reference}@{other}: the tag stands for another manifest: {digest}\n"
    ));
    assert!(is_there(address, "a/mychart", "1.0.0"));
    remove(&home, &[&format!("{reference}@{digest}")]).succeeds();
    assert!(!is_there(address, "a/mychart", "1.0.0"));
}

/// A registry of one chart that answers deletions as it is told.
fn scripted(status: u16, body: &'static str) -> Mock {
    let digest = Digest::of(b"manifest").to_string();
    Mock::serve(move |request: &Recorded| -> Step {
        let step = on(&request.line);
        let headers = [("Docker-Content-Digest", digest.as_str()), ("Content-Type", media_type::MANIFEST)];
        match request.line.split(' ').next() {
            Some("DELETE") => step.answer(status, &[("Content-Type", "application/json")], body.as_bytes()),
            Some("HEAD") => step.answer(200, &headers, b""),
            _ if request.line.contains("/tags/list") => step.answer(200, &[], br#"{"tags":["1","2"]}"#),
            _ => step.answer(200, &[], b"{}"),
        }
    })
}

#[test]
fn each_refusal_is_told_for_what_it_is() {
    let unsupported = r#"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}"#;
    let immutable = r#"{"errors":[{"code":"PRECONDITION","message":"matched immutable tag rule"}]}"#;
    for (status, body, code, message) in [
        (400, "", 5, "this registry removes a manifest with all of its tags, and it has others: 2"),
        (405, unsupported, 5, "this registry removes a manifest with all of its tags, and it has others: 2"),
        (403, "", 4, "DELETE http://"),
        (409, immutable, 1, "matched immutable tag rule"),
        (412, immutable, 1, "matched immutable tag rule"),
        // It says so, and has both of them still.
        (202, "", 1, "the registry says that it is removed, and still has it"),
    ] {
        let registry = scripted(status, body);
        let home = Home::new();
        let reference = format!("{}/a/mychart:1", registry.host());
        let refused = remove(&home, &[&reference]);
        refused.fails(code).stdout_is("");
        assert!(refused.stderr.contains(message), "{status}: {refused}");
        let deleted: Vec<_> =
            registry.requests().into_iter().filter(|r| r.line.starts_with("DELETE")).collect();
        assert!(
            deleted.iter().all(|request| request.line.ends_with("/a/mychart/manifests/1")),
            "{deleted:?}"
        );
        assert!(registry.requests().iter().all(|request| !request.line.starts_with("PUT")));
    }
    // 404 for a tag that is there is no answer to believe.
    let registry = scripted(404, "");
    let reference = format!("{}/a/mychart:1", registry.host());
    remove(&Home::new(), &[&reference]).fails(5);
}

/// A tag that cannot be looked at may be a sibling.
#[test]
fn without_a_look_at_every_tag_nothing_is_deleted() {
    let digest = Digest::of(b"manifest").to_string();
    let registry = Mock::serve(move |request: &Recorded| -> Step {
        let step = on(&request.line);
        let headers = [("Docker-Content-Digest", digest.as_str())];
        match request.line.as_str() {
            line if line.starts_with("DELETE") => step.answer(405, &[], b""),
            "HEAD /v2/a/mychart/manifests/2" => step.answer(403, &[], b""),
            line if line.starts_with("HEAD") => step.answer(200, &headers, b""),
            line if line.contains("/tags/list") => step.answer(200, &[], br#"{"tags":["1","2"]}"#),
            _ => step.answer(200, &[], b"{}"),
        }
    });
    let reference = format!("{}/a/mychart:1", registry.host());
    remove(&Home::new(), &[&reference]).fails(4);
    let deleted: Vec<_> = registry.lines().into_iter().filter(|line| line.starts_with("DELETE")).collect();
    assert_eq!(deleted, ["DELETE /v2/a/mychart/manifests/1"]);
}

#[test]
fn signatures_go_with_the_last_tag_and_not_before() {
    let Some(docker) = DockerRegistry::start() else { return };
    let registry_home = Home::new();
    let embedded = EmbeddedRegistry::start(&registry_home, []);
    for (address, deletes_tags) in [(docker.address(), false), (embedded.address(), true)] {
        let home = home(address, &["a/mychart:1.0.0", "a/mychart:stable"]);
        let reference = format!("{address}/a/mychart:1.0.0");
        let digest = pinned(&home, &reference);
        let dashed = digest.replace(':', "-");
        // cosign's signature, an SBOM with a signature of its own, and a referrer that a client has listed in an index.
        put_blob(address, "a/mychart", b"{}");
        let artifact = |number: u32, subject: Option<&str>| {
            let text = manifest(&descriptor("application/x-config", b"{}"), &[]);
            let mut value: Value = serde_json::from_slice(text.as_ref()).unwrap();
            value["annotations"] = json!({"number": number.to_string()});
            if let Some(subject) = subject {
                value["subject"] = json!({"mediaType": media_type::MANIFEST, "digest": subject, "size": 1});
            }
            value.to_string().into_bytes()
        };
        put(address, "a/mychart", &format!("{dashed}.sig"), media_type::MANIFEST, &artifact(1, None));
        let sbom =
            put(address, "a/mychart", &format!("{dashed}.sbom"), media_type::MANIFEST, &artifact(2, None));
        let of_sbom = format!("{}.sig", sbom.to_string().replace(':', "-"));
        put(address, "a/mychart", &of_sbom, media_type::MANIFEST, &artifact(4, None));
        let about = artifact(3, Some(&digest));
        let referrer = Digest::of(&about);
        put(address, "a/mychart", &referrer.to_string(), media_type::MANIFEST, &about);
        let index = json!({"schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [
            {"mediaType": media_type::MANIFEST, "digest": referrer.to_string(), "size": about.len()},
        ]});
        put(address, "a/mychart", &dashed, media_type::INDEX, index.to_string().as_bytes());
        let attached = [format!("{dashed}.sig"), format!("{dashed}.sbom"), of_sbom, dashed.clone()];

        // With another tag of the same manifest, they stay.
        if deletes_tags {
            let removed = remove(&home, &["--signatures", &reference]);
            removed.succeeds().stderr_is(&format!(
                "Warning: {reference}: signatures stay, because stable has the same manifest\n"
            ));
        } else {
            remove(&home, &["--signatures", &reference]).fails(5);
        }
        for tag in &attached {
            assert!(is_there(address, "a/mychart", tag), "{tag}");
        }
        let last = format!("{address}/a/mychart:stable");
        let removed = remove(&home, &["--signatures", "--all-tags", "-o", "json", &last]);
        let rows: Value = serde_json::from_str(&removed.stderr_is("").succeeds().stdout).unwrap();
        let gone: Vec<_> =
            rows[0]["attached"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        for tag in &attached {
            assert!(gone.contains(&tag.as_str()), "{tag}: {gone:?}");
            assert!(!is_there(address, "a/mychart", tag), "{tag}");
        }
        assert!(gone.contains(&referrer.to_string().as_str()), "{gone:?}");
        assert!(!is_there(address, "a/mychart", &referrer.to_string()));
    }
}

#[test]
fn a_look_and_a_wrong_call_remove_nothing() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let digest = pinned(&home, &reference);
    let run = |args: &[&str]| home.command("helm-chart-remove").args(args).run();
    run(&["--remote", "--dry-run", &reference])
        .stderr_is("")
        .prints(&format!("{reference}: would be removed from its registry ({digest})\n"));
    for (args, message) in [
        (
            &["--remote", &reference][..],
            "there is no terminal to ask whether to remove anything\nhint: -f removes it without a question, \
             --dry-run tells what that would be\n",
        ),
        (&["--remote", "--no-clobber", &reference], "--no-clobber is no flag of remove\n"),
        (
            &["--all-tags", &reference],
            "unrecognized argument: --all-tags\nhint: references are given one by one: helm oci list -q has those of the cache\n",
        ),
    ] {
        run(args).fails(2).stdout_is("").stderr_is(&format!("Error: {message}"));
    }
    run(&["--remote", "-f", &format!("{address}/a/mychart")]).fails(2);
    run(&["--remote", "-f"]).fails(2);
    tag(&home, &["--signatures", &reference, "x"])
        .fails(2)
        .stderr_is("Error: --signatures is no flag of tag\n");
    tag(&home, &[&reference]).fails(2);
    assert!(is_there(address, "a/mychart", "1.0.0"));
    let help = run(&["--remote", "--help"]);
    assert!(
        help.succeeds().stdout.contains("--all-tags") && help.stdout.contains("helm-chart-remove --remote"),
        "{help}"
    );
    // Without the sibling, that is said.
    let mut alone = Home::new();
    alone.directory("bin");
    std::fs::copy(alone.executable("helm-chart-remove"), alone.path().join("bin/helm-chart-remove")).unwrap();
    alone.set("PATH", alone.path().join("bin"));
    let program = alone.path().join("bin/helm-chart-remove");
    alone.program(program).args(["--remote", "-f", &reference]).run().fails(3).stderr_is(
        "Error: helm-chart-remote is not installed, which works in registries\n\
         hint: it belongs beside this executable, or on the PATH\n",
    );
}

/// What a person has agreed to goes, and nothing that has taken its place meanwhile.
#[test]
fn a_terminal_is_asked_first() {
    let Some(script) = tool("script") else { return };
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let program = home.executable("helm-chart-remove");
    let ask = |answer: &str| {
        let command = format!("{} --remote {reference}", program.display());
        home.program(&script).args(["-q", "-e", "-c", &command, "/dev/null"]).stdin(answer).run()
    };
    let refused = ask("n\n");
    assert!(refused.fails(1).stdout.contains("Remove this tag? [y/N] "), "{refused}");
    assert!(
        refused.stdout.contains("nothing was removed") && is_there(address, "a/mychart", "1.0.0"),
        "{refused}"
    );
    assert!(ask("y\n").succeeds().stdout.contains(": removed from its registry ("));
    assert!(!is_there(address, "a/mychart", "1.0.0"));
}

#[test]
fn a_tag_is_given_in_two_requests_within_a_repository() {
    let Some(registry) = DockerRegistry::start() else { return };
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    let reference = format!("{address}/a/mychart:1.0.0");
    let digest = pinned(&home, &reference);
    let before = registry.requests().len();
    let stable = format!("{address}/a/mychart:stable");
    tag(&home, &[&reference, &stable])
        .stderr_is("")
        .prints(&format!("{stable}: tagged in its registry ({digest})\n"));
    let requests = registry.requests();
    assert_eq!(
        requests[before..],
        ["GET /v2/a/mychart/manifests/1.0.0", "PUT /v2/a/mychart/manifests/stable"]
    );
    let quiet = tag(&home, &["-q", &format!("{address}/a/mychart@{digest}"), &stable]);
    quiet.stderr_is("").prints(&format!("{stable}@{digest}\n"));
    tag(&home, &[&format!("{address}/a/mychart:none"), &stable])
        .fails(3)
        .stderr_is(&format!("Error: cannot tag {address}/a/mychart:none: not in the registry\n"));
}

#[test]
fn a_chart_goes_elsewhere_with_its_digest() {
    let Some(docker) = DockerRegistry::start() else { return };
    let registry_home = Home::new();
    let embedded = EmbeddedRegistry::start(&registry_home, []);
    for (from, to) in [
        (docker.address(), docker.address()),
        (embedded.address(), embedded.address()),
        (docker.address(), embedded.address()),
        (embedded.address(), docker.address()),
    ] {
        let home = home(from, &["a/mychart:1.0.0"]);
        let reference = format!("{from}/a/mychart:1.0.0");
        let digest = pinned(&home, &reference);
        let cache = snapshot(&home.cache());
        let target = format!("{to}/from-{}/mychart", from.replace([':', '.'], "-"));
        let sent = docker.requests().len();
        tag(&home, &[&reference, &target])
            .stderr_is("")
            .prints(&format!("{target}:1.0.0: tagged in its registry ({digest})\n"));
        if (from, to) == (docker.address(), docker.address()) {
            // Within a registry no chart is sent.
            let uploads: Vec<_> = docker.requests().split_off(sent);
            assert!(
                uploads.iter().all(|line| !line.starts_with("PATCH") && !line.contains("/uploads/?digest")),
                "{uploads:?}"
            );
            assert_eq!(uploads.iter().filter(|line| line.contains("mount=")).count(), 2, "{uploads:?}");
        }
        // Nothing of it stays here.
        assert_eq!(snapshot(&home.cache()), cache);
        let fresh = Home::new();
        let pulled =
            fresh.command("helm-chart-pull").args(["--untar", "-q", &format!("{target}:1.0.0")]).run();
        pulled.prints(&format!("{target}:1.0.0@{digest}\n"));
        assert_eq!(files(&fresh.path().join("mychart")), files(&home.path().join("mychart")));
    }
}

#[test]
fn a_tag_of_something_else_stays_if_that_is_wanted() {
    let registry_home = Home::new();
    let registry = EmbeddedRegistry::start(&registry_home, []);
    let address = registry.address();
    let home = home(address, &["a/mychart:1.0.0"]);
    home.write("mychart/values.yaml", "a: 2\n");
    let (one, two) = (format!("{address}/a/mychart:1.0.0"), format!("{address}/a/mychart:2.0.0"));
    home.command("helm-chart-save").args(["-q", "mychart", &two]).run().succeeds();
    home.command("helm-chart-push").args(["-q", &two]).run().succeeds();
    let stable = format!("{address}/a/mychart:stable");
    let (first, second) = (pinned(&home, &one), pinned(&home, &two));
    tag(&home, &["--no-clobber", &one, &stable]).succeeds();
    let again = tag(&home, &["--no-clobber", "-o", "json", &one, &stable]);
    let rows: Value = serde_json::from_str(&again.succeeds().stdout).unwrap();
    assert_eq!(rows, json!([{"ref": stable, "source": one, "digest": first, "upToDate": true}]));
    tag(&home, &["--no-clobber", &two, &stable])
        .fails(5)
        .stdout_is("")
        .stderr_is(&format!("Error: cannot tag {two}: the tag stands for another manifest there: {first}\n"));
    tag(&home, &["-q", &two, &stable]).prints(&format!("{stable}@{second}\n"));
}
