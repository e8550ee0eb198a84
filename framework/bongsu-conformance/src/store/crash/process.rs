//! A life in a process of its own, which is killed with SIGKILL.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use bongsu_runtime::ports::store::Store;

use super::{Life, Said};

const LIFE: &str = "BONGSU_CONFORMANCE_LIFE";
const SAYS: &str = "life says ";

/// Starts a process that calls [`live_and_park`], kills it where its life ends, and tells what it said.
///
/// # Panics
/// When the process cannot be started.
pub fn live_in(mut command: Command, life: &Life) -> Vec<Said> {
    let life_text = serde_json::to_string(life).expect("a life is plain data");
    command.env(LIFE, life_text).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("a process starts");
    let out = BufReader::new(process.stdout.take().expect("it is piped"));
    let mut said = Vec::new();
    for line in out.lines().map_while(Result::ok) {
        let Some((_, word)) = line.split_once(SAYS) else { continue };
        said.push(serde_json::from_str(word).expect("a life speaks clearly"));
        if said.last() == Some(&Said::Dies) {
            // Not a wait for anything: the kill comes at some moment of what is on its way.
            thread::park_timeout(life.linger());
            // One that has ended by itself is found out by what it did not say.
            let _killed = process.kill();
        }
    }
    let _status = process.wait();
    said
}

/// Lives the life that [`live_in`] has given this process, until it is killed.
///
/// # Panics
/// When this process was not started by [`live_in`].
pub fn live_and_park(open: impl FnOnce() -> Arc<dyn Store>) {
    #[expect(clippy::disallowed_methods, reason = "the only way to hand a life to a test's process")]
    let life = std::env::var(LIFE).expect("started by live_in");
    let life: Life = serde_json::from_str(&life).expect("a life is plain data");
    let say = |word: Said| println!("{SAYS}{}", serde_json::to_string(&word).expect("words are plain data"));
    let park = || loop {
        thread::park();
    };
    futures::executor::block_on(life.run(open, say, park));
}
