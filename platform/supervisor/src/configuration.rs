//! Configuration from a Git repository: commits are read, judged by what every build has registered, and handed out whole or
//! not at all.
//!
//! `repository` reads commits and nothing else, `draft` is what one says, `judge` whether it can be meant, `folder` where it is
//! handed out and what is kept of it, `standing` what counts now and who takes it; `distributor` does all that, for ever.

mod distributor;
mod draft;
mod folder;
mod judge;
mod repository;
mod standing;

use std::path::{Path, PathBuf};

use bongsu_keys::is_name;
use serde::{Deserialize, Serialize};

pub(crate) use distributor::Distributor;

/// `[config]`: where configuration comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The repository: a path relative to the file, or a `file://` URL.
    pub repository: String,
    /// Which folder below `config/` is meant.
    #[serde(default = "Configuration::environment")]
    pub environment: String,
    /// Whose newest commit counts.
    #[serde(default = "Configuration::branch")]
    pub branch: String,
}

/// What `bongsu config` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The repository.
    pub repository: String,
    /// The folder below `config/`.
    pub environment: String,
    /// The branch.
    pub branch: String,
    /// What everybody decides under; nothing before a first commit was accepted.
    pub revision: Option<String>,
    /// The newest commit, if the repository can be read.
    pub head: Option<String>,
    /// In one word: `current`, `stale`, or `waiting` for builds that have not registered yet.
    pub state: String,
    /// Why it is not current, in one line.
    pub reason: Option<String>,
    /// The last commit that was refused.
    pub refused: Option<Refused>,
    /// Who is to take part, and what they have taken.
    pub instances: Vec<Acknowledged>,
}

/// A commit that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which.
    pub revision: String,
    /// Why, in one line.
    pub reason: String,
    /// When, in RFC 3339.
    pub at: String,
}

/// What an instance has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The slot.
    pub instance: String,
    /// What it decides under, as it says.
    pub revision: Option<String>,
    /// Whether that is what everybody is to decide under.
    pub acknowledged: bool,
    /// Whether it gets no requests because of it.
    pub out: bool,
}

impl Configuration {
    fn environment() -> String {
        "dev".to_owned()
    }

    fn branch() -> String {
        "main".to_owned()
    }

    /// The first thing wrong with it.
    pub(crate) fn complaint(&self) -> Option<String> {
        if self.repository.is_empty() || (self.repository.contains("://") && !self.repository.starts_with("file://")) {
            return Some(format!(
                "config: repository = '{}': a path or a file:// URL of this machine",
                self.repository
            ));
        }
        if !is_name(&self.environment) {
            return Some(format!("config: environment = '{}': lower-case letters, digits and '-'", self.environment));
        }
        if !git2::Reference::is_valid_name(&reference(&self.branch)) {
            return Some(format!("config: branch = '{}' is no name of a branch", self.branch));
        }
        None
    }

    /// Where the repository is.
    fn path(&self, folder: &Path) -> PathBuf {
        match self.repository.strip_prefix("file://") {
            Some(path) => path.into(),
            None => folder.join(&self.repository),
        }
    }
}

fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_on_this_machine_and_names_are_names() {
        let read = |text: &str| toml::from_str::<Configuration>(text).map_err(|why| why.to_string());
        let fine = read("repository = '../settings'").expect("the rest has a default");
        assert_eq!((fine.complaint(), fine.environment.as_str(), fine.branch.as_str()), (None, "dev", "main"));
        assert_eq!(fine.path(Path::new("/house")), Path::new("/house/../settings"));
        let url = read("repository = 'file:///settings'\nbranch = 'next/one'").expect("a URL");
        assert_eq!((url.complaint(), url.path(Path::new("/house"))), (None, PathBuf::from("/settings")));
        for (text, why) in [
            ("repository = ''", "repository = ''"),
            ("repository = 'https://git.example/a'", "a path or a file:// URL"),
            ("repository = 'a'\nenvironment = '../x'", "environment = '../x'"),
            ("repository = 'a'\nbranch = 'a..b'", "branch = 'a..b' is no name"),
            ("repository = 'a'\nbranch = ''", "branch = '' is no name"),
        ] {
            let said = read(text).expect("its form is right").complaint().expect(text);
            assert!(said.contains(why), "{said}");
        }
        assert!(read("repo = 'a'").expect_err("no such key").contains("unknown field `repo`"));
    }
}
