//! Ends an instance that holds the file of a store that others wait for, and does not move.
//!
//! Instances of a service take turns at writing (a lock on `NAME.db.lock`). One that is stopped or frozen in the midst of
//! its turn keeps it for as long as it stands, and the others answer 503. The kernel says who holds a lock and who waits
//! for it (`/proc/locks`); whether a process moves shows in how often its threads were switched: one that waits for a slow
//! disk has threads that go on. Killing is safe, a kill is what everything here is made for; but it is done only to our
//! own children, and only while somebody waits.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::Fleet;
use crate::keeper::Ask;
use crate::logs::Logs;
use crate::machine::ProcessId;
use crate::progress::say;
use crate::registry::Registry;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(400);
/// Looks in a row at which the holder had not moved. Looks and not time: a machine that slept moved nobody.
const STILL: u32 = 5;

/// A lock somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    inode: u64,
    holder: u32,
}

/// What was seen of a holder the last time.
struct Seen {
    process: ProcessId,
    switches: u64,
    times: u32,
}

/// Looks for ever.
pub(crate) async fn watch(fleet: Arc<Fleet>, registry: Arc<Registry>, logs: Arc<Logs>, data: PathBuf) {
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let waited_for = waited_for(&fs::read_to_string("/proc/locks").unwrap_or_default());
        seen.retain(|inode, _| waited_for.iter().any(|held| held.inode == *inode));
        if waited_for.is_empty() {
            continue;
        }
        for row in registry.instances() {
            let Some(pid) = row.pid else { continue };
            let lock = lock_of(&data, &row.name);
            // An instance may be several processes, of which we started the first.
            let is_of_it = |holder: u32| ProcessId::of(holder).and_then(ProcessId::group) == Some(pid);
            let of_it = |held: &&Held| Some(held.inode) == lock && is_of_it(held.holder);
            let Some(held) = waited_for.iter().find(of_it) else { continue };
            if stands_still(&mut seen, *held) {
                seen.remove(&held.inode);
                let (slot, name) = (&row.instance, &row.name);
                let line =
                    format!("{slot} holds the file of {name}, for which others wait, and does not move: it is killed");
                logs.note("WARN", &line);
                say(&line);
                fleet.ask(slot, Ask::Kill).await;
            }
        }
    }
}

/// Notes how the holder of a lock is, and says whether it has stood still for too long.
fn stands_still(seen: &mut HashMap<u64, Seen>, held: Held) -> bool {
    let Some(process) = ProcessId::of(held.holder) else { return false };
    let Some(switches) = process.switches() else { return false };
    let last = seen.entry(held.inode).or_insert(Seen { process, switches, times: 0 });
    if (last.process, last.switches) == (process, switches) {
        last.times += 1;
    } else {
        *last = Seen { process, switches, times: 1 };
    }
    last.times >= STILL
}

/// The inode of the lock that instances of a service take turns with.
fn lock_of(data: &Path, name: &str) -> Option<u64> {
    fs::metadata(data.join(format!("{name}.db.lock"))).ok().map(|lock| lock.ino())
}

/// The locks that somebody waits for, with who has them. A line of `/proc/locks` (proc(5)) is
/// `1: FLOCK  ADVISORY  WRITE 708 00:14:13978 0 EOF`; who waits follows with the same number and an arrow:
/// `1: -> FLOCK  ADVISORY  WRITE 709 00:14:13978 0 EOF`.
fn waited_for(locks: &str) -> Vec<Held> {
    let mut found = Vec::new();
    let mut holder: Option<Held> = None;
    for line in locks.lines() {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        match words.as_slice() {
            ["->", ..] => found.extend(holder.take()),
            ["FLOCK", _, _, pid, file, ..] => {
                let inode = file.rsplit(':').next().and_then(|inode| inode.parse().ok());
                holder = pid.parse().ok().zip(inode).map(|(holder, inode)| Held { inode, holder });
            }
            _ => holder = None,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_that_nobody_waits_for_are_passed_over() {
        let locks = "1: FLOCK  ADVISORY  WRITE 708 00:14:13978 0 EOF\n\
                     2: POSIX  ADVISORY  READ  12 fe:00:99 128 128\n\
                     3: FLOCK  ADVISORY  WRITE 709 fe:00:4711 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 710 fe:00:4711 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 711 fe:00:4711 0 EOF\n\
                     4: POSIX  ADVISORY  WRITE 13 fe:00:98 0 EOF\n\
                     4: -> POSIX  ADVISORY  WRITE 14 fe:00:98 0 EOF\n\
                     nonsense\n";
        assert_eq!(waited_for(locks), [Held { inode: 4_711, holder: 709 }]);
    }

    #[test]
    fn only_one_that_does_not_move_stands_still() {
        let mut seen = HashMap::new();
        let held = Held { inode: 1, holder: std::process::id() };
        for _ in 0..3 * STILL {
            // A thread that is waited for was switched.
            std::thread::spawn(|| std::thread::park_timeout(Duration::from_millis(1))).join().unwrap();
            std::thread::park_timeout(Duration::from_millis(1));
            assert!(!stands_still(&mut seen, held));
        }
        let mut asleep = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let held = Held { inode: 2, holder: asleep.id() };
        let mut looks = 0;
        while !stands_still(&mut seen, held) {
            looks += 1;
            assert!(looks < 10_000);
            std::thread::park_timeout(Duration::from_millis(1));
        }
        assert!(looks + 1 >= STILL);
        asleep.kill().unwrap();
        asleep.wait().unwrap();
        assert!(!stands_still(&mut seen, held), "a process that is gone holds nothing");
    }
}
