//! The ledger on disk: one JSON line per entry, appended and synced before anybody is answered.
//!
//! A line that a crash tore in two was never answered for; it is cut off at the next start. A line broken
//! anywhere else is damage, and the ledger is the judge of others: it refuses to guess.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::provider::Entry;

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    /// Up to here everything is synced; what a failed write left behind it is cut off.
    length: u64,
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened, read or cut.
    #[error("cannot open the ledger {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line that is not the last does not parse.
    #[error("the ledger {} is damaged at line {line}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
}

impl Ledger {
    /// Opens or makes a ledger, and gives what is in it.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>), LedgerError> {
        let failed = |source| LedgerError::Open { path: path.into(), source };
        let mut file = open(path).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let entries = parse(&text[..whole], path)?;
        if whole < text.len() {
            tracing::warn!(bytes = text.len() - whole, "cutting off a line that was torn by a crash");
        }
        let mut ledger = Self { file, length: whole as u64 };
        ledger.cut().map_err(failed)?;
        Ok((ledger, entries))
    }

    /// Appends entries; when it returns they are on the disk.
    ///
    /// # Errors
    /// When the disk does not take them; then none of them counts.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        self.cut()?;
        self.file.write_all(&lines)?;
        self.file.sync_data()?;
        self.length += lines.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(drop)
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn parse(text: &[u8], path: &Path) -> Result<Vec<Entry>, LedgerError> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = |(at, line)| {
        let damaged = |source| LedgerError::Damaged { path: path.into(), line: at + 1, source };
        serde_json::from_slice(line).map_err(damaged)
    };
    lines.enumerate().map(read).collect()
}
