//! A classic repository that does as it is told: files with validators, ranges and gzip, a password, lies.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::read::GzEncoder;
use oci::digest::Digest;

use crate::common::mock::{Action, Mock, Recorded, Step, answer, on};
use crate::common::wire::tgz;
use crate::common::{Home, Output};

/// What a site does besides giving files.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// It gives entity tags, and answers 304 to who has them.
    pub etags: bool,
    /// It compresses for who asks for that.
    pub gzip: bool,
    /// It wants this `Authorization`.
    pub login: Option<String>,
    /// It wants this query of everybody.
    pub query: Option<String>,
    /// The first so many requests for what ends so are answered with this status.
    pub fails: Option<(String, usize, u16)>,
    /// The first answer for what ends so breaks off in its middle.
    pub cuts: Option<String>,
    /// What ends so is at another place: `.tgz` of each name at this URL.
    pub elsewhere: Option<String>,
}

/// A repository.
pub struct Site {
    pub mock: Mock,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    manner: Arc<Mutex<Manner>>,
}

impl Site {
    pub fn new(manner: Manner) -> Self {
        let files = Arc::new(Mutex::new(BTreeMap::<String, Vec<u8>>::new()));
        let manner = Arc::new(Mutex::new(manner));
        let (there, how) = (Arc::clone(&files), Arc::clone(&manner));
        let mock =
            Mock::serve(move |request| give(request, &there.lock().unwrap(), &mut how.lock().unwrap()));
        Self { mock, files, manner }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.mock.host())
    }

    /// Puts a file there.
    pub fn set(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(format!("/{path}"), bytes.into());
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Puts these charts there, and an index of them in which each is beside it.
    pub fn stock(&self, charts: &[(&str, &str)]) {
        let mut entries = Vec::new();
        for (name, version) in charts {
            let package = chart(name, version);
            entries.push(entry(name, version, &package, &format!("{name}-{version}.tgz")));
            self.set(&format!("{name}-{}.tgz", version.replace('+', "%2B")), package.clone());
            self.set(&format!("{name}-{version}.tgz"), package);
        }
        self.set("index.yaml", index(&entries));
    }

    /// The request lines so far, since it was last asked.
    pub fn lines(&self) -> Vec<String> {
        self.mock.lines()
    }
}

fn give(request: &Recorded, files: &BTreeMap<String, Vec<u8>>, manner: &mut Manner) -> Step {
    let target = request.line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let step = on(&request.line);
    if manner.login.as_deref().is_some_and(|login| request.header("authorization") != Some(login)) {
        return step.answer(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], b"no");
    }
    if manner.query.as_deref().is_some_and(|wanted| wanted != query) {
        return step.answer(403, &[], b"no");
    }
    if let Some((end, left, status)) = &mut manner.fails
        && path.ends_with(end.as_str())
        && *left > 0
    {
        *left -= 1;
        return step.answer(*status, &[("Retry-After", "0")], b"later");
    }
    if let Some(elsewhere) = manner.elsewhere.as_ref().filter(|_| path.ends_with(".tgz")) {
        return step.answer(302, &[("Location", &format!("{elsewhere}{path}"))], b"");
    }
    let Some(bytes) = files.get(path) else { return step.answer(404, &[], b"there is none") };
    let etag = format!("\"{}\"", Digest::of(bytes).hex());
    let mut headers = vec![];
    if manner.etags {
        headers.push(("ETag", etag.as_str()));
        if request.header("if-none-match") == Some(etag.as_str()) {
            return step.answer(304, &headers, b"");
        }
    }
    if manner.cuts.as_deref().is_some_and(|end| path.ends_with(end)) {
        manner.cuts = None;
        let whole = answer(200, &headers, bytes, false);
        let half = whole[..whole.len() - bytes.len() / 2].to_vec();
        return step.then(Action::Send(half)).then(Action::Close);
    }
    let from = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    if let Some(from) = from.filter(|from: &usize| manner.etags && *from < bytes.len()) {
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        headers.push(("Content-Range", &range));
        return step.answer(206, &headers, &bytes[from..]);
    }
    if manner.gzip && request.header("accept-encoding") == Some("gzip") {
        let mut small = Vec::new();
        GzEncoder::new(bytes.as_slice(), Compression::default()).read_to_end(&mut small).unwrap();
        headers.push(("Content-Encoding", "gzip"));
        return step.answer(200, &headers, &small);
    }
    step.answer(200, &headers, bytes)
}

/// A package as Helm makes one.
pub fn chart(name: &str, version: &str) -> Vec<u8> {
    let chart_yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    tgz(&[(&format!("{name}/Chart.yaml"), &chart_yaml), (&format!("{name}/values.yaml"), "a: 1\n")])
}

/// A chart's entry in an index, with one URL.
pub fn entry(name: &str, version: &str, package: &[u8], url: &str) -> (String, String) {
    entry_of(name, version, Digest::of(package).hex(), url)
}

/// The same with any digest.
pub fn entry_of(name: &str, version: &str, digest: &str, url: &str) -> (String, String) {
    let text = format!(
        "  - apiVersion: v2\n    created: \"2024-03-01T10:00:00.123456789Z\"\n    digest: {digest}\n    name: {name}\n    urls:\n    - \
         {url}\n    version: {version}\n"
    );
    (name.to_owned(), text)
}

/// An index of entries, as `helm repo index` writes it.
pub fn index(entries: &[(String, String)]) -> String {
    let mut charts = BTreeMap::<&str, String>::new();
    for (name, text) in entries {
        charts.entry(name).or_default().push_str(text);
    }
    let charts: String = charts.iter().map(|(name, text)| format!("  {name}:\n{text}")).collect();
    format!("apiVersion: v1\nentries:\n{charts}generated: \"2024-03-01T10:00:00.123456789Z\"\n")
}

/// Migrates to the prefix `charts` of a registry.
pub fn migrate(home: &Home, from: &str, registry: &str, args: &[&str]) -> Output {
    let to = format!("oci://{registry}/charts");
    home.command("helm-chart-migrate").args([from, &to]).args(args).run()
}

/// What a registry has under a tag of a chart: the digests of its layers, the chart's first.
pub fn layers(registry: &str, chart: &str, tag: &str) -> Option<Vec<String>> {
    let url = format!("http://{registry}/v2/charts/{chart}/manifests/{tag}");
    let mut answer = ureq::get(url).header("Accept", oci::media_type::MANIFEST).call().ok()?;
    let mut bytes = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut bytes).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let mut layers: Vec<_> = manifest["layers"].as_array()?.iter().collect();
    layers.sort_by_key(|layer| layer["mediaType"] != oci::media_type::CHART);
    Some(layers.iter().map(|layer| layer["digest"].as_str().unwrap_or_default().to_owned()).collect())
}

/// The last line of a report.
pub fn summary(output: &Output) -> &str {
    output.stdout.lines().last().unwrap_or_default().split("; ").next().unwrap_or_default()
}
