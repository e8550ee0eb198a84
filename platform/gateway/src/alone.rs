//! What several gateways of one data folder write: one at a time.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A turn takes a few milliseconds; whoever has it for longer stands still, and others are not to stand still with him.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for a turn at what that file stands for; it is over when what is given is dropped, also by a kill.
///
/// # Errors
/// The file cannot be made or locked; timed out when another has the turn for two seconds.
pub(crate) fn alone(lock: &Path) -> io::Result<File> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(lock)?;
    if file.try_lock().is_ok() {
        return Ok(file);
    }
    let (give, take) = mpsc::channel();
    // It is not interrupted; a turn that nobody waits for any more is given back at once.
    thread::Builder::new().name("turn".into()).spawn(move || give.send(file.lock().map(|()| file)))?;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "another gateway has had its turn for too long");
    take.recv_timeout(PATIENCE).map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_when_it_is_dropped_and_nobody_waits_for_long_for_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        let turn = alone(&lock).unwrap();
        assert_eq!(alone(&lock).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(turn);
        assert!(alone(&lock).is_ok());
    }
}
