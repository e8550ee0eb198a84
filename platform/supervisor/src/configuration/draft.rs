//! What a commit says: a table for every process, and one for each service.

use std::collections::BTreeMap;

use bongsu_host::config::secret;
use toml::Table;

/// The name of the file that speaks to everybody.
pub(crate) const SHARED: &str = "shared";

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) revision: String,
    files: BTreeMap<String, (String, Table)>,
}

impl Draft {
    pub(crate) fn new(revision: String) -> Self {
        Self { revision, files: BTreeMap::new() }
    }

    /// Takes one file in; what is wrong with it otherwise, in one line.
    pub(crate) fn add(&mut self, of: &str, text: &str) -> Result<(), String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            format!("line {line} is not TOML: {}", error.message().trim().replace('\n', ", "))
        })?;
        if let Some(key) = secret(&table) {
            return Err(format!(
                "{key} is a secret: it comes from a file of its own, and is not kept with the configuration"
            ));
        }
        self.files.insert(of.to_owned(), (text.to_owned(), table));
        Ok(())
    }

    /// What one file says, by what it is about.
    pub(crate) fn table(&self, of: &str) -> Option<&Table> {
        self.files.get(of).map(|(_, table)| table)
    }

    /// Every file: what it is about, and its text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(of, (text, _))| (of.as_str(), text.as_str()))
    }
}
