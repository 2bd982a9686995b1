//! Fuzz targets of this module: see `crate::fuzz`.

use super::challenge::Challenge;
use super::report::Report;
use super::{challenge, link, realm};
use crate::http::{self, Location};
use crate::terminal::printable;

fn registry() -> Location {
    Location::parse("https://registry.example.com/v2/a/").expect("a URL")
}

/// Values of `WWW-Authenticate`, one in each line, and the realms that they name.
pub fn challenge(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let registry = registry();
    for found in challenge::parse(text.lines()) {
        let Challenge::Bearer { realm, scopes, .. } = found else { continue };
        assert!(!realm.is_empty() && scopes.iter().all(|scope| !scope.is_empty()));
        if let Ok(realm) = realm::judge(&registry, &realm, &[]) {
            assert!(realm.location.is_https() && !realm.location.is_internal(), "{}", realm.location);
        }
    }
}

/// A `Link` header, or this text as a `Location`, and the URL that it leads to.
pub fn link(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let registry = registry();
    for target in link::next(text.lines()).iter().map(String::as_str).chain([&*text]) {
        if let Ok(page) = http::same_place(&registry, target) {
            assert!(page.same_origin(&registry), "{page}");
        }
        if let Ok(to) = http::upload(&registry, &registry, target, &[]) {
            assert!(to.same_origin(&registry), "{to}");
        }
        if let Ok(to) = http::redirect(&registry, &registry, target, || None, &[]) {
            assert!(to.is_https() && !to.is_internal(), "{to}");
            assert!(!to.to_string().contains(|c: char| c.is_control() || c == '@' && !to.is_name()), "{to}");
        }
    }
}

/// The body of an error response.
pub fn report(data: &[u8]) {
    for content_type in ["application/json", "text/plain"] {
        let shown = Report::read(data, content_type).to_string();
        assert!(shown.len() < 4096 && !shown.contains(char::is_control), "{shown:?}");
        assert_eq!(printable(&shown, usize::MAX), shown.trim_end(), "{shown:?}");
    }
}
