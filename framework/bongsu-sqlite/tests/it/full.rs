//! A disk that is full: Unavailable, nothing lost, and well again when there is room.

use std::{path::Path, process::Command};

use bongsu_runtime::ports::store::{Store, StoreError, Verdict};
use bongsu_sqlite::{Options, SqliteStore};
use futures::executor::block_on;

use crate::bench::{Home, argument, done, get, open_at, put, this_binary};

/// Writes until the store answers unavailable; how many were acknowledged.
fn fill(store: &SqliteStore) -> u128 {
    for id in 1..100_000 {
        match block_on(store.commit(put(id, &id.to_string(), vec![b'x'; 10_000]))) {
            Ok(Verdict::Done) => {}
            Err(StoreError::Unavailable(why)) => {
                assert!(why.contains("full"), "{why}");
                return id - 1;
            }
            other => panic!("after {id}: {other:?}"),
        }
    }
    panic!("it never filled");
}

fn all_there(store: &SqliteStore, acknowledged: u128) {
    assert!(acknowledged > 5, "something was written first: {acknowledged}");
    for id in 1..=acknowledged {
        assert!(get(store, &id.to_string()).unwrap().is_some(), "{id} of {acknowledged}");
    }
    assert_eq!(get(store, &(acknowledged + 1).to_string()), Ok(None), "unavailable means not applied");
}

#[test]
fn a_store_at_its_limit_is_unavailable_until_there_is_room() {
    let home = Home::new();
    let store = home.open_with(Options { max_bytes: Some(1 << 20), ..Options::default() });
    let acknowledged = fill(&store);
    all_there(&store, acknowledged);
    assert!(matches!(
        block_on(store.commit(put(1_000_000, "more", vec![b'x'; 10_000]))),
        Err(StoreError::Unavailable(_))
    ));
    block_on(store.drop_table("t")).unwrap();
    done(&store, put(1_000_001, "room again", vec![b'x'; 10_000]));
    store.close();
    assert!(home.file().metadata().unwrap().len() <= 1 << 20);
}

#[test]
fn a_full_disk_is_unavailable_until_there_is_room() {
    let home = Home::new();
    let disk = home.file().with_file_name("disk");
    std::fs::create_dir(&disk).unwrap();
    let child = this_binary("full::on_a_small_disk", &disk);
    // A file system of its own, in a mount namespace that ends with the child.
    let mount = "mount -t tmpfs -o size=3m tmpfs \"$0\" || exit 99; exec \"$@\"";
    let mut apart = Command::new("unshare");
    apart.args(["--mount", "--map-root-user", "sh", "-c", mount]).arg(&disk).arg(child.get_program());
    apart.args(child.get_args()).envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = match apart.output() {
        Ok(output) => output,
        Err(error) => return println!("not tried, there is no unshare here: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(99) || said.contains("unshare failed") {
        return println!("not tried, this machine allows no mounts: {said}");
    }
    assert!(output.status.success() && said.contains("well again"), "{said}");
}

#[test]
#[ignore = "the process the test above starts"]
fn on_a_small_disk() {
    let disk = argument();
    let file = disk.join("store.db");
    let filler = disk.join("filler");
    let store = open_at(&file);
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let acknowledged = fill(&store);
    all_there(&store, acknowledged);
    // Not one refusal but many: it neither dies nor forgets.
    for id in 0..20 {
        let answer = block_on(store.commit(put(500_000 + id, "more", vec![b'x'; 100_000])));
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    all_there(&store, acknowledged);
    std::fs::remove_file(&filler).unwrap();
    done(&store, put(600_000, "room again", vec![b'x'; 100_000]));
    store.close();
    reopened(&file, acknowledged);
    println!("well again");
}

fn reopened(file: &Path, acknowledged: u128) {
    let store = open_at(file);
    all_there(&store, acknowledged);
    assert_eq!(get(&store, "more"), Ok(None));
    assert!(get(&store, "room again").unwrap().is_some());
}
