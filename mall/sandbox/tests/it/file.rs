//! The ledger on disk.

use std::{fs, io::Write as _, path::PathBuf};

use money::Money;
use sandbox::{
    ledger::{Ledger, LedgerError},
    provider::Entry,
};

fn entry(key: &str) -> Entry {
    Entry::Arrived { key: key.into(), order: "o1".into(), amount: Money::krw(1), not_after_ms: None, at_ms: 7 }
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("deep/sandbox.ledger");
    (folder, path)
}

#[test]
fn what_was_appended_is_there_at_the_next_start() {
    let (_folder, path) = fresh();
    let (mut ledger, before) = Ledger::open(&path).unwrap();
    assert_eq!(before, []);
    ledger.append(&[entry("a"), entry("b")]).unwrap();
    ledger.append(&[entry("c")]).unwrap();
    assert_eq!(Ledger::open(&path).unwrap().1, [entry("a"), entry("b"), entry("c")]);
}

#[test]
fn a_torn_last_line_is_cut_off_and_the_next_entry_stands_on_its_own_line() {
    let (_folder, path) = fresh();
    Ledger::open(&path).unwrap().0.append(&[entry("a")]).unwrap();
    let whole = fs::read(&path).unwrap();
    for torn in 1..whole.len() {
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&whole[..torn.min(whole.len() - 1)]).unwrap();
        let (mut ledger, entries) = Ledger::open(&path).unwrap();
        assert_eq!(entries, [entry("a")], "torn after {torn} bytes");
        ledger.append(&[entry("b")]).unwrap();
        assert_eq!(Ledger::open(&path).unwrap().1, [entry("a"), entry("b")]);
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn damage_anywhere_else_is_refused_with_its_line() {
    let (_folder, path) = fresh();
    Ledger::open(&path).unwrap().0.append(&[entry("a"), entry("b"), entry("c")]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"b\"", "\"b", 1)).unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { line: 2, .. }), "{error}");
    assert!(error.to_string().ends_with("is damaged at line 2"), "{error}");
}
