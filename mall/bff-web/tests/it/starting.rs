//! Whom it asks stands in its map and in the system's file: where they differ it does not start.

use std::{fs, path::Path, process::Command};

/// What the process says, and whether it refused, when it may ask these.
fn started(folder: &Path, directory: &str) -> (Option<i32>, String) {
    let file = folder.join("directory.json");
    fs::write(&file, directory).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bff-web"));
    command.current_dir(folder).env("BONGSU_DIRECTORY", &file);
    let ended = command.output().expect("it runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).trim().to_owned())
}

#[test]
fn a_map_and_a_system_that_differ_about_whom_it_asks_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    // What stands there differently is not tried again; a file that is not there yet may be there a moment later.
    let cases = [
        (
            78,
            r#"{"ordering": [], "payment": [], "mypage": []}"#,
            "bff-web asks delivery, which the system does not say",
        ),
        (
            78,
            r#"{"ordering": [], "payment": [], "delivery": [], "mypage": [], "audit": []}"#,
            "bff-web does not ask audit",
        ),
        (
            78,
            "{}",
            "bff-web asks delivery, which the system does not say: asks = [\"delivery\"] of bff-web in bongsu.toml",
        ),
        (1, "garbage", "is no directory of services"),
    ];
    for (expected, directory, why) in cases {
        let (code, line) = started(folder.path(), directory);
        assert_eq!(code, Some(expected), "{directory}: {line}");
        assert!(line.contains(why) && line.lines().count() == 1, "{directory}: {line}");
    }
}
