//! Registries that lie, break off or serve what is no chart: one clear line, a documented exit code, a cache as it was,
//! and a good pull afterwards.

use crate::common::Home;
use crate::common::mock::{Action, Mock, answer, on};
use crate::common::wire::{Artifact, Shelf, descriptor, manifest, snapshot, tgz};
use oci::digest::Digest;
use oci::media_type;

const MANIFEST: &str = "/v2/a/manifests/1.0";

/// A home that has another chart, and a shelf with a good one.
fn start() -> (Home, Shelf, Artifact) {
    let home = Home::new();
    let good = Artifact::chart("mychart", "1.0.0");
    let shelf = Shelf::new(&Artifact::chart("other", "1.0.0"));
    home.command("helm-chart-pull").args([shelf.reference()]).run().succeeds();
    shelf.replace(&good);
    (home, shelf, good)
}

/// Pulls and fails just so; `$REF`, `$REGISTRY` and `$MANIFEST` stand for what they say. Then pulls the good chart.
#[track_caller]
fn refused(home: &Home, shelf: &Shelf, good: &Artifact, code: i32, stderr: &str) {
    let before = snapshot(&home.cache());
    let reference = shelf.reference();
    let pulled = home.command("helm-chart-pull").args([&reference]).run();
    let registry = format!("http://{}/v2/a", shelf.mock.host());
    let expected = stderr
        .replace("$REF", &reference)
        .replace("$HOST", &shelf.mock.host())
        .replace("$REGISTRY", &registry)
        .replace("$MANIFEST", &format!("{registry}/manifests/1.0"));
    pulled.fails(code).stdout_is("").stderr_is(&expected);
    assert_eq!(snapshot(&home.cache()), before);
    shelf.replace(good);
    let fresh = Home::new();
    fresh.command("helm-chart-pull").args([&reference]).run().succeeds();
}

/// An artifact in the place of the good one.
#[track_caller]
fn refuses(artifact: &Artifact, code: i32, stderr: &str) {
    let (home, shelf, good) = start();
    shelf.replace(artifact);
    refused(&home, &shelf, &good, code, &format!("Error: cannot pull $REF: {stderr}"));
}

const CHANGED: &str = "hint: nothing was kept; the registry or something on the way changes content\n";

#[test]
fn a_registry_that_is_not_there_is_unreachable() {
    let home = Home::new();
    let run = home.command("helm-chart-pull").args(["--timeout", "1s", "localhost:1/a:1.0"]).run();
    run.fails(6).stdout_is("").stderr_is(
        "Error: cannot pull localhost:1/a:1.0: GET http://localhost:1/v2/a/manifests/1.0: the connection failed: \
         Connection refused\n\
         hint: is the registry running, and is this its port?\n",
    );
    assert!(snapshot(&home.cache()).is_empty());
}

#[test]
fn refusals_say_what_the_registry_said() {
    let errors =
        |code: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"text \u001b[31m\u202e"}}]}}"#);
    let absent = "hint: the registry lists no tags there, either: is the repository right?\n";
    for (status, code, exit, said) in [
        (404, "MANIFEST_UNKNOWN", 3, &*format!("404: MANIFEST_UNKNOWN: text\n{absent}")),
        (404, "NAME_UNKNOWN", 3, &format!("404: NAME_UNKNOWN: text\n{absent}")),
        (401, "UNAUTHORIZED", 4, "401: UNAUTHORIZED: text\nhint: helm oci registry login $HOST\n"),
        (
            403,
            "DENIED",
            4,
            "403: DENIED: text\nhint: it was asked for without a login: helm oci registry login $HOST\n",
        ),
        (418, "\\u001b]0;owned\\u0007", 1, "418: ]0;owned: text\n"),
    ] {
        let (home, shelf, good) = start();
        shelf.set(MANIFEST, answer(status, &[], errors(code).as_bytes(), false));
        refused(&home, &shelf, &good, exit, &format!("Error: cannot pull $REF: GET $MANIFEST: {said}"));
    }
}

#[test]
fn a_registry_that_is_broken_is_asked_four_times() {
    let (home, shelf, good) = start();
    shelf.set(MANIFEST, answer(500, &[("Retry-After", "0")], b"", false));
    let before = shelf.mock.requests().len();
    home.command("helm-chart-pull").args([shelf.reference()]).run().fails(6);
    assert_eq!(shelf.mock.requests().len() - before, 4);
    refused(&home, &shelf, &good, 6, "Error: cannot pull $REF: GET $MANIFEST: 500 (asks to wait 0 s)\n");
}

#[test]
fn a_web_page_is_no_manifest() {
    let (home, shelf, good) = start();
    let page = answer(200, &[("Content-Type", "text/html; charset=utf-8")], b"<html>Log in</html>", false);
    shelf.set(MANIFEST, page);
    let said = "Error: cannot pull $REF: the answer is a web page instead of a manifest\n";
    refused(&home, &shelf, &good, 1, said);
}

#[test]
fn a_header_that_lies_about_the_manifest_is_caught() {
    let (home, shelf, good) = start();
    let other = Digest::of(b"other");
    let headers = [("Content-Type", media_type::MANIFEST), ("Docker-Content-Digest", &other.to_string())];
    shelf.set(MANIFEST, answer(200, &headers, &good.manifest, false));
    let said = format!(
        "Error: cannot pull $REF: GET $MANIFEST: verification failed: expected content {other}, found {}\n{CHANGED}",
        good.digest()
    );
    refused(&home, &shelf, &good, 7, &said);
}

#[test]
fn content_that_is_not_what_its_digest_says_is_caught() {
    for at in [0, 1] {
        let (home, shelf, good) = start();
        let mut wrong = good.blobs[at].clone();
        wrong[5] ^= 1;
        let path = Artifact::path_of(&good.blobs[at]);
        shelf.set(&path, answer(200, &[], &wrong, false));
        let (expected, found) = (Digest::of(&good.blobs[at]), Digest::of(&wrong));
        let said = format!(
            "Error: cannot pull $REF: GET $REGISTRY/blobs/{expected}: verification failed: expected content {expected}, \
             found {found}\n{CHANGED}"
        );
        refused(&home, &shelf, &good, 7, &said);
    }
}

#[test]
fn too_much_and_too_little_is_caught() {
    for change in [1, -1_isize] {
        let (home, shelf, good) = start();
        let mut wrong = good.layer().to_vec();
        wrong.resize(wrong.len().checked_add_signed(change).unwrap(), 0);
        shelf.set(&Artifact::path_of(good.layer()), answer(200, &[], &wrong, false));
        let (digest, size, found) = (Digest::of(good.layer()), good.layer().len(), wrong.len());
        let said = format!(
            "Error: cannot pull $REF: GET $REGISTRY/blobs/{digest}: verification failed: the content of \
             {digest} is {found} bytes long, not {size}\n{CHANGED}"
        );
        refused(&home, &shelf, &good, 7, &said);
    }
}

#[test]
fn an_index_that_was_cut_short_is_caught() {
    let (home, shelf, good) = start();
    let index = good.clone().in_index(media_type::INDEX);
    let half = &index.manifest[..index.manifest.len() / 2];
    shelf.set(MANIFEST, answer(200, &[("Content-Type", media_type::INDEX)], half, false));
    let before = snapshot(&home.cache());
    let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
    let said =
        format!("Error: cannot pull {}: the manifest cannot be read: EOF while parsing", shelf.reference());
    assert!(pulled.fails(1).stderr.starts_with(&said), "{pulled}");
    assert_eq!(snapshot(&home.cache()), before);
    shelf.replace(&good);
    home.command("helm-chart-pull").args([shelf.reference()]).run().succeeds();
}

#[test]
fn what_is_no_chart_is_refused() {
    let config = br#"{"name":"mychart","version":"1.0.0","apiVersion":"v2"}"#;
    let chart_yaml = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
    let refused = "the chart in the registry is refused: ";
    for (layer, said) in [
        (b"this is no gzip file".to_vec(), "it is no packaged chart, which would be a gzipped tar archive\n"),
        (tgz(&[("mychart/values.yaml", "a: 1\n")]), "Chart.yaml file is missing\n"),
        (
            tgz(&[("mychart/Chart.yaml", chart_yaml), ("mychart/../../x", "x")]),
            "the path `mychart/../../x` is refused: it leaves the chart's directory\n",
        ),
        (
            tgz(&[("mychart/Chart.yaml", chart_yaml), ("/etc/passwd", "x")]),
            "the path `/etc/passwd` is refused: it is absolute\n",
        ),
        (
            tgz(&[("mychart/Chart.yaml", chart_yaml), ("mychart/a\x1b[31m", "x")]),
            "the path `mychart/a\\u{1b}[31m` is refused: it contains control characters\n",
        ),
    ] {
        refuses(&Artifact::of(config, &layer), 1, &format!("{refused}{said}"));
    }
    let good = Artifact::chart("mychart", "1.0.0");
    let said = "the chart's config cannot be read: expected ident at line 1 column 2\n";
    refuses(&Artifact::of(b"no JSON", good.layer()), 1, said);
}

#[test]
fn a_chart_is_called_what_chart_yaml_says_whatever_its_directory_is_called() {
    let chart = tgz(&[("elsewhere/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n")]);
    let shelf = Shelf::new(&Artifact::of(b"{}", &chart));
    let home = Home::new();
    let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
    assert!(pulled.succeeds().stdout.contains("\nName: mychart\n"), "{pulled}");
    home.command("helm-chart-export").args([shelf.reference()]).run().succeeds();
    assert!(home.path().join("mychart/Chart.yaml").is_file() && !home.path().join("elsewhere").exists());
}

#[test]
fn manifests_that_are_no_charts_are_refused() {
    let good = Artifact::chart("mychart", "1.0.0");
    let (config, layer) = (good.config().to_vec(), good.layer().to_vec());
    let of = |manifest: Vec<u8>| Artifact::new(manifest, &[&config, &layer]);
    let config_descriptor = descriptor(media_type::CONFIG, &config);
    let chart = descriptor(media_type::CHART, &layer);
    let image = descriptor("application/vnd.oci.image.config.v1+json", &config);
    refuses(
        &of(manifest(&image, std::slice::from_ref(&chart))),
        1,
        "not a Helm chart: its config is of type application/vnd.oci.image.config.v1+json\n",
    );
    let long = descriptor(&format!("x{}", "\\u001b".repeat(100_000)), &config);
    refuses(
        &of(manifest(&long, std::slice::from_ref(&chart))),
        1,
        &format!("not a Helm chart: its config is of type x{}\n", "\\u{1b}".repeat(159)),
    );
    refuses(
        &of(manifest(&config_descriptor, &[chart.clone(), chart.clone()])),
        1,
        "not a Helm chart: expected one chart layer, found 2\n",
    );
    refuses(
        &of(manifest(&config_descriptor, &[])),
        1,
        "not a Helm chart: expected one chart layer, found 0\n",
    );
    let huge = chart.replace(&format!("\"size\":{}", layer.len()), &format!("\"size\":{}", 1_u64 << 62));
    let said = "the chart claims 4611686018427387904 bytes; the limit is 104857600\n";
    refuses(&of(manifest(&config_descriptor, &[huge])), 1, said);
    let both = String::from_utf8(manifest(&config_descriptor, std::slice::from_ref(&chart))).unwrap();
    refuses(
        &of(both.replace("{\"schemaVersion\"", "{\"manifests\":[],\"schemaVersion\"").into_bytes()),
        1,
        "the document has both `manifests` and `layers`: it is neither a manifest nor an index\n",
    );
    let index = both.replace("\"config\"", &format!("\"mediaType\":\"{}\",\"config\"", media_type::INDEX));
    refuses(
        &of(index.into_bytes()),
        1,
        &format!(
            "the manifest calls itself {}, the registry calls it {}\n",
            media_type::INDEX,
            media_type::MANIFEST
        ),
    );
    let announced = Artifact { content_type: media_type::INDEX.to_owned(), ..of(both.into_bytes()) };
    let said = format!("the document is announced as {} and has `layers`\n", media_type::INDEX);
    refuses(&announced, 1, &said);
    refuses(&of(b"{}".to_vec()), 1, "the document is neither a manifest nor an index\n");
}

#[test]
fn a_digest_that_is_a_path_is_none() {
    let good = Artifact::chart("mychart", "1.0.0");
    let digest = Digest::of(good.layer()).to_string();
    let text = String::from_utf8(good.manifest).unwrap().replace(&digest, "sha256:../../x");
    let (home, shelf, good) = start();
    shelf.replace(&Artifact::new(text.into_bytes(), &[good.config()]));
    let before = snapshot(&home.cache());
    let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
    let said = "the manifest cannot be read: invalid digest `sha256:../../x`: a digest has only the digits 0-9 and a-f";
    assert!(pulled.fails(1).stderr.contains(said), "{pulled}");
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn foreign_urls_are_never_followed() {
    let foreign = Mock::script([]);
    let good = Artifact::chart("mychart", "1.0.0");
    let size = format!("\"size\":{}}}]", good.layer().len());
    let urls = size.replace("}]", &format!(",\"urls\":[\"http://{}/layer\"]}}]", foreign.host()));
    let text = String::from_utf8(good.manifest.clone()).unwrap().replace(&size, &urls);
    let (home, shelf, _) = start();
    let artifact = Artifact::new(text.into_bytes(), &[good.config()]);
    shelf.replace(&artifact);
    home.command("helm-chart-pull").args([shelf.reference()]).run().fails(3);
    assert_eq!(foreign.connections(), 0);
}

#[test]
fn several_charts_in_an_index_are_a_choice_for_the_user() {
    let (one, two) = (Artifact::chart("one", "1.0.0"), Artifact::chart("two", "1.0.0"));
    let index = |entries: &[String]| Artifact {
        content_type: media_type::INDEX.to_owned(),
        ..Artifact::new(
            format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(",")).into_bytes(),
            &[],
        )
    };
    let of = |artifact: &Artifact| descriptor(media_type::MANIFEST, &artifact.manifest);
    refuses(
        &index(&[of(&one), of(&two)]),
        1,
        &format!(
            "the index does not say which chart; name one by its digest: {}, {}\n",
            one.digest(),
            two.digest()
        ),
    );
    refuses(
        &index(&[descriptor(media_type::INDEX, b"another")]),
        1,
        &format!(
            "the index holds no chart but further indexes; name one by its digest: {}\n",
            Digest::of(b"another")
        ),
    );
    refuses(&index(&[]), 1, "the index holds no Helm chart\n");
    // An image beside the chart is no other candidate where both say what they are.
    let marked = of(&one).replace('}', &format!(",\"artifactType\":\"{}\"}}", media_type::CONFIG));
    let mut artifact = index(&[marked, of(&two)]);
    (artifact.child, artifact.blobs) = (Some(one.manifest.clone()), one.blobs);
    let shelf = Shelf::new(&artifact);
    let home = Home::new();
    let pulled = home.command("helm-chart-pull").args([shelf.reference()]).run();
    assert!(pulled.succeeds().stdout.contains("Name: one\n"), "{pulled}");
}

#[test]
fn a_body_that_breaks_off_is_taken_up_where_it_broke() {
    let good = Artifact::chart("mychart", "1.0.0");
    let (path, layer) = (Artifact::path_of(good.layer()), good.layer().to_vec());
    let answers = good.answers();
    let half = layer.len() / 2;
    let mock = Mock::serve(move |request| {
        let asked = request.line.split_once(' ').unwrap().1;
        if asked != path {
            return on(&request.line).then(Action::Send(answers[asked].clone()));
        }
        let size = layer.len().to_string();
        match request.header("range") {
            None => on(&request.line)
                .then(Action::Send(answer(200, &[("Content-Length", &size)], &layer[..half], false)))
                .then(Action::Close),
            Some(range) => {
                assert_eq!(range, format!("bytes={half}-"));
                let part = format!("bytes {half}-{}/{size}", layer.len() - 1);
                on(&request.line).answer(206, &[("Content-Range", &part)], &layer[half..])
            }
        }
    });
    let home = Home::new();
    let reference = format!("{}/a:1.0", mock.host());
    home.command("helm-chart-pull").args([&reference]).run().succeeds();
    assert_eq!(mock.requests().len(), 4, "{:#?}", mock.lines());
    home.command("helm-chart-export").args([&reference]).run().succeeds();
}
