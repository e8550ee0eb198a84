//! The machine as the runtime sees it: the one module that takes time, chance and tasks from it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, Task},
};
use futures::FutureExt as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{sync::watch, task::JoinHandle};

/// [`Env`] on tokio and the machine's clocks.
///
/// `BONGSU_CRASH_AT="name:n"` makes the process die as by `kill -9` at the n-th hit of the crash point
/// `name`; it is read once, at construction.
#[derive(Debug)]
pub struct TokioEnv {
    started: Instant,
    crash_at: Option<CrashAt>,
}

/// The n-th hit of a named crash point.
#[derive(Debug)]
struct CrashAt {
    name: String,
    at: u64,
    hits: AtomicU64,
}

/// A tokio task that ends when its handle is dropped.
struct Running {
    task: JoinHandle<()>,
    ended: watch::Receiver<()>,
}

/// `BONGSU_CRASH_AT` is not `name:n`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("BONGSU_CRASH_AT is {0:?}, expected \"name:n\" with n from 1")]
pub struct NotACrashPoint(pub String);

impl TokioEnv {
    /// The environment of this process.
    ///
    /// # Errors
    /// [`NotACrashPoint`] when `BONGSU_CRASH_AT` is set to something else than `name:n`.
    pub fn from_process() -> Result<Self, NotACrashPoint> {
        Self::new(variable("BONGSU_CRASH_AT").as_deref())
    }

    /// An environment that dies at a crash point, if one is given.
    ///
    /// # Errors
    /// As [`TokioEnv::from_process`].
    pub fn new(crash_at: Option<&str>) -> Result<Self, NotACrashPoint> {
        Ok(Self { started: mono_now(), crash_at: crash_at.map(CrashAt::parse).transpose()? })
    }
}

impl Env for TokioEnv {
    fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    fn mono(&self) -> Duration {
        mono_now().duration_since(self.started)
    }

    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(how_long))
    }

    fn random(&self) -> u64 {
        random()
    }

    fn spawn(&self, name: &'static str, task: Fut<'static, ()>) -> Box<dyn Task> {
        let (alive, ended) = watch::channel(());
        let task = spawn(async move {
            // Dropped however the task ends, by abortion too: that is what `ended` waits for.
            let _alive = alive;
            if std::panic::AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a background task panicked and has ended");
            }
        });
        Box::new(Running { task, ended })
    }

    fn step(&self, at: &'static str) {
        if self.crash_at.as_ref().is_some_and(|crash| crash.is_now(at)) {
            // SIGKILL and not abort(): no handler, no destructor, no core file, exactly what `kill -9` does.
            let _ = kill(Pid::this(), Signal::SIGKILL);
            std::process::abort();
        }
    }
}

impl CrashAt {
    fn parse(text: &str) -> Result<Self, NotACrashPoint> {
        let wrong = || NotACrashPoint(text.to_owned());
        let (name, at) = text.rsplit_once(':').ok_or_else(wrong)?;
        let at = at.parse().ok().filter(|at| *at > 0).ok_or_else(wrong)?;
        Ok(Self { name: name.to_owned(), at, hits: AtomicU64::new(0) })
    }

    fn is_now(&self, at: &str) -> bool {
        self.name == at && self.hits.fetch_add(1, Ordering::Relaxed) + 1 == self.at
    }
}

impl Task for Running {
    fn ended(&self) -> Fut<'_, ()> {
        let mut ended = self.ended.clone();
        Box::pin(async move {
            // Nothing is ever sent: the only change is that the sender is gone.
            while ended.changed().await.is_ok() {}
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The machine's clock says a moment that no answer can be dated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock of this machine says {0} s since 1970, and a date of HTTP is from 1970 to 9999: set the clock")]
pub struct WrongClock(pub i64);

/// Whether answers can be dated: HTTP writes a year in four digits (RFC 9110, section 5.6.7), and its library ends a
/// connection on which it cannot. A process asks before it serves.
///
/// # Errors
/// [`WrongClock`] before 1970 and after 9999. No clock of Linux can be set there; one that is made up can.
pub fn check_clock() -> Result<(), WrongClock> {
    within_http(wall_ms().div_euclid(1_000))
}

fn within_http(now_s: i64) -> Result<(), WrongClock> {
    // The first second of the year 10000.
    if (0..253_402_300_800).contains(&now_s) { Ok(()) } else { Err(WrongClock(now_s)) }
}

/// Milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "this module provides Env")]
pub(crate) fn wall_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "this module provides Env")]
pub(crate) fn mono_now() -> Instant {
    Instant::now()
}

/// 64 random bits.
#[expect(clippy::disallowed_methods, reason = "this module provides Env")]
pub(crate) fn random() -> u64 {
    rand::random()
}

/// An environment variable; one that is not Unicode counts as absent.
#[expect(clippy::disallowed_methods, reason = "this module provides Env")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A task of the host itself (connections, signals), which no simulator needs to own.
#[expect(clippy::disallowed_methods, reason = "this module provides Env")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_is_hit_at_its_nth_pass_only() {
        let crash = CrashAt::parse("after-commit:2").unwrap();
        assert!(!crash.is_now("before-commit"));
        assert!(!crash.is_now("after-commit"));
        assert!(crash.is_now("after-commit"));
        assert!(!crash.is_now("after-commit"));
    }

    #[test]
    fn a_crash_point_that_is_not_name_and_number_is_refused() {
        for bad in ["", "after-commit", "after-commit:", "after-commit:0", "after-commit:x"] {
            assert!(TokioEnv::new(Some(bad)).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_task_ends_when_its_handle_is_dropped_and_when_it_panics() {
        struct Flag(Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for Flag {
            fn drop(&mut self) {
                let _ = self.0.take().map(|gone| gone.send(()));
            }
        }
        let env = TokioEnv::new(None).unwrap();
        let (gone, when_gone) = tokio::sync::oneshot::channel();
        let flag = Flag(Some(gone));
        let task = env.spawn(
            "waits",
            Box::pin(async move {
                let _flag = flag;
                std::future::pending::<()>().await;
            }),
        );
        drop(task);
        when_gone.await.unwrap();

        env.spawn("ends", Box::pin(async {})).ended().await;
        env.spawn("panics", Box::pin(async { panic!("on purpose") })).ended().await;
    }
}
