//! The program itself, as far as it differs from the library.

use std::{fs::File, process::Command};

#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    for flag in ["--help", "--version", "--print-config"] {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let payment = Command::new(env!("CARGO_BIN_EXE_payment")).arg(flag).stdout(full).output().expect("it runs");
        let said = String::from_utf8_lossy(&payment.stderr).into_owned();
        assert_eq!(payment.status.code(), Some(1), "{flag}: {said}");
        assert!(said.starts_with("payment: cannot ") && said.lines().count() == 1, "{flag}: {said}");
    }
}
