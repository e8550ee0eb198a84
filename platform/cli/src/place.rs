//! Finds the system a command is about: its description and its data folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use supervisor::SystemFile;
use supervisor::client::Client;
use supervisor::data_folder::DataFolder;
use supervisor::paths::shown;

use crate::args::Place;

const FILE: &str = "bongsu.toml";

impl Place {
    /// Reads the description.
    pub(crate) fn system(&self) -> Result<SystemFile> {
        Ok(SystemFile::read(&self.file()?)?)
    }

    /// Where the description is.
    pub(crate) fn file(&self) -> Result<PathBuf> {
        match &self.file {
            Some(path) => Ok(path.clone()),
            None => find(Path::new(".")),
        }
    }

    /// The data folder: the same for every command, so that each finds what `up` started.
    pub(crate) fn data(&self) -> Result<PathBuf> {
        let path = match &self.data {
            Some(data) => data.clone(),
            None => self.system()?.data_folder(),
        };
        let path = path.canonicalize().unwrap_or(path);
        DataFolder::can_be(&path)?;
        Ok(path)
    }

    /// The running supervisor.
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::find(&self.data()?)?)
    }
}

/// `bongsu.toml` here, else the only one a folder down.
fn find(here: &Path) -> Result<PathBuf> {
    let own = here.join(FILE);
    if own.is_file() {
        return Ok(own);
    }
    let mut found: Vec<PathBuf> =
        fs::read_dir(here)?.flatten().map(|entry| entry.path().join(FILE)).filter(|path| path.is_file()).collect();
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => bail!("no {FILE} here or one folder down (name one with --file)"),
        several => {
            let list: Vec<String> = several.iter().map(|path| shown(path)).collect();
            bail!("several systems here, name one with --file: {}", list.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_found_here_or_as_the_only_one_a_folder_down() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path();
        assert!(find(here).unwrap_err().to_string().starts_with("no bongsu.toml here"));
        for folder in ["a", "b"] {
            fs::create_dir(here.join(folder)).unwrap();
        }
        fs::write(here.join("b").join(FILE), "").unwrap();
        assert_eq!(find(here).unwrap(), here.join("b").join(FILE));
        fs::write(here.join("a").join(FILE), "").unwrap();
        assert!(find(here).unwrap_err().to_string().starts_with("several systems here"));
        fs::write(here.join(FILE), "").unwrap();
        assert_eq!(find(here).unwrap(), here.join(FILE));
    }
}
