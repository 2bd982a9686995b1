//! Pull: which version it is, and several at once.

use crate::common::mock::{Action, Mock, answer, on};
use crate::common::wire::{Artifact, Shelf, snapshot};
use crate::common::{EmbeddedRegistry, Home};

/// A registry with a chart under each of these tags; its home has to live as long.
fn registry_with(tags: &[&str]) -> (Home, EmbeddedRegistry) {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    for tag in tags {
        Artifact::chart("mychart", &tag.replace('_', "+")).put(registry.address(), "a/mychart", tag);
    }
    (home, registry)
}

/// The first line of what is printed: `<tag>: Pulling from …`.
fn pulled_tag(home: &Home, registry: &str, args: &[&str]) -> String {
    let pulled = home.command("helm-chart-pull").args([format!("{registry}/a/mychart")]).args(args).run();
    let first = pulled.succeeds().stdout.lines().next().unwrap().to_owned();
    first.strip_suffix(&format!(": Pulling from {registry}/a/mychart")).unwrap().to_owned()
}

#[test]
fn the_newest_version_that_is_allowed_is_pulled() {
    let (_lives, registry) =
        registry_with(&["1.2.0", "1.10.0", "1.9.9", "2.0.0_build.1", "3.0.0-rc.1", "latest", "v9.0.0", "7"]);
    let home = Home::new();
    let table: [(&[&str], &str); 12] = [
        (&[], "2.0.0_build.1"),
        (&["--devel"], "3.0.0-rc.1"),
        (&["--version", "^1"], "1.10.0"),
        (&["--version", "~1.9.0"], "1.9.9"),
        (&["--version", ">=1.2 <1.9"], "1.2.0"),
        (&["--version", "1.2.0"], "1.2.0"),
        (&["--version", "2.0.0+build.1"], "2.0.0_build.1"),
        (&["--version", ">2.0.0-0"], "3.0.0-rc.1"),
        (&["--version", "^1", "--devel"], "1.10.0"),
        // Tags that are no versions in full, but such to Helm.
        (&["--version", "v9.0.0"], "v9.0.0"),
        (&["--version", "7"], "7"),
        (&["--version", "1.9"], "1.9.9"),
    ];
    for (args, tag) in table {
        assert_eq!(pulled_tag(&home, registry.address(), args), tag, "{args:?}");
    }
}

#[test]
fn an_exact_version_needs_no_list_of_tags() {
    let chart = Artifact::chart("mychart", "1.0.0+x");
    let shelf = Shelf::new(&chart);
    let answers = chart.answers();
    shelf.set("/v2/a/manifests/1.0.0_x", answers["/v2/a/manifests/1.0"].clone());
    let home = Home::new();
    let reference = format!("{}/a", shelf.mock.host());
    home.command("helm-chart-pull").args([&reference, "--version=1.0.0+x"]).run().succeeds();
    assert_eq!(shelf.mock.lines()[0], "GET /v2/a/manifests/1.0.0_x");
    assert_eq!(shelf.mock.requests().len(), 3);
}

#[test]
fn pages_of_tags_are_all_read_in_any_order() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let shelf = Shelf::new(&chart);
    let link = [("Link", "</v2/a/tags/list?last=0.2.0&n=2>; rel=\"next\"")];
    shelf.set("/v2/a/tags/list", answer(200, &link, br#"{"name":"a","tags":["0.9.0","0.2.0"]}"#, false));
    shelf.set(
        "/v2/a/tags/list?last=0.2.0&n=2",
        answer(200, &[], br#"{"name":"a","tags":["1.0.0-rc.1","1.0.0","0.1.0"]}"#, false),
    );
    shelf.set("/v2/a/manifests/1.0.0", chart.answers()["/v2/a/manifests/1.0"].clone());
    let home = Home::new();
    home.command("helm-chart-pull").args([format!("{}/a", shelf.mock.host())]).run().succeeds();
    assert_eq!(shelf.mock.requests().len(), 2 + 3);
}

#[test]
fn no_version_and_no_sense_are_two_exit_codes() {
    let (_lives, registry) = registry_with(&["1.2.0"]);
    let home = Home::new();
    let reference = format!("{}/a/mychart", registry.address());
    let pull = |args: &[&str]| home.command("helm-chart-pull").args([&reference]).args(args).run();
    let error = format!("Error: cannot pull {reference}: ");
    pull(&["--version", "^9"]).fails(3).stdout_is("").stderr_is(&format!(
        "{error}no version of {reference} matches `^9`\nhint: the repository has 1.2.0\n"
    ));
    let nonsense = pull(&["--version", "not a version"]);
    let said = format!(
        "{error}the version cannot be understood: invalid version constraint `not a version`: expected "
    );
    assert!(nonsense.fails(2).stderr.starts_with(&said), "{nonsense}");
    assert!(!nonsense.stderr.contains("hint: "), "{nonsense}");
    // It needs no registry to be nonsense.
    home.command("helm-chart-pull").args(["localhost:1/a", "--version", "not a version"]).run().fails(2);
    let pinned = format!("{reference}:1.2.0");
    home.command("helm-chart-pull")
        .args([&pinned, "--version", "^1"])
        .run()
        .fails(2)
        .stderr_is(&format!("Error: {pinned} is one version already, and --version asks for another\n"));
    Artifact::chart("mychart", "1.0.0").put(registry.address(), "b/mychart", "latest");
    let other = format!("{}/b/mychart", registry.address());
    home.command("helm-chart-pull").args([&other]).run().fails(3).stderr_is(&format!(
        "Error: cannot pull {other}: {other} has no tag that is a version\n\
             hint: the repository has no versions, but tags: latest\n"
    ));
    assert_eq!(snapshot(&home.cache()).len(), 0);
}

/// The last line of what is said, without what it begins with.
fn hint(output: &crate::common::Output) -> &str {
    output.stderr.lines().last().unwrap_or_default().strip_prefix("hint: ").unwrap_or_default()
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let (_lives, registry) = registry_with(&[
        "1.2.0",
        "1.10.0",
        "1.9.9",
        "2.0.0_build.1",
        "3.0.0-rc.1",
        "0.1.0",
        "0.2.0",
        "latest",
        "4.0.0-a",
        "4.0.0-b",
    ]);
    let home = Home::new();
    let repository = format!("{}/a/mychart", registry.address());
    let newest = "4.0.0-b, 4.0.0-a, 3.0.0-rc.1, 2.0.0_build.1, 1.10.0, and 4 older";
    let versions = newest.replace('_', "+");
    for (tag, said) in [
        ("9.9.9", format!("the repository has {newest}")),
        ("v1.2.0", format!("there is 1.2.0; the repository has {newest}")),
        ("2.0.0", format!("there is 2.0.0_build.1; the repository has {newest}")),
        ("Latest", format!("there is latest; the repository has {newest}")),
    ] {
        let output = home.command("helm-chart-pull").args([format!("{repository}:{tag}")]).run();
        assert_eq!(hint(&output), said, "{output}");
        let error =
            format!("/v2/a/mychart/manifests/{tag}: 404: MANIFEST_UNKNOWN: manifest unknown to registry\n");
        assert!(output.fails(3).stderr.contains(&error), "{output}");
    }
    let exact = home.command("helm-chart-pull").args([&repository, "--version", "7.0.0"]).run();
    assert_eq!(hint(exact.fails(3)), format!("the repository has {newest}"), "{exact}");
    for (constraint, said) in [
        ("^9", format!("the repository has {versions}")),
        (
            "^4",
            format!(
                "4.0.0-b is a prerelease, which --devel takes, or --version 4.0.0-b; the repository has {versions}"
            ),
        ),
    ] {
        let output = home.command("helm-chart-pull").args([&repository, "--version", constraint]).run();
        assert_eq!(hint(output.fails(3)), said, "{output}");
        assert!(
            output.stderr.contains(&format!("no version of {repository} matches `{constraint}`")),
            "{output}"
        );
    }
    Artifact::chart("mychart", "1.0.0-rc.1").put(registry.address(), "c", "1.0.0-rc.1");
    let other = format!("{}/c", registry.address());
    let output = home.command("helm-chart-pull").args([&other]).run();
    output.fails(3).stderr_is(&format!(
        "Error: cannot pull {other}: {other} has no tag that is a version, but for prereleases\n\
         hint: 1.0.0-rc.1 is a prerelease, which --devel takes, or --version 1.0.0-rc.1\n"
    ));
    let nowhere = home.command("helm-chart-pull").args([format!("{}/nowhere:1", registry.address())]).run();
    assert_eq!(hint(nowhere.fails(3)), "the registry lists no tags there, either: is the repository right?");
    // Helm asks for a package of a version in the same way.
    let url = format!("chart-cache://{}/a/mychart-9.9.9.tgz", registry.address());
    let got = home.command("helm-chart-get").args(["", "", "", &url]).run();
    assert!(got.stderr.contains(&format!("hint: the repository has {newest}")), "{got}");
    assert_eq!(snapshot(&home.cache()).len(), 0);
}

/// Only where something has failed it is asked which tags there are, once, and no answer makes it another failure.
#[test]
fn what_is_there_is_asked_for_once_and_spoils_nothing() {
    let unknown = "there is no such tag, or no such repository; without a tag the newest is pulled";
    let json = |text: &str| answer(200, &[], text.as_bytes(), false);
    let next = [("Link", "</v2/a/tags/list?last=1&n=1>; rel=\"next\"")];
    for (list, requests, said) in [
        (json(r#"{"tags":["1.0.0","2.0.0"]}"#), 2, "the repository has 2.0.0, 1.0.0"),
        (json(r#"{"tags":[]}"#), 2, "the repository has no tags"),
        (json(r#"{"tags":null}"#), 2, "the repository has no tags"),
        (json(r#"{"tags":["main","latest"]}"#), 2, "the repository has no versions, but tags: main, latest"),
        (
            json(r#"{"tags":["1.0.0","x"]}"#),
            2,
            "the registry lists this tag and has nothing under it: it may be on its way, or have been removed",
        ),
        (json("<html>"), 2, unknown),
        (json(r#"{"tags":"1"}"#), 2, unknown),
        (answer(200, &next, br#"{"tags":["1.0.0"]}"#, false), 3, unknown),
        (answer(401, &[], b"", false), 2, unknown),
        (answer(403, &[], b"", false), 2, unknown),
        (
            answer(404, &[], b"", false),
            2,
            "the registry lists no tags there, either: is the repository right?",
        ),
        (answer(405, &[], b"", false), 2, unknown),
        (answer(429, &[("Retry-After", "60")], b"", false), 2, unknown),
        (answer(500, &[], b"", false), 2, unknown),
        (answer(503, &[], b"", false), 2, unknown),
        (answer(302, &[("Location", "http://169.254.169.254/")], b"", false), 2, unknown),
        (b"nonsense\r\n\r\n".to_vec(), 2, unknown),
        // Once more on a fresh connection: the server may only have closed one that was idle.
        (Vec::new(), 3, unknown),
    ] {
        let gone = json(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"gone"}]}"#);
        let gone = String::from_utf8(gone).unwrap().replacen("200", "404", 1).into_bytes();
        let shown = String::from_utf8_lossy(&list).into_owned();
        let mock = Mock::serve(move |request| match request.line.as_str() {
            "GET /v2/a/manifests/x" => on(&request.line).then(Action::Send(gone.clone())),
            "GET /v2/a/tags/list" if list.is_empty() => on(&request.line).then(Action::Reset),
            "GET /v2/a/tags/list" => on(&request.line).then(Action::Send(list.clone())),
            _ => on(&request.line).answer(500, &[], b""),
        });
        let home = Home::new();
        let reference = format!("{}/a:x", mock.host());
        home.command("helm-chart-pull").args([&reference]).run().fails(3).stdout_is("").stderr_is(&format!(
            "Error: cannot pull {reference}: GET http://{}/v2/a/manifests/x: 404: MANIFEST_UNKNOWN: gone\nhint: {said}\n",
            mock.host()
        ));
        assert_eq!(mock.requests().len(), requests, "{shown:?}: {:?}", mock.lines());
    }
    // Of what is named by its digest there is no other version, and an error that is another is not about tags.
    for (path, status) in [("a@sha256:".to_owned() + &"0".repeat(64), 404), ("a:x".to_owned(), 403)] {
        let mock = Mock::serve(move |request| on(&request.line).answer(status, &[], b""));
        let home = Home::new();
        let pull = home.command("helm-chart-pull").args([format!("{}/{path}", mock.host())]).run();
        pull.fails(if status == 404 { 3 } else { 4 });
        assert!(!mock.lines().iter().any(|line| line.ends_with("/tags/list")), "{:?}", mock.lines());
    }
}

#[test]
fn several_references_are_pulled_and_pushed_in_the_order_given() {
    let tags: Vec<String> = (0..50).map(|n| format!("1.{n}.0")).collect();
    let (_lives, registry) = registry_with(&tags.iter().map(String::as_str).collect::<Vec<_>>());
    let (_also, other) = registry_with(&[]);
    let home = Home::new();
    let names = |host: &str| tags.iter().map(|t| format!("{host}/a/mychart:{t}")).collect::<Vec<_>>();
    let references = names(registry.address());
    let pulled = home.command("helm-chart-pull").args(&references).args(["-q", "--concurrency", "8"]).run();
    let order = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_once('@').unwrap().0.to_owned()).collect()
    };
    assert_eq!(order(&pulled.succeeds().stdout), references);
    for (from, to) in references.iter().zip(names(other.address())) {
        crate::common::wire::name_again(&home, from, &to);
    }
    let references = names(other.address());
    let pushed =
        home.command("helm-chart-push").args(&references).args(["-o", "json", "--concurrency=50"]).run();
    let documents: Vec<serde_json::Value> = serde_json::from_str(&pushed.succeeds().stdout).unwrap();
    let shown: Vec<_> = documents.iter().map(|d| d["ref"].as_str().unwrap()).collect();
    assert_eq!(shown, references);
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let (_lives, registry) = registry_with(&["1.0.0", "2.0.0"]);
    let home = Home::new();
    let name = |tag: &str| format!("{}/a/mychart:{tag}", registry.address());
    let run = |command: &str, absent: &str| {
        let args = [&name("1.0.0"), &name("none"), absent, &name("2.0.0")];
        home.command(command).args(args).args(["-o", "json", "--timeout", "1s"]).run()
    };
    let pulled = run("helm-chart-pull", "localhost:1/gone:1");
    let documents: Vec<serde_json::Value> = serde_json::from_str(&pulled.fails(3).stdout).unwrap();
    let shown: Vec<_> = documents.iter().map(|d| d["ref"].as_str().unwrap()).collect();
    assert_eq!(shown, [name("1.0.0"), name("2.0.0")]);
    pulled.stderr_is(&format!(
        "Error: cannot pull {}: GET http://{}/v2/a/mychart/manifests/none: 404: MANIFEST_UNKNOWN: manifest unknown to registry\n\
         hint: the repository has 2.0.0, 1.0.0\n\
         Error: cannot pull localhost:1/gone:1: GET http://localhost:1/v2/gone/manifests/1: the connection failed: \
         Connection refused\n\
         hint: is the registry running, and is this its port?\n",
        name("none"),
        registry.address()
    ));
    let pushed = run("helm-chart-push", "localhost:1/gone:1");
    let documents: Vec<serde_json::Value> = serde_json::from_str(&pushed.fails(3).stdout).unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(pushed.stderr.lines().filter(|line| line.starts_with("Error: ")).count(), 2, "{pushed}");
    // A program that reads this gets a document even so.
    let args = ["localhost:1/gone:1", "localhost:1/gone:2", "-o", "json"];
    home.command("helm-chart-pull").args(args).run().fails(6).stdout_is("[]\n");
}

#[test]
fn a_version_that_is_the_tag_asks_for_no_other() {
    let (_lives, registry) = registry_with(&["1.0.0"]);
    let home = Home::new();
    let reference = format!("{}/a/mychart:1.0.0", registry.address());
    let pull = |version: &str| home.command("helm-chart-pull").args([&reference, "--version", version]).run();
    pull("1.0.0").succeeds().stderr_is("");
    let pinned = format!("localhost:1/a@{}", Artifact::chart("mychart", "1.0.0").digest());
    home.command("helm-chart-pull").args([&pinned, "--version", ">=1"]).run().fails(2);
    pull("1.0.1")
        .fails(2)
        .stderr_is(&format!("Error: {reference} is one version already, and --version asks for another\n"));
}

#[test]
fn at_least_one_at_once() {
    let run = Home::new().command("helm-chart-pull").args(["--concurrency", "0", "localhost:1/a:1"]).run();
    run.fails(2).stdout_is("").stderr_is(
        "Error: `--concurrency 0`: the least is 1\n\
         hint: helm-chart-pull --help shows how it is called\n",
    );
}

#[test]
fn a_tag_that_moved_is_followed() {
    let shelf = Shelf::new(&Artifact::chart("mychart", "1.0.0"));
    let home = Home::new();
    let pull = || home.command("helm-chart-pull").args([shelf.reference()]).run();
    pull().succeeds();
    let newer = Artifact::chart("mychart", "1.0.1");
    shelf.replace(&newer);
    let pulled = pull();
    let status =
        format!("Status: Downloaded newer chart for {}\nDigest: {}\n", shelf.reference(), newer.digest());
    assert!(pulled.succeeds().stdout.ends_with(&status), "{pulled}");
    // A digest holds it where it was.
    let pinned = format!("{}@{}", shelf.reference(), Artifact::chart("mychart", "1.0.0").digest());
    home.command("helm-chart-pull").args([&pinned]).run().fails(3);
    assert!(pull().succeeds().stdout.contains("\nStatus: Chart is up to date for "));
}

#[test]
fn a_digest_is_enough_and_kept_under_itself() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let index = chart.clone().in_index(oci::media_type::INDEX);
    let shelf = Shelf::new(&index);
    shelf.set(&format!("/v2/a/manifests/{}", index.digest()), index.answers()["/v2/a/manifests/1.0"].clone());
    for digest in [chart.digest(), index.digest()] {
        let home = Home::new();
        let reference = format!("{}/a@{digest}", shelf.mock.host());
        let pull = || home.command("helm-chart-pull").args([&reference]).run();
        let pulled = pull();
        let first = format!("{digest}: Pulling from {}/a\n", shelf.mock.host());
        assert!(pulled.succeeds().stdout.starts_with(&first), "{pulled}");
        assert!(
            pulled.stdout.contains(&format!("\nStatus: Downloaded newer chart for {reference}\n")),
            "{pulled}"
        );
        let before = shelf.mock.requests().len();
        let again = pull();
        assert!(
            again.succeeds().stdout.contains(&format!("\nStatus: Chart is up to date for {reference}\n"))
        );
        assert_eq!(shelf.mock.requests().len(), before);
        let listed = home.command("helm-chart-list").run();
        assert!(listed.succeeds().stdout.contains(&reference), "{listed}");
    }
}

/// Nobody's default, and allowed: everything below the manifest is named by SHA-512.
#[test]
fn a_chart_named_by_sha512_keeps_its_digests_here_and_elsewhere() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    let sha512 = |content: &[u8]| {
        let mut hasher = oci::digest::Hasher::new(oci::digest::Algorithm::Sha512);
        hasher.update(content);
        hasher.finish().to_string()
    };
    let config = br#"{"name":"mychart","version":"1.0.0","apiVersion":"v1"}"#.to_vec();
    let chart = crate::common::wire::tgz(&[
        ("mychart/Chart.yaml", "apiVersion: v1\nname: mychart\nversion: 1.0.0\n"),
        ("mychart/values.yaml", "a: 1\n"),
    ]);
    let provenance = b"-----BEGIN PGP SIGNED MESSAGE-----\n".to_vec();
    let types = [oci::media_type::CONFIG, oci::media_type::CHART, oci::media_type::PROVENANCE];
    let mut descriptors = Vec::new();
    for (blob, media_type) in [&config, &chart, &provenance].into_iter().zip(types) {
        let digest = sha512(blob);
        let url = format!("http://{host}/v2/a/mychart/blobs/uploads/?digest={digest}");
        assert_eq!(ureq::post(url).send(blob.as_slice()).unwrap().status(), 201);
        descriptors
            .push(format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#, blob.len()));
    }
    let manifest = crate::common::wire::manifest(&descriptors[0], &descriptors[1..]);
    let put = ureq::put(format!("http://{host}/v2/a/mychart/manifests/1.0.0"))
        .header("Content-Type", oci::media_type::MANIFEST)
        .send(manifest.as_slice());
    assert_eq!(put.unwrap().status(), 201);

    let (here, there) = (format!("{host}/a/mychart:1.0.0"), format!("{host}/b/mychart:1.0.0"));
    let pinned = |reference: &str| format!("{reference}@{}\n", oci::digest::Digest::of(&manifest));
    home.command("helm-chart-pull").args(["-q", &here]).run().prints(&pinned(&here));
    home.command("helm-chart-tag").args([&here, &there]).run().succeeds();
    home.command("helm-chart-push").args(["-q", &there]).run().prints(&pinned(&there));
    assert_eq!(crate::common::wire::get(host, "b/mychart/manifests/1.0.0"), manifest);
    home.command("helm-chart-export").args([&there, "-d", "out"]).run().succeeds();
    assert_eq!(std::fs::read(home.path().join("out/mychart/values.yaml")).unwrap(), b"a: 1\n");
}

#[test]
fn what_is_asked_for_by_its_digest_is_kept_beside_what_has_the_tag() {
    let (_lives, registry) = registry_with(&[]);
    let host = registry.address();
    let chart = Artifact::chart("mychart", "1.0.0");
    let other = Artifact::chart("other", "1.0.0");
    let in_index = Artifact::chart("mychart", "2.0.0").in_index("application/vnd.oci.image.index.v1+json");
    chart.put(host, "a/mychart", "1.0.0");
    in_index.put(host, "a/mychart", "2.0.0");
    for (tag, digest) in [("1.0.0", chart.digest()), ("2.0.0", in_index.digest())] {
        let home = Home::new();
        let run = |command: &str, args: &[&str]| home.command(command).args(args).run();
        let (tagged, pinned) = (format!("{host}/a/mychart:{tag}"), format!("{host}/a/mychart@{digest}"));
        run("helm-chart-pull", &[&tagged]).succeeds().stderr_is("");
        home.age(&tagged, 3600);
        let pulled = run("helm-chart-pull", &[&pinned]);
        let status = format!("\nStatus: Chart is up to date for {pinned}\n");
        assert!(pulled.succeeds().stdout.contains(&status), "{pulled}");
        // Each has its own, of the same age.
        let listed = run("helm-chart-list", &["-o", "json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed.succeeds().stdout).unwrap();
        let rows = listed.as_array().unwrap();
        let references: Vec<_> = rows.iter().map(|row| row["ref"].as_str().unwrap()).collect();
        assert_eq!(references, [&tagged, &pinned]);
        assert_eq!(rows[0]["created"], rows[1]["created"]);
        let blobs = home.blobs();
        // The tag goes another way, and then altogether.
        other.put(host, "a/mychart", tag);
        run("helm-chart-pull", &[&tagged]).succeeds();
        run("helm-chart-export", &["-q", "-d", "out", &pinned]).stderr_is("").prints("out/mychart\n");
        run("helm-chart-remove", &[&tagged]).succeeds();
        assert_eq!(home.blobs(), blobs);
        let again = run("helm-chart-pull", &[&pinned]);
        assert!(again.succeeds().stdout.contains(&status), "{again}");
        run("helm-chart-fsck", &[]).succeeds().stderr_is("");
        run("helm-chart-remove", &[&pinned]).succeeds();
        assert_eq!(home.blobs(), [""; 0]);
    }
}

#[test]
fn what_is_pulled_by_its_digest_is_found_whole_before_it_is_believed() {
    let (_lives, registry) = registry_with(&["1.0.0"]);
    let home = Home::new();
    let tagged = format!("{}/a/mychart:1.0.0", registry.address());
    let pulled = home.command("helm-chart-pull").args(["-q", &tagged]).run();
    let pinned = pulled.succeeds().stdout.trim_end().replace(":1.0.0@", "@");
    home.damage(&home.blob(&tagged, "content"));
    let pulled = home.command("helm-chart-pull").args([&pinned]).run();
    let status = format!("\nStatus: Downloaded newer chart for {pinned}\n");
    assert!(pulled.succeeds().stdout.contains(&status), "{pulled}");
    home.command("helm-chart-fsck").run().succeeds().stderr_is("");
}
