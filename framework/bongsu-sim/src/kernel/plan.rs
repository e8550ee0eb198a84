//! What may go wrong in a run, and how often.

use std::{fmt, time::Duration};

use crate::kernel::chance::{Chance, Dice, Span};

/// Everything about a run that is not the seed or the scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What goes wrong by chance, until [`Sim::heal`](crate::Sim::heal).
    pub faults: Faults,
    /// What goes wrong at a certain place.
    pub crash_at: Vec<CrashAt>,
    /// And counted over everything a node does.
    pub crash_on: Vec<CrashOn>,
    /// Bugs planted by name: those of `faults/mutants.rs`, and what a scenario asks [`SimEnv::bug`](crate::SimEnv::bug) for.
    pub bugs: Vec<String>,
    /// A run longer than this, in virtual time, has failed.
    pub limit: Duration,
    /// How many trace entries are kept for a failure.
    pub trace: usize,
    /// Whether every poll of a task, and every step of a call that only reads, is kept in the trace too.
    pub trace_all: bool,
    /// Whether what services log (`tracing`) is kept in the trace too. Neither changes the hash.
    pub logs: bool,
}

/// Kills a node when it passes a named step for the n-th time, all its incarnations counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// Only this node; any when `None`.
    pub node: Option<String>,
    /// The step's name.
    pub point: String,
    /// 1 = the first time.
    pub hit: u64,
}

/// Kills a node at the n-th step of all its steps, all its incarnations counted.
///
/// Every call of a port is two steps or three, before it, once it is applied, and after it was answered; every named
/// step is one. So a node that dies on n = 1, 2, 3… dies between any two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashOn {
    /// This node.
    pub node: String,
    /// 1 = its first step.
    pub step: u64,
}

/// Chances and periods. [`Faults::none`] has latencies and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// A node dies at a step.
    pub crash: Chance,
    /// Some node dies at any await, about this often.
    pub crash_every: Option<Duration>,
    /// How long a node that died by chance or plan stays down.
    pub restart: Span,
    /// Some node stands still while time goes on (SIGSTOP, a long collection), about this often.
    pub pause_every: Option<Duration>,
    /// For so long.
    pub pause: Span,
    /// A ready task of a node is not run for a while (a busy machine): each poll.
    pub lag: Chance,
    /// For so long.
    pub lag_for: Span,
    /// Some node's wall clock jumps, about this often.
    pub clock_every: Option<Duration>,
    /// By at most so much, either way. A timer set on a clock that is ahead is late by as much: whoever waits for
    /// quiet has to wait longer.
    pub clock: Duration,
    /// A published message appears again later at a new offset; each message, each time.
    pub duplicate: Chance,
    /// Calls of a store.
    pub store: PortFaults,
    /// Calls of a broker.
    pub broker: PortFaults,
    /// Requests to the outside world.
    pub http: PortFaults,
    /// Questions a client asks a node, see [`Node::ask`](crate::Node::ask).
    pub asks: PortFaults,
}

/// What may happen to one call of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFaults {
    /// One way, usually.
    pub latency: Span,
    /// How often it takes longer.
    pub slow: Chance,
    /// One way, then.
    pub slow_latency: Span,
    /// It certainly did not happen, and the caller is told.
    pub refused: Chance,
    /// It did not happen, and the caller cannot know.
    pub lost: Chance,
    /// It happened, and the caller cannot know.
    pub ack_lost: Chance,
    /// The caller gives up, and it happens later. Broker and HTTP; elsewhere it is `ack_lost`, because a store
    /// keeps the order of its calls.
    pub late: Chance,
    /// A part of it happened (the first messages of a batch), and the caller is told to try again. Broker only;
    /// elsewhere it is `ack_lost`.
    pub partial: Chance,
    /// Down as a whole, about this often.
    pub down_every: Option<Duration>,
    /// For so long.
    pub down: Span,
}

impl Plan {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            faults: Faults::none(),
            crash_at: Vec::new(),
            crash_on: Vec::new(),
            bugs: Vec::new(),
            limit: Duration::from_secs(24 * 3600),
            trace: 256,
            trace_all: false,
            logs: false,
        }
    }

    /// Each seed turns on its own subset of all faults (swarm testing, Groce et al. 2012): a run in which
    /// everything fails all the time rarely gets far enough to fail in an interesting way.
    pub fn swarm(seed: u64) -> Self {
        Self { faults: Faults::swarm(&mut Dice::new(seed, "swarm")), ..Self::calm() }
    }

    /// Every fault at once, at moderate rates.
    pub fn storm() -> Self {
        Self { faults: Faults::storm(), ..Self::calm() }
    }

    /// Adds a crash at a place.
    #[must_use]
    pub fn crash_at(mut self, node: Option<&str>, point: &str, hit: u64) -> Self {
        self.crash_at.push(CrashAt { node: node.map(str::to_owned), point: point.to_owned(), hit });
        self
    }

    /// Plants a bug.
    #[must_use]
    pub fn bug(mut self, name: &str) -> Self {
        self.bugs.push(name.to_owned());
        self
    }
}

impl Faults {
    /// Latencies only.
    pub fn none() -> Self {
        Self {
            crash: Chance::NEVER,
            crash_every: None,
            restart: Span::millis(10, 3_000),
            pause_every: None,
            pause: Span::millis(100, 5_000),
            lag: Chance::NEVER,
            lag_for: Span::micros(10, 50_000),
            clock_every: None,
            clock: Duration::from_secs(20),
            duplicate: Chance::NEVER,
            store: PortFaults::none(Span::micros(50, 2_000)),
            broker: PortFaults::none(Span::micros(100, 2_000)),
            http: PortFaults::none(Span::micros(500, 20_000)),
            asks: PortFaults::none(Span::micros(100, 2_000)),
        }
    }

    /// All of them, moderately.
    pub fn storm() -> Self {
        Self {
            crash: Chance::one_in(5_000),
            crash_every: Some(Duration::from_secs(10)),
            pause_every: Some(Duration::from_secs(20)),
            clock_every: Some(Duration::from_secs(30)),
            lag: Chance::one_in(200),
            duplicate: Chance::one_in(20),
            ..Self::none().with_ports(&mut Dice::new(0, "storm"), || true)
        }
    }

    /// A random half of them at random rates.
    pub fn swarm(dice: &mut Dice) -> Self {
        let mut coins = Dice::new(dice.bits(), "coins");
        let mut every = |dice: &mut Dice, from: u64, to: u64| {
            let period = dice.span(Span::millis(from, to));
            coins.coin().then_some(period)
        };
        let (crash_every, pause_every) = (every(dice, 2_000, 30_000), every(dice, 5_000, 60_000));
        let clock_every = every(dice, 5_000, 60_000);
        let mut rate = |dice: &mut Dice, from: u64, to: u64| {
            let rate = Chance::one_in((from + dice.below(to - from)) as u32);
            if coins.coin() { rate } else { Chance::NEVER }
        };
        let (crash, lag, duplicate) = (rate(dice, 500, 20_000), rate(dice, 20, 2_000), rate(dice, 3, 100));
        Self {
            crash,
            crash_every,
            pause_every,
            lag,
            clock_every,
            duplicate,
            ..Self::none().with_ports(dice, || coins.coin())
        }
    }

    /// Every fault of every port that is `on`, at a random rate.
    fn with_ports(mut self, dice: &mut Dice, mut on: impl FnMut() -> bool) -> Self {
        for port in [&mut self.store, &mut self.broker, &mut self.http, &mut self.asks] {
            port.draw(dice, &mut on);
        }
        // Those that a port does not know are off, so that what is said to have happened has happened.
        self.store.late = Chance::NEVER;
        self.asks.late = Chance::NEVER;
        self.asks.down_every = None;
        for port in [&mut self.store, &mut self.http, &mut self.asks] {
            port.partial = Chance::NEVER;
        }
        self
    }
}

impl PortFaults {
    /// Latency only.
    pub fn none(latency: Span) -> Self {
        Self {
            latency,
            slow: Chance::NEVER,
            slow_latency: Span::millis(5, 1_000),
            refused: Chance::NEVER,
            lost: Chance::NEVER,
            ack_lost: Chance::NEVER,
            late: Chance::NEVER,
            partial: Chance::NEVER,
            down_every: None,
            down: Span::millis(50, 10_000),
        }
    }

    fn draw(&mut self, dice: &mut Dice, mut on: impl FnMut() -> bool) {
        let chances =
            [&mut self.slow, &mut self.refused, &mut self.lost, &mut self.ack_lost, &mut self.late, &mut self.partial];
        for chance in chances {
            let rate = Chance::one_in(15 + dice.below(300) as u32);
            *chance = if on() { rate } else { Chance::NEVER };
        }
        let period = dice.span(Span::millis(10_000, 60_000));
        self.down_every = on().then_some(period);
    }
}

/// One line for each port, with what is on and nothing else.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults { crash, crash_every, pause_every, lag, clock_every, duplicate, .. } = &self.faults;
        write!(f, "plan:")?;
        chances(f, &[("crash", crash), ("lag", lag), ("duplicate", duplicate)])?;
        periods(f, &[("crash", crash_every), ("pause", pause_every), ("clock", clock_every)])?;
        for crash in &self.crash_at {
            write!(f, " crash-at {}:{}:{}", crash.node.as_deref().unwrap_or("any"), crash.point, crash.hit)?;
        }
        self.crash_on.iter().try_for_each(|crash| write!(f, " crash-on {}:{}", crash.node, crash.step))?;
        self.bugs.iter().try_for_each(|bug| write!(f, " BUG {bug}"))?;
        let Faults { store, broker, http, asks, .. } = &self.faults;
        for (name, port) in [("store", store), ("broker", broker), ("http", http), ("asks", asks)] {
            let PortFaults { slow, refused, lost, ack_lost, late, partial, down_every, .. } = port;
            write!(f, "\n  {name}:")?;
            chances(f, &[("slow", slow), ("refused", refused), ("lost", lost), ("ack-lost", ack_lost)])?;
            chances(f, &[("late", late), ("partial", partial)])?;
            periods(f, &[("down", down_every)])?;
        }
        Ok(())
    }
}

fn chances(f: &mut fmt::Formatter<'_>, all: &[(&str, &Chance)]) -> fmt::Result {
    let mut on = all.iter().filter(|(_, chance)| **chance != Chance::NEVER);
    on.try_for_each(|(name, chance)| write!(f, " {name} {chance:?}"))
}

fn periods(f: &mut fmt::Formatter<'_>, all: &[(&str, &Option<Duration>)]) -> fmt::Result {
    let mut on = all.iter().filter_map(|(name, period)| Some((name, (**period)?)));
    on.try_for_each(|(name, period)| write!(f, " {name} every {period:?}"))
}

impl Default for Plan {
    fn default() -> Self {
        Self::calm()
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}
