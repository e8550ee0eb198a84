//! Where those are whom a service asks: a file for each service, `directory/NAME.json`, with the ready instances of those it
//! declares to ask and of nobody else. It is written again when that changes, and stays what it was while the supervisor is away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::data_folder::{DIRECTORY, DataFolder, DataFolderError};
use crate::registry::Registry;
use crate::system_file::SystemFile;

/// After a file that could not be written it is tried again so much later.
const AGAIN: Duration = Duration::from_secs(1);

/// The directories of a system.
pub(crate) struct Directories {
    data: Arc<DataFolder>,
    registry: Arc<Registry>,
    asks: BTreeMap<String, Vec<String>>,
    written: BTreeMap<String, String>,
}

/// A service's own.
pub(crate) fn file_of(data: &Path, service: &str) -> PathBuf {
    data.join(name_of(service))
}

fn name_of(service: &str) -> String {
    format!("{DIRECTORY}/{service}.json")
}

impl Directories {
    /// All of them as they are now, also of those who ask nobody: so a service sees whom it may ask.
    pub(crate) fn open(
        data: Arc<DataFolder>,
        registry: Arc<Registry>,
        system: &SystemFile,
    ) -> Result<Self, DataFolderError> {
        let asks = system.services.iter().map(|service| (service.name.clone(), service.asks.clone())).collect();
        let mut this = Self { data, registry, asks, written: BTreeMap::new() };
        this.write()?;
        Ok(this)
    }

    /// Keeps them up to date for ever.
    pub(crate) async fn keep(mut self) {
        let mut revision = self.registry.watch();
        loop {
            // A full disk must not stop the system, and ends.
            let again = if self.write().is_ok() { Duration::MAX } else { AGAIN };
            if let Ok(Err(_)) = tokio::time::timeout(again, revision.changed()).await {
                return;
            }
        }
    }

    /// Those that have changed, as far as they can be written.
    fn write(&mut self) -> Result<(), DataFolderError> {
        let mut written = Ok(());
        for (service, asks) in &self.asks {
            let ready = self.registry.directory(asks);
            let text = serde_json::to_string(&ready).expect("names can always be written as JSON");
            if self.written.get(service) != Some(&text) {
                match self.data.write(&name_of(service), &text) {
                    Ok(_) => drop(self.written.insert(service.clone(), text)),
                    Err(error) => written = Err(error),
                }
            }
        }
        written
    }
}
