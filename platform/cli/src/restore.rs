//! `bongsu restore DIR`: a backup laid out as the data folder of a system, which then is started as ever.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use supervisor::paths::shown;

use crate::args::{Place, Restore};
use crate::backup::{Draft, copy};
use crate::manifest::Manifest;
use crate::screen::say;

/// Checks the backup and copies it to a data folder that is not there yet.
pub(crate) fn restore(place: &Place, flags: &Restore) -> Result<ExitCode> {
    let manifest = Manifest::read(&flags.dir)?;
    if let Ok(system) = place.system() {
        let theirs = &manifest.system;
        let ours = &system.name;
        ensure!(theirs == ours, "{} is a backup of {theirs}, and this is {ours}", shown(&flags.dir));
    }
    let data = std::path::absolute(place.data()?)?;
    let draft = Draft::beside(&data)?;
    manifest.check(&flags.dir)?;
    for entry in &manifest.files {
        copy(&flags.dir.join(&entry.name), &draft.path.join(&entry.name))?;
    }
    // The copy is what will be used.
    manifest.check(&draft.path)?;
    draft.keep(&data)?;
    let Manifest { system, made, bongsu, .. } = &manifest;
    let done = format!("{system} is in {} as it was at {made}", shown(&data));
    say(&format!("{done} (bongsu {bongsu}); start it with 'bongsu up'"), &done)?;
    Ok(ExitCode::SUCCESS)
}
