//! The rights that a token is requested for, as in `repository:charts/mychart:pull,push` (distribution spec, "Token
//! Scope"). Without I/O.

use std::fmt;

use crate::reference::Repository;

/// How many scopes a token may have, as challenges can add some and they all end up in a URL. Real registries ask for
/// two.
const MAX_SCOPES: usize = 16;

/// One scope: a resource, and the actions on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TokenScope {
    resource: String,
    actions: Vec<String>,
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.actions.join(","))
    }
}

/// The scopes of one token, each resource once, in the order they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Scopes(Vec<TokenScope>);

impl Scopes {
    /// No scope: such a token identifies the user and allows nothing.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// The scope that a request needs. It must come first: some token services read the first one only.
    pub(super) fn of(repository: &Repository, actions: &str) -> Self {
        let mut scopes = Self::none();
        scopes.add(&format!("repository:{repository}:{actions}"));
        scopes
    }

    /// Adds a scope, and returns whether that adds an action or a resource. An invalid one is ignored.
    pub(super) fn add(&mut self, scope: &str) -> bool {
        // scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 3.3). The resource may contain a port, so the last
        // colon separates the actions.
        let valid = scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        let Some((resource, actions)) = scope.rsplit_once(':').filter(|_| valid) else { return false };
        let index = match self.0.iter().position(|scope| scope.resource == resource) {
            Some(index) => index,
            None if self.0.len() == MAX_SCOPES => return false,
            None => {
                self.0.push(TokenScope { resource: resource.to_owned(), actions: Vec::new() });
                self.0.len() - 1
            }
        };
        let known = &mut self.0[index].actions;
        let before = known.len();
        for action in actions.split(',').filter(|action| !action.is_empty()) {
            if !known.iter().any(|known| known == action) {
                known.push(action.to_owned());
            }
        }
        known.len() > before
    }

    /// Adds several scopes, and returns whether that adds an action or a resource.
    pub(super) fn add_all<'a>(&mut self, scopes: impl IntoIterator<Item = &'a String>) -> bool {
        let mut more = false;
        for scope in scopes {
            more |= self.add(scope);
        }
        more
    }

    /// Each scope as a string.
    pub(super) fn iter(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().filter(|scope| !scope.actions.is_empty()).map(ToString::to_string)
    }
}

/// Writes all scopes, separated by spaces, as in OAuth2.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_scope_stands_first_and_each_resource_once() {
        let mut scopes = Scopes::of(&"a/b".parse().unwrap(), "pull,push");
        for (scope, more) in [
            ("repository:a/b:pull", false),
            ("repository:a/b:push,pull", false),
            ("repository:other:pull", true),
            ("repository:a/b:delete", true),
            ("repository:host:5000/c:pull", true),
            ("registry:catalog:*", true),
            ("registry:catalog:*", false),
            ("nonsense", false),
            ("repository:x:", false),
            ("repository:é:pull", false),
            ("a b:c", false),
            ("a\"b:c", false),
            ("", false),
        ] {
            assert_eq!(scopes.add(scope), more, "{scope}");
        }
        assert_eq!(
            scopes.to_string(),
            "repository:a/b:pull,push,delete repository:other:pull repository:host:5000/c:pull registry:catalog:*"
        );
    }

    #[test]
    fn a_challenge_cannot_ask_for_everything() {
        let mut scopes = Scopes::none();
        scopes.add_all(&(0..1000).map(|n| format!("repository:{n}:pull")).collect::<Vec<_>>());
        assert_eq!(scopes.iter().count(), MAX_SCOPES);
    }
}
