//! Stored credentials that are no good any more, and tokens that are shown as they are.

use std::sync::{Arc, Mutex};

use oci::credential::{Credential, CredentialOrigin, CredentialPlace, Credentials, Owner, Secret};
use oci::registry::{Client, CredentialCheck, Hint, Hints, RegistryError, RegistryOptions};

use super::world::{
    BASIC, Memory, Store, TAGS, answer, asks, authorizations, basic_challenge, bearer, blob, chain, gives,
    identity, options, password, pull, push, repository, tags,
};
use crate::common::mock::{Mock, Recorded, on};

const PULL: &str = "repository:a:pull";
const DENIED: &str = ",error=\"insufficient_scope\"";

fn registry_token() -> Credential {
    Credential::RegistryToken(Secret::new("own".into()))
}

fn file() -> CredentialPlace {
    CredentialPlace::File { path: "/home/me/.docker/config.json".into(), owner: Owner::Docker }
}

/// All places that a credential outlives its day at.
fn stores() -> [CredentialPlace; 5] {
    let helper = CredentialPlace::Helper { program: "docker-credential-pass".into(), owner: Owner::Helm };
    [CredentialPlace::Keyring, CredentialPlace::DockerAuthConfig, file(), helper, {
        CredentialPlace::File { path: "/run/containers/0/auth.json".into(), owner: Owner::Podman }
    }]
}

/// What was told of credentials that were refused.
type Told = Arc<Mutex<Vec<String>>>;

/// Options with a credential of a place, and what is told of it.
fn stored(place: CredentialPlace, credential: Credential) -> (RegistryOptions, Told) {
    let credentials: Arc<dyn Credentials> = Store::at(place, Some(credential));
    let told = Told::default();
    let kept = Arc::clone(&told);
    let refused = move |host: &str, origin: &CredentialOrigin| {
        kept.lock().unwrap().push(format!("{} {}", host.split(':').next().unwrap(), origin.place));
    };
    (RegistryOptions { credentials: Some(credentials), refused: Arc::new(refused), ..options(None) }, told)
}

#[test]
fn a_token_service_that_refuses_a_stored_password_is_asked_by_a_guest() {
    for place in stores() {
        for status in [401, 403] {
            let service = Mock::script([
                on(&asks(&[PULL])).answer(status, &[], b"{\"details\":\"incorrect username or password\"}"),
                gives(&asks(&[PULL]), "guest"),
            ]);
            let mock = Mock::script([bearer(TAGS, &service, ""), tags(TAGS), tags(TAGS)]);
            let (options, told) = stored(place.clone(), password());
            let repository = repository(&options, &mock.host());
            repository.tags().unwrap();
            repository.tags().unwrap();
            // One request more than with a credential that is good, and the password is shown once.
            assert_eq!(authorizations(&service), [BASIC, "-"], "{place:?}");
            assert_eq!(authorizations(&mock), ["-", "Bearer guest", "Bearer guest"], "{place:?}");
            assert_eq!(*told.lock().unwrap(), [format!("127.0.0.1 {place}")]);
        }
    }
}

#[test]
fn a_registry_that_refuses_a_token_is_asked_by_a_guest() {
    for status in [401, 403] {
        let service = Mock::script([gives(&asks(&[PULL]), "mine"), gives(&asks(&[PULL]), "guest")]);
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"charts\"{DENIED}", service.host());
        let mock = Mock::script([
            bearer(TAGS, &service, ""),
            on(TAGS).answer(status, &[("WWW-Authenticate", &realm)], b""),
            tags(TAGS),
        ]);
        let (options, told) = stored(file(), password());
        repository(&options, &mock.host()).tags().unwrap();
        assert_eq!(authorizations(&mock), ["-", "Bearer mine", "Bearer guest"], "{status}");
        assert_eq!(told.lock().unwrap().len(), 1);
        service.is_done();
    }
}

#[test]
fn a_registry_that_is_shown_a_password_at_once_is_asked_by_a_guest() {
    for status in [401, 403] {
        let mock = Mock::script([on(TAGS).answer(status, &basic_challenge(), b""), tags(TAGS)]);
        let hints: Arc<dyn Hints> = Memory::with(&format!("http://{}", mock.host()), Hint::Basic);
        let (options, told) = stored(file(), password());
        let options = RegistryOptions { hints: Some(hints), ..options };
        repository(&options, &mock.host()).tags().unwrap();
        assert_eq!(authorizations(&mock), [BASIC, "-"]);
        assert_eq!(told.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_guest_who_was_asked_for_a_password_does_not_come_again() {
    // Asked without, it wanted a password: it is the same as ever, and costs what it ever did.
    for status in [401, 403] {
        let mock = Mock::script([
            on(TAGS).answer(401, &basic_challenge(), b""),
            on(TAGS).answer(status, &basic_challenge(), b""),
        ]);
        let (options, told) = stored(file(), password());
        let error = repository(&options, &mock.host()).tags().unwrap_err();
        match error {
            RegistryError::Unauthorized { shown: Some(origin), .. } if status == 401 => {
                assert_eq!(origin.place, file());
            }
            RegistryError::Forbidden { shown: Some(origin), .. } if status == 403 => {
                assert_eq!(origin.place, file());
            }
            error => panic!("{error:?}"),
        }
        assert!(told.lock().unwrap().is_empty());
        mock.is_done();
    }
}

#[test]
fn where_a_guest_gets_nothing_the_refusal_is_told() {
    let no = |service: &Mock| format!("GET http://{}/token: 401: incorrect", service.host());
    // No token for a guest; or one that the registry does not take.
    for given in [false, true] {
        let second = match given {
            true => gives(&asks(&[PULL]), "guest"),
            false => on(&asks(&[PULL])).answer(401, &[], b"guests"),
        };
        let service = Mock::script([on(&asks(&[PULL])).answer(401, &[], b"incorrect"), second]);
        let mut steps = vec![bearer(TAGS, &service, "")];
        steps.extend(given.then(|| bearer(TAGS, &service, DENIED)));
        let mock = Mock::serve({
            let steps = Mutex::new(steps.into_iter());
            move |_| steps.lock().unwrap().next().unwrap()
        });
        let (options, told) = stored(file(), password());
        let error = repository(&options, &mock.host()).tags().unwrap_err();
        assert_eq!(chain(&error), no(&service));
        assert!(
            matches!(&error, RegistryError::Unauthorized { shown: Some(o), .. } if o.place == file()),
            "{error:?}"
        );
        assert!(told.lock().unwrap().is_empty());
        service.is_done();
    }
}

#[test]
fn an_identity_token_that_has_run_out_keeps_nobody_from_what_is_public() {
    for (post, get) in [(400, 401), (401, 401), (403, 403), (404, 401)] {
        let service = Mock::serve(move |request: &Recorded| {
            let line = request.line.as_str();
            match request.header("authorization") {
                _ if line.starts_with("POST") => on(line).answer(post, &[], b"{\"error\":\"invalid_grant\"}"),
                Some(_) => on(line).answer(get, &[], b""),
                None => gives(line, "guest"),
            }
        });
        let mock = Mock::script([bearer(TAGS, &service, ""), tags(TAGS)]);
        let (options, told) = stored(CredentialPlace::Keyring, identity());
        repository(&options, &mock.host()).tags().unwrap();
        assert_eq!(authorizations(&mock), ["-", "Bearer guest"], "{post} {get}");
        assert_eq!(told.lock().unwrap().len(), 1);
    }
}

#[test]
fn what_was_given_for_this_command_and_what_is_pushed_is_not_gone_without() {
    for place in [CredentialPlace::CommandLine, CredentialPlace::Environment] {
        let service = Mock::script([on(&asks(&[PULL])).answer(401, &[], b"")]);
        let mock = Mock::script([bearer(TAGS, &service, "")]);
        let (options, told) = stored(place.clone(), password());
        let error = repository(&options, &mock.host()).tags().unwrap_err();
        assert!(
            matches!(&error, RegistryError::Unauthorized { shown: Some(o), .. } if o.place == place),
            "{error:?}"
        );
        mock.is_done();
        service.is_done();
        assert!(told.lock().unwrap().is_empty());
    }
    // Whatever a push asks, from its first look at what is there.
    let service = Mock::serve(|request| on(&request.line).answer(401, &[], b""));
    let shared = service.host();
    let mock = Mock::serve(move |request| {
        let challenge = format!("Bearer realm=\"http://{shared}/token\",service=\"charts\"");
        on(&request.line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
    });
    let (options, told) = stored(file(), password());
    push(&repository(&options, &mock.host())).unwrap_err();
    assert_eq!((authorizations(&mock), authorizations(&service)), (vec!["-".into()], vec![BASIC.into()]));
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn a_pull_goes_on_to_its_end_and_another_repository_has_its_credential() {
    // Of two repositories one is everybody's, and refuses who has no right to it; the other is ours.
    let service = Mock::serve(|request: &Recorded| {
        let guest = request.header("authorization").is_none();
        gives(&request.line, if guest { "guest" } else { "mine" })
    });
    let shared = service.host();
    let mock = Mock::serve(move |request: &Recorded| {
        let line = request.line.as_str();
        let wanted = if line.contains("/v2/a/") { "Bearer guest" } else { "Bearer mine" };
        match request.header("authorization") {
            Some(shown) if shown == wanted => answer(request, true),
            Some(_) => on(line).answer(403, &[], b"denied"),
            None => {
                let challenge = format!("Bearer realm=\"http://{shared}/token\",service=\"charts\"");
                on(line).answer(401, &[("WWW-Authenticate", &challenge)], b"")
            }
        }
    });
    let (options, told) = stored(file(), password());
    let client = Client::new(&options).unwrap();
    let host = mock.host().parse().unwrap();
    pull(&client.repository(&host, &"a".parse().unwrap()).unwrap(), false).unwrap();
    client.repository(&host, &"b".parse().unwrap()).unwrap().tags().unwrap();
    pull(&client.repository(&host, &"a".parse().unwrap()).unwrap(), true).unwrap();
    assert_eq!(told.lock().unwrap().len(), 1);
    // What a guest could not be refused, and an answer that is none, are what they are.
    let error = client.repository(&host, &"b".parse().unwrap()).unwrap().for_push().tags();
    assert!(error.is_ok());
}

#[test]
fn a_guest_is_told_what_is_not_there() {
    let service = Mock::script([on(&asks(&[PULL])).answer(401, &[], b""), gives(&asks(&[PULL]), "guest")]);
    let mock = Mock::script([bearer(TAGS, &service, ""), on(TAGS).answer(404, &[], b"")]);
    let (options, told) = stored(file(), password());
    let error = repository(&options, &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "{error:?}");
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[test]
fn a_guest_is_as_patient_as_anybody() {
    let service = Mock::script([
        on(&asks(&[PULL])).answer(503, &[("Retry-After", "0")], b""),
        on(&asks(&[PULL])).answer(401, &[], b""),
        gives(&asks(&[PULL]), "guest"),
    ]);
    let mock = Mock::script([
        bearer(TAGS, &service, ""),
        on(TAGS).answer(503, &[("Retry-After", "0")], b""),
        tags(TAGS),
    ]);
    let (options, told) = stored(file(), password());
    repository(&options, &mock.host()).tags().unwrap();
    assert_eq!(authorizations(&service), [BASIC, BASIC, "-"]);
    assert_eq!(authorizations(&mock), ["-", "Bearer guest", "Bearer guest"]);
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[test]
fn a_token_for_the_registry_goes_there_as_it_is() {
    // To no token service, wherever that is.
    for realm in ["http://127.0.0.1:1/token", "https://evil.example/token"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let mock = Mock::script([
            on(TAGS).answer(401, &[("WWW-Authenticate", &challenge)], b""),
            tags(TAGS),
            tags(TAGS),
        ]);
        let (options, told) = stored(file(), registry_token());
        let repository = repository(&options, &mock.host());
        repository.tags().unwrap();
        repository.tags().unwrap();
        assert_eq!(authorizations(&mock), ["-", "Bearer own", "Bearer own"]);
        assert!(told.lock().unwrap().is_empty());
    }
    // One that has run out is not shown again; who reads goes on without.
    let service = Mock::script([gives(&asks(&[PULL]), "guest")]);
    let mock = Mock::script([
        bearer(TAGS, &service, ""),
        bearer(TAGS, &service, ",error=\"invalid_token\""),
        tags(TAGS),
    ]);
    let (options, told) = stored(file(), registry_token());
    repository(&options, &mock.host()).tags().unwrap();
    assert_eq!(authorizations(&mock), ["-", "Bearer own", "Bearer guest"]);
    assert_eq!((authorizations(&service), told.lock().unwrap().len()), (vec!["-".into()], 1));
    // Where a password is wanted it is none.
    let mock = Mock::script([on(TAGS).answer(401, &basic_challenge(), b"")]);
    let (options, _) = stored(file(), registry_token());
    let error = repository(&options, &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { shown: Some(_), unfit: true, .. }), "{error:?}");
    mock.is_done();
}

#[test]
fn a_token_for_the_registry_is_proven_by_the_registry() {
    for (status, good) in [(200, true), (401, false), (403, false)] {
        let service = Mock::script([]);
        let mock = Mock::script([
            bearer("GET /v2/", &service, ""),
            on("GET /v2/").answer(
                status,
                &[("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:1/\"")],
                b"",
            ),
        ]);
        let client = Client::new(&options(None)).unwrap();
        let result = client.check(&mock.host().parse().unwrap(), &registry_token());
        assert_eq!(result.as_ref().ok() == Some(&CredentialCheck::Accepted), good, "{status}: {result:?}");
        assert_eq!(authorizations(&mock), ["-", "Bearer own"]);
        service.is_done();
    }
}

#[test]
fn what_a_store_elsewhere_does_not_allow_is_about_no_credential() {
    let line = format!("GET /v2/a/blobs/{}", blob(b"layer").digest);
    for status in [401, 403] {
        let away =
            Mock::script([on("GET /x").answer(status, &[], b"<Error><Code>AccessDenied</Code></Error>")]);
        let to = format!("http://{}/x", away.host());
        let mock = Mock::script([
            on(&line).answer(401, &basic_challenge(), b""),
            on(&line).answer(307, &[("Location", &to)], b""),
        ]);
        let (options, told) = stored(file(), password());
        let error = repository(&options, &mock.host()).get_small_blob(&blob(b"layer")).unwrap_err();
        match error {
            RegistryError::Unauthorized { from_registry: false, shown: None, .. } if status == 401 => {}
            RegistryError::Forbidden { from_registry: false, shown: None, .. } if status == 403 => {}
            error => panic!("{error:?}"),
        }
        assert!(told.lock().unwrap().is_empty());
        assert_eq!(authorizations(&away), ["-"]);
        mock.is_done();
    }
}
