//! One input of a process instance with what followed: the event its stream consists of.

use bongsu_core::{DecodeError, EffectId, Input, Process, RecordedEffect, Taken};
use serde::{Deserialize, Serialize};

use crate::records::message::RecordedMessage;

/// One input of a process instance with what followed: the event its stream consists of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) input: StepInput,
    #[serde(default)]
    pub(crate) effects: Vec<RecordedEffect<RecordedMessage>>,
}

/// An input as written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StepInput {
    Heard(RecordedMessage),
    Woke {
        name: String,
    },
    Refused {
        effect: EffectId,
        rejection: RecordedMessage,
    },
    /// An undo was refused: a person has to look.
    Stuck {
        reason: String,
    },
}

/// The event a process stream consists of. In schema 1 every effect of a list was carried out, whatever happened in its
/// midst; since schema 2 a list goes as [`Course`] says.
pub(crate) const STEP: (&str, u32) = ("bongsu.process-step", 2);

impl StepInput {
    pub(crate) fn taken(&self) -> Taken<'_> {
        match self {
            Self::Heard(_) => Taken::Heard,
            Self::Woke { name } => Taken::Woke(name),
            Self::Refused { effect, .. } => Taken::Refused(*effect),
            Self::Stuck { .. } => Taken::Stuck,
        }
    }

    /// Calls `f` with the typed input; `None` for an input only the runtime knows.
    pub(crate) fn with<P: Process, R>(
        &self,
        f: impl FnOnce(&Input<'_, P::Heard>) -> R,
    ) -> Result<Option<R>, DecodeError> {
        Ok(Some(match self {
            Self::Heard(heard) => f(&Input::Heard(&*heard.message().decode()?)),
            Self::Woke { name } => f(&Input::Woke { name }),
            Self::Refused { effect, rejection } => {
                f(&Input::Refused { effect: *effect, rejection: rejection.data.get().as_bytes() })
            }
            Self::Stuck { .. } => return Ok(None),
        }))
    }
}
