//! Identity tokens.

use oci::registry::RegistryError;

use super::world::{TAGS, asks, authorizations, bearer, chain, gives, identity, options, repository, tags};
use crate::common::mock::{Mock, on};

/// `:identity-token`
const AS_PASSWORD: &str = "Basic OmlkZW50aXR5LXRva2Vu";
const PULL: &str = "repository:a:pull";

#[test]
fn an_identity_token_goes_into_a_form() {
    let service = Mock::script([on("POST /token").answer(
        200,
        &[],
        br#"{"access_token":"t","refresh_token":"r","expires_in":300}"#,
    )]);
    let challenge = ",scope=\"repository:b:pull,push repository:a:pull\"";
    let mock = Mock::script([bearer(TAGS, &service, challenge), tags(TAGS)]);
    repository(&options(Some(identity())), &mock.host()).tags().unwrap();
    assert_eq!(authorizations(&mock), ["-", "Bearer t"]);
    let request = &service.requests()[0];
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        "grant_type=refresh_token&service=charts&client_id=helm-oci\
         &scope=repository%3Aa%3Apull+repository%3Ab%3Apull%2Cpush&refresh_token=identity-token"
    );
}

#[test]
fn a_service_without_post_is_asked_by_get() {
    for status in [404, 405, 400, 401, 403] {
        let service =
            Mock::script([on("POST /token").answer(status, &[], b"no"), gives(&asks(&[PULL]), "t")]);
        let mock = Mock::script([bearer(TAGS, &service, ""), tags(TAGS)]);
        repository(&options(Some(identity())), &mock.host()).tags().unwrap();
        assert_eq!(authorizations(&service), ["-", AS_PASSWORD], "{status}");
        service.is_done();
    }
}

#[test]
fn the_refusal_that_says_most_is_shown() {
    for (post, get, shown) in [
        (401, 401, "POST http://service/token: 401: POST"),
        (400, 401, "POST http://service/token: 400: POST"),
        (403, 404, "POST http://service/token: 403: POST"),
        (404, 401, "GET http://service/token: 401: GET"),
        (405, 403, "GET http://service/token: 403: GET"),
        (404, 404, "GET http://service/token: 404: GET"),
        (500, 0, "POST http://service/token: 500: POST"),
    ] {
        let service = Mock::serve(move |request| {
            let (method, _) = request.line.split_once(' ').unwrap();
            let status = if method == "POST" { post } else { get };
            on(&request.line).answer(status, &[], method.as_bytes())
        });
        let shared = service.host();
        let mock = Mock::serve(move |request| {
            let challenge = format!("Bearer realm=\"http://{shared}/token\"");
            on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
        });
        let error = repository(&options(Some(identity())), &mock.host()).tags().unwrap_err();
        assert_eq!(chain(&error).replace(&service.host(), "service"), shown);
        // That the token service has no such page is not that there is no chart.
        assert!(!matches!(error, RegistryError::NotFound { .. }), "{error:?}");
    }
}
