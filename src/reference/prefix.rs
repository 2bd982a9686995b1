//! The place of several repositories: a registry, or a path in it.

use std::fmt;
use std::str::FromStr;

use super::error::ReferenceError;
use super::full::Reference;
use super::host::Host;
use super::repository::Repository;

/// A place that charts are pushed to, `[oci://]host[:port][/path]`. Helm calls it the remote of a push, and appends the
/// chart's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The registry.
    pub host: Host,
    /// The path in the registry; None if the repositories are at its top.
    pub path: Option<Repository>,
}

impl Prefix {
    /// The repository called `name` below the prefix, without a tag. An error if a repository cannot have this name, or
    /// if host and repository would be longer than 255 characters.
    pub fn with_name(&self, name: &str) -> Result<Reference, ReferenceError> {
        let repository: Repository = match &self.path {
            // This is not parsed as a whole reference, in which a name with `:` would become a tag.
            Some(path) => format!("{path}/{name}").parse()?,
            None => name.parse()?,
        };
        let length = self.host.as_str().len() + 1 + repository.as_str().len();
        if length > 255 {
            return Err(ReferenceError::Long(length));
        }
        Ok(Reference { host: self.host.clone(), repository, tag: None, digest: None })
    }
}

impl FromStr for Prefix {
    type Err = ReferenceError;

    fn from_str(given: &str) -> Result<Self, ReferenceError> {
        let text = given.trim_end_matches('/');
        // A prefix without a path gets one of one letter, so that it can be read as a reference, by the same rules.
        let host_alone = !text.strip_prefix("oci://").unwrap_or(text).contains('/');
        let reference: Reference = if host_alone { format!("{text}/x").parse() } else { text.parse() }
            .map_err(|error| match error {
                ReferenceError::NoHost(_) => ReferenceError::NoHost(given.to_owned()),
                other => other,
            })?;
        if reference.tag.is_some() || reference.digest.is_some() {
            return Err(ReferenceError::Prefix(given.to_owned()));
        }
        Ok(Self { host: reference.host, path: (!host_alone).then_some(reference.repository) })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}", self.host)?;
        self.path.iter().try_for_each(|path| write!(f, "/{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_behind_a_prefix() {
        for (prefix, name, expected) in [
            ("oci://localhost:5000/charts", "web", "localhost:5000/charts/web"),
            ("localhost:5000/charts/", "web", "localhost:5000/charts/web"),
            ("oci://localhost:5000", "web", "localhost:5000/web"),
            ("registry.example.com/a/b", "my-chart", "registry.example.com/a/b/my-chart"),
            ("oci://harbor", "web", "oci://harbor/web"),
        ] {
            let found = prefix.parse::<Prefix>().unwrap().with_name(name).unwrap();
            assert_eq!(found.to_string(), expected, "{prefix}");
        }
        for (prefix, error) in [
            ("charts", ReferenceError::NoHost("charts".into())),
            (
                "oci://localhost:5000/charts:1.0",
                ReferenceError::Prefix("oci://localhost:5000/charts:1.0".into()),
            ),
            ("http://localhost:5000/charts", ReferenceError::Scheme("http://localhost:5000/charts".into())),
        ] {
            assert_eq!(prefix.parse::<Prefix>(), Err(error), "{prefix}");
        }
        let prefix: Prefix = "localhost:5000/charts".parse().unwrap();
        assert_eq!(prefix.with_name("a:b"), Err(ReferenceError::Repository("charts/a:b".into())));
        assert_eq!(prefix.with_name("Web"), Err(ReferenceError::UpperCase("charts/Web".into())));
        assert_eq!(prefix.with_name(&"a".repeat(250)), Err(ReferenceError::Long(272)));
    }
}
