//! Finds images in values: maps with a repository and a tag, and texts under keys such as `image`.

use serde_json::{Map, Value};

use super::found::{ImageOrigin, Images};
use crate::chart::Metadata;

/// The depth down to which values are searched.
const MAX_DEPTH: usize = 64;

/// The chart whose values are searched.
pub(super) struct Scan<'a> {
    pub(super) metadata: &'a Metadata,
    /// The prefix for the paths of values: empty, or the name of a subchart.
    pub(super) prefix: &'a str,
    /// The value of `global.imageRegistry`, if it is set.
    pub(super) registry: Option<&'a str>,
}

impl Scan<'_> {
    /// Adds the images that these values name.
    pub(super) fn values(&self, values: &Value, images: &mut Images) {
        self.look(values, self.prefix, 0, images);
    }

    fn look(&self, value: &Value, path: &str, depth: usize, images: &mut Images) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(map) => {
                if let Some(text) = self.image_of(map, path) {
                    self.add(&text, path, images);
                }
                for (key, value) in map {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    if let (Some(text), true) = (value.as_str(), names_an_image(key))
                        && let Some(text) = self.with_tag(text, key, map)
                    {
                        self.add(&text, &below, images);
                    }
                    self.look(value, &below, depth + 1, images);
                }
            }
            Value::Array(list) => {
                for (number, value) in list.iter().enumerate() {
                    self.look(value, &format!("{path}[{number}]"), depth + 1, images);
                }
            }
            _ => {}
        }
    }

    fn add(&self, text: &str, path: &str, images: &mut Images) {
        images.add(text, &self.metadata.name, ImageOrigin::Values(path.to_owned()));
    }

    /// The image that a map describes in parts: `{registry, repository, tag, digest}`.
    fn image_of(&self, map: &Map<String, Value>, path: &str) -> Option<String> {
        let last = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let is_image = last.contains("image");
        let has = |key: &str| map.contains_key(key);
        let by_name = ["name", "repo"].into_iter().filter(|_| is_image && has("tag"));
        let key = ["repository"]
            .into_iter()
            .chain(by_name)
            .find(|key| map.get(*key).is_some_and(Value::is_string))?;
        let known = ["tag", "digest", "pullPolicy", "imagePullPolicy", "registry"].into_iter().any(has);
        let repository = map.get(key)?.as_str().filter(|text| !text.is_empty() && (is_image || known))?;
        let registry = self.registry.or_else(|| text(map.get("registry")?));
        let mut name = match registry.filter(|registry| !registry.is_empty()) {
            Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
            None => repository.to_owned(),
        };
        if !has_tag(&name) {
            let tag = map.get("tag").and_then(scalar).filter(|tag| !tag.is_empty());
            let version = Some(self.metadata.app_version.clone()).filter(|version| !version.is_empty());
            if let Some(tag) = tag.or(version) {
                name = format!("{name}:{}", tag.trim_start_matches(':'));
            }
        }
        match map.get("digest").and_then(text).filter(|digest| digest.contains(':') && !name.contains('@')) {
            Some(digest) => Some(format!("{name}@{digest}")),
            None => Some(name),
        }
    }

    /// The image that a text names, with the tag next to it in the map if it has none itself.
    fn with_tag(&self, image: &str, key: &str, map: &Map<String, Value>) -> Option<String> {
        if image.is_empty() || image.contains(char::is_whitespace) {
            return None;
        }
        let image = match (self.registry, map.get("registry").and_then(text)) {
            (Some(registry), _) | (None, Some(registry)) if !registry.is_empty() && key == "image" => {
                format!("{}/{image}", registry.trim_end_matches('/'))
            }
            _ => image.to_owned(),
        };
        if has_tag(&image) {
            return Some(image);
        }
        let stem = key.strip_suffix("Image").unwrap_or_default();
        let beside =
            [format!("{key}Tag"), format!("{key}Version"), format!("{stem}Tag"), format!("{stem}ImageTag")];
        let general = ["imageTag", "tag", "imageVersion", "version"].map(str::to_owned);
        let general = general.into_iter().filter(|_| stem.is_empty());
        let tag = beside.into_iter().chain(general).find_map(|key| map.get(&key).and_then(scalar));
        Some(match tag.filter(|tag| !tag.is_empty()) {
            Some(tag) => format!("{image}:{tag}"),
            None => image,
        })
    }
}

/// Whether the text under this key is an image: `image`, `initImage`, `busybox_image`.
fn names_an_image(key: &str) -> bool {
    key == "image" || key.ends_with("Image") || key.ends_with("_image")
}

/// Whether a name has a tag or a digest.
fn has_tag(name: &str) -> bool {
    name.contains('@') || name.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A scalar as a template prints it; `None` for null, lists and maps.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &Value, registry: Option<&str>) -> Vec<String> {
        let metadata = Metadata { name: "a".into(), app_version: "7.1".into(), ..Metadata::default() };
        let mut images = Images::default();
        Scan { metadata: &metadata, prefix: "", registry }.values(values, &mut images);
        images.0.iter().map(|(name, image)| format!("{name} {}", image.origins[0])).collect()
    }

    #[test]
    fn images_are_found_in_parts_and_whole() {
        let values = serde_json::json!({
            "image": { "registry": "quay.io", "repository": "team/web", "tag": 1.4 },
            "sidecar": { "image": { "repository": "team/side", "tag": "" } },
            "busyboxImage": "busybox", "busyboxImageTag": 1,
            "init": { "image": "team/init:2" },
            "old": { "image": "team/old", "imageTag": "v3" },
            "named": { "image": { "name": "team/named", "tag": "4" } },
            "list": [{ "image": "team/one:1" }],
            "git": { "repository": "https://github.com/x/y", "tag": "1" },
            "chart": { "repository": "stable/x" },
            "none": { "image": "" },
        });
        assert_eq!(
            found(&values, None),
            [
                "busybox:1 values:busyboxImage",
                "quay.io/team/web:1.4 values:image",
                "team/init:2 values:init.image",
                "team/named:4 values:named.image",
                "team/old:v3 values:old.image",
                "team/one:1 values:list[0].image",
                "team/side:7.1 values:sidecar.image",
            ]
        );
        let images = found(
            &serde_json::json!({ "image": { "registry": "quay.io", "repository": "a/b" } }),
            Some("mirror.example"),
        );
        assert_eq!(images, ["mirror.example/a/b:7.1 values:image"]);
    }
}
