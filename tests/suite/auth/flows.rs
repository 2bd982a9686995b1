//! From a 401 to an answer.

use std::sync::{Arc, Barrier};
use std::thread;

use oci::credential::Credentials;
use oci::registry::{Hint, RegistryError, RegistryOptions};

use super::world::{
    BASIC, HEAD, Memory, Store, TAGS, answer, asks, authorizations, basic_challenge, bearer, blob, chain,
    gives, options, password, repository, tags, token_service,
};
use crate::common::mock::{Action, Mock, on};
use crate::common::target::target;

const PULL: &str = "repository:a:pull";
const PUSH: &str = "repository:a:pull,push";
const EXPIRED: &str = ",error=\"invalid_token\"";

#[test]
fn nobody_is_asked_for_a_credential_before_the_registry_asks() {
    let mock = Mock::script([tags(TAGS)]);
    let store = Store::of(Some(password()));
    let shared: Arc<dyn Credentials> = store.clone();
    let options = RegistryOptions { credentials: Some(shared), ..options(None) };
    repository(&options, &mock.host()).tags().unwrap();
    assert_eq!((store.asked(), authorizations(&mock)), (0, vec!["-".to_owned()]));
}

#[test]
fn basic_is_answered_with_the_password_and_remembered() {
    let mock = Mock::script([on(TAGS).answer(401, &basic_challenge(), b"{}"), tags(TAGS), tags(TAGS)]);
    let store = Store::of(Some(password()));
    let shared: Arc<dyn Credentials> = store.clone();
    let repository =
        repository(&RegistryOptions { credentials: Some(shared), ..options(None) }, &mock.host());
    repository.tags().unwrap();
    repository.tags().unwrap();
    assert_eq!(authorizations(&mock), ["-", BASIC, BASIC]);
    assert_eq!((store.asked(), mock.connections()), (1, 1));
}

#[test]
fn a_wrong_password_is_shown_once() {
    let mock = Mock::script([
        on(TAGS).answer(401, &basic_challenge(), b""),
        on(TAGS).answer(401, &basic_challenge(), b""),
    ]);
    let error = repository(&options(Some(password())), &mock.host()).tags().unwrap_err();
    assert!(
        matches!(error, RegistryError::Unauthorized { shown: Some(_), from_registry: true, .. }),
        "{error:?}"
    );
    mock.is_done();
}

#[test]
fn without_a_credential_there_is_no_second_request() {
    let mock = Mock::script([on(TAGS).answer(401, &basic_challenge(), b"")]);
    let error = repository(&options(None), &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { shown: None, .. }), "{error:?}");
    mock.is_done();
}

#[test]
fn a_store_that_fails_sends_nothing() {
    let service = token_service();
    let mock = Mock::script([bearer(TAGS, &service, "")]);
    let options = RegistryOptions { credentials: Some(Store::locked()), ..options(None) };
    let error = repository(&options, &mock.host()).tags().unwrap_err();
    let expected = format!("cannot get the credential for {}: the keyring is locked", mock.host());
    assert_eq!(chain(&error), expected);
    assert_eq!(service.requests().len(), 0);
}

#[test]
fn a_token_is_asked_for_by_get_own_scope_first() {
    let service = Mock::script([gives(&asks(&[PULL, "repository:b:pull", "registry:catalog:*"]), "t")]);
    let more = ",scope=\"repository:b:pull registry:catalog:* repository:a:pull\"";
    let mock = Mock::script([bearer(TAGS, &service, more), tags(TAGS)]);
    repository(&options(Some(password())), &mock.host()).tags().unwrap();
    assert_eq!(authorizations(&service), [BASIC]);
    assert_eq!(authorizations(&mock), ["-", "Bearer t"]);
    assert_eq!(mock.connections(), 1);
    service.is_done();
}

#[test]
fn guests_get_a_token_as_well() {
    let service = Mock::script([gives(&asks(&[PULL]), "guest")]);
    let mock = Mock::script([bearer(TAGS, &service, ""), tags(TAGS)]);
    repository(&options(None), &mock.host()).tags().unwrap();
    assert_eq!(
        (authorizations(&service), authorizations(&mock)[1].as_str()),
        (vec!["-".into()], "Bearer guest")
    );
}

#[test]
fn where_guests_get_no_token_the_registry_has_the_last_word() {
    for status in [401, 403] {
        let service = Mock::script([on(&asks(&[PULL])).answer(status, &[], b"")]);
        let mock = Mock::script([bearer(TAGS, &service, "")]);
        let error = repository(&options(None), &mock.host()).tags().unwrap_err();
        assert!(matches!(error, RegistryError::Unauthorized { shown: None, .. }), "{error:?}");
        assert_eq!(chain(&error), format!("GET http://{}/v2/a/tags/list: 401", mock.host()));
    }
}

#[test]
fn a_token_is_preferred_to_the_password() {
    let service = Mock::script([gives(&asks(&[PULL]), "t")]);
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"charts\"", service.host());
    let both = [("WWW-Authenticate", "Basic realm=\"b\""), ("WWW-Authenticate", &*realm)];
    let mock = Mock::script([on(TAGS).answer(401, &both, b""), tags(TAGS)]);
    repository(&options(Some(password())), &mock.host()).tags().unwrap();
    assert_eq!(authorizations(&mock), ["-", "Bearer t"]);
}

#[test]
fn two_threads_share_one_token() {
    let service = Arc::new(token_service());
    let shared = Arc::clone(&service);
    let mock = Mock::serve(move |request| match request.header("authorization") {
        None => bearer(&request.line, &shared, ""),
        Some(_) => answer(request, true),
    });
    let store = Store::of(Some(password()));
    let credentials: Arc<dyn Credentials> = store.clone();
    let repository =
        repository(&RegistryOptions { credentials: Some(credentials), ..options(None) }, &mock.host());
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                barrier.wait();
                repository.tags().unwrap();
            });
        }
    });
    assert_eq!((service.requests().len(), store.asked()), (1, 1));
}

#[test]
fn a_token_that_runs_out_in_the_middle_of_a_push_is_replaced_and_the_body_sent_again() {
    let content = vec![7; 600 << 10];
    let service = Mock::script([gives(&asks(&[PUSH]), "old"), gives(&asks(&[PUSH]), "new")]);
    let descriptor = blob(&content);
    let mount = format!("POST /v2/a/blobs/uploads/?mount={}&from=a", descriptor.digest);
    let put = format!("PUT /u/1?digest={}", descriptor.digest);
    for early in [false, true] {
        let service = if early { &token_service() } else { &service };
        let refused = bearer(&put, service, EXPIRED);
        let refused = if early { refused.early().then(Action::Close) } else { refused };
        let mock = Mock::script([
            bearer(HEAD, service, ""),
            on(HEAD).answer(404, &[], b""),
            on(&mount).answer(202, &[("Location", "/u/1")], b""),
            refused,
            on(&put).answer(201, &[], b""),
        ]);
        let repository = repository(&options(Some(password())), &mock.host()).for_push();
        assert_eq!(repository.head_manifest(target("1.0")).unwrap(), None);
        repository.push_blob(&descriptor, &content, &|_| {}).unwrap();
        mock.is_done();
        let last = &mock.requests()[4];
        assert_eq!(last.body, content, "early: {early}");
        let tokens = if early { ["Bearer token-0", "Bearer token-1"] } else { ["Bearer old", "Bearer new"] };
        assert_eq!(authorizations(&mock)[3..], tokens);
        assert_eq!(service.requests().len(), 2);
    }
    service.is_done();
}

#[test]
fn there_is_one_refresh_and_then_an_error() {
    let service = token_service();
    let line = service.host();
    let mock = Mock::serve(move |request| {
        let challenge = format!("Bearer realm=\"http://{line}/token\"{EXPIRED}");
        on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
    });
    let error = repository(&options(Some(password())), &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { shown: Some(_), .. }), "{error:?}");
    assert_eq!(authorizations(&mock), ["-", "Bearer token-0", "Bearer token-1"]);
    assert_eq!(service.requests().len(), 2);
}

#[test]
fn a_token_for_too_little_is_widened_once() {
    for status in [401, 403] {
        let more = ["repository:a:pull", "repository:b:pull"];
        let service = Mock::script([gives(&asks(&[PULL]), "small"), gives(&asks(&more), "wide")]);
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"charts\"", service.host());
        let asked = format!("{realm},error=\"insufficient_scope\",scope=\"repository:b:pull\"");
        let mock = Mock::script([
            bearer(TAGS, &service, ""),
            on(TAGS).answer(status, &[("WWW-Authenticate", &asked)], b""),
            tags(TAGS),
            tags(TAGS),
        ]);
        let repository = repository(&options(Some(password())), &mock.host());
        repository.tags().unwrap();
        repository.tags().unwrap();
        assert_eq!(authorizations(&mock), ["-", "Bearer small", "Bearer wide", "Bearer wide"]);
        service.is_done();
    }
}

#[test]
fn a_token_for_too_little_is_no_error_but_its_401_is() {
    let service = Mock::script([gives(&asks(&[PULL]), "small")]);
    let more = ",scope=\"repository:a:pull\",error=\"insufficient_scope\"";
    let mock = Mock::script([bearer(TAGS, &service, ""), bearer(TAGS, &service, more)]);
    let error = repository(&options(Some(password())), &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { shown: Some(_), .. }), "{error:?}");
    mock.is_done();
    service.is_done();
}

#[test]
fn a_registry_that_always_wants_more_does_not_go_on_for_ever() {
    let service = Arc::new(token_service());
    let shared = Arc::clone(&service);
    let count = std::sync::atomic::AtomicUsize::new(0);
    let mock = Mock::serve(move |request| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        bearer(&request.line, &shared, &format!(",scope=\"repository:n{count}:pull\""))
    });
    let error = repository(&options(Some(password())), &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error:?}");
    assert!(mock.requests().len() <= 4 && service.requests().len() <= 3, "{:?}", service.lines());
}

#[test]
fn cancelling_an_upload_does_not_beg_for_rights() {
    let service = token_service();
    let descriptor = blob(b"layer");
    let mount = format!("POST /v2/a/blobs/uploads/?mount={}&from=a", descriptor.digest);
    let put = format!("PUT /u/1?digest={}", descriptor.digest);
    let mock = Mock::script([
        bearer(&mount, &service, ""),
        on(&mount).answer(202, &[("Location", "/u/1")], b""),
        on(&put).answer(413, &[], b""),
        bearer("DELETE /u/1", &service, ",scope=\"repository:a:delete\""),
    ]);
    let repository = repository(&options(Some(password())), &mock.host()).for_push();
    repository.push_blob(&descriptor, &b"layer".to_vec(), &|_| {}).unwrap_err();
    mock.is_done();
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_busy_token_service_is_asked_again() {
    let service = Mock::script([
        on(&asks(&[PULL])).answer(429, &[("Retry-After", "2")], b""),
        on(&asks(&[PULL])).answer(503, &[], b""),
        on(&asks(&[PULL])).then(Action::Reset),
        gives(&asks(&[PULL]), "t"),
    ]);
    let mock = Mock::script([bearer(TAGS, &service, ""), tags(TAGS)]);
    repository(&options(Some(password())), &mock.host()).tags().unwrap();
    service.is_done();
    mock.is_done();
}

#[test]
fn a_token_service_that_makes_no_sense_is_an_error() {
    let huge = format!("{{\"token\":\"{}\"}}", "x".repeat(129 << 10));
    for (body, message) in [
        (huge.as_str(), "the token is larger than the limit of 131072 bytes"),
        ("{}", "the token service's answer has no token in it"),
        ("<html>", "the token service's answer is not JSON"),
        (r#"{"token":"a\r\nX: y"}"#, "the token service's token cannot stand in a header"),
    ] {
        let service = Mock::script([on(&asks(&[PULL])).answer(200, &[], body.as_bytes())]);
        let mock = Mock::script([bearer(TAGS, &service, "")]);
        let error = repository(&options(Some(password())), &mock.host()).tags().unwrap_err();
        assert_eq!(chain(&error), format!("GET http://{}/token: {message}", service.host()));
    }
}

#[test]
fn a_fresh_token_comes_from_where_the_old_one_came() {
    // As nvcr.io: who shows an old token is sent to a service that gives nothing to guests.
    let other = Mock::script([]);
    let service = Mock::script([gives(&asks(&[PULL]), "old"), gives(&asks(&[PULL]), "new")]);
    let mock =
        Mock::script([bearer(TAGS, &service, ""), tags(TAGS), bearer(TAGS, &other, EXPIRED), tags(TAGS)]);
    let repository = repository(&options(None), &mock.host());
    repository.tags().unwrap();
    repository.tags().unwrap();
    service.is_done();
    other.is_done();
}

#[test]
fn a_wrong_hint_costs_no_failure() {
    let refused = "http://127.0.0.1:1/token".to_owned();
    let hint =
        |realm: &str, service: &str| Hint::Bearer { realm: realm.into(), service: Some(service.into()) };
    let service = Arc::new(token_service());
    let host = service.host();
    let right = hint(&format!("http://{host}/token"), "charts");
    for wrong in [
        Hint::Basic,
        hint(&refused, "charts"),
        hint("file:///etc/passwd", "charts"),
        hint("http://169.254.169.254/token", "charts"),
        hint("https://evil.example/token", "charts"),
        hint("no url", "charts"),
        hint(&format!("http://{host}/token"), "other"),
        hint(&format!("http://{host}/elsewhere?x=y"), "charts"),
        right.clone(),
    ] {
        let shared = Arc::clone(&service);
        let first = service.requests().len();
        let mock = Mock::serve(move |request| {
            // A token is good if the last request for one named the right service.
            let line = shared.lines().last().cloned().unwrap_or_default();
            let good = line.starts_with("GET /token?service=charts");
            let shown = request.header("authorization").unwrap_or_default();
            if good && shown.starts_with("Bearer ") {
                answer(request, true)
            } else {
                bearer(&request.line, &shared, if shown.is_empty() { "" } else { EXPIRED })
            }
        });
        let origin = format!("http://{}", mock.host());
        let hints = Memory::with(&origin, wrong.clone());
        let options = RegistryOptions { hints: Some(hints.clone()), ..options(Some(password())) };
        repository(&options, &mock.host())
            .tags()
            .unwrap_or_else(|error| panic!("{wrong:?}: {}", chain(&error)));
        assert_eq!(hints.hint(&origin), Some(right.clone()), "{wrong:?}");
        if wrong == right {
            assert_eq!((mock.requests().len(), service.requests().len() - first), (1, 1));
        }
    }
    // A token where the password is wanted.
    let mock = Mock::serve(|request| match request.header("authorization") {
        Some(BASIC) => answer(request, true),
        _ => on(&request.line).answer(401, &basic_challenge(), b""),
    });
    let hints = Memory::with(&format!("http://{}", mock.host()), right);
    let options = RegistryOptions { hints: Some(hints.clone()), ..options(Some(password())) };
    repository(&options, &mock.host()).tags().unwrap();
    assert_eq!(hints.hint(&format!("http://{}", mock.host())), Some(Hint::Basic));
}

#[test]
fn a_hint_does_not_show_a_wrong_password_twice() {
    let service = Mock::script([on(&asks(&[PULL])).answer(401, &[], b"")]);
    let mock = Mock::script([bearer(TAGS, &service, "")]);
    let realm = format!("http://{}/token", service.host());
    let hint = Hint::Bearer { realm, service: Some("charts".into()) };
    let hints = Memory::with(&format!("http://{}", mock.host()), hint);
    let options = RegistryOptions { hints: Some(hints), ..options(Some(password())) };
    let error = repository(&options, &mock.host()).tags().unwrap_err();
    assert_eq!(chain(&error), format!("GET http://{}/token: 401", service.host()));
    mock.is_done();
    service.is_done();
}
