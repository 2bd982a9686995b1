//! Registries with a script: charts, and a way to list them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::mock::{Mock, Recorded, Step, on};
use oci::digest::Digest;
use oci::media_type;

/// What a registry has: manifests by repository and tag, and documents by digest.
#[derive(Default)]
pub(super) struct Content {
    pub(super) tags: BTreeMap<String, Vec<(String, Digest)>>,
    documents: BTreeMap<String, Vec<u8>>,
}

impl Content {
    fn keep(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.documents.insert(digest.to_string(), bytes);
        digest
    }

    pub(super) fn document(&mut self, value: &Value) -> (Digest, usize) {
        let bytes = value.to_string().into_bytes();
        let size = bytes.len();
        (self.keep(bytes), size)
    }

    /// Adds a version of a chart.
    pub(super) fn chart(mut self, repository: &str, version: &str) -> Self {
        let name = repository.rsplit('/').next().unwrap();
        let (config, size) = self.document(&json!({
            "name": name, "version": version, "apiVersion": "v2", "appVersion": format!("app-{version}"),
            "description": format!("The {name} of the team"), "keywords": ["greeting"],
            "deprecated": version.starts_with("0."),
        }));
        let (layer, length) = (Digest::of(version.as_bytes()), 10);
        let (manifest, _) = self.document(&json!({
            "schemaVersion": 2,
            "config": { "mediaType": media_type::CONFIG, "digest": config.to_string(), "size": size },
            "layers": [{ "mediaType": media_type::CHART, "digest": layer.to_string(), "size": length }],
            "annotations": { "org.opencontainers.image.created": "2026-08-20T10:00:00Z" },
        }));
        self.tag(repository, &version.replace('+', "_"), manifest)
    }

    /// Gives something a tag.
    pub(super) fn tag(mut self, repository: &str, tag: &str, digest: Digest) -> Self {
        self.tags.entry(repository.to_owned()).or_default().push((tag.to_owned(), digest));
        self
    }

    pub(super) fn names(&self, repository: &str) -> Vec<&str> {
        self.tags.get(repository).into_iter().flatten().map(|(tag, _)| tag.as_str()).collect()
    }

    /// The answer to a request for a manifest or a blob.
    fn answer(&self, asked: &Recorded) -> Step {
        let path = asked.line.split(' ').nth(1).unwrap();
        let (place, target) = path.rsplit_once('/').unwrap();
        let repository = place.trim_start_matches("/v2/").rsplit_once('/').map_or("", |(name, _)| name);
        let tagged = self.tags.get(repository).into_iter().flatten().find(|(tag, _)| tag == target);
        let digest = tagged.map_or(target.to_owned(), |(_, digest)| digest.to_string());
        match self.documents.get(&digest) {
            Some(bytes) => on(&asked.line).answer(
                200,
                &[("Docker-Content-Digest", &digest), ("Content-Type", media_type::MANIFEST)],
                bytes,
            ),
            None => on(&asked.line).answer(404, &[], b"{}"),
        }
    }
}

/// Serves this content. What `list` answers to goes before it.
pub(super) fn serve(
    content: Content,
    list: impl Fn(&Recorded, &Content) -> Option<Step> + Send + Sync + 'static,
) -> Mock {
    let content = Arc::new(content);
    Mock::serve(move |asked| list(asked, &content).unwrap_or_else(|| content.answer(asked)))
}

/// The path and the query of a request.
pub(super) fn path(asked: &Recorded) -> (&str, &str) {
    let target = asked.line.split(' ').nth(1).unwrap();
    target.split_once('?').unwrap_or((target, ""))
}

/// A list of tags, as all registries have it.
pub(super) fn tags(asked: &Recorded, repository: &str, tags: &[&str]) -> Step {
    let body = json!({ "name": repository, "tags": tags }).to_string();
    on(&asked.line).answer(200, &[], body.as_bytes())
}

/// The registry that lists everything at once.
pub(super) fn plainly(asked: &Recorded, content: &Content) -> Option<Step> {
    let repository = path(asked).0.strip_prefix("/v2/")?.strip_suffix("/tags/list")?;
    Some(match content.names(repository).as_slice() {
        [] => on(&asked.line).answer(404, &[], b"{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}"),
        names => tags(asked, repository, names),
    })
}

/// What was asked for, without what is asked of every registry.
pub(super) fn asked(mock: &Mock) -> Vec<String> {
    mock.requests().iter().map(|asked| asked.line.clone()).collect()
}
