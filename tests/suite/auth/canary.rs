//! No secret is ever written anywhere but where it belongs.

use std::sync::{Arc, Mutex};

use oci::credential::{Credential, CredentialPlace, Secret};
use oci::registry::{Client, RegistryError, RegistryOptions};

use super::world::{Memory, Store, chain, options, pull, push, repository};
use crate::common::log_lines;
use crate::common::mock::{Mock, Recorded, Step, on};

/// In every secret of this test, as it is and in base64 at each offset.
const CANARY: &str = "c4naryc4naryc4nary";
const ENCODED: [&str; 3] = ["YzRuYXJ5YzRuYXJ5", "M0bmFyeWM0bmFye", "NG5hcnljNG5hcnlj"];

fn keep(error: &RegistryError) {
    log_lines::keep(format!("{} {error:?} {error:#?}", chain(error)));
}

/// A registry and its token service in one, with a temper.
fn serve(request: &Recorded, host: &str, temper: &str) -> Step {
    let line = request.line.as_str();
    let shown = request.header("authorization").unwrap_or_default();
    let status = |status: u16| on(line).answer(status, &[], br#"{"errors":[{"code":"X","message":"no"}]}"#);
    let path = line.split_once(' ').unwrap().1;
    if path.starts_with("/token") {
        return match temper {
            "refuses" => status(401),
            "fails" => status(500),
            "talks" => on(line).answer(200, &[], format!(r#"{{"token":"{CANARY}"#).as_bytes()),
            "breaks" => on(line).answer(200, &[], format!(r#"{{"token":"{CANARY}\n"}}"#).as_bytes()),
            "no post" if line.starts_with("POST") => status(405),
            _ => on(line).answer(200, &[], format!(r#"{{"token":"{CANARY}"}}"#).as_bytes()),
        };
    }
    let challenge = match temper {
        "basic" => "Basic realm=\"x\"".to_owned(),
        "inside" => "Bearer realm=\"http://169.254.169.254/\"".to_owned(),
        "userinfo" => format!("Bearer realm=\"http://{CANARY}@{host}/token?{CANARY}\""),
        "foreign" => "Bearer realm=\"http://evil.example/token\"".to_owned(),
        "expires" => format!("Bearer realm=\"http://{host}/token\",error=\"invalid_token\""),
        _ => format!("Bearer realm=\"http://{host}/token\""),
    };
    if shown.is_empty() || temper == "expires" || temper == "never" {
        return on(line).answer(401, &[("WWW-Authenticate", &challenge)], b"");
    }
    match temper {
        "leads away" => on(line).answer(307, &[("Location", "http://127.0.0.1:1/x")], b""),
        "forbids" => status(403),
        _ => super::world::answer(request, line.starts_with("GET")),
    }
}

#[test]
fn secrets_are_in_no_log_no_error_and_no_debug_output() {
    log_lines::begin();
    let credentials = [
        Credential::Basic { username: "me".into(), password: Secret::new(CANARY.into()) },
        Credential::IdentityToken(Secret::new(CANARY.into())),
        Credential::RegistryToken(Secret::new(CANARY.into())),
    ];
    // What was given with the command, and what is stored and may be gone without.
    let places = [CredentialPlace::CommandLine, CredentialPlace::DockerAuthConfig];
    let tempers = [
        "basic",
        "bearer",
        "no post",
        "refuses",
        "fails",
        "talks",
        "breaks",
        "inside",
        "userinfo",
        "foreign",
        "expires",
        "never",
        "leads away",
        "forbids",
    ];
    let (mut worked, mut failed) = (0, 0);
    for (credential, place) in credentials.iter().flat_map(|c| places.iter().map(move |place| (c, place))) {
        for temper in tempers {
            let mock = Mock::serve({
                let own = Arc::new(Mutex::new(None::<String>));
                move |request: &Recorded| {
                    let host = request.header("host").unwrap_or_default().to_owned();
                    let host = own.lock().unwrap().get_or_insert(host).clone();
                    serve(request, &host, temper)
                }
            });
            let store = Store::at(place.clone(), Some(credential.clone()));
            let hints = Arc::new(Memory::default());
            let options =
                RegistryOptions { credentials: Some(store), hints: Some(hints.clone()), ..options(None) };
            let client = Client::new(&options).unwrap();
            let repository = repository(&options, &mock.host());
            log_lines::keep(format!("{credential:?} {client:?} {repository:?}"));
            let results = [
                client.check(&mock.host().parse().unwrap(), credential).map(|_| ()),
                push(&repository),
                pull(&repository, false),
                repository.tags().map(|_| ()),
            ];
            log_lines::keep(format!("{:?}", hints.hints.lock().unwrap()));
            for result in results {
                match result {
                    Ok(()) => worked += 1,
                    Err(error) => {
                        failed += 1;
                        keep(&error);
                    }
                }
            }
        }
    }
    assert!(worked >= 12 && failed >= 60, "{worked} {failed}");
    let lines = log_lines::lines();
    assert!(lines.iter().any(|line| line.starts_with("oci")), "the logger works");
    for secret in [CANARY].iter().chain(&ENCODED) {
        let leaks: Vec<_> = lines.iter().filter(|line| line.contains(secret)).collect();
        assert!(leaks.is_empty(), "{secret}: {leaks:#?}");
    }
}
