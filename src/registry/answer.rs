//! The parts of an answer that are specific to registries and not to HTTP.

use std::time::SystemTime;

use super::error::RegistryError;
use super::report::Report;
use crate::http::{self, Asker, HttpFailure, HttpResponse, TlsFailure};
use crate::terminal::printable;

/// An answer of a registry, or of its token service.
pub(super) trait RegistryAnswer: Sized {
    /// The values of all `WWW-Authenticate` headers, unparsed.
    fn challenges(&self) -> Vec<String>;
    /// The texts of the registry's `Warning` headers, made fit to be shown.
    fn warnings(&self) -> Vec<String>;
    /// Reads the body of an error response.
    fn report(&mut self) -> Report;
    /// The error for a status of 400 or more that has no other meaning for the caller.
    fn refused(self) -> RegistryError;
    /// Returns an error if the status means that the request should be sent again later.
    fn not_later(self) -> Result<Self, RegistryError>;
}

impl RegistryAnswer for HttpResponse {
    fn challenges(&self) -> Vec<String> {
        self.raw_headers("www-authenticate")
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.headers("warning").filter_map(warning).map(|text| printable(&text, 1024)).collect()
    }

    fn report(&mut self) -> Report {
        Report::read(&self.refusal(), self.header("content-type").unwrap_or_default())
    }

    fn refused(mut self) -> RegistryError {
        let body = self.refusal();
        let report = Report::read(&body, self.header("content-type").unwrap_or_default());
        let (about_tls, about_certificate) = (self.is_about_tls(&body), self.is_about_a_certificate(&body));
        let (request, status) = (self.request, self.status);
        let (from_registry, shown) = match self.asker {
            None => (false, None),
            Some(Asker::Guest) => (true, None),
            Some(Asker::Holder(origin)) => (true, Some(origin)),
        };
        match status {
            404 => RegistryError::NotFound { request, report },
            403 => RegistryError::Forbidden { request, from_registry, shown, report },
            400 if about_tls => http::HttpError::SpeaksTls { request }.into(),
            400 if about_certificate => {
                let source = Box::new(TlsFailure::ClientCertificateWanted);
                http::HttpError::Tls { request, source }.into()
            }
            400.. => RegistryError::Refused { request, status, report },
            _ => http::HttpError::Protocol { request, how: format!("unexpected status {status}") }.into(),
        }
    }

    fn not_later(mut self) -> Result<Self, RegistryError> {
        if !http::is_transient(self.status) {
            return Ok(self);
        }
        let asked = self.header("retry-after");
        let retry_after = asked.and_then(|value| http::retry_after(value, SystemTime::now()));
        let (status, said) = (self.status, self.report().to_string());
        let source = HttpFailure::Status { status, retry_after, said };
        Err(http::HttpError::Unreachable { request: self.request, source }.into())
    }
}

/// The text of a `Warning` header with code 299.
fn warning(value: &str) -> Option<String> {
    let rest = value.trim().strip_prefix("299 ")?;
    let quoted = rest.split_once('"')?.1;
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_text() {
        for (value, text) in [
            (r#"299 - "deprecated""#, Some("deprecated")),
            (r#"299 - "say \"no\" \\ now" "Sun, 06 Nov 1994 08:49:37 GMT""#, Some(r#"say "no" \ now"#)),
            (r#"299 - "open"#, Some("open")),
            (r#"199 - "other""#, None),
            ("299 - bare", None),
            ("", None),
        ] {
            assert_eq!(warning(value).as_deref(), text, "{value}");
        }
    }
}
