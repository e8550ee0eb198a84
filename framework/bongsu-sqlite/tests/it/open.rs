//! Files that must not be opened: one clear line each, and the file stays as it was.

use std::path::Path;

use bongsu_sqlite::{OpenError, Options, SqliteStore};

use crate::bench::{Home, done, event, feed, get, put};

/// The error of opening, checked to be one line that names the file.
fn refused(path: &Path) -> OpenError {
    let error = SqliteStore::open(path, Options::default()).expect_err("this file must be refused");
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains(path.to_str().unwrap()), "{line:?}");
    error
}

/// A closed file with something in it.
fn written() -> Home {
    let home = Home::new();
    let store = home.open();
    for id in 1..=200 {
        done(&store, put(id, &id.to_string(), vec![b'x'; 2_000]));
    }
    store.close();
    home
}

fn overwrite(path: &Path, at: usize, length: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at..at + length].fill(b'#');
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_survives_being_closed_and_opened() {
    let home = written();
    assert!(!home.file().with_extension("db-wal").exists(), "closed means that all is in the one file");
    let store = home.open();
    assert_eq!(get(&store, "200").unwrap().unwrap().data.len(), 2_000);
}

#[test]
fn an_overwritten_header_is_damage() {
    for (at, length) in [(0, 100), (0, 1), (16, 2), (56, 4)] {
        let home = written();
        overwrite(&home.file(), at, length);
        let before = std::fs::read(home.file()).unwrap();
        let error = refused(&home.file());
        assert!(matches!(error, OpenError::Damaged { .. }), "{at}+{length}: {error}");
        assert_eq!(std::fs::read(home.file()).unwrap(), before, "{at}+{length}");
    }
}

#[test]
fn an_overwritten_page_is_damage() {
    let home = written();
    overwrite(&home.file(), 4096 * 5, 4096);
    assert!(matches!(refused(&home.file()), OpenError::Damaged { .. }));
}

#[test]
fn a_file_cut_short_is_damage() {
    for keep in [1, 50, 4096, 4096 * 20 + 7] {
        let home = written();
        std::fs::OpenOptions::new().write(true).open(home.file()).unwrap().set_len(keep).unwrap();
        let error = refused(&home.file());
        assert!(matches!(error, OpenError::Damaged { .. }), "{keep} bytes: {error}");
    }
}

#[test]
fn a_text_file_is_no_store() {
    let home = Home::new();
    std::fs::write(home.file(), "these are my notes, do not lose them").unwrap();
    assert!(matches!(refused(&home.file()), OpenError::Damaged { .. }));
    assert_eq!(std::fs::read(home.file()).unwrap(), b"these are my notes, do not lose them");
}

#[test]
fn a_database_of_another_program_is_foreign() {
    for theirs in ["CREATE TABLE notes (text TEXT)", "PRAGMA application_id = 7; CREATE TABLE meta (key, value)"] {
        let home = Home::new();
        home.raw().execute_batch(theirs).unwrap();
        let before = std::fs::read(home.file()).unwrap();
        assert!(matches!(refused(&home.file()), OpenError::Foreign { .. }), "{theirs}");
        assert_eq!(std::fs::read(home.file()).unwrap(), before, "nothing was changed");
    }
}

#[test]
fn a_newer_schema_is_left_to_the_newer_program() {
    let home = written();
    home.raw().execute("UPDATE meta SET value = 99 WHERE key = 'schema'", []).unwrap();
    assert!(matches!(refused(&home.file()), OpenError::Newer { found: 99, known: 1, .. }));
}

#[test]
fn a_folder_that_cannot_be_written_is_said_so() {
    let home = Home::new();
    std::fs::write(home.file(), "a file, not a folder").unwrap();
    let below = home.file().join("store.db");
    assert!(matches!(refused(&below), OpenError::NotWritable { .. }));
    // Read-only also for root, whom permissions do not stop.
    let kernel = Path::new("/sys/kernel/store.db");
    if kernel.parent().is_some_and(Path::exists) {
        assert!(matches!(refused(kernel), OpenError::NotWritable { .. }));
    }
}

#[test]
fn a_missing_folder_is_made() {
    let home = Home::new();
    let deep = home.file().with_file_name("a").join("b").join("store.db");
    done(&SqliteStore::open(&deep, Options::default()).unwrap(), put(1, "a", "x"));
    assert!(deep.exists());
}

/// Earlier builds wrote tags beside an event (decision 0026): what is there is passed over, and nothing is added to it.
#[test]
fn tags_of_an_earlier_build_are_passed_over() {
    let home = Home::new();
    let write = |version| {
        let store = home.open();
        let mut commit = put(u128::from(version), "a", "x");
        commit.events.push(event("counter/a", version));
        done(&store, commit);
        store.close();
    };
    write(1);
    home.raw()
        .execute_batch(
            "UPDATE event SET tags = '[\"red\"]'; INSERT INTO tag (tag, position, version) VALUES ('red', 1, 1)",
        )
        .unwrap();
    write(2);
    let versions = feed(&home.open()).iter().map(|event| event.version).collect::<Vec<_>>();
    let tagged = "SELECT (SELECT count(*) FROM tag), (SELECT count(tags) FROM event)";
    let counts = home.raw().query_row(tagged, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((versions, counts), (vec![1, 2], (1, 1)));
}
