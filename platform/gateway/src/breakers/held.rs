//! What operators hold, in a file: it outlives a gateway, and every gateway of the data folder does it within a second.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bongsu_breaker::Force;
use serde::{Deserialize, Serialize};

use crate::alone::alone;

/// By service: what, and until when, in milliseconds since the Unix epoch.
pub(super) type Held = BTreeMap<String, Wish>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    pub(super) state: Force,
    pub(super) until_ms: i64,
}

/// The file, and what was last read of it.
pub(super) struct HeldFile {
    path: PathBuf,
    last: Option<Vec<u8>>,
}

impl HeldFile {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), last: None }
    }

    /// What is in it, if that is something else than the last time. What cannot be read holds nothing.
    pub(super) fn news(&mut self, now_ms: i64) -> Option<Held> {
        let text = fs::read(&self.path).unwrap_or_default();
        if self.last.as_ref() == Some(&text) {
            return None;
        }
        let held = self.read(&text, now_ms);
        self.last = Some(text);
        Some(held)
    }

    /// Writes one wish among the others, or takes it out.
    pub(super) fn change(&mut self, service: &str, wish: Option<Wish>, now_ms: i64) {
        let written = || {
            // What another gateway was told in between stays.
            let _turn = alone(&self.path.with_extension("lock"))?;
            let mut held = self.read(&fs::read(&self.path).unwrap_or_default(), now_ms);
            match wish {
                Some(wish) => held.insert(service.to_owned(), wish),
                None => held.remove(service),
            };
            let text = serde_json::to_vec(&held).unwrap_or_default();
            let beside = self.path.with_extension("new");
            let mut file = fs::File::create(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        match written() {
            // It is read again: what others were told is news here.
            Ok(()) => {}
            Err(why) => tracing::error!(reason = %why, "what an operator holds will not outlive this gateway"),
        }
    }

    fn read(&self, text: &[u8], now_ms: i64) -> Held {
        if text.is_empty() {
            return Held::new();
        }
        let mut held: Held = serde_json::from_slice(text).unwrap_or_else(|why| {
            tracing::warn!(file = %self.path.display(), reason = %why, "nothing is held: the file cannot be read");
            Held::new()
        });
        held.retain(|_, wish| wish.until_ms > now_ms);
        held
    }
}
