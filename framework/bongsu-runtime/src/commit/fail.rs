//! Why an input could not be planned, and why a command got no answer.

use bongsu_core::DecodeError;

use crate::{
    ports::store::StoreError,
    records::{todo::Failed, unreadable::Unreadable},
};

/// Why a unit could not be planned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fail {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This build does not know what it met, a newer one may: it waits for that.
    #[error("{0}")]
    Newer(String),
    /// The input cannot be handled by this build, now or later: park it.
    #[error("{0}")]
    Corrupt(String),
}

/// Why a command got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The once-key was used with another body.
    #[error("this idempotency key was used with another body")]
    KeyReused,
    /// Others kept changing what it rests on.
    #[error("overtaken too often by other changes")]
    Conflict,
    /// What this store does is not heard by anybody until an operator adopts its history.
    #[error("the history of {context} has parted from what was published: {why}")]
    HistoryParted {
        /// Whose history.
        context: String,
        /// Where and how.
        why: String,
    },
    /// The store is damaged or its file is gone: it is touched no more until an operator opens it anew.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store does not answer, or a newer build wrote what this one cannot read; ask again.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A stored thing cannot be read; all others can.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// Can never be stored.
    #[error("invalid: {0}")]
    Invalid(String),
}

impl Fail {
    /// What was met at a place could not be read.
    pub(crate) fn unread(place: &str, error: &DecodeError) -> Self {
        Self::of(error, format!("{place}: {error}"))
    }

    pub(crate) fn of(error: &DecodeError, why: String) -> Self {
        match error {
            DecodeError::Newer { .. } | DecodeError::Unknown { .. } => Self::Newer(why),
            DecodeError::Broken { .. } => Self::Corrupt(why),
        }
    }
}

/// Read again by a newer build, it may be right.
impl From<Unreadable> for Fail {
    fn from(unreadable: Unreadable) -> Self {
        Self::Newer(unreadable.to_string())
    }
}

impl Fail {
    /// Why an input cannot be handled, and what that means for it.
    ///
    /// # Errors
    /// The store's failure, which says nothing of the input.
    pub(crate) fn of_an_input(self) -> Result<(String, Failed), StoreError> {
        match self {
            Self::Store(error) => Err(error),
            Self::Newer(why) => Ok((why, Failed::Newer)),
            Self::Corrupt(why) => Ok((why, Failed::ForGood)),
        }
    }
}

impl From<DecodeError> for Fail {
    fn from(error: DecodeError) -> Self {
        Self::of(&error, error.to_string())
    }
}

pub(crate) fn refused(fail: Fail) -> CommandError {
    match fail {
        Fail::Store(error) => failed(error),
        // An instance of the newer build can answer.
        Fail::Newer(why) => CommandError::Unavailable(why),
        Fail::Corrupt(why) => CommandError::Corrupt(why),
    }
}

pub(crate) fn failed(error: StoreError) -> CommandError {
    match error {
        StoreError::Unavailable(why) | StoreError::Unknown(why) => CommandError::Unavailable(why),
        StoreError::Invalid(why) => CommandError::Invalid(why),
        StoreError::Corrupt(why) => CommandError::Damaged(why),
    }
}
