//! Reads commits of a repository on this machine. What lies in its working tree is never looked at.

use std::path::PathBuf;

use git2::{ErrorCode, ObjectType, Oid, TreeEntry};

use super::draft::Draft;
use super::reference;

/// Settings are shorter; what is not is no file of settings.
const LONGEST: usize = 256 << 10;
/// More than the services of a system there are no files for.
const MOST_FILES: usize = 256;
/// So much of a commit's name is unique in every repository of settings.
const SHORT: usize = 12;
/// An ordinary file's mode, executable or not.
const ORDINARY: [i32; 2] = [0o100_644, 0o100_755];

pub(crate) struct Repository {
    pub(crate) path: PathBuf,
    pub(crate) environment: String,
    pub(crate) branch: String,
}

/// Why there is no commit to speak of, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) String);

/// Why a commit is none of settings, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Bad(pub(crate) String);

/// Why a commit was not read.
pub(crate) enum NotRead {
    Broken(Broken),
    Bad(Bad),
}

impl Repository {
    /// The newest commit of the branch.
    pub(crate) fn head(&self) -> Result<Oid, Broken> {
        let repository = self.open()?;
        let found = repository.find_reference(&reference(&self.branch)).and_then(|found| found.peel_to_commit());
        found.map(|commit| commit.id()).map_err(|error| match error.code() {
            ErrorCode::NotFound => self.broken(&format!("there is no branch {}", self.branch)),
            _ => self.broken(error.message()),
        })
    }

    /// What a commit says.
    pub(crate) fn read(&self, commit: Oid) -> Result<Draft, NotRead> {
        let repository = self.open().map_err(NotRead::Broken)?;
        let failed = |error: git2::Error| NotRead::Broken(self.broken(error.message()));
        let folder = format!("config/{}", self.environment);
        let bad = |why: String| NotRead::Bad(Bad(why));
        let root = repository.find_commit(commit).and_then(|commit| commit.tree()).map_err(failed)?;
        let entry = match root.get_path(folder.as_ref()) {
            Ok(entry) if entry.kind() == Some(ObjectType::Tree) => entry,
            Ok(_) => return Err(bad(format!("{folder} is no folder"))),
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(bad(format!("there is no folder {folder}")));
            }
            Err(error) => return Err(failed(error)),
        };
        let tree = repository.find_tree(entry.id()).map_err(failed)?;
        if tree.len() > MOST_FILES {
            return Err(bad(format!("{folder} has {} files, and at most {MOST_FILES} are read", tree.len())));
        }
        let mut draft = Draft::new(short(commit));
        for entry in &tree {
            self.add(&repository, &folder, &entry, &mut draft)?;
        }
        Ok(draft)
    }

    /// Takes one file in, if it is one of settings.
    fn add(
        &self,
        repository: &git2::Repository,
        folder: &str,
        entry: &TreeEntry<'_>,
        draft: &mut Draft,
    ) -> Result<(), NotRead> {
        let failed = |error: git2::Error| NotRead::Broken(self.broken(error.message()));
        let bad = |why: String| NotRead::Bad(Bad(why));
        let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
            return Err(bad(format!("{folder} has a file whose name is not UTF-8")));
        };
        let file = format!("{folder}/{name}");
        if entry.kind() != Some(ObjectType::Blob) || !ORDINARY.contains(&entry.filemode()) {
            return Err(bad(format!("{file} is no ordinary file: links, folders and modules are not followed")));
        }
        // Whoever keeps the settings may explain them.
        if name.ends_with(".md") {
            return Ok(());
        }
        let Some(of) = name.strip_suffix(".toml") else {
            return Err(bad(format!("{file}: settings are in shared.toml and SERVICE.toml")));
        };
        // Before it is read: a file may be larger than memory.
        let (size, _) = repository.odb().and_then(|odb| odb.read_header(entry.id())).map_err(failed)?;
        if size > LONGEST {
            return Err(bad(format!("{file} has {size} bytes, and at most {LONGEST} are read")));
        }
        let blob = repository.find_blob(entry.id()).map_err(failed)?;
        let text = std::str::from_utf8(blob.content()).map_err(|_| bad(format!("{file} is not UTF-8")))?;
        draft.add(of, text).map_err(|why| bad(format!("{file}: {why}")))
    }

    fn open(&self) -> Result<git2::Repository, Broken> {
        git2::Repository::open(&self.path).map_err(|error| match error.code() {
            ErrorCode::NotFound => self.broken("there is no Git repository"),
            _ => self.broken(error.message()),
        })
    }

    fn broken(&self, why: &str) -> Broken {
        Broken(format!("{}: {}", self.path.display(), why.replace('\n', " ")))
    }
}

/// As everybody is told it.
pub(crate) fn short(commit: Oid) -> String {
    let mut name = commit.to_string();
    name.truncate(SHORT);
    name
}
