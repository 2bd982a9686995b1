//! Charts of a part of a registry: catalog, Harbor's projects, Google's lists, an index, the cache.

use serde_json::{Value, json};

use super::registries::{Content, path, plainly, serve};
use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::{EmbeddedRegistry, Home, Output, write_chart};
use oci::digest::Digest;

fn search(home: &Home, words: &[&str]) -> Output {
    home.command("helm-chart-search").args(words).run()
}

fn content() -> Content {
    Content::default()
        .chart("team/web", "1.0.0")
        .chart("team/web", "1.1.0")
        .chart("team/db", "2.0.0")
        .chart("team/deep/cache", "3.0.0")
        .chart("other/web", "9.0.0")
        .tag("team/image", "1.0.0", Digest::of(b"nothing"))
}

fn json_of(asked: &Recorded, body: &Value) -> Step {
    on(&asked.line).answer(200, &[], body.to_string().as_bytes())
}

/// The registry that gives its catalog to everybody.
fn with_catalog(asked: &Recorded, content: &Content) -> Option<Step> {
    if path(asked).0 == "/v2/_catalog" {
        let names: Vec<_> = content.tags.keys().collect();
        return Some(json_of(asked, &json!({ "repositories": names })));
    }
    plainly(asked, content)
}

fn names(output: &Output) -> Vec<String> {
    let rows = output.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    rows.map(|name| name.split_once('/').map_or(name, |(_, name)| name).to_owned()).collect()
}

#[test]
fn the_catalog_is_searched() {
    let (home, mock) = (Home::new(), serve(content(), with_catalog));
    let host = mock.host();
    let found = search(&home, &[&format!("{host}/team")]);
    found.stderr_is("");
    assert_eq!(names(&found), ["team/db", "team/deep/cache", "team/web"]);
    assert!(found.stdout.starts_with("NAME "), "{found}");
    assert!(found.stdout.lines().last().unwrap().contains("  1.1.0          app-1.1.0"), "{found}");
    assert_eq!(names(&search(&home, &["WEB", &host])), ["other/web", "team/web"]);
    assert_eq!(names(&search(&home, &["greeting", &host])).len(), 4);
    let rows = search(&home, &["-l", "-o", "json", "web", &format!("oci://{host}/team")]);
    let rows: Vec<Value> = serde_json::from_slice(&rows.succeeds().bytes).unwrap();
    let listed: Vec<_> =
        rows.iter().map(|row| (row["name"].as_str().unwrap(), row["version"].as_str().unwrap())).collect();
    let name = format!("{host}/team/web");
    assert_eq!(listed, [(name.as_str(), "1.1.0"), (name.as_str(), "1.0.0")]);
    search(&home, &["-q", "db", &host]).prints(&format!("{host}/team/db:2.0.0\n"));
    search(&home, &["nothing", &host]).fails(3).stdout_is("");
    assert_eq!(names(&search(&home, &["-r", "^TEAM/(web|db)$", &host])), ["team/db", "team/web"]);
    search(&home, &["-r", "^web", &format!("{host}/team")]).succeeds();
    let wrong = search(&home, &["-r", "(", &host]);
    wrong.fails(2);
    assert!(wrong.stderr.contains("`(` is no regular expression"), "{wrong}");
    search(&home, &[]).fails(2);
    // A repository is a place of one chart.
    assert_eq!(names(&search(&home, &[&format!("{host}/team/web")])), ["team/web"]);
}

/// Answers 401 to the catalog, as Harbor, GitLab and GHCR do, and otherwise as `list` says.
fn without_catalog(
    list: impl Fn(&Recorded, &Content) -> Option<Step> + Send + Sync + 'static,
    content: Content,
) -> Mock {
    serve(content, move |asked, content| match path(asked).0 {
        "/v2/_catalog" => {
            Some(on(&asked.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b"{}"))
        }
        _ => list(asked, content).or_else(|| plainly(asked, content)),
    })
}

#[test]
fn harbor_lists_a_project() {
    let mock = without_catalog(
        |asked, _| {
            let (place, query) = path(asked);
            (place == "/api/v2.0/projects/team/repositories").then(|| {
                assert_eq!(query, "page_size=100&page=1");
                json_of(asked, &json!([{ "name": "team/web" }, { "name": "team/db" }]))
            })
        },
        content(),
    );
    let home = Home::new();
    let found = search(&home, &[&format!("{}/team", mock.host())]);
    assert_eq!(names(&found), ["team/db", "team/web"]);
    found.stderr_is("Warning: there is no catalog: this is what Harbor tells\n");
}

#[test]
fn google_lists_what_is_below() {
    let mock = without_catalog(
        |asked, _| {
            (path(asked).0 == "/v2/team/tags/list").then(|| {
                json_of(asked, &json!({ "child": ["web", "db"], "manifest": {}, "name": "team", "tags": [] }))
            })
        },
        content(),
    );
    let home = Home::new();
    assert_eq!(names(&search(&home, &[&format!("{}/team", mock.host())])), ["team/db", "team/web"]);
}

#[test]
fn an_index_of_charts_is_one_list() {
    let mut content = content();
    let entry = |version: &str| {
        json!({ "version": version, "appVersion": "8", "name": "web", "urls": [],
        "digest": Digest::of(version.as_bytes()).to_string(), "releasedAt": "2026-01-02T03:04:05Z" })
    };
    let index = json!({ "apiVersion": "v1", "entries": {
        "web": { "versions": [entry("1.9.0"), entry("1.10.0"), entry("2.0.0-rc.1")] }, "odd": { "versions": [] } } });
    let (layer, size) = content.document(&index);
    let (config, config_size) = content.document(&json!({}));
    let manifest = content.document(&json!({ "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.vmware.charts.index.config.v1+json", "digest": config.to_string(), "size": config_size },
        "layers": [{ "mediaType": "application/vnd.vmware.charts.index.layer.v1+json", "digest": layer.to_string(), "size": size }] })).0;
    let content = content.tag("team/charts-index", "latest", manifest);
    let mock = without_catalog(|_, _| None, content);
    let home = Home::new();
    let found = search(&home, &["-o", "json", &format!("{}/team", mock.host())]);
    let rows: Vec<Value> = serde_json::from_slice(&found.succeeds().bytes).unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["version"], &rows[0]["app_version"]),
        (1, &Value::from("1.10.0"), &Value::from("8"))
    );
    assert!(found.stderr.contains("charts-index"), "{found}");
}

#[test]
fn without_any_list_the_cache_is_one_and_else_it_is_said() {
    let mock = without_catalog(|_, _| None, content());
    let home = Home::new();
    let place = format!("{}/team", mock.host());
    // The catalog wants a login.
    let refused = search(&home, &[&place]);
    refused.fails(4).stdout_is("");
    assert!(
        refused.stderr.starts_with(&format!("Error: cannot search {place}: {place} lists no charts\nhint: ")),
        "{refused}"
    );
    write_chart(&home.path().join("web"), &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")]);
    home.command("helm-chart-save").args(["-q", "web", &format!("{place}/web")]).run().succeeds();
    let found = search(&home, &[&place]);
    assert_eq!(names(&found), ["team/web"]);
    found.stderr_is("Warning: there is no catalog: this is what the cache tells\n");
    // Where nothing may be asked, the cache has what it has.
    assert_eq!(names(&search(&home, &["--offline", &place])), ["team/web"]);
}

#[test]
fn a_registry_of_ours_is_searched_like_any_other() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    write_chart(&home.path().join("web"), &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")]);
    home.command("helm-chart-push")
        .args(["-q", "web", &format!("oci://{}/charts", registry.address())])
        .run()
        .succeeds();
    let found = search(&home, &[registry.address()]);
    found.prints(&format!("NAME                        CHART VERSION  APP VERSION  DESCRIPTION\n{}/charts/web  1.0.0          -            -\n", registry.address()).replace("NAME                        ", &format!("{:1$}  ", "NAME", registry.address().len() + 11)));
}
