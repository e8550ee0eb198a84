//! What the machine or its operator gets wrong.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use nix::sys::signal::Signal;
use system_tests::{
    harness::{
        Mall,
        supervisor::signal,
        system::{System, binary},
        wait::until,
    },
    rules,
};

use crate::{PATIENCE, disk::Mounted};

/// The mall as it is shipped, with one text replaced.
fn description(of: &str, by: &str) -> (System, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mall/bongsu.toml");
    let text = fs::read_to_string(path).expect("the mall has a description");
    assert!(text.contains(of), "the mall has {of}");
    (System::of_the_mall(), text.replace(of, by).replace("127.0.0.1:8080", "127.0.0.1:0"))
}

/// A `bongsu up` of a description of its own, ended with the test.
struct Up(Child);

impl Up {
    fn of(system: &System, text: &str) -> Self {
        fs::write(system.folder().join("bongsu.toml"), text).expect("the folder can be written");
        let said = fs::File::create(system.said_in()).expect("the folder can be written");
        let up = system.bongsu().arg("up").stdin(Stdio::null()).stdout(said).stderr(Stdio::null()).spawn();
        let up = Self(up.expect("bongsu can be started"));
        until("it says who is ready", PATIENCE, || match system.said() {
            said if said.contains(" ready in ") => Ok(()),
            said => Err(said),
        });
        up
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        signal(self.0.id(), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

#[test]
fn a_taken_port_of_the_gateway_is_said_and_replaced() {
    let thief = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let taken = thief.local_addr().expect("it has an address").to_string();
    let (system, text) = description("127.0.0.1:8080", &taken);
    let _up = Up::of(&system, &text);
    let said = system.said();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(&taken)).collect();
    println!("{lines:?}");
    assert!(lines.iter().any(|line| line.contains("not free")), "{said}");
    let open = said.lines().find_map(|line| line.strip_prefix("open ")).expect("it says where it is open");
    assert!(open.starts_with("http://127.0.0.1:") && !open.contains(&taken), "{open}");
}

/// The exit code says that starting it again is of no use; whatever a process is made of.
#[test]
fn a_setting_that_cannot_be_meant_is_refused_by_every_process_in_one_line() {
    let (_, text) = description("127.0.0.1:8080", "127.0.0.1:0");
    let programs: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("command = \"")?.strip_suffix('"')).collect();
    for program in &programs {
        let run = Command::new(binary(program)).env("BONGSU_LISTEN", "nonsense").stdin(Stdio::null()).output();
        let run = run.expect("it can be started");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!((run.status.code(), said.lines().count()), (Some(78), 1), "{program}: {said}");
        assert!(said.contains("BONGSU_LISTEN"), "{program}: {said}");
    }
    println!("{programs:?}");
    assert!(programs.len() >= 8, "{programs:?}");
}

#[test]
fn a_missing_program_is_one_clear_line_and_the_others_run() {
    let (system, text) = description("command = \"mypage\"", "command = \"no-such-program\"");
    let _up = Up::of(&system, &text);
    let said = system.said();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("no-such-program")).collect();
    println!("{lines:?}");
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("mypage-1 is failing: no program 'no-such-program' in "), "{said}");
    assert!(said.contains("11 of 12 ready"), "{said}");
}

#[test]
fn a_data_folder_that_is_a_file_is_one_clear_line() {
    let system = System::of_the_mall();
    fs::write(system.data(), "a file in its place").expect("the folder can be written");
    refused(&system);
}

#[test]
fn a_data_folder_that_is_read_only_is_one_clear_line() {
    let system = System::of_the_mall();
    let Some(_mounted) = Mounted::below(&system, "ro,size=1m") else { return };
    refused(&system);
}

/// `bongsu up` ends with one line that names the folder.
fn refused(system: &System) {
    let (_, text) = description("12street", "12street");
    fs::write(system.folder().join("bongsu.toml"), text).expect("the folder can be written");
    let Output { status, stderr, .. } = system.bongsu().arg("up").output().expect("bongsu can be started");
    let said = String::from_utf8_lossy(&stderr);
    println!("{said}");
    assert_eq!((status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.starts_with("bongsu: cannot write the data folder") && said.contains("os error"), "{said}");
    assert_eq!(said.matches("os error").count(), 1, "the reason is said once: {said}");
}

#[test]
fn an_overwritten_store_is_refused_in_one_line_and_well_again_when_restored() {
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let before = mall.buy("before", &[("TV", 1)]);
    mall.until_order(&before, &["COMPLETED"]);
    mall.stop("delivery");
    let file = mall.system().data().join("delivery.db");
    let header = fs::read(&file).expect("the store can be read")[..100].to_vec();
    overwrite(&file, &[b'?'; 100]);
    let output = mall.bongsu(&["start", "delivery"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(!output.status.success() && said.lines().count() == 1, "{said}");
    let delivery = mall.process("delivery");
    assert_eq!(delivery.state, "failing", "{delivery:?}");
    assert!(said.contains("delivery.db is damaged, restore it from a copy"), "{said}");
    let logs = mall.said_by(&["logs", "delivery"]);
    assert!(logs.contains("delivery.db is damaged"), "{logs}");
    let during = mall.buy("during", &[("TV", 1)]);
    mall.until_order(&during, &["CONFIRMED"]);
    let others: Vec<_> = mall.ps().into_iter().filter(|it| it.name != "delivery").collect();
    assert!(others.iter().all(|it| it.state == "ready" && it.restarts == 0), "{others:?}");
    overwrite(&file, &header);
    mall.start_again("delivery");
    mall.until_order(&during, &["COMPLETED"]);
    mall.quiesce(PATIENCE, rules::ALL);
    rules::judge(rules::ALL, &mall.end()).unwrap_or_else(|broken| panic!("{broken}"));
}

fn overwrite(file: &Path, header: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(file).expect("the store can be written");
    file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(header)).expect("the store can be written");
}

/// Runs a program that ends; whether it went well.
pub(crate) fn run(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}
