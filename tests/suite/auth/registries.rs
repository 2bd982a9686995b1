//! Real registries: docker-registry with passwords and with tokens, and the embedded one behind TLS.

use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oci::credential::{Credential, Secret};
use oci::registry::{Client, CredentialCheck, Hints, RegistryError, RegistryOptions};
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use tempfile::TempDir;

use super::world::{BASIC, Memory, PASSWORD, USER, options, password, pull, push, repository};
use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::target::target;
use crate::common::tls::Authority;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, tool, write_chart};

fn wrong() -> Credential {
    Credential::Basic { username: USER.into(), password: Secret::new("wrong".into()) }
}

/// Pushes and pulls, each as a command of its own, and returns what each cost.
fn round(options: &RegistryOptions, host: &str, requests: &dyn Fn() -> usize) -> [usize; 4] {
    [0, 1, 2, 3].map(|step| {
        let (before, repository) = (requests(), repository(options, host));
        let result = if step < 2 { push(&repository) } else { pull(&repository, step == 3) };
        result.unwrap();
        requests() - before
    })
}

/// What login, push, push again, pull and pull again cost as commands, and the last four where nothing is remembered of
/// the registry. Helm reads what login has kept.
fn commands(host: &str, requests: &dyn Fn() -> usize, hinted: [usize; 5], unknown: [usize; 4]) {
    let mut home = Home::new();
    home.set("HELM_OCI_KEYRING", "none");
    let cost = |home: &Home, name: &str, args: &[&str], stdin: &str| {
        let before = requests();
        home.command(name).args(args).stdin(stdin).run().succeeds();
        requests() - before
    };
    let login = ["-u", USER, "--password-stdin", "--store=file", host];
    let wrong = home.command("helm-registry-login").args(login).stdin("wrong").run();
    wrong.fails(4);
    let [first, second] = ["1.0.0", "2.0.0"].map(|version| {
        let name = format!("chart{}", &version[..1]);
        let text = format!("apiVersion: v1\nname: {name}\nversion: {version}\n");
        write_chart(&home.path().join(&name), &[("Chart.yaml", &text)]);
        let reference = format!("{host}/group/{name}:{version}");
        home.command("helm-chart-save").args(["-q", &name, &reference]).run().succeeds();
        reference
    });
    let cycle = |home: &Home, reference: &str, forget: &dyn Fn()| {
        let mut costs = Vec::new();
        for verb in ["push", "push", "remove", "pull", "pull"] {
            forget();
            let spent = cost(home, &format!("helm-chart-{verb}"), &[reference], "");
            costs.extend((verb != "remove").then_some(spent));
        }
        costs
    };
    let mut costs = vec![cost(&home, "helm-registry-login", &login, PASSWORD)];
    costs.extend(cycle(&home, &first, &|| ()));
    assert_eq!(costs, hinted);
    let hints = home.path().join(".cache/helm/oci/registries.json");
    assert_eq!(cycle(&home, &second, &|| drop(fs::remove_file(&hints))), unknown);
    let Some(helm) = tool("helm") else { return };
    let shown = home.program(helm).args(["show", "chart", &format!("oci://{host}/group/chart1")]).run();
    assert!(shown.succeeds().stdout.contains("version: 1.0.0"), "{shown}");
}

fn check(
    options: &RegistryOptions,
    host: &str,
    credential: &Credential,
) -> Result<CredentialCheck, RegistryError> {
    Client::new(options).unwrap().check(&host.parse().unwrap(), credential)
}

#[test]
fn docker_registry_with_passwords() {
    let Some(registry) = DockerRegistry::start_with_password(USER, PASSWORD) else { return };
    let host = registry.address();
    let requests = || registry.requests().len();
    let hints: Arc<dyn Hints> = Arc::new(Memory::default());
    let options = RegistryOptions { hints: Some(hints), ..options(Some(password())) };
    let before = requests();
    assert!(matches!(
        check(&options, host, &wrong()),
        Err(RegistryError::Unauthorized { shown: Some(_), .. })
    ));
    assert_eq!(check(&options, host, &password()).unwrap(), CredentialCheck::Accepted);
    assert_eq!(requests() - before, 4);
    assert_eq!(round(&options, host, &requests), [6, 1, 3, 1]);
    let without = RegistryOptions { hints: None, ..options };
    assert_eq!(round(&without, host, &requests), [2, 2, 4, 2]);
    commands(host, &requests, [2, 6, 1, 3, 1], [7, 2, 4, 2]);
    let guest = repository(&super::world::options(None), host);
    assert!(matches!(guest.tags(), Err(RegistryError::Unauthorized { shown: None, .. })));
    let stranger = repository(&super::world::options(Some(wrong())), host);
    assert!(matches!(stranger.tags(), Err(RegistryError::Unauthorized { shown: Some(_), .. })));
}

/// Makes tokens that a docker-registry with this certificate believes.
struct Signer {
    certificate: String,
    x5c: String,
    key: EcdsaKeyPair,
}

impl Signer {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["token.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let (pkcs8, random) = (key.serialize_der(), SystemRandom::new());
        Self {
            certificate: certificate.pem(),
            x5c: STANDARD.encode(certificate.der()),
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).unwrap(),
        }
    }

    /// A JSON Web Token for these scopes (distribution spec, "Token Authentication Implementation").
    fn sign(&self, scopes: &[String], lifetime: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let access: Vec<String> = scopes
            .iter()
            .map(|scope| {
                let (rest, actions) = scope.rsplit_once(':').unwrap();
                let (kind, name) = rest.split_once(':').unwrap();
                let actions: Vec<_> = actions.split(',').map(|action| format!("\"{action}\"")).collect();
                format!(r#"{{"type":"{kind}","name":"{name}","actions":[{}]}}"#, actions.join(","))
            })
            .collect();
        let header = format!(r#"{{"typ":"JWT","alg":"ES256","x5c":["{}"]}}"#, self.x5c);
        let claims = format!(
            r#"{{"iss":"issuer","sub":"me","aud":"charts","exp":{},"nbf":{},"iat":{now},"jti":"1","access":[{}]}}"#,
            now + lifetime,
            now - 90,
            access.join(",")
        );
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What the token service says: everything to the user, pulling to guests.
    fn serve(&self, request: &Recorded) -> Step {
        // Helm begins with one, and goes on as with GHCR and Harbor, which have none.
        if request.line.starts_with("POST") {
            return on(&request.line).answer(405, &[], b"");
        }
        let shown = request.header("authorization");
        if shown.is_some_and(|shown| shown != BASIC) {
            return on(&request.line).answer(401, &[], br#"{"details":"incorrect username or password"}"#);
        }
        let query = request.line.split_once('?').unwrap().1;
        let scopes: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| name == "scope")
            .map(|(_, scope)| match shown {
                Some(_) => scope.into_owned(),
                None => scope.replace(",push", ""),
            })
            .collect();
        let token = self.sign(&scopes, 300);
        let body = format!(r#"{{"token":"{token}","access_token":"{token}","expires_in":300}}"#);
        on(&request.line).answer(200, &[], body.as_bytes())
    }
}

#[test]
fn docker_registry_with_tokens() {
    let signer = Signer::new();
    let dir = TempDir::new().unwrap();
    let bundle = dir.path().join("bundle.pem");
    fs::write(&bundle, &signer.certificate).unwrap();
    let service = Mock::serve(move |request| signer.serve(request));
    let auth = format!(
        "auth:\n  token:\n    realm: http://{}/token\n    service: charts\n    issuer: issuer\n    \
         rootcertbundle: {}\n",
        service.host(),
        bundle.display()
    );
    let Some(registry) = DockerRegistry::start_with_auth(&auth) else { return };
    let host = registry.address();
    let requests = || registry.requests().len() + service.requests().len();
    let hints: Arc<dyn Hints> = Arc::new(Memory::default());
    let known = RegistryOptions { hints: Some(hints), ..options(Some(password())) };

    let before = requests();
    assert!(matches!(check(&known, host, &wrong()), Err(RegistryError::Unauthorized { shown: Some(_), .. })));
    assert_eq!(check(&known, host, &password()).unwrap(), CredentialCheck::Accepted);
    assert_eq!(requests() - before, 4);
    assert_eq!(round(&known, host, &requests), [7, 2, 4, 2]);
    let unknown = RegistryOptions { hints: None, ..known };
    assert_eq!(round(&unknown, host, &requests), [3, 3, 5, 3]);

    commands(host, &requests, [2, 7, 2, 4, 2], [8, 3, 5, 3]);

    // Guests may read, and are told when they may not write.
    pull(&repository(&options(None), host), false).unwrap();
    let error =
        repository(&options(None), host).for_push().put_manifest(target("2.0"), "x/y", b"{}").unwrap_err();
    assert!(
        matches!(error, RegistryError::Unauthorized { shown: None, from_registry: true, .. }),
        "{error:?}"
    );
}

#[test]
fn the_embedded_registry_behind_tls() {
    let home = Home::new();
    let authority = Authority::new();
    let issued = authority.issue("127.0.0.1", false);
    let hash = bcrypt::hash(PASSWORD, 4).unwrap();
    let users = authority.file("htpasswd", &format!("{USER}:{}\n", hash.replace("$2b$", "$2y$")));
    let [users, certificate, key] =
        [&users, &issued.cert_file, &issued.key_file].map(|path| path.to_str().unwrap());
    let registry = EmbeddedRegistry::start_over_tls(
        &home,
        ["--htpasswd", users, "--tls-cert", certificate, "--tls-key", key],
    );
    let mut options = options(Some(password()));
    options.http.ca_file = Some(authority.ca_file());
    let host = registry.address();
    assert!(matches!(
        check(&options, host, &wrong()),
        Err(RegistryError::Unauthorized { shown: Some(_), .. })
    ));
    assert_eq!(check(&options, host, &password()).unwrap(), CredentialCheck::Accepted);
    let repository = repository(&options, host);
    push(&repository).unwrap();
    pull(&repository, false).unwrap();
    pull(&repository, true).unwrap();
}
