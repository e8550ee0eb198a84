//! The process of `bongsu up`, and that nothing of it stays when the test is gone, however the test ends.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::harness::{system::System, wait::now};

/// Stopping in order takes at most so long.
const GRACE: Duration = Duration::from_secs(20);

/// Ends the supervisor when the pipe does, which is when the test process is gone, and then removes the folder:
/// what is in a `static` is never dropped, and a killed test drops nothing.
const WATCH: &str = "read _; kill -TERM $0; for _ in $(seq 100); do kill -0 $0 || break; sleep 0.1; done; rm -rf $1";

/// A running `bongsu up`.
pub struct Supervisor {
    up: Child,
    watch: Child,
    /// Every process that was ever seen, so that exactly these can be ended.
    seen: Mutex<BTreeSet<u32>>,
    over: bool,
}

impl Supervisor {
    pub(super) fn start(system: &System) -> Self {
        system.write();
        let said = File::create(system.said_in()).expect("the folder can be written");
        let again = said.try_clone().expect("a file can be had twice");
        let up = system.bongsu().arg("up").stdin(Stdio::null()).stdout(said).stderr(again).spawn();
        let up = up.expect("bongsu can be started");
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, &up.id().to_string()]).arg(system.folder());
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self { up, watch: watch.expect("sh can be started"), seen: Mutex::default(), over: false }
    }

    pub(super) fn pid(&self) -> u32 {
        self.up.id()
    }

    pub(super) fn is_running(&self) -> bool {
        is_alive(self.up.id())
    }

    pub(super) fn remember(&self, pids: impl Iterator<Item = u32>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(pids);
    }

    /// SIGKILL, to this process alone.
    pub(super) fn crash(&mut self) {
        self.over = true;
        let _ = self.watch.kill();
        let _ = self.watch.wait();
        let _ = self.up.kill();
        let _ = self.up.wait();
    }

    /// SIGTERM, and SIGKILL to whatever is left after the grace.
    pub(super) fn stop(&mut self) {
        if self.over {
            return;
        }
        self.over = true;
        let _ = self.watch.kill();
        let _ = self.watch.wait();
        signal(self.up.id(), Signal::SIGTERM);
        let deadline = now() + GRACE;
        while matches!(self.up.try_wait(), Ok(None)) {
            if now() > deadline {
                let _ = self.up.kill();
                let _ = self.up.wait();
                break;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|pid| is_ours(**pid)).for_each(|pid| signal(*pid, Signal::SIGKILL));
    }
}

/// Whether a process exists and is more than a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: Signal) {
    // It may be gone already, which is what a signal is for.
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

/// A number is given again when its process is gone: only a child of the supervisor, which is told where its
/// configuration is, is ours.
fn is_ours(pid: u32) -> bool {
    let told = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    is_alive(pid) && told.split(|byte| *byte == 0).any(|name| name.starts_with(b"BONGSU_PARENT_PIPE="))
}
