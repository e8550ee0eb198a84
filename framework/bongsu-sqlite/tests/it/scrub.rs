//! What was deleted is found in no file, however often pages were split and joined around it.

use std::fs;

use bongsu_runtime::ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store as _, Verdict};
use futures::executor::block_on;

use crate::bench::Home;

/// Enough for many pages, of sizes that fill them unevenly.
const DOCUMENTS: u128 = 3_000;

fn document(number: u128, put: bool) -> DocWrite {
    let filling = "x".repeat((number * 37 % 700) as usize);
    let body = || DocBody {
        data: format!("{{\"told\":\"canary-{number}-\",\"filling\":\"{filling}\"}}").into(),
        index: vec![(1, format!("index-canary-{number}-").into())],
    };
    DocWrite {
        key: DocKey::new("told", format!("id-{}-canary-{number}-", number * 7_919 % 10_007)),
        put: put.then(body),
    }
}

/// Which numbers lie in a file of the store.
fn found(home: &Home, wanted: impl Fn(u128) -> bool) -> Vec<String> {
    let folder = home.file().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut found = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for part in text.split("canary-").skip(1) {
            let number = part.split('-').next().and_then(|number| number.parse().ok());
            if number.is_some_and(&wanted) {
                found.push(format!("{}: {}", file.display(), part.chars().take(20).collect::<String>()));
            }
        }
    }
    found
}

#[test]
fn what_was_deleted_is_found_in_no_file() {
    let home = Home::new();
    let store = home.open();
    let write = |at: u128, numbers: &[u128], put: bool| {
        let mut commit = Commit::new(CommitId(at));
        commit.docs = numbers.iter().map(|number| document(*number, put)).collect();
        assert_eq!(block_on(store.commit(commit)), Ok(Verdict::Done));
    };
    let shuffled: Vec<u128> = (0..DOCUMENTS).map(|at| at * 1_009 % DOCUMENTS).collect();
    for (at, some) in shuffled.chunks(40).enumerate() {
        write(at as u128 + 1, some, true);
    }
    let is_deleted = |number: u128| number % 10 == 3 && number < DOCUMENTS;
    assert!(!found(&home, is_deleted).is_empty(), "this test sees nothing");
    let deleted: Vec<u128> = shuffled.iter().copied().filter(|number| is_deleted(*number)).collect();
    for (at, some) in deleted.chunks(7).enumerate() {
        write(at as u128 + 100_000, some, false);
    }
    block_on(store.scrub()).unwrap();
    let left = found(&home, is_deleted);
    assert!(left.is_empty(), "{} places, such as {:?}", left.len(), left.first());
    store.close();
}
