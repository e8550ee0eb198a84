//! What the kernel says of a process (proc(5)), and of the machine.

use std::{fs, path::Path, time::Duration};

/// `USER_HZ`, which is a hundred on every architecture Linux runs Rust on.
const TICKS_A_SECOND: u64 = 100;

/// The processor time of a process so far, its own and the kernel's for it: ten milliseconds fine.
pub(crate) fn processor(pid: u32) -> Duration {
    let stat = read(pid, "stat");
    // Its name comes second, in parentheses, and may hold anything.
    let (_, rest) = stat.rsplit_once(") ").expect("the kernel names it");
    let field = |at: usize| rest.split(' ').nth(at).and_then(|text| text.parse::<u64>().ok()).expect("a number");
    // utime and stime, fields 14 and 15 where the state is the third.
    Duration::from_millis((field(11) + field(12)) * (1_000 / TICKS_A_SECOND))
}

/// What all of them took so far.
pub(crate) fn processor_of(pids: &[u32]) -> Duration {
    pids.iter().map(|pid| processor(*pid)).sum()
}

/// Bytes all of them made the disk write so far: pages they dirtied.
pub(crate) fn written_by(pids: &[u32]) -> u64 {
    pids.iter().map(|pid| number(&read(*pid, "io"), "write_bytes:")).sum()
}

/// Proportional set size, as the kernel accounts shared pages, in megabytes.
pub(crate) fn pss_mb(pid: u32) -> f64 {
    number(&read(pid, "smaps_rollup"), "Pss:") as f64 / 1_024.0
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let all = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    all.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Sizes of the database files in a folder, without what is free in them: what is kept.
pub(crate) fn kept(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    files.filter(|file| file.extension().is_some_and(|end| end == "db")).map(|file| used(&file)).sum()
}

/// Bytes of the pages in use of a database, with what is still in its log.
fn used(file: &Path) -> u64 {
    let open = rusqlite::Connection::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let pragma = |name: &str| open.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let [pages, free, size] =
        ["page_count", "freelist_count", "page_size"].map(|name| pragma(name).unwrap_or_else(|why| panic!("{why}")));
    ((pages - free) * size) as u64
}

fn read(pid: u32, what: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_else(|why| panic!("{what} of process {pid}: {why}"))
}

fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
