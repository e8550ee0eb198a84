//! Copies of a store: whole after a stop, one moment of a running one, and strangers to the original.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use bongsu_runtime::ports::store::{Position, Store};
use bongsu_sqlite::{
    Options, SqliteStore,
    files::{Snapshot, make_whole},
};
use futures::{FutureExt as _, executor::block_on};

use crate::bench::{Home, done, event, get, open_at, put, until};

/// What `cp -a` makes of a folder.
fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

fn counted(store: &SqliteStore, id: u128) {
    let mut commit = put(id, &id.to_string(), "x");
    commit.events.push(event(&format!("counter/{id}"), 1));
    done(store, commit);
}

fn folder_of(home: &Home) -> PathBuf {
    home.file().parent().unwrap().to_owned()
}

#[test]
fn a_copy_of_a_folder_that_is_in_use_neither_rings_the_original_nor_is_rung() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let original = home.open();
    counted(&original, 1);
    let folder = folder_of(&elsewhere).join("copy");
    copy_folder(&folder_of(&home), &folder);
    let copy = open_at(&folder.join("store.db"));
    // The copy runs ahead. Were it heard, the original would believe in positions it does not have, and whoever waits
    // for the next one would look again and again without a pause.
    for id in 2..50 {
        counted(&copy, id);
    }
    let waits = |store: &SqliteStore| {
        // Three ticks: everything that was sent has been heard.
        (0..3).for_each(|_| block_on(store.changed(Position(1_000))));
        store.changed(Position(block_on(store.head()).unwrap().0)).now_or_never().is_none()
    };
    assert!(waits(&original), "the original believes in a position of the copy");
    for id in 100..200 {
        counted(&original, id);
    }
    assert!(waits(&copy), "the copy believes in a position of the original");
    assert_eq!(get(&copy, "100"), Ok(None));
    assert_eq!(get(&original, "2"), Ok(None));
}

#[test]
fn nothing_in_a_store_names_a_process_a_port_or_a_path() {
    let home = Home::new();
    let store = home.open();
    done(&store, put(1, "a", "x"));
    let list = || home.raw().query_row("SELECT count(*) FROM doorbell", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(list(), 0);
    // What an earlier release left there goes.
    home.raw().execute("INSERT INTO doorbell VALUES (4711)", []).unwrap();
    store.close();
    home.open().close();
    assert_eq!(list(), 0);
}

#[test]
fn the_doorbell_rings_in_folders_whose_path_is_too_long_for_a_socket() {
    let home = Home::new();
    let folder = folder_of(&home).join("a".repeat(120));
    let file = folder.join("store.db");
    let (one, other) = (open_at(&file), open_at(&file));
    assert_eq!(fs::read_dir(folder.join("store.bells")).unwrap().count(), 2);
    let mut waiting = other.changed(Position(0));
    assert_eq!((&mut waiting).now_or_never(), None);
    counted(&one, 1);
    until("the other has heard of it", || other.changed(Position(0)).now_or_never().is_some());
}

/// What a copy of the database file alone holds.
fn alone(file: &Path, key: &str) -> bool {
    let elsewhere = Home::new();
    fs::copy(file, elsewhere.file()).unwrap();
    get(&elsewhere.open(), key).unwrap().is_some()
}

#[test]
fn a_store_that_was_shut_down_is_whole_in_its_one_file() {
    let home = Home::new();
    let (one, other) = (home.open(), home.open());
    done(&one, put(1, "a", "x"));
    done(&other, put(2, "b", "x"));
    block_on(one.shut_down());
    assert!(block_on(one.commit(put(3, "c", "x"))).is_err(), "nothing is taken any more");
    done(&other, put(4, "d", "x"));
    block_on(other.shut_down());
    assert!(["a", "b", "d"].into_iter().all(|key| alone(&home.file(), key)));
    // An empty log is none.
    assert_eq!(fs::metadata(home.file().with_extension("db-wal")).map_or(0, |log| log.len()), 0);
}

#[test]
fn a_file_whose_writer_was_killed_is_made_whole() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let store = home.open();
    done(&store, put(1, "a", "x"));
    // File and log as a killed process leaves them.
    let folder = folder_of(&elsewhere).join("killed");
    copy_folder(&folder_of(&home), &folder);
    let file = folder.join("store.db");
    assert!(fs::metadata(folder.join("store.db-wal")).unwrap().len() > 0);
    make_whole(&file).unwrap();
    assert!(alone(&file, "a"));
    let stranger = folder.join("notes.db");
    fs::write(&stranger, "no database").unwrap();
    make_whole(&stranger).unwrap();
    assert_eq!(fs::read_to_string(&stranger).unwrap(), "no database");
    assert!(make_whole(&folder.join("missing.db")).is_err());
}

#[test]
fn a_snapshot_is_one_moment_however_long_it_is_kept() {
    let home = Home::new();
    let store = home.open_with(Options { log_bytes: 1 << 20, ..Options::default() });
    counted(&store, 1);
    let snapshot = Snapshot::open(&home.file()).unwrap();
    for id in 2..40 {
        done(&store, put(id, "a", vec![id as u8; 100_000]));
        counted(&store, 1_000 + id);
    }
    let copy = folder_of(&home).join("copy.db");
    snapshot.copy_to(&copy).unwrap();
    assert_eq!(snapshot.head(), Some(1));
    drop(snapshot);
    assert!(get(&store, "a").unwrap().is_some());
    let copied = open_at(&copy);
    assert_eq!((get(&copied, "a"), block_on(copied.head())), (Ok(None), Ok(Position(1))));
    assert!(get(&copied, "1").unwrap().is_some());
    let error = Snapshot::open(&folder_of(&home).join("missing.db")).err().unwrap().to_string();
    assert!(error.contains("missing.db") && !error.contains('\n'), "{error}");
    assert!(Snapshot::open(&copy).unwrap().copy_to(&copy).is_err(), "nothing is overwritten");
}

#[test]
fn every_file_of_a_store_is_its_owners_alone() {
    let home = Home::new();
    let (store, other) = (home.open(), home.open());
    done(&store, put(1, "a", "x"));
    let mut seen = 0;
    for entry in fs::read_dir(folder_of(&home)).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", entry.path().display());
        seen += 1;
    }
    assert!(seen >= 6, "file, log, shared memory, two locks and the bells; {seen} were seen");
    drop(other);
}
