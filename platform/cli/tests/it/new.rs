//! `bongsu new`: what it writes is built, tested, started and asked; what cannot be is refused in one line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::fixture::{Fixture, get, send, text};

fn bongsu(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bongsu")).args(args).current_dir(folder).output().unwrap()
}

/// `bongsu new …` that says no in one line.
fn refused(folder: &Path, args: &[&str]) -> String {
    let output = bongsu(folder, args);
    let why = text(&output.stderr);
    assert!(!output.status.success() && why.lines().count() == 1, "{args:?}: {why}");
    why
}

/// `cargo …` with the target folder of whoever runs this test, or the one that the system was given.
fn cargo(folder: &Path, args: &[&str]) {
    let output = Command::new("cargo").args(args).arg("--offline").current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_new_system_in_a_folder_with_a_space_and_hangul_is_tested_started_and_asked_and_gets_another_context() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("내 가게");
    let made = bongsu(folder.path(), &["new", "system", "내 가게", "--context", "gift-card"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let said = fs::read_to_string(base.join("bongsu.toml")).unwrap();
    fs::write(base.join("bongsu.toml"), format!("# Kept.\n{said}")).unwrap();
    let made = bongsu(&base, &["new", "context", "door"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(fs::read_to_string(base.join("bongsu.toml")).unwrap().starts_with("# Kept.\n"), "comments are kept");
    cargo(&base, &["test", "--workspace"]);
    cargo(&base, &["build"]);
    let mut fixture = Fixture::in_folder(folder, base);
    fixture.up();
    let gateway = fixture.url("gateway");
    for (address, key) in [("gift-cards", "k1"), ("doors", "k2")] {
        let head = format!("content-type: application/json\r\nidempotency-key: {key}\r\n");
        let url = format!("{gateway}/{address}");
        let written = send(&url, "POST", &head, r#"{"id":"one","text":"hello"}"#).unwrap();
        assert_eq!(written.status, 201, "{written:?}");
        let head = head.replace(key, "other");
        let again = send(&url, "POST", &head, r#"{"id":"one","text":"hello"}"#).unwrap();
        assert!(again.status == 409 && again.body.contains("/errors/already-written"), "{again:?}");
        fixture.until("it is listed", |_| {
            let listed: Value = serde_json::from_str(&get(&url)?.body).ok()?;
            (listed["items"][0]["text"] == "hello").then_some(())
        });
    }
}

/// Copies a folder, but for what is built or fetched there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if ["target", "node_modules", "dist", ".bongsu", "data"].iter().any(|built| name == *built) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// The mall and the tests over it, in a workspace of their own that takes everything else from where it is: what was built for
/// a system of its own is not built again.
fn copied_mall(to: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    for folder in ["mall", "tests"] {
        copy(&sources.join(folder), &to.join(folder));
    }
    for file in ["Cargo.lock", ".rustfmt.toml"] {
        fs::copy(sources.join(file), to.join(file)).unwrap();
    }
    let mut root = fs::read_to_string(sources.join("Cargo.toml")).unwrap();
    for shelf in ["framework", "platform", "examples"] {
        root = root.replace(&format!("    \"{shelf}/*\",\n"), "");
        root = root.replace(&format!("path = \"{shelf}/"), &format!("path = \"{}/", sources.join(shelf).display()));
    }
    root = root.replace("    \"xtask\",\n", "");
    fs::write(to.join("Cargo.toml"), root).unwrap();
}

#[test]
fn the_mall_gets_another_context_which_is_tested_there() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    copied_mall(here);
    let mall = here.join("mall");
    let contexts = fs::read_dir(&mall).unwrap().count();
    // Called as several are: its address is none of those of `gift-cardses`.
    let made = bongsu(&mall, &["new", "context", "gift-cards"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(fs::read_dir(&mall).unwrap().count(), contexts + 1);
    let said = text(&made.stdout);
    for named in ["mall/bongsu.toml", "tests/Cargo.toml"] {
        assert!(said.contains(named), "{said}");
        assert!(fs::read_to_string(here.join(named)).unwrap().contains("gift-cards"), "{named}");
    }
    let system = fs::read_to_string(mall.join("bongsu.toml")).unwrap();
    assert!(system.contains("routes = [\"/gift-cards\"]"), "{system}");
    let target = Path::new(env!("CARGO_BIN_EXE_bongsu")).ancestors().nth(2).unwrap();
    fs::create_dir(here.join(".cargo")).unwrap();
    // A copy has paths of its own, so that the framework is built once more for it: without optimisation, in a third of the time.
    let settings = format!("[build]\ntarget-dir = {target:?}\nincremental = false\n[profile.dev]\nopt-level = 0\n");
    fs::write(here.join(".cargo/config.toml"), settings).unwrap();
    cargo(here, &["test", "--package", "gift-cards"]);
}

#[test]
fn a_file_that_cannot_be_changed_safely_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let inline = "name = \"house\"\nservice = [ { name = \"bell\", command = \"bell\" } ]\n";
    let workspace = "[workspace]\n# members = [\"x\"]\ndefault-members = [\"bell\"]\nmembers=[\"bell\"]\n";
    fs::write(here.join("bongsu.toml"), inline).unwrap();
    fs::write(here.join("Cargo.toml"), workspace).unwrap();
    assert!(refused(here, &["new", "context", "door"]).contains("bongsu.toml cannot be changed safely"));
    assert!(!here.join("door").exists());
    assert_eq!(fs::read_to_string(here.join("bongsu.toml")).unwrap(), inline);
    assert_eq!(fs::read_to_string(here.join("Cargo.toml")).unwrap(), workspace);
    fs::write(here.join("bongsu.toml"), "name = \"house\"\n").unwrap();
    fs::create_dir(here.join("docs")).unwrap();
    fs::write(here.join("docs/context-map.md"), "").unwrap();
    let made = bongsu(here, &["new", "context", "door"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(
        text(&made.stdout).contains("cargo test -p system-tests --test context_map draws docs/context-map.md anew")
    );
    let changed = workspace.replace("members=[\"bell\"]", "members=[\"door\", \"bell\"]");
    assert_eq!(fs::read_to_string(here.join("Cargo.toml")).unwrap(), changed);
}

#[test]
fn a_system_of_which_not_everything_can_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let above = folder.path().join("above");
    // Its own files have room in a path of Linux (4 096 bytes with the end), the samples of its context have not.
    let mut deep = above.join("new");
    let part = "d".repeat(200);
    while deep.as_os_str().len() + part.len() < 4_000 {
        deep.push(&part);
    }
    deep.push("e".repeat(4_050 - deep.as_os_str().len()));
    let why = refused(folder.path(), &["new", "system", deep.to_str().unwrap(), "--context", "door"]);
    assert!(why.contains("cannot write"), "{why}");
    assert!(!above.exists(), "something was left");
}

#[test]
fn what_cannot_be_a_context_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let system =
        "name = \"house\"\n[[service]]\nname = \"bell\"\ncommand = \"bell\"\nroutes = [\"/doors\", \"/doors/*\"]\n";
    fs::write(here.join("bongsu.toml"), system).unwrap();
    fs::create_dir(here.join("shelf")).unwrap();
    for (name, why) in [
        ("type", "a keyword of Rust"),
        ("Door", "is no name"),
        ("문", "is no name"),
        ("bell", "house has a service bell"),
        ("door", "/doors is a route of bell"),
        ("shelf", "is there already"),
        ("gateway", "the platform's own"),
        ("identity", "the platform's own"),
        ("setting", "every context uses"),
        ("deps", "cargo or some machines keep"),
        ("answer", "every context uses"),
        ("contracts", "the folder of a context holds"),
        ("golden", "the folder of a context holds"),
        ("web", "the folder of a context holds"),
        ("two\nlines", "is no name"),
        ("review", "no workspace around"),
    ] {
        let said = refused(here, &["new", "context", name]);
        assert!(said.contains(why), "{name}: {said}");
    }
    assert_eq!(fs::read_to_string(here.join("bongsu.toml")).unwrap(), system);
    assert!(refused(here, &["new", "system", "shelf"]).contains("is there already"));
    assert!(refused(here, &["new", "system", "other", "--context", "self"]).contains("a keyword of Rust"));
    assert!(refused(here, &["new", "system", "other", "--context", "serde-path-to-error"]).contains("has or needs"));
    assert!(!here.join("other").exists() && !here.join("review").exists());
}

#[test]
fn a_system_inside_this_repository_is_refused_and_nothing_is_written() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mall = repository.join("mall");
    for (here, new) in [(repository.as_path(), "planted-system"), (mall.as_path(), "deep/planted-system")] {
        assert!(refused(here, &["new", "system", new]).contains("is inside"), "{new}");
    }
    let whole = repository.join("planted-system");
    assert!(refused(folder.path(), &["new", "system", whole.to_str().unwrap()]).contains("is inside"));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&repository, &link).unwrap();
    assert!(refused(folder.path(), &["new", "system", "link/planted-system"]).contains("is inside"));
    assert!(!whole.exists() && !repository.join("mall/deep").exists());
}

#[test]
fn whoever_asks_for_something_new_wrongly_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (args, why) in [
        (&["new"][..], "a context or a system? Usage: bongsu new"),
        (&["new", "context"][..], "<NAME>; Usage: bongsu new context"),
        (&["new", "contex", "door"][..], "unrecognized subcommand 'contex'"),
        (&["new", "context", "door", "window"][..], "unexpected argument 'window'"),
        (&["new", "context", "door", "two\nlines"][..], "unexpected argument 'two lines'"),
        (&["new", "system"][..], "<NAME>; Usage: bongsu new system"),
        (&["new", "system", "house", "--context"][..], "a value is required for '--context <NAME>'"),
    ] {
        assert_eq!(bongsu(folder.path(), args).status.code(), Some(2), "{args:?}");
        let said = refused(folder.path(), args);
        assert!(said.starts_with("bongsu: ") && said.contains(why), "{args:?}: {said}");
    }
    let help = bongsu(folder.path(), &["new", "context", "--help"]);
    assert!(help.status.success() && text(&help.stdout).lines().count() > 1);
}
