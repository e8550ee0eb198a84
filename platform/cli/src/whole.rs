//! Leaves the files of a stopped system whole: a copy of each `*.db` alone is complete.
//!
//! Services do that themselves when they stop; one that was killed, or was not written with Bongsu, does not.

use std::fs;
use std::path::{Path, PathBuf};

use bongsu_sqlite::files::make_whole;

/// Writes what is left in the logs of the databases of a data folder back into them. What could not be done, a line each.
pub(crate) fn leave(data: &Path) -> Vec<String> {
    databases(data).iter().filter_map(|file| make_whole(file).err()).map(|error| format!("warning: {error}")).collect()
}

/// The databases of a data folder, by name.
pub(crate) fn databases(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "db") && path.is_file()).collect();
    found.sort();
    found
}
