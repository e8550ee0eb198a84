//! `bongsu secret`: keys for who speaks in another language or by hand, and a new root for all keys.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use bongsu_keys::{BROKER, GATEWAY, OPERATOR, Roots, is_name};
use supervisor::DataFolder;

use crate::args::{Place, Secret};
use crate::screen::say;

/// Prints a key, or changes the root.
pub(crate) async fn secret(place: &Place, flags: &Secret) -> Result<ExitCode> {
    match &flags.name {
        Some(name) => print(place, name, flags.to.as_deref())?,
        None => change(place, flags.rotate).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(place: &Place, name: &str, to: Option<&str>) -> Result<()> {
    let to = to.unwrap_or(if name == OPERATOR { GATEWAY } else { BROKER });
    for name in [name, to] {
        ensure!(is_name(name), "'{name}' is no name: lower-case letters, digits and '-', at most 63, first a letter");
    }
    let bearer = Roots::read(&place.data()?)?.key(name, to).bearer();
    say(&bearer, "the key is not shown, and the secret is as it was")
}

/// In a running system by its supervisor, which hands the new keys out; else here, and they are handed out at the start.
async fn change(place: &Place, rotate: bool) -> Result<()> {
    let data = place.data()?;
    if DataFolder::is_taken(&data) {
        place.client()?.change_secret(if rotate { "rotate" } else { "drop-old" }).await?;
    } else {
        let roots = Roots::read(&data)?;
        let _locked = DataFolder::take(&data)?;
        if rotate {
            roots.rotate(&data)?
        } else {
            roots.drop_previous(&data)?
        };
    }
    let said = match rotate {
        true => "a new secret is in use; keys of the old one count until 'bongsu secret --drop-old'",
        false => "keys of the old secret count no longer",
    };
    say(said, said)
}
