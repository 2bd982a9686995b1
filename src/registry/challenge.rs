//! The `WWW-Authenticate` header (RFC 9110 11.6.1), as far as registries use it. Without I/O.
//!
//! The crate http-auth 0.1.10 reads most of this, but refuses a whole header over one padded token68 in it
//! (`Negotiate YIIabc==, Basic realm="x"`: "invalid byte at byte 17"), over an unquoted URL (`realm=https://…`) and
//! over a missing comma. A challenge of a scheme that we do not know must not hide one that we do.

/// A challenge that we can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token (RFC 6750, distribution spec "Token Authentication").
    Bearer {
        /// The URL of the token service.
        realm: String,
        /// The name of the service that the token is for. Some registries leave it out.
        service: Option<String>,
        /// The rights that the request needs.
        scopes: Vec<String>,
        /// What was wrong with the token that was sent, such as `invalid_token` or `insufficient_scope`.
        error: Option<String>,
    },
    /// User name and password (RFC 7617).
    Basic,
}

/// The challenges of all `WWW-Authenticate` headers of an answer that we can answer, `Bearer` before `Basic`.
pub(super) fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let all = headers.into_iter().flat_map(split);
    let mut known: Vec<_> = all.filter_map(Raw::understood).collect();
    known.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    known
}

/// A challenge of any scheme.
struct Raw<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Raw<'_> {
    /// Takes a parameter's value, unless it is empty. Names are case-insensitive; of several with one name the first
    /// counts.
    fn take(&mut self, name: &str) -> Option<String> {
        let (_, value) = self.parameters.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(std::mem::take(value)).filter(|value| !value.is_empty())
    }

    fn understood(mut self) -> Option<Challenge> {
        if self.scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !self.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        // Without a realm there is nowhere to get a token from.
        let realm = self.take("realm")?;
        // One parameter may hold several scopes (RFC 6749 3.3), as GitLab's does.
        let scopes = self.take("scope").unwrap_or_default();
        let scopes = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        Some(Challenge::Bearer { realm, service: self.take("service"), scopes, error: self.take("error") })
    }
}

/// Splits a header into its challenges.
///
/// ```text
/// WWW-Authenticate = [ challenge *( OWS "," OWS challenge ) ]
/// challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
/// auth-param       = token BWS "=" BWS ( token / quoted-string )
/// ```
///
/// A comma separates challenges as well as parameters. So a word is a parameter if `=` and a value follow it; otherwise
/// it is a scheme, or the token68 of the scheme just before it. The rest of a header that cannot be parsed is ignored.
fn split(header: &str) -> Vec<Raw<'_>> {
    let mut challenges: Vec<Raw<'_>> = Vec::new();
    let mut rest = header;
    // Whether only spaces have come since the last scheme.
    let mut after_scheme = false;
    loop {
        let separators = rest.len() - rest.trim_start_matches([' ', '\t', ',', ';']).len();
        after_scheme &= !rest[..separators].contains([',', ';']);
        rest = &rest[separators..];
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return challenges;
        }
        let parameter = after.trim_start_matches([' ', '\t']).strip_prefix('=').map(value);
        match parameter {
            Some(ChallengeValue::Unreadable) => return challenges,
            Some(ChallengeValue::Is(text, after)) => {
                if let Some(challenge) = challenges.last_mut() {
                    challenge.parameters.push((word, text));
                }
                (rest, after_scheme) = (after, false);
            }
            Some(ChallengeValue::None) | None if after_scheme => {
                // token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
                (rest, after_scheme) = (after.trim_start_matches('='), false);
            }
            Some(ChallengeValue::None) => {
                (rest, after_scheme) = (after.trim_start_matches([' ', '\t', '=']), false);
            }
            None => {
                challenges.push(Raw { scheme: word, parameters: Vec::new() });
                (rest, after_scheme) = (after, true);
            }
        }
    }
}

enum ChallengeValue<'a> {
    /// This value, and the text that follows it.
    Is(String, &'a str),
    /// No value: the `=` is the padding of a token68, or the value is missing.
    None,
    /// A quoted string that does not end, or contains characters that a header must not have.
    Unreadable,
}

/// Parses the value behind a `=`.
fn value(text: &str) -> ChallengeValue<'_> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        // More characters than a token has: some registries send URLs without quotes, and their meaning is clear.
        let end = text.find([' ', '\t', ',', ';', '"']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let none = value.is_empty() || value.starts_with('=') || value.contains(char::is_control);
        return if none { ChallengeValue::None } else { ChallengeValue::Is(value.to_owned(), rest) };
    };
    // quoted-string = DQUOTE *( qdtext / "\" any ) DQUOTE (RFC 9110 5.6.4)
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return ChallengeValue::Is(value, &quoted[at + 1..]),
            '\\' => match chars.next() {
                Some((_, c)) if !c.is_control() => value.push(c),
                _ => return ChallengeValue::Unreadable,
            },
            c if c.is_control() && c != '\t' => return ChallengeValue::Unreadable,
            c => value.push(c),
        }
    }
    ChallengeValue::Unreadable
}

/// The characters of a token (RFC 9110 5.6.2) and of a token68.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::Challenge::Basic;
    use super::*;

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        let scopes = scope.split_whitespace().map(str::to_owned).collect();
        let service = Some(service.to_owned()).filter(|service| !service.is_empty());
        Challenge::Bearer { realm: realm.into(), service, scopes, error: None }
    }

    #[test]
    fn reads_what_registries_send() {
        let mut table: Vec<(&str, &[&str], Vec<Challenge>)> = vec![
            (
                "ECR",
                &[
                    r#"Basic realm="https://1234.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
                ],
                vec![Basic],
            ),
            (
                "GHCR",
                &[r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull""#],
                vec![bearer("https://ghcr.io/token", "ghcr.io", "repository:a/b:pull")],
            ),
            (
                "GAR",
                &[
                    r#"Bearer realm="https://europe-docker.pkg.dev/v2/token",service="europe-docker.pkg.dev",scope="repository:p/r/c:pull""#,
                ],
                vec![bearer(
                    "https://europe-docker.pkg.dev/v2/token",
                    "europe-docker.pkg.dev",
                    "repository:p/r/c:pull",
                )],
            ),
            (
                "ACR",
                &[
                    r#"Bearer realm="https://x.azurecr.io/oauth2/token",service="x.azurecr.io",scope="repository:a:pull""#,
                    r#"Basic realm="x.azurecr.io""#,
                ],
                vec![bearer("https://x.azurecr.io/oauth2/token", "x.azurecr.io", "repository:a:pull"), Basic],
            ),
            (
                "Harbor",
                &[
                    r#"Bearer realm="https://harbor.example/service/token",service="harbor-registry",scope="repository:library/a:pull""#,
                ],
                vec![bearer(
                    "https://harbor.example/service/token",
                    "harbor-registry",
                    "repository:library/a:pull",
                )],
            ),
            (
                "Quay",
                &[r#"Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:a/b:pull""#],
                vec![bearer("https://quay.io/v2/auth", "quay.io", "repository:a/b:pull")],
            ),
            (
                "GitLab",
                &[
                    r#"Bearer realm="https://gitlab.com/jwt/auth",service="container_registry",scope="repository:g/p:pull,push repository:g/q:pull""#,
                ],
                vec![bearer(
                    "https://gitlab.com/jwt/auth",
                    "container_registry",
                    "repository:g/p:pull,push repository:g/q:pull",
                )],
            ),
            (
                "Docker Hub",
                &[
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#,
                ],
                vec![bearer(
                    "https://auth.docker.io/token",
                    "registry.docker.io",
                    "repository:library/alpine:pull",
                )],
            ),
            (
                "Artifactory",
                &[
                    r#"Bearer realm="https://acme.jfrog.io/artifactory/api/docker/helm/v2/token",service="acme.jfrog.io",scope="repository:a:pull""#,
                ],
                vec![bearer(
                    "https://acme.jfrog.io/artifactory/api/docker/helm/v2/token",
                    "acme.jfrog.io",
                    "repository:a:pull",
                )],
            ),
            ("Artifactory, Basic", &[r#"Basic realm="Artifactory Realm""#], vec![Basic]),
            ("Nexus", &[r#"BASIC realm="Sonatype Nexus Repository Manager""#], vec![Basic]),
            ("zot", &[r#"Basic realm="Authorization Required""#], vec![Basic]),
            (
                "zot, Bearer",
                &[r#"Bearer realm="https://auth.example/auth/token",service="zot",scope="""#],
                vec![bearer("https://auth.example/auth/token", "zot", "")],
            ),
            (
                "distribution",
                &[
                    r#"Bearer realm="http://127.0.0.1:5001/token",service="test",scope="repository:a:pull repository:a:pull,push""#,
                ],
                vec![bearer(
                    "http://127.0.0.1:5001/token",
                    "test",
                    "repository:a:pull repository:a:pull,push",
                )],
            ),
            (
                "nvcr.io",
                &[r#"Bearer realm="https://nvcr.io/proxy_auth",scope="""#],
                vec![bearer("https://nvcr.io/proxy_auth", "", "")],
            ),
        ];
        for (who, headers, expected) in table.drain(..) {
            assert_eq!(parse(headers.iter().copied()), expected, "{who}");
        }
    }

    #[test]
    fn reads_every_form_that_the_grammar_has() {
        let plain = || vec![bearer("https://a/t", "s", "")];
        for (header, expected) in [
            (r#"bEARER REALM="https://a/t",Service="s""#, plain()),
            (r#"Bearer realm = "https://a/t" , service	=	"s""#, plain()),
            (r#"Bearer realm="https://a/t",service=s"#, plain()),
            (r#"Bearer realm=https://a/t,service=s"#, plain()),
            (r#"Bearer realm="https://a/t" service="s""#, plain()),
            (r#"Bearer realm="https://a/t";service="s""#, plain()),
            (r#",, Bearer ,realm="https://a/t",,service="s","#, plain()),
            (r#"Bearer realm="https://a/t",service="s",realm="https://evil/t""#, plain()),
            (r#"Bearer realm="https://a/t",service="",scope="""#, vec![bearer("https://a/t", "", "")]),
            (r#"Bearer realm="a,b",service="q\"x\\y""#, vec![bearer("a,b", r#"q"x\y"#, "")]),
            (
                r#"Bearer realm="https://a/t",scope="x:y:z  x:z:y""#,
                vec![bearer("https://a/t", "", "x:y:z x:z:y")],
            ),
            ("Basic", vec![Basic]),
            (r#"Basic realm="a" , Bearer realm="https://a/t",service="s""#, {
                let mut both = plain();
                both.push(Basic);
                both
            }),
            (r#"Negotiate, NTLM, Basic realm="x""#, vec![Basic]),
            (r#"Negotiate YIIabc==, Basic realm="x""#, vec![Basic]),
            (r#"Negotiate YII/a+b=, Basic realm="x""#, vec![Basic]),
            (r#"NTLM TlRMTVNTUAACAAAA, Basic realm="x""#, vec![Basic]),
            (r#"Digest realm="d", qop="auth, auth-int", nonce="Basic", Basic realm="x""#, vec![Basic]),
        ] {
            assert_eq!(parse([header]), expected, "{header}");
        }
        let error = parse([r#"Bearer realm="https://a/t",error="invalid_token""#]);
        assert!(matches!(&error[..], [Challenge::Bearer { error: Some(e), .. }] if e == "invalid_token"));
    }

    #[test]
    fn makes_the_best_of_what_is_malformed() {
        for header in [
            "",
            " ",
            ",",
            "Bearer",
            "Bearer realm",
            "Bearer realm=",
            r#"Bearer realm="#,
            r#"Bearer realm="""#,
            r#"Bearer realm=,service="s""#,
            r#"Bearer realm="unclosed"#,
            r#"Bearer realm="unclosed\"#,
            r#"Bearer service="s""#,
            "Bearer realm=\"a\u{0}b\"",
            "Bearer realm=\"a\\\u{1b}b\"",
            "Bearer realm=a\u{7}b",
            r#"="x", realm="y""#,
            r#""Bearer realm="x""#,
            r#"realm="x""#,
            "\u{1b}[31mBearer realm=x",
        ] {
            assert_eq!(parse([header]), [], "{header:?}");
        }
        // The challenges before the broken one count.
        assert_eq!(parse([r#"Basic realm="x", Bearer realm="unclosed"#]), [Basic]);
        assert_eq!(parse([r#"Bearer realm="u"#, r#"Basic realm="x""#]), [Basic]);
        let cut = r#"Bearer realm="https://a/t",service="s",scope="repository:a"#;
        assert_eq!(parse([cut]), [bearer("https://a/t", "s", "")]);
        let foreign = "Bearer realm=\"https://a/t\u{e9}\"";
        assert_eq!(parse([foreign]), [bearer("https://a/t\u{e9}", "", "")]);
    }

    #[test]
    fn is_not_impressed_by_length() {
        let long = "x".repeat(64 << 10);
        assert_eq!(parse([&*format!("Bearer realm=\"{long}\"")]), [bearer(&long, "", "")]);
        for unit in ["Bearer ", "a=b,", "\"", "\\", "=", "Basic,", "a ", "Bearer realm=\"x\","] {
            let many = unit.repeat((64 << 10) / unit.len());
            assert!(parse([&*many]).len() <= 64 << 10, "{unit}");
        }
    }
}
