//! One task per instance: it owns the whole life of its slot, from waiting for others to the last restart.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::backoff::{FAILING_AFTER, RAN_WELL, pause};
use crate::data_folder::Address;
use crate::directory;
use crate::find_binary::find_binary;
use crate::leftovers::MARK;
use crate::placeholder::fill;
use crate::port::can_bind;
use crate::process::{Happening, Process, Said};
use crate::readiness::{Report, Watch};
use crate::registry::{Instance, Run, State};
use crate::secret::Secrets;
use crate::shared::Shared;
use crate::spec::{Command, Spec, config_file};
use crate::system_file::{BROKER, GATEWAY};

/// After SIGTERM a process has so long to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// One that is to take over is ready by then, or the one before stays.
const TAKING_OVER: Duration = Duration::from_secs(10);
/// One that was taken over from answers what it has: longer than a request may take, as it is set unless somebody sets it otherwise.
const LAST_ANSWERS: Duration = Duration::from_secs(15);

/// What an instance is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Be running.
    Start,
    /// Stop, and stay stopped.
    Stop,
    /// SIGKILL; it is started again as after any crash.
    Kill,
    /// Stop and start.
    Restart,
}

pub(crate) struct Keeper {
    spec: Spec,
    shared: Arc<Shared>,
    asks: mpsc::Receiver<Ask>,
    /// Quick deaths in a row.
    failures: u32,
    /// Whether the next run follows a death, and was asked for by nobody.
    heals: bool,
    /// Kept over restarts, so that its URL stays the same.
    address: Option<SocketAddr>,
    /// Where all gateways are asked, for one of them.
    public: Option<String>,
    /// Those that were taken over from, until they have answered what they had.
    retired: JoinSet<()>,
}

/// One that is ready to take over.
struct Successor {
    process: Process,
    addr: String,
    watch: Watch,
    /// What it said of its settings on the way.
    said: Vec<Said>,
}

/// How one run of the process ended.
enum End {
    Stopped,
    /// Stop it and start it again at once.
    Again,
    Died {
        why: String,
        ran_well: bool,
    },
    NotStarted(String),
    /// It says that it cannot be meant to run with these settings.
    Refused(String),
}

impl Keeper {
    pub(crate) fn new(spec: Spec, shared: Arc<Shared>, asks: mpsc::Receiver<Ask>) -> Self {
        let retired = JoinSet::new();
        Self { address: spec.listen, spec, shared, asks, failures: 0, heals: false, public: None, retired }
    }

    /// Runs until nobody asks any more.
    pub(crate) async fn keep(mut self) {
        let mut wanted = self.spec.start && self.wait_for_predecessors().await;
        loop {
            if !wanted {
                self.shared.front.leave(&self.spec.slot);
                self.show(|row| {
                    row.state = State::Stopped;
                    row.has_no_process();
                });
                match self.asks.recv().await {
                    None => return,
                    Some(Ask::Start | Ask::Restart) => {
                        self.trust_again();
                        wanted = true;
                    }
                    Some(Ask::Stop | Ask::Kill) => {}
                }
                continue;
            }
            wanted = match self.run().await {
                End::Stopped => false,
                End::Again => {
                    self.heals = false;
                    true
                }
                End::Died { why, ran_well } => {
                    self.failures = if ran_well { 0 } else { self.failures + 1 };
                    let state = if self.is_failing() { State::Failing } else { State::Restarting };
                    self.pause(state, why).await
                }
                End::NotStarted(why) => {
                    self.failures = FAILING_AFTER;
                    self.pause(State::Failing, why).await
                }
                End::Refused(why) => self.pause(State::Refused, why).await,
            };
        }
    }

    /// Waits until those it comes after are ready; one that fails or is not wanted holds nobody back. False: it was
    /// told to stop meanwhile.
    async fn wait_for_predecessors(&mut self) -> bool {
        let after = self.spec.after.clone();
        self.show(|row| row.state = State::Waiting);
        let registry = self.shared.registry.clone();
        let settled =
            |rows: &[Instance]| rows.iter().filter(|row| after.contains(&row.name)).all(|row| row.state.is_settled());
        tokio::select! { biased;
            ask = self.asks.recv() => !matches!(ask, None | Some(Ask::Stop)),
            _ = registry.wait_until(Duration::MAX, settled) => true,
        }
    }

    /// Starts the process and stays with it until it is gone.
    async fn run(&mut self) -> End {
        let heals = self.heals;
        let begun = |row: &mut Instance| row.run = Run { number: row.run.number + 1, heals, took: None };
        let mut process = match self.start(self.free_address()) {
            Ok(process) => process,
            Err(why) => {
                self.show(begun);
                return End::NotStarted(why);
            }
        };
        let started = Instant::now();
        let pid = process.pid();
        let state = if self.is_failing() { State::Failing } else { State::Starting };
        self.show(|row| {
            begun(row);
            row.state = state;
            row.has_no_process();
            row.pid = Some(pid);
            if state == State::Starting {
                row.detail = None;
            }
        });
        let mut watch = Watch::new(self.shared.http.clone());
        let mut ready_since: Option<Instant> = None;
        loop {
            tokio::select! { biased;
                ask = self.asks.recv() => match ask {
                    Some(Ask::Start) => {}
                    Some(Ask::Kill) => process.kill(),
                    Some(Ask::Restart) if self.spec.name == GATEWAY && ready_since.is_some() => {
                        watch = self.take_over(&mut process).await.unwrap_or(watch);
                    }
                    Some(Ask::Restart) => {
                        self.stop(process).await;
                        return End::Again;
                    }
                    Some(Ask::Stop) | None => {
                        self.stop(process).await;
                        return End::Stopped;
                    }
                },
                happening = process.next() => match happening {
                    Happening::Ended { why, refused: true } => return End::Refused(why),
                    Happening::Ended { why, refused: false } => {
                        let ran_well = ready_since.is_some_and(|since| since.elapsed() >= RAN_WELL);
                        return End::Died { why, ran_well };
                    }
                    Happening::Said(Said::Ready) => watch.nudge(),
                    Happening::Said(Said::Listening { addr }) => {
                        self.found_at(&addr);
                        watch.follow(addr);
                    }
                    Happening::Said(other) => self.note(other),
                },
                Some(answer) = watch.next() => {
                    if answer.ready.is_ok() && ready_since.is_none() {
                        ready_since = Some(Instant::now());
                        self.show(|row| row.run.took = Some(started.elapsed()));
                    }
                    self.heard_readiness(answer, ready_since.is_some());
                }
            }
        }
    }

    /// Starts another process in the place of this one, which answers what it has once the other is ready; or goes on.
    async fn take_over(&mut self, process: &mut Process) -> Option<Watch> {
        let began = Instant::now();
        match self.successor().await {
            Ok(next) => {
                self.retire(std::mem::replace(process, next.process));
                self.found_at(&next.addr);
                self.show(|row| (row.refused, row.behind) = (None, false));
                next.said.into_iter().for_each(|said| self.note(said));
                let pid = process.pid();
                self.show(|row| {
                    row.run = Run { number: row.run.number + 1, heals: false, took: Some(began.elapsed()) };
                    row.state = State::Ready;
                    row.pid = Some(pid);
                    row.detail = None;
                    row.not_replaced = None;
                });
                Some(next.watch)
            }
            Err(why) => {
                self.stays(why);
                None
            }
        }
    }

    /// Starts one that is to take over, and stays with it until it is ready. What is asked meanwhile is heard afterwards.
    async fn successor(&mut self) -> Result<Successor, String> {
        let mut process = self.start(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut watch = Watch::new(self.shared.http.clone());
        let mut found = None;
        let mut said = Vec::new();
        let ready = async {
            loop {
                tokio::select! { biased;
                    happening = process.next() => match happening {
                        Happening::Ended { why, .. } => return Err(why),
                        Happening::Said(Said::Ready) => watch.nudge(),
                        Happening::Said(Said::Listening { addr }) => {
                            watch.follow(addr.clone());
                            found = Some(addr);
                        }
                        Happening::Said(other) => said.push(other),
                    },
                    Some(report) = watch.next() => if let (Ok(_), Some(addr)) = (report.ready, &found) {
                        return Ok(addr.clone());
                    }
                }
            }
        };
        let ready = tokio::time::timeout(TAKING_OVER, ready).await;
        match ready.unwrap_or_else(|_| Err(format!("it was not ready within {TAKING_OVER:?}"))) {
            Ok(addr) => Ok(Successor { process, addr, watch, said }),
            Err(why) => {
                process.kill();
                process.ended().await;
                Err(why)
            }
        }
    }

    /// Lets one answer what it has, while another one has taken over.
    fn retire(&mut self, mut process: Process) {
        while self.retired.try_join_next().is_some() {}
        process.terminate();
        self.retired.spawn(async move {
            if tokio::time::timeout(LAST_ANSWERS, process.ended()).await.is_err() {
                process.kill();
                process.ended().await;
            }
        });
    }

    fn stays(&self, why: String) {
        let slot = &self.spec.slot;
        self.shared.logs.note("WARN", &format!("{slot} goes on: the one that was to take over was not ready: {why}"));
        self.show(|row| {
            row.run.number += 1;
            row.not_replaced = Some(why);
        });
    }

    /// Remembers where the process listens, for the next start and for whoever routes to it.
    fn found_at(&mut self, addr: &str) {
        self.address = addr.parse().ok().or(self.address);
        let own = format!("http://{addr}");
        let url = self.public.clone().unwrap_or_else(|| own.clone());
        self.shared.listens(&self.spec, &url);
        self.show(|row| {
            row.own_url = Some(own).filter(|own| *own != url);
            row.url = Some(url);
        });
    }

    /// What it says of its settings.
    fn note(&self, said: Said) {
        self.show(|row| match said {
            Said::Settings { revision, settings } => {
                row.revision = Some(revision);
                row.settings = Some(settings.into());
            }
            Said::Refused { revision, reason } => row.refused = Some((revision, reason)),
            Said::Ready | Said::Listening { .. } => {}
        });
    }

    fn heard_readiness(&mut self, answer: Report, was_ready: bool) {
        if let Some(revision) = answer.revision {
            self.show(|row| row.revision = Some(revision));
        }
        match answer.ready {
            Ok(note) => {
                self.show(|row| (row.state, row.detail) = (State::Ready, note));
            }
            Err(_) if self.is_failing() && !was_ready => {}
            Err(why) => self.show(|row| {
                row.state = if was_ready { State::Unready } else { State::Starting };
                row.detail = Some(why);
            }),
        }
    }

    fn start(&mut self, listen: SocketAddr) -> Result<Process, String> {
        let program = match &self.spec.command {
            Command::Own => self.shared.own.clone(),
            Command::Named(name) => find_binary(name, &self.shared.base, &self.shared.own)?,
        };
        let fill = |text: &String| fill(text, |name| self.shared.url_of(name));
        let args = self.spec.args.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
        let mut env = self.environment(listen);
        for (name, value) in &self.spec.env {
            env.push((name.clone(), fill(value)?));
        }
        let mut sockets = Vec::new();
        if self.spec.name == GATEWAY {
            let handed = self.shared.front.take(&self.spec.slot)?;
            env.push(("LISTEN_FDS".to_owned(), handed.sockets.len().to_string()));
            env.push(("LISTEN_FDNAMES".to_owned(), handed.names.to_owned()));
            self.public = Some(handed.url);
            sockets = handed.sockets;
        }
        Process::start(&program, &args, &env, sockets, &self.spec.slot, &self.shared.logs)
    }

    /// What every child is told.
    fn environment(&self, listen: SocketAddr) -> Vec<(String, String)> {
        let (spec, data) = (&self.spec, &self.shared.data);
        let path = |path: PathBuf| path.display().to_string();
        let mut env = vec![
            ("BONGSU_NAME", spec.name.clone()),
            ("BONGSU_SLOT", spec.slot.clone()),
            ("BONGSU_LISTEN", listen.to_string()),
            ("BONGSU_STORE", format!("sqlite:{}", path(data.join(format!("{}.db", spec.name))))),
            ("BONGSU_PARENT_PIPE", "1".to_owned()),
            (MARK, self.shared.mark.clone()),
            ("BONGSU_CONFIG", path(data.join(config_file(&spec.name)))),
            ("BONGSU_CONFIG_FROM", spec.config_from.clone()),
            ("BONGSU_KEYS", path(Secrets::file_of(data, &spec.name))),
        ];
        env.extend(self.shared.url_of(BROKER).map(|url| ("BONGSU_BROKER", url)));
        env.extend(self.shared.configuration.clone().map(|folder| ("BONGSU_CONFIGURATION", path(folder))));
        if ![BROKER, GATEWAY].contains(&spec.name.as_str()) {
            env.push(("BONGSU_DIRECTORY", path(directory::file_of(data, &spec.name))));
        }
        if spec.name == GATEWAY {
            env.push(("BONGSU_SUPERVISOR", path(data.join(Address::FILE))));
        }
        env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Its last address if nobody took it meanwhile, else any free port. What an author asked for and does not get
    /// is said.
    fn free_address(&self) -> SocketAddr {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let Some(wished) = self.address else { return any };
        match can_bind(wished) {
            Ok(_) => wished,
            Err(error) => {
                let slot = &self.spec.slot;
                self.shared.logs.note("WARN", &format!("{slot}: {wished} is not free ({error}), taking a free port"));
                any
            }
        }
    }

    /// SIGTERM, and after the grace SIGKILL.
    async fn stop(&mut self, mut process: Process) {
        self.show(|row| row.state = State::Stopping);
        process.terminate();
        // What is under way at the edge is somebody's request, and its sockets live on in the others.
        let grace = if self.spec.name == GATEWAY { LAST_ANSWERS } else { GRACE };
        if tokio::time::timeout(grace, process.ended()).await.is_err() {
            let slot = &self.spec.slot;
            self.shared.logs.note("WARN", &format!("{slot} did not stop within {grace:?} and is killed"));
            process.kill();
            process.ended().await;
        }
        self.retired.shutdown().await;
        self.show(|row| {
            row.has_no_process();
            row.detail = None;
        });
    }

    /// Waits as long as its failures ask for, and one that refuses its settings until it is asked to start: it would only
    /// refuse them again. False: it was told to stop.
    async fn pause(&mut self, state: State, why: String) -> bool {
        let slot = &self.spec.slot;
        let known = self.shared.registry.matching(slot).iter().any(|row| row.state == state);
        if !known {
            self.shared.logs.note("WARN", &format!("{slot} is {}: {why}", state.word()));
        }
        self.show(|row| {
            row.has_no_process();
            row.state = state;
            row.detail = Some(why);
        });
        if matches!(state, State::Failing | State::Refused) {
            self.shared.front.leave(slot);
        }
        let pause = if state == State::Refused { Duration::MAX } else { pause(self.failures) };
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! { biased;
                ask = self.asks.recv() => match ask {
                    None | Some(Ask::Stop) => return false,
                    Some(Ask::Start | Ask::Restart) => {
                        self.trust_again();
                        return true;
                    }
                    Some(Ask::Kill) => {}
                },
                () = &mut over => break,
            }
        }
        self.heals = true;
        self.show(|row| row.restarts += 1);
        true
    }

    /// Somebody asked for it: what it did before is no matter.
    fn trust_again(&mut self) {
        self.failures = 0;
        self.heals = false;
    }

    fn is_failing(&self) -> bool {
        self.failures >= FAILING_AFTER
    }

    fn show(&self, change: impl FnOnce(&mut Instance)) {
        self.shared.registry.update(&self.spec.slot, change);
    }
}
