//! Shows a system starting: spinners on a terminal, plain lines otherwise; later only what changes.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::registry::{Instance, Registry, State};

/// What is on screen.
pub struct Progress {
    registry: Arc<Registry>,
    shown: BTreeMap<String, Instance>,
    screen: Screen,
    began: Instant,
}

enum Screen {
    Terminal { all: MultiProgress, bars: BTreeMap<String, ProgressBar> },
    Lines,
}

impl Progress {
    /// A display of that registry on stdout.
    pub fn new(registry: Arc<Registry>) -> Self {
        let screen = if io::stdout().is_terminal() {
            Screen::Terminal { all: MultiProgress::new(), bars: BTreeMap::new() }
        } else {
            Screen::Lines
        };
        Self { registry, shown: BTreeMap::new(), screen, began: Instant::now() }
    }

    /// Shows every instance until it is ready, failing or not wanted. False: some are failing.
    pub async fn show_start(&mut self) -> bool {
        let mut revision = self.registry.watch();
        loop {
            let rows = self.registry.instances();
            self.show(&rows);
            if rows.iter().all(|row| row.state.is_settled()) {
                self.close_bars();
                return rows.iter().all(|row| !matches!(row.state, State::Failing | State::Refused));
            }
            if revision.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Shows what changes, until it is dropped.
    pub async fn show_changes(&mut self) {
        let mut revision = self.registry.watch();
        while revision.changed().await.is_ok() {
            let rows = self.registry.instances();
            self.show(&rows);
        }
    }

    /// How long the start took.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn show(&mut self, rows: &[Instance]) {
        for row in rows {
            let before = self.shown.insert(row.instance.clone(), row.clone());
            if before.as_ref() == Some(row) {
                continue;
            }
            match &mut self.screen {
                Screen::Terminal { all, bars } => {
                    let bar = bars.entry(row.instance.clone()).or_insert_with(|| spinner(all, &row.instance));
                    draw(bar, row);
                }
                Screen::Lines => {
                    if let Some(line) = change(before.as_ref(), row) {
                        say(&line);
                    }
                }
            }
        }
    }

    fn close_bars(&mut self) {
        if let Screen::Terminal { bars, .. } = &self.screen {
            bars.values().filter(|bar| !bar.is_finished()).for_each(ProgressBar::abandon);
        }
        // From here on even a terminal gets lines: spinners would fight with what the user types.
        self.screen = Screen::Lines;
    }
}

/// Why the first line that could not be said could not.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Prints a line. A stdout that is closed or full is no reason to stop a system; that it is full is said, once.
pub fn say(line: &str) {
    let Err(error) = writeln!(io::stdout(), "{line}") else { return };
    if error.kind() != io::ErrorKind::BrokenPipe && UNSAID.get().is_none() {
        let _ = writeln!(io::stderr(), "bongsu: cannot write to stdout: {error}; the system goes on without it");
        let _ = UNSAID.set(error);
    }
}

/// Whether something was to be said that could not be.
pub fn is_unsaid() -> bool {
    UNSAID.get().is_some()
}

/// The line for a change worth one.
fn change(before: Option<&Instance>, now: &Instance) -> Option<String> {
    let was = before.map(|row| row.state);
    let is_same_run = before.is_some_and(|row| row.run.number == now.run.number);
    if was == Some(now.state) {
        return None;
    }
    let slot = &now.instance;
    let why = now.detail.as_deref().unwrap_or("no reason given");
    match now.state {
        State::Ready if was == Some(State::Unready) && is_same_run => Some(format!("{slot} is ready again")),
        State::Ready if now.run.heals => Some(format!("{slot} is ready again (restart {})", now.restarts)),
        State::Ready => {
            let (url, took) = (now.url.as_deref().unwrap_or_default(), now.run.took.unwrap_or_default());
            Some(format!("{slot} is ready at {url} ({:.1} s)", took.as_secs_f64()))
        }
        State::Restarting => Some(format!("{slot} {why}; starting it again")),
        State::Failing | State::Refused => trouble(now),
        State::Unready => Some(format!("{slot} is not ready: {why}")),
        State::Stopped if before.is_some_and(|row| row.state == State::Stopping) => Some(format!("{slot} has stopped")),
        _ => None,
    }
}

/// What keeps one from becoming ready, and what to do about it, if it does not come by itself.
pub fn trouble(now: &Instance) -> Option<String> {
    let slot = &now.instance;
    let why = now.detail.as_deref().unwrap_or("no reason given");
    match now.state {
        State::Failing => Some(format!("{slot} is failing: {why} (tried again every 5 s; see 'bongsu logs {slot}')")),
        State::Refused => {
            Some(format!("{slot} is not started again: {why} (once that is mended: 'bongsu stop', 'bongsu up')"))
        }
        _ => None,
    }
}

fn spinner(all: &MultiProgress, slot: &str) -> ProgressBar {
    let bar = all.add(ProgressBar::new_spinner());
    let style = ProgressStyle::with_template("{spinner} {prefix:16} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    bar.set_style(style.tick_chars("⠁⠃⠇⠧⠷⠿ "));
    bar.set_prefix(slot.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn draw(bar: &ProgressBar, row: &Instance) {
    let text = match (row.state, &row.detail) {
        (State::Ready, _) => format!("ready at {}", row.url.as_deref().unwrap_or_default()),
        (state, Some(detail)) => format!("{}: {detail}", state.word()),
        (state, None) => state.word().to_owned(),
    };
    match row.state {
        State::Ready | State::Failing | State::Refused => bar.finish_with_message(text),
        _ => bar.set_message(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Run;

    fn row(state: State, restarts: u32, run: Run) -> Instance {
        let (name, instance, url) = ("door".into(), "door-1".into(), Some("http://127.0.0.1:1".into()));
        Instance { name, pid: Some(1), url, state, restarts, run, ..Instance::not_yet(instance) }
    }

    #[test]
    fn who_is_ready_is_said_with_how_it_came_to_run_and_how_long_that_start_took() {
        let run = |number, heals| Run { number, heals, took: Some(Duration::from_millis(1_240)) };
        let said = |before: Instance, now: Instance| change(Some(&before), &now).unwrap();
        let starting = |number| row(State::Starting, 0, Run { number, ..Run::default() });
        assert_eq!(
            said(starting(1), row(State::Ready, 0, run(1, false))),
            "door-1 is ready at http://127.0.0.1:1 (1.2 s)"
        );
        assert_eq!(said(starting(2), row(State::Ready, 1, run(2, true))), "door-1 is ready again (restart 1)");
        // An operator's start is none after a death, though it died once before.
        assert_eq!(
            said(starting(3), row(State::Ready, 1, run(3, false))),
            "door-1 is ready at http://127.0.0.1:1 (1.2 s)"
        );
        // The same process, which had something in its way.
        let unready = row(State::Unready, 1, run(3, false));
        assert_eq!(said(unready.clone(), row(State::Ready, 1, run(3, false))), "door-1 is ready again");
        assert_eq!(said(unready, row(State::Ready, 2, run(4, true))), "door-1 is ready again (restart 2)");
    }
}
