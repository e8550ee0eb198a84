//! The repository in memory: what a rule may look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};

use super::{once, source::Source};

/// Folders that hold no source, wherever they are.
const NEVER: &[&str] = &[".git", "target", "node_modules", "dist", "generated"];

/// Every file of the repository by its path from the root, with `/` between folders.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Arc<File>>,
    locked_once: Option<Arc<Vec<(String, String)>>>,
}

/// One file.
pub(crate) struct File {
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size: u64,
    /// `None` when it is not text.
    pub(crate) source: Option<Source>,
}

impl Tree {
    /// Reads the repository, leaving out what `.gitignore` names at the root.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let ignored: BTreeSet<&str> = ignored.lines().filter_map(|line| line.trim().strip_prefix('/')).collect();
        let mut tree = Self::default();
        tree.walk(root, "", &ignored)?;
        tree.locked_once = once::locked(root)?.map(Arc::new);
        Ok(tree)
    }

    /// Adds or replaces a file.
    pub(crate) fn put(&mut self, path: &str, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        let source = String::from_utf8(bytes).ok().map(|text| Source::new(path, text));
        self.files.insert(path.into(), Arc::new(File { path: path.into(), size, source }));
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.source.as_ref().map(|source| source.text.as_str())
    }

    /// Whether a file or folder of this path exists.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        path.is_empty() || self.files.contains_key(path) || self.under(&inside).next().is_some()
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values().map(Arc::as_ref)
    }

    /// Every file whose path starts with this.
    pub(crate) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a File> {
        self.files
            .range(prefix.to_owned()..)
            .map(|(_, file)| file.as_ref())
            .take_while(move |f| f.path.starts_with(prefix))
    }

    /// Every text whose path starts with this.
    pub(crate) fn sources_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Source)> {
        self.under(prefix).filter_map(|file| Some((file.path.as_str(), file.source.as_ref()?)))
    }

    /// Every Rust file.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources_under("").filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Path and line of everything that git ever had in a `golden.lock`; `None` where there is no repository.
    pub(crate) fn locked_once(&self) -> Option<&[(String, String)]> {
        self.locked_once.as_ref().map(|lines| lines.as_slice())
    }

    /// How many files.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    fn walk(&mut self, root: &Path, folder: &str, ignored: &BTreeSet<&str>) -> Result<()> {
        let here = root.join(folder);
        for entry in fs::read_dir(&here).with_context(|| format!("cannot list {}", here.display()))? {
            let entry = entry.with_context(|| format!("cannot list {}", here.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if NEVER.contains(&name.as_str()) || ignored.contains(path.as_str()) {
                continue;
            }
            let kind = entry.file_type().with_context(|| format!("cannot look at {path}"))?;
            if kind.is_dir() {
                self.walk(root, &path, ignored)?;
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
                self.put(&path, bytes);
            }
        }
        Ok(())
    }
}
