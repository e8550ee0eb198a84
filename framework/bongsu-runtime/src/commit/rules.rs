//! By which rules commands are decided now, and under which configuration: a value, of which each input takes one and keeps it
//! to its end.

use std::sync::Arc;

use crate::commit::{core::Core, map::CommandHandler};

/// The deciders and decisions of a map, as one configuration makes them.
pub(crate) struct Rules {
    /// The name of the configuration; `None` when nobody gave it one.
    pub(crate) revision: Option<Arc<str>>,
    /// In the order of the map's owners.
    pub(crate) handlers: Arc<Vec<Box<dyn CommandHandler>>>,
}

/// Rules that are not those of the map that runs.
#[derive(Debug, thiserror::Error)]
#[error("these rules are for {other}, and {running} runs with other commands")]
pub struct OtherRules {
    other: &'static str,
    running: &'static str,
}

impl Core {
    /// Those that count now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whoever begins from now on decides under that name, and by these handlers if there are any.
    pub(crate) fn decide_by(
        &self,
        revision: Arc<str>,
        other: Option<(&'static str, Vec<Box<dyn CommandHandler>>)>,
    ) -> Result<(), OtherRules> {
        let running = self.rules();
        let handlers = match other {
            None => running.handlers.clone(),
            Some((name, handlers)) => {
                let names = |handlers: &[Box<dyn CommandHandler>]| -> Vec<_> {
                    handlers.iter().map(|handler| handler.names()).collect()
                };
                if name != self.map.name || names(&handlers) != names(&running.handlers) {
                    return Err(OtherRules { other: name, running: self.map.name });
                }
                Arc::new(handlers)
            }
        };
        let rules = Arc::new(Rules { revision: Some(revision), handlers });
        *self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = rules;
        Ok(())
    }
}
