//! The one place of this crate that asks the machine: for the time of day, what it lets us have, and which process is
//! which.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::unistd::{Pid, getpgid};
use serde::{Deserialize, Serialize};

/// The last millisecond that RFC 3339 can write.
const LAST: Duration = Duration::from_millis(253_402_300_799_999);

/// The wall clock in RFC 3339, UTC, milliseconds: `2026-01-31T09:30:00.125Z`.
#[expect(clippy::disallowed_methods, reason = "this module is the supervisor's source of time; nothing simulates it")]
pub fn now_rfc3339() -> String {
    rfc3339(SystemTime::now())
}

/// A clock that is set to where no such date exists shows the nearest one: a line without a date, or none at all, would
/// be worse than a wrong one.
fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_millis(UNIX_EPOCH + since.min(LAST)).to_string()
}

/// A process, told apart from every other one that had or will have its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// When it started, in clock ticks since boot.
    pub(crate) born: u64,
}

impl ProcessId {
    /// The process that has that number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        // Field 22 of /proc/PID/stat (proc(5)).
        Some(Self { pid, born: stat(pid)?.split_whitespace().nth(19)?.parse().ok()? })
    }

    /// This process.
    pub(crate) fn this() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Whether it was started with that variable in its environment.
    pub(crate) fn was_given(self, name: &str, value: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let wanted = format!("{name}={value}");
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) && self.is_alive()
    }

    /// The head of its group.
    pub(crate) fn group(self) -> Option<u32> {
        getpgid(Some(Pid::from_raw(self.pid as i32))).ok().map(|head| head.as_raw() as u32)
    }

    /// How often its threads have begun or ceased to run: the same again means that none of them moved.
    pub(crate) fn switches(self) -> Option<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?.flatten() {
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            let counts = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
            sum += counts.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum::<u64>();
        }
        self.is_alive().then_some(sum)
    }
}

/// What follows the name of a process in its `/proc/PID/stat`, from field 3 on: the name may hold spaces and brackets.
fn stat(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.to_owned())
}

/// How many files this process, and each that it starts, may have open; `None` when the machine does not say.
pub(crate) fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What tells a folder or file from every copy of it: nothing of it can be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Of the machine's run: after a restart nothing of what ran before runs.
    boot: String,
    device: u64,
    inode: u64,
    /// Nanoseconds since 1970, where the file system keeps it: numbers of inodes are given again.
    made: Option<u64>,
}

impl Identity {
    /// Of what is at that path now.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        Some(Self { boot, device: found.dev(), inode: found.ino(), made: made(&found) })
    }
}

fn made(found: &Metadata) -> Option<u64> {
    let since = found.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_printed_whatever_the_clock_says() {
        let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        for (time, expected) in [
            (after(1_769_851_800), "2026-01-31T09:30:00.000Z"),
            (after(253_402_300_800), "9999-12-31T23:59:59.999Z"),
            (after(i64::MAX.unsigned_abs() / 2), "9999-12-31T23:59:59.999Z"),
            (UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(time), expected);
        }
    }

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let this = ProcessId::this().unwrap();
        assert!(this.is_alive());
        assert!(!ProcessId { born: this.born + 1, ..this }.is_alive());
        assert!(!this.was_given("BONGSU_RUN", "no-such-run"));
        assert!(this.switches().unwrap() > 0);
        assert_eq!(ProcessId::of(u32::MAX), None);
    }

    #[test]
    fn a_copy_of_a_folder_is_another_one() {
        let root = tempfile::tempdir().unwrap();
        let (one, copy) = (root.path().join("one"), root.path().join("copy"));
        fs::create_dir(&one).unwrap();
        assert_eq!(Identity::of(&one), Identity::of(&one));
        assert!(std::process::Command::new("cp").arg("-a").args([&one, &copy]).status().unwrap().success());
        assert_ne!(Identity::of(&one), Identity::of(&copy));
        let before = Identity::of(&one);
        fs::rename(&one, root.path().join("moved")).unwrap();
        assert_eq!(before, Identity::of(&root.path().join("moved")), "a folder that is moved stays itself");
    }

    #[test]
    fn the_machine_says_how_many_files_may_be_open() {
        assert!(open_files().is_some_and(|files| files > 10));
    }
}
