//! Programs whose output nobody takes.

use std::{fs::File, process::Command};

use system_tests::{harness::system::binary, mall::CONTEXTS};

#[test]
fn what_a_context_cannot_print_is_a_failure() {
    for context in CONTEXTS {
        for flag in ["--help", "--version", "--print-config"] {
            let full = File::options().write(true).open("/dev/full").expect("a full disk");
            let ended = Command::new(binary(context)).arg(flag).stdout(full).output().expect("it runs");
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(1), "{context} {flag}: {said}");
            let is_one_line = said.starts_with(&format!("{context}: cannot ")) && said.lines().count() == 1;
            assert!(is_one_line, "{context} {flag}: {said}");
        }
    }
}
