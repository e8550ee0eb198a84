//! What an error of SQLite means for the callers, depending on when it came.

use bongsu_runtime::ports::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// Why a transaction did not happen.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Something in the group cannot be stored: replay one by one.
    Content(String),
    /// Nothing was applied; try again later.
    Unavailable(String),
    /// The file is damaged.
    Corrupt(String),
    /// COMMIT failed: whether the group is durable cannot be known.
    Unknown(String),
}

impl Trouble {
    /// An error before COMMIT: the transaction is rolled back, so nothing of it was applied.
    pub(crate) fn before_commit(error: &Error) -> Self {
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted,
            ) => Self::Unavailable(why),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(why),
            Some(_) => Self::Content(why),
            None => Self::Corrupt(why), // A row that is not what this crate writes.
        }
    }

    /// An error of COMMIT itself. A full disk or a foreign lock stop it before the record that makes the group
    /// count; anything else may have come after, a failed fsync above all.
    pub(crate) fn of_commit(error: &Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => Self::Unavailable(error.to_string()),
            _ => Self::Unknown(error.to_string()),
        }
    }
}

/// What a failed read means.
pub(crate) fn of_read(error: &Error) -> StoreError {
    match Trouble::before_commit(error) {
        Trouble::Corrupt(why) => StoreError::Corrupt(why),
        Trouble::Content(why) | Trouble::Unavailable(why) | Trouble::Unknown(why) => StoreError::Unavailable(why),
    }
}
