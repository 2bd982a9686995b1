//! The registries that people have, each as it lists tags and repositories, and as it tells which manifests tags stand for.

use serde_json::{Value, json};

use super::registries::{Content, asked, path, serve};
use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::{Home, Output};
use oci::digest::Digest;

/// So many versions does `team/web` have.
const VERSIONS: usize = 130;

/// How a registry lists.
#[derive(Clone, Copy)]
struct Style {
    /// The path of its token service, and what it calls itself; nothing for its own address.
    asks: Option<(&'static str, &'static str)>,
    /// How many tags a page has where nobody says; 0 for all.
    page: usize,
    /// What becomes of an `n` that is greater than this.
    most: usize,
    too_many: TooMany,
    catalog: Catalog,
}

#[derive(Clone, Copy, PartialEq)]
enum TooMany {
    Cut,
    Refused,
}

#[derive(Clone, Copy)]
enum Catalog {
    Everybody,
    Nobody(u16),
}

const PLAIN: Style =
    Style { asks: None, page: 100, most: 1000, too_many: TooMany::Cut, catalog: Catalog::Everybody };

/// Charts, the oldest version first.
fn content() -> Content {
    let charts = (0..VERSIONS).map(|n| format!("1.{n}.0"));
    let content = charts.fold(Content::default(), |content, version| content.chart("team/web", &version));
    content.chart("team/db", "2.0.0").chart("team/deep/cache", "3.0.0")
}

fn json_of(asked: &Recorded, headers: &[(&str, &str)], body: &Value) -> Step {
    on(&asked.line).answer(200, headers, body.to_string().as_bytes())
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

impl Style {
    /// A registry of this style; `own` is what it has beside the standard lists.
    fn serve(self, own: impl Fn(&Recorded, &Content) -> Option<Step> + Send + Sync + 'static) -> Mock {
        self.serve_these(content(), own)
    }

    fn serve_these(
        self,
        content: Content,
        own: impl Fn(&Recorded, &Content) -> Option<Step> + Send + Sync + 'static,
    ) -> Mock {
        serve(content, move |asked, content| {
            let (place, query) = path(asked);
            if let Some((realm, service)) = self.asks {
                let host = asked.header("host").unwrap();
                if place == realm {
                    return Some(json_of(asked, &[], &json!({ "token": "secret" })));
                }
                if asked.header("authorization").is_none() {
                    let service = if service.is_empty() { host } else { service };
                    let challenge = format!("Bearer realm=\"http://{host}{realm}\",service=\"{service}\"");
                    return Some(on(&asked.line).answer(401, &[("WWW-Authenticate", &challenge)], b"{}"));
                }
            }
            if let Some(step) = own(asked, content) {
                return Some(step);
            }
            if place == "/v2/_catalog" {
                return Some(match self.catalog {
                    Catalog::Nobody(status) => on(&asked.line).answer(status, &[], b"{}"),
                    Catalog::Everybody => {
                        let names: Vec<_> = content.tags.keys().collect();
                        json_of(asked, &[], &json!({ "repositories": names }))
                    }
                });
            }
            let repository = place.strip_prefix("/v2/")?.strip_suffix("/tags/list")?;
            Some(self.page(asked, repository, query, &content.names(repository)))
        })
    }

    fn page(self, asked: &Recorded, repository: &str, query: &str, names: &[&str]) -> Step {
        if names.is_empty() {
            return on(&asked.line).answer(404, &[], b"{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}");
        }
        let wanted = parameter(query, "n").map(|n| n.parse::<usize>().unwrap());
        if wanted.is_some_and(|n| n > self.most) && self.too_many == TooMany::Refused {
            return on(&asked.line).answer(
                400,
                &[],
                b"{\"errors\":[{\"code\":\"PAGINATION_NUMBER_INVALID\"}]}",
            );
        }
        let all = if self.page == 0 { names.len() } else { self.page };
        let limit = wanted.unwrap_or(all).min(self.most);
        let last = parameter(query, "last").map(|last| last.replace("%2E", "."));
        let from = last.map_or(0, |last| names.iter().position(|name| *name == last).map_or(0, |at| at + 1));
        let page: Vec<_> = names[from..].iter().take(limit).collect();
        let next = page.last().filter(|_| from + page.len() < names.len());
        let link =
            next.map(|next| format!("</v2/{repository}/tags/list?last={next}&n={limit}>; rel=\"next\""));
        let headers: Vec<_> = link.iter().map(|link| ("Link", link.as_str())).collect();
        json_of(asked, &headers, &json!({ "name": repository, "tags": page }))
    }
}

fn versions(home: &Home, mock: &Mock, args: &[&str]) -> Output {
    let repository = format!("{}/team/web", mock.host());
    home.command("helm-chart-versions").args([&repository]).args(args).run()
}

/// What is asked for when this runs.
#[track_caller]
fn requests(mock: &Mock, run: impl FnOnce() -> Output) -> (String, Vec<String>) {
    let before = asked(mock).len();
    let output = run();
    (output.succeeds().stdout.clone(), asked(mock).split_off(before))
}

/// All names in so many requests, the newest first; and all versions, again in a list and a HEAD each.
#[track_caller]
fn are_listed(mock: &Mock, pages: usize) {
    let home = Home::new();
    let (names, lists) = requests(mock, || versions(&home, mock, &["-q"]));
    assert_eq!((names.lines().count(), lists.len()), (VERSIONS, pages), "{lists:?}");
    assert!(names.starts_with(&format!("{}/team/web:1.{}.0\n", mock.host(), VERSIONS - 1)), "{names}");
    let (cold, _) = requests(mock, || versions(&home, mock, &["--all"]));
    let (again, sent) = requests(mock, || versions(&home, mock, &["--all"]));
    assert_eq!(cold.lines().count(), VERSIONS + 1);
    assert_eq!((again, sent.len()), (cold, pages + VERSIONS));
}

/// All versions with a list of the registry's own, of so many requests: no tag is asked for by its name.
#[track_caller]
fn are_told_with_their_manifests(mock: &Mock, pages: usize, own: usize) {
    let home = Home::new();
    let (cold, sent) = requests(mock, || versions(&home, mock, &["--all"]));
    assert_eq!(cold.lines().count(), VERSIONS + 1);
    let by_tag = sent.iter().filter(|line| line.contains("/manifests/1."));
    assert_eq!(by_tag.count(), 0);
    let (again, sent) = requests(mock, || versions(&home, mock, &["--all"]));
    // And a token for it.
    assert_eq!((again, sent.len()), (cold, pages + own + 1), "{:?}", sent.iter().take(9).collect::<Vec<_>>());
    // The names alone need none of it.
    let (_, sent) = requests(mock, || versions(&home, mock, &["-q"]));
    assert_eq!(sent.len(), pages + 1, "{:?}", sent.iter().take(9).collect::<Vec<_>>());
}

fn names(output: &Output) -> Vec<String> {
    let rows = output.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    rows.map(|name| name.split_once('/').map_or(name, |(_, name)| name).to_owned()).collect()
}

fn search(mock: &Mock) -> Output {
    Home::new().command("helm-chart-search").args([&format!("{}/team", mock.host())]).run()
}

/// The digests of all tags of `team/web`.
fn tagged(content: &Content) -> &[(String, Digest)] {
    &content.tags["team/web"]
}

#[test]
fn zot_lists_all_at_once_and_has_a_catalog() {
    let mock = Style { page: 0, ..PLAIN }.serve(|_, _| None);
    are_listed(&mock, 1);
    assert_eq!(names(&search(&mock)), ["team/db", "team/deep/cache", "team/web"]);
}

#[test]
fn distribution_3_lists_in_pages() {
    let mock = PLAIN.serve(|_, _| None);
    are_listed(&mock, 2);
    assert_eq!(names(&search(&mock)), ["team/db", "team/deep/cache", "team/web"]);
}

#[test]
fn ecr_refuses_greater_pages() {
    let mock = Style { too_many: TooMany::Refused, ..PLAIN }.serve(|_, _| None);
    are_listed(&mock, 2);
    assert_eq!(names(&search(&mock)), ["team/db", "team/deep/cache", "team/web"]);
}

#[test]
fn ghcr_lists_the_oldest_first_and_no_repositories() {
    let mock = Style { asks: Some(("/token", "ghcr.io")), catalog: Catalog::Nobody(404), ..PLAIN }
        .serve(|_, _| None);
    let home = Home::new();
    let (listed, _) = requests(&mock, || versions(&home, &mock, &["-q", "--latest", "1"]));
    assert_eq!(listed, format!("{}/team/web:1.{}.0\n", mock.host(), VERSIONS - 1));
    // What it may be instead is said.
    let refused = search(&mock);
    refused.fails(3).stdout_is("");
    assert!(refused.stderr.contains("lists no charts\nhint: "), "{refused}");
}

#[test]
fn gitlab_lists_no_repositories_without_a_login() {
    let mock = Style { catalog: Catalog::Nobody(401), ..PLAIN }.serve(|_, _| None);
    are_listed(&mock, 2);
    search(&mock).fails(4).stdout_is("");
}

#[test]
fn docker_hub_has_no_catalog_and_bitnami_an_index() {
    let mut content = content();
    let entry = |version: &str| {
        json!({ "version": version, "appVersion": "8", "name": "web", "urls": [],
        "digest": Digest::of(version.as_bytes()).to_string(), "releasedAt": "2026-01-02T03:04:05Z" })
    };
    let index = json!({ "apiVersion": "v1", "entries": { "web": { "versions": [entry("1.9.0"), entry("1.129.0")] } } });
    let (layer, size) = content.document(&index);
    let (config, config_size) = content.document(&json!({}));
    let manifest = content.document(&json!({ "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.vmware.charts.index.config.v1+json", "digest": config.to_string(), "size": config_size },
        "layers": [{ "mediaType": "application/vnd.vmware.charts.index.layer.v1+json", "digest": layer.to_string(), "size": size }] })).0;
    let content = content.tag("team/charts-index", "latest", manifest);
    let asks = Some(("/token", "registry.docker.io"));
    let mock = Style { asks, catalog: Catalog::Nobody(401), ..PLAIN }.serve_these(content, |_, _| None);
    let found = search(&mock);
    found.succeeds();
    assert_eq!(names(&found), ["team/web"]);
    assert!(found.stdout.contains("1.129.0"), "{found}");
    assert_eq!(versions(&Home::new(), &mock, &["-q"]).succeeds().stdout.lines().count(), VERSIONS);
}

#[test]
fn harbor_tells_manifests_by_its_artifacts() {
    let style = Style {
        asks: Some(("/service/token", "harbor-registry")),
        page: 0,
        catalog: Catalog::Nobody(401),
        ..PLAIN
    };
    let mock = style.serve(|asked, content| {
        let (place, query) = path(asked);
        let page = |all: Vec<Value>| {
            let (number, size) = (parameter(query, "page")?, parameter(query, "page_size")?);
            let (number, size): (usize, usize) = (number.parse().unwrap(), size.parse().unwrap());
            let page: Vec<_> = all.into_iter().skip((number - 1) * size).take(size).collect();
            Some(json_of(asked, &[], &json!(page)))
        };
        match place {
            "/api/v2.0/projects/team/repositories" => {
                page(content.tags.keys().map(|name| json!({ "name": name })).collect())
            }
            "/api/v2.0/projects/team/repositories/web/artifacts" => {
                assert_eq!(parameter(query, "with_tag"), Some("true"));
                let row = |(tag, digest): &(String, Digest)| {
                    json!({ "digest": digest.to_string(), "type": "CHART",
                        "tags": [{ "name": tag, "push_time": "2026-01-02T03:04:05.678Z" }] })
                };
                let untagged = json!({ "digest": Digest::of(b"untagged").to_string(), "tags": null });
                page(tagged(content).iter().map(row).chain([untagged]).collect())
            }
            _ => None,
        }
    });
    are_told_with_their_manifests(&mock, 1, 2);
    assert_eq!(names(&search(&mock)), ["team/db", "team/deep/cache", "team/web"]);
}

#[test]
fn quay_tells_manifests_by_its_own_list_of_tags() {
    let mock = Style { asks: Some(("/v2/auth", "")), ..PLAIN }.serve(|asked, content| {
        let (place, query) = path(asked);
        (place == "/api/v1/repository/team/web/tag/").then(|| {
            let number: usize = parameter(query, "page").unwrap().parse().unwrap();
            let rows = tagged(content).chunks(100).nth(number - 1).unwrap();
            let rows: Vec<_> = rows
                .iter()
                .map(|(tag, digest)| json!({ "name": tag, "manifest_digest": digest.to_string(), "start_ts": 1_786_000_000 }))
                .collect();
            json_of(asked, &[], &json!({ "tags": rows, "page": number, "has_additional": number == 1 }))
        })
    });
    are_told_with_their_manifests(&mock, 2, 2);
}

#[test]
fn acr_tells_manifests_by_its_own_list_of_tags() {
    let mock = Style { asks: Some(("/oauth2/token", "")), page: 0, ..PLAIN }.serve(|asked, content| {
        let (place, query) = path(asked);
        (place == "/acr/v1/team/web/_tags").then(|| {
            let all = tagged(content);
            let last = parameter(query, "last");
            let from = last.map_or(0, |last| all.iter().position(|(tag, _)| tag == last).unwrap() + 1);
            let page = &all[from..all.len().min(from + 100)];
            let rows: Vec<_> = page
                .iter()
                .map(|(tag, digest)| json!({ "name": tag, "digest": digest.to_string(), "lastUpdateTime": "2026-01-02T03:04:05.6789012Z" }))
                .collect();
            let next = page.last().filter(|_| from + page.len() < all.len());
            let link = next.map(|(tag, _)| format!("</acr/v1/team/web/_tags?last={tag}&n=100>; rel=\"next\""));
            let headers: Vec<_> = link.iter().map(|link| ("Link", link.as_str())).collect();
            json_of(asked, &headers, &json!({ "registry": "x", "imageName": "team/web", "tags": rows }))
        })
    });
    are_told_with_their_manifests(&mock, 1, 2);
}

#[test]
fn google_tells_manifests_in_the_list_itself() {
    let mock = Style { page: 0, ..PLAIN }.serve(|asked, content| {
        (path(asked).0 == "/v2/team/web/tags/list").then(|| {
            let manifests: serde_json::Map<_, _> = tagged(content)
                .iter()
                .map(|(tag, digest)| {
                    (digest.to_string(), json!({ "tag": [tag], "timeUploadedMs": "1786000000000" }))
                })
                .collect();
            let names = content.names("team/web");
            json_of(
                asked,
                &[],
                &json!({ "child": [], "manifest": manifests, "name": "team/web", "tags": names }),
            )
        })
    });
    let home = Home::new();
    let (cold, _) = requests(&mock, || versions(&home, &mock, &["--all"]));
    let (again, sent) = requests(&mock, || versions(&home, &mock, &["--all"]));
    assert_eq!((again, sent.len()), (cold, 1));
}

/// Whoever may not see the registry's own list goes on without.
#[test]
fn a_list_that_is_refused_is_done_without() {
    let styles = [("/service/token", "harbor-registry"), ("/v2/auth", ""), ("/oauth2/token", "")];
    for (asks, body) in styles.into_iter().zip(["{}", "[{\"digest\":7}]", "not JSON"]) {
        let mock = Style { asks: Some(asks), page: 0, ..PLAIN }.serve(move |asked, _| {
            let place = path(asked).0;
            let is_own = place.starts_with("/api/") || place.starts_with("/acr/");
            let status = if body == "{}" { 403 } else { 200 };
            is_own.then(|| on(&asked.line).answer(status, &[], body.as_bytes()))
        });
        let home = Home::new();
        let (cold, _) = requests(&mock, || versions(&home, &mock, &["--all"]));
        assert_eq!(cold.lines().count(), VERSIONS + 1);
    }
}
