//! What several gateways of one data folder write: one at a time.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Waits for a turn at what that file stands for; it is over when what is given is dropped, also by a kill.
pub(crate) fn alone(lock: &Path) -> io::Result<File> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(lock)?;
    file.lock()?;
    Ok(file)
}
