//! A COMMIT that fails in the middle: the outcome is unknown, and the process must not go on.
//!
//! The file size limit of the shell makes a write to the log fail with something else than a full disk.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use bongsu_runtime::ports::store::{Store, StoreError, Verdict};
use bongsu_sqlite::{Options, SqliteStore};
use futures::executor::block_on;

use crate::bench::{Home, argument, done, get, put, this_binary};

/// Runs a role that may write files of 1 MiB at most.
fn limited(role: &str, file: &Path) -> Output {
    let child = this_binary(role, file);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""]).arg(child.get_program());
    shell.args(child.get_args()).envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap()
}

/// Writes until a Commit is answered otherwise; prints every acknowledged one.
fn write(store: &SqliteStore) -> StoreError {
    for id in 1..10_000 {
        match block_on(store.commit(put(id, &id.to_string(), vec![b'x'; 10_000]))) {
            Ok(Verdict::Done) => println!("acknowledged {id}"),
            Ok(refused) => panic!("{refused:?}"),
            Err(error) => return error,
        }
    }
    panic!("it never failed");
}

#[test]
fn a_failed_commit_ends_the_process_with_one_line() {
    let home = Home::new();
    let output = limited("fatal::write_until_it_fails", &home.file());
    let (out, line) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(74), "{out}{line}");
    assert!(line.contains(home.file().to_str().unwrap()) && line.contains("unknown"), "{line}");
    assert_eq!(line.trim().lines().count(), 1, "{line}");
    let last = out.lines().filter_map(|line| line.strip_prefix("acknowledged ")).next_back();
    let last: u128 = last.expect("some were acknowledged first").parse().unwrap();
    let store = home.open();
    for id in 1..=last {
        assert!(get(&store, &id.to_string()).unwrap().is_some(), "{id} of {last}");
    }
    done(&store, put(1_000_000, "later", "x"));
}

#[test]
#[ignore = "the process the test above starts"]
fn write_until_it_fails() {
    let store = SqliteStore::open(argument(), Options::default()).unwrap();
    let error = write(&store);
    // The process is ending on another thread; only the right answer may be seen until then.
    assert!(matches!(error, StoreError::Unknown(_)), "{error}");
    loop {
        std::thread::park();
    }
}

#[test]
fn the_callers_of_a_failed_commit_hear_that_its_outcome_is_unknown() {
    let home = Home::new();
    let output = limited("fatal::write_until_it_fails_and_look", &home.file());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("looked"), "{said}");
}

#[test]
#[ignore = "the process the test above starts"]
fn write_until_it_fails_and_look() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    let fatal = Arc::new(move |line: &str| heard.lock().unwrap().push(line.to_owned()));
    let store = SqliteStore::open(argument(), Options { fatal, ..Options::default() }).unwrap();
    assert!(matches!(write(&store), StoreError::Unknown(_)));
    let after = block_on(store.commit(put(1_000_000, "later", "x")));
    assert!(matches!(after, Err(StoreError::Unavailable(_))), "a store that failed takes nothing more: {after:?}");
    store.close();
    assert_eq!(lines.lock().unwrap().len(), 1, "{lines:?}");
    println!("looked");
}
