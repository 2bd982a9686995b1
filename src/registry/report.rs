//! The body of an error response: `{"errors": [{"code", "message", "detail"}]}` (distribution spec, "Error Codes"), or
//! anything else that arrives instead. Without I/O.

use std::fmt;

use serde_json::Value;

use crate::digest::Digest;
use crate::terminal::printable;

/// How many bytes of one message are kept at most.
const MAX_SHOWN: usize = 512;
/// How many errors of one answer are kept at most.
const MAX_DIAGNOSTICS: usize = 4;

/// The error codes of the distribution spec, and all others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are what they are called in the spec.
pub enum ErrorCode {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    /// A code that is not in the spec.
    Other(String),
}

const CODES: [(&str, ErrorCode); 14] = [
    ("BLOB_UNKNOWN", ErrorCode::BlobUnknown),
    ("BLOB_UPLOAD_INVALID", ErrorCode::BlobUploadInvalid),
    ("BLOB_UPLOAD_UNKNOWN", ErrorCode::BlobUploadUnknown),
    ("DIGEST_INVALID", ErrorCode::DigestInvalid),
    ("MANIFEST_BLOB_UNKNOWN", ErrorCode::ManifestBlobUnknown),
    ("MANIFEST_INVALID", ErrorCode::ManifestInvalid),
    ("MANIFEST_UNKNOWN", ErrorCode::ManifestUnknown),
    ("NAME_INVALID", ErrorCode::NameInvalid),
    ("NAME_UNKNOWN", ErrorCode::NameUnknown),
    ("SIZE_INVALID", ErrorCode::SizeInvalid),
    ("UNAUTHORIZED", ErrorCode::Unauthorized),
    ("DENIED", ErrorCode::Denied),
    ("UNSUPPORTED", ErrorCode::Unsupported),
    ("TOOMANYREQUESTS", ErrorCode::TooManyRequests),
];

impl From<&str> for ErrorCode {
    fn from(text: &str) -> Self {
        let known = CODES.iter().find(|(name, _)| *name == text);
        known.map_or_else(|| Self::Other(printable(text, 64)), |(_, code)| code.clone())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => f.write_str(text),
            known => f.write_str(CODES.iter().find(|(_, code)| code == known).map_or("", |(name, _)| name)),
        }
    }
}

/// One error in a report, made fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The error code, if the registry gives one.
    pub code: Option<ErrorCode>,
    /// The registry's message.
    pub message: String,
    /// The digests that `detail` names.
    digests: Vec<Digest>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) if self.message.is_empty() => code.fmt(f),
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The errors in one error response: often one, perhaps none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The errors, in the registry's order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Reads the body of an error response, as far as it can be understood. It never fails: an error about an error
    /// would not help the user.
    pub(super) fn read(body: &[u8], content_type: &str) -> Self {
        if let Ok(document) = serde_json::from_slice::<Value>(body) {
            let errors = match &document["errors"] {
                Value::Array(errors) => errors.as_slice(),
                // GitLab, JFrog and others send a single error, or only a message.
                Value::Null => std::slice::from_ref(&document),
                one => std::slice::from_ref(one),
            };
            return Self {
                diagnostics: errors.iter().take(MAX_DIAGNOSTICS).filter_map(diagnostic).collect(),
            };
        }
        // A truncated document or the HTML page of a proxy would not help, so it is dropped.
        let text = String::from_utf8_lossy(body);
        let noise = text.trim_start().starts_with(['<', '{', '[']) || content_type.contains("html");
        let message = if noise { String::new() } else { printable(&text, MAX_SHOWN) };
        if message.is_empty() {
            return Self::default();
        }
        Self { diagnostics: vec![Diagnostic { code: None, message, digests: Vec::new() }] }
    }

    /// Whether one of the errors has this code.
    pub fn has(&self, code: &ErrorCode) -> bool {
        self.diagnostics.iter().any(|d| d.code.as_ref() == Some(code))
    }

    /// The digests that the errors name.
    pub(super) fn digests(&self) -> Vec<Digest> {
        self.diagnostics.iter().flat_map(|d| d.digests.clone()).collect()
    }
}

fn diagnostic(error: &Value) -> Option<Diagnostic> {
    let message = match error {
        Value::String(text) => text.as_str(),
        _ => {
            ["message", "error_description", "error"].iter().find_map(|key| error[key].as_str()).unwrap_or("")
        }
    };
    let code = error["code"].as_str().filter(|code| !code.is_empty()).map(ErrorCode::from);
    let message = printable(message, MAX_SHOWN);
    if code.is_none() && message.is_empty() {
        return None;
    }
    let mut digests = Vec::new();
    collect_digests(&error["detail"], &mut digests);
    Some(Diagnostic { code, message, digests })
}

/// Collects the digests in `detail`, which is any JSON: docker-registry sends `{"digest": …}`, others a string or a
/// list.
fn collect_digests(detail: &Value, digests: &mut Vec<Digest>) {
    match detail {
        Value::String(text) => digests.extend(text.parse::<Digest>().ok().filter(|d| !digests.contains(d))),
        Value::Array(values) => values.iter().for_each(|value| collect_digests(value, digests)),
        Value::Object(fields) => fields.values().for_each(|value| collect_digests(value, digests)),
        _ => {}
    }
}

/// Writes `: ` before each error, so that it can follow a status.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = 1024_usize;
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            let text = diagnostic.to_string();
            if index > 0 && text.len() > room {
                return f.write_str("; …");
            }
            room = room.saturating_sub(text.len());
            write!(f, "{}{text}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_best_of_every_body() {
        let digest = Digest::of(b"x");
        let unknown =
            format!(r#"{{"errors":[{{"code":"MANIFEST_BLOB_UNKNOWN","detail":{{"digest":"{digest}"}}}}]}}"#);
        for (body, content_type, shown) in [
            (r#"{"errors":[{"code":"DENIED","message":"no"}]}"#, "application/json", ": DENIED: no"),
            (r#"{"errors":[{"code":"DENIED","message":"no"}]}"#, "text/html", ": DENIED: no"),
            (r#"{"errors":[{"code":"X_1","message":"a","detail":[1,{}]}]}"#, "", ": X_1: a"),
            (r#"{"errors":[{"code":"A","message":"a"},{"message":"b"}]}"#, "", ": A: a; b"),
            (r#"{"errors":[{"code":7,"message":null}, 3, null, "text"]}"#, "", ": text"),
            (r#"{"errors":"just text"}"#, "", ": just text"),
            (r#"{"errors":[]}"#, "", ""),
            (r#"{"errors":null,"message":"m"}"#, "", ": m"),
            (r#"{"message":"404 page"}"#, "", ": 404 page"),
            (r#"{"error":"invalid_token"}"#, "", ": invalid_token"),
            (r#"{"errors":[{"code":"DENI"#, "application/json", ""),
            (r#"{"errors":[{"code":"A","message":"\u001b[31mred\u0007\u202e"}]}"#, "", ": A: red"),
            ("<html><body>Bad Gateway</body></html>", "text/html", ""),
            ("plain words\nand more", "text/plain", ": plain words and more"),
            ("\u{1b}]0;owned\u{7}", "text/plain", ": ]0;owned"),
            (&unknown, "", ": MANIFEST_BLOB_UNKNOWN"),
            ("", "", ""),
            ("[]", "", ""),
            ("null", "", ""),
        ] {
            assert_eq!(Report::read(body.as_bytes(), content_type).to_string(), shown, "{body}");
        }
        assert_eq!(Report::read(unknown.as_bytes(), "").digests(), [digest]);
        assert_eq!(Report::read(b"\xff\xfe\x00", "").to_string(), ": \u{fffd}\u{fffd}");
    }

    #[test]
    fn is_short_whatever_arrives() {
        let long = "x".repeat(60_000);
        let body = format!(r#"{{"errors":[{}]}}"#, vec![format!(r#"{{"message":"{long}"}}"#); 9].join(","));
        let shown = Report::read(body.as_bytes(), "").to_string();
        assert!(shown.len() < 1100, "{}", shown.len());
        let deep = "[".repeat(60_000);
        assert_eq!(Report::read(deep.as_bytes(), "").to_string(), "");
    }

    #[test]
    fn every_code_reads_what_it_prints() {
        for (name, code) in &CODES {
            assert_eq!(ErrorCode::from(*name), *code);
            assert_eq!(code.to_string(), *name);
        }
        assert_eq!(ErrorCode::from("QUOTA\u{7}").to_string(), "QUOTA");
    }
}
