//! Samples are written once: against the lock, and against what git has.

use std::process::Command;

use super::*;

const NAME: &str = "door.opened.v1";

fn context() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden");
    let sample = golden.join("door.opened.v1.json");
    fs::create_dir(&golden).expect("a folder");
    fs::write(&sample, "{}").expect("a file");
    (folder, golden, sample)
}

fn kept(folder: &Path, golden: &Path, samples: &[PathBuf], bless: &Bless) -> bool {
    std::panic::catch_unwind(|| keep(folder, golden, samples, bless)).is_ok()
}

fn git(folder: &Path, args: &[&str]) {
    let who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").arg("-C").arg(folder).args(who).args(args).output().expect("git runs");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The context after its first sample was remembered and everything was committed.
fn committed() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (folder, golden, sample) = context();
    keep(folder.path(), &golden, std::slice::from_ref(&sample), &Bless::New);
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "-m", "first"]);
    (folder, golden, sample)
}

#[test]
fn a_sample_is_remembered_once_and_altered_only_by_name() {
    let (folder, golden, sample) = context();
    let folder = folder.path();
    let samples = [sample.clone()];
    assert!(!kept(folder, &golden, &samples, &Bless::Nothing), "it is new");
    assert!(kept(folder, &golden, &samples, &Bless::New));
    assert!(kept(folder, &golden, &samples, &Bless::Nothing));
    fs::write(&sample, "{\"a\":1}").expect("a file");
    let other = Bless::Replace("door.closed.v1".into());
    for refused in [Bless::Nothing, Bless::New, other] {
        assert!(!kept(folder, &golden, &samples, &refused), "{refused:?}");
    }
    assert!(kept(folder, &golden, &samples, &Bless::Replace(NAME.into())));
    assert!(kept(folder, &golden, &samples, &Bless::Nothing));
    assert!(!kept(folder, &golden, &[], &Bless::New), "it is gone");
}

#[test]
fn a_line_taken_out_of_the_lock_makes_no_sample_new() {
    let (folder, golden, sample) = committed();
    let folder = folder.path();
    let samples = [sample.clone()];
    for lock in [Some(HEAD), None] {
        match lock {
            Some(text) => fs::write(folder.join(LOCK), text).expect("a file"),
            None => fs::remove_file(folder.join(LOCK)).expect("a file is there"),
        }
        fs::write(&sample, "{\"a\":1}").expect("a file");
        assert!(!kept(folder, &golden, &samples, &Bless::New), "git has it otherwise");
        assert!(is_remembered(folder, &sample));
        assert!(!kept(folder, &golden, &[], &Bless::New), "git has it");
        fs::write(&sample, "{}").expect("a file");
        assert!(kept(folder, &golden, &samples, &Bless::New), "it is as git has it");
        assert!(kept(folder, &golden, &samples, &Bless::Nothing), "its line is back");
    }
}

#[test]
fn a_sample_without_a_line_is_known_by_the_commit_that_has_it() {
    let (folder, golden, sample) = committed();
    let folder = folder.path();
    git(folder, &["rm", "--quiet", "--cached", LOCK]);
    git(folder, &["commit", "--quiet", "-m", "no lock"]);
    fs::remove_file(folder.join(LOCK)).expect("a file is there");
    fs::write(&sample, "{\"a\":1}").expect("a file");
    assert!(is_remembered(folder, &sample));
    assert!(!kept(folder, &golden, std::slice::from_ref(&sample), &Bless::New));
    assert!(kept(folder, &golden, &[sample], &Bless::Replace(NAME.into())));
}

#[test]
fn a_line_altered_by_hand_is_not_believed_and_one_that_was_replaced_stays_to_be_seen() {
    let (folder, golden, sample) = committed();
    let folder = folder.path();
    let samples = [sample.clone()];
    let old = digest::of(b"{}");
    fs::write(&sample, "{\"a\":1}").expect("a file");
    let altered = format!("{HEAD}{} golden/{NAME}.json\n", digest::of(b"{\"a\":1}"));
    fs::write(folder.join(LOCK), &altered).expect("a file");
    assert!(!kept(folder, &golden, &samples, &Bless::New));
    assert!(kept(folder, &golden, &samples, &Bless::Replace(NAME.into())));
    let text = fs::read_to_string(folder.join(LOCK)).expect("a file");
    assert_eq!(text, format!("{altered}# replaced {old} golden/{NAME}.json\n"));
    assert!(kept(folder, &golden, &samples, &Bless::New), "it was said");
    assert_eq!(fs::read_to_string(folder.join(LOCK)).expect("a file"), text);
}

#[test]
fn nothing_is_taken_for_new_where_git_cannot_be_asked() {
    let (folder, golden, sample) = context();
    fs::write(folder.path().join(".git"), "gitdir: nowhere\n").expect("a file");
    assert!(!kept(folder.path(), &golden, &[sample], &Bless::New));
}

#[test]
fn what_is_replaced_is_of_that_name_and_version_alone() {
    let replaces = |name: &str, sample: &str| Bless::Replace(name.into()).replaces(Path::new(sample));
    for (name, sample) in [
        ("door.opened.v1", "golden/door.opened.v1.json"),
        ("door.opened.v1", "golden/door.opened.v1.bare.json"),
        ("door-opened.v1", "contracts/samples/door-opened.v1/typical.json"),
        ("house.door-opened.v1", "contracts/samples/door-opened.v1/at-night.json"),
        ("cursor", "golden/cursor.json"),
    ] {
        assert!(replaces(name, sample), "{name} {sample}");
    }
    for (name, sample) in [
        ("door", "golden/door.opened.v1.json"),
        ("door.opened", "golden/door.opened.v1.json"),
        ("door.opened.v1", "golden/door.opened.v10.json"),
        ("door.opened.v1", "golden/door.opened.v2.json"),
        ("front.door.opened.v1", "golden/door.opened.v1.json"),
        ("typical", "contracts/samples/door-opened.v1/typical.json"),
        ("opened.v1", "contracts/samples/door-opened.v1/typical.json"),
        ("house-door-opened.v1", "contracts/samples/door-opened.v1/typical.json"),
        ("house.door-opened", "contracts/samples/door-opened.v1/typical.json"),
    ] {
        assert!(!replaces(name, sample), "{name} {sample}");
    }
    let said = either("contracts/samples/door-opened.v1/typical.json");
    assert!(said.contains("(door-opened.v1 here)"), "{said}");
}

#[test]
fn nothing_is_blessed_in_ci_nor_by_another_word() {
    assert_eq!(Bless::of(None, true), Ok(Bless::Nothing));
    assert_eq!(Bless::of(Some("1".into()), false), Ok(Bless::New));
    assert!(Bless::of(Some("1".into()), true).is_err());
    assert!(Bless::of(Some("replace:a.v1".into()), true).is_err());
    assert!(Bless::of(Some("replace:".into()), false).is_err());
    assert!(Bless::of(Some("yes".into()), false).is_err());
}
