//! The one folder a running system keeps everything in, and the lock that lets only one `bongsu up` have it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::machine::Identity;
use crate::paths::shown;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Set on a folder that is meant for many, as `/tmp` is.
const SHARED: u32 = 0o7000;

/// A locked data folder; the lock goes with the process, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    identity: Option<Identity>,
    warnings: Vec<String>,
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
    /// The folder it was written for: a copy of the file in a copy of the folder says nothing about that one.
    #[serde(default)]
    pub folder: Option<Identity>,
}

/// Why a data folder cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another `bongsu up` has it.
    #[error("a system is already running on {} (see 'bongsu ps', 'bongsu stop')", shown(.0))]
    Taken(PathBuf),
    /// Its path cannot be handed to services, which are told it as text.
    #[error("the path of the data folder {0:?} is not UTF-8: name another one with --data")]
    NotText(PathBuf),
    /// Its path is longer than SQLite takes one (512 bytes), with what is put behind it.
    #[error("the path of the data folder has {} bytes, and at most {LONGEST} are taken: name another one with --data", .0.as_os_str().len())]
    TooLong(PathBuf),
    /// It cannot be written.
    #[error("cannot write the data folder {}: {why}", shown(path))]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// Longest path of a data folder, in bytes.
const LONGEST: usize = 400;

/// Whether a path can be told to services and to SQLite.
fn presentable(path: &Path) -> Result<(), DataFolderError> {
    match path.to_str() {
        None => Err(DataFolderError::NotText(path.to_path_buf())),
        Some(text) if text.len() > LONGEST => Err(DataFolderError::TooLong(path.to_path_buf())),
        Some(_) => Ok(()),
    }
}

impl DataFolder {
    /// Whether a folder of this path can be one: every command asks, not only the one that makes it.
    ///
    /// # Errors
    /// [`DataFolderError::NotText`] and [`DataFolderError::TooLong`].
    pub fn can_be(path: &Path) -> Result<(), DataFolderError> {
        presentable(path)
    }

    /// Creates the folder if it is missing, for its owner alone, and locks it. One that is ours already is taken from
    /// everybody else.
    ///
    /// # Errors
    /// See [`DataFolderError`].
    pub fn take(path: &Path) -> Result<Self, DataFolderError> {
        let failed = |why| DataFolderError::Io { path: path.to_path_buf(), why };
        let absolute = std::path::absolute(path).map_err(failed)?;
        presentable(&absolute)?;
        // Whose it is shows before anything of ours is in it.
        let is_ours = fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
            || path.join(LOCK).symlink_metadata().is_ok_and(|lock| lock.is_file());
        for folder in ["logs", "config", DIRECTORY] {
            DirBuilder::new().recursive(true).mode(0o700).create(path.join(folder)).map_err(failed)?;
        }
        let path = path.canonicalize().map_err(failed)?;
        presentable(&path)?;
        let lock = open_lock(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataFolderError::Taken(path)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // What an earlier run, or the original of this copy, said about itself.
        let _ = fs::remove_file(path.join(Address::FILE));
        let warnings = if is_ours { close_to_others(&path) } else { open_to_others(&path) };
        Ok(Self { identity: Identity::of(&path), path, warnings: warnings.into_iter().collect(), _lock: lock })
    }

    /// What tells it from its copies; `None` when the machine does not say.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What the operator should know about it, a line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether some process holds the lock of that folder.
    pub fn is_taken(path: &Path) -> bool {
        File::open(path.join(LOCK)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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

    /// Reads the address of the supervisor of that data folder; one that was copied there is none.
    pub fn read(data: &Path) -> Option<Self> {
        let address: Self = serde_json::from_slice(&fs::read(data.join(Self::FILE)).ok()?).ok()?;
        (address.folder == Identity::of(data)).then_some(address)
    }
}

/// The folder in it with what services are told of each other.
pub(crate) const DIRECTORY: &str = "directory";
/// The file that is locked.
const LOCK: &str = "lock";

/// Takes everything in the folder from everybody but its owner; the line to say when that cannot be done.
fn close_to_others(folder: &Path) -> Option<String> {
    if fs::metadata(folder).is_ok_and(|found| found.mode() & SHARED != 0) {
        return open_to_others(folder);
    }
    let mut left = vec![folder.to_path_buf()];
    let mut refused = None;
    while let Some(path) = left.pop() {
        let Ok(found) = path.symlink_metadata() else { continue };
        if found.is_symlink() {
            continue;
        }
        if found.mode() & OTHERS != 0
            && let Err(error) = fs::set_permissions(&path, Permissions::from_mode(found.mode() & 0o7777 & !OTHERS))
        {
            refused.get_or_insert_with(|| format!("{} can be reached by others: {error}", shown(&path)));
        }
        if found.is_dir() {
            left.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    refused
}

/// The line to say about a folder that was there before us and is not taken from anybody.
fn open_to_others(folder: &Path) -> Option<String> {
    let mode = fs::metadata(folder).ok()?.mode() & 0o7777;
    let line = || format!("{} can be reached by others (mode {mode:o}): use a folder of its own", shown(folder));
    (mode & OTHERS != 0).then(line)
}

fn open_lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK))
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
        // A child that another test is about to start holds whatever was open, until it has become another program.
        let taken = std::iter::repeat_with(|| DataFolder::take(&path)).take(1_000_000).find(Result::is_ok);
        assert!(taken.is_some());
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_folder_of_ours_is_its_owners_alone_and_another_ones_is_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        let made = DataFolder::take(&path).unwrap();
        assert_eq!((mode(&path), mode(&path.join("lock")), mode(&path.join("logs"))), (0o700, 0o600, 0o700));
        drop(made);
        // As an earlier release left it.
        fs::write(path.join("door.db"), "").unwrap();
        for open in [path.clone(), path.join("door.db"), path.join("logs")] {
            fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        }
        let taken = DataFolder::take(&path).unwrap();
        assert_eq!((mode(&path), mode(&path.join("door.db")), mode(&path.join("logs"))), (0o700, 0o700, 0o700));
        assert!(taken.warnings().is_empty(), "{taken:?}");
        let home = root.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("letters"), "").unwrap();
        fs::set_permissions(&home, Permissions::from_mode(0o755)).unwrap();
        let taken = DataFolder::take(&home).unwrap();
        assert_eq!(mode(&home), 0o755);
        assert!(taken.warnings()[0].contains("can be reached by others (mode 755)"), "{taken:?}");
    }

    #[test]
    fn a_path_that_is_not_text_is_refused_with_one_line() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        let line = DataFolder::take(&path).unwrap_err().to_string();
        assert!(line.contains("is not UTF-8") && !line.contains('\n'), "{line}");
        let long = DataFolder::take(&Path::new("/tmp").join("long/".repeat(80))).unwrap_err().to_string();
        assert!(long.contains("has 405 bytes, and at most 400 are taken"), "{long}");
        assert!(!path.exists());
    }

    #[test]
    fn an_address_that_was_copied_is_none() {
        let root = tempfile::tempdir().unwrap();
        let (path, copy) = (root.path().join("data"), root.path().join("copy"));
        let data = DataFolder::take(&path).unwrap();
        let address =
            Address { pid: 1, url: "http://127.0.0.1:1".into(), token: "t".into(), folder: data.identity().cloned() };
        data.write(Address::FILE, &serde_json::to_string(&address).unwrap()).unwrap();
        assert!(Address::read(&path).is_some());
        assert!(std::process::Command::new("cp").arg("-a").args([&path, &copy]).status().unwrap().success());
        assert!(copy.join(Address::FILE).exists() && Address::read(&copy).is_none());
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
