//! A folder of configuration, as Kubernetes mounts one: taken while the process runs, all of it or nothing.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::tempdir;

use crate::process::{Door, PATIENCE, door, example};

/// Replaces what a folder says at once, as a ConfigMap is replaced.
fn mount(folder: &Path, number: u32, files: &[(&str, &str)]) {
    let name = format!("..2026_{number}");
    fs::create_dir_all(folder.join(&name)).unwrap();
    for (file, text) in files {
        fs::write(folder.join(&name).join(file), text).unwrap();
    }
    symlink(&name, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

fn configured(folder: &Path) -> Door {
    Door::with(folder, |command| {
        command.env("BONGSU_CONFIGURATION", folder.join("mounted"));
    })
}

fn info(door: &Door) -> Value {
    serde_json::from_str(&door.get("/info").unwrap().body).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the process under test lives in real time")]
fn now() -> Instant {
    Instant::now()
}

/// Waits until `/info` looks as wished; how long that took.
fn until(door: &Door, looks: impl Fn(&Value) -> bool) -> Duration {
    let began = now();
    while !looks(&info(door)) {
        assert!(began.elapsed() < PATIENCE, "{}", info(door));
        std::thread::park_timeout(Duration::from_millis(10));
    }
    began.elapsed()
}

/// Who opened a door, as the newest event says, and under which configuration.
fn opened(door: &Door, name: &str) -> (String, String) {
    let got = door.open(name, name).unwrap();
    assert_eq!(got.status, 202, "{}", got.body);
    let header = got.head.lines().find_map(|line| line.strip_prefix("x-bongsu-revision: ")).unwrap().to_owned();
    let events: Value = serde_json::from_str(&door.get("/bongsu/events?after=0").unwrap().body).unwrap();
    let all = events["events"].as_array().unwrap();
    let event =
        all.iter().find(|event| event["stream"] == format!("door/{name}")).unwrap_or_else(|| panic!("{events}"));
    assert_eq!(event["meta"]["revision"], header.as_str(), "{event}");
    (event["data"]["by"].as_str().unwrap().to_owned(), header)
}

#[test]
fn what_is_mounted_next_is_taken_while_the_process_runs() {
    let folder = tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    let shared = ("shared.toml", "[service]\ntitle = 'Mx '\nfor_somebody_else = 1\n");
    mount(&mounted, 1, &[shared, ("revision", "first\n")]);
    let door = configured(folder.path());
    assert_eq!(opened(&door, "front"), ("Mx ann".into(), "first".into()));
    mount(&mounted, 2, &[shared, ("house.toml", "[service]\ntitle = 'Dr '\n"), ("revision", "second")]);
    let took = until(&door, |info| info["revision"] == "second");
    // Two looks at the folder, and what a busy machine takes; a second is promised where it is not.
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(opened(&door, "back"), ("Dr ann".into(), "second".into()));
    let line = door.line(|line| line["message"] == "the configuration was taken");
    assert_eq!(line["revision"], "second");
    mount(&mounted, 3, &[("house.toml", "[service]\ntitle = 'Sr '\n")]);
    until(&door, |info| info["revision"] != "second");
    assert_eq!(opened(&door, "side").0, "Sr ann", "without a name of its own, its digest is one");
}

#[test]
fn what_cannot_be_meant_or_needs_a_restart_is_refused_whole_with_the_reason() {
    let folder = tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    mount(&mounted, 1, &[("house.toml", "[service]\ntitle = 'Dr '\n"), ("revision", "good")]);
    let door = configured(folder.path());
    let broken = [
        ("title = ", "is not TOML"),
        ("[service]\ntitle = 'X '\ntitel = 1", "unknown key service.titel"),
        ("[service]\ntitle = 5", "service.title"),
        ("[service]\ntitle = 'X '\ngreeting = 'hi'", "service.greeting is taken at start alone: it needs a restart"),
        ("[service]\nbell_password = 'hunter2'", "service.bell_password in house.toml of revision bad-4: a secret"),
        ("[limits]\nbody_bytes = 0", "limits.body_bytes"),
        ("store = 'sqlite:other.db'", "store in house.toml of revision bad-6: whoever starts a process"),
    ];
    for (number, (text, why)) in broken.into_iter().enumerate() {
        let name = format!("bad-{number}");
        mount(&mounted, 10 + number as u32, &[("house.toml", text), ("revision", &name)]);
        until(&door, |info| info["refused"]["revision"] == name.as_str());
        let now = info(&door);
        let said = now["refused"]["why"].as_str().unwrap();
        assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        assert_eq!(now["revision"], "good");
        let line = door.line(|line| line["event"] == "refused");
        assert_eq!((&line["revision"], &line["reason"]), (&name.into(), &said.into()));
    }
    assert_eq!(opened(&door, "front"), ("Dr ann".into(), "good".into()));
    fs::remove_file(mounted.join("..data")).unwrap();
    until(&door, |info| info["refused"].is_null() && info["revision"] != "good");
    assert_eq!(opened(&door, "back").0, "ann", "its own settings again");
}

#[test]
fn a_process_that_starts_with_what_it_cannot_mean_says_so() {
    let folder = tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    fs::write(mounted.join("house.toml"), "[service]\ntitel = 'x'\n").unwrap();
    let output = door(folder.path()).env("BONGSU_CONFIGURATION", &mounted).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("unknown key service.titel in house.toml of revision "), "{said}");
}

#[test]
fn a_broker_is_found_by_a_name() {
    let folder = tempdir().unwrap();
    let house = Door::start(folder.path());
    let is_broker = |line: &&Value| line["message"] == "a broker runs inside this process";
    let broker = house.said.iter().find(is_broker).expect("it says where")["addr"].as_str().unwrap().to_owned();
    let (_, port) = broker.rsplit_once(':').unwrap();
    let mut visits = example("visits", folder.path());
    visits.args(["--broker", &format!("http://localhost:{port}")]);
    let mut visits = Door::listening(visits);
    visits.until_ready();
}
