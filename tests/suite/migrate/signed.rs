//! What Helm has signed, Helm verifies where it has arrived.

use super::corpus::Served;
use super::site::{layers, migrate};
use crate::common::{DockerRegistry, Home, tool, write_chart};

#[test]
fn a_signed_chart_is_verified_where_it_has_arrived() {
    let (Some(docker), Some(helm), Some(gpg)) = (DockerRegistry::start(), tool("helm"), tool("gpg")) else {
        return;
    };
    let mut home = Home::new();
    let keys = home.directory("keys");
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    home.set("GNUPGHOME", &keys);
    let key = "%no-protection\nKey-Type: RSA\nKey-Length: 2048\nName-Real: Test\nName-Email: test@example.com\nExpire-Date: 0\n%commit\n";
    home.program(&gpg).args(["--batch", "--gen-key"]).stdin(key).run().succeeds();
    for (word, file) in [("--export-secret-keys", "secret.gpg"), ("--export", "public.gpg")] {
        home.program(&gpg).args(["--batch", "-o", file, word]).run().succeeds();
    }
    write_chart(
        &home.path().join("web"),
        &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"), ("values.yaml", "a: 1\n")],
    );
    home.directory("repository");
    let sign = ["package", "web", "-d", "repository", "--sign", "--key", "Test", "--keyring", "secret.gpg"];
    home.program(&helm).args(sign).run().succeeds();
    home.program(&helm).args(["repo", "index", "repository"]).run().succeeds();
    let served = Served::at(&home.path().join("repository")).expect("python3 serves a directory");
    let run = migrate(&home, &served.url, docker.address(), &[]);
    assert!(run.succeeds().stdout.starts_with("web:1.0.0: copied, with its provenance"), "{run}");
    assert_eq!(layers(docker.address(), "web", "1.0.0").unwrap().len(), 2);
    let reference = format!("oci://{}/charts/web", docker.address());
    let pull = ["pull", &reference, "--version", "1.0.0", "--verify", "--keyring", "public.gpg"];
    let pulled = home.program(&helm).args(pull).run();
    let said = format!("{}{}", pulled.succeeds().stdout, pulled.stderr);
    assert!(said.contains("Signed by: Test <test@example.com>"), "{pulled}");
    let _ = home.program("/usr/bin/gpgconf").args(["--kill", "all"]).run();
}
