//! [schemathesis](https://schemathesis.readthedocs.io), a property-based tester of OpenAPI descriptions, against the
//! mall behind its gateway: no server error, and no answer that the description does not foresee.
//!
//! It is a Python program: a pinned set of packages in an environment of its own under `target/`. A machine without
//! Python fails the test; it is not skipped.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use bongsu_core::digest;
use serde_json::{Value, json};
use system_tests::harness::{Mall, http::Response, orders::order_of, system::System, wait::until};

/// What is installed, all of it pinned.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// It takes a minute; a busy machine gets three.
const PATIENCE: Duration = Duration::from_secs(180);

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api").join(file)
}

/// The program, installed if it is not there yet.
fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (environment, done) = (target.join("schemathesis"), target.join("schemathesis/installed.txt"));
    if fs::read_to_string(&done).is_ok_and(|known| known == REQUIREMENTS) {
        return environment.join("bin/schemathesis");
    }
    let mut make = Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(&environment), "a virtual environment (Debian: python3-venv)");
    let mut install = Command::new(environment.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    run(install.arg(here("requirements.txt")), "the packages of requirements.txt (from PyPI or its mirror)");
    fs::write(&done, REQUIREMENTS).expect("the folder of the target can be written");
    environment.join("bin/schemathesis")
}

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what} cannot be installed: {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} cannot be installed: {command:?}: {}\n{said}", output.status);
}

/// Orders of the operator's that have ended, each in another way: of these, also the stream of what happens ends.
fn orders_to_be_seen(mall: &Mall) -> (String, String, String) {
    let bought = ordered(mall, &[("TV", 1)]);
    let rejected = ordered(mall, &[("TV", 900)]);
    let cancelled = ordered(mall, &[("MASK", 1)]);
    let _ = ask(mall, "POST", &format!("/orders/{cancelled}/cancel"), &json!({})).expect(202);
    for (order, ends) in [(&bought, "COMPLETED"), (&rejected, "REJECTED"), (&cancelled, "CANCELLED")] {
        until(&format!("{order} is {ends}"), PATIENCE, || {
            let shown = ask(mall, "GET", &format!("/orders/{order}"), &json!({})).json();
            if shown["state"] == ends { Ok(()) } else { Err(shown.to_string()) }
        });
    }
    (bought, rejected, cancelled)
}

fn ordered(mall: &Mall, lines: &[(&str, u32)]) -> String {
    let placed = ask(mall, "POST", "/orders", &order_of(lines)).expect(202).json();
    placed["order_id"].as_str().expect("it has an id").to_owned()
}

/// One request with the key that the tester will show; the body makes a command's own key.
fn ask(mall: &Mall, method: &str, path: &str, body: &Value) -> Response {
    let key = format!("{:x}", digest(&[path, &body.to_string()]));
    let body = (method == "POST").then_some(body);
    mall.ask_as(&mall.operator(), method, path, body.map(|_| key.as_str()), body).expect("an answer")
}

#[test]
fn every_answer_is_one_the_description_foresees() {
    let program = installed();
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let (bought, rejected, cancelled) = orders_to_be_seen(&mall);
    let before: u32 = mall.ps().iter().map(|process| process.restarts).sum();
    let said_in = mall.system().folder().join("schemathesis.log");
    let out = File::create(&said_in).expect("the folder can be written");
    let again = out.try_clone().expect("a file can be had twice");
    let mut tester = Command::new(program);
    tester.arg("--no-color").arg("--config-file").arg(here("schemathesis.toml"));
    tester.args(["run", &format!("{}/openapi.json", mall.gateway()), "--url", mall.gateway()]);
    tester.args(["--phases", "examples,coverage,fuzzing,stateful", "--seed", "1"]);
    tester.args(["--generation-database", "none"]);
    // Nothing is closed to an operator's key, and these orders are its own.
    tester.args(["--header", &format!("Authorization: Bearer {}", mall.operator())]);
    tester.env("BOUGHT", bought).env("REJECTED", rejected).env("CANCELLED", cancelled);
    tester.current_dir(mall.system().folder()).stdin(Stdio::null()).stdout(out).stderr(again);
    let mut tester = tester.spawn().expect("it can be started");
    let said = || fs::read_to_string(&said_in).unwrap_or_default();
    let status = until("schemathesis has tried everything", PATIENCE, || match tester.try_wait() {
        Ok(Some(status)) => Ok(status),
        _ => Err(said()),
    });
    println!("{}", said());
    assert!(status.success(), "schemathesis found something:\n{}", said());
    assert!(said().contains("Test cases:"), "it says what it tried");
    let after: u32 = mall.ps().iter().map(|process| process.restarts).sum();
    assert_eq!(before, after, "nobody fell over it");
}
