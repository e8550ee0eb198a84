//! What a backup holds: `backup.json` in its folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use supervisor::now_rfc3339;
use supervisor::paths::shown;

/// The manifest below.
const FORMAT: u32 = 1;

/// A backup's list of contents.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Of this file.
    format: u32,
    /// The system's name.
    pub(crate) system: String,
    /// The release that made it.
    pub(crate) bongsu: String,
    /// When, in RFC 3339.
    pub(crate) made: String,
    pub(crate) files: Vec<Entry>,
}

/// One file of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Relative to the folder.
    pub(crate) name: PathBuf,
    pub(crate) bytes: u64,
    /// SHA-256, in hexadecimal.
    pub(crate) sha256: String,
    /// The position of the last event, of a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head: Option<u64>,
}

impl Manifest {
    /// Its name in the folder.
    pub(crate) const FILE: &str = "backup.json";

    /// Of a backup made now.
    pub(crate) fn new(system: String, files: Vec<Entry>) -> Self {
        Self { format: FORMAT, system, bongsu: env!("CARGO_PKG_VERSION").to_owned(), made: now_rfc3339(), files }
    }

    /// Writes it; it is on the disk when this returns.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(Self::FILE);
        let written = || {
            let mut file = File::create_new(&path)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.sync_all()
        };
        written().with_context(|| format!("cannot write {}", shown(&path)))
    }

    /// Reads the manifest of a backup.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(Self::FILE);
        let text = std::fs::read(&path)
            .with_context(|| format!("{} is no backup: cannot read {}", shown(folder), Self::FILE))?;
        let this: Self = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", shown(&path)))?;
        let format = this.format;
        ensure!(format <= FORMAT, "{} has format {format}, this bongsu knows {FORMAT}: use a newer one", shown(&path));
        Ok(this)
    }

    /// Reads every file and compares it with what was written down.
    pub(crate) fn check(&self, folder: &Path) -> Result<()> {
        for entry in &self.files {
            let name = shown(&entry.name);
            let plain = entry.name.components().all(|part| matches!(part, Component::Normal(_)));
            ensure!(plain, "the backup names a file outside of it: {name}");
            let found = digest(folder, &entry.name)?;
            let same = (found.bytes, &found.sha256) == (entry.bytes, &entry.sha256);
            ensure!(same, "{name} is not what was backed up: it was changed or is damaged");
        }
        Ok(())
    }
}

/// A file as it is now.
pub(crate) fn digest(folder: &Path, name: &Path) -> Result<Entry> {
    let path = folder.join(name);
    let read = || -> io::Result<(u64, Sha256)> {
        let mut file = File::open(&path)?;
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut part = vec![0; 1 << 16];
        loop {
            match file.read(&mut part)? {
                0 => return Ok((bytes, hash)),
                read => {
                    bytes += read as u64;
                    hash.update(&part[..read]);
                }
            }
        }
    };
    let (bytes, hash) = read().with_context(|| format!("cannot read {}", shown(&path)))?;
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Entry { name: name.to_owned(), bytes, sha256, head: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_missing_or_outside_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("door.db"), "abc").unwrap();
        let entry = || digest(folder.path(), Path::new("door.db")).unwrap();
        assert_eq!(entry().sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let manifest = |entry| Manifest::new("house".into(), vec![entry]);
        manifest(entry()).write(folder.path()).unwrap();
        let read = Manifest::read(folder.path()).unwrap();
        read.check(folder.path()).unwrap();
        let refused = |manifest: Manifest| manifest.check(folder.path()).unwrap_err().to_string();
        assert!(
            refused(manifest(Entry { sha256: "00".into(), ..entry() }))
                .starts_with("door.db is not what was backed up")
        );
        assert!(refused(manifest(Entry { bytes: 4, ..entry() })).starts_with("door.db is not what was backed up"));
        assert!(refused(manifest(Entry { name: "../x".into(), ..entry() })).contains("outside of it"));
        assert!(refused(manifest(Entry { name: "/etc/hostname".into(), ..entry() })).contains("outside of it"));
        assert!(refused(manifest(Entry { name: "wall.db".into(), ..entry() })).contains("cannot read"));
        for text in ["", "{}", r#"{"format":2,"system":"x","bongsu":"9","made":"x","files":[]}"#] {
            std::fs::write(folder.path().join(Manifest::FILE), text).unwrap();
            assert!(Manifest::read(folder.path()).is_err(), "{text}");
        }
    }
}
