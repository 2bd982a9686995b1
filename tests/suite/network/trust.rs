//! Which servers are believed: by certificates that `openssl` makes, as Go believes them, which is asked through Helm.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{chain, options, tags_at};
use crate::common::wire::tgz;
use crate::common::{EmbeddedRegistry, Home, tool};
use oci::http::{HttpError as Http, TlsFailure};
use oci::registry::{RegistryError, RegistryOptions};

/// Where certificates are made, each by the name of its files.
struct Desk {
    directory: TempDir,
    openssl: PathBuf,
}

/// What a certificate is made of.
#[derive(Clone, Copy)]
struct Recipe<'a> {
    name: &'a str,
    /// What `openssl req -newkey` takes, and how to hash.
    key: &'a str,
    hash: &'a str,
    /// `[v3]` of the configuration.
    extensions: &'a str,
    subject: &'a str,
    /// Who signs it; itself if nobody does.
    issuer: Option<&'a str>,
    /// From when to when, as YYYYMMDD.
    dates: (&'a str, &'a str),
}

const SAN: &str = "subjectAltName=IP:127.0.0.1,DNS:localhost";
const CA: &str = "basicConstraints=critical,CA:TRUE\n";

impl Default for Recipe<'_> {
    fn default() -> Self {
        Self {
            name: "server",
            key: "ec:P-256",
            hash: "sha256",
            extensions: SAN,
            subject: "/CN=server",
            issuer: None,
            dates: ("20200101", "20400101"),
        }
    }
}

impl Desk {
    fn new() -> Option<Self> {
        let directory = TempDir::with_prefix_in("certificates-", env!("CARGO_TARGET_TMPDIR")).unwrap();
        Some(Self { directory, openssl: tool("openssl")? })
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn run(&self, args: &str) {
        let mut command = Command::new(&self.openssl);
        let output = command.args(args.split(' ')).current_dir(self.directory.path()).output().unwrap();
        assert!(output.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `NAME.pem` and `NAME.key`.
    fn make(&self, recipe: Recipe<'_>) -> PathBuf {
        let Recipe { name, key, hash, extensions, subject, issuer, dates } = recipe;
        let newkey = match key.split_once(':') {
            Some(("ec", curve)) => format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve}"),
            Some(("rsa", bits)) => format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"),
            _ => format!("genpkey -algorithm {key}"),
        };
        self.run(&format!("{newkey} -out {name}.key"));
        // `ca` alone takes any dates.
        let pss = hash.strip_suffix("-pss");
        let config = format!(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\nserial=serial\nunique_subject=no\n\
             policy=any\nemail_in_dn=no\n[any]\ncommonName=optional\n\
             [req]\ndistinguished_name=dn\n[dn]\n[v3]\n{extensions}\n"
        );
        fs::write(self.path("config"), config).unwrap();
        fs::write(self.path("index"), "").unwrap();
        let serial = fs::read_dir(self.directory.path()).unwrap().count() + 0x1000;
        fs::write(self.path("serial"), format!("{serial:04X}\n")).unwrap();
        let digest = if key == "ED25519" { "null" } else { pss.unwrap_or(hash) };
        let signing = if digest == "null" { String::new() } else { format!(" -{digest}") };
        self.run(&format!(
            "req -new -config config -key {name}.key -subj {subject} -out {name}.csr{signing}"
        ));
        let by = match issuer {
            Some(issuer) => format!("-cert {issuer}.pem -keyfile {issuer}.key"),
            None => format!("-selfsign -keyfile {name}.key"),
        };
        let extensions = if extensions.is_empty() { "" } else { " -extensions v3" };
        let pss =
            if pss.is_some() { " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" } else { "" };
        self.run(&format!(
            "ca -batch -notext -config config -in {name}.csr -out {name}.pem {by} -md {digest} -startdate {}000000Z \
             -enddate {}000000Z{extensions}{pss}",
            dates.0, dates.1
        ));
        self.path(&format!("{name}.pem"))
    }

    /// A server with this certificate, which shows those in `chain` as well.
    fn serve(&self, name: &str, chain: &[&str]) -> OpenSsl {
        self.serve_with(name, chain, &[])
    }

    /// The same, told more.
    fn serve_with(&self, name: &str, chain: &[&str], more: &[&str]) -> OpenSsl {
        let directory = self.path("www");
        let body = br#"{"tags":["1"]}"#;
        fs::create_dir_all(directory.join("v2/a/tags")).unwrap();
        fs::write(directory.join("v2/a/tags/list"), whole(body)).unwrap();
        let chart = tgz(&[("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n")]);
        fs::write(directory.join("mychart-1.0.0.tgz"), whole(&chart)).unwrap();
        let others: Vec<_> =
            chain.iter().map(|name| fs::read(self.path(&format!("{name}.pem"))).unwrap()).collect();
        fs::write(self.path("chain.pem"), others.concat()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&self.openssl);
        command.args(["s_server", "-HTTP", "-naccept", "1000", "-cipher", "DEFAULT@SECLEVEL=0"]);
        command.args(["-accept", &format!("127.0.0.1:{port}")]).args(more);
        command.arg("-cert").arg(self.path(&format!("{name}.pem")));
        command.arg("-key").arg(self.path(&format!("{name}.key")));
        if !chain.is_empty() {
            command.arg("-cert_chain").arg(self.path("chain.pem"));
        }
        let mut process = command
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let started = lines.by_ref().map_while(Result::ok).any(|line| line.contains("ACCEPT"));
        assert!(started, "{name}: {:?}", process.wait_with_output());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        OpenSsl { process, port }
    }
}

/// An answer as `openssl s_server -HTTP` has it in files.
fn whole(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A running `openssl s_server`.
struct OpenSsl {
    process: Child,
    port: u16,
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether we believe a server, and if not, why.
fn asked(server: &OpenSsl, host: &str, ca: Option<&Path>) -> Result<(), TlsFailure> {
    let (mut options, _) = options();
    options.http.ca_file = ca.map(Path::to_owned);
    believed(&options, &format!("{host}:{}", server.port))
}

fn believed(options: &RegistryOptions, host: &str) -> Result<(), TlsFailure> {
    match tags_at(options, host) {
        Ok(tags) => {
            assert_eq!(tags, 1);
            Ok(())
        }
        Err(RegistryError::Http(Http::Tls { source, .. })) => Err(*source),
        Err(other) => panic!("{}", chain(&other)),
    }
}

/// Whether Helm, and so Go, believes a server.
fn helm_believes(helm: &Path, server: &OpenSsl, host: &str, ca: &Path) -> Result<(), String> {
    let home = Home::new();
    let url = format!("https://{host}:{}/mychart-1.0.0.tgz", server.port);
    let output = home.program(helm).args(["pull", &url, "--ca-file", ca.to_str().unwrap()]).run();
    let arrived = home.path().join("mychart-1.0.0.tgz").exists();
    if output.code == Some(0) && arrived { Ok(()) } else { Err(output.stderr) }
}

/// A certificate, who is to be trusted, and which host is asked.
struct Case<'a> {
    what: &'a str,
    server: Recipe<'a>,
    trusted: &'a str,
    shown: &'a [&'a str],
    host: &'a str,
    believed: bool,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            what: "",
            server: Recipe { issuer: Some("authority"), ..Recipe::default() },
            trusted: "authority",
            shown: &[],
            host: "127.0.0.1",
            believed: true,
        }
    }
}

const AUTHORITY: Recipe<'_> = Recipe {
    name: "authority",
    key: "ec:P-256",
    hash: "sha256",
    extensions: CA,
    subject: "/CN=authority",
    issuer: None,
    dates: ("20200101", "20400101"),
};

/// What stands in each certificate's extensions, for the cases below.
const ANY_CA: &str = "basicConstraints=critical,CA:TRUE\nsubjectAltName=IP:127.0.0.1,DNS:localhost";

#[test]
fn a_certificate_is_believed_as_go_believes_it() {
    let Some(desk) = Desk::new() else { return };
    let helm = tool("helm");
    desk.make(AUTHORITY);
    desk.make(Recipe { name: "stranger", subject: "/CN=stranger", ..AUTHORITY });
    desk.make(Recipe { name: "old", subject: "/CN=old", dates: ("20200101", "20210101"), ..AUTHORITY });
    desk.make(Recipe {
        name: "plain",
        subject: "/CN=plain",
        extensions: "keyUsage=keyCertSign",
        ..AUTHORITY
    });
    desk.make(Recipe {
        name: "unsigning",
        subject: "/CN=unsigning",
        extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature",
        ..AUTHORITY
    });
    desk.make(Recipe {
        name: "middle",
        subject: "/CN=middle",
        issuer: Some("authority"),
        extensions: "basicConstraints=critical,CA:TRUE,pathlen:0",
        ..AUTHORITY
    });
    desk.make(Recipe { name: "below", subject: "/CN=below", issuer: Some("middle"), ..AUTHORITY });
    desk.make(Recipe {
        name: "clients",
        subject: "/CN=clients",
        issuer: Some("authority"),
        extensions: "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth",
        ..AUTHORITY
    });
    desk.make(Recipe {
        name: "narrow",
        subject: "/CN=narrow",
        extensions: "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0",
        ..AUTHORITY
    });
    // Trusted, and not fit to sign for a server.
    let unfit = [
        ("none", "basicConstraints=critical,CA:FALSE"),
        (
            "leaf",
            "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth",
        ),
        ("root-for-clients", "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth"),
        ("alone", "basicConstraints=critical,CA:TRUE,pathlen:0"),
    ];
    for (name, extensions) in unfit {
        desk.make(Recipe { name, subject: &format!("/CN={name}"), extensions, ..AUTHORITY });
    }
    desk.make(Recipe { name: "under", subject: "/CN=under", issuer: Some("alone"), ..AUTHORITY });
    desk.make(Recipe {
        name: "middle-unsigning",
        subject: "/CN=middle-unsigning",
        issuer: Some("authority"),
        extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign",
        ..AUTHORITY
    });
    desk.make(Recipe {
        name: "policy",
        subject: "/CN=policy",
        issuer: Some("authority"),
        extensions: "basicConstraints=critical,CA:TRUE\ncertificatePolicies=critical,1.2.3.4",
        ..AUTHORITY
    });
    // Version 1, which says nothing of what it is for.
    desk.make(Recipe { name: "first", subject: "/CN=first", extensions: "", ..AUTHORITY });
    desk.make(Recipe { name: "chain-0", subject: "/CN=chain-0", issuer: Some("authority"), ..AUTHORITY });
    let chain: Vec<String> = (0..9).map(|number| format!("chain-{number}")).collect();
    for pair in chain.windows(2) {
        let subject = format!("/CN={}", pair[1]);
        desk.make(Recipe { name: &pair[1], subject: &subject, issuer: Some(&pair[0]), ..AUTHORITY });
    }
    let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
    let own = Recipe { issuer: None, ..Recipe::default() };
    let signed = Recipe { issuer: Some("authority"), ..Recipe::default() };
    let usage = |usage| Recipe { extensions: usage, ..signed };
    let by = |issuer| Recipe { issuer: Some(issuer), ..Recipe::default() };
    let cases = [
        Case { what: "an authority's", ..Case::default() },
        Case {
            what: "its own, an authority",
            server: Recipe { extensions: ANY_CA, ..own },
            trusted: "server",
            ..Case::default()
        },
        Case { what: "its own, no authority", server: own, trusted: "server", ..Case::default() },
        Case {
            what: "pinned, its authority unknown",
            server: by("stranger"),
            trusted: "server",
            ..Case::default()
        },
        Case { what: "a stranger's", server: by("stranger"), believed: false, ..Case::default() },
        Case { what: "its own, not named", server: own, believed: false, ..Case::default() },
        Case {
            what: "one of an authority, signed",
            server: Recipe { extensions: ANY_CA, ..signed },
            ..Case::default()
        },
        Case {
            what: "one of an authority, by one below",
            server: Recipe { extensions: ANY_CA, issuer: Some("middle"), ..signed },
            shown: &["middle"],
            ..Case::default()
        },
        Case { what: "by one below", server: by("middle"), shown: &["middle"], ..Case::default() },
        Case {
            what: "by one below that is not shown",
            server: by("middle"),
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one below that is trusted itself",
            server: by("middle"),
            trusted: "middle",
            ..Case::default()
        },
        Case {
            what: "two below one that may have none",
            server: by("below"),
            shown: &["below", "middle"],
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, two below one that may have none",
            server: Recipe { extensions: ANY_CA, issuer: Some("below"), ..signed },
            shown: &["below", "middle"],
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by an authority for clients",
            server: by("clients"),
            shown: &["clients"],
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, by one for clients",
            server: Recipe { extensions: ANY_CA, issuer: Some("clients"), ..signed },
            shown: &["clients"],
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that may not give this name",
            server: by("narrow"),
            trusted: "narrow",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, by one that may not give this name",
            server: Recipe { extensions: ANY_CA, issuer: Some("narrow"), ..signed },
            trusted: "narrow",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "expired",
            server: Recipe { dates: ("20200101", "20210101"), ..signed },
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned and expired",
            server: Recipe { dates: ("20200101", "20210101"), ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, an authority, and expired",
            server: Recipe { dates: ("20200101", "20210101"), extensions: ANY_CA, ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "not yet valid",
            server: Recipe { dates: ("20390101", "20400101"), ..signed },
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned and not yet valid",
            server: Recipe { dates: ("20390101", "20400101"), ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, by one that has expired",
            server: Recipe { extensions: ANY_CA, issuer: Some("old"), ..signed },
            trusted: "old",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "for another name",
            server: usage("subjectAltName=DNS:other.example"),
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, for another name",
            server: Recipe { extensions: "subjectAltName=DNS:other.example", ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, an authority, for another name",
            server: Recipe {
                extensions: "basicConstraints=CA:TRUE\nsubjectAltName=DNS:other.example",
                ..own
            },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an address as a name",
            server: usage("subjectAltName=DNS:127.0.0.1"),
            believed: false,
            ..Case::default()
        },
        Case {
            what: "a common name alone",
            server: Recipe { extensions: "basicConstraints=CA:FALSE", subject: "/CN=localhost", ..signed },
            host: "localhost",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, a common name alone",
            server: Recipe { extensions: "basicConstraints=CA:FALSE", subject: "/CN=localhost", ..own },
            host: "localhost",
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case { what: "by its name", host: "localhost", ..Case::default() },
        Case {
            what: "for clients",
            server: usage("extendedKeyUsage=clientAuth\nsubjectAltName=IP:127.0.0.1"),
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, for clients",
            server: Recipe { extensions: "extendedKeyUsage=clientAuth\nsubjectAltName=IP:127.0.0.1", ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "pinned, for servers",
            server: Recipe {
                extensions: "extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=IP:127.0.0.1",
                ..own
            },
            trusted: "server",
            ..Case::default()
        },
        Case {
            what: "pinned, for anything",
            server: Recipe {
                extensions: "extendedKeyUsage=anyExtendedKeyUsage\nsubjectAltName=IP:127.0.0.1",
                ..own
            },
            trusted: "server",
            ..Case::default()
        },
        Case {
            what: "pinned, for signing alone",
            server: Recipe {
                extensions: "keyUsage=critical,keyCertSign\nsubjectAltName=IP:127.0.0.1",
                ..own
            },
            trusted: "server",
            ..Case::default()
        },
        Case {
            what: "pinned, with something critical that nobody knows",
            server: Recipe { extensions: "1.2.3.4=critical,ASN1:NULL\nsubjectAltName=IP:127.0.0.1", ..own },
            trusted: "server",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, by one that may not sign",
            server: Recipe { extensions: ANY_CA, issuer: Some("unsigning"), ..signed },
            trusted: "unsigning",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "an authority's, by one that is none",
            server: Recipe { extensions: ANY_CA, issuer: Some("plain"), ..signed },
            trusted: "plain",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that does not say that it is an authority",
            server: by("plain"),
            trusted: "plain",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that is no authority",
            server: by("none"),
            trusted: "none",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by the certificate of another server",
            server: by("leaf"),
            trusted: "leaf",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that may not sign",
            server: by("unsigning"),
            trusted: "unsigning",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "below one that may not sign",
            server: by("middle-unsigning"),
            shown: &["middle-unsigning"],
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by a trusted one for clients",
            server: by("root-for-clients"),
            trusted: "root-for-clients",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that has expired",
            server: by("old"),
            trusted: "old",
            believed: false,
            ..Case::default()
        },
        Case {
            what: "by one that may have none below it",
            server: by("alone"),
            trusted: "alone",
            ..Case::default()
        },
        Case {
            what: "below one that may have none below it",
            server: by("under"),
            trusted: "alone",
            shown: &["under"],
            believed: false,
            ..Case::default()
        },
        Case { what: "by one of version 1", server: by("first"), trusted: "first", ..Case::default() },
        Case { what: "a long way", server: by("chain-8"), shown: &chain, ..Case::default() },
        Case {
            what: "pinned, and it may give some names only",
            server: Recipe {
                extensions: "nameConstraints=critical,permitted;DNS:localhost\nsubjectAltName=IP:127.0.0.1",
                ..own
            },
            trusted: "server",
            ..Case::default()
        },
        Case {
            what: "below one with a critical policy",
            server: by("policy"),
            shown: &["policy"],
            ..Case::default()
        },
    ];
    for case in cases {
        desk.make(case.server);
        let server = desk.serve("server", case.shown);
        let ca = desk.path(&format!("{}.pem", case.trusted));
        let ours = asked(&server, case.host, Some(&ca));
        assert_eq!(ours.is_ok(), case.believed, "{}: {ours:?}", case.what);
        if let Some(helm) = &helm {
            let theirs = helm_believes(helm, &server, case.host, &ca);
            assert_eq!(theirs.is_ok(), case.believed, "{}: {theirs:?}", case.what);
        }
    }
}

#[test]
fn every_key_and_hash_that_go_believes_is_believed() {
    let Some(desk) = Desk::new() else { return };
    let helm = tool("helm");
    for (key, hash, believed) in [
        ("ec:P-256", "sha256", true),
        ("ec:P-256", "sha384", true),
        ("ec:P-256", "sha512", true),
        ("ec:P-384", "sha256", true),
        ("ec:P-384", "sha384", true),
        ("ec:P-384", "sha512", true),
        ("ec:P-521", "sha256", true),
        ("ec:P-521", "sha384", true),
        ("ec:P-521", "sha512", true),
        ("ED25519", "sha512", true),
        ("rsa:2048", "sha256", true),
        ("rsa:2048", "sha384", true),
        ("rsa:2048", "sha512", true),
        ("rsa:3072", "sha256", true),
        ("rsa:4096", "sha512", true),
        ("rsa:2048", "sha256-pss", true),
        ("rsa:2048", "sha384-pss", true),
        ("rsa:2048", "sha512-pss", true),
        ("rsa:2048", "sha1", false),
        ("ec:P-256", "sha1", false),
    ] {
        let what = format!("{key} with {hash}");
        desk.make(Recipe { key, hash, ..AUTHORITY });
        desk.make(Recipe { key, hash, issuer: Some("authority"), ..Recipe::default() });
        let server = desk.serve("server", &[]);
        let ca = desk.path("authority.pem");
        for server in [&server, &desk.serve_with("server", &[], &["-tls1_2"])] {
            let ours = asked(server, "127.0.0.1", Some(&ca));
            assert_eq!(ours.is_ok(), believed, "{what}: {ours:?}");
        }
        if let Some(helm) = &helm {
            let theirs = helm_believes(helm, &server, "127.0.0.1", &ca);
            assert_eq!(theirs.is_ok(), believed, "{what}: {theirs:?}");
        }
    }
}

#[test]
fn what_is_not_believed_is_said_in_plain_words() {
    let Some(desk) = Desk::new() else { return };
    desk.make(AUTHORITY);
    desk.make(Recipe { name: "small", key: "rsa:1024", subject: "/CN=small", ..AUTHORITY });
    let signed = Recipe { issuer: Some("authority"), ..Recipe::default() };
    let own = Recipe { issuer: None, ..Recipe::default() };
    for (server, host, says) in [
        (own, "127.0.0.1", "its certificate is signed by itself, and not in FILE"),
        (
            Recipe { issuer: Some("small"), ..signed },
            "127.0.0.1",
            "its certificate is signed by an authority that is not in FILE",
        ),
        (
            Recipe { dates: ("20200101", "20210101"), ..signed },
            "127.0.0.1",
            "its certificate has expired on 2021-01-01T00:00:00Z",
        ),
        (
            Recipe { dates: ("20390101", "20400101"), ..signed },
            "127.0.0.1",
            "its certificate is not valid yet, but from 2039-01-01T00:00:00Z: is the clock here right?",
        ),
        (
            Recipe { extensions: "subjectAltName=DNS:a.example,DNS:b.example", ..signed },
            "127.0.0.1",
            "its certificate is not for 127.0.0.1, but for a.example, b.example",
        ),
        (
            Recipe { extensions: "basicConstraints=CA:FALSE", subject: "/CN=registry.example", ..signed },
            "127.0.0.1",
            "its certificate names its host by the common name registry.example alone, which is not looked at any more: \
             it has no subject alternative name",
        ),
        (
            Recipe { extensions: "extendedKeyUsage=clientAuth\nsubjectAltName=IP:127.0.0.1", ..signed },
            "127.0.0.1",
            "its certificate is not meant for servers",
        ),
        (
            Recipe { hash: "sha1", ..signed },
            "127.0.0.1",
            "its certificate is of a kind that is not supported: a signature with SHA-1",
        ),
        (
            Recipe { key: "rsa:1024", ..signed },
            "127.0.0.1",
            "its certificate is of a kind that is not supported: an RSA key of 1024 bits, where 2048 to 8192 are believed",
        ),
    ] {
        desk.make(server);
        let running = desk.serve("server", &[]);
        let file = desk.path("authority.pem");
        let failure = asked(&running, host, Some(&file)).unwrap_err();
        assert_eq!(failure.to_string().replace(file.to_str().unwrap(), "FILE"), says);
    }
}

/// The system's store is found by the environment: this is a command.
#[test]
fn the_systems_store_may_hold_the_certificate_itself() {
    let Some(desk) = Desk::new() else { return };
    // Everybody's recipe.
    desk.run(
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=registry -keyout server.key -out server.pem -addext \
         subjectAltName=IP:127.0.0.1,DNS:localhost",
    );
    let (certificate, key) = (desk.path("server.pem"), desk.path("server.key"));
    let (home, data) = (Home::new(), Home::new());
    let [cert, private] = [&certificate, &key].map(|path| path.to_str().unwrap());
    let registry = EmbeddedRegistry::start_over_tls(&data, ["--tls-cert", cert, "--tls-key", private]);
    let reference = format!("{}/a/mychart:1.0.0", registry.address().replace("127.0.0.1", "localhost"));
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    home.command("helm-chart-push").args([&reference, "--ca-file", cert]).run().succeeds();
    home.command("helm-chart-pull").args([&reference, "--ca-file", cert]).run().succeeds();

    // A directory of certificates, a file of them, and neither. With a client certificate TLS is asked for.
    let store = desk.path("store");
    fs::create_dir(&store).unwrap();
    fs::copy(&certificate, store.join("server.pem")).unwrap();
    let asks = |variable: &str, value: &Path| {
        let mut command = home.command("helm-chart-pull");
        command = command.args([&reference, "--cert-file", cert, "--key-file", private]);
        command.env(variable, value).run()
    };
    asks("SSL_CERT_FILE", &certificate).succeeds();
    asks("SSL_CERT_DIR", &store).succeeds();
    let output = asks("SSL_CERT_DIR", &desk.path("www"));
    output.fails(6);
    assert!(output.stderr.contains("signed by itself, and not trusted here\n"), "{}", output.stderr);
    assert!(output.stderr.contains("hint: --ca-file names the authority to trust"), "{}", output.stderr);
}

#[test]
fn a_file_of_certificates_may_hold_one_that_is_broken() {
    let Some(desk) = Desk::new() else { return };
    desk.make(AUTHORITY);
    desk.make(Recipe { issuer: Some("authority"), ..Recipe::default() });
    let server = desk.serve("server", &[]);
    let good = fs::read_to_string(desk.path("authority.pem")).unwrap();
    let own = fs::read_to_string(desk.path("server.pem")).unwrap();
    let wrong = own.replacen('M', "!", 1);
    let helm = tool("helm");
    for (both, taken) in [
        (format!("some words\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{good}"), true),
        (format!("{wrong}{good}"), true),
        (format!("{good}{wrong}"), true),
        (format!("{}\n{good}", &own[..300]), true),
        (format!("{good}{}", &own[..300]), true),
        (format!("-----BEGIN junk\n{good}"), true),
        (format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END JUNK-----\n{good}"), true),
        (good.replace('\n', "\r\n"), true),
        (good.replace('\n', "  \n"), true),
        (good.trim_end().to_owned(), true),
        // Two lines that became one.
        (format!("{}{good}", own.trim_end()), true),
        (good.replace("CERTIFICATE", "X509 CERTIFICATE"), false),
        (wrong, false),
        (String::new(), false),
    ] {
        let file = desk.path("both.pem");
        fs::write(&file, &both).unwrap();
        let (mut options, _) = options();
        options.http.ca_file = Some(file.clone());
        let ours = oci::registry::Client::new(&options)
            .is_ok_and(|_| tags_at(&options, &format!("127.0.0.1:{}", server.port)).is_ok());
        assert_eq!(ours, taken, "{both}");
        let Some(helm) = &helm else { continue };
        let theirs = helm_believes(helm, &server, "127.0.0.1", &file);
        // To Go the last line of the one and the first of the other are two lines, or none.
        let joined = both.contains("----------BEGIN");
        assert_eq!(theirs.is_ok(), taken && !joined, "{both}\n{theirs:?}");
    }
}
