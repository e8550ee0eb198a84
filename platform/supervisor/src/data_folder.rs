//! The one folder a running system keeps everything in, and the lock that lets only one `bongsu up` have it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A locked data folder; the lock goes with the process, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// What a running supervisor writes into its data folder, so that commands find it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Its process.
    pub pid: u32,
    /// Its control API.
    pub url: String,
    /// Must be sent as a bearer token: other users of the machine can reach the port, but not read the file.
    pub token: String,
}

/// Why a data folder cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another `bongsu up` has it.
    #[error("a system is already running on {} (see 'bongsu ps', 'bongsu stop')", .0.display())]
    Taken(PathBuf),
    /// It cannot be written.
    #[error("cannot write the data folder {}: {why}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

impl DataFolder {
    /// Creates the folder if it is missing and locks it.
    ///
    /// # Errors
    /// See [`DataFolderError`].
    pub fn take(path: &Path) -> Result<Self, DataFolderError> {
        let failed = |why| DataFolderError::Io { path: path.to_path_buf(), why };
        for folder in ["logs", "config"] {
            fs::create_dir_all(path.join(folder)).map_err(failed)?;
        }
        let path = path.canonicalize().map_err(failed)?;
        let lock = open_lock(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::Taken(path)),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether some process holds the lock of that folder.
    pub fn is_taken(path: &Path) -> bool {
        File::open(path.join("lock")).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a small file whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// See [`DataFolderError::Io`].
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, DataFolderError> {
        let path = self.path.join(name);
        let failed = |why| DataFolderError::Io { path: self.path.clone(), why };
        let draft = path.with_extension("draft");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        fs::rename(&draft, &path).map_err(failed)?;
        Ok(path)
    }

    /// Removes a file of the folder; it may be missing.
    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }
}

impl Address {
    /// The file's name in the data folder.
    pub const FILE: &'static str = "supervisor.json";

    /// Reads the address of the supervisor of that data folder.
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(data.join(Self::FILE)).ok()?).ok()
    }
}

fn open_lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join("lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_at_a_time_has_a_data_folder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        assert!(!DataFolder::is_taken(&path));
        let first = DataFolder::take(&path).unwrap();
        assert!(matches!(DataFolder::take(&path), Err(DataFolderError::Taken(_))));
        assert!(DataFolder::is_taken(&path));
        drop(first);
        assert!(DataFolder::take(&path).is_ok());
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused_with_one_line() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        fs::write(&path, "").unwrap();
        let line = DataFolder::take(&path).unwrap_err().to_string();
        assert!(line.starts_with("cannot write the data folder") && !line.contains('\n'), "{line}");
    }
}
