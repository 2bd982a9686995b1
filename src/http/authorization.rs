//! What stands in an `Authorization` header.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::credential::Secret;

/// The value of an `Authorization` header.
#[derive(Clone)]
pub(crate) struct Authorization(Secret);

impl Authorization {
    /// Basic (RFC 7617 2): UTF-8, with or without `charset`. A password that came in another encoding keeps its bytes.
    pub(crate) fn basic(username: &str, password: &Secret) -> Self {
        let pair = Zeroizing::new([username.as_bytes(), b":", password.expose_bytes()].concat());
        let encoded = Zeroizing::new(STANDARD.encode(&*pair));
        Self(Secret::new(format!("Basic {}", *encoded)))
    }

    /// RFC 6750 2.1, if the token can stand in a header.
    pub(crate) fn bearer(token: &Secret) -> Option<Self> {
        let valid = token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(Secret::new(format!("Bearer {}", token.expose()))))
    }

    /// For the header, and nothing else.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_asks_and_shows_it_to_nobody() {
        let basic = Authorization::basic("mé", &Secret::new("a:b".into()));
        assert_eq!((basic.expose(), format!("{basic:?}").as_str()), ("Basic bcOpOmE6Yg==", "Secret(…)"));
        let latin = Authorization::basic("me", &Secret::of_bytes(b"p\xe9"));
        assert_eq!(latin.expose(), "Basic bWU6cOk=");
        for (token, valid) in [("a.b-c", true), ("", true), ("a b", false), ("a\nb", false), ("é", false)] {
            assert_eq!(Authorization::bearer(&Secret::new(token.into())).is_some(), valid, "{token:?}");
        }
    }
}
