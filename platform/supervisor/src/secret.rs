//! Who may know what: the system's secret in the data folder, and a file of keys for each process.
//!
//! A process is told where its file is, by environment. The file is not on a command line, not in an environment that
//! children inherit and crash reports show, and can be replaced while the process runs: that is how a new root comes
//! without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bongsu_keys::{Roots, SecretError};

use crate::system_file::{BROKER, GATEWAY, SystemFile};

/// The folder of the files of keys, in the data folder.
const FOLDER: &str = "keys";

/// The secret of a running system.
pub(crate) struct Secrets {
    data: PathBuf,
    services: Vec<String>,
    roots: Mutex<Roots>,
}

impl Secrets {
    /// Makes the secret if this is the first start, and hands out the keys.
    pub(crate) fn open(data: &Path, system: &SystemFile) -> Result<Self, SecretError> {
        let roots = Roots::open_or_make(data)?;
        let services = system.services.iter().map(|service| service.name.clone()).collect();
        let this = Self { data: data.to_path_buf(), services, roots: Mutex::new(roots.clone()) };
        let folder = data.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|why| SecretError::Io { path: folder, why })?;
        this.hand_out(&roots)?;
        Ok(this)
    }

    /// Where the keys of a process are.
    pub(crate) fn file_of(data: &Path, name: &str) -> PathBuf {
        data.join(FOLDER).join(format!("{name}.json"))
    }

    /// A new root; what was made of the one before goes on to count.
    pub(crate) fn rotate(&self) -> Result<(), SecretError> {
        self.change(Roots::rotate)
    }

    /// What was made of the root before counts no longer.
    pub(crate) fn drop_previous(&self) -> Result<(), SecretError> {
        self.change(Roots::drop_previous)
    }

    fn change(&self, change: impl FnOnce(Roots, &Path) -> Result<Roots, SecretError>) -> Result<(), SecretError> {
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        *roots = change(roots.clone(), &self.data)?;
        self.hand_out(&roots)
    }

    /// Those who are called before those who call: nobody speaks with a key that is not known yet.
    fn hand_out(&self, roots: &Roots) -> Result<(), SecretError> {
        let names = [BROKER].into_iter().chain(self.services.iter().map(String::as_str)).chain([GATEWAY]);
        for name in names {
            roots.write_keys(&Self::file_of(&self.data, name), name)?;
        }
        Ok(())
    }
}
