//! Everything a configuration is read from, to be read again when some of it has changed.

use std::path::PathBuf;

use super::{
    Config, ConfigError, Loaded,
    committed::{Committed, Stamp},
    layers::{self, Layer},
};

/// A folder that is exchanged each time it is read is read so often.
const READINGS: u32 = 10;

/// Everything a configuration is read from.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) name: &'static str,
    /// The file, and where it was copied from, if it was.
    pub(super) file: Option<(PathBuf, Option<String>)>,
    /// The folder of configuration, which may change while the process runs.
    pub(super) folder: Option<PathBuf>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) flags: Vec<(String, String)>,
    pub(super) print: bool,
}

impl Sources {
    /// Reads everything, now.
    pub(super) fn load(&self) -> Result<Loaded, ConfigError> {
        let shape = layers::shape(&Config::defaults(self.name));
        let mut layers = Vec::new();
        if let Some((file, from)) = self.file.clone() {
            layers.push(Layer::from_file(&shape, file, from)?);
        }
        let (committed, stamp) = self.committed()?;
        for (said, is_shared) in [(committed.shared, true), (committed.own, false)] {
            if let Some((file, table)) = said {
                layers.push(Layer::committed(&shape, file, table, is_shared)?);
            }
        }
        layers.push(Layer::from_environment(&shape, self.environment.clone())?);
        layers.push(Layer::from_flags(&shape, self.flags.clone())?);
        let mut config = validated(layers::merge(shape, &layers)?, self.name, &layers)?;
        if !committed.revision.is_empty() {
            config.revision = committed.revision;
        }
        Ok(Loaded { config, print: self.print, layers, sources: self.clone(), stamp })
    }

    /// What the folder says, all of one moment.
    fn committed(&self) -> Result<(Committed, Option<Stamp>), ConfigError> {
        let Some(folder) = &self.folder else { return Ok((Committed::default(), None)) };
        let mut tries = READINGS;
        loop {
            let before = Stamp::of(folder, self.name);
            let read = Committed::read(folder, self.name);
            tries -= 1;
            // Exchanged while it was read, it is half of each.
            if tries == 0 || Stamp::of(folder, self.name) == before {
                return Ok((read?.unwrap_or_default(), Some(before)));
            }
        }
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.folder.as_deref().map(|folder| Stamp::of(folder, self.name))
    }
}

/// Checks what the types cannot say.
fn validated(mut config: Config, name: &str, layers: &[Layer]) -> Result<Config, ConfigError> {
    let bad = |key: &str, reason: String| {
        let source_name = layers::origin(layers, key);
        Err(ConfigError::BadValue { key: key.to_owned(), source_name, reason })
    };
    if config.name != name {
        return bad("name", format!("this binary is {name}, the configuration is for {}", config.name));
    }
    if config.slot.is_empty() || config.slot.contains(|c: char| !c.is_ascii_graphic()) {
        return bad("slot", "must be printable ASCII without blanks".to_owned());
    }
    if config.keys.is_empty() && !config.listen.ip().is_loopback() {
        return bad(
            "listen",
            format!("{} faces the network, and without keys everybody there is believed", config.listen),
        );
    }
    if config.revision.is_empty() {
        config.revision = format!("{:08x}", bongsu_core::digest(&[&config.to_toml()]) >> 96);
    }
    Ok(config)
}
