//! A checkout of ours with its executables, and a user who has Helm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::{Home, Run, copy_directory, tool};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo has put the executables.
pub fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_helm-oci")).parent().unwrap()
}

/// The names of all executables, in order.
pub fn executables() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root().join("bin"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A home whose PATH has nothing of ours.
pub fn home() -> Home {
    let mut home = Home::new();
    let path = format!("{}:/usr/bin:/bin", home.path().join("bin").display());
    home.set("PATH", path);
    home
}

/// One Helm and its user; `None` where there is no such Helm.
pub struct World {
    pub home: Home,
    helm: PathBuf,
}

impl World {
    pub fn new(helm: &str) -> Option<Self> {
        Some(Self { helm: tool(helm)?, home: home() })
    }

    /// With the plugin installed from a checkout, which lies below a path with blanks.
    pub fn with_plugin(helm: &str) -> Option<Self> {
        let world = Self::new(helm)?;
        let checkout = checkout(&world.home, "my sources/öci");
        world
            .helm(["plugin", "install"])
            .args([checkout])
            .run()
            .prints("Installed plugin: oci\n")
            .stderr_is("");
        Some(world)
    }

    pub fn helm<const N: usize>(&self, args: [&str; N]) -> Run<'_> {
        self.home.program(&self.helm).args(args)
    }

    /// Helm itself.
    pub fn program(&self) -> &Path {
        &self.helm
    }

    /// Helm's directory for plugins.
    pub fn plugins(&self) -> PathBuf {
        self.home.path().join(".local/share/helm/plugins")
    }

    /// The names in it.
    pub fn installed(&self) -> Vec<String> {
        names(&self.plugins())
    }
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A copy of what is in the repository, at this path below the home.
pub fn sources(home: &Home, at: &str) -> PathBuf {
    let copy = home.directory(at);
    for file in ["plugin.yaml", "Cargo.toml", "Cargo.lock", "README.md", ".gitignore"] {
        fs::copy(root().join(file), copy.join(file)).unwrap();
    }
    for directory in ["scripts", "bin", "src"] {
        copy_directory(&root().join(directory), &copy.join(directory));
    }
    copy
}

/// The same with the executables in place, as scripts/install leaves them.
pub fn checkout(home: &Home, at: &str) -> PathBuf {
    let copy = sources(home, at);
    fs::create_dir(copy.join("libexec")).unwrap();
    for name in executables() {
        link_or_copy(&built().join(&name), &copy.join("libexec").join(&name));
    }
    copy
}

pub fn link_or_copy(from: &Path, to: &Path) {
    // They are large, and nobody writes into them.
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}

/// A cargo that builds in no time: what it is asked for is there already. Says in `cargo.log` how often it was run.
pub fn quick_cargo(home: &Home) {
    let lines = format!(
        "case $1 in --version) printf 'cargo 1.95.0 (stand-in)\\nhost: here\\n'; exit ;; fetch) exit ;; esac\n\
         echo \"$@\" >>'{log}'\n\
         for target do :; done\n\
         mkdir -p \"target/$target/dist\"\n\
         for source in bin/*.rs; do\n\
         name=$(basename \"$source\" .rs); ln -f '{built}'/\"$name\" \"target/$target/dist/\"\n\
         done",
        log = home.path().join("cargo.log").display(),
        built = built().display(),
    );
    home.script("cargo", &lines);
}

/// A directory with these programs of the system and no others.
pub fn few_programs(home: &Home, at: &str, programs: &[&str]) -> PathBuf {
    let directory = home.directory(at);
    for program in programs {
        let found = ["/bin", "/usr/bin"].iter().map(|d| Path::new(d).join(program)).find(|p| p.exists());
        std::os::unix::fs::symlink(found.unwrap_or_else(|| panic!("{program}")), directory.join(program))
            .unwrap();
    }
    directory
}

/// The program that writes man pages, built unless it is: a run of these tests alone does not.
pub fn man() -> &'static Path {
    static MAN: OnceLock<PathBuf> = OnceLock::new();
    MAN.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--example", "man"]).current_dir(root());
        // What cargo tells a test about its package would make ring's build script, and all above it, run anew.
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        assert!(cargo.status().unwrap().success());
        built().join("examples/man")
    })
}
