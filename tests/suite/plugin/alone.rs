//! Without Helm: each executable by itself, and the dispatcher as a plugin of kubectl.

use std::fs;
use std::os::unix::fs::symlink;

use super::world::{built, executables, home, link_or_copy};

#[test]
fn each_executable_works_with_nothing_of_ours_around() {
    let home = home();
    for name in executables() {
        let directory = home.directory(format!("alone/{name}"));
        link_or_copy(&built().join(&name), &directory.join(&name));
        let run = |word: &str| home.program(directory.join(&name)).args([word]).env("PATH", &directory).run();
        // There, it asks for one of the charts'.
        if name != "helm-chart-pull" {
            let version = run("--version");
            assert!(version.succeeds().stdout.starts_with(&name), "{version}");
        }
        let help = run("--help");
        assert!(help.succeeds().stdout.starts_with("Usage: "), "{help}");
    }
    let alone = home.path().join("alone/helm-chart-list");
    home.program(alone.join("helm-chart-list"))
        .env("PATH", &alone)
        .run()
        .prints("REF  NAME  VERSION  DIGEST  SIZE  CREATED\n");
    let alone = home.path().join("alone/helm-oci");
    home.program(alone.join("helm-oci")).args(["push"]).env("PATH", &alone).run().fails(3).stderr_is(
        "Error: helm-chart-push is not installed\nhint: it belongs beside helm-oci, or on the PATH\n",
    );
}

#[test]
fn a_program_of_others_gets_no_credential_of_ours() {
    let home = home();
    let script = home.script("helm-oci-foo", "echo \"$1\"\nenv");
    let mut run = home.program(built().join("helm-oci"));
    for name in ["HELM_OCI_USERNAME", "HELM_OCI_PASSWORD", "HELM_PLUGIN_USERNAME", "HELM_PLUGIN_PASSWORD"] {
        run = run.env(name, "canary");
    }
    let path = format!("{}:/usr/bin:/bin", script.parent().unwrap().display());
    let output = run.args(["foo", "word"]).env("PATH", path).run();
    assert!(output.succeeds().stdout.starts_with("word\n"), "{output}");
    assert!(output.stdout.contains("\nHOME=") && !output.stdout.contains("canary"), "{output}");
}

#[test]
fn as_a_plugin_of_kubectl_it_calls_itself_so() {
    let home = home();
    let link = home.directory("bin").join("kubectl-oci");
    symlink(built().join("helm-oci"), &link).unwrap();
    let help = home.program(&link).args(["help"]).run();
    assert!(help.succeeds().stdout.starts_with("Usage: kubectl oci <command>"), "{help}");
    assert!(!help.stdout.contains("helm oci"), "{help}");
    // It finds the others beside what the link points to.
    home.program(&link).args(["list"]).run().succeeds();
    home.program(&link).args(["psuh"]).run().fails(2).stderr_is(
        "Error: `psuh` is no command of kubectl oci\nhint: the nearest is kubectl oci chart push\n",
    );
    assert!(fs::symlink_metadata(link).unwrap().is_symlink());
}
