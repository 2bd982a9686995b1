//! Requests tokens (distribution spec, "Token Authentication Specification" and "OAuth2 Token Authentication").

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::credential::{Credential, CredentialOrigin, Obtained, Secret};
use crate::go_json;
use crate::http::{
    self, Authorization, Body, HttpFault as _, HttpResponse, Location, Opening, RequestLine, Transport,
    escape, form, same_place,
};
use crate::limits::MAX_TOKEN;
use crate::registry::answer::RegistryAnswer as _;
use crate::registry::error::RegistryError;
use crate::registry::scope::Scopes;
use crate::terminal::printable;

/// The shortest lifetime of a token, and the one that it has if the answer names none (distribution spec, "Token
/// Response Fields").
const MIN_LIFETIME: Duration = Duration::from_secs(60);
/// How many redirects of a token service are followed. Real ones redirect once, to another name.
const MAX_REDIRECTS: usize = 3;
/// The `client_id` for OAuth2 (RFC 6749 2.2). It is not a secret.
const CLIENT_ID: &str = "helm-oci";

/// A token, and how long it is valid.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) authorization: Authorization,
    obtained: Instant,
    lifetime: Duration,
}

impl Token {
    /// Whether it should be replaced: four fifths of its lifetime are over, and a request takes time to arrive.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale_after(self.obtained.elapsed())
    }

    fn is_stale_after(&self, age: Duration) -> bool {
        age >= self.lifetime / 5 * 4
    }
}

/// A request for a token. Its realm has been judged already.
pub(super) struct TokenRequest<'a> {
    pub(super) transport: &'a Transport,
    /// The registry whose 401 led here.
    pub(super) registry: &'a Location,
    pub(super) realm: &'a Location,
    /// Whether the user has allowed the host of the realm.
    pub(super) vouched: bool,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a Scopes,
}

impl TokenRequest<'_> {
    /// Gets a token with this credential, or as a guest. The token may carry fewer rights than were asked for: that
    /// shows when it is used.
    pub(super) fn send(&self, obtained: Option<&Obtained>) -> Result<Token, RegistryError> {
        log::debug!("asking {} for a token for {}", self.realm, self.scopes);
        let shown = obtained.map(|obtained| &obtained.origin);
        match obtained.map(|obtained| &obtained.credential) {
            // A registry token is for the registry, and not for its token service.
            None | Some(Credential::RegistryToken(_)) => self.read(self.get(None)?, None),
            // Never by POST: several services take passwords by GET only, and one counts a POST as a failed login.
            Some(Credential::Basic { username, password }) => {
                self.read(self.get(Some(&Authorization::basic(username, password)))?, shown)
            }
            Some(Credential::IdentityToken(token)) => self.exchange_identity(token, shown),
        }
    }

    fn exchange_identity(
        &self,
        token: &Secret,
        shown: Option<&Arc<CredentialOrigin>>,
    ) -> Result<Token, RegistryError> {
        let response = self.post(token)?;
        let refused = match response.status {
            // GHCR, Harbor and GCR do not support POST.
            404 | 405 => {
                response.drain();
                None
            }
            // Some that support POST do not take this one (Artifactory answers 401, ACR 400, Harbor 403). They answer
            // the same if the token is invalid.
            400 | 401 | 403 => Some(self.refused(response, shown)),
            _ => return self.read(response, shown),
        };
        // Then the token as a password with an empty user name, as containerd does.
        let second = self.get(Some(&Authorization::basic("", token))).and_then(|r| self.read(r, shown));
        match (second, refused) {
            (Err(error), Some(first)) if !error.is_transient() => Err(first),
            (result, _) => result,
        }
    }

    /// `GET <realm>?service=…&scope=…&scope=…`
    fn get(&self, authorization: Option<&Authorization>) -> Result<HttpResponse, RegistryError> {
        let mut location = self.realm.clone();
        if let Some(service) = self.service {
            location = location.with("service", &escape(service));
        }
        for scope in self.scopes.iter() {
            location = location.with("scope", &escape(&scope));
        }
        self.exchange("GET", location, Body::None, authorization)
    }

    /// `POST <realm>`, by OAuth2 (RFC 6749 6). Secrets are in the body and not in the URL.
    fn post(&self, token: &Secret) -> Result<HttpResponse, RegistryError> {
        let scope = self.scopes.to_string();
        let fields = [
            ("grant_type", "refresh_token"),
            ("service", self.service.unwrap_or_default()),
            ("client_id", CLIENT_ID),
            ("scope", &scope),
            ("refresh_token", token.expose()),
        ];
        self.exchange("POST", self.realm.clone(), Body::Bytes(form(&fields).as_bytes()), None)
    }

    /// Sends the request, and follows redirects of the token service as long as they stay at its host.
    fn exchange(
        &self,
        method: &'static str,
        mut location: Location,
        body: Body<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<HttpResponse, RegistryError> {
        let mut headers = vec![("Accept", "application/json".to_owned())];
        if method == "POST" {
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        let request = http::HttpRequest {
            method,
            location: location.clone(),
            headers,
            body,
            home: self.registry,
            vouched: self.vouched,
            opening: Opening::Alone,
        };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.transport.exchange(&request, &location, authorization)?;
            let leads_on = match response.status {
                301..=303 => method == "GET",
                307 | 308 => true,
                _ => false,
            };
            if !leads_on {
                return response.not_later();
            }
            let Some(to) = response.points_to() else { break };
            location = same_place(&location, &to)
                .map_err(|source| http::HttpError::elsewhere(&response.request, &to, source))?;
            response.drain();
        }
        let request = RequestLine::new(method, &location);
        Err(http::HttpError::Protocol { request, how: "the token service redirects without end".to_owned() }
            .into())
    }

    fn read(
        &self,
        mut response: HttpResponse,
        shown: Option<&Arc<CredentialOrigin>>,
    ) -> Result<Token, RegistryError> {
        if response.status != 200 {
            return Err(self.refused(response, shown));
        }
        // Taken before the body arrives: a token's lifetime begins when the service creates it.
        let obtained = Instant::now();
        let body = Zeroizing::new(response.read(MAX_TOKEN, "the token")?);
        match parse(&body) {
            Ok((authorization, lifetime)) => Ok(Token { authorization, obtained, lifetime }),
            Err(how) => {
                // Some proxies compress the answer although that was not asked for. Go's client asks for it, so it
                // works there.
                let encoding = response.header("content-encoding").filter(|it| !it.is_empty());
                let how = match encoding {
                    Some(encoding) => {
                        let encoding = printable(encoding, 32);
                        format!("the token service's answer is in {encoding}, which was not asked for")
                    }
                    None => how.to_owned(),
                };
                Err(http::HttpError::Protocol { request: response.request, how }.into())
            }
        }
    }

    /// The error for a refusal of the token service. A 404 from it does not mean that a chart is not found.
    fn refused(&self, mut response: HttpResponse, shown: Option<&Arc<CredentialOrigin>>) -> RegistryError {
        let (challenges, report) = (response.challenges(), response.report());
        let (request, status, shown) = (response.request, response.status, shown.cloned());
        match status {
            401 => {
                let scope = self.scopes.to_string();
                let (from_registry, unfit) = (true, false);
                RegistryError::Unauthorized {
                    request,
                    challenges,
                    scope,
                    from_registry,
                    shown,
                    unfit,
                    report,
                }
            }
            403 => RegistryError::Forbidden { request, from_registry: true, shown, report },
            400.. => RegistryError::Refused { request, status, report },
            _ => http::HttpError::Protocol { request, how: format!("unexpected status {status}") }.into(),
        }
    }
}

/// Parses a token response as Go does: keys in any letter case, and any data after the document. No error quotes any of
/// it.
fn parse(body: &[u8]) -> Result<(Authorization, Duration), &'static str> {
    let text = go_json::readable(body);
    let (answer, _) = match go_json::members(&text) {
        Ok(answer) => answer,
        Err(error) if error.is_data() => return Err(NO_TOKEN),
        Err(_) => return Err("the token service's answer is not JSON"),
    };
    let value =
        |name| -> Option<Value> { serde_json::from_str(go_json::field_of(&answer, name)?.get()).ok() };
    // The distribution spec has `token`, OAuth2 has `access_token`. Some services send both, and one of them may be
    // empty.
    let token = ["token", "access_token"].into_iter().find_map(|name| match value(name)? {
        Value::String(token) if !token.is_empty() => Some(Secret::new(token)),
        _ => None,
    });
    let token = token.ok_or(NO_TOKEN)?;
    let authorization =
        Authorization::bearer(&token).ok_or("the token service's token cannot stand in a header")?;
    let seconds = match value("expires_in") {
        // Artifactory writes a number, and some services of users' own a string.
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
        None => None,
    };
    let lifetime = seconds.map_or(MIN_LIFETIME, Duration::from_secs).max(MIN_LIFETIME);
    Ok((authorization, lifetime))
}

const NO_TOKEN: &str = "the token service's answer has no token in it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_answer() {
        for (body, expected) in [
            (r#"{"token":"t"}"#, Ok(("Bearer t", 60))),
            (r#"{"access_token":"t"}"#, Ok(("Bearer t", 60))),
            (r#"{"Token":"t","Expires_In":300}"#, Ok(("Bearer t", 300))),
            (r#"{"ACCESS_TOKEN":"t"} trailing"#, Ok(("Bearer t", 60))),
            (r#"{"TOKEN":"u","token":"t","x":1e999}"#, Ok(("Bearer t", 60))),
            (r#"{"token":"t","access_token":"u","expires_in":300}"#, Ok(("Bearer t", 300))),
            (r#"{"token":"","access_token":"u"}"#, Ok(("Bearer u", 60))),
            (r#"{"token":null,"access_token":"u","expires_in":"900"}"#, Ok(("Bearer u", 900))),
            (r#"{"token":"t","expires_in":1}"#, Ok(("Bearer t", 60))),
            (r#"{"token":"t","expires_in":0}"#, Ok(("Bearer t", 60))),
            (r#"{"token":"t","expires_in":-5}"#, Ok(("Bearer t", 60))),
            (r#"{"token":"t","expires_in":18446744073709551615}"#, Ok(("Bearer t", u64::MAX))),
            (r#"{"token":"t","expires_in":{}}"#, Ok(("Bearer t", 60))),
            (r#"{"token":"a.b-c_d~e+f/g=="}"#, Ok(("Bearer a.b-c_d~e+f/g==", 60))),
            (r#"{"token":""}"#, Err("the token service's answer has no token in it")),
            (r#"{"token":7}"#, Err("the token service's answer has no token in it")),
            ("{}", Err("the token service's answer has no token in it")),
            ("[]", Err("the token service's answer has no token in it")),
            (r#""s3cret""#, Err("the token service's answer has no token in it")),
            ("", Err("the token service's answer is not JSON")),
            ("<html>s3cret", Err("the token service's answer is not JSON")),
            (r#"{"token":"s3cret"#, Err("the token service's answer is not JSON")),
            (r#"{"token":"s3\r\ncret"}"#, Err("the token service's token cannot stand in a header")),
            (r#"{"token":"s3 cret"}"#, Err("the token service's token cannot stand in a header")),
            (r#"{"token":"s3crét"}"#, Err("the token service's token cannot stand in a header")),
        ] {
            let read = parse(body.as_bytes());
            let read =
                read.as_ref().map(|(a, lifetime)| (a.expose(), lifetime.as_secs())).map_err(|how| *how);
            assert_eq!(read, expected, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_token_is_given_up_before_its_end() {
        let token = |lifetime| Token {
            authorization: Authorization::bearer(&Secret::new("t".into())).unwrap(),
            obtained: Instant::now(),
            lifetime,
        };
        for (lifetime, age, stale) in [
            (60, 0, false),
            (60, 47, false),
            (60, 48, true),
            (300, 239, false),
            (300, 240, true),
            (300, 999, true),
        ] {
            let token = token(Duration::from_secs(lifetime));
            assert_eq!(token.is_stale_after(Duration::from_secs(age)), stale, "{age} of {lifetime}");
        }
        assert!(!token(Duration::from_secs(u64::MAX)).is_stale());
    }
}
