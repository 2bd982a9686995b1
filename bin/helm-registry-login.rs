//! `helm-registry-login`: verifies a credential with a registry, and stores it.

use std::io::Write;
use std::process::ExitCode;

use oci::causes::chain;
use oci::cli::{self, Command, CommandFailure, Failures};
use oci::connect;
use oci::credentials::Account;
use oci::credentials::stores::{self, CredentialStore, CredentialStoreError};
use oci::registry::{self, CredentialCheck};

oci::registry_command! {
    /// Log in to a registry: prove the credential, then keep it in the keyring of this system.
    #[argh(
        example = "helm-registry-login -u myuser localhost:5000",
        example = "helm-registry-login -u ci --password-stdin registry.example.com/group < token",
        note = "A credential for host/path is used for the charts below that path, before one for the host.",
        note = "Helm itself asks the keyring only where it is told to: --for-helm does so, in Helm's file.",
        note = "What --trust-realm names is remembered for this registry, until logout.",
        note = "Without a user name an identity token is asked for; with flags its user is `<token>`."
    )]
    connection struct Login {
        /// host[:port][/path]
        #[argh(positional)]
        host: String,
        /// the user; asked for if it is left out
        #[argh(option, short = 'u', arg_name = "name")]
        username: Option<String>,
        /// the password, for all to see in the list of processes: better is --password-stdin
        #[argh(option, short = 'p', arg_name = "password")]
        password: Option<String>,
        /// read the password from standard input
        #[argh(switch)]
        password_stdin: bool,
        /// keep it in the keyring (default), or in Helm's file: clear text, unless a credsStore is named there
        #[argh(option, default = "Stored::Keyring", arg_name = "keyring|file")]
        store: Stored,
        /// log Helm in, too: by a credHelpers line in its own config.json, which logout removes
        #[argh(switch)]
        for_helm: bool,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, argh::FromArgValue)]
enum Stored {
    Keyring,
    File,
}

impl Command for Login {
    const NAME: &'static str = "helm-registry-login";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        let account = cli::account(&self.host)?;
        let host = account.registry().map_err(|error| CommandFailure::called_wrongly(&error))?;
        let context = format!("cannot log in to {account}");
        let (username, password) = (self.username.take(), self.password.take());
        let failed = |error: CredentialStoreError| store_failure(&context, &error);
        if self.for_helm {
            if self.store == Stored::File {
                return Err(CommandFailure::usage(
                    "--for-helm is for the keyring: its own file Helm reads anyway",
                )
                .into());
            }
            stores::check_for_helm(&account).map_err(failed)?;
        }
        if password.is_none() && !self.password_stdin {
            // Checks whether the credential can be stored, before the user types a password.
            match self.store {
                Stored::Keyring => stores::check_keyring(&account),
                Stored::File => stores::check_file(&account),
            }
            .map_err(failed)?;
        }
        let credential = cli::prompted_credential(out, username, password, self.password_stdin)?;
        let connection = self.connection();
        let check = connect::prove(&connection, &host, &credential).map_err(|error| match error {
            registry::RegistryError::Unauthorized { unfit: true, .. } => {
                let hint = "it has no use for an identity token: give a user name with -u";
                CommandFailure::new(&context, &error).hint(hint)
            }
            registry::RegistryError::Unauthorized { shown: Some(_), .. } => {
                CommandFailure::new(&context, &error).hint("the user or the password is wrong")
            }
            registry::RegistryError::Unauthorized { .. } => {
                CommandFailure::new(&context, &error).without_hint()
            }
            error => CommandFailure::new(&context, &error),
        })?;
        if check == CredentialCheck::NotAsked {
            log::warn!(target: "oci", "{host} lets everybody in: the credential was not proven");
        }
        let store = if self.store == Stored::File { CredentialStore::File } else { CredentialStore::Keyring };
        let place = stores::put(store, &account, &credential)
            .map_err(|error| store_failure(&format!("cannot keep the credential for {account}"), &error))?;
        log::debug!(target: "oci", "{account}: kept in {place}");
        if check == CredentialCheck::Accepted && !connection.trusted_realms.is_empty() {
            // The credential is stored all the same: it works with the flag.
            connect::trust(&connection, &host).unwrap_or_else(|error| {
                let again = "other commands will need --trust-realm, too";
                log::warn!(target: "oci", "{}; {again}", chain(&error));
            });
        }
        if self.for_helm {
            stores::put_for_helm(&account).map_err(|error| {
                CommandFailure::new("the credential is kept, but Helm cannot be told of it", &error)
            })?;
        }
        writeln!(out, "Login succeeded")?;
        out.flush()?;
        if store == CredentialStore::Keyring {
            say_what_helm_needs(&account, self.for_helm);
        }
        Ok(())
    }
}

fn store_failure(context: &str, error: &CredentialStoreError) -> CommandFailure {
    let failure = CommandFailure::new(context, error);
    match cli::keyring_choices(error) {
        Some(choices) => failure.hint(choices),
        None => failure,
    }
}

/// Helm does not use the keyring by itself: this prints the line that makes it do so, or what is still missing for it.
fn say_what_helm_needs(account: &Account, told: bool) {
    if told {
        if let Ok(Some(directory)) = stores::missing_on_path() {
            let path = format!("export PATH=\"$PATH:{}\"", directory.display());
            log::error!(target: "hint", "Helm finds the keyring with docker-credential-helm-oci on its PATH: {path}");
        }
    } else if account.is_host() && !stores::is_known_to_helm(account).unwrap_or(false) {
        log::error!(target: "hint", "Helm itself is not logged in by this: helm oci registry login --for-helm {account}");
    }
}

fn main() -> ExitCode {
    cli::main::<Login>()
}
