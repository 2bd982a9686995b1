//! The description of an executable that `--describe` prints for programs. Completion and man pages are generated from
//! it, so a command and its flags are written down only once: in the arguments in its file in bin/.

use argh::{CommandInfoWithArgs, FlagInfoKind, Optionality};
use serde::{Deserialize, Serialize};

use super::exit_code;

/// The description of an executable.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Description {
    /// Its file name.
    pub name: String,
    /// What the executable does.
    pub description: String,
    /// Its arguments, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positionals: Vec<Positional>,
    /// Its flags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// The commands of a dispatcher.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Word>,
    /// Example command lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Further notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its exit codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_codes: Vec<ExitCodeMeaning>,
    /// The environment variables that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Variable>,
}

/// An exit code and its meaning.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExitCodeMeaning {
    /// The code.
    pub code: u8,
    /// The meaning of the code.
    pub meaning: String,
}

/// An environment variable and its effect.
#[derive(Debug, Serialize, Deserialize)]
pub struct Variable {
    /// Its name, or several names that belong together.
    pub name: String,
    /// The effect of the variable.
    pub meaning: String,
}

/// An argument.
#[derive(Debug, Serialize, Deserialize)]
pub struct Positional {
    /// Its placeholder in the help.
    pub name: String,
    /// The help text of the argument.
    pub description: String,
    /// Whether it can be left out.
    pub optional: bool,
    /// Whether it can be given several times.
    pub repeats: bool,
}

/// A flag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flag {
    /// `--output`
    pub long: String,
    /// `o`
    pub short: Option<char>,
    /// The placeholder of its value, if it takes one.
    pub value: Option<String>,
    /// The help text of the flag.
    pub description: String,
}

/// A command of `helm oci`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Word {
    /// `chart list`
    pub words: String,
    /// `ls`
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// `helm-chart-list`
    pub executable: String,
    /// The summary of the command.
    pub description: String,
}

impl Description {
    pub(super) fn of(name: &str, info: &CommandInfoWithArgs) -> Self {
        // The same replacements as the parser makes in its own help.
        let text = |text: &&str| text.replace("{command_name}", name).replace("{{", "{").replace("}}", "}");
        let texts = |texts: &[&str]| texts.iter().map(text).collect();
        let positionals = info.positionals.iter().filter(|positional| !positional.hidden);
        let flags = info.flags.iter().filter(|flag| !flag.hidden);
        let debug = Flag {
            long: "--debug".to_owned(),
            short: None,
            value: None,
            description: debug(name, info).to_owned(),
        };
        Self {
            name: name.to_owned(),
            description: info.description.to_owned(),
            positionals: positionals
                .map(|positional| Positional {
                    name: positional.name.to_owned(),
                    description: positional.description.to_owned(),
                    optional: !matches!(positional.optionality, Optionality::Required),
                    repeats: matches!(positional.optionality, Optionality::Repeating | Optionality::Greedy),
                })
                .collect(),
            flags: flags
                .map(|flag| Flag {
                    long: flag.long.to_owned(),
                    short: flag.short,
                    value: match flag.kind {
                        FlagInfoKind::Option { arg_name } => Some(arg_name.to_owned()),
                        FlagInfoKind::Switch => None,
                    },
                    description: flag.description.to_owned(),
                })
                .chain([debug])
                .collect(),
            commands: Vec::new(),
            examples: texts(info.examples),
            notes: texts(info.notes),
            exit_codes: exit_codes(name),
            environment: environment(name, info),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// The exit codes of an executable. All have the same, except the one that speaks docker's protocol, which has 0 and 1.
pub(super) fn exit_codes(name: &str) -> Vec<ExitCodeMeaning> {
    let meaning =
        |(code, meaning): &(u8, &str)| ExitCodeMeaning { code: *code, meaning: (*meaning).to_owned() };
    let has = |(code, _): &&(u8, &str)| *code <= exit_code::FAILED || !name.starts_with("docker-credential-");
    exit_code::MEANINGS.iter().filter(has).map(meaning).collect()
}

/// The description of `--debug` for an executable.
fn debug(name: &str, info: &CommandInfoWithArgs) -> &'static str {
    match name {
        "helm-registry-serve" => "tell every request on stderr",
        _ if speaks_to_registries(name, info) => {
            "tell every request on stderr, and where credentials come from; never a secret"
        }
        _ => "tell on stderr what is done",
    }
}

/// Whether an executable speaks to registries. Helm defines the arguments of `helm-chart-get`, so it has no such flag.
fn speaks_to_registries(name: &str, info: &CommandInfoWithArgs) -> bool {
    has(info, "--plain-http") || name == "helm-chart-get"
}

fn has(info: &CommandInfoWithArgs, flag: &str) -> bool {
    info.flags.iter().any(|known| known.long == flag)
}

/// The environment variables that an executable reads, by what it does.
fn environment(name: &str, info: &CommandInfoWithArgs) -> Vec<Variable> {
    let has = |flag: &str| has(info, flag);
    let (registry, charts) = (speaks_to_registries(name, info), name.starts_with("helm-chart-"));
    let credentials = registry || name.starts_with("helm-registry-log") || name == "helm-registry-status";
    let is_helper = name.starts_with("docker-credential-");
    let packs = matches!(name, "helm-chart-save" | "helm-chart-push" | "helm-chart-import");
    let looks = matches!(name, "helm-chart-show" | "helm-chart-images" | "helm-chart-diff");
    let fills = packs || looks || matches!(name, "helm-chart-pull" | "helm-chart-get" | "helm-chart-load");
    let browses = matches!(name, "helm-chart-versions" | "helm-chart-search" | "helm-chart-index");
    let variables = [
        (
            charts && !matches!(name, "helm-chart-copy" | "helm-chart-migrate"),
            "HELM_HOME",
            "the cache is in $HELM_HOME/registry (default ~/.helm)",
        ),
        (
            fills,
            "HELM_OCI_CACHE_MAX_SIZE",
            "above this size, for example 2GiB, what was least recently used leaves the cache",
        ),
        (
            name == "helm-registry-serve",
            "HELM_HOME",
            "the data is in $HELM_HOME/registry-serve (default ~/.helm)",
        ),
        (browses, "HELM_CACHE_HOME", "what was read of registries is kept in $HELM_CACHE_HOME/oci"),
        (
            name == "helm-chart-migrate",
            "HELM_CACHE_HOME",
            "what is done is noted in $HELM_CACHE_HOME/oci/migrate",
        ),
        (name == "helm-chart-migrate", "HELM_REPOSITORY_CONFIG", "where helm repo add notes repositories"),
        (has("--render"), "HELM_BIN", "the helm that --render runs (default helm)"),
        (name == "helm-chart-diff", "NO_COLOR", "no colours"),
        (name == "helm-chart-index", "SOURCE_DATE_EPOCH", "when the index was made"),
        (packs, "SOURCE_DATE_EPOCH", "the time of files in saved charts, and of `created` in manifests"),
        (
            has("--username") || matches!(name, "helm-chart-get" | "helm-chart-export"),
            "HELM_OCI_USERNAME, HELM_OCI_PASSWORD",
            "the credential for every registry",
        ),
        (
            has("--from-username"),
            "HELM_OCI_FROM_USERNAME, HELM_OCI_FROM_PASSWORD",
            "the credential for every registry that is copied from",
        ),
        (
            credentials || is_helper,
            "HELM_OCI_KEYRING",
            "keyutils: the Linux kernel's keyring; none: no keyring",
        ),
        (
            credentials,
            "HELM_REGISTRY_CONFIG, DOCKER_CONFIG, REGISTRY_AUTH_FILE",
            "where other credential files are",
        ),
        (credentials, "DOCKER_AUTH_CONFIG", "credentials, as a document like docker's file"),
        (registry, "HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "proxies, by the rules of Go's programs"),
        (registry, "SSL_CERT_FILE, SSL_CERT_DIR", "certificate authorities to trust instead of the system's"),
        (registry, "CI", "no progress bars"),
        (!is_helper, "HELM_DEBUG", "true is --debug"),
    ];
    let wanted = variables.into_iter().filter(|(wanted, ..)| *wanted);
    wanted.map(|(_, name, meaning)| Variable { name: name.to_owned(), meaning: meaning.to_owned() }).collect()
}
