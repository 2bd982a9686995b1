//! From a checkout: in, used, updated, and out again.

use std::fs;

use super::world::{World, checkout, few_programs, names, quick_cargo, root, sources};
use crate::common::{EmbeddedRegistry, copy_directory, note, snapshot, tool};

const CHART: &str = "Name: mychart\nVersion: 2.7.0\n\
    Meta: sha256:ca9588a9340fb83a62777cd177dae4ba5ab52061a1618ce2e21930b86c412d9e\n\
    Content: sha256:bf834054b3b5598e63ffc448aca87370661086648a115db8e92adeaa5890dd5c\n";

/// What `helm plugin list` has, without its columns.
fn listed(world: &World) -> Vec<String> {
    let output = world.helm(["plugin", "list"]).run();
    let rows = output.succeeds().stderr_is("").stdout.lines().skip(1);
    rows.map(|row| row.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_checkout_comes_in_works_and_goes() {
    let Some(world) = World::with_plugin("helm") else { return };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(listed(&world), ["chart", "chart-cache", "oci"].map(|name| format!("{name} {version}")));
    assert!(!world.home.path().join("my sources/öci/target").exists(), "nothing was built");

    let registry = EmbeddedRegistry::start(&world.home, ["--data", "registry"]);
    let reference = format!("{}/myrepo/mychart:2.7.0", registry.address());
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    let saved = format!("{CHART}2.7.0: saved\n");
    world.helm(["oci", "chart", "save", "mychart", &reference]).run().prints(&saved);
    world.helm(["oci", "save", "mychart", &reference]).run().prints(&saved);
    // The original's own words.
    world.helm(["chart", "save", "mychart", &reference]).run().prints(&saved);
    let pushed = world.helm(["chart", "push", &reference]).run();
    assert!(pushed.succeeds().stdout.contains("2.7.0: pushed to remote (2 layers, "), "{pushed}");
    for list in [&["oci", "chart", "list", "-q"][..], &["oci", "ls", "-q"], &["chart", "ls", "-q"]] {
        let output = world.helm([]).args(list).run();
        assert!(output.succeeds().stdout.starts_with(&format!("{reference}@sha256:")), "{output}");
    }
    world.helm(["oci", "chart", "export", "-q", "-d", "out", &reference]).run().prints("out/mychart\n");
    world.helm(["chart", "rm", &reference]).run().prints("2.7.0: removed\n");
    assert!(
        world.helm(["oci", "pull", &reference]).run().succeeds().stdout.starts_with("2.7.0: Pulling from")
    );
    // Helm's own, as ever.
    world.helm(["registry", "logout", registry.address()]).run().fails(1);
    world.helm(["oci", "chart", "remove", &reference]).run().prints("2.7.0: removed\n");

    let cache = snapshot(&world.home.cache());
    world.helm(["plugin", "uninstall", "oci"]).run().prints("Uninstalled plugin: oci\n").stderr_is("");
    assert_eq!(world.installed(), Vec::<String>::new());
    assert_eq!(snapshot(&world.home.cache()), cache);
    let gone = world.helm(["oci", "list"]).run();
    assert!(gone.fails(1).stderr.contains("unknown command \"oci\""), "{gone}");
    // And in again.
    world.helm(["plugin", "install", "my sources/öci"]).run().prints("Installed plugin: oci\n");
    assert_eq!(listed(&world).len(), 3);
}

#[test]
fn what_helm_takes_away_comes_by_environment_and_codes_come_through() {
    let Some(world) = World::with_plugin("helm") else { return };
    let registry = EmbeddedRegistry::start(&world.home, ["--data", "registry"]);
    let reference = format!("{}/a/b:1.0.0", registry.address());
    let own = format!(
        "Error: cannot export {reference}: not in the cache\nhint: helm oci list shows what is there\n"
    );
    let helms = "Error: plugin \"oci\" exited with error\n";
    world
        .helm(["oci", "export", "--offline", &reference])
        .run()
        .fails(3)
        .stdout_is("")
        .stderr_is(&format!("{own}{helms}"));
    let output = world.helm(["oci", "chart", "psuh"]).run();
    output.fails(2).stderr_is(&format!(
        "Error: `chart psuh` is no command of helm oci\nhint: the nearest is helm oci chart push\n{helms}"
    ));
    let output = world.helm(["chart", "psuh"]).run();
    assert!(output.fails(2).stderr.contains("\nhint: the nearest is helm chart push\n"), "{output}");
    let debugs = |args: &[&str]| {
        let output = world.helm(["oci", "pull"]).args(args).run();
        output.fails(3).stderr.lines().any(|line| line.starts_with("debug: "))
    };
    assert!(!debugs(&[&reference]));
    assert!(debugs(&[&reference, "--debug"]));
    // Wherever it stands; and what belongs to kubectl does no harm.
    assert!(debugs(&["--debug", "-n", "x", &reference, "--kube-context=y"]));
}

#[test]
fn help_is_the_executables_own() {
    let Some(world) = World::with_plugin("helm") else { return };
    let own = world.home.program(super::world::built().join("helm-chart-push")).args(["--help"]).run();
    // By the words that they were called with.
    let meaning = |help: &str| help.split_whitespace().collect::<Vec<_>>().join(" ");
    for (words, called) in [
        (&["oci", "help", "push"][..], "helm oci chart push"),
        (&["oci", "push", "--help"], "helm oci push"),
        (&["oci", "chart", "push", "--help"], "helm oci chart push"),
        (&["chart", "help", "push"], "helm chart push"),
    ] {
        // Its usage is folded elsewhere: the name has another length.
        let help = own.stdout.replace("helm-chart-push", called);
        let found = world.helm([]).args(words).run();
        assert_eq!(meaning(&found.succeeds().stdout), meaning(&help));
        found.stderr_is("");
    }
    let hint = "Error: which reference? none is given\nhint: helm oci push --help shows how it is called\n";
    let run = world.helm(["oci", "push"]).run();
    assert!(run.stderr.starts_with(hint), "{run}");
    let help = world.helm(["oci", "help"]).run();
    assert!(help.succeeds().stdout.starts_with("Usage: helm oci <command> [options]\n"), "{help}");
    let help = world.helm(["chart"]).run();
    assert!(help.succeeds().stdout.starts_with("Usage: helm chart <command> [options]\n"), "{help}");
    assert!(!help.stdout.contains("login"), "{help}");
    world.helm(["oci", "version"]).run().prints(&format!("helm-oci {}\n", env!("CARGO_PKG_VERSION")));
    // What Helm itself has to say about it.
    let help = world.helm(["help", "oci"]).run();
    assert!(help.succeeds().stdout.contains("helm oci help lists the commands"), "{help}");
}

#[test]
fn a_helm_with_charts_of_its_own_keeps_them() {
    let Some(world) = World::with_plugin("helm36") else { return };
    world.helm(["oci", "version"]).run().succeeds();
    assert_eq!(listed(&world).len(), 3);
    copy_directory(&root().join("tests/charts/mychart"), &world.home.path().join("mychart"));
    let own = world.helm(["chart", "save", "mychart", "localhost:5000/mychart:1"]);
    let own = own.env("HELM_EXPERIMENTAL_OCI", "1").run();
    assert!(own.succeeds().stdout.starts_with("ref:     localhost:5000/mychart:1\n"), "{own}");
    assert!(!world.home.cache().exists(), "it is not in our cache");
    world.helm(["plugin", "uninstall", "oci"]).run().succeeds();
    assert_eq!(world.installed(), Vec::<String>::new());
}

#[test]
fn what_belongs_to_others_stays_theirs() {
    let Some(world) = World::new("helm") else { return };
    let plugins = world.plugins();
    // One has the name, the other the place.
    let manifest = "name: \"chart\"\nversion: 9.9.9\nusage: x\ndescription: x\ncommand: echo theirs\n";
    world.home.write(plugins.join("somebodys/plugin.yaml"), manifest);
    world.home.write(plugins.join("chart-cache/notes.txt"), "mine");
    let before = snapshot(&plugins);
    let checkout = checkout(&world.home, "oci");
    world.helm(["plugin", "install"]).args([&checkout]).run().prints("Installed plugin: oci\n").stderr_is(
        "note: helm chart is left out: $HOME/.local/share/helm/plugins/somebodys/plugin.yaml has the name chart\n\
         note: chart-cache:// is left out: $HOME/.local/share/helm/plugins/chart-cache is somebody else's\n",
    );
    world.helm(["oci", "version"]).run().succeeds();
    world.helm(["chart", "x"]).run().prints("theirs x\n");
    world.helm(["plugin", "uninstall", "oci"]).run().prints("Uninstalled plugin: oci\n").stderr_is("");
    assert_eq!(snapshot(&plugins), before);
}

#[test]
fn one_of_several_plugin_directories_will_do() {
    let Some(world) = World::with_plugin("helm") else { return };
    let others = world.home.path().join("öther plugins");
    let manifest = "name: other\nversion: 1.0.0\nusage: x\ndescription: x\ncommand: echo other\n";
    world.home.write(others.join("other/plugin.yaml"), manifest);
    let both = format!("{}:{}", others.display(), world.plugins().display());
    for words in [&["oci", "version"][..], &["chart", "list"], &["other"]] {
        world.helm([]).args(words).env("HELM_PLUGINS", &both).run().succeeds();
    }
    // The hook looks for names in all of them.
    let manifest = manifest.replace("name: other", "name: chart");
    world.home.write(others.join("other/plugin.yaml"), manifest);
    world.helm(["plugin", "uninstall", "oci"]).run().succeeds();
    let output = world
        .home
        .program(world.home.path().join("my sources/öci/scripts/install"))
        .env("HELM_PLUGINS", &both)
        .env("HELM_PLUGIN_NAME", "oci")
        .env("HELM_PLUGIN_DIR", world.home.path().join("my sources/öci"))
        .run();
    output.succeeds();
    assert!(
        output
            .stderr
            .contains("note: helm chart is left out: $HOME/öther plugins/other/plugin.yaml has the name"),
        "{output}"
    );
    assert_eq!(names(&world.home.path().join("my sources")), ["chart-cache", "öci"]);
}

#[test]
fn a_clone_is_built_and_built_again_when_it_is_updated() {
    let (Some(world), Some(git)) = (World::new("helm"), tool("git")) else { return };
    quick_cargo(&world.home);
    let repository = sources(&world.home, "repositories/oci");
    let commit = || {
        for words in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "--all"],
            &["-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "--quiet", "--message=x"],
        ] {
            world.home.program(&git).args(words).dir("repositories/oci").run().succeeds();
        }
    };
    let builds =
        || fs::read_to_string(world.home.path().join("cargo.log")).unwrap_or_default().lines().count();
    commit();
    let url = format!("file://{}", repository.display());
    world.helm(["plugin", "install", &url]).run().succeeds();
    assert_eq!(builds(), 1);
    assert_eq!(world.installed(), ["chart", "chart-cache", "oci"]);
    world.helm(["oci", "version"]).run().succeeds();
    world.home.write(repository.join("src/new.rs"), "// new\n");
    commit();
    // Helm first takes away whatever git does not know (`git clean -x -d -f -f`, in Masterminds/vcs).
    world.helm(["plugin", "update", "oci"]).run().prints("Updated plugin: oci\n");
    assert_eq!(builds(), 2);
    world.helm(["oci", "version"]).run().succeeds();
    assert!(world.plugins().join("oci/src/new.rs").exists());
    world.helm(["plugin", "uninstall", "oci"]).run().succeeds();
    assert_eq!(world.installed(), Vec::<String>::new());
    // In a checkout of one's own everything stays, and only other sources are built.
    let install = || world.home.program(repository.join("scripts/install")).run();
    for expected in [3, 3] {
        install().succeeds().stderr_is("");
        assert_eq!(builds(), expected);
    }
    world.home.write(repository.join("src/new.rs"), "// newer\n");
    for expected in [4, 4] {
        install().succeeds();
        assert_eq!(builds(), expected);
    }
    fs::remove_file(repository.join("libexec/helm-chart-tag")).unwrap();
    install().succeeds();
    assert_eq!(builds(), 5);
}

#[test]
fn a_machine_that_cannot_build_is_told_what_to_do() {
    let Some(world) = World::new("helm") else { return };
    let sources = sources(&world.home, "oci");
    let programs = ["sh", "sed", "basename", "dirname", "cat", "find", "cksum", "sort", "grep", "head", "tr"];
    let path = few_programs(&world.home, "few", &programs);
    let install = || world.helm(["plugin", "install"]).args([&sources]).env("PATH", &path).run();
    let hint = "hint: Rust 1.89 or later comes from https://rustup.rs; a release of this plugin needs neither Rust nor a \
                compiler\n";
    let output = install();
    output.fails(1).stdout_is("");
    let own = format!("Error: the plugin has to be built, and cargo is not installed\n{hint}");
    assert!(output.stderr.starts_with(&own), "{output}");
    // Helm has linked it before it asked; it does not come back by itself.
    world.helm(["plugin", "uninstall", "oci"]).run().succeeds();
    for (version, words) in [
        ("1.70.0", "cargo 1.70 is too old"),
        ("0.99.0", "cargo 0.99 is too old"),
        ("1.95.0", "there is no C compiler"),
    ] {
        let cargo = world.home.script("cargo", &format!("echo 'cargo {version} (x)'"));
        let there = path.join("cargo");
        let _ = fs::remove_file(&there);
        fs::rename(cargo, there).unwrap();
        let output = install();
        assert!(
            output
                .fails(1)
                .stderr
                .starts_with(&format!("Error: the plugin has to be built, and {words}\nhint: "))
        );
        world.helm(["plugin", "uninstall", "oci"]).run().succeeds();
    }
}

#[test]
fn a_plugin_that_cannot_be_written_works() {
    let Some(world) = World::new("helm") else { return };
    let checkout = checkout(&world.home, "oci");
    // Root writes where it likes, but not into a file system that is mounted read-only.
    let script = "mount --bind oci oci && mount -o remount,bind,ro oci || exit 99
        touch oci/x 2>/dev/null && exit 98
        \"$0\" plugin install oci && \"$0\" oci version && \"$0\" chart list && \"$0\" plugin uninstall oci";
    let helm = tool("helm").unwrap();
    let output = world.home.program("unshare").args(["-rm", "/bin/sh", "-c", script]).args([helm]).run();
    if output.to_string().contains("Some(99)") || output.stderr.contains("unshare") {
        return note("nothing can be mounted here, so no plugin is read-only");
    }
    output
        .succeeds()
        .stderr_is("note: Helm will not complete words of helm oci: $HOME/.local/share/helm/plugins/oci cannot be written\n");
    assert!(output.stdout.ends_with("CREATED\nUninstalled plugin: oci\n"), "{output}");
    assert_eq!(names(&checkout).len(), 9, "nothing was written");
    assert_eq!(world.installed(), Vec::<String>::new());
}

#[test]
fn without_a_home_the_cache_has_to_be_named() {
    let Some(world) = World::with_plugin("helm") else { return };
    let output = world.helm(["oci", "list"]).env("HOME", "").env("HELM_HOME", "").run();
    assert!(output.fails(1).stderr.starts_with(
        "Error: neither HELM_HOME nor HOME is set\nhint: set HELM_HOME to where the cache should be\n"
    ));
    world.helm(["oci", "list"]).env("HOME", "").run().succeeds();
    // Helm without plugins is Helm without this one.
    world.helm(["oci", "list"]).env("HELM_NO_PLUGINS", "1").run().fails(1);
}

#[test]
fn the_lines_of_the_readme_do_it() {
    let Some(world) = World::new("helm") else { return };
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, install) = readme.split_once("\n## Install\n").unwrap();
    let lines = install.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(lines.starts_with("helm plugin install . "), "{lines}");
    checkout(&world.home, "oci");
    std::os::unix::fs::symlink(tool("helm").unwrap(), world.home.directory("bin").join("helm")).unwrap();
    let output = world.home.program("sh").args(["-e", "-c", lines]).dir("oci").run();
    output.succeeds().stderr_is("");
    assert!(output.stdout.starts_with("Installed plugin: oci\nUsage: helm oci "), "{output}");
}
