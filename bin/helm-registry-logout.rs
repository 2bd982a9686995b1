//! `helm-registry-logout`: removes the credential for a registry.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures};
use oci::credential::{CredentialOrigin, CredentialPlace};
use oci::credentials::{Account, stores};

/// Forget the credential for a registry, in the keyring and in Helm's file.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-registry-logout localhost:5000",
    note = "What docker and podman keep is theirs; if they still have a credential, that is said."
)]
struct Logout {
    /// host[:port][/path]
    #[argh(positional)]
    host: String,
}

impl Command for Logout {
    const NAME: &'static str = "helm-registry-logout";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        let account = cli::account(&self.host)?;
        let removed = stores::remove(&account)
            .map_err(|error| CommandFailure::new(&format!("cannot log out of {account}"), &error))?;
        if let Some(reason) = &removed.no_keyring {
            match reason.is_silence() {
                true if removed.from.is_empty() => {
                    return Err(CommandFailure::new(&format!("cannot log out of {account}"), reason)
                        .without_hint()
                        .into());
                }
                true => log::warn!(target: "oci", "{reason}; what it has is still there"),
                false => log::debug!(target: "oci", "{reason}"),
            }
        }
        let left = still_in(&removed.left, &account);
        if removed.from.is_empty() && !removed.trust && !removed.for_helm {
            let failure = CommandFailure::not_found(format!("not logged in to {account}"));
            return Err(match left {
                Some(left) => failure.hint(left),
                None => failure.hint("helm oci registry status lists what there is"),
            }
            .into());
        }
        if let Some(left) = left {
            log::warn!(target: "oci", "{left}");
        }
        Ok(writeln!(out, "Logout succeeded")?)
    }
}

/// The places that still have a credential, and the commands that remove it from them; `None` if there are none.
fn still_in(places: &[CredentialPlace], account: &Account) -> Option<String> {
    let left: Vec<_> = places.iter().map(ToString::to_string).collect();
    let mut commands = Vec::new();
    for place in places {
        let origin = CredentialOrigin { place: place.clone(), account: account.to_string() };
        commands.extend(origin.logout().filter(|command| !commands.contains(command)));
    }
    let forgets = match commands.len() {
        0 => String::new(),
        1 => format!(": {} forgets it", commands.concat()),
        _ => format!(": {} forget it", commands.join(", ")),
    };
    (!left.is_empty()).then(|| format!("there is still a credential for it in {}{forgets}", left.join(", ")))
}

fn main() -> ExitCode {
    cli::main::<Logout>()
}
