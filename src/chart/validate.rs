//! Helm's rules for metadata (Metadata.Validate in pkg/chart/metadata.go), and the cleaning of its strings.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use super::metadata::{Dependency, Metadata, MetadataError};
use crate::version::Version;

impl Metadata {
    /// Cleans the strings, and then checks Helm's rules (Metadata.Validate in pkg/chart/metadata.go, with the rules for
    /// names and dependencies that came with 3.14.1 and 3.18.5).
    pub(super) fn validate(&mut self) -> Result<(), MetadataError> {
        for string in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(string);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitize);
        if self.api_version.is_empty() {
            return Err(MetadataError::Missing("apiVersion"));
        }
        check_name(&self.name)?;
        if self.version.is_empty() {
            return Err(MetadataError::Missing("version"));
        }
        if Version::parse_lenient(&self.version).is_err() {
            return Err(MetadataError::Version(self.version.clone()));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return Err(MetadataError::Kind(self.kind.clone()));
        }
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
        let mut seen = Vec::new();
        for dependency in &mut self.dependencies {
            dependency.validate()?;
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if seen.contains(&key) {
                return Err(MetadataError::DuplicateDependency(key.clone()));
            }
            seen.push(key);
        }
        Ok(())
    }
}

impl Dependency {
    fn validate(&mut self) -> Result<(), MetadataError> {
        for string in [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition] {
            sanitize(string);
        }
        self.tags.iter_mut().for_each(sanitize);
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !self.alias.bytes().all(word) {
            return Err(MetadataError::Alias(self.alias.clone()));
        }
        Ok(())
    }
}

/// Checks the name. It becomes the name of a directory in the archive, in an export and in the cache. Helm checks it
/// since 3.14.1 (CVE-2024-25620), and the dots since 3.20.2 (CVE-2026-35206).
fn check_name(name: &str) -> Result<(), MetadataError> {
    if name.is_empty() {
        return Err(MetadataError::Missing("name"));
    }
    // File systems allow names of 255 bytes; an export adds a few bytes while it is written.
    if name == "." || name == ".." || name.contains(['/', '\\', '\0']) || name.len() > 230 {
        return Err(MetadataError::Name(name.to_owned()));
    }
    Ok(())
}

/// Cleans a string as Helm's sanitizeString does: white space becomes a space, and characters that are not printable
/// are removed (Go's unicode.IsSpace and unicode.IsPrint). It came with CVE-2021-21303: terminals obey control
/// characters.
fn sanitize(string: &mut String) {
    if string.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return;
    }
    let printable = |c: &char| {
        !matches!(c.general_category_group(), GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator)
            || *c == ' '
    };
    *string = string.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(printable).collect();
}
