//! `bongsu up`: the supervisor in the foreground, or left behind with `--detach`.

use std::env::current_exe;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bongsu_host::check_clock;
use bongsu_host::config::{Config, environment};
use gateway::Tls;
use serde::Deserialize as _;
use supervisor::client::Client;
use supervisor::paths::shown;
use supervisor::progress::{Progress, is_unsaid, say, trouble};
use supervisor::registry::{Instance, State};
use supervisor::system_file::GATEWAY;
use supervisor::{DataFolder, Supervisor, SystemFile};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::{Place, Up};
use crate::gateway_process::TLS;
use crate::people;
use crate::screen::print;
use crate::whole;

/// A detached start that is not over by then is reported as it stands.
const DETACHED_START: Duration = Duration::from_secs(120);

/// Starts the system and stays with it.
pub(crate) async fn up(place: &Place, flags: &Up) -> Result<ExitCode> {
    Config::check_environment(environment())?;
    check_clock()?;
    let system = place.system()?;
    let data = place.data()?;
    if flags.detach {
        return detached(place, &system, &data, &flags.note).await;
    }
    let data = DataFolder::take(&data)?;
    data.warnings().iter().for_each(|line| say(&format!("warning: {line}")));
    let own = current_exe().context("cannot find the bongsu binary itself")?;
    let mut signals = Signals::new()?;
    say(&format!("{}: starting, data in {}", system.name, data.path().display()));
    let supervisor = Supervisor::start(&system, data, own).await?;
    let mut progress = Progress::new(supervisor.registry().clone());
    tokio::select! { biased;
        why = signals.next() => say(&format!("{why}: stopping")),
        () = supervisor.stop_asked() => say("stopping"),
        () = stay(&system, &supervisor, &mut progress, &flags.note) => {}
    }
    tokio::select! { biased;
        // Dropping the supervisor kills its children, and closes their pipes.
        _ = signals.next() => bail!("asked twice to stop: killed everything"),
        data = supervisor.stop() => {
            // While the folder is still locked: nobody starts in it meanwhile.
            whole::leave(data.path()).iter().for_each(|line| say(line));
            say("everything has stopped");
        }
    }
    // It has complained already.
    Ok(if is_unsaid() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn stay(system: &SystemFile, supervisor: &Supervisor, progress: &mut Progress, notes: &[String]) {
    progress.show_start().await;
    let rows = supervisor.registry().instances();
    let took = format!("{:.1} s", progress.elapsed().as_secs_f64());
    // First, so that whoever waits for the summary can log in.
    let people = welcome(system, supervisor.data().path(), &rows).await;
    let secure = secure(system, supervisor.data().path());
    summary(system, &rows, &took).iter().chain(&secure).chain(&people).chain(notes).for_each(|line| say(line));
    progress.show_changes().await;
}

/// Sees to it that the people of the file are there; what is to be said of that.
async fn welcome(system: &SystemFile, data: &Path, rows: &[Instance]) -> Vec<String> {
    let people = system.identity.as_ref().map_or(&[][..], |identity| &identity.people);
    let welcomed = people::welcome(data, rows, people).await;
    welcomed.unwrap_or_else(|error| {
        vec![format!("warning: nobody was made to log in as; the next start tries again: {error:#}")]
    })
}

/// What was reached, and where.
fn summary(system: &SystemFile, rows: &[Instance], took: &str) -> Vec<String> {
    let wanted = rows.iter().filter(|row| row.state != State::Stopped).count();
    let ready: Vec<&Instance> = rows.iter().filter(|row| row.state == State::Ready).collect();
    let mut lines = vec![format!("{}: {} of {wanted} ready in {took}", system.name, ready.len())];
    for row in &ready {
        lines.push(format!("  {:16} {}", row.instance, row.url.as_deref().unwrap_or_default()));
    }
    let wished = format!("http://{}", system.gateway_address());
    let gateway = rows.iter().find(|row| row.name == GATEWAY).and_then(|row| row.url.clone());
    if let Some(url) = gateway {
        if url != wished && system.gateway_address().port() != 0 {
            lines.push(format!("{wished} was not free: the gateway listens on {url}"));
        }
        lines.push(format!("open {url}    (bongsu ps, bongsu logs -f, bongsu stop)"));
    }
    lines
}

/// Where TLS is spoken, and whom to believe.
fn secure(system: &SystemFile, data: &Path) -> Vec<String> {
    let Some(tls) = system.gateway.config.get("tls") else { return Vec::new() };
    // The gateway has said what is wrong with it.
    let Ok(Tls { listen, certificate, .. }) = Tls::deserialize(tls.clone()) else { return Vec::new() };
    let mut lines = vec![format!("or https://{listen}, with HTTP/2")];
    if certificate.is_none() {
        let authority = data.join(TLS).join("authority.pem");
        lines.push(format!("  its certificate is for development: curl --cacert {}", shown(&authority)));
        lines.push("  a browser believes it when that file is among its authorities".to_owned());
    }
    lines
}

/// Starts `bongsu up` in a session of its own and waits until everything is ready.
async fn detached(place: &Place, system: &SystemFile, data: &Path, notes: &[String]) -> Result<ExitCode> {
    // Taken and given back: what is wrong with the folder is said here, not in a file.
    drop(DataFolder::take(data)?);
    let said = data.join("logs/up.log");
    let output = File::create(&said).with_context(|| format!("cannot write {}", said.display()))?;
    let mut command = Command::new(current_exe().context("cannot find the bongsu binary itself")?);
    command.arg("up").arg("--data").arg(data);
    if let Some(file) = &place.file {
        command.arg("--file").arg(file);
    }
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
    let mut child = command.spawn().context("cannot start bongsu")?;
    let deadline = tokio::time::Instant::now() + DETACHED_START;
    loop {
        if let Some(status) = child.try_wait()? {
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            bail!("the system did not start ({status}): {}", text.lines().last().unwrap_or("it said nothing"));
        }
        let over = tokio::time::Instant::now() > deadline;
        let rows = match Client::find(data) {
            Ok(client) => client.instances().await,
            Err(error) => Err(error),
        };
        if over && let Err(error) = &rows {
            bail!("the system has not said how it is within {DETACHED_START:?}: {error}");
        }
        if let Ok(rows) = rows
            && (over || rows.iter().all(|row| row.state.is_settled()))
        {
            let mut also = welcome(system, data, &rows).await;
            also.extend_from_slice(notes);
            return left_running(system, &rows, &also);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Says what a detached start came to: what is wrong first, as in the foreground, and that it is no success.
fn left_running(system: &SystemFile, rows: &[Instance], also: &[String]) -> Result<ExitCode> {
    let bad: Vec<&Instance> = rows.iter().filter(|row| !matches!(row.state, State::Ready | State::Stopped)).collect();
    bad.iter().map(|row| trouble(row).unwrap_or_else(|| crate::ps::line(row))).all(|line| print(&line));
    summary(system, rows, "the background").iter().chain(also).all(|line| print(line));
    if !bad.is_empty() {
        let names: Vec<&str> = bad.iter().map(|row| row.instance.as_str()).collect();
        bail!("not ready: {}; everything else is left running ('bongsu ps', 'bongsu stop')", names.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// The signals that ask a foreground process to end. One that was ignored when it was started stays ignored: whoever wrote
/// `nohup bongsu up &` meant it.
struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> Result<Self> {
        let ignored = ignored_signals();
        let listen = |kind: SignalKind| match ignored & (1 << (kind.as_raw_value() - 1)) {
            0 => signal(kind).context("cannot listen to signals").map(Some),
            _ => Ok(None),
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! { biased;
            () = heard(&mut self.interrupt) => "interrupted",
            () = heard(&mut self.terminate) => "terminated",
            () = heard(&mut self.hangup) => "the terminal is gone",
        }
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// A bit for each signal this process was started to ignore: `SigIgn` of `/proc/self/status` (proc(5)). Where there is no
/// such file, none.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
