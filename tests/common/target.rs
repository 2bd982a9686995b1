//! Targets from texts.

use oci::reference::Target;

/// A tag or a digest, for as long as the tests run.
pub fn target(text: &str) -> Target<'static> {
    match text.parse() {
        Ok(digest) => Target::Digest(Box::leak(Box::new(digest))),
        Err(_) => Target::Tag(Box::leak(Box::new(text.parse().unwrap()))),
    }
}
