//! Which files a broker takes, and the one line it says about the others.

use std::{fs, path::Path};

use bongsu_broker::server::{Server, ServerError};
use bongsu_runtime::ports::broker::{Broker as _, Producer};

use crate::bench::{Running, config, out, topic};

#[tokio::test]
async fn a_new_file_is_a_new_history_in_a_folder_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = Running::start(&folder.path().join("deep/down/one.db")).await;
    let two = Running::start(&folder.path().join("deep/down/two.db")).await;
    assert_ne!(one.log, two.log);
    one.stop().await.expect("it ends well");
    two.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_second_broker_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let running = Running::start(&data).await;
    let why = refusal(&data).await;
    assert!(matches!(why, ServerError::InUse { .. }), "{why:?}");
    running.stop().await.expect("it ends well");
    Running::start(&data).await.stop().await.expect("free again");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text.db");
    fs::write(&text, "dear diary, ".repeat(1_000)).expect("a file");
    let other = folder.path().join("other.db");
    let db = rusqlite::Connection::open(&other).expect("a database");
    db.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')").expect("a table");
    drop(db);
    for path in [text, other] {
        let before = fs::read(&path).expect("the file");
        let why = refusal(&path).await;
        assert!(matches!(why, ServerError::Foreign { .. }), "{why:?}");
        assert_eq!(fs::read(&path).expect("the file"), before, "not a byte was changed");
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = filled(&folder.path().join("header.db")).await;
    overwrite(&header, 0..100);
    let why = refusal(&header).await;
    assert!(matches!(why, ServerError::Foreign { .. }), "{why:?}");
    let middle = filled(&folder.path().join("middle.db")).await;
    overwrite(&middle, 100..20_000);
    let why = refusal(&middle).await;
    assert!(matches!(why, ServerError::Damaged { .. }), "{why:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("a file");
    for path in [folder.path().join("file/broker.db"), folder.path().to_owned()] {
        let why = refusal(&path).await;
        assert!(matches!(why, ServerError::Unusable { .. }), "{why:?}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("one.db")).await;
    let mut second = config(&folder.path().join("two.db"));
    second.listen = running.url.trim_start_matches("http://").parse().expect("an address");
    let why = Server::open(second).await.err().expect("the port is taken");
    assert!(matches!(why, ServerError::Listen { .. }), "{why:?}");
    assert!(why.to_string().contains(running.url.trim_start_matches("http://")), "{why}");
    running.stop().await.expect("it ends well");
}

async fn filled(path: &Path) -> std::path::PathBuf {
    let running = Running::start(path).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let batch = (1..=200).map(|n| out("gate", "a", n, &"x".repeat(500))).collect();
    running.client.publish(Producer::new("one", 1), batch).await.expect("a batch");
    running.stop().await.expect("it ends well");
    path.to_owned()
}

fn overwrite(path: &Path, range: std::ops::Range<usize>) {
    let mut bytes = fs::read(path).expect("the file");
    bytes[range].fill(0x5a);
    fs::write(path, bytes).expect("the file");
}

/// Why the file is refused, in one line that names it.
async fn refusal(path: &Path) -> ServerError {
    let why = Server::open(config(path)).await.err().expect("it is refused");
    let line = why.to_string();
    assert!(line.contains(&path.display().to_string()) && !line.contains('\n'), "{line}");
    why
}
