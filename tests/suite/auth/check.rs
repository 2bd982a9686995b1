//! Proving a credential for login.

use std::sync::Arc;

use oci::registry::{Client, CredentialCheck, Hint, RegistryError, RegistryOptions};

use super::world::{
    BASIC, Memory, authorizations, basic_challenge, bearer, chain, gives, identity, options, password,
};
use crate::common::mock::{Mock, on};

fn check(mock: &Mock, credential: &oci::credential::Credential) -> Result<CredentialCheck, RegistryError> {
    Client::new(&options(None)).unwrap().check(&mock.host().parse().unwrap(), credential)
}

#[test]
fn a_password_is_proven_in_two_requests() {
    let mock = Mock::script([
        on("GET /v2/").answer(401, &basic_challenge(), b"{}"),
        on("GET /v2/").answer(200, &[], b"{}"),
    ]);
    assert_eq!(check(&mock, &password()).unwrap(), CredentialCheck::Accepted);
    assert_eq!((authorizations(&mock), mock.connections()), (vec!["-".to_owned(), BASIC.to_owned()], 1));
    mock.is_done();
}

#[test]
fn the_token_service_proves_a_password() {
    let service = Mock::script([gives("GET /token?service=charts", "t")]);
    // GHCR names a scope that is a placeholder: to ask for it would be refused.
    let mock = Mock::script([bearer("GET /v2/", &service, ",scope=\"repository:user/image:pull\"")]);
    let hints = Arc::new(Memory::default());
    let options = RegistryOptions { hints: Some(hints.clone()), ..options(None) };
    let client = Client::new(&options).unwrap();
    assert_eq!(client.check(&mock.host().parse().unwrap(), &password()).unwrap(), CredentialCheck::Accepted);
    assert_eq!(authorizations(&service), [BASIC]);
    mock.is_done();
    service.is_done();
    let hint = hints.hint(&format!("http://{}", mock.host()));
    let realm = format!("http://{}/token", service.host());
    assert_eq!(hint, Some(Hint::Bearer { realm, service: Some("charts".into()) }));
}

#[test]
fn a_token_kept_from_before_proves_nothing() {
    let service = Mock::script([
        gives("GET /token?service=charts", "t"),
        on("GET /token?service=charts").answer(401, &[], b""),
    ]);
    let mock = Mock::script([bearer("GET /v2/", &service, ""), bearer("GET /v2/", &service, "")]);
    let client = Client::new(&options(None)).unwrap();
    let host = mock.host().parse().unwrap();
    assert_eq!(client.check(&host, &password()).unwrap(), CredentialCheck::Accepted);
    assert!(matches!(
        client.check(&host, &password()),
        Err(RegistryError::Unauthorized { shown: Some(_), .. })
    ));
    service.is_done();
}

#[test]
fn an_identity_token_is_proven_by_post() {
    let service = Mock::script([gives("POST /token", "t")]);
    let mock = Mock::script([bearer("GET /v2/", &service, "")]);
    assert_eq!(check(&mock, &identity()).unwrap(), CredentialCheck::Accepted);
    service.is_done();
}

#[test]
fn a_registry_that_does_not_ask_proves_nothing() {
    let mock = Mock::script([on("GET /v2/").answer(200, &[], b"{}")]);
    assert_eq!(check(&mock, &password()).unwrap(), CredentialCheck::NotAsked);
    assert_eq!(authorizations(&mock), ["-"]);
}

#[test]
fn a_wrong_password_is_unauthorized() {
    let wrong = || on("GET /v2/").answer(401, &basic_challenge(), br#"{"errors":[{"code":"UNAUTHORIZED"}]}"#);
    let mock = Mock::script([wrong(), wrong()]);
    let error = check(&mock, &password()).unwrap_err();
    assert!(
        matches!(error, RegistryError::Unauthorized { shown: Some(_), from_registry: true, .. }),
        "{error:?}"
    );
    assert_eq!(chain(&error), format!("GET http://{}/v2/: 401: UNAUTHORIZED", mock.host()));
    mock.is_done();

    let service = Mock::script([on("GET /token?service=charts").answer(401, &[], b"")]);
    let mock = Mock::script([bearer("GET /v2/", &service, "")]);
    let error = check(&mock, &password()).unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { shown: Some(_), .. }), "{error:?}");
    assert_eq!(chain(&error), format!("GET http://{}/token: 401", service.host()));
    mock.is_done();
    service.is_done();
}

#[test]
fn what_is_no_registry_is_said() {
    let mock = Mock::script([on("GET /v2/").answer(404, &[], b"")]);
    assert!(matches!(check(&mock, &password()), Err(RegistryError::NotFound { .. })));
    // An identity token is no answer to Basic.
    let mock = Mock::script([on("GET /v2/").answer(401, &basic_challenge(), b"")]);
    assert!(matches!(check(&mock, &identity()), Err(RegistryError::Unauthorized { unfit: true, .. })));
    assert_eq!(authorizations(&mock), ["-"]);
}

#[test]
fn a_busy_registry_is_asked_again() {
    let mock = Mock::script([
        on("GET /v2/").answer(503, &[], b""),
        on("GET /v2/").answer(401, &basic_challenge(), b""),
        on("GET /v2/").answer(429, &[], b""),
        on("GET /v2/").answer(401, &basic_challenge(), b""),
        on("GET /v2/").answer(200, &[], b"{}"),
    ]);
    assert_eq!(check(&mock, &password()).unwrap(), CredentialCheck::Accepted);
    mock.is_done();
}
