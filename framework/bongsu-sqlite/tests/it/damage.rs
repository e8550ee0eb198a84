//! A file that is damaged while it is open: said as Corrupt, and touched no more.

use bongsu_runtime::ports::store::{Store, StoreError};
use futures::executor::block_on;

use crate::bench::{Home, done, get, put};

#[test]
fn a_file_damaged_while_open_is_corrupt_and_touched_no_more() {
    let home = Home::new();
    let store = home.open();
    for id in 1..=300 {
        done(&store, put(id, &id.to_string(), vec![b'x'; 3_000]));
    }
    home.raw().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let file = std::fs::read(home.file()).unwrap();
    let smashed: Vec<u8> = file[..4096].iter().copied().chain(file[4096..].iter().map(|_| 0xAA)).collect();
    std::fs::write(home.file(), &smashed).unwrap();
    let found = (1..=300).map(|id| get(&store, &id.to_string())).find(Result::is_err);
    assert!(matches!(found, Some(Err(StoreError::Corrupt(_)))), "{found:?}");
    let refused = block_on(store.commit(put(999, "new", "x")));
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    assert!(matches!(get(&store, "1"), Err(StoreError::Corrupt(_))));
    store.close();
    assert_eq!(std::fs::read(home.file()).unwrap(), smashed);
}

#[test]
fn a_file_that_is_removed_or_replaced_while_it_is_open_takes_nothing_more() {
    for replaced in [false, true] {
        let home = Home::new();
        let store = home.open();
        done(&store, put(1, "a", "kept"));
        if replaced {
            let other = home.file().with_extension("other");
            std::fs::copy(home.file(), &other).unwrap();
            std::fs::rename(&other, home.file()).unwrap();
        } else {
            std::fs::remove_file(home.file()).unwrap();
        }
        let refused = block_on(store.commit(put(2, "b", "lost")));
        let Err(StoreError::Corrupt(why)) = refused else { panic!("{refused:?}") };
        assert!(why.contains("removed while it was open"), "{why}");
    }
}
