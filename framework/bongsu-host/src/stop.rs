//! When a process is asked to end: a signal, or the parent's end of the pipe closing.

use std::{io::Read as _, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::env;

/// The wish that this process ends. Cheap to clone; the first reason stays.
#[derive(Clone, Debug)]
pub struct Stop {
    why: Arc<watch::Sender<Option<&'static str>>>,
}

impl Stop {
    /// Nobody wishes it yet.
    pub fn new() -> Self {
        Self { why: Arc::new(watch::Sender::new(None)) }
    }

    /// Listens to SIGTERM, SIGINT and, with `BONGSU_PARENT_PIPE=1`, to the end of stdin, whose other end the
    /// supervisor holds: the kernel closes it however the supervisor dies, so nobody is orphaned.
    ///
    /// A second signal ends the process at once. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the machine refuses a signal handler or a thread.
    pub fn from_process() -> std::io::Result<Self> {
        let stop = Self::new();
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        env::spawn(stop.clone().on_signals(signals));
        if env::variable("BONGSU_PARENT_PIPE").as_deref() == Some("1") {
            let stop = stop.clone();
            // A thread and not tokio's stdin: that one's blocking read would hold up the runtime's shutdown.
            std::thread::Builder::new().name("parent-pipe".to_owned()).spawn(move || stop.on_end_of_stdin())?;
        }
        Ok(stop)
    }

    /// Asks the process to end.
    pub fn ask(&self, why: &'static str) {
        self.why.send_if_modified(|reason| {
            let first = reason.is_none();
            reason.get_or_insert(why);
            first
        });
    }

    /// Resolves when it was asked to end, with the reason.
    pub async fn asked(&self) -> &'static str {
        let mut why = self.why.subscribe();
        let reason = why.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| *reason).unwrap_or("nobody can ask any more")
    }

    async fn on_signals(self, (mut terminate, mut interrupt): (Signal, Signal)) {
        self.ask(either(&mut terminate, &mut interrupt).await);
        let again = either(&mut terminate, &mut interrupt).await;
        tracing::warn!(reason = again, "asked twice to stop: ending at once");
        std::process::exit(130);
    }

    fn on_end_of_stdin(&self) {
        let mut ignored = [0; 256];
        let mut stdin = std::io::stdin().lock();
        loop {
            match stdin.read(&mut ignored) {
                Ok(0) => break,
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => break,
                _ => {}
            }
        }
        self.ask("the parent has gone");
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        biased;
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
