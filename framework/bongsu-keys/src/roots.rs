//! The roots of a system, in a file of its data folder: the one that is used, and the one before while it still counts.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::keys::KeyFile;
use crate::principal::public;
use crate::{BROKER, GATEWAY, Key, Lock, Root, hex};

/// The roots that are valid. A key of either opens every lock; new keys are made of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    current: Root,
    previous: Option<Root>,
}

/// Why there is no secret; each is one line.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No system was ever started on that folder.
    #[error("there is no secret in {}: 'bongsu up' makes it", .0.display())]
    Missing(PathBuf),
    /// Somebody else may have read it.
    #[error("{} can be read by others: 'chmod 600' it if nobody did, else delete it and start again", .0.display())]
    Open(PathBuf),
    /// It is not what was written.
    #[error("{} is damaged: delete it and start again, which makes a new one", .0.display())]
    Damaged(PathBuf),
    /// It cannot be read or written.
    #[error("cannot use {}: {why}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

impl Roots {
    /// The file's name in the data folder.
    pub const FILE: &'static str = "secret";

    /// The roots of a data folder; makes the first one.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn open_or_make(data: &Path) -> Result<Self, SecretError> {
        match Self::read(data) {
            Err(SecretError::Missing(_)) => Self { current: make(data)?, previous: None }.kept(data),
            other => other,
        }
    }

    /// The roots of a data folder.
    ///
    /// # Errors
    /// See [`SecretError`]; one that others may read is refused.
    pub fn read(data: &Path) -> Result<Self, SecretError> {
        let path = data.join(Self::FILE);
        let text = read_private(&path)?;
        let mut lines = text.lines().map(Root::from_hex);
        match (lines.next(), lines.next(), lines.next()) {
            (Some(Some(current)), None, _) => Ok(Self { current, previous: None }),
            (Some(Some(current)), Some(Some(previous)), None) => Ok(Self { current, previous: Some(previous) }),
            _ => Err(SecretError::Damaged(path)),
        }
    }

    /// A new root; the one that was used goes on to count, the one before it no longer.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn rotate(self, data: &Path) -> Result<Self, SecretError> {
        Self { current: make(data)?, previous: Some(self.current) }.kept(data)
    }

    /// Whatever was made of the root before counts no longer.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn drop_previous(self, data: &Path) -> Result<Self, SecretError> {
        Self { previous: None, ..self }.kept(data)
    }

    /// The newest lock of whoever has that name.
    pub fn lock(&self, name: &str) -> Lock {
        self.current.lock(name)
    }

    /// The newest key of a caller to somebody.
    pub fn key(&self, from: &str, to: &str) -> Key {
        self.lock(to).key(from)
    }

    /// Writes what a process of that name may know: how it recognises its callers, how it speaks to the broker, and how
    /// the gateway names people to services, or how a service recognises that.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn write_keys(&self, path: &Path, name: &str) -> Result<(), SecretError> {
        let roots = || [Some(&self.current), self.previous.as_ref()].into_iter().flatten();
        let is_gateway = name == GATEWAY;
        let public = || roots().filter_map(|root| public(&root.seed()));
        let file = KeyFile {
            name: name.to_owned(),
            accepts: roots().map(|root| root.lock(name).to_hex()).collect(),
            broker: self.key(name, BROKER).bearer(),
            signs: is_gateway.then(|| hex::encode(&self.current.seed())),
            believes: public().filter(|_| !is_gateway).collect(),
            signed: public().filter(|_| is_gateway).collect(),
        };
        let text = serde_json::to_string(&file).expect("texts can always be written as JSON");
        write_private(path, &text)
    }

    fn kept(self, data: &Path) -> Result<Self, SecretError> {
        let lines = [Some(&self.current), self.previous.as_ref()];
        let text: String = lines.into_iter().flatten().map(|root| root.to_hex() + "\n").collect();
        write_private(&data.join(Self::FILE), &text)?;
        Ok(self)
    }
}

fn make(data: &Path) -> Result<Root, SecretError> {
    Root::make().map_err(|why| SecretError::Io { path: data.join(Roots::FILE), why })
}

/// Reads a file that only its owner may read.
pub(crate) fn read_private(path: &Path) -> Result<String, SecretError> {
    let failed = |why: io::Error| match why.kind() {
        io::ErrorKind::NotFound => SecretError::Missing(path.parent().unwrap_or(path).to_path_buf()),
        io::ErrorKind::InvalidData => SecretError::Damaged(path.to_path_buf()),
        _ => SecretError::Io { path: path.to_path_buf(), why },
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Open(path.to_path_buf()));
    }
    fs::read_to_string(path).map_err(failed)
}

/// Writes a file whole or not at all, for its owner alone, and sees it on the disk: whoever was given a key goes on.
fn write_private(path: &Path, text: &str) -> Result<(), SecretError> {
    let failed = |why| SecretError::Io { path: path.to_path_buf(), why };
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(failed)?;
    // One that was left behind keeps the mode it had.
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Roots::read(folder.path()), Err(SecretError::Missing(_))));
        let made = Roots::open_or_make(folder.path()).unwrap();
        assert_eq!(Roots::open_or_make(folder.path()).unwrap(), made);
        let file = folder.path().join(Roots::FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let other = Roots::open_or_make(tempfile::tempdir().unwrap().path()).unwrap();
        assert_ne!(other, made, "every system has its own");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Roots::open_or_make(folder.path()), Err(SecretError::Open(_))));
    }

    #[test]
    fn a_damaged_secret_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(Roots::FILE);
        for text in ["", "\n", "00", "벨", &"0".repeat(65), &format!("{0}\n{0}\n{0}\n", "0".repeat(64))] {
            write_private(&file, text).unwrap();
            let line = Roots::open_or_make(folder.path()).unwrap_err().to_string();
            assert!(line.contains("is damaged") && !line.contains('\n'), "{line}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(matches!(Roots::read(folder.path()), Err(SecretError::Damaged(_))));
    }
}
