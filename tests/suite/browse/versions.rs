//! Versions of one chart.

use serde_json::Value;

use super::registries::{Content, asked, path, plainly, serve, tags};
use crate::common::counter::Counter;
use crate::common::mock::{Mock, Step, on};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, write_chart};
use oci::digest::Digest;

fn versions(home: &Home, mock: &Mock, args: &[&str]) -> Output {
    let repository = format!("{}/team/web", mock.host());
    home.command("helm-chart-versions").args([&repository]).args(args).run()
}

/// The chart `team/web` in a few versions, with what is no version beside it.
fn content() -> Content {
    let mut content = Content::default();
    for version in ["1.9.0", "1.10.0", "0.1.0", "2.0.0-rc.1", "1.10.0+build.1", "v3.0.0", "1.0"] {
        content = content.chart("team/web", version);
    }
    let signature = content.document(&serde_json::json!({ "schemaVersion": 2, "layers": [], "config":
        { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": Digest::of(b"").to_string(), "size": 0 } })).0;
    let tag = format!("sha256-{}.sig", Digest::of(b"web").hex());
    content.tag("team/web", &tag, signature.clone()).tag("team/web", "1.5.0", signature).tag(
        "team/web",
        "1.4.0",
        Digest::of(b"gone"),
    )
}

#[test]
fn the_newest_come_first_with_their_app_versions() {
    let (home, mock) = (Home::new(), serve(content(), plainly));
    let listed = versions(&home, &mock, &[]);
    listed.stderr_is("Warning: 2 tags stand for no chart: 1.5.0, 1.4.0\n");
    let rows: Vec<Vec<&str>> = listed
        .stdout
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["VERSION", "APP VERSION", "CREATED", "DIGEST", "DESCRIPTION"]);
    let firsts: Vec<_> = rows[1..].iter().map(|row| (row[0], row[1], row[2], row[4])).collect();
    let plain = "The web of the team";
    assert_eq!(
        firsts,
        [
            ("1.10.0", "app-1.10.0", "2026-08-20", plain),
            ("1.10.0+build.1", "app-1.10.0+build.1", "2026-08-20", plain),
            ("1.9.0", "app-1.9.0", "2026-08-20", plain),
            ("0.1.0", "app-0.1.0", "2026-08-20", "(deprecated) The web of the team"),
        ]
    );
    let json = versions(&home, &mock, &["-o", "json", "--version", "<1.10"]);
    let json: Vec<Value> = serde_json::from_slice(&json.succeeds().bytes).unwrap();
    assert_eq!((json.len(), &json[0]["app_version"]), (2, &Value::from("app-1.9.0")));
    assert_eq!(json[0]["ref"], format!("{}/team/web:1.9.0", mock.host()));
    assert!(versions(&home, &mock, &["--devel", "--latest", "1"]).stdout.contains("2.0.0-rc.1"));
    let all = versions(&home, &mock, &["-q", "--tags"]);
    let last: Vec<_> = all.stdout.lines().filter_map(|line| line.rsplit(':').next()).collect();
    assert_eq!(last[..4], ["2.0.0-rc.1", "1.10.0", "1.10.0_build.1", "1.9.0"]);
    assert!(last.contains(&"1.0") && last.contains(&"v3.0.0"));
}

#[test]
fn nothing_found_is_3_and_nonsense_is_2() {
    let (home, mock) = (Home::new(), serve(content(), plainly));
    versions(&home, &mock, &["--version", "^9"]).fails(3).stdout_is("");
    versions(&home, &mock, &["-q", "--version", "^9"]).fails(3).stdout_is("");
    versions(&home, &mock, &["-o", "json", "--version", "^9"]).fails(3).stdout_is("[]\n");
    versions(&home, &mock, &["--version", "a b c"]).fails(2);
    versions(&home, &mock, &["--all", "--latest", "1"]).fails(2);
    let run = |repository: &str| home.command("helm-chart-versions").args([repository]).run();
    run(&format!("{}/team/none", mock.host())).fails(3);
    run(&format!("{}/team/web:1.9.0", mock.host())).fails(2);
    run("web").fails(2);
}

/// 1 list, then a manifest and a config a version; then a HEAD a version; for names alone the list.
#[test]
fn a_second_look_asks_for_the_list_and_what_has_moved() {
    let home = Home::new();
    let embedded = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let docker = DockerRegistry::start();
    let addresses =
        [Some(embedded.address().to_owned()), docker.as_ref().map(|docker| docker.address().to_owned())];
    for address in addresses.into_iter().flatten() {
        let names: Vec<_> = (0..29).map(|n| format!("{address}/charts/web:1.{n}.0")).collect();
        for (n, name) in names.iter().enumerate() {
            let chart = format!("apiVersion: v2\nname: web\nversion: 1.{n}.0\nappVersion: a{n}\n");
            write_chart(&home.path().join("web"), &[("Chart.yaml", &chart)]);
            home.command("helm-chart-save").args(["-q", "web", name]).run().succeeds();
        }
        home.command("helm-chart-push").args(["-q"]).args(&names).run().succeeds();
        let counter = Counter::start(&address);
        let repository = format!("{}/charts/web", counter.host());
        let user = Home::new();
        let requests = |args: &[&str]| {
            let listed = user.command("helm-chart-versions").args([&repository]).args(args).run();
            (listed.succeeds().stdout.clone(), counter.take().0.len())
        };
        let (cold, count) = requests(&["--all"]);
        assert_eq!((cold.lines().count(), count), (30, 59));
        assert_eq!(requests(&["--all"]), (cold.clone(), 30));
        assert_eq!(requests(&["-q"]).1, 1);
        assert_eq!(requests(&["--all", "--offline"]), (cold, 0));
        assert_eq!(requests(&[]).0.lines().count(), 21);
        assert!(!user.cache().exists());
    }
}

#[test]
fn what_the_list_tells_is_not_asked_for() {
    // As Google's: the manifest of each tag, when it was uploaded, and what is below.
    let mock = serve(content(), |asked, content| {
        let step = plainly(asked, content)?;
        let manifests: serde_json::Map<_, _> = content.tags["team/web"]
            .iter()
            .map(|(tag, digest)| {
                (digest.to_string(), serde_json::json!({ "tag": [tag], "timeUploadedMs": "1786000000000" }))
            })
            .collect();
        let body = serde_json::json!({ "child": [], "manifest": manifests, "name": "team/web", "tags": content.names("team/web") });
        let _ = step;
        Some(on(&asked.line).answer(200, &[], body.to_string().as_bytes()))
    });
    let home = Home::new();
    let cold = versions(&home, &mock, &["--version", ">=1.9"]).succeeds().stdout.clone();
    let count = asked(&mock).len();
    versions(&home, &mock, &["--version", ">=1.9"]).prints(&cold);
    assert_eq!(asked(&mock).len(), count + 1);
}

/// Tags in pages of 100, listed by a registry of this kind.
fn paged(kind: &'static str) -> Mock {
    let mut content = Content::default();
    for n in 0..250 {
        content = content.tag("team/web", &format!("1.{n:03}.0"), Digest::of(b"x"));
    }
    serve(content, move |asked, content| -> Option<Step> {
        let (place, query) = path(asked);
        place.ends_with("/tags/list").then_some(())?;
        let names = content.names("team/web");
        let last = query.split('&').find_map(|part| part.strip_prefix("last=")).unwrap_or_default();
        let last = last.replace("%2E", ".");
        let limit =
            query.split('&').find_map(|part| part.strip_prefix("n=")).map_or(100, |n| n.parse().unwrap());
        // Amazon's.
        assert!(limit <= 1000, "{query}");
        let from = names.iter().position(|name| *name == last).map_or(0, |at| at + 1);
        let page: Vec<_> = match kind {
            "ignores n and last" => names.clone(),
            _ => names[from..].iter().take(limit).copied().collect(),
        };
        let next = page.last().filter(|_| from + page.len() < names.len());
        let link = match (kind, next) {
            (_, None) | ("no link" | "ignores n and last", _) => None,
            ("Link", Some(next)) => Some(format!("</v2/team/web/tags/list?n=100&last={next}>; rel=\"next\"")),
            ("wrong path", Some(next)) => {
                Some(format!("</v2/repository/team/web/tags/list?n=100&last={next}>; rel=\"next\""))
            }
            ("no repository", Some(next)) => Some(format!("</v2/tags/list?n=100&last={next}>; rel=\"next\"")),
            (other, _) => panic!("{other}"),
        };
        if !place.starts_with("/v2/team/web/") {
            let status = if kind == "wrong path" { 400 } else { 404 };
            return Some(on(&asked.line).answer(status, &[], b"{}"));
        }
        let body = serde_json::json!({ "name": "team/web", "tags": page }).to_string();
        let headers: Vec<_> = link.iter().map(|link| ("Link", link.as_str())).collect();
        Some(on(&asked.line).answer(200, &headers, body.as_bytes()))
    })
}

#[test]
fn lists_that_are_cut_are_read_to_their_end() {
    for (kind, requests) in
        [("Link", 3), ("wrong path", 3), ("no repository", 3), ("no link", 2), ("ignores n and last", 1)]
    {
        let (home, mock) = (Home::new(), paged(kind));
        let listed = versions(&home, &mock, &["-q"]);
        // Each tag once. Those with leading zeros are no versions.
        let all = versions(&home, &mock, &["-q", "--tags"]);
        assert_eq!(all.succeeds().stdout.lines().count(), 250, "{kind}");
        assert_eq!(listed.succeeds().stdout.lines().count(), 150, "{kind}");
        assert_eq!(asked(&mock).len(), 2 * requests, "{kind}: {:?}", asked(&mock));
    }
}

#[test]
fn ten_thousand_tags_are_a_list_like_any_other() {
    let mut content = Content::default().chart("team/web", "9999.0.0");
    for n in 0..10_000 {
        content = content.tag("team/web", &format!("1.{n}.0"), Digest::of(b"x"));
    }
    let (home, mock) = (Home::new(), serve(content, plainly));
    assert_eq!(versions(&home, &mock, &["-q"]).succeeds().stdout.lines().count(), 10_001);
    let newest = versions(&home, &mock, &["--latest", "1"]);
    assert_eq!(newest.succeeds().stdout.lines().count(), 2);
}

#[test]
fn an_empty_list_is_null_and_a_tag_may_come_twice() {
    let home = Home::new();
    let null = serve(Content::default(), |asked, _| {
        Some(on(&asked.line).answer(200, &[], b"{\"name\":\"team/web\",\"tags\":null}"))
    });
    versions(&home, &null, &["-q"]).fails(3);
    let twice = serve(content(), |asked, _| {
        path(asked).0.ends_with("/tags/list").then(|| tags(asked, "team/web", &["1.9.0", "1.9.0"]))
    });
    assert_eq!(versions(&home, &twice, &["-q"]).succeeds().stdout.lines().count(), 1);
    assert_eq!(versions(&home, &twice, &[]).succeeds().stdout.lines().count(), 2);
}
