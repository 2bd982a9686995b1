//! The value of an `Authorization` or `Proxy-Authorization` header: Basic and Bearer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::credential::Secret;

/// The value of an `Authorization` header.
#[derive(Clone)]
pub(crate) struct Authorization(Secret);

impl Authorization {
    /// `Basic` credentials (RFC 7617 2), in UTF-8 whether or not the server names a `charset`. A password that was read
    /// as bytes of another encoding keeps them.
    pub(crate) fn basic(username: &str, password: &Secret) -> Self {
        let pair = Zeroizing::new([username.as_bytes(), b":", password.expose_bytes()].concat());
        let encoded = Zeroizing::new(STANDARD.encode(&*pair));
        Self(Secret::new(format!("Basic {}", *encoded)))
    }

    /// A `Bearer` token (RFC 6750 2.1); `None` if the token has a character that cannot stand in a header.
    pub(crate) fn bearer(token: &Secret) -> Option<Self> {
        let valid = token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(Secret::new(format!("Bearer {}", token.expose()))))
    }

    /// The value in plain text, to be written into the header and nowhere else.
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
