//! Finds images in lines of templates and custom resource definitions. A line may contain the name literally, or
//! expressions that only look up values.

use serde_json::Value;

use super::found::{ImageOrigin, Images};
use super::values::scalar;
use crate::chart::Metadata;

/// The metadata and values that expressions in templates refer to.
pub(super) struct Lines<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) values: &'a Value,
}

impl Lines<'_> {
    /// Adds the images that lines of a file name.
    pub(super) fn look(&self, path: &str, content: &[u8], images: &mut Images) {
        for line in String::from_utf8_lossy(content).lines() {
            let line = line.trim_start().trim_start_matches("- ").trim_start();
            let Some((key, value)) = line.split_once(':') else { continue };
            let key = key.trim_matches(['"', '\'']);
            if (key == "image" || key.ends_with("Image"))
                && let Some(text) = self.filled(unquoted(value.trim()))
            {
                images.add(unquoted(&text), &self.metadata.name, ImageOrigin::Literal(path.to_owned()));
            }
        }
    }

    /// The text with its expressions replaced by values; `None` if one of them does more than look up a value.
    fn filled(&self, text: &str) -> Option<String> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once("{{") {
            let (action, after) = behind.split_once("}}")?;
            out += before;
            out += &self.action(action.trim_start_matches('-').trim_end_matches('-').trim())?;
            rest = after;
        }
        // Without a comment behind it.
        let rest = rest.split(" #").next().unwrap_or_default();
        Some((out + rest).trim().to_owned())
    }

    fn action(&self, action: &str) -> Option<String> {
        let mut parts = action.split('|').map(str::trim);
        let first: Vec<_> = parts.next()?.split_whitespace().collect();
        let mut value = match first.as_slice() {
            ["default", otherwise, term] => {
                self.term(term).filter(|text| !text.is_empty()).or_else(|| self.term(otherwise))
            }
            ["quote" | "toString" | "trim" | "tpl", term] | ["tpl", term, _] | [term] => self.term(term),
            _ => return None,
        };
        for part in parts {
            let words: Vec<_> = part.split_whitespace().collect();
            value = match words.as_slice() {
                ["default", otherwise] => {
                    value.filter(|text| !text.is_empty()).or_else(|| self.term(otherwise))
                }
                ["quote" | "squote" | "toString" | "trim"] => value,
                ["trimPrefix", prefix] => {
                    let prefix = unquoted(prefix);
                    value.map(|text| text.strip_prefix(prefix).unwrap_or(&text).to_owned())
                }
                _ => return None,
            };
        }
        value
    }

    fn term(&self, term: &str) -> Option<String> {
        let bare = term.trim_matches(['(', ')']);
        if bare.starts_with(['"', '`']) {
            return Some(unquoted(bare).trim_matches('`').to_owned());
        }
        let path = bare.strip_prefix('$').unwrap_or(bare).strip_prefix('.')?;
        match path.split_once('.')? {
            ("Values", path) => scalar(path.split('.').try_fold(self.values, |value, key| value.get(key))?),
            ("Chart", "AppVersion") => Some(self.metadata.app_version.clone()),
            ("Chart", "Version") => Some(self.metadata.version.clone()),
            ("Chart", "Name") => Some(self.metadata.name.clone()),
            _ => None,
        }
    }
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_far_as_values_do() {
        let metadata = Metadata { name: "a".into(), app_version: "7.1".into(), ..Metadata::default() };
        let values =
            serde_json::json!({ "image": { "repository": "team/web", "tag": "", "port": 80 }, "v": "v2" });
        let text = "\
            image: busybox:1.36 # why\n\
            - image: \"quay.io/x/y:3\"\n\
            \x20 image: {{ .Values.image.repository }}:v{{ .Chart.AppVersion }}\n\
            image: \"{{ .Values.image.repository }}/b:{{ .Values.image.tag | default .Chart.AppVersion }}\"\n\
            image: {{ default \"team/other:1\" .Values.nothing | quote }}\n\
            image: {{ include \"x\" . }}\n\
            image: {{ .Values.image }}\n\
            initImage: 'z/z:{{ $.Values.v | trimPrefix \"v\" }}'\n\
            imagePullPolicy: Always\n";
        let mut images = Images::default();
        Lines { metadata: &metadata, values: &values }.look("templates/t.yaml", text.as_bytes(), &mut images);
        let found: Vec<_> = images.0.keys().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["busybox:1.36", "quay.io/x/y:3", "team/other:1", "team/web/b:7.1", "team/web:v7.1", "z/z:2"]
        );
    }
}
